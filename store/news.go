package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// This file takes in what is new at the company's server. The server's word holds for what it wrote; what the till made stays its
// own, and of what makes no sense nothing is believed.

// ValuePrices is the setting that holds the rules of price, as docs/precios.md says.
const ValuePrices = "precios"

// News are a page of the server's, with the place where it goes on.
type News struct {
	Cursor     string
	More, Anew bool // as in the wire's
	At         time.Time
	// Told is the last entry of this till's chain that the server had when it said so: what it says of debts counts up to there.
	Told       int64
	Products   []NewsProduct
	Customers  []NewsCustomer
	People     []NewsPerson
	Emisor     *dte.Emisor
	Resolucion dte.Resolucion
	// Rules are the rules of price, whole; nil: as they were. Check is how they are read.
	Rules *string
	Check func(rules string) error
	// Verdicts are of documents that the server took to the authority, this till's or another's.
	Verdicts []dte.Veredicto
}

// NewsProduct is a product as the server has it, with what it costs on the lists.
type NewsProduct struct {
	sale.Product
	Prices  map[string]money.Price `json:"prices,omitempty"`
	Deleted bool                   `json:"-"`
}

// NewsCustomer is a buyer as the server has him.
type NewsCustomer struct {
	sale.Customer
	// Limit is how much he may owe, Balance what he owes at all tills, as the server knows; nil if it did not say.
	Limit   *money.Pesos `json:"limit,omitempty"`
	Balance *money.Pesos `json:"balance,omitempty"`
	Deleted bool         `json:"-"`
	// At is when the server said so.
	At time.Time `json:"at,omitzero"`
}

// NewsPerson is who works here, as the server has them.
type NewsPerson struct {
	Name   string    `json:"-"`
	RUT    dte.RUT   `json:"rut,omitempty"`
	Role   sale.Role `json:"role"`
	Active bool      `json:"active"`
}

// Refusal is what the till did not believe, for the server to know.
type Refusal struct {
	What string `json:"what"`
	Why  string `json:"why"`

	thing string // of which it is a part
	word  int    // which of the page's words of that thing it answers
}

// Bounds of what is believed.
const (
	mostNews     = 5000 // of a kind, in a page
	mostRefusals = 1000 // that wait to be told
	mostCursor   = 2000 // bytes
	// A price that is a thousand times what it was, or a thousandth of it, is a slip of a point or of a unit.
	slip      = 1000
	mostPrice = 999_999_999_999 * money.OnePeso
	mostList  = 40 // letters in the name of a list
	mostOwed  = 999_999_999_999
)

// newsState is where the till stands with the news.
type newsState struct {
	Cursor string    `json:"cursor"`
	At     time.Time `json:"at,omitzero"` // of the prices, once they were complete
	// Load counts the loads that began anew. Until one is complete, what an older one told is not known to be gone.
	Load    int  `json:"load"`
	Loading bool `json:"loading,omitempty"`
}

var kNews = []byte("news")

// makeNews is a step of the schema. The index of codes is made from the products that are there.
func makeNews(t *bolt.Tx) error {
	for _, name := range [][]byte{bBarcodes, bServed, bListed, bServedCustomers, bServedPeople, bMade, bRefusedNews} {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return t.Bucket(bProducts).ForEach(func(k, v []byte) error {
		p, err := decode[sale.Product](bProducts, k, v)
		return errors.Join(err, indexCodes(t, p))
	})
}

// indexCodes makes the product found by its codes. What is another one's own code stays that one's.
func indexCodes(t *bolt.Tx, p sale.Product) error {
	b := t.Bucket(bBarcodes)
	err := b.Put([]byte(sale.CanonicalCode(p.Codigo)), []byte(p.Codigo))
	for _, c := range p.Codigos {
		code := sale.CanonicalCode(c.Codigo)
		if owner := string(b.Get([]byte(code))); sale.CanonicalCode(owner) != code {
			err = errors.Join(err, b.Put([]byte(code), []byte(p.Codigo)))
		}
	}
	return err
}

// forgetCodes is the end of indexCodes.
func forgetCodes(t *bolt.Tx, p sale.Product) error {
	b := t.Bucket(bBarcodes)
	var err error
	for _, code := range append([]string{p.Codigo}, codesOf(p)...) {
		if key := []byte(sale.CanonicalCode(code)); string(b.Get(key)) == p.Codigo {
			err = errors.Join(err, b.Delete(key))
		}
	}
	return err
}

func codesOf(p sale.Product) (codes []string) {
	for _, c := range p.Codigos {
		codes = append(codes, c.Codigo)
	}
	return codes
}

// NewsCursor is up to where news were taken in, and as of when the prices are complete; the zero time before they ever were.
func (s *Store) NewsCursor() (cursor string, at time.Time, err error) {
	err = s.view(func(t *bolt.Tx) error {
		state, _, err := getJSON[newsState](t, bMeta, kNews)
		cursor, at = state.Cursor, state.At
		return err
	})
	return cursor, at, err
}

// TakeNews takes in a page and its cursor, both or neither, and returns what it did not believe. What one row says that makes no
// sense spoils nothing else.
func (s *Store) TakeNews(n News) (refused []Refusal, err error) {
	if len(n.Cursor) > mostCursor || n.Cursor == "" {
		return nil, errors.New("las novedades del servidor no dicen hasta dónde llegan. No se tomó ninguna y todo sigue como estaba")
	}
	s.customers.mu.Lock()
	defer s.customers.mu.Unlock()
	var page newsPage
	err = s.update(func(t *bolt.Tx) error {
		page = newsPage{t: t, n: n, words: map[string]int{}}
		if err := page.take(); err != nil {
			return err
		}
		return errors.Join(page.report(), page.keepTasks())
	})
	switch {
	case err != nil || page.dropped:
		s.customers.book = nil
	case s.customers.book != nil:
		s.customers.book.Load(page.saved)
	}
	if err != nil {
		return nil, err
	}
	return page.refused, nil
}

// newsPage is a page that is being taken in.
type newsPage struct {
	t       *bolt.Tx
	n       News
	state   newsState
	refused []Refusal
	thing   string            // of which is spoken
	words   map[string]int    // how often the page spoke of a thing
	claims  map[string]string // codes that the page gives, and to which product
	people  []sale.Person
	saved   []sale.Customer
	dropped bool // a customer is gone

	complete bool // the load ended with it
}

func (p *newsPage) refuse(what, why string, args ...any) {
	p.refused = append(p.refused, Refusal{what, fmt.Sprintf(why, args...), p.thing, p.words[p.thing]})
}

func (p *newsPage) take() (err error) {
	if p.state, _, err = getJSON[newsState](p.t, bMeta, kNews); err != nil {
		return err
	}
	if p.n.Anew {
		p.state.Load++
		p.state.Loading = true
	}
	p.bound()
	for _, part := range []func() error{p.products, p.customers, p.takePeople, p.emisor, p.rules, p.verdicts} {
		if err := part(); err != nil {
			return err
		}
	}
	if !p.n.More {
		if p.state.Loading {
			if err := p.sweep(); err != nil {
				return err
			}
		}
		p.state.At, p.state.Loading = p.n.At, false
	}
	p.state.Cursor = p.n.Cursor
	return putJSON(p.t, bMeta, kNews, p.state)
}

// bound leaves out what no server of ours would put into one page.
func (p *newsPage) bound() {
	cut := func(what string, have int) int {
		if have > mostNews {
			p.refuse(what, "vienen %d en una página y caben %d: las demás no se tomaron", have, mostNews)
		}
		return min(have, mostNews)
	}
	p.n.Products = p.n.Products[:cut("productos", len(p.n.Products))]
	p.n.Customers = p.n.Customers[:cut("clientes", len(p.n.Customers))]
	p.n.People = p.n.People[:cut("personas", len(p.n.People))]
	p.n.Verdicts = p.n.Verdicts[:cut("veredictos", len(p.n.Verdicts))]
}

func (p *newsPage) products() error {
	p.claims = make(map[string]string, 2*len(p.n.Products))
	for _, n := range p.n.Products {
		if n.Deleted {
			continue
		}
		for _, code := range append([]string{n.Codigo}, codesOf(n.Product)...) {
			if _, taken := p.claims[sale.CanonicalCode(code)]; !taken {
				p.claims[sale.CanonicalCode(code)] = n.Codigo
			}
		}
	}
	for _, n := range p.n.Products {
		var why string
		var err error
		p.hear("producto " + short(n.Codigo))
		if n.Deleted {
			err = dropServed(p.t, n.Codigo)
		} else {
			why, err = p.product(n)
		}
		if err != nil {
			return err
		}
		if why != "" {
			p.refuse(p.thing, "%s", why)
		}
	}
	return nil
}

// short keeps what a stranger wrote within a line.
func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// product takes one in; why is empty or says what is wrong with it.
func (p *newsPage) product(n NewsProduct) (why string, err error) {
	old, position, err := productAt(p.t, n.Codigo)
	if err != nil {
		return "", err
	}
	made := n.Product
	if position != nil {
		made = overProduct(made, old)
	}
	switch err := made.Check(); {
	case err != nil:
		return err.Error(), nil
	case made.Prc > mostPrice:
		return fmt.Sprintf("el precio %s no cabe en un documento", made.Prc), nil
	case position != nil && !made.PrecioLibre && slipped(made.Prc, old.Prc):
		return fmt.Sprintf("el precio pasa de %s a %s, mil veces: parece un error. Sigue el de antes", old.Prc, made.Prc), nil
	}
	if why, err = p.clearCodes(made); why != "" || err != nil {
		return why, err
	}
	if position != nil {
		if err := keepUnsent(p.t, productMark(made.Codigo), old, made); err != nil {
			return "", err
		}
	}
	if err := putProduct(p.t, made); err != nil {
		return "", err
	}
	if err := p.listPrices(made, n.Prices); err != nil {
		return "", err
	}
	return "", p.t.Bucket(bServed).Put([]byte(made.Codigo), number(uint64(p.state.Load)))
}

// overProduct is the server's product over the till's: it knows names, prices and bar codes; where a product lies in the grid,
// which packs of it there are and whether its price is typed, the till does.
func overProduct(n, old sale.Product) sale.Product {
	n.Favorito = old.Favorito
	if n.Categoria == "" {
		n.Categoria = old.Categoria
	}
	if old.PrecioLibre {
		n.PrecioLibre = true
		if n.Prc >= old.PrcMin && (old.PrcMax == 0 || n.Prc <= old.PrcMax) {
			n.PrcMin, n.PrcMax = old.PrcMin, old.PrcMax
		}
	}
	has := append([]string{n.Codigo}, codesOf(n)...)
	n.Codigos = slices.Clone(n.Codigos)
	for _, c := range old.Codigos {
		same := func(code string) bool { return sale.CanonicalCode(code) == sale.CanonicalCode(c.Codigo) }
		if i := slices.IndexFunc(n.Codigos, func(o sale.Code) bool { return same(o.Codigo) }); i >= 0 {
			n.Codigos[i] = c
		} else if c.IsPack() && !slices.ContainsFunc(has, same) {
			n.Codigos = append(n.Codigos, c)
		}
	}
	return n
}

// slipped reports two prices of which one is a thousand times the other, or more.
func slipped(a, b money.Price) bool {
	if a <= 0 || b <= 0 {
		return false
	}
	return max(a, b)/slip >= min(a, b)
}

// clearCodes frees the codes of a product. Another one of the server's gives a code that it has no more; one that the till made
// does not.
func (p *newsPage) clearCodes(n sale.Product) (why string, err error) {
	type owned struct{ owner, code string }
	var take []owned
	for _, code := range append([]string{n.Codigo}, codesOf(n)...) {
		key := sale.CanonicalCode(code)
		owner := string(p.t.Bucket(bBarcodes).Get([]byte(key)))
		if owner == "" || owner == n.Codigo {
			continue
		}
		served := p.t.Bucket(bServed).Get([]byte(owner)) != nil
		if !served || sale.CanonicalCode(owner) == key || p.claims[key] != n.Codigo {
			return fmt.Sprintf("el código «%s» ya es de «%s». No se guardó", short(code), short(owner)), nil
		}
		take = append(take, owned{owner, key})
	}
	for _, o := range take {
		if err := takeCode(p.t, o.owner, o.code); err != nil {
			return "", err
		}
	}
	return "", nil
}

// takeCode takes a further code from its product.
func takeCode(t *bolt.Tx, owner, code string) error {
	from, position, err := productAt(t, owner)
	if err != nil || position == nil {
		return err
	}
	if err := forgetCodes(t, from); err != nil {
		return err
	}
	from.Codigos = slices.DeleteFunc(from.Codigos, func(c sale.Code) bool { return sale.CanonicalCode(c.Codigo) == code })
	return errors.Join(putJSON(t, bProducts, position, from), indexCodes(t, from))
}

// listPrices keeps what a product costs on the lists. A price that makes no sense leaves the one that was there.
func (p *newsPage) listPrices(of sale.Product, prices map[string]money.Price) error {
	key := []byte(of.Codigo)
	before, _, err := getJSON[map[string]money.Price](p.t, bListed, key)
	if err != nil {
		return err
	}
	kept := map[string]money.Price{}
	for _, list := range slices.Sorted(maps.Keys(prices)) {
		prc, old := prices[list], before[list]
		why := ""
		switch {
		case !listName(list):
			why = fmt.Sprintf("una lista se llama con 1 a %d letras y ninguna coma", mostList)
		case prc <= 0 || prc > mostPrice:
			why = fmt.Sprintf("el precio %s no puede ser", prc)
		case slipped(prc, of.Prc):
			why = fmt.Sprintf("el precio %s es mil veces distinto del general, %s", prc, of.Prc)
		case slipped(prc, old):
			why = fmt.Sprintf("el precio pasa de %s a %s, mil veces", old, prc)
		}
		if why == "" {
			kept[list] = prc
			continue
		}
		p.refuse(fmt.Sprintf("producto %s, lista %s", short(of.Codigo), short(list)), "%s. No se guardó", why)
		if old != 0 {
			kept[list] = old
		}
	}
	if len(kept) == 0 {
		return p.t.Bucket(bListed).Delete(key)
	}
	return putJSON(p.t, bListed, key, kept)
}

func listName(name string) bool {
	n := len([]rune(name))
	return n >= 1 && n <= mostList && name == dte.Normalize(name) && !strings.ContainsAny(name, ",;|")
}

// productAt is the product with a code of its own, and where it lies; nil if there is none.
func productAt(t *bolt.Tx, code string) (p sale.Product, position []byte, err error) {
	position = bytes.Clone(t.Bucket(bCodes).Get([]byte(code)))
	if position == nil {
		return p, nil, nil
	}
	p, ok, err := getJSON[sale.Product](t, bProducts, position)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta el producto %s", code))
	}
	return p, position, err
}

// dropServed takes out a product that the server sells no more. One that the till made stays.
func dropServed(t *bolt.Tx, code string) error {
	if t.Bucket(bServed).Get([]byte(code)) == nil {
		return nil
	}
	p, position, err := productAt(t, code)
	if err != nil {
		return err
	}
	err = errors.Join(t.Bucket(bServed).Delete([]byte(code)), t.Bucket(bListed).Delete([]byte(code)))
	if position == nil {
		return err
	}
	return errors.Join(err, forgetCodes(t, p), t.Bucket(bProducts).Delete(position), t.Bucket(bCodes).Delete([]byte(code)))
}

// sweep takes out what the server told before and did not tell in the load that is complete now.
func (p *newsPage) sweep() error {
	p.complete = true
	var codes, ruts [][]byte
	err := p.t.Bucket(bServed).ForEach(func(code, load []byte) error {
		if parseNumber(load) != uint64(p.state.Load) {
			codes = append(codes, bytes.Clone(code))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, code := range codes {
		if err := dropServed(p.t, string(code)); err != nil {
			return err
		}
	}
	err = p.t.Bucket(bServedCustomers).ForEach(func(rut, v []byte) error {
		c, err := decode[servedCustomer](bServedCustomers, rut, v)
		if err == nil && c.Load != p.state.Load {
			ruts = append(ruts, bytes.Clone(rut))
		}
		return err
	})
	p.dropped = p.dropped || len(ruts) > 0
	for _, rut := range ruts {
		err = errors.Join(err, p.t.Bucket(bServedCustomers).Delete(rut), p.t.Bucket(bCustomers).Delete(rut))
	}
	return err
}

// servedCustomer is what the server last said of a customer.
type servedCustomer struct {
	NewsCustomer
	Load int `json:"load"`
	// Heard is what that makes of his account here.
	Heard *sale.Heard `json:"heard,omitempty"`
}

func (p *newsPage) customers() error {
	for _, n := range p.n.Customers {
		p.hear("cliente " + n.RUT.Dotted())
		why, err := p.customer(n)
		if err != nil {
			return err
		}
		if why != "" {
			p.refuse(p.thing, "%s. No se guardó", why)
		}
	}
	return nil
}

func (p *newsPage) customer(n NewsCustomer) (why string, err error) {
	key := rutKey(n.RUT)
	last, served, err := getJSON[servedCustomer](p.t, bServedCustomers, key)
	if err != nil {
		return "", err
	}
	if n.Deleted {
		if !served {
			return "", nil
		}
		p.dropped = true
		return "", errors.Join(p.t.Bucket(bServedCustomers).Delete(key), p.t.Bucket(bCustomers).Delete(key))
	}
	old, known, err := getJSON[sale.Customer](p.t, bCustomers, key)
	if err != nil {
		return "", err
	}
	made := overCustomer(n.Customer, old, last.Customer)
	if _, err := dte.ParseRUT(n.RUT.String()); err != nil {
		return "el RUT no es de nadie", nil
	}
	if n.Limit != nil && *n.Limit < 0 {
		return "el cupo no puede ser negativo", nil
	}
	if n.Balance != nil && (*n.Balance > mostOwed || *n.Balance < -mostOwed) {
		return "nadie debe tanto", nil
	}
	if err := made.Check(); err != nil {
		return err.Error(), nil
	}
	if known {
		if err := keepUnsent(p.t, customerMark(n.RUT), old, made); err != nil {
			return "", err
		}
	}
	n.At = p.n.At
	heard, err := p.heard(n)
	if err != nil {
		return "", err
	}
	err = putJSON(p.t, bServedCustomers, key, servedCustomer{n, p.state.Load, heard})
	if known && made.Same(old) {
		return "", err
	}
	made = made.SavedOver(old, p.n.At)
	p.saved = append(p.saved, made)
	return "", errors.Join(err, putJSON(p.t, bCustomers, key, made))
}

// heard is what the server's figure makes of a customer's account: what he owes beside what this till had told of. A limit that this
// till gave and has not told holds on.
func (p *newsPage) heard(n NewsCustomer) (*sale.Heard, error) {
	if n.Balance == nil {
		return nil, nil
	}
	told, limited, err := toldBalance(p.t, sale.CreditAccount(n.RUT), p.n.Told)
	h := &sale.Heard{Elsewhere: *n.Balance - told, Limit: n.Limit, At: n.At}
	if limited {
		h.Limit = nil
	}
	return h, err
}

// overCustomer is the server's customer over the till's. What the server never said, the till still knows.
func overCustomer(n, old, last sale.Customer) sale.Customer {
	for _, f := range []struct{ n, old, last *string }{
		{&n.RznSoc, &old.RznSoc, &last.RznSoc},
		{&n.Giro, &old.Giro, &last.Giro},
		{&n.Direccion, &old.Direccion, &last.Direccion},
		{&n.Comuna, &old.Comuna, &last.Comuna},
		{&n.Ciudad, &old.Ciudad, &last.Ciudad},
		{&n.Correo, &old.Correo, &last.Correo},
		{&n.Telefono, &old.Telefono, &last.Telefono},
	} {
		if *f.n == "" && *f.last == "" {
			*f.n = *f.old
		}
	}
	n.Notes = old.Notes
	for _, list := range old.Lists {
		if !slices.Contains(n.Lists, list) && !slices.Contains(last.Lists, list) {
			n.Lists = append(slices.Clone(n.Lists), list)
		}
	}
	return n
}

// CustomerAtServer is what the server last said of a customer: what he may owe and what he owes at all tills. False if it said
// nothing of him.
func (s *Store) CustomerAtServer(rut dte.RUT) (c NewsCustomer, known bool, err error) {
	err = s.view(func(t *bolt.Tx) error {
		var served servedCustomer
		served, known, err = getJSON[servedCustomer](t, bServedCustomers, rutKey(rut))
		c = served.NewsCustomer
		return err
	})
	return c, known, err
}

// takePeople takes in who works here. Only what changed at the server since it last spoke changes here: what the till's owner
// decided in between holds.
func (p *newsPage) takePeople() (err error) {
	if len(p.n.People) == 0 {
		return nil
	}
	if p.people, err = peopleOf(p.t); err != nil {
		return err
	}
	for _, n := range p.n.People {
		n.Name = shortName(n.Name)
		p.hear("persona " + short(n.Name))
		why, err := p.person(n)
		if err != nil {
			return err
		}
		if why != "" {
			p.refuse(p.thing, "%s", why)
		}
	}
	return nil
}

// nameLetters is how long a name is at a till.
const nameLetters = 24

// shortName keeps as many words of a name as a ticket has room for.
func shortName(name string) string {
	words := strings.Fields(name)
	for len(words) > 1 && len([]rune(strings.Join(words, " "))) > nameLetters {
		words = words[:len(words)-1]
	}
	return strings.Join(words, " ")
}

func (p *newsPage) person(n NewsPerson) (why string, err error) {
	key := []byte(n.Name)
	last, told, err := getJSON[NewsPerson](p.t, bServedPeople, key)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(p.people, func(o sale.Person) bool { return strings.EqualFold(o.Name, n.Name) })
	made := sale.Person{Name: n.Name, RUT: n.RUT, Role: n.Role}
	if i >= 0 {
		made = overPerson(n, last, told, p.people[i])
	} else if !n.Active {
		return "", nil
	}
	if made.Active && p.t.Bucket(bPINs).Get(number(uint64(made.Number))) == nil {
		made.Active = false // nobody enters without a PIN, and that is set at the till
	}
	if i >= 0 && made == p.people[i] {
		return "", putJSON(p.t, bServedPeople, key, n)
	}
	if made, err = sale.CheckPerson(p.people, made, true); err != nil {
		return err.Error(), nil
	}
	if i < 0 {
		made.Number = len(p.people) + 1
		p.people = append(p.people, made)
	} else {
		p.people[i] = made
	}
	return "", errors.Join(
		putJSON(p.t, bPeople, number(uint64(made.Number)), made),
		putJSON(p.t, bServedPeople, key, n),
		noteEvent(p.t, sale.Event{At: p.n.At, Kind: sale.EventPerson, What: describeNews(made), Who: "servidor"}, nil),
	)
}

func describeNews(p sale.Person) string {
	words := fmt.Sprintf("%s, %s", p.Name, p.Role)
	if !p.Active {
		words += ", no entra a esta caja"
	}
	return words
}

func overPerson(n, last NewsPerson, told bool, old sale.Person) sale.Person {
	if !told || n.Role != last.Role {
		old.Role = n.Role
	}
	if !told && !n.Active || told && n.Active != last.Active {
		old.Active = n.Active
	}
	if n.RUT != 0 {
		old.RUT = n.RUT
	}
	return old
}

// emisor takes in how the documents name the company. Its RUT and the environment are the till's for ever, and a branch has its
// own address.
func (p *newsPage) emisor() error {
	n := p.n.Emisor
	if n == nil {
		return nil
	}
	p.hear("empresa")
	shop, ok, err := getJSON[sale.Shop](p.t, bMeta, kShop)
	if err != nil || !ok {
		return err
	}
	if n.RUT != shop.Emisor.RUT {
		p.refuse(p.thing, "el servidor habla de %s y esta caja es de %s. No se cambió nada", n.RUT.Dotted(), shop.Emisor.RUT.Dotted())
		return nil
	}
	if r := p.n.Resolucion; !r.Fch.IsZero() && r != shop.Resolucion {
		p.refuse(p.thing, "la resolución del SII es otra en esta caja: se cambia en la caja, a mano")
	}
	made := overEmisor(*n, shop.Emisor)
	if err := issuable(made, shop.Resolucion.Fch); err != nil {
		p.refuse(p.thing, "%v. Sigue como estaba", err)
		return nil
	}
	shop.Emisor = made
	return putJSON(p.t, bMeta, kShop, shop)
}

func overEmisor(n, old dte.Emisor) dte.Emisor {
	made := old
	branch := old.Sucursal != "" || old.CdgSIISucur != 0
	for _, f := range []struct {
		n, made *string
		own     bool
	}{
		{&n.RznSoc, &made.RznSoc, false},
		{&n.Giro, &made.Giro, false},
		{&n.Correo, &made.Correo, false},
		{&n.Direccion, &made.Direccion, branch},
		{&n.Comuna, &made.Comuna, branch},
		{&n.Ciudad, &made.Ciudad, branch},
	} {
		if *f.n != "" && !f.own {
			*f.made = *f.n
		}
	}
	if len(n.Telefono) > 0 {
		made.Telefono = n.Telefono
	}
	if len(n.Acteco) > 0 && !slices.Contains(old.Acteco, n.Acteco[0]) {
		made.Acteco = n.Acteco
	}
	return made
}

// issuable refuses a company that no document could name.
func issuable(e dte.Emisor, day dte.Date) error {
	return dte.Draft{
		Tipo: dte.Factura, FchEmis: day, Emisor: e,
		Receptor: dte.Receptor{RUT: dte.RUTSII, RznSoc: "x", Giro: "x", Direccion: "x", Comuna: "x"},
		Detalle:  []dte.Linea{{Nombre: "x", Monto: 1}},
	}.Validate()
}

func (p *newsPage) rules() error {
	if p.n.Rules == nil {
		return nil
	}
	p.hear("promociones")
	if err := p.n.Check(*p.n.Rules); err != nil {
		p.refuse(p.thing, "%s. Siguen las de antes", short(err.Error()))
		return nil
	}
	if strings.TrimSpace(*p.n.Rules) == "" {
		return p.t.Bucket(bValues).Delete([]byte(ValuePrices))
	}
	return p.t.Bucket(bValues).Put([]byte(ValuePrices), []byte(*p.n.Rules))
}

// report keeps what was refused until the server was told.
func (p *newsPage) report() error {
	b := p.t.Bucket(bRefusedNews)
	room := mostRefusals - b.Stats().KeyN
	for _, r := range p.refused[:max(0, min(len(p.refused), room))] {
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := putJSON(p.t, bRefusedNews, number(n), r); err != nil {
			return err
		}
	}
	return nil
}

// ListPrices are what products cost on the server's lists, by code and list.
func (s *Store) ListPrices() (prices map[string]map[string]money.Price, err error) {
	prices = map[string]map[string]money.Price{}
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bListed).ForEach(func(code, v []byte) error {
			prices[string(code)], err = decode[map[string]money.Price](bListed, code, v)
			return err
		})
	})
	return prices, err
}

// Made is a product or a customer that the server has not heard of, or has otherwise.
type Made struct {
	mark     []byte
	seq      uint64
	Product  *sale.Product
	Customer *sale.Customer
}

func productMark(code string) []byte  { return []byte("p" + code) }
func customerMark(rut dte.RUT) []byte { return append([]byte("c"), rutKey(rut)...) }

// madeHere remembers that the server is to be told of what was made or changed here, while there is one.
func madeHere(t *bolt.Tx, mark []byte) error {
	if t.Bucket(bMeta).Get(kServer) == nil {
		return nil
	}
	return markMade(t, mark, nil)
}

// markMade keeps a mark, with its number: one that was made again is not the one that was told. Without text it stands for what
// is in its place.
func markMade(t *bolt.Tx, mark, text []byte) error {
	n, err := t.Bucket(bMade).NextSequence()
	if err != nil {
		return err
	}
	return t.Bucket(bMade).Put(mark, append(number(n), text...))
}

// keepUnsent saves what the till knew and the server has not heard, before the server's word takes its place. Where both say the
// same there is nothing to tell.
func keepUnsent[T any](t *bolt.Tx, mark []byte, old, made T) error {
	v := t.Bucket(bMade).Get(mark)
	if len(v) != 8 { // unmarked, or saved already
		return nil
	}
	before, errBefore := json.Marshal(old)
	after, errAfter := json.Marshal(made)
	if err := errors.Join(errBefore, errAfter); err != nil {
		return err
	}
	if bytes.Equal(before, after) {
		return t.Bucket(bMade).Delete(mark)
	}
	return t.Bucket(bMade).Put(mark, append(bytes.Clone(v), before...))
}

// tellAll marks all that there is, for a server that knows nothing of it yet.
func tellAll(t *bolt.Tx) error {
	err := t.Bucket(bCodes).ForEach(func(code, _ []byte) error {
		if t.Bucket(bServed).Get(code) != nil {
			return nil
		}
		return markMade(t, productMark(string(code)), nil)
	})
	return errors.Join(err, t.Bucket(bCustomers).ForEach(func(rut, _ []byte) error {
		if t.Bucket(bServedCustomers).Get(rut) != nil {
			return nil
		}
		return markMade(t, append([]byte("c"), rut...), nil)
	}))
}

// forgetNews is the end of a server: what it told stays, as the till's own.
func forgetNews(t *bolt.Tx) error {
	err := t.Bucket(bMeta).Delete(kNews)
	for _, name := range [][]byte{bServed, bServedCustomers, bServedPeople, bMade, bRefusedNews} {
		err = errors.Join(err, t.DeleteBucket(name))
		_, made := t.CreateBucket(name)
		err = errors.Join(err, made)
	}
	return errors.Join(err, dropTasks(t, nil, func([]byte, unbelieved) bool { return true })) // their numbers go on
}

// Unheard is what the server is to be told that stands in no chain: up to so many things made here, and all that was refused.
func (s *Store) Unheard(limit int) (made []Made, refused []Refusal, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bMade).Cursor()
		for mark, v := c.First(); mark != nil && len(made) < limit; mark, v = c.Next() {
			m, ok, err := madeAt(t, bytes.Clone(mark), v)
			if err != nil {
				return err
			}
			if ok {
				made = append(made, m)
			}
		}
		return t.Bucket(bRefusedNews).ForEach(func(k, v []byte) error {
			r, err := decode[Refusal](bRefusedNews, k, v)
			refused = append(refused, r)
			return err
		})
	})
	return made, refused, err
}

// madeAt reads a mark: what it saved, or what is in its place; false if that is gone.
func madeAt(t *bolt.Tx, mark, v []byte) (m Made, ok bool, err error) {
	if len(v) < 8 || len(mark) < 2 {
		return m, false, damaged(fmt.Errorf("la marca %x", mark))
	}
	m.mark, m.seq = mark, parseNumber(v[:8])
	saved := v[8:]
	if mark[0] == 'c' {
		if len(saved) == 0 {
			saved = t.Bucket(bCustomers).Get(mark[1:])
		}
		return m, saved != nil, madeFrom(saved, bCustomers, mark, &m.Customer)
	}
	if len(saved) == 0 {
		saved = t.Bucket(bProducts).Get(t.Bucket(bCodes).Get(mark[1:]))
	}
	err = madeFrom(saved, bProducts, mark, &m.Product)
	return m, saved != nil, err
}

func madeFrom[T any](text, bucket, mark []byte, into **T) error {
	if text == nil {
		return nil
	}
	v, err := decode[T](bucket, mark, text)
	*into = &v
	return err
}

// Heard keeps that the server was told. What was made again since is still to be told.
func (s *Store) Heard(made []Made, refused int) error {
	if len(made) == 0 && refused == 0 {
		return nil
	}
	return s.update(func(t *bolt.Tx) error {
		var err error
		for _, m := range made {
			if v := t.Bucket(bMade).Get(m.mark); len(v) >= 8 && parseNumber(v[:8]) == m.seq {
				err = errors.Join(err, t.Bucket(bMade).Delete(m.mark))
			}
		}
		c := t.Bucket(bRefusedNews).Cursor()
		for k, _ := c.First(); k != nil && refused > 0; k, _ = c.First() {
			err = errors.Join(err, c.Delete())
			refused--
		}
		return err
	})
}

// news checks that what is kept of the server's is of things that are there, and that each code leads to its product.
func (a *auditor) news() {
	a.each(bServed, func(_, _ int, code, _ []byte) {
		if a.t.Bucket(bCodes).Get(code) == nil {
			a.fault("el producto %s figura como del servidor y no está", code)
		}
	})
	a.each(bListed, func(_, _ int, code, _ []byte) {
		if a.t.Bucket(bCodes).Get(code) == nil {
			a.fault("hay precios de lista del producto %s, que no está", code)
		}
	})
	a.each(bUnbelieved, func(_, _ int, k, v []byte) {
		_, err := decode[unbelieved](bUnbelieved, k, v)
		a.check(err)
	})
	a.each(bBarcodes, func(_, _ int, code, owner []byte) {
		if a.t.Bucket(bCodes).Get(owner) == nil {
			a.fault("el código %s lleva al producto %s, que no está", code, owner)
		}
	})
}

// verdicts settles documents of this till that wait to be sent: the server did it, while this till was gone. About what is on its way
// the worker hears from the authority itself.
func (p *newsPage) verdicts() error {
	for _, v := range p.n.Verdicts {
		if err := p.verdict(v); err != nil {
			return err
		}
	}
	return nil
}

func (p *newsPage) verdict(v dte.Veredicto) error {
	p.hear("veredicto de " + v.Key.String())
	d, err := stateOf(p.t, v.Key)
	if errors.Is(err, sale.ErrNotFound) {
		return nil // another till's
	}
	past, pastErr := remediesOf(p.t, keyBytes(v.Key))
	if err = errors.Join(err, pastErr); err != nil || d.State != dte.Issued || len(past) > 0 {
		return err
	}
	if !v.State.Final() {
		p.refuse(p.thing, "«%s» no es un veredicto. El documento sigue por enviar", short(string(v.State)))
		return nil
	}
	v.Codigo, v.Glosa, v.Fuente = short(v.Codigo), dte.Normalize(v.Glosa), dte.FuenteServidor
	d.State, d.Veredicto = v.State, v
	return errors.Join(openTask(p.t, v.Key, d), putState(p.t, keyBytes(v.Key), d))
}
