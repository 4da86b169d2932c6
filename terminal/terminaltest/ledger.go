package terminaltest

import (
	"errors"
	"testing"
	"time"

	"mostrador/money"
	"mostrador/terminal"
)

// RunLedger runs the suite of a Ledger. open returns an empty one; reopen, if there is such a thing, the same one after
// the program ended.
func RunLedger(t *testing.T, open func(t *testing.T) (l terminal.Ledger, reopen func() terminal.Ledger)) {
	parts := []struct {
		name string
		run  func(*ledgerPart)
	}{
		{"an intent is unknown until it is settled", begins},
		{"a ref comes back as it stands", comesBack},
		{"one at a time", oneAtATime},
		{"an end is final", final},
		{"the newest charge is the mark", marks},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			l, reopen := open(t)
			if reopen == nil {
				reopen = func() terminal.Ledger { return l }
			}
			p.run(&ledgerPart{T: t, Ledger: l, reopen: reopen})
		})
	}
}

type ledgerPart struct {
	*testing.T
	terminal.Ledger
	reopen func() terminal.Ledger
}

func intent(ref string, amount money.Pesos) terminal.Intent {
	return terminal.Intent{
		Ref: ref, Ticket: terminal.TicketFor(ref), Amount: amount, At: time.Unix(1_800_000_000, 0).UTC(),
		Before: terminal.Mark{Ticket: "ANTES1", Operation: "000007", Authorization: "123456", Amount: 990},
	}
}

func charge(in terminal.Intent, operation string) terminal.Result {
	return terminal.Result{
		State: terminal.Approved, Ticket: in.Ticket, Amount: in.Amount, Operation: operation, Authorization: "654321",
		TerminalID: "T1", Message: "Tarjeta cobrada.",
	}
}

func (p *ledgerPart) begin(in terminal.Intent) {
	p.Helper()
	if e, fresh, err := p.Begin(in); err != nil || !fresh || e.Intent != in || e.Result.State != terminal.Unknown {
		p.Fatalf("begin %s: %+v, %v, %v", in.Ref, e, fresh, err)
	}
}

func (p *ledgerPart) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func begins(p *ledgerPart) {
	if _, ok, err := p.Pending(); ok || err != nil {
		p.Fatalf("an empty ledger has something pending: %v, %v", ok, err)
	}
	in := intent("a", 1000)
	p.begin(in)
	p.Ledger = p.reopen()
	e, ok, err := p.Pending()
	if err != nil || !ok || e.Intent != in || e.Result.State != terminal.Unknown {
		p.Fatalf("pending: %+v, %v, %v", e, ok, err)
	}
	if err := p.Settle("a", terminal.Result{State: terminal.Unknown}); !errors.Is(err, terminal.ErrNotKnown) {
		p.Errorf("unknown is no end: %v", err)
	}
	if err := p.Settle("otro", charge(in, "1")); !errors.Is(err, terminal.ErrNoEntry) {
		p.Errorf("an intent that nobody began: %v", err)
	}
	p.must(p.Settle("a", charge(in, "1")))
	if _, ok, _ := p.Pending(); ok {
		p.Error("it is settled and still pending")
	}
}

func comesBack(p *ledgerPart) {
	in := intent("a", 1000)
	p.begin(in)
	for range 2 {
		e, fresh, err := p.Begin(intent("a", 2000))
		if err != nil || fresh || e.Intent != in {
			p.Fatalf("the same ref: %+v, %v, %v", e, fresh, err)
		}
		p.must(p.Settle("a", charge(in, "1")))
		p.Ledger = p.reopen()
	}
	e, _, err := p.Begin(in)
	if p.must(err); e.Result.State != terminal.Approved || e.Result.Operation != "1" {
		p.Errorf("it does not say how it ended: %+v", e.Result)
	}
}

func oneAtATime(p *ledgerPart) {
	p.begin(intent("a", 1000))
	p.Ledger = p.reopen()
	e, fresh, err := p.Begin(intent("b", 1000))
	if !errors.Is(err, terminal.ErrPending) || fresh || e.Intent.Ref != "a" {
		p.Fatalf("beside a pending one: %+v, %v, %v", e, fresh, err)
	}
	p.must(p.Settle("a", terminal.NotCharged(e.Intent, "No se cobró.")))
	p.begin(intent("b", 1000))
}

func final(p *ledgerPart) {
	in := intent("a", 1000)
	p.begin(in)
	p.must(p.Settle("a", charge(in, "1")))
	p.must(p.Settle("a", charge(in, "2")))
	if err := p.Settle("a", terminal.NotCharged(in, "No se cobró.")); !errors.Is(err, terminal.ErrSettled) {
		p.Errorf("a second end: %v", err)
	}
	p.Ledger = p.reopen()
	e, _, err := p.Begin(in)
	if p.must(err); e.Result.State != terminal.Approved || e.Result.Operation != "1" {
		p.Errorf("the first end is gone: %+v", e.Result)
	}
}

func marks(p *ledgerPart) {
	none, err := p.Mark()
	if p.must(err); !none.IsZero() {
		p.Errorf("an empty ledger has a mark: %+v", none)
	}
	for _, ref := range []string{"a", "b"} {
		in := intent(ref, 1000)
		p.begin(in)
		p.must(p.Settle(ref, charge(in, ref)))
	}
	// What was refused, or read by a person, is in no terminal's memory.
	refused, byHand := intent("c", 1000), intent("d", 1000)
	p.begin(refused)
	p.must(p.Settle("c", terminal.NotCharged(refused, "No se cobró.")))
	p.begin(byHand)
	r := charge(byHand, "99")
	r.TerminalID = ""
	p.must(p.Settle("d", r))
	// A refund is no sale that a terminal would show as its last.
	back := intent("e", 1000)
	back.Back = terminal.Entry{Intent: intent("b", 1000), Result: charge(intent("b", 1000), "b")}.Charged()
	p.begin(back)
	p.must(p.Settle("e", charge(back, "b")))
	p.Ledger = p.reopen()
	if e, _, err := p.Begin(back); err != nil || e.Intent != back || !e.Intent.Refunds() {
		p.Errorf("the refund does not say of what: %+v, %v", e.Intent, err)
	}
	mark, err := p.Mark()
	if want := charge(intent("b", 1000), "b").Mark(); err != nil || mark != want {
		p.Errorf("mark %+v, %v; want %+v", mark, err, want)
	}
}
