package ui

import (
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// debtors are two customers: Aromos bought first and paid a part, Central bought later.
func (x *world) debtors() (aromos, central dte.RUT) {
	x.t.Helper()
	aromos, central = 76192083, 76543210
	for rut, name := range map[dte.RUT]string{aromos: "Comercial Los Aromos Ltda.", central: "Panadería Central"} {
		if err := x.buyers.SaveCustomer(sale.Customer{RUT: rut, RznSoc: name}); err != nil {
			x.t.Fatal(err)
		}
	}
	for i, c := range []struct {
		rut    dte.RUT
		amount money.Pesos
		after  time.Duration
	}{{aromos, 5000, 0}, {aromos, 8236, 24 * time.Hour}, {central, 20_000, 48 * time.Hour}} {
		x.now = x.now.Add(c.after)
		x.owes(sale.ID(string(rune('a'+i))), c.rut, c.amount)
	}
	return aromos, central
}

// owes has a customer buy on account.
func (x *world) owes(id sale.ID, rut dte.RUT, amount money.Pesos) {
	x.t.Helper()
	if _, err := x.till.SetCreditLimit("cupo-"+id, rut, 100_000, "Rosa"); err != nil {
		x.t.Fatal(err)
	}
	_, err := x.journal.Move(sale.Movement{
		Account: sale.CreditAccount(rut), At: x.now, Kind: sale.MoveSale, ID: id, Amount: amount, Key: dte.Key{Tipo: dte.Boleta, Folio: 1204},
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *world) debt(rut dte.RUT) sale.Debt {
	x.t.Helper()
	d, _, err := x.till.Debt(rut)
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}

func TestWhoOwesIsListedOldestFirst(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Fiado")
	x.sees("Nadie debe.")
	aromos, _ := x.debtors()
	x.press(f11)
	x.choose("Fiado")
	d, ok := x.w.dialog.(*chooseDialog)
	if !ok || len(d.choices) != 2 || d.choices[0].words != "Comercial Los Aromos Ltda." || d.choices[0].amount != "$13.236" || d.choices[1].words != "Panadería Central" {
		t.Fatalf("the list is %+v", x.w.dialog)
	}
	x.sees("$33.236 en total.", "desde hace 3 días")
	// What was bought first is paid first: then his oldest debt is the younger purchase.
	if _, err := x.till.PayDebt(sale.Abono{ID: "p", RUT: aromos, Tender: sale.Tender{Method: sale.Transferencia, Received: 5000}}); err != nil {
		t.Fatal(err)
	}
	if since := x.debt(aromos).Since; !since.Equal(x.now.Add(-48 * time.Hour)) {
		t.Errorf("he owes since %s", since)
	}
}

// Where a server tells what is owed at the other tills, the whole debt stands wherever the customer does, with the hour of that figure;
// the limit is refused and allowed by it.
func TestTheWholeDebtIsShown(t *testing.T) {
	x := counter(t)
	aromos, limit := saletest.Buyer().RUT, money.Pesos(31_000)
	x.press(f3)
	x.finger("76.192.083-9")
	x.sees("Cliente guardado")
	x.seesNot("Cliente guardado ·")
	x.press(f12, f12)
	x.seesNot("Fiado: ")
	x.press(esc)

	at := x.now
	x.journal.Hear(aromos, sale.Heard{Elsewhere: 30_500, Limit: &limit, At: at})
	x.now = x.now.Add(time.Minute)
	x.press(f3)
	x.sees("Cliente guardado · debe $30.500 al " + hour(at))
	x.press(f9)
	x.sees("Debe $30.500", "Cupo de $31.000, le quedan $500 · en otras cajas $30.500 al "+hour(at))
	x.press(esc, esc, f12)
	x.sees("Fiado: debe $30.500 al " + hour(at) + ", le quedan $500")
	x.press(f7)
	x.sees("a este cliente se le pueden fiar $500 más")
	x.finger("500")
	x.press(f7, enter, f12)
	if d := x.debt(aromos); d.Balance != 31_000 || d.Elsewhere != 30_500 {
		t.Fatalf("he owes %+v", d)
	}
	x.now = x.now.Add(24 * time.Hour)
	x.press(f11)
	x.choose("Fiado")
	x.sees("$31.000 en total.")
	x.press(enter)
	x.sees("en otras cajas $30.500 al "+day(at)+" "+hour(at), "$31.000")
	x.journal.Hear(77777770, sale.Heard{Elsewhere: 900, At: at})
	x.press(esc)
	x.sees("$31.900 en total.", "en otras cajas, al "+day(at))
}

// An abono in cash: chosen from the list, counted in the shift, told with what is left.
func TestAnAbonoInCash(t *testing.T) {
	x := newWorld(t)
	aromos, _ := x.debtors()
	if err := x.till.OpenShift(10_000); err != nil {
		t.Fatal(err)
	}
	x.press(f11)
	x.choose("Fiado", "Comercial Los Aromos Ltda.")
	x.sees("Debe $13.236", "Compra, boleta 1.204", "Cupo de $100.000, le quedan $86.764")
	x.press(enter)
	x.choose("Efectivo")
	x.sees("Nada escrito: todo, $13.240")
	x.enter("5000")
	x.sees("Recibidos $5.000 de Comercial Los Aromos Ltda. Debe $8.236.")
	if s := x.snap().Shift; s.Expected() != 15_000 {
		t.Errorf("the drawer should have %s", s.Expected())
	}
	x.press(f11)
	x.choose("Fiado", "Comercial Los Aromos Ltda.")
	x.sees("Abono con efectivo")
	x.press(f12)
	x.choose("Efectivo")
	x.press(enter)
	if b := x.debt(aromos).Balance; b != 0 {
		t.Errorf("with nothing written all is paid, and %s is left", b)
	}
	if s := x.snap().Shift; s.Expected() != 23_240 {
		t.Errorf("the drawer should have %s", s.Expected())
	}
}

func TestAnAbonoByTransferKeepsItsNumber(t *testing.T) {
	x := newWorld(t)
	_, central := x.debtors()
	x.w.openDialog(newAccountDialog(x.w, central, x.w.closeDialog))
	x.press(f12)
	x.choose("Transferencia")
	x.enter("1500")
	x.enter("778899")
	_, moves, _ := x.till.Debt(central)
	if m := moves[0]; m.Kind != sale.MovePaid || m.Reference != "778899" || m.Received != 1500 || m.Name != "Panadería Central" {
		t.Errorf("kept %+v", m)
	}
	x.press(f11)
	x.choose("Fiado", "Panadería Central")
	x.sees("Abono con transferencia 778899")
}

// Too much is refused where it can be mended, and whatever is pressed twice is kept once.
func TestAnAbonoIsKeptOnce(t *testing.T) {
	x := newWorld(t)
	aromos, _ := x.debtors()
	x.w.openDialog(newAccountDialog(x.w, aromos, x.w.closeDialog))
	x.press(f12)
	x.choose("Efectivo")
	form := x.w.dialog.(*formDialog)
	x.finger("99990")
	x.press(enter)
	x.sees("se quieren abonar $99.990. Nada se anotó")
	form.fields[0].write("3000")
	form.accept()
	form.accept()
	if b := x.debt(aromos).Balance; b != 10_236 {
		t.Errorf("he owes %s", b)
	}
}

// F3, the customer, his account: and back to where it was opened, with nothing lost.
func TestTheAccountIsBesideTheCustomer(t *testing.T) {
	x := newWorld(t)
	x.debtors()
	x.press(f3, f9)
	x.sees("Para ver su cuenta, escriba el RUT del cliente o elíjalo de la lista")
	x.finger("76.192.083-9")
	x.press(f9)
	x.sees("Debe $13.236")
	x.press(esc)
	d, ok := x.w.dialog.(*customerDialog)
	if !ok || d.said(sale.FieldRznSoc) != "Comercial Los Aromos Ltda." {
		t.Fatalf("back in %T", x.w.dialog)
	}
	x.press(esc)
	x.w.openDialog(newBookDialog(x.w))
	x.finger("11.111.111-1")
	x.press(f9)
	x.sees("No debe nada", "Sin cupo para fiar")
	x.press(enter)
	x.sees("No debe nada")
}

func TestALimitIsGivenByName(t *testing.T) {
	x := newWorld(t)
	x.w.openDialog(newAccountDialog(x.w, 11111111, x.w.closeDialog))
	x.press(f4)
	form := x.w.dialog.(*formDialog)
	form.fields[0].write("50.000")
	x.press(f12)
	x.sees("Diga quién da el cupo. Nada cambió")
	form.fields[1].write("Rosa")
	x.press(f12)
	x.sees("11.111.111-1 puede deber hasta $50.000.")
	if d := x.debt(11111111); d.Limit != 50_000 {
		t.Errorf("the limit is %s", d.Limit)
	}
}

// A code that is scanned over the account is sold later; its Enter receives no money.
func TestAScanPaysNoDebt(t *testing.T) {
	x := newWorld(t)
	aromos, _ := x.debtors()
	x.w.openDialog(newAccountDialog(x.w, aromos, x.w.closeDialog))
	x.scan(leche)
	if _, ok := x.w.dialog.(*accountDialog); !ok {
		t.Errorf("the scan opened %T", x.w.dialog)
	}
	x.press(f12)
	x.choose("Efectivo")
	x.scan(leche)
	if b := x.debt(aromos).Balance; b != 13_236 {
		t.Errorf("he owes %s", b)
	}
	if f := x.w.dialog.field(); f == nil || f.Text != "" {
		t.Error("the code stands where the amount goes")
	}
	x.press(esc)
	if l := x.lines(); len(l) != 1 || !strings.Contains(l[0].Nombre, "Leche") || l[0].Qty != 2*money.One {
		t.Errorf("both codes waited for the sale, which has %+v", l)
	}
}
