package store

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// Book lists what was issued at from or later and before to, oldest first, with the total of the document itself, and
// which notes annul it, whenever those were issued. It reads every document: a month of a busy till takes seconds, and
// sales go on meanwhile.
func (s *Store) Book(from, to time.Time) ([]sale.BookEntry, error) {
	keys, within, err := s.keysSince(from, to)
	if err != nil {
		return nil, err
	}
	var book []sale.BookEntry
	annulled := map[string]dte.Key{}
	for i, key := range keys {
		if i >= within && key.Tipo != dte.NotaCredito && key.Tipo != dte.NotaCreditoExp {
			continue
		}
		e, doc, err := s.bookEntry(key)
		if err != nil {
			return nil, err
		}
		if i < within {
			book = append(book, e)
		}
		if e.State == dte.Rejected {
			continue
		}
		for _, ref := range doc.Referencia {
			if ref.CodRef == dte.Anula && (key.Tipo == dte.NotaCredito || key.Tipo == dte.NotaCreditoExp || key.Tipo == dte.NotaDebito) {
				annulled[ref.TpoDocRef+"/"+ref.FolioRef] = key
			}
		}
	}
	for i, e := range book {
		book[i].AnnulledBy = annulled[strconv.Itoa(int(e.Key.Tipo))+"/"+e.Key.Folio.String()]
	}
	return book, nil
}

// keysSince lists the documents issued since from; the first within of them were issued before to.
func (s *Store) keysSince(from, to time.Time) (keys []dte.Key, within int, err error) {
	end := number(uint64(to.UnixNano()))
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bByTime).Cursor()
		for k, key := c.Seek(number(uint64(from.UnixNano()))); k != nil; k, key = c.Next() {
			parsed, err := parseKey(key)
			if err != nil {
				return err
			}
			if keys = append(keys, parsed); bytes.Compare(k, end) < 0 {
				within = len(keys)
			}
		}
		return nil
	})
	return keys, within, err
}

// BookEntry is one document of the book, without what annuls it; false if it was not issued here.
func (s *Store) BookEntry(key dte.Key) (e sale.BookEntry, known bool, err error) {
	e, _, err = s.bookEntry(key)
	if errors.Is(err, sale.ErrNotFound) {
		return e, false, nil
	}
	return e, err == nil, err
}

func (s *Store) bookEntry(key dte.Key) (e sale.BookEntry, doc *dte.Document, err error) {
	xml, r, err := s.Document(key)
	if err != nil {
		return e, nil, err
	}
	if doc, err = dte.Parse(xml); err != nil {
		return e, nil, err
	}
	state, _, err := s.DocumentState(key)
	e = sale.BookEntry{Key: key, At: r.At, Total: doc.Totales.MntTotal, State: state}
	if doc.Totales.Divisa != nil { // an export, whose own total is in another currency
		e.Total = r.Total
	}
	return e, doc, err
}
