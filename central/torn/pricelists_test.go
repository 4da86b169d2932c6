package torn_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestPriceLists(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for _, name := range []string{"Mayorista", "Amigos"} {
		owner.post("/price-lists/", map[string]any{"name": name}).want(201)
	}
	owner.post("/price-lists/", map[string]any{"name": "Amigos"}).refused(409, "Ya existe una lista de precios con nombre 'Amigos'")
	owner.post("/price-lists/", map[string]any{"name": ""}).want(422)
	if got := owner.get("/price-lists/").want(200).list(); len(got) != 2 || got[0]["name"] != "Amigos" {
		t.Errorf("%v", got)
	}
	owner.put("/price-lists/2", map[string]any{"name": "Mayorista"}).refused(409, "Ya existe una lista de precios con nombre 'Mayorista'")
	if got := owner.put("/price-lists/1", map[string]any{"description": "Desde 12"}).want(200); got.fields("id", "name", "description") != "1 Mayorista Desde 12" {
		t.Errorf("%s", got.body)
	}
	a, b := owner.product("A", nil), owner.product("B", nil)
	items := func(pairs ...int64) map[string]any {
		list := []any{}
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, map[string]any{"product_id": pairs[i], "fixed_price": pairs[i+1]})
		}
		return map[string]any{"items": list}
	}
	owner.put("/price-lists/1/products", items(a, 900, b, 800)).want(200)
	// A refusal keeps what was there.
	owner.put("/price-lists/1/products", items(a, 1, 98, 1, 99, 1)).refused(404, "Productos no encontrados: [98, 99]")
	owner.put("/price-lists/1/products", items(a, 1, a, 2)).want(422)
	owner.put("/price-lists/1/products", items(a, -1)).want(422)
	if got := fmt.Sprint(owner.get("/price-lists/1").want(200).json()["items"]); got != "[map[fixed_price:900.00 product_id:1] map[fixed_price:800.00 product_id:2]]" {
		t.Error(got)
	}
	// Lists forget what was eliminated, so that what was read can be written back.
	owner.delete(path("/products/", b)).want(204)
	if got := owner.put("/price-lists/1/products", owner.get("/price-lists/1").json()).want(200); fmt.Sprint(got.json()["items"]) != "[map[fixed_price:900.00 product_id:1]]" {
		t.Errorf("%s", got.body)
	}
	if got := owner.put("/price-lists/1/products", items()).want(200); fmt.Sprint(got.json()["items"]) != "[]" {
		t.Errorf("%s", got.body)
	}
	for _, got := range []answer{
		owner.get("/price-lists/99"), owner.put("/price-lists/99", map[string]any{"name": "X"}), owner.delete("/price-lists/99"),
		owner.put("/price-lists/99/products", items()), owner.put("/price-lists/99/customers", map[string]any{"customer_ids": []any{}}),
	} {
		got.refused(404, "Lista de precios 99 no encontrada.")
	}
}

func TestCustomersOfAPriceList(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	list := owner.post("/price-lists/", map[string]any{"name": "Mayorista"}).want(201).id()
	var ids []int64
	for _, n := range []string{"5126663-", "6874225-", "7123456-"} {
		ids = append(ids, owner.post("/customers/", map[string]any{"rut": rutWithDV(n), "razon_social": n}).want(201).id())
	}
	assign := func(ids ...int64) answer {
		return owner.put("/price-lists/1/customers", map[string]any{"customer_ids": append([]int64{}, ids...)})
	}
	of := func() (with []any) {
		for _, c := range owner.get("/customers/").list() {
			if c["price_list_id"] != nil {
				with = append(with, c["id"])
			}
		}
		return with
	}
	assign(ids[0], ids[1]).refused(200, "2 cliente(s) asignados a la lista 1.")
	assign(ids[1], ids[2], ids[2]).refused(200, "2 cliente(s) asignados a la lista 1.")
	assign(ids[0], 98, 99).refused(404, "Clientes no encontrados: [98, 99]")
	if got := fmt.Sprint(of()); got != fmt.Sprint([]int64{ids[1], ids[2]}) {
		t.Errorf("assigned: %s", got)
	}
	owner.delete(path("/price-lists/", list)).want(204)
	if got := of(); got != nil {
		t.Errorf("assigned to nothing: %v", got)
	}
}

// What resolve-price says is what a sale takes. In Torn the till offered the list's price and the server demanded another.
func TestSalesTakeTheResolvedPrice(t *testing.T) {
	c := newCounter(t, 50)
	customer := c.post("/customers/", map[string]any{
		"rut": "5126663-3", "razon_social": "Doña Ana", "giro": "Almacén", "direccion": "Calle 1", "comuna": "Ñuñoa", "ciudad": "Santiago",
	}).want(201).id()
	c.post("/price-lists/", map[string]any{"name": "Mayorista"}).want(201)
	c.put("/price-lists/1/products", map[string]any{"items": []any{map[string]any{"product_id": 1, "fixed_price": "444"}}}).want(200)
	c.put("/price-lists/1/customers", map[string]any{"customer_ids": []any{customer}}).want(200)

	resolve := func(product int64, query, want string) {
		t.Helper()
		got := c.get(path("/price-lists/resolve-price/", product) + query).want(200)
		if f := got.fields("product_id", "customer_id", "price_list_id", "resolved_price", "source"); f != want {
			t.Errorf("%s, want %s", f, want)
		}
	}
	resolve(1, path("?customer_id=", customer), "1 2 1 444.00 price_list")
	resolve(3, path("?customer_id=", customer), "3 2 <nil> 43.00 base_price")
	resolve(1, "?customer_id=1", "1 1 <nil> 1000.00 base_price")
	resolve(1, "", "1 <nil> <nil> 1000.00 base_price")
	c.get("/price-lists/resolve-price/99").refused(404, "Producto 99 no encontrado o inactivo.")
	c.get("/price-lists/resolve-price/1?customer_id=99").refused(404, "Clientes no encontrados: [99]")

	sale := boleta(1, "10", 10000)
	sale["items"] = append(sale["items"].([]any), map[string]any{"product_id": 3, "cantidad": 1})
	for rut, want := range map[string]string{"5126663-3": "5331.00", "66666666-6": "11951.00"} {
		sale["rut_cliente"], sale["payments"] = rut, []any{map[string]any{"payment_method_id": 2, "amount": want}}
		if got := c.post("/sales/", sale).want(201); got.text("monto_total") != want {
			t.Errorf("%s pays %s, want %s", rut, got.text("monto_total"), want)
		}
	}
	c.put("/products/1", map[string]any{"is_active": false}).want(200)
	c.get("/price-lists/resolve-price/1").refused(404, "Producto 1 no encontrado o inactivo.")
}

// The rules of price are those of docs/precios.md: good ones are kept as they were written, and one bad one changes nothing.
func TestPriceRules(t *testing.T) {
	h := newHouse(t)
	_, owner := h.shop(76086428)
	if got := owner.get("/price-rules/").want(200); got.text("texto") != "" || got.json()["updated_at"] != nil {
		t.Errorf("before anybody wrote any: %s", got.body)
	}
	const text = `{"version": 1,
	"reglas": [{"nombre": "Club", "tipo": "rebaja", "todo": true, "pct": "5", "listas": ["club"]}]}`
	if got := owner.put("/price-rules/", map[string]any{"texto": text}).want(200); got.json()["reglas"] != 1.0 {
		t.Errorf("the answer: %s", got.body)
	}
	for bad, why := range map[string]string{
		"hola": "Las reglas de precio no sirven: el archivo de reglas no se pudo leer cerca de la línea 1: falta o sobra un signo (una coma, una comilla, una llave). No se cargó nada. No se cambió nada",
		`{"version": 1, "reglas": [{"nombre": "Club", "tipo": "rebaja", "todo": true, "pct": "500"}]}`: "Las reglas de precio no sirven: ",
	} {
		got := owner.put("/price-rules/", map[string]any{"texto": bad}).want(422)
		if !strings.Contains(string(got.body), why) {
			t.Errorf("%s: %s", bad, got.body)
		}
	}
	if got := owner.get("/price-rules/").want(200); got.text("texto") != text {
		t.Errorf("what stayed: %s", got.body)
	}
	if got := owner.put("/price-rules/", map[string]any{"texto": ""}).want(200); got.json()["reglas"] != 0.0 || got.json()["updated_at"] == nil {
		t.Errorf("no rules: %s", got.body)
	}
}
