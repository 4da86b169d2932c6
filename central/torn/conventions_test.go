package torn_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"mostrador/central/centraltest"
)

func TestEverySpellingOfAPathIsAnsweredWithoutARedirect(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for i, path := range []string{"/customers/", "/customers", "/api/customers/", "/api/customers", "//customers//"} {
		rut := []string{"5126663-3", "6874225-0", "7123456-4", "8234567-6", "9345678-8"}[i]
		owner.post(path, map[string]any{"rut": rutWithDV(rut), "razon_social": "Cliente"}).want(201)
		owner.get(path).want(200)
	}
	owner.get("/folios/nada").refused(404, "Not Found")
	got := owner.do("PATCH", "/customers/", nil).refused(405, "Method Not Allowed")
	if allow := got.header.Get("Allow"); !strings.Contains(allow, "POST") {
		t.Errorf("Allow: %q", allow)
	}
}

func TestWhoIsNobody(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	other, _ := h.shop(77777777)

	got := h.nobody().in(company).get("/customers/").refused(401, "Not authenticated")
	if got.header.Get("WWW-Authenticate") != "Bearer" {
		t.Error("no WWW-Authenticate")
	}
	(&client{house: h, token: "x.y.z", tenant: company.ID}).get("/customers/").refused(401, "No se pudo validar la sesión global")
	owner.in(other).get("/customers/").refused(403, "No tienes acceso a este Inquilino / Empresa.")
	(&client{house: h, token: owner.token, tenant: 999}).get("/customers/").refused(404, "Inquilino no encontrado o inactivo.")
	// The token comes first, whatever else is wrong.
	h.nobody().post("/customers/", "{").refused(401, "Not authenticated")

	// Who has one company need not name it.
	(&client{house: h, token: owner.token}).get("/customers/").want(200)

	// A newer login ends the older one, and time ends both.
	again := h.login("duena-76086428@ejemplo.cl").in(company)
	owner.get("/customers/").refused(401, "No se pudo validar la sesión global")
	again.get("/customers/").want(200)
	h.clock.Advance(12*time.Hour + time.Second)
	again.get("/customers/").refused(401, "No se pudo validar la sesión global")
}

func TestLogoutEndsTheToken(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	owner.post("/auth/logout", nil).want(204)
	owner.get("/auth/validate").want(401)
}

func TestGuessingPasswordsIsSlow(t *testing.T) {
	h := newHouse(t)
	centraltest.Account(t, h.db, "a@ejemplo.cl", false)
	wrong := map[string]any{"email": "a@ejemplo.cl", "password": "no es esta"}
	right := map[string]any{"email": "A@ejemplo.cl ", "password": centraltest.Password}
	for range 5 {
		h.nobody().post("/auth/login", wrong).refused(401, "Credenciales incorrectas")
	}
	h.nobody().post("/auth/login", right).refused(401, "Credenciales incorrectas")
	h.clock.Advance(31 * time.Second)
	h.nobody().post("/auth/login", right).want(200)
	h.nobody().post("/auth/login", map[string]any{"email": "nadie@ejemplo.cl", "password": "x"}).refused(401, "Credenciales incorrectas")
}

func TestNoAnswerCarriesAHash(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	got := owner.get("/auth/validate").want(200)
	if strings.Contains(string(got.body), "argon2") || strings.Contains(string(got.body), "password") {
		t.Errorf("%s", got.body)
	}
	user, _ := got.json()["user"].(map[string]any)
	if user["full_name"] != user["name"] || user["email"] != "duena-76086428@ejemplo.cl" {
		t.Errorf("user %v", user)
	}
	tenants, _ := got.json()["available_tenants"].([]any)
	if len(tenants) != 1 || tenants[0].(map[string]any)["permissions"].(map[string]any)["all"] != true {
		t.Errorf("tenants %v", tenants)
	}
}

func TestBrowsersMayCall(t *testing.T) {
	h := newHouse(t)
	ask := func(method, path, origin string) answer {
		q, err := http.NewRequestWithContext(t.Context(), method, h.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Origin", origin)
		if method == "OPTIONS" {
			q.Header.Set("Access-Control-Request-Method", "POST")
			q.Header.Set("Access-Control-Request-Headers", "authorization, content-type, x-tenant-id")
		}
		return h.nobody().send(q)
	}
	if got := ask("OPTIONS", "/sales/", "http://localhost:3000").want(200); got.header.Get("Access-Control-Allow-Headers") != "authorization, content-type, x-tenant-id" {
		t.Errorf("%v", got.header)
	}
	if got := ask("OPTIONS", "/sales/", "https://malo.example").want(400); string(got.body) != "Disallowed CORS origin" {
		t.Errorf("%s", got.body)
	}
	for _, path := range []string{"/", "/nada", "/customers/", "/auth/login"} {
		if got := ask("GET", path, "http://127.0.0.1:8000"); got.header.Get("Access-Control-Allow-Origin") != "http://127.0.0.1:8000" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
	}
}

// The faults of a request have the types and places that clients of Torn read.
func TestFaultsArePydantics(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for body, want := range map[string]string{
		``:                     `missing["body"]`,
		`{`:                    `json_invalid["body"]`,
		`[]`:                   `model_attributes_type["body"]`,
		`{"a":1} {}`:           `json_invalid["body"]`,
		`{"rut":1,"rut":2}`:    `json_invalid["body"]`,
		`{"rut":"\u0000"}`:     `json_invalid["body"]`,
		"{\"rut\":\"\xff\"}":   `json_invalid["body"]`,
		`{}`:                   `missing["body","rut"] missing["body","razon_social"]`,
		`{"rut":"1-9"}`:        `value_error["body","rut"] missing["body","razon_social"]`,
		`{"rut":760864285}`:    `string_type["body","rut"] missing["body","razon_social"]`,
		`{"rut":"76086428-5"}`: `missing["body","razon_social"]`,
		`{"rut":"76.086.428-5","razon_social":null}`:                             `string_type["body","razon_social"]`,
		`{"rut":"76086428-5","razon_social":"` + strings.Repeat("ñ", 201) + `"}`: `string_too_long["body","razon_social"]`,
		`{"rut":"76086428-5","razon_social":"A","limite_credito":"-1"}`:          `greater_than_equal["body","limite_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","limite_credito":"x"}`:           `decimal_parsing["body","limite_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","limite_credito":[]}`:            `decimal_type["body","limite_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","dias_credito":"1.5"}`:           `int_parsing["body","dias_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","dias_credito":1.5}`:             `int_from_float["body","dias_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","dias_credito":99999999999}`:     `int_parsing_size["body","dias_credito"]`,
		`{"rut":"76086428-5","razon_social":"A","rason_social":"B"}`:             `extra_forbidden["body","rason_social"]`,
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000):                    `json_invalid["body"]`,
	} {
		if got := owner.post("/customers/", body).faultTypes(); got != want {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
	}
	owner.post("/customers/", `{"rut":"`+strings.Repeat("1", 2<<20)+`"}`).want(413)
	if got := owner.get("/customers/?limit=0&skip=x").faultTypes(); got != `int_parsing["query","skip"] greater_than_equal["query","limit"]` {
		t.Error(got)
	}
	if got := owner.get("/customers/12-3").faultTypes(); got != `value_error["path","rut"]` {
		t.Error(got)
	}
	// What answers carry may be sent back.
	made := owner.post("/customers/", `{"rut":"76.086.428-5","razon_social":" Ñandú & Cía <東京> ","current_balance":"0","id":7}`).want(201)
	if made.text("razon_social") != "Ñandú & Cía <東京>" || made.text("rut") != "76086428-5" || made.text("current_balance") != "0.00" {
		t.Errorf("%s", made.body)
	}
}

// Browsers and Python send numbers in more forms than people write: an exponent, the dust of binary fractions.
func TestNumbersAreReadAsBrowsersSendThem(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	made := owner.post("/products/", `{"nombre":"Clavo","precio_neto":1}`).want(201).id()
	for sent, want := range map[string]string{
		`1e3`: "1000.00", `"1.0E+3"`: "1000.00", `1189.4999999999998`: "1190.00", `1190.0000000000002`: "1190.00", `" +12 "`: "12.00",
		`"12."`: "12.00", `.5e1`: "422", `"-0.0"`: "0.00", `0.4`: "0.00", `1e400`: "422", `"NaN"`: "422", `"Infinity"`: "422", `"0x10"`: "422",
		`"1_000"`: "422", `"1,5"`: "422", `1e12`: "422", `1e999`: "422",
	} {
		got := owner.do("PUT", path("/products/", made), `{"precio_neto":`+sent+`}`)
		if seen := got.text("precio_neto"); seen != want && (want != "422" || got.status != 422) {
			t.Errorf("%s is %d %s, want %s", sent, got.status, seen, want)
		}
	}
	for sent, want := range map[string]string{`0.30000000000000004`: "0.30", `2.675`: "2.68", `1e-9`: "0.00"} {
		if got := owner.do("PUT", path("/products/", made), `{"stock_actual":`+sent+`}`).want(200).text("stock_actual"); got != want {
			t.Errorf("%s is %s, want %s", sent, got, want)
		}
	}
	for sent, want := range map[string]any{`"2.0"`: 2.0, `1e1`: 10.0, `30.000`: 30.0, `2.5`: nil, `1e-1`: nil, `1e-9`: nil, `"1e400"`: nil} {
		got := owner.put("/config/settings/", `{"dias_credito":`+sent+`}`)
		if want == nil && got.status != 422 || want != nil && got.want(200).json()["dias_credito"] != want {
			t.Errorf("%s is %d %s", sent, got.status, got.body)
		}
	}
}
