package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// fill in a form: each text and Enter; from the last field it accepts.
func (x *world) fill(texts ...string) {
	x.t.Helper()
	for _, text := range texts {
		x.enter(text)
	}
}

func (x *world) did(want ...string) {
	x.t.Helper()
	if !slices.Equal(x.news.done, want) {
		x.t.Errorf("done %q, want %q", x.news.done, want)
	}
}

// The alarm of a refused document has the button of its way out, and the keyboard reaches it.
func TestSendAgainWithTheKeyboard(t *testing.T) {
	x := newWorld(t)
	k := refused(x, dte.Factura, "REF-3-750")
	x.sees("Reenviar", "F2")
	x.seesNot("Corregir…")
	x.press(fyne.KeyF2)
	x.sees("Reenviar factura 1.198", "Va tal cual")
	x.fill("ya llegó la otra", "Rosa")
	x.did("reenviar", k.ID(), "Rosa", "ya llegó la otra")
	x.sees("se envía de nuevo, tal cual", "Nada que atender")
	x.press(fyne.KeyEscape, fyne.KeyF2, fyne.KeyF3, fyne.KeyF4) // there is nothing more to do
	if x.w.dialog != nil {
		t.Errorf("%T was opened", x.w.dialog)
	}
}

func TestAnotherFolioWithTheKeyboard(t *testing.T) {
	x := newWorld(t)
	k := refused(x, dte.Boleta, "DTE-3-601")
	x.tap("Emitir con otro folio")
	x.sees("La misma venta que la boleta 1.198")
	x.fill("folio anulado", "Rosa")
	x.did("otro-folio", k.ID(), "Rosa", "folio anulado")
	x.sees("Boleta 1.205 por $14.990 reemplaza a la 1.198", "Cambie el papel")
}

// A correction begins with what stands in the document, is judged while it is typed, and keeps what nobody touched.
func TestCorrectWithTheKeyboard(t *testing.T) {
	x := newWorld(t)
	k := refused(x, dte.Factura, "HED-3-211")
	was := x.news.standing
	x.press(fyne.KeyF2)
	d, ok := x.w.dialog.(*correctionDialog)
	if !ok {
		t.Fatalf("%T was opened", x.w.dialog)
	}
	x.sees("Corregir factura 1.198", "Folio, fecha, lo vendido y el total quedan", "Todavía no cambia ningún dato")
	if d.fields[0].Text != "76.192.083-9" || d.fields[4].Text != "Maipú" || d.fields[6].Text != "12" || d.fields[7].Text != "16-03-2026" {
		t.Fatalf("the form begins with %q %q %q %q", d.fields[0].Text, d.fields[4].Text, d.fields[6].Text, d.fields[7].Text)
	}
	clear := func(field int) {
		t.Helper()
		for d.at != field {
			x.press(fyne.KeyDown)
		}
		d.fields[field].write("")
	}
	clear(6)
	x.finger("13")
	x.seesNot("Todavía no cambia")
	clear(6)
	x.finger("12")
	x.sees("Todavía no cambia")
	clear(0)
	x.sees("RUT")
	x.finger("76.192.083-1")
	x.sees("verificador")
	clear(0)
	x.finger("77.777.777-7")
	x.seesNot("verificador")
	x.seesNot("Todavía no cambia")
	clear(7)
	x.finger("32-13-2026")
	x.sees("no es una fecha")
	clear(7)
	x.finger("15-03-2026")
	x.seesNot("no es una fecha")
	x.news.checkFails = errors.New("la comuna es muy larga")
	clear(6)
	x.finger("13")
	x.sees("La comuna es muy larga")
	x.news.checkFails = nil
	clear(9)
	x.fill("folio mal anotado", "Rosa")
	x.did("corregir", k.ID(), "Rosa", "folio mal anotado")
	x.sees("sale de nuevo, corregida y con el mismo folio", "Cambie el papel")

	want := was
	want.Key, want.Receptor.RUT = k, 77777777
	want.Referencia = slices.Clone(was.Referencia)
	want.Referencia[0].FolioRef, want.Referencia[0].FchRef = "13", dte.Date{Year: 2026, Month: 3, Day: 15}
	if got := fmt.Sprint(x.news.corrected); got != fmt.Sprint(want) {
		t.Errorf("corrected to %s, want %s", got, fmt.Sprint(want))
	}
}

// What the law refuses is told where it can be mended, and a reference without any text goes.
func TestARefusedCorrectionStaysInTheForm(t *testing.T) {
	x := newWorld(t)
	refused(x, dte.Boleta, "HED-3-211")
	x.press(fyne.KeyF2)
	d, ok := x.w.dialog.(*correctionDialog)
	if !ok {
		t.Fatalf("%T was opened", x.w.dialog)
	}
	for i := 4; i < len(d.fields)-2; i++ {
		d.fields[i].write("")
	}
	d.fields[0].write("")
	x.news.fail = errors.New("el archivo está lleno")
	x.press(fyne.KeyF12)
	x.sees("El archivo está lleno", "Corregir boleta 1.198")
	x.news.fail = nil
	x.press(fyne.KeyF12)
	if c := x.news.corrected; len(c.Referencia) != 0 || c.Receptor.RUT != dte.RUTAnonimo {
		t.Errorf("%+v", c)
	}
}

// When the SII says only that it did not receive it, a person chooses among all acts.
func TestThreeWaysOut(t *testing.T) {
	for key, want := range map[fyne.KeyName]string{fyne.KeyF2: "Corregir factura", fyne.KeyF3: "Reenviar factura", fyne.KeyF4: "La misma venta"} {
		x := newWorld(t)
		refused(x, dte.Factura, "FAU")
		x.sees("Corregir", "Reenviar", "Otro folio")
		x.press(key)
		x.sees(want)
	}
}

// Of what the SII holds only a note corrects anything, and the till says how.
func TestTheNoteIsExplained(t *testing.T) {
	x := newWorld(t)
	x.news.alarms = sale.Alarms(sale.Facts{Now: x.now, Objected: []sale.Task{{
		Key: dte.Key{Emisor: 76543210, Tipo: dte.Factura, Folio: 77}, Veredicto: dte.Veredicto{State: dte.Objected, Codigo: "HED-1-232"},
	}}})
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn)
	x.tap("Nota de crédito")
	x.sees("sólo una nota de crédito", "no existe")
	x.press(fyne.KeyReturn)
	x.seesNot("sólo una nota de crédito")
	x.did()
}

// The document of an alarm is found however many came after it, and among those with its number it is the one that is
// marked.
func TestAnOldDocumentIsReached(t *testing.T) {
	x := newWorld(t)
	k := refused(x, dte.Factura, "REF-3-750")
	for i := range mostDocuments + 50 {
		x.docs.list = append(x.docs.list, issuedAs(x, dte.Boleta, dte.Folio(5000-i)))
	}
	x.docs.list = append(x.docs.list, issuedAs(x, dte.Boleta, 1198), issuedAs(x, dte.Factura, 1198), issuedAs(x, dte.Factura, 11980))
	x.press(fyne.KeyF6)
	s, ok := x.w.screen().(*documentsScreen)
	if !ok || len(s.shown) != 2 || s.shown[s.selected].Key != k {
		t.Fatalf("shown %d, at %s", len(s.shown), x.w.place())
	}
	x.sees("Factura 1.198")
	x.press(fyne.KeyUp)
	if got := s.shown[s.selected].Key.Tipo; got != dte.Boleta {
		t.Errorf("the arrow marks %s", got)
	}
	x.press(fyne.KeyEscape)
	if len(s.shown) != mostDocuments || s.selected != 0 {
		t.Errorf("%d shown, the %d-th marked", len(s.shown), s.selected)
	}
}

func issuedAs(x *world, tipo dte.TipoDTE, folio dte.Folio) sale.DocumentInfo {
	return sale.DocumentInfo{State: dte.Accepted, Record: sale.Record{
		At: x.now, Caja: "CAJA1", Total: money.Pesos(990), Key: dte.Key{Emisor: 76543210, Tipo: tipo, Folio: folio},
	}}
}

// Every word of the acts can be read on the button and in the help.
func TestEveryActHasWords(t *testing.T) {
	for _, act := range []sale.Act{sale.ActResend, sale.ActCorrect, sale.ActReissue, sale.ActNote} {
		if actWords(act, true) == "" || actWords(act, false) == "" || !strings.Contains(actHelp(act), " ") {
			t.Errorf("%s has no words", act)
		}
	}
}
