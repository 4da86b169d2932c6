package torn_test

import (
	"testing"

	"mostrador/dte"
)

// rutWithDV puts the right check digit on the number before the dash.
func rutWithDV(s string) string {
	n := 0
	for _, d := range s {
		if d == '-' {
			break
		}
		n = n*10 + int(d-'0')
	}
	return dte.RUT(n).String()
}

func TestCustomers(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	owner.post("/customers/", map[string]any{"rut": "76.086.428-5", "razon_social": "Ferretería Ñuñoa", "giro": "", "limite_credito": 50000}).want(201)
	owner.post("/customers/", map[string]any{"rut": "76086428-5", "razon_social": "Otra"}).refused(409, "Ya existe un cliente con RUT 76086428-5")

	for _, q := range []string{"76.086.428-5", "76086428-5", "760864285", "76.086", "ñuño", "FERRE"} {
		if got := owner.get("/customers/search?q=" + q).want(200).list(); len(got) != 1 {
			t.Errorf("%q finds %d", q, len(got))
		}
	}
	for _, q := range []string{"", "%25", "_", "zzz"} {
		if got := owner.get("/customers/search?q=" + q).want(200).list(); len(got) != 0 {
			t.Errorf("%q finds %d", q, len(got))
		}
	}
	if got := owner.get("/customers/").list(); len(got) != 2 || got[0]["razon_social"] != "Cliente sin identificar" {
		t.Errorf("the list: %v", got)
	}
	if got := owner.get("/customers/?skip=1&limit=1").list(); len(got) != 1 || got[0]["razon_social"] != "Ferretería Ñuñoa" {
		t.Errorf("the second page: %v", got)
	}

	changed := owner.put("/customers/76.086.428-5", map[string]any{"email": "a@b.cl", "limite_credito": nil}).want(200)
	if changed.text("email") != "a@b.cl" || changed.json()["limite_credito"] != nil || changed.text("razon_social") != "Ferretería Ñuñoa" {
		t.Errorf("%s", changed.body)
	}
	owner.put("/customers/76086428-5", map[string]any{"rut": "66666666-6"}).refused(409, "Ya existe un cliente con RUT 66666666-6")
	owner.put("/customers/5126663-3", map[string]any{"email": "a@b.cl"}).refused(404, "Cliente con RUT 5126663-3 no encontrado")

	owner.delete("/customers/66666666-6").want(409)
	owner.delete("/customers/76086428-5").want(204)
	owner.get("/customers/76086428-5").refused(404, "No se encontró un cliente con RUT 76086428-5")
	owner.delete("/customers/76086428-5").want(404)
}
