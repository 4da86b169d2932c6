package central

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"mostrador/central/api"
	"mostrador/dte"
)

// This file takes in what a till tells of its books. What follows in its chain feeds the tables that everybody reads; what the
// tables cannot take is kept as it came, with an alarm, and the chain goes on: nothing is lost, and nothing stops the rest.

// fact is what the server reads of an entry's own bytes.
type fact struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Key    dte.Key   `json:"key"`
	SHA256 string    `json:"sha256"`
	Was    string    `json:"was"` // the hash of the bytes that were refused
	Text   string    `json:"text"`
}

// The kinds of facts that come with something to feed the books with.
const (
	factSale    = "venta"
	factVoucher = "venta sin boleta"
	factSlip    = "comprobante interno"
	factRemedy  = "rechazo resuelto"
	factShift   = "turno"
	factCash    = "mostrador"
	factAccount = "cuenta"
)

// told is an entry of the chain on its way into the books.
type told struct {
	api.Entry
	fact fact
	hash [sha256.Size]byte
	// doc is the sale's document, verified; nil without one. It may be known, byte for byte.
	doc   *dte.Document
	known bool
	// why the books cannot take it, and the kind of alarm that it is; empty if they can.
	why  string
	kind AlarmKind
}

// aside says why the books cannot take an entry. The first reason counts.
func (e *told) aside(kind AlarmKind, format string, args ...any) {
	if e.why == "" {
		e.kind, e.why = kind, fmt.Sprintf(format, args...)
	}
}

func (e *told) place() place { return place{e.N, e.hash} }

// Push takes in a part of the books of the till that calls. What the server has changes nothing, so that it may be said again;
// what does not follow is answered with where to go on.
func (c *Call) Push(p api.Push) (api.Pushed, error) {
	if err := fits(p); err != nil {
		return api.Pushed{}, err
	}
	entries, err := unpack(p)
	if err != nil {
		return api.Pushed{}, err
	}
	// All processors verify, and nothing is held meanwhile but the till itself.
	if err := c.verify(entries); err != nil {
		return api.Pushed{}, err
	}
	in := &intake{Call: c, push: p}
	return in.run(entries)
}

// intake is a push on its way in.
type intake struct {
	*Call
	push   api.Push
	ours   chain
	alarms int
	gone   []int64 // tills that were shut out, and that this one was before
}

func (in *intake) run(entries []*told) (api.Pushed, error) {
	var err error
	if in.ours, err = in.chainHead(); err != nil {
		return api.Pushed{}, err
	}
	hold, fresh, err := in.fresh(entries)
	if err != nil {
		return api.Pushed{}, err
	}
	if hold != "" {
		return in.held(hold, entries)
	}
	if err := in.follow(fresh); err != nil {
		return api.Pushed{}, err
	}
	if err := in.takeStates(in.push.States); err != nil {
		return api.Pushed{}, err
	}
	if err := in.takeNews(); err != nil {
		return api.Pushed{}, err
	}
	return api.Pushed{After: in.ours.point(), Alarms: in.alarms}, nil
}

// fits refuses what is larger than anybody agreed to.
func fits(p api.Push) error {
	if len(p.Entries) > api.MostEntries || len(p.States) > api.MostStates || len(p.Products)+len(p.Customers)+len(p.Refused) > api.MostNews {
		return refuse(Unprocessable, "La caja mandó demasiado de una vez. No se guardó nada; mande menos").with(map[string]any{"code": "tamaño"})
	}
	return nil
}

// unpack demands that each entry follows the one before: what comes damaged is not taken in at all.
func unpack(p api.Push) ([]*told, error) {
	prev := placeOf(p.After)
	if p.After.N < 0 || (p.After.N == 0) != (prev == place{}) || prev.n != p.After.N {
		return nil, errBroken(p.After.N)
	}
	entries := make([]*told, len(p.Entries))
	for i, e := range p.Entries {
		t := &told{Entry: e}
		sum := sha256.New()
		sum.Write(prev.hash[:])
		sum.Write(e.Fact)
		sum.Sum(t.hash[:0])
		if e.N != prev.n+1 || e.Hash != hex.EncodeToString(t.hash[:]) || json.Unmarshal(e.Fact, &t.fact) != nil {
			return nil, errBroken(e.N)
		}
		entries[i], prev = t, t.place()
	}
	return entries, nil
}

func errBroken(n int64) *RefusalError {
	return refuse(Unprocessable, "La anotación %d de la bitácora no sigue a la anterior. No se guardó nada; lo vendido está en la caja. Revise los datos de la caja", n)
}

// fresh are the entries that the server has not got, or why the till may not tell any. None, if they do not follow: the answer
// says where to go on.
func (in *intake) fresh(entries []*told) (Hold, []*told, error) {
	switch after := in.push.After; {
	case in.push.Epoch < in.ours.epoch || in.push.Epoch < in.Till.Epoch:
		return HoldCopy, nil, nil
	case in.push.Epoch > in.ours.epoch:
		return "", nil, refuse(Unavailable, "La caja volvió de un respaldo y debe decir primero cómo está. No se guardó nada")
	case after.N > in.ours.n:
		return "", nil, nil
	}
	points := []api.Point{in.push.After}
	for _, e := range entries {
		points = append(points, api.Point{N: e.N, Hash: e.Hash})
	}
	known, err := in.knownEntries(points)
	if err != nil {
		return "", nil, err
	}
	if hold := in.ours.judge(in.ours.point(), points, known); hold != "" {
		return hold, nil, nil
	}
	i := slices.IndexFunc(entries, func(e *told) bool { return e.N > in.ours.n })
	if i < 0 {
		return "", nil, nil
	}
	return "", entries[i:], nil
}

// held keeps the documents of a store that may not speak beside the books.
func (in *intake) held(hold Hold, entries []*told) (api.Pushed, error) {
	if err := in.tell(alarmOf(hold), fmt.Sprint(in.ours.epoch), hold.Words()); err != nil {
		return api.Pushed{}, err
	}
	var strays []*told
	for _, e := range entries {
		if e.Sale != nil && len(e.Sale.XML) > 0 {
			e.aside(alarmOf(hold), "%s llegó de una copia de la caja", e.Sale.Key)
			strays = append(strays, e)
		}
	}
	strays, err := in.unknown(strays)
	if err != nil {
		return api.Pushed{}, err
	}
	err = in.keepAside(strays)
	return api.Pushed{After: in.ours.point(), Hold: api.Hold(hold), Why: hold.Words(), Alarms: in.alarms}, err
}

// unknown leaves out the documents that the server has, byte for byte.
func (in *intake) unknown(entries []*told) ([]*told, error) {
	there, err := in.documentsOf(entries)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e *told) bool {
		return slices.ContainsFunc(there[e.Sale.Key], func(sum []byte) bool { return hex.EncodeToString(sum) == e.Sale.SHA256 })
	}), nil
}

// follow adds entries to the copy of the chain, and takes them into the books. Those that a lost store of the till told before are
// there already.
func (in *intake) follow(entries []*told) error {
	if len(entries) == 0 {
		return nil
	}
	points := make([]api.Point, len(entries))
	for i, e := range entries {
		points[i] = api.Point{N: e.N, Hash: e.Hash}
	}
	known, err := in.knownEntries(points)
	if err != nil {
		return err
	}
	last := entries[len(entries)-1]
	entries = slices.DeleteFunc(slices.Clone(entries), func(e *told) bool { return known[e.place()] })
	if err := in.noteEntries(entries); err != nil {
		return err
	}
	if entries, err = in.newToAll(entries); err != nil {
		return err
	}
	for _, part := range parts(entries) {
		if err := in.takeIn(part); err != nil {
			return err
		}
	}
	in.ours.n, in.ours.hash = last.N, last.hash[:]
	return in.setChainHead(in.ours)
}

// parts divide entries where one must see in the books what those before it did.
func parts(entries []*told) (list [][]*told) {
	begin := 0
	for i, e := range entries {
		if e.alone() {
			list = append(list, entries[begin:i], entries[i:i+1])
			begin = i + 1
		}
	}
	return append(list, entries[begin:])
}

// alone reports what changes a sale that is in the books.
func (e *told) alone() bool {
	return e.fact.Kind == factRemedy || e.Sale != nil && e.Sale.Replaces != dte.Key{}
}

// takeIn feeds the books with some entries. If the database will not have one of them it is found by halves and kept aside: what
// makes no sense must not keep the rest out for ever.
func (in *intake) takeIn(entries []*told) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e *told) bool { return !e.feeds() })
	if len(entries) == 0 {
		return nil
	}
	err := in.inside(func() error { return in.feed(entries) })
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused) || !slices.Contains([]string{"22", "23"}, refused.Code[:2]): // data, constraints
		return err
	case len(entries) == 1:
		entries[0].aside(AlarmBooks, "lo que dice no cabe en los libros (%s)", refused.Message)
		return in.keepAside(entries)
	}
	for _, half := range [][]*told{entries[:len(entries)/2], entries[len(entries)/2:]} {
		if err := in.takeIn(half); err != nil {
			return err
		}
	}
	return nil
}

// feeds reports an entry that comes with something for the books.
func (e *told) feeds() bool {
	return e.Sale != nil || e.Shift != nil || e.Cash != nil || e.Movement != nil || e.fact.Kind == factRemedy || e.why != ""
}

// inside runs fn so that it leaves nothing if it fails.
func (in *intake) inside(fn func() error) error {
	outer, alarms := in.tx, in.alarms
	tx, err := outer.Begin(in.ctx)
	if err != nil {
		return err
	}
	in.tx = tx
	err = fn()
	in.tx = outer
	if err != nil {
		in.alarms = alarms
		return errors.Join(err, tx.Rollback(in.ctx))
	}
	return tx.Commit(in.ctx)
}

// feed takes in what the books can take, and keeps the rest aside.
func (in *intake) feed(entries []*told) error {
	if err := in.lawful(entries); err != nil {
		return err
	}
	var sound []*told
	for _, e := range entries {
		if e.why == "" && !e.known {
			sound = append(sound, e)
		}
	}
	if err := in.book(sound); err != nil {
		return err
	}
	if err := in.keepAside(entries); err != nil {
		return err
	}
	return in.checkShifts(entries)
}

func (in *intake) book(sound []*told) error {
	if len(sound) == 1 && sound[0].alone() {
		return in.takeRemedy(sound[0])
	}
	b := &books{intake: in}
	return b.take(sound)
}

// keepAside keeps what the books cannot take as it came, each with its alarm.
func (in *intake) keepAside(entries []*told) error {
	for _, e := range entries {
		if e.why == "" {
			continue
		}
		if err := in.stray(e); err != nil {
			return err
		}
	}
	return nil
}

func (in *intake) stray(e *told) error {
	sent, err := json.Marshal(e.Entry)
	if err != nil {
		return err
	}
	var tipo *int
	var folio *int64
	var sum []byte
	if e.Sale != nil && len(e.Sale.XML) > 0 {
		tipo, folio = new(int(e.Sale.Key.Tipo)), new(int64(e.Sale.Key.Folio))
		whole := sha256.Sum256(e.Sale.XML)
		sum = whole[:]
	}
	if _, err := in.tx.Exec(in.ctx, `insert into stray (till_id, epoch, n, hash, kind, tipo, folio, sha256, sent, why, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
		in.Till.ID, in.push.Epoch, e.N, e.hash[:], e.kind, tipo, folio, sum, sent, clean(e.why, maxText), in.now); err != nil {
		return err
	}
	return in.tell(e.kind, e.Hash, fmt.Sprintf("Caja %s, anotación %d: %s. Está guardado aparte; no figura en las ventas del servidor", in.Till.Name, e.N, e.why))
}

// tell raises an alarm and counts it.
func (in *intake) tell(kind AlarmKind, key, text string) error {
	in.alarms++
	return in.raise(kind, key, clean(text, maxText))
}

// noteEntries writes the copy of the chain.
func (in *intake) noteEntries(entries []*told) error {
	return in.copyIn("till_entry", []string{"till_id", "n", "hash", "epoch", "kind", "at", "fact"}, len(entries), func(i int) []any {
		e := entries[i]
		return []any{in.Till.ID, e.N, bytes.Clone(e.hash[:]), in.push.Epoch, clean(e.fact.Kind, maxName), storable(e.fact.At), []byte(e.Fact)}
	})
}
