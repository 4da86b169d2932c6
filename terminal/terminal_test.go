package terminal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mostrador/money"
	"mostrador/terminal"
	"mostrador/terminal/terminaltest"
)

func TestMemoryConforms(t *testing.T) {
	terminaltest.RunLedger(t, func(*testing.T) (terminal.Ledger, func() terminal.Ledger) { return &terminal.Memory{}, nil })
}

// What a terminal remembers proves a charge, or proves that there was none, or proves nothing.
func TestJudge(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before := terminal.Result{
		State: terminal.Approved, Ticket: "ANTES1", Amount: 990, Operation: "000140", Authorization: "111111",
		TerminalID: "T1", At: at.Add(-time.Hour),
	}
	ours := terminal.Result{
		State: terminal.Approved, Ticket: "NUESTR", Amount: 1990, Operation: "000141", Authorization: "222222",
		TerminalID: "T1", At: at.Add(time.Minute),
	}
	in := terminal.Intent{Ref: "r", Ticket: "NUESTR", Amount: 1990, At: at, Before: before.Mark()}
	with := func(r terminal.Result, change func(*terminal.Result)) terminal.Result {
		change(&r)
		return r
	}
	fresh := in
	fresh.Before = terminal.Mark{}
	for _, c := range []struct {
		name string
		in   terminal.Intent
		last terminal.Result
		want terminal.State
	}{
		{"ours", in, ours, terminal.Approved},
		{"ours, on the first day", fresh, ours, terminal.Approved},
		{"ours, from a terminal that does not say when", in, with(ours, func(r *terminal.Result) { r.At = time.Time{} }), terminal.Approved},
		{"the one before", in, before, terminal.Cancelled},
		{"the one before, but who knows it", fresh, before, terminal.Unknown},
		{"as the one before, with another code", in, with(before, func(r *terminal.Result) { r.Authorization = "333333" }), terminal.Unknown},
		{"as the one before, with another number", in, with(before, func(r *terminal.Result) { r.Operation = "000150" }), terminal.Unknown},
		{"somebody else's, older", in, with(before, func(r *terminal.Result) { r.Ticket = "OTRO01" }), terminal.Unknown},
		{"somebody else's, newer", in, with(ours, func(r *terminal.Result) { r.Ticket = "OTRO01" }), terminal.Unknown},
		{"ours with another amount", in, with(ours, func(r *terminal.Result) { r.Amount = 1991 }), terminal.Unknown},
		{"ours of another year", in, with(ours, func(r *terminal.Result) { r.At = at.AddDate(-1, 0, 0) }), terminal.Unknown},
		{"none", in, terminal.Result{}, terminal.Unknown},
		{"none, on the first day", fresh, terminal.Result{}, terminal.Unknown},
	} {
		if r := terminal.Judge(c.in, c.last); r.State != c.want || r.Message == "" {
			t.Errorf("%s: %s (%s), want %s", c.name, r.State, r.Message, c.want)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"4539578763621486":                         "************1486",
		"TARJETA 4539 5787 6362 1486 B-VI":         "TARJETA **** **** **** 1486 B-VI",
		"4539-5787-6362-1486":                      "****-****-****-1486",
		"453957******1486":                         "************1486",
		";4539578763621486=25121010000000000000?":  ";************1486=****************0000?",
		"676770000006":                             "********0006",
		"3000000000000000000":                      "***************0000",
		"****6590 B-VI":                            "****6590 B-VI",
		"06/04/2026      23:41:09":                 "06/04/2026      23:41:09",
		"OPERACION: 000141   AUTORIZACION: 794160": "OPERACION: 000141   AUTORIZACION: 794160",
		"597000000123-SIM00001":                    "597000000123-SIM00001",
		"598000000123-SIM00001":                    "********0123-SIM00001",
		"TOTAL: $1.234.567":                        "TOTAL: $1.234.567",
		"":                                         "",
	} {
		if got := terminal.Redact(in, "597000000123"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// gone is a terminal that must not be asked.
type gone struct{ terminal.Terminal }

// A ledger that cannot store keeps the terminal from being asked; one that cannot store the end makes the next try ask.
func TestDeskStoresFirst(t *testing.T) {
	broken := &ledger{Memory: &terminal.Memory{}, begin: errors.New("disk full")}
	d := &terminal.Desk{Terminal: gone{}, Ledger: broken, Now: time.Now}
	r, err := d.Charge(t.Context(), "a", 1000)
	if !errors.Is(err, broken.begin) || r.State != terminal.Cancelled || !strings.Contains(r.Message, "no fue cobrada") {
		t.Fatalf("%+v, %v", r, err)
	}

	asked := 0
	half := &ledger{Memory: &terminal.Memory{}, settle: errors.New("disk full")}
	c := newCashier()
	d = &terminal.Desk{Ledger: half, Now: time.Now, Terminal: terminal.Manual{Ask: func(ctx context.Context, q terminal.Question) (terminal.Answer, error) {
		asked++
		if _, pending, _ := half.Pending(); !pending {
			t.Error("the terminal was asked before the intent was stored")
		}
		return c.ask(ctx, q)
	}}}
	r, err = d.Charge(t.Context(), "a", 1000)
	if !errors.Is(err, half.settle) || r.State != terminal.Approved {
		t.Fatalf("%+v, %v", r, err)
	}
	half.settle = nil
	r, err = d.Charge(t.Context(), "a", 1000)
	if err != nil || r.State != terminal.Approved || c.charged[terminal.TicketFor("a")] != 1 || asked != 2 {
		t.Errorf("%s, %v; charged %d times, asked %d", r.State, err, c.charged[terminal.TicketFor("a")], asked)
	}
}

type ledger struct {
	*terminal.Memory
	begin, settle error
}

func (l *ledger) Begin(in terminal.Intent) (terminal.Entry, bool, error) {
	if l.begin != nil {
		return terminal.Entry{}, false, l.begin
	}
	return l.Memory.Begin(in)
}

func (l *ledger) Settle(ref string, r terminal.Result) error {
	if l.settle != nil {
		return l.settle
	}
	return l.Memory.Settle(ref, r)
}

func TestDeskRefusesAmounts(t *testing.T) {
	d := &terminal.Desk{Terminal: gone{}, Ledger: &terminal.Memory{}, Now: time.Now}
	for _, c := range []struct {
		ref    string
		amount money.Pesos
	}{{"a", 0}, {"a", -5}, {"a", terminal.MaxAmount + 1}, {"", 1000}} {
		r, err := d.Charge(t.Context(), c.ref, c.amount)
		if !errors.Is(err, terminal.ErrAmount) || r.State != terminal.Cancelled {
			t.Errorf("%v was taken: %+v, %v", c, r, err)
		}
	}
}

// A charge whose end is known is not asked about again, and its ref is for no other amount.
func TestAKnownChargeAsksNobody(t *testing.T) {
	c := newCashier()
	d := &terminal.Desk{Terminal: terminal.Manual{Ask: c.ask}, Ledger: &terminal.Memory{}, Now: time.Now}
	first, err := d.Charge(t.Context(), "a", 1000)
	if err != nil || first.State != terminal.Approved {
		t.Fatalf("%+v, %v", first, err)
	}
	d.Terminal = gone{} // whoever asks it now falls over
	again, err := d.Charge(t.Context(), "a", 1000)
	if err != nil || again.State != terminal.Approved || again.Operation != first.Operation {
		t.Errorf("again: %+v, %v", again, err)
	}
	if r, err := d.Charge(t.Context(), "a", 2000); !errors.Is(err, terminal.ErrAmount) || r.Amount != 1000 {
		t.Errorf("another amount: %+v, %v", r, err)
	}
}

// A person may end what no terminal can answer, with a name and a reason, and once.
func TestDeclare(t *testing.T) {
	c := newCashier()
	c.next = terminaltest.PaysUnheard
	d := &terminal.Desk{Terminal: terminal.Manual{Ask: c.ask}, Ledger: &terminal.Memory{}, Now: time.Now}
	if _, err := d.Declare(terminal.Result{State: terminal.Approved, By: "Ana", Reason: "voucher"}); !errors.Is(err, terminal.ErrNothingPending) {
		t.Errorf("nothing is pending: %v", err)
	}
	if r, err := d.Charge(t.Context(), "a", 1000); err != nil || r.State != terminal.Unknown {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, r := range []terminal.Result{
		{State: terminal.Unknown, By: "Ana", Reason: "no sé"},
		{State: terminal.Approved, By: " ", Reason: "voucher"},
		{State: terminal.Approved, By: "Ana"},
		{State: terminal.Approved, By: "Ana", Reason: "pagó con 4539578763621486"},
		{State: terminal.Approved, By: "Ana", Reason: "voucher", Operation: "4539578763621486"},
	} {
		if got, err := d.Declare(r); !errors.Is(err, terminal.ErrDeclaration) || got.State != terminal.Unknown {
			t.Errorf("%+v was taken: %v", r, err)
		}
	}
	r, err := d.Declare(terminal.Result{State: terminal.Approved, By: "Ana", Reason: "vi el comprobante", Operation: "000141"})
	if err != nil || r.State != terminal.Approved || r.Amount != 1000 || r.By != "Ana" || !strings.Contains(r.Message, "Ana") {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := d.Charge(t.Context(), "a", 1000); err != nil || again.Operation != "000141" || c.charged[terminal.TicketFor("a")] != 1 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestTicketFor(t *testing.T) {
	a, b := terminal.TicketFor("a"), terminal.TicketFor("b")
	if a == b || a != terminal.TicketFor("a") || len(a) != terminal.TicketLen || strings.Trim(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("tickets %q and %q", a, b)
	}
}
