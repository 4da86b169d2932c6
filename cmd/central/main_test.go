package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/cluster"
	"mostrador/dte"
	"mostrador/money"
)

// ownServer is the program's parts on a PostgreSQL of their own, in a folder that is new; without PostgreSQL on the machine
// the test is skipped.
func ownServer(t *testing.T, args ...string) (options, *central.DB) {
	t.Helper()
	dir, err := os.MkdirTemp("", "mostrador-central") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // root has PostgreSQL run as somebody else
		t.Fatal(err)
	}
	o, err := parse(append([]string{"-local", filepath.Join(dir, "c")}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	own, err := o.startLocal(t.Context())
	if errors.Is(err, cluster.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	training, err := o.startSimulator(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if training != nil {
		t.Cleanup(func() { _ = training.Close() })
	}
	db, err := o.migrated(t.Context(), slog.New(slog.DiscardHandler), training)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return o, db
}

// sellTo sells a boleta of a new company in training.
func sellTo(t *testing.T, o options, db *central.DB) {
	t.Helper()
	ctx := t.Context()
	owner, err := db.CreateAccount(ctx, central.NewAccount{Email: "a@ejemplo.cl", FullName: "Ana", Password: "clave-de-prueba"})
	if err != nil {
		t.Fatal(err)
	}
	company, err := db.CreateCompany(ctx, central.NewCompany{
		Name: "Almacén", RUT: 76086428, Ambiente: dte.Capacitacion, Giro: "Almacén", Address: "Uno 1", Commune: "Ñuñoa", City: "Santiago",
		BillingDay: 1, Actecos: []string{"471100"}, Owner: owner,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, o.adminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	if _, err := conn.Exec(ctx, "insert into "+company.Schema+".product (codigo_interno, nombre, precio_neto, tax_id, updated_at) values ('P1', 'Pan', 1000, 1, now())"); err != nil {
		t.Fatal(err)
	}
	session, err := db.Login(ctx, "a@ejemplo.cl", "clave-de-prueba")
	if err != nil {
		t.Fatal(err)
	}
	err = db.EnterCompany(ctx, session.ID, company.ID, func(c *central.Call) error {
		if _, err := c.OpenShift(0, false); err != nil {
			return err
		}
		_, err := c.Sell(central.NewSale{
			Tipo: dte.Boleta, Customer: central.SinNombre, Items: []central.SaleItem{{ProductID: 1, Qty: money.One}},
			Payments: []central.Tender{{MethodID: 1, Amount: 1190}},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// With -simulator a company in training sells from its first moment, and its documents get their verdict by themselves.
func TestTheSimulatorServesTraining(t *testing.T) {
	o, db := ownServer(t, "-simulator")
	sellTo(t, o, db)
	stop, err := o.startJobs(t.Context(), db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	giveUp := time.After(5 * time.Minute)
	for {
		health, err := db.Healths(t.Context(), central.Page{})
		if err != nil {
			t.Fatal(err)
		}
		if health[0].Backlog.Documents == 0 {
			break
		}
		select {
		case <-look.C:
		case <-giveUp:
			t.Fatalf("no verdict: %+v", health[0])
		}
	}
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
	state, err := os.ReadFile(filepath.Join(o.local, "simulador", "estado.jsonl"))
	if err != nil || !strings.Contains(string(state), `"state":"accepted"`) {
		t.Errorf("the simulator remembers %d bytes, %v", len(state), err)
	}
	key, err := os.Stat(filepath.Join(o.local, "simulador", "llave.pem"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("its key: %v, %v", key, err)
	}
}

// The simulator answers for companies in training of this machine only, and has nowhere to be without a folder.
func TestTheSimulatorNeedsAFolder(t *testing.T) {
	o := options{simulator: true}
	if _, err := o.startSimulator(time.Now); err == nil || !strings.Contains(err.Error(), "-local") {
		t.Errorf("%v", err)
	}
	if p, err := new(options).startSimulator(time.Now); p != nil || err != nil {
		t.Errorf("unasked: %v, %v", p, err)
	}
}
