package central_test

import (
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
)

// The commands are those of docs/central.md, "Respaldo".

func pg(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}

func needDump(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("pg_dump"); err != nil {
		t.Skip(err)
	}
}

// pictureOf is all that there is in a schema: the rows of every table, where every sequence stands, constraints, indexes,
// functions, and who may do what.
func pictureOf(t *testing.T, conn *pgx.Conn, schema string) map[string]string {
	t.Helper()
	picture := map[string]string{}
	collect := func(sql string, args ...any) (names []string) {
		rows, err := conn.Query(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(err)
		}
		var name, text string
		if _, err := pgx.ForEachRow(rows, []any{&name, &text}, func() error {
			names = append(names, name)
			picture[name] = text
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return names
	}
	const of = " from pg_class where relnamespace = $1::regnamespace"
	tables := collect("select relname, ''"+of+" and relkind = 'r'", schema)
	for _, table := range tables {
		name := pgx.Identifier{schema, table}.Sanitize()
		collect("select $1, md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from "+name+" t", table)
	}
	for _, sequence := range collect("select relname, ''"+of+" and relkind = 'S'", schema) {
		collect("select $1, last_value::text || is_called::text from "+pgx.Identifier{schema, sequence}.Sanitize(), sequence)
	}
	collect("select 'rights of ' || relname, coalesce(relacl::text, '') || relowner::regrole::text"+of, schema)
	collect("select 'constraint ' || conname || ' of ' || conrelid::regclass, pg_get_constraintdef(oid) from pg_constraint where connamespace = $1::regnamespace", schema)
	collect("select 'index ' || indexname, indexdef from pg_indexes where schemaname = $1", schema)
	collect("select 'function ' || proname, pg_get_functiondef(oid) from pg_proc where pronamespace = $1::regnamespace", schema)
	collect("select 'schema', nspacl::text || nspowner::regrole::text from pg_namespace where nspname = $1", schema)
	if len(tables) == 0 || len(picture) < 3*len(tables) {
		t.Fatalf("%s: %d tables, %d things", schema, len(tables), len(picture))
	}
	return picture
}

// same tells what is not as it was.
func same(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name := range maps.Keys(before) {
		if before[name] != after[name] {
			t.Errorf("%s: %q was %q", name, after[name], before[name])
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d things, there were %d", len(after), len(before))
	}
}

// A company that was lost comes back from its own dump as it was, with its rights. Its folios begin where the dump ends: what
// was issued since must be taken out of use before it sells, and then it goes on after that.
func TestACompanyComesBackFromItsDump(t *testing.T) {
	needDump(t)
	s := newSchool(t)
	s.sell(3)
	dump := filepath.Join(t.TempDir(), "empresa.dump")
	conn := centraltest.Superuser(t, s.db)
	before := pictureOf(t, conn, s.company.Schema)
	pg(t, "pg_dump", "--format=custom", "--schema="+s.company.Schema, "--file="+dump, s.db.AdminURL)
	since := s.sell(2)
	s.exec("drop schema " + s.company.Schema + " cascade")
	pg(t, "pg_restore", "--exit-on-error", "--single-transaction", "--dbname="+s.db.AdminURL, dump)
	same(t, before, pictureOf(t, conn, s.company.Schema))
	s.call(func(c *central.Call) error {
		_, err := c.AnnulFolios(dte.Boleta, since[0].Folio, since[1].Folio, "Emitidos después del respaldo")
		return err
	})
	if next := s.sell(1); next[0].Folio != since[1].Folio+1 {
		t.Errorf("folio %d after %d", next[0].Folio, since[1].Folio)
	}
}

// All that a server has comes back in another database: what companies share, and each of them; and a server works there.
func TestEverythingComesBackFromADump(t *testing.T) {
	needDump(t)
	s := newSchool(t)
	s.sell(2)
	dump := filepath.Join(t.TempDir(), "todo.dump")
	pg(t, "pg_dump", "--format=custom", "--file="+dump, s.db.AdminURL)
	conn := centraltest.Superuser(t, s.db)
	other := s.database + "_otra"
	if _, err := conn.Exec(t.Context(), "create database "+other); err != nil {
		t.Fatal(err)
	}
	there := strings.Replace(s.db.AdminURL, "/"+s.database, "/"+other, 1)
	pg(t, "pg_restore", "--exit-on-error", "--dbname="+there, dump)
	if err := central.Bootstrap(t.Context(), there, s.db.Prefix); err != nil { // as every start does
		t.Fatal(err)
	}
	restored := centraltest.OpenPractising(t, other, s.clock.Now, s.sim)
	copied := centraltest.Superuser(t, restored)
	for _, schema := range []string{"shared", s.company.Schema} {
		same(t, pictureOf(t, conn, schema), pictureOf(t, copied, schema))
	}
	s.db = restored
	if next := s.sell(1); next[0].Folio != 3 {
		t.Errorf("folio %d", next[0].Folio)
	}
}
