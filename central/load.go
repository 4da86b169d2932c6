package central

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Load is how busy the connections of this server are.
type Load struct {
	Busy, Idle, Max int32
	// Waits is how often somebody waited for a connection, and Waited how long all of them together.
	Waits  int64
	Waited time.Duration
}

// Load of the connections that serve requests.
func (db *DB) Load() Load {
	s := db.pool.Stat()
	return Load{Busy: s.AcquiredConns(), Idle: s.IdleConns(), Max: s.MaxConns(), Waits: s.EmptyAcquireCount(), Waited: s.EmptyAcquireWaitTime()}
}

// Backlog is the work that waits, of all servers on the database together.
type Backlog struct {
	// Jobs that are not done, by River's states.
	Jobs map[string]int64
	// CompaniesBehind have older tables than this program knows; they are closed until they are migrated.
	CompaniesBehind int64
}

// Backlog reads it.
func (db *DB) Backlog(ctx context.Context) (Backlog, error) {
	b := Backlog{Jobs: map[string]int64{}}
	err := db.inShared(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "select count(*) from company where state = 'ready' and schema_version < $1", db.newest).
			Scan(&b.CompaniesBehind); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "select state::text, count(*) from river_job where state not in ('completed', 'cancelled') group by 1")
		if err != nil {
			return err
		}
		var state string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
			b.Jobs[state] = n
			return nil
		})
		return err
	})
	return b, err
}

// Ready says why this server cannot serve: the database does not answer, or its shared tables are older than this program.
func (db *DB) Ready(ctx context.Context) error {
	var version int64
	err := db.inShared(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select coalesce(max(version_id), 0) from migration where is_applied").Scan(&version)
	})
	if want := newestIn(db.migrations, sharedFolder); err == nil && version < want {
		return fmt.Errorf("las tablas compartidas son de la versión %d; este programa necesita la %d", version, want)
	}
	return err
}
