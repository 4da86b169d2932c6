// Package money is the arithmetic of the shop: whole pesos, quantities, unit prices and rates, all integers.
//
// Owns: the number types, their named roundings, and strict parsing and formatting in the two spellings in use here:
// Chilean ("1.234,5", screens and paper) and the SII's ("1234.5", XML and wires).
//
// Invariants: no floating point; parse and format are inverse; a result that does not fit is an error, never a
// saturated or wrapped number. Every type is a plain value and safe to share between goroutines.
//
// Imports nothing but the standard library.
package money

import (
	"errors"
	"math/bits"
)

// Pesos is an amount in whole Chilean pesos. The peso has no cents in law or in coin.
type Pesos int64

// Qty is a quantity in millionths of a unit: the 12 whole and 6 decimal digits that the SII's QtyItem allows.
// Screens show and accept three decimals (grams of a kilo); the document keeps all six.
type Qty int64

// Price is a unit price in millionths of a peso: the 12 whole and 6 decimal digits of the SII's PrcItem.
type Price int64

// Divisa is an amount of a foreign currency in ten-thousandths: export documents allow four decimals (Dec14_4Type).
type Divisa int64

// Cambio is a rate of exchange, pesos for one unit of a foreign currency, in ten-thousandths (Dec6_4Type).
type Cambio int64

// Rate is a percentage in basis points: 1900 is 19 %.
type Rate int64

const (
	// One is the quantity 1.
	One Qty = 1_000_000
	// OnePeso is the unit price of one peso.
	OnePeso Price = 1_000_000
	// IVA is the general rate of the value added tax (D.L. 825, art. 14).
	IVA Rate = 1900

	wholeRate = 10_000
	million   = 1_000_000

	// MaxPesos is the largest amount that any document can carry: 18 digits (DTE v1.0, MontoType).
	MaxPesos Pesos = 999_999_999_999_999_999
	// MaxQty is the largest quantity: 12 whole digits and 6 decimals (Dec12_6Type).
	MaxQty Qty = 999_999_999_999_999_999
	// MaxPrice is the largest unit price: 12 whole digits and 6 decimals (Dec12_6Type).
	MaxPrice Price = 999_999_999_999_999_999
	// MaxDivisa is the largest foreign amount: 14 whole digits and 4 decimals.
	MaxDivisa Divisa = 999_999_999_999_999_999
	// MaxCambio is the largest rate of exchange: 6 whole digits and 4 decimals.
	MaxCambio Cambio = 9_999_999_999
	// OneDivisa is one unit of a foreign currency.
	OneDivisa Divisa = 10_000
	// MaxRate is the largest percentage: 999.99 % (PctType).
	MaxRate Rate = 99_999
)

// ErrOverflow reports a result outside the range of its type.
var ErrOverflow = errors.New("money: the amount does not fit")

// Units is n whole units.
func Units(n int64) Qty { return Qty(n) * One }

// PerUnit is the unit price of p whole pesos.
func PerUnit(p Pesos) Price { return Price(p) * OnePeso }

// Add is p + q.
func (p Pesos) Add(q Pesos) (Pesos, error) {
	s := p + q // both are within ±10^18, so the sum cannot wrap
	if !p.valid() || !q.valid() || !s.valid() {
		return 0, ErrOverflow
	}
	return s, nil
}

// Sub is p - q.
func (p Pesos) Sub(q Pesos) (Pesos, error) { return p.Add(-q) }

// Sum adds all amounts.
func Sum(amounts ...Pesos) (Pesos, error) {
	var total Pesos
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return 0, err
		}
	}
	return total, nil
}

func (p Pesos) valid() bool { return p >= -MaxPesos && p <= MaxPesos }

// Times is the amount of q units at price p, rounded half up to whole pesos.
// Negative factors round symmetrically, so that a reversal is the exact opposite of what it reverses.
func (p Price) Times(q Qty) (Pesos, error) {
	return mulDivHalfUp(int64(p), int64(q), million*million)
}

// QtyFor is a quantity whose amount at price p is exactly total, with three decimals if so few can say it, else with up
// to six. A price of up to a million pesos has one for every total; above, six decimals may be too coarse: false.
func (p Price) QtyFor(total Pesos) (q Qty, exact bool) {
	if p <= 0 || total < 0 {
		return 0, false
	}
	for step := int64(1000); step > 0; step /= 10 {
		steps, err := mulDivHalfUp(int64(total), million*million/step, int64(p))
		if err != nil || int64(steps) > int64(MaxQty)/step {
			return 0, false
		}
		q = Qty(int64(steps) * step)
		if amount, err := p.Times(q); err == nil && amount == total {
			return q, true
		}
	}
	return q, false
}

// PriceFor is the unit price at which q units cost exactly total: true for every quantity of up to a million.
func (q Qty) PriceFor(total Pesos) (p Price, exact bool) {
	if q <= 0 || total < 0 {
		return 0, false
	}
	v, err := mulDivHalfUp(int64(total), million*million, int64(q))
	if err != nil {
		return 0, false
	}
	amount, err := Price(v).Times(q)
	return Price(v), err == nil && amount == total
}

// TimesDivisa is the foreign amount of q units at price p in that currency, rounded half up to four decimals.
func (p Price) TimesDivisa(q Qty) (Divisa, error) {
	v, err := mulDivHalfUp(int64(p), int64(q), million*million/int64(OneDivisa))
	return Divisa(v), err
}

// OfDivisa is the given percentage of a foreign amount, rounded half up to four decimals.
func (r Rate) OfDivisa(amount Divisa) (Divisa, error) {
	v, err := mulDivHalfUp(int64(amount), int64(r), wholeRate)
	return Divisa(v), err
}

// Add is d + e.
func (d Divisa) Add(e Divisa) (Divisa, error) {
	p, err := Pesos(d).Add(Pesos(e))
	return Divisa(p), err
}

// Pesos is the amount in pesos at a rate of exchange, rounded half up.
func (d Divisa) Pesos(c Cambio) (Pesos, error) {
	return mulDivHalfUp(int64(d), int64(c), int64(OneDivisa)*int64(OneDivisa))
}

// Whole is the amount rounded half up to whole units of its currency: what discounts and surcharges of a line are.
func (d Divisa) Whole() (Divisa, error) {
	p, err := mulDivHalfUp(int64(d), 1, int64(OneDivisa))
	return Divisa(p) * OneDivisa, err
}

// Times is n whole units of q.
func (q Qty) Times(n int64) (Qty, error) {
	v, err := mulDivHalfUp(int64(q), n, 1)
	if err != nil {
		return 0, err
	}
	return Qty(v), nil
}

// Of is the given percentage of amount, rounded half up.
func (r Rate) Of(amount Pesos) (Pesos, error) {
	return mulDivHalfUp(int64(amount), int64(r), wholeRate)
}

// Net is the net amount inside a gross amount that includes tax at rate r, rounded half up.
// The tax itself is the difference, by subtraction, never a second rounding.
func (r Rate) Net(gross Pesos) (Pesos, error) {
	return mulDivHalfUp(int64(gross), wholeRate, wholeRate+int64(r))
}

// CashPayable is what is due in cash for total: the last digit 1 to 5 goes down to 0, 6 to 9 up to the next ten
// (law 20.956, art. 1: half *down* to tens). Only the cash part of a payment is rounded; the document keeps total.
// A refund mirrors it: CashPayable(-t) == -CashPayable(t).
func CashPayable(total Pesos) Pesos {
	if total < 0 {
		return -CashPayable(-total)
	}
	return (total + 4) / 10 * 10
}

// Share is the part of amount that part is of whole, which must be positive: round half away from zero. Shares of
// growing parts differ by whole pesos that add up to amount.
func Share(amount Pesos, part, whole int64) (Pesos, error) {
	if whole <= 0 {
		return 0, ErrOverflow
	}
	return mulDivHalfUp(int64(amount), part, whole)
}

// mulDivHalfUp is round(a*b/c) with halves away from zero, computed in 128 bits. c must be positive.
func mulDivHalfUp(a, b, c int64) (Pesos, error) {
	negative := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	hi += carry
	if hi >= uint64(c) {
		return 0, ErrOverflow
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if q > uint64(MaxPesos) {
		return 0, ErrOverflow
	}
	if negative {
		return -Pesos(q), nil
	}
	return Pesos(q), nil
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}
