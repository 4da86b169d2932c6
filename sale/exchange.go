package sale

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"mostrador/dte"
	"mostrador/money"
)

// Exchange is what a customer brought back to take something else, while that is being sold: it lives in the cart of the
// new goods, and is kept and dropped with it. For dearer goods the law asks for a boleta of the difference, for cheaper
// ones for a credit note of the difference, both with a reference to the first boleta (SII FAQ 001.380.6570 and 6572).
// It is never changed in place.
type Exchange struct {
	Of     dte.Key        `json:"of"`
	Lines  []ReturnedLine `json:"lines"` // with their worth
	What   string         `json:"what"`  // the lines in words
	Reason string         `json:"reason"`
	// Taxed and Exempt are what the lines are worth.
	Taxed  money.Pesos `json:"taxed,omitempty"`
	Exempt money.Pesos `json:"exempt,omitempty"`
	// Approved is who allowed that it comes back; empty where nobody had to.
	Approved string `json:"approved,omitempty"`
}

// Worth is what all that came back is worth.
func (x *Exchange) Worth() money.Pesos { return x.Taxed + x.Exempt }

// Change is an open exchange as the screen shows it.
type Change struct {
	What  string
	Of    dte.Key
	Worth money.Pesos
	// Due is what the new goods are worth more: negative if the shop gives back.
	Due money.Pesos
	// Problem says why the exchange cannot be settled as it stands; empty if it can.
	Problem string
}

// ErrExchange: goods cannot be exchanged like this. Nothing was changed.
var ErrExchange = errors.New("no se puede cambiar así")

var (
	errOnlyBoletas = fmt.Errorf("%w: sólo lo vendido con boleta se cambia. Lo de una factura se devuelve con nota de crédito (como vale, si quiere) y lo nuevo se vende aparte", ErrExchange)
	errWithBoleta  = fmt.Errorf("%w: la diferencia de un cambio va en una boleta. Para factura o guía, vacíe el cambio, devuelva con nota de crédito y venda aparte", ErrExchange)
	errMixed       = fmt.Errorf("%w: lo afecto y lo exento no se descuentan entre sí. Vacíe el cambio, devuelva como vale y venda lo nuevo aparte, pagado con el vale", ErrExchange)
	errNoGoods     = fmt.Errorf("%w: falta lo que se lleva. Agréguelo, o vacíe el cambio", ErrExchange)
)

// errSwapped is for the boleta of an exchange, which says the difference only.
func errSwapped(r Record) error {
	return fmt.Errorf("%w: esta boleta cobró la diferencia de un cambio y se devuelve entera. Después se puede devolver lo primero, de %s %d", ErrExchange, r.Returned[0].Of.Tipo, r.Returned[0].Of.Folio)
}

// Empty reports a basket that nobody would miss.
func (c Cart) Empty() bool { return len(c.Lines) == 0 && c.Exchange == nil }

// exchange is what comes back, at what was paid for it.
func (r *Returnable) exchange(back Return) (*Exchange, error) {
	switch key := r.Record.Key; {
	case !key.Tipo.EsBoleta():
		return nil, errOnlyBoletas
	case len(r.Record.Returned) > 0:
		return nil, errSwapped(r.Record)
	case len(back.Lines) == 0:
		return nil, errNothingBack
	}
	reason, err := reasonFor(back.Reason)
	if err != nil {
		return nil, err
	}
	if _, err := r.quantities(back.Lines); err != nil {
		return nil, err
	}
	x := &Exchange{Of: r.Record.Key, Reason: reason, Lines: slices.Clone(back.Lines)}
	var what []string
	for i := range x.Lines {
		words, err := r.giveUp(x, i)
		if err != nil {
			return nil, err
		}
		what = append(what, words)
	}
	x.What = strings.Join(what, ", ")
	return x, nil
}

// giveUp takes a line of the exchange out of what is left, and says what it is.
func (r *Returnable) giveUp(x *Exchange, i int) (words string, err error) {
	l := &x.Lines[i]
	if l.Worth, err = r.takeOut(l.Line, l.Qty); err != nil {
		return "", err
	}
	line := r.Document.Detalle[l.Line-1]
	switch {
	case line.IndExe == dte.Exento || r.Record.Key.Tipo.EsExento():
		x.Exempt += l.Worth
	case line.IndExe == dte.Afecto:
		x.Taxed += l.Worth
	default:
		return "", fmt.Errorf("%w: «%s» no es parte del total de la boleta", ErrExchange, line.Nombre)
	}
	return l.Qty.String() + " × " + line.Nombre, nil
}

// takeOut is what so much of a line is worth; it is no longer left.
func (r *Returnable) takeOut(line int, q money.Qty) (money.Pesos, error) {
	if line < 1 || line > len(r.Document.Detalle) {
		return 0, fmt.Errorf("%w: el documento no tiene línea %d", dte.ErrNote, line)
	}
	worth, err := r.left.Worth(line, q)
	if err != nil {
		return 0, err
	}
	return worth, r.left.Take(line, q)
}

// BeginExchange puts what comes back into the open sale; what is in it, and what is added, is what the customer takes.
func (r *Register) BeginExchange(back Return) error {
	if len(back.Lines) == 0 {
		return errNothingBack
	}
	if err := r.May(Ask{Right: MayReturn, What: back.Reason}); err != nil {
		return err
	}
	of, err := OpenReturn(r.d.Journal, back.Lines[0].Of)
	if err != nil {
		return err
	}
	x, err := of.exchange(back)
	if err != nil {
		return err
	}
	x.Approved = r.d.Approved
	return r.update(func(c *Cart) (int, error) {
		switch {
		case c.Exchange != nil:
			return 0, fmt.Errorf("%w: ya hay un cambio en esta venta. Termínelo, guárdelo o vacíelo", ErrExchange)
		case c.Tipo != 0:
			return 0, errWithBoleta
		}
		c.Exchange = x
		return r.selected, nil
	})
}

// exchanging is the open exchange for the screen; nil in an ordinary sale.
func (r *Register) exchanging() *Change {
	x := r.cart.Exchange
	if x == nil {
		return nil
	}
	taxed, exempt, err := r.difference()
	c := &Change{What: x.What, Of: x.Of, Worth: x.Worth(), Due: taxed + exempt}
	if err != nil {
		c.Problem = err.Error()
	}
	return c
}

// difference is what the new goods are worth more than those that came back, of each kind. Kinds that differ to both sides
// are refused: a discount may not be larger than what it is taken off, nor take IVA off what has none.
func (r *Register) difference() (taxed, exempt money.Pesos, err error) {
	taxed, exempt, err = byKind(r.goods())
	x := r.cart.Exchange
	taxed, exempt = taxed-x.Taxed, exempt-x.Exempt
	if err == nil && len(r.cart.Lines) > 0 && (taxed > 0 && exempt < 0 || taxed < 0 && exempt > 0) {
		err = errMixed
	}
	return taxed, exempt, err
}

// byKind are the taxed and the exempt part of a gross document.
func byKind(draft dte.Draft) (taxed, exempt money.Pesos, err error) {
	totals, _, err := draft.Totals()
	return totals.MntTotal - totals.MntExe, totals.MntExe, err
}

// lower takes what came back off the new goods, each kind for itself, and names the first boleta.
func (x *Exchange) lower(draft *dte.Draft) {
	taxed, exempt, err := byKind(*draft)
	if err != nil {
		return // whoever asks for the totals is told
	}
	kind := dte.Exento
	if draft.Tipo.EsExento() {
		kind = dte.Afecto // as the lines of such a document
	}
	glosa := clipTo("Cambio: "+x.What, maxGlosa)
	draft.DscRcg = takenOff(draft.DscRcg, glosa, min(taxed, x.Taxed), dte.Afecto)
	draft.DscRcg = takenOff(draft.DscRcg, glosa, min(exempt, x.Exempt), kind)
	draft.Referencia = append(draft.Referencia, dte.Referencia{
		TpoDocRef: strconv.Itoa(int(x.Of.Tipo)), FolioRef: x.Of.Folio.String(), RazonRef: clipTo("Cambio: "+x.Reason, maxRazon),
	})
}

// What fits in the gloss of a discount and in the reason of a reference.
const (
	maxGlosa = 45
	maxRazon = 90
)

func takenOff(list []dte.DscRcgGlobal, glosa string, amount money.Pesos, kind dte.IndExe) []dte.DscRcgGlobal {
	if amount <= 0 {
		return list
	}
	return append(list, dte.DscRcgGlobal{TpoMov: dte.DescuentoGlobal, Glosa: glosa, Monto: amount, IndExe: kind})
}

// clipTo is a text of so many letters at most, in the characters of the documents.
func clipTo(text string, limit int) string {
	runes := []rune(dte.Normalize(text))
	return strings.TrimSpace(string(runes[:min(len(runes), limit)]))
}

// stands refuses an exchange of goods that came back otherwise meanwhile, while it waited aside.
func (r *Register) stands() (*Returnable, error) {
	x := r.cart.Exchange
	of, err := OpenReturn(r.d.Journal, x.Of)
	if err != nil {
		return nil, err
	}
	now, err := of.exchange(Return{Lines: x.Lines, Reason: x.Reason})
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(now.Lines, x.Lines) {
		return nil, fmt.Errorf("%w: parte de eso volvió mientras tanto de otra manera. Vacíe el cambio y empiécelo de nuevo", ErrExchange)
	}
	return OpenReturn(r.d.Journal, x.Of)
}

// chargeable refuses to charge an exchange in which the customer owes nothing.
func (r *Register) chargeable() error {
	if r.cart.Exchange == nil {
		return nil
	}
	if _, err := r.stands(); err != nil {
		return err
	}
	taxed, exempt, err := r.difference()
	if err == nil && taxed+exempt <= 0 {
		err = fmt.Errorf("%w: en este cambio el cliente no debe nada", ErrExchange)
	}
	return err
}

// EnCambio: goods came back, and the customer pays nothing.
const EnCambio Unpaid = "cambio"

// SettleExchange ends an exchange in which the customer owes nothing: with a credit note for the difference and what is
// given back as it was paid, in cash for a card, or as a vale; or, for goods of the same worth, without a document.
func (r *Register) SettleExchange(asVale bool, m Means) error {
	return safe(r.settleExchange(asVale, m), swapOpen)
}

func (r *Register) settleExchange(asVale bool, m Means) error {
	if _, _, err := r.maySettle(asVale, m); err != nil {
		return err
	}
	if err := r.d.Journal.Ready(r.d.Now()); err != nil {
		return err
	}
	return r.end(func() (Record, error) { return r.settle(asVale, m) })
}

// maySettle is the settlement of an exchange that may be ended now, like this, by whoever is at the till.
func (r *Register) maySettle(asVale bool, m Means) (Order, money.Pesos, error) {
	if (Return{Means: m, AsVale: asVale}).cashForCard() {
		if err := r.May(Ask{Right: MayCashForCard, What: "diferencia de un cambio"}); err != nil {
			return Order{}, 0, err
		}
	}
	if err := r.beginChange(); err != nil {
		return Order{}, 0, err
	}
	return r.settlement(asVale, m)
}

// PlanExchange is what SettleExchange would give back, and how.
func (r *Register) PlanExchange(asVale bool, m Means) (money.Pesos, Payment, error) {
	order, total, err := r.settlement(asVale, m)
	return total, order.Payment, err
}

// settle keeps the settlement; known by its cart it was kept before.
func (r *Register) settle(asVale bool, m Means) (Record, error) {
	if done, err := r.d.Journal.Sale(r.cart.ID); !errors.Is(err, ErrNotFound) {
		return done, err
	}
	order, total, err := r.settlement(asVale, m)
	if err != nil {
		return Record{}, err
	}
	if order.Payment, err = r.d.withCardsBack(r.cart.ID, order.Payment); err != nil {
		return Record{}, err
	}
	if total > 0 {
		return IssueOrder(r.depsOfExchange(), order)
	}
	x, d := r.cart.Exchange, r.depsOfExchange()
	return r.d.Journal.KeepSlip(Record{
		ID: r.cart.ID, At: r.d.Now(), Caja: r.d.Shop.Caja, Key: dte.Key{Emisor: r.d.Shop.Emisor.RUT, Tipo: Cambio}, Lines: r.cart.Lines,
		Receptor: r.draft().Receptor, Returned: x.Lines, Reason: x.Reason, Training: r.d.Shop.Training(),
		Who: d.Who, Approved: d.Approved,
	})
}

// depsOfExchange tell who allowed it: that was when the goods came back.
func (r *Register) depsOfExchange() Deps {
	d := r.d
	if x := r.cart.Exchange; x != nil && d.Approved == "" {
		d.Approved = x.Approved
	}
	return d
}

// settlement is the credit note of an exchange for less, and its total; for the same it is empty.
func (r *Register) settlement(asVale bool, m Means) (Order, money.Pesos, error) {
	switch {
	case r.cart.Exchange == nil:
		return Order{}, 0, fmt.Errorf("%w: no hay un cambio abierto", ErrExchange)
	case len(r.cart.Lines) == 0:
		return Order{}, 0, errNoGoods
	}
	of, err := r.stands()
	if err != nil {
		return Order{}, 0, err
	}
	taxed, exempt, err := r.difference()
	switch {
	case err != nil:
		return Order{}, 0, err
	case taxed+exempt > 0:
		return Order{}, 0, fmt.Errorf("%w: el cliente debe $%s por la diferencia: cóbrela", ErrExchange, taxed+exempt)
	case taxed+exempt == 0:
		return Order{}, 0, nil
	}
	order, err := r.differenceNote(of, asVale, m)
	return order, -(taxed + exempt), err
}

// differenceNote is the credit note of what came back, less what left for it.
func (r *Register) differenceNote(of *Returnable, asVale bool, m Means) (Order, error) {
	x := r.cart.Exchange
	quantities, err := of.quantities(x.Lines)
	if err != nil {
		return Order{}, err
	}
	draft, err := of.left.Return(quantities, clipTo("Cambio: "+x.Reason, maxRazon))
	if err != nil {
		return Order{}, err
	}
	taxed, exempt, err := byKind(r.goods())
	if err != nil {
		return Order{}, err
	}
	glosa := clipTo("Cambio: lleva "+linesInWords(r.cart.Lines), maxGlosa)
	draft.DscRcg = takenOff(takenOff(nil, glosa, taxed, dte.Afecto), glosa, exempt, dte.Exento)
	draft = r.d.complete(draft, r.d.Now())
	if err := draft.Validate(); err != nil {
		return Order{}, err
	}
	due := x.Worth() - taxed - exempt
	payment := of.refund(due)
	if m == InCash {
		payment = payment.inCash(due)
	}
	if asVale {
		payment = payment.asVale(NewValeCode(r.cart.ID))
	}
	return Order{ID: r.cart.ID, Draft: draft, Payment: payment, Returned: x.Lines, Taken: r.cart.Lines}, cashAtHand(r.d.Journal, payment)
}

func linesInWords(lines []Line) string {
	words := make([]string, len(lines))
	for i, l := range lines {
		words[i] = l.Qty.String() + " × " + l.Nombre
	}
	return strings.Join(words, ", ")
}
