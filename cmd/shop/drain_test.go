package shop

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
)

// longOutage is how long a line stays away, and what is sold meanwhile: the whole of it under make chaos, a tenth
// otherwise.
func longOutage() (days, documents int) {
	if number(worldsVar, 0) > 0 {
		return 30, 50_000
	}
	return 1, 600
}

// TestThirtyDaysOffline: a till sells day and night without a line, and notices it by a few cheap tries. When the line is
// back, everything leaves in one run: facturas before boletas, the oldest first, in full envelopes; every verdict is
// known, and the till has needed little memory.
func TestThirtyDaysOffline(t *testing.T) {
	if testing.Short() {
		t.Skip("it sells for days")
	}
	days, documents := longOutage()
	w := newWorld(t, 1, 1)
	m := w.tills[0]
	m.road.cut()
	start := w.now()
	m.offline(days, documents)
	offline := w.now().Sub(start)
	open, err := m.store.OpenSobres()
	w.must(err)
	if slices.ContainsFunc(open, func(s dte.Sobre) bool { return s.Attempts > 0 || s.TrackID != "" }) {
		t.Errorf("the line was down, and attempts were counted: %+v", open)
	}
	tries := m.process.tries
	if most := 2 * int(offline/time.Minute); tries == 0 || tries > most {
		t.Errorf("the line was tried %d times in %s, at most %d are cheap", tries, offline, most)
	}
	runtime.GC()
	before := heap()
	m.road.open()
	m.restart(calm)
	began := time.Now()
	peak := w.drain(documents)
	took := time.Since(began)
	w.inOrder(documents)
	w.sameEverywhere()
	for _, key := range m.issued {
		if state, _, err := m.store.DocumentState(key); err != nil || state != dte.Accepted && state != dte.Objected {
			t.Fatalf("%s is %s (%v)", key.ID(), state, err) // objected: what is three days late is always (DTE-1-650)
		}
	}
	if before > 64<<20 || peak > before+300<<20 {
		t.Errorf("%d MiB in use before the line was back and up to %d after", before>>20, peak>>20)
	}
	t.Logf("%d days, %d documents, %d tries of the line; drained in %s, %d documents/s; %d MiB in use before, %d at most",
		days, documents, tries, took.Round(time.Second), int(float64(documents)/took.Seconds()), before>>20, peak>>20)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// offline sells evenly over the days, one factura among twelve documents, and lets the worker work whenever it wants to
// and at every sale.
func (m *machine) offline(days, documents int) {
	m.w.t.Helper()
	start, pause := m.w.now(), time.Duration(days)*24*time.Hour/time.Duration(documents)
	for n := range documents {
		sale := start.Add(time.Duration(n) * pause)
		for next := m.step(patience); !next.IsZero() && next.Before(sale); next = m.step(patience) {
			m.w.set(next)
		}
		m.w.set(sale)
		tipo := dte.Boleta
		if n%12 == 0 {
			tipo = dte.Factura
		}
		m.issue(dtetest.Draft(tipo, dte.DateOf(m.now())))
	}
}

// drain steps until nothing waits, and returns how much memory was in use at most.
func (w *world) drain(documents int) (peak uint64) {
	w.t.Helper()
	for n := range documents {
		next := w.tills[0].step(calm)
		if n%16 == 0 {
			peak = max(peak, heap())
		}
		if next.IsZero() {
			return peak
		}
		if next.After(w.now()) {
			w.set(next)
		}
	}
	w.t.Fatalf("no rest: %+v", w.tills[0].worker.Status())
	return 0
}

// inOrder demands that facturas arrived before boletas, in full envelopes, the oldest first. Of the boletas one envelope
// may stand before: that with which the line was tried.
func (w *world) inOrder(documents int) {
	w.t.Helper()
	last := map[dte.TipoDTE]dte.Folio{}
	early, sobres := 0, 0
	facturas := 0
	for _, e := range w.sii.sim.Envelopes() {
		sobres++
		if e.Channel == sii.ChannelBoleta && facturas < (documents+11)/12 {
			early++
		}
		for _, d := range e.Documents {
			if d.Key.Folio <= last[d.Key.Tipo] {
				w.t.Errorf("%s arrived after %d", d.Key.ID(), last[d.Key.Tipo])
			}
			last[d.Key.Tipo] = d.Key.Folio
			if d.Key.Tipo == dte.Factura {
				facturas++
			}
		}
	}
	if early > 1 {
		w.t.Errorf("%d envelopes of boletas went before the last factura", early)
	}
	if most := documents/50 + documents/120 + 6; sobres > most {
		w.t.Errorf("%d envelopes, %d would do", sobres, most)
	}
}

// BenchmarkDrain sends waiting boletas (4,000, or MOSTRADOR_DRAIN) from the till's file to the authority on its socket,
// which verifies every signature, and asks for their verdicts until all are accepted. Time that only the clock waits is
// not counted.
func BenchmarkDrain(b *testing.B) {
	n := number("MOSTRADOR_DRAIN", 4000)
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, 1, 1)
		m := w.tills[0]
		for range n {
			m.issue(dtetest.Draft(dte.Boleta, dte.DateOf(m.now())))
		}
		m.restart(calm)
		b.StartTimer()
		w.drain(n)
		b.StopTimer()
		if s := m.worker.Status(); s.Backlog.Documents != 0 || len(w.sii.sim.Documents()) != n {
			b.Fatalf("%+v", s)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "documents/s")
}
