package shop

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"mostrador/sale"
)

const valueScale = "balanza"

// ScaleRules is how the labels of the shop's scales are read; the usual layouts until somebody edits the table. With an
// error they are returned, too.
func (s *Shop) ScaleRules() (sale.ScaleRules, error) {
	b, err := s.Store.Value(valueScale)
	if errors.Is(err, sale.ErrNotFound) {
		return sale.DefaultScaleRules(), nil
	}
	var rules sale.ScaleRules
	if err == nil {
		rules, err = sale.ParseScaleRules(b)
	}
	if err != nil {
		return sale.DefaultScaleRules(), fmt.Errorf("se usa la tabla habitual de la balanza: %w", err)
	}
	return rules, nil
}

// SetScaleRules changes the table, for registers that are made from then on.
func (s *Shop) SetScaleRules(rules sale.ScaleRules) error {
	if err := rules.Check(); err != nil {
		return fmt.Errorf("%w. No se cambió nada", err)
	}
	b, err := json.Marshal(rules)
	if err != nil {
		return err
	}
	return s.Store.PutValue(valueScale, b)
}

// manyProducts leave so much behind when they are read that it is worth a moment to give it back.
const manyProducts = 20_000

// catalogue reads all products and indexes them.
func (s *Shop) catalogue() (*sale.MemCatalogue, error) {
	products, err := s.Store.Products()
	if err != nil {
		return nil, err
	}
	c := sale.NewCatalogue(products)
	if c.Len() >= manyProducts {
		debug.FreeOSMemory()
		_ = s.Store.ForgetPages() // a saving; the till sells without it
	}
	return c, nil
}

// AddProduct keeps a product that was made at the counter, and returns the catalogue with it, for Register.SetCatalogue.
// With an error nothing was kept.
func (s *Shop) AddProduct(to sale.Catalogue, p sale.Product) (sale.Catalogue, error) {
	next, err := to.With(p)
	if err != nil {
		return nil, err
	}
	if err := s.Store.PutProducts([]sale.Product{p}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, p)
	return next, nil
}
