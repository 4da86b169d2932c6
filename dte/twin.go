package dte

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"golang.org/x/text/encoding/charmap"

	"mostrador/dte/xmltree"
)

// The second path: etree builds the document and goxmldsig canonicalises, digests and signs it, sharing with the first
// path the arithmetic and the keys but neither the writer nor the canonicaliser. Its output must be the same bytes
// (TestTwin), and VerifyTwin is a second opinion on what others emit. The first path is the one that issues: it is
// faster and never needs to understand a library's mind.

// EmitTwin makes the bytes that Emit makes, by the second path.
func EmitTwin(d Draft, folio Folio, caf *CAF, s *Signer, now time.Time) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	doc, err := d.normalized().computed()
	if err != nil {
		return nil, err
	}
	doc.Folio, doc.TSTED, doc.TmstFirma = folio, now, now
	root := etree.NewElement("DTE")
	root.CreateAttr("version", "1.0")
	documento := twinDocumento(doc)
	if err := twinTED(documento, doc, caf); err != nil {
		return nil, err
	}
	twinLeaf(documento, "TmstFirma", stamp(now))
	addBlock(root, documento)

	ctx, err := dsig.NewSigningContext(s.key, [][]byte{s.cert.Raw})
	if err != nil {
		return nil, err
	}
	ctx.Prefix, ctx.IdAttribute, ctx.Canonicalizer = "", "ID", dsig.MakeC14N10RecCanonicalizer()
	if err := ctx.SetSignatureMethod(dsig.RSASHA1SignatureMethod); err != nil {
		return nil, err
	}
	signature, err := ctx.ConstructSignature(documento, false)
	if err != nil {
		return nil, err
	}
	addBlock(root, twinSignature(signature, s))
	return serialize(root)
}

// addBlock appends a child on a line of its own.
func addBlock(parent, child *etree.Element) {
	if len(parent.Child) == 0 {
		parent.CreateText("\n")
	}
	parent.AddChild(child)
	parent.CreateText("\n")
}

func twinBlock(parent *etree.Element, name string) *etree.Element {
	e := etree.NewElement(name)
	addBlock(parent, e)
	return e
}

func twinLeaf(parent *etree.Element, name, text string) {
	e := etree.NewElement(name)
	e.SetText(text)
	addBlock(parent, e)
}

func twinOptional(parent *etree.Element, name, text string) {
	if text != "" {
		twinLeaf(parent, name, text)
	}
}

// twinDocumento builds <Documento> up to the TED from a table of names and values.
func twinDocumento(doc *Document) *etree.Element {
	documento := etree.NewElement("Documento")
	if doc.Tipo >= FacturaExportacion {
		documento.Tag = "Exportaciones"
	}
	documento.CreateAttr("ID", doc.Key().ID())
	header := twinBlock(documento, "Encabezado")
	boleta := doc.Tipo.EsBoleta()
	factura := func(s string) string {
		if boleta {
			return ""
		}
		return s
	}
	onlyBoleta := func(s string) string {
		if boleta {
			return s
		}
		return ""
	}
	twinIDDoc(twinBlock(header, "IdDoc"), doc)
	e := doc.Emisor
	rows := [][2]string{
		{"RUTEmisor", e.RUT.String()},
		{"RznSocEmisor", onlyBoleta(e.RznSoc)},
		{"GiroEmisor", onlyBoleta(e.Giro)},
		{"RznSoc", factura(e.RznSoc)},
		{"GiroEmis", factura(e.Giro)},
	}
	for _, t := range e.Telefono {
		rows = append(rows, [2]string{"Telefono", t})
	}
	rows = append(rows, [2]string{"CorreoEmisor", e.Correo})
	for _, a := range e.Acteco {
		rows = append(rows, [2]string{"Acteco", strconv.Itoa(a)})
	}
	fill(twinBlock(header, "Emisor"), append(rows, [][2]string{
		{"Sucursal", e.Sucursal},
		{"CdgSIISucur", nonZero(e.CdgSIISucur)},
		{"DirOrigen", e.Direccion},
		{"CmnaOrigen", e.Comuna},
		{"CiudadOrigen", e.Ciudad},
		{"CdgVendedor", e.CdgVendedor},
	}...))
	twinOptional(header, "RUTMandante", doc.RUTMandante.String())
	twinReceptor(twinBlock(header, "Receptor"), doc)
	twinOptional(header, "RUTSolicita", doc.RUTSolicita.String())
	twinTransporte(header, doc)
	if doc.Exportacion != nil {
		twinDivisa(header, doc)
	} else {
		twinTotales(twinBlock(header, "Totales"), doc)
	}
	for i := range doc.Detalle {
		twinLinea(twinBlock(documento, "Detalle"), doc, i)
	}
	for i, g := range doc.DscRcg {
		tipo, valor := "%", g.Pct.XML()
		if g.Pct == 0 {
			tipo, valor = "$", g.Monto.XML()
		}
		if g.Divisa != 0 {
			valor = g.Divisa.XML()
		}
		fill(twinBlock(documento, "DscRcgGlobal"), [][2]string{
			{"NroLinDR", strconv.Itoa(i + 1)},
			{"TpoMov", string(g.TpoMov)},
			{"GlosaDR", g.Glosa},
			{"TpoValor", tipo},
			{"ValorDR", valor},
			{"IndExeDR", nonZero(g.IndExe)},
		})
	}
	for i, ref := range doc.Referencia {
		fill(twinBlock(documento, "Referencia"), [][2]string{
			{"NroLinRef", strconv.Itoa(i + 1)},
			{"TpoDocRef", ref.TpoDocRef},
			{"IndGlobal", twinFlag(ref.IndGlobal)},
			{"FolioRef", ref.FolioRef},
			{"RUTOtr", ref.RUTOtr.String()},
			{"FchRef", ref.FchRef.String()},
			{"CodRef", nonZero(ref.CodRef)},
			{"CodRef", ref.CodRefBoleta},
			{"RazonRef", ref.RazonRef},
			{"CodVndor", ref.CodVndor},
			{"CodCaja", ref.CodCaja},
		})
	}
	return documento
}

// nonZero is a code, and unlessZero an amount, where zero is not written.
func nonZero[T ~int](v T) string {
	if v == 0 {
		return ""
	}
	return strconv.Itoa(int(v))
}

func unlessZero[T interface {
	~int64
	XML() string
}](v T) string {
	if v == 0 {
		return ""
	}
	return v.XML()
}

func fill(parent *etree.Element, rows [][2]string) {
	for _, row := range rows {
		twinOptional(parent, row[0], row[1])
	}
}

func twinFlag(on bool) string {
	if on {
		return "1"
	}
	return ""
}

func twinIDDoc(parent *etree.Element, doc *Document) {
	rows := [][2]string{{"TipoDTE", strconv.Itoa(int(doc.Tipo))}, {"Folio", doc.Folio.String()}, {"FchEmis", doc.FchEmis.String()}}
	period := [][2]string{{"PeriodoDesde", doc.PeriodoDesde.String()}, {"PeriodoHasta", doc.PeriodoHasta.String()}}
	if doc.Tipo.EsBoleta() {
		rows = append(rows, [2]string{"IndServicio", nonZero(doc.IndServicio)})
		rows = append(rows, period...)
		fill(parent, append(rows, [2]string{"FchVenc", doc.FchVenc.String()}, [2]string{"MedioPago", doc.MedioPago}))
		return
	}
	formaExp := 0
	if doc.Exportacion != nil {
		formaExp = doc.Exportacion.FmaPagExp
	}
	for _, pair := range []struct {
		name  string
		value int
	}{
		{"TipoDespacho", doc.TipoDespacho},
		{"IndTraslado", doc.IndTraslado},
		{"IndServicio", doc.IndServicio},
	} {
		if pair.name == "TipoDespacho" {
			rows = append(rows, [2]string{"IndNoRebaja", twinFlag(doc.IndNoRebaja)})
		}
		rows = append(rows, [2]string{pair.name, nonZero(pair.value)})
	}
	rows = append(rows, [][2]string{
		{"MntBruto", twinFlag(doc.MntBruto)},
		{"TpoTranCompra", nonZero(doc.TpoTranCompra)},
		{"TpoTranVenta", nonZero(doc.TpoTranVenta)},
		{"FmaPago", nonZero(doc.FmaPago)},
		{"FmaPagExp", nonZero(formaExp)},
		{"FchCancel", doc.FchCancel.String()},
		{"MntCancel", unlessZero(doc.MntCancel)},
		{"SaldoInsol", unlessZero(doc.SaldoInsol)},
	}...)
	fill(parent, rows)
	for _, p := range doc.MntPagos {
		fill(twinBlock(parent, "MntPagos"), [][2]string{{"FchPago", p.Fch.String()}, {"MntPago", p.Mnt.XML()}, {"GlosaPagos", p.Glosa}})
	}
	fill(parent, append(period, [][2]string{
		{"MedioPago", doc.MedioPago},
		{"TpoCtaPago", doc.TpoCtaPago},
		{"NumCtaPago", doc.NumCtaPago},
		{"BcoPago", doc.BcoPago},
		{"TermPagoCdg", doc.TermPagoCdg},
		{"TermPagoGlosa", doc.TermPagoGlosa},
		{"TermPagoDias", nonZero(doc.TermPagoDias)},
		{"FchVenc", doc.FchVenc.String()},
	}...))
}

func twinReceptor(parent *etree.Element, doc *Document) {
	r := doc.Receptor
	fill(parent, [][2]string{{"RUTRecep", r.RUT.String()}, {"CdgIntRecep", r.CdgInt}, {"RznSocRecep", r.RznSoc}})
	if e := doc.Exportacion; e != nil && e.NumID+e.Nacionalidad != "" {
		fill(twinBlock(parent, "Extranjero"), [][2]string{{"NumId", e.NumID}, {"Nacionalidad", e.Nacionalidad}})
	}
	fill(parent, [][2]string{
		{"GiroRecep", r.Giro},
		{"Contacto", r.Contacto},
		{"CorreoRecep", r.Correo},
		{"TelefonoRecep", r.Telefono},
		{"DirRecep", r.Direccion},
		{"CmnaRecep", r.Comuna},
		{"CiudadRecep", r.Ciudad},
	})
}

func twinTransporte(header *etree.Element, doc *Document) {
	var t Transporte
	if doc.Transporte != nil {
		t = *doc.Transporte
	}
	var a *Aduana
	if doc.Exportacion != nil {
		a = doc.Exportacion.Aduana
	}
	if doc.Transporte == nil && a == nil {
		return
	}
	parent := twinBlock(header, "Transporte")
	fill(parent, [][2]string{{"Patente", t.Patente}, {"PatenteCarro", t.PatenteCarro}, {"RUTTrans", t.RUTTrans.String()}})
	if t.NombreChofer != "" {
		fill(twinBlock(parent, "Chofer"), [][2]string{{"RUTChofer", t.RUTChofer.String()}, {"NombreChofer", t.NombreChofer}})
	}
	fill(parent, [][2]string{{"DirDest", t.Direccion}, {"CmnaDest", t.Comuna}, {"CiudadDest", t.Ciudad}})
	if a != nil {
		twinAduana(twinBlock(parent, "Aduana"), a)
	}
	fill(parent, [][2]string{{"FchSalida", t.FchSalida.String()}, {"HraSalida", t.HraSalida}, {"FchLlegada", t.FchLlegada.String()}})
}

func twinAduana(parent *etree.Element, a *Aduana) {
	fill(parent, [][2]string{
		{"CodModVenta", nonZero(a.CodModVenta)},
		{"CodClauVenta", nonZero(a.CodClauVenta)},
		{"TotClauVenta", unlessZero(a.TotClauVenta)},
		{"CodViaTransp", nonZero(a.CodViaTransp)},
		{"NombreTransp", a.NombreTransp},
		{"RUTCiaTransp", a.RUTCiaTransp.String()},
		{"NomCiaTransp", a.NomCiaTransp},
		{"Booking", a.Booking},
		{"Operador", a.Operador},
		{"CodPtoEmbarque", nonZero(a.CodPtoEmbarque)},
		{"CodPtoDesemb", nonZero(a.CodPtoDesemb)},
		{"Tara", nonZero(a.Tara)},
		{"CodUnidMedTara", nonZero(a.CodUnidMedTara)},
		{"PesoBruto", unlessZero(a.PesoBruto)},
		{"CodUnidPesoBruto", nonZero(a.CodUnidPesoBruto)},
		{"PesoNeto", unlessZero(a.PesoNeto)},
		{"CodUnidPesoNeto", nonZero(a.CodUnidPesoNeto)},
		{"TotBultos", nonZero(a.TotBultos)},
	})
	for _, b := range a.TipoBultos {
		fill(twinBlock(parent, "TipoBultos"), [][2]string{
			{"CodTpoBultos", nonZero(b.CodTpoBultos)},
			{"CantBultos", nonZero(b.CantBultos)},
			{"Marcas", b.Marcas},
			{"IdContainer", b.IDContainer},
			{"Sello", b.Sello},
			{"EmisorSello", b.EmisorSello},
		})
	}
	fill(parent, [][2]string{
		{"MntFlete", unlessZero(a.MntFlete)},
		{"MntSeguro", unlessZero(a.MntSeguro)},
		{"CodPaisRecep", nonZero(a.CodPaisRecep)},
		{"CodPaisDestin", nonZero(a.CodPaisDestin)},
	})
}

func twinDivisa(header *etree.Element, doc *Document) {
	t := doc.Totales.Divisa
	fill(twinBlock(header, "Totales"), [][2]string{
		{"TpoMoneda", doc.Exportacion.TpoMoneda}, {"MntExe", t.MntExe.XML()}, {"MntTotal", t.MntTotal.XML()},
	})
	fill(twinBlock(header, "OtraMoneda"), [][2]string{
		{"TpoMoneda", "PESO CL"},
		{"TpoCambio", doc.Exportacion.TpoCambio.XML()},
		{"MntExeOtrMnda", t.MntExeCL.XML()},
		{"MntTotOtrMnda", t.MntTotCL.XML()},
	})
}

func twinTotales(parent *etree.Element, doc *Document) {
	t, iva := doc.Totales, doc.statesIVA()
	if iva {
		twinLeaf(parent, "MntNeto", t.MntNeto.XML())
	}
	if doc.Tipo.EsExento() {
		twinLeaf(parent, "MntExe", t.MntExe.XML())
	} else {
		twinOptional(parent, "MntExe", unlessZero(t.MntExe))
	}
	if iva {
		twinOptional(parent, "TasaIVA", unlessZero(t.TasaIVA))
		twinLeaf(parent, "IVA", t.IVA.XML())
	}
	for _, i := range t.Impuestos {
		fill(twinBlock(parent, "ImptoReten"), [][2]string{{"TipoImp", strconv.Itoa(i.Cod)}, {"TasaImp", unlessZero(i.Tasa)}, {"MontoImp", i.Monto.XML()}})
	}
	period := "MontoPeriodo"
	if doc.Tipo.EsBoleta() {
		period = "TotalPeriodo"
	}
	fill(parent, [][2]string{
		{"IVANoRet", unlessZero(t.IVANoRet)},
		{"GrntDep", unlessZero(t.GrntDep)},
		{"MntTotal", t.MntTotal.XML()},
		{"MontoNF", unlessZero(t.MontoNF)},
		{period, unlessZero(t.MontoPeriodo)},
		{"SaldoAnterior", unlessZero(t.SaldoAnterior)},
		{"VlrPagar", unlessZero(t.VlrPagar)},
	})
}

func twinLinea(parent *etree.Element, doc *Document, i int) {
	l := doc.Detalle[i]
	twinLeaf(parent, "NroLinDet", strconv.Itoa(i+1))
	for _, c := range l.Codigos {
		fill(twinBlock(parent, "CdgItem"), [][2]string{{"TpoCodigo", c.Tipo}, {"VlrCodigo", c.Valor}})
	}
	twinOptional(parent, "IndExe", nonZero(l.IndExe))
	if l.Retenedor {
		fill(twinBlock(parent, "Retenedor"), [][2]string{{"IndAgente", "R"}, {"MntBaseFaena", unlessZero(l.MntBaseFaena)}})
	}
	fill(parent, [][2]string{
		{"NmbItem", l.Nombre},
		{"DscItem", l.Descripcion},
		{"QtyRef", unlessZero(l.QtyRef)},
		{"UnmdRef", l.UnidadRef},
		{"PrcRef", unlessZero(l.PrcRef)},
		{"QtyItem", unlessZero(l.Qty)},
		{"FchElabor", l.FchElabor.String()},
		{"FchVencim", l.FchVencim.String()},
		{"UnmdItem", l.Unidad},
		{"PrcItem", unlessZero(l.Prc)},
		{"DescuentoPct", unlessZero(l.DescuentoPct)},
		{"DescuentoMonto", unlessZero(doc.Descuentos[i])},
		{"RecargoPct", unlessZero(l.RecargoPct)},
		{"RecargoMonto", unlessZero(doc.Recargos[i])},
	})
	for _, cod := range l.CodImpAdic {
		twinLeaf(parent, "CodImpAdic", strconv.Itoa(cod))
	}
	if doc.Tipo.EsExportacion() {
		twinLeaf(parent, "MontoItem", doc.MontosDivisa[i].XML())
		return
	}
	twinLeaf(parent, "MontoItem", doc.Montos[i].XML())
}

// twinTED adds the timbre; its message is the flattened DD that etree writes, in Latin-1.
func twinTED(documento *etree.Element, doc *Document, caf *CAF) error {
	ted := twinBlock(documento, "TED")
	ted.CreateAttr("version", "1.0")
	dd := twinBlock(ted, "DD")
	name := doc.Receptor.RznSoc
	if name == "" {
		name = doc.Receptor.RUT.String()
	}
	fill(dd, [][2]string{{"RE", doc.Emisor.RUT.String()}, {"TD", strconv.Itoa(int(doc.Tipo))}, {"F", doc.Folio.String()}, {"FE", doc.FchEmis.String()}, {"RR", doc.Receptor.RUT.String()}})
	twinLeaf(dd, "RSR", firstRunes(name, 40))
	total := strconv.FormatInt(int64(doc.Totales.MntTotal), 10)
	if doc.Totales.Divisa != nil {
		total = doc.Totales.Divisa.MntTotal.XML()
	}
	twinLeaf(dd, "MNT", total)
	twinLeaf(dd, "IT1", firstRunes(doc.Detalle[0].Nombre, 40))
	authorised, err := readTree(caf.xml)
	if err != nil {
		return err
	}
	addBlock(dd, authorised.Root())
	twinLeaf(dd, "TSTED", stamp(doc.TSTED))
	message, err := serialize(withoutBlanks(dd.Copy()))
	if err != nil {
		return err
	}
	frmt, err := caf.key.sign(message)
	if err != nil {
		return err
	}
	twinLeaf(ted, "FRMT", base64.StdEncoding.EncodeToString(frmt))
	ted.SelectElement("FRMT").CreateAttr("algoritmo", "SHA1withRSA")
	return nil
}

func firstRunes(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}

// withoutBlanks removes the white space between tags from e and returns it.
func withoutBlanks(e *etree.Element) *etree.Element {
	for i := len(e.Child) - 1; i >= 0; i-- {
		switch c := e.Child[i].(type) {
		case *etree.CharData:
			if strings.TrimSpace(c.Data) == "" {
				e.RemoveChildAt(i)
			}
		case *etree.Element:
			withoutBlanks(c)
		}
	}
	return e
}

// twinSignature lays out goxmldsig's signature in our lines and puts the KeyValue that the SII's schema demands before
// the certificate. KeyInfo is not covered by the signature, and SignedInfo is left as it is.
func twinSignature(signature *etree.Element, s *Signer) *etree.Element {
	out := etree.NewElement("Signature")
	out.CreateAttr("xmlns", nsDSig)
	addBlock(out, signature.SelectElement("SignedInfo"))
	twinLeaf(out, "SignatureValue", wrapLines(signature.SelectElement("SignatureValue").Text()))
	info := twinBlock(out, "KeyInfo")
	key := twinBlock(twinBlock(info, "KeyValue"), "RSAKeyValue")
	twinLeaf(key, "Modulus", wrapLines(base64.StdEncoding.EncodeToString(s.key.N.Bytes())))
	twinLeaf(key, "Exponent", exponent64(&s.key.PublicKey))
	twinLeaf(twinBlock(info, "X509Data"), "X509Certificate", wrapLines(signature.FindElement("./KeyInfo/X509Data/X509Certificate").Text()))
	return out
}

func wrapLines(text string) string {
	var lines []string
	for ; len(text) > base64Line; text = text[base64Line:] {
		lines = append(lines, text[:base64Line])
	}
	return "\n" + strings.Join(append(lines, text), "\n") + "\n"
}

// serialize writes an element in canonical spelling, in ISO-8859-1.
func serialize(e *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true, CanonicalEndTags: true}
	doc.SetRoot(e)
	utf, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	return charmap.ISO8859_1.NewEncoder().Bytes(utf)
}

// readTree reads Latin-1 bytes into etree, which knows UTF-8 only. The declaration is taken off: it would contradict.
func readTree(latin []byte) (*etree.Document, error) {
	if bytes.HasPrefix(latin, []byte("<?xml")) {
		latin = latin[bytes.Index(latin, []byte("?>"))+2:]
	}
	utf, err := charmap.ISO8859_1.NewDecoder().Bytes(latin)
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	return doc, doc.ReadFromBytes(utf)
}

// VerifyTwin is a second opinion on the signature of one <DTE>: etree reads it and goxmldsig canonicalises. It judges
// the signature only. Documents are limited as in Verify.
func VerifyTwin(xml []byte) error {
	f, err := parseFragment(xml, xmltree.Latin1) // bounds, before a library without any
	if err != nil {
		return err
	}
	tree, err := readTree(f.doc.Bytes(f.doc.Root))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotDTE, err)
	}
	elements := tree.Root().ChildElements()
	if len(elements) != 2 {
		return ErrNotDTE
	}
	body, signature := elements[0], elements[1]
	canonicalizer := dsig.MakeC14N10RecCanonicalizer()
	info := signature.SelectElement("SignedInfo")
	value := signature.SelectElement("SignatureValue")
	digest := signature.FindElement("./SignedInfo/Reference/DigestValue")
	if info == nil || value == nil || digest == nil {
		return ErrSignature
	}
	// The default namespaces in scope, which the canonical form of a detached element has to state.
	if ns := tree.Root().SelectAttrValue("xmlns", ""); ns != "" {
		body.CreateAttr("xmlns", ns)
	}
	info.CreateAttr("xmlns", nsDSig)
	canonical, err := canonicalizer.Canonicalize(body)
	if err != nil {
		return err
	}
	sum := sha1.Sum(canonical)
	if base64.StdEncoding.EncodeToString(sum[:]) != withoutSpace(digest.Text()) {
		return fmt.Errorf("%w: el contenido no es el que se firmó", ErrSignature)
	}
	key, _, err := readKeyInfo(stranger{}, f.doc, f.signature.Child("KeyInfo"))
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(withoutSpace(value.Text()))
	if err != nil {
		return errors.Join(ErrSignature, err)
	}
	if canonical, err = canonicalizer.Canonicalize(info); err != nil {
		return err
	}
	if verifyDigest(key, canonical, raw) != nil {
		return fmt.Errorf("%w: el valor de la firma no corresponde a la llave", ErrSignature)
	}
	return nil
}
