package torn_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
	pesos "mostrador/money"
)

// joinedTill is the company's till, as its store would push.
type joinedTill struct {
	*counter
	name, token string
	chain       []api.Entry
}

func (c *counter) joins(name string) *joinedTill {
	c.t.Helper()
	joined, err := c.db.Join(c.t.Context(), api.Join{
		Protocol: api.Protocol, Version: "1.0.0", Code: c.post("/tills/", map[string]any{"name": name}).want(201).text("join_code"),
		Secret: bytes.Repeat([]byte(name[len(name)-1:]), 32), Emisor: c.company.RUT, Ambiente: c.company.Ambiente,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return &joinedTill{counter: c, name: name, token: joined.Token}
}

// pushes tells of one sale without document.
func (k *joinedTill) pushes(kind string, s api.Sale) {
	k.t.Helper()
	s.Key.Emisor, s.ID, s.Training, s.Cash = k.company.RUT, fmt.Sprint(k.name, len(k.chain)), k.company.Ambiente == dte.Capacitacion, s.Total > 0
	if s.Total > 0 {
		s.Tenders = []api.Tender{{Method: "débito", Amount: s.Total, Received: s.Total}}
	}
	fact, err := json.Marshal(map[string]any{"at": s.At, "kind": kind, "key": s.Key})
	if err != nil {
		k.t.Fatal(err)
	}
	after, prev := api.Point{}, make([]byte, sha256.Size)
	if n := len(k.chain); n > 0 {
		after = api.Point{N: int64(n), Hash: k.chain[n-1].Hash}
		prev, _ = hex.DecodeString(after.Hash)
	}
	sum := sha256.Sum256(append(prev, fact...))
	k.chain = append(k.chain, api.Entry{N: after.N + 1, Hash: hex.EncodeToString(sum[:]), Fact: fact, Sale: &s})
	var done api.Pushed
	if err := k.db.EnterTill(k.t.Context(), k.token, func(c *central.Call) (err error) {
		done, err = c.Push(api.Push{After: after, Entries: k.chain[after.N:]})
		return err
	}); err != nil || done.Alarms > 0 || done.Hold != "" {
		k.t.Fatalf("%+v %v", done, err)
	}
}

// What tills sell and take back without a document of the SII is in the list like all else: it says what it is and bears the till's
// number, and nobody takes that for a folio. The list adds up to the report.
func TestTheListHasWhatIsSoldWithoutDocument(t *testing.T) {
	c := newCounter(t, 50)
	c.post("/sales/", boleta(1, "1", 1190)).want(201)
	line := func(qty int64, total pesos.Pesos) []api.Line {
		return []api.Line{{Codigo: "PROD-00001", Nombre: "Pan", Qty: pesos.Units(qty), Prc: pesos.PerUnit(total / pesos.Pesos(qty)), Total: total}}
	}
	at := c.clock.Now()
	var voucher dte.Key
	for i, name := range []string{"Caja A", "Caja B"} {
		k := c.joins(name)
		sells := func(kind string, tipo dte.TipoDTE, s api.Sale) {
			at = at.Add(time.Second)
			s.Key.Tipo, s.Key.Folio, s.At = tipo, 7, at
			k.pushes(kind, s)
		}
		voucher = dte.Key{Emisor: c.company.RUT, Tipo: 48, Folio: 7}
		sells("venta sin boleta", 48, api.Sale{Lines: line(2, 2000), Total: 2000})
		if i == 0 {
			continue
		}
		back := []api.ReturnedLine{{Of: voucher, Line: 1, Qty: pesos.One, Restock: true}}
		sells("comprobante interno", 902, api.Sale{Lines: line(1, 1000), Total: 1000, Back: true, Returned: back, Reason: "falló"})
		sells("comprobante interno", 903, api.Sale{Lines: line(1, 300), Total: 300, Back: true, Reason: "sin boleta"})
		sells("comprobante interno", 901, api.Sale{Lines: line(1, 1000), Returned: back, Reason: "otra talla"})
	}
	for query, want := range map[string]string{
		"":                      "6 5 4 3 2 1",
		"?skip=1&limit=3":       "5 4 3",
		"?before=3":             "2 1",
		"?tipo=48":              "3 2",
		"?tipo=901":             "6",
		"?q=7":                  "6 5 4 3 2",
		"?q=sin+boleta":         "5",
		"?customer=66666666-6":  "6 5 4 3 2 1",
		"?from_date=2026-11-21": "",
	} {
		if got := idsOf(c.get("/sales/" + query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	sum := 0.0
	for i, want := range []map[string]any{
		{"clase": "cambio", "tipo_dte": 901.0, "signo": 0.0, "caja": "Caja B", "related_sale_id": 3.0},
		{"clase": "devolucion-sin-boleta", "tipo_dte": 903.0, "signo": -1.0, "caja": "Caja B"},
		{"clase": "devolucion-comprobante", "tipo_dte": 902.0, "signo": -1.0, "caja": "Caja B", "related_sale_id": 3.0},
		{"clase": "comprobante", "tipo_dte": 48.0, "signo": 1.0, "caja": "Caja B", "monto_total": "2000.00", "monto_neto": "1681.00", "iva": "319.00"},
		{"clase": "comprobante", "tipo_dte": 48.0, "signo": 1.0, "caja": "Caja A"},
		{"clase": "documento", "tipo_dte": 39.0, "signo": 1.0, "caja": "", "folio": 1.0, "numero": 0.0, "estado_dte": "issued"},
	} {
		row := c.get("/sales/").list()[i]
		if want["clase"] != "documento" {
			want["folio"], want["numero"], want["estado_dte"] = 0.0, 7.0, ""
		}
		for name, value := range want {
			if row[name] != value {
				t.Errorf("%d: %s is %v, want %v", i, name, row[name], value)
			}
		}
		if len(row["details"].([]any)) != 1 || len(row["referencias"].([]any)) != 0 {
			t.Errorf("%d: %v", i, row)
		}
		total, err := strconv.ParseFloat(row["monto_total"].(string), 64)
		if err != nil {
			t.Error(err)
		}
		sum += row["signo"].(float64) * total
	}
	if got := c.get("/stats/report").want(200).text("total_ventas"); got != fmt.Sprintf("%.2f", sum) {
		t.Errorf("the report says %s, the list adds up to %.2f", got, sum)
	}

	if one := c.get("/sales/3").want(200); one.text("clase") != "comprobante" || one.json()["numero"] != 7.0 {
		t.Errorf("%s", one.body)
	}
	const none = "La venta 3 no tiene documento tributario: es comprobante de tarjeta N.º 7 de la caja Caja B. "
	if refused := c.post("/sales/return", giveBack(3, 1, "1")).want(422); !strings.Contains(string(refused.body), none+"No hay nada que una nota pueda corregir: devuélvala en esa caja") {
		t.Errorf("%s", refused.body)
	}
	c.post("/sales/3/rechazo", map[string]any{"accion": "reenviar", "motivo": "x"}).refused(409, none+"No se cambió nada")
	c.get("/sales/3/rechazo").want(200)
	for _, path := range []string{"/sales/3/pdf", "/sales/3/pdf?format=pdf", "/sales/3/enlace"} {
		c.get(path).refused(404, none+"Su papel es el que salió en la caja")
	}
	note := boleta(1, "1", 1000)
	note["tipo_dte"], note["referencias"] = 61, []any{map[string]any{"tipo_documento": "48", "folio": "7", "fecha": "2026-11-20", "sii_reason_code": 1}}
	c.post("/sales/", note).refused(404, "Venta original no encontrada")
	if list := c.get("/sales/dte-estados").want(200).list(); len(list) != 1 {
		t.Errorf("states of what has no document: %v", list)
	}
}
