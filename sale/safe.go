package sale

import "strings"

// This file has every refusal of a payment say what is safe, for somebody who has a customer waiting with a card in the hand.

// safeError is an error with what is safe all the same.
type safeError struct {
	error
	words string
}

func (e safeError) Error() string { return strings.TrimSuffix(e.error.Error(), ".") + ". " + e.words }
func (e safeError) Unwrap() error { return e.error }

// What is safe, by where it was refused.
const (
	notPaid       = "No se cobró; la venta sigue abierta"
	cardPaysOnce  = "Si la tarjeta ya se cobró, no la pase de nuevo"
	nothingAsked  = "No se pidió nada al terminal; la venta sigue abierta"
	nothingIssued = "No se emitió nada; la venta y lo pagado siguen aquí"
	asksFirst     = "No cobre otra vez: vuelva a emitir, y la caja averigua primero"
	notCharged    = "No se cobró nada; la venta sigue abierta"
	chargesKept   = "No vuelva a pasar la tarjeta: lo que el terminal cobró está anotado"
	stillCharged  = "Nada cambió: el cobro sigue anotado"
	swapOpen      = "No se emitió nada; el cambio sigue abierto"
	debtAsItWas   = "El abono no se anotó; la deuda sigue igual"
)

// sayings are how an error tells by itself what is safe.
var sayings = []string{
	"venta sigue abierta", "a salvo", "o vuelva a pasarla", "No los devuelva", "No se emitió nada", "No repita la venta", "Nada cambió", "Nada se cobró", "sigue anotado",
	"No se guardó nada", "No se pidió nada",
}

// safe adds to an error what is safe, unless it says so.
func safe(err error, words string) error {
	if err == nil {
		return nil
	}
	for _, s := range sayings {
		if strings.Contains(err.Error(), s) {
			return err
		}
	}
	return safeError{err, words}
}

// safePay is what is safe when a part of a payment is refused.
func safePay(err error, m Method) error {
	if m.Card() {
		return safe(err, cardPaysOnce)
	}
	return safe(err, notPaid)
}
