package central_test

import (
	"fmt"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/money"
)

// books is a company whose sales a test writes itself, on whatever day it wants.
type books struct {
	*testing.T
	db      *central.DB
	clock   *centraltest.Clock
	conn    *pgx.Conn
	session central.Session
	company central.Company
	folio   int
	all     []entry
}

// entry is a document as the test knows it, to be added up without a database.
type entry struct {
	tipo                     dte.TipoDTE
	sign                     int
	at                       time.Time
	neto, exento, iva, total int64
	lines                    []entryLine
}

type entryLine struct {
	product, qty, net, unitCost int64
	exempt, restock             bool
}

func newBooks(t *testing.T) *books {
	t.Helper()
	b := &books{T: t}
	b.db, b.clock = centraltest.New(t)
	b.company = centraltest.Company(t, b.db, 76086428, centraltest.Account(t, b.db, "a@ejemplo.cl", false))
	b.login()
	b.conn = centraltest.Superuser(t, b.db)
	b.exec("set search_path to " + b.company.Schema + ", extensions")
	for i := range 6 {
		b.exec("insert into product (codigo_interno, nombre, precio_neto, updated_at) values ($1, $2, 1000, now())", fmt.Sprintf("P%d", i+1), fmt.Sprintf("Producto %d", i+1))
	}
	return b
}

func (b *books) login() {
	b.Helper()
	var err error
	if b.session, err = b.db.Login(b.Context(), "a@ejemplo.cl", centraltest.Password); err != nil {
		b.Fatal(err)
	}
}

func (b *books) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.conn.Exec(b.Context(), sql, args...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// write puts a document into the books.
func (b *books) write(e entry) {
	b.Helper()
	b.folio++
	b.all = append(b.all, e)
	var id int64
	if err := b.conn.QueryRow(b.Context(), `insert into sale (tipo, folio, customer_id, person_id, fecha_emision, signo, monto_exento, monto_neto, iva,
			monto_total, created_at) values ($1, $2, 1, 1, $3, $4, $5, $6, $7, $8, $9) returning id`, int(e.tipo), b.folio, dte.DateOf(e.at).String(),
		e.sign, e.exento, e.neto, e.iva, e.total, e.at).Scan(&id); err != nil {
		b.Fatal(err)
	}
	for i, l := range e.lines {
		b.exec(`insert into sale_line (sale_id, line, product_id, nombre, cantidad, precio_unitario, subtotal, monto, exento, costo_unitario, restock)
			values ($1, $2, $3, 'x', $4, 0, $5, $5, $6, $7, $8)`, id, i+1, l.product, l.qty, l.net, l.exempt, l.unitCost, l.restock)
	}
}

// random makes up a document of a moment, of any kind that there is.
func random(r *rand.Rand, at time.Time) entry {
	kinds := []struct {
		tipo dte.TipoDTE
		sign int
	}{{39, 1}, {39, 1}, {33, 1}, {41, 1}, {34, 1}, {61, -1}, {56, 1}, {52, 0}, {61, 0}}
	k := kinds[r.IntN(len(kinds))]
	e := entry{tipo: k.tipo, sign: k.sign, at: at}
	for range 1 + r.IntN(4) {
		l := entryLine{
			product: 1 + r.Int64N(6), qty: 1 + r.Int64N(5_000_000), net: r.Int64N(5000), unitCost: r.Int64N(3_000_000_000),
			exempt: k.tipo.EsExento() || r.IntN(4) == 0, restock: k.sign < 0 && r.IntN(2) == 0,
		}
		if l.exempt {
			e.exento += l.net
		} else {
			e.neto += l.net
		}
		e.lines = append(e.lines, l)
	}
	e.iva = (e.neto*19 + 50) / 100
	e.total = e.neto + e.exento + e.iva
	return e
}

// expected adds up what the books hold, document by document.
func (b *books) expected(from, to dte.Date) (t central.Totals, qty map[int64]money.Qty) {
	qty = map[int64]money.Qty{}
	for _, e := range b.all {
		if day := dte.DateOf(e.at); day.Before(from) || to.Before(day) || e.sign == 0 {
			continue
		}
		sign := int64(e.sign)
		t.Total += money.Pesos(sign * e.total)
		t.Neto += money.Pesos(sign * e.neto)
		t.Exento += money.Pesos(sign * e.exento)
		t.IVA += money.Pesos(sign * e.iva)
		switch {
		case sign < 0:
			t.Credits++
			t.Credited += money.Pesos(e.total)
		case e.tipo != 56:
			t.Sales++
			t.Sold += money.Pesos(e.total)
		}
		for _, l := range e.lines {
			qty[l.product] += 0
			if (e.tipo == 61 || e.tipo == 56) && !l.restock {
				continue
			}
			t.Cost += money.Price(sign * millionths(l.unitCost, l.qty))
			qty[l.product] += money.Qty(sign * l.qty)
		}
	}
	return t, qty
}

// millionths are a millionth of a times b.
func millionths(a, b int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	product, _ := bits.Div64(high, low, 1_000_000)
	return int64(product)
}

// report asks the server.
func (b *books) report(from, to dte.Date) (t central.Totals, list []central.ProductSales) {
	b.Helper()
	err := b.db.EnterCompany(b.Context(), b.session.ID, 0, func(c *central.Call) (err error) {
		t, list, err = c.Report(from, to, central.Page{})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return t, list
}

// agree compares what the server says of some days with the books, and its products with its totals.
func (b *books) agree(from, to dte.Date) {
	b.Helper()
	want, qty := b.expected(from, to)
	got, list := b.report(from, to)
	if got != want {
		b.Errorf("%s to %s: %+v, want %+v", from, to, got, want)
	}
	var total money.Pesos
	var margin money.Price
	for _, p := range list {
		total, margin = total+p.Total, margin+p.Margin
		if p.Qty != qty[p.Product.ID] || p.Product.Nombre != fmt.Sprintf("Producto %d", p.Product.ID) {
			b.Errorf("%s to %s, %q: %s, want %s", from, to, p.Product.Nombre, p.Qty, qty[p.Product.ID])
		}
	}
	if len(list) != len(qty) || total != want.Total || margin != want.Margin() {
		b.Errorf("%s to %s: %d products, total %d, margin %d; want %d, %d, %d", from, to, len(list), total, margin, len(qty), want.Total, want.Margin())
	}
}

func (b *books) closeDays() int {
	b.Helper()
	n, err := b.db.CloseDays(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func day(y int, m time.Month, d int) dte.Date { return dte.Date{Year: y, Month: m, Day: d} }

// Sums that were rolled up equal those read live and those of the books, around both changes of the clock, with days closed
// in any state.
func TestRolledUpDaysEqualLiveOnes(t *testing.T) {
	b := newBooks(t)
	seed := uint64(20260905)
	r := rand.New(rand.NewPCG(seed, 1))
	// In 2026 the clocks go back at the end of 4 April and forward at the end of 5 September.
	b.clock.Advance(time.Date(2026, 4, 1, 9, 0, 0, 0, dte.Santiago).Sub(b.clock.Now()))
	var days []dte.Date
	for n := range 9 {
		days = append(days, dte.DateOf(time.Date(2026, 4, 1+n, 12, 0, 0, 0, time.UTC)), dte.DateOf(time.Date(2026, 9, 2+n, 12, 0, 0, 0, time.UTC)))
	}
	slices.SortFunc(days, func(a, b dte.Date) int { return strings.Compare(a.String(), b.String()) })
	for _, d := range days {
		b.clock.Advance(time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, dte.Santiago).Sub(b.clock.Now()))
		b.login()
		start := time.Date(d.Year, d.Month, d.Day, 3, 0, 0, 0, time.UTC)
		for range 5 {
			// Any second of the 26 hours in which the day is today somewhere in Chile's two offsets.
			b.write(random(r, start.Add(time.Duration(r.IntN(26*3600))*time.Second)))
		}
		for range 2 {
			from, to := days[r.IntN(len(days))], days[r.IntN(len(days))]
			if to.Before(from) {
				from, to = to, from
			}
			b.agree(from, to)
			b.agree(d, d)
		}
		if r.IntN(2) == 0 {
			b.closeDays()
		}
	}
	// All closed, then each day and all of them again.
	b.clock.Advance(48 * time.Hour)
	b.login()
	b.closeDays()
	var closed int
	if err := b.conn.QueryRow(t.Context(), "select count(*) from day_closed where day between '2026-09-02' and '2026-09-10'").Scan(&closed); err != nil || closed != 9 {
		t.Errorf("%d of 9 days closed: %v", closed, err)
	}
	for _, d := range days {
		b.agree(d, d)
	}
	b.agree(days[0], days[len(days)-1])
	if n := b.closeDays(); n != 0 {
		t.Errorf("%d days closed twice", n)
	}
}

// A sale whose products of sums do not fit in 64 bits is added up all the same.
func TestReportsOfAGreatSale(t *testing.T) {
	b := newBooks(t)
	b.write(entry{
		tipo: 33, sign: 1, at: b.clock.Now(), neto: 8_000_000_001, iva: 1_520_000_000, total: 9_520_000_001,
		lines: []entryLine{
			{product: 1, qty: 12_345_678_901_234, net: 5_000_000_002, unitCost: 987_654_321},
			{product: 2, qty: 999_999_999_000_000, net: 2_999_999_999, unitCost: 999_999},
		},
	})
	today := dte.DateOf(b.clock.Now())
	b.agree(today, today)
}

// The day of 23 hours begins at 01:00, the one of 25 ends an hour later than it seems.
func TestDaysAreChilean(t *testing.T) {
	b := newBooks(t)
	b.clock.Advance(time.Date(2026, 4, 1, 9, 0, 0, 0, dte.Santiago).Sub(b.clock.Now()))
	b.login()
	for utc, want := range map[string]dte.Date{
		"2026-04-05T02:59:59Z": day(2026, 4, 4), // 23:59:59 for the first time
		"2026-04-05T03:00:00Z": day(2026, 4, 4), // 23:00 again
		"2026-04-05T03:59:59Z": day(2026, 4, 4),
		"2026-04-05T04:00:00Z": day(2026, 4, 5),
		"2026-09-06T03:59:59Z": day(2026, 9, 5),
		"2026-09-06T04:00:00Z": day(2026, 9, 6), // 01:00, a second after 23:59:59
		"2026-11-21T02:59:59Z": day(2026, 11, 20),
		"2026-11-21T03:00:00Z": day(2026, 11, 21),
	} {
		at, err := time.Parse(time.RFC3339, utc)
		if err != nil {
			t.Fatal(err)
		}
		b.write(entry{tipo: 39, sign: 1, at: at, neto: 1000, iva: 190, total: 1190, lines: []entryLine{{product: 1, qty: 1_000_000, net: 1000}}})
		for n := -1; n <= 1; n++ {
			d := dte.DateOf(time.Date(want.Year, want.Month, want.Day+n, 12, 0, 0, 0, time.UTC))
			b.agree(d, d)
		}
		if want != dte.DateOf(at) {
			t.Errorf("%s is not of %s", utc, want)
		}
	}
}

// A sale that comes into a day after it was closed is not lost: it opens the day again.
func TestALateSaleOpensItsDay(t *testing.T) {
	b := newBooks(t)
	r := rand.New(rand.NewPCG(1, 2))
	yesterday := centraltest.Start.AddDate(0, 0, -1)
	for range 10 {
		b.write(random(r, yesterday))
	}
	if n := b.closeDays(); n != 1 {
		t.Fatalf("%d days closed", n)
	}
	for range 3 {
		b.write(random(r, yesterday.Add(time.Hour)))
		b.agree(dte.DateOf(yesterday), dte.DateOf(yesterday))
	}
	if n := b.closeDays(); n != 1 {
		t.Fatalf("%d days closed", n)
	}
	b.agree(dte.DateOf(yesterday), dte.DateOf(yesterday))
}

// A sale under way keeps its day open: who closes the day waits until it is there, or is not.
func TestClosingWaitsForSalesUnderWay(t *testing.T) {
	for _, committed := range []bool{true, false} {
		b := newBooks(t)
		r := rand.New(rand.NewPCG(1, 2))
		yesterday := centraltest.Start.AddDate(0, 0, -1)
		b.write(random(r, yesterday))
		late := entry{tipo: 39, sign: 1, at: yesterday, neto: 1000, iva: 190, total: 1190, lines: []entryLine{{product: 1, qty: 1_000_000, net: 1000}}}
		b.exec("begin")
		b.write(late)
		var wg sync.WaitGroup
		wg.Go(func() { b.closeDays() })
		b.awaitLock()
		if committed {
			b.exec("commit")
		} else {
			b.exec("rollback")
			b.all = b.all[:1]
		}
		wg.Wait()
		b.agree(dte.DateOf(yesterday), dte.DateOf(yesterday))
	}
}

// awaitLock returns when somebody waits for an advisory lock, or when nobody will.
func (b *books) awaitLock() {
	b.Helper()
	watcher := centraltest.Superuser(b.T, b.db)
	for deadline := time.After(5 * time.Second); ; {
		var waiting bool
		if err := watcher.QueryRow(b.Context(), "select exists (select from pg_locks where locktype = 'advisory' and not granted)").Scan(&waiting); err != nil {
			b.Fatal(err)
		}
		if waiting {
			return
		}
		select {
		case <-deadline:
			b.Error("nobody waits for the sale")
			return
		default:
		}
	}
}

// Several servers close the same days at once: each is added up once.
func TestClosingAtTheSameTime(t *testing.T) {
	b := newBooks(t)
	r := rand.New(rand.NewPCG(3, 4))
	last := dte.DateOf(centraltest.Start)
	for n := range 20 {
		b.write(random(r, centraltest.Start.AddDate(0, 0, -n)))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { b.closeDays() })
	}
	wg.Wait()
	for n := range 20 {
		d := dte.DateOf(centraltest.Start.AddDate(0, 0, -n))
		b.agree(d, d)
	}
	b.agree(day(2026, 10, 1), last)
}

func TestWhenADayBegins(t *testing.T) {
	for d, want := range map[dte.Date]string{
		day(2026, 9, 5): "2026-09-05T00:00:00-04:00", day(2026, 9, 6): "2026-09-06T01:00:00-03:00", day(2026, 9, 7): "2026-09-07T00:00:00-03:00",
		day(2026, 4, 4): "2026-04-04T00:00:00-03:00", day(2026, 4, 5): "2026-04-05T00:00:00-04:00",
	} {
		if got := central.Begins(d).Format(time.RFC3339); got != want {
			t.Errorf("%s begins at %s, want %s", d, got, want)
		}
	}
}

func TestPeriods(t *testing.T) {
	for _, test := range []struct {
		period        string
		day, from, to dte.Date
	}{
		{"day", day(2026, 11, 20), day(2026, 11, 20), day(2026, 11, 20)},
		{"week", day(2026, 11, 20), day(2026, 11, 16), day(2026, 11, 22)},
		{"week", day(2026, 11, 16), day(2026, 11, 16), day(2026, 11, 22)},
		{"week", day(2026, 11, 22), day(2026, 11, 16), day(2026, 11, 22)},
		{"week", day(2027, 1, 1), day(2026, 12, 28), day(2027, 1, 3)},
		{"month", day(2028, 2, 29), day(2028, 2, 1), day(2028, 2, 29)},
		{"month", day(2026, 12, 31), day(2026, 12, 1), day(2026, 12, 31)},
	} {
		if from, to := central.PeriodOf(test.period, test.day); from != test.from || to != test.to {
			t.Errorf("%s of %s: %s to %s", test.period, test.day, from, to)
		}
	}
}

// Nobody has to ask: a server that does jobs closes the days that are over.
func TestAServerClosesDays(t *testing.T) {
	b := newBooks(t)
	b.write(random(rand.New(rand.NewPCG(5, 6)), centraltest.Start.AddDate(0, 0, -2)))
	stop, err := b.db.Work(t.Context(), slog.New(slog.DiscardHandler), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		var closed int
		if err := b.conn.QueryRow(t.Context(), "select count(*) from day_closed").Scan(&closed); err != nil {
			t.Fatal(err)
		}
		if closed == 2 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d days closed", closed)
		}
	}
}
