package ui

import (
	"testing"

	"mostrador/money"
	"mostrador/sale"
)

// dearer has the shop sell milk for more from now on.
func (x *world) dearer() {
	x.t.Helper()
	list := append([]sale.Product(nil), products...)
	list[0].Prc = money.PerUnit(1190)
	x.till.SetCatalogue(sale.NewCatalogue(list))
}

func heldMilk(t *testing.T) *world {
	x := newWorld(t)
	x.enter("3*" + leche)
	x.enter("200")
	x.press(f5, enter)
	x.dearer()
	x.press(f6, enter)
	x.sees("Hay precios que cambiaron", "3 × Leche entera 1 L", "$3.270", "$3.570", "Dejar $3.620", "Precios de hoy $3.920")
	return x
}

// A price that changed since the sale was put aside is never taken nor kept without a word.
func TestARecalledSaleAtTodaysPrices(t *testing.T) {
	x := heldMilk(t)
	x.press(f12)
	x.sees("Quedaron los precios de hoy: $3.920.")
	if s := x.snap(); s.Total != 3920 {
		t.Errorf("total %s", s.Total)
	}
	x.press(f12, enter, enter)
	if x.last().Total != 3920 {
		t.Errorf("issued %s", x.last().Total)
	}
}

func TestARecalledSaleAtItsOwnPrices(t *testing.T) {
	for name, key := range map[string]func(x *world){"Enter": func(x *world) { x.press(enter) }, "Esc": func(x *world) { x.press(esc) }, "a scan": func(x *world) {
		x.scan("7800000000019")
		x.seesNot("Código 7800000000019 no existe")
		x.press(esc, esc, esc) // the others take the message and the red row out of sight
	}} {
		x := heldMilk(t)
		key(x)
		x.finger("+") // the bag: another pricing of the whole cart
		if s := x.snap(); s.Total != 3970 {
			t.Errorf("%s: total %s", name, s.Total)
		}
	}
}

func TestARecalledSaleWithoutNewsSaysNothing(t *testing.T) {
	x := newWorld(t)
	x.enter("200")
	x.press(f5, enter)
	x.dearer()
	x.press(f6, enter)
	if x.w.dialog != nil {
		t.Errorf("%T is open", x.w.dialog)
	}
	if n := len(x.lines()); n != 1 {
		t.Errorf("%d lines", n)
	}
}
