package central

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Filling is a past that a company never had: sales to show, and to measure with.
type Filling struct {
	From, To dte.Date
	Sales    int
	// AfterFolio is where the folios of each type begin to count.
	AfterFolio int64
}

// weekdays are how much of a week is sold on each day, from Sunday; months of a year, from January.
var (
	weekdays = [7]int{6, 10, 9, 10, 11, 15, 16}
	months   = [12]int{9, 7, 10, 9, 10, 9, 10, 10, 13, 10, 11, 17}
)

// perDay divides the sales among the days.
func (f Filling) perDay() (days []string, sales []int) {
	whole, weights := 0, []int{}
	for d := f.From; !f.To.Before(d); d = plusDays(d, 1) {
		w := weekdays[time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Weekday()] * months[d.Month-1]
		days, weights, whole = append(days, d.String()), append(weights, w), whole+w
	}
	before, given := 0, 0
	for _, w := range weights {
		before += w
		upTo := int(int64(f.Sales) * int64(before) / int64(whole))
		sales, given = append(sales, upTo-given), upTo
	}
	return days, sales
}

// Fill writes the sales of a Filling into a company that has none yet, in one transaction; its products and customers must be
// there. The sales have lines, payments, frozen costs, folios and a state; they have no signed document, because a
// signature of that day cannot be made today, no shift and no stock movement. One in 97 is a note of credit for the first
// line of the one before. References are not checked while it writes: that takes a superuser, and is many times faster.
func (db *DB) Fill(ctx context.Context, schema string, f Filling) error {
	return pgx.BeginFunc(ctx, db.admin, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local session_replication_role = replica; set local jit = off; set local work_mem = '64MB'; "+
			"set local maintenance_work_mem = '256MB'; set local search_path to "+quote(schema)+", "+extensionsSchema); err != nil {
			return err
		}
		return indexedLater(ctx, tx, func() error { return f.write(ctx, tx) })
	})
}

func (f Filling) write(ctx context.Context, tx pgx.Tx) error {
	days, sales := f.perDay()
	for i, statement := range fillStatements {
		var args []any
		switch i {
		case 0:
			args = []any{days, sales}
		case insertSales:
			args = []any{f.AfterFolio}
		}
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// indexedLater runs fn while the tables that are filled have no indexes but those of their keys, and makes the others anew:
// to sort all rows once takes a fraction of the time of finding the place of each.
func indexedLater(ctx context.Context, tx pgx.Tx, fn func() error) error {
	rows, err := tx.Query(ctx, `select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
		where i.indrelid in ('sale'::regclass, 'sale_line'::regclass, 'payment'::regclass, 'document_state'::regclass)
			and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`)
	if err != nil {
		return err
	}
	var name, definition, away, back string
	if _, err := pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		away += "drop index " + name + ";"
		back += definition + ";"
		return nil
	}); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, away); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, back)
	return err
}

// insertSales is the one of fillStatements that writes the sales themselves.
const insertSales = 6

// fillStatements make the sales up. The few best products are sold most; hours have two peaks; four sales in five are for
// nobody by name.
var fillStatements = []string{
	`create temporary table past on commit drop as
		select row_number() over (order by at, r) as id, at, r,
			case when row_number() over (order by at, r) % 97 = 0 then 61 when r < 0.86 then 39 when r < 0.9 then 41 else 33 end as tipo,
			case when r < 0.8 then 1 else 1 + floor(random() * (select count(*) from customer))::bigint end as customer,
			case when random() < 0.45 then 1 when random() < 0.6 then 2 when random() < 0.7 then 3 else 4 end as method
		from (select (d.day::date + make_interval(hours => ('{9,10,10,11,11,12,12,12,13,13,13,14,15,16,17,17,18,18,18,19,19,19,20,20}'::int[])[1 + floor(random() * 24)::int],
				secs => random() * 3599)) at time zone 'America/Santiago' as at, random() as r
			from unnest($1::text[], $2::int[]) as d (day, n), generate_series(1, d.n)) made`,
	`create temporary table past_line on commit drop as
		select s.id, n as line, p.id as product, p.nombre, q.qty, p.precio_neto as price, p.precio_neto * q.qty as subtotal, p.costo_unitario as cost,
			s.tipo = 41 as exempt, 0::bigint as of_id
		from (select *, 1 + floor(random() * random() * 4)::int as lines from past where tipo <> 61) s
		cross join lateral (select n, 1 + floor(power(random(), 2) * (select count(*) from product))::bigint as product_id from generate_series(1, s.lines) n) pick
		cross join lateral (select case when pick.n % 3 = 0 then 3 when random() < 0.75 then 1 else 2 end as qty) q
		join product p on p.id = pick.product_id`,
	`create index on past_line (id)`,
	`insert into past_line select s.id, 1, l.product, l.nombre, l.qty, l.price, l.subtotal, l.cost, l.exempt, l.id
		from past s join past_line l on l.id = s.id - 1 and l.line = 1 where s.tipo = 61`,
	`analyze past_line`,
	`create temporary table past_sum on commit drop as
		select *, neto + exento + iva as total from (
			select id, sum(subtotal) filter (where not exempt) as n, coalesce(sum(subtotal) filter (where not exempt), 0)::bigint as neto,
				coalesce(sum(subtotal) filter (where exempt), 0)::bigint as exento, round(coalesce(sum(subtotal) filter (where not exempt), 0) * 0.19)::bigint as iva,
				sum(cost * qty)::bigint as cost, max(of_id) as of_id from past_line group by id) s`,
	`insert into sale (id, tipo, folio, customer_id, person_id, related_id, fecha_emision, signo, monto_exento, monto_neto, iva, monto_total, costo, cod_ref, created_at)
		overriding system value
		select s.id, s.tipo, $1::bigint + row_number() over (partition by s.tipo order by s.id), s.customer, 1, nullif(t.of_id, 0), (s.at at time zone 'America/Santiago')::date,
			case when s.tipo = 61 then -1 else 1 end, t.exento, t.neto, t.iva, t.total, t.cost, case when s.tipo = 61 then 3 end, s.at
		from past s join past_sum t on t.id = s.id order by s.id`,
	`insert into sale_line (sale_id, line, product_id, of_line, nombre, cantidad, precio_unitario, subtotal, monto, exento, costo_unitario, restock)
		select l.id, l.line, l.product, case when l.of_id > 0 then 1 end, l.nombre, l.qty * 1000000, l.price, l.subtotal,
			case when s.tipo = 39 then round(l.subtotal * 1.19) else l.subtotal end, l.exempt, l.cost, l.of_id > 0
		from past_line l join past s on s.id = l.id order by l.id, l.line`,
	`insert into payment (sale_id, customer_id, method_id, tendered, rounding, kept, created_at)
		select s.id, s.customer, s.method, sign * due, sign * (due - t.total), sign * due, s.at
		from past s join past_sum t on t.id = s.id,
			lateral (select case when s.tipo = 61 then -1 else 1 end as sign, case when s.method = 1 then (t.total + 4) / 10 * 10 else t.total end as due) d
		order by s.id`,
	`insert into document_state (sale_id, tipo, folio, boleta, state, issued_at, updated_at)
		select id, tipo, folio, tipo in (39, 41), 'accepted', created_at, created_at from sale order by id`,
	`select setval(pg_get_serial_sequence('sale', 'id'), (select max(id) from sale))`,
}
