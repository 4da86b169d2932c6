package shop

import (
	"maps"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/store"
)

// soldOf is how much of a product is sold, and for what.
type soldOf struct {
	qty   money.Qty
	total money.Pesos
}

// ownReport adds up what the records of a till say of each product.
type ownReport struct {
	t     testing.TB
	sales map[dte.Key]sale.Record
	sold  map[string]soldOf
}

func (y *ownReport) add(l sale.Line, qty money.Qty, total money.Pesos) {
	per := l.Contenido
	if per == 0 {
		per = money.One
	}
	units, err := money.Share(money.Pesos(qty), int64(per), int64(money.One))
	must(y.t, err)
	was := y.sold[l.Codigo]
	y.sold[l.Codigo] = soldOf{was.qty + money.Qty(units), was.total + total}
}

// all adds lines, or takes them away.
func (y *ownReport) all(lines []sale.Line, by int64) {
	for _, l := range lines {
		y.add(l, l.Qty*money.Qty(by), l.Total*money.Pesos(by))
	}
}

// back takes away what came back for something else, or gives it again.
func (y *ownReport) back(r sale.Record, by int64) {
	for _, l := range r.Returned {
		y.add(y.sales[l.Of].Lines[l.Line-1], l.Qty*money.Qty(by), l.Worth*money.Pesos(by))
	}
}

func (y *ownReport) count(e store.Entry) {
	r := e.Sold.Record
	y.sales[r.Key] = r
	switch {
	case r.Key.Tipo == sale.DevolucionComprobante || r.Key.Tipo == sale.DevolucionSinBoleta:
		y.all(r.Lines, -1)
	case r.Key.Tipo != dte.NotaCredito:
		y.all(r.Lines, 1)
		y.back(r, -1)
	case len(r.Taken) > 0:
		y.all(r.Taken, 1)
		y.back(r, -1)
	case len(y.sales[r.Returned[0].Of].Returned) > 0: // it annuls an exchange
		of := y.sales[r.Returned[0].Of]
		y.all(of.Lines, -1)
		y.back(of, 1)
	default:
		doc, err := dte.Parse(e.Sold.XML)
		must(y.t, err)
		for i, l := range r.Returned {
			y.add(y.sales[l.Of].Lines[l.Line-1], -l.Qty, -doc.Montos[i])
		}
	}
}

func talliedOf(t testing.TB, s *Shop) map[string]soldOf {
	t.Helper()
	chunk, err := s.Store.Chunk(store.Point{}, store.Bounds{Entries: 10_000, Bytes: 1 << 30})
	must(t, err)
	y := &ownReport{t, map[dte.Key]sale.Record{}, map[string]soldOf{}}
	for _, e := range chunk.Entries {
		if e.Sold != nil {
			y.count(e)
		}
	}
	return y.sold
}

// reported is the server's product report of a day, and that it adds up to the sum of the documents.
func (v *served) reported(day dte.Date) map[string]soldOf {
	v.t.Helper()
	sold := map[string]soldOf{}
	v.call(func(c *central.Call) error {
		totals, list, err := c.Report(day, day, central.Page{})
		var sum money.Pesos
		margin := money.Price(0)
		for _, p := range list {
			sold[p.Product.SKU] = soldOf{p.Qty, p.Total}
			sum, margin = sum+p.Total, margin+p.Margin
		}
		if sum != totals.Total || margin != totals.Margin() {
			v.t.Errorf("the products add up to %s, margin %d; the documents to %s, margin %d", sum, margin, totals.Total, totals.Margin())
		}
		return err
	})
	return sold
}

// returns takes a line of a sale back.
func (d *day) returns(id sale.ID, of sale.Record, line int) {
	d.t.Helper()
	_, err := d.r.TakeBack(sale.Return{ID: id, Reason: "roto", Lines: d.back(of, line)})
	d.must(err)
}

// A till sells, exchanges for dearer, cheaper and equal goods, takes back with and without documents, annuls an exchange and closes:
// product by product the server's report of the day says what the till's own records say, whether the day is closed or not.
func TestTheServersProductReportIsTheTills(t *testing.T) {
	v := newServed(t)
	s := opened(t, v.branch())
	ownFolios(t, s)
	v.joins(s, "Caja 1", v.url)
	d := newDay(t, s, v.clock.Advance)
	d.must(s.Store.PutProducts([]sale.Product{ // whole net prices: nothing is rounded
		{Codigo: "A", Nombre: "Polera", Prc: money.PerUnit(11_900), Codigos: []sale.Code{{Codigo: "A6", Qty: money.Units(6), Prc: money.PerUnit(59_500), Nombre: "Polera, seis"}}},
		{Codigo: "B", Nombre: "Pantalón", Prc: money.PerUnit(17_850)},
		{Codigo: "C", Nombre: "Calcetín", Unidad: "par", Prc: money.PerUnit(3_570)},
		{Codigo: "D", Nombre: "Bufanda", Prc: money.PerUnit(11_900)},
		{Codigo: "L", Nombre: "Libro", Prc: money.PerUnit(4_000), Exento: true},
		{Codigo: "M", Nombre: "Mapa", Prc: money.PerUnit(4_500), Exento: true},
	}))
	deps, err := s.Deps()
	must(t, err)
	d.r, err = sale.NewRegister(deps)
	must(t, err)
	d.must(d.r.OpenShift(100_000))
	today := dte.DateOf(v.clock.Now())
	costs := func() { // so that margins are of something
		_, err := v.conn.Exec(t.Context(), "set search_path = "+v.schema+"; update product set costo_unitario = 1000000 * (100 + id)")
		must(t, err)
	}
	agree := func(what string) {
		t.Helper()
		v.settles(s)
		if got, want := v.reported(today), talliedOf(t, s); !maps.Equal(got, want) {
			t.Errorf("%s: the server reports %v, the till's records say %v", what, got, want)
		}
	}
	plain := d.sells("5*A", "C", "L")
	agree("sold")
	costs()
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"for dearer", func() { d.exchanges(plain, "B", false, inCash) }},
		{"for cheaper", func() { d.exchanges(plain, "C", false) }},
		{"for as much", func() { d.exchanges(plain, "D", false) }},
		{"two for dearer", func() {
			of := d.sells("2*A", "B")
			d.must(d.r.BeginExchange(sale.Return{Reason: "otra talla", Lines: []sale.ReturnedLine{{Of: of.Key, Line: 1, Qty: money.Units(2), Restock: true}, {Of: of.Key, Line: 2, Qty: money.One, Restock: true}}}))
			d.scan("4*B", "C")
			d.pays(inCash)
		}},
		{"without IVA", func() { d.exchanges(d.sells("L"), "M", false, inCash) }},
		{"packs", func() {
			d.sells("A6")
			d.exchanges(d.sells("A6"), "B", true)
		}},
		{"a return", func() { d.returns("vuelve", plain, 2) }},
		{"a voucher and back", func() {
			d.must(d.r.SetModelo(sale.ModeloVoucher))
			d.scan("A", "B")
			by := d.pays(sale.Tender{Method: sale.Debito, Reference: "009"})
			d.must(d.r.SetModelo(sale.ModeloBoleta))
			_, err := d.r.TakeBack(sale.Return{ID: "comprobante", Reason: "roto", Lines: d.back(by, 1), AsVale: true})
			d.must(err)
		}},
		{"without a boleta", func() {
			d.scan("C")
			d.must(d.r.TakeBackWithout("regalo", false))
			d.r.Next()
		}},
		{"an exchange that is undone", func() {
			first := d.sells("A")
			swapped := d.exchanges(first, "B", false, inCash)
			agree("for dearer again")
			d.returns("deshecho", swapped, 1)
			agree("undone")
			d.returns("tras deshacer", first, 1)
		}},
	} {
		step.do()
		agree(step.what)
	}
	d.passes(time.Hour)
	_, err = d.r.CloseShift(60_000)
	d.must(err)
	agree("closed")
	v.quiet()
	if sold := v.reported(today); sold["A"].qty <= 0 {
		t.Errorf("the day is about nothing: %v", sold)
	}
	v.clock.Advance(48 * time.Hour)
	if _, err := v.db.CloseDays(t.Context()); err != nil {
		t.Fatal(err)
	}
	login, err := v.db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password)
	must(t, err)
	v.session = login.ID
	agree("the day is closed")
	healthy(t, s)
}
