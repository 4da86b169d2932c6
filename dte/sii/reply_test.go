package sii

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
)

// respuesta is an answer of the SII from the shared reference data.
func respuesta(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "sii", "respuestas", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared reference data are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSessionAnswers(t *testing.T) {
	for _, c := range []struct {
		file, field, want string
		verdict           Verdict
		code              string
	}{
		{"soap-getSeed-ok.capturada.xml", "SEMILLA", "155074257528", Done, ""},
		{"rest-semilla-ok.xml", "SEMILLA", "030530912644", Done, ""},
		{"rest-semilla-ok-con-prefijo.xml", "SEMILLA", "030530912644", Done, ""},
		{"soap-getToken-ok.capturada.xml", "TOKEN", "XAUSBYXINH9IK", Done, ""},
		{"rest-token-ok.xml", "TOKEN", "XAUSBYXINH9IK", Done, ""},
		{"soap-getToken-firma-invalida.xml", "TOKEN", "", Person, "05"},
		{"soap-getToken-error-interno-10.xml", "TOKEN", "", Later, "10"},
		{"dteupload-status-0.xml", "TOKEN", "", Later, "respuesta"},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, err := readSession(respuesta(t, c.file), c.field)
			checkVerdict(t, err, c.verdict, c.code)
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func checkVerdict(t *testing.T, err error, want Verdict, code string) *Error {
	t.Helper()
	if got := VerdictOf(err); got != want {
		t.Fatalf("verdict %s, want %s: %v", got, want, err)
	}
	e, ok := errors.AsType[*Error](err)
	if err == nil {
		return nil
	}
	if !ok || e.Code != code {
		t.Fatalf("error %#v, want code %q", err, code)
	}
	if e.Message == "" {
		t.Error("no sentence for the shop")
	}
	return e
}

func TestUploadAnswers(t *testing.T) {
	for _, c := range []struct {
		file    string
		want    Receipt
		verdict Verdict
		code    string
	}{
		{"dteupload-status-0.xml", Receipt{TrackID: "0251552460"}, Done, ""},
		{"dteupload-status-99-duplicado.xml", Receipt{TrackID: "251550580", Already: true, RetryAfter: 900 * time.Second}, Done, ""},
		{"dteupload-status-5.xml", Receipt{}, Later, "5"},
		{"dteupload-status-7-LSX.xml", Receipt{}, Person, "7"},
		{"dteupload-status-7-SCH.xml", Receipt{}, Person, "7"},
	} {
		t.Run(c.file, func(t *testing.T) {
			got, err := readReception(respuesta(t, c.file))
			if e := checkVerdict(t, err, c.verdict, c.code); e != nil && e.MaybeReceived {
				t.Error("a refusal leaves no doubt")
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	if got, err := readEnvio(respuesta(t, "rest-envio-REC.json")); err != nil || got != (Receipt{TrackID: "12288340531"}) {
		t.Errorf("boleta upload: %+v, %v", got, err)
	}
}

func TestEveryUploadStatusHasOneVerdict(t *testing.T) {
	for status, want := range map[string]Verdict{
		"1": Person, "2": Person, "3": Later, "5": Later, "6": Person, "7": Person, "8": Person, "9": Later,
		"42": Later, "abc": Later, "-3": Later,
	} {
		_, err := readReception([]byte("<RECEPCIONDTE><STATUS>" + status + "</STATUS></RECEPCIONDTE>"))
		if VerdictOf(err) != want {
			t.Errorf("STATUS %s: %v, want %s", status, err, want)
		}
		known := want == Person || status == "3" || status == "5" || status == "9"
		if e, _ := errors.AsType[*Error](err); e.MaybeReceived == known {
			t.Errorf("STATUS %s: MaybeReceived is %v", status, e.MaybeReceived)
		}
	}
}

func TestDuplicateWithoutTrackIDIsAskedFor(t *testing.T) {
	_, err := readReception([]byte("<R><STATUS>99</STATUS><ERROR>Archivo ya fue enviado</ERROR></R>"))
	if e := checkVerdict(t, err, Already, "99"); !e.MaybeReceived {
		t.Error("the caller must ask")
	}
	_, err = readReception([]byte("<R><STATUS>99</STATUS><ERROR>otra cosa</ERROR></R>"))
	if e := checkVerdict(t, err, Later, "99"); !e.MaybeReceived {
		t.Error("the caller must ask")
	}
}

func TestEnvelopeAnswers(t *testing.T) {
	for _, c := range []struct {
		file   string
		phase  Phase
		estado string
	}{
		{"soap-getEstUp-CRT.xml", InProgress, "CRT"},
		{"soap-getEstUp-FOK.xml", InProgress, "FOK"},
		{"soap-getEstUp-PDR.xml", InProgress, "PDR"},
		{"soap-getEstUp-SOK.xml", InProgress, "SOK"},
		{"soap-getEstUp-RCT.xml", Rejected, "RCT"},
		{"soap-getEstUp-RFR.xml", Rejected, "RFR"},
		{"soap-getEstUp-RSC.xml", Rejected, "RSC"},
	} {
		t.Run(c.file, func(t *testing.T) {
			s, err := readEstUp(respuesta(t, c.file))
			if err != nil || s.Phase != c.phase || s.Estado != c.estado || s.Glosa == "" || s.Counts != nil {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
	s, err := readEnvioStatus(respuesta(t, "rest-estado-REC.json"))
	if err != nil || s.Phase != InProgress || s.Estado != "REC" {
		t.Errorf("REC: %+v, %v", s, err)
	}
}

func TestEPRIsNotAcceptance(t *testing.T) {
	s, err := readEstUp(respuesta(t, "soap-getEstUp-EPR-con-rechazo-y-reparo.xml"))
	want := []Count{{dte.Factura, 4, 2, 1, 1}, {dte.NotaDebito, 1, 0, 1, 0}}
	if err != nil || s.Phase != Processed || !reflect.DeepEqual(s.Counts, want) {
		t.Errorf("got %+v, %v; want %+v", s, err, want)
	}
	if sum := s.Total(); sum != (Count{0, 5, 2, 2, 1}) {
		t.Errorf("total %+v", sum)
	}
	s, err = readEstUp(respuesta(t, "soap-getEstUp-EPR-aceptado.xml"))
	if want := []Count{{dte.Factura, 4, 4, 0, 0}}; err != nil || !reflect.DeepEqual(s.Counts, want) {
		t.Errorf("got %+v, %v", s, err)
	}
	s, err = readEnvioStatus(respuesta(t, "rest-estado-EPR-rechazo.json"))
	if want := []Count{{dte.Boleta, 3, 1, 1, 1}}; err != nil || !reflect.DeepEqual(s.Counts, want) {
		t.Errorf("got %+v, %v", s, err)
	}
	if want := []Detail{
		{dte.Boleta, 2, dte.Rejected, "CAF-3-517", "CAF Vencido"},
		{dte.Boleta, 3, dte.Objected, "DTE-1-650", "Fecha Emision fuera de plazo"},
	}; !reflect.DeepEqual(s.Details, want) {
		t.Errorf("details %+v", s.Details)
	}
}

func TestRepeatedDocumentIsNotRejected(t *testing.T) {
	s, err := readEnvioStatus([]byte(`{"estado":"EPR","detalle_rep_rech":[{"tipo":"39","folio":"7","estado":"RCH","error":[
		{"seccion":"DTE","nivel":"1","codigo":"650"},{"seccion":"DTE","nivel":3,"codigo":100,"descripcion":"DTE Repetido"}]}]}`))
	want := []Detail{{dte.Boleta, 7, dte.Unknown, CodeRepeated, "DTE Repetido"}}
	if err != nil || !reflect.DeepEqual(s.Details, want) {
		t.Errorf("got %+v, %v; want %+v", s.Details, err, want)
	}
}

func TestQueryErrors(t *testing.T) {
	_, err := readEstUp(respuesta(t, "soap-getEstUp-token-invalido-001.xml"))
	if checkVerdict(t, err, Later, "001"); !refused(err) {
		t.Error("001 asks for a new token")
	}
	_, err = readEstUp(respuesta(t, "soap-getEstUp-error-menos1.xml"))
	checkVerdict(t, err, Later, "-1")
	_, err = readEstUp([]byte("<R><ESTADO>106</ESTADO><GLOSA>Sin permiso</GLOSA></R>"))
	checkVerdict(t, err, Person, "106")
	_, err = readBoletaStatus(respuesta(t, "consulta-falta-rut-receptor.txt"))
	checkVerdict(t, err, Person, "dato")
	_, err = readBoletaStatus([]byte(`{"codigo":"EMP"}`))
	checkVerdict(t, err, Person, "EMP")
	_, err = readEnvioStatus([]byte(`[]`))
	checkVerdict(t, err, Later, "respuesta")
}

func TestDocumentAnswers(t *testing.T) {
	for _, c := range []struct {
		file string
		want DocumentStatus
	}{
		{"soap-getEstDte-DOK.xml", DocumentStatus{true, dte.Accepted, "", "DOK", "Documento Recibido por el SII. Datos Coinciden con los Registrados", 0}},
		{"soap-getEstDte-DNK.xml", DocumentStatus{true, dte.Rejected, "", "DNK", "Documento Recibido por el SII pero Datos NO Coinciden con los registrados", 0}},
		{"soap-getEstDte-FAU.xml", DocumentStatus{false, "", "", "FAU", "Documento No Recibido por el SII. Facultado", 0}},
	} {
		t.Run(c.file, func(t *testing.T) {
			if got, err := readEstDte(respuesta(t, c.file)); err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
	got, err := readBoletaStatus(respuesta(t, "rest-consulta-DOK.json"))
	if err != nil || !got.Found || got.State != dte.Accepted {
		t.Errorf("boleta: %+v, %v", got, err)
	}
	av := func(received, estado string) DocumentStatus {
		got, err := readEstDte([]byte("<SII:RESPUESTA xmlns:SII='x'><SII:RESP_HDR><ESTADO>0</ESTADO></SII:RESP_HDR><SII:RESP_BODY><RECIBIDO>" +
			received + "</RECIBIDO><ESTADO>" + estado + "</ESTADO><GLOSA>g</GLOSA><TRACKID>0012</TRACKID></SII:RESP_BODY></SII:RESPUESTA>"))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, c := range []struct {
		received, estado string
		want             DocumentStatus
	}{
		{"SI", "DOK", DocumentStatus{true, dte.Accepted, "0012", "DOK", "g", 0}},
		{"SI", "RLV", DocumentStatus{true, dte.Objected, "0012", "RLV", "g", 0}},
		{"SI", "???", DocumentStatus{true, dte.Sent, "0012", "???", "g", 0}},
		{"NO", "FAU", DocumentStatus{false, "", "", "FAU", "g", 0}},
		{"NO", "", DocumentStatus{false, "", "", "0", "g", 0}},
	} {
		if got := av(c.received, c.estado); got != c.want {
			t.Errorf("%s %s: %+v, want %+v", c.received, c.estado, got, c.want)
		}
	}
}

func TestISO88591Answers(t *testing.T) {
	s, err := readBoletaStatus([]byte("{\"codigo\":\"DOK\",\"descripcion\":\"Recepci\xf3n \xd1u\xf1oa\"}"))
	if err != nil || s.Glosa != "Recepción Ñuñoa" {
		t.Errorf("JSON: %+v, %v", s, err)
	}
	f, err := ReadFields([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><R><GLOSA>Car\xe1tula</GLOSA></R>"))
	if err != nil || f.Get("GLOSA") != "Carátula" {
		t.Errorf("XML: %+v, %v", f, err)
	}
}

func TestTrackIDIsNumberOrString(t *testing.T) {
	for _, body := range []string{`{"trackid":12288340531}`, `{"trackid":"12288340531"}`} {
		if got, err := readEnvio([]byte(body)); err != nil || got.TrackID != "12288340531" {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{`{"trackid":null}`, `{"trackid":0}`, `{"trackid":1.5}`, `{"trackid":"-1"}`, `{"trackid":"1/../2"}`, `{}`, ``, `null`} {
		_, err := readEnvio([]byte(body))
		if e := checkVerdict(t, err, Later, "respuesta"); !e.MaybeReceived {
			t.Errorf("%s: no doubt reported", body)
		}
	}
}

func TestHTMLWith200IsNotReceived(t *testing.T) {
	page := respuesta(t, "dteupload-empresa-no-autorizada.capturada.html")
	e := checkVerdict(t, trouble(200, page, true), Person, "html")
	if e.MaybeReceived || e.Down {
		t.Error("the SII's own refusal is clear")
	}
	if want := "LA EMPRESA INGRESADA NO ESTA AUTORIZADA A REALIZAR ENVIOS DE ARCHIVOS DE DOCUMENTOS ELECTRONICOS."; !strings.Contains(e.Message, "envío: "+want+" Revise") {
		t.Errorf("message %q", e.Message)
	}
	e = checkVerdict(t, trouble(200, []byte("<html><body>HA OCURRIDO UN ERROR EN EL UPLOAD</body></html>"), true), Later, "html")
	if e.MaybeReceived || e.Down {
		t.Error("the SII's own refusal is clear")
	}
}

// Every page is read in one pass: marks that are never closed must not be searched for again and again.
func TestHTMLTextIsFast(t *testing.T) {
	for _, mark := range []string{"<!--", "<script>", "<", "<a ", "</", "<head></"} {
		page := []byte("<html>" + strings.Repeat(mark, maxReply/len(mark)))
		done := make(chan string, 1)
		go func() { done <- htmlText(page) }()
		select {
		case text := <-done:
			if strings.Contains(text, "script") {
				t.Errorf("%s: %q", mark, text)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: a page of 1 MiB takes more than 20 s", mark)
		}
	}
	for page, want := range map[string]string{
		"<p>uno<br>dos &amp; tr\xe9s</p><SCRIPT>x()</script > <!-- c -->fin<a href='#'>Imprimir</a>.": "uno dos & trés fin .",
		"<header>visible</header><title>no</title>":                                                   "visible",
		"texto <b": "texto",
	} {
		if got := htmlText([]byte(page)); got != want {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

func TestTextErrors(t *testing.T) {
	if err := trouble(400, respuesta(t, "rest-400-sin-token.txt"), true); !refused(err) {
		t.Errorf("no token: %v", err)
	}
	if err := trouble(401, respuesta(t, "rest-401.txt"), true); !refused(err) {
		t.Errorf("401: %v", err)
	}
	e := checkVerdict(t, trouble(500, respuesta(t, "rest-500-host-equivocado.xml"), true), Person, "500")
	if e.MaybeReceived {
		t.Error("the gateway refused: nothing was received")
	}
}

// An answer that was cut anywhere is never read as success: half a track id is not one.
func TestCutAnswersAreDoubts(t *testing.T) {
	cut := func(name string, read func([]byte) (Receipt, error)) {
		body := []byte(strings.TrimSpace(string(respuesta(t, name))))
		for n := range body {
			receipt, err := read(body[:n])
			e, _ := errors.AsType[*Error](err)
			if e == nil || !e.MaybeReceived || receipt != (Receipt{}) {
				t.Fatalf("%s cut at %d: %+v, %v", name, n, receipt, err)
			}
		}
	}
	cut("dteupload-status-0.xml", readReception)
	cut("dteupload-status-99-duplicado.xml", readReception)
	cut("rest-envio-REC.json", readEnvio)
}

func TestReadFieldsRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":     "",
		"text":        "NO ESTA AUTENTICADO",
		"a bomb":      `<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>`,
		"two roots":   "<a/><b/>",
		"too deep":    strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100),
		"too many":    "<a>" + strings.Repeat("<b/>", 20_000) + "</a>",
		"too large":   "<a>" + strings.Repeat("x", maxReply) + "</a>",
		"cut inside":  "<a><xReturn>&lt;b&gt;1&lt;/</xReturn></a>",
		"not closed":  "<a><b>1</b>",
		"nested deep": "<a><xReturn>" + strings.Repeat("&lt;a&gt;", 100) + "</xReturn></a>",
	} {
		if f, err := ReadFields([]byte(body)); err == nil {
			t.Errorf("%s: %d fields, want an error", name, len(f))
		}
	}
}

func FuzzAnswers(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "sii", "respuestas", "*"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("<R><STATUS>0</STATUS><TRACKID>1</TRACKID></R>"))
	f.Add([]byte(`{"trackid":1,"estado":"EPR","estadistica":[{"tipo":39}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		verdict := func(err error) {
			if err == nil {
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Message == "" || e.Code == "" || len(e.Message) > 1000 {
				t.Fatalf("not a verdict: %#v", err)
			}
		}
		for _, read := range []func([]byte) (Receipt, error){readReception, readEnvio} {
			r, err := read(body)
			if verdict(err); err == nil && !isTrackID(r.TrackID) {
				t.Fatalf("a receipt without track id: %+v", r)
			}
		}
		for _, read := range []func([]byte) (EnvelopeStatus, error){readEstUp, readEnvioStatus} {
			s, err := read(body)
			if verdict(err); err == nil && s.Phase == "" {
				t.Fatalf("no phase: %+v", s)
			}
		}
		for _, read := range []func([]byte) (DocumentStatus, error){readEstDte, readBoletaStatus} {
			s, err := read(body)
			if verdict(err); err == nil && s.Found != (s.State != "") {
				t.Fatalf("found without state: %+v", s)
			}
		}
		for _, name := range []string{"SEMILLA", "TOKEN"} {
			word, err := readSession(body, name)
			if verdict(err); err == nil && !sessionWord.MatchString(word) {
				t.Fatalf("bad session word %q", word)
			}
		}
		for _, status := range []int{200, 302, 400, 401, 404, 429, 500, 503, 511} {
			if e := trouble(status, body, true); e != nil {
				verdict(e)
			}
		}
	})
}
