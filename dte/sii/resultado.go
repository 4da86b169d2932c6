package sii

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
)

// Limits of a mailed result: 2,000 documents with ten observations each, and room to spare.
const (
	maxResultado       = 8 << 20
	maxResultadoFields = 100_000
)

// ResultadoEnvio is the file that the SII mails when it has looked at an envelope of ChannelDTE (RespSII_v10): the only
// place where that channel tells why a document was refused. It carries no signature: whoever imports it vouches for
// where it comes from, and matches Emisor and TrackID with an envelope of his.
type ResultadoEnvio struct {
	Emisor, Envia dte.RUT
	TrackID       string // digits; the file drops leading zeros: compare with SameTrackID
	// At is when the SII received the envelope; zero when the file says it in a way that nobody knows.
	At time.Time
	EnvelopeStatus
	// Errors are what is wrong with the envelope as a whole.
	Errors []string
}

// ReadResultadoEnvio reads the file, in any encoding that the SII uses. It is all or nothing: a file that was cut
// or names a document twice is an *Error with code "archivo" that needs a person.
func ReadResultadoEnvio(file []byte) (ResultadoEnvio, error) {
	r, err := readResultado(file)
	if err != nil {
		return ResultadoEnvio{}, &Error{
			Verdict: Person, Code: "archivo", cause: err,
			Message: "El archivo no es un resultado de envío del SII que se pueda leer. Nada cambió; guarde de nuevo el adjunto del correo e impórtelo.",
		}
	}
	return r, nil
}

func readResultado(file []byte) (ResultadoEnvio, error) {
	if len(file) > maxResultado {
		return ResultadoEnvio{}, fmt.Errorf("archivo de más de %d bytes", maxResultado)
	}
	fields, err := readFields([]byte(strings.TrimPrefix(string(toUTF8(file)), "\ufeff")), maxResultadoFields, false)
	if err != nil {
		return ResultadoEnvio{}, err
	}
	const head = "IDENTIFICACION"
	emisor, err := dte.ParseRUT(fields.In(head, "RUTEMISOR"))
	if err != nil {
		return ResultadoEnvio{}, err
	}
	envia, err := dte.ParseRUT(fields.In(head, "RUTENVIA"))
	if err != nil {
		return ResultadoEnvio{}, err
	}
	r := ResultadoEnvio{Emisor: emisor, Envia: envia, TrackID: fields.In(head, "TRACKID"), At: receivedAt(fields.In(head, "TMSTRECEPCION"))}
	if !isTrackID(r.TrackID) {
		return ResultadoEnvio{}, errors.New("sin TRACKID")
	}
	r.Estado, r.Glosa = stateWord(fields.In(head, "ESTADO"))
	if r.Phase = phases[r.Estado]; r.Phase == "" || r.Phase == InProgress {
		return ResultadoEnvio{}, fmt.Errorf("ESTADO %q no es un resultado", r.Estado)
	}
	for _, text := range fields.All("DETERRENVIO") {
		r.Errors = append(r.Errors, clip(text))
	}
	if r.Counts, err = subtotals(fields); err != nil {
		return ResultadoEnvio{}, err
	}
	if r.Details, err = revised(fields); err != nil {
		return ResultadoEnvio{}, err
	}
	return r, nil
}

// receivedAt reads the ways in which the SII writes a moment; the schema only says "string".
func receivedAt(text string) time.Time {
	for _, layout := range []string{"02/01/2006 15:04:05", "02-01-2006 15:04:05", time.DateTime, "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, dte.Santiago); err == nil {
			return at
		}
	}
	return time.Time{}
}

// stateWord splits "EPR - Envio Procesado".
func stateWord(text string) (estado, glosa string) {
	estado, glosa, _ = strings.Cut(clip(text), "-")
	estado, rest, _ := strings.Cut(strings.TrimSpace(estado), " ")
	return strings.ToUpper(estado), strings.TrimSpace(rest + " " + strings.TrimSpace(glosa))
}

// subtotals reads the counts; an element that is left out is zero.
func subtotals(fields Fields) ([]Count, error) {
	var counts []Count
	for _, f := range fields {
		if f.Parent != "SUBTOTAL" {
			continue
		}
		n, err := atoi(f.Text)
		if err != nil {
			return nil, err
		}
		if f.Name == "TIPODOC" {
			counts = append(counts, Count{Tipo: dte.TipoDTE(n)})
		}
		if len(counts) == 0 {
			return nil, errors.New("SUBTOTAL sin TIPODOC")
		}
		switch c := &counts[len(counts)-1]; f.Name {
		case "INFORMADO":
			c.Informados = n
		case "RECHAZO":
			c.Rechazados = n
		case "REPARO":
			c.Reparos = n
		case "ACEPTA":
			c.Aceptados = n
		}
	}
	return counts, nil
}

// revised reads the documents that are not simply accepted. Each begins with its folio.
func revised(fields Fields) ([]Detail, error) {
	type document struct {
		folio, tipo, estado string
		details             []string
	}
	var documents []document
	for _, f := range fields {
		if f.Parent != "REVISIONDTE" {
			continue
		}
		if f.Name == "FOLIO" {
			documents = append(documents, document{folio: f.Text})
		}
		if len(documents) == 0 {
			return nil, errors.New("REVISIONDTE sin FOLIO")
		}
		switch d := &documents[len(documents)-1]; f.Name {
		case "TIPODTE":
			d.tipo = f.Text
		case "ESTADO":
			d.estado = f.Text
		case "DETALLE":
			d.details = append(d.details, f.Text)
		}
	}
	var details []Detail
	seen := map[dte.Key]bool{}
	for _, d := range documents {
		tipo, err := atoi(d.tipo)
		folio, folioErr := strconv.ParseInt(d.folio, 10, 64)
		if err = errors.Join(err, folioErr); err != nil || tipo == 0 || folio <= 0 || folio > 9_999_999_999 {
			return nil, errors.Join(fmt.Errorf("documento %q de tipo %q", clip(d.folio), clip(d.tipo)), err)
		}
		key := dte.Key{Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}
		if seen[key] {
			return nil, fmt.Errorf("el documento %s viene dos veces", d.folio)
		}
		seen[key] = true
		detail := Detail{Tipo: key.Tipo, Folio: key.Folio}
		estado, glosa := stateWord(d.estado)
		detail.Codigo, detail.Glosa = gravest(d.details)
		if detail.Codigo == "" {
			detail.Codigo = estado
		}
		if detail.Glosa == "" {
			detail.Glosa = glosa
		}
		detail.State = revisedState(estado, d.estado, detail.Codigo)
		details = append(details, detail)
	}
	return details, nil
}

// observation is a code anywhere in a sentence: "(CAF-3-517) CAF Vencido".
var observation = regexp.MustCompile(`\(?\b([A-Z]{3}-([1-3])-[0-9]{1,4})\b\)?`)

// gravest is the code and the sentence of the gravest observation, or the first sentence when none has a code.
func gravest(details []string) (codigo, glosa string) {
	level := ""
	for _, text := range details {
		if glosa == "" {
			glosa = clip(text)
		}
		if m := observation.FindStringSubmatch(text); m != nil && m[2] > level {
			level, codigo = m[2], m[1]
			glosa = clip(strings.Replace(text, m[0], "", 1))
		}
	}
	return codigo, glosa
}

// revisedState reads what became of a listed document. Here a word that nobody knows decides nothing: the authority can
// be asked.
func revisedState(estado, text, codigo string) dte.State {
	switch {
	case codigo == CodeRepeated, codigo == "":
		return dte.Unknown
	case phases[estado] == Processed && estado != "EPR", strings.Contains(strings.ToUpper(text), "REPARO"):
		return dte.Objected
	case phases[estado] == Rejected, strings.HasPrefix(strings.ToUpper(text), "RECHAZ"), strings.HasPrefix(strings.ToUpper(text), "DTE RECHAZ"):
		return dte.Rejected
	}
	return dte.Unknown
}

// SameTrackID compares track ids that were written with and without leading zeros.
func SameTrackID(a, b string) bool {
	return isTrackID(a) && isTrackID(b) && strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// Veredictos is what the file decides about the documents of its envelope, which are all that the envelope held. A
// document that is not listed is accepted if the counts of its type add up with what is listed; what the file leaves
// open is not in the answer: ask DocumentStatus. Nothing is decided of a document of another company, nor when the
// envelope was refused as a whole, for then none of its documents was received.
func (r ResultadoEnvio) Veredictos(keys []dte.Key, at time.Time) []dte.Veredicto {
	if r.Phase != Processed {
		return nil
	}
	listed := map[dte.Key]Detail{}
	for _, d := range r.Details {
		listed[dte.Key{Emisor: r.Emisor, Tipo: d.Tipo, Folio: d.Folio}] = d
	}
	whole := r.addingUp(keys)
	var verdicts []dte.Veredicto
	for _, key := range keys {
		d, found := listed[key]
		switch {
		case found && d.State != dte.Unknown:
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: d.State, Codigo: d.Codigo, Glosa: d.Glosa, At: at})
		case !found && key.Emisor == r.Emisor && whole[key.Tipo]:
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Accepted, At: at})
		}
	}
	return verdicts
}

// addingUp tells of each type whether its counts speak of exactly these documents, and all the refused and objected ones
// are listed and are among them.
func (r ResultadoEnvio) addingUp(keys []dte.Key) map[dte.TipoDTE]bool {
	sent := map[dte.Key]bool{}
	expected := map[dte.TipoDTE]Count{}
	for _, key := range keys {
		sent[key] = true
		c := expected[key.Tipo]
		c.Tipo = key.Tipo
		c.Informados++
		c.Aceptados++
		expected[key.Tipo] = c
	}
	for _, d := range r.Details {
		c := expected[d.Tipo]
		switch {
		case !sent[dte.Key{Emisor: r.Emisor, Tipo: d.Tipo, Folio: d.Folio}]:
			c.Informados = -1 // the file is about more than these documents
		case d.State == dte.Objected:
			c.Reparos++
		case d.State == dte.Rejected:
			c.Rechazados++
		}
		c.Aceptados-- // of an undecided one the counts could say anything: then they do not match
		expected[d.Tipo] = c
	}
	whole := map[dte.TipoDTE]bool{}
	for _, c := range r.Counts {
		whole[c.Tipo] = c == expected[c.Tipo]
	}
	return whole
}
