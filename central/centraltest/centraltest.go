// Package centraltest gives tests a real PostgreSQL with the server's schema in it, in milliseconds: one cluster for a test
// program, one database for a test.
package centraltest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"software.sslmate.com/src/go-pkcs12"

	"mostrador/central"
	"mostrador/central/cluster"
	"mostrador/central/practice"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
)

const (
	prefix   = "prueba"
	template = "prueba_modelo"
)

var (
	server *cluster.Cluster
	absent error
	// PostgreSQL copies one template at a time.
	copying sync.Mutex
	count   atomic.Int64
)

// Main runs the tests of a package with a PostgreSQL of their own. Without PostgreSQL on the machine the tests that need it
// are skipped, and say so.
func Main(m *testing.M) {
	os.Exit(run(m, cluster.Options{Fast: true, Settings: []string{"max_connections=300"}}))
}

// MainDurable is Main with a PostgreSQL that flushes what it commits, as in a shop: for measuring.
func MainDurable(m *testing.M) {
	os.Exit(run(m, cluster.Options{Settings: []string{"max_connections=300", "shared_buffers=512MB", "max_wal_size=4GB"}}))
}

func run(m *testing.M, o cluster.Options) int {
	dir, err := os.MkdirTemp("", "mostrador-pg")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	server, err = cluster.Start(ctx, dir, o)
	if errors.Is(err, cluster.ErrMissing) {
		absent = err
		return m.Run()
	}
	if err != nil {
		panic(err)
	}
	defer server.Close()
	if err := makeTemplate(ctx); err != nil {
		panic(err)
	}
	return m.Run()
}

func makeTemplate(ctx context.Context) error {
	if err := statement(ctx, "create database "+template); err != nil {
		return err
	}
	if err := central.Bootstrap(ctx, server.URL(cluster.Superuser, template), prefix); err != nil {
		return err
	}
	db, err := central.Open(ctx, config(template, new(Clock).Now))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx, slog.New(slog.DiscardHandler))
}

func statement(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, server.URL(cluster.Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func config(database string, now func() time.Time) central.Config {
	return central.Config{
		URL: server.URL(central.LoginRole(prefix), database), AdminURL: server.URL(cluster.Superuser, database), Prefix: prefix,
		Keys: Keys(), Now: now, Rand: rand.Reader, MaxConns: 20, Training: dtetest.Trust(),
	}
}

// Keys are master keys that protect nothing.
func Keys() *central.Keyring {
	keys, err := central.ReadKeyring(strings.NewReader("prueba " + strings.Repeat("A", 43) + "=\n"))
	if err != nil {
		panic(err)
	}
	return keys
}

// Start is the instant at which the clocks of tests begin: a Friday at noon in Santiago.
var Start = time.Date(2026, 11, 20, 12, 0, 0, 0, dte.Santiago)

// Clock is a clock that moves when told. Safe for concurrent use.
type Clock struct{ ahead atomic.Int64 }

// Now is the clock's time.
func (c *Clock) Now() time.Time { return Start.Add(time.Duration(c.ahead.Load())) }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// New is a migrated database without companies.
func New(t testing.TB) (*central.DB, *Clock) {
	t.Helper()
	clock := new(Clock)
	return Open(t, NewDatabase(t), clock), clock
}

// NewDatabase makes a migrated database and returns its name: for tests that open several servers on one.
func NewDatabase(t testing.TB) string {
	t.Helper()
	if absent != nil {
		t.Skip(absent)
	}
	name := fmt.Sprintf("prueba_%d_%d", os.Getpid(), count.Add(1))
	copying.Lock()
	defer copying.Unlock()
	if err := statement(t.Context(), "create database "+name+" template "+template); err != nil {
		t.Fatal(err)
	}
	// The privileges of a database are not copied with it.
	if err := statement(t.Context(), "revoke all on database "+name+" from public; grant connect on database "+name+" to "+central.LoginRole(prefix)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// t.Context has ended by now.
		if err := statement(context.WithoutCancel(t.Context()), "drop database if exists "+name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	return name
}

// Open connects a server to a database of NewDatabase.
func Open(t testing.TB, database string, clock *Clock) *central.DB {
	t.Helper()
	return open(t, config(database, clock.Now))
}

// OpenWith is Open for a server that is not as the others.
func OpenWith(t testing.TB, database string, clock *Clock, change func(*central.Config)) *central.DB {
	t.Helper()
	c := config(database, clock.Now)
	change(&c)
	return open(t, c)
}

// OpenPractising is Open for a server whose companies in training have somebody to practise with.
func OpenPractising(t testing.TB, database string, now func() time.Time, p central.Practice) *central.DB {
	t.Helper()
	c := config(database, now)
	c.Practice = p
	return open(t, c)
}

// Practice is an authority to practise with, on a socket. It signs the CAFs that CAF makes, too.
func Practice(t testing.TB, c siisim.Config) *practice.Practice {
	t.Helper()
	c.Authority, c.Rand = dtetest.Authority(), rand.Reader
	p, err := practice.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func open(t testing.TB, c central.Config) *central.DB {
	t.Helper()
	db, err := central.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Superuser connects past all rights, to look at what the server left.
func Superuser(t testing.TB, db *central.DB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// Password of every account that the tests make.
const Password = "clave-de-prueba"

// Account makes an account and returns its number.
func Account(t testing.TB, db *central.DB, email string, superuser bool) int64 {
	t.Helper()
	id, err := db.CreateAccount(t.Context(), central.NewAccount{Email: email, FullName: "Persona " + email, Password: Password, IsSuperuser: superuser})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Company makes a company that belongs to that account.
func Company(t testing.TB, db *central.DB, rut dte.RUT, owner int64) central.Company {
	t.Helper()
	c, err := db.CreateCompany(t.Context(), central.NewCompany{
		Name: "Comercial " + rut.String(), RUT: rut, Ambiente: dte.Capacitacion, Giro: "Almacén", Address: "Av. Siempre Viva 742",
		Commune: "Ñuñoa", City: "Santiago", BillingDay: 1, Actecos: []string{"471100"}, Owner: owner,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// PFX is a certificate file of a person, and its password.
func PFX(t testing.TB, rut dte.RUT) ([]byte, string) {
	t.Helper()
	file, err := pkcs12.Modern.Encode(dtetest.Key(), dtetest.DER(rut), nil, Password)
	if err != nil {
		t.Fatal(err)
	}
	return file, Password
}

// CAF authorises folios 1 to n of a type.
func CAF(emisor dte.RUT, tipo dte.TipoDTE, desde, hasta dte.Folio) []byte {
	_, file := dtetest.CAF(emisor, tipo, desde, hasta, dte.DateOf(Start).AddMonths(-1))
	return file
}
