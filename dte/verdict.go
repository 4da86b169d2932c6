package dte

import "strings"

// This file says what a verdict leaves open: what it means, and what a person may do about it. Machines do nothing of it.

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

// Act is what a person can have done about a verdict.
type Act string

// The acts.
const (
	ActResend  Act = "reenviar"   // the same bytes, in another envelope
	ActCorrect Act = "corregir"   // the same folio and the same sale, with a datum mended
	ActReissue Act = "otro-folio" // the same sale under the next folio; the refused document stays refused
	ActNote    Act = "nota"       // a credit note, which is an order like any other
)

// Words is the act for people, as in "no sirve reenviarlo".
func (a Act) Words() string {
	switch a {
	case ActResend:
		return "reenviarlo tal cual"
	case ActCorrect:
		return "corregirlo con el mismo folio"
	case ActReissue:
		return "emitirlo con otro folio"
	}
	return "hacer una nota de crédito"
}

// meaning is what a code says, as the rest of a sentence that begins with the SII, and the way out.
type meaning struct {
	way   Way
	means string
}

// meanings says what each code of the SII is about. The codes are those that emitters have met; the SII publishes no list.
var meanings = map[string]meaning{
	"CAF-3-514": {WaySupport, "no reconoce la autorización de folios (CAF) que va en el documento."},
	"CAF-3-516": {WaySupport, "el folio no pertenece a la autorización (CAF) que va en el documento."},
	"CAF-3-517": {WayNewFolio, "la autorización de folios (CAF) estaba vencida."},
	"CRT-3-19":  {WayResend, "el número o la fecha de la resolución que autoriza a la empresa no es el suyo; se corrige en los datos de la tienda."},
	"DTE-1-650": {WayRead, "llegó varios días después de su fecha."},
	"DTE-3-100": {WayResend, "ya tenía este mismo documento; lo más probable es que esté recibido."},
	"DTE-3-101": {WayNewFolio, "ya tiene otro documento con ese folio y otros datos."},
	"DTE-3-505": {WaySupport, "la firma del documento no calza con su contenido."},
	"DTE-3-601": {WayNewFolio, "el folio había sido anulado antes de usarlo."},
	"ENV-3-0":   {WayReuse, "trae una letra o un signo que no admite."},
	"ENV-3-6":   {WayResend, "quien firma no tiene permiso de la empresa para enviar; el permiso se da en sii.cl, Usuarios autorizados."},
	"HED-1-232": {WayCreditNote, "un dato del encabezado no le calza."},
	"HED-3-211": {WayReuse, "la referencia a otro documento está mal escrita."},
	"HED-3-305": {WayAccountant, "su fecha es anterior al día en que se autorizó a emitirlo."},
	"HED-2-804": {WayCreditNote, "faltan las marcas de los bultos de exportación."},
	"HED-3-834": {WaySupport, "a la exportación le falta el monto en pesos."},
	"HED-3-861": {WayReuse, "el código de actividad (acteco) no está entre los de la empresa; primero se corrige en los datos de la tienda."},
	"REF-2-768": {WayAccountant, "la nota que corrige montos viene con total cero."},
	"REF-2-780": {WayAccountant, "la nota que anula tiene un monto distinto del documento anulado."},
	"REF-2-781": {WayAccountant, "la nota que sólo corrige textos trae montos."},
	"REF-3-415": {WayReuse, "falta la referencia al otro documento, o no corresponde."},
	"REF-3-750": {WayResend, "todavía no recibe el documento al que se refiere; primero debe llegar ése."},
	"REF-3-751": {WayReuse, "se refiere a un documento que no existe o es de otro tipo."},
	"REF-3-758": {WayReuse, "la nota no dice si anula, corrige textos o corrige montos."},
	"TED-1-646": {WayRead, "el timbre lleva una fecha anterior a la de sus folios."},
	"TED-1-647": {WayRead, "la hora del timbre está lejos de la fecha del documento; revise el reloj del equipo."},
	"TED-2-510": {WaySupport, "la firma del timbre no calza."},
	"TED-3-640": {WaySupport, "el timbre dice otra cosa que el encabezado."},
	"SCH-00001": {WaySupport, "el envío no tiene la forma que espera ese servicio."},
	"LPX-00007": {WaySupport, "el envío llegó cortado o con líneas demasiado largas."},
	"CHR-00002": {WaySupport, "el envío llegó cortado o con líneas demasiado largas."},
	"RSC":       {WaySupport, "el envío entero no tiene la forma exigida."},
	"RFR":       {WayResend, "la firma del envío no sirve: puede faltar el permiso de quien firma."},
	"RCT":       {WayResend, "la carátula del envío está mal: resolución o RUT de la empresa."},
	"RCH":       {WaySupport, "rechazó el envío entero."},
	"RCO":       {WaySupport, "los datos del envío no son consistentes entre sí."},
	"VOF":       {WaySupport, "no encontró lo que debía validar en el envío."},
	"FNA":       {WaySupport, "ese folio no está autorizado a la empresa."},
	notReceived: {WayReuse, "no lo recibió; el motivo llega al correo de la empresa."},
	"FAN":       {WayNewFolio, "ese folio está anulado."},
	"EMP":       {WayAccountant, "la empresa no está autorizada a emitir ese documento."},
	"DNK":       {WayAccountant, "tiene ese folio, pero con otros datos."},
}

// families are codes that come in long series, by their beginning.
var families = map[string]meaning{
	"LSX-": {WaySupport, "el envío no cumple el esquema."},
	"SCH-": {WaySupport, "el envío no cumple el esquema."},
	"LPX-": {WaySupport, "el envío no se pudo leer."},
}

// Meaning says the verdict in words, as the rest of a sentence that begins with the SII, and the way out. A code that nobody
// has met goes to the accountant. The words end with the SII's own.
func (v Veredicto) Meaning() (Way, string) {
	m, known := meanings[v.Codigo]
	for prefix, family := range families {
		if !known && strings.HasPrefix(v.Codigo, prefix) {
			m, known = family, true
		}
	}
	if !known {
		m = meaning{WayAccountant, "no dio un motivo conocido."}
		if v.State == Objected {
			m.way = WayCreditNote
		}
	}
	if m.way == WayCreditNote && v.State == Rejected { // what the SII does not hold no note can correct
		m.way = WayAccountant
	}
	if said := strings.TrimSpace(v.Codigo + " " + v.Glosa); said != "" {
		m.means = strings.TrimSuffix(m.means, ".") + " (" + said + ")."
	}
	return m.way, m.means
}

// notReceived is all that the SII tells of a refused factura that is asked for: it has no such document, and the folio is
// still ours. Why it was refused stands in the mail to the company, so a person chooses among all that may be done.
const notReceived = "FAU"

// NotReceived reports such a verdict.
func (v Veredicto) NotReceived() bool { return v.Codigo == notReceived }

// Acts are those that a verdict leaves room for, the likeliest first; none if it has none, or if only a file says so, which
// anybody may have written.
func (v Veredicto) Acts() []Act {
	way, _ := v.Meaning()
	switch {
	case way == WayCreditNote:
		return []Act{ActNote}
	case v.State != Rejected || v.Fuente == FuenteArchivo:
		return nil
	case v.NotReceived():
		return []Act{ActCorrect, ActResend, ActReissue}
	}
	// The accountant is asked first; a folio of its own is the one act that never touches what the SII may hold.
	act, ok := map[Way]Act{WayResend: ActResend, WayReuse: ActCorrect, WayNewFolio: ActReissue, WayAccountant: ActReissue}[way]
	if !ok {
		return nil
	}
	return []Act{act}
}
