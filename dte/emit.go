package dte

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"time"

	"mostrador/dte/xmltree"
)

// Declaration is the first line of every file that the SII takes. The rest of the file is what was signed.
const Declaration = `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n"

// ErrReadBack: what was written does not read back as what was meant. It is a defect of this package; the document must
// not be used.
var ErrReadBack = errors.New("el documento recién firmado no se lee igual a como se pidió")

// Emit makes the document of a draft under a folio: totals, timbre, XML, signature. What it returns has been read back
// from its own bytes and verified: signature, timbre, and every field equal to the draft. now is the moment of stamping;
// FchEmis may not lie after it. The same arguments give the same bytes.
//
// Errors: FaultErrors for a draft that breaks a rule; ErrCAFNotFor, ErrCAFExpired, ErrCertificateExpired; ErrReadBack.
func Emit(d Draft, folio Folio, caf *CAF, s *Signer, now time.Time) (*Document, error) {
	doc, err := write(d, folio, caf, s, now)
	if err != nil {
		return nil, err
	}
	return readBack(doc, caf, s)
}

// write makes the document without looking at it again.
func write(d Draft, folio Folio, caf *CAF, s *Signer, now time.Time) (*Document, error) {
	d = d.normalized()
	if err := d.validate(); err != nil {
		return nil, err
	}
	if DateOf(now).Before(d.FchEmis) {
		return nil, FaultErrors{{"M006", "IdDoc/FchEmis", fmt.Sprintf("la fecha de emisión %s está en el futuro: revise el reloj", d.FchEmis)}}
	}
	if err := caf.Covers(d.Emisor.RUT, d.Tipo, folio, d.FchEmis); err != nil {
		return nil, err
	}
	if caf.key == nil {
		return nil, fmt.Errorf("%w: no trae la llave privada", ErrCAFNotFor)
	}
	if err := s.ValidAt(now); err != nil {
		return nil, err
	}
	doc, err := d.computed()
	if err != nil {
		return nil, err
	}
	// The moment as the document will say it: whole seconds, no zone. On the night when clocks go back two moments are
	// written alike, and both must read back as the same one.
	if now, err = parseStamp(stamp(now)); err != nil {
		return nil, err
	}
	doc.Folio, doc.TSTED, doc.TmstFirma = folio, now, now
	doc.CAFIDK, doc.CAFDesde, doc.CAFHasta, doc.CAFFA = caf.IDK, caf.Desde, caf.Hasta, caf.FA
	if err := doc.stampAndSign(caf, s); err != nil {
		return nil, err
	}
	return doc, nil
}

// stampAndSign fills in TED, SignatureValue and XML.
func (d *Document) stampAndSign(caf *CAF, s *Signer) error {
	var before, after writer // the CAF stands between them, byte for byte
	before.documento(d)
	ddStart := before.b.Len() + len("<TED version=\"1.0\">\n")
	before.b.WriteString("<TED version=\"1.0\">\n<DD>\n")
	before.dd(d)
	after.b.WriteByte('\n')
	after.must("TSTED", stamp(d.TSTED))
	after.b.WriteString("</DD>\n")
	ddEnd := after.b.Len() - 1
	if err := errors.Join(before.err, after.err); err != nil {
		return err
	}

	dd := flatten(join(before.b.Bytes()[ddStart:], caf.flat, after.b.Bytes()[:ddEnd]))
	frmt, err := caf.key.sign(dd)
	if err != nil {
		return err
	}
	stampElement := `<FRMT algoritmo="SHA1withRSA">` + base64.StdEncoding.EncodeToString(frmt) + `</FRMT>`
	d.TED = join([]byte(`<TED version="1.0">`), dd, []byte(stampElement+`</TED>`))
	after.b.WriteString(stampElement + "\n</TED>\n")
	after.must("TmstFirma", stamp(d.TmstFirma))
	after.b.WriteString("</" + d.Tipo.node() + ">")

	canonical := join(utf8Of(before.b.Bytes()), caf.canonical, utf8Of(after.b.Bytes()))
	signature, value, err := s.signature(d.Key().ID(), canonical, alone)
	if err != nil {
		return err
	}
	d.SignatureValue = value
	d.XML = join([]byte("<DTE version=\"1.0\">\n"), before.b.Bytes(), caf.xml, after.b.Bytes(), []byte("\n"), signature, []byte("\n</DTE>"))
	return nil
}

// dd writes the fields of the timbre before the CAF. Names are cut to 40 characters before they are escaped; a buyer
// without a name is named by his RUT.
func (w *writer) dd(d *Document) {
	name := d.Receptor.RznSoc
	if name == "" {
		name = d.Receptor.RUT.String()
	}
	w.must("RE", d.Emisor.RUT.String())
	w.integer("TD", int(d.Tipo))
	w.must("F", d.Folio.String())
	w.date("FE", d.FchEmis)
	w.must("RR", d.Receptor.RUT.String())
	w.must("RSR", truncate(name, 40))
	w.must("MNT", d.Totales.total())
	w.must("IT1", truncate(d.Detalle[0].Nombre, 40))
}

// readBack parses the bytes that were written, verifies them as a stranger would, and compares every field with what
// was meant. The SII's signature on the CAF was judged when the CAF was imported.
func readBack(meant *Document, own *CAF, s *Signer) (*Document, error) {
	read, err := verifyAs(maker{own, s}, meant.XML, xmltree.Latin1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReadBack, err)
	}
	if !reflect.DeepEqual(read, meant) {
		return nil, ErrReadBack
	}
	return read, nil
}

// maker judges what he made himself.
type maker struct {
	own    *CAF
	signer *Signer
}

func (m maker) caf(doc *xmltree.Doc, n *xmltree.Node) (*CAF, error) {
	if n == nil || !bytes.Equal(doc.Bytes(n), m.own.xml) {
		return nil, ErrCAFTampered
	}
	return m.own, nil
}

func (m maker) certificate(der []byte) (*x509.Certificate, error) {
	if !bytes.Equal(der, m.signer.cert.Raw) {
		return nil, ErrSignature
	}
	return m.signer.cert, nil
}

// File is the document as a file of its own: the declaration and the signed bytes.
func (d *Document) File() []byte { return join([]byte(Declaration), d.XML) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
