package shop

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/store"
)

// Fresh is what the counter sells by once news were taken in. It goes to the register, which waits for the end of the sale.
type Fresh struct {
	Catalogue sale.Catalogue
	Prices    *price.Book

	made int // how many products the counter had made when it was read
}

// counted is the catalogue that the counter last heard of, and what became news since.
type counted struct {
	catalogue sale.Catalogue
	made      int
	stale     bool
	codes     []string // of the products that changed
	whole     bool     // more than these, or other than products that are there
}

// mostChanged is for how many products the catalogue is not made anew.
const mostChanged = 300

// takeNews keeps a page of the server's news. With the last one the counter hears of them.
func (s *Shop) takeNews(n api.News, has api.Point) error {
	s.changed(n) // before it is kept: what fails half-way is read all the same
	own := ownNews(n)
	own.Told = has.N
	if _, err := s.Store.TakeNews(own); err != nil { // what is refused, the store keeps for the server and for a person
		return err
	}
	if n.More {
		return nil
	}
	s.pricesAsOf(n.At)
	if len(n.Customers) > 0 {
		if _, err := s.Store.FindCustomers("", 1); err != nil { // now, and not while a buyer waits
			return err
		}
	}
	return s.refresh()
}

// changed remembers what the counter has not heard of.
func (s *Shop) changed(n api.News) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.counter
	c.stale = c.stale || n.Anew || len(n.Products) > 0 || len(n.People) > 0 || n.Promotions != nil
	c.whole = c.whole || n.Anew || len(c.codes)+len(n.Products) > mostChanged
	for _, p := range n.Products {
		if c.whole = c.whole || p.Deleted; c.whole {
			c.codes = nil
			return
		}
		c.codes = append(c.codes, p.Codigo)
	}
}

// pricesAsOf tells when the server last said that it has no other prices.
func (s *Shop) pricesAsOf(at time.Time) {
	s.tell(func(st *Status) { st.Server.PricesAt = at })
}

// refresh reads the products and the rules anew, if they changed, for whoever asked to be told.
func (s *Shop) refresh() error {
	s.mu.Lock()
	stale := s.counter.stale
	s.mu.Unlock()
	if s.opt.News == nil || !stale {
		return nil
	}
	fresh, err := s.fresh()
	if err == nil {
		s.opt.News(fresh)
	}
	return err
}

// fresh is what the counter sells by now. Where only a few products changed since it last heard, the others are not read.
func (s *Shop) fresh() (f Fresh, err error) {
	f.made = s.madeHere()
	s.mu.Lock()
	before := s.counter
	s.mu.Unlock()
	if before.catalogue != nil && !before.whole && before.made == f.made {
		f.Catalogue = s.with(before)
	}
	if f.Catalogue == nil {
		if f.Catalogue, err = s.catalogue(); err != nil {
			return f, err
		}
	}
	f.Prices = s.priceBook(f.Catalogue)
	s.sellsBy(f)
	return f, nil
}

// sellsBy is what the counter hears of. Pages come from one goroutine, and one that came meanwhile comes again.
func (s *Shop) sellsBy(f Fresh) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counter = counted{catalogue: f.Catalogue, made: f.made}
}

// with is the catalogue with what changed, or nil if it must be read whole.
func (s *Shop) with(before counted) sale.Catalogue {
	if len(before.codes) == 0 {
		return before.catalogue
	}
	products, err := s.Store.ProductsWith(before.codes)
	if err != nil {
		return nil
	}
	next, err := before.catalogue.With(products...)
	if err != nil { // a code went from one to another
		return nil
	}
	return next
}

// madeHere is how many products the counter made.
func (s *Shop) madeHere() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.made)
}

// Current is what was told by News, with what the counter has made since that was read. It is for the goroutine that makes
// products, so that none is made behind it.
func (s *Shop) Current(f Fresh) Fresh {
	s.mu.Lock()
	since := slices.Clone(s.made[f.made:])
	s.mu.Unlock()
	if next, err := f.Catalogue.With(since...); err == nil {
		f.Catalogue, f.made = next, f.made+len(since)
	}
	return f
}

// ownNews are the server's words in the store's.
func ownNews(n api.News) store.News {
	own := store.News{
		Cursor: n.Cursor, More: n.More, Anew: n.Anew, At: n.At, Rules: n.Promotions, Check: checkRules,
		Products: make([]store.NewsProduct, len(n.Products)), Customers: make([]store.NewsCustomer, len(n.Customers)), People: make([]store.NewsPerson, len(n.People)),
	}
	for i, p := range n.Products {
		own.Products[i] = ownProduct(p)
	}
	for i, c := range n.Customers {
		own.Customers[i] = ownCustomer(c)
	}
	for i, p := range n.People {
		own.People[i] = store.NewsPerson{Name: p.Name, RUT: p.RUT, Role: sale.Role(p.Role), Active: p.Active}
	}
	for _, v := range n.Verdicts {
		verdict := dte.Veredicto{Key: v.Key, State: v.State}
		if v.Veredicto != nil {
			verdict.Codigo, verdict.Glosa, verdict.At = v.Veredicto.Codigo, v.Veredicto.Glosa, v.Veredicto.At
		}
		own.Verdicts = append(own.Verdicts, verdict)
	}
	if n.Settings != nil {
		own.Emisor, own.Resolucion = &n.Settings.Emisor, n.Settings.Resolucion
	}
	return own
}

func ownProduct(p api.Product) store.NewsProduct {
	own := store.NewsProduct{Deleted: p.Deleted, Prices: p.Prices, Product: sale.Product{
		Codigo: p.Codigo, Nombre: p.Nombre, Unidad: p.Unidad, Prc: p.Prc, Exento: p.Exento, Categoria: p.Categoria, Familia: p.Familia, Variante: p.Variante,
	}}
	for _, code := range p.Codigos {
		own.Codigos = append(own.Codigos, sale.Code{Codigo: code})
	}
	return own
}

func ownCustomer(c api.Customer) store.NewsCustomer {
	own := store.NewsCustomer{Deleted: c.Deleted, Limit: c.Limit, Balance: c.Balance, Customer: sale.Customer{
		RUT: c.RUT, RznSoc: c.RznSoc, Giro: c.Giro, Direccion: c.Direccion, Comuna: c.Comuna, Ciudad: c.Ciudad, Correo: c.Correo, Telefono: c.Telefono,
	}}
	if c.List != "" {
		own.Lists = []string{c.List}
	}
	return own
}

// checkRules refuses rules of which one is bad: the server's are all or none, as those that are loaded by hand.
func checkRules(text string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	rules, bad, err := price.Read(strings.NewReader(text))
	if err == nil && len(bad) == 0 {
		_, bad = price.Compile(rules)
	}
	if err == nil && len(bad) > 0 {
		err = bad[0]
	}
	return err
}

// mostUnheard is how many products and customers go to the server at a time.
const mostUnheard = 1000

// unheard is what the server is to be told that stands in no chain, and what says that it was.
func (s *Shop) unheard(p *api.Push) (heard func() error, err error) {
	made, refused, err := s.Store.Unheard(mostUnheard)
	if err != nil {
		return nil, err
	}
	for _, m := range made {
		switch {
		case m.Product != nil:
			p.Products = append(p.Products, wireProduct(*m.Product))
		case m.Customer != nil:
			p.Customers = append(p.Customers, wireCustomer(*m.Customer))
		}
	}
	for _, r := range refused {
		p.Refused = append(p.Refused, api.Refusal{What: r.What, Why: r.Why})
	}
	return func() error { return s.Store.Heard(made, len(refused)) }, nil
}

// wireProduct is a product that was made here. What a pack is, only this till knows.
func wireProduct(p sale.Product) api.Product {
	w := api.Product{
		Codigo: p.Codigo, Nombre: p.Nombre, Unidad: p.Unidad, Prc: p.Prc, Exento: p.Exento, Categoria: p.Categoria, Familia: p.Familia, Variante: p.Variante,
	}
	for _, c := range p.Codigos {
		if !c.IsPack() {
			w.Codigos = append(w.Codigos, c.Codigo)
		}
	}
	return w
}

func wireCustomer(c sale.Customer) api.Customer {
	w := api.Customer{
		RUT: c.RUT, RznSoc: c.RznSoc, Giro: c.Giro, Direccion: c.Direccion, Comuna: c.Comuna, Ciudad: c.Ciudad, Correo: c.Correo, Telefono: c.Telefono,
	}
	if len(c.Lists) > 0 {
		w.List = c.Lists[0]
	}
	return w
}

// listRules are the prices of the server's lists as rules: what costs the same on a list is one rule. A list's price holds for
// its customers even where it is higher than the general one, as at the server.
func listRules(prices map[string]map[string]money.Price, general func(code string) (money.Price, bool)) (rules []price.Rule) {
	type same struct {
		list   string
		prc    money.Price
		dearer bool
	}
	products := map[same][]string{}
	for code, lists := range prices {
		shelf, sold := general(code)
		for list, prc := range lists {
			if sold {
				k := same{list, prc, prc > shelf}
				products[k] = append(products[k], code)
			}
		}
	}
	order := func(a, b same) int {
		dearer := 0
		if a.dearer != b.dearer {
			dearer = 1
			if b.dearer {
				dearer = -1
			}
		}
		return cmp.Or(strings.Compare(a.list, b.list), cmp.Compare(a.prc, b.prc), dearer)
	}
	for _, k := range slices.SortedFunc(maps.Keys(products), order) {
		slices.Sort(products[k])
		for some := range slices.Chunk(products[k], mostPerRule) {
			rule := price.Rule{Name: k.list, Kind: price.Precio, Products: some, Price: k.prc, Lists: []string{k.list}}
			if k.dearer {
				rule.Priority = 1
			}
			rules = append(rules, rule)
		}
	}
	return rules
}

// mostPerRule is how many products one rule may name.
const mostPerRule = 10_000
