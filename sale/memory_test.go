package sale_test

import (
	"testing"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestMemoryIsAJournal(t *testing.T) {
	saletest.RunJournal(t, func(t *testing.T) (sale.Journal, func([]byte, dte.Trust)) {
		m := sale.NewMemory()
		return m, func(file []byte, trust dte.Trust) {
			caf, err := dte.ParseCAF(file)
			if err == nil {
				err = caf.Verify(trust)
			}
			if err == nil {
				err = m.AddCAF(caf)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMemoryRefusesOverlap(t *testing.T) {
	issuer := saletest.NewIssuer(t)
	m := sale.NewMemory()
	for i, c := range []struct {
		desde, hasta dte.Folio
		ok           bool
	}{{10, 20, true}, {20, 30, false}, {1, 10, false}, {12, 13, false}, {21, 30, true}} {
		caf, err := dte.ParseCAF(issuer.CAF(dte.Boleta, c.desde, c.hasta, saletest.Authorised))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.AddCAF(caf); (err == nil) != c.ok {
			t.Errorf("range %d: %v", i, err)
		}
	}
}
