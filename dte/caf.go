package dte

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"

	"mostrador/dte/xmltree"
)

// Ambiente is where documents are valid.
type Ambiente string

// The environments. Capacitacion is our own practice mode: CAFs of the simulator, worthless on purpose.
const (
	Produccion    Ambiente = "produccion"
	Certificacion Ambiente = "certificacion"
	Capacitacion  Ambiente = "capacitacion"
)

// The SII's keys that sign CAFs, named in the CAF's field IDK.
const (
	IDKCertificacion = 100
	IDKProduccion    = 300
	// IDKSimulador is used by our simulator; the SII has no such key.
	IDKSimulador = 999
)

// AmbienteDe is the environment that a CAF with this IDK belongs to.
func AmbienteDe(idk int) Ambiente {
	switch idk {
	case IDKProduccion:
		return Produccion
	case IDKCertificacion:
		return Certificacion
	}
	return Capacitacion
}

// Errors of a CAF. Each comes wrapped in a Spanish sentence for the person who imports it.
var (
	// ErrCAFMalformed: not an authorisation file, or a damaged one.
	ErrCAFMalformed = errors.New("el archivo no es un CAF válido")
	// ErrCAFTampered: FRMA does not verify, or the keys do not belong together.
	ErrCAFTampered = errors.New("el CAF fue alterado")
	// ErrCAFUnknownKey: signed with a key that is not trusted here.
	ErrCAFUnknownKey = errors.New("el CAF no está firmado por el SII de este ambiente")
	// ErrCAFExpired: its folios may no longer be used (CAF-3-517).
	ErrCAFExpired = errors.New("el CAF está vencido")
	// ErrCAFNotFor: it does not cover this document (CAF-3-516).
	ErrCAFNotFor = errors.New("el CAF no cubre este documento")
)

// CAF is a range of folios authorised by the SII. It may hold the private key that stamps: keep its file sealed at rest.
type CAF struct {
	Emisor       RUT
	RznSoc       string
	Tipo         TipoDTE
	Desde, Hasta Folio // inclusive
	FA           Date  // day of authorisation
	IDK          int

	xml       []byte // <CAF>…</CAF> exactly as in the file
	canonical []byte // the same in canonical form, UTF-8, for the document's digest
	flat      []byte // the same with the white space between tags removed, for the stamp
	da, frma  []byte // what the SII signed, and its signature
	public    *rsa.PublicKey
	key       *stampKey // nil in a CAF read from inside a document
}

// A real CAF file measures about 1.2 kB.
var cafLimits = xmltree.Limits{Bytes: 64 << 10, Nodes: 200, Depth: 10}

// ParseCAF reads an authorisation file as downloaded: Latin-1 bytes whatever the declaration omits to say, with the
// private key. The private key must be that of the public key inside. It does not judge who signed it: see Verify.
func ParseCAF(file []byte) (*CAF, error) {
	doc, err := xmltree.Parse(file, xmltree.Latin1, cafLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w. Descargue el archivo de nuevo desde el sitio del SII", ErrCAFMalformed, err)
	}
	if doc.Root.Name != "AUTORIZACION" {
		return nil, fmt.Errorf("%w: se esperaba AUTORIZACION y trae %s", ErrCAFMalformed, doc.Root.Name)
	}
	if len(doc.Root.All("CAF")) != 1 || len(doc.Root.All("RSASK")) != 1 {
		return nil, fmt.Errorf("%w: debe traer un CAF y su llave privada RSASK", ErrCAFMalformed)
	}
	c, err := readCAF(doc, doc.Root.Child("CAF"))
	if err != nil {
		return nil, err
	}
	c.key, err = parseStampKey(doc.Text(doc.Root.Child("RSASK")))
	if err != nil {
		return nil, fmt.Errorf("%w: RSASK %w", ErrCAFMalformed, err)
	}
	if c.key.n.Cmp(c.public.N) != 0 || c.key.e.Cmp(big.NewInt(int64(c.public.E))) != 0 {
		return nil, fmt.Errorf("%w: la llave privada no corresponde a la llave pública. No se usará; descárguelo de nuevo", ErrCAFTampered)
	}
	return c, nil
}

// readCAF reads a <CAF> element, in a file or inside a TED.
func readCAF(doc *xmltree.Doc, n *xmltree.Node) (*CAF, error) {
	if !isCAF(doc, n) {
		return nil, fmt.Errorf("%w: debe traer un CAF con DA y FRMA, y nada más", ErrCAFMalformed)
	}
	da := n.Children[0]
	r := reader{doc: doc}
	c := &CAF{
		Emisor: r.rut(da, "RE"),
		RznSoc: r.text(da, "RS"),
		Tipo:   TipoDTE(r.integer(da, "TD")),
		Desde:  Folio(r.integer(da.Child("RNG"), "D")),
		Hasta:  Folio(r.integer(da.Child("RNG"), "H")),
		FA:     r.date(da, "FA"),
		IDK:    int(r.integer(da, "IDK")),

		xml:       bytes.Clone(doc.Bytes(n)),
		canonical: doc.Canonical(n, false),
		flat:      flatten(doc.Bytes(n)),
		da:        flatten(doc.Bytes(da)),
		frma:      r.base64(n, "FRMA"),
		public:    r.publicKey(da.Child("RSAPK"), "M", "E"),
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCAFMalformed, r.err)
	}
	if c.Desde < 1 || c.Hasta < c.Desde || c.Hasta > maxFolio {
		return nil, fmt.Errorf("%w: el rango %d a %d no tiene sentido", ErrCAFMalformed, c.Desde, c.Hasta)
	}
	return c, nil
}

// isCAF reports an element of exactly the format's shape. It goes into every document byte for byte, and the SII's
// signature covers only DA: anything added beside it would pass FRMA and make the SII refuse every document.
func isCAF(doc *xmltree.Doc, n *xmltree.Node) bool {
	if n == nil || n.Name != "CAF" || len(n.Children) != 2 || n.Children[0].Name != "DA" || n.Children[1].Name != "FRMA" {
		return false
	}
	only := func(n *xmltree.Node, attrs ...xmltree.Attr) bool { return slices.Equal(n.Attrs, attrs) }
	return only(n, xmltree.Attr{Name: "version", Value: "1.0"}) &&
		only(n.Children[0]) && only(n.Children[1], xmltree.Attr{Name: "algoritmo", Value: "SHA1withRSA"}) &&
		strict(n, "") == nil && isLatin1(doc) && !bytes.Contains(doc.Bytes(n), []byte("<!"))
}

const maxFolio Folio = 9_999_999_999 // 10 digits (FolioType)

// flatten removes every run of white space between two tags and leaves the content of elements untouched: the form over
// which the SII signs a CAF and we sign a TED.
func flatten(b []byte) []byte {
	flat := make([]byte, 0, len(b))
	for len(b) > 0 {
		tag := bytes.IndexByte(b, '>') + 1
		if tag == 0 {
			tag = len(b)
		}
		flat, b = append(flat, b[:tag]...), b[tag:]
		if after := bytes.TrimLeft(b, " \n\r\t"); len(after) > 0 && after[0] == '<' {
			b = after
		}
	}
	return flat
}

// Covers reports why folio of tipo, issued by emisor on day, cannot be stamped with this CAF; nil if it can.
func (c *CAF) Covers(emisor RUT, tipo TipoDTE, folio Folio, day Date) error {
	switch {
	case c.Emisor != emisor:
		return fmt.Errorf("%w: es de la empresa %s y no de %s (CAF-3-516)", ErrCAFNotFor, c.Emisor.Dotted(), emisor.Dotted())
	case c.Tipo != tipo:
		return fmt.Errorf("%w: es para %s y no para %s (CAF-3-516)", ErrCAFNotFor, c.Tipo, tipo)
	case folio < c.Desde || folio > c.Hasta:
		return fmt.Errorf("%w: autoriza los folios %d a %d y no el %d (CAF-3-516)", ErrCAFNotFor, c.Desde, c.Hasta, folio)
	case day.Before(c.FA):
		return fmt.Errorf("%w: fue autorizado el %s, después del %s", ErrCAFNotFor, c.FA, day)
	case c.ExpiredOn(day):
		return fmt.Errorf("%w: sus folios servían hasta el %s (CAF-3-517). Anule los que quedan en el sitio del SII y pida otro CAF", ErrCAFExpired, c.Vence())
	}
	return nil
}

// Vence is the last day on which the folios may be used; zero when they do not expire.
func (c *CAF) Vence() Date {
	if !c.Tipo.CAFVence() {
		return Date{}
	}
	return c.FA.AddMonths(6)
}

// ExpiredOn reports that the folios may not be used on day.
func (c *CAF) ExpiredOn(day Date) bool { return c.Tipo.CAFVence() && c.Vence().Before(day) }

// Ambiente is where its documents are valid.
func (c *CAF) Ambiente() Ambiente { return AmbienteDe(c.IDK) }

// Verify checks FRMA, the SII's signature on the CAF.
func (c *CAF) Verify(t Trust) error {
	key, known := t.keys[c.IDK]
	if !known {
		return fmt.Errorf("%w: lo firmó la llave IDK %d", ErrCAFUnknownKey, c.IDK)
	}
	if verifyWeak(key, c.da, c.frma) != nil {
		return fmt.Errorf("%w: la firma del SII no corresponde a su contenido (CAF-3-514). No se usará; descárguelo de nuevo", ErrCAFTampered)
	}
	return nil
}

// Trust are the public keys with which CAFs are signed, by IDK. It is immutable.
type Trust struct{ keys map[int]*rsa.PublicKey }

// SII trusts the authority's keys: IDK 100 (certification) and 300 (production), as published by the SII.
func SII() Trust {
	return Trust{map[int]*rsa.PublicKey{
		IDKCertificacion: siiKey(
			"C8FBF00DCB21A55000A585522C5DE528A73E0CE16CC03AB1E5EA7DE4B2A28111" +
				"E352FAEF8DCB7D51E349ABD4B105DCD4F67CF9E13115058C9F0154291B8C7153"),
		IDKProduccion: siiKey(
			"9DEEBFC5EEBD96DF4C7CF53F1BFA15D85D73EF04C6718F8C07B3F785EFEE75E7" +
				"B4EF5A3AE079C3265A900E45F602890AF6FB4FAFA2B8D6938F7F011C3585B335"),
	}}
}

func siiKey(modulus string) *rsa.PublicKey {
	n, _ := new(big.Int).SetString(modulus, 16)
	return &rsa.PublicKey{N: n, E: 65537}
}

// With adds a key, for the simulator and for tests. The SII's own keys cannot be replaced.
func (t Trust) With(idk int, key *rsa.PublicKey) Trust {
	keys := maps.Clone(t.keys)
	if keys == nil {
		keys = map[int]*rsa.PublicKey{}
	}
	if idk != IDKCertificacion && idk != IDKProduccion {
		keys[idk] = key
	}
	return Trust{keys}
}

// Authority issues CAFs as the SII does: for the simulator and for tests. It is safe for concurrent use.
type Authority struct {
	idk  int
	key  *stampKey
	rand io.Reader
}

// NewAuthority makes an issuer with a new key. rand must be a good source of randomness.
func NewAuthority(idk int, rand io.Reader) (*Authority, error) {
	key, err := generateStampKey(rand, 65537)
	if err != nil {
		return nil, err
	}
	return &Authority{idk: idk, key: key, rand: rand}, nil
}

// OpenAuthority takes up an issuer saved with PEM.
func OpenAuthority(idk int, key []byte, rand io.Reader) (*Authority, error) {
	k, err := parseStampKey(string(key))
	if err != nil {
		return nil, fmt.Errorf("la llave del simulador %w", err)
	}
	return &Authority{idk: idk, key: k, rand: rand}, nil
}

// PEM is the issuer's private key, to be kept by whoever runs it.
func (a *Authority) PEM() []byte { return []byte(a.key.pem()) }

// IDK is the number that its CAFs name.
func (a *Authority) IDK() int { return a.idk }

// Public is the key that verifies its CAFs.
func (a *Authority) Public() *rsa.PublicKey {
	return &rsa.PublicKey{N: a.key.n, E: int(a.key.e.Int64())}
}

// IssueCAF authorises a range, as a file in the SII's layout: Latin-1 bytes, no encoding declared, private key inside.
func (a *Authority) IssueCAF(emisor RUT, rznSoc string, tipo TipoDTE, desde, hasta Folio, fa Date) ([]byte, error) {
	name, err := latin1(truncate(rznSoc, 40))
	if err != nil {
		return nil, err
	}
	key, err := generateStampKey(a.rand, 3)
	if err != nil {
		return nil, err
	}
	var da bytes.Buffer
	fmt.Fprintf(&da, "<DA>\n<RE>%s</RE>\n<RS>", emisor)
	escapeText(&da, name)
	fmt.Fprintf(&da, "</RS>\n<TD>%d</TD>\n<RNG><D>%d</D><H>%d</H></RNG>\n<FA>%s</FA>\n", tipo, desde, hasta, fa)
	fmt.Fprintf(&da, "<RSAPK><M>%s</M><E>%s</E></RSAPK>\n<IDK>%d</IDK>\n</DA>",
		base64.StdEncoding.EncodeToString(key.n.Bytes()), base64.StdEncoding.EncodeToString(key.e.Bytes()), a.idk)
	frma, err := a.key.sign(flatten(da.Bytes()))
	if err != nil {
		return nil, err
	}
	var f bytes.Buffer
	fmt.Fprintf(&f, "<?xml version=\"1.0\"?>\n<AUTORIZACION>\n<CAF version=\"1.0\">\n%s\n<FRMA algoritmo=\"SHA1withRSA\">%s</FRMA>\n</CAF>\n",
		da.Bytes(), base64.StdEncoding.EncodeToString(frma))
	fmt.Fprintf(&f, "<RSASK>%s</RSASK>\n\n<RSAPUBK>%s</RSAPUBK>\n</AUTORIZACION>\n", key.pem(), key.publicPEM())
	return f.Bytes(), nil
}

// generateStampKey makes a 512-bit key, the size of the SII's, which crypto/rsa refuses to generate.
func generateStampKey(rand io.Reader, e int64) (*stampKey, error) {
	one, exponent := big.NewInt(1), big.NewInt(e)
	for {
		p, err := randomPrime(rand)
		if err != nil {
			return nil, err
		}
		q, err := randomPrime(rand)
		if err != nil {
			return nil, err
		}
		n := new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(exponent, phi)
		if p.Cmp(q) == 0 || n.BitLen() != 512 || d == nil {
			continue
		}
		return newStampKey(&rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: n, E: int(e)}, D: d, Primes: []*big.Int{p, q},
		})
	}
}

// randomPrime is a prime of 256 bits with its two highest bits set, so that the product of two has 512.
func randomPrime(rand io.Reader) (*big.Int, error) {
	b := make([]byte, 32)
	for {
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, fmt.Errorf("dte: no randomness: %w", err)
		}
		b[0] |= 0xc0
		b[31] |= 1
		if p := new(big.Int).SetBytes(b); p.ProbablyPrime(20) {
			return p, nil
		}
	}
}

func (k *stampKey) pem() string {
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one))
	d := new(big.Int).ModInverse(k.e, phi)
	der := derSequence(big.NewInt(0), k.n, k.e, d, k.p, k.q, k.dP, k.dQ, k.qInv)
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
}

func (k *stampKey) publicPEM() string {
	der := derSubjectPublicKeyInfo(derSequence(k.n, k.e))
	return strings.TrimRight(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "\n") + "\n"
}
