package dte

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// ErrExchange: an answer cannot be made, or what was read is not a valid one.
var ErrExchange = errors.New("la respuesta de intercambio no es válida")

// What one answer takes (RespuestaEnvioDTE_v10.xsd; the bound on receipts is ours, for time).
const (
	maxDetalles = 9999
	maxRecibos  = 2000
	maxGlosa    = 256
)

// DocID names a document to the other party.
type DocID struct {
	Tipo             TipoDTE
	Folio            Folio
	FchEmis          Date
	Emisor, Receptor RUT
	MntTotal         money.Pesos
}

// IDOf names a document that was read.
func IDOf(d *Document) DocID {
	return DocID{d.Tipo, d.Folio, d.FchEmis, d.Emisor.RUT, d.Receptor.RUT, d.mntTotal()}
}

// mntTotal is what the document says, also of a type whose totals are not read: the timbre repeats the total of every
// document (TED-3-640).
func (d *Document) mntTotal() money.Pesos {
	if d.Totales.MntTotal != 0 {
		return d.Totales.MntTotal
	}
	ted, err := xmltree.Parse(d.TED, xmltree.Latin1, documentLimits)
	if err != nil {
		return 0
	}
	total, err := money.PesosFromXML(ted.Text(ted.Root.Path("DD", "MNT")))
	if err != nil {
		return 0 // an amount in another currency
	}
	return total
}

// Key is the document's identity.
func (d DocID) Key() Key { return Key{d.Emisor, d.Tipo, d.Folio} }

// Contacto is whom to ask; every field may be empty.
type Contacto struct{ Nombre, Fono, Mail string }

func (c Contacto) normalized() Contacto {
	return Contacto{Normalize(c.Nombre), Normalize(c.Fono), Normalize(c.Mail)}
}

// EstadoEnvio is how an envelope was received.
type EstadoEnvio int

// The states of an envelope (RespuestaEnvioDTE_v10.xsd, EstadoRecepEnv).
const (
	EnvioConforme   EstadoEnvio = 0
	EnvioEsquema    EstadoEnvio = 1
	EnvioFirma      EstadoEnvio = 2
	EnvioNoEsMio    EstadoEnvio = 3
	EnvioRepetido   EstadoEnvio = 90
	EnvioIlegible   EstadoEnvio = 91
	EnvioOtroMotivo EstadoEnvio = 99
)

var estadosEnvio = map[EstadoEnvio]string{
	EnvioConforme: "Envío Recibido Conforme", EnvioEsquema: "Envío Rechazado - Error de Schema", EnvioFirma: "Envío Rechazado - Error de Firma",
	EnvioNoEsMio: "Envío Rechazado - RUT Receptor No Corresponde", EnvioRepetido: "Envío Rechazado - Archivo Repetido",
	EnvioIlegible: "Envío Rechazado - Archivo Ilegible", EnvioOtroMotivo: "Envío Rechazado - Otros",
}

// String is the schema's wording.
func (e EstadoEnvio) String() string { return named(estadosEnvio, e) }

// EstadoRecepcion is how one document of an envelope was received.
type EstadoRecepcion int

// The states of a received document (RespuestaEnvioDTE_v10.xsd, EstadoRecepDTE).
const (
	DTERecibido    EstadoRecepcion = 0
	DTEFirma       EstadoRecepcion = 1
	DTERutEmisor   EstadoRecepcion = 2
	DTERutReceptor EstadoRecepcion = 3
	DTERepetido    EstadoRecepcion = 4
	DTEOtroMotivo  EstadoRecepcion = 99
)

var estadosRecepcion = map[EstadoRecepcion]string{
	DTERecibido: "DTE Recibido OK", DTEFirma: "DTE No Recibido - Error de Firma", DTERutEmisor: "DTE No Recibido - Error en RUT Emisor",
	DTERutReceptor: "DTE No Recibido - Error en RUT Receptor", DTERepetido: "DTE No Recibido - DTE Repetido", DTEOtroMotivo: "DTE No Recibido - Otros",
}

// String is the schema's wording.
func (e EstadoRecepcion) String() string { return named(estadosRecepcion, e) }

// EstadoDTE is what the buyer says of a document as a deal.
type EstadoDTE int

// The commercial answers (RespuestaEnvioDTE_v10.xsd, EstadoDTE).
const (
	DTEAceptado    EstadoDTE = 0
	DTEDiscrepante EstadoDTE = 1
	DTERechazado   EstadoDTE = 2
)

var estadosDTE = map[EstadoDTE]string{
	DTEAceptado: "DTE Aceptado OK", DTEDiscrepante: "DTE Aceptado con Discrepancias", DTERechazado: "DTE Rechazado",
}

// String is the schema's wording.
func (e EstadoDTE) String() string { return named(estadosDTE, e) }

func named[E ~int](names map[E]string, e E) string {
	if name, ok := names[e]; ok {
		return name
	}
	return "estado " + strconv.Itoa(int(e))
}

// answerable are the types that the schemas of the exchange know.
func answerable(t TipoDTE) bool {
	return slices.Contains([]TipoDTE{33, 34, 46, 52, 56, 61}, t)
}

// Respuesta answers an envelope or its documents: Envios says how envelopes were received, Resultados whether documents
// are accepted as deals. An answer has one of the two.
type Respuesta struct {
	Responde RUT // who answers: the receiver of the documents
	Recibe   RUT // who gets the answer: their issuer
	// ID numbers the answers of Responde: 1 to 10 digits, never repeated.
	ID         int64
	Contacto   Contacto
	Envios     []RecepcionEnvio
	Resultados []ResultadoDTE
	// TmstFirma and Signer are written by NewRespuesta and told by VerifyRespuesta.
	TmstFirma time.Time
	Signer    RUT
}

// RecepcionEnvio is the receipt of one envelope. Receive makes it.
type RecepcionEnvio struct {
	Archivo   string // the name of the file, up to 80 characters
	FchRecep  time.Time
	CodEnvio  int64  // the receiver's own number for the envelope: 1 to 10 digits
	EnvioID   string // the ID of its SetDTE; empty if it could not be trusted
	Digest    []byte // of its signature; nil if it could not be trusted
	Emisor    RUT    // as its carátula says; zero if it could not be trusted
	Receptor  RUT
	Estado    EstadoEnvio
	Glosa     string // empty is the state's wording
	Documents []RecepcionDTE
}

// RecepcionDTE is the receipt of one document of an envelope.
type RecepcionDTE struct {
	DocID
	Estado EstadoRecepcion
	Glosa  string // empty is the state's wording
}

// ResultadoDTE is the buyer's answer to one document.
type ResultadoDTE struct {
	DocID
	CodEnvio int64 // of the envelope it came in
	Estado   EstadoDTE
	Glosa    string // empty is the state's wording
	// Codigo is the reason of a rejection or discrepancy as both parties agreed: negative, up to three digits; 0 is none.
	Codigo int
}

// Arrival is what the receiver knows of an envelope besides its bytes.
type Arrival struct {
	Archivo  string
	Codigo   int64 // the receiver's own number for it
	At       time.Time
	Receptor RUT // the receiver
	// Repetido: the same file had come before.
	Repetido bool
	// Visto tells the documents that had come before in another envelope; nil knows none.
	Visto func(Key) bool
}

// Receive reads an incoming EnvioDTE and says how it was received, envelope and documents, ready for a Respuesta. The
// envelope is nil when it was refused as a whole; what it claims is then repeated nowhere. A document whose type the
// answer cannot name, or that cannot be read at all, is only counted in the wording.
func Receive(xml []byte, t Trust, a Arrival) (RecepcionEnvio, *Envelope) {
	r := RecepcionEnvio{Archivo: a.Archivo, FchRecep: a.At, CodEnvio: a.Codigo}
	if a.Repetido {
		return r.refused(EnvioRepetido, ""), nil
	}
	e, err := VerifyEnvelope(xml, t)
	_, malformed := errors.AsType[*xmltree.Error](err)
	switch {
	case errors.Is(err, ErrSignature):
		return r.refused(EnvioFirma, err.Error()), nil
	case malformed:
		return r.refused(EnvioIlegible, err.Error()), nil
	case err != nil:
		return r.refused(EnvioEsquema, err.Error()), nil
	case e.Boletas:
		return r.refused(EnvioOtroMotivo, "las boletas no se intercambian"), nil
	}
	r.Emisor, r.Receptor = e.Emisor, e.Receptor
	r.EnvioID, r.Digest = envelopeMark(xml)
	if e.Receptor != a.Receptor {
		return r.refused(EnvioNoEsMio, ""), nil
	}
	untold := 0
	for i, d := range e.Documents {
		if d == nil || !answerable(d.Tipo) {
			untold++
			continue
		}
		r.Documents = append(r.Documents, receiveDTE(d, e.Faults[i], a))
	}
	if untold > 0 {
		r.Glosa = fmt.Sprintf("%s; documentos que esta respuesta no puede nombrar: %d", r.Estado, untold)
	}
	return r, e
}

func (r RecepcionEnvio) refused(e EstadoEnvio, why string) RecepcionEnvio {
	r.Estado = e
	if why != "" {
		r.Glosa = glosa(e.String() + ": " + why)
	}
	return r
}

func receiveDTE(d *Document, fault error, a Arrival) RecepcionDTE {
	r := RecepcionDTE{DocID: IDOf(d)}
	switch {
	case errors.Is(fault, ErrSignature):
		r.Estado = DTEFirma
	case fault != nil:
		r.Estado = DTEOtroMotivo
	case r.Receptor != a.Receptor:
		r.Estado = DTERutReceptor
	case a.Visto != nil && a.Visto(d.Key()):
		r.Estado = DTERepetido
	}
	if fault != nil {
		r.Glosa = glosa(r.Estado.String() + ": " + fault.Error())
	}
	return r
}

// glosa makes a sentence of ours fit for a document: Latin-1, and no longer than the schema allows.
func glosa(s string) string {
	s = Normalize(s)
	clean := make([]rune, 0, len(s))
	for _, r := range s {
		if _, bad := badCharacter(string(r)); bad {
			r = '?'
		}
		clean = append(clean, r)
	}
	return truncate(string(clean), maxGlosa)
}

// envelopeMark is the ID and the digest of an envelope that was verified.
func envelopeMark(xml []byte) (id string, digest []byte) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		return "", nil
	}
	r := reader{doc: doc}
	digest = r.base64(doc.Root.Path("Signature", "SignedInfo", "Reference"), "DigestValue")
	return doc.Root.Children[0].Attr("ID"), digest
}

// NewRespuesta writes and signs an answer. The result has been read back and verified.
func NewRespuesta(r Respuesta, s *Signer, now time.Time) ([]byte, error) {
	r, err := r.prepared(s, now)
	if err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	var w writer
	w.respuesta(r)
	xml, err := s.file("RespuestaDTE", "RespuestaEnvioDTE_v10.xsd", &w)
	if err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	return readBackAs(xml, &r, VerifyRespuesta)
}

// prepared is the answer as it will be read.
func (r Respuesta) prepared(s *Signer, now time.Time) (_ Respuesta, err error) {
	if err := s.ValidAt(now); err != nil {
		return r, err
	}
	if r.Signer = s.RUT(); (len(r.Envios) == 0) == (len(r.Resultados) == 0) {
		return r, errors.New("debe informar envíos o documentos, no ambos")
	}
	if n := len(r.Envios) + len(r.Resultados); n > maxDetalles {
		return r, fmt.Errorf("informa %d y caben %d", n, maxDetalles)
	}
	if r.TmstFirma, err = asWritten(now); err != nil {
		return r, err
	}
	r.Contacto, r.Envios, r.Resultados = r.Contacto.normalized(), own(r.Envios), own(r.Resultados)
	for i := range r.Envios {
		if err := r.Envios[i].prepare(); err != nil {
			return r, err
		}
	}
	for i := range r.Resultados {
		d := &r.Resultados[i]
		if d.Glosa = Normalize(d.Glosa); d.Glosa == "" {
			d.Glosa = d.Estado.String()
		}
	}
	return r, nil
}

func (e *RecepcionEnvio) prepare() (err error) {
	e.Archivo, e.EnvioID, e.Digest, e.Documents = Normalize(e.Archivo), Normalize(e.EnvioID), own(e.Digest), own(e.Documents)
	if e.Glosa = Normalize(e.Glosa); e.Glosa == "" {
		e.Glosa = e.Estado.String()
	}
	for i := range e.Documents {
		d := &e.Documents[i]
		if d.Glosa = Normalize(d.Glosa); d.Glosa == "" {
			d.Glosa = d.Estado.String()
		}
	}
	e.FchRecep, err = asWritten(e.FchRecep)
	return err
}

func (w *writer) respuesta(r Respuesta) {
	w.openID("Resultado", "Respuesta_"+strconv.FormatInt(r.ID, 10))
	w.openVersion("Caratula")
	w.rut("RutResponde", r.Responde)
	w.rut("RutRecibe", r.Recibe)
	w.digits("IdRespuesta", r.ID, 1, 10)
	w.digits("NroDetalles", int64(len(r.Envios)+len(r.Resultados)), 1, 4)
	w.contacto(r.Contacto)
	w.must("TmstFirmaResp", stamp(r.TmstFirma))
	w.close("Caratula")
	for _, e := range r.Envios {
		w.recepcionEnvio(e)
	}
	for _, d := range r.Resultados {
		w.resultadoDTE(d)
	}
	w.close("Resultado")
}

func (w *writer) contacto(c Contacto) {
	w.optionalText("NmbContacto", c.Nombre, 40)
	w.optionalText("FonoContacto", c.Fono, 40)
	w.optionalText("MailContacto", c.Mail, 80)
}

func (w *writer) recepcionEnvio(e RecepcionEnvio) {
	w.open("RecepcionEnvio")
	w.limited("NmbEnvio", e.Archivo, 1, 80)
	w.must("FchRecep", stamp(e.FchRecep))
	w.digits("CodEnvio", e.CodEnvio, 1, 10)
	w.limited("EnvioDTEID", e.EnvioID, 0, 80)
	w.text("Digest", base64.StdEncoding.EncodeToString(e.Digest))
	w.text("RutEmisor", e.Emisor.String())
	w.text("RutReceptor", e.Receptor.String())
	state(w, "EstadoRecepEnv", estadosEnvio, e.Estado)
	w.limited("RecepEnvGlosa", e.Glosa, 1, maxGlosa)
	if n := len(e.Documents); n > 0 {
		w.digits("NroDTE", int64(n), 1, 4)
	}
	for _, d := range e.Documents {
		w.open("RecepcionDTE")
		w.docID("TipoDTE", d.DocID)
		state(w, "EstadoRecepDTE", estadosRecepcion, d.Estado)
		w.limited("RecepDTEGlosa", d.Glosa, 1, maxGlosa)
		w.close("RecepcionDTE")
	}
	w.close("RecepcionEnvio")
}

func (w *writer) resultadoDTE(d ResultadoDTE) {
	w.open("ResultadoDTE")
	w.docID("TipoDTE", d.DocID)
	w.digits("CodEnvio", d.CodEnvio, 1, 10)
	state(w, "EstadoDTE", estadosDTE, d.Estado)
	w.limited("EstadoDTEGlosa", d.Glosa, 1, maxGlosa)
	if d.Codigo > 0 || d.Codigo < -999 {
		w.fail("CodRchDsc", "%d no es válido: va de -1 a -999", d.Codigo)
	}
	w.integer("CodRchDsc", d.Codigo)
	w.close("ResultadoDTE")
}

func (w *writer) docID(tipo string, d DocID) {
	if !answerable(d.Tipo) {
		w.fail(tipo, "el intercambio no conoce %s", d.Tipo)
	}
	w.integer(tipo, int(d.Tipo))
	w.digits("Folio", int64(d.Folio), 1, 10)
	w.day("FchEmis", d.FchEmis)
	w.rut("RUTEmisor", d.Emisor)
	w.rut("RUTRecep", d.Receptor)
	w.amount("MntTotal", d.MntTotal)
}

func state[E ~int](w *writer, name string, known map[E]string, e E) {
	if known[e] == "" {
		w.fail(name, "%d no es un estado", e)
	}
	w.must(name, strconv.Itoa(int(e)))
}

// VerifyRespuesta reads an answer and verifies its signature.
func VerifyRespuesta(xml []byte) (*Respuesta, error) {
	f, err := openSigned(xml, "RespuestaDTE", "Resultado")
	if err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	r := reader{doc: f.doc}
	a := r.respuesta(f.body)
	if a.Signer = f.signer; r.err != nil {
		return nil, wrapped(ErrExchange, r.err)
	}
	return a, nil
}

func (r *reader) respuesta(n *xmltree.Node) *Respuesta {
	r.once(n, "RecepcionEnvio", "ResultadoDTE")
	c := r.only(n, "Caratula")
	r.once(c)
	a := &Respuesta{
		Responde: r.rut(c, "RutResponde"), Recibe: r.rut(c, "RutRecibe"), ID: r.integer(c, "IdRespuesta"),
		Contacto: r.contacto(c), TmstFirma: r.stamp(c, "TmstFirmaResp"),
	}
	for _, e := range n.All("RecepcionEnvio") {
		a.Envios = append(a.Envios, r.recepcionEnvio(e))
	}
	for _, d := range n.All("ResultadoDTE") {
		a.Resultados = append(a.Resultados, r.resultadoDTE(d))
	}
	if told := r.integer(c, "NroDetalles"); told != int64(len(a.Envios)+len(a.Resultados)) || len(a.Envios) > 0 && len(a.Resultados) > 0 {
		r.fail("NroDetalles", strconv.FormatInt(told, 10), "no cuadra con lo que trae")
	}
	return a
}

func (r *reader) contacto(n *xmltree.Node) Contacto {
	return Contacto{r.text(n, "NmbContacto"), r.text(n, "FonoContacto"), r.text(n, "MailContacto")}
}

func (r *reader) recepcionEnvio(n *xmltree.Node) RecepcionEnvio {
	r.once(n, "RecepcionDTE")
	e := RecepcionEnvio{
		Archivo: r.text(n, "NmbEnvio"), FchRecep: r.stamp(n, "FchRecep"), CodEnvio: r.integer(n, "CodEnvio"),
		EnvioID: r.text(n, "EnvioDTEID"), Emisor: r.optionalRUT(n, "RutEmisor"), Receptor: r.optionalRUT(n, "RutReceptor"),
		Estado: readState(r, n, "EstadoRecepEnv", estadosEnvio), Glosa: r.text(n, "RecepEnvGlosa"),
	}
	if n.Child("Digest") != nil {
		e.Digest = r.base64(n, "Digest")
	}
	for _, c := range n.All("RecepcionDTE") {
		r.once(c)
		e.Documents = append(e.Documents, RecepcionDTE{
			r.docID(c, "TipoDTE"), readState(r, c, "EstadoRecepDTE", estadosRecepcion), r.text(c, "RecepDTEGlosa"),
		})
	}
	return e
}

func (r *reader) resultadoDTE(n *xmltree.Node) ResultadoDTE {
	r.once(n)
	return ResultadoDTE{
		DocID: r.docID(n, "TipoDTE"), CodEnvio: r.integer(n, "CodEnvio"), Estado: readState(r, n, "EstadoDTE", estadosDTE),
		Glosa: r.text(n, "EstadoDTEGlosa"), Codigo: int(r.optional(n, "CodRchDsc")),
	}
}

func (r *reader) docID(n *xmltree.Node, tipo string) DocID {
	return DocID{
		TipoDTE(r.integer(n, tipo)), Folio(r.integer(n, "Folio")), r.date(n, "FchEmis"), r.rut(n, "RUTEmisor"),
		r.rut(n, "RUTRecep"), r.pesos(n, "MntTotal"),
	}
}

func readState[E ~int](r *reader, n *xmltree.Node, name string, known map[E]string) E {
	e := E(r.integer(n, name))
	if known[e] == "" {
		r.fail(name, strconv.Itoa(int(e)), "no es un estado")
	}
	return e
}

// Declaracion19983 is the sentence of the law that every receipt carries, as the schema fixes it (Recibos_v10.xsd).
const Declaracion19983 = "El acuse de recibo que se declara en este acto, de acuerdo a lo dispuesto en la letra b) del Art. 4, y la " +
	"letra c) del Art. 5 de la Ley 19.983, acredita que la entrega de mercaderias o servicio(s) prestado(s) ha(n) sido recibido(s)."

// Recibo acknowledges that goods or services of a document were received (Ley 19.983).
type Recibo struct {
	DocID
	Recinto string // where, up to 80 characters
	// TmstFirma, Signer and XML are written by NewRecibos and told by VerifyRecibos. XML is the part as signed.
	TmstFirma time.Time
	Signer    RUT
	XML       []byte
}

// Recibos are the receipts that a buyer sends to one issuer.
type Recibos struct {
	Responde RUT // the receiver of the documents
	Recibe   RUT // their issuer
	Contacto Contacto
	Recibos  []Recibo
	// TmstFirma and Signer are written by NewRecibos and told by VerifyRecibos.
	TmstFirma time.Time
	Signer    RUT
}

// NewRecibos signs each receipt and the set of them (EnvioRecibos). The result has been read back and verified.
func NewRecibos(r Recibos, s *Signer, now time.Time) ([]byte, error) {
	if err := s.ValidAt(now); err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	var err error
	if r.TmstFirma, err = asWritten(now); err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	r.Signer, r.Contacto, r.Recibos = s.RUT(), r.Contacto.normalized(), own(r.Recibos)
	if err := r.agree(); err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	for i := range r.Recibos {
		if err := r.Recibos[i].sign(s, r.TmstFirma); err != nil {
			return nil, wrapped(ErrExchange, err)
		}
	}
	var w writer
	w.recibos(r)
	xml, err := s.file("EnvioRecibos", "EnvioRecibos_v10.xsd", &w)
	if err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	return readBackAs(xml, &r, VerifyRecibos)
}

// agree checks that the receipts are of the two parties, each of its own document.
func (r *Recibos) agree() error {
	if n := len(r.Recibos); n == 0 || n > maxRecibos {
		return fmt.Errorf("trae %d recibos y van de 1 a %d", n, maxRecibos)
	}
	seen := map[Key]bool{}
	for _, c := range r.Recibos {
		switch {
		case c.Receptor != r.Responde || c.Emisor != r.Recibe:
			return fmt.Errorf("%s no es entre %s y %s", c.Key(), r.Recibe, r.Responde)
		case seen[c.Key()]:
			return fmt.Errorf("%s está dos veces", c.Key())
		}
		seen[c.Key()] = true
	}
	return nil
}

// sign fills in TmstFirma, Signer and XML.
func (c *Recibo) sign(s *Signer, now time.Time) (err error) {
	c.Recinto, c.TmstFirma, c.Signer = Normalize(c.Recinto), now, s.RUT()
	var w writer
	w.openID("DocumentoRecibo", "Recibo_"+c.Key().ID())
	w.docID("TipoDoc", c.DocID)
	w.limited("Recinto", c.Recinto, 1, 80)
	w.rut("RutFirma", c.Signer)
	w.must("Declaracion", Declaracion19983)
	w.must("TmstFirmaRecibo", stamp(now))
	w.close("DocumentoRecibo")
	if w.err != nil {
		return w.err
	}
	c.XML, err = s.enclose("Recibo", "", w.b.Bytes())
	return err
}

func (w *writer) recibos(r Recibos) {
	w.openID("SetRecibos", "SetRecibos")
	w.openVersion("Caratula")
	w.rut("RutResponde", r.Responde)
	w.rut("RutRecibe", r.Recibe)
	w.contacto(r.Contacto)
	w.must("TmstFirmaEnv", stamp(r.TmstFirma))
	w.close("Caratula")
	for _, c := range r.Recibos {
		w.lines(c.XML)
	}
	w.close("SetRecibos")
}

// VerifyRecibos reads a set of receipts and verifies its signature and that of every receipt. Each must be signed by
// the person that it names, and be of the two parties that the carátula names.
func VerifyRecibos(xml []byte) (*Recibos, error) {
	f, err := openSigned(xml, "EnvioRecibos", "SetRecibos")
	if err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	r := reader{doc: f.doc}
	r.once(f.body, "Recibo")
	c := r.only(f.body, "Caratula")
	r.once(c)
	set := &Recibos{
		Responde: r.rut(c, "RutResponde"), Recibe: r.rut(c, "RutRecibe"), Contacto: r.contacto(c),
		TmstFirma: r.stamp(c, "TmstFirmaEnv"), Signer: f.signer,
	}
	parts := f.body.All("Recibo")
	if r.err == nil && len(parts) > maxRecibos {
		r.fail("Recibo", strconv.Itoa(len(parts)), "son demasiados")
	}
	if r.err != nil {
		return nil, wrapped(ErrExchange, r.err)
	}
	for _, n := range parts {
		recibo, err := f.recibo(n)
		if err != nil {
			return nil, wrapped(ErrExchange, err)
		}
		set.Recibos = append(set.Recibos, recibo)
	}
	if err := set.agree(); err != nil {
		return nil, wrapped(ErrExchange, err)
	}
	return set, nil
}

// recibo verifies and reads one receipt.
func (f *signedFile) recibo(n *xmltree.Node) (Recibo, error) {
	body, signers, err := f.part(n, "DocumentoRecibo", 1)
	if err != nil {
		return Recibo{}, err
	}
	r := reader{doc: f.doc}
	r.once(body)
	c := Recibo{
		DocID: r.docID(body, "TipoDoc"), Recinto: r.text(body, "Recinto"), TmstFirma: r.stamp(body, "TmstFirmaRecibo"),
		Signer: signers[0], XML: f.doc.Bytes(n),
	}
	if told := r.rut(body, "RutFirma"); told != c.Signer {
		r.fail("RutFirma", told.String(), "no es de quien firmó")
	}
	if text := r.text(body, "Declaracion"); text != Declaracion19983 {
		r.fail("Declaracion", text, "no es la de la ley")
	}
	return c, r.err
}

// Accion is what a receiver tells the SII about a document within the eight days that the law gives him (Ley 19.983,
// art. 3; service registroreclamodte). Documents paid in cash or free of charge know no claims.
type Accion string

// The five actions.
const (
	AceptaContenido     Accion = "ACD"
	RecibeMercaderias   Accion = "ERM"
	ReclamaContenido    Accion = "RCD"
	ReclamaFaltaParcial Accion = "RFP"
	ReclamaFaltaTotal   Accion = "RFT"
)

var acciones = map[Accion]string{
	AceptaContenido:     "Acepta contenido del documento",
	RecibeMercaderias:   "Otorga recibo de mercaderías o servicios",
	ReclamaContenido:    "Reclamo al contenido del documento",
	ReclamaFaltaParcial: "Reclamo por falta parcial de mercaderías",
	ReclamaFaltaTotal:   "Reclamo por falta total de mercaderías",
}

// Acciones lists them in the order of the SII's page.
func Acciones() []Accion {
	return []Accion{AceptaContenido, RecibeMercaderias, ReclamaContenido, ReclamaFaltaParcial, ReclamaFaltaTotal}
}

// String is the SII's wording; an unknown action is its code.
func (a Accion) String() string {
	if name, ok := acciones[a]; ok {
		return name
	}
	return string(a)
}

// Reclama reports an action that refuses the document or a part of it.
func (a Accion) Reclama() bool {
	return a == ReclamaContenido || a == ReclamaFaltaParcial || a == ReclamaFaltaTotal
}

// plazoReclamo is how many days the receiver has, counted from the SII's reception of the document.
const plazoReclamo = 8

// VenceReclamo is the last day on which an action on a document that the SII received on that day is taken.
func VenceReclamo(recibido Date) Date {
	d := recibido.utc().AddDate(0, 0, plazoReclamo)
	return Date{d.Year(), d.Month(), d.Day()}
}

// RespuestaReclamo is a reply code of that service, 0 to 27.
type RespuestaReclamo int

// The replies after which nothing is left to do: the action stands, or no action is possible any more.
const (
	ReclamoRegistrado   RespuestaReclamo = 0
	ReclamoYaRegistrado RespuestaReclamo = 7
	ReclamoFueraDePlazo RespuestaReclamo = 8
	ReclamoNoProcede    RespuestaReclamo = 27
)

var respuestasReclamo = map[RespuestaReclamo]string{
	ReclamoRegistrado:   "Acción registrada",
	ReclamoYaRegistrado: "El evento ya estaba registrado",
	ReclamoFueraDePlazo: "Pasaron los 8 días desde la recepción: ya no se registran reclamos ni eventos",
	ReclamoNoProcede:    "Un documento pagado al contado o gratuito no admite eventos",
}

// String is a sentence for the screen.
func (r RespuestaReclamo) String() string {
	if text, ok := respuestasReclamo[r]; ok {
		return text
	}
	return "El SII no registró la acción (código " + strconv.Itoa(int(r)) + "): revise los datos del documento en sii.cl"
}

// Final reports that asking again would change nothing.
func (r RespuestaReclamo) Final() bool { return respuestasReclamo[r] != "" }
