package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	pricing "mostrador/sale/price"
	"mostrador/sale/saletest"
)

const (
	f1, f2, f3, f4, f5, f6, f7, f8, f9, f11, f12 = fyne.KeyF1, fyne.KeyF2, fyne.KeyF3, fyne.KeyF4, fyne.KeyF5, fyne.KeyF6, fyne.KeyF7, fyne.KeyF8, fyne.KeyF9, fyne.KeyF11, fyne.KeyF12

	enter, esc = fyne.KeyReturn, fyne.KeyEscape
)

var leche, cafe = products[0].Codigo, products[1].Codigo

func (x *world) last() sale.Record {
	x.t.Helper()
	if len(x.docs.list) == 0 {
		x.t.Fatal("nothing was issued")
	}
	return x.docs.list[0].Record
}

func TestSellByCodeAndPayInCashWithChange(t *testing.T) {
	x := newWorld(t)
	x.sees("Escanee un producto para comenzar")
	x.enter("300") // $1.097: rounds up to $1.100 in cash
	x.sees("Leche descremada 1 L", "$1.097")
	x.seesNot("Escanee un producto para comenzar")
	x.press(f12)
	x.sees("Redondeo Ley 20.956", "$3", "$1.100", "FALTA")
	x.finger("2000")
	x.sees("VUELTO SI ES EFECTIVO", "$900")
	x.press(enter)
	x.sees("VUELTO", "$900", "Pago completo")
	x.press(enter)
	x.sees("Boleta 1.204", "$900", "SIGUIENTE")
	r := x.last()
	if r.Total != 1097 || r.Payment.Change != 900 || r.Payment.Rounding != 3 {
		t.Errorf("issued %+v", r)
	}
	x.press(enter)
	x.sees("Escanee un producto para comenzar", "Vuelto anterior $900")
	x.typingIsAt(x.w.sink)
}

func TestEnterOnTheEmptyFieldIsExactCash(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter, enter)
	if r := x.last(); r.Payment.Change != 0 || r.Payment.Tenders[0].Received != 1090 {
		t.Errorf("paid %+v", r.Payment)
	}
	x.sees("Sin vuelto")
}

func TestAHeldEnterCountsOnce(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	key := &fyne.KeyEvent{Name: enter}
	x.w.sink.KeyDown(key)
	x.press(enter, enter, enter, enter)
	x.w.sink.KeyUp(key)
	if s := x.snap(); s.Stage != sale.Paying || s.Due != 0 {
		t.Fatalf("a held Enter leads to %s, due %s", s.Stage, s.Due)
	}
	x.w.sink.KeyDown(key)
	x.press(enter)
	x.w.sink.KeyUp(key)
	if s := x.snap(); s.Stage != sale.Done {
		t.Errorf("the next Enter leads to %s", s.Stage)
	}
}

func TestUnknownCode(t *testing.T) {
	x := newWorld(t)
	x.scan("7801234")
	x.sees("Código 7801234 no existe", "Nada se agregó.")
	if n := len(x.lines()); n != 0 {
		t.Errorf("%d lines in the cart", n)
	}
	x.scan(leche)
	x.seesNot("Código 7801234 no existe")
	x.sees("Leche entera 1 L")
}

func TestQuantities(t *testing.T) {
	x := newWorld(t)
	x.finger("3*")
	x.scan(leche) // the quantity by hand, the code by scanner
	x.enter("1,25*100")
	x.press(fyne.KeyUp)
	x.finger("+")
	x.finger("+-")
	lines := x.lines()
	if len(lines) != 2 || lines[0].Qty != money.Units(4) || lines[1].Qty != money.One*5/4 {
		t.Fatalf("lines: %+v", lines)
	}
	x.enter("7*")
	if q := x.lines()[0].Qty; q != money.Units(7) {
		t.Errorf("7* sets %s", q)
	}
	x.press(fyne.KeyDelete)
	x.seesNot("Leche entera 1 L\n7")
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != "100" {
		t.Errorf("after Del: %+v", lines)
	}
	x.sees("1,25 kg")
}

func TestSearchByName(t *testing.T) {
	x := newWorld(t)
	x.finger("2*leche")
	x.sees("ENCONTRADOS", "Leche descremada 1 L", "Leche entera 1 L")
	x.press(fyne.KeyDown, enter)
	if lines := x.lines(); len(lines) != 1 || lines[0].Qty != money.Units(2) {
		t.Fatalf("lines: %+v", lines)
	}
	x.seesNot("ENCONTRADOS")
	x.finger("zzz")
	x.sees("Nada se parece a lo escrito")
	x.press(esc)
	x.seesNot("Nada se parece")
	x.press(f2)
	x.sees("Escriba parte del nombre o del código")
	x.finger("30") // with F2, figures are searched too
	x.sees("Leche descremada 1 L")
	x.press(esc, esc)
	x.seesNot("ENCONTRADOS")
	if x.w.sink.Text != "" {
		t.Errorf("the field keeps %q", x.w.sink.Text)
	}
}

func TestQuickKeys(t *testing.T) {
	x := newWorld(t)
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	quick := x.w.screens[selling].(*sellScreen).quick
	test.TapAt(quick.tiles, fyne.NewPos(10, 10))
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != leche {
		t.Fatalf("the first tile adds %+v", lines)
	}
	pages := quick.tiles.pages()
	if pages < 2 {
		t.Fatalf("%d pages: the test needs two", pages)
	}
	quick.leaf(-1)
	if quick.tiles.page != pages-1 {
		t.Errorf("before the first page comes page %d", quick.tiles.page)
	}
	quick.change(1)
	x.sees("Lácteos")
	x.press(f11)
	x.choose("Productos rápidos")
	x.seesNot("Lácteos")
	x.press(f11)
	x.choose("Productos rápidos")
	x.sees("Lácteos")
}

var buyer = []string{"76.192.083-9", "Comercial Los Aromos Limitada", "Abarrotes", "Av. Matta 123", "Santiago"}

func TestFacturaToACustomer(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f3, f3) // F3 opens, F3 chooses factura
	x.finger("76192083-8")
	x.sees("El dígito verificador no corresponde")
	x.press(fyne.KeyBackspace)
	x.finger("9")
	x.sees("76.192.083-9 es correcto")
	x.press(f12)
	x.sees("Para emitir factura falta la razón social del cliente.")
	x.enter(buyer[1])
	x.enter(buyer[2])
	x.press(f12)
	x.sees("falta la dirección")
	x.enter(buyer[3])
	x.enter("santi")                    // as the SII spells it
	x.press(enter, enter, enter, enter) // no town, no mail, no telephone; it is paid now
	x.seesNot("Cliente y documento")
	x.sees("Factura", buyer[1])
	x.typingIsAt(x.w.sink)
	x.press(f12, f2)
	x.enter("004512")
	x.press(enter)
	r := x.last()
	want := dte.Receptor{RUT: 76192083, RznSoc: buyer[1], Giro: buyer[2], Direccion: buyer[3], Comuna: buyer[4]}
	if r.Key.Tipo != dte.Factura || r.Receptor != want {
		t.Errorf("issued %v to %+v", r.Key, r.Receptor)
	}
	if p := r.Payment.Tenders[0]; p.Method != sale.Debito || p.Reference != "004512" || p.Amount != 1090 {
		t.Errorf("paid %+v", p)
	}
}

func TestBackToBoleta(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	if err := x.till.SetReceptor(dte.Receptor{RUT: 76192083, RznSoc: buyer[1], Giro: buyer[2], Direccion: buyer[3], Comuna: buyer[4]}); err != nil {
		t.Fatal(err)
	}
	if err := x.till.SetTipo(dte.Factura); err != nil {
		t.Fatal(err)
	}
	x.w.render() // the till was changed behind the window's back
	x.pass(time.Second)
	x.press(f3)
	x.sees("76.192.083-9 es correcto")
	x.tap("Sin cliente")
	if s := x.snap(); s.Tipo != dte.Boleta || s.Cart.Receptor != (dte.Receptor{}) {
		t.Errorf("%v for %+v", s.Tipo, s.Cart.Receptor)
	}
	x.typingIsAt(x.w.sink)
}

func TestMixedPayment(t *testing.T) {
	x := newWorld(t)
	x.scan(cafe) // $5.490
	x.pass(time.Second)
	x.press(f12)
	x.finger("3.000")
	x.press(f4)
	x.sees("N.º de operación")
	x.press(esc) // changed one's mind about the transfer, not about the sale
	x.sees("Monto recibido")
	x.finger("3.000")
	x.press(f2, enter)
	x.sees("$2.490")
	x.tap("$2.000")
	x.tap("$1.000")
	x.sees("VUELTO SI ES EFECTIVO", "$510")
	x.press(f12)
	x.sees("El pago no cuadra: faltan $2.490")
	x.press(f1)
	x.tap("EMITIR")
	if p := x.last().Payment; len(p.Tenders) != 2 || p.Change != 510 {
		t.Errorf("paid %+v", p)
	}
}

func TestAmountsAreReadStrictly(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.enter("2.00")
	x.sees("2.00")
	if n := len(x.snap().Payment.Tenders); n != 0 || !x.w.frame.banner.visible() {
		t.Errorf("2.00 pesos were taken for something: %d tenders", n)
	}
	x.typingIsAt(x.w.sink) // the message does not stand in the way
	for range 4 {
		x.press(fyne.KeyBackspace)
	}
	x.enter("2000")
	if c := x.snap().Payment.Change; c != 910 || x.w.frame.banner.visible() {
		t.Errorf("change %d, message shown: %v", c, x.w.frame.banner.visible())
	}
}

func TestEscapeNeverDestroysACart(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.finger("500")
	x.press(f1, esc)
	if x.snap().Stage != sale.Selling {
		t.Fatalf("Esc leads to %s", x.snap().Stage)
	}
	x.press(esc, esc, esc)
	x.press(f4)
	x.finger("6")
	x.sees("¿Por qué se vacía la venta?")
	x.press(esc)
	if n := len(x.lines()); n != 1 {
		t.Fatalf("%d lines are left", n)
	}
	x.press(f4)
	x.finger("6")
	x.press(enter)
	x.sees("Escanee un producto para comenzar")
	x.typingIsAt(x.w.sink)
}

func TestDocuments(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.sees("Menú", "Documentos", "Turno")
	x.finger("1")
	x.sees("Todavía no hay documentos")
	x.press(esc)
	many(x)
	x.press(f11, enter, fyne.KeyDown, fyne.KeyDown)
	x.sees("Factura 12.202", "Rechazada", "CAF vencido (CAF-3-517)", "Sin imprimir")
	x.press(f6)
	if len(x.docs.reprints) != 1 || x.docs.reprints[0].Folio != 12202 {
		t.Errorf("reprinted %v", x.docs.reprints)
	}
	x.sees("La copia de factura 12.202 va a la impresora, marcada COPIA 1.")
	x.finger("12.199")
	x.sees("Boleta 12.199")
	x.seesNot("Boleta 12.204")
	x.press(esc, esc, esc)
	x.sees("Escanee un producto para comenzar")
}

func TestShift(t *testing.T) {
	x := newWorld(t)
	x.press(f9, f9)
	x.sees("No hay turno abierto")
	x.enter("50.000")
	x.sees("Turno 1 abierto", "$50.000")
	x.press(f9)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter, enter, enter, f9, f9)
	x.sees("$51.090", "Pagado con efectivo")
	x.enter("51.000")
	x.sees("¿Cerrar el turno?", "$51.000")
	x.press(enter)
	x.sees("Turno 1 cerrado", "-$90")
	x.press(esc, f9, f9)
	x.sees("No hay turno abierto")
}

// 200 codes of 13 digits, as fast as they come: none lost, none doubled, in order.
func TestTwoHundredScansInARow(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(x *world, i int)
	}{
		{"Enter", func(x *world, _ int) { x.press(enter) }},
		{"Tab", func(x *world, _ int) { x.press(fyne.KeyTab) }},
		{"silence only", func(x *world, _ int) { x.pass(70 * time.Millisecond) }},
		{"nothing at all", func(*world, int) {}},
		{"every third Enter lost", func(x *world, i int) {
			if i%3 == 0 {
				x.pass(70 * time.Millisecond)
			} else {
				x.press(enter)
			}
		}},
		{"Enter later than the silence", func(x *world, _ int) { x.pass(70 * time.Millisecond); x.press(enter) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var many []sale.Product
			for i := range 200 {
				many = append(many, sale.Product{Codigo: ean13(int64(780_000_000_000 + i*7919)), Nombre: fmt.Sprintf("Producto %d", i), Prc: money.PerUnit(100)})
			}
			x := newWorldWith(t, false, Look{}, many)
			for i, p := range many {
				x.burst(p.Codigo)
				c.end(x, i)
			}
			x.pass(time.Second)
			lines := x.lines()
			if len(lines) != len(many) {
				t.Fatalf("%d lines of %d codes", len(lines), len(many))
			}
			for i, l := range lines {
				if l.Codigo != many[i].Codigo || l.Qty != money.One {
					t.Fatalf("line %d is %s × %s, want %s", i, l.Qty, l.Codigo, many[i].Codigo)
				}
			}
		})
	}
}

// A stall of the window can leave two codes in one text.
func TestGluedScansAreTwoScans(t *testing.T) {
	x := newWorld(t)
	x.scan(leche + cafe)
	if n := len(x.lines()); n != 2 {
		t.Errorf("%d lines", n)
	}
}

// Codes that waited are taken one by one; one that does not exist is told, with its text, before the others go on.
func TestAWaitingCodeThatDoesNotExist(t *testing.T) {
	x := newWorld(t)
	x.press(f1)
	x.scan(leche)
	x.scan("99999999")
	x.scan(cafe)
	x.sees("3 códigos en espera")
	x.pass(time.Second)
	x.press(esc)
	x.sees("Código 99999999 no existe", "1 código en espera")
	x.scan(leche)
	var codes []string
	for _, l := range x.lines() {
		codes = append(codes, l.Codigo)
	}
	if got := strings.Join(codes, " "); got != leche+" "+cafe+" "+leche {
		t.Errorf("the cart has %s", got)
	}
	x.seesNot("en espera")
}

// A busy machine shows a code in two halves with a long pause between them.
func TestACodeInTwoHalves(t *testing.T) {
	for _, end := range []fyne.KeyName{"", enter} {
		x := newWorld(t)
		x.burst(leche[:4])
		x.pass(350 * time.Millisecond)
		x.burst(leche[4:])
		if end != "" {
			x.press(end)
		}
		x.pass(time.Second)
		if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != leche {
			t.Errorf("end %q: the cart has %+v, the field %q", end, lines, x.w.sink.Text)
		}
	}
}

// The same in a field for money: neither half becomes an amount.
func TestACodeInTwoHalvesIsNotMoney(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.burst(cafe[:4])
	x.pass(350 * time.Millisecond)
	x.burst(cafe[4:])
	x.press(enter)
	if s := x.snap(); len(s.Payment.Tenders) != 0 || x.w.sink.Text != "" {
		t.Fatalf("tenders %+v, field %q", s.Payment.Tenders, x.w.sink.Text)
	}
	x.press(esc)
	if lines := x.lines(); len(lines) != 2 || lines[1].Codigo != cafe {
		t.Errorf("the cart has %+v", lines)
	}
}

// A machine so busy that it sees the scanner in lumps, with no silence at its place.
func TestScansInLumps(t *testing.T) {
	var all strings.Builder
	var many []sale.Product
	for i := range 100 {
		many = append(many, sale.Product{Codigo: ean13(int64(780_000_000_000 + i*7919)), Nombre: "Producto", Prc: money.PerUnit(100)})
		all.WriteString(many[i].Codigo)
	}
	x := newWorldWith(t, false, Look{}, many)
	for i, r := range all.String() {
		if i%17 == 0 {
			x.now = x.now.Add(350 * time.Millisecond) // and no timer got its turn
		}
		x.stroke(r)
	}
	x.pass(time.Second)
	if n := len(x.lines()); n != len(many) {
		t.Errorf("%d lines of %d codes; the field has %q", n, len(many), x.w.sink.Text)
	}
}

// Two codes whose first Enter was lost, so slow that they look like typing.
func TestGluedAndSlow(t *testing.T) {
	x := newWorld(t)
	x.finger("2*" + leche + cafe)
	x.press(enter)
	if lines := x.lines(); len(lines) != 2 || lines[0].Qty != money.Units(2) || lines[1].Codigo != cafe {
		t.Errorf("the cart has %+v", lines)
	}
}

// Half a code before a pause of the machine is not a code.
func TestAnUnfinishedCodeWaitsForItsRest(t *testing.T) {
	x := newWorld(t)
	x.burst(leche[:7])
	x.pass(120 * time.Millisecond)
	x.burst(leche[7:])
	x.press(enter)
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != leche {
		t.Errorf("the cart has %+v", lines)
	}
	x.seesNot("no existe")
}

func TestAScanDuringADialogueWaits(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f4)
	x.finger("6") // no field: neither figures nor Enter of the scanner may choose
	x.finger("ab")
	if x.w.sink.Text != "" {
		t.Errorf("behind the dialogue the field takes %q", x.w.sink.Text)
	}
	x.scan(cafe)
	x.sees("1 código en espera", "¿Por qué se vacía la venta?")
	x.pass(time.Second)
	x.press(esc)
	x.sees("Café instantáneo tarro 170 g")
	if n := len(x.lines()); n != 2 {
		t.Errorf("%d lines", n)
	}

	x.press(f3)
	x.finger("76")
	x.pass(time.Second)
	x.scan(leche)
	if f := x.w.focused(); f.Text != "76" {
		t.Errorf("the code is in the field: %q", f.Text)
	}
	x.press(esc)
	if n := len(x.lines()); n != 3 {
		t.Errorf("%d lines after the second dialogue", n)
	}
	x.typingIsAt(x.w.sink)
}

func TestAScanNeverBecomesMoney(t *testing.T) {
	for _, end := range []string{"Enter", "silence"} {
		t.Run(end, func(t *testing.T) {
			x := newWorld(t)
			x.scan(leche)
			x.pass(time.Second)
			x.press(f12)
			x.finger("20")
			x.burst(cafe)
			switch end {
			case "Enter":
				x.press(enter)
			case "silence":
				x.pass(time.Second)
			}
			p := x.snap()
			if len(p.Payment.Tenders) != 0 || x.w.sink.Text != "20" {
				t.Errorf("tenders %+v, field %q", p.Payment.Tenders, x.w.sink.Text)
			}
			x.sees("1 código en espera")
			x.press(esc, esc)
			if n := len(x.lines()); n != 2 {
				t.Errorf("%d lines back at the sale", n)
			}
		})
	}
	t.Run("so slow that it looks like a finger's", func(t *testing.T) {
		x := newWorld(t)
		x.scan(leche)
		x.pass(time.Second)
		x.press(f12)
		x.enter(cafe)
		if n := len(x.snap().Payment.Tenders); n != 0 {
			t.Errorf("%d tenders", n)
		}
		x.sees("1 código en espera")
		x.press(esc, f9, f9)
		x.enter(cafe)
		if x.snap().Shift.Open() {
			t.Error("a code opened a shift")
		}
	})
	t.Run("a late Enter does not pay", func(t *testing.T) {
		x := newWorld(t)
		x.scan(leche)
		x.pass(time.Second)
		x.press(f12)
		x.burst(cafe)
		x.pass(100 * time.Millisecond)
		x.press(enter)
		if n := len(x.snap().Payment.Tenders); n != 0 {
			t.Errorf("%d tenders", n)
		}
	})
}

func TestAScanAfterTheSaleBeginsTheNext(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter, enter)
	x.scan(cafe)
	if s := x.snap(); s.Stage != sale.Selling || len(s.Cart.Lines) != 1 {
		t.Errorf("%s with %d lines", s.Stage, len(s.Cart.Lines))
	}
}

func TestErrorsAreToldAndNothingIsLost(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter)
	x.journal.fail = fmt.Errorf("boleta: %w; pulse F12 para preguntar otra vez", sale.ErrUnknown)
	x.press(f12)
	x.sees("Boleta: no se sabe si el documento quedó guardado; pulse F12 para preguntar otra vez")
	if x.snap().Stage != sale.Paying {
		t.Fatalf("the stage is %s", x.snap().Stage)
	}
	x.press(f12)
	x.sees("Boleta 1.204")
	x.press(enter)
	x.journal.fail = errors.New("el disco está lleno: nada se agregó")
	x.scan(leche)
	x.sees("El disco está lleno: nada se agregó")
}

func TestWithoutFolios(t *testing.T) {
	x := newWorld(t)
	x.journal.noFolios = true
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.sees("No quedan folios", "Sin folios")
	x.press(esc)
	if x.w.frame.banner.visible() {
		t.Error("Esc does not put the message away")
	}
	if words := folioAdvice(x.snap()); !strings.Contains(words, "Pida folios al encargado") {
		t.Errorf("at a till alone: %s", words)
	}
	x.deps.Server = func() sale.ServerFacts { return sale.ServerFacts{Joined: true, Heard: true, Down: true} }
	x.again()
	x.press(f12)
	x.sees("No quedan folios", "Los folios vienen del servidor, y no hay línea con él: conecte la caja y llegan solos")
	if words := folioAdvice(x.snap()); !strings.Contains(words, "conecte la caja y llegan solos") || strings.Contains(words, "encargado") {
		t.Errorf("at a till with a server: %s", words)
	}
}

func TestHelpListsTheKeysAndClosesWithAny(t *testing.T) {
	x := newWorld(t)
	for _, key := range []fyne.KeyName{esc, f1, enter} {
		x.press(f1)
		x.sees("Teclas de esta pantalla", "busca por nombre")
		x.press(key)
		x.seesNot("Teclas de esta pantalla")
		x.typingIsAt(x.w.sink)
	}
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, fyne.KeyF11)
	x.sees("recibe efectivo")
}

func TestKeyboardsWithoutFunctionKeys(t *testing.T) {
	x := newWorld(t)
	x.alt(fyne.Key9)
	x.sees("Ingreso de efectivo…")
	x.alt(fyne.Key9)
	x.sees("No hay turno abierto")
	x.press(esc)
	x.alt(fyne.Key1)
	x.sees("Teclas de esta pantalla")
}

func TestTheFieldIsBounded(t *testing.T) {
	x := newWorld(t)
	x.finger(strings.Repeat("x", 200))
	if n := len(x.w.sink.Text); n != longestText {
		t.Errorf("%d characters typed", n)
	}
	x.w.sink.SetText(strings.Repeat("ñ", 4000)) // as a paste does
	if n := len([]rune(x.w.sink.Text)); n != longestText {
		t.Errorf("%d characters pasted", n)
	}
}

// A finger on nothing takes the focus away; the next character must still arrive.
func TestStrayTypingComesHome(t *testing.T) {
	x := newWorld(t)
	c := x.w.Fyne().Canvas()
	c.Unfocus()
	c.OnTypedRune()('1')
	x.typingIsAt(x.w.sink)
	x.finger("00")
	c.Unfocus()
	c.OnTypedKey()(&fyne.KeyEvent{Name: enter})
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != "100" {
		t.Errorf("the cart has %+v; the field %q", lines, x.w.sink.Text)
	}
}

func TestTrainingCannotBeOverlooked(t *testing.T) {
	x := newWorldWith(t, true, Look{}, products)
	for _, keys := range [][]fyne.KeyName{{}, {f11, enter}, {esc, f9}, {esc, f1}} {
		x.press(keys...)
		x.sees("CAPACITACIÓN – SIN VALIDEZ")
	}
	real := newWorld(t)
	real.seesNot("CAPACITACIÓN")
	if x.w.l.light[accent] == real.w.l.light[accent] || x.w.l.dark[accent] == real.w.l.dark[accent] {
		t.Error("training has the colours of the real thing")
	}
}

func TestStrip(t *testing.T) {
	x := newWorld(t)
	x.w.SetStatus(offline(x))
	x.sees("CAJA1", "Sin turno", "Sin internet hace 12 min", "SII: 3 por enviar, 8 min", "Folios: 412", "12:30")
	strip := x.w.frame.strip
	test.Tap(strip.line.panel)
	x.sees("Puede seguir vendiendo")
	test.Tap(strip.printer.panel)
	x.sees("sin papel")
	test.Tap(strip.folios.panel)
	x.sees("Quedan 412 folios de Boleta")
	test.Tap(strip.waiting.panel)
	x.sees("Documentos emitidos")
	test.Tap(strip.shift.panel)
	x.sees("Turno de caja")
	x.w.tick()
	x.pass(time.Hour)
	x.sees("Sin internet hace 1 h", "13:30")
}

// The last line is always in view, however long the ticket.
func TestTheMarkedLineIsInView(t *testing.T) {
	x := newWorld(t)
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	fill(x, 60)
	ticket := x.w.screens[selling].(*sellScreen).ticket
	if last := ticket.top + ticket.room() - 1; last < 60 {
		t.Errorf("line 60 is marked, the last one in view is %d", last)
	}
	for range 60 {
		x.press(fyne.KeyUp)
	}
	if ticket.top != 0 || ticket.selected != 0 {
		t.Errorf("at the top: first in view %d, marked %d", ticket.top, ticket.selected)
	}
	test.Scroll(x.w.Fyne().Canvas(), fyne.NewPos(300, 300), 0, -10)
	if ticket.top == 0 {
		t.Error("the wheel does not move the ticket")
	}
	test.TapAt(ticket, fyne.NewPos(200, ticket.header()+5))
	if ticket.selected != 3 {
		t.Errorf("a tap marks line %d", ticket.selected)
	}
}

// A sale is put aside and taken up again, with its name, its lines and its total; another open one is never overwritten.
func TestHoldAndRecall(t *testing.T) {
	x := newWorld(t)
	x.press(f6)
	x.sees("No hay ventas guardadas")
	x.enter("300")
	x.press(f5)
	x.sees("Guardar esta venta")
	x.enter("señora del pan")
	x.sees("Escanee un producto para comenzar")
	x.enter("100")
	x.press(f6)
	x.sees("Ventas guardadas", "señora del pan", "$1.097", "Hay una venta abierta")
	x.press(enter)
	x.sees("Hay una venta abierta: cóbrela, guárdela o vacíela primero")
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != "100" {
		t.Fatalf("the open sale has %+v", lines)
	}
	x.press(f5, enter)
	x.press(f6)
	x.sees("Pan marraqueta")
	x.finger("1")
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != "300" {
		t.Errorf("recalled %+v", lines)
	}
	x.press(f12, enter, enter)
	if r := x.last(); r.Total != 1097 {
		t.Errorf("sold %+v", r)
	}
}

// A code that is scanned while a list of choices is open chooses nothing: it waits.
// A slow machine sees a figure and the key after it in one look: both count, in their order.
func TestAFigureAndAKeyInOneLook(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12, enter, enter, enter)
	x.press(fyne.KeyF8)
	x.enter("1204")
	x.sees("Devolución de boleta 1.204")
	x.stroke('+')
	x.press(fyne.KeyF4)
	x.sees("Devuelva $1.090 en efectivo.")
	x.press(esc)

	x.scan(leche)
	x.pass(time.Second)
	x.finger("9") // belongs to the field, and chooses nothing in the list that opens over it
	x.press(fyne.KeyF4)
	x.stroke('6')
	x.press(enter) // the list of reasons is open by now, and this takes the first
	x.pass(time.Second)
	if n := len(x.lines()); n != 0 {
		t.Fatalf("%d lines", n)
	}
	events, err := x.journal.Events(1)
	if err != nil || len(events) != 1 || events[0].What != reasonsToVoid[0] {
		t.Errorf("the reason is lost: %+v %v", events, err)
	}
}

func TestAScanChoosesNothing(t *testing.T) {
	x := newWorld(t)
	x.enter("300")
	x.press(f4)
	x.finger("6")
	x.scan(leche)
	x.sees("¿Por qué se vacía la venta?", "1 código en espera")
	x.press(esc)
	if lines := x.lines(); len(lines) != 2 {
		t.Errorf("the cart has %+v", lines)
	}
}

// Emptying a sale needs a reason, and what was taken out can be read later.
func TestVoidKeepsItsReason(t *testing.T) {
	x := newWorld(t)
	x.enter("300")
	x.enter("100")
	x.press(fyne.KeyDelete, f4)
	x.finger("6")
	x.finger("5")
	x.press(enter)
	x.sees("Diga por qué se vacía la venta")
	x.enter("se fue sin   esperar")
	x.sees("Escanee un producto para comenzar")
	events, err := x.journal.Events(10)
	if err != nil || len(events) != 2 {
		t.Fatalf("%+v %v", events, err)
	}
	if e := events[0]; e.Kind != sale.EventVoided || e.What != "se fue sin esperar" || e.Amount != 1097 {
		t.Errorf("%+v", e)
	}
	if e := events[1]; e.Kind != sale.EventRemoved || e.What != "1 × Pan marraqueta" || e.Amount != 2190 {
		t.Errorf("%+v", e)
	}
	x.enter("300")
	x.press(f4)
	x.finger("6")
	x.finger("2") // one of the list
	if events, err = x.journal.Events(1); err != nil || len(events) != 1 || events[0].What != "No puede pagar" || len(x.lines()) != 0 {
		t.Errorf("%+v %v", events, err)
	}
}

// Discounts, prices and notes by hand: each with its reason, shown on the line and explained.
func TestDiscountsByHand(t *testing.T) {
	x := newWorld(t)
	x.enter("300") // $1.097
	x.press(f4)
	x.sees("Leche descremada 1 L", "Descuento a esta línea…")
	x.finger("1")
	x.enter("10%")
	x.sees("¿Por qué? El motivo queda anotado.")
	x.finger("2")
	x.sees("1 línea · −$110", "$987")
	x.press(f4)
	x.finger("5")
	x.sees("¿Por qué este precio?", "Precio de lista 1.097", "Descuento −110 (Por vencer)", "Total de la línea")
	x.press(esc, f4)
	x.finger("2")
	x.enter("hola")
	x.sees("Descuento a toda la venta", "Seguir") // and it says what is wrong
	x.press(esc, f4)
	x.finger("2")
	x.enter("87")
	x.finger("5")
	x.enter("vale del diario")
	x.sees("1 línea · −$197", "$900")
	x.press(f4)
	x.finger("3")
	x.enter("1000")
	x.finger("1")
	x.sees("$813") // 1000 less 10 %, less 87
	x.press(f4)
	x.finger("4")
	x.enter("para llevar")
	if l := x.lines()[0]; l.Nota != "para llevar" || l.Total != 900 {
		t.Errorf("%+v", l)
	}
	x.press(f4)
	x.finger("1")
	x.enter("0")
	x.press(f12, enter, enter)
	if r := x.last(); r.Total != 913 {
		t.Errorf("sold %+v", r)
	}
}

// Prices are told without selling, by scanner, by code and by name.
// A message never hides what comes next: the means of payment while money is taken, nor the change at the end.
func TestAMessageHidesNothingThatIsNeeded(t *testing.T) {
	x := newWorld(t)
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.finger("12x")
	x.press(enter)
	if !x.w.frame.banner.visible() {
		t.Fatal("no message")
	}
	panel := x.w.frame.banner.panel
	place := func(o fyne.CanvasObject) fyne.Position {
		return fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	}
	top := place(panel).Y
	pay, ok := x.w.screens[paying].(*payScreen)
	if !ok {
		t.Fatal("no such screen")
	}
	below := append([]*button{}, pay.notes...)
	for _, b := range pay.methods {
		below = append(below, b)
	}
	for _, b := range below {
		if end := place(b).Y + b.Size().Height; end > top {
			t.Errorf("%q ends at %v, under the message at %v", b.words, end, top)
		}
	}
	if right := place(panel).X + panel.Size().Width; right > place(pay.still).X {
		t.Errorf("the message reaches %v, over what is due at %v", right, place(pay.still).X)
	}
	x.press(esc, esc, enter, enter)
	x.press(f6)
	x.sees("Sin vuelto", "va a la impresora")
	end, ok := x.w.screens[done].(*doneScreen)
	if !ok {
		t.Fatal("no such screen")
	}
	if top, below := place(panel).Y, place(end.change).Y+end.change.Size().Height; below > top {
		t.Errorf("the change ends at %v, under the message at %v", below, top)
	}
}

// Why a price is what it is has nothing to choose: one button, no numbers, and a figure does nothing.
func TestWhyHasNothingToChoose(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f4)
	x.finger("5")
	x.sees("¿Por qué este precio?", "Entendido")
	x.seesNot("Elegir")
	x.press(enter)
	x.seesNot("¿Por qué este precio?")
	if n := len(x.lines()); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// What a dialogue refuses is told in whole sentences.
func TestRefusalsEndInAFullStop(t *testing.T) {
	for in, want := range map[string]string{"": "", "Falta el precio": "Falta el precio.", "No se cambió nada.": "No se cambió nada.", "¿Cuál?": "¿Cuál?", "Espere…": "Espere…"} {
		if got := stopped(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}

// A list of twelve is seen whole on the smallest window, and its tenth row is taken by 0.
func TestALongListIsSeenWhole(t *testing.T) {
	x := newWorld(t)
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	taken := -1
	var choices []choice
	for i := range 12 {
		choices = append(choices, choice{words: fmt.Sprintf("Cosa %d.", i+1), detail: "que se elige", do: func() error {
			taken = i
			return nil
		}})
	}
	x.w.openDialog(newChooseDialog(x.w, "¿Cuál?", "Una de ellas.", choices))
	x.sees("Cosa 1.", "Cosa 10.", "Cosa 12.")
	if size := x.w.dialog.object().MinSize(); size.Height > 768 {
		t.Errorf("the list asks for %v", size)
	}
	x.finger("0")
	if taken != 9 {
		t.Errorf("0 takes row %d", taken)
	}
}

// The strip tells how many folios there are, whole, on the smallest window.
func TestManyFoliosAreToldWhole(t *testing.T) {
	x := newWorld(t)
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	words := "Folios: 12.000"
	x.w.frame.strip.folios.tell(state{theme.IconNameDocument, muted, words})
	for _, line := range test.WidgetRenderer(x.w.frame.strip.folios.words).Objects() {
		if shown, ok := line.(*canvas.Text); ok && shown.Text != words {
			t.Errorf("it shows %q", shown.Text)
		}
	}
}

// The total of a discounted line is green, on the ticket itself.
func TestALoweredTotalIsGreen(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.scan(cafe)
	x.pass(time.Second)
	if err := x.till.SetLineOff(pricing.Off{Pesos: 490, By: pricing.By{Why: "Por vencer"}}); err != nil {
		t.Fatal(err)
	}
	x.w.settle(nil)
	colours := map[string]fyne.ThemeColorName{}
	seen(x.w.screens[selling].object(), func(o fyne.CanvasObject) {
		if o, ok := o.(*text); ok {
			colours[o.words] = o.colour
		}
	})
	if colours["$5.000"] != good || colours["$1.090"] == good {
		t.Errorf("the lowered total is %q, the other %q", colours["$5.000"], colours["$1.090"])
	}
}

func TestPriceCheck(t *testing.T) {
	x := newWorld(t)
	x.press(fyne.KeyF7)
	x.sees("Consultar un precio", "No agrega nada a la venta.")
	x.scan(leche)
	x.pass(time.Second)
	x.sees("Leche entera 1 L", "$1.090")
	x.enter("hallulla")
	x.sees("Pan hallulla", "$2.290 / kg")
	x.enter("999")
	x.sees("Código 999: no existe. Nada se agregó")
	x.press(esc)
	if len(x.lines()) != 0 || len(x.w.waiting) != 0 {
		t.Errorf("a question sold %+v, %v", x.lines(), x.w.waiting)
	}
	x.typingIsAt(x.w.sink)
}

// What was sold comes back by its number, by its stamp, and in parts, with a note of credit and the very cash.
func TestReturns(t *testing.T) {
	x := newWorld(t)
	caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.NotaCredito, 1, 20, dtetest.FA())
	if err := x.journal.AddCAF(caf); err != nil {
		t.Fatal(err)
	}
	x.enter("3*300") // 3.291: 3.290 in cash
	x.enter("200")
	x.press(f12, enter, enter, enter)
	sold := x.last()

	x.press(f8)
	x.sees("Devolución", "Escanee el timbre")
	x.enter("hola")
	x.sees("Eso no es un timbre ni un número de documento.")
	x.enter("99999")
	x.sees("Esta caja no emitió ninguna boleta ni factura con el número 99.999.")
	x.enter(sold.Key.Folio.String())
	x.sees("Devolución de boleta 1.204", "Leche descremada 1 L", "Todavía no devuelve nada.")
	x.press(enter)
	x.sees("Diga primero qué devuelve")
	x.finger("+")
	x.finger("++++")
	x.sees("$3.291", "Devuelva $3.290 en efectivo.")
	x.finger("--")
	x.press(f4)
	x.sees("$1.097", "Devuelva $1.100 en efectivo.", "no")
	x.press(enter)
	x.sees("¿Por qué lo devuelve?")
	x.finger("2")
	x.sees("Nota de crédito 1 por $1.097. Devuelva $1.100 en efectivo.")
	note := x.last()
	if note.Key.Tipo != dte.NotaCredito || len(note.Returned) != 1 || note.Returned[0].Restock {
		t.Errorf("%+v", note)
	}

	x.press(f8)
	x.burst(fmt.Sprintf("<TED version=\"1.0\"><DD><RE>%s</RE><TD>39</TD><F>%d</F><FE>2026-03-16</FE>", sold.Key.Emisor, sold.Key.Folio))
	x.pass(time.Second)
	x.sees("Devolución de boleta 1.204")
	x.press(f3)
	x.sees("$2.544", "Devuelva $2.540 en efectivo.") // together 3.640, as it was paid
	x.press(enter)
	x.finger("5")
	x.enter("se equivocó de sabor")
	x.sees("Nota de crédito 2 por $2.544.")
	x.typingIsAt(x.w.sink)

	x.press(f8)
	x.burst("<TED version=\"1.0\"><DD><RE>97975000-5</RE><TD>39</TD><F>27</F>")
	x.pass(time.Second)
	x.sees("Ese documento es de otra empresa")
	x.press(esc)
	if len(x.lines()) != 0 || len(x.w.waiting) != 0 {
		t.Errorf("a stamp was sold: %+v %v", x.lines(), x.w.waiting)
	}
}

// seesWhole demands room for words that are cut where there is none.
func (x *world) seesWhole(words string) {
	x.t.Helper()
	seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
		if o, ok := o.(*text); ok && o.words == words {
			if need := o.measure(words, o.l.px(o.size)).Width; need > o.Size().Width {
				x.t.Errorf("%q needs %.0f and has %.0f", words, need, o.Size().Width)
			}
		}
	})
}

// What works now is told per operation, with the reason of what does not.
func TestWhatWorksNow(t *testing.T) {
	x := newWorld(t)
	x.w.SetStatus(offline(x))
	x.press(f11)
	x.choose("Qué funciona ahora")
	x.sees("Vender con boleta", "Quedan 412 folios; no necesita internet", "Quedan 97 folios, para 8 días; no necesita internet", "Guía de despacho", "No quedan folios: importe un CAF",
		"Enviar al SII", "Sin internet: se envían solos al volver la línea", "Imprimir", "Guardar, retomar, consultar precios")
	x.press(esc)
	server := sale.ServerFacts{Joined: true, Heard: true, Short: []dte.TipoDTE{dte.FacturaExenta}}
	x.deps.Server = func() sale.ServerFacts { return server }
	x.again()
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	for words, change := range map[string]func(){
		"No quedan folios: el servidor contesta y no tiene; pida al dueño un CAF ahí": func() {},
		"No quedan folios: vienen del servidor, y no hay línea con él; conéctela":     func() { server.Down = true },
		"No quedan folios: el servidor no conoce esta caja; avise al dueño":           func() { server.Ended = true },
	} {
		was := server
		change()
		x.press(f11)
		x.choose("Qué funciona ahora")
		x.sees(words)
		x.seesWhole(words)
		x.seesNot("importe un CAF")
		x.press(esc)
		server = was
	}
	x.w.SetStatus(Status{Line: LineUp})
	x.now = x.now.AddDate(30, 0, 0) // the certificate has expired
	x.press(f11)
	x.choose("Qué funciona ahora")
	x.sees("Los documentos se envían solos", "La impresora está lista", "El certificado")
	x.seesNot("412 folios;")
}

// The sheet of a product has its category, its prices in the lists and its promotions, and says where they are changed.
func TestTheSheetOfAProductIsOnlyShown(t *testing.T) {
	x := newWorld(t)
	rules, bad := pricing.Compile([]pricing.Rule{
		{Name: "Mayorista", Kind: pricing.Precio, Products: []string{leche}, Price: money.PerUnit(990), Lists: []string{"Mayorista"}},
		{Name: "3×2 en lácteos", Kind: pricing.NxM, Categories: []string{"Lácteos"}, Take: 3, Pay: 2},
	})
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	x.deps.Prices = rules
	x.again()
	x.press(f7)
	x.scan(leche)
	x.pass(time.Second)
	x.sees("Leche entera 1 L", "$1.090", "Lácteos · Mayorista: $990 · Promociones: 3×2 en lácteos", "no en la caja")
	x.enter("300")
	x.sees("Leche descremada 1 L", "Sin categoría")
	x.seesNot("Mayorista")
	x.enter("999")
	x.seesNot("Sin categoría")
	x.seesNot("se cambian ahí")
}
