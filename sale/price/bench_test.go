package price

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"mostrador/money"
)

// manyRules is the policy of a large shop: rules of every kind for products of their own, and a few for categories.
func manyRules(n int) []Rule {
	var rules []Rule
	for i := range n {
		code := fmt.Sprintf("780%010d", i%5000)
		r := Rule{Name: fmt.Sprintf("Regla %d", i), Products: []string{code}}
		switch i / 5000 % 4 {
		case 0:
			r.Kind, r.Price, r.From = Precio, pesos(950), money.Units(6)
		case 1:
			r.Kind, r.Pct, r.Lists = Rebaja, 500, []string{"club"}
		case 2:
			r.Kind, r.Take, r.Pay = NxM, 3, 2
		case 3:
			r.Kind, r.Pct, r.From = Descuento, 1000, money.Units(2)
		}
		r.Name, r.Products[0] = fmt.Sprintf("Regla %d", i), fmt.Sprintf("780%010d", i%5000+i/20_000*5000)
		rules = append(rules, r)
	}
	return rules
}

// bigCart is a ticket of n lines; the products of the first ones have rules.
func bigCart(n int) (items []Item) {
	for i := range n {
		items = append(items, Item{
			Codigo: fmt.Sprintf("780%010d", i*7%5000), Categoria: fmt.Sprintf("Categoría %d", i%12),
			Base: pesos(money.Pesos(990 + i*10)), Qty: money.Units(int64(1 + i%7)),
		})
	}
	return items
}

var benchContext = Context{At: at(12, 0), Lists: []string{"club"}}

// reference is the least that any pricing does: find each line's product by its code and multiply.
func reference(catalogue map[string]money.Price, items []Item) (total money.Pesos) {
	for i := range items {
		amount, err := catalogue[items[i].Codigo].Times(items[i].Qty)
		if err != nil {
			panic(err)
		}
		total += amount
	}
	return total
}

// 20,000 rules of other products cost nothing: as many rules are looked at as without them.
func TestOnlyTheTicketsOwnRulesAreLookedAt(t *testing.T) {
	rules := []Rule{mayorista, club, tresPorDos, once}
	items := []Item{units("b1", 12, 1990), units("p1", 2, 1000), units("t1", 1, 2000)}
	looked := func(rules []Rule) int {
		var s scratch
		s.categories = map[string]*shelf{}
		ctx := Context{At: at(12, 0), Lists: []string{"club"}}
		if _, err := s.price(book(t, rules...), ctx, items); err != nil {
			t.Fatal(err)
		}
		return s.looked
	}
	few, many := looked(rules), looked(append(manyRules(20_000), rules...))
	if few != many || few == 0 {
		t.Errorf("%d rules are looked at, with 20,000 others %d", few, many)
	}
}

// One customer's list among thousands for the same product is found, not searched for.
func TestOnlyTheCustomersListIsLookedAt(t *testing.T) {
	var rules []Rule
	for i := range 5000 {
		rules = append(rules, Rule{Name: "L", Kind: Precio, Products: []string{"b1"}, Price: pesos(money.Pesos(100 + i)), Lists: []string{fmt.Sprint("cliente ", i)}})
	}
	var s scratch
	s.categories = map[string]*shelf{}
	r, err := s.price(book(t, rules...), Context{At: at(12, 0), Lists: []string{"cliente 777"}}, []Item{units("b1", 1, 1990)})
	if err != nil || r.Total != 877 || s.looked != 1 {
		t.Errorf("total %d after looking at %d rules, %v", r.Total, s.looked, err)
	}
}

// A ticket is two pieces of memory, however long it is: its lines and their reasons.
func TestPriceAllocatesLittle(t *testing.T) {
	b := book(t, append(manyRules(20_000), tresPorDos, club, once)...)
	for _, n := range []int{1, 200} {
		items := bigCart(n)
		var s scratch
		s.categories = map[string]*shelf{}
		allocs := testing.AllocsPerRun(50, func() {
			if _, err := s.price(b, benchContext, items); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 3 {
			t.Errorf("%d lines: %v allocations", n, allocs)
		}
	}
}

// BenchmarkPrice prices 200 lines under 20,000 rules, then without rules, beside the least that pricing can be, in turns,
// so that a busy machine slows all alike.
func BenchmarkPrice(b *testing.B) {
	items := bigCart(200)
	many, none := book(b, manyRules(20_000)...), book(b)
	others := book(b, manyRules(40_000)[20_000:]...) // of products that are not on the ticket
	catalogue := map[string]money.Price{}
	for _, r := range manyRules(20_000) {
		catalogue[r.Products[0]] = pesos(990)
	}
	ways := []struct {
		name string
		run  func()
	}{
		{"reference", func() { reference(catalogue, items) }},
		{"0-rules", func() { benchPrice(b, none, items) }},
		{"20000-of-others", func() { benchPrice(b, others, items) }},
		{"20000-rules", func() { benchPrice(b, many, items) }},
	}
	b.Run("200-lines", func(b *testing.B) {
		took := make([][]time.Duration, len(ways))
		// Here a ticket follows a ticket without a pause; at a counter the collector has the time between two scans. So it
		// runs between the measurements and not inside them.
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		for b.Loop() {
			if len(took[0])%500 == 0 {
				runtime.GC()
			}
			for i, way := range ways {
				start := time.Now()
				way.run()
				took[i] = append(took[i], time.Since(start))
			}
		}
		b.ReportMetric(0, "ns/op") // the four together mean nothing
		for i, way := range ways {
			slices.Sort(took[i])
			n := len(took[i])
			b.ReportMetric(float64(took[i][n/2].Nanoseconds())/1000, "µs-p50-"+way.name)
			b.ReportMetric(float64(took[i][n*95/100].Nanoseconds())/1000, "µs-p95-"+way.name)
			b.ReportMetric(float64(took[i][n*99/100].Nanoseconds())/1000, "µs-p99-"+way.name)
			b.ReportMetric(float64(took[i][n/2])/float64(took[0][n/2]), "x-"+way.name)
		}
	})
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				way.run()
			}
		})
	}
}

func benchPrice(b *testing.B, book *Book, items []Item) {
	if _, err := book.Price(benchContext, items); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkCompile20000(b *testing.B) {
	rules := manyRules(20_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, bad := Compile(rules); len(bad) > 0 {
			b.Fatal(bad)
		}
	}
}
