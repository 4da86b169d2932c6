package ui

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// Cards charges cards on a terminal, and gives back; terminal.Desk is one. Charge, Refund and Resolve take long and run beside the
// window, one at a time; the others are quick.
type Cards interface {
	Charge(ctx context.Context, ref string, amount money.Pesos) (terminal.Result, error)
	Refund(ctx context.Context, ref string, of terminal.Charged, amount money.Pesos) (terminal.Result, error)
	RefundByHand(ref string, of terminal.Charged, amount money.Pesos, r terminal.Result) (terminal.Result, error)
	Resolve(ctx context.Context) (terminal.Result, error)
	Declare(r terminal.Result) (terminal.Result, error)
	// Pending is the charge or refund of which nobody knows whether it was made.
	Pending() (terminal.Entry, bool, error)
}

// cardDialog stands there while a card is charged, or asked about. It goes by itself when the terminal has answered.
type cardDialog struct {
	w        *Window
	card     fyne.CanvasObject
	progress *text
	cancel   context.CancelFunc
}

func newCardDialog(w *Window, title string, amount money.Pesos, cancel context.CancelFunc) *cardDialog {
	l := w.l
	d := &cardDialog{w: w, cancel: cancel, progress: newText(l, 20, ink, wrap).upTo(2).atTop().say("Hablando con el terminal…")}
	d.card = dialogCard(l, 620, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say(title)),
		fixed(l.px(84), newText(l, 64, ink, shrink).strong().say(peso(amount))),
		fixed(l.px(64), d.progress),
		as(newText(l, 15, muted, wrap).upTo(2).atTop().say("Para cancelar, el cliente usa la tecla roja del terminal.")),
		fixed(l.px(64), newButton(l, plain, "Dejar de esperar", "Esc", d.leave).bigger(17, fyne.NewSize(120, 64)))))
	return d
}

func (d *cardDialog) object() fyne.CanvasObject { return d.card }
func (d *cardDialog) render()                   {}
func (d *cardDialog) field() *field             { return nil }
func (d *cardDialog) keys() []binding           { return nil }
func (d *cardDialog) edited()                   {}
func (d *cardDialog) move(fyne.KeyName) bool    { return false }
func (d *cardDialog) enter()                    {}

// leave stops the waiting. The dialogue goes when that is over: until then nobody knows how it ended.
func (d *cardDialog) leave() {
	d.progress.say("Dejando de esperar…")
	d.cancel()
}

// chargeCard asks the terminal for the typed amount.
func (w *Window) chargeCard(m sale.Method, amount money.Pesos) {
	if w.doubt() {
		return
	}
	ref, amount, err := w.counter.BeginCard(m, amount)
	if err != nil {
		w.settle(err)
		return
	}
	work := func(ctx context.Context) (terminal.Result, error) { return w.cards.Charge(ctx, ref, amount) }
	w.atTerminal(methodName(m), amount, work, w.cardEnded)
}

// atTerminal does what takes long beside the window, behind a dialogue.
func (w *Window) atTerminal(title string, amount money.Pesos, work func(context.Context) (terminal.Result, error), ended func(terminal.Result, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	w.openDialog(newCardDialog(w, title, amount, cancel))
	w.aside(func() func() {
		r, err := work(ctx)
		return func() {
			cancel()
			ended(r, err)
		}
	})
}

// cardEnded takes the terminal's word, or says that nobody knows. What is known is in the book, whatever happens here.
func (w *Window) cardEnded(r terminal.Result, err error) {
	w.dropDialog()
	takeErr := w.counter.TakeCards()
	switch {
	case !r.State.Known():
		w.settle(nil)
		w.openDialog(newDoubtDialog(w, r.Message))
	case err != nil || takeErr != nil:
		w.settle(errors.Join(err, takeErr))
	case r.State == terminal.Approved:
		w.sink.write("")
		w.say(good, r.Message)
	default:
		w.settle(errors.New(r.Message))
	}
}

// doubt opens the question about the charge that nobody knows the end of, if there is one.
func (w *Window) doubt() bool {
	if w.cards == nil {
		return false
	}
	e, pending, err := w.cards.Pending()
	switch {
	case err != nil:
		w.settle(err)
		return true
	case pending:
		w.openDialog(newDoubtDialog(w, e.Result.Message))
	}
	return pending
}

// doubtDialog is what to do about a charge, or a refund, of which nobody knows whether it was made.
type doubtDialog struct {
	w    *Window
	card fyne.CanvasObject
}

func newDoubtDialog(w *Window, message string) *doubtDialog {
	l := w.l
	d := &doubtDialog{w: w}
	in := terminal.Intent{}
	if e, pending, err := w.cards.Pending(); err == nil && pending {
		in = e.Intent
	}
	title, rest := "No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.", "La venta queda guardada. Otras ventas se pueden cobrar de otra manera."
	if in.Refunds() {
		title, rest = "No sabemos si el dinero volvió a la tarjeta. No lo devuelva de otra manera.", "La devolución queda guardada y no se emitió nada. Las ventas se pueden cobrar de otra manera."
	}
	detail := strings.TrimSpace(strings.TrimPrefix(message, terminal.Unsure(in)))
	if detail == "" {
		detail = "Consulte el terminal. Si no contesta, el encargado mira el comprobante o el detalle de ventas del terminal y decide."
	}
	d.card = dialogCard(l, 760, col(l.px(12),
		as(newText(l, 24, bad, wrap).upTo(2).strong().say(title)),
		fixed(l.px(72), newText(l, 52, ink, shrink).strong().say(peso(in.Amount))),
		as(newText(l, 17, ink, wrap).upTo(4).atTop().say(detail)),
		as(newText(l, 15, muted, wrap).upTo(2).atTop().say(rest)),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(17, fyne.NewSize(100, 64))),
			share(1.4, newButton(l, plain, "La revisé yo…", w.cap(doubtPlace, fyne.KeyF3), d.declare).bigger(17, fyne.NewSize(120, 64))),
			share(1.6, newButton(l, primary, "Consultar terminal", w.cap(doubtPlace, fyne.KeyF2), d.resolve).bigger(17, fyne.NewSize(120, 64)))))))
	return d
}

func (d *doubtDialog) object() fyne.CanvasObject { return d.card }
func (d *doubtDialog) render()                   {}
func (d *doubtDialog) field() *field             { return nil }
func (d *doubtDialog) edited()                   {}
func (d *doubtDialog) move(fyne.KeyName) bool    { return false }
func (d *doubtDialog) enter()                    { d.resolve() }
func (d *doubtDialog) keys() []binding {
	return []binding{{key: fyne.KeyF2, do: d.resolve}, {key: fyne.KeyF3, do: d.declare}}
}

func (d *doubtDialog) resolve() {
	w := d.w
	e, pending, err := w.cards.Pending()
	if err != nil || !pending {
		w.dropDialog()
		w.settle(err)
		return
	}
	ended := w.cardEnded
	if e.Intent.Refunds() {
		ended = w.backEnded
	}
	w.atTerminal("Consultando el terminal", e.Intent.Amount, w.cards.Resolve, ended)
}

// declare takes a person's word in the terminal's place, with name and reason.
func (d *doubtDialog) declare() {
	w := d.w
	e, _, err := w.cards.Pending()
	if err != nil {
		w.settle(err)
		return
	}
	question := cardQuestion(e.Intent.Refunds())
	w.openDialog(newFormDialog(w, "La revisé yo", "Mire el comprobante o el detalle de ventas del terminal. Queda anotado quién lo dijo.", "Anotar", []formField{
		{question, "", "sí o no"},
		{"N.º de operación", "", "Si fue así"},
		{"Quién la revisó", w.who(""), "Nombre"},
		{"Qué vio", "", "El comprobante, el detalle de ventas…"},
	}, func(x []string) (string, error) {
		said, err := cardAnswer(question, x[0])
		if err != nil {
			return "", err
		}
		r, err := w.cards.Declare(terminal.Result{State: said, Operation: x[1], By: x[2], Reason: x[3]})
		switch {
		case err != nil:
			return r.Message, err
		case e.Intent.Refunds():
			w.backEnded(r, nil)
			return "", errElsewhere
		}
		return r.Message, w.counter.TakeCards()
	}))
}

// cardQuestion is what a person is asked who has looked at the terminal.
func cardQuestion(refunds bool) string {
	if refunds {
		return "¿Volvió el dinero a la tarjeta?"
	}
	return "¿Se cobró la tarjeta?"
}

// cardAnswer reads yes or no.
func cardAnswer(question, text string) (terminal.State, error) {
	switch strings.ToLower(text) {
	case "sí", "si":
		return terminal.Approved, nil
	case "no":
		return terminal.Cancelled, nil
	}
	return terminal.Unknown, errors.New("conteste sí o no: " + question)
}

// manual asks the cashier what a terminal without a cable says. Escape is no answer: then nobody knows.
func (w *Window) manual(q terminal.Question, answer func(terminal.Answer, error)) {
	once := func(a terminal.Answer, err error) {
		if answer != nil {
			answer(a, err)
			answer = nil
		}
	}
	question := cardQuestion(q.Refund)
	f := newFormDialog(w, "Terminal: "+peso(q.Intent.Amount), q.Words+" "+q.Problem, "Anotar", []formField{
		{question, "sí", "sí o no"}, {"N.º de operación", "", "Del comprobante"},
	}, nil)
	f.do = func(x []string) (string, error) {
		said, err := cardAnswer(question, x[0])
		if err != nil {
			return "", err
		}
		once(terminal.Answer{State: said, Operation: x[1]}, nil)
		return "Anotado.", nil
	}
	w.openDialog(&manualDialog{f, func() { once(terminal.Answer{}, context.Canceled) }})
}

// manualDialog is a form whose Escape is told to the terminal's side.
type manualDialog struct {
	*formDialog
	gone func()
}

func (d *manualDialog) leave() { d.gone() }

// releaseCards notes that the money of this sale's cards was given back at the terminal.
func (w *Window) releaseCards() {
	w.openDialog(newFormDialog(w, "Cobro anulado en el terminal", "Primero anule la operación en el terminal. Aquí sólo queda anotado, y la venta vuelve a deberse.", "Anotar", []formField{
		{"Quién lo anuló", w.who(""), "Nombre"}, {"Por qué", "", "El cliente se arrepintió…"},
	}, func(x []string) (string, error) {
		if err := w.counter.ReleaseCards(x[0], x[1]); err != nil {
			return "", err
		}
		return "Anotado: el cobro se devolvió en el terminal.", nil
	}))
}

// charged reports that a card on the terminal paid a part of this sale.
func charged(p sale.Payment) bool {
	return slices.ContainsFunc(p.Tenders, func(t sale.Tender) bool { return t.Charge != "" })
}
