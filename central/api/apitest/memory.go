package apitest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// Config is whose server a Memory is.
type Config struct {
	Company api.Company
	Trust   dte.Trust // whose CAFs the documents may bear
	// Start is the clock's first time, and Rand what codes are made of.
	Start time.Time
	Rand  io.Reader
	// LeaseSize is how many folios a lease has, at most, Page how much news come at once, and Seconds how soon a till asks again;
	// 0 is 20, all, and 60.
	LeaseSize int64
	Page      int
	Seconds   int
	// Plant are faults that the server has on purpose, for tests that look for them.
	Plant Plant
}

// Plant are bugs that others have had. Each is there to be found.
type Plant struct {
	SharedLease  bool // two tills on one lease
	NoEpoch      bool // a restored till goes on with its old leases
	Overwrite    bool // a balance is what the last till said, not what moved
	NoChainCheck bool // entries are taken in as they come, whatever they follow
}

// Memory is the twin of the server: all of it in memory, deterministic, and as strict. Safe for concurrent use.
type Memory struct {
	cfg Config

	mu     sync.Mutex
	now    time.Time
	tills  []*till
	ledger ledger
	books  books
	feed   feed
	alarms []string
}

// till is a counter as the server knows it.
type till struct {
	id     int64
	name   string
	state  string
	code   string
	until  time.Time
	secret string

	epoch int
	chain []api.Point
	// before is the entry before each that the till ever told, also of copies that a restored one has replaced.
	before map[api.Point]api.Point
	epochs map[api.Point]int // under which each was told
	hold   api.Hold          // as it was told last
	heard  word
}

// word is a till's last report, as far as the next one is judged by it, and what people see of it.
type word struct {
	run    string
	seq    int64
	at     time.Time
	skew   time.Duration // how far the till's clock was ahead
	health api.Health
}

// longestWay is how long a message can be on its way.
const longestWay = 20 * time.Minute

// overtook reports that r was said before this and arrives after it: the same run of the program numbered it lower, and it is no
// machine that was put back with its memory, by the clocks.
func (w word) overtook(r api.Report, now time.Time) bool {
	written := r.Now.Add(-w.skew)
	return r.Run != "" && r.Run == w.run && r.Seq < w.seq && !written.After(w.at.Add(time.Second)) && now.Sub(written) <= longestWay
}

func errOvertaken() *api.Error {
	return fault(api.Later, "503", "Un informe más nuevo de la caja llegó antes que este. Nada cambió; la caja dirá de nuevo cómo está")
}

// How a till stands.
const (
	invited = "INVITED"
	paired  = "PAIRED"
	revoked = "REVOKED"
	lost    = "LOST"
)

// NewMemory is a server without tills.
func NewMemory(c Config) *Memory {
	c.LeaseSize = cmp.Or(c.LeaseSize, 20)
	c.Page = cmp.Or(c.Page, api.MostNews)
	c.Seconds = cmp.Or(c.Seconds, 60)
	return &Memory{cfg: c, now: c.Start, books: newBooks(c.Company.RUT, c.Trust), feed: newFeed()}
}

// Now implements Office.
func (m *Memory) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Pass implements Office.
func (m *Memory) Pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

func fault(v api.Verdict, code, format string, args ...any) *api.Error {
	return &api.Error{Verdict: v, Code: code, Message: fmt.Sprintf(format, args...)}
}

func errCode() *api.Error {
	return fault(api.Stuck, "401", "El código no sirve: fue usado, venció o está mal escrito. Pida otro en el servidor. La caja sigue vendiendo como hasta ahora")
}

func errEnded() *api.Error {
	return fault(api.Ended, "401", "Esta caja ya no pertenece a la empresa. Lo vendido está guardado en ella; llame a quien administra")
}

const invitationFor = 30 * time.Minute

// Invite implements Office.
func (m *Memory) Invite(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	random := make([]byte, 5)
	if _, err := io.ReadFull(m.cfg.Rand, random); err != nil {
		return "", err
	}
	i := slices.IndexFunc(m.tills, func(t *till) bool { return t.name == name })
	if i >= 0 && m.tills[i].state != invited {
		return "", fault(api.Stuck, "409", "Ya hay una caja que se llama %s", name)
	}
	if i < 0 {
		i = len(m.tills)
		m.tills = append(m.tills, &till{id: int64(i + 1), name: name, state: invited, before: map[api.Point]api.Point{}, epochs: map[api.Point]int{}})
	}
	t := m.tills[i]
	t.code, t.until = fmt.Sprintf("1-%X-%X", random[:2], random[2:]), m.now.Add(invitationFor)
	return t.code, nil
}

// Join implements Server.
func (m *Memory) Join(_ context.Context, j api.Join) (api.Joined, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case j.Protocol < api.Oldest:
		return api.Joined{}, errOld()
	case j.Emisor != m.cfg.Company.RUT || j.Ambiente != m.cfg.Company.Ambiente:
		return api.Joined{}, fault(api.Stuck, "409", "El código es de %s y esta caja es de otra empresa, o de otro ambiente. Nada cambió", m.cfg.Company.RznSoc)
	case len(j.Secret) != sha256.Size:
		return api.Joined{}, errCode()
	}
	secret := hex.EncodeToString(j.Secret)
	i := slices.IndexFunc(m.tills, func(t *till) bool {
		return t.code != "" && t.code == j.Code && !m.now.After(t.until) && (t.state == invited || t.state == paired && t.secret == secret)
	})
	if i < 0 {
		return api.Joined{}, errCode()
	}
	t := m.tills[i]
	t.state, t.secret = paired, secret
	return api.Joined{Token: m.token(t), Till: api.Till{ID: t.id, Name: t.name}, Company: m.cfg.Company}, nil
}

func errOld() *api.Error {
	return fault(api.Stuck, "protocolo", "Esta caja habla con una versión que el servidor ya no entiende. Sigue vendiendo; actualice el programa")
}

func (m *Memory) token(t *till) string { return fmt.Sprintf("%d.%s", t.id, t.secret) }

// enter runs fn as the till of that token. What fn changes stays, as after a commit: fn looks before it changes.
func (m *Memory) enter(token string, fn func(*till) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.tills, func(t *till) bool { return t.state == paired && m.token(t) == token })
	if i < 0 {
		return errEnded()
	}
	m.tills[i].code = ""
	return fn(m.tills[i])
}

// Till implements Server.
func (m *Memory) Till(token string) api.Server { return visit{m, token} }

// visit is the server as one till finds it.
type visit struct {
	m     *Memory
	token string
}

func (v visit) Sync(_ context.Context, r api.Report) (a api.Answer, err error) {
	err = v.m.enter(v.token, func(t *till) error {
		a, err = v.m.sync(t, r)
		return err
	})
	return a, err
}

func (v visit) Push(_ context.Context, p api.Push) (done api.Pushed, err error) {
	err = v.m.enter(v.token, func(t *till) error {
		done, err = v.m.push(t, p)
		return err
	})
	return done, err
}

func (v visit) Pull(_ context.Context, cursor string) (n api.News, err error) {
	err = v.m.enter(v.token, func(t *till) error {
		n = v.m.feed.after(cursor, t.id, v.m.cfg.Page)
		n.At = v.m.now
		return nil
	})
	return n, err
}

func (v visit) CAF(_ context.Context, id int64) (file []byte, err error) {
	err = v.m.enter(v.token, func(t *till) error {
		file = v.m.ledger.fileFor(t.id, id)
		if file == nil {
			return fault(api.Stuck, "404", "La caja no tiene folios del CAF %d", id)
		}
		return nil
	})
	return file, err
}

// sync answers a report.
func (m *Memory) sync(t *till, r api.Report) (api.Answer, error) {
	if r.Protocol < api.Oldest {
		return api.Answer{}, errOld()
	}
	a := api.Answer{
		Protocol: min(r.Protocol, api.Protocol), Now: m.now, Till: api.Till{ID: t.id, Name: t.name}, Company: m.cfg.Company,
		Seconds: m.cfg.Seconds,
	}
	hold, err := m.follow(t, r)
	if err != nil {
		return api.Answer{}, err
	}
	if a.Hold = hold; a.Hold == "" {
		a.Hold = m.ledger.behind(t.id, r.Folios.Used)
	}
	t.heard = word{run: r.Run, seq: r.Seq, at: m.now, skew: r.Now.Sub(m.now), health: r.Health}
	a.After = t.head()
	m.hold(t, a.Hold)
	if a.Hold != "" {
		a.Why = words(a.Hold)
		return a, nil
	}
	if !t.proven(r.Epoch) && !m.cfg.Plant.NoEpoch {
		r.Folios.Wants, a.Again = nil, true
	}
	stock, err := m.ledger.report(t.id, m.paired(), m.now, m.cfg.LeaseSize, r.Folios, m.cfg.Plant)
	a.Folios, a.News = stock, m.feed.hasAfter(r.Cursor)
	return a, err
}

func (m *Memory) paired() (n int64) {
	for _, t := range m.tills {
		if t.state == paired {
			n++
		}
	}
	return n
}

// hold tells a hold that is new to people.
func (m *Memory) hold(t *till, h api.Hold) {
	if h != "" && h != t.hold {
		m.alarm("%s: %s", t.name, words(h))
	}
	t.hold = h
}

func (m *Memory) alarm(format string, args ...any) {
	m.alarms = append(m.alarms, fmt.Sprintf(format, args...))
}

func words(h api.Hold) string {
	switch h {
	case api.HoldCopy:
		return "Otra copia más nueva de esta caja ya habló con el servidor. Lo vendido está guardado; no emita aquí y llame a quien administra"
	case api.HoldBehind:
		return "Esta caja sabe menos que lo que ya contó: su archivo volvió atrás. Lo vendido está en el servidor; restaure el último respaldo"
	}
	return "Los libros de esta caja dicen otra cosa que antes: hay dos copias de ella. Lo vendido está guardado; no emita aquí y llame a quien administra"
}

func (t *till) head() api.Point {
	if len(t.chain) == 0 {
		return api.Point{}
	}
	return t.chain[len(t.chain)-1]
}

// proven reports that the server has an entry of this very store: without one nobody can tell it from another that was restored
// from the same backup.
func (t *till) proven(epoch int) bool { return epoch == 0 || t.epochs[t.head()] == epoch }

// at is the till's entry n, as the server has it.
func (t *till) at(n int64) (api.Point, bool) {
	switch {
	case n == 0:
		return api.Point{}, true
	case n < 0 || n > int64(len(t.chain)):
		return api.Point{}, false
	}
	return t.chain[n-1], true
}

// knows reports a point of the chain.
func (t *till) knows(p api.Point) bool {
	mine, ok := t.at(p.N)
	return ok && mine == p
}

// follow keeps step with a till's store: the same one goes on, a restored one goes back to where it is known. A report that was
// overtaken is an error.
func (m *Memory) follow(t *till, r api.Report) (api.Hold, error) {
	points := append([]api.Point{r.Head}, r.Locator...)
	switch {
	case r.Epoch < t.epoch:
		return api.HoldCopy, nil
	case r.Epoch > t.epoch:
		t.goBack(points)
		t.epoch = r.Epoch
		if !m.cfg.Plant.NoEpoch {
			m.ledger.doubt(t.id)
		}
		return "", nil
	case m.cfg.Plant.NoChainCheck:
		return "", nil
	case slices.ContainsFunc(points, func(p api.Point) bool { return p.N > 0 && p.N <= int64(len(t.chain)) && !t.knows(p) }):
		return api.HoldFork, nil
	case t.heard.overtook(r, m.now):
		return "", errOvertaken()
	case r.Head.N < int64(len(t.chain)):
		return api.HoldBehind, nil
	}
	return "", nil
}

// Health implements Office.
func (m *Memory) Health(id int64) (api.Health, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.tillOf(id)
	if err != nil {
		return api.Health{}, err
	}
	return t.heard.health, nil
}

// goBack leaves the books where the restored copy has them, whichever copy told of that point. What came after is kept.
func (t *till) goBack(points []api.Point) {
	var base api.Point
	for _, p := range points {
		if _, known := t.before[p]; known && p.N > base.N {
			base = p
		}
	}
	t.chain = nil
	for ; base.N > 0; base = t.before[base] {
		t.chain = append(t.chain, base)
	}
	slices.Reverse(t.chain)
}

// push takes in a part of a till's books.
func (m *Memory) push(t *till, p api.Push) (api.Pushed, error) {
	if len(p.Entries) > api.MostEntries || len(p.States) > api.MostStates || len(p.Products)+len(p.Customers)+len(p.Refused) > api.MostNews {
		return api.Pushed{}, fault(api.Stuck, "tamaño", "La caja mandó demasiado de una vez. No se guardó nada; mande menos")
	}
	before := len(m.alarms)
	hold, fresh, err := m.fresh(t, p)
	if err != nil {
		return api.Pushed{}, err
	}
	m.hold(t, hold)
	if hold != "" {
		m.strays(t, p.Entries)
		return api.Pushed{After: t.head(), Hold: hold, Why: words(hold), Alarms: len(m.alarms) - before}, nil
	}
	for _, e := range fresh {
		next := api.Point{N: e.N, Hash: e.Hash}
		if _, told := t.before[next]; !told {
			t.before[next], t.epochs[next] = t.head(), p.Epoch
		}
		t.chain = append(t.chain, next)
		m.takeIn(t, e)
	}
	for _, s := range p.States {
		m.books.state(t.id, s)
	}
	for _, prod := range p.Products {
		m.feed.meetProduct(prod)
	}
	for _, c := range p.Customers {
		if !m.feed.meetCustomer(c) {
			continue
		}
		m.tellBalance(c.RUT)
	}
	for _, r := range p.Refused {
		m.alarm("%s no recibió %s: %s", t.name, r.What, r.Why)
	}
	return api.Pushed{After: t.head(), Alarms: len(m.alarms) - before}, nil
}

// fresh are the entries that the server has not got, checked against those that it has.
func (m *Memory) fresh(t *till, p api.Push) (api.Hold, []api.Entry, error) {
	switch {
	case p.Epoch < t.epoch:
		return api.HoldCopy, nil, nil
	case p.Epoch > t.epoch:
		return "", nil, fault(api.Later, "409", "La caja fue restaurada y debe decir primero cómo está")
	case m.cfg.Plant.NoChainCheck:
		return "", p.Entries, nil
	case p.After.N > int64(len(t.chain)):
		return "", nil, nil // it is answered where to go on
	case !t.knows(p.After):
		return api.HoldFork, nil, nil
	}
	prev := p.After
	for i, e := range p.Entries {
		if e.N != prev.N+1 || e.Hash != linked(prev, e.Fact) {
			return "", nil, fault(api.Stuck, "422", "La anotación %d de la bitácora no sigue a la anterior. No se guardó nada", e.N)
		}
		prev = api.Point{N: e.N, Hash: e.Hash}
		if mine, had := t.at(e.N); had && mine != prev {
			return api.HoldFork, nil, nil
		} else if !had {
			return "", p.Entries[i:], m.wholeChain(prev, p.Entries[i+1:])
		}
	}
	return "", nil, nil
}

// wholeChain demands that all the rest follows, before any of it is taken in.
func (m *Memory) wholeChain(prev api.Point, rest []api.Entry) error {
	for _, e := range rest {
		if e.N != prev.N+1 || e.Hash != linked(prev, e.Fact) {
			return fault(api.Stuck, "422", "La anotación %d de la bitácora no sigue a la anterior. No se guardó nada", e.N)
		}
		prev = api.Point{N: e.N, Hash: e.Hash}
	}
	return nil
}

// linked is the hash of a fact behind a point.
func linked(prev api.Point, fact []byte) string {
	before := make([]byte, sha256.Size)
	if raw, err := hex.DecodeString(prev.Hash); err == nil && prev.N > 0 {
		before = raw
	}
	sum := sha256.Sum256(append(before, fact...))
	return hex.EncodeToString(sum[:])
}

// takeIn puts an entry into the books.
func (m *Memory) takeIn(t *till, e api.Entry) {
	switch {
	case e.Sale != nil:
		m.sale(t, *e.Sale)
	case e.Shift != nil:
		if !m.books.shift(t.id, *e.Shift) {
			m.alarm("%s cerró dos veces el turno %d, con otras sumas", t.name, e.Shift.Number)
		}
	case e.Movement != nil:
		m.moved(e.Movement.Customer, t.id, "abono "+e.Movement.ID, -abs(e.Movement.Amount), e.Movement.Kind)
	}
}

func abs(p money.Pesos) money.Pesos { return max(p, -p) }

// sale takes in a sale, and its document if it has one.
func (m *Memory) sale(t *till, s api.Sale) {
	if len(s.XML) > 0 {
		mine := m.ledger.covers(t.id, s.Key) || m.ledger.own(t.id, s.Key, m.books.has(s.Key))
		if why := m.books.document(t.id, s, mine, false); why != "" {
			m.alarm("%s: %s", t.name, why)
		}
	}
	if !s.Cash {
		return
	}
	for _, tender := range s.Tenders {
		rut, err := dte.ParseRUT(tender.Reference)
		if tender.Method != "fiado" || err != nil {
			continue
		}
		amount := tender.Amount
		if s.Back {
			amount = -amount
		}
		m.moved(rut, t.id, fmt.Sprintf("venta %s %d", s.ID, tender.Amount), amount, "venta")
	}
}

// moved counts a movement of what a customer owes, once.
func (m *Memory) moved(customer dte.RUT, till int64, id string, amount money.Pesos, kind string) {
	if kind == "cupo" || !m.books.move(customer, till, id, amount, m.cfg.Plant.Overwrite) {
		return
	}
	m.feed.meetCustomer(api.Customer{RUT: customer, RznSoc: customer.String()})
	m.tellBalance(customer)
}

func (m *Memory) tellBalance(customer dte.RUT) {
	m.feed.changeCustomer(customer, func(c *api.Customer) { c.Balance = new(m.books.owed[customer]) })
}

// strays keeps the documents of books that are not taken in.
func (m *Memory) strays(t *till, entries []api.Entry) {
	for _, e := range entries {
		if e.Sale == nil || len(e.Sale.XML) == 0 || m.books.knows(e.Sale.Key, e.Sale.SHA256) {
			continue
		}
		m.alarm("%s: %s llegó por una copia de la caja", t.name, e.Sale.Key)
		if why := m.books.document(t.id, *e.Sale, true, true); why != "" {
			m.alarm("%s: %s", t.name, why)
		}
	}
}

func (m *Memory) tillOf(id int64) (*till, error) {
	if id < 1 || id > int64(len(m.tills)) {
		return nil, errors.New("no hay tal caja")
	}
	return m.tills[id-1], nil
}
