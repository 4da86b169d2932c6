package dte

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mostrador/dte/xmltree"
)

const shared = "../../shared/sii/"

// sharedFile reads reference material, or skips the test where that folder is not there.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shared, name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the reference folder %s is not here: this check needs it", shared)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var testAuthority = sync.OnceValue(func() *Authority {
	a, err := NewAuthority(IDKSimulador, rand.Reader)
	if err != nil {
		panic(err)
	}
	return a
})

func testTrust() Trust { return SII().With(IDKSimulador, testAuthority().Public()) }

func testCAFFile(t testing.TB, tipo TipoDTE) []byte {
	t.Helper()
	f, err := testAuthority().IssueCAF(76543210, "COMERCIAL ÑANDÚ & CÍA LIMITADA", tipo, 1, 100, Date{2026, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func testCAF(t testing.TB, tipo TipoDTE) *CAF {
	t.Helper()
	c, err := ParseCAF(testCAFFile(t, tipo))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The SII publishes one DD, its key and its FRMT; ours must be the same bit for bit.
func TestStampReproducesThePublishedVector(t *testing.T) {
	caf, err := ParseCAF(sharedFile(t, "vectores/sii-manual-CAF-T33-1-200.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := caf.Verify(SII()); err != nil {
		t.Errorf("FRMA: %v", err)
	}
	frmt, err := caf.key.sign(sharedFile(t, "vectores/sii-manual-dd.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if want := sharedFile(t, "vectores/sii-manual-frmt.bin"); !bytes.Equal(frmt, want) {
		t.Errorf("FRMT\n got %x\nwant %x", frmt, want)
	}
}

func TestReadsCAFs(t *testing.T) {
	sharedFile(t, "README.md")
	files, _ := filepath.Glob(shared + "generado/caf/*.xml")
	if len(files) == 0 {
		t.Fatal("no samples")
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseCAF(data)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if c.RznSoc != "COMERCIAL ÑANDÚ & CÍA LIMITADA" || c.Desde != 1 || c.Hasta != 100 || c.IDK != 999 || c.Emisor != 76543210 {
			t.Errorf("%s: %+v", f, c)
		}
		if err := c.Verify(SII()); !errors.Is(err, ErrCAFUnknownKey) {
			t.Errorf("%s: a key that is not the SII's: %v", f, err)
		}
	}
}

// Real authorisations of the certification environment, without their private keys: FRMA must verify, bytes above 127
// included.
func TestVerifiesRealCAFs(t *testing.T) {
	sharedFile(t, "README.md")
	files, _ := filepath.Glob(shared + "caf/*.xml")
	if len(files) != 3 {
		t.Fatalf("%d samples", len(files))
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseCAF(data); !errors.Is(err, ErrCAFMalformed) {
			t.Errorf("%s has no private key: %v", f, err)
		}
		c := mustReadPublicCAF(t, data)
		if err := c.Verify(SII()); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestCAFRefusals(t *testing.T) {
	good := testCAFFile(t, Boleta)
	other := testCAFFile(t, Boleta)
	section := func(b []byte, tag string) string {
		_, after, _ := strings.Cut(string(b), "<"+tag+">")
		inner, _, _ := strings.Cut(after, "</"+tag+">")
		return inner
	}
	for _, c := range []struct {
		name string
		file string
		want error
	}{
		{"not XML", "hola", ErrCAFMalformed},
		{"another XML", "<DTE/>", ErrCAFMalformed},
		{"empty", "", ErrCAFMalformed},
		{"doctype", "<!DOCTYPE x>" + string(good), ErrCAFMalformed},
		{"too large", strings.Repeat(" ", 100_000), ErrCAFMalformed},
		{"range changed", strings.Replace(string(good), "<H>100</H>", "<H>900</H>", 1), ErrCAFTampered},
		{"range backwards", strings.Replace(string(good), "<D>1</D>", "<D>101</D>", 1), ErrCAFMalformed},
		{"RUT changed", strings.Replace(string(good), "<RE>76543210-3</RE>", "<RE>77777777-7</RE>", 1), ErrCAFTampered},
		{"RUT with wrong digit", strings.Replace(string(good), "<RE>76543210-3</RE>", "<RE>76543210-4</RE>", 1), ErrCAFMalformed},
		{"type changed", strings.Replace(string(good), "<TD>39</TD>", "<TD>33</TD>", 1), ErrCAFTampered},
		{"re-encoded as UTF-8", string(utf8Of(good)), ErrCAFTampered},
		{"another's private key", strings.Replace(string(good), section(good, "RSASK"), section(other, "RSASK"), 1), ErrCAFTampered},
		{"another's public key", strings.Replace(string(good), section(good, "M"), section(other, "M"), 1), ErrCAFTampered},
		{"no private key", strings.Replace(string(good), section(good, "RSASK"), "", 1), ErrCAFMalformed},
		{"private key cut", strings.Replace(string(good), section(good, "RSASK"), section(good, "RSASK")[:200], 1), ErrCAFMalformed},
		{"IDK of the SII", strings.Replace(string(good), "<IDK>999</IDK>", "<IDK>300</IDK>", 1), ErrCAFTampered},
		{"unknown IDK", strings.Replace(string(good), "<IDK>999</IDK>", "<IDK>5</IDK>", 1), ErrCAFUnknownKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			caf, err := ParseCAF([]byte(c.file))
			if err == nil {
				err = caf.Verify(testTrust())
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestCAFCovers(t *testing.T) {
	factura, boleta := testCAF(t, Factura), testCAF(t, Boleta)
	fa := Date{2026, 2, 2}
	for _, c := range []struct {
		name  string
		caf   *CAF
		rut   RUT
		tipo  TipoDTE
		folio Folio
		day   Date
		want  error
	}{
		{"first", factura, 76543210, Factura, 1, fa, nil},
		{"last folio, last day", factura, 76543210, Factura, 100, Date{2026, 8, 2}, nil},
		{"a day late", factura, 76543210, Factura, 100, Date{2026, 8, 3}, ErrCAFExpired},
		{"boletas do not expire", boleta, 76543210, Boleta, 100, Date{2029, 8, 3}, nil},
		{"before FA", boleta, 76543210, Boleta, 1, Date{2026, 2, 1}, ErrCAFNotFor},
		{"below", boleta, 76543210, Boleta, 0, fa, ErrCAFNotFor},
		{"above", boleta, 76543210, Boleta, 101, fa, ErrCAFNotFor},
		{"type", boleta, 76543210, Factura, 1, fa, ErrCAFNotFor},
		{"company", boleta, 77777777, Boleta, 1, fa, ErrCAFNotFor},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.caf.Covers(c.rut, c.tipo, c.folio, c.day); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Documents that give tax credit expire, the others do not (Res. Ex. SII 58 of 2017).
func TestWhichCAFsExpire(t *testing.T) {
	for tipo, want := range map[TipoDTE]bool{33: true, 34: false, 39: false, 41: false, 43: true, 46: true, 52: false, 56: true, 61: true, 110: false, 111: false, 112: false} {
		if tipo.CAFVence() != want {
			t.Errorf("%d: %v", tipo, !want)
		}
	}
}

// openssl is the independent judge of our 512-bit arithmetic.
func TestStampAgreesWithOpenssl(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	key := testCAF(t, Boleta).key
	dir := t.TempDir()
	pub, msg, sig := filepath.Join(dir, "k.pem"), filepath.Join(dir, "m"), filepath.Join(dir, "s")
	message := []byte("<DD>Ñandú</DD>")
	signature, err := key.sign(message)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{pub: []byte(key.publicPEM()), msg: message, sig: signature} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("openssl", "dgst", "-sha1", "-verify", pub, "-signature", sig, msg).CombinedOutput(); err != nil {
		t.Errorf("openssl refuses our stamp: %s", out)
	}
	if err := os.WriteFile(msg, []byte("<DD>other</DD>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("openssl", "dgst", "-sha1", "-verify", pub, "-signature", sig, msg).CombinedOutput(); err == nil {
		t.Errorf("openssl accepts another message: %s", out)
	}
}

func TestFlatten(t *testing.T) {
	for in, want := range map[string]string{
		"<a>\n <b> x </b>\r\n\t</a>": "<a><b> x </b></a>",
		"<a> x <b/> y </a>":          "<a> x <b/> y </a>",
		"<a> </a>":                   "<a></a>",
		"":                           "",
		">":                          ">",
	} {
		if got := string(flatten([]byte(in))); got != want {
			t.Errorf("flatten(%q) = %q, want %q", in, got, want)
		}
	}
}

// fuzzCAF is the same in every process: what one worker finds, the others must be able to repeat.
func fuzzCAF(t testing.TB) (*Authority, []byte) {
	t.Helper()
	a, err := NewAuthority(IDKSimulador, mathrand.NewChaCha8([32]byte{}))
	if err != nil {
		t.Fatal(err)
	}
	file, err := a.IssueCAF(76543210, "COMERCIAL ÑANDÚ & CÍA LIMITADA", Boleta, 1, 100, Date{2026, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	return a, file
}

func FuzzParseCAF(f *testing.F) {
	authority, file := fuzzCAF(f)
	trust := SII().With(IDKSimulador, authority.Public())
	f.Add(file)
	f.Add([]byte("<AUTORIZACION><CAF><DA/><FRMA/></CAF></AUTORIZACION>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCAF(data)
		if err != nil {
			return
		}
		if c.Verify(trust) == nil && !bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString(c.frma))) {
			t.Error("verified a signature that is not in the file")
		}
	})
}

func mustReadPublicCAF(t *testing.T, file []byte) *CAF {
	t.Helper()
	doc, err := xmltree.Parse(file, xmltree.Latin1, cafLimits)
	if err != nil {
		t.Fatal(err)
	}
	n := doc.Root
	if n.Name != "CAF" {
		n = n.Child("CAF")
	}
	c, err := readCAF(doc, n)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An authority saved and taken up again signs what the first one's key verifies; the SII's own keys cannot be replaced.
func TestAuthorityIsKept(t *testing.T) {
	again, err := OpenAuthority(IDKSimulador, testAuthority().PEM(), rand.Reader)
	if err != nil || again.IDK() != IDKSimulador {
		t.Fatal(err)
	}
	file, err := again.IssueCAF(76543210, "X", Boleta, 1, 2, Date{2026, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	caf, err := ParseCAF(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := caf.Verify(testTrust()); err != nil || caf.Ambiente() != Capacitacion {
		t.Errorf("%v, %s", err, caf.Ambiente())
	}
	for _, idk := range []int{IDKCertificacion, IDKProduccion} {
		forger, err := OpenAuthority(idk, testAuthority().PEM(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		forged, err := forger.IssueCAF(76543210, "X", Boleta, 1, 2, Date{2026, 2, 2})
		if err != nil {
			t.Fatal(err)
		}
		if caf, err = ParseCAF(forged); err != nil {
			t.Fatal(err)
		}
		if err := caf.Verify(SII().With(idk, forger.Public())); !errors.Is(err, ErrCAFTampered) {
			t.Errorf("IDK %d: %v", idk, err)
		}
	}
	if AmbienteDe(IDKProduccion) != Produccion || AmbienteDe(IDKCertificacion) != Certificacion {
		t.Error("environments")
	}
	if _, err := OpenAuthority(IDKSimulador, []byte("x"), rand.Reader); err == nil {
		t.Error("an authority without a key")
	}
	if _, err := NewAuthority(IDKSimulador, strings.NewReader("")); err == nil {
		t.Error("an authority without randomness")
	}
	if _, err := testAuthority().IssueCAF(76543210, "Ł", Boleta, 1, 2, Date{2026, 2, 2}); err == nil {
		t.Error("a name that Latin-1 cannot say")
	}
	boleta, factura := testCAF(t, Boleta), testCAF(t, Factura)
	if !boleta.Vence().IsZero() || factura.Vence() != (Date{2026, 8, 2}) {
		t.Errorf("%s %s", boleta.Vence(), factura.Vence())
	}
}
