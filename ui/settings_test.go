package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
)

// choose goes through menus by their words, as an arrow and Enter would.
func (x *world) choose(words ...string) {
	x.t.Helper()
	for _, word := range words {
		d, ok := x.w.dialog.(*chooseDialog)
		if drawer, is := x.w.dialog.(*drawerDialog); is {
			d, ok = drawer.chooseDialog, true
		}
		if !ok {
			x.t.Fatalf("no list is open to choose %q from, but %T", word, x.w.dialog)
		}
		i := slices.IndexFunc(d.choices, func(c choice) bool { return c.words == word })
		if i < 0 {
			x.t.Fatalf("there is no %q to choose: %v", word, d.choices)
		}
		for d.at != i {
			x.press(fyne.KeyDown)
		}
		x.press(enter)
	}
}

func (x *world) lastKept() Settings {
	x.t.Helper()
	if len(x.kept) == 0 {
		x.t.Fatal("nothing was kept")
	}
	return x.kept[len(x.kept)-1]
}

// The look changes in the middle of a sale and nothing of the sale is lost; the next start finds it.
func TestTheLookIsChangedDuringASale(t *testing.T) {
	x := newWorld(t)
	fill(x, 3)
	x.w.Fyne().Resize(fyne.NewSize(3840, 2160))
	x.press(f11)
	x.choose("Ajustes", "Colores", "Alto contraste", "Tamaño", "200 %")
	if look := x.lastKept().Look; look != (Look{Tone: Contraste, Percent: 200}) {
		t.Errorf("kept %+v", look)
	}
	if x.w.l.tone != Contraste || x.w.l.percent != 200 {
		t.Errorf("the window is drawn in %s at %d %%", x.w.l.tone, x.w.l.percent)
	}
	x.press(esc)
	x.sees("Leche entera 1 L", "COBRAR")
	x.typingIsAt(x.w.sink)
	x.scan(leche)
	if n := len(x.lines()); n != 5 {
		t.Errorf("%d lines after another scan", n)
	}
	if at := x.w.win.Canvas().Content().(*fyne.Container).Objects[0]; at != x.w.frame.root {
		t.Error("the window still shows the old drawing")
	}
}

// What does not fit is not offered: a screen that is too large has no way back.
func TestOnlySizesThatFitAreOffered(t *testing.T) {
	x := newWorld(t)
	for _, c := range []struct {
		room      fyne.Size
		has, lack string
	}{
		{fyne.NewSize(1024, 768), "100 %", "110 %"},
		{fyne.NewSize(1920, 1080), "125 %", "150 %"},
		{fyne.NewSize(3840, 2160), "200 %", "250 %"},
	} {
		x.w.Fyne().Resize(c.room)
		x.w.chooseScale()
		if words := x.words(); !slices.Contains(lines(words), c.has) && !slices.Contains(lines(words), c.has+" ✓") || slices.Contains(lines(words), c.lack) {
			t.Errorf("at %v the sizes are:\n%s", c.room, words)
		}
	}
}

func TestTonesTellHowAScanEnded(t *testing.T) {
	x := newWorld(t)
	hears := func(want ...Beep) {
		t.Helper()
		if !slices.Equal(x.ears.heard, want) {
			t.Errorf("heard %v, want %v", x.ears.heard, want)
		}
		x.ears.heard = nil
	}
	x.scan(leche)
	hears(BeepAdded)
	x.scan("7800000000019")
	hears(BeepFailed)
	x.enter("300")
	hears(BeepAdded)
	x.press(f4)
	x.scan(leche)
	hears(BeepWaiting)
	x.press(esc)
	hears(BeepAdded)
	x.press(f12)
	x.scan(leche)
	hears(BeepWaiting)
	if x.ears.volume != DefaultSettings().Volume {
		t.Errorf("volume %d", x.ears.volume)
	}
}

func TestVolumeIsChosenByEarAndKept(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Ajustes", "Sonido", "Bajo")
	if x.lastKept().Volume != 25 || x.ears.volume != 25 || len(x.ears.heard) != 1 {
		t.Errorf("kept %d, heard %v at %d", x.lastKept().Volume, x.ears.heard, x.ears.volume)
	}
	x.ears.problem = "no hay parlante"
	x.choose("Sonido")
	x.sees("No se oye: no hay parlante.")
}

func TestFoldedQuickProductsAreKept(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Productos rápidos")
	if !x.lastKept().Folded {
		t.Error("not kept")
	}
	x.press(f11)
	x.choose("Ajustes", "Productos rápidos")
	if x.lastKept().Folded {
		t.Error("the setting does not bring them back")
	}
}

// A disk that is full: the choice is not used today and forgotten tomorrow.
func TestASettingThatCannotBeKeptChangesNothing(t *testing.T) {
	x := newWorld(t)
	x.noKeep = errors.New("el disco está lleno")
	x.press(f11)
	x.choose("Ajustes", "Colores", "Oscuros")
	x.sees("El ajuste no se guardó y todo sigue como estaba: el disco está lleno")
	if x.w.l.tone == Oscuro {
		t.Error("it is used all the same")
	}
}

func lines(words string) []string { return strings.Split(words, "\n") }

// The menu has more rows than figures: from the first one, the arrow up goes to the last.
func TestTheLastOfALongListIsNear(t *testing.T) {
	x := newWorld(t)
	x.press(f11, fyne.KeyUp, enter)
	x.sees("Diagnóstico", "Pintar la ventana")
	x.press(esc, f11, fyne.KeyUp, fyne.KeyDown, enter)
	x.sees("Diagnóstico", "Pintar la ventana")
	x.press(esc, f11)
	x.finger("0")
	x.pass(time.Second)
	x.sees("Ajustes de esta caja")
}
