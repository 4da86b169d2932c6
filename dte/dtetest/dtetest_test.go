package dtetest

import (
	"testing"

	"mostrador/dte"
)

// Every draft is sound, every document verifies, and every pair fits an envelope.
func TestEverythingIsSound(t *testing.T) {
	for _, tipo := range []dte.TipoDTE{dte.Factura, dte.FacturaExenta, dte.Boleta, dte.BoletaExenta} {
		doc := Emit(Draft(tipo, Today()), 7)
		if _, err := dte.Verify(doc.XML, Trust()); err != nil {
			t.Errorf("%s: %v", tipo, err)
		}
		note := Emit(Note(dte.NotaCredito, doc, Today()), 8)
		if note.Totales.MntTotal != doc.Totales.MntTotal {
			t.Errorf("the note of a %s is of %s, the document of %s", tipo, note.Totales.MntTotal, doc.Totales.MntTotal)
		}
		docs := []*dte.Document{doc, note}
		if tipo.EsBoleta() {
			docs = docs[:1]
		}
		if _, err := dte.VerifyEnvelope(Envelope(docs...), Trust()); err != nil {
			t.Errorf("envelope of a %s: %v", tipo, err)
		}
	}
	if Signer(Person).RUT() != Person {
		t.Error("the certificate names somebody else")
	}
}
