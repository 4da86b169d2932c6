package ui

import (
	"errors"
	"slices"
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
)

// The strip tells how much there is to look at, at the latest a minute after it came.
func TestNoticesInTheStrip(t *testing.T) {
	x := newWorld(t)
	x.w.tick()
	x.sees("Sin avisos")
	x.news.alarms = []sale.Alarm{{ID: "reloj", Kind: sale.AlarmClock, Severity: sale.Aviso, Title: "El reloj está atrasado"}}
	x.seesNot("1 aviso")
	x.pass(lookEvery + 10e9)
	x.sees("1 aviso")
	x.news.fail = errors.New("el archivo no se pudo leer")
	x.pass(lookEvery + 10e9)
	x.sees("1 aviso") // what is known stays
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn)
	x.sees("El archivo no se pudo leer", "El reloj está atrasado")
}

// A refused document is understood, looked up and attended with the keyboard alone.
func TestAttendATask(t *testing.T) {
	x := newWorld(t)
	many(x)
	eventful(x)
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn)
	task := x.news.alarms[0]
	x.sees("Avisos y contingencia", "Rechazada: boleta 1.198", "trae una letra o un signo", "Corregir y emitir de nuevo", "10 avisos")

	x.press(fyne.KeyReturn)
	x.sees("Tarea atendida")
	x.enter("emitida con el folio 1.205")
	x.enter("Rosa")
	if want := []string{task.ID, "Rosa", "emitida con el folio 1.205"}; !slices.Equal(x.news.attended, want) {
		t.Errorf("attended %q, want %q", x.news.attended, want)
	}
	x.sees("Queda anotado: emitida con el folio 1.205.", "9 avisos")
	x.seesNot("Rechazada: boleta 1.198")

	x.press(fyne.KeyEscape) // the message
	x.press(fyne.KeyF6)
	x.sees("Documentos emitidos")
	if x.w.place() != documents || x.w.sink.Text != "88" {
		t.Errorf("at %s with %q in the field, want the late factura's number", x.w.place(), x.w.sink.Text)
	}
}

// What is refused is told in the form, and nothing typed is lost.
func TestARefusalStaysInTheForm(t *testing.T) {
	x := newWorld(t)
	eventful(x)
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF7)
	x.news.fail = errors.New("falta quién atendió la tarea")
	x.enter("nada")
	x.press(fyne.KeyF12)
	x.sees("Tarea atendida", "Falta quién atendió la tarea")
	f, ok := x.w.dialog.(*formDialog)
	if !ok || f.fields[0].Text != "nada" {
		t.Fatal("what was typed is gone")
	}
	x.press(fyne.KeyEscape)
	x.seesNot("Tarea atendida")
}

// An alarm without a task or a document offers neither.
func TestNothingToDo(t *testing.T) {
	x := newWorld(t)
	x.news.alarms = []sale.Alarm{{ID: "reloj", Kind: sale.AlarmClock, Severity: sale.Aviso, Title: "El reloj", Text: "Está atrasado."}}
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF7, fyne.KeyF6, fyne.KeyReturn)
	if x.w.dialog != nil || x.w.place() != notices {
		t.Errorf("something happened: %T at %s", x.w.dialog, x.w.place())
	}
	x.sees("Está atrasado.")
	x.press(fyne.KeyEscape)
	if x.w.place() != selling {
		t.Errorf("at %s, want the sale", x.w.place())
	}
}

func TestEmptyNotices(t *testing.T) {
	x := newWorld(t)
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn)
	x.sees("Nada que atender")
	x.press(fyne.KeyDown, fyne.KeyPageDown, fyne.KeyF6, fyne.KeyF7, fyne.KeyReturn)
	x.scan(products[0].Codigo)
	x.sees("1 código en espera")
	x.press(fyne.KeyEscape)
	if n := len(x.lines()); n != 1 {
		t.Errorf("%d lines in the cart, want the code that waited", n)
	}
}

func TestAssistantAfterAPowerCut(t *testing.T) {
	x := newWorld(t) // 12:30
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8)
	x.sees("Contingencia: qué hacer", "siga vendiendo", "001.380.7676", "001.380.7837", "001.380.6214", "elija una con su contador")

	x.press(fyne.KeyF2)
	for _, text := range []string{"08:15", "11:45", "11.111.111-1", "Ana Pérez", "5990", "Rosa"} {
		x.enter(text)
	}
	if x.news.buyer.RUT != 11111111 || x.news.takings.Afecto != 5990 {
		t.Errorf("a copy for %+v of %+v", x.news.buyer, x.news.takings)
	}
	x.sees("Boleta 1.301 por $5.990", "No la cuente")

	x.press(fyne.KeyEscape, fyne.KeyF8, fyne.KeyF3)
	x.sees("Ventas del corte")
	x.enter("") // the times and the name are still there
	x.enter("")
	x.enter("184.500")
	x.enter("4.500")
	x.enter("20000")
	x.enter("")
	if want := (sale.Takings{Afecto: 180_000, Exento: 4_500, Otros: 20_000}); x.news.takings != want {
		t.Errorf("summed %+v, want %+v", x.news.takings, want)
	}
	o := x.news.outages[0]
	if o.Cause != sale.CausePower || o.Who != "Rosa" || hour(o.From) != "08:15" || hour(o.To) != "11:45" || dte.DateOf(o.From) != dte.DateOf(x.now) {
		t.Errorf("told %+v", o)
	}
	x.sees("Boleta 1.300 por $184.500", "Sin energía · 16-03-2026", "Terminada")
}

func TestAssistantRefusesWhatMakesNoSense(t *testing.T) {
	x := newWorld(t)
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8, fyne.KeyF3)
	for _, c := range []struct{ from, total, why string }{
		{"ayer", "1000", "no es una hora"},
		{"08:15", "mil", "sólo se aceptan cifras"},
		{"08:15", "0", "mayor que cero"},
	} {
		f, ok := x.w.dialog.(*formDialog)
		if !ok {
			t.Fatal("the form is gone")
		}
		for i, text := range []string{c.from, "11:45", c.total, "", "", "Rosa"} {
			f.fields[i].write(text)
		}
		x.press(fyne.KeyF12)
		x.sees(c.why)
	}
	if len(x.news.outages) != 0 {
		t.Errorf("%+v", x.news.outages)
	}
}

func TestManualBoletasAndReport(t *testing.T) {
	x := newWorld(t)
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8, fyne.KeyF4)
	for _, text := range []string{"08:15", "11:45", "101", "120", "84.500", "Rosa"} {
		x.enter(text)
	}
	if o := x.news.outages[0]; o.Cause != sale.CauseAll || o.Manual != (sale.ManualRange{First: 101, Last: 120, Total: 84_500}) {
		t.Errorf("%+v", o)
	}
	x.sees("Boletas a mano 101 a 120 anotadas.", "Todo detenido")
	x.press(fyne.KeyEscape, fyne.KeyF10)
	x.sees("/caja/informes/contingencias.pdf")
}

// The strip's line tells what keeps it down, if that is known.
func TestTheLineTellsItsTrouble(t *testing.T) {
	x := newWorld(t)
	x.w.SetStatus(Status{Line: LineDown, LineProblem: "No responde el proxy de la red. Puede seguir vendiendo."})
	x.w.frame.strip.line.onTap()
	x.sees("No responde el proxy de la red.")
	x.w.SetStatus(Status{Line: LineDown})
	x.w.frame.strip.line.onTap()
	x.sees("Sin internet. Puede seguir vendiendo")
}
