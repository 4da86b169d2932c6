package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
)

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
	w.frame.scrim.Objects = []fyne.CanvasObject{newPanelSquare(w.l, scrim), d.object()}
	w.frame.scrim.Show()
	w.frame.scrim.Refresh()
	w.settle(nil)
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
	p := newPanel(l, card, pad(l.px(28), l.px(24), content))
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
	d.w.settle(d.do())
}

// helpDialog lists the keys of a screen.
type helpDialog struct {
	w    *Window
	card fyne.CanvasObject
}

func newHelpDialog(w *Window, keys []binding) *helpDialog {
	l := w.l
	items := []item{as(newText(l, 24, ink, cut).strong().say("Teclas de esta pantalla"))}
	for _, k := range w.bound(w.place(), keys) {
		keycap := row(0, grow(spacer()), as(newKeycap(l, k.keycap)))
		items = append(items, fixed(l.px(26), row(l.px(16), fixed(l.px(92), middle(keycap)), grow(newText(l, 16, ink, cut).say(k.help)))))
	}
	items = append(items, as(newText(l, 14, muted, cut).say("Sin teclas F: Alt+1 es F1, Alt+2 es F2 … Alt+0 es F10.")),
		fixed(l.px(56), newButton(l, primary, "Entendido", "Esc", w.closeDialog)))
	return &helpDialog{w, dialogCard(l, 640, col(l.px(4), items...))}
}

func (d *helpDialog) object() fyne.CanvasObject { return d.card }
func (d *helpDialog) render()                   {}
func (d *helpDialog) field() *field             { return nil }
func (d *helpDialog) edited()                   {}
func (d *helpDialog) move(fyne.KeyName) bool    { return false }
func (d *helpDialog) enter()                    { d.w.closeDialog() }
func (d *helpDialog) keys() []binding {
	return []binding{{key: fyne.KeyF1, do: d.w.closeDialog}, {key: fyne.KeyF11, do: d.w.closeDialog}}
}

// customerDialog sets the buyer and the document.
type customerDialog struct {
	w               *Window
	card            fyne.CanvasObject
	fields          []*field // in the order of the labels
	at              int
	boleta, factura *button
	isFactura       bool
	check           *text
	checkIcon       *icon
	problem         *text
}

// The fields of a buyer, in their order on the screen.
const (
	rutField = iota
	nameField
	giroField
	addressField
	comunaField
)

// customerFields are the labels, how a missing one is named, and the most characters that a document carries (Formato
// DTE v2.5, Receptor).
var customerFields = [...]struct {
	label, missing string
	limit          int
}{
	{"RUT", "el RUT", 12},
	{"Razón social o nombre", "la razón social", 100},
	{"Giro", "el giro", 40},
	{"Dirección", "la dirección", 70},
	{"Comuna", "la comuna", 20},
}

func newCustomerDialog(w *Window) *customerDialog {
	l := w.l
	d := &customerDialog{w: w, check: newText(l, 15, muted, cut), checkIcon: newIcon(l, "", muted, 18), problem: newText(l, 16, bad, wrap).upTo(2).strong()}
	s := w.s
	d.isFactura = s.Tipo != 0 && !s.Tipo.EsBoleta()
	d.boleta = newButton(l, plain, "Boleta", w.cap(customerPlace, fyne.KeyF2), func() { d.document(false) }).bigger(18, fyne.NewSize(120, 56))
	d.factura = newButton(l, plain, "Factura", w.cap(customerPlace, fyne.KeyF3), func() { d.document(true) }).bigger(18, fyne.NewSize(120, 56))
	rec := s.Cart.Receptor
	number := rec.RUT.Dotted()
	if rec.RUT == dte.RUTAnonimo {
		number = ""
	}
	for i, text := range []string{number, rec.RznSoc, rec.Giro, rec.Direccion, rec.Comuna} {
		f := newField(w, "")
		f.limit, f.onFocus = customerFields[i].limit, func() { d.at = i } // a finger may choose it too
		f.write(text)
		d.fields = append(d.fields, f)
	}
	d.card = d.build()
	d.edited()
	return d
}

func (d *customerDialog) build() fyne.CanvasObject {
	l, w := d.w.l, d.w
	boxed := func(i int) fyne.CanvasObject {
		return col(l.px(4), as(label(l, customerFields[i].label)), fixed(l.px(48), d.fields[i].framed(18, nil)))
	}
	rutCheck := col(l.px(4), as(label(l, "")), fixed(l.px(48), row(l.px(8), as(middle(d.checkIcon.Image)), grow(d.check))))
	return dialogCard(l, 760, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Cliente y documento")),
		fixed(l.px(56), row(l.px(8), grow(d.boleta), grow(d.factura))),
		as(row(l.px(16), grow(boxed(rutField)), grow(rutCheck))),
		as(boxed(nameField)), as(boxed(giroField)),
		as(row(l.px(16), share(2, boxed(addressField)), share(1, boxed(comunaField)))),
		fixed(l.px(44), d.problem),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(17, fyne.NewSize(100, 64))),
			grow(newButton(l, plain, "Sin cliente", w.cap(customerPlace, fyne.KeyF4), d.remove).bigger(17, fyne.NewSize(100, 64))),
			share(1.4, newButton(l, primary, "Aceptar", w.cap(customerPlace, fyne.KeyF12), d.accept).bigger(18, fyne.NewSize(120, 64)))))))
}

func (d *customerDialog) object() fyne.CanvasObject { return d.card }
func (d *customerDialog) field() *field             { return d.fields[d.at] }

// render shows the choice of document.
func (d *customerDialog) render() {
	d.boleta.choose(!d.isFactura)
	d.factura.choose(d.isFactura)
}

func (d *customerDialog) document(factura bool) {
	d.isFactura = factura
	d.problem.say("")
	d.w.settle(nil)
}

func (d *customerDialog) keys() []binding {
	return []binding{
		{key: fyne.KeyF2, do: func() { d.document(false) }},
		{key: fyne.KeyF3, do: func() { d.document(true) }},
		{key: fyne.KeyF4, do: d.remove},
		{key: fyne.KeyF12, do: d.accept},
	}
}

// edited checks the RUT while it is typed.
func (d *customerDialog) edited() {
	d.problem.say("")
	text := strings.TrimSpace(d.fields[rutField].Text)
	rut, err := dte.ParseRUT(text)
	switch {
	case text == "":
		d.tellRUT(state{"", muted, "Con dígito verificador: 76.543.210-3"})
	case err == nil:
		d.tellRUT(state{theme.IconNameConfirm, good, rut.Dotted() + " es correcto"})
	case len(strings.NewReplacer(".", "", "-", "").Replace(text)) < 8:
		d.tellRUT(state{"", muted, "Siga escribiendo…"})
	default:
		d.tellRUT(state{theme.IconNameError, bad, "El dígito verificador no corresponde"})
	}
}

func (d *customerDialog) tellRUT(s state) {
	d.checkIcon.show(s.icon, s.colour)
	d.check.sayIn(s.words, s.colour)
}

// move goes to the next or the previous field.
func (d *customerDialog) move(key fyne.KeyName) bool {
	step := map[fyne.KeyName]int{fyne.KeyDown: 1, fyne.KeyUp: -1}[key]
	if step == 0 {
		return false
	}
	d.goTo((d.at + step + len(d.fields)) % len(d.fields))
	return true
}

func (d *customerDialog) goTo(i int) {
	d.at = i
	d.w.refocus()
}

// enter goes on to the next field, and from the last one accepts.
func (d *customerDialog) enter() {
	if d.at < len(d.fields)-1 {
		d.goTo(d.at + 1)
		return
	}
	d.accept()
}

func (d *customerDialog) text(i int) string { return strings.TrimSpace(d.fields[i].Text) }

// accept gives buyer and document to the Counter. What it refuses is told in the dialogue, where it can be mended.
func (d *customerDialog) accept() {
	rec := dte.Receptor{
		RznSoc: d.text(nameField), Giro: d.text(giroField), Direccion: d.text(addressField), Comuna: d.text(comunaField),
	}
	if text := d.text(rutField); text != "" {
		var err error
		if rec.RUT, err = dte.ParseRUT(text); err != nil {
			d.refuse(rutField, err.Error())
			return
		}
	}
	if d.isFactura {
		for i := range d.fields {
			if d.text(i) == "" {
				d.refuse(i, fmt.Sprintf("Falta %s: una factura lo necesita.", customerFields[i].missing))
				return
			}
		}
	}
	d.set(rec)
}

// set begins with the half that leaves a factura no moment without its buyer.
func (d *customerDialog) set(rec dte.Receptor) {
	counter := d.w.counter
	first, second := func() error { return counter.SetTipo(0) }, func() error { return counter.SetReceptor(rec) }
	if d.isFactura {
		first, second = second, func() error { return counter.SetTipo(dte.Factura) }
	}
	err := first()
	if err == nil {
		err = second()
	}
	if err != nil {
		d.refuse(d.at, err.Error())
		return
	}
	d.w.closeDialog()
}

func (d *customerDialog) refuse(i int, why string) {
	d.goTo(i)
	d.problem.say(why)
}

// remove makes it a boleta without a buyer.
func (d *customerDialog) remove() {
	d.isFactura = false
	d.set(dte.Receptor{})
}
