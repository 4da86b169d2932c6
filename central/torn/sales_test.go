package torn_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
)

// upload sends a file in a form.
func (c *client) upload(path string, file []byte, fields ...string) answer {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "archivo")
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = part.Write(file)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = form.WriteField(fields[i], fields[i+1])
	}
	_ = form.Close()
	q, err := http.NewRequestWithContext(c.t.Context(), "POST", c.url+path, &body)
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("Content-Type", form.FormDataContentType())
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("X-Tenant-ID", strconv.FormatInt(c.tenant, 10))
	return c.send(q)
}

// counter is a shop that can sell: certificate, folios, an open drawer and products.
type counter struct {
	*client
	company central.Company
}

func newCounter(t testing.TB, folios dte.Folio) *counter {
	t.Helper()
	return counterOf(newHouse(t), folios)
}

func counterOf(h *house, folios dte.Folio) *counter {
	h.t.Helper()
	company, owner := h.shop(76086428)
	c := &counter{owner, company}
	file, password := centraltest.PFX(h.t, 5126663)
	owner.upload("/folios/certificate", file, "password", password).want(201)
	for _, tipo := range []dte.TipoDTE{33, 34, 39, 41, 52, 56, 61} {
		owner.upload("/folios/upload", centraltest.CAF(76086428, tipo, 1, folios)).want(201)
	}
	c.furnish()
	return c
}

// practisingCounter has its certificate and its folios from the simulator.
func practisingCounter(t testing.TB) *counter {
	t.Helper()
	database, clock := centraltest.NewDatabase(t), new(centraltest.Clock)
	h := houseOf(t, centraltest.OpenPractising(t, database, clock.Now, centraltest.Practice(t, siisim.Config{Now: clock.Now})), clock)
	company, owner := h.shop(76086428)
	c := &counter{owner, company}
	c.furnish()
	return c
}

// furnish opens the drawer and puts products on the shelf.
func (c *counter) furnish() {
	c.t.Helper()
	c.post("/cash/open", map[string]any{"start_amount": "10000.00", "user_id": 1}).want(200)
	db := centraltest.Superuser(c.t, c.db)
	if _, err := db.Exec(c.t.Context(), "set search_path to "+c.company.Schema+`, extensions;
		insert into product (codigo_interno, nombre, precio_neto, controla_stock, stock_actual, tax_id, updated_at) values
			('PROD-00001', 'Pan amasado', 1000, true, 500000000, 1, now()), ('PROD-00002', 'Libro & lápiz', 5000, false, 0, 2, now()),
			('PROD-00003', 'Clavo', 43, false, 0, 1, now())`); err != nil {
		c.t.Fatal(err)
	}
}

// boleta is a request for one line, paid in cash.
func boleta(product int64, qty string, cash int64) map[string]any {
	return map[string]any{
		"rut_cliente": "66666666-6", "tipo_dte": 39, "items": []any{map[string]any{"product_id": product, "cantidad": qty}},
		"payments": []any{map[string]any{"payment_method_id": 1, "amount": cash}},
	}
}

func TestABoletaIsReal(t *testing.T) {
	c := newCounter(t, 50)
	got := c.post("/sales/", boleta(1, "3", 4000)).want(201)
	for field, want := range map[string]string{"monto_neto": "3000.00", "iva": "570.00", "monto_total": "3570.00", "estado_dte": "issued"} {
		if got.text(field) != want {
			t.Errorf("%s: %s, want %s", field, got.text(field), want)
		}
	}
	if got.json()["folio"] != 1.0 {
		t.Errorf("folio %v", got.json()["folio"])
	}
	db := centraltest.Superuser(t, c.db)
	var xml []byte
	if err := db.QueryRow(t.Context(), "select xml from "+c.company.Schema+".document").Scan(&xml); err != nil {
		t.Fatal(err)
	}
	doc, err := dte.Verify(xml, dtetest.Trust())
	if err != nil {
		t.Fatal(err)
	}
	if doc.Totales.MntTotal != 3570 || doc.Folio != 1 || doc.Receptor.RUT != dte.RUTAnonimo {
		t.Errorf("%+v", doc.Totales)
	}
	// The law: 3570 in cash is paid with 3570, and ends in 0 anyway; 4000 gives 430.
	payments := c.get("/sales/1").want(200).json()["payments"].([]any)
	if p := payments[0].(map[string]any); p["vuelto"] != "430.00" || p["redondeo"] != "0.00" {
		t.Errorf("%v", p)
	}
	closed := c.post("/cash/close", map[string]any{"final_cash_declared": 13570}).want(200)
	if closed.text("final_cash_system") != "13570.00" || closed.text("difference") != "0.00" {
		t.Errorf("%s", closed.body)
	}
	c.post("/sales/", boleta(1, "1", 4000)).refused(409, "El vendedor (ID 2) no tiene turno de caja abierto. No hay turno de caja abierto.")
}

func TestWhatASaleRefuses(t *testing.T) {
	c := newCounter(t, 50)
	sale := boleta(1, "1", 1190)
	with := func(name string, value any) map[string]any {
		m := map[string]any{}
		for k, v := range sale {
			m[k] = v
		}
		m[name] = value
		return m
	}
	c.post("/sales/", with("rut_cliente", "5126663-3")).refused(404, "Cliente con RUT 5126663-3 no encontrado")
	c.post("/sales/", with("items", []any{map[string]any{"product_id": 99, "cantidad": 1}})).refused(404, "Producto ID 99 no encontrado")
	c.post("/sales/", with("items", []any{map[string]any{"product_id": 1, "cantidad": 501}})).refused(409, "Stock insuficiente para Pan amasado. Disponible: 500.00, Solicitado: 501.00")
	c.post("/sales/", with("payments", []any{map[string]any{"payment_method_id": 1, "amount": "1180"}})).refused(400, "Monto de pagos (1180.00) inferior al total de la venta (1190.00)")
	c.post("/sales/", with("payments", []any{map[string]any{"payment_method_id": 77, "amount": "1190"}})).refused(404, "Medio de pago ID 77 no encontrado")
	c.post("/sales/", with("tipo_dte", 61)).refused(400, "Los documentos de ajuste (DTE 61) requieren obligatoriamente referencias al documento original.")
	for name, value := range map[string]any{"tipo_dte": 43, "items": []any{}, "payments": nil} {
		if got := c.post("/sales/", with(name, value)); got.status != 422 {
			t.Errorf("%s %v: %d %s", name, value, got.status, got.body)
		}
	}
	for _, qty := range []any{0, -1, "x", "0.0000001", 1e12} {
		if got := c.post("/sales/", with("items", []any{map[string]any{"product_id": 1, "cantidad": qty}})); got.status != 422 {
			t.Errorf("cantidad %v: %d %s", qty, got.status, got.body)
		}
	}
	// Nothing of all that was written, and no folio was spent.
	if got := c.post("/sales/", sale).want(201); got.json()["folio"] != 1.0 {
		t.Errorf("folio %v after refusals", got.json()["folio"])
	}
}

// Exempt goods pay no IVA, alone or beside others: Torn charged 19 % on everything.
func TestExemptStaysExempt(t *testing.T) {
	c := newCounter(t, 50)
	mixed := boleta(2, "1", 6190)
	mixed["items"] = []any{map[string]any{"product_id": 1, "cantidad": 1}, map[string]any{"product_id": 2, "cantidad": 1}}
	got := c.post("/sales/", mixed).want(201)
	if got.text("monto_neto") != "1000.00" || got.text("monto_exento") != "5000.00" || got.text("iva") != "190.00" || got.text("monto_total") != "6190.00" {
		t.Errorf("%s", got.body)
	}
	exempt := boleta(2, "1", 5000)
	exempt["tipo_dte"] = 41
	if got := c.post("/sales/", exempt).want(201); got.text("iva") != "0.00" || got.text("monto_total") != "5000.00" {
		t.Errorf("%s", got.body)
	}
}

// Torn gave the same folio to simultaneous sales. Here two hundred get two hundred, without a gap.
func TestTwoHundredAtOnce(t *testing.T) {
	c := newCounter(t, 500)
	const n = 200
	folios := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			got := c.post("/sales/", boleta(1, "1", 1190))
			if got.status != 201 {
				t.Errorf("sale %d: %d %s", i, got.status, got.body)
				return
			}
			folios[i] = int(got.json()["folio"].(float64))
		})
	}
	wg.Wait()
	seen := map[int]bool{}
	for _, f := range folios {
		if seen[f] || f < 1 || f > n {
			t.Fatalf("folio %d: twice, or beyond %d", f, n)
		}
		seen[f] = true
	}
	db := centraltest.Superuser(t, c.db)
	var stock, last int64
	if err := db.QueryRow(t.Context(), "select stock_actual, (select balance_after from "+c.company.Schema+".stock_movement order by balance_after limit 1) from "+
		c.company.Schema+".product where id = 1").Scan(&stock, &last); err != nil {
		t.Fatal(err)
	}
	if stock != 300_000_000 || last != stock {
		t.Errorf("stock %d, last of the card %d", stock, last)
	}
	// Those who found none at the beginning waited for the first one's, and later somebody saw to it before there were none.
	var free int
	if err := db.QueryRow(t.Context(), "select count(*) from "+c.company.Schema+".folio_ready where tipo = 39").Scan(&free); err != nil {
		t.Fatal(err)
	}
	if free < 50 || free > 150 {
		t.Errorf("%d folios are in use and free", free)
	}
}

// The format of a boleta has no room for what a reference names; the sale keeps it.
func TestABoletaMayRefer(t *testing.T) {
	c := newCounter(t, 50)
	order := boleta(1, "1", 1190)
	order["referencias"] = []any{map[string]any{"tipo_documento": "801", "folio": "77", "fecha": "2026-11-19"}}
	got := c.post("/sales/", order).want(201).json()["referencias"].([]any)
	if len(got) != 1 || fieldsOf(got[0].(map[string]any), "tipo_documento", "folio", "fecha") != "801 77 2026-11-19" {
		t.Errorf("%v", got)
	}
}

// The same key sells once, however many ask at the same time; another request under it is refused.
func TestTheSameKeySellsOnce(t *testing.T) {
	c := newCounter(t, 50)
	ask := func(body map[string]any) answer {
		text := fmt.Sprintf(`{"rut_cliente":"66666666-6","tipo_dte":39,"items":[{"product_id":1,"cantidad":"%v"}],"payments":[{"payment_method_id":1,"amount":99999}]}`, body["qty"])
		q, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/sales/", io.NopCloser(bytes.NewReader([]byte(text))))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+c.token)
		q.Header.Set("X-Tenant-ID", strconv.FormatInt(c.tenant, 10))
		q.Header.Set("Idempotency-Key", "venta-77")
		return c.send(q)
	}
	sixteenOfOne(t, func(int) answer { return ask(map[string]any{"qty": 2}) })
	ask(map[string]any{"qty": 3}).refused(409, "La Idempotency-Key ya se usó con otra solicitud")
	c.get("/sales/2").refused(404, "Venta ID 2 no encontrada")
}

// No number is ever invented: without folios nothing is sold, and a sale that fails gives its number back.
func TestFoliosRunOut(t *testing.T) {
	c := newCounter(t, 2)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	got := c.post("/sales/", boleta(1, "1", 1190)).want(409)
	if got.text("error") != "No folios available for DTE type 39" || got.text("action") != "Request new folios from SII" {
		t.Errorf("%s", got.body)
	}
	rows := c.get("/folios/status").want(200).list()
	if len(rows) != 10 || rows[2]["dte_type"] != 39.0 || rows[2]["available"] != 0.0 || rows[0]["available"] != 2.0 || rows[7]["fecha_vencimiento"] != nil {
		t.Errorf("%v", rows)
	}
	c.upload("/folios/upload", centraltest.CAF(76086428, 39, 2, 9)).want(409)
	c.upload("/folios/upload", centraltest.CAF(77777777, 39, 10, 19)).want(422)
	c.upload("/folios/upload", []byte("<AUTORIZACION>nada")).want(422)
	c.upload("/folios/upload", centraltest.CAF(76086428, 39, 3, 9)).want(201)
	if got := c.post("/sales/", boleta(1, "1", 1190)).want(201); got.json()["folio"] != 3.0 {
		t.Errorf("%s", got.body)
	}
}
