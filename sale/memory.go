package sale

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Memory is the twin of the till's file: a Journal that forgets everything when the program ends. It passes
// saletest.RunJournal, and serves tests and demonstrations. Safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	cafs   []*dte.CAF
	ranges []Range // of the CAF with the same index
	sales  map[ID]Record
	xml    map[dte.Key][]byte
	byKey  map[dte.Key]ID
	cart   Cart
	held   []Held
	events []Event
	shift  Shift // the last one, open or not
}

// NewMemory is an empty journal.
func NewMemory() *Memory {
	return &Memory{sales: map[ID]Record{}, xml: map[dte.Key][]byte{}, byKey: map[dte.Key]ID{}}
}

// AddCAF adds a range. Ranges must not overlap.
func (m *Memory) AddCAF(c *dte.CAF) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := NewRange(c)
	if slices.ContainsFunc(m.ranges, r.Overlaps) {
		return fmt.Errorf("los folios %d a %d de %s ya están", r.Desde, r.Hasta, r.Tipo)
	}
	m.cafs, m.ranges = append(m.cafs, c), append(m.ranges, r)
	return nil
}

// Issue implements Journal.
func (m *Memory) Issue(id ID, tipo dte.TipoDTE, at time.Time, build func(Grant) (Issued, error)) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.sales[id]; ok {
		return r.clone(), nil
	}
	i, err := PickRange(m.ranges, tipo, dte.DateOf(at))
	if err != nil {
		return Record{}, err
	}
	caf, folio := m.cafs[i], m.ranges[i].Next
	issued, err := build(Grant{Folio: folio, CAF: caf})
	if err != nil {
		return Record{}, err
	}
	key := dte.Key{Emisor: caf.Emisor, Tipo: tipo, Folio: folio}
	if err := issued.Check(id, key); err != nil {
		return Record{}, err
	}
	return m.keep(issued, i)
}

func (m *Memory) keep(issued Issued, i int) (Record, error) {
	r := issued.Record.clone()
	r.Shift = 0
	if m.shift.Open() {
		r.Shift = m.shift.Number
		if err := m.shift.Count(r); err != nil {
			return Record{}, err
		}
	}
	m.ranges[i].Next++
	m.sales[r.ID], m.byKey[r.Key] = r, r.ID
	m.xml[r.Key] = bytes.Clone(issued.Document.XML)
	if m.cart.ID == r.ID {
		m.cart = Cart{}
	}
	m.held = slices.DeleteFunc(m.held, func(h Held) bool { return h.Cart.ID == r.ID })
	return r.clone(), nil
}

// Sale implements Journal.
func (m *Memory) Sale(id ID) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.sales[id]
	if !ok {
		return Record{}, fmt.Errorf("venta %s: %w", id, ErrNotFound)
	}
	return r.clone(), nil
}

// Document implements Journal.
func (m *Memory) Document(key dte.Key) ([]byte, Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	xml, ok := m.xml[key]
	if !ok {
		return nil, Record{}, fmt.Errorf("documento %s: %w", key, ErrNotFound)
	}
	return bytes.Clone(xml), m.sales[m.byKey[key]].clone(), nil
}

// Ready implements Journal. Nothing keeps it from issuing.
func (m *Memory) Ready(time.Time) error { return nil }

// FoliosLeft implements Journal.
func (m *Memory) FoliosLeft(tipo dte.TipoDTE, day dte.Date) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return FoliosLeft(m.ranges, tipo, day), nil
}

// SaveCart implements Journal.
func (m *Memory) SaveCart(c Cart, events ...Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cart = c.clone()
	m.events = append(m.events, events...)
	return nil
}

// HoldCart implements Journal.
func (m *Memory) HoldCart(h Held) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = slices.DeleteFunc(m.held, func(o Held) bool { return o.Cart.ID == h.Cart.ID })
	m.held = append(m.held, h.clone())
	slices.SortStableFunc(m.held, func(a, b Held) int { return a.At.Compare(b.At) })
	if m.cart.ID == h.Cart.ID {
		m.cart = Cart{}
	}
	return nil
}

// HeldCarts implements Journal.
func (m *Memory) HeldCarts() (held []Held, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.held {
		held = append(held, h.clone())
	}
	return held, nil
}

// RecallCart implements Journal.
func (m *Memory) RecallCart(id ID) (Cart, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.held, func(h Held) bool { return h.Cart.ID == id })
	switch {
	case i < 0:
		return Cart{}, fmt.Errorf("venta guardada %s: %w", id, ErrNotFound)
	case len(m.cart.Lines) > 0:
		return Cart{}, ErrOpenCart
	}
	m.cart = m.held[i].Cart
	m.held = slices.Delete(m.held, i, i+1)
	return m.cart.clone(), nil
}

// Log implements Journal.
func (m *Memory) Log(e Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
	return nil
}

// Events implements Journal.
func (m *Memory) Events(limit int) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := slices.Clone(m.events)
	slices.Reverse(newest)
	return newest[:min(limit, len(newest))], nil
}

// LoadCart implements Journal.
func (m *Memory) LoadCart() (Cart, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.cart
	c.Lines = slices.Clone(c.Lines)
	return c, nil
}

// OpenShift implements Journal.
func (m *Memory) OpenShift(at time.Time, float money.Pesos) (Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setShift(m.shift.Start(at, float))
}

// CloseShift implements Journal.
func (m *Memory) CloseShift(at time.Time, counted money.Pesos) (Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setShift(m.shift.End(at, counted))
}

func (m *Memory) setShift(s Shift, err error) (Shift, error) {
	if err != nil {
		return Shift{}, err
	}
	m.shift = s
	return s.clone(), nil
}

// CurrentShift implements Journal.
func (m *Memory) CurrentShift() (Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shift.Open() {
		return Shift{}, nil
	}
	return m.shift.clone(), nil
}
