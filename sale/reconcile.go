package sale

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// BookEntry is a document as the till's own book has it.
type BookEntry struct {
	Key   dte.Key
	At    time.Time // of issue
	Total money.Pesos
	State dte.State
	// AnnulledBy is a note of ours that annuls it and was not refused; zero without one.
	AnnulledBy dte.Key
}

// Tally counts documents and adds their totals.
type Tally struct {
	N     int
	Total money.Pesos
}

func (t *Tally) add(p money.Pesos) (err error) {
	t.N++
	t.Total, err = t.Total.Add(p)
	return err
}

// DayLine is what became of the documents of one type issued on one day. Issued = Sent + Missing; Accepted, Objected and
// Rejected are of those sent; Annulled may be of any.
type DayLine struct {
	Day                                                           dte.Date // zero in totals
	Tipo                                                          dte.TipoDTE
	Issued, Sent, Accepted, Objected, Rejected, Annulled, Missing Tally
}

// Reconcile adds a book up: lines by day and type, and totals by type. Amounts that overflow are an error.
func Reconcile(book []BookEntry) (lines, totals []DayLine, err error) {
	for _, e := range book {
		day := dte.DateOf(e.At)
		for _, sum := range []struct {
			into *[]DayLine
			day  dte.Date
		}{{&lines, day}, {&totals, dte.Date{}}} {
			if err := lineOf(sum.into, sum.day, e.Key.Tipo).count(e); err != nil {
				return nil, nil, err
			}
		}
	}
	order := func(a, b DayLine) int {
		return cmp.Or(strings.Compare(a.Day.String(), b.Day.String()), cmp.Compare(a.Tipo, b.Tipo))
	}
	slices.SortFunc(lines, order)
	slices.SortFunc(totals, order)
	return lines, totals, nil
}

// lineOf finds or makes a line. Books are in order of time, so it is among the last.
func lineOf(lines *[]DayLine, day dte.Date, tipo dte.TipoDTE) *DayLine {
	for i := len(*lines) - 1; i >= 0 && (*lines)[i].Day == day; i-- {
		if (*lines)[i].Tipo == tipo {
			return &(*lines)[i]
		}
	}
	*lines = append(*lines, DayLine{Day: day, Tipo: tipo})
	return &(*lines)[len(*lines)-1]
}

func (l *DayLine) count(e BookEntry) error {
	into := []*Tally{&l.Issued, &l.Missing}
	if e.State == dte.Sent || e.State.Final() {
		into[1] = &l.Sent
	}
	switch e.State {
	case dte.Accepted:
		into = append(into, &l.Accepted)
	case dte.Objected:
		into = append(into, &l.Objected)
	case dte.Rejected:
		into = append(into, &l.Rejected)
	}
	if e.AnnulledBy != (dte.Key{}) {
		into = append(into, &l.Annulled)
	}
	for _, t := range into {
		if err := t.add(e.Total); err != nil {
			return err
		}
	}
	return nil
}

// RCV is a file of sales downloaded from the SII: the detail of the Registro de Compras y Ventas (RCV), or sums by
// type, as of boletas (RVD). A file has one of the two.
type RCV struct {
	Detail []RCVRow
	Sums   []RCVSum
	// Bad are rows that could not be read.
	Bad []RowError
}

// RCVRow is a document as the SII has it.
type RCVRow struct {
	Tipo  dte.TipoDTE
	Folio dte.Folio
	Total money.Pesos // never negative: a note's amount is written as it is on the note
}

// RCVSum is how much the SII has of a type, on a day or in the whole file (Day zero).
type RCVSum struct {
	Tipo dte.TipoDTE
	Day  dte.Date
	Tally
}

// The columns that matter, by how the SII's files and the spreadsheets made of them head them (folded, without spaces).
var registerColumns = map[string]int{
	"tipodoc": regTipo, "tipodocumento": regTipo, "tipodte": regTipo, "tipo": regTipo, "tpodoc": regTipo, "documento": regTipo,
	"folio": regFolio, "foliodoc": regFolio, "nrodoc": regFolio, "nfolio": regFolio,
	"montototal": regTotal, "mnttotal": regTotal, "total": regTotal, "montototalventas": regTotal, "totalventas": regTotal,
	"totaldocumentos": regCount, "cantidad": regCount, "cantidaddocumentos": regCount, "cantidaddedocumentos": regCount,
	"nrodocumentos": regCount, "numerodocumentos": regCount, "foliosemitidos": regCount, "cantdocumentos": regCount,
	"fecha": regDay, "fechadocto": regDay, "fechadocumento": regDay, "fechaemision": regDay, "fchemis": regDay, "dia": regDay,
}

const (
	regTipo = iota
	regFolio
	regTotal
	regCount
	regDay
	nRegister
)

// registerPreamble is how many lines may stand before the heading.
const registerPreamble = 20

// ReadRCV reads a file of the SII: CSV with semicolons (or tabs, or commas), in UTF-8 or Latin-1, with a heading
// among its first lines. Columns are found by their names; those that do not matter, and cells beyond the heading, are
// passed over. The error says that the file as a whole is no such register.
func ReadRCV(r io.Reader) (reg RCV, err error) {
	text, err := readText(r, "el archivo del SII")
	if err != nil {
		return reg, err
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var where [nRegister]int
	var sep rune
	start := -1
	for i, line := range lines[:min(len(lines), registerPreamble)] {
		sep = separator(line)
		if where = registerHeading(line, sep); where[regTipo] >= 0 && where[regTotal] >= 0 && (where[regFolio] >= 0 || where[regCount] >= 0) {
			start = i + 1
			break
		}
	}
	switch {
	case start < 0:
		return reg, fmt.Errorf("el archivo no parece un registro del SII: faltan las columnas «Tipo Doc», «Folio» (o «Total Documentos») y «Monto total». " +
			"Descárguelo de Registro de Compras y Ventas, sección Ventas, sin cambiarlo")
	case len(lines)-start > maxRows:
		return reg, fmt.Errorf("el archivo tiene más de %s líneas: no se revisó nada; divídalo", money.Pesos(maxRows))
	}
	for i, line := range lines[start:] {
		if strings.Trim(line, string(sep)+" ") == "" {
			continue
		}
		if reason := reg.add(line, sep, where); reason != "" {
			reg.Bad = append(reg.Bad, RowError{start + i + 1, reason})
		}
	}
	return reg, nil
}

func registerHeading(line string, sep rune) (where [nRegister]int) {
	for i := range where {
		where[i] = -1
	}
	names, _ := splitRow(line, sep)
	for i, name := range names {
		col, known := registerColumns[strings.ReplaceAll(fold(name), " ", "")]
		if known && where[col] < 0 {
			where[col] = i
		}
	}
	return where
}

// add reads a row; the reason is empty or says what is wrong.
func (reg *RCV) add(line string, sep rune, where [nRegister]int) (reason string) {
	fields, reason := splitRow(line, sep)
	if reason != "" {
		return reason
	}
	field := func(col int) string {
		if i := where[col]; i >= 0 && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	if where[regFolio] < 0 && strings.HasPrefix(fold(field(regTipo)), " total") {
		return "" // the file's own sum
	}
	tipo, ok := tipoNamed(field(regTipo))
	if !ok {
		return fmt.Sprintf("tipo de documento «%s»", shorten(field(regTipo)))
	}
	total, err := registerAmount(field(regTotal))
	if err != nil {
		return err.Error()
	}
	if where[regFolio] >= 0 {
		folio, err := strconv.ParseInt(strings.ReplaceAll(field(regFolio), ".", ""), 10, 64)
		if err != nil || folio < 1 {
			return fmt.Sprintf("folio «%s»", shorten(field(regFolio)))
		}
		reg.Detail = append(reg.Detail, RCVRow{tipo, dte.Folio(folio), total})
		return ""
	}
	n, err := strconv.Atoi(strings.ReplaceAll(field(regCount), ".", ""))
	if err != nil || n < 0 {
		return fmt.Sprintf("cantidad «%s»", shorten(field(regCount)))
	}
	sum := RCVSum{Tipo: tipo, Tally: Tally{n, total}}
	if text := field(regDay); text != "" {
		if sum.Day, ok = registerDay(text); !ok {
			return fmt.Sprintf("fecha «%s»", shorten(text))
		}
	}
	reg.Sums = append(reg.Sums, sum)
	return ""
}

// tipoNamed reads "39", "Boleta Electrónica (39)", "39 - Boleta" or the name alone.
func tipoNamed(s string) (dte.TipoDTE, bool) {
	digits := strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 1 && len(digits[0]) <= 3 {
		n, err := strconv.Atoi(digits[0])
		return dte.TipoDTE(n), err == nil && n > 0
	}
	for _, t := range dte.Tipos() {
		if fold(s) == fold(t.String()) || fold(s) == fold(name(t)) {
			return t, true
		}
	}
	return 0, false
}

// registerAmount reads an amount, whose sign some files turn for credit notes.
func registerAmount(s string) (money.Pesos, error) {
	s = strings.TrimLeft(strings.ReplaceAll(s, " ", ""), "$-")
	if whole, cents, ok := strings.Cut(s, ","); ok && strings.Trim(cents, "0") == "" {
		s = whole
	}
	return money.ParsePesos(s)
}

func registerDay(s string) (dte.Date, bool) {
	s, _, _ = strings.Cut(s, " ") // a time may follow
	for _, layout := range []string{"02/01/2006", "02-01-2006", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := t.Date()
			return dte.Date{Year: y, Month: m, Day: d}, true
		}
	}
	return dte.Date{}, false
}

// Discrepancy is what till and SII do not agree on.
type Discrepancy struct {
	Kind  DiscrepancyKind
	Tipo  dte.TipoDTE
	Folio dte.Folio   // 0 in sums
	Day   dte.Date    // of sums by day
	Here  money.Pesos // our total
	There money.Pesos // the SII's
	// NHere and NThere count the documents of a sum.
	NHere, NThere int
	State         dte.State // of our document
}

// DiscrepancyKind says where a document is missing, or that amounts differ.
type DiscrepancyKind string

// The kinds.
const (
	OnlyHere   DiscrepancyKind = "sólo aquí"
	OnlyThere  DiscrepancyKind = "sólo en el SII"
	OtherTotal DiscrepancyKind = "monto distinto"
	OtherSum   DiscrepancyKind = "suma distinta"
)

// Compare checks a book against a register of the same time. ranges are the folios of this till: what the SII has of
// other tills is none of its business, and is counted in others. find looks documents up that are not in the book, issued
// at another time; it reports false for what was never issued here. Boletas, which the detail of the RCV does not carry,
// are looked for there only if it has any.
func Compare(book []BookEntry, reg RCV, ranges []Range, find func(dte.TipoDTE, dte.Folio) (BookEntry, bool, error)) (list []Discrepancy, others int, err error) {
	if len(reg.Sums) > 0 {
		list, err = compareSums(book, reg.Sums)
		return list, 0, err
	}
	type doc struct {
		tipo  dte.TipoDTE
		folio dte.Folio
	}
	here, there, boletas := map[doc]BookEntry{}, map[doc]bool{}, false
	for _, e := range book {
		here[doc{e.Key.Tipo, e.Key.Folio}] = e
	}
	for _, row := range reg.Detail {
		d := doc{row.Tipo, row.Folio}
		first := !there[d] // a document with further taxes has further rows
		there[d], boletas = true, boletas || row.Tipo.EsBoleta()
		e, known := here[d]
		if !known {
			if e, known, err = find(row.Tipo, row.Folio); err != nil {
				return nil, 0, err
			}
		}
		switch {
		case known && e.Total != row.Total:
			list = append(list, Discrepancy{Kind: OtherTotal, Tipo: row.Tipo, Folio: row.Folio, Here: e.Total, There: row.Total, State: e.State})
		case known || !first:
		case slices.ContainsFunc(ranges, func(r Range) bool { return r.Tipo == row.Tipo && r.Desde <= row.Folio && row.Folio <= r.Hasta }):
			list = append(list, Discrepancy{Kind: OnlyThere, Tipo: row.Tipo, Folio: row.Folio, There: row.Total})
		default:
			others++
		}
	}
	for _, e := range book {
		if d := (doc{e.Key.Tipo, e.Key.Folio}); !there[d] && (boletas || !e.Key.Tipo.EsBoleta()) {
			list = append(list, Discrepancy{Kind: OnlyHere, Tipo: d.tipo, Folio: d.folio, Here: e.Total, State: e.State})
		}
	}
	return list, others, nil
}

// compareSums compares what the SII took of each type in the file, by day if the file says days. What the SII has nothing
// of is missing there, unless the file is about boletas only, or about everything else only.
func compareSums(book []BookEntry, sums []RCVSum) ([]Discrepancy, error) {
	var list []Discrepancy
	about, byDay := map[bool]bool{}, false
	at := func(tipo dte.TipoDTE, day dte.Date) *Discrepancy {
		i := slices.IndexFunc(list, func(d Discrepancy) bool { return d.Tipo == tipo && d.Day == day })
		if i < 0 {
			i, list = len(list), append(list, Discrepancy{Kind: OtherSum, Tipo: tipo, Day: day})
		}
		return &list[i]
	}
	for _, s := range sums {
		about[s.Tipo.EsBoleta()], byDay = true, byDay || !s.Day.IsZero()
		d := at(s.Tipo, s.Day)
		t := Tally{d.NThere + s.N - 1, d.There}
		if err := t.add(s.Total); err != nil {
			return nil, err
		}
		d.NThere, d.There = t.N, t.Total
	}
	for _, e := range book {
		taken := e.State == dte.Sent || e.State == dte.Accepted || e.State == dte.Objected
		if !taken || !about[e.Key.Tipo.EsBoleta()] {
			continue
		}
		day := dte.Date{}
		if byDay {
			day = dte.DateOf(e.At)
		}
		d := at(e.Key.Tipo, day)
		t := Tally{d.NHere, d.Here}
		if err := t.add(e.Total); err != nil {
			return nil, err
		}
		d.NHere, d.Here = t.N, t.Total
	}
	return slices.DeleteFunc(list, func(d Discrepancy) bool { return d.Here == d.There && d.NHere == d.NThere }), nil
}
