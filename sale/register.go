package sale

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale/price"
)

// Stage is what the till is doing.
type Stage string

// The stages of the counter. Selling → Paying → Done → Selling; Esc goes back from Paying without losing anything.
const (
	Selling Stage = "selling"
	Paying  Stage = "paying"
	Done    Stage = "done"
)

// Shop is what the register must know of the business. It comes from the store's settings.
type Shop struct {
	Emisor     dte.Emisor     `json:"emisor"`
	Resolucion dte.Resolucion `json:"resolucion"`
	Ambiente   dte.Ambiente   `json:"ambiente"`
	// UnidadSII is the regional office printed under the box of a factura: "SANTIAGO CENTRO".
	UnidadSII string `json:"unidadSII,omitempty"`
	Caja      string `json:"caja"` // the till's code, up to 8 characters: "CAJA1"
	// Verificacion is where a buyer can check a boleta: "www.sii.cl".
	Verificacion string `json:"verificacion,omitempty"`
	// Modelo is whether a card's voucher is a boleta; empty if nobody has said. A Register asks its Journal.
	Modelo Modelo `json:"modeloEmision,omitempty"`
}

// Training reports the practice shop.
func (s Shop) Training() bool { return s.Ambiente == dte.Capacitacion }

// Deps are what a Register works with.
type Deps struct {
	Shop      Shop
	Journal   Journal
	Catalogue Catalogue
	Prices    *price.Book // the price policy; nil has no rules
	Scale     ScaleRules  // how the labels of the shop's scales are read
	// AddProduct keeps a product that was made at the counter, and returns the catalogue with it, or keeps nothing. It may
	// be nil.
	AddProduct func(to Catalogue, p Product) (Catalogue, error)
	Signer     *dte.Signer
	// Terminal: a terminal charges cards and gives back what it charged; otherwise the cashier does, and is only told to.
	Terminal bool
	// Pace is how many of each type were issued on each of the last days, as in Facts. It may be nil.
	Pace func() map[dte.TipoDTE][]int
	// Server is how the till stands with its server, and Lacks tells it of a document that lacked a folio. They may be nil.
	Server func() ServerFacts
	Lacks  func(dte.TipoDTE)
	Now    func() time.Time
	Rand   io.Reader // source of sale IDs and of what hides PINs
	// PINCost is what hiding a PIN costs; zero is UsualPINCost.
	PINCost PINCost
	// Who is at the till and Approved who allows what is being done; a Register fills both in.
	Who, Approved string
}

// Snapshot is an immutable picture of the till for the screen. It shares nothing with the Register.
type Snapshot struct {
	Stage    Stage
	Cart     Cart
	Selected int // index of the selected line; -1 in an empty cart
	Tipo     dte.TipoDTE
	Total    money.Pesos // total of the document, before cash rounding

	// While paying. The payment is complete when Due is zero.
	Payment Payment
	Due     money.Pesos // what is still to be paid, not rounded
	DueCash money.Pesos // the same, if paid in cash: rounded to tens by law 20.956
	// Debt is what the buyer owes at all tills of a shop that has several; nil where no server tells of it.
	Debt *Debt
	// ByVoucher: Issue will make no boleta, for the card's voucher is it. AskModelo: it could be, and nobody has said yet
	// whether it is.
	ByVoucher, AskModelo bool

	// Change is the exchange that the sale is part of; nil in an ordinary one.
	Change *Change

	// After the issue.
	Last   *Record // the sale just issued; nil before the first
	Shift  Shift
	Folios int // folios left for Tipo
	// Refill says in Spanish how there are folios again, while there are none or they come from a server (Served). Sent: that one
	// is heard, and sends some before there are none.
	Refill       string
	Served, Sent bool
	Training     bool // practice shop

	// Person is at the till, or was before it was Locked; nobody in a shop without people, which is not Staffed.
	Person          Person
	Staffed, Locked bool
}

// Register is the counter. Its methods are for one goroutine, the window's; they never block on a network. After each
// one, Snapshot tells what to show. A change of the cart is saved in the Journal before it counts: when a method fails,
// the cart is as it was.
type Register struct {
	d        Deps
	stage    Stage
	cart     Cart
	selected int
	payment  Payment
	debt     *Debt // of the buyer, as Charge found it
	last     *Record
	prices   *price.Book
	next     *price.Book // from the next sale on; nil: no news
	// nextCatalogue is the same for the products.
	nextCatalogue Catalogue
	doubt         bool                   // an Issue of this cart failed: ask before anything else is done with it
	ending        func() (Record, error) // of a sale in which the customer pays nothing

	people []Person // who work here
	policy Policy
	person Person // at the till
	locked bool
	// approver allows what was approved, while Approved runs.
	approver Person
	approved Ask
}

// Limits of a cart.
const (
	maxLines   = 1000 // a boleta takes no more (EnvioBOLETA_v11)
	maxTenders = 20
	maxScan    = 128 // characters
)

// NewRegister takes up where the till was left: open shift, open cart.
func NewRegister(d Deps) (*Register, error) {
	cart, err := d.Journal.LoadCart()
	if err != nil {
		return nil, err
	}
	r := &Register{d: d, stage: Selling, cart: cart, selected: len(cart.Lines) - 1, prices: d.Prices}
	if r.prices == nil {
		r.prices, _ = price.Compile(nil) // without rules nothing can be wrong
	}
	if err := r.loadPeople(); err != nil {
		return nil, err
	}
	if cart.ID == "" {
		err = r.clear()
	}
	return r, err
}

// clear starts an empty basket with an ID of its own.
func (r *Register) clear() error {
	id, err := NewID(r.d.Rand)
	if err != nil {
		return err // everything is as it was
	}
	r.stage, r.cart, r.selected, r.payment, r.doubt = Selling, Cart{ID: id}, -1, Payment{}, false
	r.betweenSales()
	return nil
}

// update changes the cart, with what the log says of it.
func (r *Register) update(edit func(c *Cart) (selected int, err error), events ...Event) error {
	return r.change(edit, func(Cart) ([]Event, error) { return events, nil })
}

// change edits a copy of the cart, and adopts it with its selected line once it is saved together with its events: both or
// neither.
func (r *Register) change(edit func(c *Cart) (selected int, err error), events func(after Cart) ([]Event, error)) error {
	if err := r.beginChange(); err != nil {
		return err
	}
	if err := r.notGivenBack(); err != nil {
		return err
	}
	if len(r.cart.Lines) == 0 {
		r.takeNews()
	}
	cart := r.cart.clone()
	selected, err := edit(&cart)
	if err != nil {
		return err
	}
	if len(cart.Lines) == 0 {
		cart.Off = price.Off{} // it was for what is gone, and not for the next buyer
	}
	if err := r.reprice(&cart); err != nil {
		return err
	}
	if err := r.mayStillGive(cart); err != nil {
		return err
	}
	log, err := events(cart)
	if err != nil {
		return err
	}
	if err := r.d.Journal.SaveCart(cart, log...); err != nil {
		return err
	}
	r.cart, r.selected = cart, max(-1, min(selected, len(cart.Lines)-1))
	r.betweenSales()
	return nil
}

// beginChange is where every change of the open sale begins: somebody may, nobody is paying, and no card has paid.
func (r *Register) beginChange() error {
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return err
	}
	if err := r.beginSelling(); err != nil {
		return err
	}
	return r.uncharged()
}

// beginSelling refuses a change while paying; after a finished sale it begins the next one.
func (r *Register) beginSelling() error {
	switch r.stage {
	case Paying:
		return errors.New("se está cobrando: vuelva atrás para cambiar la venta")
	case Done:
		return r.clear()
	}
	return nil
}

// Snapshot is the picture to draw. A journal that cannot be read leaves its figures at zero.
func (r *Register) Snapshot() Snapshot {
	s := Snapshot{Stage: r.stage, Cart: r.cart.clone(), Selected: r.selected, Tipo: r.tipo(), Training: r.d.Shop.Training()}
	s.Person, s.Staffed, s.Locked = r.person, r.staffed(), r.locked
	s.Payment, s.Change = r.payment, r.exchanging()
	s.Payment.Tenders = slices.Clone(r.payment.Tenders)
	if r.stage == Paying {
		s.Debt = r.debt
	}
	if total, err := r.total(); err == nil {
		s.Total = total
		s.Due = r.due(total)
		s.DueCash = money.CashPayable(s.Due)
	}
	if r.last != nil {
		last := r.last.clone()
		s.Last = &last
	}
	if r.byVoucher() {
		modelo, err := r.d.Journal.Modelo()
		s.ByVoucher, s.AskModelo = err == nil && modelo == ModeloVoucher, err == nil && modelo == ""
	}
	if shift, err := r.d.Journal.CurrentShift(); err == nil {
		s.Shift = shift
	}
	if n, err := r.d.Journal.FoliosLeft(s.Tipo, dte.DateOf(r.d.Now())); err == nil {
		s.Folios = n
	}
	server := r.d.server()
	s.Served, s.Sent = server.Joined, server.sends(s.Tipo)
	if s.Served || s.Folios == 0 {
		s.Refill = server.refill(s.Tipo).whole
	}
	return s
}

// tipo is the document that the sale will become: exempt when everything in it is.
func (r *Register) tipo() dte.TipoDTE {
	exempt := len(r.cart.Lines) > 0
	for _, l := range r.cart.Lines {
		exempt = exempt && l.Exento
	}
	switch factura := r.cart.Tipo == dte.Factura; {
	case r.cart.Tipo == dte.GuiaDespacho:
		return dte.GuiaDespacho
	case factura && exempt:
		return dte.FacturaExenta
	case factura:
		return dte.Factura
	case exempt:
		return dte.BoletaExenta
	}
	return dte.Boleta
}

// total is what the document will say, by the document's own arithmetic.
func (r *Register) total() (money.Pesos, error) {
	totals, _, err := r.draft().Totals()
	return toPay(totals), err
}

// due is what the tenders have not paid yet.
func (r *Register) due(total money.Pesos) money.Pesos {
	if r.payment.Unpaid != "" {
		return 0
	}
	due := total + r.payment.Rounding
	for _, t := range r.payment.Tenders {
		due -= t.Amount
	}
	return due
}

// Scan takes what the scanner or the search field produced: a code, or "n*code" with a quantity. An exact code adds a
// line (or adds to the last line, if it is the same product); a scale's label adds a line of its own. An unknown code is ErrNotFound, a product whose price is
// typed ErrOpenPrice; both leave the cart as it was.
func (r *Register) Scan(text string) (Line, error) {
	code, qty, err := splitScan(text)
	if err != nil {
		return Line{}, err
	}
	m, err := r.match(code)
	if err != nil {
		return Line{}, err
	}
	return r.put(m, qty)
}

// match is what a code stands for: in the catalogue, or on a scale's label.
func (r *Register) match(code string) (Match, error) {
	if m, ok := r.d.Catalogue.ByCode(code); ok {
		return m, nil
	}
	m, err := r.d.Scale.Match(code, r.d.Catalogue)
	if errors.Is(err, errNoLabel) {
		err = fmt.Errorf("código %s: %w. Nada se agregó", code, ErrNotFound)
	}
	return m, err
}

// splitScan separates "3*780..." into its quantity and its code.
func splitScan(text string) (code string, qty money.Qty, err error) {
	code, qty = strings.TrimSpace(text), money.One
	if before, after, found := strings.Cut(code, "*"); found {
		if qty, err = money.ParseQty(strings.TrimSpace(before)); err != nil {
			return "", 0, fmt.Errorf("%w. Nada se agregó", err)
		}
		code = strings.TrimSpace(after)
	}
	if code == "" || len(code) > maxScan {
		return "", 0, fmt.Errorf("código vacío o demasiado largo: %w. Nada se agregó", ErrNotFound)
	}
	return code, qty, nil
}

// Search finds products for the list under the field.
func (r *Register) Search(text string, limit int) []Product { return r.d.Catalogue.Search(text, limit) }

// SetCatalogue is news of the products, found from now on. What is in the cart stays as it was added.
func (r *Register) SetCatalogue(c Catalogue) { r.d.Catalogue = c }

// SetScale is another table of how the labels of the scales are read, from now on.
func (r *Register) SetScale(rules ScaleRules) { r.d.Scale = rules }

// PreviewScale tells how a label would be read by another table.
func (r *Register) PreviewScale(rules ScaleRules, code string) string {
	words, _, _ := rules.Preview(code, r.d.Catalogue) // the words say what the error does
	return words
}

// Favourites are the quick keys.
func (r *Register) Favourites() []Product { return r.d.Catalogue.Favourites() }

// Categories are the parts of the grid of products.
func (r *Register) Categories() []Category { return r.d.Catalogue.Categories() }

// InCategory are up to limit products of a category, without the first ones.
func (r *Register) InCategory(name string, first, limit int) []Product {
	return r.d.Catalogue.InCategory(name, first, limit)
}

// Variants are the articles of a family.
func (r *Register) Variants(family string) []Product { return r.d.Catalogue.Variants(family) }

// Add puts a product in the cart, as Scan does.
func (r *Register) Add(p Product, qty money.Qty) (added Line, err error) {
	return r.put(p.match(), qty)
}

// put adds n readings of what a code stands for.
func (r *Register) put(m Match, n money.Qty) (Line, error) {
	qty, err := m.times(n)
	if err != nil {
		return Line{}, err
	}
	if m.Product.PrecioLibre && m.Contenido == 0 {
		return Line{}, OpenPriceError{Product: m.Product, Qty: qty}
	}
	err = r.update(func(c *Cart) (int, error) {
		i := len(c.Lines) - 1
		if i < 0 || !c.Lines[i].takes(m) {
			if len(c.Lines) == maxLines {
				return 0, fmt.Errorf("una boleta admite hasta %d líneas. Cobre esta venta y siga en otra", maxLines)
			}
			c.Lines = append(c.Lines, m.line())
			i++
		}
		return i, c.Lines[i].add(qty)
	})
	if err != nil {
		return Line{}, err
	}
	return r.cart.Lines[r.selected], nil
}

// takes reports that the line is of this product at this price: another price is another line.
func (l Line) takes(m Match) bool {
	return l.Codigo == m.Product.Codigo && l.base() == m.Prc && l.Fijo == 0 && l.Off == (price.Off{}) && l.Nota == "" && l.Nombre == m.Nombre && l.Exento == m.Product.Exento &&
		l.Contenido == m.Contenido && l.Etiqueta == "" && !m.Etiqueta
}

// maxLineQty keeps a slip of the finger from becoming a document.
const maxLineQty = 100_000 * money.One

var errQty = errors.New("la cantidad debe ser mayor que cero. Nada cambió")

func errTooMuch(q money.Qty) error {
	return fmt.Errorf("la cantidad %s es demasiado grande: el máximo por línea es %s. Nada cambió", q, maxLineQty)
}

// add adds to the line's quantity.
func (l *Line) add(q money.Qty) error {
	q += l.Qty
	switch {
	case q <= 0:
		return errQty
	case q > maxLineQty:
		return errTooMuch(q)
	case l.Unidad == "" && q%money.One != 0:
		return fmt.Errorf("%s se vende por unidad: la cantidad debe ser entera. Nada cambió", l.Nombre)
	case l.Etiqueta == "" && q%(money.One/1000) != 0:
		return fmt.Errorf("la cantidad %s de %s lleva a lo más %d decimales. Nada cambió", q, l.Nombre, decimals(l.Unidad))
	}
	total, err := l.base().Times(q) // until all of the cart is priced
	if err != nil {
		return err
	}
	l.Qty, l.Total = q, total
	return nil
}

// setQty is a quantity typed by a person: what a label said no longer holds.
func (l *Line) setQty(q money.Qty) error {
	l.Qty, l.Etiqueta = 0, ""
	return l.add(q)
}

// Select moves the selection to line i, within bounds.
func (r *Register) Select(i int) {
	if n := len(r.cart.Lines); n > 0 {
		r.selected = max(0, min(i, n-1))
	}
}

// SetQty sets the quantity of the selected line; it must be positive, and whole for products sold by unit. Less than
// before is kept in the log.
func (r *Register) SetQty(q money.Qty) error {
	var events []Event
	if r.selected >= 0 {
		if l := r.cart.Lines[r.selected]; q < l.Qty {
			if err := r.May(Ask{Right: MayRemove, What: l.Nombre}); err != nil {
				return err
			}
			less := l
			if less.setQty(q) == nil {
				events = append(events, r.event(EventLess, fmt.Sprintf("%s: de %s a %s", l.Nombre, l.Qty, q), l.Total-less.Total))
			}
		}
	}
	return r.edit(func(l *Line) error { return l.setQty(q) }, events...)
}

// Bump adds n units to the selected line; at zero the line goes.
func (r *Register) Bump(n int64) error {
	if i := r.selected; i >= 0 && r.stage == Selling && r.cart.Lines[i].Qty+money.Units(n) <= 0 {
		return r.Remove()
	}
	if r.selected < 0 {
		return errNoLine
	}
	return r.SetQty(r.cart.Lines[r.selected].Qty + money.Units(n))
}

// edit changes the selected line.
func (r *Register) edit(f func(*Line) error, events ...Event) error {
	return r.update(r.onLine(f), events...)
}

// onLine is a change of the selected line.
func (r *Register) onLine(f func(*Line) error) func(c *Cart) (selected int, err error) {
	return func(c *Cart) (int, error) {
		if r.selected < 0 {
			return 0, errNoLine
		}
		return r.selected, f(&c.Lines[r.selected])
	}
}

var errNoLine = errors.New("no hay una línea elegida. Nada cambió")

// Remove takes the selected line out, and keeps that in the log.
func (r *Register) Remove() error {
	var events []Event
	if r.selected >= 0 {
		l := r.cart.Lines[r.selected]
		if err := r.May(Ask{Right: MayRemove, What: l.Nombre}); err != nil {
			return err
		}
		events = append(events, r.event(EventRemoved, fmt.Sprintf("%s × %s", l.Qty, l.Nombre), l.Total))
	}
	return r.update(func(c *Cart) (int, error) {
		if r.selected < 0 {
			return 0, errNoLine
		}
		c.Lines = slices.Delete(c.Lines, r.selected, r.selected+1)
		return r.selected, nil
	}, events...)
}

// Void empties the cart, for a reason that is kept in the log, and starts a new sale ID.
func (r *Register) Void(reason string) error {
	reason, err := words(reason, "el motivo")
	if err != nil {
		return err
	}
	return r.change(func(c *Cart) (int, error) {
		if !c.Empty() && reason == "" {
			return 0, errors.New("diga por qué se vacía la venta. Nada cambió")
		}
		if !c.Empty() {
			if err := r.May(Ask{Right: MayVoid, What: reason}); err != nil {
				return 0, err
			}
		}
		id, err := NewID(r.d.Rand)
		*c = Cart{ID: id}
		return -1, err
	}, func(Cart) ([]Event, error) {
		if r.cart.Empty() {
			return nil, nil
		}
		total, err := r.total()
		return []Event{r.event(EventVoided, reason, total)}, err
	})
}

// Charge goes to Paying. It refuses an empty cart and all that would keep the document from being issued, so that nobody
// pays for what cannot be: no folios, an expired certificate, a wrong clock, what the law would refuse. A guía, and a
// factura on credit, are issued at once: nobody pays them at the counter.
func (r *Register) Charge() error { return safe(r.charge(), notCharged) }

func (r *Register) charge() error {
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return err
	}
	if err := r.beginSelling(); err != nil {
		return err
	}
	if len(r.cart.Lines) == 0 {
		return errors.New("no hay nada que cobrar: agregue un producto")
	}
	if err := r.chargeable(); err != nil {
		return err
	}
	now := r.d.Now()
	if err := r.check(r.cart.Choice()); err != nil { // a sale that waited aside may have grown old
		return err
	}
	if err := r.d.complete(r.draft(), now).Validate(); err != nil {
		return err
	}
	if err := r.d.Signer.ValidAt(now); err != nil {
		return err
	}
	if err := r.d.Journal.Ready(now); err != nil {
		return err
	}
	n, err := r.d.Journal.FoliosLeft(r.tipo(), dte.DateOf(now))
	if err != nil {
		return err
	}
	if n == 0 && !r.mayGoByVoucher() {
		return r.d.noFolios(r.tipo(), ". La venta sigue abierta y nada se perdió")
	}
	r.stage, r.payment, r.debt = Paying, Payment{}, r.buyersDebt()
	if why := r.cart.Unpaid(); why != "" {
		return r.issueUnpaid(why)
	}
	return r.TakeCards()
}

// Back leaves Paying and drops the tenders; the cart stays. After a failed Issue it asks first what became of it: a sale
// that was stored goes to Done, and one of which nobody can tell stays in Paying.
func (r *Register) Back() {
	if r.stage != Paying || r.doubt && !r.resolved() {
		return
	}
	r.stage, r.payment = Selling, Payment{}
}

// resolved reports that the cart's sale is certainly not in the journal. If it is there, the till goes to Done.
func (r *Register) resolved() bool {
	record, err := r.d.Journal.Sale(r.cart.ID)
	if err == nil {
		r.finish(record)
	}
	r.doubt = err != nil && !errors.Is(err, ErrNotFound)
	return errors.Is(err, ErrNotFound)
}

func (r *Register) finish(record Record) {
	r.stage, r.last, r.doubt = Done, &record, false
	r.betweenSales()
}

// Issue makes the document of a complete payment and goes to Done. On ErrUnknown the register stays in Paying and the
// same call asks again: the sale ID does not change.
func (r *Register) Issue() (Record, error) {
	doubted := r.doubt // a try before this one may have issued it
	record, err := r.finished()
	if doubted || errors.Is(err, ErrUnknown) {
		return record, safe(err, asksFirst)
	}
	return record, safe(err, nothingIssued)
}

// finished is the document of a complete payment.
func (r *Register) finished() (Record, error) {
	total, err := r.total()
	if err != nil {
		return Record{}, err
	}
	switch due := r.due(total); {
	case r.stage != Paying:
		return Record{}, errNotPaying
	case r.payment.Unpaid == "" && (due != 0 || len(r.payment.Tenders) == 0):
		return Record{}, fmt.Errorf("%w: faltan $%s", ErrPayment, due)
	}
	if err := r.sure(); err != nil {
		return Record{}, err
	}
	record, err := r.issue(total)
	if err != nil {
		r.doubt = true
		return Record{}, err
	}
	r.finish(record)
	return record, nil
}

// issue makes the document, or keeps the sale without one where the card's voucher is its boleta.
func (r *Register) issue(total money.Pesos) (Record, error) {
	if r.payment.Unpaid == EnCambio {
		return r.ending()
	}
	if r.byVoucher() {
		modelo, err := r.d.Journal.Modelo()
		if err != nil {
			return Record{}, err
		}
		if modelo == ModeloVoucher {
			return r.keepVoucher(total)
		}
	}
	order := Order{ID: r.cart.ID, Draft: r.draft(), Payment: r.payment, Lines: r.cart.Lines}
	if x := r.cart.Exchange; x != nil {
		order.Returned = x.Lines
	}
	return IssueOrder(r.depsOfExchange(), order)
}

// draft is the document of the cart, less what came back for it.
func (r *Register) draft() dte.Draft {
	draft := r.goods()
	if x := r.cart.Exchange; x != nil {
		x.lower(&draft)
	}
	return draft
}

// goods are the document of what the customer takes. Shop prices include IVA: a boleta is gross by nature, a factura says so with
// MntBruto, so that the total on the screen is the total of the document to the peso.
func (r *Register) goods() dte.Draft {
	draft := dte.Draft{Tipo: r.tipo(), Receptor: r.cart.Receptor}
	if draft.Tipo == dte.Factura || draft.Tipo == dte.FacturaExenta {
		draft.MntBruto = draft.Tipo == dte.Factura
		draft.FmaPago = formaPago(r.payment)
		draft.MedioPago = medioPago(r.payment, dte.DateOf(r.d.Now()))
		draft.Emisor = r.d.Shop.Emisor
		draft.Emisor.CdgVendedor = r.d.Shop.Caja
	}
	draft.Detalle = make([]dte.Linea, 0, len(r.cart.Lines)) // at every scan
	for _, l := range r.cart.Lines {
		line := dte.Linea{Nombre: l.Nombre, Qty: l.Qty, Unidad: l.Unidad, Prc: l.Prc, Descuento: l.Descuento}
		if l.Exento {
			line.IndExe = dte.Exento
		}
		if l.Codigo != "" {
			line.Codigos = []dte.Codigo{{Tipo: "INT1", Valor: l.Codigo}}
		}
		draft.Detalle = append(draft.Detalle, line)
	}
	draft.DscRcg = r.cart.globals(draft.Tipo)
	r.cart.dress(&draft)
	return draft
}

var errNotPaying = errors.New("primero cobre la venta")

// Next leaves Done with an empty cart.
func (r *Register) Next() {
	if r.stage == Done {
		// Should there be no randomness for a new sale ID, the stage stays; the next change of the cart tries again and
		// reports it.
		_ = r.clear()
	}
}

// OpenShift starts the shift with float in the drawer.
func (r *Register) OpenShift(float money.Pesos) error {
	if float < 0 {
		return errors.New("el fondo de caja no puede ser negativo")
	}
	if err := r.May(Ask{Right: MaySell}); err != nil {
		return err
	}
	_, err := r.d.Journal.OpenShift(r.d.Now(), r.d.Who, float)
	return err
}

// CloseShift counts the drawer and ends the shift. It refuses while a cart is open.
func (r *Register) CloseShift(counted money.Pesos) (Shift, error) {
	switch {
	case counted < 0:
		return Shift{}, errors.New("el efectivo contado no puede ser negativo")
	case !r.cart.Empty() && r.stage != Done:
		return Shift{}, errors.New("hay una venta abierta: cóbrela o anúlela antes de cerrar el turno")
	}
	if err := r.May(Ask{Right: MayCloseShift}); err != nil {
		return Shift{}, err
	}
	return r.d.Journal.CloseShift(r.d.Now(), r.d.Who, counted)
}

func (c Cart) clone() Cart {
	c.Lines, c.Lists, c.Referencias = slices.Clone(c.Lines), slices.Clone(c.Lists), slices.Clone(c.Referencias)
	c.Cards = slices.Clone(c.Cards)
	if c.Exchange != nil {
		x := *c.Exchange
		x.Lines = slices.Clone(x.Lines)
		c.Exchange = &x
	}
	if c.Guia != nil {
		guia := *c.Guia
		c.Guia = &guia
	}
	return c
}
