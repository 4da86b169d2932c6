package dte

import (
	"bytes"
	"strconv"

	"mostrador/money"
)

// writer writes a document's XML once, in canonical form but for the encoding: one element a line, ISO-8859-1, no
// attributes but those of the format, LF line ends. What it writes is what is signed.
type writer struct {
	b   bytes.Buffer
	err error // the first text that Latin-1 cannot say
}

func (w *writer) open(name string) { w.tag("<", name) }

func (w *writer) close(name string) { w.tag("</", name) }

func (w *writer) tag(mark, name string) {
	w.b.WriteString(mark)
	w.b.WriteString(name)
	w.b.WriteString(">\n")
}

// must writes an element even if it is empty.
func (w *writer) must(name, text string) {
	latin, err := latin1(text)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b.WriteByte('<')
	w.b.WriteString(name)
	w.b.WriteByte('>')
	escapeText(&w.b, latin)
	w.b.WriteString("</")
	w.b.WriteString(name)
	w.b.WriteString(">\n")
}

// text writes an element unless it is empty.
func (w *writer) text(name, text string) {
	if text != "" {
		w.must(name, text)
	}
}

// integer writes an element unless it is zero.
func (w *writer) integer(name string, v int) {
	if v != 0 {
		w.must(name, strconv.Itoa(v))
	}
}

// pesos writes an amount unless it is zero: the format has no zero discounts.
func (w *writer) pesos(name string, p money.Pesos) {
	if p != 0 {
		w.must(name, p.XML())
	}
}

func (w *writer) date(name string, d Date) { w.text(name, d.String()) }

// documento writes <Documento> up to and without the TED. The order of elements is the schema's.
func (w *writer) documento(doc *Document) {
	w.b.Grow(2048 + 320*len(doc.Detalle))
	w.b.WriteString("<" + doc.Tipo.node() + ` ID="` + doc.Key().ID() + "\">\n")
	w.open("Encabezado")
	w.idDoc(doc)
	w.emisor(doc.Tipo, doc.Emisor)
	w.text("RUTMandante", doc.RUTMandante.String())
	w.receptor(doc)
	w.text("RUTSolicita", doc.RUTSolicita.String())
	w.transporte(doc)
	if doc.Tipo.EsExportacion() {
		w.totalesDivisa(doc)
	} else {
		w.totales(doc)
	}
	w.close("Encabezado")
	for i, l := range doc.Detalle {
		w.linea(i, l, doc)
	}
	for i, g := range doc.DscRcg {
		w.global(i, g)
	}
	for i, r := range doc.Referencia {
		w.referencia(i, r)
	}
}

func (w *writer) idDoc(doc *Document) {
	w.open("IdDoc")
	w.integer("TipoDTE", int(doc.Tipo))
	w.must("Folio", doc.Folio.String())
	w.date("FchEmis", doc.FchEmis)
	if doc.Tipo.EsBoleta() {
		w.integer("IndServicio", doc.IndServicio)
		w.date("PeriodoDesde", doc.PeriodoDesde)
		w.date("PeriodoHasta", doc.PeriodoHasta)
		w.date("FchVenc", doc.FchVenc)
		w.text("MedioPago", doc.MedioPago)
	} else {
		w.idDocFactura(doc)
	}
	w.close("IdDoc")
}

func (w *writer) idDocFactura(doc *Document) {
	w.flag("IndNoRebaja", doc.IndNoRebaja)
	w.integer("TipoDespacho", doc.TipoDespacho)
	w.integer("IndTraslado", doc.IndTraslado)
	w.integer("IndServicio", doc.IndServicio)
	w.flag("MntBruto", doc.MntBruto)
	w.integer("TpoTranCompra", doc.TpoTranCompra)
	w.integer("TpoTranVenta", doc.TpoTranVenta)
	w.integer("FmaPago", doc.FmaPago)
	if doc.Exportacion != nil {
		w.integer("FmaPagExp", doc.Exportacion.FmaPagExp)
	}
	w.date("FchCancel", doc.FchCancel)
	w.pesos("MntCancel", doc.MntCancel)
	w.pesos("SaldoInsol", doc.SaldoInsol)
	for _, p := range doc.MntPagos {
		w.open("MntPagos")
		w.date("FchPago", p.Fch)
		w.must("MntPago", p.Mnt.XML())
		w.text("GlosaPagos", p.Glosa)
		w.close("MntPagos")
	}
	w.date("PeriodoDesde", doc.PeriodoDesde)
	w.date("PeriodoHasta", doc.PeriodoHasta)
	w.text("MedioPago", doc.MedioPago)
	w.text("TpoCtaPago", doc.TpoCtaPago)
	w.text("NumCtaPago", doc.NumCtaPago)
	w.text("BcoPago", doc.BcoPago)
	w.text("TermPagoCdg", doc.TermPagoCdg)
	w.text("TermPagoGlosa", doc.TermPagoGlosa)
	w.integer("TermPagoDias", doc.TermPagoDias)
	w.date("FchVenc", doc.FchVenc)
}

// flag writes a 1 where the format knows only that value.
func (w *writer) flag(name string, on bool) {
	if on {
		w.integer(name, 1)
	}
}

// emisor: boletas name two fields differently and lack the rest, which the draft has already lost.
func (w *writer) emisor(tipo TipoDTE, e Emisor) {
	rznSoc, giro := emisorNames(tipo)
	w.open("Emisor")
	w.must("RUTEmisor", e.RUT.String())
	w.text(rznSoc, e.RznSoc)
	w.text(giro, e.Giro)
	for _, t := range e.Telefono {
		w.text("Telefono", t)
	}
	w.text("CorreoEmisor", e.Correo)
	for _, a := range e.Acteco {
		w.integer("Acteco", a)
	}
	w.text("Sucursal", e.Sucursal)
	w.integer("CdgSIISucur", e.CdgSIISucur)
	w.text("DirOrigen", e.Direccion)
	w.text("CmnaOrigen", e.Comuna)
	w.text("CiudadOrigen", e.Ciudad)
	w.text("CdgVendedor", e.CdgVendedor)
	w.close("Emisor")
}

func emisorNames(tipo TipoDTE) (rznSoc, giro string) {
	if tipo.EsBoleta() {
		return "RznSocEmisor", "GiroEmisor"
	}
	return "RznSoc", "GiroEmis"
}

func (w *writer) receptor(doc *Document) {
	r := doc.Receptor
	w.open("Receptor")
	w.must("RUTRecep", r.RUT.String())
	w.text("CdgIntRecep", r.CdgInt)
	w.text("RznSocRecep", r.RznSoc)
	if e := doc.Exportacion; e != nil && (e.NumID != "" || e.Nacionalidad != "") {
		w.open("Extranjero")
		w.text("NumId", e.NumID)
		w.text("Nacionalidad", e.Nacionalidad)
		w.close("Extranjero")
	}
	w.text("GiroRecep", r.Giro)
	w.text("Contacto", r.Contacto)
	w.text("CorreoRecep", r.Correo)
	w.text("TelefonoRecep", r.Telefono)
	w.text("DirRecep", r.Direccion)
	w.text("CmnaRecep", r.Comuna)
	w.text("CiudadRecep", r.Ciudad)
	w.close("Receptor")
}

func (w *writer) transporte(doc *Document) {
	t := doc.Transporte
	aduana := doc.Exportacion != nil && doc.Exportacion.Aduana != nil
	if t == nil && !aduana {
		return
	}
	if t == nil {
		t = &Transporte{}
	}
	w.open("Transporte")
	w.text("Patente", t.Patente)
	w.text("PatenteCarro", t.PatenteCarro)
	w.text("RUTTrans", t.RUTTrans.String())
	if t.NombreChofer != "" {
		w.open("Chofer")
		w.must("RUTChofer", t.RUTChofer.String())
		w.must("NombreChofer", t.NombreChofer)
		w.close("Chofer")
	}
	w.text("DirDest", t.Direccion)
	w.text("CmnaDest", t.Comuna)
	w.text("CiudadDest", t.Ciudad)
	if aduana {
		w.aduana(doc.Exportacion.Aduana)
	}
	w.date("FchSalida", t.FchSalida)
	w.text("HraSalida", t.HraSalida)
	w.date("FchLlegada", t.FchLlegada)
	w.close("Transporte")
}

func (w *writer) totales(doc *Document) {
	t := doc.Totales
	w.open("Totales")
	if doc.statesIVA() {
		w.must("MntNeto", t.MntNeto.XML())
	}
	if t.MntExe != 0 || doc.Tipo.EsExento() {
		w.must("MntExe", t.MntExe.XML())
	}
	if doc.statesIVA() {
		if t.TasaIVA != 0 {
			w.must("TasaIVA", t.TasaIVA.XML())
		}
		w.must("IVA", t.IVA.XML())
	}
	for _, i := range t.Impuestos {
		w.open("ImptoReten")
		w.integer("TipoImp", i.Cod)
		if i.Tasa != 0 {
			w.must("TasaImp", i.Tasa.XML())
		}
		w.must("MontoImp", i.Monto.XML())
		w.close("ImptoReten")
	}
	w.pesos("IVANoRet", t.IVANoRet)
	w.pesos("GrntDep", t.GrntDep)
	w.must("MntTotal", t.MntTotal.XML())
	w.pesos("MontoNF", t.MontoNF)
	if doc.Tipo.EsBoleta() {
		w.pesos("TotalPeriodo", t.MontoPeriodo)
	} else {
		w.pesos("MontoPeriodo", t.MontoPeriodo)
	}
	w.pesos("SaldoAnterior", t.SaldoAnterior)
	w.pesos("VlrPagar", t.VlrPagar)
	w.close("Totales")
}

func (w *writer) linea(i int, l Linea, doc *Document) {
	w.open("Detalle")
	w.integer("NroLinDet", i+1)
	for _, c := range l.Codigos {
		w.open("CdgItem")
		w.must("TpoCodigo", c.Tipo)
		w.must("VlrCodigo", c.Valor)
		w.close("CdgItem")
	}
	w.integer("IndExe", int(l.IndExe))
	if l.Retenedor {
		w.open("Retenedor")
		w.must("IndAgente", "R")
		w.pesos("MntBaseFaena", l.MntBaseFaena)
		w.close("Retenedor")
	}
	w.must("NmbItem", l.Nombre)
	w.text("DscItem", l.Descripcion)
	if l.QtyRef != 0 {
		w.must("QtyRef", l.QtyRef.XML())
	}
	w.text("UnmdRef", l.UnidadRef)
	if l.PrcRef != 0 {
		w.must("PrcRef", l.PrcRef.XML())
	}
	if l.Qty != 0 {
		w.must("QtyItem", l.Qty.XML())
	}
	w.date("FchElabor", l.FchElabor)
	w.date("FchVencim", l.FchVencim)
	w.text("UnmdItem", l.Unidad)
	if l.Prc != 0 {
		w.must("PrcItem", l.Prc.XML())
	}
	if l.DescuentoPct != 0 {
		w.must("DescuentoPct", l.DescuentoPct.XML())
	}
	w.pesos("DescuentoMonto", doc.Descuentos[i])
	if l.RecargoPct != 0 {
		w.must("RecargoPct", l.RecargoPct.XML())
	}
	w.pesos("RecargoMonto", doc.Recargos[i])
	for _, cod := range l.CodImpAdic {
		w.integer("CodImpAdic", cod)
	}
	if doc.Tipo.EsExportacion() {
		w.must("MontoItem", doc.MontosDivisa[i].XML())
	} else {
		w.must("MontoItem", doc.Montos[i].XML())
	}
	w.close("Detalle")
}

func (w *writer) global(i int, g DscRcgGlobal) {
	w.open("DscRcgGlobal")
	w.integer("NroLinDR", i+1)
	w.must("TpoMov", string(g.TpoMov))
	w.text("GlosaDR", g.Glosa)
	switch {
	case g.Pct != 0:
		w.must("TpoValor", "%")
		w.must("ValorDR", g.Pct.XML())
	case g.Divisa != 0:
		w.must("TpoValor", "$")
		w.must("ValorDR", g.Divisa.XML())
	default:
		w.must("TpoValor", "$")
		w.must("ValorDR", g.Monto.XML())
	}
	w.integer("IndExeDR", int(g.IndExe))
	w.close("DscRcgGlobal")
}

func (w *writer) referencia(i int, r Referencia) {
	w.open("Referencia")
	w.integer("NroLinRef", i+1)
	w.text("TpoDocRef", r.TpoDocRef)
	w.flag("IndGlobal", r.IndGlobal)
	w.text("FolioRef", r.FolioRef)
	w.text("RUTOtr", r.RUTOtr.String())
	w.date("FchRef", r.FchRef)
	w.integer("CodRef", int(r.CodRef))
	w.text("CodRef", r.CodRefBoleta)
	w.text("RazonRef", r.RazonRef)
	w.text("CodVndor", r.CodVndor)
	w.text("CodCaja", r.CodCaja)
	w.close("Referencia")
}
