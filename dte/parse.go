package dte

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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
	f, err := parseFragment(xml)
	if err != nil {
		return nil, err
	}
	return f.document()
}

// fragment is a <DTE> taken apart.
type fragment struct {
	doc       *xmltree.Doc
	body      *xmltree.Node // Documento, Exportaciones or Liquidacion
	ted       *xmltree.Node
	signature *xmltree.Node
}

// parseFragment checks the shape that everything else relies on: one signed element, one signature beside it.
func parseFragment(xml []byte) (*fragment, error) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, documentLimits)
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

// isLatin1 reports that the bytes of doc mean in ISO-8859-1 what they mean in doc: the timbre is signed over them as they are,
// and in an envelope they stand under its declaration.
func isLatin1(doc *xmltree.Doc) bool {
	return doc.Encoding == xmltree.Latin1 || !slices.ContainsFunc(doc.Bytes(doc.Root), func(c byte) bool { return c >= 0x80 })
}

func (f *fragment) document() (*Document, error) {
	r := reader{doc: f.doc}
	header := f.body.Child("Encabezado")
	d := &Document{
		Folio:          Folio(r.integer(header.Child("IdDoc"), "Folio")),
		TED:            flatten(f.doc.Bytes(f.ted)),
		TSTED:          r.stamp(f.ted.Child("DD"), "TSTED"),
		TmstFirma:      r.stamp(f.body, "TmstFirma"),
		CAFIDK:         int(r.integer(f.ted.Path("DD", "CAF", "DA"), "IDK")),
		SignatureValue: withoutSpace(r.text(f.signature, "SignatureValue")),
		XML:            f.doc.Bytes(f.doc.Root),
	}
	r.draft(f.body, &d.Draft)
	if slices.Contains(Tipos(), d.Tipo) {
		d.Totales = r.totales(header.Child("Totales"))
		for _, n := range f.body.All("Detalle") {
			d.Montos = append(d.Montos, r.pesos(n, "MontoItem"))
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
	d.IndServicio = int(r.optional(id, "IndServicio"))
	d.MntBruto = r.optional(id, "MntBruto") == 1
	d.FmaPago = int(r.optional(id, "FmaPago"))
	d.MedioPago = r.text(id, "MedioPago")
	d.FchVenc = r.optionalDate(id, "FchVenc")
	lines := body.All("Detalle")
	d.Detalle = slices.Grow(d.Detalle, len(lines))
	for _, n := range lines {
		d.Detalle = append(d.Detalle, r.linea(n))
	}
	for _, n := range body.All("DscRcgGlobal") {
		d.DscRcg = append(d.DscRcg, r.global(n))
	}
	for _, n := range body.All("Referencia") {
		d.Referencia = append(d.Referencia, r.referencia(n, d.Tipo))
	}
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
		IVA: r.pesos(n, "IVA"), MntTotal: r.pesos(n, "MntTotal"), MontoNF: r.pesos(n, "MontoNF"), VlrPagar: r.pesos(n, "VlrPagar"),
	}
}

func (r *reader) linea(n *xmltree.Node) Linea {
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
		l.Monto = r.pesos(n, "MontoItem") + descuento - recargo
	}
	return l
}

func (r *reader) global(n *xmltree.Node) DscRcgGlobal {
	g := DscRcgGlobal{TpoMov: TpoMov(r.text(n, "TpoMov")), Glosa: r.text(n, "GlosaDR"), IndExe: IndExe(r.optional(n, "IndExeDR"))}
	if r.text(n, "TpoValor") == "%" {
		g.Pct = number(r, n, "ValorDR", money.RateFromXML)
	} else {
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
		TpoDocRef: r.text(n, "TpoDocRef"), FolioRef: r.text(n, "FolioRef"), FchRef: r.optionalDate(n, "FchRef"),
		RazonRef: r.text(n, "RazonRef"), CodVndor: r.text(n, "CodVndor"), CodCaja: r.text(n, "CodCaja"),
	}
	if tipo.EsBoleta() {
		ref.CodRefBoleta = r.text(n, "CodRef")
	} else {
		ref.CodRef = CodRef(r.optional(n, "CodRef"))
	}
	return ref
}
