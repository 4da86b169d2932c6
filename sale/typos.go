package sale

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// vocabulary are the words of letters in the names of a layer, in order, and which products have each.
type vocabulary struct {
	words    []string
	start    []uint32 // the products of word i are postings[start[i]:start[i+1]], ascending
	postings []uint32
}

// minTypo is the shortest word in which a slip is forgiven; codes and sizes are figures and never are.
const minTypo = 4

func newVocabulary(l *layer) vocabulary {
	count := map[string]uint32{}
	l.eachWord(func(w string, _ uint32) { count[w]++ })
	v := vocabulary{words: make([]string, 0, len(count)), start: make([]uint32, 1, len(count)+1)}
	for w := range count {
		v.words = append(v.words, w)
	}
	slices.Sort(v.words)
	next := count // from now on: where the word's next product goes
	for _, w := range v.words {
		from := v.start[len(v.start)-1]
		v.start = append(v.start, from+count[w])
		next[w] = from
	}
	v.postings = make([]uint32, v.start[len(v.words)])
	l.eachWord(func(w string, n uint32) {
		v.postings[next[w]] = n
		next[w]++
	})
	return v
}

// eachWord calls f for every word without figures that could be meant by one with a typo.
func (l *layer) eachWord(f func(w string, n uint32)) {
	for n := range uint32(len(l.products)) {
		for w := range strings.FieldsSeq(l.folded(n)) {
			if len(w) >= minTypo-1 && !strings.ContainsAny(w, "0123456789") {
				f(w, n)
			}
		}
	}
}

// forgiven is how many edits a word may be away from what was meant.
func forgiven(w string) int {
	switch n := utf8.RuneCountInString(w); {
	case len(w) > longestTypo || strings.ContainsAny(w, "0123456789"):
		return 0
	case n >= 2*minTypo:
		return 2
	case n >= minTypo:
		return 1
	}
	return 0
}

// Bounds of the work: nobody types so much by mistake.
const (
	longestTypo = 24 // bytes of a word
	mostWords   = 6
)

// typos finds the products that have every word, some of them with an edit: a letter too many, too few, another one, or
// two that changed places; one edit in words of four letters and more, two from eight on. The word that is being typed may
// be the beginning of a longer one. Up to limit of each rank.
func (l *layer) typos(words []string, limit int, gone func(uint32) bool) (hits []hit) {
	if len(l.products) == 0 || len(words) > mostWords || !slices.ContainsFunc(words, func(w string) bool { return forgiven(w) > 0 }) {
		return nil
	}
	costs := make([][]uint8, len(words)) // of each word in each product; nil if the word forgives nothing
	for i, w := range words {
		if edits := forgiven(w); edits > 0 {
			costs[i] = l.costs(w, edits)
		}
	}
	var ofRank [mostWords*worst + 1]int
	for n := range uint32(len(l.products)) {
		cost, ok := l.cost(n, words, costs)
		if ok && ofRank[cost] < limit && (gone == nil || !gone(n)) {
			ofRank[cost]++
			hits = append(hits, hit{hasTypos + cost, l, n})
		}
	}
	return hits
}

// What a word costs in a product: two for each edit, and one if it is only the beginning of what is there; of a word that
// forgives nothing, one if it is inside another word.
const (
	worst   = 2*2 + 1
	missing = 255
)

// cost adds up a product's words; false if one is not there, or if none has a typo: that product was found without.
func (l *layer) cost(n uint32, words []string, costs [][]uint8) (total int, ok bool) {
	for _, of := range costs {
		ok = ok || of != nil && of[n] >= 2 && of[n] != missing
	}
	if !ok {
		return 0, false
	}
	for i, w := range words {
		switch of := costs[i]; {
		case of != nil && of[n] != missing:
			total += int(of[n])
		case strings.Contains(l.folded(n), " "+w):
		case strings.Contains(l.folded(n), w):
			total++
		default:
			return 0, false
		}
	}
	return total, true
}

// costs are what w costs in each product.
func (l *layer) costs(w string, edits int) []uint8 {
	costs := make([]uint8, len(l.products))
	for n := range costs {
		costs[n] = missing
	}
	l.vocabulary.near(w, edits, func(word, cost int) {
		for _, n := range l.vocabulary.postings[l.vocabulary.start[word]:l.vocabulary.start[word+1]] {
			costs[n] = min(costs[n], uint8(cost))
		}
	})
	return costs
}

// near visits the words that are w, or begin with it, but for up to so many edits. Words are in order, so each shares the
// rows of the table of distances with the one before as far as both are alike, and where a beginning is too far from w all
// words that have it are skipped.
func (v vocabulary) near(w string, edits int, visit func(word, cost int)) {
	t := newDistances(w, edits)
	for i := 0; i < len(v.words); {
		dead := t.write(v.words[i])
		if cost, ok := t.cost(v.words[i]); ok {
			visit(i, cost)
			i++
			continue
		}
		if dead == "" {
			i++
			continue
		}
		// the next word that does not begin so, looked for nearby first
		step := 1
		for i+step < len(v.words) && strings.HasPrefix(v.words[i+step], dead) {
			step *= 2
		}
		low, high := i+step/2, min(i+step, len(v.words))
		for low+1 < high {
			if middle := (low + high) / 2; strings.HasPrefix(v.words[middle], dead) {
				low = middle
			} else {
				high = middle
			}
		}
		i = max(high, i+1)
	}
}

// distances is the table of optimal string alignment between w and a word that is written into it letter by letter:
// rows[d][j] is the distance of the word's first d letters from w's first j.
type distances struct {
	w     string
	edits int
	rows  [][]uint8
	best  []uint8 // best[d]: the distance of w from the nearest of the word's first d beginnings
	word  string  // what rows stand for
	depth int     // how many of them
}

func newDistances(w string, edits int) *distances {
	t := &distances{w: w, edits: edits, rows: make([][]uint8, len(w)+edits+1), best: make([]uint8, len(w)+edits+1)}
	for d := range t.rows {
		t.rows[d] = make([]uint8, len(w)+1)
	}
	for j := range t.rows[0] {
		t.rows[0][j] = uint8(j)
	}
	t.best[0] = t.rows[0][len(w)]
	return t
}

// write works out the rows of word. It stops at a beginning that no ending brings near w, and returns it.
func (t *distances) write(word string) (dead string) {
	same := 0
	for same < t.depth && same < len(word) && word[same] == t.word[same] {
		same++
	}
	t.word, t.depth = word, same
	for d := same; ; d++ {
		if slices.Min(t.rows[d]) > uint8(t.edits) {
			return word[:d]
		}
		if d == len(word) || d+1 == len(t.rows) {
			return ""
		}
		t.row(d + 1)
		t.depth = d + 1
	}
}

// row works out rows[d] from the two before it.
func (t *distances) row(d int) {
	row, above, letter := t.rows[d], t.rows[d-1], t.word[d-1]
	row[0] = uint8(d)
	for j := 1; j <= len(t.w); j++ {
		differ := uint8(1)
		if t.w[j-1] == letter {
			differ = 0
		}
		row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+differ)
		if d > 1 && j > 1 && letter == t.w[j-2] && t.word[d-2] == t.w[j-1] {
			row[j] = min(row[j], t.rows[d-2][j-2]+1) // two letters that changed places
		}
	}
	t.best[d] = min(t.best[d-1], row[len(t.w)])
}

// cost is what the written word costs; false if it is too far away.
func (t *distances) cost(word string) (cost int, ok bool) {
	edits := t.best[t.depth]
	if int(edits) > t.edits {
		return 0, false
	}
	if t.depth == len(word) && t.rows[t.depth][len(t.w)] == edits {
		return 2 * int(edits), true
	}
	return 2*int(edits) + 1, true
}
