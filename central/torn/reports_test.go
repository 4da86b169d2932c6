package torn_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mostrador/central/centraltest"
)

// reportShop has sold a boleta of two pans at noon and a factura of an exempt book an hour later, taken one pan back, and
// written a guía, which is no sale. A pan costs 600 then, and 900 since.
func reportShop(t *testing.T) *counter {
	t.Helper()
	c := newCounter(t, 50)
	db := centraltest.Superuser(t, c.db)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.Exec(t.Context(), "set search_path to "+c.company.Schema+", extensions"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("update product set costo_unitario = 600000000 where id = 1")
	c.post("/sales/", boleta(1, "2", 2380)).want(201)
	c.clock.Advance(time.Hour)
	book := boleta(2, "1", 5000)
	book["tipo_dte"] = 41
	c.post("/sales/", book).want(201)
	now := c.clock.Now()
	exec(`insert into sale (tipo, folio, customer_id, person_id, fecha_emision, signo, monto_exento, monto_neto, iva, monto_total, related_id, created_at)
		values (61, 1, 1, 1, $1, -1, 0, 1000, 190, 1190, 1, $2)`, now.Format("2006-01-02"), now)
	exec(`insert into sale_line (sale_id, line, product_id, nombre, cantidad, precio_unitario, subtotal, monto, costo_unitario, restock)
		select id, 1, 1, 'Pan', 1000000, 1000, 1000, 1000, 600000000, true from sale where tipo = 61`)
	exec(`insert into sale (tipo, folio, customer_id, person_id, fecha_emision, signo, monto_exento, monto_neto, iva, monto_total, created_at)
		values (52, 1, 1, 1, $1, 0, 0, 7000, 1330, 8330, $2)`, now.Format("2006-01-02"), now)
	exec(`insert into sale_line (sale_id, line, product_id, nombre, cantidad, precio_unitario, subtotal, monto)
		select id, 1, 3, 'Clavo', 7000000, 1000, 7000, 7000 from sale where tipo = 52`)
	exec("insert into payment (sale_id, method_id, tendered, kept, created_at) select id, 1, -1190, -1190, $1 from sale where tipo = 61", now)
	// Somebody else's drawer.
	exec("insert into shift (person_id, start_time, start_amount) values (1, $1, 7)", now)
	exec("update product set costo_unitario = 900000000 where id = 1")
	return c
}

// same compares an answer with what was expected, member by member.
func (a answer) same(want string) {
	a.t.Helper()
	var got, wanted any
	if err := json.Unmarshal(a.want(200).body, &got); err != nil {
		a.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		a.t.Fatal(err)
	}
	text, _ := json.Marshal(got)
	wantText, _ := json.Marshal(wanted)
	if string(text) != string(wantText) {
		a.t.Errorf("%s:\n got %s\nwant %s", a.what, text, wantText)
	}
}

const reportsDashboard = `{"fecha":"2026-11-20",
	"kpis":{"total_ventas":6190,"total_neto":1000,"total_exento":5000,"total_iva":190,"num_ventas":2,"ticket_promedio":3690,
		"num_notas_credito":1,"total_notas_credito":1190},
	"ventas_por_hora":[{"hora":"12:00","cantidad":1,"total":2380},{"hora":"13:00","cantidad":1,"total":3810}],
	"top_productos":[{"nombre":"Libro & lápiz","sku":"PROD-00002","cantidad":1,"total":5000},{"nombre":"Pan amasado","sku":"PROD-00001","cantidad":1,"total":1190}],
	"medios_pago":[{"nombre":"Efectivo","codigo":"EFECTIVO","transacciones":2,"total":6190}],
	"caja":{"id":1,"inicio":"2026-11-20T15:00:00.000000Z","fondo":10000}}`

// Torn counted two types of document only, added notes as sales, told the hours of UTC, took the cost of today, and showed
// anybody's drawer.
func TestReportsOfADay(t *testing.T) {
	c := reportShop(t)
	c.get("/reports/dashboard").same(reportsDashboard)
	period := func(name string) string {
		return `{"sales_total":"6190.00","sales_count":2,"margin_total":"5400.000000","iva_total":"190.00","period":"` + name + `"}`
	}
	c.get("/stats/summary").same(`{"daily":` + period("Diario") + `,"weekly":` + period("Semanal") + `,"monthly":` + period("Mensual") + `}`)
	bread := `{"product_id":1,"nombre":"Pan amasado","full_name":"Pan amasado","total_qty":"1.0000","total_margin":"400.000000","total_sales":"1190.00"}`
	book := `{"product_id":2,"nombre":"Libro & lápiz","full_name":"Libro & lápiz","total_qty":"1.0000","total_margin":"5000.000000","total_sales":"5000.00"}`
	c.get("/stats/top-products").same(`{"by_quantity":[` + bread + `,` + book + `],"by_margin":[` + book + `,` + bread + `]}`)
	c.get("/stats/top-products?days=1&limit=1").same(`{"by_quantity":[` + bread + `],"by_margin":[` + book + `]}`)
	sums := `"total_ventas":"6190.00","total_neto":"1000.00","total_exento":"5000.00","total_iva":"190.00","total_utilidad":"5400.000000",`
	items := `"items":[{"product_id":2,"full_name":"Libro & lápiz","cantidad":"1.0000","monto_total":"5000.00","utilidad":"5000.000000"},
		{"product_id":1,"full_name":"Pan amasado","cantidad":"1.0000","monto_total":"1190.00","utilidad":"400.000000"}]}`
	c.get("/stats/report").same(`{"fecha":"2026-11-20T00:00:00-03:00","period":"day","desde":"2026-11-20","hasta":"2026-11-20",` + sums + items)
	c.get("/stats/report?period=month&date=2026-11-01").same(`{"fecha":"2026-11-01T00:00:00-03:00","period":"month","desde":"2026-11-01","hasta":"2026-11-30",` + sums + items)
	if got := c.get("/stats/report?skip=1&limit=1").want(200).json()["items"].([]any); len(got) != 1 || got[0].(map[string]any)["product_id"] != 1.0 {
		t.Errorf("the second page: %v", got)
	}
	if got := c.get("/stats/report?period=week&date=2026-09-06").want(200); got.text("fecha") != "2026-09-06T01:00:00-03:00" || got.text("desde") != "2026-08-31" || got.text("total_ventas") != "0.00" {
		t.Errorf("a day that begins at one: %s", got.body)
	}

	// The next day all that is yesterday's, added up or not.
	c.clock.Advance(11 * time.Hour)
	c.token = c.login("duena-76086428@ejemplo.cl").token
	for _, closing := range []bool{false, true} {
		if closing {
			if n, err := c.db.CloseDays(t.Context()); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		c.get("/reports/dashboard?fecha=2026-11-20").same(reportsDashboard)
		if got := c.get("/reports/dashboard").want(200); !strings.Contains(string(got.body), `"fecha":"2026-11-21","kpis":{"total_ventas":0,`) ||
			!strings.Contains(string(got.body), `"ventas_por_hora":[],"top_productos":[],"medios_pago":[]`) {
			t.Errorf("%s", got.body)
		}
		if got := c.get("/stats/summary").want(200); !strings.Contains(string(got.body), `"daily":{"sales_total":"0.00","sales_count":0`) ||
			!strings.Contains(string(got.body), `"weekly":{"sales_total":"6190.00","sales_count":2`) {
			t.Errorf("%s", got.body)
		}
	}
	c.post("/cash/close", map[string]any{"final_cash_declared": 0}).want(200)
	if got := c.get("/reports/dashboard").want(200).json()["caja"]; got != nil {
		t.Errorf("caja %v", got)
	}
}

func TestReportsRefuseWhatMakesNoSense(t *testing.T) {
	_, owner := newHouse(t).shop(76086428)
	for path, want := range map[string]string{
		"/reports/dashboard?fecha=ayer":          `date_from_datetime_parsing["query","fecha"]`,
		"/reports/dashboard?fecha=":              `date_from_datetime_parsing["query","fecha"]`,
		"/reports/dashboard?fecha=2026-02-30":    `date_from_datetime_parsing["query","fecha"]`,
		"/stats/report?date=20-11-2026":          `date_from_datetime_parsing["query","date"]`,
		"/stats/report?period=year":              `literal_error["query","period"]`,
		"/stats/top-products?days=0":             `greater_than_equal["query","days"]`,
		"/stats/top-products?days=9999":          `less_than_equal["query","days"]`,
		"/stats/top-products?limit=101&days=x":   `int_parsing["query","days"] less_than_equal["query","limit"]`,
		"/stats/report?skip=-1&date=2026-11-31a": `date_from_datetime_parsing["query","date"] greater_than_equal["query","skip"]`,
	} {
		if got := owner.get(path).faultTypes(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"/reports/dashboard?fecha=0001-01-01", "/stats/report?period=week&date=9999-12-31", "/stats/report?period=month&date=0001-01-01"} {
		owner.get(path).want(200)
	}
}

// Figures of the whole company are for who may see them; what sells best, for everybody.
func TestWhoSeesReports(t *testing.T) {
	h := newHouse(t)
	company, owner := h.shop(76086428)
	db := centraltest.Superuser(t, h.db)
	may := func(sees bool) {
		t.Helper()
		if _, err := db.Exec(t.Context(), "update "+company.Schema+".person set role = 'VENDEDOR', role_id = 2 where account_id is not null"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "update "+company.Schema+".role set can_view_reports = $1 where id = 2", sees); err != nil {
			t.Fatal(err)
		}
	}
	may(false)
	for _, path := range []string{"/reports/dashboard", "/stats/summary", "/stats/report"} {
		owner.get(path).refused(403, "Acceso denegado: se requieren permisos de administrador de empresa.")
	}
	owner.get("/stats/top-products").want(200)
	may(true)
	for _, path := range []string{"/reports/dashboard", "/stats/summary", "/stats/report"} {
		owner.get(path).want(200)
	}
}
