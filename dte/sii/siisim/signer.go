package siisim

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"mostrador/dte"
)

// SignerPassword opens the files that NewSigner makes. They are worth nothing outside the simulator.
const SignerPassword = "simulador"

// signerYears is how long a practice certificate is valid, like those that are sold.
const signerYears = 3

// NewSigner makes a self-signed certificate for a person, with the RUT where Chilean certificates carry it, as a PKCS#12
// file and ready to sign. It generates an RSA key, which takes a good part of a second.
func NewSigner(rand io.Reader, rut dte.RUT, name string, now time.Time) (pfx []byte, signer *dte.Signer, err error) {
	key, err := rsa.GenerateKey(rand, 2048)
	if err != nil {
		return nil, nil, err
	}
	der, err := Certificate(rand, key, rut, name, now.AddDate(0, 0, -1), now.AddDate(signerYears, 0, 0))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if pfx, err = pkcs12.Modern.WithRand(rand).Encode(key, cert, nil, SignerPassword); err != nil {
		return nil, nil, err
	}
	signer, err = dte.NewSigner(key, der)
	return pfx, signer, err
}

// Certificate is the DER of NewSigner's certificate, for a key that exists and a validity that is given.
func Certificate(rand io.Reader, key *rsa.PrivateKey, rut dte.RUT, name string, from, to time.Time) ([]byte, error) {
	if rut == 0 || name == "" {
		return nil, errors.New("el certificado necesita RUT y nombre")
	}
	san, err := rutName(rut)
	if err != nil {
		return nil, err
	}
	serial := make([]byte, 15)
	if _, err := io.ReadFull(rand, serial); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(append([]byte{1}, serial...)),
		Subject: pkix.Name{
			Country: []string{"CL"}, Organization: []string{"CERTIFICADO DE PRACTICA SIN VALIDEZ"},
			CommonName: name, SerialNumber: rut.String(),
		},
		NotBefore: from, NotAfter: to,
		KeyUsage:        x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: san}},
	}
	return x509.CreateCertificate(rand, template, template, &key.PublicKey, key)
}

// rutName is a subjectAltName with the RUT as otherName 1.3.6.1.4.1.8321.1, an IA5String.
func rutName(rut dte.RUT) ([]byte, error) {
	type otherName struct {
		OID   asn1.ObjectIdentifier
		Value string `asn1:"ia5,explicit,tag:0"`
	}
	return asn1.Marshal(struct {
		Name otherName `asn1:"tag:0"`
	}{otherName{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 8321, 1}, rut.String()}})
}
