package terminal

import (
	"context"
	"strings"
)

// Manual is a terminal that stands beside the till without a cable: the cashier reads it and types what it says.
type Manual struct {
	// Ask shows a question and returns what the cashier answers. An error means that nobody answered: the window was
	// closed, the program ends.
	Ask func(ctx context.Context, q Question) (Answer, error)
}

// Question is what the cashier is asked.
type Question struct {
	Intent Intent
	// Doubt: this charge was begun before and nobody knows how it ended.
	Doubt bool
	// Refund: the money goes back to the card; Intent.Amount is how much.
	Refund bool
	// Words is what to ask; Problem is what was wrong with the last answer, empty at first.
	Words, Problem string
}

// Answer is what the cashier read.
type Answer struct {
	// State is Approved, Declined or Cancelled; Unknown if the cashier cannot tell.
	State State
	// Operation or Authorization is on the voucher; one of them is needed when the card was charged.
	Operation, Authorization string
	Card                     Card
	// Last4 may stay empty.
	Last4 string
}

// Charge asks the cashier to pass the card.
func (m Manual) Charge(ctx context.Context, in Intent) Result {
	if ctx.Err() != nil {
		return NotCharged(in, "No se pidió nada. La tarjeta no fue cobrada.")
	}
	return m.ask(ctx, Question{Intent: in, Words: "Cobre $" + in.Amount.String() + " en el terminal y escriba el número de operación del comprobante."})
}

// Refund asks the cashier to give the money back.
func (m Manual) Refund(ctx context.Context, in Intent) Result {
	if ctx.Err() != nil {
		return NotCharged(in, "No se pidió nada. El cobro sigue en pie.")
	}
	return m.ask(ctx, Question{Intent: in, Refund: true, Words: in.what("Anule") + " y escriba el número de la anulación."})
}

// what is a refund in words.
func (in Intent) what(verb string) string {
	operation := orElse(in.Back.Operation, in.Back.Authorization)
	if in.Amount != in.Back.Amount {
		return "Devuelva a la tarjeta $" + in.Amount.String() + " de los $" + in.Back.Amount.String() + " de la operación " + operation
	}
	return verb + " en el terminal la operación " + operation + " de $" + in.Amount.String()
}

// Resolve asks the cashier what became of it.
func (m Manual) Resolve(ctx context.Context, in Intent) Result {
	if in.Refunds() {
		return m.ask(ctx, Question{Intent: in, Doubt: true, Refund: true, Words: "Busque en el terminal la devolución de $" + in.Amount.String() +
			" de la operación " + orElse(in.Back.Operation, in.Back.Authorization) + ". Si está, escriba su número; si no está, diga que no. No la pida de nuevo."})
	}
	return m.ask(ctx, Question{Intent: in, Doubt: true, Words: "Busque en el terminal la venta de $" + in.Amount.String() +
		". Si está, escriba su número de operación; si no está, diga que no se cobró. No vuelva a pasar la tarjeta."})
}

// CloseDay has nothing to do: whoever reads the terminal closes it.
func (Manual) CloseDay(context.Context) error { return nil }

func (m Manual) ask(ctx context.Context, q Question) Result {
	for {
		a, err := m.Ask(ctx, q)
		if err != nil || !a.State.Known() {
			return NotSure(q.Intent, "")
		}
		if q.Problem = a.problem(); q.Problem == "" {
			return a.result(q)
		}
	}
}

const cardWords = "eso parece un número de tarjeta, que nunca se escribe en la caja"

// problem says what is wrong with an answer, in words for the cashier; empty if nothing is.
func (a Answer) problem() string {
	if LooksLikeCard(a.Operation) || LooksLikeCard(a.Authorization) || LooksLikeCard(a.Last4) {
		return "Cuidado: " + cardWords + ". Escriba el número de operación del comprobante."
	}
	switch {
	case a.State != Approved:
		return ""
	case a.Operation == "" && a.Authorization == "":
		return "Falta el número de operación o el código de autorización: está en el comprobante del terminal."
	case !isCode(a.Operation) || !isCode(a.Authorization):
		return "El número de operación y el código de autorización tienen sólo letras y números, 12 a lo más."
	case a.Last4 != "" && (len(a.Last4) != shownDigits || strings.Trim(a.Last4, "0123456789") != ""):
		return "De la tarjeta se anotan sólo los últimos 4 dígitos, o nada."
	case a.Card != "" && a.Card != Credit && a.Card != Debit:
		return "La tarjeta es de crédito o de débito."
	}
	return ""
}

// isCode: what a voucher calls a number. Empty is one too.
func isCode(s string) bool {
	return len(s) <= 12 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == ""
}

func (a Answer) result(q Question) Result {
	r := Result{State: a.State, Ticket: q.Intent.Ticket, Amount: q.Intent.Amount}
	switch a.State {
	case Approved:
		r.Operation, r.Authorization, r.Card, r.Last4 = a.Operation, a.Authorization, a.Card, a.Last4
		r.Message = "Tarjeta cobrada, según el comprobante. Siga con el documento."
		if q.Refund {
			r.Message = "Dinero devuelto a la tarjeta, según el comprobante. Siga con el documento."
		}
	case Declined:
		r.Message = "Tarjeta rechazada: no se cobró. Pida otra tarjeta u otro medio de pago."
	default:
		r.Message = "No se cobró la tarjeta. Puede cobrar de nuevo o de otra manera."
	}
	if q.Refund && a.State != Approved {
		r.Message = "El cobro sigue en pie: no se anuló."
	}
	return r
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
