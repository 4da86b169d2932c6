package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// MoveCash implements sale.Journal.
func (s *Store) MoveCash(m sale.CashMove) (kept sale.CashMove, err error) {
	err = s.update(func(t *bolt.Tx) error {
		if n := t.Bucket(bCashIDs).Get([]byte(m.ID)); n != nil {
			kept, err = cashMove(t, n)
			return errors.Join(err, errKnown)
		}
		kept, err = moveCash(t, m)
		return err
	})
	switch {
	case errors.Is(err, errKnown):
		return kept, nil
	case err != nil:
		return sale.CashMove{}, err
	}
	return kept, nil
}

func moveCash(t *bolt.Tx, m sale.CashMove) (sale.CashMove, error) {
	shift, err := lastShift(t)
	if err != nil {
		return m, err
	}
	if err := shift.CountCash(m); err != nil {
		return m, err
	}
	if m.Shift = 0; shift.Open() {
		m.Shift = shift.Number
		if err := putShift(t, shift); err != nil {
			return m, err
		}
	}
	n, err := t.Bucket(bCash).NextSequence()
	if err != nil {
		return m, err
	}
	m.N = int(n)
	if m.Amount != 0 {
		if _, err := queuePrint(t, sale.PrintJob{Cash: m.N}); err != nil {
			return m, err
		}
	}
	return m, errors.Join(
		putJSON(t, bCash, number(n), m),
		t.Bucket(bCashIDs).Put([]byte(m.ID), number(n)),
		noteEvent(t, m.Event(), &About{Cash: m.N}),
	)
}

func cashMove(t *bolt.Tx, n []byte) (sale.CashMove, error) {
	m, ok, err := getJSON[sale.CashMove](t, bCash, n)
	if err == nil && !ok {
		err = fmt.Errorf("movimiento de efectivo %d: %w", parseNumber(n), sale.ErrNotFound)
	}
	return m, err
}

// CashMove is what was done at the drawer under a number; sale.ErrNotFound if nothing was.
func (s *Store) CashMove(n int) (m sale.CashMove, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		m, err = cashMove(t, number(uint64(n)))
		return err
	})
	return m, err
}

// CashMoves implements sale.Journal.
func (s *Store) CashMoves(limit int) (list []sale.CashMove, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bCash).Cursor()
		for k, v := c.Last(); k != nil && len(list) < limit; k, v = c.Prev() {
			m, err := decode[sale.CashMove](bCash, k, v)
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}

// cash checks what was done at the drawer: all of it is there, and, deep, counts in its shift.
func (a *auditor) cash() {
	n := a.each(bCash, func(i, _ int, k, v []byte) {
		m, err := decode[sale.CashMove](bCash, k, v)
		if !a.check(err) {
			return
		}
		if m.N != i+1 || parseNumber(k) != uint64(i+1) || !bytes.Equal(a.t.Bucket(bCashIDs).Get([]byte(m.ID)), k) {
			a.fault("el movimiento de efectivo %d no figura con su número", i+1)
		}
		if !a.deep || m.Shift == 0 {
			return
		}
		sum := a.shifts[m.Shift]
		a.check(sum.AddCash(m))
		a.shifts[m.Shift] = sum
	})
	if ids := a.t.Bucket(bCashIDs).Stats().KeyN; ids != n {
		a.fault("hay %d movimientos de efectivo y %d con su identificador", n, ids)
	}
}
