package central_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// counter is a till with books of its own, as its store keeps them.
type counter struct {
	*school
	till  *till
	chain []api.Entry
	cafs  map[dte.TipoDTE]*dte.CAF
	next  map[dte.TipoDTE]dte.Folio
	slips map[dte.TipoDTE]dte.Folio
	epoch int
	at    time.Time
}

// counterAt is a till that issues from a CAF of its own, from before it joined, beginning at that folio.
func (s *school) counterAt(name string, desde dte.Folio) *counter {
	s.t.Helper()
	k := &counter{
		school: s, till: s.join(name), cafs: map[dte.TipoDTE]*dte.CAF{}, next: map[dte.TipoDTE]dte.Folio{}, slips: map[dte.TipoDTE]dte.Folio{},
		at: s.clock.Now().Add(-time.Hour),
	}
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.NotaCredito} {
		k.cafs[tipo], _ = dtetest.CAF(s.company.RUT, tipo, desde, desde+999, dte.DateOf(k.at).AddMonths(-1))
		k.next[tipo] = desde
	}
	return k
}

type entryFact struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Key    dte.Key   `json:"key,omitzero"`
	SHA256 string    `json:"sha256,omitempty"`
	Text   string    `json:"text,omitempty"`
	Was    string    `json:"was,omitempty"`
}

func (k *counter) point(n int) api.Point {
	if n == 0 {
		return api.Point{}
	}
	return api.Point{N: int64(n), Hash: k.chain[n-1].Hash}
}

// notes adds an entry to the chain.
func (k *counter) notes(f entryFact, e api.Entry) {
	k.t.Helper()
	k.at = k.at.Add(time.Second)
	if f.At.IsZero() {
		f.At = k.at
	}
	if len(k.chain) == 0 && f.Text == "" { // no two tills begin with the same words
		f.Text = fmt.Sprint("caja ", k.till.id)
	}
	raw, err := json.Marshal(f)
	if err != nil {
		k.t.Fatal(err)
	}
	prev := make([]byte, sha256.Size)
	if n := len(k.chain); n > 0 {
		prev, _ = hex.DecodeString(k.chain[n-1].Hash)
	}
	sum := sha256.Sum256(append(prev, raw...))
	e.N, e.Fact, e.Hash = int64(len(k.chain)+1), raw, hex.EncodeToString(sum[:])
	k.chain = append(k.chain, e)
}

func hashed(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// item is so many of something at a price.
type item struct {
	code  string
	qty   int64
	price money.Pesos
}

func (i item) line() api.Line {
	return api.Line{Codigo: i.code, Nombre: "Producto " + i.code, Qty: money.Units(i.qty), Prc: money.PerUnit(i.price), Total: money.Pesos(i.qty) * i.price}
}

// draft of a sale of some items.
func (k *counter) draft(tipo dte.TipoDTE, items []item) dte.Draft {
	d := dtetest.Draft(tipo, dte.DateOf(k.at))
	d.Detalle = nil
	for _, i := range items {
		l := i.line()
		d.Detalle = append(d.Detalle, dte.Linea{Nombre: l.Nombre, Qty: l.Qty, Prc: l.Prc})
	}
	d.MntBruto = !tipo.EsBoleta()
	return d
}

func (k *counter) emit(d dte.Draft) *dte.Document {
	k.t.Helper()
	caf := k.cafs[d.Tipo]
	doc, err := dte.Emit(d, k.next[d.Tipo], caf, dtetest.Signer(dtetest.Person), k.at)
	if err != nil {
		k.t.Fatal(err)
	}
	k.next[d.Tipo]++
	return doc
}

// record is the sale of a document, paid by one method.
func (k *counter) record(doc *dte.Document, items []item, method string) *api.Sale {
	s := &api.Sale{
		ID: fmt.Sprintf("%s %d %d", k.till.token[:8], k.epoch, len(k.chain)), At: k.at, Key: doc.Key(), Total: doc.Totales.MntTotal, SHA256: hashed(doc.XML), XML: doc.XML,
		Receptor: doc.Receptor, Cash: true, Training: true, Who: "Ana Soto",
	}
	for _, i := range items {
		s.Lines = append(s.Lines, i.line())
	}
	pays(s, method)
	return s
}

const debtor dte.RUT = 12345678

// pays settles a sale by one method.
func pays(s *api.Sale, method string) {
	due := s.Total
	if method == "efectivo" {
		due = money.CashPayable(due)
	}
	t := api.Tender{Method: method, Amount: due, Received: due}
	if method == "fiado" {
		t.Reference = debtor.String()
	}
	s.Tenders, s.Rounding = []api.Tender{t}, due-s.Total
}

// sells issues a boleta for some items.
func (k *counter) sells(method string, items ...item) *api.Sale {
	k.t.Helper()
	doc := k.emit(k.draft(dte.Boleta, items))
	s := k.record(doc, items, method)
	k.keeps(s)
	return s
}

// keeps notes a sale with a document.
func (k *counter) keeps(s *api.Sale) {
	k.notes(entryFact{Kind: "venta", Key: s.Key, SHA256: s.SHA256}, api.Entry{Sale: new(*s)})
}

func (k *counter) chunk(after, to int) api.Push {
	return api.Push{Epoch: k.epoch, After: k.point(after), Entries: k.chain[after:to]}
}

func (k *counter) push(p api.Push) (done api.Pushed, err error) {
	err = k.db.EnterTill(k.t.Context(), k.till.token, func(c *central.Call) (err error) {
		done, err = c.Push(p)
		return err
	})
	return done, err
}

// tells pushes all that follows a place.
func (k *counter) tells(after int) api.Pushed {
	k.t.Helper()
	done, err := k.push(k.chunk(after, len(k.chain)))
	if err != nil {
		k.t.Fatal(err)
	}
	if want := k.point(len(k.chain)); done.After != want || done.Hold != "" {
		k.t.Fatalf("it was told to go on from %+v, hold %q %s; want %+v", done.After, done.Hold, done.Why, want)
	}
	return done
}

// count reads a number from the company's tables.
func (s *school) count(sql string, args ...any) (n int64) {
	s.t.Helper()
	s.read(sql, []any{&n}, args...)
	return n
}

// allZero demands that each of these comes to nothing.
func (s *school) allZero(counts map[string]string) {
	s.t.Helper()
	for what, sql := range counts {
		if n := s.count(sql); n != 0 {
			s.t.Errorf("%s: off by %d", what, n)
		}
	}
}

// stands is where the server has a document.
func (s *school) stands(key dte.Key) (state string) {
	s.t.Helper()
	s.read("select coalesce((select state from document_state where tipo = $1 and folio = $2), '')", []any{&state}, int(key.Tipo), int64(key.Folio))
	return state
}

// A sale that a till made is a sale like any other: document, lines, payment, stock, debt, person and turn.
func TestATillsSalesAreInTheBooks(t *testing.T) {
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, costo_unitario, controla_stock, stock_actual, updated_at) values ('PAN', 'Pan', 840, 500000000, true, 3000000, now())")
	k := s.counterAt("Caja 2", 20_001)
	opened := k.at
	shift := api.Shift{Number: 1, OpenedAt: opened, OpenedBy: "Ana Soto", Float: 10_000, Expected: 10_000}
	k.notes(entryFact{Kind: "turno"}, api.Entry{Shift: &shift})
	pan, other := item{"PAN", 5, 1000}, item{"NUEVO", 1, 2000}
	for _, method := range []string{"efectivo", "fiado", "débito"} {
		doc := k.emit(k.draft(dte.Boleta, []item{pan, other}))
		sale := k.record(doc, []item{pan, other}, method)
		sale.Shift = 1
		k.keeps(sale)
	}
	k.notes(entryFact{Kind: "mostrador"}, api.Entry{Cash: &api.CashMove{N: 1, At: k.at, Amount: -2000, Why: "flete", Shift: 1}})
	k.notes(entryFact{Kind: "cuenta"}, api.Entry{Movement: &api.Movement{Customer: debtor, ID: "a", At: k.at, Kind: "abono", Amount: -3000, Method: "efectivo", Received: 3000, Shift: 1}})
	closed := shift
	closed.ClosedAt, closed.Expected, closed.Counted, closed.Paid = k.at.Add(time.Minute), 18_000, 17_990, map[string]money.Pesos{"efectivo": 10_000, "fiado": 7000, "débito": 7000}
	k.notes(entryFact{Kind: "turno", At: closed.ClosedAt}, api.Entry{Shift: &closed})
	if done := k.tells(0); done.Alarms != 0 {
		s.alarms(k.till)
	}
	s.allZero(map[string]string{
		"documents":                 "select count(*) - 3 from document d join sale s on s.id = d.sale_id where s.till_id is not null",
		"lines":                     "select count(*) - 6 from sale_line",
		"the sum":                   "select sum(monto_total) - 21000 from sale",
		"the parts of the sum":      "select sum(monto_neto + iva) - 21000 from sale",
		"subtotals":                 "select sum(subtotal) - (select sum(monto_neto) from sale) from sale_line",
		"the cost":                  "select sum(costo) - 15 * 500000000::bigint from sale",
		"stock":                     "select stock_actual + 12000000 from product where codigo_interno = 'PAN'",
		"the stock card":            "select min(balance_after) + 12000000 + count(*) - 3 from stock_movement",
		"what is owed":              "select balance - 4000 from customer where rut = 12345678",
		"debt by movements":         "select sum(owed) - 4000 from payment",
		"a product made by a till":  "select count(*) - 1 from product where codigo_interno = 'NUEVO' and till_id is not null and precio_neto = 1681",
		"a person who cannot enter": "select count(*) - 1 from person where name = 'Ana Soto' and account_id is null and till_id is not null",
		"the turn":                  "select count(*) - 1 from shift where till_id is not null and status = 'CLOSED' and final_cash_declared = 17990 and final_cash_system = 18000 and start_amount = 10000",
		"cash of the turn":          "select sum(c.amount) + 2000 from cash_movement c join shift s on s.id = c.shift_id where s.till_id is not null",
		"states":                    "select count(*) - 3 from document_state where state = 'issued' and till_id is not null",
		"chain":                     "select count(*) - 7 from till_entry",
		"strays":                    "select count(*) from stray",
		"own ranges":                "select count(*) - 1 from caf where till_id is not null",
	})
	bread := s.count("select id from product where codigo_interno = 'PAN'")
	s.call(func(c *central.Call) error { // below zero it can be edited, and goods may come
		_, err := c.ChangeProduct(bread, func(p *central.Product) { p.Nombre = "Pan amasado" })
		if err == nil {
			_, err = c.AdjustStock(bread, money.Units(2), "llegó")
		}
		return err
	})
	if turn := s.turn(); turn.Status.Backlog.Documents != 0 || s.count("select count(*) from envelope") != 0 {
		t.Errorf("the server sends what the till sends itself: %+v", turn.Status)
	}
}

// What cannot be is kept aside with an alarm, and the chain goes on.
func TestWhatATillMayNotSayIsKeptAside(t *testing.T) {
	s := newSchool(t)
	other := s.counterAt("Otra", 5001)
	other.sells("efectivo", item{"PAN", 1, 1000})
	other.tells(0)
	desde := dte.Folio(10_001)
	for name, c := range map[string]struct {
		spoil func(k *counter, s *api.Sale)
		kind  string
	}{
		"another total": {func(_ *counter, s *api.Sale) { s.Total += 10 }, "documento"},
		"other bytes":   {func(_ *counter, s *api.Sale) { s.XML = append(slices.Clone(s.XML), '\n') }, "documento"},
		"altered": {func(_ *counter, s *api.Sale) {
			s.XML = bytes.Replace(s.XML, []byte("<MntTotal>1000<"), []byte("<MntTotal>1001<"), 1)
			s.SHA256, s.Total = hashed(s.XML), 1001
		}, "documento"},
		"its timbre":       {func(_ *counter, s *api.Sale) { s.XML = spoiltFRMT(s.XML); s.SHA256 = hashed(s.XML) }, "documento"},
		"another company":  {func(_ *counter, s *api.Sale) { s.Key.Emisor = dtetest.Buyer }, "documento"},
		"not for training": {func(_ *counter, s *api.Sale) { s.Training = false }, "documento"},
		"a foreign folio": {func(k *counter, s *api.Sale) {
			k.cafs[dte.Boleta], k.next[dte.Boleta] = other.cafs[dte.Boleta], 5002
			*s = *k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 1000}})), []item{{"PAN", 1, 1000}}, "efectivo")
		}, "documento"},
		"a folio of the company": {func(k *counter, s *api.Sale) {
			caf, file := dtetest.CAF(k.company.RUT, dte.Boleta, 90_001, 90_010, dte.DateOf(k.at))
			k.call(func(c *central.Call) error {
				_, err := c.UploadCAF(file)
				return err
			})
			k.cafs[dte.Boleta], k.next[dte.Boleta] = caf, 90_001
			*s = *k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 1000}})), []item{{"PAN", 1, 1000}}, "efectivo")
		}, "documento"},
		"a number twice": {func(k *counter, s *api.Sale) {
			k.next[dte.Boleta]--
			again := k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 2, 700}})), []item{{"PAN", 2, 700}}, "efectivo")
			k.keeps(s)
			*s = *again
		}, "conflicto"},
		"a payment of another sum":  {func(_ *counter, s *api.Sale) { s.Tenders[0].Amount += 10 }, "libros"},
		"a payment below zero":      {func(_ *counter, s *api.Sale) { s.Tenders[0].Amount, s.Rounding = -1000, -2000 }, "libros"},
		"owed by nobody":            {func(_ *counter, s *api.Sale) { s.Tenders[0].Method, s.Tenders[0].Reference = "fiado", "alguien" }, "libros"},
		"more than there is":        {func(_ *counter, s *api.Sale) { s.Lines[0].Qty = money.MaxQty }, "libros"},
		"a time of nobody":          {func(_ *counter, s *api.Sale) { s.At = time.Time{} }, "libros"},
		"no name":                   {func(_ *counter, s *api.Sale) { s.ID = "" }, "libros"},
		"a voucher with a document": {func(_ *counter, s *api.Sale) { s.Key.Tipo = 48 }, "documento"},
	} {
		t.Run(name, func(t *testing.T) {
			k := s.counterAt(name, desde)
			desde += 1000
			sale := k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 1000}})), []item{{"PAN", 1, 1000}}, "efectivo")
			c.spoil(k, sale)
			k.keeps(sale)
			k.cafs[dte.Boleta], _ = dtetest.CAF(s.company.RUT, dte.Boleta, desde, desde+999, dte.DateOf(k.at))
			k.next[dte.Boleta] = desde
			desde += 1000
			sound := k.sells("efectivo", item{"PAN", 1, 1000})
			first := k.tells(0)
			if again := k.tells(0); again.After != first.After {
				t.Errorf("again: %+v, first %+v", again, first)
			}
			s.alarms(k.till, c.kind)
			if n := s.count("select count(*) from stray where till_id = $1 and kind = $2 and position($3::bytea in sent) > 0", k.till.id, c.kind, []byte(sale.SHA256)); n != 1 {
				t.Errorf("%d kept aside as they came", n)
			}
			if s.stands(sound.Key) != "issued" || c.kind != "conflicto" && s.count("select count(*) from sale where till_id = $1", k.till.id) != 1 {
				t.Error("what follows is not in the books, or the other is")
			}
		})
	}
}

// spoiltFRMT is a document whose timbre is signed by nobody, and that is signed anew.
func spoiltFRMT(xml []byte) []byte {
	i := bytes.Index(xml, []byte("<FRMT"))
	j := i + bytes.IndexByte(xml[i:], '>') + 1
	xml = slices.Clone(xml)
	if xml[j] == 'A' {
		xml[j] = 'B'
	} else {
		xml[j] = 'A'
	}
	return xml
}
