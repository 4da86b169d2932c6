package siisim

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"mostrador/dte"
)

type grantView struct {
	grant
	Received int // documents received of that company and type
}

var control = template.Must(template.New("control").Funcs(template.FuncMap{
	"hora": func(e Envelope) string { return e.At.In(dte.Santiago).Format("02-01-2006 15:04:05") },
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
{{range .Envelopes}}<tr><td>{{.TrackID}}</td><td>{{hora .}}</td><td>{{.Emisor.Dotted}}</td><td>{{.Estado}} {{.Codigo}} {{.Glosa}}</td><td>
{{range .Documents}}<div class="{{.State}}">{{.Key.Tipo}} N° {{.Key.Folio}}, $ {{.MntTotal}} — {{.State}} {{.Codigo}} {{.Glosa}}</div>{{end}}</td></tr>
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
	}{dte.Tipos(), cafs, envelopes[:min(len(envelopes), shownEnvelopes)]})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
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
