package torn_test

import (
	"bytes"
	"strconv"
	"sync"
	"testing"
	"time"

	"mostrador/central/centraltest"
)

// seller is somebody of the shop who only sells, logged in.
func (c *counter) seller(email string) *client {
	c.t.Helper()
	id := centraltest.Account(c.t, c.db, email, false)
	db := centraltest.Superuser(c.t, c.db)
	if _, err := db.Exec(c.t.Context(), "insert into shared.membership (company_id, account_id, role_name) values ($1, $2, 'VENDEDOR')", c.company.ID, id); err != nil {
		c.t.Fatal(err)
	}
	if _, err := db.Exec(c.t.Context(), "insert into "+c.company.Schema+".person (account_id, email, name, role, role_id) select $1, $2, $2, name, id from "+
		c.company.Schema+".role where name = 'VENDEDOR'", id, email); err != nil {
		c.t.Fatal(err)
	}
	return c.login(email).in(c.company)
}

// onAccount is a sale of bread that the customer owes.
func onAccount(rut, qty string, amount int64) map[string]any {
	m := boleta(1, qty, 0)
	m["rut_cliente"] = rut
	m["payments"] = []any{map[string]any{"payment_method_id": 5, "amount": amount}}
	return m
}

func pay(method, amount int64) map[string]any {
	return map[string]any{"payment_method_id": method, "amount": amount}
}

func TestTheAccountOfACustomer(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "5126663-3", "razon_social": "Ana Díaz", "limite_credito": 10000, "dias_credito": 10}).want(201)
	c.post("/sales/", onAccount("5126663-3", "2", 2380)).want(201)
	c.clock.Advance(45 * 24 * time.Hour) // 35 days overdue
	again := &counter{c.login("duena-76086428@ejemplo.cl").in(c.company), c.company}
	again.post("/sales/", onAccount("5126663-3", "5", 5950)).want(201)
	again.post("/sales/", onAccount("5126663-3", "2", 2380)).refused(409, "Ana Díaz no tiene crédito para 2380.00: debe 8330.00")
	again.post("/customers/5126663-3/pagos", pay(1, 8331)).refused(409, "Ana Díaz debe 8330.00: no se pueden recibir 8331.00")
	again.post("/customers/5126663-3/pagos", pay(5, 100)).want(422)
	again.post("/customers/5126663-3/pagos", pay(9, 100)).refused(404, "Medio de pago ID 9 no encontrado")
	again.post("/customers/5126663-3/pagos", pay(1, 0)).want(422)
	again.post("/customers/6874225-0/pagos", pay(1, 100)).want(404)
	// In cash 1,001 is 1,000 in the drawer, and 1,001 off the account.
	made := again.post("/customers/5126663-3/pagos", pay(1, 1001)).want(201)
	if made.text("current_balance") != "7329.00" || made.text("redondeo") != "-1.00" {
		t.Errorf("%s", made.body)
	}
	again.post("/sales/return", giveBack(2, 1, "1", "return_method_id", 5)).want(201)

	got := again.get("/customers/5126663-3/cuenta").want(200).json()
	ages, _ := got["antiguedad"].(map[string]any)
	if got["saldo"] != "6139.00" || got["disponible"] != "3861.00" || ages["vencido_31_60"] != "189.00" || ages["por_vencer"] != "5950.00" {
		t.Errorf("%v", got)
	}
	moves, _ := got["movimientos"].([]any)
	if len(moves) != 4 {
		t.Fatalf("%v", moves)
	}
	last, _ := moves[3].(map[string]any)
	if last["tipo"] != "ABONO" || last["monto"] != "1190.00" || last["saldo"] != "6139.00" || last["tipo_dte"] != 61.0 {
		t.Errorf("%v", last)
	}
	if list := again.get("/customers/5126663-3/pagos").want(200).list(); len(list) != 1 || list[0]["amount"] != "1001.00" {
		t.Errorf("%v", list)
	}
	if closed := again.post("/cash/close", map[string]any{"final_cash_declared": 11000}).want(200); closed.text("difference") != "0.00" {
		t.Errorf("%s", closed.body)
	}
	again.post("/customers/5126663-3/pagos", pay(1, 100)).want(409)
	again.post("/customers/5126663-3/pagos", pay(4, 6139)).want(201)
	if n := again.number("select sum(owed) - (select balance from customer where id = 2) from payment where customer_id = 2"); n != 0 {
		t.Errorf("the moves and the balance differ by %d", n)
	}
}

// The same key takes the money once, however many ask at the same time; another amount, another customer or a sale under it
// is refused.
func TestTheSameKeyPaysOnce(t *testing.T) {
	c := newCounter(t, 50)
	for _, rut := range []string{"5126663-3", "6874225-0"} {
		c.post("/customers/", map[string]any{"rut": rut, "razon_social": "Cliente " + rut}).want(201)
		c.post("/sales/", onAccount(rut, "2", 2380)).want(201)
	}
	ask := func(path, body string) answer {
		return c.with("POST", path, body, "X-Tenant-ID", strconv.FormatInt(c.tenant, 10), "Idempotency-Key", "pago-7")
	}
	const path, body = "/customers/5126663-3/pagos", `{"payment_method_id":1,"amount":1001}`
	answers := make([]answer, 16)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = ask(path, body) })
	}
	wg.Wait()
	for _, got := range answers {
		if got.want(201); !bytes.Equal(got.body, answers[0].body) {
			t.Errorf("%s\n%s", got.body, answers[0].body)
		}
	}
	if got := answers[0]; got.text("current_balance") != "1379.00" || got.text("redondeo") != "-1.00" || got.text("amount") != "1001.00" {
		t.Errorf("%s", got.body)
	}
	const used = "La Idempotency-Key ya se usó con otra solicitud"
	ask(path, `{"payment_method_id":1,"amount":1000}`).refused(409, used)
	ask("/customers/6874225-0/pagos", body).refused(409, used)
	ask("/sales/", oneBread).refused(409, used)
	if n := c.number("select count(*) from payment where sale_id is null"); n != 1 {
		t.Errorf("%d payments", n)
	}
	// Without a key each is a payment of its own.
	c.post(path, body).want(201)
	c.post(path, body).refused(409, "Cliente 5126663-3 debe 378.00: no se pueden recibir 1001.00")
}

// What is sold on account falls due after the customer's own days, or else the company's; a factura says so.
func TestCreditDays(t *testing.T) {
	c := newCounter(t, 50)
	c.put("/config/settings/", map[string]any{"dias_credito": 7}).want(200)
	for rut, days := range map[string]any{"5126663-3": nil, "6874225-0": 45, "7777777-6": 0} {
		c.post("/customers/", map[string]any{
			"rut": rut, "razon_social": "Cliente", "giro": "Almacén", "direccion": "Uno 1", "comuna": "Ñuñoa", "ciudad": "Santiago", "dias_credito": days,
		}).want(201)
	}
	for rut, due := range map[string]string{"5126663-3": "2026-11-27", "6874225-0": "2027-01-04", "7777777-6": "2026-11-20"} {
		order := onAccount(rut, "1", 1190)
		order["tipo_dte"] = 33
		sold := c.post("/sales/", order).want(201)
		doc := c.document(sold.id())
		if sold.text("fecha_vencimiento") != due || doc.FchVenc.String() != due || doc.FmaPago != 2 {
			t.Errorf("%s: due %s, in the document %s with form %d, want %s", rut, sold.text("fecha_vencimiento"), doc.FchVenc, doc.FmaPago, due)
		}
	}
	paid := c.post("/sales/", boleta(1, "1", 1190)).want(201)
	if doc := c.document(paid.id()); paid.json()["fecha_vencimiento"] != nil || doc.FmaPago != 0 {
		t.Errorf("what was paid falls due %s", paid.body)
	}
}

func TestSimultaneousPaymentsOfAnAccount(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "5126663-3", "razon_social": "Ana Díaz"}).want(201)
	c.post("/sales/", onAccount("5126663-3", "1", 1190)).want(201)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := c.post("/customers/5126663-3/pagos", pay(4, 1000)); got.status != 201 && got.status != 409 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	if n := c.number("select balance from customer where id = 2"); n != 190 {
		t.Errorf("balance %d", n)
	}
}

func TestCashInAndOut(t *testing.T) {
	c := newCounter(t, 50)
	in := map[string]any{"tipo": "INGRESO", "amount": 5000, "reason": "Sencillo"}
	out := map[string]any{"tipo": "RETIRO", "amount": 15001, "reason": "Depósito"}
	c.post("/cash/movements", in).want(201)
	c.post("/cash/movements", out).refused(409, "En la caja hay 15.000: no se pueden retirar 15.001")
	out["amount"] = 12000
	if got := c.post("/cash/movements", out).want(201); got.text("amount") != "12000.00" || got.text("tipo") != "RETIRO" {
		t.Errorf("%s", got.body)
	}
	for name, value := range map[string]any{"tipo": "OTRO", "amount": -1, "reason": ""} {
		bad := map[string]any{"tipo": "INGRESO", "amount": 1, "reason": "x", name: value}
		c.post("/cash/movements", bad).want(422)
	}
	if list := c.get("/cash/movements").want(200).list(); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if closed := c.post("/cash/close", map[string]any{"final_cash_declared": 3000}).want(200); closed.text("difference") != "0.00" {
		t.Errorf("%s", closed.body)
	}
	c.post("/cash/movements", in).want(409)
	if list := c.get("/cash/movements?session_id=1").want(200).list(); len(list) != 2 {
		t.Errorf("%v", list)
	}
}

// Everybody sees their own shifts; who may see reports sees all.
func TestShiftsAreOnesOwn(t *testing.T) {
	c := newCounter(t, 50)
	seller := c.seller("vendedor@ejemplo.cl")
	if list := seller.get("/cash/sessions").want(200).list(); len(list) != 0 {
		t.Errorf("a seller sees %v", list)
	}
	if list := seller.get("/cash/movements?session_id=1").want(200).list(); len(list) != 0 {
		t.Errorf("a seller sees %v", list)
	}
	c.post("/cash/movements", map[string]any{"tipo": "INGRESO", "amount": 1, "reason": "x"}).want(201)
	seller.post("/cash/open", map[string]any{"start_amount": 0}).want(200)
	if list := seller.get("/cash/movements?session_id=1").want(200).list(); len(list) != 0 {
		t.Errorf("a seller sees %v", list)
	}
	if list := seller.get("/cash/sessions").want(200).list(); len(list) != 1 || list[0]["user"].(map[string]any)["email"] != "vendedor@ejemplo.cl" {
		t.Errorf("%v", list)
	}
	if list := c.get("/cash/sessions").want(200).list(); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if list := c.get("/cash/sessions?to_date=2026-11-19").want(200).list(); len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// Without the control of cash a shop sells, and gives money back, without a shift.
func TestWithoutCashControl(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/cash/close", map[string]any{"final_cash_declared": 10000}).want(200)
	c.number("update settings set cash_control = false returning 1::bigint")
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	c.post("/sales/return", giveBack(1, 1, "1")).want(201)
}
