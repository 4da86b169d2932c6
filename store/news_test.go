package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func goods(code string, prc money.Pesos, codes ...string) NewsProduct {
	p := sale.Product{Codigo: code, Nombre: "Producto " + code, Prc: money.PerUnit(prc)}
	for _, c := range codes {
		p.Codigos = append(p.Codigos, sale.Code{Codigo: c})
	}
	return NewsProduct{Product: p}
}

// heard is a store of a shop that takes a page in, and its refusals.
func heard(t *testing.T, s *till, n News) []string {
	t.Helper()
	if n.Cursor == "" {
		n.Cursor = "c"
	}
	n.At = newsAt
	n.Check = func(rules string) error {
		if strings.Contains(rules, "malo") {
			return errors.New("regla 1: es mala")
		}
		return nil
	}
	refused, err := s.TakeNews(n)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, r := range refused {
		list = append(list, r.What+": "+r.Why)
	}
	return list
}

// onSale is what the shop sells, "code name price" each.
func onSale(t *testing.T, s *till) map[string]string {
	t.Helper()
	list, err := s.Products()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range list {
		codes := []string{}
		for _, c := range p.Codigos {
			codes = append(codes, c.Codigo)
		}
		all[p.Codigo] = fmt.Sprint(p.Prc, " ", strings.Join(codes, ","))
	}
	return all
}

func wantShelf(t *testing.T, s *till, want map[string]string) {
	t.Helper()
	if got := onSale(t, s); !maps.Equal(got, want) {
		t.Errorf("on the shelf: %v, want %v", got, want)
	}
	s.healthy()
}

// newsAt is when the server spoke.
var newsAt = saletest.Now.Add(time.Hour)

// The server's products come, change and go; what the till made stays. What the server does not know of a product, the till
// still does.
func TestTheServersProducts(t *testing.T) {
	s := newTill(t)
	own := sale.Product{Codigo: "OWN", Nombre: "Propio", Prc: money.PerUnit(500)}
	pan := sale.Product{
		Codigo: "PAN", Nombre: "Pan de antes", Prc: money.PerUnit(100), Categoria: "Panadería", Favorito: true,
		Codigos: []sale.Code{{Codigo: "OLD"}, {Codigo: "DOCENA", Qty: money.Units(12)}},
	}
	s.must(s.PutProducts([]sale.Product{own, pan}))
	heard(t, s, News{Anew: true, More: true, Products: []NewsProduct{goods("PAN", 120, "780"), goods("TE", 900)}})
	heard(t, s, News{Products: []NewsProduct{goods("AJI", 300)}, Cursor: "d"})
	wantShelf(t, s, map[string]string{"OWN": "500 ", "PAN": "120 780,DOCENA", "TE": "900 ", "AJI": "300 "})
	products, err := s.Products()
	s.must(err)
	if p := products[1]; p.Categoria != "Panadería" || !p.Favorito || p.Nombre != "Producto PAN" {
		t.Errorf("the till's own word was lost: %+v", p)
	}
	if cursor, when, err := s.NewsCursor(); cursor != "d" || !when.Equal(newsAt) || err != nil {
		t.Errorf("the news stand at %q of %v, %v", cursor, when, err)
	}

	gone := func(code string) NewsProduct {
		return NewsProduct{Product: sale.Product{Codigo: code}, Deleted: true}
	}
	heard(t, s, News{Products: []NewsProduct{gone("TE"), gone("OWN"), gone("NEVER")}})
	wantShelf(t, s, map[string]string{"OWN": "500 ", "PAN": "120 780,DOCENA", "AJI": "300 "})
	// A load that begins anew takes out what it does not have, when it is complete and not before.
	heard(t, s, News{Anew: true, More: true, Products: []NewsProduct{goods("PAN", 130)}})
	wantShelf(t, s, map[string]string{"OWN": "500 ", "PAN": "130 DOCENA", "AJI": "300 "})
	heard(t, s, News{})
	wantShelf(t, s, map[string]string{"OWN": "500 ", "PAN": "130 DOCENA"})
}

// A page is taken in with its cursor, or not at all; taken in again it changes nothing.
func TestNewsAreTakenInWhole(t *testing.T) {
	s := newTill(t)
	page := News{Anew: true, Products: []NewsProduct{goods("A", 100), goods("B", 200)}, Cursor: "one"}
	heard(t, s, page)
	before := onSale(t, s)
	s.commit = func(*bolt.Tx) error {
		s.commit = (*bolt.Tx).Commit
		return errFlush
	}
	next := News{Products: []NewsProduct{goods("A", 150)}, Cursor: "two", At: newsAt}
	if _, err := s.TakeNews(next); err == nil {
		t.Fatal("a commit that failed is no error")
	}
	if cursor, _, _ := s.NewsCursor(); cursor != "one" || !maps.Equal(onSale(t, s), before) {
		t.Errorf("half a page: %q %v", cursor, onSale(t, s))
	}
	heard(t, s, next)
	heard(t, s, next)
	wantShelf(t, s, map[string]string{"A": "150 ", "B": "200 "})
	if _, err := s.TakeNews(News{Products: []NewsProduct{goods("C", 1)}}); err == nil {
		t.Error("a page without a cursor")
	}
}

// What makes no sense is refused by itself, in words, for the server to know; the rest of its page and the cursor go on.
func TestAbsurdNewsAreRefusedOneByOne(t *testing.T) {
	s := newTill(t)
	s.must(s.PutProducts([]sale.Product{{Codigo: "OWN", Nombre: "Propio", Prc: money.PerUnit(500), Codigos: []sale.Code{{Codigo: "7801234567894"}}}}))
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 1000, "111"), goods("B", 1000, "222"), goods("C", 1000)}})
	named := func(code, name string) NewsProduct {
		p := goods(code, 100)
		p.Nombre = name
		return p
	}
	listed := func(code string, prices map[string]money.Price) NewsProduct {
		p := goods(code, 1000)
		p.Prices = prices
		return p
	}
	negative := money.Pesos(-1)
	customer := func(rut dte.RUT, name string) NewsCustomer {
		return NewsCustomer{Customer: sale.Customer{RUT: rut, RznSoc: name}}
	}
	debtor := customer(76543210, "Aromos")
	debtor.Limit = &negative
	malo := `{"malo": true}`
	foreign := saletest.Shop().Emisor
	foreign.RUT++
	many := slices.Repeat([]NewsProduct{goods("MANY", 100)}, 5001)
	for name, c := range map[string]struct {
		news News
		want string // of the one refusal
	}{
		"negative":          {News{Products: []NewsProduct{goods("X", -5)}}, "producto X: "},
		"free":              {News{Products: []NewsProduct{goods("X", 0)}}, "el precio es 0"},
		"too dear":          {News{Products: []NewsProduct{goods("X", 1_000_000_000_000)}}, "no cabe en un documento"},
		"nameless":          {News{Products: []NewsProduct{named("X", "")}}, "falta el nombre"},
		"endless":           {News{Products: []NewsProduct{named("X", strings.Repeat("a", 81))}}, "81 caracteres"},
		"control":           {News{Products: []NewsProduct{named("X", "Pan\x00")}}, "no aceptan"},
		"no code":           {News{Products: []NewsProduct{goods("", 100)}}, "producto : "},
		"the till's code":   {News{Products: []NewsProduct{goods("X", 100, "7801234567894")}}, "ya es de «OWN»"},
		"another's own":     {News{Products: []NewsProduct{goods("X", 100, "A")}}, "ya es de «A»"},
		"a thousandfold":    {News{Products: []NewsProduct{goods("A", 1_000_000, "111")}}, "mil veces"},
		"a thousandth":      {News{Products: []NewsProduct{goods("A", 1, "111")}}, "mil veces"},
		"list, negative":    {News{Products: []NewsProduct{listed("C", map[string]money.Price{"club": -1})}}, "producto C, lista club: "},
		"list, thousandth":  {News{Products: []NewsProduct{listed("C", map[string]money.Price{"club": money.PerUnit(1)})}}, "mil veces distinto"},
		"list's name":       {News{Products: []NewsProduct{listed("C", map[string]money.Price{"a,b": money.PerUnit(900)})}}, "ninguna coma"},
		"nobody's RUT":      {News{Customers: []NewsCustomer{customer(dte.RUTAnonimo, "Nadie")}}, "falta el RUT"},
		"a RUT too large":   {News{Customers: []NewsCustomer{customer(4_000_000_000, "Nadie")}}, "el RUT no es de nadie"},
		"a nameless buyer":  {News{Customers: []NewsCustomer{customer(76543210, "")}}, "falta la razón social"},
		"a limit below 0":   {News{Customers: []NewsCustomer{debtor}}, "cupo"},
		"bad rules":         {News{Rules: &malo}, "promociones: regla 1: es mala. Siguen las de antes"},
		"another company":   {News{Emisor: &foreign}, "empresa: "},
		"no such role":      {News{People: []NewsPerson{{Name: "Ana", Role: "rey", Active: true}}}, "persona Ana: "},
		"more than a page":  {News{Products: many}, "vienen 5002"},
		"another's in page": {News{Products: []NewsProduct{goods("X", 100, "333"), goods("Y", 100, "333")}}, "ya es de «X»"},
	} {
		t.Run(name, func(t *testing.T) {
			before, listsBefore := onSale(t, s), lists(t, s)
			c.news.Products = append(c.news.Products[:len(c.news.Products):len(c.news.Products)], goods("GOOD", 100))
			c.news.Cursor = name
			if len(c.news.Products) > 5000 {
				c.news.Products[0] = goods("GOOD", 100)
			}
			refused := heard(t, s, c.news)
			if len(refused) != 1 || !strings.Contains(refused[0], c.want) {
				t.Errorf("refused: %q, want one with %q", refused, c.want)
			}
			after := onSale(t, s)
			if after["GOOD"] != "100 " {
				t.Error("the rest of the page was not taken in")
			}
			for _, made := range []string{"GOOD", "MANY", "X"} {
				if made != "X" || name == "another's in page" {
					delete(after, made)
					delete(before, made)
				}
			}
			if !maps.Equal(after, before) || !maps.Equal(lists(t, s), listsBefore) {
				t.Errorf("it changed the shelf: %v, was %v", after, before)
			}
			if cursor, _, _ := s.NewsCursor(); cursor != name {
				t.Errorf("the cursor stands at %q", cursor)
			}
			_, waiting, err := s.Unheard(10)
			s.must(err)
			if len(waiting) != 1 {
				t.Errorf("to be told: %v", waiting)
			}
			s.must(s.Heard(nil, len(waiting)))
			heard(t, s, News{Products: []NewsProduct{{Product: sale.Product{Codigo: "X"}, Deleted: true}}})
			s.healthy()
		})
	}
}

func lists(t *testing.T, s *till) map[string]string {
	t.Helper()
	prices, err := s.ListPrices()
	s.must(err)
	all := map[string]string{}
	for code, of := range prices {
		all[code] = fmt.Sprint(of)
	}
	return all
}

// A bar code that goes from one of the server's products to another goes over at once, in whatever order the two are told.
func TestACodeGoesFromOneProductToAnother(t *testing.T) {
	s := newTill(t)
	heard(t, s, News{Anew: true, Products: []NewsProduct{goods("A", 100, "111"), goods("B", 100, "222")}})
	if refused := heard(t, s, News{More: true, Products: []NewsProduct{goods("B", 100, "111")}}); len(refused) > 0 {
		t.Error(refused)
	}
	wantShelf(t, s, map[string]string{"A": "100 ", "B": "100 111"})
	heard(t, s, News{Products: []NewsProduct{goods("A", 100, "222")}})
	wantShelf(t, s, map[string]string{"A": "100 222", "B": "100 111"})

	// Within one page, the one that gains it first or last; and two that change theirs.
	for _, page := range [][]NewsProduct{
		{goods("B", 100, "111", "222"), goods("A", 100)},
		{goods("B", 100, "111"), goods("A", 100, "222")},
		{goods("B", 100, "222"), goods("A", 100, "111")},
		{goods("A", 100, "222"), goods("B", 100, "111")},
	} {
		if refused := heard(t, s, News{Products: page}); len(refused) > 0 {
			t.Error(refused)
		}
		want := map[string]string{}
		for _, p := range page {
			want[p.Codigo] = "100 " + strings.Join(codesOf(p.Product), ",")
		}
		wantShelf(t, s, want)
	}
}

// What a till made goes to the server, once, as it was made, even where the server's word has taken its place meanwhile.
func TestWhatTheTillMadeIsToldAndNotLost(t *testing.T) {
	s := newTill(t)
	before := sale.Customer{RUT: 11111111, RznSoc: "De antes"}
	s.must(s.PutCustomers(newsAt, before))
	s.must(s.PutProducts([]sale.Product{{Codigo: "OWN", Nombre: "Propio", Prc: money.PerUnit(500)}}))
	told := func() (list []string) {
		made, _, err := s.Unheard(10)
		s.must(err)
		for _, m := range made {
			if m.Customer != nil {
				list = append(list, m.Customer.RznSoc)
			} else {
				list = append(list, m.Product.Nombre)
			}
		}
		slices.Sort(list)
		return list
	}
	if got := told(); len(got) != 0 {
		t.Errorf("without a server: %v", got)
	}
	s.must(s.JoinServer(Server{URL: "https://ejemplo.cl", TillID: 1}, []byte("token")))
	if got := told(); !slices.Equal(got, []string{"De antes", "Propio"}) {
		t.Errorf("what was there before: %v", got)
	}
	mine := sale.Customer{RUT: 76543210, RznSoc: "Aromos de aquí", Telefono: "221234567", Notes: "paga tarde"}
	s.must(s.PutCustomers(newsAt, mine))
	theirs := NewsCustomer{Customer: sale.Customer{RUT: mine.RUT, RznSoc: "Aromos Ltda.", Giro: "Flores"}}
	finds := func(text string) int {
		list, err := s.FindCustomers(text, 10)
		s.must(err)
		return len(list)
	}
	if finds("aromos de aquí") != 1 {
		t.Error("who was made is not found")
	}
	heard(t, s, News{Anew: true, More: true, Customers: []NewsCustomer{theirs}, Products: []NewsProduct{goods("OWN", 600)}})
	if finds("aromos ltda") != 1 || finds("aqui") != 0 {
		t.Error("the search does not follow the server")
	}
	c, err := s.Customer(mine.RUT)
	s.must(err)
	if c.RznSoc != "Aromos Ltda." || c.Telefono != mine.Telefono || c.Notes != mine.Notes {
		t.Errorf("the customer is %+v", c)
	}
	if got := told(); !slices.Equal(got, []string{"Aromos de aquí", "De antes", "Propio"}) {
		t.Errorf("what the server has not heard: %v", got)
	}
	made, _, err := s.Unheard(10)
	s.must(err)
	s.must(s.PutCustomers(newsAt, sale.Customer{RUT: before.RUT, RznSoc: "De después"})) // while the answer is on its way
	s.must(s.Heard(made, 0))
	if got := told(); !slices.Equal(got, []string{"De después"}) {
		t.Errorf("what changed since it was told: %v", got)
	}
	s.must(s.Heard(nil, 0))
	heard(t, s, News{Customers: []NewsCustomer{{Customer: sale.Customer{RUT: mine.RUT}, Deleted: true}, {Customer: before, Deleted: true}}})
	if finds("aromos") != 0 {
		t.Error("who is gone is found")
	}
	if _, err := s.Customer(mine.RUT); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("who is gone at the server: %v", err)
	}
	if _, err := s.Customer(before.RUT); err != nil {
		t.Errorf("whom the till made: %v", err)
	}
	s.must(s.LeaveServer(newsAt))
	if got := told(); len(got) != 0 {
		t.Errorf("after leaving: %v", got)
	}
	s.healthy()
}

// People keep their PIN; who is new enters once somebody gives them one here. The last owner stays, and what the till's owner
// decided holds until the server says something else.
func TestTheServersPeople(t *testing.T) {
	s := newTill(t)
	pin, err := sale.NewPIN("1234", sale.PINCost{Memory: 8, Time: 1, Threads: 1}, strings.NewReader(strings.Repeat("x", 64)))
	s.must(err)
	owner, err := s.PutPerson(sale.Person{Name: "Rosa", Role: sale.Dueno, Active: true}, pin, sale.Event{At: newsAt})
	s.must(err)
	say := func(role sale.Role, active bool, names ...string) []string {
		n := News{}
		for _, name := range names {
			n.People = append(n.People, NewsPerson{Name: name, Role: role, Active: active})
		}
		return heard(t, s, n)
	}
	person := func(i int) sale.Person {
		people, err := s.People()
		s.must(err)
		return people[i]
	}
	say(sale.Cajero, true, "Pedro Andrés Fuenzalida Errázuriz")
	if p := person(1); p.Name != "Pedro Andrés Fuenzalida" || p.Active {
		t.Errorf("who is new: %+v", p)
	}
	pedro := person(1)
	pedro.Active = true
	if _, err := s.PutPerson(pedro, sale.PIN{}, sale.Event{At: newsAt}); err == nil {
		t.Error("somebody enters without a PIN")
	}
	_, err = s.PutPerson(pedro, pin, sale.Event{At: newsAt})
	s.must(err)
	say(sale.Supervisor, true, "Pedro Andrés Fuenzalida Errázuriz")
	if p := person(1); p.Role != sale.Supervisor || !p.Active {
		t.Errorf("who may do more: %+v", p)
	}
	pedro = person(1)
	pedro.Active = false
	_, err = s.PutPerson(pedro, sale.PIN{}, sale.Event{At: newsAt})
	s.must(err)
	say(sale.Supervisor, true, "Pedro Andrés Fuenzalida Errázuriz")
	if p := person(1); p.Active {
		t.Error("the server lets somebody in again whom the owner has sent away")
	}
	for _, active := range []bool{true, false, true} {
		say(sale.Cajero, active, "Ana")
	}
	if p := person(2); p.Name != "Ana" || p.Active {
		t.Errorf("somebody enters without a PIN: %+v", p)
	}
	if refused := say(sale.Cajero, true, "Rosa"); len(refused) != 1 {
		t.Errorf("the last owner may be made a cashier: %v", refused)
	}
	if got := person(0); got != owner {
		t.Errorf("the owner is %+v", got)
	}
	s.healthy()
}

// The company is named as at the server; its RUT, its environment and a branch's address are the till's.
func TestTheServersSettings(t *testing.T) {
	s := newTill(t)
	n := saletest.Shop().Emisor
	n.RznSoc, n.Direccion, n.Comuna = "Nombre nuevo Ltda.", "Otra calle 1", "Talca"
	was := saletest.Shop()
	is := func(name, street, town string) {
		t.Helper()
		shop, err := s.Shop()
		s.must(err)
		if e := shop.Emisor; e.RznSoc != name || e.Direccion != street || e.Comuna != town || e.RUT != was.Emisor.RUT || shop.Ambiente != was.Ambiente || shop.Resolucion != was.Resolucion {
			t.Errorf("the shop is %+v", shop)
		}
	}
	heard(t, s, News{Emisor: &n, Resolucion: dte.Resolucion{Fch: was.Resolucion.Fch, Nro: was.Resolucion.Nro + 1}})
	is("Nombre nuevo Ltda.", "Otra calle 1", "Talca")
	foreign := n
	foreign.RUT, foreign.RznSoc = n.RUT+1, "Otra empresa"
	heard(t, s, News{Emisor: &foreign})
	is("Nombre nuevo Ltda.", "Otra calle 1", "Talca")

	shop, err := s.Shop()
	s.must(err)
	shop.Emisor.CdgSIISucur = 79
	s.must(s.PutShop(shop))
	n.RznSoc, n.Direccion, n.Comuna = "Otro nombre Ltda.", "Calle lejana 2", "Arica"
	heard(t, s, News{Emisor: &n})
	is("Otro nombre Ltda.", "Otra calle 1", "Talca") // a branch does not move
}

// The server stood in for this till while it was gone: what waits to be sent is settled by what the server heard, and what is on its
// way by what this till hears itself.
func TestVerdictsOfAServerThatStoodIn(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	away := b.issue("on its way").Key
	xml, _, err := b.Document(away)
	b.must(err)
	_, err = b.NewSobre(dte.Sobre{Boletas: true, Emisor: away.Emisor, Keys: []dte.Key{away}, XML: xml, CreatedAt: saletest.Now})
	b.must(err)
	good, bad, odd := b.issue("good").Key, b.issue("bad").Key, b.issue("odd").Key
	b.joins(4)
	page := News{Verdicts: []dte.Veredicto{
		{Key: good, State: dte.Accepted, At: newsAt},
		{Key: bad, State: dte.Rejected, Codigo: saletest.CorrectCode, Glosa: "mal", At: newsAt},
		{Key: away, State: dte.Accepted, At: newsAt},
		{Key: odd, State: dte.Sent, At: newsAt},
		{Key: dte.Key{Emisor: good.Emisor, Tipo: dte.Factura, Folio: 7}, State: dte.Accepted, At: newsAt},
	}}
	for range 2 { // said twice it is the same
		if refused := heard(t, b, page); len(refused) != 1 || !strings.Contains(refused[0], "no es un veredicto") {
			t.Errorf("refused: %v", refused)
		}
	}
	for key, want := range map[dte.Key]dte.State{good: dte.Accepted, bad: dte.Rejected, away: dte.Enveloped, odd: dte.Issued} {
		if state, v, err := b.DocumentState(key); err != nil || state != want || state.Final() && v.Fuente != dte.FuenteServidor {
			t.Errorf("%s is %s by %q (%v), want %s", key, state, v.Fuente, err, want)
		}
	}
	if n, _, err := b.WaitingSince(true, 10); err != nil || n != 1 {
		t.Errorf("%d are to be sent (%v)", n, err)
	}
	if f, err := b.Facts(saletest.Now); err != nil || len(f.Rejected) != 1 || f.Rejected[0].Key != bad {
		t.Errorf("somebody must look at %v (%v)", f.Rejected, err)
	}
	b.healthy()
}
