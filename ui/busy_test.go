package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"pgregory.net/rapid"

	"mostrador/money"
	"mostrador/sale"
)

// event is what a keyboard or a scanner sends: a character or, if it has one, a key.
type event struct {
	at  time.Duration
	r   rune
	key fyne.KeyName
}

// wired are the characters of a code, each after its pause.
func wired(code string, pauses ...time.Duration) (events []event) {
	var at time.Duration
	for i, r := range []rune(code) {
		if i < len(pauses) {
			at += pauses[i]
		} else {
			at += time.Millisecond
		}
		events = append(events, event{at: at, r: r})
	}
	return events
}

func ended(events []event, key fyne.KeyName) []event {
	return append(events, event{at: events[len(events)-1].at + time.Millisecond, key: key})
}

// busy is the window's goroutine as the driver runs it on a machine with much else to do. It looks only at those moments:
// reads then all that was sent until then, as if it had just come, and lets timers go off before or after that.
func (x *world) busy(events []event, early bool, looks ...time.Duration) {
	begun := x.now
	for i := 0; len(events) > 0; i++ {
		step := 5 * time.Millisecond
		if i < len(looks) {
			step = looks[i]
		}
		x.now = x.now.Add(step)
		if early {
			x.due()
		}
		for len(events) > 0 && !begun.Add(events[0].at).After(x.now) {
			if e := events[0]; e.key != "" {
				x.press(e.key)
			} else {
				x.stroke(e.r)
			}
			events = events[1:]
		}
		if !early {
			x.due()
		}
	}
}

// due lets those timers go off whose moment has come. What they set in their turn is for a later look.
func (x *world) due() {
	timers := x.timers
	x.timers = nil
	slices.SortStableFunc(timers, func(a, b pendingTimer) int { return a.at.Compare(b.at) })
	for _, p := range timers {
		if p.at.After(x.now) {
			x.timers = append(x.timers, p)
			continue
		}
		p.f()
	}
}

const xyz = "XYZ-998877"

func busyWorld(t testing.TB, code string) *world {
	return newWorldWith(t, false, Look{}, []sale.Product{products[0], {Codigo: code, Nombre: "Cosa propia", Prc: money.PerUnit(700)}})
}

// A window that was drawn for long after the first letters of a code reads the rest late. It is one code.
func TestACodeReadInTwoLooksIsOne(t *testing.T) {
	for _, early := range []bool{false, true} {
		for letters := 1; letters < len(xyz); letters++ {
			pauses := make([]time.Duration, letters)
			pauses[letters-1] = 2 * time.Millisecond
			x := busyWorld(t, xyz)
			x.busy(ended(wired(xyz, append(pauses, 3*time.Millisecond)...), enter), early, 2*time.Millisecond, 700*time.Millisecond)
			if got := codesOf(x); got != xyz {
				t.Errorf("read after %d letters, timers first: %v: the cart has %q", letters, early, got)
			}
		}
	}
}

// A scanner that pauses longer than any should. Its beginning stays a part of the code, and the beginning of a search does not.
func TestAScannerThatPauses(t *testing.T) {
	x := busyWorld(t, xyz)
	x.burst("XYZ")
	x.pass(time.Second)
	x.scan("-998877")
	if got := codesOf(x); got != xyz {
		t.Errorf("the cart has %q", got)
	}
	x.finger("cos")
	x.scan(leche)
	x.finger("c")
	x.scan(leche)
	x.finger("c") // nobody knows whose it is
	x.scan("Q-12345")
	x.sees("cQ-12345 no existe")
	if got := codesOf(x); got != xyz+" "+leche {
		t.Errorf("the cart has %q", got)
	}
}

// Thirteen or fourteen digits with a right check digit end after 60 ms of silence, wherever they are scanned and whatever this
// till's scanners put before them. Anything else waits for its rest.
func TestAWholeCodeEndsSoon(t *testing.T) {
	const dun = "17801234567891"
	for _, c := range []struct {
		name, typed, code string
		quantity          money.Qty
		scanner           Scanner
		soon              bool
	}{
		{"EAN-13", leche, leche, money.One, Scanner{}, true},
		{"GTIN-14", dun, dun, money.One, Scanner{}, true},
		{"with a quantity", "3*" + leche, leche, money.Units(3), Scanner{}, true},
		{"with an AIM identifier", "]E0" + leche, leche, money.One, Scanner{AIM: true}, true},
		{"with a prefix", "~" + leche, leche, money.One, Scanner{Prefix: "~"}, true},
		{"a wrong check digit", leche[:12] + "0", "", 0, Scanner{}, false},
		{"EAN-8", "73513537", "73513537", money.One, Scanner{}, false},
		{"a shop's own", xyz, xyz, money.One, Scanner{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newWorldWith(t, false, Look{}, []sale.Product{
				products[0],
				{Codigo: dun, Nombre: "Caja de leche", Prc: money.PerUnit(9000)},
				{Codigo: "73513537", Nombre: "Chicle", Prc: money.PerUnit(200)},
				{Codigo: xyz, Nombre: "Cosa propia", Prc: money.PerUnit(700)},
			})
			x.w.settings.Scanner = c.scanner
			x.burst(c.typed)
			x.pass(silence + frameTime - time.Millisecond)
			if n := len(x.lines()); n != 0 {
				t.Fatalf("%d lines before the silence was over", n)
			}
			x.pass(2 * time.Millisecond)
			if soon := len(x.lines()) == 1; soon != c.soon {
				t.Errorf("ended after %s: %v", silence+frameTime, soon)
			}
			x.pass(longSilence)
			if c.code == "" {
				x.sees(c.typed + " no existe")
				return
			}
			if l := x.lines(); len(l) != 1 || l[0].Codigo != c.code || l[0].Qty != c.quantity {
				t.Errorf("the cart has %+v", l)
			}
		})
	}
}

// Eight right digits do not end a code: one beginning in ten of a longer one has them.
func TestHalfACodeIsNoProduct(t *testing.T) {
	const half = "73513537"
	x := busyWorld(t, half)
	x.burst(half)
	x.pass(longSilence - 10*time.Millisecond)
	x.burst("12345")
	x.pass(time.Second)
	x.sees(half + "12345 no existe")
	if n := len(x.lines()); n != 0 {
		t.Errorf("%d lines", n)
	}
}

// A code may begin with a sign, and a sign by itself moves the quantity.
func TestACodeThatBeginsWithASign(t *testing.T) {
	x := busyWorld(t, "-99")
	x.scan(leche)
	x.scan("-998877")
	x.sees("-998877 no existe")
	x.scan("-99")
	x.busy(ended(wired("+ABCDEF"), enter), true, time.Millisecond, time.Second)
	x.sees("+ABCDEF no existe")
	if l := x.lines(); len(l) != 2 || l[0].Qty != money.One || l[1].Qty != money.One || l[1].Codigo != "-99" {
		t.Fatalf("%+v", l)
	}
	x.press(fyne.KeyDown, fyne.KeyDown)
	x.press(esc, esc)
	x.pass(time.Second)
	before := x.lines()[x.snap().Selected].Qty
	x.finger("++-+")
	if l := x.lines()[x.snap().Selected]; l.Qty != before+money.Units(2) {
		t.Errorf("++-+ makes %s of %s", l.Qty, before)
	}
}

// A quantity that fingers typed is asked about however soon the scan follows, and one that is usual is not.
func TestAScanRightAfterTheStar(t *testing.T) {
	for _, soon := range []time.Duration{time.Millisecond, 30 * time.Millisecond, 190 * time.Millisecond, 400 * time.Millisecond} {
		for _, end := range []fyne.KeyName{enter, fyne.KeyTab, ""} {
			x := newWorld(t)
			star := func(quantity string) {
				for _, r := range quantity {
					x.pass(110 * time.Millisecond)
					x.stroke(r)
				}
				x.pass(soon)
				x.burst(leche)
				if end != "" {
					x.press(end)
				}
				x.pass(time.Second)
			}
			star("1500*")
			x.askedMuch("1.500 × Leche entera 1 L")
			x.press(f12)
			star("3*")
			x.notAsked()
			if l := x.lines(); len(l) == 0 || x.snap().Total != 1503*1090 {
				t.Errorf("a scan %v after the star, ended by %q: %v", soon, end, l)
			}
		}
	}
}

// The scanner's own Enter is not the cashier's, however late a busy machine reads it: it pays nothing.
func TestTheScannersEnterReadLatePaysNothing(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(time.Second)
	x.press(f12)
	x.burst(cafe)
	x.pass(longSilence + 2*frameTime)
	x.busy([]event{{at: time.Millisecond, key: enter}}, true, 3*time.Second)
	if s := x.snap(); s.Due == 0 || len(x.w.waiting) != 1 {
		t.Errorf("paid by a scanner: %s are due, %d codes wait", s.Due, len(x.w.waiting))
	}
	x.pass(time.Second)
	x.press(enter)
	if x.snap().Due != 0 {
		t.Error("the cashier's Enter pays nothing either")
	}
}

// A key right behind a scan whose Enter was lost finds the scan in the sale.
func TestAKeyRightAfterAScan(t *testing.T) {
	x := newWorld(t)
	x.burst(leche)
	x.press(f12)
	if s := x.snap(); s.Stage != sale.Paying || s.Total != 1090 {
		t.Errorf("%s with %s", s.Stage, s.Total)
	}
}

// Whatever the code and however the machine reads it, in one look or in many: it is exactly that code which is sold or, if it
// is nobody's, seen in red. It is never a piece of it.
func TestNoScanIsCut(t *testing.T) {
	quiet := busyWorld(t, xyz)
	rapid.Check(t, func(rt *rapid.T) {
		x := quiet
		code := rapid.StringMatching(`[A-Z0-9][-A-Z0-9./$%_+]{0,46}[A-Z0-9]|[A-Z0-9]`).Draw(rt, "code")
		end := rapid.SampledFrom([]fyne.KeyName{enter, fyne.KeyTab, ""}).Draw(rt, "end")
		n := len(code)
		if n < 10 && end == "" {
			end = enter // without one, so short a text with pauses in it may be a finger's, and stays in the field
		}
		pauses := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 5).Draw(t, "ms")) * time.Millisecond
		}), n, n).Draw(rt, "pauses")
		if n > 1 {
			pauses[rapid.IntRange(1, n-1).Draw(rt, "where")] = time.Duration(rapid.IntRange(0, int(longSilence/time.Millisecond)).Draw(rt, "the long one")) * time.Millisecond
		}
		events := wired(code, pauses...)
		if end != "" {
			events = ended(events, end)
		}
		looks := rapid.SliceOfN(rapid.IntRange(1, 20), 0, 40).Draw(rt, "looks")
		if len(looks) > 0 {
			looks[rapid.IntRange(0, len(looks)-1).Draw(rt, "when")] = rapid.IntRange(1, 900).Draw(rt, "drawn")
		}
		var steps []time.Duration
		for _, ms := range looks {
			steps = append(steps, time.Duration(ms)*time.Millisecond)
		}
		known := n < shortestCode || rapid.Bool().Draw(rt, "known")
		if known {
			x = busyWorld(t, code)
		}
		x.busy(events, rapid.Bool().Draw(rt, "timers first"), steps...)
		x.pass(2 * time.Second)
		switch {
		case known && codesOf(x) != code:
			rt.Fatalf("%q became %q; the field has %q", code, codesOf(x), x.w.sink.Text)
		case !known && (len(x.lines()) > 0 || !strings.Contains(x.words(), code+" no existe") || x.w.sink.Text != ""):
			rt.Fatalf("%q, which is nobody's, became %q; the field has %q", code, codesOf(x), x.w.sink.Text)
		}
	})
}
