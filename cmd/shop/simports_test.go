package shop

import (
	"context"
	"fmt"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/store"
	possync "mostrador/sync"
)

// simOutbox is the till's file as its worker sees it: each write may be the last.
type simOutbox struct {
	*store.Store
	m *simTill
}

func (o simOutbox) NewSobre(s dte.Sobre) (dte.Sobre, error) {
	if o.m.act() {
		return dte.Sobre{}, errKilled
	}
	made, err := o.Store.NewSobre(s)
	if err == nil {
		o.m.w.sii.sent[made.SHA256] = made.Keys
	}
	return made, err
}

func (o simOutbox) Regroup(id, reason string, into []dte.Sobre) ([]dte.Sobre, error) {
	if o.m.act() {
		return nil, errKilled
	}
	made, err := o.Store.Regroup(id, reason, into)
	for _, s := range made {
		o.m.w.sii.sent[s.SHA256] = s.Keys
	}
	return made, err
}

func (o simOutbox) UpdateSobre(s dte.Sobre) error {
	if o.m.act() {
		return errKilled
	}
	return o.Store.UpdateSobre(s)
}

func (o simOutbox) Settle(id string, verdicts []dte.Veredicto) error {
	if o.m.act() {
		return errKilled
	}
	return o.Store.Settle(id, verdicts)
}

// simBooks are the till's books as its courier sees them: the process may end before and after each act.
type simBooks struct {
	possync.Books
	m *simTill
}

func (b simBooks) act(do func() error) error {
	if b.m.act() {
		return errKilled
	}
	if err := do(); err != nil {
		return err
	}
	if b.m.act() {
		return errKilled
	}
	return nil
}

func (b simBooks) Told(p api.Push, answer api.Pushed) error {
	return b.act(func() error { return b.Books.Told(p, answer) })
}

func (b simBooks) Follow(a api.Answer, caf func(int64) ([]byte, error)) error {
	return b.act(func() error { return b.Books.Follow(a, caf) })
}

func (b simBooks) TakeNews(n api.News, has api.Point) error {
	b.m.w.stats.news += len(n.Products) + len(n.Customers) + len(n.Verdicts)
	if b.m.w.plant.countsTwice {
		has = api.Point{}
	}
	if b.m.w.plant.cursorFirst {
		if err := b.act(func() error { return b.Books.TakeNews(api.News{Cursor: n.Cursor, More: n.More, At: n.At}, has) }); err != nil {
			return err
		}
	}
	return b.act(func() error { return b.Books.TakeNews(n, has) })
}

// serverLine is a till's way to the server.
type serverLine struct{ m *simTill }

func serverDown(what string) *api.Error {
	return &api.Error{Verdict: api.Later, Down: true, Code: "red", Message: "sin línea al servidor: " + what}
}

// carry brings a question to the server and the answer back, or does not.
func carry[T any](m *simTill, what string, do func() (T, error)) (answer T, err error) {
	var none T
	if m.act() {
		return none, errKilled
	}
	w := m.w
	f := w.fate(m)
	if w.now.Before(w.serverDown) {
		f = cutOff
	}
	if f != well {
		w.note("%s %s: %s", m.name, what, f)
	}
	switch f {
	case cutOff, never:
		return none, serverDown(string(f))
	case page:
		return none, &api.Error{Verdict: api.Later, Down: true, Code: "portal", Message: "respondió una página"}
	case busy:
		return none, &api.Error{Verdict: api.Later, Code: "503", Message: "el servidor está ocupado", Wait: time.Minute}
	case late:
		w.later(func() { _, _ = do() })
		return none, serverDown(string(f))
	case doubled:
		_, _ = do()
	}
	answer, err = do()
	if m.act() {
		return none, errKilled
	}
	if f == lostAnswer || f == cut {
		return none, serverDown(string(f))
	}
	return answer, err
}

func (l serverLine) Sync(ctx context.Context, r api.Report) (api.Answer, error) {
	return carry(l.m, "reports", func() (api.Answer, error) {
		a, err := l.m.api.Sync(ctx, r)
		if a.Hold != "" {
			l.m.w.note("%s is held: %s", l.m.name, a.Hold)
		}
		return a, err
	})
}

func (l serverLine) Push(ctx context.Context, p api.Push) (api.Pushed, error) {
	before := l.m.w.stats.lost
	arrived := false
	answer, err := carry(l.m, "pushes", func() (api.Pushed, error) {
		answer, err := l.m.api.Push(ctx, p)
		if arrived = err == nil && answer.Hold == ""; arrived {
			l.m.w.hasHeard(l.m.id, p.Entries)
		}
		l.m.w.note("%s pushes %d..%d: %.8s %s %v", l.m.name, p.After.N, p.After.N+int64(len(p.Entries)), answer.After.Hash, answer.Hold, err)
		return answer, err
	})
	if l.m.w.plant.toldFirst && err != nil && !l.m.killed && l.m.w.stats.lost == before {
		return api.Pushed{After: lastOf(p)}, nil
	}
	return answer, err
}

func lastOf(p api.Push) api.Point {
	if n := len(p.Entries); n > 0 {
		return api.Point{N: p.Entries[n-1].N, Hash: p.Entries[n-1].Hash}
	}
	return p.After
}

func (l serverLine) Pull(ctx context.Context, cursor string) (api.News, error) {
	return carry(l.m, "pulls", func() (api.News, error) { return l.m.api.Pull(ctx, cursor) })
}

func (l serverLine) CAF(ctx context.Context, id int64) ([]byte, error) {
	return carry(l.m, "fetches a CAF", func() ([]byte, error) { return l.m.api.CAF(ctx, id) })
}

// hasHeard notes which movements the server has taken in.
func (w *simWorld) hasHeard(till int64, entries []api.Entry) {
	for _, e := range entries {
		switch {
		case e.Sale != nil:
			w.told[fmt.Sprint(till, " venta ", e.Sale.ID)] = true
		case e.Movement != nil:
			w.told[fmt.Sprint(till, " abono ", e.Movement.ID)] = true
		}
	}
}

// simOffice are the people at the server: they get CAFs, and take over what a till that is gone can send no more.
type simOffice struct {
	w      *simWorld
	box    *possync.Memory
	worker *possync.Worker
	taken  map[string]bool // SHA-256 of documents that were taken over
	asked  map[dte.TipoDTE]bool
	round  int
}

func newSimOffice(w *simWorld) *simOffice {
	o := &simOffice{w: w, box: possync.NewMemory(), taken: map[string]bool{}, asked: map[dte.TipoDTE]bool{}}
	o.worker = possync.New(possync.Config{
		Outbox: o.box, Authority: siiLine{w: w}, Signer: simSigner(), Resolucion: dtetest.Resolucion(), Now: func() time.Time { return w.now },
		After: func(time.Duration) <-chan time.Time { return nil }, Jitter: w.r.Int64N,
	})
	return o
}

// hears what a till has to say of the server: the company is short of folios.
func (o *simOffice) hears(_ *simTill, s possync.CourierStatus) {
	for _, tipo := range s.Short {
		if o.asked[tipo] {
			continue
		}
		o.asked[tipo] = true
		o.w.in(o.w.between(10*time.Minute, 3*time.Hour), func() {
			o.asked[tipo] = false
			o.buys(tipo)
		})
	}
}

// buys another CAF.
func (o *simOffice) buys(tipo dte.TipoDTE) {
	from := o.w.next[tipo] + 1
	o.w.next[tipo] = from + simRange - 1
	o.w.must(o.w.server.AddCAF(simCAF(tipo, from, o.w.next[tipo])))
	o.w.note("a CAF of %s from %d", tipo, from)
}

// takesOver has the server send what it knows of and no till will: each document in an envelope of its own that is in doubt, so
// that the SII is asked first.
func (o *simOffice) takesOver(ours func(apitestDocument) bool) {
	docs, err := o.w.server.Documents()
	o.w.must(err)
	for _, d := range docs {
		if d.State.Final() || o.taken[d.SHA256] || !ours(d) {
			continue
		}
		xml, _ := o.w.server.XML(d.Key, d.SHA256)
		doc, err := dte.Parse(xml)
		o.w.must(err)
		if _, known, _ := o.box.Standing(d.Key); known {
			continue // another version of it is on its way
		}
		o.taken[d.SHA256] = true
		o.w.stats.takeovers++
		o.w.note("the server takes over %s", d.Key.ID())
		o.box.Add(doc, o.w.now)
		envelope, err := dte.NewEnvelope([]*dte.Document{doc}, dtetest.Resolucion(), dte.RUTSII, simSigner(), o.w.now)
		o.w.must(err)
		s, err := o.box.NewSobre(dte.Sobre{Boletas: d.Key.Tipo.EsBoleta(), Emisor: d.Key.Emisor, Keys: []dte.Key{d.Key}, XML: envelope, CreatedAt: o.w.now})
		o.w.must(err)
		o.w.sii.sent[s.SHA256] = s.Keys
		s.State, s.SentAt = dte.Sending, o.w.now
		o.w.must(o.box.UpdateSobre(s))
		s.State = dte.Unknown
		o.w.must(o.box.UpdateSobre(s))
	}
	o.sends(o.w.now)
}

// sends has the server's worker take a step at a time, and tells the tills what comes of it.
func (o *simOffice) sends(at time.Time) {
	o.round++
	round := o.round
	o.w.at(at, func() {
		if o.round != round {
			return
		}
		next := o.worker.Step(context.Background())
		o.tells()
		if !next.IsZero() {
			o.sends(latest(next, o.w.now.Add(time.Millisecond)))
		}
	})
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// tells keeps the verdicts on what was taken over.
func (o *simOffice) tells() {
	docs, err := o.w.server.Documents()
	o.w.must(err)
	for _, d := range docs {
		if !o.taken[d.SHA256] || d.State.Final() {
			continue
		}
		if state, verdict, err := o.box.DocumentState(d.Key); err == nil && state.Final() {
			o.w.server.Judge(d.Key, d.SHA256, state, verdict)
			o.w.note("the server hears of %s: %s", d.Key.ID(), state)
		}
	}
}

// quiet: nothing of what was taken over is on its way.
func (o *simOffice) quiet() bool {
	b, err := o.box.Backlog()
	return err == nil && b.Documents == 0
}

var _ possync.Authority = siiLine{}
