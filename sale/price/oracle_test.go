package price

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mostrador/money"
)

// unit is one thing on the counter, as the oracle sees it: nothing is counted together, nothing is remembered.
type unit struct {
	line  int
	item  *Item
	left  int64 // pesos
	prc   int64
	taken bool
}

// oracle prices a ticket of whole pesos, without anything done by hand, by the words of the package comment and by
// brute force. It returns what the lines cost.
func oracle(rules []Rule, ctx Context, items []Item) []money.Pesos {
	var counter []*unit
	totals := make([]money.Pesos, len(items))
	prices := make([]int64, len(items))
	for i := range items {
		prices[i] = oraclePrice(rules, ctx, items, &items[i])
		for range items[i].Qty / money.One {
			counter = append(counter, &unit{line: i, item: &items[i], left: prices[i], prc: prices[i]})
		}
	}
	slices.SortStableFunc(counter, func(a, b *unit) int {
		return cmp.Or(cmp.Compare(b.prc, a.prc), strings.Compare(a.item.Codigo, b.item.Codigo), cmp.Compare(a.item.Base, b.item.Base))
	})
	open := slices.Clone(rules)
	for {
		best, gain, need, offs := -1, int64(0), 0, []int64(nil)
		for i := range open {
			if open[i].Kind.setsPrice() || open[i].Stackable || !oracleHolds(&open[i], ctx) {
				continue
			}
			o := oracleOffs(&open[i], counter)
			g, n := int64(0), 0
			for _, off := range o {
				if off >= 0 {
					g, n = g+off, n+1
				}
			}
			if g > 0 && (best < 0 || cmp.Or(
				cmp.Compare(open[best].Priority, open[i].Priority), cmp.Compare(gain, g), cmp.Compare(n, need),
				strings.Compare(open[i].Name, open[best].Name)) < 0) {
				best, gain, need, offs = i, g, n, o
			}
		}
		if best < 0 {
			break
		}
		for i, off := range offs {
			if off >= 0 {
				counter[i].taken = true
				counter[i].left -= off
			}
		}
		open = slices.Delete(open, best, best+1)
	}
	for _, r := range oracleStack(open, ctx) {
		if n := oracleCount(&r, counter); money.Units(int64(n)) < r.From {
			continue
		}
		for _, u := range counter {
			if oracleAbout(r.Products, r.Categories, r.All, u.item) {
				u.left -= oracleOff(&r, u.left)
			}
		}
	}
	for _, u := range counter {
		totals[u.line] += money.Pesos(u.left)
	}
	return totals
}

func oracleHolds(r *Rule, ctx Context) bool {
	return len(r.Lists) == 0 || slices.ContainsFunc(ctx.Lists, func(l string) bool { return slices.Contains(r.Lists, l) })
}

func oracleAbout(products, categories []string, all bool, it *Item) bool {
	return all || slices.Contains(products, it.Codigo) || slices.Contains(categories, it.Categoria)
}

func oraclePrice(rules []Rule, ctx Context, items []Item, it *Item) int64 {
	qty := money.Qty(0)
	for _, other := range items {
		if other.Codigo == it.Codigo {
			qty += other.Qty
		}
	}
	base := int64(it.Base / money.OnePeso)
	prc, priority := base, 0
	for _, r := range rules {
		if !r.Kind.setsPrice() || !oracleHolds(&r, ctx) || !oracleAbout(r.Products, r.Categories, r.All, it) || qty < r.From {
			continue
		}
		p := int64(r.Price / money.OnePeso)
		if r.Kind == Rebaja {
			p = max(1, base-oracleOff(&r, base))
		}
		if r.Priority > priority || r.Priority == priority && p < prc {
			prc, priority = p, r.Priority
		}
	}
	return prc
}

// oracleOff is what one unit gets.
func oracleOff(r *Rule, left int64) int64 {
	if r.Off != 0 {
		return min(int64(r.Off/money.OnePeso), left)
	}
	return (left*int64(r.Pct) + 5000) / 10_000
}

// oracleOffs is what each unit gets in a promotion, −1 where it takes no part.
func oracleOffs(r *Rule, counter []*unit) []int64 {
	offs := make([]int64, len(counter))
	var free []int // units that it speaks of
	for i, u := range counter {
		offs[i] = -1
		if !u.taken && oracleAbout(r.Products, r.Categories, r.All, u.item) {
			free = append(free, i)
		}
	}
	n, m, pct := int(r.Take), int(r.Pay), int64(10_000)
	switch r.Kind {
	case Combo:
		return oracleCombo(r, counter, offs)
	case Descuento:
		for _, i := range free {
			if off := oracleOff(r, counter[i].prc); off > 0 && money.Units(int64(len(free))) >= r.From {
				offs[i] = off
			}
		}
		return offs
	case Segunda:
		n, m, pct = 2, 1, int64(r.Pct)
	}
	for ; len(free) >= n; free = free[n:] {
		if (counter[free[m]].prc*pct+5000)/10_000 == 0 {
			break
		}
		for k, i := range free[:n] {
			if offs[i] = 0; k >= m {
				offs[i] = (counter[i].prc*pct + 5000) / 10_000
			}
		}
	}
	return offs
}

func oracleCombo(r *Rule, counter []*unit, offs []int64) []int64 {
	for {
		var picked []int
		sum := int64(0)
		for part, p := range r.Parts {
			need := int(p.Qty)
			for i, u := range counter {
				if need > 0 && !u.taken && offs[i] < 0 && oraclePart(r, u.item) == part {
					picked, sum, need = append(picked, i), sum+u.prc, need-1
				}
			}
			if need > 0 {
				return offs
			}
		}
		saving := sum - int64(r.Price/money.OnePeso)
		if saving <= 0 {
			return offs
		}
		rest := saving
		for _, i := range picked {
			offs[i] = saving * counter[i].prc / sum
			rest -= offs[i]
		}
		slices.SortStableFunc(picked, func(a, b int) int {
			return cmp.Compare(saving*counter[b].prc%sum, saving*counter[a].prc%sum)
		})
		for _, i := range picked[:rest] {
			offs[i]++
		}
	}
}

func oraclePart(r *Rule, it *Item) int {
	for i, p := range r.Parts {
		if slices.Contains(p.Products, it.Codigo) {
			return i
		}
	}
	return slices.IndexFunc(r.Parts, func(p Part) bool { return slices.Contains(p.Categories, it.Categoria) })
}

func oracleCount(r *Rule, counter []*unit) (n int) {
	for _, u := range counter {
		if oracleAbout(r.Products, r.Categories, r.All, u.item) {
			n++
		}
	}
	return n
}

func oracleStack(rules []Rule, ctx Context) (stack []Rule) {
	for _, r := range rules {
		if r.Stackable && oracleHolds(&r, ctx) {
			stack = append(stack, r)
		}
	}
	slices.SortStableFunc(stack, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), strings.Compare(a.Name, b.Name))
	})
	return stack
}

// A small shop in which rules meet often.
var (
	codes    = []string{"b1", "b2", "b3", "v1", "v2", "p1"}
	catNames = []string{"b", "v", "p"}
	catalog  = map[string]money.Pesos{"b1": 1000, "b2": 990, "b3": 1000, "v1": 333, "v2": 4990, "p1": 7}
)

func anyRule(t *rapid.T) Rule {
	r := Rule{
		Name:     rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "name"),
		Kind:     rapid.SampledFrom(kindNames).Draw(t, "kind"),
		Priority: rapid.SampledFrom([]int{0, 0, 0, 1, -1}).Draw(t, "priority"),
		Lists:    rapid.SampledFrom([][]string{nil, nil, {"club"}, {"vip"}}).Draw(t, "lists"),
	}
	pct := func() money.Rate { return money.Rate(rapid.IntRange(1, 9999).Draw(t, "pct")) }
	from := func() money.Qty { return money.Units(rapid.Int64Range(0, 6).Draw(t, "from")) }
	switch r.Kind {
	case Precio:
		r.Price, r.From = pesos(money.Pesos(rapid.IntRange(1, 3000).Draw(t, "price"))), from()
	case Rebaja:
		r.Pct, r.From = pct(), from()
	case NxM:
		r.Take = rapid.Int64Range(2, 4).Draw(t, "take")
		r.Pay = rapid.Int64Range(1, r.Take-1).Draw(t, "pay")
	case Segunda:
		r.Pct = pct()
	case Descuento:
		r.From, r.Stackable = from(), rapid.Bool().Draw(t, "stackable")
		if rapid.Bool().Draw(t, "by rate") {
			r.Pct = pct()
		} else {
			r.Off = pesos(money.Pesos(rapid.IntRange(1, 1200).Draw(t, "off")))
		}
	case Combo:
		r.Price = pesos(money.Pesos(rapid.IntRange(1, 6000).Draw(t, "price")))
		names := rapid.Permutation(slices.Concat(codes, catNames)).Draw(t, "parts")
		for i := range rapid.IntRange(1, 3).Draw(t, "n parts") {
			p := Part{Qty: rapid.Int64Range(1, 3).Draw(t, "qty") + 1}
			for _, name := range names[2*i : 2*i+2] {
				if len(name) == 1 {
					p.Categories = append(p.Categories, name)
				} else {
					p.Products = append(p.Products, name)
				}
			}
			r.Parts = append(r.Parts, p)
		}
		return r
	}
	switch what := rapid.IntRange(0, 3).Draw(t, "scope"); {
	case what == 0 && r.Kind != Precio:
		r.All = true
	case what == 1:
		r.Categories = rapid.SliceOfNDistinct(rapid.SampledFrom(catNames), 1, 2, rapid.ID[string]).Draw(t, "categories")
	case what == 2:
		r.Categories = []string{"b"}
		r.Products = []string{"b1", "v1"}
	default:
		r.Products = rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 1, 3, rapid.ID[string]).Draw(t, "products")
	}
	return r
}

func anyTicket(t *rapid.T) []Item {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		it := units(code, rapid.Int64Range(1, 7).Draw(t, "units"), catalog[code])
		it.Exento = code == "p1"
		return it
	}), 1, 8).Draw(t, "items")
}

func anyContext(t *rapid.T) Context {
	return Context{At: at(12, 0), Lists: rapid.SampledFrom([][]string{nil, {"club"}, {"vip", "club"}}).Draw(t, "lists of the customer")}
}

func anyBook(t *rapid.T) (*Book, []Rule) {
	rules := rapid.SliceOfN(rapid.Custom(anyRule), 0, 7).Draw(t, "rules")
	b, bad := Compile(rules)
	if len(bad) > 0 {
		t.Fatalf("rules refused: %v", bad)
	}
	return b, rules
}

// The fast way and the slow way of saying the same agree on every line.
func TestPriceIsWhatTheCommentSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, rules := anyBook(t)
		ctx, items := anyContext(t), anyTicket(t)
		r, err := b.Price(ctx, items)
		if err != nil {
			t.Fatal(err)
		}
		want := oracle(rules, ctx, items)
		// Units of one product are alike: which of its lines a promotion lands on is not the oracle's business.
		got, told := map[string]money.Pesos{}, map[string]money.Pesos{}
		for i, it := range items {
			got[it.Codigo] += r.Lines[i].Total
			told[it.Codigo] += want[i]
		}
		if fmt.Sprint(got) != fmt.Sprint(told) {
			t.Fatalf("got %v, want %v", got, told)
		}
	})
}
