package central

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
)

// LeaseState is what became of a lease.
type LeaseState string

// The states. All but LeaseOpen are for ever.
const (
	LeaseOpen     LeaseState = "OPEN"
	LeaseSpent    LeaseState = "SPENT"    // every folio was used
	LeaseReturned LeaseState = "RETURNED" // the rest was given back, and may be leased again
	LeaseExpired  LeaseState = "EXPIRED"  // the CAF expired
	LeaseLost     LeaseState = "LOST"     // the till was; the rest is to be annulled at the SII
	LeaseDoubt    LeaseState = "DOUBT"    // the store was restored; nobody knows how far the lost one went
)

// Lease is a part of a range that one till alone issues from. Two never have a folio in common, whatever became of them, but
// for what was given back.
type Lease struct {
	ID, TillID   int64
	Epoch        int // of the store that it was given to
	Tipo         dte.TipoDTE
	CAF          int64
	Desde, Hasta int64
	Used         int64 // the last folio that the till has told to have used; Desde-1 if none
	State        LeaseState
	Vence        *time.Time // of the CAF; nil: never
}

// Left is how many folios the till has not told to have used.
func (l Lease) Left() int64 { return l.Hasta - l.Used }

const selectLease = `select l.id, l.till_id, l.epoch, l.tipo, l.caf_id, l.desde, l.hasta, l.used, l.state, caf.vence
	from lease l join caf on caf.id = l.caf_id`

// FolioReport is what a till says of its folios. Said twice it changes nothing.
type FolioReport struct {
	// Epoch is how often its store was restored.
	Epoch int
	// Folios are its leases: the store says of everything that it ever issued from how far it is used.
	api.Folios
}

// Hold is why a till may not issue from its leases, for programs; empty if it may.
type Hold string

// The reasons. All are alarms: one store became two, or went back in time.
const (
	// HoldCopy: the store is older than one that has spoken in this till's name. Nothing that it said was taken in.
	HoldCopy Hold = "COPY"
	// HoldBehind: the store knows of fewer folios than it has told of before, and was not restored as far as it knows.
	HoldBehind Hold = "BEHIND"
	// HoldFork: the books of the store say something else than they said before.
	HoldFork Hold = "FORK"
)

// FolioStock is what a till may issue from.
type FolioStock struct {
	Hold Hold
	// Leases are its open ones, of each type the one to use first before the others. With a Hold there are none.
	Leases []Lease
	// Short are types of which it wants more than there is: the company needs a CAF.
	Short []dte.TipoDTE
}

// A till has two leases of a type, one in use and one waiting, each for so many days of its own pace: with both it sells for a
// month without the server. The pace is that of its last four weeks.
const (
	leaseDays  = 15
	paceDays   = 28
	mostLeases = 2
	leastLease = 20
)

// ReportFolios takes in what the till that calls says of its folios, and brings its leases up to what it needs.
func (c *Call) ReportFolios(r FolioReport) (FolioStock, error) {
	if hold, err := c.follow(r); hold != "" || err != nil {
		return FolioStock{Hold: hold}, err
	}
	leases, err := c.openLeases()
	if err != nil {
		return FolioStock{}, err
	}
	r.Used, r.Returned = ofThese(leases, r.Used), ofThese(leases, r.Returned)
	leases, orphans, err := c.recall(leases, r)
	if err != nil {
		return FolioStock{}, err
	}
	if slices.ContainsFunc(r.Used, func(m api.Mark) bool { return behind(leases, m) }) {
		return FolioStock{Hold: HoldBehind}, nil
	}
	for _, m := range r.Used {
		if err := c.advance(leases, m); err != nil {
			return FolioStock{}, err
		}
	}
	if len(r.Returned) > 0 {
		if err := c.holdRanges(r.types(leases)); err != nil {
			return FolioStock{}, err
		}
	}
	for _, m := range r.Returned {
		if err := c.takeBack(leases, m); err != nil {
			return FolioStock{}, err
		}
	}
	if err := c.expireLeases(); err != nil {
		return FolioStock{}, err
	}
	stock, err := c.replenish(r.Wants)
	stock.Leases = append(stock.Leases, orphans...)
	return stock, err
}

// types are those that the report is about.
func (r FolioReport) types(leases []Lease) []dte.TipoDTE {
	types := slices.Clone(r.Wants)
	for _, l := range leases {
		types = append(types, l.Tipo)
	}
	return types
}

// holdRanges keeps all others from giving or taking folios of these types until the call is over. They are held at once and in
// one order, so that two tills never wait for each other.
func (c *Call) holdRanges(types []dte.TipoDTE) error {
	numbers := make([]int32, len(types))
	for i, t := range types {
		numbers[i] = int32(t)
	}
	_, err := c.tx.Exec(c.ctx, "select from caf where tipo = any($1) and (vence is null or vence >= $2) order by tipo, desde for update",
		numbers, dte.DateOf(c.now).String())
	return err
}

// follow keeps step with the store's epoch. A store that was restored begins anew: it cannot know how far the lost one went, so
// nobody issues from what that one had.
func (c *Call) follow(r FolioReport) (Hold, error) {
	switch {
	case r.Epoch < c.Till.Epoch:
		return HoldCopy, nil
	case r.Epoch == c.Till.Epoch:
		return "", nil
	}
	if _, err := c.tx.Exec(c.ctx, "update lease set state = 'DOUBT', ended_at = $2 where till_id = $1 and state = 'OPEN'", c.Till.ID, c.now); err != nil {
		return "", err
	}
	c.Till.Epoch = r.Epoch
	_, err := c.tx.Exec(c.ctx, "update till set epoch = $2 where id = $1", c.Till.ID, r.Epoch)
	return "", err
}

func (c *Call) openLeases() ([]Lease, error) {
	rows, err := c.tx.Query(c.ctx, selectLease+" where l.till_id = $1 and l.state = 'OPEN' order by l.tipo, l.id", c.Till.ID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Lease])
}

func leaseOf(leases []Lease, id int64) *Lease {
	i := slices.IndexFunc(leases, func(l Lease) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return &leases[i]
}

// ofThese leaves out what a till says of a lease that another server called by the same number.
func ofThese(leases []Lease, marks []api.Mark) []api.Mark {
	return slices.DeleteFunc(slices.Clone(marks), func(m api.Mark) bool {
		l := leaseOf(leases, m.Lease)
		return l != nil && m.Tipo != 0 && (m.Tipo != l.Tipo || m.Desde != l.Desde)
	})
}

func behind(leases []Lease, m api.Mark) bool {
	l := leaseOf(leases, m.Lease)
	return l != nil && m.Used < l.Used
}

// advance notes how far a till has come. What is said of a lease that has ended is no news.
func (c *Call) advance(leases []Lease, m api.Mark) error {
	l := leaseOf(leases, m.Lease)
	if l == nil || m.Used == l.Used {
		return nil
	}
	if m.Used > l.Hasta {
		return refuse(Conflict, "La caja dice haber usado el folio %d del tipo %d, que no es de su tramo %d a %d", m.Used, l.Tipo, l.Desde, l.Hasta)
	}
	if _, err := c.tx.Exec(c.ctx, `insert into folio_pace (till_id, tipo, day, used) values ($1, $2, $3, $4)
		on conflict (till_id, tipo, day) do update set used = folio_pace.used + excluded.used`,
		c.Till.ID, int(l.Tipo), dte.DateOf(c.now).String(), m.Used-l.Used); err != nil {
		return err
	}
	l.Used = m.Used
	if l.Left() == 0 {
		return c.endLease(l, LeaseSpent)
	}
	_, err := c.tx.Exec(c.ctx, "update lease set used = $2 where id = $1", l.ID, l.Used)
	return err
}

func (c *Call) endLease(l *Lease, as LeaseState) error {
	l.State = as
	_, err := c.tx.Exec(c.ctx, "update lease set used = $2, hasta = $3, state = $4, ended_at = $5 where id = $1", l.ID, l.Used, l.Hasta, as, c.now)
	return err
}

// takeBack ends a lease whose rest the till will not use. If nothing was leased behind it the range goes on from there.
func (c *Call) takeBack(leases []Lease, m api.Mark) error {
	l := leaseOf(leases, m.Lease)
	if l == nil || l.State != LeaseOpen {
		return nil
	}
	if m.Used < l.Used {
		return refuse(Conflict, "La caja devuelve folios que dijo haber usado: hasta el %d del tipo %d", l.Used, l.Tipo)
	}
	if err := c.advance(leases, m); err != nil || l.State != LeaseOpen {
		return err
	}
	desde, hasta := l.Used+1, l.Hasta
	l.Hasta = l.Used
	if err := c.endLease(l, LeaseReturned); err != nil {
		return err
	}
	last, err := c.tx.Exec(c.ctx, "update caf set next = $2 where id = $1 and next = $3", l.CAF, desde, hasta+1)
	if err == nil && last.RowsAffected() == 0 {
		_, err = c.tx.Exec(c.ctx, "insert into folio_free (tipo, caf_id, desde, hasta) values ($1, $2, $3, $4)", int(l.Tipo), l.CAF, desde, hasta)
	}
	return err
}

// expireLeases ends those whose CAF did: no document may bear their folios any more.
func (c *Call) expireLeases() error {
	_, err := c.tx.Exec(c.ctx, `update lease set state = 'EXPIRED', ended_at = $2 from caf
		where caf.id = lease.caf_id and lease.till_id = $1 and state = 'OPEN' and caf.vence < $3`, c.Till.ID, c.now, dte.DateOf(c.now).String())
	return err
}

// replenish brings the till to two leases of each type that it wants.
func (c *Call) replenish(wants []dte.TipoDTE) (FolioStock, error) {
	var stock FolioStock
	leases, err := c.openLeases()
	if err != nil {
		return stock, err
	}
	open := map[dte.TipoDTE]int{}
	for _, l := range leases {
		open[l.Tipo]++
	}
	few := slices.DeleteFunc(slices.Clone(wants), func(t dte.TipoDTE) bool { return open[t] >= mostLeases })
	if len(few) == 0 {
		return FolioStock{Leases: leases}, nil
	}
	if sure, err := c.remembersFolios(); !sure || err != nil {
		return FolioStock{Leases: leases}, err
	}
	if err := c.holdRanges(few); err != nil {
		return stock, err
	}
	for _, t := range few {
		given := true
		for ; given && open[t] < mostLeases; open[t]++ {
			if given, err = c.give(t); err != nil {
				return stock, err
			}
		}
		if !given {
			stock.Short = append(stock.Short, t)
		}
	}
	stock.Leases, err = c.openLeases()
	return stock, err
}

// leaseSize is for so many days of the till's own pace, or of a till's of this company if it has none yet; never more than
// leaves as much for each of the others. It is 0 when there is nothing left.
func (c *Call) leaseSize(t dte.TipoDTE) (int64, error) {
	day := dte.DateOf(c.now)
	var mine, all, days, tills, left int64
	err := c.tx.QueryRow(c.ctx, `
		select coalesce(sum(used) filter (where till_id = $1), 0), coalesce(sum(used), 0),
			greatest(1, least($4, $3::date - min(day) filter (where till_id = $1) + 1)),
			(select count(*) from till where state = 'PAIRED'),
			(select coalesce(sum(hasta - next + 1), 0) from caf where tipo = $2 and (vence is null or vence >= $3))
				+ (select coalesce(sum(f.hasta - f.desde + 1), 0) from folio_free f join caf on caf.id = f.caf_id
					where f.tipo = $2 and (caf.vence is null or caf.vence >= $3))
		from folio_pace where tipo = $2 and day > $3::date - $4`, c.Till.ID, int(t), day.String(), paceDays).
		Scan(&mine, &all, &days, &tills, &left)
	if err != nil {
		return 0, err
	}
	pace, over := mine, days
	if pace == 0 {
		pace, over = all/max(1, tills), paceDays
	}
	want := max(leastLease, (pace*leaseDays+over-1)/over)
	fair := (left + mostLeases*tills - 1) / (mostLeases * max(1, tills))
	return min(want, fair, left), nil
}

// give leases as many folios of a type as the till is due, those first that were given back; false if there are none.
func (c *Call) give(t dte.TipoDTE) (bool, error) {
	n, err := c.leaseSize(t)
	if n == 0 || err != nil {
		return false, err
	}
	if given, err := c.giveFree(t, n); given || err != nil {
		return given, err
	}
	rows, err := c.tx.Query(c.ctx, "select id, next, hasta from caf where tipo = $1 and next <= hasta and (vence is null or vence >= $2) order by desde",
		int(t), dte.DateOf(c.now).String())
	if err != nil {
		return false, err
	}
	type piece struct{ CAF, Desde, Hasta int64 }
	ranges, err := pgx.CollectRows(rows, pgx.RowToStructByPos[piece])
	if err != nil {
		return false, err
	}
	for _, r := range ranges {
		desde, hasta, err := c.firstNotAnnulled(t, r.Desde, r.Hasta)
		if err != nil {
			return false, err
		}
		if desde > hasta {
			continue
		}
		hasta = min(hasta, desde+n-1)
		if _, err := c.tx.Exec(c.ctx, "update caf set next = $2 where id = $1", r.CAF, hasta+1); err != nil {
			return false, err
		}
		return true, c.lease(t, r.CAF, desde, hasta)
	}
	return false, nil
}

// giveFree leases up to n of those that were given back.
func (c *Call) giveFree(t dte.TipoDTE, n int64) (bool, error) {
	var caf, desde, hasta int64
	err := c.tx.QueryRow(c.ctx, `with lowest as (select f.id from folio_free f join caf on caf.id = f.caf_id
			where f.tipo = $1 and (caf.vence is null or caf.vence >= $2) order by f.desde limit 1)
		delete from folio_free f using lowest where f.id = lowest.id returning f.caf_id, f.desde, f.hasta`, int(t), dte.DateOf(c.now).String()).
		Scan(&caf, &desde, &hasta)
	if errNoRow(err) {
		return false, nil
	}
	if err == nil && desde+n-1 < hasta {
		_, err = c.tx.Exec(c.ctx, "insert into folio_free (tipo, caf_id, desde, hasta) values ($1, $2, $3, $4)", int(t), caf, desde+n, hasta)
		hasta = desde + n - 1
	}
	if err != nil {
		return false, err
	}
	return true, c.lease(t, caf, desde, hasta)
}

// firstNotAnnulled is the first piece of a range that nobody annulled; desde > hasta if there is none.
func (c *Call) firstNotAnnulled(t dte.TipoDTE, from, to int64) (desde, hasta int64, err error) {
	rows, err := c.tx.Query(c.ctx, "select desde, hasta from folio_annulled where tipo = $1 and desde <= $3 and hasta >= $2 order by desde", int(t), from, to)
	if err != nil {
		return 0, 0, err
	}
	desde, hasta = from, to
	var first, last int64
	_, err = pgx.ForEachRow(rows, []any{&first, &last}, func() error {
		switch {
		case first > hasta:
		case first <= desde:
			desde = max(desde, last+1)
		default:
			hasta = first - 1
		}
		return nil
	})
	return desde, hasta, err
}

func (c *Call) lease(t dte.TipoDTE, caf, desde, hasta int64) error {
	_, err := c.tx.Exec(c.ctx, `insert into lease (till_id, epoch, tipo, caf_id, desde, hasta, used, given_at) values ($1, $2, $3, $4, $5::bigint, $6, $5::bigint - 1, $7)`,
		c.Till.ID, c.Till.Epoch, int(t), caf, desde, hasta, c.now)
	return err
}

// LeasedCAF is the file of a range that the till that calls has an open lease of.
func (c *Call) LeasedCAF(caf int64) ([]byte, error) {
	var sealed []byte
	err := c.tx.QueryRow(c.ctx, `select sealed from caf where id = $1
		and exists (select from lease where caf_id = caf.id and till_id = $2 and state = 'OPEN')`, caf, c.Till.ID).Scan(&sealed)
	if errNoRow(err) {
		return nil, refuse(NotFound, "La caja no tiene folios del CAF %d", caf)
	}
	if err != nil {
		return nil, err
	}
	return c.unseal("caf", sealed)
}

// LoseTill declares a till lost: it is shut out at once, and what it had left is annulled here and listed for annulment at the
// SII. Those folios are never given to anybody.
func (c *Call) LoseTill(id int64) error {
	var name string
	err := c.tx.QueryRow(c.ctx, "select name from till where id = $1 for update", id).Scan(&name)
	if errNoRow(err) {
		return refuse(NotFound, "Caja ID %d no encontrada", id)
	}
	if err != nil {
		return err
	}
	if err := c.endTill(id, TillLost); err != nil {
		return err
	}
	_, err = c.tx.Exec(c.ctx, `with ended as (update lease set state = 'LOST', ended_at = $2
			where till_id = $1 and state in ('OPEN', 'DOUBT') returning tipo, used + 1 as desde, hasta)
		insert into folio_annulled (tipo, desde, hasta, reason, person_id, created_at)
		select tipo, desde, hasta, $3, $4, $2 from ended where desde <= hasta`, id, c.now, fmt.Sprintf("caja perdida: %s", name), c.Person.ID)
	return err
}

// Leases lists those of a till, or of all if it is 0, newest first.
func (c *Call) Leases(till int64, p Page) ([]Lease, error) {
	rows, err := c.tx.Query(c.ctx, selectLease+" where $1::bigint = 0 or l.till_id = $1 order by l.id desc offset $2 limit $3", till, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Lease])
}
