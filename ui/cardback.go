package ui

import (
	"context"
	"errors"
	"slices"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// This file gives back through the terminal what it charged, before the note of a return or an exchange is issued.

// payback is something that can be done once the cards have got their money back.
type payback struct {
	// begin names the next refund; ok is false when the terminal has nothing left to give back.
	begin func() (ask sale.CardBack, ok bool, err error)
	// finish does it, and says so; cash does it without the terminal, by somebody's word.
	finish, cash func() error
}

// giveBack has the terminal give back one charge after the other, and then does what it is for. What is asked of the terminal goes on
// beside the window.
func (w *Window) giveBack(p payback) error {
	if w.cards == nil {
		return p.finish()
	}
	if w.doubt() {
		return nil
	}
	ask, ok, err := p.begin()
	switch {
	case err != nil:
		return err
	case !ok:
		return p.finish()
	}
	w.goingBack = &p
	w.atTerminal("Devolución a la tarjeta", ask.Amount, func(ctx context.Context) (terminal.Result, error) {
		return w.cards.Refund(ctx, ask.Ref, ask.Of, ask.Amount)
	}, w.backEnded)
	return nil
}

// backEnded takes the terminal's word on a refund, or says that nobody knows. After a crash there is nobody who asked for it: the
// return that waits is offered.
func (w *Window) backEnded(r terminal.Result, err error) {
	w.dropDialog()
	p := w.goingBack
	switch {
	case !r.State.Known():
		w.settle(nil)
		w.openDialog(newDoubtDialog(w, r.Message))
		return
	case err != nil:
		w.settle(err)
	case p == nil:
		w.say(good, r.Message)
		w.unfinished()
	case r.State == terminal.Approved:
		w.settle(nil)
		w.goOn(*p)
		return
	default:
		w.openDialog(w.otherWays(*p, r.Message))
	}
	w.goingBack = nil
}

// goOn gives back what is left, and asks for whatever right is missing.
func (w *Window) goOn(p payback) {
	w.goingBack = nil
	act := func() error { return w.giveBack(p) }
	if err := act(); err != nil && !w.asks(err, act, func() {}) {
		w.settle(err)
	}
}

// otherWays are what can be done when the terminal gave nothing back.
func (w *Window) otherWays(p payback, why string) *chooseDialog {
	return newChooseDialog(w, "El dinero no volvió a la tarjeta", why+" No se emitió nada.", []choice{
		{words: "Pedirlo de nuevo al terminal", opens: true, do: func() error { return w.giveBack(p) }},
		{words: "Ya se devolvió de otra manera: anotar el número", opens: true, do: func() error {
			w.openDialog(w.refundByHand(p))
			return nil
		}},
		{words: "Devolver en efectivo", opens: true, do: p.cash},
	})
}

// refundByHand notes by which operation a person gave the money back, at another terminal or where the acquirer is asked.
func (w *Window) refundByHand(p payback) *formDialog {
	return newFormDialog(w, "Devuelto a la tarjeta de otra manera", "Anótelo sólo si ya está hecho: en otro terminal o con quien opera las tarjetas.", "Anotar", []formField{
		{"N.º de operación", "", "De la anulación"}, {"Quién lo devolvió", w.who(""), "Nombre"}, {"Cómo", "", "En el portal, en otro terminal…"},
	}, func(x []string) (string, error) {
		ask, ok, err := p.begin()
		switch {
		case err != nil:
			return "", err
		case ok:
			r, err := w.cards.RefundByHand(ask.Ref, ask.Of, ask.Amount, terminal.Result{Operation: x[0], By: x[1], Reason: x[2]})
			if err != nil || r.State != terminal.Approved {
				return "", errors.Join(err, errors.New(r.Message))
			}
		}
		w.dropDialog()
		w.goOn(p)
		return "", errElsewhere
	})
}

// leftBehind is what a crash left: a card in doubt, or a return whose money is with the customer and whose note is not issued.
func (w *Window) leftBehind() {
	if !w.doubt() {
		w.unfinished()
	}
}

// unfinished offers to finish a return for which the terminal has given money back.
func (w *Window) unfinished() {
	open, err := w.counter.OpenReturns()
	if err != nil {
		w.settle(err)
		return
	}
	if len(open) > 0 {
		w.finishReturn(open[0])
	}
}

func (w *Window) finishReturn(back sale.Return) {
	of := docTitle(back.Lines[0].Of)
	w.openDialog(newChooseDialog(w, "Falta terminar una devolución", "El terminal ya devolvió dinero de "+of+" a la tarjeta. Falta lo demás y su comprobante: nada se devuelve dos veces.", []choice{
		{words: "Terminar la devolución de " + of, opens: true, do: func() error { return w.giveBack(w.returning(back)) }},
	}))
}

// paidByCard reports that some of a refund goes to a card.
func paidByCard(p sale.Payment) (sum money.Pesos, is bool) {
	for _, t := range p.Tenders {
		if t.Method.Card() {
			sum += t.Amount // each is within the total, which fits
		}
	}
	return sum, slices.ContainsFunc(p.Tenders, func(t sale.Tender) bool { return t.Method.Card() })
}
