package ui

import "fyne.io/fyne/v2"

// dialog is a card over everything else that wants an answer. One at a time; Escape always leaves it without effect.
type dialog interface {
	object() fyne.CanvasObject
	render()
	field() *field // the one that has the typing; nil: none
	keys() []binding
	enter()
	edited()
	move(key fyne.KeyName) bool
}

func (w *Window) openDialog(d dialog) {
	w.dialog = d
	w.frame.scrim.Objects = []fyne.CanvasObject{newPanelSquare(w.l, backdrop(d)), newDock(w, d)}
	w.frame.scrim.Show()
	w.frame.scrim.Refresh()
	w.settle(nil)
}

// backdrop is what lies behind a dialogue: a locked till shows nothing of the sale.
func backdrop(d dialog) fyne.ThemeColorName {
	if p, ok := d.(*pinDialog); ok && p.locks {
		return ground
	}
	return scrim
}

// closeDialog comes back to the screen below; codes that waited are taken by the settling.
func (w *Window) closeDialog() {
	w.dropDialog()
	w.settle(nil)
}

func (w *Window) dropDialog() {
	w.dialog = nil
	w.frame.scrim.Objects = nil
	w.frame.scrim.Hide()
}

func dialogCard(l *look, width float32, content fyne.CanvasObject) fyne.CanvasObject {
	p := newPanel(l, card, pad(l.px(28), l.px(24), content)).edge(hairline, 1) // in high contrast all that tells where it ends
	p.radius = 14
	return centre(fyne.NewSize(l.px(width), 0), p)
}

// confirmDialog asks before something is lost.
type confirmDialog struct {
	w    *Window
	card fyne.CanvasObject
	do   func() error
}

func newConfirmDialog(w *Window, question, detail, yes string, do func() error) *confirmDialog {
	l := w.l
	d := &confirmDialog{w: w, do: do}
	d.card = dialogCard(l, 520, col(l.px(16),
		as(newText(l, 24, ink, cut).strong().say(question)),
		as(newText(l, 17, ink, wrap).upTo(3).say(detail)),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, danger, yes, "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

func (d *confirmDialog) object() fyne.CanvasObject { return d.card }
func (d *confirmDialog) render()                   {}
func (d *confirmDialog) field() *field             { return nil }
func (d *confirmDialog) keys() []binding           { return nil }
func (d *confirmDialog) edited()                   {}
func (d *confirmDialog) move(fyne.KeyName) bool    { return false }

func (d *confirmDialog) enter() {
	d.w.dropDialog()
	d.w.guarded(d.do)
}

// helpDialog lists the keys of a screen.
type helpDialog struct {
	w    *Window
	card fyne.CanvasObject
}

func newHelpDialog(w *Window, keys []binding) *helpDialog {
	l := w.l
	var lines []item
	for _, k := range append(w.bound(w.place(), keys), w.bound(everywhere, w.everyKeys())...) {
		keycap := row(0, grow(spacer()), as(newKeycap(l, k.keycap)))
		lines = append(lines, fixed(l.px(30), row(l.px(12), fixed(l.px(80), middle(keycap)), grow(newText(l, 14, ink, cut).say(k.help)))))
	}
	half, width := len(lines), float32(640)
	if len(lines) > mostInAColumn {
		half, width = (len(lines)+1)/2, 1000
	}
	columns := []item{grow(col(0, lines[:half]...))}
	if half < len(lines) {
		columns = append(columns, grow(col(0, lines[half:]...)))
	}
	return &helpDialog{w, dialogCard(l, width, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Teclas de esta pantalla")),
		as(row(l.px(16), columns...)),
		as(newText(l, 14, muted, cut).say("Sin teclas F: Alt+1 es F1, Alt+2 es F2 … Alt+0 es F10.")),
		fixed(l.px(56), newButton(l, primary, "Entendido", "Esc", w.closeDialog))))}
}

// mostInAColumn is how many keys the help lists one under another: more would not fit the smallest window.
const mostInAColumn = 12

func (d *helpDialog) object() fyne.CanvasObject { return d.card }
func (d *helpDialog) render()                   {}
func (d *helpDialog) field() *field             { return nil }
func (d *helpDialog) edited()                   {}
func (d *helpDialog) move(fyne.KeyName) bool    { return false }
func (d *helpDialog) enter()                    { d.w.closeDialog() }
func (d *helpDialog) keys() []binding {
	return []binding{{key: fyne.KeyF1, do: d.w.closeDialog}, {key: fyne.KeyF11, do: d.w.closeDialog}}
}
