package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/money"
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

// keptMovement is a movement and the entry of the audit chain that tells of it. It is how what the server has counted is known from
// what it has not; one that an older version kept has no entry.
type keptMovement struct {
	sale.Movement
	Entry int64 `json:"entry,omitempty"`
}

// move appends movements to their accounts, each as it stands after the one before. The next entry of the chain must tell of them.
func move(t *bolt.Tx, list ...sale.Movement) (last sale.Movement, err error) {
	for _, m := range list {
		before, err := account(t, m.Account)
		if err != nil {
			return last, err
		}
		if last, err = m.After(before); err != nil {
			return last, err
		}
		head, _ := t.Bucket(bAudit).Cursor().Last()
		if err := putJSON(t, bAccounts, accountKey(m.Account, last.N), keptMovement{last, int64(parseNumber(head)) + 1}); err != nil {
			return last, err
		}
	}
	return last, nil
}

// account is the newest movement of one, with what the server said of it since.
func account(t *bolt.Tx, a sale.Account) (m sale.Movement, err error) {
	m.Account = a
	err = eachMovement(t, a, func(newest keptMovement) bool {
		m = newest.Movement
		return false
	})
	if err != nil {
		return m, err
	}
	h, err := heardOf(t, a)
	return m.With(h), err
}

// heardOf is what the server last said of a customer's account; nil if nothing.
func heardOf(t *bolt.Tx, a sale.Account) (*sale.Heard, error) {
	rut, ok := a.Debtor()
	if !ok {
		return nil, nil
	}
	c, _, err := getJSON[servedCustomer](t, bServedCustomers, rutKey(rut))
	return c.Heard, err
}

// toldBalance is an account's balance up to an entry of the chain, and whether a limit was given after it.
func toldBalance(t *bolt.Tx, a sale.Account, upTo int64) (balance money.Pesos, limited bool, err error) {
	err = eachMovement(t, a, func(m keptMovement) bool {
		if m.Entry <= upTo {
			balance = m.Balance
			return false
		}
		limited = limited || m.Kind == sale.MoveLimit
		return true
	})
	return balance, limited, err
}

// eachMovement gives an account's movements, newest first, while fn wants more.
func eachMovement(t *bolt.Tx, a sale.Account, fn func(keptMovement) bool) error {
	prefix := accountPrefix(a)
	c := t.Bucket(bAccounts).Cursor()
	step := c.Prev
	if k, _ := c.Seek(append(bytes.Clone(prefix), bytes.Repeat([]byte{0xFF}, 9)...)); k == nil {
		step = c.Last
	}
	for k, v := step(); bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		m, err := decode[keptMovement](bAccounts, k, v)
		if err != nil || !fn(m) {
			return err
		}
	}
	return nil
}

// Account implements sale.Journal.
func (s *Store) Account(a sale.Account) (m sale.Movement, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		m, err = account(t, a)
		return err
	})
	return m, err
}

// Statement implements sale.Journal.
func (s *Store) Statement(a sale.Account, limit int) (list []sale.Movement, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return eachMovement(t, a, func(m keptMovement) bool {
			if len(list) < limit {
				list = append(list, m.Movement)
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
		list, err = withServed(t, list)
		return err
	})
	return list, err
}

// withServed is a list of the accounts' newest movements with what the server said of them, and with the accounts of which only the
// server knows.
func withServed(t *bolt.Tx, list []sale.Movement) ([]sale.Movement, error) {
	at := make(map[sale.Account]int, len(list))
	for i, m := range list {
		list[i], at[m.Account] = m.With(nil), i
	}
	err := t.Bucket(bServedCustomers).ForEach(func(k, v []byte) error {
		c, err := decode[servedCustomer](bServedCustomers, k, v)
		if err != nil || c.Heard == nil {
			return err
		}
		a := sale.CreditAccount(c.RUT)
		if i, moved := at[a]; moved {
			list[i] = list[i].With(c.Heard)
		} else if c.Heard.Elsewhere != 0 {
			list = append(list, sale.Movement{Account: a}.With(c.Heard))
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
		err := eachMovement(t, m.Account, func(o keptMovement) bool {
			if known = o.Same(m); known {
				kept = o.Movement
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
		if err := errors.Join(queueSlip(t, kept), limitHere(t, kept)); err != nil {
			return err
		}
		return note(t, Fact{At: m.At, Kind: FactAccount, Text: describeMovement(kept), About: &About{Account: kept.Account, Movement: kept.N}})
	})
	if err != nil {
		return sale.Movement{}, err
	}
	return kept, nil
}

// limitHere has a limit that was given at this till hold until the server has heard of it and speaks again.
func limitHere(t *bolt.Tx, m sale.Movement) error {
	rut, ok := m.Account.Debtor()
	if !ok || m.Kind != sale.MoveLimit {
		return nil
	}
	c, served, err := getJSON[servedCustomer](t, bServedCustomers, rutKey(rut))
	if err != nil || !served || c.Heard == nil {
		return err
	}
	c.Heard.Limit = nil
	return putJSON(t, bServedCustomers, rutKey(rut), c)
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
	return fmt.Sprintf("%s: %s de %d con %s, debe %d", m.Account, m.Kind, m.Received, m.Method, m.Owes())
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
