package store

import (
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
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

// The movements of sales are those of their tenders: one that is gone is found, and so is one of a sale that never was.
func TestAuditOfSalesAndAccounts(t *testing.T) {
	for name, spoil := range map[string]func(b *till) error{
		"a sale's movement is gone": func(b *till) error {
			return b.update(func(t *bolt.Tx) error {
				k, _ := t.Bucket(bAccounts).Cursor().Last()
				return t.Bucket(bAccounts).Delete(k)
			})
		},
		"a movement of no sale": func(b *till) error {
			return b.update(func(t *bolt.Tx) error {
				_, err := move(t, sale.Movement{Account: sale.ValeAccount("VX"), At: saletest.Now, Kind: sale.MoveReturn, ID: "nobody", Amount: 500})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			b.caf(dte.Boleta, 1, 5)
			_, err := sale.SetCreditLimit(b.Store, "l", saletest.Now, 77777777, 5000, "Rosa")
			b.must(err)
			d := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now}
			draft := dte.Draft{Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: 77777777, RznSoc: "PEÑA"}, Detalle: []dte.Linea{{Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(1000)}}}
			owed := sale.Payment{Tenders: []sale.Tender{{Method: sale.Fiado, Amount: 1000, Received: 1000, Reference: "77777777-7"}}}
			_, err = sale.IssueOrder(d, sale.Order{ID: "s", Draft: draft, Payment: owed})
			b.must(err)
			if r, err := b.Audit(true); err != nil || !r.OK() {
				t.Fatalf("before: %+v, %v", r, err)
			}
			b.must(spoil(b))
			if r, err := b.Audit(true); err != nil || r.OK() {
				t.Errorf("the audit found nothing: %v", err)
			}
			b.close()
		})
	}
}

// The slip of an abono is owed from the moment on at which the abono is kept, once, and is done with like any paper.
func TestAnAbonoOwesItsSlip(t *testing.T) {
	b := newTill(t)
	defer b.close()
	_, err := sale.SetCreditLimit(b.Store, "l1", saletest.Now, 12345678, 1000, "Rosa")
	b.must(err)
	_, err = b.Move(sale.Movement{Account: sale.CreditAccount(12345678), At: saletest.Now, Kind: sale.MoveReturn, ID: "s1", Amount: 900})
	b.must(err)
	if _, owed, err := b.NextPrint(); owed || err != nil {
		t.Fatalf("a limit or a debt has a slip: %v", err)
	}
	for range 2 {
		_, err = sale.PayDebt(b.Store, sale.Abono{ID: "a1", At: saletest.Now, RUT: 12345678, Name: "Aromos", Tender: sale.Tender{Method: sale.Efectivo, Received: 500}})
		b.must(err)
	}
	job, owed, err := b.NextPrint()
	b.must(err)
	if !owed || job.Abono == nil || job.Abono.Balance != 400 || job.Abono.Name != "Aromos" {
		t.Fatalf("the queue has %+v", job)
	}
	b.must(b.PrintFailed(job.ID, "sin papel"))
	b.must(b.PrintDone(job.ID))
	if _, owed, _ := b.NextPrint(); owed {
		t.Error("the slip is owed twice")
	}
	if n := keysOf(b.Store, bPapers); n != 0 {
		t.Errorf("%d documents that do not exist have papers", n)
	}
	job.Abono.N = 99
	b.must(b.update(func(t *bolt.Tx) error { _, err := queuePrint(t, job); return err }))
	if r, err := b.Audit(false); err != nil || r.OK() {
		t.Errorf("the slip of an abono that is not kept is not found: %v", err)
	}
}

func keysOf(s *Store, bucket []byte) (n int) {
	_ = s.view(func(t *bolt.Tx) error {
		n = t.Bucket(bucket).Stats().KeyN
		return nil
	})
	return n
}
