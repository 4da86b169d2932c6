package sale_test

import (
	"testing"

	"pgregory.net/rapid"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

// Whatever comes from the office, and whenever: from its first line to its end a sale is made of the products and by the rules
// that held when it began, and the next one by the newest.
func TestNewsChangeNoOpenSale(t *testing.T) {
	d, _ := newDeps(t)
	rapid.Check(t, func(t *rapid.T) {
		codes := []string{"A", "B", "C"}
		// office is what the office says now: one price in the catalogue and one on a rule for everybody; the lower one counts.
		office := func() (*sale.MemCatalogue, *price.Book, map[string]money.Pesos) {
			var products []sale.Product
			var rules []price.Rule
			costs := map[string]money.Pesos{}
			for _, code := range codes {
				shelf := money.Pesos(rapid.Int64Range(1, 9).Draw(t, "shelf") * 100)
				rule := money.Pesos(rapid.Int64Range(1, 9).Draw(t, "rule") * 100)
				products = append(products, sale.Product{Codigo: code, Nombre: code, Prc: money.PerUnit(shelf)})
				rules = append(rules, price.Rule{Name: "Oferta " + code, Kind: price.Precio, Products: []string{code}, Price: money.PerUnit(rule)})
				costs[code] = min(shelf, rule)
			}
			book, bad := price.Compile(rules)
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			return sale.NewCatalogue(products), book, costs
		}
		catalogue, book, said := office()
		d.Catalogue, d.Prices = catalogue, book
		r, err := sale.NewRegister(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Void("de antes"); err != nil {
			t.Fatal(err)
		}
		inForce, total := said, money.Pesos(0)
		for range rapid.IntRange(1, 30).Draw(t, "gestures") {
			switch rapid.SampledFrom([]string{"scan", "scan", "news", "made", "empty", "aside"}).Draw(t, "gesture") {
			case "scan":
				code := rapid.SampledFrom(codes).Draw(t, "code")
				if total == 0 {
					inForce = said
				}
				if _, err := r.Scan(code); err != nil {
					t.Fatal(err)
				}
				total += inForce[code]
			case "news":
				catalogue, book, said = office()
				r.SetNews(catalogue, book)
			case "made":
				if total == 0 {
					inForce = said
				}
				code := rapid.StringMatching("Z[0-9]{6}").Draw(t, "made")
				if _, err := r.Create(sale.Product{Codigo: code, Nombre: "Hecho aquí", Prc: money.PerUnit(50)}); err != nil {
					t.Fatal(err)
				}
				total += 50
			case "empty":
				if err := r.Void("se arrepintió"); err != nil {
					t.Fatal(err)
				}
				total = 0
			case "aside":
				if total == 0 {
					continue
				}
				id := r.Snapshot().Cart.ID
				if err := r.Hold(""); err != nil {
					t.Fatal(err)
				}
				if err := r.Recall(id); err != nil {
					t.Fatal(err)
				}
				if got := r.Snapshot().Total; got != total {
					t.Fatalf("taken up again it costs %s, and was put aside at %s", got, total)
				}
				if err := r.Void("hasta aquí"); err != nil { // what a sale that waited costs from here on is asked
					t.Fatal(err)
				}
				total = 0
			}
			if got := r.Snapshot().Total; got != total {
				t.Fatalf("the sale costs %s, and should %s", got, total)
			}
		}
	})
}

// A product that is made at the counter while news wait for the end of the sale is there after it.
func TestAProductMadeWhileNewsWait(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "7801234567894")
	r.SetNews(sale.NewCatalogue([]sale.Product{{Codigo: "7801234567894", Nombre: "Otra", Prc: money.PerUnit(990)}}), nil)
	if _, err := r.Create(sale.Product{Codigo: "NUEVO", Nombre: "Nuevo", Prc: money.PerUnit(500)}); err != nil {
		t.Fatal(err)
	}
	must(t, r.Void("otra"))
	scan(t, r, "NUEVO")
	scan(t, r, "7801234567894")
	if total := r.Snapshot().Total; total != 1490 {
		t.Errorf("after the sale: %s", total)
	}
}
