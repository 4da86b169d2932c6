package shop

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
)

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// A document becomes a file without a printer and without a line, under its own name; nothing that is there is lost.
func TestADocumentIsSavedAsPDF(t *testing.T) {
	s := opened(t, practice(t)) // nothing runs: no worker, no printer
	r, err := sell(s)
	must(t, err)
	dir := filepath.Join(t.TempDir(), "copias", "de la tienda")
	must(t, s.SetPDFFolder(dir))
	want := filepath.Join(dir, sale.PDFName(r.Key, sale.PDFCarta)+".pdf")
	path, err := s.SavePDF(r.Key, sale.PDFCarta)
	must(t, err)
	letter := contents(t, path)
	if path != want || !bytes.HasPrefix(letter, []byte("%PDF-")) {
		t.Errorf("saved as %s, want %s", path, want)
	}
	if again, err := s.SavePDF(r.Key, sale.PDFCarta); again != path || err != nil {
		t.Errorf("the same content again: %s, %v", again, err)
	}
	roll, err := s.SavePDF(r.Key, sale.PDFRollo)
	must(t, err)
	if roll == path || bytes.Equal(contents(t, roll), letter) {
		t.Error("the roll is the letter")
	}
	must(t, os.WriteFile(path, []byte("carta al notario"), 0o600))
	other, err := s.SavePDF(r.Key, sale.PDFCarta)
	must(t, err)
	if string(contents(t, path)) != "carta al notario" || !bytes.Equal(contents(t, other), letter) {
		t.Errorf("%s was overwritten, or %s is not the document", path, other)
	}
	if again, err := s.SavePDF(r.Key, sale.PDFCarta); again != other || err != nil {
		t.Errorf("a third file: %s, %v", again, err)
	}
}

// The folder is chosen once; one that cannot be written to, or that says no place, changes nothing.
func TestTheFolderOfPDFs(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	o := practice(t)
	s := opened(t, o)
	want := func(dir string) {
		t.Helper()
		if got, err := s.PDFFolder(); got != dir || err != nil {
			t.Errorf("folder %s (%v), want %s", got, err, dir)
		}
	}
	want(filepath.Join(home, "Documents"))
	must(t, os.Mkdir(filepath.Join(home, "Documentos"), 0o700))
	want(filepath.Join(home, "Documentos"))
	must(t, os.Mkdir(filepath.Join(home, ".config"), 0o700))
	must(t, os.WriteFile(filepath.Join(home, ".config", "user-dirs.dirs"), []byte("# folders\nXDG_DOCUMENTS_DIR=\"$HOME/Papeles\"\n"), 0o600))
	want(filepath.Join(home, "Papeles"))

	file := filepath.Join(home, "archivo")
	must(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{"", "  ", "copias", file, filepath.Join(file, "dentro")} {
		if err := s.SetPDFFolder(dir); err == nil || !strings.Contains(err.Error(), "No se cambió nada") {
			t.Errorf("%q: %v", dir, err)
		}
	}
	want(filepath.Join(home, "Papeles"))
	must(t, s.SetPDFFolder(" ~/Mis copias/ "))
	must(t, s.Close())
	s = opened(t, o)
	want(filepath.Join(home, "Mis copias"))
}

// Only what the law lets be ceded has a CEDIBLE: on paper and in a file.
func TestWhatHasNoCedible(t *testing.T) {
	s := opened(t, practice(t))
	r, err := sell(s)
	must(t, err)
	if r.Key.Tipo != dte.Boleta {
		t.Fatalf("sold %s", r.Key)
	}
	if _, err := s.Reprint(r.Key, true, "Rosa"); err == nil {
		t.Error("a boleta is ceded on paper")
	}
	if _, err := s.SavePDF(r.Key, sale.PDFCedible); err == nil {
		t.Error("a boleta is ceded in a file")
	}
	job, err := s.Reprint(r.Key, false, "Rosa")
	must(t, err)
	if job.Copy != 0 {
		t.Errorf("the original waits, and %+v is queued", job)
	}
	if job, ok, err := s.Store.NextPrint(); !ok || err != nil || job.Copy != 0 {
		t.Errorf("next %+v %v", job, err)
	}
}
