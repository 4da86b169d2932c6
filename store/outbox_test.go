package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/sync/synctest"
)

func TestOutboxSuite(t *testing.T) {
	synctest.RunOutbox(t, func(t *testing.T) synctest.Till {
		b := newTill(t)
		for _, tipo := range dte.Tipos() {
			b.caf(tipo, 1, 20)
		}
		return synctest.Till{
			Outbox: b.Store,
			Add:    b.add,
			Restart: func() synctest.Outbox {
				b.reopenFile()
				return b.Store
			},
		}
	})
}

// add issues a document that exists already.
func (b *till) add(doc *dte.Document, at time.Time) {
	b.t.Helper()
	id := sale.ID(doc.Key().ID())
	_, err := b.Issue(id, doc.Tipo, at, func(sale.Grant) (sale.Issued, error) {
		return sale.Issued{Document: doc, Record: sale.Record{ID: id, At: at, Key: doc.Key(), SHA256: sale.HashXML(doc.XML)}}, nil
	})
	b.must(err)
}

// TestADamagedDocumentDoesNotHoldUpTheOthers: the worker still gets the sound ones.
func TestADamagedDocumentDoesNotHoldUpTheOthers(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	for folio := dte.Folio(1); folio <= 2; folio++ {
		b.add(dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), folio), dtetest.Now())
	}
	first := dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: 1}
	b.must(b.update(func(t *bolt.Tx) error { return t.Bucket(bDocs).Put(keyBytes(first), []byte("<otra/>")) }))
	docs, err := b.Waiting(true, 9)
	b.must(err)
	if len(docs) != 1 || docs[0].Folio != 2 {
		t.Errorf("waiting: %v", docs)
	}
	_, err = b.NewSobre(dte.Sobre{Boletas: true, Keys: []dte.Key{docs[0].Key()}, XML: []byte("<x/>")})
	b.must(err)
	_, err = b.Waiting(true, 9)
	b.wantErr(err, ErrDamaged)
	b.close()
}

func TestBackupWhileSelling(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	b.issue("before")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := range 90 {
			select {
			case <-stop:
				return
			default:
				if _, err := b.try(sale.ID(rune('A' + i))); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "respaldo.db")
	for range 3 {
		r, err := b.BackupFile(path)
		b.must(err)
		if r.Documents < 1 {
			t.Errorf("%+v", r)
		}
	}
	close(stop)
	<-done
	var copied bytes.Buffer
	b.must(b.Backup(&copied))
	if err := b.Backup(failingWriter{}); err == nil {
		t.Error("a full stick was not noticed")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRestoreWaitsForAPerson(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 5)
	b.caf(dte.Boleta, 6, 10)
	b.caf(dte.Factura, 1, 5)
	b.issue("s1")
	backup := filepath.Join(t.TempDir(), "respaldo.db")
	_, err := b.BackupFile(backup)
	b.must(err)
	for _, id := range []sale.ID{"s2", "s3", "s4", "s5", "s6"} { // lost with the disk, but printed
		b.issue(id)
	}
	b.wantErr(Restore(backup, b.path, saletest.Now), ErrExists)
	b.close()
	b.path = filepath.Join(filepath.Dir(b.path), "nueva.db")
	b.must(Restore(backup, b.path, saletest.Now))
	b.open()
	why, err := b.Held()
	b.must(err)
	if why == "" {
		t.Error("a restored store does not know it")
	}
	_, err = b.try("s7")
	b.wantErr(err, ErrHeld)
	if r, err := b.try("s1"); err != nil || r.Key.Folio != 1 {
		t.Errorf("what is known is still answered: %v", err)
	}
	if err := b.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 77, dte.Factura: 0}, "la dueña", saletest.Now); err == nil {
		t.Error("a folio of nobody was believed")
	}
	_, err = b.try("s7")
	b.wantErr(err, ErrHeld)
	b.wantErr(b.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 6}, "la dueña", saletest.Now), ErrHeld)
	b.must(b.Resume(map[dte.TipoDTE]dte.Folio{dte.Boleta: 6, dte.Factura: 0}, "la dueña", saletest.Now))
	if r := b.issue("s7"); r.Key.Folio != 7 {
		t.Errorf("folio %d was already on paper", r.Key.Folio)
	}
	if _, err := b.Issue("f1", dte.Factura, saletest.Now, saletest.Build("f1", dte.Factura, saletest.Now, 10)); err != nil {
		t.Error(err)
	}
	if r := b.healthy(); r.Epoch != 1 || r.Documents != 3 {
		t.Errorf("%+v", r)
	}
}

func TestVerifyBackupRefusesRubbish(t *testing.T) {
	b := newTill(t)
	for name, content := range map[string]string{"empty": "", "text": "esto no es un respaldo"} {
		path := filepath.Join(t.TempDir(), name)
		b.must(writeFile(path, []byte(content)))
		_, err := VerifyBackup(path)
		b.wantErr(err, ErrDamaged)
		if err := Restore(path, filepath.Join(t.TempDir(), "x.db"), saletest.Now); err == nil {
			t.Errorf("%s was restored", name)
		}
	}
	if _, err := VerifyBackup(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a missing file was verified")
	}
}
