package central_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

var silent = slog.New(slog.DiscardHandler)

// town is a database with companies, an account that may enter them all, and a look past all rights.
type town struct {
	*testing.T
	database  string
	clock     *centraltest.Clock
	db        *central.DB
	companies []central.Company
	session   central.Session
	root      *pgx.Conn
}

func newTown(t *testing.T, n int) *town {
	t.Helper()
	w := &town{T: t, database: centraltest.NewDatabase(t), clock: new(centraltest.Clock)}
	w.db = centraltest.Open(t, w.database, w.clock)
	owner := centraltest.Account(t, w.db, "duena@ejemplo.cl", true)
	for i := range n {
		w.companies = append(w.companies, centraltest.Company(t, w.db, dte.RUT(76_000_000+i), owner))
	}
	var err error
	if w.session, err = w.db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password); err != nil {
		t.Fatal(err)
	}
	w.root = centraltest.Superuser(t, w.db)
	return w
}

// newer is another server on the same database, whose program is newer by one migration.
func (w *town) newer(sql string) *central.DB {
	w.Helper()
	db := centraltest.Open(w, w.database, w.clock)
	central.Newer(db, sql)
	return db
}

// enters says what becomes of a call into a company.
func (w *town) enters(db *central.DB, c central.Company) error {
	return db.EnterCompany(w.Context(), w.session.ID, c.ID, func(*central.Call) error { return nil })
}

// count of the companies whose schema has that table.
func (w *town) count(table string) (n int) {
	w.Helper()
	if err := w.root.QueryRow(w.Context(), "select count(*) from pg_tables where tablename = $1", table).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// A run that is cut in the middle leaves whole companies, done or not, and the next one does the rest. Nobody works in a
// company that is not there yet, and an older server goes on serving all.
func TestAnInterruptedMigrationGoesOn(t *testing.T) {
	w := newTown(t, 9)
	db := w.newer(`select pg_advisory_xact_lock_shared(77) where current_schema() >= 'tenant_76000004'; create table fresh (n int); insert into fresh values (1);`)
	if _, err := w.root.Exec(t.Context(), "select pg_advisory_lock(77)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- db.Migrate(ctx, silent) }()
	centraltest.Until(t, w.root, "four of them stand in the middle", "select count(*) = 4 from pg_locks where locktype = 'advisory' and objid = 77 and not granted")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted run says %v", err)
	}
	if done := w.count("fresh"); done != 4 {
		t.Errorf("%d companies were done", done)
	}
	var refused *central.RefusalError
	if err := w.enters(db, w.companies[8]); !errors.As(err, &refused) || refused.Kind != central.Unavailable || refused.Wait == 0 {
		t.Errorf("a company that is not there yet: %v", err)
	}
	for _, c := range []central.Company{w.companies[0], w.companies[8]} {
		if err := w.enters(w.db, c); err != nil {
			t.Errorf("the older server: %v", err)
		}
	}
	if b, err := db.Backlog(t.Context()); err != nil || b.CompaniesBehind != 5 {
		t.Errorf("%+v %v", b, err)
	}
	if _, err := w.root.Exec(t.Context(), "select pg_advisory_unlock(77)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	if done := w.count("fresh"); done != 9 {
		t.Errorf("%d companies in the end", done)
	}
	if err := w.enters(db, w.companies[8]); err != nil {
		t.Error(err)
	}
	// An older program that starts now changes nothing and serves.
	if err := errors.Join(w.db.Migrate(t.Context(), silent), w.enters(w.db, w.companies[8])); err != nil {
		t.Errorf("the older one: %v", err)
	}
}

// Two servers that start together do every company once.
func TestTwoServersMigrateTogether(t *testing.T) {
	w := newTown(t, 6)
	sql := `create table fresh (n int); insert into fresh values (1);`
	var wg sync.WaitGroup
	for range 2 {
		db := w.newer(sql)
		wg.Go(func() {
			if err := db.Migrate(t.Context(), silent); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range w.companies {
		var rows, noted int
		if err := w.root.QueryRow(t.Context(), "select (select count(*) from "+c.Schema+".fresh), (select count(*) from "+c.Schema+
			".migration where version_id = 90000)").Scan(&rows, &noted); err != nil || rows != 1 || noted != 1 {
			t.Errorf("%s: %d rows, noted %d times, %v", c.Schema, rows, noted, err)
		}
	}
}

// A company that cannot be migrated is named and closed; the others are done and served. Mended, the next run opens it.
func TestACompanyThatFailsStopsNobody(t *testing.T) {
	w := newTown(t, 6)
	bad := w.companies[2]
	if _, err := w.root.Exec(t.Context(), "create table "+bad.Schema+".fresh (in_the_way int)"); err != nil {
		t.Fatal(err)
	}
	db := w.newer(`create table fresh (n int);`)
	var log bytes.Buffer
	err := db.Migrate(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)))
	var failed *central.CompaniesError
	if !errors.As(err, &failed) || len(failed.Failed) != 1 || !strings.Contains(err.Error(), bad.Schema) {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(log.String(), `"esquema":"`+bad.Schema+`"`) {
		t.Errorf("not in the log: %s", log.String())
	}
	for _, c := range w.companies {
		if err := w.enters(db, c); (err != nil) != (c.ID == bad.ID) {
			t.Errorf("%s: %v", c.Schema, err)
		}
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("one company closes the server: %v", err)
	}
	if _, err := w.root.Exec(t.Context(), "drop table "+bad.Schema+".fresh"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Migrate(t.Context(), silent), w.enters(db, bad)); err != nil {
		t.Error(err)
	}
}

// A change of a table does not stand in the way of those who work there: it gives up and tries again.
func TestAMigrationWaitsForWhoWorks(t *testing.T) {
	w := newTown(t, 1)
	schema := w.companies[0].Schema
	if _, err := w.root.Exec(t.Context(), "begin; select from "+schema+".customer"); err != nil {
		t.Fatal(err)
	}
	db := w.newer(`alter table customer add column fresh int;`)
	ended := make(chan error)
	go func() { ended <- db.Migrate(t.Context(), silent) }()
	look := centraltest.Superuser(t, w.db)
	centraltest.Until(t, look, "it waits for the table", "select exists (select from pg_locks where mode = 'AccessExclusiveLock' and not granted and relation = '"+schema+".customer'::regclass)")
	centraltest.Until(t, look, "it gave up", "select not exists (select from pg_locks where mode = 'AccessExclusiveLock' and not granted and relation = '"+schema+".customer'::regclass)")
	if _, err := w.root.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A company that was created half way is invisible, and the next try with the same RUT finishes it, wherever it stopped.
func TestACompanyHalfMadeIsFinished(t *testing.T) {
	w := newTown(t, 0)
	const rut = dte.RUT(76086428)
	schema := "tenant_760864285"
	n := central.NewCompany{Name: "Comercial", RUT: rut, Ambiente: dte.Capacitacion, BillingDay: 1, Owner: w.session.Account.ID}
	try := func(ctx context.Context) error {
		_, err := w.db.CreateCompany(ctx, n)
		return err
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := w.root.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// Before its schema: the RUT is taken, nothing else.
	exec("select pg_advisory_lock(hashtext('mostrador schema " + schema + "'))")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- try(ctx) }()
	centraltest.Until(t, w.root, "it waits", "select exists (select from pg_locks where locktype = 'advisory' and not granted)")
	cancel()
	if err := <-ended; err == nil {
		t.Error("it was made in spite of all")
	}
	exec("select pg_advisory_unlock_all()")
	// In the middle of its tables.
	exec("create schema " + schema + " authorization prueba_owner; create table " + schema + ".sale_line (in_the_way int)")
	if err := try(t.Context()); err == nil {
		t.Error("it was made with a foreign table in it")
	}
	exec("drop table " + schema + ".sale_line")
	// In the middle of its furniture: who is to own it does not exist.
	owner := n.Owner
	n.Owner = 12345
	if err := try(t.Context()); err == nil {
		t.Error("it was made for nobody")
	}
	n.Owner = owner
	var state string
	if err := w.root.QueryRow(t.Context(), "select state from shared.company").Scan(&state); err != nil || state != "creating" {
		t.Errorf("state %q %v", state, err)
	}
	if err := w.enters(w.db, central.Company{ID: 1}); err == nil {
		t.Error("a company half made lets people in")
	}
	// Several at once: it is made once, and nobody else's attempt gets into it.
	var made int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			err := try(t.Context())
			mu.Lock()
			defer mu.Unlock()
			var refused *central.RefusalError
			switch {
			case err == nil:
				made++
			case !errors.As(err, &refused):
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	if err := w.enters(w.db, central.Company{ID: 1}); err != nil {
		t.Error(err)
	}
}

// How long a migration of many companies takes; MOSTRADOR_COMPANIES says how many.
func TestMigratingManyCompanies(t *testing.T) {
	many, err := strconv.Atoi(os.Getenv("MOSTRADOR_COMPANIES"))
	if err != nil {
		t.Skip("MOSTRADOR_COMPANIES is not set")
	}
	begun := time.Now()
	w := newTown(t, many)
	t.Logf("%d companies made in %v", many, time.Since(begun))
	db := w.newer(`create table fresh (n int);`)
	begun = time.Now()
	if err := db.Migrate(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	t.Logf("migrated in %v", time.Since(begun))
	begun = time.Now()
	if err := db.Migrate(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	t.Logf("nothing to do: %v", time.Since(begun))
	if done := w.count("fresh"); done != many {
		t.Errorf("%d of %d", done, many)
	}
}
