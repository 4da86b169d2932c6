package central

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Errors of an outbox.
var (
	// ErrStep: the life of a document or an envelope has no such step. Nothing was written.
	ErrStep = errors.New("ese paso no corresponde al estado del documento")
	// errLease: another server carries this company's documents now. Nothing was written.
	errLease = errors.New("otro servidor tomó los envíos de esta empresa")
	// errAbsent: no such document or envelope.
	errAbsent = errors.New("no existe")
)

// leaseTime is how long a server may be silent before another takes its place, whatever its pulse says. It is longer than a
// turn, so that only who hangs loses its place to it; who was killed, or is cut off from the database, has lost its pulse.
const leaseTime = turnTime + time.Minute

// outbox is possync.Outbox over one company's tables, for as long as holder holds the lease: every write looks, in its own
// transaction, whether it still does, and renews it. So a server that was taken for dead and comes back writes nothing, and
// what it had begun was already turned into a question. Documents of tills wait here for nobody: who issued them sends them.
type outbox struct {
	db     *DB
	ctx    context.Context
	tenant Tenant
	emisor dte.RUT
	holder uuid.UUID
}

// read runs fn in a transaction of the company.
func (o *outbox) read(fn func(pgx.Tx) error) error { return o.db.InTenant(o.ctx, o.tenant, fn) }

// write is the same for who holds the lease.
func (o *outbox) write(fn func(pgx.Tx) error) error {
	return o.read(func(tx pgx.Tx) error {
		kept, err := tx.Exec(o.ctx, "update drain set held_until = $2 where holder = $1", o.holder, o.db.Now().Add(leaseTime))
		if err == nil && kept.RowsAffected() == 0 {
			err = errLease
		}
		if err != nil {
			return err
		}
		return fn(tx)
	})
}

// final is dte.State.Final for PostgreSQL.
const final = "('accepted', 'objected', 'rejected')"

// Waiting implements possync.Outbox. A document whose bytes are damaged does not hold up the others; when only such are left,
// the error says so.
func (o *outbox) Waiting(boletas bool, limit int) (docs []*dte.Document, err error) {
	var bad error
	for offset := 0; ; offset += limit {
		page, damaged, n, err := o.waiting(boletas, limit, offset)
		if err != nil {
			return nil, err
		}
		docs, bad = append(docs, page...), errors.Join(bad, damaged)
		if n < limit || len(docs) >= limit {
			break
		}
	}
	if len(docs) == 0 {
		return nil, bad
	}
	return docs[:min(limit, len(docs))], nil
}

func (o *outbox) waiting(boletas bool, limit, offset int) (docs []*dte.Document, damaged error, n int, err error) {
	err = o.read(func(tx pgx.Tx) error {
		rows, err := tx.Query(o.ctx, `select d.xml, d.sha256 from document_state s join document d on d.sale_id = s.sale_id and d.version = s.version
			where s.state = 'issued' and s.till_id is null and s.boleta = $1 order by s.issued_at, s.sale_id limit $2 offset $3`, boletas, limit, offset)
		if err != nil {
			return err
		}
		var xml, sum []byte
		_, err = pgx.ForEachRow(rows, []any{&xml, &sum}, func() error {
			n++
			doc, err := parsed(slices.Clone(xml), sum)
			if err != nil {
				damaged = errors.Join(damaged, err)
				return nil
			}
			docs = append(docs, doc)
			return nil
		})
		return err
	})
	return docs, damaged, n, err
}

// parsed reads stored bytes, if they are those that were signed.
func parsed(xml, sum []byte) (*dte.Document, error) {
	if now := sha256.Sum256(xml); !slices.Equal(now[:], sum) {
		return nil, errors.New("los bytes de un documento no son los que se firmaron")
	}
	return dte.Parse(xml)
}

// WaitingSince implements possync.Outbox.
func (o *outbox) WaitingSince(boletas bool, limit int) (n int, oldest time.Time, err error) {
	var first *time.Time
	err = o.read(func(tx pgx.Tx) error {
		return tx.QueryRow(o.ctx, `select count(*), min(issued_at) from (
			select issued_at from document_state where state = 'issued' and till_id is null and boleta = $1 order by issued_at limit $2) w`, boletas, limit).Scan(&n, &first)
	})
	if first != nil {
		oldest = *first
	}
	return n, oldest, err
}

// DocumentIn implements possync.Outbox.
func (o *outbox) DocumentIn(key dte.Key) (doc *dte.Document, err error) {
	var xml, sum []byte
	err = o.read(func(tx pgx.Tx) error {
		return tx.QueryRow(o.ctx, "select xml, sha256 from document where tipo = $1 and folio = $2 and $3 order by version desc limit 1",
			int(key.Tipo), int64(key.Folio), key.Emisor == o.emisor).Scan(&xml, &sum)
	})
	if err != nil {
		return nil, absent(err, "documento "+key.ID())
	}
	return parsed(xml, sum)
}

// absent says what is not there.
func absent(err error, what string) error {
	if errNoRow(err) {
		return fmt.Errorf("%s: %w", what, errAbsent)
	}
	return err
}

// DocumentState is where a document stands, and its verdict if there is one.
func (o *outbox) DocumentState(key dte.Key) (state dte.State, v dte.Veredicto, err error) {
	err = o.read(func(tx pgx.Tx) error {
		return tx.QueryRow(o.ctx, "select state, coalesce(veredicto, '{}') from document_state where tipo = $1 and folio = $2 and $3",
			int(key.Tipo), int64(key.Folio), key.Emisor == o.emisor).Scan(&state, &v)
	})
	return state, v, absent(err, "documento "+key.ID())
}

// Standing implements possync.Outbox.
func (o *outbox) Standing(key dte.Key) (state dte.State, known bool, err error) {
	state, _, err = o.DocumentState(key)
	if errors.Is(err, errAbsent) {
		return "", false, nil
	}
	return state, err == nil, err
}

// Backlog implements possync.Outbox.
func (o *outbox) Backlog() (b dte.Backlog, err error) {
	err = o.read(func(tx pgx.Tx) error {
		b, err = backlog(o.ctx, tx)
		return err
	})
	return b, err
}

func backlog(ctx context.Context, tx pgx.Tx) (b dte.Backlog, err error) {
	b.ByState = map[dte.State]int{}
	rows, err := tx.Query(ctx, "select state, count(*), min(issued_at) from document_state where till_id is null and state not in "+final+" group by state")
	if err != nil {
		return b, err
	}
	var state dte.State
	var n int
	var oldest time.Time
	_, err = pgx.ForEachRow(rows, []any{&state, &n, &oldest}, func() error {
		b.ByState[state] = n
		b.Documents += n
		if b.Oldest.IsZero() || oldest.Before(b.Oldest) {
			b.Oldest = oldest
		}
		return nil
	})
	return b, err
}

// NewSobre implements possync.Outbox.
func (o *outbox) NewSobre(s dte.Sobre) (made dte.Sobre, err error) {
	if len(s.Keys) == 0 || len(s.XML) == 0 {
		return dte.Sobre{}, fmt.Errorf("%w: un sobre lleva documentos y bytes", ErrStep)
	}
	err = o.write(func(tx pgx.Tx) error {
		if err := o.free(tx, s); err != nil {
			return err
		}
		made, err = o.keep(tx, s)
		return err
	})
	return made, err
}

// free refuses an envelope of which a document is not waiting for one of its kind.
func (o *outbox) free(tx pgx.Tx, s dte.Sobre) error {
	states, err := o.states(tx, s.Keys)
	if err != nil {
		return err
	}
	for i, key := range s.Keys {
		switch state, known := states[key]; {
		case !known:
			return fmt.Errorf("documento %s: %w", key, errAbsent)
		case state != dte.Issued || slices.Contains(s.Keys[:i], key):
			return fmt.Errorf("%w: %s ya está en un sobre", ErrStep, key)
		case key.Tipo.EsBoleta() != s.Boletas:
			return fmt.Errorf("%w: %s no va en ese tipo de sobre", ErrStep, key)
		}
	}
	return nil
}

// states are where the company's documents among keys stand.
func (o *outbox) states(tx pgx.Tx, keys []dte.Key) (map[dte.Key]dte.State, error) {
	tipos, folios := columns(keys)
	rows, err := tx.Query(o.ctx, `select s.tipo, s.folio, s.state from document_state s
		join unnest($1::integer[], $2::bigint[]) k (tipo, folio) on s.tipo = k.tipo and s.folio = k.folio
		where s.till_id is null`, tipos, folios)
	if err != nil {
		return nil, err
	}
	states := map[dte.Key]dte.State{}
	key := dte.Key{Emisor: o.emisor}
	var state dte.State
	_, err = pgx.ForEachRow(rows, []any{&key.Tipo, &key.Folio, &state}, func() error {
		states[key] = state
		return nil
	})
	return states, err
}

func columns(keys []dte.Key) (tipos []int32, folios []int64) {
	for _, key := range keys {
		tipos, folios = append(tipos, int32(key.Tipo)), append(folios, int64(key.Folio))
	}
	return tipos, folios
}

// keep stores an envelope under the next name and puts its documents in it. The lease keeps others from the same name.
func (o *outbox) keep(tx pgx.Tx, s dte.Sobre) (dte.Sobre, error) {
	var n int64
	if err := tx.QueryRow(o.ctx, "select coalesce(max(seq), 0) + 1 from envelope").Scan(&n); err != nil {
		return s, err
	}
	sum := sha256.Sum256(s.XML)
	s.ID, s.SHA256 = fmt.Sprintf("S%09d", n), hex.EncodeToString(sum[:])
	s.State, s.Settled, s.Refused = dte.Enveloped, false, ""
	var err error
	if s.Again, err = o.remedied(tx, s.Keys); err != nil {
		return s, err
	}
	if _, err := tx.Exec(o.ctx, "insert into envelope (id, seq, sobre, open, xml, created_at) values ($1, $2, $3, true, $4, $5)",
		s.ID, n, s, s.XML, s.CreatedAt); err != nil {
		return s, err
	}
	tipos, folios := columns(s.Keys)
	_, err = tx.Exec(o.ctx, `update document_state s set state = $3, envelope = $4, updated_at = $5
		from unnest($1::integer[], $2::bigint[]) k (tipo, folio) where s.tipo = k.tipo and s.folio = k.folio`,
		tipos, folios, dte.Enveloped, s.ID, o.db.Now())
	return s, err
}

// remedied are those of some documents that were in an envelope before, under the same folio, and that a person leads on.
func (o *outbox) remedied(tx pgx.Tx, keys []dte.Key) ([]dte.Key, error) {
	tipos, folios := columns(keys)
	rows, err := tx.Query(o.ctx, `select distinct r.tipo, r.folio from remedy r
		join unnest($1::integer[], $2::bigint[]) k (tipo, folio) on r.tipo = k.tipo and r.folio = k.folio`, tipos, folios)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (dte.Key, error) {
		key := dte.Key{Emisor: o.emisor}
		return key, row.Scan(&key.Tipo, &key.Folio)
	})
}

// OpenSobres implements possync.Outbox.
func (o *outbox) OpenSobres() (list []dte.Sobre, err error) {
	err = o.read(func(tx pgx.Tx) error {
		list, err = openSobres(o.ctx, tx)
		return err
	})
	return list, err
}

func openSobres(ctx context.Context, tx pgx.Tx) ([]dte.Sobre, error) {
	rows, err := tx.Query(ctx, "select sobre from envelope where open order by seq")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[dte.Sobre])
}

func (o *outbox) sobre(tx pgx.Tx, id string) (s dte.Sobre, err error) {
	err = tx.QueryRow(o.ctx, "select sobre from envelope where id = $1", id).Scan(&s)
	return s, absent(err, "sobre "+id)
}

func (o *outbox) put(tx pgx.Tx, s dte.Sobre) error {
	_, err := tx.Exec(o.ctx, "update envelope set sobre = $2, open = $3 where id = $1", s.ID, s, !s.Settled)
	return err
}

// SobreXML implements possync.Outbox.
func (o *outbox) SobreXML(id string) (xml []byte, err error) {
	err = o.read(func(tx pgx.Tx) error {
		var sum string
		if err := tx.QueryRow(o.ctx, "select xml, sobre->>'sha256' from envelope where id = $1", id).Scan(&xml, &sum); err != nil {
			return absent(err, "sobre "+id)
		}
		if now := sha256.Sum256(xml); hex.EncodeToString(now[:]) != sum {
			return fmt.Errorf("los bytes del sobre %s no son los que se firmaron", id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return xml, nil
}

// UpdateSobre implements possync.Outbox.
func (o *outbox) UpdateSobre(next dte.Sobre) error {
	return o.write(func(tx pgx.Tx) error { return o.update(tx, next) })
}

func (o *outbox) update(tx pgx.Tx, next dte.Sobre) error {
	old, err := o.sobre(tx, next.ID)
	if err != nil {
		return err
	}
	if gone(old) || next.State == dte.Issued || next.State.Final() || !old.State.CanBecome(next.State) {
		return fmt.Errorf("%w: el sobre %s no pasa de %s a %s", ErrStep, old.ID, old.State, next.State)
	}
	next.Boletas, next.Emisor, next.Keys, next.SHA256 = old.Boletas, old.Emisor, old.Keys, old.SHA256
	next.CreatedAt, next.Settled, next.Again = old.CreatedAt, old.Settled, old.Again
	if _, err := tx.Exec(o.ctx, "update document_state set state = $2, updated_at = $3 where envelope = $1 and state <> $2 and state not in "+final,
		next.ID, next.State, o.db.Now()); err != nil {
		return err
	}
	return o.put(tx, next)
}

// gone reports an envelope that was refused as a whole: its documents are in others now.
func gone(s dte.Sobre) bool { return s.Settled && s.Refused != "" }

// Settle implements possync.Outbox.
func (o *outbox) Settle(id string, verdicts []dte.Veredicto) error {
	return o.write(func(tx pgx.Tx) error {
		s, err := o.sobre(tx, id)
		if err != nil {
			return err
		}
		for _, v := range verdicts {
			if gone(s) || !v.State.Final() || !slices.Contains(s.Keys, v.Key) {
				return fmt.Errorf("%w: veredicto «%s» de %s en el sobre %s", ErrStep, v.State, v.Key, id)
			}
			if _, err := tx.Exec(o.ctx, `update document_state set state = $4, veredicto = $5, updated_at = $6
				where tipo = $1 and folio = $2 and envelope = $3 and state not in `+final, int(v.Key.Tipo), int64(v.Key.Folio), id, v.State, v, o.db.Now()); err != nil {
				return err
			}
		}
		left, err := o.left(tx, s)
		if err != nil || len(left) > 0 {
			return err
		}
		s.Settled = true
		return o.put(tx, s)
	})
}

// Regroup implements possync.Outbox.
func (o *outbox) Regroup(id, reason string, into []dte.Sobre) (made []dte.Sobre, err error) {
	err = o.write(func(tx pgx.Tx) error {
		refused, err := o.sobre(tx, id)
		if err != nil {
			return err
		}
		left, err := o.left(tx, refused)
		if err != nil {
			return err
		}
		if err := dte.CheckRegroup(refused, left, reason, into); err != nil {
			return fmt.Errorf("%w: %w", ErrStep, err)
		}
		for _, s := range into {
			s.Instead = id
			if s, err = o.keep(tx, s); err != nil {
				return err
			}
			made = append(made, s)
		}
		refused.Refused, refused.Problem, refused.Settled = reason, "", true
		return o.put(tx, refused)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Left implements possync.Outbox.
func (o *outbox) Left(id string) (left []dte.Key, err error) {
	err = o.read(func(tx pgx.Tx) error {
		s, err := o.sobre(tx, id)
		if err == nil {
			left, err = o.left(tx, s)
		}
		return err
	})
	return left, err
}

// left are the documents of an envelope that are still in it and have no final state.
func (o *outbox) left(tx pgx.Tx, s dte.Sobre) ([]dte.Key, error) {
	rows, err := tx.Query(o.ctx, "select tipo, folio from document_state where envelope = $1 and state not in "+final, s.ID)
	if err != nil {
		return nil, err
	}
	in := map[dte.Key]bool{}
	key := dte.Key{Emisor: o.emisor}
	if _, err := pgx.ForEachRow(rows, []any{&key.Tipo, &key.Folio}, func() error {
		in[key] = true
		return nil
	}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(s.Keys), func(k dte.Key) bool { return !in[k] }), nil
}

// interrupted turns uploads that the end of a server cut short into Unknown: their first byte may have left.
func (o *outbox) interrupted(tx pgx.Tx) error {
	open, err := openSobres(o.ctx, tx)
	if err != nil {
		return err
	}
	for _, s := range open {
		if s.State == dte.Sending {
			s.State = dte.Unknown
			if err := o.update(tx, s); err != nil {
				return err
			}
		}
	}
	return nil
}
