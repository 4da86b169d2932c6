package shop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
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
)

// company is a company's server in memory, its clock, and a bad road to it.
type company struct {
	*clock
	t testing.TB
	*apitest.Memory

	mu    sync.Mutex
	calls int
	fault func(call int) fault // what becomes of the call of that number, from 1
	says  func(call int) error // what is answered instead; nil lets the server answer
}

// fault is what a road does to a message.
type fault int

const (
	arrives    fault = iota
	lost             // the message is
	unanswered       // it arrived, and the answer is lost
	twice            // it arrives twice
)

func newCompany(t testing.TB, lease int64) *company {
	c := &company{t: t, clock: &clock{t: dtetest.Now()}}
	c.Memory = apitest.NewMemory(apitest.Config{
		Company: api.Company{RUT: dtetest.Company, RznSoc: saletest.Shop().Emisor.RznSoc, Ambiente: dte.Capacitacion},
		Trust:   dtetest.Trust(), Start: c.now(), Rand: mathrand.NewChaCha8([32]byte{7}), LeaseSize: lease,
	})
	return c
}

// pass moves both clocks.
func (c *company) pass(d time.Duration) {
	c.clock.pass(d)
	c.Memory.Pass(d)
}

// folios gives the company a CAF of each type.
func (c *company) folios(desde, hasta dte.Folio, types ...dte.TipoDTE) {
	c.t.Helper()
	for _, tipo := range types {
		must(c.t, c.AddCAF(saletest.CAF(tipo, desde, hasta, dtetest.FA())))
	}
}

// Join implements Office.
func (c *company) Join(ctx context.Context, _ string, j api.Join) (joined api.Joined, err error) {
	err = c.road(func() (err error) {
		joined, err = c.Memory.Join(ctx, j)
		return err
	})
	return joined, err
}

// Server implements Office.
func (c *company) Server(_, token string) (api.Server, error) { return &visit{c, c.Till(token)}, nil }

// road carries a message, or what the script makes of it.
func (c *company) road(carry func() error) error {
	c.mu.Lock()
	c.calls++
	what := arrives
	if c.fault != nil {
		what = c.fault(c.calls)
	}
	says, n := c.says, c.calls
	c.mu.Unlock()
	if says != nil {
		return says(n)
	}
	down := &api.Error{Verdict: api.Later, Down: true, Code: "red", Message: "No hay conexión con el servidor."}
	switch what {
	case lost:
		return down
	case unanswered:
		_ = carry()
		return down
	case twice:
		_ = carry()
	}
	return carry()
}

// visit is a till's way to the server.
type visit struct {
	c *company
	s api.Server
}

func (v *visit) Sync(ctx context.Context, r api.Report) (a api.Answer, err error) {
	err = v.c.road(func() (err error) { a, err = v.s.Sync(ctx, r); return err })
	return a, err
}

func (v *visit) Push(ctx context.Context, p api.Push) (a api.Pushed, err error) {
	err = v.c.road(func() (err error) { a, err = v.s.Push(ctx, p); return err })
	return a, err
}

func (v *visit) Pull(ctx context.Context, cursor string) (n api.News, err error) {
	err = v.c.road(func() (err error) { n, err = v.s.Pull(ctx, cursor); return err })
	return n, err
}

func (v *visit) CAF(ctx context.Context, id int64) (file []byte, err error) {
	err = v.c.road(func() (err error) { file, err = v.s.CAF(ctx, id); return err })
	return file, err
}

// branch is a shop of the company that has no folios, as a new till is.
func (c *company) branch() Options {
	c.t.Helper()
	made, err := newBranch()
	must(c.t, err)
	o := Options{Dir: filepath.Join(c.t.TempDir(), "tienda"), Keys: "archivo", Now: c.now, Office: c}
	must(c.t, os.CopyFS(o.Dir, made))
	return o
}

// newBranch makes one, once: its keys take their time.
var newBranch = sync.OnceValues(func() (fs.FS, error) {
	dir, err := os.MkdirTemp("", "tienda")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o := Options{Dir: dir, Keys: "archivo", Now: dtetest.Now}
	err = errors.Join(Create(o, saletest.Shop(), phrase), os.MkdirAll(filepath.Join(dir, simulatorDir), 0o700),
		os.WriteFile(filepath.Join(dir, simulatorDir, "llave.pem"), dtetest.Authority().PEM(), 0o600))
	if err != nil {
		return nil, err
	}
	s, err := Open(o)
	if err != nil {
		return nil, err
	}
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "PERSONA DE PRUEBA", dtetest.Now())
	if err == nil {
		_, err = s.ImportPFX(pfx, siisim.SignerPassword)
	}
	err = errors.Join(err, s.Store.PutProducts([]sale.Product{{Codigo: "PAN", Nombre: "Pan", Prc: money.PerUnit(1_190), Favorito: true}}), s.Close())
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for _, name := range []string{storeFile, keyFile, simulatorDir + "/llave.pem"} {
		b, readErr := os.ReadFile(filepath.Join(dir, name))
		err = errors.Join(err, readErr)
		files[name] = &fstest.MapFile{Data: b, Mode: 0o600}
	}
	return files, err
})

// joins makes it a till.
func (c *company) joins(s *Shop, name string) {
	c.t.Helper()
	code, err := c.Invite(name)
	must(c.t, err)
	must(c.t, s.JoinServer(context.Background(), "https://tienda.example", code))
}

// till is a shop that has joined and knows its folios.
func (c *company) till(name string) (*Shop, Options) {
	c.t.Helper()
	o := c.branch()
	s := opened(c.t, o)
	c.joins(s, name)
	c.settles(s)
	return s, o
}

// settles carries everything between a till and the server.
func (c *company) settles(s *Shop) ServerStatus {
	c.t.Helper()
	status, err := s.SyncServer(context.Background())
	must(c.t, err)
	return status
}

// sells issues a boleta at the counter of a shop.
func sells(t testing.TB, s *Shop) sale.Record {
	t.Helper()
	r, err := sell(s)
	must(t, err)
	return r
}

// agree demands that the server has exactly the documents of these tills, with their bytes and states.
func (c *company) agree(tills ...*Shop) {
	c.t.Helper()
	told := map[string]dte.State{}
	docs, err := c.Documents()
	must(c.t, err)
	for _, d := range docs {
		name := d.Key.String() + " " + d.SHA256
		if _, again := told[name]; again {
			c.t.Errorf("the server has %s twice", name)
		}
		told[name] = d.State
	}
	for _, s := range tills {
		list, err := s.Store.Documents(sale.DocumentQuery{Limit: 500})
		must(c.t, err)
		for _, d := range list {
			name := d.Key.String() + " " + d.SHA256
			switch at, ok := told[name]; {
			case !ok:
				c.t.Errorf("the server does not have %s", name)
			case at != d.State:
				c.t.Errorf("%s is %s at the till and %s at the server", name, d.State, at)
			}
			delete(told, name)
		}
	}
	for name := range told {
		c.t.Errorf("only the server has %s", name)
	}
}

// accepts has the SII accept what a till issued.
func accepts(t testing.TB, s *Shop, keys ...dte.Key) {
	t.Helper()
	o, err := s.Store.NewSobre(dte.Sobre{Boletas: true, Emisor: dtetest.Company, Keys: keys, XML: []byte("<EnvioBOLETA/>"), CreatedAt: s.opt.Now()})
	must(t, err)
	var verdicts []dte.Veredicto
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		o.State, o.TrackID = state, "4711"
		must(t, s.Store.UpdateSobre(o))
	}
	for _, key := range keys {
		verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Accepted, At: s.opt.Now()})
	}
	must(t, s.Store.Settle(o.ID, verdicts))
}

// A new till has its folios from the server, sells, and the server has its books; what happens later to a document is told, too.
func TestATillLivesOfItsServer(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 500, dte.Boleta, dte.Factura)
	s, o := c.till("Caja 1")
	if st := s.Server(); !st.Joined || st.Till != "Caja 1" || st.Unsent != 0 || len(st.Short) != 1 || st.Short[0] != dte.NotaCredito {
		t.Errorf("after joining: %+v", st)
	}
	one := sells(t, s)
	c.settles(s)
	c.agree(s)
	accepts(t, s, one.Key)
	two := sells(t, s)
	c.settles(s)
	c.agree(s)
	if one.Key.Folio != 1 || two.Key.Folio != 2 {
		t.Errorf("it used the folios %d and %d", one.Key.Folio, two.Key.Folio)
	}
	must(t, s.Close())
	s = opened(t, o)
	if st := s.Server(); !st.Joined || st.Company == "" || st.URL != "https://tienda.example" {
		t.Errorf("after it was switched on: %+v", st)
	}
	healthy(t, s)
}

func healthy(t testing.TB, s *Shop) {
	t.Helper()
	if r, err := s.Store.Audit(true); err != nil || !r.OK() {
		t.Errorf("audit: %v %s", err, strings.Join(r.Faults, "\n"))
	}
}

// Whoever joins and gets no answer asks again, also after a power cut, and is the same till.
func TestJoiningIsSaidTwice(t *testing.T) {
	c := newCompany(t, 20)
	o := c.branch()
	s := opened(t, o)
	code, err := c.Invite("Caja 1")
	must(t, err)
	c.fault = func(n int) fault { return []fault{unanswered, lost, arrives}[min(n-1, 2)] }
	for range 2 {
		if err := s.JoinServer(t.Context(), "https://tienda.example", strings.ToLower(code)); err == nil || s.Server().Joined {
			t.Fatalf("joined without an answer: %v", err)
		}
		must(t, s.Close())
		s = opened(t, o)
	}
	must(t, s.JoinServer(t.Context(), "https://tienda.example", " "+code+" "))
	if st := s.Server(); !st.Joined || st.Till != "Caja 1" {
		t.Errorf("joined as %+v", st)
	}
	if err := s.JoinServer(t.Context(), "https://tienda.example", code); !errors.Is(err, ErrJoined) {
		t.Errorf("joined again: %v", err)
	}
	if err := opened(t, c.branch()).JoinServer(t.Context(), "https://tienda.example", code); err == nil {
		t.Error("a code let two tills in")
	}
	healthy(t, s)
}

// Wherever the line is cut, and whenever the till loses power, the server has in the end what the till has, each thing once.
func TestTheLineIsCutAtEveryMessage(t *testing.T) {
	for _, what := range []fault{lost, unanswered, twice} {
		for at := 1; ; at++ {
			c := newCompany(t, 3)
			c.folios(1, 60, dte.Boleta)
			c.fault = func(call int) fault {
				if call == at {
					return what
				}
				return arrives
			}
			s, _ := c.cutTill(at)
			if c.calls < at {
				break // no such message
			}
			c.agree(s)
			healthy(t, s)
			must(t, s.Close())
		}
	}
}

// cutTill joins, sells and tells until all is told, as a person and a program do it: again. It loses power where the line is cut.
func (c *company) cutTill(at int) (*Shop, Options) {
	o := c.branch()
	s := opened(c.t, o)
	code, err := c.Invite("Caja 1")
	must(c.t, err)
	again := func(do func() error) {
		for range 3 {
			err := do()
			if err == nil {
				return
			}
			if c.calls < at {
				c.t.Fatalf("at message %d of %d: %v", c.calls, at, err)
			}
			must(c.t, s.Close())
			s = opened(c.t, o)
		}
	}
	tell := func() error { _, err := s.SyncServer(context.Background()); return err }
	again(func() error { return s.JoinServer(context.Background(), "https://tienda.example", code) })
	again(tell)
	for range 2 {
		accepts(c.t, s, sells(c.t, s).Key, sells(c.t, s).Key)
		sells(c.t, s)
		again(tell)
	}
	again(tell) // once more, so that the last message may be the lost one
	return s, o
}

// A till that was shut out sells on from what it has, and says that it is nobody's.
func TestARevokedTillSellsOn(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 100, dte.Boleta)
	s, _ := c.till("Caja 1")
	must(t, c.Revoke(1))
	if _, err := s.SyncServer(t.Context()); err == nil {
		t.Fatal("the server answered")
	}
	if st := s.Server(); !st.Ended || st.Hold != "" || !strings.Contains(st.Problem, "ya no pertenece") {
		t.Errorf("%+v", st)
	}
	if r := sells(t, s); r.Key.Folio != 1 {
		t.Errorf("it sold with folio %d", r.Key.Folio)
	}
	must(t, s.LeaveServer(t.Context()))
	if _, err := sell(s); !errors.Is(err, sale.ErrNoFolios) {
		t.Errorf("after leaving: %v", err)
	}
	healthy(t, s)
}

// copied is a till that has sold and told, and a copy of its folder that runs beside it.
func (c *company) copied() (s, other *Shop, first sale.Record) {
	c.t.Helper()
	s, o := c.till("Caja 1")
	first = sells(c.t, s)
	c.settles(s)
	must(c.t, s.Close())
	copied := o
	copied.Dir = filepath.Join(c.t.TempDir(), "copia")
	must(c.t, os.CopyFS(copied.Dir, os.DirFS(o.Dir)))
	return opened(c.t, o), opened(c.t, copied), first
}

// A copied file is found out when both have spoken: it holds, what it sold is kept beside, and it goes on as another till.
func TestACopiedFileHolds(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 200, dte.Boleta)
	s, other, first := c.copied()
	sells(t, s)
	c.pass(time.Second) // or they would have sold the very same
	stray := sells(t, other)
	accepts(t, other, first.Key)
	c.settles(s)
	before, err := c.Alarms()
	must(t, err)
	if st := c.settles(other); st.Hold == "" {
		t.Fatalf("nobody noticed: %+v", st)
	}
	if _, err := sell(other); !errors.Is(err, store.ErrHeld) {
		t.Errorf("it sells on: %v", err)
	}
	server, err := other.Store.Server()
	must(t, err)
	head, _, err := other.Store.Points(func(int64) []int64 { return nil })
	must(t, err)
	if waits, err := other.Store.Chunk(head, store.Bounds{Entries: 1, States: 9, Bytes: 1}); err != nil || len(waits.States) != 1 || server.Has == head {
		t.Errorf("it takes for told what nobody took in: %+v, %v", waits.States, err)
	}
	if n, err := c.Alarms(); err != nil || n <= before {
		t.Errorf("%d alarms, %d before (%v)", n, before, err)
	}
	if !strings.Contains(fmt.Sprint(c.Documents()), stray.SHA256) {
		t.Error("the stray document is nowhere")
	}
	if st := c.settles(s); st.Hold != "" {
		t.Errorf("the first one is held: %+v", st)
	}
	c.joins(other, "Caja 2")
	if st := c.settles(other); st.Hold != "" || st.Till != "Caja 2" {
		t.Fatalf("as another till: %+v", st)
	}
	if r := sells(t, other); r.Key.Folio < 40 {
		t.Errorf("it used folio %d of the other till", r.Key.Folio)
	}
	healthy(t, other)
}

// A restored till issues nothing before the server has answered, and then nothing that the lost one may have used.
func TestARestoredTillIsLedOn(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 200, dte.Boleta)
	s, o := c.till("Caja 1")
	sells(t, s)
	c.settles(s)
	backup := filepath.Join(t.TempDir(), "respaldo")
	_, err := s.Store.BackupFile(backup)
	must(t, err)
	sells(t, s)
	c.settles(s)
	sells(t, s) // nobody but the lost disk knows of this one
	must(t, s.Close())
	must(t, os.Remove(o.Path()))
	must(t, store.Restore(backup, o.Path(), c.now()))
	s = opened(t, o)
	if _, err := sell(s); !errors.Is(err, store.ErrHeld) {
		t.Fatalf("it sells before anybody was asked: %v", err)
	}
	if st := c.settles(s); st.Hold != "" {
		t.Fatalf("%+v", st)
	}
	if r := sells(t, s); r.Key.Folio < 40 {
		t.Errorf("it used folio %d, which the lost one had", r.Key.Folio)
	}
	c.settles(s)
	docs, err := c.Documents()
	must(t, err)
	if len(docs) != 3 {
		t.Errorf("the server has %d documents", len(docs))
	}
	healthy(t, s)
}

// A shop that has sold for a time joins with its own folios: its history goes to the server, and both kinds of folios are used.
func TestAShopJoinsLater(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(101, 200, dte.Boleta)
	o := c.branch()
	s := opened(t, o)
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 1, 3, dtetest.FA()))
	must(t, err)
	accepts(t, s, sells(t, s).Key)
	sells(t, s)
	c.joins(s, "Caja 1")
	c.settles(s)
	c.agree(s)
	if r := sells(t, s); r.Key.Folio != 3 {
		t.Errorf("of its own folios it used %d", r.Key.Folio)
	}
	if r := sells(t, s); r.Key.Folio != 101 {
		t.Errorf("then it used %d", r.Key.Folio)
	}
	c.settles(s)
	c.agree(s)
	must(t, s.LeaveServer(t.Context()))
	if st := s.Server(); st.Joined {
		t.Errorf("after leaving: %+v", st)
	}
	leases, err := c.Leases()
	must(t, err)
	for _, l := range leases {
		if l.State == apitest.LeaseOpen {
			t.Errorf("it left with lease %+v", l)
		}
	}
	healthy(t, s)
}

// What could not be issued for want of a folio is asked for.
func TestMissedFoliosAreAskedFor(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 100, dte.Boleta, dte.GuiaDespacho)
	s, _ := c.till("Caja 1")
	guia := func() error {
		_, err := s.book.Issue("g", dte.GuiaDespacho, c.now(), saletest.Build("g", dte.GuiaDespacho, c.now(), 1000))
		return err
	}
	if err := guia(); !errors.Is(err, sale.ErrNoFolios) {
		t.Fatalf("a guía without a folio: %v", err)
	}
	c.settles(s)
	if left, err := s.Store.Ranges(); err != nil || sale.FoliosLeft(left, dte.GuiaDespacho, dte.DateOf(c.now())) == 0 {
		t.Errorf("it has %+v (%v)", left, err)
	}
}

// A sale at the counter is refused before anything is issued; its folios are asked for all the same, and the words go by the line.
func TestTheCounterAsksForMissedFolios(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 100, dte.Boleta, dte.BoletaExenta)
	s, _ := c.till("Caja 1")
	line := func(down bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.fault = nil; down {
			c.fault = func(int) fault { return lost }
		}
	}
	must(t, s.Store.PutProducts([]sale.Product{{Codigo: "LIBRO", Nombre: "Libro", Prc: money.PerUnit(5_000), Exento: true}}))
	deps, err := s.Deps()
	must(t, err)
	r, err := sale.NewRegister(deps)
	must(t, err)
	_, err = r.Scan("LIBRO")
	must(t, err)
	refused := func(words string) {
		t.Helper()
		if err := r.Charge(); !errors.Is(err, sale.ErrNoFolios) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	refused("que contesta: la caja se los pide sola")
	line(true)
	if _, err := s.SyncServer(t.Context()); err == nil {
		t.Error("the line is not cut")
	}
	refused("no hay línea con él: conecte la caja")
	line(false)
	c.settles(s)
	must(t, r.Charge())
}

// The clocks are compared.
func TestTheClockIsCompared(t *testing.T) {
	c := newCompany(t, 20)
	s, _ := c.till("Caja 1")
	c.clock.pass(7 * time.Minute)
	if st := c.settles(s); st.Skew != 7*time.Minute {
		t.Errorf("the clock is off by %s", st.Skew)
	}
}

// Another company's server, or another environment's, takes nobody in.
func TestNobodyJoinsAnotherCompany(t *testing.T) {
	c := newCompany(t, 20)
	o := c.branch()
	o.Office = liar{c}
	s := opened(t, o)
	code, err := c.Invite("Caja 1")
	must(t, err)
	if err := s.JoinServer(t.Context(), "https://tienda.example", code); err == nil || !strings.Contains(err.Error(), "Nada cambió") {
		t.Errorf("joined: %v", err)
	}
	for _, address := range []string{"http://tienda.example", "https://rosa:clave@tienda.example", "", "ftp://x"} {
		if err := s.JoinServer(t.Context(), address, code); err == nil {
			t.Errorf("joined at «%s»", address)
		}
	}
	if _, err := s.Store.Server(); !errors.Is(err, store.ErrServer) {
		t.Error("it joined")
	}
}

// liar says to be another company's.
type liar struct{ *company }

func (l liar) Join(ctx context.Context, url string, j api.Join) (api.Joined, error) {
	joined, err := l.company.Join(ctx, url, j)
	joined.Company.RUT = 76192083
	return joined, err
}

// What an answer means decides when the server is asked again: a line that is down soon and with no attempt counted, a server that
// fails after ever longer pauses, one that needs a person or knows nobody here seldom, and one that asked for it not before its time.
func TestTheCourierIsPatient(t *testing.T) {
	refuses := func(v api.Verdict, wait time.Duration) func(int) error {
		return func(int) error { return &api.Error{Verdict: v, Code: "x", Message: "no", Wait: wait} }
	}
	line := func(int) error { return &api.Error{Verdict: api.Later, Down: true, Code: "red", Message: "sin línea"} }
	for name, c := range map[string]struct {
		says   func(call int) error
		pauses []time.Duration // at least, and a fifth more at most
		down   bool
	}{
		"the line is down":   {line, []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}, true},
		"the server fails":   {refuses(api.Later, 0), []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second}, false},
		"it asks for peace":  {refuses(api.Later, 10*time.Minute), []time.Duration{10 * time.Minute, 10 * time.Minute}, false},
		"a person is needed": {refuses(api.Stuck, 0), []time.Duration{15 * time.Minute, 15 * time.Minute}, false},
		"shut out":           {refuses(api.Ended, 0), []time.Duration{15 * time.Minute, 15 * time.Minute}, false},
		"a stranger wants a year": {func(int) error {
			return &api.Error{Verdict: api.Later, Down: true, Code: "503", Message: "no", Wait: 365 * 24 * time.Hour}
		}, []time.Duration{15 * time.Minute, 15 * time.Minute}, true},
		"peace for a year": {refuses(api.Later, 365*24*time.Hour), []time.Duration{time.Hour, time.Hour}, false},
	} {
		t.Run(name, func(t *testing.T) {
			co := newCompany(t, 20)
			s, _ := co.till("Caja 1")
			courier, err := s.newCourier(&serverBooks{s: s})
			must(t, err)
			co.says = c.says
			for i, want := range c.pauses {
				before := co.calls
				next := courier.Step(t.Context())
				pause := next.Sub(co.now())
				if pause < want || pause > want+want/5 {
					t.Errorf("pause %d is %s, want %s", i+1, pause, want)
				}
				if co.calls != before+1 {
					t.Errorf("%d messages in step %d", co.calls-before, i+1)
				}
				courier.Wake() // a sale; it changes nothing
				if again := courier.Step(t.Context()); !again.Equal(next) || co.calls != before+1 {
					t.Errorf("it did not rest: %s, %d messages", again, co.calls-before)
				}
				if st := courier.Status(); st.Down != c.down || st.Problem == "" || st.Err == nil {
					t.Errorf("status %+v", st)
				}
				co.pass(pause)
			}
			co.says = nil
			next := courier.Step(t.Context())
			for next.Equal(co.now()) { // until it has taken in what is new
				next = courier.Step(t.Context())
			}
			if pause := next.Sub(co.now()); pause < time.Minute || pause > 72*time.Second {
				t.Errorf("when all is well it asks again after %s", pause)
			}
			if st := courier.Status(); st.Down || st.Ended || st.Problem != "" || st.Err != nil {
				t.Errorf("when all is well: %+v", st)
			}
			co.clock.pass(-48 * time.Hour) // somebody puts the clock back
			before := co.calls
			courier.Step(t.Context())
			if co.calls == before {
				t.Error("a time of a clock that was put back holds it")
			}
		})
	}
}

// A sale is told with one message; while nobody sells, one question a minute is all.
func TestASaleIsOneMessage(t *testing.T) {
	co := newCompany(t, 20)
	co.folios(1, 100, dte.Boleta)
	s, _ := co.till("Caja 1")
	courier, err := s.newCourier(&serverBooks{s: s})
	must(t, err)
	for courier.Step(t.Context()).Equal(co.now()) { // until it has taken in what is new
	}
	for range 3 {
		sells(t, s)
		before := co.calls
		courier.Step(t.Context())
		if n := co.calls - before; n != 1 {
			t.Errorf("a sale took %d messages", n)
		}
	}
	before := co.calls
	courier.Step(t.Context())
	if co.calls != before {
		t.Error("it asks although nothing happened")
	}
	co.pass(72 * time.Second)
	courier.Step(t.Context())
	if n := co.calls - before; n != 1 {
		t.Errorf("a minute later it asked %d times", n)
	}
}

// The reports of a run are counted, whoever makes them, and a copy of the file is another run: so the server tells a report that came
// late from one of a file that was put back.
func TestReportsAreCounted(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 200, dte.Boleta)
	s, other, _ := c.copied()
	report := func(s *Shop) api.Report {
		r, err := (&serverBooks{s: s}).Report()
		must(t, err)
		return r
	}
	first, second, copied := report(s), report(s), report(other)
	if first.Run == "" || second.Run != first.Run || second.Seq != first.Seq+1 {
		t.Errorf("run %q, report %d, and then run %q, report %d", first.Run, first.Seq, second.Run, second.Seq)
	}
	if copied.Run == "" || copied.Run == first.Run {
		t.Errorf("a copy is run %q, too", copied.Run)
	}
}

// A server that finds out in the middle takes nothing in: nothing of that push counts as told, and the till asks before it goes on.
func TestAPushThatIsHeldTellsNothing(t *testing.T) {
	c := newCompany(t, 20)
	c.folios(1, 200, dte.Boleta)
	s, other, first := c.copied()
	courier, err := other.newCourier(&serverBooks{s: other})
	must(t, err)
	for courier.Step(t.Context()).Equal(c.now()) {
	}
	sells(t, s)
	c.settles(s)
	c.pass(30 * time.Second)
	sells(t, other)
	accepts(t, other, first.Key)
	courier.Step(t.Context())
	head, _, err := other.Store.Points(func(int64) []int64 { return nil })
	must(t, err)
	if waits, err := other.Store.Chunk(head, store.Bounds{Entries: 1, States: 9, Bytes: 1}); err != nil || len(waits.States) != 1 {
		t.Errorf("it takes for told what nobody took in: %+v, %v", waits.States, err)
	}
	c.pass(15 * time.Second)
	courier.Step(t.Context())
	if held, err := other.Store.HeldByServer(); err != nil || held == "" || courier.Status().Hold == "" {
		t.Errorf("it is not held: %+v (%v)", courier.Status(), err)
	}
}
