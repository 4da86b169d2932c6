// Package central is the server behind the tills: companies, their people, catalogue, stock, sales, folios and reports.
//
// Owns: PostgreSQL. One schema and one role per company; what companies share is in a schema of its own. It knows no HTTP:
// central/torn speaks to clients.
//
// Promises: no statement on a company's data runs outside InTenant, and the login of the server has no right of its own,
// so that a forgotten filter, a reused connection or an injected statement sees nothing of another company; a sale, its
// folio, its document, its stock and its job are one transaction; the same key sells once; no folio is given twice and none
// is lost.
//
// All methods of DB may be called from any goroutine and from several servers on the same database.
package central

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"mostrador/dte"
)

// Config is what a DB works with. All but the sizes are needed.
type Config struct {
	// URL connects as the login role, which can do nothing but step into other roles. AdminURL connects as who may create
	// roles and schemas; only migrations and new companies use it.
	URL, AdminURL string
	// Keys seal what a company keeps secret.
	Keys Master
	Now  func() time.Time
	Rand io.Reader
	// Training is the authority of companies in training: the key with which the simulator signs its CAFs.
	Training dte.Trust
	// Practice answers for companies in training: the simulator. Without it they sell, and nothing is sent.
	Practice Practice
	// Proxy is what the way to the SII goes through; nil means what the environment says.
	Proxy *url.URL
	// Prefix begins the names of the roles, which belong to the whole PostgreSQL and not to one database; the database's name
	// if empty.
	Prefix string
	// MaxConns bounds the connections of this server (20).
	MaxConns int
}

// DB is the server's data.
type DB struct {
	Config
	pool  *pgxpool.Pool
	admin *pgxpool.Pool
	names names
	jobs  *river.Client[pgx.Tx]
	pulse *pulse
	// listenEvery is the constant; tests do not wait for so long.
	listenEvery time.Duration

	// migrations are this program's; newest is the last one of a company.
	migrations fs.FS
	newest     int64

	// Secrets that were opened lately; a range and a certificate never change.
	cafs    *expirable.LRU[secret, *dte.CAF]
	signers *expirable.LRU[secret, *dte.Signer]
	roads   *expirable.LRU[int64, *road]
}

// names are the database and the roles of one installation.
type names struct{ database, prefix, owner, login, shared string }

// sharedSchema is where the shared tables are, extensions where PostgreSQL's own additions go.
const (
	sharedSchema     = "shared"
	extensionsSchema = "extensions"
)

func namesIn(database, prefix string) names {
	prefix = cmp.Or(prefix, database)
	return names{database: database, prefix: prefix, owner: prefix + "_owner", login: LoginRole(prefix), shared: prefix + "_shared"}
}

// LoginRole is the role that Config.URL connects as, for a prefix.
func LoginRole(prefix string) string { return prefix + "_login" }

// Open connects. It migrates nothing: see Migrate.
func Open(ctx context.Context, c Config) (*DB, error) {
	pool, err := connect(ctx, c.URL, cmp.Or(c.MaxConns, 20))
	if err != nil {
		return nil, err
	}
	admin, err := connect(ctx, c.AdminURL, 4)
	if err != nil {
		pool.Close()
		return nil, err
	}
	db := &DB{
		Config: c, pool: pool, admin: admin, names: namesIn(pool.Config().ConnConfig.Database, c.Prefix),
		migrations: embedded, newest: newestIn(embedded, tenantFolder),
		cafs:    expirable.NewLRU[secret, *dte.CAF](openSecrets, nil, keepOpen),
		signers: expirable.NewLRU[secret, *dte.Signer](openSecrets, nil, keepOpen),
		roads:   newRoads(), listenEvery: listenEvery,
	}
	if db.pulse, err = newPulse(c.Rand); err == nil {
		db.jobs, err = db.newJobs()
	}
	return db, err
}

func connect(ctx context.Context, address string, size int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// The text of the error may quote the URL, and with it a password.
		return nil, errors.New("la dirección de PostgreSQL no es válida")
	}
	config.MaxConns = int32(size)
	config.MinConns = 0
	config.MaxConnIdleTime = 5 * time.Minute
	return pgxpool.NewWithConfig(ctx, config)
}

// Close lets the connections go.
func (db *DB) Close() {
	db.pulse.stop()
	db.pool.Close()
	db.admin.Close()
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// Tenant is a company as far as its data need it.
type Tenant struct {
	ID           int64
	Schema, Role string
}

// InTenant runs fn in one transaction that sees one company: its schema, with its role's rights. It commits if fn returns
// nil. A commit whose answer was lost returns ErrUnknown: the caller must look, not repeat.
func (db *DB) InTenant(ctx context.Context, t Tenant, fn func(pgx.Tx) error) error {
	return db.in(ctx, t.Role, t.Schema, fn)
}

// inShared is the same for what companies share.
func (db *DB) inShared(ctx context.Context, fn func(pgx.Tx) error) error {
	return db.in(ctx, db.names.shared, sharedSchema, fn)
}

// ErrUnknown: the connection broke while the transaction was being committed; it may have happened or not.
var ErrUnknown = errors.New("no se sabe si la operación quedó hecha")

// in begins with the role and the path in the same message, LOCAL, so that neither outlives the transaction.
func (db *DB) in(ctx context.Context, role, schema string, fn func(pgx.Tx) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local role " + quote(role) +
		"; set local search_path to " + quote(schema) + ", " + extensionsSchema})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(tx); err != nil {
		return err
	}
	return commit(ctx, tx)
}

func commit(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	var refused *pgconn.PgError
	switch {
	// A server on its way out may say so instead of the answer to a commit that it has done.
	case err == nil, errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR", errors.Is(err, pgx.ErrTxCommitRollback):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// Passing says whether err is the database's and will pass: it is busy, ending, starting or out of reach. Nothing was done,
// unless the error is ErrUnknown too.
func Passing(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code[:2] {
		case "08", "40", "53", "57", "58": // connection, rollback, resources, operator, system
			return true
		}
		return refused.Code == lockNotAvailable
	}
	var unreachable *pgconn.ConnectError
	var network net.Error
	// SafeToRetry: the connection was found closed, and nothing left.
	return pgconn.SafeToRetry(err) || errors.As(err, &unreachable) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// The errors of PostgreSQL that we expect.
const (
	uniqueViolation = "23505"
	// A statement would write one row twice.
	cardinalityViolation = "21000"
	foreignKeyViolation  = "23503"
	lockNotAvailable     = "55P03"
)

// errNoRow says whether a query that must find one row found none.
func errNoRow(err error) bool { return errors.Is(err, pgx.ErrNoRows) }

// violates says whether err is the refusal of that constraint.
func violates(err error, code, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == code && (constraint == "" || refused.ConstraintName == constraint)
}
