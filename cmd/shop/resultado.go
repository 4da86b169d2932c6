package shop

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/sale"
)

// Limits of what is imported at once.
const (
	maxResultadoFile  = 32 << 20
	maxResultadoFiles = 1000 // of a folder
)

// Resultado is what one result file of the SII did.
type Resultado struct {
	TrackID, Sobre string
	// Refused is why the SII refused the envelope as a whole; then the file decides nothing.
	Refused string
	Told    []sale.Told
	// Open is how many documents of the envelope the file says nothing certain about.
	Open int
}

// Count is how many documents had this outcome.
func (r Resultado) Count(outcome sale.ToldOutcome) (n int) {
	for _, t := range r.Told {
		if t.Outcome == outcome {
			n++
		}
	}
	return n
}

// String sums it up in a sentence or two.
func (r Resultado) String() string {
	if r.Refused != "" {
		return fmt.Sprintf("Envío %s: el SII lo rechazó completo (%s). El archivo no cambió nada: la caja lo pregunta por la línea y rehace el envío sola.", r.TrackID, r.Refused)
	}
	words := fmt.Sprintf("Envío %s: %d aplicados, %d que ya se sabían, %d con su motivo, %d en que el archivo dice otra cosa.",
		r.TrackID, r.Count(sale.ToldApplied), r.Count(sale.ToldKnown), r.Count(sale.ToldReason), r.Count(sale.ToldDoubt))
	if r.Open > 0 {
		words += fmt.Sprintf(" De %d el archivo no dice nada seguro: la caja sigue preguntando.", r.Open)
	}
	return words
}

// ImportResultado reads the answers of the SII in a file that a person saved: the XML itself, or the mail that brought it.
// Each speaks of an envelope of this shop that was uploaded, and of documents in it; what it says of those without a verdict
// is stored and marked, until the SII confirms it over the line. Doing it twice does no more than once. The results are
// those before the error.
func (s *Shop) ImportResultado(file io.Reader) (done []Resultado, err error) {
	saved, err := io.ReadAll(io.LimitReader(file, maxResultadoFile+1))
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer el archivo: %w", err)
	}
	found, err := sii.ResultadosIn(saved)
	if err != nil {
		return nil, err
	}
	for _, text := range found {
		r, err := sii.ReadResultadoEnvio(text)
		if err != nil {
			return done, err
		}
		result, err := s.applyResultado(r)
		if err != nil {
			return done, err
		}
		done = append(done, result)
	}
	return done, nil
}

// applyResultado checks that a result is ours, whole, before anything of it is stored.
func (s *Shop) applyResultado(r sii.ResultadoEnvio) (Resultado, error) {
	result := Resultado{TrackID: r.TrackID}
	if r.Emisor != s.Info.Emisor.RUT {
		return result, fmt.Errorf("el archivo es de la empresa %s y esta caja es de %s. No se cambió nada", r.Emisor.Dotted(), s.Info.Emisor.RUT.Dotted())
	}
	sobre, err := s.Store.SobreByTrack(func(id string) bool { return sii.SameTrackID(id, r.TrackID) })
	if errors.Is(err, sale.ErrNotFound) {
		return result, fmt.Errorf("esta caja no tiene un envío %s de facturas o notas. No se cambió nada; si lo hizo otra caja, cárguelo en ella", r.TrackID)
	}
	if err != nil {
		return result, err
	}
	result.Sobre = sobre.ID
	if sobre.Refused != "" {
		return result, fmt.Errorf("el envío %s ya figura rechazado completo (%s), y sus documentos van en otro. No se cambió nada", r.TrackID, sobre.Refused)
	}
	for _, d := range r.Details {
		if key := (dte.Key{Emisor: r.Emisor, Tipo: d.Tipo, Folio: d.Folio}); !slices.Contains(sobre.Keys, key) {
			return result, fmt.Errorf("el archivo habla de %s N° %d, que no iba en el envío %s. No se aplicó nada de él: "+
				"pudo ser alterado. Pida al SII que lo mande de nuevo", d.Tipo, d.Folio, r.TrackID)
		}
	}
	if r.Phase != sii.Processed {
		result.Refused = strings.Join(append([]string{r.Estado, r.Glosa}, r.Errors...), " ")
		return result, nil
	}
	verdicts := r.Veredictos(sobre.Keys, s.opt.Now())
	result.Open = len(sobre.Keys) - len(verdicts)
	result.Told, err = s.Store.SettleFromFile(sobre.ID, verdicts)
	return result, err
}

// ImportResultados does so with a file, or with the mails and XML files of a folder. told is one line for each result, and
// for each file that could not be used; the error is the only file's, or says how many of a folder could not be used.
func (s *Shop) ImportResultados(path string) (told []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w", path, err)
	}
	if !info.IsDir() {
		return s.importOne(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer la carpeta %s: %w", path, err)
	}
	files, unused := 0, 0
	for _, e := range entries {
		if ext := strings.ToLower(filepath.Ext(e.Name())); e.IsDir() || ext != ".xml" && ext != ".eml" {
			continue
		}
		if files++; files > maxResultadoFiles {
			return told, fmt.Errorf("la carpeta tiene más de %d archivos. Se cargaron ésos; mueva el resto a otra", maxResultadoFiles)
		}
		lines, err := s.importOne(filepath.Join(path, e.Name()))
		told = append(told, lines...)
		if err != nil {
			unused++
			told = append(told, fmt.Sprintf("%s: %v", e.Name(), err))
		}
	}
	switch {
	case files == 0:
		return told, fmt.Errorf("en la carpeta %s no hay archivos .xml ni .eml. No se cambió nada", path)
	case unused > 0:
		return told, fmt.Errorf("%d de %d archivos no se pudieron usar", unused, files)
	}
	return told, nil
}

func (s *Shop) importOne(name string) (told []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("no se pudo leer %s: %w", name, err)
	}
	defer f.Close()
	done, err := s.ImportResultado(f)
	for _, r := range done {
		told = append(told, r.String())
		for _, t := range r.Told {
			if t.Outcome != sale.ToldKnown {
				told = append(told, "  "+t.String())
			}
		}
	}
	return told, err
}
