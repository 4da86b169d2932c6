package shop

import (
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
)

// exchange is one question and its answer between a till and the authority, and how to come to the moment before it.
type exchange struct {
	name    string
	prepare func(*world, *machine)
}

var exchanges = []exchange{
	{"upload", func(*world, *machine) {}},
	{"envelope status", func(w *world, m *machine) { w.set(m.step(calm)) }},
	{"document status", func(w *world, m *machine) {
		m.road.toxic("limit_data", "downstream", "bytes", 0) // the answer to the upload is lost
		w.set(m.step(calm))
		m.road.clear()
		w.pass(time.Minute)
	}},
}

// TestCutAtEveryByte cuts the connection at each byte of the request and of the answer, in each kind of exchange of both
// channels. Afterwards the document is at the authority once, accepted, and nothing was sent again without need. Without
// MOSTRADOR_WORLDS it takes a few bytes of each, from another one on each time the seed changes.
func TestCutAtEveryByte(t *testing.T) {
	stride := 1
	if number(worldsVar, 0) == 0 {
		stride = 701 // a prime, so that the cuts fall everywhere
	}
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		for _, e := range exchanges {
			for _, direction := range []string{"upstream", "downstream"} {
				t.Run(tipo.String()+" "+e.name+" "+direction, func(t *testing.T) {
					w := newWorld(t, 1, 1)
					cuts := 0
					step := stride
					if direction == "downstream" {
						step = (stride + 3) / 4 // answers are shorter
					}
					for at := number(seedVar, 0) % step; ; at += step {
						whole := w.cut(e, tipo, direction, at)
						if t.Failed() {
							t.Fatalf("cut at byte %d", at)
						}
						if whole {
							break // it was not longer than that
						}
						if cuts++; cuts%300 == 0 { // what the authority holds makes it slower
							w.sameEverywhere()
							w = newWorld(t, 1, 1)
						}
					}
					w.sameEverywhere()
					if cuts == 0 {
						t.Error("nothing was cut")
					}
					t.Logf("%d cuts, %d uploads in doubt, %d sent again after a question", cuts, w.tills[0].ledger.doubts, w.tills[0].ledger.repeats)
				})
			}
		}
	}
}

// cut sends one document with its connection cut at a byte of an exchange; whole says that the exchange was over before.
func (w *world) cut(e exchange, tipo dte.TipoDTE, direction string, at int) (whole bool) {
	w.t.Helper()
	m := w.tills[0]
	m.issue(dtetest.Draft(tipo, dte.DateOf(m.now())))
	w.pass(2 * time.Minute) // a boleta need not wait for company any more
	m.login()
	e.prepare(w, m)
	m.road.toxic("limit_data", direction, "bytes", at)
	next := m.step(calm)
	m.road.clear()
	whole = !m.worker.Status().Down
	for range 20 {
		if next.IsZero() {
			break
		}
		if next.After(w.now()) {
			w.set(next)
		}
		next = m.step(calm)
	}
	key := m.issued[len(m.issued)-1]
	if state, _, err := m.store.DocumentState(key); err != nil || state != dte.Accepted {
		w.t.Errorf("%s is %s (%v)", key.ID(), state, err)
	}
	return whole
}

// login sees to it that the next request of both channels is the one that a test is about.
func (m *machine) login() {
	probe := dtetest.Draft(dte.Boleta, dte.DateOf(m.now()))
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		probe.Tipo = tipo
		_, _ = m.client.DocumentStatus(m.ctx, &dte.Document{Draft: probe, Folio: 1})
	}
}

// issue issues a draft as the counter does: rules, folio, timbre, signature, one transaction.
func (m *machine) issue(draft dte.Draft) {
	m.order(sale.Order{Draft: draft})
}
