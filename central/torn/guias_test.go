package torn_test

import (
	"sync"
	"testing"
)

// guia is a request for one line that travels without being paid.
func guia(rut string, product int64, qty string) map[string]any {
	m := boleta(product, qty, 0)
	m["rut_cliente"], m["tipo_dte"], m["tipo_traslado"], m["payments"] = rut, 52, 2, []any{}
	return m
}

func TestGuiasAreInvoicedOnce(t *testing.T) {
	c := newCounter(t, 50)
	for _, rut := range []string{"5126663-3", "6874225-0"} {
		c.post("/customers/", map[string]any{"rut": rut, "razon_social": "Cliente " + rut, "giro": "Almacén", "direccion": "Calle 1", "comuna": "Talca"}).want(201)
	}
	first := guia("5126663-3", 1, "3")
	first["descuento"] = 100
	if got := c.post("/sales/", first).want(201); got.text("monto_total") != "3451.00" || c.document(1).Transporte.Direccion != "Calle 1" {
		t.Errorf("%s", got.body)
	}
	c.post("/sales/", guia("5126663-3", 1, "2")).want(201)
	c.post("/sales/", guia("6874225-0", 1, "1")).want(201)
	internal := guia("5126663-3", 1, "1")
	internal["tipo_traslado"] = 6
	c.post("/sales/", internal).want(201)
	paid := guia("5126663-3", 1, "1")
	paid["payments"] = []any{map[string]any{"payment_method_id": 1, "amount": 1190}}
	c.post("/sales/", paid).want(422)
	if got := idsOf(c.get("/sales/guias-pendientes")); got != "1 2 3" {
		t.Errorf("pending: %s", got)
	}
	if got := idsOf(c.get("/sales/guias-pendientes?customer=6874225-0")); got != "3" {
		t.Errorf("pending: %s", got)
	}
	ask := func(ids ...int64) map[string]any {
		return map[string]any{"guias": ids, "payments": []any{map[string]any{"payment_method_id": 2, "amount": 5831}}}
	}
	c.post("/sales/facturar-guias", ask(1, 3)).want(422)
	c.post("/sales/facturar-guias", ask(1, 4)).refused(409, "La venta 4 no es una guía por facturar")
	c.post("/sales/facturar-guias", ask(1, 9)).refused(409, "La venta 9 no es una guía por facturar")
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 4 {
		wg.Go(func() {
			got := c.post("/sales/facturar-guias", ask(1, 2))
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
		})
	}
	wg.Wait()
	if count[201] != 1 || count[409] != 3 {
		t.Fatalf("%v", count)
	}
	got := c.get("/sales/?tipo=33").want(200).list()[0]
	if got["monto_neto"] != "4900.00" || got["monto_total"] != "5831.00" {
		t.Errorf("%v", got)
	}
	doc := c.document(int64(got["id"].(float64)))
	if len(doc.Referencia) != 2 || doc.Referencia[1].TpoDocRef != "52" || doc.Referencia[1].FolioRef != "2" {
		t.Errorf("%+v", doc.Referencia)
	}
	// The goods left once, with the guías.
	if stock := c.number("select stock_actual from product where id = 1"); stock != 493_000_000 {
		t.Errorf("stock %d", stock)
	}
	if got := idsOf(c.get("/sales/guias-pendientes")); got != "3" {
		t.Errorf("pending: %s", got)
	}
}
