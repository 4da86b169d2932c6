package sale

import (
	"context"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// DocumentFinder finds issued documents, and the sales whose card voucher is their boleta, by what people remember of them.
type DocumentFinder interface {
	// FindDocuments looks at documents from the newest to the oldest, until MostFound are found or MostLooked were looked at, or
	// ctx ends. It takes as long as it takes: it is never called where somebody waits for a key.
	FindDocuments(ctx context.Context, q DocumentSearch) (DocumentsFound, error)
}

// How far a search goes.
const (
	MostFound  = 200
	MostLooked = 100_000
)

// DocumentsFound is what a search found, newest first.
type DocumentsFound struct {
	Documents []DocumentInfo
	Looked    int
	// Until is when the last document was issued that was looked at, if older ones were left; otherwise zero.
	Until time.Time
}

// DocumentSearch is what is remembered of a document. Read one with ReadDocumentSearch; the zero value wants every document.
type DocumentSearch struct {
	From, To time.Time // of issue: From or later, and before To; zero is no bound
	terms    []searchTerm
}

// searchTerm is one of the things remembered, with all that it may mean: a document has to have one of them.
type searchTerm struct {
	folio  string      // its first digits; empty: no number
	total  money.Pesos // when amount
	amount bool
	rut    dte.RUT
	person string // the digits of a RUT, with or without the last one; empty: none
	code   string // of a product
	word   string // beginning a word of the customer's or a product's name, folded: " jose"
}

// ReadDocumentSearch reads what is typed: pieces between spaces, all of which must hold. A piece is a number or its beginning, an amount
// ("$12.990", "12990"), a RUT, a word of the customer or of a product, a product's code, or a day ("16-03",
// "16-03-2026", "hoy", "ayer", "anteayer"); a day without a year is the last one that has been.
func ReadDocumentSearch(text string, today dte.Date) DocumentSearch {
	var q DocumentSearch
	for _, piece := range strings.Fields(text) {
		if day, ok := readDay(piece, today); ok {
			q.on(day)
		} else if term, ok := readTerm(piece); ok {
			q.terms = append(q.terms, term)
		}
	}
	return q
}

// Empty tells that nothing is remembered.
func (q DocumentSearch) Empty() bool { return q.From.IsZero() && q.To.IsZero() && len(q.terms) == 0 }

// Folios are the numbers that may be meant exactly: a list by number has them, however old.
func (q DocumentSearch) Folios() (folios []dte.Folio) {
	for _, t := range q.terms {
		if n, err := strconv.ParseInt(t.folio, 10, 64); err == nil && n > 0 {
			folios = append(folios, dte.Folio(n))
		}
	}
	return folios
}

// Holds tells whether a document is what is remembered.
func (q DocumentSearch) Holds(r Record) bool {
	if !q.From.IsZero() && r.At.Before(q.From) || !q.To.IsZero() && !r.At.Before(q.To) {
		return false
	}
	for _, t := range q.terms {
		if !t.holds(r) {
			return false
		}
	}
	return true
}

// on narrows the search to a day. Two different days leave nothing.
func (q *DocumentSearch) on(day dte.Date) {
	from := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, dte.Santiago)
	to := time.Date(day.Year, day.Month, day.Day+1, 0, 0, 0, 0, dte.Santiago)
	if q.From.IsZero() || from.After(q.From) {
		q.From = from
	}
	if q.To.IsZero() || to.Before(q.To) {
		q.To = to
	}
}

func (t searchTerm) holds(r Record) bool {
	switch {
	case t.folio != "" && strings.HasPrefix(r.Key.Folio.String(), t.folio):
		return true
	case t.folio != "" && r.Key.Tipo == Comprobante && r.paidBy(t.folio):
		return true
	case t.amount && (r.Total == t.total || r.Total == -t.total):
		return true
	case r.Receptor.RUT != 0 && r.Receptor.RUT != dte.RUTAnonimo && t.isPerson(r.Receptor.RUT):
		return true
	case t.word != "" && strings.Contains(fold(r.Receptor.RznSoc), t.word):
		return true
	}
	for _, l := range r.Lines {
		if t.code != "" && canonical(l.Codigo) == t.code || t.word != "" && strings.Contains(fold(l.Nombre), t.word) {
			return true
		}
	}
	return false
}

func (t searchTerm) isPerson(rut dte.RUT) bool {
	return t.rut == rut || t.person != "" && t.person == rut.Number()
}

// readTerm reads a piece that is no day; false if there is nothing in it.
func readTerm(piece string) (t searchTerm, ok bool) {
	if amount, isMoney := strings.CutPrefix(piece, "$"); isMoney {
		t.total, t.amount = wholePesos(amount)
		return t, t.amount
	}
	t.code, t.word = canonical(piece), fold(piece)
	t.rut, _ = dte.ParseRUT(piece)
	if t.total, t.amount = wholePesos(piece); t.amount {
		t.folio = t.total.XML()
		t.person = t.folio
	}
	return t, t.word != "" || t.code != ""
}

// wholePesos reads an amount with or without dots between the thousands.
func wholePesos(text string) (money.Pesos, bool) {
	n, err := strconv.ParseInt(strings.ReplaceAll(text, ".", ""), 10, 64)
	return money.Pesos(n), err == nil && n > 0 && n <= int64(money.MaxPesos)
}

// readDay reads a day as people write it.
func readDay(piece string, today dte.Date) (dte.Date, bool) {
	switch strings.TrimSpace(fold(piece)) {
	case "hoy":
		return today, true
	case "ayer":
		return daysBefore(today, 1), true
	case "anteayer":
		return daysBefore(today, 2), true
	}
	piece = strings.ReplaceAll(piece, "/", "-")
	for _, form := range []string{"2-1-2006", "2-1-06"} {
		if at, err := time.Parse(form, piece); err == nil {
			return dayOf(at), true
		}
	}
	return lastThatWas(piece, today)
}

// lastThatWas reads a day without its year. The 29th of February may lie some years back.
func lastThatWas(piece string, today dte.Date) (dte.Date, bool) {
	const leapYears = 8
	for back := range leapYears + 1 {
		at, err := time.Parse("2-1-2006", piece+"-"+strconv.Itoa(today.Year-back))
		if err == nil && !today.Before(dayOf(at)) {
			return dayOf(at), true
		}
	}
	return dte.Date{}, false
}

func daysBefore(d dte.Date, n int) dte.Date {
	return dayOf(time.Date(d.Year, d.Month, d.Day-n, 0, 0, 0, 0, time.UTC))
}

// dayOf is the day that a time says on its face.
func dayOf(at time.Time) dte.Date {
	return dte.Date{Year: at.Year(), Month: at.Month(), Day: at.Day()}
}
