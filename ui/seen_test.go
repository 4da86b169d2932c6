package ui

import (
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
)

// saysWhatIsDrawn fails for a word that the window says of itself and that is not drawn, and for one that it leaves out.
func saysWhatIsDrawn(t *testing.T, x *world) {
	t.Helper()
	root := x.w.Fyne().Content()
	if x.w.dialog != nil {
		root = x.w.dialog.object()
	}
	drawn := map[string]bool{}
	seen(root, func(o fyne.CanvasObject) {
		switch o := o.(type) {
		case *text:
			drawn[o.words] = true
		case *field:
			drawn[o.told()] = true
		}
	})
	told := x.w.Seen().Words
	for _, words := range told {
		if !drawn[words] {
			t.Errorf("it says %q, which is not drawn", words)
		}
	}
	for words := range drawn {
		if words != "" && !slices.Contains(told, words) {
			t.Errorf("it does not say %q", words)
		}
	}
}

// What is typed as a PIN is told by its length only: these words go into files.
func TestASecretIsNotTold(t *testing.T) {
	x := newWorld(t)
	x.crew()
	x.press(f10)
	x.finger("1111")
	s := x.w.Seen()
	if s.Typed != "••••" || !slices.Contains(s.Words, "••••") || slices.Contains(s.Words, "1111") {
		t.Errorf("it tells %+v", s)
	}
}

// Who watches is told of each change once, of the dialogue and not of what lies under it, and of nothing when nothing changed.
func TestWatchTellsOfChanges(t *testing.T) {
	x := newWorld(t)
	var all []Seen
	x.w.Watch(50*time.Millisecond, func(s Seen) { all = append(all, s) })
	x.pass(time.Second)
	if len(all) != 1 || all[0].Place != "selling" || all[0].Dialog {
		t.Fatalf("at the start: %+v", all)
	}
	x.scan("7801234567894")
	x.pass(time.Second)
	if last := all[len(all)-1]; len(all) != 2 || !slices.Contains(last.Words, "Leche entera 1 L") {
		t.Fatalf("after a scan: %d told, %q", len(all), last.Words)
	}
	x.press(fyne.KeyF5)
	x.finger("ana")
	x.pass(time.Second)
	last := all[len(all)-1]
	if !last.Dialog || last.Typed != "ana" || slices.Contains(last.Words, "Leche entera 1 L") {
		t.Errorf("in a dialogue: %+v", last)
	}
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	x.pass(time.Second)
	if last := all[len(all)-1]; last.Size != "1024x768" {
		t.Errorf("after another size: %+v", last)
	}
}
