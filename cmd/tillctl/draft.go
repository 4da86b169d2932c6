package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"mostrador/dte"
)

// maxDrafts is how many documents one file may bring.
const maxDrafts = 10_000

func runDraft(e *env, flags *flag.FlagSet, args []string) error {
	file := flags.String("f", "", "documentos en JSON o YAML (vea docs/borrador.md)")
	sign := flags.Bool("sign", false, "timbra y firma los que no rompen reglas; necesita -caf y -pfx")
	folio := flags.Int64("folio", 0, "primer folio de cada tipo; si no, el de cada documento")
	keys := addKeyFlags(flags)
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("falta -f con los documentos en JSON o YAML (vea docs/borrador.md)")
	}
	bodies, err := readDrafts(*file)
	if err != nil {
		return err
	}
	d := drafter{e: e, next: map[dte.TipoDTE]dte.Folio{}, first: dte.Folio(*folio), today: dte.DateOf(e.opt.Now())}
	if *sign {
		if d.cafs, err = keys.cafs(); err != nil {
			return err
		}
		if d.signer, err = keys.signer(e); err != nil {
			return err
		}
	}
	return d.all(bodies)
}

// readDrafts reads the documents of a file: one, a list, or several one after the other.
func readDrafts(name string) ([]*node, error) {
	b, err := readFile(name, maxEnvelope)
	if err != nil {
		return nil, err
	}
	roots, err := readTree(b)
	if err != nil {
		return nil, fmt.Errorf("%s no se entiende: %w. No se hizo nada", name, err)
	}
	var bodies []*node
	for _, root := range roots {
		for _, n := range root.items() {
			bodies = append(bodies, unwrap(n))
		}
	}
	if len(bodies) == 0 || len(bodies) > maxDrafts {
		return nil, fmt.Errorf("%s trae %d documentos; se aceptan de 1 a %d. No se hizo nada", name, len(bodies), maxDrafts)
	}
	return bodies, nil
}

// unwrap takes a document out of the elements that may stand around it.
func unwrap(n *node) *node {
	for _, name := range []string{"DTE", "Documento", "Exportaciones"} {
		if inner := n.get(name); inner != nil && len(n.fields) == 1 {
			n = inner
		}
	}
	return n
}

// drafter judges the documents of a file one by one.
type drafter struct {
	e      *env
	today  dte.Date
	first  dte.Folio
	next   map[dte.TipoDTE]dte.Folio
	cafs   []*dte.CAF
	signer *dte.Signer // nil: nothing is signed
}

// judged is what is said of a document: one line of JSON. Amounts are in the SII's names and spelling.
type judged struct {
	N           int           `json:"n"`
	Tipo        dte.TipoDTE   `json:"tipo,omitempty"`
	Folio       dte.Folio     `json:"folio,omitempty"`
	Totales     fieldsOut     `json:"Totales,omitempty"`
	OtraMoneda  fieldsOut     `json:"OtraMoneda,omitempty"`
	Detalle     []lineOut     `json:"Detalle,omitempty"`
	Faltas      []faultOut    `json:"faltas"`
	Diferencias []differsFrom `json:"diferencias,omitempty"`
	Error       string        `json:"error,omitempty"`
	XML         string        `json:"xml,omitempty"`
}

type faultOut struct {
	Regla   string `json:"regla"`
	Campo   string `json:"campo"`
	Mensaje string `json:"mensaje"`
}

// differsFrom is an amount that the file states and that does not follow from the rest of it.
type differsFrom struct {
	Campo     string `json:"campo"`
	Dado      string `json:"dado"`
	Calculado string `json:"calculado"`
}

func (j judged) good() bool { return len(j.Faltas) == 0 && len(j.Diferencias) == 0 && j.Error == "" }

func (d *drafter) all(bodies []*node) error {
	out := json.NewEncoder(d.e.out)
	out.SetEscapeHTML(false)
	bad := 0
	for i, body := range bodies {
		j := d.judge(body)
		j.N = i + 1
		if err := out.Encode(j); err != nil {
			return err
		}
		if !j.good() {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d de %d documentos no se pueden emitir así: vea faltas, diferencias y errores", bad, len(bodies))
	}
	return nil
}

func (d *drafter) judge(body *node) judged {
	j := judged{Faltas: []faultOut{}}
	draft, err := draftOf(body, d.today)
	if err != nil {
		j.Error = err.Error()
		return j
	}
	j.Tipo = draft.Tipo
	if faults, ok := errors.AsType[dte.FaultErrors](draft.Validate()); ok {
		for _, f := range faults {
			j.Faltas = append(j.Faltas, faultOut{f.Rule, f.Field, f.Message})
		}
	}
	if j.amounts(draft) == nil { // otherwise a fault says why
		j.compare(body)
	}
	if d.signer != nil && j.good() {
		if err := d.sign(&j, draft, body); err != nil {
			j.Error = err.Error()
		}
	}
	return j
}

// draftOf turns the fields of a document into a draft, by way of the XML that they would be.
func draftOf(body *node, today dte.Date) (dte.Draft, error) {
	if body.kind != object || body.get("Encabezado", "IdDoc") == nil {
		return dte.Draft{}, errors.New("falta Encabezado/IdDoc")
	}
	id := body.get("Encabezado", "IdDoc")
	if fch := id.get("FchEmis"); fch == nil || fch.text == "" {
		id.set("FchEmis", today.String())
	}
	tipo := 0
	if t := id.get("TipoDTE"); t != nil {
		tipo, _ = strconv.Atoi(t.text) // what is no number is refused with the type 0
	}
	root := "Documento"
	switch t := dte.TipoDTE(tipo); {
	case t.EsBoleta(): // these two have another name in boletas; many programs do not know
		emisor := body.get("Encabezado", "Emisor")
		emisor.rename("RznSoc", "RznSocEmisor")
		emisor.rename("GiroEmis", "GiroEmisor")
	case t.EsExportacion():
		root = "Exportaciones"
	}
	var b strings.Builder
	if err := body.xml(&b, root); err != nil {
		return dte.Draft{}, err
	}
	return dte.ParseDraft([]byte(b.String()))
}

func (d *drafter) sign(j *judged, draft dte.Draft, body *node) error {
	folio, err := d.folio(draft.Tipo, body)
	if err != nil {
		return err
	}
	caf, err := cafFor(d.cafs, draft.Tipo, folio)
	if err != nil {
		return err
	}
	doc, err := dte.Emit(draft, folio, caf, d.signer, d.e.opt.Now())
	if err != nil {
		return err
	}
	j.Folio, j.XML = folio, latinToUTF8(doc.File())
	return nil
}

// latinToUTF8 is the file as text; written back as ISO-8859-1, as its declaration says, it is the signed one.
func latinToUTF8(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// folio is the next one of the type, counted from -folio, or else the document's own.
func (d *drafter) folio(tipo dte.TipoDTE, body *node) (dte.Folio, error) {
	if d.first > 0 {
		n := d.next[tipo]
		d.next[tipo]++
		return d.first + n, nil
	}
	own := body.get("Encabezado", "IdDoc", "Folio")
	if own == nil {
		return 0, errors.New("falta el folio: escríbalo en IdDoc/Folio o dé -folio")
	}
	n, err := strconv.ParseInt(own.text, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("el folio «%s» no es un número", own.text)
	}
	return dte.Folio(n), nil
}
