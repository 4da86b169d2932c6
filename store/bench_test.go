package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// BenchmarkIssueDurable is one whole sale on a real file: rules, folio, timbre, XML, signature, read-back, one
// transaction, flushed. In the same run and on the same disk it takes the time of one append of 4 KB with its flush, and
// of making the document alone, so that the figure can be read on any machine: a sale flushes twice and signs once.
// Set TMPDIR to measure another disk; on one in memory a flush costs nothing.
func BenchmarkIssueDurable(b *testing.B) {
	s := newTill(b)
	s.caf(dte.Boleta, 1, 9_999_999)
	deps := sale.Deps{
		Shop: saletest.Shop(), Journal: s.Store, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now,
	}
	draft := dtetest.Draft(dte.Boleta, dtetest.Today())
	caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.Boleta, 1, 9_999_999, dtetest.FA())
	f, err := os.Create(filepath.Join(filepath.Dir(s.path), "flush"))
	s.must(err)
	defer f.Close()
	page := make([]byte, 4096)

	var whole, flush, emit []time.Duration
	timed := func(into *[]time.Duration, act func() error) {
		start := time.Now()
		err := act()
		*into = append(*into, time.Since(start))
		s.must(err)
	}
	for i := 0; b.Loop(); i++ {
		timed(&whole, func() error {
			_, err := sale.IssueOrder(deps, sale.Order{ID: sale.ID(fmt.Sprint("s", i)), Draft: draft})
			return err
		})
		b.StopTimer()
		timed(&flush, func() error {
			_, err := f.Write(page)
			return errors.Join(err, f.Sync())
		})
		timed(&emit, func() error {
			_, err := dte.Emit(draft, dte.Folio(i+1), caf, deps.Signer, dtetest.Now())
			return err
		})
		b.StartTimer()
	}
	p50 := percentile(whole, 50)
	b.ReportMetric(p50, "p50-ms")
	b.ReportMetric(percentile(whole, 99), "p99-ms")
	b.ReportMetric(percentile(flush, 50), "flush-ms")
	b.ReportMetric(percentile(emit, 50), "emit-ms")
	b.ReportMetric(p50/(2*percentile(flush, 50)+percentile(emit, 50)), "of-2flush+emit")
}

// percentile is in milliseconds.
func percentile(took []time.Duration, p int) float64 {
	slices.Sort(took)
	return float64(took[len(took)*p/100].Microseconds()) / 1000
}

// BenchmarkWaitingSince looks whether boletas are due, with 50,000 waiting.
func BenchmarkWaitingSince(b *testing.B) {
	s := newTill(b)
	s.stock(50)
	for b.Loop() {
		if n, _, err := s.WaitingSince(true, 50); err != nil || n != 50 {
			b.Fatal(n, err)
		}
	}
}

// stock sells thousands of documents, a thousand in a transaction.
func (b *till) stock(thousands int) {
	b.t.Helper()
	b.caf(dte.Boleta, 1, 9_999_999)
	size := len(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1).XML)
	for batch := range thousands {
		b.must(b.update(func(t *bolt.Tx) error {
			for i := range 1000 {
				id := sale.ID(fmt.Sprintf("b%d-%d", batch, i))
				if _, err := b.Store.issue(t, id, dte.Boleta, saletest.Now, padded(id, size)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// BenchmarkOpen opens a till with ten thousand and a hundred thousand documents and sells once.
func BenchmarkOpen(b *testing.B) {
	for _, thousands := range []int{10, 100} {
		b.Run(fmt.Sprint(thousands, "000"), func(b *testing.B) {
			s := newTill(b)
			s.stock(thousands)
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
			b.Logf("%d MB", info.Size()>>20)
		})
	}
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
