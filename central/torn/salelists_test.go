package torn_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"mostrador/central/centraltest"
)

// idsOf are the numbers of a list's rows, in its order.
func idsOf(a answer) string {
	a.t.Helper()
	var ids []string
	for _, row := range a.want(200).list() {
		ids = append(ids, fmt.Sprint(row["id"]))
	}
	return strings.Join(ids, " ")
}

func TestTheListOfSales(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/customers/", map[string]any{"rut": "76.123.456-0", "razon_social": "Panadería Ñuñoa", "giro": "Pan", "direccion": "Calle 1", "comuna": "Talca"}).want(201)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	factura := boleta(1, "1", 1190)
	factura["tipo_dte"], factura["rut_cliente"], factura["descripcion"] = 33, "76.123.456-0", "Pedido de Semana 100%"
	c.post("/sales/", factura).want(201)
	// 21 November, in Chile: it is 22 hours of the 20th there when it is the 21st in Greenwich.
	c.clock.Advance(10 * time.Hour)
	c.post("/sales/", boleta(2, "1", 5000)).want(201)
	c.clock.Advance(90 * time.Minute)
	c.post("/sales/", boleta(2, "1", 5000)).want(201)
	c.clock.Advance(31 * time.Minute)
	again := c.login("duena-76086428@ejemplo.cl").in(c.company)
	again.post("/sales/", boleta(2, "1", 5000)).want(201)

	for query, want := range map[string]string{
		"":                      "5 4 3 2 1",
		"?skip=1&limit=2":       "4 3",
		"?before=3":             "2 1",
		"?before=3&limit=1":     "2",
		"?from_date=2026-11-21": "5",
		"?to_date=2026-11-20":   "4 3 2 1",
		"?from_date=2026-11-20&to_date=2026-11-20&limit=1": "4",
		"?tipo=33":                          "2",
		"?tipo=39&before=4":                 "3 1",
		"?customer=76123456-0":              "2",
		"?customer=66666666-6&limit=2":      "5 4",
		"?customer=5126663-3":               "",
		"?q=ñuño":                           "2",
		"?q=76.123.456-0":                   "2",
		"?q=semana":                         "2",
		"?q=100%25":                         "2",
		"?q=%25":                            "2",
		"?q=_":                              "",
		"?q=1":                              "2 1", // folio 1, of either type; and what is in a RUT
		"?q=4":                              "5 2",
		"?q=sin+identificar&limit=2&skip=1": "4 3",
		"?q=semana&tipo=39":                 "",
		"?q=ñuño&from_date=2026-11-21":      "",
	} {
		path, values, _ := strings.Cut(query, "?")
		q, _ := url.ParseQuery(values)
		if got := idsOf(again.get("/sales/" + path + "?" + q.Encode())); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	row := again.get("/sales/?limit=1&tipo=33").list()[0]
	if len(row["details"].([]any)) != 1 || len(row["payments"].([]any)) != 1 || row["customer"].(map[string]any)["rut"] != "76123456-0" {
		t.Errorf("%v", row)
	}
	for _, query := range []string{"?limit=201", "?limit=0", "?skip=-1", "?from_date=ayer", "?tipo=x", "?customer=1-1"} {
		again.get("/sales/" + query).want(422)
	}
}

// How far a list may be skipped is bounded, so that no page takes long.
func TestNoPageIsFar(t *testing.T) {
	c := newCounter(t, 1)
	for _, list := range []string{"/sales/", "/sales/dte-estados", "/sales/guias-pendientes"} {
		c.get(list + "?skip=100000").want(200)
		if got := c.get(list + "?skip=100001").faultTypes(); got != `less_than_equal["query","skip"]` {
			t.Errorf("%s: %s", list, got)
		}
	}
}

func TestPaymentMethods(t *testing.T) {
	c := newCounter(t, 1)
	list := c.get("/sales/payment-methods/").want(200).list()
	if len(list) != 5 || list[0]["code"] != "EFECTIVO" || list[4]["code"] != "CREDITO_INTERNO" || list[0]["is_active"] != true {
		t.Errorf("%v", list)
	}
}

func TestStatesOfDocuments(t *testing.T) {
	c := newCounter(t, 50)
	for range 3 {
		c.post("/sales/", boleta(1, "1", 1190)).want(201)
	}
	db := centraltest.Superuser(t, c.db)
	if _, err := db.Exec(t.Context(), "set search_path to "+c.company.Schema+`;
		insert into envelope (id, seq, sobre, open, xml, created_at) values ('S1', 1, '{"trackId":"777"}', false, '', now());
		update document_state set state = 'rejected', envelope = 'S1', veredicto = '{"state":"rejected","codigo":"CAF-3-517","glosa":"CAF Vencido"}' where sale_id = 2`); err != nil {
		t.Fatal(err)
	}
	got := c.get("/sales/dte-estados?state=rejected").want(200).list()
	if len(got) != 1 || got[0]["sale_id"] != 2.0 || got[0]["track_id"] != "777" || got[0]["codigo_sii"] != "CAF-3-517" || got[0]["glosa_sii"] != "CAF Vencido" {
		t.Errorf("%v", got)
	}
	for query, want := range map[string]int{"": 3, "?ids=1,3": 2, "?limit=2": 2, "?from_date=2026-11-21": 0, "?to_date=2026-11-20": 3, "?state=accepted": 0} {
		if got := c.get("/sales/dte-estados" + query).want(200).list(); len(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	c.get("/sales/dte-estados?ids=1,x").want(422)
	c.get("/sales/dte-estados?state=nada").want(422)
}
