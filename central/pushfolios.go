package central

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// This file looks whose a document's folio is, and whether another one bears it.

// folios is a part of a range that a till may have issued from.
type folios struct {
	Tipo         int
	Desde, Hasta int64
}

func (f folios) covers(k dte.Key) bool {
	return f.Tipo == int(k.Tipo) && f.Desde <= int64(k.Folio) && int64(k.Folio) <= f.Hasta
}

// lawful says why the books cannot take documents: of a folio that is not this till's, or one that another document bears.
func (in *intake) lawful(entries []*told) error {
	var docs []*told
	for _, e := range entries {
		if e.doc != nil && e.why == "" {
			docs = append(docs, e)
		}
	}
	if len(docs) == 0 {
		return nil
	}
	there, err := in.documentsOf(docs)
	if err != nil {
		return err
	}
	if err := in.onlyItsFolios(docs); err != nil {
		return err
	}
	for _, e := range docs {
		sum := sha256.Sum256(e.Sale.XML)
		switch before := there[e.Sale.Key]; {
		case e.why != "" || e.fact.Kind == factRemedy:
		case slices.ContainsFunc(before, func(b []byte) bool { return [sha256.Size]byte(b) == sum }):
			e.known = true
		case len(before) > 0:
			e.aside(AlarmConflict, "hay otro documento %s, con otro contenido (%s)", e.Sale.Key, hex.EncodeToString(before[0])[:8])
		default:
			there[e.Sale.Key] = [][]byte{sum[:]}
		}
	}
	return nil
}

// documentsOf are the hashes of the documents that the server has under the keys of some entries.
func (in *intake) documentsOf(entries []*told) (map[dte.Key][][]byte, error) {
	keys := make([]dte.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Sale.Key
	}
	tipos, numbers := columns(keys)
	rows, err := in.tx.Query(in.ctx, `select d.tipo, d.folio, d.sha256 from document d
		join unnest($1::integer[], $2::bigint[]) k (tipo, folio) on d.tipo = k.tipo and d.folio = k.folio order by d.version`, tipos, numbers)
	if err != nil {
		return nil, err
	}
	there := map[dte.Key][][]byte{}
	key := dte.Key{Emisor: in.RUT}
	var sum []byte
	_, err = pgx.ForEachRow(rows, []any{&key.Tipo, &key.Folio, &sum}, func() error {
		there[key] = append(there[key], slices.Clone(sum))
		return nil
	})
	return there, err
}

// onlyItsFolios keeps aside what was issued under another's: a till issues from its leases, whatever became of them, from ranges of
// its own, and from those that it had when it was another till, which was shut out.
func (in *intake) onlyItsFolios(docs []*told) error {
	rows, err := in.tx.Query(in.ctx, `select tipo, desde, hasta from lease where till_id = any($1)
		union all select tipo, desde, hasta from caf where till_id = any($1)`, append(slices.Clone(in.gone), in.Till.ID))
	if err != nil {
		return err
	}
	mine, err := pgx.CollectRows(rows, pgx.RowToStructByPos[folios])
	if err != nil {
		return err
	}
	for _, e := range docs {
		if slices.ContainsFunc(mine, func(f folios) bool { return f.covers(e.Sale.Key) }) {
			continue
		}
		own, err := in.noteOwn(e.doc)
		if err != nil {
			return err
		}
		if !own {
			e.aside(AlarmDocument, "%s lleva un folio que no es de esta caja", e.Sale.Key)
			continue
		}
		mine = append(mine, folios{int(e.doc.Tipo), int64(e.doc.CAFDesde), int64(e.doc.CAFHasta)})
	}
	return nil
}

// noteOwn notes the range of a document that was issued before the till joined as the till's own, so that nobody else ever
// issues from it; false if it is somebody's already.
func (in *intake) noteOwn(doc *dte.Document) (bool, error) {
	switch sure, err := in.remembersFolios(); {
	case err != nil:
		return false, err
	case !sure: // it may be a part of a CAF that the company had loaded
		var loaded bool
		if err := in.tx.QueryRow(in.ctx, "select exists (select from caf where tipo = $1 and desde <= $2 and hasta >= $2)", int(doc.Tipo), int64(doc.Folio)).Scan(&loaded); err != nil {
			return false, err
		}
		if !loaded {
			return false, refuse(Unavailable, "La central volvió de un respaldo y no tiene el CAF de %s. Lo vendido está guardado en la caja; cargue ese CAF otra vez", doc.Key().ID())
		}
	}
	var vence *string
	if doc.Tipo.CAFVence() {
		vence = new((&dte.CAF{Tipo: doc.Tipo, FA: doc.CAFFA}).Vence().String())
	}
	done, err := in.tx.Exec(in.ctx, `insert into caf (till_id, tipo, desde, hasta, fa, vence, idk, next, created_at)
		values ($1, $2, $3, $4::bigint, $5, $6, $7, $4::bigint + 1, $8) on conflict do nothing`,
		in.Till.ID, int(doc.Tipo), int64(doc.CAFDesde), int64(doc.CAFHasta), doc.CAFFA.String(), vence, doc.CAFIDK, in.now)
	return err == nil && done.RowsAffected() == 1, err
}
