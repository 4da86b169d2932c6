package dte

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/dte/xmltree"
)

// Resolucion is what authorises a company to emit, in one environment: in production the resolution's number, in
// certification 0 with the company's own date. A wrong one makes the SII refuse the whole envelope (CRT-3-19).
type Resolucion struct {
	Nro int  `json:"nro"`
	Fch Date `json:"fch"`
}

// ErrEnvelope: the documents cannot go in one envelope, or what was read is not a valid one.
var ErrEnvelope = errors.New("el sobre no es válido")

// What one envelope takes (EnvioBOLETA_v11.xsd, EnvioDTE_v10.xsd).
const (
	MaxBoletas   = 500
	MaxFacturas  = 2000
	maxSubTotDTE = 20
	maxNroResol  = 999_999 // 6 digits (NroResolType)
)

var envelopeLimits = xmltree.Limits{Bytes: 32 << 20, Nodes: 600_000, Depth: 34}

// NewEnvelope puts documents of one company into a signed EnvioBOLETA (boletas only) or EnvioDTE (none of them) for
// receptor: the SII, or in an exchange the buyer. Each document's bytes go in unchanged; the result has been verified.
func NewEnvelope(docs []*Document, res Resolucion, receptor RUT, s *Signer, now time.Time) ([]byte, error) {
	kind, err := kindOf(docs)
	if err != nil {
		return nil, err
	}
	if err := s.ValidAt(now); err != nil {
		return nil, err
	}
	if !res.Fch.exists() || res.Nro < 0 || res.Nro > maxNroResol || !receptor.valid() {
		return nil, fmt.Errorf("%w: falta la resolución del SII (número y fecha) o el RUT de quien lo recibe", ErrEnvelope)
	}
	var caratula writer
	caratula.caratula(docs, res, receptor, s.RUT(), now)
	if caratula.err != nil {
		return nil, caratula.err
	}
	digest, err := digestSet(caratula.b.Bytes(), docs)
	if err != nil {
		return nil, err
	}
	signature, _, err := s.signatureOver("SetDoc", digest, inEnvelope)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{[]byte(Declaration + kind.root() + "<SetDTE ID=\"SetDoc\">\n"), caratula.b.Bytes()}
	for _, d := range docs {
		parts = append(parts, d.XML, []byte("\n"))
	}
	parts = append(parts, []byte("</SetDTE>\n"), signature, []byte("\n</"+kind.name+">\n"))
	xml := join(parts...)
	if len(xml) > envelopeLimits.Bytes {
		return nil, fmt.Errorf("%w: mide %d bytes y el máximo es %d; reparta los documentos en varios", ErrEnvelope, len(xml), envelopeLimits.Bytes)
	}
	// The documents were verified when they were made; the set and its signature are new.
	if _, err := verifySignatureAs(maker{signer: s}, xml); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReadBack, err)
	}
	return xml, nil
}

// envelopeKind is one of the two files that the SII takes documents in.
type envelopeKind struct {
	name, schema string
	boletas      bool
	most         int
}

var (
	envioDTE    = envelopeKind{"EnvioDTE", "EnvioDTE_v10.xsd", false, MaxFacturas}
	envioBoleta = envelopeKind{"EnvioBOLETA", "EnvioBOLETA_v11.xsd", true, MaxBoletas}
)

// root is the second line of the file: the SII looks for schemaLocation there.
func (k envelopeKind) root() string {
	return "<" + k.name + string(inEnvelope) + ` xsi:schemaLocation="` + nsSII + " " + k.schema + "\" version=\"1.0\">\n"
}

func kindOf(docs []*Document) (envelopeKind, error) {
	if len(docs) == 0 {
		return envelopeKind{}, fmt.Errorf("%w: no trae documentos", ErrEnvelope)
	}
	kind := envioDTE
	if docs[0].Tipo.EsBoleta() {
		kind = envioBoleta
	}
	seen := map[Key]bool{}
	for _, d := range docs {
		switch {
		case d.Tipo.EsBoleta() != kind.boletas:
			return kind, fmt.Errorf("%w: boletas y otros documentos viajan por separado", ErrEnvelope)
		case d.Emisor.RUT != docs[0].Emisor.RUT:
			return kind, fmt.Errorf("%w: trae documentos de dos empresas", ErrEnvelope)
		case seen[d.Key()]:
			return kind, fmt.Errorf("%w: %s está dos veces", ErrEnvelope, d.Key())
		}
		seen[d.Key()] = true
	}
	if len(docs) > kind.most {
		return kind, fmt.Errorf("%w: trae %d documentos y caben %d", ErrEnvelope, len(docs), kind.most)
	}
	return kind, nil
}

func (w *writer) caratula(docs []*Document, res Resolucion, receptor, envia RUT, now time.Time) {
	w.b.WriteString("<Caratula version=\"1.0\">\n")
	w.must("RutEmisor", docs[0].Emisor.RUT.String())
	w.must("RutEnvia", envia.String())
	w.must("RutReceptor", receptor.String())
	w.must("FchResol", res.Fch.String())
	w.must("NroResol", strconv.Itoa(res.Nro))
	w.must("TmstFirmaEnv", stamp(now))
	for _, sub := range subtotals(docs) {
		w.open("SubTotDTE")
		w.integer("TpoDTE", int(sub.tipo))
		w.integer("NroDTE", sub.n)
		w.close("SubTotDTE")
	}
	w.close("Caratula")
}

type subtotal struct {
	tipo TipoDTE
	n    int
}

// subtotals counts documents by type, in the order of first appearance.
func subtotals(docs []*Document) []subtotal {
	var subs []subtotal
	for _, d := range docs {
		i := slices.IndexFunc(subs, func(s subtotal) bool { return s.tipo == d.Tipo })
		if i < 0 {
			subs = append(subs, subtotal{tipo: d.Tipo})
			i = len(subs) - 1
		}
		subs[i].n++
	}
	return subs
}

// digestSet is the SHA-1 of the set's canonical form inside the envelope, taken document by document so that it never
// stands whole in memory. What we write is its own canonical form but for two things: the namespaces that the set
// inherits, and what stands inside a stored document and was written by others (its CAF).
func digestSet(caratula []byte, docs []*Document) ([]byte, error) {
	h := sha1.New()
	h.Write([]byte("<SetDTE" + string(inEnvelope) + " ID=\"SetDoc\">\n"))
	h.Write(utf8Of(caratula))
	for _, d := range docs {
		canonical, err := d.canonicalInEnvelope()
		if err != nil {
			return nil, err
		}
		h.Write(canonical)
		h.Write([]byte("\n"))
	}
	h.Write([]byte("</SetDTE>"))
	return h.Sum(nil), nil
}

// canonicalInEnvelope is the canonical form of a stored document where it stands in an envelope: inherited declarations
// are written on the set and not again.
func (d *Document) canonicalInEnvelope() ([]byte, error) {
	doc, err := xmltree.Parse(d.XML, xmltree.Latin1, documentLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDTE, err)
	}
	for _, a := range doc.Root.Attrs {
		if strings.HasPrefix(a.Name, "xmlns") {
			return nil, fmt.Errorf("%w: %s trae su propio espacio de nombres", ErrEnvelope, d.Key())
		}
	}
	return doc.Canonical(doc.Root, false), nil
}

// Envelope is an EnvioDTE or EnvioBOLETA, read and verified.
type Envelope struct {
	Boletas    bool // EnvioBOLETA
	Emisor     RUT
	Envia      RUT
	Receptor   RUT
	Resolucion Resolucion
	TmstFirma  time.Time
	Signer     RUT // of the envelope, from its certificate
	Documents  []*Document
	// Faults are the documents that did not verify, by position in the file; the others are good. The envelope's own
	// faults are errors.
	Faults map[int]error
}

// VerifyEnvelope reads an envelope and judges it as the SII does: its own signature in context, its carátula, and each
// document cut out byte for byte and verified alone. A document that does not verify stands in Faults, with whatever
// could be read of it in Documents (nil if nothing could).
func VerifyEnvelope(xml []byte, t Trust) (*Envelope, error) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	root := doc.Root
	if root.Name != "EnvioDTE" && root.Name != "EnvioBOLETA" || root.Namespace() != nsSII {
		return nil, fmt.Errorf("%w: empieza con <%s>", ErrEnvelope, root.Name)
	}
	if !isLatin1(doc) {
		return nil, fmt.Errorf("%w: debe estar escrito en ISO-8859-1", ErrEnvelope)
	}
	if len(root.Children) != 2 || root.Children[0].Name != "SetDTE" || root.Children[1].Name != "Signature" {
		return nil, fmt.Errorf("%w: debe traer un SetDTE y su firma", ErrEnvelope)
	}
	set := root.Children[0]
	cert, err := verifySibling(doc, set, root.Children[1])
	if err != nil {
		return nil, err
	}
	e := &Envelope{Boletas: root.Name == "EnvioBOLETA", Faults: map[int]error{}}
	if cert != nil {
		if e.Signer, err = certificateRUT(cert); err != nil {
			return nil, err
		}
	}
	if err := e.read(doc, set, t); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Envelope) read(doc *xmltree.Doc, set *xmltree.Node, t Trust) error {
	documents, err := e.documents(set)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	caratula := set.Children[0]
	r := reader{doc: doc}
	e.Emisor, e.Envia, e.Receptor = r.rut(caratula, "RutEmisor"), r.rut(caratula, "RutEnvia"), r.rut(caratula, "RutReceptor")
	e.Resolucion = Resolucion{Nro: int(r.integer(caratula, "NroResol")), Fch: r.date(caratula, "FchResol")}
	e.TmstFirma = r.stamp(caratula, "TmstFirmaEnv")
	for i, n := range documents {
		cut := doc.Bytes(n)
		d, err := verify(cut, doc.Encoding, func(c *CAF) error { return c.Verify(t) })
		if err != nil {
			e.Faults[i] = err
			d, _ = parse(cut, doc.Encoding)
		}
		e.Documents = append(e.Documents, d)
	}
	if r.err == nil {
		e.checkCaratula(&r, caratula)
	}
	if r.err != nil {
		return fmt.Errorf("%w: %w", ErrEnvelope, r.err)
	}
	return nil
}

// documents are the elements of the set behind its carátula: DTEs, one to as many as this kind of envelope takes.
func (e *Envelope) documents(set *xmltree.Node) ([]*xmltree.Node, error) {
	kind := envioDTE
	if e.Boletas {
		kind = envioBoleta
	}
	if len(set.Children) < 2 || set.Children[0].Name != "Caratula" || strict(set.Children[0], nsSII) != nil {
		return nil, errors.New("debe traer una carátula y sus documentos")
	}
	documents := set.Children[1:]
	if slices.ContainsFunc(documents, func(n *xmltree.Node) bool { return n.Name != "DTE" }) {
		return nil, errors.New("trae algo que no es un documento")
	}
	if len(documents) > kind.most {
		return nil, fmt.Errorf("trae %d documentos y caben %d", len(documents), kind.most)
	}
	return documents, nil
}

// checkCaratula compares what the carátula says with what the envelope holds.
func (e *Envelope) checkCaratula(r *reader, caratula *xmltree.Node) {
	told := map[TipoDTE]int{}
	for _, sub := range caratula.All("SubTotDTE") {
		n := r.integer(sub, "NroDTE")
		if n < 1 || n > MaxFacturas {
			r.fail("NroDTE", strconv.FormatInt(n, 10), "número de documentos")
		}
		told[TipoDTE(r.integer(sub, "TpoDTE"))] += int(n)
	}
	if n := len(told); n == 0 || n > maxSubTotDTE {
		r.fail("SubTotDTE", strconv.Itoa(n), "número de subtotales")
	}
	seen := map[Key]bool{}
	for _, d := range e.Documents {
		if d == nil {
			continue // already a fault
		}
		told[d.Tipo]--
		switch {
		case d.Emisor.RUT != e.Emisor:
			r.fail("RutEmisor", d.Emisor.RUT.String(), "un documento es de otra empresa")
		case d.Tipo.EsBoleta() != e.Boletas:
			r.fail("TpoDTE", strconv.Itoa(int(d.Tipo)), "ese tipo no viaja en este sobre")
		case seen[d.Key()]:
			r.fail("Folio", d.Key().String(), "está dos veces")
		}
		seen[d.Key()] = true
	}
	for tipo, left := range told {
		if left != 0 && len(e.Faults) == 0 {
			r.fail("NroDTE", strconv.Itoa(int(tipo)), "la carátula no cuadra con los documentos")
		}
	}
}
