package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mostrador/sale"
)

// Queue is the till's letters: the store, or a twin in tests. All methods may be called from any goroutine.
type Queue interface {
	// NextMail returns the waiting letter that may leave first; false when none waits.
	NextMail() (sale.Mail, bool, error)
	// UpdateMail keeps what a try came to. A letter that waits no more stays as it is.
	UpdateMail(m sale.Mail) error
}

// Status is what the loop tells after each try.
type Status struct {
	Mail    sale.Mail // the letter it is about
	Problem string    // what keeps all letters from leaving; empty when all is well
}

// Config is what a Loop works with. All but Report are needed.
type Config struct {
	Queue Queue
	// Send tries a letter once; its error is a *SendError, or else the letter cannot be made.
	Send func(ctx context.Context, m sale.Mail) error
	Now  func() time.Time
	// After is time.After; tests turn the clock themselves.
	After func(time.Duration) <-chan time.Time
	// Report, if set, is called from Run's goroutine. It must not block.
	Report func(Status)
}

// How long and how often: the pauses of one letter double up to the longest, and so do those of a line that is down. A
// server that refuses the account is asked once an hour, lest it lock the account.
const (
	firstPause = time.Minute
	lastPause  = time.Hour
	firstProbe = 30 * time.Second
	lastProbe  = 5 * time.Minute
	setupPause = time.Hour

	mostAttempts = 24
	mostDoubts   = 3
)

// Loop empties the queue, one letter after the other.
type Loop struct {
	Config
	wake  chan bool
	hold  time.Time     // nothing is tried before
	probe time.Duration // the pause of the line
}

// NewLoop makes a loop; Run starts it.
func NewLoop(c Config) *Loop { return &Loop{Config: c, wake: make(chan bool, 1)} }

// Wake makes the loop look at the queue; with anew also if it waits for the line or for another account. It never blocks and
// may be called from any goroutine.
func (l *Loop) Wake(anew bool) {
	select {
	case l.wake <- anew:
	default:
		if anew { // it must not be lost behind one that means less
			select {
			case <-l.wake:
			default:
			}
			l.Wake(anew)
		}
	}
}

// Run sends until ctx ends, and then returns nil. Call it once.
func (l *Loop) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		var until <-chan time.Time
		next := l.Step(ctx)
		if !next.IsZero() {
			wait := next.Sub(l.Now())
			if wait <= 0 {
				continue
			}
			until = l.After(wait)
		}
		select {
		case <-ctx.Done():
		case anew := <-l.wake:
			if anew {
				l.hold, l.probe = time.Time{}, 0
			}
		case <-until:
		}
	}
	return nil
}

// Step tries one letter, if one may leave. It returns when to look again; zero: when there is something new.
func (l *Loop) Step(ctx context.Context) time.Time {
	m, ok, err := l.Queue.NextMail()
	switch {
	case err != nil:
		return l.pause("no se puede leer la cola de correos: " + err.Error())
	case !ok:
		return time.Time{}
	case l.Now().Before(l.hold):
		return l.hold
	case l.Now().Before(m.Next):
		return m.Next
	}
	fault := l.Send(ctx, m)
	if ctx.Err() != nil {
		return time.Time{} // the program ends; the letter waits
	}
	problem := l.judge(&m, fault)
	if err := l.Queue.UpdateMail(m); err != nil {
		return l.pause("no se pudo anotar el correo: " + err.Error())
	}
	l.report(Status{m, problem})
	return l.Now()
}

// judge writes into the letter what a try came to, and returns what keeps all letters from leaving.
func (l *Loop) judge(m *sale.Mail, err error) (problem string) {
	var f *SendError
	switch {
	case err == nil:
		f = nil
	case !errors.As(err, &f):
		f = &SendError{Refused, err.Error(), err}
	}
	m.Problem = ""
	if f != nil {
		m.Problem = f.Words
	}
	switch {
	case f == nil || f.Kind == Known:
		m.State, m.Sent = sale.MailSent, l.Now()
	case f.Kind == Line:
		l.pause("")
		return f.Words
	case f.Kind == Setup:
		l.hold = l.Now().Add(setupPause)
		return f.Words
	case f.Kind == Later:
		m.Attempts++
		l.again(m, m.Attempts, mostAttempts, "")
	case f.Kind == Doubt:
		m.Doubts++
		l.again(m, m.Doubts, mostDoubts, " Pregunte al cliente si lo recibió antes de enviarlo otra vez")
	default:
		m.State = sale.MailStopped
	}
	l.hold, l.probe = time.Time{}, 0 // a server that answers is there
	return ""
}

// again puts a letter off, or stops it after too many tries.
func (l *Loop) again(m *sale.Mail, tries, most int, advice string) {
	if tries >= most {
		m.State = sale.MailStopped
		m.Problem = fmt.Sprintf("se intentó %d veces y no se pudo: %s.%s", tries, m.Problem, advice)
		return
	}
	m.Next = l.Now().Add(min(firstPause<<min(tries-1, 10), lastPause))
}

// pause puts everything off, and longer each time.
func (l *Loop) pause(problem string) time.Time {
	l.probe = min(max(2*l.probe, firstProbe), lastProbe)
	l.hold = l.Now().Add(l.probe)
	if problem != "" {
		l.report(Status{Problem: problem})
	}
	return l.hold
}

func (l *Loop) report(s Status) {
	if l.Report != nil {
		l.Report(s)
	}
}
