package sale

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"mostrador/dte"
)

// CustomerBook is Customers in memory, with the index by which both kinds find: the file keeps one beside it. The zero
// value is empty and ready. Safe for concurrent use.
type CustomerBook struct {
	mu     sync.RWMutex
	places map[dte.RUT]uint32 // in entries; a customer keeps his place for ever
	// byName are the places in the order of names; names (word by word), ruts and phones lead from a text to places, in the order of
	// the texts.
	entries []bookEntry
	byName  []uint32
	names   textIndex
	ruts    textIndex
	phones  textIndex
	giros   map[string]int // how many customers have it
}

type bookEntry struct {
	customer Customer
	folded   string // " comercial los aromos limitada"
}

var _ Customers = (*CustomerBook)(nil)

// textIndex leads from a text to the places that have it.
type textIndex struct {
	texts  []string // in order
	places [][]uint32
}

// add notes that a place has a text.
func (x *textIndex) add(text string, place uint32) {
	i, there := slices.BinarySearch(x.texts, text)
	if !there {
		x.texts, x.places = slices.Insert(x.texts, i, text), slices.Insert(x.places, i, nil)
	}
	x.places[i] = append(x.places[i], place)
}

// drop is the end of add.
func (x *textIndex) drop(text string, place uint32) {
	i, there := slices.BinarySearch(x.texts, text)
	if !there {
		return
	}
	if x.places[i] = slices.DeleteFunc(x.places[i], func(p uint32) bool { return p == place }); len(x.places[i]) == 0 {
		x.texts, x.places = slices.Delete(x.texts, i, i+1), slices.Delete(x.places, i, i+1)
	}
}

// beginning is the part of the index with the texts that begin so.
func (x *textIndex) beginning(prefix string) textIndex {
	first, _ := slices.BinarySearch(x.texts, prefix)
	n, _ := slices.BinarySearchFunc(x.texts[first:], prefix, func(text, prefix string) int {
		if strings.HasPrefix(text, prefix) {
			return -1
		}
		return 1
	})
	return textIndex{x.texts[first : first+n], x.places[first : first+n]}
}

// first are up to limit places, in the order of their texts.
func (x *textIndex) first(limit int) (places []uint32) {
	for _, some := range x.places {
		if len(places) >= limit {
			break
		}
		places = append(places, some...)
	}
	return places
}

// newTextIndex sorts once what add would sort one by one.
func newTextIndex(having map[string][]uint32) (x textIndex) {
	for text := range having {
		x.texts = append(x.texts, text)
	}
	slices.Sort(x.texts)
	for _, text := range x.texts {
		x.places = append(x.places, having[text])
	}
	return x
}

var withoutPunctuation = strings.NewReplacer(".", "", "-", "", " ", "")

// plainRUT is a RUT as the search sees it: "761920839".
func plainRUT(s string) string { return strings.ToUpper(withoutPunctuation.Replace(s)) }

// plainPhone are the figures of a telephone, without the country's.
func plainPhone(s string) string {
	figures := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if len(figures) > 9 {
		figures = strings.TrimPrefix(figures, "56")
	}
	return figures
}

// words of a name, each once.
func (e bookEntry) words() []string {
	words := strings.Fields(e.folded)
	slices.Sort(words)
	return slices.Compact(words)
}

// PutCustomers implements Customers.
func (b *CustomerBook) PutCustomers(at time.Time, list ...Customer) error {
	for _, c := range list {
		if err := c.Check(); err != nil {
			return fmt.Errorf("%w. No se guardó ningún cliente", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	saved := make([]Customer, 0, len(list))
	latest := map[dte.RUT]Customer{}
	for _, c := range list {
		before, twice := latest[c.RUT]
		if place, ok := b.places[c.RUT]; ok && !twice {
			before = b.entries[place].customer
		}
		c = c.SavedOver(before, at)
		latest[c.RUT] = c
		saved = append(saved, c)
	}
	b.keep(saved)
	return nil
}

// Load puts customers into the book as they are, versions and all: what the file's kind does after its commit.
func (b *CustomerBook) Load(list []Customer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(list)
}

// fewCustomers is up to how many it costs less to find each one's place than to sort all anew.
const fewCustomers = 50

func (b *CustomerBook) keep(list []Customer) {
	if b.places == nil {
		b.places, b.giros = map[dte.RUT]uint32{}, map[string]int{}
	}
	few := len(list) <= fewCustomers
	for _, c := range list {
		e := bookEntry{c.clone(), fold(c.RznSoc)}
		place, known := b.places[c.RUT]
		switch {
		case !known:
			place = uint32(len(b.entries))
			b.places[c.RUT] = place
			b.entries = append(b.entries, e)
		case few:
			b.unindex(place)
			fallthrough
		default:
			b.countGiro(b.entries[place], -1)
			b.entries[place] = e
		}
		b.countGiro(e, 1)
		if few {
			b.index(place)
		}
	}
	if !few {
		b.indexAll()
	}
}

func (b *CustomerBook) countGiro(e bookEntry, n int) {
	if giro := e.customer.Giro; giro != "" {
		if b.giros[giro] += n; b.giros[giro] == 0 {
			delete(b.giros, giro)
		}
	}
}

// compare is the order of names; two of the same name stand as they came.
func (b *CustomerBook) compare(x, y uint32) int {
	return cmp.Or(strings.Compare(b.entries[x].folded, b.entries[y].folded), cmp.Compare(x, y))
}

func (b *CustomerBook) index(place uint32) {
	e := b.entries[place]
	i, _ := slices.BinarySearchFunc(b.byName, place, b.compare)
	b.byName = slices.Insert(b.byName, i, place)
	for _, w := range e.words() {
		b.names.add(w, place)
	}
	b.ruts.add(plainRUT(e.customer.RUT.String()), place)
	if phone := plainPhone(e.customer.Telefono); phone != "" {
		b.phones.add(phone, place)
	}
}

// unindex is the end of index; the entry is still there.
func (b *CustomerBook) unindex(place uint32) {
	e := b.entries[place]
	if i, ok := slices.BinarySearchFunc(b.byName, place, b.compare); ok {
		b.byName = slices.Delete(b.byName, i, i+1)
	}
	for _, w := range e.words() {
		b.names.drop(w, place)
	}
	b.ruts.drop(plainRUT(e.customer.RUT.String()), place)
	b.phones.drop(plainPhone(e.customer.Telefono), place)
}

func (b *CustomerBook) indexAll() {
	words, ruts, phones := map[string][]uint32{}, map[string][]uint32{}, map[string][]uint32{}
	b.byName = b.byName[:0]
	for i, e := range b.entries {
		place := uint32(i)
		b.byName = append(b.byName, place)
		for _, w := range e.words() {
			words[w] = append(words[w], place)
		}
		rut, phone := plainRUT(e.customer.RUT.String()), plainPhone(e.customer.Telefono)
		ruts[rut] = append(ruts[rut], place)
		if phone != "" {
			phones[phone] = append(phones[phone], place)
		}
	}
	slices.SortFunc(b.byName, b.compare)
	b.names, b.ruts, b.phones = newTextIndex(words), newTextIndex(ruts), newTextIndex(phones)
}

// Customer implements Customers.
func (b *CustomerBook) Customer(rut dte.RUT) (Customer, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	place, ok := b.places[rut]
	if !ok {
		return Customer{}, fmt.Errorf("cliente %s: %w", rut.Dotted(), ErrNotFound)
	}
	return b.entries[place].customer.clone(), nil
}

// FindCustomers implements Customers.
func (b *CustomerBook) FindCustomers(text string, limit int) ([]Customer, error) {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := b.find(text, max(limit, 0))
	found = found[:min(max(limit, 0), len(found))]
	list := make([]Customer, len(found))
	for i, place := range found {
		list[i] = b.entries[place].customer.clone()
	}
	return list, nil
}

// find tries one meaning of the text after the other, until one finds somebody.
func (b *CustomerBook) find(text string, limit int) (found []uint32) {
	words := strings.Fields(fold(text))
	switch {
	case strings.TrimSpace(text) == "":
		return b.byName
	case len(words) == 0 || limit == 0:
		return nil
	}
	if isNumber(text) {
		found = b.byNumber(text, limit)
	}
	for _, f := range []fitting{strict, forgiving} {
		if len(found) == 0 {
			found = b.byWords(words, limit, f)
		}
	}
	return found
}

// isNumber reports what may be the beginning of a RUT or of a telephone.
func isNumber(text string) bool {
	return strings.IndexFunc(text, unicode.IsDigit) >= 0 && strings.Trim(text, "0123456789.-+ kK") == ""
}

// byNumber are those whose RUT begins so, in the order of RUTs, and then those whose telephone does.
func (b *CustomerBook) byNumber(text string, limit int) []uint32 {
	ruts := b.ruts.beginning(plainRUT(text))
	found := ruts.first(limit)
	if !strings.ContainsAny(text, "kK") {
		phones := b.phones.beginning(plainPhone(text))
		for _, place := range phones.first(limit) {
			if !slices.Contains(found, place) {
				found = append(found, place)
			}
		}
	}
	return found
}

// fitting says when a word that is looked for stands for a word of a name.
type fitting int

const (
	strict    fitting = iota // it is its beginning
	forgiving                // it is, but for one slip
)

// byWords are those whose name has every word: first those whose name begins with them.
func (b *CustomerBook) byWords(words []string, limit int, f fitting) (found []uint32) {
	all := b.having(words[0], f)
	for _, w := range words[1:] {
		all.intersect(b.having(w, f))
	}
	text := " " + strings.Join(words, " ")
	first, _ := slices.BinarySearchFunc(b.byName, text, func(place uint32, text string) int {
		return strings.Compare(b.entries[place].folded, text)
	})
	after := first
	for after < len(b.byName) && len(found) < limit && strings.HasPrefix(b.entries[b.byName[after]].folded, text) {
		found = append(found, b.byName[after])
		after++
	}
	for i, place := range b.byName {
		if len(found) >= limit {
			break
		}
		if (i < first || i >= after) && all.has(place) {
			found = append(found, place)
		}
	}
	return found
}

// having are the places whose name has the word.
func (b *CustomerBook) having(word string, f fitting) placeSet {
	all := make(placeSet, (len(b.entries)+63)/64)
	if f == strict || len(word) < slipLength {
		for _, places := range b.names.beginning(word).places {
			all.add(places)
		}
		return all
	}
	alike := b.names.beginning(word[:1]) // who slips seldom does so in the first letter: the others are not looked at
	for i, of := range alike.texts {
		if strings.HasPrefix(of, word) || slipped(of, word) {
			all.add(alike.places[i])
		}
	}
	return all
}

// placeSet has a bit for every place.
type placeSet []uint64

func (s placeSet) add(places []uint32) {
	for _, p := range places {
		s[p/64] |= 1 << (p % 64)
	}
}

func (s placeSet) has(p uint32) bool { return s[p/64]&(1<<(p%64)) != 0 }

func (s placeSet) intersect(o placeSet) {
	for i := range s {
		s[i] &= o[i]
	}
}

// slipLength is from how many letters on a slip is forgiven.
const slipLength = 4

// slipped reports that of begins with the word, but for one letter: left out, put in, another one, or two in the wrong
// order.
func slipped(of, word string) bool {
	i := 0
	for i < len(of) && i < len(word) && of[i] == word[i] {
		i++
	}
	of, word = of[i:], word[i:] // they differ from here on
	switch {
	case word == "", strings.HasPrefix(of, word[1:]): // put in
		return true
	case of == "":
		return false
	case strings.HasPrefix(of[1:], word), strings.HasPrefix(of[1:], word[1:]): // left out, another one
		return true
	}
	return len(of) > 1 && len(word) > 1 && of[0] == word[1] && of[1] == word[0] && strings.HasPrefix(of[2:], word[2:])
}

// Giros implements Customers.
func (b *CustomerBook) Giros(text string, limit int) ([]string, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	query := fold(text)
	var found []string
	for giro := range b.giros {
		if query == "" || strings.Contains(fold(giro), query) {
			found = append(found, giro)
		}
	}
	slices.SortFunc(found, func(x, y string) int { return cmp.Or(b.giros[y]-b.giros[x], strings.Compare(x, y)) })
	return found[:min(max(limit, 0), len(found))], nil
}

// All are the customers in alphabetical order.
func (b *CustomerBook) All() []Customer {
	list, _ := b.FindCustomers("", math.MaxInt) // it never fails
	return list
}
