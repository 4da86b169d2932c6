package dte

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Errors of a certificate file. Each comes wrapped in a Spanish sentence for the person who imports it.
var (
	// ErrPFXPassword: the password does not open the file.
	ErrPFXPassword = errors.New("la clave del certificado no es correcta")
	// ErrPFXMalformed: not a PKCS#12 file, or one without key or certificate.
	ErrPFXMalformed = errors.New("el archivo de certificado no sirve")
	// ErrPFXBomb: opening it would take forever, by mistake or by malice.
	ErrPFXBomb = errors.New("el archivo de certificado pide un trabajo desmedido")
	// ErrCertificateExpired: the certificate is not valid at the time of signing.
	ErrCertificateExpired = errors.New("el certificado digital no está vigente")
)

const (
	maxPFXBytes      = 256 << 10
	maxPFXIterations = 1_000_000
	minSignerBits    = 1024
	maxKeyBits       = 8192 // what a reader accepts
	base64Line       = 76   // longest line of base64 in a signature (Instructivo técnico)
)

// Signer is the certificate and key of the person who signs and sends. It is safe for concurrent use. Keep its source
// sealed at rest.
type Signer struct {
	key     *rsa.PrivateKey
	cert    *x509.Certificate
	rut     RUT
	keyInfo []byte // <KeyInfo>…</KeyInfo>, the same in every signature
}

// OpenPFX opens a PKCS#12 file: old RC2 and 3DES ones and new AES ones. The work is bounded: a file that asks for more
// than a million rounds in all is refused before any is done. A key encrypted once more inside an encrypted part, which no
// program writes, shows its rounds only to who has the password, and is not counted.
func OpenPFX(pfx []byte, password string) (*Signer, error) {
	if len(pfx) > maxPFXBytes {
		return nil, fmt.Errorf("%w: mide %d bytes; un certificado mide pocos miles", ErrPFXMalformed, len(pfx))
	}
	if iterations(pfx, 0) > maxPFXIterations {
		return nil, fmt.Errorf("%w: más de %d vueltas de cifrado. No se abrió; pida el archivo de nuevo a quien emitió el certificado", ErrPFXBomb, maxPFXIterations)
	}
	key, cert, _, err := pkcs12.DecodeChain(pfx, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, fmt.Errorf("%w. El archivo está intacto; escriba la clave de nuevo", ErrPFXPassword)
	case err != nil:
		return nil, fmt.Errorf("%w: debe ser un .pfx o .p12 con certificado y llave privada (%w)", ErrPFXMalformed, err)
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: la llave no es RSA, y el SII pide RSA", ErrPFXMalformed)
	}
	return newSigner(rsaKey, cert)
}

// NewSigner makes a signer of a key and a DER certificate.
func NewSigner(key *rsa.PrivateKey, der []byte) (*Signer, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPFXMalformed, err)
	}
	return newSigner(key, cert)
}

func newSigner(key *rsa.PrivateKey, cert *x509.Certificate) (*Signer, error) {
	public, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || !public.Equal(&key.PublicKey) {
		return nil, fmt.Errorf("%w: la llave privada no es la del certificado", ErrPFXMalformed)
	}
	if n := key.N.BitLen(); n < minSignerBits || n > maxKeyBits {
		return nil, fmt.Errorf("%w: la llave tiene %d bits y se exigen de %d a %d", ErrPFXMalformed, n, minSignerBits, maxKeyBits)
	}
	rut, err := certificateRUT(cert)
	if err != nil {
		return nil, err
	}
	key.Precompute()
	return &Signer{key: key, cert: cert, rut: rut, keyInfo: keyInfo(public, cert.Raw)}, nil
}

// RUT is the signer's number, from the certificate.
func (s *Signer) RUT() RUT { return s.rut }

// Name is the signer's name, from the certificate.
func (s *Signer) Name() string { return s.cert.Subject.CommonName }

// NotAfter is the certificate's expiry.
func (s *Signer) NotAfter() time.Time { return s.cert.NotAfter }

// ValidAt reports why the certificate cannot sign at t; nil if it can.
func (s *Signer) ValidAt(t time.Time) error {
	if t.Before(s.cert.NotBefore) || t.After(s.cert.NotAfter) {
		return fmt.Errorf("%w: sirve del %s al %s. Renuévelo con su proveedor e importe el archivo nuevo", ErrCertificateExpired, DateOf(s.cert.NotBefore), DateOf(s.cert.NotAfter))
	}
	return nil
}

// Where a Chilean certificate keeps its owner's RUT: subjectAltName, otherName of one of these types, or the subject's
// serialNumber.
var (
	oidSubjectAltName      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidRUT                 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8321, 1}
	oidRUTOld              = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8658, 1}
	oidPermanentIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 3}
)

func certificateRUT(cert *x509.Certificate) (RUT, error) {
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(oidSubjectAltName) {
			continue
		}
		for _, text := range otherNames(ext.Value) {
			if rut, err := ParseRUT(text); err == nil {
				return rut, nil
			}
		}
	}
	if rut, err := ParseRUT(cert.Subject.SerialNumber); err == nil {
		return rut, nil
	}
	return 0, fmt.Errorf("%w: no dice el RUT de su titular", ErrPFXMalformed)
}

// otherNames are the texts in a GeneralNames that may be its owner's RUT: [0] { OID, [0] { IA5String or UTF8String } }, or for
// a permanent identifier (RFC 4043) [0] { OID, [0] { SEQUENCE { UTF8String, … } } }.
func otherNames(der []byte) []string {
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &names); err != nil || len(rest) > 0 {
		return nil
	}
	var texts []string
	for _, name := range names {
		if name.Class != asn1.ClassContextSpecific || name.Tag != 0 {
			continue
		}
		var oid asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(name.Bytes, &oid)
		if err != nil || !oid.Equal(oidRUT) && !oid.Equal(oidRUTOld) && !oid.Equal(oidPermanentIdentifier) {
			continue
		}
		var explicit, text asn1.RawValue
		if _, err := asn1.Unmarshal(rest, &explicit); err != nil {
			continue
		}
		if _, err := asn1.Unmarshal(explicit.Bytes, &text); err != nil {
			continue
		}
		if text.Tag == asn1.TagSequence {
			var inner asn1.RawValue
			if _, err := asn1.Unmarshal(text.Bytes, &inner); err != nil {
				continue
			}
			text = inner
		}
		texts = append(texts, string(text.Bytes))
	}
	return texts
}

// iterations adds up the iteration counts in a PKCS#12 file without opening it: an INTEGER that follows a salt, as in PBE
// parameters, PBKDF2 parameters and the MAC. A salt is whatever has the tag number of an OCTET STRING, of any class,
// and every element is searched, because the library that opens the file looks at no more than that. What is not made of elements is
// searched if it is one SEQUENCE and nothing else, as that library demands: in ciphertext anything may seem to stand.
func iterations(der []byte, depth int) int64 {
	if depth > 20 {
		return 0
	}
	var sum int64
	afterSalt := false
	for len(der) > 0 && sum <= maxPFXIterations {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			break
		}
		der = rest
		if v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger && afterSalt {
			sum += count(v.Bytes)
		} else if v.IsCompound || oneSequence(v.Bytes) {
			sum += iterations(v.Bytes, depth+1)
		}
		afterSalt = v.Tag == asn1.TagOctetString
	}
	return min(sum, maxPFXIterations+1)
}

func oneSequence(der []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(der, &v)
	return err == nil && len(rest) == 0 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

// count is the value of an INTEGER, or more than is allowed. A negative one asks for no work.
func count(b []byte) int64 {
	if len(b) > 0 && b[0] >= 0x80 {
		return 0
	}
	n := new(big.Int).SetBytes(b)
	if !n.IsInt64() {
		return maxPFXIterations + 1
	}
	return min(n.Int64(), maxPFXIterations+1)
}

// keyInfo is KeyValue and then X509Data with the end-entity certificate, the order that xmldsignature_v10.xsd demands.
func keyInfo(key *rsa.PublicKey, cert []byte) []byte {
	var b bytes.Buffer
	b.WriteString("<KeyInfo>\n<KeyValue>\n<RSAKeyValue>\n<Modulus>")
	b.WriteString(wrap64(key.N.Bytes()))
	b.WriteString("</Modulus>\n<Exponent>" + exponent64(key) + "</Exponent>\n</RSAKeyValue>\n</KeyValue>\n")
	b.WriteString("<X509Data>\n<X509Certificate>")
	b.WriteString(wrap64(cert))
	b.WriteString("</X509Certificate>\n</X509Data>\n</KeyInfo>")
	return b.Bytes()
}

func exponent64(key *rsa.PublicKey) string {
	return base64.StdEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
}

// wrap64 is base64 in lines of 76, each on its own line.
func wrap64(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var w strings.Builder
	w.Grow(len(text) + len(text)/base64Line + 2)
	w.WriteByte('\n')
	for len(text) > 0 {
		n := min(base64Line, len(text))
		w.WriteString(text[:n])
		w.WriteByte('\n')
		text = text[n:]
	}
	return w.String()
}

// CertificatePEM is the certificate, which is public.
func (s *Signer) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
}
