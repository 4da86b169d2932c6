package dte

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// ErrNotDTE: the text is not a document of the SII's format.
var ErrNotDTE = errors.New("no es un documento tributario electrónico")

// A boleta of 1000 lines measures about 300 kB; with every text at its longest and full of what must be escaped, 7.4 MB.
var documentLimits = xmltree.Limits{Bytes: 8 << 20, Nodes: 40_000, Depth: 32}

// Parse reads one <DTE>, with or without declaration, without judging signatures. Of types that this package does not
// emit only the header, the TED and the signature's value are read. The result shares no memory with xml, except XML,
// which is a part of it.
func Parse(xml []byte) (*Document, error) {
	return parse(xml, xmltree.Latin1)
}

func parse(xml []byte, enc xmltree.Encoding) (*Document, error) {
	f, err := parseFragment(xml, enc)
	if err != nil {
		return nil, err
	}
	return f.document()
}

// ParseDraft reads a <Documento> or <Exportaciones> that has neither folio nor timbre nor signature yet: what somebody
// wants to be emitted. Elements that this package does not know are refused by name, since leaving them out would emit
// something else; stated amounts that follow from others are ignored here.
func ParseDraft(xml []byte) (Draft, error) {
	doc, err := xmltree.Parse(xml, xmltree.UTF8, documentLimits)
	if err != nil {
		return Draft{}, fmt.Errorf("%w: %w", ErrNotDTE, err)
	}
	if doc.Root.Name != "Documento" && doc.Root.Name != "Exportaciones" {
		return Draft{}, fmt.Errorf("%w: se esperaba Documento o Exportaciones y trae <%s>", ErrNotDTE, doc.Root.Name)
	}
	if unknown := unknownElement(doc.Root, ""); unknown != "" {
		return Draft{}, fmt.Errorf("%w: el campo %s no se conoce o no se usa en documentos por emitir", ErrNotDTE, unknown)
	}
	r := reader{doc: doc, lenient: true}
	var d Draft
	r.draft(doc.Root, &d)
	if r.err != nil {
		return Draft{}, fmt.Errorf("%w: %w", ErrNotDTE, r.err)
	}
	if !slices.Contains(Tipos(), d.Tipo) {
		return Draft{}, fmt.Errorf("%w: el tipo %d no se emite aquí", ErrNotDTE, d.Tipo)
	}
	return d, nil
}

// unknownElement is the path of the first element that a draft does not have.
func unknownElement(n *xmltree.Node, path string) string {
	if path != "" && !draftElements[n.Name] {
		return path
	}
	for _, c := range n.Children {
		if unknown := unknownElement(c, path+"/"+c.Name); unknown != "" {
			return unknown
		}
	}
	return ""
}

// draftElements are the elements that the reader of a draft reads, and the stated amounts, which it may ignore.
var draftElements = func() map[string]bool {
	known := map[string]bool{}
	for name := range strings.FieldsSeq(`
		Encabezado IdDoc TipoDTE Folio FchEmis IndNoRebaja TipoDespacho IndTraslado IndServicio MntBruto TpoTranCompra
		TpoTranVenta FmaPago FmaPagExp FchCancel MntCancel SaldoInsol MntPagos FchPago MntPago GlosaPagos PeriodoDesde
		PeriodoHasta MedioPago TpoCtaPago NumCtaPago BcoPago TermPagoCdg TermPagoGlosa TermPagoDias FchVenc
		Emisor RUTEmisor RznSoc RznSocEmisor GiroEmis GiroEmisor Telefono CorreoEmisor Acteco Sucursal CdgSIISucur
		DirOrigen CmnaOrigen CiudadOrigen CdgVendedor RUTMandante
		Receptor RUTRecep CdgIntRecep RznSocRecep Extranjero NumId Nacionalidad GiroRecep Contacto CorreoRecep
		TelefonoRecep DirRecep CmnaRecep CiudadRecep RUTSolicita
		Transporte Patente PatenteCarro RUTTrans Chofer RUTChofer NombreChofer DirDest CmnaDest CiudadDest FchSalida
		HraSalida FchLlegada Aduana CodModVenta CodClauVenta TotClauVenta CodViaTransp NombreTransp RUTCiaTransp
		NomCiaTransp Booking Operador CodPtoEmbarque CodPtoDesemb Tara CodUnidMedTara PesoBruto CodUnidPesoBruto
		PesoNeto CodUnidPesoNeto TotBultos TipoBultos CodTpoBultos CantBultos Marcas IdContainer Sello EmisorSello
		MntFlete MntSeguro CodPaisRecep CodPaisDestin
		Totales TpoMoneda MntNeto MntExe TasaIVA IVA ImptoReten TipoImp TasaImp MontoImp IVANoRet GrntDep MntTotal
		MontoNF MontoPeriodo TotalPeriodo SaldoAnterior VlrPagar OtraMoneda TpoCambio MntExeOtrMnda MntTotOtrMnda
		Detalle NroLinDet CdgItem TpoCodigo VlrCodigo IndExe Retenedor IndAgente MntBaseFaena NmbItem DscItem QtyRef
		UnmdRef PrcRef QtyItem FchElabor FchVencim UnmdItem PrcItem DescuentoPct DescuentoMonto RecargoPct RecargoMonto
		CodImpAdic MontoItem DscRcgGlobal NroLinDR TpoMov GlosaDR TpoValor ValorDR IndExeDR
		Referencia NroLinRef TpoDocRef IndGlobal FolioRef RUTOtr FchRef CodRef RazonRef CodVndor CodCaja`) {
		known[name] = true
	}
	return known
}()

// fragment is a <DTE> taken apart.
type fragment struct {
	doc       *xmltree.Doc
	body      *xmltree.Node // Documento, Exportaciones or Liquidacion
	ted       *xmltree.Node
	signature *xmltree.Node
}

// parseFragment checks the shape that everything else relies on: one signed element, one signature beside it. enc is
// the encoding of a fragment without a declaration: that of the envelope it was cut from.
func parseFragment(xml []byte, enc xmltree.Encoding) (*fragment, error) {
	doc, err := xmltree.Parse(xml, enc, documentLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDTE, err)
	}
	return newFragment(doc)
}

func newFragment(doc *xmltree.Doc) (*fragment, error) {
	root := doc.Root
	ns := root.Namespace()
	if root.Name != "DTE" || ns != "" && ns != nsSII {
		return nil, fmt.Errorf("%w: empieza con <%s>", ErrNotDTE, root.Name)
	}
	if err := strict(root, ns); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDTE, err)
	}
	if !isLatin1(doc) {
		return nil, fmt.Errorf("%w: debe estar escrito en ISO-8859-1", ErrNotDTE)
	}
	// No signature covers a comment: anybody may put one into a signed document, and split a number for who reads badly.
	if bytes.Contains(doc.Bytes(root), []byte("<!--")) {
		return nil, fmt.Errorf("%w: trae comentarios", ErrNotDTE)
	}
	if len(root.Children) != 2 || root.Children[1].Name != "Signature" || root.Children[1].Namespace() != nsDSig {
		return nil, fmt.Errorf("%w: debe traer un documento y su firma", ErrNotDTE)
	}
	f := &fragment{doc: doc, body: root.Children[0], signature: root.Children[1]}
	switch f.body.Name {
	case "Documento", "Exportaciones", "Liquidacion":
	default:
		return nil, fmt.Errorf("%w: trae <%s>", ErrNotDTE, f.body.Name)
	}
	if f.body.Child("Encabezado") == nil || f.body.Child("TED") == nil {
		return nil, fmt.Errorf("%w: debe traer un encabezado y un timbre", ErrNotDTE)
	}
	f.ted = f.body.Child("TED")
	return f, nil
}

// isRepeatable names the elements of which the formats allow several beside each other.
func isRepeatable(name string) bool {
	switch name {
	case "Telefono", "Acteco", "MntPagos", "TipoBultos", "ImptoReten", "ImpRetOtrMnda", "Detalle", "CdgItem", "Subcantidad", "SubDscto",
		"SubRecargo", "CodImpAdic", "SubTotInfo", "LineasDeta", "DscRcgGlobal", "Referencia", "Comisiones", "SubTotDTE":
		return true
	}
	return false
}

// strict refuses, in n and below, what would let two readers see two documents although one signature covers both: an
// element twice where the format has one, a prefix, or a namespace other than ns.
func strict(n *xmltree.Node, ns string) error {
	if n.Name == "Signature" {
		ns = nsDSig
	}
	if strings.Contains(n.Name, ":") {
		return fmt.Errorf("<%s> lleva prefijo", clipText(n.Name, 40))
	}
	for _, a := range n.Attrs {
		if a.Name == "xmlns" && a.Value != ns {
			return fmt.Errorf("<%s> cambia de espacio de nombres", n.Name)
		}
	}
	if len(n.Children) == 0 {
		return nil
	}
	var once [maxFields]string
	fields := once[:0]
	for _, c := range n.Children {
		if !isRepeatable(c.Name) {
			if slices.Contains(fields, c.Name) || len(fields) == maxFields {
				return fmt.Errorf("<%s> trae <%s> de más", n.Name, clipText(c.Name, 40))
			}
			fields = append(fields, c.Name)
		}
		if err := strict(c, ns); err != nil {
			return err
		}
	}
	return nil
}

// maxFields is more than any element of the formats has.
const maxFields = 64

// isLatin1 reports one byte for each character: the timbre is signed over the bytes as they are, and in an envelope they
// stand under its declaration. Some issuers declare windows-1252, whose letters are the same bytes.
func isLatin1(doc *xmltree.Doc) bool {
	return doc.Encoding != xmltree.UTF8 || !slices.ContainsFunc(doc.Bytes(doc.Root), func(c byte) bool { return c >= 0x80 })
}

func (f *fragment) document() (*Document, error) {
	r := reader{doc: f.doc}
	header := f.body.Child("Encabezado")
	da := f.ted.Path("DD", "CAF", "DA")
	d := &Document{
		Folio:          Folio(r.integer(header.Child("IdDoc"), "Folio")),
		TED:            flatten(f.doc.Bytes(f.ted)),
		TSTED:          r.stamp(f.ted.Child("DD"), "TSTED"),
		TmstFirma:      r.stamp(f.body, "TmstFirma"),
		CAFIDK:         int(r.integer(da, "IDK")),
		CAFDesde:       Folio(r.optional(da.Child("RNG"), "D")),
		CAFHasta:       Folio(r.optional(da.Child("RNG"), "H")),
		CAFFA:          r.optionalDate(da, "FA"),
		SignatureValue: withoutSpace(r.text(f.signature, "SignatureValue")),
		XML:            f.doc.Bytes(f.doc.Root),
	}
	r.draft(f.body, &d.Draft)
	if slices.Contains(Tipos(), d.Tipo) {
		if d.Tipo.EsExportacion() {
			d.Totales.Divisa = r.totalesDivisa(header)
		} else {
			d.Totales = r.totales(header.Child("Totales"))
		}
		for _, n := range f.body.All("Detalle") {
			if d.Tipo.EsExportacion() {
				d.MontosDivisa = append(d.MontosDivisa, number(&r, n, "MontoItem", money.DivisaFromXML))
			} else {
				d.Montos = append(d.Montos, r.pesos(n, "MontoItem"))
			}
			d.Descuentos = append(d.Descuentos, r.pesos(n, "DescuentoMonto"))
			d.Recargos = append(d.Recargos, r.pesos(n, "RecargoMonto"))
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDTE, r.err)
	}
	return d, nil
}

func (r *reader) draft(body *xmltree.Node, d *Draft) {
	header := body.Child("Encabezado")
	id := header.Child("IdDoc")
	d.Tipo = TipoDTE(r.integer(id, "TipoDTE"))
	d.FchEmis = r.date(id, "FchEmis")
	d.Emisor = r.emisor(header.Child("Emisor"), d.Tipo)
	d.Receptor = r.receptor(header.Child("Receptor"))
	if !slices.Contains(Tipos(), d.Tipo) {
		return
	}
	r.idDoc(id, d)
	d.RUTMandante = r.optionalRUT(header, "RUTMandante")
	d.RUTSolicita = r.optionalRUT(header, "RUTSolicita")
	d.SaldoAnterior = r.pesos(header.Child("Totales"), "SaldoAnterior")
	d.Transporte = r.transporte(header.Child("Transporte"))
	if d.Tipo.EsExportacion() {
		d.Exportacion = r.exportacion(header)
	}
	d.Informados = r.informados(header.Child("Totales"))
	lines := body.All("Detalle")
	d.Detalle = slices.Grow(d.Detalle, len(lines))
	for _, n := range lines {
		d.Detalle = append(d.Detalle, r.linea(n, d.Tipo))
	}
	for _, n := range body.All("DscRcgGlobal") {
		d.DscRcg = append(d.DscRcg, r.global(n, d.Tipo))
	}
	for _, n := range body.All("Referencia") {
		d.Referencia = append(d.Referencia, r.referencia(n, d.Tipo))
	}
}

func (r *reader) idDoc(id *xmltree.Node, d *Draft) {
	d.IndNoRebaja = r.optional(id, "IndNoRebaja") == 1
	d.TipoDespacho = int(r.optional(id, "TipoDespacho"))
	d.IndTraslado = int(r.optional(id, "IndTraslado"))
	d.IndServicio = int(r.optional(id, "IndServicio"))
	d.MntBruto = r.optional(id, "MntBruto") == 1
	d.TpoTranCompra = int(r.optional(id, "TpoTranCompra"))
	d.TpoTranVenta = int(r.optional(id, "TpoTranVenta"))
	d.FmaPago = int(r.optional(id, "FmaPago"))
	d.FchCancel = r.optionalDate(id, "FchCancel")
	d.MntCancel, d.SaldoInsol = r.pesos(id, "MntCancel"), r.pesos(id, "SaldoInsol")
	for _, n := range id.All("MntPagos") {
		d.MntPagos = append(d.MntPagos, Pago{r.date(n, "FchPago"), r.pesos(n, "MntPago"), r.text(n, "GlosaPagos")})
	}
	d.PeriodoDesde, d.PeriodoHasta = r.optionalDate(id, "PeriodoDesde"), r.optionalDate(id, "PeriodoHasta")
	d.MedioPago = r.text(id, "MedioPago")
	d.TpoCtaPago, d.NumCtaPago, d.BcoPago = r.text(id, "TpoCtaPago"), r.text(id, "NumCtaPago"), r.text(id, "BcoPago")
	d.TermPagoCdg, d.TermPagoGlosa = r.text(id, "TermPagoCdg"), r.text(id, "TermPagoGlosa")
	d.TermPagoDias = int(r.optional(id, "TermPagoDias"))
	d.FchVenc = r.optionalDate(id, "FchVenc")
}

// transporte is nil when there is none, or nothing but the customs block.
func (r *reader) transporte(n *xmltree.Node) *Transporte {
	if n == nil {
		return nil
	}
	chofer := n.Child("Chofer")
	t := Transporte{
		Patente: r.text(n, "Patente"), PatenteCarro: r.text(n, "PatenteCarro"), RUTTrans: r.optionalRUT(n, "RUTTrans"),
		RUTChofer: r.optionalRUT(chofer, "RUTChofer"), NombreChofer: r.text(chofer, "NombreChofer"),
		Direccion: r.text(n, "DirDest"), Comuna: r.text(n, "CmnaDest"), Ciudad: r.text(n, "CiudadDest"),
		FchSalida: r.optionalDate(n, "FchSalida"), HraSalida: r.text(n, "HraSalida"), FchLlegada: r.optionalDate(n, "FchLlegada"),
	}
	if t == (Transporte{}) {
		return nil
	}
	return &t
}

// informados are the additional codes whose amount no rate gives.
func (r *reader) informados(n *xmltree.Node) (list []Impuesto) {
	for _, i := range r.impuestos(n) {
		if c, known := ImpuestoPorCodigo(i.Cod); known && c.Base == PorMonto {
			list = append(list, i)
		}
	}
	return list
}

func (r *reader) impuestos(n *xmltree.Node) (list []Impuesto) {
	for _, c := range n.All("ImptoReten") {
		list = append(list, Impuesto{int(r.integer(c, "TipoImp")), number(r, c, "TasaImp", money.RateFromXML), r.pesos(c, "MontoImp")})
	}
	return list
}

func (r *reader) emisor(n *xmltree.Node, tipo TipoDTE) Emisor {
	rznSoc, giro := emisorNames(tipo)
	e := Emisor{
		RUT: r.rut(n, "RUTEmisor"), RznSoc: r.text(n, rznSoc), Giro: r.text(n, giro), Correo: r.text(n, "CorreoEmisor"),
		Sucursal: r.text(n, "Sucursal"), CdgSIISucur: int(r.optional(n, "CdgSIISucur")), Direccion: r.text(n, "DirOrigen"),
		Comuna: r.text(n, "CmnaOrigen"), Ciudad: r.text(n, "CiudadOrigen"), CdgVendedor: r.text(n, "CdgVendedor"),
	}
	for _, t := range n.All("Telefono") {
		e.Telefono = append(e.Telefono, r.doc.Text(t))
	}
	for _, a := range n.All("Acteco") {
		e.Acteco = append(e.Acteco, int(r.whole("Acteco", r.doc.Text(a))))
	}
	return e
}

func (r *reader) receptor(n *xmltree.Node) Receptor {
	return Receptor{
		RUT: r.rut(n, "RUTRecep"), CdgInt: r.text(n, "CdgIntRecep"), RznSoc: r.text(n, "RznSocRecep"), Giro: r.text(n, "GiroRecep"),
		Contacto: r.text(n, "Contacto"), Correo: r.text(n, "CorreoRecep"), Telefono: r.text(n, "TelefonoRecep"),
		Direccion: r.text(n, "DirRecep"), Comuna: r.text(n, "CmnaRecep"), Ciudad: r.text(n, "CiudadRecep"),
	}
}

func (r *reader) totales(n *xmltree.Node) Totales {
	return Totales{
		MntNeto: r.pesos(n, "MntNeto"), MntExe: r.pesos(n, "MntExe"), TasaIVA: number(r, n, "TasaIVA", money.RateFromXML),
		IVA: r.pesos(n, "IVA"), Impuestos: r.impuestos(n), IVANoRet: r.pesos(n, "IVANoRet"), GrntDep: r.pesos(n, "GrntDep"),
		MntTotal: r.pesos(n, "MntTotal"), MontoNF: r.pesos(n, "MontoNF"),
		MontoPeriodo:  r.pesos(n, "MontoPeriodo") + r.pesos(n, "TotalPeriodo"),
		SaldoAnterior: r.pesos(n, "SaldoAnterior"), VlrPagar: r.pesos(n, "VlrPagar"),
	}
}

func (r *reader) linea(n *xmltree.Node, tipo TipoDTE) Linea {
	l := Linea{
		IndExe: IndExe(r.optional(n, "IndExe")), Nombre: r.text(n, "NmbItem"), Descripcion: r.text(n, "DscItem"),
		Qty: number(r, n, "QtyItem", money.QtyFromXML), Unidad: r.text(n, "UnmdItem"), Prc: number(r, n, "PrcItem", money.PriceFromXML),
		DescuentoPct: number(r, n, "DescuentoPct", money.RateFromXML), RecargoPct: number(r, n, "RecargoPct", money.RateFromXML),
	}
	for _, c := range n.All("CdgItem") {
		l.Codigos = append(l.Codigos, Codigo{r.text(c, "TpoCodigo"), r.text(c, "VlrCodigo")})
	}
	descuento, recargo := r.pesos(n, "DescuentoMonto"), r.pesos(n, "RecargoMonto")
	if l.DescuentoPct == 0 {
		l.Descuento = descuento
	}
	if l.RecargoPct == 0 {
		l.Recargo = recargo
	}
	if l.Qty == 0 || l.Prc == 0 {
		if tipo.EsExportacion() {
			l.Divisa = number(r, n, "MontoItem", money.DivisaFromXML) + money.Divisa(descuento-recargo)*money.OneDivisa
		} else {
			l.Monto = r.pesos(n, "MontoItem") + descuento - recargo
		}
	}
	r.extras(n, &l)
	return l
}

// extras are the fields of a line that a counter seldom needs.
func (r *reader) extras(n *xmltree.Node, l *Linea) {
	for _, c := range n.All("CodImpAdic") {
		v, err := strconv.Atoi(strings.TrimSpace(r.doc.Text(c)))
		if err != nil {
			r.fail("CodImpAdic", r.doc.Text(c), "no es un código")
		}
		l.CodImpAdic = append(l.CodImpAdic, v)
	}
	retenedor := n.Child("Retenedor")
	l.Retenedor, l.MntBaseFaena = r.text(retenedor, "IndAgente") == "R", r.pesos(retenedor, "MntBaseFaena")
	l.QtyRef, l.UnidadRef = number(r, n, "QtyRef", money.QtyFromXML), r.text(n, "UnmdRef")
	l.PrcRef = number(r, n, "PrcRef", money.PriceFromXML)
	l.FchElabor, l.FchVencim = r.optionalDate(n, "FchElabor"), r.optionalDate(n, "FchVencim")
}

func (r *reader) global(n *xmltree.Node, tipo TipoDTE) DscRcgGlobal {
	g := DscRcgGlobal{TpoMov: TpoMov(r.text(n, "TpoMov")), Glosa: r.text(n, "GlosaDR"), IndExe: IndExe(r.optional(n, "IndExeDR"))}
	switch {
	case r.text(n, "TpoValor") == "%":
		g.Pct = number(r, n, "ValorDR", money.RateFromXML)
	case tipo.EsExportacion():
		g.Divisa = number(r, n, "ValorDR", money.DivisaFromXML)
	default:
		g.Monto = number(r, n, "ValorDR", wholePesos)
	}
	return g
}

// wholePesos reads an amount that the format allows two decimals but the peso does not.
func wholePesos(s string) (money.Pesos, error) {
	whole, decimals, _ := strings.Cut(s, ".")
	if strings.Trim(decimals, "0") != "" {
		whole = s
	}
	return money.PesosFromXML(whole)
}

func (r *reader) referencia(n *xmltree.Node, tipo TipoDTE) Referencia {
	ref := Referencia{
		TpoDocRef: r.text(n, "TpoDocRef"), IndGlobal: r.optional(n, "IndGlobal") == 1, RUTOtr: r.optionalRUT(n, "RUTOtr"), FolioRef: r.text(n, "FolioRef"), FchRef: r.optionalDate(n, "FchRef"),
		RazonRef: r.text(n, "RazonRef"), CodVndor: r.text(n, "CodVndor"), CodCaja: r.text(n, "CodCaja"),
	}
	if tipo.EsBoleta() {
		ref.CodRefBoleta = r.text(n, "CodRef")
	} else {
		ref.CodRef = CodRef(r.optional(n, "CodRef"))
	}
	return ref
}
