package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

var errFlush = errors.New("input/output error")

// appliedButFailed is the defect of the last flush: the data is in the file, the caller gets an error.
func appliedButFailed(t *bolt.Tx) error { return errors.Join(t.Commit(), errFlush) }

// failedBefore fails with nothing in the file.
func failedBefore(*bolt.Tx) error { return errFlush }

// once makes the next commit fail in this way.
func (b *till) once(fail func(*bolt.Tx) error) {
	b.commit = func(t *bolt.Tx) error {
		b.commit = (*bolt.Tx).Commit
		return fail(t)
	}
}

func TestCommitUnknown(t *testing.T) {
	t.Run("it was done", func(t *testing.T) {
		b := newTill(t)
		b.caf(dte.Boleta, 1, 9)
		b.once(appliedButFailed)
		r, err := b.try("s1")
		b.must(err)
		kept, err := b.Sale("s1")
		b.must(err)
		if r.Key != kept.Key || b.issue("s1").Key != kept.Key {
			t.Errorf("Issue said %v, the file %v", r.Key, kept.Key)
		}
		if next := b.issue("s2"); next.Key.Folio != 2 {
			t.Errorf("next folio %d", next.Key.Folio)
		}
	})
	t.Run("it was not done", func(t *testing.T) {
		b := newTill(t)
		b.caf(dte.Boleta, 1, 9)
		b.once(failedBefore)
		_, err := b.try("s1")
		b.wantErr(err, ErrNotWritten)
		b.wantErr(err, errFlush)
		_, err = b.Sale("s1")
		b.wantErr(err, sale.ErrNotFound)
		if r := b.issue("s1"); r.Key.Folio != 1 {
			t.Errorf("folio %d", r.Key.Folio)
		}
	})
	for name, fail := range map[string]func(*bolt.Tx) error{"done": appliedButFailed, "not done": failedBefore} {
		t.Run("nobody can look, "+name, func(t *testing.T) {
			b := newTill(t)
			b.caf(dte.Boleta, 1, 9)
			away := b.path + ".fuera"
			b.once(func(t *bolt.Tx) error {
				return errors.Join(fail(t), os.Rename(b.path, away)) // the disk went away
			})
			_, err := b.try("s1")
			b.wantErr(err, sale.ErrUnknown)
			_, err = b.Sale("s1")
			if err == nil || errors.Is(err, sale.ErrNotFound) {
				t.Errorf("without the file the answer must be neither yes nor no: %v", err)
			}
			_, err = b.try("s2")
			if err == nil {
				t.Error("issued without a file")
			}
			b.must(os.Rename(away, b.path))
			if r := b.issue("s1"); r.Key.Folio != 1 {
				t.Errorf("folio %d", r.Key.Folio)
			}
			if r := b.issue("s2"); r.Key.Folio != 2 {
				t.Errorf("folio %d", r.Key.Folio)
			}
		})
	}
	t.Run("other writes", func(t *testing.T) {
		b := newTill(t)
		b.once(appliedButFailed)
		b.must(b.PutValue("k", []byte("v")))
		b.once(failedBefore)
		b.wantErr(b.PutValue("k", []byte("w")), ErrNotWritten)
		v, err := b.Value("k")
		b.must(err)
		if string(v) != "v" {
			t.Errorf("value %q", v)
		}
	})
}

// TestOnCommitFollowsTheCommit: the hook runs once for each new sale, after it can be read, never for a failed one.
func TestOnCommitFollowsTheCommit(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	var woken []sale.ID
	b.opt.OnCommit = func(r sale.Record) {
		if _, err := b.Sale(r.ID); err != nil {
			t.Errorf("%s is not there yet: %v", r.ID, err)
		}
		woken = append(woken, r.ID)
	}
	b.issue("s1")
	b.issue("s1")
	b.once(failedBefore)
	_, err := b.try("s2")
	b.wantErr(err, ErrNotWritten)
	b.once(appliedButFailed)
	b.issue("s3")
	if fmt.Sprint(woken) != "[s1 s3]" {
		t.Errorf("woken by %v", woken)
	}
}

// TestFolioModel drives imports, issues, failures, commit errors and new starts against a model of a few lines.
func TestFolioModel(t *testing.T) {
	// Files are made once: generating keys is slow, and they can be imported in any order.
	type cafFile struct {
		r    sale.Range
		file []byte
	}
	var files []cafFile
	for _, desde := range []dte.Folio{1, 4, 9, 12} {
		file := saletest.CAF(dte.Boleta, desde, desde+2, dtetest.FA())
		files = append(files, cafFile{sale.Range{Desde: desde, Hasta: desde + 2}, file})
	}
	files = append(files, cafFile{sale.Range{Desde: 3, Hasta: 4}, saletest.CAF(dte.Boleta, 3, 4, dtetest.FA())})
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		b := &till{t: t, path: filepath.Join(dir, fmt.Sprint(n), "caja.db"), keys: KeyFile{filepath.Join(dir, fmt.Sprint(n), "llave")}}
		b.open()
		b.must(b.Protect(phrase))
		b.must(b.PutShop(saletest.Shop()))
		defer func() { b.must(b.Close()) }()
		free := map[dte.Folio]bool{}
		have := map[int]bool{}
		sold := map[sale.ID]dte.Folio{}
		lowest := func() (low dte.Folio) {
			for f := range free {
				if low == 0 || f < low {
					low = f
				}
			}
			return low
		}
		issue := func(rt *rapid.T, id sale.ID) {
			want, known := sold[id]
			if !known {
				want = lowest()
			}
			r, err := b.try(id)
			switch {
			case want == 0:
				if !errors.Is(err, sale.ErrNoFolios) {
					rt.Fatalf("%s without folios: %v", id, err)
				}
				return
			case err != nil || r.Key.Folio != want:
				rt.Fatalf("%s: folio %d, error %v; the model says %d", id, r.Key.Folio, err, want)
			}
			sold[id] = want
			delete(free, want)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"import": func(rt *rapid.T) {
				i := rapid.IntRange(0, len(files)-1).Draw(rt, "file")
				f, ok := files[i], true
				for j := range have {
					ok = ok && (f.r.Hasta < files[j].r.Desde || files[j].r.Hasta < f.r.Desde)
				}
				_, err := b.ImportCAF(f.file, dtetest.Trust(), saletest.Now)
				if (err == nil) != ok {
					rt.Fatalf("import %d: %v", i, err)
				}
				if ok {
					have[i] = true
					for folio := f.r.Desde; folio <= f.r.Hasta; folio++ {
						free[folio] = true
					}
				}
			},
			"issue": func(rt *rapid.T) { issue(rt, sale.ID(fmt.Sprint("s", rapid.IntRange(0, 30).Draw(rt, "sale")))) },
			"build fails": func(rt *rapid.T) {
				id := sale.ID(fmt.Sprint("s", rapid.IntRange(31, 40).Draw(rt, "sale")))
				_, err := b.Issue(id, dte.Boleta, saletest.Now, func(sale.Grant) (sale.Issued, error) { return sale.Issued{}, errFlush })
				if err == nil {
					rt.Fatal("a failed build was issued")
				}
			},
			"commit error, done": func(rt *rapid.T) { b.once(appliedButFailed); issue(rt, sale.ID(fmt.Sprint("c", len(sold)))) },
			"commit error, not done": func(rt *rapid.T) {
				b.once(failedBefore)
				if _, err := b.try(sale.ID(fmt.Sprint("d", len(sold)))); err == nil {
					rt.Fatal("a failed commit was issued")
				}
				b.commit = (*bolt.Tx).Commit
			},
			"new start": func(rt *rapid.T) { b.reopenFile() },
			"": func(rt *rapid.T) {
				left, err := b.FoliosLeft(dte.Boleta, dte.DateOf(saletest.Now))
				if err != nil || left != len(free) {
					rt.Fatalf("%d folios left, the model says %d (%v)", left, len(free), err)
				}
			},
		})
		r, err := b.Audit(true)
		if err != nil || !r.OK() || r.Documents != len(sold) {
			rt.Fatalf("audit: %v %d documents of %d\n%s", err, r.Documents, len(sold), strings.Join(r.Faults, "\n"))
		}
	})
}
