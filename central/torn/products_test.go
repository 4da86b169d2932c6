package torn_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/dte"
)

// fields are some of an answer's, as text.
func (a answer) fields(names ...string) string { return fieldsOf(a.json(), names...) }

func fieldsOf(m map[string]any, names ...string) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprint(m[name]))
	}
	return strings.Join(parts, " ")
}

// product makes one and returns its number.
func (c *client) product(name string, fields map[string]any) int64 {
	c.t.Helper()
	body := map[string]any{"nombre": name, "precio_neto": 1000}
	for k, v := range fields {
		body[k] = v
	}
	return c.post("/products/", body).want(201).id()
}

func TestAProductBegins(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	brand := owner.post("/brands/", map[string]any{"name": "Ñandú"}).want(201).id()
	got := owner.post("/products/", map[string]any{"nombre": "Pan & <queso>", "precio_neto": "1190.50", "brand_id": brand, "tax_id": 1}).want(201)
	if f := got.fields("codigo_interno", "codigo_barras", "precio_neto", "precio_bruto", "unidad_medida", "controla_stock", "stock_actual",
		"costo_unitario", "full_name", "brand_id", "is_active", "is_deleted"); f != "PROD-00001 2000000000015 1191.00 1417 unidad false 0.00 0.00 Pan & <queso> 1 true false" {
		t.Error(f)
	}
	if brand := got.json()["brand"].(map[string]any); brand["name"] != "Ñandú" {
		t.Errorf("brand %v", brand)
	}
	// 0 is "Sin Marca" and "Sin Impuesto"; empty texts are fields that were not filled in.
	got = owner.post("/products/", map[string]any{
		"nombre": "B", "precio_neto": 1000, "brand_id": 0, "tax_id": 0, "codigo_interno": "", "codigo_barras": "", "parent_id": nil,
	}).want(201)
	if f := got.fields("codigo_interno", "codigo_barras", "brand", "tax", "precio_bruto"); f != "PROD-00002 2000000000022 <nil> <nil> 1190" {
		t.Error(f)
	}
	exempt := owner.post("/products/", map[string]any{"nombre": "Libro", "precio_neto": 1000, "tax_id": 2, "codigo_interno": "LIB-1", "codigo_barras": "7801234567890"}).want(201)
	if f := exempt.fields("codigo_interno", "codigo_barras", "precio_bruto"); f != "LIB-1 7801234567890 1000" {
		t.Error(f)
	}
}

func TestAProductIsFoundByItsCodes(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	id := owner.product("Pan", map[string]any{"codigo_barras": "7801"})
	// The SKU of one is the barcode of another: the SKU is meant.
	owner.product("Otro", map[string]any{"codigo_interno": "7801", "codigo_barras": "7802"})
	for code, want := range map[string]string{"PROD-00001": "Pan", "7801": "Otro", "7802": "Otro"} {
		if got := owner.get("/products/" + code).want(200); got.text("nombre") != want {
			t.Errorf("%s: %s", code, got.body)
		}
	}
	owner.get("/products/nada").refused(404, "No se encontró un producto con código nada")
	owner.delete(path("/products/", id)).want(204)
	owner.get("/products/PROD-00001").refused(404, "No se encontró un producto con código PROD-00001")
}

// Torn counted products where the newest SKU had another form, and stepped back.
func TestTheSKUNeverStepsBack(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	first := owner.product("A", nil)
	owner.product("A roja", map[string]any{"codigo_interno": "PROD-00001-V01", "parent_id": first})
	owner.product("Escrito a mano", map[string]any{"codigo_interno": "PROD-00002"})
	last := owner.product("B", nil)
	owner.delete(path("/products/", last)).want(204)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := owner.post("/products/", map[string]any{"nombre": "C", "precio_neto": 1}); got.status != 201 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	var skus []string
	for _, p := range owner.get("/products/").want(200).list() {
		skus = append(skus, fmt.Sprint(p["codigo_interno"]))
	}
	seen := map[string]bool{}
	for _, sku := range skus {
		seen[sku] = true
	}
	for n := 4; n <= 11; n++ {
		if !seen[fmt.Sprintf("PROD-%05d", n)] {
			t.Errorf("no PROD-%05d in %v", n, skus)
		}
	}
	if len(skus) != 11 || len(seen) != 11 || seen["PROD-00003"] {
		t.Errorf("%v", skus)
	}
}

func TestProductsRefuse(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	id := owner.product("Pan", map[string]any{"codigo_interno": "PAN", "codigo_barras": "7801"})
	other := owner.product("Té", map[string]any{"codigo_interno": "TE", "codigo_barras": "7802"})
	gone := owner.product("Ido", map[string]any{"codigo_interno": "IDO", "codigo_barras": "7803"})
	owner.delete(path("/products/", gone)).want(204)
	for _, c := range []struct {
		field  string
		value  any
		status int
		detail string
	}{
		{"codigo_interno", "PAN", 409, "Ya existe un producto con código PAN"},
		{"codigo_barras", "7801", 409, "Ya existe un producto con código de barras 7801"},
		{"brand_id", 99, 404, "Marca con ID 99 no encontrada"},
		{"tax_id", 99, 404, "Impuesto no encontrado"},
		{"parent_id", 99, 404, "Producto padre con ID 99 no encontrado"},
		{"parent_id", gone, 404, "Producto padre con ID 3 no encontrado"},
	} {
		owner.post("/products/", map[string]any{"nombre": "X", "precio_neto": 1, c.field: c.value}).refused(c.status, c.detail)
		owner.put(path("/products/", other), map[string]any{c.field: c.value}).refused(c.status, c.detail)
	}
	owner.post("/products/", map[string]any{"nombre": "X", "precio_neto": 1, "codigo_interno": "IDO"}).
		refused(409, "Ya existe un producto con código IDO, eliminado: use otro código")
	for field, value := range map[string]any{
		"nombre": nil, "precio_neto": -1, "stock_actual": "-0.5", "stock_minimo": "x", "codigo_interno": strings.Repeat("x", 36), "codigo_barras": strings.Repeat("1", 51),
		"brand_id": "x", "controla_stock": "quizás",
	} {
		owner.post("/products/", map[string]any{"nombre": "X", "precio_neto": 1, field: value}).want(422)
		owner.put(path("/products/", id), map[string]any{field: value}).want(422)
	}
	owner.put("/products/99", map[string]any{"nombre": "X"}).refused(404, "Producto no encontrado")
	owner.put(path("/products/", gone), map[string]any{"nombre": "X"}).refused(404, "Producto no encontrado")
	owner.delete(path("/products/", gone)).refused(404, "Producto no encontrado")
	if got := owner.get("/products/").list(); len(got) != 2 {
		t.Errorf("refusals left %v", got)
	}
	// The barcode of what was eliminated is free.
	owner.product("Nuevo", map[string]any{"codigo_barras": "7803"})
}

func TestAProductIsChanged(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	brand := owner.post("/brands/", map[string]any{"name": "Ñandú"}).want(201).id()
	id := owner.product("Pan", map[string]any{"brand_id": brand, "tax_id": 2, "descripcion": "Del día"})
	got := owner.put(path("/products/", id), map[string]any{"costo_unitario": "333.33", "tax_id": 0}).want(200)
	if f := got.fields("nombre", "descripcion", "costo_unitario", "tax_id", "brand_id", "codigo_barras", "precio_bruto"); f != "Pan Del día 333.33 <nil> 1 2000000000015 1190" {
		t.Error(f)
	}
	// Clients send back what they were given, brand and variants and all.
	owner.put(path("/products/", id), got.json()).want(200)
	got = owner.put(path("/products/", id), map[string]any{"codigo_barras": nil, "codigo_interno": "", "is_active": false, "brand_id": nil}).want(200)
	if f := got.fields("codigo_barras", "codigo_interno", "is_active", "brand"); f != "<nil> PROD-00001 false <nil>" {
		t.Error(f)
	}
	if got := owner.get("/inventory/").want(200).list(); len(got) != 0 {
		t.Errorf("the inventory has what is not active: %v", got)
	}
	if got := owner.get("/products/").want(200).list(); len(got) != 1 {
		t.Errorf("the catalogue: %v", got)
	}
	owner.delete(path("/brands/", brand)).want(204)
	owner.put(path("/products/", id), map[string]any{"brand_id": owner.post("/brands/", map[string]any{"name": "Otra"}).id()}).want(200)
	if got := owner.delete("/brands/2").want(409); !strings.HasPrefix(got.text("detail"), "La marca está en uso") {
		t.Errorf("%s", got.body)
	}
	owner.delete(path("/products/", id)).want(204)
	owner.delete("/brands/2").want(204)
}

// A family and its variants are one transaction. Torn left halves.
func TestAFamilyIsWholeOrNothing(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	family := func(last map[string]any) map[string]any {
		return map[string]any{
			"nombre": "Polera", "tax_id": 1, "controla_stock": true, "codigo_barras": "7800", "stock_actual": 9, "unidad_medida": "un",
			"variants": []any{map[string]any{"nombre": "Roja", "precio_neto": 5000, "stock_actual": "2"}, last},
		}
	}
	owner.product("Taza", map[string]any{"codigo_barras": "7801"})
	owner.post("/products/with-variants", family(map[string]any{"nombre": "Azul", "precio_neto": 5500, "codigo_barras": "7801"})).
		refused(409, "Ya existe un producto con código de barras 7801")
	if got := owner.get("/products/").list(); len(got) != 1 {
		t.Fatalf("a half family: %v", got)
	}
	owner.post("/products/with-variants", map[string]any{"nombre": "Polera", "variants": []any{}}).want(422)
	got := owner.post("/products/with-variants", family(map[string]any{"nombre": "Polera azul", "precio_neto": 5500, "codigo_interno": "AZUL"})).want(201)
	if f := got.fields("codigo_interno", "codigo_barras", "controla_stock", "stock_actual", "precio_neto"); f != "PROD-00002 <nil> false 0.00 0.00" {
		t.Error(f)
	}
	variants := got.json()["variants"].([]any)
	want := []string{"PROD-00002-V01 Polera Roja true 2.00 un 1 5950", "AZUL Polera azul true 0.00 un 1 6545"}
	for i, v := range variants {
		m := v.(map[string]any)
		if f := fieldsOf(m, "codigo_interno", "full_name", "controla_stock", "stock_actual", "unidad_medida", "tax_id", "precio_bruto"); f != want[i] {
			t.Errorf("%s, want %s", f, want[i])
		}
		if m["parent_id"] != got.json()["id"] {
			t.Errorf("parent %v", m["parent_id"])
		}
	}
	// Children are nested and at the top level, and go with their family.
	list := owner.get("/products/").want(200).list()
	if len(list) != 4 || fieldsOf(list[0], "nombre") != "Polera azul" || len(list[2]["variants"].([]any)) != 2 {
		t.Errorf("%v", list)
	}
	if page := owner.get("/products/?skip=2&limit=1").want(200).list(); len(page) != 1 || len(page[0]["variants"].([]any)) != 2 {
		t.Errorf("a page loses the variants: %v", page)
	}
	owner.delete(path("/products/", got.id())).want(204)
	if list := owner.get("/products/").want(200).list(); len(list) != 1 {
		t.Errorf("%v", list)
	}
}

func TestFamiliesHaveABottom(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	id := owner.product("A", nil)
	first := id
	for range 3 {
		got := owner.post("/products/", map[string]any{"nombre": "Hijo", "precio_neto": 1, "parent_id": id}).want(201)
		if got.json()["codigo_barras"] != nil {
			t.Errorf("a barcode for a child: %s", got.body)
		}
		id = got.id()
	}
	owner.post("/products/", map[string]any{"nombre": "Hijo", "precio_neto": 1, "parent_id": id}).refused(409, "Una familia tiene hasta 4 generaciones")
	owner.put(path("/products/", first), map[string]any{"parent_id": id}).refused(409, "El producto 'A' tiene variantes: no puede ser variante de otro")
	owner.put(path("/products/", id), map[string]any{"parent_id": id}).refused(409, "Un producto no puede ser variante de sí mismo")
	deep := owner.get("/products/PROD-00001").want(200).json()
	for range 3 {
		deep = deep["variants"].([]any)[0].(map[string]any)
	}
	if deep["id"] != float64(id) {
		t.Errorf("%v", deep)
	}
	if got := owner.put(path("/products/", id), map[string]any{"parent_id": 0}).want(200); got.json()["parent_id"] != nil {
		t.Errorf("%s", got.body)
	}
	// Two that go under each other at once: one is refused, and neither waits for ever.
	a, b := owner.product("X", nil), owner.product("Y", nil)
	for range 5 {
		var wg sync.WaitGroup
		var statuses [2]int
		for i, pair := range [][2]int64{{a, b}, {b, a}} {
			wg.Go(func() {
				statuses[i] = owner.put(path("/products/", pair[0]), map[string]any{"parent_id": pair[1]}).status
			})
		}
		wg.Wait()
		if statuses[0]+statuses[1] != 200+409 {
			t.Fatalf("%v", statuses)
		}
		owner.put(path("/products/", a), map[string]any{"parent_id": 0}).want(200)
		owner.put(path("/products/", b), map[string]any{"parent_id": 0}).want(200)
	}
}

// Every change of stock is on the card, with what was left after it, and the last row says what there is.
func TestTheStockCard(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	id := owner.product("Pan", map[string]any{"controla_stock": true, "stock_actual": "10"})
	owner.put(path("/products/", id), map[string]any{"stock_actual": "7.5", "nombre": "Pan amasado"}).want(200)
	owner.put(path("/products/", id), map[string]any{"stock_actual": "7.5"}).want(200)
	got := owner.post(path("/products/", id)+"/ajuste-stock", map[string]any{"cantidad": "-2.25", "motivo": "Merma"}).want(201)
	if f := got.fields("tipo", "motivo", "cantidad", "balance_after", "descripcion", "user_id"); f != "SALIDA AJUSTE 2.2500 5.25 Merma 2" {
		t.Error(f)
	}
	// An hour before midnight, when it is the next day in Greenwich, and an hour after.
	h.clock.Advance(11 * time.Hour)
	owner.post(path("/products/", id)+"/ajuste-stock", map[string]any{"cantidad": 1, "motivo": "Recuento"}).want(201)
	h.clock.Advance(2 * time.Hour)
	owner = h.login("duena-76086428@ejemplo.cl").in(company)
	owner.post(path("/products/", id)+"/ajuste-stock", map[string]any{"cantidad": 3, "motivo": "Recuento"}).want(201)
	card := func(query string) (rows []string) {
		for _, m := range owner.get(path("/products/", id) + "/movimientos" + query).want(200).list() {
			rows = append(rows, fieldsOf(m, "tipo", "motivo", "cantidad", "balance_after"))
		}
		return rows
	}
	want := []string{"ENTRADA AJUSTE 3.0000 9.25", "ENTRADA AJUSTE 1.0000 6.25", "SALIDA AJUSTE 2.2500 5.25", "SALIDA AJUSTE 2.5000 7.50", "ENTRADA INICIAL 10.0000 10.00"}
	if got := card(""); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q", got)
	}
	for query, rows := range map[string][]string{
		"?skip=1&limit=2": want[1:3], "?from_date=2026-11-21": want[:1], "?to_date=2026-11-20": want[1:], "?from_date=2026-11-20&to_date=2026-11-21": want,
	} {
		if got := card(query); strings.Join(got, "|") != strings.Join(rows, "|") {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := owner.get("/products/PROD-00001"); got.text("stock_actual") != "9.25" {
		t.Errorf("%s", got.body)
	}
	owner.get("/products/99/movimientos").refused(404, "Producto no encontrado")
}

func TestStockRefuses(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	id := owner.product("Pan", map[string]any{"controla_stock": true, "stock_actual": "10"})
	adjust := path("/products/", id) + "/ajuste-stock"
	owner.post(adjust, map[string]any{"cantidad": "-10.5", "motivo": "Merma"}).refused(409, "Stock insuficiente para Pan. Disponible: 10.00, Solicitado: 10.50")
	owner.post("/products/99/ajuste-stock", map[string]any{"cantidad": 1, "motivo": "Merma"}).refused(404, "Producto no encontrado")
	for _, body := range []map[string]any{
		{"cantidad": 0, "motivo": "Nada"}, {"cantidad": 1}, {"cantidad": 1, "motivo": ""}, {"cantidad": "1e30", "motivo": "x"}, {"cantidad": 1e12, "motivo": "x"},
	} {
		owner.post(adjust, body).want(422)
	}
	// What is not controlled may go below zero; to control it, one must say how much there is.
	free := owner.product("Clavo", nil)
	owner.post(path("/products/", free)+"/ajuste-stock", map[string]any{"cantidad": -3, "motivo": "Uso"}).want(201)
	owner.put(path("/products/", free), map[string]any{"controla_stock": true}).
		refused(409, "El stock de Clavo es -3.00: indique cuánto hay para empezar a controlarlo")
	owner.put(path("/products/", free), map[string]any{"controla_stock": true, "stock_actual": 5}).want(200)

	// Sixteen who take at once take no more than there is, and the card adds up.
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { owner.post(adjust, map[string]any{"cantidad": -1, "motivo": "Uso"}) })
	}
	wg.Wait()
	if rows := owner.get(path("/products/", id) + "/movimientos").list(); len(rows) != 11 || rows[0]["balance_after"] != "0.00" || rows[9]["balance_after"] != "9.00" {
		t.Errorf("%v", rows)
	}
}

// Products are a company's own.
func TestProductsOfAnotherCompany(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	_, other := h.shop(dte.RUT(77777777))
	id := owner.product("Pan", nil)
	other.put(path("/products/", id), map[string]any{"nombre": "X"}).refused(404, "Producto no encontrado")
	if got := other.get("/products/").list(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := other.post("/products/", map[string]any{"nombre": "Suyo", "precio_neto": 1}).want(201); got.text("codigo_interno") != "PROD-00001" {
		t.Errorf("%s", got.body)
	}
}

// Bytes that are no text are the client's fault, wherever they stand.
func TestBytesThatAreNoText(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for _, where := range []string{"/products/%ff", "/products/a%00b", "/customers/search?q=%ff", "/providers/search?q=%fe%00"} {
		owner.get(where).want(422)
	}
}
