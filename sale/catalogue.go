package sale

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// MemCatalogue is a Catalogue held in memory. It never changes once it is made, so any number of goroutines may use it.
// News from the office is a new MemCatalogue; a product made at the counter is With, which shares the index of all others.
type MemCatalogue struct {
	base     *layer
	fresh    *layer           // what was added since, in one small index of its own
	added    []Product        // the products of fresh, in the order in which they came
	replaced map[uint32]int   // products of base that are gone, by their place in the shop's order: which of added took it
	grid     func() *gridView // made when somebody first asks
}

var _ Catalogue = (*MemCatalogue)(nil)

// NewCatalogue indexes products. Of two with the same code of their own only the last one is there; of two that share a
// further code the last one is found by it, but a product's own code always comes before.
func NewCatalogue(products []Product) *MemCatalogue {
	return newCatalogue(newLayer(lastOfEachCode(products)), nil, nil)
}

func newCatalogue(base *layer, added []Product, replaced map[uint32]int) *MemCatalogue {
	c := &MemCatalogue{base: base, fresh: newLayer(added), added: added, replaced: replaced}
	c.grid = sync.OnceValue(c.layOut)
	return c
}

// maxAdded is how many products With carries along before it makes one index of all, which takes a moment.
const maxAdded = 1000

// With is the catalogue and these products, quickly.
func (c *MemCatalogue) With(products ...Product) (Catalogue, error) {
	next, err := c.with(products)
	if err != nil {
		return nil, err
	}
	return next, nil
}

func (c *MemCatalogue) with(products []Product) (*MemCatalogue, error) {
	next := &MemCatalogue{base: c.base, fresh: c.fresh, added: slices.Clone(c.added), replaced: maps.Clone(c.replaced)}
	owner := map[string]string{} // of the codes that come with products
	for _, p := range products {
		if err := p.Check(); err != nil {
			return nil, err
		}
		for code := range p.codes() {
			if o, taken := owner[canonical(code)]; taken && o != p.Codigo {
				return nil, fmt.Errorf("el código «%s» se repite en «%s». No se guardó nada", code, p.Nombre)
			}
			if m, taken := c.ByCode(code); taken && canonical(m.Product.Codigo) != canonical(p.Codigo) {
				return nil, fmt.Errorf("el código «%s» ya es de «%s». No se guardó nada", code, m.Product.Nombre)
			}
			owner[canonical(code)] = p.Codigo
		}
		next.put(p)
	}
	if len(next.added) > maxAdded {
		return NewCatalogue(next.all()), nil
	}
	return newCatalogue(c.base, next.added, next.replaced), nil
}

// put takes in a product whose codes are nobody else's.
func (c *MemCatalogue) put(p Product) {
	same := func(q Product) bool { return canonical(q.Codigo) == canonical(p.Codigo) }
	if k := slices.IndexFunc(c.added, same); k >= 0 {
		c.added[k] = p
		return
	}
	c.added = append(c.added, p)
	if at, ok := c.base.byCode[canonical(p.Codigo)]; ok && at.code == 0 {
		if c.replaced == nil {
			c.replaced = map[uint32]int{}
		}
		c.replaced[at.product] = len(c.added) - 1
	}
}

// order is the shop's order: the places of base, and after them those of added; what was replaced gives its turn.
func (c *MemCatalogue) order() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		n := uint32(len(c.base.products))
		inTurn := make([]bool, len(c.added))
		for k := range n {
			at := k
			if by, gone := c.replaced[k]; gone {
				at, inTurn[by] = n+uint32(by), true
			}
			if !yield(at) {
				return
			}
		}
		for k := range c.added {
			if !inTurn[k] && !yield(n+uint32(k)) {
				return
			}
		}
	}
}

// at is a product by its place in the order.
func (c *MemCatalogue) at(place uint32) Product {
	if n := uint32(len(c.base.products)); place >= n {
		return c.added[place-n]
	}
	return c.base.products[c.base.shop[place]]
}

// those are the products at these places.
func (c *MemCatalogue) those(places []uint32) []Product {
	products := make([]Product, len(places))
	for i, place := range places {
		products[i] = c.at(place)
	}
	return products
}

// all are the products in the shop's order.
func (c *MemCatalogue) all() []Product { return c.those(slices.Collect(c.order())) }

func lastOfEachCode(products []Product) []Product {
	last := make(map[string]int, len(products))
	for i, p := range products {
		last[p.Codigo] = i
	}
	kept := make([]Product, 0, len(last))
	for i, p := range products {
		if last[p.Codigo] == i {
			kept = append(kept, p)
		}
	}
	return kept
}

// words are what a product is found by. What is in the name already is not said twice.
func (p Product) words() string {
	var b strings.Builder
	if p.Familia != "" {
		b.WriteString(p.Familia + " " + p.Variante + " ")
	}
	if p.Nombre != p.Familia+" "+p.Variante {
		b.WriteString(p.Nombre + " ")
	}
	b.WriteString(p.Codigo)
	for _, c := range p.Codigos {
		b.WriteString(" " + c.Codigo + " " + c.Nombre)
	}
	return b.String()
}

// Len is the number of products.
func (c *MemCatalogue) Len() int { return len(c.base.products) - len(c.replaced) + len(c.added) }

// ByCode finds what has this exact code.
func (c *MemCatalogue) ByCode(code string) (Match, bool) {
	code = canonical(code)
	if at, ok := c.fresh.byCode[code]; ok {
		return c.fresh.match(at), true
	}
	at, ok := c.base.byCode[code]
	if _, gone := c.replaced[at.product]; !ok || gone {
		return Match{}, false
	}
	return c.base.match(at), true
}

// maxQuery bounds the work of a search: nobody types more, and a pasted page is not a name.
const maxQuery = 120

// Search finds up to limit products whose name or codes have every word of text. First comes the product with this very
// code, then those whose name begins with the text, then those that have each word at the beginning of a word, then those
// that have them elsewhere; each group in alphabetical order, so that the variants of a family are together. Where there is
// room left, names follow that differ by a slip of the finger. Accents, case and punctuation do not matter.
func (c *MemCatalogue) Search(text string, limit int) []Product {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	words := strings.Fields(fold(text))
	if len(words) == 0 || limit <= 0 {
		return nil
	}
	var found []Product
	exact, isCode := c.ByCode(strings.TrimSpace(text))
	if isCode {
		found = append(found, exact.Product)
	}
	take := func(hits []hit) {
		slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Or(a.rank-b.rank, strings.Compare(a.folded(), b.folded())) })
		for _, h := range hits {
			isFirst := isCode && h.product().Codigo == exact.Product.Codigo
			if len(found) < limit && !isFirst {
				found = append(found, h.product())
			}
		}
	}
	limit = min(limit, c.Len())
	take(append(c.base.search(words, limit+1, c.gone), c.fresh.search(words, limit+1, nil)...))
	if len(found) < limit {
		take(append(c.base.typos(words, limit+1, c.gone), c.fresh.typos(words, limit+1, nil)...))
	}
	return found
}

// gone reports a product of base that was replaced.
func (c *MemCatalogue) gone(n uint32) bool {
	if len(c.replaced) == 0 {
		return false
	}
	_, gone := c.replaced[c.base.place[n]]
	return gone
}

// Category is a part of the grid of products.
type Category struct {
	Nombre string // empty: of the products that have none
	Len    int    // a family counts as one
}

// gridView is what the grid of products shows, by places in the shop's order.
type gridView struct {
	favourites []uint32
	categories []Category
	of         map[string][]uint32
	families   map[string][]uint32
}

func (c *MemCatalogue) layOut() *gridView {
	g := &gridView{of: map[string][]uint32{}, families: map[string][]uint32{}}
	type tile struct{ category, family string }
	shown := map[tile]bool{}
	for place := range c.order() {
		p := c.at(place)
		if p.Favorito {
			g.favourites = append(g.favourites, place)
		}
		if _, known := g.of[p.Categoria]; !known {
			g.categories = append(g.categories, Category{Nombre: p.Categoria})
		}
		of := tile{p.Categoria, p.Familia}
		if p.Familia == "" || !shown[of] {
			g.of[p.Categoria] = append(g.of[p.Categoria], place)
		}
		if p.Familia != "" {
			g.families[p.Familia] = append(g.families[p.Familia], place)
			shown[of] = true
		}
	}
	for i := range g.categories {
		g.categories[i].Len = len(g.of[g.categories[i].Nombre])
	}
	slices.SortStableFunc(g.categories, func(a, b Category) int { // the nameless one is the last
		return cmp.Compare(min(len(b.Nombre), 1), min(len(a.Nombre), 1))
	})
	return g
}

// Favourites are the products marked as such, in the shop's order.
func (c *MemCatalogue) Favourites() []Product { return c.those(c.grid().favourites) }

// Categories are the pages of the grid, in the order in which the shop's file names them; products without one come last.
func (c *MemCatalogue) Categories() []Category { return slices.Clone(c.grid().categories) }

// InCategory are up to limit products of a category, in the shop's order, without the first ones. Of a family there is only
// the first article: the others are its Variants.
func (c *MemCatalogue) InCategory(name string, first, limit int) []Product {
	all := c.grid().of[name]
	first = max(0, min(first, len(all)))
	return c.those(all[first : first+max(0, min(limit, len(all)-first))])
}

// Variants are the articles of a family, in the shop's order.
func (c *MemCatalogue) Variants(family string) []Product { return c.those(c.grid().families[family]) }
