package central

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// drainJob takes the documents of one company to the SII. One that was put off names the turn it was put off for; a newer
// turn has put off another.
type drainJob struct {
	Company int64 `json:"company"`
	Turn    int64 `json:"turn,omitempty"`
}

// Kind implements river.JobArgs.
func (drainJob) Kind() string { return "drain" }

// InsertOpts implements river.JobArgsWithInsertOpts: a job is never given up.
func (drainJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: math.MaxInt16} }

// newJobs is a client that puts jobs into transactions.
func (db *DB) newJobs() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(db.pool), &river.Config{Schema: sharedSchema})
}

// sendSoon sees to it that a job for this company's documents is on its way, in the transaction that made one. Of many sales
// at once only the first makes the job; the job takes its mark away before it looks.
func (c *Call) sendSoon() error {
	var due bool
	if err := c.ask(c.askDue(&due)); err != nil || due {
		return err
	}
	return c.sendNow()
}

// askDue asks whether a job is on its way already.
func (c *Call) askDue(due *bool) question {
	return func(b *pgx.Batch) {
		b.Queue("select due from drain").QueryRow(func(row pgx.Row) error { return row.Scan(due) })
	}
}

// sendNow makes the job, unless somebody else has meanwhile.
func (c *Call) sendNow() error {
	marked, err := c.tx.Exec(c.ctx, "update drain set due = true where not due")
	if err != nil || marked.RowsAffected() == 0 {
		return err
	}
	return c.shared(func() error {
		_, err := c.db.jobs.InsertTx(c.ctx, c.tx, drainJob{Company: c.Tenant.ID}, nil)
		return err
	})
}

// drainLater puts a turn off, by the database's clock, which is the one that River goes by.
func (c *Call) drainLater(turn int64, pause time.Duration) error {
	return c.shared(func() error {
		var at time.Time
		if err := c.tx.QueryRow(c.ctx, "select now() + $1", pause).Scan(&at); err != nil {
			return err
		}
		_, err := c.db.jobs.InsertTx(c.ctx, c.tx, drainJob{Company: c.Tenant.ID, Turn: turn}, &river.InsertOpts{ScheduledAt: at})
		return err
	})
}

// drainer works drainJobs.
type drainer struct {
	river.WorkerDefaults[drainJob]
	db *DB
}

// Work implements river.Worker.
func (d *drainer) Work(ctx context.Context, job *river.Job[drainJob]) error {
	_, err := d.db.drain(ctx, job.Args.Company, job.Args.Turn)
	switch {
	case errors.Is(err, errOver):
		return nil
	case errors.Is(err, errBusy):
		return river.JobSnooze(busyPause)
	}
	return err
}

// Timeout implements river.Worker.
func (*drainer) Timeout(*river.Job[drainJob]) time.Duration { return turnTime }

// NextRetry implements river.Worker: the database failed, and will be back.
func (*drainer) NextRetry(job *river.Job[drainJob]) time.Time { return job.AttemptedAt.Add(retryPause) }

// Work does the jobs of this server, some at once, until stop is called, which waits for what was begun until its context
// ends and then cuts it short: it is in doubt, and is asked for by who does the next turn. Several servers share the jobs.
func (db *DB) Work(ctx context.Context, log *slog.Logger, atOnce int) (stop func(context.Context) error, err error) {
	// Who works without a pulse is taken for dead.
	if err := db.beat(ctx); err != nil {
		return nil, err
	}
	pool, err := db.jobsPool(ctx, atOnce)
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &drainer{db: db})
	river.AddWorker(workers, &closer{db: db})
	river.AddWorker(workers, &listener{db: db})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: sharedSchema, ID: db.pulse.workerID(), Workers: workers, Logger: log, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: atOnce}},
		JobTimeout: turnTime, RescueStuckJobsAfter: leaseTime, CompletedJobRetentionPeriod: time.Hour,
		ReindexerSchedule: river.NeverSchedule(), // its role owns nothing
		PeriodicJobs:      []*river.PeriodicJob{every(closeEvery, closeJob{}, true), every(db.listenEvery, listenJob{}, false)},
	})
	if err == nil {
		err = client.Start(context.WithoutCancel(ctx))
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		db.watch(watching, log)
	}()
	return func(ctx context.Context) error {
		defer pool.Close()
		defer func() { <-watched }()
		defer cancel()
		return stopJobs(ctx, client)
	}, nil
}

// every has one of the servers do a job again and again, atOnce from the start.
func every(pause time.Duration, job river.JobArgs, atOnce bool) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(pause), func() (river.JobArgs, *river.InsertOpts) { return job, nil },
		&river.PeriodicJobOpts{RunOnStart: atOnce})
}

// lastWord is how long jobs that were cut short have to write down how far they came.
const lastWord = 5 * time.Second

func stopJobs(ctx context.Context, client *river.Client[pgx.Tx]) error {
	err := client.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
		defer cancel()
		return client.StopAndCancel(ctx)
	}
	return err
}

// jobsPool connects as the login and steps into the role of what is shared for good: River's statements are its own, and
// reach no company. It waits for notices, so a pooler that hands out connections per transaction must not be in between.
func (db *DB) jobsPool(ctx context.Context, atOnce int) (*pgxpool.Pool, error) {
	config := db.pool.Config()
	config.ConnConfig.RuntimeParams["role"] = db.names.shared
	config.MaxConns = int32(4 + atOnce/4)
	return pgxpool.NewWithConfig(ctx, config)
}
