package sale

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"mostrador/dte"
)

// PDFKind is how a document is laid out in a file.
type PDFKind int

// The kinds of PDF.
const (
	PDFCarta   PDFKind = iota // letter pages
	PDFCedible                // the same, followed by the copy that can be ceded
	PDFRollo                  // as the printer's roll of 80 mm
)

// PDFName is the file's name, without its ending: "boleta-39-1234". Each kind has one of its own.
func PDFName(k dte.Key, kind PDFKind) string {
	name := fmt.Sprintf("%s-%d-%d", fileNoun(k.Tipo), int(k.Tipo), k.Folio)
	switch kind {
	case PDFCedible:
		name += "-cedible"
	case PDFRollo:
		name += "-80mm"
	case PDFCarta:
	}
	return name
}

func fileNoun(t dte.TipoDTE) string {
	switch t {
	case dte.Boleta:
		return "boleta"
	case dte.BoletaExenta:
		return "boleta-exenta"
	case dte.Factura:
		return "factura"
	case dte.FacturaExenta:
		return "factura-exenta"
	case dte.FacturaCompra:
		return "factura-de-compra"
	case dte.GuiaDespacho:
		return "guia-de-despacho"
	case dte.NotaCredito:
		return "nota-de-credito"
	case dte.NotaDebito:
		return "nota-de-debito"
	}
	return "documento"
}

// MayBeCedible reports whether documents of this type may have a copy that can be ceded (law 19.983). Of guías only a sale has.
func MayBeCedible(t dte.TipoDTE) bool {
	switch t {
	case dte.Factura, dte.FacturaExenta, dte.FacturaCompra, dte.GuiaDespacho:
		return true
	}
	return false
}

// ErrPhone: this is no mobile telephone of Chile.
var ErrPhone = errors.New("no es un celular de Chile. No se perdió nada; escriba el 9 y ocho números, como 9 1234 5678")

// ParsePhone reads a mobile number as people write it ("+56 9 1234 5678", "09-12345678", "912345678") and gives the form that
// WhatsApp wants: 56912345678.
func ParsePhone(text string) (string, error) {
	digits := strings.NewReplacer(" ", "", "\u00a0", "", "-", "", ".", "", "(", "", ")", "").Replace(strings.TrimSpace(text))
	digits, abroad := strings.CutPrefix(digits, "+")
	if !abroad {
		digits = strings.TrimLeft(digits, "0") // 00 56 …, or the 0 of the old long distance
	}
	if len(digits) == 9 && !abroad {
		digits = "56" + digits
	}
	if len(digits) != 11 || !strings.HasPrefix(digits, "569") || strings.Trim(digits, "0123456789") != "" {
		return "", fmt.Errorf("«%s» %w", text, ErrPhone)
	}
	return digits, nil
}

// CopyText is what a buyer is told of a document, in a message: who issued it, which one, when, how much, and where to verify
// it. Boletas may name a site of the shop's own; all else is verified at the SII.
func CopyText(s Shop, r Record) string {
	site := strings.TrimSpace(s.Verificacion)
	if site == "" || !r.Key.Tipo.EsBoleta() {
		site = "www.sii.cl"
	}
	lines := []string{
		fmt.Sprintf("%s, RUT %s", s.Emisor.RznSoc, r.Key.Emisor.Dotted()),
		fmt.Sprintf("%s N° %s", r.Key.Tipo, r.Key.Folio),
		"Fecha: " + r.At.In(dte.Santiago).Format("02-01-2006"),
		"Total: $" + r.Total.String(),
		"Verifique el documento en " + site,
	}
	if r.Training || s.Training() {
		lines = append([]string{"CAPACITACIÓN: SIN VALIDEZ"}, lines...)
	}
	return strings.Join(lines, "\n")
}

// WhatsAppLink opens WhatsApp with a text that waits to be sent; without a phone, whoever opens it chooses to whom.
func WhatsAppLink(phone, text string) string {
	return "https://wa.me/" + phone + "?text=" + strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// SavedPDF keeps in the log that a document was saved as a file. It has no number, as papers have: a file is copied outside, where
// nobody counts. So the log says who made it, and it takes the right of a reprint.
func (r *Register) SavedPDF(k dte.Key, file string) error {
	return r.d.Journal.Log(r.event(EventPDF, fmt.Sprintf("%s N° %s: %s", k.Tipo, k.Folio, file), 0))
}
