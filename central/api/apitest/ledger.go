package apitest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
)

// ledger is who may use which folio. Two leases never have one in common but for what was given back.
type ledger struct {
	cafs     []*authorised
	leases   []*Lease
	free     []api.Lease // given back, to be leased again
	annulled []api.Lease
	brought  []api.Lease // ranges of tills that had them before they joined; ID is the till's
}

// authorised is a CAF and how far it was leased.
type authorised struct {
	id                 int64
	tipo               dte.TipoDTE
	desde, hasta, next int64
	vence              dte.Date // zero: never
	file               []byte
}

func (a *authorised) expired(day dte.Date) bool { return !a.vence.IsZero() && a.vence.Before(day) }

const mostLeases = 2

// AddCAF implements Office.
func (m *Memory) AddCAF(file []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	caf, err := dte.ParseCAF(file)
	if err != nil {
		return err
	}
	if err := caf.Verify(m.cfg.Trust); err != nil {
		return err
	}
	l := &m.ledger
	desde, hasta := int64(caf.Desde), int64(caf.Hasta)
	if slices.ContainsFunc(l.cafs, func(a *authorised) bool { return a.tipo == caf.Tipo && a.desde <= hasta && desde <= a.hasta }) {
		return fmt.Errorf("ya hay un CAF con folios de %d a %d", desde, hasta)
	}
	l.cafs = append(l.cafs, &authorised{id: int64(len(l.cafs) + 1), tipo: caf.Tipo, desde: desde, hasta: hasta, next: desde, vence: caf.Vence(), file: file})
	return nil
}

func (l *ledger) of(id int64) *Lease {
	if id < 1 || id > int64(len(l.leases)) {
		return nil
	}
	return l.leases[id-1]
}

// open are a till's leases to issue from, the one to use first before the others.
func (l *ledger) open(till int64) (list []*Lease) {
	for _, lease := range l.leases {
		if lease.Till == till && lease.State == LeaseOpen {
			list = append(list, lease)
		}
	}
	slices.SortStableFunc(list, func(a, b *Lease) int { return cmp.Or(cmp.Compare(a.Tipo, b.Tipo), cmp.Compare(a.ID, b.ID)) })
	return list
}

func (l *ledger) fileFor(till, caf int64) []byte {
	if !slices.ContainsFunc(l.open(till), func(lease *Lease) bool { return lease.CAF == caf }) {
		return nil
	}
	return l.cafs[caf-1].file
}

// doubt: nobody knows how far a lost store went in these.
func (l *ledger) doubt(till int64) {
	for _, lease := range l.open(till) {
		lease.State = LeaseDoubt
	}
}

// behind reports a store that says to have used less than it has said before.
func (l *ledger) behind(till int64, used []api.Mark) api.Hold {
	for _, mark := range used {
		if lease := l.of(mark.Lease); lease != nil && lease.Till == till && lease.State == LeaseOpen && mark.Used < lease.Used {
			return api.HoldBehind
		}
	}
	return ""
}

// report takes in what a till says of its folios, and brings its leases up to what it needs.
func (l *ledger) report(till, tills int64, now time.Time, size int64, f api.Folios, plant Plant) (api.FolioStock, error) {
	for _, mark := range append(slices.Clone(f.Used), f.Returned...) {
		lease := l.of(mark.Lease)
		if lease != nil && lease.Till == till && lease.State == LeaseOpen && (mark.Used > lease.Hasta || mark.Used < lease.Used) {
			return api.FolioStock{}, fault(api.Stuck, "409", "La caja dice haber usado el folio %d, que no es de su tramo %d a %d", mark.Used, lease.Desde, lease.Hasta)
		}
	}
	for _, mark := range f.Used {
		l.advance(till, mark)
	}
	for _, mark := range f.Returned {
		l.takeBack(till, mark)
	}
	day := dte.DateOf(now)
	for _, lease := range l.open(till) {
		if l.cafs[lease.CAF-1].expired(day) {
			lease.State = LeaseExpired
		}
	}
	return l.replenish(till, tills, day, size, f.Wants, plant), nil
}

// mine is an open lease of the till.
func (l *ledger) mine(till, id int64) *Lease {
	lease := l.of(id)
	if lease == nil || lease.Till != till || lease.State != LeaseOpen {
		return nil
	}
	return lease
}

func (l *ledger) advance(till int64, mark api.Mark) {
	lease := l.mine(till, mark.Lease)
	if lease == nil {
		return
	}
	if lease.Used = mark.Used; lease.Used == lease.Hasta {
		lease.State = LeaseSpent
	}
}

func (l *ledger) takeBack(till int64, mark api.Mark) {
	l.advance(till, mark)
	lease := l.mine(till, mark.Lease)
	if lease == nil {
		return
	}
	rest := lease.Lease
	rest.Desde = lease.Used + 1
	l.free = append(l.free, rest)
	lease.Hasta, lease.State = lease.Used, LeaseReturned
}

func (l *ledger) replenish(till, tills int64, day dte.Date, size int64, wants []dte.TipoDTE, plant Plant) (stock api.FolioStock) {
	for _, tipo := range wants {
		has := 0
		for _, lease := range l.open(till) {
			if lease.Tipo == tipo {
				has++
			}
		}
		for ; has < mostLeases; has++ {
			if !l.give(till, tills, tipo, day, size, plant) {
				stock.Short = append(stock.Short, tipo)
				break
			}
		}
	}
	for _, lease := range l.open(till) {
		stock.Leases = append(stock.Leases, lease.Lease)
	}
	return stock
}

// give leases some folios of a type; false if there are none.
func (l *ledger) give(till, tills int64, tipo dte.TipoDTE, day dte.Date, size int64, plant Plant) bool {
	if plant.SharedLease {
		for _, other := range l.leases {
			if other.Tipo == tipo && other.State == LeaseOpen && other.Till != till && !l.holds(till, other.Desde, tipo) {
				l.lease(till, tipo, other.CAF, other.Desde, other.Hasta)
				return true
			}
		}
	}
	size = min(size, l.fair(tipo, tills, day))
	if size == 0 {
		return false
	}
	for i, f := range l.free {
		if f.Tipo != tipo || l.cafs[f.CAF-1].expired(day) {
			continue
		}
		to := min(f.Hasta, f.Desde+size-1)
		if l.free[i].Desde = to + 1; l.free[i].Desde > f.Hasta {
			l.free = slices.Delete(l.free, i, i+1)
		}
		l.lease(till, tipo, f.CAF, f.Desde, to)
		return true
	}
	for _, c := range l.cafs {
		if c.tipo != tipo || c.next > c.hasta || c.expired(day) {
			continue
		}
		from := c.next
		c.next = min(c.hasta, from+size-1) + 1
		l.lease(till, tipo, c.id, from, c.next-1)
		return true
	}
	return false
}

// fair leaves as much for each of the others.
func (l *ledger) fair(tipo dte.TipoDTE, tills int64, day dte.Date) (left int64) {
	for _, c := range l.cafs {
		if c.tipo == tipo && !c.expired(day) {
			left += c.hasta - c.next + 1
		}
	}
	for _, f := range l.free {
		if f.Tipo == tipo && !l.cafs[f.CAF-1].expired(day) {
			left += f.Hasta - f.Desde + 1
		}
	}
	share := mostLeases * max(1, tills)
	return (left + share - 1) / share
}

func (l *ledger) holds(till, folio int64, tipo dte.TipoDTE) bool {
	return slices.ContainsFunc(l.leases, func(lease *Lease) bool { return lease.Till == till && within(lease.Lease, tipo, folio) })
}

func within(l api.Lease, tipo dte.TipoDTE, folio int64) bool {
	return l.Tipo == tipo && l.Desde <= folio && folio <= l.Hasta
}

func (l *ledger) lease(till int64, tipo dte.TipoDTE, caf, desde, hasta int64) {
	l.leases = append(l.leases, &Lease{
		Lease: api.Lease{ID: int64(len(l.leases) + 1), Tipo: tipo, CAF: caf, Desde: desde, Hasta: hasta}, Till: till, Used: desde - 1, State: LeaseOpen,
	})
}

// covers reports a folio of a lease of this till, whatever became of it.
func (l *ledger) covers(till int64, key dte.Key) bool {
	return l.holds(till, int64(key.Folio), key.Tipo)
}

// own reports a folio that the till had before it joined: no lease, range or document of the server's has it. From now on it
// is that till's.
func (l *ledger) own(till int64, key dte.Key, known bool) bool {
	folio := int64(key.Folio)
	if i := slices.IndexFunc(l.brought, func(b api.Lease) bool { return within(b, key.Tipo, folio) }); i >= 0 {
		return l.brought[i].ID == till
	}
	if known || slices.ContainsFunc(l.cafs, func(c *authorised) bool { return c.tipo == key.Tipo && c.desde <= folio && folio <= c.hasta }) {
		return false
	}
	l.brought = append(l.brought, api.Lease{ID: till, Tipo: key.Tipo, Desde: folio, Hasta: folio})
	return true
}

// Revoke implements Office.
func (m *Memory) Revoke(id int64) error { return m.end(id, revoked) }

// Lose implements Office.
func (m *Memory) Lose(id int64) error {
	if err := m.end(id, lost); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, lease := range m.ledger.leases {
		if lease.Till == id && (lease.State == LeaseOpen || lease.State == LeaseDoubt) {
			m.ledger.annul(lease, LeaseLost)
		}
	}
	return nil
}

// annul ends a lease whose rest nobody will ever use.
func (l *ledger) annul(lease *Lease, as string) {
	rest := lease.Lease
	rest.Desde = lease.Used + 1
	if lease.State = as; rest.Desde <= rest.Hasta {
		l.annulled = append(l.annulled, rest)
	}
}

func (m *Memory) end(id int64, as string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.tillOf(id)
	if err != nil {
		return err
	}
	if t.state == lost || t.state == as {
		return fault(api.Stuck, "404", "La caja %s ya está dada de baja", t.name)
	}
	t.state, t.code = as, ""
	return nil
}

// SettleDoubt implements Office.
func (m *Memory) SettleDoubt(id, last int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	lease := m.ledger.of(id)
	if lease == nil || lease.State != LeaseDoubt || last < lease.Used || last > lease.Hasta {
		return fault(api.Stuck, "409", "El tramo %d no está en duda, o no llega al folio %d. Nada cambió", id, last)
	}
	lease.Used = last
	m.ledger.annul(lease, LeaseSettled)
	return nil
}

// Leases implements Office.
func (m *Memory) Leases() (list []Lease, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, lease := range m.ledger.leases {
		list = append(list, *lease)
	}
	return list, nil
}
