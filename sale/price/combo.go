package price

import (
	"math"
	"math/bits"

	"mostrador/money"
)

// piece is some equal units of one member in one combo.
type piece struct {
	member int
	units  int64
	value  int64 // of one unit
	off    int64 // of each unit in the combo
	more   int64 // so many of the units get a grain more
	rest   uint64
}

// applyCombo makes the combo from the dearest units of each part, again and again while that saves something. Combos
// that are made of the same pieces are reckoned together.
func (s *scratch) applyCombo(r *rule, c *cand, take bool) {
	s.used = append(s.used[:0], make([]int64, len(c.members))...)
	s.start = append(s.start[:0], make([]int, len(r.parts))...)
	for {
		sum, repeat := s.compose(r, c)
		one := sum - int64(r.price)
		if repeat == 0 || one <= 0 {
			return
		}
		if take {
			s.spread(one, sum)
			for _, e := range s.combo {
				p, g := &s.pools[c.members[e.member].pool], s.comboGrain()
				s.take(p, c.rule, repeat*e.more, e.off+g)
				s.take(p, c.rule, repeat*(e.units-e.more), e.off)
			}
		} else {
			for _, e := range s.combo {
				s.used[e.member] += repeat * e.units
			}
		}
		c.saving += repeat * one
		for _, e := range s.combo {
			c.units += repeat * e.units
		}
	}
}

// compose picks the pieces of the next combo, and says what they cost and how often the same pieces can be picked again;
// 0 if a part is wanting.
func (s *scratch) compose(r *rule, c *cand) (sum, repeat int64) {
	s.combo = s.combo[:0]
	repeat = math.MaxInt64
	for part, need := range r.parts {
		for i := s.start[part]; i < len(c.members) && need > 0; i++ {
			p := &s.pools[c.members[i].pool]
			left := p.left - s.used[i]
			if c.members[i].part != int32(part) || left == 0 {
				if i == s.start[part] {
					s.start[part]++ // nothing more for this part here
				}
				continue
			}
			n := min(need, left)
			if n < r.parts[part] {
				repeat = 1 // the part is made of several members
			}
			repeat = min(repeat, left/n)
			s.combo = append(s.combo, piece{member: i, units: n, value: int64(p.prc)})
			sum += n * int64(p.prc)
			need -= n
		}
		if need > 0 {
			return 0, 0
		}
	}
	return sum, repeat
}

// spread divides the saving of one combo among its units in proportion to their prices: largest remainder, ties to the
// piece that comes first.
func (s *scratch) spread(saving, sum int64) {
	g := s.comboGrain()
	left := saving / g
	for i := range s.combo {
		e := &s.combo[i]
		hi, lo := bits.Mul64(uint64(saving/g), uint64(e.value))
		quotient, rest := bits.Div64(hi, lo, uint64(sum)) // saving ≤ sum, so the quotient is below value
		e.off, e.rest, e.more = int64(quotient)*g, rest, 0
		left -= int64(quotient) * e.units
	}
	for left > 0 {
		best := -1
		for i := range s.combo {
			if e := &s.combo[i]; e.more == 0 && e.rest > 0 && (best < 0 || e.rest > s.combo[best].rest) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		e := &s.combo[best]
		e.more = min(left, e.units)
		left -= e.more
	}
}

// comboGrain is one peso if all prices in the combo are whole pesos.
func (s *scratch) comboGrain() int64 {
	for _, e := range s.combo {
		if e.value%int64(money.OnePeso) != 0 {
			return 1
		}
	}
	return int64(money.OnePeso)
}
