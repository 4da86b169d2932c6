package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// Observe tells the log how the line stands at now; the zero Trouble is well. It begins, continues and ends the entry by
// sale.Outage.Follow and returns it; the zero Outage when there is none. It may be called as often as one likes: it
// writes only when something changed.
func (s *Store) Observe(now time.Time, trouble sale.Trouble) (sale.Outage, error) {
	var next sale.Outage
	changed := false
	look := func(t *bolt.Tx) (err error) {
		next, changed, err = follow(t, now, trouble)
		return err
	}
	if err := s.view(look); err != nil || !changed {
		return next, err
	}
	err := s.update(func(t *bolt.Tx) error {
		if err := look(t); err != nil || !changed {
			return err
		}
		return keepOutage(t, &next, now)
	})
	return next, err
}

func follow(t *bolt.Tx, now time.Time, trouble sale.Trouble) (sale.Outage, bool, error) {
	open, err := openOutage(t)
	if err != nil || !open.Open() && trouble.Cause == "" {
		return open, false, err
	}
	from, until := trouble.Since, now
	if open.Open() {
		from = open.From
	}
	if !open.Restored.IsZero() && trouble.Cause == "" {
		until = open.Restored
	}
	undelivered, err := undeliveredBetween(t, from, until)
	if err != nil {
		return open, false, err
	}
	issued := 0
	if !open.Open() || undelivered == 0 { // counting a long outage at every look would be a waste
		issued = issuedBetween(t, from, until)
	}
	next, changed := open.Follow(now, trouble, issued, undelivered)
	return next, changed, nil
}

// keepOutage stores an entry, numbering a new one, and writes its beginning and end into the audit chain.
func keepOutage(t *bolt.Tx, o *sale.Outage, at time.Time) error {
	b := t.Bucket(bOutages)
	text := ""
	if o.Number == 0 {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		o.Number = int(n)
		text = fmt.Sprintf("contingencia %d desde %s: %s", o.Number, show(o.From), o.Cause.Words())
	}
	underWay := func() error { return t.Bucket(bMeta).Put(kOutage, number(uint64(o.Number))) }
	if !o.To.IsZero() {
		underWay = func() error { return t.Bucket(bMeta).Delete(kOutage) }
		text = fmt.Sprintf("contingencia %d terminada: %s a %s, %d documentos", o.Number, show(o.From), show(o.To), o.Documents)
	}
	if text != "" {
		if err := note(t, Fact{At: at, Kind: FactOutage, Text: text}); err != nil {
			return err
		}
	}
	return errors.Join(underWay(), putJSON(t, bOutages, number(uint64(o.Number)), o))
}

// openOutage is the entry under way, or the zero value.
func openOutage(t *bolt.Tx) (sale.Outage, error) {
	n := t.Bucket(bMeta).Get(kOutage)
	if n == nil {
		return sale.Outage{}, nil
	}
	o, ok, err := getJSON[sale.Outage](t, bOutages, n)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta la contingencia %x", n))
	}
	return o, err
}

// issuedBetween counts the documents issued from from until until, both included.
func issuedBetween(t *bolt.Tx, from, until time.Time) (n int) {
	end := number(uint64(until.UnixNano()) + 1)
	c := t.Bucket(bByTime).Cursor()
	for k, _ := c.Seek(number(uint64(from.UnixNano()))); k != nil && bytes.Compare(k, end) < 0; k, _ = c.Next() {
		n++
	}
	return n
}

// undeliveredBetween counts those of them that have not arrived, up to one: whether there are any is all that matters.
func undeliveredBetween(t *bolt.Tx, from, until time.Time) (n int, err error) {
	walk := eachPending(t, func(key []byte, state dte.State) bool {
		if arrived(state) {
			return true
		}
		var k dte.Key
		var d docState
		if k, err = parseKey(key); err == nil {
			d, err = stateOf(t, k)
		}
		if err == nil && !d.At.Before(from) && !d.At.After(until) {
			n = 1
		}
		return err == nil && n == 0 && !d.At.After(until)
	})
	return n, errors.Join(err, walk)
}

// AddOutage writes down what a person tells of a time in which the till could not be used: cause CausePower or CauseAll,
// From, To, Who, and what else is known. The same cause and times told twice are one entry, and the first is returned.
// sale.ErrOutage for times that cannot be, or that overlap with another entry of a person.
func (s *Store) AddOutage(o sale.Outage, now time.Time) (sale.Outage, error) {
	if o.Who = strings.TrimSpace(o.Who); o.Who == "" {
		return sale.Outage{}, fmt.Errorf("%w: falta quién la informa. No se anotó nada", sale.ErrOutage)
	}
	if o.Cause != sale.CausePower && o.Cause != sale.CauseAll {
		return sale.Outage{}, fmt.Errorf("%w: %s la anota la caja sola. No se anotó nada", sale.ErrOutage, o.Cause.Words())
	}
	if err := sale.CheckPeriod(o.From, o.To, now); err != nil {
		return sale.Outage{}, err
	}
	o.Number, o.Restored = 0, o.To
	err := s.update(func(t *bolt.Tx) error {
		told, err := toldWithin(t, o)
		if err != nil || told.Number != 0 {
			o = told
			return err
		}
		n, err := t.Bucket(bOutages).NextSequence()
		if err != nil {
			return err
		}
		o.Number = int(n)
		o.Documents = issuedBetween(t, o.From, o.To)
		text := fmt.Sprintf("contingencia %d, %s a %s: %s, informada por %s", o.Number, show(o.From), show(o.To), o.Cause.Words(), o.Who)
		return errors.Join(
			putJSON(t, bOutages, number(n), o),
			note(t, Fact{At: now, Kind: FactOutage, Text: text}),
		)
	})
	if err != nil {
		return sale.Outage{}, err
	}
	return o, nil
}

// toldWithin finds the entry of a person with the same cause and times, and refuses one that merely overlaps: its sales
// would be summed twice.
func toldWithin(t *bolt.Tx, o sale.Outage) (same sale.Outage, err error) {
	return same, t.Bucket(bOutages).ForEach(func(k, v []byte) error {
		old, err := decode[sale.Outage](bOutages, k, v)
		switch {
		case err != nil:
			return err
		case old.Who == "" || !old.From.Before(o.To) || !o.From.Before(old.To):
			return nil
		case old.Cause == o.Cause && old.From.Equal(o.From) && old.To.Equal(o.To):
			same = old
			return nil
		}
		return fmt.Errorf("%w: se cruza con la contingencia %d (%s a %s), que ya está anotada. No se anotó nada",
			sale.ErrOutage, old.Number, show(old.From), show(old.To))
	})
}

// UpdateOutage changes what was done about an entry; its number, cause and times stay. change may refuse. It leaves an
// entry in the audit chain, unless nothing changed.
func (s *Store) UpdateOutage(n int, at time.Time, done string, change func(*sale.Outage) error) (o sale.Outage, err error) {
	err = s.update(func(t *bolt.Tx) error {
		var ok bool
		o, ok, err = getJSON[sale.Outage](t, bOutages, number(uint64(n)))
		if err != nil || !ok {
			return errors.Join(err, fmt.Errorf("la contingencia %d: %w", n, sale.ErrNotFound))
		}
		old := o
		old.Copies = slices.Clone(o.Copies)
		if err := change(&o); err != nil {
			return err
		}
		o.Number, o.Cause, o.From, o.Restored, o.To = old.Number, old.Cause, old.From, old.Restored, old.To
		if o.Summary == old.Summary && o.Manual == old.Manual && o.Rule == old.Rule && slices.Equal(o.Copies, old.Copies) {
			return nil
		}
		return errors.Join(
			putJSON(t, bOutages, number(uint64(n)), o),
			note(t, Fact{At: at, Kind: FactOutage, Text: fmt.Sprintf("contingencia %d: %s", n, done)}),
		)
	})
	return o, err
}

// Outages lists up to limit entries of the log, newest first. That under way counts its documents until now.
func (s *Store) Outages(limit int, now time.Time) (list []sale.Outage, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bOutages).Cursor()
		for k, v := c.Last(); k != nil && len(list) < limit; k, v = c.Prev() {
			o, err := decode[sale.Outage](bOutages, k, v)
			if err != nil {
				return err
			}
			if o.Open() {
				until := now
				if !o.Restored.IsZero() {
					until = o.Restored
				}
				o.Documents = issuedBetween(t, o.From, until)
			}
			list = append(list, o)
		}
		return nil
	})
	return list, err
}

// Outage is one entry of the log; sale.ErrNotFound if there is none.
func (s *Store) Outage(n int) (o sale.Outage, err error) {
	err = s.view(func(t *bolt.Tx) error {
		var ok bool
		if o, ok, err = getJSON[sale.Outage](t, bOutages, number(uint64(n))); err == nil && !ok {
			err = fmt.Errorf("la contingencia %d: %w", n, sale.ErrNotFound)
		}
		return err
	})
	return o, err
}

// outages checks the log: numbers without holes, and one entry open at most, the one that is said to be.
func (a *auditor) outages() {
	open := parseNumber(a.t.Bucket(bMeta).Get(kOutage))
	a.each(bOutages, func(i, _ int, k, v []byte) {
		o, err := decode[sale.Outage](bOutages, k, v)
		if !a.check(err) {
			return
		}
		if o.Number != i+1 || !bytes.Equal(k, number(uint64(o.Number))) {
			a.fault("falta la contingencia %d", i+1)
		}
		if o.To.IsZero() != (uint64(o.Number) == open) {
			a.fault("la contingencia %d no figura donde corresponde", o.Number)
		}
	})
}
