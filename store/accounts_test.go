package store

import (
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// openAudited is an empty journal for the suites; whatever they did, the audit finds nothing.
func openAudited(t *testing.T) (sale.Journal, func([]byte)) {
	b := newTill(t)
	t.Cleanup(func() {
		b.reopenFile()
		b.healthy()
	})
	return b.Store, func(file []byte) {
		caf, err := dte.ParseCAF(file)
		b.must(err)
		_, err = b.ImportCAF(file, dtetest.Trust(), time.Date(caf.FA.Year, caf.FA.Month, caf.FA.Day, 12, 0, 0, 0, dte.Santiago))
		b.must(err)
	}
}

func TestStoreKeepsAccounts(t *testing.T) { saletest.RunAccounts(t, openAudited) }

// A balance that was altered, or a movement that went missing, is found.
func TestAuditOfAccounts(t *testing.T) {
	for name, spoil := range map[string]func(*bolt.Bucket) error{
		"a movement is missing": func(b *bolt.Bucket) error {
			k, _ := b.Cursor().First()
			return b.Delete(k)
		},
		"a balance was altered": func(b *bolt.Bucket) error {
			k, v := b.Cursor().Last()
			m, err := decode[sale.Movement](bAccounts, k, v)
			if err != nil {
				return err
			}
			m.Balance--
			return putJSON(b.Tx(), bAccounts, k, m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			for _, id := range []sale.ID{"l1", "l2"} {
				_, err := sale.SetCreditLimit(b.Store, id, saletest.Now, 12345678, 1000, "Rosa")
				b.must(err)
			}
			b.must(b.update(func(t *bolt.Tx) error { return spoil(t.Bucket(bAccounts)) }))
			if r, err := b.Audit(false); err != nil || r.OK() {
				t.Errorf("the audit found nothing: %v", err)
			}
			b.close()
		})
	}
}
