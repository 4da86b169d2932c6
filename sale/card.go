package sale

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/money"
	"mostrador/terminal"
)

// CardCharge is what a terminal was asked to charge for a sale, and what became of it.
type CardCharge struct {
	terminal.Entry
	// Released says who gave the money back at the terminal and why; such a charge pays nothing any more.
	Released string `json:"released,omitempty"`
}

// pays reports a charge that a card paid and that stands.
func (c CardCharge) pays() bool {
	return c.Result.State == terminal.Approved && c.Released == "" && !c.Intent.Refunds()
}

// ErrCard: a card of this sale was charged, or may have been. Nothing was changed.
var ErrCard = errors.New("esta venta tiene un cobro con tarjeta")

// Cards is what a Journal keeps of card terminals.
type Cards interface {
	// Charges is the ledger of the terminal.
	Charges() terminal.Ledger
	// CardCharges are the charges of a sale, and the refunds of a return or an exchange, in their order.
	CardCharges(id ID) ([]CardCharge, error)
	// KeepReturn keeps a return before the terminal is asked to pay it back, until its note or slip is kept, or DropReturn.
	// OpenReturns lists them, oldest first.
	KeepReturn(back Return) error
	DropReturn(id ID) error
	OpenReturns() ([]Return, error)
	// ReleaseCharge notes that a person gave an approved charge back at the terminal; doing it twice keeps the first.
	// terminal.ErrNoEntry if there is no such charge.
	ReleaseCharge(ref string, at time.Time, why string) error
}

// cardRef is the n-th charge of a sale, from 1.
func cardRef(id ID, n int) string { return string(id) + "-" + strconv.Itoa(n) }

// ChargedSale is the sale that a charge is of.
func ChargedSale(ref string) ID {
	id, _, _ := strings.Cut(ref, "-")
	return ID(id)
}

// ChargePrefix is how the refs of a sale's charges begin.
func ChargePrefix(id ID) string { return string(id) + "-" }

// SortCharges puts the charges of a sale in their order.
func SortCharges(list []CardCharge) {
	slices.SortFunc(list, func(a, b CardCharge) int {
		return cmp.Or(cmp.Compare(len(a.Intent.Ref), len(b.Intent.Ref)), cmp.Compare(a.Intent.Ref, b.Intent.Ref))
	})
}

// CheckRelease refuses what cannot be released.
func (c CardCharge) CheckRelease(why string) error {
	switch {
	case strings.TrimSpace(why) == "" || terminal.LooksLikeCard(why):
		return errors.New("diga quién devolvió el cobro y por qué, sin el número de la tarjeta. Nada cambió")
	case c.Result.State != terminal.Approved || c.Intent.Refunds():
		return fmt.Errorf("%w que no fue aprobado: no hay qué devolver", ErrCard)
	}
	return nil
}

// BeginCard names the next charge of this sale for the terminal; amount 0 is all that is due. The name is kept before it is
// used, so that after a crash it is known what to look for.
func (r *Register) BeginCard(m Method, amount money.Pesos) (ref string, ask money.Pesos, err error) {
	ref, ask, err = r.beginCard(m, amount)
	return ref, ask, safe(err, nothingAsked)
}

func (r *Register) beginCard(m Method, amount money.Pesos) (ref string, ask money.Pesos, err error) {
	total, err := r.total()
	if err == nil {
		err = r.TakeCards() // what was charged is not charged again
	}
	if err != nil {
		return "", 0, err
	}
	due := r.due(total)
	if amount == 0 {
		amount = due
	}
	switch {
	case r.stage != Paying || r.payment.Unpaid != "":
		return "", 0, errNotPaying
	case amount <= 0 || amount > due:
		return "", 0, fmt.Errorf("%w: con %s no se puede pagar más que los $%s que faltan", ErrPayment, m, due)
	}
	if err := r.sure(); err != nil {
		return "", 0, err
	}
	cart := r.cart.clone()
	cart.Cards = append(cart.Cards, m)
	if err := r.d.Journal.SaveCart(cart); err != nil {
		return "", 0, err
	}
	r.cart = cart
	if err := r.d.Journal.Ready(r.d.Now()); err != nil { // a cart may be written behind: not this one
		return "", 0, err
	}
	return cardRef(cart.ID, len(cart.Cards)), amount, nil
}

// TakeCards pays with what the terminal has charged for this sale and is not in the payment yet.
func (r *Register) TakeCards() error { return safe(r.takeCards(), chargesKept) }

func (r *Register) takeCards() error {
	charges, err := r.charges()
	if err != nil || r.stage != Paying {
		return err
	}
	for _, c := range charges {
		taken := slices.ContainsFunc(r.payment.Tenders, func(t Tender) bool { return t.Charge == c.Intent.Ref })
		if c.pays() && !taken {
			r.payment.Tenders = append(r.payment.Tenders, r.cardTender(c))
		}
	}
	return nil
}

// cardTender is a charge as a part of the payment. The terminal knows best what kind of card it was.
func (r *Register) cardTender(c CardCharge) Tender {
	t := Tender{
		Method: Tarjeta, Amount: c.Intent.Amount, Received: c.Intent.Amount, Reference: cmp.Or(c.Result.Operation, c.Result.Authorization),
		Charge: c.Intent.Ref,
	}
	_, number, _ := strings.Cut(c.Intent.Ref, "-")
	if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(r.cart.Cards) {
		t.Method = r.cart.Cards[n-1]
	}
	switch c.Result.Card {
	case terminal.Credit:
		t.Method = Credito
	case terminal.Debit:
		t.Method = Debito
	}
	if t.Method == Credito {
		t.Cuotas = min(max(0, c.Result.Cuotas), maxCuotas)
	}
	return t
}

// charges are those of the open sale; one that never asked a terminal reads nothing.
func (r *Register) charges() ([]CardCharge, error) {
	if len(r.cart.Cards) == 0 && r.cart.Exchange == nil {
		return nil, nil
	}
	return r.d.Journal.CardCharges(r.cart.ID)
}

// sure refuses to go on while nobody knows whether a card of this sale was charged: it would be paid twice.
func (r *Register) sure() error {
	charges, err := r.charges()
	if err != nil {
		return err
	}
	for _, c := range charges {
		switch {
		case c.Result.State.Known():
		case c.Intent.Refunds():
			_, err := cardsBack(r.d.Journal, r.cart.ID)
			return err
		default:
			return fmt.Errorf("%w de $%s que no se sabe si se hizo. No vuelva a pasarla: consulte el terminal", ErrCard, c.Intent.Amount)
		}
	}
	return nil
}

// uncharged refuses to change a sale that a card has paid, or may have.
func (r *Register) uncharged() error {
	if err := r.sure(); err != nil {
		return err
	}
	charges, err := r.charges()
	if err != nil {
		return err
	}
	for _, c := range charges {
		if c.pays() {
			return fmt.Errorf("%w de $%s ya aprobado, así que no se puede cambiar. Emita el documento, o anule el cobro en el terminal y anótelo", ErrCard, c.Intent.Amount)
		}
	}
	return nil
}

// ReleaseCards notes that a person gave the card payments of this sale back at the terminal. What was paid otherwise stays.
func (r *Register) ReleaseCards(who, why string) error {
	return safe(r.releaseCards(who, why), stillCharged)
}

func (r *Register) releaseCards(who, why string) error {
	who, whoErr := words(who, "el nombre")
	why, whyErr := words(why, "el motivo")
	if err := cmp.Or(whoErr, whyErr); err != nil {
		return err
	}
	if who == "" || why == "" {
		return errors.New("diga quién anuló el cobro en el terminal y por qué. Nada cambió")
	}
	charges, err := r.charges()
	if err != nil {
		return err
	}
	for _, c := range charges {
		if !c.pays() {
			continue
		}
		if err := r.d.Journal.ReleaseCharge(c.Intent.Ref, r.d.Now(), who+": "+why); err != nil {
			return err
		}
		r.payment.Tenders = slices.DeleteFunc(slices.Clone(r.payment.Tenders), func(t Tender) bool { return t.Charge == c.Intent.Ref })
	}
	return nil
}
