package store

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// BenchmarkIssue is one durable sale with a document that costs nothing to build: what the store itself takes.
func BenchmarkIssue(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		s.issue(sale.ID(fmt.Sprint("s", i)))
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkSale is one durable sale with a real signed document.
func BenchmarkSale(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	signer, draft := dtetest.Signer(dtetest.Person), dtetest.Draft(dte.Boleta, dtetest.Today())
	for i := 0; b.Loop(); i++ {
		id := sale.ID(fmt.Sprint("s", i))
		_, err := s.Issue(id, dte.Boleta, dtetest.Now(), func(g sale.Grant) (sale.Issued, error) {
			doc, err := dte.Emit(draft, g.Folio, g.CAF, signer, dtetest.Now())
			if err != nil {
				return sale.Issued{}, err
			}
			return sale.Issued{Document: doc, Record: sale.Record{ID: id, Key: doc.Key(), SHA256: sale.HashXML(doc.XML)}}, nil
		})
		s.must(err)
	}
}

// BenchmarkOpen opens a till with 100,000 documents and sells once.
func BenchmarkOpen(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	size := len(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1).XML)
	for batch := range 100 {
		s.must(s.update(func(t *bolt.Tx) error {
			for i := range 1000 {
				id := sale.ID(fmt.Sprintf("b%d-%d", batch, i))
				if _, err := s.Store.issue(t, id, dte.Boleta, saletest.Now, padded(id, size)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for i := 0; b.Loop(); i++ {
		s.reopenFile()
		s.issue(sale.ID(fmt.Sprint("s", i)))
	}
	b.StopTimer()
	for _, deep := range []bool{false, true} {
		start := time.Now()
		_, err := s.Audit(deep)
		s.must(err)
		b.Logf("audit, deep %v: %v", deep, time.Since(start))
	}
	info, err := os.Stat(s.path)
	s.must(err)
	b.Logf("%d MB; %d bytes a document", info.Size()>>20, size)
}

// padded builds a document of n bytes.
func padded(id sale.ID, n int) func(sale.Grant) (sale.Issued, error) {
	return func(g sale.Grant) (sale.Issued, error) {
		i, err := saletest.Build(id, dte.Boleta, saletest.Now, 10)(g)
		i.Document.XML = append(i.Document.XML, make([]byte, n-len(i.Document.XML))...)
		i.Record.SHA256 = sale.HashXML(i.Document.XML)
		return i, err
	}
}

// BenchmarkBacklog counts 2,000 waiting documents.
func BenchmarkBacklog(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	for i := range 2000 {
		s.issue(sale.ID(fmt.Sprint("s", i)))
	}
	for b.Loop() {
		if l, err := s.Backlog(); err != nil || l.Documents != 2000 {
			b.Fatal(l, err)
		}
	}
}

// BenchmarkAudit reads everything of 2,000 documents.
func BenchmarkAudit(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	for i := range 2000 {
		s.issue(sale.ID(fmt.Sprint("s", i)))
	}
	for b.Loop() {
		s.healthy()
	}
}
