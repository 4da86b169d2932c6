package store

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/zalando/go-keyring"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"mostrador/sale"
)

// Errors of the secrets. Documents and sales can be read whatever happens to them.
var (
	// ErrLocked: the key of the secrets is not at hand. Protect a new store, Unlock an old one.
	ErrLocked = errors.New("los secretos de la caja están cerrados")
	// ErrPassphrase: not the owner's passphrase. Nothing was opened.
	ErrPassphrase = errors.New("la frase clave no corresponde")
	// ErrWeak: too short for a passphrase.
	ErrWeak = errors.New("la frase clave es muy corta")
	// ErrProtected: the store has a passphrase already.
	ErrProtected = errors.New("la caja ya tiene frase clave")
	// ErrNoKey: a KeyHolder has no key under this name.
	ErrNoKey = errors.New("no está la llave de la caja")
	// ErrNotKept: the KeyHolder could not keep the key.
	ErrNotKept = errors.New("no se pudo guardar la llave de la caja")
)

// KeyHolder keeps the key of the secrets between runs, outside the store. Keyring and KeyFile are the two kinds.
type KeyHolder interface {
	// Key returns the 32 bytes kept under id, or an error that wraps ErrNoKey.
	Key(id string) ([]byte, error)
	// Keep stores or replaces them.
	Keep(id string, key []byte) error
}

// Keyring keeps the key in the operating system's keyring, under the user who is logged in: Credential Manager, Keychain
// or Secret Service. A bare Linux has none.
type Keyring struct{ Service string }

// Key implements KeyHolder.
func (k Keyring) Key(id string) ([]byte, error) {
	text, err := keyring.Get(k.Service, id)
	if err != nil {
		return nil, fmt.Errorf("%w en el llavero del sistema: %w", ErrNoKey, err)
	}
	return decodeKey(text)
}

// Keep implements KeyHolder.
func (k Keyring) Keep(id string, key []byte) error {
	if err := keyring.Set(k.Service, id, hex.EncodeToString(key)); err != nil {
		return fmt.Errorf("el llavero del sistema no respondió: %w", err)
	}
	return nil
}

// KeyFile keeps the key in a file 0600. It is for systems without a keyring, and protects only copies of the store that
// travel without it: put it where backups do not reach.
type KeyFile struct{ Path string }

// Key implements KeyHolder.
func (k KeyFile) Key(id string) ([]byte, error) {
	b, err := os.ReadFile(k.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	name, text, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	if name != id {
		return nil, fmt.Errorf("%w: %s es de otra caja", ErrNoKey, filepath.Base(k.Path))
	}
	return decodeKey(text)
}

// Keep implements KeyHolder. It does not replace the key of another store.
func (k KeyFile) Keep(id string, key []byte) error {
	if old, err := os.ReadFile(k.Path); err == nil && !strings.HasPrefix(string(old), id+" ") {
		return fmt.Errorf("%s ya guarda la llave de otra caja", filepath.Base(k.Path))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(k.Path), 0o700); err != nil {
		return err
	}
	return writeFile(k.Path, []byte(id+" "+hex.EncodeToString(key)+"\n"))
}

// writeFile replaces a file whole or not at all: write, flush, rename, flush the folder.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".nuevo", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return explain(err)
	}
	if err := os.Rename(path+".nuevo", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func decodeKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != chacha20poly1305.KeySize {
		return nil, fmt.Errorf("%w: lo guardado no es una llave", ErrNoKey)
	}
	return key, nil
}

// KDF is the cost of argon2id. It is stored beside what it protects.
type KDF struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory"` // KiB
	Threads uint8  `json:"threads"`
}

// DefaultKDF is three passes over 64 MiB with two threads: a fraction of a second on a till, more than what OWASP asks.
var DefaultKDF = KDF{Time: 3, Memory: 64 << 10, Threads: 2}

// sane refuses stored costs that could only serve to stop the till.
func (k KDF) sane() bool {
	return k.Time >= 1 && k.Time <= 64 && k.Memory >= 8 && k.Memory <= 1<<20 && k.Threads >= 1 && k.Threads <= 64
}

// wrapping is the data key under the owner's passphrase, as it is stored.
type wrapping struct {
	ID   string `json:"id"` // names the key to the KeyHolder
	Salt []byte `json:"salt"`
	KDF  KDF    `json:"kdf"`
	Box  []byte `json:"box"`
	// Check is a known text sealed with the data key: tells a right key from a wrong one.
	Check []byte `json:"check"`
}

const (
	wrapPlace  = "key\x00wrap"
	checkPlace = "key\x00check"
	minPhrase  = 8
)

// vault holds the open data key.
type vault struct {
	mu   sync.RWMutex
	aead cipher.AEAD // nil: locked
	key  []byte
}

func (v *vault) open(key []byte) error {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.aead, v.key = aead, key
	return nil
}

func (v *vault) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.key)
	v.aead, v.key = nil, nil
}

func (v *vault) current() (cipher.AEAD, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.aead == nil {
		return nil, fmt.Errorf("%w. Las ventas guardadas están a salvo. Abra la caja con la frase clave del dueño", ErrLocked)
	}
	return v.aead, nil
}

// load opens the vault with what the KeyHolder has. A key that is missing or wrong leaves it locked, which is no error.
func (v *vault) load(s *Store) error {
	if s.opt.Keys == nil {
		return nil
	}
	w, ok, err := s.wrapping()
	if err != nil || !ok {
		return err
	}
	key, err := s.opt.Keys.Key(w.ID)
	if err != nil || !w.fits(key) {
		return nil
	}
	return v.open(key)
}

// seal binds text to the place where it will be kept. The nonce goes first.
func seal(aead cipher.AEAD, place string, text []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, text, []byte(place))
}

var errSeal = errors.New("el sello no corresponde")

func unseal(aead cipher.AEAD, place string, box []byte) ([]byte, error) {
	n := aead.NonceSize()
	if len(box) < n {
		return nil, errSeal
	}
	text, err := aead.Open(nil, box[:n], box[n:], []byte(place))
	if err != nil {
		return nil, errSeal
	}
	return text, nil
}

// fits reports that key is the one that w was made with.
func (w wrapping) fits(key []byte) bool {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return false
	}
	_, err = unseal(aead, checkPlace, w.Check)
	return err == nil
}

// wrap puts key under a passphrase.
func wrap(id string, key []byte, passphrase string, kdf KDF) (wrapping, error) {
	if utf8.RuneCountInString(passphrase) < minPhrase {
		return wrapping{}, fmt.Errorf("%w: use %d caracteres o más. No se cambió nada", ErrWeak, minPhrase)
	}
	data, err := chacha20poly1305.NewX(key)
	if err != nil {
		return wrapping{}, err
	}
	w := wrapping{ID: id, Salt: randomBytes(16), KDF: kdf, Check: seal(data, checkPlace, []byte(id))}
	aead, err := w.derive(passphrase)
	if err != nil {
		return wrapping{}, err
	}
	w.Box = seal(aead, wrapPlace, key)
	return w, nil
}

func (w wrapping) derive(passphrase string) (cipher.AEAD, error) {
	if !w.KDF.sane() {
		return nil, damaged(fmt.Errorf("parámetros de la frase clave %+v", w.KDF))
	}
	return chacha20poly1305.NewX(argon2.IDKey([]byte(passphrase), w.Salt, w.KDF.Time, w.KDF.Memory, w.KDF.Threads,
		chacha20poly1305.KeySize))
}

func (w wrapping) unwrap(passphrase string) ([]byte, error) {
	aead, err := w.derive(passphrase)
	if err != nil {
		return nil, err
	}
	key, err := unseal(aead, wrapPlace, w.Box)
	if err != nil {
		return nil, fmt.Errorf("%w. No se abrió nada; revise mayúsculas y vuelva a intentar", ErrPassphrase)
	}
	return key, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

func (s *Store) wrapping() (w wrapping, ok bool, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		w, ok, err = getJSON[wrapping](t, bMeta, kWrap)
		return err
	})
	return w, ok, err
}

// Locked reports that secrets and CAFs cannot be opened: the store has no passphrase yet (Protected is false), or the
// KeyHolder did not have its key. Everything but issuing and importing works.
func (s *Store) Locked() bool {
	_, err := s.vault.current()
	return err != nil
}

// Protected reports that the owner has set a passphrase.
func (s *Store) Protected() (bool, error) {
	_, ok, err := s.wrapping()
	return ok, err
}

// Protect makes the key of the secrets of a new store, under the owner's passphrase (8 characters or more), and gives it
// to the KeyHolder. If the KeyHolder cannot keep it, nothing is written and the error wraps ErrNotKept.
func (s *Store) Protect(passphrase string) error {
	key := randomBytes(chacha20poly1305.KeySize)
	w, err := wrap(hex.EncodeToString(randomBytes(16)), key, passphrase, s.opt.KDF)
	if err != nil {
		return err
	}
	if protected, err := s.Protected(); err != nil || protected {
		return errors.Join(err, ErrProtected)
	}
	if err := s.keep(w.ID, key); err != nil {
		return err
	}
	err = s.update(func(t *bolt.Tx) error {
		if t.Bucket(bMeta).Get(kWrap) != nil {
			return ErrProtected
		}
		return putJSON(t, bMeta, kWrap, w)
	})
	if err != nil {
		return err
	}
	return s.vault.open(key)
}

func (s *Store) keep(id string, key []byte) error {
	if s.opt.Keys == nil {
		return nil
	}
	if err := s.opt.Keys.Keep(id, key); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// Unlock opens the secrets with the owner's passphrase and gives the key to the KeyHolder again. ErrPassphrase if it is
// wrong. With ErrNotKept the secrets are open, but only for this run.
func (s *Store) Unlock(passphrase string) error {
	w, key, err := s.unwrap(passphrase)
	if err != nil {
		return err
	}
	if err := s.vault.open(key); err != nil {
		return err
	}
	return s.keep(w.ID, key)
}

func (s *Store) unwrap(passphrase string) (wrapping, []byte, error) {
	w, ok, err := s.wrapping()
	if err != nil {
		return w, nil, err
	}
	if !ok {
		return w, nil, fmt.Errorf("%w: esta caja todavía no tiene frase clave", ErrLocked)
	}
	key, err := w.unwrap(passphrase)
	return w, key, err
}

// ChangePassphrase replaces the owner's passphrase. What is sealed stays as it is. Backups made before open with the old
// one.
func (s *Store) ChangePassphrase(old, next string) error {
	w, key, err := s.unwrap(old)
	if err != nil {
		return err
	}
	if w, err = wrap(w.ID, key, next, s.opt.KDF); err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error { return putJSON(t, bMeta, kWrap, w) })
}

// PutSecret seals a value under a name; it replaces the one before. ErrLocked without the key.
func (s *Store) PutSecret(name string, value []byte) error {
	return s.PutSecrets(map[string][]byte{name: value})
}

// PutSecrets seals values that belong together ("pfx", "pfx-clave"): all of them or none.
func (s *Store) PutSecrets(values map[string][]byte) error {
	aead, err := s.vault.current()
	if err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		for name, value := range values {
			if err := t.Bucket(bSecrets).Put([]byte(name), seal(aead, place(bSecrets, []byte(name)), value)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Secret opens a sealed value. sale.ErrNotFound if there is none, ErrLocked without the key.
func (s *Store) Secret(name string) (value []byte, err error) {
	aead, err := s.vault.current()
	if err != nil {
		return nil, err
	}
	err = s.view(func(t *bolt.Tx) error {
		box := t.Bucket(bSecrets).Get([]byte(name))
		if box == nil {
			return fmt.Errorf("secreto «%s»: %w", name, sale.ErrNotFound)
		}
		if value, err = unseal(aead, place(bSecrets, []byte(name)), box); err != nil {
			return damaged(fmt.Errorf("secreto «%s»: %w", name, err))
		}
		return nil
	})
	return value, err
}

// DropSecret forgets a value. Its sealed bytes may stay in free pages of the file, still sealed.
func (s *Store) DropSecret(name string) error {
	return s.update(func(t *bolt.Tx) error { return t.Bucket(bSecrets).Delete([]byte(name)) })
}

// place is where a sealed value lives: moved elsewhere, it does not open.
func place(bucket, name []byte) string { return string(bucket) + "\x00" + string(name) }
