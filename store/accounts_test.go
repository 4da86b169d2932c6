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

func TestStoreHears(t *testing.T) {
	saletest.RunHeard(t, func(t *testing.T) (sale.Journal, func([]byte), func(dte.RUT, sale.Heard)) {
		j, addCAF := openAudited(t)
		b := &till{Store: j.(*Store), t: t}
		return j, addCAF, func(rut dte.RUT, h sale.Heard) { b.says(rut, h.At, b.balance(rut)+h.Elsewhere, h.Limit, b.head().N) }
	})
}

// says has the server say a debt, when it had this till's chain up to an entry.
func (b *till) says(rut dte.RUT, at time.Time, owed money.Pesos, limit *money.Pesos, told int64) {
	b.t.Helper()
	refused, err := b.TakeNews(News{Cursor: "c", At: at, Told: told, Customers: []NewsCustomer{
		{Customer: sale.Customer{RUT: rut, RznSoc: "Peña"}, Limit: limit, Balance: &owed},
	}})
	b.must(err)
	if len(refused) > 0 {
		b.t.Fatalf("refused: %+v", refused)
	}
}

func (b *till) account(rut dte.RUT) sale.Movement {
	b.t.Helper()
	m, err := b.Account(sale.CreditAccount(rut))
	b.must(err)
	return m
}

func (b *till) balance(rut dte.RUT) money.Pesos { return b.account(rut).Balance }

// However far the server had this till's chain when it said what a customer owes, the whole debt is the same: what it had not counted
// is added, what it had is not added twice.
func TestADebtIsCountedOnce(t *testing.T) {
	const rut = 12345678
	b := newTill(t)
	b.caf(dte.Boleta, 1, 50)
	limit := money.Pesos(50_000)
	owed := map[int64]money.Pesos{} // by this till's account, as of an entry
	mark := func() { owed[b.head().N] = b.balance(rut) }
	mark()
	b.says(rut, newsAt, 3000, &limit, 0)
	d := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now}
	draft := dte.Draft{Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: rut, RznSoc: "PEÑA"}, Detalle: []dte.Linea{{Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(1000)}}}
	for _, id := range []sale.ID{"s1", "s2", "s3"} {
		tender := sale.Tender{Method: sale.Fiado, Amount: 1000, Received: 1000, Reference: "12345678-5"}
		_, err := sale.IssueOrder(d, sale.Order{ID: id, Draft: draft, Payment: sale.Payment{Tenders: []sale.Tender{tender}}})
		b.must(err)
		mark()
		_, err = sale.PayDebt(b.Store, sale.Abono{ID: "a" + id, At: saletest.Now, RUT: rut, Tender: sale.Tender{Method: sale.Efectivo, Received: 300}})
		b.must(err)
		mark()
	}
	if len(owed) != 7 || b.account(rut).Owes() != 5100 {
		t.Fatalf("after seven entries he owes %+v", b.account(rut))
	}
	for told, own := range owed {
		b.says(rut, newsAt, 3000+own, &limit, told)
		if m := b.account(rut); m.Owes() != 5100 || m.Balance != 2100 || m.Elsewhere != 3000 || m.Limit != limit {
			t.Errorf("told up to %d he owes %s, %s of it elsewhere, and may %s", told, m.Owes(), m.Elsewhere, m.Limit)
		}
	}
	told := b.head().N
	_, err := sale.SetCreditLimit(b.Store, "l", saletest.Now, rut, 7000, "Rosa")
	b.must(err)
	b.says(rut, newsAt, 5100, &limit, told)
	if m := b.account(rut); m.Limit != 7000 || m.Owes() != 5100 {
		t.Errorf("a limit that the server has not heard is %s", m.Limit)
	}
	b.says(rut, newsAt, 5100, &limit, b.head().N)
	if m := b.account(rut); m.Limit != limit {
		t.Errorf("the server heard of a limit and says another, and it is %s", m.Limit)
	}
	b.close()
}

// A server that says nothing of a debt, or nonsense, changes none; one that is left has said nothing.
func TestADebtWithoutAServer(t *testing.T) {
	const rut = 12345678
	b := newTill(t)
	b.joins(1)
	_, err := sale.SetCreditLimit(b.Store, "l", saletest.Now, rut, 1000, "Rosa")
	b.must(err)
	heard(t, b, News{Customers: []NewsCustomer{{Customer: sale.Customer{RUT: rut, RznSoc: "Peña"}, Limit: new(money.Pesos(5))}}})
	alone := b.account(rut)
	if alone.Limit != 1000 || !alone.AsOf.IsZero() {
		t.Errorf("without a word of his debt the account is %+v", alone)
	}
	for _, much := range []money.Pesos{mostOwed + 1, -mostOwed - 1} {
		if refused := heard(t, b, News{Customers: []NewsCustomer{{Customer: sale.Customer{RUT: rut, RznSoc: "Peña"}, Balance: &much}}}); len(refused) != 1 {
			t.Errorf("a debt of %s is believed", much)
		}
	}
	b.says(rut, newsAt, 400, nil, b.head().N)
	if m := b.account(rut); m.Owes() != 400 || !m.AsOf.Equal(newsAt) {
		t.Errorf("the server said 400, and it is %+v", m)
	}
	b.must(b.LeaveServer(saletest.Now))
	if m := b.account(rut); m != alone {
		t.Errorf("without a server the account is %+v, and was %+v", m, alone)
	}
	b.close()
}

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
