package central

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// FolioRequest is folios that were asked for.
type FolioRequest struct {
	ID        int64
	Tipo      dte.TipoDTE
	Amount    int32
	Received  int32
	Status    string
	Reason    string
	CreatedAt time.Time
	EndedAt   *time.Time
}

// The life of a request. The SII gives folios to a person, so a request is a task: it ends when as many folios of its type
// have come, or when somebody says why none will.
const (
	FoliosPending   = "PENDING"
	FoliosCompleted = "COMPLETED"
	FoliosError     = "ERROR"
)

// RequestFolios asks for folios, and returns the request as it was put down. In training the simulator answers at once.
func (c *Call) RequestFolios(t dte.TipoDTE, amount int32) (FolioRequest, error) {
	switch {
	case amount <= 0:
		return FolioRequest{}, refuse(Unprocessable, "amount_requested must be greater than 0")
	case !slices.Contains(dte.Tipos(), t):
		return FolioRequest{}, refuse(Unprocessable, "El tipo de documento %d no existe o no se emite", t)
	}
	r := FolioRequest{Tipo: t, Amount: amount, Status: FoliosPending, CreatedAt: c.now}
	err := c.tx.QueryRow(c.ctx, "insert into folio_request (tipo, amount, person_id, created_at) values ($1, $2, $3, $4) returning id",
		int(t), amount, c.Person.ID, c.now).Scan(&r.ID)
	if err != nil || !c.practises() {
		return r, err
	}
	var refused *RefusalError
	if err := c.practiceCAF(t, int(amount)); errors.As(err, &refused) {
		return r, c.endRequest(r.ID, refused.Text)
	} else if err != nil {
		return r, err
	}
	return r, nil
}

// FailRequest ends a request that will come to nothing, with the reason: the SII refused it, or nobody wants it any more.
func (c *Call) FailRequest(id int64, reason string) (FolioRequest, error) {
	if err := c.endRequest(id, reason); err != nil {
		return FolioRequest{}, err
	}
	list, err := c.folioRequests("where id = $1", id)
	if err != nil || len(list) == 0 {
		return FolioRequest{}, err
	}
	return list[0], nil
}

func (c *Call) endRequest(id int64, reason string) error {
	var status string
	err := c.tx.QueryRow(c.ctx, "select status from folio_request where id = $1 for update", id).Scan(&status)
	switch {
	case errNoRow(err):
		return refuse(NotFound, "Solicitud de folios ID %d no encontrada", id)
	case err != nil:
		return err
	case status != FoliosPending:
		return refuse(Conflict, "La solicitud de folios ID %d ya terminó (%s)", id, status)
	}
	_, err = c.tx.Exec(c.ctx, "update folio_request set status = 'ERROR', reason = $2, ended_at = $3 where id = $1", id, reason, c.now)
	return err
}

// FolioHistory lists what was asked for, newest first; from and to are Chilean days, both included, zero for no bound.
func (c *Call) FolioHistory(p Page, from, to dte.Date) ([]FolioRequest, error) {
	begin, end := daysOf(from, to)
	return c.folioRequests(`where ($1::timestamptz is null or created_at >= $1) and ($2::timestamptz is null or created_at < $2)
		order by created_at desc, id desc offset $3 limit $4`, begin, end, p.Skip, p.limit())
}

// daysOf are the bounds of a span of Chilean days: from its first instant to the one after its last; nil for none.
func daysOf(from, to dte.Date) (begin, end *time.Time) {
	if !from.IsZero() {
		t := time.Date(from.Year, from.Month, from.Day, 0, 0, 0, 0, dte.Santiago)
		begin = &t
	}
	if !to.IsZero() {
		t := time.Date(to.Year, to.Month, to.Day+1, 0, 0, 0, 0, dte.Santiago)
		end = &t
	}
	return begin, end
}

func (c *Call) folioRequests(where string, args ...any) ([]FolioRequest, error) {
	rows, err := c.tx.Query(c.ctx, "select id, tipo, amount, received, status, reason, created_at, ended_at from folio_request "+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[FolioRequest])
}

// Annulled are numbers that will never be documents.
type Annulled struct {
	ID           int64
	Tipo         dte.TipoDTE
	Desde, Hasta int64
	Reason       string
	CreatedAt    time.Time
	// ToldSII is when somebody said that the SII had annulled them, too.
	ToldSII *time.Time
}

// AnnulFolios takes numbers out of use for good: all of them, or none if one of them is not the company's, was used, or was
// annulled before. At the SII a person annuls them, and says so with ToldSII.
func (c *Call) AnnulFolios(t dte.TipoDTE, desde, hasta int64, reason string) (Annulled, error) {
	if desde < 1 || hasta < desde {
		return Annulled{}, refuse(Unprocessable, "El rango %d a %d no es válido: desde 1, y hasta no menor que desde", desde, hasta)
	}
	// Nobody puts folios of these ranges into use meanwhile.
	var held, inUse int64
	err := c.tx.QueryRow(c.ctx, `with mine as (select * from caf where tipo = $1 and desde <= $3 and hasta >= $2 order by desde for update)
		select coalesce(sum(least(hasta, $3) - greatest(desde, $2) + 1), 0), coalesce(sum(greatest(least(next - 1, $3) - greatest(desde, $2) + 1, 0)), 0)
		from mine`, int(t), desde, hasta).Scan(&held, &inUse)
	if err != nil {
		return Annulled{}, err
	}
	if held != hasta-desde+1 {
		return Annulled{}, refuse(Unprocessable, "Los folios %d a %d del tipo %d no son todos de la empresa: no hay CAF cargado que los cubra", desde, hasta, t)
	}
	if err := c.overlapsAnnulled(t, desde, hasta); err != nil {
		return Annulled{}, err
	}
	// What was put into use and is not waiting any more is a document, or is about to be one: this waits for who is selling it.
	free, err := c.tx.Exec(c.ctx, "delete from folio_ready where tipo = $1 and folio between $2 and $3", int(t), desde, hasta)
	if err != nil {
		return Annulled{}, err
	}
	givenBack, err := c.annulFree(t, desde, hasta)
	if err != nil {
		return Annulled{}, err
	}
	if used := inUse - free.RowsAffected() - givenBack; used > 0 {
		return Annulled{}, refuse(Conflict, "%d de los folios %d a %d del tipo %d ya se usaron, o los tiene una caja. No se anuló ninguno", used, desde, hasta, t)
	}
	a := Annulled{Tipo: t, Desde: desde, Hasta: hasta, Reason: reason, CreatedAt: c.now}
	err = c.tx.QueryRow(c.ctx, "insert into folio_annulled (tipo, desde, hasta, reason, person_id, created_at) values ($1, $2, $3, $4, $5, $6) returning id",
		int(t), desde, hasta, reason, c.Person.ID, c.now).Scan(&a.ID)
	return a, err
}

// annulFree takes a range out of what tills gave back, and tells how many folios of it were there.
func (c *Call) annulFree(t dte.TipoDTE, desde, hasta int64) (n int64, err error) {
	err = c.tx.QueryRow(c.ctx, `with cut as (delete from folio_free where tipo = $1 and desde <= $3 and hasta >= $2 returning *),
		kept as (insert into folio_free (tipo, caf_id, desde, hasta)
			select tipo, caf_id, desde, $2 - 1 from cut where desde < $2
			union all select tipo, caf_id, $3 + 1, hasta from cut where hasta > $3)
		select coalesce(sum(least(hasta, $3) - greatest(desde, $2) + 1), 0) from cut`, int(t), desde, hasta).Scan(&n)
	return n, err
}

// ToldSII notes that somebody annulled these numbers at the SII as well. Said twice, the first time counts.
func (c *Call) ToldSII(id int64) (Annulled, error) {
	rows, err := c.tx.Query(c.ctx, "update folio_annulled set told_sii = coalesce(told_sii, $2) where id = $1 returning "+columnsOf(selectAnnulled), id, c.now)
	if err != nil {
		return Annulled{}, err
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Annulled])
	if errNoRow(err) {
		err = refuse(NotFound, "Anulación de folios ID %d no encontrada", id)
	}
	return a, err
}

const selectAnnulled = "select id, tipo, desde, hasta, reason, created_at, told_sii from folio_annulled"

func (c *Call) overlapsAnnulled(t dte.TipoDTE, desde, hasta int64) error {
	var there bool
	err := c.tx.QueryRow(c.ctx, "select exists (select from folio_annulled where tipo = $1 and desde <= $3 and hasta >= $2)", int(t), desde, hasta).Scan(&there)
	if err == nil && there {
		return refuse(Conflict, "Los folios %d a %d del tipo %d ya están anulados, enteros o en parte", desde, hasta, t)
	}
	return err
}

// AnnulledFolios lists them, newest first: all, those that the SII was told of, or those that it was not.
func (c *Call) AnnulledFolios(told *bool, p Page, from, to dte.Date) ([]Annulled, error) {
	begin, end := daysOf(from, to)
	rows, err := c.tx.Query(c.ctx, selectAnnulled+` where ($1::timestamptz is null or created_at >= $1) and ($2::timestamptz is null or created_at < $2)
		and ($5::boolean is null or (told_sii is not null) = $5)
		order by created_at desc, tipo, desde desc offset $3 limit $4`, begin, end, p.Skip, p.limit(), told)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Annulled])
}

// When a type needs more folios: at once below fewFolios or one in alarmPart, soon below reorderPercent of what was
// authorised; and renewDays before they expire.
const (
	fewFolios      = 50
	alarmPercent   = 10
	reorderPercent = 30
	renewDays      = 14
)

// Alert is what should be done about the folios of a type, the most pressing thing first.
type Alert struct {
	FolioStatus
	Level string
	Text  string
	// How many are usually asked for.
	AskFrom, AskTo int32
}

// The levels, from the most pressing.
const (
	AlertOut     = "agotado"  // nothing is sold under this type
	AlertLow     = "critico"  // below one in ten, or fifty
	AlertRenew   = "renovar"  // they expire within two weeks
	AlertReorder = "reponer"  // below three in ten
	AlertExpired = "vencidos" // unused ones to annul
)

// FolioAlerts are the types that the company uses and that need something.
func (c *Call) FolioAlerts() ([]Alert, error) {
	list, err := c.FolioStatuses()
	var alerts []Alert
	for _, s := range list {
		if a := alertOf(s); a.Level != "" {
			alerts = append(alerts, a)
		}
	}
	return alerts, err
}

// Alert is what should be done about this type; without a level, nothing.
func (s FolioStatus) Alert() Alert { return alertOf(s) }

func alertOf(s FolioStatus) Alert {
	a := Alert{FolioStatus: s}
	a.AskFrom, a.AskTo = usualAmount(s.Tipo)
	ask := fmt.Sprintf("Pida entre %d y %d folios al SII.", a.AskFrom, a.AskTo)
	switch {
	case !s.Held:
	case s.Available == 0:
		a.Level, a.Text = AlertOut, fmt.Sprintf("No quedan folios del tipo %d: no se puede emitir. %s", s.Tipo, ask)
	case s.Available < fewFolios || s.Available*100 < s.Total*alarmPercent:
		a.Level, a.Text = AlertLow, fmt.Sprintf("Quedan %d folios del tipo %d. %s", s.Available, s.Tipo, ask)
	case s.Expiring > 0:
		a.Level, a.Text = AlertRenew, fmt.Sprintf("%d folios del tipo %d vencen el %s o poco después, y los que no se usen se pierden. %s", s.Expiring, s.Tipo, s.FirstVence, ask)
	case s.Available*100 <= s.Total*reorderPercent:
		a.Level, a.Text = AlertReorder, fmt.Sprintf("Quedan %d de %d folios del tipo %d. %s", s.Available, s.Total, s.Tipo, ask)
	case s.Expired > 0:
		a.Level, a.Text = AlertExpired, fmt.Sprintf("Vencieron %d folios del tipo %d sin usarse. Anúlelos aquí y en el SII.", s.Expired, s.Tipo)
	}
	return a
}

// usualAmount is how many folios of a type are asked for at once.
func usualAmount(t dte.TipoDTE) (from, to int32) {
	switch t {
	case dte.Factura, dte.FacturaExenta:
		return 500, 1000
	case dte.Boleta, dte.BoletaExenta:
		return 1000, 3000
	}
	return 100, 300
}
