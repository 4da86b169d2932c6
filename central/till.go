package central

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
)

// TillState is how a till stands with the server.
type TillState string

// The states. A till that was revoked or lost never comes back: its computer joins as another one.
const (
	TillInvited TillState = "INVITED"
	TillPaired  TillState = "PAIRED"
	TillRevoked TillState = "REVOKED"
	TillLost    TillState = "LOST"
)

// Till is a counter of the company.
type Till struct {
	ID    int64
	Name  string
	State TillState
	// Epoch is how often its store was restored, as far as it has said.
	Epoch                       int
	CreatedAt                   time.Time
	PairedAt, EndedAt, LastSeen *time.Time
}

const selectTill = "select id, name, state, epoch, created_at, paired_at, ended_at, seen_at from till"

// invitationFor is how long a code may be typed.
const invitationFor = 30 * time.Minute

// Invitation lets one till join, once. Its code is for people to read and type: "12-K7QM-4TZX", with the company first.
type Invitation struct {
	Till  Till
	Code  string
	Until time.Time
}

// InviteTill makes room for a till of that name, and a code with which it joins. For one that has not joined yet it makes
// another code, and the first one ends.
func (c *Call) InviteTill(name string) (Invitation, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 60 {
		return Invitation{}, refuse(Unprocessable, "El nombre de una caja tiene de 1 a 60 caracteres, por ejemplo Caja 2")
	}
	code, err := c.newCode()
	if err != nil {
		return Invitation{}, err
	}
	until := c.now.Add(invitationFor)
	rows, err := c.tx.Query(c.ctx, `insert into till (name, code, code_until, created_at) values ($1, $2, $3, $4)
		on conflict (name) do update set code = excluded.code, code_until = excluded.code_until where till.state = 'INVITED'
		returning `+columnsOf(selectTill), name, digest(code), until, c.now)
	if err != nil {
		return Invitation{}, err
	}
	till, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Till])
	if errNoRow(err) {
		err = refuse(Conflict, "Ya hay una caja que se llama %s. Use otro nombre: el de una caja no se repite", name)
	}
	return Invitation{Till: till, Code: code, Until: until}, err
}

// newCode is a code of forty random bits, in letters and figures that are not taken for each other.
func (c *Call) newCode() (string, error) {
	random := make([]byte, 5)
	if _, err := io.ReadFull(c.db.Rand, random); err != nil {
		return "", err
	}
	letters := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(random)
	return fmt.Sprintf("%d-%s-%s", c.Tenant.ID, letters[:4], letters[4:]), nil
}

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// Join takes a till in that typed an invitation's code. The secret is the till's own, of 32 random bytes, kept on its disk
// before it asks: whoever asks again with the same code and secret, because no answer came, is answered the same. The token
// that it returns opens EnterTill until the till is revoked.
func (db *DB) Join(ctx context.Context, j api.Join) (joined api.Joined, err error) {
	if j.Protocol < api.Oldest {
		return joined, errOldTill()
	}
	code := strings.ToUpper(strings.TrimSpace(j.Code))
	number, _, _ := strings.Cut(code, "-")
	company, err := strconv.ParseInt(number, 10, 64)
	if err != nil || len(j.Secret) != 32 {
		return joined, errCode()
	}
	err = db.asTillOf(ctx, company, func(c *Call, works bool) error {
		if !works {
			return ErrTill
		}
		if err := c.accept(digest(code), digest(string(j.Secret))); err != nil {
			return err
		}
		joined.Till, joined.Company = c.said()
		if j.Emisor != c.RUT || j.Ambiente != c.Ambiente {
			return refuse(Conflict, "El código es de %s, RUT %s, en %s, y esta caja es de otra empresa o ambiente. No se cambió nada; pida un código de la empresa de la caja",
				joined.Company.RznSoc, c.RUT, c.Ambiente)
		}
		return nil
	})
	if errors.Is(err, ErrTill) {
		err = errCode() // who guesses learns nothing of companies
	}
	if err != nil {
		return api.Joined{}, err
	}
	joined.Token = fmt.Sprintf("%d.%d.%s", company, joined.Till.ID, base64.RawURLEncoding.EncodeToString(j.Secret))
	return joined, nil
}

// accept pairs the till that was invited with that code.
func (c *Call) accept(code, token []byte) error {
	rows, err := c.tx.Query(c.ctx, `update till set state = 'PAIRED', token = $2, paired_at = coalesce(paired_at, $3), seen_at = $3
		where code = $1 and code_until >= $3 and (state = 'INVITED' or state = 'PAIRED' and token = $2)
		returning `+columnsOf(selectTill), code, token, c.now)
	if err != nil {
		return err
	}
	c.Till, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Till])
	if errNoRow(err) {
		return errCode()
	}
	return err
}

// said is how the till and the company are called to each other.
func (c *Call) said() (api.Till, api.Company) {
	return api.Till{ID: c.Till.ID, Name: c.Till.Name}, api.Company{RUT: c.RUT, RznSoc: c.company, Ambiente: c.Ambiente}
}

func errOldTill() *RefusalError {
	return refuse(Conflict, "El programa de esta caja es demasiado antiguo para el servidor. Lo vendido está guardado y puede seguir vendiendo; actualice el programa de la caja").
		with(map[string]any{"code": "protocolo"})
}

func errCode() *RefusalError {
	return refuse(Unauthorized, "El código no sirve: fue usado, venció o está mal escrito. Pida otro en el servidor. La caja sigue vendiendo como hasta ahora")
}

// ErrTill: the token opens nothing, or no longer.
var ErrTill = &RefusalError{
	Kind: Unauthorized, Text: "Esta caja ya no pertenece a la empresa. Lo vendido está guardado en ella; llame a quien administra",
	// By this the till knows it from the 401 of a stranger on the line.
	Extra: map[string]any{"verdict": api.Ended},
}

// errSwitchedOff is for a till that has not ended: the service may let its company go on.
func errSwitchedOff() *RefusalError {
	r := refuse(Unavailable, "La empresa está desactivada en el servidor. Lo vendido está guardado en esta caja, que lo contará cuando la activen; llame a quien administra")
	r.Wait = 15 * time.Minute
	return r
}

// EnterTill runs fn as a till inside its company, in one transaction. It has no person's rights.
func (db *DB) EnterTill(ctx context.Context, token string, fn func(*Call) error) error {
	company, till, secret, ok := parseToken(token)
	if !ok {
		return ErrTill
	}
	waits := false
	err := db.asTillOf(ctx, company, func(c *Call, works bool) error {
		err := c.enterAs(till, secret)
		if waits = !works; err != nil || waits {
			return err // that it was heard is kept
		}
		return fn(c)
	})
	if err == nil && waits {
		return errSwitchedOff()
	}
	return err
}

func parseToken(token string) (company, till int64, secret []byte, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0, 0, nil, false
	}
	company, errCompany := strconv.ParseInt(parts[0], 10, 64)
	till, errTill := strconv.ParseInt(parts[1], 10, 64)
	secret, errSecret := base64.RawURLEncoding.DecodeString(parts[2])
	return company, till, secret, errors.Join(errCompany, errTill, errSecret) == nil
}

// asTillOf enters a company, as nobody yet. One that does not work is nobody's affair but its own tills'.
func (db *DB) asTillOf(ctx context.Context, company int64, fn func(c *Call, works bool) error) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		c := &Call{db: db, tx: tx, ctx: ctx, now: db.Now(), Tenant: Tenant{ID: company}}
		var version int64
		var works bool
		err := tx.QueryRow(ctx, `select name, rut, schema_name, role_name, ambiente, key_id, sealed_key, schema_version, is_active
			from company where id = $1 and state = 'ready'`, company).
			Scan(&c.company, &c.RUT, &c.Tenant.Schema, &c.Tenant.Role, &c.Ambiente, &c.keyID, &c.sealedKey, &version, &works)
		switch {
		case errNoRow(err):
			return ErrTill
		case err != nil:
			return err
		case version < db.newest:
			return errMigrating()
		}
		if err := c.become(c.Tenant); err != nil {
			return err
		}
		return fn(c, works)
	})
}

// enterAs lets a till in, and holds it: what two programs say in its name at the same time comes one after the other.
func (c *Call) enterAs(id int64, secret []byte) error {
	var token []byte
	err := c.tx.QueryRow(c.ctx, "select id, name, state, epoch, created_at, paired_at, ended_at, seen_at, token from till where id = $1 and state = 'PAIRED' for update", id).
		Scan(&c.Till.ID, &c.Till.Name, &c.Till.State, &c.Till.Epoch, &c.Till.CreatedAt, &c.Till.PairedAt, &c.Till.EndedAt, &c.Till.LastSeen, &token)
	if errNoRow(err) || err == nil && subtle.ConstantTimeCompare(token, digest(string(secret))) == 0 {
		return ErrTill
	}
	if err != nil {
		return err
	}
	_, err = c.tx.Exec(c.ctx, "update till set seen_at = $2, code = null, code_until = null where id = $1", id, c.now)
	return err
}

// Tills lists the company's, in the order in which they were made.
func (c *Call) Tills() ([]Till, error) {
	rows, err := c.tx.Query(c.ctx, selectTill+" order by id")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Till])
}

// RevokeTill shuts a till out at once. Its leases stay its own: it may have used their folios, and may still tell of them if
// somebody brings its file. What it has left is of nobody until the till is declared lost.
func (c *Call) RevokeTill(id int64) error { return c.endTill(id, TillRevoked) }

func (c *Call) endTill(id int64, as TillState) error {
	done, err := c.tx.Exec(c.ctx, "update till set state = $2, ended_at = $3, code = null, code_until = null where id = $1 and state <> 'LOST' and state <> $2", id, as, c.now)
	if err == nil && done.RowsAffected() == 0 {
		err = refuse(NotFound, "Caja ID %d no encontrada, o ya dada de baja", id)
	}
	return err
}
