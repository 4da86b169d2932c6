package ui

import (
	"unicode/utf8"

	"fyne.io/fyne/v2"
)

// The keypad on the screen types where the typing is: into the field of the dialogue, or else the one at the top. It is a
// finger, never a scanner, however quickly it taps.

// padTyped is a figure, comma or star from the keypad.
func (w *Window) padTyped(r rune) {
	w.padTapped()
	if d, ok := w.dialog.(typist); ok && w.dialog.field() == nil {
		d.typed([]rune{r})
		return
	}
	if f := w.focused(); utf8.RuneCountInString(f.Text) < f.limit {
		f.Entry.TypedRune(r)
	}
	w.refocus()
}

func (w *Window) padErased() {
	w.padTapped()
	w.focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
	w.refocus()
}

func (w *Window) padEntered() {
	w.padTapped()
	w.ended(w.focused(), fyne.KeyReturn)
}

// padTapped ends what a scanner may have begun: what follows is the cashier's.
func (w *Window) padTapped() {
	w.typedBefore()
	w.late = false
}

// turnPad shows the keypad or puts it away.
func (w *Window) turnPad() {
	w.padUp = !w.padUp
	w.render()
	w.frame.scrim.Refresh()
	w.refocus()
}

// padHere reports a screen with room for the keypad; dialogues have it at the bottom of the window.
func (w *Window) padHere() bool {
	switch w.place() {
	case selling, paying, shiftPlace:
		return true
	}
	return false
}

// padSwitch is the button that turns it.
func (w *Window) padSwitch() *button {
	return newButton(w.l, plain, padWords, "", w.turnPad).bigger(17, fyne.NewSize(padKey, padKey))
}

const padWords = "123"

// Sizes of the keypad: the least that a finger hits without looking twice, and what lies between two keys.
const padKey, padGap = 56, 8

// keypad has four rows where there is height for them, otherwise two.
type keypad struct {
	*fyne.Container
	w    *Window
	keys []*button
	star *button
}

func newKeypad(w *Window) *keypad {
	p := &keypad{w: w}
	key := func(words string, do func()) *button {
		b := newButton(w.l, plain, words, "", do).bigger(22, fyne.NewSize(padKey, padKey))
		p.keys = append(p.keys, b)
		return b
	}
	for _, r := range "1234567890" {
		key(string(r), func() { w.padTyped(r) })
	}
	p.star = key("×", func() { w.padTyped('*') })
	key(",", func() { w.padTyped(',') })
	key("Borrar", w.padErased).bigger(15, fyne.NewSize(padKey, padKey))
	key("OK", w.padEntered).weight = primary
	p.Container = &fyne.Container{Layout: keypadLayout{w.l}}
	for _, b := range p.keys {
		p.Add(b)
	}
	return p
}

// render offers the star only where a quantity stands before a code.
func (p *keypad) render() {
	p.star.set(p.star.words, "", p.w.dialog == nil && p.w.place() == selling)
}

type keypadLayout struct{ l *look }

// spot is where a key stands: column, row, and how many columns it takes.
type spot struct{ x, y, wide int }

// The keys in the order of newKeypad: 1 to 9, 0, ×, comma, erase, OK.
var (
	tallPad = []spot{
		{0, 2, 1},
		{1, 2, 1},
		{2, 2, 1},
		{0, 1, 1},
		{1, 1, 1},
		{2, 1, 1},
		{0, 0, 1},
		{1, 0, 1},
		{2, 0, 1},
		{0, 3, 2},
		{3, 1, 1},
		{3, 2, 1},
		{3, 0, 1},
		{2, 3, 2},
	}
	flatPad = []spot{
		{0, 0, 1},
		{1, 0, 1},
		{2, 0, 1},
		{3, 0, 1},
		{4, 0, 1},
		{0, 1, 1},
		{1, 1, 1},
		{2, 1, 1},
		{3, 1, 1},
		{4, 1, 1},
		{5, 0, 1},
		{5, 1, 1},
		{6, 0, 1},
		{6, 1, 1},
	}
)

// shape is the arrangement for a room, in so many columns and rows.
func (p keypadLayout) shape(room fyne.Size) (spots []spot, across, down int) {
	if room.Height >= p.l.px(4*padKey+3*padGap) {
		return tallPad, 4, 4
	}
	return flatPad, 7, 2
}

// Layout implements fyne.Layout.
func (p keypadLayout) Layout(keys []fyne.CanvasObject, room fyne.Size) {
	spots, across, down := p.shape(room)
	gap := p.l.px(padGap)
	width, height := (room.Width+gap)/float32(across), (room.Height+gap)/float32(down)
	for i, k := range keys {
		at := spots[i]
		k.Move(fyne.NewPos(float32(at.x)*width, float32(at.y)*height))
		k.Resize(fyne.NewSize(float32(at.wide)*width-gap, height-gap))
	}
}

// MinSize implements fyne.Layout.
func (p keypadLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(p.l.px(7*padKey+6*padGap), p.l.px(2*padKey+padGap))
}

// dock lays a dialogue out with the keypad below it, and in the corner the button that turns it. The dialogue moves up only
// as far as it must; where both do not fit, or nothing is typed, there is no keypad.
type dock struct {
	w           *Window
	d           dialog
	keys        *keypad
	strip, turn fyne.CanvasObject
}

func newDock(w *Window, d dialog) *fyne.Container {
	l := w.l
	k := &dock{w: w, d: d, keys: newKeypad(w), turn: w.padSwitch()}
	k.strip = newPanelSquare(l, ground)
	return &fyne.Container{Layout: k, Objects: []fyne.CanvasObject{d.object(), k.strip, k.keys.Container, k.turn}}
}

// Layout implements fyne.Layout.
func (k *dock) Layout(objects []fyne.CanvasObject, room fyne.Size) {
	l := k.w.l
	gap, card := l.px(padGap), objects[0]
	low := l.px(2*padKey+padGap) + 2*gap
	fits := k.d.field() != nil && card.MinSize().Height+low <= room.Height
	up := fits && k.w.padUp
	setVisible(k.turn, fits)
	setVisible(k.strip, up)
	setVisible(k.keys.Container, up)
	k.keys.render()
	turner := l.px(padKey)
	k.turn.Resize(fyne.NewSquareSize(turner))
	k.turn.Move(fyne.NewPos(room.Width-turner-gap, room.Height-turner-gap))
	k.strip.Resize(fyne.NewSize(room.Width, low))
	k.strip.Move(fyne.NewPos(0, room.Height-low))
	k.keys.Resize(fyne.NewSize(room.Width-turner-3*gap, low-2*gap))
	k.keys.Move(fyne.NewPos(gap, room.Height-low+gap))
	card.Resize(room)
	card.Move(fyne.NewPos(0, 0))
	if over := (room.Height+card.MinSize().Height)/2 - (room.Height - low); up && over > 0 {
		card.Move(fyne.NewPos(0, -over))
	}
}

// MinSize implements fyne.Layout.
func (k *dock) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[0].MinSize() }
