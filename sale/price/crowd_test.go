package price

import (
	"fmt"
	"testing"

	"mostrador/money"
)

// crowdedBook has as many promotions for everything, and for the one category of crowdedCart, as a book takes: the worst
// that an owner can do to his own tills.
func crowdedBook() (rules []Rule) {
	for i := range maxPerShelf {
		r := Rule{Name: fmt.Sprint("Todo ", i), All: true}
		switch i % 3 {
		case 0:
			r.Kind, r.Take, r.Pay = NxM, int64(2+i), int64(1+i/2)
		case 1:
			r.Kind, r.Pct = Segunda, money.Rate(100+i)
		case 2:
			r.Kind, r.Pct, r.From = Descuento, money.Rate(1+i), money.Units(int64(200-i))
		}
		c := Rule{Name: fmt.Sprint("Combo ", i), Kind: Combo, Price: pesos(money.Pesos(100 * i)), Parts: []Part{
			{Categories: []string{"c"}, Qty: int64(1 + i%7)}, {Products: []string{"c1", "c2"}, Qty: 1},
		}}
		if i == 0 {
			c.Price = pesos(1)
		}
		rules = append(rules, r, c)
	}
	return rules
}

func crowdedCart() (items []Item) {
	for i := range 1000 {
		items = append(items, Item{
			Codigo: fmt.Sprint("c", i), Categoria: "c", Base: pesos(money.Pesos(500 + i)), Qty: money.Units(int64(1 + i%9)),
		})
	}
	return items
}

// The fullest book that Compile lets through, and a ticket on which every rule meets every line: the work is a few times
// rules × lines, and not rules × rules × lines.
func TestACrowdedBookIsBounded(t *testing.T) {
	b, items := book(t, crowdedBook()...), crowdedCart()
	s := scratch{categories: map[string]*shelf{}}
	r, err := s.price(b, benchContext, items)
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, items, r)
	if most := 10 * len(b.rules) * len(items); s.looked > most {
		t.Errorf("%d steps for %d rules and %d lines, want at most %d", s.looked, len(b.rules), len(items), most)
	}
	t.Logf("%d steps", s.looked)
}

func BenchmarkPriceCrowded(b *testing.B) {
	crowded, items := book(b, crowdedBook()...), crowdedCart()
	for b.Loop() {
		benchPrice(b, crowded, items)
	}
}
