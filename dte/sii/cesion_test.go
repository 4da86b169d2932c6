package sii_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
)

const banco dte.RUT = 97_004_000

func credit(folio dte.Folio) *dte.Document {
	d := dtetest.Draft(dte.Factura, dtetest.Today())
	d.FmaPago = 2
	return dtetest.Emit(d, folio)
}

func cesionOf(doc *dte.Document, from, to dte.RUT) dte.Cesion {
	parte := func(rut dte.RUT) dte.Parte {
		return dte.Parte{RUT: rut, RazonSocial: "EMPRESA " + rut.String(), Direccion: "AGUSTINAS 1000", Mail: "cesiones@example.invalid"}
	}
	return dte.Cesion{
		Cedente: parte(from), Cesionario: parte(to), Autorizados: []dte.Autorizado{{RUT: dtetest.Person, Nombre: "Firmante"}},
		Monto: doc.Totales.MntTotal, UltimoVencimiento: dte.Date{Year: 2026, Month: 4, Day: 15},
	}
}

func aec(t *testing.T, doc *dte.Document) []byte {
	t.Helper()
	xml, err := dte.NewAEC(doc, nil, cesionOf(doc, dtetest.Company, banco), dte.Contacto{}, dtetest.Signer(dtetest.Person), dtetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

const mail = "dte@example.invalid"

func (w *world) cede(t *testing.T, company dte.RUT, xml []byte) sii.Receipt {
	t.Helper()
	receipt, err := w.client.UploadAEC(t.Context(), company, mail, "cesión 1.xml", xml)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// last is what the register says of the file that came last.
func (w *world) last() siisim.Cesion {
	all := w.Cesiones()
	return all[len(all)-1]
}

func TestACessionGoesAllTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.jsonl")
	w := newWorld(t, func(c *siisim.Config) { c.StateFile = file })
	doc := credit(7)
	w.upload(t, doc)
	first := aec(t, doc)
	receipt := w.cede(t, dtetest.Company, first)
	if c := w.last(); c.State != dte.Accepted || c.Key != doc.Key() || c.Cesionario != banco || c.Mail != mail || c.TrackID != receipt.TrackID || c.Monto != doc.Totales.MntTotal {
		t.Errorf("the register holds %+v", c)
	}
	if again := w.cede(t, dtetest.Company, first); again.TrackID != receipt.TrackID || len(w.Cesiones()) != 1 {
		t.Error("the same bytes were registered twice")
	}

	a, err := dte.VerifyAEC(first, dtetest.Trust())
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.Ceder(cesionOf(doc, banco, dtetest.Buyer), dte.Contacto{}, dtetest.Signer(dtetest.Person), dtetest.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.cede(t, banco, second)
	if c := w.last(); c.State != dte.Accepted || c.Seq != 2 || c.Cesionario != dtetest.Buyer {
		t.Errorf("the second cession: %+v", c)
	}

	// What was answered survives.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, func(c *siisim.Config) { c.StateFile = file })
	if all := again.Cesiones(); len(all) != 2 || all[0].TrackID != receipt.TrackID || all[1].Seq != 2 {
		t.Errorf("after a restart the register holds %+v", all)
	}
}

func TestCessionsThatTheRegisterRejects(t *testing.T) {
	w := newWorld(t)
	doc, unknown := credit(7), credit(8)
	w.upload(t, doc)
	sound := aec(t, doc)
	forgedDTE := bytes.Replace(sound, []byte("<NmbItem>Cemento"), []byte("<NmbItem>Arena"), 1)
	forged := bytes.Replace(sound, []byte("<RutCesionario>"), []byte("<RutCesionario> "), 1)
	for _, c := range []struct {
		name    string
		company dte.RUT
		xml     []byte
		why     string
	}{
		{"a document nobody sent", dtetest.Company, aec(t, unknown), "no ha sido recibido"},
		{"a document with other bytes", dtetest.Company, aec(t, credit(7)), "o no así"},
		{"altered", dtetest.Company, forged, "firma"},
		{"an altered document", dtetest.Company, forgedDTE, "firma"},
		{"by another company", dtetest.Buyer, aecAt(t, doc, 1), "lo envía"},
		{"sound", dtetest.Company, sound, ""},
		{"ceded already", dtetest.Company, aecAt(t, doc, 2), "1 cesiones registradas"},
		{"not a cession", dtetest.Company, []byte(dte.Declaration + "<AEC/>"), "AEC"},
	} {
		w.cede(t, c.company, c.xml)
		got := w.last()
		if want := (c.why == ""); (got.State == dte.Accepted) != want || !strings.Contains(got.Glosa, c.why) {
			t.Errorf("%s: %s %q", c.name, got.State, got.Glosa)
		}
	}
}

// aecAt is a cession of other bytes: made some hours later.
func aecAt(t *testing.T, doc *dte.Document, hours int) []byte {
	t.Helper()
	xml, err := dte.NewAEC(doc, nil, cesionOf(doc, dtetest.Company, banco), dte.Contacto{}, dtetest.Signer(dtetest.Person), dtetest.Now().Add(time.Duration(hours)*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

func TestCessionRefusedAtTheDoor(t *testing.T) {
	doc := credit(7)
	registered := func(signers ...dte.RUT) func(*siisim.Config) {
		return func(c *siisim.Config) {
			c.Companies = map[dte.RUT]siisim.Company{dtetest.Company: {RznSoc: "X", Resolucion: dtetest.Resolucion(), Signers: signers}}
		}
	}
	w := newWorld(t, registered(dtetest.Buyer))
	_, err := w.client.UploadAEC(t.Context(), dtetest.Company, mail, "a", aec(t, doc))
	if e := wantError(t, err, sii.Person); e.Code != "1" {
		t.Errorf("a signer without rights: %v", e)
	}
	w = newWorld(t, registered())
	_, err = w.client.UploadAEC(t.Context(), banco, mail, "a", aec(t, doc))
	if e := wantError(t, err, sii.Person); e.Code != "6" {
		t.Errorf("an unknown company: %v", e)
	}
	for name, bad := range map[string]struct {
		company dte.RUT
		mail    string
		xml     []byte
	}{"no company": {0, mail, []byte("x")}, "no mail": {banco, "", []byte("x")}, "a mail with a line": {banco, "a@b\r\nc", []byte("x")}, "nothing": {banco, mail, nil}} {
		_, err := w.client.UploadAEC(t.Context(), bad.company, bad.mail, "a", bad.xml)
		if e := wantError(t, err, sii.Person); e.Code != "dato" {
			t.Errorf("%s: %v", name, e)
		}
	}
	// A token that is refused once is asked for again, and nothing is registered twice.
	w = newWorld(t)
	refused := false
	w.SetFault(func(r *http.Request) siisim.Fault {
		if strings.Contains(r.URL.Path, "RTC") && !refused {
			refused = true
			return siisim.WrongToken
		}
		return siisim.NoFault
	})
	w.cede(t, dtetest.Company, aec(t, doc))
	if len(w.Cesiones()) != 1 || w.sent("RTCAnotEnvio") != 2 {
		t.Errorf("registered %d in %d uploads", len(w.Cesiones()), w.sent("RTCAnotEnvio"))
	}
	w.SetFault(func(r *http.Request) siisim.Fault {
		if strings.Contains(r.URL.Path, "RTC") {
			return siisim.SilenceAfter
		}
		return siisim.NoFault
	})
	_, err = w.client.UploadAEC(t.Context(), dtetest.Company, mail, "a", aec(t, doc))
	if e := wantError(t, err, sii.Later); !e.MaybeReceived {
		t.Errorf("a lost answer: %v", e)
	}
}

// Every STATUS of the register is one verdict.
func TestReceptionOfCessions(t *testing.T) {
	w := newWorld(t)
	var answer string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "RTCAnotEnvio") {
			fmt.Fprint(rw, answer)
			return
		}
		w.Sim.ServeHTTP(rw, r)
	}))
	defer server.Close()
	client := w.newClient(server.URL)
	xml := []byte("<AEC/>")
	for status, want := range map[string]struct {
		verdict sii.Verdict
		maybe   bool
	}{
		"1": {sii.Person, false}, "2": {sii.Person, false}, "4": {sii.Person, false}, "5": {sii.Later, false}, "6": {sii.Person, false},
		"9": {sii.Later, true}, "10": {sii.Later, true}, "77": {sii.Later, true}, "": {sii.Later, true}, "0": {sii.Later, true},
	} {
		answer = "<?xml version=\"1.0\"?>\n<RECEPCIONAEC>\n<STATUS>" + status + "</STATUS>\n</RECEPCIONAEC>"
		_, err := client.UploadAEC(t.Context(), dtetest.Company, mail, "a", xml)
		if e := wantError(t, err, want.verdict); e.MaybeReceived != want.maybe {
			t.Errorf("STATUS %s: %+v", status, e)
		}
	}
	answer = "<RECEPCIONAEC><STATUS>0</STATUS><TRACKID>0007314001</TRACKID></RECEPCIONAEC>"
	if receipt, err := client.UploadAEC(t.Context(), dtetest.Company, mail, "a", xml); err != nil || receipt.TrackID != "0007314001" {
		t.Errorf("got %+v, %v", receipt, err)
	}
	answer = "<RECEPCIONAEC><STATUS>0</STATUS><TRACKID>00073"
	_, err := client.UploadAEC(t.Context(), dtetest.Company, mail, "a", xml)
	if e := wantError(t, err, sii.Later); !e.MaybeReceived {
		t.Errorf("half an answer: %+v", e)
	}
}

// The books travel by DTEUpload and end in their own states.
func TestBooksTravel(t *testing.T) {
	signer, now := dtetest.Signer(dtetest.Person), dtetest.Now()
	caratula := dte.CaratulaLibro{
		Emisor: dtetest.Company, Resolucion: dtetest.Resolucion(), Periodo: dte.Periodo{Year: 2026, Month: 3},
		TipoLibro: dte.LibroEspecial, TipoEnvio: dte.EnvioTotal, FolioNotificacion: 1,
	}
	consumo := dte.ConsumoFolios{Emisor: dtetest.Company, Resolucion: dtetest.Resolucion(), Desde: dtetest.Today(), Hasta: dtetest.Today(), SecEnvio: 1}
	if err := consumo.Add(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)); err != nil {
		t.Fatal(err)
	}
	rcof, err := dte.NewConsumoFolios(consumo, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	libro, err := dte.NewLibroCV(dte.LibroCV{CaratulaLibro: caratula, Operacion: dte.LibroVentas, Detalle: []dte.DetalleCV{dte.Venta(credit(7))}}, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	guias, err := dte.NewLibroGuia(dte.LibroGuia{CaratulaLibro: caratula}, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	caratula.Resolucion.Nro = 80
	elsewhere, err := dte.NewLibroGuia(dte.LibroGuia{CaratulaLibro: caratula}, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	upload := func(w *world, xml []byte) (sii.Receipt, error) {
		return w.client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "libro", xml)
	}
	w := newWorld(t, withSchemas(t))
	for name, c := range map[string]struct {
		xml    []byte
		phase  sii.Phase
		estado string
	}{
		"statement of folios": {rcof, sii.Processed, "EPR"},
		"sales":               {libro, sii.Processed, "LOK"},
		"guías":               {guias, sii.Processed, "LOK"},
		"another resolution":  {elsewhere, sii.Rejected, "LRC"},
		"altered":             {bytes.Replace(libro, []byte("<TotDoc>1<"), []byte("<TotDoc>2<"), 1), sii.Rejected, "LRF"},
		"altered statement":   {bytes.Replace(rcof, []byte("<FoliosEmitidos>1<"), []byte("<FoliosEmitidos>2<"), 1), sii.Rejected, "RFR"},
	} {
		receipt, err := upload(w, c.xml)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := w.envelope(t, sii.ChannelDTE, receipt.TrackID); s.Phase != c.phase || s.Estado != c.estado {
			t.Errorf("%s: %s %s", name, s.Phase, s.Estado)
		}
	}
	// With the schemas at hand a book outside its own is not even received; without them it is refused for its signature.
	receipt, err := upload(w, bytes.Replace(guias, []byte("<TipoLibro>ESPECIAL"), []byte("<TipoLibro>MENSUAL"), 1))
	if err == nil {
		if s := w.envelope(t, sii.ChannelDTE, receipt.TrackID); s.Estado != "LRF" {
			t.Errorf("a book outside its schema: %s", s.Estado)
		}
	} else if e := wantError(t, err, sii.Person); e.Code != "7" {
		t.Errorf("a book outside its schema: %v", e)
	}
}

// withSchemas lets the authority validate, where schemas and xmllint are at hand.
func withSchemas(t *testing.T) func(*siisim.Config) {
	folder := filepath.Join("..", "..", "..", "shared", "sii", "xsd")
	_, missing := os.Stat(folder)
	_, missingTool := exec.LookPath("xmllint")
	if missing != nil || missingTool != nil {
		t.Log("the official schemas, or xmllint, are not here: the authority does not validate")
		folder = ""
	}
	return func(c *siisim.Config) { c.Schemas = folder }
}
