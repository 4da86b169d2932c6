package apitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// books are what the tills told.
type books struct {
	emisor dte.RUT
	trust  dte.Trust
	docs   []*kept // in the order in which they came
	byKey  map[dte.Key][]*kept
	moves  map[string]bool
	owed   map[dte.RUT]money.Pesos
	byTill map[debt]money.Pesos
	shifts map[place]api.Shift
	twice  map[place]bool
}

type kept struct {
	Document
	xml   []byte
	stray bool // it came from a copy of the till: what the till says of that key is not of these bytes
}

// debt is what a customer owes as one till saw it move.
type debt struct {
	customer dte.RUT
	till     int64
}

// place is a till's shift. A restored store may begin another one of a number.
type place struct {
	till   int64
	number int
	opened int64
}

func placeOf(till int64, number int, opened time.Time) place {
	return place{till, number, opened.UnixNano()}
}

func newBooks(emisor dte.RUT, trust dte.Trust) books {
	return books{
		emisor: emisor, trust: trust, byKey: map[dte.Key][]*kept{}, moves: map[string]bool{}, owed: map[dte.RUT]money.Pesos{},
		byTill: map[debt]money.Pesos{}, shifts: map[place]api.Shift{}, twice: map[place]bool{},
	}
}

func (b *books) has(key dte.Key) bool { return len(b.byKey[key]) > 0 }

func (b *books) knows(key dte.Key, sum string) bool { return b.version(key, sum) != nil }

func (b *books) version(key dte.Key, sum string) *kept {
	for _, k := range b.byKey[key] {
		if k.SHA256 == sum {
			return k
		}
	}
	return nil
}

// document keeps a sale's document, and tells what people must know of it.
func (b *books) document(till int64, s api.Sale, mine, stray bool) (alarm string) {
	sum := sha256.Sum256(s.XML)
	switch doc, err := dte.Verify(s.XML, b.trust); {
	case hex.EncodeToString(sum[:]) != s.SHA256:
		return fmt.Sprintf("los bytes de %s no son los que dice la caja", s.Key)
	case err != nil:
		return fmt.Sprintf("%s no es válido: %v", s.Key, err)
	case doc.Key() != s.Key || s.Key.Emisor != b.emisor || doc.Totales.MntTotal != s.Total:
		return fmt.Sprintf("%s no es la venta que dice la caja", s.Key)
	case !mine:
		return fmt.Sprintf("%s lleva un folio que no es de esta caja", s.Key)
	case b.knows(s.Key, s.SHA256):
		k := b.version(s.Key, s.SHA256)
		k.stray = k.stray && stray
		return ""
	case b.has(s.Key) && s.Replaces != s.Key:
		alarm = fmt.Sprintf("hay dos documentos %s con distinto contenido", s.Key)
	}
	k := &kept{Document: Document{Key: s.Key, SHA256: s.SHA256, Till: till, State: dte.Issued}, xml: bytes.Clone(s.XML), stray: stray}
	if s.State != nil {
		k.State = s.State.State
	}
	b.docs, b.byKey[s.Key] = append(b.docs, k), append(b.byKey[s.Key], k)
	return alarm
}

// state takes a document's state on, never back.
func (b *books) state(till int64, s api.DocumentState) {
	for _, k := range b.byKey[s.Key] {
		if k.Till == till && !k.stray && k.State != s.State && k.State.CanBecome(s.State) {
			k.State = s.State
		}
	}
}

// move counts a movement; false if it was counted before.
func (b *books) move(customer dte.RUT, till int64, id string, amount money.Pesos, overwrite bool) bool {
	name := fmt.Sprint(till, " ", id)
	if b.moves[name] {
		return false
	}
	b.moves[name] = true
	b.owed[customer] += amount
	d := debt{customer, till}
	b.byTill[d] += amount
	if overwrite {
		b.owed[customer] = b.byTill[d]
	}
	return true
}

// shift keeps a shift as it stood last; one that was closed is not opened again by what was told before. false: it had been closed
// with other sums, by another copy of the till.
func (b *books) shift(till int64, s api.Shift) bool {
	at := placeOf(till, s.Number, s.OpenedAt)
	was, known := b.shifts[at]
	closed := known && !was.ClosedAt.IsZero()
	if closed && s.ClosedAt.IsZero() {
		return true
	}
	b.shifts[at] = s
	same := was.ClosedAt.Equal(s.ClosedAt) && was.Expected == s.Expected && was.Counted == s.Counted && was.Sales == s.Sales
	b.twice[at] = b.twice[at] || closed && !same
	return !closed || same
}

// Documents implements Office.
func (m *Memory) Documents() (list []Document, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.books.docs {
		list = append(list, k.Document)
	}
	return list, nil
}

// XML are the bytes of a document that a till told of, by their hash.
func (m *Memory) XML(key dte.Key, sum string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.books.byKey[key] {
		if k.SHA256 == sum {
			return bytes.Clone(k.xml), true
		}
	}
	return nil, false
}

// Judge notes what the SII said to the server itself of a document that it took over, and tells the till of it.
func (m *Memory) Judge(key dte.Key, sum string, state dte.State, v dte.Veredicto) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.books.byKey[key] {
		if k.SHA256 == sum && k.State.CanBecome(state) {
			k.State = state
			m.feed.verdict(k.Till, api.DocumentState{Key: key, State: state, Veredicto: &v})
		}
	}
}

// Alarms implements Office.
func (m *Memory) Alarms() (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.alarms), nil
}

// Words are the alarms, for whoever reads a failure.
func (m *Memory) Words() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.alarms)
}

// Owed implements Office.
func (m *Memory) Owed(customer dte.RUT) (money.Pesos, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.books.owed[customer], nil
}

// Shift implements Office.
func (m *Memory) Shift(till int64, number int, opened time.Time) (api.Shift, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.books.shifts[placeOf(till, number, opened)]
	return s, ok, nil
}

// ClosedTwice reports a shift that two copies of a till closed with different sums. There is an alarm about it.
func (m *Memory) ClosedTwice(till int64, number int, opened time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.books.twice[placeOf(till, number, opened)]
}

// Chain is how far the server has a till's books, and their hash.
func (m *Memory) Chain(id int64) api.Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.tillOf(id)
	if err != nil {
		return api.Point{}
	}
	return t.head()
}
