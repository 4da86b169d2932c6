package torn_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"mostrador/central/centraltest"
	"mostrador/dte"
)

// frontend is Torn's web frontend in a browser: it asks for leave before each call, as browsers do, sends what its screens
// send, and expects of each answer what its screens read.
type frontend struct {
	t     testing.TB
	house *house
	// cookies by name. The server's clock is not this machine's, so none expires.
	cookies map[string]*http.Cookie
	token   string
	tenant  string
	// spell writes a path in one of the ways in which clients write it.
	spell func(string) string
}

const frontendOrigin = "http://localhost:3000"

func newFrontend(h *house, spell func(string) string) *frontend {
	return &frontend{t: h.t, house: h, cookies: map[string]*http.Cookie{}, spell: spell}
}

// asWritten is how the frontend spells a path. otherwise has /api before it, and a slash at the end where there was none.
func asWritten(path string) string { return path }

func otherwise(path string) string {
	path, query, found := strings.Cut(path, "?")
	if strings.HasSuffix(path, "/") {
		path = strings.TrimSuffix(path, "/")
	} else {
		path += "/"
	}
	if found {
		path += "?" + query
	}
	return "/api" + path
}

// call asks for leave, calls, and wants the answer for this origin.
func (f *frontend) call(method, path string, body any) answer {
	f.t.Helper()
	address := f.house.url + f.spell(path)
	f.preflight(method, address)
	var content io.Reader
	if body != nil {
		content = strings.NewReader(text(body))
	}
	q := f.request(method, address, content)
	q.Header.Set("Content-Type", "application/json")
	if f.token != "" {
		q.Header.Set("Authorization", "Bearer "+f.token)
	}
	if f.tenant != "" {
		q.Header.Set("X-Tenant-ID", f.tenant)
	}
	got := f.house.nobody().send(q)
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		f.cookies[cookie.Name] = cookie
	}
	f.mayRead(got)
	if got.status >= 300 && got.status < 400 {
		f.t.Errorf("%s is sent elsewhere: %d", got.what, got.status)
	}
	return got
}

func (f *frontend) request(method, address string, body io.Reader) *http.Request {
	f.t.Helper()
	q, err := http.NewRequestWithContext(f.t.Context(), method, address, body)
	if err != nil {
		f.t.Fatal(err)
	}
	q.Header.Set("Origin", frontendOrigin)
	return q
}

// mayRead says that a browser shows the answer to the frontend.
func (f *frontend) mayRead(got answer) {
	f.t.Helper()
	if got.header.Get("Access-Control-Allow-Origin") != frontendOrigin || got.header.Get("Access-Control-Allow-Credentials") != "true" {
		f.t.Errorf("%s: a browser would keep the answer to itself: %v", got.what, got.header)
	}
}

func (f *frontend) preflight(method, address string) {
	f.t.Helper()
	q := f.request("OPTIONS", address, nil)
	q.Header.Set("Access-Control-Request-Method", method)
	q.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-tenant-id")
	got := f.house.nobody().send(q).want(200)
	f.mayRead(got)
	for header, want := range map[string]string{"Access-Control-Allow-Methods": method, "Access-Control-Allow-Headers": "x-tenant-id"} {
		if !strings.Contains(got.header.Get(header), want) {
			f.t.Errorf("%s: %s is %q", got.what, header, got.header.Get(header))
		}
	}
}

// screen makes the calls with which a screen opens, in their order.
func (f *frontend) screen(paths ...string) (answers []answer) {
	f.t.Helper()
	for _, path := range paths {
		answers = append(answers, f.call("GET", path, nil))
	}
	return answers
}

// tab opens a page in a new tab, which sends cookies and nothing else.
func (f *frontend) tab(path string) string {
	f.t.Helper()
	q, err := http.NewRequestWithContext(f.t.Context(), "GET", f.house.url+f.spell(path), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, cookie := range f.cookies {
		q.AddCookie(cookie)
	}
	got := f.house.nobody().send(q).want(200)
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		f.t.Errorf("%s in a tab is %s", path, got.header.Get("Content-Type"))
	}
	return string(got.body)
}

// reads wants members of an answer, each as JSON.
func (a answer) reads(want fields) answer {
	a.t.Helper()
	has(a.t, a.what, a.json(), want)
	return a
}

// has wants members of an object: equal to a value, or merely of a kind if the value is one of the kinds below.
func has(t testing.TB, what string, got map[string]any, want fields) {
	t.Helper()
	for name, value := range want {
		member, there := got[name]
		var ok bool
		switch kind := value.(type) {
		case func(any) bool:
			ok = there && kind(member)
		case fields:
			inner, isObject := member.(map[string]any)
			if isObject {
				has(t, what+" "+name, inner, kind)
				continue
			}
		default:
			ok = there && text(member) == text(value)
		}
		if !ok {
			t.Errorf("%s: %s is %s", what, name, text(member))
		}
	}
}

// Kinds of values that screens read.
func aText(v any) bool   { s, ok := v.(string); return ok && s != "" }
func aNumber(v any) bool { _, ok := v.(float64); return ok }
func aBool(v any) bool   { _, ok := v.(bool); return ok }
func aList(v any) bool   { _, ok := v.([]any); return ok }
func aMap(v any) bool    { _, ok := v.(map[string]any); return ok }
func money(v any) bool {
	s, ok := v.(string)
	whole, cents, found := strings.Cut(s, ".")
	_, err := strconv.ParseInt(whole, 10, 64)
	return ok && found && err == nil && cents == "00"
}

// each wants of every row of a list, and at least one.
func (a answer) each(want fields) answer {
	a.t.Helper()
	rows := a.want(200).list()
	if len(rows) == 0 {
		a.t.Errorf("%s: nothing", a.what)
	}
	for _, row := range rows {
		has(a.t, a.what, row, want)
	}
	return a
}

// The screens of Torn's own frontend, one after the other, in the ways in which paths are spelled.
func TestTornsFrontendWorks(t *testing.T) {
	for name, spell := range map[string]func(string) string{"as written": asWritten, "otherwise": otherwise} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			centraltest.Account(t, h.db, "servicio@ejemplo.cl", true)
			f := newFrontend(h, spell)
			f.administration()
			f.login()
			f.settings()
			f.inventory()
			f.people()
			f.till()
			f.history()
			f.reports()
		})
	}
}

var tenantRow = fields{
	"id": aNumber, "name": aText, "rut": aText, "is_active": aBool, "plan_max_users": 3, "economic_activities": aList, "billing_day": 1, "created_at": aText,
}

// administration: the service makes the company, gives it its administrator and enters its till.
func (f *frontend) administration() {
	f.call("POST", "/auth/login", fields{"email": "servicio@ejemplo.cl", "password": "no es"}).refused(401, "Credenciales incorrectas")
	got := f.call("POST", "/auth/login", fields{"email": "servicio@ejemplo.cl", "password": centraltest.Password}).want(200)
	got.reads(fields{"token_type": "bearer", "access_token": aText, "available_tenants": []any{}, "user": fields{"is_superuser": true, "is_active": true, "email": "servicio@ejemplo.cl"}})
	f.token = got.text("access_token")
	f.screen("/auth/validate", "/saas/tenants", "/saas/actecos?limit=50", "/saas/actecos?q=panader&limit=50")[3].each(fields{"code": aText, "name": aText, "taxable": aBool, "category": aNumber})
	made := f.call("POST", "/saas/tenants", fields{
		"name": "Almacén Don José", "rut": "76.086.428-5", "address": "Calle Uno 1", "commune": "Talca", "city": "Talca", "giro": "Almacén", "billing_day": 1,
		"economic_activities": []any{fields{"code": "471100", "name": "x", "taxable": true, "category": 1}},
	}).want(201).reads(tenantRow).id()
	path := fmt.Sprintf("/saas/tenants/%d", made)
	f.screen("/auth/validate", "/saas/tenants", path+"/users")[1].each(tenantRow)
	f.call("POST", path+"/users", fields{"email": "duena@ejemplo.cl", "role_name": "ADMINISTRADOR", "password": centraltest.Password, "full_name": "La dueña"}).want(200)
	f.call("GET", path+"/users", nil).each(fields{"user_id": aNumber, "role_name": "ADMINISTRADOR", "is_active": true, "user": fields{"email": aText, "full_name": aText}})
	f.call("PATCH", path, fields{"name": "Almacén Don José", "is_active": true, "max_users_override": 10, "address": "", "commune": "", "city": "", "giro": "Almacén", "billing_day": 1}).want(200).reads(fields{"max_users_override": 10})
	f.tenant = strconv.FormatInt(made, 10)
	f.call("GET", "/products/", nil).want(200)
	f.call("GET", "/cash/status?user_id=1", nil).refused(404, "No hay caja abierta")
}

// login of somebody with one company: straight to the till, whose shift is closed.
func (f *frontend) login() {
	f.token, f.tenant = "", ""
	got := f.call("POST", "/auth/login", fields{"email": "duena@ejemplo.cl", "password": centraltest.Password}).want(200)
	has(f.t, "company at the door", got.json()["available_tenants"].([]any)[0].(map[string]any), fields{
		"id": aNumber, "name": aText, "rut": "76086428-5", "role_name": "ADMINISTRADOR", "is_active": true, "max_users": 10, "permissions": aMap,
	})
	f.token = got.text("access_token")
	f.call("GET", "/auth/validate", nil).reads(fields{"user": fields{"full_name": "La dueña", "name": "La dueña"}, "available_tenants": aList})
	f.tenant = "1"
	for _, a := range f.screen("/products/", "/auth/validate", "/products/") {
		a.want(200)
	}
}

// settings: taxes, paper, folios. CAF and certificate come by Torn's own later addition.
func (f *frontend) settings() {
	got := f.screen("/cash/status", "/auth/validate", "/config/taxes/", "/config/settings/")
	got[0].want(404)
	got[2].each(fields{"id": aNumber, "name": aText, "rate": aText, "is_active": true, "is_default": aBool})
	f.call("PUT", "/config/settings/", fields{"id": 1, "print_format": "carta", "iva_default_id": 1}).reads(fields{"print_format": "carta", "iva_default_id": 1})
	f.call("PUT", "/config/settings/", fields{"print_format": "80mm", "iva_default_id": 1}).reads(fields{"print_format": "80mm"})
	owner := &client{house: f.house, token: f.token, tenant: 1}
	file, password := centraltest.PFX(f.t, 5126663)
	owner.upload("/folios/certificate", file, "password", password).want(201)
	for _, tipo := range []dte.TipoDTE{33, 39, 61} {
		owner.upload("/folios/upload", centraltest.CAF(76086428, tipo, 1, 100)).want(201)
	}
	f.call("POST", "/folios/request", fields{"dte_type": 41, "amount_requested": 100}).reads(fields{"status": "PENDING", "timestamp": aText})
	f.screen("/folios/requests/history", "/folios/status")[1].each(fields{"dte_type": aNumber, "available": aNumber, "total": aNumber, "latest_folio_hasta": aNumber, "latest_folio_desde": aNumber})
	f.call("GET", "/issuer/", nil).reads(fields{"rut": "76086428-5", "razon_social": "Almacén Don José"})
	f.call("PUT", "/issuer/", fields{
		"rut": "76.086.428-5", "razon_social": "Almacén Don José", "giro": "Almacén", "acteco": "471100", "direccion": "Calle Uno 1", "comuna": "Talca", "ciudad": "Talca",
		"telefono": "", "email": "",
	}).reads(fields{"direccion": "Calle Uno 1"})
}

var productRow = fields{
	"id": aNumber, "codigo_interno": aText, "nombre": aText, "full_name": aText, "precio_neto": money, "precio_bruto": aText, "costo_unitario": aText,
	"stock_actual": aText, "stock_minimo": aText, "controla_stock": aBool, "is_active": true, "is_deleted": false, "variants": aList,
}

// inventory: brands, products with "no brand" and "no tax", providers, purchases, price lists.
func (f *frontend) inventory() {
	f.screen("/auth/validate", "/cash/status", "/products/", "/brands/", "/config/taxes/")
	made := f.call("POST", "/products/", fields{
		"nombre": "Pan amasado", "codigo_interno": "", "codigo_barras": "", "descripcion": "", "precio_neto": 1000, "unidad_medida": "unidad", "controla_stock": true,
		"stock_actual": 100, "stock_minimo": 0, "brand_id": 0, "tax_id": 0, "parent_id": nil,
	}).want(201).reads(productRow).reads(fields{"brand": nil, "brand_id": nil, "tax": nil, "tax_id": nil, "precio_bruto": "1190", "codigo_barras": "2000000000015"})
	f.call("GET", "/products/", nil).each(productRow)
	// The editor sends the product back as it got it.
	sent := made.json()
	sent["nombre"], sent["precio_neto"] = "Pan amasado chico", "990.00"
	f.call("PUT", fmt.Sprintf("/products/%d", made.id()), sent).reads(fields{"nombre": "Pan amasado chico", "precio_neto": "990.00", "stock_actual": "100.00"})
	f.call("PUT", fmt.Sprintf("/products/%d", made.id()), fields{"precio_neto": "1000"}).want(200)
	f.call("POST", "/products/with-variants", fields{
		"nombre": "Polera", "codigo_interno": "", "descripcion": "", "precio_neto": 0, "unidad_medida": "unidad", "controla_stock": true, "stock_actual": 0, "stock_minimo": 0,
		"brand_id": 0, "tax_id": 1, "variants": []any{fields{"nombre": "S", "precio_neto": 5000, "codigo_interno": "", "codigo_barras": "", "descripcion": "", "stock_actual": 3}},
	}).want(201)
	f.screen("/auth/validate", "/brands/", "/cash/status")
	f.call("POST", "/brands/", fields{"name": "Ñuble"}).reads(fields{"name": "Ñuble", "id": aNumber})
	f.screen("/auth/validate", "/customers/", "/cash/status")[1].each(fields{"rut": "66666666-6", "current_balance": money})
	customer := f.call("POST", "/customers/", fields{
		"rut": "77.777.777-7", "razon_social": "Constructora", "giro": "", "direccion": "", "comuna": "", "ciudad": "", "email": "",
	}).want(201).reads(fields{"rut": "77777777-7", "is_active": true, "price_list_id": nil}).id()
	f.call("PUT", "/customers/77777777-7", fields{"razon_social": "Constructora Peña", "giro": "Construcción", "direccion": "Calle Uno 2", "comuna": "Maipú", "ciudad": "", "email": ""}).want(200)
	f.screen("/auth/validate", "/cash/status", "/providers/")
	provider := f.call("POST", "/providers/", fields{"rut": "96.790.240-3", "razon_social": "Molino", "giro": "", "direccion": "", "email": "", "telefono": "", "ciudad": ""}).want(201).id()
	f.screen("/auth/validate", "/cash/status", "/purchases/", "/products/")
	bought := f.call("POST", "/purchases/", fields{
		"provider_id": provider, "folio": "", "tipo_documento": "FACTURA", "observacion": "", "items": []any{fields{"product_id": made.id(), "cantidad": 10, "precio_costo_unitario": 400}},
	}).want(201).reads(fields{"monto_neto": "4000.00", "iva": "760.00", "monto_total": "4760.00", "provider": fields{"razon_social": "Molino"}, "details": aList}).id()
	if page := f.tab(fmt.Sprintf("/purchases/%d/pdf", bought)); !strings.Contains(page, "Molino") {
		f.t.Error("the page of the purchase does not name the provider")
	}
	f.screen("/auth/validate", "/price-lists/", "/cash/status", "/customers/", "/products/")
	list := f.call("POST", "/price-lists/", fields{"name": "Mayoristas", "description": ""}).want(201).id()
	f.call("PUT", fmt.Sprintf("/price-lists/%d/products", list), fields{"items": []any{fields{"product_id": made.id(), "fixed_price": "900.00"}}}).reads(fields{"items": aList})
	f.call("PUT", fmt.Sprintf("/price-lists/%d/customers", list), fields{"customer_ids": []any{customer}}).reads(fields{"detail": fmt.Sprintf("1 cliente(s) asignados a la lista %d.", list)})
	f.call("GET", fmt.Sprintf("/price-lists/resolve-price/%d?customer_id=%d", made.id(), customer), nil).reads(fields{"resolved_price": "900.00", "source": "price_list"})
}

// people: staff and roles.
func (f *frontend) people() {
	got := f.screen("/auth/validate", "/users/", "/roles/", "/cash/status")
	got[1].each(fields{"id": aNumber, "rut": func(v any) bool { return v != nil }, "email": aText, "name": aText, "role": aText, "role_id": aNumber, "is_active": true, "is_owner": aBool, "role_obj": aMap})
	got[2].each(fields{"id": aNumber, "name": aText, "description": aText, "can_perform_sales": aBool, "permissions": aMap})
	made := f.call("POST", "/users/", fields{"full_name": "Ana", "email": "ana@ejemplo.cl", "rut": "", "role_id": 2, "password": centraltest.Password}).want(201).id()
	f.call("PUT", fmt.Sprintf("/users/%d", made), fields{"full_name": "Ana Rojas", "email": "ana@ejemplo.cl", "role_id": 2, "is_active": true, "password": ""}).reads(fields{"name": "Ana Rojas"})
	f.call("DELETE", fmt.Sprintf("/users/%d", made), nil).want(204)
}

// till: the drawer, a scan, the customer, the sale, its paper.
func (f *frontend) till() {
	me := 2
	open := fields{"start_amount": 10000, "user_id": me, "force_close_previous": false}
	f.screen("/auth/validate", "/cash/status", "/cash/status")[1].want(404)
	f.call("POST", "/cash/open", open).want(200).reads(fields{"status": "OPEN", "start_amount": "10000.00", "end_time": nil})
	f.call("POST", "/cash/open", open).want(409)
	open["force_close_previous"] = true
	f.call("POST", "/cash/open", open).want(200)
	// Sometimes it asks with two different numbers, and with none at all.
	first, second := f.call("GET", "/cash/status?user_id=2", nil).want(200), f.call("GET", "/cash/status?user_id=undefined", nil).want(200)
	if string(first.body) != string(second.body) {
		f.t.Errorf("%s is not %s", first.body, second.body)
	}
	got := f.screen("/auth/validate", "/price-lists/", "/cash/status", "/products/", "/products/2000000000015", "/sales/payment-methods/", "/folios/status", "/customers/search?q=co", "/customers/search?q=77.777")
	for _, a := range got {
		a.want(200)
	}
	got[4].reads(fields{"codigo_interno": "PROD-00001"})
	got[5].each(fields{"id": aNumber, "code": aText, "name": aText, "is_active": true})
	for _, a := range got[7:] {
		a.each(fields{"rut": "77777777-7", "razon_social": "Constructora Peña", "id": aNumber})
	}
	sale := fields{
		"rut_cliente": "66666666-6", "tipo_dte": 39, "items": []any{fields{"product_id": 1, "cantidad": 3}},
		"payments": []any{fields{"payment_method_id": 1, "amount": 3570.0000000000005, "transaction_code": ""}}, "seller_id": me,
	}
	sold := f.call("POST", "/sales/", sale).want(201).reads(fields{"id": aNumber, "folio": 1, "tipo_dte": 39, "monto_neto": "3000.00", "iva": "570.00", "monto_total": "3570.00"})
	for _, part := range []string{"Pan amasado", "3.570"} {
		if page := f.tab(fmt.Sprintf("/sales/%d/pdf", sold.id())); !strings.Contains(page, part) {
			f.t.Errorf("the paper does not say %s", part)
		}
	}
	factura := fields{
		"rut_cliente": "77.777.777-7", "tipo_dte": 33, "items": []any{fields{"product_id": 1, "cantidad": 0.1 + 0.2}}, "seller_id": me,
		"payments":    []any{fields{"payment_method_id": 2, "amount": "321.00", "transaction_code": "123"}},
		"referencias": []any{fields{"tipo_documento": "801", "folio": "OC-1", "fecha": "2026-11-20", "sii_reason_code": nil}, fields{"tipo_documento": "HES", "folio": "2", "fecha": "2026-11-20T03:00:00.000Z"}},
	}
	f.call("POST", "/sales/", factura).want(201).reads(fields{"folio": 1, "monto_total": "321.00", "referencias": aList})
}

var saleRow = fields{
	"id": aNumber, "folio": aNumber, "tipo_dte": aNumber, "fecha_emision": aText, "monto_neto": money, "iva": money, "monto_total": money, "created_at": aText,
	"customer": fields{"rut": aText, "razon_social": aText}, "details": aList,
}

// history: the list, and a credit note of all lines.
func (f *frontend) history() {
	list := f.screen("/folios/status", "/auth/validate", "/sales/payment-methods/", "/cash/status", "/sales/?skip=0&limit=50")[4].each(saleRow).list()
	line := list[1]["details"].([]any)[0].(map[string]any)
	has(f.t, "a line", line, fields{"product_id": aNumber, "cantidad": "3.0000", "precio_unitario": "1000.00", "descuento": "0.00", "subtotal": "3000.00", "product": productRow})
	f.call("POST", "/sales/return", fields{
		"original_sale_id": list[1]["id"], "items": []any{fields{"product_id": line["product_id"], "cantidad": line["cantidad"]}}, "reason": "Anulación de venta",
		"return_method_id": 1, "tipo_dte": 61, "sii_reason_code": 1,
	}).want(201).reads(fields{"tipo_dte": 61, "folio": 1, "monto_total": "3570.00", "related_sale_id": list[1]["id"]})
	f.call("GET", "/sales/?skip=0&limit=50", nil).each(saleRow)
}

// reports: dashboard, the day, and the count of the drawer.
func (f *frontend) reports() {
	got := f.screen("/auth/validate", "/reports/dashboard", "/cash/status", "/stats/top-products?days=30&limit=5", "/stats/summary")
	got[1].want(200).reads(fields{
		"fecha": "2026-11-20", "kpis": fields{"total_ventas": 321, "num_ventas": 2, "num_notas_credito": 1, "total_notas_credito": 3570, "ticket_promedio": 1946},
		"ventas_por_hora": aList, "top_productos": aList, "medios_pago": aList, "caja": fields{"id": aNumber, "inicio": aText, "fondo": 10000},
	})
	got[3].want(200).reads(fields{"by_quantity": aList, "by_margin": aList})
	period := fields{"sales_total": "321.00", "sales_count": 2, "margin_total": aText, "period": aText}
	got[4].want(200).reads(fields{"daily": period, "weekly": period, "monthly": period})
	f.screen("/auth/validate", "/cash/status", "/stats/report?period=day&date=2026-11-20")[2].want(200).reads(fields{"period": "day", "fecha": "2026-11-20T00:00:00-03:00", "total_ventas": "321.00", "total_utilidad": aText, "items": aList})
	f.call("POST", "/cash/close", fields{"final_cash_declared": "10000"}).want(200).reads(fields{"final_cash_system": "10000.00", "final_cash_declared": "10000.00", "difference": "0.00", "status": "CLOSED"})
	f.call("GET", "/cash/sessions", nil).each(fields{"id": aNumber, "status": aText, "user": fields{"name": aText}})
	// No permission is ever a 401: that would end the login.
	f.call("GET", "/saas/tenants", nil).refused(403, "Not authorized")
}
