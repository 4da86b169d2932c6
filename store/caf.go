package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// Refusals of ImportCAF, beside those of dte (ErrCAFMalformed, ErrCAFTampered, ErrCAFUnknownKey, ErrCAFExpired). Nothing
// was written.
var (
	// ErrNoShop: the store does not know its company yet.
	ErrNoShop = errors.New("faltan los datos de la empresa")
	// ErrCAFEmisor: folios of another company.
	ErrCAFEmisor = errors.New("el CAF es de otra empresa")
	// ErrCAFAmbiente: folios of another environment.
	ErrCAFAmbiente = errors.New("el CAF es de otro ambiente")
	// ErrCAFTipo: folios of a type that this till does not issue.
	ErrCAFTipo = errors.New("el CAF es de un documento que esta caja no emite")
	// ErrCAFImported: this range is here already. Nothing to do.
	ErrCAFImported = errors.New("el CAF ya estaba importado")
	// ErrCAFOverlap: some of its folios are in another range of this till.
	ErrCAFOverlap = errors.New("el CAF repite folios de otro")
)

// ImportCAF takes an authorisation file as downloaded, at time at. It is verified against trust and the shop, and kept
// sealed; the whole range belongs to this till from then on. Every refusal has its own error and leaves the store as it
// was. It returns the new range.
func (s *Store) ImportCAF(file []byte, trust dte.Trust, at time.Time) (sale.Range, error) {
	caf, err := genuine(file, trust)
	if err != nil {
		return sale.Range{}, err
	}
	r := sale.NewRange(caf)
	return r, s.addRange(r, caf, file, at)
}

func genuine(file []byte, trust dte.Trust) (*dte.CAF, error) {
	caf, err := dte.ParseCAF(file)
	if err != nil {
		return nil, err
	}
	return caf, caf.Verify(trust)
}

// addRange keeps a range of a CAF, or a part of it, with the file sealed beside it.
func (s *Store) addRange(r sale.Range, caf *dte.CAF, file []byte, at time.Time) error {
	aead, err := s.vault.current()
	if err != nil {
		return err
	}
	key := rangeKey(r.Tipo, r.Desde)
	return s.update(func(t *bolt.Tx) error {
		if err := admit(t, caf, r, at); err != nil {
			return err
		}
		if err := putJSON(t, bRanges, key, r); err != nil {
			return err
		}
		if err := t.Bucket(bCAFs).Put(key, seal(aead, place(bCAFs, key), file)); err != nil {
			return err
		}
		return note(t, Fact{At: at, Kind: FactCAF, Text: describe(r)})
	})
}

// admit checks a genuine CAF against the shop, and what of it would be this till's against the ranges that are here.
func admit(t *bolt.Tx, c *dte.CAF, r sale.Range, at time.Time) error {
	shop, ok, err := getJSON[sale.Shop](t, bMeta, kShop)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("%w: complételos antes de importar folios. No se importó nada", ErrNoShop)
	case c.Emisor != shop.Emisor.RUT:
		return fmt.Errorf("%w: es de %s y esta caja es de %s. No se importó; elija el archivo de su empresa",
			ErrCAFEmisor, c.Emisor.Dotted(), shop.Emisor.RUT.Dotted())
	case c.Ambiente() != shop.Ambiente:
		return fmt.Errorf("%w: sirve en %s y esta caja está en %s. No se importó", ErrCAFAmbiente, c.Ambiente(), shop.Ambiente)
	case !emits(c.Tipo):
		return fmt.Errorf("%w: %s. No se importó", ErrCAFTipo, c.Tipo)
	case c.ExpiredOn(dte.DateOf(at)):
		return fmt.Errorf("%w: sus folios servían hasta el %s. No se importó; pida otro al SII", dte.ErrCAFExpired, c.Vence())
	}
	return noOverlap(t, r)
}

func emits(tipo dte.TipoDTE) bool {
	for _, t := range dte.Tipos() {
		if t == tipo {
			return true
		}
	}
	return false
}

func noOverlap(t *bolt.Tx, r sale.Range) error {
	ranges, err := rangesOf(t, r.Tipo)
	if err != nil {
		return err
	}
	for _, o := range ranges {
		switch {
		case o.Desde == r.Desde && o.Hasta == r.Hasta:
			return fmt.Errorf("%w: %s. No hay nada que hacer", ErrCAFImported, describe(r))
		case o.Overlaps(r):
			return fmt.Errorf("%w: trae %s y la caja ya tiene %s. No se importó", ErrCAFOverlap, describe(r), describe(o))
		}
	}
	return nil
}

func describe(r sale.Range) string {
	return fmt.Sprintf("folios %d a %d de %s", r.Desde, r.Hasta, r.Tipo)
}

// rangesOf lists the ranges of a type, or of all with 0, by type and first folio.
func rangesOf(t *bolt.Tx, tipo dte.TipoDTE) ([]sale.Range, error) {
	var ranges []sale.Range
	var prefix []byte
	if tipo != 0 {
		prefix = rangeKey(tipo, 0)[:2]
	}
	c := t.Bucket(bRanges).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		r, err := decode[sale.Range](bRanges, k, v)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// Ranges lists the imported ranges and how far each is used, by type and first folio.
func (s *Store) Ranges() (ranges []sale.Range, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		ranges, err = rangesOf(t, 0)
		return err
	})
	return ranges, err
}

// FoliosLeft implements sale.Journal.
func (s *Store) FoliosLeft(tipo dte.TipoDTE, day dte.Date) (n int, err error) {
	err = s.view(func(t *bolt.Tx) error {
		ranges, err := rangesOf(t, tipo)
		n = sale.FoliosLeft(ranges, tipo, day)
		return err
	})
	return n, err
}

// unsealed returns the CAF of a range, from memory after the first time. It runs inside a write transaction, whose lock
// guards the cache.
func (s *Store) unsealed(t *bolt.Tx, r sale.Range) (*dte.CAF, error) {
	key := rangeKey(r.Tipo, r.Desde)
	if caf := s.cafs[string(key)]; caf != nil {
		return caf, nil
	}
	aead, err := s.vault.current()
	if err != nil {
		return nil, err
	}
	file, err := unseal(aead, place(bCAFs, key), t.Bucket(bCAFs).Get(key))
	if err != nil {
		return nil, damaged(fmt.Errorf("CAF con %s: %w", describe(r), err))
	}
	caf, err := dte.ParseCAF(file)
	clear(file)
	if err != nil {
		return nil, damaged(err)
	}
	s.cafs[string(key)] = caf
	return caf, nil
}
