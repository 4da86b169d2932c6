package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

// A day of sales, one annulled, sent to the simulator; then one more that waits. Terminal, CSV and XLSX agree, and so does
// the SII's register until it is tampered with.
func TestReconcileAgainstARegister(t *testing.T) {
	c := practice(t)
	for i := range 3 {
		c.must("N°", "issue", "-f", c.json("b.json", order(dte.Boleta, fmt.Sprint("b", i))))
	}
	c.must("N°", "issue", "-f", c.json("f.json", order(dte.Factura, "f1")))
	c.must("N°", "issue", "-f", c.json("n.json", c.note("b0")))
	c.must("Todo tiene veredicto", "sync", "-espera", "60s")
	c.must("N°", "issue", "-f", c.json("b.json", order(dte.Boleta, "late")))

	dir := t.TempDir()
	csvFile, xlsxFile := filepath.Join(dir, "c.csv"), filepath.Join(dir, "c.xlsx")
	out := c.must("TOTAL", "conciliar", "-csv", csvFile, "-xlsx", xlsxFile)
	today := dte.DateOf(time.Now()).String()
	if !strings.Contains(strings.Join(strings.Fields(out), " "), today+" 39 4 3 3 0 0 1 1 ") {
		t.Errorf("four boletas, three accepted, one annulled, one missing:\n%s", out)
	}
	rows := readCSV(t, csvFile)
	sheet := readXLSX(t, xlsxFile, "Por día")
	if len(rows) < 4 || len(sheet) != 4 {
		t.Fatalf("%d rows in the CSV, %d in the sheet", len(rows), len(sheet))
	}
	for i := range sheet {
		if got, want := strings.ReplaceAll(strings.Join(sheet[i], "|"), ",", ""), strings.Join(rows[i], "|"); got != want {
			t.Errorf("row %d: the sheet says %s, the CSV %s", i, got, want)
		}
	}
	if rows[2][1] != "39" || rows[2][3] != "4" || rows[2][13] != "1" || rows[2][15] != "1" {
		t.Errorf("%v", rows[2])
	}

	register := c.register()
	c.must("Todo lo demás calza", "conciliar", "-rcv", c.file("rcv.csv", []byte(register)))
	register = strings.Replace(register, "33;1;", "33;2;", 1) + "39;99999;1000\n39;3;1\nno;se;lee\n"
	out, err := c.do("conciliar", "-rcv", c.file("rcv.csv", []byte(register)), "-xlsx", xlsxFile)
	if err == nil || !strings.Contains(err.Error(), "diferencias") {
		t.Errorf("%v", err)
	}
	for _, part := range []string{
		"Sólo en el SII: factura 2 ", "Sólo aquí: factura 1 ", "Monto distinto: boleta 3,", "Sólo aquí: boleta 4 ",
		"1 documentos del registro son de otra caja", "No se leyó la línea",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not told:\n%s", part, out)
		}
	}
	if n := len(readXLSX(t, xlsxFile, "Diferencias")); n < 5 {
		t.Errorf("%d rows of differences", n)
	}
	c.refused("al revés", "conciliar", "-desde", "2026-03-02", "-hasta", "2026-03-01")
	c.refused("AAAA-MM-DD", "conciliar", "-desde", "ayer")
	c.refused("no parece un registro", "conciliar", "-rcv", c.file("otro.csv", []byte("codigo;precio\n1;2\n")))
	c.must("No se emitió nada", "conciliar", "-desde", "2020-01-01", "-hasta", "2020-01-31")
}

// note annuls the boleta of a sale.
func (c *till) note(id sale.ID) (o sale.Order) {
	c.t.Helper()
	c.with(func(s *shop.Shop) error {
		r, err := s.Store.Sale(id)
		if err != nil {
			return err
		}
		doc, err := s.Store.DocumentIn(r.Key)
		if err != nil {
			return err
		}
		o, err = sale.CreditNote("nota", doc, r.Payment, "devolución")
		return err
	})
	return o
}

// register is what the SII would have of the accepted documents, boletas with them.
func (c *till) register() string {
	var b strings.Builder
	b.WriteString("Tipo Doc;Folio;Monto total\n")
	c.with(func(s *shop.Shop) error {
		docs, err := s.Documents(sale.DocumentQuery{})
		for _, d := range docs {
			if d.State == dte.Accepted && d.Key.Tipo != dte.Boleta {
				fmt.Fprintf(&b, "%d;%d;%d\n", d.Key.Tipo, d.Key.Folio, int64(d.Total))
			}
		}
		return err
	})
	return b.String()
}

func (c *till) with(act func(*shop.Shop) error) {
	c.t.Helper()
	e := &env{opt: shop.Options{Dir: c.dir, Keys: "archivo", Now: time.Now}}
	if err := e.withShop(act); err != nil {
		c.t.Fatal(err)
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := bytes.CutPrefix(b, []byte("\ufeff"))
	if !ok {
		t.Error("without the mark of UTF-8, spreadsheets read the accents wrong")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func readXLSX(t *testing.T, name, sheet string) [][]string {
	t.Helper()
	f, err := excelize.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
