package central_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// history is a random past of a till, and what it comes to.
type history struct {
	*counter
	r      *rand.Rand
	shift  api.Shift
	told   []*api.Sale // that something may come back of
	left   map[dte.Key]int64
	owed   map[dte.RUT]money.Pesos
	stock  int64 // of PAN
	sold   money.Pesos
	closed []api.Shift
}

func (h *history) open() {
	h.shift = api.Shift{Number: h.shift.Number + 1, OpenedAt: h.at.Add(time.Second), OpenedBy: "Ana Soto", Float: 900_000, Paid: map[string]money.Pesos{}}
	h.shift.Expected = h.shift.Float
	h.notes(entryFact{Kind: "turno"}, api.Entry{Shift: new(h.shift)})
}

func (h *history) close() {
	h.shift.ClosedAt, h.shift.ClosedBy = h.at.Add(time.Second), "Berta"
	h.shift.Counted = h.shift.Expected + money.Pesos(h.r.IntN(3)-1)*10
	h.shift.Difference, h.shift.Paid = h.shift.Counted-h.shift.Expected, maps.Clone(h.shift.Paid)
	h.closed = append(h.closed, h.shift)
	h.notes(entryFact{Kind: "turno", At: h.shift.ClosedAt}, api.Entry{Shift: new(h.shift)})
}

// count adds a sale to what the till knows of itself.
func (h *history) count(s *api.Sale, by money.Pesos) {
	s.Shift = h.shift.Number
	h.sold += by * s.Total
	h.shift.Sales++
	for _, t := range s.Tenders {
		h.shift.Paid[t.Method] += by * t.Amount
		switch t.Method {
		case "efectivo":
			h.shift.Expected += by * t.Amount
		case "fiado":
			rut, _ := dte.ParseRUT(t.Reference)
			h.owed[rut] += by * t.Amount
		}
	}
}

func (h *history) basket() (items []item, pan int64) {
	for range 1 + h.r.IntN(3) {
		i := item{[]string{"PAN", "TE", "CAFE"}[h.r.IntN(3)], int64(1 + h.r.IntN(5)), money.Pesos(100 + h.r.IntN(5000))}
		if i.code == "PAN" {
			pan += i.qty
		}
		items = append(items, i)
	}
	return items, pan
}

// step does something that a till may do.
func (h *history) step() {
	items, pan := h.basket()
	method := []string{"efectivo", "débito", "fiado", "transferencia", "vale"}[h.r.IntN(5)]
	switch h.r.IntN(8) {
	case 0:
		s := h.slip("venta sin boleta", 48, "débito", items, func(s *api.Sale) { h.count(s, 1) })
		h.stock, h.told = h.stock-pan, append(h.told, s)
	case 1:
		amount := money.Pesos(h.r.IntN(9)-4) * 1000
		if amount != 0 {
			h.shift.Expected += amount
			h.notes(entryFact{Kind: "mostrador"}, api.Entry{Cash: &api.CashMove{N: h.r.Int(), At: h.at, Amount: amount, Why: "caja chica", Who: "Berta", Shift: h.shift.Number}})
		}
	case 2:
		rut, amount := dte.RUT(5_000_000+h.r.IntN(3)), money.Pesos(10*(1+h.r.IntN(500)))
		h.owed[rut] -= amount
		h.shift.Paid["efectivo"] += amount
		h.shift.Expected += amount
		h.notes(entryFact{Kind: "cuenta"}, api.Entry{Movement: &api.Movement{
			Customer: rut, ID: fmt.Sprint(h.r.Int()), At: h.at, Kind: "abono", Amount: -amount, Method: "efectivo", Received: amount, Shift: h.shift.Number,
		}})
	case 3:
		h.close()
		h.open()
	case 4:
		h.back()
	default:
		s := h.record(h.emit(h.draft(dte.Boleta, items)), items, method)
		s.Who = []string{"Ana Soto", "Berta", ""}[h.r.IntN(3)]
		if method == "fiado" {
			s.Tenders[0].Reference = dte.RUT(5_000_000 + h.r.IntN(3)).String()
		}
		h.count(s, 1)
		h.stock -= pan
		h.keeps(s)
		h.told = append(h.told, s)
	}
}

// back takes the first line of a sale back, once.
func (h *history) back() {
	for _, of := range h.told {
		if h.left[of.Key] != 0 || of.XML == nil {
			continue
		}
		h.left[of.Key] = 1
		restock := h.r.IntN(2) == 0
		line := of.Lines[0]
		n := len(h.chain)
		s := h.note(of, nil, api.ReturnedLine{Line: 1, Qty: line.Qty, Restock: restock})
		h.chain = h.chain[:n] // the turn is to be counted with it
		h.count(s, -1)
		h.keeps(s)
		if restock && line.Codigo == "PAN" {
			h.stock += int64(line.Qty / money.One)
		}
		return
	}
}

// What a set of tills told comes to the same, however it was cut, repeated and put in another order, and to what the tills know.
func TestBooksAreTheSameHoweverTheyAreTold(t *testing.T) {
	worlds, err := strconv.Atoi(os.Getenv("MOSTRADOR_WORLDS"))
	if err != nil {
		worlds = 4
	}
	s := newSchool(t)
	for seed := range worlds {
		s.world(uint64(seed))
		if t.Failed() {
			t.Fatalf("world %d", seed)
		}
	}
}

func (s *school) world(seed uint64) {
	s.t.Helper()
	r := rand.New(rand.NewPCG(seed, 12))
	tills := make([]*history, 2+r.IntN(2))
	for i := range tills {
		h := &history{counter: s.counterAt(fmt.Sprintf("Caja %d de %d", i, seed), dte.Folio(100_000*(seed+1)+1000*uint64(i)+1)), r: r, left: map[dte.Key]int64{}, owed: map[dte.RUT]money.Pesos{}}
		tills[i] = h
		h.open()
		for range 20 + r.IntN(25) {
			h.step()
		}
		h.close()
	}
	s.forget()
	for _, h := range tills {
		h.tells(0)
	}
	once := s.books()
	s.agrees(tills)
	s.forget()
	for h := range shuffledPushes(r, tills) {
		h()
	}
	for _, h := range tills {
		h.tells(0)
	}
	for what, rows := range s.books() {
		if !slices.Equal(rows, once[what]) {
			s.t.Errorf("%s: told in pieces\n%q\ntold at once\n%q", what, rows, once[what])
		}
	}
	s.agrees(tills)
}

// shuffledPushes are pushes of pieces, from anywhere the server may have come to, some of them twice and some too early.
func shuffledPushes(r *rand.Rand, tills []*history) func(func(func()) bool) {
	return func(yield func(func()) bool) {
		at := make([]int, len(tills))
		for range 30 * len(tills) {
			i := r.IntN(len(tills))
			h := tills[i]
			from := min(len(h.chain), max(0, at[i]-r.IntN(6)+r.IntN(4)))
			to := min(len(h.chain), from+r.IntN(9))
			if !yield(func() {
				done, err := h.push(h.chunk(from, to))
				if err != nil || done.Hold != "" {
					h.t.Fatalf("%+v %v", done, err)
				}
				want := at[i]
				if from <= want {
					want = max(want, to)
				}
				if done.After != h.point(want) {
					h.t.Fatalf("%d to %d after %d: %+v", from, to, at[i], done)
				}
				at[i] = want
			}) {
				return
			}
		}
	}
}

// forget empties the books: nobody told anything yet.
func (s *school) forget() {
	s.exec(`truncate sale, sale_line, sale_reference, payment, cash_movement, document, document_state, remedy, stock_movement, idempotency, shift, envelope, day_total,
		day_product, day_closed, till_entry, stray, alarm, proposal, price_list_item, product restart identity cascade;
		update till set chain_n = 0, chain_hash = null; delete from customer where till_id is not null; delete from person where till_id is not null; delete from caf where till_id is not null;
		insert into product (codigo_interno, nombre, precio_neto, costo_unitario, controla_stock, updated_at) values ('PAN', 'Pan', 840, 500000000, true, now())`)
}

// books are the company's, in words that do not depend on when something came.
func (s *school) books() map[string][]string {
	s.t.Helper()
	books := map[string][]string{}
	for what, sql := range map[string]string{
		"sales": `select concat_ws(' ', s.till_id, s.tipo, s.folio, s.ref, c.rut, p.name, t.number, o.tipo, o.folio, s.fecha_emision, s.signo, s.monto_exento, s.monto_neto, s.iva, s.monto_total, s.costo, s.cod_ref, s.created_at)
			from sale s join customer c on c.id = s.customer_id join person p on p.id = s.person_id left join shift t on t.id = s.shift_id left join sale o on o.id = s.related_id`,
		"lines": `select concat_ws(' ', s.till_id, s.tipo, s.folio, l.line, p.codigo_interno, l.of_line, l.nombre, l.cantidad, l.precio_unitario, l.subtotal, l.monto, l.restock, l.contenido)
			from sale_line l join sale s on s.id = l.sale_id join product p on p.id = l.product_id`,
		"payments": `select concat_ws(' ', s.till_id, s.tipo, s.folio, c.rut, m.code, t.till_id, t.number, p.tendered, p.change, p.rounding, p.kept, p.owed, p.transaction_code, p.created_at)
			from payment p left join sale s on s.id = p.sale_id join customer c on c.id = p.customer_id join payment_method m on m.id = p.method_id left join shift t on t.id = p.shift_id`,
		"documents":  `select concat_ws(' ', tipo, folio, version, encode(sha256, 'hex'), length(xml), issued_at) from document`,
		"states":     `select concat_ws(' ', till_id, tipo, folio, state, version) from document_state`,
		"shifts":     `select concat_ws(' ', till_id, number, start_time, end_time, start_amount, final_cash_system, final_cash_declared, status, z) from shift`,
		"cash":       `select concat_ws(' ', t.till_id, t.number, p.name, m.amount, m.reason, m.created_at) from cash_movement m join person p on p.id = m.person_id left join shift t on t.id = m.shift_id`,
		"stock":      `select concat_ws(' ', p.codigo_interno, s.till_id, s.tipo, s.folio, m.tipo, m.motivo, m.cantidad) from stock_movement m join product p on p.id = m.product_id join sale s on s.id = m.sale_id`,
		"shelves":    `select concat_ws(' ', codigo_interno, stock_actual, controla_stock) from product`,
		"customers":  `select concat_ws(' ', rut, balance) from customer`,
		"people":     `select name from person where till_id is not null`,
		"chain":      `select concat_ws(' ', till_id, n, encode(hash, 'hex'), kind) from till_entry`,
		"own ranges": `select concat_ws(' ', till_id, tipo, desde, hasta, next) from caf where till_id is not null`,
		"alarms":     `select concat_ws(' ', till_id, kind, text) from alarm union all select concat_ws(' ', till_id, n, why) from stray`,
	} {
		var rows []string
		s.read("select array(select row from ("+sql+") r (row) order by row)", []any{&rows})
		books[what] = rows
	}
	return books
}

// agrees compares the books with what the tills know.
func (s *school) agrees(tills []*history) {
	t := s.t
	t.Helper()
	owed, stock, sold := map[dte.RUT]money.Pesos{}, int64(0), money.Pesos(0)
	for _, h := range tills {
		for rut, sum := range h.owed {
			owed[rut] += sum
		}
		stock, sold = stock+h.stock, sold+h.sold
		for _, z := range h.closed {
			if n := s.count("select final_cash_declared - start_amount - coalesce((select sum(kept) from payment p join payment_method m on m.id = p.method_id where p.shift_id = shift.id and m.code = 'EFECTIVO'), 0) - "+
				"coalesce((select sum(amount) from cash_movement where shift_id = shift.id), 0) from shift where till_id = $1 and number = $2 and status = 'CLOSED'", h.till.id, z.Number); n != int64(z.Difference) {
				t.Errorf("the turn %d of till %d differs by %d, want %d", z.Number, h.till.id, n, z.Difference)
			}
		}
	}
	for rut, sum := range owed {
		if n := s.count("select coalesce((select balance from customer where rut = $1), 0)", int64(rut)); n != int64(sum) {
			t.Errorf("%s owes %d, want %d", rut, n, sum)
		}
	}
	if n := s.count("select stock_actual / 1000000 from product where codigo_interno = 'PAN'"); n != stock {
		t.Errorf("%d on the shelf, want %d", n, stock)
	}
	if n := s.count("select coalesce(sum(signo * monto_total), 0) from sale"); n != int64(sold) {
		t.Errorf("%d sold, want %d", n, sold)
	}
	if n := s.count("select count(*) from alarm"); n != 0 {
		var texts []string
		s.read("select array(select text from alarm)", []any{&texts})
		t.Errorf("%d alarms: %q", n, texts)
	}
}
