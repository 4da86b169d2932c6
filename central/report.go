package central

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// Reports are of Chilean days, from sums of two origins: days that are over have theirs in day_total and day_product (see
// CloseDays), the others are read from the sales, in the same statement, so that no sale is missed or counted twice.
//
// An exchange counts for each product as what it is: what came back is taken away on the exchange's day and what left is sold,
// though its document says the difference only (sale_swap). Quantities are of the product: a pack of six is six.
//
// What counts: every document of a sale or a note. Notes of credit take away, of debit add; guías and corrections of text
// move no money. Quantity and cost are of what left the shelf and did not come back: a note brings back only the lines whose
// goods returned. Cost is the one frozen on the line.

// openDays are the days from $1 to $2 that have not been closed, and between what instants each lies. In spring one begins
// at 01:00, because 00:00 does not exist; PostgreSQL knows.
const openDays = `open_day as (
	select d.day, d.day::timestamp at time zone 'America/Santiago' as begins, (d.day + 1)::timestamp at time zone 'America/Santiago' as ends
	from (select $1::date + n as day from generate_series(0, $2::date - $1::date) n) d
	where not exists (select from day_closed c where c.day = d.day))`

// openSales are their sales. OFFSET keeps PostgreSQL from making one scan of all sales of it for every day.
const openSales = openDays + `, open_sale as materialized (
	select o.day, extract(hour from s.created_at at time zone 'America/Santiago')::smallint as hour, s.*
	from open_day o cross join lateral (select id, tipo, signo, created_at, monto_neto, monto_exento, iva, monto_total from sale
		where sale.created_at >= o.begins and sale.created_at < o.ends offset 0) s
	where s.signo <> 0)`

// openLines are their lines, read in one piece: sales of the same days have numbers next to each other.
const openLines = `sale_line l join open_sale s on s.id = l.sale_id
	where l.sale_id between (select min(id) from open_sale) and (select max(id) from open_sale)`

// moved is the sign of the goods of a line l of a sale s, lineCost what they cost, in millionths of a peso: cost times
// quantity, both of which are millionths. Only what does not fit otherwise is worked out without bounds, which takes several
// times as long.
const (
	moved    = `case when s.tipo in (56, 61, 111, 112, 902) and not l.restock then 0 else s.signo end`
	lineCost = moved + ` * case when l.costo_unitario < 1000000000000 and l.cantidad < 1000000000000
		then l.costo_unitario / 1000000 * l.cantidad + l.costo_unitario % 1000000 * l.cantidad / 1000000
		else least(div(l.costo_unitario::numeric * l.cantidad, 1000000), 9000000000000000000)::bigint end`
	lineUnits = "case when l.contenido = 1000000 then l.cantidad else least(round(l.cantidad::numeric * l.contenido / 1000000), 9000000000000000000)::bigint end"
)

// openSwaps are what the exchanges of the open days moved beside their lines.
const openSwaps = `, open_swap as materialized (
	select o.day, s.tipo, s.signo, extract(hour from w.at at time zone 'America/Santiago')::smallint as hour, w.product_id, w.unidades, w.neto, w.total, w.costo
	from open_day o cross join lateral (select * from sale_swap where at >= o.begins and at < o.ends offset 0) w join sale s on s.id = w.sale_id)`

// What stands between atMost and orSo is in millionths, and stops at the end of the numbers: nine billions of millions of
// pesos. A figure that nobody has is no reason to show no figures.
const (
	atMost = "greatest(least("
	orSo   = ", 9000000000000000000), -9000000000000000000)::bigint"
)

// openTotals are the sums of the open days.
const openTotals = openSales + openSwaps + `, open_cost as (
	select day, tipo, signo, hour, ` + atMost + `sum(costo)` + orSo + ` as costo from (
		select s.day, s.tipo, s.signo, s.hour, ` + lineCost + ` as costo from ` + openLines + `
		union all select day, tipo, signo, hour, costo from open_swap) c group by 1, 2, 3, 4),
open_amount as (
	select day, tipo, signo, hour, count(*) as n, sum(signo * monto_neto)::bigint as neto, sum(signo * monto_exento)::bigint as exento,
		sum(signo * iva)::bigint as iva, sum(signo * monto_total)::bigint as total
	from open_sale group by 1, 2, 3, 4),
open_total as (
	select day, tipo, signo, hour, coalesce(n, 0) as n, coalesce(neto, 0) as neto, coalesce(exento, 0) as exento, coalesce(iva, 0) as iva,
		coalesce(total, 0) as total, coalesce(costo, 0) as costo
	from open_amount full join open_cost using (day, tipo, signo, hour))`

// openProducts are the same by product. A document's IVA is divided among its taxed lines by what each adds to the net sum
// of those before it, so that the parts add up to the whole.
var openProducts = openSales + openSwaps + `, open_line as (
	select s.day, s.signo, s.iva, s.monto_neto, l.product_id, ` + moved + ` * ` + lineUnits + ` as cantidad, l.subtotal, l.exento,
		` + lineCost + ` as costo, sum(l.subtotal) over (partition by s.id, l.exento order by l.line)::bigint as upto
	from ` + openLines + `),
open_part as (
	select day, product_id, cantidad, signo * subtotal as neto,
		signo * (subtotal + case when exento or monto_neto = 0 then 0
			else ` + ivaOf("upto") + ` - ` + ivaOf("(upto - subtotal)") + ` end) as total, costo
	from open_line union all select day, product_id, unidades, neto, total, costo from open_swap),
open_product as (
	select day, product_id, ` + atMost + `sum(cantidad)` + orSo + ` as cantidad, sum(neto)::bigint as neto, sum(total)::bigint as total,
		` + atMost + `sum(costo)` + orSo + ` as costo
	from open_part group by 1, 2)`

// ivaOf is the part of a sale's IVA that belongs to a part of its net sum.
func ivaOf(part string) string {
	return "case when monto_neto < 3000000000 then iva * " + part + " / monto_neto else div(iva::numeric * " + part + ", monto_neto)::bigint end"
}

// Totals are sums of documents. Notes of credit have been taken away from the amounts.
type Totals struct {
	// Total is with IVA; Total = Neto + Exento + IVA.
	Total, Neto, Exento, IVA money.Pesos
	// Cost of the goods.
	Cost money.Price
	// Sales counts documents of sale, Sold is what they add up to before any note.
	Sales int64
	Sold  money.Pesos
	// Credits counts notes of credit, Credited is what they took away.
	Credits  int64
	Credited money.Pesos
}

// Margin is what the sales brought beyond their cost. It stops at the end of the numbers, as in the database.
func (t Totals) Margin() money.Price {
	const end = 9_000_000_000_000_000_000
	margin := new(big.Int).Mul(big.NewInt(int64(t.Neto+t.Exento)), big.NewInt(int64(money.OnePeso)))
	margin.Sub(margin, big.NewInt(int64(t.Cost)))
	if margin.CmpAbs(big.NewInt(end)) > 0 {
		return end * money.Price(margin.Sign())
	}
	return money.Price(margin.Int64())
}

// Ticket is the mean of a sale, in whole pesos.
func (t Totals) Ticket() money.Pesos {
	if t.Sales == 0 {
		return 0
	}
	return (t.Sold + money.Pesos(t.Sales)/2) / money.Pesos(t.Sales)
}

func (t *Totals) add(tipo dte.TipoDTE, sign int, n int64, of Totals) {
	t.Total += of.Total
	t.Neto += of.Neto
	t.Exento += of.Exento
	t.IVA += of.IVA
	t.Cost += of.Cost
	switch {
	case sign < 0:
		t.Credits += n
		t.Credited -= of.Total
	case !tipo.EsNota():
		t.Sales += n
		t.Sold += of.Total
	}
}

// totals adds up the days from one to another, both included, as a whole and by the hour of the day.
func (c *Call) totals(from, to dte.Date) (sum Totals, hours map[int]Totals, err error) {
	rows, err := c.tx.Query(c.ctx, `with `+openTotals+`
		select tipo, signo, hour, sum(n)::bigint, sum(neto)::bigint, sum(exento)::bigint, sum(iva)::bigint, sum(total)::bigint, `+atMost+`sum(costo)`+orSo+`
		from (select * from day_total where day between $1 and $2 union all select * from open_total) t group by 1, 2, 3`,
		from.String(), to.String())
	if err != nil {
		return sum, nil, err
	}
	var tipo dte.TipoDTE
	var sign, hour int
	var n int64
	var of Totals
	hours = map[int]Totals{}
	_, err = pgx.ForEachRow(rows, []any{&tipo, &sign, &hour, &n, &of.Neto, &of.Exento, &of.IVA, &of.Total, &of.Cost}, func() error {
		sum.add(tipo, sign, n, of)
		if n == 0 { // the cost of an exchange
			return nil
		}
		at := hours[hour]
		at.add(tipo, sign, n, of)
		hours[hour] = at
		return nil
	})
	return sum, hours, err
}

// ProductSales is what was sold of a product, returns taken away.
type ProductSales struct {
	Product Product
	Qty     money.Qty
	// Total is with IVA, Margin what is left of the net price when the cost is paid.
	Total  money.Pesos
	Margin money.Price
}

// Orders of products in a report.
const (
	byTotal  = "total desc, product_id"
	byQty    = "cantidad desc, product_id"
	byMargin = marginOf + " desc, product_id"
)

// marginOf is the margin of a row, in millionths.
const marginOf = "(neto::numeric * 1000000 - costo)"

// productSales are the products of some days, in one of the orders.
func (c *Call) productSales(from, to dte.Date, order string, p Page) ([]ProductSales, error) {
	rows, err := c.tx.Query(c.ctx, `with `+openProducts+`
		select product_id, cantidad, total, `+atMost+marginOf+orSo+` from (
			select product_id, `+atMost+`sum(cantidad)`+orSo+` as cantidad, sum(neto)::bigint as neto, sum(total)::bigint as total, `+atMost+`sum(costo)`+orSo+` as costo
			from (select * from day_product where day between $1 and $2 union all select * from open_product) p group by 1) p
		order by `+order+` offset $3 limit $4`, from.String(), to.String(), p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ProductSales, err error) {
		return s, row.Scan(&s.Product.ID, &s.Qty, &s.Total, &s.Margin)
	})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(list))
	for i, s := range list {
		ids[i] = s.Product.ID
	}
	found, err := c.products(ids)
	for i := range list {
		list[i].Product = found[list[i].Product.ID]
	}
	return list, err
}

// HourSales is what was sold in an hour of the day.
type HourSales struct {
	Hour int
	Totals
}

// MethodSales is what was paid in one way: change and refunds taken away.
type MethodSales struct {
	Name, Code string
	N          int64
	Total      money.Pesos
}

// Dashboard is a day at a glance.
type Dashboard struct {
	Day      dte.Date
	Totals   Totals
	Hours    []HourSales
	Products []ProductSales
	Methods  []MethodSales
	// Shift is the caller's open one, if there is one.
	Shift *Shift
}

// Dashboard of a day; of today if the day is zero.
func (c *Call) Dashboard(day dte.Date) (d Dashboard, err error) {
	d.Day = c.orToday(day)
	var hours map[int]Totals
	if d.Totals, hours, err = c.totals(d.Day, d.Day); err != nil {
		return d, err
	}
	for hour, t := range hours {
		d.Hours = append(d.Hours, HourSales{hour, t})
	}
	slices.SortFunc(d.Hours, func(a, b HourSales) int { return cmp.Compare(a.Hour, b.Hour) })
	if d.Products, err = c.productSales(d.Day, d.Day, byTotal, Page{Limit: 5}); err != nil {
		return d, err
	}
	if d.Methods, err = c.methodSales(d.Day); err != nil {
		return d, err
	}
	d.Shift, err = c.seeShift()
	return d, err
}

// seeShift is the caller's open shift, or nil.
func (c *Call) seeShift() (*Shift, error) {
	s, err := c.CurrentShift()
	if isRefusal(err, NotFound) {
		return nil, nil
	}
	return &s, err
}

func (c *Call) orToday(day dte.Date) dte.Date {
	if day.IsZero() {
		return c.Today()
	}
	return day
}

// Today is the Chilean day of the call.
func (c *Call) Today() dte.Date { return dte.DateOf(c.now) }

func (c *Call) methodSales(day dte.Date) ([]MethodSales, error) {
	rows, err := c.tx.Query(c.ctx, `with s as materialized (select id, signo from sale
			where created_at >= $1::date::timestamp at time zone 'America/Santiago'
				and created_at < ($1::date + 1)::timestamp at time zone 'America/Santiago')
		select m.name, m.code, count(*) filter (where s.signo > 0), sum(p.kept)::bigint
		from s join payment p on p.sale_id = s.id join payment_method m on m.id = p.method_id
		where p.sale_id between (select min(id) from s) and (select max(id) from s)
		group by m.id order by 4 desc, m.id`, day.String())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m MethodSales, err error) {
		return m, row.Scan(&m.Name, &m.Code, &m.N, &m.Total)
	})
}

// LastDays adds up so many days, today included.
func (c *Call) LastDays(n int) (Totals, error) {
	sum, _, err := c.totals(plusDays(c.Today(), 1-n), c.Today())
	return sum, err
}

// TopProducts are the best of the last days, by one order and by the other.
func (c *Call) TopProducts(days int, p Page) (quantity, margin []ProductSales, err error) {
	from, to := plusDays(c.Today(), 1-days), c.Today()
	if quantity, err = c.productSales(from, to, byQty, p); err != nil {
		return nil, nil, err
	}
	margin, err = c.productSales(from, to, byMargin, p)
	return quantity, margin, err
}

// Report adds up the days from one to another, with a page of the products sold.
func (c *Call) Report(from, to dte.Date, p Page) (Totals, []ProductSales, error) {
	sum, _, err := c.totals(from, to)
	if err != nil {
		return sum, nil, err
	}
	list, err := c.productSales(from, to, byTotal, p)
	return sum, list, err
}

// lastDay is the last one that is written with four figures.
var lastDay = dte.Date{Year: 9999, Month: time.December, Day: 31}

// PeriodOf are the first and the last day of the day, the week (Monday to Sunday) or the month around a day.
func PeriodOf(period string, day dte.Date) (from, to dte.Date) {
	switch period {
	case "week":
		since := (int(time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
		if to = plusDays(day, 6-since); lastDay.Before(to) {
			to = lastDay
		}
		return plusDays(day, -since), to
	case "month":
		first := dte.Date{Year: day.Year, Month: day.Month, Day: 1}
		return first, dayOf(time.Date(day.Year, day.Month+1, 0, 0, 0, 0, 0, time.UTC))
	}
	return day, day
}
