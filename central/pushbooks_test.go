package central_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

// note takes something back by a credit note, to the shelf.
func (k *counter) note(of *api.Sale, items []item, returned ...api.ReturnedLine) *api.Sale {
	k.t.Helper()
	before, err := dte.Parse(of.XML)
	if err != nil {
		k.t.Fatal(err)
	}
	quantities := map[int]money.Qty{}
	for _, r := range returned {
		quantities[r.Line] = r.Qty
	}
	d, err := dte.Return(before, quantities, nil, "no le gustó")
	if err != nil {
		k.t.Fatal(err)
	}
	d.Emisor, d.FchEmis = dtetest.Emisor(), dte.DateOf(k.at)
	s := k.record(k.emit(d), items, "efectivo")
	s.Back, s.Returned = true, returned
	for i := range s.Returned {
		s.Returned[i].Of = of.Key
	}
	k.keeps(s)
	return s
}

// slip keeps what has no document, under the till's own number.
func (k *counter) slip(kind string, tipo dte.TipoDTE, method string, items []item, change func(*api.Sale)) *api.Sale {
	k.t.Helper()
	k.slips[tipo]++
	s := k.record(&dte.Document{Draft: dte.Draft{Tipo: tipo, Emisor: dtetest.Emisor()}, Folio: k.slips[tipo]}, items, method)
	s.XML, s.SHA256, s.Receptor = nil, "", dte.Receptor{}
	for _, i := range items {
		s.Total += money.Pesos(i.qty) * i.price
	}
	pays(s, method)
	change(s)
	k.notes(entryFact{Kind: kind, Key: s.Key, SHA256: hashed([]byte(s.ID))}, api.Entry{Sale: new(*s)})
	return s
}

// What comes back is of the sale that it was of, and goes back to the shelf if it is said so; slips and vouchers have each till's own
// numbers; packs hold what they hold.
func TestWhatComesBackAndWhatHasNoDocument(t *testing.T) {
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, controla_stock, updated_at) values ('PAN', 'Pan', 840, true, now())")
	stock := func(what string, want int64) {
		t.Helper()
		if n := s.count("select stock_actual / 1000000 from product where codigo_interno = 'PAN'"); n != want {
			t.Errorf("%s: %d on the shelf, want %d", what, n, want)
		}
	}
	for i, name := range []string{"Caja 2", "Caja 3"} {
		s.exec("update product set stock_actual = 0")
		k := s.counterAt(name, dte.Folio(20_001+1000*i))
		of := k.sells("efectivo", item{"PAN", 5, 1000}, item{"OTRO", 2, 500})
		k.tells(0)
		stock("sold", -5)
		k.note(of, nil, api.ReturnedLine{Line: 1, Qty: money.Units(2), Restock: true})
		k.tells(1)
		stock("two are back", -3)
		k.note(of, nil, api.ReturnedLine{Line: 1, Qty: money.Units(1)})
		k.tells(2)
		stock("one is back and lost", -3)
		voucher := k.slip("venta sin boleta", 48, "débito", []item{{"PAN", 4, 1000}}, func(*api.Sale) {})
		k.slip("comprobante interno", 902, "efectivo", []item{{"PAN", 3, 1000}}, func(r *api.Sale) {
			r.Back, r.Returned = true, []api.ReturnedLine{{Of: voucher.Key, Line: 1, Qty: money.Units(3), Restock: true}}
		})
		k.tells(3)
		stock("a voucher's, and most of it back", -4)
		k.slip("comprobante interno", 903, "efectivo", []item{{"PAN", 1, 900}}, func(r *api.Sale) { r.Back = true })
		k.slip("comprobante interno", 901, "efectivo", []item{{"OTRO", 1, 1000}}, func(r *api.Sale) {
			r.Total, r.Tenders, r.Rounding, r.Returned = 0, nil, 0, []api.ReturnedLine{{Of: of.Key, Line: 1, Qty: money.Units(1), Restock: true}}
		})
		k.tells(5)
		stock("without a boleta, and for something else", -2)
		doc := k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 6000}}))
		packs := k.record(doc, []item{{"PAN", 1, 6000}}, "efectivo")
		packs.Lines[0].Contenido = money.Units(6)
		k.keeps(packs)
		k.tells(7)
		stock("a pack of six", -8)
		k.note(packs, nil, api.ReturnedLine{Line: 1, Qty: money.One, Restock: true})
		k.tells(8)
		stock("and back", -2)
		if done := k.tells(0); done.Alarms != 0 {
			s.alarms(k.till)
		}
		for what, sql := range map[string]string{
			"notes of their sale":     "select count(*) - 3 from sale n join sale s on s.id = n.related_id where n.tipo = 61 and s.tipo = 39 and n.cod_ref in (1, 3) and n.till_id = $1",
			"of what it was":          "select count(*) - 4 from sale_line l join sale s on s.id = l.sale_id join product p on p.id = l.product_id where l.of_line = 1 and p.codigo_interno = 'PAN' and s.till_id = $1",
			"a voucher's of its own":  "select count(*) - 1 from sale n join sale s on s.id = n.related_id where n.tipo = 902 and s.tipo = 48 and n.till_id = s.till_id and s.till_id = $1",
			"numbers of its own":      "select max(folio) - 1 from sale where tipo >= 900 and till_id = $1",
			"what adds and takes":     "select sum(signo * monto_total) - (6000 + 4000 + 6000 - 2000 - 1000 - 3000 - 900 - 6000) from sale where till_id = $1",
			"cash":                    "select sum(p.kept) - (6000 + 6000 - 2000 - 1000 - 3000 - 900 - 6000) from payment p join sale s on s.id = p.sale_id join payment_method m on m.id = p.method_id where m.code = 'EFECTIVO' and s.till_id = $1",
			"documents":               "select count(*) - 5 from document d join sale s on s.id = d.sale_id where s.till_id = $1",
			"strays":                  "select count(*) from stray where till_id = $1",
			"swapped, of what it was": "select count(*) - 1 from sale_swap w join sale s on s.id = w.sale_id join product p on p.id = w.product_id where s.till_id = $1 and p.codigo_interno = 'PAN' and w.cantidad = 1000000 and w.unidades = -1000000 and w.total = -1000",
			"a swap adds up":          "select sum(abs(t) + abs(n)) from (select sum(w.total) as t, sum(w.neto) as n from sale_swap w join sale s on s.id = w.sale_id where s.till_id = $1 group by w.sale_id) w",
		} {
			if n := s.count(sql, k.till.id); n != 0 {
				t.Errorf("%s, %s: off by %d", name, what, n)
			}
		}
	}
	s.call(func(c *central.Call) error {
		sum, _, err := c.Report(c.Today(), c.Today(), central.Page{})
		if want := money.Pesos(2 * (6000 + 4000 + 6000 - 2000 - 1000 - 3000 - 900 - 6000)); sum.Total != want {
			t.Errorf("the report says %s, want %s", sum.Total, want)
		}
		return err
	})
}

func verdict(s *api.Sale, state dte.State, at time.Time) api.DocumentState {
	told := api.DocumentState{Key: s.Key, State: state, Sobre: "S000000001", TrackID: "77"}
	if state.Final() {
		told.Veredicto = &dte.Veredicto{Key: s.Key, State: state, At: at}
	}
	return told
}

// states tells where documents stand.
func (k *counter) states(told ...api.DocumentState) api.Pushed {
	k.t.Helper()
	done, err := k.push(api.Push{Epoch: k.epoch, After: k.point(len(k.chain)), States: told})
	if err != nil {
		k.t.Fatal(err)
	}
	return done
}

// Documents go forward only. An answer of the SII that contradicts the one that is known is an alarm, and so is one that contradicts
// the server's own asking.
func TestStatesOfATillsDocuments(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	first, second := k.sells("efectivo", item{"PAN", 1, 1000}), k.sells("efectivo", item{"PAN", 1, 1000})
	k.tells(0)
	at := s.clock.Now()
	for _, step := range []struct{ told, stands dte.State }{
		{dte.Sent, dte.Sent}, {dte.Sending, dte.Sent}, {"perdido", dte.Sent}, {dte.Accepted, dte.Accepted}, {dte.Issued, dte.Accepted}, {dte.Accepted, dte.Accepted},
	} {
		if done := k.states(verdict(first, step.told, at)); done.Alarms != 0 || s.stands(first.Key) != string(step.stands) {
			t.Errorf("told %s it stands %s, %d alarms", step.told, s.stands(first.Key), done.Alarms)
		}
	}
	if done := k.states(verdict(first, dte.Rejected, at)); done.Alarms != 1 || s.stands(first.Key) != "accepted" {
		t.Errorf("a contradiction: %s, %+v", s.stands(first.Key), done)
	}
	s.exec("update document_state set till_id = null, state = 'rejected', veredicto = '{}' where folio = $1", int64(second.Key.Folio))
	if done := k.states(verdict(second, dte.Rejected, at)); done.Alarms != 0 {
		t.Errorf("the same as the server's: %+v", done)
	}
	if done := k.states(verdict(second, dte.Accepted, at)); done.Alarms != 1 || s.stands(second.Key) != "rejected" {
		t.Errorf("against the server's: %s, %+v", s.stands(second.Key), done)
	}
	s.alarms(k.till, "veredicto", "veredicto")
	third := k.sells("efectivo", item{"PAN", 1, 1000})
	k.tells(2)
	other := s.counterAt("Caja 3", 30_001)
	if done := other.states(verdict(third, dte.Rejected, at)); done.Alarms != 0 || s.stands(third.Key) != "issued" {
		t.Errorf("what another till says of it: %s, %+v", s.stands(third.Key), done)
	}
}

// What a person did at the till about a refusal leads the same sale on: the bytes again, corrected ones, or another folio. The sale's
// cash and goods do not move again.
func TestRefusalsThatWereResolvedAtTheTill(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	again, correct, reissue := k.sells("efectivo", item{"PAN", 1, 1000}), k.sells("efectivo", item{"PAN", 1, 2000}), k.sells("efectivo", item{"PAN", 1, 3000})
	k.tells(0)
	at := s.clock.Now()
	k.states(verdict(again, dte.Rejected, at), verdict(correct, dte.Rejected, at), verdict(reissue, dte.Rejected, at))
	k.at = at.Add(time.Minute)
	k.notes(entryFact{Kind: "rechazo resuelto", Key: again.Key, SHA256: again.SHA256, Was: again.SHA256, Text: "reenviada"}, api.Entry{})

	d := k.draft(dte.Boleta, []item{{"PAN", 1, 2000}})
	d.Emisor.Giro = "ALMACÉN"
	doc, err := dte.Emit(d, correct.Key.Folio, k.cafs[dte.Boleta], dtetest.Signer(dtetest.Person), k.at)
	if err != nil {
		t.Fatal(err)
	}
	corrected := k.record(doc, []item{{"PAN", 1, 2000}}, "efectivo")
	corrected.ID = correct.ID
	k.notes(entryFact{Kind: "rechazo resuelto", Key: correct.Key, SHA256: corrected.SHA256, Was: correct.SHA256, Text: "corregida"}, api.Entry{Sale: corrected})

	another := k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 3000}})), []item{{"PAN", 1, 3000}}, "efectivo")
	another.Replaces, another.Cash = reissue.Key, false
	k.keeps(another)
	k.notes(entryFact{Kind: "rechazo resuelto", Key: reissue.Key, SHA256: reissue.SHA256, Was: reissue.SHA256, Text: "otro folio"}, api.Entry{})
	later := k.sells("efectivo", item{"PAN", 1, 500})
	for range 2 {
		k.tells(3)
		s.allZero(map[string]string{
			"sales":     "select count(*) - 4 from sale where till_id is not null",
			"versions":  "select count(*) - 2 from document where version = 1",
			"remedies":  "select count(*) - 3 from remedy where act in ('reenviar', 'corregir', 'otro-folio')",
			"cash":      "select sum(kept) - 6500 from payment",
			"alarms":    "select count(*) from alarm",
			"waiting":   "select count(*) - 4 from document_state where state = 'issued' and till_id is not null",
			"it is now": "select count(*) - 1 from sale s join document_state d on d.sale_id = s.id and d.folio = s.folio and d.version = 1 where s.folio = (select max(folio) - 1 from sale)",
		})
	}
	if later.Key.Folio != another.Key.Folio+1 {
		t.Fatal("the test counts otherwise")
	}
	// What was said before is no news.
	k.states(verdict(again, dte.Rejected, at))
	if s.stands(again.Key) != "issued" {
		t.Errorf("the old refusal counts again: %s", s.stands(again.Key))
	}
	k.states(verdict(again, dte.Rejected, at.Add(time.Hour)))
	if s.stands(again.Key) != "rejected" {
		t.Errorf("a new refusal does not count: %s", s.stands(again.Key))
	}
	s.refusesRemedy(again)
}

// refusesRemedy: what is the till's is resolved there.
func (s *school) refusesRemedy(of *api.Sale) {
	s.t.Helper()
	id := s.count("select id from sale where folio = $1 and tipo = $2", int64(of.Key.Folio), int(of.Key.Tipo))
	err := s.db.EnterCompany(s.t.Context(), s.session, s.company.ID, func(c *central.Call) error {
		_, err := c.Remedy(central.NewRemedy{Sale: id, Act: dte.ActResend, Why: "x"})
		return err
	})
	s.wantRefusal(err, central.Conflict)
	if err == nil || !strings.Contains(err.Error(), "Caja 2") {
		s.t.Errorf("it does not say where: %v", err)
	}
}

// A product or a customer that was made at two tills is one, and what they say otherwise waits beside it. Limits are the tills' until a
// person of the server sets one.
func TestProductsAndCustomersOfTwoTillsMeet(t *testing.T) {
	s := newSchool(t)
	a, b := s.counterAt("Caja 2", 20_001), s.counterAt("Caja 3", 30_001)
	for i, k := range []*counter{a, b} {
		p := api.Push{
			Products:  []api.Product{{Codigo: "NUEVO", Nombre: []string{"Té", "Té verde"}[i], Prc: money.PerUnit(1190), Codigos: []string{"7801"}}, {Codigo: "P1", Nombre: "Pan amasado", Prc: money.PerUnit(1190)}},
			Customers: []api.Customer{{RUT: debtor, RznSoc: "Ana Díaz", Giro: []string{"Almacén", "Panadería"}[i]}},
			Refused:   []api.Refusal{{What: "producto 7801", Why: "precio negativo\x00"}},
		}
		for range 2 {
			if _, err := k.push(p); err != nil {
				t.Fatal(err)
			}
		}
		s.alarms(k.till, "novedades")
		k.notes(entryFact{Kind: "cuenta"}, api.Entry{Movement: &api.Movement{Customer: debtor, ID: "c", At: k.at.Add(time.Duration(i) * time.Hour), Kind: "cupo", Limit: money.Pesos(10_000 * (i + 1))}})
		k.tells(0)
	}
	s.allZero(map[string]string{
		"one product":            "select count(*) - 1 from product where codigo_interno = 'NUEVO' and nombre = 'Té' and precio_neto = 1000 and codigo_barras = '7801'",
		"nothing is overwritten": "select count(*) - 1 from product where codigo_interno = 'P1' and nombre = 'Pan'",
		"one customer":           "select count(*) - 1 from customer where rut = 12345678 and giro = 'Almacén'",
		"proposals":              "select count(*) - 4 from proposal",
		"what they say":          "select count(*) - 1 from proposal where kind = 'producto' and key = 'NUEVO' and said = '{\"nombre\": \"Té verde\"}'",
		"the later limit":        "select credit_limit - 20000 from customer where rut = 12345678",
	})
	s.exec("update customer set credit_limit = 5000 where rut = 12345678")
	a.notes(entryFact{Kind: "cuenta"}, api.Entry{Movement: &api.Movement{Customer: debtor, ID: "d", At: a.at.Add(2 * time.Hour), Kind: "cupo", Limit: 70_000}})
	a.tells(1)
	if n := s.count("select credit_limit from customer where rut = 12345678"); n != 5000 {
		t.Errorf("a till sets a limit that a person set: %d", n)
	}
	if n := s.count("select count(*) from proposal where kind = 'cupo'"); n != 1 {
		t.Errorf("%d proposals of limits", n)
	}
}

// A store that may not speak is held, and its documents are kept beside; one that was restored goes on, and what both know is not
// taken in twice.
func TestStoresThatPartedAreKeptApart(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	k.sells("fiado", item{"PAN", 1, 1000})
	k.sells("fiado", item{"PAN", 1, 1000})
	fork := *k
	fork.chain, fork.next = append([]api.Entry{}, k.chain...), map[dte.TipoDTE]dte.Folio{dte.Boleta: 20_500}
	k.sells("fiado", item{"PAN", 1, 1000})
	k.tells(0)
	stray := fork.sells("fiado", item{"PAN", 1, 7000})
	held := func(what string, from *counter, epoch int, want central.Hold, head api.Point) {
		t.Helper()
		p := from.chunk(2, len(from.chain))
		p.Epoch = epoch
		done, err := k.push(p)
		if err != nil || done.Hold != api.Hold(want) || done.Why == "" || done.After != head {
			t.Errorf("%s: %+v %v", what, done, err)
		}
	}
	held("another entry", &fork, 0, central.HoldFork, k.point(3))
	held("again", &fork, 0, central.HoldFork, k.point(3))
	if n := s.count("select count(*) from stray where kind = 'bifurcación' and sha256 = decode($1, 'hex')", stray.SHA256); n != 1 {
		t.Errorf("%d strays", n)
	}
	s.alarms(k.till, "bifurcación", "bifurcación") // that it is so, and the document

	// The other copy is declared the right one: it is restored, and goes on from what both know.
	fork.epoch = 1
	if _, err := k.push(api.Push{Epoch: 1, After: fork.point(2)}); err == nil {
		t.Error("a restored store may push before it says how it stands")
	}
	head, places := locator(points(fork.chain))
	err := s.db.EnterTill(t.Context(), k.till.token, func(c *central.Call) error {
		after, hold, err := c.FollowChain(1, head, places)
		if after != k.point(2) || hold != "" {
			t.Errorf("after %+v, %q", after, hold)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	fork.tells(0) // all of it: what is known changes nothing
	held("the lost one", &fork, 0, central.HoldCopy, fork.point(3))
	if n := s.count("select balance from customer where rut = 12345678"); n != 10_000 {
		t.Errorf("%d is owed over both", n)
	}

	// Restored once more, its report names places that are far apart: what lies between was told by the store before.
	fork.epoch = 2
	fork.notes(entryFact{Kind: "restauración"}, api.Entry{})
	if err := s.db.EnterTill(t.Context(), k.till.token, func(c *central.Call) error {
		after, _, err := c.FollowChain(2, fork.point(4), []api.Point{fork.point(1)})
		if after != fork.point(1) {
			t.Errorf("after %+v", after)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	fork.tells(1)
	if n := s.count("select balance - 10000 + (select count(*) - 5 from till_entry) from customer where rut = 12345678"); n != 0 {
		t.Errorf("what was told before was taken in again: %d", n)
	}
}

func points(chain []api.Entry) (list []api.Point) {
	for _, e := range chain {
		list = append(list, api.Point{N: e.N, Hash: e.Hash})
	}
	return list
}

// A turn whose sums are not those of what happened in it is an alarm; the till's own sums stay as it said them.
func TestAZThatDoesNotAgreeIsAnAlarm(t *testing.T) {
	s := newSchool(t)
	for i, change := range []func(*api.Shift){
		func(z *api.Shift) { z.Expected += 10 }, func(z *api.Shift) { z.Paid["débito"] = 500 }, func(z *api.Shift) { delete(z.Paid, "efectivo") }, func(*api.Shift) {},
	} {
		k := s.counterAt(string(rune('A'+i)), dte.Folio(20_001+1000*i))
		z := api.Shift{Number: 1, OpenedAt: k.at, Expected: 1000, Paid: map[string]money.Pesos{"efectivo": 1000}}
		k.notes(entryFact{Kind: "turno"}, api.Entry{Shift: new(z)})
		sale := k.record(k.emit(k.draft(dte.Boleta, []item{{"PAN", 1, 1000}})), []item{{"PAN", 1, 1000}}, "efectivo")
		sale.Shift = 1
		k.keeps(sale)
		z.ClosedAt = k.at.Add(time.Minute)
		change(&z)
		k.notes(entryFact{Kind: "turno", At: z.ClosedAt}, api.Entry{Shift: &z})
		k.tells(0)
		want := []string{"cierre"}
		if i == 3 {
			want = nil
		}
		s.alarms(k.till, want...)
		if n := s.count("select (z->>'expected')::int from shift where till_id = $1", k.till.id); n != int64(z.Expected) {
			t.Errorf("%d: the till's own sum is %d", i, n)
		}
	}
}

// What the database will not have is found among all the rest, which is taken in.
func TestWhatTheDatabaseRefusesIsFoundAndKeptAside(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	s.exec("alter table sale add constraint no_such check (monto_total <> 777)") // something that nobody thought of
	for i := range 40 {
		k.sells("fiado", item{"PAN", 1, money.Pesos(map[bool]int{true: 777, false: 1000}[i == 11 || i == 30])})
	}
	k.tells(0)
	s.alarms(k.till, "libros", "libros")
	s.allZero(map[string]string{
		"sales":  "select count(*) - 38 from sale where till_id is not null",
		"owed":   "select balance - 38000 from customer where rut = 12345678",
		"strays": "select count(*) - 2 from stray where kind = 'libros'",
		"chain":  "select count(*) - 40 from till_entry",
	})
}

// A range of a till that joined later is nobody else's any more, and its folios are not counted as the company's to give.
func TestARangeThatATillBroughtAlongIsItsOwn(t *testing.T) {
	s := newSchool(t)
	k := s.counterAt("Caja 2", 20_001)
	k.sells("efectivo", item{"PAN", 1, 1000})
	before := s.count("select coalesce(sum(hasta - next + 1), 0) from caf where tipo = 39")
	k.tells(0)
	if after := s.count("select coalesce(sum(hasta - next + 1), 0) from caf where tipo = 39"); after != before {
		t.Errorf("%d to give, before %d", after, before)
	}
	_, file := dtetest.CAF(s.company.RUT, dte.Boleta, 20_500, 21_500, dte.DateOf(s.clock.Now()))
	err := s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
		_, err := c.UploadCAF(file)
		return err
	})
	s.wantRefusal(err, central.Conflict)
	err = s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
		_, err := c.AnnulFolios(dte.Boleta, 20_900, 20_910, "x")
		return err
	})
	s.wantRefusal(err, central.Conflict)
}

// Tills that tell at the same time of the same new products, customers and people wait for each other and never for ever.
func TestTillsThatTellAtOnce(t *testing.T) {
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, controla_stock, updated_at) values ('A', 'A', 1, true, now()), ('B', 'B', 1, true, now())")
	items := []item{{"A", 1, 1000}, {"X", 1, 1000}, {"B", 1, 1000}, {"Y", 1, 1000}}
	tills := make([]*counter, 4)
	for i := range tills {
		tills[i] = s.counterAt(string(rune('A'+i)), dte.Folio(20_001+1000*i))
		for n := range 12 {
			sale := tills[i].record(tills[i].emit(tills[i].draft(dte.Boleta, []item{items[(n+i)%4], items[(n*i+1)%4]})), []item{items[(n+i)%4], items[(n*i+1)%4]}, "fiado")
			sale.Tenders[0].Reference, sale.Who = dte.RUT(6_000_000+(n*(i+1))%5).String(), string(rune('P'+(n+i)%3))
			tills[i].keeps(sale)
		}
	}
	var wg sync.WaitGroup
	for _, k := range tills {
		wg.Go(func() {
			for n := 0; n < len(k.chain); n += 4 {
				if done, err := k.push(k.chunk(n, n+4)); err != nil || done.Alarms > 0 {
					t.Errorf("%+v %v", done, err)
				}
			}
		})
	}
	wg.Wait()
	s.allZero(map[string]string{
		"sales":    "select count(*) - 48 from sale where till_id is not null",
		"owed":     "select sum(balance) - 96000 from customer",
		"stocks":   "select count(*) from product p where controla_stock and stock_actual + 1000000 * (select count(*) from sale_line l where l.product_id = p.id) <> 0",
		"people":   "select count(*) - 3 from person where till_id is not null",
		"products": "select count(*) - 2 from product where till_id is not null",
		"the card": "select count(*) from (select balance_after - lag(balance_after) over (partition by product_id order by id) + cantidad as gap from stock_movement) m where gap <> 0",
	})
}

// The goods of a guía leave with it, and not again with its factura.
func TestAGuiaOfATillAndItsFactura(t *testing.T) {
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, controla_stock, updated_at) values ('PAN', 'Pan', 840, true, now())")
	k := s.counterAt("Caja 2", 20_001)
	k.cafs[dte.GuiaDespacho], _ = dtetest.CAF(s.company.RUT, dte.GuiaDespacho, 20_001, 20_999, dte.DateOf(k.at))
	k.next[dte.GuiaDespacho] = 20_001
	items := []item{{"PAN", 5, 1000}}
	d := k.draft(dte.GuiaDespacho, items)
	d.FmaPago, d.IndTraslado, d.TipoDespacho = 0, 1, 2
	d.Transporte = &dte.Transporte{Patente: "ABCD12", RUTTrans: dtetest.Buyer, RUTChofer: dtetest.Person, NombreChofer: "Juan", Direccion: "Uno 1", Comuna: "Maipú", Ciudad: "Santiago"}
	guia := k.record(k.emit(d), items, "efectivo")
	guia.Tenders, guia.Rounding = nil, 0
	k.keeps(guia)
	f := k.draft(dte.Factura, items)
	f.Referencia = []dte.Referencia{{TpoDocRef: "52", FolioRef: guia.Key.Folio.String(), FchRef: d.FchEmis}}
	k.keeps(k.record(k.emit(f), items, "efectivo"))
	k.tells(0)
	s.alarms(k.till)
	s.allZero(map[string]string{
		"the shelf":          "select stock_actual + 5000000 from product where codigo_interno = 'PAN'",
		"guías with factura": "select count(*) - 1 from sale g join sale f on f.id = g.invoiced_by where g.tipo = 52 and f.tipo = 33",
		"sold":               "select sum(signo * monto_total) - 5000 from sale",
	})
}
