package shop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/tills"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	centraltest.Main(m)
}

// served is a company's real server: PostgreSQL, HTTP, and somebody on the way who may do as he likes.
type served struct {
	t       testing.TB
	db      *central.DB
	clock   *centraltest.Clock
	company central.Company
	session uuid.UUID
	url     string
	conn    *pgx.Conn
	schema  string

	mu     sync.Mutex
	meddle func(w http.ResponseWriter, r *http.Request, on http.Handler) // nil lets all pass
}

func newServed(t testing.TB) *served {
	t.Helper()
	v := &served{t: t}
	v.db, v.clock = centraltest.New(t)
	v.company = centraltest.Company(t, v.db, dtetest.Company, centraltest.Account(t, v.db, "duena@ejemplo.cl", false))
	login, err := v.db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password)
	must(t, err)
	v.session = login.ID
	front := door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: v.clock.Now})
	listening := httptest.NewUnstartedServer(nil)
	listening.Config = front.HTTP(tills.New(tills.Config{DB: v.db, Door: front, Limits: tills.Limits{AtOnce: 3, Minutely: 1_000_000, Bodies: 8}}))
	inner := listening.Config.Handler
	listening.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		meddle := v.meddle
		v.mu.Unlock()
		if meddle == nil {
			inner.ServeHTTP(w, r)
			return
		}
		meddle(w, r, inner)
	})
	listening.Start()
	t.Cleanup(listening.Close)
	v.url, v.conn = listening.URL, centraltest.Superuser(t, v.db)
	must(t, v.conn.QueryRow(t.Context(), "select schema_name from shared.company where id = $1", v.company.ID).Scan(&v.schema))
	return v
}

func (v *served) between(meddle func(w http.ResponseWriter, r *http.Request, on http.Handler)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.meddle = meddle
}

// call is what a person of the company does.
func (v *served) call(fn func(*central.Call) error) {
	v.t.Helper()
	must(v.t, v.db.EnterCompany(context.Background(), v.session, v.company.ID, fn))
}

// folios gives the company a CAF of each type.
func (v *served) folios(desde, hasta dte.Folio, types ...dte.TipoDTE) {
	v.t.Helper()
	for _, tipo := range types {
		v.call(func(c *central.Call) error {
			_, err := c.UploadCAF(centraltest.CAF(dtetest.Company, tipo, desde, hasta))
			return err
		})
	}
}

// branch is a shop of the company.
func (v *served) branch() Options {
	v.t.Helper()
	o := (&company{t: v.t, clock: &clock{t: v.clock.Now()}}).branch()
	o.Office, o.Now = nil, v.clock.Now
	return o
}

func (v *served) joins(s *Shop, name, url string) {
	v.t.Helper()
	var i central.Invitation
	v.call(func(c *central.Call) (err error) {
		i, err = c.InviteTill(name)
		return err
	})
	must(v.t, s.JoinServer(context.Background(), url, i.Code))
}

// till is a shop that has joined and knows its folios.
func (v *served) till(name string) *Shop {
	v.t.Helper()
	s := opened(v.t, v.branch())
	v.joins(s, name, v.url)
	v.settles(s)
	return s
}

func (v *served) settles(s *Shop) ServerStatus {
	v.t.Helper()
	status, err := s.SyncServer(context.Background())
	must(v.t, err)
	return status
}

// reads reads from the company's tables.
func (v *served) reads(sql string, into ...any) {
	v.t.Helper()
	_, err := v.conn.Exec(context.Background(), "set search_path = "+v.schema)
	must(v.t, err)
	must(v.t, v.conn.QueryRow(context.Background(), sql).Scan(into...))
}

// quiet demands that nothing was kept aside and nobody was alarmed, but for want of folios.
func (v *served) quiet() {
	v.t.Helper()
	var words string
	v.reads("select coalesce(string_agg(kind || ': ' || text, e'\n'), '') from alarm where kind <> 'folios'", &words)
	if words != "" {
		v.t.Errorf("the server is alarmed: %s", words)
	}
	v.reads("select coalesce(string_agg(n || ': ' || why, e'\n'), '') from stray", &words)
	if words != "" {
		v.t.Errorf("the server kept aside: %s", words)
	}
}

// agree demands that the server has every document of these tills, byte by byte and where it stands, and no other.
func (v *served) agree(shops ...*Shop) {
	v.t.Helper()
	_, err := v.conn.Exec(context.Background(), "set search_path = "+v.schema)
	must(v.t, err)
	rows, err := v.conn.Query(context.Background(), `select d.tipo, d.folio, encode(d.sha256, 'hex'), encode(sha256(d.xml), 'hex'), s.state
		from document d join document_state s on s.sale_id = d.sale_id and s.version = d.version`)
	must(v.t, err)
	told := map[string]string{}
	var tipo, folio int64
	var sum, real, state string
	_, err = pgx.ForEachRow(rows, []any{&tipo, &folio, &sum, &real, &state}, func() error {
		if sum != real {
			v.t.Errorf("%d-%d has other bytes than it says", tipo, folio)
		}
		told[fmt.Sprintf("%d-%d %s", tipo, folio, sum)] = state
		return nil
	})
	must(v.t, err)
	for _, s := range shops {
		list, err := s.Store.Documents(sale.DocumentQuery{Limit: 500})
		must(v.t, err)
		for _, d := range list {
			if d.Key.Tipo == sale.Comprobante || replaced(v.t, s, d) {
				continue
			}
			name := fmt.Sprintf("%d-%d %s", d.Key.Tipo, d.Key.Folio, d.SHA256)
			if told[name] != string(d.State) {
				v.t.Errorf("%s is %q at the server and %q at the till", name, told[name], d.State)
			}
			delete(told, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		v.t.Errorf("only the server has %s", name)
	}
}

// replaced reports a document whose sale has another one since.
func replaced(t testing.TB, s *Shop, d sale.DocumentInfo) bool {
	t.Helper()
	past, err := s.Store.Remedies(d.Key)
	must(t, err)
	return slices.ContainsFunc(past, func(r sale.Remedy) bool { return r.Act == sale.ActReissue })
}

// A day at the counter, with all that may happen, is in the server's books as it is in the till's: a shop that joins afterwards
// tells it all, and joining again as another till changes nothing.
func TestADayIsInTheServersBooks(t *testing.T) {
	v := newServed(t)
	s := opened(t, v.branch())
	ownFolios(t, s)
	d := newDay(t, s, v.clock.Advance)
	d.works()
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	v.quiet()
	v.agree(s)
	shifts, err := s.Store.Shifts(1)
	must(t, err)
	owed, err := s.Store.Account(sale.CreditAccount(saletest.Buyer().RUT))
	must(t, err)
	server, err := s.Store.Server()
	must(t, err)
	head, _, err := s.Store.Points(func(int64) []int64 { return nil })
	must(t, err)
	for what, c := range map[string]struct {
		sql  string
		want int64
	}{
		"entries of the chain":   {"select count(*) from till_entry", head.N},
		"what a customer owes":   {"select balance from customer where rut = 76192083", int64(owed.Balance)},
		"cash by the till's Z":   {"select final_cash_system from shift", int64(shifts[0].Expected())},
		"counted":                {"select final_cash_declared from shift", int64(shifts[0].Counted)},
		"cash without a sale":    {"select sum(amount) from cash_movement", int64(shifts[0].CashIn - shifts[0].CashOut)},
		"another document":       {"select count(*) from remedy", 2}, // it heard of the one that was sent again as it was after that
		"sales without document": {"select count(*) from sale where tipo = 48 or tipo >= 900", 3},
	} {
		var got int64
		if v.reads(c.sql, &got); got != c.want {
			t.Errorf("%s: %d at the server, %d at the till", what, got, c.want)
		}
	}
	if ownPoint(wirePoint(server.Has)) != head {
		t.Errorf("the server has it up to %+v of %+v", server.Has, head)
	}
	healthy(t, s)
}

// At whatever byte a connection breaks, in either direction, all is told in the end, each thing once.
func TestTheConnectionBreaksAtEveryByte(t *testing.T) {
	v := newServed(t)
	v.folios(1, 500, dte.Boleta)
	way := newRoad(t, strings.TrimPrefix(v.url, "http://"))
	s := opened(t, v.branch())
	v.joins(s, "Caja 1", way.url())
	v.settles(s)
	failed := 0
	for i, at := range []int{0, 1, 40, 200, 300, 700, 1500, 2500, 4000} {
		for _, stream := range []string{"upstream", "downstream"} {
			if i%3 == 0 {
				accepts(t, s, sells(t, s).Key)
			}
			sells(t, s)
			way.toxic("limit_data", stream, "bytes", at)
			if _, err := s.SyncServer(t.Context()); err != nil {
				failed++
				if e, ok := errors.AsType[*api.Error](err); !ok || !e.Down {
					t.Errorf("%s at byte %d: %v", stream, at, err)
				}
			}
			way.clear()
		}
	}
	if failed < 8 {
		t.Errorf("only %d connections broke", failed)
	}
	v.settles(s)
	v.quiet()
	v.agree(s)
	healthy(t, s)
}

// An answer that is lost after the server has kept everything, and a message that comes twice, change nothing; a page of somebody
// else's, a server that is busy and one that is broken are named for what they are, and all is told afterwards.
func TestAnswersThatGoWrong(t *testing.T) {
	v := newServed(t)
	v.folios(1, 500, dte.Boleta)
	s := v.till("Caja 1")
	for name, c := range map[string]struct {
		meddle func(w http.ResponseWriter, r *http.Request, on http.Handler)
		down   bool
		code   string // empty: nobody notices
	}{
		"lost after the commit": {func(_ http.ResponseWriter, r *http.Request, on http.Handler) {
			on.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}, true, "red"},
		"twice": {func(w http.ResponseWriter, r *http.Request, on http.Handler) {
			body, _ := io.ReadAll(r.Body)
			for _, to := range []http.ResponseWriter{httptest.NewRecorder(), w} {
				r.Body = io.NopCloser(bytes.NewReader(body))
				on.ServeHTTP(to, r)
			}
		}, false, ""},
		"a page of the wifi": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Inicie sesión</html>")
		}, true, "portal"},
		"busy": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, true, "503"},
		"broken": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusInternalServerError)
		}, false, "500"},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"protocol":1,"after":{"n":-4}}`)
		}, false, "respuesta"},
	} {
		t.Run(name, func(t *testing.T) {
			sells(t, s)
			v.between(c.meddle)
			_, err := s.SyncServer(t.Context())
			v.between(nil)
			switch e, ok := errors.AsType[*api.Error](err); {
			case c.code == "":
				must(t, err)
			case !ok || e.Down != c.down || e.Code != c.code:
				t.Errorf("%#v", err)
			}
			if st := s.Server(); st.Down != c.down || (st.Problem == "") != (c.code == "") {
				t.Errorf("the screen says %+v", st)
			}
			v.settles(s)
			v.agree(s)
		})
	}
	v.quiet()
	healthy(t, s)
}

// One who is shut out hears it at once, and the secrets of a till are in no answer that went wrong.
func TestOneWhoIsShutOutHearsIt(t *testing.T) {
	v := newServed(t)
	v.folios(1, 100, dte.Boleta)
	s := v.till("Caja 1")
	server, err := s.Store.Server()
	must(t, err)
	token, err := s.Store.ServerToken()
	must(t, err)
	v.call(func(c *central.Call) error { return c.RevokeTill(server.TillID) })
	_, err = s.SyncServer(t.Context())
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Verdict != api.Ended || strings.Contains(fmt.Sprintf("%+v %v", err, s.Server()), string(token)) {
		t.Errorf("%v", err)
	}
	if r := sells(t, s); r.Key.Folio != 1 {
		t.Errorf("it sold with folio %d", r.Key.Folio)
	}
}

// A till that runs tells what it sells by itself, while it sells.
func TestARunningTillTellsBySelf(t *testing.T) {
	v := newServed(t)
	v.folios(1, 500, dte.Boleta)
	o := v.branch()
	told := make(chan struct{}, 100)
	o.Report = func(st Status) {
		if st.Server.Joined && st.Server.Unsent == 0 {
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}
	s := opened(t, o)
	must(t, s.Start())
	v.joins(s, "Caja 1", v.url)
	arrives := func(n int64) {
		t.Helper()
		end := time.After(30 * time.Second)
		for {
			var have int64
			if v.reads("select count(*) from document", &have); have >= n {
				return
			}
			select {
			case <-told:
			case <-end:
				t.Fatalf("the server has %d documents, want %d; the till says %+v", have, n, s.Server())
			}
		}
	}
	for !hasFolios(t, s) {
		select {
		case <-told:
		case <-time.After(30 * time.Second):
			t.Fatal("no folios came")
		}
	}
	for n := range int64(5) {
		sells(t, s)
		arrives(n + 1)
	}
	must(t, s.Close())
	v.quiet()
}

func hasFolios(t testing.TB, s *Shop) bool {
	t.Helper()
	ranges, err := s.Store.Ranges()
	must(t, err)
	return sale.FoliosLeft(ranges, dte.Boleta, dte.DateOf(s.opt.Now())) > 0
}

// alarms counts those that people must look at, but for want of folios.
func (v *served) alarms() (n int64) {
	v.t.Helper()
	v.reads("select count(*) from alarm where kind <> 'folios'", &n)
	return n
}

// A till that was shut out and joins anew tells its history again: what the server has makes no noise, and what was sold meanwhile,
// from what the till had, is in the books.
func TestATillJoinsAnew(t *testing.T) {
	v := newServed(t)
	v.folios(1001, 1500, dte.Boleta)
	s := opened(t, v.branch())
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 1, 4, dte.DateOf(s.opt.Now())))
	must(t, err)
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	var sold []dte.Key
	for range 6 {
		sold = append(sold, sells(t, s).Key)
		v.settles(s)
	}
	server, err := s.Store.Server()
	must(t, err)
	v.call(func(c *central.Call) error { return c.RevokeTill(server.TillID) })
	_, err = s.SyncServer(t.Context())
	if err == nil {
		t.Fatal("it was not shut out")
	}
	sells(t, s)
	accepts(t, s, sold[0], sold[1])
	v.joins(s, "Caja 1 de nuevo", v.url)
	v.settles(s)
	v.quiet()
	v.agree(s)
	sells(t, s)
	accepts(t, s, sold[2])
	v.settles(s)
	v.quiet()
	v.agree(s)
	healthy(t, s)
}

// A copied file that joins as another till never uses what the first one has, and its history makes no noise but for what it sold
// as a copy.
func TestACopyBecomesAnotherTill(t *testing.T) {
	v := newServed(t)
	v.folios(1001, 1500, dte.Boleta)
	o := v.branch()
	s := opened(t, o)
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 1, 50, dte.DateOf(s.opt.Now())))
	must(t, err)
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	for range 6 {
		sells(t, s)
	}
	v.settles(s)
	must(t, s.Close())
	copied := o
	copied.Dir = filepath.Join(t.TempDir(), "copia")
	must(t, os.CopyFS(copied.Dir, os.DirFS(o.Dir)))
	s, other := opened(t, o), opened(t, copied)
	sells(t, s)
	v.clock.Advance(time.Second)
	stray := sells(t, other)
	v.settles(s)
	if st := v.settles(other); st.Hold == "" {
		t.Fatalf("nobody noticed: %+v", st)
	}
	var kept int64
	if v.reads("select count(*) from stray where folio = "+stray.Key.Folio.String(), &kept); kept != 1 {
		t.Errorf("what the copy sold was kept %d times", kept)
	}
	noise := v.alarms()
	v.joins(other, "Caja 2", v.url)
	if st := v.settles(other); st.Hold != "" {
		t.Fatalf("as another till: %+v", st)
	}
	if n := v.alarms(); n > noise+1 {
		t.Errorf("%d alarms, %d before", n, noise)
	}
	if r := sells(t, other); r.Key.Folio <= 1000 {
		t.Errorf("it used folio %d, which the first one has", r.Key.Folio)
	}
	if r := sells(t, s); r.Key.Folio > 50 {
		t.Errorf("the first one went on with folio %d", r.Key.Folio)
	}
	noise = v.alarms()
	v.settles(other)
	v.settles(s)
	if n := v.alarms(); n != noise {
		t.Errorf("two tills that are two: %d alarms, %d before", n, noise)
	}
	healthy(t, other)
}
