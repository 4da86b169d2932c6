package sale

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/terminal"
)

// This file gives back through the terminal what the terminal charged. As with a charge, the name of a refund, and the return
// that it is for, are on disk before the terminal is asked; the note follows when the terminal has answered, also after a crash.

// CardBack is what the terminal is to give back of a charge, and under which name.
type CardBack struct {
	Ref    string
	Of     terminal.Charged
	Amount money.Pesos
}

// ErrCardBack: a card has not got its money back, or nobody knows. Nothing was issued.
var ErrCardBack = errors.New("falta devolver a la tarjeta")

// backRef is the n-th refund of a return or an exchange, from 1. No charge of a sale is called like this.
func backRef(id ID, n int) string { return string(id) + "-r" + strconv.Itoa(n) }

// cardsBack are the refunds that the terminal was asked for. While one is in doubt nothing else is given back.
func cardsBack(j Journal, id ID) ([]CardCharge, error) {
	list, err := j.CardCharges(id)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(c CardCharge) bool { return !c.Intent.Refunds() })
	for _, c := range list {
		if !c.Result.State.Known() {
			return nil, fmt.Errorf("%w, o no se sabe: $%s. No los devuelva de otra manera: consulte el terminal", ErrCardBack, c.Intent.Amount)
		}
	}
	return list, nil
}

// givenBack is which of the refunds gave this back; -1 if none did.
func givenBack(done []CardCharge, t Tender) int {
	return slices.IndexFunc(done, func(c CardCharge) bool {
		return c.Result.State == terminal.Approved && c.Intent.Back.Ref == t.Charge && c.Intent.Amount == t.Amount
	})
}

// nextBack is the first charge in a refund that the terminal has not given back yet.
func (d Deps) nextBack(id ID, p Payment) (ask CardBack, ok bool, err error) {
	done, err := cardsBack(d.Journal, id)
	if err != nil {
		return ask, false, err
	}
	for _, t := range p.Tenders {
		if t.Charge != "" && givenBack(done, t) < 0 {
			of, err := chargeOf(d.Journal, t)
			return CardBack{Ref: backRef(id, len(done)+1), Of: of, Amount: t.Amount}, err == nil, err
		}
	}
	return ask, false, nil
}

// chargeOf is the charge that a sale was paid by. Of one that this till does not remember no terminal can be asked.
func chargeOf(j Journal, t Tender) (terminal.Charged, error) {
	charges, err := j.CardCharges(ChargedSale(t.Charge))
	for _, c := range charges {
		if c.Intent.Ref == t.Charge {
			return c.Charged(), err
		}
	}
	return terminal.Charged{Ref: t.Charge, Amount: t.Amount, Operation: t.Reference}, err
}

// withCardsBack writes into a refund by which operation the terminal gave it back. It refuses one that waits for the terminal, and
// one that leaves out what the terminal has given.
func (d Deps) withCardsBack(id ID, p Payment) (Payment, error) {
	done, err := cardsBack(d.Journal, id)
	if err != nil {
		return p, err
	}
	p.Tenders = slices.Clone(p.Tenders)
	for i := range p.Tenders {
		t := &p.Tenders[i]
		n := givenBack(done, *t)
		switch {
		case t.Charge == "":
		case n >= 0:
			t.Refund, t.Authorization = done[n].Intent.Ref, done[n].Result.Authorization
			t.Reference = cmp.Or(done[n].Result.Operation, done[n].Result.Authorization)
			done = slices.Delete(done, n, n+1)
		case d.Terminal:
			return p, fmt.Errorf("%w $%s con el terminal. No se emitió nada", ErrCardBack, t.Amount)
		}
	}
	for _, c := range done {
		if c.Result.State == terminal.Approved {
			return p, fmt.Errorf("el terminal ya devolvió $%s a la tarjeta por esto mismo: no se pueden devolver otra vez. Elija de nuevo la tarjeta", c.Intent.Amount)
		}
	}
	return p, nil
}

// inCash gives in cash what a card has paid.
func (p Payment) inCash(due money.Pesos) Payment {
	if !slices.ContainsFunc(p.Tenders, func(t Tender) bool { return t.Method.Card() }) {
		return p
	}
	back := Payment{}
	for _, t := range p.Tenders {
		if !t.Method.Card() && t.Method != Efectivo {
			back.Tenders = append(back.Tenders, t)
			due -= t.Amount
		}
	}
	cash := money.CashPayable(due)
	back.Tenders = append(back.Tenders, Tender{Method: Efectivo, Amount: cash, Received: cash})
	back.Rounding = cash - due
	return back
}

// cashForCard reports a return that gives in cash what a card may have paid: not everybody may.
func (b Return) cashForCard() bool { return b.Means == InCash && !b.AsVale }

// same reports the very return that was kept.
func (b Return) same(kept Return) bool {
	kept.At, kept.Approved = b.At, b.Approved
	return reflect.DeepEqual(b, kept)
}

// mayTakeBack asks for the right to a return, once: one that waits for its terminal was allowed before, and says by whom.
func (r *Register) mayTakeBack(back Return) (kept Return, err error) {
	open, err := r.d.Journal.OpenReturns()
	if err != nil {
		return back, err
	}
	for _, o := range open {
		if o.ID == back.ID && back.same(o) {
			return o, r.May(Ask{Right: MaySell})
		}
	}
	ask := Ask{Right: MayReturn, What: back.Reason}
	if back.cashForCard() {
		ask.Right = MayCashForCard
	}
	back.At, back.Approved = r.d.Now(), r.d.Approved
	return back, r.May(ask)
}

// BeginRefund is the next charge that the terminal has to give back before the note of a return can be issued; ok is false when
// none is left. Whatever would keep the note from being issued is found before the terminal is asked, and the return is on disk
// by then.
func (r *Register) BeginRefund(back Return) (ask CardBack, ok bool, err error) {
	if !r.d.Terminal {
		return ask, false, nil
	}
	kept, err := r.mayTakeBack(back)
	if err != nil {
		return ask, false, err
	}
	payment, err := r.canTakeBack(back)
	if err != nil {
		return ask, false, err
	}
	if ask, ok, err = r.d.nextBack(back.ID, payment); err == nil && ok {
		err = r.d.Journal.KeepReturn(kept)
	}
	return ask, ok && err == nil, err
}

// canTakeBack is the refund of a return whose note or slip could be kept now.
func (r *Register) canTakeBack(back Return) (Payment, error) {
	if len(back.Lines) == 0 {
		return Payment{}, errNothingBack
	}
	of, err := OpenReturn(r.d.Journal, back.Lines[0].Of)
	if err != nil {
		return Payment{}, err
	}
	if of.Record.Key.Tipo == Comprobante {
		s, err := of.slip(r.d, back)
		return s.Payment, cmp.Or(err, r.d.Journal.Ready(r.d.Now()), cashAtHand(r.d.Journal, s.Payment))
	}
	order, err := of.order(r.d, back)
	if err != nil {
		return Payment{}, err
	}
	return order.Payment, r.canIssue(order)
}

// canIssue finds what would keep an order from being issued now.
func (r *Register) canIssue(o Order) error {
	now := r.d.Now()
	draft := r.d.complete(o.Draft, now)
	n, err := r.d.Journal.FoliosLeft(draft.Tipo, dte.DateOf(now))
	if err == nil && n == 0 {
		err = r.d.noFolios(draft.Tipo, ". No se devolvió ni se emitió nada")
	}
	return cmp.Or(err, draft.Validate(), r.d.Signer.ValidAt(now), r.d.Journal.Ready(now), cashAtHand(r.d.Journal, o.Payment))
}

// BeginExchangeRefund is BeginRefund for what SettleExchange gives back; the exchange is on disk with its cart.
func (r *Register) BeginExchangeRefund(asVale bool, m Means) (ask CardBack, ok bool, err error) {
	if !r.d.Terminal {
		return ask, false, nil
	}
	order, total, err := r.maySettle(asVale, m)
	if err != nil || total == 0 {
		return ask, false, err
	}
	if err := r.canIssue(order); err != nil {
		return ask, false, err
	}
	if ask, ok, err = r.d.nextBack(r.cart.ID, order.Payment); err == nil && ok {
		err = cmp.Or(r.d.Journal.SaveCart(r.cart), r.d.Journal.Ready(r.d.Now())) // a cart may be written behind: not this one
	}
	return ask, ok && err == nil, err
}

// notGivenBack refuses to change an exchange for which a card has got its money.
func (r *Register) notGivenBack() error {
	charges, err := r.charges()
	for _, c := range charges {
		if c.Intent.Refunds() && c.Result.State == terminal.Approved {
			return fmt.Errorf("por este cambio ya volvieron $%s a la tarjeta, así que no se puede cambiar. Termínelo: se emite la nota y nada se devuelve dos veces", c.Intent.Amount)
		}
	}
	return err
}

// OpenReturns are those for which the terminal gave money back, or may have, and that have no note yet. What the terminal gave
// nothing back for is forgotten.
func (r *Register) OpenReturns() (open []Return, err error) {
	kept, err := r.d.Journal.OpenReturns()
	for _, back := range kept {
		moved, movedErr := moved(r.d.Journal, back.ID)
		switch {
		case movedErr != nil:
			err = cmp.Or(err, movedErr)
		case moved:
			open = append(open, back)
		default:
			err = cmp.Or(err, r.d.Journal.DropReturn(back.ID))
		}
	}
	return open, err
}

// moved reports that the terminal gave back some of a return, or may have.
func moved(j Journal, id ID) (bool, error) {
	list, err := j.CardCharges(id)
	return slices.ContainsFunc(list, func(c CardCharge) bool {
		return c.Intent.Refunds() && (c.Result.State == terminal.Approved || !c.Result.State.Known())
	}), err
}

// openReturnOf is the return of a document that waits for its note.
func openReturnOf(j Journal, key dte.Key) (back Return, ok bool, err error) {
	kept, err := j.OpenReturns()
	for _, k := range kept {
		if is, movedErr := moved(j, k.ID); movedErr != nil || is && k.Lines[0].Of == key {
			return k, is, movedErr
		}
	}
	return back, false, err
}

// SortReturns puts them in their order.
func SortReturns(list []Return) {
	slices.SortStableFunc(list, func(a, b Return) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
}

// CheckKept refuses a return that could not be finished later.
func (b Return) CheckKept() error {
	if b.ID == "" || len(b.Lines) == 0 || b.At.Equal(time.Time{}) {
		return errors.New("la devolución no tiene identificador, hora o productos. No se pidió nada al terminal")
	}
	return nil
}
