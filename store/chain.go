package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// This file reads the audit chain for whoever keeps a copy of it: the company's server.

// Point is a place in the chain: entry N, from 1, and its hash in hexadecimal. The zero Point is before the first.
type Point struct {
	N    int64  `json:"n"`
	Hash string `json:"hash,omitempty"`
}

// ErrOtherChain: the chain has another entry there, or none.
var ErrOtherChain = errors.New("la bitácora de esta caja no es la que conoce el servidor")

// About says what an entry tells of, where no key does: a shift, a move of cash, a movement of an account.
type About struct {
	Shift    int          `json:"shift,omitempty"`
	Cash     int          `json:"cash,omitempty"`
	Account  sale.Account `json:"account,omitempty"`
	Movement int          `json:"movement,omitempty"`
}

// Entry is an entry of the chain and what it is about, as that stands now. At most one of Sold, Shift, Cash and Movement is set,
// and none in entries of versions that did not say what they were about.
type Entry struct {
	Point
	Fact Fact
	// Bytes are the entry's own: Hash is SHA-256(hash of the entry before ‖ Bytes).
	Bytes    []byte
	Sold     *Sold
	Shift    *sale.Shift
	Cash     *sale.CashMove
	Movement *sale.Movement
}

// Sold is a sale in the version that an entry tells of.
type Sold struct {
	Record sale.Record
	XML    []byte // nil without a document
	// State is where its document stands; nil without one, and of bytes that a correction has replaced.
	State *Whereabouts
}

// Whereabouts is where a document stands at the authority.
type Whereabouts struct {
	Key            dte.Key
	State          dte.State
	Sobre, TrackID string
	Veredicto      dte.Veredicto
}

// Chunk is a part of the books for the server.
type Chunk struct {
	Entries []Entry
	// States come with the last entries only: those of documents that the server has.
	States []Whereabouts
}

// Bounds of a Chunk: how many entries and states, and how many bytes of entries. One entry comes always.
type Bounds struct{ Entries, States, Bytes int }

// Points are the newest entry of the chain, and those of the places that locate picks before it.
func (s *Store) Points(locate func(n int64) []int64) (head Point, at []Point, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		if head, err = chainHead(t); err != nil || head.N == 0 {
			return err
		}
		for _, n := range locate(head.N - 1) {
			p, err := pointAt(t, n)
			if err != nil {
				return err
			}
			at = append(at, p)
		}
		return nil
	})
	return head, at, err
}

func chainHead(t *bolt.Tx) (Point, error) {
	last, _ := t.Bucket(bAudit).Cursor().Last()
	return pointAt(t, int64(parseNumber(last)))
}

func pointAt(t *bolt.Tx, n int64) (Point, error) {
	if n == 0 {
		return Point{}, nil
	}
	v := t.Bucket(bAudit).Get(number(uint64(n)))
	if len(v) <= sha256.Size {
		return Point{}, damaged(fmt.Errorf("falta la anotación %d de la bitácora", n))
	}
	return Point{N: n, Hash: hex.EncodeToString(v[:sha256.Size])}, nil
}

// Chunk reads what follows a point, in one moment. ErrOtherChain if the point is not of this chain.
func (s *Store) Chunk(after Point, b Bounds) (c Chunk, err error) {
	err = s.view(func(t *bolt.Tx) error {
		head, err := chainHead(t)
		if err != nil {
			return err
		}
		if err := onChain(t, head, after); err != nil {
			return err
		}
		if c.Entries, err = entriesAfter(t, after, b); err != nil {
			return err
		}
		if after.N+int64(len(c.Entries)) == head.N {
			c.States, err = untoldStates(t, b.States)
		}
		return err
	})
	if err != nil {
		return Chunk{}, err
	}
	return c, nil
}

func onChain(t *bolt.Tx, head, p Point) error {
	if p.N < 0 || p.N > head.N {
		return fmt.Errorf("%w: tiene %d anotaciones y se pregunta por la %d", ErrOtherChain, head.N, p.N)
	}
	here, err := pointAt(t, p.N)
	if err == nil && here != p {
		err = fmt.Errorf("%w en la anotación %d", ErrOtherChain, p.N)
	}
	return err
}

func entriesAfter(t *bolt.Tx, after Point, b Bounds) (list []Entry, err error) {
	c := t.Bucket(bAudit).Cursor()
	size := 0
	for k, v := c.Seek(number(uint64(after.N + 1))); k != nil && len(list) < b.Entries; k, v = c.Next() {
		if len(v) <= sha256.Size {
			return nil, damaged(fmt.Errorf("falta la anotación %d de la bitácora", parseNumber(k)))
		}
		e, err := entry(t, int64(parseNumber(k)), v)
		if err != nil {
			return nil, err
		}
		if size += e.size(); size > b.Bytes && len(list) > 0 {
			break
		}
		list = append(list, e)
	}
	return list, nil
}

// entry reads an entry of the chain and what it is about.
func entry(t *bolt.Tx, n int64, v []byte) (e Entry, err error) {
	e.Point = Point{N: n, Hash: hex.EncodeToString(v[:sha256.Size])}
	e.Bytes = bytes.Clone(v[sha256.Size:])
	if e.Fact, err = decode[Fact](bAudit, number(uint64(n)), e.Bytes); err != nil {
		return e, err
	}
	switch f := e.Fact; f.Kind {
	case FactSale, FactRemedy:
		e.Sold, err = sold(t, f)
	case FactVoucher:
		e.Sold, err = keptAs(t, vouchers, f)
	case FactSlip:
		e.Sold, err = keptAs(t, slips, f)
	default:
		if f.About != nil {
			err = e.about(t, *f.About)
		}
	}
	return e, err
}

// size is about how much of a push an entry takes: its bytes, the document in base64, and its lines.
func (e Entry) size() int {
	n := len(e.Bytes) + 500
	if e.Sold != nil {
		n += len(e.Sold.XML)*4/3 + 200*(len(e.Sold.Record.Lines)+len(e.Sold.Record.Taken))
	}
	return n
}

// sold is the version of a sale whose bytes the fact tells. The act that left the bytes as they were tells of none.
func sold(t *bolt.Tx, f Fact) (*Sold, error) {
	if f.Kind == FactRemedy && f.SHA256 == f.Was {
		return nil, nil
	}
	key := keyBytes(f.Key)
	xml, r, err := document(t, key)
	if err != nil {
		return nil, err
	}
	if r.SHA256 != f.SHA256 {
		return replaced(t, f)
	}
	at, err := whereabouts(t, f.Key)
	return &Sold{Record: r, XML: xml, State: &at}, err
}

// replaced is a version that a correction has replaced since.
func replaced(t *bolt.Tx, f Fact) (*Sold, error) {
	past, err := remediesOf(t, keyBytes(f.Key))
	if err != nil {
		return nil, err
	}
	for _, p := range past {
		if p.Record.SHA256 == f.SHA256 {
			xml, err := refusedBytes(t, past, p.N)
			return &Sold{Record: p.Record, XML: xml}, err
		}
	}
	return nil, damaged(fmt.Errorf("faltan los bytes de %s que anotó la bitácora", f.Key))
}

func keptAs(t *bolt.Tx, h shelf, f Fact) (*Sold, error) {
	r, err := h.record(t, number(uint64(f.Key.Folio)))
	return &Sold{Record: r}, err
}

func whereabouts(t *bolt.Tx, key dte.Key) (Whereabouts, error) {
	d, err := stateOf(t, key)
	w := Whereabouts{Key: key, State: d.State, Sobre: d.Sobre, Veredicto: d.Veredicto}
	if err != nil || d.Sobre == "" {
		return w, err
	}
	sobre, err := sobreOf(t, d.Sobre)
	w.TrackID = sobre.TrackID
	return w, err
}

// about reads what an entry tells of by number.
func (e *Entry) about(t *bolt.Tx, a About) error {
	switch {
	case a.Shift != 0:
		return found(t, bShifts, number(uint64(a.Shift)), &e.Shift)
	case a.Cash != 0:
		return found(t, bCash, number(uint64(a.Cash)), &e.Cash)
	case a.Account != "":
		return found(t, bAccounts, accountKey(a.Account, a.Movement), &e.Movement)
	}
	return nil
}

func found[T any](t *bolt.Tx, bucket, key []byte, into **T) error {
	v, ok, err := getJSON[T](t, bucket, key)
	if err == nil && !ok {
		err = damaged(fmt.Errorf("falta lo que anotó la bitácora en %s", bucket))
	}
	*into = &v
	return err
}
