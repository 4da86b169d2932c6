package ui

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/store"
	"mostrador/terminal"
	"mostrador/terminal/posintegrado"
	"mostrador/terminal/possim"
)

// counterWithTerminal is a window with a real file and a terminal at the end of a cable. Time runs twenty times faster
// for both ends of the cable.
type counterWithTerminal struct {
	*world
	path   string
	file   *store.Store
	sim    *possim.Sim
	posted chan func()
}

func quicker(d time.Duration) <-chan time.Time { return time.After(d / 20) }

func newCounterWithTerminal(t *testing.T) *counterWithTerminal {
	t.Helper()
	c := &counterWithTerminal{path: filepath.Join(t.TempDir(), "caja.db"), posted: make(chan func(), 64)}
	c.world = &world{t: t, now: time.Date(2026, 3, 16, 12, 30, 0, 0, dte.Santiago), news: &news{}}
	c.sim = possim.New(possim.Config{Now: time.Now, After: quicker})
	t.Cleanup(c.sim.Stop)
	c.open()
	t.Cleanup(func() { c.kill() })
	c.must(c.file.Protect("dos perros y un gato"))
	shop := saletest.Shop()
	shop.Modelo = sale.ModeloBoleta
	c.must(c.file.PutShop(shop))
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.NotaCredito} {
		_, caf := dtetest.CAF(saletest.Shop().Emisor.RUT, tipo, 1, 50, dtetest.FA())
		_, err := c.file.ImportCAF(caf, dtetest.Trust(), c.now)
		c.must(err)
	}
	c.show()
	return c
}

func (c *counterWithTerminal) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counterWithTerminal) open() {
	var err error
	c.file, err = store.Open(c.path, store.Options{Keys: store.KeyFile{Path: c.path + ".llave"}, KDF: store.KDF{Time: 1, Memory: 64, Threads: 1}})
	c.must(err)
}

// fileDocuments orders papers as cmd/shop does.
type fileDocuments struct{ *store.Store }

func (d fileDocuments) Reprint(k dte.Key, cedible bool, who string) (sale.PrintJob, error) {
	return d.Store.Reprint(sale.PaperOrder{Key: k, Cedible: cedible, Who: who})
}

// show opens the window, as when the program starts.
func (c *counterWithTerminal) show() {
	c.t.Helper()
	var err error
	c.till, err = sale.NewRegister(sale.Deps{
		Shop: saletest.Shop(), Journal: c.file, Catalogue: sale.NewCatalogue(products), Signer: dtetest.Signer(dtetest.Person),
		Now: func() time.Time { return c.now }, Rand: rand.Reader, Terminal: true,
	})
	c.must(err)
	driver := posintegrado.New(posintegrado.Config{
		Open: c.sim.Dial, Now: time.Now, After: quicker, Zone: time.UTC, Pace: posintegrado.Pace{Settle: time.Nanosecond, Answer: 16 * time.Second},
		Progress: func(words string) { c.w.CardProgress(words) },
	})
	c.w = New(test.NewTempApp(c.t), Deps{
		Counter: c.till, Documents: fileDocuments{c.file}, Notices: c.news, Shop: "Almacén Doña Rosa", Caja: "CAJA1", Settings: DefaultSettings(), Sounds: &c.ears,
		Cards: &terminal.Desk{Terminal: driver, Ledger: c.file.Charges(), Now: time.Now},
		Now:   func() time.Time { return c.now }, Loop: dispatcherFunc(func(f func()) { c.posted <- f }),
		After: func(d time.Duration, f func()) { c.timers = append(c.timers, pendingTimer{c.now.Add(d), f}) },
	})
}

// kill ends the program where it stands: nothing is told to anybody.
func (c *counterWithTerminal) kill() {
	c.w.Fyne().Close()
	c.must(c.file.Close())
}

func (c *counterWithTerminal) restart() {
	c.kill()
	c.timers = nil
	c.open()
	c.show()
}

// atTheTerminal lets the window live until the terminal has answered.
func (c *counterWithTerminal) atTheTerminal() {
	c.t.Helper()
	for late := time.After(time.Minute); ; {
		if _, waiting := c.w.dialog.(*cardDialog); !waiting {
			return
		}
		select {
		case f := <-c.posted:
			f()
		case <-late:
			c.t.Fatal("the terminal never answered")
		}
	}
}

// goOn does what a cashier would do next; true when the sale is over.
func (c *counterWithTerminal) goOn() bool {
	c.t.Helper()
	switch s := c.snap(); {
	case c.inDoubt():
		c.press(f2)
	case c.w.frame.banner.visible():
		c.press(esc)
	case s.Stage == sale.Done:
		return true
	case s.Stage == sale.Selling:
		c.press(f12)
	case s.Due != 0:
		c.press(f2)
	default:
		c.press(f12)
	}
	c.atTheTerminal()
	return false
}

func (c *counterWithTerminal) inDoubt() bool {
	_, doubt := c.w.dialog.(*doubtDialog)
	return doubt
}

// charged is how often the cards of a sale were charged, in truth.
func (c *counterWithTerminal) charged(id sale.ID) (times int) {
	for n := range 20 {
		times += c.sim.Charged(terminal.TicketFor(fmt.Sprintf("%s-%d", id, n+1)))
	}
	return times
}

func (c *counterWithTerminal) sells() sale.ID {
	c.t.Helper()
	c.scan(leche)
	c.pass(time.Second)
	c.press(f12)
	return c.snap().Cart.ID
}

// The cable is cut at a byte, the till is killed or not, and the cashier goes on pressing what the window says: in the end
// the card was charged once, one document was issued, and it tells of that charge.
func TestChargedOnceAndIssuedOnce(t *testing.T) {
	doubts := 0
	for _, cut := range []possim.Cut{
		{After: 2},
		{After: 12},
		{After: 12, Kind: possim.Silent},
		{ToTill: true, After: 1},
		{ToTill: true, After: 4},
		{ToTill: true, After: 60, Kind: possim.Silent},
		{ToTill: true, After: 100},
		{ToTill: true, After: 30, Kind: possim.OneWay},
	} {
		for _, killed := range []string{"", "as soon as the window knows", "between charge and issue"} {
			t.Run(fmt.Sprintf("%+v killed %q", cut, killed), func(t *testing.T) {
				c := newCounterWithTerminal(t)
				c.sim.Play(possim.Script{Card: time.Millisecond})
				first := c.sells() // so that the terminal's memory proves something
				for range 5 {
					if c.goOn() {
						break
					}
				}
				if n := c.charged(first); n != 1 || c.snap().Stage != sale.Done {
					t.Fatalf("with a good cable it was charged %d times: %s", n, c.words())
				}
				c.sim.Play(possim.Script{Card: time.Millisecond, Cut: &cut})
				id := c.sells()
				c.press(f2)
				c.atTheTerminal()
				if !c.sim.WasCut() {
					t.Fatal("the cable is whole")
				}
				if c.inDoubt() {
					doubts++
				}
				if killed == "as soon as the window knows" {
					doubt := c.inDoubt()
					c.restart()
					if c.inDoubt() != doubt {
						t.Fatalf("doubt before the end %v, after it %v", doubt, c.inDoubt())
					}
				}
				over := false
				for range 40 {
					if s := c.snap(); killed == "between charge and issue" && s.Stage == sale.Paying && s.Due == 0 {
						killed = ""
						c.restart()
						if c.snap().Stage != sale.Selling || c.snap().Cart.ID != id {
							t.Fatalf("the sale did not come back: %+v", c.snap())
						}
					}
					if over = c.goOn(); over {
						break
					}
				}
				if n := c.charged(id); n != 1 || !over {
					t.Fatalf("charged %d times, over %v: %s", n, over, c.words())
				}
				r, err := c.file.Sale(id)
				c.must(err)
				list, err := c.file.Documents(sale.DocumentQuery{})
				c.must(err)
				if len(list) != 2 || len(r.Payment.Tenders) != 1 || r.Payment.Tenders[0].Charge == "" || r.Payment.Tenders[0].Method != sale.Credito {
					t.Errorf("%d documents, paid %+v", len(list), r.Payment)
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

// deskOf answers as the test says.
type deskOf struct {
	terminal.Ledger
	answers []terminal.Result
	asked   []string
	waiting func(context.Context)
}

func (d *deskOf) Charge(ctx context.Context, in terminal.Intent) terminal.Result {
	return d.next(ctx, "cobra "+in.Amount.String(), in)
}

func (d *deskOf) Resolve(ctx context.Context, in terminal.Intent) terminal.Result {
	return d.next(ctx, "consulta", in)
}

func (d *deskOf) next(ctx context.Context, what string, in terminal.Intent) terminal.Result {
	d.asked = append(d.asked, what)
	if d.waiting != nil {
		d.waiting(ctx)
	}
	r := d.answers[0]
	d.answers = d.answers[1:]
	r.Amount = in.Amount
	return r
}

func (d *deskOf) Refund(ctx context.Context, in terminal.Intent) terminal.Result {
	return d.next(ctx, "devuelve "+in.Amount.String(), in)
}
func (*deskOf) CloseDay(context.Context) error { return nil }

// withTerminal has a terminal answer in the window's own turn.
func withTerminal(t *testing.T, answers ...terminal.Result) (*world, *deskOf) {
	x := newWorld(t)
	d := &deskOf{answers: answers}
	x.w.cards = &terminal.Desk{Terminal: d, Ledger: x.journal.Charges(), Now: func() time.Time { return x.now }}
	x.w.runAside = func(f func()) { f() }
	return x, d
}

func (x *world) atPayment() {
	x.t.Helper()
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
}

var (
	approved = terminal.Result{State: terminal.Approved, Operation: "000141", Card: terminal.Debit, Message: "Tarjeta cobrada. Siga con el documento."}
	declined = terminal.Result{State: terminal.Declined, Message: "Tarjeta rechazada: no se cobró."}
	unheard  = terminal.Result{State: terminal.Unknown, Message: "No sabemos si la tarjeta fue cobrada. No vuelva a pasarla: consulte el terminal. Se cortó el cable."}
)

// A refused card pays nothing and another one may follow; a part by card and the rest in cash is one payment.
func TestCardOnTheTerminal(t *testing.T) {
	x, d := withTerminal(t, declined, approved)
	x.atPayment()
	x.finger("500")
	x.press(f3)
	x.sees("Tarjeta rechazada")
	x.press(esc)
	x.press(f3)
	x.sees("Tarjeta cobrada. Siga con el documento.", "Débito", "000141")
	x.press(f1, f12)
	if p := x.last().Payment; len(p.Tenders) != 2 || p.Tenders[0].Amount != 500 || p.Tenders[0].Method != sale.Debito {
		t.Errorf("paid %+v", p)
	}
	if !slices.Equal(d.asked, []string{"cobra 500", "cobra 500"}) {
		t.Errorf("asked %v", d.asked)
	}
}

// While nobody knows, the sale waits, and says what to do; the terminal, or a person with name and reason, ends it.
func TestDoubtAboutACard(t *testing.T) {
	x, d := withTerminal(t, unheard, unheard)
	x.atPayment()
	x.press(f2)
	x.sees("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.", "$1.090", "Se cortó el cable.")
	x.press(esc, f1)
	x.sees("No vuelva a pasarla: consulte el terminal")
	x.press(esc, f3) // any card: it asks about the one in doubt
	x.sees("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")
	x.press(f2)
	x.sees("Se cortó el cable.")
	x.press(f3)
	x.enter("quizás")
	x.enter("")
	x.enter("Rosa")
	x.enter("vi el comprobante")
	x.sees("Conteste sí o no: ¿Se cobró la tarjeta?")
	x.press(esc)
	x.press(f2) // still in doubt
	x.press(f3)
	x.enter("sí")
	x.enter("000141")
	x.enter("Rosa")
	x.enter("vi el comprobante")
	x.sees("Lo declaró Rosa: tarjeta cobrada.")
	x.press(f12)
	if p := x.last().Payment; len(p.Tenders) != 1 || p.Tenders[0].Method != sale.Debito || p.Tenders[0].Reference != "000141" {
		t.Errorf("paid %+v", p)
	}
	if !slices.Equal(d.asked, []string{"cobra 1.090", "consulta"}) {
		t.Errorf("asked %v", d.asked)
	}
}

// Escape stops the waiting and not the charge: what came of it is still asked for.
func TestStopWaitingForACard(t *testing.T) {
	x, d := withTerminal(t, unheard)
	d.waiting = func(ctx context.Context) {
		x.sees("Hablando con el terminal…", "$1.090", "tecla roja")
		x.w.CardProgress("Pase la tarjeta")
		x.sees("Pase la tarjeta")
		x.press(enter, f1, f12)
		x.press(esc)
		x.sees("Dejando de esperar…")
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Error("the terminal is still waited for")
		}
	}
	x.atPayment()
	x.press(f2)
	x.sees("No vuelva a pasarla.")
	if n := len(x.snap().Payment.Tenders); n != 0 {
		t.Errorf("%d tenders", n)
	}
}

// A charge that a person gave back at the terminal pays nothing any more, and the sale can be changed.
func TestReleaseACard(t *testing.T) {
	x, _ := withTerminal(t, approved)
	x.atPayment()
	x.press(f2, esc, esc)
	x.scan(cafe)
	x.sees("ya aprobado, así que no se puede cambiar")
	x.press(esc, f12, f8)
	x.enter("Rosa")
	x.enter("se arrepintió")
	x.sees("Anotado: el cobro se devolvió en el terminal.")
	if charges, err := x.journal.CardCharges(x.snap().Cart.ID); err != nil || len(charges) != 1 || charges[0].Released != "Rosa: se arrepintió" {
		t.Errorf("kept %+v, %v", charges, err)
	}
	x.press(esc, esc)
	x.scan(cafe)
	if n := len(x.lines()); n != 2 {
		t.Errorf("%d lines", n)
	}
}

// A terminal without a cable is read by the cashier: the number is needed, and Escape leaves a doubt.
func TestManualTerminal(t *testing.T) {
	x := newWorld(t)
	posted := make(chan func(), 16)
	x.w.loop, x.w.runAside = dispatcherFunc(func(f func()) { posted <- f }), newGoroutine
	x.w.cards = &terminal.Desk{Terminal: terminal.Manual{Ask: x.w.AskCard}, Ledger: x.journal.Charges(), Now: func() time.Time { return x.now }}
	next := func() { (<-posted)() }
	x.atPayment()
	x.press(f2)
	next() // the question
	x.sees("Terminal: $1.090", "Cobre $1.090 en el terminal")
	x.press(f12)
	next() // no number: asked again
	x.sees("Falta el número de operación")
	x.press(esc)
	next()
	x.sees("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")
	x.press(f2)
	next()
	x.sees("Busque en el terminal la venta de $1.090")
	x.press(enter)
	x.enter("000141")
	next()
	x.press(f12)
	if p := x.last().Payment; len(p.Tenders) != 1 || p.Tenders[0].Reference != "000141" {
		t.Errorf("paid %+v", p)
	}
}
