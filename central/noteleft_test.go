package central_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// packed sells packs of an item with other items: how many the first one holds.
func (k *counter) packed(contenido int64, items ...item) *api.Sale {
	k.t.Helper()
	s := k.record(k.emit(k.draft(dte.Boleta, items)), items, "efectivo")
	s.Lines[0].Contenido = money.Units(contenido)
	k.keeps(s)
	return s
}

// swaps exchanges so much of a line for as much of something else, without a document.
func (k *counter) swaps(of *api.Sale, line int, qty money.Qty, worth money.Pesos) *api.Sale {
	k.t.Helper()
	return k.slip("comprobante interno", 901, "efectivo", []item{{"OTRO", 1, worth}}, func(r *api.Sale) {
		r.Total, r.Tenders, r.Rounding, r.Reason = 0, nil, 0, "otra talla"
		r.Returned = []api.ReturnedLine{{Of: of.Key, Line: line, Qty: qty, Restock: true, Worth: worth}}
	})
}

// swapsFor exchanges so much of a line for something dearer: the boleta charges the difference.
func (k *counter) swapsFor(of *api.Sale, line int, qty money.Qty, worth money.Pesos, i item) *api.Sale {
	k.t.Helper()
	d := k.draft(dte.Boleta, []item{i})
	d.DscRcg = []dte.DscRcgGlobal{{TpoMov: dte.DescuentoGlobal, Glosa: "Cambio", Monto: worth, IndExe: dte.Afecto}}
	s := k.record(k.emit(d), []item{i}, "efectivo")
	s.Returned = []api.ReturnedLine{{Of: of.Key, Line: line, Qty: qty, Restock: true, Worth: worth}}
	k.keeps(s)
	return s
}

func (s *school) saleID(key dte.Key) int64 {
	s.t.Helper()
	return s.count("select id from sale where tipo = $1 and folio = $2 order by id desc limit 1", int(key.Tipo), int64(key.Folio))
}

// gives takes units of a product back by a note of the server.
func (s *school) gives(of *api.Sale, code dte.CodRef, product string, units money.Qty) (made central.Sale, err error) {
	s.t.Helper()
	n := central.NewNote{
		Tipo: dte.NotaCredito, Of: s.saleID(of.Key), Code: code, Reason: "prueba", MethodID: 4,
		Items: []central.SaleItem{{ProductID: s.count("select id from product where codigo_interno = $1", product), Qty: units}},
	}
	err = s.db.EnterCompany(s.t.Context(), s.session, s.company.ID, func(c *central.Call) (err error) {
		made, err = c.Issue(n)
		return err
	})
	return made, err
}

func (s *school) refusedWith(err error, words string) {
	s.t.Helper()
	s.wantRefusal(err, central.Conflict)
	if err == nil || !strings.Contains(err.Error(), words) {
		s.t.Errorf("%v, want %q", err, words)
	}
}

func schoolOfNotes(t *testing.T) (*school, *counter) {
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, costo_unitario, controla_stock, updated_at) values ('PAN', 'Pan', 840, 500000000, true, now())")
	return s, s.counterAt("Caja 2", 20_001)
}

// A note of the server counts units of the product, whatever packs the till sold them in, and leaves alone what a till took back in
// an exchange.
func TestANoteTakesBackWhatExchangesHaveLeft(t *testing.T) {
	s, k := schoolOfNotes(t)
	stock := func(what string, want int64) {
		t.Helper()
		if n := s.count("select stock_actual / 1000000 from product where codigo_interno = 'PAN'"); n != want {
			t.Errorf("%s: %d on the shelf, want %d", what, n, want)
		}
	}
	of := k.packed(6, item{"PAN", 2, 6000}, item{"PAN", 3, 1100})
	k.tells(0)
	stock("sold", -15)
	k.swaps(of, 1, money.One, 6000)
	k.swaps(of, 2, money.One, 1100)
	k.tells(1)
	stock("a pack and one are exchanged", -8)
	_, err := s.gives(of, dte.Anula, "PAN", money.Units(15))
	s.refusedWith(err, "quedan por devolver 8.00 y se pidió 15.00: en cambios ya volvieron 7.00")
	_, err = s.gives(of, dte.CorrigeMontos, "PAN", money.Units(9))
	s.refusedWith(err, "quedan por devolver 8.00 y se pidió 9.00")
	made, err := s.gives(of, dte.CorrigeMontos, "PAN", money.Units(2))
	if err != nil || made.Total != 2200 || made.Lines[0].Units() != money.Units(2) {
		t.Fatalf("%+v %v", made, err)
	}
	stock("two of those without a pack", -6)
	_, err = s.gives(of, dte.CorrigeMontos, "PAN", money.One)
	s.refusedWith(err, "se vendió en paquetes")
	if made, err = s.gives(of, dte.CorrigeMontos, "PAN", money.Units(3)); err != nil || made.Total != 3000 || made.Lines[0].Units() != money.Units(3) || made.Lines[0].Contenido != money.Units(6) {
		t.Fatalf("half a pack: %+v %v", made, err)
	}
	stock("half a pack", -3)
	if _, err = s.gives(of, dte.CorrigeMontos, "PAN", money.Units(3)); err != nil {
		t.Fatal(err)
	}
	stock("all of it", 0)
	_, err = s.gives(of, dte.CorrigeMontos, "PAN", money.One)
	s.refusedWith(err, "quedan por devolver 0.00 y se pidió 1.00: en cambios ya volvieron 7.00")

	whole := k.packed(6, item{"PAN", 2, 6000})
	k.tells(3)
	if made, err = s.gives(whole, dte.Anula, "PAN", money.Units(12)); err != nil || made.Total != 12_000 || made.CodRef != dte.Anula {
		t.Errorf("a whole sale of packs: %+v %v", made, err)
	}
	stock("and its packs are back", 0)
	s.alarms(k.till)
}

// The boleta of an exchange comes back whole, and undoes it: what had come back is the buyer's again, and may come back anew.
func TestANoteUndoesAnExchange(t *testing.T) {
	s, k := schoolOfNotes(t)
	first := k.sells("efectivo", item{"PAN", 3, 1190})
	swap := k.swapsFor(first, 1, money.Units(2), 2380, item{"OTRO", 2, 2380})
	k.tells(0)
	_, err := s.gives(swap, dte.CorrigeMontos, "OTRO", money.One)
	s.refusedWith(err, fmt.Sprintf("se devuelve entera, con el código 1. Después se puede devolver lo primero, de Boleta Electrónica %d", first.Key.Folio))
	_, err = s.gives(first, dte.CorrigeMontos, "PAN", money.Units(2))
	s.refusedWith(err, "quedan por devolver 1.00")
	made, err := s.gives(swap, dte.Anula, "OTRO", money.Units(2))
	if err != nil || made.Total != 2380 {
		t.Fatalf("%+v %v", made, err)
	}
	if made, err = s.gives(first, dte.Anula, "PAN", money.Units(3)); err != nil || made.Total != 3570 {
		t.Fatalf("what came first: %+v %v", made, err)
	}
	s.allZero(map[string]string{
		"the shelf":    "select stock_actual from product where codigo_interno = 'PAN'",
		"the card":     "select count(*) from (select balance_after - lag(balance_after, 1, 0) over (order by id) - case tipo when 'ENTRADA' then cantidad else -cantidad end as gap from stock_movement) m where gap <> 0",
		"what is gone": "select sum(cantidad) from sale_swap",
	})
	s.call(func(c *central.Call) error {
		_, list, err := c.Report(c.Today(), c.Today(), central.Page{})
		for _, p := range list {
			if p.Total != 0 || p.Product.SKU == "PAN" && p.Qty != 0 {
				t.Errorf("%s: %s for %s are still sold", p.Product.SKU, p.Qty, p.Total)
			}
		}
		return err
	})
}

// Two who take the same back at once, two notes or a note and a till's exchange, do not get more than there was: one of them is
// refused. What a till did while nobody could tell it is taken in, and people are told.
func TestTwoTakeTheSameBackAtOnce(t *testing.T) {
	s, k := schoolOfNotes(t)
	for round := range 6 {
		of := k.packed(6, item{"PAN", 1, 6000}, item{"PAN", 1, 1000})
		k.tells(len(k.chain) - 1)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i := range errs {
			wg.Go(func() { _, errs[i] = s.gives(of, dte.CorrigeMontos, "PAN", money.Units(6)) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v; %v", round, errs[0], errs[1])
		}
		s.refusedWith(errors.Join(errs...), "quedan por devolver 1.00 y se pidió 6.00")
	}
	s.alarms(k.till)
	for round := range 6 {
		of := k.packed(6, item{"PAN", 1, 6000})
		k.tells(len(k.chain) - 1)
		k.swaps(of, 1, money.One, 6000)
		var wg sync.WaitGroup
		var note, told error
		back := func() { _, note = s.gives(of, dte.CorrigeMontos, "PAN", money.Units(6)) }
		if round == 0 { // for sure before the till tells
			back()
		} else {
			wg.Go(back)
		}
		wg.Go(func() { _, told = k.push(k.chunk(len(k.chain)-1, len(k.chain))) })
		wg.Wait()
		alarms := s.count("select count(*) from alarm where kind = 'libros' and text like $1", fmt.Sprintf("De la venta %d (Boleta Electrónica %d) volvió más%%", s.saleID(of.Key), of.Key.Folio))
		if told != nil || (note == nil) != (alarms == 1) {
			t.Fatalf("round %d: the note %v, the till %v, %d alarms", round, note, told, alarms)
		}
	}
}

// backAndForth is a till and its server in a random day.
type backAndForth struct {
	*counter
	r    *rand.Rand
	sold []*api.Sale
}

func (y *backAndForth) basket() []item {
	items := []item{}
	for _, code := range []string{"PAN", "TE"}[y.r.IntN(2):] {
		items = append(items, item{code, int64(1 + y.r.IntN(4)), money.Pesos(1000 + 119*y.r.IntN(40))})
	}
	return items
}

// left is how much of a line may still come back, as the tills and the server together have it.
func (y *backAndForth) left(of *api.Sale, line int) money.Qty {
	return money.Qty(y.count(`select l.cantidad - coalesce((select sum(w.cantidad) from sale_swap w where w.of_id = l.sale_id and w.of_line = l.line), 0)
		- coalesce((select sum(n.cantidad) from sale_line n join sale s on s.id = n.sale_id where s.related_id = l.sale_id and s.tipo = 61 and n.of_line = l.line), 0)
		from sale_line l where l.sale_id = $1 and l.line = $2`, y.saleID(of.Key), line))
}

func (y *backAndForth) step() {
	y.at = y.clock.Now().Add(-time.Hour)
	if len(y.sold) == 0 || y.r.IntN(4) == 0 {
		items := y.basket()
		y.sold = append(y.sold, y.packed(1+int64(y.r.IntN(6)), items...))
		y.tells(len(y.chain) - 1)
		return
	}
	of := y.sold[y.r.IntN(len(y.sold))]
	line := 1 + y.r.IntN(len(of.Lines))
	l := of.Lines[line-1]
	qty := money.Units(1 + y.r.Int64N(4))
	worth, _ := money.Share(l.Total, int64(qty), int64(l.Qty))
	switch y.r.IntN(4) {
	case 0, 1: // the server takes as much back as it is let, and more is refused
		contenido := max(l.Contenido, money.One)
		units := money.Qty(int64(qty) * int64(contenido) / int64(money.One))
		if y.r.IntN(3) == 0 {
			units += money.One
		}
		_, err := y.gives(of, []dte.CodRef{dte.Anula, dte.CorrigeMontos}[y.r.IntN(2)], l.Codigo, units)
		var refused *central.RefusalError
		if err != nil && !errors.As(err, &refused) {
			y.t.Fatal(err)
		}
	case 2:
		if y.left(of, line) >= qty {
			y.swaps(of, line, qty, worth)
			y.tells(len(y.chain) - 1)
		}
	case 3:
		if y.left(of, line) >= qty {
			swap := y.swapsFor(of, line, qty, worth, item{"OTRO", 1, worth + money.Pesos(119*(1+y.r.IntN(20)))})
			y.tells(len(y.chain) - 1)
			if y.r.IntN(2) == 0 {
				if _, err := y.gives(swap, dte.Anula, "OTRO", money.One); err != nil {
					y.t.Fatal(err)
				}
			}
		}
	}
}

// agrees: of no product is more back than was sold, the shelf has what is not sold, and the report adds up in both ways.
func (y *backAndForth) agrees() {
	y.t.Helper()
	y.call(func(c *central.Call) error {
		totals, list, err := c.Report(c.Today(), c.Today(), central.Page{})
		var sum money.Pesos
		var margin money.Price
		for _, p := range list {
			sum, margin = sum+p.Total, margin+p.Margin
			if shelf := y.count("select -stock_actual from product where id = $1", p.Product.ID); p.Qty < 0 || p.Product.ControlaStock && shelf != int64(p.Qty) {
				y.t.Errorf("%s: %s are sold, %s are gone from the shelf", p.Product.SKU, p.Qty, money.Qty(shelf))
			}
		}
		if sum != totals.Total || margin != totals.Margin() {
			y.t.Errorf("the products add up to %s and %d, the documents to %s and %d", sum, margin, totals.Total, totals.Margin())
		}
		return err
	})
	y.allZero(map[string]string{
		"the sum of all": `select sum(s.signo * s.monto_total) - (select coalesce(sum(l.subtotal * s.signo), 0) from sale_line l join sale s on s.id = l.sale_id) - sum(s.signo * s.iva)
			- (select coalesce(sum(total), 0) from sale_swap) from sale s`,
		"more back than sold": `select count(*) from (
			select l.sale_id, l.line, l.cantidad - coalesce((select sum(w.cantidad) from sale_swap w where w.of_id = l.sale_id and w.of_line = l.line), 0)
				- coalesce((select sum(n.cantidad) from sale_line n join sale s on s.id = n.sale_id where s.related_id = l.sale_id and s.tipo = 61 and n.of_line = l.line), 0) as rest
			from sale_line l join sale s on s.id = l.sale_id where s.tipo = 39) r where rest < 0`,
		"alarms": "select count(*) from alarm where kind = 'libros'",
	})
}

// Whatever a till sells and exchanges and the server takes back: no product has more back than was sold, and the report's sums are
// those of the lines.
func TestNoMoreComesBackThanWasSold(t *testing.T) {
	for seed := range uint64(3) {
		s, k := schoolOfNotes(t)
		s.exec("insert into product (codigo_interno, nombre, precio_neto, costo_unitario, controla_stock, updated_at) values ('TE', 'Té', 840, 300000000, true, now()), ('OTRO', 'Otro', 840, 100000000, true, now())")
		y := &backAndForth{counter: k, r: rand.New(rand.NewPCG(seed, 61))}
		for range 40 {
			y.step()
			if y.agrees(); t.Failed() {
				t.Fatalf("story %d", seed)
			}
		}
		if n := s.count("select least((select count(*) from sale where tipo = 61), (select count(*) from sale_swap where cantidad > 0), (select count(*) from sale_swap where cantidad < 0))"); n == 0 {
			t.Errorf("story %d has no notes, exchanges or none undone", seed)
		}
	}
}
