package central

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// tokenLife is Torn's: a day at the till.
const tokenLife = 12 * time.Hour

// After freeFailures wrong passwords in a row the next ones wait, doubling up to maxLock: guessing is hopeless, and the
// owner is never shut out for long.
const (
	freeFailures = 4
	firstLock    = 30 * time.Second
	maxLock      = 15 * time.Minute
)

// Tokens makes and reads the tokens that clients carry. The secret is the server's own; there is none by default.
type Tokens struct {
	secret []byte
	now    func() time.Time
}

// issuer and audience of the tokens.
const (
	tokenIssuer   = "mostrador"
	tokenAudience = "mostrador-central"
)

// NewTokens refuses a secret that could be guessed.
func NewTokens(secret []byte, now func() time.Time) (*Tokens, error) {
	if len(secret) < 32 {
		return nil, errors.New("el secreto de las sesiones debe tener al menos 32 bytes")
	}
	return &Tokens{secret, now}, nil
}

// Sign makes the token of a session. Its subject is the e-mail, as clients of Torn expect.
func (t *Tokens) Sign(s Session) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: s.Account.Email, ID: s.ID.String(), Issuer: tokenIssuer, Audience: jwt.ClaimStrings{tokenAudience},
		IssuedAt: jwt.NewNumericDate(s.CreatedAt), ExpiresAt: jwt.NewNumericDate(s.ExpiresAt),
	}).SignedString(t.secret)
}

// Read returns the session that a token names. Whether it still lives is the database's to say.
func (t *Tokens) Read(token string) (uuid.UUID, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return t.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuer(tokenIssuer),
		jwt.WithAudience(tokenAudience), jwt.WithTimeFunc(t.now))
	if err != nil {
		return uuid.Nil, ErrSession
	}
	id, err := uuid.Parse(claims.ID)
	if err != nil {
		return uuid.Nil, ErrSession
	}
	return id, nil
}

// Session is a login.
type Session struct {
	ID                   uuid.UUID
	Account              Account
	CreatedAt, ExpiresAt time.Time
}

// Login opens a session for who knows the password; login is an e-mail or a RUT. A newer login ends the older ones of the
// same account. Who worked somewhere and does nowhere any more stays out. The refusal does not tell a wrong password from an
// account that is unknown, closed or waiting.
func (db *DB) Login(ctx context.Context, login, password string) (Session, error) {
	account, err := db.checkLogin(ctx, login, password)
	if err != nil {
		return Session{}, err
	}
	now := db.Now()
	s := Session{ID: uuid.New(), Account: account, CreatedAt: now, ExpiresAt: now.Add(tokenLife)}
	return s, db.inShared(ctx, func(tx pgx.Tx) error { return openSession(ctx, tx, s) })
}

// checkLogin finds the account of who knows its password, and counts who does not.
func (db *DB) checkLogin(ctx context.Context, login, password string) (account Account, err error) {
	wrong := refuse(Unauthorized, "Credenciales incorrectas")
	now := db.Now()
	var kept string
	var locked *time.Time
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select id, email, full_name, is_active and (is_superuser or
				not exists (select from membership m where m.account_id = a.id) or
				exists (select from membership m where m.account_id = a.id and m.is_active)), is_superuser, password_hash, locked_until
			from account a where email = $1 or rut = $2`, normalEmail(login), rutOrNothing(login)).
			Scan(&account.ID, &account.Email, &account.FullName, &account.IsActive, &account.IsSuperuser, &kept, &locked)
		if errNoRow(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return account, err
	}
	if locked != nil && locked.After(now) {
		return account, wrong
	}
	ok, err := checkPassword(ctx, password, kept)
	if err != nil {
		return account, err
	}
	if !ok || !account.IsActive {
		if account.ID != 0 {
			err = db.inShared(ctx, func(tx pgx.Tx) error { return noteFailure(ctx, tx, account.ID, now) })
		}
		return account, errors.Join(err, wrong)
	}
	return account, nil
}

func openSession(ctx context.Context, tx pgx.Tx, s Session) error {
	if _, err := tx.Exec(ctx, "update account set failures = 0, locked_until = null where id = $1", s.Account.ID); err != nil {
		return err
	}
	if err := endSessions(ctx, tx, s.Account.ID, s.CreatedAt); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "insert into session (id, account_id, created_at, expires_at) values ($1, $2, $3, $4)",
		s.ID, s.Account.ID, s.CreatedAt, s.ExpiresAt); err != nil {
		return err
	}
	return noteEvent(ctx, tx, s.CreatedAt, 0, s.Account.ID, "login", nil)
}

// endSessions ends all logins of an account: the next call with any of its tokens is refused.
func endSessions(ctx context.Context, tx pgx.Tx, account int64, now time.Time) error {
	_, err := tx.Exec(ctx, "update session set ended_at = $2 where account_id = $1 and ended_at is null", account, now)
	return err
}

// setPassword gives an account a new password. Whoever was logged in with the old one is out.
func setPassword(ctx context.Context, tx pgx.Tx, account int64, password string, now time.Time) error {
	kept, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "update account set password_hash = $2, failures = 0, locked_until = null, updated_at = $3 where id = $1", account, kept, now); err != nil {
		return err
	}
	return endSessions(ctx, tx, account, now)
}

// ChangePassword changes the caller's own. Guessing the old one waits as guessing at the door does, and all logins end.
func (db *DB) ChangePassword(ctx context.Context, a Account, current, next string) error {
	account, err := db.checkLogin(ctx, a.Email, current)
	if isRefusal(err, Unauthorized) || err == nil && account.ID != a.ID {
		return refuse(Forbidden, "La contraseña actual no es correcta")
	}
	if err != nil {
		return err
	}
	return db.inShared(ctx, func(tx pgx.Tx) error {
		if err := setPassword(ctx, tx, a.ID, next, db.Now()); err != nil {
			return err
		}
		return noteEvent(ctx, tx, db.Now(), 0, a.ID, "password changed", nil)
	})
}

func noteFailure(ctx context.Context, tx pgx.Tx, account int64, now time.Time) error {
	var failures int
	if err := tx.QueryRow(ctx, "update account set failures = failures + 1 where id = $1 returning failures", account).Scan(&failures); err != nil {
		return err
	}
	if failures > freeFailures {
		wait := min(firstLock<<min(failures-freeFailures-1, 10), maxLock)
		if _, err := tx.Exec(ctx, "update account set locked_until = $2 where id = $1", account, now.Add(wait)); err != nil {
			return err
		}
	}
	return noteEvent(ctx, tx, now, 0, account, "login refused", map[string]any{"failures": failures})
}

// noteEvent adds to the record of who did what to accounts and companies.
func noteEvent(ctx context.Context, tx pgx.Tx, at time.Time, company, account int64, kind string, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	_, err := tx.Exec(ctx, "insert into security_event (at, company_id, account_id, kind, detail) values ($1, nullif($2, 0), nullif($3, 0), $4, $5)",
		at, company, account, kind, detail)
	return err
}

// Logout ends the caller's session.
func (c *Call) Logout() error {
	_, err := c.tx.Exec(c.ctx, "update session set ended_at = $2 where id = $1", c.Session, c.now)
	return err
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// rutOrNothing is the RUT in s, or nil if it is none.
func rutOrNothing(s string) *int32 {
	rut, err := dte.ParseRUT(s)
	if err != nil {
		return nil
	}
	n := int32(rut)
	return &n
}

// NewAccount is somebody who is to log in.
type NewAccount struct {
	Email, FullName, Password string
	IsSuperuser               bool
}

// CreateAccount adds an account; Conflict if the e-mail has one.
func (db *DB) CreateAccount(ctx context.Context, a NewAccount) (id int64, err error) {
	kept, err := hashPassword(ctx, a.Password)
	if err != nil {
		return 0, err
	}
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		id, err = insertAccount(ctx, tx, a, kept, db.Now())
		return err
	})
	return id, err
}

func insertAccount(ctx context.Context, tx pgx.Tx, a NewAccount, kept string, now time.Time) (id int64, err error) {
	email, err := checkEmail(a.Email)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `insert into account (email, full_name, password_hash, is_superuser, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $5) on conflict (email) do nothing returning id`, email, strings.TrimSpace(a.FullName), kept, a.IsSuperuser, now).Scan(&id)
	if errNoRow(err) {
		return 0, refuse(Conflict, "Ya existe una cuenta con el correo %s", email)
	}
	return id, err
}

// checkEmail is the address as we keep it.
func checkEmail(s string) (string, error) {
	email := normalEmail(s)
	if !plausibleEmail(email) {
		return "", refuse(Unprocessable, "El correo %q no es válido", s)
	}
	return email, nil
}

// plausibleEmail keeps out what cannot be an address; only a letter that arrives proves one.
func plausibleEmail(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	return found && local != "" && len(s) <= 254 && strings.Contains(strings.Trim(domain, "."), ".") &&
		!strings.ContainsAny(s, " \t\r\n\"<>(),:;\\") && !strings.Contains(domain, "@")
}

// FirstAdministrator makes the first superuser, if there is none yet, with a random password that is returned once. Of
// several servers that start together one makes it.
func (db *DB) FirstAdministrator(ctx context.Context, email string, log *slog.Logger) (password string, err error) {
	var there bool
	err = db.inShared(ctx, func(tx pgx.Tx) error { return superuserExists(ctx, tx, &there) })
	if err != nil || there {
		return "", err
	}
	password = uuid.NewString()
	kept, err := hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext('mostrador first administrator'))"); err != nil {
			return err
		}
		if err := superuserExists(ctx, tx, &there); err != nil || there {
			return err
		}
		first := NewAccount{Email: email, FullName: "Administración", IsSuperuser: true}
		_, err := insertAccount(ctx, tx, first, kept, db.Now())
		return err
	})
	if err != nil || there {
		return "", err
	}
	log.Info("primera cuenta de administración", "correo", email)
	return password, nil
}

func superuserExists(ctx context.Context, tx pgx.Tx, there *bool) error {
	return tx.QueryRow(ctx, "select exists (select from account where is_superuser)").Scan(there)
}
