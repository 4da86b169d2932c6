package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
)

// diagnosisDialog tells how long things take and what the program occupies, for whoever helps the shop; the text can be
// copied and sent.
type diagnosisDialog struct {
	w    *Window
	card fyne.CanvasObject
	list *table
	copy *button
	at   int
	rows []Fact
}

func newDiagnosisDialog(w *Window) *diagnosisDialog {
	l := w.l
	d := &diagnosisDialog{w: w, rows: w.Diagnosis()}
	d.list = newTable(l, []column{{"", 300, fyne.TextAlignLeading}, {"", 0, fyne.TextAlignLeading}}, func(i int) { d.at = i; d.render() })
	d.list.bare, d.list.textSize, d.list.rowSize = true, 15, 36
	d.copy = newButton(l, plain, "Copiar", "Enter", d.enter).bigger(18, fyne.NewSize(120, 64))
	d.render()
	d.card = dialogCard(l, 1040, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Diagnóstico")),
		as(newText(l, 16, muted, cut).say("Desde que se abrió la caja, o lo último. Cópielo y mándelo a quien le ayuda: no lleva ventas ni claves.")),
		fixed(l.px(36*float32(min(len(d.rows), 11))), d.list),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))), grow(d.copy)))))
	return d
}

func (d *diagnosisDialog) object() fyne.CanvasObject { return d.card }
func (d *diagnosisDialog) field() *field             { return nil }
func (d *diagnosisDialog) keys() []binding           { return nil }
func (d *diagnosisDialog) edited()                   {}

// enter copies all of it.
func (d *diagnosisDialog) enter() {
	d.w.app.Clipboard().SetContent(Text(d.rows))
	d.copy.set(fmt.Sprintf("Copiado: %d líneas", len(d.rows)), "Enter", true)
}

func (d *diagnosisDialog) render() {
	d.list.fill(len(d.rows), d.at, func(i int) []cell {
		return []cell{{words: d.rows[i].Name, bold: true}, {words: d.rows[i].Value}}
	})
}

func (d *diagnosisDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at = max(0, min(d.at+step, len(d.rows)-1))
		d.render()
	}
	return ok
}

// Diagnosis is what the probe and the machine tell.
func (w *Window) Diagnosis() []Fact { return append(w.probe.facts(), w.machine()...) }
