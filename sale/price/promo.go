package price

import (
	"cmp"
	"slices"

	"mostrador/money"
)

// cand is a promotion that speaks of something on this ticket.
type cand struct {
	rule    int32
	members []member // the pools that it speaks of, dearest unit first
	grain   int64    // what a percentage of a unit is rounded to: whole pesos if all members cost whole pesos
	saving  int64    // with all its units that are left, in millionths of a peso
	units   int64    // that it needs for that
}

type member struct {
	pool, part int32
}

// seen marks that a rule was met on this ticket, and as which candidate; -1 if it does not hold now.
type seen struct {
	ticket uint32
	cand   int32
}

// gather finds the promotions that hold now for something on the ticket, with their pools.
func (s *scratch) gather() {
	for i := range s.pools {
		if s.pools[i].promoted {
			s.dear = append(s.dear, int32(i))
		}
	}
	slices.SortFunc(s.dear, func(x, y int32) int {
		return cmp.Or(cmp.Compare(s.pools[y].prc, s.pools[x].prc), cmp.Compare(x, y))
	})
	for _, i := range s.dear {
		for _, shelf := range s.pools[i].shelves {
			if shelf == nil || len(shelf.promos) == 0 {
				continue
			}
			for _, list := range s.lists {
				for _, ref := range of(shelf.promos, list) {
					s.meet(i, ref)
				}
			}
		}
	}
}

// meet makes pool i a member of a promotion, once. A combo's part that names the product comes before one that names its
// category, because shelves are asked in that order.
func (s *scratch) meet(i int32, ref ref) {
	s.looked++
	r := &s.b.rules[ref.rule]
	if r.weighed != s.pools[i].weighed {
		return
	}
	mark := &s.seen[ref.rule]
	if mark.ticket != s.ticket {
		*mark = seen{s.ticket, -1}
		if r.when.holds(&s.now) {
			mark.cand = s.candidate(ref.rule)
		}
	}
	if mark.cand < 0 {
		return
	}
	c := &s.cands[mark.cand]
	if n := len(c.members); n == 0 || c.members[n-1].pool != i {
		c.members = append(c.members, member{i, ref.part})
		c.grain = min(c.grain, grain(s.pools[i].prc))
	}
}

// candidate takes the next place, with the memory of the one that was there for an earlier ticket.
func (s *scratch) candidate(n int32) int32 {
	place := len(s.cands)
	if place < cap(s.cands) {
		s.cands = s.cands[:place+1]
	} else {
		s.cands = append(s.cands, cand{})
	}
	c := &s.cands[place]
	*c = cand{rule: n, members: c.members[:0], grain: int64(money.OnePeso)}
	return int32(place)
}

// promote gives the units to the promotions that do not stack, best first. What one takes can only lessen what another
// saves, so that a saving reckoned earlier is a bound: a promotion is reckoned again only when its turn comes, and goes
// back in the queue if it has lost by then.
func (s *scratch) promote() {
	for i := range s.cands {
		c := &s.cands[i]
		if s.b.rules[c.rule].stackable {
			s.stacked = append(s.stacked, int32(i))
		} else if s.apply(c, false); c.saving > 0 {
			s.queue = append(s.queue, int32(i))
		}
	}
	slices.SortFunc(s.queue, s.better)
	queue := s.queue
	for taken := false; len(queue) > 0; {
		c := &s.cands[queue[0]]
		if bound := c.saving; taken {
			if s.apply(c, false); c.saving < bound {
				queue = s.requeue(queue)
				continue
			}
		}
		s.apply(c, true)
		queue, taken = queue[1:], true
	}
}

// better orders candidates: priority, saving, fewer units, name and place.
func (s *scratch) better(x, y int32) int {
	p, q := &s.cands[x], &s.cands[y]
	r, t := &s.b.rules[p.rule], &s.b.rules[q.rule]
	return cmp.Or(
		cmp.Compare(t.priority, r.priority), cmp.Compare(q.saving, p.saving), cmp.Compare(p.units, q.units),
		cmp.Compare(r.rank, t.rank),
	)
}

// requeue moves the first of the queue to where it belongs now, or out if it saves nothing any more.
func (s *scratch) requeue(queue []int32) []int32 {
	first, rest := queue[0], queue[1:]
	if s.cands[first].saving <= 0 {
		return rest
	}
	place, _ := slices.BinarySearchFunc(rest, first, s.better)
	copy(queue, rest[:place])
	queue[place] = first
	return queue
}

// apply reckons what a promotion saves on the units that are left and how many it needs, and takes them if told to. No
// group of an n×m, no combo and no unit of a Descuento is taken for nothing.
func (s *scratch) apply(c *cand, take bool) {
	c.saving, c.units = 0, 0
	s.looked += len(c.members)
	switch r := &s.b.rules[c.rule]; r.kind {
	case NxM, Segunda:
		s.applyGroups(r, c, take)
	case Combo:
		s.applyCombo(r, c, take)
	default:
		s.applyOff(r, c, take)
	}
}

// applyGroups: the units in order of price fall into groups of n, in each of which those after the first m are the
// cheapest. Dear units go first, so that an incomplete group leaves the cheapest.
func (s *scratch) applyGroups(r *rule, c *cand, take bool) {
	units := r.take * s.groups(r, c)
	for _, m := range c.members {
		p := &s.pools[m.pool]
		n := min(p.left, units-c.units)
		if n == 0 {
			continue
		}
		cheap := r.cheapest(c.units+n) - r.cheapest(c.units)
		off := share(int64(p.prc), r.pct, c.grain)
		c.saving += cheap * off
		c.units += n
		if take {
			s.take(p, c.rule, cheap, off)
			s.take(p, c.rule, n-cheap, 0)
		}
	}
}

// groups counts the complete groups that save something: the last of them has a unit that is worth a discount among its
// cheapest.
func (s *scratch) groups(r *rule, c *cand) int64 {
	units, worth := int64(0), int64(0)
	for _, m := range c.members {
		p := &s.pools[m.pool]
		units += p.left
		if share(int64(p.prc), r.pct, c.grain) > 0 {
			worth = units
		}
	}
	return min(units/r.take, (max(worth, r.pay)-r.pay+r.take-1)/r.take)
}

// cheapest counts the units among the first ones that are the cheapest of their group.
func (r *rule) cheapest(units int64) int64 {
	return units/r.take*(r.take-r.pay) + max(0, units%r.take-r.pay)
}

// take gives units of a pool to a promotion.
func (s *scratch) take(p *pool, rule int32, units, off int64) {
	if units == 0 {
		return
	}
	p.left -= units
	s.chain(&p.takes, take{rule: rule, units: units, off: off})
}

func (s *scratch) chain(l *link, t take) {
	n := int32(len(s.takes))
	t.next = -1
	s.takes = append(s.takes, t)
	if l.last >= 0 {
		s.takes[l.last].next = n
	} else {
		l.first = n
	}
	l.last = n
}

// applyOff: all units that are left, if they are enough.
func (s *scratch) applyOff(r *rule, c *cand, take bool) {
	if !s.enough(r, c, func(p *pool) int64 { return p.left }) {
		return
	}
	for _, m := range c.members {
		p := &s.pools[m.pool]
		saving := s.offSaving(r, c, p)
		if p.left == 0 || saving == 0 {
			continue
		}
		c.saving += saving
		c.units += p.left
		if take {
			s.take(p, c.rule, p.left, r.unitOff(int64(p.prc), c.grain))
		}
	}
}

// offSaving is what a Descuento saves on what is left of a pool; of what is weighed all is left or nothing.
func (s *scratch) offSaving(r *rule, c *cand, p *pool) (saving int64) {
	if !p.weighed {
		return p.left * r.unitOff(int64(p.prc), c.grain)
	}
	for _, n := range p.lines {
		qty := s.items[n].Qty
		saving += int64(r.lineOff(gross(p.prc, qty), qty))
	}
	return saving * int64(money.OnePeso)
}

// enough reports that a Descuento's pools have the quantity from which it holds.
func (s *scratch) enough(r *rule, c *cand, count func(*pool) int64) bool {
	have, need := int64(0), int64(r.from)
	if !r.weighed {
		need /= int64(money.One)
	}
	for _, m := range c.members {
		have += count(&s.pools[m.pool])
	}
	return have >= need
}

// unitOff is a Descuento on a unit that costs so much.
func (r *rule) unitOff(left, grain int64) int64 {
	if r.off != 0 {
		return min(int64(r.off), left)
	}
	return share(left, r.pct, grain)
}

// lineOff is a Descuento on a weighed line of which so much is left to pay.
func (r *rule) lineOff(left money.Pesos, qty money.Qty) money.Pesos {
	if r.off == 0 {
		return money.Pesos(share(int64(left), r.pct, 1))
	}
	off, err := r.off.Times(qty)
	if err != nil {
		return left
	}
	return min(off, left)
}

// gross is what a quantity costs before discounts; checkAmounts has seen that it fits.
func gross(prc money.Price, qty money.Qty) money.Pesos {
	amount, _ := prc.Times(qty)
	return amount
}

// stack notes on each pool the stackable discounts that hold for it, in their order.
func (s *scratch) stack() {
	slices.SortFunc(s.stacked, func(x, y int32) int {
		return cmp.Compare(s.b.rules[s.cands[x].rule].rank, s.b.rules[s.cands[y].rule].rank)
	})
	for _, i := range s.stacked {
		c := &s.cands[i]
		if !s.enough(&s.b.rules[c.rule], c, (*pool).all) {
			continue
		}
		for _, m := range c.members {
			s.chain(&s.pools[m.pool].stacks, take{rule: c.rule})
		}
	}
}

// all counts the units of a pool, or the millionths of what is weighed.
func (p *pool) all() int64 {
	if p.weighed {
		return int64(p.qty)
	}
	return int64(p.qty / money.One)
}
