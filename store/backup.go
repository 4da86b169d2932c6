package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// ErrExists: a file stands where the restored one should go. Nothing was changed.
var ErrExists = errors.New("ya hay un archivo de caja en ese lugar")

// Backup writes a whole copy of the store as it is at this moment, while selling goes on. Secrets stay sealed in it; the
// owner's passphrase opens them elsewhere. The copy is worth something only after VerifyBackup.
func (s *Store) Backup(w io.Writer) error {
	s.backup.Lock() // bbolt reads through one file position
	defer s.backup.Unlock()
	return s.view(func(t *bolt.Tx) error {
		if _, err := t.WriteTo(w); err != nil {
			return fmt.Errorf("no se pudo escribir el respaldo: %w. La caja no cambió", explain(err))
		}
		return nil
	})
}

// BackupFile makes a backup under a name, whole or not at all, and verifies it. An older file of that name is replaced
// only then.
func (s *Store) BackupFile(path string) (Report, error) {
	fresh := path + ".nuevo"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Report{}, fmt.Errorf("no se pudo crear el respaldo: %w", explain(err))
	}
	defer func() { _ = os.Remove(fresh) }() // after success it is gone already
	if err := errors.Join(s.Backup(f), f.Sync(), f.Close()); err != nil {
		return Report{}, err
	}
	r, err := VerifyBackup(fresh)
	if err != nil {
		return r, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return r, err
	}
	return r, syncDir(filepath.Dir(path))
}

// VerifyBackup opens a copy for reading and audits all of it. An error that wraps ErrDamaged means that it must not be
// relied on; the report tells more.
func VerifyBackup(path string) (Report, error) {
	if err := checkSize(path); err != nil {
		return Report{}, err
	}
	db, file, err := openBolt(path, bolt.Options{ReadOnly: true, Timeout: 2 * time.Second})
	if err != nil {
		return Report{}, err
	}
	s := &Store{path: path, db: db, file: file}
	defer func() { _ = s.Close() }() // nothing was written
	var have int
	err = s.view(func(t *bolt.Tx) (err error) {
		have, err = schemaOf(t)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	if have != len(migrations()) {
		return Report{}, fmt.Errorf("%w: el respaldo usa el esquema %d y este programa el %d", ErrNewer, have, len(migrations()))
	}
	r, err := s.Audit(true)
	if err == nil && !r.OK() {
		err = damaged(errors.New(r.Faults[0]))
	}
	return r, err
}

// Restore puts a verified backup at path, where no file may be. The restored store knows that it is one: it issues
// nothing until Resume has been told how far the folios were used after the backup was made.
func Restore(backup, path string, at time.Time) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%w: %s. Muévalo antes a otra carpeta; no lo borre", ErrExists, filepath.Base(path)))
	}
	if _, err := VerifyBackup(backup); err != nil {
		return fmt.Errorf("el respaldo no sirve: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh := path + ".nuevo"
	if err := copyFile(backup, fresh); err != nil {
		return err
	}
	if err := markRestored(fresh, at); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return putInPlace(fresh, path)
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Sync(), dst.Close()); err != nil {
		return fmt.Errorf("no se pudo copiar el respaldo: %w", explain(err))
	}
	return nil
}

// markRestored raises the epoch and holds issuing.
func markRestored(path string, at time.Time) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	err = s.update(func(t *bolt.Tx) error {
		why := "se restauró un respaldo el " + show(at)
		epoch := parseNumber(t.Bucket(bMeta).Get(kEpoch)) + 1
		return errors.Join(
			t.Bucket(bMeta).Put(kEpoch, number(epoch)),
			t.Bucket(bMeta).Put(kHold, []byte(why)),
			note(t, Fact{At: at, Kind: FactRestore, Text: why}),
			endLeases(t, at, func(sale.Range) bool { return true }), // nobody here knows how far the lost store used them
		)
	})
	return errors.Join(err, s.Close())
}

// Held reports that issuing waits for Resume or for the server, and why; empty if it does not.
func (s *Store) Held() (why string, err error) {
	err = s.view(func(t *bolt.Tx) error {
		why = cmp.Or(string(t.Bucket(bMeta).Get(kStop)), string(t.Bucket(bMeta).Get(kHold)))
		return nil
	})
	return why, err
}

// gap is a run of folios that this store must not use and has no documents of.
type gap struct {
	Hasta dte.Folio `json:"hasta"`
	Why   string    `json:"why"`
	At    time.Time `json:"at"`
}

// Resume lets a restored store issue again. last tells, for each type that it has folios of, the highest folio that was
// ever printed or sent, 0 for none; a person reads it from the last papers or from the SII. Folios up to there that the
// store does not know are recorded as a gap and never used. A type of which it has a range of its own and that is missing from last is
// refused.
func (s *Store) Resume(last map[dte.TipoDTE]dte.Folio, who string, at time.Time) error {
	return s.update(func(t *bolt.Tx) error {
		if err := mayByServer(t); err != nil || t.Bucket(bMeta).Get(kHold) == nil {
			return err
		}
		ranges, err := rangesOf(t, 0)
		if err != nil {
			return err
		}
		for _, r := range ranges {
			if _, told := last[r.Tipo]; !told && r.Lease == 0 {
				return fmt.Errorf("%w: falta decir cuál es el último folio de %s. No se cambió nada", ErrHeld, r.Tipo)
			}
		}
		for _, tipo := range slices.Sorted(maps.Keys(last)) {
			if err := skipTo(t, ranges, tipo, last[tipo], who, at); err != nil {
				return err
			}
		}
		return t.Bucket(bMeta).Delete(kHold)
	})
}

// skipTo marks everything up to folio as used: its own range up to there, and whole ranges that are spent before it.
func skipTo(t *bolt.Tx, ranges []sale.Range, tipo dte.TipoDTE, folio dte.Folio, who string, at time.Time) error {
	if folio == 0 {
		return nil
	}
	var with *sale.Range
	for i, r := range ranges {
		if r.Tipo == tipo && r.Desde <= folio && folio <= r.Hasta {
			with = &ranges[i]
		}
	}
	if with == nil {
		return fmt.Errorf("%s %d no está en ningún CAF de esta caja. No se cambió nada; revise el número", tipo, folio)
	}
	for _, r := range ranges {
		upTo := folio
		if r.Desde != with.Desde {
			upTo = r.Hasta
		}
		if r.Tipo != tipo || upTo < r.Next || r.Desde != with.Desde && !sale.SpendsBefore(r, *with) {
			continue
		}
		if err := skip(t, r, upTo, who, at); err != nil {
			return err
		}
	}
	return nil
}

func skip(t *bolt.Tx, r sale.Range, upTo dte.Folio, who string, at time.Time) error {
	from := r.Next
	r.Next = upTo + 1
	why := fmt.Sprintf("folios %d a %d de %s usados después del respaldo, según %s", from, upTo, r.Tipo, who)
	return errors.Join(
		putJSON(t, bGaps, rangeKey(r.Tipo, from), gap{Hasta: upTo, Why: why, At: at}),
		putJSON(t, bRanges, rangeKey(r.Tipo, r.Desde), r),
		note(t, Fact{At: at, Kind: FactGap, Text: why}),
	)
}
