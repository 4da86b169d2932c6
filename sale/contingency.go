package sale

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Cause is why a till could not do as always. Three failures are kept apart, because the law treats them apart.
type Cause string

// The causes. The first two are noticed by the till itself, the others are told by a person.
const (
	CauseLine  Cause = "linea"   // no connection: documents are issued and wait
	CauseSII   Cause = "sii"     // the SII fails or refuses to receive: the same
	CausePower Cause = "energia" // no power: nothing could be issued
	CauseAll   Cause = "todo"    // nothing worked and boletas were written by hand
)

// Words is the cause for people.
func (c Cause) Words() string {
	switch c {
	case CauseLine:
		return "sin internet"
	case CauseSII:
		return "el SII no recibe los documentos"
	case CausePower:
		return "sin energía"
	case CauseAll:
		return "todo detenido"
	}
	return string(c)
}

// Rule is a text of the SII that says what to do in a contingency.
type Rule struct {
	Source string // the SII's own number
	Date   string // of its last update, as the SII writes it
	Says   string // in our words
}

// RuleFor is what the SII says about a cause. For CauseAll there are two texts, which disagree: see RuleManual.
func RuleFor(c Cause) Rule {
	if c == CauseLine || c == CauseSII {
		return Rule{
			"FAQ SII 001.380.7676 (Res. Ex. 99/2019)", "24-04-2025",
			"Con falta pasajera de conexión se emite igual, sin enviar, y se envía desde que vuelve la conexión.",
		}
	}
	return Rule{
		"FAQ SII 001.380.7837", "10-12-2024",
		"Si no se pudo emitir, al volver a funcionar se hace UNA boleta por la suma de las ventas del corte; " +
			"al comprador que deja sus datos porque quiere copia se le hace una boleta propia.",
	}
}

// RuleManual is the other text about a contingency in which nothing works.
func RuleManual() Rule {
	return Rule{
		"FAQ SII 001.380.6214", "26-05-2025",
		"En una contingencia justificada que impide emitir se puede usar una boleta manual, de papel timbrado.",
	}
}

// RuleConflict says in words that the two texts disagree, and whose choice it is.
const RuleConflict = "El SII dice dos cosas: la pregunta 001.380.7837 pide UNA boleta electrónica que sume las ventas del corte, y la " +
	"001.380.6214, más nueva, permite boletas manuales. No haga las dos cosas por las mismas ventas: elija una con su contador; " +
	"queda anotado cuál eligió."

// Outage is an entry of the contingency log.
type Outage struct {
	Number int       `json:"number"` // from 1
	Cause  Cause     `json:"cause"`
	Detail string    `json:"detail,omitempty"` // in words: of the worker, or of the person who told it
	From   time.Time `json:"from"`
	// Restored is when the cause was gone; the entry ends, at To, when all that was issued until then has arrived.
	Restored time.Time `json:"restored,omitzero"`
	To       time.Time `json:"to,omitzero"`
	// Documents were issued from From to Restored.
	Documents int    `json:"documents"`
	Who       string `json:"who,omitempty"`  // told it; empty for what the till noticed itself
	Rule      string `json:"rule,omitempty"` // the text that the owner chose to follow: Rule.Source

	Summary dte.Key     `json:"summary,omitzero"` // the boleta that sums the sales
	Copies  []dte.Key   `json:"copies,omitempty"` // boletas for buyers who left their data
	Manual  ManualRange `json:"manual,omitzero"`  // boletas written by hand
}

// Open reports an entry that has not ended.
func (o Outage) Open() bool { return o.Number > 0 && o.To.IsZero() }

// OutageStory is what was done about an entry, in a sentence or two.
func OutageStory(o Outage) string {
	var said []string
	switch {
	case o.Cause == CauseLine || o.Cause == CauseSII:
		said = append(said, "Se emitió sin enviar; los documentos se envían solos ("+RuleFor(o.Cause).Source+").")
		if !o.Restored.IsZero() {
			said = append(said, "Volvió el "+moment(o.Restored)+".")
		}
	case o.Summary != (dte.Key{}):
		said = append(said, fmt.Sprintf("Sus ventas se suman en la %s (%s).", called(o.Summary), o.Rule))
	case o.Manual != (ManualRange{}):
		said = append(said, fmt.Sprintf("Boletas manuales %d a %d por $%s (%s).", o.Manual.First, o.Manual.Last, o.Manual.Total, o.Rule))
	default:
		said = append(said, "Falta la boleta que suma sus ventas.")
	}
	if n := len(o.Copies); n > 0 {
		said = append(said, plural(n, "boleta propia", "boletas propias")+" para compradores.")
	}
	if o.Detail != "" {
		said = append(said, capital(ended(o.Detail)))
	}
	if o.Who != "" {
		said = append(said, "Informó "+o.Who+".")
	}
	return strings.Join(said, " ")
}

// ManualRange are boletas of stamped paper that were used.
type ManualRange struct {
	First int64       `json:"first"`
	Last  int64       `json:"last"`
	Total money.Pesos `json:"total"`
}

// Trouble is what stands between the till and the SII; the zero value is none.
type Trouble struct {
	Cause  Cause // CauseLine or CauseSII
	Since  time.Time
	Detail string
}

// TroubleWait is how long trouble lasts before it is a contingency without any document having been issued.
const TroubleWait = 5 * time.Minute

// Follow is the entry of the log after a look at the line. o is the open entry, or the zero value; issued counts the
// documents since the trouble or the entry began, and undelivered those of them that have not arrived. It reports
// whether anything is to be written.
func (o Outage) Follow(now time.Time, t Trouble, issued, undelivered int) (next Outage, changed bool) {
	trouble := t.Cause != ""
	switch {
	case !o.Open() && trouble && (issued > 0 || now.Sub(t.Since) >= TroubleWait):
		return Outage{Cause: t.Cause, Detail: t.Detail, From: t.Since}, true
	case !o.Open():
		return o, false
	case trouble && !o.Restored.IsZero(): // it came back before all had arrived: the same contingency
		o.Restored = time.Time{}
		return o, true
	case trouble:
		return o, false
	case undelivered == 0:
		if o.Restored.IsZero() {
			o.Restored = now
		}
		o.To, o.Documents = now, issued
		return o, true
	case o.Restored.IsZero():
		o.Restored = now
		return o, true
	}
	return o, false
}

// ErrOutage: what was told about a contingency cannot be. Nothing was issued nor written.
var ErrOutage = errors.New("esa contingencia no se puede anotar")

// longestOutage bounds what a person may tell: more is a slip of the pen, or a matter for form F2117.
const longestOutage = 31 * 24 * time.Hour

// CheckPeriod refuses a time in which no outage can have been.
func CheckPeriod(from, to, now time.Time) error {
	switch {
	case !from.Before(to):
		return fmt.Errorf("%w: empieza el %s y termina el %s. No se anotó nada; revise las horas", ErrOutage, moment(from), moment(to))
	case to.After(now):
		return fmt.Errorf("%w: termina el %s y todavía no es esa hora. No se anotó nada; anótela cuando haya pasado", ErrOutage, moment(to))
	case to.Sub(from) > longestOutage:
		return fmt.Errorf("%w: dura más de un mes. No se anotó nada; una falta permanente se trata con el formulario F2117", ErrOutage)
	}
	return nil
}

// ParseMoment reads a time as people write it: "16-03-2026 15:16", "16-03 15:16" of this year, or "15:16" for the last time
// that it was so late.
func ParseMoment(s string, now time.Time) (time.Time, error) {
	s, now = strings.Join(strings.Fields(s), " "), now.In(dte.Santiago)
	if at, err := time.ParseInLocation("02-01-2006 15:04", s, dte.Santiago); err == nil {
		return at, nil
	}
	if at, err := time.ParseInLocation("02-01-2006 15:04", strings.Replace(s, " ", fmt.Sprintf("-%04d ", now.Year()), 1), dte.Santiago); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation("15:04", s, dte.Santiago)
	if err != nil {
		return time.Time{}, fmt.Errorf("«%s» no es una hora: escriba 15:16, o 16-03-2026 15:16", s)
	}
	at = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, dte.Santiago)
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at, nil
}

// Takings are sales that were made without the till.
type Takings struct {
	Afecto, Exento money.Pesos // both with everything included
	// Otros is how much of the sum was not paid in cash but by transfer; the rest is cash.
	Otros money.Pesos
}

// Sum is the whole.
func (t Takings) Sum() (money.Pesos, error) { return t.Afecto.Add(t.Exento) }

// check refuses what no till can have taken.
func (t Takings) check() error {
	sum, err := t.Sum()
	switch {
	case err != nil:
		return err
	case t.Afecto < 0 || t.Exento < 0 || sum == 0:
		return fmt.Errorf("%w: el total de las ventas debe ser mayor que cero. No se emitió nada", ErrOutage)
	case t.Otros < 0 || t.Otros > sum:
		return fmt.Errorf("%w: lo pagado por transferencia ($%s) pasa del total ($%s). No se emitió nada", ErrOutage, t.Otros, sum)
	}
	return nil
}

// SummaryOrder is the one boleta that sums the sales of an outage (FAQ 001.380.7837). Asked for twice, it is issued once.
func SummaryOrder(o Outage, t Takings) (Order, error) {
	what := fmt.Sprintf("Ventas de contingencia %s a %s", moment(o.From), moment(o.To))
	return takingsOrder(ID(fmt.Sprintf("contingencia-%d-resumen", o.Number)), what, t, dte.Receptor{})
}

// CopyOrder is the boleta of a buyer who left his data during an outage. The same buyer and amounts asked for twice are
// issued once.
func CopyOrder(o Outage, buyer dte.Receptor, t Takings) (Order, error) {
	if buyer.RUT == 0 && strings.TrimSpace(buyer.RznSoc) == "" {
		return Order{}, fmt.Errorf("%w: falta el RUT o el nombre de quien pide la boleta. No se emitió nada", ErrOutage)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d|%d|%d", buyer.RUT, buyer.RznSoc, t.Afecto, t.Exento, t.Otros))
	id := ID(fmt.Sprintf("contingencia-%d-copia-%s", o.Number, hex.EncodeToString(sum[:8])))
	return takingsOrder(id, "Compra durante contingencia del "+o.From.In(dte.Santiago).Format("02-01-2006"), t, buyer)
}

func takingsOrder(id ID, what string, t Takings, buyer dte.Receptor) (Order, error) {
	if err := t.check(); err != nil {
		return Order{}, err
	}
	draft := dte.Draft{Tipo: dte.Boleta, Receptor: buyer}
	if buyer.RUT == 0 {
		draft.Receptor.RUT = dte.RUTAnonimo
	}
	if t.Afecto == 0 {
		draft.Tipo = dte.BoletaExenta
	}
	if t.Afecto > 0 {
		draft.Detalle = append(draft.Detalle, dte.Linea{Nombre: what, Monto: t.Afecto})
	}
	if t.Exento > 0 {
		draft.Detalle = append(draft.Detalle, dte.Linea{Nombre: what + ", exentas", Monto: t.Exento, IndExe: dte.Exento})
	}
	sum, err := t.Sum()
	if err != nil {
		return Order{}, err
	}
	return Order{ID: id, Draft: draft, Payment: t.paid(sum)}, nil
}

// paid: cash was rounded when it was taken, as always (law 20.956).
func (t Takings) paid(sum money.Pesos) Payment {
	var p Payment
	if t.Otros > 0 {
		p.Tenders = append(p.Tenders, Tender{Method: Transferencia, Amount: t.Otros, Received: t.Otros, Reference: "contingencia"})
	}
	if cash := sum - t.Otros; cash > 0 {
		payable := money.CashPayable(cash)
		p.Rounding = payable - cash
		p.Tenders = append(p.Tenders, Tender{Method: Efectivo, Amount: payable, Received: payable})
	}
	return p
}
