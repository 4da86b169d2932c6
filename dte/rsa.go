package dte

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
)

// The SII's CAF keys are RSA of 512 bits with SHA-1, which crypto/rsa refuses to use (and rightly so). The law leaves
// no choice, so PKCS#1 v1.5 (RFC 8017, 8.2) is written out here over math/big, for the CAF's two signatures and
// nothing else. It does not depend on GODEBUG, and crypto/rsa stays strict for everything else.

// stampKey is the private key of a CAF, prepared for the Chinese remainder theorem.
type stampKey struct {
	n, e, p, q, dP, dQ, qInv *big.Int
	size                     int // of the modulus, in bytes
}

// maxStampKeyDER holds a key of 4096 bits; a larger one would be checked at length before it is refused.
const maxStampKeyDER = 3000

var errWeakSignature = errors.New("dte: the signature does not verify")

// sha1Prefix is the DER of DigestInfo for SHA-1, before the digest (RFC 8017, 9.2 note 1).
var sha1Prefix = []byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}

// parseStampKey reads a PKCS#1 PEM block.
func parseStampKey(text string) (*stampKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "RSA PRIVATE KEY" || len(block.Bytes) > maxStampKeyDER {
		return nil, errors.New("no trae una llave RSA PRIVATE KEY")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("la llave privada no se entiende")
	}
	return newStampKey(key)
}

func newStampKey(key *rsa.PrivateKey) (*stampKey, error) {
	if bits := key.N.BitLen(); len(key.Primes) != 2 || bits < 512 || bits > 4096 {
		return nil, errors.New("la llave privada no es de las que usa el SII")
	}
	one := big.NewInt(1)
	p, q := key.Primes[0], key.Primes[1]
	if new(big.Int).Mul(p, q).Cmp(key.N) != 0 {
		return nil, errors.New("la llave privada es inconsistente")
	}
	k := &stampKey{
		n: key.N, e: big.NewInt(int64(key.E)), p: p, q: q,
		dP:   new(big.Int).Mod(key.D, new(big.Int).Sub(p, one)),
		dQ:   new(big.Int).Mod(key.D, new(big.Int).Sub(q, one)),
		qInv: new(big.Int).ModInverse(q, p),
		size: (key.N.BitLen() + 7) / 8,
	}
	if k.qInv == nil {
		return nil, errors.New("la llave privada es inconsistente")
	}
	return k, nil
}

// sign is RSASSA-PKCS1-v1_5 with SHA-1. The result is verified before it is returned: a fault in the computation would
// not only be a bad stamp, it would give the key away.
func (k *stampKey) sign(message []byte) ([]byte, error) {
	padded, err := pad(message, k.size)
	if err != nil {
		return nil, err
	}
	m := new(big.Int).SetBytes(padded)
	mp := new(big.Int).Exp(m, k.dP, k.p)
	mq := new(big.Int).Exp(m, k.dQ, k.q)
	h := new(big.Int).Sub(mp, mq)
	h.Mul(h, k.qInv).Mod(h, k.p)
	s := h.Mul(h, k.q).Add(h, mq)
	if new(big.Int).Exp(s, k.e, k.n).Cmp(m) != 0 {
		return nil, errWeakSignature
	}
	return s.FillBytes(make([]byte, k.size)), nil
}

// verifyWeak checks an RSASSA-PKCS1-v1_5 SHA-1 signature made with a key of any size.
func verifyWeak(key *rsa.PublicKey, message, signature []byte) error {
	size := (key.N.BitLen() + 7) / 8
	if size < 64 || size > 512 || len(signature) != size || key.E < 3 {
		return errWeakSignature
	}
	padded, err := pad(message, size)
	if err != nil {
		return err
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(key.N) >= 0 {
		return errWeakSignature
	}
	if new(big.Int).Exp(s, big.NewInt(int64(key.E)), key.N).Cmp(new(big.Int).SetBytes(padded)) != 0 {
		return errWeakSignature
	}
	return nil
}

// pad is EMSA-PKCS1-v1_5 of the SHA-1 of message.
func pad(message []byte, size int) ([]byte, error) {
	digest := sha1.Sum(message)
	filler := size - 3 - len(sha1Prefix) - len(digest)
	if filler < 8 {
		return nil, errWeakSignature
	}
	em := make([]byte, 0, size)
	em = append(em, 0, 1)
	for range filler {
		em = append(em, 0xff)
	}
	em = append(em, 0)
	em = append(em, sha1Prefix...)
	return append(em, digest[:]...), nil
}

// signDigest and verifyDigest are the document's signature: RSA of at least 1024 bits through crypto/rsa, SHA-1 because
// the SII's profile knows nothing else.
func signDigest(key *rsa.PrivateKey, canonical []byte) ([]byte, error) {
	digest := sha1.Sum(canonical)
	return rsa.SignPKCS1v15(nil, key, crypto.SHA1, digest[:])
}

func verifyDigest(key *rsa.PublicKey, canonical, signature []byte) error {
	digest := sha1.Sum(canonical)
	return rsa.VerifyPKCS1v15(key, crypto.SHA1, digest[:], signature)
}
