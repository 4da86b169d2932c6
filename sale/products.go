package sale

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"mostrador/money"
)

// RowError is a row of a product file that was refused.
type RowError struct {
	Line   int    // as an editor counts: the header is 1
	Reason string // in Spanish, for the person who keeps the file
}

func (e RowError) Error() string { return fmt.Sprintf("línea %d: %s", e.Line, e.Reason) }

// Limits of a product file. The lengths of code, name and unit are the document's (DTE v1.0: VlrCodigo, NmbItem,
// UnmdItem).
const (
	maxFile      = 64 << 20
	maxRows      = 500_000
	maxRow       = 4096 // bytes
	maxCodigo    = 35
	maxNombre    = 80
	maxUnidad    = 4
	maxCategoria = 40
)

// columns are the headings that a product file may have, in any order; the first spelling of each is ours.
var columns = map[string]int{
	"codigo": colCodigo, "codigo de barras": colCodigo, "sku": colCodigo, "ean": colCodigo,
	"nombre": colNombre, "producto": colNombre, "descripcion": colNombre,
	"precio": colPrecio, "precio bruto": colPrecio, "precio venta": colPrecio, "precio de venta": colPrecio,
	"unidad": colUnidad, "exento": colExento, "categoria": colCategoria, "favorito": colFavorito,
}

const (
	colCodigo = iota
	colNombre
	colPrecio
	colUnidad
	colExento
	colCategoria
	colFavorito
	nColumns
)

// ReadProducts reads a product file: CSV with semicolons (or tabs, or commas), a heading row with at least codigo, nombre
// and precio, and one product per line; prices are gross and in Chilean spelling (1.990 or 1.990,5). UTF-8 with or
// without BOM, Latin-1 and Windows-1252 are recognised. Good rows are returned in the file's order, and every bad one is
// reported with its line and reason: the caller decides whether good rows alone may be used. The error says that the
// file as a whole is not a product file; then there are no products.
func ReadProducts(r io.Reader) ([]Product, []RowError, error) {
	text, err := readText(r, "el archivo de productos")
	if err != nil {
		return nil, nil, err
	}
	heading, rest, _ := strings.Cut(text, "\n")
	sep := separator(heading)
	where, err := readHeading(heading, sep)
	if err != nil {
		return nil, nil, err
	}

	var products []Product
	var bad []RowError
	lineOf := map[string]int{}
	for line := 2; rest != ""; line++ {
		var row string
		row, rest, _ = strings.Cut(rest, "\n")
		if row = strings.TrimSuffix(row, "\r"); strings.Trim(row, string(sep)+" ") == "" {
			continue // spreadsheets leave empty rows at the end
		}
		if len(products)+len(bad) == maxRows {
			return nil, nil, fmt.Errorf("el archivo tiene más de %s líneas: no se cargó nada; divídalo", money.Pesos(maxRows))
		}
		p, reason := readRow(row, sep, where)
		if first, twice := lineOf[p.Codigo]; reason == "" && twice {
			reason = fmt.Sprintf("el código «%s» ya está en la línea %d", p.Codigo, first)
		}
		if reason != "" {
			bad = append(bad, RowError{line, reason})
			continue
		}
		lineOf[p.Codigo] = line
		products = append(products, p)
	}
	return products, bad, nil
}

// readText reads a file of people: whatever the spreadsheet wrote, as composed Unicode.
func readText(r io.Reader, what string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("no se pudo leer %s: %w", what, err)
	case len(raw) > maxFile:
		return "", fmt.Errorf("%s pasa de %d MB: no se cargó nada; divídalo", what, maxFile>>20)
	case len(bytes.TrimSpace(raw)) == 0:
		return "", fmt.Errorf("%s está vacío", what)
	case bytes.IndexByte(raw, 0) >= 0: // UTF-16, a real spreadsheet, a picture
		return "", fmt.Errorf("el archivo no es texto: en la planilla elija «Guardar como» y «CSV UTF-8»")
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		// Windows-1252 is Latin-1 with typographic signs in the place of control characters; read so, a sign that a
		// document cannot carry is refused by its name and not as an unprintable number.
		if raw, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			return "", fmt.Errorf("no se pudo leer %s: %w", what, err)
		}
	}
	return string(norm.NFC.Bytes(raw)), nil
}

// separator is the most frequent of the three in the heading row.
func separator(heading string) rune {
	best := ';'
	for _, sep := range "\t," {
		if strings.Count(heading, string(sep)) > strings.Count(heading, string(best)) {
			best = sep
		}
	}
	return best
}

// readHeading finds the place of each column; -1 if it is not there.
func readHeading(heading string, sep rune) (where [nColumns]int, err error) {
	for i := range where {
		where[i] = -1
	}
	names, reason := splitRow(strings.TrimSuffix(heading, "\r"), sep)
	if reason != "" {
		return where, RowError{1, reason}
	}
	for i, name := range names {
		col, known := columns[strings.TrimPrefix(fold(name), " ")]
		switch {
		case !known: // other columns of the shop's spreadsheet are none of ours
		case where[col] >= 0:
			return where, RowError{1, fmt.Sprintf("la columna «%s» está repetida", strings.TrimSpace(name))}
		default:
			where[col] = i
		}
	}
	for col, name := range []string{colCodigo: "codigo", colNombre: "nombre", colPrecio: "precio"} {
		if where[col] < 0 {
			return where, RowError{1, fmt.Sprintf(
				"falta la columna «%s»; la primera línea lleva los títulos: codigo;nombre;unidad;precio;exento;categoria;favorito", name)}
		}
	}
	return where, nil
}

// readRow reads one product; the reason is empty or says what is wrong.
func readRow(row string, sep rune, where [nColumns]int) (p Product, reason string) {
	fields, reason := splitRow(row, sep)
	if reason != "" {
		return p, reason
	}
	field := func(col int) string {
		if i := where[col]; i >= 0 && i < len(fields) {
			return strings.Join(strings.Fields(fields[i]), " ")
		}
		return ""
	}
	p = Product{
		Codigo: field(colCodigo), Nombre: field(colNombre), Unidad: unit(field(colUnidad)), Categoria: field(colCategoria),
	}
	for _, check := range []struct {
		name, text string
		limit      int
	}{
		{"código", p.Codigo, maxCodigo},
		{"nombre", p.Nombre, maxNombre},
		{"unidad", p.Unidad, maxUnidad},
		{"categoría", p.Categoria, maxCategoria},
	} {
		if reason := checkText(check.name, check.text, check.limit); reason != "" {
			return p, reason
		}
	}
	if reason := checkCodigo(p.Codigo); reason != "" {
		return p, reason
	}
	if p.Nombre == "" {
		return p, "falta el nombre"
	}
	prc, err := money.ParsePrice(field(colPrecio))
	if err != nil {
		return p, err.Error()
	}
	if prc <= 0 {
		return p, fmt.Sprintf("el precio es %s: debe ser mayor que cero", prc)
	}
	p.Prc = prc
	var ok bool
	if p.Exento, ok = yesNo(field(colExento)); !ok {
		return p, fmt.Sprintf("exento dice «%s»: se escribe s o n", shorten(field(colExento)))
	}
	if p.Favorito, ok = yesNo(field(colFavorito)); !ok {
		return p, fmt.Sprintf("favorito dice «%s»: se escribe s o n", shorten(field(colFavorito)))
	}
	return p, ""
}

// checkText refuses what a document cannot carry: it is written in ISO-8859-1, and a character outside it would make
// the timbre invalid without any warning.
func checkText(name, text string, limit int) string {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Sprintf("%s de %d caracteres: a lo más %d", name, n, limit)
	}
	for _, r := range text {
		if !latin1(r) {
			return fmt.Sprintf("%s con un carácter que los documentos del SII no aceptan: «%s» (%U)", name, printable(r), r)
		}
	}
	return ""
}

// latin1 reports a character that can be printed and that ISO-8859-1 has.
func latin1(r rune) bool { return r >= ' ' && r <= '~' || r >= 0xa0 && r <= 0xff }

// checkCodigo: the star is what separates a quantity from a code at the scanner ("3*780…").
func checkCodigo(code string) string {
	switch {
	case code == "":
		return "falta el código"
	case strings.ContainsAny(code, "* "):
		return fmt.Sprintf("código «%s»: no lleva espacios ni asteriscos", code)
	case scientific(code):
		return fmt.Sprintf("código «%s»: la planilla lo cambió; dé a la columna formato de texto y escríbalo de nuevo", code)
	}
	return ""
}

// scientific recognises a bar code that a spreadsheet has rounded and spoilt: "7,80123E+12".
func scientific(code string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(code), "E+")
	return ok && exponent != "" && strings.Trim(exponent, "0123456789") == "" && strings.Trim(mantissa, "0123456789.,") == ""
}

// unit is the unit of sale; what is sold one by one has none.
func unit(s string) string {
	switch strings.TrimSuffix(strings.ToLower(s), ".") {
	case "u", "un", "und", "unid", "unidad", "c/u":
		return ""
	case "kilo", "kilos":
		return "kg"
	}
	return s
}

func yesNo(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "s", "si", "sí", "x", "1":
		return true, true
	case "n", "no", "0", "":
		return false, true
	}
	return false, false
}

func printable(r rune) string {
	if unicode.IsGraphic(r) {
		return string(r)
	}
	return "invisible"
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > 20 {
		return string(runes[:20]) + "…"
	}
	return s
}

// splitRow splits one line of CSV. A field in quotes may hold separators and doubled quotes, but no line break: so one
// forgotten quote spoils its own row and not the rest of the file.
func splitRow(row string, sep rune) (fields []string, reason string) {
	if len(row) > maxRow {
		return nil, fmt.Sprintf("la línea es demasiado larga (%s caracteres)", money.Pesos(len(row)))
	}
	for {
		var field string
		if trimmed := strings.TrimLeft(row, " "); strings.HasPrefix(trimmed, `"`) {
			quoted, after, ok := cutQuoted(trimmed[1:])
			if !ok {
				return nil, "falta cerrar una comilla (\")"
			}
			field, row = quoted, strings.TrimLeft(after, " ")
			if row != "" && !strings.HasPrefix(row, string(sep)) {
				return nil, "hay texto después de cerrar una comilla (\")"
			}
		} else {
			end := strings.IndexRune(row, sep)
			if end < 0 {
				end = len(row)
			}
			field, row = row[:end], row[end:]
		}
		fields = append(fields, field)
		if row == "" {
			return fields, ""
		}
		row = row[1:] // every separator is one byte
	}
}

// cutQuoted takes the text up to the closing quote; a doubled quote stands for one.
func cutQuoted(s string) (text, after string, ok bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `"`)
		if !found {
			return "", "", false
		}
		b.WriteString(before)
		if !strings.HasPrefix(rest, `"`) {
			return b.String(), rest, true
		}
		b.WriteByte('"')
		s = rest[1:]
	}
}
