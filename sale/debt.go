package sale

import (
	"cmp"
	"slices"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Debt is how a customer stands with the shop.
type Debt struct {
	RUT     dte.RUT
	Balance money.Pesos // what he owes at all tills; below zero the shop owes him
	Limit   money.Pesos
	// Elsewhere is the part of Balance that is not by this till's account, as the server said at AsOf; no time, no server.
	Elsewhere money.Pesos
	AsOf      time.Time
	// Since is when he bought the oldest that is not paid: abonos pay the oldest first. Zero if he owes nothing.
	Since time.Time
}

// mostMovements bounds how far back a statement is read.
const mostMovements = 500

// Debts are the customers who owe, the oldest debt first.
func (r *Register) Debts() ([]Debt, error) {
	newest, err := r.d.Journal.Owing()
	if err != nil {
		return nil, err
	}
	var list []Debt
	for _, m := range newest {
		rut, ok := m.Account.Debtor()
		if !ok || m.Owes() <= 0 {
			continue
		}
		d, _, err := r.Debt(rut)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	slices.SortStableFunc(list, func(a, b Debt) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(b.Balance, a.Balance)) })
	return list, nil
}

// Owed is how a customer stands, without the time since when.
func (r *Register) Owed(rut dte.RUT) (Debt, error) {
	m, err := r.d.Journal.Account(CreditAccount(rut))
	return Debt{RUT: rut, Balance: m.Owes(), Limit: m.Limit, Elsewhere: m.Elsewhere, AsOf: m.AsOf}, err
}

// buyersDebt is what the sale's buyer owes, if a server tells of it; nil otherwise.
func (r *Register) buyersDebt() *Debt {
	rut := r.cart.Receptor.RUT
	if rut == 0 || rut == dte.RUTAnonimo {
		return nil
	}
	if d, err := r.Owed(rut); err == nil && !d.AsOf.IsZero() {
		return &d
	}
	return nil
}

// Debt is a customer's, with the statement of this till, newest first.
func (r *Register) Debt(rut dte.RUT) (Debt, []Movement, error) {
	d, err := r.Owed(rut)
	if err != nil {
		return d, nil, err
	}
	list, err := r.d.Journal.Statement(CreditAccount(rut), mostMovements)
	d.Since = unpaidSince(list, min(d.Balance, d.Balance-d.Elsewhere))
	return d, list, err
}

// unpaidSince walks back over what was bought here until it makes up what is owed.
func unpaidSince(newest []Movement, left money.Pesos) (since time.Time) {
	for _, m := range newest {
		if left <= 0 {
			break
		}
		if m.Amount > 0 {
			left, since = left-m.Amount, m.At
		}
	}
	return since
}

// NewID is a name for something that may be asked for twice and is done once.
func (r *Register) NewID() (ID, error) { return NewID(r.d.Rand) }

// PayDebt takes money for what a customer owes, in the open shift; nothing received is all that he owes.
func (r *Register) PayDebt(a Abono) (Movement, error) {
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return Movement{}, err
	}
	a.At, a.Who = r.d.Now(), r.d.Who
	if a.Tender.Received == 0 {
		last, err := r.d.Journal.Account(CreditAccount(a.RUT))
		if err != nil {
			return Movement{}, err
		}
		if a.Tender.Received = last.Owes(); a.Tender.Method == Efectivo {
			a.Tender.Received = money.CashPayable(last.Owes())
		}
	}
	return PayDebt(r.d.Journal, a)
}

// SetCreditLimit says how much a customer may owe.
func (r *Register) SetCreditLimit(id ID, rut dte.RUT, limit money.Pesos, who string) (Movement, error) {
	if err := r.May(Ask{Right: MayOverLimit, What: rut.Dotted()}); err != nil {
		return Movement{}, err
	}
	return SetCreditLimit(r.d.Journal, id, r.d.Now(), rut, limit, who)
}
