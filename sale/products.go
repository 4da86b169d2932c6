package sale

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
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
	maxCodigos   = 100 // of one product
)

// columns are the headings that a product file may have, in any order; the first spelling of each is ours.
var columns = map[string]int{
	"codigo": colCodigo, "codigo de barras": colCodigo, "sku": colCodigo, "ean": colCodigo,
	"codigos": colCodigos, "otros codigos": colCodigos, "codigos adicionales": colCodigos, "packs": colCodigos,
	"nombre": colNombre, "producto": colNombre, "descripcion": colNombre,
	"precio": colPrecio, "precio bruto": colPrecio, "precio venta": colPrecio, "precio de venta": colPrecio,
	"unidad": colUnidad, "exento": colExento, "categoria": colCategoria, "favorito": colFavorito,
	"familia": colFamilia, "variante": colVariante,
	"precio libre": colLibre, "preciolibre": colLibre,
	"precio minimo": colMinimo, "minimo": colMinimo, "precio maximo": colMaximo, "maximo": colMaximo,
}

const (
	colCodigo = iota
	colNombre
	colPrecio
	colUnidad
	colExento
	colCategoria
	colFavorito
	colCodigos
	colFamilia
	colVariante
	colLibre
	colMinimo
	colMaximo
	nColumns
)

// ReadProducts reads a product file: CSV with semicolons (or tabs, or commas), a heading row with at least codigo, nombre
// and precio, and one product per line; prices are gross and in Chilean spelling (1.990 or 1.990,5). Further codes are
// written one after the other, with what each stands for: code|code=units|code=units=price of the pack=its name. UTF-8
// with or without BOM, Latin-1 and Windows-1252 are recognised. Good rows are returned in the file's order, and every bad one is
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
		if reason == "" {
			reason = takeCodes(lineOf, p, line)
		}
		if reason != "" {
			bad = append(bad, RowError{line, reason})
			continue
		}
		products = append(products, p)
	}
	return products, bad, nil
}

// takeCodes notes in which line each code of a product is, or none of them if one is taken.
func takeCodes(lineOf map[string]int, p Product, line int) (reason string) {
	for code := range p.codes() {
		if first, taken := lineOf[canonical(code)]; taken {
			return fmt.Sprintf("el código «%s» ya está en la línea %d", code, first)
		}
	}
	for code := range p.codes() {
		lineOf[canonical(code)] = line
	}
	return ""
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
	own, further, _ := strings.Cut(field(colCodigo), "|")
	p = Product{
		Codigo: strings.TrimSpace(own), Nombre: field(colNombre), Unidad: unit(field(colUnidad)), Categoria: field(colCategoria),
		Familia: field(colFamilia), Variante: field(colVariante),
	}
	if p.Nombre == "" && p.Familia != "" {
		p.Nombre = strings.TrimSpace(p.Familia + " " + p.Variante)
	}
	if reason = p.checkTexts(); reason != "" {
		return p, reason
	}
	for _, read := range []struct {
		name string
		to   *bool
		col  int
	}{{"precio libre", &p.PrecioLibre, colLibre}, {"exento", &p.Exento, colExento}, {"favorito", &p.Favorito, colFavorito}} {
		text, ok := field(read.col), false
		if *read.to, ok = yesNo(text); !ok {
			return p, fmt.Sprintf("%s dice «%s»: se escribe s o n", read.name, shorten(text))
		}
	}
	for _, read := range []struct {
		to       *money.Price
		col      int
		required bool
	}{{&p.Prc, colPrecio, !p.PrecioLibre}, {&p.PrcMin, colMinimo, false}, {&p.PrcMax, colMaximo, false}} {
		text := field(read.col)
		if text == "" && !read.required {
			continue
		}
		var err error
		if *read.to, err = money.ParsePrice(text); err != nil {
			return p, err.Error()
		}
	}
	if p.Codigos, reason = readCodes(further + "|" + field(colCodigos)); reason != "" {
		return p, reason
	}
	return p, p.checkNumbers()
}

// readCodes reads "code|code=12|code=12=5.990=Caja": further codes, the units that they stand for, a pack's own price
// and its name.
func readCodes(text string) (codes []Code, reason string) {
	for entry := range strings.SplitSeq(text, "|") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		if len(codes) == maxCodigos {
			return nil, fmt.Sprintf("más de %d códigos para un producto", maxCodigos)
		}
		c, err := readCode(entry)
		if err != nil {
			return nil, fmt.Sprintf("código «%s»: %v", shorten(c.Codigo), err)
		}
		codes = append(codes, c)
	}
	return codes, ""
}

// readCode reads one of them. What is written must be more than zero; what is left out is not.
func readCode(entry string) (c Code, err error) {
	var parts [4]string
	written := strings.SplitN(entry, "=", len(parts))
	for i, part := range written {
		parts[i] = strings.TrimSpace(part)
	}
	c.Codigo, c.Nombre = parts[0], parts[3]
	if len(written) > 1 {
		if c.Qty, err = money.ParseQty(parts[1]); err == nil && c.Qty <= 0 {
			err = errQty
		}
	}
	if err == nil && parts[2] != "" {
		if c.Prc, err = money.ParsePrice(parts[2]); err == nil && c.Prc <= 0 {
			err = errors.New("el precio debe ser mayor que cero")
		}
	}
	return c, err
}

// Check says in words why the product cannot be in a catalogue; nil if it can.
func (p Product) Check() error {
	for _, check := range []func() string{p.checkTexts, p.checkNumbers} {
		if reason := check(); reason != "" {
			return fmt.Errorf("producto «%s»: %s. No se guardó", shorten(p.Nombre), reason)
		}
	}
	return nil
}

// checkTexts looks at what the documents will print; the reason is empty or says what is wrong.
func (p Product) checkTexts() (reason string) {
	for _, check := range []struct {
		name, text string
		limit      int
	}{
		{"código", p.Codigo, maxCodigo},
		{"nombre", p.Nombre, maxNombre},
		{"unidad", p.Unidad, maxUnidad},
		{"categoría", p.Categoria, maxCategoria},
		{"familia", p.Familia, maxNombre},
		{"variante", p.Variante, maxNombre},
	} {
		if reason := checkText(check.name, check.text, check.limit); reason != "" {
			return reason
		}
	}
	if reason := checkCodigo(p.Codigo); reason != "" {
		return reason
	}
	switch {
	case p.Nombre == "":
		return "falta el nombre"
	case p.Familia != "" && p.Variante == "":
		return fmt.Sprintf("falta la variante de la familia «%s»: por ejemplo «M rojo»", shorten(p.Familia))
	case p.Familia == "" && p.Variante != "":
		return fmt.Sprintf("falta la familia de la variante «%s»", shorten(p.Variante))
	}
	return ""
}

// checkNumbers looks at prices and at the further codes.
func (p Product) checkNumbers() (reason string) {
	switch {
	case p.Prc <= 0 && !p.PrecioLibre:
		return fmt.Sprintf("el precio es %s: debe ser mayor que cero", p.Prc)
	case !p.PrecioLibre && (p.PrcMin != 0 || p.PrcMax != 0):
		return "tiene precio mínimo o máximo y no es de precio libre"
	case min(p.Prc, p.PrcMin, p.PrcMax) < 0:
		return "un precio no puede ser negativo"
	case p.PrcMax > 0 && p.PrcMin > p.PrcMax:
		return fmt.Sprintf("el precio mínimo %s es mayor que el máximo %s", p.PrcMin, p.PrcMax)
	case p.Prc > 0 && (p.Prc < p.PrcMin || p.PrcMax > 0 && p.Prc > p.PrcMax):
		return fmt.Sprintf("el precio %s no está entre el mínimo y el máximo", p.Prc)
	case len(p.Codigos) > maxCodigos:
		return fmt.Sprintf("más de %d códigos para un producto", maxCodigos)
	}
	seen := map[string]bool{canonical(p.Codigo): true}
	for _, c := range p.Codigos {
		if reason := p.checkCode(c); reason != "" {
			return reason
		}
		if seen[canonical(c.Codigo)] {
			return fmt.Sprintf("el código «%s» está dos veces en el mismo producto", c.Codigo)
		}
		seen[canonical(c.Codigo)] = true
	}
	return ""
}

func (p Product) checkCode(c Code) (reason string) {
	for _, reason := range []string{
		checkText("código", c.Codigo, maxCodigo), checkCodigo(c.Codigo), checkText("nombre de un pack", c.Nombre, maxNombre),
	} {
		if reason != "" {
			return reason
		}
	}
	switch {
	case c.Qty < 0 || c.Qty > maxLineQty:
		return fmt.Sprintf("código «%s»: la cantidad %s no puede ser", c.Codigo, c.Qty)
	case p.Unidad == "" && c.Qty%money.One != 0:
		return fmt.Sprintf("código «%s»: el producto se vende por unidad y %s no es entero", c.Codigo, c.Qty)
	case c.Qty%(money.One/1000) != 0:
		return fmt.Sprintf("código «%s»: la cantidad %s lleva a lo más 3 decimales", c.Codigo, c.Qty)
	case c.Prc < 0:
		return fmt.Sprintf("código «%s»: el precio no puede ser negativo", c.Codigo)
	}
	return ""
}

// codes are all codes of a product, its own first.
func (p Product) codes() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(p.Codigo) {
			return
		}
		for _, c := range p.Codigos {
			if !yield(c.Codigo) {
				return
			}
		}
	}
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

// checkCodigo: the star separates a quantity from a code at the scanner ("3*780…"), the bar a code from the next in a file.
func checkCodigo(code string) string {
	switch {
	case code == "":
		return "falta el código"
	case strings.ContainsAny(code, "*| "):
		return fmt.Sprintf("código «%s»: no lleva espacios, asteriscos ni barras verticales", code)
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
