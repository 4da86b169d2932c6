package dte

import (
	"bytes"
	"testing"
	"time"

	"mostrador/dte/xmltree"
)

// Some issuers declare windows-1252. The bytes are the same, a quotation mark of theirs is read as what it is, and the
// signature, which is over the characters, holds.
func TestReadsWindows1252(t *testing.T) {
	caf := testCAF(t, Boleta)
	doc, err := write(shapes()["39-simple"], 7, caf, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	body := doc.XML[bytes.Index(doc.XML, []byte("<Documento")):bytes.Index(doc.XML, []byte("\n<Signature"))]
	body = bytes.Replace(body, []byte("Alineacion"), []byte("\x93Alineaci\xf3n\x94"), 1)
	tree, err := xmltree.Parse(body, xmltree.Windows1252, documentLimits)
	if err != nil {
		t.Fatal(err)
	}
	signature, _, err := testSigner().signature(doc.Key().ID(), tree.Canonical(tree.Root, false), alone)
	if err != nil {
		t.Fatal(err)
	}
	fragment := join([]byte("<DTE version=\"1.0\">\n"), body, []byte("\n"), signature, []byte("\n</DTE>"))
	read, err := Verify(join([]byte("<?xml version=\"1.0\" encoding=\"windows-1252\"?>\n"), fragment), testTrust())
	if err != nil || read.Detalle[1].Nombre != "“Alineación” y balanceo" {
		t.Errorf("%+v %v", read, err)
	}
	if _, err := Verify(fragment, testTrust()); err == nil {
		t.Error("in another encoding the characters are others and the signature cannot hold")
	}
}

// A document that is not cleaned of white space, and one on a single line, are both read.
func TestReadsAnyLayout(t *testing.T) {
	doc := emit(t, shapes()["33-con-todo"], 7)
	for name, xml := range map[string][]byte{
		"with a byte order of spaces": append([]byte("\n\n  "), doc.XML...),
		"with spaces behind":          append(bytes.Clone(doc.XML), "\r\n \n"...),
		"declared in lower case":      append([]byte("<?xml version='1.0' encoding='iso-8859-1'?>"), doc.XML...),
	} {
		if read, err := Verify(xml, testTrust()); err != nil || read.Folio != 7 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Cleaned after it was signed: the bytes are no longer those, and that is said.
	if _, err := Verify(flatten(doc.XML), testTrust()); err == nil {
		t.Error("a document whose white space was taken out after signing verifies")
	}
}

func FuzzRUT(f *testing.F) {
	for _, s := range []string{"76.543.210-3", "60803000-K", "1-9", "", "-", "٣-5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRUT(s)
		if err != nil {
			return
		}
		if again, err := ParseRUT(r.String()); err != nil || again != r {
			t.Errorf("%q → %s → %v %v", s, r, again, err)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	doc := emit(f, shapes()["39-simple"], 7)
	xml, err := NewEnvelope([]*Document{doc}, Resolucion{Fch: Date{2026, 1, 15}}, RUTSII, testSigner(), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(xml)
	f.Add([]byte("<EnvioDTE/>"))
	f.Fuzz(func(t *testing.T, xml []byte) {
		e, err := VerifyEnvelope(xml, testTrust())
		if err == nil && len(e.Faults) == 0 && (len(e.Documents) != 1 || e.Documents[0].Key() != doc.Key()) {
			t.Error("accepted an envelope that nobody signed")
		}
	})
}

func FuzzParseDraft(f *testing.F) {
	f.Add([]byte("<Documento><Encabezado><IdDoc><TipoDTE>39</TipoDTE></IdDoc></Encabezado><Detalle><NmbItem>x</NmbItem></Detalle></Documento>"))
	f.Fuzz(func(t *testing.T, xml []byte) {
		d, err := ParseDraft(xml)
		if err != nil {
			return
		}
		if d.Validate() == nil && d.Tipo == Boleta {
			d.FchEmis = Date{2026, 3, 16}
			d.Emisor.RUT = 76543210
			if d.Validate() == nil {
				if _, err := Emit(d, 7, testCAF(t, Boleta), testSigner(), time.Date(2026, 3, 16, 20, 0, 0, 0, Santiago)); err != nil {
					t.Errorf("a valid draft is not emitted: %v", err)
				}
			}
		}
	})
}

// A document with additional taxes, deposits or retentions goes into the book of sales with the total that it states.
func TestVentaWithTaxes(t *testing.T) {
	for _, name := range []string{"33-dos-impuestos", "33-garantia", "33-diesel", "61-de-compra"} {
		doc := emit(t, shapes()[name], 3)
		d := Venta(doc)
		if total, err := d.total(); err != nil || total != doc.Totales.MntTotal {
			t.Errorf("%s: the book says %s and the document %s: %v", name, total, doc.Totales.MntTotal, err)
		}
	}
}
