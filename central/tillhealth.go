package central

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
)

// TillHealth is how a till stands, as it said last. The zero one has said nothing yet.
type TillHealth struct {
	At       time.Time // by the server's clock
	Version  string
	Protocol int
	// Skew is how far its clock is ahead.
	Skew time.Duration
	Hold Hold
	// Entries its books have, and Told how far the server has them: the chain agrees if there is no Hold.
	Entries, Told int64
	api.Health
	// Behind: it has news to take in.
	Cursor string
}

// TillStanding is a till and how it stands.
type TillStanding struct {
	Till
	Health TillHealth
	// Open counts the alarms about it that nobody has attended.
	Open int
	// Pending counts its documents that the SII has not decided and that nobody has taken over.
	Pending int
}

// TillStandings lists the company's tills as they stand, in the order in which they were made.
func (c *Call) TillStandings() ([]TillStanding, error) { return c.standings("") }

// TillStanding is how one till stands.
func (c *Call) TillStanding(id int64) (s TillStanding, err error) {
	list, err := c.standings("where t.id = $1", id)
	if err == nil && len(list) == 0 {
		err = refuse(NotFound, "Caja ID %d no encontrada", id)
	}
	if err != nil {
		return s, err
	}
	return list[0], nil
}

func (c *Call) standings(where string, args ...any) ([]TillStanding, error) {
	rows, err := c.tx.Query(c.ctx, `select t.id, t.name, t.state, t.epoch, t.created_at, t.paired_at, t.ended_at, t.seen_at, t.chain_n,
			h.at, coalesce(h.version, ''), coalesce(h.protocol, 0), coalesce(h.skew_ms, 0), coalesce(h.hold, ''), coalesce(h.head_n, 0), coalesce(h.waiting, 0),
			h.oldest, coalesce(h.unsent, 0), coalesce(h.papers, 0), coalesce(h.printer, ''), coalesce(h.sii, ''), coalesce(h.stopped, ''),
			coalesce(h.folios, '[]'), coalesce(h.cursor, ''),
			(select count(*) from alarm a where a.till_id = t.id and a.attended_at is null),
			(select count(*) from document_state d where d.till_id = t.id and d.state not in `+final+`)
		from till t left join till_health h on h.till_id = t.id `+where+" order by t.id", args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s TillStanding, err error) {
		var at, oldest *time.Time
		var skew int64
		h := &s.Health
		err = row.Scan(&s.ID, &s.Name, &s.State, &s.Epoch, &s.CreatedAt, &s.PairedAt, &s.EndedAt, &s.LastSeen, &h.Told,
			&at, &h.Version, &h.Protocol, &skew, &h.Hold, &h.Entries, &h.Waiting, &oldest, &h.Unsent, &h.Papers, &h.Printer, &h.SII, &h.Health.Hold,
			&h.Folios, &h.Cursor, &s.Open, &s.Pending)
		h.Skew, h.At, h.Oldest = time.Duration(skew)*time.Millisecond, momentOrNone(at), momentOrNone(oldest)
		return s, err
	})
}

func momentOrNone(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// plainText is what is kept of words of a till: no longer than that, and nothing that PostgreSQL cannot keep.
func plainText(text string, most int) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	return text
}
