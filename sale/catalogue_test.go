package sale

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/money"
)

func names(products []Product) string {
	var all []string
	for _, p := range products {
		all = append(all, p.Nombre)
	}
	return strings.Join(all, " | ")
}

func TestSearch(t *testing.T) {
	c := NewCatalogue([]Product{
		{Codigo: "7801000000014", Nombre: "Leche entera 1 L", Favorito: true},
		{Codigo: "7801000000021", Nombre: "Café con leche"},
		{Codigo: "7801000000038", Nombre: "PIÑA en rodajas"},
		{Codigo: "A-20", Nombre: "Detergente malecheado"},
		{Codigo: "leche", Nombre: "Código raro"},
		{Codigo: "101", Nombre: "Marraqueta", Unidad: "kg", Favorito: true},
		{Codigo: "102", Nombre: "Ají Ñuble"},
	})
	for _, q := range []struct{ text, want string }{
		// the very code, then names that begin so, then words that begin so, then anywhere
		{"leche", "Código raro | Leche entera 1 L | Café con leche | Detergente malecheado"},
		{"LECHE  Entera", "Leche entera 1 L"},
		{"entera leche", "Leche entera 1 L"},
		{"pina", "PIÑA en rodajas"},
		{"Piña", "PIÑA en rodajas"},
		{"pin\u0303a", "PIÑA en rodajas"},
		{"AJI nuble", "Ají Ñuble"},
		{"7801000000021", "Café con leche"},
		{"0000002", "Café con leche"},
		{"a-20", "Detergente malecheado"},
		{"A-20", "Detergente malecheado"},
		{"l", "Leche entera 1 L | Café con leche | Código raro | Ají Ñuble | Detergente malecheado"},
		{"ro", "PIÑA en rodajas | Código raro"},
		{"cafe te", ""},
		{"", ""},
		{" ,;- ", ""},
		{"\xff\xfe", ""},
	} {
		if got := names(c.Search(q.text, 10)); got != q.want {
			t.Errorf("Search(%q) = %s; want %s", q.text, got, q.want)
		}
	}
	if got := c.Search("leche", 2); len(got) != 2 {
		t.Errorf("a limit of 2 gives %d", len(got))
	}
	if got := c.Search("leche", 0); len(got) != 0 {
		t.Errorf("a limit of 0 gives %d", len(got))
	}
	if got := names(c.Favourites()); got != "Leche entera 1 L | Marraqueta" {
		t.Errorf("favourites: %s", got)
	}
	if _, ok := c.ByCode("7801000000"); ok {
		t.Error("half a code was found")
	}
}

func TestTheLastOfTwoEqualCodesCounts(t *testing.T) {
	c := NewCatalogue([]Product{{Codigo: "1", Nombre: "Viejo"}, {Codigo: "2", Nombre: "Otro"}, {Codigo: "1", Nombre: "Nuevo"}})
	if m, ok := c.ByCode("1"); !ok || m.Nombre != "Nuevo" || c.Len() != 2 {
		t.Errorf("got %q of %d products", m.Nombre, c.Len())
	}
	if got := c.Search("viejo", 10); len(got) != 0 {
		t.Errorf("the replaced product is still found: %s", names(got))
	}
}

// A code of the product's own comes before the further code of another one, whatever their order.
func TestByCodePrefersTheOwnCode(t *testing.T) {
	a := Product{Codigo: "1", Nombre: "A", Codigos: []Code{{Codigo: "2"}, {Codigo: "3"}}}
	b := Product{Codigo: "2", Nombre: "B", Codigos: []Code{{Codigo: "3"}, {Codigo: "1"}}}
	for want, code := range map[string]string{"A": "1", "B": "2"} {
		for _, c := range []*MemCatalogue{NewCatalogue([]Product{a, b}), NewCatalogue([]Product{b, a})} {
			if m, ok := c.ByCode(code); !ok || m.Product.Nombre != want || m.Code != code || m.Qty != money.One {
				t.Errorf("%s gives %+v", code, m)
			}
		}
	}
}

func TestSearchFindsByFurtherCodesFamilyAndVariant(t *testing.T) {
	c := NewCatalogue([]Product{
		{Codigo: "a", Nombre: "Cola", Codigos: []Code{{Codigo: "7801234567894", Qty: money.Units(6), Nombre: "Séxtuple"}}},
		{Codigo: "b", Nombre: "Polera básica S azul", Familia: "Polera básica", Variante: "S azul"},
		{Codigo: "c", Nombre: "Gorro"},
		{Codigo: "d", Nombre: "PB M ROJO", Familia: "Polera básica", Variante: "M rojo"},
		{Codigo: "e", Nombre: "Polera básquetbol"},
	})
	for text, want := range map[string]string{
		"7801234567894": "Cola", "12345678": "Cola", "sextuple": "Cola",
		"polera basica": "PB M ROJO | Polera básica S azul", "poler": "PB M ROJO | Polera básica S azul | Polera básquetbol",
		"rojo polera": "PB M ROJO", "pb m": "PB M ROJO",
	} {
		if got := names(c.Search(text, 10)); got != want {
			t.Errorf("Search(%q) = %s; want %s", text, got, want)
		}
	}
}

func TestAnEmptyCatalogueAnswers(t *testing.T) {
	c := NewCatalogue(nil)
	if _, ok := c.ByCode("1"); ok || len(c.Search("pan", 5)) != 0 || len(c.Favourites()) != 0 {
		t.Error("something was found in nothing")
	}
}

// The index never loses or invents an answer: it agrees with a plain look at every product.
func TestSearchAgreesWithALookAtEverything(t *testing.T) {
	word := rapid.StringMatching(`[A-Cañ1é]{1,5}`)
	rapid.Check(t, func(t *rapid.T) {
		var products []Product
		for i, name := range rapid.SliceOfN(rapid.SliceOfN(word, 1, 3), 0, 30).Draw(t, "names") {
			products = append(products, Product{Codigo: fmt.Sprint("x", i), Nombre: strings.Join(name, " ")})
		}
		text := strings.Join(rapid.SliceOfN(word, 1, 2).Draw(t, "query"), " ")
		var want []string
		for _, p := range products {
			if hasAll(fold(p.Nombre+" "+p.Codigo), strings.Fields(fold(text))) {
				want = append(want, p.Codigo)
			}
		}
		var got []string
		for _, p := range NewCatalogue(products).Search(text, len(products)+1) {
			got = append(got, p.Codigo)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("Search(%q) = %v, want %v in %v", text, got, want, products)
		}
	})
}

// bigCatalogue resembles a large shop: few nouns, many brands and sizes.
func bigCatalogue(n int) []Product {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(s string) string { f := strings.Fields(s); return f[random.IntN(len(f))] }
	products := make([]Product, n)
	for i := range products {
		name := strings.Join([]string{
			pick("Leche Café Arroz Fideos Galletas Bebida Detergente Yogur Jugo Queso Pan Aceite Azúcar Salsa Atún Chocolate"),
			pick("entera light clásico integral premium suave familiar natural"),
			pick("Alerce Boldo Canelo Coihue Lenga Maitén Peumo Quillay Raulí Tepa Ulmo Ñirre"),
			pick("sabor formato tarro caja bolsa botella"), pick("100 150 200 250 500 750 900"), pick("g ml cc"),
		}, " ")
		products[i] = Product{Codigo: fmt.Sprintf("780%010d", random.Int64N(1e10)), Nombre: name, Prc: money.PerUnit(990)}
	}
	return products
}

var queries = []string{
	"leche", "leche entera ulmo", "ocolate", "ñirre", "780", "7801", "100 g", "g", "z", "ml 900 tepa", "de", "nt", "00", "integral caja",
	"xyz", "0", "c 5", "oihue otell",
}

// A search among 100,000 products must not be felt: 2 ms is the budget; the test allows for a busy machine and for the
// race detector and still fails if a search becomes a walk through everything with work at each step.
func TestSearchIsFast(t *testing.T) {
	c := NewCatalogue(bigCatalogue(100_000))
	for _, q := range queries {
		const budget = 50 * time.Millisecond
		best := time.Hour
		for try := 0; best > budget && try < 40; try++ {
			start := time.Now()
			c.Search(q, 50)
			best = min(best, time.Since(start))
		}
		if best > budget {
			t.Errorf("Search(%q) took %v", q, best)
		}
	}
}

func BenchmarkSearch100k(b *testing.B) {
	c := NewCatalogue(bigCatalogue(100_000))
	for _, q := range queries {
		b.Run(strings.ReplaceAll(q, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				c.Search(q, 50)
			}
		})
	}
}

func BenchmarkByCode100k(b *testing.B) {
	products := bigCatalogue(100_000)
	c := NewCatalogue(products)
	for b.Loop() {
		if _, ok := c.ByCode(products[777].Codigo); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkNewCatalogue100k(b *testing.B) {
	products := bigCatalogue(100_000)
	b.ReportAllocs()
	for b.Loop() {
		NewCatalogue(products)
	}
}
