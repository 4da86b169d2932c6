package price

import (
	"math/bits"
	"slices"

	"mostrador/money"
)

// settle brings the promotions from the pools down to the lines, then takes off what was given by hand.
func (s *scratch) settle(ticket Off) Result {
	result := Result{Lines: make([]Line, len(s.items))}
	var taxed, exempt money.Pesos
	for i := range s.pools {
		p := &s.pools[i]
		next := cursor{take: p.takes.first}
		for _, n := range p.lines {
			line := s.line(p, &s.items[n], &next)
			result.Lines[n] = line
			s.ends = append(s.ends, n, int32(len(s.reasons)))
			if p.exento {
				exempt += line.Total
			} else {
				taxed += line.Total
			}
		}
	}
	result.Total = taxed + exempt
	s.explain(result.Lines)
	result.Off = splitOff(ticket, taxed, exempt)
	return result
}

// explain gives each line its reasons, all of them cut from one piece of memory.
func (s *scratch) explain(lines []Line) {
	all, start := slices.Clone(s.reasons), int32(0)
	for i := 0; i < len(s.ends); i += 2 {
		n, end := s.ends[i], s.ends[i+1]
		lines[n].Why = all[start:end:end]
		start = end
	}
}

// cursor is how far the lines of a pool have used its takes up.
type cursor struct {
	take int32
	used int64
}

// tally reckons one line: what it costs, what was taken off, and why.
type tally struct {
	gross, off money.Pesos
	exact      int64 // off, in millionths of a peso
}

// line prices one item of a pool.
func (s *scratch) line(p *pool, it *Item, next *cursor) Line {
	s.reason(Reason{Kind: WhyBase, Prc: p.base})
	switch {
	case it.Fixed != 0:
		s.reason(Reason{Kind: WhyFixed, Prc: p.prc, Who: it.FixedBy.Who, Why: it.FixedBy.Why})
	case p.price >= 0:
		s.reason(Reason{Kind: WhyList, Rule: s.b.rules[p.price].name, Prc: p.prc})
	}
	t := tally{gross: gross(p.prc, it.Qty)}
	if p.weighed {
		s.weighedLine(&t, p, it)
	} else {
		s.unitLine(&t, p, it, next)
	}
	if off := it.Off.of(t.gross - t.off); off > 0 {
		t.off += off
		s.reason(Reason{Kind: WhyHand, Amount: off, Who: it.Off.By.Who, Why: it.Off.By.Why})
	}
	return Line{Prc: p.prc, Discount: t.off, Total: t.gross - t.off}
}

func (s *scratch) reason(r Reason) { s.reasons = append(s.reasons, r) }

// weighedLine: promotions of what is weighed are reckoned on the line.
func (s *scratch) weighedLine(t *tally, p *pool, it *Item) {
	for _, chain := range []int32{p.takes.first, p.stacks.first} {
		for n := chain; n >= 0; n = s.takes[n].next {
			r := &s.b.rules[s.takes[n].rule]
			off := r.lineOff(t.gross-t.off, it.Qty)
			s.promotion(t, r, int64(off)*int64(money.OnePeso), it.Qty)
		}
	}
}

// unitLine: the line's units take their places in the pool's promotions; then come the discounts that stack.
func (s *scratch) unitLine(t *tally, p *pool, it *Item, next *cursor) {
	s.cut(p, int64(it.Qty/money.One), next)
	for i := 0; i < len(s.spans); {
		rule, off, units := s.spans[i].rule, int64(0), int64(0)
		for ; i < len(s.spans) && s.spans[i].rule == rule; i++ {
			off += s.spans[i].units * s.spans[i].off
			units += s.spans[i].units
		}
		if rule >= 0 {
			s.promotion(t, &s.b.rules[rule], off, money.Units(units))
		}
	}
	for n := p.stacks.first; n >= 0; n = s.takes[n].next {
		r, sum := &s.b.rules[s.takes[n].rule], int64(0)
		for i := range s.spans {
			span := &s.spans[i]
			left := int64(p.prc) - span.off
			off := r.unitOff(left, grain(money.Price(left)))
			span.off += off
			sum += span.units * off
		}
		s.promotion(t, r, sum, it.Qty)
	}
}

// cut takes the line's units from where the line before it left off; what is in no promotion has rule -1.
func (s *scratch) cut(p *pool, units int64, next *cursor) {
	s.spans = s.spans[:0]
	for units > 0 && next.take >= 0 {
		t := s.takes[next.take]
		n := min(units, t.units-next.used)
		s.spans = append(s.spans, take{rule: t.rule, units: n, off: t.off})
		units -= n
		if next.used += n; next.used == t.units {
			*next = cursor{take: t.next}
		}
	}
	if units > 0 {
		s.spans = append(s.spans, take{rule: -1, units: units})
	}
}

// promotion takes off an amount in millionths of a peso; pesos are rounded as the sum goes, so that no fraction is lost.
// It is never more than the line: what is taken off exactly is not, and both are rounded alike.
func (s *scratch) promotion(t *tally, r *rule, exact int64, qty money.Qty) {
	t.exact += exact
	off := money.Pesos((t.exact + int64(money.OnePeso)/2) / int64(money.OnePeso))
	if amount := off - t.off; amount > 0 {
		t.off = off
		s.reason(Reason{Kind: WhyPromotion, Rule: r.name, Amount: amount, Qty: qty})
	}
}

// splitOff divides the ticket's discount between taxed and exempt lines in proportion: largest remainder, ties to the
// taxed ones.
func splitOff(o Off, taxed, exempt money.Pesos) TicketOff {
	off := o.of(taxed + exempt)
	if off == 0 {
		return TicketOff{}
	}
	total := uint64(taxed + exempt)
	hi, lo := bits.Mul64(uint64(off), uint64(taxed))
	quotient, rest := bits.Div64(hi, lo, total) // off ≤ total, so it fits
	part := money.Pesos(quotient)
	if rest > 0 && rest >= total-rest {
		part++
	}
	return TicketOff{
		Taxed: part, Exempt: off - part,
		Why: []Reason{{Kind: WhyTicket, Amount: off, Who: o.By.Who, Why: o.By.Why}},
	}
}
