package shop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/store"
	possync "mostrador/sync"
)

// The chaos: tills with real files send through bad roads to an authority that misbehaves, and are killed on the way.
// MOSTRADOR_WORLDS is how many worlds, MOSTRADOR_SEED the first one's seed. A world that fails says its seed; the same seed
// plays the same script again. Only what happens within a socket is the machine's affair.
const (
	worldsVar = "MOSTRADOR_WORLDS"
	seedVar   = "MOSTRADOR_SEED"
)

func number(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return usual
}

// patience is how long a till in trouble waits for an answer, in real time; calm is the same when all is well.
const (
	patience = 400 * time.Millisecond
	calm     = time.Minute
)

// world is an authority, its clock, and the tills of a company.
type world struct {
	*clock
	t       testing.TB
	r       *rand.Rand
	sii     *counter
	tills   []*machine
	script  []string // what was done, for whoever reads a failure
	kills   int
	weather map[string]int
}

func newWorld(t testing.TB, seed uint64, tills int) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: dtetest.Now()}, r: rand.New(rand.NewPCG(seed, 11)), weather: map[string]int{}}
	w.sii = newCounter(t, siisim.Config{Authority: dtetest.Authority(), Now: w.now, ProcessingTime: 10 * time.Second})
	for i := range tills {
		w.tills = append(w.tills, newMachine(w, i))
	}
	return w
}

func (w *world) note(format string, args ...any) {
	w.script = append(w.script, w.now().Format("02 15:04:05 ")+fmt.Sprintf(format, args...))
}

func (w *world) must(err error) {
	w.t.Helper()
	must(w.t, err)
}

// holds reports that the authority has an envelope.
func (w *world) holds(sum string) bool {
	return slices.ContainsFunc(w.sii.sim.Envelopes(), func(e siisim.Envelope) bool { return e.SHA256 == sum })
}

// machine is a till: its file, its road, its clock that goes wrong, and the process that runs now.
type machine struct {
	w       *world
	name    string
	path    string
	keys    store.KeyHolder
	store   *store.Store
	road    *road
	skew    atomic.Int64 // of its clock; the client's goroutines read it
	process *process
	client  *sii.Client
	worker  *possync.Worker
	ctx     context.Context
	ledger  *ledger
	issued  []dte.Key
	sales   int
}

const foliosOfATill = 100_000

func newMachine(w *world, n int) *machine {
	dir := w.t.TempDir()
	m := &machine{
		w: w, name: fmt.Sprint("till ", n+1), path: filepath.Join(dir, "caja.db"), keys: store.KeyFile{Path: filepath.Join(dir, "llave")},
		road: newRoad(w.t, w.sii.addr), ledger: newLedger(w.t, w.holds),
	}
	m.openStore()
	shop := saletest.Shop()
	shop.Caja = fmt.Sprint("CAJA", n+1)
	w.must(m.store.Protect("dos perros y un gato"))
	w.must(m.store.PutShop(shop))
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.NotaCredito} {
		from := dte.Folio(n*foliosOfATill + 1)
		_, err := m.store.ImportCAF(saletest.CAF(tipo, from, from+foliosOfATill-1, dtetest.FA()), dtetest.Trust(), m.now())
		w.must(err)
	}
	m.start(patience)
	w.t.Cleanup(func() {
		m.process.kill()
		_ = m.store.Close()
	})
	return m
}

func (m *machine) now() time.Time { return m.w.now().Add(m.wrong()) }

// wrong is how far its clock is ahead.
func (m *machine) wrong() time.Duration { return time.Duration(m.skew.Load()) }

func (m *machine) openStore() {
	s, err := store.Open(m.path, store.Options{Keys: m.keys, KDF: store.KDF{Time: 1, Memory: 64, Threads: 1}})
	m.w.must(err)
	m.store = s
}

// start is a new process on the open file.
func (m *machine) start(timeout time.Duration) {
	var cancel context.CancelFunc
	m.ctx, cancel = context.WithCancel(context.Background())
	signer := dtetest.Signer(dtetest.Person)
	m.client = sii.New(sii.Config{Endpoints: sii.Single(m.road.url()), Signer: signer, Now: m.now, Timeout: timeout})
	m.process = &process{Outbox: m.store, authority: m.client, book: m.ledger, cancel: cancel}
	m.worker = possync.New(possync.Config{
		Outbox: m.process, Authority: m.process, Signer: signer, Resolucion: dtetest.Resolucion(), Now: m.now,
		After: func(time.Duration) <-chan time.Time { return nil }, Jitter: m.w.r.Int64N,
	})
}

// restart kills the process, if it still lives, and runs another one on the file that it left.
func (m *machine) restart(timeout time.Duration) {
	m.process.kill()
	m.w.must(m.store.Close())
	m.openStore()
	m.start(timeout)
}

// sell issues a document of some kind.
func (m *machine) sell() {
	draft := dtetest.Draft([]dte.TipoDTE{dte.Boleta, dte.Boleta, dte.BoletaExenta, dte.Factura}[m.w.r.IntN(4)], dte.DateOf(m.now()))
	order := sale.Order{Draft: draft}
	if of := m.anyFactura(); of != nil && m.w.r.IntN(6) == 0 {
		var err error
		order, err = sale.CreditNote("", of, sale.Payment{}, "Anula documento")
		m.w.must(err)
	}
	m.order(order)
}

// order issues as the counter does: rules, folio, timbre, signature, one transaction.
func (m *machine) order(order sale.Order) {
	m.w.t.Helper()
	m.sales++
	order.ID = sale.ID(fmt.Sprint(m.name, " ", m.sales))
	deps := sale.Deps{Shop: saletest.Shop(), Journal: m.store, Signer: dtetest.Signer(dtetest.Person), Now: m.now}
	r, err := sale.IssueOrder(deps, order)
	m.w.must(err)
	m.issued = append(m.issued, r.Key)
}

// anyFactura is one of its own that may be annulled.
func (m *machine) anyFactura() *dte.Document {
	var facturas []dte.Key
	for _, key := range m.issued {
		if key.Tipo == dte.Factura {
			facturas = append(facturas, key)
		}
	}
	if len(facturas) == 0 {
		return nil
	}
	doc, err := m.store.DocumentIn(facturas[m.w.r.IntN(len(facturas))])
	m.w.must(err)
	return doc
}

// step is one of the worker's; a process that was killed in it is started anew.
func (m *machine) step(timeout time.Duration) time.Time {
	next := m.worker.Step(m.ctx)
	if m.process.dead() {
		m.w.kills++
		m.w.note("%s was killed at act %d", m.name, m.process.acts)
		m.restart(timeout)
		return m.now()
	}
	if next.IsZero() {
		return next
	}
	return next.Add(-m.wrong())
}

// troubles are what a road can do; each with figures of its own.
var troubles = []struct {
	name string
	lay  func(*road, *rand.Rand)
}{
	{"latency", func(r *road, n *rand.Rand) {
		r.toxic("latency", stream(n), "latency", 1+n.IntN(30), "jitter", n.IntN(10))
	}},
	{"slow drip", func(r *road, n *rand.Rand) { r.toxic("bandwidth", stream(n), "rate", 60+n.IntN(400)) }},
	{"slices", func(r *road, n *rand.Rand) {
		r.toxic("slicer", stream(n), "average_size", 50+n.IntN(1500), "size_variation", 30, "delay", 1+n.IntN(200))
	}},
	{"timeout", func(r *road, n *rand.Rand) { r.toxic("timeout", stream(n), "timeout", 1+n.IntN(30)) }},
	{"silence", func(r *road, n *rand.Rand) { r.toxic("timeout", stream(n), "timeout", 0) }},
	{"reset", func(r *road, n *rand.Rand) { r.toxic("reset_peer", stream(n), "timeout", n.IntN(20)) }},
	{"cut request", func(r *road, n *rand.Rand) { r.toxic("limit_data", "upstream", "bytes", n.IntN(9000)) }},
	{"cut answer", func(r *road, n *rand.Rand) { r.toxic("limit_data", "downstream", "bytes", n.IntN(1200)) }},
	{"slow close", func(r *road, n *rand.Rand) { r.toxic("slow_close", stream(n), "delay", 1+n.IntN(20)) }},
	{"down", func(r *road, _ *rand.Rand) { r.cut() }},
}

func stream(n *rand.Rand) string { return []string{"upstream", "downstream"}[n.IntN(2)] }

// moods are the misbehaviours of the authority besides those that it has by name.
var moods = []string{
	"reject:CAF-3-517", "reject:DTE-3-601", "object:HED-1-232", "reject:ENV-3-6", "reject:CRT-3-19", "reject:SCH-00001", "reject:LSX-00204",
	"status:1", "status:3", "status:5", "status:7", "status:8", "status:9", "status:99", "state:-11", "state:001", "state:106",
}

// mood changes what the authority does.
func (w *world) mood() {
	var s siisim.Scenario
	if known := siisim.Scenarios(); w.r.IntN(2) == 0 {
		s = known[w.r.IntN(len(known))]
	} else {
		var err error
		s, err = siisim.NamedScenario(moods[w.r.IntN(len(moods))])
		w.must(err)
	}
	if w.refusesContent(s) {
		w.sii.sim.Deliver() // the same bytes are not refused for what they are today and received tomorrow
	}
	s.Seed = w.r.Uint64()
	w.note("the authority: %s", s.Name)
	w.must(w.sii.sim.SetScenario(s))
}

// refusesContent reports a mood in which the authority finds fault with the form of what it is sent.
func (w *world) refusesContent(s siisim.Scenario) bool {
	return slices.Contains([]string{"reject:SCH-00001", "reject:LSX-00204", "status:7"}, s.Name)
}

// badDay is one round of a till: perhaps a sale, perhaps a bad road, perhaps a knife, and a step.
func (w *world) badDay(m *machine) time.Time {
	for range w.r.IntN(3) {
		m.sell()
	}
	if w.r.IntN(12) == 0 {
		m.skew.Store(int64(time.Duration(w.r.IntN(50)-25) * time.Minute))
		w.note("%s: the clock is wrong by %s", m.name, m.wrong())
	}
	if w.r.IntN(3) == 0 {
		trouble := troubles[w.r.IntN(len(troubles))]
		w.weather[trouble.name]++
		w.note("%s: %s", m.name, trouble.name)
		trouble.lay(m.road, w.r)
	}
	switch w.r.IntN(8) {
	case 0:
		m.process.killAfter(1 + w.r.IntN(8))
	case 1:
		w.sii.whenUploaded(m.process.kill) // while the upload is on its way
	}
	next := m.step(patience)
	w.sii.whenUploaded(nil)
	m.road.clear()
	if !m.road.up {
		m.road.open()
		m.restart(patience)
	}
	return next
}

// storm is so many rounds of bad days, days apart or seconds.
func (w *world) storm(rounds int) {
	for range rounds {
		if w.r.IntN(4) == 0 {
			w.mood()
		}
		var next time.Time
		for _, i := range w.r.Perm(len(w.tills)) {
			if at := w.badDay(w.tills[i]); next.IsZero() || !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		switch n := w.r.IntN(20); {
		case n == 0:
			w.pass(time.Duration(w.r.IntN(40)) * time.Hour)
		case n < 12 && next.After(w.now()):
			w.set(next)
		default:
			w.pass(time.Duration(w.r.IntN(300)) * time.Second)
		}
	}
}

// calmDown is good weather until every till rests. It must come within two days of the authority's clock.
func (w *world) calmDown() {
	w.t.Helper()
	w.must(w.sii.sim.SetScenario(siisim.Scenario{Name: "normal"}))
	w.sii.sim.Deliver()
	w.note("calm")
	for _, m := range w.tills {
		m.skew.Store(0)
		m.restart(calm)
	}
	end := w.now().Add(48 * time.Hour)
	for range 5000 {
		var next time.Time
		for _, m := range w.tills {
			if at := m.step(calm); next.IsZero() || !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		if next.IsZero() || next.After(end) {
			return
		}
		if next.After(w.now()) {
			w.set(next)
		}
	}
	w.t.Errorf("the tills do not come to rest")
}

// sameEverywhere demands what the worker promises: each document is at the authority once, as the bytes in the file, its
// verdict is known, and nothing was sent in vain.
func (w *world) sameEverywhere() {
	w.t.Helper()
	appears := map[dte.Key]int{}
	for _, d := range w.sii.sim.Documents() {
		appears[d.Key]++
	}
	ours := map[string]bool{}
	for _, m := range w.tills {
		for _, key := range m.issued {
			m.agrees(key, appears[key])
		}
		m.audited()
		m.ledger.onTheWire(w.sii)
		for sum := range m.ledger.calls {
			ours[sum] = true
		}
	}
	for _, e := range w.sii.sim.Envelopes() {
		received, kept := w.sii.sim.Received(e.TrackID)
		if !ours[e.SHA256] || kept && hashOf(received) != e.SHA256 { // the oldest bytes are kept no longer
			w.t.Errorf("the authority holds an envelope %s that nobody sent so", e.TrackID)
		}
	}
}

// agrees compares one document in the file and at the authority.
func (m *machine) agrees(key dte.Key, appears int) {
	t := m.w.t
	t.Helper()
	state, verdict, err := m.store.DocumentState(key)
	if err != nil || !state.Final() {
		open, openErr := m.store.OpenSobres()
		t.Errorf("%s of %s is %s (%v); %+v %v %+v", key.ID(), m.name, state, err, open, openErr, m.worker.Status())
		return
	}
	xml, _, err := m.store.Document(key)
	m.w.must(err)
	there, found := m.w.sii.sim.Document(key)
	switch {
	case !found && m.refusedWhole(key) && state == dte.Rejected:
	case !found:
		t.Errorf("%s of %s is %s and never reached the authority", key.ID(), m.name, state)
	case appears != 1:
		t.Errorf("%s of %s was received %d times", key.ID(), m.name, appears)
	case there.SHA256 != hashOf(xml):
		t.Errorf("%s of %s was received as other bytes", key.ID(), m.name)
	case there.State == dte.Objected && state == dte.Accepted && (m.mixed(there) || m.withoutTrack(key)):
	case there.State != state || key.Tipo.EsBoleta() && there.Codigo != verdict.Codigo:
		t.Errorf("%s of %s is %s %s, and at the authority %s %s", key.ID(), m.name, state, verdict.Codigo, there.State, there.Codigo)
	}
}

// mixed reports an envelope of the DTE channel in which some documents of a type were objected to and others not: the SII
// tells which ones by mail only.
func (m *machine) mixed(of siisim.Document) bool {
	if of.Key.Tipo.EsBoleta() {
		return false
	}
	return slices.ContainsFunc(m.w.sii.sim.Documents(), func(d siisim.Document) bool {
		return d.TrackID == of.TrackID && d.Key.Tipo == of.Key.Tipo && d.State != dte.Objected
	})
}

// withoutTrack reports a document whose envelope lost its answer, and of which the authority tells no track id: then all
// that there is to ask is whether the document arrived, and that says nothing of objections.
func (m *machine) withoutTrack(key dte.Key) bool {
	for n := 1; ; n++ {
		s, err := m.store.Sobre(fmt.Sprintf("S%09d", n))
		if errors.Is(err, sale.ErrNotFound) {
			return false
		}
		m.w.must(err)
		if s.Settled && s.TrackID == "" && slices.Contains(s.Keys, key) {
			return true
		}
	}
}

// refusedWhole reports that the authority refused an envelope of the document without looking at its documents.
func (m *machine) refusedWhole(key dte.Key) bool {
	if slices.ContainsFunc(m.ledger.of[key], func(sum string) bool { return m.ledger.sobres[sum].refused }) {
		return true
	}
	return slices.ContainsFunc(m.w.sii.sim.Envelopes(), func(e siisim.Envelope) bool {
		return e.Estado != "EPR" && slices.Contains(m.ledger.of[key], e.SHA256)
	})
}

func (m *machine) audited() {
	m.w.t.Helper()
	r, err := m.store.Audit(true)
	if err != nil || !r.OK() || r.Documents != len(m.issued) {
		m.w.t.Errorf("audit of %s: %v %+v", m.name, err, r)
	}
}

// TestChaos plays worlds. It also demands that they were bad enough: each trouble of a road, kills, doubts, repeats.
func TestChaos(t *testing.T) {
	worlds := number(worldsVar, 5)
	first := number(seedVar, 1)
	total := ledger{}
	kills, weather := 0, map[string]int{}
	for seed := first; seed < first+worlds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, uint64(seed), 1+seed%3)
			defer func() {
				if t.Failed() {
					t.Logf("again with: %s=%d %s=1\n%s", seedVar, seed, worldsVar, strings.Join(w.script, "\n"))
				}
			}()
			w.storm(20)
			w.calmDown()
			w.sameEverywhere()
			kills += w.kills
			for _, m := range w.tills {
				total.doubts, total.asks, total.repeats = total.doubts+m.ledger.doubts, total.asks+m.ledger.asks, total.repeats+m.ledger.repeats
			}
			for name, n := range w.weather {
				weather[name] += n
			}
		})
	}
	t.Logf("%d worlds: %d kills, %d uploads in doubt, %d questions, %d sent again after one; %v", worlds, kills, total.doubts, total.asks, total.repeats, weather)
	if !t.Failed() && worlds > 4 && (kills == 0 || total.doubts == 0 || total.repeats == 0 || len(weather) < len(troubles)) {
		t.Error("the worlds were not bad enough to show anything")
	}
}
