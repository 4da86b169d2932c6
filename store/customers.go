package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// makeCustomers is a step of the schema.
func makeCustomers(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bCustomers)
	return err
}

// customerIndex is what the file's customers are found by. It is made from the file at the first search, and again after
// a write of which it is not certain what it did.
type customerIndex struct {
	mu   sync.Mutex // held through a write, so that the index follows the file in its order
	book *sale.CustomerBook
}

var _ sale.Customers = (*Store)(nil)

// PutCustomers implements sale.Customers.
func (s *Store) PutCustomers(at time.Time, list ...sale.Customer) error {
	for _, c := range list {
		if err := c.Check(); err != nil {
			return fmt.Errorf("%w. No se guardó ningún cliente", err)
		}
	}
	s.customers.mu.Lock()
	defer s.customers.mu.Unlock()
	saved := make([]sale.Customer, 0, len(list))
	err := s.update(func(t *bolt.Tx) error {
		for _, c := range list {
			before, _, err := getJSON[sale.Customer](t, bCustomers, rutKey(c.RUT))
			if err != nil {
				return err
			}
			c = c.SavedOver(before, at)
			if err := errors.Join(putJSON(t, bCustomers, rutKey(c.RUT), c), madeHere(t, customerMark(c.RUT))); err != nil {
				return err
			}
			saved = append(saved, c)
		}
		return nil
	})
	switch {
	case err != nil:
		s.customers.book = nil
	case s.customers.book != nil:
		s.customers.book.Load(saved)
	}
	return err
}

// FindCustomers implements sale.Customers.
func (s *Store) FindCustomers(text string, limit int) ([]sale.Customer, error) {
	book, err := s.customerBook()
	if err != nil {
		return nil, err
	}
	return book.FindCustomers(text, limit)
}

// Giros implements sale.Customers.
func (s *Store) Giros(text string, limit int) ([]string, error) {
	book, err := s.customerBook()
	if err != nil {
		return nil, err
	}
	return book.Giros(text, limit)
}

// Customers are all of them, in alphabetical order.
func (s *Store) Customers() ([]sale.Customer, error) {
	book, err := s.customerBook()
	if err != nil {
		return nil, err
	}
	return book.All(), nil
}

// Customer implements sale.Customers.
func (s *Store) Customer(rut dte.RUT) (c sale.Customer, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		var ok bool
		c, ok, err = getJSON[sale.Customer](t, bCustomers, rutKey(rut))
		if err == nil && !ok {
			err = fmt.Errorf("cliente %s: %w", rut.Dotted(), sale.ErrNotFound)
		}
		return err
	})
	return c, err
}

// customerBook is the index, made from the file if need be.
func (s *Store) customerBook() (*sale.CustomerBook, error) {
	s.customers.mu.Lock()
	defer s.customers.mu.Unlock()
	if s.customers.book != nil {
		return s.customers.book, nil
	}
	var all []sale.Customer
	err := s.view(func(t *bolt.Tx) error {
		return t.Bucket(bCustomers).ForEach(func(k, v []byte) error {
			c, err := decode[sale.Customer](bCustomers, k, v)
			all = append(all, c)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	book := new(sale.CustomerBook)
	book.Load(all)
	s.customers.book = book
	return book, nil
}

func rutKey(rut dte.RUT) []byte { return binary.BigEndian.AppendUint32(nil, uint32(rut)) }
