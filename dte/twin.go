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
	bruto := ""
	if doc.MntBruto {
		bruto = "1"
	}
	fill(twinBlock(header, "IdDoc"), [][2]string{
		{"TipoDTE", strconv.Itoa(int(doc.Tipo))},
		{"Folio", doc.Folio.String()},
		{"FchEmis", doc.FchEmis.String()},
		{"IndServicio", nonZero(doc.IndServicio)},
		{"FchVenc", onlyBoleta(doc.FchVenc.String())},
		{"MntBruto", bruto},
		{"FmaPago", nonZero(doc.FmaPago)},
		{"MedioPago", doc.MedioPago},
		{"FchVenc", factura(doc.FchVenc.String())},
	})
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
	r := doc.Receptor
	fill(twinBlock(header, "Receptor"), [][2]string{
		{"RUTRecep", r.RUT.String()},
		{"CdgIntRecep", r.CdgInt},
		{"RznSocRecep", r.RznSoc},
		{"GiroRecep", r.Giro},
		{"Contacto", r.Contacto},
		{"CorreoRecep", r.Correo},
		{"TelefonoRecep", r.Telefono},
		{"DirRecep", r.Direccion},
		{"CmnaRecep", r.Comuna},
		{"CiudadRecep", r.Ciudad},
	})
	twinTotales(twinBlock(header, "Totales"), doc)
	for i := range doc.Detalle {
		twinLinea(twinBlock(documento, "Detalle"), doc, i)
	}
	for i, g := range doc.DscRcg {
		tipo, valor := "%", g.Pct.XML()
		if g.Pct == 0 {
			tipo, valor = "$", g.Monto.XML()
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
			{"FolioRef", ref.FolioRef},
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
	twinLeaf(parent, "MntTotal", t.MntTotal.XML())
	twinOptional(parent, "MontoNF", unlessZero(t.MontoNF))
	twinOptional(parent, "VlrPagar", unlessZero(t.VlrPagar))
}

func twinLinea(parent *etree.Element, doc *Document, i int) {
	l := doc.Detalle[i]
	twinLeaf(parent, "NroLinDet", strconv.Itoa(i+1))
	for _, c := range l.Codigos {
		fill(twinBlock(parent, "CdgItem"), [][2]string{{"TpoCodigo", c.Tipo}, {"VlrCodigo", c.Valor}})
	}
	fill(parent, [][2]string{
		{"IndExe", nonZero(l.IndExe)},
		{"NmbItem", l.Nombre},
		{"DscItem", l.Descripcion},
		{"QtyItem", unlessZero(l.Qty)},
		{"UnmdItem", l.Unidad},
		{"PrcItem", unlessZero(l.Prc)},
		{"DescuentoPct", unlessZero(l.DescuentoPct)},
		{"DescuentoMonto", unlessZero(doc.Descuentos[i])},
		{"RecargoPct", unlessZero(l.RecargoPct)},
		{"RecargoMonto", unlessZero(doc.Recargos[i])},
	})
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
	twinLeaf(dd, "MNT", strconv.FormatInt(int64(doc.Totales.MntTotal), 10))
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
	f, err := parseFragment(xml) // bounds, before a library without any
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
