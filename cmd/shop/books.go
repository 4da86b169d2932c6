package shop

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/sale"
	"mostrador/store"
	possync "mostrador/sync"
)

// serverBooks are this till's, for the courier.
type serverBooks struct {
	s *Shop
	// whole: everything is told at once, as somebody asked for.
	whole bool
	// leaving: it wants no folios any more.
	leaving bool
	states  time.Time    // when states were told last
	heard   func() error // keeps that the server was told what the last chunk had beside the chain
	// epoch of the store; it changes only where no program is.
	epoch int
	// A part that is asked for again did not arrive: the line may be too slow for it, so the next one is half as large.
	offered bool
	part    api.Point
	halved  int
}

var _ possync.Books = (*serverBooks)(nil)

// Bounds of a push: a short read of the file, and a short transaction at the server. A line that takes less than a sixteenth of it
// in two minutes is none.
const (
	pushEntries = 400
	pushStates  = 2000
	pushBytes   = 4 << 20
	mostHalved  = 4
)

// statesEvery is how often the server is told where documents stand: what was told is written down, and the disk is the
// counter's first.
const statesEvery = 20 * time.Second

// Report implements possync.Books.
func (b *serverBooks) Report() (api.Report, error) {
	head, at, err := b.s.Store.Points(api.Locate)
	if err != nil {
		return api.Report{}, err
	}
	folios, err := b.s.Store.FolioReport()
	if err != nil {
		return api.Report{}, err
	}
	health, err := b.s.health(head.N)
	if err != nil {
		return api.Report{}, err
	}
	wants, err := b.s.wants()
	if err != nil {
		return api.Report{}, err
	}
	if b.leaving {
		wants = nil
	}
	cursor, _, err := b.s.Store.NewsCursor()
	if err != nil {
		return api.Report{}, err
	}
	b.epoch = folios.Epoch
	run, seq := b.s.speech.next()
	r := api.Report{
		Protocol: api.Protocol, Version: programVersion(), Now: b.s.opt.Now(), Run: run, Seq: seq, Epoch: folios.Epoch, Head: wirePoint(head), Cursor: cursor,
		Folios: api.Folios{Used: wireMarks(slices.Concat(folios.Used, folios.Over)), Returned: wireMarks(folios.Returned), Wants: wants}, Health: health,
	}
	for _, p := range at {
		r.Locator = append(r.Locator, wirePoint(p))
	}
	return r, nil
}

// speech counts what this run of the program reports to the server. No file has it, so nobody puts it back with one.
type speech struct {
	mu  sync.Mutex
	run string
	seq int64
}

func (p *speech) next() (run string, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == "" {
		p.run = rand.Text()
	}
	p.seq++
	return p.run, p.seq
}

func wireMarks(marks []store.LeaseMark) (list []api.Mark) {
	for _, m := range marks {
		list = append(list, api.Mark{Lease: m.ID, Used: int64(m.Used), Tipo: m.Tipo, Desde: int64(m.Desde), Hasta: int64(m.Hasta)})
	}
	return list
}

// health is how things stand around this till.
func (s *Shop) health(head int64) (h api.Health, err error) {
	now := s.opt.Now()
	facts, err := s.Store.Facts(now)
	if err != nil {
		return h, err
	}
	backlog, err := s.Store.Backlog()
	if err != nil {
		return h, err
	}
	server, err := s.Store.Server()
	if err != nil {
		return h, err
	}
	h.Waiting, h.Oldest, h.Papers, h.Unsent = backlog.Documents, backlog.Oldest, facts.Papers, max(0, head-server.Has.N)
	h.Folios = folioDays(facts)
	s.mu.Lock()
	h.Printer, h.SII = s.status.PrinterProblem, s.status.Worker.Problem
	s.mu.Unlock()
	h.Hold, err = s.Store.Held()
	return h, err
}

// folioDays is how long the folios of the types last that this till has or issues.
func folioDays(f sale.Facts) (list []api.FolioDays) {
	today := dte.DateOf(f.Now)
	for _, tipo := range dte.Tipos() {
		left := sale.FoliosLeft(f.Ranges, tipo, today)
		days, known := sale.StockDays(left, f.Pace[tipo])
		if left == 0 && !known {
			continue
		}
		of := api.FolioDays{Tipo: tipo, Left: left}
		if known {
			of.Days = &days
		}
		list = append(list, of)
	}
	return list
}

// Chunk implements possync.Books. A server that has other books than these is told what it has not been told before: it keeps
// that aside.
func (b *serverBooks) Chunk(after api.Point) (api.Push, error) {
	bounds := b.bounds(after)
	from := ownPoint(after)
	chunk, err := b.s.Store.Chunk(from, bounds)
	if errors.Is(err, store.ErrOtherChain) {
		server, serverErr := b.s.Store.Server()
		if serverErr != nil {
			return api.Push{}, serverErr
		}
		from = server.Has
		chunk, err = b.s.Store.Chunk(from, bounds)
	}
	if err != nil {
		return api.Push{}, err
	}
	b.offered, b.part = len(chunk.Entries)+len(chunk.States) > 0, after
	p := api.Push{Epoch: b.epoch, After: wirePoint(from)}
	// What was made here goes first and alone: of a product that it does not know the server would believe the price of some sale.
	if b.heard, err = b.s.unheard(&p); err != nil || len(p.Products)+len(p.Customers) > 0 {
		return p, err
	}
	for _, e := range chunk.Entries {
		p.Entries = append(p.Entries, wireEntry(e))
	}
	if b.statesDue(len(chunk.States) == bounds.States) {
		for _, w := range chunk.States {
			p.States = append(p.States, wireState(w))
		}
	}
	return p, nil
}

// bounds are how large the part after a point may be.
func (b *serverBooks) bounds(after api.Point) store.Bounds {
	if b.offered && after == b.part {
		b.halved = min(b.halved+1, mostHalved)
	}
	return store.Bounds{Entries: pushEntries >> b.halved, States: pushStates >> b.halved, Bytes: pushBytes >> b.halved}
}

func (b *serverBooks) statesDue(many bool) bool {
	now := b.s.opt.Now()
	return b.whole || many || now.Sub(b.states) >= statesEvery || now.Before(b.states)
}

// Told implements possync.Books. Of what a held till said nothing was taken in.
func (b *serverBooks) Told(p api.Push, answer api.Pushed) error {
	b.offered, b.halved = false, max(0, b.halved-1)
	if answer.Hold != "" {
		return nil
	}
	var told []store.Whereabouts
	for _, s := range p.States {
		told = append(told, ownState(s))
	}
	for _, e := range p.Entries {
		if e.Sale != nil && e.Sale.State != nil {
			told = append(told, ownState(*e.Sale.State))
		}
	}
	if len(p.States) > 0 {
		b.states = b.s.opt.Now()
	}
	if b.whole && len(p.Entries) > 0 { // no answer follows that would say how far the server has them
		if err := b.s.Store.ServerHas(ownPoint(answer.After)); err != nil {
			return err
		}
	}
	if b.heard == nil {
		return b.s.Store.ToldServer(told)
	}
	return errors.Join(b.s.Store.ToldServer(told), b.heard())
}

// holdWords are for a server that does not say why.
const holdWords = "el servidor no deja emitir a esta caja"

// Follow implements possync.Books.
func (b *serverBooks) Follow(a api.Answer, caf func(id int64) ([]byte, error)) error {
	now := b.s.opt.Now()
	if a.Hold != "" {
		return b.s.Store.Hold(cmp.Or(a.Why, holdWords), now)
	}
	if err := b.s.Store.Unhold(now); err != nil {
		return err
	}
	if _, at, err := b.s.Store.NewsCursor(); err == nil && !a.News && !at.IsZero() {
		b.s.pricesAsOf(a.Now)
	}
	faults := []error{b.s.Store.ServerHas(ownPoint(a.After))}
	var open []store.Lease
	away := false
	for _, l := range a.Folios.Leases {
		open = append(open, ownLease(l))
		if away { // who waits for one in vain does not wait for the others, too
			continue
		}
		err := b.take(l, caf)
		if e, ok := errors.AsType[*api.Error](err); ok && e.Down {
			away = true
			faults = slices.Insert(faults, 0, err) // the first is who is believed
			continue
		}
		faults = append(faults, err)
	}
	return errors.Join(append(faults, b.s.Store.FollowLeases(open, now))...)
}

// take takes a lease that is not here yet, with the file of its CAF.
func (b *serverBooks) take(l api.Lease, caf func(id int64) ([]byte, error)) error {
	lease := ownLease(l)
	known, err := b.s.Store.HasLease(lease)
	if err != nil || known {
		return err
	}
	file, err := caf(l.CAF)
	if err != nil {
		return err
	}
	return b.s.Store.TakeLease(lease, file, b.s.trust, b.s.opt.Now())
}

func ownLease(l api.Lease) store.Lease {
	return store.Lease{ID: l.ID, Tipo: l.Tipo, Desde: dte.Folio(l.Desde), Hasta: dte.Folio(l.Hasta)}
}

// TakeNews implements possync.Books.
func (b *serverBooks) TakeNews(n api.News, has api.Point) error {
	return b.s.takeNews(n, has)
}

const valueWants = "folios-servidor"

// everyTill issues these: sales, and what takes one back.
var everyTill = []dte.TipoDTE{dte.Boleta, dte.Factura, dte.NotaCredito}

// wants are the types that this till issues: those of every till, those that it has had folios of, and those that somebody missed.
func (s *Shop) wants() ([]dte.TipoDTE, error) {
	list := slices.Clone(everyTill)
	ranges, err := s.Store.Ranges()
	if err != nil {
		return nil, err
	}
	for _, r := range ranges {
		list = append(list, r.Tipo)
	}
	missed, err := s.missed()
	list = append(list, missed...)
	slices.Sort(list)
	return slices.Compact(list), err
}

func (s *Shop) missed() (list []dte.TipoDTE, err error) {
	b, err := s.Store.Value(valueWants)
	if errors.Is(err, sale.ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	return list, err
}

// lacks remembers that a document could not be issued for want of a folio: the server is asked for some now, and from now on.
func (s *Shop) lacks(tipo dte.TipoDTE) {
	if _, err := s.Store.Server(); err != nil {
		return
	}
	if s.want(tipo) != nil {
		return
	}
	if c := s.courier.Load(); c != nil {
		c.AskNow()
	}
}

func (s *Shop) want(tipo dte.TipoDTE) error {
	wants, err := s.wants()
	if err != nil || slices.Contains(wants, tipo) {
		return err
	}
	missed, err := s.missed()
	if err != nil {
		return err
	}
	b, err := json.Marshal(append(missed, tipo))
	if err != nil {
		return err
	}
	return s.Store.PutValue(valueWants, b)
}
