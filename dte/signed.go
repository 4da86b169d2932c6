package dte

import (
	"crypto/x509"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// What the books, the answers of an exchange and the cessions share: a root, the one element that it signs, and in some
// of them parts that are signed themselves.

// enclose puts <name> around an element and its signature. <name> itself declares both namespaces that the signature
// inherits, so a part verifies alike where it stands and cut out: the SII's documents do not say which of the two a
// reader does. With a schema it is the root of a file, in the line where the SII looks for schemaLocation.
func (s *Signer) enclose(name, schema string, signed []byte) ([]byte, error) {
	open := "<" + name + string(inEnvelope)
	if schema != "" {
		open += ` xsi:schemaLocation="` + nsSII + " " + schema + `"`
	}
	open, end := open+" version=\"1.0\">\n", "</"+name+">"
	doc, err := xmltree.Parse(join([]byte(open), signed, []byte(end)), xmltree.Latin1, envelopeLimits)
	if err != nil {
		return nil, err
	}
	body := doc.Root.Children[0]
	signature, _, err := s.signature(body.Attr("ID"), doc.Canonical(body, true), inEnvelope)
	if err != nil {
		return nil, err
	}
	return join([]byte(open), signed, signature, []byte("\n"+end)), nil
}

// file is enclose for a whole file.
func (s *Signer) file(name, schema string, w *writer) ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	root, err := s.enclose(name, schema, w.b.Bytes())
	if err != nil {
		return nil, err
	}
	return join([]byte(Declaration), root, []byte("\n")), nil
}

// signedFile is a file whose root's signature holds.
type signedFile struct {
	doc    *xmltree.Doc
	body   *xmltree.Node // what the root's signature signs
	signer RUT
	ids    map[string]int // how often each ID is used
}

// openSigned reads a file and verifies the signature of its root.
func openSigned(xml []byte, root, child string) (*signedFile, error) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		return nil, err
	}
	f := &signedFile{doc: doc, ids: map[string]int{}}
	countIDs(doc.Root, f.ids)
	if doc.Root.Name != root || doc.Root.Namespace() != nsSII {
		return nil, fmt.Errorf("empieza con <%s> y se esperaba <%s>", clipText(doc.Root.Name, 40), root)
	}
	body, signers, err := f.part(doc.Root, child, 1)
	if err != nil {
		return nil, err
	}
	f.body, f.signer = body, signers[0]
	return f, nil
}

func countIDs(n *xmltree.Node, ids map[string]int) {
	if id := n.Attr("ID"); id != "" {
		ids[id]++
	}
	for _, c := range n.Children {
		countIDs(c, ids)
	}
}

// part is an element that holds another one and its signatures, 1 to most, all verified. It returns the signed element
// and who signed.
func (f *signedFile) part(n *xmltree.Node, child string, most int) (*xmltree.Node, []RUT, error) {
	signatures := n.All("Signature")
	if len(n.Children) != 1+len(signatures) || n.Children[0].Name != child || len(signatures) == 0 || len(signatures) > most {
		return nil, nil, fmt.Errorf("%w: <%s> debe traer un <%s> y su firma", ErrSignature, n.Local(), child)
	}
	var signers []RUT
	for i := range signatures {
		cert, err := f.certified(n, 1+i)
		if err != nil {
			return nil, nil, fmt.Errorf("<%s>: %w", n.Local(), err)
		}
		signer, err := certificateRUT(cert)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrSignature, err)
		}
		signers = append(signers, signer)
	}
	return n.Children[0], signers, nil
}

// certified verifies one signature of a part, where it stands or with the part cut out: both are in use.
func (f *signedFile) certified(n *xmltree.Node, signature int) (*x509.Certificate, error) {
	id := n.Children[0].Attr("ID")
	if f.ids[id] != 1 {
		return nil, fmt.Errorf("%w: el elemento firmado debe tener un ID único", ErrSignature)
	}
	cert, err := verifyIn(f.doc, n, signature)
	if err != nil && n.Parent != nil {
		if cut, cutErr := xmltree.Parse(f.doc.Bytes(n), f.doc.Encoding, envelopeLimits); cutErr == nil {
			if alone, aloneErr := verifyIn(cut, cut.Root, signature); aloneErr == nil {
				cert, err = alone, nil
			}
		}
	}
	if err == nil && cert == nil {
		err = fmt.Errorf("%w: falta el certificado", ErrSignature)
	}
	return cert, err
}

func verifyIn(doc *xmltree.Doc, n *xmltree.Node, signature int) (*x509.Certificate, error) {
	ref, err := readSignedInfo(doc, n.Children[signature])
	if err != nil {
		return nil, err
	}
	if id := n.Children[0].Attr("ID"); ref.uri != "#"+id {
		return nil, fmt.Errorf("%w: firma %s y el elemento es #%s", ErrSignature, clipText(ref.uri, 40), clipText(id, 40))
	}
	return checkSignature(doc, n.Children[signature], ref, digestOf(doc, n.Children[0]))
}

// readBackAs returns xml if it reads as what was meant.
func readBackAs[T any](xml []byte, meant *T, verify func([]byte) (*T, error)) ([]byte, error) {
	read, err := verify(xml)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReadBack, err)
	}
	if !reflect.DeepEqual(read, meant) {
		return nil, ErrReadBack
	}
	return xml, nil
}

// What these files write besides what documents write.

func (w *writer) fail(name, format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
}

// limited writes a text that must be there and may not be longer than the schema lets it be.
func (w *writer) limited(name, text string, least, most int) {
	switch n := utf8.RuneCountInString(text); {
	case n < least && n == 0:
		w.fail(name, "falta")
	case n < least:
		w.fail(name, "«%s» es muy corto: van %d caracteres o más", text, least)
	case n > most:
		w.fail(name, "«%s» tiene %d caracteres y caben %d", clipText(text, 60), n, most)
	}
	w.must(name, text)
}

// optionalText is limited unless it is empty.
func (w *writer) optionalText(name, text string, most int) {
	if text != "" {
		w.limited(name, text, 1, most)
	}
}

// digits writes a number of at least one and at most so many digits, least or more.
func (w *writer) digits(name string, v, least int64, most int) {
	text := strconv.FormatInt(v, 10)
	if v < least || len(text) > most {
		w.fail(name, "%d no es válido: va un número de %d o más, de hasta %d dígitos", v, least, most)
	}
	w.must(name, text)
}

func (w *writer) rut(name string, r RUT) {
	if r == 0 {
		w.fail(name, "falta el RUT")
	}
	w.must(name, r.String())
}

func (w *writer) day(name string, d Date) {
	if d.IsZero() {
		w.fail(name, "falta la fecha")
	}
	w.must(name, d.String())
}

// amount writes an amount that the schema wants without sign, zero included.
func (w *writer) amount(name string, p money.Pesos) {
	if p < 0 {
		w.fail(name, "$%s es negativo", p)
	}
	w.must(name, p.XML())
}

func (w *writer) openID(name, id string) { w.b.WriteString("<" + name + ` ID="` + id + "\">\n") }

func (w *writer) openVersion(name string) { w.b.WriteString("<" + name + " version=\"1.0\">\n") }

// lines appends what is already written, and a line end.
func (w *writer) lines(xml []byte) {
	w.b.Write(xml)
	w.b.WriteByte('\n')
}

// once refuses a child that is there twice: two readers could take either.
func (r *reader) once(n *xmltree.Node, repeated ...string) {
	if n == nil {
		return
	}
	for i, c := range n.Children {
		if slices.Contains(repeated, c.Local()) {
			continue
		}
		if slices.ContainsFunc(n.Children[:i], func(e *xmltree.Node) bool { return e.Local() == c.Local() }) {
			r.fail(c.Local(), "", "está dos veces")
			return
		}
	}
}

// only is a child that must be there once.
func (r *reader) only(n *xmltree.Node, name string) *xmltree.Node {
	all := n.All(name)
	if len(all) != 1 {
		r.fail(name, strconv.Itoa(len(all)), "debe estar una vez")
		return &xmltree.Node{}
	}
	return all[0]
}

// optionalRUT is zero when the element is not there.
func (r *reader) optionalRUT(n *xmltree.Node, name string) RUT {
	if n.Child(name) == nil {
		return 0
	}
	return r.rut(n, name)
}

// asWritten is a moment as a document says it: whole seconds in Santiago.
func asWritten(t time.Time) (time.Time, error) { return parseStamp(stamp(t)) }

// wrapped says err as one of a kind, once.
func wrapped(kind, err error) error {
	if err == nil || errors.Is(err, kind) {
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
