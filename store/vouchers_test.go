package store

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestStoreKeepsVouchers(t *testing.T) { saletest.RunVouchers(t, openAudited) }

func TestStoreExchanges(t *testing.T) { saletest.RunExchanges(t, openAudited) }

// A sale without boleta that was altered, or that is gone, is found.
func TestAuditOfVouchers(t *testing.T) {
	for name, spoil := range map[string]func(*bolt.Bucket) error{
		"gone": func(b *bolt.Bucket) error { return b.Delete(number(1)) },
		"altered": func(b *bolt.Bucket) error {
			r, err := decode[sale.Record](bVouchers, number(1), b.Get(number(1)))
			if err != nil {
				return err
			}
			r.Lines[0].Nombre = "Otra cosa"
			return putJSON(b.Tx(), bVouchers, number(1), r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			_, err := b.KeepVoucher(sale.Record{
				ID: "s1", At: saletest.Now, Total: 1000, Lines: []sale.Line{{Nombre: "Pan", Qty: money.One, Total: 1000}},
				Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Debito, Amount: 1000, Received: 1000}}},
			})
			b.must(err)
			b.healthy()
			b.must(b.update(func(t *bolt.Tx) error { return spoil(t.Bucket(bVouchers)) }))
			if r, err := b.Audit(true); err != nil || r.OK() {
				t.Errorf("the audit found nothing: %v", err)
			}
			b.close()
		})
	}
}

// What has no document owes its slip all the same, once.
func TestASlipOwesItsPaper(t *testing.T) {
	b := newTill(t)
	defer b.close()
	for range 2 {
		_, err := b.KeepSlip(sale.Record{
			ID: "s1", At: saletest.Now, Key: dte.Key{Tipo: sale.DevolucionSinBoleta}, Total: 1000, Reason: "regalo",
			Lines:   []sale.Line{{Nombre: "Pan", Qty: money.One, Total: 1000}},
			Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Vale, Amount: 1000, Received: 1000, Reference: "V2345678"}}},
		})
		b.must(err)
	}
	job, owed, err := b.NextPrint()
	b.must(err)
	if !owed || job.Kept == nil || job.Kept.Key.Folio != 1 || job.Kept.Payment.Tenders[0].Reference != "V2345678" {
		t.Fatalf("owed %v: %+v", owed, job)
	}
	b.healthy()
	b.must(b.PrintDone(job.ID))
	if _, owed, err := b.NextPrint(); owed || err != nil {
		t.Errorf("a second paper, %v", err)
	}
}
