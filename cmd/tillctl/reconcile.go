package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/xuri/excelize/v2"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

// maxRegister is how large a file of the SII may be.
const maxRegister = 64 << 20

func runReconcile(e *env, flags *flag.FlagSet, args []string) error {
	from := flags.String("desde", "", "primer día, AAAA-MM-DD; si no, el 1° de este mes")
	to := flags.String("hasta", "", "último día; si no, hoy")
	csvFile := flags.String("csv", "", "archivo CSV donde se escribe también")
	xlsxFile := flags.String("xlsx", "", "planilla XLSX donde se escribe también")
	rcv := flags.String("rcv", "", "registro de ventas (RCV o RVD) descargado del SII, para compararlo")
	if _, err := parse(flags, args, 0, 0); err != nil {
		return err
	}
	first, last, err := days(*from, *to, e.opt.Now())
	if err != nil {
		return err
	}
	var reg *sale.RCV
	if *rcv != "" {
		if reg, err = readRCV(*rcv); err != nil {
			return err
		}
	}
	return e.withShop(func(s *shop.Shop) error {
		r, err := reconcile(s, first, last, reg)
		if err != nil {
			return err
		}
		if err := r.print(e.out); err != nil {
			return err
		}
		for _, f := range []struct {
			name  string
			write func(io.Writer) error
		}{{*csvFile, r.csv}, {*xlsxFile, r.xlsx}} {
			if f.name == "" {
				continue
			}
			if err := writeFile(f.name, f.write); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "Escrito en %s.\n", f.name)
		}
		if n := len(r.differences); n > 0 {
			return fmt.Errorf("hay %d diferencias con el registro del SII", n)
		}
		return nil
	})
}

// days are the bounds of a reconciliation: the first day and the last.
func days(from, to string, now time.Time) (first, last dte.Date, err error) {
	last = dte.DateOf(now)
	first = dte.Date{Year: last.Year, Month: last.Month, Day: 1}
	if to != "" {
		last, err = dte.ParseDate(to)
	}
	if from != "" && err == nil {
		first, err = dte.ParseDate(from)
	}
	if err == nil && last.Before(first) {
		err = fmt.Errorf("el período va del %s al %s: está al revés", first, last)
	}
	return first, last, err
}

func readRCV(name string) (*sale.RCV, error) {
	b, err := readFile(name, maxRegister)
	if err != nil {
		return nil, err
	}
	reg, err := sale.ReadRCV(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &reg, nil
}

// reconciliation is a book added up, and compared with the SII's register if there is one.
type reconciliation struct {
	first, last   dte.Date
	lines, totals []sale.DayLine
	compared      bool
	differences   []sale.Discrepancy
	others        int
	bad           []sale.RowError
}

func reconcile(s *shop.Shop, first, last dte.Date, reg *sale.RCV) (r reconciliation, err error) {
	r.first, r.last = first, last
	start := time.Date(first.Year, first.Month, first.Day, 0, 0, 0, 0, dte.Santiago)
	end := time.Date(last.Year, last.Month, last.Day+1, 0, 0, 0, 0, dte.Santiago)
	book, err := s.Store.Book(start, end)
	if err != nil {
		return r, err
	}
	if r.lines, r.totals, err = sale.Reconcile(book); err != nil || reg == nil {
		return r, err
	}
	ranges, err := s.Store.Ranges()
	if err != nil {
		return r, err
	}
	r.compared, r.bad = true, reg.Bad
	r.differences, r.others, err = sale.Compare(book, *reg, ranges, func(tipo dte.TipoDTE, folio dte.Folio) (sale.BookEntry, bool, error) {
		return s.Store.BookEntry(dte.Key{Emisor: s.Info.Emisor.RUT, Tipo: tipo, Folio: folio})
	})
	return r, err
}

// tallies are the columns after day and type.
func tallies(l sale.DayLine) []sale.Tally {
	return []sale.Tally{l.Issued, l.Sent, l.Accepted, l.Objected, l.Rejected, l.Annulled, l.Missing}
}

var tallyNames = []string{"Emitidos", "Enviados", "Aceptados", "Con reparos", "Rechazados", "Anulados", "Faltan"}

// print writes counts for a terminal; the amounts of each count are in the files.
func (r reconciliation) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "DÍA\tTIPO\t%s\tMONTO EMITIDO\t\n", strings.ToUpper(strings.Join(tallyNames, "\t")))
	for _, l := range append(r.lines, r.totals...) {
		fmt.Fprintf(w, "%s\t%d\t", dayOr(l.Day, "TOTAL"), l.Tipo)
		for _, t := range tallies(l) {
			fmt.Fprintf(w, "%d\t", t.N)
		}
		fmt.Fprintf(w, "$%s\t\n", l.Issued.Total)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(r.lines) == 0 {
		fmt.Fprintln(out, "No se emitió nada en esos días.")
	}
	if !r.compared {
		return nil
	}
	for _, b := range r.bad {
		fmt.Fprintln(out, "No se leyó la", b)
	}
	for _, d := range r.differences {
		fmt.Fprintln(out, difference(d))
	}
	if r.others > 0 {
		fmt.Fprintf(out, "%d documentos del registro son de otra caja o de otro sistema.\n", r.others)
	}
	if len(r.differences) == 0 {
		fmt.Fprintln(out, "Todo lo demás calza con el registro del SII.")
	}
	return nil
}

func dayOr(d dte.Date, otherwise string) string {
	if d.IsZero() {
		return otherwise
	}
	return d.String()
}

// difference is a discrepancy in a sentence.
func difference(d sale.Discrepancy) string {
	switch d.Kind {
	case sale.OnlyHere:
		return fmt.Sprintf("SÓLO AQUÍ: %s N° %d por $%s (%s).", d.Tipo, d.Folio, d.Here, stateWords[d.State])
	case sale.OnlyThere:
		return fmt.Sprintf("SÓLO EN EL SII: %s N° %d por $%s, con un folio de esta caja.", d.Tipo, d.Folio, d.There)
	case sale.OtherTotal:
		return fmt.Sprintf("MONTO DISTINTO: %s N° %d, aquí $%s y en el SII $%s.", d.Tipo, d.Folio, d.Here, d.There)
	}
	return fmt.Sprintf("SUMA DISTINTA: %s, %s: aquí %d por $%s y en el SII %d por $%s.", d.Tipo, dayOr(d.Day, "todo el período"), d.NHere, d.Here, d.NThere, d.There)
}

// table is a sheet: text as text, and numbers as int64.
type table struct {
	name string
	rows [][]any
}

func (r reconciliation) tables() []table {
	head := []any{"Día", "Tipo", "Documento"}
	for _, n := range tallyNames {
		head = append(head, n, "Monto "+strings.ToLower(n))
	}
	rows := func(lines []sale.DayLine) [][]any {
		all := [][]any{head}
		for _, l := range lines {
			row := []any{dayOr(l.Day, r.first.String()+" a "+r.last.String()), int64(l.Tipo), l.Tipo.String()}
			for _, t := range tallies(l) {
				row = append(row, int64(t.N), int64(t.Total))
			}
			all = append(all, row)
		}
		return all
	}
	tables := []table{{"Por día", rows(r.lines)}, {"Totales", rows(r.totals)}}
	if !r.compared {
		return tables
	}
	differences := [][]any{{"Diferencia", "Tipo", "Folio", "Día", "Documentos aquí", "Monto aquí", "Documentos SII", "Monto SII", "Estado"}}
	for _, d := range r.differences {
		differences = append(differences, []any{
			string(d.Kind), int64(d.Tipo), int64(d.Folio), dayOr(d.Day, ""), int64(d.NHere), int64(d.Here), int64(d.NThere), int64(d.There), stateWords[d.State],
		})
	}
	return append(tables, table{"Diferencias", differences})
}

// csv writes the tables one under another, as spreadsheets in Chile read them: semicolons, UTF-8 with its mark.
func (r reconciliation) csv(out io.Writer) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	w.Comma, w.UseCRLF = ';', true
	for i, t := range r.tables() {
		if i > 0 {
			if err := w.Write([]string{""}); err != nil {
				return err
			}
		}
		for _, row := range t.rows {
			cells := make([]string, len(row))
			for c, v := range row {
				cells[c] = harmless(v)
			}
			if err := w.Write(cells); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return w.Error()
}

// harmless is a cell that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe makes text of it.
func harmless(v any) string {
	s, isText := v.(string)
	if !isText {
		return fmt.Sprint(v)
	}
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// xlsx writes a workbook with a sheet for each table. Text is stored as text, never as a formula.
func (r reconciliation) xlsx(out io.Writer) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	const thousands = 3 // "#,##0"
	amount, err := f.NewStyle(&excelize.Style{NumFmt: thousands})
	if err != nil {
		return err
	}
	for i, t := range r.tables() {
		if i == 0 {
			err = f.SetSheetName("Sheet1", t.name)
		} else {
			_, err = f.NewSheet(t.name)
		}
		if err == nil {
			err = fill(f, t, bold, amount)
		}
		if err != nil {
			return err
		}
	}
	return f.Write(out)
}

func fill(f *excelize.File, t table, bold, amount int) error {
	for i, row := range t.rows {
		for c, v := range row {
			cell, err := excelize.CoordinatesToCellName(c+1, i+1)
			if err != nil {
				return err
			}
			switch v := v.(type) {
			case string:
				err = f.SetCellStr(t.name, cell, v)
			case int64:
				if err = f.SetCellInt(t.name, cell, v); err == nil {
					err = f.SetCellStyle(t.name, cell, cell, amount)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	last, err := excelize.ColumnNumberToName(len(t.rows[0]))
	if err != nil {
		return err
	}
	return errors.Join(
		f.SetRowStyle(t.name, 1, 1, bold),
		f.SetColWidth(t.name, "A", last, 16),
		f.SetPanes(t.name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
	)
}

// writeFile writes a file whole, or leaves none.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("no se pudo escribir %s: %w", name, err)
	}
	return nil
}
