package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// docName is what people call a document type.
func docName(t dte.TipoDTE) string {
	switch t {
	case 0, dte.Boleta:
		return "Boleta"
	case dte.BoletaExenta:
		return "Boleta exenta"
	case dte.Factura:
		return "Factura"
	case dte.FacturaExenta:
		return "Factura exenta"
	case dte.NotaCredito:
		return "Nota de crédito"
	case dte.NotaDebito:
		return "Nota de débito"
	case sale.Comprobante:
		return "Comprobante"
	case sale.Cambio:
		return "Cambio"
	case sale.DevolucionComprobante:
		return "Devolución de comprobante"
	case sale.DevolucionSinBoleta:
		return "Devolución sin boleta"
	case dte.GuiaDespacho:
		return "Guía de despacho"
	}
	return t.String()
}

// docTitle names a document: "Boleta 1.204".
func docTitle(k dte.Key) string { return docName(k.Tipo) + " " + docNumber(k) }

// shortTitle is docTitle for a narrow column.
func shortTitle(k dte.Key) string {
	name := docName(k.Tipo)
	switch k.Tipo {
	case dte.BoletaExenta:
		name = "B. exenta"
	case dte.FacturaExenta:
		name = "F. exenta"
	case dte.NotaCredito:
		name = "N. crédito"
	case dte.NotaDebito:
		name = "N. débito"
	case dte.GuiaDespacho:
		name = "Guía"
	}
	return name + " " + docNumber(k)
}

func clientName(r dte.Receptor) string {
	switch {
	case r.RznSoc != "":
		return r.RznSoc
	case r.RUT != 0 && r.RUT != dte.RUTAnonimo:
		return r.RUT.Dotted()
	}
	return "Sin cliente"
}

// qty is a line's quantity with its unit: "2", "1,25 kg".
func qty(l sale.Line) string {
	if l.Unidad == "" {
		return l.Qty.String()
	}
	return l.Qty.String() + " " + l.Unidad
}

func articles(lines []sale.Line) string {
	switch len(lines) {
	case 0:
		return "Sin productos"
	case 1:
		return "1 línea"
	}
	return strconv.Itoa(len(lines)) + " líneas"
}

// unpaidWords say why nobody paid.
func unpaidWords(u sale.Unpaid) string {
	if u == sale.ACredito {
		return "A crédito"
	}
	return "Guía"
}

func methodName(m sale.Method) string {
	return sentence(string(m))
}

// day and hour are how times are written: "16-03-2026", "15:04".
func day(t time.Time) string  { return t.In(dte.Santiago).Format("02-01-2006") }
func hour(t time.Time) string { return t.In(dte.Santiago).Format("15:04") }

// documentState is where a document stands, in words.
func documentState(s dte.State) state {
	switch s {
	case dte.Issued, dte.Enveloped:
		return state{theme.IconNameHistory, muted, "Por enviar"}
	case dte.Sending:
		return state{theme.IconNameUpload, muted, "Enviando"}
	case dte.Unknown:
		return state{theme.IconNameQuestion, warn, "Preguntando"}
	case dte.Sent:
		return state{theme.IconNameMailSend, muted, "En revisión"}
	case dte.Accepted:
		return state{theme.IconNameConfirm, good, "Aceptada"}
	case dte.Objected:
		return state{theme.IconNameWarning, warn, "Con reparos"}
	case dte.Rejected:
		return state{theme.IconNameError, bad, "Rechazada"}
	}
	return state{theme.IconNameQuestion, muted, string(s)}
}

// infoState is where a document of the list stands. A sale by voucher goes nowhere from here.
func infoState(d sale.DocumentInfo) state {
	if d.Key.Tipo == sale.Comprobante {
		return state{theme.IconNameConfirm, muted, "Con voucher"}
	}
	return documentState(d.State)
}

// documentStory is the same in a sentence: what happened, what is safe, what to do.
func documentStory(d sale.DocumentInfo) string {
	words := storyOf(d)
	if d.Veredicto.Fuente == dte.FuenteArchivo {
		words += " Lo dice un archivo que se cargó; la caja lo confirma con el SII."
	}
	return words
}

func storyOf(d sale.DocumentInfo) string {
	if d.Key.Tipo == sale.Comprobante {
		return "Una tarjeta pagó todo: su boleta es el comprobante del terminal, que informa el operador. La caja no envía nada; la venta está guardada y cuenta en el turno."
	}
	switch d.State {
	case dte.Issued, dte.Enveloped, dte.Sending:
		return "El documento ya es válido. Se envía solo al SII."
	case dte.Unknown:
		return "El envío se cortó. Se pregunta al SII antes de repetirlo; no hay que hacer nada."
	case dte.Sent:
		return "El SII lo recibió y lo está revisando."
	case dte.Accepted:
		return "El SII lo aceptó."
	case dte.Objected:
		return "Es válido, con reparos del SII: " + verdict(d.Veredicto)
	case dte.Rejected:
		return "El SII lo rechazó: " + verdict(d.Veredicto) + " Avise al encargado; no emita otro sin hablar con él."
	}
	return ""
}

func verdict(v dte.Veredicto) string {
	switch {
	case v.Glosa != "" && v.Codigo != "":
		return v.Glosa + " (" + v.Codigo + ")."
	case v.Glosa != "":
		return v.Glosa + "."
	case v.Codigo != "":
		return v.Codigo + "."
	}
	return "sin motivo escrito."
}

// printState is what became of the paper.
func printState(d sale.DocumentInfo) state {
	switch {
	case d.Key.Tipo == sale.Comprobante && d.Printed == 0 && d.PrintProblem == "":
		return state{theme.IconNameDocumentPrint, muted, "Del terminal"}
	case d.PrintProblem != "" && d.Printed == 0:
		return state{theme.IconNameWarning, warn, "Sin imprimir"}
	case d.Printed == 0:
		return state{theme.IconNameDocumentPrint, muted, "En cola"}
	}
	switch n := reprints(d.Copies); n {
	case 0:
		return state{theme.IconNameDocumentPrint, good, "Impresa"}
	case 1:
		return state{theme.IconNameDocumentPrint, good, "Con 1 copia"}
	default:
		return state{theme.IconNameDocumentPrint, good, fmt.Sprintf("Con %d copias", n)}
	}
}

// reprints are the copies that are marked as such.
func reprints(copies []sale.Copy) (n int) {
	for _, c := range copies {
		if c.N > 0 {
			n++
		}
	}
	return n
}

// paperStory tells why a paper did not come out, which copies did, and what was sent by mail.
func paperStory(d sale.DocumentInfo) string {
	return strings.Join(strings.Fields(d.PrintProblem+" "+copiesWords(d.Copies)+" "+mailSummary(d.Mails)), " ")
}

func shiftState(s sale.Shift) state {
	if !s.Open() {
		return state{theme.IconNameAccount, warn, "Sin turno"}
	}
	return state{theme.IconNameAccount, muted, fmt.Sprintf("Turno %d", s.Number)}
}

// lineState: whether documents leave, and what a cashier should see of the server.
func lineState(s Status, now time.Time) state {
	if server, told := serverState(s.Server, now); told && (s.Line != LineDown || !s.Server.Down) {
		return server
	}
	switch s.Line {
	case LineUp:
		return state{theme.IconNameConfirm, good, "En línea"}
	case LineDown:
		words := "Sin internet"
		if age := ago(s.Since, now); age != "" {
			words += " " + age
		}
		return state{theme.IconNameWarning, warn, words}
	}
	return state{theme.IconNameHistory, muted, "Probando línea"}
}

func lineAdvice(s Status, now time.Time) string {
	_, told := serverState(s.Server, now)
	switch {
	case told && (s.Line != LineDown || !s.Server.Down):
		return serverStory(s.Server, now)
	case s.Line == LineDown && s.LineProblem != "":
		return s.LineProblem
	case s.Line == LineDown:
		return "Sin internet. Puede seguir vendiendo: los documentos son válidos y se enviarán solos al volver la línea."
	}
	return "Hay internet. Los documentos se envían solos al SII; si se corta la línea, se puede seguir vendiendo."
}

func waitingState(s Status, now time.Time) state {
	if s.Waiting == 0 {
		return state{theme.IconNameConfirm, good, "SII al día"}
	}
	words := fmt.Sprintf("SII: %d por enviar", s.Waiting)
	if age := ago(s.Oldest, now); age != "" {
		words += ", " + strings.TrimPrefix(age, "hace ") // there is little room in the strip
	}
	return state{theme.IconNameUpload, lateness(s, now), words}
}

// lateness: a boleta must be sent within the hour in which the line is back (Res. Ex. SII 99 of 2019), so an old one
// deserves a look.
func lateness(s Status, now time.Time) fyne.ThemeColorName {
	if !s.Oldest.IsZero() && now.Sub(s.Oldest) > time.Hour {
		return warn
	}
	return muted
}

const fewFolios = 50

func folioState(s sale.Snapshot) state {
	words := fmt.Sprintf("Folios: %s", money.Pesos(s.Folios))
	switch {
	case s.Folios == 0:
		return state{theme.IconNameError, bad, "Sin folios"}
	case s.Folios < fewFolios:
		return state{theme.IconNameWarning, warn, words}
	}
	return state{theme.IconNameDocument, muted, words}
}

func folioAdvice(s sale.Snapshot) string {
	name := docName(s.Tipo)
	switch s.Folios {
	case 0:
		if s.Served {
			return fmt.Sprintf("No quedan folios de %s en esta caja. Lo vendido está a salvo. %s.", name, s.Refill)
		}
		return fmt.Sprintf("No quedan folios de %s en esta caja. Lo vendido está a salvo. Pida folios al encargado para seguir con ese documento.", name)
	case 1:
		return fmt.Sprintf("Queda 1 folio de %s en esta caja.", name)
	}
	switch {
	case s.Sent:
		return fmt.Sprintf("Quedan %s folios de %s en esta caja. El servidor manda más antes de que falten.", money.Pesos(s.Folios), name)
	case s.Served:
		return fmt.Sprintf("Quedan %s folios de %s en esta caja. %s.", money.Pesos(s.Folios), name, s.Refill)
	}
	return fmt.Sprintf("Quedan %s folios de %s en esta caja. Cuando falten pocos, pida más al encargado.", money.Pesos(s.Folios), name)
}

func printerState(s Status) state {
	if s.PrinterProblem != "" {
		return state{theme.IconNameWarning, warn, "No imprime"}
	}
	return state{theme.IconNameDocumentPrint, good, "Imprime"}
}

func printerTone(s Status) fyne.ThemeColorName {
	if s.PrinterProblem != "" {
		return warn
	}
	return accent
}

func printerAdvice(s Status) string {
	if s.PrinterProblem != "" {
		return "No sale el papel: " + s.PrinterProblem + " La venta quedó emitida; el papel sale solo al arreglarlo."
	}
	return "La impresora está lista. En el menú, Documentos, se reimprime cualquiera."
}

// sentWords tell the buyer's question at the end of a sale: is it sent?
func sentWords(s dte.State, line Line) state {
	switch {
	case s == dte.Accepted || s == dte.Sent || s == dte.Objected:
		return state{theme.IconNameConfirm, good, "Enviada al SII"}
	case s == dte.Rejected:
		return state{theme.IconNameError, bad, "El SII la rechazó: vea Documentos"}
	case line == LineDown:
		return state{theme.IconNameHistory, warn, "Se enviará sola al volver internet"}
	}
	return state{theme.IconNameUpload, muted, "Se está enviando al SII"}
}

// sentence begins with a capital: errors of Go begin small.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// stopped ends with a full stop: errors of Go have none.
func stopped(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

func docNumber(k dte.Key) string { return money.Pesos(k.Folio).String() }
