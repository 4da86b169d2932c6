package central_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/money"
)

// ear is a till that hears the news: what it knows, and up to where.
type ear struct {
	*school
	token    string
	cursor   string
	products map[string]api.Product
	people   map[string]api.Person
	clients  map[dte.RUT]api.Customer
	emisor   dte.Emisor
	rules    *string
}

func (s *school) ear(name string) *ear {
	return &ear{school: s, token: s.join(name).token, products: map[string]api.Product{}, people: map[string]api.Person{}, clients: map[dte.RUT]api.Customer{}}
}

// page asks for one, and takes it in as a till does.
func (e *ear) page() api.News {
	e.t.Helper()
	var n api.News
	err := e.db.EnterTill(e.t.Context(), e.token, func(c *central.Call) (err error) {
		n, err = c.Pull(e.cursor)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	if rows := len(n.Products) + len(n.Customers) + len(n.People); rows > api.MostNews {
		e.t.Fatalf("a page of %d", rows)
	}
	if n.Anew {
		clear(e.products)
		clear(e.clients)
	}
	e.cursor = n.Cursor
	for _, p := range n.Products {
		e.products[p.Codigo] = p
		if p.Deleted {
			delete(e.products, p.Codigo)
		}
	}
	for _, c := range n.Customers {
		e.clients[c.RUT] = c
		if c.Deleted {
			delete(e.clients, c.RUT)
		}
	}
	for _, p := range n.People {
		e.people[p.Name] = p
	}
	if n.Settings != nil {
		e.emisor = n.Settings.Emisor
	}
	if n.Promotions != nil {
		e.rules = n.Promotions
	}
	return n
}

// hear takes in all there is, and returns the pages.
func (e *ear) hear() (pages []api.News) {
	e.t.Helper()
	for more := true; more; {
		n := e.page()
		pages, more = append(pages, n), n.More
	}
	return pages
}

func (e *ear) hasNews() (there bool) {
	e.t.Helper()
	err := e.db.EnterTill(e.t.Context(), e.token, func(c *central.Call) (err error) {
		there, err = c.HasNews(e.cursor)
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return there
}

// wantAll compares what the till knows with the server's own lists: what is sold, at which prices, and to whom.
func (e *ear) wantAll() {
	e.t.Helper()
	want := map[string]string{}
	e.call(func(c *central.Call) error {
		products, err := c.Products(central.Page{})
		if err != nil {
			return err
		}
		lists, err := c.PriceLists(central.Page{})
		if err != nil {
			return err
		}
		listed := map[int64]map[string]money.Pesos{}
		for _, l := range lists {
			_, prices, err := c.PriceList(l.ID)
			if err != nil {
				return err
			}
			for _, p := range prices {
				if listed[p.ProductID] == nil {
					listed[p.ProductID] = map[string]money.Pesos{}
				}
				listed[p.ProductID][l.Name] = p.Price
			}
		}
		for _, p := range products {
			if !p.IsActive || len(p.Variants) > 0 {
				continue
			}
			gross := map[string]money.Price{}
			for list, net := range listed[p.ID] {
				gross[list] = money.PerUnit(central.Product{PrecioNeto: net, Tax: p.Tax}.PrecioBruto())
			}
			want[p.SKU] = fmt.Sprint(p.FullName(), money.PerUnit(p.PrecioBruto()), gross)
		}
		return nil
	})
	got := map[string]string{}
	for code, p := range e.products {
		if p.Prices == nil {
			p.Prices = map[string]money.Price{}
		}
		got[code] = fmt.Sprint(p.Nombre, p.Prc, p.Prices)
	}
	if !maps.Equal(got, want) {
		for code := range want {
			if got[code] != want[code] {
				e.t.Errorf("%s: the till has %q, the server %q", code, got[code], want[code])
			}
		}
		e.t.Errorf("the till has %d products, the server %d", len(got), len(want))
	}
	e.wantCustomers()
}

func (e *ear) wantCustomers() {
	e.t.Helper()
	e.call(func(c *central.Call) error {
		list, err := c.Customers(central.Page{})
		n := 0
		for _, want := range list {
			got, there := e.clients[want.RUT]
			if want.RUT == central.SinNombre || !want.IsActive {
				if there {
					e.t.Errorf("the till has %v", got)
				}
				continue
			}
			n++
			if !there || got.RznSoc != want.RazonSocial || *got.Balance != want.Balance {
				e.t.Errorf("the till has %+v, the server %+v", got, want)
			}
		}
		if n != len(e.clients) {
			e.t.Errorf("the till has %d customers, the server %d", len(e.clients), n)
		}
		return err
	})
}

// codes of the products in pages.
func codes(pages []api.News) (list []string) {
	for _, n := range pages {
		for _, p := range n.Products {
			list = append(list, p.Codigo)
		}
	}
	slices.Sort(list)
	return list
}

// What changes a price or a name at a till is news, once; stock and cost are none.
func TestNewsAreWhatChangedForTills(t *testing.T) {
	s := newSchool(t)
	var family central.Product
	var list central.PriceList
	s.call(func(c *central.Call) (err error) {
		if family, err = c.CreateFamily(central.Product{Nombre: "Polera", PrecioNeto: 5000, Unidad: "unidad"},
			[]central.Product{{Nombre: "S", PrecioNeto: 5000, Unidad: "unidad"}, {Nombre: "M", PrecioNeto: 5000, Unidad: "unidad"}}); err != nil {
			return err
		}
		if _, err = c.CreateProduct(central.Product{SKU: "QUESO", Nombre: "Queso", PrecioNeto: 8395, Unidad: "Kg"}); err != nil {
			return err
		}
		list, err = c.CreatePriceList(central.PriceList{Name: "Almaceneros"})
		return err
	})
	e := s.ear("Caja 1")
	first := e.hear()
	if len(first) != 1 || !first[0].Anew || e.emisor.RUT != s.company.RUT || e.products["QUESO"].Unidad != "kg" || e.products["P1"].Unidad != "" {
		t.Errorf("the first page: %+v", first[0])
	}
	if v := e.products[family.SKU+"-V01"]; v.Nombre != "Polera S" || v.Familia != "Polera" || v.Variante != "S" || e.people["Persona a"+s.company.RUT.Number()+"@ejemplo.cl"].Role != "dueño" {
		t.Errorf("a variant is %+v, people are %v", v, e.people)
	}
	e.wantAll()
	if e.hasNews() {
		t.Error("there are news at once")
	}

	pan := func(edit func(*central.Product)) func(*central.Call) error {
		return func(c *central.Call) error { _, err := c.ChangeProduct(1, edit); return err }
	}
	for _, step := range []struct {
		name string
		do   func(*central.Call) error
		want string // codes
	}{
		{"a price", pan(func(p *central.Product) { p.PrecioNeto = 1100 }), "P1"},
		{"the same price again", pan(func(p *central.Product) { p.PrecioNeto = 1100 }), ""},
		{"stock and cost", pan(func(p *central.Product) { p.Stock, p.Costo = 7*money.One, money.OnePeso }), ""},
		{"a sale", func(c *central.Call) error {
			sale := newSale(dte.Boleta)
			sale.Payments[0].Amount = 1310
			_, err := c.Sell(sale)
			return err
		}, ""},
		{"another code", pan(func(p *central.Product) { p.SKU = "PAN" }), "P1 PAN"},
		{"the code back", pan(func(p *central.Product) { p.SKU = "P1" }), "P1 PAN"},
		{"the family's name", func(c *central.Call) error {
			_, err := c.ChangeProduct(family.ID, func(p *central.Product) { p.Nombre = "Polera básica" })
			return err
		}, family.SKU + " " + family.SKU + "-V01 " + family.SKU + "-V02"},
		{"a price of a list", func(c *central.Call) error {
			_, _, err := c.SetPrices(list.ID, []central.ListedPrice{{ProductID: 1, Price: 900}})
			return err
		}, "P1"},
		{"the same list, and one more", func(c *central.Call) error {
			_, _, err := c.SetPrices(list.ID, []central.ListedPrice{{ProductID: 1, Price: 900}, {ProductID: family.Variants[0].ID, Price: 4000}})
			return err
		}, family.SKU + "-V01"},
		{"the list's name", func(c *central.Call) error {
			_, err := c.ChangePriceList(list.ID, func(l *central.PriceList) { l.Name = "Mayoristas" })
			return err
		}, "P1 " + family.SKU + "-V01"},
		{"no list", func(c *central.Call) error { return c.RemovePriceList(list.ID) }, "P1 " + family.SKU + "-V01"},
		{"one variant less", func(c *central.Call) error { return c.RemoveProduct(family.Variants[0].ID) }, family.SKU + " " + family.SKU + "-V01"},
		{"no variants: sold itself", func(c *central.Call) error { return c.RemoveProduct(family.Variants[1].ID) }, family.SKU + " " + family.SKU + "-V02"},
		{"a tax", func(c *central.Call) error {
			_, err := c.ChangeTax(1, func(t *central.Tax) { t.Rate = 0 })
			return err
		}, "P1"},
	} {
		s.call(step.do)
		if there := e.hasNews(); there != (step.want != "") {
			t.Errorf("%s: news: %v", step.name, there)
		}
		if got := strings.Join(codes(e.hear()), " "); got != step.want {
			t.Errorf("%s: news of %q, want %q", step.name, got, step.want)
		}
		e.wantAll()
	}
}

// Customers come with what they owe, under the RUT that they have now; rules come whole; people by what they may do.
func TestNewsOfCustomersPeopleAndRules(t *testing.T) {
	s := newSchool(t)
	e := s.ear("Caja 1")
	e.hear()
	const rut = 76543210
	s.call(func(c *central.Call) error {
		_, err := c.CreateCustomer(central.Customer{RUT: rut, RazonSocial: "Aromos"})
		return err
	})
	e.hear()
	if got := e.clients[rut]; *got.Limit != 100000 || *got.Balance != 0 {
		t.Errorf("a new customer: %+v", got)
	}
	s.exec("update customer set balance = 5000 where rut = $1", rut)
	s.call(func(c *central.Call) error {
		_, err := c.ChangeSettings(func(s *central.Settings) { s.CreditLimit = 20000 })
		return err
	})
	e.hear()
	if got := e.clients[rut]; *got.Limit != 20000 || *got.Balance != 5000 {
		t.Errorf("a debt: %+v", got)
	}
	s.call(func(c *central.Call) error {
		_, err := c.ChangeCustomer(rut, func(n *central.Customer) { n.RUT++ })
		return err
	})
	e.hear()
	e.wantAll()
	s.call(func(c *central.Call) error { return c.RemoveCustomer(rut + 1) })
	if !e.hasNews() {
		t.Error("that a customer is gone is no news")
	}
	e.hear()
	e.wantAll()

	if e.rules != nil {
		t.Errorf("rules that nobody wrote: %q", *e.rules)
	}
	const rules = `{"version": 1, "reglas": [{"nombre": "Club", "tipo": "rebaja", "todo": true, "pct": "5"}]}`
	s.call(func(c *central.Call) error {
		p, err := c.SetPromotions(rules)
		if p.Rules != 1 {
			t.Errorf("%d rules", p.Rules)
		}
		return err
	})
	e.hear()
	if e.rules == nil || *e.rules != rules {
		t.Errorf("rules: %v", e.rules)
	}
	for _, bad := range []string{"{", `{"version": 1, "reglas": [{"nombre": "x", "tipo": "rebaja", "todo": true}]}`, strings.Repeat(" ", 5<<20)} {
		err := s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error { _, err := c.SetPromotions(bad); return err })
		s.wantRefusal(err, central.Unprocessable)
	}

	s.exec("insert into person (name, role_id, rut) select 'Pedro', id, '12345678-5' from role where name = 'VENDEDOR'")
	s.exec("insert into person (name) values ('De una caja')")
	e.hear()
	if p := e.people["Pedro"]; p.Role != "cajero" || !p.Active || p.RUT != 12345678 {
		t.Errorf("who sells: %+v", p)
	}
	if _, there := e.people["De una caja"]; there {
		t.Error("who is known from a till comes back to it")
	}
	s.exec("update role set can_perform_returns = true where name = 'VENDEDOR'")
	e.hear()
	if p := e.people["Pedro"]; p.Role != "supervisor" {
		t.Errorf("who may do more now: %+v", p)
	}
}

// A transaction that began before others and commits after them is not missed: until it ends, nobody reads past it.
func TestAWriterThatCommitsLateIsNotMissed(t *testing.T) {
	s := newSchool(t)
	e := s.ear("Caja 1")
	e.hear()
	late := centraltest.Superuser(t, s.db)
	tx, err := late.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "set local search_path to "+s.company.Schema+", extensions; update product set precio_neto = 1500 where id = 1"); err != nil {
		t.Fatal(err)
	}
	s.exec("insert into product (codigo_interno, nombre, precio_neto, updated_at) values ('P2', 'Té', 2000, now())")
	e.hear() // what is here of the second one is as it may be
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !e.hasNews() {
		t.Error("what came late is no news")
	}
	e.hear()
	e.wantAll()
}

// A load of many pages goes on where it was cut, though one transaction made all of it, and though rows change on the way.
func TestALoadOfManyPages(t *testing.T) {
	s := newSchool(t)
	const many = 2*api.MostNews + 500
	s.exec(fmt.Sprintf("insert into product (codigo_interno, nombre, precio_neto, updated_at) select 'N' || n, 'Cosa ' || n, n, now() from generate_series(1, %d) n", many))
	e := s.ear("Caja 1")
	if n := e.page(); !n.More || len(n.Products) != api.MostNews {
		t.Errorf("the first page has %d", len(n.Products))
	}
	// One that was heard of, and one that was not.
	s.exec("update product set precio_neto = precio_neto + 1 where codigo_interno in ('N7', $1)", fmt.Sprint("N", many))
	s.exec("update product set is_deleted = true where codigo_interno in ('N8', $1)", fmt.Sprint("N", many-1))
	cursor := e.cursor
	e.page()
	e.cursor = cursor // the answer was lost
	e.hear()
	e.wantAll()
}

// While a till hears, people edit. When they have done, it has what they left.
func TestEditsWhileATillHears(t *testing.T) {
	const editors, edits = 8, 125
	s := newSchool(t)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, updated_at) select 'N' || n, 'Cosa ' || n, n, now() from generate_series(1, 300) n")
	e := s.ear("Caja 1")
	var group sync.WaitGroup
	for i := range editors {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range edits {
				err := s.db.EnterCompany(t.Context(), s.session, s.company.ID, func(c *central.Call) error {
					_, err := c.ChangeProduct(2+random.Int64N(300), func(p *central.Product) { p.PrecioNeto = money.Pesos(random.IntN(10000)) })
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for editing := true; editing; {
		select {
		case <-done:
			editing = false
		default:
		}
		if e.cursor == "" || e.hasNews() {
			e.page()
		}
	}
	e.hear()
	e.wantAll()
}

// A till that heard of a database which was lost hears anew from the one that was restored in its place, even where numbers
// of transactions begin again lower, and then of every change.
func TestARestoredServerIsHeardAnew(t *testing.T) {
	needDump(t)
	s := newSchool(t)
	dump := filepath.Join(t.TempDir(), "empresa.dump")
	pg(t, "pg_dump", "--format=custom", "--schema="+s.company.Schema, "--file="+dump, s.db.AdminURL)
	s.exec("insert into product (codigo_interno, nombre, precio_neto, updated_at) values ('P2', 'Té', 2000, now())")
	e := s.ear("Caja 1")
	token := e.till(s)
	e.hear()
	s.exec("drop schema " + s.company.Schema + " cascade")
	pg(t, "pg_restore", "--exit-on-error", "--single-transaction", "--dbname="+s.db.AdminURL, dump)
	token(s)
	// As if the old database had come much farther than this one ever will.
	s.exec("alter table product disable trigger all; update product set news = '900000000000'; alter table product enable trigger all")
	if !e.hasNews() {
		t.Error("a cursor of another generation is taken for one of this")
	}
	if n := e.page(); !n.Anew {
		t.Error("the load does not say that it begins anew")
	}
	e.wantAll()
	s.exec("update product set precio_neto = 1500 where id = 1")
	e.hear()
	e.wantAll()
	// What a stranger writes as a cursor is no cursor.
	for _, text := range []string{"x", "1:" + strings.Repeat(":", 7), strings.Replace(e.cursor, ":0.", ":ffffffffffff.", 1), strings.Repeat("9", 1000)} {
		e.cursor = text
		if n := e.page(); !n.Anew {
			t.Errorf("%q is taken for a place", text)
		}
	}
}

// till keeps a till's row, to be put back into a database that was restored.
func (e *ear) till(s *school) func(*school) {
	conn := centraltest.Superuser(s.t, s.db)
	var name string
	var token []byte
	err := conn.QueryRow(s.t.Context(), "select name, token from "+pgx.Identifier{s.company.Schema, "till"}.Sanitize()).Scan(&name, &token)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(s *school) {
		s.exec("insert into till (name, state, token, created_at, paired_at) values ($1, 'PAIRED', $2, now(), now())", name, token)
	}
}
