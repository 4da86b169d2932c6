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
	w.b.WriteString(`<Documento ID="` + doc.Key().ID() + "\">\n")
	w.open("Encabezado")
	w.idDoc(doc)
	w.emisor(doc.Tipo, doc.Emisor)
	w.receptor(doc.Tipo, doc.Receptor)
	w.totales(doc)
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
	w.integer("IndServicio", doc.IndServicio)
	if doc.Tipo.EsBoleta() {
		w.date("FchVenc", doc.FchVenc)
		w.text("MedioPago", doc.MedioPago)
	} else {
		if doc.MntBruto {
			w.integer("MntBruto", 1)
		}
		w.integer("FmaPago", doc.FmaPago)
		w.text("MedioPago", doc.MedioPago)
		w.date("FchVenc", doc.FchVenc)
	}
	w.close("IdDoc")
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

func (w *writer) receptor(tipo TipoDTE, r Receptor) {
	w.open("Receptor")
	w.must("RUTRecep", r.RUT.String())
	w.text("CdgIntRecep", r.CdgInt)
	w.text("RznSocRecep", r.RznSoc)
	w.text("GiroRecep", r.Giro)
	w.text("Contacto", r.Contacto)
	w.text("CorreoRecep", r.Correo)
	w.text("TelefonoRecep", r.Telefono)
	w.text("DirRecep", r.Direccion)
	w.text("CmnaRecep", r.Comuna)
	w.text("CiudadRecep", r.Ciudad)
	w.close("Receptor")
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
	w.must("MntTotal", t.MntTotal.XML())
	w.pesos("MontoNF", t.MontoNF)
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
	w.must("NmbItem", l.Nombre)
	w.text("DscItem", l.Descripcion)
	if l.Qty != 0 {
		w.must("QtyItem", l.Qty.XML())
	}
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
	w.must("MontoItem", doc.Montos[i].XML())
	w.close("Detalle")
}

func (w *writer) global(i int, g DscRcgGlobal) {
	w.open("DscRcgGlobal")
	w.integer("NroLinDR", i+1)
	w.must("TpoMov", string(g.TpoMov))
	w.text("GlosaDR", g.Glosa)
	if g.Pct != 0 {
		w.must("TpoValor", "%")
		w.must("ValorDR", g.Pct.XML())
	} else {
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
	w.text("FolioRef", r.FolioRef)
	w.date("FchRef", r.FchRef)
	w.integer("CodRef", int(r.CodRef))
	w.text("CodRef", r.CodRefBoleta)
	w.text("RazonRef", r.RazonRef)
	w.text("CodVndor", r.CodVndor)
	w.text("CodCaja", r.CodCaja)
	w.close("Referencia")
}
