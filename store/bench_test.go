package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
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
