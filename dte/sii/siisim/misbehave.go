package siisim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"mostrador/dte/sii"
)

const (
	// maxWaiting bounds late requests and claims; maxLate the memory of the former.
	maxWaiting = 1000
	maxLate    = 64 << 20
	// maxDrip bounds the pauses of one answer; what is left then comes at once.
	maxDrip = 10 * time.Minute
)

const (
	portalPage = "<!DOCTYPE html><html><body><h1>Bienvenido al wifi</h1><p>Acepte las condiciones</p></body></html>"
	notListed  = "LA EMPRESA INGRESADA NO ESTA AUTORIZADA A REALIZAR ENVIOS DE ARCHIVOS DE DOCUMENTOS ELECTRONICOS."
)

// ServeHTTP answers as the SII does, or misbehaves as asked. To drop a connection it panics with http.ErrAbortHandler,
// as net/http prescribes. The control page is always there, whatever happens to the line.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", httpDate(s.cfg.Now()))
	if isControl(r.URL.Path) {
		s.mux.ServeHTTP(w, r)
		return
	}
	s.arrivals()
	rule, up := s.ruleFor(r)
	if !up {
		panic(http.ErrAbortHandler)
	}
	s.obey(w, r, rule)
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// ruleFor decides how to misbehave; up is false while the line is cut.
func (s *Sim) ruleFor(r *http.Request) (rule Rule, up bool) {
	s.mu.Lock()
	fault := s.cfg.Fault
	down := s.down
	s.mu.Unlock()
	if down {
		return Rule{}, false
	}
	if fault != nil {
		if f := fault(r); f != NoFault {
			return Rule{Do: f, Byte: -1}, true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.play == nil {
		return Rule{}, true
	}
	return s.play.next(r.URL.Path, s.cfg.Now()), true
}

// orderKey finds the order in a request's context.
type orderKey struct{}

func withOrder(r *http.Request, o order) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), orderKey{}, o))
}

func orderOf(r *http.Request) order {
	o, _ := r.Context().Value(orderKey{}).(order)
	return o
}

// arrival is when a request came in, which for a late one is not when it was sent.
func (s *Sim) arrival(r *http.Request) time.Time {
	if o := orderOf(r); !o.at.IsZero() {
		return o.at
	}
	return s.cfg.Now()
}

// obey answers a request as a rule says.
func (s *Sim) obey(w http.ResponseWriter, r *http.Request, rule Rule) {
	if rule.Skew != 0 {
		w.Header().Set("Date", httpDate(s.cfg.Now().Add(time.Duration(rule.Skew))))
	}
	switch rule.Do {
	case ResetBefore:
		panic(http.ErrAbortHandler)
	case LateArrival:
		s.delay(r, time.Duration(rule.Wait))
		panic(http.ErrAbortHandler)
	case HTML200:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, portalPage)
	case Redirect:
		w.Header().Set("Location", "http://portal.invalid/ingreso")
		w.WriteHeader(http.StatusFound)
	case ErrorBefore:
		http.Error(w, "No disponible", orStatus(rule.Status, http.StatusServiceUnavailable))
	case TooMany:
		w.Header().Set("X-Retry-After", wholeSeconds(rule.Wait))
		http.Error(w, "Demasiadas solicitudes", http.StatusTooManyRequests)
	case NotAuthorised:
		notAuthorised(w, subjectOf(r.URL.Path).channel)
	case Refuse:
		refuse(w, subjectOf(r.URL.Path), rule.Code)
	case RateLimit:
		w.Header().Set("X-RateLimit-Limit", "60")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", wholeSeconds(rule.Wait))
		s.mux.ServeHTTP(w, r)
	case SilenceAfter, Error500After, CutAnswer, TrimAnswer, Drip, Twice, Latin1AsUTF8, UTF8AsLatin1, SwapParts, TrackIDType:
		s.spoil(w, r, rule)
	default: // the handlers look at the order themselves
		s.mux.ServeHTTP(w, withOrder(r, order{Rule: rule}))
	}
}

func wholeSeconds(d Span) string {
	return strconv.FormatInt(int64((time.Duration(d)+time.Second-1)/time.Second), 10)
}

func orStatus(status, usual int) int {
	if status == 0 {
		return usual
	}
	return status
}

// answer keeps what would have been sent.
type answer struct {
	header http.Header
	code   int
	body   []byte
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { a.body = append(a.body, b...); return len(b), nil }
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}

// perform does a request and keeps the answer.
func (s *Sim) perform(r *http.Request) *answer {
	a := &answer{header: http.Header{}}
	s.mux.ServeHTTP(a, r)
	a.code = orStatus(a.code, http.StatusOK)
	return a
}

// spoil does a request and then does something to the answer.
func (s *Sim) spoil(w http.ResponseWriter, r *http.Request, rule Rule) {
	a := s.perform(s.twice(r, rule))
	for name, values := range a.header {
		w.Header()[name] = values
	}
	whole := len(a.body)
	switch rule.Do {
	case SilenceAfter:
		panic(http.ErrAbortHandler)
	case Error500After:
		clear(a.header)
		http.Error(w, "Error interno", orStatus(rule.Status, http.StatusInternalServerError))
		return
	case Latin1AsUTF8:
		a.recode(w.Header(), "UTF-8", charmap.ISO8859_1.NewEncoder().Bytes)
	case UTF8AsLatin1:
		a.recode(w.Header(), "ISO-8859-1", func(b []byte) ([]byte, error) { return b, nil })
	case SwapParts:
		a.body = answerParts.ReplaceAll(a.body, []byte("$2$1"))
	case TrackIDType:
		a.body = otherTrackID(a.body)
	case Drip:
		s.drip(w, r, a, rule)
		return
	case CutAnswer, TrimAnswer:
		a.body = a.body[:cutAt(rule.Byte, whole)]
	}
	length := len(a.body)
	if rule.Do == CutAnswer {
		length = whole
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body)
	if len(a.body) < length {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func cutAt(at, whole int) int {
	if at < 0 {
		return whole / 2
	}
	return min(at, whole)
}

// twice does a request once already, if the rule says so, and returns it as it was.
func (s *Sim) twice(r *http.Request, rule Rule) *http.Request {
	if rule.Do != Twice {
		return r
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxUpload))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	again := func() *http.Request {
		c := r.Clone(r.Context())
		c.Body = io.NopCloser(bytes.NewReader(body))
		return c
	}
	s.perform(again())
	return again()
}

// drip writes an answer in pieces.
func (s *Sim) drip(w http.ResponseWriter, r *http.Request, a *answer, rule Rule) {
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.code)
	piece, left := max(rule.Byte, 1), maxDrip
	for rest := a.body; len(rest) > 0; {
		n := min(piece, len(rest))
		if left <= 0 {
			n = len(rest)
		}
		if _, err := w.Write(rest[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		if rest = rest[n:]; len(rest) > 0 && s.cfg.Pause != nil && left > 0 {
			wait := min(time.Duration(rule.Wait), left)
			s.cfg.Pause(r.Context(), wait)
			left -= wait
		}
		if r.Context().Err() != nil {
			return
		}
	}
}

var (
	// answerParts are the two halves of a RESPUESTA, escaped or not, in either order.
	answerParts = regexp.MustCompile(`(?s)((?:<|&lt;)SII:RESP_(?:HDR|BODY).*?/SII:RESP_(?:HDR|BODY)(?:>|&gt;))((?:<|&lt;)SII:RESP_(?:HDR|BODY).*/SII:RESP_(?:HDR|BODY)(?:>|&gt;))`)
	trackNumber = regexp.MustCompile(`"trackid":([0-9]+)`)
	trackString = regexp.MustCompile(`"trackid":"([0-9]+)"`)
	declared    = regexp.MustCompile(`encoding=("|&#34;)[^"&]*`)
	charset     = regexp.MustCompile(`;\s*charset=.*`)
)

func otherTrackID(body []byte) []byte {
	if trackString.Match(body) {
		return trackString.ReplaceAll(body, []byte(`"trackid":$1`))
	}
	return trackNumber.ReplaceAll(body, []byte(`"trackid":"$1"`))
}

// recode writes an answer with accents in one encoding and declares another.
func (a *answer) recode(h http.Header, declare string, encode func([]byte) ([]byte, error)) {
	text := a.body
	if !utf8.Valid(text) {
		text, _ = charmap.ISO8859_1.NewDecoder().Bytes(text) // every byte is a character
	}
	accents := strings.NewReplacer("Envio ", "Envío ", "Caratula", "Carátula", "Validacion", "Validación", "Emision", "Emisión",
		".xml</FILE>", "_ñ.xml</FILE>", `.xml"`, `_ñ.xml"`)
	text = []byte(accents.Replace(declared.ReplaceAllString(string(text), "encoding=${1}"+declare)))
	if encoded, err := encode(text); err == nil {
		text = encoded
	}
	a.body = text
	h.Set("Content-Type", charset.ReplaceAllString(h.Get("Content-Type"), "")+"; charset="+declare)
}

// uploadPage is DTEUpload's web page for what it does not take.
func uploadPage(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html; charset=ISO-8859-1")
	fmt.Fprintf(w, "<html>\n<head>\n<title>RESULTADO DEL UPLOAD DE DOCUMENTOS TRIBUTARIOS ELECTRONICOS</title>\n</head>\n<body>\n"+
		"<strong>\nRESULTADO DEL UPLOAD DE DOCUMENTOS TRIBUTARIOS ELECTRONICOS\n</strong>\n<font face=\"Arial\">\n%s\n</font>\n"+
		"<a href=\"#\" onclick=\"window.print()\">Imprimir</a>\n</body>\n</html>\n", text)
}

func notAuthorised(w http.ResponseWriter, ch sii.Channel) {
	if ch == sii.ChannelBoleta {
		http.Error(w, "EMPRESA NO AUTORIZADA", http.StatusForbidden)
		return
	}
	uploadPage(w, notListed)
}

// refuse answers with a code of the SII's own, in the form that the request expects. What the boleta channel says to an
// upload is supposed.
func refuse(w http.ResponseWriter, about subject, code string) {
	glosa := map[string]string{
		"001": "COOKIE INACTIVA", "002": "TOKEN INACTIVO", "003": "TOKEN NO EXISTE", "106": "USUARIO SIN PERMISO DE ENVIO",
	}[code]
	if glosa == "" {
		glosa = "Error " + code
	}
	inner := respuesta(hdr(element("ESTADO", code), element("GLOSA", glosa)))
	switch {
	case about.operation != "":
		soapAnswer(w, about.operation, inner)
	case about.phase == PhaseSeed || about.phase == PhaseToken || about.phase == PhaseOther:
		w.Header().Set("Content-Type", "application/xml")
		_, _ = io.WriteString(w, inner)
	case about.phase == PhaseUpload && about.channel == sii.ChannelDTE:
		refusedUpload(w, &refusal{status: code})
	case about.phase == PhaseUpload:
		status := map[string]int{"1": http.StatusForbidden, "5": http.StatusUnauthorized, "6": http.StatusForbidden, "9": http.StatusServiceUnavailable}[code]
		http.Error(w, glosa, orStatus(status, http.StatusBadRequest))
	default:
		restAnswer(w, map[string]string{"codigo": code, "estado": code, "descripcion": glosa})
	}
}

// lateRequest is a request that was held back until due; without due, until somebody asks for it.
type lateRequest struct {
	*http.Request
	due  time.Time
	size int
}

// delay takes a request in, to be done later. What is too much never arrives.
func (s *Sim) delay(r *http.Request, wait time.Duration) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxUpload))
	if err != nil {
		return
	}
	late := lateRequest{Request: r.Clone(context.WithoutCancel(r.Context())), size: len(body)}
	late.Body = io.NopCloser(bytes.NewReader(body))
	if wait > 0 {
		late.due = s.cfg.Now().Add(wait)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	total := len(body)
	for _, other := range s.late {
		total += other.size
	}
	if len(s.late) < maxWaiting && total <= maxLate {
		s.late = append(s.late, late)
	}
}

// Deliver does what LateArrival held back, in order, whether it is time or not, and returns how many requests that were.
func (s *Sim) Deliver() int {
	return s.deliver(func(lateRequest) bool { return true })
}

// arrivals does what is due. It runs before anybody looks: nobody can tell that from doing it in time.
func (s *Sim) arrivals() {
	now := s.cfg.Now()
	s.deliver(func(l lateRequest) bool { return !l.due.IsZero() && !now.Before(l.due) })
}

func (s *Sim) deliver(now func(lateRequest) bool) int {
	s.mu.Lock()
	var ready, rest []lateRequest
	for _, l := range s.late {
		if now(l) {
			ready = append(ready, l)
		} else {
			rest = append(rest, l)
		}
	}
	s.late = rest
	s.mu.Unlock()
	for _, l := range ready {
		at := s.cfg.Now()
		if !l.due.IsZero() && l.due.Before(at) {
			at = l.due
		}
		s.perform(withOrder(l.Request, order{at: at}))
	}
	return len(ready)
}
