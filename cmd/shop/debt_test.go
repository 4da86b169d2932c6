package shop

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// TestOneDebtAtTwoTills: what a customer owes and may owe is the same at each till of a shop, however late one hears of the other. Each
// adds what it sold him itself to what the server said of the rest, told or not, and nothing twice.
func TestOneDebtAtTwoTills(t *testing.T) {
	w := newTown(t)
	w.opens()
	one := w.desk("CAJA1", true)
	two := w.desk("CAJA2", false)
	for _, d := range []*desk{one, two} {
		d.joins()
		d.toldTheServer()
		must(t, d.till.OpenShift(50_000))
	}
	aromos := saletest.Buyer().RUT
	must(t, one.shop.SaveCustomer(saletest.Buyer()))
	one.trusts(aromos, 50_000)
	one.toldTheServer()
	two.toldTheServer()
	one.mustLend(30_000)
	two.owes(0, 50_000)
	two.mustHear(30_000, one)

	two.refusesToLend(25_000, "se le pueden fiar $20.000 más", "Cobre el resto de otra manera")
	two.mustLend(20_000)
	two.owes(50_000, 50_000)
	two.refusesToLend(10, "76.192.083-9 debe $50.000 y su cupo es de $50.000")
	for range 2 {
		two.mustHear(50_000)
		one.mustHear(50_000)
	}

	one.toServer.cut()
	two.toServer.cut()
	heard := two.debt().AsOf
	w.clock.pass(time.Hour)
	two.pays(aromos, 10_000)
	two.owes(40_000, 50_000)
	one.owes(50_000, 50_000)
	one.refusesToLend(10, "debe $50.000")
	two.mustLend(10_000) // the last word of the server counts, and nobody waits for it
	two.refusesToLend(10, "debe $50.000")
	if at := two.debt().AsOf; !at.Equal(heard) {
		t.Errorf("without a server the figure is of %v, and it was of %v", at, heard)
	}
	two.pays(aromos, 40_000) // of which he owes 10.000 to this till
	two.owes(10_000, 50_000)
	for _, d := range []*desk{one, two} {
		d.toServer.open()
		d.rejoinsRoad()
	}
	two.mustHear(10_000)
	one.mustHear(10_000)
	if at := one.debt().AsOf; !at.After(heard) {
		t.Errorf("after an hour the figure is still of %v", at)
	}

	one.toServer.losesAnswers() // the server has the sale, and its till does not know that
	one.mustLend(5_000)
	one.triesTheServer()
	one.owes(15_000, 50_000)
	one.toServer.clear()
	one.rejoinsRoad()
	two.mustHear(15_000, one)
	one.trusts(aromos, 60_000)
	one.owes(15_000, 60_000)
	two.owes(15_000, 50_000)
	two.mustHear(15_000, one)
	two.owes(15_000, 60_000)
	one.mustHear(15_000)
	w.limits(aromos, 12_000) // the owner says less, and holds
	one.mustHear(15_000, two)
	one.refusesToLend(10, "debe $15.000 y su cupo es de $12.000")
	two.refusesToLend(10, "debe $15.000 y su cupo es de $12.000")

	_, own, err := two.till.Debt(aromos)
	must(t, err)
	must(t, two.shop.LeaveServer(t.Context()))
	two.owes(own[0].Balance, 50_000) // as when it last lent him something
	if at := two.debt().AsOf; !at.IsZero() {
		t.Errorf("a till without a server knows of a figure of %v", at)
	}
}

// mustHear has the tills hear the server, the others first, and know this debt then.
func (d *desk) mustHear(owed money.Pesos, others ...*desk) {
	d.town.t.Helper()
	d.town.clock.pass(time.Minute)
	for _, o := range append(others, d) {
		o.toldTheServer()
	}
	if debt := d.debt(); debt.Balance != owed {
		d.town.t.Errorf("%s has heard the server and says a debt of %s, want %s: %+v", d.name, debt.Balance, owed, debt)
	}
}

func (d *desk) debt() sale.Debt {
	d.town.t.Helper()
	debt, _, err := d.till.Debt(saletest.Buyer().RUT)
	must(d.town.t, err)
	return debt
}

// owes is what the customer owes and may owe, as this till says it.
func (d *desk) owes(owed, limit money.Pesos) {
	d.town.t.Helper()
	if debt := d.debt(); debt.Balance != owed || debt.Limit != limit {
		d.town.t.Errorf("%s says that he owes %s of %s, want %s of %s", d.name, debt.Balance, debt.Limit, owed, limit)
	}
}

// lends an amount of a dearer sale to the customer; the rest is paid in cash.
func (d *desk) lends(amount money.Pesos) error {
	r := d.till
	if r.Snapshot().Stage == sale.Done {
		r.Next()
	}
	if _, err := r.Scan(pie); err != nil {
		return err
	}
	if err := errors.Join(r.SetQty(50*money.One), r.Choose(toAromos), r.Charge()); err != nil {
		return err
	}
	if err := r.Pay(sale.Tender{Method: sale.Fiado, Received: amount}); err != nil {
		r.Back()
		return errors.Join(err, r.Void("ensayo"))
	}
	if err := r.Tender(sale.Efectivo, 0, ""); err != nil {
		return err
	}
	_, err := r.Issue()
	return err
}

func (d *desk) mustLend(amount money.Pesos) {
	d.town.t.Helper()
	if err := d.lends(amount); err != nil {
		d.town.t.Fatalf("%s lends no %s: %v", d.name, amount, err)
	}
}

// refusesToLend says why.
func (d *desk) refusesToLend(amount money.Pesos, words ...string) {
	d.town.t.Helper()
	err := d.lends(amount)
	for _, part := range words {
		if err == nil || !strings.Contains(err.Error(), part) {
			d.town.t.Errorf("%s is to say «%s» to who wants %s on account, and says %v", d.name, part, amount, err)
		}
	}
}

// limits has the owner say at the server how much a customer may owe.
func (w *town) limits(rut dte.RUT, limit money.Pesos) {
	w.t.Helper()
	w.asks(func(c *central.Call) error {
		_, err := c.ChangeCustomer(rut, func(c *central.Customer) { c.CreditLimit = &limit })
		return err
	})
}
