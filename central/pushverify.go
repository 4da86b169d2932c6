package central

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// This file judges what a till told by itself: before anything is asked of the database.

// Bounds of what the books take from a till.
const (
	maxName  = 100
	maxText  = 1000
	maxParts = 2000 // lines, tenders
)

// firstYear and the days that a clock may be ahead bound the times of a till.
const (
	firstYear = 2000
	daysAhead = 366
)

// The types of what has no document: the till's own numbers.
const (
	tipoVoucher    dte.TipoDTE = 48
	tipoSlips      dte.TipoDTE = 900 // and above
	tipoCambio     dte.TipoDTE = 901
	tipoVoucherRet dte.TipoDTE = 902
	tipoWithoutRet dte.TipoDTE = 903
	lastSlip       dte.TipoDTE = 999
)

// ownNumber reports a type whose folio is the till's own number.
func ownNumber(t dte.TipoDTE) bool { return t == tipoVoucher || t >= tipoSlips }

// verify judges each entry, with all processors.
func (c *Call) verify(entries []*told) error {
	var group errgroup.Group
	trust, workers := c.trust(), runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(entries); i += workers {
				if err := c.ctx.Err(); err != nil {
					return err
				}
				c.judge(entries[i], trust)
			}
			return nil
		})
	}
	return group.Wait()
}

// judge says why the books cannot take an entry, as far as it can be seen in the entry itself.
func (c *Call) judge(e *told, trust dte.Trust) {
	switch {
	case !e.single():
		e.aside(AlarmBooks, "trae algo que su anotación no dice")
	case e.fact.Kind == factSale && e.Sale == nil:
		e.aside(AlarmDocument, "anota la venta %s y no la trae", e.fact.Key)
	case e.Sale != nil:
		c.judgeSale(e, trust)
	case e.Shift != nil:
		e.judgeShift(c.now)
	case e.Cash != nil:
		e.judgeCash(c.now)
	case e.Movement != nil:
		e.judgeMovement(c.now)
	}
}

// single reports that an entry comes with what its kind may come with, and nothing else.
func (e *told) single() bool {
	kind := e.fact.Kind
	sale := kind == factSale || kind == factVoucher || kind == factSlip || kind == factRemedy
	return (e.Sale == nil || sale) && (e.Shift == nil || kind == factShift) && (e.Cash == nil || kind == factCash) && (e.Movement == nil || kind == factAccount)
}

func (c *Call) judgeSale(e *told, trust dte.Trust) {
	s := e.Sale
	switch {
	case s.Key != e.fact.Key || s.Key.Emisor != c.RUT:
		e.aside(AlarmDocument, "la venta %s no es la que anota, o es de otra empresa", s.Key)
	case s.Training != (c.Ambiente == dte.Capacitacion):
		e.aside(AlarmDocument, "%s es de práctica y la empresa no, o al revés", s.Key)
	case ownNumber(s.Key.Tipo) != (e.fact.Kind == factVoucher || e.fact.Kind == factSlip):
		e.aside(AlarmDocument, "%s no es de la clase de venta que anota", s.Key)
	case ownNumber(s.Key.Tipo) && (len(s.XML) > 0 || s.Key.Tipo > lastSlip || s.Key.Folio < 1):
		e.aside(AlarmDocument, "%s no lleva documento y trae uno, o su número no existe", s.Key)
	case !ownNumber(s.Key.Tipo):
		c.judgeDocument(e, trust)
	}
	if e.why == "" {
		e.judgeSums(c.now)
	}
}

// judgeDocument verifies the bytes: the hash that the chain tells, signature, timbre and CAF, and that they are this sale's.
func (c *Call) judgeDocument(e *told, trust dte.Trust) {
	s := e.Sale
	sum := sha256.Sum256(s.XML)
	if hash := hex.EncodeToString(sum[:]); hash != s.SHA256 || hash != e.fact.SHA256 {
		e.aside(AlarmDocument, "los bytes de %s no son los que anotó la bitácora", s.Key)
		return
	}
	doc, err := dte.Verify(s.XML, trust)
	switch {
	case err != nil:
		e.aside(AlarmDocument, "%s no es auténtico: %v", s.Key, err)
	case doc.Key() != s.Key || dte.AmbienteDe(doc.CAFIDK) != c.Ambiente:
		e.aside(AlarmDocument, "el documento dice ser %s y la venta %s, o es de otro ambiente", doc.Key(), s.Key)
	case payable(doc) != s.Total:
		e.aside(AlarmDocument, "%s suma %s y la venta %s", s.Key, payable(doc), s.Total)
	default:
		e.doc = doc
	}
}

// payable is what the buyer of a document owes.
func payable(doc *dte.Document) money.Pesos {
	if doc.Totales.MontoNF != 0 {
		return doc.Totales.VlrPagar
	}
	return doc.Totales.MntTotal
}

// judgeSums refuses sums that nobody can have meant.
func (e *told) judgeSums(now time.Time) {
	s := e.Sale
	paid := money.Pesos(0)
	for _, t := range s.Tenders {
		if t.Amount < 0 || t.Amount > maxSum || t.Received < 0 || t.Received > maxSum {
			e.aside(AlarmBooks, "%s se pagó con %s", s.Key, t.Amount)
		}
		if t.Method == onAccount && debtor(t) == 0 {
			e.aside(AlarmBooks, "%s se fió y no dice a quién", s.Key)
		}
		paid += t.Amount
	}
	switch {
	case len(s.Lines) > maxParts || len(s.Taken) > maxParts || len(s.Returned) > maxParts || len(s.Tenders) > maxParts:
		e.aside(AlarmBooks, "%s tiene demasiadas líneas", s.Key)
	case s.Total < 0 || s.Total > maxSum:
		e.aside(AlarmBooks, "%s suma %s", s.Key, s.Total)
	case !plausible(s.At, now):
		e.aside(AlarmBooks, "%s es del %s", s.Key, s.At.Format(time.DateOnly))
	case s.ID == "" || s.Shift < 0 || s.Shift > maxShift:
		e.aside(AlarmBooks, "%s no tiene identificador o su turno no existe", s.Key)
	case len(s.Tenders) > 0 && paid != s.Total+s.Rounding:
		e.aside(AlarmBooks, "%s suma %s y se pagó %s", s.Key, s.Total+s.Rounding, paid)
	}
	for _, l := range append(append([]api.Line(nil), s.Lines...), s.Taken...) {
		if _, ok := units(l.Qty, l.Contenido); !ok || l.Prc < 0 || l.Prc > money.MaxPrice || l.Total < -maxSum || l.Total > maxSum {
			e.aside(AlarmBooks, "%s vende %s de «%s»", s.Key, l.Qty, l.Nombre)
		}
	}
	for _, r := range s.Returned {
		if r.Qty < 0 || r.Qty > mostUnits || r.Worth < 0 || r.Worth > maxSum || r.Line < 1 || r.Line > maxParts {
			e.aside(AlarmBooks, "%s trae de vuelta %s", s.Key, r.Qty)
		}
	}
}

const (
	maxShift  = 1_000_000_000
	mostUnits = 1_000_000_000 * money.One
)

// units are how many units of the product so much of a line holds.
func units(q, contenido money.Qty) (money.Qty, bool) {
	if contenido == 0 {
		contenido = money.One
	}
	if q < 0 || q > mostUnits || contenido < 0 || contenido > mostUnits {
		return 0, false
	}
	n, err := money.Share(money.Pesos(q), int64(contenido), int64(money.One))
	return money.Qty(n), err == nil && money.Qty(n) <= mostUnits
}

// plausible reports a time at which the till may have worked.
func plausible(at, now time.Time) bool {
	return at.Year() >= firstYear && at.Before(now.AddDate(0, 0, daysAhead))
}

func (e *told) judgeShift(now time.Time) {
	s := e.Shift
	switch {
	case s.Number < 1 || s.Number > maxShift || !plausible(s.OpenedAt, now) || !s.ClosedAt.IsZero() && !plausible(s.ClosedAt, now):
		e.aside(AlarmBooks, "el turno %d se abrió el %s", s.Number, s.OpenedAt.Format(time.DateOnly))
	case s.Float < 0 || s.Float > maxSum || s.Counted < 0 || s.Counted > maxSum || s.Expected < -maxSum || s.Expected > maxSum:
		e.aside(AlarmBooks, "el turno %d tiene sumas que no puede tener", s.Number)
	}
}

func (e *told) judgeCash(now time.Time) {
	if m := e.Cash; m.Amount == 0 || m.Amount < -maxSum || m.Amount > maxSum || m.Shift < 0 || m.Shift > maxShift || !plausible(m.At, now) {
		e.aside(AlarmBooks, "el movimiento de caja %d es de %s", m.N, m.Amount)
	}
}

// The kinds of movements of accounts that no sale makes.
const (
	movePaid  = "abono"
	moveLimit = "cupo"
)

func (e *told) judgeMovement(now time.Time) {
	m := e.Movement
	switch {
	case m.Customer == 0 || m.Customer == SinNombre || m.Kind != movePaid && m.Kind != moveLimit || !plausible(m.At, now) || m.Shift < 0 || m.Shift > maxShift:
		e.aside(AlarmBooks, "el movimiento %s de la cuenta de %s no se entiende", m.Kind, m.Customer)
	case m.Amount < -maxSum || m.Amount > maxSum || m.Received < 0 || m.Received > maxSum || m.Limit < 0 || m.Limit > maxSum:
		e.aside(AlarmBooks, "el movimiento de la cuenta de %s es de %s", m.Customer, m.Amount)
	}
}

// clean is a text as PostgreSQL takes it, of so many characters at most.
func clean(s string, n int) string {
	return strings.TrimSpace(clip(strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", ""), n))
}

// storable is a time as PostgreSQL takes it: what is outside of all calendars is the beginning of ours.
func storable(at time.Time) time.Time {
	if at.Year() < 1 || at.Year() > lastDay.Year {
		return time.Time{}
	}
	return at
}
