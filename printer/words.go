package printer

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// The words that the law puts on paper.
const (
	legendTimbre = "Timbre Electrónico SII"
	noTimbre     = "(Timbre no impreso: el documento es igualmente válido)"
	cedibleWord  = "CEDIBLE"
	acuseTitle   = "Acuse de recibo"
	// Law 19.983, arts. 4 b) and 5 c); the wording is the SII's ("Manual de muestras impresas").
	acuseText = "El acuse de recibo que se declara en este acto, de acuerdo a lo dispuesto en la letra b) del Art. 4°, " +
		"y la letra c) del Art. 5° de la Ley 19.983, acredita que la entrega de mercaderías o servicio(s) prestado(s) " +
		"ha(n) sido recibido(s)."
	trainingTitle = "CAPACITACIÓN"
	trainingText  = "SIN VALIDEZ"
)

func acuseFields() []string { return []string{"Nombre", "R.U.T.", "Fecha", "Recinto", "Firma"} }

// legible makes a text safe for paper: one line, no control characters (a product's name must not command the printer),
// typographic signs in their plain form, and nothing that the printers' character set lacks.
func legible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsControl(r) || unicode.IsSpace(r):
			b.WriteByte(' ')
		case plainForm(r) != "":
			b.WriteString(plainForm(r))
		default:
			if _, ok := charmap.CodePage858.EncodeRune(r); !ok {
				r = '?'
			}
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func plainForm(r rune) string {
	switch r {
	case '“', '”', '„', '″':
		return `"`
	case '‘', '’', '′':
		return "'"
	case '–', '—', '‐', '‑', '−':
		return "-"
	case '…':
		return "..."
	case '•':
		return "·"
	}
	return ""
}

// wrap cuts a text into lines of at most width characters, between words where it can. An empty text is no line.
func wrap(s string, width int) []string {
	var lines []string
	var line []rune
	for _, word := range strings.Fields(s) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > width {
			lines, line = append(lines, string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(line)+len(w) > width { // only a word longer than a line
			lines, w = append(lines, string(w[:width])), w[width:]
		}
		line = append(line, w...)
	}
	if len(line) > 0 {
		lines = append(lines, string(line))
	}
	return lines
}

func width(s string) int { return len([]rune(s)) }

// pesos is an amount with its sign: "$ 4.758", "-$ 5".
func pesos(p money.Pesos) string {
	if p < 0 {
		return "-$ " + (-p).String()
	}
	return "$ " + p.String()
}

func fecha(d dte.Date) string { return fmt.Sprintf("%02d-%02d-%04d", d.Day, d.Month, d.Year) }

func folio(d *dte.Document) string { return "N° " + d.Folio.String() }

func documentName(d *dte.Document) string { return strings.ToUpper(d.Tipo.String()) }

// join writes the parts that are not empty.
func join(separator string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p = legible(p); p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, separator)
}

func address(direccion, comuna, ciudad string) string {
	if strings.EqualFold(comuna, ciudad) {
		ciudad = ""
	}
	return join(", ", direccion, comuna, ciudad)
}

// emisorLines are the issuer's data under the razón social.
func emisorLines(e dte.Emisor) []string {
	phones := strings.Join(e.Telefono, " / ")
	return notEmpty([]string{
		legible(e.Giro),
		address(e.Direccion, e.Comuna, e.Ciudad),
		join(": ", labelIf("Sucursal", e.Sucursal), e.Sucursal),
		join(" ", labelIf("Tel.", phones), phones),
		legible(e.Correo),
	})
}

// field is a label and what it says.
type field struct{ label, text string }

// receptorFields are the buyer's data; none for a buyer who is not identified.
func receptorFields(r dte.Receptor) []field {
	rut := r.RUT.Dotted()
	if r.RUT == dte.RUTAnonimo {
		if rut = ""; r.RznSoc == "" {
			return nil
		}
	}
	var fields []field
	for _, f := range []field{
		{"Señor(es)", legible(r.RznSoc)},
		{"R.U.T.", rut},
		{"Giro", legible(r.Giro)},
		{"Dirección", address(r.Direccion, r.Comuna, r.Ciudad)},
		{"Contacto", join(" · ", r.Contacto, r.Telefono, r.Correo)},
	} {
		if f.text != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// conditionFields say how the document is to be paid.
func conditionFields(d *dte.Document) []field {
	var fields []field
	if name := formaPago(d.FmaPago); name != "" {
		fields = append(fields, field{"Forma de pago", name})
	}
	if name := medioPago(d.MedioPago); name != "" {
		fields = append(fields, field{"Medio de pago", name})
	}
	if !d.FchVenc.IsZero() {
		fields = append(fields, field{"Vencimiento", fecha(d.FchVenc)})
	}
	return fields
}

func formaPago(code int) string {
	switch code {
	case 1:
		return "Contado"
	case 2:
		return "Crédito"
	case 3:
		return "Sin costo (entrega gratuita)"
	}
	return ""
}

// medioPago is the name of a factura's code (Formato DTE, field MedioPago). The numbers of boletas have no name here:
// their tenders are printed.
func medioPago(code string) string {
	switch code {
	case "CH":
		return "Cheque"
	case "CF":
		return "Cheque a fecha"
	case "LT":
		return "Letra"
	case "EF":
		return "Efectivo"
	case "PE":
		return "Depósito o transferencia"
	case "TC":
		return "Tarjeta de crédito o débito"
	case "OT":
		return "Otro"
	}
	return ""
}

func methodName(m sale.Method) string {
	switch m {
	case sale.Efectivo:
		return "Efectivo"
	case sale.Tarjeta:
		return "Tarjeta"
	case sale.Transferencia:
		return "Transferencia"
	}
	return legible(string(m))
}

// referenceSentence tells a reference in words: "Anula Boleta Electrónica N° 12 del 16-03-2026: devolución". It is empty
// for one that only carries codes of the till.
func referenceSentence(r dte.Referencia) string {
	what := documentNames(r.TpoDocRef)
	if r.FolioRef != "" && r.FolioRef != "0" {
		what = join(" N° ", what, r.FolioRef)
	}
	if !r.FchRef.IsZero() {
		what = join(" del ", what, fecha(r.FchRef))
	}
	if verb := effect(r.CodRef); verb != "" {
		what = join(" ", verb, what)
	}
	return join(": ", join(" ", r.CodRefBoleta, what), r.RazonRef)
}

func effect(c dte.CodRef) string {
	switch c {
	case dte.Anula:
		return "Anula"
	case dte.CorrigeTexto:
		return "Corrige texto de"
	case dte.CorrigeMontos:
		return "Corrige montos de"
	}
	return ""
}

// documentNames are the names of what may be referred to (Formato DTE, field TpoDocRef).
func documentNames(code string) string {
	names := map[string]string{
		"": "", "30": "Factura", "32": "Factura Exenta", "35": "Boleta", "38": "Boleta Exenta", "45": "Factura de Compra",
		"46": "Factura de Compra Electrónica", "50": "Guía de Despacho", "52": "Guía de Despacho Electrónica",
		"55": "Nota de Débito", "60": "Nota de Crédito", "103": "Liquidación", "110": "Factura de Exportación Electrónica",
		"111": "Nota de Débito de Exportación Electrónica", "112": "Nota de Crédito de Exportación Electrónica",
		"801": "Orden de Compra", "802": "Nota de Pedido", "803": "Contrato", "804": "Resolución", "805": "Proceso ChileCompra",
		"806": "Ficha ChileCompra", "807": "DUS", "808": "Conocimiento de Embarque", "809": "Guía Aérea", "810": "MIC/DTA",
		"811": "Carta de Porte", "812": "Resolución del SNA", "813": "Pasaporte", "HES": "Hoja de Entrada de Servicio",
		"HEM": "Hoja de Entrada de Materiales", "SET": "Set de pruebas",
	}
	for _, t := range dte.Tipos() {
		names[fmt.Sprint(int(t))] = t.String()
	}
	if name, ok := names[code]; ok {
		return name
	}
	return "Documento " + code
}

// totalFields are the totals as the document states them, without the total itself.
func totalFields(d *dte.Document) []field {
	var fields []field
	for _, g := range d.DscRcg {
		fields = append(fields, globalField(g))
	}
	t := d.Totales
	if !d.Tipo.EsBoleta() && (t.MntNeto != 0 || t.TasaIVA != 0) {
		fields = append(fields, field{"Neto", pesos(t.MntNeto)}, field{"IVA " + t.TasaIVA.String() + "%", pesos(t.IVA)})
	}
	if t.MntExe != 0 {
		fields = append(fields, field{"Monto Exento", pesos(t.MntExe)})
	}
	return fields
}

// globalField shows a discount or surcharge on the whole in the way that the document states it.
func globalField(g dte.DscRcgGlobal) field {
	label, sign := "Descuento global", money.Pesos(-1)
	if g.TpoMov == dte.RecargoGlobal {
		label, sign = "Recargo global", 1
	}
	switch g.IndExe {
	case dte.Exento:
		label += " a lo exento"
	case dte.NoFacturable:
		label += " a lo no facturable"
	}
	label = join(": ", label, g.Glosa)
	if g.Pct != 0 {
		return field{label, (money.Rate(sign) * g.Pct).String() + "%"}
	}
	return field{label, pesos(sign * g.Monto)}
}

// afterTotalFields follow the total: what is not part of it.
func afterTotalFields(d *dte.Document) []field {
	var fields []field
	if d.Totales.MontoNF != 0 {
		fields = append(fields, field{"No facturable", pesos(d.Totales.MontoNF)})
	}
	if d.Totales.VlrPagar != 0 {
		fields = append(fields, field{"Valor a pagar", pesos(d.Totales.VlrPagar)})
	}
	return fields
}

// ivaSentence states the IVA of a boleta, which shows no net amount (law 21.210; FAQ 001.380.6277).
func ivaSentence(d *dte.Document) string {
	if !d.Tipo.EsBoleta() || d.Tipo.EsExento() {
		return ""
	}
	return "El IVA incluido en esta boleta es de " + pesos(d.Totales.IVA)
}

// paymentFields are the payment as the sale's record states it, below the fiscal total. Only the cash part is rounded
// (law 20.956), and the document keeps the exact total.
func paymentFields(r sale.Record) []field {
	var fields []field
	p := r.Payment
	if p.Rounding != 0 {
		fields = append(fields, field{"Redondeo (Ley 20.956)", pesos(p.Rounding)},
			field{totalPaid(r), pesos(r.Total + p.Rounding)})
	}
	for _, t := range p.Tenders {
		label, amount := methodName(t.Method), t.Amount
		if t.Reference != "" {
			label += " (op. " + legible(t.Reference) + ")"
		}
		if t.Received != 0 {
			amount = t.Received
		}
		fields = append(fields, field{label, pesos(amount)})
	}
	if p.Change != 0 {
		fields = append(fields, field{"Vuelto", pesos(p.Change)})
	}
	return fields
}

func totalPaid(r sale.Record) string {
	if r.Key.Tipo == dte.NotaCredito {
		return "Total a devolver"
	}
	return "Total a pagar"
}

// legend is what stands under the timbre. Boletas may name a site of the shop's own; all else is verified at the SII.
func legend(d *dte.Document, s sale.Shop) []string {
	site := legible(s.Verificacion)
	if site == "" || !d.Tipo.EsBoleta() {
		site = "www.sii.cl"
	}
	return []string{
		legendTimbre,
		fmt.Sprintf("Res. %d de %d", s.Resolucion.Nro, s.Resolucion.Fch.Year),
		"Verifique documento: " + site,
	}
}

// change is a discount or surcharge of a line as the document states it: amount, percentage or both.
type change struct {
	word   string
	pct    money.Rate
	amount money.Pesos
}

// percent is "10%", or empty.
func (c change) percent() string {
	if c.pct == 0 {
		return ""
	}
	return c.pct.String() + "%"
}

// signed is the amount with the sign of its effect, or empty.
func (c change) signed() string {
	if c.amount == 0 {
		return ""
	}
	return c.amount.String()
}

// changes are the discount and the surcharge of line i.
func changes(d *dte.Document, i int) []change {
	l := d.Detalle[i]
	var all []change
	if c := (change{"descuento", l.DescuentoPct, -stated(d.Descuentos, i)}); c.pct != 0 || c.amount != 0 {
		all = append(all, c)
	}
	if c := (change{"recargo", l.RecargoPct, stated(d.Recargos, i)}); c.pct != 0 || c.amount != 0 {
		all = append(all, c)
	}
	return all
}

func stated(amounts []money.Pesos, i int) money.Pesos {
	if i < len(amounts) {
		return amounts[i]
	}
	return 0
}

// exemption marks a line that is outside the IVA or the total, where the document as a whole does not say so.
func exemption(d *dte.Document, l dte.Linea) string {
	switch l.IndExe {
	case dte.Exento:
		if d.Tipo.EsExento() {
			return ""
		}
		return "exento"
	case dte.NoFacturable, dte.NoFacturableNegativo:
		return "no facturable"
	}
	return ""
}

func labelIf(label, text string) string {
	if text == "" {
		return ""
	}
	return label
}

func notEmpty(lines []string) []string {
	var some []string
	for _, l := range lines {
		if l != "" {
			some = append(some, l)
		}
	}
	return some
}
