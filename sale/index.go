package sale

import (
	"math"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// layer is an index over some products. It never changes once it is made.
type layer struct {
	products []Product // sorted by what they are found by; a product's number is its index here
	shop     []uint32  // the numbers in the shop's order
	place    []uint32  // the reverse: the place in the shop's order of each number
	byCode   map[string]place

	// What Search looks at, one product after the other: product n is text[at[n]:at[n+1]], " leche entera 1 l 780…  ".
	text string
	at   []uint32

	// For every three bytes in a row ("trigram"), the ascending numbers of the products that have them. The products of
	// trigram g are postings[start[g]:start[g+1]]; those of all that begin alike lie in a row.
	start    []uint32
	postings []uint32

	vocabulary vocabulary
}

// place is where a code is: which product in the shop's order; its own code is 0, its further ones count from 1.
type place struct {
	product uint32
	code    int32
}

// newLayer indexes products, no two of which have the same code of their own.
func newLayer(products []Product) *layer {
	n := len(products)
	l := &layer{
		products: make([]Product, n), shop: make([]uint32, n), place: make([]uint32, n), at: make([]uint32, n+1),
		byCode: make(map[string]place, n),
	}
	if n == 0 {
		l.start = make([]uint32, trigrams+1)
		return l
	}
	folded := make([]string, n)
	size := 0
	for k, p := range products {
		folded[k], l.place[k] = fold(p.words())+"  ", uint32(k) // the last letter begins a trigram, too
		size += len(folded[k])
	}
	slices.SortStableFunc(l.place, func(a, b uint32) int { return strings.Compare(folded[a], folded[b]) })
	var text strings.Builder
	text.Grow(size)
	for i, k := range l.place {
		l.products[i], l.shop[k] = products[k], uint32(i)
		text.WriteString(folded[k])
		l.at[i+1] = uint32(text.Len())
	}
	l.text = text.String()
	l.indexCodes(products)
	l.indexTrigrams()
	l.vocabulary = newVocabulary(l)
	return l
}

func (l *layer) indexCodes(products []Product) {
	for k, p := range products {
		for i, c := range p.Codigos {
			l.byCode[canonical(c.Codigo)] = place{uint32(k), int32(i) + 1}
		}
	}
	for k, p := range products {
		l.byCode[canonical(p.Codigo)] = place{product: uint32(k)}
	}
}

func (l *layer) match(at place) Match {
	p := l.products[l.shop[at.product]]
	if at.code == 0 {
		return p.match()
	}
	return p.matchCode(p.Codigos[at.code-1])
}

func (l *layer) folded(n uint32) string { return l.text[l.at[n]:l.at[n+1]] }

// hit is a product that was found; a lower rank is better.
type hit struct {
	rank int
	l    *layer
	n    uint32
}

func (h hit) product() Product { return h.l.products[h.n] }
func (h hit) folded() string   { return h.l.folded(h.n) }

// How good an answer is. Typos come after, the fewer the better.
const (
	nameBegins   = iota // with the whole text
	wordsBegin          // each with a word of the text
	hasEveryWord        // somewhere
	hasTypos
)

// search finds the products that have every word, up to limit of each rank, but for those that are gone.
func (l *layer) search(words []string, limit int, gone func(uint32) bool) []hit {
	if len(l.products) == 0 {
		return nil
	}
	var hits []hit
	count := 0
	find := func(rank int, n uint32) (more bool) {
		if gone == nil || !gone(n) {
			hits = append(hits, hit{rank, l, n})
			count++
		}
		return count < limit
	}
	query := " " + strings.Join(words, " ")
	first := uint32(sort.Search(len(l.products), func(i int) bool { return l.folded(uint32(i)) >= query }))
	after := first
	for more := true; more && int(after) < len(l.products) && strings.HasPrefix(l.folded(after), query); after++ {
		more = find(nameBegins, after)
	}
	if count >= limit {
		return hits
	}
	starts := make([]string, len(words))
	for i, w := range words {
		starts[i] = " " + w
	}
	l.eachCandidate(starts, func(n uint32) bool {
		if n >= first && n < after || !hasAll(l.folded(n), starts) {
			return true
		}
		return find(wordsBegin, n)
	})
	if count >= limit {
		return hits
	}
	l.eachCandidate(words, func(n uint32) bool {
		if text := l.folded(n); n >= first && n < after || !hasAll(text, words) || hasAll(text, starts) {
			return true
		}
		return find(hasEveryWord, n)
	})
	return hits
}

func hasAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// eachCandidate visits, ascending, products among which are all that have every one of the texts, until visit says that it
// is enough.
func (l *layer) eachCandidate(texts []string, visit func(n uint32) (more bool)) {
	list, ordered := l.shortest(texts)
	switch {
	case len(list) >= len(l.products): // no text says much
		for n := range l.products {
			if !visit(uint32(n)) {
				return
			}
		}
	case ordered:
		for _, n := range list {
			if !visit(n) {
				return
			}
		}
	default:
		set := make([]uint64, len(l.products)/64+1)
		for _, n := range list {
			set[n/64] |= 1 << (n % 64)
		}
		for i, word := range set {
			for ; word != 0; word &= word - 1 {
				if !visit(uint32(i*64 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// shortest is the shortest list of products that have three bytes in a row of one of the texts, or all of a shorter text;
// only the list of one trigram is in order and names no product twice.
func (l *layer) shortest(texts []string) (list []uint32, ordered bool) {
	length := math.MaxInt
	for _, t := range texts {
		for i := 0; i == 0 || i+3 <= len(t); i++ {
			part := t[i:min(i+3, len(t))]
			if part == "" {
				continue
			}
			if have := l.having(part); len(have) < length {
				list, length, ordered = have, len(have), len(part) == 3
			}
		}
	}
	return list, ordered
}

// having are the products with these one to three bytes in a row; of fewer than three in no order, and some repeated.
func (l *layer) having(part string) []uint32 {
	from, width := 0, 1
	for i := range 3 {
		from *= classes
		if i < len(part) {
			from += class(part[i])
		} else {
			width *= classes
		}
	}
	return l.postings[l.start[from]:l.start[from+width]]
}

// indexTrigrams counts each trigram's products, then lays all lists out in one array.
func (l *layer) indexTrigrams() {
	l.start = make([]uint32, trigrams+1)
	l.eachTrigram(func(g int, _ uint32) { l.start[g+1]++ })
	for g := range trigrams {
		l.start[g+1] += l.start[g]
	}
	l.postings = make([]uint32, l.start[trigrams])
	next := slices.Clone(l.start)
	l.eachTrigram(func(g int, product uint32) {
		l.postings[next[g]] = product
		next[g]++
	})
}

// eachTrigram calls f once for every product and trigram that it has, products ascending.
func (l *layer) eachTrigram(f func(g int, product uint32)) {
	seen := make([]uint32, trigrams) // 1 + the last product that had it
	for n := range uint32(len(l.products)) {
		s := l.folded(n)
		for k := 0; k+3 <= len(s); k++ {
			if g := trigram(s[k], s[k+1], s[k+2]); seen[g] != n+1 {
				seen[g] = n + 1
				f(g, n)
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
