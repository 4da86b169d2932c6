package sale

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/terminal"
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
	// What the SII said, and what was done about it: the n-th act answers the n-th of refused.
	verdicts map[dte.Key]dte.Veredicto
	remedies map[dte.Key][]Remedy
	refused  map[dte.Key][][]byte

	moves map[Account][]Movement
	heard map[Account]*Heard

	charges  terminal.Memory
	released map[string]string // ref → who and why
	returns  []Return

	modelo   Modelo
	vouchers []Record
	slips    []Record

	people []Person
	pins   map[int]PIN
	misses map[int]Misses
	policy Policy
	cash   []CashMove
}

// NewMemory is an empty journal.
func NewMemory() *Memory {
	return &Memory{
		sales: map[ID]Record{}, xml: map[dte.Key][]byte{}, byKey: map[dte.Key]ID{},
		verdicts: map[dte.Key]dte.Veredicto{}, remedies: map[dte.Key][]Remedy{}, refused: map[dte.Key][][]byte{}, moves: map[Account][]Movement{}, heard: map[Account]*Heard{}, released: map[string]string{},
		pins: map[int]PIN{}, misses: map[int]Misses{},
	}
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
	if r, ok := m.undocumented(id); ok {
		return r.clone(), nil
	}
	return m.issue(id, tipo, at, build)
}

func (m *Memory) issue(id ID, tipo dte.TipoDTE, at time.Time, build func(Grant) (Issued, error)) (Record, error) {
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
	moved, err := m.after(r.Movements()...)
	if err != nil {
		return Record{}, err
	}
	r.Shift = 0
	if m.shift.Open() && r.MovesCash() {
		r.Shift = m.shift.Number
		if err := m.shift.Count(r); err != nil {
			return Record{}, err
		}
	}
	m.moves = moved
	m.ranges[i].Next++
	m.sales[r.ID], m.byKey[r.Key] = r, r.ID
	m.xml[r.Key] = bytes.Clone(issued.Document.XML)
	m.forget(r.ID)
	return r.clone(), nil
}

// after is the accounts as they stand after some movements, all or none.
func (m *Memory) after(list ...Movement) (map[Account][]Movement, error) {
	moves := maps.Clone(m.moves)
	for _, move := range list {
		past := moves[move.Account]
		next, err := move.After(newestOf(past).With(m.heard[move.Account]))
		if err != nil {
			return nil, err
		}
		moves[move.Account] = append(slices.Clone(past), next)
	}
	return moves, nil
}

// Account implements Journal.
func (m *Memory) Account(a Account) (Movement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest(a), nil
}

func (m *Memory) newest(a Account) Movement {
	last := newestOf(m.moves[a]).With(m.heard[a])
	last.Account = a
	return last
}

func newestOf(past []Movement) (last Movement) {
	if len(past) > 0 {
		last = past[len(past)-1]
	}
	return last
}

// Hear keeps what the shop's server said of a customer.
func (m *Memory) Hear(rut dte.RUT, h Heard) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard[CreditAccount(rut)] = &h
}

// Statement implements Journal.
func (m *Memory) Statement(a Account, limit int) ([]Movement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := slices.Clone(m.moves[a])
	slices.Reverse(newest)
	return newest[:min(limit, len(newest))], nil
}

// Owing implements Journal.
func (m *Memory) Owing() (list []Movement, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range slices.Sorted(maps.Keys(m.moves)) {
		if strings.HasPrefix(string(a), CreditAccounts) {
			list = append(list, m.newest(a))
		}
	}
	for _, a := range slices.Sorted(maps.Keys(m.heard)) {
		if len(m.moves[a]) == 0 && m.heard[a].Elsewhere != 0 {
			list = append(list, m.newest(a))
		}
	}
	return list, nil
}

// Move implements Journal.
func (m *Memory) Move(move Movement) (Movement, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.moves[move.Account], move.Same); i >= 0 {
		return m.moves[move.Account][i], nil
	}
	move.Shift = 0
	shift := m.shift.clone()
	if shift.Open() && move.Kind == MovePaid {
		move.Shift = shift.Number
		if err := shift.CountPaid(move); err != nil {
			return Movement{}, err
		}
	}
	moved, err := m.after(move)
	if err != nil {
		return Movement{}, err
	}
	m.shift, m.moves = shift, moved
	if h := m.heard[move.Account]; h != nil && move.Kind == MoveLimit {
		h.Limit = nil
	}
	return newestOf(moved[move.Account]), nil
}

// Modelo implements Journal.
func (m *Memory) Modelo() (Modelo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.modelo, nil
}

// SetModelo implements Journal.
func (m *Memory) SetModelo(modelo Modelo, _ time.Time) error {
	if err := modelo.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.modelo = modelo
	return nil
}

// KeepVoucher implements Journal.
func (m *Memory) KeepVoucher(r Record) (Record, error) {
	if err := r.CheckVoucher(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if was, known := m.known(r.ID); known {
		return was.clone(), nil
	}
	r = r.clone()
	r.Key.Tipo, r.Key.Folio, r.SHA256, r.Shift = Comprobante, dte.Folio(len(m.vouchers)+1), "", 0
	if m.shift.Open() {
		r.Shift = m.shift.Number
		if err := m.shift.Count(r); err != nil {
			return Record{}, err
		}
	}
	m.vouchers = append(m.vouchers, r)
	m.forget(r.ID)
	return r.clone(), nil
}

// known is a sale that was kept before, with a document or without.
func (m *Memory) known(id ID) (Record, bool) {
	if was, ok := m.sales[id]; ok {
		return was, true
	}
	return m.undocumented(id)
}

// undocumented is a sale that has no document.
func (m *Memory) undocumented(id ID) (Record, bool) {
	for _, list := range [][]Record{m.vouchers, m.slips} {
		if i := slices.IndexFunc(list, func(r Record) bool { return r.ID == id }); i >= 0 {
			return list[i], true
		}
	}
	return Record{}, false
}

// KeepSlip implements Journal.
func (m *Memory) KeepSlip(r Record) (Record, error) {
	if err := r.CheckSlip(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if was, known := m.known(r.ID); known {
		return was.clone(), nil
	}
	r = r.clone()
	r.Key.Folio, r.SHA256, r.Shift = dte.Folio(len(m.slips)+1), "", 0
	moved, err := m.after(r.Movements()...)
	if err != nil {
		return Record{}, err
	}
	if m.shift.Open() {
		r.Shift = m.shift.Number
		if err := m.shift.Count(r); err != nil {
			return Record{}, err
		}
	}
	m.moves, m.slips = moved, append(m.slips, r)
	m.forget(r.ID)
	return r.clone(), nil
}

// Slips implements Journal.
func (m *Memory) Slips(from, to time.Time) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.slips, from, to), nil
}

func within(records []Record, from, to time.Time) (list []Record) {
	for _, r := range records {
		if !r.At.Before(from) && r.At.Before(to) {
			list = append(list, r.clone())
		}
	}
	return list
}

// forget is the end of a sale's basket.
func (m *Memory) forget(id ID) {
	if m.cart.ID == id {
		m.cart = Cart{}
	}
	m.held = slices.DeleteFunc(m.held, func(h Held) bool { return h.Cart.ID == id })
	m.dropReturn(id)
}

// Vouchers implements Journal.
func (m *Memory) Vouchers(from, to time.Time) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.vouchers, from, to), nil
}

// Voucher implements Journal.
func (m *Memory) Voucher(n dte.Folio) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 1 || int(n) > len(m.vouchers) {
		return Record{}, fmt.Errorf("comprobante %d: %w", n, ErrNotFound)
	}
	return m.vouchers[n-1].clone(), nil
}

// Charges implements Journal.
func (m *Memory) Charges() terminal.Ledger { return &m.charges }

// CardCharges implements Journal.
func (m *Memory) CardCharges(id ID) (list []CardCharge, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.charges.Entries() {
		if strings.HasPrefix(e.Intent.Ref, ChargePrefix(id)) {
			list = append(list, CardCharge{Entry: e, Released: m.released[e.Intent.Ref]})
		}
	}
	SortCharges(list)
	return list, nil
}

// KeepReturn implements Journal.
func (m *Memory) KeepReturn(back Return) error {
	if err := back.CheckKept(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	back.Lines = slices.Clone(back.Lines)
	m.returns = append(slices.DeleteFunc(m.returns, func(o Return) bool { return o.ID == back.ID }), back)
	SortReturns(m.returns)
	return nil
}

// DropReturn implements Journal.
func (m *Memory) DropReturn(id ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropReturn(id)
	return nil
}

func (m *Memory) dropReturn(id ID) {
	m.returns = slices.DeleteFunc(m.returns, func(o Return) bool { return o.ID == id })
}

// OpenReturns implements Journal.
func (m *Memory) OpenReturns() ([]Return, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.returns)
	for i := range list {
		list[i].Lines = slices.Clone(list[i].Lines)
	}
	return list, nil
}

// ReleaseCharge implements Journal.
func (m *Memory) ReleaseCharge(ref string, _ time.Time, why string) error {
	list, err := m.CardCharges(ChargedSale(ref))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(list, func(c CardCharge) bool { return c.Intent.Ref == ref })
	switch {
	case i < 0:
		return terminal.ErrNoEntry
	case m.released[ref] != "":
		return nil
	}
	if err := list[i].CheckRelease(why); err != nil {
		return err
	}
	m.released[ref] = why
	return nil
}

// Sale implements Journal.
func (m *Memory) Sale(id ID) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known(id)
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

// Against implements Journal. What the authority refused takes nothing back.
func (m *Memory) Against(key dte.Key) (a Against, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for by, xml := range m.xml {
		if m.verdicts[by].State == dte.Rejected {
			continue
		}
		r := m.sales[m.byKey[by]]
		if a.AddSwap(r, key); r.Swaps() || !by.Tipo.EsNota() {
			continue
		}
		note, err := dte.Parse(bytes.Clone(xml))
		if err != nil {
			return Against{}, err
		}
		if note.RefersTo(key) {
			a.Notes = append(a.Notes, note)
		}
	}
	for _, r := range m.slips {
		a.AddSwap(r, key)
	}
	return a, nil
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
	case !m.cart.Empty():
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
	return m.cart.clone(), nil
}

// OpenShift implements Journal.
func (m *Memory) OpenShift(at time.Time, who string, float money.Pesos) (Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setShift(m.shift.Start(at, who, float))
}

// CloseShift implements Journal.
func (m *Memory) CloseShift(at time.Time, who string, counted money.Pesos) (Shift, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setShift(m.shift.End(at, who, counted))
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

// Decide is the SII's word on a document, for tests and demonstrations.
func (m *Memory) Decide(v dte.Veredicto) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.byKey[v.Key]; !ok || !v.State.Final() {
		return fmt.Errorf("veredicto «%s» de %s: %w", v.State, v.Key, ErrNotFound)
	}
	m.verdicts[v.Key] = v
	return nil
}

// DocumentState implements Journal. Nothing is sent from here: a document is Issued until Decide.
func (m *Memory) DocumentState(key dte.Key) (dte.State, dte.Veredicto, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.standing(key)
}

func (m *Memory) standing(key dte.Key) (dte.State, dte.Veredicto, error) {
	if _, ok := m.byKey[key]; !ok {
		return "", dte.Veredicto{}, fmt.Errorf("documento %s: %w", key, ErrNotFound)
	}
	if v, decided := m.verdicts[key]; decided {
		return v.State, v, nil
	}
	return dte.Issued, dte.Veredicto{}, nil
}

// Remedies implements Journal.
func (m *Memory) Remedies(key dte.Key) ([]Remedy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	past := slices.Clone(m.remedies[key])
	for i := range past {
		past[i].Record = past[i].Record.clone()
	}
	return past, nil
}

// RefusedXML implements Journal.
func (m *Memory) RefusedXML(key dte.Key, n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < 1 || n > len(m.refused[key]) {
		return nil, fmt.Errorf("rechazo %d de %s: %w", n, key, ErrNotFound)
	}
	return bytes.Clone(m.refused[key][n-1]), nil
}

// Remedy implements Journal.
func (m *Memory) Remedy(r Remedy, build func(Grant) (Issued, error)) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, v, err := m.standing(r.Key)
	if err != nil {
		return Record{}, err
	}
	past, was := m.remedies[r.Key], m.sales[m.byKey[r.Key]]
	if i := slices.IndexFunc(past, func(p Remedy) bool { return p.ID == r.ID }); i >= 0 {
		return m.sales[m.byKey[past[i].Now()]].clone(), nil
	}
	if err := r.Allowed(state, v, past); err != nil {
		return Record{}, err
	}
	r.N, r.Veredicto, r.Record, r.Next = len(past)+1, v, was.clone(), was.SHA256
	xml, now := m.xml[r.Key], was
	switch r.Act {
	case ActCorrect:
		now, err = m.correct(was, build)
		r.Next = now.SHA256
	case ActReissue:
		now, err = m.issue(r.ID, r.Key.Tipo, r.At, func(g Grant) (Issued, error) {
			issued, err := build(g)
			if err != nil {
				return issued, err
			}
			return issued, issued.CheckReissued(was)
		})
		r.As = now.Key
	}
	if err != nil {
		return Record{}, err
	}
	if r.Act != ActReissue {
		delete(m.verdicts, r.Key)
	}
	m.remedies[r.Key], m.refused[r.Key] = append(past, r), append(m.refused[r.Key], xml)
	return now.clone(), nil
}

func (m *Memory) correct(was Record, build func(Grant) (Issued, error)) (Record, error) {
	key := was.Key
	i := slices.IndexFunc(m.ranges, func(r Range) bool { return r.Covers(key) })
	issued, err := build(Grant{Folio: key.Folio, CAF: m.cafs[i]})
	if err != nil {
		return Record{}, err
	}
	if err := issued.CheckCorrected(was); err != nil {
		return Record{}, err
	}
	now := issued.Record.clone()
	now.Shift = was.Shift
	m.sales[now.ID], m.xml[key] = now, bytes.Clone(issued.Document.XML)
	return now, nil
}

// People implements Journal.
func (m *Memory) People() ([]Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.people), nil
}

// PutPerson implements Journal.
func (m *Memory) PutPerson(p Person, pin PIN, e Event) (Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, err := CheckPerson(m.people, p, !pin.IsZero() || !m.pins[p.Number].IsZero())
	if err != nil {
		return p, err
	}
	if p.Number == 0 {
		p.Number = len(m.people) + 1
		m.people = append(m.people, p)
	}
	i := p.Number - 1
	if i < 0 || i >= len(m.people) {
		return p, fmt.Errorf("persona %d: %w", p.Number, ErrNotFound)
	}
	m.people[i] = p
	if !pin.IsZero() {
		m.pins[p.Number] = pin.clone()
		delete(m.misses, p.Number)
	}
	m.events = append(m.events, e)
	return p, nil
}

// PIN implements Journal.
func (m *Memory) PIN(number int) (PIN, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pin, ok := m.pins[number]
	if !ok {
		return PIN{}, fmt.Errorf("PIN de la persona %d: %w", number, ErrNotFound)
	}
	return pin.clone(), nil
}

// Misses implements Journal.
func (m *Memory) Misses(number int) (Misses, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.misses[number], nil
}

// PutMisses implements Journal.
func (m *Memory) PutMisses(number int, misses Misses) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.misses[number] = misses
	return nil
}

// Policy implements Journal.
func (m *Memory) Policy() (Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.policy.clone(), nil
}

// SetPolicy implements Journal.
func (m *Memory) SetPolicy(p Policy, e Event) error {
	if err := p.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.policy, m.events = p.clone(), append(m.events, e)
	return nil
}

// MoveCash implements Journal. There is no printer: nothing is queued.
func (m *Memory) MoveCash(c CashMove) (CashMove, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.cash, func(o CashMove) bool { return o.ID == c.ID }); i >= 0 {
		return m.cash[i], nil
	}
	if err := m.shift.CountCash(c); err != nil {
		return CashMove{}, err
	}
	c.N, c.Shift = len(m.cash)+1, 0
	if m.shift.Open() {
		c.Shift = m.shift.Number
	}
	m.cash, m.events = append(m.cash, c), append(m.events, c.Event())
	return c, nil
}

// CashMoves implements Journal.
func (m *Memory) CashMoves(limit int) ([]CashMove, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := slices.Clone(m.cash)
	slices.Reverse(newest)
	return newest[:min(limit, len(newest))], nil
}
