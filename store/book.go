package store

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// bookChunk is how many documents are read in one transaction: sales go on between two of them, and no page is held for
// the whole of a month.
const bookChunk = 128

// EachBooked implements sale.Book. A document is dated on the day of its issue or before, never after, so all those of a
// time were issued since it began; those issued after its end are only looked at to see their date. The notes that annul
// count whenever they were issued. It reads a chunk at a time: the memory that it takes does not grow with the month.
func (s *Store) EachBooked(ctx context.Context, first, last dte.Date, fn func(sale.BookEntry) error) error {
	begin := time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, dte.Santiago)
	annulled, err := s.annulled(ctx, begin)
	if err != nil {
		return err
	}
	within := func(_ dte.Key, xml []byte) bool {
		day, known := datedOn(xml)
		return !known || !day.Before(first) && !last.Before(day)
	}
	return s.eachIssued(ctx, begin, within, func(b bookedDocument) error {
		e, doc, err := b.entry()
		if err != nil {
			return err
		}
		if day := doc.FchEmis; day.Before(first) || last.Before(day) {
			return nil
		}
		e.AnnulledBy = annulled[annulledID(strconv.Itoa(int(e.Key.Tipo)), e.Key.Folio.String())]
		return fn(e)
	})
}

// annulled tells which note annuls a document, of the notes issued since begin that the SII did not refuse.
func (s *Store) annulled(ctx context.Context, begin time.Time) (map[string]dte.Key, error) {
	by := map[string]dte.Key{}
	note := func(key dte.Key, _ []byte) bool { return key.Tipo.EsNota() }
	err := s.eachIssued(ctx, begin, note, func(b bookedDocument) error {
		e, doc, err := b.entry()
		if err != nil || e.State == dte.Rejected {
			return err
		}
		for _, ref := range doc.Referencia {
			if ref.CodRef == dte.Anula {
				by[annulledID(ref.TpoDocRef, ref.FolioRef)] = e.Key
			}
		}
		return nil
	})
	return by, err
}

func annulledID(tipo, folio string) string { return tipo + "/" + folio }

// bookedDocument is a document as one transaction saw it.
type bookedDocument struct {
	xml   []byte
	r     sale.Record
	state docState
}

// eachIssued gives the documents issued since begin that are wanted by their key and their bytes, oldest first. fn runs
// between transactions.
func (s *Store) eachIssued(ctx context.Context, begin time.Time, want func(key dte.Key, xml []byte) bool, fn func(bookedDocument) error) error {
	for next := number(uint64(begin.UnixNano())); next != nil; {
		chunk, rest, err := s.bookChunk(next, want)
		if err != nil {
			return err
		}
		for _, b := range chunk {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(b); err != nil {
				return err
			}
		}
		if next = rest; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// bookChunk reads from a place in the order of issue on; rest is where the next chunk begins, nil at the end. One that wants
// few documents ends all the same after some thousands that it has passed over.
func (s *Store) bookChunk(from []byte, want func(dte.Key, []byte) bool) (chunk []bookedDocument, rest []byte, err error) {
	err = s.view(func(t *bolt.Tx) error {
		docs := t.Bucket(bDocs)
		c := t.Bucket(bByTime).Cursor()
		k, key := c.Seek(from)
		for passed := 0; k != nil && len(chunk) < bookChunk && passed < 32*bookChunk; k, key = c.Next() {
			parsed, err := parseKey(key)
			if err != nil {
				return err
			}
			if passed++; !want(parsed, docs.Get(key)) {
				continue
			}
			b, err := booked(t, key)
			if err != nil {
				return err
			}
			chunk = append(chunk, b)
		}
		rest = bytes.Clone(k)
		return nil
	})
	return chunk, rest, err
}

func booked(t *bolt.Tx, key []byte) (b bookedDocument, err error) {
	if b.xml, b.r, err = document(t, key); err != nil {
		return b, err
	}
	b.state, err = stateOf(t, b.r.Key)
	return b, err
}

func (b bookedDocument) entry() (e sale.BookEntry, doc *dte.Document, err error) {
	if doc, err = dte.Parse(b.xml); err != nil {
		return e, nil, err
	}
	e = sale.BookEntry{
		Key: b.r.Key, Day: doc.FchEmis, At: b.r.At, Total: doc.Totales.MntTotal, State: b.state.State, Veredicto: b.state.Veredicto,
	}
	if doc.Totales.Divisa != nil { // an export, whose own total is in another currency
		e.Total = b.r.Total
	}
	return e, doc, nil
}

// datedOn finds the date in the bytes of a document of ours, which stands near their beginning; false if it is not there.
func datedOn(xml []byte) (day dte.Date, found bool) {
	const tag = "<FchEmis>"
	i := bytes.Index(xml[:min(len(xml), 1024)], []byte(tag))
	if i < 0 || len(xml) < i+len(tag)+len(time.DateOnly) {
		return day, false
	}
	day, err := dte.ParseDate(string(xml[i+len(tag) : i+len(tag)+len(time.DateOnly)]))
	return day, err == nil
}

// BookEntry implements sale.Book.
func (s *Store) BookEntry(key dte.Key) (e sale.BookEntry, known bool, err error) {
	var b bookedDocument
	err = s.view(func(t *bolt.Tx) (err error) {
		b, err = booked(t, keyBytes(key))
		return err
	})
	if errors.Is(err, sale.ErrNotFound) {
		return e, false, nil
	}
	if err == nil {
		e, _, err = b.entry()
	}
	return e, err == nil, err
}
