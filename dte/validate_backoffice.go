package dte

import (
	"regexp"
	"slices"
	"strconv"

	"mostrador/money"
)

// Limits of the fields that the back office adds.
const (
	maxPagos      = 30
	maxImptoReten = 20
	maxBultos     = 10
)

// backOffice judges what a counter seldom uses.
func (v *validator) backOffice() {
	v.pagos()
	v.taxes()
	v.transporte()
	if v.d.Tipo.EsExportacion() {
		v.exportacion()
	}
}

func (v *validator) pagos() {
	d := v.d
	v.check(len(d.MntPagos) <= maxPagos, "M080", "IdDoc/MntPagos", "caben %d cuotas", maxPagos)
	for _, p := range d.MntPagos {
		v.check(!p.Fch.IsZero() && p.Mnt >= 0, "M080", "IdDoc/MntPagos", "cada cuota lleva fecha y monto")
		v.text("IdDoc/MntPagos/GlosaPagos", p.Glosa, 40, false)
	}
	v.check(d.MntCancel >= 0 && d.SaldoInsol >= 0, "M080", "IdDoc/MntCancel", "los montos pagados y pendientes se escriben sin signo")
	switch d.TpoCtaPago {
	case "", "AHORRO", "CORRIENTE", "VISTA":
	default:
		v.fault("M081", "IdDoc/TpoCtaPago", "la cuenta es AHORRO, CORRIENTE o VISTA")
	}
	v.text("IdDoc/NumCtaPago", d.NumCtaPago, 20, false)
	v.text("IdDoc/BcoPago", d.BcoPago, 40, false)
	v.text("IdDoc/TermPagoCdg", d.TermPagoCdg, 4, false)
	v.text("IdDoc/TermPagoGlosa", d.TermPagoGlosa, 100, false)
	v.check(d.TermPagoDias >= 0 && d.TermPagoDias <= 999, "M081", "IdDoc/TermPagoDias", "los días de plazo son de 1 a 999")
	v.check(d.PeriodoHasta.IsZero() || !d.PeriodoHasta.Before(d.PeriodoDesde), "M082", "IdDoc/PeriodoHasta", "el período termina antes de empezar")
	v.check(d.TipoDespacho >= 0 && d.TipoDespacho <= 3, "M083", "IdDoc/TipoDespacho", "el despacho es 1, 2 o 3")
	v.check(d.TpoTranCompra >= 0 && d.TpoTranCompra <= 7, "M083", "IdDoc/TpoTranCompra", "el tipo de compra es de 1 a 7")
	v.check(d.TpoTranVenta >= 0 && d.TpoTranVenta <= 4, "M083", "IdDoc/TpoTranVenta", "el tipo de venta es de 1 a 4")
	v.check(!d.IndNoRebaja || d.Tipo == NotaCredito, "M084", "IdDoc/IndNoRebaja", "sólo una nota de crédito deja de rebajar débito")
}

// taxes: codes that exist, where they may stand, and with what they may not be mixed.
func (v *validator) taxes() {
	used := map[int]bool{}
	for i, l := range v.d.Detalle {
		if !l.special() {
			continue
		}
		v.at = "Detalle[" + strconv.Itoa(i+1) + "]/"
		const at = "CodImpAdic"
		v.check(len(l.CodImpAdic) <= 2, "M090", at, "caben 2 códigos de impuesto por línea")
		for _, cod := range l.CodImpAdic {
			c, known := ImpuestoPorCodigo(cod)
			v.check(known, "M091", at, "el código de impuesto %d no existe", cod)
			v.check(l.IndExe == Afecto, "M092", at, "una línea exenta o no facturable no lleva impuestos adicionales")
			v.check(c.Efecto != Retencion || v.d.Tipo == FacturaCompra || v.d.Tipo.EsNota(), "M093", at, "la retención %d va en facturas de compra y sus notas", cod)
			v.check(c.Base != SobreFaena || l.MntBaseFaena > 0, "M094", at, "el código %d necesita la base de faena", cod)
			v.check(c.Base != PorMonto || informs(v.d.Informados, cod), "M095", at, "el código %d necesita su monto informado", cod)
			used[cod] = true
		}
		v.check(len(l.CodImpAdic) < 2 || l.CodImpAdic[0] != l.CodImpAdic[1], "M090", at, "un código está dos veces")
		v.check(l.MntBaseFaena >= 0 && l.QtyRef >= 0 && l.PrcRef >= 0, "M094", at, "bases y referencias se escriben sin signo")
		v.text("UnmdRef", l.UnidadRef, 4, false)
	}
	v.at = ""
	for _, i := range v.d.Informados {
		c, _ := ImpuestoPorCodigo(i.Cod)
		v.check(used[i.Cod] && c.Base == PorMonto && i.Monto >= 0 && i.Tasa >= 0, "M095", "Totales/ImptoReten", "el monto informado del código %d no corresponde a ninguna línea", i.Cod)
	}
	if len(used) == 0 {
		return
	}
	v.check(!v.d.Tipo.EsBoleta() && !v.d.Tipo.EsExento() && !v.d.Tipo.EsExportacion(), "M096", "Detalle/CodImpAdic", "este tipo de documento no lleva impuestos adicionales")
	v.check(!v.d.MntBruto, "M097", "IdDoc/MntBruto", "con impuestos adicionales los precios van netos")
	v.check(len(v.d.DscRcg) == 0, "M098", "DscRcgGlobal", "con impuestos adicionales reparta el descuento global entre las líneas: la ley no dice sobre qué base va el impuesto")
	v.check(len(used) <= maxImptoReten, "M090", "Totales/ImptoReten", "caben %d impuestos distintos", maxImptoReten)
}

// special reports a line with taxes or references; nearly none has.
func (l Linea) special() bool {
	return len(l.CodImpAdic) > 0 || l.MntBaseFaena != 0 || l.QtyRef != 0 || l.PrcRef != 0 || l.UnidadRef != ""
}

func informs(list []Impuesto, cod int) bool {
	return slices.ContainsFunc(list, func(i Impuesto) bool { return i.Cod == cod && i.Monto > 0 })
}

// monedas are the currencies by the SII's names (SiiTypes_v10.xsd, TipMonType).
var monedas = []string{
	"BOLIVAR", "BOLIVIANO", "CHELIN", "CORONA DIN", "CORONA NOR", "CORONA SC", "CRUZEIRO REAL", "DIRHAM", "DOLAR AUST", "DOLAR CAN",
	"DOLAR HK", "DOLAR NZ", "DOLAR SIN", "DOLAR TAI", "DOLAR USA", "DRACMA", "ESCUDO", "EURO", "FLORIN", "FRANCO BEL", "FRANCO FR",
	"FRANCO SZ", "GUARANI", "LIBRA EST", "LIRA", "MARCO AL", "MARCO FIN", "NUEVO SOL", "OTRAS MONEDAS", "PESETA", "PESO", "PESO CL",
	"PESO COL", "PESO MEX", "PESO URUG", "RAND", "RENMINBI", "RUPIA", "SUCRE", "YEN",
}

var hora = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$`)

// transporte: a guía travels, so it says how (Res. Ex. 154 of 2025), and why (IndTraslado).
func (v *validator) transporte() {
	d, t := v.d, v.d.Transporte
	if d.Tipo == GuiaDespacho {
		v.check(d.IndTraslado >= 1 && d.IndTraslado <= 9, "M120", "IdDoc/IndTraslado", "falta el tipo de traslado, de 1 (venta) a 9")
		v.check(t != nil && t.Direccion != "" && t.Comuna != "", "M121", "Transporte", "una guía lleva los datos del transporte: al menos dirección y comuna de destino")
		v.check(d.IndTraslado != 5 || d.Receptor.RUT == d.Emisor.RUT, "M122", "Receptor/RUTRecep", "en un traslado interno el receptor es la propia empresa")
		for i, l := range d.Detalle {
			v.check(l.Qty > 0, "M033", "Detalle["+strconv.Itoa(i+1)+"]/QtyItem", "en una guía cada línea lleva cantidad")
		}
	}
	if t == nil {
		return
	}
	v.text("Transporte/Patente", t.Patente, 8, false)
	v.text("Transporte/PatenteCarro", t.PatenteCarro, 8, false)
	v.text("Transporte/NombreChofer", t.NombreChofer, 30, t.RUTChofer != 0)
	v.check(t.NombreChofer == "" || t.RUTChofer != 0, "M123", "Transporte/Chofer/RUTChofer", "falta el RUT del chofer")
	v.text("Transporte/DirDest", t.Direccion, 70, false)
	v.text("Transporte/CmnaDest", t.Comuna, 20, false)
	v.text("Transporte/CiudadDest", t.Ciudad, 20, false)
	v.check(t.HraSalida == "" || hora.MatchString(t.HraSalida), "M123", "Transporte/HraSalida", "la hora de salida se escribe hh:mm:ss")
}

func (v *validator) exportacion() {
	e := v.d.Exportacion
	if e == nil {
		v.fault("M110", "Totales/TpoMoneda", "una exportación lleva su moneda y el tipo de cambio (HED-3-834)")
		return
	}
	v.check(slices.Contains(monedas, e.TpoMoneda), "M111", "Totales/TpoMoneda", "la moneda «%s» no es de las del SII: por ejemplo DOLAR USA o EURO", e.TpoMoneda)
	v.check(e.TpoCambio > 0 && e.TpoCambio <= money.MaxCambio, "M110", "OtraMoneda/TpoCambio", "falta el tipo de cambio: el equivalente en pesos es obligatorio (HED-3-834)")
	v.check(e.FmaPagExp >= 0 && e.FmaPagExp <= 99, "M112", "IdDoc/FmaPagExp", "la forma de pago de exportación es un código de Aduana")
	v.text("Receptor/Extranjero/Nacionalidad", e.Nacionalidad, 3, false)
	v.text("Receptor/Extranjero/NumId", e.NumID, 20, false)
	for i, l := range v.d.Detalle {
		at := "Detalle[" + strconv.Itoa(i+1) + "]/"
		v.check(l.IndExe == Afecto || l.IndExe == Exento, "M032", at+"IndExe", "en una exportación todo es exento")
		v.check(l.Divisa >= 0 && l.Divisa <= money.MaxDivisa, "M035", at+"MontoItem", "el monto no puede ser negativo")
		v.check(l.Monto == 0, "M113", at+"MontoItem", "en una exportación el monto va en la moneda del documento")
	}
	for _, g := range v.d.DscRcg {
		v.check(g.Divisa%(money.OneDivisa/100) == 0, "M114", "DscRcgGlobal/ValorDR", "un descuento o recargo global lleva a lo más 2 decimales")
	}
	if e.Aduana != nil {
		v.aduana(e.Aduana)
	}
}

func (v *validator) aduana(a *Aduana) {
	code := func(name string, value, most int) {
		v.check(value >= 0 && value <= most, "M115", "Aduana/"+name, "el código %d no es de Aduana", value)
	}
	code("CodModVenta", a.CodModVenta, 99)
	code("CodClauVenta", a.CodClauVenta, 99)
	code("CodViaTransp", a.CodViaTransp, 99)
	code("CodPtoEmbarque", a.CodPtoEmbarque, 9999)
	code("CodPtoDesemb", a.CodPtoDesemb, 9999)
	code("CodUnidMedTara", a.CodUnidMedTara, 99)
	code("CodUnidPesoBruto", a.CodUnidPesoBruto, 99)
	code("CodUnidPesoNeto", a.CodUnidPesoNeto, 99)
	code("CodPaisRecep", a.CodPaisRecep, 999)
	code("CodPaisDestin", a.CodPaisDestin, 999)
	code("Tara", a.Tara, 9_999_999)
	for name, d := range map[string]money.Divisa{"TotClauVenta": a.TotClauVenta, "PesoBruto": a.PesoBruto, "PesoNeto": a.PesoNeto} {
		v.check(d >= 0 && d%(money.OneDivisa/100) == 0, "M114", "Aduana/"+name, "lleva a lo más 2 decimales")
	}
	v.check(a.MntFlete >= 0 && a.MntSeguro >= 0, "M114", "Aduana/MntFlete", "flete y seguro se escriben sin signo")
	v.check(a.TotBultos >= 0, "M116", "Aduana/TotBultos", "el número de bultos no puede ser negativo")
	v.text("Aduana/NombreTransp", a.NombreTransp, 40, false)
	v.text("Aduana/NomCiaTransp", a.NomCiaTransp, 40, false)
	v.text("Aduana/Booking", a.Booking, 20, false)
	v.text("Aduana/Operador", a.Operador, 20, false)
	v.check(len(a.TipoBultos) <= maxBultos, "M116", "Aduana/TipoBultos", "caben %d tipos de bulto", maxBultos)
	for _, b := range a.TipoBultos {
		v.check(b.CodTpoBultos > 0 && b.CodTpoBultos <= 999 && b.CantBultos > 0, "M116", "Aduana/TipoBultos", "cada bulto lleva tipo y cantidad")
		v.check(b.Marcas != "" || b.IDContainer != "", "M117", "Aduana/TipoBultos/Marcas", "faltan las marcas del bulto (HED-2-804)")
		v.text("Aduana/TipoBultos/Marcas", b.Marcas, 255, false)
		v.text("Aduana/TipoBultos/IdContainer", b.IDContainer, 25, false)
		v.text("Aduana/TipoBultos/Sello", b.Sello, 20, false)
		v.text("Aduana/TipoBultos/EmisorSello", b.EmisorSello, 70, false)
	}
}
