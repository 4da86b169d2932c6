package ui

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/money"
	"mostrador/sale"
)

// mostUnknown is how many codes that do not exist are kept in sight.
const mostUnknown = 5

// unknown are the codes of this sale that no product has, newest first. They stay over the ticket until somebody does
// something about them: who scans looks at the goods, and what was not added would otherwise leave the shop unpaid.
type unknown struct {
	codes  []string
	sale   sale.ID
	marked bool // the arrows are up here and not in the cart
	at     int  // the one with the buttons
	sought string
}

func (u *unknown) add(code string, id sale.ID) {
	u.drop(code)
	u.codes = slices.Insert(u.codes, 0, code)
	u.codes = u.codes[:min(len(u.codes), mostUnknown)]
	u.sale, u.marked, u.at = id, true, 0
}

// drop takes a code out: it was dismissed, created, or found by its name.
func (u *unknown) drop(code string) {
	u.codes = slices.DeleteFunc(u.codes, func(c string) bool { return c == code })
	u.at = max(0, min(u.at, len(u.codes)-1))
	u.marked = u.marked && len(u.codes) > 0
}

// code is the one that the keys act on; "" if there is none.
func (u *unknown) code() string {
	if len(u.codes) == 0 {
		return ""
	}
	return u.codes[u.at]
}

// move takes an arrow: down from the last one is the cart, up from the first line of the cart is the last one.
func (u *unknown) move(step, line int) bool {
	switch {
	case len(u.codes) == 0:
		return false
	case !u.marked && step < 0 && line <= 0:
		u.marked, u.at = true, len(u.codes)-1
	case !u.marked:
		return false
	case step > 0 && u.at == len(u.codes)-1:
		u.marked = false
	default:
		u.at = max(0, min(u.at+step, len(u.codes)-1))
	}
	return true
}

// leaveUnknown ends the red rows with their sale, and says so once: the last moment to notice what was not sold.
func (w *Window) leaveUnknown() {
	u := &w.unknown
	if len(u.codes) == 0 || w.s.Stage != sale.Done && w.s.Cart.ID == u.sale {
		return
	}
	words := "1 código no se vendió"
	if len(u.codes) > 1 {
		words = fmt.Sprintf("%d códigos no se vendieron", len(u.codes))
	}
	w.frame.result.last = outcome{state{theme.IconNameWarning, warn, words}, clip(strings.Join(u.codes, ", "), 60), warnSoft}
	w.unknown = unknown{}
}

// unknownRows draws them: the marked one with what can be done about it, the others in a line each.
type unknownRows struct {
	w      *Window
	object *fyne.Container
	rows   [mostUnknown]*unknownRow
}

type unknownRow struct {
	panel      *panel
	words      *text
	make, seek *button
	shut       *button
	tools      fyne.CanvasObject
}

// Heights of a row with its buttons, and of one without.
const unknownTall, unknownLow = 68, 34

func newUnknownRows(s *sellScreen) *unknownRows {
	u := &unknownRows{w: s.w, object: &fyne.Container{}}
	u.object.Layout = unknownLayout{u}
	for i := range u.rows {
		u.rows[i] = u.newRow(s, i)
		u.object.Add(u.rows[i].panel)
	}
	return u
}

func (u *unknownRows) newRow(s *sellScreen, i int) *unknownRow {
	w, l := u.w, u.w.l
	mark := func() {
		w.unknown.marked, w.unknown.at = true, i
		w.settle(nil)
	}
	r := &unknownRow{words: newText(l, 16, bad, cut).strong()}
	r.make = newButton(l, plain, "Crear", w.cap(selling, fyne.KeyInsert), s.create).bigger(16, fyne.NewSize(100, 56))
	r.seek = newButton(l, plain, "Buscar", w.cap(selling, seekUsual), s.seekUnknown).bigger(16, fyne.NewSize(100, 56))
	r.shut = newButton(l, quiet, "", w.cap(selling, fyne.KeyDelete), s.dismiss).bigger(14, fyne.NewSize(56, 56))
	r.tools = row(l.px(8), as(r.make), as(r.seek), as(r.shut))
	r.panel = newPanel(l, badSoft, pad(l.px(16), 0, row(l.px(8),
		as(middle(newIcon(l, theme.IconNameError, bad, 20).Image)), grow(r.words), as(middle(r.tools)))))
	r.panel.onTap = mark
	return r
}

func (u *unknownRows) render() {
	un := &u.w.unknown
	setVisible(u.object, len(un.codes) > 0)
	for i, r := range u.rows {
		there := i < len(un.codes)
		setVisible(r.panel, there)
		if !there {
			continue
		}
		r.words.say(clip(un.codes[i], 60) + " no existe")
		setVisible(r.tools, i == un.at)
		edge := badSoft
		if un.marked && i == un.at {
			edge = bad
		}
		r.panel.edge(edge, 2)
	}
	u.object.Refresh()
}

// unknownLayout gives the marked row the height of its buttons.
type unknownLayout struct{ u *unknownRows }

func (f unknownLayout) height(i int) float32 {
	if i == f.u.w.unknown.at {
		return f.u.w.l.px(unknownTall)
	}
	return f.u.w.l.px(unknownLow)
}

// Layout implements fyne.Layout.
func (f unknownLayout) Layout(rows []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for i, r := range rows {
		if r.Visible() {
			r.Move(fyne.NewPos(0, y))
			r.Resize(fyne.NewSize(size.Width, f.height(i)))
			y += f.height(i) + f.u.w.l.px(2)
		}
	}
}

// MinSize implements fyne.Layout.
func (f unknownLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	y := float32(0)
	for i := range f.u.w.unknown.codes {
		y += f.height(i) + f.u.w.l.px(2)
	}
	return fyne.NewSize(0, y)
}

// dismiss takes the marked code out of sight.
func (s *sellScreen) dismiss() {
	s.w.unknown.drop(s.w.unknown.code())
	s.w.frame.result.none()
	s.w.settle(nil)
}

// answered takes out the code that a search began with, once the search has its product.
func (s *sellScreen) answered() {
	if u := &s.w.unknown; u.sought != "" {
		u.drop(u.sought)
	}
}

// seekUnknown looks for the marked code among names and codes; the product that is taken then answers it.
func (s *sellScreen) seekUnknown() {
	code := s.w.unknown.code()
	if code == "" {
		s.w.settle(nil)
		return
	}
	s.clear()
	s.searching = true
	s.w.unknown.sought = code
	s.w.sink.write(code)
	s.w.settle(nil)
}

// create makes the product of the marked code, with the customer waiting: what a sale needs of it and no more.
func (s *sellScreen) create() {
	w, code := s.w, s.w.unknown.code()
	if code == "" {
		w.settle(nil)
		return
	}
	w.openDialog(newFormDialog(w, "Crear "+clip(code, 30), "Queda en los productos de esta caja y se agrega a la venta.", "Crear y agregar", []formField{
		{"Nombre", "", "Como en la boleta"}, {"Precio, con IVA", "", "1990"}, {"Unidad", "", "Nada, o kg"}, {"Exento de IVA", "no", "sí o no"},
	}, func(x []string) (string, error) {
		p, err := productOf(code, x)
		if err != nil {
			return "", err
		}
		line, err := w.counter.Create(p)
		if err != nil {
			return "", err
		}
		w.unknown.drop(code)
		w.tellScan(code, line, nil)
		return fmt.Sprintf("%s quedó creado y agregado, a $%s.", p.Nombre, p.Prc), nil
	}))
}

// productOf is what was written about a new product.
func productOf(code string, x []string) (sale.Product, error) {
	p := sale.Product{Codigo: code, Nombre: x[0], Unidad: x[2]}
	var err error
	if p.Prc, err = money.ParsePrice(strings.TrimPrefix(x[1], "$")); err != nil {
		return p, err
	}
	p.Exento, err = yes(x[3])
	return p, err
}

// yes reads an answer of yes or no; none is no.
func yes(answer string) (bool, error) {
	switch strings.ToLower(answer) {
	case "sí", "si", "s":
		return true, nil
	case "no", "n", "":
		return false, nil
	}
	return false, fmt.Errorf("se responde sí o no, no «%s». No se cambió nada", answer)
}
