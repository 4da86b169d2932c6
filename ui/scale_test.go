package ui

import (
	"testing"

	"fyne.io/fyne/v2"
)

// On a screen as wide as a wall a price still stands near its product, and nothing is written larger than the total.
func TestOnAWideScreenNothingIsFarApart(t *testing.T) {
	for _, c := range []struct {
		percent int
		folded  bool
		most    float32
	}{{100, false, 900}, {100, true, 1220}, {200, false, 1800}} {
		x := newWorldWith(t, false, Look{Percent: c.percent}, products)
		x.w.settings.Folded = c.folded
		fill(x, 5)
		x.w.Fyne().Resize(fyne.NewSize(3840, 2160))
		name, amount := x.columnOf("PRODUCTO"), x.columnOf("TOTAL")
		if far := amount.X - name.X; far > c.most || far < c.most/2 {
			t.Errorf("at %d %%, folded %v: the total of a line is %.0f points from its name", c.percent, c.folded, far)
		}
		total := x.w.frame.total.total
		seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
			if words, ok := o.(*text); ok && words != total && words.size >= total.size {
				t.Errorf("%q is written as large as the total", words.words)
			}
		})
		if far := x.buttonAt("COBRAR").X - name.X; far > 1920*float32(c.percent)/100 {
			t.Errorf("at %d %%, folded %v: the button that takes the money is %.0f points from the ticket", c.percent, c.folded, far)
		}
	}
}

// columnOf is where a title of a table stands on the window.
func (x *world) columnOf(title string) (at fyne.Position) {
	x.t.Helper()
	found := false
	x.located(x.w.Fyne().Content(), fyne.Position{}, func(o fyne.CanvasObject, p fyne.Position) {
		if words, ok := o.(*text); ok && words.words == title && !found {
			at, found = p, true
		}
	})
	if !found {
		x.t.Fatalf("no column %q in sight", title)
	}
	return at
}

// A scale that the screen has no room for gives way, in words, and comes back with the room. The setting stays.
func TestAScaleThatDoesNotFitGivesWay(t *testing.T) {
	x := newWorldWith(t, false, Look{Percent: 200}, products)
	fill(x, 5)
	small := fyne.NewSize(1024, 768)
	for _, c := range []struct {
		room    fyne.Size
		percent int
	}{{small, 100}, {fyne.NewSize(1920, 1080), 125}, {fyne.NewSize(3840, 2160), 200}, {small, 100}} {
		x.w.Fyne().Resize(c.room)
		x.pass(1)
		if x.w.l.percent != c.percent {
			t.Fatalf("at %v it is drawn at %d %%, want %d", c.room, x.w.l.percent, c.percent)
		}
		if m := x.w.frame.root.MinSize(); m.Width > c.room.Width || m.Height > c.room.Height {
			t.Errorf("at %v it asks for %v", c.room, m)
		}
		inside(t, x, c.room)
		if told := x.w.frame.banner.visible(); told != (c.percent < 200) {
			t.Errorf("at %v it is told: %v", c.room, told)
		}
		if c.percent < 200 {
			x.sees(tooLarge(200, c.percent))
		}
	}
	if *screensDir != "" {
		shoot(t, x, "no-cabe-1024.png")
	}
	if x.w.settings.Look.Percent != 200 || len(x.kept) > 0 {
		t.Errorf("the setting became %+v, kept %v", x.w.settings.Look, x.kept)
	}
	x.typingIsAt(x.w.sink)
	x.scan(leche)
	x.sees("Leche entera 1 L", "COBRAR")
}

// What is open when the window becomes small is not torn away.
func TestAScaleWaitsForWhatIsOpen(t *testing.T) {
	x := newWorldWith(t, false, Look{Percent: 200}, products)
	x.press(f11)
	open := x.w.dialog
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	x.pass(1)
	if x.w.dialog != open || x.w.l.percent != 200 {
		t.Fatalf("the menu was torn away: %T, %d %%", x.w.dialog, x.w.l.percent)
	}
	x.press(esc)
	x.pass(1)
	if x.w.l.percent != 100 {
		t.Errorf("it is still drawn at %d %%", x.w.l.percent)
	}
}

// buttonAt is where a button stands on the window.
func (x *world) buttonAt(words string) (at fyne.Position) {
	x.located(x.w.Fyne().Content(), fyne.Position{}, func(o fyne.CanvasObject, p fyne.Position) {
		if b, ok := o.(*button); ok && b.words == words {
			at = p
		}
	})
	return at
}
