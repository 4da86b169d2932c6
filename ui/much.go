package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/money"
)

// A quantity that fingers typed above a limit is asked about before it counts: "1500" is one slip away from "15.00", and a
// code read behind a forgotten star away from anything. Whatever came by the keyboard counts as typed: a busy machine does not see
// whose star it was. What a scale or a serial scanner says is never asked about.

// Much are the quantities from which on a till asks; zero is the usual one.
type Much struct {
	Units int `json:"unidades,omitempty"`
	Kilos int `json:"kilos,omitempty"` // and of all else that is sold by measure
}

// The usual ones.
const usualUnits, usualKilos = 999, 99

func (m Much) units() int {
	if m.Units == 0 {
		return usualUnits
	}
	return m.Units
}

func (m Much) kilos() int {
	if m.Kilos == 0 {
		return usualKilos
	}
	return m.Kilos
}

// above reports a quantity to ask about.
func (m Much) above(q money.Qty, unit string) bool {
	if unit == "" {
		return q > money.Units(int64(m.units()))
	}
	return q > money.Units(int64(m.kilos()))
}

// sure does something at once, unless its quantity is much: then somebody has to say so. What was typed comes back to the
// field to be corrected.
func (s *sellScreen) sure(q money.Qty, name, unit, typed string, do func()) {
	if !s.w.settings.Much.above(q, unit) {
		do()
		return
	}
	words := q.String()
	if unit != "" {
		words += " " + unit
	}
	s.clear()
	s.w.beep(BeepWaiting)
	s.w.openDialog(newMuchDialog(s.w, words+" × "+name, typed, do))
}

// muchDialog asks about a quantity. Enter, which scanners send, corrects; only a key that no scanner has says yes.
type muchDialog struct {
	w     *Window
	card  fyne.CanvasObject
	typed string
	do    func()
}

func newMuchDialog(w *Window, what, typed string, do func()) *muchDialog {
	l := w.l
	d := &muchDialog{w: w, typed: typed, do: do}
	d.card = dialogCard(l, 620, col(l.px(14),
		as(newText(l, 18, muted, cut).say("¿Está bien la cantidad?")),
		as(newText(l, 28, ink, wrap).upTo(2).strong().say(what)),
		as(newText(l, 16, muted, wrap).upTo(2).say("Es más de lo habitual en esta caja. Todavía no se agregó nada.")),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, primary, "Corregir", "Enter", d.enter).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, plain, "Sí, está bien", w.cap(formPlace, fyne.KeyF12), d.yes).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

func (d *muchDialog) object() fyne.CanvasObject { return d.card }
func (d *muchDialog) render()                   {}
func (d *muchDialog) field() *field             { return nil }
func (d *muchDialog) edited()                   {}
func (d *muchDialog) move(fyne.KeyName) bool    { return false }
func (d *muchDialog) place() place              { return formPlace }
func (d *muchDialog) keys() []binding           { return []binding{{key: fyne.KeyF12, do: d.yes}} }
func (d *muchDialog) leave()                    { d.enter() }

// enter leaves the quantity to be corrected.
func (d *muchDialog) enter() {
	d.w.dropDialog()
	d.w.sink.write(d.typed)
	d.w.settle(nil)
}

func (d *muchDialog) yes() {
	d.w.dropDialog()
	d.do()
}

// typedCode is a code with a quantity before it, which fingers typed; the code may have been scanned.
func (s *sellScreen) typedCode(text string, scan func()) {
	quantity, rest := split(text)
	line, err := s.w.counter.Quote(rest)
	q, qtyErr := money.ParseQty(quantity)
	if err != nil || qtyErr != nil || line.Etiqueta != "" {
		scan() // and be told why not
		return
	}
	s.sure(q, line.Nombre, line.Unidad, text, scan)
}

// takeTyped asks about a code that waited and whose quantity was typed. It reports false for any other.
func (w *Window) takeTyped(code string) bool {
	i := slices.Index(w.byHand, code)
	s, ok := w.screen().(*sellScreen)
	if i < 0 || !ok {
		return false
	}
	w.byHand = slices.Delete(w.byHand, i, i+1)
	s.typedCode(code, func() {
		line, err := w.counter.Scan(code)
		w.tellScan(code, line, err)
		w.settle(nil)
	})
	return true
}

// askMuch is the setting.
func (w *Window) askMuch() {
	m := w.settings.Much
	w.openDialog(newFormDialog(w, "Cantidades que se preguntan", "Al escribir más que esto, la caja pregunta antes de agregar. Lo escaneado y las balanzas no se preguntan.", "Guardar", []formField{
		{"Unidades", strconv.Itoa(m.units()), strconv.Itoa(usualUnits)}, {"Kilos y otras medidas", strconv.Itoa(m.kilos()), strconv.Itoa(usualKilos)},
	}, func(x []string) (string, error) {
		var chosen Much
		for i, to := range []*int{&chosen.Units, &chosen.Kilos} {
			n, err := money.ParsePesos(strings.TrimSpace(x[i]))
			if err != nil || n < 1 || n > 100_000 {
				return "", errMuch(x[i])
			}
			*to = int(n)
		}
		if err := w.change(func(s *Settings) { s.Much = chosen }); err != nil {
			return "", err
		}
		return "Se pregunta desde " + money.Pesos(chosen.Units).String() + " unidades y " + money.Pesos(chosen.Kilos).String() + " kilos.", nil
	}))
}

func errMuch(text string) error {
	return fmt.Errorf("«%s» no sirve: escriba un número entero, de 1 a 100.000. No se cambió nada", text)
}
