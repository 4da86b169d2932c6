package shop

import (
	"os"
	"path/filepath"
	"strconv"

	"mostrador/dte"
	"mostrador/sale"
)

// CorrectionOf is a refused document as it stands, for a person to mend.
func (s *Shop) CorrectionOf(key dte.Key) (sale.Correction, error) {
	deps, err := s.issuer()
	if err != nil {
		return sale.Correction{}, err
	}
	return sale.CorrectionOf(deps, key)
}

// CheckCorrection tells what is wrong with a correction, before it is done.
func (s *Shop) CheckCorrection(c sale.Correction) error {
	deps, err := s.issuer()
	if err != nil {
		return err
	}
	return sale.CheckCorrection(deps, c)
}

// Resend has a refused document sent again as the very same bytes.
func (s *Shop) Resend(key dte.Key, who, why string) error {
	deps, err := s.issuer()
	if err != nil {
		return err
	}
	defer s.wake()
	return sale.Resend(deps, key, who, why)
}

// Correct issues a refused document again under its own folio.
func (s *Shop) Correct(c sale.Correction, who, why string) (sale.Record, error) {
	deps, err := s.issuer()
	if err != nil {
		return sale.Record{}, err
	}
	defer s.wake()
	return sale.Correct(deps, c, who, why)
}

// Reissue issues the sale of a refused document again, under the next folio.
func (s *Shop) Reissue(key dte.Key, who, why string) (sale.Record, error) {
	deps, err := s.issuer()
	if err != nil {
		return sale.Record{}, err
	}
	return sale.Reissue(deps, key, who, why)
}

// ExportRefused writes what the SII refused of a document into dir, each version as the file that the SII takes:
// T33F12-rechazado-1.xml. It returns how many there are.
func (s *Shop) ExportRefused(key dte.Key, dir string) (n int, err error) {
	past, err := s.Store.Remedies(key)
	if err != nil || len(past) == 0 {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	for _, r := range past {
		xml, err := s.Store.RefusedXML(key, r.N)
		if err != nil {
			return n, err
		}
		name := filepath.Join(dir, key.ID()+"-rechazado-"+strconv.Itoa(r.N)+".xml")
		if err := writeWhole(name, append([]byte(dte.Declaration), xml...)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
