package posintegrado

import "mostrador/terminal"

// Answer codes that mean more than "no".
const (
	codeAlreadyRefunded = "04"
	codeNoSuchSale      = "05"
	codeCancelled       = "07"
	codeNoDebitRefund   = "08"
	codeNoSales         = "11"
	codeNeedsKeys       = "26"
)

const tryOther = " No se cobró. Pida otra tarjeta u otro medio de pago."

// refusals are the words for the codes about which the cashier can do something.
var refusals = map[string]string{
	"02": "El terminal no pudo comunicarse con Transbank. No se cobró. Intente de nuevo o use otro medio de pago.",
	"03": "El terminal no pudo comunicarse con Transbank. No se cobró. Intente de nuevo o use otro medio de pago.",
	"06": "El terminal no acepta esta tarjeta." + tryOther,
	"09": "El terminal no pudo leer la tarjeta. No se cobró. Pruebe de nuevo.",
	"10": "El monto es menor que el mínimo para esta tarjeta." + tryOther,
	"14": "El terminal no pudo comunicarse con Transbank. No se cobró. Intente de nuevo o use otro medio de pago.",
	"17": "Los últimos cuatro dígitos no coinciden." + tryOther,
	"20": "La tarjeta no es válida." + tryOther,
	"22": "Se acabó el tiempo en el terminal. No se cobró. Puede intentar de nuevo.",
	"24": "El terminal no tiene papel. No se cobró. Ponga papel e intente de nuevo.",
	"26": "El terminal perdió sus llaves. No se cobró. El encargado debe cargarlas.",
	"60": "El número de cuotas no sirve. No se cobró. Intente de nuevo.",
	"88": "El número de cuotas no sirve. No se cobró. Intente de nuevo.",
}

// needClose are the codes of a terminal that does nothing more until its day is closed.
var needClose = map[string]bool{"13": true, "67": true, "74": true, "76": true, "77": true}

// refused is the result of a sale that the terminal answered with a code other than approved. All such codes are
// refusals, says the reference.
func refused(in terminal.Intent, code string) terminal.Result {
	r := terminal.Result{State: terminal.Declined, Ticket: in.Ticket, Amount: in.Amount, Message: refusals[code]}
	switch {
	case code == codeCancelled:
		r.State, r.Message = terminal.Cancelled, "Se canceló en el terminal. No se cobró. Puede cobrar de nuevo o de otra manera."
	case needClose[code]:
		r.NeedsClose, r.Message = true, "El terminal pide hacer el cierre. No se cobró. Haga el cierre e intente de nuevo."
	case r.Message == "":
		r.Message = "Tarjeta rechazada (código " + code + ")." + tryOther
	}
	return r
}

// progress are the words for what the terminal is doing.
var progress = map[string]string{
	"78": "Acerque, inserte o deslice la tarjeta",
	"79": "El cliente confirma el monto",
	"80": "El cliente elige las cuotas",
	"81": "El cliente escribe su clave",
	"82": "Consultando a Transbank",
}

// The words for a charge that was not begun.
const (
	noAnswer = "El terminal no responde. No se le pidió nada y la tarjeta no fue cobrada. " +
		"Revise que esté encendido y conectado, e intente de nuevo."
	nothingAsked = "No se pidió nada al terminal. La tarjeta no fue cobrada."
)
