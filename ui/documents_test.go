package ui

import (
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/terminal/possim"
)

// old are more documents than the list shows, one a minute; the oldest is a factura of its own kind.
func old(x *world) sale.DocumentInfo {
	for i := range mostDocuments + 100 {
		d := issuedAs(x, dte.Boleta, dte.Folio(5000-i))
		d.At, d.Total = x.now.Add(-time.Duration(i)*time.Minute), 1990
		x.docs.list = append(x.docs.list, d)
	}
	d := issuedAs(x, dte.Factura, 77)
	d.At, d.Total = x.now.AddDate(0, 0, -3), 12_990
	d.Receptor = dte.Receptor{RUT: 12345678, RznSoc: "Ferretería Ñandú"}
	d.Lines = []sale.Line{{Codigo: "203", Nombre: "Martillo de carpintero"}}
	x.docs.list = append(x.docs.list, d)
	return d
}

func (x *world) onDocuments() *documentsScreen {
	x.t.Helper()
	x.w.visit(documents)
	s, ok := x.w.screen().(*documentsScreen)
	if !ok {
		x.t.Fatal("this is not the screen of the documents")
	}
	return s
}

// What is older than the list is found by all that is remembered of it, while the window goes on.
func TestOldDocumentsAreFound(t *testing.T) {
	for _, text := range []string{"$12.990", "nandu", "12.345.678-5", "martillo", "203", "13-03", "nandu martillo 13-03-2026"} {
		x := newWorld(t)
		want := old(x)
		s := x.onDocuments()
		x.finger(text)
		x.sees("Buscando también en los documentos más antiguos…")
		x.work()
		if len(s.shown) != 1 || s.shown[0].Key != want.Key {
			t.Errorf("%q: %d shown", text, len(s.shown))
		}
		x.sees("Factura 77", "$12.990", "Ferretería Ñandú")
		x.seesNot("Buscando")
		x.press(fyne.KeyEscape)
		if len(s.shown) != mostDocuments {
			t.Errorf("%d shown of nothing searched", len(s.shown))
		}
	}
}

// Only the search for what stands there now is shown: a slow one for fewer letters comes too late.
func TestAnEarlierSearchComesTooLate(t *testing.T) {
	x := newWorld(t)
	old(x)
	s := x.onDocuments()
	x.finger("martilloz")
	jobs := x.jobs
	x.jobs = nil
	for i := range jobs {
		jobs[len(jobs)-1-i]()
	}
	if len(s.shown) != 0 {
		t.Errorf("%d shown", len(s.shown))
	}
	x.sees("Ningún documento con eso")
}

// A search that had to stop says so, and what to type; one that failed says that nothing is lost.
func TestASearchSaysWhatItLeftOut(t *testing.T) {
	x := newWorld(t)
	old(x)
	s := x.onDocuments()
	x.finger("1990")
	x.work()
	x.sees("Se muestran los 200 más nuevos.")
	x.press(fyne.KeyDown)
	if s.selected != 1 {
		t.Errorf("the %d-th is marked", s.selected)
	}
	x.press(fyne.KeyEscape)
	x.seesNot("Se muestran los 200")
	x.docs.fail = errors.New("el disco no responde.")
	x.finger("nandu")
	x.work()
	x.sees("el disco no responde.", "Lo emitido está a salvo.")
}

// What is marked stays marked when older documents come in between.
func TestTheMarkStaysWhileSearching(t *testing.T) {
	x := newWorld(t)
	old(x)
	s := x.onDocuments()
	x.finger("49")
	x.press(fyne.KeyDown, fyne.KeyDown)
	marked := s.shown[s.selected].Key
	newer := issuedAs(x, dte.Boleta, 490)
	newer.At = x.now.Add(time.Minute)
	x.docs.list = append(x.docs.list, newer)
	x.work()
	if s.shown[0].Key != newer.Key || s.shown[s.selected].Key != marked {
		t.Errorf("marked is %v, was %v", s.shown[s.selected].Key, marked)
	}
}

// A sale whose boleta is the card's voucher stands among the documents: found by what is remembered of it, reprinted as a copy that
// counts, and taken back from there.
func TestSalesByVoucherStandAmongTheDocuments(t *testing.T) {
	c := newCounterWithTerminal(t)
	c.must(c.till.SetModelo(sale.ModeloVoucher))
	c.sim.Play(possim.Script{Card: 1})
	c.sells()
	for range 5 {
		if c.goOn() {
			break
		}
	}
	c.press(enter)
	c.w.visit(documents)
	c.sees("Comprobante 1", "Con voucher", "Del terminal", "$1.090", "su boleta es el comprobante del terminal", "La caja no envía nada")
	s := c.w.screens[documents].(*documentsScreen)
	for text, found := range map[string]bool{"000001": true, "1.090": true, "leche": true, "hoy": true, "77": false} {
		c.finger(text)
		for s.searching {
			(<-c.posted)()
		}
		if got := len(s.shown) == 1; got != found {
			t.Errorf("%q finds %d", text, len(s.shown))
		}
		c.press(esc)
	}
	c.press(f5)
	c.sees("Esta venta no tiene documento que enviar", "La venta está guardada")
	c.press(esc, f6)
	c.sees("La copia de comprobante 1 va a la impresora, marcada COPIA 1.")
	job, is, err := c.file.NextPrint()
	if c.must(err); !is || job.Kept == nil || job.Copy != 1 {
		t.Fatalf("the printer gets %+v", job)
	}
	c.must(c.file.PrintDone(job.ID))
	c.w.render()
	c.sees("Con 1 copia")
	c.press(esc, f7)
	c.sees("Devolución de comprobante 1", "Leche entera 1 L")
}
