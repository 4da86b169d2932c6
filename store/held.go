package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// HoldCart implements sale.Journal.
func (s *Store) HoldCart(h sale.Held) error {
	return s.update(func(t *bolt.Tx) error {
		if err := forgetCart(t, h.Cart.ID); err != nil {
			return err
		}
		return putJSON(t, bHeld, []byte(h.Cart.ID), h)
	})
}

// HeldCarts implements sale.Journal.
func (s *Store) HeldCarts() (held []sale.Held, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bHeld).ForEach(func(id, v []byte) error {
			h, err := decode[sale.Held](bHeld, id, v)
			held = append(held, h)
			return err
		})
	})
	slices.SortStableFunc(held, func(a, b sale.Held) int { return a.At.Compare(b.At) })
	return held, err
}

// RecallCart implements sale.Journal.
func (s *Store) RecallCart(id sale.ID) (cart sale.Cart, err error) {
	err = s.update(func(t *bolt.Tx) error {
		held, ok, err := getJSON[sale.Held](t, bHeld, []byte(id))
		if err == nil && !ok {
			err = fmt.Errorf("venta guardada %s: %w", id, sale.ErrNotFound)
		}
		if err != nil {
			return err
		}
		open, _, err := getJSON[sale.Cart](t, bMeta, kCart)
		if err != nil {
			return err
		}
		if !open.Empty() {
			return sale.ErrOpenCart
		}
		cart = held.Cart
		if err := t.Bucket(bHeld).Delete([]byte(id)); err != nil {
			return err
		}
		return putJSON(t, bMeta, kCart, cart)
	})
	if err != nil {
		return sale.Cart{}, err
	}
	return cart, nil
}

// Log implements sale.Journal.
func (s *Store) Log(e sale.Event) error {
	return s.update(func(t *bolt.Tx) error { return noteEvent(t, e, nil) })
}

// noteEvent adds an event to the chain, and its place there to the index.
func noteEvent(t *bolt.Tx, e sale.Event, about *About) error {
	if err := note(t, Fact{At: e.At, Kind: FactCounter, Event: &e, About: about}); err != nil {
		return err
	}
	last, _ := t.Bucket(bAudit).Cursor().Last()
	return t.Bucket(bEvents).Put(bytes.Clone(last), []byte{})
}

// Events implements sale.Journal.
func (s *Store) Events(limit int) (events []sale.Event, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bEvents).Cursor()
		for k, _ := c.Last(); k != nil && len(events) < limit; k, _ = c.Prev() {
			v := t.Bucket(bAudit).Get(k)
			if len(v) <= sha256.Size {
				return damaged(fmt.Errorf("falta la anotación %d de la bitácora", parseNumber(k)))
			}
			f, err := decode[Fact](bAudit, k, v[sha256.Size:])
			if err != nil {
				return err
			}
			if f.Event != nil {
				events = append(events, *f.Event)
			}
		}
		return nil
	})
	return events, err
}
