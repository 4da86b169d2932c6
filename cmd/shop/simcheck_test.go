package shop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

type apitestDocument = apitest.Document

// checks demands what must be true of every world that came to rest.
func (w *simWorld) checks() {
	if len(w.faults) > 0 {
		return
	}
	docs, err := w.server.Documents()
	w.must(err)
	at := map[string]apitest.Document{}
	for _, d := range docs {
		at[d.SHA256] = d
		w.decided(d)
	}
	for _, m := range w.living() {
		m.isSound()
		m.agrees(at)
		m.isUpToDate()
	}
	w.nothingVanished(at)
	w.folios()
	w.balances()
	w.stats.alarms, err = w.server.Alarms()
	w.must(err)
}

// decided: what the server has is at the SII, once, as the same bytes (I6), and under no key twice (I1).
func (w *simWorld) decided(d apitest.Document) {
	at := w.sii.held[d.Key]
	switch {
	case at == nil:
		w.fault("I6: %s is at the server and never reached the SII", d.Key.ID())
	case at.sum != d.SHA256:
		w.collides(d.Key, "I1: %s is one thing at the server and another at the SII", d.Key.ID())
	case at.state != d.State:
		w.collides(d.Key, "I6: %s is %s at the SII and %s at the server", d.Key.ID(), at.state, d.State)
	}
}

// isSound: the file itself has no fault, and its books add up (I2, I7, I9).
func (m *simTill) isSound() {
	r, err := m.store.Audit(true)
	if err != nil || !r.OK() {
		m.w.fault("audit of %s: %v %v", m.name, err, r.Faults)
	}
	head, _, err := m.store.Points(api.Locate)
	m.w.must(err)
	if at := m.w.server.Chain(m.id); at.N != head.N || at.Hash != head.Hash {
		m.w.fault("I8: %s has %d entries, and the server %d of them", m.name, head.N, at.N)
	}
}

// agrees compares a till's documents and shifts with the server's and the SII's.
func (m *simTill) agrees(at map[string]apitest.Document) {
	w := m.w
	for _, key := range slices.SortedFunc(maps.Keys(w.papers), byKey) {
		xml, r, err := m.store.Document(key)
		if errors.Is(err, sale.ErrNotFound) {
			continue
		}
		w.must(err)
		state, _, err := m.store.DocumentState(key)
		w.must(err)
		sum := hashOf(xml)
		there, known := at[sum]
		switch held := w.sii.held[key]; {
		case sum != r.SHA256:
			w.fault("I1: the bytes of %s in %s are not those of its sale", key.ID(), m.name)
		case !known:
			w.fault("I7: %s of %s is not at the server", key.ID(), m.name)
		case there.State != state:
			w.collides(key, "%s is %s in %s and %s at the server", key.ID(), state, m.name, there.State)
		case held == nil || held.sum != sum:
			w.collides(key, "I6: %s of %s is not at the SII as it is in the file", key.ID(), m.name)
		case held.state != state:
			w.collides(key, "I6: %s is %s in %s and %s at the SII", key.ID(), state, m.name, held.state)
		}
	}
	m.shifts()
}

func byKey(a, b dte.Key) int {
	if a.Tipo != b.Tipo {
		return int(a.Tipo) - int(b.Tipo)
	}
	return int(a.Folio) - int(b.Folio)
}

// shifts compares the Z of the till and of the server (I7).
func (m *simTill) shifts() {
	list, err := m.store.Shifts(100)
	m.w.must(err)
	for _, s := range list {
		there, ok, err := m.w.server.Shift(m.id, s.Number, s.OpenedAt)
		m.w.must(err)
		switch {
		case !ok:
			m.w.fault("I7: the server does not know shift %d of %s", s.Number, m.name)
		case s.Open() || m.forgets() && m.w.server.ClosedTwice(m.id, s.Number, s.OpenedAt):
		case there.ClosedAt.IsZero() || there.Sales != s.Sales || there.Expected != s.Expected() || there.Counted != s.Counted ||
			sumOf(there.ByType) != sumOf(s.ByType):
			m.w.fault("I7: shift %d of %s is %+v at the server, and %+v in the file", s.Number, m.name, there, s)
		}
	}
}

func sumOf[K comparable](amounts map[K]money.Pesos) (sum money.Pesos) {
	for _, a := range amounts {
		sum += a
	}
	return sum
}

// isUpToDate: the till sells at the server's prices, and knows its customers and what they owe.
func (m *simTill) isUpToDate() {
	list, err := m.store.Products()
	m.w.must(err)
	here, there := map[string]money.Price{}, map[string]money.Price{}
	for _, p := range list {
		here[p.Codigo] = p.Prc
	}
	for _, p := range m.w.server.Products() {
		there[p.Codigo] = p.Prc
	}
	if !maps.Equal(here, there) {
		m.w.fault("I7: %s sells at %v, and the server at %v", m.name, here, there)
	}
	known, err := m.w.server.Customers()
	m.w.must(err)
	for _, rut := range simCustomers {
		if !slices.Contains(known, rut) && slices.Contains(m.w.made[rut], m) && !m.restored {
			m.w.fault("I7: %s made the customer %s, and the server does not know him", m.name, rut)
		}
	}
	for _, rut := range known {
		owed, err := m.w.server.Owed(rut)
		m.w.must(err)
		switch c, ok, err := m.store.CustomerAtServer(rut); {
		case err != nil || !ok:
			m.w.fault("I7: %s does not know the customer %s: %v", m.name, rut, err)
		case c.Balance != nil && *c.Balance != owed || c.Balance == nil && owed != 0:
			m.w.fault("I7: %s knows of another debt of %s than the server's %d", m.name, rut, owed)
		}
		switch account, err := m.store.Account(sale.CreditAccount(rut)); {
		case err != nil:
			m.w.fault("I7: %s does not read the account of %s: %v", m.name, rut, err)
		case account.Owes() != owed:
			m.w.fault("I7: %s says that %s owes %d, %d of it elsewhere, and the server %d", m.name, rut, account.Owes(), account.Elsewhere, owed)
		}
	}
}

// nothingVanished: a paper that somebody has is in a file, at the server or at the SII, unless the only disk that knew of it died.
func (w *simWorld) nothingVanished(at map[string]apitest.Document) {
	for _, key := range slices.SortedFunc(maps.Keys(w.papers), byKey) {
		for _, p := range w.papers[key] {
			_, known := at[p.sum]
			held := w.sii.held[key]
			if known || held != nil && held.sum == p.sum || p.of.gone || p.of.restored {
				continue
			}
			w.fault("I6: %s of %s is nowhere", key.ID(), p.of.name)
		}
	}
}

// folios: no two leases have one in common, and each that a till that was never restored has used is a document (I2).
func (w *simWorld) folios() {
	leases, err := w.server.Leases()
	w.must(err)
	for i, a := range leases {
		for _, b := range leases[:i] {
			if a.Tipo == b.Tipo && a.Desde <= b.Hasta && b.Desde <= a.Hasta {
				w.fault("I1: folios %d to %d of %s and %d to %d are leased twice", a.Desde, a.Hasta, a.Tipo, b.Desde, b.Hasta)
			}
		}
		if a.State == apitest.LeaseDoubt {
			w.must(w.server.SettleDoubt(a.ID, a.Hasta))
			continue
		}
		for folio := a.Desde; folio <= a.Used && !w.lostDisk(a.Till); folio++ {
			key := dte.Key{Emisor: dtetest.Company, Tipo: a.Tipo, Folio: dte.Folio(folio)}
			if len(w.papers[key]) == 0 {
				w.fault("I2: folio %d of %s is used and nobody has it", folio, a.Tipo)
			}
		}
	}
}

// lostDisk reports a till of which some computer died or came back.
func (w *simWorld) lostDisk(till int64) bool {
	return slices.ContainsFunc(w.tills, func(m *simTill) bool { return m.id == till && (m.restored || m.gone) })
}

// balances: what is owed is what moved, at whichever till, once (I7).
func (w *simWorld) balances() {
	owed := map[dte.RUT]money.Pesos{}
	for _, name := range slices.Sorted(maps.Keys(w.debts)) {
		if d := w.debts[name]; w.told[name] {
			owed[d.rut] += d.amount
		}
	}
	for _, rut := range simBuyers {
		there, err := w.server.Owed(rut)
		w.must(err)
		if there != owed[rut] {
			w.fault("I7: %s owes %d, and %d at the server", rut, owed[rut], there)
		}
	}
	for _, m := range w.living() {
		m.debtsAreTold()
	}
}

// debtsAreTold: what stands in the file, the server has heard.
func (m *simTill) debtsAreTold() {
	for _, rut := range simBuyers {
		list, err := m.store.Statement(sale.CreditAccount(rut), 1000)
		m.w.must(err)
		for _, v := range list {
			kind := "abono"
			if v.Kind == sale.MoveSale || v.Kind == sale.MoveReturn {
				kind = "venta"
			}
			if v.Kind != sale.MoveLimit && !m.w.told[fmt.Sprint(m.id, " ", kind, " ", v.ID)] {
				m.w.fault("I7: %s moved the debt of %s by %d, and the server never heard", m.name, rut, v.Amount)
			}
		}
	}
}

// tellsStrays has a computer that was replaced tell the server what it sold.
func (m *simTill) tellsStrays() {
	chunk, err := m.books().Chunk(api.Point{})
	m.w.must(err)
	answer, err := m.api.Push(context.Background(), chunk)
	m.w.must(err)
	if answer.Hold == "" {
		m.w.hasHeard(m.id, chunk.Entries)
	}
}
