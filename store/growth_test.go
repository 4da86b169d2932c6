package store

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// stalled is a stick that takes nothing until the test lets it.
type stalled struct{ started, release chan struct{} }

func (s stalled) Write(b []byte) (int, error) {
	select {
	case <-s.started:
	default:
		close(s.started)
	}
	<-s.release
	return len(b), nil
}

// TestSalesDoNotWaitForASlowBackup: the file outgrows its mapping while a backup hangs.
func TestSalesDoNotWaitForASlowBackup(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 1000)
	b.issue("before")
	stick := stalled{make(chan struct{}), make(chan struct{})}
	backup := make(chan error)
	go func() { backup <- b.Backup(stick) }()
	<-stick.started
	before, err := os.Stat(b.path)
	b.must(err)
	sold := make(chan error)
	go func() {
		for i := range 60 {
			id := sale.ID(fmt.Sprint("s", i))
			if _, err := b.Issue(id, dte.Boleta, saletest.Now, padded(id, 50_000)); err != nil {
				sold <- err
				return
			}
		}
		sold <- nil
	}()
	select {
	case err := <-sold:
		b.must(err)
	case <-time.After(20 * time.Second):
		t.Error("the sale waits for the backup")
	}
	if after, err := os.Stat(b.path); err != nil || after.Size() < 4*before.Size() {
		t.Errorf("the file did not grow enough: %d, %d, %v", before.Size(), after.Size(), err)
	}
	close(stick.release)
	b.must(<-backup)
	b.must(b.Backup(io.Discard))
}

// TestAuditWhileSellingFindsNothing: bbolt's check of the structure takes no notice of which transaction it serves, so a
// sale in the middle of it used to look like damage.
func TestAuditWhileSellingFindsNothing(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 10_000)
	for i := range 200 {
		b.issue(sale.ID(fmt.Sprint("before", i)))
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := b.try(sale.ID(fmt.Sprint("s", i))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for i := range 40 {
		r, err := b.Audit(i%2 == 0)
		b.must(err)
		if !r.OK() {
			t.Fatalf("audit %d: %v", i, r.Faults[0])
		}
	}
	close(stop)
	<-done
}
