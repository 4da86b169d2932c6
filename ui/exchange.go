package ui

import (
	"errors"

	"fyne.io/fyne/v2"

	"mostrador/sale"
)

// exchangeBar says over the ticket what came back for it.
type exchangeBar struct {
	object fyne.CanvasObject
	words  *text
}

func newExchangeBar(l *look) *exchangeBar {
	b := &exchangeBar{words: newText(l, 18, accent, wrap).upTo(2).strong()}
	b.object = newPanel(l, accentSoft, pad(l.px(14), l.px(8), b.words))
	b.object.Hide()
	return b
}

// render reports that the bar came or went.
func (b *exchangeBar) render(c *sale.Change) (moved bool) {
	if c != nil {
		b.words.say("Cambio: vuelven " + peso(c.Worth) + " de " + docTitle(c.Of) + ": " + c.What)
	}
	moved = b.object.Visible() != (c != nil)
	setVisible(b.object, c != nil)
	return moved
}

// settleChange ends an exchange in which the customer owes nothing: as he paid, or as a vale.
func (s *sellScreen) settleChange() {
	w, c := s.w, s.w.s.Change
	switch {
	case c.Problem != "":
		w.settle(errors.New(c.Problem))
		return
	case c.Due == 0:
		w.settle(w.counter.SettleExchange(false))
		return
	}
	var choices []choice
	for _, asVale := range []bool{false, true} {
		_, refund, err := w.counter.PlanExchange(asVale)
		if err != nil {
			w.settle(err)
			return
		}
		choices = append(choices, choice{words: refundWords(refund), do: func() error { return w.counter.SettleExchange(asVale) }})
	}
	if choices[0].words == choices[1].words { // nothing goes back in cash
		choices = choices[:1]
	}
	w.openDialog(newChooseDialog(w, "Lo que se lleva cuesta "+peso(-c.Due)+" menos",
		"Se emite una nota de crédito por la diferencia, de "+docTitle(c.Of)+".", choices))
}
