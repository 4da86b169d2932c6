// Package price is the price policy of the shop: from the lines of a ticket to what each of them costs, and why.
//
// Owns: the rules, their file formats, and the one path by which prices, promotions and discounts are applied. It knows
// no documents: the taxes and totals are dte's, from the unit prices and discounts that come out of here.
//
// The path, always in this order:
//
//  1. The unit price. A price that the cashier gave stands, and its line is outside every rule and every count.
//     Otherwise the prices of the lists (Precio, Rebaja) and the base price compete: the highest priority wins (the base
//     price has 0), then the lowest price, then the name, then the place in the rules. The quantity from which a list
//     price holds is counted over all lines of the product. A percentage of a price in whole pesos is rounded half up
//     to whole pesos.
//  2. The promotions that do not stack (NxM, Segunda, Combo, Descuento). A unit takes part in at most one. Each promotion
//     is tried on all units that are left, as often as it fits; the one with the highest priority, then the largest
//     saving, then the fewest units, then the first name, then the first place in the rules takes its units; the others are tried again on the
//     rest. Within a promotion the dearest units go first: of each n the cheapest are the free ones, and an n×m that is
//     not complete leaves its cheapest units for others. Units of different products count together. A combo is made
//     as often as it saves something; its saving is spread over its units in proportion to their prices. A Descuento
//     takes all units that are left, if they are enough.
//  3. The Descuentos that stack, by priority, name and place, each on what the unit still costs. They count all units.
//  4. The line's discount by hand, on what is left of the line.
//  5. The ticket's discount, on what is left of the ticket, split between taxed and exempt lines in proportion to their
//     sums, in whole pesos that add up.
//
// What is sold by weight takes part in the prices of the lists, and in those Descuentos that say so; such a Descuento is
// reckoned on the whole line.
//
// Invariants: a line costs round(Prc × Qty) − Discount, never less than zero; the lines add up to the total before the
// ticket's discount. The order of the lines does not matter; nor does it matter how the units of a product are spread
// over lines, as long as its price is in whole pesos and nothing was done to them by hand; a product that shares no rule
// with the others changes nothing about them. (What is weighed, or costs fractions of a peso, is rounded line by line,
// as the documents want it.)
//
// Imports money and the standard library. No clock, no files, no goroutines.
package price

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mostrador/money"
)

// Context is what the prices of a ticket depend on beside its lines.
type Context struct {
	At    time.Time // days and hours of the rules are judged in its zone
	Lists []string  // lists that the customer belongs to; unknown ones do not matter
	Off   Off       // discount on the whole ticket
}

// Item is a line of the ticket.
type Item struct {
	Codigo    string
	Categoria string
	Base      money.Price // the price of the catalogue
	Qty       money.Qty
	Exento    bool
	Weighed   bool // sold by weight or measure; a quantity that is not whole says so too

	Fixed   money.Price // the cashier's price instead of all rules; 0 is none
	FixedBy By
	Off     Off // discount by hand
}

// Off is a discount given by hand: a percentage or pesos, one of the two. The zero Off is none. It never exceeds what it
// is taken from.
type Off struct {
	Pct   money.Rate  `json:"pct,omitempty"`
	Pesos money.Pesos `json:"pesos,omitempty"`
	By    By          `json:"por,omitzero"`
}

// By is who did something by hand, and why.
type By struct {
	Who string `json:"quien,omitempty"`
	Why string `json:"motivo,omitempty"`
}

// Result is a priced ticket.
type Result struct {
	Lines []Line      // as many as the items, in their order
	Total money.Pesos // of the lines, before the ticket's discount
	Off   TicketOff
}

// Due is what the ticket costs.
func (r Result) Due() money.Pesos { return r.Total - r.Off.Total() }

// TicketOff is the ticket's discount as the documents want it: one amount for each kind of lines.
type TicketOff struct {
	Taxed  money.Pesos `json:"afecto,omitempty"`
	Exempt money.Pesos `json:"exento,omitempty"`
	Why    []Reason    `json:"why,omitempty"` // one, or none
}

// Total is the whole discount.
func (t TicketOff) Total() money.Pesos { return t.Taxed + t.Exempt }

// Line is a priced item: Total is round(Prc × Qty) − Discount.
type Line struct {
	Prc      money.Price
	Discount money.Pesos
	Total    money.Pesos
	Why      []Reason // from the base price on, in the order in which things were applied
}

// whole is 100 %.
const whole money.Rate = 10_000

// Limits of a ticket.
const (
	maxItems = 10_000
	maxHand  = 1_000_000_000_000 // pesos of a discount by hand
)

// ErrItem: an item that cannot be priced. The text says which and why.
var ErrItem = errors.New("no se pudo calcular el precio")

// Price prices the whole ticket. It fails for what no ticket can have: a quantity that is not positive, a negative
// price, a percentage above 100, an amount of a million millions or more.
func (b *Book) Price(ctx Context, items []Item) (Result, error) {
	if err := check(ctx, items); err != nil {
		return Result{}, err
	}
	s, _ := b.scratch.Get().(*scratch)
	if s == nil {
		s = &scratch{categories: map[string]*shelf{}}
	}
	defer b.scratch.Put(s)
	return s.price(b, ctx, items)
}

func check(ctx Context, items []Item) error {
	if len(items) > maxItems {
		return fmt.Errorf("%w: más de %s líneas", ErrItem, money.Pesos(maxItems))
	}
	if reason := ctx.Off.check(); reason != "" {
		return fmt.Errorf("%w del total: %s", ErrItem, reason)
	}
	for i := range items {
		if reason := items[i].check(); reason != "" {
			return fmt.Errorf("%w de la línea %d (%s): %s", ErrItem, i+1, shorten(items[i].Codigo), reason)
		}
	}
	return nil
}

func (it *Item) check() string {
	switch {
	case it.Qty <= 0 || it.Qty > maxQty:
		return fmt.Sprintf("la cantidad %s no sirve", it.Qty)
	case it.Base < 0 || it.Base > maxAmount:
		return fmt.Sprintf("el precio %s no sirve", it.Base)
	case it.Fixed < 0 || it.Fixed > maxAmount:
		return fmt.Sprintf("el precio manual %s no sirve", it.Fixed)
	}
	return it.Off.check()
}

func (o Off) check() string {
	switch {
	case o.Pct < 0 || o.Pct > whole:
		return fmt.Sprintf("el descuento de %s %% no sirve: va de 0 a 100", o.Pct)
	case o.Pesos < 0 || o.Pesos > maxHand:
		return fmt.Sprintf("el descuento de $%s no sirve", o.Pesos)
	case o.Pct != 0 && o.Pesos != 0:
		return "el descuento va en porcentaje o en pesos, uno de los dos"
	}
	return ""
}

// of is the discount on an amount that is left.
func (o Off) of(left money.Pesos) money.Pesos {
	if o.Pesos != 0 {
		return min(o.Pesos, left)
	}
	return money.Pesos(share(int64(left), o.Pct, 1))
}

// share is a percentage of an amount, rounded half up to a multiple of the grain. Amounts are below maxAmount, so it
// always fits.
func share(amount int64, pct money.Rate, grain int64) int64 {
	if pct == whole {
		return amount
	}
	part, _ := pct.Of(money.Pesos(amount / grain))
	return int64(part) * grain
}

// grain is what amounts of this unit price are rounded to: whole pesos stay whole.
func grain(p money.Price) int64 {
	if p%money.OnePeso == 0 {
		return int64(money.OnePeso)
	}
	return 1
}

// pool is the units of one product at one price, on however many lines: promotions see units, not lines.
type pool struct {
	lines    []int32 // items, those without a discount by hand first
	shelves  [3]*shelf
	qty      money.Qty
	weighed  bool
	exento   bool
	base     money.Price
	prc      money.Price
	price    int32 // rule that gave prc; -1 for the base price
	left     int64 // units (or millionths, of what is weighed) that no promotion has taken
	takes    link  // what was taken, in order
	stacks   link  // stackable discounts that hold
	promoted bool
}

// link is a chain of takes by their numbers, -1 ends it.
type link struct{ first, last int32 }

// take is units of a pool in a promotion, each with the same discount in millionths of a peso.
type take struct {
	rule  int32
	units int64
	off   int64
	next  int32
}

// scratch is the working memory of one ticket, used again for the next.
type scratch struct {
	b     *Book
	items []Item
	now   moment
	lists []int32

	order   []int32
	pools   []pool
	takes   []take
	cands   []cand
	seen    []seen // by rule: its candidate on this ticket
	ticket  uint32
	dear    []int32 // pools with promotions, dearest first
	queue   []int32
	stacked []int32
	used    []int64 // by member of the combo in hand
	start   []int   // by its parts
	combo   []piece
	spans   []take // of one line
	reasons []Reason
	ends    []int32

	categories map[string]*shelf // by the spelling of the catalogue
	looked     int               // rules, and products in promotions, that were looked at: the tests' measure of work
}

// maxSpellings bounds what a scratch remembers of categories.
const maxSpellings = 4096

func (s *scratch) price(b *Book, ctx Context, items []Item) (Result, error) {
	s.begin(b, ctx, items)
	defer s.end()
	s.pool()
	if err := s.checkAmounts(); err != nil {
		return Result{}, err
	}
	s.gather()
	s.promote()
	s.stack()
	return s.settle(ctx.Off), nil
}

func (s *scratch) begin(b *Book, ctx Context, items []Item) {
	s.b, s.items, s.now, s.looked = b, items, momentOf(ctx.At), 0
	s.lists = append(s.lists[:0], 0)
	for _, name := range ctx.Lists {
		if id := b.list(name); !slices.Contains(s.lists, id) {
			s.lists = append(s.lists, id)
		}
	}
	if len(s.seen) < len(b.rules) {
		s.seen, s.ticket = make([]seen, len(b.rules)), 0
	}
	if s.ticket++; s.ticket == 0 { // after 4,000 million tickets the marks begin again
		clear(s.seen)
		s.ticket = 1
	}
	if len(s.categories) > maxSpellings {
		clear(s.categories)
	}
	s.pools, s.takes, s.cands, s.dear = s.pools[:0], s.takes[:0], s.cands[:0], s.dear[:0]
	s.queue, s.stacked, s.reasons, s.ends = s.queue[:0], s.stacked[:0], s.reasons[:0], s.ends[:0]
}

// end lets go of the caller's ticket.
func (s *scratch) end() {
	s.items = nil
	clear(s.reasons)
}

// list is the number of a customer's list; 0 if no rule names it.
func (b *Book) list(name string) int32 {
	if id, ok := b.lists[name]; ok {
		return id
	}
	return b.lists[fold(name)]
}

// pool sorts the lines so that their order does not matter, and joins those of one product.
func (s *scratch) pool() {
	s.order = s.order[:0]
	for i := range s.items {
		s.order = append(s.order, int32(i))
	}
	slices.SortFunc(s.order, func(x, y int32) int { return cmp.Or(s.items[x].compare(&s.items[y]), cmp.Compare(x, y)) })
	for start := 0; start < len(s.order); {
		end, qty := start, money.Qty(0)
		for end < len(s.order) && s.item(end).Codigo == s.item(start).Codigo {
			if it := s.item(end); it.Fixed == 0 {
				qty += it.Qty
			}
			end++
		}
		s.poolProduct(start, end, qty)
		start = end
	}
}

func (s *scratch) item(place int) *Item { return &s.items[s.order[place]] }

// compare orders items by all that matters to their price; equal ones may change places.
func (it *Item) compare(other *Item) int {
	if c := strings.Compare(it.Codigo, other.Codigo); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(it.Base, other.Base),
		strings.Compare(it.Categoria, other.Categoria),
		compareBool(it.Exento, other.Exento),
		compareBool(it.weighed(), other.weighed()),
		cmp.Compare(it.Fixed, other.Fixed),
		cmp.Compare(it.Off.Pct, other.Off.Pct),
		cmp.Compare(it.Off.Pesos, other.Off.Pesos),
		cmp.Compare(it.Qty, other.Qty),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (it *Item) weighed() bool { return it.Weighed || it.Qty%money.One != 0 }

// joins reports that two neighbours of one product belong to one pool. Prices of the cashier stand alone.
func (it *Item) joins(other *Item) bool {
	return it.Base == other.Base && it.Categoria == other.Categoria && it.Exento == other.Exento &&
		it.weighed() == other.weighed() && it.Fixed == 0 && other.Fixed == 0
}

// poolProduct makes the pools of one product, whose quantity counts as a whole for the prices of the lists.
func (s *scratch) poolProduct(start, end int, qty money.Qty) {
	for start < end {
		it := s.item(start)
		last := start + 1
		for last < end && s.item(last).joins(it) {
			last++
		}
		p := pool{
			lines: s.order[start:last], weighed: it.weighed(), exento: it.Exento, base: it.Base, prc: it.Base, price: -1,
			takes: link{-1, -1}, stacks: link{-1, -1},
		}
		for i := start; i < last; i++ {
			p.qty += s.item(i).Qty
		}
		if p.left = int64(p.qty); !p.weighed {
			p.left = int64(p.qty / money.One)
		}
		if it.Fixed != 0 {
			p.prc = it.Fixed
		} else {
			p.shelves = [3]*shelf{s.b.products[it.Codigo], s.category(it.Categoria), &s.b.general}
			s.listPrice(&p, qty)
			p.promoted = p.hasPromos()
		}
		s.pools = append(s.pools, p)
		start = last
	}
}

// category finds the shelf of a category as the catalogue spells it.
func (s *scratch) category(name string) *shelf {
	if name == "" || len(s.b.categories) == 0 {
		return nil
	}
	shelf, known := s.categories[name]
	if !known {
		shelf = s.b.categories[fold(name)]
		s.categories[name] = shelf
	}
	return shelf
}

func (p *pool) hasPromos() bool {
	return slices.ContainsFunc(p.shelves[:], func(s *shelf) bool { return s != nil && len(s.promos) > 0 })
}

// listPrice finds the unit price among the base price and those of the lists.
func (s *scratch) listPrice(p *pool, qty money.Qty) {
	for _, shelf := range p.shelves {
		if shelf == nil || len(shelf.prices) == 0 {
			continue
		}
		for _, list := range s.lists {
			for _, ref := range of(shelf.prices, list) {
				s.looked++
				if r := &s.b.rules[ref.rule]; qty >= r.from && r.when.holds(&s.now) {
					s.offer(p, ref.rule, r.unitPrice(p.base))
				}
			}
		}
	}
}

// offer takes the price if it beats the one the pool has.
func (s *scratch) offer(p *pool, n int32, prc money.Price) {
	r, priority, rank := &s.b.rules[n], 0, int32(-1)
	if p.price >= 0 {
		priority, rank = s.b.rules[p.price].priority, s.b.rules[p.price].rank
	}
	if cmp.Or(cmp.Compare(priority, r.priority), cmp.Compare(prc, p.prc), cmp.Compare(r.rank, rank)) < 0 {
		p.price, p.prc = n, prc
	}
}

// unitPrice is what the rule makes of a base price; never nothing, because a document has no price of zero.
func (r *rule) unitPrice(base money.Price) money.Price {
	if r.kind == Precio {
		return r.price
	}
	g := grain(base)
	return max(base-money.Price(share(int64(base), r.pct, g)), min(base, money.Price(g)))
}

// checkAmounts keeps the ticket within what the arithmetic of promotions is made for.
func (s *scratch) checkAmounts() error {
	var total money.Pesos
	for i := range s.pools {
		p := &s.pools[i]
		for _, n := range p.lines {
			gross, err := p.prc.Times(s.items[n].Qty)
			if err == nil {
				total += gross
			}
			if err != nil || total >= money.Pesos(maxAmount/money.OnePeso) {
				return fmt.Errorf("%w: %w", ErrItem, money.ErrOverflow)
			}
		}
	}
	return nil
}
