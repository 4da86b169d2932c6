package sale

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MemCatalogue is a Catalogue held in memory. It never changes after NewCatalogue, so any number of goroutines may use
// it; news from the office is a new MemCatalogue.
type MemCatalogue struct {
	products   []Product // sorted by folded name: the order in which equally good answers are given
	folded     []string  // what Search looks at: " leche entera 1 l 7801234567894"
	byCode     map[string]place
	favourites []Product // in the shop's order

	// The index: for every three bytes in a row ("trigram"), the ascending numbers of the products that have them.
	// The products of trigram g are postings[start[g]:start[g+1]].
	start    []uint32
	postings []uint32
}

var _ Catalogue = (*MemCatalogue)(nil)

// place is where a code is: the product's own one is 0, its further ones count from 1.
type place struct{ product, code int32 }

// NewCatalogue indexes products. Of two with the same code of their own only the last one is there; of two that share a
// further code the last one is found by it, but a product's own code always comes before.
func NewCatalogue(products []Product) *MemCatalogue {
	c := &MemCatalogue{byCode: make(map[string]place, len(products))}
	kept := lastOfEachCode(products)
	for _, p := range kept {
		if p.Favorito {
			c.favourites = append(c.favourites, p)
		}
	}
	folded := make([]string, len(kept))
	order := make([]int, len(kept))
	for i, p := range kept {
		folded[i], order[i] = fold(p.words()), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(strings.Compare(folded[a], folded[b]), a-b) })
	c.products, c.folded = make([]Product, len(kept)), make([]string, len(kept))
	for i, k := range order {
		c.products[i], c.folded[i] = kept[k], folded[k]
		for n, code := range kept[k].Codigos {
			c.byCode[canonical(code.Codigo)] = place{int32(i), int32(n) + 1}
		}
	}
	for i, p := range c.products {
		c.byCode[canonical(p.Codigo)] = place{product: int32(i)}
	}
	c.index()
	return c
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

// Len is the number of products.
func (c *MemCatalogue) Len() int { return len(c.products) }

// ByCode finds what has this exact code.
func (c *MemCatalogue) ByCode(code string) (Match, bool) {
	at, ok := c.byCode[canonical(code)]
	if !ok {
		return Match{}, false
	}
	p := c.products[at.product]
	if at.code == 0 {
		return p.match(), true
	}
	return p.matchCode(p.Codigos[at.code-1]), true
}

// Favourites are the products marked as such, in the shop's order.
func (c *MemCatalogue) Favourites() []Product { return slices.Clone(c.favourites) }

// Search finds up to limit products whose name or code has every word of text. First comes the product with this very
// code, then those whose name begins with the text, then those that have each word at the beginning of a word, then the
// rest; each group in alphabetical order. Accents, case and punctuation do not matter.
func (c *MemCatalogue) Search(text string, limit int) []Product {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	query := fold(text)
	if query == "" || limit <= 0 {
		return nil
	}
	at, isCode := c.byCode[canonical(strings.TrimSpace(text))]
	exact := int(at.product)
	var found []Product
	take := func(i int) bool {
		if !isCode || i != exact {
			found = append(found, c.products[i])
		}
		return len(found) < limit
	}
	if isCode {
		found = append(found, c.products[exact])
	}

	first, _ := slices.BinarySearch(c.folded, query)
	after := first
	for after < len(c.folded) && strings.HasPrefix(c.folded[after], query) && len(found) < limit {
		take(after)
		after++
	}
	if len(found) >= limit {
		return found
	}
	good, fair := c.matches(strings.Fields(query), first, after, limit)
	for _, i := range append(good, fair...) {
		if !take(i) {
			break
		}
	}
	return found
}

// maxQuery bounds the work of a search: nobody types more, and a pasted page is not a name.
const maxQuery = 120

// matches are the products outside [first, after) that have every word: at the beginning of a word, or elsewhere. It
// stops when there are enough good ones.
func (c *MemCatalogue) matches(words []string, first, after, limit int) (good, fair []int) {
	starts := make([]string, len(words))
	for k, w := range words {
		starts[k] = " " + w
	}
	visit := func(i int) (more bool) {
		enough := len(fair) > limit // then only better ones are of interest
		switch {
		case i >= first && i < after, !enough && !hasAll(c.folded[i], words):
		case hasAll(c.folded[i], starts):
			good = append(good, i)
		case !enough:
			fair = append(fair, i)
		}
		return len(good) <= limit // one more than asked for: the exact code may be among them
	}
	candidates, indexed := c.rarest(words)
	if indexed {
		for _, i := range candidates {
			if !visit(int(i)) {
				break
			}
		}
		return good, fair
	}
	for i := range c.folded { // only words of one or two letters
		if !visit(i) {
			break
		}
	}
	return good, fair
}

func hasAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// rarest is the shortest list of products that share a trigram with one of the words; false if no word has three
// letters.
func (c *MemCatalogue) rarest(words []string) (candidates []uint32, indexed bool) {
	shortest := math.MaxInt
	for _, w := range words {
		for i := 0; i+3 <= len(w); i++ {
			g := trigram(w[i], w[i+1], w[i+2])
			if list := c.postings[c.start[g]:c.start[g+1]]; len(list) < shortest {
				candidates, shortest, indexed = list, len(list), true
			}
		}
	}
	return candidates, indexed
}

// index counts each trigram's products, then lays all lists out in one array.
func (c *MemCatalogue) index() {
	c.start = make([]uint32, trigrams+1)
	c.eachTrigram(func(g int, _ uint32) { c.start[g+1]++ })
	for g := range trigrams {
		c.start[g+1] += c.start[g]
	}
	c.postings = make([]uint32, c.start[trigrams])
	next := slices.Clone(c.start)
	c.eachTrigram(func(g int, product uint32) {
		c.postings[next[g]] = product
		next[g]++
	})
}

// eachTrigram calls f once for every product and trigram that it has, products ascending.
func (c *MemCatalogue) eachTrigram(f func(g int, product uint32)) {
	seen := make([]uint32, trigrams) // 1 + the last product that had it
	for i, s := range c.folded {
		for k := 0; k+3 <= len(s); k++ {
			if g := trigram(s[k], s[k+1], s[k+2]); seen[g] != uint32(i)+1 {
				seen[g] = uint32(i) + 1
				f(g, uint32(i))
			}
		}
	}
}

// The alphabet of the index: space, ten figures, twenty-six letters and one class for every other byte. A trigram only
// proposes candidates; the text itself decides.
const (
	classes  = 1 + 10 + 26 + 1
	trigrams = classes * classes * classes
)

func trigram(a, b, c byte) int { return (class(a)*classes+class(b))*classes + class(c) }

func class(b byte) int {
	switch {
	case b == ' ':
		return 0
	case b >= '0' && b <= '9':
		return 1 + int(b-'0')
	case b >= 'a' && b <= 'z':
		return 11 + int(b-'a')
	default:
		return classes - 1
	}
}

// fold is text as the search sees it: small letters without accents, each word after one space. "Piña, 1.5 L" is
// " pina 1 5 l"; text without letters or figures is empty.
func fold(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 1)
	inWord := false
	for _, r := range norm.NFD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent, apart from its letter in this form
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if !inWord {
				b.WriteByte(' ')
			}
			inWord = true
			b.WriteRune(unicode.ToLower(r))
		default:
			inWord = false
		}
	}
	return b.String()
}
