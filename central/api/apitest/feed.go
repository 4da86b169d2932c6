package apitest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mostrador/central/api"
	"mostrador/dte"
)

// feed is what changed for the tills, in order. A cursor is a place in it.
type feed struct {
	generation int
	seq        int
	products   map[string]changed[api.Product]
	customers  map[dte.RUT]changed[api.Customer]
	verdicts   []changed[told]
	proposals  int // what tills say otherwise of what the server knows
}

type changed[T any] struct {
	seq int
	is  T
}

// told is a verdict for one till.
type told struct {
	till int64
	api.DocumentState
}

func newFeed() feed {
	return feed{generation: 1, products: map[string]changed[api.Product]{}, customers: map[dte.RUT]changed[api.Customer]{}}
}

func (f *feed) next() int {
	f.seq++
	return f.seq
}

func (f *feed) cursor(seq int) string { return fmt.Sprintf("%d.%d", f.generation, seq) }

// place is where a cursor stands; one of another generation, or of nobody, stands before everything.
func (f *feed) place(cursor string) int {
	generation, seq, _ := strings.Cut(cursor, ".")
	n, err := strconv.Atoi(seq)
	if err != nil || generation != strconv.Itoa(f.generation) || n < 0 || n > f.seq {
		return 0
	}
	return n
}

func (f *feed) hasAfter(cursor string) bool { return f.place(cursor) < f.seq }

// after is a page of what is new.
func (f *feed) after(cursor string, till int64, page int) api.News {
	from := f.place(cursor)
	put := map[int]func(*api.News){}
	for _, p := range f.products {
		put[p.seq] = func(n *api.News) { n.Products = append(n.Products, p.is) }
	}
	for _, c := range f.customers {
		put[c.seq] = func(n *api.News) { n.Customers = append(n.Customers, c.is) }
	}
	for _, v := range f.verdicts {
		if v.is.till == till {
			put[v.seq] = func(n *api.News) { n.Verdicts = append(n.Verdicts, v.is.DocumentState) }
		}
	}
	maps.DeleteFunc(put, func(seq int, _ func(*api.News)) bool { return seq <= from })
	order := slices.Sorted(maps.Keys(put))
	n := api.News{Cursor: f.cursor(f.seq), Anew: from == 0}
	if len(order) > page {
		order, n.More = order[:page], true
		n.Cursor = f.cursor(order[page-1])
	}
	for _, seq := range order {
		put[seq](&n)
	}
	return n
}

// PutProduct implements Office.
func (m *Memory) PutProduct(p api.Product) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed.products[p.Codigo] = changed[api.Product]{m.feed.next(), p}
	return nil
}

// PutCustomer makes or changes a customer; what he owes stays.
func (m *Memory) PutCustomer(c api.Customer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed.meetCustomer(c)
	m.feed.changeCustomer(c.RUT, func(was *api.Customer) {
		c.Balance = was.Balance
		*was = c
	})
}

// meetProduct makes a product that a till made, if the server does not know it.
func (f *feed) meetProduct(p api.Product) {
	if _, known := f.products[p.Codigo]; known {
		f.proposals++
		return
	}
	f.products[p.Codigo] = changed[api.Product]{f.next(), p}
}

// meetCustomer makes a customer that a till made, and tells whether the server did not know him.
func (f *feed) meetCustomer(c api.Customer) bool {
	if _, known := f.customers[c.RUT]; known {
		f.proposals++
		return false
	}
	f.customers[c.RUT] = changed[api.Customer]{f.next(), c}
	return true
}

func (f *feed) changeCustomer(rut dte.RUT, change func(*api.Customer)) {
	c := f.customers[rut]
	change(&c.is)
	c.seq = f.next()
	f.customers[rut] = c
}

func (f *feed) verdict(till int64, s api.DocumentState) {
	f.verdicts = append(f.verdicts, changed[told]{f.next(), told{till, s}})
}

// Customers implements Office.
func (m *Memory) Customers() ([]dte.RUT, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.feed.customers)), nil
}

// Products are those that the company sells.
func (m *Memory) Products() (list []api.Product) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, code := range slices.Sorted(maps.Keys(m.feed.products)) {
		if p := m.feed.products[code].is; !p.Deleted {
			list = append(list, p)
		}
	}
	return list
}
