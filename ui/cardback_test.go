package ui

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/terminal"
	"mostrador/terminal/possim"
)

var (
	back          = terminal.Result{State: terminal.Approved, Operation: "000141", Authorization: "700001", Message: "Cobro anulado: el dinero vuelve a la tarjeta."}
	notBack       = terminal.Result{State: terminal.Cancelled, Message: "El terminal sólo anula cobros del mismo día. El cobro sigue en pie."}
	backUnheard   = terminal.Result{State: terminal.Unknown, Message: "No sabemos si el dinero volvió a la tarjeta. No lo devuelva de otra manera: consulte el terminal. Se cortó el cable."}
	soldByCredit  = terminal.Result{State: terminal.Approved, Operation: "000141", Card: terminal.Credit, Message: "Tarjeta cobrada. Siga con el documento."}
	wholeOfItBack = []sale.Method{sale.Credito}
)

// withRefunds is a till with a terminal that can issue credit notes, and has sold a leche by card.
func withRefunds(t *testing.T, answers ...terminal.Result) (*world, *deskOf, sale.Record) {
	x, d := withTerminal(t, append([]terminal.Result{soldByCredit}, answers...)...)
	caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.NotaCredito, 1, 20, dtetest.FA())
	if err := x.journal.AddCAF(caf); err != nil {
		t.Fatal(err)
	}
	x.deps.Terminal = true
	x.again()
	x.atPayment()
	x.press(f3, f12)
	return x, d, x.last()
}

// again is the counter after the program was started again.
func (x *world) again() {
	x.t.Helper()
	var err error
	if x.till, err = sale.NewRegister(x.deps); err != nil {
		x.t.Fatal(err)
	}
	x.w.counter = x.till
	x.w.settle(nil)
}

// takesBack returns the whole of a document, for the first reason.
func (x *world) takesBack(r sale.Record) {
	x.t.Helper()
	x.press(enter, f8)
	x.enter(r.Key.Folio.String())
	x.press(f3, enter)
	x.sees("¿Por qué lo devuelve?", "Primero el terminal devuelve "+peso(r.Total)+" a la tarjeta. Se emite una nota de crédito.")
	x.finger("1")
}

// note is the credit note of a return, or none.
func (x *world) note(of sale.Record) (sale.Record, bool) {
	x.t.Helper()
	a, err := x.journal.Against(of.Key)
	if err != nil {
		x.t.Fatal(err)
	}
	if len(a.Notes) == 0 {
		return sale.Record{}, false
	}
	_, r, err := x.journal.Document(a.Notes[0].Key())
	if err != nil || len(a.Notes) > 1 {
		x.t.Fatalf("%d notes, %v", len(a.Notes), err)
	}
	return r, true
}

func (x *world) wantNote(of sale.Record, methods []sale.Method, reference, authorization string) {
	x.t.Helper()
	r, ok := x.note(of)
	var got []sale.Method
	for _, t := range r.Payment.Tenders {
		got = append(got, t.Method)
	}
	if !ok || !slices.Equal(got, methods) || r.Payment.Tenders[0].Reference != reference || r.Payment.Tenders[0].Authorization != authorization {
		x.t.Errorf("note %v, gives back %+v", ok, r.Payment.Tenders)
	}
}

// The terminal gives back first, and the note tells by which operation; in doubt the terminal is asked, and never told twice.
func TestAReturnGoesBackToTheCard(t *testing.T) {
	x, d, sold := withRefunds(t, backUnheard, backUnheard, back)
	x.takesBack(sold)
	x.sees("No sabemos si el dinero volvió a la tarjeta. No lo devuelva de otra manera.", "$1.090", "Se cortó el cable.", "no se emitió nada")
	if _, ok := x.note(sold); ok {
		t.Error("a note was issued in doubt")
	}
	x.press(esc)
	x.press(f8)
	x.enter(sold.Key.Folio.String()) // nothing new is begun: the return that waits is offered
	x.sees("Falta terminar una devolución", "nada se devuelve dos veces")
	x.press(enter)
	x.sees("No sabemos si el dinero volvió a la tarjeta.")
	x.press(f2)
	x.sees("Se cortó el cable.")
	x.press(f2)
	x.sees("Nota de crédito 1 por $1.090. Devuelva $1.090 en crédito.")
	x.wantNote(sold, wholeOfItBack, "000141", "700001")
	if want := []string{"cobra 1.090", "devuelve 1.090", "consulta", "consulta"}; !slices.Equal(d.asked, want) {
		t.Errorf("asked %v, want %v", d.asked, want)
	}
}

// What the terminal cannot give back goes back in another way, said in words; nothing is issued before.
func TestAReturnThatTheTerminalCannotMake(t *testing.T) {
	for name, c := range map[string]struct {
		answers []terminal.Result
		do      func(x *world)
		methods []sale.Method
		reference,
		authorization string
	}{
		"again": {[]terminal.Result{notBack, back}, func(x *world) { x.finger("1") }, wholeOfItBack, "000141", "700001"},
		"by hand": {[]terminal.Result{notBack}, func(x *world) {
			x.finger("2")
			x.sees("Anótelo sólo si ya está hecho")
			x.enter("4539578763621486")
			x.enter("Rosa")
			x.enter("en el portal")
			x.sees("número de tarjeta")
			x.press(esc)
			x.takesUp()
			x.finger("2")
			x.enter("778899")
			x.enter("Rosa")
			x.enter("en el portal")
		}, wholeOfItBack, "778899", ""},
		"in cash": {[]terminal.Result{notBack}, func(x *world) { x.finger("3") }, []sale.Method{sale.Efectivo}, "", ""},
		"not now": {[]terminal.Result{notBack}, func(x *world) { x.press(esc) }, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			x, d, sold := withRefunds(t, c.answers...)
			if name == "by hand" {
				d.answers = append(d.answers, notBack)
			}
			x.takesBack(sold)
			x.sees("El dinero no volvió a la tarjeta", "mismo día. El cobro sigue en pie. No se emitió nada.")
			c.do(x)
			if _, ok := x.note(sold); ok != (c.methods != nil) {
				t.Fatalf("note issued: %v", ok)
			}
			if c.methods != nil {
				x.wantNote(sold, c.methods, c.reference, c.authorization)
			}
			if open, err := x.till.OpenReturns(); err != nil || len(open) != 0 {
				t.Errorf("waits: %+v, %v", open, err)
			}
		})
	}
}

// takesUp begins the return once more, up to the terminal's no.
func (x *world) takesUp() {
	x.t.Helper()
	x.press(f8)
	x.enter(x.last().Key.Folio.String())
	x.press(f3, enter)
	x.finger("1")
	x.sees("El dinero no volvió a la tarjeta")
}

// A cashier is allowed once to take something back; to give cash for a card somebody allows, too.
func TestWhoMayGiveCashForACard(t *testing.T) {
	x, _, sold := withRefunds(t, notBack)
	x.crew()
	x.press(enter, f8)
	x.enter(sold.Key.Folio.String())
	x.press(f3, enter)
	x.finger("1")
	x.sees("¿Quién lo autoriza?", "devolver")
	x.enter("9999")
	x.sees("El dinero no volvió a la tarjeta")
	x.finger("3")
	x.sees("¿Quién lo autoriza?", "dar efectivo por tarjeta")
	x.enter("9999")
	r, ok := x.note(sold)
	if !ok || r.Payment.Tenders[0].Method != sale.Efectivo || r.Who != "Ana Pérez" || r.Approved != "Rosa Díaz" {
		t.Errorf("%v %+v", ok, r)
	}
}

// An exchange for less gives the card its money, and then issues the note of the difference.
func TestAnExchangeGoesBackToTheCard(t *testing.T) {
	x, d, sold := withRefunds(t, back)
	x.press(enter, f8)
	x.enter(sold.Key.Folio.String())
	x.finger("+")
	x.press(f6)
	x.finger("1")
	x.enter("200") // 350: the terminal gives back 740 of 1.090, if it can
	x.press(f12)
	x.sees("Lo que se lleva cuesta $740 menos", "Devuelva $740 en crédito.", "Devuelva $740 en efectivo.")
	x.finger("1")
	x.sees("DEVUELVA", "$740", "Nota de crédito 1")
	if p := x.last().Payment; len(p.Tenders) != 1 || p.Tenders[0].Method != sale.Credito || p.Tenders[0].Authorization != "700001" {
		t.Errorf("gave back %+v", p)
	}
	if want := []string{"cobra 1.090", "devuelve 740"}; !slices.Equal(d.asked, want) {
		t.Errorf("asked %v", d.asked)
	}
}

// A terminal without a cable is read by the cashier, who types the number of the annulment.
func TestARefundByHandAtTheTerminal(t *testing.T) {
	x, _, sold := withRefunds(t)
	posted := make(chan func(), 16)
	x.w.loop, x.w.runAside = dispatcherFunc(func(f func()) { posted <- f }), newGoroutine
	now := x.now // the clock of the test stands in another goroutine
	x.w.cards = &terminal.Desk{Terminal: terminal.Manual{Ask: x.w.AskCard}, Ledger: x.journal.Charges(), Now: func() time.Time { return now }}
	x.takesBack(sold)
	(<-posted)()
	x.sees("Terminal: $1.090", "Anule en el terminal la operación 000141 de $1.090", "¿Volvió el dinero a la tarjeta?")
	x.press(enter)
	x.enter("000142")
	(<-posted)()
	x.wantNote(sold, wholeOfItBack, "000142", "")
}

// refunded is how often the card of a sale got its money back, in truth.
func (c *counterWithTerminal) refunded(id sale.ID) (times int) {
	for n := range 20 {
		times += c.sim.Refunded(terminal.TicketFor(fmt.Sprintf("%s-%d", id, n+1)))
	}
	return times
}

// goBack does what a cashier would do next for a return; true when its note is issued.
func (c *counterWithTerminal) goBack(of sale.Record) bool {
	c.t.Helper()
	against, err := c.file.Against(of.Key)
	c.must(err)
	if len(against.Notes) > 0 {
		return true
	}
	_, choosing := c.w.dialog.(*chooseDialog)
	switch {
	case c.inDoubt():
		c.press(f2)
	case choosing:
		c.press(enter)
	case c.w.frame.banner.visible():
		c.press(esc)
	default:
		c.press(f8)
		c.enter(of.Key.Folio.String())
		c.press(f3, enter)
	}
	c.atTheTerminal()
	return false
}

// The cable is cut at a byte of a refund, the till is killed or not, and the cashier goes on pressing what the window says: in the
// end the card got its money once, and one note was issued, which tells of that refund.
func TestGivenBackOnceAndNotedOnce(t *testing.T) {
	doubts := 0
	for _, cut := range []possim.Cut{
		{After: 1},
		{After: 8},
		{After: 12, Kind: possim.Silent},
		{ToTill: true, After: 1},
		{ToTill: true, After: 3},
		{ToTill: true, After: 20, Kind: possim.Silent},
		{ToTill: true, After: 30, Kind: possim.OneWay},
	} {
		for _, killed := range []string{"", "as soon as the window knows", "between refund and note"} {
			t.Run(fmt.Sprintf("%+v killed %q", cut, killed), func(t *testing.T) {
				c := newCounterWithTerminal(t)
				c.sim.Play(possim.Script{Card: 1})
				id := c.sells()
				for range 8 {
					if c.goOn() {
						break
					}
				}
				sold, err := c.file.Sale(id)
				c.must(err)
				c.press(enter)
				c.sim.Play(possim.Script{Cut: &cut})
				c.goBack(sold) // up to the reason
				if killed == "between refund and note" {
					c.noNote()
				}
				c.goBack(sold)
				if !c.sim.WasCut() {
					t.Fatal("the cable is whole")
				}
				doubt := c.inDoubt()
				if doubt {
					doubts++
				}
				if killed == "as soon as the window knows" {
					c.restart()
					if c.inDoubt() != doubt {
						t.Fatalf("doubt before the end %v, after it %v", doubt, c.inDoubt())
					}
				}
				over := false
				for range 40 {
					if over = c.goBack(sold); over {
						break
					}
					if killed == "between refund and note" && c.refunded(sold.ID) == 1 && !c.inDoubt() {
						killed = ""
						c.restart()
						c.sees("Falta terminar una devolución")
					}
				}
				if n := c.refunded(sold.ID); n != 1 || !over {
					t.Fatalf("given back %d times, over %v: %s", n, over, c.words())
				}
				list, err := c.file.Documents(sale.DocumentQuery{Tipo: dte.NotaCredito})
				c.must(err)
				if len(list) != 1 || len(list[0].Payment.Tenders) != 1 || list[0].Payment.Tenders[0].Refund == "" || list[0].Payment.Tenders[0].Method != sale.Credito {
					t.Errorf("%d notes, gave back %+v", len(list), list)
				}
				if open, err := c.file.OpenReturns(); err != nil || len(open) != 0 {
					t.Errorf("waits: %+v, %v", open, err)
				}
				if report, err := c.file.Audit(true); err != nil || !report.OK() {
					t.Errorf("audit: %v %v", report.Faults, err)
				}
			})
		}
	}
	if doubts < 6 {
		t.Errorf("only %d of the cuts left a doubt", doubts)
	}
}

// noNote keeps this run of the program from issuing the note, as if it died before.
func (c *counterWithTerminal) noNote() {
	c.w.counter = dying{c.till}
}

// dying is a till whose program ends before a note is issued.
type dying struct{ *sale.Register }

func (dying) TakeBack(sale.Return) (sale.Record, error) { return sale.Record{}, context.Canceled }
