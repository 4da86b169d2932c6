package siisim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
)

// Fault is a way to misbehave.
type Fault int

// The faults.
const (
	NoFault       Fault = iota
	ResetBefore         // the connection drops before the request is looked at
	SilenceAfter        // the request is done, and the connection drops without an answer
	HTML200             // a web page that is not the SII's, with status 200: a captive portal
	Error500After       // the request is done, and the answer is an internal error: Rule.Status
	WrongToken          // the session is not recognised, this once
	CutAnswer           // the request is done, the answer ends at Rule.Byte and the connection drops
	LateArrival         // the connection drops, and the request is done Rule.Wait later, or when Deliver is called
	ErrorBefore         // an HTTP error and nothing else: Rule.Status
	TooMany             // status 429 and X-Retry-After: Rule.Wait
	RateLimit           // the request is done, and the answer says that the quota is used up for Rule.Wait
	Redirect            // a captive portal that redirects
	NotAuthorised       // DTEUpload's page with status 200: the company is not authorised; 403 in the boleta channel
	Refuse              // the SII's own refusal: STATUS Rule.Code of an upload, ESTADO Rule.Code of all else
	ExpireToken         // the session is forgotten for good
	TrimAnswer          // the request is done, the answer ends at Rule.Byte and HTTP says that this is all
	Drip                // the request is done, and the answer comes Rule.Byte bytes at a time, Rule.Wait apart
	Twice               // the request is done twice, and the second answer is given
	Latin1AsUTF8        // the answer is in ISO-8859-1 and says that it is UTF-8
	UTF8AsLatin1        // the answer is in UTF-8 and says that it is ISO-8859-1
	SwapParts           // RESP_HDR and RESP_BODY change places
	TrackIDType         // a trackid that is a number becomes a string, and the reverse
	WithoutNotes        // the counts of an envelope leave the notes out
	Stuck               // an uploaded envelope stays in state Rule.Code for Rule.Wait
	Reject              // sound documents of an upload, or the envelope, are rejected with Rule.Code
	Object              // sound documents of an upload are objected to with Rule.Code
)

// need is a parameter that a fault cannot do without.
type need int

const (
	nothing need = iota
	aCode
	aWait
	aCodeAndWait
)

// faultKind is a fault's name in a scenario and what it does, for the manual and the page.
type faultKind struct {
	fault Fault
	name  string
	need  need
	text  string
}

var faults = []faultKind{
	{NoFault, "none", nothing, "responde bien; sirve para exceptuar, o solo para correr el reloj con «skew»"},
	{ResetBefore, "reset", nothing, "corta la conexión sin mirar la solicitud"},
	{SilenceAfter, "silence", nothing, "hace lo pedido y corta sin responder"},
	{HTML200, "html", nothing, "responde 200 con una página que no es del SII"},
	{Error500After, "error-after", nothing, "hace lo pedido y responde un error HTTP («status», 500)"},
	{WrongToken, "wrong-token", nothing, "por esta vez no reconoce la sesión"},
	{CutAnswer, "cut", nothing, "hace lo pedido, responde «byte» bytes (-1: la mitad) y corta"},
	{LateArrival, "late", nothing, "corta, y hace lo pedido cuando pasa «wait» (sin él, cuando se pide en la página)"},
	{ErrorBefore, "error", nothing, "responde un error HTTP («status», 503) sin hacer nada"},
	{TooMany, "too-many", aWait, "responde 429 con X-Retry-After de «wait»"},
	{RateLimit, "rate-limit", aWait, "responde bien y avisa que la cuota está agotada por «wait» (X-RateLimit-*)"},
	{Redirect, "redirect", nothing, "redirige a la página de un portal cautivo"},
	{NotAuthorised, "not-authorised", nothing, "página de DTEUpload: empresa no autorizada; 403 en el canal de boletas"},
	{Refuse, "refuse", aCode, "rechazo propio del SII: STATUS «code» al enviar, ESTADO «code» en lo demás; no hace nada"},
	{ExpireToken, "expire-token", nothing, "olvida la sesión: la solicitud y las siguientes necesitan otra"},
	{TrimAnswer, "trim", nothing, "hace lo pedido y responde solo «byte» bytes (-1: la mitad), como si fuera todo"},
	{Drip, "drip", aWait, "hace lo pedido y responde de a «byte» bytes (1), con pausas de «wait»"},
	{Twice, "twice", nothing, "hace dos veces lo pedido y da la segunda respuesta: un envío responde STATUS 99"},
	{Latin1AsUTF8, "latin1-as-utf8", nothing, "responde en ISO-8859-1 y dice UTF-8"},
	{UTF8AsLatin1, "utf8-as-latin1", nothing, "responde en UTF-8 y dice ISO-8859-1"},
	{SwapParts, "swap", nothing, "cambia de lugar RESP_HDR y RESP_BODY"},
	{TrackIDType, "trackid-type", nothing, "el trackid de las boletas cambia de número a texto y al revés"},
	{WithoutNotes, "without-notes", nothing, "las estadísticas de un envío omiten las notas"},
	{Stuck, "stuck", aCodeAndWait, "el envío recibido se queda en el estado «code» (SOK, CRT, FOK, PDR, REC) por «wait»"},
	{Reject, "reject", aCode, "rechaza con «code» los documentos (o el sobre) que estaban bien; «documents» los limita"},
	{Object, "object", aCode, "acepta con el reparo «code» los documentos que estaban bien; «documents» los limita"},
}

// Faults are the names of all faults and what each does, in Spanish.
func Faults() map[string]string {
	all := map[string]string{}
	for _, f := range faults {
		all[f.name] = f.text
	}
	return all
}

// String is the fault's name in a scenario.
func (f Fault) String() string {
	for _, known := range faults {
		if known.fault == f {
			return known.name
		}
	}
	return fmt.Sprintf("Fault(%d)", int(f))
}

// MarshalText writes the name.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the name.
func (f *Fault) UnmarshalText(text []byte) error {
	for _, known := range faults {
		if known.name == string(text) {
			*f = known.fault
			return nil
		}
	}
	return fmt.Errorf("no existe la falla «%.40s»", text)
}

// Phase is what a request is about.
type Phase string

// The phases of a document's way, and all else.
const (
	PhaseSeed     Phase = "seed"
	PhaseToken    Phase = "token"
	PhaseUpload   Phase = "upload"
	PhaseEnvelope Phase = "envelope" // what became of an envelope
	PhaseDocument Phase = "document" // what became of a document
	PhaseOther    Phase = "other"
)

// Span is a duration that JSON writes as "90s", "15m" or "72h".
type Span time.Duration

// MarshalText writes "1h30m0s".
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("«%.40s» no es una duración: escríbala como 90s, 15m o 72h", text)
	}
	*s = Span(d)
	return nil
}

// Rule says which requests are answered badly, and how. What is left empty does not matter.
type Rule struct {
	Channel sii.Channel `json:"channel,omitempty"`
	Phase   Phase       `json:"phase,omitempty"`
	Path    string      `json:"path,omitempty"` // a part of the address
	// After and Until bound the time since the scenario began.
	After Span `json:"after,omitempty"`
	Until Span `json:"until,omitempty"`
	// From and To bound the number of the request, counted from 1 among those that come this far; Every takes one in so
	// many, starting with From, and Percent a share, drawn with the scenario's seed and that number.
	From    int `json:"from,omitempty"`
	To      int `json:"to,omitempty"`
	Every   int `json:"every,omitempty"`
	Percent int `json:"percent,omitempty"`

	Do     Fault  `json:"do"`
	Code   string `json:"code,omitempty"`
	Status int    `json:"status,omitempty"`
	// Byte is where an answer is cut: -1 in its middle. Sweep cuts one byte later each time.
	Byte  int  `json:"byte,omitempty"`
	Sweep bool `json:"sweep,omitempty"`
	Wait  Span `json:"wait,omitempty"`
	// Documents bounds how many of an upload are rejected or objected to; 0 means all.
	Documents int `json:"documents,omitempty"`
	// Skew moves the Date of the answer.
	Skew Span `json:"skew,omitempty"`
}

// Scenario is a script of misbehaviour. For each request the first rule that applies decides; when none does, the
// authority behaves. The same requests in the same order meet the same faults.
type Scenario struct {
	Name  string `json:"name"`
	Text  string `json:"text,omitempty"` // what it is about, in Spanish
	Seed  uint64 `json:"seed,omitempty"`
	Rules []Rule `json:"rules"`
}

const (
	maxScenario = 1 << 20
	maxRules    = 200
)

// ReadScenario reads a scenario in JSON. What it does not know is an error.
func ReadScenario(file []byte) (Scenario, error) {
	if len(file) > maxScenario {
		return Scenario{}, fmt.Errorf("el escenario tiene más de %d bytes", maxScenario)
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	var s Scenario
	if err := d.Decode(&s); err != nil {
		return Scenario{}, fmt.Errorf("el escenario no se entiende: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Scenario{}, errors.New("hay algo más después del escenario")
	}
	return s, s.Check()
}

// Check finds what would never happen, or cannot.
func (s Scenario) Check() error {
	if s.Name == "" {
		return errors.New("falta el nombre del escenario (name)")
	}
	if len(s.Rules) > maxRules {
		return fmt.Errorf("el escenario tiene más de %d reglas", maxRules)
	}
	for i, r := range s.Rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("regla %d del escenario %s: %w", i+1, s.Name, err)
		}
	}
	return nil
}

func (r Rule) check() error {
	i := slices.IndexFunc(faults, func(f faultKind) bool { return f.fault == r.Do })
	switch {
	case i < 0:
		return fmt.Errorf("no existe la falla %d", r.Do)
	case r.Channel != "" && r.Channel != sii.ChannelDTE && r.Channel != sii.ChannelBoleta:
		return fmt.Errorf("no existe el canal «%s»", r.Channel)
	case r.Phase != "" && !slices.Contains([]Phase{PhaseSeed, PhaseToken, PhaseUpload, PhaseEnvelope, PhaseDocument, PhaseOther}, r.Phase):
		return fmt.Errorf("no existe la fase «%s»", r.Phase)
	case r.From < 0 || r.Every < 0 || r.Documents < 0 || r.Wait < 0 || r.After < 0 || r.Until < 0 || r.Byte < -1:
		return errors.New("hay un número negativo")
	case r.To < 0 || r.To > 0 && r.To < r.From, r.Until > 0 && r.Until <= r.After:
		return errors.New("termina antes de empezar")
	case r.Percent < 0 || r.Percent > 100:
		return errors.New("«percent» va de 0 a 100")
	case r.Status != 0 && (r.Status < 400 || r.Status > 599):
		return errors.New("«status» va de 400 a 599")
	}
	needs := faults[i].need
	switch {
	case r.Wait == 0 && (needs == aWait || needs == aCodeAndWait):
		return fmt.Errorf("a «%s» le falta «wait»", r.Do)
	case r.Code == "" && (needs == aCode || needs == aCodeAndWait):
		return fmt.Errorf("a «%s» le falta «code»", r.Do)
	case r.Do == Stuck && !slices.Contains([]string{"REC", "SOK", "CRT", "FOK", "PDR", "PRD"}, r.Code):
		return fmt.Errorf("«%s» no es un estado en proceso", r.Code)
	case r.Do == Reject || r.Do == Object:
		return checkClaim(r.Code, r.Do)
	case r.Do == Refuse && !refusalCode.MatchString(r.Code):
		return fmt.Errorf("«%.40s» no es un código", r.Code)
	}
	return nil
}

var (
	refusalCode  = regexp.MustCompile(`^-?[0-9A-Z]{1,5}$`)
	documentCode = regexp.MustCompile(`^[A-Z]{3}-([1-3])-[0-9]{1,4}$`)
	uploadCode   = regexp.MustCompile(`^(SCH|LSX|LPX|CHR)-[0-9]{5}$`)
)

// checkClaim refuses codes that the SII does not use so: level 1 never rejects, level 3 always does.
func checkClaim(code string, do Fault) error {
	if uploadCode.MatchString(code) && do == Reject {
		return nil
	}
	level := documentCode.FindStringSubmatch(code)
	switch {
	case level == nil:
		return fmt.Errorf("«%.40s» no es un código de rechazo o reparo, como CAF-3-517", code)
	case do == Reject && level[1] == "1":
		return fmt.Errorf("%s es un reparo leve: no rechaza", code)
	case do == Object && (level[1] == "3" || ofEnvelope(code) != ""):
		return fmt.Errorf("%s rechaza: no es un reparo", code)
	}
	return nil
}

// ofEnvelope is the state in which a code leaves the whole envelope; empty for a document's code.
func ofEnvelope(code string) string {
	switch {
	case code == "ENV-3-6":
		return "RFR"
	case strings.HasPrefix(code, "CRT-"):
		return "RCT"
	case strings.HasPrefix(code, "ENV-"), uploadCode.MatchString(code):
		return "RSC"
	}
	return ""
}

// play is a scenario that runs: since when, and how many requests came as far as each rule.
type play struct {
	Scenario
	since time.Time
	seen  []int
	// requests and misled are for the control page.
	requests, misled int
}

// order is what a rule says about one request.
type order struct {
	Rule
	at time.Time // when the request arrived
}

// next decides about a request. It is called with the lock held.
func (p *play) next(path string, now time.Time) Rule {
	p.requests++
	for i, r := range p.Rules {
		if !r.about(path, now.Sub(p.since)) {
			continue
		}
		p.seen[i]++
		n := p.seen[i]
		if !r.takes(n, p.Seed, i) {
			continue
		}
		if r.Do != NoFault {
			p.misled++
		}
		if r.Sweep {
			r.Byte += n - max(r.From, 1)
		}
		return r
	}
	return Rule{}
}

func (r Rule) about(path string, since time.Duration) bool {
	about := subjectOf(path)
	return (r.Channel == "" || r.Channel == about.channel) && (r.Phase == "" || r.Phase == about.phase) && strings.Contains(path, r.Path) &&
		since >= time.Duration(r.After) && (r.Until == 0 || since < time.Duration(r.Until))
}

// takes draws by number and not in turn, so that requests at the same time do not change each other's luck.
func (r Rule) takes(n int, seed uint64, rule int) bool {
	from := max(r.From, 1)
	if n < from || r.To > 0 && n > r.To || r.Every > 1 && (n-from)%r.Every != 0 {
		return false
	}
	return r.Percent == 0 || rand.New(rand.NewPCG(seed+uint64(rule), uint64(n))).IntN(100) < r.Percent
}

// subject is what a request is about.
type subject struct {
	channel   sii.Channel
	phase     Phase
	operation string // of SOAP
}

// subjectOf tells it by the address.
func subjectOf(path string) subject {
	for _, known := range []struct {
		prefix string
		subject
	}{
		{"/DTEWS/CrSeed", subject{sii.ChannelDTE, PhaseSeed, "getSeed"}},
		{"/DTEWS/GetToken", subject{sii.ChannelDTE, PhaseToken, "getToken"}},
		{"/DTEWS/QueryEstUp", subject{sii.ChannelDTE, PhaseEnvelope, "getEstUp"}},
		{"/DTEWS/QueryEstDte", subject{sii.ChannelDTE, PhaseDocument, "getEstDte"}},
		{"/DTEWS/services/QueryEstDteAv", subject{sii.ChannelDTE, PhaseDocument, "getEstDteAv"}},
		{"/cgi_dte/UPL/", subject{sii.ChannelDTE, PhaseUpload, ""}},
		{rest + ".semilla", subject{sii.ChannelBoleta, PhaseSeed, ""}},
		{rest + ".token", subject{sii.ChannelBoleta, PhaseToken, ""}},
		{rest + ".envio/", subject{sii.ChannelBoleta, PhaseEnvelope, ""}},
		{rest + ".envio", subject{sii.ChannelBoleta, PhaseUpload, ""}},
		{rest + "/", subject{sii.ChannelBoleta, PhaseDocument, ""}},
	} {
		if strings.HasPrefix(path, known.prefix) {
			return known.subject
		}
	}
	return subject{sii.ChannelDTE, PhaseOther, ""}
}

const day = 24 * time.Hour

// Scenarios are those with a name, in the order of the manual. Besides them there are those of a code: see NamedScenario.
func Scenarios() []Scenario {
	one := func(name, text string, rules ...Rule) Scenario { return Scenario{Name: name, Text: text, Rules: rules} }
	upload := func(do Fault) Rule { return Rule{Phase: PhaseUpload, Do: do} }
	first := func(n int, r Rule) Rule { r.To = n; return r }
	return []Scenario{
		one("normal", "Se porta bien."),
		one("silence", "Recibe los tres primeros envíos y corta sin responder.", first(3, upload(SilenceAfter))),
		one("html-200", "Un portal cautivo: responde 200 con una página ajena a las diez primeras solicitudes.", Rule{To: 10, Do: HTML200}),
		one("redirect", "Un portal cautivo que redirige las diez primeras solicitudes.", Rule{To: 10, Do: Redirect}),
		one("error-after", "Recibe los tres primeros envíos y responde 500.", first(3, upload(Error500After))),
		one("unavailable", "Las diez primeras solicitudes dan 503.", Rule{To: 10, Do: ErrorBefore}),
		one("reset", "Corta una de cada tres conexiones sin mirar la solicitud.", Rule{Every: 3, Do: ResetBefore}),
		one("cut-sweep", "La respuesta n-ésima a un envío se corta en el byte n: recorre todos los cortes.", Rule{Phase: PhaseUpload, Do: CutAnswer, Sweep: true}),
		one("trim-sweep", "Igual, pero HTTP dice que la respuesta está completa.", Rule{Phase: PhaseUpload, Do: TrimAnswer, Sweep: true}),
		one("cut-questions", "Se corta a la mitad una de cada dos respuestas a consultas.",
			Rule{Phase: PhaseEnvelope, Every: 2, Do: CutAnswer, Byte: -1}, Rule{Phase: PhaseDocument, Every: 2, Do: CutAnswer, Byte: -1}),
		one("drip", "Las respuestas a envíos llegan de a 16 bytes, cada 200 ms.", Rule{Phase: PhaseUpload, Do: Drip, Byte: 16, Wait: Span(200 * time.Millisecond)}),
		one("late", "Los tres primeros envíos se pierden de vista y llegan diez minutos después.", first(3, Rule{Phase: PhaseUpload, Do: LateArrival, Wait: Span(10 * time.Minute)})),
		one("twice", "Todo envío llega dos veces: la respuesta es STATUS 99 con el trackid del primero.", upload(Twice)),
		one("expire-token", "La sesión se vence en uno de cada tres envíos.", Rule{Phase: PhaseUpload, Every: 3, Do: ExpireToken}),
		one("latin1-as-utf8", "Toda respuesta viene en ISO-8859-1 y dice UTF-8.", Rule{Do: Latin1AsUTF8}),
		one("utf8-as-latin1", "Toda respuesta viene en UTF-8 y dice ISO-8859-1.", Rule{Do: UTF8AsLatin1}),
		one("swap", "RESP_HDR y RESP_BODY en el otro orden.", Rule{Do: SwapParts}),
		one("trackid-type", "El trackid de las boletas: texto donde era número, número donde era texto.", Rule{Do: TrackIDType}),
		one("without-notes", "Las estadísticas omiten las notas de crédito y débito.", Rule{Do: WithoutNotes}),
		one("stuck", "Los envíos se quedan seis horas en CRT.", Rule{Phase: PhaseUpload, Do: Stuck, Code: "CRT", Wait: Span(6 * time.Hour)}),
		one("outage", "Tres días sin responder a nada.", Rule{Until: Span(3 * day), Do: ResetBefore}),
		one("skew", "El reloj del SII va 17 minutos adelantado.", Rule{Skew: Span(17 * time.Minute)}),
		one("too-many", "Una de cada cuatro solicitudes recibe 429: esperar 15 minutos.", Rule{Every: 4, Do: TooMany, Wait: Span(15 * time.Minute)}),
		one("rate-limit", "Las respuestas a consultas dicen que la cuota está agotada por 5 minutos.",
			Rule{Phase: PhaseEnvelope, Do: RateLimit, Wait: Span(5 * time.Minute)}, Rule{Phase: PhaseDocument, Do: RateLimit, Wait: Span(5 * time.Minute)}),
		one("not-authorised", "La empresa no está autorizada: la página con que DTEUpload lo dice.", upload(NotAuthorised)),
		one("chaos", "De todo un poco, según el azar de --seed.",
			Rule{Percent: 8, Do: ResetBefore}, Rule{Percent: 4, Do: HTML200}, Rule{Percent: 4, Do: ErrorBefore}, Rule{Percent: 2, Do: TooMany, Wait: Span(time.Minute)},
			Rule{Phase: PhaseUpload, Percent: 10, Do: SilenceAfter}, Rule{Phase: PhaseUpload, Percent: 8, Do: Error500After},
			Rule{Phase: PhaseUpload, Percent: 8, Do: CutAnswer, Byte: -1}, Rule{Phase: PhaseUpload, Percent: 6, Do: LateArrival, Wait: Span(3 * time.Minute)},
			Rule{Phase: PhaseUpload, Percent: 6, Do: Twice}, Rule{Phase: PhaseUpload, Percent: 8, Do: ExpireToken},
			Rule{Phase: PhaseUpload, Percent: 6, Do: Stuck, Code: "CRT", Wait: Span(time.Hour)},
			Rule{Percent: 6, Do: CutAnswer, Byte: -1}, Rule{Percent: 4, Do: WrongToken}),
	}
}

// NamedScenario is one of Scenarios, or what happens to the first document of every upload ("reject:CAF-3-517",
// "object:DTE-1-650"), to every upload ("status:5") or to every question ("state:-1").
func NamedScenario(name string) (Scenario, error) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, nil
		}
	}
	s := Scenario{Name: name}
	kind, code, _ := strings.Cut(name, ":")
	switch kind {
	case "reject":
		s.Rules = []Rule{{Phase: PhaseUpload, Do: Reject, Code: code, Documents: 1}}
	case "object":
		s.Rules = []Rule{{Phase: PhaseUpload, Do: Object, Code: code, Documents: 1}}
	case "status":
		s.Rules = []Rule{{Phase: PhaseUpload, Do: Refuse, Code: code}}
	case "state":
		s.Rules = []Rule{{Phase: PhaseEnvelope, Do: Refuse, Code: code}, {Phase: PhaseDocument, Do: Refuse, Code: code}}
	default:
		return Scenario{}, fmt.Errorf("no existe el escenario «%.60s»", name)
	}
	return s, s.Check()
}

// ClaimCodes are the codes for which the authority has words, in order. Reject and Object take others too.
func ClaimCodes() []string {
	codes := make([]string, 0, len(reasons))
	for code := range reasons {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// Claim makes the authority reject or object to the next document that is otherwise sound, with that code. Several
// claims wait for as many documents.
func (s *Sim) Claim(code string, state dte.State) error {
	do := Reject
	if state == dte.Objected {
		do = Object
	}
	if err := checkClaim(code, do); err != nil {
		return err
	}
	if ofEnvelope(code) != "" {
		return fmt.Errorf("%s es de un envío y no de un documento", code)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.claims) >= maxWaiting {
		return fmt.Errorf("ya esperan %d códigos", maxWaiting)
	}
	s.claims = append(s.claims, Rule{Do: do, Code: code})
	return nil
}

// SetScenario plays a scenario from its beginning, in the place of the one before.
func (s *Sim) SetScenario(scenario Scenario) error {
	if err := scenario.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play = &play{Scenario: scenario, since: s.cfg.Now(), seen: make([]int, len(scenario.Rules))}
	return nil
}
