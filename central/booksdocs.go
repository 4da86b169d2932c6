package central

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// This file follows documents of tills at the SII: where they stand, and what people did there about those that it refused.

// where is where a sale's document stands, as it was told with it.
func where(e *told) standing {
	if at := e.Sale.State; at != nil && at.Key == e.Sale.Key && slices.Contains(dte.States(), at.State) {
		return standing{*at}
	}
	return standing{api.DocumentState{Key: e.Sale.Key, State: dte.Issued}}
}

type standing struct{ api.DocumentState }

// verdict is the SII's, as the database takes it; nil if there is none.
func (s standing) verdict() *dte.Veredicto {
	v := s.Veredicto
	if v == nil || *v == (dte.Veredicto{}) {
		return nil
	}
	tidy := *v
	tidy.Codigo, tidy.Glosa, tidy.At = clean(v.Codigo, maxName), clean(v.Glosa, maxText), storable(v.At)
	return &tidy
}

// standingRow is where the server thinks that a document stands.
type standingRow struct {
	sale    int64
	version int32
	key     dte.Key
	state   dte.State
	verdict *dte.Veredicto
	till    *int64
	// led is when the last refusal came that a person led on from.
	led *time.Time
}

const selectStanding = `select s.sale_id, s.version, s.tipo, s.folio, s.state, s.veredicto, s.till_id,
		(select max((r.veredicto->>'at')::timestamptz) from remedy r where r.sale_id = s.sale_id)
	from document_state s `

func (in *intake) standings(where string, args ...any) (map[dte.Key]standingRow, error) {
	rows, err := in.tx.Query(in.ctx, selectStanding+where, args...)
	if err != nil {
		return nil, err
	}
	found := map[dte.Key]standingRow{}
	for rows.Next() {
		r := standingRow{key: dte.Key{Emisor: in.RUT}}
		if err := rows.Scan(&r.sale, &r.version, &r.key.Tipo, &r.key.Folio, &r.state, &r.verdict, &r.till, &r.led); err != nil {
			return nil, err
		}
		found[r.key] = r
	}
	return found, rows.Err()
}

// takeStates follows documents on their way, forward only. What contradicts an answer that the server has is an alarm.
func (in *intake) takeStates(told []api.DocumentState) error {
	if len(told) == 0 {
		return nil
	}
	keys := make([]dte.Key, len(told))
	for i, s := range told {
		keys[i] = s.Key
	}
	tipos, numbers := columns(keys)
	there, err := in.standings(`join unnest($1::integer[], $2::bigint[]) k (tipo, folio) on s.tipo = k.tipo and s.folio = k.folio
		order by s.sale_id for no key update of s`, tipos, numbers)
	if err != nil {
		return err
	}
	next := map[int64]standing{}
	for _, s := range told {
		row, ok := there[s.Key]
		if !ok {
			continue // its sale is yet to come, and brings it along; or another document has the sale now
		}
		at := standing{s}
		switch {
		case row.contradicts(at, in.Till.ID):
			if err := in.tell(AlarmVerdict, s.Key.ID()+" "+string(s.State), fmt.Sprintf("La caja %s dice que el SII dejó %s en «%s», y aquí figura en «%s». No se cambió nada: consúltelo en el SII",
				in.Till.Name, s.Key, s.State, row.state)); err != nil {
				return err
			}
		case row.goesOn(at, in.Till.ID):
			row.state, row.verdict = s.State, at.verdict()
			there[s.Key], next[row.sale] = row, at
		}
	}
	return in.writeStates(next)
}

// contradicts reports an answer of the SII that is not the one that is known.
func (r standingRow) contradicts(told standing, till int64) bool {
	decided := r.state.Final() && told.State.Final() && told.State != r.state
	fromFile := r.verdict != nil && r.verdict.Fuente == dte.FuenteArchivo
	return decided && !r.past(told) && (r.till == nil || *r.till == till && !fromFile)
}

// past reports an answer that a person has led on from since.
func (r standingRow) past(told standing) bool {
	v := told.verdict()
	return r.led != nil && v != nil && !v.At.After(*r.led)
}

// goesOn reports a step forward of a document that is this till's to send.
func (r standingRow) goesOn(told standing, till int64) bool {
	if r.till == nil || *r.till != till || r.past(told) || !slices.Contains(dte.States(), told.State) {
		return false
	}
	fromFile := r.verdict != nil && r.verdict.Fuente == dte.FuenteArchivo
	return told.State != r.state && (r.state.CanBecome(told.State) || fromFile && told.State.Final())
}

func (in *intake) writeStates(next map[int64]standing) error {
	if len(next) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, sale := range slices.Sorted(maps.Keys(next)) {
		s := next[sale]
		batch.Queue("update document_state set state = $2, veredicto = $3, sobre = $4, track_id = $5, updated_at = $6 where sale_id = $1",
			sale, s.State, s.verdict(), clean(s.Sobre, maxName), clean(s.TrackID, maxName), in.now)
	}
	return in.tx.SendBatch(in.ctx, batch).Close()
}

// takeRemedy follows what a person did at the till about a document that the SII refused. The sale stays what it is: it has
// another version of its document, or waits for the SII again.
func (in *intake) takeRemedy(e *told) error {
	key := e.fact.Key
	if e.Sale != nil && e.fact.Kind == factSale {
		key = e.Sale.Replaces
	}
	there, err := in.standings("where s.tipo = $1 and s.folio = $2 for no key update of s", int(key.Tipo), int64(key.Folio))
	if err != nil {
		return err
	}
	was, ok := there[key]
	switch {
	case e.Sale != nil && !ok && e.fact.Kind == factSale:
		return (&books{intake: in}).take([]*told{e}) // what it replaces is nowhere: it is a sale of its own, whose cash was counted with the other
	case e.Sale != nil && !ok:
		e.aside(AlarmBooks, "corrige %s, que no está en los libros", key)
		return nil
	case e.Sale != nil:
		return in.takeVersion(e, was)
	case ok && e.fact.SHA256 == e.fact.Was:
		return in.takeResend(e, was)
	}
	return nil
}

// takeVersion puts another version of a sale's document beside the one that was refused: corrected, or under another folio.
func (in *intake) takeVersion(e *told, was standingRow) error {
	act := dte.ActCorrect
	if e.doc.Folio != was.key.Folio {
		act = dte.ActReissue
	}
	if was.till == nil || *was.till != in.Till.ID {
		e.aside(AlarmConflict, "corrige %s, que no es de esta caja", was.key)
		return nil
	}
	b := &books{intake: in}
	b.fillDocument(e, was.sale, int(was.version)+1)
	if err := in.noteRemedy(e, was, act); err != nil {
		return err
	}
	if err := b.write(); err != nil {
		return err
	}
	day := e.doc.FchEmis
	if _, err := in.tx.Exec(in.ctx, "update sale set folio = $2, fecha_emision = $3 where id = $1", was.sale, int64(e.doc.Folio),
		time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC)); err != nil {
		return err
	}
	at := where(e)
	_, err := in.tx.Exec(in.ctx, `update document_state set version = version + 1, folio = $2, state = $3, veredicto = $4, sobre = $5, track_id = $6, issued_at = $7, updated_at = $8
		where sale_id = $1`, was.sale, int64(e.doc.Folio), at.State, at.verdict(), clean(at.Sobre, maxName), clean(at.TrackID, maxName), e.Sale.At, in.now)
	return err
}

// takeResend has a document wait for the SII again, unless the till has told since what came of it.
func (in *intake) takeResend(e *told, was standingRow) error {
	if was.till == nil || *was.till != in.Till.ID || was.state != dte.Rejected || was.verdict != nil && was.verdict.At.After(e.fact.At) {
		return nil
	}
	if err := in.noteRemedy(e, was, dte.ActResend); err != nil {
		return err
	}
	_, err := in.tx.Exec(in.ctx, "update document_state set state = $2, veredicto = null, sobre = '', track_id = '', updated_at = $3 where sale_id = $1", was.sale, dte.Issued, in.now)
	return err
}

func (in *intake) noteRemedy(e *told, was standingRow, act dte.Act) error {
	b := &books{intake: in}
	if err := b.findPeople([]*told{e}); err != nil {
		return err
	}
	verdict := dte.Veredicto{Key: was.key, State: dte.Rejected}
	if was.verdict != nil {
		verdict = *was.verdict
	}
	why := clean(e.fact.Text, maxText)
	if why == "" {
		why = "resuelto en la caja " + in.Till.Name
	}
	_, err := in.tx.Exec(in.ctx, `insert into remedy (sale_id, act, version, tipo, folio, envelope, veredicto, person_id, why, at)
		values ($1, $2, $3, $4, $5, '', $6, $7, $8, $9)`, was.sale, act, was.version, int(was.key.Tipo), int64(was.key.Folio), verdict,
		b.people[in.who(e.person())], why, storable(e.fact.At))
	return err
}

// checkShifts compares what a till says that was in its drawer with what its sales and movements come to here.
func (in *intake) checkShifts(entries []*told) error {
	for _, e := range entries {
		// Of the two entries of a turn, the one that closed it comes after all that happened in it.
		if s := e.Shift; s == nil || e.why != "" || s.ClosedAt.IsZero() || !e.fact.At.Equal(s.ClosedAt) {
			continue
		}
		if err := in.checkShift(e.Shift); err != nil {
			return err
		}
	}
	return nil
}

func (in *intake) checkShift(s *api.Shift) error {
	var id int64
	var cash money.Pesos
	if err := in.tx.QueryRow(in.ctx, "select id, "+sumOfCash+" from shift where till_id = $1 and number = $2 and start_time = $3", in.Till.ID, s.Number, s.OpenedAt).
		Scan(&id, &cash); err != nil {
		return err
	}
	paid := map[string]money.Pesos{}
	b := &books{intake: in}
	if err := b.pairs("select m.code, sum(p.kept)::bigint from payment p join payment_method m on m.id = p.method_id where p.shift_id = $1 group by 1",
		func(code string, sum int64) { paid[code] = money.Pesos(sum) }, id); err != nil {
		return err
	}
	var differ []string
	if cash != s.Expected {
		differ = append(differ, fmt.Sprintf("en el cajón debía haber %s y la caja dice %s", cash, s.Expected))
	}
	for word, said := range s.Paid {
		code, name := method(word)
		if paid[code] != said {
			differ = append(differ, fmt.Sprintf("%s suma %s y la caja dice %s", name, paid[code], said))
		}
		delete(paid, code)
	}
	for code, sum := range paid {
		if sum != 0 {
			differ = append(differ, fmt.Sprintf("%s suma %s y la caja no lo dice", code, sum))
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	return in.tell(AlarmZ, strconv.FormatInt(id, 10), fmt.Sprintf("El cierre del turno %d de la caja %s no calza con lo que contó: %s. Compare con el Z impreso",
		s.Number, in.Till.Name, strings.Join(differ, "; ")))
}
