package sale_test

import (
	"errors"
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
