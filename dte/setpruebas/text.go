package setpruebas

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decode is the text of a file in UTF-8 or, where it is not that, in ISO-8859-1, as the SII hands it out.
func decode(b []byte) string {
	if utf8.Valid(b) {
		return strings.TrimPrefix(string(b), "\ufeff")
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// split cuts a text into lines, whatever ends them.
func split(text string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// fold is a line in capitals without accents, rune for rune.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToUpper(r)
		if i := strings.IndexRune(accented, r); i >= 0 {
			return rune(plain[utf8.RuneCountInString(accented[:i])])
		}
		return r
	}, s)
}

const (
	accented = "ÁÉÍÓÚÜÑ"
	plain    = "AEIOUUN"
)

// words is a folded line with one space between its words.
func words(s string) string { return strings.Join(strings.Fields(fold(s)), " ") }

// tabStop is the width of a tab in the SII's files.
const tabStop = 8

// word is a run without white space and where it stands on the screen.
type word struct {
	text       string
	start, end int
	// apart says that more than one space, or a tab, stands before it.
	apart bool
}

// layout is the words of a line.
func layout(line string) []word {
	var found []word
	var current *word
	column, gap := 0, 0
	for _, r := range line {
		switch {
		case r == '\t':
			column += tabStop - column%tabStop
			gap, current = gap+2, nil
			continue
		case unicode.IsSpace(r):
			gap, current = gap+1, nil
		default:
			if current == nil {
				found = append(found, word{start: column, apart: gap > 1})
				current = &found[len(found)-1]
			}
			current.text += string(r)
			current.end = column + 1
			gap = 0
		}
		column++
	}
	return found
}

// fields joins the words that one space keeps together.
func fields(line string) []word {
	var found []word
	for _, w := range layout(line) {
		if n := len(found); n > 0 && !w.apart {
			found[n-1].text += " " + w.text
			found[n-1].end = w.end
			continue
		}
		found = append(found, w)
	}
	return found
}

// column is a column of a table: what it holds and where its heading stands.
type column struct {
	kind       kind
	start, end int
}

// kind is what a column holds.
type kind int

const (
	item kind = iota
	cantidad
	unidad
	precio
	valor
	descuento
)

// headings are the names of the columns, longer ones before those that begin alike.
var headings = []struct {
	name string
	kind kind
}{
	{"PRECIO UNITARIO CON IVA", precio},
	{"PRECIO UNITARIO", precio},
	{"VALOR UNITARIO", precio},
	{"PRECIO", precio},
	{"VALOR LINEA", valor},
	{"DESCUENTO ITEM", descuento},
	{"DESCUENTO", descuento},
	{"UNIDAD DE MEDIDA", unidad},
	{"UNIDAD MEDIDA", unidad},
	{"CANTIDAD", cantidad},
	{"ITEM", item},
}

// columnsOf reads the heading of a table of items; false when a word is not the name of a column.
func columnsOf(line string) ([]column, bool) {
	var columns []column
	for rest := layout(fold(line)); len(rest) > 0; {
		what, n := headingAt(rest)
		if n == 0 || slices.ContainsFunc(columns, func(c column) bool { return c.kind == what }) {
			return nil, false // no column is there twice, so that there are few and all ways to fill them can be tried
		}
		columns = append(columns, column{what, rest[0].start, rest[n-1].end})
		rest = rest[n:]
	}
	return columns, len(columns) > 1 && columns[0].kind == item
}

// headingAt is the column whose name the words begin with, and how many words that is.
func headingAt(ws []word) (kind, int) {
	for _, h := range headings {
		parts := strings.Fields(h.name)
		if len(parts) > len(ws) {
			continue
		}
		same := true
		for i, p := range parts {
			same = same && ws[i].text == p
		}
		if same {
			return h.kind, len(parts)
		}
	}
	return item, 0
}

var (
	number     = regexp.MustCompile(`^\d+(\.\d+)?$`)
	percentage = regexp.MustCompile(`^(\d+(?:[.,]\d+)?)%$`)
)

// takes reports that a text can stand in a column of the kind.
func (k kind) takes(text string) bool {
	switch k {
	case descuento:
		return percentage.MatchString(text)
	case unidad:
		return !number.MatchString(text) && !percentage.MatchString(text)
	default:
		return number.MatchString(text)
	}
}

// row is a line of a table: the item's name and the values by column.
type row struct {
	name   string
	values map[kind]string
}

// rowOf reads a line of a table. Values may be missing; where the order and the kind leave a doubt to which column one
// belongs, the nearest heading decides. Without tabs or wide gaps the last words are the values, and none may be missing.
func rowOf(line string, columns []column) (row, bool) {
	ws := fields(line)
	if len(ws) == 0 {
		return row{}, false
	}
	if values, ok := assign(ws[1:], columns[1:]); ok && len(values) > 0 {
		return row{ws[0].text, values}, true
	}
	ws = layout(line)
	first := len(ws) - (len(columns) - 1)
	if first < 1 {
		return row{}, false
	}
	values, ok := assign(ws[first:], columns[1:])
	names := make([]string, first)
	for i := range names {
		names[i] = ws[i].text
		ok = ok && (i == 0 || !ws[i].apart) // a name has no gaps: what stands after one was meant as a value
	}
	return row{strings.Join(names, " "), values}, ok
}

// assign gives each value a column, in order; of several ways the one with the least distance to the headings.
func assign(values []word, columns []column) (map[kind]string, bool) {
	best, ok := nearest(values, columns)
	if !ok {
		return nil, false
	}
	found := map[kind]string{}
	for i, c := range best.columns {
		found[c.kind] = values[i].text
	}
	return found, true
}

type placing struct {
	columns  []column
	distance int
}

// nearest tries every column for the first value and the rest for the rest; tables have at most a handful of columns.
func nearest(values []word, columns []column) (best placing, ok bool) {
	if len(values) == 0 {
		return placing{}, true
	}
	for i, c := range columns {
		if !c.kind.takes(values[0].text) {
			continue
		}
		rest, fits := nearest(values[1:], columns[i+1:])
		if !fits {
			continue
		}
		d := rest.distance + distance(values[0], c)
		if !ok || d < best.distance {
			best, ok = placing{append([]column{c}, rest.columns...), d}, true
		}
	}
	return best, ok
}

// distance between a value and a heading: none where they overlap, otherwise the gap.
func distance(w word, c column) int {
	return max(0, w.start-c.end, c.start-w.end)
}
