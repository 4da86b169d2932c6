package store

import (
	"crypto/rand"
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

	day := 24 * time.Hour
	book, err := b.Book(saletest.Now.Add(-day), saletest.Now.Add(day))
	b.must(err)
	if len(book) != 3 || book[0].AnnulledBy != good || book[1].AnnulledBy != (dte.Key{}) || book[2].AnnulledBy != (dte.Key{}) {
		t.Errorf("%+v", book)
	}
	doc, err := b.DocumentIn(sold[0].Key)
	b.must(err)
	if e := book[0]; e.Total != doc.Totales.MntTotal || e.Total <= money.Pesos(0) || e.State != dte.Issued || e.Key != sold[0].Key {
		t.Errorf("%+v", e)
	}
	if book, err = b.Book(now, now.Add(day)); err != nil || len(book) != 2 || book[1].State != dte.Rejected {
		t.Errorf("%+v, %v", book, err)
	}
	if _, known, err := b.BookEntry(sold[2].Key); !known || err != nil {
		t.Errorf("%v %v", known, err)
	}
	if _, known, err := b.BookEntry(dte.Key{Emisor: sold[0].Key.Emisor, Tipo: dte.Boleta, Folio: 9}); known || err != nil {
		t.Errorf("%v %v", known, err)
	}
}
