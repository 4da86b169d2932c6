package saletest

import (
	"crypto/rand"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// RunCards is the suite of what a Journal keeps of card terminals, beside terminaltest.RunLedger.
func RunCards(t *testing.T, open Open) {
	run(t, stocked(open, 20, dte.Boleta, dte.NotaCredito), []piece[*part]{
		{"the charges of a sale, in their order", listsCharges},
		{"a charge is released once, by somebody", releasesCharge},
		{"a return waits for the terminal until its note", keepsReturns},
		{"a return by the terminal, and its crash", givesBackByTerminal},
		{"an exchange for less by the terminal", swapsByTerminal},
	})
}

func (p *part) charge(ref string, amount money.Pesos, state terminal.State) {
	p.Helper()
	in := terminal.Intent{Ref: ref, Ticket: terminal.TicketFor(ref), Amount: amount, At: Now}
	_, fresh, err := p.j.Charges().Begin(in)
	p.wantErr("Begin", err, nil)
	p.want("fresh", fresh, true)
	if state.Known() {
		p.wantErr("Settle", p.j.Charges().Settle(ref, terminal.Result{State: state, Amount: amount, Operation: "000141", Message: "x"}), nil)
	}
}

func listsCharges(p *part) {
	var want []string
	for _, ref := range []string{"a-1", "a-2", "b-1", "ab-1", "a-3", "a-4", "a-5", "a-6", "a-7", "a-8", "a-9", "a-10"} {
		p.charge(ref, 1000, terminal.Declined)
		if ref[:2] == "a-" {
			want = append(want, ref)
		}
	}
	p.charge("a-11", 500, terminal.Unknown)
	list, err := p.j.CardCharges("a")
	p.wantErr("CardCharges", err, nil)
	var got []string
	for _, c := range list {
		got = append(got, c.Intent.Ref)
	}
	p.want("charges", got, append(want, "a-11"))
	p.want("the last one", list[len(list)-1].Result.State, terminal.Unknown)
	none, err := p.j.CardCharges("c")
	p.want("of a sale without charges", []any{len(none), err}, []any{0, error(nil)})
}

func releasesCharge(p *part) {
	p.charge("a-1", 1000, terminal.Approved)
	p.charge("a-2", 1000, terminal.Declined)
	p.wantErr("an unknown one", p.j.ReleaseCharge("b-1", Now, "Rosa: se fue"), terminal.ErrNoEntry)
	p.wantErr("one that paid nothing", p.j.ReleaseCharge("a-2", Now, "Rosa: se fue"), sale.ErrCard)
	p.want("without a reason is refused", p.j.ReleaseCharge("a-1", Now, " ") != nil, true)
	p.want("with a card's number is refused", p.j.ReleaseCharge("a-1", Now, "4539578763621486") != nil, true)
	p.wantErr("released", p.j.ReleaseCharge("a-1", Now, "Rosa: se fue"), nil)
	p.wantErr("again", p.j.ReleaseCharge("a-1", Now, "Luis: otra vez"), nil)
	list, err := p.j.CardCharges("a")
	p.wantErr("CardCharges", err, nil)
	p.want("why", []string{list[0].Released, list[1].Released}, []string{"Rosa: se fue", ""})
}

func keepsReturns(p *part) {
	key := dte.Key{Emisor: Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: 1}
	first := sale.Return{ID: "a", At: Now.UTC(), Reason: "roto", Lines: []sale.ReturnedLine{{Of: key, Line: 1, Qty: money.One}}, Approved: "Rosa", Means: sale.InCash}
	second := first
	second.ID, second.At = "b", first.At.Add(-time.Hour)
	for _, back := range []sale.Return{first, second, first} {
		p.wantErr("KeepReturn", p.j.KeepReturn(back), nil)
	}
	open := func(want ...sale.Return) {
		p.Helper()
		list, err := p.j.OpenReturns()
		p.wantErr("OpenReturns", err, nil)
		p.want("open", append([]sale.Return{}, list...), append([]sale.Return{}, want...))
	}
	open(second, first)
	p.wantErr("DropReturn", p.j.DropReturn("b"), nil)
	open(first)
	p.issue("a", dte.NotaCredito, 1000)
	open()
	for _, bad := range []sale.Return{{}, {ID: "x", At: Now}, {At: Now, Lines: first.Lines}, {ID: "x", Lines: first.Lines}} {
		p.want("one that cannot be finished is refused", p.j.KeepReturn(bad) != nil, true)
	}
}

// cards is a counter with a terminal on the journal.
type cards struct {
	*part
	deps sale.Deps
	r    *sale.Register
}

func withCards(p *part) *cards {
	c := &cards{part: p, deps: sale.Deps{
		Shop: Shop(), Journal: p.j, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now, Rand: rand.Reader, Terminal: true,
		Catalogue: sale.NewCatalogue([]sale.Product{
			{Codigo: "A", Nombre: "Polera", Prc: money.PerUnit(10_000)}, {Codigo: "C", Nombre: "Calcetín", Prc: money.PerUnit(2_990)},
		}),
	}}
	c.restart()
	return c
}

// restart is the till after a power cut.
func (c *cards) restart() {
	c.Helper()
	var err error
	c.r, err = sale.NewRegister(c.deps)
	c.wantErr("NewRegister", err, nil)
}

// sells an A, paid by a card on the terminal and the rest in cash.
func (c *cards) sells(byCard money.Pesos) sale.Record {
	c.Helper()
	c.r.Next()
	_, err := c.r.Scan("A")
	c.wantErr("Scan", err, nil)
	c.wantErr("Charge", c.r.Charge(), nil)
	ref, ask, err := c.r.BeginCard(sale.Credito, byCard)
	c.wantErr("BeginCard", err, nil)
	c.charge(ref, ask, terminal.Approved)
	c.wantErr("TakeCards", c.r.TakeCards(), nil)
	if byCard > 0 {
		c.wantErr("Tender", c.r.Tender(sale.Efectivo, 0, ""), nil)
	}
	r, err := c.r.Issue()
	c.wantErr("Issue", err, nil)
	return r
}

// gives has the terminal end a refund as if it had been asked.
func (c *cards) gives(ask sale.CardBack, r terminal.Result) {
	c.Helper()
	in := terminal.Intent{Ref: ask.Ref, Amount: ask.Amount, At: Now, Back: ask.Of}
	_, _, err := c.j.Charges().Begin(in)
	c.wantErr("Begin", err, nil)
	if r.State.Known() {
		c.wantErr("Settle", c.j.Charges().Settle(ask.Ref, r), nil)
	}
}

func givesBackByTerminal(p *part) {
	c := withCards(p)
	sold := c.sells(0)
	_, back, err := c.r.OpenReturn(sold.Key)
	c.wantErr("OpenReturn", err, nil)
	back.Reason, back.Lines = "no le gustó", []sale.ReturnedLine{{Of: sold.Key, Line: 1, Qty: money.One}}
	_, err = c.r.TakeBack(back)
	c.wantErr("a note before the terminal gave anything", err, sale.ErrCardBack)

	ask, ok, err := c.r.BeginRefund(back)
	c.want("the whole charge is asked for", []any{ask.Amount, ask.Of.Ref, ask.Of.Operation, ok, err}, []any{money.Pesos(10_000), sold.Payment.Tenders[0].Charge, "000141", true, error(nil)})
	c.gives(ask, terminal.NotCharged(terminal.Intent{}, "El terminal no responde."))
	open, err := c.r.OpenReturns()
	c.want("what the terminal gave nothing for is forgotten", []any{len(open), err}, []any{0, error(nil)})

	again, _, err := c.r.BeginRefund(back)
	c.want("a second try has another name", []any{again.Ref == ask.Ref, err}, []any{false, error(nil)})
	c.gives(again, terminal.Result{State: terminal.Unknown})
	_, err = c.r.TakeBack(back)
	c.wantErr("a note in doubt", err, sale.ErrCardBack)
	back.Means = sale.InCash
	_, err = c.r.TakeBack(back)
	c.wantErr("cash in doubt", err, sale.ErrCardBack)
	_, _, err = c.r.BeginRefund(back)
	c.wantErr("another refund in doubt", err, sale.ErrCardBack)

	c.restart() // and it is known: it gave the money back
	c.wantErr("Settle", c.j.Charges().Settle(again.Ref, terminal.Result{State: terminal.Approved, Operation: "000141", Authorization: "700001"}), nil)
	open, err = c.r.OpenReturns()
	if err != nil || len(open) != 1 || open[0].ID != back.ID {
		c.Fatalf("after the crash: %+v, %v", open, err)
	}
	_, resumed, err := c.r.OpenReturn(sold.Key)
	c.want("the return is the same one", []any{resumed.ID, resumed.Reason, resumed.Lines, err}, []any{back.ID, back.Reason, back.Lines, error(nil)})
	inCash := resumed
	inCash.Means = sale.InCash
	_, err = c.r.TakeBack(inCash)
	c.want("the money does not go back twice", err != nil, true)
	_, ok, err = c.r.BeginRefund(resumed)
	c.want("nothing is left to ask for", []any{ok, err}, []any{false, error(nil)})
	note, err := c.r.TakeBack(resumed)
	if err != nil || len(note.Payment.Tenders) != 1 {
		c.Fatalf("TakeBack: %+v, %v", note.Payment, err)
	}
	t := note.Payment.Tenders[0]
	c.want("how it was given back", []any{t.Method, t.Amount, t.Charge, t.Refund, t.Reference, t.Authorization},
		[]any{sale.Credito, money.Pesos(10_000), sold.Payment.Tenders[0].Charge, again.Ref, "000141", "700001"})
	open, err = c.j.OpenReturns()
	c.want("nothing waits", []any{len(open), err}, []any{0, error(nil)})
}

func swapsByTerminal(p *part) {
	c := withCards(p)
	sold := c.sells(4_000) // and 6.000 in cash
	c.r.Next()
	c.wantErr("BeginExchange", c.r.BeginExchange(sale.Return{Reason: "talla", Lines: []sale.ReturnedLine{{Of: sold.Key, Line: 1, Qty: money.One}}}), nil)
	_, err := c.r.Scan("C")
	c.wantErr("Scan", err, nil)
	c.wantErr("settled before the terminal gave anything", c.r.SettleExchange(false, sale.ByTerminal), sale.ErrCardBack)
	c.want("it goes on", c.r.Snapshot().Stage, sale.Selling)

	ask, ok, err := c.r.BeginExchangeRefund(false, sale.ByTerminal)
	c.want("the charge is asked for", []any{ask.Amount, ask.Of.Ref, ok, err}, []any{money.Pesos(4_000), sold.Payment.Tenders[0].Charge, true, error(nil)})
	c.gives(ask, terminal.Result{State: terminal.Approved, Operation: "000141", Authorization: "700001"})
	c.restart()
	_, err = c.r.Scan("C")
	c.want("it cannot be changed any more", err != nil, true)
	c.want("nor emptied", c.r.Void("se fue") != nil, true)
	_, ok, err = c.r.BeginExchangeRefund(false, sale.ByTerminal)
	c.want("nothing is left to ask for", []any{ok, err}, []any{false, error(nil)})
	c.wantErr("SettleExchange", c.r.SettleExchange(false, sale.ByTerminal), nil)
	note := *c.r.Snapshot().Last
	var got []any
	for _, t := range note.Payment.Tenders {
		got = append(got, t.Method, t.Amount, t.Refund, t.Authorization)
	}
	c.want("the difference", got, []any{sale.Credito, money.Pesos(4_000), ask.Ref, "700001", sale.Efectivo, money.Pesos(3_010), "", ""})
}
