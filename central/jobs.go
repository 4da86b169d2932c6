package central

import (
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// drainJob takes the documents of one company to the SII.
type drainJob struct {
	Company int64 `json:"company"`
}

// Kind implements river.JobArgs.
func (drainJob) Kind() string { return "drain" }

// newJobs is a client that puts jobs into transactions.
func (db *DB) newJobs() (*river.Client[pgx.Tx], error) {
	return river.NewClient(riverpgxv5.New(db.pool), &river.Config{Schema: sharedSchema})
}

// sendSoon sees to it that a job for this company's documents is on its way, in the transaction that made one. Of many sales
// at once only the first makes the job; the job takes its mark away before it looks.
func (c *Call) sendSoon() error {
	var due bool
	if err := c.tx.QueryRow(c.ctx, "select due from drain").Scan(&due); err != nil || due {
		return err
	}
	marked, err := c.tx.Exec(c.ctx, "update drain set due = true where not due")
	if err != nil || marked.RowsAffected() == 0 {
		return err
	}
	return c.shared(func() error {
		_, err := c.db.jobs.InsertTx(c.ctx, c.tx, drainJob{c.Tenant.ID}, nil)
		return err
	})
}
