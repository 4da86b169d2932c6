package dte

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"mostrador/dte/xmltree"
)

// replaced is xml with old replaced once by new; old must be there.
func replaced(t testing.TB, xml []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(xml, []byte(old)) {
		t.Fatalf("%q is not there", old)
	}
	return bytes.Replace(xml, []byte(old), []byte(new), 1)
}

// resigned is a document whose signed element was edited and signed again by its own signer, as a dishonest emitter does.
func resigned(t testing.TB, d *Document, old, new string) []byte {
	t.Helper()
	xml := replaced(t, d.XML, old, new)
	doc, err := xmltree.Parse(xml, xmltree.Latin1, documentLimits)
	if err != nil {
		t.Fatal(err)
	}
	body := doc.Root.Children[0]
	signature, _, err := testSigner().signature(d.Key().ID(), doc.Canonical(body, true), alone)
	if err != nil {
		t.Fatal(err)
	}
	return join(xml[:body.Start], doc.Bytes(body), []byte("\n"), signature, []byte("\n</DTE>"))
}

// What a dishonest emitter signs so that two readers see two documents: the signature holds, and it is refused all the
// same.
func TestVerifyRefusesWhatTwoReadersReadDifferently(t *testing.T) {
	doc := emit(t, shapes()["39-con-exento"], 7)
	if _, err := Verify(resigned(t, doc, "item exento 2", "item exento 3"), testTrust()); err != nil {
		t.Fatalf("an honest document signed again: %v", err)
	}
	for name, edit := range map[string][2]string{
		"two folios":                {"<Folio>7</Folio>", "<Folio>7</Folio><Folio>8</Folio>"},
		"two totals":                {"<Totales>", "<Totales><MntTotal>1</MntTotal></Totales><Totales>"},
		"two amounts":               {"<MntTotal>", "<MntTotal>14720</MntTotal><MntTotal>"},
		"two headers":               {"<Encabezado>", "<Encabezado><IdDoc></IdDoc></Encabezado><Encabezado>"},
		"two names of a line":       {"<NmbItem>", "<NmbItem>item afecto 1</NmbItem><NmbItem>"},
		"two DD":                    {"<DD>", "<DD><F>9</F></DD><DD>"},
		"two CAF":                   {"<CAF ", "<CAF version=\"1.0\"></CAF><CAF "},
		"two TSTED":                 {"<TSTED>", "<TSTED>2026-03-16T00:00:00</TSTED><TSTED>"},
		"a prefixed twin":           {"<Folio>7<", "<x:Folio xmlns:x=\"urn:x\">9</x:Folio><Folio>7<"},
		"another namespace":         {"<Folio>7<", "<Folio xmlns=\"urn:x\">7<"},
		"an element inside a value": {"<MntTotal>14720<", "<MntTotal>14<x>000</x>720<"},
		"something in the CAF":      {"</CAF>", "<x></x></CAF>"},
	} {
		if _, err := Verify(resigned(t, doc, edit[0], edit[1]), testTrust()); !errors.Is(err, ErrNotDTE) && !errors.Is(err, ErrCAFMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Outside what the signature covers, where anybody can write.
	keyInfo := string(doc.XML[bytes.Index(doc.XML, []byte("<KeyInfo>")):bytes.Index(doc.XML, []byte("</Signature>"))])
	for name, edit := range map[string][2]string{
		"two KeyInfo":            {"<KeyInfo>", strings.TrimSpace(keyInfo) + "<KeyInfo>"},
		"two certificates":       {"<X509Certificate>", "<X509Certificate>AQAB</X509Certificate><X509Certificate>"},
		"two signature values":   {"<SignatureValue>", "<SignatureValue>AQAB</SignatureValue><SignatureValue>"},
		"two SignedInfo":         {"<SignedInfo>", "<SignedInfo></SignedInfo><SignedInfo>"},
		"comment in an amount":   {"<MntTotal>147", "<MntTotal>147<!-- -->"},
		"comment that looks odd": {"<MntTotal>147", "<MntTotal>147<!-->00-->"},
		"comment in the timbre":  {"<MNT>147", "<MNT>147<!-- -->"},
	} {
		if _, err := Verify(replaced(t, doc.XML, edit[0], edit[1]), testTrust()); !errors.Is(err, ErrNotDTE) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// CDATA is text like any other, and is read whole.
	if d, err := Verify(replaced(t, doc.XML, "<NmbItem>item afecto 1<", "<NmbItem>item <![CDATA[afecto]]> 1<"), testTrust()); err != nil || d.Detalle[0].Nombre != "item afecto 1" {
		t.Errorf("CDATA: %v", err)
	}
	if d, err := Verify(replaced(t, doc.XML, "<MntTotal>14720<", "<MntTotal>1<"), testTrust()); err == nil || d != nil {
		t.Error("a refused document is given away")
	}
}

// The timbre is made over ISO-8859-1 bytes and an envelope declares them: a document in UTF-8 would verify alone and be
// something else where it is sent.
func TestVerifyRefusesUTF8(t *testing.T) {
	doc := emit(t, shapes()["39-simple"], 7)
	utf := append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), utf8Of(doc.XML)...)
	if _, err := Verify(utf, testTrust()); !errors.Is(err, ErrNotDTE) {
		t.Errorf("in UTF-8: %v", err)
	}
	envelope := testEnvelope(t, doc)
	body, _ := bytes.CutPrefix(envelope, []byte(Declaration))
	if _, err := VerifyEnvelope(append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), utf8Of(body)...), testTrust()); !errors.Is(err, ErrEnvelope) {
		t.Errorf("an envelope in UTF-8: %v", err)
	}
}

func testEnvelope(t testing.TB, docs ...*Document) []byte {
	t.Helper()
	xml, err := NewEnvelope(docs, Resolucion{Fch: Date{2026, 1, 15}}, RUTSII, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

// resignedEnvelope is an envelope edited and signed again by its own signer.
func resignedEnvelope(t testing.TB, xml []byte, old, new string) []byte {
	t.Helper()
	xml = replaced(t, xml, old, new)
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		t.Fatal(err)
	}
	set, sig := doc.Root.Children[0], doc.Root.Children[1]
	signature, _, err := testSigner().signature("SetDoc", doc.Canonical(set, true), inEnvelope)
	if err != nil {
		t.Fatal(err)
	}
	return join(xml[:sig.Start], signature, xml[sig.End:])
}

func TestVerifyEnvelopeRefuses(t *testing.T) {
	b1, b2 := emit(t, shapes()["39-simple"], 1), emit(t, shapes()["39-con-exento"], 2)
	good := testEnvelope(t, b1, b2)
	if e, err := VerifyEnvelope(resignedEnvelope(t, good, "<NroResol>0<", "<NroResol>80<"), testTrust()); err != nil || e.Resolucion.Nro != 80 {
		t.Fatalf("an honest envelope signed again: %v", err)
	}
	one := string(b1.XML)
	caratula := string(good[bytes.Index(good, []byte("<Caratula")):bytes.Index(good, []byte("<DTE"))])
	for name, edit := range map[string][2]string{
		"no documents":              {one + "\n" + string(b2.XML), ""},
		"more than 500":             {one, strings.Repeat(one, 500)},
		"two carátulas":             {"<Caratula", caratula + "<Caratula"},
		"two senders":               {"<RutEnvia>", "<RutEnvia>77777777-7</RutEnvia><RutEnvia>"},
		"no carátula":               {caratula, ""},
		"a document of no kind":     {one, "<Otro></Otro>"},
		"a document hidden deeper":  {one, "<Otro>" + one + "</Otro>"},
		"one document twice":        {string(b2.XML), one},
		"a count of -1":             {"<NroDTE>2</NroDTE>", "<NroDTE>-1</NroDTE></SubTotDTE><SubTotDTE><TpoDTE>39</TpoDTE><NroDTE>3</NroDTE>"},
		"another count":             {"<NroDTE>2<", "<NroDTE>1<"},
		"another company":           {"<RutEmisor>76543210-3<", "<RutEmisor>77777777-7<"},
		"a RUT without its digit":   {"<RutEnvia>11111111-1<", "<RutEnvia>11111111<"},
		"a date that is not a date": {"<FchResol>2026-01-15<", "<FchResol>2026-02-30<"},
	} {
		e, err := VerifyEnvelope(resignedEnvelope(t, good, edit[0], edit[1]), testTrust())
		if !errors.Is(err, ErrEnvelope) || name == "more than 500" && !strings.Contains(err.Error(), "caben 500") {
			t.Errorf("%s: %v %+v", name, err, e)
		}
	}
	for name, xml := range map[string][]byte{
		"empty": nil, "another root": []byte("<DTE/>"), "no namespace": []byte("<EnvioDTE><SetDTE/><Signature/></EnvioDTE>"),
		"cut": good[:len(good)-9],
	} {
		if _, err := VerifyEnvelope(xml, testTrust()); !errors.Is(err, ErrEnvelope) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A document whose text reads like markup is cut out where it stands.
	tricky := shapes()["39-simple"]
	tricky.Detalle[0].Nombre = "</DTE><DTE version=\"1.0\"> ]]> <SetDTE>"
	doc := emit(t, tricky, 3)
	e, err := VerifyEnvelope(testEnvelope(t, b1, doc, b2), testTrust())
	if err != nil || len(e.Faults) > 0 || !bytes.Equal(e.Documents[1].XML, doc.XML) {
		t.Errorf("text that reads like markup: %v", err)
	}
	// A document that does not verify spoils itself and not the others.
	altered := resignedEnvelope(t, good, "<MntTotal>29800<", "<MntTotal>2980<")
	if e, err := VerifyEnvelope(altered, testTrust()); err != nil || len(e.Faults) != 1 || !errors.Is(e.Faults[0], ErrSignature) || e.Documents[0] == nil {
		t.Errorf("one altered document: %v %+v", err, e)
	}
}

func TestNewEnvelopeRefuses(t *testing.T) {
	doc := emit(t, shapes()["39-simple"], 1)
	res := Resolucion{Nro: 80, Fch: Date{2014, 8, 22}}
	for name, try := range map[string]func() error{
		"no date of the resolution": func() error {
			_, err := NewEnvelope([]*Document{doc}, Resolucion{Nro: 80}, RUTSII, testSigner(), noon)
			return err
		},
		"a resolution of seven digits": func() error {
			_, err := NewEnvelope([]*Document{doc}, Resolucion{Nro: 1_000_000, Fch: res.Fch}, RUTSII, testSigner(), noon)
			return err
		},
		"no receiver": func() error {
			_, err := NewEnvelope([]*Document{doc}, res, 0, testSigner(), noon)
			return err
		},
		"a document with declarations of its own": func() error {
			other := *doc
			other.XML = replaced(t, doc.XML, "<DTE ", `<DTE xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" `)
			_, err := NewEnvelope([]*Document{&other}, res, RUTSII, testSigner(), noon)
			return err
		},
		"two companies": func() error {
			other := *doc
			other.Emisor.RUT, other.Folio = 77777777, 2
			_, err := NewEnvelope([]*Document{doc, &other}, res, RUTSII, testSigner(), noon)
			return err
		},
		"more bytes than anybody takes": func() error {
			var docs []*Document
			for i := range 40 {
				other := *doc
				other.Folio = Folio(i + 1)
				other.XML = replaced(t, doc.XML, "<NmbItem>", "<NmbItem>"+strings.Repeat("x", 1<<20))
				docs = append(docs, &other)
			}
			_, err := NewEnvelope(docs, res, RUTSII, testSigner(), noon)
			return err
		},
	} {
		if err := try(); !errors.Is(err, ErrEnvelope) || errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := signerFor(testSigner().key, "11111111-1", noon.AddDate(-3, 0, 0), noon.AddDate(-1, 0, 0))
	if _, err := NewEnvelope([]*Document{doc}, res, RUTSII, old, noon); !errors.Is(err, ErrCertificateExpired) {
		t.Errorf("expired certificate: %v", err)
	}
}

// The SII signs DA and nothing else of the file, and the whole CAF goes into every document: what is added beside DA would
// burn every folio.
func TestCAFTricks(t *testing.T) {
	good := testCAFFile(t, Boleta)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	// A key of 40,000 bits, which nobody should have to check.
	huge := derSequence(big.NewInt(0), new(big.Int).Lsh(large.N, 38_000), big.NewInt(3), large.D, large.Primes[0], large.Primes[1], large.D, large.D, large.D)
	key := string(good[bytes.Index(good, []byte("-----BEGIN RSA")):bytes.Index(good, []byte("</RSASK>"))])
	caf := string(good[bytes.Index(good, []byte("<CAF")) : bytes.Index(good, []byte("</CAF>"))+6])
	for name, edit := range map[string][2]string{
		"an element beside DA":      {"</DA>", "</DA><NOTA>x</NOTA>"},
		"a second FRMA":             {"</CAF>", "<FRMA algoritmo=\"SHA1withRSA\">AQAB</FRMA></CAF>"},
		"a second CAF":              {"</CAF>", "</CAF>" + caf},
		"a second key":              {"</RSASK>", "</RSASK><RSASK>" + key + "</RSASK>"},
		"a comment":                 {"<DA>", "<!-- x --><DA>"},
		"an attribute":              {"<CAF ", "<CAF x=\"1\" "},
		"another version":           {"<CAF version=\"1.0\"", "<CAF version=\"2.0\""},
		"another algorithm":         {"SHA1withRSA", "MD5withRSA"},
		"a namespace":               {"<CAF ", "<CAF xmlns=\"urn:x\" "},
		"two ranges":                {"<RNG>", "<RNG><D>1</D><H>9</H></RNG><RNG>"},
		"no CAF":                    {caf, ""},
		"declared and in UTF-8":     {"<?xml version=\"1.0\"?>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"},
		"a private key without end": {key, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: huge}))},
		"a private key of EC":       {"RSA PRIVATE KEY-----\n", "EC PRIVATE KEY-----\n"},
		"base64 that is not":        {"<M>", "<M>*"},
		"an even modulus":           {caf[strings.Index(caf, "<M>"):strings.Index(caf, "</M>")], "<M>" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfe}, 64))},
		"a folio of 11 digits":      {"<H>100<", "<H>10000000000<"},
		"folio zero":                {"<D>1<", "<D>0<"},
		"a day that is none":        {"<FA>2026-02-02<", "<FA>2026-02-31<"},
	} {
		file := replaced(t, good, edit[0], edit[1])
		if name == "declared and in UTF-8" {
			file = utf8Of(file)
		}
		start := time.Now()
		if _, err := ParseCAF(file); !errors.Is(err, ErrCAFMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: refusing took %s", name, took)
		}
	}
}

// counts rewrites a PKCS#12 file with f applied to the value of every iteration count and to the header of its salt, by
// number; it returns how many there are.
func counts(der []byte, f func(i int, salt, count *asn1.RawValue)) ([]byte, int) {
	n := 0
	var rewrite func(der []byte) []byte
	rewrite = func(der []byte) []byte {
		var values []asn1.RawValue
		for rest := der; len(rest) > 0; {
			var v asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &v); err != nil {
				return der // not DER: data
			}
			values = append(values, v)
		}
		var out []byte
		for i := range values {
			v := &values[i]
			if i+1 < len(values) && v.Tag == asn1.TagOctetString && values[i+1].Class == 0 && values[i+1].Tag == asn1.TagInteger {
				f(n, v, &values[i+1])
				n++
			} else if v.IsCompound || v.Tag == asn1.TagOctetString {
				v.Bytes = rewrite(v.Bytes)
			}
			v.FullBytes = nil
			b, err := asn1.Marshal(*v)
			if err != nil {
				return der
			}
			out = append(out, b...)
		}
		return out
	}
	return rewrite(der), n
}

// Ciphertext is no DER, whatever its first bytes seem to say: one file in some thousands was refused for them.
func TestCiphertextIsNoBomb(t *testing.T) {
	unlucky := []byte{0x04, 0x01, 0x00, 0x02, 0x04, 0x7f, 0xff, 0xff, 0xff, 0x17, 0x2a}
	for _, tag := range []byte{asn1.TagOctetString, 0x80} { // a salt or digest, and encrypted content
		file := append([]byte{0x30, byte(len(unlucky) + 2), tag, byte(len(unlucky))}, unlucky...)
		if n := iterations(file, 0); n != 0 {
			t.Errorf("tag %#x: %d rounds", tag, n)
		}
	}
}

// Wherever a file asks for too much work, it is refused before any is done: in the MAC, the certificates, the key, behind a
// salt of an odd class, or in small parts.
func TestPFXBombs(t *testing.T) {
	s := testSigner()
	for name, encoder := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern, "3DES": pkcs12.LegacyDES} {
		pfx, err := encoder.Encode(s.key, s.cert, nil, "clave")
		if err != nil {
			t.Fatal(err)
		}
		same, n := counts(pfx, func(int, *asn1.RawValue, *asn1.RawValue) {})
		if !bytes.Equal(same, pfx) || n < 2 { // the older one has a MAC of one round, which it does not say
			t.Fatalf("%s: %d counts found", name, n)
		}
		if _, err := OpenPFX(pfx, "clave"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refused := func(how string, f func(i int, salt, count *asn1.RawValue)) {
			t.Helper()
			bomb, _ := counts(pfx, f)
			start := time.Now()
			if _, err := OpenPFX(bomb, "clave"); !errors.Is(err, ErrPFXBomb) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s, %s: refusing took %s", name, how, took)
			}
		}
		twenty := []byte{0x01, 0x31, 0x2d, 0x00}
		for place := range n {
			refused("20 million", func(i int, _, count *asn1.RawValue) {
				if i == place {
					count.Bytes = twenty
				}
			})
			refused("20 million behind an odd salt", func(i int, salt, count *asn1.RawValue) {
				if i == place {
					salt.Class, count.Bytes = asn1.ClassContextSpecific, twenty
				}
			})
			refused("2^80", func(i int, _, count *asn1.RawValue) {
				if i == place {
					count.Bytes = append([]byte{1}, make([]byte, 10)...)
				}
			})
		}
		refused("600,000 each", func(_ int, _, count *asn1.RawValue) { count.Bytes = []byte{0x09, 0x27, 0xc0} })
	}
}

// The forms in which Chilean certificates carry the RUT of their owner.
func TestRUTInCertificates(t *testing.T) {
	otherName := func(oid asn1.ObjectIdentifier, value any, params string) asn1.RawValue {
		inner, err := asn1.MarshalWithParams(value, params)
		if err != nil {
			t.Fatal(err)
		}
		id, err := asn1.Marshal(oid)
		if err != nil {
			t.Fatal(err)
		}
		explicit, err := asn1.Marshal(asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: inner})
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: append(id, explicit...)}
	}
	mail := asn1.RawValue{Class: 2, Tag: 1, Bytes: []byte("a@example.invalid")}
	issuer := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8321, 2}
	type permanent struct {
		Value string `asn1:"utf8"`
	}
	for _, c := range []struct {
		name    string
		names   []asn1.RawValue
		subject string
		want    RUT
	}{
		{"IA5String", []asn1.RawValue{otherName(oidRUT, "12345678-5", "ia5")}, "", 12345678},
		{"UTF8String behind a mail address", []asn1.RawValue{mail, otherName(oidRUT, "12345678-5", "utf8")}, "", 12345678},
		{"older type", []asn1.RawValue{otherName(oidRUTOld, "12.345.678-5", "ia5")}, "", 12345678},
		{"leading zero", []asn1.RawValue{otherName(oidRUT, "01234567-4", "ia5")}, "", 1234567},
		{"small k", []asn1.RawValue{otherName(oidRUT, "60803000-k", "ia5")}, "", 60803000},
		{"permanent identifier", []asn1.RawValue{otherName(oidPermanentIdentifier, permanent{"12345678-5"}, "")}, "", 12345678},
		{"the first is damaged", []asn1.RawValue{otherName(oidRUTOld, "?", "ia5"), otherName(oidRUT, "12345678-5", "ia5")}, "", 12345678},
		{"the name wins over the subject", []asn1.RawValue{otherName(oidRUT, "12345678-5", "ia5")}, "11111111-1", 12345678},
		{"subject only", nil, "11111111-1", 11111111},
		{"subject, the name being of the issuer", []asn1.RawValue{otherName(issuer, "12345678-5", "ia5")}, "11111111-1", 11111111},
		{"wrong digit, no subject", []asn1.RawValue{otherName(oidRUT, "12345678-9", "ia5")}, "", 0},
		{"only the issuer's", []asn1.RawValue{otherName(issuer, "12345678-5", "ia5")}, "", 0},
		{"none", nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0), Subject: pkix.Name{CommonName: "X", SerialNumber: c.subject}}
			if c.names != nil {
				value, err := asn1.Marshal(c.names)
				if err != nil {
					t.Fatal(err)
				}
				template.ExtraExtensions = []pkix.Extension{{Id: oidSubjectAltName, Value: value}}
			}
			key := testSigner().key
			der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
			if err != nil {
				t.Fatal(err)
			}
			s, err := NewSigner(key, der)
			switch {
			case c.want == 0 && !errors.Is(err, ErrPFXMalformed):
				t.Errorf("got %v, want a refusal", err)
			case c.want != 0 && (err != nil || s.RUT() != c.want):
				t.Errorf("got %v %v, want %s", s, err, c.want)
			}
		})
	}
	for _, damaged := range [][]byte{nil, {0x30}, {0x30, 0x02, 0xa0, 0x00}, {0x30, 0x04, 0xa0, 0x02, 0x06, 0x00}} {
		if texts := otherNames(damaged); len(texts) > 0 {
			t.Errorf("%x: %q", damaged, texts)
		}
	}
}

func TestSignersThatNobodyCouldVerify(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	for bits, want := range map[int]error{512: ErrPFXMalformed, 1024: nil} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{SerialNumber: "11111111-1"}, NotAfter: noon}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, testSigner().key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewSigner(key, der); !errors.Is(err, want) {
			t.Errorf("%d bits: %v", bits, err)
		}
		if _, err := NewSigner(testSigner().key, der); !errors.Is(err, ErrPFXMalformed) {
			t.Errorf("another's key: %v", err)
		}
	}
	if _, err := NewSigner(testSigner().key, []byte("x")); !errors.Is(err, ErrPFXMalformed) {
		t.Error(err)
	}
}

// A seed comes over the wire and is signed: it may not bring markup.
func TestSeedsThatAreNotSeeds(t *testing.T) {
	for _, seed := range []string{"", "1</Semilla><x/><Semilla>", "1 2", "1&2", "ñ", strings.Repeat("1", 101)} {
		if xml, err := SignGetToken(seed, testSigner()); err == nil {
			t.Errorf("%q was signed: %s", seed, xml)
		}
	}
	good, err := SignGetToken("030530912644", testSigner())
	if err != nil {
		t.Fatal(err)
	}
	signature := string(good[bytes.Index(good, []byte("<Signature")) : bytes.Index(good, []byte("</Signature>"))+12])
	for name, edit := range map[string][2]string{
		"two seeds":      {"<item>", "<item><Semilla>1</Semilla></item><item>"},
		"two signatures": {"</getToken>", signature + "</getToken>"},
		"no signature":   {signature, ""},
		"no certificate": {signature[strings.Index(signature, "<X509Data>"):strings.Index(signature, "</KeyInfo>")], ""},
		"a reference":    {`URI=""`, `URI="#x"`},
		"a transform":    {algEnveloped, algC14N},
		"another root":   {"<getToken>", "<getTicket>"},
	} {
		if _, _, err := VerifyGetToken(replaced(t, good, edit[0], edit[1])); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestEmitAcceptsOnlyItsOwnCAF(t *testing.T) {
	caf := testCAF(t, Boleta)
	doc, err := write(shapes()["39-simple"], 7, caf, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readBack(doc, caf, testSigner()); err != nil {
		t.Fatal(err)
	}
	if _, err := readBack(doc, testCAF(t, Boleta), testSigner()); !errors.Is(err, ErrReadBack) || !errors.Is(err, ErrCAFTampered) {
		t.Errorf("read back with another CAF: %v", err)
	}
	altered := *doc
	altered.Totales.IVA++
	if _, err := readBack(&altered, caf, testSigner()); !errors.Is(err, ErrReadBack) {
		t.Errorf("another IVA was meant: %v", err)
	}
}

// The signature's own profile: each of these is signed properly over what it says, and says what the SII's profile does not
// allow.
func TestVerifyRefusesOtherSignatureProfiles(t *testing.T) {
	doc := emit(t, shapes()["39-simple"], 7)
	body := doc.XML[bytes.Index(doc.XML, []byte("<Documento")) : bytes.Index(doc.XML, []byte("</Documento>"))+12]
	digest := sha1.Sum(utf8Of(body))
	honest := signedInfo("#T39F7", algC14N, digest[:])
	reference := honest[strings.Index(honest, "<Reference") : strings.Index(honest, "</Reference>")+12]
	transform := `<Transform Algorithm="` + algC14N + `"></Transform>`
	signed := func(info string) []byte {
		value, err := signDigest(testSigner().key, []byte(`<SignedInfo xmlns="`+nsDSig+`"`+info))
		if err != nil {
			t.Fatal(err)
		}
		return join([]byte(`<DTE version="1.0">`), body, []byte(`<Signature xmlns="`+nsDSig+`"><SignedInfo`+info+"<SignatureValue>"+wrap64(value)+"</SignatureValue>"),
			testSigner().keyInfo, []byte("</Signature></DTE>"))
	}
	if _, err := Verify(signed(honest), testTrust()); err != nil {
		t.Fatalf("an honest one: %v", err)
	}
	if _, err := Verify(signed(strings.Replace(honest, "<Transforms>"+transform+"</Transforms>", "", 1)), testTrust()); err != nil {
		t.Errorf("without transforms, which the schema allows: %v", err)
	}
	for name, edit := range map[string][2]string{
		"two references":      {reference, reference + strings.Replace(reference, "#T39F7", "#other", 1)},
		"no reference":        {reference, ""},
		"another element":     {"#T39F7", "#other"},
		"the whole file":      {"#T39F7", ""},
		"exclusive c14n":      {`<CanonicalizationMethod Algorithm="` + algC14N, `<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#`},
		"SHA-256 signature":   {algRSASHA1, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
		"SHA-256 digest":      {`<DigestMethod Algorithm="` + algSHA1, `<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256`},
		"XPath":               {`<Transform Algorithm="` + algC14N, `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116`},
		"two transforms":      {transform, transform + transform},
		"digest of another":   {"<DigestValue>", "<DigestValue>AAAA"},
		"digest not base64":   {"<DigestValue>", "<DigestValue>*"},
		"no canonicalization": {`<CanonicalizationMethod Algorithm="` + algC14N + `"></CanonicalizationMethod>`, ""},
	} {
		xml := signed(string(replaced(t, []byte(honest), edit[0], edit[1])))
		if _, err := Verify(xml, testTrust()); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrNotDTE) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Signed and stamped properly, with a CAF that does not cover the document.
func TestVerifyJudgesWhatTheCAFCovers(t *testing.T) {
	caf := testCAF(t, Factura)
	for name, c := range map[string]struct {
		lie  func(*Document)
		want error
	}{
		"folio outside the range": {func(d *Document) { d.Folio = 101 }, ErrCAFNotFor},
		"another type":            {func(d *Document) { d.Tipo = FacturaExenta }, ErrCAFNotFor},
		"another company":         {func(d *Document) { d.Emisor.RUT = 77777777 }, ErrCAFNotFor},
		"after its expiry":        {func(d *Document) { d.FchEmis = Date{2026, 8, 3} }, ErrCAFExpired},
		"before it was given":     {func(d *Document) { d.FchEmis = Date{2026, 2, 1} }, ErrCAFNotFor},
	} {
		doc, err := write(shapes()["33-simple"], 7, caf, testSigner(), noon)
		if err != nil {
			t.Fatal(err)
		}
		c.lie(doc)
		if err := doc.stampAndSign(caf, testSigner()); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(doc.XML, testTrust()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Who has a certificate but not the CAF's key can sign a document and cannot stamp it.
func TestVerifyRefusesAStampWithoutTheCAFKey(t *testing.T) {
	doc := *emit(t, shapes()["39-con-exento"], 7)
	doc.XML = replaced(t, doc.XML, "<MNT>14720<", "<MNT>24720<")
	if _, err := Verify(resigned(t, &doc, "<MntTotal>14720<", "<MntTotal>24720<"), testTrust()); !errors.Is(err, ErrTED) || !strings.Contains(err.Error(), "TED-2-510") {
		t.Errorf("got %v", err)
	}
}

// Who has no key can still make the digest agree with what he changed.
func TestVerifyRefusesANewDigestUnderAnOldSignature(t *testing.T) {
	doc := emit(t, shapes()["39-con-exento"], 7)
	xml := replaced(t, doc.XML, "<NmbItem>item exento 2<", "<NmbItem>item exento 3<")
	body := xml[bytes.Index(xml, []byte("<Documento")) : bytes.Index(xml, []byte("</Documento>"))+12]
	sum := sha1.Sum(utf8Of(body))
	digest := xml[bytes.Index(xml, []byte("<DigestValue>")):bytes.Index(xml, []byte("</DigestValue>"))]
	xml = replaced(t, xml, string(digest), "<DigestValue>"+base64.StdEncoding.EncodeToString(sum[:]))
	if _, err := Verify(xml, testTrust()); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), "valor de la firma") {
		t.Errorf("got %v", err)
	}
}

// Which element a signature covers is decided by its ID: it must be one.
func TestVerifyRefusesAnIDThatIsSignedTwice(t *testing.T) {
	doc := emit(t, shapes()["39-simple"], 7)
	if _, err := Verify(resigned(t, doc, "<Encabezado>", `<Encabezado ID="T39F7">`), testTrust()); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}

// A key of one's own beside another's certificate: the signature holds, and the name on it would be the other's.
func TestVerifyRefusesAnothersCertificate(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forger := *testSigner()
	forger.key, forger.keyInfo = key, keyInfo(&key.PublicKey, testSigner().cert.Raw)
	doc, err := write(shapes()["39-simple"], 7, testCAF(t, Boleta), &forger, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(doc.XML, testTrust()); !errors.Is(err, ErrSignature) {
		t.Errorf("a document: %v", err)
	}
	if _, err := Emit(shapes()["39-simple"], 7, testCAF(t, Boleta), &forger, noon); !errors.Is(err, ErrReadBack) {
		t.Errorf("read back: %v", err)
	}
	// And the reverse: what the maker reads back must carry his certificate.
	other := signerFor(testSigner().key, "22222222-2", noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	if doc, err = write(shapes()["39-simple"], 7, testCAF(t, Boleta), other, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := verifyAs(maker{signer: testSigner()}, doc.XML, xmltree.Latin1); !errors.Is(err, ErrSignature) {
		t.Errorf("another's certificate with the same key: %v", err)
	}
}
