package sale

import (
	"fmt"

	"mostrador/dte"
)

// This file says a balance in words, the same on the screen, on the terminal and in the spreadsheet.

// StateWords is where a document stands.
func StateWords(s dte.State) string {
	switch s {
	case dte.Issued:
		return "emitido, por enviar"
	case dte.Enveloped:
		return "en un sobre, por enviar"
	case dte.Sending:
		return "enviándose"
	case dte.Unknown:
		return "por averiguar"
	case dte.Sent:
		return "enviado, sin veredicto"
	case dte.Accepted:
		return "aceptado"
	case dte.Objected:
		return "aceptado con reparos"
	case dte.Rejected:
		return "RECHAZADO"
	}
	return string(s)
}

// String is a difference in a sentence.
func (d Discrepancy) String() string {
	switch d.Kind {
	case OnlyHere:
		return fmt.Sprintf("Sólo aquí: %s por $%s (%s).", called(dte.Key{Tipo: d.Tipo, Folio: d.Folio}), d.Here, StateWords(d.State))
	case OnlyThere:
		return fmt.Sprintf("Sólo en el SII: %s por $%s, con un folio de esta caja.", called(dte.Key{Tipo: d.Tipo, Folio: d.Folio}), d.There)
	case OtherTotal:
		return fmt.Sprintf("Monto distinto: %s, aquí $%s y en el SII $%s.", called(dte.Key{Tipo: d.Tipo, Folio: d.Folio}), d.Here, d.There)
	}
	day := "todo el período"
	if !d.Day.IsZero() {
		day = "el " + civil(d.Day)
	}
	return fmt.Sprintf("Suma distinta: %s, %s: aquí %d por $%s y en el SII %d por $%s.", name(d.Tipo), day, d.NHere, d.Here, d.NThere, d.There)
}

// Advice is what to do about a difference.
func (d Discrepancy) Advice() string {
	switch d.Kind {
	case OnlyHere:
		if d.State.Final() {
			return "La caja tiene el veredicto del SII y el archivo no lo muestra. Descárguelo de nuevo; si sigue igual, consulte el documento en sii.cl."
		}
		return "Está guardado y se envía solo. Si lleva más de un día así, vea Avisos."
	case OnlyThere:
		return "El SII tiene un documento con un folio de esta caja que la caja no emitió. Avise a su contador: alguien más pudo usar ese CAF, o se restauró un respaldo."
	case OtherTotal:
		return "El documento guardado aquí no se puede cambiar. Compare ambos en sii.cl con su contador."
	}
	return "Los documentos se cuentan por su fecha de emisión. Cerca de medianoche, o después de una contingencia, pueden llegar al SII al día siguiente: mire también los días vecinos."
}

// Quiet reports a line with nothing to look at: all of it reached the SII, and nothing was refused.
func (l DayLine) Quiet() bool { return l.Missing.N == 0 && l.Rejected.N == 0 }

// Trouble is what the totals themselves tell, without a register: what is missing at the SII and what it
// refused, of each type.
func (b Balance) Trouble() (list []string) {
	for _, t := range b.Totals {
		if t.Missing.N > 0 {
			list = append(list, fmt.Sprintf("Sin llegar al SII: %s de %s por $%s.", plural(t.Missing.N, "documento", "documentos"), name(t.Tipo), t.Missing.Total))
		}
		if t.Rejected.N > 0 {
			list = append(list, fmt.Sprintf("Rechazado por el SII: %s de %s por $%s.", plural(t.Rejected.N, "documento", "documentos"), name(t.Tipo), t.Rejected.Total))
		}
	}
	return list
}
