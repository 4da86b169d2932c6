package dte

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
)

// The names of the SII's signature profile (xmldsignature_v10.xsd).
const (
	nsDSig       = "http://www.w3.org/2000/09/xmldsig#"
	nsXSI        = "http://www.w3.org/2001/XMLSchema-instance"
	nsSII        = "http://www.sii.cl/SiiDte"
	algC14N      = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algRSASHA1   = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	algSHA1      = "http://www.w3.org/2000/09/xmldsig#sha1"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// scope is which namespace declarations a signature inherits from around it. They take part in the canonical form of
// the signed element and of SignedInfo although nobody writes them there.
type scope string

const (
	alone      scope = ""                                                 // a DTE: signed as if nothing were around it
	inEnvelope scope = ` xmlns="` + nsSII + `" xmlns:xsi="` + nsXSI + `"` // the set of an envelope
)

// signature is the <Signature> that stands beside an element named id, whose canonical form is given.
func (s *Signer) signature(id string, canonical []byte, around scope) (xml []byte, value string, err error) {
	digest := sha1.Sum(canonical)
	return s.signatureOver(id, digest[:], around)
}

// signatureOver is signature, of an element whose canonical form has this SHA-1.
func (s *Signer) signatureOver(id string, digest []byte, around scope) (xml []byte, value string, err error) {
	info := signedInfo("#"+id, algC14N, digest)
	// In its canonical form SignedInfo declares what it inherits: its own namespace from <Signature>, and xsi from the
	// envelope.
	declared := ` xmlns="` + nsDSig + `"`
	if around == inEnvelope {
		declared += ` xmlns:xsi="` + nsXSI + `"`
	}
	sig, err := signDigest(s.key, []byte("<SignedInfo"+declared+info))
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	b.WriteString(`<Signature xmlns="` + nsDSig + "\">\n<SignedInfo")
	b.WriteString(info)
	b.WriteString("\n<SignatureValue>" + wrap64(sig) + "</SignatureValue>\n")
	b.Write(s.keyInfo)
	b.WriteString("\n</Signature>")
	return b.Bytes(), base64.StdEncoding.EncodeToString(sig), nil
}

// signedInfo is SignedInfo from behind its name: text that is its own canonical form.
func signedInfo(uri, transform string, digest []byte) string {
	return `><CanonicalizationMethod Algorithm="` + algC14N + `"></CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="` + algRSASHA1 + `"></SignatureMethod>` +
		`<Reference URI="` + uri + `"><Transforms><Transform Algorithm="` + transform + `"></Transform></Transforms>` +
		`<DigestMethod Algorithm="` + algSHA1 + `"></DigestMethod>` +
		`<DigestValue>` + base64.StdEncoding.EncodeToString(digest) + `</DigestValue></Reference></SignedInfo>`
}

// SignGetToken answers the SII's seed for a session token: a whole document, signed within itself.
//
// A seed that is not a plain number or word is refused: it came over the wire and would be signed as markup.
func SignGetToken(semilla string, s *Signer) ([]byte, error) {
	if !isPlainSeed(semilla) {
		return nil, fmt.Errorf("dte: la semilla «%s» no es de las que entrega el SII", clipText(semilla, 40))
	}
	body := "<item><Semilla>" + semilla + "</Semilla></item>"
	digest := sha1.Sum([]byte("<getToken>" + body + "</getToken>"))
	info := signedInfo("", algEnveloped, digest[:])
	sig, err := signDigest(s.key, []byte(`<SignedInfo xmlns="`+nsDSig+`"`+info))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<getToken>" + body)
	b.WriteString(`<Signature xmlns="` + nsDSig + `"><SignedInfo` + info)
	b.WriteString("<SignatureValue>" + wrap64(sig) + "</SignatureValue>")
	b.Write(s.keyInfo)
	b.WriteString("</Signature></getToken>")
	return b.Bytes(), nil
}

func isPlainSeed(s string) bool {
	const plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return s != "" && len(s) <= 100 && strings.Trim(s, plain) == ""
}
