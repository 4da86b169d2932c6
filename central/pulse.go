package central

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// pulse is how the others know that a server is alive: a session of PostgreSQL's that holds an advisory lock of its own number.
// It ends with the process, whatever ends that, and then who asks for the lock gets it. What a server was at is taken over at
// once, and not when its time has run out. To be taken for dead costs a living server nothing but its turn: who lost the lease
// writes nothing.
type pulse struct {
	key  int64
	mu   sync.Mutex
	conn *pgx.Conn
}

func newPulse(rand io.Reader) (*pulse, error) {
	p := &pulse{}
	return p, binary.Read(rand, binary.BigEndian, &p.key)
}

// lookForDead is how often a server that does jobs looks whether another one has died.
const lookForDead = 5 * time.Second

// beat sees to it that the session is there. One that is just ending may hold the lock a moment longer; that is as good.
func (db *DB) beat(ctx context.Context) error {
	p := db.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil && p.conn.Ping(ctx) == nil {
		return nil
	}
	p.end()
	config := db.pool.Config().ConnConfig
	// A machine that lost its power says no goodbye: PostgreSQL asks.
	for name, value := range map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	var held bool
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", p.key).Scan(&held); err != nil || !held {
		_ = conn.Close(ctx) // it holds nothing
		return err
	}
	p.conn = conn
	return nil
}

// end lets the session go.
func (p *pulse) end() {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = p.conn.Close(ctx) // nobody is left to tell
	p.conn = nil
}

// stop ends the pulse.
func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}

// died says whether the server with that number is gone. Nobody else can take its place until the transaction ends.
func died(ctx context.Context, tx pgx.Tx, key int64) (gone bool, err error) {
	err = tx.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", key).Scan(&gone)
	return gone, err
}

const workerPrefix = "central-"

// workerID is how River calls a server: the name tells the number.
func (p *pulse) workerID() string { return fmt.Sprintf("%s%016x", workerPrefix, uint64(p.key)) }

func keyOfWorker(id string) (key int64, ok bool) {
	number, ok := strings.CutPrefix(id, workerPrefix)
	n, err := strconv.ParseUint(number, 16, 64)
	return int64(n), ok && err == nil
}

// watch takes over for servers that died, until ctx ends.
func (db *DB) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookForDead)
	defer tick.Stop()
	for {
		err := db.beat(ctx)
		if err == nil {
			err = db.freeJobs(ctx)
		}
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "no se pudo mirar si otro servidor murió", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// freeJobs lets others do what servers were doing that are gone. River would wait for as long as a job may take.
func (db *DB) freeJobs(ctx context.Context) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select distinct attempted_by[array_upper(attempted_by, 1)] from river_job where state = 'running'")
		if err != nil {
			return err
		}
		workers, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, worker := range workers {
			key, ours := keyOfWorker(worker)
			if !ours || key == db.pulse.key {
				continue
			}
			gone, err := died(ctx, tx, key)
			if err != nil {
				return err
			}
			if !gone {
				continue
			}
			if _, err := tx.Exec(ctx, `update river_job set state = 'available', scheduled_at = now()
				where state = 'running' and attempted_by[array_upper(attempted_by, 1)] = $1`, worker); err != nil {
				return err
			}
		}
		return nil
	})
}
