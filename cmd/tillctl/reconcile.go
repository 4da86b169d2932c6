package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/sale"
)

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
	return e.withShop(func(s *shop.Shop) error {
		b, err := s.Balance(e.ctx, first, last, *rcv)
		if err != nil {
			return err
		}
		if err := printBalance(e.out, b); err != nil {
			return err
		}
		for _, f := range []struct {
			name  string
			write func(io.Writer, sale.Balance) error
		}{{*csvFile, shop.WriteCSV}, {*xlsxFile, shop.WriteXLSX}} {
			if f.name == "" {
				continue
			}
			if err := writeFile(f.name, func(w io.Writer) error { return f.write(w, b) }); err != nil {
				return err
			}
			fmt.Fprintf(e.out, "Escrito en %s.\n", f.name)
		}
		if n := len(b.Differences); n > 0 {
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
	return first, last, err
}

// printBalance writes counts for a terminal; the amounts of each count are in the files.
func printBalance(out io.Writer, b sale.Balance) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "DÍA\tTIPO\t%s\tMONTO EMITIDO\t\n", strings.ToUpper(strings.Join(shop.TallyNames, "\t")))
	for _, l := range slices.Concat(b.Lines, b.Totals) {
		fmt.Fprintf(w, "%s\t%d\t", dayOrTotal(l.Day), l.Tipo)
		for _, t := range shop.Tallies(l) {
			fmt.Fprintf(w, "%d\t", t.N)
		}
		fmt.Fprintf(w, "$%s\t\n", l.Issued.Total)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(b.Lines) == 0 {
		fmt.Fprintln(out, "No se emitió nada en esos días.")
	}
	if !b.Compared {
		return nil
	}
	for _, row := range b.Bad {
		fmt.Fprintln(out, "No se leyó la", row)
	}
	if b.MoreBad > 0 {
		fmt.Fprintf(out, "No se leyeron %d líneas más.\n", b.MoreBad)
	}
	for _, d := range b.Differences {
		fmt.Fprintln(out, d)
	}
	if b.Others > 0 {
		fmt.Fprintf(out, "%d documentos del registro son de otra caja o de otro sistema.\n", b.Others)
	}
	if len(b.Differences) == 0 {
		fmt.Fprintln(out, "Todo lo demás calza con el registro del SII.")
	}
	return nil
}

func dayOrTotal(d dte.Date) string {
	if d.IsZero() {
		return "TOTAL"
	}
	return d.String()
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
