package central

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"mostrador/dte"
)

// closeEvery is how often the days that are over are looked for. Until one is found it is read from its sales.
const closeEvery = 10 * time.Minute

// closeJob closes days.
type closeJob struct{}

// Kind implements river.JobArgs.
func (closeJob) Kind() string { return "close_days" }

// InsertOpts implements river.JobArgsWithInsertOpts: what failed is tried again when the next one is due.
func (closeJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// closer works closeJobs.
type closer struct {
	river.WorkerDefaults[closeJob]
	db *DB
}

// Work implements river.Worker.
func (c *closer) Work(ctx context.Context, _ *river.Job[closeJob]) error {
	_, err := c.db.CloseDays(ctx)
	return err
}

// Timeout implements river.Worker.
func (*closer) Timeout(*river.Job[closeJob]) time.Duration { return closeEvery }

// CloseDays adds up the days that are over, of every company, so that reports need not read their sales again. It may be
// interrupted, repeated, and run by several servers at once: each day is added up once. One company's failure does not hold
// up the others.
//
// A day is added up when no sale of it is under way: a sale holds its day until it commits (the trigger sale_day), and who
// closes the day waits for that. Should a sale come into a closed day after all, from a server whose clock is behind, it
// opens the day again, and the next round adds it up anew.
func (db *DB) CloseDays(ctx context.Context) (closed int, err error) {
	tenants, err := db.tenants(ctx)
	if err != nil {
		return 0, err
	}
	return eachOf(ctx, tenants, db.closeDays)
}

// eachOf does something for every company and adds up what it did. One company's failure does not hold up the others.
func eachOf(ctx context.Context, tenants []Tenant, do func(context.Context, Tenant) (int, error)) (sum int, err error) {
	var failed []error
	for _, t := range tenants {
		n, err := do(ctx, t)
		sum += n
		if ctx.Err() != nil {
			return sum, ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("empresa %d: %w", t.ID, err))
		}
	}
	return sum, errors.Join(failed...)
}

// closeDays closes what is over of one company, the oldest first, each day in a transaction of its own.
func (db *DB) closeDays(ctx context.Context, t Tenant) (closed int, err error) {
	var days []string
	err = db.InTenant(ctx, t, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select d.day::text from (
				select first.day + n as day from (select (min(created_at) at time zone 'America/Santiago')::date as day from sale) first,
					generate_series(0, $1::date - first.day - 1) n) d
			where not exists (select from day_closed c where c.day = d.day) order by 1`, dte.DateOf(db.Now()).String())
		if err != nil {
			return err
		}
		days, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, day := range days {
		if err := db.InTenant(ctx, t, func(tx pgx.Tx) error { return closeDay(ctx, tx, day) }); err != nil {
			return closed, err
		}
		closed++
	}
	return closed, nil
}

// closeDay writes a day's sums down, if nobody has. The lock is taken over a table of the company, so that a database that
// keeps companies on several machines takes it where the company's sales take theirs.
func closeDay(ctx context.Context, tx pgx.Tx, day string) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext(current_schema()), $1::date - date '2000-01-01') from counter", day); err != nil {
		return err
	}
	// The three read what is committed now, after the lock: no sale of the day is under way, and no other closer.
	for _, statement := range []string{
		"with " + openTotals + " insert into day_total select * from open_total",
		"with " + openProducts + " insert into day_product select * from open_product",
	} {
		if _, err := tx.Exec(ctx, statement, day, day); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "insert into day_closed (day) values ($1) on conflict do nothing", day)
	return err
}
