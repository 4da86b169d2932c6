package dte

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// reader takes typed values out of a tree and keeps the first trouble it meets, so that reading a document is one list
// of fields with one check at the end.
type reader struct {
	doc *xmltree.Doc
	err error
	// lenient lets what a document must have be missing, and RUTs be written as people do: a draft is judged later, in
	// better words.
	lenient bool
}

// get is the text of a child and whether the child is there. What holds elements is not a text.
func (r *reader) get(n *xmltree.Node, name string) (string, bool) {
	child := n.Child(name)
	if child != nil && len(child.Children) > 0 {
		r.fail(name, child.Children[0].Name, "no debe traer elementos")
	}
	return r.doc.Text(child), child != nil
}

func (r *reader) fail(name, value string, why any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s «%s»: %v", name, clipText(value, 40), why)
	}
}

// text is an optional text.
func (r *reader) text(n *xmltree.Node, name string) string {
	s, _ := r.get(n, name)
	return s
}

// integer is a number that must be there.
func (r *reader) integer(n *xmltree.Node, name string) int64 {
	s, _ := r.get(n, name)
	return r.whole(name, s)
}

// whole is the whole number that a text spells.
func (r *reader) whole(name, s string) int64 {
	v, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		r.fail(name, s, "no es un número entero")
	}
	return v
}

// optional is a number that may be left out.
func (r *reader) optional(n *xmltree.Node, name string) int64 {
	if n.Child(name) == nil {
		return 0
	}
	return r.integer(n, name)
}

func (r *reader) rut(n *xmltree.Node, name string) RUT {
	s, there := r.get(n, name)
	if r.lenient {
		if !there {
			return 0
		}
		v, err := ParseRUT(s)
		if err != nil {
			r.fail(name, s, err)
		}
		return v
	}
	v, err := parseRUTXML(s)
	if err != nil {
		r.fail(name, s, err)
	}
	return v
}

func (r *reader) date(n *xmltree.Node, name string) Date {
	s, there := r.get(n, name)
	if r.lenient && !there {
		return Date{}
	}
	v, err := ParseDate(s)
	if err != nil {
		r.fail(name, s, err)
	}
	return v
}

func (r *reader) optionalDate(n *xmltree.Node, name string) Date {
	if n.Child(name) == nil {
		return Date{}
	}
	return r.date(n, name)
}

func (r *reader) stamp(n *xmltree.Node, name string) time.Time {
	s, _ := r.get(n, name)
	v, err := parseStamp(s)
	if err != nil {
		r.fail(name, s, err)
	}
	return v
}

// number reads an optional value with one of money's parsers.
func number[T any](r *reader, n *xmltree.Node, name string, parse func(string) (T, error)) T {
	var zero T
	s, there := r.get(n, name)
	if !there {
		return zero
	}
	v, err := parse(s)
	if err != nil {
		r.fail(name, s, err)
		return zero
	}
	return v
}

func (r *reader) pesos(n *xmltree.Node, name string) money.Pesos {
	return number(r, n, name, money.PesosFromXML)
}

func (r *reader) base64(n *xmltree.Node, name string) []byte {
	s, _ := r.get(n, name)
	if strings.ContainsAny(s, " \t") { // line ends are the decoder's own business
		s = withoutSpace(s)
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		r.fail(name, s, "no es base64")
	}
	return b
}

// publicKey reads a modulus and an exponent. Keys below 512 bits or above maxKeyBits, and even or huge exponents, are refused:
// they are not keys but mischief.
func (r *reader) publicKey(n *xmltree.Node, modulus, exponent string) *rsa.PublicKey {
	m := new(big.Int).SetBytes(r.base64(n, modulus))
	e := new(big.Int).SetBytes(r.base64(n, exponent))
	if r.err != nil {
		return nil
	}
	if m.BitLen() < 512 || m.BitLen() > maxKeyBits || m.Bit(0) == 0 || e.BitLen() > 31 || e.Bit(0) == 0 || e.Int64() < 3 {
		r.fail(modulus, "", "la llave pública no es válida")
		return nil
	}
	return &rsa.PublicKey{N: m, E: int(e.Int64())}
}

func withoutSpace(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	return strings.Join(strings.Fields(s), "")
}
