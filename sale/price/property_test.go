package price

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"mostrador/money"
)

// anyThing is an item with all that a counter knows: weights, fractions, prices and discounts by hand.
func anyThing(t *rapid.T) Item {
	code := rapid.SampledFrom(codes).Draw(t, "code")
	it := units(code, rapid.Int64Range(1, 7).Draw(t, "units"), catalog[code])
	switch rapid.IntRange(0, 9).Draw(t, "way") {
	case 0:
		it.Weighed, it.Qty = true, money.Qty(rapid.Int64Range(1, 5_000_000).Draw(t, "weight"))
	case 1:
		it.Base = money.Price(rapid.Int64Range(1, 2_000_000_000).Draw(t, "fraction"))
	case 2:
		it = it.fixed(money.Pesos(rapid.Int64Range(1, 5000).Draw(t, "fixed")), "Ana", "oferta")
	case 3:
		it.Off.Pct = money.Rate(rapid.IntRange(1, 10_000).Draw(t, "by hand, rate"))
	case 4:
		it.Off.Pesos = money.Pesos(rapid.IntRange(1, 9000).Draw(t, "by hand"))
	case 5:
		it.Exento = true
	}
	return it
}

func anyThings(t *rapid.T) []Item {
	return rapid.SliceOfN(rapid.Custom(anyThing), 1, 8).Draw(t, "things")
}

func mustPrice(t *rapid.T, b *Book, ctx Context, items []Item) Result {
	r, err := b.Price(ctx, items)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fuller is a context with a discount on the ticket.
func fuller(t *rapid.T) Context {
	ctx := anyContext(t)
	ctx.Off.Pct = money.Rate(rapid.IntRange(0, 10_000).Draw(t, "ticket"))
	return ctx
}

// Whatever the rules and the ticket: no line below zero, no discount larger than its line, sums that add up, reasons
// that tell the whole discount; and the memory of one ticket does not colour the next.
func TestEveryTicketAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, rules := anyBook(t)
		for range 3 {
			ctx, items := fuller(t), anyThings(t)
			first := mustPrice(t, b, ctx, items)
			checkInvariants(rapidTB{t: t}, items, first)
			fresh, _ := Compile(rules)
			if again := mustPrice(t, fresh, ctx, items); !reflect.DeepEqual(first, again) {
				t.Fatalf("a used book says %+v, a new one %+v", first, again)
			}
		}
	})
}

// rapidTB lets a property use the helpers of ordinary tests.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (r rapidTB) Helper()                        {}
func (r rapidTB) Fatalf(format string, a ...any) { r.t.Fatalf(format, a...) }

// The order of the lines changes nothing: neither the total, nor what any line costs, except that lines that are alike in
// everything may change places.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := anyBook(t)
		ctx, items := fuller(t), anyThings(t)
		shuffled := rapid.Permutation(items).Draw(t, "shuffled")
		one, other := mustPrice(t, b, ctx, items), mustPrice(t, b, ctx, shuffled)
		if one.Total != other.Total || !reflect.DeepEqual(one.Off, other.Off) {
			t.Fatalf("total %d less %+v, in another order %d less %+v", one.Total, one.Off, other.Total, other.Off)
		}
		if a, b := sortedLines(items, one), sortedLines(shuffled, other); !slices.Equal(a, b) {
			t.Fatalf("lines\n%v\nin another order\n%v", a, b)
		}
	})
}

// The same product taxed and exempt: which of the two gets the promotion is not a matter of
// which came first.
func TestOrderOfTwins(t *testing.T) {
	b := book(t, segunda)
	one, other := units("b1", 1, 1000), units("b1", 1, 1000).exempt()
	forth, back := []Item{one, other}, []Item{other, one}
	if a, b := sortedLines(forth, priced(t, b, Context{}, forth...)), sortedLines(back, priced(t, b, Context{}, back...)); !slices.Equal(a, b) {
		t.Errorf("lines\n%v\nin another order\n%v", a, b)
	}
}

func sortedLines(items []Item, r Result) (lines []string) {
	for i, it := range items {
		lines = append(lines, fmt.Sprintf("%+v costs %d: %s", it, r.Lines[i].Total, Explain(r.Lines[i].Why)))
	}
	slices.Sort(lines)
	return lines
}

// Scanning a product again and typing a quantity cost the same: a line of a whole-peso price may be split in two.
func TestSplittingALineDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := anyBook(t)
		ctx, items := anyContext(t), anyTicket(t)
		i := rapid.IntRange(0, len(items)-1).Draw(t, "line")
		split := slices.Clone(items)
		part := money.Units(rapid.Int64Range(0, int64(items[i].Qty/money.One)-1).Draw(t, "part"))
		if part > 0 {
			split[i].Qty -= part
			rest := items[i]
			rest.Qty = part
			split = slices.Insert(split, rapid.IntRange(0, len(items)).Draw(t, "where"), rest)
		}
		if one, two := mustPrice(t, b, ctx, items), mustPrice(t, b, ctx, split); one.Total != two.Total {
			t.Fatalf("in one line %d, in two %d", one.Total, two.Total)
		}
	})
}

// A product that shares no rule with the others leaves them as they are.
func TestAnUnrelatedProductChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, rules := anyBook(t)
		for i := range rules {
			if r := &rules[i]; r.All {
				r.All, r.Categories = false, []string{"b", "v", "p"}
			}
		}
		b, bad := Compile(rules)
		if len(bad) > 0 {
			t.Fatal(bad)
		}
		ctx, items := anyContext(t), anyThings(t)
		stranger := units("x1", rapid.Int64Range(1, 9).Draw(t, "units"), 1500)
		place := rapid.IntRange(0, len(items)).Draw(t, "place")
		with := mustPrice(t, b, ctx, slices.Insert(slices.Clone(items), place, stranger))
		without := mustPrice(t, b, ctx, items)
		with.Lines = slices.Delete(with.Lines, place, place+1)
		if !reflect.DeepEqual(with.Lines, without.Lines) {
			t.Fatalf("with it %+v, without it %+v", with.Lines, without.Lines)
		}
	})
}

// A longer ticket without promotions by the ticket's whole is never cheaper to split: each promotion is one that the
// buyer could not undo by paying twice. It holds for n×m alone, the promotion of which people say so.
func TestPayingTwiceDoesNotBeatNxM(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := Compile([]Rule{{Name: "3×2", Kind: NxM, All: true, Take: 3, Pay: 2}})
		ctx, items := anyContext(t), anyTicket(t)
		cut := rapid.IntRange(0, len(items)).Draw(t, "cut")
		together := mustPrice(t, b, ctx, items).Total
		apart := mustPrice(t, b, ctx, items[:cut]).Total + mustPrice(t, b, ctx, items[cut:]).Total
		if together > apart {
			t.Fatalf("together %d, apart %d", together, apart)
		}
	})
}

// Many tills' worth of goroutines use one book at once; -race watches.
func TestABookIsForManyGoroutines(t *testing.T) {
	b := book(t, mayorista, club, tresPorDos, segunda, once, cien, fruta)
	items := []Item{units("b1", 12, 1990), units("b2", 3, 990), units("p1", 4, 1000), units("t1", 1, 2500), kilos("f1", "2,5", 1990)}
	ctx := Context{At: at(12, 0), Lists: []string{"Club"}}
	want, err := b.Price(ctx, items)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if got, err := b.Price(ctx, items); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %v", got, err)
					return
				}
			}
		})
	}
	all.Wait()
}
