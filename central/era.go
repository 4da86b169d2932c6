package central

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
)

// A database that was made from a dump, or went back in time, does not remember which folios it gave since. Given again, two tills
// would sell the same ones. So it notices by itself, gives none until somebody has said that all is well, and learns from each till
// which ones that has.

// AlarmBackup: the database came back from a backup. While nobody has attended it, no till gets folios.
const AlarmBackup AlarmKind = "respaldo"

const backupWords = "La base de datos de la central volvió de un respaldo, o pasó a otro servidor, y puede no recordar folios que ya dio. " +
	"Las cajas venden con los que tienen y recuerdan a la central cuáles son; ninguna recibe más. Cuando todas hayan hablado (o se hayan declarado " +
	"perdidas), saque de uso los que falten según el SII y atienda esta alarma"

// idsApart is how far the leases of two eras are apart: no till mistakes one for the other.
const idsApart = 1_000_000

// thisEra is the name of the database as it is now, and changes when it comes back from a dump, from an archive, or is another server's.
// The timeline is that of what is written now: the control file tells the old one until some minutes after another server took over.
const thisEra = `(select to_hex(s.system_identifier) || '-' || to_hex(('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint) || '-'
	|| to_hex('product'::regclass::oid::bigint) as generation from pg_control_system() s)`

// remembersFolios reports that this database knows of all folios that it ever gave.
func (c *Call) remembersFolios() (sure bool, err error) {
	var here, last string
	if err := c.tx.QueryRow(c.ctx, "select made.generation, era.folios from news_era era, "+thisEra+" made").Scan(&here, &last); err != nil {
		return false, err
	}
	if here != last {
		if err := c.beginEra(here, last); err != nil {
			return false, err
		}
	}
	err = c.tx.QueryRow(c.ctx, "select not exists (select from alarm where kind = $1 and attended_at is null)", AlarmBackup).Scan(&sure)
	return sure, err
}

// beginEra notes where folios are given from now on. Who had given some elsewhere tells people.
func (c *Call) beginEra(here, last string) error {
	mine, err := c.tx.Exec(c.ctx, "update news_era set folios = $1 where folios = $2", here, last)
	if err != nil || mine.RowsAffected() == 0 || last == "" {
		return err
	}
	return c.tellOfEra(here)
}

// tellOfEra has people see to it, and keeps the leases of this era apart from those of the last one.
func (c *Call) tellOfEra(era string) error {
	if _, err := c.tx.Exec(c.ctx, "select setval('lease_id_seq', nextval('lease_id_seq') + $1)", idsApart); err != nil {
		return err
	}
	_, err := c.tx.Exec(c.ctx, "insert into alarm (kind, key, text, at) values ($1, $2, $3, $4)", AlarmBackup, era, backupWords, c.now)
	return err
}

// recall takes up leases that the till has and this database does not remember, if it came back from a backup and nobody has said
// yet that all is well: they were given before. Of what another till has, too, or what is told after that, people must know.
//
// orphans are of a CAF that has to be loaded again: the till goes on with them, and will name them again.
func (c *Call) recall(leases []Lease, r FolioReport) (now, orphans []Lease, err error) {
	forgotten, err := c.forgotten(leases, slices.Concat(r.Used, r.Returned))
	if len(forgotten) == 0 || err != nil {
		return leases, nil, err
	}
	sure, err := c.remembersFolios()
	if err == nil && sure {
		sure, err = c.gaveThat(forgotten)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case sure:
		return leases, nil, c.strangeLeases(forgotten)
	}
	if orphans, err = c.recallAll(forgotten); err != nil {
		return nil, nil, err
	}
	now, err = c.openLeases()
	return now, orphans, err
}

// gaveThat reports that this database has already given leases of those numbers. If it has not, it went back in time with its very
// name, as a disk that was put back does, and the era is another one from here on.
func (c *Call) gaveThat(marks []api.Mark) (bool, error) {
	newest := slices.MaxFunc(marks, func(a, b api.Mark) int { return cmp.Compare(a.Lease, b.Lease) }).Lease
	var last int64
	if err := c.tx.QueryRow(c.ctx, "select last_value from lease_id_seq").Scan(&last); err != nil || newest <= last || newest > math.MaxInt64/2 {
		return err == nil, err
	}
	if _, err := c.tx.Exec(c.ctx, "select setval('lease_id_seq', $1)", newest); err != nil {
		return false, err
	}
	return false, c.tellOfEra(fmt.Sprint("tramo ", newest))
}

func (c *Call) recallAll(forgotten []api.Mark) (orphans []Lease, err error) {
	types := make([]dte.TipoDTE, len(forgotten))
	for i, m := range forgotten {
		types[i] = m.Tipo
	}
	if err := c.holdRanges(types); err != nil {
		return nil, err
	}
	for _, m := range forgotten {
		var loaded bool
		if err := c.tx.QueryRow(c.ctx, "select exists (select from caf where tipo = $1 and hasta >= $2 and desde <= $3)", int(m.Tipo), m.Desde, m.Hasta).Scan(&loaded); err != nil {
			return nil, err
		}
		if loaded {
			err = c.recallLease(m)
		} else {
			orphans = append(orphans, Lease{ID: m.Lease, TillID: c.Till.ID, Epoch: c.Till.Epoch, Tipo: m.Tipo, Desde: m.Desde, Hasta: m.Hasta, Used: m.Used, State: LeaseOpen})
			err = c.raise(AlarmShort, fmt.Sprintf("caf %d %d", m.Tipo, m.Desde), fmt.Sprintf("%s vende con los folios %d a %d del tipo %d, de un CAF que no está en la central desde que volvió "+
				"de un respaldo. Cárguelo otra vez antes de atender la alarma del respaldo: mientras tanto la central no toma lo que esa caja cuenta", c.Till.Name, m.Desde, m.Hasta, m.Tipo))
		}
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(orphans, func(l Lease) bool { return l.Left() == 0 }), nil
}

// forgotten are those that nobody here knows of.
func (c *Call) forgotten(leases []Lease, marks []api.Mark) (list []api.Mark, err error) {
	var ids []int64
	for _, m := range marks {
		if leaseOf(leases, m.Lease) != nil || m.Tipo == 0 || m.Desde < 1 || m.Hasta < m.Desde || m.Used < m.Desde-1 || m.Used > m.Hasta {
			continue // it does not say which, or what it says cannot be
		}
		ids, list = append(ids, m.Lease), append(list, m)
	}
	if len(list) == 0 {
		return nil, nil
	}
	rows, err := c.tx.Query(c.ctx, "select id from lease where id = any($1)", ids)
	if err != nil {
		return nil, err
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return slices.DeleteFunc(list, func(m api.Mark) bool { return slices.Contains(known, m.Lease) }), err
}

// strangeLeases tells people of folios that a till has from nobody knows where. It sells no more with them.
func (c *Call) strangeLeases(marks []api.Mark) error {
	for _, m := range marks {
		folios := fmt.Sprintf("%d a %d del tipo %d", m.Desde, m.Hasta, m.Tipo)
		if err := c.raise(AlarmConflict, "lease "+folios, fmt.Sprintf("%s dice tener los folios %s, y la central los recuerda de otra caja o no los recuerda. "+
			"Esa caja no vende más con ellos; compare sus documentos con los del SII", c.Till.Name, folios)); err != nil {
			return err
		}
	}
	return nil
}

// notOurs takes folios of a till away from what the server itself would use next. If it used some already, people must know.
func (c *Call) notOurs(m api.Mark) error {
	if _, err := c.tx.Exec(c.ctx, "delete from folio_ready where tipo = $1 and folio between $2 and $3", int(m.Tipo), m.Desde, m.Hasta); err != nil {
		return err
	}
	var used bool
	err := c.tx.QueryRow(c.ctx, `select exists (select from document d join sale s on s.id = d.sale_id
		where d.tipo = $1 and d.folio between $2 and $3 and s.till_id is null)`, int(m.Tipo), m.Desde, m.Hasta).Scan(&used)
	if err != nil || !used {
		return err
	}
	return c.strangeLeases([]api.Mark{m})
}

func (c *Call) recallLease(m api.Mark) error {
	given, err := c.tx.Exec(c.ctx, `insert into lease (id, till_id, epoch, tipo, caf_id, desde, hasta, used, given_at) overriding system value
		select $1, $2, $3, $4, caf.id, $5, $6, $7, $8 from caf where caf.tipo = $4 and caf.desde <= $5 and caf.hasta >= $6
			and not exists (select from lease l where l.tipo = $4 and int8range(l.desde, l.hasta + 1) && int8range($5, $6::bigint + 1))`,
		m.Lease, c.Till.ID, c.Till.Epoch, int(m.Tipo), m.Desde, m.Hasta, m.Used, c.now)
	if err != nil {
		return err
	}
	if given.RowsAffected() == 0 {
		return c.strangeLeases([]api.Mark{m})
	}
	if err := c.notOurs(m); err != nil {
		return err
	}
	if m.Used == m.Hasta {
		if _, err := c.tx.Exec(c.ctx, "update lease set state = 'SPENT', ended_at = $2 where id = $1", m.Lease, c.now); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(c.ctx, "update caf set next = greatest(next, $3::bigint + 1) where tipo = $1 and desde <= $2 and hasta >= $3", int(m.Tipo), m.Desde, m.Hasta); err != nil {
		return err
	}
	_, err = c.tx.Exec(c.ctx, `with gone as (delete from folio_free where tipo = $1 and desde <= $3 and hasta >= $2 returning caf_id, desde, hasta)
		insert into folio_free (tipo, caf_id, desde, hasta)
		select $1, caf_id, desde, $2::bigint - 1 from gone where desde < $2 union all select $1, caf_id, $3::bigint + 1, hasta from gone where hasta > $3`,
		int(m.Tipo), m.Desde, m.Hasta)
	return err
}
