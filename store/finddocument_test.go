package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// shelf sells documents, one a minute, a thousand in a transaction. The i-th has the total 1000+i and a buyer out of forty.
func (b *till) shelf(documents int) {
	b.t.Helper()
	b.caf(dte.Boleta, 1, 9_999_999)
	for first := 0; first < documents; first += 1000 {
		b.must(b.update(func(t *bolt.Tx) error {
			for i := first; i < min(first+1000, documents); i++ {
				if _, err := b.Store.issue(t, sale.ID(fmt.Sprint("s", i)), dte.Boleta, minute(i), onShelf(i)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func minute(i int) time.Time { return saletest.Now.Add(time.Duration(i) * time.Minute) }

func onShelf(i int) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		issued, err := saletest.Build(sale.ID(fmt.Sprint("s", i)), dte.Boleta, minute(i), money.Pesos(1000+i))(g)
		r := &issued.Record
		if i%40 == 7 {
			r.Receptor = dte.Receptor{RUT: dte.RUT(77_000_000 + i), RznSoc: fmt.Sprintf("Ferretería Ñandú %d", i)}
		}
		for n := range 3 {
			r.Lines = append(r.Lines, sale.Line{Codigo: fmt.Sprintf("78010000%05d", i*3+n), Nombre: fmt.Sprintf("Producto de la caja %d", n), Qty: money.One, Prc: money.PerUnit(1), Total: 1})
		}
		return issued, err
	}
}

func (b *till) found(text string) sale.DocumentsFound {
	b.t.Helper()
	found, err := b.FindDocuments(b.t.Context(), sale.ReadDocumentSearch(text, dte.DateOf(minute(3000))))
	b.must(err)
	return found
}

// However old a document is, it is found, and nothing else: the walk through the file finds what looking at every
// document finds, in the same order.
func TestDocumentsAreFoundHoweverOld(t *testing.T) {
	b := newTill(t)
	const documents = 1300
	b.shelf(documents)
	var all []sale.DocumentInfo
	q := sale.DocumentQuery{Limit: 500}
	for len(all) < documents {
		page, err := b.Documents(q)
		b.must(err)
		all = append(all, page...)
		q.Before = page[len(page)-1].Key
	}
	day := saletest.Now.In(dte.Santiago).Format("02-01-2006")
	for _, text := range []string{
		"nandu 7", "77.000.007-3", "$1003", "7801000000012", day + " nandu", "nandu 1287", "nandu nadie", "01-01-2020", "s", "$2299 pan",
	} {
		search := sale.ReadDocumentSearch(text, dte.DateOf(minute(3000)))
		var want []dte.Key
		for _, d := range all {
			if search.Holds(d.Record) && len(want) < sale.MostFound {
				want = append(want, d.Key)
			}
		}
		found := b.found(text)
		var got []dte.Key
		for _, d := range found.Documents {
			got = append(got, d.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: found %v, want %v", text, got, want)
		}
		if len(want) < sale.MostFound && !found.Until.IsZero() {
			t.Errorf("%q: says that older ones were left", text)
		}
	}
	if found := b.found("$1003"); len(found.Documents) != 1 || found.Looked != documents {
		t.Errorf("%d found, %d looked at", len(found.Documents), found.Looked)
	}
}

// A search that finds too much says where it stopped, and still has the very number that was typed.
func TestASearchSaysWhereItStopped(t *testing.T) {
	b := newTill(t)
	b.shelf(1300)
	found := b.found("pan")
	last := found.Documents[len(found.Documents)-1]
	if len(found.Documents) != sale.MostFound || !found.Until.Equal(last.At) || last.Total != 1000+1300-sale.MostFound {
		t.Errorf("%d found, until %s, last %+v", len(found.Documents), found.Until, last.Record)
	}
	found = b.found("1") // begins the numbers 1000 to 1999 as well
	last = found.Documents[len(found.Documents)-1]
	if len(found.Documents) != sale.MostFound+1 || last.Key.Folio != 1 || found.Until.IsZero() {
		t.Errorf("%d found, the last %v", len(found.Documents), last.Key)
	}
	if found := b.found(saletest.Now.In(dte.Santiago).Format("02-01-2006") + " $1003"); found.Looked > 24*60 || len(found.Documents) != 1 {
		t.Errorf("a day is searched by looking at %d documents", found.Looked)
	}
}

// A search that nobody waits for any more ends.
func TestASearchCanBeGivenUp(t *testing.T) {
	b := newTill(t)
	b.shelf(10)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := b.FindDocuments(ctx, sale.DocumentSearch{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkFindDocuments searches 50,000 documents for one that is the oldest, one of a day, and none.
func BenchmarkFindDocuments(b *testing.B) {
	s := newTill(b)
	s.shelf(50_000)
	for _, text := range []string{"$1000", saletest.Now.In(dte.Santiago).Format("02-01-2006") + " $1000", "nadie", "12"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				s.found(text)
			}
		})
	}
}
