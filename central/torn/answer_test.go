package torn_test

import (
	"testing"

	"mostrador/central/centraltest"
)

// What a sale answers is not read back from the database. It says the same as what is read later, to the byte.
func TestASaleAnswersWhatIsReadLater(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{
		"rut": "12345678-5", "razon_social": "Ferretería Ñandú", "giro": "Ferretería", "direccion": "Uno 1", "comuna": "Ñuñoa",
		"ciudad": "Santiago", "limite_credito": 1_000_000, "dias_credito": 45,
	}).want(201)
	item := func(product int, qty string, more ...any) map[string]any {
		m := map[string]any{"product_id": product, "cantidad": qty}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	pay := func(method, amount int, code string) map[string]any {
		return map[string]any{"payment_method_id": method, "amount": amount, "transaction_code": code}
	}
	sale := func(tipo int, rut string, items []any, payments []any, more ...any) map[string]any {
		m := map[string]any{"tipo_dte": tipo, "rut_cliente": rut, "items": items, "payments": payments}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	nobody, somebody := "66666666-6", "12345678-5"
	for name, body := range map[string]map[string]any{
		"boleta in cash, with change": sale(39, nobody, []any{item(1, "1.5"), item(1, "2"), item(3, "7")}, []any{pay(1, 10000, "")}),
		"boleta with discounts, paid in two ways": sale(39, nobody, []any{item(1, "3", "descuento", 100), item(2, "1", "descuento_pct", 0.1)},
			[]any{pay(2, 1000, "T-77"), pay(1, 20000, "")}, "descuento_pct", 0.05, "descripcion", "con «comillas» & más"),
		"exempt boleta": sale(41, nobody, []any{item(2, "2")}, []any{pay(1, 10000, "")}),
		"factura on account, with a reference": sale(33, somebody, []any{item(1, "2"), item(2, "1")}, []any{pay(5, 7380, "")},
			"referencias", []any{map[string]any{"tipo_documento": "801", "folio": "OC-9", "fecha": "2026-11-01"}}),
		"guía": sale(52, somebody, []any{item(1, "4")}, []any{}, "tipo_traslado", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := &client{c.house, c.token, c.tenant}
			made := c.post("/sales/", body)
			if made.status != 201 {
				t.Fatalf("%d %s", made.status, made.body)
			}
			if read := c.get(path("/sales/", made.id())).want(200); string(read.body) != string(made.body) {
				t.Errorf("answered %s\nread     %s", made.body, read.body)
			}
		})
	}
}

// However PostgreSQL joins, a sale takes one folio and no other is lost. With statistics that know of no free folio yet, it
// would look for the lowest one as many times as there are some.
func TestASaleTakesOneFolioUnderAnyPlan(t *testing.T) {
	c := newCounter(t, 500)
	admin := centraltest.Superuser(t, c.db)
	if _, err := admin.Exec(t.Context(), "set search_path to "+c.company.Schema+"; analyze folio_ready; analyze caf"); err != nil {
		t.Fatal(err)
	}
	for range 8 { // PostgreSQL settles on a plan after five
		c.post("/sales/", boleta(3, "1", 100)).want(201)
	}
	var used, documents, free int
	if err := admin.QueryRow(t.Context(), "select next - desde, (select count(*) from document), (select count(*) from folio_ready) from caf where tipo = 39").
		Scan(&used, &documents, &free); err != nil {
		t.Fatal(err)
	}
	if documents != 8 || documents+free != used {
		t.Errorf("%d folios were put into use: %d are documents, %d are free", used, documents, free)
	}
}
