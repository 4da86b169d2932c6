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

// shelf is where sales without a document stand, under numbers of their own: those of card vouchers, and the slips.
type shelf struct {
	records []byte // number → sale.Record
	ids     []byte // sale ID → number
	fact    FactKind
	called  string
}

var (
	vouchers = shelf{bVouchers, bVoucherIDs, FactVoucher, "la venta %s, sin boleta,"}
	slips    = shelf{bSlips, bSlipIDs, FactSlip, "el comprobante interno de %s"}
	shelves  = []shelf{vouchers, slips}
)

// make is a step of the schema.
func (h shelf) make(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(h.records)
	_, idErr := t.CreateBucketIfNotExists(h.ids)
	return errors.Join(err, idErr)
}

// KeepVoucher implements sale.Journal.
func (s *Store) KeepVoucher(r sale.Record) (sale.Record, error) {
	if err := r.CheckVoucher(); err != nil {
		return sale.Record{}, err
	}
	r.Key.Tipo = sale.Comprobante
	return s.keepOn(vouchers, r)
}

// KeepSlip implements sale.Journal.
func (s *Store) KeepSlip(r sale.Record) (sale.Record, error) {
	if err := r.CheckSlip(); err != nil {
		return sale.Record{}, err
	}
	return s.keepOn(slips, r)
}

// keepOn puts a sale on its shelf, or finds it where it is.
func (s *Store) keepOn(h shelf, r sale.Record) (sale.Record, error) {
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
		kept, err = h.put(t, r)
		return err
	})
	switch {
	case errors.Is(err, errKnown):
		return kept, nil
	case err != nil:
		return sale.Record{}, err
	}
	if s.opt.OnCommit != nil {
		s.opt.OnCommit(kept)
	}
	return kept, nil
}

// put is the one transaction of a sale without a document.
func (h shelf) put(t *bolt.Tx, r sale.Record) (sale.Record, error) {
	n, err := t.Bucket(h.records).NextSequence()
	if err != nil {
		return r, err
	}
	r.Key.Folio, r.SHA256 = dte.Folio(n), ""
	if err := countIn(t, &r); err != nil {
		return r, err
	}
	if _, err := move(t, r.Movements()...); err != nil {
		return r, err
	}
	if err := h.print(t, r); err != nil {
		return r, err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	return r, errors.Join(
		t.Bucket(h.records).Put(number(n), b),
		t.Bucket(h.ids).Put([]byte(r.ID), number(n)),
		note(t, Fact{At: r.At, Kind: h.fact, Key: r.Key, SHA256: sale.HashXML(b), Text: fmt.Sprintf("%d", r.Total)}),
		forgetCart(t, r.ID),
		indexAgainst(t, r, nil),
		raiseClock(t, r.At),
	)
}

// print queues the paper of a slip. That of a card's voucher comes out of the terminal.
func (h shelf) print(t *bolt.Tx, r sale.Record) error {
	if !sale.IsSlip(r.Key.Tipo) {
		return nil
	}
	_, err := queuePrint(t, sale.PrintJob{Kept: &r})
	return err
}

// keptRecord is a sale that has no document.
func keptRecord(t *bolt.Tx, id sale.ID) (sale.Record, error) {
	for _, h := range shelves {
		if n := t.Bucket(h.ids).Get([]byte(id)); n != nil {
			return h.record(t, n)
		}
	}
	return sale.Record{}, fmt.Errorf("venta %s: %w", id, sale.ErrNotFound)
}

func (h shelf) record(t *bolt.Tx, n []byte) (sale.Record, error) {
	r, ok, err := getJSON[sale.Record](t, h.records, n)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta el número %d en %s", parseNumber(n), h.records))
	}
	return r, err
}

// Vouchers implements sale.Journal.
func (s *Store) Vouchers(from, to time.Time) ([]sale.Record, error) {
	return s.keptWithin(vouchers, from, to)
}

// Voucher implements sale.Journal.
func (s *Store) Voucher(n dte.Folio) (r sale.Record, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		if n < 1 || t.Bucket(vouchers.records).Get(number(uint64(n))) == nil {
			return fmt.Errorf("comprobante %d: %w", n, sale.ErrNotFound)
		}
		r, err = vouchers.record(t, number(uint64(n)))
		return err
	})
	return r, err
}

// Slips implements sale.Journal.
func (s *Store) Slips(from, to time.Time) ([]sale.Record, error) {
	return s.keptWithin(slips, from, to)
}

func (s *Store) keptWithin(h shelf, from, to time.Time) (list []sale.Record, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(h.records).ForEach(func(k, v []byte) error {
			r, err := decode[sale.Record](h.records, k, v)
			if err == nil && !r.At.Before(from) && r.At.Before(to) {
				list = append(list, r)
			}
			return err
		})
	})
	return list, err
}

// kept checks the sales without a document: each is found by its ID, has the content that the chain tells, counts in its
// shift, and what it took back is counted.
func (a *auditor) kept() {
	for _, h := range shelves {
		a.onShelf(h)
	}
}

func (a *auditor) onShelf(h shelf) {
	told := a.told[h.fact]
	n := a.each(h.records, func(_, _ int, k, v []byte) {
		r, err := decode[sale.Record](h.records, k, v)
		if !a.check(err) {
			return
		}
		if !bytes.Equal(a.t.Bucket(h.ids).Get([]byte(r.ID)), k) || r.Key.Folio != dte.Folio(parseNumber(k)) {
			a.fault(h.called+" no figura con su número", r.ID)
		}
		if a.deep && told[r.Key.Folio] != sale.HashXML(v) {
			a.fault(h.called+" no es como lo anotó la bitácora", r.ID)
		}
		for _, l := range r.Returned {
			if a.t.Bucket(bAgainst).Get(append(keyBytes(l.Of), keyBytes(r.Key)...)) == nil {
				a.fault(h.called+" tomó algo de vuelta que no se descuenta de %s", r.ID, l.Of)
			}
		}
		a.check(a.addUp(r))
	})
	if ids := a.t.Bucket(h.ids).Stats().KeyN; ids != n || a.deep && len(told) != n {
		a.fault("en %s hay %d, %d con número y %d en la bitácora", h.records, n, ids, len(told))
	}
}
