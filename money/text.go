package money

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseError says what text was refused and why.
type ParseError struct {
	Kind string // "monto", "cantidad", "precio", "porcentaje"
	Text string
	Why  string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("%s «%s» no es válido: %s", e.Kind, clip(e.Text), e.Why)
}

// maxText bounds what a parser looks at; no number of ours is longer.
const maxText = 40

func clip(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// spelling says how a number is written.
type spelling struct {
	thousands, decimal byte
}

var (
	chilean = spelling{thousands: '.', decimal: ','}
	sii     = spelling{decimal: '.'}
)

// String is the amount with thousands points: "1.234". The currency sign belongs to the layout.
func (p Pesos) String() string { return chilean.format(int64(p), 0) }

// XML is the amount as the SII writes it: "1234".
func (p Pesos) XML() string { return strconv.FormatInt(int64(p), 10) }

// String is the quantity in Chilean spelling: "1.234,5".
func (q Qty) String() string { return chilean.format(int64(q), 6) }

// XML is the quantity in the SII's spelling: "1234.5".
func (q Qty) XML() string { return sii.format(int64(q), 6) }

// String is the price in Chilean spelling: "3.490,5".
func (p Price) String() string { return chilean.format(int64(p), 6) }

// XML is the price in the SII's spelling: "3490.5".
func (p Price) XML() string { return sii.format(int64(p), 6) }

// String is the percentage in Chilean spelling, without sign: "20,5".
func (r Rate) String() string { return chilean.format(int64(r), 2) }

// XML is the percentage in the SII's spelling: "20.5".
func (r Rate) XML() string { return sii.format(int64(r), 2) }

// String is the foreign amount in Chilean spelling, with at least two decimals: "1.234,50".
func (d Divisa) String() string { return atLeastCents(chilean, d) }

// XML is the foreign amount in the SII's spelling, with at least two decimals: "1234.50".
func (d Divisa) XML() string { return atLeastCents(sii, d) }

func atLeastCents(sp spelling, d Divisa) string {
	s := sp.format(int64(d), 4)
	i := strings.IndexByte(s, sp.decimal)
	if i < 0 {
		return s + string(sp.decimal) + "00"
	}
	return s + strings.Repeat("0", max(0, 2-(len(s)-i-1)))
}

// String is the rate of exchange in Chilean spelling: "945,1234".
func (c Cambio) String() string { return chilean.format(int64(c), 4) }

// XML is the rate of exchange in the SII's spelling: "945.1234".
func (c Cambio) XML() string { return sii.format(int64(c), 4) }

// ParsePesos reads "1234", "1.234", "$1.234" or "-1.234". Thousands points, where present, must be complete.
func ParsePesos(s string) (Pesos, error) {
	v, why := chilean.parse(strings.TrimPrefix(s, "$"), 0, int64(MaxPesos))
	if why != "" {
		return 0, &ParseError{"monto", s, why}
	}
	return Pesos(v), nil
}

// ParseQty reads a quantity in Chilean spelling: "2", "1,5", "1.000,25".
func ParseQty(s string) (Qty, error) {
	v, why := chilean.parse(s, 6, int64(MaxQty))
	if why != "" {
		return 0, &ParseError{"cantidad", s, why}
	}
	return Qty(v), nil
}

// ParsePrice reads a unit price in Chilean spelling: "990", "3.490,5", "$990".
func ParsePrice(s string) (Price, error) {
	v, why := chilean.parse(strings.TrimPrefix(s, "$"), 6, int64(MaxPrice))
	if why != "" {
		return 0, &ParseError{"precio", s, why}
	}
	return Price(v), nil
}

// ParseRate reads a percentage in Chilean spelling: "19", "20,5".
func ParseRate(s string) (Rate, error) {
	v, why := chilean.parse(s, 2, int64(MaxRate))
	if why != "" {
		return 0, &ParseError{"porcentaje", s, why}
	}
	return Rate(v), nil
}

// PesosFromXML reads an amount as the SII writes it.
func PesosFromXML(s string) (Pesos, error) {
	v, why := sii.parse(s, 0, int64(MaxPesos))
	if why != "" {
		return 0, &ParseError{"monto", s, why}
	}
	return Pesos(v), nil
}

// QtyFromXML reads a quantity as the SII writes it.
func QtyFromXML(s string) (Qty, error) {
	v, why := sii.parse(s, 6, int64(MaxQty))
	if why != "" {
		return 0, &ParseError{"cantidad", s, why}
	}
	return Qty(v), nil
}

// PriceFromXML reads a unit price as the SII writes it.
func PriceFromXML(s string) (Price, error) {
	v, why := sii.parse(s, 6, int64(MaxPrice))
	if why != "" {
		return 0, &ParseError{"precio", s, why}
	}
	return Price(v), nil
}

// RateFromXML reads a percentage as the SII writes it.
func RateFromXML(s string) (Rate, error) {
	v, why := sii.parse(s, 2, int64(MaxRate))
	if why != "" {
		return 0, &ParseError{"porcentaje", s, why}
	}
	return Rate(v), nil
}

// DivisaFromXML reads a foreign amount as the SII writes it.
func DivisaFromXML(s string) (Divisa, error) {
	v, why := sii.parse(s, 4, int64(MaxDivisa))
	if why != "" {
		return 0, &ParseError{"monto", s, why}
	}
	return Divisa(v), nil
}

// CambioFromXML reads a rate of exchange as the SII writes it.
func CambioFromXML(s string) (Cambio, error) {
	v, why := sii.parse(s, 4, int64(MaxCambio))
	if why != "" {
		return 0, &ParseError{"tipo de cambio", s, why}
	}
	return Cambio(v), nil
}

// MarshalText writes the SII's spelling.
func (d Divisa) MarshalText() ([]byte, error) { return []byte(d.XML()), nil }

// UnmarshalText reads the SII's spelling.
func (d *Divisa) UnmarshalText(b []byte) (err error) { *d, err = DivisaFromXML(string(b)); return err }

// MarshalText writes the SII's spelling.
func (c Cambio) MarshalText() ([]byte, error) { return []byte(c.XML()), nil }

// UnmarshalText reads the SII's spelling.
func (c *Cambio) UnmarshalText(b []byte) (err error) { *c, err = CambioFromXML(string(b)); return err }

// MarshalText writes the SII's spelling, so that files and wires of ours read like the law's.
func (q Qty) MarshalText() ([]byte, error) { return []byte(q.XML()), nil }

// UnmarshalText reads the SII's spelling.
func (q *Qty) UnmarshalText(b []byte) (err error) { *q, err = QtyFromXML(string(b)); return err }

// MarshalText writes the SII's spelling.
func (p Price) MarshalText() ([]byte, error) { return []byte(p.XML()), nil }

// UnmarshalText reads the SII's spelling.
func (p *Price) UnmarshalText(b []byte) (err error) { *p, err = PriceFromXML(string(b)); return err }

// MarshalText writes the SII's spelling.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.XML()), nil }

// UnmarshalText reads the SII's spelling.
func (r *Rate) UnmarshalText(b []byte) (err error) { *r, err = RateFromXML(string(b)); return err }

// format writes v, scaled by 10^decimals, without trailing zeros.
func (sp spelling) format(v int64, decimals int) string {
	digits := strconv.FormatUint(magnitude(v), 10)
	if len(digits) <= decimals {
		digits = strings.Repeat("0", decimals+1-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	var b strings.Builder
	if v < 0 {
		b.WriteByte('-')
	}
	for i := range len(whole) {
		if sp.thousands != 0 && i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(sp.thousands)
		}
		b.WriteByte(whole[i])
	}
	if fraction != "" {
		b.WriteByte(sp.decimal)
		b.WriteString(fraction)
	}
	return b.String()
}

// parse reads one number scaled by 10^decimals. The second result is empty or says in Spanish what is wrong.
func (sp spelling) parse(s string, decimals int, limit int64) (int64, string) {
	if s == "" {
		return 0, "está vacío"
	}
	if len(s) > maxText {
		return 0, "es demasiado largo"
	}
	negative := s[0] == '-'
	if negative {
		s = s[1:]
	}
	whole, fraction, hasFraction := strings.Cut(s, string(sp.decimal))
	switch {
	case hasFraction && decimals == 0:
		return 0, "no lleva decimales"
	case hasFraction && fraction == "":
		return 0, "faltan los decimales"
	case len(fraction) > decimals:
		return 0, fmt.Sprintf("lleva a lo más %d decimales", decimals)
	}
	whole, ok := sp.withoutThousands(whole)
	if !ok {
		return 0, "los puntos de miles no están donde deben"
	}
	if whole == "" || !allDigits(whole) || !allDigits(fraction) {
		return 0, "sólo se aceptan cifras"
	}
	v, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil || v > limit {
		return 0, "es demasiado grande"
	}
	if negative {
		v = -v
	}
	return v, ""
}

// withoutThousands removes complete groups of thousands: "1.234" yes, "1.23" no.
func (sp spelling) withoutThousands(s string) (string, bool) {
	if sp.thousands == 0 || !strings.Contains(s, string(sp.thousands)) {
		return s, true
	}
	groups := strings.Split(s, string(sp.thousands))
	for i, g := range groups {
		if (i == 0 && (g == "" || len(g) > 3)) || (i > 0 && len(g) != 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
