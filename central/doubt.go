package central

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// A lease in doubt was given to a store that is no more: a backup was restored, and nobody but people can know how far the lost
// one went. They read it from the last paper, or see it at the SII.

// LeaseSettled: a person said how far a lease in doubt was used.
const LeaseSettled LeaseState = "SETTLED"

// FolioGap are folios that were used, as far as anybody knows, and of which the server has no document.
type FolioGap struct {
	Tipo         dte.TipoDTE
	Desde, Hasta int64
}

// SettleLease says the last folio that was used of a lease in doubt; the one before its first if none was. What lies beyond is
// annulled here, listed for annulment at the SII, and given to nobody.
func (c *Call) SettleLease(id, last int64) (Lease, error) {
	l, err := c.leaseToSettle(id)
	if err != nil {
		return l, err
	}
	documented, err := c.lastDocument(l)
	switch {
	case err != nil:
		return l, err
	case last > l.Hasta:
		return l, refuse(Conflict, "El folio %d no es de ese tramo, que llega hasta el %d. No se cambió nada", last, l.Hasta)
	case last < max(l.Used, documented):
		return l, refuse(Conflict, "Del tramo ya se sabe usado hasta el folio %d. Mire de nuevo el último papel impreso o el SII. No se cambió nada", max(l.Used, documented))
	}
	if _, err := c.tx.Exec(c.ctx, "update lease set used = $2, state = $3, ended_at = $4 where id = $1", id, last, LeaseSettled, c.now); err != nil {
		return l, err
	}
	l.Used, l.State = last, LeaseSettled
	if last == l.Hasta {
		return l, nil
	}
	_, err = c.tx.Exec(c.ctx, "insert into folio_annulled (tipo, desde, hasta, reason, person_id, created_at) values ($1, $2, $3, $4, $5, $6)",
		int(l.Tipo), last+1, l.Hasta, fmt.Sprintf("tramo %d, en duda tras restaurar la caja", l.ID), c.Person.ID, c.now)
	return l, err
}

// leaseToSettle holds a lease that is in doubt.
func (c *Call) leaseToSettle(id int64) (Lease, error) {
	l, err := c.Lease(id)
	if err != nil {
		return l, err
	}
	// The till first, as all others do.
	if _, err := c.tx.Exec(c.ctx, "select from till where id = $1 for update", l.TillID); err != nil {
		return l, err
	}
	if l, err = c.Lease(id); err == nil && l.State != LeaseDoubt {
		err = refuse(Conflict, "El tramo ID %d no está en duda: nada hay que decir de él", id)
	}
	return l, err
}

// Lease is one of the company's.
func (c *Call) Lease(id int64) (Lease, error) {
	rows, err := c.tx.Query(c.ctx, selectLease+" where l.id = $1", id)
	if err != nil {
		return Lease{}, err
	}
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Lease])
	if errNoRow(err) {
		err = refuse(NotFound, "Tramo ID %d no encontrado", id)
	}
	return l, err
}

// lastDocument is the highest folio of a lease that the server has a document of; the one before its first if it has none.
func (c *Call) lastDocument(l Lease) (last int64, err error) {
	err = c.tx.QueryRow(c.ctx, "select coalesce(max(folio), $2::bigint - 1) from sale where tipo = $1 and folio between $2 and $3", int(l.Tipo), l.Desde, l.Hasta).Scan(&last)
	return last, err
}

// LeaseGaps are the folios of a lease up to the last used one of which the server has no document: a till that has not told of
// them yet, or a lost one that never will.
func (c *Call) LeaseGaps(l Lease) (gaps []FolioGap, err error) {
	rows, err := c.tx.Query(c.ctx, `select folio + 1, next - 1 from (
			select folio, lead(folio) over (order by folio) as next from (
				select $2::bigint - 1 as folio union all select $3::bigint + 1
				union all select folio from sale where tipo = $1 and folio between $2 and $3) f) g
		where next > folio + 1 order by folio`, int(l.Tipo), l.Desde, l.Used)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (FolioGap, error) {
		g := FolioGap{Tipo: l.Tipo}
		return g, row.Scan(&g.Desde, &g.Hasta)
	})
}
