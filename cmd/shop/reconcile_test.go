package shop

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// What the window asks for: a month's sums, the documents of a line, and files in the till's folder.
func TestBalanceOfAShop(t *testing.T) {
	s := opened(t, practice(t))
	var last sale.Record
	for range 3 {
		r, err := sell(s)
		must(t, err)
		last = r
	}
	today := dte.DateOf(time.Now())
	first := dte.Date{Year: today.Year, Month: today.Month, Day: 1}
	b, err := s.Balance(t.Context(), first, today, "")
	if err != nil || len(b.Lines) != 1 || b.Lines[0].Day != today || b.Totals[0].Missing.N != 3 || b.Compared {
		t.Fatalf("%+v, %v", b, err)
	}
	list, err := s.Booked(t.Context(), today, last.Key.Tipo, 2)
	if err != nil || len(list) != 2 || list[0].Key.Folio != last.Key.Folio-2 || list[0].State != dte.Issued {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err = s.Booked(t.Context(), today, dte.Factura, 2); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	for format, mark := range map[string]string{"csv": "\ufeff", "xlsx": "PK"} {
		path, err := s.SaveBalance(b, format)
		must(t, err)
		file, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(file, []byte(mark)) || !strings.HasPrefix(path, s.opt.Dir) || filepath.Ext(path) != "."+format {
			t.Errorf("%s: %.20q, %v", path, file, err)
		}
	}
	register := filepath.Join(t.TempDir(), "rcv.csv")
	must(t, os.WriteFile(register, []byte("Tipo Doc;Folio;Monto total\n39;1;5\n"), 0o600))
	if b, err = s.Balance(t.Context(), first, today, register); err != nil || !b.Compared || len(b.Differences) != 3 {
		t.Errorf("%+v, %v", b, err)
	}
	for _, c := range []struct {
		register, word string
		first          dte.Date
	}{{register + "x", "no se pudo leer", first}, {s.opt.Path(), "rcv", first}, {"", "al revés", dte.Date{Year: 2050, Month: 1, Day: 1}}} {
		if _, err := s.Balance(t.Context(), c.first, today, c.register); err == nil || c.word != "rcv" && !strings.Contains(err.Error(), c.word) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Balance(gone, first, today, ""); err == nil {
		t.Error("it went on although nobody wants it")
	}
}

func TestNoCellBecomesAFormula(t *testing.T) {
	for text, want := range map[any]string{
		"=1+1": "'=1+1", "+56 9": "'+56 9", "-5": "'-5", "@SUM": "'@SUM", "\t=1": "'\t=1", "Pan": "Pan", "": "", int64(-5): "-5", "a=b": "a=b",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
