package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// Modelo implements sale.Journal.
func (s *Store) Modelo() (sale.Modelo, error) {
	shop, err := s.Shop()
	if errors.Is(err, sale.ErrNotFound) {
		return "", nil
	}
	return shop.Modelo, err
}

// SetModelo implements sale.Journal.
func (s *Store) SetModelo(m sale.Modelo, at time.Time) error {
	if err := m.Check(); err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		shop, ok, err := getJSON[sale.Shop](t, bMeta, kShop)
		if err == nil && !ok {
			err = fmt.Errorf("los datos de la empresa: %w", sale.ErrNotFound)
		}
		if err != nil {
			return err
		}
		shop.Modelo = m
		return errors.Join(putJSON(t, bMeta, kShop, shop), note(t, Fact{At: at, Kind: FactModelo, Text: m.String()}))
	})
}
