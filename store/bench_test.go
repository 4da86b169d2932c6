package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

// BenchmarkReconcile adds up a month of 50,000 boletas, one in a hundred annulled, of a till that went on selling for three
// more months.
func BenchmarkReconcile(b *testing.B) {
	s := newTill(b)
	s.month(50)
	first := dte.Date{Year: saletest.Now.Year(), Month: saletest.Now.Month(), Day: 1}
	last := first
	last.Day = 31
	var before, after runtime.MemStats
	var most uint64
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		balance, err := sale.Reconcile(b.Context(), watched{s.Store, func() {
			if n++; n%5000 == 0 {
				runtime.ReadMemStats(&after)
				most = max(most, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
			}
		}}, saletest.Shop().Emisor.RUT, first, last, nil)
		if err != nil || balance.Totals[0].Issued.N != 50_000 || balance.Totals[0].Annulled.N != 500 {
			b.Fatalf("%+v, %v", balance.Totals, err)
		}
	}
	b.ReportMetric(float64(most>>20), "MiB-heap")
}

// watched calls seen for each document.
type watched struct {
	*Store
	seen func()
}

func (w watched) EachBooked(ctx context.Context, first, last dte.Date, fn func(sale.BookEntry) error) error {
	return w.Store.EachBooked(ctx, first, last, func(e sale.BookEntry) error {
		w.seen()
		return fn(e)
	})
}

// month sells thousands of boletas within a month, then notes that annul one in a hundred, then three times as many boletas
// after it. Their bytes are those of a true document with another folio.
func (b *till) month(thousands int) {
	b.t.Helper()
	b.caf(dte.Boleta, 1, 9_999_999)
	b.caf(dte.NotaCredito, 1, 99_999)
	boleta := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7_000_001)
	note := dtetest.Emit(dtetest.Note(dte.NotaCredito, boleta, dtetest.Today()), 7_000_002)
	copies := func(n int, tipo dte.TipoDTE, at func(i int) time.Time, doc *dte.Document, replaced func(i int) *strings.Replacer) {
		for start := 0; start < n; start += 1000 {
			b.must(b.update(func(t *bolt.Tx) error {
				for i := start; i < min(n, start+1000); i++ {
					id := sale.ID(fmt.Sprintf("%d-%d-%s", tipo, i, at(i)))
					_, err := b.Store.issue(t, id, tipo, at(i), func(g sale.Grant) (sale.Issued, error) {
						d := *doc
						d.Folio = g.Folio
						d.XML = []byte(replaced(i).Replace(string(doc.XML)))
						d.XML = bytes.ReplaceAll(d.XML, []byte("<Folio>"+doc.Folio.String()), []byte("<Folio>"+g.Folio.String()))
						return sale.Issued{Document: &d, Record: sale.Record{ID: id, At: at(i), Key: d.Key(), Total: d.Totales.MntTotal, SHA256: sale.HashXML(d.XML)}}, nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			}))
		}
	}
	first := time.Date(saletest.Now.Year(), saletest.Now.Month(), 1, 9, 0, 0, 0, dte.Santiago)
	dated := func(at time.Time) *strings.Replacer {
		return strings.NewReplacer("<FchEmis>"+dtetest.Today().String(), "<FchEmis>"+dte.DateOf(at).String())
	}
	n := thousands * 1000
	within := func(i int) time.Time { return first.Add(time.Duration(i) * (28 * 24 * time.Hour / time.Duration(n))) }
	copies(n, dte.Boleta, within, boleta, func(i int) *strings.Replacer { return dated(within(i)) })
	later := first.AddDate(0, 1, 2)
	copies(n/100, dte.NotaCredito, func(int) time.Time { return later }, note, func(i int) *strings.Replacer {
		return strings.NewReplacer("<FchEmis>"+dtetest.Today().String(), "<FchEmis>"+dte.DateOf(later).String(),
			"<FolioRef>"+boleta.Folio.String(), fmt.Sprint("<FolioRef>", i*100+1))
	})
	after := func(i int) time.Time { return later.Add(time.Duration(i) * (90 * 24 * time.Hour / time.Duration(3*n))) }
	copies(3*n, dte.Boleta, after, boleta, func(i int) *strings.Replacer { return dated(after(i)) })
}
