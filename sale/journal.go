package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// This file holds the rules that every Journal obeys, so that the file and its twin in memory cannot differ in them.

// ErrMismatch: what build returned is not the document that the grant allows. Nothing was written.
var ErrMismatch = errors.New("el documento armado no corresponde a lo pedido")

// Range is a CAF as a Journal spends it: folios Desde to Next−1 are used, Next to Hasta are free.
type Range struct {
	Tipo  dte.TipoDTE `json:"tipo"`
	Desde dte.Folio   `json:"desde"`
	Hasta dte.Folio   `json:"hasta"`
	Next  dte.Folio   `json:"next"`
	FA    dte.Date    `json:"fa"`             // authorised on; no document may be older
	Vence dte.Date    `json:"vence,omitzero"` // last day of use; zero does not expire
	// Lease is the server's number of a part that this till alone issues from; 0 if the whole range is this till's own.
	Lease int64 `json:"arriendo,omitempty"`
	// Ended says why nothing is issued from it any more, whatever is left.
	Ended string `json:"fin,omitempty"`
}

// NewRange is an unused range.
func NewRange(c *dte.CAF) Range {
	return Range{Tipo: c.Tipo, Desde: c.Desde, Hasta: c.Hasta, Next: c.Desde, FA: c.FA, Vence: c.Vence()}
}

// Left counts the folios that may be used on day.
func (r Range) Left(day dte.Date) int {
	if r.Ended != "" || day.Before(r.FA) || !r.Vence.IsZero() && r.Vence.Before(day) {
		return 0
	}
	return int(r.Hasta - r.Next + 1)
}

// Overlaps reports that both ranges cover a folio of the same type.
func (r Range) Overlaps(o Range) bool {
	return r.Tipo == o.Tipo && r.Desde <= o.Hasta && o.Desde <= r.Hasta
}

// Covers reports that the range authorises a document. There is one range for each: ranges never overlap.
func (r Range) Covers(key dte.Key) bool {
	return r.Tipo == key.Tipo && r.Desde <= key.Folio && key.Folio <= r.Hasta
}

// PickRange is the index of the range that gives the next folio on day: of the usable ones the first to expire, then
// the lowest. Without one it explains ErrNoFolios.
func PickRange(ranges []Range, tipo dte.TipoDTE, day dte.Date) (int, error) {
	best := -1
	for i, r := range ranges {
		if r.Tipo == tipo && r.Left(day) > 0 && (best < 0 || SpendsBefore(r, ranges[best])) {
			best = i
		}
	}
	if best < 0 {
		return 0, NoFolios(tipo, day, "Descargue un CAF nuevo del SII e impórtelo")
	}
	return best, nil
}

// NoFolios is ErrNoFolios in words; way says how there are some again.
func NoFolios(tipo dte.TipoDTE, day dte.Date, way string) error {
	return fmt.Errorf("%w de %s que se puedan usar el %s. No se emitió nada y la venta sigue abierta. %s", ErrNoFolios, tipo, day, way)
}

// SpendsBefore reports that r is used up before o: it expires first, or begins lower. A range that does not expire
// comes last.
func SpendsBefore(r, o Range) bool {
	if r.Vence != o.Vence {
		return o.Vence.IsZero() || !r.Vence.IsZero() && r.Vence.Before(o.Vence)
	}
	return r.Desde < o.Desde
}

// FoliosLeft counts the folios of tipo that may be used on day.
func FoliosLeft(ranges []Range, tipo dte.TipoDTE, day dte.Date) int {
	n := 0
	for _, r := range ranges {
		if r.Tipo == tipo {
			n += r.Left(day)
		}
	}
	return n
}

// Check refuses anything but the document of key for sale id, with the hash of its exact bytes. It wraps ErrMismatch.
func (i Issued) Check(id ID, key dte.Key) error {
	switch {
	case i.Document == nil || len(i.Document.XML) == 0:
		return fmt.Errorf("%w: no trae el XML. No se guardó nada", ErrMismatch)
	case i.Record.ID != id:
		return fmt.Errorf("%w: es de otra venta. No se guardó nada", ErrMismatch)
	case i.Document.Key() != key || i.Record.Key != key:
		return fmt.Errorf("%w: se entregó el folio de %s y el documento dice %s. No se guardó nada",
			ErrMismatch, key, i.Document.Key())
	case i.Record.SHA256 != HashXML(i.Document.XML):
		return fmt.Errorf("%w: la huella del XML de %s no calza. No se guardó nada", ErrMismatch, key)
	}
	return nil
}

// HashXML is the fingerprint that Record.SHA256 keeps: SHA-256 in lower-case hexadecimal.
func HashXML(xml []byte) string {
	sum := sha256.Sum256(xml)
	return hex.EncodeToString(sum[:])
}

// Count adds a sale to the sums of the shift. A credit note, or another return, takes away what other documents add, in its type and in its
// means of payment. On overflow the shift is as it was.
func (s *Shift) Count(r Record) error {
	sign := money.Pesos(1)
	if r.GivesBack() {
		sign = -1
	}
	byType, paid, people := copyMap(s.ByType), copyMap(s.Paid), s.People
	if err := addTo(byType, strconv.Itoa(int(r.Key.Tipo)), sign*r.Total); err != nil {
		return err
	}
	for _, t := range r.Payment.Tenders {
		if err := addTo(paid, t.Method, sign*t.Amount); err != nil {
			return err
		}
	}
	if r.Who != "" {
		sum := people[r.Who]
		var err error
		if sum.Total, err = sum.Total.Add(sign * r.Total); err != nil {
			return err
		}
		sum.Sales++
		people = copyMap(people)
		people[r.Who] = sum
	}
	s.Sales++
	s.ByType, s.Paid, s.People = byType, paid, people
	return nil
}

// CountPaid adds what was received for a debt. On overflow the shift is as it was.
func (s *Shift) CountPaid(m Movement) error {
	abonos := copyMap(s.Abonos)
	if err := addTo(abonos, m.Method, m.Received); err != nil {
		return err
	}
	s.Abonos = abonos
	return nil
}

// Start is the shift that follows s with float in the drawer; ErrShift if s is open.
func (s Shift) Start(at time.Time, who string, float money.Pesos) (Shift, error) {
	if s.Open() {
		return Shift{}, fmt.Errorf("%w: el turno %d sigue abierto. Ciérrelo antes de abrir otro", ErrShift, s.Number)
	}
	return Shift{Number: s.Number + 1, OpenedAt: at, OpenedBy: who, Float: float}, nil
}

// End closes the shift with the cash that was counted; ErrShift if it is not open.
func (s Shift) End(at time.Time, who string, counted money.Pesos) (Shift, error) {
	if !s.Open() {
		return Shift{}, fmt.Errorf("%w: no hay turno abierto", ErrShift)
	}
	expected, err := s.Float.Add(s.Paid[Efectivo])
	if err == nil {
		expected, err = expected.Add(s.Abonos[Efectivo])
	}
	if err == nil {
		expected, err = expected.Add(s.CashIn - s.CashOut) // neither is negative
	}
	if err != nil {
		return Shift{}, err
	}
	s.ClosedAt, s.ClosedBy, s.Counted = at, who, counted
	s.Difference, err = counted.Sub(expected)
	return s, err
}

func addTo[K comparable](sums map[K]money.Pesos, k K, p money.Pesos) (err error) {
	sums[k], err = sums[k].Add(p)
	return err
}

func copyMap[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m)+1)
	maps.Copy(c, m)
	return c
}

// clone shares nothing with the record.
func (r Record) clone() Record {
	r.Lines = slices.Clone(r.Lines)
	r.Payment.Tenders = slices.Clone(r.Payment.Tenders)
	r.Returned, r.Taken = slices.Clone(r.Returned), slices.Clone(r.Taken)
	return r
}

// clone shares nothing with the shift.
func (s Shift) clone() Shift {
	s.ByType, s.Paid, s.Abonos, s.People = maps.Clone(s.ByType), maps.Clone(s.Paid), maps.Clone(s.Abonos), maps.Clone(s.People)
	return s
}
