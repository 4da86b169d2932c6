package central

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
)

// idleSeconds is after how long a till that has nothing to tell asks again.
const idleSeconds = 60

// Bounds of a report: what is beyond is no till's.
const (
	mostPoints = 200
	mostMarks  = 2000
	mostWants  = 50
	mostEpochs = 1_000_000
)

// Alarms of what a till reports.
const (
	AlarmClock  AlarmKind = "reloj"    // the till's clock is far from the server's
	AlarmShort  AlarmKind = "folios"   // the company has too few for its tills
	AlarmSilent AlarmKind = "silencio" // documents wait at a till that says nothing
)

const (
	mostSkew  = 5 * time.Minute
	mostQuiet = 24 * time.Hour
)

// Sync takes in how the till that calls stands, and answers how the server does. Who may not issue is told so, and why; its
// leases stay as they are.
func (c *Call) Sync(r api.Report) (api.Answer, error) {
	if err := checkReport(r); err != nil {
		return api.Answer{}, err
	}
	a := api.Answer{Protocol: min(r.Protocol, api.Protocol), Now: c.now, Seconds: idleSeconds}
	a.Till, a.Company = c.said()
	after, hold, err := c.followChain(r)
	if err != nil {
		return a, err
	}
	a.After = after
	if hold == "" {
		proven, err := c.proven(r.Epoch, after)
		if err != nil {
			return a, err
		}
		if !proven {
			r.Folios.Wants, a.Again = nil, true
		}
		if hold, err = c.stock(r, &a.Folios); err != nil {
			return a, err
		}
	}
	if hold != "" {
		a.Hold, a.Why = api.Hold(hold), hold.Words()
		if err := c.raise(alarmOf(hold), after.Hash, hold.Words()); err != nil {
			return a, err
		}
	}
	if a.News, err = c.HasNews(r.Cursor); err != nil {
		return a, err
	}
	return a, c.keepHealth(r, hold)
}

// proven reports that the server has an entry of this very store. Until a restored one has told of its restoration nobody can tell
// it from another that was restored from the same backup, and the folios of one would be the other's too.
func (c *Call) proven(epoch int, head api.Point) (ok bool, err error) {
	if epoch == 0 {
		return true, nil
	}
	at := placeOf(head)
	err = c.tx.QueryRow(c.ctx, "select exists (select from till_entry where till_id = $1 and n = $2 and hash = $3 and epoch = $4)", c.Till.ID, at.n, at.hash[:], epoch).Scan(&ok)
	return ok, err
}

func checkReport(r api.Report) error {
	var words string
	switch {
	case r.Protocol < api.Oldest:
		return errOldTill()
	case r.Epoch < 0 || r.Epoch > mostEpochs:
		words = fmt.Sprintf("fue restaurada %d veces", r.Epoch)
	case len(r.Locator) > mostPoints || len(r.Folios.Used)+len(r.Folios.Returned) > mostMarks || len(r.Folios.Wants) > mostWants || len(r.Health.Folios) > mostWants:
		words = "tiene más de lo que cabe en un informe"
	case slices.ContainsFunc(r.Folios.Wants, func(t dte.TipoDTE) bool { return t < 1 || t > 999 }):
		words = "quiere folios de un tipo que no existe"
	case r.Head.N < 0:
		words = "tiene menos que ninguna anotación"
	default:
		return nil
	}
	return refuse(Invalid, "La caja dice que %s: no puede ser. Lo vendido está guardado en ella; avise a soporte", words)
}

// stock brings the till's leases up to what it needs, and tells people if there is not enough.
func (c *Call) stock(r api.Report, to *api.FolioStock) (Hold, error) {
	stock, err := c.ReportFolios(FolioReport{Epoch: r.Epoch, Folios: r.Folios})
	if err != nil || stock.Hold != "" {
		return stock.Hold, err
	}
	to.Short = stock.Short
	for _, l := range stock.Leases {
		to.Leases = append(to.Leases, api.Lease{ID: l.ID, Tipo: l.Tipo, CAF: l.CAF, Desde: l.Desde, Hasta: l.Hasta})
	}
	missed, err := c.missed(stock.Short)
	if err != nil {
		return "", err
	}
	for _, t := range missed {
		if err := c.raise(AlarmShort, fmt.Sprintf("%d %s", t, dte.DateOf(c.now)), fmt.Sprintf(
			"Faltan folios del tipo %d para las cajas: %s pidió y no hay bastantes. Las cajas venden con los que tienen; pida y cargue un CAF", t, c.Till.Name)); err != nil {
			return "", err
		}
	}
	return "", nil
}

// missed are those of some types of which there is too little that people must hear of. A till asks for all that it could issue; the
// company lacks what it had before. One that never had a folio of any type hears of one, the boleta if the till asks for it:
// who just begins must know what is missing, and no more.
func (c *Call) missed(short []dte.TipoDTE) ([]dte.TipoDTE, error) {
	if len(short) == 0 {
		return nil, nil
	}
	rows, err := c.tx.Query(c.ctx, "select distinct tipo from caf")
	if err != nil {
		return nil, err
	}
	had, err := pgx.CollectRows(rows, pgx.RowTo[dte.TipoDTE])
	switch {
	case err != nil:
		return nil, err
	case len(had) == 0 && slices.Contains(short, dte.Boleta):
		return []dte.TipoDTE{dte.Boleta}, nil
	case len(had) == 0:
		return short[:1], nil
	}
	return slices.DeleteFunc(slices.Clone(short), func(t dte.TipoDTE) bool { return !slices.Contains(had, t) }), nil
}

// keepHealth writes down what the till said of itself, and tells people if its clock is wrong.
func (c *Call) keepHealth(r api.Report, hold Hold) error {
	skew, h := r.Now.Sub(c.now), r.Health
	if skew.Abs() > mostSkew {
		if err := c.raise(AlarmClock, dte.DateOf(c.now).String(), fmt.Sprintf(
			"El reloj de %s está %s. Los documentos llevan su hora; corrija la hora del equipo", c.Till.Name, skewWords(skew))); err != nil {
			return err
		}
	}
	var oldest *time.Time
	if h.Waiting > 0 && !h.Oldest.IsZero() {
		oldest = &h.Oldest
	}
	if h.Folios == nil {
		h.Folios = []api.FolioDays{}
	}
	_, err := c.tx.Exec(c.ctx, `insert into till_health (till_id, at, version, protocol, skew_ms, head_n, hold, waiting, oldest, unsent, papers, printer, sii,
			stopped, folios, cursor, run, seq)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		on conflict (till_id) do update set at = excluded.at, version = excluded.version, protocol = excluded.protocol, skew_ms = excluded.skew_ms,
			head_n = excluded.head_n, hold = excluded.hold, waiting = excluded.waiting, oldest = excluded.oldest, unsent = excluded.unsent,
			papers = excluded.papers, printer = excluded.printer, sii = excluded.sii, stopped = excluded.stopped, folios = excluded.folios,
			cursor = excluded.cursor, run = excluded.run, seq = excluded.seq`,
		c.Till.ID, c.now, plainText(r.Version, 60), bounded(int64(r.Protocol)), skew.Milliseconds(), r.Head.N, string(hold), bounded(int64(h.Waiting)), oldest,
		max(0, h.Unsent), bounded(int64(h.Papers)), plainText(h.Printer, 500), plainText(h.SII, 500), plainText(h.Hold, 500), h.Folios, plainText(r.Cursor, 500), runOf(r), r.Seq)
	return err
}

func skewWords(skew time.Duration) string {
	word := "atrasado"
	if skew > 0 {
		word = "adelantado"
	}
	return fmt.Sprintf("%s en %d minutos", word, int64(skew.Abs().Round(time.Minute)/time.Minute))
}

// bounded is a count that PostgreSQL can keep.
func bounded(n int64) int64 { return min(max(0, n), math.MaxInt32) }
