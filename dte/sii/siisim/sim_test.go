package siisim_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/dte/xmltree"
	"mostrador/money"
)

func newSim(t *testing.T, configure ...func(*siisim.Config)) *siisim.Sim {
	t.Helper()
	cfg := siisim.Config{Authority: dtetest.Authority(), Now: dtetest.Now}
	for _, f := range configure {
		f(&cfg)
	}
	s, err := siisim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// clientOf talks to a simulator over a real socket.
func clientOf(t *testing.T, s *siisim.Sim) *sii.Client {
	t.Helper()
	url, stop, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return sii.New(sii.Config{Endpoints: sii.Single(url), Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now})
}

func send(t *testing.T, c *sii.Client, envelope []byte) (sii.Receipt, error) {
	t.Helper()
	ch := sii.ChannelDTE
	if bytes.Contains(envelope, []byte("<EnvioBOLETA")) {
		ch = sii.ChannelBoleta
	}
	return c.Upload(t.Context(), ch, dtetest.Company, "prueba", envelope)
}

func factura(folio dte.Folio) *dte.Document {
	return dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), folio)
}

// forge changes the bytes of a sound document and signs nothing again.
func forge(doc *dte.Document, old, new string) *dte.Document {
	forged := *doc
	forged.XML = bytes.Replace(doc.XML, []byte(old), []byte(new), 1)
	if bytes.Equal(forged.XML, doc.XML) {
		panic("nothing to forge: " + old)
	}
	return &forged
}

// Each document fault has the SII's own code.
func TestJudgement(t *testing.T) {
	stranger, err := dte.NewAuthority(dte.IDKSimulador, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	strangersFile, err := stranger.IssueCAF(dtetest.Company, "OTRA", dte.Factura, 1, 10, dtetest.FA())
	if err != nil {
		t.Fatal(err)
	}
	strangersCAF, err := dte.ParseCAF(strangersFile)
	if err != nil {
		t.Fatal(err)
	}
	emitWith := func(caf *dte.CAF, folio dte.Folio) *dte.Document {
		doc, err := dte.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), folio, caf, dtetest.Signer(dtetest.Person), dtetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	caf, _ := dtetest.CAF(dtetest.Company, dte.Factura, 1, 10, dtetest.FA())
	note := func(of *dte.Document, change func(*dte.Draft)) *dte.Document {
		draft := dtetest.Note(dte.NotaCredito, of, dtetest.Today())
		change(&draft)
		return dtetest.Emit(draft, 50)
	}
	late := dtetest.Today()
	late.Day -= 4
	for name, c := range map[string]struct {
		doc   *dte.Document
		state dte.State
		code  string
	}{
		"sound":                      {factura(2), dte.Accepted, ""},
		"three days old":             {dtetest.Emit(dtetest.Draft(dte.Factura, dte.Date{Year: 2026, Month: 3, Day: 13}), 2), dte.Accepted, ""},
		"four days old":              {dtetest.Emit(dtetest.Draft(dte.Factura, late), 2), dte.Objected, "DTE-1-650"},
		"the same again":             {nil, dte.Rejected, "DTE-3-100"}, // filled in below
		"the folio with other data":  {factura(1), dte.Rejected, "DTE-3-101"},
		"another authority's CAF":    {emitWith(strangersCAF, 2), dte.Rejected, "CAF-3-514"},
		"changed after signing":      {forge(emitWith(caf, 2), "<NmbItem>Clavos", "<NmbItem>Tuercas"), dte.Rejected, "DTE-3-505"},
		"note of nothing received":   {note(factura(99), func(*dte.Draft) {}), dte.Rejected, "REF-3-750"},
		"note of another amount":     {note(factura(1), func(d *dte.Draft) { d.Detalle = d.Detalle[:1] }), dte.Objected, "REF-2-780"},
		"note of what was received":  {note(factura(1), func(*dte.Draft) {}), dte.Accepted, ""},
		"note that corrects amounts": {note(factura(1), func(d *dte.Draft) { d.Referencia[0].CodRef = dte.CorrigeMontos; d.Detalle = d.Detalle[:1] }), dte.Accepted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			client := clientOf(t, s)
			first := factura(1)
			if _, err := send(t, client, dtetest.Envelope(first)); err != nil {
				t.Fatal(err)
			}
			docs := []*dte.Document{c.doc}
			if c.doc == nil {
				docs = []*dte.Document{first, factura(77)} // other bytes around the same document
			}
			if _, err := send(t, client, dtetest.Envelope(docs...)); err != nil {
				t.Fatal(err)
			}
			all := s.Documents()
			if got := all[1]; got.State != c.state || got.Codigo != c.code || got.Codigo != "" && got.Glosa == "" {
				t.Errorf("got %s %s %q, want %s %s", got.State, got.Codigo, got.Glosa, c.state, c.code)
			}
			if held, ok := s.Document(first.Key()); !ok || held.State != dte.Accepted {
				t.Errorf("the first document became %+v", held)
			}
		})
	}
}

// The official example of what must not pass: documents signed in the context of the envelope.
func TestSignedInContext(t *testing.T) {
	root := filepath.Join("..", "..", "..", "..", "shared", "sii", "generado")
	xml, err := os.ReadFile(filepath.Join(root, "sobres", "NEGATIVO-EnvioDTE-firmado-en-contexto.xml"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared reference data are not here")
	}
	key, keyErr := os.ReadFile(filepath.Join(root, "llaves", "sii-ficticio-999.key.pem"))
	if err = errors.Join(err, keyErr); err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(key); block.Type == "PRIVATE KEY" {
		pkcs8, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(pkcs8.(*rsa.PrivateKey))})
	}
	authority, err := dte.OpenAuthority(dte.IDKSimulador, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newSim(t, func(cfg *siisim.Config) { cfg.Authority = authority })
	if _, err := send(t, clientOf(t, s), xml); err != nil {
		t.Fatal(err)
	}
	if docs := s.Documents(); len(docs) == 0 || docs[0].Codigo != "DTE-3-505" {
		t.Errorf("got %+v, want DTE-3-505", docs)
	}
}

// What an honest emitter cannot make: documents that are well signed around a bad stamp.
func TestWellSignedBadStamps(t *testing.T) {
	caf, file := dtetest.CAF(dtetest.Company, dte.Factura, 1, 10, dtetest.FA())
	doc, err := dte.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 2, caf, dtetest.Signer(dtetest.Person), dtetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	edit := func(pairs ...string) []byte {
		out := string(doc.XML)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(out, pairs[i]) {
				t.Fatalf("nothing to replace: %s", pairs[i])
			}
			out = strings.ReplaceAll(out, pairs[i], pairs[i+1])
		}
		return []byte(out)
	}
	total := "<MntTotal>" + doc.Totales.MntTotal.XML()
	for name, c := range map[string]struct {
		xml  []byte
		code string
	}{
		"untouched":          {doc.XML, ""},
		"stamped text":       {edit("<IT1>Cemento", "<IT1>Ladrillo"), "TED-2-510"},
		"another total":      {edit(total, "<MntTotal>1"), "TED-3-640"},
		"another range":      {edit("<H>10</H>", "<H>99</H>"), "CAF-3-514"},
		"beyond the range":   {restamp(t, file, edit("<Folio>2<", "<Folio>11<", "<F>2<", "<F>11<", "T33F2", "T33F11")), "CAF-3-516"},
		"after the expiry":   {restamp(t, file, edit("<FchEmis>2026-03-16", "<FchEmis>2026-08-03", "<FE>2026-03-16", "<FE>2026-08-03")), "CAF-3-517"},
		"on the last day":    {restamp(t, file, edit("<FchEmis>2026-03-16", "<FchEmis>2026-08-02", "<FE>2026-03-16", "<FE>2026-08-02")), ""},
		"before the CAF":     {restamp(t, file, edit("<FchEmis>2026-03-16", "<FchEmis>2026-02-01", "<FE>2026-03-16", "<FE>2026-02-01")), "CAF-3-516"},
		"another's document": {restamp(t, file, edit("<TipoDTE>33<", "<TipoDTE>34<", "<TD>33</TD>\n<F>", "<TD>34</TD>\n<F>")), "CAF-3-516"},
	} {
		t.Run(name, func(t *testing.T) {
			bad, err := dte.Parse(resign(t, c.xml))
			if err != nil {
				t.Fatal(err)
			}
			s := newSim(t)
			if _, err := send(t, clientOf(t, s), dtetest.Envelope(bad)); err != nil {
				t.Fatal(err)
			}
			docs := s.Documents()
			if len(docs) != 1 || docs[0].Codigo != c.code || (docs[0].State == dte.Rejected) != (c.code != "") {
				t.Errorf("got %+v %+v, want %s", docs, s.Envelopes(), c.code)
			}
		})
	}
}

// restamp signs the DD of a document again with the key of a CAF file.
func restamp(t *testing.T, caf, xml []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(between(t, caf, "<RSASK>", "</RSASK>"))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	dd := append(append([]byte("<DD>"), between(t, xml, "<DD>", "</DD>")...), "</DD>"...)
	sum := sha1.Sum([]byte(regexp.MustCompile(`>\s+<`).ReplaceAllString(string(dd), "><")))
	// PKCS#1 v1.5 with SHA-1, by hand: crypto/rsa refuses keys as small as the SII's.
	info := append([]byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}, sum[:]...)
	padded := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 64-3-len(info))...)
	padded = append(append(padded, 0), info...)
	frmt := new(big.Int).Exp(new(big.Int).SetBytes(padded), key.D, key.N).FillBytes(make([]byte, 64))
	old := between(t, xml, `<FRMT algoritmo="SHA1withRSA">`, "</FRMT>")
	return bytes.Replace(xml, old, []byte(base64.StdEncoding.EncodeToString(frmt)), 1)
}

// resign signs a document again, whatever it says.
func resign(t *testing.T, xml []byte) []byte {
	t.Helper()
	limits := xmltree.Limits{Bytes: 1 << 20, Nodes: 10_000, Depth: 32}
	doc, err := xmltree.Parse(xml, xmltree.Latin1, limits)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha1.Sum(doc.Canonical(doc.Root.Children[0], true))
	xml = bytes.Replace(xml, between(t, xml, "<DigestValue>", "</DigestValue>"), []byte(base64.StdEncoding.EncodeToString(digest[:])), 1)
	if doc, err = xmltree.Parse(xml, xmltree.Latin1, limits); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(doc.Canonical(doc.Root.Children[1].Child("SignedInfo"), true))
	value, err := rsa.SignPKCS1v15(nil, dtetest.Key(), crypto.SHA1, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(xml, between(t, xml, "<SignatureValue>", "</SignatureValue>"), []byte(base64.StdEncoding.EncodeToString(value)), 1)
}

func between(t *testing.T, b []byte, open, end string) []byte {
	t.Helper()
	_, rest, found := bytes.Cut(b, []byte(open))
	inside, _, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		t.Fatalf("no %s", open)
	}
	return bytes.Clone(inside)
}

// An envelope that is wrong as a whole receives nothing.
func TestEnvelopesRefusedAsAWhole(t *testing.T) {
	build := func(res dte.Resolucion, receptor dte.RUT, signer dte.RUT) []byte {
		xml, err := dte.NewEnvelope([]*dte.Document{factura(1)}, res, receptor, dtetest.Signer(signer), dtetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		return xml
	}
	good := build(dtetest.Resolucion(), dte.RUTSII, dtetest.Person)
	company := siisim.Company{RznSoc: "X", Resolucion: dtetest.Resolucion()}
	for name, c := range map[string]struct {
		xml          []byte
		estado, code string
	}{
		"good":               {good, "EPR", ""},
		"another resolution": {build(dte.Resolucion{Nro: 80, Fch: dtetest.FA()}, dte.RUTSII, dtetest.Person), "RCT", "CRT-3-19"},
		"another receptor":   {build(dtetest.Resolucion(), dtetest.Buyer, dtetest.Person), "RCT", ""},
		"another signer":     {build(dtetest.Resolucion(), dte.RUTSII, 22222222), "RFR", "ENV-3-6"},
		"changed":            {bytes.Replace(good, []byte("<NroDTE>1<"), []byte("<NroDTE>2<"), 1), "RFR", ""},
		"cut":                {good[:len(good)/2], "RSC", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, func(cfg *siisim.Config) { cfg.Companies = map[dte.RUT]siisim.Company{dtetest.Company: company} })
			client := clientOf(t, s)
			receipt, err := send(t, client, c.xml)
			if err != nil {
				t.Fatal(err)
			}
			e := s.Envelopes()[0]
			if e.Estado != c.estado || e.Codigo != c.code {
				t.Errorf("got %s %s %q, want %s %s", e.Estado, e.Codigo, e.Glosa, c.estado, c.code)
			}
			status, err := client.EnvelopeStatus(t.Context(), sii.ChannelDTE, dtetest.Company, receipt.TrackID)
			if err != nil || status.Estado != c.estado || (status.Phase == sii.Rejected) != (c.estado != "EPR") {
				t.Errorf("status %+v, %v", status, err)
			}
			if _, held := s.Document(factura(1).Key()); held != (c.estado == "EPR") {
				t.Errorf("document held: %v", held)
			}
		})
	}
}

func TestFacturasDoNotTravelAsBoletas(t *testing.T) {
	s := newSim(t)
	client := clientOf(t, s)
	receipt, err := client.Upload(t.Context(), sii.ChannelBoleta, dtetest.Company, "a", dtetest.Envelope(factura(1)))
	if err != nil {
		t.Fatal(err)
	}
	status, err := client.EnvelopeStatus(t.Context(), sii.ChannelBoleta, dtetest.Company, receipt.TrackID)
	if err != nil || status.Phase != sii.Rejected || status.Estado != "RSC" {
		t.Errorf("got %+v, %v", status, err)
	}
}

func TestUploadsRefusedAtOnce(t *testing.T) {
	companies := map[dte.RUT]siisim.Company{dtetest.Company: {Resolucion: dtetest.Resolucion(), Signers: []dte.RUT{22222222}}}
	good := dtetest.Envelope(factura(1))
	for name, c := range map[string]struct {
		companies map[dte.RUT]siisim.Company
		xml       []byte
		code      string
	}{
		"company not registered":  {map[dte.RUT]siisim.Company{1: {}}, good, "html"},
		"sender not permitted":    {companies, good, "1"},
		"no schema on line 2":     {nil, bytes.Replace(good, []byte("<EnvioDTE "), []byte("\n<EnvioDTE "), 1), "7"},
		"no encoding on line 1":   {nil, bytes.Replace(good, []byte(` encoding="ISO-8859-1"`), nil, 1), "7"},
		"a line that is too long": {nil, append(bytes.Clone(good), bytes.Repeat([]byte(" "), 5000)...), "7"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, func(cfg *siisim.Config) { cfg.Companies = c.companies })
			_, err := send(t, clientOf(t, s), c.xml)
			e, ok := errors.AsType[*sii.Error](err)
			if !ok || e.Code != c.code || e.Verdict != sii.Person || e.MaybeReceived {
				t.Errorf("got %#v, want code %s", err, c.code)
			}
			if n := len(s.Envelopes()); n != 0 {
				t.Errorf("%d envelopes were received", n)
			}
		})
	}
}

// What dte emits passes the official schemas, and what does not pass is refused with the schema's words.
func TestSchemas(t *testing.T) {
	schemas := filepath.Join("..", "..", "..", "..", "shared", "sii", "xsd")
	if _, err := os.Stat(schemas); err != nil {
		t.Skip("the shared reference data are not here")
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed")
	}
	s := newSim(t, func(cfg *siisim.Config) { cfg.Schemas = schemas })
	client := clientOf(t, s)
	sound := factura(1)
	for _, docs := range [][]*dte.Document{
		{sound, dtetest.Emit(dtetest.Note(dte.NotaCredito, sound, dtetest.Today()), 1), dtetest.Emit(dtetest.Draft(dte.FacturaExenta, dtetest.Today()), 1)},
		{dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1), dtetest.Emit(dtetest.Draft(dte.BoletaExenta, dtetest.Today()), 1)},
	} {
		if _, err := send(t, client, dtetest.Envelope(docs...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range s.Documents() {
		if d.State != dte.Accepted {
			t.Errorf("%s: %s %s", d.Key, d.State, d.Codigo)
		}
	}
	_, err := send(t, client, dtetest.Envelope(forge(factura(2), "<FmaPago>1<", "<FmaPago>9<")))
	if e, ok := errors.AsType[*sii.Error](err); !ok || e.Code != "7" || !strings.Contains(e.Message, "FmaPago") {
		t.Errorf("a factura: %v", err)
	}
	receipt, err := send(t, client, dtetest.Envelope(forge(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 2), "<IndServicio>3<", "<IndServicio>9<")))
	if err != nil {
		t.Fatal(err)
	}
	status, err := client.EnvelopeStatus(t.Context(), sii.ChannelBoleta, dtetest.Company, receipt.TrackID)
	if err != nil || status.Estado != "RSC" {
		t.Errorf("a boleta: %+v, %v", status, err)
	}
	if _, err := siisim.New(siisim.Config{Now: dtetest.Now, Schemas: t.TempDir()}); err == nil {
		t.Error("an empty folder of schemas was accepted")
	}
}

// A simulator that is started again knows folios, envelopes and documents; half a line at the end is what a crash leaves.
func TestRestart(t *testing.T) {
	state := filepath.Join(t.TempDir(), "sii.jsonl")
	keep := func(cfg *siisim.Config) { cfg.StateFile = state }
	s := newSim(t, keep)
	if _, err := s.IssueCAF(dtetest.Company, "X", dte.Factura, 50); err != nil {
		t.Fatal(err)
	}
	doc := factura(1)
	envelope := dtetest.Envelope(doc)
	first, err := send(t, clientOf(t, s), envelope)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(state, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"caf":{"emisor":"76543210-3","rznSoc":"` + strings.Repeat("X", 5000))
	_ = f.Close()

	for range 2 {
		s = newSim(t, keep)
		client := clientOf(t, s)
		again, err := send(t, client, envelope)
		if err != nil || !again.Already || strings.TrimLeft(again.TrackID, "0") != strings.TrimLeft(first.TrackID, "0") {
			t.Fatalf("the same bytes: %+v, %v", again, err)
		}
		if held, ok := s.Document(doc.Key()); !ok || held.State != dte.Accepted {
			t.Fatalf("the document is %+v", held)
		}
		file, err := s.IssueCAF(dtetest.Company, "X", dte.Factura, 10)
		if err != nil {
			t.Fatal(err)
		}
		if caf, err := dte.ParseCAF(file); err != nil || caf.Desde < 51 {
			t.Fatalf("folios %d to %d authorised twice, %v", caf.Desde, caf.Hasta, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(state, []byte("esto no es JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := siisim.New(siisim.Config{Authority: dtetest.Authority(), Now: dtetest.Now, StateFile: state}); err == nil {
		t.Error("a damaged state file was accepted")
	}
}

func TestIssueCAF(t *testing.T) {
	s := newSim(t)
	var next dte.Folio = 1
	for _, n := range []int{1, 100, 7} {
		file, err := s.IssueCAF(dtetest.Company, "ÑANDÚ", dte.Boleta, n)
		if err != nil {
			t.Fatal(err)
		}
		caf, err := dte.ParseCAF(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := caf.Verify(s.Trust()); err != nil {
			t.Error(err)
		}
		if caf.Desde != next || caf.Hasta != next+dte.Folio(n)-1 || caf.FA != dtetest.Today() || caf.IDK != dte.IDKSimulador {
			t.Errorf("got %d to %d, want %d folios from %d", caf.Desde, caf.Hasta, n, next)
		}
		next = caf.Hasta + 1
	}
	for name, call := range map[string]func() ([]byte, error){
		"none":       func() ([]byte, error) { return s.IssueCAF(dtetest.Company, "X", dte.Boleta, 0) },
		"too many":   func() ([]byte, error) { return s.IssueCAF(dtetest.Company, "X", dte.Boleta, 1_000_000) },
		"no company": func() ([]byte, error) { return s.IssueCAF(0, "X", dte.Boleta, 1) },
		"bad type":   func() ([]byte, error) { return s.IssueCAF(dtetest.Company, "X", 99, 1) },
	} {
		if _, err := call(); err == nil {
			t.Errorf("%s: authorised", name)
		}
	}
}

// Of equal uploads at once one is received and the others are told its track id.
func TestEqualUploadsAtOnce(t *testing.T) {
	s := newSim(t)
	client := clientOf(t, s)
	var docs []*dte.Document // many, so that judging takes longer than arriving
	for folio := range dte.Folio(60) {
		docs = append(docs, dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), folio+1))
	}
	envelope := dtetest.Envelope(docs...)
	if _, err := client.DocumentStatus(t.Context(), docs[0]); err != nil { // a session for all
		t.Fatal(err)
	}
	var fresh atomic.Int32
	var tracks sync.Map
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			receipt, err := send(t, client, envelope)
			if err != nil {
				t.Error(err)
				return
			}
			if !receipt.Already {
				fresh.Add(1)
			}
			tracks.Store(receipt.TrackID, true)
		})
	}
	group.Wait()
	n := 0
	tracks.Range(func(_, _ any) bool { n++; return true })
	if fresh.Load() != 1 || n != 1 || len(s.Envelopes()) != 1 {
		t.Errorf("%d fresh, %d track ids, %d envelopes", fresh.Load(), n, len(s.Envelopes()))
	}
}

// raw is a request that our client would never make.
func raw(t *testing.T, s *siisim.Sim, method, path, agent, token string, body io.Reader, contentType string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("User-Agent", agent)
	if token != "" {
		r.Header.Set("Cookie", "TOKEN="+token)
	}
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const program = "Mozilla/4.0 (compatible; PROG 1.0)"

// restToken logs in by hand; changes is how long the seed lies before it is signed.
func restToken(t *testing.T, s *siisim.Sim, seed string) (estado, token string) {
	t.Helper()
	signed, err := dte.SignGetToken(seed, dtetest.Signer(dtetest.Person))
	if err != nil {
		t.Fatal(err)
	}
	_, answer := raw(t, s, "POST", "/recursos/v1/boleta.electronica.token", program, "", bytes.NewReader(signed), "application/xml")
	f, err := sii.ReadFields([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return f.Get("ESTADO"), f.Get("TOKEN")
}

func seedOf(t *testing.T, s *siisim.Sim) string {
	t.Helper()
	_, answer := raw(t, s, "GET", "/recursos/v1/boleta.electronica.semilla", program, "", nil, "")
	f, err := sii.ReadFields([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	return f.Get("SEMILLA")
}

func TestSessionLife(t *testing.T) {
	var clock atomic.Int64
	clock.Store(dtetest.Now().Unix())
	s := newSim(t, func(cfg *siisim.Config) {
		cfg.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	})
	seed := seedOf(t, s)
	estado, token := restToken(t, s, seed)
	if estado != "00" || len(token) != 13 {
		t.Fatalf("login: %s %q", estado, token)
	}
	if estado, _ := restToken(t, s, seed); estado == "00" {
		t.Error("a seed served twice")
	}
	if estado, _ := restToken(t, s, "123456789012"); estado == "00" {
		t.Error("a seed of nobody's served")
	}
	seed = seedOf(t, s)
	clock.Add(121)
	if estado, _ := restToken(t, s, seed); estado == "00" {
		t.Error("a seed served after two minutes")
	}
	_, answer := raw(t, s, "POST", "/recursos/v1/boleta.electronica.token", program, "", strings.NewReader("<getToken/>"), "application/xml")
	if !strings.Contains(answer, "<ESTADO>05</ESTADO>") {
		t.Errorf("an unsigned getToken: %s", answer)
	}
	ask := func(token string) int {
		code, _ := raw(t, s, "GET", "/recursos/v1/boleta.electronica/76543210-3-39-1/estado", program, token, nil, "")
		return code
	}
	for range 3 { // use renews it
		clock.Add(3400)
		if code := ask(token); code != 200 {
			t.Fatalf("a token in use: %d", code)
		}
	}
	clock.Add(3601)
	if code := ask(token); code != 401 {
		t.Errorf("an old token: %d", code)
	}
	if code := ask(""); code != 400 {
		t.Errorf("no token: %d", code)
	}
}

// What programs get wrong, answered as the SII answers it.
func TestRawQuirks(t *testing.T) {
	s := newSim(t)
	_, token := restToken(t, s, seedOf(t, s))
	estado := "/recursos/v1/boleta.electronica/76543210-3-39-1/estado"
	if code, text := raw(t, s, "GET", estado, program, token, nil, ""); code != 200 || text != "falta rut_receptor" {
		t.Errorf("without parameters: %d %q", code, text)
	}
	if code, _ := raw(t, s, "GET", estado+"?rut_receptor=66666666&dv_receptor=6&monto=1&fechaEmision=16-03-2026", "Mozilla/5.0", token, nil, ""); code != 401 {
		t.Errorf("a browser: %d", code)
	}
	envelope := dtetest.Envelope(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1))
	upload := func(path, agent, token string, sender dte.RUT, chunked bool) (int, string) {
		var form bytes.Buffer
		m := multipart.NewWriter(&form)
		for name, value := range map[string]string{"rutSender": sender.Number(), "dvSender": string(sender.DV()), "rutCompany": "76543210", "dvCompany": "3"} {
			_ = m.WriteField(name, value)
		}
		part, _ := m.CreateFormFile("archivo", "a.xml")
		_, _ = part.Write(envelope)
		_ = m.Close()
		var body io.Reader = &form
		if chunked {
			body = io.MultiReader(body)
		}
		return raw(t, s, "POST", path, agent, token, body, m.FormDataContentType())
	}
	const envio, dteUpload = "/recursos/v1/boleta.electronica.envio", "/cgi_dte/UPL/DTEUpload"
	for _, c := range []struct {
		path, agent, token string
		sender             dte.RUT
		chunked            bool
		code               int
		text               string
	}{
		{envio, "Mozilla/5.0", token, dtetest.Person, false, 401, "NO ESTA AUTENTICADO"},
		{envio, program, "", dtetest.Person, false, 400, "No trae TOKEN"},
		{envio, program, token, dtetest.Person, true, 400, "incompleto"},
		{dteUpload, "Mozilla/5.0", token, dtetest.Person, false, 200, "HA OCURRIDO UN ERROR EN EL UPLOAD"},
		{dteUpload, program, token, dtetest.Person, false, 200, "<STATUS>5</STATUS>"}, // a token of the other channel
		{dteUpload, program, token, dtetest.Person, true, 200, "LPX-00007"},
		{envio, program, token, 22222222, false, 403, "SIN PERMISO"}, // not who opened the session
		{envio, program, token, dtetest.Person, false, 200, `"estado":"REC"`},
	} {
		if code, text := upload(c.path, c.agent, c.token, c.sender, c.chunked); code != c.code || !strings.Contains(text, c.text) {
			t.Errorf("%s agent %q token %q chunked %v: %d %q, want %d %q", c.path, c.agent, c.token, c.chunked, code, text, c.code, c.text)
		}
	}
}

func TestControlPage(t *testing.T) {
	s := newSim(t)
	code, text := raw(t, s, "GET", "/", "Mozilla/5.0", "", nil, "")
	if code != 200 || !strings.Contains(text, "SII de práctica") {
		t.Fatalf("empty: %d %s", code, text)
	}
	form := strings.NewReader("rut=76.543.210-3&rznSoc=%3Cb%3EX&tipo=39&n=10")
	code, file := raw(t, s, "POST", "/caf", "Mozilla/5.0", "", form, "application/x-www-form-urlencoded")
	caf, err := dte.ParseCAF([]byte(file))
	if code != 200 || err != nil || caf.Hasta != 10 {
		t.Fatalf("CAF: %d %+v %v", code, caf, err)
	}
	code, _ = raw(t, s, "POST", "/caf", "Mozilla/5.0", "", strings.NewReader("rut=1-1"), "application/x-www-form-urlencoded")
	if code != 400 {
		t.Errorf("a bad RUT: %d", code)
	}
	if _, err := send(t, clientOf(t, s), dtetest.Envelope(factura(1))); err != nil {
		t.Fatal(err)
	}
	_, text = raw(t, s, "GET", "/", "Mozilla/5.0", "", nil, "")
	if !strings.Contains(text, "&lt;b&gt;X") || !strings.Contains(text, "Factura Electrónica N° 1") || !strings.Contains(text, "1 a 10") {
		t.Error("the page does not show what it holds, or shows it raw")
	}
}

// In process nothing is out yet, by questions and by time.
func TestProcessing(t *testing.T) {
	var clock atomic.Int64
	clock.Store(dtetest.Now().Unix())
	s := newSim(t, func(cfg *siisim.Config) {
		cfg.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
		cfg.ProcessingTime = 10 * time.Minute
	})
	client := clientOf(t, s)
	receipt, err := send(t, client, dtetest.Envelope(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1)))
	if err != nil || receipt.RetryAfter != 10*time.Minute {
		t.Fatalf("got %+v, %v", receipt, err)
	}
	if d := s.Documents()[0]; d.State != dte.Sent {
		t.Errorf("in process: %+v", d)
	}
	if e := s.Envelopes()[0]; e.Estado != "REC" || e.Documents[0].State != dte.Sent {
		t.Errorf("in process: %+v", e)
	}
	clock.Add(600)
	if d := s.Documents()[0]; d.State != dte.Accepted {
		t.Errorf("processed: %+v", d)
	}
}

func TestNewSigner(t *testing.T) {
	pfx, signer, err := siisim.NewSigner(rand.Reader, 12345678, "PERSONA DE PRÁCTICA", dtetest.Now())
	if err != nil {
		t.Fatal(err)
	}
	opened, err := dte.OpenPFX(pfx, siisim.SignerPassword)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dte.Signer{signer, opened} {
		if s.RUT() != 12345678 || s.ValidAt(dtetest.Now()) != nil || s.ValidAt(dtetest.Now().AddDate(4, 0, 0)) == nil {
			t.Errorf("signer %s until %s", s.RUT(), s.NotAfter())
		}
	}
	if _, _, err := siisim.NewSigner(rand.Reader, 0, "X", dtetest.Now()); err == nil {
		t.Error("a certificate without RUT")
	}
}

func BenchmarkReceive500Boletas(b *testing.B) {
	s, err := siisim.New(siisim.Config{Authority: dtetest.Authority(), Now: dtetest.Now})
	if err != nil {
		b.Fatal(err)
	}
	url, stop, err := s.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	client := sii.New(sii.Config{Endpoints: sii.Single(url), Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now})
	caf, _ := dtetest.CAF(dtetest.Company, dte.Boleta, 1, 10_000_000, dtetest.FA())
	draft := dtetest.Draft(dte.Boleta, dtetest.Today())
	draft.Detalle[0].Prc = money.PerUnit(100)
	var docs []*dte.Document
	for folio := range dte.Folio(500) {
		doc, err := dte.Emit(draft, folio+1, caf, dtetest.Signer(dtetest.Person), dtetest.Now())
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, doc)
	}
	for i := 0; b.Loop(); i++ {
		xml, err := dte.NewEnvelope(docs, dtetest.Resolucion(), dte.RUTSII, dtetest.Signer(dtetest.Person), dtetest.Now().Add(time.Duration(i)*time.Second))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.Upload(b.Context(), sii.ChannelBoleta, dtetest.Company, fmt.Sprint(i), xml); err != nil {
			b.Fatal(err)
		}
	}
}
