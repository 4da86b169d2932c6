package money

import (
	"errors"
	"math/big"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCashPayable(t *testing.T) {
	// Law 20.956: 1 to 5 down, 6 to 9 up.
	for last, want := range []Pesos{1230, 1230, 1230, 1230, 1230, 1230, 1240, 1240, 1240, 1240} {
		total := 1230 + Pesos(last)
		if got := CashPayable(total); got != want {
			t.Errorf("CashPayable(%d) = %d, want %d", total, got, want)
		}
		if got := CashPayable(-total); got != -want {
			t.Errorf("a refund of %d gives %d, want %d", total, got, -want)
		}
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		name string
		got  func() (Pesos, error)
		want Pesos
	}{
		{"IVA of 1350 is half up, not banker's", func() (Pesos, error) { return IVA.Of(1350) }, 257},
		{"IVA of 37605", func() (Pesos, error) { return IVA.Of(37605) }, 7145},
		{"net of a gross 29800", func() (Pesos, error) { return IVA.Net(29800) }, 25042},
		{"net of a gross 49990", func() (Pesos, error) { return IVA.Net(49990) }, 42008},
		{"half a peso goes up", func() (Pesos, error) { return PerUnit(1).Times(One / 2) }, 1},
		{"just below half goes down", func() (Pesos, error) { return PerUnit(1).Times(One/2 - 1) }, 0},
		{"3490.5 times 2", func() (Pesos, error) { return Price(3_490_500_000).Times(Units(2)) }, 6981},
		{"a negative is the mirror", func() (Pesos, error) { return (-PerUnit(1)).Times(One / 2) }, -1},
		{"20.5 % of 30960", func() (Pesos, error) { return Rate(2050).Of(30960) }, 6347},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.got()
			if err != nil || got != c.want {
				t.Errorf("got %d, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestOverflowIsAnError(t *testing.T) {
	if _, err := MaxPesos.Add(1); !errors.Is(err, ErrOverflow) {
		t.Errorf("MaxPesos + 1: %v", err)
	}
	if _, err := MaxPrice.Times(MaxQty); !errors.Is(err, ErrOverflow) {
		t.Errorf("MaxPrice × MaxQty: %v", err)
	}
	if got, err := MaxPrice.Times(One); err != nil || got != 1_000_000_000_000 {
		t.Errorf("MaxPrice × 1 = %d, %v", got, err)
	}
	if _, err := Sum(MaxPesos, MaxPesos); !errors.Is(err, ErrOverflow) {
		t.Errorf("sum: %v", err)
	}
	if got, err := Sum(); got != 0 || err != nil {
		t.Errorf("empty sum = %d, %v", got, err)
	}
}

// The 128-bit division agrees with big integers for every pair of factors.
func TestTimesAgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Price(rapid.Int64Range(-int64(MaxPrice), int64(MaxPrice)).Draw(t, "price"))
		q := Qty(rapid.Int64Range(-int64(MaxQty), int64(MaxQty)).Draw(t, "qty"))
		got, err := p.Times(q)
		want := bigHalfUp(int64(p), int64(q), million*million)
		if !want.IsInt64() || want.CmpAbs(big.NewInt(int64(MaxPesos))) > 0 {
			if !errors.Is(err, ErrOverflow) {
				t.Fatalf("%d × %d: got %d, %v; want overflow", p, q, got, err)
			}
			return
		}
		if err != nil || int64(got) != want.Int64() {
			t.Fatalf("%d × %d: got %d, %v; want %s", p, q, got, err, want)
		}
	})
}

func bigHalfUp(a, b, c int64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	sign := n.Sign()
	n.Abs(n).Add(n, big.NewInt(c/2)).Quo(n, big.NewInt(c))
	if sign < 0 {
		n.Neg(n)
	}
	return n
}

// Net plus the IVA by subtraction is always the gross amount, and the IVA is within a peso of 19 % of the net.
func TestGrossSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gross := Pesos(rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "gross"))
		net, err := IVA.Net(gross)
		if err != nil {
			t.Fatal(err)
		}
		byRate, err := IVA.Of(net)
		if err != nil {
			t.Fatal(err)
		}
		if d := gross - net - byRate; d < -1 || d > 1 {
			t.Fatalf("gross %d: net %d, IVA by subtraction %d, by rate %d", gross, net, gross-net, byRate)
		}
	})
}

func TestCashPayableProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := Pesos(rapid.Int64Range(-1_000_000_000, 1_000_000_000).Draw(t, "total"))
		p := CashPayable(total)
		if CashPayable(-total) != -p {
			t.Fatalf("a refund of %d is not the mirror of the payment", total)
		}
		if total < 0 {
			total, p = -total, -p
		}
		if p%10 != 0 || p-total > 4 || total-p > 5 || CashPayable(p) != p {
			t.Fatalf("CashPayable(%d) = %d", total, p)
		}
	})
}

// A label with a price must become a line of that price to the peso: every price of five and six digits, at unit prices
// of every size.
func TestQtyForIsExact(t *testing.T) {
	for _, p := range []Price{1, 3, 333_333, OnePeso, 7 * OnePeso, 990 * OnePeso, 8990 * OnePeso, 8_990_500_001, 123_456*OnePeso + 789, 999_999 * OnePeso, 1_000_000 * OnePeso} {
		for total := Pesos(1); total <= 999_999; total++ {
			q, exact := p.QtyFor(total)
			amount, err := p.Times(q)
			if !exact || err != nil || amount != total {
				t.Fatalf("%s at %s: %s gives %s, %v, %v", total, p, q, amount, exact, err)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := Price(rapid.Int64Range(1, 1_000_000*int64(OnePeso)).Draw(t, "price"))
		total := Pesos(rapid.Int64Range(0, 999_999).Draw(t, "total"))
		q, exact := p.QtyFor(total)
		amount, err := p.Times(q)
		if !exact || err != nil || amount != total {
			t.Fatalf("%s at %s: %s gives %s, %v, %v", total, p, q, amount, exact, err)
		}
		if grams := q / 1000 * 1000; grams != q {
			for _, coarse := range []Qty{grams, grams + 1000} {
				if amount, err := p.Times(coarse); err == nil && amount == total {
					t.Fatalf("%s at %s: %s, though %s says it with three decimals", total, p, q, coarse)
				}
			}
		}
	})
}

func TestPriceForIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Qty(rapid.Int64Range(1, int64(Units(1_000_000))).Draw(t, "quantity"))
		total := Pesos(rapid.Int64Range(0, 999_999).Draw(t, "total"))
		p, exact := q.PriceFor(total)
		if amount, err := p.Times(q); !exact || err != nil || amount != total {
			t.Fatalf("%s for %s: %s gives %s, %v, %v", total, q, p, amount, exact, err)
		}
	})
}

func TestQtyForAndPriceForSayWhatTheyCannot(t *testing.T) {
	for _, c := range []struct {
		p     Price
		total Pesos
	}{{0, 1}, {-1, 1}, {OnePeso, -1}, {10_000_000 * OnePeso, 12_345}, {MaxPrice, 1}, {1, MaxPesos}} {
		if q, exact := c.p.QtyFor(c.total); exact {
			t.Errorf("%s at %s: %s", c.total, c.p, q)
		}
	}
	for _, c := range []struct {
		q     Qty
		total Pesos
	}{{0, 1}, {-1, 1}, {One, -1}, {1, MaxPesos}, {MaxQty, 1}} {
		if p, exact := c.q.PriceFor(c.total); exact {
			t.Errorf("%s for %s: %s", c.total, c.q, p)
		}
	}
}

func TestParseAndFormat(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"0", "0"}, {"1234", "1.234"}, {"1.234", "1.234"}, {"$12.345.678", "12.345.678"}, {"-990", "-990"}, {"007", "7"},
	} {
		p, err := ParsePesos(c.in)
		if err != nil || p.String() != c.out {
			t.Errorf("ParsePesos(%q) = %s, %v; want %s", c.in, p, err, c.out)
		}
	}
	q, err := ParseQty("1.000,25")
	if err != nil || q.XML() != "1000.25" || q.String() != "1.000,25" {
		t.Errorf("quantity: %s %s %v", q.XML(), q, err)
	}
	r, err := RateFromXML("20.5")
	if err != nil || r != 2050 || r.String() != "20,5" {
		t.Errorf("rate: %d %s %v", r, r, err)
	}
	if p, err := PriceFromXML("0.000001"); err != nil || p != 1 || p.XML() != "0.000001" {
		t.Errorf("price: %d %s %v", p, p.XML(), err)
	}
}

func TestParseRefusesNonsense(t *testing.T) {
	for _, s := range []string{
		"", "-", "$", "--1", "+1", "1.-5", "1.+5", "1.", ".5", "1..2", "1.23", "1234.567", "12.34.567", "1,5", " 1", "1 ", "1e3",
		"٣", "0x10", "9999999999999999999", strings.Repeat("9", 500),
	} {
		if p, err := ParsePesos(s); err == nil {
			t.Errorf("ParsePesos(%q) = %d, want an error", s, p)
		}
	}
	for _, s := range []string{"1.5", "1,", ",5", "1,2345678", "1,,2", "1,-2", "NaN"} {
		if q, err := ParseQty(s); err == nil {
			t.Errorf("ParseQty(%q) = %d, want an error", s, q)
		}
	}
	for _, s := range []string{"1,5", "1.", "1.2.3", "1.2345678"} {
		if q, err := QtyFromXML(s); err == nil {
			t.Errorf("QtyFromXML(%q) = %d, want an error", s, q)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.234", "1,5", "-0", "1.-5", "999999999999,999999", "$1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePesos(s); err == nil {
			if again, err := ParsePesos(p.String()); err != nil || again != p {
				t.Errorf("pesos %q → %d → %q → %d, %v", s, p, p.String(), again, err)
			}
		}
		if q, err := ParseQty(s); err == nil {
			again, err := ParseQty(q.String())
			wire, wireErr := QtyFromXML(q.XML())
			if err != nil || wireErr != nil || again != q || wire != q {
				t.Errorf("qty %q → %d → %d, %d (%v, %v)", s, q, again, wire, err, wireErr)
			}
		}
		if r, err := ParseRate(s); err == nil {
			if again, err := ParseRate(r.String()); err != nil || again != r {
				t.Errorf("rate %q → %d → %d, %v", s, r, again, err)
			}
		}
	})
}

// money is a leaf: it imports nothing but the standard library.
func TestDeps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Skipf("the go tool is not available: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep != "mostrador/money" {
			t.Errorf("money imports %s", dep)
		}
	}
}
