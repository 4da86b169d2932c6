package torn_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central/centraltest"
	"mostrador/central/torn"
)

// Prices, quantities and costs up to their limits: what is too large is refused in words, what is not is added up right, and
// the reports still come.
func TestTheLargestFigures(t *testing.T) {
	c := newCounter(t, 50)
	if err := c.setCost("PROD-00003", "999999999999"); err != nil {
		t.Fatal(err)
	}
	dear := c.product("Edificio", fields{"precio_neto": 800_000_000_000, "codigo_interno": "CARO", "tax_id": 1})
	c.put(path("/products/", dear), fields{"costo_unitario": 999_999_999_999}).want(200)
	sell := func(product int64, qty string, paid int64) answer {
		return c.post("/sales/", boleta(product, qty, paid))
	}
	sell(dear, "999999999", 999_999_999_999).want(422)
	sell(dear, "100000", 999_999_999_999).want(422)
	sell(dear, "1.1", 999_999_999_999).refusedWith(422, "El documento suma 1.047.200.000.000")
	sell(3, "999999999", 999_999_999_999).refusedWith(422, "El costo de Clavo no cabe en los libros")
	sell(3, "1000000", 51_000_000).refusedWith(422, "El costo de Clavo no cabe en los libros")
	for range 12 {
		if got := sell(dear, "1", 952_000_000_000).want(201); got.text("monto_total") != "952000000000.00" {
			t.Fatalf("%s", got.body)
		}
	}
	free := c.product("Terreno", fields{"precio_neto": 800_000_000_000, "codigo_interno": "GRATIS", "tax_id": 1})
	for range 20 {
		sell(free, "1", 952_000_000_000).want(201)
	}
	c.get("/sales/").want(200)
	c.get("/stats/summary").want(200).reads(fields{"daily": fields{"sales_total": "30464000000000.00", "margin_total": "9000000000000.000000"}})
	for _, path := range []string{"/reports/dashboard", "/stats/top-products", "/stats/report", "/cash/status"} {
		c.get(path).want(200)
	}
	c.clock.Advance(25 * time.Hour)
	if _, err := c.db.CloseDays(t.Context()); err != nil {
		t.Error(err)
	}
}

// setCost past the API.
func (c *counter) setCost(code, cost string) error {
	var p struct{ ID int64 }
	if err := json.Unmarshal(c.get("/products/"+code).want(200).body, &p); err != nil {
		return err
	}
	c.put(path("/products/", p.ID), fields{"costo_unitario": cost}).want(200)
	return nil
}

// refusedWith wants words in the answer.
func (a answer) refusedWith(status int, words string) {
	a.t.Helper()
	if a.want(status); !strings.Contains(string(a.body), words) {
		a.t.Errorf("%s: %s, want %s", a.what, a.body, words)
	}
}

// A key that is used again with another quantity is another request, however small the difference.
func TestAKeyKnowsEveryDecimal(t *testing.T) {
	c := newCounter(t, 50)
	ask := func(qty string) answer {
		return c.with("POST", "/sales/", text(boleta(3, qty, 60)), "Idempotency-Key", "k", "X-Tenant-ID", "1", "Content-Type", "application/json")
	}
	first := ask("1.00001").want(201).id()
	if again := ask("1.00001").want(201).id(); again != first {
		t.Errorf("sold twice: %d and %d", first, again)
	}
	ask("1.00002").refused(409, "La Idempotency-Key ya se usó con otra solicitud")
}

// Whoever looks at the drawer does not wait for who is selling from it, and nobody waits for them.
func TestLookingAtTheDrawerHoldsNobodyUp(t *testing.T) {
	g := newGuarded(t, func(config *torn.Config) { config.Timeout = 3 * time.Second })
	company, owner := g.shop(76086428)
	owner.post("/cash/open", fields{"start_amount": 1}).want(200)
	db := centraltest.Superuser(t, g.db)
	// A sale that is under way.
	if _, err := db.Exec(t.Context(), "begin; select from "+company.Schema+".shift for share"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, path := range []string{"/cash/status", "/cash/movements", "/cash/sessions", "/reports/dashboard"} {
		wg.Go(func() { owner.get(path).want(200) })
	}
	wg.Wait()
	if _, err := db.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
}

// A note that is sold is refused in Torn's order: the shift, the customer, the references.
func TestTheOrderOfASalesRefusals(t *testing.T) {
	c := newCounter(t, 50)
	note := fields{"rut_cliente": "5126663-3", "tipo_dte": 61, "items": []any{fields{"product_id": 1, "cantidad": 1}}, "payments": []any{}}
	required := "Los documentos de ajuste (DTE 61) requieren obligatoriamente referencias al documento original."
	incomplete := "Las referencias de un documento de ajuste deben incluir tipo_documento, folio y sii_reason_code."
	c.post("/cash/close", fields{"final_cash_declared": 0}).want(200)
	if got := c.post("/sales/", note).want(409).text("detail"); !strings.Contains(got, "no tiene turno de caja abierto.") || !strings.Contains(got, "No hay turno") {
		t.Error(got)
	}
	c.post("/cash/open", fields{"start_amount": 0}).want(200)
	c.post("/sales/", note).refused(404, "Cliente con RUT 5126663-3 no encontrado")
	note["rut_cliente"] = "66666666-6"
	c.post("/sales/", note).refused(400, required)
	for _, reference := range []fields{
		{"tipo_documento": "39", "folio": "1", "fecha": "2026-11-20"},
		{"tipo_documento": "39", "folio": "1", "fecha": "2026-11-20", "sii_reason_code": nil},
		{"tipo_documento": "", "folio": "1", "fecha": "2026-11-20", "sii_reason_code": 1},
		{"tipo_documento": "39", "folio": "", "fecha": "2026-11-20", "sii_reason_code": 1},
	} {
		note["referencias"] = []any{reference}
		c.post("/sales/", note).refused(400, incomplete)
	}
	factura := fields{
		"rut_cliente": "66666666-6", "tipo_dte": 33, "items": note["items"], "payments": []any{},
		"referencias": []any{fields{"tipo_documento": "801", "folio": "", "fecha": "2026-11-20"}},
	}
	if got := c.post("/sales/", factura).faultTypes(); got != `value_error["body","referencias",0,"folio"]` {
		t.Error(got)
	}
}
