package sale

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"mostrador/dte"
	"mostrador/money"
)

// RCV is a file of sales downloaded from the SII: the detail of the Registro de Compras y Ventas (RCV), or sums by
// type, as of boletas (RVD). A file has one of the two.
type RCV struct {
	Detail []RCVRow
	Sums   []RCVSum
	// Bad are the first rows that could not be read, and MoreBad is how many there were besides.
	Bad     []RowError
	MoreBad int
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

// Limits of a register: what a busy shop has in a month fits tenfold, and a hostile file does not fill the memory.
const (
	registerPreamble = 20       // lines that may stand before the heading
	maxRegisterLine  = 16 << 10 // bytes
	maxBadRows       = 1000     // that are told one by one
)

// ReadRCV reads a file of the SII: CSV with semicolons (or tabs, or commas), in UTF-8 or Latin-1, with a heading
// among its first lines. Columns are found by their names; those that do not matter, and cells beyond the heading, are
// passed over. It is read line by line: what is kept are the rows that matter. The error says that the file as a whole is
// no such register, or more than one.
func ReadRCV(r io.Reader) (reg RCV, err error) {
	var where [nRegister]int
	var sep rune
	heading := 0
	err = eachLine(r, func(n int, line string) error {
		switch {
		case strings.Trim(line, ";,\t ") == "":
		case heading > 0:
			if reason := reg.add(line, sep, where); reason != "" {
				reg.spoilt(RowError{n, reason})
			}
		case n > registerPreamble:
			return errNoRegister
		default:
			sep = separator(line)
			if where = registerHeading(line, sep); where[regTipo] >= 0 && where[regTotal] >= 0 && (where[regFolio] >= 0 || where[regCount] >= 0) {
				heading = n
			}
		}
		return nil
	})
	if err == nil && heading == 0 {
		err = errNoRegister
	}
	if err != nil {
		return RCV{}, err
	}
	return reg, nil
}

var errNoRegister = errors.New("el archivo no parece un registro del SII: faltan las columnas «Tipo Doc», «Folio» (o «Total Documentos») y «Monto total». " +
	"Descárguelo de Registro de Compras y Ventas, sección Ventas, sin cambiarlo")

// spoilt notes a row that could not be read; of very many, only how many they were.
func (reg *RCV) spoilt(e RowError) {
	if len(reg.Bad) == maxBadRows {
		reg.MoreBad++
		return
	}
	reg.Bad = append(reg.Bad, e)
}

// eachLine gives the lines of a file of people, decoded, numbered as an editor counts.
func eachLine(r io.Reader, fn func(n int, line string) error) error {
	in := bufio.NewReaderSize(io.LimitReader(r, maxFile+1), maxRegisterLine)
	size := 0
	for n := 1; ; n++ {
		raw, err := in.ReadSlice('\n')
		size += len(raw)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("la línea %d tiene más de %s caracteres: el archivo no parece un registro del SII. No se revisó nada", n, money.Pesos(maxRegisterLine))
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("no se pudo leer el archivo del SII: %w", err)
		case n > maxRows:
			return fmt.Errorf("el archivo tiene más de %s líneas: no se revisó nada; divídalo", money.Pesos(maxRows))
		case size > maxFile:
			return fmt.Errorf("el archivo del SII pasa de %d MB: no se revisó nada; divídalo", maxFile>>20)
		case size == 0:
			return errors.New("el archivo del SII está vacío")
		}
		line, decodeErr := decodeLine(raw)
		if decodeErr == nil && len(raw) > 0 {
			decodeErr = fn(n, line)
		}
		if decodeErr != nil || err != nil {
			return decodeErr // nil at the end of the file
		}
	}
}

// decodeLine reads what a spreadsheet or the SII wrote. A file may be of both: each line is what it is. A mark of UTF-8 at
// the beginning is no letter of a heading and falls out there.
func decodeLine(raw []byte) (string, error) {
	if bytes.IndexByte(raw, 0) >= 0 { // UTF-16, a real spreadsheet, a picture
		return "", errors.New("el archivo no es texto: en la planilla elija «Guardar como» y «CSV UTF-8»")
	}
	raw = bytes.TrimRight(raw, "\r\n")
	if !utf8.Valid(raw) {
		var err error
		if raw, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			return "", fmt.Errorf("no se pudo leer el archivo del SII: %w", err)
		}
	}
	return string(norm.NFC.Bytes(raw)), nil
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
	tipo, known := tipoNames()[fold(s)]
	return tipo, known
}

// tipoNames are the types by their names, the SII's and the people's.
var tipoNames = sync.OnceValue(func() map[string]dte.TipoDTE {
	names := map[string]dte.TipoDTE{}
	for _, t := range dte.Tipos() {
		names[fold(t.String())], names[fold(name(t))] = t, t
	}
	return names
})

// commaThousands are groups of three behind commas, with decimals or without.
var commaThousands = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d+)?$`)

var (
	noSpaces = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "")
	otherWay = strings.NewReplacer(",", "", ".", ",")
)

// registerAmount reads an amount in the ways of the SII and of spreadsheets: 11900, 11.900, 11,900, 11900,00. Pesos have no
// cents, so three digits behind a comma are thousands and others must be zeros. Some files turn the sign of credit notes.
func registerAmount(s string) (money.Pesos, error) {
	s = strings.TrimLeft(noSpaces.Replace(s), "$-")
	if strings.Contains(s, ",") && commaThousands.MatchString(s) {
		s = otherWay.Replace(s)
	}
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
