package terminal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mostrador/money"
)

// Errors of a Desk.
var (
	ErrAmount = errors.New("el monto no se puede cobrar con tarjeta")
	// ErrNothingPending: there is nothing to resolve.
	ErrNothingPending = errors.New("no hay cobros con tarjeta por resolver")
	// ErrDeclaration: a person who decides in the terminal's place gives a name, a reason and a known state.
	ErrDeclaration = errors.New("falta quién decide, por qué, o si la tarjeta fue cobrada")
)

// Desk is the only way from a sale to a terminal: it stores before it asks, never charges or gives back an intent twice, and
// lets nobody charge or give back while one is unknown. Its methods are for one goroutine; a second Desk on the same ledger is as good as
// the first, so a crash loses nothing.
type Desk struct {
	Terminal Terminal
	Ledger   Ledger
	Now      func() time.Time
}

// Charge charges an amount under a ref. A ref that was charged before returns how that ended, or finds it out; it is
// never charged again. An error means that the ledger did not keep what happened, or that nothing was asked because of
// ErrPending or ErrAmount; the Result holds even then.
func (d *Desk) Charge(ctx context.Context, ref string, amount money.Pesos) (Result, error) {
	if amount <= 0 || amount > MaxAmount || ref == "" {
		return Result{State: Cancelled, Message: "No se cobró nada: " + ErrAmount.Error() + "."},
			fmt.Errorf("%w: $%s", ErrAmount, amount)
	}
	in := Intent{Ref: ref, Ticket: TicketFor(ref), Amount: amount, At: d.Now()}
	var err error
	if in.Before, err = d.Ledger.Mark(); err != nil {
		return notStored(in, err)
	}
	return d.do(ctx, in, d.Terminal.Charge)
}

// Refund gives back some of a charge, under a ref of its own and by the same rules as Charge: it is stored before the terminal is
// asked, and the same ref never gives back twice.
func (d *Desk) Refund(ctx context.Context, ref string, of Charged, amount money.Pesos) (Result, error) {
	in, err := d.refund(ref, of, amount)
	if err != nil {
		return NotCharged(in, "No se devolvió nada: "+ErrAmount.Error()+"."), err
	}
	return d.do(ctx, in, d.Terminal.Refund)
}

// RefundByHand notes that a person gave back some of a charge without this till: at another terminal, or where the acquirer is
// asked. r has the operation's number, and who did it and why. The caller has checked that the person may.
func (d *Desk) RefundByHand(ref string, of Charged, amount money.Pesos, r Result) (Result, error) {
	in, err := d.refund(ref, of, amount)
	r.State = Approved
	switch {
	case err != nil:
		return NotCharged(in, "No se anotó nada: "+ErrAmount.Error()+"."), err
	case r.Operation == "" && r.Authorization == "":
		return NotCharged(in, "No se anotó nada: falta el número de operación."), fmt.Errorf("%w. Falta el número de operación de la anulación", ErrDeclaration)
	}
	if err := checkDeclared(r); err != nil {
		return NotCharged(in, "No se anotó nada: "+err.Error()+"."), err
	}
	told := func(_ context.Context, in Intent) Result { return declaredResult(in, r) }
	return d.do(context.Background(), in, told)
}

func (d *Desk) refund(ref string, of Charged, amount money.Pesos) (Intent, error) {
	in := Intent{Ref: ref, Ticket: TicketFor(of.Ref), Amount: amount, At: d.Now(), Back: of}
	if amount <= 0 || amount > of.Amount || ref == "" || of.Ref == "" {
		return in, fmt.Errorf("%w: $%s de $%s", ErrAmount, amount, of.Amount)
	}
	return in, nil
}

// do stores an intent and asks for it. One that was asked for before is found out about.
func (d *Desk) do(ctx context.Context, in Intent, ask func(context.Context, Intent) Result) (Result, error) {
	entry, fresh, err := d.Ledger.Begin(in)
	switch {
	case errors.Is(err, ErrPending):
		return entry.Result, err
	case err != nil:
		return notStored(in, err)
	case fresh:
		return d.keep(in, ask(ctx, in))
	case entry.Intent.Amount != in.Amount || entry.Intent.Back.Ref != in.Back.Ref:
		return entry.Result, fmt.Errorf("%w: %s ya se pidió por $%s", ErrAmount, in.Ref, entry.Intent.Amount)
	case entry.Result.State.Known():
		return entry.Result, nil
	}
	return d.keep(entry.Intent, d.Terminal.Resolve(ctx, entry.Intent))
}

// Pending is the intent that is unknown, if there is one.
func (d *Desk) Pending() (Entry, bool, error) { return d.Ledger.Pending() }

// Resolve asks the terminal about the intent that is unknown. ErrNothingPending if there is none.
func (d *Desk) Resolve(ctx context.Context) (Result, error) {
	entry, ok, err := d.Ledger.Pending()
	switch {
	case err != nil:
		return NotSure(Intent{}, ""), err
	case !ok:
		return Result{State: Cancelled, Message: "No hay cobros con tarjeta por resolver."}, ErrNothingPending
	}
	return d.keep(entry.Intent, d.Terminal.Resolve(ctx, entry.Intent))
}

// Declare ends the intent that is unknown by a person's word: r says the state and, if it was charged, the numbers on
// the voucher; By and Reason are needed. The caller has checked that the person may.
func (d *Desk) Declare(r Result) (Result, error) {
	entry, ok, err := d.Ledger.Pending()
	switch {
	case err != nil:
		return NotSure(Intent{}, ""), err
	case !ok:
		return Result{State: Cancelled, Message: "No hay cobros con tarjeta por resolver."}, ErrNothingPending
	}
	if err := checkDeclared(r); err != nil {
		return entry.Result, err
	}
	return d.keep(entry.Intent, declaredResult(entry.Intent, r))
}

// checkDeclared refuses a person's word without a name, a reason or a known end, or with a card's number in it.
func checkDeclared(r Result) error {
	switch {
	case LooksLikeCard(r.Operation + " | " + r.Authorization + " | " + r.Reason + " | " + r.By):
		return fmt.Errorf("%w: %s", ErrDeclaration, cardWords)
	case !r.State.Known() || strings.TrimSpace(r.By) == "" || strings.TrimSpace(r.Reason) == "":
		return ErrDeclaration
	case !isCode(r.Operation) || !isCode(r.Authorization):
		return ErrDeclaration
	}
	return nil
}

// declaredResult is the end of an intent by a person's word.
func declaredResult(in Intent, r Result) Result {
	r.Ticket, r.Amount, r.TerminalID, r.Voucher = in.Ticket, in.Amount, "", nil
	r.Last4, r.Brand = "", ""
	what := "tarjeta "
	if in.Refunds() {
		what = "dinero "
	}
	r.Message = "Lo declaró " + r.By + ": " + what + declared(in, r.State) + "."
	return r
}

func declared(in Intent, s State) string {
	done := "cobrada"
	if in.Refunds() {
		done = "devuelto a la tarjeta"
	}
	if s == Approved {
		return done
	}
	return "no " + done
}

// keep settles what is known. What the ledger does not take stays unknown there: the next try asks the terminal.
func (d *Desk) keep(in Intent, r Result) (Result, error) {
	if !r.State.Known() {
		return r, nil
	}
	if err := d.Ledger.Settle(in.Ref, r); err != nil {
		return r, fmt.Errorf("lo que hizo el terminal quedó sin anotar: %w. No pida nada de nuevo: consulte el terminal", err)
	}
	return r, nil
}

func notStored(in Intent, err error) (Result, error) {
	words := "No se pidió nada al terminal: no se pudo anotar el cobro. La tarjeta no fue cobrada."
	if in.Refunds() {
		words = "No se pidió nada al terminal: no se pudo anotar la devolución. El cobro sigue en pie."
	}
	return NotCharged(in, words), fmt.Errorf("no se pudo anotar: %w. No se pidió nada al terminal", err)
}
