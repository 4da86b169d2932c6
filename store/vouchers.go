package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// makeVouchers is a step of the schema.
func makeVouchers(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bVouchers)
	_, idErr := t.CreateBucketIfNotExists(bVoucherIDs)
	return errors.Join(err, idErr)
}

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

// KeepVoucher implements sale.Journal.
func (s *Store) KeepVoucher(r sale.Record) (sale.Record, error) {
	if err := r.CheckVoucher(); err != nil {
		return sale.Record{}, err
	}
	var kept sale.Record
	err := s.update(func(t *bolt.Tx) (err error) {
		if kept, err = saleRecord(t, r.ID); err == nil {
			return errKnown
		} else if !errors.Is(err, sale.ErrNotFound) {
			return err
		}
		if err := mayIssue(t, r.At); err != nil {
			return err
		}
		kept, err = keepVoucher(t, r)
		return err
	})
	switch {
	case errors.Is(err, errKnown):
		return kept, nil
	case err != nil:
		return sale.Record{}, err
	}
	return kept, nil
}

func keepVoucher(t *bolt.Tx, r sale.Record) (sale.Record, error) {
	n, err := t.Bucket(bVouchers).NextSequence()
	if err != nil {
		return r, err
	}
	r.Key.Tipo, r.Key.Folio, r.SHA256 = sale.Comprobante, dte.Folio(n), ""
	if err := countIn(t, &r); err != nil {
		return r, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	return r, errors.Join(
		t.Bucket(bVouchers).Put(number(n), b),
		t.Bucket(bVoucherIDs).Put([]byte(r.ID), number(n)),
		note(t, Fact{At: r.At, Kind: FactVoucher, Key: r.Key, SHA256: sale.HashXML(b), Text: fmt.Sprintf("%d", r.Total)}),
		forgetCart(t, r.ID),
		raiseClock(t, r.At),
	)
}

// voucherRecord is a sale that has a voucher and no document.
func voucherRecord(t *bolt.Tx, id sale.ID) (sale.Record, error) {
	n := t.Bucket(bVoucherIDs).Get([]byte(id))
	if n == nil {
		return sale.Record{}, fmt.Errorf("venta %s: %w", id, sale.ErrNotFound)
	}
	r, ok, err := getJSON[sale.Record](t, bVouchers, n)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta la venta %s, sin boleta", id))
	}
	return r, err
}

// Vouchers implements sale.Journal.
func (s *Store) Vouchers(from, to time.Time) (list []sale.Record, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bVouchers).ForEach(func(k, v []byte) error {
			r, err := decode[sale.Record](bVouchers, k, v)
			if err == nil && !r.At.Before(from) && r.At.Before(to) {
				list = append(list, r)
			}
			return err
		})
	})
	return list, err
}

// vouchers checks the sales without boleta: each is found by its ID, has the content that the chain tells, and counts in
// its shift.
func (a *auditor) vouchers() {
	n := a.each(bVouchers, func(_, _ int, k, v []byte) {
		r, err := decode[sale.Record](bVouchers, k, v)
		if !a.check(err) {
			return
		}
		if !bytes.Equal(a.t.Bucket(bVoucherIDs).Get([]byte(r.ID)), k) || r.Key.Folio != dte.Folio(parseNumber(k)) {
			a.fault("la venta %s, sin boleta, no figura con su número", r.ID)
		}
		if a.deep && a.vouched[r.Key.Folio] != sale.HashXML(v) {
			a.fault("la venta %s, sin boleta, no es la que anotó la bitácora", r.ID)
		}
		a.check(a.addUp(r))
	})
	if ids := a.t.Bucket(bVoucherIDs).Stats().KeyN; ids != n || a.deep && len(a.vouched) != n {
		a.fault("hay %d ventas sin boleta, %d con número y %d en la bitácora", n, ids, len(a.vouched))
	}
}
