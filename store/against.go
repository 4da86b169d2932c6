package store

import (
	"bytes"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// indexAgainst notes which documents a new one refers to as a note, or takes something back of.
func indexAgainst(t *bolt.Tx, r sale.Record, refs []dte.Referencia) error {
	put := func(of dte.Key) error {
		return t.Bucket(bAgainst).Put(append(keyBytes(of), keyBytes(r.Key)...), []byte{})
	}
	for _, l := range r.Returned {
		if err := put(l.Of); err != nil {
			return err
		}
	}
	if !r.Key.Tipo.EsNota() {
		return nil
	}
	for _, ref := range refs {
		tipo, tipoErr := strconv.ParseUint(ref.TpoDocRef, 10, 16)
		folio, folioErr := strconv.ParseUint(ref.FolioRef, 10, 63)
		if tipoErr != nil || folioErr != nil {
			continue // an order of the buyer's, a case of certification
		}
		if err := put(dte.Key{Emisor: r.Key.Emisor, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}); err != nil {
			return err
		}
	}
	return nil
}

// makeAgainst indexes the notes that were issued before there was an index.
func makeAgainst(t *bolt.Tx) error {
	if _, err := t.CreateBucketIfNotExists(bAgainst); err != nil {
		return err
	}
	return t.Bucket(bRecords).ForEach(func(key, v []byte) error {
		r, err := decode[sale.Record](bRecords, key, v)
		if err != nil || !r.Key.Tipo.EsNota() {
			return err
		}
		doc, err := parsed(t, key)
		if err != nil {
			return nil // damaged: Audit tells of it, and the till still opens
		}
		return indexAgainst(t, r, doc.Referencia)
	})
}

// Against implements sale.Journal. A note that the SII refused takes nothing back.
func (s *Store) Against(key dte.Key) (a sale.Against, err error) {
	of := keyBytes(key)
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bAgainst).Cursor()
		for k, _ := c.Seek(of); bytes.HasPrefix(k, of); k, _ = c.Next() {
			if err := addAgainst(t, &a, key, k[len(of):]); err != nil {
				return err
			}
		}
		return nil
	})
	return a, err
}

func addAgainst(t *bolt.Tx, a *sale.Against, of dte.Key, by []byte) error {
	key, err := parseKey(by)
	if err != nil {
		return err
	}
	if sale.IsSlip(key.Tipo) {
		r, err := slips.record(t, number(uint64(key.Folio)))
		a.AddSwap(r, of)
		return err
	}
	r, err := record(t, by)
	if err != nil {
		return err
	}
	d, err := stateOf(t, key)
	if err != nil || d.State == dte.Rejected {
		return err
	}
	if a.AddSwap(r, of); r.Swaps() || !key.Tipo.EsNota() {
		return nil
	}
	note, err := parsed(t, by)
	if err != nil {
		return err
	}
	a.Notes = append(a.Notes, note)
	return nil
}
