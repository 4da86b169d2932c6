package sync_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	possync "mostrador/sync"
)

// clock is turned by the test only; the authority's goroutines read it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// world is a till's outbox, the authority on a socket, and a clock that only the test turns.
type world struct {
	*clock
	t      testing.TB
	sim    *siisim.Sim
	box    *possync.Memory
	worker *possync.Worker
	pace   possync.Pace
	url    string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: dtetest.Now()}, box: possync.NewMemory()}
	sim, err := siisim.New(siisim.Config{Authority: dtetest.Authority(), Now: w.now, ProcessingTime: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w.sim, w.url = sim, url
	w.restart()
	return w
}

// restart is a new process on the same outbox.
func (w *world) restart() {
	w.box.Interrupt()
	client := sii.New(sii.Config{Endpoints: sii.Single(w.url), Signer: dtetest.Signer(dtetest.Person), Now: w.now})
	w.worker = possync.New(possync.Config{
		Outbox: w.box, Authority: client, Signer: dtetest.Signer(dtetest.Person), Resolucion: dtetest.Resolucion(),
		Now: w.now, After: func(time.Duration) <-chan time.Time { return nil },
		Jitter: rand.New(rand.NewPCG(1, 2)).Int64N, Pace: w.pace,
	})
}

// issue puts n documents of a type into the outbox.
func (w *world) issue(tipo dte.TipoDTE, from dte.Folio, n int) (keys []dte.Key) {
	for i := range n {
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), from+dte.Folio(i))
		w.box.Add(doc, w.now())
		keys = append(keys, doc.Key())
	}
	return keys
}

// run turns the clock from step to step until nothing is left to do, or fails.
func (w *world) run() {
	w.t.Helper()
	const most = 2000
	for range most {
		next := w.worker.Step(w.t.Context())
		if next.IsZero() {
			return
		}
		if next.After(w.now()) {
			w.set(next)
		}
	}
	w.t.Fatalf("no rest after %d steps: %+v", most, w.worker.Status())
}

// accepted demands that every document ended accepted, here and at the authority, once and as the same bytes.
func (w *world) accepted(keys ...dte.Key) {
	w.t.Helper()
	for _, key := range keys {
		state, verdict, err := w.box.DocumentState(key)
		if err != nil || state != dte.Accepted {
			w.t.Errorf("%s: %s %+v %v", key, state, verdict, err)
		}
		there, found := w.sim.Document(key)
		if !found || there.State != dte.Accepted {
			w.t.Errorf("%s at the authority: %+v", key, there)
		}
	}
	if b := w.worker.Status().Backlog; b.Documents != 0 {
		w.t.Errorf("backlog: %+v", b)
	}
	received := map[dte.Key]int{}
	for _, d := range w.sim.Documents() {
		if d.State == dte.Rejected {
			continue
		}
		if received[d.Key]++; received[d.Key] > 1 {
			w.t.Errorf("%s was received %d times", d.Key, received[d.Key])
		}
	}
}

func TestDrains(t *testing.T) {
	w := newWorld(t)
	w.pace.BoletaBatch = 3
	w.restart()
	keys := append(w.issue(dte.Boleta, 1, 7), w.issue(dte.Factura, 1, 2)...)
	keys = append(keys, w.issue(dte.BoletaExenta, 1, 1)...)
	w.run()
	w.accepted(keys...)
	var boletas, others int
	for _, e := range w.sim.Envelopes() {
		if e.Channel == sii.ChannelBoleta {
			boletas++
		} else {
			others++
		}
	}
	if boletas != 3 || others != 1 {
		t.Errorf("%d and %d envelopes, want 3 and 1", boletas, others)
	}
}

// BenchmarkDrain sends 4,000 waiting boletas to the authority on its socket, which verifies every signature, and asks for
// their verdicts until all are accepted. Time that only the clock waits is not counted.
func BenchmarkDrain(b *testing.B) {
	const n = 4000
	draft, signer := dtetest.Draft(dte.Boleta, dtetest.Today()), dtetest.Signer(dtetest.Person)
	caf, _ := dtetest.CAF(draft.Emisor.RUT, dte.Boleta, 1, n, dtetest.FA())
	docs, keys := make([]*dte.Document, n), make([]dte.Key, n)
	for i := range n {
		doc, err := dte.Emit(draft, dte.Folio(i+1), caf, signer, dtetest.Now())
		if err != nil {
			b.Fatal(err)
		}
		docs[i], keys[i] = doc, doc.Key()
	}
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		for _, doc := range docs {
			w.box.Add(doc, w.now())
		}
		b.StartTimer()
		w.run()
		b.StopTimer()
		w.accepted(keys...)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "documents/s")
}

// Boletas wait for company, facturas do not.
func TestBoletasGroup(t *testing.T) {
	w := newWorld(t)
	boleta := w.issue(dte.Boleta, 1, 1)
	factura := w.issue(dte.Factura, 1, 1)
	next := w.worker.Step(t.Context())
	if _, found := w.sim.Document(factura[0]); !found {
		t.Error("the factura waits")
	}
	if _, found := w.sim.Document(boleta[0]); found || next.After(w.now().Add(time.Minute)) {
		t.Errorf("the boleta left alone, or waits until %s", next)
	}
	w.run()
	w.accepted(boleta[0], factura[0])
}

// Every way to misbehave, at every request of a whole exchange, once: nothing is lost, nothing is received twice, and no
// second version of an envelope ever leaves.
func TestChaos(t *testing.T) {
	faults := map[string]siisim.Fault{
		"reset": siisim.ResetBefore, "silence after": siisim.SilenceAfter, "portal": siisim.HTML200, "500 after": siisim.Error500After,
		"wrong token": siisim.WrongToken, "cut answer": siisim.CutAnswer,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for at := range 14 { // a calm exchange of both channels takes 10 requests
				w := newWorld(t)
				var n atomic.Int64
				w.sim.SetFault(func(*http.Request) siisim.Fault {
					if n.Add(1) == int64(at)+1 {
						return fault
					}
					return siisim.NoFault
				})
				keys := append(w.issue(dte.Boleta, 1, 2), w.issue(dte.Factura, 1, 2)...)
				w.run()
				w.accepted(keys...)
				if n.Load() <= int64(at) {
					return // the exchange has fewer requests
				}
			}
		})
	}
}

// Storms: a third of all requests fails in a random way, and the process is restarted in between.
func TestStorm(t *testing.T) {
	seeds := 8
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			var mu sync.Mutex
			w.sim.SetFault(func(*http.Request) siisim.Fault {
				mu.Lock()
				defer mu.Unlock()
				if r.IntN(3) == 0 {
					return siisim.Fault(1 + r.IntN(6))
				}
				return siisim.NoFault
			})
			var keys []dte.Key
			for i := range 4 {
				keys = append(keys, w.issue(dte.Boleta, dte.Folio(1+10*i), 3)...)
				keys = append(keys, w.issue(dte.Factura, dte.Folio(1+10*i), 1)...)
				mu.Lock()
				steps := r.IntN(6)
				mu.Unlock()
				for range steps {
					if next := w.worker.Step(t.Context()); next.After(w.now()) {
						w.set(next)
					}
				}
				w.restart()
			}
			w.sim.SetFault(nil)
			w.run()
			w.accepted(keys...)
		})
	}
}

// A line that is down counts no attempt, is probed gently, and is told as such.
func TestLineDown(t *testing.T) {
	w := newWorld(t)
	w.sim.SetLine(false)
	keys := w.issue(dte.Factura, 1, 3)
	start := w.now()
	for range 30 {
		w.set(w.worker.Step(t.Context()))
	}
	s := w.worker.Status()
	if !s.Down || !s.Since.Equal(start) || !strings.Contains(s.Problem, "Puede seguir vendiendo") || s.Backlog.Documents != 3 {
		t.Errorf("status: %+v", s)
	}
	if d := w.now().Sub(start); d < 20*time.Minute || d > 45*time.Minute {
		t.Errorf("30 probes took %s", d)
	}
	open, err := w.box.OpenSobres()
	if err != nil || len(open) != 1 || open[0].Attempts != 0 {
		t.Errorf("envelopes: %+v %v", open, err)
	}
	w.sim.SetLine(true)
	w.run()
	w.accepted(keys...)
	if s := w.worker.Status(); s.Down || s.Problem != "" {
		t.Errorf("status: %+v", s)
	}
}

// A note leaves only when what it corrects was accepted (REF-3-750).
func TestNoteWaitsForItsDocument(t *testing.T) {
	w := newWorld(t)
	factura := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 1)
	note := dtetest.Emit(dtetest.Note(dte.NotaCredito, factura, dtetest.Today()), 1)
	w.box.Add(note, w.now()) // even if it stands first
	w.box.Add(factura, w.now())
	later := w.issue(dte.Factura, 2, 1) // and it holds nobody else back
	w.worker.Step(t.Context())
	if _, found := w.sim.Document(later[0]); !found {
		t.Error("the note holds others back")
	}
	if _, found := w.sim.Document(note.Key()); found {
		t.Error("the note left before its factura was accepted")
	}
	w.run()
	w.accepted(factura.Key(), note.Key(), later[0])
}

// One bad document does not take its neighbours along.
func TestRejectedAlone(t *testing.T) {
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		t.Run(tipo.String(), func(t *testing.T) {
			w := newWorld(t)
			keys := w.issue(tipo, 1, 2)
			// The authority already holds folio 3 with other data.
			other := dtetest.Draft(tipo, dtetest.Today())
			other.Detalle = other.Detalle[:1]
			w.box.Add(dtetest.Emit(other, 3), w.now())
			w.run()
			w.box = possync.NewMemory()
			w.restart()
			keys = append(keys[:0:0], w.issue(tipo, 10, 1)...)
			bad := w.issue(tipo, 3, 1)
			w.run()
			w.accepted(keys...)
			state, verdict, err := w.box.DocumentState(bad[0])
			if err != nil || state != dte.Rejected || verdict.Codigo == "" {
				t.Errorf("%s: %s %+v %v", bad[0], state, verdict, err)
			}
		})
	}
}

// What the sender does wrong, here the resolution, rejects no document: they wait, nothing else is sent in vain, the shop
// hears why, and when it is mended they are received in an envelope made anew.
func TestSenderRefusedWaitsUntilMended(t *testing.T) {
	for _, tipo := range []dte.TipoDTE{dte.Factura, dte.Boleta} {
		t.Run(tipo.String(), func(t *testing.T) {
			w := newWorld(t)
			right := w.worker.Resolucion
			keys := w.issue(tipo, 1, 2)
			w.worker.Resolucion.Nro++
			folio := dte.Folio(10)
			for end := w.now().Add(4 * time.Hour); w.now().Before(end); {
				if next := w.worker.Step(t.Context()); next.After(w.now()) {
					w.set(next)
				} else if next.IsZero() {
					t.Fatal("it waits for ever")
				}
				if folio < 20 {
					keys = append(keys, w.issue(tipo, folio, 1)...) // the shop goes on selling
					folio++
				}
			}
			s := w.worker.Status()
			if s.Backlog.Documents != len(keys) || s.Cause != possync.CauseSII || !strings.Contains(s.Problem, "resolución") {
				t.Errorf("%d of %d documents wait; %q %q", s.Backlog.Documents, len(keys), s.Cause, s.Problem)
			}
			if n := len(w.sim.Envelopes()); n < 4 || n > 60 {
				t.Errorf("%d envelopes in four hours", n)
			}
			w.restart()
			w.worker.Resolucion = right
			w.run()
			w.accepted(keys...)
		})
	}
}

// In an upload of unknown fate the authority is asked before anything is sent again, and what is sent again are the same
// bytes.
func TestAsksBeforeResending(t *testing.T) {
	w := newWorld(t)
	var uploads atomic.Int64
	var asked atomic.Bool
	w.sim.SetFault(func(r *http.Request) siisim.Fault {
		switch {
		case strings.Contains(r.URL.Path, "DTEUpload"):
			n := uploads.Add(1)
			if n == 2 && !asked.Load() {
				t.Error("sent again without asking")
			}
			if n == 1 {
				return siisim.ResetBefore // looks the same from here as silence after
			}
		case strings.Contains(r.URL.Path, "QueryEstDteAv"):
			asked.Store(true)
		}
		return siisim.NoFault
	})
	keys := w.issue(dte.Factura, 1, 1)
	w.worker.Step(t.Context())
	open, err := w.box.OpenSobres()
	if err != nil || len(open) != 1 || open[0].State != dte.Unknown {
		t.Fatalf("%+v %v", open, err)
	}
	before, _ := w.box.SobreXML(open[0].ID)
	w.run()
	after, _ := w.box.SobreXML(open[0].ID)
	if !bytes.Equal(before, after) || uploads.Load() != 2 {
		t.Errorf("%d uploads, same bytes %v", uploads.Load(), bytes.Equal(before, after))
	}
	w.accepted(keys...)
}

// Run works in the background, wakes up for new sales and ends with its context.
func TestRun(t *testing.T) {
	w := newWorld(t)
	reports := make(chan possync.Status, 100)
	w.worker.Report = func(s possync.Status) { reports <- s }
	var ticks atomic.Int64 // a clock that goes on by itself
	start := w.now()
	w.worker.Now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
	alarms := make(chan time.Time)
	close(alarms) // the future is now
	w.worker.After = func(time.Duration) <-chan time.Time { return alarms }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.worker.Run(ctx) }()
	<-reports
	w.issue(dte.Factura, 1, 1)
	w.worker.Wake()
	for s := range reports {
		if s.Backlog.ByState[dte.Sent] == 1 {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
