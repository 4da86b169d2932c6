package central

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/sync/errgroup"
)

//go:embed migrations/shared/*.sql migrations/tenant/*.sql
var embedded embed.FS

// The migrations of what companies share, and of each company.
const (
	sharedFolder = "migrations/shared"
	tenantFolder = "migrations/tenant"
)

// atOnce is how many companies are migrated at the same time.
const atOnce = 4

// A change of tables waits this long for who works there, this often.
const (
	lockPatience = "3s"
	patience     = 5
)

// Bootstrap makes what must be there before the first migration: the roles, the schemas and the extensions. It needs a
// superuser, or who owns the database and may create roles; it may be repeated, and changes nothing then.
//
// The login role inherits nothing: what it may do begins with SET LOCAL ROLE. set_config is taken from everybody but us,
// because a function call fits into an injected expression, and that one could change the role.
func Bootstrap(ctx context.Context, adminURL, prefix string) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return bootstrap(ctx, conn, namesIn(conn.Config().Database, prefix))
}

func bootstrap(ctx context.Context, conn *pgx.Conn, n names) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Two servers that start together must not both create what is missing.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext('mostrador bootstrap'))"); err != nil {
			return err
		}
		for _, role := range []struct{ name, options string }{
			{n.owner, "nologin noinherit"}, {n.shared, "nologin noinherit"}, {n.login, "login noinherit"},
		} {
			if err := createRole(ctx, tx, role.name, role.options); err != nil {
				return err
			}
		}
		owner, login, shared := quote(n.owner), quote(n.login), quote(n.shared)
		for _, statement := range []string{
			"grant " + shared + " to " + login,
			"revoke all on database " + quote(n.database) + " from public",
			"grant connect on database " + quote(n.database) + " to " + login,
			"revoke all on schema public from public",
			"create schema if not exists " + extensionsSchema,
			"grant usage on schema " + extensionsSchema + " to public",
			"create extension if not exists btree_gist with schema " + extensionsSchema,
			"create extension if not exists pg_trgm with schema " + extensionsSchema,
			"revoke execute on function pg_catalog.set_config(text, text, boolean) from public",
			"grant execute on function pg_catalog.set_config(text, text, boolean) to " + owner,
			"create schema if not exists " + sharedSchema + " authorization " + owner,
			"grant usage on schema " + sharedSchema + " to " + shared,
			"alter role " + login + " set idle_in_transaction_session_timeout = '60s'",
			"alter role " + login + " set statement_timeout = '30s'",
			"alter role " + login + " set lock_timeout = '10s'",
			// Reports take milliseconds; compiling them would take longer than they do.
			"alter role " + login + " set jit = off",
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("al preparar la base de datos (%s): %w", statement, err)
			}
		}
		return nil
	})
}

// createRole makes a role that is not there yet. Roles belong to the whole cluster, and have no IF NOT EXISTS.
func createRole(ctx context.Context, tx pgx.Tx, name, options string) error {
	var exists bool
	if err := tx.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", name).Scan(&exists); err != nil || exists {
		return err
	}
	_, err := tx.Exec(ctx, "create role "+quote(name)+" "+options)
	return err
}

// CompaniesError names the companies that could not be migrated. All others were, and are served.
type CompaniesError struct{ Failed map[Tenant]error }

func (e *CompaniesError) Error() string {
	list := make([]string, 0, len(e.Failed))
	for t, err := range e.Failed {
		list = append(list, fmt.Sprintf("empresa %d (%s): %v", t.ID, t.Schema, err))
	}
	slices.Sort(list)
	return fmt.Sprintf("no se pudo migrar %d empresas, que quedan cerradas; las demás están al día. %s", len(list), strings.Join(list, "; "))
}

// Migrate brings the shared schema and every company's to this program's version, several companies at once. It may be
// interrupted and repeated, run by several servers together, and run while others serve: migrations only add. A company that
// fails does not stop the others: it stays closed, and the CompaniesError at the end names it.
func (db *DB) Migrate(ctx context.Context, log *slog.Logger) error {
	if err := db.migrateShared(ctx); err != nil {
		return err
	}
	behind, err := db.behind(ctx)
	if err != nil {
		return err
	}
	failed := &CompaniesError{map[Tenant]error{}}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, t := range behind {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			n, err := db.migrateTenant(ctx, t)
			if err == nil {
				log.Info("empresa migrada", "empresa", t.ID, "migraciones", n)
				return nil
			}
			log.Error("empresa no migrada", "empresa", t.ID, "esquema", t.Schema, "error", err)
			mu.Lock()
			defer mu.Unlock()
			failed.Failed[t] = err
			return nil
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return err
	}
	if len(failed.Failed) > 0 {
		return failed
	}
	return nil
}

func (db *DB) migrateShared(ctx context.Context) error {
	if _, err := db.up(ctx, sharedFolder, sharedSchema, db.names.shared); err != nil {
		return err
	}
	if err := db.migrateJobs(ctx); err != nil {
		return fmt.Errorf("las tablas de las tareas: %w", err)
	}
	shared := quote(db.names.shared)
	_, err := db.admin.Exec(ctx, "grant select, insert, update, delete on all tables in schema "+sharedSchema+" to "+shared+
		"; grant usage on all sequences in schema "+sharedSchema+" to "+shared+
		"; revoke update, delete on "+sharedSchema+".security_event from "+shared)
	if err != nil {
		return err
	}
	return db.addActecos(ctx)
}

// migrateJobs makes River's tables. Its migrations cannot share one transaction.
func (db *DB) migrateJobs(ctx context.Context) error {
	config := db.admin.Config()
	config.ConnConfig.RuntimeParams["role"] = db.names.owner
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	unlock, err := db.lockSchema(ctx, "jobs")
	if err != nil {
		return err
	}
	defer unlock()
	river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: sharedSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = river.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// migrateTenant brings one company up to date, and notes how far it has come, so that the next run need not look into it.
// Whoever works in the company goes first: a change of a table that waits for them makes everybody else wait for it, so it
// gives up soon and tries again.
func (db *DB) migrateTenant(ctx context.Context, t Tenant) (n int, err error) {
	for range patience {
		var done int
		done, err = db.up(ctx, tenantFolder, t.Schema, t.Role)
		n += done
		if !violates(err, lockNotAvailable, "") {
			break
		}
	}
	if err != nil {
		return n, err
	}
	return n, db.inShared(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "update company set schema_version = $2 where schema_name = $1 and schema_version < $2", t.Schema, db.newest)
		return err
	})
}

// up applies the migrations of a folder to a schema, as the owner. Each is a transaction of its own and is noted in the
// schema, so that an interrupted run goes on where it stopped.
func (db *DB) up(ctx context.Context, folder, schema, role string) (int, error) {
	files, err := fs.Sub(db.migrations, folder)
	if err != nil {
		return 0, err
	}
	conn, err := db.asOwner(ctx, schema, role)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	lock, err := db.lockSchema(ctx, schema)
	if err != nil {
		return 0, err
	}
	defer lock()
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithTableName("migration"), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return 0, err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return len(done), fmt.Errorf("al migrar %s: %w", schema, err)
	}
	return len(done), nil
}

// asOwner connects with the owner's rights to one schema. The migrations learn from two settings who will work there.
func (db *DB) asOwner(ctx context.Context, schema, role string) (*sql.DB, error) {
	config := db.admin.Config().ConnConfig.Copy()
	config.RuntimeParams["search_path"] = quote(schema) + ", " + extensionsSchema
	config.RuntimeParams["role"] = db.names.owner
	config.RuntimeParams["mostrador.role"] = role
	config.RuntimeParams["lock_timeout"] = lockPatience
	conn := stdlib.OpenDB(*config)
	conn.SetMaxOpenConns(1)
	if err := conn.PingContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// lockSchema keeps two servers from migrating one schema at once; the second finds nothing to do.
func (db *DB) lockSchema(ctx context.Context, schema string) (release func(), err error) {
	conn, err := db.admin.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", "mostrador schema "+schema); err != nil {
		conn.Release()
		return nil, err
	}
	return func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock(hashtext($1))", "mostrador schema "+schema); err != nil {
			// The lock goes with the connection.
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
		conn.Release()
	}, nil
}

// behind are the companies whose tables are older than this program, active or not.
func (db *DB) behind(ctx context.Context) (list []Tenant, err error) {
	return db.companiesWhere(ctx, "schema_version < $1", db.newest)
}

// tenants are all companies whose schema is there, active or not.
func (db *DB) tenants(ctx context.Context) ([]Tenant, error) { return db.companiesWhere(ctx, "true") }

// companiesWhere are the companies whose schema is there and of which the condition holds.
func (db *DB) companiesWhere(ctx context.Context, condition string, args ...any) (list []Tenant, err error) {
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select id, schema_name as schema, role_name as role from company where state = 'ready' and "+
			condition+" order by id", args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Tenant])
		return err
	})
	return list, err
}

// newestIn is the number of the last migration in a folder.
func newestIn(files fs.FS, folder string) (newest int64) {
	names, err := fs.Glob(files, folder+"/*.sql")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err) // so are the names
		}
		newest = max(newest, n)
	}
	return newest
}
