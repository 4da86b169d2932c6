package central_test

import (
	"context"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"mostrador/central"
	"mostrador/central/centraltest"
)

// The catalogue's answers to who may do what: each question counts what must not be. `make audit-security` prints them.
func TestAuditCatalogue(t *testing.T) {
	w := newTown(t, 2)
	exec := func(sql string) {
		t.Helper()
		if _, err := w.root.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	a, b := w.companies[0].Schema, w.companies[1].Schema
	for _, control := range []struct {
		name, question string
		// breaks and mends: with the first statement the control must fail.
		breaks, mends string
	}{
		{
			"no role of a company holds a right on a table of another schema",
			`select count(*) from pg_class t join pg_namespace n on n.oid = t.relnamespace, shared.company c
			where t.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname <> c.schema_name and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
			and has_table_privilege(c.role_name, t.oid, 'select, insert, update, delete, truncate, references, trigger')`,
			"grant select on " + b + ".customer to prueba_" + a, "revoke select on " + b + ".customer from prueba_" + a,
		},
		{
			"no role of a company may look into another company's schema",
			`select count(*) from shared.company c join pg_namespace n on n.nspname <> c.schema_name and n.nspname like 'tenant%' or n.nspname = 'shared'
			where has_schema_privilege(c.role_name, n.oid, 'usage, create')`,
			"grant usage on schema " + b + " to prueba_" + a, "revoke usage on schema " + b + " from prueba_" + a,
		},
		{
			"no role of a company owns anything",
			"select count(*) from pg_class t join shared.company c on pg_get_userbyid(t.relowner) = c.role_name",
			"alter table " + a + ".brand owner to prueba_" + a, "alter table " + a + ".brand owner to prueba_owner",
		},
		{
			"a company's role makes nothing in its own schema",
			"select count(*) from shared.company c where has_schema_privilege(c.role_name, c.schema_name, 'create')",
			"grant create on schema " + a + " to prueba_" + a, "revoke create on schema " + a + " from prueba_" + a,
		},
		{
			"the login owns nothing",
			"select count(*) from pg_class where relowner = 'prueba_login'::regrole",
			"alter table shared.plan owner to prueba_login", "alter table shared.plan owner to prueba_owner",
		},
		{
			"the login has no rights of its own",
			`select count(*) from pg_class t join pg_namespace n on n.oid = t.relnamespace where (n.nspname = 'shared' or n.nspname like 'tenant%')
			and t.relkind in ('r', 'p', 'v', 'm') and has_table_privilege('prueba_login', t.oid, 'select, insert, update, delete, truncate')`,
			"grant select on shared.account to prueba_login", "revoke select on shared.account from prueba_login",
		},
		{
			"no role of ours is a superuser, passes row security, makes roles or databases, or inherits",
			"select count(*) from pg_roles where rolname like 'prueba\\_%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)",
			"alter role prueba_login inherit", "alter role prueba_login noinherit",
		},
		{
			"the roles of companies and the owner do not log in",
			"select count(*) from pg_roles where rolname like 'prueba\\_%' and rolname <> 'prueba_login' and rolcanlogin",
			"alter role prueba_" + a + " login", "alter role prueba_" + a + " nologin",
		},
		{
			"no company is a member of any role, and the login not of the owner",
			`select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles o on o.oid = m.roleid
			where r.rolname in (select role_name from shared.company) or r.rolname = 'prueba_login' and o.rolname = 'prueba_owner'`,
			"grant prueba_owner to prueba_login", "revoke prueba_owner from prueba_login",
		},
		{
			"set_config is nobody's but the owner's",
			`select count(*) from pg_roles where rolname like 'prueba\_%' and rolname <> 'prueba_owner'
			and has_function_privilege(rolname, 'pg_catalog.set_config(text, text, boolean)', 'execute')`,
			"grant execute on function pg_catalog.set_config(text, text, boolean) to public", "revoke execute on function pg_catalog.set_config(text, text, boolean) from public",
		},
		{
			"history is only added to",
			`select count(*) from shared.company c, unnest(array['document', 'stock_movement', 'payment', 'sale_line', 'sale_reference', 'cash_movement', 'remedy', 'till_entry', 'stray']) t
			where has_table_privilege(c.role_name, c.schema_name || '.' || t, 'update, delete, truncate')`,
			"grant delete on " + a + ".document to prueba_" + a, "revoke delete on " + a + ".document from prueba_" + a,
		},
		{
			"no function of ours runs with another's rights, and nothing is kept in views",
			`select (select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.prosecdef and (n.nspname = 'shared' or n.nspname like 'tenant%'))
			+ (select count(*) from pg_class t join pg_namespace n on n.oid = t.relnamespace where t.relkind in ('v', 'm') and (n.nspname = 'shared' or n.nspname like 'tenant%'))`,
			"create view " + a + ".all_of_them as select * from " + b + ".customer", "drop view " + a + ".all_of_them",
		},
		{
			"no key crosses schemas",
			`select count(*) from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_class f on f.oid = k.confrelid
			where k.contype = 'f' and t.relnamespace <> f.relnamespace`,
			"alter table " + a + ".brand add constraint crosses foreign key (id) references " + b + ".brand", "alter table " + a + ".brand drop constraint crosses",
		},
		{
			"public may not connect, nor use the schema public",
			`select count(*) from pg_database d, aclexplode(d.datacl) x where d.datname = current_database() and x.grantee = 0`,
			"grant connect on database " + w.database + " to public", "revoke connect on database " + w.database + " from public",
		},
	} {
		t.Run(control.name, func(t *testing.T) {
			count := func() (n int) {
				t.Helper()
				if err := w.root.QueryRow(t.Context(), control.question).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			if n := count(); n != 0 {
				t.Errorf("FAIL: %d", n)
			}
			exec(control.breaks)
			if count() == 0 {
				t.Error("the question does not notice the fault it asks for")
			}
			exec(control.mends)
		})
	}
}

// Statements on a company's data begin in one place; no statement is put together from texts; the simple protocol, which
// takes several statements at once, is chosen nowhere.
func TestAuditSource(t *testing.T) {
	type rule struct {
		name    string
		pattern *regexp.Regexp
		allowed map[string]int
	}
	rules := []rule{
		{"roles and paths are set in one place for transactions and in Call.become", regexp.MustCompile(`(?i)set local role`), map[string]int{"db.go": 1, "call.go": 1}},
		{"nothing is set beyond a transaction", regexp.MustCompile(`(?i)"\s*set (session )?(role|search_path)|set_config\([^)]*false`), nil},
		{"the pool is used by InTenant's own function alone", regexp.MustCompile(`db\.pool\.(Begin|Exec|Query|SendBatch|CopyFrom|Acquire)`), map[string]int{"db.go": 1}},
		{"no statement is formatted", regexp.MustCompile(`(?i)Sprintf\("[^"]*\b(select|insert into|update|delete from)\b`), nil},
		{"no simple protocol", regexp.MustCompile(`QueryExecModeSimple`), nil},
		{"TLS is checked", regexp.MustCompile(`InsecureSkipVerify`), nil},
	}
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "centraltest") {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for path, text := range files {
				if n := len(r.pattern.FindAllString(withoutComments(text), -1)); n > r.allowed[path] {
					t.Errorf("%s: %d times", path, n)
				}
			}
		})
	}
}

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(text, "")
}

// A pool of one connection serves one company after the other, and nothing of the first is there for the second.
func TestAuditPool(t *testing.T) {
	w := newTown(t, 2)
	db := centraltest.OpenWith(t, w.database, w.clock, func(c *central.Config) { c.MaxConns = 1 })
	if got := db.Load().Max; got != 1 {
		t.Errorf("the pool has %d places", got)
	}
	for range 3 {
		for _, c := range w.companies {
			err := db.EnterCompany(t.Context(), w.session.ID, c.ID, func(call *central.Call) error {
				if call.RUT != c.RUT {
					t.Errorf("in %s I am %s", c.RUT, call.RUT)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	conn := centraltest.Superuser(t, w.db)
	var left int
	if err := conn.QueryRow(context.WithoutCancel(t.Context()), "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d transactions are open, %v", left, err)
	}
}
