package store

import (
	"bytes"
	"errors"
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestStoreKeepsPeople(t *testing.T) { saletest.RunPeople(t, openAudited) }

func TestStoreKeepsTheDrawer(t *testing.T) { saletest.RunDrawer(t, openAudited) }

// staffed is a till with an owner, and cash that came in during its shift.
func staffed(t *testing.T) *till {
	b := newTill(t)
	_, err := b.PutPerson(sale.Person{Name: "Rosa", Role: sale.Dueno, Active: true}, saletest.ANewPIN(7), sale.Event{At: saletest.Now, Kind: sale.EventPerson})
	b.must(err)
	_, err = b.OpenShift(saletest.Now, "Rosa", 0)
	b.must(err)
	_, err = b.MoveCash(sale.CashMove{ID: "c1", At: saletest.Now, Kind: sale.CashIn, Amount: 1000, Why: "sencillo"})
	b.must(err)
	return b
}

// Somebody without a PIN, a shop without an owner, and cash that was altered or went missing are found.
func TestAuditOfPeopleAndDrawer(t *testing.T) {
	one := number(1)
	for name, spoil := range map[string]func(*bolt.Tx) error{
		"nothing":             func(*bolt.Tx) error { return nil },
		"a PIN is missing":    func(t *bolt.Tx) error { return t.Bucket(bPINs).Delete(one) },
		"a person is missing": func(t *bolt.Tx) error { return t.Bucket(bPeople).Delete(one) },
		"nobody is in charge": func(t *bolt.Tx) error {
			return putJSON(t, bPeople, one, sale.Person{Number: 1, Role: sale.Cajero, Active: true})
		},
		"a movement is gone": func(t *bolt.Tx) error { return t.Bucket(bCash).Delete(one) },
		"its ID is gone":     func(t *bolt.Tx) error { return t.Bucket(bCashIDs).Delete([]byte("c1")) },
		"it was another sum": func(t *bolt.Tx) error {
			return putJSON(t, bCash, one, sale.CashMove{N: 1, ID: "c1", Kind: sale.CashIn, Amount: 10, Shift: 1})
		},
		"the shift was edited": func(t *bolt.Tx) error { s, err := lastShift(t); s.CashIn = 0; return errors.Join(err, putShift(t, s)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := staffed(t)
			b.must(b.update(spoil))
			if r, err := b.Audit(true); err != nil || r.OK() != (name == "nothing") {
				t.Errorf("the audit says %v, %v", r.Faults, err)
			}
			b.close()
		})
	}
}

// What lies in the file is no PIN: it is sealed, and another person's place does not open it.
func TestPINsAreSealed(t *testing.T) {
	b := staffed(t)
	_, err := b.PutPerson(sale.Person{Name: "Ana", Role: sale.Cajero, Active: true}, saletest.ANewPIN(9), sale.Event{At: saletest.Now, Kind: sale.EventPerson})
	b.must(err)
	b.must(b.update(func(tx *bolt.Tx) error {
		mine := bytes.Clone(tx.Bucket(bPINs).Get(number(2)))
		if bytes.Contains(mine, []byte("hash")) {
			t.Error("the hash lies open in the file")
		}
		return tx.Bucket(bPINs).Put(number(1), mine) // a cashier gives the owner her own PIN
	}))
	if pin, err := b.PIN(1); err == nil {
		t.Errorf("somebody else's PIN opened: %v", pin)
	}
	b.close()
}
