package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"mostrador/money"
	"mostrador/sale"
)

// taps touches keys of the keypad, one after the other.
func (x *world) taps(keys ...string) {
	x.t.Helper()
	for _, k := range keys {
		x.tap(k)
	}
}

// A whole sale without a keyboard: code, quantity, payment with change, and the next one.
func TestASaleByFingersAlone(t *testing.T) {
	x := newWorld(t)
	x.tap(padWords)
	x.taps("3", "×", "2", "0", "0", "OK")
	if l := x.lines(); len(l) != 1 || l[0].Qty != money.Units(3) {
		t.Fatalf("the cart has %v", l)
	}
	x.taps("2", "×", "OK")
	if q := x.lines()[0].Qty; q != money.Units(2) {
		t.Errorf("quantity %s", q)
	}
	x.tap("COBRAR")
	x.taps("1", "0", "0", "9", "Borrar", "0", "OK")
	if s := x.snap(); s.Payment.Change != 300 {
		t.Errorf("change %s of a thousand pesos for 700", s.Payment.Change)
	}
	x.tap("OK")
	if x.snap().Stage != sale.Done {
		t.Error("OK did not issue")
	}
}

// A tap is the cashier's, even right behind a scan whose own Enter was lost: that is waited for from the scanner only.
func TestATapIsNeverAScannersEnter(t *testing.T) {
	x := newWorld(t)
	x.tap(padWords)
	x.burst(leche)
	x.pass(longSilence / 2)
	x.taps("5", "×", "OK")
	if l := x.lines(); len(l) != 1 || l[0].Qty != money.Units(5) {
		t.Errorf("the cart has %v", l)
	}
	for range 8 {
		x.tap("7")
	}
	if x.w.sink.Text != "77777777" {
		t.Errorf("quick taps were taken for a scan: %q", x.w.sink.Text)
	}
}

func TestTheKeypadTypesWhereTheTypingIs(t *testing.T) {
	x := newWorld(t)
	fill(x, 1)
	x.w.turnPad()
	x.press(f4)
	x.choose("Cambiar el precio…")
	x.taps("9", "9", "0")
	if d, ok := x.w.dialog.(*askDialog); !ok || d.answer.Text != "990" || x.w.sink.Text != "" {
		t.Errorf("the price is not in its field; above stands %q", x.w.sink.Text)
	}
	x.tap("OK")
	x.choose("Por vencer")
	if prc := x.lines()[1].Prc; prc != money.PerUnit(990) {
		t.Errorf("price %s", prc)
	}
	x.press(f12, f3)
	x.press(fyne.KeyDown)
	x.taps("1", "2")
	if d, ok := x.w.dialog.(*formDialog); !ok || d.fields[1].Text != "12" {
		t.Error("the keypad did not follow to the second line")
	}
}

// Whoever wants it always finds it at the next start; who does not, turns it on with a key or a tap.
func TestTheKeypadIsShownOnDemandOrAlways(t *testing.T) {
	x := newWorld(t)
	x.seesNot("Borrar")
	x.ctrl("T")
	x.sees("Borrar")
	x.ctrl("T")
	x.seesNot("Borrar")
	x.press(f11)
	x.choose("Ajustes", "Teclado en pantalla")
	if !x.lastKept().Pad {
		t.Error("the setting was not kept")
	}
	x.press(esc)
	x.sees("Borrar")
	x.w.settings.Folded = true
	x.w.render()
	x.sees("Borrar")
	x.w = New(test.NewTempApp(t), Deps{
		Counter: x.till, Documents: x.docs, Notices: x.news, Settings: x.lastKept(), Now: func() time.Time { return x.now }, Loop: inline{},
		After: func(time.Duration, func()) {},
	})
	t.Cleanup(x.w.Fyne().Close)
	x.sees("Borrar")
}

// Everything else stays where it is when the keypad comes.
func TestTheKeypadMovesNothing(t *testing.T) {
	for name, at := range map[string]func(x *world){
		"sale":    func(*world) {},
		"payment": func(x *world) { x.press(f12) },
		"shift":   func(x *world) { x.press(f9) },
		"a price": func(x *world) { x.press(f7) },
	} {
		x := newWorld(t)
		fill(x, 3)
		x.w.Fyne().Resize(fyne.NewSize(1280, 800))
		at(x)
		before := x.places()
		x.w.turnPad()
		after := x.places()
		kept := 0
		for what, where := range before {
			if now, there := after[what]; there {
				if kept++; now != where {
					t.Errorf("%s: %+v moved from %v to %v", name, what, where, now)
				}
			}
		}
		if kept < 15 {
			t.Errorf("%s: only %d words of %d are still there", name, kept, len(before))
		}
	}
}

// places are where words and buttons are seen.
func (x *world) places() map[fyne.CanvasObject]fyne.Position {
	all := map[fyne.CanvasObject]fyne.Position{}
	x.located(x.w.Fyne().Content(), fyne.Position{}, func(o fyne.CanvasObject, at fyne.Position) {
		switch o.(type) {
		case *button, *text:
			all[o] = at
		}
	})
	return all
}

func TestTheKeysAreLargeEnough(t *testing.T) {
	for name, at := range map[string]func(x *world){
		"sale":    func(*world) {},
		"payment": func(x *world) { x.press(f12) },
		"shift":   func(x *world) { x.press(f9) },
		"a price": func(x *world) { x.press(f7) },
		"a form":  func(x *world) { x.press(f12, f3) },
	} {
		x := newWorld(t)
		fill(x, 3)
		x.w.Fyne().Resize(fyne.NewSize(1024, 768))
		at(x)
		x.w.turnPad()
		keys, room := 0, x.w.Fyne().Canvas().Size()
		x.located(x.w.Fyne().Content(), fyne.Position{}, func(o fyne.CanvasObject, at fyne.Position) {
			b, ok := o.(*button)
			if !ok || !strings.Contains("1 2 3 4 5 6 7 8 9 0 , × Borrar OK", b.words) || b.words == "" || b.cap != "" {
				return
			}
			keys++
			if s := b.Size(); s.Width < padKey || s.Height < padKey || at.X < 0 || at.X+s.Width > room.Width || at.Y+s.Height > room.Height {
				t.Errorf("%s: %q is %v at %v", name, b.words, s, at)
			}
		})
		if keys < 14 {
			t.Errorf("%s: %d keys", name, keys)
		}
	}
}

// located visits what is seen with its place in the window.
func (x *world) located(o fyne.CanvasObject, from fyne.Position, visit func(fyne.CanvasObject, fyne.Position)) {
	if o == nil || !o.Visible() {
		return
	}
	at := from.Add(o.Position())
	visit(o, at)
	for _, c := range children(o) {
		x.located(c, at, visit)
	}
}
