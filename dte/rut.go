package dte

import (
	"fmt"
	"strconv"
	"strings"
)

// RUT is a Chilean tax number without its check digit. The zero value is "no RUT".
type RUT uint32

// Well-known numbers.
const (
	// RUTSII receives every envelope sent to the authority.
	RUTSII RUT = 60803000
	// RUTAnonimo is the buyer of a boleta who is not identified.
	RUTAnonimo RUT = 66666666
	// RUTExtranjero is a buyer abroad or a tourist.
	RUTExtranjero RUT = 55555555

	maxRUT = 99_999_999
)

// valid reports a number that a document can carry.
func (r RUT) valid() bool { return r > 0 && r <= maxRUT }

// DV is the check digit: '0' to '9' or 'K' (modulo 11).
func (r RUT) DV() byte {
	sum, factor := 0, 2
	for n := uint32(r); n > 0; n /= 10 {
		sum += int(n%10) * factor
		if factor++; factor > 7 {
			factor = 2
		}
	}
	switch d := 11 - sum%11; d {
	case 11:
		return '0'
	case 10:
		return 'K'
	default:
		return '0' + byte(d)
	}
}

// String is the SII's spelling: "76543210-3", no dots, capital K, no leading zeros.
func (r RUT) String() string {
	if r == 0 {
		return ""
	}
	return r.Number() + "-" + string(r.DV())
}

// Number is the part before the hyphen, as the upload forms want it.
func (r RUT) Number() string { return strconv.FormatUint(uint64(r), 10) }

// Dotted is the spelling of paper: "76.543.210-3".
func (r RUT) Dotted() string {
	if r == 0 {
		return ""
	}
	digits := r.Number()
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteByte(digits[i])
	}
	return b.String() + "-" + string(r.DV())
}

var withoutDots = strings.NewReplacer(".", "", " ", "")

// ParseRUT reads what people type: with or without dots, hyphen optional, k or K, leading zeros. The check digit must be
// right.
func ParseRUT(s string) (RUT, error) {
	clean := strings.ToUpper(withoutDots.Replace(s))
	if i := strings.IndexByte(clean, '-'); i >= 0 && i == len(clean)-2 {
		clean = clean[:i] + clean[i+1:]
	}
	if len(clean) < 2 || len(clean) > 12 {
		return 0, fmt.Errorf("RUT «%s»: debe tener número y dígito verificador, por ejemplo 76.543.210-3", clipText(s, 20))
	}
	number, dv := clean[:len(clean)-1], clean[len(clean)-1]
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || n == 0 || n > maxRUT {
		return 0, fmt.Errorf("RUT «%s»: el número no es válido", clipText(s, 20))
	}
	r := RUT(n)
	if r.DV() != dv {
		return 0, fmt.Errorf("RUT «%s»: el dígito verificador no corresponde (revise el número)", clipText(s, 20))
	}
	return r, nil
}

// parseRUTXML reads a RUT inside a document: the strict spelling only.
func parseRUTXML(s string) (RUT, error) {
	r, err := ParseRUT(s)
	if err == nil && r.String() != s {
		err = fmt.Errorf("RUT «%s»: en un documento se escribe %s", clipText(s, 20), r)
	}
	return r, err
}

// MarshalText writes the SII's spelling.
func (r RUT) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads any spelling; empty is no RUT.
func (r *RUT) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*r = 0
		return nil
	}
	*r, err = ParseRUT(string(b))
	return err
}

func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
