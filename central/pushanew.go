package central

import (
	"bytes"
	"slices"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
)

// This file is about a computer that was another till before: it was shut out, or it was a copy, joined anew, and tells its history
// again. A hash names all that went before it: what another till told under the same one is in the books already.

// elders are the tills whose chain begins as that of the till that calls, and of them those that were shut out: this is what became
// of them.
func (in *intake) elders() (all, gone []int64, err error) {
	rows, err := in.tx.Query(in.ctx, `select t.id, t.state = 'REVOKED' from till_entry mine
		join till_entry e on e.n = 1 and e.hash = mine.hash and e.till_id <> mine.till_id
		join till t on t.id = e.till_id where mine.till_id = $1 and mine.n = 1`, in.Till.ID)
	if err != nil {
		return nil, nil, err
	}
	var id int64
	var out bool
	_, err = pgx.ForEachRow(rows, []any{&id, &out}, func() error {
		all = append(all, id)
		if out {
			gone = append(gone, id)
		}
		return nil
	})
	return all, gone, err
}

// newToAll leaves out what an elder told. The documents of one that was shut out are this till's to send from now on.
func (in *intake) newToAll(entries []*told) ([]*told, error) {
	elders, gone, err := in.elders()
	if err != nil || len(elders) == 0 {
		return entries, err
	}
	in.gone = gone
	numbers, hashes := make([]int64, len(entries)), make([][]byte, len(entries))
	for i, e := range entries {
		numbers[i], hashes[i] = e.N, bytes.Clone(e.hash[:])
	}
	rows, err := in.tx.Query(in.ctx, `select e.n, e.hash from unnest($1::bigint[], $2::bytea[]) k (n, hash)
		join till_entry e on e.till_id = any($3) and e.n = k.n and e.hash = k.hash`, numbers, hashes, elders)
	if err != nil {
		return nil, err
	}
	known := map[place]bool{}
	var n int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &hash}, func() error {
		known[place{n, [32]byte(hash)}] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(slices.Clone(entries), func(e *told) bool { return known[e.place()] })
	return fresh, in.adopt(slices.DeleteFunc(slices.Clone(entries), func(e *told) bool { return !known[e.place()] }))
}

// adopt has the documents of a till that was shut out be this one's, and takes in where they stand.
func (in *intake) adopt(entries []*told) error {
	var keys []dte.Key
	var states []api.DocumentState
	for _, e := range entries {
		if e.Sale != nil && len(e.Sale.XML) > 0 {
			keys = append(keys, e.Sale.Key)
			if e.Sale.State != nil {
				states = append(states, *e.Sale.State)
			}
		}
	}
	if len(keys) == 0 || len(in.gone) == 0 {
		return nil
	}
	tipos, numbers := columns(keys)
	if _, err := in.tx.Exec(in.ctx, `update document_state s set till_id = $1 from unnest($2::integer[], $3::bigint[]) k (tipo, folio)
		where s.tipo = k.tipo and s.folio = k.folio and s.till_id = any($4)`, in.Till.ID, tipos, numbers, in.gone); err != nil {
		return err
	}
	return in.takeStates(states)
}
