package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// ErrStep: the life of a document has no such step. Nothing was written.
var ErrStep = errors.New("ese paso no corresponde al estado del documento")

// docState is where a document stands, and its places in the indexes.
type docState struct {
	State     dte.State     `json:"state"`
	Sobre     string        `json:"sobre,omitempty"`
	Veredicto dte.Veredicto `json:"veredicto,omitzero"`
	// Otro is what a file said of the document and the authority, asked over the line, did not.
	Otro   dte.Veredicto `json:"otro,omitzero"`
	Number uint64        `json:"number"` // order of issue
	At     time.Time     `json:"at"`
}

// index is the place in bByTime.
func (d docState) index() []byte {
	return append(number(uint64(d.At.UnixNano())), number(d.Number)...)
}

// putState stores a state and keeps the index of those that wait for a verdict.
func putState(t *bolt.Tx, key []byte, d docState) error {
	if err := errors.Join(putJSON(t, bStates, key, d), untold(t, key, d.State)); err != nil {
		return err
	}
	if d.State.Final() {
		return t.Bucket(bPending).Delete(number(d.Number))
	}
	return t.Bucket(bPending).Put(number(d.Number), append(bytes.Clone(key), d.State...))
}

func stateOf(t *bolt.Tx, key dte.Key) (docState, error) {
	d, ok, err := getJSON[docState](t, bStates, keyBytes(key))
	if err == nil && !ok {
		err = fmt.Errorf("documento %s: %w", key, sale.ErrNotFound)
	}
	return d, err
}

// eachPending walks the documents without a verdict, oldest first, until fn returns false.
func eachPending(t *bolt.Tx, fn func(key []byte, state dte.State) bool) error {
	c := t.Bucket(bPending).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if len(v) < keyLen {
			return damaged(fmt.Errorf("cola de envío %x", k))
		}
		if !fn(v[:keyLen], dte.State(v[keyLen:])) {
			return nil
		}
	}
	return nil
}

// Waiting returns up to limit documents that are in no envelope, oldest first: boletas or the others. A document whose
// bytes are damaged does not hold up the others; when only such are left, the error says so.
func (s *Store) Waiting(boletas bool, limit int) (docs []*dte.Document, err error) {
	var bad error
	err = s.view(func(t *bolt.Tx) error {
		return eachPending(t, func(key []byte, state dte.State) bool {
			if k, err := parseKey(key); state != dte.Issued || err != nil || k.Tipo.EsBoleta() != boletas {
				return true
			}
			doc, err := parsed(t, key)
			if err != nil {
				bad = err
				return true
			}
			docs = append(docs, doc)
			return len(docs) < limit
		})
	})
	if err == nil && len(docs) == 0 {
		err = bad
	}
	return docs, err
}

// WaitingSince counts the documents that Waiting would return, damaged ones included, up to limit, and tells when the
// oldest of them was issued. It reads none of them, so it costs little with any backlog.
func (s *Store) WaitingSince(boletas bool, limit int) (n int, oldest time.Time, err error) {
	err = s.view(func(t *bolt.Tx) error {
		var first dte.Key
		err := eachPending(t, func(key []byte, state dte.State) bool {
			k, err := parseKey(key)
			if err != nil || state != dte.Issued || k.Tipo.EsBoleta() != boletas {
				return true
			}
			if n++; n == 1 {
				first = k
			}
			return n < limit
		})
		if err != nil || n == 0 {
			return err
		}
		d, err := stateOf(t, first)
		oldest = d.At
		return err
	})
	return n, oldest, err
}

// parsed reads a stored document.
func parsed(t *bolt.Tx, key []byte) (*dte.Document, error) {
	xml, _, err := document(t, key)
	if err != nil {
		return nil, err
	}
	return dte.Parse(xml)
}

// DocumentIn returns a stored document, parsed; sale.ErrNotFound if there is none.
func (s *Store) DocumentIn(key dte.Key) (doc *dte.Document, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		doc, err = parsed(t, keyBytes(key))
		return err
	})
	return doc, err
}

// NewSobre stores an envelope in state Enveloped under the next ID and moves its documents to Enveloped. It fails with
// ErrStep, changing nothing, if one of them is not Issued.
func (s *Store) NewSobre(sobre dte.Sobre) (dte.Sobre, error) {
	if len(sobre.Keys) == 0 || len(sobre.XML) == 0 {
		return dte.Sobre{}, fmt.Errorf("%w: un sobre lleva documentos y bytes", ErrStep)
	}
	err := s.update(func(t *bolt.Tx) (err error) {
		for i, key := range sobre.Keys {
			d, err := stateOf(t, key)
			switch {
			case err != nil:
				return err
			case d.State != dte.Issued || slices.Contains(sobre.Keys[:i], key):
				return fmt.Errorf("%w: %s ya está en el sobre %s", ErrStep, key, d.Sobre)
			case key.Tipo.EsBoleta() != sobre.Boletas:
				return fmt.Errorf("%w: %s no va en ese tipo de sobre", ErrStep, key)
			}
		}
		sobre, err = newSobre(t, sobre)
		return err
	})
	if err != nil {
		return dte.Sobre{}, err
	}
	return sobre, nil
}

// newSobre stores an envelope under the next ID and puts its documents in it.
func newSobre(t *bolt.Tx, sobre dte.Sobre) (dte.Sobre, error) {
	n, err := t.Bucket(bSobres).NextSequence()
	if err != nil {
		return sobre, err
	}
	sobre.ID, sobre.State, sobre.Settled, sobre.Refused = fmt.Sprintf("S%09d", n), dte.Enveloped, false, ""
	sobre.SHA256, sobre.Again = sale.HashXML(sobre.XML), nil
	for _, key := range sobre.Keys {
		d, err := stateOf(t, key)
		past, pastErr := remediesOf(t, keyBytes(key))
		if err = errors.Join(err, pastErr); err != nil {
			return sobre, err
		}
		if len(past) > 0 {
			sobre.Again = append(sobre.Again, key)
		}
		if d.State.Final() { // by a file alone, which the authority's refusal of the whole has belied
			if d, err = forget(t, key, d); err != nil {
				return sobre, err
			}
		}
		d.State, d.Sobre = dte.Enveloped, sobre.ID
		if err := putState(t, keyBytes(key), d); err != nil {
			return sobre, err
		}
	}
	id := []byte(sobre.ID)
	return sobre, errors.Join(
		putJSON(t, bSobres, id, sobre),
		t.Bucket(bSobreXML).Put(id, sobre.XML),
		t.Bucket(bOpen).Put(id, []byte{}),
	)
}

// Regroup ends an envelope that the authority refused as a whole, and stores those that carry its undecided documents
// instead: all of them, each once, or ErrStep and nothing changes.
func (s *Store) Regroup(id, reason string, into []dte.Sobre) (made []dte.Sobre, err error) {
	err = s.update(func(t *bolt.Tx) error {
		refused, err := sobreOf(t, id)
		if err != nil {
			return err
		}
		left, err := undecided(t, refused)
		if err != nil {
			return err
		}
		if err := dte.CheckRegroup(refused, left, reason, into); err != nil {
			return fmt.Errorf("%w: %w", ErrStep, err)
		}
		for _, sobre := range into {
			sobre.Instead = id
			if sobre, err = newSobre(t, sobre); err != nil {
				return err
			}
			made = append(made, sobre)
		}
		refused.Refused, refused.Problem = reason, ""
		return end(t, refused)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Left are the documents of envelope id that are still in it and that the authority has not decided.
func (s *Store) Left(id string) (left []dte.Key, err error) {
	err = s.view(func(t *bolt.Tx) error {
		sobre, err := sobreOf(t, id)
		if err == nil {
			left, err = undecided(t, sobre)
		}
		return err
	})
	return left, err
}

// undecided are the documents of an envelope that are still in it and have no final state.
func undecided(t *bolt.Tx, sobre dte.Sobre) (left []dte.Key, err error) {
	for _, key := range sobre.Keys {
		d, err := stateOf(t, key)
		if err != nil {
			return nil, err
		}
		if !elsewhere(d, sobre.ID) && !d.decided() {
			left = append(left, key)
		}
	}
	return left, nil
}

// end settles an envelope: nobody looks at it again.
func end(t *bolt.Tx, sobre dte.Sobre) error {
	sobre.Settled = true
	return errors.Join(putJSON(t, bSobres, []byte(sobre.ID), sobre), t.Bucket(bOpen).Delete([]byte(sobre.ID)))
}

// OpenSobres returns the envelopes that are not settled, oldest first, without XML.
func (s *Store) OpenSobres() (sobres []dte.Sobre, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		sobres, err = openSobres(t)
		return err
	})
	return sobres, err
}

func openSobres(t *bolt.Tx) (sobres []dte.Sobre, err error) {
	err = t.Bucket(bOpen).ForEach(func(id, _ []byte) error {
		sobre, err := sobreOf(t, string(id))
		sobres = append(sobres, sobre)
		return err
	})
	return sobres, err
}

func sobreOf(t *bolt.Tx, id string) (dte.Sobre, error) {
	sobre, ok, err := getJSON[dte.Sobre](t, bSobres, []byte(id))
	if err == nil && !ok {
		err = fmt.Errorf("sobre %s: %w", id, sale.ErrNotFound)
	}
	return sobre, err
}

// Sobre returns an envelope, settled or not, without XML; sale.ErrNotFound if there is none.
func (s *Store) Sobre(id string) (sobre dte.Sobre, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		sobre, err = sobreOf(t, id)
		return err
	})
	return sobre, err
}

// SobreXML returns the frozen bytes, checked against the hash.
func (s *Store) SobreXML(id string) (xml []byte, err error) {
	err = s.view(func(t *bolt.Tx) error {
		sobre, err := sobreOf(t, id)
		if err != nil {
			return err
		}
		xml = bytes.Clone(t.Bucket(bSobreXML).Get([]byte(id)))
		if sale.HashXML(xml) != sobre.SHA256 {
			return damaged(fmt.Errorf("los bytes del sobre %s no son los que se firmaron", id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return xml, nil
}

// UpdateSobre stores what happened to an envelope and moves its undecided documents to its state. Keys, bytes, hash,
// emisor, kind and time of creation never change, nor does a settled one come open again. ErrStep if the state may not
// follow the stored one.
func (s *Store) UpdateSobre(next dte.Sobre) error {
	return s.update(func(t *bolt.Tx) error { return updateSobre(t, next) })
}

func updateSobre(t *bolt.Tx, next dte.Sobre) error {
	old, err := sobreOf(t, next.ID)
	if err != nil {
		return err
	}
	if gone(old) || next.State == dte.Issued || next.State.Final() || !old.State.CanBecome(next.State) {
		return fmt.Errorf("%w: el sobre %s no pasa de %s a %s", ErrStep, old.ID, old.State, next.State)
	}
	next.Boletas, next.Emisor, next.Keys, next.SHA256 = old.Boletas, old.Emisor, old.Keys, old.SHA256
	next.CreatedAt, next.Settled, next.Again = old.CreatedAt, old.Settled, old.Again
	for _, key := range old.Keys {
		d, err := stateOf(t, key)
		if err != nil {
			return err
		}
		if elsewhere(d, old.ID) || d.State.Final() || d.State == next.State {
			continue
		}
		d.State = next.State
		if err := putState(t, keyBytes(key), d); err != nil {
			return err
		}
	}
	return putJSON(t, bSobres, []byte(next.ID), next)
}

// Settle stores verdicts of documents in envelope id. When every document of it has one, the envelope is settled. A
// document that already has a final state keeps it, and one that a person had sent again waits for its new envelope's.
// ErrStep for a verdict that is none, or of a document elsewhere.
func (s *Store) Settle(id string, verdicts []dte.Veredicto) error {
	return s.update(func(t *bolt.Tx) error {
		sobre, err := sobreOf(t, id)
		if err != nil {
			return err
		}
		for _, v := range verdicts {
			if gone(sobre) || !v.State.Final() || !slices.Contains(sobre.Keys, v.Key) {
				return fmt.Errorf("%w: veredicto «%s» de %s en el sobre %s", ErrStep, v.State, v.Key, id)
			}
			if err := decide(t, id, v); err != nil {
				return err
			}
		}
		return settle(t, sobre)
	})
}

// gone reports an envelope that was refused as a whole: its documents are in others now.
func gone(sobre dte.Sobre) bool { return sobre.Settled && sobre.Refused != "" }

func decide(t *bolt.Tx, sobre string, v dte.Veredicto) error {
	d, err := stateOf(t, v.Key)
	switch {
	case err != nil || elsewhere(d, sobre) || d.decided():
		return err
	case d.State.Final():
		return confirm(t, v, d)
	}
	d.State, d.Veredicto = v.State, v
	return errors.Join(openTask(t, v.Key, d), putState(t, keyBytes(v.Key), d))
}

func settle(t *bolt.Tx, sobre dte.Sobre) error {
	left, err := undecided(t, sobre)
	if err != nil || len(left) > 0 {
		return err
	}
	return end(t, sobre)
}

// interrupted turns uploads that a crash or a power cut ended into Unknown: their first byte may have left.
func (s *Store) interrupted() error {
	sobres, err := s.OpenSobres()
	if err != nil {
		return err
	}
	sobres = slices.DeleteFunc(sobres, func(o dte.Sobre) bool { return o.State != dte.Sending })
	if len(sobres) == 0 {
		return nil
	}
	return s.update(func(t *bolt.Tx) error {
		for _, sobre := range sobres {
			sobre.State = dte.Unknown
			if err := updateSobre(t, sobre); err != nil {
				return err
			}
		}
		return nil
	})
}

// DocumentState returns where a document stands, and the verdict if there is one; sale.ErrNotFound if there is no such
// document.
func (s *Store) DocumentState(key dte.Key) (dte.State, dte.Veredicto, error) {
	var d docState
	err := s.view(func(t *bolt.Tx) (err error) {
		d, err = stateOf(t, key)
		return err
	})
	return d.State, d.Veredicto, err
}

// Standing returns where a document stands for whoever asks the authority; known is false for a document that this till
// did not issue. A verdict that came from a file is none: the authority is still asked.
func (s *Store) Standing(key dte.Key) (state dte.State, known bool, err error) {
	state, v, err := s.DocumentState(key)
	if errors.Is(err, sale.ErrNotFound) {
		return "", false, nil
	}
	if v.Fuente == dte.FuenteArchivo {
		state = dte.Sent
	}
	return state, err == nil, err
}

// Backlog counts the documents without a final state and tells when the oldest of them was issued.
func (s *Store) Backlog() (b dte.Backlog, err error) {
	b.ByState = map[dte.State]int{}
	var first []byte
	err = s.view(func(t *bolt.Tx) error {
		err := eachPending(t, func(key []byte, state dte.State) bool {
			if first == nil {
				first = bytes.Clone(key)
			}
			b.Documents++
			b.ByState[state]++
			return true
		})
		if err != nil || first == nil {
			return err
		}
		d, _, err := getJSON[docState](t, bStates, first)
		b.Oldest = d.At
		return err
	})
	return b, err
}

// Documents lists issued documents, newest first.
func (s *Store) Documents(q sale.DocumentQuery) (list []sale.DocumentInfo, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	if list, err = s.documents(q, limit); err != nil {
		return list, err
	}
	kept, err := s.newestVouchers(q, limit)
	if len(kept) > 0 {
		list = append(list, kept...)
		newestFirst(list)
	}
	return list[:min(limit, len(list))], err
}

func (s *Store) documents(q sale.DocumentQuery, limit int) (list []sale.DocumentInfo, err error) {
	if q.Folio != 0 {
		return s.numbered(q, limit)
	}
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bByTime).Cursor()
		k, key, err := startOf(t, c, q)
		for ; k != nil && err == nil && len(list) < limit; k, key = c.Prev() {
			if !q.From.IsZero() && bytes.Compare(k, number(uint64(q.From.UnixNano()))) < 0 {
				return nil
			}
			var info sale.DocumentInfo
			var ok bool
			if info, ok, err = infoOf(t, key, q); ok {
				list = append(list, info)
			}
		}
		return err
	})
	return list, err
}

// numbered lists the documents with one number, at most one of each type, without walking through all others.
func (s *Store) numbered(q sale.DocumentQuery, limit int) (list []sale.DocumentInfo, err error) {
	err = s.view(func(t *bolt.Tx) error {
		shop, _, err := getJSON[sale.Shop](t, bMeta, kShop)
		for _, tipo := range dte.Tipos() {
			key := keyBytes(dte.Key{Emisor: shop.Emisor.RUT, Tipo: tipo, Folio: q.Folio})
			if err != nil || t.Bucket(bDocs).Get(key) == nil {
				continue
			}
			info, ok, infoErr := infoOf(t, key, q)
			if err = infoErr; ok && within(info.At, q) {
				list = append(list, info)
			}
		}
		return err
	})
	slices.SortFunc(list, func(a, b sale.DocumentInfo) int { return b.At.Compare(a.At) })
	return list[:min(limit, len(list))], err
}

func within(at time.Time, q sale.DocumentQuery) bool {
	return (q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To))
}

// startOf places the cursor on the newest document that the query can want.
func startOf(t *bolt.Tx, c *bolt.Cursor, q sale.DocumentQuery) (k, v []byte, err error) {
	var end []byte // only what is before
	if !q.To.IsZero() {
		end = number(uint64(q.To.UnixNano()))
	}
	if q.Before != (dte.Key{}) {
		d, err := stateOf(t, q.Before)
		if err != nil {
			return nil, nil, err
		}
		if end == nil || bytes.Compare(d.index(), end) < 0 {
			end = d.index()
		}
	}
	if end == nil {
		k, v = c.Last()
	} else {
		k, v = lastBefore(c, end)
	}
	return k, v, nil
}

// lastBefore places the cursor on the last entry that comes before end.
func lastBefore(c *bolt.Cursor, end []byte) (k, v []byte) {
	if k, _ := c.Seek(end); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// infoOf reads a document for the list; false if the query does not want it.
func infoOf(t *bolt.Tx, keyB []byte, q sale.DocumentQuery) (info sale.DocumentInfo, ok bool, err error) {
	key, err := parseKey(keyB)
	if err != nil || q.Tipo != 0 && key.Tipo != q.Tipo {
		return info, false, err
	}
	d, err := stateOf(t, key)
	if err != nil || len(q.States) > 0 && !slices.Contains(q.States, d.State) {
		return info, false, err
	}
	r, err := record(t, keyB)
	if err != nil {
		return info, false, err
	}
	p, _, err := getJSON[sale.Papers](t, bPapers, keyB)
	if err != nil {
		return info, false, err
	}
	mails, err := mailsOf(t, keyB)
	return sale.DocumentInfo{Record: r, State: d.State, Veredicto: d.Veredicto, Printed: p.Printed, PrintProblem: p.Problem, Copies: p.Copies, Mails: mails},
		err == nil, err
}
