package printer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mostrador/dte"
	"mostrador/money"
)

// pdfs are the files that a job can become.
func pdfs(t testing.TB, j Job) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, build := range map[string]func() ([]byte, error){
		"carta": func() ([]byte, error) { return LetterPDF(j) },
		"80":    func() ([]byte, error) { return TicketPDF(j, Paper80) },
		"58":    func() ([]byte, error) { return TicketPDF(j, Paper58) },
	} {
		pdf, err := build()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files[name] = pdf
	}
	return files
}

// The timbre of every PDF is read from its picture at the resolutions of cheap and of usual printers.
func TestTimbreInPDFs(t *testing.T) {
	for kind, j := range map[string]Job{"boleta": boleta(), "factura": factura()} {
		for name, pdf := range pdfs(t, j) {
			for _, dpi := range []int{203, 300} {
				if kind == "factura" && name != "carta" {
					continue // the rolls are drawn alike for all types
				}
				if got := scanned(t, pdf, dpi); !bytes.Equal(got, j.Document.TED) {
					t.Errorf("%s %s at %d dpi: %q", kind, name, dpi, got)
				}
			}
		}
	}
}

// scanned is the timbre of the first page of a PDF, read from its picture.
func scanned(t testing.TB, pdf []byte, dpi int) []byte {
	t.Helper()
	needs(t, "pdftoppm")
	needs(t, "ZXingReader")
	page := filepath.Join(t.TempDir(), "page")
	save(t, page+".pdf", pdf)
	out, err := exec.Command("pdftoppm", "-r", fmt.Sprint(dpi), "-png", "-gray", "-singlefile", page+".pdf", page).CombinedOutput()
	if err != nil {
		t.Fatalf("pdftoppm: %v %s", err, out)
	}
	return zxingFile(t, page+".png")
}

func save(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// text is the searchable text of a PDF, a page after the other.
func text(t testing.TB, pdf []byte) []string {
	t.Helper()
	needs(t, "pdftotext")
	file := filepath.Join(t.TempDir(), "page.pdf")
	save(t, file, pdf)
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
}

// What the law wants on a page is there as text, with its ñ and accents (FACTS 11).
func TestLetterText(t *testing.T) {
	toCede := factura()
	toCede.Cedible, toCede.Copy = true, 1
	training := factura()
	training.Shop.Ambiente = dte.Capacitacion
	for name, c := range map[string]struct {
		job   Job
		pages int
		want  []string
		not   []string
	}{
		"boleta": {boleta(), 1, []string{
			"R.U.T.: 76.543.210-3", "BOLETA ELECTRÓNICA", "N° 1204", "COMERCIAL ÑANDÚ & CÍA LIMITADA", "Café en grano \"Ñandú\" 1 kg", "0,455 kg",
			"(10%) -1.998", "17.982", "TOTAL", "$ 36.969", "El IVA incluido en esta boleta es de $ 5.105", "Redondeo (Ley 20.956)",
			"Total a pagar", "$ 36.970", "Vuelto", "$ 3.030", "Timbre Electrónico SII", "Res. 80 de 2014", "Verifique documento: www.sii.cl",
		}, []string{"S.I.I. -", "CEDIBLE", "COPIA", "Neto", "IVA 19%"}},
		"factura": {factura(), 1, []string{
			"FACTURA ELECTRÓNICA", "S.I.I. - SANTIAGO ORIENTE", "CONSTRUCTORA PEÑA <SUR> & HIJOS", "77.777.777-7", "Maipú", "16-03-2026", "Crédito",
			"Orden de Compra N° OC-4500 del 10-03-2026: compra de obra", "7801234567894", "1.890,5", "Descuento global: cliente frecuente", "-5%",
			"Neto", "$ 124.391", "IVA 19%", "$ 23.634", "Monto Exento", "$ 15.000", "$ 163.025",
		}, []string{"CEDIBLE", "COPIA", "CAPACITACIÓN"}},
		"cedible": {toCede, 2, []string{"CEDIBLE", "Acuse de recibo", "Recinto", "Ley 19.983", "COPIA 1"}, nil},
		"exenta":  {facturaExenta(), 1, []string{"FACTURA NO AFECTA O EXENTA", "ELECTRÓNICA", "Monto Exento", "TOTAL"}, []string{"Neto", "IVA"}},
		"nota": {notaCredito(), 1, []string{
			"NOTA DE CRÉDITO ELECTRÓNICA", "Anula Boleta Electrónica N° 1187 del 14-03-2026: devolución de mercadería", "Total a devolver",
		}, []string{"Acuse"}},
		"capacitación": {training, 1, []string{"CAPACITACIÓN - SIN VALIDEZ"}, nil},
	} {
		pdf, err := LetterPDF(c.job)
		if err != nil {
			t.Fatal(err)
		}
		pages := text(t, pdf)
		if len(pages) != c.pages {
			t.Errorf("%s has %d pages", name, len(pages))
		}
		last := pages[len(pages)-1]
		for _, w := range c.want {
			if !strings.Contains(last, w) {
				t.Errorf("%s: «%s» is missing in\n%s", name, w, last)
			}
		}
		for _, w := range c.not {
			if strings.Contains(last, w) {
				t.Errorf("%s: «%s» is there", name, w)
			}
		}
	}
}

func TestTicketPDFText(t *testing.T) {
	pdf, err := TicketPDF(boleta(), Paper80)
	if err != nil {
		t.Fatal(err)
	}
	page := text(t, pdf)[0]
	for _, w := range []string{"COMERCIAL ÑANDÚ & CÍA LIMITADA", "BOLETA ELECTRÓNICA", "$ 36.969", "Timbre Electrónico SII"} {
		if !strings.Contains(page, w) {
			t.Errorf("«%s» is missing in\n%s", w, page)
		}
	}
}

// A long factura goes over pages: every line is there once, in order, with the totals and the timbre on the last page
// only.
func TestLongFactura(t *testing.T) {
	for _, n := range []int{20, 24, 28, 32, 60} {
		j := factura()
		d := *j.Document
		d.Detalle, d.Montos = nil, nil
		for i := range n {
			d.Detalle = append(d.Detalle, dte.Linea{Nombre: fmt.Sprintf("Artículo-%03d", i), Qty: money.One, Prc: money.PerUnit(10)})
			d.Montos = append(d.Montos, 10)
		}
		j.Document = &d
		pdf, err := LetterPDF(j)
		if err != nil {
			t.Fatal(err)
		}
		pages := text(t, pdf)
		all := strings.Join(pages, "\n")
		at := 0
		for i := range n {
			name := fmt.Sprintf("Artículo-%03d", i)
			if strings.Count(all, name) != 1 || strings.Index(all, name) < at {
				t.Errorf("%d lines: %s is %d times there", n, name, strings.Count(all, name))
			}
			at = strings.Index(all, name)
		}
		for p, page := range pages {
			if last := p == len(pages)-1; strings.Contains(page, "Timbre Electrónico SII") != last || strings.Contains(page, "TOTAL") != last {
				t.Errorf("%d lines: page %d of %d has or lacks the foot", n, p+1, len(pages))
			}
			if len(pages) > 1 && !strings.Contains(page, fmt.Sprintf("Página %d de %d", p+1, len(pages))) {
				t.Errorf("%d lines: page %d has no number", n, p+1)
			}
		}
		if last := pages[len(pages)-1]; !strings.Contains(last, "Descuento global") {
			t.Errorf("%d lines: the foot stands alone", n)
		}
	}
}

// Rows are shared out so that no page is fuller than its room.
func TestShare(t *testing.T) {
	one := row{high: 5.8}
	for n := range 80 {
		rows := make([]row, n)
		for i := range rows {
			rows[i] = one
		}
		first, other, foot := 100.0, 200.0, 60.0
		pages := share(rows, first, other, foot)
		total := 0
		for p, page := range pages {
			room := other
			if p == 0 {
				room = first
			}
			if p == len(pages)-1 {
				room -= foot
			}
			if used := float64(len(page)) * one.high; used > room {
				t.Errorf("%d rows: page %d needs %.1f of %.1f mm", n, p+1, used, room)
			}
			total += len(page)
		}
		if total != n {
			t.Errorf("%d of %d rows", total, n)
		}
	}
}

// The same job makes the same file, from many goroutines at once.
func TestPDFsAreReproducible(t *testing.T) {
	want := pdfs(t, factura())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for name, pdf := range pdfs(t, factura()) {
				if !bytes.Equal(pdf, want[name]) {
					t.Errorf("%s differs", name)
				}
			}
		})
	}
	wg.Wait()
	other := factura()
	other.Copy = 1
	for name, pdf := range pdfs(t, other) {
		if bytes.Equal(pdf, want[name]) {
			t.Errorf("%s: a copy is the same file", name)
		}
	}
}

func TestPDFWithoutTimbre(t *testing.T) {
	j := boleta()
	j.Document.TED = nil
	if _, err := LetterPDF(j); err != nil {
		t.Errorf("it stopped a boleta: %v", err)
	}
	f := factura()
	f.Document.TED = nil
	if _, err := LetterPDF(f); err == nil {
		t.Error("a factura was drawn without timbre")
	}
}

func BenchmarkLetterPDF(b *testing.B) {
	j := factura()
	for b.Loop() {
		if _, err := LetterPDF(j); err != nil {
			b.Fatal(err)
		}
	}
}
