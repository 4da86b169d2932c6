package central

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// listenEvery is how often tills that have fallen silent are looked for. It is also how long a server that was away itself hears
// its tills before it tells of any.
const listenEvery = 10 * time.Minute

// listenJob looks for them.
type listenJob struct{}

// Kind implements river.JobArgs.
func (listenJob) Kind() string { return "listen" }

// InsertOpts implements river.JobArgsWithInsertOpts: what failed is tried again when the next one is due.
func (listenJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// listener works listenJobs.
type listener struct {
	river.WorkerDefaults[listenJob]
	db *DB
}

// Work implements river.Worker.
func (l *listener) Work(ctx context.Context, _ *river.Job[listenJob]) error {
	_, err := l.db.NoticeSilence(ctx)
	return err
}

// Timeout implements river.Worker.
func (*listener) Timeout(*river.Job[listenJob]) time.Duration { return listenEvery }

// NoticeSilence tells of tills at which something waits and that have not been heard for a day, in every company that works: those of
// others are heard by nobody. Each silence is told once, however many servers look. One company's failure does not hold up the
// others.
func (db *DB) NoticeSilence(ctx context.Context) (silent int, err error) {
	tenants, err := db.companiesWhere(ctx, "is_active")
	if err != nil {
		return 0, err
	}
	return eachOf(ctx, tenants, db.noticeSilence)
}

// noticeSilence does it for one company. A silence is known by when it began, in a zone that is the same for all servers.
func (db *DB) noticeSilence(ctx context.Context, t Tenant) (silent int, err error) {
	now := db.Now()
	err = db.InTenant(ctx, t, func(tx pgx.Tx) error {
		told, err := tx.Exec(ctx, `insert into alarm (till_id, kind, key, text, at)
			select t.id, $1, to_char(t.seen_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
				t.name || ' no habla desde el ' || to_char(t.seen_at at time zone 'America/Santiago', 'DD-MM-YYYY HH24:MI')
				|| ' y tenía ' || case when h.waiting > 0 then h.waiting || ' documentos por enviar al SII' else h.unsent || ' anotaciones por contar' end
				|| '. Lo vendido está guardado en esa caja. Enciéndala y revise su conexión; si se perdió, declárela perdida', $2
			from till t join till_health h on h.till_id = t.id
			where t.state = 'PAIRED' and t.seen_at < $3 and (h.waiting > 0 or h.unsent > 0)
				and not exists (select from alarm told where told.till_id = t.id and told.kind = $1 and told.at > t.seen_at)
			on conflict do nothing`, AlarmSilent, now, now.Add(-mostQuiet))
		silent = int(told.RowsAffected())
		return err
	})
	return silent, err
}
