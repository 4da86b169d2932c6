package central

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// A till sends its documents itself. One that died may have sent some and not others, and nobody knows which: so each of them is put
// into an envelope of its own that is in doubt from its first moment, and the SII is asked for it before anything leaves.

const (
	// takeoverBatch bounds what one call takes: each envelope is signed.
	takeoverBatch = 500
	// noteDelay is for how long a note lets those go first that it may refer to.
	noteDelay = 30 * time.Minute
)

// TakeOver has the server take the documents of a till that was revoked or lost to the SII, as far as it told of them: the same
// bytes, asked for first. Of a till that came back from a backup it takes those that only the lost store knew: the restored one
// will never send them. left counts those that are still to be taken, by the next call.
func (c *Call) TakeOver(till int64) (taken, left int, err error) {
	ended, err := c.ended(till)
	if err != nil {
		return 0, 0, err
	}
	// Who has this row names envelopes; a turn that is under way goes on when this is done.
	if _, err := c.tx.Exec(c.ctx, "select from drain for update"); err != nil {
		return 0, 0, err
	}
	docs, err := c.nobodySends(till, ended)
	switch {
	case err != nil:
		return 0, 0, err
	case len(docs) == 0 && !ended:
		return 0, 0, refuse(Conflict, "La caja ID %d envía sus documentos ella misma. Para que los envíe el servidor, dela de baja o declárela perdida primero", till)
	case len(docs) == 0:
		return 0, 0, nil
	}
	if err := c.doubt(docs); err != nil {
		return 0, 0, err
	}
	if err := c.tx.QueryRow(c.ctx, "select count(*) "+documentsNobodySends, till, ended).Scan(&left); err != nil {
		return 0, 0, err
	}
	return len(docs), left, c.sendNow()
}

// ended says whether a till was shut out for good.
func (c *Call) ended(till int64) (bool, error) {
	var state TillState
	err := c.tx.QueryRow(c.ctx, "select state from till where id = $1 for update", till).Scan(&state)
	if errNoRow(err) {
		return false, refuse(NotFound, "Caja ID %d no encontrada", till)
	}
	return state == TillRevoked || state == TillLost, err
}

// documentsNobodySends are those of till $1 that the SII has not decided: all if it has ended ($2), else those that only a lost store
// of it told of. The books of a store that was restored after it go on at an entry that it had another of, or none.
const documentsNobodySends = `from document_state s join document d on d.sale_id = s.sale_id and d.version = s.version
	where s.till_id = $1 and s.state not in ` + final + ` and ($2 or (s.tipo, s.folio) in (
		select (lost.fact #>> '{key,tipo}')::integer, (lost.fact #>> '{key,folio}')::bigint from (
			select convert_from(e.fact, 'UTF8')::jsonb as fact from till_entry e
			where e.till_id = $1 and e.kind = '` + factSale + `' and exists (
				select from (select epoch, min(n) as n from till_entry where till_id = $1 group by epoch) began
				where began.epoch > e.epoch and began.n <= e.n)) lost))`

// nobodySends are the oldest of them.
func (c *Call) nobodySends(till int64, ended bool) (docs []*dte.Document, err error) {
	rows, err := c.tx.Query(c.ctx, "select d.xml, d.sha256 "+documentsNobodySends+" order by s.issued_at, s.sale_id limit $3", till, ended, takeoverBatch)
	if err != nil {
		return nil, err
	}
	var xml, sum []byte
	_, err = pgx.ForEachRow(rows, []any{&xml, &sum}, func() error {
		doc, err := parsed(slices.Clone(xml), sum)
		docs = append(docs, doc)
		return err
	})
	return docs, err
}

// doubt puts each document into an envelope of its own that may have arrived already.
func (c *Call) doubt(docs []*dte.Document) error {
	signer, err := c.signer()
	if err != nil {
		return err
	}
	res, err := c.resolucion()
	if err != nil {
		return refuse(Conflict, "%v", err)
	}
	var n int64
	if err := c.tx.QueryRow(c.ctx, "select coalesce(max(seq), 0) from envelope").Scan(&n); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, doc := range docs {
		n++
		xml, err := dte.NewEnvelope([]*dte.Document{doc}, res, dte.RUTSII, signer, c.now)
		if err != nil {
			return fmt.Errorf("no se pudo armar el envío de %s: %w", doc.Key(), err)
		}
		s := c.doubtful(n, doc, xml)
		batch.Queue("insert into envelope (id, seq, sobre, open, xml, created_at) values ($1, $2, $3, true, $4, $5)", s.ID, n, s, xml, c.now)
		batch.Queue("update document_state set state = $3, envelope = $4, taken_from = till_id, till_id = null, updated_at = $5 where tipo = $1 and folio = $2",
			int(doc.Tipo), int64(doc.Folio), dte.Unknown, s.ID, c.now)
	}
	return c.tx.SendBatch(c.ctx, batch).Close()
}

// doubtful is an envelope as if it had been cut off just now: the till may have sent the document a moment ago, in another one.
func (c *Call) doubtful(n int64, doc *dte.Document, xml []byte) dte.Sobre {
	sum := sha256.Sum256(xml)
	s := dte.Sobre{
		ID: fmt.Sprintf("S%09d", n), Boletas: doc.Tipo.EsBoleta(), Emisor: doc.Emisor.RUT, Keys: []dte.Key{doc.Key()}, Again: []dte.Key{doc.Key()},
		SHA256: hex.EncodeToString(sum[:]), CreatedAt: c.now, State: dte.Unknown, SentAt: c.now,
	}
	if doc.Tipo.EsNota() {
		s.NextAt = c.now.Add(noteDelay)
	}
	return s
}
