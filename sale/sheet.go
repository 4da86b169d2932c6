package sale

import (
	"mostrador/money"
	"mostrador/sale/price"
)

// Sheet is what the shop keeps of a product's price: what one costs the buyer of now, and everybody else. It is only shown: products
// and rules have one writer each, the files that are imported.
type Sheet struct {
	// Line is so much of it as was asked for, as it would be sold now, with its reasons.
	Line Line
	// Lists are what one costs a customer who has that list, where that is not what it costs everybody.
	Lists []ListPrice
	// Promos are the promotions that name the product, its category or everything, at any time and for any list.
	Promos []string
}

// ListPrice is a price in a list.
type ListPrice struct {
	Name string
	Prc  money.Price
}

// Sheet finds a product by a code, as Quote does. Every price comes out of the one place where prices are made.
func (r *Register) Sheet(text string) (Sheet, error) {
	line, err := r.Quote(text)
	if err != nil {
		return Sheet{}, err
	}
	s := Sheet{Line: line, Promos: r.prices.Promos(line.Codigo, line.Categoria)}
	all, err := r.priceFor(line)
	if err != nil {
		return s, err
	}
	for _, name := range r.prices.Lists() {
		prc, err := r.priceFor(line, name)
		if err != nil {
			return s, err
		}
		if prc != all {
			s.Lists = append(s.Lists, ListPrice{name, prc})
		}
	}
	return s, nil
}

// priceFor is what one of it costs who has these lists.
func (r *Register) priceFor(l Line, lists ...string) (money.Price, error) {
	l.Qty, l.Off = money.One, price.Off{}
	cart := Cart{Lines: []Line{l}, Lists: lists}
	err := r.reprice(&cart)
	return cart.Lines[0].Prc, err
}
