package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// FactKind says what an entry of the audit chain tells.
type FactKind string

// The facts that the chain keeps.
const (
	FactSale    FactKind = "venta"
	FactCAF     FactKind = "caf"
	FactShift   FactKind = "turno"
	FactClock   FactKind = "reloj"
	FactRestore FactKind = "restauración"
	FactGap     FactKind = "salto"
	FactTask    FactKind = "tarea"
	FactOutage  FactKind = "contingencia"
	FactCounter FactKind = "mostrador"
	FactFile    FactKind = "archivo del SII"
	FactRemedy  FactKind = "rechazo resuelto"
	FactAccount FactKind = "cuenta"
	FactCard    FactKind = "tarjeta"
	FactModelo  FactKind = "modelo de emisión"
	FactVoucher FactKind = "venta sin boleta"
	FactSlip    FactKind = "comprobante interno"
)

// Fact is an entry of the audit chain. Each entry is kept with SHA-256(hash of the entry before ‖ this entry as JSON);
// the first follows the hash of nothing, 32 zero bytes.
type Fact struct {
	At     time.Time `json:"at"`
	Kind   FactKind  `json:"kind"`
	Key    dte.Key   `json:"key,omitzero"`     // of a sale
	SHA256 string    `json:"sha256,omitempty"` // of its document
	Text   string    `json:"text,omitempty"`
	// Event is what happened at the counter, without a document.
	Event *sale.Event `json:"event,omitempty"`
	// About is what else the entry tells of. Entries of older versions do not say it.
	About *About `json:"about,omitempty"`
	// Was is the hash of the bytes that were refused, of FactRemedy.
	Was string `json:"was,omitempty"`
}

// note appends a fact to the chain.
func note(t *bolt.Tx, f Fact) error {
	entry, err := json.Marshal(f)
	if err != nil {
		return err
	}
	b := t.Bucket(bAudit)
	last, v := b.Cursor().Last()
	prev := make([]byte, sha256.Size)
	if last != nil {
		copy(prev, v)
	}
	hash := link(prev, entry)
	return b.Put(number(parseNumber(last)+1), append(hash, entry...))
}

func parseNumber(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func link(prev, entry []byte) []byte {
	h := sha256.New()
	h.Write(prev)
	h.Write(entry)
	return h.Sum(nil)
}

// Report is what Audit found.
type Report struct {
	Documents int // stored documents, each with its sale
	Waiting   int // of them, without a final state
	Sobres    int // envelopes, settled or not
	Papers    int // papers that are owed
	Entries   int // of the audit chain
	// Head is the hash of the last entry, hexadecimal. Written down elsewhere together with Entries (at central, on the
	// Z), it shows a tail that was cut off.
	Head  string
	Epoch int // how often the store was restored from a backup
	// Faults are what is wrong, in Spanish; empty in a healthy store. At most 100 are listed.
	Faults []string
}

// OK reports a store without faults.
func (r Report) OK() bool { return len(r.Faults) == 0 }

const (
	maxFaults = 100
	recent    = 200 // documents, entries and envelopes whose bytes a quick audit reads
)

// Audit checks the whole store against its invariants: structure of the file, documents, sales, folios, states, queues
// and the chain. Quick, it reads the bytes of the last 200 documents, envelopes and entries; deep, all of them, and adds
// up the shifts again. Faults are in the report; the error is for an audit that could not be done. Sales wait while the
// structure is looked at, and go on meanwhile for the rest.
func (s *Store) Audit(deep bool) (Report, error) {
	// bbolt's check reads the list of free pages of the moment, whatever its transaction sees: no writer may be at it.
	s.write.Lock()
	release := sync.OnceFunc(s.write.Unlock)
	defer release()
	var r Report
	err := s.view(func(t *bolt.Tx) error {
		a := auditor{t: t, deep: deep, shifts: map[int]sale.Shift{}, sold: map[string]string{}, remedied: map[string]int{}, told: map[FactKind]map[dte.Folio]string{FactVoucher: {}, FactSlip: {}}}
		a.structure()
		release()
		a.run()
		r = a.Report
		return nil
	})
	return r, err
}

type auditor struct {
	Report
	t      *bolt.Tx
	deep   bool
	shifts map[int]sale.Shift // sums made again from the records
	sold   map[string]string  // deep: document → hash that the chain tells
	// deep: document → how often the chain tells that a refusal of it was resolved
	remedied map[string]int
	told     map[FactKind]map[dte.Folio]string // deep: sale without document → hash that the chain tells
}

func (a *auditor) fault(format string, args ...any) {
	switch n := len(a.Faults); {
	case n < maxFaults:
		a.Faults = append(a.Faults, fmt.Sprintf(format, args...))
	case n == maxFaults:
		a.Faults = append(a.Faults, "hay más fallas que las que se muestran")
	}
}

// check notes an error as a fault.
func (a *auditor) check(err error) bool {
	if err != nil {
		a.fault("%v", err)
	}
	return err == nil
}

func (a *auditor) structure() {
	for err := range a.t.Check() {
		a.fault("estructura del archivo: %v", err)
	}
}

func (a *auditor) run() {
	for _, part := range []func(){a.chain, a.documents, a.sales, a.folios, a.queue, a.sobres, a.prints, a.mails, a.tasks, a.outages, a.accounts, a.charges, a.kept, a.people, a.cash, a.sums, a.remedies, a.server, a.news} {
		a.check(guard(func() error { part(); return nil })) // a page that makes no sense spoils one part only
	}
	a.Epoch = int(parseNumber(a.t.Bucket(bMeta).Get(kEpoch)))
}

// each walks a bucket with the position of each entry and the number of entries.
func (a *auditor) each(bucket []byte, fn func(i, n int, k, v []byte)) int {
	b := a.t.Bucket(bucket)
	n, i := b.Stats().KeyN, 0
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		fn(i, n, k, v)
		i++
	}
	return i
}

// chain checks that every entry follows the one before.
func (a *auditor) chain() {
	prev := make([]byte, sha256.Size)
	a.Entries = a.each(bAudit, func(i, n int, k, v []byte) {
		if !bytes.Equal(k, number(uint64(i+1))) || len(v) <= sha256.Size {
			a.fault("falta la anotación %d de la bitácora", i+1)
			return
		}
		hash, entry := v[:sha256.Size], v[sha256.Size:]
		if (a.deep || n-i <= recent) && !bytes.Equal(hash, link(prev, entry)) {
			a.fault("la anotación %d de la bitácora fue alterada", i+1)
		}
		prev = bytes.Clone(hash)
		if !a.deep {
			return
		}
		if f, err := decode[Fact](bAudit, k, entry); a.check(err) {
			a.tells(f)
		}
	})
	if a.Entries > 0 {
		a.Head = hex.EncodeToString(prev)
	}
}

// tells follows what the chain says of documents.
func (a *auditor) tells(f Fact) {
	key := string(keyBytes(f.Key))
	switch f.Kind {
	case FactSale:
		a.sold[key] = f.SHA256
	case FactVoucher, FactSlip:
		a.told[f.Kind][f.Key.Folio] = f.SHA256
	case FactRemedy:
		if a.sold[key] != f.Was {
			a.fault("la bitácora resuelve un rechazo de %s que no tenía ese contenido", f.Key)
		}
		a.sold[key] = f.SHA256
		a.remedied[key]++
	}
}

// documents checks each document, its sale, its state and its place in the indexes.
func (a *auditor) documents() {
	a.Documents = a.each(bByTime, func(i, n int, k, key []byte) {
		d, err := a.document(key, a.deep || n-i <= recent)
		if a.check(err) && !bytes.Equal(k, d.index()) {
			a.fault("el documento %x figura en otra fecha", key)
		}
	})
	for _, b := range [][]byte{bDocs, bRecords, bStates, bSales} {
		if n := a.t.Bucket(b).Stats().KeyN; n != a.Documents {
			a.fault("hay %d documentos por fecha y %d en %s", a.Documents, n, b)
		}
	}
	if a.deep && len(a.sold) != a.Documents {
		a.fault("hay %d documentos y la bitácora cuenta %d ventas", a.Documents, len(a.sold))
	}
}

func (a *auditor) document(key []byte, readBytes bool) (docState, error) {
	k, err := parseKey(key)
	if err != nil {
		return docState{}, err
	}
	d, err := stateOf(a.t, k)
	if err != nil {
		return d, err
	}
	if !readBytes {
		return d, nil
	}
	_, r, err := document(a.t, key)
	if err != nil {
		return d, err
	}
	if r.Key != k || !bytes.Equal(a.t.Bucket(bSales).Get([]byte(r.ID)), key) {
		return d, fmt.Errorf("la venta %s no corresponde al documento %s", r.ID, k)
	}
	if a.deep && a.sold[string(key)] != r.SHA256 {
		return d, fmt.Errorf("la bitácora anotó otro contenido para %s", k)
	}
	return d, a.addUp(r)
}

func (a *auditor) addUp(r sale.Record) error {
	if !a.deep || r.Shift == 0 {
		return nil
	}
	sum := a.shifts[r.Shift]
	err := sum.Count(r)
	a.shifts[r.Shift] = sum
	return err
}

// sales checks that every sale has a document. There are as many of one as of the other, and document looks the other
// way, so each sale has its own (I9).
func (a *auditor) sales() {
	a.each(bSales, func(_, _ int, id, key []byte) {
		if a.t.Bucket(bRecords).Get(key) == nil {
			a.fault("la venta %s no tiene documento", id)
		}
	})
}

// folios checks that every folio below a cursor has a document or a recorded gap, and none above it has one (I2).
func (a *auditor) folios() {
	ranges, err := rangesOf(a.t, 0)
	if !a.check(err) {
		return
	}
	shop, _, err := getJSON[sale.Shop](a.t, bMeta, kShop)
	if !a.check(err) {
		return
	}
	covered := 0
	for _, r := range ranges {
		covered += a.folioRange(shop.Emisor.RUT, r)
		if a.t.Bucket(bCAFs).Get(rangeKey(r.Tipo, r.Desde)) == nil {
			a.fault("falta el CAF con %s", describe(r))
		}
	}
	if covered != a.Documents {
		a.fault("hay %d documentos y los CAF de esta caja cubren %d", a.Documents, covered)
	}
}

// folioRange counts the documents of a range.
func (a *auditor) folioRange(emisor dte.RUT, r sale.Range) int {
	expected, found := r.Desde, 0
	c := a.t.Bucket(bDocs).Cursor()
	first := keyBytes(dte.Key{Emisor: emisor, Tipo: r.Tipo, Folio: r.Desde})
	last := keyBytes(dte.Key{Emisor: emisor, Tipo: r.Tipo, Folio: r.Hasta})
	for k, _ := c.Seek(first); k != nil && bytes.Compare(k, last) <= 0; k, _ = c.Next() {
		folio := dte.Folio(binary.BigEndian.Uint64(k[6:]))
		found++
		a.expect(r, &expected, folio)
		if folio >= r.Next {
			a.fault("%s %d está emitido y figura libre", r.Tipo, folio)
		}
		expected = folio + 1
	}
	a.expect(r, &expected, r.Next)
	return found
}

// expect follows recorded gaps from expected up to folio.
func (a *auditor) expect(r sale.Range, expected *dte.Folio, folio dte.Folio) {
	for *expected < folio {
		g, ok, err := getJSON[gap](a.t, bGaps, rangeKey(r.Tipo, *expected))
		if !a.check(err) || !ok || g.Hasta < *expected {
			a.fault("%s: los folios %d a %d no tienen documento ni explicación", r.Tipo, *expected, folio-1)
			return
		}
		*expected = g.Hasta + 1
	}
}

// queue checks that exactly the documents without a verdict wait, in the state that they have.
func (a *auditor) queue() {
	open := 0
	a.each(bStates, func(_, _ int, k, v []byte) {
		if d, err := decode[docState](bStates, k, v); a.check(err) && !d.State.Final() {
			open++
			if !bytes.Equal(a.t.Bucket(bPending).Get(number(d.Number)), append(bytes.Clone(k), d.State...)) {
				a.fault("el documento %x espera al SII y no está en la cola", k)
			}
			if (d.State == dte.Issued) != (d.Sobre == "") {
				a.fault("el documento %x no calza con su sobre «%s»", k, d.Sobre)
			}
		}
	})
	a.Waiting = a.t.Bucket(bPending).Stats().KeyN
	if open != a.Waiting {
		a.fault("hay %d documentos sin veredicto y %d en la cola", open, a.Waiting)
	}
}

// belongs reports that a document stands where its envelope does. Those of an envelope that was refused as a whole are
// in a later one, but for those that were decided before. One that was refused and that a person led on left its envelope.
func belongs(d docState, sobre dte.Sobre, past []sale.Remedy) bool {
	switch {
	case elsewhere(d, sobre.ID):
		return gone(sobre) && d.Sobre > sobre.ID || slices.ContainsFunc(past, func(r sale.Remedy) bool {
			return r.Act != sale.ActReissue && (r.Sobre == sobre.ID || gone(sobre) && r.Sobre > sobre.ID)
		})
	case d.State.Final():
		return true
	}
	return !sobre.Settled && d.State == sobre.State
}

// sobres checks the envelopes: bytes, documents, and whether they are settled.
func (a *auditor) sobres() {
	open := 0
	a.Sobres = a.each(bSobres, func(i, n int, id, v []byte) {
		sobre, err := decode[dte.Sobre](bSobres, id, v)
		if !a.check(err) {
			return
		}
		if (a.deep || n-i <= recent) && sale.HashXML(a.t.Bucket(bSobreXML).Get(id)) != sobre.SHA256 {
			a.fault("los bytes del sobre %s fueron alterados", id)
		}
		if !sobre.Settled {
			open++
		}
		if (a.t.Bucket(bOpen).Get(id) == nil) != sobre.Settled {
			a.fault("el sobre %s no figura donde corresponde", id)
		}
		for _, key := range sobre.Keys {
			d, err := stateOf(a.t, key)
			past, pastErr := remediesOf(a.t, keyBytes(key))
			if a.check(errors.Join(err, pastErr)) && !belongs(d, sobre, past) {
				a.fault("el documento %s no calza con el sobre %s", key, id)
			}
		}
	})
	if n := a.t.Bucket(bOpen).Stats().KeyN; n != open {
		a.fault("hay %d sobres por resolver y %d en la lista", open, n)
	}
}

func (a *auditor) prints() {
	a.Papers = a.each(bPrint, func(_, _ int, k, v []byte) {
		job, err := decode[sale.PrintJob](bPrint, k, v)
		if a.check(err) && (!bytes.Equal(number(job.ID), k) || !a.printable(job)) {
			a.fault("la impresión %d no tiene documento", job.ID)
		}
	})
}

// printable reports that there is what a job wants on paper.
func (a *auditor) printable(job sale.PrintJob) bool {
	if m := job.Abono; m != nil {
		return a.t.Bucket(bAccounts).Get(accountKey(m.Account, m.N)) != nil
	}
	if r := job.Kept; r != nil {
		return a.t.Bucket(bSlipIDs).Get([]byte(r.ID)) != nil || a.t.Bucket(bVoucherIDs).Get([]byte(r.ID)) != nil
	}
	if job.Cash != 0 {
		return a.t.Bucket(bCash).Get(number(uint64(job.Cash))) != nil
	}
	return a.t.Bucket(bDocs).Get(keyBytes(job.Key)) != nil
}

// sums compares the shifts with their sales (I7).
func (a *auditor) sums() {
	if !a.deep {
		return
	}
	a.each(bShifts, func(_, _ int, k, v []byte) {
		s, err := decode[sale.Shift](bShifts, k, v)
		if !a.check(err) {
			return
		}
		sum := a.shifts[s.Number]
		if s.Sales != sum.Sales || !maps.Equal(s.ByType, sum.ByType) || !maps.Equal(s.Paid, sum.Paid) || !maps.Equal(s.Abonos, sum.Abonos) ||
			!maps.Equal(s.People, sum.People) || s.CashIn != sum.CashIn || s.CashOut != sum.CashOut || s.Opened != sum.Opened {
			a.fault("las sumas del turno %d no son las de sus ventas", s.Number)
		}
		delete(a.shifts, s.Number)
	})
	for _, n := range slices.Sorted(maps.Keys(a.shifts)) {
		a.fault("hay ventas del turno %d, que no existe", n)
	}
}
