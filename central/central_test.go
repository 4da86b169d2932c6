package central_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

func TestMain(m *testing.M) {
	if orders := os.Getenv(drainVar); orders != "" {
		if err := drainOnce(orders); err != nil {
			fmt.Println(err)
		}
		return
	}
	centraltest.Main(m)
}

// A new company works at once: Torn's answered 500 until somebody filled its tables by hand.
func TestANewCompanyIsFurnished(t *testing.T) {
	db, _ := centraltest.New(t)
	owner := centraltest.Account(t, db, "Duena@Ejemplo.CL", false)
	company := centraltest.Company(t, db, 76086428, owner)

	session, err := db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password)
	if err != nil {
		t.Fatal(err)
	}
	err = db.EnterCompany(t.Context(), session.ID, 0, func(c *central.Call) error {
		if !c.May(central.Administer) || c.Role.Name != central.Administrador || !c.Person.IsOwner {
			t.Errorf("the owner is %+v", c.Person)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if company.Schema != "tenant_760864285" {
		t.Errorf("schema %q", company.Schema)
	}
	_, err = db.CreateCompany(t.Context(), central.NewCompany{Name: "Otra", RUT: 76086428, Ambiente: dte.Capacitacion, BillingDay: 1})
	var refused *central.RefusalError
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "Ya existe un inquilino registrado para el RUT: 76086428-5") {
		t.Errorf("the second one: %v", err)
	}
}

// What one company may see is its own, whatever statement reaches the database in its name.
func TestNoStatementCrosses(t *testing.T) {
	db, _ := centraltest.New(t)
	owner := centraltest.Account(t, db, "a@ejemplo.cl", false)
	first := centraltest.Company(t, db, 76086428, owner)
	second := centraltest.Company(t, db, 77777777, owner)
	session, err := db.Login(t.Context(), "a@ejemplo.cl", centraltest.Password)
	if err != nil {
		t.Fatal(err)
	}
	_ = session
	role := "prueba_" + second.Schema
	tenant := central.Tenant{ID: first.ID, Schema: first.Schema, Role: "prueba_" + first.Schema}
	for name, sql := range map[string]string{
		"another schema by name":  "select * from " + second.Schema + ".customer",
		"the shared tables":       "select * from shared.account",
		"the role as an argument": "select set_config('role', '" + role + "', true)",
		"the path as an argument": "select set_config('search_path', '" + second.Schema + "', true)",
		"a query inside a query":  "select query_to_xml('set role " + role + "', true, true, '')",
		"a table of another":      "select table_to_xml('" + second.Schema + ".customer', true, true, '')",
		"history changed":         "update payment set kept = 0",
		"history removed":         "delete from document",
		"a table of its own":      "create table mine (n int)",
		"everything at once":      "truncate customer",
		"files of the server":     "select pg_read_file('/etc/passwd')",
		"a program":               "copy customer to program 'true'",
		"large objects":           "select lo_import('/etc/passwd')",
	} {
		t.Run(name, func(t *testing.T) {
			err := db.InTenant(t.Context(), tenant, func(tx pgx.Tx) error {
				rows, err := tx.Query(t.Context(), sql)
				if err != nil {
					return err
				}
				rows.Close()
				return rows.Err()
			})
			if err == nil {
				t.Error("it was allowed")
			}
		})
	}
	// A second statement does not fit into one with arguments, and the server sends no other kind on a company's behalf.
	err = db.InTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "select $1::int; set local role "+role, 1)
		return err
	})
	if err == nil {
		t.Error("a second statement was taken")
	}
}

// Outside InTenant the server's login can read nothing at all, and a connection that served one company keeps nothing of it.
func TestTheLoginHasNoRights(t *testing.T) {
	db, _ := centraltest.New(t)
	owner := centraltest.Account(t, db, "a@ejemplo.cl", false)
	company := centraltest.Company(t, db, 76086428, owner)
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	for _, sql := range []string{"select * from shared.account", "select * from " + company.Schema + ".customer"} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: allowed", sql)
		}
	}
	if _, err := conn.Exec(t.Context(), "begin; set local role prueba_"+company.Schema+"; set local search_path to "+company.Schema+"; select * from customer; commit"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "select * from "+company.Schema+".customer"); err == nil {
		t.Error("the role outlived its transaction")
	}
}
