package store

import (
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// This file lists the sales whose card voucher is their boleta beside the documents: people look for them in the same place.

// eachVoucher gives them from the newest, or from the one before number n, to the oldest, up to so many, while fn wants more. It
// tells where it stands, and whether there is nothing older.
func (s *Store) eachVoucher(n uint64, many int, fn func(sale.DocumentInfo) bool) (at uint64, ended bool, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(vouchers.records).Cursor()
		k, v := c.Last()
		if n > 0 {
			k, v = lastBefore(c, number(n))
		}
		for ; k != nil && many > 0; k, v = c.Prev() {
			many--
			at = parseNumber(k)
			info, err := voucherInfo(t, k, v)
			if err != nil {
				return err
			}
			if !fn(info) {
				ended = true
				return nil
			}
		}
		ended = k == nil
		return nil
	})
	return at, ended, err
}

// voucherInfo is a sale by voucher as the list shows it. It has no state at the SII; its paper came out of the terminal.
func voucherInfo(t *bolt.Tx, k, v []byte) (info sale.DocumentInfo, err error) {
	if info.Record, err = decode[sale.Record](vouchers.records, k, v); err != nil {
		return info, err
	}
	p, _, err := getJSON[sale.Papers](t, bPapers, keyBytes(info.Key))
	info.Printed, info.PrintProblem, info.Copies = p.Printed, p.Problem, p.Copies
	return info, err
}

// newestVouchers are those that a query wants.
func (s *Store) newestVouchers(q sale.DocumentQuery, limit int) (list []sale.DocumentInfo, err error) {
	if !q.Vouchers || len(q.States) > 0 || q.Before != (dte.Key{}) {
		return nil, nil
	}
	from := uint64(0)
	if q.Folio > 0 {
		from = uint64(q.Folio) + 1
	}
	for ended := false; !ended && err == nil && len(list) < limit; {
		from, ended, err = s.eachVoucher(from, lookedAtOnce, func(d sale.DocumentInfo) bool {
			if within(d.At, q) && (q.Folio == 0 || d.Key.Folio == q.Folio) {
				list = append(list, d)
			}
			return len(list) < limit && (q.Folio == 0 || d.Key.Folio > q.Folio) && (q.From.IsZero() || !d.At.Before(q.From))
		})
	}
	return list, err
}

// findVouchers adds the sales by voucher that are what is remembered, as far back as documents are looked at.
func (s *Store) findVouchers(ctx context.Context, q sale.DocumentSearch, found *sale.DocumentsFound) error {
	looked, many, from := 0, 0, uint64(0)
	for ended := false; !ended && looked < sale.MostLooked && many < sale.MostFound; {
		var err error
		from, ended, err = s.eachVoucher(from, lookedAtOnce, func(d sale.DocumentInfo) bool {
			if looked++; q.Holds(d.Record) {
				found.Documents = append(found.Documents, d)
				many++
			}
			return many < sale.MostFound && (q.From.IsZero() || !d.At.Before(q.From))
		})
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	newestFirst(found.Documents)
	return nil
}

func newestFirst(list []sale.DocumentInfo) {
	slices.SortStableFunc(list, func(a, b sale.DocumentInfo) int { return b.At.Compare(a.At) })
}
