package shop

import (
	"bytes"
	"errors"
	"fmt"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/store"
)

// PriceRules are the shop's price lists and promotions, as they were stored; none if there never were any.
func (s *Shop) PriceRules() ([]price.Rule, error) {
	b, err := s.Store.Value(store.ValuePrices)
	if errors.Is(err, sale.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rules, bad, err := price.Read(bytes.NewReader(b))
	if err == nil && len(bad) > 0 {
		err = bad[0]
	}
	if err != nil {
		return nil, fmt.Errorf("las reglas de precio guardadas no se entienden y no se aplican: %w", err)
	}
	return rules, nil
}

// SetPriceRules changes them, all or none, for registers that are made from then on.
func (s *Shop) SetPriceRules(rules []price.Rule) error {
	if _, bad := price.Compile(rules); len(bad) > 0 {
		return fmt.Errorf("%w. No se cambió nada", bad[0])
	}
	var b bytes.Buffer
	if err := price.Write(&b, rules); err != nil {
		return err
	}
	return s.Store.PutValue(store.ValuePrices, b.Bytes())
}

// priceBook is what registers price with: the shop's rules, and what the server's lists say. Rules that cannot be read stop no
// sale: the prices of the catalogue hold.
func (s *Shop) priceBook(c sale.Catalogue) *price.Book {
	rules, err := s.PriceRules()
	if err != nil {
		rules = nil
	}
	if prices, err := s.Store.ListPrices(); err == nil {
		rules = append(rules, listRules(prices, func(code string) (money.Price, bool) {
			m, sold := c.ByCode(code)
			return m.Product.Prc, sold
		})...)
	}
	book, _ := price.Compile(rules)
	return book
}
