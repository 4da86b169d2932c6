package shop

import (
	"bytes"
	"compress/gzip"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/sale"
)

// zipped is a gigabyte of zeros, in a megabyte.
func zipped(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range 200 {
		_, err := z.Write(make([]byte, 5<<20))
		must(t, err)
	}
	must(t, z.Close())
	return b.String()
}

// Whatever answers in the SII's place, and however slowly, the till gives up in time, says in words what happened and believes nothing
// of it: an upload that may have arrived is asked for before it is sent again. In the end the SII has each document once.
func TestABadLineToTheSII(t *testing.T) {
	const page = "Content-Type: text/html"
	bomb := zipped(t)
	troubles := []struct {
		name    string
		does    trouble // nil is half-open
		words   string
		down    bool
		arrives bool // an upload may have arrived
	}{
		{"half-open", nil, "no respondió a tiempo", true, true},
		{"silence", silent, "no respondió a tiempo", true, true},
		{"nobody takes what is sent", deaf, "no respondió a tiempo", true, true},
		{"a byte now and then", drips, "no respondió a tiempo", true, true},
		{"a head and no more", headOnly, "no respondió a tiempo", true, true},
		{"a portal", says(answering(200, wifi, page)), "wifi", true, true},
		{"a portal that sends elsewhere", says(answering(302, "", "Location: "+thief(t)+"/")), "wifi", true, true},
		{"cut in the body", says(answering(200, strings.Repeat("<x/>", 1000), "Content-Type: text/xml")[:900]), "conexión", true, true},
		{"a bomb", says(answering(200, bomb, "Content-Type: text/xml", "Content-Encoding: gzip")), "no se entiende", false, true},
		{"a gateway without its server", says(answering(502, wifi, page, "Retry-After: -5")), "no está disponible", true, true},
		{"a gateway that rests for ever", says(answering(503, "", "Retry-After: 2147483647")), "no está disponible", true, true},
		{"it is asked too much", says(answering(429, "", "X-Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")), "pide esperar", false, false},
		{"it is asked far too much", says(answering(429, "", "Retry-After: 99999999999999999999")), "pide esperar", false, false},
		{"hung up", func(*badLine, net.Conn) {}, "conexión", true, true},
	}
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		t.Run(tipo.String(), func(t *testing.T) {
			w := newWorld(t, 1, 1)
			line := newBadLine(t, w.sii.addr)
			m := w.tills[0]
			m.road = newRoad(t, line.addr())
			m.restart(patience)
			for n, trouble := range troubles {
				for i, e := range exchanges {
					if some := tipo == dte.Boleta && i == 0 || n%4 == 0; !some && number(worldsVar, 0) == 0 {
						continue // the ordinary run has all troubles of a boleta's upload, and some of the others; make chaos has all
					}
					if trouble.does == nil && i == 2 {
						continue // what goes before has ended every connection
					}
					name := trouble.name + ", " + e.name
					m.issue(dtetest.Draft(tipo, dte.DateOf(m.now())))
					key := m.issued[len(m.issued)-1]
					w.pass(2 * time.Minute) // a boleta need not wait for company any more
					m.login()
					e.prepare(w, m)
					was, _, err := m.store.DocumentState(key)
					w.must(err)
					if line.becomes(trouble.does); trouble.does == nil {
						line.halfOpen()
					}
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					start := time.Now()
					next := m.step(patience)
					if took := time.Since(start); took > 30*patience {
						t.Errorf("%s: it gave up after %s", name, took)
					}
					runtime.ReadMemStats(&after)
					if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 50 {
						t.Errorf("%s: it took %d MB", name, used)
					}
					want := was
					if i == 0 {
						want = dte.Enveloped
						if trouble.arrives {
							want = dte.Unknown
						}
					}
					st := m.worker.Status()
					hungUp := i == 0 && trouble.name == "hung up" // before or after the first byte had left
					if state, _, err := m.store.DocumentState(key); err != nil || state != want && (!hungUp || state != dte.Enveloped) {
						t.Errorf("%s: it was %s and is %s, want %s (%v)", name, was, state, want, err)
					}
					if st.Down != trouble.down || !strings.Contains(st.Problem, trouble.words) {
						t.Errorf("%s: the screen says %+v", name, st)
					}
					if rest := next.Sub(m.now()); rest < 0 || rest > 72*time.Minute {
						t.Errorf("%s: it rests for %s", name, rest)
					}
					line.becomes(nil)
					for range 40 {
						if next.IsZero() {
							break
						}
						if next.After(w.now()) {
							w.set(next)
						}
						next = m.step(patience)
					}
					if state, _, err := m.store.DocumentState(key); err != nil || state != dte.Accepted {
						t.Fatalf("%s: in the end it is %s (%v); %+v", name, state, err, m.worker.Status())
					}
				}
			}
			w.sameEverywhere()
			if m.ledger.doubts == 0 {
				t.Error("nothing was ever in doubt")
			}
			t.Logf("%d in doubt, %d sent again after a question", m.ledger.doubts, m.ledger.repeats)
		})
	}
}

// While the SII is silent the counter sells, and the program ends at once in the middle of an upload. At the next start it asks, and
// each envelope arrives once.
func TestNobodyWaitsForASilentSII(t *testing.T) {
	v := newServed(t)
	sii := newCounter(t, siisim.Config{Authority: dtetest.Authority(), Now: v.clock.Now, ProcessingTime: time.Second})
	line := newBadLine(t, sii.addr)
	o := v.branch()
	o.Simulator = line.url()
	s := opened(t, o)
	ownFolios(t, s)
	v.joins(s, "Caja 1", v.url)
	must(t, s.Close())
	for name, does := range map[string]trouble{"silence": silent, "a byte now and then": drips, "a head and no more": headOnly} {
		t.Run(name, func(t *testing.T) {
			said := &reports{some: make(chan struct{}, 1)}
			on := o
			on.Report = said.take
			s := opened(t, on)
			line.becomes(does)
			must(t, s.Start())
			sells(t, s)
			said.until(t, "the SII is asked", v, func(Status) bool { return line.holds() })
			for range 3 {
				sells(t, s)
			}
			all := func(want int) func(Status) bool {
				return func(Status) bool {
					var there int
					v.reads("select count(*) from document", &there)
					return there == want
				}
			}
			list, err := s.Store.Documents(sale.DocumentQuery{Limit: 500})
			must(t, err)
			said.until(t, "the server has what was sold", v, all(len(list)))
			if !line.holds() {
				t.Error("the question is over")
			}
			start := time.Now()
			must(t, s.Close())
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s to end", took)
			}
			line.becomes(nil)
			line.drop()
			s = opened(t, on)
			must(t, s.Start())
			said.until(t, "the SII has decided everything", v, func(st Status) bool {
				return st.Known && st.Worker.Backlog.Documents == 0 && st.Worker.Problem == ""
			})
			must(t, s.Close())
		})
	}
	sii.mu.Lock()
	for sum, n := range sii.arrivals {
		if n != 1 {
			t.Errorf("%.8s arrived %d times", sum, n)
		}
	}
	sii.mu.Unlock()
	s = opened(t, o)
	v.settles(s)
	v.agree(s)
	list, err := s.Store.Documents(sale.DocumentQuery{Limit: 500})
	must(t, err)
	for _, d := range list {
		if d.State != dte.Accepted {
			t.Errorf("%s is %s", d.Key.ID(), d.State)
		}
	}
	v.quiet()
	healthy(t, s)
}
