package ui

import (
	"errors"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/terminal"
)

var screensDir = flag.String("screens", "", "folder to which TestScreens writes pictures of the window")

// scenes are the screens worth looking at, each with how to get there.
var scenes = []struct {
	name     string
	training bool
	look     Look
	do       func(x *world)
}{
	{"vacia", false, Look{}, func(x *world) {}},
	{"venta", false, Look{}, func(x *world) { fill(x, 5) }},
	{"teclado-venta", false, Look{}, func(x *world) { fill(x, 5); x.w.turnPad() }},
	{"teclado-pago", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12); x.w.turnPad(); x.finger("20000") }},
	{"teclado-precio", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF7); x.w.turnPad() }},
	{"teclado-turno", false, Look{Tone: Oscuro}, func(x *world) { x.press(fyne.KeyF9); x.w.turnPad() }},
	{"venta-larga", false, Look{}, func(x *world) { fill(x, 40); x.w.SetStatus(offline(x)) }},
	{"desconocido", false, Look{}, func(x *world) { fill(x, 3); x.scan("7801234567") }},
	{"desconocidos", false, Look{}, func(x *world) {
		fill(x, 12)
		for _, code := range []string{"7800000000019", "ABC-123456", "7801234567", "]E07801234567895", "XYZ-998877"} {
			x.scan(code)
		}
	}},
	{"teclas", false, Look{}, func(x *world) { x.w.openDialog(newKeysDialog(x.w)); x.press(fyne.KeyDown, fyne.KeyReturn, fyne.KeyF3) }},
	{"busqueda", false, Look{}, func(x *world) { fill(x, 3); x.finger("leche"); x.press(fyne.KeyDown) }},
	{"busqueda-nada", false, Look{}, func(x *world) { fill(x, 3); x.finger("zzz") }},
	{"plegado", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF8) }},
	{"capacitacion", true, Look{}, func(x *world) { fill(x, 4) }},
	{"oscuro", false, Look{Tone: Oscuro}, func(x *world) { fill(x, 5) }},
	{"contraste", false, Look{Tone: Contraste}, func(x *world) { fill(x, 5) }},
	{"contraste-pago", true, Look{Tone: Contraste}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12); x.finger("20000") }},
	{"contraste-avisos", false, Look{Tone: Contraste, Percent: 150}, func(x *world) { eventful(x); x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn) }},
	{"doble", false, Look{Percent: 200}, func(x *world) { fill(x, 5) }},
	{"ajustes", false, Look{}, func(x *world) { fill(x, 3); x.w.openSettings() }},
	{"ajustes-sonido", false, Look{}, func(x *world) {
		x.ears.problem = "no se puede abrir el parlante (ALSA: No such file or directory)"
		x.w.chooseVolume()
	}},
	{"grande", false, Look{Percent: 125}, func(x *world) { fill(x, 5) }},
	{"error", false, Look{}, func(x *world) {
		fill(x, 4)
		x.journal.noFolios = true
		x.press(fyne.KeyF12)
	}},
	{"pago", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12) }},
	{"pago-parcial", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12)
		x.finger("5000")
		x.press(fyne.KeyF2)
		x.enter("004512")
		x.finger("20000")
		x.scan(products[0].Codigo)
	}},
	{"pago-credito", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12, fyne.KeyF3)
		x.finger("004512")
		x.press(fyne.KeyReturn)
		x.finger("3")
	}},
	{"pago-cheque", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12, fyne.KeyF5) }},
	{"pago-vale-desconocido", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12, fyne.KeyF6)
		x.finger("V7K2M9QX")
		x.press(fyne.KeyF12)
	}},
	{"pago-fiado-sin-cliente", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12, fyne.KeyF7) }},
	{"pago-terminal", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12)
		ref, ask, err := x.till.BeginCard(sale.Credito, 10_000)
		if err == nil {
			_, _, err = x.journal.Charges().Begin(terminal.Intent{Ref: ref, Amount: ask, At: x.now})
		}
		if err == nil {
			err = x.journal.Charges().Settle(ref, terminal.Result{State: terminal.Approved, Operation: "000141", Card: terminal.Credit, Cuotas: 3})
		}
		if err == nil {
			err = x.till.TakeCards()
		}
		if err != nil {
			x.t.Fatal(err)
		}
		x.w.settle(nil)
	}},
	{"pago-modelo", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12); x.w.askModelo(nil) }},
	{"tarjeta-esperando", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12)
		x.w.openDialog(newCardDialog(x.w, "Crédito", 27_030, func() {}))
		x.w.CardProgress("El cliente pasa la tarjeta y escribe su clave")
	}},
	{"tarjeta-duda", false, Look{}, func(x *world) {
		fill(x, 5)
		x.press(fyne.KeyF12)
		x.w.cards = &terminal.Desk{Ledger: x.journal.Charges()}
		in := terminal.Intent{Ref: "x-1", Amount: 27_030, At: x.now}
		if _, _, err := x.journal.Charges().Begin(in); err != nil {
			x.t.Fatal(err)
		}
		x.w.openDialog(newDoubtDialog(x.w, terminal.NotSure(in, "El terminal podría estar cobrando todavía. Espere 40 segundos y consulte de nuevo.").Message))
	}},
	{"pago-completo", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12); x.enter("30000") }},
	{"listo", false, Look{}, func(x *world) { fill(x, 5); x.press(fyne.KeyF12); x.enter("30000"); x.press(fyne.KeyReturn) }},
	{"listo-sin-linea", true, Look{Tone: Oscuro}, func(x *world) {
		x.w.SetStatus(offline(x))
		fill(x, 2)
		x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn)
	}},
	{"cliente", false, Look{}, func(x *world) { known(x); fill(x, 2); x.press(fyne.KeyF3, fyne.KeyF3); x.finger("76.192.083-9") }},
	{"cliente-busca", false, Look{}, func(x *world) {
		known(x)
		fill(x, 2)
		x.press(fyne.KeyF3, fyne.KeyF5)
		x.finger("comercial")
		x.press(fyne.KeyDown)
	}},
	{"cliente-credito", true, Look{}, func(x *world) { known(x); fill(x, 2); x.press(fyne.KeyF3); x.enter("76.192"); x.press(fyne.KeyF7) }},
	{"cliente-comuna", false, Look{Tone: Oscuro}, func(x *world) {
		x.press(fyne.KeyF3, fyne.KeyTab, fyne.KeyTab, fyne.KeyTab, fyne.KeyTab)
		x.finger("san")
	}},
	{"cliente-comuna-otra", false, Look{}, func(x *world) {
		x.press(fyne.KeyF3, fyne.KeyTab, fyne.KeyTab, fyne.KeyTab, fyne.KeyTab)
		x.finger("Macondo")
	}},
	{"fiado", false, Look{}, func(x *world) { x.debtors(); x.w.openDebts() }},
	{"cuenta", false, Look{}, func(x *world) {
		aromos, _ := x.debtors()
		if _, err := x.till.PayDebt(sale.Abono{ID: "p", RUT: aromos, Tender: sale.Tender{Method: sale.Efectivo, Received: 5000}}); err != nil {
			x.t.Fatal(err)
		}
		x.w.openDialog(newAccountDialog(x.w, aromos, x.w.closeDialog))
	}},
	{"cuenta-otras-cajas", false, Look{}, func(x *world) {
		aromos, _ := x.debtors()
		x.hears(aromos)
		x.w.openDialog(newAccountDialog(x.w, aromos, x.w.closeDialog))
	}},
	{"cliente-debe", false, Look{}, func(x *world) {
		fill(x, 3)
		known(x)
		x.hears(saletest.Buyer().RUT)
		x.press(fyne.KeyF3)
		x.finger("76.192.083-9")
	}},
	{"pagar-fiado", false, Look{}, func(x *world) {
		fill(x, 3)
		known(x)
		x.hears(saletest.Buyer().RUT)
		x.press(fyne.KeyF3)
		x.finger("76.192.083-9")
		x.press(fyne.KeyF12, fyne.KeyF12)
	}},
	{"retomar-precios", false, Look{}, func(x *world) {
		fill(x, 1)
		x.press(fyne.KeyF5, fyne.KeyReturn)
		x.dearer()
		x.press(fyne.KeyF6, fyne.KeyReturn)
	}},
	{"mucho", false, Look{}, func(x *world) { fill(x, 3); x.enter("1500*200") }},
	{"guia", false, Look{}, func(x *world) {
		known(x)
		fill(x, 2)
		x.press(fyne.KeyF3, fyne.KeyF5)
		x.enter("76.192")
		x.press(fyne.KeyF12)
	}},
	{"guia-lista", false, Look{}, func(x *world) {
		known(x)
		fill(x, 2)
		x.press(fyne.KeyF3, fyne.KeyF5)
		x.enter("76.192")
		x.press(fyne.KeyF12, fyne.KeyF12, fyne.KeyF12)
	}},
	{"referencias", false, Look{}, func(x *world) {
		x.press(fyne.KeyF3, fyne.KeyF3, fyne.KeyF6)
		x.enter("801")
		x.enter("OC-4512")
		x.press(fyne.KeyReturn, fyne.KeyReturn)
		x.finger("guía")
	}},
	{"clientes", false, Look{}, func(x *world) { known(x); x.w.openDialog(newBookDialog(x.w)) }},
	{"clientes-grande", true, Look{Percent: 125}, func(x *world) { known(x); x.w.openDialog(newBookDialog(x.w)); x.finger("comer") }},
	{"cliente-falta", false, Look{}, func(x *world) {
		fill(x, 2)
		x.press(fyne.KeyF3, fyne.KeyF3)
		x.enter("76543210-3")
		x.press(fyne.KeyF12)
	}},
	{"confirmar", false, Look{}, func(x *world) { fill(x, 3); x.press(fyne.KeyF4); x.finger("6"); x.scan(products[0].Codigo) }},
	{"ayuda", false, Look{}, func(x *world) { x.press(fyne.KeyF1) }},
	{"precio", false, Look{}, func(x *world) { fill(x, 3); x.press(fyne.KeyF4) }},
	{"por-que", false, Look{}, func(x *world) {
		fill(x, 3)
		x.press(fyne.KeyF4)
		x.finger("1")
		x.enter("10%")
		x.finger("1")
		x.press(fyne.KeyF4)
		x.finger("5")
	}},
	{"consultar", false, Look{}, func(x *world) { fill(x, 3); x.press(fyne.KeyF7); x.enter("hallulla") }},
	{"devolver", false, Look{}, func(x *world) {
		fill(x, 4)
		x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyF8)
		x.enter(x.docs.list[0].Key.Folio.String())
		x.finger("+")
		x.press(fyne.KeyDown)
		x.finger("+")
		x.press(fyne.KeyF4)
	}},
	{"cambio", false, Look{}, func(x *world) {
		fill(x, 4)
		x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyF8)
		x.enter(x.docs.list[0].Key.Folio.String())
		x.finger("+")
		x.press(fyne.KeyF6)
		x.finger("1")
		x.enter("200")
	}},
	{"que-funciona", false, Look{}, func(x *world) {
		x.w.SetStatus(offline(x))
		x.press(fyne.KeyF11)
		x.choose("Qué funciona ahora")
	}},
	{"menu", false, Look{}, func(x *world) { fill(x, 3); x.press(fyne.KeyF11) }},
	{"guardar", false, Look{}, func(x *world) { fill(x, 3); x.press(fyne.KeyF5) }},
	{"guardadas", false, Look{}, func(x *world) {
		fill(x, 3)
		x.press(fyne.KeyF5)
		x.enter("señora del pan")
		fill(x, 12)
		x.press(fyne.KeyF5, fyne.KeyReturn, fyne.KeyF6)
	}},
	{"documentos", false, Look{}, func(x *world) { many(x); x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyDown, fyne.KeyDown) }},
	{"enviar", false, Look{}, func(x *world) {
		many(x)
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyDown, fyne.KeyDown, fyne.KeyF5)
	}},
	{"documentos-copias", false, Look{}, func(x *world) {
		many(x)
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyDown, fyne.KeyDown, fyne.KeyF6, fyne.KeyF6)
	}},
	{"correo", false, Look{}, func(x *world) {
		many(x)
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyF5)
		x.choose("Correo")
		x.finger("ana.perez@empresa.cl")
	}},
	{"correo-cuenta", false, Look{}, func(x *world) {
		x.home.account = sale.MailAccount{Host: "smtp.empresa.cl", Port: 587, Security: sale.MailSTARTTLS, User: "caja@empresa.cl", From: "caja@empresa.cl", Name: "Almacén Doña Rosa"}
		x.w.openSettings()
		x.choose("Correo")
	}},
	{"documentos-correos", false, Look{}, func(x *world) {
		many(x)
		x.docs.list[2].Mails = []sale.Mail{{
			To: "contabilidad.proveedores@comercial-los-aromos.cl", State: sale.MailStopped, At: x.now,
			Problem: "el servidor no lo acepta: «550 5.1.1 no such user here»",
		}}
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyDown, fyne.KeyDown, fyne.KeyF6, fyne.KeyEscape)
	}},
	{"enviar-detenido", false, Look{}, func(x *world) {
		many(x)
		x.docs.list[0].Mails = []sale.Mail{{To: "ana@x.cl", State: sale.MailStopped, At: x.now, Problem: "el servidor no lo acepta: «550 5.1.1 no such user here»"}}
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyF5)
	}},
	{"mensaje", false, Look{}, func(x *world) {
		many(x)
		x.press(fyne.KeyF11, fyne.KeyReturn, fyne.KeyF5)
		x.choose("WhatsApp o mensaje")
		x.finger("9 1234 5678")
	}},
	{"documentos-vacio", false, Look{}, func(x *world) { x.press(fyne.KeyF11, fyne.KeyReturn) }},
	{"avisos", false, Look{}, func(x *world) { eventful(x); x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn) }},
	{"avisos-registro", false, Look{Tone: Oscuro}, func(x *world) {
		eventful(x)
		x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyEnd)
		for range len(x.news.alarms) + 1 {
			x.press(fyne.KeyDown)
		}
	}},
	{"avisos-vacio", false, Look{Percent: 125}, func(x *world) { x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn) }},
	{"avisos-atender", false, Look{}, func(x *world) { eventful(x); x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF7) }},
	{"avisos-corregir", false, Look{}, func(x *world) { refused(x, dte.Boleta, "HED-3-211"); x.press(fyne.KeyF2); x.finger("Rosa") }},
	{"avisos-corregir-nota", false, Look{Percent: 125}, func(x *world) { refused(x, dte.NotaCredito, "REF-3-758"); x.press(fyne.KeyF2) }},
	{"avisos-tres-salidas", false, Look{Tone: Oscuro}, func(x *world) { refused(x, dte.Factura, "FAU") }},
	{"avisos-otro-folio", false, Look{}, func(x *world) { refused(x, dte.Boleta, "DTE-3-101"); x.press(fyne.KeyF2) }},
	{"avisos-nota", false, Look{}, func(x *world) {
		x.news.alarms = sale.Alarms(sale.Facts{Now: x.now, Objected: []sale.Task{{
			Key: dte.Key{Emisor: 76543210, Tipo: dte.Factura, Folio: 77}, Veredicto: dte.Veredicto{State: dte.Objected, Codigo: "HED-1-232", Glosa: "Dato del encabezado"},
		}}})
		x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF2)
	}},
	{"contingencia", false, Look{}, func(x *world) { eventful(x); x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8) }},
	{"contingencia-grande", true, Look{Percent: 125}, func(x *world) { eventful(x); x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8) }},
	{"contingencia-resumen", false, Look{}, func(x *world) {
		eventful(x)
		x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn, fyne.KeyF8, fyne.KeyF3)
		x.enter("08:15")
		x.enter("14:00")
		x.press(fyne.KeyF12)
	}},
	{"conciliar", false, Look{}, func(x *world) { monthly(x); toReconcile(x); compareWith(x, "RCV_VENTA_202603.csv") }},
	{"conciliar-mes", true, Look{}, func(x *world) { monthly(x); toReconcile(x); x.press(fyne.KeyDown, fyne.KeyDown) }},
	{"conciliar-grande", false, Look{Percent: 125}, func(x *world) { monthly(x); toReconcile(x) }},
	{"conciliar-documentos", false, Look{Tone: Oscuro}, func(x *world) {
		monthly(x)
		toReconcile(x)
		x.press(fyne.KeyDown, fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn)
		x.work()
		x.press(fyne.KeyDown)
	}},
	{"conciliar-vacio", false, Look{}, func(x *world) { toReconcile(x) }},
	{"conciliar-leyendo", false, Look{}, func(x *world) { x.press(fyne.KeyF11, fyne.Key3) }},
	{"conciliar-archivo", false, Look{}, func(x *world) { monthly(x); toReconcile(x); x.press(fyne.KeyF8); x.press(fyne.KeyF12) }},
	{"respuesta", false, Look{}, func(x *world) { x.w.visit(documents); x.press(fyne.KeyF10) }},
	{"turno", false, Look{}, func(x *world) {
		x.press(fyne.KeyF9, fyne.KeyF9)
		x.enter("50000")
		x.press(fyne.KeyEscape)
		fill(x, 3)
		x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyF9, fyne.KeyF9)
	}},
	{"cajon", false, Look{}, func(x *world) { x.press(fyne.KeyF9) }},
	{"cajon-retiro", false, Look{Percent: 125}, func(x *world) { x.press(fyne.KeyF9); x.choose("Retiro de efectivo…") }},
	{"bloqueo", false, Look{}, func(x *world) { x.crew(); fill(x, 3); x.press(fyne.KeyF10) }},
	{"bloqueo-grande", true, Look{Percent: 125}, func(x *world) { x.crew(); x.press(fyne.KeyF10) }},
	{"autorizar", false, Look{}, func(x *world) {
		x.crew()
		fill(x, 3)
		x.press(fyne.KeyF4)
		x.choose("Vaciar la venta…", "No puede pagar")
	}},
	{"personas", false, Look{Tone: Oscuro}, func(x *world) { x.crew(); x.w.openPeople() }},
	{"persona", false, Look{}, func(x *world) { x.crew(); x.w.openPeople(); x.choose("Ana Pérez") }},
	{"permisos", false, Look{}, func(x *world) { x.crew(); x.w.openPeople(); x.choose("Permisos del cajero…") }},
	{"turno-personas", false, Look{}, func(x *world) {
		x.crew()
		must(x.t, x.till.OpenShift(50_000))
		fill(x, 3)
		x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyF9, fyne.KeyF9)
	}},
	{"servidor-unir", false, Look{}, func(x *world) {
		x.server.codes = map[string]error{"K7QM-2XVD": errors.New("ese código ya se usó en otra caja. No se cambió nada; pida otro a quien administra el servidor")}
		x.w.openServer()
		x.enter("https://caja.losaromos.cl")
		x.finger("K7QM-2XVD")
		x.press(fyne.KeyF12)
		x.work()
	}},
	{"servidor-esperando", false, Look{Tone: Oscuro}, func(x *world) {
		x.w.askServer("", "", "")
		x.enter("https://caja.losaromos.cl")
		x.finger("K7QM-2XVD")
		x.press(fyne.KeyF12)
	}},
	{"servidor", false, Look{}, func(x *world) { x.w.SetStatus(served(x)); x.w.openServer() }},
	{"servidor-detenida", false, Look{Tone: Contraste, Percent: 200}, func(x *world) {
		s := served(x)
		s.Server.Hold = "El servidor conoce una copia más nueva de esta caja, que siguió vendiendo después del respaldo. Lo vendido aquí está a salvo y nadie más usa sus folios. Venda en la otra, o pida a quien administra el servidor que la dé por perdida"
		x.w.SetStatus(s)
		x.w.openServer()
	}},
	{"servidor-lejos", false, Look{}, func(x *world) {
		s := served(x)
		s.Server.Down, s.Server.Since, s.Server.Unsent, s.Server.PricesAt = true, x.now.AddDate(0, 0, -23), 12_480, x.now.AddDate(0, 0, -23)
		s.MailProblem = "el servidor del correo no acepta la clave"
		x.w.SetStatus(s)
		fill(x, 3)
		x.press(fyne.KeyF11)
		x.choose("Qué funciona ahora")
	}},
	{"servidor-dejar", false, Look{Percent: 125}, func(x *world) {
		s := served(x)
		s.Server.Unsent = 34
		x.w.SetStatus(s)
		x.w.openServer()
		x.press(fyne.KeyF4)
	}},
	{"servidor-franja", false, Look{}, func(x *world) {
		s := served(x)
		s.Server.Down, s.Server.Since = true, x.now.Add(-12*time.Minute)
		x.w.SetStatus(s)
		fill(x, 3)
		x.tapStrip(x.w.frame.strip.line)
	}},
	{"turno-cerrado", false, Look{}, func(x *world) {
		x.press(fyne.KeyF9, fyne.KeyF9)
		x.enter("50000")
		x.enter("49500")
		x.press(fyne.KeyReturn)
	}},
}

// toReconcile goes to the month's sums as the menu does.
func toReconcile(x *world) {
	x.w.showReconciliation()
	x.work()
}

func compareWith(x *world, file string) {
	x.press(fyne.KeyF8)
	x.enter(file)
	x.work()
}

// monthly is a month with something of everything.
func monthly(x *world) {
	tally := func(n int) sale.Tally { return sale.Tally{N: n, Total: money.Pesos(12_350 * n)} }
	line := func(day int, tipo dte.TipoDTE, issued, rejected, missing int) sale.DayLine {
		l := sale.DayLine{Tipo: tipo, Issued: tally(issued), Sent: tally(issued - missing), Accepted: tally(issued - missing - rejected), Rejected: tally(rejected), Missing: tally(missing)}
		if day > 0 {
			l.Day = dte.Date{Year: 2026, Month: 3, Day: day}
		}
		return l
	}
	b := sale.Balance{
		Totals:   []sale.DayLine{line(0, dte.Factura, 41, 1, 0), line(0, dte.Boleta, 12_840, 0, 14), line(0, dte.NotaCredito, 6, 0, 0)},
		Compared: true, Others: 212, Bad: []sale.RowError{{Line: 9, Reason: "folio"}},
		Differences: []sale.Discrepancy{
			{Kind: sale.OnlyThere, Tipo: dte.Factura, Folio: 1204, There: 119_000},
			{Kind: sale.OnlyHere, Tipo: dte.Factura, Folio: 1198, Here: 45_980, State: dte.Sent},
			{Kind: sale.OtherTotal, Tipo: dte.NotaCredito, Folio: 88, Here: 14_990, There: 14_900, State: dte.Accepted},
		},
	}
	for day := 1; day <= 16; day++ {
		b.Lines = append(b.Lines, line(day, dte.Factura, 3, day%9/8, 0), line(day, dte.Boleta, 780+day, 0, day/16*14))
	}
	x.office.balance = b
	for i, state := range []dte.State{dte.Accepted, dte.Rejected, dte.Sent, dte.Issued} {
		e := sale.BookEntry{Key: dte.Key{Emisor: 76543210, Tipo: dte.Factura, Folio: dte.Folio(1201 + i)}, At: x.now.Add(time.Duration(i) * time.Minute), Total: 45_980, State: state}
		if state == dte.Rejected {
			e.Veredicto = dte.Veredicto{Codigo: "CAF-3-517", Glosa: "CAF vencido"}
			e.AnnulledBy = dte.Key{Emisor: 76543210, Tipo: dte.NotaCredito, Folio: 89}
		}
		x.office.booked = append(x.office.booked, e)
	}
}

func fill(x *world, n int) {
	for i := range n {
		x.scan(products[i%len(products)].Codigo)
	}
	x.scan("2*" + products[1].Codigo)
}

// served is a till that its server answers.
func served(x *world) Status {
	return Status{Line: LineUp, Server: Server{
		Joined: true, Company: "Minimarket Los Aromos Limitada", Till: "Caja 2, calle San Diego", URL: "https://caja.losaromos.cl", PricesAt: x.now.Add(-108 * time.Minute),
	}}
}

func (x *world) tapStrip(b *badge) { test.Tap(b.panel) }

func offline(x *world) Status {
	return Status{
		Line: LineDown, Since: x.now.Add(-12 * time.Minute), Waiting: 3, Oldest: x.now.Add(-8 * time.Minute),
		PrinterProblem: "sin papel.",
	}
}

// eventful has an alarm of every kind, and a log.
func eventful(x *world) {
	key := func(tipo dte.TipoDTE, folio dte.Folio) dte.Key {
		return dte.Key{Emisor: 76543210, Tipo: tipo, Folio: folio}
	}
	day := dte.DateOf(x.now)
	x.news.alarms = sale.Alarms(sale.Facts{
		Now: x.now, Down: true,
		Waiting: []sale.Waiting{
			{Tipo: dte.Boleta, Count: 12, Oldest: x.now.Add(-2 * time.Hour), Key: key(dte.Boleta, 1204)},
			{Tipo: dte.FacturaExenta, Count: 1, Oldest: x.now.Add(-13 * time.Hour), Key: key(dte.FacturaExenta, 88)},
		},
		Rejected: []sale.Task{{Key: key(dte.Boleta, 1198), Total: 14990, Printed: 1, Veredicto: dte.Veredicto{
			State: dte.Rejected, Codigo: "ENV-3-0", Glosa: "Dato o carácter no permitido",
		}}},
		Objected: []sale.Task{{Key: key(dte.Boleta, 1170), Total: 1990, Veredicto: dte.Veredicto{State: dte.Objected, Codigo: "DTE-1-650", Glosa: "Fecha de Emisión Excede Plazo"}}},
		Ranges: []sale.Range{
			{Tipo: dte.Boleta, Desde: 1, Hasta: 1500, Next: 1205, FA: day},
			{Tipo: dte.Factura, Desde: 1, Hasta: 100, Next: 89, FA: day, Vence: dte.DateOf(x.now.AddDate(0, 0, 9))},
		},
		Pace:        map[dte.TipoDTE][]int{dte.Boleta: {50, 60, 80, 20}},
		Certificate: x.now.AddDate(0, 0, 25), Skew: 6 * time.Minute, Papers: 2, PaperProblem: "la impresora no tiene papel",
		Outage: sale.Outage{Number: 3, Cause: sale.CauseLine, From: x.now.Add(-2 * time.Hour)},
	})
	x.news.outages = []sale.Outage{
		{Number: 3, Cause: sale.CauseLine, From: x.now.Add(-2 * time.Hour), Documents: 12, Detail: "sin conexión con el SII"},
		{
			Number: 2, Cause: sale.CausePower, From: x.now.AddDate(0, 0, -3), To: x.now.AddDate(0, 0, -3).Add(6 * time.Hour), Who: "Rosa",
			Summary: key(dte.Boleta, 1150), Rule: sale.RuleFor(sale.CausePower).Source, Copies: []dte.Key{key(dte.Boleta, 1149)}, Detail: "corte del sector",
		},
		{Number: 1, Cause: sale.CauseAll, From: x.now.AddDate(0, 0, -9), To: x.now.AddDate(0, 0, -9).Add(6 * time.Hour), Who: "Rosa"},
	}
	x.pass(lookEvery + 10*time.Second)
	_ = x.w.lookAround()
	x.w.render()
}

// refused goes to the alarm of a document that the SII refused with that code.
func refused(x *world, tipo dte.TipoDTE, codigo string) dte.Key {
	k := dte.Key{Emisor: 76543210, Tipo: tipo, Folio: 1198}
	x.news.standing = sale.Correction{
		Receptor:   dte.Receptor{RUT: 76192083, RznSoc: "Ferretería El Tornillo Limitada", Giro: "Ferretería", Direccion: "Los Aromos 1234", Comuna: "Maipú", Ciudad: "Santiago"},
		Referencia: []dte.Referencia{{TpoDocRef: "33", FolioRef: "12", FchRef: dte.DateOf(x.now), RazonRef: "Devolución de mercadería"}},
	}
	if tipo.EsNota() {
		x.news.standing.Referencia[0].CodRef = dte.CorrigeMontos
	}
	if tipo.EsBoleta() {
		x.news.standing.Receptor.Giro, x.news.standing.Referencia[0].FchRef = "", dte.Date{}
	}
	glosa := "Documento No Recibido por el SII. Facultado"
	if codigo != "FAU" {
		glosa = "Dato observado por el SII"
	}
	x.news.alarms = sale.Alarms(sale.Facts{Now: x.now, Rejected: []sale.Task{{
		Key: k, Total: 14990, Printed: 1, Veredicto: dte.Veredicto{Key: k, State: dte.Rejected, Codigo: codigo, Glosa: glosa},
	}}})
	x.press(fyne.KeyF11, fyne.KeyDown, fyne.KeyReturn)
	return k
}

// many documents in every state.
func many(x *world) {
	states := dte.States()
	for i := range 14 {
		d := sale.DocumentInfo{State: states[(i+5)%len(states)], Printed: 1, Record: sale.Record{
			At: x.now.Add(-time.Duration(i*7) * time.Minute), Caja: "CAJA1", Total: money.Pesos(1235 * (i + 1)),
			Key:     dte.Key{Emisor: 76543210, Tipo: dte.Boleta, Folio: dte.Folio(12204 - i)},
			Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Received: 20000}}},
		}}
		d.Key.Tipo = []dte.TipoDTE{dte.Boleta, dte.NotaCredito, dte.Factura, dte.FacturaExenta, dte.BoletaExenta}[i%5]
		if i < 2 || i > 6 {
			d.Key.Tipo = dte.Boleta
		}
		if i%4 == 2 {
			d.Key.Tipo, d.Receptor.RznSoc = dte.Factura, "Comercial Los Aromos Limitada"
		}
		if d.State == dte.Rejected {
			d.Veredicto = dte.Veredicto{Codigo: "CAF-3-517", Glosa: "CAF vencido"}
		}
		if i == 0 {
			d.Printed, d.PrintProblem = 0, "La impresora no tiene papel. Póngale un rollo: sale sola."
		}
		x.docs.list = append(x.docs.list, d)
	}
}

// hears has the server say a debt at the other tills.
func (x *world) hears(rut dte.RUT) {
	limit := money.Pesos(150_000)
	x.journal.Hear(rut, sale.Heard{Elsewhere: 30_000, Limit: &limit, At: x.now.Add(-10 * time.Minute)})
}

// known are some customers of the shop.
func known(x *world) {
	list := []sale.Customer{saletest.Buyer()}
	for i, name := range []string{"Comercial San Pedro SpA", "Comercializadora de Frutas y Verduras del Maipo Limitada", "Ferretería Lautaro", "Ana Pérez Soto"} {
		list = append(list, sale.Customer{RUT: dte.RUT(77777770 + i), RznSoc: name, Giro: []string{"Ferretería", "Venta de abarrotes"}[i%2]})
	}
	if err := x.buyers.PutCustomers(x.now, list...); err != nil {
		x.t.Fatal(err)
	}
}

// sizes are the smallest screens that a till has.
var sizes = []fyne.Size{fyne.NewSize(1280, 800), fyne.NewSize(1024, 768)}

// sizesOf are the sizes at which a scene is drawn: some on everything up to 4K.
func sizesOf(scene string) []fyne.Size {
	switch scene {
	case "venta-larga", "pago", "listo", "contraste", "doble", "desconocidos":
		return append([]fyne.Size{fyne.NewSize(1920, 1080), fyne.NewSize(3840, 2160)}, sizes...)
	}
	return sizes
}

// fingers fails for buttons with words, and for what one does next, that a finger would miss: 56 pixels, as large as the
// look says.
func fingers(t *testing.T, x *world) {
	t.Helper()
	n, least := 0, 56*float32(x.w.l.percent)/100-0.5
	seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok && (b.words != "" || b.weight == primary) {
			if n++; b.Size().Height < least || b.Size().Width < least {
				t.Errorf("the button %q measures %v, less than %v", b.words, b.Size(), least)
			}
		}
	})
	if n < 3 {
		t.Errorf("only %d buttons seen", n)
	}
}

// TestScreens draws every screen at both sizes: nothing may ask for more room than there is, what the window says of itself is
// what is drawn, and every key is an action's. With -screens it leaves the pictures for a person to look at.
func TestScreens(t *testing.T) {
	found := map[string]bool{}
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			x := newWorldWith(t, scene.training, scene.look, products)
			x.w.SetStatus(Status{Line: LineUp})
			scene.do(x)
			for _, size := range sizesOf(scene.name) {
				if n := float32(scene.look.Percent) / 100; n > 1 && size.Width < 3840 {
					size = fyne.NewSize(size.Width*n, size.Height*n)
				}
				x.w.Fyne().Resize(size)
				if m := x.w.frame.root.MinSize(); m.Width > size.Width || m.Height > size.Height {
					t.Errorf("%s asks for %v of %v", scene.name, m, size)
				}
				inside(t, x, size)
				fingers(t, x)
				if *screensDir != "" {
					shoot(t, x, fmt.Sprintf("%s-%.0f.png", scene.name, size.Width))
				}
				saysWhatIsDrawn(t, x)
			}
			keysOf(t, x, found)
		})
	}
	t.Run("actions", func(t *testing.T) { actionsAreWhole(t, found) })
}

// inside fails for words and buttons that stick out of what holds them, and for words that are cut although they are
// ours to choose.
func inside(t *testing.T, x *world, size fyne.Size) {
	t.Helper()
	names := map[string]bool{}
	for _, p := range products {
		names[p.Nombre] = true
	}
	for _, c := range x.buyers.All() {
		names[c.RznSoc] = true
	}
	var walk func(o fyne.CanvasObject, at fyne.Position, room fyne.Size)
	walk = func(o fyne.CanvasObject, at fyne.Position, room fyne.Size) {
		if !o.Visible() {
			return
		}
		p, s := o.Position(), o.Size()
		words, own := "", []fyne.CanvasObject{}
		switch o := o.(type) {
		case *text:
			words = o.words
			for _, line := range test.WidgetRenderer(o).Objects() {
				shown := line.(*canvas.Text).Text
				if strings.HasSuffix(shown, "…") && !strings.HasSuffix(words, "…") && !names[words] {
					t.Errorf("at %v the words %q are cut to %q", size, words, shown)
				}
			}
		case *button:
			words = o.words
		case *fyne.Container:
			own = o.Objects
		case *field: // scrolls by itself
		case fyne.Widget:
			own = test.WidgetRenderer(o).Objects()
		}
		const dust = 1.5
		if words != "" && (p.X < -dust || p.Y < -dust || p.X+s.Width > room.Width+dust || p.Y+s.Height > room.Height+dust) {
			t.Errorf("at %v %q at %v of size %v sticks out of %v", size, words, at.Add(p), s, room)
		}
		for _, c := range own {
			walk(c, at.Add(p), s)
		}
	}
	walk(x.w.Fyne().Content(), fyne.Position{}, size)
}

func shoot(t *testing.T, x *world, name string) {
	f, err := os.Create(filepath.Join(*screensDir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, x.w.Fyne().Canvas().Capture()); err != nil {
		t.Fatal(err)
	}
}
