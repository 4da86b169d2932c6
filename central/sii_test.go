package central_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/practice"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
)

// school is a company in training with a server, the simulator, and somebody who sells.
type school struct {
	t        testing.TB
	db       *central.DB
	clock    *centraltest.Clock
	sim      *practice.Practice
	database string
	company  central.Company
	session  uuid.UUID
}

func newSchool(t testing.TB) *school {
	t.Helper()
	s := &school{t: t, clock: new(centraltest.Clock), database: centraltest.NewDatabase(t)}
	s.sim = centraltest.Practice(t, siisim.Config{Now: s.clock.Now})
	s.db = s.server()
	s.company = s.newCompany(dtetest.Company)
	s.login(s.company)
	return s
}

// server is one more server on the same database.
func (s *school) server() *central.DB {
	return centraltest.OpenPractising(s.t, s.database, s.clock.Now, s.sim)
}

func (s *school) newCompany(rut dte.RUT) central.Company {
	return centraltest.Company(s.t, s.db, rut, centraltest.Account(s.t, s.db, "a"+rut.Number()+"@ejemplo.cl", false))
}

// login opens the drawer of a company's owner and gives it something to sell.
func (s *school) login(company central.Company) {
	s.t.Helper()
	session, err := s.db.Login(s.t.Context(), "a"+company.RUT.Number()+"@ejemplo.cl", centraltest.Password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.company, s.session = company, session.ID
	s.call(func(c *central.Call) error {
		_, err := c.OpenShift(0, false)
		return err
	})
	s.exec("insert into product (codigo_interno, nombre, precio_neto, tax_id, updated_at) values ('P1', 'Pan', 1000, 1, now())")
}

func (s *school) call(fn func(*central.Call) error) {
	s.t.Helper()
	if err := s.db.EnterCompany(s.t.Context(), s.session, s.company.ID, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) exec(sql string, args ...any) {
	s.t.Helper()
	conn := centraltest.Superuser(s.t, s.db)
	defer func() { _ = conn.Close(s.t.Context()) }() // there may be hundreds
	if _, err := conn.Exec(s.t.Context(), "set search_path to "+s.company.Schema+", extensions"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

func newSale(tipo dte.TipoDTE) central.NewSale {
	return central.NewSale{
		Tipo: tipo, Customer: central.SinNombre, Items: []central.SaleItem{{ProductID: 1, Qty: money.One}},
		Payments: []central.Tender{{MethodID: 1, Amount: 1190}},
	}
}

func (s *school) sell(n int) (sold []central.Sale) {
	s.t.Helper()
	for range n {
		s.call(func(c *central.Call) error {
			made, err := c.Sell(newSale(dte.Boleta))
			sold = append(sold, made)
			return err
		})
	}
	return sold
}

// turn does one turn, as the job does.
func (s *school) turn() central.Turn {
	s.t.Helper()
	t, err := s.db.Drain(s.t.Context(), s.company.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// settle does turns, each when it is due, until nothing waits for the authority.
func (s *school) settle() {
	s.t.Helper()
	for range 50 {
		if s.turn().Status.Backlog.Documents == 0 {
			return
		}
		s.clock.Advance(30 * time.Second)
	}
	s.t.Fatal("it never came to an end")
}

func (s *school) sale(id int64) (found central.Sale) {
	s.t.Helper()
	s.call(func(c *central.Call) (err error) {
		found, err = c.Sale(id)
		return err
	})
	return found
}

// once wants every envelope to have come once, with n documents in all.
func (s *school) once(n int) {
	s.t.Helper()
	seen := map[dte.Key]bool{}
	for _, e := range s.sim.Envelopes() {
		if e.Times != 1 {
			s.t.Errorf("envelope %s came %d times", e.File, e.Times)
		}
		for _, d := range e.Documents {
			if seen[d.Key] {
				s.t.Errorf("%s came twice", d.Key)
			}
			seen[d.Key] = true
		}
	}
	if len(seen) != n {
		s.t.Errorf("%d documents came, want %d", len(seen), n)
	}
}

func isUpload(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "envio") || strings.HasSuffix(r.URL.Path, "DTEUpload")
}

// A company in training has a certificate and folios from its first moment, and never runs out of them.
func TestATrainingCompanySellsAtOnce(t *testing.T) {
	s := newSchool(t)
	sold := s.sell(1)
	if sold[0].State != dte.Issued {
		t.Errorf("state %s", sold[0].State)
	}
	s.settle()
	if got := s.sale(sold[0].ID); got.State != dte.Accepted {
		t.Errorf("state %s %+v", got.State, got.Veredicto)
	}
	s.once(1)

	s.exec("update caf set next = hasta + 1")
	s.exec("delete from folio_ready")
	if last := s.sell(1)[0]; last.Folio != 1001 {
		t.Errorf("after the last folio: %d", last.Folio)
	}
}

// What the authority does not take is rejected with its reason, and its neighbours arrive.
func TestARejectedDocumentSaysWhy(t *testing.T) {
	s := newSchool(t)
	scenario, err := siisim.NamedScenario("reject:DTE-3-505")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sim.SetScenario(scenario); err != nil {
		t.Fatal(err)
	}
	sold := s.sell(3)
	s.settle()
	bad, good := s.sale(sold[0].ID), s.sale(sold[2].ID)
	if bad.State != dte.Rejected || bad.Veredicto == nil || bad.Veredicto.Codigo != "DTE-3-505" || good.State != dte.Accepted {
		t.Errorf("%s %+v, %s", bad.State, bad.Veredicto, good.State)
	}
	health, err := s.db.Healths(t.Context(), central.Page{})
	if err != nil || len(health) != 1 || health[0].Rejected != 1 || health[0].Backlog.Documents != 0 {
		t.Errorf("%+v, %v", health, err)
	}
}

// A line that is down counts no attempt, is told, and is tried again by itself.
func TestALineThatIsDown(t *testing.T) {
	s := newSchool(t)
	s.sim.SetLine(false)
	sold := s.sell(2)
	var last central.Turn
	for range 4 {
		s.clock.Advance(time.Minute)
		last = s.turn()
		if !last.Status.Down || last.Next.IsZero() || last.Next.After(s.clock.Now().Add(2*time.Minute)) {
			t.Errorf("%+v", last)
		}
	}
	health, err := s.db.Healths(t.Context(), central.Page{})
	if err != nil || health[0].DownSince == nil || health[0].Problem == "" || health[0].Backlog.Documents != 2 {
		t.Errorf("%+v, %v", health, err)
	}
	if health[0].ProblemAt == nil || !health[0].ProblemAt.Before(s.clock.Now()) {
		t.Errorf("the trouble began %v", health[0].ProblemAt)
	}
	s.sim.SetLine(true)
	s.clock.Advance(2 * time.Minute)
	s.settle()
	for _, sale := range sold {
		if got := s.sale(sale.ID); got.State != dte.Accepted {
			t.Errorf("%d is %s", sale.Folio, got.State)
		}
	}
	s.once(2)
	if health, err = s.db.Healths(t.Context(), central.Page{}); err != nil || health[0].DownSince != nil || health[0].Problem != "" {
		t.Errorf("%+v, %v", health, err)
	}
}

// An upload whose answer was lost is asked for before anything is sent again.
func TestAnAnswerThatWasLost(t *testing.T) {
	s := newSchool(t)
	var lost atomic.Int32
	s.sim.SetFault(func(r *http.Request) siisim.Fault {
		if isUpload(r) {
			lost.Add(1)
			return siisim.SilenceAfter
		}
		return siisim.NoFault
	})
	sold := s.sell(1)
	s.clock.Advance(time.Minute)
	s.turn()
	if got := s.sale(sold[0].ID); lost.Load() != 1 || got.State != dte.Unknown {
		t.Fatalf("%d lost, state %s", lost.Load(), got.State)
	}
	s.settle()
	s.once(1)
}

// However many servers look at the same company at the same time, nothing is sent twice.
func TestServersDoNotSendTheSameTwice(t *testing.T) {
	s := newSchool(t)
	servers := []*central.DB{s.db, s.server(), s.server()}
	sold := s.sell(30)
	s.exec("update document_state set issued_at = issued_at - interval '1 hour'")
	for range 12 {
		var wg sync.WaitGroup
		for _, db := range servers {
			wg.Go(func() {
				if _, err := db.Drain(t.Context(), s.company.ID); err != nil && !errors.Is(err, central.ErrBusy) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s.clock.Advance(10 * time.Second)
	}
	for _, sale := range sold {
		if got := s.sale(sale.ID); got.State != dte.Accepted {
			t.Errorf("%d is %s", sale.Folio, got.State)
		}
	}
	s.once(30)
}

// A long backlog is left to the next turn, so that other companies get theirs.
func TestALongBacklogGivesWay(t *testing.T) {
	s := newSchool(t)
	s.sell(20*central.StepsATurn + 1)
	o, err := s.db.TakeOutbox(t.Context(), s.company.ID)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := o.Waiting(true, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs { // an envelope for each
		xml, err := dte.NewEnvelope([]*dte.Document{doc}, dte.Resolucion{Fch: dte.DateOf(s.clock.Now())}, dte.RUTSII, dtetest.Signer(dtetest.Person), s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.NewSobre(dte.Sobre{Boletas: true, Emisor: s.company.RUT, Keys: []dte.Key{doc.Key()}, XML: xml, CreatedAt: s.clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Advance(central.LeaseTime)
	var uploads atomic.Int64
	s.sim.SetFault(func(r *http.Request) siisim.Fault {
		if isUpload(r) {
			uploads.Add(1)
		}
		return siisim.NoFault
	})
	turn := s.turn()
	if turn.Next.After(s.clock.Now()) || turn.Next.IsZero() {
		t.Errorf("it goes on at %v", turn.Next)
	}
	if got := uploads.Load(); got != 20*central.StepsATurn {
		t.Errorf("%d uploads in a turn", got)
	}
}

// A sale that saw the mark of another's job and was committed after that job had looked is not forgotten.
func TestASaleUnderWayIsNotForgotten(t *testing.T) {
	s := newSchool(t)
	s.sell(1) // makes the mark
	var late central.Sale
	s.call(func(c *central.Call) (err error) {
		late, err = c.Sell(newSale(dte.Boleta)) // sees the mark, and makes no job
		s.clock.Advance(time.Minute)
		s.turn() // takes the mark away, and does not see the sale
		return err
	})
	s.clock.Advance(time.Minute)
	s.turn()
	if got := s.sale(late.ID); got.State == dte.Issued {
		t.Error("it waits, and no job knows of it")
	}

	// The same when nothing else would have brought the next turn.
	s.settle()
	s.exec("update drain set due = true")
	if turn := s.turn(); turn.Next.IsZero() || turn.Next.After(s.clock.Now().Add(central.LongestSale)) {
		t.Errorf("it looks again at %v", turn.Next)
	}
	if turn := s.turn(); !turn.Next.IsZero() {
		t.Errorf("and again at %v", turn.Next)
	}
}

// Of the turns that were put off only the newest takes place, so they do not multiply with the sales.
func TestTurnsDoNotMultiply(t *testing.T) {
	s := newSchool(t)
	s.turn() // of the company's making
	s.sell(1)
	s.turn()
	var now int64
	conn := centraltest.Superuser(t, s.db)
	if err := conn.QueryRow(t.Context(), "select turn from "+s.company.Schema+".drain").Scan(&now); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.DrainTurn(t.Context(), s.company.ID, now-1); !errors.Is(err, central.ErrOver) {
		t.Errorf("a turn that is over: %v", err)
	}
	if _, err := s.db.DrainTurn(t.Context(), s.company.ID, now); err != nil {
		t.Errorf("the turn that was put off: %v", err)
	}
}

// The jobs of two servers do all that by themselves, and end when told.
func TestJobsBringVerdicts(t *testing.T) {
	s := newSchool(t)
	// A clock that goes on whenever somebody looks at it.
	now := func() time.Time { s.clock.Advance(100 * time.Millisecond); return s.clock.Now() }
	log := slog.New(slog.NewTextHandler(&lines{t: t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for range 2 {
		db := centraltest.OpenPractising(t, s.database, now, s.sim)
		stop, err := db.Work(t.Context(), log, 4)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	s.sell(3)
	s.login(s.newCompany(76086428))
	s.sell(3)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	giveUp := time.After(5 * time.Minute)
	for s.pending() {
		select {
		case <-look.C:
		case <-giveUp:
			t.Fatal("no verdict within five minutes")
		}
	}
	s.once(6)
}

// pending reports that documents of some company wait for a verdict.
func (s *school) pending() bool {
	health, err := s.db.Healths(s.t.Context(), central.Page{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range health {
		if h.Backlog.Documents > 0 {
			return true
		}
	}
	return false
}

// lines puts a log into the test's.
type lines struct{ t testing.TB }

func (l *lines) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// What a person must mend is told, keeps the documents where they are, and asks nobody.
func TestWhatAPersonMustMend(t *testing.T) {
	s := newSchool(t)
	s.sell(1)
	s.exec("update issuer set resolucion_fch = null")
	conn := centraltest.Superuser(t, s.db)
	if _, err := conn.Exec(t.Context(), "update shared.company set ambiente = 'certificacion'"); err != nil {
		t.Fatal(err)
	}
	turn := s.turn()
	if !strings.Contains(turn.Status.Problem, "resolución") || turn.Next.IsZero() {
		t.Errorf("%+v", turn)
	}
	if health, err := s.db.Healths(t.Context(), central.Page{}); err != nil || !strings.Contains(health[0].Problem, "resolución") || health[0].Backlog.Documents != 1 {
		t.Errorf("%+v, %v", health, err)
	}
	if _, err := conn.Exec(t.Context(), "update shared.company set ambiente = 'capacitacion'"); err != nil {
		t.Fatal(err)
	}
	s.exec("update certificate set sealed = sealed || '\\x00'")
	blind := centraltest.OpenPractising(t, s.database, s.clock.Now, s.sim) // which has not opened it yet
	if turn, err := blind.Drain(t.Context(), s.company.ID); err != nil || turn.Status.Problem == "" || turn.Next.IsZero() {
		t.Errorf("%+v, %v", turn, err)
	}
	s.settle()
	s.once(1)
}

// read reads one row of the company's tables.
func (s *school) read(sql string, into []any, args ...any) {
	s.t.Helper()
	conn := centraltest.Superuser(s.t, s.db)
	defer func() { _ = conn.Close(s.t.Context()) }()
	if _, err := conn.Exec(s.t.Context(), "set search_path to "+s.company.Schema+", extensions"); err != nil {
		s.t.Fatal(err)
	}
	if err := conn.QueryRow(s.t.Context(), sql, args...).Scan(into...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}
