package sii_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
)

// resultado writes a result file as the SII does, around what is given.
func resultado(estado, rest string) string {
	return "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<RESULTADO_ENVIO><IDENTIFICACION><RUTEMISOR>76543210-3</RUTEMISOR>" +
		"<RUTENVIA>11111111-1</RUTENVIA><TRACKID>251552460</TRACKID><TMSTRECEPCION>16/03/2026 10:20:30</TMSTRECEPCION><ESTADO>" +
		estado + "</ESTADO></IDENTIFICACION>" + rest + "</RESULTADO_ENVIO>"
}

func subtotal(tipo, informado, rechazo, reparo, acepta int) string {
	return fmt.Sprintf("<SUBTOTAL><TIPODOC>%d</TIPODOC><INFORMADO>%d</INFORMADO><RECHAZO>%d</RECHAZO><REPARO>%d</REPARO><ACEPTA>%d</ACEPTA></SUBTOTAL>",
		tipo, informado, rechazo, reparo, acepta)
}

func revised(tipo, folio int, estado string, details ...string) string {
	text := fmt.Sprintf("<REVISIONDTE><FOLIO>%d</FOLIO><TIPODTE>%d</TIPODTE><ESTADO>%s</ESTADO>", folio, tipo, estado)
	for _, d := range details {
		text += "<DETALLE>" + d + "</DETALLE>"
	}
	return text + "</REVISIONDTE>"
}

func statistics(s ...string) string { return "<ESTADISTICA>" + strings.Join(s, "") + "</ESTADISTICA>" }

func revisions(s ...string) string {
	return "<REVISIONENVIO>" + strings.Join(s, "") + "</REVISIONENVIO>"
}

func keysOf(tipo dte.TipoDTE, folios ...dte.Folio) []dte.Key {
	var keys []dte.Key
	for _, f := range folios {
		keys = append(keys, dte.Key{Emisor: dtetest.Company, Tipo: tipo, Folio: f})
	}
	return keys
}

// A file with everything: what it says of itself, and of each document the gravest code.
func TestResultadoEnvio(t *testing.T) {
	file := resultado("EPR - Envio Procesado", statistics(subtotal(33, 4, 1, 1, 2), "<SUBTOTAL><TIPODOC>61</TIPODOC><INFORMADO>1</INFORMADO><ACEPTA>1</ACEPTA></SUBTOTAL>")+
		revisions(
			revised(33, 2, "RCH - DTE Rechazado", "(DTE-1-650) Fecha de Emisi\xf3n fuera de plazo", "(CAF-3-517) CAF Vencido [8 meses]", "(HED-2-804) Falta"),
			revised(33, 3, "RLV - DTE Aceptado con Reparos Leves", "DTE-1-650 Fecha"),
		))
	r, err := sii.ReadResultadoEnvio([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := sii.ResultadoEnvio{
		Emisor: dtetest.Company, Envia: 11111111, TrackID: "251552460", At: time.Date(2026, 3, 16, 10, 20, 30, 0, dte.Santiago),
		EnvelopeStatus: sii.EnvelopeStatus{
			Phase: sii.Processed, Estado: "EPR", Glosa: "Envio Procesado",
			Counts: []sii.Count{{Tipo: 33, Informados: 4, Aceptados: 2, Rechazados: 1, Reparos: 1}, {Tipo: 61, Informados: 1, Aceptados: 1}},
			Details: []sii.Detail{
				{Tipo: 33, Folio: 2, State: dte.Rejected, Codigo: "CAF-3-517", Glosa: "CAF Vencido [8 meses]"},
				{Tipo: 33, Folio: 3, State: dte.Objected, Codigo: "DTE-1-650", Glosa: "Fecha"},
			},
		},
	}
	if !reflect.DeepEqual(r, want) {
		t.Fatalf("got  %+v\nwant %+v", r, want)
	}
	got := r.Veredictos(append(keysOf(33, 1, 2, 3, 4), keysOf(61, 9)...), dtetest.Now())
	wantVerdicts := []dte.Veredicto{
		{Key: keysOf(33, 1)[0], State: dte.Accepted, At: dtetest.Now()},
		{Key: keysOf(33, 2)[0], State: dte.Rejected, Codigo: "CAF-3-517", Glosa: "CAF Vencido [8 meses]", At: dtetest.Now()},
		{Key: keysOf(33, 3)[0], State: dte.Objected, Codigo: "DTE-1-650", Glosa: "Fecha", At: dtetest.Now()},
		{Key: keysOf(33, 4)[0], State: dte.Accepted, At: dtetest.Now()},
		{Key: keysOf(61, 9)[0], State: dte.Accepted, At: dtetest.Now()},
	}
	if !reflect.DeepEqual(got, wantVerdicts) {
		t.Errorf("got  %+v\nwant %+v", got, wantVerdicts)
	}
	if !sii.SameTrackID(r.TrackID, "0251552460") || sii.SameTrackID(r.TrackID, "25155246") || sii.SameTrackID("", "") {
		t.Error("track ids are compared badly")
	}
}

// What the file does not say is not guessed.
func TestResultadoEnvioDecidesNoMoreThanItSays(t *testing.T) {
	listed := revisions(revised(33, 2, "RCH - DTE Rechazado", "(CAF-3-517) CAF Vencido"))
	for name, c := range map[string]struct {
		file string
		keys []dte.Key
		want string // "folio state" of each verdict
	}{
		"all accepted":                   {resultado("EPR", statistics(subtotal(33, 2, 0, 0, 2))), keysOf(33, 1, 2), "1 accepted, 2 accepted"},
		"no counts":                      {resultado("EPR", listed), keysOf(33, 1, 2), "2 rejected"},
		"another type's counts":          {resultado("EPR", statistics(subtotal(61, 2, 1, 0, 1))+listed), keysOf(33, 1, 2), "2 rejected"},
		"a rejection that is not listed": {resultado("EPR", statistics(subtotal(33, 2, 1, 0, 1))), keysOf(33, 1, 2), ""},
		"more documents than ours":       {resultado("EPR", statistics(subtotal(33, 3, 1, 0, 2))+listed), keysOf(33, 1, 2), "2 rejected"},
		"fewer documents than ours":      {resultado("EPR", statistics(subtotal(33, 1, 1, 0, 0))+listed), keysOf(33, 1, 2), "2 rejected"},
		"listed, but not ours":           {resultado("EPR", statistics(subtotal(33, 2, 1, 0, 1))+listed), keysOf(33, 1, 5), ""},
		"repeated: the earlier counts":   {resultado("EPR", statistics(subtotal(33, 2, 1, 0, 1))+revisions(revised(33, 2, "RCH", "(DTE-3-100) DTE Repetido"))), keysOf(33, 1, 2), ""},
		"a state that nobody knows":      {resultado("EPR", statistics(subtotal(33, 2, 0, 1, 1))+revisions(revised(33, 2, "QQQ", "algo"))), keysOf(33, 1, 2), ""},
		"another company's":              {resultado("EPR", statistics(subtotal(33, 1, 0, 0, 1))), []dte.Key{{Emisor: 11111111, Tipo: 33, Folio: 1}}, ""},
		"refused as a whole":             {resultado("RCT - Rechazado por Error en Caratula", "<ERRORENVIO><DETERRENVIO>(CRT-3-19) Fecha</DETERRENVIO></ERRORENVIO>"), keysOf(33, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := sii.ReadResultadoEnvio([]byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range r.Veredictos(c.keys, dtetest.Now()) {
				got = append(got, fmt.Sprintf("%d %s", v.Key.Folio, v.State))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestResultadoEnvioRefuses(t *testing.T) {
	good := resultado("EPR", statistics(subtotal(33, 1, 1, 0, 0))+revisions(revised(33, 2, "RCH", "x")))
	bad := map[string]string{
		"nothing":          "",
		"a mail":           "Estimado contribuyente: ...",
		"another file":     "<RECEPCIONDTE><STATUS>0</STATUS></RECEPCIONDTE>",
		"a DOCTYPE":        strings.Replace(good, "<RESULTADO", "<!DOCTYPE x><RESULTADO", 1),
		"no track id":      strings.Replace(good, "251552460", "", 1),
		"another's RUT":    strings.Replace(good, "76543210-3", "76543210-4", 1),
		"in process":       strings.Replace(good, "<ESTADO>EPR", "<ESTADO>SOK", 1),
		"not a number":     strings.Replace(good, "<RECHAZO>1", "<RECHAZO>uno", 1),
		"no folio":         strings.Replace(good, "<FOLIO>2", "<FOLIO>", 1),
		"a negative folio": strings.Replace(good, "<FOLIO>2", "<FOLIO>-2", 1),
		"no type":          strings.Replace(good, "<TIPODTE>33", "<TIPODTE>", 1),
		"twice":            resultado("EPR", revisions(revised(33, 2, "RCH", "x"), revised(33, 2, "RPR", "x"))),
		"too large":        resultado("EPR", strings.Repeat(" ", 9<<20)),
		"too many":         resultado("EPR", strings.Repeat("<DETERRENVIO/>", 100_001)),
	}
	for n := range good {
		bad[fmt.Sprintf("cut at %d", n)] = good[:n]
	}
	for name, file := range bad {
		_, err := sii.ReadResultadoEnvio([]byte(file))
		if e := wantError(t, err, sii.Person); e.Code != "archivo" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if _, err := sii.ReadResultadoEnvio([]byte(good)); err != nil {
		t.Error(err)
	}
}

// The largest envelope, with every document refused, is read in no time.
func TestResultadoEnvioOfManyDocuments(t *testing.T) {
	const n = 2000
	var documents []string
	var folios []dte.Folio
	for folio := 1; folio <= n; folio++ {
		documents = append(documents, revised(33, folio, "RCH - DTE Rechazado", "(CAF-3-517) CAF Vencido", "(DTE-1-650) Fecha", "(TED-1-646) Fecha"))
		folios = append(folios, dte.Folio(folio))
	}
	r, err := sii.ReadResultadoEnvio([]byte(resultado("EPR", statistics(subtotal(33, n, n, 0, 0))+revisions(documents...))))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Veredictos(keysOf(33, folios...), dtetest.Now()); len(got) != n || got[n-1].State != dte.Rejected {
		t.Errorf("%d verdicts", len(got))
	}
}

// What the simulator mails is what the official schema wants and what it says on the wire.
func TestResultadoEnvioOfTheSimulator(t *testing.T) {
	w := newWorld(t)
	var docs []*dte.Document
	var keys []dte.Key
	for folio := range dte.Folio(4) {
		docs = append(docs, dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), folio+1))
		keys = append(keys, docs[folio].Key())
	}
	for code, state := range map[string]dte.State{"HED-3-861": dte.Rejected, "TED-1-646": dte.Objected} {
		if err := w.Claim(code, state); err != nil {
			t.Fatal(err)
		}
	}
	receipt := w.upload(t, docs...)
	status := w.envelope(t, sii.ChannelDTE, receipt.TrackID)
	file, found := w.ResultadoEnvio(receipt.TrackID)
	if !found {
		t.Fatal("no file")
	}
	checkSchema(t, "respsii/RespSII_v10.xsd", file)
	r, err := sii.ReadResultadoEnvio(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Counts, status.Counts) || !sii.SameTrackID(r.TrackID, receipt.TrackID) || !r.At.Equal(w.clock.now().Truncate(time.Second)) {
		t.Errorf("the file says %+v, the wire %+v", r, status)
	}
	verdicts := r.Veredictos(keys, dtetest.Now())
	if len(verdicts) != len(docs) {
		t.Fatalf("%d verdicts: %+v", len(verdicts), verdicts)
	}
	for i, d := range w.Documents() {
		if v := verdicts[i]; v.Key != d.Key || v.State != d.State || v.Codigo != d.Codigo || v.Glosa != d.Glosa {
			t.Errorf("verdict %+v, the authority holds %+v", v, d)
		}
	}
}

func checkSchema(t *testing.T, name string, file []byte) {
	t.Helper()
	schema := filepath.Join("..", "..", "..", "shared", "sii", "xsd", name)
	_, missing := os.Stat(schema)
	if _, err := exec.LookPath("xmllint"); err != nil || missing != nil {
		t.Log("not held against the official schema: it is not here, or xmllint is not")
		return
	}
	cmd := exec.CommandContext(t.Context(), "xmllint", "--nonet", "--noout", "--schema", schema, "-")
	cmd.Stdin = strings.NewReader(string(file))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, file)
	}
}

func FuzzResultadoEnvio(f *testing.F) {
	f.Add([]byte(resultado("EPR", statistics(subtotal(33, 2, 1, 0, 1))+revisions(revised(33, 2, "RCH", "(CAF-3-517) x")))))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := sii.ReadResultadoEnvio(file)
		if err != nil {
			wantError(t, err, sii.Person)
			return
		}
		for _, v := range r.Veredictos(keysOf(33, 1, 2), dtetest.Now()) {
			if !v.State.Final() || v.State != dte.Accepted && v.Codigo == "" {
				t.Fatalf("%+v decides %+v", r, v)
			}
		}
	})
}
