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

// Cards charges cards on a terminal; terminal.Desk is one. Charge and Resolve take long and run beside the window, one at
// a time; the others are quick.
type Cards interface {
	Charge(ctx context.Context, ref string, amount money.Pesos) (terminal.Result, error)
	Resolve(ctx context.Context) (terminal.Result, error)
	Declare(r terminal.Result) (terminal.Result, error)
	// Pending is the charge of which nobody knows whether it was made.
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
	w.atTerminal(methodName(m), amount, func(ctx context.Context) (terminal.Result, error) { return w.cards.Charge(ctx, ref, amount) })
}

// atTerminal does what takes long beside the window, behind a dialogue.
func (w *Window) atTerminal(title string, amount money.Pesos, work func(context.Context) (terminal.Result, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	w.openDialog(newCardDialog(w, title, amount, cancel))
	w.aside(func() func() {
		r, err := work(ctx)
		return func() {
			cancel()
			w.cardEnded(r, err)
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

// doubtDialog is what to do about a charge of which nobody knows whether it was made.
type doubtDialog struct {
	w    *Window
	card fyne.CanvasObject
}

func newDoubtDialog(w *Window, message string) *doubtDialog {
	l := w.l
	d := &doubtDialog{w: w}
	amount := money.Pesos(0)
	if e, pending, err := w.cards.Pending(); err == nil && pending {
		amount = e.Intent.Amount
	}
	detail := strings.TrimSpace(strings.TrimPrefix(message, terminal.NotSure(terminal.Intent{}, "").Message))
	if detail == "" {
		detail = "Consulte el terminal. Si no contesta, el encargado mira el comprobante o el detalle de ventas del terminal y decide."
	}
	d.card = dialogCard(l, 760, col(l.px(12),
		as(newText(l, 24, bad, wrap).upTo(2).strong().say("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")),
		fixed(l.px(72), newText(l, 52, ink, shrink).strong().say(peso(amount))),
		as(newText(l, 17, ink, wrap).upTo(4).atTop().say(detail)),
		as(newText(l, 15, muted, wrap).upTo(2).atTop().say("La venta queda guardada. Otras ventas se pueden cobrar de otra manera.")),
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
	w.atTerminal("Consultando el terminal", e.Intent.Amount, w.cards.Resolve)
}

// declare takes a person's word in the terminal's place, with name and reason.
func (d *doubtDialog) declare() {
	w := d.w
	w.openDialog(newFormDialog(w, "La revisé yo", "Mire el comprobante o el detalle de ventas del terminal. Queda anotado quién lo dijo.", "Anotar", []formField{
		{"¿Se cobró la tarjeta?", "", "sí o no"},
		{"N.º de operación", "", "Si se cobró"},
		{"Quién la revisó", w.who(""), "Nombre"},
		{"Qué vio", "", "El comprobante, el detalle de ventas…"},
	}, func(x []string) (string, error) {
		r := terminal.Result{Operation: x[1], By: x[2], Reason: x[3]}
		switch strings.ToLower(x[0]) {
		case "sí", "si":
			r.State = terminal.Approved
		case "no":
			r.State = terminal.Cancelled
		default:
			return "", errors.New("diga si la tarjeta se cobró: sí o no")
		}
		r, err := w.cards.Declare(r)
		if err == nil {
			err = w.counter.TakeCards()
		}
		return r.Message, err
	}))
}

// manual asks the cashier what a terminal without a cable says. Escape is no answer: then nobody knows.
func (w *Window) manual(q terminal.Question, answer func(terminal.Answer, error)) {
	once := func(a terminal.Answer, err error) {
		if answer != nil {
			answer(a, err)
			answer = nil
		}
	}
	f := newFormDialog(w, "Terminal: "+peso(q.Intent.Amount), q.Words+" "+q.Problem, "Anotar", []formField{
		{"¿Se cobró la tarjeta?", "sí", "sí o no"}, {"N.º de operación", "", "Del comprobante"},
	}, nil)
	f.do = func(x []string) (string, error) {
		a := terminal.Answer{Operation: x[1]}
		switch strings.ToLower(x[0]) {
		case "sí", "si":
			a.State = terminal.Approved
		case "no":
			a.State = terminal.Cancelled
		default:
			return "", errors.New("diga si la tarjeta se cobró: sí o no")
		}
		once(a, nil)
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
