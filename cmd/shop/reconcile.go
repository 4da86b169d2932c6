package shop

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xuri/excelize/v2"

	"mostrador/dte"
	"mostrador/sale"
)

// Balance adds up what is dated from first to last. register is a file of the SII to hold it against; empty is none. It
// takes seconds for a busy month, and no lock: sales go on.
func (s *Shop) Balance(ctx context.Context, first, last dte.Date, register string) (sale.Balance, error) {
	if last.Before(first) {
		return sale.Balance{}, fmt.Errorf("el período va del %s al %s: está al revés", first, last)
	}
	var reg *sale.RCV
	if register != "" {
		f, err := os.Open(register)
		if err != nil {
			return sale.Balance{}, fmt.Errorf("no se pudo leer %s: %w", register, err)
		}
		defer f.Close()
		read, err := sale.ReadRCV(f)
		if err != nil {
			return sale.Balance{}, fmt.Errorf("%s: %w", filepath.Base(register), err)
		}
		reg = &read
	}
	return sale.Reconcile(ctx, s.Store, s.Info.Emisor.RUT, first, last, reg)
}

// Booked lists the documents of a type that bear a date, up to limit, in the order of their issue.
func (s *Shop) Booked(ctx context.Context, day dte.Date, tipo dte.TipoDTE, limit int) (list []sale.BookEntry, err error) {
	enough := errors.New("enough")
	err = s.Store.EachBooked(ctx, day, day, func(e sale.BookEntry) error {
		if e.Key.Tipo == tipo {
			list = append(list, e)
		}
		if len(list) == limit {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return list, err
}

// SaveBalance leaves a balance in the till's folder, as "csv" or "xlsx", and returns where.
func (s *Shop) SaveBalance(b sale.Balance, format string) (path string, err error) {
	write := WriteCSV
	if format == "xlsx" {
		write = WriteXLSX
	}
	var file bytes.Buffer
	if err := write(&file, b); err != nil {
		return "", err
	}
	return s.saveReport(fmt.Sprintf("conciliacion-%s-a-%s.%s", b.First, b.Last, format), file.Bytes())
}

// Tallies are the counts of a line, in the order of TallyNames.
func Tallies(l sale.DayLine) []sale.Tally {
	return []sale.Tally{l.Issued, l.Sent, l.Accepted, l.Objected, l.Rejected, l.Annulled, l.Missing}
}

// TallyNames head the counts of a line.
var TallyNames = []string{"Emitidos", "Enviados", "Aceptados", "Con reparos", "Rechazados", "Anulados", "Faltan"}

func dayOr(d dte.Date, otherwise string) string {
	if d.IsZero() {
		return otherwise
	}
	return d.String()
}

// table is a sheet: text as text, and numbers as int64.
type table struct {
	name string
	rows [][]any
}

func tablesOf(b sale.Balance) []table {
	head := []any{"Día", "Tipo", "Documento"}
	for _, n := range TallyNames {
		head = append(head, n, "Monto "+strings.ToLower(n))
	}
	rows := func(lines []sale.DayLine) [][]any {
		all := [][]any{head}
		for _, l := range lines {
			row := []any{dayOr(l.Day, b.First.String()+" a "+b.Last.String()), int64(l.Tipo), l.Tipo.String()}
			for _, t := range Tallies(l) {
				row = append(row, int64(t.N), int64(t.Total))
			}
			all = append(all, row)
		}
		return all
	}
	tables := []table{{"Por día", rows(b.Lines)}, {"Totales", rows(b.Totals)}}
	if !b.Compared {
		return tables
	}
	differences := [][]any{{"Diferencia", "Tipo", "Folio", "Día", "Documentos aquí", "Monto aquí", "Documentos SII", "Monto SII", "Estado"}}
	for _, d := range b.Differences {
		differences = append(differences, []any{
			string(d.Kind), int64(d.Tipo), int64(d.Folio), dayOr(d.Day, ""), int64(d.NHere), int64(d.Here), int64(d.NThere), int64(d.There), stateCell(d.State),
		})
	}
	return append(tables, table{"Diferencias", differences})
}

// stateCell is empty for what has no document of ours.
func stateCell(s dte.State) string {
	if s == "" {
		return ""
	}
	return sale.StateWords(s)
}

// WriteCSV writes the tables one under another, as spreadsheets in Chile read them: semicolons, UTF-8 with its mark.
func WriteCSV(out io.Writer, b sale.Balance) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	w.Comma, w.UseCRLF = ';', true
	for i, t := range tablesOf(b) {
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

// WriteXLSX writes a workbook with a sheet for each table. Text is stored as text, never as a formula.
func WriteXLSX(out io.Writer, b sale.Balance) (err error) {
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
	for i, t := range tablesOf(b) {
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
