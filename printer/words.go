package printer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"mostrador/dte"
	"mostrador/dte/aduana"
	"mostrador/money"
	"mostrador/sale"
)

// The words that the law puts on paper.
const (
	legendTimbre = "Timbre Electrónico SII"
	noTimbre     = "(Timbre no impreso: el documento es igualmente válido)"
	acuseTitle   = "Acuse de recibo"
	// Law 19.983, arts. 4 b) and 5 c); the wording is the SII's ("Manual de muestras impresas").
	acuseText = "El acuse de recibo que se declara en este acto, de acuerdo a lo dispuesto en la letra b) del Art. 4°, " +
		"y la letra c) del Art. 5° de la Ley 19.983, acredita que la entrega de mercaderías o servicio(s) prestado(s) " +
		"ha(n) sido recibido(s)."
	trainingTitle = "CAPACITACIÓN"
	trainingText  = "SIN VALIDEZ"
)

// cedibleWord is the destination of the copy that can be ceded; a guía is ceded together with its factura.
func cedibleWord(d *dte.Document) string {
	if d.Tipo == dte.GuiaDespacho {
		return "CEDIBLE CON SU FACTURA"
	}
	return "CEDIBLE"
}

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
func receptorFields(d *dte.Document) []field {
	r := d.Receptor
	rut := r.RUT.Dotted()
	if r.RUT == dte.RUTAnonimo {
		if rut = ""; r.RznSoc == "" {
			return nil
		}
	}
	fields := []field{{"Señor(es)", r.RznSoc}, {"R.U.T.", rut}}
	if e := d.Exportacion; e != nil {
		fields = append(fields, field{"Identificación", e.NumID}, field{"Nacionalidad", nationality(e.Nacionalidad)})
	}
	return withText(append(fields,
		field{"Giro", r.Giro},
		field{"Dirección", address(r.Direccion, r.Comuna, r.Ciudad)},
		field{"Contacto", join(" · ", r.Contacto, r.Telefono, r.Correo)},
	))
}

// conditionFields say on which terms, and for whom, the document is made.
func conditionFields(d *dte.Document) []field {
	fields := []field{{"Forma de pago", formaPago(d.FmaPago)}}
	if e := d.Exportacion; e != nil {
		fields = []field{{"Moneda", e.TpoMoneda}, {"Forma de pago", customs(aduana.FormasPago, e.FmaPagExp)}}
	}
	return withText(append(fields,
		field{"Medio de pago", medioPago(d.MedioPago)},
		field{"Vencimiento", day(d.FchVenc)},
		field{"Período", join(" al ", day(d.PeriodoDesde), day(d.PeriodoHasta))},
		field{"Mandante", d.RUTMandante.Dotted()},
		field{"Solicitada por", d.RUTSolicita.Dotted()},
	))
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
	case sale.Debito:
		return "Tarjeta de débito"
	case sale.Credito:
		return "Tarjeta de crédito"
	}
	r, n := utf8.DecodeRuneInString(string(m))
	return legible(string(unicode.ToUpper(r)) + string(m)[n:])
}

// referenceSentence tells a reference in words: "Anula Boleta Electrónica N° 12 del 16-03-2026: devolución". It is empty
// for one that only carries codes of the till.
func referenceSentence(r dte.Referencia) string {
	what := documentNames(r.TpoDocRef)
	switch {
	case r.IndGlobal:
		what = join(" ", what, "(referencia global a varios documentos)")
	case r.FolioRef != "" && r.FolioRef != "0":
		what = join(" N° ", what, r.FolioRef)
	}
	what = join(" ", what, labelled("de R.U.T.", r.RUTOtr.Dotted()), labelled("del", day(r.FchRef)))
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
		"": "", "43": "Liquidación-Factura Electrónica", "30": "Factura", "32": "Factura Exenta", "35": "Boleta", "38": "Boleta Exenta", "45": "Factura de Compra",
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

// totalFields are the totals as the document states them, in the order in which they add up to the total.
func totalFields(d *dte.Document) []field {
	t := d.Totales
	if e := t.Divisa; e != nil {
		return []field{{"Monto Exento", e.MntExe.String()}}
	}
	var fields []field
	if !d.Tipo.EsBoleta() && (t.MntNeto != 0 || t.TasaIVA != 0) {
		fields = append(fields, field{"Neto", pesos(t.MntNeto)}, field{"IVA " + t.TasaIVA.String() + "%", pesos(t.IVA)})
	}
	if t.MntExe != 0 {
		fields = append(fields, field{"Monto Exento", pesos(t.MntExe)})
	}
	for _, i := range t.Impuestos {
		fields = append(fields, taxField(i))
	}
	if t.GrntDep != 0 {
		fields = append(fields, field{"Garantía por envases", pesos(t.GrntDep)})
	}
	return fields
}

// totalField is the total itself. An export's names its currency.
func totalField(d *dte.Document) field {
	e, t := d.Exportacion, d.Totales.Divisa
	if e == nil || t == nil {
		return field{"TOTAL", pesos(d.Totales.MntTotal)}
	}
	return field{join(" ", "TOTAL", e.TpoMoneda), t.MntTotal.String()}
}

// globalFields are the discounts and surcharges on the whole.
func globalFields(d *dte.Document) []field {
	var fields []field
	for _, g := range d.DscRcg {
		fields = append(fields, globalField(d, g))
	}
	return fields
}

// globalField shows a discount or surcharge on the whole in the way that the document states it.
func globalField(d *dte.Document, g dte.DscRcgGlobal) field {
	label, sign := "Descuento global", money.Pesos(-1)
	if g.TpoMov == dte.RecargoGlobal {
		label, sign = "Recargo global", 1
	}
	switch {
	case g.IndExe == dte.Exento && !d.Tipo.EsExento() && !d.Tipo.EsExportacion():
		label += " a lo exento"
	case g.IndExe == dte.NoFacturable:
		label += " a lo no facturable"
	}
	label = join(": ", label, g.Glosa)
	switch {
	case g.Pct != 0:
		return field{label, (money.Rate(sign) * g.Pct).String() + "%"}
	case d.Tipo.EsExportacion():
		return field{label, (money.Divisa(sign) * g.Divisa).String()}
	}
	return field{label, pesos(sign * g.Monto)}
}

// afterTotalFields follow the total: what is not part of it.
func afterTotalFields(d *dte.Document) []field {
	var fields []field
	t := d.Totales
	if e := d.Exportacion; e != nil && t.Divisa != nil {
		// The law wants the equivalent in pesos (HED-3-834).
		fields = append(fields, field{"Tipo de cambio", "$ " + e.TpoCambio.String()},
			field{"Monto Exento en pesos", pesos(t.Divisa.MntExeCL)}, field{"Total en pesos", pesos(t.Divisa.MntTotCL)})
	}
	for _, f := range []struct {
		label  string
		amount money.Pesos
	}{
		{"IVA no retenido", t.IVANoRet},
		{"No facturable", t.MontoNF},
		{"Monto del período", t.MontoPeriodo},
		{"Saldo anterior", t.SaldoAnterior},
		{"Valor a pagar", t.VlrPagar},
	} {
		if f.amount != 0 {
			fields = append(fields, field{f.label, pesos(f.amount)})
		}
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
		if detail := tenderDetail(t); detail != "" {
			label += " (" + detail + ")"
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

// tenderDetail is what a buyer must be able to check later: a number, the instalments, the vale's code.
func tenderDetail(t sale.Tender) string {
	switch {
	case t.Method == sale.Cheque:
		return "N° " + legible(t.Cheque.Numero) + " " + legible(t.Cheque.Banco)
	case t.Method == sale.Vale || t.Method == sale.Fiado:
		return legible(t.Reference)
	case t.Cuotas > 1:
		return join(", ", operation(t), strconv.Itoa(t.Cuotas)+" cuotas")
	}
	return operation(t)
}

func operation(t sale.Tender) string {
	if t.Reference == "" {
		return ""
	}
	return "op. " + legible(t.Reference)
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

// marks say what is special about a line: outside the IVA or the total, and under which additional taxes.
func marks(d *dte.Document, l dte.Linea) string {
	all := []string{exemption(d, l)}
	for _, cod := range l.CodImpAdic {
		all = append(all, fmt.Sprintf("imp. %d", cod))
	}
	if l.MntBaseFaena != 0 {
		all = append(all, "base faena "+pesos(l.MntBaseFaena))
	}
	return join(", ", all...)
}

// exemption marks a line that is outside the IVA or the total, where the document as a whole does not say so.
func exemption(d *dte.Document, l dte.Linea) string {
	switch l.IndExe {
	case dte.Exento:
		if d.Tipo.EsExento() || d.Tipo.EsExportacion() {
			return ""
		}
		return "exento"
	case dte.NoFacturable:
		return "no facturable"
	case dte.NoFacturableNegativo:
		return "no facturable, se rebaja"
	case dte.GarantiaDeposito:
		return "garantía"
	case dte.NoVenta:
		return "no constituye venta"
	case dte.ARebajar:
		return "se rebaja"
	}
	return ""
}

// amount is the stated amount of line i.
func amount(d *dte.Document, i int) string {
	switch {
	case i < len(d.MontosDivisa):
		return d.MontosDivisa[i].String()
	case i < len(d.Montos):
		return d.Montos[i].String()
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
