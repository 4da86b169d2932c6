// Package mailtest holds what tests of mail need: the suite of its queue, and a strict server.
package mailtest

import (
	"errors"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/mail"
	"mostrador/sale"
)

// Queue is what the suite drives.
type Queue interface {
	mail.Queue
	AddMail(m sale.Mail) (sale.Mail, error)
	RetryMail(id uint64, at time.Time) (sale.Mail, error)
	MailsOf(k dte.Key) ([]sale.Mail, error)
}

// Till is a queue under test.
type Till struct {
	Queue
	// Issue makes a document.
	Issue func() dte.Key
	// Restart ends the program in the middle of whatever it does, and starts it again.
	Restart func() Queue
}

// At is when the suite's letters are wanted.
func At() time.Time { return time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC) }

// RunQueue runs the suite. Each part has an empty queue of its own.
func RunQueue(t *testing.T, open func(t *testing.T) Till) {
	for _, p := range []struct {
		name string
		run  func(*part)
	}{
		{"letters leave in the order of their time", inOrder},
		{"what a letter is does not change", fixed},
		{"a letter leaves once", once},
		{"the same letter waits once", twice},
		{"a stopped letter waits again if a person wants it", again},
	} {
		t.Run(p.name, func(t *testing.T) { p.run(&part{T: t, Till: open(t)}) })
	}
}

type part struct {
	*testing.T
	Till
}

func (p *part) add(k dte.Key, to string) sale.Mail {
	p.Helper()
	m, err := p.AddMail(sale.Mail{MessageID: to + "." + k.ID(), Key: k, To: to, At: At(), Who: "Rosa", Next: At()})
	if err != nil {
		p.Fatal(err)
	}
	return m
}

func (p *part) next(want uint64) sale.Mail {
	p.Helper()
	m, ok, err := p.NextMail()
	if err != nil || ok != (want != 0) || m.ID != want {
		p.Fatalf("next is %+v (%v %v), want number %d", m, ok, err, want)
	}
	return m
}

func (p *part) update(m sale.Mail) {
	p.Helper()
	if err := p.UpdateMail(m); err != nil {
		p.Fatal(err)
	}
}

func (p *part) of(k dte.Key, want ...sale.MailState) []sale.Mail {
	p.Helper()
	list, err := p.MailsOf(k)
	if err != nil || len(list) != len(want) {
		p.Fatalf("%d letters (%v), want %v", len(list), err, want)
	}
	for i, m := range list {
		if m.State != want[i] {
			p.Errorf("letter %d is %s, want %s", i, m.State, want[i])
		}
	}
	return list
}

func inOrder(p *part) {
	p.next(0)
	k, o := p.Issue(), p.Issue()
	a, b := p.add(k, "a@x.cl"), p.add(o, "a@x.cl")
	p.next(a.ID)
	a.Next = At().Add(time.Minute)
	p.update(a)
	p.next(b.ID)
	b.Next = At().Add(time.Hour)
	p.update(b)
	p.Queue = p.Restart()
	p.next(a.ID)
	p.of(k, sale.MailWaiting)
}

func fixed(p *part) {
	k := p.Issue()
	m := p.add(k, "a@x.cl")
	other := sale.Mail{ID: m.ID, MessageID: "otro", To: "otro@x.cl", State: sale.MailWaiting, Attempts: 3, Doubts: 1, Problem: "x", Next: At().Add(time.Hour)}
	p.update(other)
	got := p.of(k, sale.MailWaiting)[0]
	if got.MessageID != m.MessageID || got.To != m.To || got.Who != "Rosa" || got.Key != k || !got.At.Equal(At()) {
		p.Errorf("it became %+v", got)
	}
	if got.Attempts != 3 || got.Doubts != 1 || got.Problem != "x" || !got.Next.Equal(other.Next) {
		p.Errorf("the try is not kept: %+v", got)
	}
}

func once(p *part) {
	k := p.Issue()
	m := p.add(k, "a@x.cl")
	m.State, m.Sent = sale.MailSent, At()
	p.update(m)
	p.next(0)
	late := m
	late.State, late.Problem = sale.MailWaiting, "una respuesta atrasada"
	p.update(late)
	p.Queue = p.Restart()
	p.next(0)
	if m := p.of(k, sale.MailSent)[0]; m.Problem != "" || !m.Sent.Equal(At()) {
		p.Errorf("%+v", m)
	}
	if m, err := p.RetryMail(m.ID, At()); err != nil || m.State != sale.MailSent {
		p.Errorf("it leaves again: %+v %v", m, err)
	}
	p.next(0)
	p.update(sale.Mail{ID: 99, State: sale.MailSent}) // of none
}

func twice(p *part) {
	k := p.Issue()
	m := p.add(k, "a@x.cl")
	if again := p.add(k, "a@x.cl"); again.ID != m.ID {
		p.Errorf("two letters wait for one address: %+v", again)
	}
	p.add(k, "b@x.cl")
	m.State = sale.MailSent
	p.update(m)
	if again := p.add(k, "a@x.cl"); again.ID == m.ID {
		p.Error("what was sent is not sent again when somebody wants it")
	}
	p.of(k, sale.MailSent, sale.MailWaiting, sale.MailWaiting)
}

func again(p *part) {
	k := p.Issue()
	m := p.add(k, "a@x.cl")
	m.State, m.Attempts, m.Problem = sale.MailStopped, 24, "no existe"
	p.update(m)
	p.next(0)
	got, err := p.RetryMail(m.ID, At().Add(time.Hour))
	if err != nil || got.State != sale.MailWaiting || got.Attempts != 0 || got.MessageID != m.MessageID {
		p.Errorf("%+v, %v", got, err)
	}
	p.next(m.ID)
	if _, err := p.RetryMail(99, At()); !errors.Is(err, sale.ErrNotFound) {
		p.Errorf("none waits again: %v", err)
	}
}
