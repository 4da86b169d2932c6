package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// A result file of the SII carries no signature, so anybody could have written it. What it says of a document without a
// verdict is stored and marked with its source; its envelope stays open, the worker goes on asking, and what the SII itself
// answers wins. What it says against a verdict of the SII is kept beside it, and somebody is told.

// decided reports a verdict of the authority itself.
func (d docState) decided() bool {
	return d.State.Final() && d.Veredicto.Fuente != dte.FuenteArchivo
}

// SobreByTrack finds the envelope of facturas and notes that the authority received under a track id, the newest first;
// sale.ErrNotFound if this till sent none. same compares track ids: the authority drops leading zeros.
func (s *Store) SobreByTrack(same func(trackID string) bool) (sobre dte.Sobre, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bSobres).Cursor()
		for id, v := c.Last(); id != nil; id, v = c.Prev() {
			o, err := decode[dte.Sobre](bSobres, id, v)
			if err != nil {
				return err
			}
			if !o.Boletas && o.State == dte.Sent && same(o.TrackID) {
				sobre = o
				return nil
			}
		}
		return fmt.Errorf("un envío con ese número: %w", sale.ErrNotFound)
	})
	return sobre, err
}

// SettleFromFile stores what a file says of documents in envelope id, and tells what became of each word. It never settles
// the envelope. Doing it twice does no more than once. ErrStep, changing nothing, for a verdict that is none, of a document
// elsewhere, or in an envelope that the authority does not have.
func (s *Store) SettleFromFile(id string, verdicts []dte.Veredicto) (told []sale.Told, err error) {
	err = s.update(func(t *bolt.Tx) error {
		sobre, err := sobreOf(t, id)
		if err != nil {
			return err
		}
		for _, v := range verdicts {
			if sobre.State != dte.Sent || gone(sobre) || !v.State.Final() || !slices.Contains(sobre.Keys, v.Key) {
				return fmt.Errorf("%w: veredicto «%s» de %s en el sobre %s", ErrStep, v.State, v.Key, id)
			}
			v.Fuente = dte.FuenteArchivo
			outcome, err := tell(t, id, v)
			if err != nil {
				return err
			}
			told = append(told, outcome)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return told, nil
}

// tell takes one word of a file.
func tell(t *bolt.Tx, sobre string, v dte.Veredicto) (told sale.Told, err error) {
	d, err := stateOf(t, v.Key)
	if err != nil {
		return told, err
	}
	told = sale.Told{Veredicto: v, Before: d.Veredicto}
	told.Before.State = d.State
	switch {
	case elsewhere(d, sobre): // a person led it on: this is about what was refused
		told.Outcome = sale.ToldKnown
		return told, nil
	case !d.State.Final():
		told.Outcome = sale.ToldApplied
		d.State, d.Veredicto = v.State, v
		err = openTask(t, v.Key, d)
	case d.State != v.State && same(d.Otro, v):
		told.Outcome = sale.ToldDoubt
		return told, nil
	case d.State != v.State:
		told.Outcome = sale.ToldDoubt
		d.Otro = v
		err = openDoubt(t, v.Key)
	case !reasoned(d.Veredicto) && reasoned(v):
		told.Outcome = sale.ToldReason
		d.Veredicto.Codigo, d.Veredicto.Glosa = v.Codigo, v.Glosa
	default:
		told.Outcome = sale.ToldKnown
		return told, nil
	}
	text := fmt.Sprintf("un archivo del SII dice que %s está %s %s (%s)", v.Key, sale.StateWords(v.State), v.Codigo, told.Outcome)
	return told, errors.Join(err, putState(t, keyBytes(v.Key), d), note(t, Fact{At: v.At, Kind: FactFile, Key: v.Key, Text: text}))
}

// reasoned reports a verdict with an observation of the SII: "CAF-3-517". Over the line it tells of a factura whether it has
// it, but no more; the reason comes by mail.
func reasoned(v dte.Veredicto) bool { return strings.Count(v.Codigo, "-") == 2 }

// same compares what two verdicts say.
func same(a, b dte.Veredicto) bool { return a.State == b.State && a.Codigo == b.Codigo }

// confirm puts the authority's own word in the place of a file's. If they agree, a reason that only the file gave stays; if
// not, the file's word is kept beside it.
func confirm(t *bolt.Tx, v dte.Veredicto, d docState) error {
	said := d.Veredicto
	if said.State == v.State {
		if !reasoned(v) {
			v.Codigo, v.Glosa = said.Codigo, said.Glosa
		}
		d.Veredicto = v
		return putState(t, keyBytes(v.Key), d)
	}
	d, err := forget(t, v.Key, d)
	d.State, d.Veredicto, d.Otro = v.State, v, said
	return errors.Join(err, openTask(t, v.Key, d), openDoubt(t, v.Key), putState(t, keyBytes(v.Key), d))
}

// forget takes back what a file alone had decided, with its task, attended or not.
func forget(t *bolt.Tx, key dte.Key, d docState) (docState, error) {
	kind, ok := taskKind(d.State)
	d.Veredicto = dte.Veredicto{}
	if !ok {
		return d, nil
	}
	id := []byte(sale.TaskID(kind, key))
	return d, errors.Join(t.Bucket(bTasks).Delete(id), t.Bucket(bAttended).Delete(id))
}

// openDoubt asks a person to look at a document of which two things are said, unless one has.
func openDoubt(t *bolt.Tx, key dte.Key) error {
	id := []byte(sale.TaskID(sale.AlarmDoubt, key))
	if t.Bucket(bAttended).Get(id) != nil {
		return nil
	}
	return t.Bucket(bTasks).Put(id, keyBytes(key))
}

// taskKinds are the tasks that a document in this state gives.
func (d docState) taskKinds() (kinds []sale.AlarmKind) {
	if kind, ok := taskKind(d.State); ok {
		kinds = append(kinds, kind)
	}
	if d.Otro != (dte.Veredicto{}) {
		kinds = append(kinds, sale.AlarmDoubt)
	}
	return kinds
}
