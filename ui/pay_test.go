package ui

import (
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// vale puts a vale in the till's book.
func (x *world) vale(code string, amount money.Pesos) {
	x.t.Helper()
	_, err := x.journal.Move(sale.Movement{Account: sale.ValeAccount(code), At: x.now, Kind: sale.MoveReturn, ID: sale.ID(code), Amount: amount})
	if err != nil {
		x.t.Fatal(err)
	}
}

// Every means of payment has its key, and the sale can be paid with all of them together.
func TestEveryMeansByItsKey(t *testing.T) {
	x := newWorld(t)
	x.vale("VABC2345", 500)
	debtor := dte.Receptor{RUT: 76192083, RznSoc: "Comercial Los Aromos Limitada"}
	if _, err := sale.SetCreditLimit(x.journal, "cupo", x.now, debtor.RUT, 600, "Rosa"); err != nil {
		t.Fatal(err)
	}
	x.scan(cafe) // $5.490
	if err := x.till.SetReceptor(debtor); err != nil {
		t.Fatal(err)
	}
	x.pass(time.Second)
	x.press(f12)
	x.finger("1000")
	x.press(f2)
	x.enter("004512")
	x.finger("1000")
	x.press(f3)
	x.sees("Crédito", "Paga $1.000.")
	x.enter("004513")
	x.enter("3")
	x.sees("004513 3 cuotas")
	x.finger("390")
	x.press(f4)
	x.enter("778899")
	x.finger("1000")
	x.press(f5)
	x.enter("Banco del Sur")
	x.enter("A-1")
	x.enter("") // the date stands there
	x.sees("falta el número del cheque")
	x.press(esc)
	x.press(f5)
	x.enter("Banco del Sur")
	x.enter("1234567")
	x.enter("")
	x.sees("N.º 1234567")
	x.press(f6)
	x.enter("vabc-2345")
	x.sees("Vale por $500.")
	x.press(f7)
	x.sees("a este cliente se le pueden fiar $600 más")
	x.press(esc)
	x.finger("600")
	x.press(f7)
	x.press(f1)
	x.press(f12)
	var got []sale.Method
	for _, tender := range x.last().Payment.Tenders {
		got = append(got, tender.Method)
	}
	want := []sale.Method{sale.Debito, sale.Credito, sale.Transferencia, sale.Cheque, sale.Vale, sale.Fiado, sale.Efectivo}
	if len(got) != len(want) {
		t.Fatalf("paid with %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("paid with %v, want %v", got, want)
		}
	}
	if p := x.last().Payment; p.Tenders[1].Cuotas != 3 || p.Tenders[3].Cheque.Fecha != dte.DateOf(x.now) || p.Tenders[3].Cheque.Banco != "Banco del Sur" {
		t.Errorf("%+v", p.Tenders)
	}
}

// What is filled in wrong is told where it can be mended, and pays nothing.
func TestPaymentFormsRefuse(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.press(f3)
	x.enter("4539578763621486")
	x.enter("")
	x.sees("parece un número de tarjeta")
	x.press(esc, f3)
	x.enter("1")
	x.enter("tres")
	x.sees("Las cuotas se escriben con cifras")
	x.press(esc, f5)
	x.enter("B")
	x.enter("1")
	for range 12 {
		x.press("BackSpace")
	}
	x.enter("ayer")
	x.sees("La fecha «ayer» no se entiende")
	x.press(esc, f6)
	x.enter("VNADIE")
	x.sees("El pago no cuadra: el vale VNADIE no existe en esta caja")
	x.press(esc, f7)
	x.sees("para fiar, la venta necesita un cliente con RUT")
	if n := len(x.snap().Payment.Tenders); n != 0 {
		t.Errorf("%d tenders were taken", n)
	}
}

// At the first payment by card the shop is asked for its modelo de emisión, once; with the voucher's, a sale that cards
// pay whole ends without a boleta, and one that they pay in part has one.
func TestTheModeloIsAskedOnce(t *testing.T) {
	x := newWorld(t)
	if err := x.till.SetModelo(""); err != nil {
		t.Fatal(err)
	}
	sell := func(part string) {
		x.scan(leche)
		x.pass(time.Second)
		x.press(f12)
		x.finger(part)
		x.press(f2)
		x.enter("004512")
		if part != "" {
			x.press(f1)
		}
		x.press(f12)
	}
	sell("500")
	x.seesNot("¿Qué modelo de emisión declaró al SII?")
	if (*x.snap().Last).Key.Tipo != dte.Boleta {
		t.Errorf("a mixed payment got %v", (*x.snap().Last).Key)
	}
	sell("")
	x.sees("¿Qué modelo de emisión declaró al SII?")
	x.press(esc)
	if x.snap().Stage != sale.Paying {
		t.Fatal("it was issued without an answer")
	}
	x.press(f12)
	x.finger("2")
	if r := (*x.snap().Last); r.Key.Tipo != sale.Comprobante {
		t.Errorf("issued %v", r.Key)
	}
	x.sees("Sin boleta: vale el comprobante de la tarjeta", "Entréguelo al cliente")
	x.seesNot("Reimprimir")
	sell("")
	x.seesNot("¿Qué modelo de emisión declaró al SII?")
	if r := (*x.snap().Last); r.Key.Tipo != sale.Comprobante || r.Key.Folio != 2 {
		t.Errorf("issued %v", r.Key)
	}
	sell("500")
	if (*x.snap().Last).Key.Tipo != dte.Boleta {
		t.Errorf("a mixed payment got %v", (*x.snap().Last).Key)
	}
	x.press(enter)
	x.w.openSettings()
	x.sees("Modelo de emisión")
}
