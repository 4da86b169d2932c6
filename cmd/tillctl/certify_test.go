package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii/siisim"
)

// bench is an authority, a company with its keys, and tillctl.
type bench struct {
	t   *testing.T
	dir string
	sim *siisim.Sim
	url string
	// faults are how the authority misbehaves with the next uploads, in order.
	faults chan siisim.Fault
}

func newBench(t *testing.T, tipos ...dte.TipoDTE) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), faults: make(chan siisim.Fault, 8)}
	sim, err := siisim.New(siisim.Config{Now: time.Now, ProcessingPolls: 1, Fault: b.fault})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	b.sim, b.url = sim, server.URL
	for _, tipo := range tipos {
		caf, err := sim.IssueCAF(dtetest.Company, dtetest.Emisor().RznSoc, tipo, 12)
		if err != nil {
			t.Fatal(err)
		}
		b.file("caf-"+strconv.Itoa(int(tipo))+".xml", caf)
	}
	pfx, _, err := siisim.NewSigner(rand.Reader, dtetest.Person, "FIRMANTE DE PRUEBA", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.file("firma.pfx", pfx)
	b.file("clave", []byte(siisim.SignerPassword+"\n"))
	return b
}

func (b *bench) fault(r *http.Request) siisim.Fault {
	if strings.Contains(r.URL.Path, "DTEUpload") {
		select {
		case f := <-b.faults:
			return f
		default:
		}
	}
	return siisim.NoFault
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) file(name string, content []byte) string {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), content, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

func (b *bench) do(args ...string) (string, error) {
	b.t.Helper()
	var out, problems bytes.Buffer
	err := run(b.t.Context(), args, streams{strings.NewReader(""), &out, &problems})
	return out.String() + problems.String(), err
}

// keys are the flags of everything that signs.
func (b *bench) keys(tipos ...dte.TipoDTE) []string {
	args := []string{"-pfx", b.path("firma.pfx"), "-clave-file", b.path("clave")}
	for _, tipo := range tipos {
		args = append(args, "-caf", b.path("caf-"+strconv.Itoa(int(tipo))+".xml"))
	}
	return args
}

// company is the file of the company, as docs/certificacion.md describes it.
func (b *bench) company() string {
	b.t.Helper()
	content, err := json.Marshal(map[string]any{
		"emisor": dtetest.Emisor(), "receptor": dtetest.Receptor(), "giroCorregido": "FERRETERÍA",
		"extranjero": map[string]any{"rut": dte.RUTExtranjero, "rznSoc": "ACME IMPORT", "direccion": "MAIN STREET 1"},
		"tpoCambio":  map[string]string{"DOLAR USA": "945.1234", "EURO": "1033.5"},
		"bulto":      map[string]string{"marcas": "ACME 1-26", "idContainer": "CSNU1234567", "sello": "S-1", "emisorSello": "NAVIERA"},
		"resolucion": dtetest.Resolucion(), "unidadSII": "SANTIAGO ORIENTE",
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.file("empresa.json", content)
}

const sharedSets = "../../../shared/sii/sets/"

func sharedSet(t *testing.T, name string) string {
	t.Helper()
	if _, err := os.Stat(sharedSets + name); err != nil {
		t.Skip("the reference sets of ../shared are not here")
	}
	return sharedSets + name
}

func TestCertifyShows(t *testing.T) {
	b := &bench{t: t}
	out, err := b.do("certify", "-show", "-set", sharedSet(t, "set-2025-completo.latin1-crlf.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"SET BASICO (atención 4352553)", "Pañuelo AFECTO, cantidad 759, precio 5.874, descuento 10 %", "corrige el caso 4352553-5: ANULA NOTA DE CREDITO ELECTRONICA (código 1)",
		"tipo 46 folio 9", "60 %", "la guía del caso 3 está anulada", "en EURO", "Indicaciones para usted",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("«%s» is missing", want)
		}
	}
}

// From the set's file to accepted envelopes; run again, it takes no folio, signs nothing and sends nothing.
func TestCertifyEndToEnd(t *testing.T) {
	for _, c := range []struct {
		set, channel      string
		tipos             []dte.TipoDTE
		documents, envios int
	}{
		{"set-2025-completo.latin1-crlf.txt", "dte", []dte.TipoDTE{33, 46, 52, 56, 61, 110, 111, 112}, 20, 6},
		{"set-boleta-afecta.txt", "dte", []dte.TipoDTE{39}, 5, 2},
		{"set-boleta-afecta.txt", "boleta", []dte.TipoDTE{39}, 5, 2},
	} {
		t.Run(c.set+" "+c.channel, func(t *testing.T) {
			set := sharedSet(t, c.set)
			b := newBench(t, c.tipos...)
			args := append([]string{"certify", "-set", set, "-empresa", b.company(), "-out", b.path("cert"), "-simulador", b.url, "-canal", c.channel}, b.keys(c.tipos...)...)
			if out, err := b.do(args...); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			before := b.everything()
			if out, err := b.do(append(args, "-subir", "-espera", "60s")...); err != nil || !strings.Contains(out, "Todo lo subido fue aceptado") {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := b.do(append(args, "-subir", "-libros", "-espera", "60s")...); err != nil || !strings.Contains(out, "LOK") && !strings.Contains(out, "EPR") {
				t.Fatalf("the books: %v\n%s", err, out)
			}
			if out, err := b.do(append(args, "-subir", "-libros", "-espera", "60s")...); err != nil {
				t.Fatalf("again: %v\n%s", err, out)
			}
			after := b.everything()
			for name, content := range before {
				if name != stateFile && after[name] != content {
					t.Errorf("%s changed", name)
				}
			}
			b.accepted(c.documents, c.envios)
			b.checkDTE()
			b.booksAgain(args)
		})
	}
}

// everything is the content of the folder by name.
func (b *bench) everything() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*", "*/*"} {
		names, err := filepath.Glob(filepath.Join(b.path("cert"), pattern))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, name := range names {
			rel, _ := filepath.Rel(b.path("cert"), name)
			if content, err := os.ReadFile(name); err == nil { // a folder is no file
				all[rel] = string(content)
			}
		}
	}
	return all
}

// booksAgain: books that are made again have another notification, and the documents stay as they are.
func (b *bench) booksAgain(args []string) {
	b.t.Helper()
	before := len(b.sim.Envelopes())
	if out, err := b.do(append(args, "-notificacion", "2", "-subir", "-libros", "-espera", "60s")...); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	again, _ := filepath.Glob(filepath.Join(b.path("cert"), enviosDir, "[5-8]-*-2.xml"))
	sent := b.sim.Envelopes()[before:]
	if len(again) == 0 || len(sent) != len(again) {
		b.t.Errorf("%d books were made again and %d sent", len(again), len(sent))
	}
	for _, e := range sent {
		if len(e.Documents) > 0 {
			b.t.Errorf("%s was sent again", e.File)
		}
	}
}

func (b *bench) accepted(documents, envios int) {
	b.t.Helper()
	docs := b.sim.Documents()
	if len(docs) != documents || len(b.sim.Envelopes()) != envios {
		b.t.Errorf("the authority holds %d documents in %d envelopes, want %d in %d", len(docs), len(b.sim.Envelopes()), documents, envios)
	}
	for _, d := range docs {
		if d.State != dte.Accepted {
			b.t.Errorf("%s is %s: %s %s", d.Key, d.State, d.Codigo, d.Glosa)
		}
	}
	samples, _ := filepath.Glob(filepath.Join(b.path("cert"), muestrasDir, "*.pdf"))
	if len(samples) != documents {
		b.t.Errorf("%d printed samples, want %d", len(samples), documents)
	}
	for _, name := range samples {
		if info, err := os.Stat(name); err != nil || info.Size() > 500<<10 {
			b.t.Errorf("%s: %v; the SII takes up to 500 kB", name, err)
		}
	}
}

// checkDTE asks the independent verifier, schemas included.
func (b *bench) checkDTE() {
	b.t.Helper()
	const program = "../../../shared/sii/check-dte"
	for _, need := range []string{program, "xmllint", "xmlsec1", "openssl", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			b.t.Logf("not checked by %s: %s is not here", program, need)
			return
		}
	}
	files, _ := filepath.Glob(filepath.Join(b.path("cert"), enviosDir, "*.xml"))
	if out, err := exec.Command(program, append([]string{"-q"}, files...)...).CombinedOutput(); err != nil {
		b.t.Errorf("check-dte: %v\n%s", err, out)
	}
}

// A run that ends at any step is continued with the folios it had.
func TestCertifyIsResumed(t *testing.T) {
	set := sharedSet(t, "set-boleta-afecta.txt")
	b := newBench(t, 39)
	args := append([]string{"certify", "-set", set, "-empresa", b.company(), "-out", b.path("cert"), "-simulador", b.url, "-desde", "39=3"}, b.keys(39)...)
	if out, err := b.do(args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made := b.everything()
	var state certState
	if err := json.Unmarshal([]byte(made[stateFile]), &state); err != nil {
		t.Fatal(err)
	}
	if len(state.Casos) != 5 || state.Casos[0].Folio != 3 || state.Casos[4].Folio != 7 {
		t.Errorf("folios %+v, want 3 to 7", state.Casos)
	}
	// The power went after two documents were written and before the state said so.
	for i := range state.Casos {
		state.Casos[i].SHA256 = ""
	}
	state.Envios = nil
	crashed, _ := json.Marshal(state)
	b.file("cert/"+stateFile, crashed)
	for _, n := range []string{"5", "6", "7"} {
		if err := os.Remove(b.path("cert/documentos/T39F" + n + ".xml")); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := b.do(args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	now := b.everything()
	for _, n := range []string{"3", "4"} {
		if name := filepath.Join(docsDir, "T39F"+n+".xml"); now[name] != made[name] {
			t.Errorf("%s was signed twice", name)
		}
	}
	if files, _ := filepath.Glob(b.path("cert/documentos/*.xml")); len(files) != 5 {
		t.Errorf("%d documents: new folios were taken", len(files))
	}
}

// Whatever happens to an upload, the authority ends up with the same bytes, once.
func TestCertifyUploadsOnce(t *testing.T) {
	set := sharedSet(t, "set-boleta-afecta.txt")
	for name, fault := range map[string]siisim.Fault{"the answer is lost": siisim.SilenceAfter, "nothing arrives": siisim.ResetBefore, "half an answer": siisim.CutAnswer, "a web page": siisim.HTML200} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 39)
			args := append([]string{"certify", "-set", set, "-empresa", b.company(), "-out", b.path("cert"), "-simulador", b.url, "-subir", "-espera", "60s"}, b.keys(39)...)
			b.faults <- fault
			if out, err := b.do(args...); err == nil {
				t.Fatalf("a failed upload went unnoticed\n%s", out)
			}
			if out, err := b.do(args...); err != nil || !strings.Contains(out, "Todo lo subido fue aceptado") {
				t.Fatalf("%v\n%s", err, out)
			}
			b.accepted(5, 1)
		})
	}
}

func TestCertifyRefuses(t *testing.T) {
	set := sharedSet(t, "set-boleta-afecta.txt")
	b := newBench(t, 39, 33)
	company := b.company()
	with := func(out string, more ...string) []string {
		args := []string{"certify", "-set", set, "-empresa", company, "-out", b.path(out), "-simulador", b.url}
		return append(args, more...)
	}
	for name, c := range map[string]struct {
		args []string
		why  string
	}{
		"no set":            {[]string{"certify"}, "falta -set"},
		"not a set":         {[]string{"certify", "-set", b.file("carta.txt", []byte("Estimados:")), "-show"}, "no es un set de pruebas"},
		"doubtful line":     {[]string{"certify", "-set", b.file("raro.txt", []byte("SET BASICO - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA ELECTRONICA\nQUE LE VAYA BIEN\n")), "-show"}, "no se entienden"},
		"no folios":         {with("a", b.keys(33)...), "faltan 5 folios de Boleta"},
		"too few folios":    {with("b", append(b.keys(39), "-desde", "39=10")...), "faltan 2 folios de Boleta"},
		"folios of another": {with("c", append(b.keys(), "-caf", b.otherCAF())...), "no de la empresa"},
		"real environment":  {append([]string{"certify", "-set", set, "-empresa", company, "-out", b.path("d")}, b.keys(39)...), "esto es certificacion"},
		"channel":           {with("e", append(b.keys(39), "-canal", "paloma")...), "no existe"},
	} {
		out, err := b.do(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want «%s»\n%s", name, err, c.why, out)
		}
	}
	if out, err := b.do(with("cert", b.keys(39)...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other, err := os.ReadFile(set)
	if err != nil {
		t.Fatal(err)
	}
	again := with("cert", b.keys(39)...)
	again[2] = b.file("otro.txt", bytes.Replace(other, []byte("19900"), []byte("19901"), 1))
	if _, err := b.do(again...); err == nil || !strings.Contains(err.Error(), "de otro set") {
		t.Errorf("another set in the same folder: %v", err)
	}
	doc := b.path("cert/documentos/T39F1.xml")
	signed, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(doc, bytes.Replace(signed, []byte("<PrcItem>19900"), []byte("<PrcItem>19901"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.do(with("cert", b.keys(39)...)...); err == nil || !strings.Contains(err.Error(), "no es el documento que se firmó") {
		t.Errorf("a changed document: %v", err)
	}
}

func (b *bench) otherCAF() string {
	b.t.Helper()
	caf, err := b.sim.IssueCAF(dtetest.Buyer, "OTRA EMPRESA", 39, 10)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.file("otra.xml", caf)
}
