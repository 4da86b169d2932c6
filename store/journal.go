package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

var (
	// ErrClock: the clock stands before the last document by more than an hour. Nothing was written; see ResetClock.
	ErrClock = errors.New("el reloj del equipo está atrasado")
	// ErrHeld: the store was restored from a backup and must first be told the last folios; see Resume.
	ErrHeld = errors.New("la caja fue restaurada y espera confirmación")
)

// clockMargin is how far the clock may go back without a word: a correction by the network, not a dead battery.
const clockMargin = time.Hour

// errKnown ends the transaction of a sale that is already there.
var errKnown = errors.New("known")

// Issue implements sale.Journal. Besides its errors: ErrLocked, ErrClock, ErrHeld, ErrFull, ErrDamaged, and
// sale.ErrMismatch if build returns another document than the grant's. The shift of the record is the journal's.
func (s *Store) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if id == "" {
		return sale.Record{}, errors.New("la venta no tiene identificador. No se emitió nada")
	}
	var r sale.Record
	err := s.update(func(t *bolt.Tx) (err error) {
		if r, err = saleRecord(t, id); err == nil {
			return errKnown
		} else if !errors.Is(err, sale.ErrNotFound) {
			return err
		}
		r, err = s.issue(t, id, tipo, at, build)
		return err
	})
	switch {
	case errors.Is(err, errKnown):
		return r, nil
	case err != nil:
		return sale.Record{}, err
	}
	if s.opt.OnCommit != nil {
		s.opt.OnCommit(r)
	}
	return r, nil
}

// issue is the one transaction of a sale.
func (s *Store) issue(t *bolt.Tx, id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if err := mayIssue(t, at); err != nil {
		return sale.Record{}, err
	}
	grant, r, err := s.grant(t, tipo, at)
	if err != nil {
		return sale.Record{}, err
	}
	key := dte.Key{Emisor: grant.CAF.Emisor, Tipo: tipo, Folio: grant.Folio}
	if t.Bucket(bDocs).Get(keyBytes(key)) != nil {
		return sale.Record{}, damaged(fmt.Errorf("%s ya está usado y figura libre", key))
	}
	issued, err := call(build, grant)
	if err != nil {
		return sale.Record{}, err
	}
	if err := issued.Check(id, key); err != nil {
		return sale.Record{}, err
	}
	r.Next++
	if err := putJSON(t, bRanges, rangeKey(r.Tipo, r.Desde), r); err != nil {
		return sale.Record{}, err
	}
	return write(t, at, issued)
}

// call runs the caller's code, whose panics are not the store's.
func call(build func(sale.Grant) (sale.Issued, error), g sale.Grant) (sale.Issued, error) {
	defer func() {
		if p := recover(); p != nil {
			panic(foreign{p})
		}
	}()
	return build(g)
}

// Ready implements sale.Journal: ErrLocked, ErrHeld, ErrClock, or why the file cannot be written.
func (s *Store) Ready(at time.Time) error {
	s.write.Lock()
	broken := s.broken
	s.write.Unlock()
	if broken != nil {
		return broken
	}
	if _, err := s.vault.current(); err != nil {
		return err
	}
	return s.view(func(t *bolt.Tx) error { return mayIssue(t, at) })
}

// mayIssue checks the clock and the hold of a restored store.
func mayIssue(t *bolt.Tx, at time.Time) error {
	if why := t.Bucket(bMeta).Get(kHold); why != nil {
		return fmt.Errorf("%w: %s. No se emitió nada. Indique el último folio impreso de cada documento con «tillctl resume»", ErrHeld, why)
	}
	if err := mayByServer(t); err != nil {
		return err
	}
	if last := clock(t); at.Before(last.Add(-clockMargin)) {
		return fmt.Errorf("%w: marca %s y ya hay un documento del %s. No se emitió nada y la venta sigue abierta. "+
			"Corrija la fecha y la hora del equipo; si son correctas, confírmelo con «tillctl reloj»", ErrClock, show(at), show(last))
	}
	return nil
}

func show(t time.Time) string { return t.In(dte.Santiago).Format("2006-01-02 15:04") }

func clock(t *bolt.Tx) time.Time {
	b := t.Bucket(bMeta).Get(kClock)
	if len(b) != 8 {
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(b)))
}

func setClock(t *bolt.Tx, at time.Time) error {
	return t.Bucket(bMeta).Put(kClock, number(uint64(at.UnixNano())))
}

// ResetClock accepts at as the present after a person has looked at the clock: documents may be issued from then on,
// although later ones exist. It leaves an entry in the audit chain.
func (s *Store) ResetClock(at time.Time, who string) error {
	return s.update(func(t *bolt.Tx) error {
		text := fmt.Sprintf("la hora vuelve de %s a %s, confirmado por %s", show(clock(t)), show(at), who)
		if err := setClock(t, at); err != nil {
			return err
		}
		return note(t, Fact{At: at, Kind: FactClock, Text: text})
	})
}

// grant picks the next folio and opens its CAF.
func (s *Store) grant(t *bolt.Tx, tipo dte.TipoDTE, at time.Time) (sale.Grant, sale.Range, error) {
	ranges, err := rangesOf(t, tipo)
	if err != nil {
		return sale.Grant{}, sale.Range{}, err
	}
	i, err := sale.PickRange(ranges, tipo, dte.DateOf(at))
	if errors.Is(err, sale.ErrNoFolios) && t.Bucket(bMeta).Get(kServer) != nil {
		err = sale.NoFolios(tipo, dte.DateOf(at), "Los folios de esta caja vienen del servidor: conéctela, o pida al dueño que cargue un CAF en él")
	}
	if err != nil {
		return sale.Grant{}, sale.Range{}, err
	}
	caf, err := s.unsealed(t, ranges[i])
	return sale.Grant{Folio: ranges[i].Next, CAF: caf}, ranges[i], err
}

// write stores everything that one sale is.
func write(t *bolt.Tx, at time.Time, issued sale.Issued) (sale.Record, error) {
	r := issued.Record
	if err := countIn(t, &r); err != nil {
		return r, err
	}
	if _, err := move(t, r.Movements()...); err != nil {
		return r, err
	}
	key := keyBytes(r.Key)
	n, err := t.Bucket(bByTime).NextSequence()
	if err != nil {
		return r, err
	}
	st := docState{State: dte.Issued, Number: n, At: at}
	if _, err := queuePrint(t, sale.PrintJob{Key: r.Key}); err != nil {
		return r, err
	}
	return r, errors.Join( // all of them nil, or the transaction is rolled back
		t.Bucket(bDocs).Put(key, issued.Document.XML),
		putJSON(t, bRecords, key, r),
		t.Bucket(bSales).Put([]byte(r.ID), key),
		t.Bucket(bByTime).Put(st.index(), key),
		putState(t, key, st),
		note(t, Fact{At: at, Kind: FactSale, Key: r.Key, SHA256: r.SHA256}),
		forgetCart(t, r.ID),
		indexAgainst(t, r, issued.Document.Referencia),
		raiseClock(t, at),
	)
}

// countIn gives the record its shift and the shift its sums. One whose cash was counted before belongs to none.
func countIn(t *bolt.Tx, r *sale.Record) error {
	r.Shift = 0
	shift, err := lastShift(t)
	if err != nil || !shift.Open() || !r.MovesCash() {
		return err
	}
	r.Shift = shift.Number
	if err := shift.Count(*r); err != nil {
		return err
	}
	return putShift(t, shift)
}

func forgetCart(t *bolt.Tx, id sale.ID) error {
	if err := errors.Join(t.Bucket(bHeld).Delete([]byte(id)), t.Bucket(bReturns).Delete([]byte(id))); err != nil {
		return err
	}
	cart, _, err := getJSON[sale.Cart](t, bMeta, kCart)
	if err != nil || cart.ID != id {
		return err
	}
	return t.Bucket(bMeta).Delete(kCart)
}

func raiseClock(t *bolt.Tx, at time.Time) error {
	if at.After(clock(t)) {
		return setClock(t, at)
	}
	return nil
}

// Sale implements sale.Journal.
func (s *Store) Sale(id sale.ID) (r sale.Record, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		r, err = saleRecord(t, id)
		return err
	})
	return r, err
}

func saleRecord(t *bolt.Tx, id sale.ID) (sale.Record, error) {
	key := t.Bucket(bSales).Get([]byte(id))
	if key == nil {
		return keptRecord(t, id)
	}
	return record(t, key)
}

func record(t *bolt.Tx, key []byte) (sale.Record, error) {
	r, ok, err := getJSON[sale.Record](t, bRecords, key)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta la venta del documento %x", key))
	}
	return r, err
}

// Document implements sale.Journal.
func (s *Store) Document(key dte.Key) (xml []byte, r sale.Record, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		xml, r, err = document(t, keyBytes(key))
		return err
	})
	return xml, r, err
}

// document copies a document's bytes and checks them against the hash in its record.
func document(t *bolt.Tx, key []byte) ([]byte, sale.Record, error) {
	b := t.Bucket(bDocs).Get(key)
	if b == nil {
		k, err := parseKey(key)
		return nil, sale.Record{}, errors.Join(err, fmt.Errorf("documento %s: %w", k, sale.ErrNotFound))
	}
	r, err := record(t, key)
	if err != nil {
		return nil, sale.Record{}, err
	}
	xml := append([]byte(nil), b...)
	if sale.HashXML(xml) != r.SHA256 {
		return nil, sale.Record{}, damaged(fmt.Errorf("los bytes de %s no son los que se firmaron", r.Key))
	}
	return xml, r, nil
}

// SaveCart implements sale.Journal.
func (s *Store) SaveCart(c sale.Cart, events ...sale.Event) error {
	return s.update(func(t *bolt.Tx) error {
		for _, e := range events {
			if err := noteEvent(t, e, nil); err != nil {
				return err
			}
		}
		return putJSON(t, bMeta, kCart, c)
	})
}

// LoadCart implements sale.Journal.
func (s *Store) LoadCart() (c sale.Cart, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		c, _, err = getJSON[sale.Cart](t, bMeta, kCart)
		return err
	})
	return c, err
}

// OpenShift implements sale.Journal.
func (s *Store) OpenShift(at time.Time, who string, float money.Pesos) (sale.Shift, error) {
	return s.changeShift(at, func(last sale.Shift) (sale.Shift, error) { return last.Start(at, who, float) })
}

// CloseShift implements sale.Journal.
func (s *Store) CloseShift(at time.Time, who string, counted money.Pesos) (sale.Shift, error) {
	return s.changeShift(at, func(last sale.Shift) (sale.Shift, error) { return last.End(at, who, counted) })
}

func (s *Store) changeShift(at time.Time, change func(sale.Shift) (sale.Shift, error)) (next sale.Shift, err error) {
	err = s.update(func(t *bolt.Tx) error {
		last, err := lastShift(t)
		if err != nil {
			return err
		}
		if next, err = change(last); err != nil {
			return err
		}
		if err := putShift(t, next); err != nil {
			return err
		}
		return note(t, Fact{At: at, Kind: FactShift, Text: describeShift(next), About: &About{Shift: next.Number}})
	})
	if err != nil {
		return sale.Shift{}, err
	}
	return next, nil
}

func describeShift(s sale.Shift) string {
	if s.Open() {
		return fmt.Sprintf("turno %d abierto con %d%s", s.Number, s.Float, by(s.OpenedBy))
	}
	return fmt.Sprintf("turno %d cerrado: %d ventas, contado %d, diferencia %d%s", s.Number, s.Sales, s.Counted, s.Difference, by(s.ClosedBy))
}

// by tells who did something, where the shop says so.
func by(who string) string {
	if who == "" {
		return ""
	}
	return ", por " + who
}

// CurrentShift implements sale.Journal.
func (s *Store) CurrentShift() (shift sale.Shift, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		shift, err = lastShift(t)
		return err
	})
	if err != nil || !shift.Open() {
		return sale.Shift{}, err
	}
	return shift, nil
}

// Shifts returns up to limit shifts, newest first.
func (s *Store) Shifts(limit int) (shifts []sale.Shift, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bShifts).Cursor()
		for k, v := c.Last(); k != nil && len(shifts) < limit; k, v = c.Prev() {
			shift, err := decode[sale.Shift](bShifts, k, v)
			if err != nil {
				return err
			}
			shifts = append(shifts, shift)
		}
		return nil
	})
	return shifts, err
}

func lastShift(t *bolt.Tx) (sale.Shift, error) {
	k, v := t.Bucket(bShifts).Cursor().Last()
	if k == nil {
		return sale.Shift{}, nil
	}
	return decode[sale.Shift](bShifts, k, v)
}

func putShift(t *bolt.Tx, s sale.Shift) error {
	return putJSON(t, bShifts, number(uint64(s.Number)), s)
}
