package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
	"mostrador/terminal"
)

// makeReturns is a step of the schema: returns that wait for the card terminal.
func makeReturns(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bReturns)
	return err
}

// makeCharges is a step of the schema.
func makeCharges(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bCharges)
	return err
}

// Charges implements sale.Journal: the file is the ledger of the card terminal.
func (s *Store) Charges() terminal.Ledger { return charges{s} }

type charges struct{ s *Store }

// errAsIs ends a transaction that has nothing to write.
var errAsIs = errors.New("as it is")

// Begin implements terminal.Ledger.
func (l charges) Begin(in terminal.Intent) (e terminal.Entry, fresh bool, err error) {
	err = l.s.update(func(t *bolt.Tx) error {
		c, known, err := getJSON[sale.CardCharge](t, bCharges, []byte(in.Ref))
		if err != nil {
			return err
		}
		if e = c.Entry; known {
			return errAsIs
		}
		pending, is, err := pendingCharge(t)
		if err != nil {
			return err
		}
		if is {
			e = pending.Entry
			return terminal.ErrPending
		}
		e = terminal.Entry{Intent: in, Result: terminal.NotSure(in, "")}
		return errors.Join(
			putJSON(t, bCharges, []byte(in.Ref), sale.CardCharge{Entry: e}),
			t.Bucket(bMeta).Put(kCharge, []byte(in.Ref)),
			note(t, Fact{At: in.At, Kind: FactCard, Text: in.Ref + ": " + wanted(in)}),
		)
	})
	if errors.Is(err, errAsIs) {
		return e, false, nil
	}
	return e, err == nil, err
}

// wanted is what the terminal is asked for.
func wanted(in terminal.Intent) string {
	if in.Refunds() {
		return fmt.Sprintf("se pide devolver %d de %s", in.Amount, in.Back.Ref)
	}
	return fmt.Sprintf("se pide cobrar %d", in.Amount)
}

// Settle implements terminal.Ledger.
func (l charges) Settle(ref string, r terminal.Result) error {
	err := l.s.update(func(t *bolt.Tx) error {
		c, known, err := getJSON[sale.CardCharge](t, bCharges, []byte(ref))
		switch {
		case err != nil:
			return err
		case !known:
			return terminal.ErrNoEntry
		case !r.State.Known():
			return terminal.ErrNotKnown
		case c.Result.State == r.State:
			return errAsIs
		case c.Result.State.Known():
			return terminal.ErrSettled
		}
		c.Result = r
		if mark := r.Mark(); !mark.IsZero() && !c.Intent.Refunds() {
			if err := putJSON(t, bMeta, kMark, mark); err != nil {
				return err
			}
		}
		return errors.Join(
			putJSON(t, bCharges, []byte(ref), c),
			t.Bucket(bMeta).Delete(kCharge),
			note(t, Fact{At: c.Intent.At, Kind: FactCard, Text: describeCharge(c)}),
		)
	})
	if errors.Is(err, errAsIs) {
		return nil
	}
	return err
}

func describeCharge(c sale.CardCharge) string {
	text := fmt.Sprintf("%s: %s por %d, operación %s", c.Intent.Ref, c.Result.State, c.Intent.Amount, c.Result.Operation)
	if c.Intent.Refunds() {
		text += ", devolución de " + c.Intent.Back.Ref
	}
	if c.Result.By != "" {
		text += fmt.Sprintf(", según %s (%s)", c.Result.By, c.Result.Reason)
	}
	return text
}

// Pending implements terminal.Ledger.
func (l charges) Pending() (e terminal.Entry, is bool, err error) {
	err = l.s.view(func(t *bolt.Tx) error {
		c, pending, err := pendingCharge(t)
		e, is = c.Entry, pending
		return err
	})
	return e, is, err
}

func pendingCharge(t *bolt.Tx) (sale.CardCharge, bool, error) {
	ref := t.Bucket(bMeta).Get(kCharge)
	if ref == nil {
		return sale.CardCharge{}, false, nil
	}
	c, ok, err := getJSON[sale.CardCharge](t, bCharges, ref)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta el cobro con tarjeta %s", ref))
	}
	return c, ok, err
}

// Mark implements terminal.Ledger.
func (l charges) Mark() (mark terminal.Mark, err error) {
	err = l.s.view(func(t *bolt.Tx) (err error) {
		mark, _, err = getJSON[terminal.Mark](t, bMeta, kMark)
		return err
	})
	return mark, err
}

// CardCharges implements sale.Journal.
func (s *Store) CardCharges(id sale.ID) (list []sale.CardCharge, err error) {
	prefix := []byte(sale.ChargePrefix(id))
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bCharges).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			charge, err := decode[sale.CardCharge](bCharges, k, v)
			if err != nil {
				return err
			}
			list = append(list, charge)
		}
		return nil
	})
	sale.SortCharges(list)
	return list, err
}

// KeepReturn implements sale.Journal.
func (s *Store) KeepReturn(back sale.Return) error {
	if err := back.CheckKept(); err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error { return putJSON(t, bReturns, []byte(back.ID), back) })
}

// DropReturn implements sale.Journal.
func (s *Store) DropReturn(id sale.ID) error {
	return s.update(func(t *bolt.Tx) error { return t.Bucket(bReturns).Delete([]byte(id)) })
}

// OpenReturns implements sale.Journal.
func (s *Store) OpenReturns() (list []sale.Return, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bReturns).ForEach(func(id, v []byte) error {
			back, err := decode[sale.Return](bReturns, id, v)
			list = append(list, back)
			return err
		})
	})
	sale.SortReturns(list)
	return list, err
}

// ReleaseCharge implements sale.Journal.
func (s *Store) ReleaseCharge(ref string, at time.Time, why string) error {
	err := s.update(func(t *bolt.Tx) error {
		c, known, err := getJSON[sale.CardCharge](t, bCharges, []byte(ref))
		switch {
		case err != nil:
			return err
		case !known:
			return terminal.ErrNoEntry
		case c.Released != "":
			return errAsIs
		}
		if err := c.CheckRelease(why); err != nil {
			return err
		}
		c.Released = why
		return errors.Join(
			putJSON(t, bCharges, []byte(ref), c),
			note(t, Fact{At: at, Kind: FactCard, Text: fmt.Sprintf("%s: anulado en el terminal por %d (%s)", ref, c.Intent.Amount, why)}),
		)
	})
	if errors.Is(err, errAsIs) {
		return nil
	}
	return err
}

// charges checks that one charge at most is unsettled, and that it is the one that is said to be.
func (a *auditor) charges() {
	pending := string(a.t.Bucket(bMeta).Get(kCharge))
	found := ""
	a.each(bCharges, func(_, _ int, k, v []byte) {
		c, err := decode[sale.CardCharge](bCharges, k, v)
		if !a.check(err) {
			return
		}
		if c.Intent.Ref != string(k) {
			a.fault("el cobro con tarjeta %s figura como %s", c.Intent.Ref, k)
		}
		if c.Intent.Refunds() && c.Result.State == terminal.Approved {
			a.refunded(c)
		}
		if !c.Result.State.Known() {
			if found != "" {
				a.fault("hay más de un cobro con tarjeta sin resolver: %s y %s", found, k)
			}
			found = string(k)
		}
	})
	if found != pending {
		a.fault("el cobro con tarjeta sin resolver es «%s» y figura «%s»", found, pending)
	}
}

// refunded checks that money which a card got back is of a return or an exchange that is kept, or that waits to be.
func (a *auditor) refunded(c sale.CardCharge) {
	id := sale.ChargedSale(c.Intent.Ref)
	open, _, err := getJSON[sale.Cart](a.t, bMeta, kCart)
	if !a.check(err) {
		return
	}
	waits := open.ID == id || a.t.Bucket(bHeld).Get([]byte(id)) != nil || a.t.Bucket(bReturns).Get([]byte(id)) != nil
	if _, err := saleRecord(a.t, id); err != nil && !waits {
		a.fault("la devolución %s a la tarjeta no es de ninguna venta", c.Intent.Ref)
	}
}
