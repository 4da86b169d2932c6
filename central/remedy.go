package central

import (
	"crypto/sha256"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// This file leads a refused document on. Only a person does: machines never do it by themselves, and never change a folio.
// The sale stays what it was: its lines, its payments and its stock do not move again.

// NewRemedy is what a person wants done about a document that the SII refused.
type NewRemedy struct {
	Sale int64
	Act  dte.Act
	Why  string
	// References take the place of the document's in a correction, if Referred.
	References []dte.Referencia
	Referred   bool
	// As in NewSale.
	Key     string
	Request [sha256.Size]byte
}

// Remedy is what was done about a refused document, which stays in the database as it was.
type Remedy struct {
	Act       dte.Act
	Folio     int64
	Veredicto dte.Veredicto
	Who, Why  string
	At        time.Time
}

// plannedRemedy is an act that the verdict allows, on a sale that nobody else touches meanwhile.
type plannedRemedy struct {
	*plannedSale
	ask      NewRemedy
	of       Sale
	version  int32
	envelope string
	till     string // whose document it is; empty for the server's own
	doc      *dte.Document
}

// Remedy does one act, or nothing: the same bytes again, a corrected document under the same folio, or the same sale under the
// next folio. The verdict says which of them helps. The document then waits for an envelope again.
func (c *Call) Remedy(n NewRemedy) (Sale, error) {
	if known, err := c.once(n.Key, n.Request); err != nil || known != 0 {
		if err != nil {
			return Sale{}, err
		}
		return c.Sale(known)
	}
	r := &plannedRemedy{plannedSale: &plannedSale{Call: c}, ask: n}
	if err := r.steps(func() error { return r.learn() }, r.find, r.allowed, r.act, r.leadOn, r.sendSoon); err != nil {
		return Sale{}, err
	}
	if n.Key != "" {
		if _, err := c.tx.Exec(c.ctx, "update idempotency set sale_id = $2 where key = $1", n.Key, n.Sale); err != nil {
			return Sale{}, err
		}
	}
	return c.Sale(n.Sale)
}

// find reads the sale under a lock, so that of two who act the second sees what the first one did.
func (r *plannedRemedy) find() error {
	if _, err := r.tx.Exec(r.ctx, "select from sale where id = $1 for no key update", r.ask.Sale); err != nil {
		return err
	}
	var err error
	if r.of, err = r.Call.Sale(r.ask.Sale); err != nil {
		return err
	}
	if err := r.of.documented(Conflict, "No se cambió nada"); err != nil {
		return err
	}
	r.Tipo, r.customer = r.of.Tipo, r.of.Customer
	if r.doc, err = r.documentOf(r.of.ID); err != nil {
		return err
	}
	return r.tx.QueryRow(r.ctx, `select d.version, d.envelope, coalesce(t.name, '') from document_state d left join till t on t.id = d.till_id
		where d.sale_id = $1`, r.of.ID).Scan(&r.version, &r.envelope, &r.till)
}

// allowed refuses what the verdict leaves no room for.
func (r *plannedRemedy) allowed() error {
	named := called(r.of)
	switch {
	case r.of.State == dte.Accepted || r.of.State == dte.Objected:
		return refuse(Conflict, "El SII ya tiene la %s: solo una nota de crédito la corrige. No se cambió nada", named)
	case r.of.State != dte.Rejected || r.of.Veredicto == nil:
		return refuse(Conflict, "La %s no está rechazada: espera al SII. No se cambió nada", named)
	case r.till != "":
		return refuse(Conflict, "La %s es de la caja %s, que la envía ella misma. No se cambió nada: resuélvala en esa caja", named, r.till)
	}
	if slices.Contains(r.of.Veredicto.Acts(), r.ask.Act) {
		return nil
	}
	_, means := r.of.Veredicto.Meaning()
	return refuse(Conflict, "Para la %s no sirve %s: el SII %s No se cambió nada. %s", named, r.ask.Act.Words(), means, wayOut(*r.of.Veredicto))
}

// called is a document as people name it.
func called(s Sale) string {
	return strings.ToLower(s.Tipo.String()) + " " + dte.Folio(s.Folio).String()
}

// wayOut says what helps instead.
func wayOut(v dte.Veredicto) string {
	acts := v.Acts()
	if len(acts) == 0 {
		return "Llame al soporte y diga el código."
	}
	words := make([]string, len(acts))
	for i, act := range acts {
		words[i] = act.Words()
	}
	return "Sirve " + strings.Join(words, " o ") + "."
}

func (r *plannedRemedy) act() error {
	switch r.ask.Act {
	case dte.ActCorrect:
		return r.correct()
	case dte.ActReissue:
		return r.reissue()
	}
	return nil
}

// correct issues the document anew under its own folio, with the customer and the company as they are now. What was sold
// stays: lines, sums and date.
func (r *plannedRemedy) correct() error {
	draft := r.doc.Draft
	draft.Emisor, draft.Receptor = r.emisor, r.receptor()
	if r.ask.Referred {
		draft.Referencia, r.of.References = r.ask.References, r.ask.References
	}
	var caf int64
	if err := r.tx.QueryRow(r.ctx, "select id from caf where tipo = $1 and $2 between desde and hasta", int(r.Tipo), r.of.Folio).Scan(&caf); err != nil {
		return err
	}
	file, err := r.openCAF(caf)
	if err != nil {
		return err
	}
	return r.emit(draft, r.doc.Folio, file)
}

// reissue issues the sale under the next folio. The refused one is spent.
func (r *plannedRemedy) reissue() error {
	var named bool
	err := r.tx.QueryRow(r.ctx, "select invoiced_by is not null or exists (select from sale n where n.related_id = s.id) from sale s where id = $1", r.of.ID).Scan(&named)
	if err != nil {
		return err
	}
	if named {
		return refuse(Conflict, "Otro documento nombra el folio de la %s. No se cambió nada: resuélvalo con su contador", called(r.of))
	}
	draft := r.doc.Draft
	next, caf, err := r.takeFolio(r.Tipo, dte.DateOf(r.now))
	if err != nil {
		return err
	}
	// The date is that of the operation, unless the folio was authorised later, or does not reach back so far.
	if draft.FchEmis.Before(caf.FA) || caf.ExpiredOn(draft.FchEmis) {
		draft.FchEmis = dte.DateOf(r.now)
	}
	if err := r.emit(draft, next.folio, caf); err != nil {
		return err
	}
	_, err = r.tx.Exec(r.ctx, "update sale set folio = $2, fecha_emision = $3 where id = $1", r.of.ID, int64(next.folio), draft.FchEmis.String())
	return err
}

// emit puts the next version of the document beside the refused one.
func (r *plannedRemedy) emit(draft dte.Draft, folio dte.Folio, caf *dte.CAF) error {
	signer, err := r.openSigner(r.certificate)
	if err != nil {
		return err
	}
	doc, err := dte.Emit(draft, folio, caf, signer, r.now)
	if err != nil {
		return refuse(Unprocessable, "Error al generar el DTE. Transacción revertida. %v", err)
	}
	switch {
	case !reflect.DeepEqual(doc.Totales, r.doc.Totales):
		return refuse(Conflict, "El documento corregido sumaría otra cosa. No se cambió nada: resuélvalo con su contador")
	case folio == r.doc.Folio && reflect.DeepEqual(doc.Draft, r.doc.Draft):
		return refuse(Conflict, "Todavía no cambia ningún dato. Corrija lo que el SII objetó, en el cliente, en los datos del emisor o en las referencias")
	}
	batch := &pgx.Batch{}
	r.version++
	r.writeVersion(batch, r.of.ID, r.version, doc, r.of.References)
	r.doc = doc
	return r.tx.SendBatch(r.ctx, batch).Close()
}

// leadOn writes down what was done, and has the document wait for an envelope again.
func (r *plannedRemedy) leadOn() error {
	batch := &pgx.Batch{}
	batch.Queue(`insert into remedy (sale_id, act, version, tipo, folio, envelope, veredicto, person_id, why, at)
		select sale_id, $2, version, tipo, folio, envelope, veredicto, $3, $4, $5 from document_state where sale_id = $1`,
		r.of.ID, r.ask.Act, r.Person.ID, r.ask.Why, r.now)
	batch.Queue("update document_state set state = $2, version = $3, folio = $4, envelope = '', veredicto = null, updated_at = $5 where sale_id = $1",
		r.of.ID, dte.Issued, r.version, int64(r.doc.Folio), r.now)
	return r.tx.SendBatch(r.ctx, batch).Close()
}

// Remedies of a sale's document, the oldest first.
func (c *Call) Remedies(sale int64) ([]Remedy, error) {
	rows, err := c.tx.Query(c.ctx, `select r.act, r.folio, r.veredicto, p.name, r.why, r.at from remedy r join person p on p.id = r.person_id
		where r.sale_id = $1 order by r.id`, sale)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Remedy])
}
