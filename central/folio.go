package central

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// readyAtOnce is how many folios are put into use together: enough that sales of a busy hour do not wait for each other,
// few enough that the numbers go up in the order of the sales.
const readyAtOnce = 100

// fewReady is when the next ones are put into use: while those who sell at the same time still find some.
const fewReady = 50

// errNoFolios is Torn's published body: nothing was written.
func errNoFolios(t dte.TipoDTE) *RefusalError {
	return refuse(Conflict, "No hay folios disponibles para el documento tipo %d. Pida folios al SII y cárguelos.", t).with(map[string]any{
		"error": fmt.Sprintf("No folios available for DTE type %d", t), "action": "Request new folios from SII",
	})
}

func errExpired(t dte.TipoDTE, vence dte.Date) *RefusalError {
	return refuse(Conflict, "Los folios del documento tipo %d vencieron el %s. Pida un CAF nuevo al SII.", t, vence).with(map[string]any{
		"error": "CAF expired", "fecha_vencimiento": vence.String(), "action": "Request new CAF from SII",
	})
}

// taken is a folio with the number of the sale that it was taken for.
type taken struct {
	folio     dte.Folio
	caf, sale int64
	// left are the folios beyond it that were put into use.
	left int64
}

// takeFolio takes the next folio of a type in the call's transaction: no other call gets it, and if this one does not commit
// it is free again. Simultaneous calls take different ones without waiting for each other.
func (c *Call) takeFolio(t dte.TipoDTE, day dte.Date) (taken, *dte.CAF, error) {
	n, err := c.pickFolio(t, day)
	for errNoRow(err) {
		more, errMore := c.moreFolios(t, day)
		if errMore != nil {
			return n, nil, errMore
		}
		if n, err = c.pickFolio(t, day); errNoRow(err) && !more {
			return n, nil, c.whyNoFolios(t, day)
		}
	}
	if err == nil && n.left < fewReady {
		err = c.readyBeforeNone(t, n)
	}
	if err != nil {
		return n, nil, err
	}
	caf, err := c.openCAF(n.caf)
	return n, caf, err
}

// moreFolios puts more into use, from the ranges that are held or, in training, from the simulator.
func (c *Call) moreFolios(t dte.TipoDTE, day dte.Date) (bool, error) {
	if more, err := c.readyFolios(t, day); more || err != nil {
		return more, err
	}
	return c.supply(t, day)
}

// pickFolio finds the lowest one that is ready and deletes it. It is found in a step of its own: inside a join a
// LIMIT may be run once for every row, and with SKIP LOCKED each run finds another folio, which would be lost.
func (c *Call) pickFolio(t dte.TipoDTE, day dte.Date) (n taken, err error) {
	err = c.tx.QueryRow(c.ctx, `with lowest as materialized (
			select r.tipo, r.folio, caf.next from folio_ready r join caf on caf.id = r.caf_id
			where r.tipo = $1 and (caf.vence is null or caf.vence >= $2) order by r.folio limit 1 for update of r skip locked),
		picked as (delete from folio_ready r using lowest l where r.tipo = l.tipo and r.folio = l.folio returning r.folio, r.caf_id, l.next)
		select folio, caf_id, nextval('sale_id_seq'), next - folio - 1 from picked`, int(t), day.String()).
		Scan(&n.folio, &n.caf, &n.sale, &n.left)
	return n, err
}

// readyFolios puts more folios of the first usable range into use; false if there is no range. Calls that find none at the
// same time queue at the range, and those that come after the first one find its folios.
func (c *Call) readyFolios(t dte.TipoDTE, day dte.Date) (more bool, err error) {
	var caf int64
	err = c.tx.QueryRow(c.ctx, `select id from caf where tipo = $1 and next <= hasta and (vence is null or vence >= $2)
		order by desde limit 1 for update`, int(t), day.String()).Scan(&caf)
	if errNoRow(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var there int64
	err = c.tx.QueryRow(c.ctx, "select folio from folio_ready where tipo = $1 and caf_id = $2 order by folio limit 1 for update skip locked", int(t), caf).Scan(&there)
	if errNoRow(err) {
		err = c.putIntoUse(t, caf)
	}
	return true, err
}

// readyBeforeNone does the same for a range of which few are left in use, unless somebody else has or is at it.
func (c *Call) readyBeforeNone(t dte.TipoDTE, last taken) error {
	var caf int64
	err := c.tx.QueryRow(c.ctx, "select id from caf where id = $1 and next <= hasta and next - $2 <= $3 for update skip locked", last.caf, int64(last.folio), fewReady).
		Scan(&caf)
	if errNoRow(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.putIntoUse(t, caf)
}

// putIntoUse makes the next folios of a range ready, but for those that were annulled. The range was locked by a statement of
// its own: one that waited would not see what was annulled meanwhile.
func (c *Call) putIntoUse(t dte.TipoDTE, caf int64) error {
	_, err := c.tx.Exec(c.ctx, `with range as (select id, next, least(next + $3 - 1, hasta) as until from caf where id = $2 and next <= hasta),
		advanced as (update caf set next = range.until + 1 from range where caf.id = range.id)
		insert into folio_ready (tipo, folio, caf_id) select $1, folio, id from range, generate_series(next, until) folio
		where not exists (select from folio_annulled a where a.tipo = $1 and folio between a.desde and a.hasta)`, int(t), caf, readyAtOnce)
	return err
}

func (c *Call) whyNoFolios(t dte.TipoDTE, day dte.Date) error {
	var vence *time.Time
	err := c.tx.QueryRow(c.ctx, `select max(vence) from caf where tipo = $1 and vence < $2
		and (next <= hasta or exists (select from folio_ready r where r.caf_id = caf.id))`, int(t), day.String()).Scan(&vence)
	if err != nil {
		return err
	}
	if vence != nil {
		return errExpired(t, dayOf(*vence))
	}
	return errNoFolios(t)
}

// dayOf is a day of PostgreSQL's, which comes without a zone.
func dayOf(t time.Time) dte.Date { return dte.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()} }

func dayOrNone(t *time.Time) dte.Date {
	if t == nil {
		return dte.Date{}
	}
	return dayOf(*t)
}

// openCAF opens a range. What was opened once is kept: a CAF never changes.
func (c *Call) openCAF(id int64) (*dte.CAF, error) {
	return opened(c.db.cafs, secret{c.Tenant.ID, id}, func() (*dte.CAF, error) {
		var sealed []byte
		if err := c.tx.QueryRow(c.ctx, "select sealed from caf where id = $1", id).Scan(&sealed); err != nil {
			return nil, err
		}
		file, err := c.unseal("caf", sealed)
		if err != nil {
			return nil, err
		}
		return dte.ParseCAF(file)
	})
}

// UploadCAF takes in a range of folios: of this company, of its environment, of a type that exists, authentic, not expired,
// and not held already, in whole or in part. The same file twice is held once.
func (c *Call) UploadCAF(file []byte) (dte.TipoDTE, error) {
	caf, err := dte.ParseCAF(file)
	if err != nil {
		return 0, refuse(Unprocessable, "%v", err)
	}
	if err := c.acceptsCAF(caf); err != nil {
		return 0, err
	}
	sealed, err := c.seal("caf", file)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(bytes.TrimSpace(file))
	var vence *string
	if caf.Tipo.CAFVence() {
		day := caf.Vence().String()
		vence = &day
	}
	var id int64
	err = c.tx.QueryRow(c.ctx, `insert into caf (tipo, desde, hasta, fa, vence, idk, next, sealed, sha256, created_at)
		values ($1, $2, $3, $4, $5, $6, $2, $7, $8, $9) on conflict do nothing returning id`, int(caf.Tipo), int64(caf.Desde), int64(caf.Hasta), caf.FA.String(), vence,
		caf.IDK, sealed, sum[:], c.now).Scan(&id)
	if errNoRow(err) {
		return 0, refuse(Conflict, "Los folios %d a %d del tipo %d ya están cargados, enteros o en parte", caf.Desde, caf.Hasta, caf.Tipo)
	}
	if err != nil {
		return 0, err
	}
	return caf.Tipo, c.fillRequests(caf, id)
}

func (c *Call) acceptsCAF(caf *dte.CAF) error {
	switch {
	case caf.Emisor != c.RUT:
		return refuse(Unprocessable, "El CAF es de %s, no de %s", caf.Emisor, c.RUT)
	case dte.AmbienteDe(caf.IDK) != c.Ambiente:
		return refuse(Unprocessable, "El CAF es de otro ambiente (IDK %d); la empresa emite en %s", caf.IDK, c.Ambiente)
	case caf.ExpiredOn(dte.DateOf(c.now)):
		return refuse(Unprocessable, "El CAF venció el %s", caf.Vence())
	}
	if err := caf.Verify(c.trust()); err != nil {
		return refuse(Unprocessable, "El CAF no es auténtico: %v", err)
	}
	return nil
}

// trust is whose CAFs the company's environment takes.
func (c *Call) trust() dte.Trust {
	if c.Ambiente == dte.Capacitacion {
		return c.db.Training
	}
	return dte.SII()
}

// fillRequests gives the folios that came to who asked for some, the oldest request first. One that got less than it asked for
// goes on waiting for the rest.
func (c *Call) fillRequests(caf *dte.CAF, id int64) error {
	_, err := c.tx.Exec(c.ctx, `with waiting as (select id, amount - received as missing from folio_request
			where tipo = $1 and status = 'PENDING' order by id for update),
		shared as (select id, least(missing, greatest(0, $2 - (sum(missing) over (order by id) - missing))) as part from waiting)
		update folio_request r set received = received + part, caf_id = $3,
			status = case when received + part = amount then 'COMPLETED' else 'PENDING' end,
			ended_at = case when received + part = amount then $4::timestamptz end
		from shared s where r.id = s.id and part > 0`, int(caf.Tipo), int64(caf.Hasta-caf.Desde+1), id, c.now)
	return err
}

// FolioStatus is what is left of one type.
type FolioStatus struct {
	Tipo             dte.TipoDTE
	Available, Total int64
	// Of the newest range; zero without one.
	Desde, Hasta int64
	Vence        dte.Date
	// Held: the company has had folios of this type.
	Held bool
	// Of those available, when the first expire, and how many do within renewDays; and how many have expired unused.
	FirstVence        dte.Date
	Expiring, Expired int64
}

// FolioTipos are the types that Torn's status lists, in its order.
func FolioTipos() []dte.TipoDTE { return []dte.TipoDTE{33, 34, 39, 41, 52, 56, 61, 110, 111, 112} }

// FolioStatuses tells what is left of each type; ranges that have expired do not count, nor does what tills have.
func (c *Call) FolioStatuses() ([]FolioStatus, error) {
	rows, err := c.tx.Query(c.ctx, `select tipo, coalesce(sum(unused) filter (where usable), 0),
			coalesce(sum(hasta - desde + 1) filter (where usable), 0),
			(array_agg(desde order by id desc))[1], (array_agg(hasta order by id desc))[1], (array_agg(vence order by id desc))[1],
			min(vence) filter (where usable and unused > 0), coalesce(sum(unused) filter (where usable and vence <= $2), 0),
			coalesce(sum(unused) filter (where not usable), 0)
		from (select *, vence is null or vence >= $1 as usable,
			hasta - next + 1 + (select count(*) from folio_ready r where r.caf_id = caf.id)
				+ (select coalesce(sum(f.hasta - f.desde + 1), 0) from folio_free f where f.caf_id = caf.id) - (
				select coalesce(sum(least(a.hasta, caf.hasta) - greatest(a.desde, next) + 1), 0) from folio_annulled a
				where a.tipo = caf.tipo and a.desde <= caf.hasta and a.hasta >= next) as unused
			from caf where till_id is null) caf group by tipo`, dte.DateOf(c.now).String(), dte.DateOf(c.now.AddDate(0, 0, renewDays)).String())
	if err != nil {
		return nil, err
	}
	found := map[dte.TipoDTE]FolioStatus{}
	var s FolioStatus
	var vence, first *time.Time
	if _, err := pgx.ForEachRow(rows, []any{&s.Tipo, &s.Available, &s.Total, &s.Desde, &s.Hasta, &vence, &first, &s.Expiring, &s.Expired}, func() error {
		s.Held, s.Vence, s.FirstVence = true, dayOrNone(vence), dayOrNone(first)
		found[s.Tipo] = s
		return nil
	}); err != nil {
		return nil, err
	}
	list := make([]FolioStatus, 0, len(FolioTipos()))
	for _, t := range FolioTipos() {
		s := found[t]
		s.Tipo = t
		list = append(list, s)
	}
	return list, nil
}
