package price

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"mostrador/money"
)

// Book is a set of rules made ready for selling. It never changes after Compile, so any number of goroutines may use it;
// news from the office is a new Book. The zero Book has no rules.
type Book struct {
	rules      []rule
	products   map[string]*shelf
	categories map[string]*shelf
	general    shelf
	lists      map[string]int32 // by folded name, from 1; 0 is everybody
	names      []string         // of the lists, in that order

	scratch sync.Pool // of *scratch, so that pricing a ticket needs no memory of its own
}

// rule is a Rule as the arithmetic wants it.
type rule struct {
	number    int // in the order given, from 0
	name      string
	kind      Kind
	price     money.Price
	pct       money.Rate
	off       money.Price
	from      money.Qty
	take, pay int64
	parts     []int64 // quantities
	weighed   bool
	stackable bool
	priority  int
	rank      int32 // place by priority, name and position: what decides between equals
	when      window
}

// shelf holds what the rules say of one product or category, by list.
type shelf struct {
	prices, promos []ref // sorted by list
}

// ref says that a rule speaks of this shelf to this list; part is that of a combo.
type ref struct {
	list, rule, part int32
}

// Limits of a book. They bound the work of a ticket and the memory of the index, and no shop comes near them.
const (
	maxRules    = 200_000
	maxRefs     = 1_000_000
	maxPerShelf = 200
)

// Compile checks the rules and indexes the good ones by product, by category, and those for everything. Every bad one is
// reported with its number and reason: the caller decides whether the good ones alone may be used.
func Compile(rules []Rule) (*Book, []RuleError) {
	b := &Book{products: map[string]*shelf{}, categories: map[string]*shelf{}, lists: map[string]int32{}}
	bad := map[int]string{}
	refs := 0
	for i := range rules {
		reason := rules[i].check()
		if reason == "" {
			reason = b.add(&rules[i], i, &refs)
		}
		if reason != "" {
			bad[i] = reason
		}
	}
	b.rank()
	b.thin(bad)
	var errs []RuleError
	for _, i := range slices.Sorted(maps.Keys(bad)) {
		errs = append(errs, RuleError{i + 1, rules[i].Name, bad[i]})
	}
	return b, errs
}

// entry is a place of the index that a rule takes.
type entry struct {
	shelf *shelf
	part  int32
}

// add indexes one good rule; the reason is empty or says why there is no room for it.
func (b *Book) add(r *Rule, number int, refs *int) string {
	if len(b.rules) == maxRules {
		return fmt.Sprintf("el libro tiene más de %s reglas", money.Pesos(maxRules))
	}
	entries, lists := b.entries(r), b.listsOf(r)
	if *refs+len(entries)*len(lists) > maxRefs {
		return "el libro nombra demasiados productos y listas"
	}
	*refs += len(entries) * len(lists)
	n := int32(len(b.rules))
	b.rules = append(b.rules, ready(r, number))
	for _, e := range entries {
		for _, list := range lists {
			e.shelf.put(r.Kind, ref{list, n, e.part})
		}
	}
	return ""
}

// thin sorts the shelves and takes out the rules that crowd one of them, wherever they are.
func (b *Book) thin(bad map[int]string) {
	crowd := map[int32]bool{}
	for _, s := range b.shelves() {
		for _, refs := range [][]ref{s.prices, s.promos} {
			slices.SortFunc(refs, func(x, y ref) int { return cmp.Or(cmp.Compare(x.list, y.list), cmp.Compare(x.rule, y.rule)) })
			for i := maxPerShelf; i < len(refs); i++ {
				if refs[i-maxPerShelf].list == refs[i].list {
					crowd[refs[i].rule] = true
				}
			}
		}
	}
	if len(crowd) == 0 {
		return
	}
	for n := range crowd {
		bad[b.rules[n].number] = fmt.Sprintf(
			"hay más de %d reglas para el mismo producto, la misma categoría o todo, en la misma lista: quite las vencidas", maxPerShelf)
	}
	crowded := func(r ref) bool { return crowd[r.rule] }
	for _, s := range b.shelves() {
		s.prices, s.promos = slices.DeleteFunc(s.prices, crowded), slices.DeleteFunc(s.promos, crowded)
	}
}

func ready(r *Rule, number int) rule {
	c := rule{
		number: number, name: r.Name, kind: r.Kind, price: r.Price, pct: r.Pct, off: r.Off, from: r.From, take: r.Take, pay: r.Pay,
		weighed: r.Weighed, stackable: r.Stackable, priority: r.Priority, when: r.When.window(),
	}
	switch r.Kind {
	case NxM:
		c.pct = whole
	case Segunda:
		c.take, c.pay = 2, 1
	}
	for _, p := range r.Parts {
		c.parts = append(c.parts, p.Qty)
	}
	return c
}

// entries are the shelves that the rule is put on, each once.
func (b *Book) entries(r *Rule) []entry {
	if r.All {
		return []entry{{shelf: &b.general}}
	}
	parts := r.Parts
	if r.Kind != Combo {
		parts = []Part{{Products: r.Products, Categories: r.Categories}}
	}
	var entries []entry
	for i, p := range parts {
		for _, key := range p.keys() {
			where := b.products
			if key[0] == 'c' {
				where = b.categories
			}
			if where[key[1:]] == nil {
				where[key[1:]] = &shelf{}
			}
			entries = append(entries, entry{where[key[1:]], int32(i)})
		}
	}
	return entries
}

// listsOf numbers the rule's lists, each once.
func (b *Book) listsOf(r *Rule) []int32 {
	if len(r.Lists) == 0 {
		return []int32{0}
	}
	var lists []int32
	for _, name := range r.Lists {
		if b.lists[fold(name)] == 0 {
			b.lists[fold(name)] = int32(len(b.lists)) + 1
			b.names = append(b.names, name)
		}
		lists = append(lists, b.lists[fold(name)])
	}
	slices.Sort(lists)
	return slices.Compact(lists)
}

// rank settles once who goes first among equals.
func (b *Book) rank() {
	order := make([]int32, len(b.rules))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		p, q := &b.rules[x], &b.rules[y]
		return cmp.Or(cmp.Compare(q.priority, p.priority), strings.Compare(p.name, q.name), cmp.Compare(x, y))
	})
	for place, i := range order {
		b.rules[i].rank = int32(place)
	}
}

func (b *Book) shelves() []*shelf {
	all := []*shelf{&b.general}
	for _, s := range b.products {
		all = append(all, s)
	}
	for _, s := range b.categories {
		all = append(all, s)
	}
	return all
}

func (s *shelf) put(k Kind, r ref) {
	if k.setsPrice() {
		s.prices = append(s.prices, r)
	} else {
		s.promos = append(s.promos, r)
	}
}

// of are the refs of one list.
func of(refs []ref, list int32) []ref {
	if len(refs) == 0 {
		return nil
	}
	start, _ := slices.BinarySearchFunc(refs, list, func(r ref, l int32) int { return cmp.Compare(r.list, l) })
	end := start
	for end < len(refs) && refs[end].list == list {
		end++
	}
	return refs[start:end]
}
