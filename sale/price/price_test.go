package price

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"mostrador/money"
)

var santiago = func() *time.Location {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		panic(err)
	}
	return zone
}()

// at is an hour of Saturday 21 November 2026, unless a day is given.
func at(hour, minute int) time.Time { return time.Date(2026, 11, 21, hour, minute, 0, 0, santiago) }

func pesos(p money.Pesos) money.Price { return money.PerUnit(p) }

// units is n of a product; its category is the letter that its code begins with: "b1" is in "b".
func units(code string, n int64, p money.Pesos) Item {
	return Item{Codigo: code, Categoria: code[:1], Base: pesos(p), Qty: money.Units(n)}
}

func kilos(code, qty string, p money.Pesos) Item {
	q, err := money.ParseQty(qty)
	if err != nil {
		panic(err)
	}
	return Item{Codigo: code, Categoria: code[:1], Base: pesos(p), Qty: q, Weighed: true}
}

func (it Item) exempt() Item { it.Exento = true; return it }

func (it Item) fixed(p money.Pesos, who, why string) Item {
	it.Fixed, it.FixedBy = pesos(p), By{who, why}
	return it
}

func (it Item) less(o Off) Item { it.Off = o; return it }

func book(t testing.TB, rules ...Rule) *Book {
	t.Helper()
	b, bad := Compile(rules)
	if len(bad) > 0 {
		t.Fatalf("rules refused: %v", bad)
	}
	return b
}

func priced(t testing.TB, b *Book, ctx Context, items ...Item) Result {
	t.Helper()
	if ctx.At.IsZero() {
		ctx.At = at(12, 0)
	}
	result, err := b.Price(ctx, items)
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, items, result)
	return result
}

// checkInvariants: what holds for every ticket.
func checkInvariants(t testing.TB, items []Item, r Result) {
	t.Helper()
	if len(r.Lines) != len(items) {
		t.Fatalf("%d items, %d lines", len(items), len(r.Lines))
	}
	var sum, taxed, exempt money.Pesos
	for i, line := range r.Lines {
		gross, err := line.Prc.Times(items[i].Qty)
		if err != nil || line.Total != gross-line.Discount || line.Discount < 0 || line.Total < 0 {
			t.Fatalf("line %d: %+v of a gross %d (%v)", i, line, gross, err)
		}
		var told money.Pesos
		prc := money.Price(-1)
		for _, why := range line.Why {
			if told += why.Amount; why.Amount == 0 {
				prc = why.Prc
			}
		}
		if told != line.Discount || prc != line.Prc {
			t.Fatalf("line %d costs %s less %s and is explained by %s", i, line.Prc, line.Discount, Explain(line.Why))
		}
		if sum += line.Total; items[i].Exento {
			exempt += line.Total
		} else {
			taxed += line.Total
		}
	}
	if r.Total != sum || r.Off.Taxed < 0 || r.Off.Taxed > taxed || r.Off.Exempt < 0 || r.Off.Exempt > exempt {
		t.Fatalf("total %d of lines that add up to %d (%d taxed, %d exempt); discount %+v", r.Total, sum, taxed, exempt, r.Off)
	}
}

// Rules of the examples.
var (
	mayorista  = Rule{Name: "Mayorista", Kind: Precio, Products: []string{"b1"}, Price: pesos(1790), From: money.Units(12)}
	club       = Rule{Name: "Club", Kind: Rebaja, All: true, Pct: 500, Lists: []string{"Club"}}
	tresPorDos = Rule{Name: "3×2", Kind: NxM, Categories: []string{"B"}, Take: 3, Pay: 2}
	segunda    = Rule{Name: "2ª al 50 %", Kind: Segunda, Products: []string{"b1", "b2"}, Pct: 5000}
	seis       = Rule{Name: "Desde 6", Kind: Descuento, Categories: []string{"v"}, From: money.Units(6), Pct: 1000}
	cien       = Rule{Name: "$100 menos", Kind: Descuento, Products: []string{"b1"}, Off: pesos(100), Stackable: true}
	once       = Rule{
		Name: "Once", Kind: Combo, Price: pesos(3000),
		Parts: []Part{{Categories: []string{"p"}, Qty: 2}, {Products: []string{"t1"}, Qty: 1}},
	}
	happy = Rule{
		Name: "Hora feliz", Kind: Descuento, Categories: []string{"s"}, Pct: 3000,
		When: When{Since: 18 * 60, Until: 20 * 60, Days: []Weekday{5, 6}},
	}
	fruta = Rule{Name: "Desde 2 kg", Kind: Descuento, Categories: []string{"f"}, From: 2 * money.One, Off: pesos(200), Weighed: true}
)

func (r Rule) with(change func(*Rule)) Rule { change(&r); return r }

// Tickets that an owner would check by hand. Each wants the lines' totals and the explanation of one of them.
func TestExamples(t *testing.T) {
	clubLists := Context{Lists: []string{"club"}}
	for _, c := range []struct {
		name  string
		rules []Rule
		ctx   Context
		items []Item
		want  string // totals of the lines
		line  int    // the one that is explained
		why   string
	}{
		{
			"no rules", nil,
			Context{},
			[]Item{units("b1", 2, 1990)},
			"3980", 0, "Precio de lista 1.990",
		},
		{
			"wholesale begins at twelve",
			[]Rule{mayorista},
			Context{},
			[]Item{units("b1", 11, 1990)},
			"21890", 0, "Precio de lista 1.990",
		},
		{
			"wholesale from twelve, on two lines",
			[]Rule{mayorista},
			Context{},
			[]Item{units("b1", 5, 1990), units("b2", 1, 500), units("b1", 7, 1990)},
			"8950 500 12530", 2, "Precio de lista 1.990 → Mayorista 1.790",
		},
		{
			"wholesale and then 3×2",
			[]Rule{mayorista, tresPorDos},
			Context{},
			[]Item{units("b1", 12, 1990)},
			"14320", 0, "Precio de lista 1.990 → Mayorista 1.790 → 3×2 −7.160",
		},
		{
			"the cheapest list price counts",
			[]Rule{mayorista, club},
			clubLists,
			[]Item{units("b1", 12, 1990), units("b2", 1, 1990)},
			"21480 1890", 1, "Precio de lista 1.990 → Club 1.890",
		},
		{
			"a customer's list is for its customers",
			[]Rule{club},
			Context{Lists: []string{"vecinos"}},
			[]Item{units("b1", 1, 1990)},
			"1990", 0, "Precio de lista 1.990",
		},
		{
			"a dearer list price needs priority",
			[]Rule{
				{Name: "Reparto", Kind: Precio, Products: []string{"b1"}, Price: pesos(2500), Lists: []string{"reparto"}},
				{Name: "Feria", Kind: Precio, Products: []string{"b2"}, Price: pesos(2500), Lists: []string{"reparto"}, Priority: 1},
			},
			Context{Lists: []string{"Reparto"}},
			[]Item{units("b1", 1, 1990), units("b2", 1, 1990)},
			"1990 2500", 1, "Precio de lista 1.990 → Feria 2.500",
		},
		{
			"3×2 of one product",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2000", 0, "Precio de lista 1.000 → 3×2 −1.000",
		},
		{
			"3×2 with a unit over",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 7, 1000)},
			"5000", 0, "Precio de lista 1.000 → 3×2 −2.000",
		},
		{
			"3×2 mixed: the cheapest is free",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 1, 1000), units("b2", 1, 700), units("b3", 1, 900), units("x1", 1, 100)},
			"1000 0 900 100", 1,
			"Precio de lista 700 → 3×2 −700",
		},
		{
			"3×2 mixed, four units: the cheapest is left over",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 2, 1000), units("b2", 1, 700), units("b3", 1, 900)},
			"2000 700 0", 2, "Precio de lista 900 → 3×2 −900",
		},
		{
			"5×3 frees two of five",
			[]Rule{tresPorDos.with(func(r *Rule) { r.Name, r.Take, r.Pay = "5×3", 5, 3 })},
			Context{},
			[]Item{units("b1", 3, 1000), units("b2", 2, 700)},
			"3000 0", 1, "Precio de lista 700 → 5×3 −1.400",
		},
		{
			"second unit at half price",
			[]Rule{segunda},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2500", 0, "Precio de lista 1.000 → 2ª al 50 % −500",
		},
		{
			"second unit at half price, mixed: the cheaper of the two",
			[]Rule{segunda},
			Context{},
			[]Item{units("b2", 1, 501), units("b1", 1, 1000)},
			"250 1000", 0, "Precio de lista 501 → 2ª al 50 % −251",
		},
		{
			"10 % off from six bottles, mixed",
			[]Rule{seis},
			Context{},
			[]Item{units("v1", 4, 3990), units("v2", 2, 5000)},
			"14364 9000", 0, "Precio de lista 3.990 → Desde 6 −1.596",
		},
		{
			"five bottles are not six",
			[]Rule{seis},
			Context{},
			[]Item{units("v1", 3, 3990), units("v2", 2, 5000)},
			"11970 10000", 0, "Precio de lista 3.990",
		},
		{
			"a combo spreads its saving by price",
			[]Rule{once},
			Context{},
			[]Item{units("p1", 2, 1000), units("t1", 1, 2000)},
			"1500 1500", 0, "Precio de lista 1.000 → Once −500",
		},
		{
			"a combo takes the dearest of each part",
			[]Rule{once},
			Context{},
			[]Item{units("p1", 1, 1000), units("p2", 2, 1200), units("t1", 1, 2000)},
			"1000 1636 1364", 2, "Precio de lista 2.000 → Once −636",
		},
		{
			"two combos and a rest",
			[]Rule{once},
			Context{},
			[]Item{units("p1", 5, 1000), units("t1", 2, 2000)},
			"4000 3000", 1, "Precio de lista 2.000 → Once −1.000",
		},
		{
			"a combo that saves nothing is not made",
			[]Rule{once},
			Context{},
			[]Item{units("p1", 2, 500), units("t1", 1, 2000)},
			"1000 2000", 1, "Precio de lista 2.000",
		},
		{
			"the product's own part goes before its category's",
			[]Rule{once.with(func(r *Rule) {
				r.Parts = []Part{{Categories: []string{"t"}, Qty: 1}, {Products: []string{"t1"}, Qty: 1}}
			})},
			Context{},
			[]Item{units("t1", 1, 2000), units("t2", 1, 2000)},
			"1500 1500", 0, "Precio de lista 2.000 → Once −500",
		},
		{
			"the larger saving takes the units",
			[]Rule{segunda, tresPorDos},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2000", 0, "Precio de lista 1.000 → 3×2 −1.000",
		},
		{
			"what one promotion leaves, another may take",
			[]Rule{segunda, tresPorDos},
			Context{},
			[]Item{units("b1", 5, 1000)},
			"3500", 0, "Precio de lista 1.000 → 3×2 −1.000 → 2ª al 50 % −500",
		},
		{
			"priority goes before saving",
			[]Rule{segunda.with(func(r *Rule) { r.Priority = 1 }), tresPorDos},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2500", 0, "Precio de lista 1.000 → 2ª al 50 % −500",
		},
		{
			"what a promotion has lost to another counts when its turn comes",
			[]Rule{
				tresPorDos.with(func(r *Rule) { r.Categories, r.Products, r.Priority = nil, []string{"b1"}, 1 }),
				seis.with(func(r *Rule) { r.Categories, r.From, r.Pct = []string{"b"}, 0, 4000 }),
				segunda.with(func(r *Rule) { r.Products, r.Pct = []string{"b2"}, 9000 }),
			},
			Context{},
			[]Item{units("b1", 3, 1000), units("b2", 2, 900)},
			"2000 990", 1, "Precio de lista 900 → 2ª al 50 % −810",
		},
		{
			"a unit is not taken for nothing by a percentage that rounds to zero",
			[]Rule{
				tresPorDos.with(func(r *Rule) { r.Categories = []string{"p"} }),
				seis.with(func(r *Rule) { r.Categories, r.From, r.Pct, r.Priority = []string{"p", "b"}, 0, 100, 1 }),
			},
			Context{},
			[]Item{units("p1", 3, 7), units("b1", 1, 1000)},
			"14 990", 0, "Precio de lista 7 → 3×2 −7",
		},
		{
			"nor by a combo that saves no more",
			[]Rule{once, segunda.with(func(r *Rule) { r.Products = []string{"p2"} })},
			Context{},
			[]Item{units("p1", 2, 1000), units("p2", 2, 500), units("t1", 2, 2000)},
			"1500 750 3500", 1, "Precio de lista 500 → 2ª al 50 % −250",
		},
		{
			"equal savings: the first name",
			[]Rule{
				tresPorDos.with(func(r *Rule) { r.Name = "Zeta" }), tresPorDos.with(func(r *Rule) { r.Name = "Alfa" }),
			},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2000", 0, "Precio de lista 1.000 → Alfa −1.000",
		},
		{
			"stacked: on what each unit still costs, and the free one costs nothing",
			[]Rule{tresPorDos, cien},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"1800", 0, "Precio de lista 1.000 → 3×2 −1.000 → $100 menos −200",
		},
		{
			"not stacked: one of the two",
			[]Rule{tresPorDos, cien.with(func(r *Rule) { r.Stackable = false })},
			Context{},
			[]Item{units("b1", 3, 1000)},
			"2000", 0, "Precio de lista 1.000 → 3×2 −1.000",
		},
		{
			"two that stack, by name",
			[]Rule{
				cien.with(func(r *Rule) { r.Name, r.Off, r.Pct = "10 %", 0, 1000 }), cien,
			},
			Context{},
			[]Item{units("b1", 2, 1000)},
			"1620", 0, "Precio de lista 1.000 → $100 menos −200 → 10 % −180",
		},
		{
			"a discount larger than the unit leaves zero",
			[]Rule{cien},
			Context{},
			[]Item{units("b1", 2, 60)},
			"0", 0, "Precio de lista 60 → $100 menos −120",
		},
		{
			"happy hour",
			[]Rule{happy},
			Context{At: at(18, 0)},
			[]Item{units("s1", 2, 2000)},
			"2800", 0, "Precio de lista 2.000 → Hora feliz −1.200",
		},
		{
			"happy hour is over",
			[]Rule{happy},
			Context{At: at(20, 0)},
			[]Item{units("s1", 2, 2000)},
			"4000", 0, "Precio de lista 2.000",
		},
		{
			"a price that is brought down never becomes nothing",
			[]Rule{club.with(func(r *Rule) { r.Pct = 6000 })},
			clubLists,
			[]Item{units("b1", 2, 1)},
			"2", 0, "Precio de lista 1",
		},
		{
			"a list's price by the kilo",
			[]Rule{club},
			clubLists,
			[]Item{kilos("f1", "1,25", 1990)},
			"2363", 0, "Precio de lista 1.990 → Club 1.890",
		},
		{
			"weighed: not in promotions of units",
			[]Rule{tresPorDos.with(func(r *Rule) { r.Categories = []string{"f"} })},
			Context{},
			[]Item{kilos("f1", "3", 1000), units("f2", 2, 1000)},
			"3000 2000", 0, "Precio de lista 1.000",
		},
		{
			"weighed: $200 less a kilo from two kilos, mixed",
			[]Rule{fruta},
			Context{},
			[]Item{kilos("f1", "1,255", 1990), kilos("f2", "0,745", 1000), units("f3", 1, 500)},
			"2246 596 500", 0,
			"Precio de lista 1.990 → Desde 2 kg −251",
		},
		{
			"weighed: of one product by unit and by weight, only the latter",
			[]Rule{fruta},
			Context{},
			[]Item{units("f1", 2, 1000), kilos("f1", "2", 1000)},
			"2000 1600", 1, "Precio de lista 1.000 → Desde 2 kg −400",
		},
		{
			"weighed: two that stack, each on what is left of the line",
			[]Rule{
				fruta.with(func(r *Rule) { r.Stackable, r.Priority = true, 1 }),
				fruta.with(func(r *Rule) { r.Name, r.Stackable, r.Off, r.Pct = "Club", true, 0, 1000 }),
			},
			Context{},
			[]Item{kilos("f1", "2", 1000)},
			"1440", 0, "Precio de lista 1.000 → Desde 2 kg −400 → Club −160",
		},
		{
			"weighed: less than two kilos",
			[]Rule{fruta},
			Context{},
			[]Item{kilos("f1", "1,255", 1990), kilos("f2", "0,744", 1000)},
			"2497 744", 0, "Precio de lista 1.990",
		},
		{
			"the cashier's price is outside the rules and does not count for them",
			[]Rule{mayorista, tresPorDos},
			Context{},
			[]Item{units("b1", 11, 1990).fixed(1500, "Ana", "vence hoy"), units("b1", 1, 1990)},
			"16500 1990", 0,
			"Precio de lista 1.990 → Precio manual 1.500 (Ana: vence hoy)",
		},
		{
			"a discount by hand comes after the promotion",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 3, 1000).less(Off{Pct: 1000, By: By{"Ana", "caja rota"}})},
			"1800", 0,
			"Precio de lista 1.000 → 3×2 −1.000 → Descuento −200 (Ana: caja rota)",
		},
		{
			"a free unit goes to the line without a discount by hand",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 1, 1000).less(Off{Pct: 1000}), units("b1", 2, 1000)},
			"900 1000", 1, "Precio de lista 1.000 → 3×2 −1.000",
		},
		{
			"100 % off", nil,
			Context{},
			[]Item{units("b1", 3, 1000).less(Off{Pct: 10_000, By: By{Why: "cortesía"}})},
			"0", 0,
			"Precio de lista 1.000 → Descuento −3.000 (cortesía)",
		},
		{
			"no more than the line",
			[]Rule{tresPorDos},
			Context{},
			[]Item{units("b1", 3, 1000).less(Off{Pesos: 5000})},
			"0", 0, "Precio de lista 1.000 → 3×2 −1.000 → Descuento −2.000",
		},
		{
			"fractions of a peso stay whole in the sum",
			[]Rule{tresPorDos},
			Context{},
			[]Item{{Codigo: "b1", Categoria: "B", Base: 3_490_500_000, Qty: money.Units(3)}},
			"6981", 0,
			"Precio de lista 3.490,5 → 3×2 −3.491",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := priced(t, book(t, c.rules...), c.ctx, c.items...)
			if got := totals(result); got != c.want {
				t.Errorf("the lines cost %s, want %s", got, c.want)
			}
			if got := Explain(result.Lines[c.line].Why); got != c.why {
				t.Errorf("line %d is explained by\n %s, want\n %s", c.line, got, c.why)
			}
		})
	}
}

func totals(r Result) string {
	var b strings.Builder
	for _, line := range r.Lines {
		fmt.Fprintf(&b, " %d", line.Total)
	}
	return strings.TrimPrefix(b.String(), " ")
}

// The ticket's discount is one amount for each kind of lines, in proportion, and adds up.
func TestTicketDiscount(t *testing.T) {
	taxed, exempt := units("b1", 1, 1000), units("x1", 1, 500).exempt()
	for _, c := range []struct {
		name          string
		off           Off
		items         []Item
		taxed, exempt money.Pesos
	}{
		{"10 % of both", Off{Pct: 1000}, []Item{taxed, exempt}, 100, 50},
		{"$100 by two thirds and one: 66,67 and 33,33", Off{Pesos: 100}, []Item{exempt, taxed}, 67, 33},
		{"$101: 67,33 and 33,67", Off{Pesos: 101}, []Item{exempt, taxed}, 67, 34},
		{"half a peso each: the taxed ones get it", Off{Pesos: 1}, []Item{units("x1", 1, 700).exempt(), units("b1", 1, 700)}, 1, 0},
		{"only taxed", Off{Pesos: 100}, []Item{taxed}, 100, 0},
		{"only exempt", Off{Pesos: 100}, []Item{exempt}, 0, 100},
		{"no more than the ticket", Off{Pesos: 9999}, []Item{taxed, exempt}, 1000, 500},
		{"all of it", Off{Pct: 10_000}, []Item{taxed, exempt}, 1000, 500},
		{"after the promotion", Off{Pct: 1000}, []Item{units("b1", 3, 1000)}, 200, 0},
		{"of nothing", Off{Pct: 1000}, []Item{units("b1", 1, 0)}, 0, 0},
		{"none", Off{}, []Item{taxed, exempt}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.off.By = By{"Ana", "clienta de siempre"}
			r := priced(t, book(t, tresPorDos), Context{Off: c.off}, c.items...)
			if r.Off.Taxed != c.taxed || r.Off.Exempt != c.exempt || r.Due() != r.Total-c.taxed-c.exempt {
				t.Errorf("got %d and %d, due %d of %d", r.Off.Taxed, r.Off.Exempt, r.Due(), r.Total)
			}
			want := ""
			if r.Off.Total() > 0 {
				want = "Descuento al total −" + r.Off.Total().String() + " (Ana: clienta de siempre)"
			}
			if got := Explain(r.Off.Why); got != want {
				t.Errorf("explained by %q, want %q", got, want)
			}
		})
	}
}

// A rule holds on its days and in its hours, in the zone of the time that is given.
func TestWhen(t *testing.T) {
	from, to := Day(20261101), Day(20261121)
	saturday := []Weekday{6}
	for _, c := range []struct {
		name string
		when When
		at   time.Time
		want bool
	}{
		{"always", When{}, at(0, 0), true},
		{"first day", When{From: from}, time.Date(2026, 11, 1, 0, 0, 0, 0, santiago), true},
		{"the day before", When{From: from}, time.Date(2026, 10, 31, 23, 59, 59, 0, santiago), false},
		{"last minute", When{To: to}, at(23, 59), true},
		{"the day after", When{To: to}, at(24, 0), false},
		{"Saturday", When{Days: saturday}, at(12, 0), true},
		{"not Sunday", When{Days: saturday}, at(24, 0), false},
		{"in another zone it is Sunday already", When{Days: saturday}, at(22, 0).UTC(), false},
		{"up to the hour", When{Until: 12 * 60}, at(11, 59), true},
		{"at the hour no more", When{Until: 12 * 60}, at(12, 0), false},
		{"from the hour on", When{Since: 12 * 60}, at(12, 0), true},
		{"until midnight", When{Since: 12 * 60}, at(23, 59), true},
		{"before the hour", When{Since: 12 * 60}, at(11, 59), false},
		{"over midnight, before", When{Since: 22 * 60, Until: 2 * 60, Days: saturday}, at(22, 0), true},
		{"over midnight, after: still Saturday's", When{Since: 22 * 60, Until: 2 * 60, Days: saturday}, at(25, 59), true},
		{"over midnight, Saturday's small hours are Friday's", When{Since: 22 * 60, Until: 2 * 60, Days: saturday}, at(1, 0), false},
		{"over midnight, too late", When{Since: 22 * 60, Until: 2 * 60}, at(2, 0), false},
		{"over midnight, at noon", When{Since: 22 * 60, Until: 2 * 60}, at(12, 0), false},
		{"the night of the last day", When{Since: 22 * 60, Until: 2 * 60, To: to}, at(25, 0), true},
		{"the night before the first day", When{Since: 22 * 60, Until: 2 * 60, From: to}, at(1, 0), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rule := range []Rule{tresPorDos, club.with(func(r *Rule) { r.Lists = nil })} {
				b := book(t, rule.with(func(r *Rule) { r.When = c.when }))
				r := priced(t, b, Context{At: c.at}, units("b1", 3, 1000))
				if got := r.Total < 3000; got != c.want {
					t.Errorf("at %s %s holds: %v, want %v", c.at.Format("Mon 15:04"), rule.Name, got, c.want)
				}
			}
		})
	}
}

// What no ticket can have is refused in words, and nothing else happens to the book.
func TestPriceRefuses(t *testing.T) {
	b := book(t, tresPorDos)
	good := units("b1", 3, 1000)
	change := func(f func(*Item)) []Item { it := good; f(&it); return []Item{good, it} }
	for _, c := range []struct {
		name  string
		ctx   Context
		items []Item
		want  string
	}{
		{"no quantity", Context{}, change(func(it *Item) { it.Qty = 0 }), "de la línea 2 (b1): la cantidad 0"},
		{"negative quantity", Context{}, change(func(it *Item) { it.Qty = -1 }), "la cantidad -0,000001"},
		{"endless quantity", Context{}, change(func(it *Item) { it.Qty = money.MaxQty }), "la cantidad"},
		{"negative price", Context{}, change(func(it *Item) { it.Base = -1 }), "el precio"},
		{"endless price", Context{}, change(func(it *Item) { it.Base = 1<<63 - 1 }), "el precio"},
		{"negative price by hand", Context{}, change(func(it *Item) { it.Fixed = -1 }), "el precio manual"},
		{"more than all of it", Context{}, change(func(it *Item) { it.Off.Pct = 10_001 }), "100,01 % no sirve"},
		{"a surcharge", Context{}, change(func(it *Item) { it.Off.Pesos = -1 }), "el descuento de $-1"},
		{"both", Context{}, change(func(it *Item) { it.Off.Pesos, it.Off.Pct = 1, 1 }), "uno de los dos"},
		{"on the ticket", Context{Off: Off{Pct: -1}}, []Item{good}, "del total: el descuento"},
		{"a ticket too dear", Context{}, change(func(it *Item) { it.Qty, it.Base = money.Units(1000), pesos(1_000_000_000) }), "no fit"},
		{"too many lines", Context{}, make([]Item, maxItems+1), "más de 10.000 líneas"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := b.Price(c.ctx, c.items)
			if !errors.Is(err, ErrItem) || !strings.Contains(strings.ReplaceAll(err.Error(), "does not", "no"), c.want) || r.Lines != nil {
				t.Errorf("got %+v, %v; want %q", r, err, c.want)
			}
			if r := priced(t, b, Context{}, good); r.Total != 2000 {
				t.Errorf("afterwards the book asks for %d", r.Total)
			}
		})
	}
}

func TestTheZeroBookHasNoRules(t *testing.T) {
	if r := priced(t, &Book{}, Context{Lists: []string{"club"}}, units("b1", 3, 1000)); r.Total != 3000 {
		t.Errorf("total %d", r.Total)
	}
	if r := priced(t, &Book{}, Context{}); r.Total != 0 {
		t.Errorf("an empty ticket costs %d", r.Total)
	}
}

// price is a leaf of the counter: beside the standard library it imports money alone.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Skipf("the go tool is not available: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep != "mostrador/money" && dep != "mostrador/sale/price" {
			t.Errorf("price imports %s", dep)
		}
	}
}
