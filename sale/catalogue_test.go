package sale

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
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

func TestSearchFindsTheLastLetterOfACode(t *testing.T) {
	c := NewCatalogue([]Product{{Codigo: "x0", Nombre: "1"}, {Codigo: "x1", Nombre: "A"}, {Codigo: "x2", Nombre: "B"}})
	if got := names(c.Search("1", 9)); got != "1 | A" {
		t.Errorf("found %s", got)
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
		got = got[:min(len(got), len(want))] // typos come after
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("Search(%q) = %v, want %v in %v", text, got, want, products)
		}
	})
}

// A slip of the finger is forgiven in words of four letters and more, two from eight on; never in figures.
func TestSearchForgivesTypos(t *testing.T) {
	c := NewCatalogue([]Product{
		{Codigo: "7801000000014", Nombre: "Leche entera 1 L"},
		{Codigo: "7801000000021", Nombre: "Café con leche"},
		{Codigo: "7801000000038", Nombre: "Detergente líquido"},
		{Codigo: "7801000000045", Nombre: "Pan"},
		{Codigo: "7801000000052", Nombre: "Chocolate amargo"},
		{Codigo: "7801000000069", Nombre: "Lecho de plumas"},
	})
	for _, q := range []struct{ text, want string }{
		{"lecje", "Café con leche | Leche entera 1 L"},                   // another letter
		{"lehce", "Café con leche | Leche entera 1 L"},                   // changed places
		{"lecche", "Café con leche | Leche entera 1 L"},                  // too many; «lecho» is two away
		{"leche", "Leche entera 1 L | Café con leche | Lecho de plumas"}, // what is right comes first
		{"lech", "Leche entera 1 L | Lecho de plumas | Café con leche"},
		{"lexh", "Café con leche | Leche entera 1 L | Lecho de plumas"}, // while it is typed
		{"kech", "Café con leche | Leche entera 1 L | Lecho de plumas"},
		{"detrgnte", "Detergente líquido"}, // two in eight letters
		{"detrgnt", ""},                    // and not in seven
		{"chcolt", ""},
		{"choclate amrago", "Chocolate amargo"},
		{"lecje 1 l", "Leche entera 1 L | Café con leche"}, // of the latter only letters and the code have them
		{"lecje entera", "Leche entera 1 L"},
		{"lecje pan", ""},
		{"pam", ""},
		{"lech1", ""},
		{"7801000000054", ""},
		{"LÉCJE", "Café con leche | Leche entera 1 L"},
		{strings.Repeat("lecje ", 7), ""},
		{strings.Repeat("q", 60), ""},
	} {
		if got := names(c.Search(q.text, 10)); got != q.want {
			t.Errorf("Search(%q) = %s; want %s", q.text, got, q.want)
		}
	}
	if got := names(c.Search("lecje", 1)); got != "Café con leche" {
		t.Errorf("a limit of 1: %s", got)
	}
}

// alignment is the distance by its definition, for the one that shares its work between words to agree with.
func alignment(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	x, y := len(a)-1, len(b)-1
	differ := 1
	if a[x] == b[y] {
		differ = 0
	}
	d := min(alignment(a[:x], b)+1, alignment(a, b[:y])+1, alignment(a[:x], b[:y])+differ)
	if x > 0 && y > 0 && a[x] == b[y-1] && a[x-1] == b[y] {
		d = min(d, alignment(a[:x-1], b[:y-1])+1)
	}
	return d
}

func TestNearAgreesWithTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc]{1,6}`)
		words := rapid.SliceOfNDistinct(word, 0, 25, rapid.ID).Draw(t, "words")
		slices.Sort(words)
		w, edits := rapid.StringMatching(`[abc]{2,5}`).Draw(t, "typed"), rapid.IntRange(1, 2).Draw(t, "edits")
		want := map[int]int{}
		for i, v := range words {
			begins := alignment("", w)
			for end := range len(v) {
				begins = min(begins, alignment(v[:end+1], w))
			}
			if begins <= edits {
				if want[i] = 2*begins + 1; alignment(v, w) == begins {
					want[i]--
				}
			}
		}
		got := map[int]int{}
		vocabulary{words: words}.near(w, edits, func(word, cost int) { got[word] = cost })
		if !maps.Equal(got, want) {
			t.Fatalf("near %s of %v: %v, want %v", w, words, got, want)
		}
	})
}

func TestWithAddsAndReplaces(t *testing.T) {
	c := NewCatalogue([]Product{
		{Codigo: "1", Nombre: "Leche entera", Prc: 1, Categoria: "Lácteos", Favorito: true, Codigos: []Code{{Codigo: "1b"}}},
		{Codigo: "2", Nombre: "Pan", Prc: 1, Favorito: true},
		{Codigo: "3", Nombre: "Queso", Prc: 1, Categoria: "Lácteos"},
	})
	with := func(c *MemCatalogue, products ...Product) *MemCatalogue {
		t.Helper()
		next, err := c.with(products)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	milk := Product{Codigo: "1", Nombre: "Leche descremada", Prc: 2, Categoria: "Frío", Favorito: true, Codigos: []Code{{Codigo: "1c"}}}
	yogurt := Product{Codigo: "4", Nombre: "Lechón", Prc: 3, Categoria: "Lácteos"}
	next := with(with(with(c, milk), yogurt), Product{Codigo: "4", Nombre: "Yogur", Prc: 3, Categoria: "Lácteos", Favorito: true})

	if c.Len() != 3 || names(c.Search("leche", 9)) != "Leche entera" || names(c.Favourites()) != "Leche entera | Pan" {
		t.Errorf("the old catalogue changed: %s", names(c.all()))
	}
	for what, got := range map[string]string{
		"4 Leche descremada | Pan | Queso | Yogur": fmt.Sprint(next.Len(), " ", names(next.all())),
		"Leche descremada | Pan | Yogur":           names(next.Favourites()),
		"Leche descremada":                         names(next.Search("leche", 9)),
		"Yogur":                                    names(next.Search("yogru", 9)) + names(next.Search("lechon", 9)),
		"Queso | Yogur":                            names(next.InCategory("Lácteos", 0, 9)),
		"[{Frío 1} {Lácteos 2} { 1}]":              fmt.Sprint(next.Categories()),
	} {
		if what != got {
			t.Errorf("got %s, want %s", got, what)
		}
	}
	if m, ok := next.ByCode("1c"); !ok || m.Nombre != "Leche descremada" {
		t.Errorf("the new code gives %+v", m)
	}
	if m, ok := next.ByCode("1b"); ok {
		t.Errorf("the code of what was replaced gives %+v", m)
	}
	for code, want := range map[string]string{"2": "ya es de «Pan»", "1c": "ya es de «Leche descremada»"} {
		if _, err := next.With(Product{Codigo: "9", Nombre: "X", Prc: 1, Codigos: []Code{{Codigo: code}}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a taken code %s: %v", code, err)
		}
	}
	if _, err := next.With(Product{Codigo: "9", Nombre: "X", Prc: 1}, Product{Codigo: "8", Nombre: "Y", Prc: 1, Codigos: []Code{{Codigo: "9"}}}); err == nil {
		t.Error("two new products have the same code")
	}
	if _, err := next.With(Product{Codigo: "9", Nombre: "X"}); err == nil || !strings.Contains(err.Error(), "No se guardó") {
		t.Errorf("a product without a price: %v", err)
	}
}

// However many are added and replaced, the catalogue is the one that all of them make at once.
func TestWithAgreesWithANewCatalogue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Product
		draw := func(code int) Product {
			return Product{
				Codigo: fmt.Sprint("x", code), Nombre: rapid.StringMatching(`[a-c]{2,5}( [a-c]{1,5})?`).Draw(t, "name"), Prc: 1,
				Categoria: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "category"), Favorito: rapid.Bool().Draw(t, "favourite"),
			}
		}
		for i := range rapid.IntRange(0, 6).Draw(t, "base") {
			all = append(all, draw(i))
		}
		c := NewCatalogue(slices.Clone(all))
		for range rapid.IntRange(0, 6).Draw(t, "added") {
			p := draw(rapid.IntRange(0, 9).Draw(t, "code"))
			next, err := c.with([]Product{p})
			if err != nil {
				t.Fatal(err)
			}
			c = next
			if i := slices.IndexFunc(all, func(q Product) bool { return q.Codigo == p.Codigo }); i >= 0 {
				all[i] = p
			} else {
				all = append(all, p)
			}
		}
		want := NewCatalogue(all)
		text, limit := rapid.StringMatching(`[a-cx]{1,5}( [a-c]{1,5})?`).Draw(t, "query"), rapid.IntRange(1, 12).Draw(t, "limit")
		for what, pair := range map[string][2]string{
			"all":        {names(c.all()), names(want.all())},
			"favourites": {names(c.Favourites()), names(want.Favourites())},
			"categories": {fmt.Sprint(c.Categories()), fmt.Sprint(want.Categories())},
			"search":     {names(c.Search(text, limit)), names(want.Search(text, limit))},
		} {
			if pair[0] != pair[1] {
				t.Fatalf("%s (%q): %s; want %s", what, text, pair[0], pair[1])
			}
		}
		for i := range 10 {
			got, ok := c.ByCode(fmt.Sprint("x", i))
			if m, there := want.ByCode(fmt.Sprint("x", i)); ok != there || !reflect.DeepEqual(got, m) {
				t.Fatalf("x%d: %+v, want %+v", i, got, m)
			}
		}
	})
}

func TestCategoriesHavePages(t *testing.T) {
	var products []Product
	for i := range 25 {
		products = append(products, Product{Codigo: fmt.Sprint(i), Nombre: fmt.Sprint("p", i), Categoria: []string{"", "Uno", "Dos"}[i%3]})
	}
	c := NewCatalogue(products)
	if got := fmt.Sprint(c.Categories()); got != "[{Uno 8} {Dos 8} { 9}]" {
		t.Errorf("categories %s", got)
	}
	for _, p := range []struct {
		name         string
		first, limit int
		want         string
	}{
		{"Uno", 0, 3, "p1 | p4 | p7"},
		{"Uno", 6, 3, "p19 | p22"},
		{"", 8, 3, "p24"},
		{"Dos", 8, 3, ""},
		{"Dos", 99, 3, ""},
		{"Dos", -5, 1, "p2"},
		{"Dos", 0, -1, ""},
		{"Tres", 0, 3, ""},
	} {
		if got := names(c.InCategory(p.name, p.first, p.limit)); got != p.want {
			t.Errorf("%+v: %s", p, got)
		}
	}
}

func TestVariantsKeepTheShopsOrder(t *testing.T) {
	var products []Product
	for _, size := range []string{"S", "M", "L", "XL"} {
		products = append(products, Product{Codigo: size, Nombre: "Polera " + size, Familia: "Polera", Variante: size})
	}
	if got := names(NewCatalogue(products).Variants("Polera")); got != "Polera S | Polera M | Polera L | Polera XL" {
		t.Errorf("variants: %s", got)
	}
}

// The grid shows a family once in each of its categories; the categories count what is shown.
func TestFamiliesAreOneTile(t *testing.T) {
	var products []Product
	for i, size := range []string{"S", "M", "L"} {
		products = append(products, Product{Codigo: size, Nombre: "Polera " + size, Familia: "Polera", Variante: size, Categoria: "Ropa", Favorito: i == 1})
		products = append(products, Product{Codigo: fmt.Sprint(i), Nombre: fmt.Sprint("Gorro ", i), Categoria: "Ropa"})
	}
	products = append(products, Product{Codigo: "XL", Nombre: "Polera XL", Familia: "Polera", Variante: "XL", Categoria: "Tallas grandes"})
	c := NewCatalogue(products)
	if got := names(c.InCategory("Ropa", 0, 9)); got != "Polera S | Gorro 0 | Gorro 1 | Gorro 2" {
		t.Errorf("the category shows %s", got)
	}
	if got := names(c.InCategory("Tallas grandes", 0, 9)); got != "Polera XL" {
		t.Errorf("the other category shows %s", got)
	}
	if got := fmt.Sprint(c.Categories()); got != "[{Ropa 4} {Tallas grandes 1}]" {
		t.Errorf("categories %s", got)
	}
	if names(c.Variants("Polera")) != "Polera S | Polera M | Polera L | Polera XL" || names(c.Favourites()) != "Polera M" {
		t.Errorf("variants %s, favourites %s", names(c.Variants("Polera")), names(c.Favourites()))
	}
}

// bigCatalogue resembles a large shop: foods, clothes, tools and parts, with brands, sizes and numbers of their own.
func bigCatalogue(n int) []Product {
	random := rand.New(rand.NewPCG(1, 2))
	lists := map[string][]string{}
	pick := func(s string) string {
		if lists[s] == nil {
			lists[s] = strings.Fields(s)
		}
		return lists[s][random.IntN(len(lists[s]))]
	}
	syllables := func() string { // a name that somebody made up: tens of thousands of different ones
		return pick("Al Bo Ca Dul Em Fri Gra Hual Ill Jo Kal Lon Mai Ñan Ol Pe Quil Ra San Tre Ul Ve Wal Yum Zu") +
			pick("be co da fe gui hue li ma ne pa qui ro sa ti vi") + pick("ba cho di fu ga lle mi nu pe ra") + pick("n r l s lén cán tún mapu huén co che vilo rá bú nte ras llo ")
	}
	products := make([]Product, n)
	for i := range products {
		var name []string
		switch i % 4 {
		case 0:
			name = []string{
				pick("Leche Café Arroz Fideos Galletas Bebida Detergente Yogur Jugo Queso Pan Aceite Azúcar Salsa Atún Chocolate"),
				pick("entera light clásico integral premium suave familiar natural"), syllables(),
				pick("sabor formato tarro caja bolsa botella"), pick("100 150 200 250 500 750 900"), pick("g ml cc"),
			}
		case 1:
			name = []string{
				pick("Polera Pantalón Chaqueta Camisa Zapatilla Calcetín Vestido Gorro Chaleco Parka"), syllables(),
				pick("algodón mezclilla lino polar poliéster"), pick("XS S M L XL 38 40 42"), pick("rojo azul negro blanco verde café"),
			}
		case 2:
			name = []string{
				pick("Perno Tuerca Golilla Tornillo Taladro Cañería Ampolleta Enchufe Cable Pintura Brocha Llave"), pick("de para"),
				pick("acero bronce madera PVC cobre hormigón volcanita"), fmt.Sprintf("%d/%d\" x %d mm", 1+random.IntN(7), 8, random.IntN(300)), syllables(),
			}
		case 3:
			name = []string{
				pick("Filtro Pastilla Bujía Correa Amortiguador Rodamiento Bomba Sensor"), pick("aceite aire freno agua distribución"), syllables(), syllables(),
				fmt.Sprintf("%c%d-%03d", 'A'+rune(random.IntN(26)), random.IntN(99), random.IntN(1000)),
			}
		}
		products[i] = Product{
			Codigo: fmt.Sprintf("780%010d", random.Int64N(1e10)), Nombre: strings.Join(name, " "), Prc: money.PerUnit(990),
			Categoria: fmt.Sprint("Categoría ", i%40),
		}
	}
	return products
}

// typed are the words that a day at the counter types: right, abbreviated, in the wrong order, with slips, and of things
// that the shop does not have.
var typed = []string{
	"leche entera sanvilo", "chocolate integral", "ocolate", "zapatilla azul 40", "780123", "7801234567894", "perno 1/2 acero", "bujía",
	"amortiguador freno", "amortigaudor freon", "lehce entrea", "zaptilla negra", "detregente familair botella", "polera xl", "xl polera roja",
	"galleta de agua con sal", "refrigerador", "supercalifragilistico", "pintura latex", "an er", "de la", "z", "w", "qx", "cable pvc 30 mm",
	"camisa lino l blanco", "correa distribucion albe", "corea distribusion", "filtro a12", "wxyz wxyz", "aaaaaaaa", "hormigon", "ormigon bosa",
	"tornilo madera 4 x 50", "rodamietno", "rodameinto", "pantalonm mezclila", "ñanco", "yogurt natural", "yoghurt", "100 g", "c 5", "sensor aire ve",
}

// keystrokes are all states of the field while these are typed.
func keystrokes() []string {
	seen := map[string]bool{}
	var all []string
	for _, text := range typed {
		for end := range text {
			if q := text[:end]; q != "" && !seen[q] {
				seen[q] = true
				all = append(all, q)
			}
		}
		all = append(all, text)
	}
	return all
}

// A search among 100,000 products must not be felt: 5 ms is the budget; the test allows for a busy machine and for the
// race detector and still fails if a search becomes a walk through everything with work at each step.
func TestSearchIsFast(t *testing.T) {
	c := NewCatalogue(bigCatalogue(100_000))
	for _, q := range keystrokes() {
		const budget = 100 * time.Millisecond
		best := time.Hour
		for try := 0; best > budget && try < 20; try++ {
			start := time.Now()
			c.Search(q, 50)
			best = min(best, time.Since(start))
		}
		if best > budget {
			t.Errorf("Search(%q) took %v", q, best)
		}
	}
}

// BenchmarkSearch100k types everything, key by key, and tells the tail and the slowest state of the field.
func BenchmarkSearch100k(b *testing.B) {
	c := NewCatalogue(bigCatalogue(100_000))
	keys := keystrokes()
	var took []time.Duration
	slowest := map[string]time.Duration{}
	for i := 0; b.Loop(); i++ {
		q := keys[i%len(keys)]
		start := time.Now()
		c.Search(q, 50)
		d := time.Since(start)
		took, slowest[q] = append(took, d), max(slowest[q], d)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
	worst := slices.MaxFunc(keys, func(a, b string) int { return cmp.Compare(slowest[a], slowest[b]) })
	b.Logf("%d states of the field, the slowest %q: %v", len(keys), worst, slowest[worst])
}

func BenchmarkWith100k(b *testing.B) {
	c := NewCatalogue(bigCatalogue(100_000))
	for b.Loop() {
		next, err := c.With(Product{Codigo: "nuevo", Nombre: "Nuevo", Prc: 1})
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := next.ByCode("nuevo"); !ok {
			b.Fatal("not found")
		}
	}
}

// BenchmarkCatalogueMemory100k tells what the catalogue keeps, products and their texts included.
func BenchmarkCatalogueMemory100k(b *testing.B) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		products := bigCatalogue(100_000)
		bare := heap()
		c := NewCatalogue(products)
		after := heap()
		b.ReportMetric(float64(bare-before)/(1<<20), "products-MiB")
		b.ReportMetric(float64(after-before)/(1<<20), "catalogue-MiB")
		runtime.KeepAlive(c)
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
