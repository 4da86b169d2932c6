package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// This file is the till's end of the server's folio ledger: parts of ranges that the server gave to this till alone.

// Lease is such a part, as the server names it.
type Lease struct {
	ID           int64
	Tipo         dte.TipoDTE
	Desde, Hasta dte.Folio
}

// LeaseMark is how far a lease is used: Used is the last folio, the one before the first if none.
type LeaseMark struct {
	Lease
	Used dte.Folio
}

// FolioReport is what the store says of itself to the server.
type FolioReport struct {
	// Epoch is how often it was restored from a backup: its folios may have been used by the copy that it replaced.
	Epoch int
	// Used are the leases that it issues from, Returned those from which it never will again.
	Used, Returned []LeaseMark
	// Over are the newest of those that have ended, all of them used: a server that came back from a backup may not remember that
	// it ever gave them.
	Over []LeaseMark
}

// mostOver are enough for what a backup may be old.
const mostOver = 200

// ErrLease: what the server gave is not a part of its CAF.
var ErrLease = errors.New("el tramo de folios no es de su CAF")

// TakeLease takes a part of a range that the server gave, with the CAF's file, which is verified like one that a person
// imports. One that is here already changes nothing.
func (s *Store) TakeLease(l Lease, file []byte, trust dte.Trust, at time.Time) error {
	caf, err := genuine(file, trust)
	if err != nil {
		return err
	}
	if l.Tipo != caf.Tipo || l.Desde < caf.Desde || l.Hasta > caf.Hasta || l.Hasta < l.Desde || l.ID <= 0 {
		return fmt.Errorf("%w: folios %d a %d de %s, y el CAF trae %d a %d de %s. No se guardó", ErrLease, l.Desde, l.Hasta, l.Tipo, caf.Desde, caf.Hasta, caf.Tipo)
	}
	r := sale.NewRange(caf)
	r.Desde, r.Hasta, r.Next, r.Lease = l.Desde, l.Hasta, l.Desde, l.ID
	if known, err := s.HasLease(l); known || err != nil {
		return err
	}
	return s.addRange(r, caf, file, at)
}

// HasLease reports a lease that is here already, whatever became of it.
func (s *Store) HasLease(l Lease) (bool, error) {
	ranges, err := s.Ranges()
	return slices.ContainsFunc(ranges, l.is), err
}

// is compares more than the number: another server may have called another one so.
func (l Lease) is(r sale.Range) bool {
	return r.Lease == l.ID && r.Tipo == l.Tipo && r.Desde == l.Desde
}

// FolioReport tells what the server must know of the leases.
func (s *Store) FolioReport() (report FolioReport, err error) {
	err = s.view(func(t *bolt.Tx) error {
		report.Epoch = int(parseNumber(t.Bucket(bMeta).Get(kEpoch)))
		var over []LeaseMark
		ranges, err := rangesOf(t, 0)
		for _, r := range ranges {
			switch mark := (LeaseMark{Lease{r.Lease, r.Tipo, r.Desde, r.Hasta}, r.Next - 1}); {
			case r.Lease == 0 || r.Ended == leaseGone:
			case r.Ended == leaseOver:
				mark.Used = mark.Hasta // what this store did not use another copy of it may have
				over = append(over, mark)
			case r.Ended == leaseReturned:
				report.Returned = append(report.Returned, mark)
			default:
				report.Used = append(report.Used, mark)
			}
		}
		slices.SortFunc(over, func(a, b LeaseMark) int { return cmp.Compare(b.ID, a.ID) })
		report.Over = slices.DeleteFunc(over[:min(len(over), mostOver)], func(m LeaseMark) bool { return m.Used < m.Desde })
		return err
	})
	return report, err
}

// Why nothing is issued from a lease any more.
const (
	leaseReturned = "devuelto" // this till will not, and the server has yet to know
	leaseOver     = "terminado"
	leaseGone     = "ajeno" // it was of a server that this till left
)

// ReturnLeases gives back what is left of all leases: once it is on disk this till never issues from them, and the report says
// so until the server has taken them back.
func (s *Store) ReturnLeases(at time.Time) error {
	return s.update(func(t *bolt.Tx) error {
		return eachLease(t, at, func(r *sale.Range) string {
			if r.Ended != "" {
				return ""
			}
			rest := *r
			rest.Desde = r.Next
			r.Hasta, r.Ended = r.Next-1, leaseReturned
			if rest.Desde > rest.Hasta {
				return ""
			}
			return "se devuelven los " + describe(rest)
		})
	})
}

// FollowLeases takes in which leases the server says are open. Nothing is issued from the others: they were spent, taken back,
// or given to a copy of this store that is gone. One that is over here and open at the server, which came back from a backup, is
// told again as returned. A restored store that has no other folios goes on then.
func (s *Store) FollowLeases(open []Lease, at time.Time) error {
	over := func(r sale.Range) bool { return !slices.ContainsFunc(open, func(l Lease) bool { return l.is(r) }) }
	ended, held, err := s.leasesToEnd(over, at)
	if err != nil || !ended && !held {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		if err := endLeases(t, at, over); err != nil || !held {
			return err
		}
		return t.Bucket(bMeta).Delete(kHold)
	})
}

// leasesToEnd tells whether there is one, and whether the server alone may end the hold of a restored store: it has no other
// folios left. Mostly there is nothing to write, and no sale waits for it.
func (s *Store) leasesToEnd(over func(sale.Range) bool, at time.Time) (some, held bool, err error) {
	err = s.view(func(t *bolt.Tx) error {
		ranges, err := rangesOf(t, 0)
		own := func(r sale.Range) bool { return r.Lease == 0 && r.Left(dte.DateOf(at)) > 0 }
		held = t.Bucket(bMeta).Get(kHold) != nil && !slices.ContainsFunc(ranges, own)
		some = slices.ContainsFunc(ranges, func(r sale.Range) bool {
			return r.Lease != 0 && r.Ended != leaseGone && over(r) != (r.Ended == leaseOver)
		})
		return err
	})
	return some, held, err
}

// endLeases ends those that are over, and gives back what had ended here before.
func endLeases(t *bolt.Tx, at time.Time, over func(sale.Range) bool) error {
	return eachLease(t, at, func(r *sale.Range) string {
		left := r.Next <= r.Hasta
		switch ended := r.Ended == leaseOver; {
		case r.Ended == leaseGone:
			return ""
		case ended && !over(*r):
			r.Hasta, r.Ended = r.Next-1, leaseReturned
			return ""
		case ended || !over(*r):
			return ""
		}
		if r.Ended = leaseOver; !left {
			return ""
		}
		return fmt.Sprintf("terminó el arriendo de los %s: no se usan desde el %d", describe(*r), r.Next)
	})
}

// leasesGone forgets the leases of a server that the till leaves: the next one may call others so.
func leasesGone(t *bolt.Tx, at time.Time) error {
	return eachLease(t, at, func(r *sale.Range) string {
		r.Ended = leaseGone
		return ""
	})
}

// eachLease lets end change each lease, and notes in the audit chain what it says of that.
func eachLease(t *bolt.Tx, at time.Time, end func(*sale.Range) (words string)) error {
	ranges, err := rangesOf(t, 0)
	for _, r := range ranges {
		if r.Lease == 0 || err != nil {
			continue
		}
		before := r
		words := end(&r)
		if r != before {
			err = putJSON(t, bRanges, rangeKey(r.Tipo, r.Desde), r)
		}
		if words != "" {
			err = errors.Join(err, note(t, Fact{At: at, Kind: FactGap, Text: words}))
		}
	}
	return err
}
