package siisim

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mostrador/dte"
	"mostrador/dte/sii"
)

// controls are the page and what its forms do. They are for people and scripts beside the wire: no scenario touches them.
// A page of another site cannot use them.
func (s *Sim) controls() {
	guard := http.NewCrossOriginProtection()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /{$}":                      s.page,
		"POST /caf":                     s.pageCAF,
		"POST /control/line":            s.pageLine,
		"POST /control/scenario":        s.pageScenario,
		"POST /control/claim":           s.pageClaim,
		"POST /control/deliver":         s.pageDeliver,
		"GET /control/received/{track}": s.pageFile("EnvioDTE", s.Received),
		"GET /control/result/{track}":   s.pageFile("ResultadoEnvio", s.ResultadoEnvio),
	} {
		s.mux.Handle(pattern, guard.Handler(handle))
	}
}

func isControl(path string) bool {
	return path == "/" || path == "/caf" || strings.HasPrefix(path, "/control/")
}

func (s *Sim) pageLine(w http.ResponseWriter, r *http.Request) {
	up, err := strconv.ParseBool(r.PostFormValue("up"))
	if err == nil {
		s.SetLine(up)
	}
	back(w, r, err)
}

// pageScenario takes the name of a scenario, or a whole one in JSON.
func (s *Sim) pageScenario(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxScenario)
	scenario, err := NamedScenario(strings.TrimSpace(r.PostFormValue("name")))
	if file := strings.TrimSpace(r.PostFormValue("json")); file != "" {
		scenario, err = ReadScenario([]byte(file))
	}
	if seed := r.PostFormValue("seed"); seed != "" && err == nil {
		scenario.Seed, err = strconv.ParseUint(seed, 10, 64)
	}
	if err == nil {
		err = s.SetScenario(scenario)
	}
	back(w, r, err)
}

func (s *Sim) pageClaim(w http.ResponseWriter, r *http.Request) {
	state := dte.State(r.PostFormValue("state"))
	if state != dte.Rejected && state != dte.Objected {
		back(w, r, errors.New("elija si el documento se rechaza o queda con reparo"))
		return
	}
	back(w, r, s.Claim(strings.ToUpper(strings.TrimSpace(r.PostFormValue("code"))), state))
}

func (s *Sim) pageDeliver(w http.ResponseWriter, r *http.Request) {
	s.Deliver()
	back(w, r, nil)
}

// back returns to the page, or says what was wrong.
func back(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// pageFile lets the browser save a file that belongs to a track id.
func (s *Sim) pageFile(name string, get func(track string) ([]byte, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		track := r.PathValue("track")
		file, found := get(track)
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+"-"+plain(track)+".xml"))
		_, _ = w.Write(file)
	}
}

type grantView struct {
	grant
	Received int // documents received of that company and type
}

var control = template.Must(template.New("control").Funcs(template.FuncMap{
	"hora": func(e Envelope) string { return e.At.In(dte.Santiago).Format("02-01-2006 15:04:05") },
	"dte": func(e Envelope) bool {
		return e.Channel == sii.ChannelDTE && slices.Contains([]string{"EPR", "RSC", "RCT", "RFR"}, e.Estado)
	},
	"palabra": func(s dte.State) string {
		return map[dte.State]string{dte.Sent: "en proceso", dte.Accepted: "aceptado", dte.Objected: "con reparo", dte.Rejected: "rechazado"}[s]
	},
}).Parse(`<!DOCTYPE html>
<html lang="es"><head><meta charset="utf-8"><title>SII de práctica</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
.rejected { color: #a00 } .objected { color: #850 } .accepted { color: #060 }
</style></head><body>
<h1>SII de práctica</h1>
<p>Este es un simulador. Nada de lo que hay aquí vale ante el Servicio de Impuestos Internos.</p>
<h2>Línea y comportamiento</h2>
{{with .Standing}}<form method="post" action="/control/line"><p>La línea está {{if .Up}}bien. <button name="up" value="false">Cortar</button>{{else}}<b>cortada</b>.
<button name="up" value="true">Reparar</button>{{end}}</p></form>
<p>{{if .Scenario.Name}}Escenario <b>{{.Scenario.Name}}</b>{{with .Scenario.Text}}: {{.}}{{end}} {{.Requests}} solicitudes, {{.Misled}} mal respondidas.{{else}}Se porta bien.{{end}}</p>{{end}}
<form method="post" action="/control/scenario"><label>Escenario <input name="name" list="escenarios" required></label>
<datalist id="escenarios">{{range .Scenarios}}<option value="{{.Name}}">{{.Text}}</option>{{end}}</datalist>
<label>Azar <input name="seed" type="number" min="0" value="1"></label> <button>Empezar</button></form>
<form method="post" action="/control/claim"><label>Al próximo documento, el código <input name="code" list="codigos" required></label>
<datalist id="codigos">{{range .Codes}}<option>{{.}}</option>{{end}}</datalist>
<button name="state" value="rejected">Rechazar</button> <button name="state" value="objected">Aceptar con reparo</button>
{{with .Standing.Claims}}Esperan: {{range .}}{{.}} {{end}}{{end}}</form>
{{with .Standing.Late}}<form method="post" action="/control/deliver"><p>{{.}} solicitudes atrasadas. <button>Que lleguen ahora</button></p></form>{{end}}
<h2>Pedir folios</h2>
<form method="post" action="/caf">
<label>RUT <input name="rut" required></label> <label>Razón social <input name="rznSoc" maxlength="40" required></label>
<label>Tipo <select name="tipo">{{range .Tipos}}<option value="{{printf "%d" .}}">{{.}}</option>{{end}}</select></label>
<label>Cantidad <input name="n" type="number" min="1" value="100" required></label> <button>Descargar CAF</button>
</form>
<h2>Folios autorizados</h2>
<table><tr><th>Empresa</th><th>Documento</th><th>Folios</th><th>Autorizado el</th><th>Recibidos del tipo</th></tr>
{{range .CAFs}}<tr><td>{{.Emisor.Dotted}} {{.RznSoc}}</td><td>{{.Tipo}}</td><td>{{.Desde}} a {{.Hasta}}</td><td>{{.FA}}</td><td>{{.Received}}</td></tr>
{{else}}<tr><td colspan="5">Ninguno todavía.</td></tr>{{end}}</table>
<h2>Envíos recibidos</h2>
<table><tr><th>Envío</th><th>Hora</th><th>Empresa</th><th>Estado</th><th>Documentos</th></tr>
{{range .Envelopes}}<tr><td><a href="/control/received/{{.TrackID}}">{{.TrackID}}</a>{{if dte .}} <a href="/control/result/{{.TrackID}}">resultado</a>{{end}}</td><td>{{hora .}}</td><td>{{.Emisor.Dotted}}</td><td>{{.Estado}} {{.Codigo}} {{.Glosa}}</td><td>
{{range .Documents}}<div class="{{.State}}">{{.Key.Tipo}} N° {{.Key.Folio}}, $ {{.MntTotal}} — {{palabra .State}} {{.Codigo}} {{.Glosa}}</div>{{end}}</td></tr>
{{else}}<tr><td colspan="5">Ninguno todavía.</td></tr>{{end}}</table>
</body></html>
`))

// shownEnvelopes bounds the page.
const shownEnvelopes = 200

func (s *Sim) page(w http.ResponseWriter, _ *http.Request) {
	envelopes := s.Envelopes()
	slices.Reverse(envelopes)
	s.mu.Lock()
	cafs := s.authorised()
	s.mu.Unlock()
	var b bytes.Buffer
	err := control.Execute(&b, struct {
		Tipos     []dte.TipoDTE
		CAFs      []grantView
		Envelopes []Envelope
		Standing  Standing
		Scenarios []Scenario
		Codes     []string
	}{dte.Tipos(), cafs, envelopes[:min(len(envelopes), shownEnvelopes)], s.Standing(), Scenarios(), documentCodes()})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func documentCodes() []string {
	return slices.DeleteFunc(ClaimCodes(), func(code string) bool { return ofEnvelope(code) != "" })
}

// pageCAF authorises folios and lets the browser save the file.
func (s *Sim) pageCAF(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	rut, err := dte.ParseRUT(r.FormValue("rut"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	tipo, _ := strconv.Atoi(r.FormValue("tipo"))
	n, _ := strconv.Atoi(r.FormValue("n"))
	file, err := s.IssueCAF(rut, r.FormValue("rznSoc"), dte.TipoDTE(tipo), n)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="CAF-%s-T%d.xml"`, rut, tipo))
	_, _ = w.Write(file)
}
