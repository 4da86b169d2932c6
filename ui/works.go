package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/sale"
)

// worksDialog tells, per operation, what works now and what does not, and why: nothing is greyed out without a word.
type worksDialog struct {
	w    *Window
	card fyne.CanvasObject
	list *table
	at   int
	rows []sale.Working
}

func newWorksDialog(w *Window) *worksDialog {
	l := w.l
	d := &worksDialog{w: w}
	d.list = newTable(l, []column{{"", 300, fyne.TextAlignLeading}, {"", 0, fyne.TextAlignLeading}}, func(i int) { d.at = i; d.render() })
	d.list.bare, d.list.textSize, d.list.rowSize = true, 16, 40
	d.render()
	d.card = dialogCard(l, 980, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Qué funciona ahora")),
		as(newText(l, 16, muted, cut).say("Vender no necesita internet. Lo que falta se dice con su razón.")),
		fixed(l.px(40*float32(len(d.rows))), d.list),
		fixed(l.px(64), newButton(l, primary, "Entendido", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64)))))
	return d
}

func (d *worksDialog) object() fyne.CanvasObject { return d.card }
func (d *worksDialog) field() *field             { return nil }
func (d *worksDialog) keys() []binding           { return nil }
func (d *worksDialog) edited()                   {}
func (d *worksDialog) enter()                    { d.w.closeDialog() }

func (d *worksDialog) render() {
	d.rows = append(d.w.counter.Works(), around(d.w.status, d.w.now())...)
	d.list.fill(len(d.rows), d.at, func(i int) []cell {
		row := d.rows[i]
		if row.OK {
			return []cell{{words: row.What, icon: theme.IconNameConfirm, colour: good}, {words: sentence(row.Detail), colour: muted}}
		}
		return []cell{{words: row.What, icon: theme.IconNameWarning, colour: warn}, {words: sentence(row.Detail)}}
	})
}

func (d *worksDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at = max(0, min(d.at+step, len(d.rows)-1))
		d.render()
	}
	return ok
}

// around is what works of the things that stand about the till.
func around(s Status, now time.Time) []sale.Working {
	send := sale.Working{What: "Enviar al SII", OK: s.Line == LineUp, Detail: "los documentos se envían solos"}
	switch s.Line {
	case LineUp:
	case LineDown:
		send.Detail = "sin internet: se envían solos al volver la línea"
	case LineUnknown:
		send.Detail = "todavía se prueba la línea"
	}
	paper := sale.Working{What: "Imprimir", OK: s.PrinterProblem == "", Detail: "la impresora está lista"}
	if !paper.OK {
		paper.Detail = s.PrinterProblem
	}
	works := append([]sale.Working{
		{What: "Guardar, retomar, consultar precios", OK: true, Detail: "todo está en este equipo"}, send, paper,
	}, serverWorks(s.Server, now)...)
	if s.MailProblem != "" {
		works = append(works, sale.Working{What: "Enviar correos", Detail: s.MailProblem})
	}
	return works
}
