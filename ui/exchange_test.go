package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// newReturnsWorld is a till that can issue credit notes, and has sold a café and two waters for cash.
func newReturnsWorld(t *testing.T) (*world, sale.Record) {
	x := newWorld(t)
	caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.NotaCredito, 1, 20, dtetest.FA())
	if err := x.journal.AddCAF(caf); err != nil {
		t.Fatal(err)
	}
	x.enter("7802900001018")
	x.enter("2*201")
	x.press(f12, enter, enter, enter)
	return x, x.last()
}

// brings opens the return of a document, marks units of its first line, and says why they are changed.
func (x *world) brings(of sale.Record, units string) {
	x.t.Helper()
	x.press(f8)
	x.enter(of.Key.Folio.String())
	x.finger(units)
	x.press(f6)
	x.sees("¿Por qué lo devuelve?", "se cobra o se devuelve sólo la diferencia")
	x.finger("1")
	x.sees("Ahora agregue lo que se lleva.", "Cambio: vuelven $5.490 de Boleta "+docNumber(of.Key)+": 1 × Café instantáneo tarro 170 g")
	x.typingIsAt(x.w.sink)
}

// Goods for dearer ones: the ordinary sale, less what came back.
func TestExchangeForDearer(t *testing.T) {
	x, sold := newReturnsWorld(t)
	x.brings(sold, "+")
	x.enter("206") // 8.990
	x.sees("COBRAR", "$3.500")
	x.press(f12, enter, enter, enter)
	r := x.last()
	if r.Key.Tipo != dte.Boleta || r.Total != 3500 || len(r.Returned) != 1 || r.Returned[0].Of != sold.Key {
		t.Errorf("%+v", r)
	}
	x.seesNot("Cambio: vuelven")

	x.press(f8) // and it is undone as a whole
	x.enter(r.Key.Folio.String())
	x.press(f3, enter)
	x.finger("1")
	x.sees("Nota de crédito 1 por $3.500.", "lo primero se puede devolver con Boleta "+docNumber(sold.Key))
}

// Goods for cheaper ones: the difference goes back as it was paid or as a vale, by the finger too.
func TestExchangeForCheaper(t *testing.T) {
	x, sold := newReturnsWorld(t)
	x.press(f8)
	x.enter(sold.Key.Folio.String())
	x.finger("+")
	x.tap("Cambiar")
	x.finger("1")
	x.enter("200") // 350
	x.sees("-$5.140", "DEVOLVER")
	x.tap("DEVOLVER")
	x.sees("Lo que se lleva cuesta $5.140 menos", "Devuelva $5.140 en efectivo.", "en el vale V")
	x.press(esc)
	x.sees("Cambio: vuelven") // Escape leaves the exchange open
	x.press(f12)
	x.finger("2")
	x.sees("DEVUELVA", "$5.140", "Nota de crédito 1")
	note := x.last()
	m, err := x.journal.Account(sale.ValeAccount(note.Payment.Tenders[0].Reference))
	if err != nil || m.Balance != 5140 || note.Taken[0].Nombre != "Bolsa reutilizable" {
		t.Errorf("%+v, vale %+v, %v", note, m, err)
	}
}

// Goods of the same worth: no document, and the till says so.
func TestExchangeForTheSame(t *testing.T) {
	x, sold := newReturnsWorld(t)
	x.brings(sold, "+")
	x.enter("7802900001018")
	x.sees("CAMBIAR")
	x.press(f12)
	x.sees("CAMBIO", "Sin diferencia", "Cambio 1", "Comprobante interno: no va al SII")
	x.seesNot("Reimprimir")
	x.press(enter)
	if list, err := x.journal.Slips(x.now, x.now.Add(1)); err != nil || len(list) != 1 || list[0].Returned[0].Worth != 5490 {
		t.Errorf("%+v %v", list, err)
	}
}

// An exchange with nothing in it yet can be put aside, taken up and dropped.
func TestExchangeIsKeptOrDroppedWhole(t *testing.T) {
	x, sold := newReturnsWorld(t)
	x.brings(sold, "+")
	x.press(f5)
	x.enter("")
	x.seesNot("Cambio: vuelven")
	x.press(f6)
	x.sees("Cambio de 1 × Café")
	x.finger("1")
	x.sees("Cambio: vuelven $5.490")
	x.press(f4)
	x.sees("¿Por qué se vacía la venta?")
	x.finger("1")
	x.seesNot("Cambio: vuelven")
	if !x.snap().Cart.Empty() {
		t.Error("the exchange is still open")
	}
}

// What cannot be settled says the way out, on the screen where it is.
func TestExchangeOfTaxedForExempt(t *testing.T) {
	x, sold := newReturnsWorld(t)
	x.brings(sold, "+")
	x.enter("7*205")
	x.press(f12)
	x.sees("lo afecto y lo exento no se descuentan entre sí", "devuelva como vale")
}

// A return gives back what was paid, or a vale, and says which before anything is issued.
func TestReturnAsVale(t *testing.T) {
	x, sold := newReturnsWorld(t)
	for _, toggle := range []func(){func() { x.press(f5) }, func() { x.tap("Con vale") }} {
		x.press(f8)
		x.enter(sold.Key.Folio.String())
		x.press(fyne.KeyDown)
		x.finger("+")
		x.sees("Devuelva $1.150 en efectivo.")
		toggle()
		x.sees("Devuelva $1.150 en el vale V")
		toggle()
		x.sees("Devuelva $1.150 en efectivo.")
		toggle()
		x.press(enter)
		x.finger("1")
		note := x.last()
		code := note.Payment.Tenders[0].Reference
		x.sees("Devuelva $1.150 en el vale " + code)
		m, err := x.journal.Account(sale.ValeAccount(code))
		if err != nil || m.Balance != 1150 || !strings.HasPrefix(code, "V") || note.Total != money.Pesos(1150) {
			t.Errorf("%+v, vale %+v, %v", note, m, err)
		}
	}
}

// Without its document only what is in the open sale comes back, for a vale or cash, with a reason; by key and by finger.
func TestReturnWithoutReceipt(t *testing.T) {
	for name, without := range map[string]func(x *world){"key": func(x *world) { x.press(f9) }, "finger": func(x *world) { x.tap("Sin boleta") }} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			x.press(f8)
			without(x)
			x.sees("Agregue primero a la venta lo que vuelve")
			x.press(esc)
			x.enter("201")
			x.press(f8)
			without(x)
			x.sees("Devolución sin boleta", "Devuelva $1.150 en el vale V", "Devuelva $1.150 en efectivo.")
			x.finger("1")
			x.sees("¿Por qué se devuelve sin boleta?", "no rebaja el IVA")
			x.enter("")
			x.sees("Diga por qué se devuelve")
			x.enter("era un regalo")
			x.sees("DEVUELVA", "$1.150", "Devolución sin boleta 1", "no va al SII")
			if r := x.snap().Last; r.Key.Tipo != sale.DevolucionSinBoleta || r.Reason != "era un regalo" || r.Payment.Tenders[0].Method != sale.Vale {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A sale by card voucher is found by its operation, amount or day, and comes back whole at the terminal, or in parts as
// cash or a vale.
func TestReturnOfAVoucher(t *testing.T) {
	x := newWorld(t)
	if err := x.till.SetModelo(sale.ModeloVoucher); err != nil {
		t.Fatal(err)
	}
	x.enter("201")
	x.enter("200")
	for _, err := range []error{x.till.Charge(), x.till.Tender(sale.Debito, 0, "004512")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.till.Issue(); err != nil {
		t.Fatal(err)
	}
	x.till.Next()
	x.w.settle(nil)
	for _, text := range []string{"4512", "$1.500", "16-03"} {
		x.press(f8)
		x.enter(text)
		x.sees("Devolución de comprobante 1", "Agua mineral", "En efectivo")
		x.press(esc)
	}
	x.press(f8)
	x.enter("4512")
	x.finger("+")
	x.sees("El terminal sólo anula la operación entera")
	x.press(fyne.KeyF7)
	x.sees("Devuelva $1.150 en efectivo.")
	x.press(f5)
	x.sees("Devuelva $1.150 en el vale V")
	x.tap("En efectivo")
	x.sees("Devuelva $1.150 en efectivo.")
	x.tap("En efectivo") // and back to the terminal, whole
	x.press(f3)
	x.tap("Devolver")
	x.sees("¿Por qué lo devuelve?")
	x.finger("1")
	x.sees("Devolución de comprobante 1 por $1.500.")
	list, err := x.journal.Slips(x.now.Add(-time.Hour), x.now.Add(time.Hour))
	if err != nil || len(list) != 1 || list[0].Total != 1500 {
		t.Errorf("%+v %v", list, err)
	}
}
