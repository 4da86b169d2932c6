package torn_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
	"mostrador/dte"
)

var update = flag.Bool("update", false, "write the examples of the OpenAPI document anew, after its schemas have judged them")

// tour is a walk through the whole API on a new shop, with its clock standing still. What each route was asked and what it
// answered first is its example.
type tour struct {
	*guarded
	made map[string]torn.Example
}

// show makes a call that is an example, and wants it to be done.
func (tr *tour) show(c *client, method, path string, body any) answer {
	tr.t.Helper()
	got := c.do(method, path, body)
	if got.status >= 300 {
		tr.t.Fatalf("%s: %d: %s", got.what, got.status, got.body)
	}
	tr.keep(method, path, body, got)
	return got
}

// refuse makes a call that is the example of a refusal.
func (tr *tour) refuse(c *client, method, path string, body any, status int) {
	tr.t.Helper()
	tr.made[strconv.Itoa(status)] = exampleOf(method, path, body, c.do(method, path, body).want(status))
}

// showUpload sends a file; in the example a word stands for it.
func (tr *tour) showUpload(c *client, path string, file []byte, fields ...string) {
	tr.t.Helper()
	got := c.upload(path, file, fields...).want(201)
	said := map[string]string{"file": "<archivo>"}
	for i := 0; i+1 < len(fields); i += 2 {
		said[fields[i]] = fields[i+1]
	}
	tr.keep("POST", path, said, got)
}

func (tr *tour) keep(method, path string, body any, got answer) {
	tr.t.Helper()
	q, err := http.NewRequestWithContext(tr.t.Context(), method, path, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	id, _, found := tr.server.OperationOf(q)
	if !found {
		tr.t.Fatalf("%s %s is no route", method, path)
	}
	if _, there := tr.made[id]; !there {
		tr.made[id] = exampleOf(method, path, body, got)
	}
}

// What no example tells. The rest is the same at every run.
var (
	secretMember = regexp.MustCompile(`"(password|current_password|new_password|access_token|join_code)":"[^"]*"`)
	secretPass   = regexp.MustCompile(`pase=[^"]+`)
)

func withoutSecrets(text []byte) []byte {
	text = secretMember.ReplaceAll(text, []byte(`"$1":"<secreto>"`))
	return secretPass.ReplaceAll(text, []byte(`pase=<pase>`))
}

func exampleOf(method, path string, body any, got answer) torn.Example {
	got.t.Helper()
	e := torn.Example{Call: method + " " + path, Status: got.status}
	if body != nil {
		e.Request = withoutSecrets(compact(got.t, body))
	}
	kind := got.header.Get("Content-Type")
	switch {
	case len(got.body) == 0:
	case kind == "application/json":
		e.Answer = withoutSecrets(got.body)
	default:
		line, _, _ := bytes.Cut(got.body, []byte("\n"))
		e.Answer = compact(got.t, string(line))
	}
	return e
}

// compact writes JSON as people write it, with its < and &.
func compact(t testing.TB, value any) []byte {
	t.Helper()
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	if err := to.Encode(value); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

type fields = map[string]any

// everything calls every route, in the order in which a shop does.
func (tr *tour) everything() {
	h, show := tr.house, tr.show
	company, _ := h.shop(76086428)
	centraltest.Account(tr.t, h.db, "servicio@ejemplo.cl", true)
	boss := h.login("servicio@ejemplo.cl")

	show(h.nobody(), "GET", "/", nil)
	show(h.nobody(), "GET", "/health/", nil)
	show(h.nobody(), "POST", "/auth/login", fields{"email": "duena-76086428@ejemplo.cl", "password": centraltest.Password})
	tr.showForm("/auth/token", "username", "duena-76086428@ejemplo.cl", "password", centraltest.Password)
	owner := h.login("duena-76086428@ejemplo.cl").in(company)
	show(owner, "GET", "/auth/users/me", nil)
	show(owner, "GET", "/auth/validate", nil)

	tr.service(boss)
	tr.setUp(owner)
	tr.goods(owner)
	tr.customers(owner)
	tr.sales(owner)
	tr.numbers(owner)
	tr.tills(company, owner)
	tr.people(owner)
	show(boss, "GET", "/saas/health", nil)
	tr.refusals(boss, owner)

	show(owner, "POST", "/auth/password", fields{"current_password": centraltest.Password, "new_password": "otra clave larga"})
	show(boss, "POST", "/auth/logout", nil)
}

func (tr *tour) showForm(path string, fields ...string) {
	tr.t.Helper()
	said, form := map[string]string{}, ""
	for i := 0; i+1 < len(fields); i += 2 {
		said[fields[i]] = fields[i+1]
		form += "&" + fields[i] + "=" + strings.ReplaceAll(fields[i+1], "@", "%40")
	}
	got := tr.nobody().with("POST", path, form[1:], "Content-Type", "application/x-www-form-urlencoded").want(200)
	tr.keep("POST", path, said, got)
}

func (tr *tour) service(boss *client) {
	tr.show(boss, "GET", "/saas/actecos?q=panader&limit=2", nil)
	made := tr.show(boss, "POST", "/saas/tenants", fields{
		"name": "Panadería La Espiga Limitada", "rut": "77.777.777-7", "giro": "Panadería", "address": "Calle Uno 123", "commune": "Talca",
		"city": "Talca", "economic_activities": []string{"107100"},
	}).id()
	path := fmt.Sprintf("/saas/tenants/%d", made)
	tr.show(boss, "GET", "/saas/tenants?limit=1&skip=1", nil)
	tr.show(boss, "PATCH", path, fields{"max_users_override": 5, "address": "Calle Dos 456"})
	user := tr.show(boss, "POST", path+"/users", fields{"email": "ana@ejemplo.cl", "role_name": "VENDEDOR", "full_name": "Ana Rojas", "password": centraltest.Password})
	tr.show(boss, "GET", path+"/users", nil)
	tr.show(boss, "PATCH", fmt.Sprintf("%s/users/%.0f", path, user.json()["user_id"]), fields{"role_name": "ADMINISTRADOR"})
	tr.show(boss, "POST", path+"/inject-system-user", nil)
	tr.show(boss, "POST", "/saas/tenants/inject-system-users-all", nil)
	tr.show(boss, "DELETE", path, nil)
}

func (tr *tour) setUp(owner *client) {
	tr.show(owner, "GET", "/issuer/", nil)
	tr.show(owner, "PUT", "/issuer/", fields{"telefono": "+56 2 2345 6789", "email": "ventas@ejemplo.cl", "acteco": "471100"})
	tr.show(owner, "GET", "/config/settings/", nil)
	tr.show(owner, "PUT", "/config/settings/", fields{"print_format": "80mm", "dias_credito": 15})
	tr.show(owner, "GET", "/config/taxes/", nil)
	tax := tr.show(owner, "POST", "/config/taxes/", fields{"name": "Zona franca", "rate": 0, "is_active": true, "is_default": false}).id()
	tr.show(owner, "PUT", fmt.Sprintf("/config/taxes/%d", tax), fields{"is_active": false})
	file, password := centraltest.PFX(tr.t, 5126663)
	tr.showUpload(owner, "/folios/certificate", file, "password", password)
	tr.show(owner, "POST", "/folios/request", fields{"dte_type": 39, "amount_requested": 1000})
	tr.showUpload(owner, "/folios/upload", centraltest.CAF(76086428, 39, 1, 200))
	for _, tipo := range []dte.TipoDTE{33, 52, 61} {
		owner.upload("/folios/upload", centraltest.CAF(76086428, tipo, 1, 60)).want(201)
	}
	request := owner.post("/folios/request", fields{"dte_type": 56, "amount_requested": 100}).want(200).id()
	tr.show(owner, "POST", fmt.Sprintf("/folios/requests/%d/error", request), fields{"reason": "El SII no autorizó"})
	tr.show(owner, "GET", "/folios/requests/history", nil)
	tr.show(owner, "POST", "/folios/annul", fields{"dte_type": 33, "desde": 21, "hasta": 60, "reason": "Se cargaron por error"})
	tr.show(owner, "POST", "/folios/annul/1/sii", nil)
	tr.show(owner, "GET", "/folios/annul", nil)
	tr.show(owner, "GET", "/folios/status", nil)
	tr.show(owner, "GET", "/folios/alerts", nil)
}

func (tr *tour) goods(owner *client) {
	show := tr.show
	brand := show(owner, "POST", "/brands/", fields{"name": "Ñuble"}).id()
	show(owner, "GET", "/brands/", nil)
	show(owner, "PUT", fmt.Sprintf("/brands/%d", brand), fields{"name": "Ñuble & Hijos"})
	bread := show(owner, "POST", "/products/", fields{"nombre": "Pan amasado", "precio_neto": "1000", "controla_stock": true, "stock_actual": 100, "brand_id": brand, "tax_id": 1}).id()
	show(owner, "POST", "/products/with-variants", fields{
		"nombre": "Polera", "controla_stock": true, "variants": []any{
			fields{"nombre": "Talla S", "precio_neto": 4990, "stock_actual": 5}, fields{"nombre": "Talla M", "precio_neto": 4990, "stock_actual": 8},
		},
	})
	show(owner, "GET", "/products/?limit=1", nil)
	show(owner, "GET", "/products/PROD-00001", nil)
	show(owner, "PUT", fmt.Sprintf("/products/%d", bread), fields{"stock_minimo": 10})
	show(owner, "GET", "/inventory/?limit=1", nil)
	show(owner, "POST", fmt.Sprintf("/products/%d/ajuste-stock", bread), fields{"cantidad": -2, "motivo": "Se quemaron"})
	show(owner, "GET", fmt.Sprintf("/products/%d/movimientos", bread), nil)
	provider := show(owner, "POST", "/providers/", fields{"rut": "96.790.240-3", "razon_social": "Molinos del Sur S.A.", "giro": "Molinería"}).id()
	path := fmt.Sprintf("/providers/%d", provider)
	show(owner, "GET", "/providers/", nil)
	show(owner, "GET", "/providers/search?q=molinos", nil)
	show(owner, "GET", path, nil)
	show(owner, "PUT", path, fields{"email": "ventas@molinos.example", "telefono": "+56 73 234 5678"})
	purchase := fields{"provider_id": provider, "tipo_documento": "FACTURA", "folio": "1234", "items": []any{fields{"product_id": bread, "cantidad": 50, "precio_costo_unitario": "420.50"}}}
	bought := fmt.Sprintf("/purchases/%d", show(owner, "POST", "/purchases/", purchase).id())
	show(owner, "GET", "/purchases/?limit=1", nil)
	show(owner, "GET", bought, nil)
	purchase["observacion"] = "Llegaron 48"
	purchase["items"] = []any{fields{"product_id": bread, "cantidad": 48, "precio_costo_unitario": "420.50"}}
	show(owner, "PUT", bought, purchase)
	show(owner, "GET", bought+"/pdf", nil)
	other := fmt.Sprintf("/purchases/%d", owner.post("/purchases/", purchase).want(201).id())
	show(owner, "DELETE", other, nil)
	show(owner, "DELETE", path, nil)
	spare := owner.post("/products/", fields{"nombre": "Bolsa", "precio_neto": 50}).want(201).id()
	show(owner, "DELETE", fmt.Sprintf("/products/%d", spare), nil)
	show(owner, "DELETE", fmt.Sprintf("/brands/%d", owner.post("/brands/", fields{"name": "Otra"}).want(201).id()), nil)
}

func (tr *tour) customers(owner *client) {
	show := tr.show
	made := show(owner, "POST", "/customers/", fields{
		"rut": "77.777.777-7", "razon_social": "Constructora Peña Ltda.", "giro": "Construcción", "direccion": "Calle Uno 234", "comuna": "Maipú",
		"ciudad": "Santiago", "email": "", "limite_credito": 500000,
	}).id()
	show(owner, "GET", "/customers/", nil)
	show(owner, "GET", "/customers/search?q=77.777.777-7", nil)
	show(owner, "GET", "/customers/77777777-7", nil)
	show(owner, "PUT", "/customers/77777777-7", fields{"email": "pagos@pena.example", "dias_credito": 45})
	list := fmt.Sprintf("/price-lists/%d", show(owner, "POST", "/price-lists/", fields{"name": "Mayoristas", "description": "Desde 10 unidades"}).id())
	show(owner, "GET", "/price-lists/", nil)
	show(owner, "PUT", list, fields{"description": "Desde 12 unidades"})
	show(owner, "PUT", list+"/products", fields{"items": []any{fields{"product_id": 1, "fixed_price": "900"}}})
	show(owner, "PUT", list+"/customers", fields{"customer_ids": []int64{made}})
	show(owner, "GET", list, nil)
	show(owner, "GET", fmt.Sprintf("/price-lists/resolve-price/1?customer_id=%d", made), nil)
	show(owner, "PUT", "/price-rules/", fields{"texto": `{"version": 1, "reglas": [{"nombre": "3×2 en pan", "tipo": "nxm", "productos": ["PROD-00001"], "lleve": 3, "pague": 2}]}`})
	show(owner, "GET", "/price-rules/", nil)
	spare := owner.post("/price-lists/", fields{"name": "Otra"}).want(201).id()
	show(owner, "DELETE", fmt.Sprintf("/price-lists/%d", spare), nil)
	owner.post("/customers/", fields{"rut": "5.126.663-3", "razon_social": "De paso"}).want(201)
	show(owner, "DELETE", "/customers/5126663-3", nil)
}

func (tr *tour) sales(owner *client) {
	show := tr.show
	show(owner, "POST", "/cash/open", fields{"start_amount": "20000", "user_id": 1, "force_close_previous": false})
	show(owner, "GET", "/cash/status?user_id=1", nil)
	show(owner, "GET", "/sales/payment-methods/", nil)
	sold := show(owner, "POST", "/sales/", fields{
		"rut_cliente": "66666666-6", "tipo_dte": 39, "items": []any{fields{"product_id": 1, "cantidad": 3}},
		"payments": []any{fields{"payment_method_id": 1, "amount": 4000}}, "seller_id": 1,
	}).id()
	show(owner, "GET", fmt.Sprintf("/sales/%d", sold), nil)
	show(owner, "GET", fmt.Sprintf("/sales/%d/pdf?format=html", sold), nil)
	show(owner, "GET", fmt.Sprintf("/sales/%d/enlace", sold), nil)
	show(owner, "POST", "/sales/return", fields{
		"original_sale_id": sold, "items": []any{fields{"product_id": 1, "cantidad": 1}}, "reason": "Devolución", "return_method_id": 1, "tipo_dte": 61, "sii_reason_code": 3,
	})
	owner.post("/sales/", fields{
		"rut_cliente": "77777777-7", "tipo_dte": 33, "items": []any{fields{"product_id": 1, "cantidad": 12}},
		"payments": []any{fields{"payment_method_id": 5, "amount": 12852}}, "referencias": []any{fields{"tipo_documento": "801", "folio": "OC-15", "fecha": "2026-11-19"}},
	}).want(201)
	show(owner, "POST", "/customers/77777777-7/pagos", fields{"payment_method_id": 4, "amount": 5000, "transaction_code": "TR-991"})
	show(owner, "GET", "/customers/77777777-7/pagos", nil)
	show(owner, "GET", "/customers/77777777-7/cuenta", nil)
	guia := owner.post("/sales/", fields{
		"rut_cliente": "77777777-7", "tipo_dte": 52, "tipo_traslado": 1, "items": []any{fields{"product_id": 1, "cantidad": 2}}, "payments": []any{},
	}).want(201).id()
	show(owner, "GET", "/sales/guias-pendientes", nil)
	show(owner, "POST", "/sales/facturar-guias", fields{"guias": []int64{guia}, "payments": []any{fields{"payment_method_id": 2, "amount": 2142}}})
	show(owner, "GET", "/sales/?skip=0&limit=1", nil)
	show(owner, "GET", "/sales/dte-estados?limit=2", nil)
	tr.exec(`update tenant_760864285.document_state set state = 'rejected',
		veredicto = '{"state":"rejected","codigo":"REF-3-750","glosa":"DTE Referenciado No Ha Sido Recibido"}' where sale_id = 1`)
	show(owner, "GET", "/sales/1/rechazo", nil)
	show(owner, "POST", "/sales/1/rechazo", fields{"accion": "reenviar", "motivo": "El otro documento ya llegó"})
	show(owner, "POST", "/cash/movements", fields{"tipo": "RETIRO", "amount": 10000, "reason": "Al banco"})
	show(owner, "GET", "/cash/movements", nil)
}

func (tr *tour) numbers(owner *client) {
	for _, path := range []string{"/reports/dashboard", "/stats/summary", "/stats/top-products?days=30&limit=1", "/stats/report?period=day&date=2026-11-20"} {
		tr.show(owner, "GET", path, nil)
	}
	tr.show(owner, "POST", "/cash/close", fields{"final_cash_declared": 12300})
	tr.show(owner, "GET", "/cash/sessions", nil)
}

// tills are a counter that joins, comes back from a backup, and is lost.
func (tr *tour) tills(company central.Company, owner *client) {
	show := tr.show
	joined, err := tr.db.Join(tr.t.Context(), api.Join{
		Protocol: api.Protocol, Version: "1.0.0", Code: show(owner, "POST", "/tills/", fields{"name": "Caja 2"}).text("join_code"),
		Secret: bytes.Repeat([]byte{2}, 32), Emisor: company.RUT, Ambiente: company.Ambiente,
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	days := 12
	report := api.Report{
		Protocol: api.Protocol, Version: "1.0.0", Now: tr.clock.Now(), Folios: api.Folios{Wants: []dte.TipoDTE{39}},
		Health: api.Health{Waiting: 3, Oldest: tr.clock.Now().Add(-time.Hour), Folios: []api.FolioDays{{Tipo: 39, Left: 40, Days: &days}}},
	}
	sync := func() {
		if err := tr.db.EnterTill(tr.t.Context(), joined.Token, func(c *central.Call) error { _, err := c.Sync(report); return err }); err != nil {
			tr.t.Fatal(err)
		}
	}
	sync()
	report.Epoch, report.Now = 1, report.Now.Add(10*time.Minute)
	sync()
	till := fmt.Sprintf("/tills/%d", joined.Till.ID)
	show(owner, "GET", "/tills/", nil)
	show(owner, "GET", till, nil)
	show(owner, "GET", "/tills/leases?limit=1", nil)
	doubt := owner.get("/tills/leases?limit=1&skip=1").list()[0]
	lease := fmt.Sprintf("/tills/leases/%v", doubt["id"])
	show(owner, "POST", lease+"/settle", fields{"last_used": doubt["desde"].(float64) + 4})
	show(owner, "GET", lease+"/gaps", nil)
	show(owner, "GET", "/tills/alarms", nil)
	show(owner, "POST", "/tills/alarms/1/attend", nil)
	spare := owner.post("/tills/", fields{"name": "Caja 3"}).want(201).id()
	show(owner, "POST", fmt.Sprintf("/tills/%d/revoke", spare), nil)
	show(owner, "POST", till+"/lost", nil)
	show(owner, "POST", till+"/take-over", nil)
}

func (tr *tour) people(owner *client) {
	show := tr.show
	made := show(owner, "POST", "/users/", fields{"full_name": "Luis Soto", "email": "luis@ejemplo.cl", "rut": "5.126.663-3", "role_id": 2, "password": centraltest.Password}).id()
	show(owner, "GET", "/users/", nil)
	show(owner, "GET", "/users/sellers", nil)
	show(owner, "PUT", fmt.Sprintf("/users/%d", made), fields{"full_name": "Luis Soto Díaz"})
	show(owner, "DELETE", fmt.Sprintf("/users/%d", made), nil)
	show(owner, "GET", "/roles/", nil)
	show(owner, "GET", "/roles/2", nil)
	show(owner, "PUT", "/roles/2", fields{"can_perform_returns": true})
}

// refusals are one of each status that the document describes.
func (tr *tour) refusals(boss, owner *client) {
	seller := tr.hireAs(owner, "eva@ejemplo.cl")
	tr.refuse(owner, "POST", "/sales/return", fields{"original_sale_id": 1, "items": []any{}, "reason": "x", "return_method_id": 1, "tipo_dte": 39}, 400)
	tr.refuse(tr.nobody(), "POST", "/auth/login", fields{"email": "nadie@ejemplo.cl", "password": "no es"}, 401)
	tr.refuse(seller, "GET", "/reports/dashboard", nil, 403)
	tr.refuse(owner, "GET", "/customers/5126663-3", nil, 404)
	owner.post("/cash/open", fields{"start_amount": 0}).want(200)
	tr.refuse(owner, "POST", "/sales/", fields{
		"rut_cliente": "66666666-6", "tipo_dte": 41, "items": []any{fields{"product_id": 1, "cantidad": 1}}, "payments": []any{fields{"payment_method_id": 1, "amount": 1000}},
	}, 409)
	tr.refuse(owner, "POST", "/customers/", fields{"rut": "76.086.428-4", "email": "x"}, 422)
	got := owner.post("/brands/", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`).want(413)
	tr.made["413"] = exampleOf("POST", "/brands/", nil, got)
	tr.exec("update shared.company set schema_version = 0 where schema_name = 'tenant_760864285'")
	tr.refuse(owner, "GET", "/brands/", nil, 503)
	tr.exec("update shared.company set schema_version = c.schema_version from shared.company c where c.id <> company.id")
	tr.exec("alter table tenant_760864285.brand rename to away")
	tr.refuse(owner, "GET", "/brands/", nil, 500)
	tr.exec("alter table tenant_760864285.away rename to brand")
	for range 20 {
		if got := tr.nobody().post("/auth/login", fields{"email": "nadie@ejemplo.cl", "password": "no es"}); got.status == 429 {
			tr.made["429"] = exampleOf("POST", "/auth/login", fields{"email": "nadie@ejemplo.cl", "password": "no es"}, got)
			return
		}
	}
	tr.t.Error("logins are not bounded")
}

// exec does what no call could, past all rights.
func (tr *tour) exec(sql string) {
	tr.t.Helper()
	if _, err := centraltest.Superuser(tr.t, tr.db).Exec(tr.t.Context(), sql); err != nil {
		tr.t.Fatal(err)
	}
}

// hireAs is a new seller, logged in.
func (tr *tour) hireAs(owner *client, email string) *client {
	tr.t.Helper()
	owner.hire(email, 2)
	return &client{house: tr.house, token: tr.login(email).token, tenant: owner.tenant}
}

// Every route has an example that was executed, and every refusal one; what was asked and answered is as the document says.
func TestEveryRouteHasAnExecutedExample(t *testing.T) {
	tr := &tour{newGuarded(t, func(c *door.Config) { c.Limits = door.Limits{Logins: 12} }), map[string]torn.Example{}}
	tr.everything()
	c, wanted := published(), map[string]bool{}
	for _, rt := range tr.server.Routes() {
		q, err := http.NewRequestWithContext(t.Context(), rt.Method, pathOf(rt.Path, "1"), nil)
		if err != nil {
			t.Fatal(err)
		}
		id, row, _ := tr.server.OperationOf(q)
		wanted[id] = true
		e, made := tr.made[id]
		if !made {
			t.Errorf("%s %s has no example: call it in everything()", rt.Method, rt.Path)
			continue
		}
		if err := c.takes(row, e.Request); err != nil {
			t.Errorf("%s: what is asked is not as the document says: %v", e.Call, err)
		}
	}
	for status := range c.statuses() {
		wanted[status] = true
		if _, made := tr.made[status]; !made {
			t.Errorf("no example of a %s: make one in refusals()", status)
		}
	}
	if !t.Failed() && *update {
		tr.write()
	}
	tr.compare(wanted)
}

// takes says whether a body is one that the document lets an operation have.
func (c *contract) takes(row torn.RouteInfo, body []byte) error {
	for _, kind := range []string{"application/json", "multipart/form-data", "application/x-www-form-urlencoded"} {
		place := []string{"paths", row.Path, strings.ToLower(row.Method), "requestBody", "content", kind, "schema"}
		if _, err := c.schema(place...); err == nil {
			return c.fits(body, place...)
		}
	}
	if body != nil {
		return errors.New("it takes no body")
	}
	return nil
}

// statuses are those of the refusals that the document describes.
func (c *contract) statuses() map[string]bool {
	all := map[string]bool{}
	for _, methods := range c.paths {
		for _, operation := range methods {
			for status, p := range operation.Responses {
				if p.Ref != "" {
					all[status] = true
				}
			}
		}
	}
	return all
}

const examplesFolder = "examples"

func fileOf(id string) string { return filepath.Join(examplesFolder, id+".json") }

func (tr *tour) text(e torn.Example) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, compact(tr.t, e), "", "  "); err != nil {
		tr.t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func (tr *tour) write() {
	old, err := filepath.Glob(fileOf("*"))
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			tr.t.Fatal(err)
		}
	}
	for id, e := range tr.made {
		if err := os.WriteFile(fileOf(id), tr.text(e), 0o644); err != nil { //nolint:gosec // everybody may read it
			tr.t.Fatal(err)
		}
	}
}

// secretShape is what no file of ours may hold: a token, a key, the password of the tests.
var secretShape = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}|PRIVATE KEY|` + regexp.QuoteMeta(centraltest.Password))

func (tr *tour) compare(wanted map[string]bool) {
	files, err := os.ReadDir(examplesFolder)
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(file.Name(), ".json")
		kept, err := os.ReadFile(filepath.Join(examplesFolder, file.Name()))
		if err != nil {
			tr.t.Fatal(err)
		}
		if !wanted[id] {
			tr.t.Errorf("%s is an example of nothing", file.Name())
		}
		if secretShape.Match(kept) {
			tr.t.Errorf("%s holds a secret", file.Name())
		}
		if made := tr.text(tr.made[id]); !bytes.Equal(kept, made) {
			tr.t.Errorf("%s is not what the server does (if it is right: go test ./central/torn -run Example -update)\nkept: %s\nmade: %s", file.Name(), kept, made)
		}
		delete(wanted, id)
	}
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		tr.t.Errorf("%s is not kept (go test ./central/torn -run Example -update)", fileOf(id))
	}
}
