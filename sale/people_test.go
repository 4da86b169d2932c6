package sale_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

const bebida = "7801234567894"

// crew is a counter with an owner, a supervisor and a cashier, who is at the till.
type crew struct {
	*sale.Register
	t       *testing.T
	deps    sale.Deps
	journal *journal
	now     time.Time
}

// The people of a crew, by number.
const (
	rosa = 1 // owner, 9999
	luis = 2 // supervisor, 8888
	ana  = 3 // cashier, 1111
)

func newCrew(t *testing.T, people bool) *crew {
	t.Helper()
	deps, j := newDeps(t)
	c := &crew{t: t, journal: j, now: deps.Now()}
	deps.Now = func() time.Time { return c.now }
	deps.PINCost = sale.PINCost{Time: 1, Memory: 8, Threads: 1}
	c.deps = deps
	c.restart()
	if !people {
		return c
	}
	c.hire("Rosa", sale.Dueno, "9999")
	c.hire("Luis", sale.Supervisor, "8888")
	c.hire("Ana", sale.Cajero, "1111")
	must(t, c.Enter(ana, "1111"))
	return c
}

func (c *crew) restart() {
	c.t.Helper()
	var err error
	c.Register, err = sale.NewRegister(c.deps)
	must(c.t, err)
}

func (c *crew) hire(name string, role sale.Role, pin string) {
	c.t.Helper()
	_, err := c.SavePerson(sale.Person{Name: name, Role: role, Active: true}, pin)
	must(c.t, err)
}

func (c *crew) events() []sale.Event {
	c.t.Helper()
	events, err := c.journal.Events(100)
	must(c.t, err)
	return events
}

// guarded is an act that not everybody may do, and what must be there before.
type guarded struct {
	right   sale.Right
	prepare func(c *crew)
	act     func(c *crew) error
}

func sellOne(c *crew) {
	c.t.Helper()
	scan(c.t, c.Register, bebida, "300")
	must(c.t, c.Charge())
	must(c.t, c.Tender(sale.Efectivo, 0, ""))
	_, err := c.Issue()
	must(c.t, err)
	c.Next()
}

func twoLines(c *crew) { scan(c.t, c.Register, bebida, bebida, "300") }

// cheaper has an exchange open for something that costs less. Somebody has allowed that it comes back.
func cheaper(c *crew) {
	sellOne(c)
	x := sale.Return{Reason: "otro", Lines: []sale.ReturnedLine{back(c.Snapshot().Last.Key, 1, money.One)}}
	err := c.BeginExchange(x)
	if need := (sale.ApprovalError{}); errors.As(err, &need) {
		must(c.t, c.Approve(need, rosa, "9999"))
		err = c.Approved(func() error { return c.BeginExchange(x) })
	}
	must(c.t, err)
	scan(c.t, c.Register, "300")
}

func openShift(c *crew) { must(c.t, c.OpenShift(20_000)) }

// owing has the buyer owe as much as he may, but for 1.000, and a sale open that is worth more.
func owing(c *crew) {
	_, err := sale.SetCreditLimit(c.journal, "cupo", c.now, buyer().RUT, 1000, "Rosa")
	must(c.t, err)
	scan(c.t, c.Register, bebida)
	must(c.t, c.Choose(sale.Choice{Receptor: buyer()}))
	must(c.t, c.Charge())
}

var guardedActs = []guarded{
	{sale.MayReturn, sellOne, func(c *crew) error {
		r := c.Snapshot().Last
		_, err := c.TakeBack(sale.Return{ID: "n1", Reason: "roto", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One)}})
		return err
	}},
	{sale.MayReturn, sellOne, func(c *crew) error {
		return c.BeginExchange(sale.Return{Reason: "otro", Lines: []sale.ReturnedLine{back(c.Snapshot().Last.Key, 1, money.One)}})
	}},
	{sale.MayCashForCard, sellOne, func(c *crew) error {
		_, err := c.TakeBack(sale.Return{ID: "n2", Reason: "roto", Means: sale.InCash, Lines: []sale.ReturnedLine{back(c.Snapshot().Last.Key, 1, money.One)}})
		return err
	}},
	{sale.MayCashForCard, cheaper, func(c *crew) error { return c.SettleExchange(false, sale.InCash) }},
	{sale.MayReturnWithout, twoLines, func(c *crew) error { return c.TakeBackWithout("regalo", true) }},
	{sale.MayVoid, twoLines, func(c *crew) error { return c.Void("se arrepintió") }},
	{sale.MayRemove, twoLines, func(c *crew) error { return c.Remove() }},
	{sale.MayRemove, twoLines, func(c *crew) error { c.Select(0); return c.Bump(-1) }},
	{sale.MayRemove, twoLines, func(c *crew) error { c.Select(0); return c.SetQty(money.One) }},
	{sale.MayPrice, twoLines, func(c *crew) error { return c.SetPrice(money.PerUnit(4), "oferta") }},
	{sale.MayDiscount, twoLines, func(c *crew) error { return c.SetLineOff(price.Off{Pct: 510, By: price.By{Why: "amigo"}}) }},
	{sale.MayDiscount, twoLines, func(c *crew) error { return c.SetTicketOff(price.Off{Pesos: 300, By: price.By{Why: "amigo"}}) }},
	{sale.MayOpenDrawer, openShift, func(c *crew) error { _, err := c.OpenDrawer("sencillo"); return err }},
	{sale.MayMoveCash, openShift, func(c *crew) error { _, err := c.MoveCash(sale.CashOut, 5000, "al banco"); return err }},
	{sale.MayCloseShift, openShift, func(c *crew) error { _, err := c.CloseShift(20_000); return err }},
	{sale.MayOverLimit, owing, func(c *crew) error { return c.Pay(sale.Tender{Method: sale.Fiado}) }},
	{sale.MayReprint, func(*crew) {}, func(c *crew) error { return c.May(sale.Ask{Right: sale.MayReprint}) }},
	{sale.MayReports, func(*crew) {}, func(c *crew) error { return c.May(sale.Ask{Right: sale.MayReports}) }},
	{sale.MaySettings, func(*crew) {}, func(c *crew) error { return c.May(sale.Ask{Right: sale.MaySettings}) }},
}

// strict leaves cashiers nothing but selling, with discounts of up to 5 %.
func (c *crew) strict() {
	c.t.Helper()
	policy := sale.Policy{sale.Cajero: {Rights: []sale.Right{sale.MaySell, sale.MayDiscount}, Discount: 500}}
	must(c.t, c.journal.SetPolicy(policy, sale.Event{At: c.now, Kind: sale.EventPolicy}))
	c.restart()
	must(c.t, c.Enter(ana, "1111"))
}

// Who may not do something asks somebody who may, on the spot; both are kept. Before that nothing changes.
func TestWhatACashierMayNotDoIsApproved(t *testing.T) {
	for _, g := range guardedActs {
		t.Run(string(g.right), func(t *testing.T) {
			c := newCrew(t, true)
			c.strict()
			g.prepare(c)
			before, known := c.Snapshot(), len(c.events())
			err := g.act(c)
			var need sale.ApprovalError
			if !errors.As(err, &need) || need.Right != g.right || need.Who != "Ana" {
				t.Fatalf("a cashier may: %v", err)
			}
			if !strings.Contains(err.Error(), "Ana no puede "+string(g.right)) {
				t.Errorf("it says %q", err)
			}
			if s := c.Snapshot(); !sameSale(s, before) || len(c.events()) != known {
				t.Fatal("what was refused left a trace")
			}
			asked := need.Ask
			names := []string{}
			for _, p := range c.Approvers(need) {
				names = append(names, p.Name)
			}
			if !slices.Equal(names, []string{"Rosa", "Luis"}) {
				t.Errorf("who may approve: %v", names)
			}
			if err := c.Approve(need, luis, "1111"); !errors.Is(err, sale.ErrPIN) {
				t.Fatalf("a wrong PIN approved: %v", err)
			}
			if err := g.act(c); !errors.As(err, &need) {
				t.Fatalf("after a wrong PIN: %v", err)
			}
			must(t, c.Approve(need, luis, "8888"))
			must(t, c.Approved(func() error { return g.act(c) }))
			last := c.events()[0]
			if last.Kind != sale.EventApproved || last.Who != "Ana" || last.Approved != "Luis" || !strings.Contains(last.What, string(g.right)) {
				t.Errorf("the log says %+v", last)
			}
			for _, e := range c.events()[:len(c.events())-known] {
				if e.Who != "Ana" || e.Approved != "Luis" {
					t.Errorf("%s is of %q, approved by %q", e.Kind, e.Who, e.Approved)
				}
			}
			if err := c.May(asked); !errors.As(err, &need) {
				t.Errorf("the approval outlived the act: %v", err)
			}
		})
	}
}

func sameSale(a, b sale.Snapshot) bool {
	return slices.EqualFunc(a.Cart.Lines, b.Cart.Lines, func(x, y sale.Line) bool { return x.Codigo == y.Codigo && x.Qty == y.Qty && x.Total == y.Total }) &&
		a.Total == b.Total && a.Due == b.Due && a.Shift.Open() == b.Shift.Open() && a.Shift.Expected() == b.Shift.Expected() && a.Shift.Opened == b.Shift.Opened
}

// Owner and supervisor just do it, and their name is in the log.
func TestWhoMayIsNotAsked(t *testing.T) {
	for _, g := range guardedActs {
		c := newCrew(t, true)
		c.strict()
		must(t, c.Enter(luis, "8888"))
		g.prepare(c)
		known := len(c.events())
		if err := g.act(c); err != nil {
			t.Errorf("%s: %v", g.right, err)
		}
		for _, e := range c.events()[:len(c.events())-known] {
			if e.Who != "Luis" || e.Approved != "" {
				t.Errorf("%s: %s is of %q, approved by %q", g.right, e.Kind, e.Who, e.Approved)
			}
		}
	}
}

// A shop that has created nobody is asked nothing; what it keeps names nobody.
func TestAShopWithoutPeopleIsAskedNothing(t *testing.T) {
	for _, g := range guardedActs {
		if g.right == sale.MayOverLimit {
			continue // nobody may there: see below
		}
		c := newCrew(t, false)
		g.prepare(c)
		if err := g.act(c); err != nil {
			t.Errorf("%s: %v", g.right, err)
		}
		for _, e := range c.events() {
			if e.Who != "" || e.Approved != "" || e.Kind == sale.EventApproved {
				t.Errorf("%s: the log names somebody: %+v", g.right, e)
			}
		}
		if s := c.Snapshot(); s.Staffed || s.Locked || s.Person != (sale.Person{}) || s.Last != nil && s.Last.Who != "" {
			t.Errorf("%s: somebody is at the till: %+v", g.right, s.Person)
		}
	}
	c := newCrew(t, false)
	owing(c)
	if err := c.Pay(sale.Tender{Method: sale.Fiado}); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("over the limit: %v", err)
	}
	if err := c.Lock(); err == nil {
		t.Error("a till that nobody can open was locked")
	}
}

// An approval is of one thing, once, and no larger than what was said.
func TestAnApprovalCoversNothingElse(t *testing.T) {
	c := newCrew(t, true)
	twoLines(c)
	half := price.Off{Pct: 5000, By: price.By{Why: "amigo"}}
	var need sale.ApprovalError
	if !errors.As(c.SetTicketOff(price.Off{Pct: 600, By: price.By{Why: "amigo"}}), &need) {
		t.Fatal("6 % was not asked")
	}
	must(t, c.Approve(need, luis, "8888"))
	if err := c.Approved(func() error { return c.SetTicketOff(half) }); !errors.As(err, &need) || need.Off != 5000 {
		t.Errorf("half the price passed as 6 %%: %v", err)
	}
	must(t, c.Approve(need, luis, "8888"))
	if err := c.Approved(func() error { return c.Void("x") }); !errors.As(err, &need) || need.Right != sale.MayVoid {
		t.Errorf("a discount was approved and the sale was emptied: %v", err)
	}
	for _, e := range c.events() {
		if e.Kind == sale.EventApproved {
			t.Error("what was not done is in the log as approved")
		}
	}
	must(t, c.SetTicketOff(price.Off{Pct: 500, By: price.By{Why: "amigo"}})) // 5 % is within
}

// Who may approve is decided by the register, whatever list the window showed.
func TestACashierApprovesNothing(t *testing.T) {
	c := newCrew(t, true)
	c.hire2(t, "Eva", sale.Cajero, "2222")
	twoLines(c)
	var need sale.ApprovalError
	if !errors.As(c.Void("x"), &need) {
		t.Fatal("a cashier emptied the sale")
	}
	if err := c.Approve(need, 4, "2222"); err == nil {
		t.Fatal("another cashier approved it")
	}
	if err := c.Approved(func() error { return c.Void("x") }); !errors.As(err, &need) {
		t.Errorf("and it was done: %v", err)
	}
}

// hire2 has the owner hire somebody more while the cashier is at the till.
func (c *crew) hire2(t *testing.T, name string, role sale.Role, pin string) {
	t.Helper()
	must(t, c.Enter(rosa, "9999"))
	c.hire(name, role, pin)
	must(t, c.Enter(ana, "1111"))
}

// A discount in pesos is measured like one in per cent, and a little more than allowed is more.
func TestADiscountInPesosIsMeasured(t *testing.T) {
	c := newCrew(t, true)
	scan(t, c.Register, "10*"+bebida) // 19.900, of which 5 % are 995
	for pesos, allowed := range map[money.Pesos]bool{995: true, 996: false, 19_900: false, 500_000: false} {
		err := c.SetLineOff(price.Off{Pesos: pesos, By: price.By{Why: "amigo"}})
		var need sale.ApprovalError
		if errors.As(err, &need) == allowed {
			t.Errorf("$%s of $19.900, of a cashier with 5 %%: %v", pesos, err)
		}
	}
}

// The counter says, and asks somebody to allow, the whole debt: what is owed at the other tills counts.
func TestTheWholeDebtIsAllowed(t *testing.T) {
	c := newCrew(t, true)
	owing(c)
	if d := c.Snapshot().Debt; d != nil {
		t.Errorf("without a server the counter tells of a debt: %+v", d)
	}
	c.Back()
	limit := money.Pesos(2000)
	c.journal.Hear(buyer().RUT, sale.Heard{Elsewhere: 900, Limit: &limit, At: c.now})
	must(t, c.Charge())
	if d := c.Snapshot().Debt; d == nil || d.Balance != 900 || d.Limit != limit || !d.AsOf.Equal(c.now) {
		t.Errorf("the counter tells of %+v", d)
	}
	var need sale.ApprovalError
	if !errors.As(c.Pay(sale.Tender{Method: sale.Fiado}), &need) || !strings.Contains(need.What, "debe $900, su cupo es de $2.000 y se le fían $1.990") {
		t.Fatalf("asked: %+v", need)
	}
	must(t, c.Approve(need, rosa, "9999"))
	must(t, c.Approved(func() error { return c.Pay(sale.Tender{Method: sale.Fiado}) }))
	_, err := c.Issue()
	must(t, err)
	m, err := c.journal.Account(sale.CreditAccount(buyer().RUT))
	must(t, err)
	if m.Owes() != 2890 || m.Over != "Rosa" || c.Snapshot().Debt != nil {
		t.Errorf("owes %s, allowed by %q", m.Owes(), m.Over)
	}
}

func TestOverTheLimitItIsKeptWhoAllowedIt(t *testing.T) {
	c := newCrew(t, true)
	owing(c)
	var need sale.ApprovalError
	if !errors.As(c.Pay(sale.Tender{Method: sale.Fiado}), &need) || !strings.Contains(need.What, "cupo es de $1.000 y se le fían $1.990") {
		t.Fatalf("asked: %+v", need)
	}
	must(t, c.Approve(need, rosa, "9999"))
	must(t, c.Approved(func() error { return c.Pay(sale.Tender{Method: sale.Fiado}) }))
	r, err := c.Issue()
	must(t, err)
	m, err := c.journal.Account(sale.CreditAccount(buyer().RUT))
	must(t, err)
	if m.Balance != 1990 || m.Limit != 1000 || m.Over != "Rosa" || r.Payment.Tenders[0].Over != "Rosa" {
		t.Errorf("owes %s of %s, allowed by %q", m.Balance, m.Limit, m.Over)
	}
	c.Next()
	must(t, c.Enter(luis, "8888"))
	_, err = sale.SetCreditLimit(c.journal, "no más", c.now, buyer().RUT, 0, "Rosa")
	must(t, err)
	scan(t, c.Register, bebida)
	must(t, c.Choose(sale.Choice{Receptor: buyer()}))
	must(t, c.Charge())
	if err := c.Pay(sale.Tender{Method: sale.Fiado}); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("somebody without any limit: %v", err)
	}
}

// A till begins with nobody at it, and a locked one sells nothing; the open sale is there when somebody enters.
func TestTheTillBeginsLocked(t *testing.T) {
	c := newCrew(t, true)
	twoLines(c)
	c.restart()
	s := c.Snapshot()
	if !s.Locked || !s.Staffed || len(s.Cart.Lines) != 2 {
		t.Fatalf("locked %v, %d lines", s.Locked, len(s.Cart.Lines))
	}
	c.mustBeLocked()
	if err := c.Enter(luis, "1111"); !errors.Is(err, sale.ErrPIN) {
		t.Fatalf("another's PIN: %v", err)
	}
	c.mustBeLocked()
	must(t, c.Enter(luis, "8888"))
	if s := c.Snapshot(); s.Locked || s.Person.Name != "Luis" || len(s.Cart.Lines) != 2 {
		t.Errorf("%+v, %d lines", s.Person, len(s.Cart.Lines))
	}
}

func (c *crew) mustBeLocked() {
	c.t.Helper()
	before := c.Snapshot()
	_, scanned := c.Scan(bebida)
	for name, err := range map[string]error{
		"scan": scanned, "remove": c.Remove(), "void": c.Void("x"), "charge": c.Charge(), "hold": c.Hold("x"), "recall": c.Recall("x"),
		"shift": c.OpenShift(0), "quantity": c.SetQty(money.One), "note": c.SetNote("x"), "may": c.May(sale.Ask{Right: sale.MaySell}),
	} {
		if !errors.Is(err, sale.ErrLocked) {
			c.t.Errorf("%s while nobody is there: %v", name, err)
		}
	}
	if !sameSale(c.Snapshot(), before) {
		c.t.Error("a locked till changed its sale")
	}
}

// The sale goes on with another cashier, and the log says since when.
func TestACashierTakesAnOpenSaleOver(t *testing.T) {
	c := newCrew(t, true)
	openShift(c)
	twoLines(c)
	total := c.Snapshot().Total
	must(t, c.Lock())
	must(t, c.Enter(ana, "1111"))
	known := len(c.events())
	must(t, c.Lock())
	must(t, c.Enter(luis, "8888"))
	events := c.events()
	e := events[0]
	if len(events) != known+1 || e.Kind != sale.EventEntered || e.Who != "Luis" || e.What != "entra Luis en lugar de Ana, con una venta abierta" || e.Amount != total {
		t.Errorf("the log says %+v", e)
	}
	must(t, c.Charge())
	if err := c.Lock(); err == nil {
		t.Error("it was locked while a customer pays")
	}
	must(t, c.Tender(sale.Efectivo, 0, ""))
	r, err := c.Issue()
	must(t, err)
	if r.Who != "Luis" {
		t.Errorf("sold by %q", r.Who)
	}
	shift, err := c.CloseShift(20_000 + total)
	must(t, err)
	if shift.OpenedBy != "Ana" || shift.ClosedBy != "Luis" || shift.People["Luis"].Sales != 1 {
		t.Errorf("the shift says %+v", shift)
	}
}

// Wrong PINs slow down, across a restart and a plug that is pulled, and never for good.
func TestWrongPINsSlowDown(t *testing.T) {
	c := newCrew(t, true)
	guess := func(pin string) error { return c.Enter(rosa, pin) }
	var waits []time.Duration // before each guess that was looked at
	said := map[string]bool{}
	for range 12 {
		wait := time.Duration(0)
		for {
			c.restart()
			err := guess("0000")
			if !errors.Is(err, sale.ErrPIN) {
				t.Fatal(err)
			}
			if !strings.Contains(err.Error(), "Espere") {
				break
			}
			_, words, _ := strings.Cut(err.Error(), "Espere ")
			said[strings.Join(strings.Fields(words)[:3], " ")] = true
			c.now, wait = c.now.Add(time.Second), wait+time.Second
		}
		waits = append(waits, wait)
	}
	if !slices.IsSorted(waits) || !slices.Equal(waits[:5], []time.Duration{0, 0, 0, 2 * time.Second, 4 * time.Second}) || waits[11] != 2*time.Minute {
		t.Errorf("the waits are %v", waits)
	}
	if !said["1 segundo y"] || !said["2 segundos y"] || said["1 segundos y"] {
		t.Errorf("the waits are told as %v", said)
	}
	if err := guess("9999"); !errors.Is(err, sale.ErrPIN) {
		t.Errorf("the right one did not wait: %v", err)
	}
	must(t, c.journal.PutMisses(rosa, sale.Misses{Count: 1000, Last: c.now}))
	c.now = c.now.Add(2*time.Minute - time.Second)
	if err := guess("9999"); !errors.Is(err, sale.ErrPIN) {
		t.Errorf("after a thousand guesses there is no wait: %v", err)
	}
	c.now = c.now.Add(2 * time.Minute)
	must(t, guess("9999"))
	must(t, c.Lock())
	must(t, guess("9999")) // the right one forgives
	if err := c.Enter(ana, "1111"); err != nil {
		t.Errorf("somebody else's guesses: %v", err)
	}
}

// A clock that was set back, by a dead battery or a hand, makes nobody wait for years.
func TestAClockSetBackLocksNobodyOut(t *testing.T) {
	c := newCrew(t, true)
	for range 9 {
		c.now = c.now.Add(time.Hour)
		_ = c.Enter(rosa, "0000")
	}
	c.now = c.now.AddDate(-3, 0, 0)
	if err := c.Enter(rosa, "9999"); !errors.Is(err, sale.ErrPIN) {
		t.Errorf("setting the clock back skips the wait: %v", err)
	}
	c.now = c.now.Add(2 * time.Minute)
	must(t, c.Enter(rosa, "9999"))
}

// A guess is counted before anybody looks whether it is right.
func TestAPulledPlugGivesNoFreeGuess(t *testing.T) {
	c := newCrew(t, true)
	c.deps.Journal = noPIN{c.journal}
	c.restart()
	_ = c.Enter(rosa, "0000")
	m, err := c.journal.Misses(rosa)
	must(t, err)
	if m.Count != 1 {
		t.Errorf("%d guesses counted", m.Count)
	}
}

// noPIN is a journal whose power goes when the PIN is read.
type noPIN struct{ *journal }

func (noPIN) PIN(int) (sale.PIN, error) { return sale.PIN{}, errors.New("se cortó la luz") }

func TestPINs(t *testing.T) {
	cost := sale.PINCost{Time: 1, Memory: 8, Threads: 1}
	for pin, ok := range map[string]bool{"1234": true, "12345678": true, "123": false, "123456789": false, "12a4": false, "١٢٣٤": false, "": false} {
		p, err := sale.NewPIN(pin, cost, strings.NewReader(strings.Repeat("s", 64)))
		if (err == nil) != ok || ok && (strings.Contains(string(p.Hash), pin) || len(p.Salt) != 16) {
			t.Errorf("%q: %v", pin, err)
		}
	}
	c := newCrew(t, true)
	pin, err := c.journal.PIN(rosa)
	must(t, err)
	other, err := c.journal.PIN(luis)
	must(t, err)
	if slices.Equal(pin.Salt, other.Salt) {
		t.Error("two people have one salt")
	}
	for _, e := range c.events() {
		for _, secret := range []string{"9999", "8888", "1111"} {
			if strings.Contains(e.What, secret) {
				t.Errorf("the log has a PIN: %s", e.What)
			}
		}
	}
}

// People and rights are the owner's; a supervisor asks too.
func TestOnlyTheOwnerChangesPeople(t *testing.T) {
	c := newCrew(t, true)
	must(t, c.Enter(luis, "8888"))
	var need sale.ApprovalError
	if _, err := c.SavePerson(sale.Person{Name: "Eva", Role: sale.Dueno, Active: true}, "1234"); !errors.As(err, &need) {
		t.Fatalf("a supervisor hired an owner: %v", err)
	}
	if err := c.SetPolicy(sale.Cajero, c.Policy()[sale.Supervisor]); !errors.As(err, &need) {
		t.Fatalf("a supervisor changed rights: %v", err)
	}
	must(t, c.Enter(rosa, "9999"))
	must(t, c.SetPolicy(sale.Cajero, c.Policy()[sale.Cajero].With(sale.MayVoid, true)))
	if e := c.events()[0]; e.Kind != sale.EventPolicy || e.Who != "Rosa" || !strings.Contains(e.What, "anular la venta") {
		t.Errorf("the log says %+v", e)
	}
	must(t, c.Enter(ana, "1111"))
	twoLines(c)
	must(t, c.Void("ahora puede"))
}

// Who leaves the shop leaves the till.
func TestWhoIsDeactivatedIsOut(t *testing.T) {
	c := newCrew(t, true)
	gone := sale.Person{Number: ana, Name: "Ana", Role: sale.Cajero}
	var need sale.ApprovalError
	_, err := c.SavePerson(gone, "")
	if !errors.As(err, &need) {
		t.Fatalf("a cashier changed people: %v", err)
	}
	must(t, c.Approve(need, rosa, "9999"))
	must(t, c.Approved(func() error { _, err := c.SavePerson(gone, ""); return err }))
	if !c.Snapshot().Locked {
		t.Error("who left is still at the till")
	}
	if err := c.Enter(ana, "1111"); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("and comes back: %v", err)
	}
	must(t, c.Enter(rosa, "9999"))
	for _, p := range c.People() {
		p.Active = false
		if p.Number != rosa {
			_, err := c.SavePerson(p, "")
			must(t, err)
		}
	}
	_, err = c.SavePerson(sale.Person{Number: rosa, Name: "Rosa", Role: sale.Dueno}, "")
	must(t, err)
	if s := c.Snapshot(); s.Staffed || s.Locked || s.Person != (sale.Person{}) {
		t.Errorf("a shop without people: %+v", s)
	}
	sellOne(c)
	if r := c.Snapshot().Last; r == nil || r.Who != "" {
		t.Errorf("sold by %+v", r)
	}
}
