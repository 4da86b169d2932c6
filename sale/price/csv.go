package price

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"mostrador/money"
)

// RowError is a row of a price list that was refused.
type RowError struct {
	Line   int    // as an editor counts: the heading is 1
	Reason string // in Spanish, for the person who keeps the list
}

func (e RowError) Error() string { return fmt.Sprintf("línea %d: %s", e.Line, e.Reason) }

const maxRow = 1024 // bytes

// The columns of a price list, by the headings that people give them; the first spelling is ours.
var columns = map[string]int{
	"codigo": colCodigo, "codigo de barras": colCodigo, "sku": colCodigo, "ean": colCodigo,
	"lista": colLista, "lista de precios": colLista,
	"desde cantidad": colFrom, "desdecantidad": colFrom, "cantidad": colFrom, "cantidad minima": colFrom,
	"precio": colPrice, "precio bruto": colPrice,
	"desde": colSince, "hasta": colUntil,
}

const (
	colCodigo = iota
	colLista
	colFrom
	colPrice
	colSince
	colUntil
	nColumns
)

// ReadPrices reads a price list: CSV with semicolons (or tabs, or commas), a heading row with at least codigo and precio,
// and one price per line, in Chilean spelling; lista, desde cantidad, desde and hasta may be empty or missing. Each row
// becomes a rule of kind Precio that is named after its list. UTF-8 and Latin-1 are recognised. Good rows are returned
// in the file's order, and every bad one is reported with its line and reason, as in Read.
func ReadPrices(r io.Reader) ([]Rule, []RowError, error) {
	raw, err := readFile(r, "la lista de precios")
	if err != nil {
		return nil, nil, err
	}
	heading, rest, _ := strings.Cut(decode(raw), "\n")
	t := table{sep: separator(heading)}
	if err := t.readHeading(heading); err != nil {
		return nil, nil, err
	}
	var rules []Rule
	var bad []RowError
	lineOf := map[priceKey]int{}
	for line := 2; rest != ""; line++ {
		var row string
		row, rest, _ = strings.Cut(rest, "\n")
		if strings.Trim(row, t.sep+" \r") == "" {
			continue // spreadsheets leave empty rows at the end
		}
		if len(rules)+len(bad) == maxRules {
			return nil, nil, fmt.Errorf("la lista de precios tiene más de %s líneas: no se cargó nada; divídala", money.Pesos(maxRules))
		}
		rule, reason := t.readRow(row)
		if first, twice := lineOf[keyOf(&rule)]; reason == "" && twice {
			reason = fmt.Sprintf("ese precio ya está en la línea %d, con las mismas lista, cantidad y fechas", first)
		}
		if reason != "" {
			bad = append(bad, RowError{line, reason})
			continue
		}
		lineOf[keyOf(&rule)] = line
		rules = append(rules, rule)
	}
	return rules, bad, nil
}

// priceKey is what may have one price only.
type priceKey struct {
	codigo, list string
	from         money.Qty
	since, until Day
}

func keyOf(r *Rule) priceKey {
	k := priceKey{from: r.From, since: r.When.From, until: r.When.To}
	if len(r.Products) > 0 {
		k.codigo = r.Products[0]
	}
	if len(r.Lists) > 0 {
		k.list = fold(r.Lists[0])
	}
	return k
}

// decode makes Unicode of what the spreadsheet wrote. What is not UTF-8 is read as Latin-1, and the signs that Windows
// adds to it are refused with their row.
func decode(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	var b strings.Builder
	b.Grow(len(raw) + len(raw)/8)
	for _, c := range raw {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// separator is the most frequent of the three in the heading row.
func separator(heading string) string {
	best := ";"
	for _, sep := range []string{"\t", ","} {
		if strings.Count(heading, sep) > strings.Count(heading, best) {
			best = sep
		}
	}
	return best
}

// table says where each column is; a column that is missing is -1.
type table struct {
	sep   string
	where [nColumns]int
}

var plain = strings.NewReplacer("á", "a", "é", "e", "í", "i", "ó", "o", "ú", "u", "_", " ", "-", " ")

func (t *table) readHeading(row string) error {
	for i := range t.where {
		t.where[i] = -1
	}
	names, reason := t.split(row)
	if reason != "" {
		return RowError{1, reason}
	}
	for i, name := range names {
		col, known := columns[plain.Replace(fold(name))]
		switch {
		case !known: // other columns of the shop's spreadsheet are none of ours
		case t.where[col] >= 0:
			return RowError{1, fmt.Sprintf("la columna «%s» está repetida", shorten(name))}
		default:
			t.where[col] = i
		}
	}
	if t.where[colCodigo] < 0 || t.where[colPrice] < 0 {
		return RowError{1, "faltan las columnas «codigo» o «precio»; la primera línea lleva los títulos: codigo;lista;desde cantidad;precio;desde;hasta"}
	}
	return nil
}

// split takes the fields of a row. A price list has nothing that needs quotes; spreadsheets may write them all the same,
// around a field.
func (t *table) split(row string) (fields []string, reason string) {
	if len(row) > maxRow {
		return nil, fmt.Sprintf("la línea es demasiado larga (%s caracteres)", money.Pesos(len(row)))
	}
	fields = strings.Split(row, t.sep)
	for i, f := range fields {
		f = strings.Join(strings.Fields(f), " ")
		if len(f) >= 2 && f[0] == '"' && f[len(f)-1] == '"' {
			f = strings.TrimSpace(f[1 : len(f)-1])
		}
		if strings.Contains(f, `"`) {
			return nil, "hay una comilla (\") que sobra, o un separador dentro de comillas"
		}
		fields[i] = f
	}
	return fields, ""
}

// readRow reads one price; the reason is empty or says what is wrong.
func (t *table) readRow(row string) (r Rule, reason string) {
	fields, reason := t.split(row)
	if reason != "" {
		return r, reason
	}
	field := func(col int) string {
		if i := t.where[col]; i >= 0 && i < len(fields) {
			return fields[i]
		}
		return ""
	}
	r = Rule{Kind: Precio, Products: []string{field(colCodigo)}}
	if list := field(colLista); list != "" {
		r.Lists = []string{list}
	}
	var err error
	if r.Price, err = money.ParsePrice(field(colPrice)); err != nil {
		return r, err.Error()
	}
	if r.Price <= 0 {
		return r, fmt.Sprintf("el precio es %s: debe ser mayor que cero", r.Price)
	}
	if from := field(colFrom); from != "" {
		if r.From, err = money.ParseQty(from); err != nil {
			return r, err.Error()
		}
	}
	var badFrom, badTo string
	r.When.From, badFrom = parseDay(field(colSince))
	r.When.To, badTo = parseDay(field(colUntil))
	if badFrom+badTo != "" {
		return r, cmp.Or(badFrom, badTo)
	}
	if reason := r.checkLists(); reason != "" {
		return r, reason // said of the list, and not of the name that is made from it
	}
	if strings.Contains(strings.ToUpper(r.Products[0]), "E+") {
		return r, fmt.Sprintf("código «%s»: la planilla lo cambió; dé a la columna formato de texto y escríbalo de nuevo", shorten(r.Products[0]))
	}
	r.Name = nameOf(field(colLista), r.From)
	return r, r.check()
}

// nameOf is what the buyer is told: the list, and from which quantity on.
func nameOf(list string, from money.Qty) string {
	name := list
	if name == "" {
		name = "Precio especial"
	}
	if from <= money.One {
		return name
	}
	long := name + " desde " + from.String()
	if utf8.RuneCountInString(long) > maxName {
		return name
	}
	return long
}

// parseDay reads a day as people and spreadsheets write it; empty is no day. The reason is empty or says what is wrong.
func parseDay(text string) (d Day, reason string) {
	if text == "" {
		return 0, ""
	}
	for _, layout := range []string{time.DateOnly, "2-1-2006", "2/1/2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return DayOf(t), ""
		}
	}
	return 0, fmt.Sprintf("la fecha «%s» no existe: se escribe 2026-11-21 o 21-11-2026", shorten(text))
}
