package setpruebas

import (
	"regexp"
	"strconv"
	"strings"

	"mostrador/dte"
	"mostrador/money"
)

var (
	compraDoc  = regexp.MustCompile(`^(.+) (\d{1,10})$`)
	factor     = regexp.MustCompile(`^EN FACTURA CON IVA USO COMUN CONSIDERE QUE EL FACTOR DE PROPORCIONALIDAD DEL IVA ES DE ([01][.,]\d{1,4})\.?$`)
	porDescto  = regexp.MustCompile(`^NOTA DE (?:CREDITO|DEBITO) POR (?:DESCUENTO|DEVOLUCION) A? ?FACTURA(?: ELECTRONICA)? (\d{1,10})$`)
	guiaDeCaso = regexp.MustCompile(`^-? ?EL CASO (\d+) CORRESPONDE A UNA GUIA (QUE SE FACTURO EN EL PERIODO|ANULADA)\.?$`)
)

// comprados are the documents of the libro de compras, those on paper too.
var comprados = map[string]dte.TipoDTE{
	"FACTURA":                       30,
	"FACTURA ELECTRONICA":           dte.Factura,
	"FACTURA EXENTA":                32,
	"FACTURA EXENTA ELECTRONICA":    dte.FacturaExenta,
	"FACTURA DE COMPRA":             45,
	"FACTURA DE COMPRA ELECTRONICA": dte.FacturaCompra,
	"NOTA DE DEBITO":                55,
	"NOTA DE DEBITO ELECTRONICA":    dte.NotaDebito,
	"NOTA DE CREDITO":               60,
	"NOTA DE CREDITO ELECTRONICA":   dte.NotaCredito,
}

var tratamientos = map[string]Tratamiento{
	"FACTURA DEL GIRO CON DERECHO A CREDITO": ConCredito,
	"FACTURA CON IVA USO COMUN":              UsoComun,
	"ENTREGA GRATUITA DEL PROVEEDOR":         EntregaGratuita,
	"COMPRA CON RETENCION TOTAL DEL IVA":     RetencionTotal,
}

// comprasLine: three lines make a document: type and folio, how it counts, and its amounts.
func (p *parser) comprasLine() {
	c := p.pending
	switch {
	case p.general != nil:
		p.general = append(p.general, Nota{p.n, p.raw})
	case p.w == "OBSERVACIONES GENERALES":
		p.general = []Nota{}
	case p.w == "TIPO DOCUMENTO FOLIO" || p.w == "OBSERVACIONES":
	case p.w == "MONTO EXENTO MONTO AFECTO":
		p.amountColumns()
	case c == nil:
		p.compraDocument()
	case c.Observacion == "":
		p.compraObservation(c)
	default:
		p.compraAmounts(c)
	}
}

func (p *parser) amountColumns() {
	ws := layout(p.raw)
	p.amounts = []column{{cantidad, ws[0].start, ws[1].end}, {precio, ws[2].start, ws[3].end}}
}

func (p *parser) compraDocument() {
	m := compraDoc.FindStringSubmatch(p.w)
	if m == nil {
		p.fault("se esperaba un documento y su folio")
		return
	}
	tipo, ok := comprados[m[1]]
	folio, err := strconv.ParseInt(m[2], 10, 64)
	if !ok || err != nil || folio == 0 {
		p.fault("no se conoce el documento o su folio")
		return
	}
	p.pending = &Compra{Line: p.n, Tipo: tipo, Folio: dte.Folio(folio)}
}

func (p *parser) compraObservation(c *Compra) {
	c.Observacion = p.w
	c.Tratamiento = tratamientos[p.w]
	if m := porDescto.FindStringSubmatch(p.w); m != nil {
		folio, _ := strconv.ParseInt(m[1], 10, 64) // ten digits
		c.Tratamiento, c.FolioAfectado = ConCredito, dte.Folio(folio)
	}
	if c.Tratamiento == "" {
		p.fault("no se conoce cómo cuenta la compra")
	}
}

// compraAmounts: of a single amount only its place says whether it is exempt, so that there must be a place to judge.
func (p *parser) compraAmounts(c *Compra) {
	p.pending = nil
	ws := layout(p.raw)
	if p.amounts == nil || len(ws) == 1 && ws[0].start == 0 {
		p.fault("no se ve si el monto es exento o afecto")
		return
	}
	placed, ok := nearest(ws, p.amounts)
	if !ok {
		p.fault("no se entienden los montos")
		return
	}
	for i, column := range placed.columns {
		amount, err := money.PesosFromXML(ws[i].text)
		if err != nil {
			p.fault("%s", err)
			return
		}
		if column.kind == cantidad {
			c.MntExe = amount
		} else {
			c.MntNeto = amount
		}
	}
	p.set.Compras = append(p.set.Compras, *c)
}

func (p *parser) endCompras() {
	if p.pending != nil {
		p.faultAt(p.pending.Line, "al documento le faltan líneas")
	}
	if len(p.set.Compras) == 0 {
		p.faultAt(p.set.Line, "el libro de compras no trae documentos")
	}
	texts := make([]string, len(p.general))
	for i, n := range p.general {
		texts[i] = n.Texto
	}
	if m := factor.FindStringSubmatch(words(strings.Join(texts, " "))); m != nil {
		p.set.FactorUsoComun = p.fraction(m[1])
	} else {
		for _, n := range p.general {
			p.faults = append(p.faults, LineError{n.Line, clip(strings.TrimSpace(n.Texto)), "no se entiende la observación"})
		}
	}
	p.general, p.pending, p.amounts = nil, nil, nil
}

// fraction reads a part of one, "0.60", as a percentage.
func (p *parser) fraction(s string) money.Rate {
	q, err := money.QtyFromXML(strings.Replace(s, ",", ".", 1))
	if err == nil && q <= money.One {
		return money.Rate(q * 100_00 / money.One) // four decimals at most: exact
	}
	p.fault("el factor de proporcionalidad no se entiende")
	return 0
}

// libroGuiasLine: "- EL CASO 2 CORRESPONDE A UNA GUIA QUE SE FACTURO EN EL PERIODO".
func (p *parser) libroGuiasLine() {
	m := guiaDeCaso.FindStringSubmatch(p.w)
	n, err := strconv.Atoi(m[1])
	if err != nil {
		p.fault("el número del caso no se entiende")
		return
	}
	if m[2] == "ANULADA" {
		p.set.GuiasAnuladas = append(p.set.GuiasAnuladas, n)
	} else {
		p.set.GuiasFacturadas = append(p.set.GuiasFacturadas, n)
	}
}
