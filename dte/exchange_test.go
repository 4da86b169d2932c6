package dte

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/money"
)

// keyed is what depends on keys made on the spot, and so is not in the golden files.
var keyed = regexp.MustCompile(`(?s)<Signature xmlns.*?</Signature>|<TED version.*?</TED>|<Digest>[^<]*</Digest>`)

// goldenFile compares a signed file with its golden one; with -update it is rewritten after the schema has judged it.
func goldenFile(t *testing.T, name, schema string, xml []byte) {
	t.Helper()
	validateFile(t, schema, xml)
	body := keyed.ReplaceAllFunc(xml, func(found []byte) []byte {
		name, _, _ := bytes.Cut(found[1:], []byte(" "))
		name, _, _ = bytes.Cut(name, []byte(">"))
		return []byte("<" + string(name) + "/>")
	})
	file := filepath.Join("testdata", name+".golden.xml")
	if *update {
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(body, want) {
		t.Errorf("differs from %s:\n%s", file, utf8Of(body))
	}
}

// validateFile judges a file by an official schema, and by the independent verifier, where they are at hand.
func validateFile(t *testing.T, schema string, xml []byte) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(shared, "check-dte")); err != nil {
		t.Logf("%s is not here: only the golden file judges", shared)
		return
	}
	for _, need := range []string{"xmllint", "xmlsec1", "openssl", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Logf("%s is not installed: only the golden file judges", need)
			return
		}
	}
	dir := t.TempDir()
	file, pub := filepath.Join(dir, "file.xml"), filepath.Join(dir, "sim.pem")
	if err := errors.Join(os.WriteFile(file, xml, 0o600), os.WriteFile(pub, []byte(testAuthority().key.publicPEM()), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("xmllint", "--noout", "--schema", filepath.Join(shared, "xsd", schema), file).CombinedOutput(); err != nil {
		t.Errorf("the schema refuses it: %s\n%s", out, utf8Of(xml))
	}
	if out, err := exec.Command(shared+"check-dte", "-q", "--caf-key", pub, file).CombinedOutput(); err != nil || !bytes.Contains(out, []byte(" ok, 0 warn, 0 FAIL")) {
		t.Errorf("check-dte: %v\n%s", err, out)
	}
}

const (
	schemaRespuesta = "intercambio/RespuestaEnvioDTE_v10.xsd"
	schemaRecibos   = "recibos19983/EnvioRecibos_v10.xsd"
)

func facturas(t testing.TB) []*Document {
	return []*Document{emit(t, shapes()["33-simple"], 7), emit(t, shapes()["34-exenta"], 8), emit(t, shapes()["61-parcial"], 9)}
}

func incoming(t testing.TB, receptor RUT, docs ...*Document) []byte {
	t.Helper()
	xml, err := NewEnvelope(docs, Resolucion{Fch: Date{2026, 1, 15}}, receptor, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

func arrival() Arrival {
	return Arrival{Archivo: "EnvioDTE ñandú.xml", Codigo: 41, At: noon, Receptor: receptor().RUT}
}

func answer(envios ...RecepcionEnvio) Respuesta {
	return Respuesta{
		Responde: receptor().RUT, Recibe: emisor().RUT, ID: 17, Envios: envios,
		Contacto: Contacto{Nombre: "Andrés «Ñoño» Peña", Fono: "+56 2 2345 6789", Mail: "dte@example.invalid"},
	}
}

func results(docs ...*Document) Respuesta {
	r := answer()
	for i, d := range docs {
		r.Resultados = append(r.Resultados, ResultadoDTE{DocID: IDOf(d), CodEnvio: 41, Estado: EstadoDTE(i % 3), Codigo: -(i % 3)})
	}
	return r
}

func receipts(docs ...*Document) Recibos {
	r := Recibos{Responde: receptor().RUT, Recibe: emisor().RUT, Contacto: Contacto{Mail: "bodega@example.invalid"}}
	for _, d := range docs {
		r.Recibos = append(r.Recibos, Recibo{DocID: IDOf(d), Recinto: "Bodega Ñuñoa & Cía"})
	}
	return r
}

func respuesta(t testing.TB, r Respuesta) []byte {
	t.Helper()
	xml, err := NewRespuesta(r, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

func TestRespuestaOfAnEnvelope(t *testing.T) {
	docs := facturas(t)
	envelope := incoming(t, receptor().RUT, docs...)
	seen := arrival()
	seen.Visto = func(k Key) bool { return k == docs[2].Key() }
	forged := *docs[1]
	forged.XML = bytes.Replace(docs[1].XML, []byte("Clases"), []byte("Clasez"), 1)
	forgedEnvelope := incoming(t, receptor().RUT, docs[0], &forged)
	elsewhere := shapes()["33-simple"]
	elsewhere.Receptor.RUT = 96_790_240
	again := arrival()
	again.Repetido = true
	for name, c := range map[string]struct {
		xml    []byte
		at     Arrival
		trust  Trust
		estado EstadoEnvio
		dtes   []EstadoRecepcion
	}{
		"conforme":        {envelope, arrival(), testTrust(), EnvioConforme, []EstadoRecepcion{0, 0, 0}},
		"ya-visto":        {envelope, seen, testTrust(), EnvioConforme, []EstadoRecepcion{0, 0, DTERepetido}},
		"firma-documento": {forgedEnvelope, arrival(), testTrust(), EnvioConforme, []EstadoRecepcion{0, DTEFirma}},
		"otro-caf":        {incoming(t, receptor().RUT, docs[0]), arrival(), SII(), EnvioConforme, []EstadoRecepcion{DTEOtroMotivo}},
		"otro-receptor":   {incoming(t, receptor().RUT, emit(t, elsewhere, 3)), arrival(), testTrust(), EnvioConforme, []EstadoRecepcion{DTERutReceptor}},
		"repetido":        {envelope, again, testTrust(), EnvioRepetido, nil},
		"no-es-mio":       {incoming(t, RUTSII, docs...), arrival(), testTrust(), EnvioNoEsMio, nil},
		"ilegible":        {[]byte("hola"), arrival(), testTrust(), EnvioIlegible, nil},
		"esquema":         {[]byte(Declaration + "<Otro/>"), arrival(), testTrust(), EnvioEsquema, nil},
		"firma-envio":     {bytes.Replace(envelope, []byte("<NroResol>0<"), []byte("<NroResol>1<"), 1), arrival(), testTrust(), EnvioFirma, nil},
		"boletas":         {incoming(t, receptor().RUT, emit(t, shapes()["39-simple"], 1)), arrival(), testTrust(), EnvioOtroMotivo, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, e := Receive(c.xml, c.trust, c.at)
			if got.Estado != c.estado || len(got.Documents) != len(c.dtes) || (e == nil) != (c.estado != EnvioConforme) {
				t.Fatalf("got %d %q with %d documents", got.Estado, got.Glosa, len(got.Documents))
			}
			for i, want := range c.dtes {
				if got.Documents[i].Estado != want {
					t.Errorf("document %d: got %d %q, want %d", i, got.Documents[i].Estado, got.Documents[i].Glosa, want)
				}
			}
			goldenFile(t, "respuesta-"+name, schemaRespuesta, respuesta(t, answer(got)))
		})
	}
}

// An envelope of somebody else's making, with types that are not read in full and types that an answer cannot name.
func TestRespuestaToOthers(t *testing.T) {
	a := arrival()
	a.Receptor = RUTSII
	got, e := Receive(sharedFile(t, "generado/sobres/EnvioDTE.xml"), sampleTrust(t), a)
	if e == nil || len(got.Documents) == 0 || len(got.Documents) == len(e.Documents) || !strings.Contains(got.Glosa, "no puede nombrar") {
		t.Fatalf("got %d documents, %q", len(got.Documents), got.Glosa)
	}
	for _, d := range got.Documents {
		if d.Estado != DTERutReceptor || d.Tipo == 46 && d.MntTotal == 0 {
			t.Errorf("got %+v", d)
		}
	}
	validateFile(t, schemaRespuesta, respuesta(t, answer(got)))
}

// An amount that only the timbre tells is still told: types whose totals are not read.
func TestAmountFromTheTimbre(t *testing.T) {
	d := *emit(t, shapes()["33-simple"], 7)
	want := d.Totales.MntTotal
	d.Totales = Totales{}
	if got := IDOf(&d).MntTotal; got != want || want == 0 {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestResultados(t *testing.T) {
	xml := respuesta(t, results(facturas(t)...))
	goldenFile(t, "respuesta-resultados", schemaRespuesta, xml)
	read, err := VerifyRespuesta(xml)
	if err != nil {
		t.Fatal(err)
	}
	if r := read.Resultados[1]; r.Estado != DTEDiscrepante || r.Codigo != -1 || r.Glosa != "DTE Aceptado con Discrepancias" || read.Signer != 11111111 {
		t.Errorf("got %+v", r)
	}
}

func TestRecibos(t *testing.T) {
	docs := facturas(t)
	xml, err := NewRecibos(receipts(docs...), testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "recibos", schemaRecibos, xml)
	read, err := VerifyRecibos(xml)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range read.Recibos {
		if r.DocID != IDOf(docs[i]) || r.Signer != 11111111 || !bytes.Contains(xml, r.XML) {
			t.Errorf("got %+v", r)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	doc := facturas(t)[0]
	change := func(f func(*Respuesta)) Respuesta {
		r := answer(RecepcionEnvio{Archivo: "a.xml", FchRecep: noon, CodEnvio: 1, Documents: []RecepcionDTE{{DocID: IDOf(doc)}}})
		f(&r)
		return r
	}
	for name, r := range map[string]Respuesta{
		"nothing to say":    answer(),
		"both kinds":        change(func(r *Respuesta) { r.Resultados = results(doc).Resultados }),
		"no number":         change(func(r *Respuesta) { r.ID = 0 }),
		"long number":       change(func(r *Respuesta) { r.ID = 12345678901 }),
		"no answerer":       change(func(r *Respuesta) { r.Responde = 0 }),
		"long name":         change(func(r *Respuesta) { r.Contacto.Nombre = strings.Repeat("ñ", 41) }),
		"an emoji":          change(func(r *Respuesta) { r.Contacto.Nombre = "🛒" }),
		"unknown state":     change(func(r *Respuesta) { r.Envios[0].Estado = 4 }),
		"no file name":      change(func(r *Respuesta) { r.Envios[0].Archivo = "" }),
		"a boleta":          change(func(r *Respuesta) { r.Envios[0].Documents[0].Tipo = Boleta }),
		"a negative amount": change(func(r *Respuesta) { r.Envios[0].Documents[0].MntTotal = -1 }),
		"a positive reason": func() Respuesta { r := results(doc); r.Resultados[0].Codigo = 1; return r }(),
	} {
		if _, err := NewRespuesta(r, testSigner(), noon); !errors.Is(err, ErrExchange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewRespuesta(results(doc), testSigner(), noon.AddDate(30, 0, 0)); !errors.Is(err, ErrCertificateExpired) {
		t.Errorf("an expired certificate: %v", err)
	}
	for name, r := range map[string]Recibos{
		"none":       receipts(),
		"twice":      receipts(doc, doc),
		"stranger":   func() Recibos { r := receipts(doc); r.Responde = RUTSII; return r }(),
		"no place":   func() Recibos { r := receipts(doc); r.Recibos[0].Recinto = " "; return r }(),
		"a bad type": func() Recibos { r := receipts(doc); r.Recibos[0].Tipo = 110; return r }(),
	} {
		if _, err := NewRecibos(r, testSigner(), noon); !errors.Is(err, ErrExchange) || errors.Is(err, ErrReadBack) {
			t.Errorf("receipts, %s: %v", name, err)
		}
	}
}

// alterations are changes to a signed file that no reader may let pass. Each must apply.
func alterations(t *testing.T, xml []byte, verify func([]byte) error, changes [][2]string) {
	t.Helper()
	if err := verify(xml); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		altered := bytes.Replace(xml, []byte(c[0]), []byte(c[1]), 1)
		if bytes.Equal(altered, xml) {
			t.Fatalf("nothing to alter: %s", c[0])
		}
		if verify(altered) == nil {
			t.Errorf("%q in the place of %q passes", c[1], c[0])
		}
	}
}

func TestAlteredAnswers(t *testing.T) {
	docs := facturas(t)
	alterations(t, respuesta(t, results(docs...)), func(b []byte) error { _, err := VerifyRespuesta(b); return err }, [][2]string{
		{"<EstadoDTE>2<", "<EstadoDTE>0<"},
		{"<Folio>7<", "<Folio>17<"},
		{"<RutResponde>", "<RutResponde> "},
		{"RespuestaDTE xmlns=", "RespuestaDTE  xmlns:x=\"u\" xmlns="},
		{`<Resultado ID="Respuesta_17">`, `<Resultado ID="Respuesta_17"><Caratula ID="Respuesta_17"/>`},
		{"</Resultado>", "</Resultado><Resultado/>"},
		{"<X509Certificate>", "<X509Certificate>AAAA"},
		{"<Modulus>\n", "<Modulus>\nA"},
	})
	recibos, err := NewRecibos(receipts(docs...), testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	// The root's signature catches all of these; with a new one, the receipts' own must.
	changes := [][2]string{
		{"<Folio>7<", "<Folio>17<"},
		{"<Recinto>Bodega", "<Recinto>Patio"},
		{"<RutFirma>11111111-1", "<RutFirma>22222222-2"},
		{`ID="Recibo_T33F7"`, `ID="Recibo_T33F70"`},
		{"<DocumentoRecibo ", "<Otro/><DocumentoRecibo "},
	}
	verify := func(b []byte) error { _, err := VerifyRecibos(b); return err }
	alterations(t, recibos, verify, changes)
	alterations(t, recibos, func(b []byte) error {
		return verify(signAgain(t, b, "SetRecibos", "EnvioRecibos", "EnvioRecibos_v10.xsd"))
	}, changes)
}

// signAgain signs the root of a file anew.
func signAgain(t *testing.T, xml []byte, child, root, schema string) []byte {
	t.Helper()
	from, to := bytes.Index(xml, []byte("<"+child+" ")), bytes.LastIndex(xml, []byte("</"+child+">"))
	if from < 0 || to < 0 {
		return xml
	}
	var w writer
	w.b.Write(xml[from : to+len(child)+4])
	signed, err := testSigner().file(root, schema, &w)
	if err != nil {
		return xml // not even XML any more
	}
	return signed
}

// A receipt that others signed where it stands, without declarations of its own, verifies as well; so does one that was
// signed alone.
func TestRecibosOfOthers(t *testing.T) {
	doc := facturas(t)[0]
	ours := receipts(doc)
	if err := ours.Recibos[0].sign(testSigner(), must(asWritten(noon))); err != nil {
		t.Fatal(err)
	}
	ours.TmstFirma = noon
	body, _, _ := bytes.Cut(ours.Recibos[0].XML, []byte("<Signature"))
	_, body, _ = bytes.Cut(body, []byte(">\n"))
	canonical := func(declared string) []byte {
		return bytes.Replace(bytes.TrimSuffix(utf8Of(body), []byte("\n")), []byte("<DocumentoRecibo"), []byte("<DocumentoRecibo"+declared), 1)
	}
	for name, around := range map[string]scope{"in place": inEnvelope, "alone": alone} {
		signature, _, err := testSigner().signature("Recibo_T33F7", canonical(string(around)), around)
		if err != nil {
			t.Fatal(err)
		}
		ours.Recibos[0].XML = join([]byte("<Recibo version=\"1.0\">\n"), body, signature, []byte("\n</Recibo>"))
		var w writer
		w.recibos(ours)
		xml, err := testSigner().file("EnvioRecibos", "EnvioRecibos_v10.xsd", &w)
		if err != nil {
			t.Fatal(err)
		}
		validateFile(t, schemaRecibos, xml)
		if _, err := VerifyRecibos(xml); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever is answered is read back as it was said.
func TestAnswersRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abcÑáü &<>.-0")), 1, 40, -1)
		r := Respuesta{
			Responde: RUT(rapid.IntRange(1, maxRUT).Draw(t, "responde")), Recibe: RUT(rapid.IntRange(1, maxRUT).Draw(t, "recibe")),
			ID: rapid.Int64Range(1, 9_999_999_999).Draw(t, "id"), Contacto: Contacto{Nombre: text.Draw(t, "nombre")},
		}
		for range rapid.IntRange(1, 3).Draw(t, "n") {
			r.Resultados = append(r.Resultados, ResultadoDTE{
				DocID: DocID{
					rapid.SampledFrom([]TipoDTE{33, 34, 46, 52, 56, 61}).Draw(t, "tipo"), Folio(rapid.Int64Range(1, 9_999_999_999).Draw(t, "folio")),
					DateOf(noon), r.Recibe, r.Responde, money.Pesos(rapid.Int64Range(0, int64(money.MaxPesos)).Draw(t, "monto")),
				},
				CodEnvio: rapid.Int64Range(1, 9_999_999_999).Draw(t, "cod"), Estado: rapid.SampledFrom([]EstadoDTE{0, 1, 2}).Draw(t, "estado"),
				Glosa: text.Draw(t, "glosa"), Codigo: rapid.IntRange(-999, 0).Draw(t, "codigo"),
			})
		}
		// NewRespuesta compares what it reads with what was asked for.
		if _, err := NewRespuesta(r, testSigner(), noon.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "later")))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReclamos(t *testing.T) {
	if AceptaContenido.Reclama() || !ReclamaFaltaTotal.Reclama() || Accion("XXX").String() != "XXX" || len(Acciones()) != len(acciones) {
		t.Error("the actions are not what they say")
	}
	for code, final := range map[RespuestaReclamo]bool{0: true, 7: true, 8: true, 27: true, 1: false, 26: false} {
		if code.Final() != final || code.String() == "" {
			t.Errorf("code %d: final %v, %q", code, code.Final(), code)
		}
	}
	if got := VenceReclamo(Date{2026, 2, 25}); got != (Date{2026, 3, 5}) {
		t.Errorf("the last day is %s", got)
	}
}

func FuzzVerifyRespuesta(f *testing.F) {
	xml := respuesta(f, results(facturas(f)...))
	f.Add(xml)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := VerifyRespuesta(b); err == nil && (r.ID != 17 || len(r.Resultados) != 3) {
			t.Errorf("accepted an answer that nobody signed: %+v", r)
		}
	})
}

func FuzzVerifyRecibos(f *testing.F) {
	xml, err := NewRecibos(receipts(facturas(f)[0]), testSigner(), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(xml)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := VerifyRecibos(b); err == nil && (len(r.Recibos) != 1 || r.Recibos[0].Folio != 7) {
			t.Errorf("accepted a receipt that nobody signed: %+v", r)
		}
	})
}
