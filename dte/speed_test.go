package dte

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkVerify judges documents of others: a boleta of ten lines, signature, timbre and CAF. It reports how many
// RSA-2048 verifications the same machine does in the time of one.
func BenchmarkVerify(b *testing.B) {
	doc, err := Emit(tenLines(), 7, testCAF(b, Boleta), testSigner(), noon)
	if err != nil {
		b.Fatal(err)
	}
	trust := testTrust()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(doc.XML, trust); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}

// manyDocuments are n boletas, for envelopes.
func manyDocuments(tb testing.TB, tipo TipoDTE, n int) []*Document {
	tb.Helper()
	file, err := testAuthority().IssueCAF(76543210, "X", tipo, 1, Folio(n), Date{2026, 2, 2})
	if err != nil {
		tb.Fatal(err)
	}
	caf, err := ParseCAF(file)
	if err != nil {
		tb.Fatal(err)
	}
	d := tenLines()
	if d.Tipo = tipo; !tipo.EsBoleta() {
		d.Receptor = receptor()
		d.Referencia = nil
	}
	docs := make([]*Document, n)
	for i := range docs {
		if docs[i], err = Emit(d, Folio(i+1), caf, testSigner(), noon); err != nil {
			tb.Fatal(err)
		}
	}
	return docs
}

// BenchmarkEnvelopeMemory builds an envelope of 2,000 facturas and reports the most memory that was in use beyond the
// documents and the envelope's own bytes.
func BenchmarkEnvelopeMemory(b *testing.B) {
	docs := manyDocuments(b, Factura, 2000)
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var peak, size uint64
	for b.Loop() {
		var xml []byte
		most := peakHeap(func() {
			var err error
			if xml, err = NewEnvelope(docs, Resolucion{Fch: Date{2026, 1, 15}}, RUTSII, testSigner(), noon); err != nil {
				b.Fatal(err)
			}
		})
		size = uint64(len(xml))
		if most > size {
			peak = max(peak, most-size)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-above-bytes")
	b.ReportMetric(float64(size)/(1<<20), "MiB-envelope")
}

// peakHeap is how far the heap grows while f runs, looked at every millisecond.
func peakHeap(f func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var most atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				if m.HeapAlloc > before {
					most.Store(max(most.Load(), m.HeapAlloc-before))
				}
			}
		}
	}()
	f()
	close(stop)
	<-done
	return most.Load()
}
