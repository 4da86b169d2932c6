package shop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

// bigShop is a till of 100,000 products and 20,000 price rules, on a real file.
func bigShop(b *testing.B) (*Shop, *sale.Register) {
	b.Helper()
	s, err := Open(practice(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	products := make([]sale.Product, 100_000)
	rules := make([]price.Rule, 20_000)
	for i := range products {
		products[i] = sale.Product{
			Codigo: fmt.Sprintf("78%010d", i), Nombre: fmt.Sprintf("Artículo de prueba número %d", i),
			Prc: money.PerUnit(money.Pesos(500 + i%9000)), Categoria: fmt.Sprintf("Categoría %d", i%200),
		}
	}
	for i := range rules {
		rules[i] = price.Rule{
			Name: fmt.Sprintf("Lleva 3 paga 2 (%d)", i), Kind: price.NxM, Take: 3, Pay: 2,
			Products: []string{products[i].Codigo, products[(i+50_000)%len(products)].Codigo},
		}
	}
	must(b, s.Store.ReplaceProducts(products))
	must(b, s.SetPriceRules(rules))
	deps, err := s.Deps()
	must(b, err)
	r, err := sale.NewRegister(deps)
	must(b, err)
	return s, r
}

// BenchmarkCounter is the counter of a big shop: a scan into a cart of 200 lines until its picture is ready to draw, and
// from the payment to the issued document on disk. Between two scans the cart of the first is written, as it is at a
// counter where a scan follows the other after a fifth of a second.
func BenchmarkCounter(b *testing.B) {
	s, r := bigShop(b)
	n := 0
	scan := func() {
		n++
		if _, err := r.Scan(fmt.Sprintf("78%010d", n*7%100_000)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("scan", func(b *testing.B) {
		for range 200 {
			scan()
		}
		var took []time.Duration
		for b.Loop() {
			if len(r.Snapshot().Cart.Lines) >= 210 {
				b.StopTimer()
				for range 10 {
					must(b, r.Remove())
				}
				b.StartTimer()
			}
			start := time.Now()
			scan()
			_ = r.Snapshot()
			took = append(took, time.Since(start))
			b.StopTimer()
			must(b, s.book.flush())
			b.StartTimer()
		}
		report(b, took)
	})
	b.Run("charge", func(b *testing.B) {
		must(b, r.Void("medición"))
		var took []time.Duration
		for b.Loop() {
			b.StopTimer()
			for range 10 {
				scan()
			}
			must(b, r.Charge())
			must(b, r.Tender(sale.Efectivo, 0, ""))
			b.StartTimer()
			start := time.Now()
			if _, err := r.Issue(); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			r.Next()
		}
		report(b, took)
	})
}

func report(b *testing.B, took []time.Duration) { reportAs(b, "", took) }

func reportAs(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, what+"ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, what+"ms-p99")
}
