// Package terminaltest holds the conformance suites of package terminal: every Terminal passes RunTerminal, every Ledger
// RunLedger.
package terminaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mostrador/money"
	"mostrador/terminal"
)

// Outcome is what the customer does, or what befalls the terminal, at the next charge or refund.
type Outcome int

// The outcomes. The till is told of the first three; of the others it is told nothing before it asks.
const (
	Pays Outcome = iota
	IsDeclined
	GivesUp
	PaysUnheard
	LeavesUnheard
)

// Bench is a terminal under test and what the suite does to it from outside.
type Bench struct {
	terminal.Terminal
	// Now is the clock of the bubble.
	Now func() time.Time
	// Next says what happens at the next charge. It has answered no question before.
	Next func(Outcome)
	// Charged is how often a ticket was charged, in truth.
	Charged func(ticket string) int
	// Refunded is how often the charge of a ticket was given back, in truth.
	Refunded func(ticket string) int
	// Card is the number of the card that is passed: it must never come out. Empty if the terminal knows none.
	Card string
}

// RunTerminal runs the suite. Each part has a terminal of its own, in a bubble of package synctest, where waits cost
// nothing. open may use t.Cleanup.
func RunTerminal(t *testing.T, open func(t *testing.T) Bench) {
	parts := []struct {
		name string
		run  func(*part)
	}{
		{"an approved charge says how to find it", approved},
		{"a refusal is not charged", refused},
		{"what nobody heard is found out", foundOut},
		{"a charge that never was is found out", neverWas},
		{"a ref is charged once", once},
		{"nobody charges beside an unknown one", noneBeside},
		{"another desk on the same ledger goes on", otherDesk},
		{"who gives up before it begins has charged nothing", endedBefore},
		{"a charge is given back once", givenBack},
		{"a refund that nobody heard is found out", foundOutBack},
		{"a refund that never was is found out", neverGivenBack},
		{"nobody charges or refunds beside an unknown refund", noneBesideARefund},
		{"who gives up before a refund begins gave nothing back", endedBeforeRefund},
		{"the day is closed", dayClosed},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger := &terminal.Memory{}
				bench := open(t)
				x := &part{T: t, Bench: bench, desk: &terminal.Desk{Terminal: bench.Terminal, Ledger: ledger, Now: bench.Now}}
				p.run(x)
			})
		})
	}
}

type part struct {
	*testing.T
	Bench
	desk *terminal.Desk
}

// Charge is the desk's.
func (p *part) Charge(ref string, amount money.Pesos) terminal.Result {
	p.Helper()
	r, err := p.desk.Charge(p.Context(), ref, amount)
	if err != nil {
		p.Fatalf("charge %s: %v", ref, err)
	}
	p.fit(r)
	return r
}

// settled resolves until it is known; a few minutes are enough for every terminal.
func (p *part) settled() terminal.Result {
	p.Helper()
	for range 10 {
		r, err := p.desk.Resolve(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		p.fit(r)
		if r.State.Known() {
			return r
		}
		<-time.After(time.Minute)
	}
	p.Fatal("still unknown after ten minutes")
	return terminal.Result{}
}

// fit is what every result promises.
func (p *part) fit(r terminal.Result) {
	p.Helper()
	if r.Message == "" || r.State == "" {
		p.Errorf("a result without words or state: %+v", r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		p.Fatal(err)
	}
	if p.Card != "" && strings.Contains(string(b)+fmt.Sprintf("%+v", r), p.Card[:len(p.Card)-4]) {
		p.Errorf("the card number is in the result")
	}
}

func (p *part) want(r terminal.Result, s terminal.State, ticket string, charged int) {
	p.Helper()
	if r.State != s || p.Charged(ticket) != charged {
		p.Fatalf("%s, charged %d times; want %s and %d: %s", r.State, p.Charged(ticket), s, charged, r.Message)
	}
}

func approved(p *part) {
	p.Next(Pays)
	r := p.Charge("venta-1", 12_990)
	p.want(r, terminal.Approved, terminal.TicketFor("venta-1"), 1)
	if r.Amount != 12_990 || r.Ticket != terminal.TicketFor("venta-1") || r.Operation == "" && r.Authorization == "" {
		p.Errorf("it cannot be found: %+v", r)
	}
	if len(r.Last4) > 4 {
		p.Errorf("last four digits %q", r.Last4)
	}
}

func refused(p *part) {
	for i, o := range []struct {
		Outcome
		terminal.State
	}{{IsDeclined, terminal.Declined}, {GivesUp, terminal.Cancelled}} {
		ref := fmt.Sprint("venta-", i)
		p.Next(o.Outcome)
		p.want(p.Charge(ref, 1000), o.State, terminal.TicketFor(ref), 0)
	}
	p.Next(Pays)
	p.want(p.Charge("venta-9", 1000), terminal.Approved, terminal.TicketFor("venta-9"), 1)
}

func foundOut(p *part) {
	p.Next(PaysUnheard)
	p.want(p.Charge("venta-1", 4590), terminal.Unknown, terminal.TicketFor("venta-1"), 1)
	r := p.settled()
	p.want(r, terminal.Approved, terminal.TicketFor("venta-1"), 1)
	if r.Amount != 4590 || r.Operation == "" && r.Authorization == "" {
		p.Errorf("it cannot be found: %+v", r)
	}
}

func neverWas(p *part) {
	p.Next(Pays)
	p.Charge("venta-0", 500)
	p.Next(LeavesUnheard)
	p.want(p.Charge("venta-1", 4590), terminal.Unknown, terminal.TicketFor("venta-1"), 0)
	if r := p.settled(); r.State == terminal.Approved {
		p.Fatalf("charged, it says: %+v", r)
	}
	p.Next(Pays)
	p.want(p.Charge("venta-2", 4590), terminal.Approved, terminal.TicketFor("venta-2"), 1)
}

func once(p *part) {
	p.Next(Pays)
	first := p.Charge("venta-1", 2000)
	p.Next(Pays)
	again := p.Charge("venta-1", 2000)
	p.want(again, terminal.Approved, terminal.TicketFor("venta-1"), 1)
	if again.Operation != first.Operation || again.Authorization != first.Authorization {
		p.Errorf("the second call returned another charge: %+v", again)
	}
	if _, err := p.desk.Charge(p.Context(), "venta-1", 2001); !errors.Is(err, terminal.ErrAmount) {
		p.Errorf("the same ref with another amount: %v", err)
	}
	p.Next(PaysUnheard)
	p.Charge("venta-2", 3000)
	for range 10 {
		if p.Charge("venta-2", 3000).State.Known() {
			break
		}
		<-time.After(time.Minute)
	}
	p.want(p.Charge("venta-2", 3000), terminal.Approved, terminal.TicketFor("venta-2"), 1)
}

func noneBeside(p *part) {
	p.Next(PaysUnheard)
	p.Charge("venta-1", 2000)
	r, err := p.desk.Charge(p.Context(), "venta-2", 2000)
	if !errors.Is(err, terminal.ErrPending) || r.State != terminal.Unknown {
		p.Fatalf("beside an unknown one: %s, %v", r.State, err)
	}
	p.want(r, terminal.Unknown, terminal.TicketFor("venta-2"), 0)
	p.settled()
	p.Next(Pays)
	p.want(p.Charge("venta-2", 2000), terminal.Approved, terminal.TicketFor("venta-2"), 1)
}

func otherDesk(p *part) {
	p.Next(PaysUnheard)
	p.Charge("venta-1", 2000)
	desk := *p.desk
	p.desk = &desk
	p.want(p.settled(), terminal.Approved, terminal.TicketFor("venta-1"), 1)
	if _, err := p.desk.Resolve(p.Context()); !errors.Is(err, terminal.ErrNothingPending) {
		p.Errorf("nothing is pending: %v", err)
	}
}

func endedBefore(p *part) {
	p.Next(Pays)
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	in := terminal.Intent{Ref: "venta-1", Ticket: terminal.TicketFor("venta-1"), Amount: 700, At: p.Now()}
	r := p.Terminal.Charge(ctx, in)
	p.fit(r)
	p.want(r, terminal.Cancelled, in.Ticket, 0)
}

// paid is an approved charge, to be given back.
func (p *part) paid(ref string) terminal.Charged {
	p.Helper()
	p.Next(Pays)
	r := p.Charge(ref, 2000)
	p.want(r, terminal.Approved, terminal.TicketFor(ref), 1)
	e, fresh, err := p.desk.Ledger.Begin(terminal.Intent{Ref: ref})
	if err != nil || fresh {
		p.Fatalf("the charge is not in the ledger: %v", err)
	}
	return e.Charged()
}

func (p *part) refund(ref string, of terminal.Charged) terminal.Result {
	p.Helper()
	r, err := p.desk.Refund(p.Context(), ref, of, of.Amount)
	if err != nil {
		p.Fatalf("refund %s: %v", ref, err)
	}
	p.fit(r)
	return r
}

func (p *part) wantBack(r terminal.Result, s terminal.State, refunded int) {
	p.Helper()
	if n := p.Refunded(terminal.TicketFor("venta-1")); r.State != s || n != refunded {
		p.Fatalf("%s, given back %d times; want %s and %d: %s", r.State, n, s, refunded, r.Message)
	}
}

func givenBack(p *part) {
	of := p.paid("venta-1")
	p.Next(Pays)
	r := p.refund("dev-r1", of)
	p.wantBack(r, terminal.Approved, 1)
	if r.Operation == "" && r.Authorization == "" || r.Amount != 2000 {
		p.Errorf("it cannot be found: %+v", r)
	}
	p.Next(Pays)
	p.wantBack(p.refund("dev-r1", of), terminal.Approved, 1)
	if _, err := p.desk.Refund(p.Context(), "dev-r2", of, 2001); !errors.Is(err, terminal.ErrAmount) {
		p.Errorf("more than was charged: %v", err)
	}
}

func foundOutBack(p *part) {
	of := p.paid("venta-1")
	p.Next(PaysUnheard)
	p.wantBack(p.refund("dev-r1", of), terminal.Unknown, 1)
	r := p.settled()
	p.wantBack(r, terminal.Approved, 1)
	if strings.Contains(r.Message, "cobrada") {
		p.Errorf("the words of a charge: %s", r.Message)
	}
}

// Asking may give back what was not given back: it was wanted. It is never said not to be given back if it was.
func neverGivenBack(p *part) {
	of := p.paid("venta-1")
	p.Next(LeavesUnheard)
	p.wantBack(p.refund("dev-r1", of), terminal.Unknown, 0)
	r := p.settled()
	if n := p.Refunded(terminal.TicketFor("venta-1")); (r.State == terminal.Approved) != (n == 1) {
		p.Fatalf("%s, given back %d times: %s", r.State, n, r.Message)
	}
}

func noneBesideARefund(p *part) {
	of := p.paid("venta-1")
	p.Next(PaysUnheard)
	p.wantBack(p.refund("dev-r1", of), terminal.Unknown, 1)
	if _, err := p.desk.Charge(p.Context(), "venta-2", 2000); !errors.Is(err, terminal.ErrPending) {
		p.Errorf("a charge beside an unknown refund: %v", err)
	}
	if _, err := p.desk.Refund(p.Context(), "dev-r2", of, of.Amount); !errors.Is(err, terminal.ErrPending) {
		p.Errorf("another refund beside it: %v", err)
	}
	p.wantBack(p.settled(), terminal.Approved, 1)
}

func endedBeforeRefund(p *part) {
	of := p.paid("venta-1")
	p.Next(Pays)
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	r, err := p.desk.Refund(ctx, "dev-r1", of, of.Amount)
	if err != nil {
		p.Fatal(err)
	}
	p.fit(r)
	p.wantBack(r, terminal.Cancelled, 0)
}

func dayClosed(p *part) {
	p.Next(Pays)
	p.Charge("venta-1", 2000)
	for range 2 {
		if err := p.CloseDay(p.Context()); err != nil {
			p.Fatal(err)
		}
	}
}
