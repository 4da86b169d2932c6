package dte

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// ErrAEC: a document cannot be ceded so, or what was read is not a valid file of cessions.
var ErrAEC = errors.New("la cesión no es válida")

// What one file takes (AEC_v10.xsd, DTECedido_v10.xsd, Cesion_v10.xsd).
const (
	maxCesiones    = 40
	maxAutorizados = 3
	maxRecibosAEC  = 40
)

// Cedible reports a type whose credit may be ceded (Ley 19.983; SiiTypes_v10.xsd, DTEFacturasType).
func (t TipoDTE) Cedible() bool { return slices.Contains([]TipoDTE{33, 34, 43, 46}, t) }

// Parte is one side of a cession.
type Parte struct {
	RUT         RUT
	RazonSocial string // up to 100 characters
	Direccion   string // 5 to 80
	Mail        string // 6 to 80
}

func (p Parte) normalized() Parte {
	return Parte{p.RUT, Normalize(p.RazonSocial), Normalize(p.Direccion), Normalize(p.Mail)}
}

// Autorizado is a person who may sign cessions for the company that cedes.
type Autorizado struct {
	RUT    RUT
	Nombre string // up to 40 characters
}

// Cesion is the transfer of a document's credit from one party to the next.
type Cesion struct {
	Cedente Parte
	// Autorizados are 1 to 3 persons; whoever signs is one of them.
	Autorizados []Autorizado
	// DeclaracionJurada says that receipts on paper are at hand; up to 512 characters, usually empty.
	DeclaracionJurada string
	Cesionario        Parte
	Monto             money.Pesos // 1 to the document's total
	UltimoVencimiento Date
	OtrasCondiciones  string // up to 512 characters
	MailDeudor        string
	// The rest is written by NewAEC and told by VerifyAEC. XML is the part as signed.
	Seq     int // 1, 2, 3…
	DTE     DocID
	Tmst    time.Time
	Signers []RUT
	XML     []byte
}

// AEC is a file of cessions that was read and verified: a document, and every transfer of its credit up to now.
type AEC struct {
	Cedente, Cesionario RUT // of the last cession
	Contacto            Contacto
	TmstFirma           time.Time
	DTE                 *Document
	Recibos             []Recibo // receipts of the document that came with it
	Cesiones            []Cesion
	Signer              RUT    // of the file
	Cedido              []byte // the DTECedido part, as signed by who ceded first
}

// NewAEC cedes a document for the first time: its exact bytes, any receipts of it, and one cession, each part signed, in
// a signed file for the SII's register. The result has been read back and verified.
func NewAEC(doc *Document, recibos []Recibo, c Cesion, contacto Contacto, s *Signer, now time.Time) ([]byte, error) {
	doc, err := verify(doc.XML, xmltree.Latin1, anyCAF)
	if err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	if err := cedible(doc, c); err != nil {
		return nil, err
	}
	cedido, err := s.cedido(doc, recibos, now)
	if err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	return newAEC(&AEC{DTE: doc, Cedido: cedido}, c, contacto, s, now)
}

// Ceder passes the credit on: the parts of a stay as they are, byte for byte, and one more cession follows.
func (a *AEC) Ceder(c Cesion, contacto Contacto, s *Signer, now time.Time) ([]byte, error) {
	return newAEC(a, c, contacto, s, now)
}

// anyCAF leaves the CAF to whoever issued or received the document.
func anyCAF(*CAF) error { return nil }

// cedible refuses what has no credit to cede: paid in cash, or for free.
func cedible(doc *Document, c Cesion) error {
	switch {
	case !doc.Tipo.Cedible():
		return fmt.Errorf("%w: %s no se puede ceder; sí las de tipo 33, 34, 43 y 46", ErrAEC, doc.Tipo)
	case doc.FmaPago == 1 || doc.FmaPago == 3:
		return fmt.Errorf("%w: %s está pagada al contado o es sin costo: no queda saldo que ceder", ErrAEC, doc.Key())
	case c.UltimoVencimiento.Before(doc.FchEmis):
		return fmt.Errorf("%w: el último vencimiento %s es anterior a la emisión %s", ErrAEC, c.UltimoVencimiento, doc.FchEmis)
	}
	return nil
}

// acreedor is whom the document's debtor owes: who issued it, except that a factura de compra is issued by the buyer.
func acreedor(doc *Document) RUT {
	if doc.Tipo == 46 {
		return doc.Receptor.RUT
	}
	return doc.Emisor.RUT
}

// cedido is the DTECedido part.
func (s *Signer) cedido(doc *Document, recibos []Recibo, now time.Time) ([]byte, error) {
	if len(recibos) > maxRecibosAEC {
		return nil, fmt.Errorf("trae %d recibos y caben %d", len(recibos), maxRecibosAEC)
	}
	var w writer
	w.openID("DocumentoDTECedido", "DTECedido_"+doc.Key().ID())
	w.lines(doc.XML)
	for _, r := range recibos {
		w.lines(r.XML)
	}
	w.must("TmstFirma", stamp(now))
	w.close("DocumentoDTECedido")
	if w.err != nil {
		return nil, w.err
	}
	return s.enclose("DTECedido", "", w.b.Bytes())
}

// newAEC appends a cession to those of a and signs the whole.
func newAEC(a *AEC, c Cesion, contacto Contacto, s *Signer, now time.Time) ([]byte, error) {
	if err := s.ValidAt(now); err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	c.Seq, c.DTE, c.Tmst, c.Signers = len(a.Cesiones)+1, IDOf(a.DTE), now, []RUT{s.RUT()}
	c = c.normalized()
	next := &AEC{DTE: a.DTE, Cesiones: append(own(a.Cesiones), c), Cedente: c.Cedente.RUT, Cesionario: c.Cesionario.RUT}
	if err := next.agree(); err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	part, err := s.cesion(c)
	if err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	var w writer
	w.openID("DocumentoAEC", "AEC_"+c.DTE.Key().ID()+"_"+strconv.Itoa(c.Seq))
	w.openVersion("Caratula")
	w.rut("RutCedente", c.Cedente.RUT)
	w.rut("RutCesionario", c.Cesionario.RUT)
	w.contacto(contacto.normalized())
	w.must("TmstFirmaEnvio", stamp(now))
	w.close("Caratula")
	w.open("Cesiones")
	w.lines(a.Cedido)
	for _, earlier := range a.Cesiones {
		w.lines(earlier.XML)
	}
	w.lines(part)
	w.close("Cesiones")
	w.close("DocumentoAEC")
	xml, err := s.file("AEC", "AEC_v10.xsd", &w)
	if err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	// Verified with all rules: what others signed, receipts for one, may not be sound. The new part must read as meant.
	read, err := verifyAEC(xml, anyCAF)
	if err != nil {
		return nil, err
	}
	if !sameCesion(read.Cesiones[c.Seq-1], c) {
		return nil, ErrReadBack
	}
	return xml, nil
}

func (c Cesion) normalized() Cesion {
	c.Cedente, c.Cesionario, c.Autorizados = c.Cedente.normalized(), c.Cesionario.normalized(), own(c.Autorizados)
	for i := range c.Autorizados {
		c.Autorizados[i].Nombre = Normalize(c.Autorizados[i].Nombre)
	}
	c.DeclaracionJurada, c.OtrasCondiciones = Normalize(c.DeclaracionJurada), Normalize(c.OtrasCondiciones)
	c.MailDeudor = Normalize(c.MailDeudor)
	return c
}

// sameCesion compares everything but the bytes.
func sameCesion(a, b Cesion) bool {
	return a.Cedente == b.Cedente && slices.Equal(a.Autorizados, b.Autorizados) && a.DeclaracionJurada == b.DeclaracionJurada &&
		a.Cesionario == b.Cesionario && a.Monto == b.Monto && a.UltimoVencimiento == b.UltimoVencimiento &&
		a.OtrasCondiciones == b.OtrasCondiciones && a.MailDeudor == b.MailDeudor && a.Seq == b.Seq && a.DTE == b.DTE &&
		stamp(a.Tmst) == stamp(b.Tmst) && slices.Equal(a.Signers, b.Signers)
}

// cesion is a Cesion part.
func (s *Signer) cesion(c Cesion) ([]byte, error) {
	var w writer
	w.openID("DocumentoCesion", "Cesion_"+strconv.Itoa(c.Seq)+"_"+c.DTE.Key().ID())
	w.digits("SeqCesion", int64(c.Seq), 1, 3)
	w.idDTE(c.DTE)
	w.open("Cedente")
	w.parte(c.Cedente)
	for _, a := range c.Autorizados {
		w.open("RUTAutorizado")
		w.rut("RUT", a.RUT)
		w.limited("Nombre", a.Nombre, 1, 40)
		w.close("RUTAutorizado")
	}
	w.optionalText("DeclaracionJurada", c.DeclaracionJurada, 512)
	w.close("Cedente")
	w.open("Cesionario")
	w.parte(c.Cesionario)
	w.close("Cesionario")
	w.amount("MontoCesion", c.Monto)
	w.day("UltimoVencimiento", c.UltimoVencimiento)
	w.optionalText("OtrasCondiciones", c.OtrasCondiciones, 512)
	w.optionalText("eMailDeudor", c.MailDeudor, 80)
	w.must("TmstCesion", stamp(c.Tmst))
	w.close("DocumentoCesion")
	if w.err != nil {
		return nil, w.err
	}
	return s.enclose("Cesion", "", w.b.Bytes())
}

func (w *writer) idDTE(d DocID) {
	w.open("IdDTE")
	w.integer("TipoDTE", int(d.Tipo))
	w.rut("RUTEmisor", d.Emisor)
	w.rut("RUTReceptor", d.Receptor)
	w.digits("Folio", int64(d.Folio), 1, 10)
	w.day("FchEmis", d.FchEmis)
	w.amount("MntTotal", d.MntTotal)
	w.close("IdDTE")
}

func (w *writer) parte(p Parte) {
	w.rut("RUT", p.RUT)
	w.limited("RazonSocial", p.RazonSocial, 1, 100)
	w.limited("Direccion", p.Direccion, 5, 80)
	w.limited("eMail", p.Mail, 6, 80)
}

// VerifyAEC reads a file of cessions and verifies everything in it: the file's signature, the ceded document as Verify
// does, its receipts, each part's signatures, and that the cessions are of that document, follow each other without a
// gap, and are signed by persons that the one who cedes authorised.
func VerifyAEC(xml []byte, t Trust) (*AEC, error) {
	return verifyAEC(xml, func(c *CAF) error { return c.Verify(t) })
}

func verifyAEC(xml []byte, judgeCAF func(*CAF) error) (*AEC, error) {
	f, err := openSigned(xml, "AEC", "DocumentoAEC")
	if err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	r := reader{doc: f.doc}
	r.once(f.body)
	c, parts := r.only(f.body, "Caratula"), r.only(f.body, "Cesiones")
	r.once(c)
	r.once(parts, "Cesion")
	a := &AEC{
		Cedente: r.rut(c, "RutCedente"), Cesionario: r.rut(c, "RutCesionario"), Contacto: r.contacto(c),
		TmstFirma: r.stamp(c, "TmstFirmaEnvio"), Signer: f.signer,
	}
	cedido := r.only(parts, "DTECedido")
	if n := len(parts.All("Cesion")); n == 0 || n > maxCesiones {
		r.fail("Cesion", strconv.Itoa(n), "van de 1 a 40")
	}
	if r.err != nil {
		return nil, wrapped(ErrAEC, r.err)
	}
	if err := a.readCedido(f, cedido, judgeCAF); err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	for _, n := range parts.All("Cesion") {
		cesion, err := f.cesion(n)
		if err != nil {
			return nil, wrapped(ErrAEC, err)
		}
		a.Cesiones = append(a.Cesiones, cesion)
	}
	if err := a.agree(); err != nil {
		return nil, wrapped(ErrAEC, err)
	}
	return a, nil
}

// readCedido verifies the DTECedido part and the document in it.
func (a *AEC) readCedido(f *signedFile, n *xmltree.Node, judgeCAF func(*CAF) error) error {
	body, _, err := f.part(n, "DocumentoDTECedido", 1)
	if err != nil {
		return err
	}
	r := reader{doc: f.doc}
	r.once(body, "Recibo")
	document := r.only(body, "DTE")
	if len(body.All("Recibo")) > maxRecibosAEC {
		r.fail("Recibo", "", "son demasiados")
	}
	if r.err != nil {
		return r.err
	}
	if a.DTE, err = verify(f.doc.Bytes(document), f.doc.Encoding, judgeCAF); err != nil {
		return err
	}
	for _, n := range body.All("Recibo") {
		recibo, err := f.recibo(n)
		if err != nil {
			return err
		}
		if recibo.DocID != IDOf(a.DTE) {
			return fmt.Errorf("un recibo es de %s y el documento es %s", recibo.Key(), a.DTE.Key())
		}
		a.Recibos = append(a.Recibos, recibo)
	}
	a.Cedido = f.doc.Bytes(n)
	return nil
}

// cesion verifies and reads a Cesion part.
func (f *signedFile) cesion(n *xmltree.Node) (Cesion, error) {
	body, signers, err := f.part(n, "DocumentoCesion", maxAutorizados)
	if err != nil {
		return Cesion{}, err
	}
	r := reader{doc: f.doc}
	r.once(body)
	cedente, cesionario, id := r.only(body, "Cedente"), r.only(body, "Cesionario"), r.only(body, "IdDTE")
	r.once(cedente, "RUTAutorizado")
	r.once(cesionario)
	r.once(id)
	c := Cesion{
		Cedente: r.parte(cedente), DeclaracionJurada: r.text(cedente, "DeclaracionJurada"), Cesionario: r.parte(cesionario),
		Monto: r.pesos(body, "MontoCesion"), UltimoVencimiento: r.date(body, "UltimoVencimiento"),
		OtrasCondiciones: r.text(body, "OtrasCondiciones"), MailDeudor: r.text(body, "eMailDeudor"),
		Seq: int(r.integer(body, "SeqCesion")), DTE: r.idDTE(id), Tmst: r.stamp(body, "TmstCesion"),
		Signers: signers, XML: f.doc.Bytes(n),
	}
	for _, p := range cedente.All("RUTAutorizado") {
		r.once(p)
		c.Autorizados = append(c.Autorizados, Autorizado{r.rut(p, "RUT"), r.text(p, "Nombre")})
	}
	return c, r.err
}

func (r *reader) idDTE(n *xmltree.Node) DocID {
	return DocID{
		TipoDTE(r.integer(n, "TipoDTE")), Folio(r.integer(n, "Folio")), r.date(n, "FchEmis"), r.rut(n, "RUTEmisor"),
		r.rut(n, "RUTReceptor"), r.pesos(n, "MntTotal"),
	}
}

func (r *reader) parte(n *xmltree.Node) Parte {
	return Parte{r.rut(n, "RUT"), r.text(n, "RazonSocial"), r.text(n, "Direccion"), r.text(n, "eMail")}
}

// agree checks that the cessions are of the document and follow each other.
func (a *AEC) agree() error {
	if !a.DTE.Tipo.Cedible() {
		return fmt.Errorf("%s no se puede ceder", a.DTE.Tipo)
	}
	if len(a.Cesiones) > maxCesiones {
		return fmt.Errorf("ya tiene %d cesiones: no caben más", maxCesiones)
	}
	owner, since := acreedor(a.DTE), a.DTE.TmstFirma
	for i, c := range a.Cesiones {
		if err := c.agrees(i+1, IDOf(a.DTE), owner, since); err != nil {
			return fmt.Errorf("cesión %d: %w", i+1, err)
		}
		owner, since = c.Cesionario.RUT, c.Tmst
	}
	if last := a.Cesiones[len(a.Cesiones)-1]; last.Cedente.RUT != a.Cedente || owner != a.Cesionario {
		return errors.New("la carátula no dice lo mismo que la última cesión")
	}
	return nil
}

// agrees checks one cession: its place, its document, who owned the credit until then and since when.
func (c *Cesion) agrees(seq int, doc DocID, owner RUT, since time.Time) error {
	switch {
	case c.Seq != seq:
		return fmt.Errorf("lleva el número %d", c.Seq)
	case c.DTE != doc:
		return fmt.Errorf("es de %s y el documento es %s, o no coinciden sus datos", c.DTE.Key(), doc.Key())
	case c.Cedente.RUT != owner:
		return fmt.Errorf("cede %s y el crédito es de %s", c.Cedente.RUT, owner)
	case c.Cesionario.RUT == owner:
		return fmt.Errorf("%s no puede cederse a sí mismo", owner)
	case c.Monto < 1 || c.Monto > doc.MntTotal:
		return fmt.Errorf("cede $%s y el documento es por $%s", c.Monto, doc.MntTotal)
	case c.Tmst.Before(since):
		return fmt.Errorf("es de las %s, anterior a lo que cede", stamp(c.Tmst))
	case len(c.Autorizados) == 0 || len(c.Autorizados) > maxAutorizados:
		return fmt.Errorf("van de 1 a %d personas autorizadas a firmar", maxAutorizados)
	}
	for _, signer := range c.Signers {
		if !slices.ContainsFunc(c.Autorizados, func(a Autorizado) bool { return a.RUT == signer }) {
			return fmt.Errorf("la firma %s y no está entre los autorizados por %s", signer, c.Cedente.RUT)
		}
	}
	return nil
}
