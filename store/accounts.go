package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// makeAccounts is a step of the schema.
func makeAccounts(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bAccounts)
	return err
}

// accountKey is where the n-th movement of an account is. No name holds a zero.
func accountKey(a sale.Account, n int) []byte {
	return append(accountPrefix(a), number(uint64(n))...)
}

func accountPrefix(a sale.Account) []byte { return append([]byte(a), 0) }

// move appends movements to their accounts, each as it stands after the one before.
func move(t *bolt.Tx, list ...sale.Movement) (last sale.Movement, err error) {
	for _, m := range list {
		before, err := newestMovement(t, m.Account)
		if err != nil {
			return last, err
		}
		if last, err = m.After(before); err != nil {
			return last, err
		}
		if err := putJSON(t, bAccounts, accountKey(m.Account, last.N), last); err != nil {
			return last, err
		}
	}
	return last, nil
}

func newestMovement(t *bolt.Tx, a sale.Account) (m sale.Movement, err error) {
	err = eachMovement(t, a, func(newest sale.Movement) bool {
		m = newest
		return false
	})
	return m, err
}

// eachMovement gives an account's movements, newest first, while fn wants more.
func eachMovement(t *bolt.Tx, a sale.Account, fn func(sale.Movement) bool) error {
	prefix := accountPrefix(a)
	c := t.Bucket(bAccounts).Cursor()
	step := c.Prev
	if k, _ := c.Seek(append(bytes.Clone(prefix), bytes.Repeat([]byte{0xFF}, 9)...)); k == nil {
		step = c.Last
	}
	for k, v := step(); bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		m, err := decode[sale.Movement](bAccounts, k, v)
		if err != nil || !fn(m) {
			return err
		}
	}
	return nil
}

// Account implements sale.Journal.
func (s *Store) Account(a sale.Account) (m sale.Movement, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		m, err = newestMovement(t, a)
		return err
	})
	return m, err
}

// Statement implements sale.Journal.
func (s *Store) Statement(a sale.Account, limit int) (list []sale.Movement, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return eachMovement(t, a, func(m sale.Movement) bool {
			if len(list) < limit {
				list = append(list, m)
			}
			return len(list) < limit
		})
	})
	return list, err
}

// Owing implements sale.Journal.
func (s *Store) Owing() (list []sale.Movement, err error) {
	prefix := []byte(sale.CreditAccounts)
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bAccounts).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			m, err := decode[sale.Movement](bAccounts, k, v)
			if err != nil {
				return err
			}
			if n := len(list); n > 0 && list[n-1].Account == m.Account {
				list[n-1] = m
				continue
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}

// Move implements sale.Journal.
func (s *Store) Move(m sale.Movement) (kept sale.Movement, err error) {
	if m.ID == "" {
		return kept, errors.New("el movimiento no tiene identificador. Nada se anotó")
	}
	err = s.update(func(t *bolt.Tx) error {
		known := false
		err := eachMovement(t, m.Account, func(o sale.Movement) bool {
			if known = o.Same(m); known {
				kept = o
			}
			return !known
		})
		if err != nil || known {
			return err
		}
		if m.Shift, err = countAbono(t, m); err != nil {
			return err
		}
		if kept, err = move(t, m); err != nil {
			return err
		}
		if err := queueSlip(t, kept); err != nil {
			return err
		}
		return note(t, Fact{At: m.At, Kind: FactAccount, Text: describeMovement(kept), About: &About{Account: kept.Account, Movement: kept.N}})
	})
	if err != nil {
		return sale.Movement{}, err
	}
	return kept, nil
}

// queueSlip has a payment of account put on paper: who pays a debt wants something in his hand.
func queueSlip(t *bolt.Tx, m sale.Movement) error {
	if m.Kind != sale.MovePaid {
		return nil
	}
	_, err := queuePrint(t, sale.PrintJob{Abono: &m})
	return err
}

// countAbono adds what was received for a debt to the open shift, and returns its number.
func countAbono(t *bolt.Tx, m sale.Movement) (int, error) {
	shift, err := lastShift(t)
	if err != nil || !shift.Open() || m.Kind != sale.MovePaid {
		return 0, err
	}
	if err := shift.CountPaid(m); err != nil {
		return 0, err
	}
	return shift.Number, putShift(t, shift)
}

func describeMovement(m sale.Movement) string {
	if m.Kind == sale.MoveLimit {
		return fmt.Sprintf("%s: cupo %d, por %s", m.Account, m.Limit, m.Who)
	}
	return fmt.Sprintf("%s: %s de %d con %s, debe %d", m.Account, m.Kind, m.Received, m.Method, m.Balance)
}

// accounts checks that every balance follows from the movements before it, and, deep, that the sales' movements are
// those of their tenders.
func (a *auditor) accounts() {
	var last sale.Movement
	sold := map[sale.ID]int{}
	a.each(bAccounts, func(_, _ int, k, v []byte) {
		m, err := decode[sale.Movement](bAccounts, k, v)
		if !a.check(err) {
			return
		}
		if m.Account != last.Account {
			last = sale.Movement{}
		}
		if m.N != last.N+1 || m.Balance != last.Balance+m.Amount || !bytes.Equal(k, accountKey(m.Account, m.N)) {
			a.fault("el movimiento %d de %s no sigue al anterior", m.N, m.Account)
		}
		last = m
		switch m.Kind {
		case sale.MoveSale, sale.MoveReturn:
			sold[m.ID]++
		case sale.MovePaid:
			a.addAbono(m)
		}
	})
	if !a.deep {
		return
	}
	for _, bucket := range [][]byte{bRecords, bSlips} {
		a.each(bucket, func(_, _ int, k, v []byte) {
			r, err := decode[sale.Record](bucket, k, v)
			if !a.check(err) {
				return
			}
			if n := len(r.Movements()); n != sold[r.ID] {
				a.fault("%s mueve %d cuentas y hay %d movimientos", r.Key, n, sold[r.ID])
			}
			delete(sold, r.ID)
		})
	}
	for id := range sold {
		a.fault("hay movimientos de la venta %s, que no existe", id)
	}
}

func (a *auditor) addAbono(m sale.Movement) {
	if !a.deep || m.Shift == 0 {
		return
	}
	sum := a.shifts[m.Shift]
	a.check(sum.CountPaid(m))
	a.shifts[m.Shift] = sum
}
