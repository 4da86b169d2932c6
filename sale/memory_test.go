package sale_test

import (
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestMemoryIsAJournal(t *testing.T) {
	saletest.RunJournal(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryLeadsRefusedDocumentsOn(t *testing.T) {
	saletest.RunRemedies(t, func(t *testing.T) (sale.Journal, func([]byte), func(dte.Veredicto)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }, func(v dte.Veredicto) { must(t, m.Decide(v)) }
	})
}

func addCAF(t *testing.T, m *sale.Memory, file []byte) {
	t.Helper()
	caf, err := dte.ParseCAF(file)
	if err == nil {
		err = caf.Verify(dtetest.Trust())
	}
	if err == nil {
		err = m.AddCAF(caf)
	}
	must(t, err)
}

func TestMemoryRefusesOverlap(t *testing.T) {
	m := sale.NewMemory()
	for i, c := range []struct {
		desde, hasta dte.Folio
		ok           bool
	}{{10, 20, true}, {20, 30, false}, {1, 10, false}, {12, 13, false}, {21, 30, true}} {
		caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.Boleta, c.desde, c.hasta, dtetest.FA())
		if err := m.AddCAF(caf); (err == nil) != c.ok {
			t.Errorf("range %d: %v", i, err)
		}
	}
}

func TestMemoryKeepsAccounts(t *testing.T) {
	saletest.RunAccounts(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryHears(t *testing.T) {
	saletest.RunHeard(t, func(t *testing.T) (sale.Journal, func([]byte), func(dte.RUT, sale.Heard)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }, m.Hear
	})
}

func TestMemoryKeepsCards(t *testing.T) {
	saletest.RunCards(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryKeepsVouchers(t *testing.T) {
	saletest.RunVouchers(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryKeepsPeople(t *testing.T) {
	saletest.RunPeople(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryKeepsTheDrawer(t *testing.T) {
	saletest.RunDrawer(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}

func TestMemoryExchanges(t *testing.T) {
	saletest.RunExchanges(t, func(t *testing.T) (sale.Journal, func([]byte)) {
		m := sale.NewMemory()
		return m, func(file []byte) { addCAF(t, m, file) }
	})
}
