package sale

import (
	"strings"

	"mostrador/dte"
)

// Way is the suggested way out for a document with a verdict.
type Way string

// The ways out. What may be done with the folio of a refused document: SII FAQ 001.003.2167.
const (
	WayRead       Way = "leer"       // nothing to do but know
	WayReuse      Way = "corregir"   // mend the datum; the folio, never accepted, may be used again or reported null
	WayNewFolio   Way = "otro-folio" // this folio is spent at the SII: issue again with the next one
	WayResend     Way = "reenviar"   // the document is right; something around it was not
	WayCreditNote Way = "nota"       // the SII holds it: only a note corrects it
	WayAccountant Way = "contador"
	WaySupport    Way = "soporte" // a fault of program or settings
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

// meanings says what each code of the SII is about. The codes are those that emitters have met; the SII publishes no list.
var meanings = map[string]Advice{
	"CAF-3-514": {Way: WaySupport, Means: "no reconoce la autorización de folios (CAF) que va en el documento."},
	"CAF-3-516": {Way: WaySupport, Means: "el folio no pertenece a la autorización (CAF) que va en el documento."},
	"CAF-3-517": {Way: WayNewFolio, Means: "la autorización de folios (CAF) estaba vencida."},
	"CRT-3-19":  {Way: WayResend, Means: "el número o la fecha de la resolución que autoriza a la empresa no es el suyo; se corrige en los datos de la tienda."},
	"DTE-1-650": {Way: WayRead, Means: "llegó varios días después de su fecha."},
	"DTE-3-100": {Way: WayResend, Means: "ya tenía este mismo documento; lo más probable es que esté recibido."},
	"DTE-3-101": {Way: WayNewFolio, Means: "ya tiene otro documento con ese folio y otros datos."},
	"DTE-3-505": {Way: WaySupport, Means: "la firma del documento no calza con su contenido."},
	"DTE-3-601": {Way: WayNewFolio, Means: "el folio había sido anulado antes de usarlo."},
	"ENV-3-0":   {Way: WayReuse, Means: "trae una letra o un signo que no admite."},
	"ENV-3-6":   {Way: WayResend, Means: "quien firma no tiene permiso de la empresa para enviar; el permiso se da en sii.cl, Usuarios autorizados."},
	"HED-1-232": {Way: WayCreditNote, Means: "un dato del encabezado no le calza."},
	"HED-3-211": {Way: WayReuse, Means: "la referencia a otro documento está mal escrita."},
	"HED-3-305": {Way: WayAccountant, Means: "su fecha es anterior al día en que se autorizó a emitirlo."},
	"HED-2-804": {Way: WayCreditNote, Means: "faltan las marcas de los bultos de exportación."},
	"HED-3-834": {Way: WaySupport, Means: "a la exportación le falta el monto en pesos."},
	"HED-3-861": {Way: WayReuse, Means: "el código de actividad (acteco) no está entre los de la empresa; primero se corrige en los datos de la tienda."},
	"REF-2-768": {Way: WayAccountant, Means: "la nota que corrige montos viene con total cero."},
	"REF-2-780": {Way: WayAccountant, Means: "la nota que anula tiene un monto distinto del documento anulado."},
	"REF-2-781": {Way: WayAccountant, Means: "la nota que sólo corrige textos trae montos."},
	"REF-3-415": {Way: WayReuse, Means: "falta la referencia al otro documento, o no corresponde."},
	"REF-3-750": {Way: WayResend, Means: "todavía no recibe el documento al que se refiere; primero debe llegar ése."},
	"REF-3-751": {Way: WayReuse, Means: "se refiere a un documento que no existe o es de otro tipo."},
	"REF-3-758": {Way: WayReuse, Means: "la nota no dice si anula, corrige textos o corrige montos."},
	"TED-1-646": {Way: WayRead, Means: "el timbre lleva una fecha anterior a la de sus folios."},
	"TED-1-647": {Way: WayRead, Means: "la hora del timbre está lejos de la fecha del documento; revise el reloj del equipo."},
	"TED-2-510": {Way: WaySupport, Means: "la firma del timbre no calza."},
	"TED-3-640": {Way: WaySupport, Means: "el timbre dice otra cosa que el encabezado."},
	"SCH-00001": {Way: WaySupport, Means: "el envío no tiene la forma que espera ese servicio."},
	"LPX-00007": {Way: WaySupport, Means: "el envío llegó cortado o con líneas demasiado largas."},
	"CHR-00002": {Way: WaySupport, Means: "el envío llegó cortado o con líneas demasiado largas."},
	"RSC":       {Way: WaySupport, Means: "el envío entero no tiene la forma exigida."},
	"RFR":       {Way: WayResend, Means: "la firma del envío no sirve: puede faltar el permiso de quien firma."},
	"RCT":       {Way: WayResend, Means: "la carátula del envío está mal: resolución o RUT de la empresa."},
	"RCH":       {Way: WaySupport, Means: "rechazó el envío entero."},
	"RCO":       {Way: WaySupport, Means: "los datos del envío no son consistentes entre sí."},
	"VOF":       {Way: WaySupport, Means: "no encontró lo que debía validar en el envío."},
	"FNA":       {Way: WaySupport, Means: "ese folio no está autorizado a la empresa."},
	"FAU": {
		Way: WayReuse, Means: "no lo recibió; el motivo llega al correo de la empresa.",
		Do: "Según ese motivo, en Avisos: corregir con el mismo folio, reenviar tal cual, o emitir con otro folio.",
	},
	"FAN": {Way: WayNewFolio, Means: "ese folio está anulado."},
	"EMP": {Way: WayAccountant, Means: "la empresa no está autorizada a emitir ese documento."},
	"DNK": {Way: WayAccountant, Means: "tiene ese folio, pero con otros datos."},
}

// families are codes that come in long series, by their beginning.
var families = map[string]Advice{
	"LSX-": {Way: WaySupport, Means: "el envío no cumple el esquema."},
	"SCH-": {Way: WaySupport, Means: "el envío no cumple el esquema."},
	"LPX-": {Way: WaySupport, Means: "el envío no se pudo leer."},
}

// Advise says a verdict in the shop's words, and what may be done. A code that nobody has met goes to the accountant,
// with the SII's own words.
func Advise(v dte.Veredicto) Advice {
	a, known := meanings[v.Codigo]
	for prefix, family := range families {
		if !known && strings.HasPrefix(v.Codigo, prefix) {
			a, known = family, true
		}
	}
	if !known {
		a = Advice{Way: WayAccountant, Means: "no dio un motivo que esta caja conozca."}
		if v.State == dte.Objected {
			a.Way = WayCreditNote
		}
	}
	if a.Way == WayCreditNote && v.State == dte.Rejected { // what the SII does not hold no note can correct
		a.Way = WayAccountant
	}
	if said := strings.TrimSpace(v.Codigo + " " + v.Glosa); said != "" {
		a.Means = strings.TrimSuffix(a.Means, ".") + " (" + said + ")."
	}
	if a.Do == "" {
		a.Do = waysOut[a.Way]
	}
	return a
}
