package sale

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Debt is how a customer stands with the shop.
type Debt struct {
	RUT     dte.RUT
	Balance money.Pesos // what he owes; below zero the shop owes him
	Limit   money.Pesos
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
		rut, err := dte.ParseRUT(strings.TrimPrefix(string(m.Account), CreditAccounts))
		if err != nil || m.Balance <= 0 {
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

// Debt is a customer's, with its statement, newest first.
func (r *Register) Debt(rut dte.RUT) (Debt, []Movement, error) {
	list, err := r.d.Journal.Statement(CreditAccount(rut), mostMovements)
	d := Debt{RUT: rut}
	if err != nil || len(list) == 0 {
		return d, list, err
	}
	d.Balance, d.Limit = list[0].Balance, list[0].Limit
	d.Since = unpaidSince(list)
	return d, list, nil
}

// unpaidSince walks back over what was bought until it makes up what is owed.
func unpaidSince(newest []Movement) (since time.Time) {
	left := newest[0].Balance
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
		if a.Tender.Received = last.Balance; a.Tender.Method == Efectivo {
			a.Tender.Received = money.CashPayable(last.Balance)
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
