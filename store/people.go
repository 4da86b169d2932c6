package store

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// makePeople is a step of the schema: who works at the till, and what they do at the drawer without a sale.
func makePeople(t *bolt.Tx) error {
	for _, name := range [][]byte{bPeople, bPINs, bMisses, bCash, bCashIDs} {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// People implements sale.Journal.
func (s *Store) People() (people []sale.Person, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		people, err = peopleOf(t)
		return err
	})
	return people, err
}

func peopleOf(t *bolt.Tx) (people []sale.Person, err error) {
	err = t.Bucket(bPeople).ForEach(func(k, v []byte) error {
		p, err := decode[sale.Person](bPeople, k, v)
		people = append(people, p)
		return err
	})
	return people, err
}

// PutPerson implements sale.Journal. A PIN is sealed like all secrets: ErrLocked without the key.
func (s *Store) PutPerson(p sale.Person, pin sale.PIN, e sale.Event) (sale.Person, error) {
	written := p
	err := s.update(func(t *bolt.Tx) error {
		people, err := peopleOf(t)
		if err != nil {
			return err
		}
		known := t.Bucket(bPeople).Get(number(uint64(p.Number))) != nil
		hasPIN := t.Bucket(bPINs).Get(number(uint64(p.Number))) != nil || known && !p.Active
		if p, err = sale.CheckPerson(people, p, hasPIN || !pin.IsZero()); err != nil {
			return err
		}
		switch {
		case p.Number == 0:
			p.Number = len(people) + 1
		case !known:
			return fmt.Errorf("persona %d: %w. Nada cambió", p.Number, sale.ErrNotFound)
		}
		if err := s.putPIN(t, p.Number, pin); err != nil {
			return err
		}
		return errors.Join(putJSON(t, bPeople, number(uint64(p.Number)), p), noteEvent(t, e, nil))
	})
	if err != nil {
		return written, err
	}
	return p, nil
}

// putPIN seals a new PIN, with which old guesses are forgotten; the zero PIN leaves the old one.
func (s *Store) putPIN(t *bolt.Tx, person int, pin sale.PIN) error {
	if pin.IsZero() {
		return nil
	}
	aead, err := s.vault.current()
	if err != nil {
		return err
	}
	text, err := json.Marshal(pin)
	if err != nil {
		return err
	}
	k := number(uint64(person))
	return errors.Join(t.Bucket(bPINs).Put(k, seal(aead, place(bPINs, k), text)), t.Bucket(bMisses).Delete(k))
}

// PIN implements sale.Journal. ErrLocked without the key.
func (s *Store) PIN(person int) (pin sale.PIN, err error) {
	aead, err := s.vault.current()
	if err != nil {
		return pin, err
	}
	err = s.view(func(t *bolt.Tx) error {
		k := number(uint64(person))
		box := t.Bucket(bPINs).Get(k)
		if box == nil {
			return fmt.Errorf("PIN de la persona %d: %w", person, sale.ErrNotFound)
		}
		text, err := unseal(aead, place(bPINs, k), box)
		if err != nil {
			return damaged(fmt.Errorf("PIN de la persona %d: %w", person, err))
		}
		pin, err = decode[sale.PIN](bPINs, k, text)
		return err
	})
	return pin, err
}

// Misses implements sale.Journal.
func (s *Store) Misses(person int) (m sale.Misses, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		m, _, err = getJSON[sale.Misses](t, bMisses, number(uint64(person)))
		return err
	})
	return m, err
}

// PutMisses implements sale.Journal.
func (s *Store) PutMisses(person int, m sale.Misses) error {
	return s.update(func(t *bolt.Tx) error { return putJSON(t, bMisses, number(uint64(person)), m) })
}

// Policy implements sale.Journal.
func (s *Store) Policy() (p sale.Policy, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		p, _, err = getJSON[sale.Policy](t, bMeta, kPolicy)
		return err
	})
	return p, err
}

// SetPolicy implements sale.Journal.
func (s *Store) SetPolicy(p sale.Policy, e sale.Event) error {
	if err := p.Check(); err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		return errors.Join(putJSON(t, bMeta, kPolicy, p), noteEvent(t, e, nil))
	})
}

// people checks that everybody who enters has a PIN and nobody else has, and that somebody is in charge.
func (a *auditor) people() {
	active, owners, pins := 0, 0, 0
	n := a.each(bPeople, func(i, _ int, k, v []byte) {
		p, err := decode[sale.Person](bPeople, k, v)
		if !a.check(err) {
			return
		}
		if p.Number != i+1 || parseNumber(k) != uint64(i+1) {
			a.fault("la persona %d no figura con su número", i+1)
		}
		if a.t.Bucket(bPINs).Get(k) != nil {
			pins++
		} else if p.Active {
			a.fault("la persona %d no tiene PIN", i+1)
		}
		if p.Active {
			active++
		}
		if p.Active && p.Role == sale.Dueno {
			owners++
		}
	})
	if all := a.t.Bucket(bPINs).Stats().KeyN; all != pins {
		a.fault("hay %d PIN y %d personas, de las que %d tienen uno", all, n, pins)
	}
	if active > 0 && owners == 0 {
		a.fault("hay personas activas y ningún dueño")
	}
}
