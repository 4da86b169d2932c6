package sale

import (
	"cmp"
	"errors"
	"fmt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale/price"
)

// reprice gives every line of the cart what it costs now, with its reasons: the only place where prices are made. It
// runs after each change of the cart and never while nobody touches it.
func (r *Register) reprice(c *Cart) error {
	items := make([]price.Item, len(c.Lines))
	for i, l := range c.Lines {
		items[i] = l.item()
	}
	priced, err := r.prices.Price(price.Context{At: r.d.Now().In(dte.Santiago), Lists: c.Lists, Off: c.Off}, items)
	if err != nil {
		return err
	}
	for i, p := range priced.Lines {
		l := &c.Lines[i]
		l.Prc, l.Descuento, l.Total, l.Why = p.Prc, p.Discount, p.Total, p.Why
		if len(p.Why) == 1 {
			l.Why = nil // the price of the catalogue needs no explanation
		}
	}
	c.Rebaja = priced.Off
	return nil
}

// item is the line as the price policy sees it. A scale's label and a pack have their own price, outside the rules.
func (l Line) item() price.Item {
	it := price.Item{
		Codigo: l.Codigo, Categoria: l.Categoria, Base: l.base(), Qty: l.Qty, Exento: l.Exento, Weighed: l.Unidad != "",
		Fixed: l.Fijo, FixedBy: l.FijoPor, Off: l.Off,
	}
	switch {
	case it.Fixed != 0:
	case l.Etiqueta != "":
		it.Fixed, it.FixedBy = it.Base, price.By{Why: "etiqueta de la balanza"}
	case l.Contenido > 0:
		it.Fixed, it.FixedBy = it.Base, price.By{Why: "pack"}
	}
	return it
}

// base is the price of the catalogue; carts from before there were rules have only the one.
func (l Line) base() money.Price {
	if l.Base == 0 {
		return l.Prc
	}
	return l.Base
}

// SetPrices makes book the price policy of the sales from the next one on: under an open cart no price changes.
func (r *Register) SetPrices(book *price.Book) { r.next = book }

// SetNews makes these the products and the price policy from the next sale on, and looks anew at who works here. An open sale goes
// on with what it began with, goods that are added to it included.
func (r *Register) SetNews(c Catalogue, book *price.Book) {
	r.next, r.nextCatalogue = book, c
	r.betweenSales()
}

// betweenSales adopts the news unless a sale is open.
func (r *Register) betweenSales() {
	if r.stage == Done || r.stage == Selling && len(r.cart.Lines) == 0 {
		r.takeNews()
	}
}

// takeNews adopts a new price policy, and new products and people, between two sales.
func (r *Register) takeNews() {
	if r.next != nil {
		r.prices, r.next = r.next, nil
	}
	if r.nextCatalogue != nil {
		r.d.Catalogue, r.nextCatalogue = r.nextCatalogue, nil
		r.takePeople()
	}
}

// takePeople looks again at who works here. Who does not any more is not at the till, either; whoever cannot be read stays.
func (r *Register) takePeople() {
	people, err := r.d.Journal.People()
	if err != nil {
		return
	}
	r.people = people
	for _, p := range people {
		if p.Number == r.person.Number {
			r.person = p
			r.locked = r.locked || !p.Active
		}
	}
}

// SetLineOff gives the selected line a discount by hand; the zero Off takes it back. It is kept in the log.
func (r *Register) SetLineOff(off price.Off) error {
	if r.selected < 0 {
		return errNoLine
	}
	off, err := r.byHand(off)
	if err != nil {
		return err
	}
	before := r.cart.Lines[r.selected]
	if err := r.mayDiscount(off, before.Prc, before.Qty, before.Nombre); err != nil {
		return err
	}
	return r.logged(EventDiscount, before.Nombre+": "+off.By.Why, r.onLine(func(l *Line) error { l.Off = off; return nil }))
}

// SetTicketOff gives the whole sale a discount; the zero Off takes it back. It is kept in the log.
func (r *Register) SetTicketOff(off price.Off) error {
	off, err := r.byHand(off)
	if err != nil {
		return err
	}
	return r.logged(EventDiscount, "al total: "+off.By.Why, func(c *Cart) (int, error) {
		if len(c.Lines) == 0 {
			return 0, errors.New("no hay nada que descontar: la venta está vacía. Nada cambió")
		}
		if err := r.mayDiscountTotal(off); err != nil {
			return 0, err
		}
		c.Off = off
		return r.selected, nil
	})
}

// SetPrice gives the selected line a price by hand, instead of all rules; zero takes it back. It is kept in the log.
func (r *Register) SetPrice(prc money.Price, why string) error {
	if r.selected < 0 {
		return errNoLine
	}
	why, err := words(why, "el motivo")
	switch {
	case err != nil:
		return err
	case prc < 0:
		return errors.New("el precio no puede ser negativo. Nada cambió")
	case prc > 0 && why == "":
		return errors.New("diga por qué cambia el precio. Nada cambió")
	}
	l := r.cart.Lines[r.selected]
	if err := r.May(Ask{Right: MayPrice, What: fmt.Sprintf("%s a $%s", l.Nombre, prc)}); err != nil {
		return err
	}
	return r.logged(EventPrice, fmt.Sprintf("%s: de %s a %s: %s", l.Nombre, l.Prc, prc, why),
		r.onLine(func(l *Line) error { l.Fijo, l.FijoPor = prc, price.By{Why: why}; return nil }))
}

// SetNote writes a note on the selected line, for the kitchen, the storeroom or the warranty. It is no part of the legal
// document.
func (r *Register) SetNote(text string) error {
	text, err := words(text, "la nota")
	if err != nil {
		return err
	}
	return r.edit(func(l *Line) error { l.Nota = text; return nil })
}

// mayDiscount asks for a line's discount, whether it is a part of it or an amount. Taking one back is nobody's loss.
func (r *Register) mayDiscount(off price.Off, prc money.Price, qty money.Qty, what string) error {
	if off == (price.Off{}) {
		return nil
	}
	whole, err := prc.Times(qty)
	if err != nil {
		return err
	}
	return r.May(Ask{Right: MayDiscount, Off: rateOf(off, whole), What: what})
}

// mayDiscountTotal asks for a discount of the whole sale, before which lines may have had theirs: what counts is all of it.
func (r *Register) mayDiscountTotal(off price.Off) error {
	if off == (price.Off{}) {
		return nil
	}
	whole := money.Pesos(0)
	for _, l := range r.cart.Lines {
		whole += l.Total // each is within the total of the document, which fits
	}
	return r.May(Ask{Right: MayDiscount, Off: rateOf(off, whole), What: "el total"})
}

// mayStillGive asks for what discounts by hand come to after a change of the cart: one in pesos is a larger part of fewer
// goods, and one on the whole comes on top of those on the lines.
func (r *Register) mayStillGive(after Cart) error {
	given := after.givenByHand()
	if given <= r.cart.givenByHand() {
		return nil
	}
	return r.May(Ask{Right: MayDiscount, Off: given, What: "en toda la venta"})
}

// givenByHand is the part of its price that the most discounted line loses by hand.
func (c Cart) givenByHand() (most money.Rate) {
	whole := money.Pesos(0)
	for _, l := range c.Lines {
		whole += l.Total
		if gross, err := l.Prc.Times(l.Qty); err == nil { // it fits: it was priced
			most = max(most, rateOf(l.Off, gross))
		}
	}
	rest := int64(wholePrice - most)
	return most + money.Rate((int64(rateOf(c.Off, whole))*rest+int64(wholePrice)-1)/int64(wholePrice))
}

// rateOf is a discount as a part of the whole, rounded up: nobody gives a little more than they may.
func rateOf(off price.Off, whole money.Pesos) money.Rate {
	switch {
	case off.Pesos == 0:
		return off.Pct
	case whole <= 0 || off.Pesos >= whole:
		return wholePrice
	}
	return money.Rate((int64(off.Pesos)*int64(wholePrice) + int64(whole) - 1) / int64(whole))
}

// byHand checks a discount that a person gives.
func (r *Register) byHand(off price.Off) (price.Off, error) {
	why, err := words(off.By.Why, "el motivo")
	off.By.Why = why
	switch {
	case err != nil:
		return off, err
	case off.Pct == 0 && off.Pesos == 0:
		return price.Off{}, nil
	case off.Pct < 0 || off.Pesos < 0 || off.Pct != 0 && off.Pesos != 0 || off.Pct > 100*100:
		return off, errors.New("el descuento es un porcentaje de 0 a 100, o un monto en pesos. Nada cambió")
	case why == "":
		return off, errors.New("diga por qué se descuenta. Nada cambió")
	}
	return off, nil
}

// logged does what a person does to a price, and keeps by how much the sale is less.
func (r *Register) logged(kind EventKind, what string, edit func(c *Cart) (selected int, err error)) error {
	return r.change(edit, func(after Cart) ([]Event, error) {
		changed := *r
		changed.cart = after
		was, wasErr := r.total()
		is, isErr := changed.total()
		return []Event{r.event(kind, what, was-is)}, cmp.Or(wasErr, isErr)
	})
}

// globals are the ticket's discount as the document says it: one for each kind of lines.
func (c Cart) globals(tipo dte.TipoDTE) (movements []dte.DscRcgGlobal) {
	add := func(amount money.Pesos, kind dte.IndExe) {
		if amount > 0 {
			movements = append(movements, dte.DscRcgGlobal{TpoMov: dte.DescuentoGlobal, Glosa: "Descuento", Monto: amount, IndExe: kind})
		}
	}
	add(c.Rebaja.Taxed, dte.Afecto)
	if tipo.EsExento() {
		add(c.Rebaja.Exempt, dte.Afecto)
	} else {
		add(c.Rebaja.Exempt, dte.Exento)
	}
	return movements
}

// Quote is what a code costs now, for a customer who asks: with the lists of the open sale, and without touching it.
func (r *Register) Quote(text string) (Line, error) {
	code, qty, err := splitScan(text)
	if err != nil {
		return Line{}, err
	}
	m, err := r.match(code)
	if err != nil {
		return Line{}, err
	}
	if qty, err = m.times(qty); err != nil {
		return Line{}, err
	}
	cart := Cart{Lines: []Line{m.line()}, Lists: r.cart.Lists}
	if err := cart.Lines[0].add(qty); err != nil {
		return Line{}, err
	}
	err = r.reprice(&cart)
	return cart.Lines[0], err
}
