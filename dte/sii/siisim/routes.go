package siisim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"mostrador/dte"
	"mostrador/dte/sii"
)

// maxUpload bounds an envelope; the SII publishes no figure.
const maxUpload = 34 << 20

const rest = "/recursos/v1/boleta.electronica"

func (s *Sim) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /DTEWS/CrSeed.jws", s.soapSeed)
	s.mux.HandleFunc("POST /DTEWS/GetTokenFromSeed.jws", s.soapToken)
	s.mux.HandleFunc("POST /DTEWS/QueryEstUp.jws", s.soapEnvelope)
	s.mux.HandleFunc("POST /DTEWS/QueryEstDte.jws", s.soapDocument)
	s.mux.HandleFunc("POST /DTEWS/services/QueryEstDteAv", s.soapDocumentAv)
	s.mux.HandleFunc("POST /cgi_dte/UPL/DTEUpload", s.dteUpload)
	s.mux.HandleFunc("POST /cgi_rtc/RTC/RTCAnotEnvio.cgi", s.rtcUpload)
	s.mux.HandleFunc("GET "+rest+".semilla", s.restSeed)
	s.mux.HandleFunc("POST "+rest+".token", s.restToken)
	s.mux.HandleFunc("POST "+rest+".envio", s.restUpload)
	s.mux.HandleFunc("GET "+rest+".envio/{id}", s.restEnvelope)
	s.mux.HandleFunc("GET "+rest+"/{id}/estado", s.restDocument)
	s.controls()
}

// element is text in a tag, or the pieces of it.
func element(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

func respuesta(parts ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><SII:RESPUESTA xmlns:SII="http://www.sii.cl/XMLSchema">` + strings.Join(parts, "") + "</SII:RESPUESTA>"
}

func hdr(parts ...string) string  { return element("SII:RESP_HDR", strings.Join(parts, "")) }
func body(parts ...string) string { return element("SII:RESP_BODY", strings.Join(parts, "")) }

// attention is the number that the SII stamps on every query.
func (s *Sim) attention() string {
	return element("NUM_ATENCION", s.cfg.Now().In(dte.Santiago).Format("532 ( 2006/01/02 15:04:05)"))
}

// soapAnswer wraps an inner document as Axis does: escaped, in …Return.
func soapAnswer(w http.ResponseWriter, operation, inner string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <ns1:%[1]sResponse soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" xmlns:ns1="http://DefaultNamespace">
   <ns1:%[1]sReturn xsi:type="xsd:string">%[2]s</ns1:%[1]sReturn>
  </ns1:%[1]sResponse>
 </soapenv:Body>
</soapenv:Envelope>
`, operation, escaped(inner))
}

// soapParams reads the parameters of an operation; it answers the Fault itself when there is none.
func soapParams(w http.ResponseWriter, r *http.Request, operation string) (sii.Fields, bool) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	fields, readErr := sii.ReadFields(data)
	if err != nil || readErr != nil || !strings.Contains(string(data), operation) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>No such operation</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
		return nil, false
	}
	return fields, true
}

func (s *Sim) soapSeed(w http.ResponseWriter, r *http.Request) {
	if _, ok := soapParams(w, r, "getSeed"); ok {
		soapAnswer(w, "getSeed", s.seedAnswer())
	}
}

func (s *Sim) seedAnswer() string {
	seed, err := s.newSeed()
	if err != nil {
		return respuesta(hdr(element("ESTADO", "-1")))
	}
	return respuesta(body(element("SEMILLA", seed)), hdr(element("ESTADO", "00")))
}

func (s *Sim) tokenAnswer(ch sii.Channel, signed []byte) string {
	token, estado, glosa := s.newToken(ch, signed)
	head := hdr(element("ESTADO", estado), element("GLOSA", glosa))
	if token == "" {
		return respuesta(head)
	}
	return respuesta(body(element("TOKEN", token)), head)
}

func (s *Sim) soapToken(w http.ResponseWriter, r *http.Request) {
	if f, ok := soapParams(w, r, "getToken"); ok {
		soapAnswer(w, "getToken", s.tokenAnswer(sii.ChannelDTE, []byte(f.Get("pszXml"))))
	}
}

func (s *Sim) restSeed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, s.seedAnswer())
}

func (s *Sim) restToken(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "XML ilegible", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, s.tokenAnswer(sii.ChannelBoleta, data))
}

// form is what an upload carries.
type form struct {
	sender, company dte.RUT
	file            string
	xml             []byte
}

func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(maxUpload); err != nil {
		return form{}, err
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	sender, err := dte.ParseRUT(r.PostFormValue("rutSender") + "-" + r.PostFormValue("dvSender"))
	if err != nil {
		return form{}, err
	}
	company, err := dte.ParseRUT(r.PostFormValue("rutCompany") + "-" + r.PostFormValue("dvCompany"))
	if err != nil {
		return form{}, err
	}
	file, header, err := r.FormFile("archivo")
	if err != nil {
		return form{}, err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return form{sender, company, header.Filename, content}, err
}

// refusal is an upload that was not received: a STATUS of DTEUpload with its details, or the text of the REST channel.
type refusal struct {
	status  string
	details []string
	// code and text are the REST channel's.
	code int
	text string
	// page is DTEUpload's web page with status 200, in the place of an XML answer.
	page string
}

// receive does what both channels do with an upload: it returns the filed envelope, or why not.
func (s *Sim) receive(w http.ResponseWriter, r *http.Request, ch sii.Channel) (Envelope, *refusal) {
	const noUpload = "HA OCURRIDO UN ERROR EN EL UPLOAD"
	token := cookie(r)
	signer, known := s.signerOf(r, ch, token)
	switch {
	case browserLike(r):
		return Envelope{}, &refusal{page: noUpload, code: http.StatusUnauthorized, text: "NO ESTA AUTENTICADO"}
	case r.ContentLength < 0:
		// The gateway reads only the start of a chunked body.
		return Envelope{}, &refusal{status: "7", details: []string{"LPX-00007: unexpected end-of-file encountered"}, code: http.StatusBadRequest, text: "Archivo incompleto"}
	case token == "":
		return Envelope{}, &refusal{status: "5", code: http.StatusBadRequest, text: "No trae TOKEN"}
	case !known:
		return Envelope{}, &refusal{status: "5", code: http.StatusUnauthorized, text: "NO ESTA AUTENTICADO"}
	}
	f, err := readForm(w, r)
	switch {
	case err != nil:
		return Envelope{}, &refusal{page: noUpload, code: http.StatusBadRequest, text: "Formulario ilegible"}
	case !s.registered(f.company):
		return Envelope{}, &refusal{
			page: notListed,
			code: http.StatusForbidden, text: "EMPRESA NO AUTORIZADA",
		}
	case f.sender != signer || !s.maySign(f.company, f.sender):
		return Envelope{}, &refusal{status: "1", code: http.StatusForbidden, text: "USUARIO SIN PERMISO DE ENVIO"}
	}
	if dup := s.arrived(hash(f.xml)); dup != nil {
		return Envelope{}, dup
	}
	o := orderOf(r)
	faults := s.schemaFaults(r.Context(), f.xml)
	if faults == nil && ch == sii.ChannelDTE && o.Do == Reject && uploadCode.MatchString(o.Code) {
		faults = []string{o.Code + ": " + why(o.Code).glosa}
	}
	if faults != nil && ch == sii.ChannelDTE {
		return Envelope{}, &refusal{status: "7", details: faults}
	}
	in := inspected{estado: "RSC", reason: reason{"", strings.Join(faults, "; ")}}
	if faults == nil {
		in = s.inspect(ch, f.company, f.sender, f.xml)
	}
	if code := ofEnvelope(o.Code); in.envelope != nil && o.Do == Reject && code != "" {
		in = inspected{estado: code, reason: why(o.Code)}
	}
	o.at = s.arrival(r)
	return s.file(ch, f, in, o)
}

// arrived refuses bytes that came before, without the work of judging them again.
func (s *Sim) arrived(sum string) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duplicate(sum)
}

// duplicate is the refusal of bytes that came before. What the REST channel says is supposed to be the same sentence.
// It is called with the lock held.
func (s *Sim) duplicate(sum string) *refusal {
	e := s.byHash[sum]
	if e == nil {
		return nil
	}
	text := fmt.Sprintf("Archivo ya fue enviado %d veces con Trackid %s. Debe esperar 900 segundos antes de reintentar", e.Times, plain(e.TrackID))
	e.Times++
	return &refusal{status: "99", details: []string{text}, code: http.StatusBadRequest, text: text}
}

// file judges and keeps an envelope, durably, before it is answered. Of two equal uploads at once one is the duplicate.
func (s *Sim) file(ch sii.Channel, f form, in inspected, o order) (Envelope, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := hash(f.xml)
	if dup := s.duplicate(sum); dup != nil {
		return Envelope{}, dup
	}
	e := &Envelope{Channel: ch, Emisor: f.company, Envia: f.sender, File: f.file, SHA256: sum, At: o.at}
	if o.Do == Stuck {
		e.Stuck, e.Until = o.Code, o.at.Add(time.Duration(o.Wait))
	}
	e.TrackID = fmt.Sprintf("%010d", 251_550_580+len(s.envelopes))
	if ch == sii.ChannelBoleta {
		e.TrackID = strconv.Itoa(12_288_340_531 + len(s.envelopes))
	}
	s.judge(e, in, o.Rule)
	err := s.keepBytes(e.TrackID, f.xml)
	if err == nil {
		err = s.write(event{Envelope: e})
	}
	if err != nil {
		return Envelope{}, &refusal{status: "9", code: http.StatusServiceUnavailable, text: err.Error()}
	}
	s.keep(e)
	return *e, nil
}

// plain is a track id without leading zeros: people and messages write it both ways.
func plain(track string) string { return strings.TrimLeft(track, "0") }

// refusedUpload is DTEUpload's answer to what it did not receive: a web page, or a STATUS with its details.
func refusedUpload(w http.ResponseWriter, no *refusal) {
	if no.page != "" {
		uploadPage(w, no.page)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, "<?xml version=\"1.0\"?>\n<RECEPCIONDTE>\n <STATUS>%s</STATUS>\n", no.status)
	if len(no.details) > 0 {
		_, _ = io.WriteString(w, " <DETAIL>\n")
		for _, d := range no.details {
			_, _ = io.WriteString(w, "<ERROR>"+escaped(d)+"</ERROR>\n")
		}
		_, _ = io.WriteString(w, "</DETAIL>\n")
	}
	_, _ = io.WriteString(w, "</RECEPCIONDTE>\n")
}

func (s *Sim) dteUpload(w http.ResponseWriter, r *http.Request) {
	e, no := s.receive(w, r, sii.ChannelDTE)
	if no != nil {
		refusedUpload(w, no)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, "<?xml version=\"1.0\"?>\n<RECEPCIONDTE>\n <RUTSENDER>%s</RUTSENDER>\n <RUTCOMPANY>%s</RUTCOMPANY>\n <FILE>%s</FILE>\n"+
		" <TIMESTAMP>%s</TIMESTAMP>\n <STATUS>0</STATUS>\n\n\n <TRACKID>%s</TRACKID>\n\n</RECEPCIONDTE>\n",
		e.Envia, e.Emisor, escaped(e.File), e.At.In(dte.Santiago).Format(time.DateTime), e.TrackID)
}

// restAnswer writes JSON as the SII does: ISO-8859-1.
func restAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=ISO-8859-1")
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "Error interno", http.StatusInternalServerError)
		return
	}
	latin, err := charmap.ISO8859_1.NewEncoder().Bytes(text)
	if err != nil {
		latin = text
	}
	_, _ = w.Write(latin)
}

func (s *Sim) restUpload(w http.ResponseWriter, r *http.Request) {
	e, no := s.receive(w, r, sii.ChannelBoleta)
	if no != nil {
		http.Error(w, no.text, no.code)
		return
	}
	track, _ := strconv.ParseInt(e.TrackID, 10, 64)
	w.Header().Set("X-Location", fmt.Sprintf("%s.envio/%s-%s", rest, e.Emisor, e.TrackID))
	if s.cfg.ProcessingTime > 0 {
		w.Header().Set("X-Retry-After", strconv.Itoa(int(s.cfg.ProcessingTime/time.Second)))
	}
	// A number here, a string in the status: so is the SII.
	restAnswer(w, struct {
		Emisor  dte.RUT `json:"rut_emisor"`
		Envia   dte.RUT `json:"rut_envia"`
		TrackID int64   `json:"trackid"`
		At      string  `json:"fecha_recepcion"`
		Estado  string  `json:"estado"`
		File    string  `json:"file"`
	}{e.Emisor, e.Envia, track, e.At.In(dte.Santiago).Format(time.DateTime), "REC", e.File})
}

// poll finds an envelope, counts the question and tells the state that is out by now.
func (s *Sim) poll(emisor dte.RUT, track string, steps []string) (e Envelope, estado string, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.byTrack[plain(track)]
	if held == nil || held.Emisor != emisor {
		return Envelope{}, "", false
	}
	if !s.processed(held) {
		if estado = steps[min(held.polls, len(steps)-1)]; held.Stuck != "" {
			estado = held.Stuck
		}
		held.polls++
		return *held, estado, true
	}
	return *held, held.Estado, true
}

type count struct {
	Tipo       dte.TipoDTE `json:"tipo"`
	Informados int         `json:"informados"`
	Aceptados  int         `json:"aceptados"`
	Rechazados int         `json:"rechazados"`
	Reparos    int         `json:"reparos"`
}

// counts leaves the notes out when a scenario says so, as the SII itself sometimes does.
func counts(e Envelope, do Fault) []count {
	var all []count
	for _, d := range e.Documents {
		if do == WithoutNotes && d.Key.Tipo.EsNota() {
			continue
		}
		i := 0
		for i < len(all) && all[i].Tipo != d.Key.Tipo {
			i++
		}
		if i == len(all) {
			all = append(all, count{Tipo: d.Key.Tipo})
		}
		all[i].Informados++
		switch d.State {
		case dte.Accepted:
			all[i].Aceptados++
		case dte.Objected:
			all[i].Reparos++
		case dte.Rejected:
			all[i].Rechazados++
		}
	}
	return all
}

var estadoGlosa = map[string]string{
	"SOK": "Schema Validado", "CRT": "Caratula OK", "FOK": "Firma de Envio Validada", "PDR": "Envio en Proceso", "EPR": "Envio Procesado",
	"RSC": "Rechazado por Error en Schema", "RCT": "Rechazado por Error en Caratula", "RFR": "Rechazado por Error en Firma",
	"LOK": "Envio de Libro Aceptado - Cuadrado", "LRS": "Envio de Libro Rechazado - Error de Schema",
	"LRC": "Envio de Libro Rechazado - Error de Caratula", "LRF": "Envio de Libro Rechazado - Error en Firma",
}

// soapSession answers 003 itself when the token is not good.
func (s *Sim) soapSession(w http.ResponseWriter, r *http.Request, operation string) (sii.Fields, bool) {
	f, ok := soapParams(w, r, operation)
	if !ok {
		return nil, false
	}
	if _, known := s.signerOf(r, sii.ChannelDTE, f.Get("Token")); !known {
		soapAnswer(w, operation, respuesta(hdr(element("ESTADO", "003"), element("GLOSA", "TOKEN NO EXISTE"))))
		return nil, false
	}
	return f, true
}

func (s *Sim) soapEnvelope(w http.ResponseWriter, r *http.Request) {
	const operation = "getEstUp"
	f, ok := s.soapSession(w, r, operation)
	if !ok {
		return
	}
	emisor, _ := dte.ParseRUT(f.Get("RutCompania") + "-" + f.Get("DvCompania"))
	e, estado, found := s.poll(emisor, f.Get("TrackId"), []string{"SOK", "CRT", "FOK", "PDR"})
	if !found {
		soapAnswer(w, operation, respuesta(hdr(element("ESTADO", "-1"), element("ERR_CODE", "2"), "<SQL_CODE/><SRV_CODE/>")+s.attention()))
		return
	}
	head := hdr(element("TRACKID", e.TrackID), element("ESTADO", estado), element("GLOSA", estadoGlosa[estado]), s.attention())
	if estado != "EPR" {
		soapAnswer(w, operation, respuesta(head))
		return
	}
	var b strings.Builder
	for _, c := range counts(e, orderOf(r).Do) {
		for _, p := range []struct {
			name string
			n    int
		}{{"TIPO_DOCTO", int(c.Tipo)}, {"INFORMADOS", c.Informados}, {"ACEPTADOS", c.Aceptados}, {"RECHAZADOS", c.Rechazados}, {"REPAROS", c.Reparos}} {
			b.WriteString(element(p.name, strconv.Itoa(p.n)))
		}
	}
	soapAnswer(w, operation, respuesta(body(b.String()), head))
}

// known is what the authority says of a document to who asks with these data.
type known struct {
	codigo, glosa string
	errCode       string
	received      bool
	track         string
}

// look answers the question by folio. A rejected document was not received: its folio is still free. While its envelope
// is in process a document is supposed to be REC: the SII's documents name no state for it.
func (s *Sim) look(key dte.Key, receptor dte.RUT, day, layout, amount, firma string) known {
	d, found := s.Document(key)
	no := known{codigo: "FAU", glosa: "Documento No Recibido por el SII. Facultado", errCode: "3"}
	if !found || d.State == dte.Rejected {
		return no
	}
	date := time.Date(d.FchEmis.Year, d.FchEmis.Month, d.FchEmis.Day, 0, 0, 0, 0, time.UTC).Format(layout)
	same := d.Receptor == receptor && date == day && d.MntTotal.XML() == amount && (firma == "" || firma == d.Firma)
	switch {
	case !same:
		return known{"DNK", "Documento Recibido por el SII pero Datos NO Coinciden con los registrados", "1", true, d.TrackID}
	case d.State == dte.Sent:
		return known{"REC", "Documento Recibido por el SII. En Proceso de Validacion", "0", true, d.TrackID}
	}
	return known{"DOK", "Documento Recibido por el SII. Datos Coinciden con los Registrados", "0", true, d.TrackID}
}

// soapLook reads the question of both SOAP operations.
func (s *Sim) soapLook(f sii.Fields, company, layout string) known {
	emisor, _ := dte.ParseRUT(f.Get("Rut"+company) + "-" + f.Get("Dv"+company))
	receptor, _ := dte.ParseRUT(f.Get("RutReceptor") + "-" + f.Get("DvReceptor"))
	tipo, _ := strconv.Atoi(f.Get("TipoDte"))
	folio, _ := strconv.ParseInt(f.Get("FolioDte"), 10, 64)
	return s.look(dte.Key{Emisor: emisor, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)},
		receptor, f.Get("FechaEmisionDte"), layout, f.Get("MontoDte"), strings.Join(strings.Fields(f.Get("FirmaDte")), ""))
}

func (s *Sim) soapDocument(w http.ResponseWriter, r *http.Request) {
	f, ok := s.soapSession(w, r, "getEstDte")
	if !ok {
		return
	}
	k := s.soapLook(f, "Compania", "02012006")
	estado := "DTE No Recibido"
	if k.received {
		estado = "DTE Recibido"
	}
	soapAnswer(w, "getEstDte", respuesta(hdr(element("ESTADO", k.codigo), element("GLOSA_ESTADO", estado),
		element("ERR_CODE", k.errCode), element("GLOSA_ERR", k.glosa), s.attention())))
}

func (s *Sim) soapDocumentAv(w http.ResponseWriter, r *http.Request) {
	f, ok := s.soapSession(w, r, "getEstDteAv")
	if !ok {
		return
	}
	k := s.soapLook(f, "Empresa", "02-01-2006")
	parts := []string{element("RECIBIDO", "NO"), element("ESTADO", k.codigo), element("GLOSA", k.glosa)}
	if k.received {
		parts[0] = element("RECIBIDO", "SI")
		parts = append(parts, element("TRACKID", k.track))
	}
	soapAnswer(w, "getEstDteAv", respuesta(body(parts...), hdr(element("ESTADO", "0"), s.attention())))
}

// restSession answers the text errors itself when there is no session.
func (s *Sim) restSession(w http.ResponseWriter, r *http.Request) bool {
	token := cookie(r)
	if token == "" {
		http.Error(w, "No trae TOKEN", http.StatusBadRequest)
		return false
	}
	if _, known := s.signerOf(r, sii.ChannelBoleta, token); !known || browserLike(r) {
		http.Error(w, "NO ESTA AUTENTICADO", http.StatusUnauthorized)
		return false
	}
	return true
}

var (
	envelopeID = regexp.MustCompile(`^([0-9]+-[0-9K])-([0-9]+)$`)
	documentID = regexp.MustCompile(`^([0-9]+-[0-9K])-([0-9]+)-([0-9]+)$`)
)

type restError struct {
	Seccion     string `json:"seccion"`
	Linea       int    `json:"linea"`
	Nivel       int    `json:"nivel"`
	Codigo      int    `json:"codigo"`
	Descripcion string `json:"descripcion"`
	Detalle     string `json:"detalle"`
}

type restDetail struct {
	Tipo        dte.TipoDTE `json:"tipo"`
	Folio       dte.Folio   `json:"folio"`
	Estado      string      `json:"estado"`
	Descripcion string      `json:"descripcion"`
	Error       []restError `json:"error"`
}

func (s *Sim) restEnvelope(w http.ResponseWriter, r *http.Request) {
	if !s.restSession(w, r) {
		return
	}
	m := envelopeID.FindStringSubmatch(r.PathValue("id"))
	if m == nil {
		http.Error(w, "Parametros invalidos", http.StatusBadRequest)
		return
	}
	emisor, _ := dte.ParseRUT(m[1])
	e, estado, found := s.poll(emisor, m[2], []string{"REC", "SOK", "CRT", "FOK", "PRD"})
	if !found {
		http.Error(w, "Envio no encontrado", http.StatusNotFound)
		return
	}
	answer := struct {
		Emisor      dte.RUT      `json:"rut_emisor"`
		Envia       dte.RUT      `json:"rut_envia"`
		TrackID     string       `json:"trackid"`
		At          string       `json:"fecha_recepcion"`
		Estado      string       `json:"estado"`
		Estadistica []count      `json:"estadistica,omitempty"`
		Detalle     []restDetail `json:"detalle_rep_rech,omitzero"`
	}{e.Emisor, e.Envia, e.TrackID, e.At.In(dte.Santiago).Format("02/01/2006 15:04:05"), estado, nil, nil}
	if estado == "EPR" {
		answer.Estadistica, answer.Detalle = counts(e, orderOf(r).Do), details(e)
	}
	restAnswer(w, answer)
}

func details(e Envelope) []restDetail {
	all := []restDetail{}
	for _, d := range e.Documents {
		if d.State == dte.Accepted {
			continue
		}
		detail := restDetail{Tipo: d.Key.Tipo, Folio: d.Key.Folio, Estado: "RCH", Descripcion: "Rechazado"}
		if d.State == dte.Objected {
			detail.Estado, detail.Descripcion = "RPR", "Aceptado con Reparos"
		}
		section, numbers, _ := strings.Cut(d.Codigo, "-")
		level, code, _ := strings.Cut(numbers, "-")
		nivel, _ := strconv.Atoi(level)
		codigo, _ := strconv.Atoi(code)
		detail.Error = []restError{{Seccion: section, Nivel: nivel, Codigo: codigo, Descripcion: d.Glosa}}
		all = append(all, detail)
	}
	return all
}

func (s *Sim) restDocument(w http.ResponseWriter, r *http.Request) {
	if !s.restSession(w, r) {
		return
	}
	q := r.URL.Query()
	for _, name := range []string{"rut_receptor", "dv_receptor", "monto", "fechaEmision"} {
		if q.Get(name) == "" {
			_, _ = io.WriteString(w, "falta "+name) // with status 200: so is the SII
			return
		}
	}
	m := documentID.FindStringSubmatch(r.PathValue("id"))
	if m == nil {
		http.Error(w, "Parametros invalidos", http.StatusBadRequest)
		return
	}
	emisor, _ := dte.ParseRUT(m[1])
	receptor, _ := dte.ParseRUT(q.Get("rut_receptor") + "-" + q.Get("dv_receptor"))
	tipo, _ := strconv.Atoi(m[2])
	folio, _ := strconv.ParseInt(m[3], 10, 64)
	k := s.look(dte.Key{Emisor: emisor, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}, receptor, q.Get("fechaEmision"), "02-01-2006", q.Get("monto"), "")
	restAnswer(w, struct {
		Codigo      string `json:"codigo"`
		Descripcion string `json:"descripcion"`
	}{k.codigo, k.glosa})
}
