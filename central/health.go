package central

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Health is how a company stands with the authority.
type Health struct {
	Company Company
	// CertificateUntil is nil without a certificate.
	CertificateUntil *time.Time
	// CAFUntil is when the first folios that are left expire; zero if none do.
	CAFUntil dte.Date
	Alerts   []Alert
	Backlog  dte.Backlog
	// Rejected documents wait for a person.
	Rejected int64
	// LookedAt is when a job last looked at the company's documents; DownSince, since when it found the line down.
	LookedAt, DownSince *time.Time
	Problem             string
	ProblemAt           *time.Time
}

// Healths tells how each company stands, in the order of their numbers. Each is read in its own role.
func (db *DB) Healths(ctx context.Context, p Page) (list []Health, err error) {
	var companies []Company
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCompany+` where c.state = 'ready' and ($3::boolean is null or c.is_active = $3)
			order by c.id offset $1 limit $2`, p.Skip, p.limit(), p.IsActive)
		if err != nil {
			return err
		}
		companies, err = pgx.CollectRows(rows, scanCompany)
		return err
	})
	for _, company := range companies {
		if err != nil {
			return nil, err
		}
		h := Health{Company: company}
		err = db.asCompany(ctx, company.ID, func(c *Call) error { return c.health(&h) })
		list = append(list, h)
	}
	return list, err
}

func (c *Call) health(h *Health) error {
	statuses, err := c.FolioStatuses()
	if err != nil {
		return err
	}
	for _, s := range statuses {
		if !s.FirstVence.IsZero() && (h.CAFUntil.IsZero() || s.FirstVence.Before(h.CAFUntil)) {
			h.CAFUntil = s.FirstVence
		}
		if a := s.Alert(); a.Level != "" {
			h.Alerts = append(h.Alerts, a)
		}
	}
	if h.Backlog, err = backlog(c.ctx, c.tx); err != nil {
		return err
	}
	return c.tx.QueryRow(c.ctx, `select (select not_after from certificate order by id desc limit 1), (select count(*) from document_state where state = 'rejected'),
			looked_at, down_since, problem, problem_at from drain`).Scan(&h.CertificateUntil, &h.Rejected, &h.LookedAt, &h.DownSince, &h.Problem, &h.ProblemAt)
}
