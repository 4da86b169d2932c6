package sync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mostrador/dte"
)

// Errors of Memory.
var (
	// ErrStep: the life of a document or an envelope has no such step.
	ErrStep = errors.New("ese paso no corresponde al estado")
	// ErrNotFound: no such document or envelope.
	ErrNotFound = errors.New("no existe")
)

// Memory is the twin of the till's store: an Outbox that forgets everything when the program ends. It passes
// synctest.RunOutbox. Safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	order  []dte.Key // as issued
	docs   map[dte.Key]*memoryDoc
	sobres []*dte.Sobre // with XML
}

type memoryDoc struct {
	xml     []byte
	at      time.Time
	state   dte.State
	verdict dte.Veredicto
}

// NewMemory is an empty outbox.
func NewMemory() *Memory { return &Memory{docs: map[dte.Key]*memoryDoc{}} }

// Add puts in a document that was just issued. The same key twice is put in once.
func (m *Memory) Add(doc *dte.Document, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[doc.Key()] != nil {
		return
	}
	m.order = append(m.order, doc.Key())
	m.docs[doc.Key()] = &memoryDoc{xml: bytes.Clone(doc.XML), at: at, state: dte.Issued}
}

// DocumentState returns where a document stands, and its verdict if there is one.
func (m *Memory) DocumentState(key dte.Key) (dte.State, dte.Veredicto, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.doc(key)
	if err != nil {
		return "", dte.Veredicto{}, err
	}
	return d.state, d.verdict, nil
}

// Standing implements Outbox.
func (m *Memory) Standing(key dte.Key) (dte.State, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, known := m.docs[key]
	if !known {
		return "", false, nil
	}
	return d.state, true, nil
}

func (m *Memory) doc(key dte.Key) (*memoryDoc, error) {
	d := m.docs[key]
	if d == nil {
		return nil, fmt.Errorf("documento %s: %w", key, ErrNotFound)
	}
	return d, nil
}

func (m *Memory) sobre(id string) (*dte.Sobre, error) {
	for _, s := range m.sobres {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("sobre %s: %w", id, ErrNotFound)
}

// Waiting implements Outbox.
func (m *Memory) Waiting(boletas bool, limit int) (docs []*dte.Document, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range m.order {
		if len(docs) >= limit {
			break
		}
		d := m.docs[key]
		if d.state != dte.Issued || key.Tipo.EsBoleta() != boletas {
			continue
		}
		doc, err := dte.Parse(bytes.Clone(d.xml))
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// WaitingSince implements Outbox.
func (m *Memory) WaitingSince(boletas bool, limit int) (n int, oldest time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range m.order {
		d := m.docs[key]
		if n >= limit || d.state != dte.Issued || key.Tipo.EsBoleta() != boletas {
			continue
		}
		if n++; n == 1 {
			oldest = d.at
		}
	}
	return n, oldest, nil
}

// DocumentIn implements Outbox.
func (m *Memory) DocumentIn(key dte.Key) (*dte.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.doc(key)
	if err != nil {
		return nil, err
	}
	return dte.Parse(bytes.Clone(d.xml))
}

// NewSobre implements Outbox.
func (m *Memory) NewSobre(s dte.Sobre) (dte.Sobre, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(s.Keys) == 0 || len(s.XML) == 0 {
		return dte.Sobre{}, fmt.Errorf("%w: un sobre lleva documentos y bytes", ErrStep)
	}
	for i, key := range s.Keys {
		d, err := m.doc(key)
		if err != nil {
			return dte.Sobre{}, err
		}
		if d.state != dte.Issued || key.Tipo.EsBoleta() != s.Boletas || slices.Contains(s.Keys[:i], key) {
			return dte.Sobre{}, fmt.Errorf("%w: %s no puede ir en este sobre", ErrStep, key)
		}
	}
	return m.keep(s), nil
}

// keep stores a new envelope.
func (m *Memory) keep(s dte.Sobre) dte.Sobre {
	sum := sha256.Sum256(s.XML)
	s.ID, s.SHA256 = fmt.Sprintf("S%09d", len(m.sobres)+1), hex.EncodeToString(sum[:])
	s.State, s.Settled, s.Refused = dte.Enveloped, false, ""
	kept := cloneSobre(s)
	m.sobres = append(m.sobres, &kept)
	m.move(s.Keys, dte.Enveloped)
	return s
}

// Regroup implements Outbox.
func (m *Memory) Regroup(id, reason string, into []dte.Sobre) (made []dte.Sobre, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.sobre(id)
	if err != nil {
		return nil, err
	}
	if err := dte.CheckRegroup(*s, m.left(s), reason, into); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStep, err)
	}
	s.Settled, s.Refused, s.Problem = true, reason, ""
	for _, next := range into {
		next.Instead = id
		made = append(made, m.keep(next))
	}
	return made, nil
}

// Left implements Outbox.
func (m *Memory) Left(id string) ([]dte.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.sobre(id)
	if err != nil {
		return nil, err
	}
	return m.left(s), nil
}

func (m *Memory) left(s *dte.Sobre) []dte.Key {
	return slices.DeleteFunc(slices.Clone(s.Keys), func(k dte.Key) bool { return m.docs[k].state.Final() || gone(s) })
}

// move takes the undecided documents to state.
func (m *Memory) move(keys []dte.Key, state dte.State) {
	for _, key := range keys {
		if d := m.docs[key]; !d.state.Final() {
			d.state = state
		}
	}
}

func cloneSobre(s dte.Sobre) dte.Sobre {
	s.Keys, s.XML = slices.Clone(s.Keys), bytes.Clone(s.XML)
	return s
}

// OpenSobres implements Outbox.
func (m *Memory) OpenSobres() (open []dte.Sobre, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sobres {
		if !s.Settled {
			o := cloneSobre(*s)
			o.XML = nil
			open = append(open, o)
		}
	}
	return open, nil
}

// SobreXML implements Outbox.
func (m *Memory) SobreXML(id string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.sobre(id)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(s.XML), nil
}

// UpdateSobre implements Outbox.
func (m *Memory) UpdateSobre(next dte.Sobre) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.sobre(next.ID)
	if err != nil {
		return err
	}
	if gone(s) || next.State == dte.Issued || next.State.Final() || !s.State.CanBecome(next.State) {
		return fmt.Errorf("%w: el sobre %s no pasa de %s a %s", ErrStep, s.ID, s.State, next.State)
	}
	next.Boletas, next.Emisor, next.Keys, next.XML, next.SHA256 = s.Boletas, s.Emisor, s.Keys, s.XML, s.SHA256
	next.CreatedAt, next.Settled = s.CreatedAt, s.Settled
	*s = next
	m.move(s.Keys, s.State)
	return nil
}

// gone reports an envelope that was refused as a whole: its documents are in others now.
func gone(s *dte.Sobre) bool { return s.Settled && s.Refused != "" }

// Settle implements Outbox.
func (m *Memory) Settle(id string, verdicts []dte.Veredicto) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.sobre(id)
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		if gone(s) || !v.State.Final() || !slices.Contains(s.Keys, v.Key) {
			return fmt.Errorf("%w: veredicto «%s» de %s en el sobre %s", ErrStep, v.State, v.Key, id)
		}
	}
	for _, v := range verdicts {
		if d := m.docs[v.Key]; !d.state.Final() {
			d.state, d.verdict = v.State, v
		}
	}
	s.Settled = !slices.ContainsFunc(s.Keys, func(k dte.Key) bool { return !m.docs[k].state.Final() })
	return nil
}

// Interrupt does what a crash and a new start do: uploads under way become Unknown.
func (m *Memory) Interrupt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sobres {
		if s.State == dte.Sending && !s.Settled {
			s.State = dte.Unknown
			m.move(s.Keys, dte.Unknown)
		}
	}
}

// Backlog implements Outbox.
func (m *Memory) Backlog() (dte.Backlog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := dte.Backlog{ByState: map[dte.State]int{}}
	for _, key := range m.order {
		d := m.docs[key]
		if d.state.Final() {
			continue
		}
		if b.Documents == 0 {
			b.Oldest = d.at
		}
		b.Documents++
		b.ByState[d.state]++
	}
	return b, nil
}
