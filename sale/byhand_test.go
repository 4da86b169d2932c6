package sale_test

import (
	"errors"
	"strings"
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

var tenth = price.Off{Pct: 1000, By: price.By{Why: "caja golpeada"}}

// A discount on a sale goes with the last of its lines: the next buyer pays what things cost.
func TestADiscountGoesWithItsLastLine(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "7801234567894")
	must(t, r.SetTicketOff(tenth))
	must(t, r.Remove())
	scan(t, r, "7801234567894")
	if s := r.Snapshot(); s.Total != 1990 || s.Cart.Off != (price.Off{}) {
		t.Errorf("the next buyer pays %s, with %+v", s.Total, s.Cart.Off)
	}
}

// What a person takes off a price is kept with the cart that has it: a disk that fails keeps neither.
func TestADiscountIsKeptWithItsReasonOrNotAtAll(t *testing.T) {
	for name, act := range map[string]func(r *sale.Register) error{
		"line":   func(r *sale.Register) error { return r.SetLineOff(tenth) },
		"ticket": func(r *sale.Register) error { return r.SetTicketOff(tenth) },
		"price":  func(r *sale.Register) error { return r.SetPrice(money.PerUnit(1791), "caja golpeada") },
	} {
		t.Run(name, func(t *testing.T) {
			d, j := newDeps(t)
			d.Journal = &lonely{j}
			r, err := sale.NewRegister(d)
			must(t, err)
			scan(t, r, "7801234567894")
			j.saveErr = errors.New("disco lleno")
			if err := act(r); !errors.Is(err, j.saveErr) || r.Snapshot().Total != 1990 {
				t.Errorf("after %v the sale is of %s", err, r.Snapshot().Total)
			}
			events, err := j.Events(9)
			if err != nil || len(events) != 0 {
				t.Errorf("the log has %+v, %v", events, err)
			}
			j.saveErr = nil
			must(t, act(r))
			events, err = j.Events(9)
			if err != nil || len(events) != 1 || events[0].Amount != 199 {
				t.Errorf("the log has %+v, %v", events, err)
			}
		})
	}
}

// lonely keeps an event together with its cart, and none alone.
type lonely struct{ *journal }

func (l *lonely) Log(sale.Event) error { return errors.New("se cortó la luz") }

// A sale that has its document is over: what comes afterwards is of the next one, and nothing of it is said of the first.
func TestAnEndedSaleCannotBeTouched(t *testing.T) {
	r, j := newRegister(t)
	ended := func() {
		t.Helper()
		scan(t, r, "7801234567894")
		must(t, r.Charge())
		must(t, r.Tender(sale.Efectivo, 0, ""))
		_, err := r.Issue()
		must(t, err)
	}
	ended()
	if r.SetTicketOff(tenth) == nil {
		t.Error("a discount on a sale that has not begun")
	}
	ended()
	must(t, r.Void("se arrepintió"))
	ended()
	for name, err := range map[string]error{
		"line off": r.SetLineOff(tenth), "price": r.SetPrice(money.PerUnit(1), "x"), "remove": r.Remove(), "less": r.SetQty(money.One), "bump": r.Bump(-1),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	events, err := j.Events(9)
	if err != nil || len(events) != 0 {
		t.Errorf("the log says %+v, %v", events, err)
	}
	ended()
	if last := r.Snapshot().Last; last.Total != 1990 {
		t.Errorf("the last sale is of %s", last.Total)
	}
}

// The buyer's list prices his sale, and nobody else's.
func TestTheBuyersListPricesHisSale(t *testing.T) {
	d, _ := newDeps(t)
	d.Prices = book(t, price.Rule{Name: "Mayorista", Kind: price.Precio, Products: []string{"7801234567894"}, Price: money.PerUnit(1500), Lists: []string{"Mayorista"}})
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "7801234567894")
	for _, c := range []struct {
		lists []string
		total money.Pesos
	}{{nil, 1990}, {[]string{"Mayorista"}, 1500}, {[]string{"Otra"}, 1990}} {
		must(t, r.Choose(sale.Choice{Receptor: buyer(), Lists: c.lists}))
		if total := r.Snapshot().Total; total != c.total {
			t.Errorf("on %v it is %s, want %s", c.lists, total, c.total)
		}
	}
	must(t, r.Choose(sale.Choice{Receptor: buyer(), Lists: []string{"Mayorista"}}))
	if l, err := r.Quote("7801234567894"); err != nil || l.Total != 1500 {
		t.Errorf("asked for, it is %s, %v", l.Total, err)
	}
}

// Packs and the labels of a scale have prices of their own: no rule for the product makes them cheaper.
func TestRulesLeavePacksAndLabelsAlone(t *testing.T) {
	d, _ := newDeps(t)
	d.Prices = book(t,
		price.Rule{Name: "Mitad", Kind: price.Descuento, All: true, Pct: 5000},
		price.Rule{Name: "Mitad del kilo", Kind: price.Descuento, All: true, Pct: 5000, Weighed: true})
	d.Scale = sale.DefaultScaleRules()
	d.Catalogue = sale.NewCatalogue([]sale.Product{
		{Codigo: "400", Nombre: "Cerveza", Prc: money.PerUnit(990), Codigos: []sale.Code{{Codigo: "PACK", Qty: money.Units(6), Prc: money.PerUnit(4990)}}},
		{Codigo: "7", Nombre: "Queso", Unidad: "kg", Prc: money.PerUnit(8990)},
	})
	r, err := sale.NewRegister(d)
	must(t, err)
	label := closed(t, "210000701234")
	for i, c := range []struct {
		code  string
		total money.Pesos
	}{{"400", 495}, {"PACK", 4990}, {"7", 4495}, {label, 1234}} {
		scan(t, r, c.code)
		if l := r.Snapshot().Cart.Lines[i]; l.Total != c.total {
			t.Errorf("%s costs %s, want %s", c.code, l.Total, c.total)
		}
	}
}

// A discount that cannot be is refused in words that say what can.
func TestARefusedDiscountSaysWhatCanBe(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "7801234567894")
	why := price.By{Why: "porque sí"}
	for _, off := range []price.Off{{Pct: 10_001, By: why}, {Pct: -1, By: why}, {Pesos: -1, By: why}, {Pct: 1, Pesos: 1, By: why}} {
		for _, err := range []error{r.SetLineOff(off), r.SetTicketOff(off)} {
			if err == nil || !strings.HasPrefix(err.Error(), "el descuento es un porcentaje de 0 a 100, o un monto en pesos") {
				t.Errorf("%+v: %v", off, err)
			}
		}
	}
	if err := r.SetPrice(-1, "x"); err == nil || !strings.HasPrefix(err.Error(), "el precio no puede ser negativo") {
		t.Errorf("a price below zero: %v", err)
	}
	if l := r.Snapshot().Cart.Lines[0]; l.Total != 1990 || l.Why != nil {
		t.Errorf("the line is %+v", l)
	}
}

// A discount is measured by what is left of the sale: in pesos it is a larger part of fewer goods, and one on the whole comes
// on top of the lines'.
func TestNoDiscountGrowsBeyondWhatIsAllowed(t *testing.T) {
	off := func(pct money.Rate, pesos money.Pesos) price.Off {
		return price.Off{Pct: pct, Pesos: pesos, By: price.By{Why: "amigo"}}
	}
	for name, c := range map[string]struct{ give, grow func(c *crew) error }{
		"fewer of the line": {
			func(c *crew) error { return c.SetLineOff(off(0, 500)) }, // of 10 × 1.990
			func(c *crew) error { return c.SetQty(money.One) },
		},
		"fewer lines": {
			func(c *crew) error { return c.SetTicketOff(off(0, 500)) },
			func(c *crew) error { return c.Remove() },
		},
		"both": {
			func(c *crew) error { return c.SetLineOff(off(400, 0)) },
			func(c *crew) error { return c.SetTicketOff(off(400, 0)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCrew(t, true)
			policy := sale.Policy{sale.Cajero: {Rights: []sale.Right{sale.MaySell, sale.MayRemove, sale.MayDiscount}, Discount: 500}}
			must(t, x.journal.SetPolicy(policy, sale.Event{At: x.now, Kind: sale.EventPolicy}))
			x.restart()
			must(t, x.Enter(ana, "1111"))
			scan(t, x.Register, "300", "10*7801234567894")
			must(t, c.give(x))
			before := x.Snapshot()
			var need sale.ApprovalError
			if err := c.grow(x); !errors.As(err, &need) || need.Right != sale.MayDiscount || need.Off <= 500 {
				t.Fatalf("it was done: %v", err)
			}
			if after := x.Snapshot(); after.Total != before.Total || len(after.Cart.Lines) != len(before.Cart.Lines) {
				t.Errorf("the sale went from %s to %s", before.Total, after.Total)
			}
			must(t, x.Approve(need, rosa, "9999"))
			must(t, x.Approved(func() error { return c.grow(x) }))
		})
	}
}

// The shelf of sales that wait has an end, and words have an alphabet.
func TestTheShelfAndTheWordsHaveAnEnd(t *testing.T) {
	r, _ := newRegister(t)
	for range 50 {
		scan(t, r, "300")
		must(t, r.Hold(""))
	}
	scan(t, r, "300")
	if err := r.Hold(""); err == nil || !strings.Contains(err.Error(), "ya hay 50 ventas guardadas") || len(r.Snapshot().Cart.Lines) != 1 {
		t.Errorf("sale 51: %v", err)
	}
	for _, bad := range []string{"\xff\xfe", "pan\x00", "\u202e1.000"} {
		if r.SetNote(bad) == nil || r.Hold(bad) == nil || r.Void(bad) == nil {
			t.Errorf("%q was kept", bad)
		}
	}
}

// Whoever is told that something was refused is told, too, that nothing happened.
func TestARefusalSaysThatNothingHappened(t *testing.T) {
	r, _ := newRegister(t)
	why := price.By{Why: "amigo"}
	wants := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "Nada ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	quote := func(text string) error { _, err := r.Quote(text); return err }
	wants("an empty sale's discount", r.SetTicketOff(price.Off{Pct: 100, By: why}))
	for name, act := range map[string]func() error{
		"no line's discount": func() error { return r.SetLineOff(price.Off{Pct: 100, By: why}) }, "no line's price": func() error { return r.SetPrice(1, "x") },
		"no line's note": func() error { return r.SetNote("x") }, "no line's quantity": func() error { return r.SetQty(money.One) },
		"no line out": r.Remove, "no line's unit": func() error { return r.Bump(1) },
	} {
		wants(name, act())
	}
	scan(t, r, "7801234567894")
	for _, text := range []string{"0*300", "-1*300", "x*300", "0,5*300", "0,0005*100", "1000000000*300", "99999999999999999999*300", "*", "nadie", strings.Repeat("7", 200)} {
		wants(text, scanned(r, text))
	}
	_, err := r.Add(products[0], -money.One/1000)
	wants("a little less than nothing", err)
	must(t, r.SetQty(money.Units(3)))
	_, err = r.Add(products[0], -money.One) // would take one away, without a word in the log
	wants("less than nothing", err)
	must(t, r.SetQty(money.One))
	wants("a price of nothing", quote("0*300"))
	wants("too many", r.SetQty(1_000_000_000*money.One))
	wants("half a bottle", r.SetQty(money.One/2))
	wants("a discount without a reason", r.SetLineOff(price.Off{Pct: 100}))
	wants("a discount above all", r.SetTicketOff(price.Off{Pct: 10_001, By: why}))
	wants("a price without a reason", r.SetPrice(1, ""))
	wants("a price below zero", r.SetPrice(-1, "x"))
	wants("an endless note", r.SetNote(strings.Repeat("x", 81)))
	wants("nothing said", r.Void(""))
	if s := r.Snapshot(); len(s.Cart.Lines) != 1 || s.Total != 1990 {
		t.Errorf("something happened: %+v", s.Cart)
	}
}
