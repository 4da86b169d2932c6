package store

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestSecretsSurviveWithTheKeyHolder(t *testing.T) {
	b := newTill(t)
	b.must(b.PutSecret("pfx", []byte("bytes of a certificate")))
	b.reopenFile()
	if b.Locked() {
		t.Fatal("locked with the key at hand")
	}
	v, err := b.Secret("pfx")
	b.must(err)
	if string(v) != "bytes of a certificate" {
		t.Errorf("secret %q", v)
	}
	_, err = b.Secret("nothing")
	b.wantErr(err, sale.ErrNotFound)
	b.must(b.DropSecret("pfx"))
	_, err = b.Secret("pfx")
	b.wantErr(err, sale.ErrNotFound)
}

func TestPassphraseIsTheWayBack(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	b.issue("s1")
	b.must(b.PutSecret("pfx", []byte("x")))
	b.close()
	b.must(os.Remove(b.keys.(KeyFile).Path)) // a new computer
	b.open()
	if !b.Locked() {
		t.Fatal("open without a key")
	}
	_, err := b.Secret("pfx")
	b.wantErr(err, ErrLocked)
	_, err = b.try("s2")
	b.wantErr(err, ErrLocked)
	b.wantErr(b.PutSecret("y", nil), ErrLocked)
	if _, _, err := b.Document(b.issuedKey(1)); err != nil {
		t.Errorf("documents are not locked: %v", err)
	}
	b.wantErr(b.Unlock("dos perros y un pato"), ErrPassphrase)
	b.wantErr(b.Unlock(""), ErrPassphrase)
	if !b.Locked() {
		t.Fatal("a wrong passphrase opened it")
	}
	b.must(b.Unlock(phrase))
	b.issue("s2")
	b.reopenFile()
	if b.Locked() {
		t.Error("Unlock did not give the key to the holder again")
	}
}

func (b *till) issuedKey(folio dte.Folio) dte.Key {
	return dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: folio}
}

func TestPassphraseRules(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "caja.db"), Options{KDF: cheap})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	want := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	want(s.PutSecret("a", nil), ErrLocked)
	want(s.Unlock(phrase), ErrLocked)
	want(s.Protect("corta"), ErrWeak)
	want(s.Protect(phrase), nil)
	want(s.Protect(phrase), ErrProtected)
	want(s.PutSecret("a", []byte("v")), nil)
	want(s.ChangePassphrase("no es esta", "otra frase larga"), ErrPassphrase)
	want(s.ChangePassphrase(phrase, "breve"), ErrWeak)
	want(s.ChangePassphrase(phrase, "otra frase larga"), nil)
	want(s.Unlock(phrase), ErrPassphrase)
	want(s.Unlock("otra frase larga"), nil)
	v, err := s.Secret("a")
	want(err, nil)
	if string(v) != "v" {
		t.Errorf("after the change: %q", v)
	}
}

// TestDefaultCost makes and opens one wrapping at the cost that tills use.
func TestDefaultCost(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	w, err := wrap("id", key, phrase, DefaultKDF)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.unwrap(phrase)
	if err != nil || !bytes.Equal(got, key) {
		t.Fatalf("%x %v", got, err)
	}
	if DefaultKDF.Memory < 19<<10 {
		t.Error("OWASP asks for 19 MiB")
	}
	w.KDF.Memory = 64 << 20 // 64 GiB
	if _, err := w.unwrap(phrase); !errors.Is(err, ErrDamaged) {
		t.Errorf("an absurd cost: %v", err)
	}
}

func TestSealedBytesOpenOnlyInTheirPlace(t *testing.T) {
	b := newTill(t)
	b.must(b.PutSecret("a", []byte("value")))
	b.must(b.update(func(t *bolt.Tx) error {
		s := t.Bucket(bSecrets)
		moved := bytes.Clone(s.Get([]byte("a")))
		flipped := bytes.Clone(moved)
		flipped[len(flipped)-1] ^= 1
		return errors.Join(s.Put([]byte("moved"), moved), s.Put([]byte("flipped"), flipped), s.Put([]byte("short"), []byte{1}))
	}))
	for _, name := range []string{"moved", "flipped", "short"} {
		_, err := b.Secret(name)
		b.wantErr(err, ErrDamaged)
	}
	if v, err := b.Secret("a"); string(v) != "value" || err != nil {
		t.Errorf("%q %v", v, err)
	}
}

func TestNoKeyBytesInAnyFile(t *testing.T) {
	b := newTill(t)
	file := saletest.CAF(dte.Boleta, 1, 9, dtetest.FA())
	_, err := b.ImportCAF(file, dtetest.Trust(), saletest.Now)
	b.must(err)
	b.must(b.PutSecret("pfx", []byte("canario-en-la-mina")))
	b.must(b.PutSecret("pfx-password", []byte("clave-canaria")))
	b.issue("s1")
	backup := filepath.Join(filepath.Dir(b.path), "respaldo.db")
	_, err = b.BackupFile(backup)
	b.must(err)
	b.close()
	canaries := []string{"BEGIN RSA PRIVATE KEY", "BEGIN PRIVATE KEY", "<RSASK>", "<RSAPK>", "canario-en-la-mina", "clave-canaria", phrase}
	for _, line := range strings.Split(string(file), "\n") {
		if len(line) > 40 { // the key itself, line by line
			canaries = append(canaries, line)
		}
	}
	for _, path := range []string{b.path, backup} {
		content, err := os.ReadFile(path)
		b.must(err)
		if !bytes.Contains(content, []byte(saletest.Shop().Emisor.RUT.String())) {
			t.Fatal("the search would not find what is there")
		}
		for _, c := range canaries {
			if bytes.Contains(content, []byte(c)) {
				t.Errorf("%s contains %q", filepath.Base(path), c)
			}
		}
	}
}

func TestKeyFileServesOneStore(t *testing.T) {
	k := KeyFile{filepath.Join(t.TempDir(), "sub", "llave")}
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	if _, err := k.Key("a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("no file: %v", err)
	}
	if err := k.Keep("a", one); err != nil {
		t.Fatal(err)
	}
	if err := k.Keep("b", two); err == nil {
		t.Error("it replaced the key of another store")
	}
	if err := k.Keep("a", two); err != nil {
		t.Error(err)
	}
	if got, err := k.Key("a"); err != nil || !bytes.Equal(got, two) {
		t.Errorf("%x %v", got, err)
	}
	if _, err := k.Key("b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("other store: %v", err)
	}
	if err := os.WriteFile(k.Path, []byte("a basura"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Key("a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("rubbish: %v", err)
	}
}

func TestKeyringOfTheSystem(t *testing.T) {
	keyring.MockInit() // the library's own double: no test may touch a person's keyring
	k := Keyring{Service: "mostrador-prueba"}
	if _, err := k.Key("id"); !errors.Is(err, ErrNoKey) {
		t.Errorf("empty: %v", err)
	}
	key := bytes.Repeat([]byte{9}, 32)
	if err := k.Keep("id", key); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Key("id"); err != nil || !bytes.Equal(got, key) {
		t.Errorf("%x %v", got, err)
	}
}

// refusing is a machine without a keyring.
type refusing struct{}

func (refusing) Key(string) ([]byte, error) { return nil, ErrNoKey }
func (refusing) Keep(string, []byte) error  { return errors.New("no hay llavero") }

func TestWithoutAKeyringNothingIsHalfDone(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "caja.db"), Options{KDF: cheap, Keys: refusing{}})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, s)
	if err := s.Protect(phrase); !errors.Is(err, ErrNotKept) {
		t.Errorf("Protect: %v", err)
	}
	if done, err := s.Protected(); done || err != nil || !s.Locked() {
		t.Errorf("protected %v, locked %v, %v", done, s.Locked(), err)
	}
}

func TestImportCAFRefusals(t *testing.T) {
	b := newTill(t)
	day := dtetest.FA()
	good := saletest.CAF(dte.Boleta, 11, 20, day)
	trust := dtetest.Trust()
	stranger, err := dte.NewAuthority(dte.IDKSimulador, rand.Reader)
	b.must(err)
	strange, err := stranger.IssueCAF(saletest.Shop().Emisor.RUT, "X", dte.Boleta, 31, 40, day)
	b.must(err)
	otherShop := func(change func(*sale.Shop)) *till {
		o := newTill(t)
		shop := saletest.Shop()
		change(&shop)
		o.must(o.PutShop(shop))
		return o
	}
	locked, bare := &till{t: t, path: filepath.Join(t.TempDir(), "caja.db")}, &till{t: t, path: filepath.Join(t.TempDir(), "caja.db")}
	locked.open()
	defer shut(t, locked.Store)
	bare.open()
	defer shut(t, bare.Store)
	b.must(bare.Protect(phrase))
	_, err = b.ImportCAF(good, trust, saletest.Now)
	b.must(err)
	august := dte.Date{Year: 2025, Month: time.August, Day: 1}

	for _, c := range []struct {
		name string
		in   *Store
		file []byte
		at   time.Time
		want error
	}{
		{"not a CAF", b.Store, []byte("<html>sesión expirada</html>"), saletest.Now, dte.ErrCAFMalformed},
		{"cut", b.Store, good[:len(good)/2], saletest.Now, dte.ErrCAFMalformed},
		{"altered range", b.Store, bytes.Replace(good, []byte("<H>20<"), []byte("<H>90<"), 1), saletest.Now, dte.ErrCAFTampered},
		{"signed by another", b.Store, strange, saletest.Now, dte.ErrCAFTampered},
		{"same file again", b.Store, good, saletest.Now, ErrCAFImported},
		{"overlap below", b.Store, saletest.CAF(dte.Boleta, 1, 11, day), saletest.Now, ErrCAFOverlap},
		{"overlap inside", b.Store, saletest.CAF(dte.Boleta, 12, 13, day), saletest.Now, ErrCAFOverlap},
		{"same start, other end", b.Store, saletest.CAF(dte.Boleta, 11, 30, day), saletest.Now, ErrCAFOverlap},
		{"expired", b.Store, saletest.CAF(dte.Factura, 1, 9, august), saletest.Now, dte.ErrCAFExpired},
		{"type not issued here", b.Store, saletest.CAF(43, 1, 9, day), saletest.Now, ErrCAFTipo},
		{"other company", otherShop(func(s *sale.Shop) { s.Emisor.RUT = 11111111 }).Store, good, saletest.Now, ErrCAFEmisor},
		{"other environment", otherShop(func(s *sale.Shop) { s.Ambiente = dte.Produccion }).Store, good, saletest.Now, ErrCAFAmbiente},
		{"no shop", bare.Store, good, saletest.Now, ErrNoShop},
		{"no passphrase", locked.Store, good, saletest.Now, ErrLocked},
	} {
		before, _ := c.in.Ranges()
		_, err := c.in.ImportCAF(c.file, trust, c.at)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		after, _ := c.in.Ranges()
		if len(before) != len(after) {
			t.Errorf("%s: something was imported", c.name)
		}
	}
	_, err = b.ImportCAF(good, dte.SII(), saletest.Now)
	b.wantErr(err, dte.ErrCAFUnknownKey)
	_, err = b.ImportCAF(saletest.CAF(dte.Boleta, 21, 30, day), trust, saletest.Now) // neighbours
	b.must(err)
	n, err := b.FoliosLeft(dte.Boleta, dte.DateOf(saletest.Now))
	b.must(err)
	if n != 20 {
		t.Errorf("%d folios left, want 20", n)
	}
}
