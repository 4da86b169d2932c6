package sii

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
)

// Phase is how far the authority is with an envelope.
type Phase string

const (
	// InProgress: ask again later.
	InProgress Phase = "in progress"
	// Processed: every document has been looked at. It does not mean accepted: see Counts and Details.
	Processed Phase = "processed"
	// Rejected: the envelope as a whole was refused; none of its documents was received.
	Rejected Phase = "rejected"
)

// EnvelopeStatus is what became of an envelope.
type EnvelopeStatus struct {
	Phase         Phase
	Fault         Fault  // why, if Rejected
	Estado, Glosa string // the authority's own words: "EPR" "Envio Procesado"
	// Counts per type, once processed. A type may be missing: the SII sometimes leaves out the notes.
	Counts []Count
	// Details are the documents with objections or rejected. Only the boleta channel tells them; in the other one ask
	// DocumentStatus when the counts do not decide.
	Details []Detail
	// RetryAfter is how long to wait before asking again; 0 when the authority did not say.
	RetryAfter time.Duration
}

// Count is how the documents of one type fared.
type Count struct {
	Tipo                                       dte.TipoDTE
	Informados, Aceptados, Rechazados, Reparos int
}

// Total is the sum of the counts, without a type.
func (s EnvelopeStatus) Total() Count {
	var sum Count
	for _, c := range s.Counts {
		sum.Informados += c.Informados
		sum.Aceptados += c.Aceptados
		sum.Rechazados += c.Rechazados
		sum.Reparos += c.Reparos
	}
	return sum
}

// CodeRepeated is the rejection of a document that the authority already holds with the same data.
const CodeRepeated = "DTE-3-100"

// Detail is the authority's word on one document.
type Detail struct {
	Tipo  dte.TipoDTE
	Folio dte.Folio
	// State is Objected or Rejected; Unknown with CodeRepeated, where the earlier document counts: ask DocumentStatus.
	State         dte.State
	Codigo, Glosa string // "CAF-3-517" "CAF Vencido"
}

// DocumentStatus is what the authority knows of one document.
type DocumentStatus struct {
	// Found: the authority received it. Otherwise it may be sent, as the same bytes.
	Found bool
	// State, if Found: Accepted, Objected, Rejected, or Sent when it is not decided yet. Rejected with code DNK means that
	// the folio was received with other data, so this document never will be.
	State         dte.State
	TrackID       string // of the envelope it came in, if told
	Codigo, Glosa string
	// RetryAfter is how long to wait before asking again; 0 when the authority did not say.
	RetryAfter time.Duration
}

// EnvelopeStatus asks what became of an envelope.
func (c *Client) EnvelopeStatus(ctx context.Context, ch Channel, emisor dte.RUT, trackID string) (EnvelopeStatus, error) {
	if err := c.ready(ch); err != nil {
		return EnvelopeStatus{}, err
	}
	if !isTrackID(trackID) || emisor == 0 {
		return EnvelopeStatus{}, person("dato", "El número de envío «"+clip(trackID)+"» no es válido. Avise a soporte.")
	}
	var status EnvelopeStatus
	err := c.withToken(ctx, ch, func(token string) (err error) {
		var answer reply
		if ch == ChannelBoleta {
			answer, err = c.send(ctx, request{
				method: http.MethodGet, accept: "application/json", token: token,
				url: c.at.Boleta + "/boleta.electronica.envio/" + emisor.String() + "-" + trackID,
			})
		} else {
			answer, err = c.soap(ctx, "/DTEWS/QueryEstUp.jws", "getEstUp",
				"RutCompania", emisor.Number(), "DvCompania", string(emisor.DV()), "TrackId", trackID, "Token", token)
		}
		if err != nil {
			return err
		}
		if ch == ChannelBoleta {
			status, err = readEnvioStatus(answer.body)
		} else {
			status, err = readEstUp(answer.body)
		}
		status.RetryAfter = answer.wait
		return err
	})
	if err != nil {
		return EnvelopeStatus{}, err
	}
	return status, nil
}

// DocumentStatus asks whether a document arrived and what the authority says of it: QueryEstDteAv, which also compares
// the signature and knows the track id, or the boleta service's question by folio.
func (c *Client) DocumentStatus(ctx context.Context, doc *dte.Document) (DocumentStatus, error) {
	if doc.Tipo.EsBoleta() {
		return c.boletaStatus(ctx, doc)
	}
	return c.soapDocument(ctx, "/DTEWS/services/QueryEstDteAv", "getEstDteAv",
		"RutEmpresa", doc.Emisor.RUT.Number(), "DvEmpresa", string(doc.Emisor.RUT.DV()),
		"RutReceptor", doc.Receptor.RUT.Number(), "DvReceptor", string(doc.Receptor.RUT.DV()),
		"TipoDte", strconv.Itoa(int(doc.Tipo)), "FolioDte", doc.Folio.String(),
		"FechaEmisionDte", day(doc.FchEmis, "02-01-2006"), "MontoDte", doc.Totales.MntTotal.XML(),
		"FirmaDte", doc.SignatureValue)
}

// QueryEstDte asks the older question, which compares the data and not the signature: for documents of which only the
// data are at hand, such as a supplier's. It is for facturas and notes.
func (c *Client) QueryEstDte(ctx context.Context, doc *dte.Document) (DocumentStatus, error) {
	if err := c.ready(ChannelDTE); err != nil {
		return DocumentStatus{}, err
	}
	return c.soapDocument(ctx, "/DTEWS/QueryEstDte.jws", "getEstDte",
		"RutConsultante", c.signer.RUT().Number(), "DvConsultante", string(c.signer.RUT().DV()),
		"RutCompania", doc.Emisor.RUT.Number(), "DvCompania", string(doc.Emisor.RUT.DV()),
		"RutReceptor", doc.Receptor.RUT.Number(), "DvReceptor", string(doc.Receptor.RUT.DV()),
		"TipoDte", strconv.Itoa(int(doc.Tipo)), "FolioDte", doc.Folio.String(),
		"FechaEmisionDte", day(doc.FchEmis, "02012006"), "MontoDte", doc.Totales.MntTotal.XML())
}

func (c *Client) soapDocument(ctx context.Context, path, operation string, params ...string) (DocumentStatus, error) {
	return c.document(ctx, ChannelDTE, readEstDte, func(token string) (reply, error) {
		return c.soap(ctx, path, operation, append(params[:len(params):len(params)], "Token", token)...)
	})
}

func (c *Client) boletaStatus(ctx context.Context, doc *dte.Document) (DocumentStatus, error) {
	query := url.Values{
		"rut_receptor": {doc.Receptor.RUT.Number()}, "dv_receptor": {string(doc.Receptor.RUT.DV())},
		"monto": {doc.Totales.MntTotal.XML()}, "fechaEmision": {day(doc.FchEmis, "02-01-2006")},
	}
	address := fmt.Sprintf("%s/boleta.electronica/%s-%d-%d/estado?%s", c.at.Boleta, doc.Emisor.RUT, doc.Tipo, doc.Folio, query.Encode())
	return c.document(ctx, ChannelBoleta, readBoletaStatus, func(token string) (reply, error) {
		return c.send(ctx, request{method: http.MethodGet, url: address, accept: "application/json", token: token})
	})
}

func (c *Client) document(ctx context.Context, ch Channel, read func([]byte) (DocumentStatus, error), ask func(token string) (reply, error)) (DocumentStatus, error) {
	if err := c.ready(ch); err != nil {
		return DocumentStatus{}, err
	}
	var status DocumentStatus
	err := c.withToken(ctx, ch, func(token string) error {
		answer, err := ask(token)
		if err != nil {
			return err
		}
		status, err = read(answer.body)
		status.RetryAfter = answer.wait
		return err
	})
	if err != nil {
		return DocumentStatus{}, err
	}
	return status, nil
}

// soap calls an Axis operation with named string parameters. The SII does not mind the namespace.
func (c *Client) soap(ctx context.Context, path, operation string, params ...string) (reply, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		"\n<soapenv:Body>\n<m:" + operation + ` xmlns:m="http://DefaultNamespace">` + "\n")
	for i := 0; i+1 < len(params); i += 2 {
		b.WriteString("<" + params[i] + ` xsi:type="xsd:string">`)
		_ = xml.EscapeText(&b, []byte(params[i+1])) // a buffer does not fail
		b.WriteString("</" + params[i] + ">\n")
	}
	b.WriteString("</m:" + operation + ">\n</soapenv:Body>\n</soapenv:Envelope>\n")
	return c.send(ctx, request{method: http.MethodPost, url: c.at.DTE + path, accept: "text/xml", contentType: "text/xml; charset=UTF-8", body: b.Bytes()})
}

func day(d dte.Date, layout string) string {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Format(layout)
}

var trackID = regexp.MustCompile(`^[0-9]{1,20}$`)

func isTrackID(s string) bool { return trackID.MatchString(s) && strings.Trim(s, "0") != "" }

// readReception reads what DTEUpload answers.
func readReception(body []byte) (Receipt, error) {
	fields, err := ReadFields(body)
	if err != nil {
		return Receipt{}, unreadable(true, err)
	}
	status, detail := strings.TrimLeft(fields.Get("STATUS"), "0"), strings.Join(fields.All("ERROR"), "; ")
	switch {
	case status == "" && fields.Get("STATUS") != "":
		track := fields.Get("TRACKID")
		if !isTrackID(track) {
			return Receipt{}, unreadable(true, errors.New("STATUS 0 sin TRACKID"))
		}
		return Receipt{TrackID: track}, nil
	case status == "99":
		return duplicate(status, detail)
	}
	return Receipt{}, uploadStatus(status, detail)
}

var (
	earlierTrack = regexp.MustCompile(`(?i)ya fue enviado.{0,60}track\s*id\s*:?\s*([0-9]{1,20})[^0-9]`)
	earlierWait  = regexp.MustCompile(`([0-9]{1,6}) segundos`)
)

// duplicate reads "Archivo ya fue enviado 2 veces con Trackid 251550580. Debe esperar 900 segundos antes de reintentar":
// the authority has these bytes, under that track id. Code 99 is also used for other things, which tell nothing.
func duplicate(code, text string) (Receipt, error) {
	var wait time.Duration
	if m := earlierWait.FindStringSubmatch(text); m != nil {
		wait = min(seconds(m[1]), maxWait)
	}
	if m := earlierTrack.FindStringSubmatch(text); m != nil && isTrackID(m[1]) {
		return Receipt{TrackID: m[1], Already: true, RetryAfter: wait}, nil
	}
	e := later(code, "El SII no recibió el envío o ya lo tenía: "+clip(text)+" Se preguntará antes de reenviar.")
	if strings.Contains(strings.ToLower(text), "ya fue enviado") {
		e = &Error{Verdict: Already, Code: code, Message: "El SII ya tiene este envío, pero no dijo con qué número. Se preguntará por sus documentos."}
	}
	e.MaybeReceived, e.RetryAfter = true, wait
	return Receipt{}, e
}

// duplicateIn finds the same sentence in the text errors of the REST channel.
func duplicateIn(err error, receipt *Receipt) error {
	if m := earlierTrack.FindString(err.Error()); m == "" {
		return err
	}
	found, dupErr := duplicate("99", err.Error())
	*receipt = found
	return dupErr
}

// readEnvio reads what the boleta upload answers.
func readEnvio(body []byte) (Receipt, error) {
	var answer struct {
		TrackID flexible `json:"trackid"`
		Estado  string   `json:"estado"`
	}
	if err := readJSON(body, &answer); err != nil {
		if receipt, dupErr := duplicate("99", string(toUTF8(body))); receipt.Already {
			return receipt, dupErr
		}
		return Receipt{}, unreadable(true, err)
	}
	if !isTrackID(string(answer.TrackID)) {
		return Receipt{}, unreadable(true, errors.New("respuesta sin trackid, estado "+clip(answer.Estado)))
	}
	return Receipt{TrackID: string(answer.TrackID)}, nil
}

// phases are the envelope states of both channels and of the books (SII: QueryEstUp; OpenAPI of boletas).
var phases = map[string]Phase{
	"REC": InProgress, "SOK": InProgress, "CRT": InProgress, "FOK": InProgress, "PRD": InProgress, "PDR": InProgress,
	"EPR": Processed, "RPR": Processed, "RPT": Processed, "RLV": Processed, "LOK": Processed, "LSO": Processed,
	"RSC": Rejected, "RCT": Rejected, "RFR": Rejected, "RCH": Rejected, "RCO": Rejected, "VOF": Rejected,
	"LRH": Rejected, "LRS": Rejected, "LRC": Rejected, "LRF": Rejected, "LNC": Rejected,
}

// faultOf says what a Rejected envelope was refused for. States that nobody has explained (RCH, VOF) are taken for
// the content's: apart, its documents will tell.
func faultOf(estado string) Fault {
	switch {
	case phases[estado] != Rejected:
		return ""
	case estado == "RFR", estado == "RCT":
		return FaultSender
	}
	return FaultContent
}

// queryError reads a state that is about the question and not about what was asked for.
func queryError(estado, glosa string) error {
	switch estado {
	case "":
		return unreadable(false, errors.New("respuesta sin estado"))
	case "001", "002", "003":
		return unauthenticated(estado)
	case "106":
		return person(estado, "El SII no permite a este firmante consultar por la empresa. Autorícelo en sii.cl, en usuarios de la empresa.")
	case "EMP":
		return person(estado, "El SII dice que la empresa no está autorizada a emitir documentos electrónicos. Revise su inscripción en sii.cl.")
	}
	return later(clip(estado), "El SII no pudo responder la consulta ("+strings.TrimSpace(clip(estado)+" "+clip(glosa))+"). Se volverá a preguntar.")
}

// readEstUp reads the envelope status of ChannelDTE. The counts are repeated siblings without a wrapper, one group per
// type.
func readEstUp(body []byte) (EnvelopeStatus, error) {
	fields, err := ReadFields(body)
	if err != nil {
		return EnvelopeStatus{}, unreadable(false, err)
	}
	s := EnvelopeStatus{Estado: fields.Get("ESTADO"), Glosa: clip(fields.First("GLOSA", "GLOSA_ESTADO"))}
	if s.Phase, s.Fault = phases[s.Estado], faultOf(s.Estado); s.Phase == "" {
		return EnvelopeStatus{}, queryError(s.Estado, s.Glosa)
	}
	for _, f := range fields {
		if f.Name == "TIPO_DOCTO" {
			s.Counts = append(s.Counts, Count{})
		}
		if len(s.Counts) == 0 {
			continue
		}
		count := &s.Counts[len(s.Counts)-1]
		into := map[string]*int{
			"TIPO_DOCTO": (*int)(&count.Tipo), "INFORMADOS": &count.Informados, "ACEPTADOS": &count.Aceptados,
			"RECHAZADOS": &count.Rechazados, "REPAROS": &count.Reparos,
		}[f.Name]
		if into == nil {
			continue
		}
		if *into, err = atoi(f.Text); err != nil {
			return EnvelopeStatus{}, unreadable(false, err)
		}
	}
	return s, nil
}

// atoi reads a count of the authority's; an empty one is zero.
func atoi(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("no es un número: %q", clip(s))
	}
	return int(n), nil
}

// readEnvioStatus reads the envelope status of ChannelBoleta.
func readEnvioStatus(body []byte) (EnvelopeStatus, error) {
	var answer struct {
		Estado      string
		Descripcion string
		Estadistica []struct{ Tipo, Informados, Aceptados, Rechazados, Reparos flexible }
		Detalle     []struct {
			Tipo, Folio         flexible
			Estado, Descripcion string
			Error               []struct {
				Seccion       string
				Nivel, Codigo flexible
				Descripcion   string
				Detalle       string
			}
		} `json:"detalle_rep_rech"`
	}
	if err := readJSON(body, &answer); err != nil {
		return EnvelopeStatus{}, textAnswer(body, err)
	}
	s := EnvelopeStatus{Phase: phases[answer.Estado], Fault: faultOf(answer.Estado), Estado: answer.Estado, Glosa: clip(answer.Descripcion)}
	if s.Phase == "" {
		return EnvelopeStatus{}, queryError(s.Estado, s.Glosa)
	}
	for _, e := range answer.Estadistica {
		var n [5]int
		for i, text := range []flexible{e.Tipo, e.Informados, e.Aceptados, e.Rechazados, e.Reparos} {
			var err error
			if n[i], err = atoi(string(text)); err != nil {
				return EnvelopeStatus{}, unreadable(false, err)
			}
		}
		s.Counts = append(s.Counts, Count{dte.TipoDTE(n[0]), n[1], n[2], n[3], n[4]})
	}
	for _, d := range answer.Detalle {
		tipo, err := atoi(string(d.Tipo))
		folio, folioErr := strconv.ParseInt(string(d.Folio), 10, 64)
		if err = errors.Join(err, folioErr); err != nil {
			return EnvelopeStatus{}, unreadable(false, err)
		}
		// Of several errors the gravest is the reason: level 3 rejects, 2 and 1 object.
		detail, gravest := Detail{Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio), Codigo: d.Estado, Glosa: clip(d.Descripcion)}, ""
		for _, e := range d.Error {
			if string(e.Nivel) > gravest {
				gravest = string(e.Nivel)
				detail.Codigo = clip(fmt.Sprintf("%s-%s-%s", e.Seccion, e.Nivel, e.Codigo))
				detail.Glosa = clip(strings.TrimSpace(e.Descripcion + " " + e.Detalle))
			}
		}
		detail.State = detailState(d.Estado, detail.Codigo)
		s.Details = append(s.Details, detail)
	}
	return s, nil
}

// detailState reads the state of a document in detalle_rep_rech. What is not known to be an objection is a rejection: a
// person looks at those.
func detailState(estado, codigo string) dte.State {
	switch {
	case codigo == CodeRepeated:
		return dte.Unknown
	case phases[estado] == Processed:
		return dte.Objected
	}
	return dte.Rejected
}

// arrived are the document states of QueryEstDte, QueryEstDteAv and the boleta service. FAU, FNA and FAN (not received,
// not authorised, annulled) are not in it: the document is not there.
var arrived = map[string]dte.State{
	"DOK": dte.Accepted, "DNK": dte.Rejected,
	// Received, and later modified or annulled by a note.
	"TMD": dte.Accepted, "TMC": dte.Accepted, "MMD": dte.Accepted, "MMC": dte.Accepted, "AND": dte.Accepted, "ANC": dte.Accepted,
	"REC": dte.Sent, "SOK": dte.Sent, "CRT": dte.Sent, "FOK": dte.Sent, "PRD": dte.Sent, "PDR": dte.Sent,
	"RPR": dte.Objected, "RPT": dte.Objected, "RLV": dte.Objected,
	"RCH": dte.Rejected,
}

func documentStatus(codigo, glosa string) (DocumentStatus, error) {
	s := DocumentStatus{Codigo: codigo, Glosa: clip(glosa), State: arrived[codigo]}
	s.Found = s.State != ""
	if !s.Found && codigo != "FAU" && codigo != "FNA" && codigo != "FAN" {
		return DocumentStatus{}, queryError(codigo, glosa)
	}
	return s, nil
}

// readEstDte reads QueryEstDte and QueryEstDteAv. The latter says in its body RECIBIDO SI or NO, and the header's ESTADO
// is then about the question.
func readEstDte(body []byte) (DocumentStatus, error) {
	fields, err := ReadFields(body)
	if err != nil {
		return DocumentStatus{}, unreadable(false, err)
	}
	received := strings.ToUpper(fields.Get("RECIBIDO"))
	estado, glosa := fields.Get("ESTADO"), fields.First("GLOSA_ERR", "GLOSA", "GLOSA_ESTADO")
	if received != "" {
		if in := fields.In("RESP_BODY", "ESTADO"); in != "" {
			estado = in
		}
		if in := fields.In("RESP_BODY", "GLOSA"); in != "" {
			glosa = in
		}
	}
	s, err := documentStatus(estado, glosa)
	switch {
	case received == "SI" && (err != nil || !s.Found) && estado != "EMP":
		s = DocumentStatus{Found: true, State: dte.Sent, Codigo: clip(estado), Glosa: clip(glosa)}
	case received == "NO" && (err != nil || s.Found) && estado != "EMP":
		s = DocumentStatus{Codigo: clip(estado), Glosa: clip(glosa)}
	case err != nil:
		return DocumentStatus{}, err
	}
	if track := fields.Get("TRACKID"); s.Found && isTrackID(track) {
		s.TrackID = track
	}
	return s, nil
}

// readBoletaStatus reads the boleta service's answer about one folio.
func readBoletaStatus(body []byte) (DocumentStatus, error) {
	var answer struct {
		Codigo, Descripcion string
		TrackID             flexible `json:"trackid"`
	}
	if err := readJSON(body, &answer); err != nil {
		return DocumentStatus{}, textAnswer(body, err)
	}
	s, err := documentStatus(answer.Codigo, answer.Descripcion)
	if err == nil && s.Found && isTrackID(string(answer.TrackID)) {
		s.TrackID = string(answer.TrackID)
	}
	return s, err
}

// textAnswer reads a question that was answered with status 200 and a sentence: "falta rut_receptor".
func textAnswer(body []byte, cause error) error {
	text := clip(string(toUTF8(body)))
	if strings.HasPrefix(strings.ToLower(text), "falta") {
		return person("dato", "El SII no aceptó la consulta: "+text+". Avise a soporte.")
	}
	return unreadable(false, cause)
}
