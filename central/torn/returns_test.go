package torn_test

import (
	"sync"
	"testing"
	"time"

	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
)

// giveBack is a request to take so much of a product back, in cash.
func giveBack(sale, product int64, qty string, more ...any) map[string]any {
	m := map[string]any{
		"original_sale_id": sale, "items": []any{map[string]any{"product_id": product, "cantidad": qty}}, "reason": "Devolución",
		"return_method_id": 1,
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// number reads one figure of the company's, past all rights.
func (c *counter) number(query string, args ...any) (n int64) {
	c.t.Helper()
	db := centraltest.Superuser(c.t, c.db)
	if _, err := db.Exec(c.t.Context(), "set search_path to "+c.company.Schema+", extensions"); err != nil {
		c.t.Fatal(err)
	}
	if err := db.QueryRow(c.t.Context(), query, args...).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// document reads the stored bytes of a sale as a stranger would.
func (c *counter) document(sale int64) *dte.Document {
	c.t.Helper()
	db := centraltest.Superuser(c.t, c.db)
	var xml []byte
	if err := db.QueryRow(c.t.Context(), "select xml from "+c.company.Schema+".document where sale_id = $1 order by version desc limit 1", sale).Scan(&xml); err != nil {
		c.t.Fatal(err)
	}
	doc, err := dte.Verify(xml, dtetest.Trust())
	if err != nil {
		c.t.Fatal(err)
	}
	return doc
}

// Torn took back 50 of a sale of 1, again and again. Here all notes of a sale together take back what was sold.
func TestReturnsAreCapped(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "5", 5950)).want(201)
	first := c.post("/sales/return", giveBack(1, 1, "2")).want(201)
	if first.text("monto_neto") != "2000.00" || first.text("iva") != "380.00" || first.text("monto_total") != "2380.00" || first.json()["related_sale_id"] != 1.0 {
		t.Errorf("%s", first.body)
	}
	note := c.document(first.id())
	if note.Tipo != 61 || note.Referencia[0].CodRef != dte.CorrigeMontos || note.Referencia[0].FolioRef != "1" || note.Receptor.RUT != 76086428 || note.Totales.MntTotal != 2380 {
		t.Errorf("%+v", note.Draft)
	}
	c.post("/sales/return", giveBack(1, 1, "4")).refused(409, "Del producto 1 quedan por devolver 3.00 y se pidió 4.00")
	c.post("/sales/return", giveBack(1, 1, "3")).want(201)
	c.post("/sales/return", giveBack(1, 1, "0.001")).refused(409, "Del producto 1 quedan por devolver 0.00 y se pidió 0.00")
	if stock := c.number("select stock_actual from product where id = 1"); stock != 500_000_000 {
		t.Errorf("stock %d", stock)
	}
	if closed := c.post("/cash/close", map[string]any{"final_cash_declared": 10000}).want(200); closed.text("difference") != "0.00" {
		t.Errorf("%s", closed.body)
	}
}

func TestSimultaneousReturnsTakeBackNoMoreThanWasSold(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "3", 3570)).want(201)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 8 {
		wg.Go(func() {
			got := c.post("/sales/return", giveBack(1, 1, "1"))
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
		})
	}
	wg.Wait()
	if count[201] != 3 || count[409] != 5 {
		t.Errorf("%v", count)
	}
}

// A whole sale goes back in its own lines, with its discount; a debit note takes that back, and then it may be returned again.
func TestAnnulAndUndo(t *testing.T) {
	c := newCounter(t, 50)
	sale := boleta(1, "2", 6000)
	sale["items"] = []any{map[string]any{"product_id": 1, "cantidad": 2}, map[string]any{"product_id": 2, "cantidad": 1}}
	sale["payments"] = []any{map[string]any{"payment_method_id": 2, "amount": 7000}}
	sale["descuento"] = 380
	sold := c.post("/sales/", sale).want(201)
	all := giveBack(sold.id(), 1, "2", "return_method_id", 2)
	all["items"] = sale["items"]
	annulled := c.post("/sales/return", all).want(201)
	for _, field := range []string{"monto_neto", "monto_exento", "iva", "monto_total"} {
		if annulled.text(field) != sold.text(field) {
			t.Errorf("%s: %s of %s", field, annulled.text(field), sold.text(field))
		}
	}
	if ref := c.document(annulled.id()).Referencia[0]; ref.CodRef != dte.Anula {
		t.Errorf("%+v", ref)
	}
	c.post("/sales/return", all).want(409)
	undo := giveBack(annulled.id(), 1, "2", "tipo_dte", 56, "return_method_id", 2)
	c.post("/sales/return", undo).refused(409, "La nota de crédito 1 se anula entera: pida todas sus líneas")
	undo["items"] = sale["items"]
	undone := c.post("/sales/return", undo).want(201)
	if undone.text("monto_total") != sold.text("monto_total") || c.number("select stock_actual from product where id = 1") != 498_000_000 {
		t.Errorf("%s", undone.body)
	}
	c.post("/sales/return", undo).refused(409, "La nota de crédito 1 ya está anulada")
	c.post("/sales/return", giveBack(sold.id(), 1, "2", "return_method_id", 2)).want(201)
	if c.number("select stock_actual from product where id = 1") != 500_000_000 {
		t.Error("the goods are not back")
	}
}

func TestANoteOfWordsMovesNothing(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "5126663-3", "razon_social": "Ana Díaz", "giro": "Talca", "direccion": "Calle 1", "comuna": "Talca"}).want(201)
	sale := boleta(1, "1", 1190)
	sale["tipo_dte"], sale["rut_cliente"] = 33, "5126663-3"
	c.post("/sales/", sale).want(201)
	got := c.post("/sales/return", giveBack(1, 1, "1", "sii_reason_code", 2, "donde_dice", "Talca", "debe_decir", "Comercio", "reason", "Corrige giro")).want(201)
	doc := c.document(got.id())
	if doc.Totales.MntTotal != 0 || doc.Referencia[0].CodRef != dte.CorrigeTexto || doc.Detalle[0].Nombre != "Donde dice Talca debe decir Comercio" {
		t.Errorf("%+v", doc)
	}
	if len(got.json()["payments"].([]any)) != 0 || c.number("select stock_actual from product where id = 1") != 499_000_000 ||
		c.number("select signo from sale where id = 2") != 0 {
		t.Errorf("%s", got.body)
	}
	// It takes nothing of what may come back.
	c.post("/sales/return", giveBack(1, 1, "1")).want(201)
}

func TestADebitNoteAddsToAFactura(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "5126663-3", "razon_social": "Ana Díaz", "giro": "Almacén", "direccion": "Calle 1", "comuna": "Talca"}).want(201)
	sale := boleta(1, "10", 11900)
	sale["tipo_dte"], sale["rut_cliente"] = 33, "5126663-3"
	c.post("/sales/", sale).want(201)
	c.post("/sales/return", giveBack(1, 1, "1", "tipo_dte", 56)).want(422)
	got := c.post("/sales/return", giveBack(1, 1, "2", "tipo_dte", 56, "sii_reason_code", 3)).want(201)
	if got.text("monto_total") != "2380.00" || c.number("select stock_actual from product where id = 1") != 490_000_000 {
		t.Errorf("%s", got.body)
	}
	if closed := c.post("/cash/close", map[string]any{"final_cash_declared": 24280}).want(200); closed.text("difference") != "0.00" {
		t.Errorf("%s", closed.body)
	}
}

func TestWhatAReturnRefuses(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "2", 2380)).want(201)
	c.post("/sales/return", giveBack(1, 1, "1", "tipo_dte", 33)).refused(400, "El tipo de DTE para ajuste debe ser 56, 61, 111 o 112.")
	c.post("/sales/return", giveBack(1, 1, "1", "tipo_dte", 112)).want(422)
	c.post("/sales/return", giveBack(1, 1, "1", "tipo_dte", 56)).want(422)
	c.post("/sales/return", giveBack(9, 1, "1")).refused(404, "Venta original no encontrada")
	c.post("/sales/return", giveBack(1, 2, "1")).refused(404, "Producto 2 no encontrado")
	c.post("/sales/return", giveBack(1, 1, "1", "return_method_id", 9)).refused(400, "Medio de devolución invalido")
	c.post("/sales/return", giveBack(1, 1, "1", "return_method_id", 5)).want(422)
	for name, value := range map[string]any{"items": nil, "reason": nil, "sii_reason_code": 4, "original_sale_id": "x"} {
		c.post("/sales/return", giveBack(1, 1, "1", name, value)).want(422)
	}
	c.post("/cash/close", map[string]any{"final_cash_declared": 0}).want(200)
	c.post("/sales/return", giveBack(1, 1, "1")).refused(409, "El vendedor (ID 2) no tiene turno de caja abierto. No hay turno de caja abierto.")
	// Money that does not leave the drawer needs none.
	if got := c.post("/sales/return", giveBack(1, 1, "1", "return_method_id", 4)).want(201); got.json()["folio"] != 1.0 {
		t.Errorf("folio %v after refusals", got.json()["folio"])
	}
}

// A note that comes as a sale is the same note.
func TestANoteThroughSales(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "2", 2380)).want(201)
	note := boleta(1, "1", 1190)
	note["tipo_dte"] = 61
	note["referencias"] = []any{map[string]any{"tipo_documento": "39", "folio": "1", "fecha": "2026-11-20", "sii_reason_code": 3}}
	got := c.post("/sales/", note).want(201)
	if got.json()["related_sale_id"] != 1.0 || got.text("monto_total") != "1190.00" {
		t.Errorf("%s", got.body)
	}
	note["items"] = []any{map[string]any{"product_id": 1, "cantidad": 2}}
	c.post("/sales/", note).want(409)
	note["referencias"] = []any{map[string]any{"tipo_documento": "39", "folio": "7", "fecha": "2026-11-20", "sii_reason_code": 3}}
	c.post("/sales/", note).refused(404, "Venta original no encontrada")
}

// After six months a note no longer reduces the seller's IVA, and says so.
func TestALateReturnGivesNoRebate(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	c.clock.Advance(200 * 24 * time.Hour)
	again := c.login("duena-76086428@ejemplo.cl").in(c.company)
	_, caf := dtetest.CAF(76086428, 61, 51, 60, dte.DateOf(c.clock.Now()))
	again.upload("/folios/upload", caf).want(201)
	got := again.post("/sales/return", giveBack(1, 1, "1")).want(201)
	if !c.document(got.id()).IndNoRebaja {
		t.Error("the note does not say that it gives no rebate")
	}
}
