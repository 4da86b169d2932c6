package shop

import (
	"mostrador/assets"
	"mostrador/dte"
	"mostrador/sale"
)

// Comunas are the names of Chile's communes, for what is typed.
func Comunas() (*sale.Names, error) {
	list, err := assets.Comunas()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Nombre
	}
	return sale.NewNames(names), nil
}

// FindCustomers finds buyers whom the shop knows, as sale.Customers does.
func (s *Shop) FindCustomers(text string, limit int) ([]sale.Customer, error) {
	return s.Store.FindCustomers(text, limit)
}

// Customer is the buyer with this RUT, or sale.ErrNotFound.
func (s *Shop) Customer(rut dte.RUT) (sale.Customer, error) { return s.Store.Customer(rut) }

// SaveCustomer keeps a buyer as of now.
func (s *Shop) SaveCustomer(c sale.Customer) error { return s.Store.PutCustomers(s.opt.Now(), c) }

// Giros are the lines of business that customers have.
func (s *Shop) Giros(text string, limit int) ([]string, error) { return s.Store.Giros(text, limit) }
