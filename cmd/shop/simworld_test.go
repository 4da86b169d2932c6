package shop

import (
	"bytes"
	events "container/heap"
	"context"
	cryptorand "crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/store"
	possync "mostrador/sync"
)

// The simulation: tills with real files, the twin of the server and an SII, in one goroutine, on a clock that only turns when
// nothing is left to do now. All that is random comes from the seed, so a world can be played again.

var simTypes = []dte.TipoDTE{dte.Boleta, dte.Factura, dte.NotaCredito}

// simPlant are bugs that a world has on purpose.
type simPlant struct {
	server      apitest.Plant
	blindResend bool // the worker does not ask before it sends again
	noEpoch     bool // a backup is put back as it was, leases and all
	toldFirst   bool // what is pushed counts as told before the answer
	cursorFirst bool // the cursor of news is kept before they are
	countsTwice bool // what the server counted of a debt is taken for what it has not
}

// simStats count what happened in worlds.
type simStats struct {
	documents, sales, refused, crashes, lost, late, doubled, restores, clones, copies, takeovers, serverFalls, jumps, repeats, alarms, news int
	disks, notes, vouchers, remedies, settled                                                                                               int
}

func (s *simStats) add(o simStats) {
	s.documents, s.sales, s.refused, s.crashes = s.documents+o.documents, s.sales+o.sales, s.refused+o.refused, s.crashes+o.crashes
	s.lost, s.late, s.doubled, s.restores = s.lost+o.lost, s.late+o.late, s.doubled+o.doubled, s.restores+o.restores
	s.clones, s.copies, s.takeovers, s.serverFalls = s.clones+o.clones, s.copies+o.copies, s.takeovers+o.takeovers, s.serverFalls+o.serverFalls
	s.disks, s.notes, s.vouchers, s.remedies, s.settled = s.disks+o.disks, s.notes+o.notes, s.vouchers+o.vouchers, s.remedies+o.remedies, s.settled+o.settled
	s.jumps, s.repeats, s.alarms, s.news = s.jumps+o.jumps, s.repeats+o.repeats, s.alarms+o.alarms, s.news+o.news
}

// simWorld is a company, its tills, its server and the SII.
type simWorld struct {
	seed   uint64
	r      *rand.Rand
	dir    string
	now    time.Time
	end    time.Time // no more trouble after
	events eventHeap
	seq    int
	plant  simPlant

	server     *apitest.Memory
	serverDown time.Time // it is away until then
	sii        *treasury
	office     *simOffice
	tills      []*simTill
	next       map[dte.TipoDTE]dte.Folio

	// per mille: of messages that go wrong, and of rounds in which something happens to a till.
	bad, mishaps int
	healed       bool

	papers map[dte.Key][]simPaper
	debts  map[string]simDebt
	told   map[string]bool        // movements that the server has taken in
	made   map[dte.RUT][]*simTill // who made a customer

	trace  hash.Hash
	script []string // only of a world that somebody looks at
	loud   bool
	faults []string
	stats  simStats
}

// simPaper is a document that was handed over the counter.
type simPaper struct {
	sum string
	of  *simTill
	at  time.Time
}

// simDebt is a movement of what a customer owes.
type simDebt struct {
	rut    dte.RUT
	amount money.Pesos
}

// event is something that happens at a time.
type event struct {
	at  time.Time
	seq int
	do  func()
}

type eventHeap []event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (w *simWorld) at(t time.Time, do func()) {
	w.seq++
	events.Push(&w.events, event{t, w.seq, do})
}

func (w *simWorld) in(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

// later is a message that arrives when nobody waits for it any more.
func (w *simWorld) later(do func()) {
	w.stats.late++
	w.in(time.Duration(50+w.r.IntN(300))*time.Second, do)
}

func (w *simWorld) note(format string, args ...any) {
	line := fmt.Sprintf("%s %s", w.now.Format("02 15:04:05.000"), fmt.Sprintf(format, args...))
	w.trace.Write([]byte(line))
	if w.loud {
		w.script = append(w.script, line)
	}
}

func (w *simWorld) fault(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.note("FAULT %s", line)
	if len(w.faults) < 20 {
		w.faults = append(w.faults, line)
	}
}

// simBroken ends a world: something failed that never may.
type simBroken struct{ err error }

func (w *simWorld) must(err error) {
	if err != nil {
		panic(simBroken{err})
	}
}

// fates of a message.
type fate string

const (
	well       fate = "well"
	cutOff     fate = "no line"
	never      fate = "lost"
	lostAnswer fate = "answer lost"
	late       fate = "late"
	doubled    fate = "twice"
	page       fate = "a page in HTML"
	cut        fate = "answer cut"
	busy       fate = "busy"
)

var fates = []fate{cutOff, never, lostAnswer, lostAnswer, late, doubled, page, cut, busy}

// fate is what becomes of a till's message, or of the server's own.
func (w *simWorld) fate(m *simTill) fate {
	switch {
	case w.healed:
		return well
	case m != nil && w.now.Before(m.away):
		return cutOff
	case w.r.IntN(1000) >= w.bad:
		return well
	}
	f := fates[w.r.IntN(len(fates))]
	if f == lostAnswer || f == cut {
		w.stats.lost++
	}
	if f == doubled {
		w.stats.doubled++
	}
	return f
}

// between is a random time within bounds.
func (w *simWorld) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.r.Int64N(int64(to-from)))
}

// someCAFs are the ranges of all worlds: their keys are slow to make, and no world cares which ones it has.
var someCAFs = struct {
	sync.Mutex
	files map[string][]byte
}{files: map[string][]byte{}}

func simCAF(tipo dte.TipoDTE, desde, hasta dte.Folio) []byte {
	someCAFs.Lock()
	defer someCAFs.Unlock()
	name := fmt.Sprint(tipo, desde, hasta)
	if someCAFs.files[name] == nil {
		_, someCAFs.files[name] = dtetest.CAF(dtetest.Company, tipo, desde, hasta, dtetest.FA())
	}
	return someCAFs.files[name]
}

// simSigner signs for all tills.
var simSigner = sync.OnceValue(func() *dte.Signer {
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	key, err := rsa.GenerateKey(cryptorand.Reader, 1024) // the shortest that dte signs with: worlds sign much
	if err != nil {
		panic(err)
	}
	der, err := siisim.Certificate(cryptorand.Reader, key, dtetest.Person, "FIRMANTE DE PRUEBA", from, from.AddDate(29, 0, 0))
	if err != nil {
		panic(err)
	}
	signer, err := dte.NewSigner(key, der)
	if err != nil {
		panic(err)
	}
	return signer
})

const simRange = 16 // folios of a CAF

// newSimWorld is a world before its first event.
func newSimWorld(seed uint64, plant simPlant, dir string, loud bool) *simWorld {
	w := &simWorld{
		seed: seed, r: rand.New(rand.NewPCG(seed, 12)), dir: dir, now: dtetest.Now(), plant: plant, loud: loud,
		next: map[dte.TipoDTE]dte.Folio{}, papers: map[dte.Key][]simPaper{}, debts: map[string]simDebt{}, told: map[string]bool{}, made: map[dte.RUT][]*simTill{}, trace: sha256.New(),
	}
	brutal := w.r.IntN(4)
	w.bad, w.mishaps = []int{20, 100, 250, 450}[brutal], []int{5, 30, 60, 120}[brutal]
	w.end = w.now.Add(w.between(4*time.Hour, 10*time.Hour))
	var chance [32]byte
	for i := range chance {
		chance[i] = byte(w.r.Uint32())
	}
	w.server = apitest.NewMemory(apitest.Config{
		Company: api.Company{RUT: dtetest.Company, RznSoc: dtetest.Emisor().RznSoc, Ambiente: dte.Capacitacion}, Trust: dtetest.Trust(),
		Start: w.now, Rand: rand.NewChaCha8(chance), LeaseSize: int64(2 + w.r.IntN(5)), Page: 1 + w.r.IntN(6), Seconds: 1200, Plant: plant.server,
	})
	w.sii = newTreasury(w)
	w.office = newSimOffice(w)
	w.note("world %d: %d of 1000 messages go wrong", seed, w.bad)
	return w
}

// step takes the next event; false if there is none before a time.
func (w *simWorld) step(until time.Time) bool {
	if len(w.events) == 0 || w.events[0].at.After(until) {
		return false
	}
	e := events.Pop(&w.events).(event)
	if e.at.After(w.now) {
		w.server.Pass(e.at.Sub(w.now))
		w.now = e.at
	}
	e.do()
	return true
}

// simTill is a computer with a till's file.
type simTill struct {
	w    *simWorld
	name string
	dir  string
	id   int64 // at the server
	api  api.Server

	store   *store.Store
	worker  *possync.Worker
	courier *possync.Courier
	run     int // which process of this computer is up; an event of an earlier one is void
	sent    int // which round of the worker is awaited
	told    int // and which of the courier
	up      bool
	gone    bool // nobody sells here any more
	left    int  // acts until it is killed
	killed  bool
	disk    int  // so many of the next commits fail, of those at which somebody looks
	frail   bool // one of them is under way

	away     time.Time // no line before
	skew     time.Duration
	tick     time.Duration
	sales    int
	backup   string // newest copy of the file that somebody keeps
	raw      bool   // there is, or was, another computer with the very same file
	restored bool   // its disk died once, with what only it knew
}

// now is this computer's clock. No two of them agree to the nanosecond: what two copies of a till do would be the same entry.
func (m *simTill) now() time.Time { return m.w.now.Add(m.skew + m.tick) }

// act is the moment before something reaches the disk or the line; true if the process ends here.
func (m *simTill) act() bool {
	if m == nil {
		return false
	}
	if m.left > 0 {
		m.left--
		m.killed = m.killed || m.left == 0
	}
	return m.killed
}

// forgets: what another computer did with this till's file, or this one before its disk died, it cannot know.
func (m *simTill) forgets() bool {
	return m.restored || slices.ContainsFunc(m.w.tills, func(o *simTill) bool { return o != m && o.id == m.id })
}

func (w *simWorld) newTill(name string) *simTill {
	m := &simTill{w: w, name: name, dir: filepath.Join(w.dir, fmt.Sprint(len(w.tills))), tick: time.Duration(len(w.tills)+1) * time.Microsecond}
	w.tills = append(w.tills, m)
	return m
}

func (m *simTill) path() string { return filepath.Join(m.dir, storeFile) }

func (m *simTill) keys() store.KeyHolder { return store.KeyFile{Path: filepath.Join(m.dir, keyFile)} }

// opens a new till that joins the server.
func (w *simWorld) opens() {
	m := w.newTill(fmt.Sprint("Caja ", len(w.tills)+1))
	m.openStore()
	w.must(m.store.Protect("dos perros y un gato"))
	w.must(m.store.PutShop(saletest.Shop()))
	code, err := w.server.Invite(m.name)
	w.must(err)
	joined, err := w.server.Join(context.Background(), api.Join{
		Protocol: api.Protocol, Code: code, Secret: bytes.Repeat([]byte{byte(len(w.tills))}, 32), Emisor: dtetest.Company, Ambiente: dte.Capacitacion,
	})
	w.must(err)
	m.id, m.api = joined.Till.ID, w.server.Till(joined.Token)
	w.must(m.store.JoinServer(store.Server{URL: "https://central.ejemplo.cl", TillID: m.id, Till: m.name, Company: joined.Company.RznSoc, At: w.now}, []byte(joined.Token)))
	for _, rut := range simBuyers {
		_, err := sale.SetCreditLimit(m.store, sale.ID(fmt.Sprint("cupo ", rut)), w.now, rut, 50_000_000, "Rosa")
		w.must(err)
	}
	_, err = m.store.OpenShift(w.now, "", 20_000)
	w.must(err)
	w.note("%s opens", m.name)
	m.start()
}

var simBuyers = []dte.RUT{12345678, 11222333}

func (m *simTill) openStore() {
	s, err := store.Open(m.path(), store.Options{Keys: m.keys(), KDF: store.KDF{Time: 1, Memory: 64, Threads: 1}, Disk: m.commits})
	m.w.must(err)
	m.store = s
}

// commits is this computer's disk: half of the commits that fail were done all the same.
func (m *simTill) commits(commit func() error) error {
	if !m.frail || m.disk == 0 {
		return commit()
	}
	m.disk--
	m.w.stats.disks++
	if m.w.r.IntN(2) == 0 {
		return errors.Join(errDisk, commit())
	}
	return errDisk
}

var errDisk = errors.New("input/output error")

// onFrailDisk does something during which commits may fail.
func (m *simTill) onFrailDisk(do func()) {
	m.frail = true
	do()
	m.frail = false
}

// start is a new process on the open file.
func (m *simTill) start() {
	m.run++
	m.up, m.killed, m.left = true, false, 0
	w := m.w
	m.worker = possync.New(possync.Config{
		Outbox: simOutbox{m.store, m}, Authority: siiLine{w, m}, Signer: simSigner(), Resolucion: dtetest.Resolucion(), Now: m.now,
		After: func(time.Duration) <-chan time.Time { return nil }, Jitter: w.r.Int64N,
	})
	m.courier = possync.NewCourier(possync.CourierConfig{
		Server: serverLine{m}, Books: simBooks{m.books(), m}, Now: m.now, After: func(time.Duration) <-chan time.Time { return nil }, Jitter: w.r.Int64N,
	})
	m.wakes()
}

// wakes has both loops look now.
func (m *simTill) wakes() {
	m.sends(m.w.now)
	m.tells(m.w.now)
}

// sends has the worker take a step at a time.
func (m *simTill) sends(at time.Time) {
	m.sent++
	run, round := m.run, m.sent
	m.w.at(at, func() {
		if !m.up || m.run != run || m.sent != round {
			return
		}
		var next time.Time
		m.onFrailDisk(func() { next = m.worker.Step(context.Background()) })
		if m.ends() {
			return
		}
		if !next.IsZero() {
			m.sends(m.after(next))
		}
	})
}

// tells has the courier take a step at a time.
func (m *simTill) tells(at time.Time) {
	m.told++
	run, round := m.run, m.told
	m.w.at(at, func() {
		if !m.up || m.run != run || m.told != round {
			return
		}
		var next time.Time
		m.onFrailDisk(func() { next = m.courier.Step(context.Background()) })
		if s := m.courier.Status(); s.Problem != "" {
			m.w.note("%s hears: %s", m.name, s.Problem)
		}
		if m.ends() {
			return
		}
		m.w.office.hears(m, m.courier.Status())
		m.tells(m.after(next))
	})
}

// after is a time of this till's clock, never before a moment from now.
func (m *simTill) after(t time.Time) time.Time {
	if soon := m.w.now.Add(time.Millisecond); t.Add(-m.skew).Before(soon) {
		return soon
	}
	return t.Add(-m.skew)
}

// ends the process if it was killed, and starts another one some time later.
func (m *simTill) ends() bool {
	if m.killed {
		m.falls(m.w.between(time.Second, 20*time.Minute))
	}
	return m.killed
}

// falls: the computer goes off, and on again.
func (m *simTill) falls(pause time.Duration) {
	w := m.w
	w.stats.crashes++
	w.note("%s falls", m.name)
	m.up = false
	w.must(m.store.Close())
	run := m.run
	w.in(pause, func() {
		if m.run != run || m.gone {
			return
		}
		m.openStore()
		m.start()
		w.note("%s is up again", m.name)
	})
}

// stops for good.
func (m *simTill) stops(why string) {
	m.w.note("%s ends: %s", m.name, why)
	if m.up {
		m.w.must(m.store.Close())
	}
	m.up, m.gone, m.run = false, true, m.run+1
}

// sells something to somebody, if it may.
func (m *simTill) sells() {
	w := m.w
	m.sales++
	id := sale.ID(fmt.Sprintf("%s/%s/%d", filepath.Base(m.dir), m.name, m.sales))
	tipo := simTypes[w.r.IntN(10)/8]
	price := money.Pesos(500 + 10*w.r.IntN(900))
	order := sale.Order{ID: id, Draft: simDraft(tipo, price)}
	rut := simBuyers[w.r.IntN(len(simBuyers))]
	method := sale.Efectivo
	if w.r.IntN(3) == 0 {
		method = sale.Fiado
	}
	tender := sale.Tender{Method: method, Amount: price, Received: price}
	if method == sale.Fiado {
		tender.Reference = rut.String()
	}
	order.Payment = sale.Payment{Tenders: []sale.Tender{tender}}
	m.issues(order)
	if w.r.IntN(8) == 0 && w.r.IntN(1000) < w.mishaps*4 { // the paper is out, and the current too
		m.falls(w.between(time.Second, 10*time.Minute))
		w.in(11*time.Minute, func() {
			if m.up {
				m.issues(order) // the cashier finds the sale as it was, and charges again
				m.wakes()
			}
		})
		return
	}
	m.wakes()
}

func simDraft(tipo dte.TipoDTE, price money.Pesos) dte.Draft {
	d := dte.Draft{Tipo: tipo, Emisor: dtetest.Emisor(), Receptor: dte.Receptor{RUT: dte.RUTAnonimo}, IndServicio: 3}
	d.Detalle = []dte.Linea{{Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(price)}}
	if !tipo.EsBoleta() {
		d.IndServicio, d.FmaPago, d.Receptor, d.MntBruto = 0, 1, dtetest.Receptor(), true
	}
	return d
}

// issues an order as the counter does, and hands the paper over.
func (m *simTill) issues(order sale.Order) {
	w := m.w
	var r sale.Record
	var err error
	m.onFrailDisk(func() { r, err = sale.IssueOrder(m.deps(), order) })
	switch {
	case errors.Is(err, store.ErrNotWritten):
		w.note("%s could not write %s", m.name, order.ID)
		w.in(time.Minute, func() {
			if m.up {
				m.issues(order) // the cashier charges again
				m.wakes()
			}
		})
		return
	case mayNotIssue(err):
		w.stats.refused++
		w.note("%s refuses %s: %.60v", m.name, order.ID, err)
		return
	case err != nil:
		w.fault("%s does not sell: %v", m.name, err)
		return
	}
	w.note("%s sells %s %.12s", m.name, r.Key.ID(), r.SHA256)
	w.stats.sales++
	for _, moved := range r.Movements() {
		rut, err := dte.ParseRUT(strings.TrimPrefix(string(moved.Account), sale.CreditAccounts))
		w.must(err)
		w.debts[fmt.Sprint(m.id, " venta ", r.ID)] = simDebt{rut: rut, amount: moved.Amount}
	}
	m.handsOver(r)
}

// handsOver a paper to the buyer.
func (m *simTill) handsOver(r sale.Record) {
	w := m.w
	for _, p := range w.papers[r.Key] {
		if p.sum == r.SHA256 {
			return
		}
	}
	w.papers[r.Key] = append(w.papers[r.Key], simPaper{sum: r.SHA256, of: m, at: w.now})
	w.stats.documents++
	if len(w.papers[r.Key]) > 1 {
		w.collides(r.Key, "two buyers have a %s of their own", r.Key.ID())
	}
}

func (m *simTill) deps() sale.Deps {
	return sale.Deps{Shop: saletest.Shop(), Journal: m.store, Signer: simSigner(), Now: m.now}
}

// mayNotIssue: the till refuses, and says why.
func mayNotIssue(err error) bool {
	return errors.Is(err, sale.ErrNoFolios) || errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrClock)
}

// isPaid takes money for a debt that this till knows of.
func (m *simTill) isPaid() {
	w := m.w
	rut := simBuyers[w.r.IntN(len(simBuyers))]
	id := sale.ID(fmt.Sprintf("abono %s/%d/%d", filepath.Base(m.dir), m.run, w.seq))
	last, err := m.store.Account(sale.CreditAccount(rut))
	w.must(err)
	paid := min(last.Owes(), 1000) / 10 * 10
	if paid <= 0 {
		return
	}
	moved, err := sale.PayDebt(m.store, sale.Abono{ID: id, At: m.now(), RUT: rut, Tender: sale.Tender{Method: sale.Efectivo, Received: paid}, Who: "Rosa"})
	if err != nil {
		w.fault("%s takes no money: %v", m.name, err)
		return
	}
	w.note("%s is paid %d of %s", m.name, -moved.Amount, rut)
	w.debts[fmt.Sprint(m.id, " abono ", id)] = simDebt{rut: rut, amount: moved.Amount}
	m.wakes()
}

// turns closes the shift and opens another one.
func (m *simTill) turns() {
	s, err := m.store.CurrentShift()
	if err == nil {
		_, err = m.store.CloseShift(m.now(), "", s.Expected())
	}
	m.w.must(err)
	_, err = m.store.OpenShift(m.now(), "", 20_000)
	m.w.must(err)
	m.w.note("%s has a new shift", m.name)
	m.wakes()
}

// collides: one folio, two contents. Only of two computers with the very same file can that be, and then it must be seen.
func (w *simWorld) collides(key dte.Key, format string, args ...any) {
	if len(w.papers[key]) < 2 || slices.ContainsFunc(w.papers[key], func(p simPaper) bool { return !p.of.raw }) {
		w.fault(format, args...)
		return
	}
	w.note("as was to be expected: %s", fmt.Sprintf(format, args...))
}

// plays a world to its end and tells what was wrong in it.
func playWorld(seed uint64, plant simPlant, loud bool) (w *simWorld) {
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = os.TempDir()
	}
	dir, err := os.MkdirTemp(base, "mostrador-sim-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w = newSimWorld(seed, plant, dir, loud)
	defer func() {
		if broken, ok := recover().(simBroken); ok {
			w.fault("the world broke: %v", broken.err)
		}
		for _, m := range w.tills {
			if m.up {
				_ = m.store.Close()
			}
		}
	}()
	w.lives()
	w.heals()
	w.checks()
	return w
}

// sum is the trace of a world so far.
func (w *simWorld) sum() string { return hex.EncodeToString(w.trace.Sum(nil)) }

func copyOf(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// living are the tills at which somebody sells.
func (w *simWorld) living() []*simTill {
	return slices.DeleteFunc(slices.Clone(w.tills), func(m *simTill) bool { return m.gone })
}

// books are the till's, as the program has them.
func (m *simTill) books() *serverBooks {
	return &serverBooks{s: &Shop{Store: m.store, Info: saletest.Shop(), opt: Options{Now: m.now}, trust: dtetest.Trust()}}
}
