package torn_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestBrands(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	zeta := owner.post("/brands/", map[string]any{"name": "Zeta"}).want(201).id()
	alfa := owner.post("/brands/", map[string]any{"name": " Alfa "}).want(201).id()
	owner.post("/brands/", map[string]any{"name": "Alfa"}).refused(409, "Ya existe una marca con nombre 'Alfa'")
	for _, name := range []any{"", "   ", nil, 7, strings.Repeat("x", 101)} {
		owner.post("/brands/", map[string]any{"name": name}).want(422)
	}
	if got := owner.get("/brands/").want(200).list(); len(got) != 2 || got[0]["name"] != "Alfa" || got[1]["name"] != "Zeta" {
		t.Errorf("the list: %v", got)
	}
	if got := owner.get("/brands/?skip=1&limit=1").want(200).list(); len(got) != 1 || got[0]["name"] != "Zeta" {
		t.Errorf("the second page: %v", got)
	}
	owner.put(path("/brands/", zeta), map[string]any{"name": "Alfa"}).refused(409, "Ya existe una marca con nombre 'Alfa'")
	owner.put(path("/brands/", zeta), map[string]any{"name": "Beta"}).want(200)
	owner.put("/brands/99", map[string]any{"name": "Beta"}).refused(404, "Marca con ID 99 no encontrada")
	owner.delete(path("/brands/", alfa)).want(204)
	owner.delete(path("/brands/", alfa)).refused(404, "Marca con ID 2 no encontrada")
}

// Torn let several taxes be the default.
func TestOneDefaultTax(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	defaults := func() (ids []any) {
		for _, tax := range owner.get("/config/taxes/").want(200).list() {
			if tax["is_default"] == true {
				ids = append(ids, tax["id"])
			}
		}
		return ids
	}
	made := owner.post("/config/taxes/", map[string]any{"name": "IVA de la casa", "rate": "0.19", "is_default": true}).want(201)
	if made.text("rate") != "0.1900" || made.json()["is_default"] != true || made.json()["is_active"] != true {
		t.Errorf("%s", made.body)
	}
	if got := defaults(); len(got) != 1 || got[0] != 3.0 {
		t.Errorf("the defaults: %v", got)
	}
	if got := owner.get("/config/settings/").json()["iva_default_id"]; got != 3.0 {
		t.Errorf("the settings: %v", got)
	}
	owner.put("/config/taxes/1", map[string]any{"is_default": true}).want(200)
	if got := defaults(); len(got) != 1 || got[0] != 1.0 {
		t.Errorf("the defaults: %v", got)
	}
	owner.put("/config/settings/", map[string]any{"iva_default_id": 2}).want(200)
	if got := defaults(); len(got) != 1 || got[0] != 2.0 {
		t.Errorf("the defaults: %v", got)
	}
	owner.put("/config/settings/", map[string]any{"iva_default_id": 99}).refused(404, "Impuesto no encontrado")
	owner.put("/config/settings/", map[string]any{"iva_default_id": 0}).want(200)
	if got := defaults(); len(got) != 0 {
		t.Errorf("the defaults: %v", got)
	}
}

// Whoever chooses last wins; nobody is answered an error of the server's.
func TestOneDefaultTaxOfManyAtOnce(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			var got answer
			switch i % 5 {
			case 0:
				got = owner.put("/config/taxes/1", map[string]any{"is_default": true})
			case 1:
				got = owner.put("/config/taxes/2", map[string]any{"is_default": true})
			case 2:
				got = owner.put("/config/taxes/1", map[string]any{"is_default": false})
			case 3:
				got = owner.put("/config/taxes/2", map[string]any{"is_default": false})
			default:
				got = owner.post("/config/taxes/", map[string]any{"name": path("Impuesto ", int64(i)), "rate": "0.19", "is_default": true})
			}
			if got.status >= 300 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	owner.put("/config/taxes/1", map[string]any{"is_default": true}).want(200)
	n := 0
	for _, tax := range owner.get("/config/taxes/").want(200).list() {
		if tax["is_default"] == true {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d defaults", n)
	}
}

// A price with another rate than the documents' would be asked for, and paid, and never be on paper.
func TestATaxIsOneThatDocumentsCarry(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	const no = "La tasa es 0.19 (IVA) o 0 (exento): los documentos no llevan otra. Los impuestos adicionales no se emiten aquí"
	for _, rate := range []any{0.1, "0.105", "0.1899", 1, "0.2"} {
		for _, got := range []answer{
			owner.post("/config/taxes/", map[string]any{"name": "Reducido", "rate": rate}),
			owner.put("/config/taxes/1", map[string]any{"rate": rate}),
		} {
			if got.want(422).text("error") != no {
				t.Errorf("%v: %s", rate, got.body)
			}
		}
	}
	owner.post("/config/taxes/", map[string]any{"name": "Libros", "rate": "0.0"}).want(201)
	owner.put("/config/taxes/3", map[string]any{"rate": "0.19"}).want(200)
	if got := owner.get("/config/taxes/").want(200).list(); len(got) != 3 || got[0]["rate"] != "0.1900" || got[2]["rate"] != "0.1900" {
		t.Errorf("%v", got)
	}
}

func TestTaxesRefuse(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for _, rate := range []any{10, "10", 19, -0.1, "x", "0.12345"} {
		owner.post("/config/taxes/", map[string]any{"name": "Otro", "rate": rate}).want(422)
		owner.put("/config/taxes/1", map[string]any{"rate": rate}).want(422)
	}
	owner.post("/config/taxes/", map[string]any{"name": "Exento", "rate": 0}).refused(409, "Ya existe un impuesto con nombre 'Exento'")
	owner.put("/config/taxes/1", map[string]any{"name": "Exento"}).refused(409, "Ya existe un impuesto con nombre 'Exento'")
	owner.put("/config/taxes/1", map[string]any{"name": nil}).want(422)
	owner.put("/config/taxes/99", map[string]any{"rate": "0"}).refused(404, "Impuesto no encontrado")
	owner.put("/config/taxes/2", map[string]any{"is_active": false}).want(200)
	if got := owner.get("/config/taxes/?is_active=true").want(200).list(); len(got) != 1 || got[0]["rate"] != "0.1900" {
		t.Errorf("the active: %v", got)
	}
}

func TestSettings(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	got := owner.get("/config/settings/").want(200)
	if got.id() != 1 || got.text("print_format") != "80mm" || got.json()["iva_default_id"] != 1.0 || got.json()["control_caja"] != true {
		t.Errorf("%s", got.body)
	}
	got = owner.put("/config/settings/", map[string]any{"print_format": "carta", "limite_credito": 5000}).want(200)
	if got.text("print_format") != "carta" || got.text("limite_credito") != "5000.00" || got.json()["iva_default_id"] != 1.0 {
		t.Errorf("%s", got.body)
	}
	owner.put("/config/settings/", map[string]any{"control_caja": false, "dias_credito": 9}).want(200)
	if f := owner.get("/config/settings/").want(200).fields("print_format", "limite_credito", "iva_default_id", "control_caja", "dias_credito"); f != "carta 5000.00 1 false 9" {
		t.Errorf("what is kept: %s", f)
	}
	if got := owner.put("/config/settings/", map[string]any{"print_format": "pergamino"}).faultTypes(); got != `literal_error["body","print_format"]` {
		t.Error(got)
	}
}

func TestTheIssuerIsTheCompany(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	if got := owner.get("/issuer/").want(200); got.text("rut") != "76086428-5" || got.text("acteco") != "471100" {
		t.Errorf("%s", got.body)
	}
	got := owner.put("/issuer/", map[string]any{"rut": "76.086.428-5", "giro": "Panadería", "resolucion_fch": "2014-08-22", "resolucion_nro": 80}).want(200)
	if got.text("giro") != "Panadería" || got.text("razon_social") != "Comercial 76086428-5" || got.text("resolucion_fch") != "2014-08-22" {
		t.Errorf("%s", got.body)
	}
	// What was answered may be sent back.
	owner.put("/issuer/", got.json()).want(200)
	owner.put("/issuer/", map[string]any{"rut": "77777777-7"}).refused(409, "El RUT del emisor es el de la empresa, 76086428-5: no se puede cambiar por 77777777-7")
	for name, value := range map[string]any{"razon_social": nil, "direccion": strings.Repeat("x", 71), "acteco": "47A", "rut": "76086428-1", "giro": 3} {
		owner.put("/issuer/", map[string]any{name: value}).want(422)
	}
	if got := owner.get("/issuer/"); got.text("rut") != "76086428-5" || got.text("giro") != "Panadería" {
		t.Errorf("%s", got.body)
	}
}

// path ends a path with a number.
func path(start string, id int64) string { return start + strconv.FormatInt(id, 10) }
