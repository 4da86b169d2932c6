package torn_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestProviders(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	made := owner.post("/providers/", map[string]any{"rut": "77.777.777-7", "razon_social": "Molino Ñuble", "giro": ""}).want(201)
	if f := made.fields("id", "rut", "is_active", "ciudad"); f != "1 77777777-7 true " {
		t.Error(f)
	}
	owner.post("/providers/", map[string]any{"rut": "5126663-3", "razon_social": "Feria"}).want(201)
	owner.post("/providers/", map[string]any{"rut": "77777777-7", "razon_social": "Otro"}).refused(409, "Ya existe un proveedor con RUT 77777777-7")
	owner.put("/providers/2", map[string]any{"rut": "77777777-7"}).refused(409, "Ya existe un proveedor con RUT 77777777-7")
	owner.put("/providers/2", map[string]any{"razon_social": nil}).want(422)
	owner.put("/providers/1", owner.put("/providers/1", map[string]any{"telefono": "+56 2 2345 6789"}).want(200).json()).want(200)

	found := func(q string) int { return len(owner.get("/providers/search?q=" + q).want(200).list()) }
	for _, q := range []string{"77.777.777-7", "77777", "ÑUBLE", "molino"} {
		if n := found(q); n != 1 {
			t.Errorf("%q finds %d", q, n)
		}
	}
	if n := found("%25"); n != 0 {
		t.Errorf("a pattern finds %d", n)
	}
	owner.delete("/providers/1").refused(200, "Proveedor desactivado")
	if list := owner.get("/providers/").want(200).list(); len(list) != 1 || found("molino") != 0 {
		t.Errorf("the inactive is there: %v", list)
	}
	if list := owner.get("/providers/?is_active=false").want(200).list(); len(list) != 1 || list[0]["id"] != 1.0 {
		t.Errorf("the inactive: %v", list)
	}
	if got := owner.get("/providers/1").want(200); got.json()["is_active"] != false {
		t.Errorf("%s", got.body)
	}
	owner.put("/providers/1", map[string]any{"is_active": true}).want(200)
	if n := found("molino"); n != 1 {
		t.Errorf("it did not come back")
	}
	owner.get("/providers/99").refused(404, "Proveedor no encontrado")
	owner.put("/providers/99", map[string]any{}).refused(404, "Proveedor no encontrado")
	owner.delete("/providers/99").refused(404, "Proveedor no encontrado")
}

// buyer is a shop with a provider.
func buyer(t *testing.T) *client {
	t.Helper()
	_, owner := newHouse(t).shop(76086428)
	owner.post("/providers/", map[string]any{"rut": "77777777-7", "razon_social": "Molino"}).want(201)
	return owner
}

// bought is a purchase of some products: number, quantity and cost of each.
func bought(lines ...any) map[string]any {
	var items []any
	for i := 0; i < len(lines); i += 3 {
		items = append(items, map[string]any{"product_id": lines[i], "cantidad": lines[i+1], "precio_costo_unitario": lines[i+2]})
	}
	return map[string]any{"provider_id": 1, "items": items}
}

func (c *client) stockAndCost(code string) string {
	c.t.Helper()
	return c.get("/products/"+code).want(200).fields("stock_actual", "costo_unitario")
}

func (c *client) wantStock(code, want string) {
	c.t.Helper()
	if got := c.stockAndCost(code); got != want {
		c.t.Errorf("%s: stock and cost %s, want %s", code, got, want)
	}
}

func TestAPurchaseIsAddedUp(t *testing.T) {
	c := buyer(t)
	pan, libro := c.product("Pan", nil), c.product("Libro", map[string]any{"tax_id": 2})
	purchase := bought(pan, "3", "333.33", libro, 2, 5000)
	purchase["folio"], purchase["observacion"] = "F-77", "a 30 días"
	got := c.post("/purchases/", purchase).want(201)
	// Whole pesos, and no IVA on what is exempt.
	if f := got.fields("monto_neto", "iva", "monto_total", "tipo_documento", "folio", "fecha_compra", "provider_id"); f != "11000.00 190.00 11190.00 FACTURA F-77 2026-11-20 1" {
		t.Error(f)
	}
	line := got.json()["details"].([]any)[0].(map[string]any)
	if f := fieldsOf(line, "product_id", "cantidad", "precio_costo_unitario", "subtotal"); f != "1 3.0000 333.33 1000.00" {
		t.Error(f)
	}
	if fieldsOf(line["product"].(map[string]any), "nombre", "costo_unitario", "stock_actual") != "Pan 333.33 3.00" {
		t.Errorf("%v", line)
	}
	for _, tipo := range []string{"BOLETA", "SIN_DOCUMENTO"} {
		purchase := bought(pan, 1, 1000)
		purchase["tipo_documento"] = tipo
		if got := c.post("/purchases/", purchase).want(201); got.fields("iva", "monto_total") != "0.00 1000.00" {
			t.Errorf("%s", got.body)
		}
	}
	if got := c.get("/purchases/").want(200).list(); len(got) != 3 || got[0]["id"] != 3.0 || fieldsOf(got[2]["provider"].(map[string]any), "razon_social") != "Molino" {
		t.Errorf("%v", got)
	}
	if got := c.get("/purchases/?skip=2&limit=5").want(200).list(); len(got) != 1 || len(got[0]["details"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
	if got := c.get("/purchases/?from_date=2026-11-21").want(200).list(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := c.get("/purchases/?from_date=2026-11-20&to_date=2026-11-20").want(200).list(); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

func TestPurchasesRefuse(t *testing.T) {
	c := buyer(t)
	family := c.post("/products/with-variants", map[string]any{"nombre": "Polera", "variants": []any{map[string]any{"nombre": "Roja", "precio_neto": 1}}}).want(201).id()
	c.product("Pan", map[string]any{"codigo_interno": "PAN"}) // 3
	c.delete(path("/products/", c.product("Ido", nil))).want(204)
	ok := c.post("/purchases/", bought(3, 1, 700)).want(201).id()
	for _, try := range []func(any) answer{
		func(body any) answer { return c.post("/purchases/", body) },
		func(body any) answer { return c.put(path("/purchases/", ok), body) },
	} {
		try(bought(3, 1, 9, family, 1, 1000)).refused(400, "El producto 'Polera' tiene variantes. Debe ingresar la compra a la variante específica.")
		try(bought(99, 1, 1000)).refused(404, "Producto 99 no encontrado")
		try(bought(4, 1, 1000)).refused(404, "Producto 4 no encontrado")
		other := bought(3, 1, 9)
		other["provider_id"] = 99
		try(other).refused(404, "Proveedor no encontrado")
		for _, body := range []any{bought(3, 0, 1), bought(3, -1, 1), bought(3, 1, -1), bought(3, 999999999, 999999999999), map[string]any{"provider_id": 1, "items": []any{}}} {
			try(body).want(422)
		}
		for field, value := range map[string]any{"tipo_documento": "VALE", "fecha_compra": "ayer", "folio": strings.Repeat("9", 51)} {
			body := bought(3, 1, 1)
			body[field] = value
			try(body).want(422)
		}
	}
	c.get("/purchases/99").refused(404, "Compra no encontrada")
	c.put("/purchases/99", bought(3, 1, 1)).refused(404, "Compra no encontrada")
	c.delete("/purchases/99").refused(404, "Compra no encontrada")
	// Nothing of all that moved anything.
	c.wantStock("PAN", "1.00 700.00")
	if got := c.get("/purchases/").list(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// What a purchase brought is taken back with it: the goods and, unlike in Torn, the cost.
func TestPurchasesAreCorrectedAndTakenBack(t *testing.T) {
	c := buyer(t)
	pan := c.product("Pan", map[string]any{"codigo_interno": "PAN", "controla_stock": true, "stock_actual": 1})
	te := c.product("Té", map[string]any{"codigo_interno": "TE"})
	c.put(path("/products/", pan), map[string]any{"costo_unitario": "500"}).want(200)
	first := c.post("/purchases/", bought(pan, 10, 700)).want(201).id()
	c.wantStock("PAN", "11.00 700.00")
	second := c.post("/purchases/", bought(pan, 5, 800, te, 1, 90)).want(201).id()
	c.wantStock("PAN", "16.00 800.00")

	// A purchase of last month that is noted late does not make today's cost.
	late := bought(pan, 1, 100)
	late["fecha_compra"] = "2026-10-01"
	third := c.post("/purchases/", late).want(201).id()
	c.wantStock("PAN", "17.00 800.00")
	c.delete(path("/purchases/", third)).want(204)

	got := c.put(path("/purchases/", second), bought(pan, 2, 850)).want(200)
	if f := got.fields("id", "monto_neto", "iva"); f != fmt.Sprintf("%d 1700.00 323.00", second) {
		t.Error(f)
	}
	c.wantStock("PAN", "13.00 850.00")
	c.wantStock("TE", "0.00 0.00")
	c.delete(path("/purchases/", second)).want(204)
	c.wantStock("PAN", "11.00 700.00")

	// What was used in the meantime cannot be given back, and then nothing changes.
	c.post(path("/products/", pan)+"/ajuste-stock", map[string]any{"cantidad": -8, "motivo": "Uso"}).want(201)
	c.delete(path("/purchases/", first)).refused(409, "Stock insuficiente para Pan. Disponible: 3.00, Solicitado: 10.00")
	c.get(path("/purchases/", first)).want(200)
	c.wantStock("PAN", "3.00 700.00")
	// A correction needs no more than the difference.
	c.put(path("/purchases/", first), bought(pan, 9, 710)).want(200)
	c.wantStock("PAN", "2.00 710.00")
	c.put(path("/products/", pan), map[string]any{"stock_actual": 50}).want(200)
	c.delete(path("/purchases/", first)).want(204)
	c.wantStock("PAN", "41.00 500.00")

	// The card tells it all and ends where the stock is.
	rows := c.get(path("/products/", pan) + "/movimientos?limit=4").want(200).list()
	var card []string
	for _, m := range rows {
		card = append(card, fieldsOf(m, "tipo", "motivo", "cantidad", "balance_after", "purchase_id"))
	}
	want := "SALIDA AJUSTE 9.0000 41.00 1|ENTRADA AJUSTE 48.0000 50.00 <nil>|SALIDA AJUSTE 10.0000 2.00 1|ENTRADA COMPRA 9.0000 12.00 1"
	if got := strings.Join(card, "|"); got != want {
		t.Errorf("%s", got)
	}
	if got := c.get("/purchases/").want(200).list(); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
