package price

import (
	"strings"

	"mostrador/money"
)

// ReasonKind is what happened to a price.
type ReasonKind string

// The kinds of a Reason, in the order in which they come.
const (
	WhyBase      ReasonKind = "base"      // the price of the catalogue
	WhyFixed     ReasonKind = "manual"    // the cashier's price
	WhyList      ReasonKind = "lista"     // the price of a rule
	WhyPromotion ReasonKind = "promocion" // a promotion, stackable or not
	WhyHand      ReasonKind = "descuento" // the cashier's discount on the line
	WhyTicket    ReasonKind = "total"     // the discount on the whole ticket
)

// Reason is one step on the way to what a line costs. It is kept with the sale, so that it can be told as it was.
type Reason struct {
	Kind   ReasonKind  `json:"tipo"`
	Rule   string      `json:"regla,omitempty"`    // its name
	Prc    money.Price `json:"precio,omitempty"`   // unit price after this step, if it sets one
	Amount money.Pesos `json:"monto,omitempty"`    // what it takes off, if it does
	Qty    money.Qty   `json:"cantidad,omitempty"` // of the line, in the promotion
	Who    string      `json:"quien,omitempty"`
	Why    string      `json:"motivo,omitempty"`
}

// String is the step in a few words: "Mayorista 1.790", "3×2 −1.790", "Descuento −500 (Ana: caja golpeada)".
func (r Reason) String() string {
	name := r.Rule
	switch r.Kind {
	case WhyBase:
		name = "Precio de lista"
	case WhyFixed:
		name = "Precio manual"
	case WhyHand:
		name = "Descuento"
	case WhyTicket:
		name = "Descuento al total"
	}
	if r.Amount != 0 {
		name += " −" + r.Amount.String()
	} else {
		name += " " + r.Prc.String()
	}
	by := strings.TrimPrefix(r.Who+": "+r.Why, ": ")
	if by = strings.TrimSuffix(by, ": "); by != "" {
		name += " (" + by + ")"
	}
	return name
}

// Explain is the whole way: "Precio de lista 1.990 → Mayorista 1.790 → 3×2 −1.790".
func Explain(why []Reason) string {
	steps := make([]string, len(why))
	for i, r := range why {
		steps[i] = r.String()
	}
	return strings.Join(steps, " → ")
}
