package store

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// A note annuls what an earlier day sold, unless the SII refuses the note.
func TestBookKnowsWhatLaterNotesAnnul(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 10)
	b.caf(dte.NotaCredito, 1, 10)
	now := saletest.Now
	deps := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: func() time.Time { return now }, Rand: rand.Reader}
	issue := func(o sale.Order) sale.Record {
		t.Helper()
		r, err := sale.IssueOrder(deps, o)
		b.must(err)
		return r
	}
	var sold []sale.Record
	for _, id := range []sale.ID{"s1", "s2", "s3"} {
		sold = append(sold, issue(sale.Order{ID: id, Draft: dtetest.Draft(dte.Boleta, dte.DateOf(now))}))
	}
	now = now.AddDate(0, 0, 3)
	note := func(id sale.ID, of sale.Record) dte.Key {
		t.Helper()
		doc, err := b.DocumentIn(of.Key)
		b.must(err)
		return issue(sale.Order{ID: id, Draft: dtetest.Note(dte.NotaCredito, doc, dte.DateOf(now))}).Key
	}
	good, refused := note("n1", sold[0]), note("n2", sold[1])
	b.decide(refused, dte.Rejected, "REF-3-750")

	today, later := dte.DateOf(saletest.Now), dte.DateOf(now)
	book := b.book(today, today)
	if len(book) != 3 || book[0].AnnulledBy != good || book[1].AnnulledBy != (dte.Key{}) || book[2].AnnulledBy != (dte.Key{}) {
		t.Errorf("%+v", book)
	}
	doc, err := b.DocumentIn(sold[0].Key)
	b.must(err)
	if e := book[0]; e.Total != doc.Totales.MntTotal || e.Total <= money.Pesos(0) || e.State != dte.Issued || e.Key != sold[0].Key || e.Day != today {
		t.Errorf("%+v", e)
	}
	if book = b.book(later, later); len(book) != 2 || book[1].State != dte.Rejected || book[1].Veredicto.Codigo != "REF-3-750" {
		t.Errorf("%+v", book)
	}
	if e, known, err := b.BookEntry(sold[2].Key); !known || err != nil || e.Day != today {
		t.Errorf("%+v %v %v", e, known, err)
	}
	if _, known, err := b.BookEntry(dte.Key{Emisor: sold[0].Key.Emisor, Tipo: dte.Boleta, Folio: 9}); known || err != nil {
		t.Errorf("%v %v", known, err)
	}
}

func (b *till) book(first, last dte.Date) (all []sale.BookEntry) {
	b.t.Helper()
	b.must(b.EachBooked(b.t.Context(), first, last, func(e sale.BookEntry) error {
		all = append(all, e)
		return nil
	}))
	return all
}

// The SII's register goes by the date on the document: one that is issued later and dated back belongs to its date, in
// whichever month it was issued, and so does what is sold at five to midnight.
func TestBookGoesByTheDateOfTheDocument(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Factura, 1, 10)
	now := time.Date(2026, 3, 31, 23, 55, 0, 0, dte.Santiago)
	deps := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: func() time.Time { return now }, Rand: rand.Reader}
	march, april := dte.DateOf(now), dte.Date{Year: 2026, Month: 4, Day: 1}
	issue := func(id sale.ID, dated dte.Date) dte.Folio {
		t.Helper()
		r, err := sale.IssueOrder(deps, sale.Order{ID: id, Draft: dtetest.Draft(dte.Factura, dated)})
		b.must(err)
		return r.Key.Folio
	}
	lastMinute := issue("s1", march)
	now = now.Add(10 * time.Minute) // in the next month
	firstMinute := issue("s2", april)
	now = now.AddDate(0, 0, 4)
	datedBack := issue("s3", march)
	folios := func(first, last dte.Date) (list []dte.Folio) {
		for _, e := range b.book(first, last) {
			list = append(list, e.Key.Folio)
		}
		return list
	}
	if got := folios(march, march); !slices.Equal(got, []dte.Folio{lastMinute, datedBack}) {
		t.Errorf("March has %v", got)
	}
	if got := folios(april, dte.Date{Year: 2026, Month: 4, Day: 30}); !slices.Equal(got, []dte.Folio{firstMinute}) {
		t.Errorf("April has %v", got)
	}
}

// A month is read in many small transactions: sales go on in the middle of it, and it stops when nobody wants it any more.
func TestBookIsReadWhileSalesGoOn(t *testing.T) {
	b := newTill(t)
	b.month(1)
	first, last := dte.Date{Year: 2026, Month: saletest.Now.Month(), Day: 1}, dte.Date{Year: 2026, Month: saletest.Now.Month(), Day: 31}
	now := saletest.Now.AddDate(0, 8, 0)
	deps := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: func() time.Time { return now }, Rand: rand.Reader}
	ctx, cancel := context.WithCancel(t.Context())
	n, annulled := 0, 0
	b.must(b.EachBooked(ctx, first, last, func(e sale.BookEntry) error {
		if n++; n == 500 { // with a read transaction open, a growing file would wait for it
			b.caf(dte.BoletaExenta, 1, 10)
			_, err := sale.IssueOrder(deps, sale.Order{ID: "amid", Draft: dtetest.Draft(dte.BoletaExenta, dte.DateOf(now))})
			return err
		}
		if e.AnnulledBy != (dte.Key{}) {
			annulled++
		}
		return nil
	}))
	if n != 1000 || annulled != 10 {
		t.Errorf("%d documents, %d annulled", n, annulled)
	}
	n = 0
	err := b.EachBooked(ctx, first, last, func(sale.BookEntry) error {
		n++
		cancel()
		return nil
	})
	if b.wantErr(err, context.Canceled); n != 1 {
		t.Errorf("%d documents after it was given up", n)
	}
}
