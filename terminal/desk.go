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

// Desk is the only way from a sale to a terminal: it stores before it asks, never charges an intent twice, and lets
// nobody charge while one is unknown. Its methods are for one goroutine; a second Desk on the same ledger is as good as
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
	before, err := d.Ledger.Mark()
	if err != nil {
		return notStored(err)
	}
	in := Intent{Ref: ref, Ticket: TicketFor(ref), Amount: amount, At: d.Now(), Before: before}
	entry, fresh, err := d.Ledger.Begin(in)
	switch {
	case errors.Is(err, ErrPending):
		return entry.Result, err
	case err != nil:
		return notStored(err)
	case fresh:
		return d.keep(in, d.Terminal.Charge(ctx, in))
	case entry.Intent.Amount != amount:
		return entry.Result, fmt.Errorf("%w: el cobro %s ya se pidió por $%s", ErrAmount, ref, entry.Intent.Amount)
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
	case !r.State.Known() || strings.TrimSpace(r.By) == "" || strings.TrimSpace(r.Reason) == "":
		return entry.Result, ErrDeclaration
	case !isCode(r.Operation) || !isCode(r.Authorization):
		return entry.Result, ErrDeclaration
	case LooksLikeCard(r.Operation + " | " + r.Authorization + " | " + r.Reason + " | " + r.By):
		return entry.Result, fmt.Errorf("%w: %s", ErrDeclaration, cardWords)
	}
	r.Ticket, r.Amount, r.TerminalID, r.Voucher = entry.Intent.Ticket, entry.Intent.Amount, "", nil
	r.Last4, r.Brand = "", ""
	r.Message = "Lo declaró " + r.By + ": tarjeta " + declared(r.State) + "."
	return d.keep(entry.Intent, r)
}

func declared(s State) string {
	if s == Approved {
		return "cobrada"
	}
	return "no cobrada"
}

// keep settles what is known. What the ledger does not take stays unknown there: the next try asks the terminal.
func (d *Desk) keep(in Intent, r Result) (Result, error) {
	if !r.State.Known() {
		return r, nil
	}
	if err := d.Ledger.Settle(in.Ref, r); err != nil {
		return r, fmt.Errorf("el cobro quedó sin anotar: %w", err)
	}
	return r, nil
}

func notStored(err error) (Result, error) {
	return Result{State: Cancelled, Message: "No se pidió nada al terminal: no se pudo anotar el cobro. La tarjeta no fue cobrada."},
		fmt.Errorf("el cobro no se pudo anotar: %w", err)
}
