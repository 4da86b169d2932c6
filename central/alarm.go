package central

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// AlarmKind is what an alarm is about, for programs.
type AlarmKind string

// The kinds of what a till's books raise.
const (
	AlarmCopy     AlarmKind = "copia"        // HoldCopy
	AlarmBehind   AlarmKind = "atraso"       // HoldBehind
	AlarmFork     AlarmKind = "bifurcación"  // HoldFork
	AlarmRestored AlarmKind = "restauración" // a store that came back from a backup
	AlarmConflict AlarmKind = "conflicto"    // two documents of one folio
	AlarmDocument AlarmKind = "documento"    // one that cannot be what it says
	AlarmBooks    AlarmKind = "libros"       // what the books cannot take
	AlarmVerdict  AlarmKind = "veredicto"    // the SII said otherwise
	AlarmZ        AlarmKind = "cierre"       // sums that do not agree
	AlarmNews     AlarmKind = "novedades"    // what the till did not take in
)

func alarmOf(h Hold) AlarmKind {
	return map[Hold]AlarmKind{HoldCopy: AlarmCopy, HoldBehind: AlarmBehind, HoldFork: AlarmFork}[h]
}

// Alarm is something that people must look at.
type Alarm struct {
	ID         int64
	TillID     *int64 // nil: of no till
	Kind       AlarmKind
	Key        string // what it is about, for programs
	Text       string
	At         time.Time
	AttendedAt *time.Time
	AttendedBy *int64
}

const selectAlarm = "select id, till_id, kind, key, text, at, attended_at, attended_by from alarm"

// raise tells something about the till that calls. The same thing is told once, however often it happens.
func (c *Call) raise(kind AlarmKind, key, text string) error {
	_, err := c.tx.Exec(c.ctx, "insert into alarm (till_id, kind, key, text, at) values ($1, $2, $3, $4, $5) on conflict do nothing", c.Till.ID, kind, key, text, c.now)
	return err
}

// Alarms lists those that nobody has attended, the newest first; with all, the others too.
func (c *Call) Alarms(all bool, p Page) ([]Alarm, error) {
	rows, err := c.tx.Query(c.ctx, selectAlarm+" where $1 or attended_at is null order by at desc, id desc offset $2 limit $3", all, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Alarm])
}

// AttendAlarm notes that the caller has looked at it.
func (c *Call) AttendAlarm(id int64) error {
	done, err := c.tx.Exec(c.ctx, "update alarm set attended_at = $2, attended_by = $3 where id = $1 and attended_at is null", id, c.now, c.Person.ID)
	if err == nil && done.RowsAffected() == 0 {
		err = refuse(NotFound, "Alarma ID %d no encontrada, o ya atendida", id)
	}
	return err
}
