package shop

import (
	"errors"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// exec does what it says to the company's tables.
func (v *served) exec(sql string, args ...any) {
	v.t.Helper()
	_, err := v.conn.Exec(v.t.Context(), "set search_path = "+v.schema+", extensions")
	must(v.t, err)
	_, err = v.conn.Exec(v.t.Context(), sql, args...)
	must(v.t, err)
}

// fill gives the company n products.
func (v *served) fill(n int) {
	v.exec(`insert into product (codigo_interno, nombre, precio_neto, codigo_barras, updated_at)
		select 'N' || n, 'Producto número ' || n, 100 + n % 5000, 'B' || n, now() from generate_series(1, $1::int) n`, n)
}

// costs is what a till sells: code and price.
func costs(t testing.TB, s *Shop) map[string]money.Price {
	t.Helper()
	list, err := s.Store.Products()
	must(t, err)
	all := map[string]money.Price{}
	for _, p := range list {
		all[p.Codigo] = p.Prc
	}
	return all
}

// quotes is what one of a product costs at the counter, for a customer of a list or for everybody.
func quotes(t testing.TB, f Fresh, code, list string) money.Pesos {
	t.Helper()
	r, err := sale.NewRegister(sale.Deps{Shop: sale.Shop{}, Journal: sale.NewMemory(), Catalogue: f.Catalogue, Prices: f.Prices, Now: dtetest.Now, Rand: strings.NewReader(strings.Repeat("x", 1000))})
	must(t, err)
	if list != "" {
		must(t, r.Choose(sale.Choice{Lists: []string{list}}))
	}
	l, err := r.Quote(code)
	must(t, err)
	return l.Total
}

// What is changed at the server is sold by at each till, told to its counter once, and what a till makes is at the others: prices
// to the peso, customers without loss. What was sold before anybody joined puts nothing on sale.
func TestOnePriceAtAllTills(t *testing.T) {
	v := newServed(t)
	first := opened(t, v.branch())
	ownFolios(t, first)
	sells(t, first) // of a product whose price is another since
	must(t, first.Store.PutProducts([]sale.Product{
		{Codigo: "PAN", Nombre: "Pan", Prc: money.PerUnit(1_290), Favorito: true},
		{Codigo: "TE", Nombre: "Té", Prc: money.PerUnit(1_005), Codigos: []sale.Code{{Codigo: "7801234567894"}}},
	}))
	must(t, first.Store.PutCustomers(v.clock.Now(), sale.Customer{RUT: 76543210, RznSoc: "Aromos", Giro: "Flores"}))
	v.joins(first, "Caja 1", v.url)
	v.settles(first)

	var told []Fresh
	o := v.branch()
	o.News = func(f Fresh) { told = append(told, f) }
	second := opened(t, o)
	must(t, second.Store.PutCustomers(v.clock.Now(), sale.Customer{RUT: 76543210, RznSoc: "Aromos Limitada", Telefono: "221234567"}))
	v.joins(second, "Caja 2", v.url)
	v.settles(second)
	v.settles(first)
	v.settles(second)
	want := map[string]money.Price{"PAN": money.PerUnit(1_290), "TE": money.PerUnit(1_005)}
	for _, s := range []*Shop{first, second} {
		if got := costs(t, s); !maps.Equal(got, want) {
			t.Errorf("it sells %v, want %v", got, want)
		}
		c, err := s.Store.Customer(76543210)
		if err != nil || c.RznSoc != "Aromos" || c.Giro != "Flores" || s == second && c.Telefono == "" {
			t.Errorf("the customer is %+v, %v", c, err)
		}
	}
	var said string
	if v.reads("select said->>'razonSocial' from proposal where kind = 'cliente'", &said); said != "Aromos Limitada" {
		t.Errorf("what the second till said otherwise: %q", said)
	}

	n := len(told)
	v.call(func(c *central.Call) error {
		p, err := c.ProductByCode("PAN")
		if err != nil {
			return err
		}
		if _, err := c.ChangeProduct(p.ID, func(p *central.Product) { p.PrecioNeto = 2000 }); err != nil {
			return err
		}
		list, err := c.CreatePriceList(central.PriceList{Name: "Almaceneros"})
		if err != nil {
			return err
		}
		if _, _, err := c.SetPrices(list.ID, []central.ListedPrice{{ProductID: p.ID, Price: 3000}}); err != nil {
			return err
		}
		_, err = c.SetPromotions(`{"version": 1, "reglas": [{"nombre": "Té", "tipo": "precio", "productos": ["TE"], "precio": "900"}]}`)
		return err
	})
	v.clock.Advance(time.Minute)
	v.settles(second)
	if len(told) != n+1 {
		t.Fatalf("the counter was told %d times", len(told)-n)
	}
	f := told[n]
	for _, q := range []struct {
		code, list string
		want       money.Pesos
	}{{"PAN", "", 2380}, {"PAN", "almaceneros", 3570}, {"7801234567894", "", 900}} {
		if got := quotes(t, f, q.code, q.list); got != q.want {
			t.Errorf("%s costs %s on %q, want %s", q.code, got, q.list, q.want)
		}
	}
	if at := second.Server().PricesAt; !at.Equal(v.clock.Now()) {
		t.Errorf("prices as of %v, want %v", at, v.clock.Now())
	}
	v.settles(second)
	if len(told) != n+1 {
		t.Error("the counter is told of news that are none")
	}

	// A product that the counter made between the reading and the telling is not lost.
	if _, err := second.AddProduct(f.Catalogue, sale.Product{Codigo: "NUEVO", Nombre: "Nuevo", Prc: money.PerUnit(10)}); err != nil {
		t.Fatal(err)
	}
	if _, ok := second.Current(f).Catalogue.ByCode("NUEVO"); !ok {
		t.Error("a product that was made meanwhile is gone")
	}
	v.settles(second)
	v.settles(first)
	if got := costs(t, first)["NUEVO"]; got != money.PerUnit(10) {
		t.Errorf("what the other till made costs %s here", got)
	}
	v.quiet()
	healthy(t, first)
	healthy(t, second)
}

// A product that is only in old sales is known at the server, and sold by nobody again.
func TestOldSalesPutNothingOnSale(t *testing.T) {
	v := newServed(t)
	s := opened(t, v.branch())
	ownFolios(t, s)
	sells(t, s)
	must(t, s.Store.ReplaceProducts([]sale.Product{{Codigo: "TE", Nombre: "Té", Prc: money.PerUnit(900)}}))
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	v.settles(s)
	if got := costs(t, s); !maps.Equal(got, map[string]money.Price{"TE": money.PerUnit(900)}) {
		t.Errorf("it sells %v", got)
	}
	var known, sold int
	if v.reads("select count(*), count(*) filter (where is_active) from product where codigo_interno = 'PAN'", &known, &sold); known != 1 || sold != 0 {
		t.Errorf("the server knows %d and sells %d", known, sold)
	}
}

// A program that ends between two pages goes on where it was. What it refuses is known at the server, and a person here is told of it
// until the server says better.
func TestTheLoadGoesOnAfterAnEnd(t *testing.T) {
	const many = 2*api.MostNews + 300
	v := newServed(t)
	v.fill(many)
	v.exec("update product set precio_neto = 0 where codigo_interno = 'N7'")
	o := v.branch()
	s := opened(t, o)
	v.joins(s, "Caja 1", v.url)
	var pulls atomic.Int64
	v.between(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/pull") && pulls.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		on.ServeHTTP(w, r)
	})
	pages := 0
	for {
		_, err := s.SyncServer(t.Context())
		if err == nil {
			break
		}
		if e, ok := errors.AsType[*api.Error](err); !ok || !e.Down || pages > 5 {
			t.Fatal(err)
		}
		pages++
		must(t, s.Close())
		s = opened(t, o)
	}
	v.between(nil)
	if pages != 2 {
		t.Errorf("%d pages were cut off", pages)
	}
	v.settles(s)
	if got := costs(t, s); len(got) != many || got["N1"] != money.PerUnit(120) {
		t.Errorf("%d products, N1 costs %s", len(got), got["N1"])
	}
	var text string
	v.reads("select text from alarm where kind = 'novedades'", &text)
	if !strings.Contains(text, "producto N7") {
		t.Errorf("the server knows: %q", text)
	}

	must(t, s.Close())
	s = opened(t, o)
	if told := unbelieved(t, s); len(told) != 1 || !strings.Contains(told[0].Text, "Producto N7: ") {
		t.Errorf("after a restart a person is told %+v", told)
	}
	v.exec("update product set precio_neto = 100 where codigo_interno = 'N7'")
	v.clock.Advance(time.Minute)
	v.settles(s)
	if told := unbelieved(t, s); len(told) != 0 || costs(t, s)["N7"] != money.PerUnit(119) {
		t.Errorf("N7 was mended and costs %s; a person is told %+v", costs(t, s)["N7"], told)
	}
	healthy(t, s)
}

// unbelieved are the tasks about news that a till did not take.
func unbelieved(t *testing.T, s *Shop) []sale.Alarm {
	t.Helper()
	alarms, err := s.Alarms()
	must(t, err)
	return slices.DeleteFunc(alarms, func(a sale.Alarm) bool { return !a.Task || a.Kind != sale.AlarmServer })
}

// The first load of a catalogue as a shop has it, over HTTP into the till's file, and a change of it.
func BenchmarkNews(b *testing.B) {
	const many = 100_000
	for b.Loop() {
		v := newServed(b)
		v.fill(many)
		v.exec("analyze product")
		o := v.branch()
		var told Fresh
		o.News = func(f Fresh) { told = f }
		s := opened(b, o)
		v.joins(s, "Caja 1", v.url)
		start := time.Now()
		v.settles(s)
		b.ReportMetric(time.Since(start).Seconds(), "s/load")
		if told.Catalogue.(*sale.MemCatalogue).Len() != many+1 {
			b.Fatalf("%d products", told.Catalogue.(*sale.MemCatalogue).Len())
		}
		told = Fresh{}
		runtime.GC()
		v.exec("update product set precio_neto = precio_neto + 10 where id % 1000 = 0")
		start = time.Now()
		v.settles(s)
		b.ReportMetric(time.Since(start).Seconds(), "s/delta")
		if told.Catalogue == nil {
			b.Fatal("the counter was not told")
		}
		b.ReportMetric(0, "ns/op")
	}
}
