package printer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
)

func report(rows int) Report {
	r := Report{
		Title: "Registro de contingencias", Author: "Almacén Doña Rosa", At: time.Date(2026, 3, 16, 12, 0, 0, 0, dte.Santiago),
		Lead:    []string{"Una explicación con eñes y tildes: año, corazón. " + strings.Repeat("Sigue y sigue. ", 30)},
		Columns: []ReportColumn{{"N°", 1, true}, {"Causa", 4, false}, {"Documentos", 2, true}},
		Foot:    []string{"Fin del informe."},
	}
	for i := range rows {
		r.Rows = append(r.Rows, []string{fmt.Sprint(i + 1), fmt.Sprintf("fila %d, sin internet desde la mañana porque se cortó el cable de la calle", i+1), "12"})
	}
	return r
}

func TestReportIsReadWhole(t *testing.T) {
	r := report(120)
	r.Rows = append(r.Rows, []string{"121"}) // cells that are missing
	r.Training = true
	pdf, err := ReportPDF(r)
	if err != nil {
		t.Fatal(err)
	}
	pages := text(t, pdf)
	all := strings.Join(pages, "\n")
	for i := range 120 {
		if !strings.Contains(all, fmt.Sprintf("fila %d,", i+1)) {
			t.Errorf("row %d is not on paper", i+1)
		}
	}
	for _, words := range []string{"Registro de contingencias", "Almacén Doña Rosa", "hecho el 16-03-2026 12:00", "año, corazón", "Fin del informe."} {
		if !strings.Contains(all, words) {
			t.Errorf("%q is not on paper", words)
		}
	}
	for i, page := range pages {
		if strings.TrimSpace(page) == "" {
			continue
		}
		if !strings.Contains(page, "CAPACITACIÓN") || !strings.Contains(page, fmt.Sprintf("Página %d de", i+1)) {
			t.Errorf("page %d lacks its mark or number", i+1)
		}
		if strings.Contains(page, "fila") && !strings.Contains(page, "Documentos") {
			t.Errorf("page %d has rows without titles", i+1)
		}
	}
	again, err := ReportPDF(r)
	if err != nil || !bytes.Equal(pdf, again) {
		t.Errorf("the same report made other bytes: %v", err)
	}
}

func TestReportEndsWhateverItHolds(t *testing.T) {
	r := report(0)
	r.Columns = nil
	if _, err := ReportPDF(r); err != nil {
		t.Error("without a table:", err)
	}
	r = report(1)
	r.Rows[0][1] = strings.Repeat("larguísimo ", 5000)
	r.Columns[0].Share = 0
	pdf, err := ReportPDF(r)
	if err != nil {
		t.Fatal(err)
	}
	if pages := text(t, pdf); len(pages) > 4 {
		t.Errorf("one row took %d pages", len(pages))
	}
}
