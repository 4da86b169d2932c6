package dte

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"

	"mostrador/dte/xmltree"
)

// Errors of verification. Each comes wrapped with what was found; the code in it is the SII's own for the same fault.
var (
	// ErrSignature: the XML signature does not hold (DTE-3-505 for a document).
	ErrSignature = errors.New("la firma electrónica no es válida")
	// ErrTED: the timbre's signature does not hold (TED-2-510), or it says other things than the document (TED-3-640).
	ErrTED = errors.New("el timbre electrónico no es válido")
)

// Verify reads one <DTE>, with or without declaration, and judges it as the SII would: the signature over the document
// standing alone, the timbre and its equality with the header, the CAF and the SII's signature on it. What is returned
// was read from the element that was verified.
//
// The certificate's chain and its owner's rights are not judged: only the SII knows them.
func Verify(xml []byte, t Trust) (*Document, error) {
	return verify(xml, xmltree.Latin1, func(c *CAF) error { return c.Verify(t) })
}

func verify(xml []byte, enc xmltree.Encoding, judgeCAF func(*CAF) error) (*Document, error) {
	return verifyAs(stranger{judgeCAF}, xml, enc)
}

// judge says how a verifier comes to what a document carries of others: a stranger reads it and judges it; its own maker
// only makes sure that it is what he put in, byte for byte, which he has read and judged before.
type judge interface {
	caf(doc *xmltree.Doc, n *xmltree.Node) (*CAF, error)
	certificate(der []byte) (*x509.Certificate, error)
}

type stranger struct{ judgeCAF func(*CAF) error }

func (s stranger) caf(doc *xmltree.Doc, n *xmltree.Node) (*CAF, error) {
	c, err := readCAF(doc, n)
	if err != nil {
		return nil, err
	}
	return c, s.judgeCAF(c)
}

func (stranger) certificate(der []byte) (*x509.Certificate, error) { return x509.ParseCertificate(der) }

func verifyAs(j judge, xml []byte, enc xmltree.Encoding) (*Document, error) {
	f, err := parseFragment(xml, enc)
	if err != nil {
		return nil, err
	}
	if _, err := verifySiblingAs(j, f.doc, f.body, f.signature); err != nil {
		return nil, fmt.Errorf("%w (DTE-3-505)", err)
	}
	d, err := f.document()
	if err != nil {
		return nil, err
	}
	if err := f.verifyTED(d, j); err != nil {
		return nil, err
	}
	return d, nil
}

// verifyTED checks the timbre against its CAF and against the header.
func (f *fragment) verifyTED(d *Document, j judge) error {
	dd := f.ted.Child("DD")
	caf, err := j.caf(f.doc, dd.Child("CAF"))
	if err != nil {
		return err
	}
	r := reader{doc: f.doc}
	frmt := r.base64(f.ted, "FRMT")
	if r.err != nil || verifyWeak(caf.public, flatten(f.doc.Bytes(dd)), frmt) != nil {
		return fmt.Errorf("%w: su firma no corresponde a su contenido (TED-2-510)", ErrTED)
	}
	if field := f.differs(dd); field != "" {
		return fmt.Errorf("%w: %s no coincide con el documento (TED-3-640)", ErrTED, field)
	}
	return caf.Covers(d.Emisor.RUT, d.Tipo, d.Folio, d.FchEmis)
}

// differs names the first field of the timbre that is not what the document says; empty when all agree.
func (f *fragment) differs(dd *xmltree.Node) string {
	text := func(n *xmltree.Node) string { return f.doc.Text(n) }
	header := f.body.Child("Encabezado")
	name := text(header.Path("Receptor", "RznSocRecep"))
	if name == "" {
		name = text(header.Path("Receptor", "RUTRecep"))
	}
	for _, pair := range []struct{ field, want string }{
		{"RE", text(header.Path("Emisor", "RUTEmisor"))},
		{"TD", text(header.Path("IdDoc", "TipoDTE"))},
		{"F", text(header.Path("IdDoc", "Folio"))},
		{"FE", text(header.Path("IdDoc", "FchEmis"))},
		{"RR", text(header.Path("Receptor", "RUTRecep"))},
		{"RSR", truncate(name, 40)},
		{"MNT", text(header.Path("Totales", "MntTotal"))},
		{"IT1", truncate(text(f.body.Path("Detalle", "NmbItem")), 40)},
	} {
		if text(dd.Child(pair.field)) != pair.want {
			return pair.field
		}
	}
	return ""
}

// VerifySignature checks any SII file whose signature stands beside the one element that it signs, in the context of the
// root: envelopes, ConsumoFolios, books. It returns the signer's RUT, zero when the file carries no certificate.
func VerifySignature(xml []byte) (RUT, error) { return verifySignatureAs(stranger{}, xml) }

func verifySignatureAs(j judge, xml []byte) (RUT, error) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		return 0, err
	}
	if n := len(doc.Root.Children); n != 2 || doc.Root.Children[1].Name != "Signature" {
		return 0, fmt.Errorf("%w: se esperaba un elemento y su firma", ErrSignature)
	}
	cert, err := verifySiblingAs(j, doc, doc.Root.Children[0], doc.Root.Children[1])
	if err != nil || cert == nil {
		return 0, err
	}
	return certificateRUT(cert)
}

// verifySibling checks a signature that stands beside the element that it signs, each where it stands in doc. The
// certificate is nil where the file carries none.
func verifySibling(doc *xmltree.Doc, signed, signature *xmltree.Node) (*x509.Certificate, error) {
	return verifySiblingAs(stranger{}, doc, signed, signature)
}

func verifySiblingAs(j judge, doc *xmltree.Doc, signed, signature *xmltree.Node) (*x509.Certificate, error) {
	id := signed.Attr("ID")
	if id == "" || countID(doc.Root, id) != 1 {
		return nil, fmt.Errorf("%w: el elemento firmado debe tener un ID único", ErrSignature)
	}
	ref, err := readSignedInfo(doc, signature)
	if err != nil {
		return nil, err
	}
	if ref.uri != "#"+id {
		return nil, fmt.Errorf("%w: firma %s y el documento es #%s", ErrSignature, clipText(ref.uri, 40), id)
	}
	return checkSignatureAs(j, doc, signature, ref, digestOf(doc, signed))
}

func countID(n *xmltree.Node, id string) int {
	found := 0
	if n.Attr("ID") == id {
		found = 1
	}
	for _, c := range n.Children {
		found += countID(c, id)
	}
	return found
}

// reference is what a SignedInfo says.
type reference struct {
	uri, transform string
	digest         []byte
}

// readSignedInfo accepts the SII's profile and nothing else: C14N 1.0, RSA with SHA-1, one reference, at most one
// transform.
func readSignedInfo(doc *xmltree.Doc, signature *xmltree.Node) (reference, error) {
	info := signature.Child("SignedInfo")
	bad := func(what string) (reference, error) {
		return reference{}, fmt.Errorf("%w: %s no es del perfil del SII", ErrSignature, what)
	}
	if signature.Namespace() != nsDSig || strict(signature, nsDSig) != nil || info == nil {
		return bad("SignedInfo")
	}
	references := info.All("Reference")
	switch {
	case info.Child("CanonicalizationMethod") == nil || info.Child("CanonicalizationMethod").Attr("Algorithm") != algC14N:
		return bad("CanonicalizationMethod")
	case info.Child("SignatureMethod") == nil || info.Child("SignatureMethod").Attr("Algorithm") != algRSASHA1:
		return bad("SignatureMethod")
	case len(references) != 1:
		return bad("el número de referencias")
	}
	r := reader{doc: doc}
	ref := reference{uri: references[0].Attr("URI"), digest: r.base64(references[0], "DigestValue")}
	if m := references[0].Child("DigestMethod"); m == nil || m.Attr("Algorithm") != algSHA1 || r.err != nil {
		return bad("DigestMethod")
	}
	transforms := references[0].Child("Transforms").All("Transform")
	if len(transforms) > 1 {
		return bad("el número de transformaciones")
	}
	if len(transforms) == 1 {
		ref.transform = transforms[0].Attr("Algorithm")
		if ref.transform != algC14N && ref.transform != algEnveloped {
			return bad("la transformación")
		}
	}
	return ref, nil
}

// checkSignature compares the digest and verifies the value with the key inside, which must be the certificate's.
func checkSignature(doc *xmltree.Doc, signature *xmltree.Node, ref reference, digest []byte) (*x509.Certificate, error) {
	return checkSignatureAs(stranger{}, doc, signature, ref, digest)
}

func checkSignatureAs(j judge, doc *xmltree.Doc, signature *xmltree.Node, ref reference, digest []byte) (*x509.Certificate, error) {
	if subtle.ConstantTimeCompare(digest, ref.digest) != 1 {
		return nil, fmt.Errorf("%w: el contenido no es el que se firmó", ErrSignature)
	}
	key, cert, err := readKeyInfo(j, doc, signature.Child("KeyInfo"))
	if err != nil {
		return nil, err
	}
	r := reader{doc: doc}
	value := r.base64(signature, "SignatureValue")
	if r.err != nil || verifyDigest(key, doc.Canonical(signature.Child("SignedInfo"), true), value) != nil {
		return nil, fmt.Errorf("%w: el valor de la firma no corresponde a la llave", ErrSignature)
	}
	return cert, nil
}

// digestOf is the SHA-1 of the canonical form of n where it stands.
func digestOf(doc *xmltree.Doc, n *xmltree.Node, omit ...*xmltree.Node) []byte {
	h := sha1.New()
	doc.HashCanonical(h, n, true, omit...)
	return h.Sum(nil)
}

// readKeyInfo takes the key of KeyValue, and the certificate if there is one; both must be the same key.
func readKeyInfo(j judge, doc *xmltree.Doc, info *xmltree.Node) (*rsa.PublicKey, *x509.Certificate, error) {
	r := reader{doc: doc}
	key := r.publicKey(info.Path("KeyValue", "RSAKeyValue"), "Modulus", "Exponent")
	if r.err != nil {
		return nil, nil, fmt.Errorf("%w: KeyValue %w", ErrSignature, r.err)
	}
	x509Data := info.Child("X509Data")
	if x509Data == nil {
		return key, nil, nil
	}
	cert, err := j.certificate(r.base64(x509Data, "X509Certificate"))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: el certificado no se entiende", ErrSignature)
	}
	if public, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !public.Equal(key) {
		return nil, nil, fmt.Errorf("%w: el certificado no es el de la llave que firmó", ErrSignature)
	}
	return key, cert, nil
}

// VerifyGetToken reads a signed getToken, as the SII's token services do: the seed and who signed it.
func VerifyGetToken(xml []byte) (semilla string, signer RUT, err error) {
	doc, err := xmltree.Parse(bytes.TrimSpace(xml), xmltree.UTF8, xmltree.Limits{Bytes: 32 << 10, Nodes: 100, Depth: 16})
	if err != nil {
		return "", 0, err
	}
	signature := doc.Root.Child("Signature")
	if doc.Root.Name != "getToken" || signature == nil || strict(doc.Root, "") != nil {
		return "", 0, fmt.Errorf("%w: no es un getToken firmado", ErrSignature)
	}
	ref, err := readSignedInfo(doc, signature)
	if err != nil {
		return "", 0, err
	}
	if ref.uri != "" || ref.transform != algEnveloped {
		return "", 0, fmt.Errorf("%w: la firma no es del documento completo", ErrSignature)
	}
	cert, err := checkSignature(doc, signature, ref, digestOf(doc, doc.Root, signature))
	if err != nil {
		return "", 0, err
	}
	if cert == nil {
		return "", 0, fmt.Errorf("%w: falta el certificado", ErrSignature)
	}
	signer, err = certificateRUT(cert)
	return doc.Text(doc.Root.Path("item", "Semilla")), signer, err
}
