package sale_test

import (
	"slices"
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

// A promotion that ended while a sale waited is news like a price of the catalogue: told with both amounts, and kept or not
// as the cashier chooses, whatever is scanned afterwards.
func TestAPromotionThatEndedWhileASaleWaited(t *testing.T) {
	for name, c := range map[string]struct {
		choose func(r *sale.Register) error
		total  money.Pesos
	}{
		"kept":  {(*sale.Register).KeepPrices, 3980},
		"today": {(*sale.Register).TakeNewPrices, 5970},
	} {
		d, j := newDeps(t)
		d.Prices = book(t, price.Rule{Name: "3×2", Kind: price.NxM, Products: []string{"7801234567894"}, Take: 3, Pay: 2})
		r, err := sale.NewRegister(d)
		must(t, err)
		scan(t, r, "3*7801234567894")
		id := r.Snapshot().Cart.ID
		must(t, r.Hold("la del pan"))
		r.SetPrices(book(t))
		must(t, r.Recall(id))
		n, err := r.PriceNews()
		must(t, err)
		if n.Old != 3980 || n.New != 5970 || len(n.Changes) != 1 || n.Changes[0].Old != 3980 || n.Changes[0].New != 5970 {
			t.Fatalf("the news are %+v", n)
		}
		if r.Snapshot().Total != 3980 {
			t.Fatal("the price changed before anybody chose")
		}
		must(t, c.choose(r))
		if total := r.Snapshot().Total; total != c.total {
			t.Errorf("%s: %s", name, total)
		}
		scan(t, r, "7801234567894")
		if total := r.Snapshot().Total; total != c.total+1990 {
			t.Errorf("%s, and one more at its price: %s", name, total)
		}
		events, err := j.Events(10)
		must(t, err)
		told := slices.ContainsFunc(events, func(e sale.Event) bool { return e.Kind == sale.EventPrice && e.Amount == 1990 })
		if told != (name == "kept") {
			t.Errorf("%s: the log has %+v", name, events)
		}
	}
}

// A lower price by rule that ended: what was said when the sale was put aside is kept.
func TestAnOfferThatEndedIsKept(t *testing.T) {
	d, _ := newDeps(t)
	d.Prices = book(t, price.Rule{Name: "Liquidación", Kind: price.Precio, Products: []string{"7801234567894"}, Price: money.PerUnit(990)})
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "7801234567894")
	id := r.Snapshot().Cart.ID
	must(t, r.Hold(""))
	r.SetPrices(book(t))
	must(t, r.Recall(id))
	must(t, r.KeepPrices())
	must(t, r.SetQty(money.Units(2)))
	if total := r.Snapshot().Total; total != 1980 {
		t.Errorf("total %s", total)
	}
}

// A price of the catalogue is kept by the cart itself; that it was, is in the log.
func TestAnOldPriceIsLogged(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "7801234567894")
	id := r.Snapshot().Cart.ID
	must(t, r.Hold(""))
	r.SetCatalogue(sale.NewCatalogue([]sale.Product{{Codigo: "7801234567894", Nombre: "Otro", Prc: money.PerUnit(2990)}}))
	must(t, r.Recall(id))
	must(t, r.KeepPrices())
	events, err := j.Events(1)
	must(t, err)
	if len(events) != 1 || events[0].Amount != 1000 || r.Snapshot().Total != 1990 {
		t.Errorf("the log has %+v", events)
	}
}

// Prices by hand are nobody's to change: what else costs something new is told, and taking it leaves them alone.
func TestAPriceByHandIsNoNews(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "7801234567894")
	must(t, r.SetPrice(money.PerUnit(1500), "por vencer"))
	r.SetCatalogue(sale.NewCatalogue([]sale.Product{
		{Codigo: "7801234567894", Nombre: "Otro", Prc: money.PerUnit(1990)}, {Codigo: "501", Nombre: "Sal", Prc: money.PerUnit(700)},
	}))
	scan(t, r, "501")
	id := r.Snapshot().Cart.ID
	must(t, r.Hold(""))
	r.SetCatalogue(sale.NewCatalogue([]sale.Product{
		{Codigo: "7801234567894", Nombre: "Otro", Prc: money.PerUnit(2990)}, {Codigo: "501", Nombre: "Sal", Prc: money.PerUnit(750)},
	}))
	must(t, r.Recall(id))
	n, err := r.PriceNews()
	must(t, err)
	if len(n.Changes) != 1 || n.Changes[0].Nombre != "Sal" || n.Old != 2200 || n.New != 2250 {
		t.Errorf("news %+v", n)
	}
	must(t, r.TakeNewPrices())
	if lines := r.Snapshot().Cart.Lines; lines[0].Total != 1500 || lines[1].Total != 750 {
		t.Errorf("lines %+v", lines)
	}
}

// The price of a pack is news like any other; the pack is known by what it holds, and by its name among several.
func TestAPackThatChangedItsPrice(t *testing.T) {
	product := func(six, gift money.Pesos) []sale.Product {
		return []sale.Product{{Codigo: "600", Nombre: "Bebida", Prc: money.PerUnit(1000), Codigos: []sale.Code{
			{Codigo: "P12", Qty: money.Units(12), Nombre: "Caja", Prc: money.PerUnit(9000)},
			{Codigo: "P6", Qty: money.Units(6), Nombre: "Six pack", Prc: money.PerUnit(six)},
			{Codigo: "R6", Qty: money.Units(6), Nombre: "Six de regalo", Prc: money.PerUnit(gift)},
		}}}
	}
	r, _ := newRegister(t)
	r.SetCatalogue(sale.NewCatalogue(product(4990, 5990)))
	scan(t, r, "P6")
	scan(t, r, "R6")
	scan(t, r, "P12")
	id := r.Snapshot().Cart.ID
	must(t, r.Hold(""))
	r.SetCatalogue(sale.NewCatalogue(product(5490, 5990)))
	must(t, r.Recall(id))
	n, err := r.PriceNews()
	must(t, err)
	if len(n.Changes) != 1 || n.Changes[0] != (sale.PriceChange{Nombre: "Six pack", Qty: money.One, Old: 4990, New: 5490}) {
		t.Fatalf("news %+v", n)
	}
	must(t, r.TakeNewPrices())
	if total := r.Snapshot().Total; total != 5490+5990+9000 {
		t.Errorf("total %s", total)
	}
	must(t, r.Hold(""))
	r.SetCatalogue(sale.NewCatalogue([]sale.Product{{Codigo: "600", Nombre: "Bebida", Prc: money.PerUnit(1000)}}))
	must(t, r.Recall(id))
	if n, err := r.PriceNews(); err != nil || n.Any() {
		t.Errorf("packs that are not sold any more: %+v, %v", n, err)
	}
}
