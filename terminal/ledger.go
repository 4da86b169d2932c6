package terminal

import (
	"errors"
	"slices"
	"sync"
)

// Ledger is where intents and their ends are kept: the till's store, or Memory in tests. Every method is one
// transaction. All may be called from any goroutine. What passes terminaltest.RunLedger is one.
type Ledger interface {
	// Begin stores a new intent, whose result is Unknown until it is settled. If its Ref is known, that entry comes back
	// as it stands, with fresh false, and nothing changes. While another intent is unsettled it fails with ErrPending and
	// returns that one.
	Begin(in Intent) (e Entry, fresh bool, err error)
	// Settle stores how an intent ended: with a known state. A settled intent keeps its end: settling it again with the
	// same state does nothing, with another one it fails with ErrSettled.
	Settle(ref string, r Result) error
	// Pending returns the intent that is unsettled, if there is one.
	Pending() (Entry, bool, error)
	// Mark returns the newest settled charge (never a refund) that has one, to recognise it in the terminal; zero if there is none.
	Mark() (Mark, error)
}

// Entry is an intent and what became of it.
type Entry struct {
	Intent Intent `json:"intent"`
	Result Result `json:"result"`
}

// Errors of a Ledger.
var (
	ErrPending = errors.New("hay un cobro o una devolución con tarjeta sin resolver: consulte el terminal antes de pedirle otra cosa. No se le pidió nada")
	ErrSettled = errors.New("ese cobro ya terminó de otra manera")
	ErrNoEntry = errors.New("ese cobro no existe")
	// ErrNotKnown: only a known end can be settled.
	ErrNotKnown = errors.New("un cobro no termina mientras no se sepa cómo")
)

// Memory is the twin of the store's ledger: it forgets everything when the program ends.
type Memory struct {
	mu      sync.Mutex
	entries []Entry
}

// Begin stores an intent.
func (m *Memory) Begin(in Intent) (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.find(in.Ref); i >= 0 {
		return m.entries[i], false, nil
	}
	for _, e := range m.entries {
		if !e.Result.State.Known() {
			return e, false, ErrPending
		}
	}
	e := Entry{Intent: in, Result: NotSure(in, "")}
	m.entries = append(m.entries, e)
	return e, true, nil
}

// Settle stores an end.
func (m *Memory) Settle(ref string, r Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(ref)
	switch {
	case i < 0:
		return ErrNoEntry
	case !r.State.Known():
		return ErrNotKnown
	case m.entries[i].Result.State == r.State:
		return nil
	case m.entries[i].Result.State.Known():
		return ErrSettled
	}
	r.Voucher = slices.Clone(r.Voucher)
	m.entries[i].Result = r
	return nil
}

// Pending returns the unsettled intent.
func (m *Memory) Pending() (Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if !e.Result.State.Known() {
			return e, true, nil
		}
	}
	return Entry{}, false, nil
}

// Mark returns the newest charge that can be recognised.
func (m *Memory) Mark() (Mark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(m.entries) {
		if mark := e.Result.Mark(); !mark.IsZero() && !e.Intent.Refunds() {
			return mark, nil
		}
	}
	return Mark{}, nil
}

// Entries are all of them, oldest first.
func (m *Memory) Entries() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

func (m *Memory) find(ref string) int {
	return slices.IndexFunc(m.entries, func(e Entry) bool { return e.Intent.Ref == ref })
}
