package shop

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mostrador/dte"
	"mostrador/printer"
	"mostrador/sale"
)

// Reprint queues one more paper of a document and wakes the printer. The job says what it is: a copy with its number, or
// the original, if that never came out.
func (s *Shop) Reprint(key dte.Key, cedible bool, who string) (sale.PrintJob, error) {
	if cedible {
		doc, _, err := s.document(key)
		if err != nil {
			return sale.PrintJob{}, err
		}
		if !printer.Cedible(doc) {
			return sale.PrintJob{}, noCedible(key)
		}
	}
	job, err := s.Store.Reprint(sale.PaperOrder{Key: key, Cedible: cedible, At: s.opt.Now(), Who: who})
	s.wake()
	return job, err
}

// document is a stored document, read, with its sale.
func (s *Shop) document(key dte.Key) (*dte.Document, sale.Record, error) {
	xml, record, err := s.Store.Document(key)
	if err != nil {
		return nil, record, err
	}
	doc, err := dte.Parse(xml)
	return doc, record, err
}

// valuePDF is the folder of saved PDF files.
const valuePDF = "carpeta-pdf"

// PDFFolder is where PDF files are saved: the folder that was chosen, or the documents of whoever uses the computer.
func (s *Shop) PDFFolder() (string, error) {
	b, err := s.Store.Value(valuePDF)
	if err == nil {
		return string(b), nil
	}
	if !errors.Is(err, sale.ErrNotFound) {
		return "", err
	}
	return userDocuments()
}

// SetPDFFolder chooses the folder, and makes it. One that cannot be written to is refused.
func (s *Shop) SetPDFFolder(dir string) error {
	if dir = strings.TrimSpace(dir); dir == "" {
		return errors.New("falta la carpeta. No se cambió nada")
	}
	if home, err := os.UserHomeDir(); err == nil && (dir == "~" || strings.HasPrefix(dir, "~"+string(filepath.Separator))) {
		dir = filepath.Join(home, dir[1:])
	}
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("«%s» no dice dónde está. No se cambió nada; escriba la carpeta entera", dir)
	}
	dir = filepath.Clean(dir)
	if err := tryFolder(dir); err != nil {
		return fmt.Errorf("no se puede guardar en %s: %w. No se cambió nada", dir, err)
	}
	return s.Store.PutValue(valuePDF, []byte(dir))
}

// tryFolder writes a file and takes it away.
func tryFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".mostrador-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// userDocuments is the desktop's own folder for documents, by its setting, its usual names, or else in English.
func userDocuments() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no se sabe cuál es la carpeta de documentos: %w. Elija una en Ajustes", err)
	}
	if dir := xdgDocuments(home); dir != "" {
		return dir, nil
	}
	for _, name := range []string{"Documentos", "Documents"} {
		if info, err := os.Stat(filepath.Join(home, name)); err == nil && info.IsDir() {
			return filepath.Join(home, name), nil
		}
	}
	return filepath.Join(home, "Documents"), nil
}

// xdgDocuments reads the setting of Linux desktops; empty where there is none.
func xdgDocuments(home string) string {
	config, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(config, "user-dirs.dirs"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "XDG_DOCUMENTS_DIR="); ok {
			dir := strings.ReplaceAll(strings.Trim(value, `"`), "$HOME", home)
			if filepath.IsAbs(dir) {
				return dir
			}
		}
	}
	return ""
}

// PDF lays a document out in a file. The same document makes the same bytes.
func (s *Shop) PDF(key dte.Key, kind sale.PDFKind) ([]byte, error) {
	doc, record, err := s.document(key)
	if err != nil {
		return nil, err
	}
	job := printer.Job{Document: doc, Record: record, Shop: s.Info, Cedible: kind == sale.PDFCedible}
	if job.Cedible && !printer.Cedible(doc) {
		return nil, noCedible(key)
	}
	if kind == sale.PDFRollo {
		return printer.TicketPDF(job, printer.Paper80)
	}
	return printer.LetterPDF(job)
}

// SavePDF writes a document into the folder of the PDF files and returns its path. A file with another content is never
// touched: the new one gets a number behind its name. One with the same content is the answer.
func (s *Shop) SavePDF(key dte.Key, kind sale.PDFKind) (path string, err error) {
	pdf, err := s.PDF(key, kind)
	if err != nil {
		return "", err
	}
	dir, err := s.PDFFolder()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", notSaved(key, err)
	}
	for n := 1; n < mostNames; n++ {
		path = filepath.Join(dir, sale.PDFName(key, kind)+suffix(n)+".pdf")
		kept, err := keepAs(path, pdf)
		switch {
		case err != nil:
			return "", notSaved(key, err)
		case kept:
			return path, nil
		}
	}
	return "", notSaved(key, fmt.Errorf("ya hay %d archivos con ese nombre en %s", mostNames, dir))
}

// mostNames is how many files may have had a document's name.
const mostNames = 100

func suffix(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("-%d", n)
}

// keepAs makes a file that is not there yet; true also if it is there with these bytes.
func keepAs(path string, b []byte) (bool, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		there, err := os.ReadFile(path)
		return err == nil && bytes.Equal(there, b), nil // what cannot be read is somebody else's
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(path)) // ours, and half of it is worth nothing
	}
	return true, nil
}

func notSaved(key dte.Key, err error) error {
	return fmt.Errorf("el PDF de %s no se guardó: %w. El documento está emitido y a salvo; elija otra carpeta en Ajustes o intente de nuevo", title(key), err)
}

func noCedible(key dte.Key) error {
	return fmt.Errorf("la ley no da copia cedible a %s", title(key))
}

func title(key dte.Key) string { return fmt.Sprintf("%s N° %s", key.Tipo, key.Folio) }

// CopyText is what a buyer is told of a document, to be sent by telephone.
func (s *Shop) CopyText(key dte.Key) (string, error) {
	_, record, err := s.Store.Document(key)
	return sale.CopyText(s.Info, record), err
}
