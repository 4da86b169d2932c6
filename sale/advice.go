package sale

import "mostrador/dte"

// Way is the suggested way out for a document with a verdict.
type Way = dte.Way

// The ways out.
const (
	WayRead       = dte.WayRead
	WayReuse      = dte.WayReuse
	WayNewFolio   = dte.WayNewFolio
	WayResend     = dte.WayResend
	WayCreditNote = dte.WayCreditNote
	WayAccountant = dte.WayAccountant
	WaySupport    = dte.WaySupport
)

// Advice is a verdict in words for the shop.
type Advice struct {
	Way   Way
	Means string // what the SII says, a sentence
	Do    string // what to do, one or two sentences
}

// What to do, by way out.
var waysOut = map[Way]string{
	WayRead:       "No hay que hacer nada; sirve saberlo para la próxima.",
	WayReuse:      "Corrija el dato en Avisos: el documento sale de nuevo con el mismo folio, que el SII no aceptó, y con papel nuevo.",
	WayNewFolio:   "Ese folio ya no sirve: en Avisos emita la misma venta con el folio siguiente, y cambie el papel al cliente.",
	WayResend:     "El documento está bien: resuelva la causa y en Avisos reenvíelo tal cual; no lo emita otra vez.",
	WayCreditNote: "Si el contenido está mal, corríjalo con una nota de crédito; si está bien, basta con saberlo.",
	WayAccountant: "Muéstreselo a su contador. Si él está de acuerdo, en Avisos se emite la misma venta con otro folio.",
	WaySupport:    "No lo emita otra vez: llame al soporte y dígale el código.",
}

// Advise says a verdict in the shop's words, and what may be done on this till.
func Advise(v dte.Veredicto) (a Advice) {
	a.Way, a.Means = v.Meaning()
	a.Do = waysOut[a.Way]
	if v.NotReceived() {
		a.Do = "Según ese motivo, en Avisos: corregir con el mismo folio, reenviar tal cual, o emitir con otro folio."
	}
	return a
}
