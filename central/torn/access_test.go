package torn_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
)

// whoMay is who may call each route: nobody in particular, whoever is logged in (session), the service's own people
// (superuser), people of the company (member), or those of them who hold a right. It is written by hand, apart from the route
// table: a new route needs a row here, and who may call it is decided twice.
var whoMay = map[string]string{
	"GET /":                                       "nobody",
	"GET /health/":                                "nobody",
	"POST /auth/login":                            "nobody",
	"POST /auth/token":                            "nobody",
	"GET /auth/users/me":                          "session",
	"GET /auth/validate":                          "session",
	"POST /auth/password":                         "session",
	"POST /auth/logout":                           "session",
	"GET /saas/actecos":                           "session",
	"GET /saas/health":                            "superuser",
	"GET /saas/tenants":                           "superuser",
	"POST /saas/tenants":                          "superuser",
	"PATCH /saas/tenants/{id}":                    "superuser",
	"DELETE /saas/tenants/{id}":                   "superuser",
	"GET /saas/tenants/{id}/users":                "superuser",
	"POST /saas/tenants/{id}/users":               "superuser",
	"PATCH /saas/tenants/{id}/users/{user_id}":    "superuser",
	"POST /saas/tenants/{id}/inject-system-user":  "superuser",
	"POST /saas/tenants/inject-system-users-all":  "superuser",
	"GET /users/":                                 "users",
	"GET /users/sellers":                          "member",
	"POST /users/":                                "users",
	"PUT /users/{id}":                             "users",
	"DELETE /users/{id}":                          "users",
	"GET /roles/":                                 "users",
	"GET /roles/{id}":                             "users",
	"PUT /roles/{id}":                             "admin",
	"POST /customers/":                            "sales",
	"GET /customers/":                             "member",
	"GET /customers/search":                       "member",
	"GET /customers/{rut}":                        "member",
	"PUT /customers/{rut}":                        "sales",
	"DELETE /customers/{rut}":                     "products",
	"POST /products/":                             "products",
	"POST /products/with-variants":                "products",
	"GET /products/":                              "member",
	"GET /products/{id}":                          "member",
	"PUT /products/{id}":                          "products",
	"DELETE /products/{id}":                       "products",
	"GET /inventory/":                             "member",
	"POST /products/{id}/ajuste-stock":            "products",
	"GET /products/{id}/movimientos":              "member",
	"POST /brands/":                               "products",
	"GET /brands/":                                "member",
	"PUT /brands/{id}":                            "products",
	"DELETE /brands/{id}":                         "products",
	"GET /config/taxes/":                          "member",
	"POST /config/taxes/":                         "admin",
	"PUT /config/taxes/{id}":                      "admin",
	"GET /config/settings/":                       "member",
	"PUT /config/settings/":                       "admin",
	"GET /issuer/":                                "member",
	"PUT /issuer/":                                "admin",
	"POST /cash/open":                             "sales",
	"GET /cash/status":                            "member",
	"POST /cash/close":                            "sales",
	"GET /folios/status":                          "member",
	"GET /folios/alerts":                          "member",
	"POST /folios/request":                        "admin",
	"GET /folios/requests/history":                "admin",
	"POST /folios/requests/{id}/error":            "admin",
	"GET /folios/annul":                           "admin",
	"POST /folios/annul":                          "admin",
	"POST /folios/annul/{id}/sii":                 "admin",
	"POST /folios/upload":                         "admin",
	"POST /folios/certificate":                    "admin",
	"POST /tills/":                                "admin",
	"GET /tills/":                                 "admin",
	"GET /tills/{id}":                             "admin",
	"POST /tills/{id}/revoke":                     "admin",
	"POST /tills/{id}/lost":                       "admin",
	"POST /tills/{id}/take-over":                  "admin",
	"GET /tills/leases":                           "admin",
	"GET /tills/leases/{id}/gaps":                 "admin",
	"POST /tills/leases/{id}/settle":              "admin",
	"GET /tills/alarms":                           "admin",
	"POST /tills/alarms/{id}/attend":              "admin",
	"POST /sales/":                                "sales",
	"POST /sales/return":                          "returns",
	"GET /sales/{id}/rechazo":                     "member",
	"POST /sales/{id}/rechazo":                    "returns",
	"GET /sales/":                                 "member",
	"GET /sales/payment-methods/":                 "member",
	"GET /sales/dte-estados":                      "member",
	"GET /sales/guias-pendientes":                 "member",
	"POST /sales/facturar-guias":                  "sales",
	"GET /sales/{id}/pdf":                         "member",
	"GET /sales/{id}/enlace":                      "member",
	"GET /purchases/{id}/pdf":                     "member",
	"GET /cash/sessions":                          "member",
	"POST /cash/movements":                        "sales",
	"GET /cash/movements":                         "member",
	"POST /customers/{rut}/pagos":                 "sales",
	"GET /customers/{rut}/pagos":                  "member",
	"GET /customers/{rut}/cuenta":                 "member",
	"GET /sales/{id}":                             "member",
	"POST /providers/":                            "products",
	"GET /providers/":                             "member",
	"GET /providers/search":                       "member",
	"GET /providers/{id}":                         "member",
	"PUT /providers/{id}":                         "products",
	"DELETE /providers/{id}":                      "products",
	"POST /purchases/":                            "products",
	"GET /purchases/":                             "member",
	"GET /purchases/{id}":                         "member",
	"PUT /purchases/{id}":                         "products",
	"DELETE /purchases/{id}":                      "products",
	"POST /price-lists/":                          "products",
	"GET /price-lists/":                           "member",
	"GET /price-lists/{id}":                       "member",
	"PUT /price-lists/{id}":                       "products",
	"DELETE /price-lists/{id}":                    "products",
	"PUT /price-lists/{id}/products":              "products",
	"PUT /price-lists/{id}/customers":             "products",
	"GET /price-lists/resolve-price/{product_id}": "member",
	"GET /price-rules/":                           "member",
	"PUT /price-rules/":                           "products",
	"GET /reports/dashboard":                      "reports",
	"GET /stats/summary":                          "reports",
	"GET /stats/top-products":                     "member",
	"GET /stats/report":                           "reports",
}

// village is two companies with all kinds of people, logged in without passwords: a matrix logs in thousands of times.
type village struct {
	*house
	db           *pgx.Conn
	tokens       *central.Tokens
	mine, theirs central.Company
	// accounts by what they are: superuser, owner, stranger (who works in theirs), and of each right with:RIGHT, who holds it
	// alone, and without:RIGHT, who holds all others.
	accounts map[string]int64
}

var rightColumns = map[string]string{
	"users": "can_manage_users", "reports": "can_view_reports", "products": "can_edit_products", "sales": "can_perform_sales",
	"returns": "can_perform_returns",
}

func newVillage(t testing.TB) *village {
	t.Helper()
	h := newHouse(t)
	tokens, err := central.NewTokens(bytes.Repeat([]byte("s"), 32), h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	v := &village{house: h, db: centraltest.Superuser(t, h.db), tokens: tokens, accounts: map[string]int64{}}
	v.accounts["owner"] = centraltest.Account(t, h.db, "duena@ejemplo.cl", false)
	v.accounts["stranger"] = v.newAccount("stranger")
	v.accounts["superuser"] = v.newAccount("superuser")
	v.exec("update shared.account set is_superuser = true where id = $1", v.accounts["superuser"])
	v.mine = centraltest.Company(t, h.db, 76086428, v.accounts["owner"])
	v.theirs = centraltest.Company(t, h.db, 77777777, v.accounts["stranger"])
	all := "can_manage_users, can_view_reports, can_edit_products, can_perform_sales, can_perform_returns"
	v.role("plain", "name", "'plain'")
	v.role("without:admin", "name, "+all, "'without:admin', true, true, true, true, true")
	for right, column := range rightColumns {
		v.role("with:"+right, "name, "+column, "'with:"+right+"', true")
		v.role("without:"+right, "name, "+all, "'without:"+right+"', true, true, true, true, true")
		v.exec("update " + v.mine.Schema + ".role set " + column + " = false where name = 'without:" + right + "'")
	}
	return v
}

func (v *village) exec(sql string, args ...any) {
	v.t.Helper()
	if _, err := v.db.Exec(v.t.Context(), sql, args...); err != nil {
		v.t.Fatalf("%s: %v", sql, err)
	}
}

// newAccount has the owner's password, which nobody has to hash again.
func (v *village) newAccount(name string) (id int64) {
	v.t.Helper()
	if err := v.db.QueryRow(v.t.Context(), `insert into shared.account (email, full_name, password_hash, created_at, updated_at)
		select $1 || '@ejemplo.cl', $1, password_hash, now(), now() from shared.account where email = 'duena@ejemplo.cl' returning id`,
		strings.ReplaceAll(name, ":", "-")).Scan(&id); err != nil {
		v.t.Fatal(err)
	}
	return id
}

// role makes a role of our company and somebody who has it.
func (v *village) role(name, columns, values string) {
	v.t.Helper()
	v.exec("insert into " + v.mine.Schema + ".role (" + columns + ") values (" + values + ")")
	id := v.newAccount(name)
	v.accounts[name] = id
	v.exec("insert into shared.membership (company_id, account_id, role_name) values ($1, $2, $3)", v.mine.ID, id, name)
	v.exec("insert into "+v.mine.Schema+".person (account_id, name, role, role_id) select $1, $2, $2, id from "+v.mine.Schema+".role where name = $2", id, name)
}

// as is that account with a session of its own.
func (v *village) as(who string, company central.Company) *client {
	v.t.Helper()
	account, there := v.accounts[who]
	if !there {
		v.t.Fatalf("nobody is %s", who)
	}
	now := v.clock.Now()
	s := central.Session{ID: uuid.New(), Account: central.Account{ID: account, Email: "x@ejemplo.cl"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	v.exec("insert into shared.session (id, account_id, created_at, expires_at) values ($1, $2, $3, $4)", s.ID, account, s.CreatedAt, s.ExpiresAt)
	token, err := v.tokens.Sign(s)
	if err != nil {
		v.t.Fatal(err)
	}
	return &client{house: v.house, token: token, tenant: company.ID}
}

// ended is the owner with a session that is over.
func (v *village) ended() *client {
	v.t.Helper()
	c := v.as("owner", v.mine)
	v.exec("update shared.session set ended_at = now() where account_id = $1", v.accounts["owner"])
	return c
}

// fingerprint of all that a company keeps.
func (v *village) fingerprint(c central.Company) string {
	v.t.Helper()
	rows, err := v.db.Query(v.t.Context(), "select table_name from information_schema.tables where table_schema = $1 order by 1", c.Schema)
	if err != nil {
		v.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 30 {
		v.t.Fatalf("%d tables: %v", len(tables), err)
	}
	sum := sha256.New()
	for _, table := range tables {
		var content string
		if err := v.db.QueryRow(v.t.Context(), "select coalesce(string_agg(t::text, '|' order by t::text), '') from "+c.Schema+"."+table+" t").Scan(&content); err != nil {
			v.t.Fatal(err)
		}
		fmt.Fprintf(sum, "%s %s\n", table, content)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// foreign is a number that only rows of the other company have, and a customer whom only it has.
const (
	foreign    = "70001"
	foreignRUT = "5126663-3"
)

// furnish puts rows with the foreign number into a company, of everything that has a number in a path.
func (v *village) furnish(company central.Company) {
	v.t.Helper()
	v.exec("set search_path to " + company.Schema + `, extensions;
		insert into brand (id, name) overriding system value values (70001, 'Suya');
		insert into tax (id, name, rate) overriding system value values (70001, 'Suyo', 0);
		insert into role (id, name) overriding system value values (70001, 'SUYO');
		insert into person (id, name, role_id) overriding system value values (70001, 'Suya', 70001);
		insert into price_list (id, name) overriding system value values (70001, 'Suya');
		insert into product (id, codigo_interno, nombre, precio_neto, updated_at) overriding system value values (70001, '70001', 'Suyo', 1000, now());
		insert into customer (id, rut, razon_social, created_at, updated_at) overriding system value values (70001, 5126663, 'Suyo', now(), now());
		insert into provider (id, rut, razon_social, created_at, updated_at) overriding system value values (70001, 5126663, 'Suyo', now(), now());
		insert into purchase (id, provider_id, tipo_documento, fecha_compra, monto_neto, iva, monto_total, created_at)
			overriding system value values (70001, 70001, 'FACTURA', now(), 1000, 190, 1190, now());
		insert into till (id, name, created_at) overriding system value values (70001, 'Suya', now());
		insert into alarm (id, till_id, kind, key, text, at) overriding system value values (70001, 70001, 'reloj', '', 'Suya', now());
		insert into caf (id, tipo, desde, hasta, fa, idk, next, till_id, created_at) overriding system value values (70001, 39, 70001, 70001, now(), 100, 70002, 70001, now());
		insert into lease (id, till_id, epoch, tipo, caf_id, desde, hasta, used, given_at) overriding system value values (70001, 70001, 0, 39, 70001, 70001, 70001, 70000, now());
		insert into folio_request (id, tipo, amount, created_at) overriding system value values (70001, 39, 10, now());
		insert into sale (id, tipo, folio, customer_id, person_id, fecha_emision, signo, monto_exento, monto_neto, iva, monto_total, created_at)
			overriding system value values (70001, 39, 1, 70001, 70001, now(), 1, 0, 1000, 190, 1190, now());
		reset search_path`)
}

// pathOf fills the parameters of a path.
func pathOf(path, id string) string {
	out := strings.NewReplacer("{rut}", foreignRUT, "{id}", id, "{user_id}", id, "{product_id}", id).Replace(path)
	if strings.Contains(out, "{") {
		panic("a parameter without a value: " + path)
	}
	return out
}

// letIn says that a call was not refused for who made it, and not for a fault of ours.
func (a answer) letIn() {
	a.t.Helper()
	if a.status >= 500 || a.status == 401 || a.status == 403 || a.status == 405 {
		a.t.Errorf("%s: %d: %s", a.what, a.status, a.body)
	}
}

func (a answer) status1(who string, want int) {
	a.t.Helper()
	if a.status != want {
		a.t.Errorf("%s as %s: %d, want %d: %s", a.what, who, a.status, want, a.body)
	}
}

// Every route and everybody who might call it.
func TestWhoMayCallWhat(t *testing.T) {
	v := newVillage(t)
	v.furnish(v.theirs)
	before := v.fingerprint(v.theirs)
	there := map[string]bool{}
	for _, rt := range v.server.Routes() {
		name := rt.Method + " " + rt.Path
		there[name] = true
		want, listed := whoMay[name]
		if !listed {
			t.Errorf("%s has no row in whoMay: say who may call it", name)
			continue
		}
		if rt.Access != want {
			t.Errorf("%s is for %s, the table of this test says %s", name, rt.Access, want)
		}
		v.knock(rt.Method, pathOf(rt.Path, foreign), strings.Contains(rt.Path, "{"), want)
	}
	for name := range whoMay {
		if !there[name] {
			t.Errorf("%s is no route any more", name)
		}
	}
	if v.fingerprint(v.theirs) != before {
		t.Error("a call from outside changed the other company")
	}
}

// knock calls a route as everybody.
func (v *village) knock(method, path string, hasID bool, who string) {
	v.t.Helper()
	call := func(c *client) answer { v.t.Helper(); return c.do(method, path, v.sample(method)) }
	if who == "nobody" {
		if got := call(v.nobody()); got.status >= 500 {
			v.t.Errorf("%s: %d", got.what, got.status)
		}
		return
	}
	call(v.nobody().in(v.mine)).status1("nobody", 401)
	call(&client{house: v.house, token: "x.y.z", tenant: v.mine.ID}).status1("a bad token", 401)
	call(v.ended()).status1("an ended session", 401)
	switch who {
	case "session":
		call(v.as("plain", v.mine)).letInBut(403, path)
		call(v.as("stranger", v.mine)).letInBut(403, path)
		return
	case "superuser":
		for _, member := range []string{"owner", "plain", "stranger"} {
			call(v.as(member, v.mine)).status1(member, 403)
		}
		v.found(call(v.as("superuser", v.mine)), hasID)
		return
	}
	call(v.as("stranger", v.mine)).status1("a stranger", 403)
	call(v.as("owner", v.theirs)).status1("the owner elsewhere", 403)
	call(&client{house: v.house, token: v.as("owner", v.mine).token, tenant: 999999}).status1("a member of nothing", 404)
	if who != "member" {
		call(v.as("plain", v.mine)).status1("somebody without rights", 403)
		call(v.as("without:"+who, v.mine)).status1("somebody with all other rights", 403)
	}
	for _, may := range []string{"with:" + who, "owner", "superuser"} {
		if may == "with:member" {
			may = "plain"
		}
		if may != "with:admin" { // which is the owner
			v.found(call(v.as(may, v.mine)), hasID)
		}
	}
}

// sample is a body that is no sense for anybody: who may call is told what is wrong with it, never who they are not.
func (v *village) sample(method string) any {
	if method == "GET" || method == "DELETE" {
		return nil
	}
	return map[string]any{}
}

// letInBut is letIn for routes that themselves refuse with that status.
func (a answer) letInBut(status int, path string) {
	a.t.Helper()
	if a.status == status && path == "/auth/password" {
		return
	}
	a.letIn()
}

// found says that who may call was let in, and that a number of another company is nothing here.
func (v *village) found(a answer, hasID bool) {
	v.t.Helper()
	a.letIn()
	if hasID && a.status != 404 && a.status != 422 {
		v.t.Errorf("%s: %d for a number that is not here: %s", a.what, a.status, a.body)
	}
}

// The person who leaves and the company that closes lose every route at once, whatever they could do before.
func TestWhoLeftMayNothing(t *testing.T) {
	v := newVillage(t)
	leaver := v.as("without:admin", v.mine)
	v.exec("update shared.membership set is_active = false where account_id = $1", v.accounts["without:admin"])
	for _, rt := range v.server.Routes() {
		if want := whoMay[rt.Method+" "+rt.Path]; want != "nobody" && want != "session" {
			leaver.do(rt.Method, pathOf(rt.Path, foreign), v.sample(rt.Method)).status1("who left", 403)
		}
	}
	closed := v.as("owner", v.mine)
	v.exec("update shared.company set is_active = false where id = $1", v.mine.ID)
	for _, rt := range v.server.Routes() {
		if want := whoMay[rt.Method+" "+rt.Path]; want != "nobody" && want != "session" && want != "superuser" {
			closed.do(rt.Method, pathOf(rt.Path, foreign), v.sample(rt.Method)).status1("in a closed company", 404)
		}
	}
}
