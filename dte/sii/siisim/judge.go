package siisim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/xmltree"
)

// Days after which a late document is objected to (DTE-1-650; field reports, the SII publishes no figure).
const lateAfterDays = 3

// maxLine is what the SII's parser takes in one line (CHR-00002; field reports).
const maxLine = 4090

// reason is a code of the SII's and its words.
type reason struct{ codigo, glosa string }

// reasons are the SII's words for its codes, or what is known of them.
var reasons = map[string]string{
	"CAF-3-514": "Firma del CAF Incorrecta",
	"CAF-3-516": "CAF No Corresponde al Documento",
	"CAF-3-517": "CAF Vencido",
	"CHR-00002": "line too long",
	"CRT-3-19":  "Fecha/Numero Resolucion Invalido",
	"DTE-1-650": "Fecha Emision fuera de plazo",
	"DTE-3-100": "DTE Repetido",
	"DTE-3-101": "Folio ya Recibido con Otros Datos",
	"DTE-3-505": "Firma DTE Incorrecta",
	"DTE-3-601": "Folio Anulado",
	"ENV-3-0":   "Dato o Caracter No Permitido",
	"ENV-3-6":   "Firmante sin Permiso de Envio",
	"HED-1-232": "Dato del Encabezado Observado",
	"HED-2-804": "Falta Marcas en Tipo de Bultos",
	"HED-3-211": "Referencia No Permitida en el Encabezado",
	"HED-3-305": "Fecha Emision Anterior a la Autorizacion del Documento",
	"HED-3-834": "Falta Otra Moneda PESO CL",
	"HED-3-861": "Acteco No Registrado para el Emisor",
	"LPX-00007": "unexpected end-of-file encountered",
	"LSX-00204": "extra or missing element",
	"REF-2-768": "Correccion de Montos con Total Cero",
	"REF-2-780": "Anulacion con Monto Distinto al del Documento Referenciado",
	"REF-2-781": "Correccion de Texto con Montos",
	"REF-3-415": "Referencia Invalida o Faltante",
	"REF-3-750": "DTE Referenciado No ha Sido Recibido",
	"REF-3-751": "DTE Referenciado No Existe o es de Otro Tipo",
	"REF-3-758": "Codigo de Referencia Obligatorio",
	"SCH-00001": "Invalid Schema Name",
	"TED-1-646": "Fecha del Timbre Anterior a la del CAF",
	"TED-1-647": "Fecha del Timbre Fuera de Rango",
	"TED-2-510": "Firma del TED Incorrecta",
	"TED-3-640": "Datos del TED No Coinciden con el Encabezado",
}

// why has words for every code, so that no reader takes an empty one for acceptance.
func why(codigo string) reason {
	if glosa, known := reasons[codigo]; known {
		return reason{codigo, glosa}
	}
	return reason{codigo, "Observado por el SII"}
}

// schemaFaults are what the receiving parser answers at once with STATUS 7; none for a sound file.
func (s *Sim) schemaFaults(ctx context.Context, xml []byte) []string {
	first, rest, _ := bytes.Cut(xml, []byte("\n"))
	second, _, _ := bytes.Cut(rest, []byte("\n"))
	if string(first)+"\n" != dte.Declaration || !bytes.Contains(second, []byte("xsi:schemaLocation=")) {
		// The SII looks for the encoding in line 1 and for schemaLocation in line 2.
		return []string{"SCH-00001: Invalid Schema Name"}
	}
	for line := range bytes.Lines(xml) {
		if len(line) > maxLine {
			return []string{"CHR-00002: line too long"}
		}
	}
	if s.cfg.Schemas == "" {
		return nil
	}
	if schema, statement := statementSchema(s.cfg.Schemas, second); statement {
		if !exists(schema) {
			return nil // the folder need not have those of the books
		}
		return validate(ctx, schema, xml)
	}
	return validate(ctx, schemaFor(s.cfg.Schemas, bytes.HasPrefix(second, []byte("<EnvioBOLETA"))), xml)
}

// schemaFor finds the schema of an envelope, in a flat folder or in the SII's own subfolders.
func schemaFor(folder string, boletas bool) string {
	sub, name := "dte", "EnvioDTE_v10.xsd"
	if boletas {
		sub, name = "boleta", "EnvioBOLETA_v11.xsd"
	}
	if nested := filepath.Join(folder, sub, name); exists(nested) {
		return nested
	}
	return filepath.Join(folder, name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func checkSchemas(folder string) error {
	for _, boletas := range []bool{false, true} {
		if name := schemaFor(folder, boletas); !exists(name) {
			return fmt.Errorf("falta el esquema %s", name)
		}
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		return fmt.Errorf("para validar esquemas hace falta xmllint: %w", err)
	}
	return nil
}

var schemaError = regexp.MustCompile(`(?m)^[^\n]*(?:Schemas validity|parser) error : [^\n]*$`)

// validate runs xmllint and turns its complaints into the SII's form.
func validate(ctx context.Context, schema string, xml []byte) []string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "xmllint", "--nonet", "--noout", "--schema", schema, "-")
	cmd.Stdin = bytes.NewReader(xml)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	var faults []string
	for _, line := range schemaError.FindAllString(string(out), 5) {
		_, message, _ := strings.Cut(line, "error : ")
		faults = append(faults, "LSX-00204: "+message)
	}
	if faults == nil {
		faults = []string{"LSX-00000: " + err.Error()}
	}
	return faults
}

// inspected is an envelope after everything that can be judged without knowing what came before.
type inspected struct {
	envelope *dte.Envelope
	// estado is RSC, RCT or RFR when the whole is refused.
	estado string
	reason reason
}

// inspect judges schema, signature and carátula. company and sender are those of the upload's form.
func (s *Sim) inspect(ch sii.Channel, company, sender dte.RUT, xml []byte) inspected {
	refuse := func(estado string, r reason) inspected { return inspected{estado: estado, reason: r} }
	if _, second, _ := bytes.Cut(xml, []byte("\n")); ch == sii.ChannelDTE && isStatement(second) {
		return s.inspectStatement(company, sender, xml)
	}
	e, err := dte.VerifyEnvelope(xml, s.trust)
	_, malformed := errors.AsType[*xmltree.Error](err)
	switch {
	case errors.Is(err, dte.ErrSignature):
		return refuse("RFR", reason{"", err.Error()})
	case malformed:
		return refuse("RSC", reason{"", err.Error()})
	case err != nil:
		return refuse("RCT", reason{"", err.Error()})
	case ch == sii.ChannelBoleta && !e.Boletas:
		return refuse("RSC", reason{"SCH-00001", "Invalid Schema Name"})
	case e.Emisor != company || e.Receptor != dte.RUTSII:
		return refuse("RCT", reason{"", "RutEmisor o RutReceptor no corresponden"})
	case e.Envia != e.Signer || e.Envia != sender || !s.maySign(company, e.Envia):
		return refuse("RFR", why("ENV-3-6"))
	case !s.resolutionOf(company, e.Resolucion):
		return refuse("RCT", why("CRT-3-19"))
	}
	if slices.Contains(e.Documents, nil) {
		return refuse("RSC", reason{"", "Un documento es ilegible"})
	}
	return inspected{envelope: e}
}

func (s *Sim) maySign(company, signer dte.RUT) bool {
	allowed := s.cfg.Companies[company].Signers
	return len(allowed) == 0 || slices.Contains(allowed, signer)
}

func (s *Sim) registered(company dte.RUT) bool {
	_, known := s.cfg.Companies[company]
	return known || len(s.cfg.Companies) == 0
}

func (s *Sim) resolutionOf(company dte.RUT, r dte.Resolucion) bool {
	if c, known := s.cfg.Companies[company]; known {
		return c.Resolucion == r
	}
	return r.Nro == 0
}

// judge gives every document its final state, in the SII's order: folio already received, CAF, timbre, signature, only
// then what it refers to, and last what a scenario or the page claims. It is called with the lock held.
func (s *Sim) judge(e *Envelope, in inspected, r Rule) {
	e.Estado, e.Codigo, e.Glosa = in.estado, in.reason.codigo, in.reason.glosa
	if in.envelope == nil {
		return
	}
	e.Estado = "EPR"
	claimed := 0
	accepted := map[dte.Key]*Document{} // within this envelope: a note may follow its document
	lookup := func(key dte.Key) *Document {
		if d := accepted[key]; d != nil {
			return d
		}
		return s.held[key]
	}
	for i, doc := range in.envelope.Documents {
		d := Document{
			Key: doc.Key(), TrackID: e.TrackID, At: e.At, SHA256: hash(doc.XML), Receptor: doc.Receptor.RUT,
			FchEmis: doc.FchEmis, MntTotal: doc.Totales.MntTotal, Firma: doc.SignatureValue, State: dte.Accepted,
		}
		codigo := judgeFolio(lookup(d.Key), d)
		if codigo == "" {
			codigo = faultCode(in.envelope.Faults[i])
		}
		if codigo == "" {
			codigo = judgeReferences(doc, lookup)
		}
		if codigo == "" && d.FchEmis.DaysUntil(dte.DateOf(e.At)) > lateAfterDays {
			codigo = "DTE-1-650"
		}
		if codigo != "" {
			d.refuse(codigo, stateFor(codigo))
		} else if claim := s.claim(r, claimed); claim.Do == Reject {
			d.refuse(claim.Code, dte.Rejected)
			claimed++
		} else if claim.Do == Object {
			d.refuse(claim.Code, dte.Objected)
			claimed++
		}
		e.Documents = append(e.Documents, d)
		if d.State != dte.Rejected {
			accepted[d.Key] = &d
		}
	}
}

func (d *Document) refuse(codigo string, state dte.State) {
	r := why(codigo)
	d.State, d.Codigo, d.Glosa = state, r.codigo, r.glosa
}

// claim is what is held against a sound document: what the page asked for, or the rule of its upload, unless that had
// enough documents already.
func (s *Sim) claim(r Rule, claimed int) Rule {
	if len(s.claims) > 0 {
		first := s.claims[0]
		s.claims = s.claims[1:]
		return first
	}
	if (r.Do == Reject || r.Do == Object) && (r.Documents == 0 || claimed < r.Documents) {
		return r
	}
	return Rule{}
}

// stateFor reads the level in a code: level 1 objects, level 3 rejects. Of level 2 the SII does both; a stamp that does
// not verify is rejected here.
func stateFor(codigo string) dte.State {
	if strings.Contains(codigo, "-1-") || codigo == "REF-2-780" {
		return dte.Objected
	}
	return dte.Rejected
}

func judgeFolio(earlier *Document, d Document) string {
	switch {
	case earlier == nil:
		return ""
	case earlier.SHA256 == d.SHA256:
		return "DTE-3-100"
	}
	return "DTE-3-101"
}

// faultCode is the SII's code for a document that did not verify.
func faultCode(fault error) string {
	switch {
	case fault == nil:
		return ""
	case errors.Is(fault, dte.ErrCAFExpired):
		return "CAF-3-517"
	case errors.Is(fault, dte.ErrCAFNotFor):
		return "CAF-3-516"
	case errors.Is(fault, dte.ErrCAFTampered), errors.Is(fault, dte.ErrCAFUnknownKey), errors.Is(fault, dte.ErrCAFMalformed):
		return "CAF-3-514"
	case errors.Is(fault, dte.ErrTED) && strings.Contains(fault.Error(), "TED-3-640"):
		return "TED-3-640"
	case errors.Is(fault, dte.ErrTED):
		return "TED-2-510"
	}
	return "DTE-3-505"
}

// judgeReferences looks at what a note corrects: it must have been received, and an annulment repeats its amount.
func judgeReferences(doc *dte.Document, lookup func(dte.Key) *Document) string {
	if !doc.Tipo.EsNota() {
		return ""
	}
	for _, ref := range doc.Referencia {
		tipo, err := strconv.Atoi(ref.TpoDocRef)
		if err != nil || !slices.Contains(dte.Tipos(), dte.TipoDTE(tipo)) {
			continue // a purchase order, a test set: not a tax document
		}
		if ref.CodRef == 0 {
			return "REF-3-758"
		}
		folio, err := strconv.ParseInt(ref.FolioRef, 10, 64)
		if err != nil {
			return "REF-3-750"
		}
		of := lookup(dte.Key{Emisor: doc.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)})
		switch {
		case of == nil:
			return "REF-3-750"
		case ref.CodRef == dte.Anula && of.MntTotal != doc.Totales.MntTotal:
			return "REF-2-780"
		}
	}
	return ""
}
