package posintegrado

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"mostrador/money"
	"mostrador/terminal"
)

// Pace is the patience with a terminal. The zero value of each field stands for its default.
type Pace struct {
	// ACK is how long the terminal may take to acknowledge a command (2 s).
	ACK time.Duration
	// Answer is how long it may take from there to the answer: the customer looks for the card and types (150 s).
	Answer time.Duration
	// Gap is how long it may pause within a message (2 s).
	Gap time.Duration
	// Quiet is how long nothing may come for a terminal to be idle that left commands unacknowledged: longer than the ten
	// seconds after which it repeats an answer (12 s).
	Quiet time.Duration
	// Settle is how long after a sale was sent "not charged" is not believed yet: the terminal could still be at it (3 min).
	Settle time.Duration
}

func (p Pace) orDefaults() Pace {
	duration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	duration(&p.ACK, 2*time.Second)
	duration(&p.Answer, 150*time.Second)
	duration(&p.Gap, 2*time.Second)
	duration(&p.Quiet, 12*time.Second)
	duration(&p.Settle, 3*time.Minute)
	return p
}

// Config is what a Driver works with. Open, Now, After and Zone are needed.
type Config struct {
	// Open opens the line; it is called again after every fault. See OpenPort.
	Open func() (io.ReadWriteCloser, error)
	Now  func() time.Time
	// After is time.After; tests turn the clock themselves.
	After func(time.Duration) <-chan time.Time
	// Zone is where the terminal's clock hangs: Santiago.
	Zone *time.Location
	// Voucher asks for the text of the voucher with each sale, for a terminal that is not to print it.
	Voucher bool
	// Progress, if set, is told in words what the terminal is doing. It must not block.
	Progress func(words string)
	Pace     Pace
}

// Driver is a terminal in mode POS Integrado. It is a terminal.Terminal. Its methods may be called from any goroutine; a
// second one while the first is under way is turned away.
type Driver struct {
	c    Config
	busy sync.Mutex
	line *line
	// heard is the last answer to a sale that arrived, whoever waited for it.
	heard message
	// since is when a sale may last have been sent: by this driver, or by one before it.
	since time.Time
	// owed is how many commands were sent and neither acknowledged nor refused. Polls are not counted: they take no time.
	owed int
}

// New makes a driver. The line is opened with the first command.
func New(c Config) *Driver {
	c.Pace = c.Pace.orDefaults()
	return &Driver{c: c, since: c.Now()}
}

// Disconnect closes the line. The next command opens it again.
func (d *Driver) Disconnect() {
	d.busy.Lock()
	defer d.busy.Unlock()
	d.hangUp()
}

func (d *Driver) open() (*line, error) {
	if d.line != nil {
		return d.line, nil
	}
	port, err := d.c.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPort, err)
	}
	d.line = newLine(port)
	return d.line, nil
}

func (d *Driver) hangUp() {
	if d.line != nil {
		d.line.close()
		d.line = nil
	}
}

func (d *Driver) report(words string) {
	if d.c.Progress != nil && words != "" {
		d.c.Progress(words)
	}
}

// Charge sends the sale, once the terminal has shown that it is there.
func (d *Driver) Charge(ctx context.Context, in terminal.Intent) terminal.Result {
	switch {
	case in.Amount <= 0 || in.Amount > terminal.MaxAmount || !ticket(in.Ticket):
		return terminal.NotCharged(in, "El terminal no admite ese monto o ese número. No se cobró nada.")
	case ctx.Err() != nil:
		return terminal.NotCharged(in, nothingAsked)
	case !d.busy.TryLock():
		return terminal.NotCharged(in, "El terminal está ocupado con otra operación. No se cobró nada: espere y pruebe de nuevo.")
	}
	defer d.busy.Unlock()
	err := d.untilQuiet(ctx)
	if err == nil {
		err = d.poll(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return terminal.NotCharged(in, nothingAsked)
	case err != nil:
		return terminal.NotCharged(in, noAnswer)
	}
	d.heard, d.since = message{}, d.c.Now()
	voucher := "0"
	if d.c.Voucher {
		voucher = "1"
	}
	m, err := d.exchange(ctx, command{
		text:   fnSale + "|" + in.Amount.XML() + "|" + in.Ticket + "||" + voucher + "|1|",
		answer: fnSold,
		mine:   func(m message) bool { return answersTo(in, m) },
	})
	if err != nil {
		return terminal.NotSure(in, sentence(err))
	}
	return d.sold(in, m)
}

// poll asks whether the terminal is there. It is asked twice: a line that was open may have been pulled out and put back
// since, and then a fresh one is tried.
func (d *Driver) poll(ctx context.Context) error {
	_, err := d.exchange(ctx, command{text: fnPoll})
	if err != nil && ctx.Err() == nil {
		_, err = d.exchange(ctx, command{text: fnPoll})
	}
	return err
}

// answersTo: an answer with our ticket is ours. One without any is ours if it is a refusal: some of them repeat nothing
// of the question (supposed).
func answersTo(in terminal.Intent, m message) bool {
	return m.text(fieldTicket) == in.Ticket || m.text(fieldTicket) == "" && m.code() != "" && m.code() != approved
}

func (d *Driver) sold(in terminal.Intent, m message) terminal.Result {
	switch m.code() {
	case "":
		return terminal.NotSure(in, "El terminal respondió algo que no se entiende.")
	case approved:
	default:
		return refused(in, m.code())
	}
	r := m.sold(d.c.Zone)
	if r.State != terminal.Approved || r.Amount != in.Amount {
		return terminal.NotSure(in, "El terminal aprobó una venta de otro monto. El encargado debe mirar el comprobante.")
	}
	r.Message = "Tarjeta cobrada. Siga con el documento."
	return r
}

// Resolve asks for the last sale. An answer to the sale itself that comes late is better than that.
func (d *Driver) Resolve(ctx context.Context, in terminal.Intent) terminal.Result {
	if !d.busy.TryLock() {
		return terminal.NotSure(in, "El terminal está ocupado con otra operación: espere y consulte de nuevo.")
	}
	defer d.busy.Unlock()
	if in.Refunds() {
		return d.resolveRefund(ctx, in)
	}
	if r, ok := d.late(in); ok {
		return r
	}
	last, err := d.last(ctx)
	if r, ok := d.late(in); ok {
		return r
	}
	if err != nil {
		return terminal.NotSure(in, sentence(err))
	}
	r := terminal.Judge(in, last)
	if wait := d.since.Add(d.c.Pace.Settle).Sub(d.c.Now()); r.State != terminal.Approved && r.State.Known() && wait > 0 {
		return terminal.NotSure(in, fmt.Sprintf("El terminal podría estar cobrando todavía. Espere %d segundos y consulte de nuevo.",
			wait/time.Second+1))
	}
	return r
}

// late is the end of an intent by the terminal's own answer to it, if that was heard.
func (d *Driver) late(in terminal.Intent) (terminal.Result, bool) {
	if d.heard.text(fieldTicket) != in.Ticket {
		return terminal.Result{}, false
	}
	r := d.sold(in, d.heard)
	return r, r.State.Known()
}

// Last is the last sale that the terminal remembers; its State is empty if it remembers none. The terminal prints it
// once more.
func (d *Driver) Last(ctx context.Context) (terminal.Result, error) {
	d.busy.Lock()
	defer d.busy.Unlock()
	return d.last(ctx)
}

func (d *Driver) last(ctx context.Context) (terminal.Result, error) {
	m, err := d.exchange(ctx, command{text: fnLast + "|", answer: fnLastSold, again: true})
	switch {
	case err != nil:
		return terminal.Result{}, err
	case m.code() == codeNoSales:
		return terminal.Result{}, nil
	case m.code() != approved:
		return terminal.Result{}, fmt.Errorf("%w (código %s)", errAnswered, m.code())
	}
	r := m.sold(d.c.Zone)
	if r.State != terminal.Approved {
		return terminal.Result{}, errAnswered
	}
	return r, nil
}

// Refund annuls a charge with the terminal's anulación: of the whole operation, of the same day, of a credit card. It knows by
// the operation's number what it has annulled before, so that the command may be repeated.
func (d *Driver) Refund(ctx context.Context, in terminal.Intent) terminal.Result {
	switch why := d.cannotAnnul(in); {
	case why != "":
		return terminal.NotCharged(in, why)
	case ctx.Err() != nil:
		return terminal.NotCharged(in, nothingAnnulled)
	case !d.busy.TryLock():
		return terminal.NotCharged(in, "El terminal está ocupado con otra operación. No se anuló nada: espere y pruebe de nuevo.")
	}
	defer d.busy.Unlock()
	err := d.untilQuiet(ctx)
	if err == nil {
		err = d.poll(ctx)
	}
	if err != nil {
		return terminal.NotCharged(in, nothingAnnulled)
	}
	m, err := d.annul(ctx, in)
	if err != nil {
		return terminal.NotSure(in, sentence(err))
	}
	return annulled(in, m)
}

// annul sends the command. Any answer that does not name another operation is the one to it.
func (d *Driver) annul(ctx context.Context, in terminal.Intent) (message, error) {
	return d.exchange(ctx, command{
		text: fnRefund + "|" + in.Back.Operation + "|", answer: fnRefunded, again: true,
		mine: func(m message) bool {
			return m.text(refundOperation) == "" || sameNumber(m.text(refundOperation), in.Back.Operation)
		},
	})
}

// cannotAnnul says why the terminal's command is of no use here; empty if it is. Only the till looks at the day: a terminal gives a
// number of operation again some time after its cierre, and would annul somebody else's.
func (d *Driver) cannotAnnul(in terminal.Intent) string {
	of := in.Back
	switch {
	case !digits(of.Operation) || len(of.Operation) > terminal.TicketLen:
		return "Ese cobro no tiene número de operación del terminal. El cobro sigue en pie."
	case of.Card == terminal.Debit:
		return noDebitRefund
	case in.Amount != of.Amount:
		return "El terminal sólo anula el cobro entero, de $" + of.Amount.String() + ". El cobro sigue en pie."
	case d.c.Now().In(d.c.Zone).Format(time.DateOnly) != of.At.In(d.c.Zone).Format(time.DateOnly):
		return "El terminal sólo anula cobros del mismo día. El cobro sigue en pie."
	}
	return ""
}

// resolveRefund asks again. What is done is done, says the terminal; but that it cannot do it now does not prove that it has not
// done it before: it forgets with its cierre.
func (d *Driver) resolveRefund(ctx context.Context, in terminal.Intent) terminal.Result {
	m, err := d.annul(ctx, in)
	if err != nil {
		return terminal.NotSure(in, sentence(err))
	}
	r := annulled(in, m)
	if r.State == terminal.Declined {
		return terminal.NotSure(in, "El terminal contestó (código "+m.code()+") algo que no lo aclara. El encargado debe mirar el comprobante o el detalle de ventas del terminal y decidir.")
	}
	return r
}

const (
	noDebitRefund   = "El terminal no anula ventas con débito. El cobro sigue en pie."
	nothingAnnulled = "El terminal no responde. No se le pidió nada y el cobro sigue en pie."
)

func annulled(in terminal.Intent, m message) terminal.Result {
	r := terminal.Result{State: terminal.Declined, Ticket: in.Ticket, Amount: in.Amount, Operation: in.Back.Operation, TerminalID: m.short(refundTerminal, longestCode)}
	switch code := m.code(); code {
	case approved:
		if !sameNumber(m.text(refundOperation), in.Back.Operation) || in.Back.TerminalID != "" && r.TerminalID != in.Back.TerminalID {
			return terminal.NotSure(in, "El terminal anuló otra operación que la pedida. El encargado debe mirar el comprobante.")
		}
		r.State, r.Authorization = terminal.Approved, m.short(refundAuthorization, longestCode)
		r.Message = "Cobro anulado: el dinero vuelve a la tarjeta."
	case codeAlreadyRefunded:
		r.State, r.Message = terminal.Approved, "El cobro ya estaba anulado: el dinero vuelve a la tarjeta."
	case codeNoSuchSale:
		r.Message = "El terminal ya no tiene esa venta, quizás por el cierre. El cobro sigue en pie."
	case codeNoDebitRefund:
		r.Message = noDebitRefund
	case "":
		return terminal.NotSure(in, "El terminal respondió algo que no se entiende.")
	default:
		r.Message = "El terminal no anuló el cobro (código " + code + "). El cobro sigue en pie."
	}
	return r
}

func sameNumber(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }

// CloseDay settles the day: the terminal forgets its sales and loads new keys.
func (d *Driver) CloseDay(ctx context.Context) error {
	return d.simple(ctx, command{text: fnClose + "||", answer: fnClosed})
}

// LoadKeys fetches the terminal's keys, after it lost them.
func (d *Driver) LoadKeys(ctx context.Context) error {
	return d.simple(ctx, command{text: fnKeys, answer: fnKeysDone})
}

// Poll asks whether the terminal is there.
func (d *Driver) Poll(ctx context.Context) error {
	d.busy.Lock()
	defer d.busy.Unlock()
	return d.poll(ctx)
}

// NormalMode gives the terminal back to the people: it answers no command until somebody sets it to POS Integrado again.
func (d *Driver) NormalMode(ctx context.Context) error {
	d.busy.Lock()
	defer d.busy.Unlock()
	_, err := d.exchange(ctx, command{text: fnNormal})
	return err
}

// Totals counts and sums the sales that the terminal remembers. It prints them.
func (d *Driver) Totals(ctx context.Context) (sales int, sum money.Pesos, err error) {
	d.busy.Lock()
	defer d.busy.Unlock()
	m, err := d.exchange(ctx, command{text: fnTotals + "||", answer: fnTotal, again: true})
	if err != nil {
		return 0, 0, err
	}
	n, ok := m.number(fieldCode + 1)
	total, ok2 := m.number(fieldCode + 2)
	if m.code() != approved || !ok || !ok2 {
		return 0, 0, fmt.Errorf("%w (código %s)", errAnswered, m.code())
	}
	return int(n), money.Pesos(total), nil
}

// simple is a command whose answer is a code and nothing more.
func (d *Driver) simple(ctx context.Context, c command) error {
	d.busy.Lock()
	defer d.busy.Unlock()
	m, err := d.exchange(ctx, c)
	if err == nil && m.code() != approved {
		err = fmt.Errorf("%w (código %s)", errAnswered, m.code())
	}
	return err
}

func ticket(s string) bool {
	m := message{fields: []string{s}}
	return s != "" && m.short(0, terminal.TicketLen) == s
}

// sentence is an error as a sentence for the cashier.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "La caja dejó de esperar; si el terminal sigue pidiendo la tarjeta, cancele en el terminal."
	}
	for _, known := range []error{errPort, errCut, errSilence, errRefused, errGarbled, errAnswered} {
		if errors.Is(err, known) {
			s := known.Error()
			return strings.ToUpper(s[:1]) + s[1:] + "."
		}
	}
	return ""
}
