package ui

import (
	"fyne.io/fyne/v2"

	"mostrador/sale"
)

// takeUp takes up a sale that was put aside. If it would cost something else today the cashier chooses, with both amounts
// in sight: the customer may have been promised the one, and the shop may need the other.
func (s *sellScreen) takeUp(id sale.ID) error {
	w := s.w
	err := w.counter.Recall(id)
	if err != nil {
		return err
	}
	news, err := w.counter.PriceNews()
	if err == nil && news.Any() {
		w.openDialog(newPriceNewsDialog(w, news))
		return nil
	}
	w.settle(err)
	return nil
}

// priceNewsDialog lists what changed its price. Without an answer the sale stays as it was put aside.
type priceNewsDialog struct {
	w    *Window
	card fyne.CanvasObject
	list *table
	at   int
	n    int
}

func newPriceNewsDialog(w *Window, news sale.PriceNews) *priceNewsDialog {
	l := w.l
	d := &priceNewsDialog{w: w, n: len(news.Changes)}
	d.list = newTable(l, []column{
		{"PRODUCTO", 0, fyne.TextAlignLeading}, {"AL GUARDARLA", 130, fyne.TextAlignTrailing}, {"HOY", 110, fyne.TextAlignTrailing},
	}, func(i int) { d.at = i; d.render() })
	d.list.rowSize, d.list.textSize = 40, 16
	changes := news.Changes
	d.list.cells = func(i int) []cell {
		c := changes[i]
		return []cell{{words: c.Qty.String() + " × " + c.Nombre}, {words: peso(c.Old)}, {words: peso(c.New), bold: true}}
	}
	d.render()
	rows := float32(min(max(d.n, 1), 6))
	d.card = dialogCard(l, 760, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Hay precios que cambiaron")),
		as(newText(l, 16, muted, wrap).upTo(2).say("Desde que se guardó esta venta. Elija con el cliente cuáles valen; no se ha cobrado nada.")),
		fixed(l.px(36+40*rows), d.list),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, primary, "Dejar "+peso(news.Old), "Enter", d.enter).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, plain, "Precios de hoy "+peso(news.New), w.cap(formPlace, fyne.KeyF12), d.take).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

func (d *priceNewsDialog) object() fyne.CanvasObject { return d.card }
func (d *priceNewsDialog) field() *field             { return nil }
func (d *priceNewsDialog) edited()                   {}
func (d *priceNewsDialog) place() place              { return formPlace }
func (d *priceNewsDialog) keys() []binding           { return []binding{{key: fyne.KeyF12, do: d.take}} }
func (d *priceNewsDialog) leave()                    { d.enter() }
func (d *priceNewsDialog) render()                   { d.list.fill(d.n, d.at, d.list.cells) }

func (d *priceNewsDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok && d.n > 0 {
		d.at = max(0, min(d.at+step, d.n-1))
		d.render()
	}
	return ok
}

func (d *priceNewsDialog) enter() {
	d.end(d.w.counter.KeepPrices(), "Quedaron los precios de cuando se guardó: ")
}

func (d *priceNewsDialog) take() { d.end(d.w.counter.TakeNewPrices(), "Quedaron los precios de hoy: ") }

// end says what the sale costs now.
func (d *priceNewsDialog) end(err error, words string) {
	d.w.dropDialog()
	if err != nil {
		d.w.settle(err)
		return
	}
	d.w.say(accent, words+peso(d.w.counter.Snapshot().Total)+".")
}
