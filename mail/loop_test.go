package mail_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/mail"
	"mostrador/mail/mailtest"
	"mostrador/sale"
)

func TestMemoryQueue(t *testing.T) {
	mailtest.RunQueue(t, func(*testing.T) mailtest.Till {
		q, folio := &mail.Memory{}, dte.Folio(0)
		return mailtest.Till{Queue: q, Restart: func() mailtest.Queue { return q }, Issue: func() dte.Key {
			folio++
			return dte.Key{Emisor: 76543210, Tipo: dte.Boleta, Folio: folio}
		}}
	})
}

// rig is a loop with a real server and a clock that the test turns.
type rig struct {
	*testing.T
	queue  *mail.Memory
	server *mailtest.Server
	loop   *mail.Loop
	sender mail.Sender
	now    time.Time
	told   []mail.Status
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, queue: &mail.Memory{}, server: mailtest.Start(t, mail.STARTTLS), now: mailtest.At()}
	r.sender = r.server.Sender()
	r.loop = mail.NewLoop(mail.Config{
		Queue: r.queue, Now: func() time.Time { return r.now }, After: func(time.Duration) <-chan time.Time { return nil },
		Send: func(ctx context.Context, m sale.Mail) error {
			l := letter()
			l.To, l.MessageID, l.Date = m.To, m.MessageID, m.At
			return r.sender.Send(ctx, l)
		},
		Report: func(s mail.Status) { r.told = append(r.told, s) },
	})
	return r
}

func (r *rig) add(to string) sale.Mail {
	r.Helper()
	m, err := r.queue.AddMail(sale.Mail{MessageID: "T39F1." + to, Key: dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1}, To: to, At: r.now, Next: r.now})
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// work lets the loop do what it can until a time, and counts its tries.
func (r *rig) work(until time.Time) (tries int) {
	r.Helper()
	for range 1000 {
		before := len(r.told)
		next := r.loop.Step(r.Context())
		tries += len(r.told) - before
		switch {
		case next.IsZero() || next.After(until):
			r.now = until
			return tries
		case next.After(r.now):
			r.now = next
		}
	}
	r.Fatal("the loop never rests")
	return 0
}

func (r *rig) mail(id uint64) sale.Mail {
	r.Helper()
	list, err := r.queue.MailsOf(dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1})
	if err != nil {
		r.Fatal(err)
	}
	return list[id-1]
}

// While the line is down no attempt is counted, and the line is tried every five minutes at most; when it is back, all leaves.
func TestALineThatIsDownCountsNoAttempt(t *testing.T) {
	r := newRig(t)
	a, b := r.add("a@x.cl"), r.add("b@x.cl")
	address := r.server.Address()
	r.server.Stop()
	tries := r.work(r.now.Add(3 * time.Hour))
	if tries < 30 || tries > 45 {
		t.Errorf("%d tries in three hours", tries)
	}
	if m := r.mail(a.ID); m.State != sale.MailWaiting || m.Attempts != 0 || m.Doubts != 0 || !strings.Contains(m.Problem, "no hay conexión") {
		t.Errorf("%+v", m)
	}
	r.server.Listen(address)
	r.work(r.now.Add(10 * time.Minute))
	if r.mail(a.ID).State != sale.MailSent || r.mail(b.ID).State != sale.MailSent || len(r.server.Letters()) != 2 {
		t.Errorf("%+v %+v", r.mail(a.ID), r.mail(b.ID))
	}
	if m := r.mail(a.ID); m.Problem != "" || m.Sent.IsZero() {
		t.Errorf("%+v", m)
	}
}

// Cut after it was handed over, a letter is tried again with the same name and bytes; not often, or its buyer gets many.
func TestADoubtIsTriedAgainTheSame(t *testing.T) {
	r := newRig(t)
	m := r.add("a@x.cl")
	r.server.Script(func(s *mailtest.Server) { s.CutAfter = true })
	r.work(r.now)
	r.server.Script(func(s *mailtest.Server) { s.CutAfter = false })
	r.work(r.now.Add(time.Hour))
	got := r.server.Letters()
	if len(got) != 2 || !bytes.Equal(got[0].Bytes, got[1].Bytes) || !bytes.Contains(got[1].Bytes, []byte("Message-ID: <"+m.MessageID+">")) {
		t.Errorf("%d letters", len(got))
	}
	if r.mail(m.ID).State != sale.MailSent {
		t.Errorf("%+v", r.mail(m.ID))
	}

	m = r.add("b@x.cl")
	r.server.Script(func(s *mailtest.Server) { s.CutAfter = true })
	r.work(r.now.Add(48 * time.Hour))
	if n := len(r.server.Letters()) - 2; n != 3 {
		t.Errorf("the buyer has it %d times", n)
	}
	if m := r.mail(m.ID); m.State != sale.MailStopped || !strings.Contains(m.Problem, "Pregunte al cliente") {
		t.Errorf("%+v", m)
	}
}

// One letter that the server puts off holds up no other, is tried less and less, and in the end asks for a person.
func TestALetterIsPutOff(t *testing.T) {
	r := newRig(t)
	m := r.add("a@x.cl")
	r.server.Answer("RCPT", "450 4.2.1 greylisted")
	if tries := r.work(r.now.Add(time.Hour)); tries < 4 || tries > 8 {
		t.Errorf("%d tries in the first hour", tries)
	}
	if got := r.mail(m.ID); got.State != sale.MailWaiting || got.Attempts == 0 || !strings.Contains(got.Problem, "«450 4.2.1 greylisted»") {
		t.Errorf("%+v", got)
	}
	r.server.Script(func(s *mailtest.Server) { delete(s.Answers, "RCPT") })
	other := r.add("b@x.cl")
	r.work(r.now)
	if r.mail(other.ID).State != sale.MailSent {
		t.Error("another letter waits behind it")
	}
	r.server.Answer("RCPT", "450 4.2.1 greylisted")
	r.work(r.now.Add(72 * time.Hour))
	if got := r.mail(m.ID); got.State != sale.MailStopped || !strings.Contains(got.Problem, "se intentó 24 veces") {
		t.Errorf("%+v", got)
	}
}

func TestARefusedLetterAsksForAPerson(t *testing.T) {
	r := newRig(t)
	m := r.add("nadie@x.cl")
	r.server.Answer("RCPT", "550 5.1.1 no such user")
	if tries := r.work(r.now.Add(24 * time.Hour)); tries != 1 {
		t.Errorf("%d tries", tries)
	}
	if got := r.mail(m.ID); got.State != sale.MailStopped || !strings.Contains(got.Problem, "no such user") {
		t.Errorf("%+v", got)
	}
}

// An account that is refused is tried once an hour, no letter is at fault, and a mended one is used at once.
func TestARefusedAccountHoldsAll(t *testing.T) {
	r := newRig(t)
	a, b := r.add("a@x.cl"), r.add("b@x.cl")
	r.sender.Password = "dos gatos"
	if tries := r.work(r.now.Add(10 * time.Hour)); tries > 11 {
		t.Errorf("%d tries of a wrong password in ten hours", tries)
	}
	for _, m := range []sale.Mail{r.mail(a.ID), r.mail(b.ID)} {
		if m.State != sale.MailWaiting || m.Attempts != 0 {
			t.Errorf("%+v", m)
		}
	}
	if last := r.told[len(r.told)-1]; !strings.Contains(last.Problem, "usuario o la clave") {
		t.Errorf("told %+v", last)
	}
	r.sender.Password = mailtest.Password
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	told := make(chan mail.Status, 10)
	r.loop.Report = func(s mail.Status) { told <- s }
	r.loop.Wake(false)
	r.loop.Wake(true) // is not lost behind the other
	go func() { done <- r.loop.Run(ctx) }()
	for range 2 {
		if s := <-told; s.Mail.State != sale.MailSent {
			t.Errorf("%+v", s)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What cannot be made into a letter stops, and nothing behind it waits.
func TestALetterThatCannotBeMade(t *testing.T) {
	r := newRig(t)
	bad, good := r.add("a@x.cl"), r.add("b@x.cl")
	send := r.loop.Send
	r.loop.Send = func(ctx context.Context, m sale.Mail) error {
		if m.ID == bad.ID {
			return errors.New("el documento fue rechazado")
		}
		return send(ctx, m)
	}
	r.work(r.now)
	if r.mail(bad.ID).State != sale.MailStopped || r.mail(bad.ID).Problem != "el documento fue rechazado" || r.mail(good.ID).State != sale.MailSent {
		t.Errorf("%+v %+v", r.mail(bad.ID), r.mail(good.ID))
	}
}

// A server that says nothing does not keep the program from ending, and its letter waits as it was.
func TestTheLoopEndsAtOnce(t *testing.T) {
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	r := newRig(t)
	m := r.add("a@x.cl")
	addr, _ := mute.Addr().(*net.TCPAddr)
	r.sender.Port, r.sender.Patience = addr.Port, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.loop.Run(ctx) }()
	conn, err := mute.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := r.mail(m.ID); got.State != sale.MailWaiting || got.Problem != "" || len(r.told) > 0 {
		t.Errorf("%+v", got)
	}
}
