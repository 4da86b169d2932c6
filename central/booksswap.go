package central

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// This file says for each product what an exchange moved. The document of one says the difference only: what came back is a
// discount of what left, or the other way round, and of the same worth there is no document at all. So that reports know what is
// sold, each product is given what its line lacks. What is given to one is taken from another: the sums stay the documents'.

// swapRow is what an exchange moves of a product beside the lines of its document.
type swapRow struct {
	product    int64
	of         *int64 // the sale that it was sold with, and
	line       *int   // its line there, if it came back
	qty        *money.Qty
	units      money.Qty
	net, total money.Pesos
	cost       money.Price
}

// worth is a sum with its part of IVA, and without.
type worth struct{ total, net money.Pesos }

// worthOf is so much with IVA, if it has any.
func worthOf(gross money.Pesos, exempt bool) worth {
	if net, err := money.IVA.Net(gross); err == nil && !exempt {
		return worth{gross, net}
	}
	return worth{gross, gross}
}

// swapping reports an exchange.
func swapping(s *api.Sale) bool {
	switch {
	case s.Key.Tipo == tipoCambio || s.Key.Tipo.EsBoleta():
		return len(s.Returned) > 0
	}
	return s.Key.Tipo == dte.NotaCredito && len(s.Taken) > 0
}

// fillSwap adds what an exchange moves beside its lines.
func (b *books) fillSwap(e *told, id int64, doc *dte.Document, lines []soldLine) {
	s := e.Sale
	var rows []swapRow
	switch {
	case !swapping(s):
		return
	case s.Key.Tipo == dte.NotaCredito:
		rows = b.tookFor(s, doc, lines)
	default:
		rows = b.cameBack(s, doc, lines)
	}
	for i, r := range rows {
		b.swaps = append(b.swaps, []any{id, i + 1, r.product, r.of, r.line, r.qty, r.units, r.net, r.total, r.cost, s.At})
	}
}

// paidFor is what was paid for a part of a line. A till that does not say it gave the part's share of what the line brought.
func paidFor(r api.ReturnedLine, l soldLine) money.Pesos {
	if r.Worth > 0 {
		return r.Worth
	}
	part, err := money.Share(l.gross, int64(min(r.Qty, l.qty)), int64(l.qty))
	if err != nil {
		return 0
	}
	return part
}

// cameBack is what came back for other goods, which are sold for as much more than the document charged.
func (b *books) cameBack(s *api.Sale, doc *dte.Document, lines []soldLine) (rows []swapRow) {
	sums := map[bool]worth{}
	for _, r := range s.Returned {
		l, ok := b.sold[r.Of].line(r.Line)
		if !ok {
			continue // nobody knows what it was: the difference alone counts
		}
		w := worthOf(paidFor(r, l), l.exempt)
		sums[l.exempt] = worth{sums[l.exempt].total + w.total, sums[l.exempt].net + w.net}
		row := swapRow{product: l.product.id, of: &b.sold[r.Of].id, line: &r.Line, qty: &r.Qty, net: -w.net, total: -w.total}
		if r.Restock {
			row.units, row.cost = l.goods(r.Qty)
		}
		row.units, row.cost = -row.units, -row.cost
		rows = append(rows, row)
	}
	left := share(sums, lines, doc.Montos)
	if sign(s) == 0 { // a slip, whose lines count for nothing
		for i, l := range lines {
			left[i].units, left[i].cost = l.goods(l.qty)
		}
	}
	return append(rows, left...)
}

// tookFor is what left for goods that came back and were worth more. The note lists those, less what left.
func (b *books) tookFor(s *api.Sale, doc *dte.Document, lines []soldLine) []swapRow {
	sums := map[bool]worth{}
	for _, d := range doc.DscRcg {
		exempt := d.IndExe == dte.Exento
		w := worthOf(d.Monto, exempt)
		sums[exempt] = worth{sums[exempt].total + w.total, sums[exempt].net + w.net}
	}
	var taken []soldLine
	var weights []money.Pesos
	for _, l := range s.Taken {
		line := b.lineOf(l)
		line.qty, line.exempt = l.Qty, l.Exento
		taken, weights = append(taken, line), append(weights, l.Total)
	}
	rows := share(sums, taken, weights)
	for i, l := range taken {
		rows[i].units, rows[i].cost = l.goods(l.qty)
	}
	for _, less := range share(sums, lines, doc.Montos) {
		less.net, less.total = -less.net, -less.total
		rows = append(rows, less)
	}
	return rows
}

// share divides the sums of each kind among the lines of that kind, by what they weigh; the parts add up to the sums.
func share(sums map[bool]worth, lines []soldLine, weights []money.Pesos) []swapRow {
	rows := make([]swapRow, len(lines))
	for i, l := range lines {
		rows[i].product = l.product.id
	}
	for exempt, sum := range sums {
		mine := func(l soldLine) bool { return l.exempt == exempt }
		if !slices.ContainsFunc(lines, mine) {
			mine = func(soldLine) bool { return true }
		}
		var whole, upTo money.Pesos
		var given worth
		last := -1
		for i, l := range lines {
			if mine(l) {
				whole, last = whole+max(0, weights[i]), i
			}
		}
		for i, l := range lines {
			if !mine(l) {
				continue
			}
			upTo += max(0, weights[i])
			next := sum
			if i != last {
				next = sum.part(upTo, whole)
			}
			rows[i].total, rows[i].net = rows[i].total+next.total-given.total, rows[i].net+next.net-given.net
			given = next
		}
	}
	return rows
}

// part is so much of it as part is of whole.
func (w worth) part(part, whole money.Pesos) worth {
	total, err := money.Share(w.total, int64(part), int64(whole))
	net, netErr := money.Share(w.net, int64(part), int64(whole))
	if err != nil || netErr != nil {
		return worth{}
	}
	return worth{total, net}
}

// goods are the units of the product in so much of the line, and what they cost.
func (l soldLine) goods(q money.Qty) (n money.Qty, cost money.Price) {
	n, _ = units(q, l.contenido)
	cost, _ = costOf(l.unit, q)
	return n, cost
}

// undoing is a note that annuls a sale, and with it the exchange that the sale was.
type undoing struct {
	note, of, person int64
	at               time.Time
}

// undo takes back what annulled exchanges had moved: what had come back is sold again, and may come back anew.
func (b *books) undo() error {
	for _, u := range b.undone {
		moved, err := b.swapMoves(u.of)
		if err != nil {
			return err
		}
		for _, product := range slices.Sorted(maps.Keys(moved)) {
			b.moves = append(b.moves, goodsMove{product: product, sale: u.note, person: u.person, at: u.at, delta: moved[product]})
		}
		if _, err := b.tx.Exec(b.ctx, undoSwap, u.note, u.of); err != nil {
			return err
		}
	}
	return nil
}

// checkReturned tells people of what came back more often than it was sold: here and at a till that had not heard of it.
func (b *books) checkReturned() error {
	ids := b.soldBefore()
	if len(ids) == 0 {
		return nil
	}
	rows, err := b.tx.Query(b.ctx, returnedTwice, ids, int(dte.NotaCredito), int(dte.NotaDebito), int(dte.Anula), int(dte.CorrigeTexto))
	if err != nil {
		return err
	}
	twice, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Sale, Tipo, Folio int64 }])
	if err != nil {
		return err
	}
	for _, s := range twice {
		if err := b.tell(AlarmBooks, fmt.Sprintf("devuelto %d", s.Sale), fmt.Sprintf("De la venta %d (%s %d) volvió más de lo que vendió: lo último lo dice la caja %s. Todo está en los libros; revise sus devoluciones y cambios",
			s.Sale, dte.TipoDTE(s.Tipo), s.Folio, b.Till.Name)); err != nil {
			return err
		}
	}
	return nil
}

// returnedTwice are the sales of a line of which notes that stand and exchanges took back more than there was.
const returnedTwice = `with gone as (
		select of_id as sale_id, of_line as line, cantidad from sale_swap where of_id = any($1)
		union all select n.related_id, l.of_line, l.cantidad from sale n join sale_line l on l.sale_id = n.id
		where n.related_id = any($1) and n.tipo = $2 and n.cod_ref <> $5 and l.of_line is not null
			and not exists (select from sale u where u.related_id = n.id and u.tipo = $3 and u.cod_ref = $4)),
	moved as (
		select l.sale_id, l.product_id, l.cantidad::numeric * l.contenido as units from sale_line l where l.sale_id = any($1)
		union all select l.sale_id, l.product_id, -gone.cantidad::numeric * l.contenido from gone join sale_line l using (sale_id, line))
	select s.id, s.tipo::bigint, s.folio from sale s
	where s.id in (select sale_id from moved group by sale_id, product_id having sum(units) < 0) order by 1`

// undoSwap writes, with a note ($1), the opposite of what the exchange that it annuls ($2) had moved.
const undoSwap = `insert into sale_swap (sale_id, line, product_id, of_id, of_line, cantidad, unidades, neto, total, costo, at)
	select n.id, w.line, w.product_id, w.of_id, w.of_line, -w.cantidad, -w.unidades, -w.neto, -w.total, -w.costo, n.created_at
	from sale_swap w, sale n where w.sale_id = $2 and n.id = $1`

// swapMoves are what the shelves have more if an exchange is annulled, of what is counted there.
func (c *Call) swapMoves(of int64) (map[int64]money.Qty, error) {
	rows, err := c.tx.Query(c.ctx, `select w.product_id, sum(w.unidades)::bigint from sale_swap w join product p on p.id = w.product_id
		where w.sale_id = $1 and p.controla_stock group by 1 having sum(w.unidades) <> 0`, of)
	if err != nil {
		return nil, err
	}
	moved := map[int64]money.Qty{}
	var product int64
	var n money.Qty
	_, err = pgx.ForEachRow(rows, []any{&product, &n}, func() error {
		moved[product] = n
		return nil
	})
	return moved, err
}
