package torn_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central/centraltest"
	"mostrador/central/door"
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
	g := newGuarded(t, func(config *door.Config) { config.Timeout = 3 * time.Second })
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

// Every list may be asked for by pages, and by whether its rows are active if they are that.
func TestEveryListIsPaged(t *testing.T) {
	lists := 0
	for _, rt := range published().server.Routes() {
		if rt.Method != "GET" || rt.Out.Kind() != reflect.Slice {
			continue
		}
		lists++
		asked := map[string]bool{}
		for _, field := range reflect.VisibleFields(rt.In) {
			asked[field.Tag.Get("query")] = true
		}
		wanted := []string{"skip", "limit"}
		for _, field := range reflect.VisibleFields(rt.Out.Elem()) {
			if field.Tag.Get("json") == "is_active" {
				wanted = append(wanted, "is_active")
			}
		}
		for _, name := range wanted {
			if !asked[name] {
				t.Errorf("%s does not take %s", rt.Path, name)
			}
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists were found", lists)
	}
}

// What is taken off the whole of a sale is told beside what is taken off its lines.
func TestADiscountOnTheWholeSaleIsTold(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", fields{"rut": "77777777-7", "razon_social": "Constructora", "giro": "Obras", "direccion": "Calle 1", "comuna": "Maipú"}).want(201)
	for _, try := range []struct {
		of         fields
		taken, sum string
	}{
		{fields{"descuento": 100}, "100.00", "3470.00"},
		{fields{"descuento_pct": "0.1"}, "357.00", "3213.00"},
		{fields{"descuento": 5000, "items": []any{fields{"product_id": 1, "cantidad": 3, "descuento": 100}, fields{"product_id": 2, "cantidad": 1}}}, "5100.00", "3470.00"},
		// Too little for both kinds of lines: the format knows no discount of nothing.
		{fields{"descuento": 1, "items": []any{fields{"product_id": 1, "cantidad": 3}, fields{"product_id": 2, "cantidad": 1}}}, "1.00", "8569.00"},
		{fields{"descuento": 1000, "tipo_dte": 33, "rut_cliente": "77777777-7"}, "1000.00", "2380.00"},
		{fields{"descuento_pct": "0.5", "tipo_dte": 34, "rut_cliente": "77777777-7"}, "1500.00", "1500.00"},
		{fields{}, "0.00", "3570.00"},
	} {
		ask := boleta(1, "3", 0)
		ask["payments"] = []any{fields{"payment_method_id": 1, "amount": 9000}}
		maps.Copy(ask, try.of)
		made := c.post("/sales/", ask).want(201)
		if made.text("descuento") != try.taken || made.text("monto_total") != try.sum {
			t.Errorf("%v: %s off, %s", try.of, made.text("descuento"), made.text("monto_total"))
		}
		if kept := c.get(path("/sales/", made.id())); kept.text("descuento") != try.taken {
			t.Errorf("%v: kept as %s", try.of, kept.text("descuento"))
		}
	}
}

// Forms send nothing in several ways: null, an empty text, a moment for a day.
func TestNothingIsSentInSeveralWays(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", fields{"rut": "77777777-7", "razon_social": "Constructora", "giro": "Obras", "email": "a@ejemplo.cl", "dias_credito": 3}).want(201)
	c.put("/customers/77777777-7", fields{"giro": nil, "email": nil, "dias_credito": nil, "is_active": nil}).want(200).
		reads(fields{"giro": "", "email": "", "dias_credito": nil, "is_active": true, "razon_social": "Constructora"})
	c.put("/products/1", fields{"descripcion": nil, "precio_neto": nil, "stock_actual": nil, "controla_stock": nil}).want(200).
		reads(fields{"descripcion": "", "precio_neto": "1000.00", "stock_actual": "500.00", "controla_stock": true})
	provider := c.post("/providers/", fields{"rut": "96.790.240-3", "razon_social": "Molino", "telefono": "22"}).want(201).id()
	c.put(path("/providers/", provider), fields{"telefono": nil}).want(200).reads(fields{"telefono": "", "razon_social": "Molino"})
	for sent, want := range map[any]string{nil: "2026-11-20", "": "2026-11-20", "2026-11-18": "2026-11-18", "2026-11-18T02:59:59.999Z": "2026-11-17", "2026-11-18T03:00:00.000Z": "2026-11-18", "2026-11-18T00:00:00": "2026-11-18"} {
		got := c.post("/purchases/", fields{"provider_id": provider, "fecha_compra": sent, "items": []any{fields{"product_id": 1, "cantidad": 1, "precio_costo_unitario": 1}}}).want(201)
		if day := got.text("fecha_compra"); day != want {
			t.Errorf("%v is %s, want %s", sent, day, want)
		}
	}
	for _, sent := range []string{"ayer", "2026-02-30", "2026-11-18T25:00:00Z", "2026-11-18 10:00"} {
		c.post("/purchases/", fields{"provider_id": provider, "fecha_compra": sent, "items": []any{fields{"product_id": 1, "cantidad": 1, "precio_costo_unitario": 1}}}).want(422)
	}
	c.get("/sales/?from_date=&to_date=").want(200)
	c.post("/sales/", boleta(1, "3", 3570)).want(201)
	c.post("/sales/return", giveBack(1, 1, "1", "reason", "")).want(201).reads(fields{"descripcion": "Ajuste"})
}

// Sales, returns, prices, stock, purchases, payments of accounts and the drawer, all at once on the same things: nobody waits
// for each other both ways, and in the end the books agree.
func TestEverythingAtOnce(t *testing.T) {
	c := newCounter(t, 400)
	c.post("/customers/", fields{"rut": "77777777-7", "razon_social": "Constructora", "giro": "Obras", "direccion": "Calle 1", "comuna": "Maipú", "limite_credito": 100_000_000}).want(201)
	provider := c.post("/providers/", fields{"rut": "96.790.240-3", "razon_social": "Molino"}).want(201).id()
	list := path("/price-lists/", c.post("/price-lists/", fields{"name": "Mayoristas"}).want(201).id())
	other := c.product("Otro", fields{"precio_neto": 500, "controla_stock": true, "stock_actual": 1000, "codigo_interno": "OTRO"})
	both := func(first, second int64) []any {
		return []any{fields{"product_id": first, "cantidad": 1, "precio_costo_unitario": 100}, fields{"product_id": second, "cantidad": 1, "precio_costo_unitario": 100}}
	}
	sale := func(first, second, method int64) fields {
		return fields{"rut_cliente": "77777777-7", "tipo_dte": 33, "items": []any{fields{"product_id": first, "cantidad": 1}, fields{"product_id": second, "cantidad": 1}}, "payments": []any{fields{"payment_method_id": method, "amount": 1785}}}
	}
	sold := c.post("/sales/", sale(1, other, 5)).want(201).id()
	bought := path("/purchases/", c.post("/purchases/", fields{"provider_id": provider, "items": both(1, other)}).want(201).id())
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for name, act := range map[string]func() answer{
		"sell":      func() answer { return c.post("/sales/", sale(1, other, 5)) },
		"sell back": func() answer { return c.post("/sales/", sale(other, 1, 1)) },
		"return":    func() answer { return c.post("/sales/return", giveBack(sold, 1, "0.01", "return_method_id", 5)) },
		"buy":       func() answer { return c.post("/purchases/", fields{"provider_id": provider, "items": both(other, 1)}) },
		"rebuy":     func() answer { return c.put(bought, fields{"provider_id": provider, "items": both(other, 1)}) },
		"price":     func() answer { return c.put("/products/1", fields{"precio_neto": 1000, "stock_minimo": 1}) },
		"adjust": func() answer {
			return c.post(path("/products/", other)+"/ajuste-stock", fields{"cantidad": 1, "motivo": "x"})
		},
		"list": func() answer {
			return c.put(list+"/products", fields{"items": []any{fields{"product_id": other, "fixed_price": 500}}})
		},
		"customers": func() answer { return c.put(list+"/customers", fields{"customer_ids": []int64{2}}) },
		"customer":  func() answer { return c.put("/customers/77777777-7", fields{"giro": "Obras"}) },
		"pay": func() answer {
			return c.post("/customers/77777777-7/pagos", fields{"payment_method_id": 1, "amount": 10})
		},
		"drawer": func() answer { return c.post("/cash/movements", fields{"tipo": "INGRESO", "amount": 1, "reason": "x"}) },
		"shift":  func() answer { return c.post("/cash/open", fields{"start_amount": 0, "force_close_previous": true}) },
	} {
		wg.Go(func() {
			for range 12 {
				got := act()
				if got.status != 200 && got.status != 201 {
					t.Errorf("%s: %d %.300s", name, got.status, got.body)
				}
				mu.Lock()
				count[fmt.Sprint(name, " ", got.status)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Log(count)
	for what, wrong := range map[string]string{
		"stocks that their cards do not explain": `select count(*) from product p where stock_actual <> coalesce((select balance_after from stock_movement m where m.product_id = p.id order by id desc limit 1), stock_actual)`,
		"cards that do not go on": `select count(*) from (select balance_after - lag(balance_after) over (partition by product_id order by id) -
			case tipo when 'ENTRADA' then cantidad else -cantidad end as gap from stock_movement) m where gap <> 0`,
		"balances that the payments do not explain": `select count(*) from customer c where balance <> coalesce((select sum(owed) from payment where customer_id = c.id), 0)`,
		"shifts that are open twice":                `select count(*) from (select person_id from shift where status = 'OPEN' group by 1 having count(*) > 1) s`,
		"closed drawers that do not add up": `select count(*) from shift where status <> 'OPEN' and final_cash_system <> start_amount
			+ coalesce((select sum(p.kept) from payment p join payment_method m on m.id = p.method_id where p.shift_id = shift.id and m.code = 'EFECTIVO'), 0)
			+ coalesce((select sum(amount) from cash_movement where shift_id = shift.id), 0)`,
		"documents whose parts do not add up": `select count(*) from sale s where monto_neto + monto_exento <> (select sum(subtotal) from sale_line where sale_id = s.id)`,
	} {
		if n := c.number(wrong); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
