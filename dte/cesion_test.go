package dte

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

const schemaAEC = "aec/AEC_v10.xsd"

const (
	banco    RUT = 97_004_000
	factor   RUT = 96_790_240
	delBanco RUT = 22_222_222
)

// signerOfBanco signs for the second party.
var signerOfBanco = sync.OnceValue(func() *Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return signerFor(key, delBanco.String(), noon.AddDate(-1, 0, 0), noon.AddDate(10, 0, 0))
})

func parte(rut RUT) Parte {
	return Parte{rut, "FACTORING Ñ & CÍA <" + rut.String() + ">", "AGUSTINAS 1000, SANTIAGO", "cesiones@example.invalid"}
}

func cesionOf(doc *Document, from, to RUT) Cesion {
	return Cesion{
		Cedente: parte(from), Autorizados: []Autorizado{{11111111, "Firmante de Prueba"}, {delBanco, "Otra “Persona”"}},
		Cesionario: parte(to), Monto: doc.mntTotal(), UltimoVencimiento: Date{2026, 4, 15},
		OtrasCondiciones: "Sin responsabilidad", MailDeudor: "pagos@example.invalid",
	}
}

func aec(t testing.TB, doc *Document) []byte {
	t.Helper()
	recibos, err := NewRecibos(receipts(doc), testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	set, err := VerifyRecibos(recibos)
	if err != nil {
		t.Fatal(err)
	}
	c := cesionOf(doc, emisor().RUT, banco)
	c.DeclaracionJurada = "Se declara bajo juramento que los recibos están disponibles."
	xml, err := NewAEC(doc, set.Recibos, c, Contacto{Nombre: "Tesorería"}, testSigner(), noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

// ceded is the document of a first cession, and the file after three.
func ceded(t testing.TB) (*Document, []byte) {
	t.Helper()
	doc := emit(t, shapes()["33-simple"], 7)
	xml := aec(t, doc)
	for i, step := range []struct {
		from, to RUT
		signer   *Signer
	}{{banco, factor, signerOfBanco()}, {factor, banco, testSigner()}} {
		a, err := VerifyAEC(xml, testTrust())
		if err != nil {
			t.Fatal(err)
		}
		if xml, err = a.Ceder(cesionOf(doc, step.from, step.to), Contacto{}, step.signer, noon.Add(time.Duration(2+i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return doc, xml
}

func TestAEC(t *testing.T) {
	doc, xml := ceded(t)
	goldenFile(t, "aec-primera", schemaAEC, aec(t, doc))
	goldenFile(t, "aec-tercera", schemaAEC, xml)
	a, err := VerifyAEC(xml, testTrust())
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Cesiones) != 3 || a.Cedente != factor || a.Cesionario != banco || len(a.Recibos) != 1 || !bytes.Equal(a.DTE.XML, doc.XML) {
		t.Errorf("got %d cessions from %s to %s with %d receipts", len(a.Cesiones), a.Cedente, a.Cesionario, len(a.Recibos))
	}
	if c := a.Cesiones[1]; c.Seq != 2 || c.Signers[0] != delBanco || c.Monto != doc.Totales.MntTotal || c.Autorizados[1].Nombre != "Otra ´´Persona´´" {
		t.Errorf("got %+v", c)
	}
	if _, err := VerifyAEC(xml, SII()); !errors.Is(err, ErrCAFUnknownKey) {
		t.Errorf("it passes without trusting the CAF: %v", err)
	}
}

func TestAECOfOtherTypes(t *testing.T) {
	exenta := emit(t, shapes()["34-exenta"], 8)
	xml, err := NewAEC(exenta, nil, cesionOf(exenta, emisor().RUT, banco), Contacto{}, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "aec-exenta", schemaAEC, xml)

	// A factura de compra of somebody else's making: the seller, its receptor, is the creditor.
	credit := shapes()["46-retencion-15"]
	credit.FmaPago, credit.FchVenc = 2, Date{2026, 5, 15}
	compra := emit(t, credit, 9)
	c := cesionOf(compra, compra.Emisor.RUT, banco)
	if _, err := NewAEC(compra, nil, c, Contacto{}, testSigner(), noon); !errors.Is(err, ErrAEC) {
		t.Errorf("the debtor ceded: %v", err)
	}
	c.Cedente = parte(compra.Receptor.RUT)
	if xml, err = NewAEC(compra, nil, c, Contacto{}, testSigner(), noon.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyAEC(xml, testTrust()); err != nil {
		t.Error(err)
	}
}

func TestCessionsThatAreRefused(t *testing.T) {
	doc := emit(t, shapes()["33-simple"], 7)
	contado := shapes()["33-simple"]
	contado.FmaPago, contado.FchVenc = 1, Date{}
	other := emit(t, shapes()["33-con-todo"], 8)
	change := func(f func(*Cesion)) Cesion { c := cesionOf(doc, emisor().RUT, banco); f(&c); return c }
	for name, try := range map[string]struct {
		doc *Document
		c   Cesion
		r   []Recibo
	}{
		"a note":            {emit(t, shapes()["61-parcial"], 7), change(func(*Cesion) {}), nil},
		"a boleta":          {emit(t, shapes()["39-simple"], 7), change(func(*Cesion) {}), nil},
		"paid in cash":      {emit(t, contado, 7), change(func(*Cesion) {}), nil},
		"by a stranger":     {doc, change(func(c *Cesion) { c.Cedente.RUT = factor }), nil},
		"to oneself":        {doc, change(func(c *Cesion) { c.Cesionario.RUT = emisor().RUT }), nil},
		"too much":          {doc, change(func(c *Cesion) { c.Monto++ }), nil},
		"nothing":           {doc, change(func(c *Cesion) { c.Monto = 0 }), nil},
		"nobody may sign":   {doc, change(func(c *Cesion) { c.Autorizados = nil }), nil},
		"four may sign":     {doc, change(func(c *Cesion) { c.Autorizados = append(c.Autorizados, c.Autorizados...) }), nil},
		"another may sign":  {doc, change(func(c *Cesion) { c.Autorizados = c.Autorizados[1:] }), nil},
		"due before issue":  {doc, change(func(c *Cesion) { c.UltimoVencimiento = Date{2026, 3, 15} }), nil},
		"short address":     {doc, change(func(c *Cesion) { c.Cedente.Direccion = "AQUI" }), nil},
		"no mail":           {doc, change(func(c *Cesion) { c.Cesionario.Mail = "" }), nil},
		"long conditions":   {doc, change(func(c *Cesion) { c.OtrasCondiciones = strings.Repeat("a", 513) }), nil},
		"another's receipt": {doc, change(func(*Cesion) {}), must(VerifyRecibos(must(NewRecibos(receipts(other), testSigner(), noon)))).Recibos},
	} {
		if _, err := NewAEC(try.doc, try.r, try.c, Contacto{}, testSigner(), noon); !errors.Is(err, ErrAEC) || errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewAEC(doc, nil, change(func(*Cesion) {}), Contacto{}, testSigner(), noon.Add(-time.Hour)); !errors.Is(err, ErrAEC) {
		t.Errorf("ceded before it was signed: %v", err)
	}
	if _, err := NewAEC(doc, nil, change(func(*Cesion) {}), Contacto{}, testSigner(), noon.AddDate(30, 0, 0)); !errors.Is(err, ErrCertificateExpired) {
		t.Errorf("an expired certificate: %v", err)
	}
}

func TestAlteredAEC(t *testing.T) {
	_, xml := ceded(t)
	changes := [][2]string{
		{"<MontoCesion>4", "<MontoCesion>3"},
		{"<SeqCesion>2<", "<SeqCesion>1<"},
		{"<NmbItem>Cemento", "<NmbItem>Arena"},
		{"<Recinto>Bodega", "<Recinto>Patio"},
		{"<RUTAutorizado>", "<RUTAutorizado><RUT>1-9</RUT>"},
		{"<Cesion ", "<Cesion/><Cesion "},
		{"<TmstFirma>2026-03-16T13", "<TmstFirma>2026-03-16T14"},
		{`ID="Cesion_2_T33F7"`, `ID="Cesion_1_T33F7"`},
		{"<RutCesionario>97004000-5", "<RutCesionario>96790240-3"},
		{"<DTE version", "<DTE/><DTE version"},
	}
	verify := func(b []byte) error { _, err := VerifyAEC(b, testTrust()); return err }
	alterations(t, xml, verify, changes)
	alterations(t, xml, func(b []byte) error { return verify(signAgain(t, b, "DocumentoAEC", "AEC", "AEC_v10.xsd")) }, changes)
	// Without the second cession the third does not follow.
	from, to := bytes.Index(xml, []byte("<DocumentoCesion ID=\"Cesion_2")), bytes.Index(xml, []byte("<DocumentoCesion ID=\"Cesion_3"))
	from, to = bytes.LastIndex(xml[:from], []byte("<Cesion ")), bytes.LastIndex(xml[:to], []byte("<Cesion "))
	if err := verify(signAgain(t, join(xml[:from], xml[to:]), "DocumentoAEC", "AEC", "AEC_v10.xsd")); !errors.Is(err, ErrAEC) {
		t.Errorf("a missing cession: %v", err)
	}
}

func FuzzVerifyAEC(f *testing.F) {
	doc := emit(f, shapes()["33-simple"], 7)
	xml, err := NewAEC(doc, nil, cesionOf(doc, emisor().RUT, banco), Contacto{}, testSigner(), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(xml)
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := VerifyAEC(b, testTrust()); err == nil && (a.DTE.Folio != 7 || len(a.Cesiones) != 1 || a.Cesionario != banco) {
			t.Errorf("accepted a cession that nobody signed: %+v", a)
		}
	})
}
