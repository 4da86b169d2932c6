package ui

import (
	"errors"
	"slices"

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
		w.settle(w.counter.SettleExchange(false, sale.ByTerminal))
		return
	}
	var choices []choice
	for _, how := range []sale.Return{{}, {AsVale: true}, {Means: sale.InCash}} {
		_, refund, err := w.counter.PlanExchange(how.AsVale, how.Means)
		if err != nil {
			w.settle(err)
			return
		}
		words := refundWords(refund)
		if !slices.ContainsFunc(choices, func(c choice) bool { return c.words == words }) {
			choices = append(choices, choice{words: words, opens: true, do: func() error { return w.giveBack(w.settling(how)) }})
		}
	}
	w.openDialog(newChooseDialog(w, "Lo que se lleva cuesta "+peso(-c.Due)+" menos",
		"Se emite una nota de crédito por la diferencia, de "+docTitle(c.Of)+".", choices))
}

// settling is the end of an exchange once the cards have got their money back.
func (w *Window) settling(how sale.Return) payback {
	settle := func(m sale.Means) error {
		err := w.counter.SettleExchange(how.AsVale, m)
		if err == nil {
			w.settle(nil)
		}
		return err
	}
	return payback{
		begin:  func() (sale.CardBack, bool, error) { return w.counter.BeginExchangeRefund(how.AsVale, how.Means) },
		finish: func() error { return settle(how.Means) },
		cash:   func() error { return settle(sale.InCash) },
	}
}
