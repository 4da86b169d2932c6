package central

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/chacha20poly1305"
)

// Envelope encryption: each company has a key of its own, which seals its CAFs and its certificate; that key rests sealed
// under a master key, which is never in the database. To change the master key only the companies' keys are sealed anew.

// Master is who holds the master keys: a Keyring read from a file or the environment, or a key service.
type Master interface {
	// Wrap seals a company's key under the master key in use, and names it.
	Wrap(ctx context.Context, key, purpose []byte) (id string, sealed []byte, err error)
	// Unwrap opens what Wrap sealed under that master key, for the same purpose only.
	Unwrap(ctx context.Context, id string, sealed, purpose []byte) ([]byte, error)
}

// ErrKey: a secret cannot be opened: the master key is not here, or the bytes were changed or belong elsewhere.
var ErrKey = errors.New("no se pudo abrir un secreto")

// Keyring is a Master whose keys are in memory.
type Keyring struct {
	active string
	keys   map[string][]byte
}

// ReadKeyring reads master keys, one a line: a name, a space, 32 bytes in base64. The last one is the key in use; the
// others open what was sealed under them.
func ReadKeyring(r io.Reader) (*Keyring, error) {
	k := &Keyring{keys: map[string][]byte{}}
	lines := bufio.NewScanner(io.LimitReader(r, 1<<16))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, text, _ := strings.Cut(line, " ")
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		// The line itself is never quoted: it may hold a key.
		if err != nil || len(key) != chacha20poly1305.KeySize {
			return nil, fmt.Errorf("llaves maestras, línea %d: se espera un nombre y 32 bytes en base64", n)
		}
		if _, twice := k.keys[name]; twice {
			return nil, fmt.Errorf("llaves maestras, línea %d: el nombre %q está dos veces", n, name)
		}
		k.active, k.keys[name] = name, key
	}
	if k.active == "" {
		return nil, errors.Join(errors.New("no hay llave maestra"), lines.Err())
	}
	return k, lines.Err()
}

// Wrap implements Master.
func (k *Keyring) Wrap(_ context.Context, key, purpose []byte) (string, []byte, error) {
	sealed, err := seal(k.keys[k.active], key, purpose)
	return k.active, sealed, err
}

// Unwrap implements Master.
func (k *Keyring) Unwrap(_ context.Context, id string, sealed, purpose []byte) ([]byte, error) {
	key, ok := k.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: la llave maestra %q no está", ErrKey, id)
	}
	return open(key, sealed, purpose)
}

// seal encrypts with XChaCha20-Poly1305 under a fresh random nonce, which goes before the ciphertext.
func seal(key, plain, purpose []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, plain, purpose), nil
}

func open(key, sealed, purpose []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, fmt.Errorf("%w: está incompleto", ErrKey)
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], purpose)
	if err != nil {
		return nil, fmt.Errorf("%w: está dañado o no es de aquí", ErrKey)
	}
	return plain, nil
}

// keyContext ties a company's key to the company.
func keyContext(schema string) []byte { return []byte("mostrador company " + schema) }

// secret names something sealed of a company.
type secret struct{ company, id int64 }

// What is kept open: the secrets of the companies that sell now, not of all.
const (
	openSecrets = 512
	keepOpen    = 10 * time.Minute
)

// opened returns what is open, or opens it.
func opened[T any](kept *expirable.LRU[secret, T], which secret, open func() (T, error)) (T, error) {
	if t, ok := kept.Get(which); ok {
		return t, nil
	}
	t, err := open()
	if err == nil {
		kept.Add(which, t)
	}
	return t, err
}

// companyKey is the key of the call's company.
func (c *Call) companyKey() ([]byte, error) {
	return c.db.Keys.Unwrap(c.ctx, c.keyID, c.sealedKey, keyContext(c.Tenant.Schema))
}

func (c *Call) seal(what string, plain []byte) ([]byte, error) {
	key, err := c.companyKey()
	if err != nil {
		return nil, err
	}
	return seal(key, plain, []byte(c.Tenant.Schema+" "+what))
}

func (c *Call) unseal(what string, sealed []byte) ([]byte, error) {
	key, err := c.companyKey()
	if err != nil {
		return nil, err
	}
	return open(key, sealed, []byte(c.Tenant.Schema+" "+what))
}

// RotateKeys seals every company's key under the master key in use. It may be interrupted and repeated; when it returns
// nil, the older master keys open nothing any more and may be destroyed.
func (db *DB) RotateKeys(ctx context.Context) (changed int, err error) {
	var ids []int64
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select id from company order by id")
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	for _, id := range ids {
		if err != nil {
			return changed, err
		}
		err = db.inShared(ctx, func(tx pgx.Tx) error { return db.rewrap(ctx, tx, id, &changed) })
	}
	return changed, err
}

func (db *DB) rewrap(ctx context.Context, tx pgx.Tx, company int64, changed *int) error {
	var schema, keyID string
	var sealed []byte
	if err := tx.QueryRow(ctx, "select schema_name, key_id, sealed_key from company where id = $1 for update", company).
		Scan(&schema, &keyID, &sealed); err != nil {
		return err
	}
	key, err := db.Keys.Unwrap(ctx, keyID, sealed, keyContext(schema))
	if err != nil {
		return err
	}
	id, again, err := db.Keys.Wrap(ctx, key, keyContext(schema))
	if err != nil || id == keyID {
		return err
	}
	*changed++
	_, err = tx.Exec(ctx, "update company set key_id = $2, sealed_key = $3 where id = $1", company, id, again)
	return err
}
