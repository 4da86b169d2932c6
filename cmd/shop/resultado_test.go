package shop

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
	"mostrador/sale"
)

// uploaded is a shop with an envelope of three facturas at the authority, which refuses the first and objects to the second;
// the line was cut before the till could ask. file is what the authority mails.
type uploaded struct {
	*Shop
	sim   *siisim.Sim
	now   time.Time
	sobre dte.Sobre
	file  string
}

func upload(t *testing.T) *uploaded {
	t.Helper()
	o := practice(t)
	u := &uploaded{now: time.Now()}
	o.Now = func() time.Time { return u.now }
	sim, url, stop, err := StartSimulator(o)
	must(t, err)
	t.Cleanup(stop)
	o.Simulator, o.Pace = url, quick
	u.Shop, u.sim = opened(t, o), sim
	must(t, sim.Claim("HED-3-861", dte.Rejected))
	must(t, sim.Claim("TED-1-646", dte.Objected))
	deps, err := u.Deps()
	must(t, err)
	for i := range 3 {
		draft := dtetest.Draft(dte.Factura, dte.Date{})
		draft.Emisor = dte.Emisor{}
		_, err := sale.IssueOrder(deps, sale.Order{ID: sale.ID(fmt.Sprint("f", i)), Draft: draft})
		must(t, err)
	}
	w, err := u.newWorker()
	must(t, err)
	w.Step(t.Context())
	sobres, err := u.Store.OpenSobres()
	if err != nil || len(sobres) != 1 || sobres[0].State != dte.Sent {
		t.Fatalf("%+v, %v, %+v", sobres, err, w.Status())
	}
	u.sobre = sobres[0]
	u.now = u.now.Add(time.Minute)
	file, ok := sim.ResultadoEnvio(u.sobre.TrackID)
	if !ok {
		t.Fatal("the authority is not ready")
	}
	u.file = string(file)
	sim.SetLine(false)
	return u
}

// states are those of the three facturas.
func (u *uploaded) states(t *testing.T) (states [3]dte.State) {
	t.Helper()
	for i, key := range u.sobre.Keys {
		var err error
		states[i], _, err = u.Store.DocumentState(key)
		must(t, err)
	}
	return states
}

func (u *uploaded) sync(t *testing.T) {
	t.Helper()
	u.sim.SetLine(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	w, err := u.newWorker()
	must(t, err)
	for range 100 {
		w.Step(ctx)
		if open, err := u.Store.OpenSobres(); err != nil || len(open) == 0 {
			must(t, err)
			return
		}
		u.now = u.now.Add(time.Minute)
	}
	t.Fatalf("the envelope is never settled: %+v", w.Status())
}

func (u *uploaded) load(t *testing.T, file string) Resultado {
	t.Helper()
	done, err := u.ImportResultado(strings.NewReader(file))
	if err != nil || len(done) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	return done[0]
}

// The mail of the SII gives verdicts and their reasons while the line is cut, twice as well as once; then the line confirms.
func TestImportResultado(t *testing.T) {
	u := upload(t)
	want := [3]dte.State{dte.Rejected, dte.Objected, dte.Accepted}
	r := u.load(t, u.file)
	if r.Count(sale.ToldApplied) != 3 || r.Open != 0 || u.states(t) != want {
		t.Errorf("%s %v", r, u.states(t))
	}
	if r = u.load(t, u.file); r.Count(sale.ToldKnown) != 3 {
		t.Errorf("%s", r)
	}
	alarms, err := u.Alarms()
	must(t, err)
	if len(alarms) == 0 || alarms[0].Kind != sale.AlarmRejected || !strings.Contains(alarms[0].Text, "Lo dice un archivo") {
		t.Errorf("%+v", alarms)
	}
	u.sync(t)
	want[1] = dte.Accepted // over the line objections are not told; the file's word of them is kept
	if u.states(t) != want {
		t.Errorf("%v", u.states(t))
	}
	_, v, err := u.Store.DocumentState(u.sobre.Keys[0])
	if err != nil || v.Fuente != "" || v.Codigo != "HED-3-861" {
		t.Errorf("%+v, %v", v, err)
	}
	if r = u.load(t, u.file); r.Count(sale.ToldKnown) != 2 || r.Count(sale.ToldDoubt) != 1 {
		t.Errorf("%s", r)
	}
	alarms, err = u.Alarms()
	must(t, err)
	objection := alarms[len(alarms)-1]
	if objection.Kind != sale.AlarmDoubt || objection.Severity != sale.Info || !strings.Contains(objection.Text, "sus reparos") {
		t.Errorf("%+v", objection)
	}
	u.clean(t)
}

func (u *uploaded) clean(t *testing.T) {
	t.Helper()
	report, err := u.Store.Audit(true)
	if err != nil || !report.OK() {
		t.Errorf("audit: %v %v", err, report.Faults)
	}
}

// A forged mail turns nothing: the line has the last word, and both versions are kept for somebody to look at.
func TestForgedResultado(t *testing.T) {
	u := upload(t)
	from, to := strings.Index(u.file, "<REVISIONENVIO>"), strings.Index(u.file, "</REVISIONENVIO>")+len("</REVISIONENVIO>")
	if from < 0 || to < from {
		t.Fatal(u.file)
	}
	n := "<TIPODOC>33</TIPODOC><INFORMADO>3</INFORMADO><ACEPTA>3</ACEPTA>"
	sub := strings.Index(u.file, "<SUBTOTAL>") + len("<SUBTOTAL>")
	forged := u.file[:sub] + n + u.file[strings.Index(u.file, "</SUBTOTAL>"):from] + u.file[to:]
	if r := u.load(t, forged); r.Count(sale.ToldApplied) != 3 {
		t.Fatalf("%s\n%s", r, forged)
	}
	u.sync(t)
	if want := [3]dte.State{dte.Rejected, dte.Accepted, dte.Accepted}; u.states(t) != want {
		t.Errorf("the forgery stands: %v", u.states(t))
	}
	if r := u.load(t, forged); r.Count(sale.ToldDoubt) != 1 || r.Count(sale.ToldKnown) != 2 {
		t.Errorf("%s", r)
	}
	alarms, err := u.Alarms()
	must(t, err)
	doubts := 0
	for _, a := range alarms {
		if a.Kind == sale.AlarmDoubt && a.Severity == sale.Urgent && strings.Contains(a.Text, "Vale lo que dice el SII") {
			doubts++
		}
	}
	if doubts != 1 {
		t.Errorf("%d alarms of %+v", doubts, alarms)
	}
	u.clean(t)
}

// What is not ours, or not about what we sent, changes nothing at all.
func TestResultadosThatAreNotOurs(t *testing.T) {
	u := upload(t)
	key := u.sobre.Keys[0]
	folio := func(f dte.Folio) string { return "<FOLIO>" + f.String() + "</FOLIO>" }
	track := strings.TrimLeft(u.sobre.TrackID, "0")
	for word, file := range map[string]string{
		"es de la empresa":           strings.Replace(u.file, u.Info.Emisor.RUT.String(), "11111111-1", 1),
		"no tiene un envío":          strings.Replace(u.file, track, "99"+track, 1),
		"no iba en el envío":         strings.Replace(u.file, folio(key.Folio), folio(key.Folio+20), 1),
		"no es un resultado":         u.file[:len(u.file)/2],
		"ni un correo que la traiga": "From: a@b\r\n\r\nhola",
	} {
		if file == u.file {
			t.Fatalf("%s: nothing was changed in\n%s", word, file)
		}
		done, err := u.ImportResultado(strings.NewReader(file))
		if err == nil || !strings.Contains(err.Error(), word) || len(done) != 0 {
			t.Errorf("«%s»: %+v, %v", word, done, err)
		}
	}
	whole := strings.Replace(u.file, "<ESTADO>EPR", "<ESTADO>RCT", 1)
	if r := u.load(t, whole); !strings.Contains(r.String(), "rechazó completo") || len(r.Told) != 0 {
		t.Errorf("%s", r)
	}
	if want := [3]dte.State{dte.Sent, dte.Sent, dte.Sent}; u.states(t) != want {
		t.Errorf("%v", u.states(t))
	}
	u.clean(t)
}

// A folder of what people save: the mail, its attachment, and other things.
func TestImportAFolder(t *testing.T) {
	u := upload(t)
	dir := t.TempDir()
	mail := "From: siidte@sii.cl\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(u.file))
	for name, text := range map[string]string{"a.eml": mail, "b.XML": u.file, "c.xml": "<otro/>", "d.pdf": "%PDF"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	told, err := u.ImportResultados(dir)
	all := strings.Join(told, "\n")
	if err == nil || !strings.Contains(err.Error(), "1 de 3") || strings.Count(all, "3 aplicados") != 1 || strings.Count(all, "3 que ya se sabían") != 1 || !strings.Contains(all, "c.xml: ") {
		t.Errorf("%v\n%s", err, all)
	}
	if !strings.Contains(all, "Factura 1: RECHAZADO (HED-3-861") {
		t.Errorf("%s", all)
	}
	if told, err = u.ImportResultados(filepath.Join(dir, "b.XML")); err != nil || len(told) != 1 {
		t.Errorf("%v %q", err, told)
	}
	for _, path := range []string{filepath.Join(dir, "nada"), t.TempDir()} {
		if _, err := u.ImportResultados(path); err == nil {
			t.Errorf("%s was imported", path)
		}
	}
	if _, err := u.ImportResultado(bytes.NewReader(make([]byte, maxResultadoFile+2))); err == nil {
		t.Error("a file without end was imported")
	}
}
