package store

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func (b *till) lease(id int64, desde, hasta dte.Folio) error {
	return b.TakeLease(Lease{ID: id, Tipo: dte.Boleta, Desde: desde, Hasta: hasta}, saletest.CAF(dte.Boleta, 1, 100, dtetest.FA()), dtetest.Trust(), saletest.Now)
}

func (b *till) reports(want FolioReport) {
	b.t.Helper()
	got, err := b.FolioReport()
	b.must(err)
	if got.Epoch != want.Epoch || !slices.Equal(got.Used, want.Used) || !slices.Equal(got.Returned, want.Returned) {
		b.t.Errorf("it reports %+v, want %+v", got, want)
	}
}

// sells issues n boletas and returns their folios.
func lease(id int64, from, to, used dte.Folio) LeaseMark {
	return LeaseMark{Lease{id, dte.Boleta, from, to}, used}
}

func (b *till) sells(n int) (folios []dte.Folio) {
	b.t.Helper()
	for range n {
		folios = append(folios, b.issue(sale.ID(rand.Text())).Key.Folio)
	}
	return folios
}

// fails breaks the disk: a backup made before takes the place of the file.
func (b *till) fails(backup string) {
	b.t.Helper()
	b.must(b.Close())
	b.must(os.Remove(b.path))
	b.must(Restore(backup, b.path, saletest.Now))
	b.open()
}

// A till issues from its leases and nothing else, says how far it came, and gives back what it will not use.
func TestALeaseIsAPartOfARange(t *testing.T) {
	b := newTill(t)
	b.must(b.lease(7, 11, 13))
	b.must(b.lease(8, 31, 40))
	b.must(b.lease(7, 11, 13)) // said twice
	b.reports(FolioReport{Used: []LeaseMark{lease(7, 11, 13, 10), lease(8, 31, 40, 30)}})
	if folios := b.sells(4); !slices.Equal(folios, []dte.Folio{11, 12, 13, 31}) {
		t.Errorf("it used %v", folios)
	}
	b.reports(FolioReport{Used: []LeaseMark{lease(7, 11, 13, 13), lease(8, 31, 40, 31)}})
	b.must(b.FollowLeases([]Lease{{8, dte.Boleta, 31, 40}}, saletest.Now))
	b.reports(FolioReport{Used: []LeaseMark{lease(8, 31, 40, 31)}})

	b.must(b.ReturnLeases(saletest.Now))
	_, err := b.try("another")
	b.wantErr(err, sale.ErrNoFolios)
	b.reports(FolioReport{Returned: []LeaseMark{lease(8, 31, 31, 31)}})
	b.must(b.FollowLeases(nil, saletest.Now))
	b.reports(FolioReport{})
	b.must(b.FollowLeases([]Lease{{8, dte.Boleta, 31, 40}}, saletest.Now)) // the server forgot, and says that it is open
	b.reports(FolioReport{Returned: []LeaseMark{lease(8, 31, 31, 31)}})
	_, err = b.try("another")
	b.wantErr(err, sale.ErrNoFolios)
	b.must(b.FollowLeases(nil, saletest.Now))
	b.reports(FolioReport{})
	b.must(b.lease(9, 32, 33)) // the same folios come back
	if folios := b.sells(2); !slices.Equal(folios, []dte.Folio{32, 33}) {
		t.Errorf("of the new lease it used %v", folios)
	}
	b.healthy()
}

// Another server calls its leases as it likes: what the till had from the first one is not given back to it.
func TestALeaseOfAnotherServer(t *testing.T) {
	b := newTill(t)
	b.must(b.lease(7, 1, 10))
	b.must(b.FollowLeases(nil, saletest.Now))
	b.must(b.FollowLeases([]Lease{{7, dte.Factura, 1, 10}}, saletest.Now))
	b.reports(FolioReport{})
	b.must(b.lease(7, 11, 20))
	b.must(b.FollowLeases([]Lease{{7, dte.Boleta, 11, 20}}, saletest.Now))
	b.reports(FolioReport{Used: []LeaseMark{lease(7, 11, 20, 10)}})
}

// What the server gives is judged like what a person imports.
func TestLeasesThatAreNone(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 90, 95)
	for name, l := range map[string]Lease{
		"begins before the CAF": {1, dte.Boleta, 0, 5}, "ends behind it": {1, dte.Boleta, 99, 101}, "empty": {1, dte.Boleta, 6, 5},
		"of another type": {1, dte.Factura, 1, 5}, "without a number": {0, dte.Boleta, 1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.wantErr(b.TakeLease(l, saletest.CAF(dte.Boleta, 1, 100, dtetest.FA()), dtetest.Trust(), saletest.Now), ErrLease)
		})
	}
	b.t = t
	b.wantErr(b.lease(1, 80, 90), ErrCAFOverlap)
	b.wantErr(b.TakeLease(Lease{1, dte.Boleta, 1, 5}, saletest.CAF(dte.Boleta, 1, 100, dtetest.FA()), dte.SII(), saletest.Now), dte.ErrCAFUnknownKey)
	b.reports(FolioReport{})
	b.healthy()
}

// A restored store issues nothing until the server has answered, and then nothing from what the lost one had.
func TestARestoredStoreFollowsTheServer(t *testing.T) {
	b := newTill(t)
	b.must(b.lease(1, 1, 20))
	b.sells(3)
	backup := filepath.Join(t.TempDir(), "respaldo")
	b.must(b.backupTo(backup))
	b.sells(5) // nobody but the lost store knows of these
	b.fails(backup)
	_, err := b.try("too soon")
	b.wantErr(err, ErrHeld)
	b.reports(FolioReport{Epoch: 1}) // what the lost one had, this one never uses
	b.must(b.lease(2, 41, 50))
	b.must(b.FollowLeases([]Lease{{2, dte.Boleta, 41, 50}}, saletest.Now))
	if folios := b.sells(2); !slices.Equal(folios, []dte.Folio{41, 42}) {
		t.Errorf("it used %v", folios)
	}
	b.healthy()
}

// With a range of its own a person says how far that went: the server cannot know.
func TestARestoredStoreWithItsOwnRangeWaitsForAPerson(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Factura, 1, 10)
	b.must(b.lease(1, 1, 20))
	backup := filepath.Join(t.TempDir(), "respaldo")
	b.must(b.backupTo(backup))
	b.fails(backup)
	b.must(b.FollowLeases(nil, saletest.Now))
	_, err := b.try("too soon")
	b.wantErr(err, ErrHeld)
}

// What the server says stops issuing, until it says otherwise.
func TestTheServerHoldsAStore(t *testing.T) {
	b := newTill(t)
	b.wantErr(b.Hold("no es de nadie", saletest.Now), ErrServer)
	b.joins(4)
	b.must(b.lease(1, 1, 20))
	b.must(b.Hold("hay otra copia de esta caja", saletest.Now))
	_, err := b.try("held")
	b.wantErr(err, ErrHeld)
	b.wantErr(b.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 0}, "Rosa", saletest.Now), ErrHeld)
	b.must(b.FollowLeases([]Lease{{1, dte.Boleta, 1, 20}}, saletest.Now))
	_, err = b.try("still held")
	b.wantErr(err, ErrHeld)
	b.must(b.Unhold(saletest.Now))
	b.sells(1)
	b.healthy()
}
