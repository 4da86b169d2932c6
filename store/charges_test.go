package store

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/terminal"
	"mostrador/terminal/terminaltest"
)

func TestStoreIsATerminalsLedger(t *testing.T) {
	terminaltest.RunLedger(t, func(t *testing.T) (terminal.Ledger, func() terminal.Ledger) {
		b := newTill(t)
		// the suite gives back under this name, and money that went back is of a return
		b.must(b.KeepReturn(sale.Return{ID: "e", At: saletest.Now, Reason: "roto", Lines: []sale.ReturnedLine{{Line: 1, Qty: money.One}}}))
		return b.Charges(), func() terminal.Ledger {
			b.reopenFile()
			return b.Charges()
		}
	})
}

func TestStoreKeepsCards(t *testing.T) { saletest.RunCards(t, openAudited) }

// An unsettled charge that nobody would find is a fault.
func TestAuditOfCharges(t *testing.T) {
	b := newTill(t)
	in := terminal.Intent{Ref: "a-1", Ticket: terminal.TicketFor("a-1"), Amount: 1000, At: saletest.Now}
	if _, _, err := b.Charges().Begin(in); err != nil {
		t.Fatal(err)
	}
	b.healthy()
	b.must(b.update(func(t *bolt.Tx) error { return t.Bucket(bMeta).Delete(kCharge) }))
	if r, err := b.Audit(false); err != nil || r.OK() {
		t.Errorf("the audit found nothing: %v", err)
	}
	b.close()
}

// Money that went back to a card belongs to a return that waits, or that has its note.
func TestAuditOfRefunds(t *testing.T) {
	b := newTill(t)
	of := terminal.Entry{Intent: terminal.Intent{Ref: "a-1", Amount: 1000}, Result: terminal.Result{State: terminal.Approved, Operation: "1"}}
	in := terminal.Intent{Ref: "b-r1", Amount: 1000, At: saletest.Now, Back: of.Charged()}
	waits := sale.Return{ID: "b", At: saletest.Now, Reason: "roto", Lines: []sale.ReturnedLine{{Line: 1, Qty: money.One}}}
	b.must(b.KeepReturn(waits))
	_, _, err := b.Charges().Begin(in)
	b.must(err)
	b.must(b.Charges().Settle("b-r1", of.Result))
	b.healthy()
	b.must(b.DropReturn("b"))
	if r, err := b.Audit(false); err != nil || r.OK() {
		t.Errorf("the audit found nothing: %v", err)
	}
	b.close()
}
