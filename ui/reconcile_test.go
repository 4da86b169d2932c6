package ui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
)

func (x *world) asked(want string) {
	x.t.Helper()
	if len(x.office.asked) == 0 || x.office.asked[len(x.office.asked)-1] != want {
		x.t.Errorf("the office was asked %q, want %q at the end", x.office.asked, want)
	}
}

// The owner looks at a month by the keyboard alone: from the sale by the menu, differences first, a line opens its documents.
func TestReconcileByTheKeyboard(t *testing.T) {
	x := newWorld(t)
	monthly(x)
	x.press(fyne.KeyF11)
	x.sees("Conciliar con el SII")
	x.press(fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn)
	x.sees("Marzo de 2026", "Leyendo los documentos del mes")
	x.work()
	x.asked("balance 2026-03-01 2026-03-31 ")
	x.seesNot("Leyendo los documentos")
	x.sees("Total · Boleta", "12.840", "Faltan 14", "1 rechazado", "Sin llegar al SII: 14 documentos de boleta")

	x.press(fyne.KeyF8)
	x.enter("/tmp/RCV_VENTA.csv")
	x.work()
	x.asked("balance 2026-03-01 2026-03-31 /tmp/RCV_VENTA.csv")
	x.sees("Según RCV_VENTA.csv", "Sólo en el SII: factura 1.204 por $119.000", "alguien más pudo usar ese CAF")
	x.press(fyne.KeyDown, fyne.KeyDown, fyne.KeyDown)
	x.sees("3 diferencias con RCV_VENTA.csv.", "De otra caja: 212 documentos del archivo.", "Sin leer: 1 línea del archivo.")

	x.press(fyne.KeyDown, fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn) // the first day: of those with something to look at
	x.work()
	x.asked("booked 2026-03-08 33")
	x.sees("Factura 1.201", "Aceptada")
	x.press(fyne.KeyDown)
	x.sees("CAF vencido (CAF-3-517).", "La anula la nota de crédito 89.")
	x.press(fyne.KeyEscape)
	x.sees("Total · Boleta")

	x.press(fyne.KeyF6)
	x.work()
	x.asked("save 2026-03-01 csv")
	x.sees("La conciliación está en /caja/informes/conciliacion.csv")
	x.press(fyne.KeyEscape, fyne.KeyF7)
	x.work()
	x.asked("save 2026-03-01 xlsx")
	x.press(fyne.KeyEscape, fyne.KeyF3)
	x.work()
	x.asked("balance 2026-02-01 2026-02-28 ")
	x.press(fyne.KeyF4, fyne.KeyF4)
	x.work()
	x.asked("balance 2026-04-01 2026-04-30 ")
	x.enter("12/2025")
	x.work()
	x.asked("balance 2025-12-01 2025-12-31 ")
	x.enter("13-2025")
	x.sees("«13-2025» no es un mes")
	x.press(fyne.KeyEscape, fyne.KeyEscape, fyne.KeyEscape)
	if x.w.place() != selling {
		t.Errorf("at %s", x.w.place())
	}
}

// A difference leads to its document, if there is one here.
func TestADifferenceLeadsToItsDocument(t *testing.T) {
	x := newWorld(t)
	monthly(x)
	toReconcile(x)
	compareWith(x, "rcv.csv")
	x.press(fyne.KeyReturn) // only at the SII
	if x.w.place() != reconciling {
		t.Errorf("at %s, for a document that is not here", x.w.place())
	}
	x.press(fyne.KeyDown, fyne.KeyReturn)
	if x.w.place() != documents || x.w.sink.Text != "1198" {
		t.Errorf("at %s with %q", x.w.place(), x.w.sink.Text)
	}
}

// What cannot be read is told, and the month that was there stays; a scan is not lost.
func TestReconcileTrouble(t *testing.T) {
	x := newWorld(t)
	x.w.visit(documents)
	x.press(fyne.KeyF8)
	x.work()
	x.sees("Nada emitido ese mes")
	x.press(fyne.KeyReturn, fyne.KeyDown, fyne.KeyF6, fyne.KeyF7)
	if len(x.office.asked) != 1 {
		t.Errorf("an empty month was asked for more: %q", x.office.asked)
	}
	monthly(x)
	toReconcile(x)
	x.press(fyne.KeyF8, fyne.KeyF12)
	x.sees("Falta el archivo")
	x.office.fail = errors.New("rcv.csv: el archivo no parece un registro del SII")
	x.enter("rcv.csv")
	x.work()
	x.sees("Rcv.csv: el archivo no parece un registro", "Total · Boleta")
	x.scan(products[0].Codigo)
	x.sees("1 código en espera")
	x.press(fyne.KeyEscape, fyne.KeyEscape)
	if n := len(x.lines()); n != 1 {
		t.Errorf("%d lines in the cart, want the code that waited", n)
	}
}

// Nothing is read on the window's goroutine, and what is read too late for anybody is dropped.
func TestReadingDoesNotHoldTheWindow(t *testing.T) {
	x := newWorld(t)
	posted := make(chan func(), 100)
	x.w.loop, x.w.runAside = dispatcherFunc(func(f func()) { posted <- f }), newGoroutine
	release, asked := make(chan struct{}), make(chan struct{}, 2)
	x.w.office = &slowOffice{office: x.office, release: release, asked: asked}
	monthly(x)
	x.w.showReconciliation()
	<-asked
	x.sees("Leyendo los documentos del mes")
	x.press(fyne.KeyEscape) // back to the sale, while it reads
	x.scan(products[0].Codigo)
	if n := len(x.lines()); n != 1 {
		t.Fatalf("%d lines: the sale waits for the reading", n)
	}
	close(release)
	select {
	case then := <-posted:
		then()
	case <-time.After(20 * time.Second):
		t.Fatal("what was read never came to the window's goroutine")
	}
	x.sees("Leche entera 1 L")
	if x.w.place() != selling {
		t.Errorf("the reading took the cashier to %s", x.w.place())
	}
}

// slowOffice reads until the test releases it.
type slowOffice struct {
	*office
	release, asked chan struct{}
}

func (o *slowOffice) Balance(ctx context.Context, first, last dte.Date, register string) (sale.Balance, error) {
	o.asked <- struct{}{}
	<-o.release
	return o.office.Balance(ctx, first, last, register)
}

// The newest month counts, in whichever order the answers come.
func TestTheNewestReadingCounts(t *testing.T) {
	x := newWorld(t)
	x.w.showReconciliation()
	first := x.jobs[0]
	x.jobs = nil
	x.press(fyne.KeyF3)
	monthly(x)
	x.work()
	x.sees("Febrero de 2026", "Total · Boleta")
	x.office.balance = sale.Balance{}
	first() // late
	x.sees("Febrero de 2026", "Total · Boleta")
}

// The mail of the SII is loaded from the menu or the documents, and what it did is told.
func TestLoadTheAnswerOfTheSII(t *testing.T) {
	x := newWorld(t)
	x.w.visit(documents)
	x.press(fyne.KeyF10)
	x.sees("Cargar respuesta del SII")
	x.press(fyne.KeyF12)
	x.sees("Falta el archivo")
	x.office.told = []string{"Envío 251: 2 aplicados.", "Factura 1: RECHAZADO."}
	x.news.alarms = []sale.Alarm{{ID: "x", Severity: sale.Urgent, Title: "Rechazada"}}
	x.enter("/tmp/respuesta.eml")
	x.sees("Leyendo respuesta.eml.")
	x.work()
	x.asked("import /tmp/respuesta.eml")
	x.sees("Envío 251: 2 aplicados. Factura 1: RECHAZADO.", "1 aviso")
	x.office.fail = errors.New("el archivo es de la empresa 1-9")
	x.press(fyne.KeyEscape, fyne.KeyF10)
	f, ok := x.w.dialog.(*formDialog)
	if !ok || f.fields[0].Text != "/tmp/respuesta.eml" {
		t.Fatal("the path is forgotten")
	}
	x.press(fyne.KeyReturn)
	x.work()
	x.sees("El archivo es de la empresa 1-9")
}

// A verdict that came from a file says so.
func TestAVerdictFromAFileSaysSo(t *testing.T) {
	d := sale.DocumentInfo{State: dte.Rejected, Veredicto: dte.Veredicto{State: dte.Rejected, Codigo: "CAF-3-517", Fuente: dte.FuenteArchivo}}
	if words := documentStory(d); !strings.Contains(words, "archivo que se cargó") {
		t.Error(words)
	}
	d.Veredicto.Fuente = ""
	if words := documentStory(d); strings.Contains(words, "archivo") {
		t.Error(words)
	}
}

// Differences come first, then sums, then the days with something to look at.
func TestWhatDiffersComesFirst(t *testing.T) {
	x := newWorld(t)
	monthly(x)
	rows := rowsOf(x.office.balance)
	if len(rows) != 3+3+32 {
		t.Fatalf("%d rows", len(rows))
	}
	quiet := slices.IndexFunc(rows[6:], func(r balanceRow) bool { return r.line.Quiet() })
	if rows[2].differs == nil || !rows[3].line.Day.IsZero() || quiet < 1 || slices.ContainsFunc(rows[6+quiet:], func(r balanceRow) bool { return !r.line.Quiet() }) {
		t.Errorf("the first quiet day is %d", quiet)
	}
}
