package torn

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mostrador/dte"
	"mostrador/money"
)

// The values of the wire. Amounts go out as strings with the decimals that Torn's columns had; they come in as strings or as
// numbers.

// Pesos is an amount of money: "1000.00".
type Pesos money.Pesos

// Cantidad is a quantity sold or bought: "2.5000".
type Cantidad money.Qty

// Existencia is a quantity in stock: "48.00".
type Existencia money.Qty

// Costo is what a unit cost: "700.00". Of a purchase's total divided by its units little is lost.
type Costo money.Price

// Tasa is a rate of tax as a fraction: "0.1900".
type Tasa money.Rate

// Bruto is a price with IVA, a whole number: "1417".
type Bruto money.Pesos

// RUT is a tax number: "12345678-K".
type RUT dte.RUT

// Fecha is a day: "2026-11-20".
type Fecha dte.Date

// Instante is a moment, in UTC with microseconds.
type Instante time.Time

// Opt is a value that may be left out of a request, or be null.
type Opt[T any] struct {
	Set, Null bool
	Value     T
}

// Or is the value, or another if there is none.
func (o Opt[T]) Or(other T) T {
	if o.Set && !o.Null {
		return o.Value
	}
	return other
}

// Into sets v if there is a value.
func (o Opt[T]) Into(v *T) {
	if o.Set && !o.Null {
		*v = o.Value
	}
}

// rewrite sets a text that may be nothing: null leaves nothing.
func rewrite(o Opt[string], text *string) {
	if o.Set {
		*text = o.Or("")
	}
}

// Ptr is the value, or nil.
func (o Opt[T]) Ptr() *T {
	if !o.Set || o.Null {
		return nil
	}
	return &o.Value
}

// MarshalJSON writes it as the wire has it.
func (p Pesos) MarshalJSON() ([]byte, error) { return []byte(`"` + money.Pesos(p).XML() + `.00"`), nil }

// MarshalJSON writes it as the wire has it.
func (b Bruto) MarshalJSON() ([]byte, error) { return []byte(`"` + money.Pesos(b).XML() + `"`), nil }

// MarshalJSON writes it as the wire has it.
func (c Cantidad) MarshalJSON() ([]byte, error) { return decimal(int64(c), 4), nil }

// MarshalJSON writes it as the wire has it.
func (e Existencia) MarshalJSON() ([]byte, error) { return decimal(int64(e), 2), nil }

// MarshalJSON writes it as the wire has it.
func (c Costo) MarshalJSON() ([]byte, error) { return decimal(int64(c), 2), nil }

// MarshalJSON writes it as the wire has it.
func (t Tasa) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `"%d.%04d"`, t/10000, t%10000), nil
}

// MarshalJSON writes it as the wire has it.
func (r RUT) MarshalJSON() ([]byte, error) { return json.Marshal(dte.RUT(r).String()) }

// MarshalJSON writes it as the wire has it.
func (f Fecha) MarshalJSON() ([]byte, error) {
	if dte.Date(f).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(dte.Date(f).String())
}

// MarshalJSON writes it as the wire has it.
func (i Instante) MarshalJSON() ([]byte, error) {
	if time.Time(i).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(i).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// decimal writes millionths with some decimals, rounded half away from zero as Torn's columns were.
func decimal(millionths int64, decimals int) []byte {
	unit := int64(1)
	for range 6 - decimals {
		unit *= 10
	}
	sign := ""
	if millionths < 0 {
		sign, millionths = "-", -millionths
	}
	n := millionths/unit + (millionths%unit+unit/2)/unit
	scale := 1_000_000 / unit
	return fmt.Appendf(nil, `"%s%d.%0*d"`, sign, n/scale, decimals, n%scale)
}

// parsed is how each type reads a scalar of the wire; text is what a string said, or the digits of a number.
type parsed interface{ parse(text string) error }

// whole reads an amount of pesos. Decimals are rounded half away from zero, as Torn's columns did: there are no cents.
func whole(text string) (money.Pesos, error) {
	price, err := money.PriceFromXML(canonical(text))
	if err != nil {
		return 0, err
	}
	half := money.OnePeso / 2
	if price < 0 {
		half = -half
	}
	return money.Pesos((price + half) / money.OnePeso), nil
}

// numeral is what JSON and Python's Decimal call a number.
var numeral = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$`)

// longestNumber is longer than any that means something here.
const longestNumber = 40

// canonical writes a number as our parsers read it: without plus sign and exponent, and with six decimals at most, rounded
// half away from zero as Torn's columns did. Browsers send 0.30000000000000004 for 0.1 + 0.2.
func canonical(text string) string {
	r, ok := ratOf(text)
	if !ok {
		return text
	}
	short := strings.TrimSuffix(strings.TrimRight(r.FloatString(6), "0"), ".")
	if short == "-0" {
		return "0"
	}
	return short
}

// wholeNumeral is the same for what must be whole: 2.0 is 2, and 2.5 stays what it is, to be refused.
func wholeNumeral(text string) string {
	if r, ok := ratOf(text); ok && r.IsInt() {
		return r.Num().String()
	}
	return text
}

func ratOf(text string) (*big.Rat, bool) {
	if len(text) > longestNumber || !numeral.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

func (p *Pesos) parse(text string) error {
	v, err := whole(text)
	*p = Pesos(v)
	return err
}

func (c *Cantidad) parse(text string) error {
	v, err := money.QtyFromXML(canonical(text))
	*c = Cantidad(v)
	return err
}

func (e *Existencia) parse(text string) error { return (*Cantidad)(e).parse(text) }

func (c *Costo) parse(text string) error {
	v, err := money.PriceFromXML(canonical(text))
	*c = Costo(v)
	return err
}

func (t *Tasa) parse(text string) error {
	v, err := money.PriceFromXML(canonical(text))
	if err != nil {
		return err
	}
	if v%100 != 0 {
		return fmt.Errorf("la tasa %s tiene más de cuatro decimales", text)
	}
	*t = Tasa(v / 100)
	return nil
}

// taken is how a type reads that comes in more than one form; it says whether this is one.
type taken interface{ take(value any) bool }

// spelled is how a type reads that comes as a string only; it names its own faults.
type spelled interface {
	spell(text string) (kind, msg string)
}

func (r *RUT) spell(text string) (kind, msg string) {
	rut, err := checkRUT(text)
	*r = RUT(rut)
	if err != nil {
		return "value_error", "Value error, " + err.Error()
	}
	return "", ""
}

// checkRUT reads a RUT with Torn's words for what is wrong with it.
func checkRUT(text string) (dte.RUT, error) {
	plain := strings.NewReplacer(".", "", " ", "", "-", "").Replace(text)
	if len(plain) < 2 {
		return 0, fmt.Errorf("RUT inválido: '%s' es demasiado corto", text)
	}
	body, dv := plain[:len(plain)-1], strings.ToUpper(plain[len(plain)-1:])
	number, err := strconv.ParseUint(body, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("RUT inválido: '%s' cuerpo '%s' no es numérico", text, body)
	}
	if number < 1_000_000 || number > 99_999_999 {
		return 0, fmt.Errorf("RUT inválido: '%s' fuera de rango (1.000.000 – 99.999.999)", text)
	}
	rut := dte.RUT(number)
	if want := string(rut.DV()); want != dv {
		return 0, fmt.Errorf("RUT inválido: '%s' dígito verificador incorrecto (esperado '%s', recibido '%s')", text, want, dv)
	}
	return rut, nil
}

func (f *Fecha) spell(text string) (kind, msg string) {
	day, err := dayIn(text)
	*f = Fecha(day)
	if err != nil {
		return "date_from_datetime_parsing", "Input should be a valid date or datetime, invalid character in year"
	}
	return "", ""
}

// dayIn reads a day, or a moment for its Chilean day: browsers send 2026-11-20T03:00:00.000Z for the 20th.
func dayIn(text string) (dte.Date, error) {
	if moment, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return dte.DateOf(moment), nil
	}
	if moment, err := time.Parse("2006-01-02T15:04:05.999999999", text); err == nil {
		return dte.DateOf(time.Date(moment.Year(), moment.Month(), moment.Day(), 12, 0, 0, 0, dte.Santiago)), nil
	}
	return dte.ParseDate(text)
}

// The shapes, for the OpenAPI document.

// placesKey tells with how many decimals an amount goes out.
const placesKey = "x-decimales"

func decimalSchema(example string, places int, what string) *huma.Schema {
	return &huma.Schema{
		Description: what, Examples: []any{example}, Extensions: map[string]any{placesKey: places},
		AnyOf: []*huma.Schema{{Type: huma.TypeString, Pattern: `^-?\d+(\.\d+)?$`}, {Type: huma.TypeNumber}},
	}
}

// Schema describes it.
func (Pesos) Schema(huma.Registry) *huma.Schema {
	return decimalSchema("1000.00", 2, "Pesos enteros. Salen como texto con dos decimales en cero; entran como texto o número.")
}

// Schema describes it.
func (Bruto) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^-?\d+$`, Description: "Pesos con IVA, enteros, como texto.", Examples: []any{"1417"}}
}

// Schema describes it.
func (Cantidad) Schema(huma.Registry) *huma.Schema {
	return decimalSchema("2.5000", 4, "Cantidad, hasta seis decimales; sale con cuatro.")
}

// Schema describes it.
func (Existencia) Schema(huma.Registry) *huma.Schema { return decimalSchema("48.00", 2, "Existencia.") }

// Schema describes it.
func (Costo) Schema(huma.Registry) *huma.Schema {
	return decimalSchema("700.00", 2, "Costo de una unidad, en pesos.")
}

// Schema describes it.
func (Tasa) Schema(huma.Registry) *huma.Schema {
	return decimalSchema("0.1900", 4, "Tasa como fracción, hasta cuatro decimales.")
}

// Schema describes it.
func (RUT) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "RUT con o sin puntos; sale como 12345678-K.", Examples: []any{"76086428-5"}}
}

// Schema describes it.
func (Fecha) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date", Nullable: true, Examples: []any{"2026-11-20"}}
}

// Schema describes it.
func (Instante) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true, Examples: []any{"2026-11-20T15:00:00.000000Z"}}
}

// Schema of an optional value: its own, or null.
func (o Opt[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, typeOf[T]())
	return orNull(&s)
}
