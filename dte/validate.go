package dte

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mostrador/money"
)

// Fault is a rule that a draft breaks: what, where, and the way out.
type Fault struct {
	// Rule is a stable number; it is never given another meaning.
	Rule string
	// Field is a path in the SII's names: "Detalle[3]/NmbItem".
	Field string
	// Message is a Spanish sentence for the person at the counter.
	Message string
}

// FaultErrors are all the rules that a draft breaks. It is an error.
type FaultErrors []Fault

func (fs FaultErrors) Error() string {
	sentences := make([]string, len(fs))
	for i, f := range fs {
		sentences[i] = fmt.Sprintf("%s (%s, regla %s)", f.Message, f.Field, f.Rule)
	}
	return "el documento no se puede emitir: " + strings.Join(sentences, "; ")
}

// Limits of the formats (Formato DTE 2026-02; Formato Boleta v11).
const (
	maxLineasFactura = 60
	maxLineasBoleta  = 1000
	maxDscRcg        = 20
	maxReferencias   = 40
	maxActeco        = 4
	maxTelefonos     = 2
	maxCodigos       = 5

	maxValorDR money.Pesos = 9_999_999_999_999_999 // 16 whole digits (Dec16_2Type)
)

// Validate judges a draft: nil, or FaultErrors with every rule it breaks. It needs no folio, so that a till can refuse before
// it takes one.
func (d Draft) Validate() error { return d.normalized().validate() }

// validate judges a draft that is normalised.
func (d Draft) validate() error {
	v := validator{d: d}
	v.header()
	v.emisor()
	v.receptor()
	v.detalle()
	v.globals()
	v.referencias()
	v.backOffice()
	if len(v.faults) == 0 {
		v.totals()
	}
	if len(v.faults) > 0 {
		return v.faults
	}
	return nil
}

type validator struct {
	d      Draft
	at     string // before the name of a field: "Detalle[3]/"
	faults FaultErrors
}

func (v *validator) fault(rule, field, format string, args ...any) {
	v.faults = append(v.faults, Fault{rule, v.at + field, fmt.Sprintf(format, args...)})
}

// check adds the fault unless ok.
func (v *validator) check(ok bool, rule, field, format string, args ...any) {
	if !ok {
		v.fault(rule, field, format, args...)
	}
}

// text judges the length and the characters of a field (M101 obligatory, M102 length, M103 characters: ENV-3-0).
func (v *validator) text(field, s string, limit int, obligatory bool) {
	if s == "" {
		if obligatory {
			v.fault("M101", field, "falta %s", spoken(field))
		}
		return
	}
	if n := utf8.RuneCountInString(s); n > limit {
		v.fault("M102", field, "%s tiene %d caracteres y caben %d: acórtelo", spoken(field), n, limit)
	}
	if r, bad := badCharacter(s); bad {
		v.fault("M103", field, "%s trae el carácter «%c», que el SII no acepta (ENV-3-0): quítelo", spoken(field), r)
	}
}

var spokenNames = map[string]string{
	"RznSoc": "la razón social del emisor", "GiroEmis": "el giro del emisor", "DirOrigen": "la dirección del emisor",
	"CmnaOrigen": "la comuna del emisor", "RznSocRecep": "la razón social del cliente", "GiroRecep": "el giro del cliente",
	"DirRecep": "la dirección del cliente", "CmnaRecep": "la comuna del cliente", "NmbItem": "el nombre del ítem",
	"RazonRef": "la razón de la referencia", "FolioRef": "el folio de la referencia",
}

// spoken is the field's name as people say it.
func spoken(field string) string {
	last := field[strings.LastIndexByte(field, '/')+1:]
	if s, ok := spokenNames[last]; ok {
		return s
	}
	return "el campo " + last
}

func (v *validator) header() {
	d := v.d
	_, known := tipoNames[d.Tipo]
	v.check(known, "M001", "IdDoc/TipoDTE", "el tipo de documento %d no se emite aquí", d.Tipo)
	v.check(d.FchEmis.exists(), "M002", "IdDoc/FchEmis", "la fecha de emisión %s no es válida", d.FchEmis)
	v.check(d.FchVenc.IsZero() || d.FchVenc.exists(), "M007", "IdDoc/FchVenc", "la fecha de vencimiento %s no es válida", d.FchVenc)
	v.check(d.FmaPago >= 0 && d.FmaPago <= 3, "M003", "IdDoc/FmaPago", "la forma de pago debe ser 1 contado, 2 crédito o 3 sin costo")
	if d.Tipo.EsBoleta() {
		v.check(d.IndServicio >= 1 && d.IndServicio <= 4, "M004", "IdDoc/IndServicio", "el indicador de servicio debe ser de 1 a 4")
		v.check(d.MedioPago == "" || len(d.MedioPago) == 1 && strings.Contains("12345", d.MedioPago), "M005", "IdDoc/MedioPago", "el medio de pago de una boleta es un número de 1 a 5")
		return
	}
	if d.Tipo.EsExportacion() {
		v.check(d.IndServicio == 0 || d.IndServicio >= 3 && d.IndServicio <= 6, "M004", "IdDoc/IndServicio", "el indicador de servicio de una exportación es de 3 a 6")
	} else {
		v.check(d.IndServicio >= 0 && d.IndServicio <= 3, "M004", "IdDoc/IndServicio", "el indicador de servicio debe ser 1, 2 o 3")
	}
	switch d.MedioPago {
	case "", "CH", "LT", "EF", "PE", "TC", "CF", "OT":
	default:
		v.fault("M005", "IdDoc/MedioPago", "el medio de pago «%s» no es de los del SII (EF, TC, CH, LT, PE, CF, OT)", d.MedioPago)
	}
}

func (v *validator) emisor() {
	e, factura := v.d.Emisor, !v.d.Tipo.EsBoleta()
	v.check(e.RUT.valid(), "M010", "Emisor/RUTEmisor", "falta el RUT del emisor, o no es válido")
	v.text("Emisor/RznSoc", e.RznSoc, 100, true)
	v.text("Emisor/GiroEmis", e.Giro, 80, true)
	v.text("Emisor/DirOrigen", e.Direccion, 70, true)
	v.text("Emisor/CmnaOrigen", e.Comuna, 20, true)
	v.text("Emisor/CiudadOrigen", e.Ciudad, 20, false)
	v.text("Emisor/CorreoEmisor", e.Correo, 80, false)
	v.text("Emisor/Sucursal", e.Sucursal, 20, false)
	v.text("Emisor/CdgVendedor", e.CdgVendedor, 60, false)
	v.check(e.CdgSIISucur >= 0 && e.CdgSIISucur <= 999_999_999, "M011", "Emisor/CdgSIISucur", "el código de sucursal del SII tiene hasta 9 cifras")
	v.check(len(e.Telefono) <= maxTelefonos, "M012", "Emisor/Telefono", "caben %d teléfonos", maxTelefonos)
	for _, t := range e.Telefono {
		v.text("Emisor/Telefono", t, 20, true)
	}
	v.check(!factura || len(e.Acteco) >= 1 && len(e.Acteco) <= maxActeco, "M013", "Emisor/Acteco", "se necesita de 1 a 4 códigos de actividad económica")
	for _, a := range e.Acteco {
		v.check(a > 0 && a <= 999_999, "M013", "Emisor/Acteco", "el código de actividad %d no es válido", a)
	}
}

func (v *validator) receptor() {
	r, tipo := v.d.Receptor, v.d.Tipo
	v.check(r.RUT.valid(), "M020", "Receptor/RUTRecep", "falta el RUT del cliente, o no es válido")
	factura := tipo == Factura || tipo == FacturaExenta || tipo == FacturaCompra || tipo == GuiaDespacho
	v.text("Receptor/RznSocRecep", r.RznSoc, 100, !tipo.EsBoleta())
	v.text("Receptor/GiroRecep", r.Giro, 40, factura)
	v.text("Receptor/DirRecep", r.Direccion, 70, factura)
	v.text("Receptor/CmnaRecep", r.Comuna, 20, factura)
	v.text("Receptor/CiudadRecep", r.Ciudad, 20, false)
	v.text("Receptor/Contacto", r.Contacto, 80, false)
	v.text("Receptor/CorreoRecep", r.Correo, 80, false)
	v.text("Receptor/TelefonoRecep", r.Telefono, 20, false)
	v.text("Receptor/CdgIntRecep", r.CdgInt, 20, false)
}

func (v *validator) detalle() {
	limit := maxLineasFactura
	if v.d.Tipo.EsBoleta() {
		limit = maxLineasBoleta
	}
	n := len(v.d.Detalle)
	v.check(n > 0, "M030", "Detalle", "el documento no tiene líneas")
	if n > limit {
		v.fault("M030", "Detalle", "el documento tiene %d líneas y caben %d: emita dos documentos", n, limit)
		return
	}
	for i, l := range v.d.Detalle {
		v.at = "Detalle[" + strconv.Itoa(i+1) + "]/"
		v.linea(l)
	}
	v.at = ""
}

func (v *validator) linea(l Linea) {
	v.text("NmbItem", l.Nombre, 80, true)
	v.text("DscItem", l.Descripcion, 1000, false)
	v.text("UnmdItem", l.Unidad, 4, false)
	v.check(len(l.Codigos) <= maxCodigos, "M031", "CdgItem", "caben %d códigos por línea", maxCodigos)
	for _, c := range l.Codigos {
		v.text("CdgItem/TpoCodigo", c.Tipo, 10, true)
		v.text("CdgItem/VlrCodigo", c.Valor, 35, true)
	}
	v.check(v.allows(l.IndExe), "M032", "IndExe", "el indicador %d no se usa en este documento", l.IndExe)
	v.check(!v.d.Tipo.EsExento() || l.IndExe != Afecto, "M032", "IndExe", "un documento exento no lleva líneas afectas")
	v.check(l.Qty >= 0 && l.Qty <= money.MaxQty, "M033", "QtyItem", "la cantidad debe ser mayor que cero")
	v.check(l.Prc >= 0 && l.Prc <= money.MaxPrice, "M034", "PrcItem", "el precio no puede ser negativo")
	v.check(l.Prc == 0 || l.Qty != 0, "M033", "QtyItem", "una línea con precio necesita cantidad")
	v.check(l.Monto >= 0, "M035", "MontoItem", "el monto no puede ser negativo")
	v.check(l.Descuento >= 0 && l.Recargo >= 0, "M036", "DescuentoMonto", "descuentos y recargos se escriben sin signo")
	v.check(l.DescuentoPct >= 0 && l.DescuentoPct <= 10_000, "M036", "DescuentoPct", "el descuento debe ser de 0 a 100 %%")
	v.check(l.RecargoPct >= 0 && l.RecargoPct <= v.maxRecargo(), "M036", "RecargoPct", "el recargo debe ser de 0 a %s %%", v.maxRecargo())
	v.check(l.DescuentoPct == 0 || l.Descuento == 0, "M036", "DescuentoPct", "el descuento se da en porcentaje o en pesos, no en ambos")
	v.check(l.RecargoPct == 0 || l.Recargo == 0, "M036", "RecargoPct", "el recargo se da en porcentaje o en pesos, no en ambos")
}

// allows reports the indicators that each format knows.
func (v *validator) allows(i IndExe) bool {
	switch i {
	case Afecto, Exento, NoFacturable, NoFacturableNegativo:
		return true
	case GarantiaDeposito:
		return !v.d.Tipo.EsBoleta()
	case NoVenta, ARebajar:
		return v.d.Tipo == GuiaDespacho
	}
	return false
}

// maxRecargo is the largest surcharge on a line: the boleta's format stops at 100 %.
func (v *validator) maxRecargo() money.Rate {
	if v.d.Tipo.EsBoleta() {
		return 10_000
	}
	return money.MaxRate
}

func (v *validator) globals() {
	v.check(len(v.d.DscRcg) <= maxDscRcg, "M040", "DscRcgGlobal", "caben %d descuentos o recargos globales", maxDscRcg)
	for i, g := range v.d.DscRcg {
		v.at = "DscRcgGlobal[" + strconv.Itoa(i+1) + "]/"
		v.check(g.TpoMov == DescuentoGlobal || g.TpoMov == RecargoGlobal, "M041", "TpoMov", "el movimiento es D (descuento) o R (recargo)")
		given := g.Monto + money.Pesos(g.Divisa)
		v.check((g.Pct > 0) != (given > 0) && g.Pct >= 0 && g.Monto >= 0 && g.Divisa >= 0 && (g.Monto == 0 || !v.d.Tipo.EsExportacion()), "M042", "ValorDR", "el valor se da en porcentaje o en pesos, y es mayor que cero")
		v.check(g.TpoMov != DescuentoGlobal || g.Pct <= 10_000, "M042", "ValorDR", "un descuento no puede pasar de 100 %%")
		v.check(g.Pct <= money.MaxRate && g.Monto <= maxValorDR, "M042", "ValorDR", "el valor es demasiado grande")
		v.check(g.IndExe == Afecto || g.IndExe == Exento || g.IndExe == NoFacturable, "M043", "IndExeDR", "el indicador %d no se usa aquí", g.IndExe)
		v.text("GlosaDR", g.Glosa, 45, false)
	}
	v.at = ""
}

func (v *validator) referencias() {
	v.check(len(v.d.Referencia) <= maxReferencias, "M050", "Referencia", "caben %d referencias", maxReferencias)
	for i, r := range v.d.Referencia {
		v.at = "Referencia[" + strconv.Itoa(i+1) + "]/"
		factura := !v.d.Tipo.EsBoleta()
		v.text("TpoDocRef", r.TpoDocRef, 3, factura)
		v.text("FolioRef", r.FolioRef, 18, factura)
		v.text("RazonRef", r.RazonRef, 90, false)
		v.text("CodRef", r.CodRefBoleta, 18, false)
		v.text("CodVndor", r.CodVndor, 8, false)
		v.text("CodCaja", r.CodCaja, 8, false)
		v.check(!r.IndGlobal || r.FolioRef == "0", "M057", "FolioRef", "una referencia a todos los documentos de un tipo lleva folio 0")
		v.check(!factura || r.FchRef.exists(), "M051", "FchRef", "falta la fecha del documento al que se hace referencia, o no es válida")
		v.check(r.CodRef >= 0 && r.CodRef <= 3, "M052", "CodRef", "el código debe ser 1 anula, 2 corrige texto o 3 corrige montos")
	}
	v.at = ""
	if v.d.Tipo.EsNota() {
		v.nota()
	}
}

// nota: a note says what it does to which document (REF-3-758), and annulling or correcting text touches exactly one.
func (v *validator) nota() {
	refs := v.d.documentRefs()
	for _, r := range refs {
		exempt := r.TpoDocRef == "34" || r.TpoDocRef == "41"
		v.check(!exempt || !v.d.taxes(), "M056", "Referencia/TpoDocRef", "una nota sobre un documento exento no lleva líneas afectas")
		v.check(r.TpoDocRef != "52" || v.d.Tipo != NotaCredito, "M053", "Referencia/TpoDocRef", "una nota de crédito no corrige guías de despacho (REF-3-415)")
	}
	only := func(r Referencia) bool { return r.CodRef == Anula || r.CodRef == CorrigeTexto }
	v.check(v.d.codRef() != 0, "M054", "Referencia/CodRef", "una nota debe decir qué documento corrige y cómo (REF-3-758)")
	v.check(len(refs) <= 1 || !slices.ContainsFunc(refs, only), "M055", "Referencia", "anular o corregir texto se refiere a un solo documento")
}

// documentRefs are the references but those of certification, which name a case and not a document.
func (d Draft) documentRefs() []Referencia {
	return slices.DeleteFunc(slices.Clone(d.Referencia), func(r Referencia) bool { return r.TpoDocRef == "SET" })
}

// codRef is what a note does; zero if it does not say.
func (d Draft) codRef() CodRef {
	for _, r := range d.documentRefs() {
		if r.CodRef != 0 {
			return r.CodRef
		}
	}
	return 0
}

// totals: the amounts exist and are of the sign and size that the document needs.
func (v *validator) totals() {
	t, _, err := v.d.Totals()
	switch {
	case errors.Is(err, money.ErrOverflow):
		v.fault("M060", "Totales", "los montos no caben en un documento (18 cifras): revise cantidades y precios")
		return
	case err != nil:
		v.fault("M060", "Totales", "%s", err)
		return
	}
	v.check(t.MntTotal >= 0 && t.IVANoRet >= 0, "M064", "Totales/MntTotal", "las retenciones son mayores que lo que se paga")
	code := v.d.codRef()
	switch {
	case v.d.Tipo.EsNota() && code == CorrigeTexto:
		v.check(t.isZero(), "M061", "Totales/MntTotal", "una nota que corrige texto lleva total 0 (REF-2-781)")
	case v.d.Tipo.EsNota() && code == CorrigeMontos:
		v.check(!t.isZero(), "M062", "Totales/MntTotal", "una nota que corrige montos lleva un total mayor que cero (REF-2-768)")
	case v.d.Tipo.EsNota():
		// An annulment repeats the amounts of what it annuls, and those may be zero.
	case v.d.FmaPago == 3, v.d.Tipo == GuiaDespacho:
		// Free of charge, or goods that are not sold with this document.
	case t.Divisa != nil:
		v.check(t.Divisa.MntTotal > 0, "M063", "Totales/MntTotal", "el total debe ser mayor que cero")
	default:
		v.check(t.MntTotal > 0 || t.VlrPagar > 0, "M063", "Totales/MntTotal", "el total debe ser mayor que cero")
	}
}
