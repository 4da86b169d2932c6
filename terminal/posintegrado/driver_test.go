package posintegrado_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mostrador/terminal"
	"mostrador/terminal/posintegrado"
	"mostrador/terminal/possim"
	"mostrador/terminal/terminaltest"
)

// world is a terminal, a driver on a cable to it, and a desk, in a bubble of package synctest.
type world struct {
	*testing.T
	sim    *possim.Sim
	driver *posintegrado.Driver
	desk   *terminal.Desk
	words  []string
}

func newWorld(t *testing.T, c possim.Config) *world {
	c.Now, c.After = time.Now, time.After
	w := &world{T: t, sim: possim.New(c)}
	w.driver = posintegrado.New(posintegrado.Config{
		Open: w.sim.Dial, Now: time.Now, After: time.After, Zone: time.UTC, Voucher: true,
		Progress: func(s string) { w.words = append(w.words, s) },
	})
	w.desk = &terminal.Desk{Terminal: w.driver, Ledger: &terminal.Memory{}, Now: time.Now}
	t.Cleanup(func() {
		w.driver.Disconnect()
		w.sim.Stop()
	})
	return w
}

func (w *world) charge(ref string) terminal.Result {
	w.Helper()
	r, err := w.desk.Charge(w.Context(), ref, 1990)
	if err != nil {
		w.Fatalf("charge %s: %v", ref, err)
	}
	return r
}

func (w *world) want(r terminal.Result, s terminal.State, ref string, charged int) {
	w.Helper()
	if n := w.sim.Charged(terminal.TicketFor(ref)); r.State != s || n != charged {
		w.Fatalf("%s, charged %d times; want %s and %d: %s", r.State, n, s, charged, r.Message)
	}
}

// in runs a test where time is the bubble's.
func in(t *testing.T, c possim.Config, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t, c)) })
}

const card = "4539578763621486"

func TestDriverConforms(t *testing.T) {
	terminaltest.RunTerminal(t, func(t *testing.T) terminaltest.Bench {
		w := newWorld(t, possim.Config{PAN: card})
		return terminaltest.Bench{Terminal: w.driver, Now: time.Now, Charged: w.sim.Charged, Refunded: w.sim.Refunded, Card: card, Next: func(o terminaltest.Outcome) {
			w.sim.Play(map[terminaltest.Outcome]possim.Script{
				terminaltest.Pays:          {},
				terminaltest.IsDeclined:    {Code: "01"},
				terminaltest.GivesUp:       {Code: "07"},
				terminaltest.PaysUnheard:   {PowerLoss: possim.AfterApproval},
				terminaltest.LeavesUnheard: {PowerLoss: possim.BeforeApproval},
			}[o])
		}}
	})
}

func TestAnApprovedSale(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		r := w.charge("a")
		w.want(r, terminal.Approved, "a", 1)
		if r.Operation != "000001" || r.Authorization == "" || r.Card != terminal.Credit || r.Brand != "VI" || r.Last4 != "1486" ||
			r.TerminalID != "SIM00001" || r.Ticket != terminal.TicketFor("a") || r.Amount != 1990 {
			w.Errorf("what is kept of it: %+v", r)
		}
		if age := time.Since(r.At); age < 0 || age > 10*time.Second {
			w.Errorf("the terminal's clock said %s", r.At)
		}
		if got := strings.Join(r.Voucher, "\n"); !strings.Contains(got, "OPERACION: 000001") || !strings.Contains(got, "597000000123") {
			w.Errorf("voucher:\n%s", got)
		}
		want := "Acerque, inserte o deslice la tarjeta / El cliente confirma el monto / El cliente escribe su clave / Consultando a Transbank"
		if got := strings.Join(w.words, " / "); got != want {
			w.Errorf("progress %q, want %q", got, want)
		}
	})
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for code, c := range map[string]struct {
		terminal.State
		words string
		close bool
	}{
		"01": {terminal.Declined, "Tarjeta rechazada (código 01). No se cobró.", false},
		"07": {terminal.Cancelled, "Se canceló en el terminal. No se cobró.", false},
		"02": {terminal.Declined, "no pudo comunicarse con Transbank. No se cobró.", false},
		"24": {terminal.Declined, "no tiene papel. No se cobró.", false},
		"67": {terminal.Declined, "pide hacer el cierre. No se cobró.", true},
		"77": {terminal.Declined, "pide hacer el cierre. No se cobró.", true},
	} {
		t.Run(code, func(t *testing.T) {
			in(t, possim.Config{}, func(w *world) {
				w.sim.Play(possim.Script{Code: code})
				r := w.charge("a")
				w.want(r, c.State, "a", 0)
				if !strings.Contains(r.Message, c.words) || r.NeedsClose != c.close {
					w.Errorf("%+v", r)
				}
			})
		})
	}
}

// A terminal that is not there has charged nothing, and the till says so at once: nothing was sent but a poll.
func TestNobodyThere(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.sim.Play(possim.Script{Deaf: true})
		start := time.Now()
		r := w.charge("a")
		w.want(r, terminal.Cancelled, "a", 0)
		if d := time.Since(start); d > 5*time.Second || !strings.Contains(r.Message, "no fue cobrada") {
			w.Errorf("after %s: %s", d, r.Message)
		}
		w.sim.Play(possim.Script{})
		w.want(w.charge("b"), terminal.Approved, "b", 1)
	})
	// Who loses patience before the terminal has answered the poll has charged nothing either.
	in(t, possim.Config{}, func(w *world) {
		w.sim.Play(possim.Script{Deaf: true})
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		r, err := w.desk.Charge(ctx, "a", 1990)
		if err != nil || r.State != terminal.Cancelled || !strings.Contains(r.Message, "No se pidió nada") {
			w.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("no port", func(t *testing.T) {
		d := posintegrado.New(posintegrado.Config{
			Now: time.Now, After: time.After, Zone: time.UTC,
			Open: func() (io.ReadWriteCloser, error) { return nil, errors.New("no such port") },
		})
		r := d.Charge(t.Context(), terminal.Intent{Ref: "a", Ticket: "AAAAAA", Amount: 100})
		if r.State != terminal.Cancelled || !strings.Contains(r.Message, "no fue cobrada") {
			t.Errorf("%+v", r)
		}
		if r := d.Resolve(t.Context(), terminal.Intent{Ref: "a", Ticket: "AAAAAA", Amount: 100}); r.State != terminal.Unknown {
			t.Errorf("nobody can know: %+v", r)
		}
	})
}

// A cable that was pulled out and put back between two sales costs nothing but a second poll.
func TestPulledOutBetweenSales(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.want(w.charge("a"), terminal.Approved, "a", 1)
		w.sim.Play(possim.Script{Cut: &possim.Cut{After: 0, Kind: possim.Unplugged}})
		w.want(w.charge("b"), terminal.Approved, "b", 1)
		w.sim.Play(possim.Script{Cut: &possim.Cut{After: 0, Kind: possim.Silent}})
		w.want(w.charge("c"), terminal.Approved, "c", 1)
	})
}

// Each misbehaviour ends with the truth, and nobody pays twice.
func TestMisbehaviour(t *testing.T) {
	for name, c := range map[string]struct {
		script possim.Script
		state  terminal.State // of the charge
		end    terminal.State // after it was resolved
	}{
		"a NAK to the poll":        {possim.Script{NAKs: 1}, terminal.Approved, terminal.Approved},
		"a NAK to the sale":        {possim.Script{NAKSales: 1}, terminal.Unknown, terminal.Cancelled},
		"a NAK storm":              {possim.Script{NAKs: 1000}, terminal.Cancelled, terminal.Cancelled},
		"a stray NAK":              {possim.Script{StrayNAK: true}, terminal.Approved, terminal.Approved},
		"a stray NAK, buffered":    {possim.Script{StrayNAK: true, Buffers: true}, terminal.Approved, terminal.Approved},
		"an ACK that never came":   {possim.Script{Mute: true}, terminal.Approved, terminal.Approved},
		"two wrong check bytes":    {possim.Script{BadCheck: 2}, terminal.Approved, terminal.Approved},
		"only wrong check bytes":   {possim.Script{BadCheck: 3}, terminal.Unknown, terminal.Approved},
		"noise":                    {possim.Script{Noise: []byte("\x00\xff~|0210|00|\x03")}, terminal.Approved, terminal.Approved},
		"half a frame before":      {possim.Script{Noise: []byte("\x020210|00|59")}, terminal.Approved, terminal.Approved},
		"a slow drip":              {possim.Script{Drip: 300 * time.Millisecond}, terminal.Approved, terminal.Approved},
		"repeated answers":         {possim.Script{Repeats: 2}, terminal.Approved, terminal.Approved},
		"a slow customer":          {possim.Script{Card: 35 * time.Second}, terminal.Approved, terminal.Approved},
		"a customer without end":   {possim.Script{Card: time.Minute}, terminal.Unknown, terminal.Approved},
		"another ticket":           {possim.Script{AnswerTicket: "OTRO01"}, terminal.Unknown, terminal.Approved},
		"another amount":           {possim.Script{AnswerAmount: 19900}, terminal.Unknown, terminal.Approved},
		"power, before":            {possim.Script{PowerLoss: possim.BeforeApproval}, terminal.Unknown, terminal.Cancelled},
		"power, after":             {possim.Script{PowerLoss: possim.AfterApproval}, terminal.Unknown, terminal.Approved},
		"a code that is no number": {possim.Script{Code: "xx"}, terminal.Unknown, terminal.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, possim.Config{}, func(w *world) {
				w.charge("antes")
				w.sim.Play(c.script)
				charged := map[bool]int{true: 1}[c.end == terminal.Approved]
				r := w.charge("a")
				if r.State != c.state {
					w.Fatalf("%s, want %s: %s", r.State, c.state, r.Message)
				}
				for range 6 {
					if r.State.Known() {
						break
					}
					r = w.charge("a")
					<-time.After(time.Minute)
				}
				w.want(r, c.end, "a", charged)
				if r.Ticket != terminal.TicketFor("a") || r.Amount != 1990 {
					w.Errorf("it is about another sale: %+v", r)
				}
				w.sim.Play(possim.Script{})
				<-time.After(time.Minute)
				w.want(w.charge("b"), terminal.Approved, "b", 1)
				w.want(w.charge("a"), c.end, "a", charged)
			})
		})
	}
}

// A damaged answer is asked for at once; nobody waits the ten seconds after which it would come by itself.
func TestDamagedAnswersAreAskedForAgain(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.sim.Play(possim.Script{BadCheck: 2, Card: time.Second})
		start := time.Now()
		w.want(w.charge("a"), terminal.Approved, "a", 1)
		if d := time.Since(start); d > 5*time.Second {
			w.Errorf("it took %s", d)
		}
	})
}

// The cashier may stop listening; the terminal is not stopped by that, and its late answer is still heard.
func TestLateAnswer(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("antes")
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		r, err := w.desk.Charge(ctx, "a", 1990)
		if err != nil || r.State != terminal.Unknown || !strings.Contains(r.Message, "No vuelva a pasarla") {
			w.Fatalf("%+v, %v", r, err)
		}
		w.want(r, terminal.Unknown, "a", 0)
		<-time.After(time.Minute)
		r, err = w.desk.Resolve(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.want(r, terminal.Approved, "a", 1)
	})
	// A refusal is never in the terminal's memory: only its late answer can tell so soon.
	in(t, possim.Config{}, func(w *world) {
		w.sim.Play(possim.Script{Code: "01"})
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		if r, err := w.desk.Charge(ctx, "a", 1990); err != nil || r.State != terminal.Unknown {
			w.Fatalf("%+v, %v", r, err)
		}
		<-time.After(30 * time.Second)
		r, err := w.desk.Resolve(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		w.want(r, terminal.Declined, "a", 0)
	})
}

// What was heard of an earlier charge says nothing of a later one, not even under the same ticket.
func TestOldAnswersAreForgotten(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		in := terminal.Intent{Ref: "a", Ticket: "AAAAAA", Amount: 1990, At: time.Now()}
		w.sim.Play(possim.Script{Code: "01"})
		if r := w.driver.Charge(w.Context(), in); r.State != terminal.Declined {
			w.Fatalf("%+v", r)
		}
		w.sim.Play(possim.Script{PowerLoss: possim.AfterApproval})
		if r := w.driver.Charge(w.Context(), in); r.State != terminal.Unknown {
			w.Fatalf("%+v", r)
		}
		<-time.After(time.Minute)
		if r := w.driver.Resolve(w.Context(), in); r.State != terminal.Approved || w.sim.Charged("AAAAAA") != 1 {
			w.Errorf("%+v", r)
		}
	})
}

// A terminal that answers questions while it waits for the card is not believed before it can have finished.
func TestNotChargedIsNotBelievedTooEarly(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("antes")
		w.sim.Play(possim.Script{Concurrent: true, Card: 10 * time.Second})
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		if r, err := w.desk.Charge(ctx, "a", 1990); err != nil || r.State != terminal.Unknown {
			w.Fatalf("%+v, %v", r, err)
		}
		r, err := w.desk.Resolve(w.Context())
		if err != nil || r.State != terminal.Unknown || !strings.Contains(r.Message, "Espere") {
			w.Fatalf("%+v, %v", r, err)
		}
		// Nor by a program that was started again meanwhile and does not know when the sale left.
		w.driver.Disconnect()
		w.quiet()
		r, err = w.desk.Resolve(w.Context())
		if err != nil || r.State != terminal.Unknown || !strings.Contains(r.Message, "Espere") {
			w.Fatalf("started again: %+v, %v", r, err)
		}
		<-time.After(4 * time.Minute)
		w.want(w.charge("a"), terminal.Approved, "a", 1)
	})
}

// Behind a sale of somebody else, or after a cierre, nothing is proved.
func TestMemoryThatProvesNothing(t *testing.T) {
	for name, meddle := range map[string]func(*possim.Sim){
		"a sale by hand": func(s *possim.Sim) { s.SellByHand("MANO01", 500) },
		"a cierre":       func(s *possim.Sim) { s.CloseByHand() },
		"both": func(s *possim.Sim) {
			s.CloseByHand()
			s.SellByHand("MANO01", 500)
		},
	} {
		for _, power := range []possim.PowerLoss{possim.BeforeApproval, possim.AfterApproval} {
			t.Run(fmt.Sprint(name, power), func(t *testing.T) {
				in(t, possim.Config{}, func(w *world) {
					w.charge("antes")
					w.sim.Play(possim.Script{PowerLoss: power})
					if r := w.charge("a"); r.State != terminal.Unknown {
						w.Fatalf("%+v", r)
					}
					meddle(w.sim)
					for range 6 {
						<-time.After(time.Minute)
						if r := w.charge("a"); r.State != terminal.Unknown || !strings.Contains(r.Message, "encargado") {
							w.Fatalf("%s: %s", r.State, r.Message)
						}
					}
				})
			})
		}
	}
}

// refund gives back the charge of a ref, whole.
func (w *world) refund(ref, of string) terminal.Result {
	w.Helper()
	r, err := w.desk.Refund(w.Context(), ref, w.charged(of), 1990)
	if err != nil {
		w.Fatalf("refund %s: %v", ref, err)
	}
	return r
}

// charged is a charge, as the ledger knows it.
func (w *world) charged(ref string) terminal.Charged {
	w.Helper()
	e, fresh, err := w.desk.Ledger.Begin(terminal.Intent{Ref: ref})
	if err != nil || fresh {
		w.Fatalf("no charge %s: %v", ref, err)
	}
	return e.Charged()
}

func (w *world) wantBack(r terminal.Result, s terminal.State, refunded int, words string) {
	w.Helper()
	if n := w.sim.Refunded(terminal.TicketFor("a")); r.State != s || n != refunded || !strings.Contains(r.Message, words) {
		w.Fatalf("%s, given back %d times; want %s and %d, with %q: %s", r.State, n, s, refunded, words, r.Message)
	}
}

// The operation and its authorization are kept; what a terminal cannot annul it says, and nothing was given back.
func TestRefunds(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("a")
		w.sim.Play(possim.Script{Deaf: true})
		w.wantBack(w.refund("r1", "a"), terminal.Cancelled, 0, "sigue en pie")
		w.sim.Play(possim.Script{RefundCode: "01"})
		w.wantBack(w.refund("r2", "a"), terminal.Declined, 0, "(código 01). El cobro sigue en pie")
		w.sim.Play(possim.Script{})
		part, err := w.desk.Refund(w.Context(), "r3", w.charged("a"), 1989)
		if err != nil {
			w.Fatal(err)
		}
		w.wantBack(part, terminal.Cancelled, 0, "sólo anula el cobro entero, de $1.990")
		r := w.refund("r4", "a")
		w.wantBack(r, terminal.Approved, 1, "el dinero vuelve a la tarjeta")
		if r.Operation != "000001" || r.Authorization == "" || r.TerminalID != "SIM00001" {
			w.Errorf("what is kept of it: %+v", r)
		}
		w.wantBack(w.refund("r5", "a"), terminal.Approved, 1, "ya estaba anulado")
	})
	in(t, possim.Config{}, func(w *world) {
		w.charge("a")
		w.sim.CloseByHand()
		w.wantBack(w.refund("r1", "a"), terminal.Declined, 0, "ya no tiene esa venta")
		of := w.charged("a")
		of.Operation = "12|0500||"
		r, _ := w.desk.Refund(w.Context(), "r2", of, 1990)
		w.wantBack(r, terminal.Cancelled, 0, "número de operación")
	})
	in(t, possim.Config{Debit: true}, func(w *world) {
		w.charge("a")
		w.wantBack(w.refund("r1", "a"), terminal.Cancelled, 0, "débito")
		of := w.charged("a")
		of.Card = ""
		r, _ := w.desk.Refund(w.Context(), "r2", of, 1990)
		w.wantBack(r, terminal.Declined, 0, "débito")
	})
}

// After midnight the number of an operation may be somebody else's: the terminal is not even asked.
func TestNoRefundOfAnotherDay(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("a")
		<-time.After(24 * time.Hour)
		w.wantBack(w.refund("r1", "a"), terminal.Cancelled, 0, "mismo día")
	})
}

// A refund is in doubt, the terminal's day is closed, and it no longer knows the sale: that is no proof that it gave nothing back.
func TestARefundInDoubtOverACierre(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("a")
		w.sim.Play(possim.Script{PowerLoss: possim.AfterApproval})
		w.wantBack(w.refund("r1", "a"), terminal.Unknown, 1, "No lo devuelva de otra manera")
		<-time.After(time.Minute)
		w.sim.CloseByHand()
		for range 2 {
			w.wantBack(w.refund("r1", "a"), terminal.Unknown, 1, "encargado")
		}
		r, err := w.desk.Declare(terminal.Result{State: terminal.Approved, Operation: "000001", By: "Ana", Reason: "vi el comprobante"})
		if err != nil {
			w.Fatal(err)
		}
		w.wantBack(r, terminal.Approved, 1, "Lo declaró Ana: dinero devuelto a la tarjeta")
	})
}

func TestTheDay(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		w.charge("a")
		w.charge("b")
		last, err := w.driver.Last(w.Context())
		if err != nil || last.Ticket != terminal.TicketFor("b") || last.Amount != 1990 {
			w.Errorf("last %+v, %v", last, err)
		}
		w.sim.Play(possim.Script{Mute: true})
		if last, err := w.driver.Last(w.Context()); err != nil || last.Ticket != terminal.TicketFor("b") {
			w.Errorf("without an ACK: %+v, %v", last, err)
		}
		w.sim.Play(possim.Script{})
		if n, sum, err := w.driver.Totals(w.Context()); n != 2 || sum != 3980 || err != nil {
			w.Errorf("totals %d, %s, %v", n, sum, err)
		}
		if err := w.driver.CloseDay(w.Context()); err != nil || len(w.sim.Memory()) != 0 {
			w.Errorf("close: %v, %d sales left", err, len(w.sim.Memory()))
		}
		if last, err := w.driver.Last(w.Context()); err != nil || last.State != "" {
			w.Errorf("last %+v, %v", last, err)
		}
		if err := errors.Join(w.driver.LoadKeys(w.Context()), w.driver.Poll(w.Context()), w.driver.NormalMode(w.Context())); err != nil {
			w.Error(err)
		}
		w.sim.Play(possim.Script{Deaf: true})
		if err := w.driver.CloseDay(w.Context()); err == nil {
			w.Error("a deaf terminal closed its day")
		}
	})
}

// A ticket or amount that would not fit, or would be another field, never reaches the wire.
func TestIntentsThatDoNotFit(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		for _, x := range []terminal.Intent{
			{Ticket: "", Amount: 100},
			{Ticket: "1234567", Amount: 100},
			{Ticket: "1|2", Amount: 100},
			{Ticket: "1\x03", Amount: 100},
			{Ticket: "1", Amount: 0},
			{Ticket: "1", Amount: -1},
			{Ticket: "1", Amount: 1_000_000_000},
		} {
			if r := w.driver.Charge(w.Context(), x); r.State != terminal.Cancelled || len(w.sim.Memory()) != 0 {
				w.Errorf("%+v: %+v", x, r)
			}
		}
	})
}

func TestOneAtATime(t *testing.T) {
	in(t, possim.Config{}, func(w *world) {
		first := make(chan terminal.Result)
		go func() {
			first <- w.driver.Charge(w.Context(), terminal.Intent{Ref: "a", Ticket: "AAAAAA", Amount: 100})
		}()
		<-time.After(time.Second)
		other := terminal.Intent{Ref: "b", Ticket: "BBBBBB", Amount: 100}
		if r := w.driver.Charge(w.Context(), other); r.State != terminal.Cancelled || !strings.Contains(r.Message, "ocupado") {
			w.Errorf("%+v", r)
		}
		if r := w.driver.Resolve(w.Context(), other); r.State != terminal.Unknown || !strings.Contains(r.Message, "ocupado") {
			w.Errorf("%+v", r)
		}
		if r := <-first; r.State != terminal.Approved {
			w.Errorf("%+v", r)
		}
	})
}
