package torn_test

import (
	"fmt"
	"strconv"
	"testing"

	"mostrador/central/centraltest"
)

// A refused document says what helps; what was done is told, and the same request again does nothing more.
func TestARefusalHasAWayOut(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "5126663-3", "razon_social": "Ana Días"}).want(201)
	order := boleta(1, "1", 1190)
	order["rut_cliente"] = "5126663-3"
	c.post("/sales/", order).want(201)
	const path = "/sales/1/rechazo"
	if got := c.get(path).want(200); got.text("estado") != "issued" || got.text("significa") != "" || fmt.Sprint(got.json()["acciones"], got.json()["hechas"]) != "[] []" {
		t.Errorf("%s", got.body)
	}
	act := func(action string) map[string]any {
		return map[string]any{"accion": action, "motivo": "Lo pidió el contador"}
	}
	c.post(path, act("reenviar")).refused(409, "La boleta electrónica 1 no está rechazada: espera al SII. No se cambió nada")
	db := centraltest.Superuser(t, c.db)
	if _, err := db.Exec(t.Context(), "update "+c.company.Schema+`.document_state set state = 'rejected',
		veredicto = '{"state":"rejected","codigo":"REF-3-751","glosa":"Referencia errada"}'`); err != nil {
		t.Fatal(err)
	}
	got := c.get(path).want(200)
	if got.text("significa") != "El SII se refiere a un documento que no existe o es de otro tipo (REF-3-751 Referencia errada)." || fmt.Sprint(got.json()["acciones"]) != "[corregir]" {
		t.Errorf("%s", got.body)
	}
	c.seller("vendedor@ejemplo.cl").post(path, act("corregir")).want(403)
	c.post(path, act("rezar")).want(422)
	c.post(path, map[string]any{"accion": "corregir"}).want(422)
	c.post("/sales/99/rechazo", act("corregir")).want(404)
	bad := act("corregir")
	bad["referencias"] = []any{map[string]any{"tipo_documento": "801", "folio": "77", "fecha": "ayer y hoy"}}
	c.post(path, bad).want(422)

	c.put("/customers/5126663-3", map[string]any{"razon_social": "Ana Díaz"}).want(200)
	ask := func(body string) answer {
		return c.with("POST", path, body, "X-Tenant-ID", strconv.FormatInt(c.tenant, 10), "Idempotency-Key", "rechazo-1")
	}
	const body = `{"accion":"corregir","motivo":"Lo pidió el contador","referencias":[{"tipo_documento":"801","folio":"77","fecha":"2026-11-20"}]}`
	if got := ask(body).want(200); got.text("estado_dte") != "issued" || len(got.json()["referencias"].([]any)) != 1 {
		t.Errorf("%s", got.body)
	}
	ask(body).want(200)
	ask(`{"accion":"corregir","motivo":"Otro"}`).refused(409, "La Idempotency-Key ya se usó con otra solicitud")
	if got := c.document(1); got.Receptor.RznSoc != "Ana Díaz" || got.Folio != 1 {
		t.Errorf("%+v", got.Draft)
	}
	done := c.get(path).want(200).json()["hechas"].([]any)
	if len(done) != 1 || fieldsOf(done[0].(map[string]any), "accion", "folio", "codigo_sii", "glosa_sii", "motivo") != "corregir 1 REF-3-751 Referencia errada Lo pidió el contador" {
		t.Errorf("%v", done)
	}
}
