package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

var _ sale.DocumentFinder = (*Store)(nil)

// lookedAtOnce is how many documents a search reads in one transaction: a long one would keep old pages from being used
// again, and hold up a file that has to be opened anew.
const lookedAtOnce = 1000

// FindDocuments implements sale.DocumentFinder. It walks back in time, from the last day that is wanted.
func (s *Store) FindDocuments(ctx context.Context, q sale.DocumentSearch) (sale.DocumentsFound, error) {
	w := documentWalk{search: q}
	for !w.ended && len(w.found.Documents) < sale.MostFound && w.found.Looked < sale.MostLooked {
		if err := ctx.Err(); err != nil {
			return sale.DocumentsFound{}, err
		}
		if err := s.view(w.step); err != nil {
			return sale.DocumentsFound{}, err
		}
	}
	if !w.ended {
		w.found.Until = w.at
	}
	if err := s.addNumbered(&w.found, q); err != nil {
		return sale.DocumentsFound{}, err
	}
	return w.found, s.findVouchers(ctx, q, &w.found)
}

// addNumbered puts in the documents with the very number that is searched, which are older than where the walk stopped.
func (s *Store) addNumbered(found *sale.DocumentsFound, q sale.DocumentSearch) error {
	if found.Until.IsZero() {
		return nil
	}
	for _, folio := range q.Folios() {
		list, err := s.numbered(sale.DocumentQuery{Folio: folio}, sale.MostFound)
		if err != nil {
			return err
		}
		for _, d := range list {
			if q.Holds(d.Record) && !slices.ContainsFunc(found.Documents, func(o sale.DocumentInfo) bool { return o.Key == d.Key }) {
				found.Documents = append(found.Documents, d)
			}
		}
	}
	return nil
}

// documentWalk is a search under way: where it stands, and what it has found.
type documentWalk struct {
	search sale.DocumentSearch
	from   []byte // the index of the last document that was looked at
	at     time.Time
	ended  bool // there is nothing older that could be wanted
	found  sale.DocumentsFound
}

// step looks at some documents.
func (w *documentWalk) step(t *bolt.Tx) error {
	c := t.Bucket(bByTime).Cursor()
	k, key, err := w.place(t, c)
	for range lookedAtOnce {
		w.ended = w.isPast(k)
		if err != nil || w.ended || len(w.found.Documents) == sale.MostFound {
			return err
		}
		err = w.look(t, key)
		w.from = bytes.Clone(k)
		k, key = c.Prev()
	}
	w.ended = w.isPast(k)
	return err
}

// isPast tells that the document with this index, and all older ones, are not wanted.
func (w *documentWalk) isPast(k []byte) bool {
	return k == nil || !w.search.From.IsZero() && bytes.Compare(k, number(uint64(w.search.From.UnixNano()))) < 0
}

// place puts the cursor on the newest document that was not looked at.
func (w *documentWalk) place(t *bolt.Tx, c *bolt.Cursor) (k, key []byte, err error) {
	if w.from == nil {
		return startOf(t, c, sale.DocumentQuery{To: w.search.To})
	}
	k, key = lastBefore(c, w.from)
	return k, key, nil
}

func (w *documentWalk) look(t *bolt.Tx, key []byte) error {
	r, err := record(t, key)
	if err != nil {
		return err
	}
	w.found.Looked++
	w.at = r.At
	if !w.search.Holds(r) {
		return nil
	}
	info, _, err := infoOf(t, key, sale.DocumentQuery{})
	w.found.Documents = append(w.found.Documents, info)
	return err
}
