package dte

import (
	"encoding/asn1"
	"math/big"
)

// derSequence is a SEQUENCE of INTEGERs: the shape of PKCS#1 keys.
func derSequence(integers ...*big.Int) []byte {
	der, err := asn1.Marshal(integers)
	if err != nil {
		panic(err) // cannot happen: integers always marshal
	}
	return der
}

// derSubjectPublicKeyInfo wraps a PKCS#1 public key as an RSA SubjectPublicKeyInfo (RFC 3279).
func derSubjectPublicKeyInfo(pkcs1 []byte) []byte {
	type algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       asn1.BitString
	}{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue},
		asn1.BitString{Bytes: pkcs1, BitLength: 8 * len(pkcs1)},
	})
	if err != nil {
		panic(err) // cannot happen: fixed shape
	}
	return der
}
