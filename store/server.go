package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// This file is what a till keeps of its company's server: who it is there, what opens it, how far it has the books, and which
// documents stand elsewhere than it knows.

// Server is the company's server, as a till that joined it knows it.
type Server struct {
	URL     string    `json:"url"`
	TillID  int64     `json:"tillId"`
	Till    string    `json:"till"`
	Company string    `json:"company"`
	At      time.Time `json:"at"` // when it joined
	// Has is how far the server has the chain, as it last said.
	Has Point `json:"has,omitzero"`
}

// tokenName is the sealed secret that opens the server.
const tokenName = "servidor"

var (
	kServer = []byte("server")      // Server; absent while the till is nobody's
	kStop   = []byte("server hold") // why the server lets this till issue nothing
)

// makeServer is a step of the schema.
func makeServer(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bUntold)
	return err
}

// ErrServer: the store is of no server, or of another one.
var ErrServer = errors.New("la caja no está unida a un servidor")

// JoinServer keeps the server that took this till in, and the token, sealed, that opens it. From here on the store remembers what
// the server has not heard. Joining as another till ends what that one had: its leases, the hold that it was
// under, and, if it was held, its own folios.
func (s *Store) JoinServer(v Server, token []byte) error {
	aead, err := s.vault.current()
	if err != nil {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		old, joined, err := getJSON[Server](t, bMeta, kServer)
		if err != nil {
			return err
		}
		if joined && old.URL == v.URL && old.TillID == v.TillID {
			v.At, v.Has = old.At, old.Has
		} else if err := errors.Join(endOfACopy(t, v.At), forgetServer(t, v.At)); err != nil {
			return err
		}
		return errors.Join(
			putJSON(t, bMeta, kServer, v),
			tellAll(t),
			t.Bucket(bSecrets).Put([]byte(tokenName), seal(aead, place(bSecrets, []byte(tokenName)), token)),
		)
	})
}

// endOfACopy ends the ranges of its own, too, of a store that its server had stopped: the other store issues from them.
func endOfACopy(t *bolt.Tx, at time.Time) error {
	if t.Bucket(bMeta).Get(kStop) == nil {
		return nil
	}
	ranges, err := rangesOf(t, 0)
	for _, r := range ranges {
		if err != nil || r.Lease != 0 || r.Ended != "" {
			continue
		}
		left := r.Next <= r.Hasta
		r.Ended = leaseOver
		if err = putJSON(t, bRanges, rangeKey(r.Tipo, r.Desde), r); err == nil && left {
			err = note(t, Fact{At: at, Kind: FactGap, Text: fmt.Sprintf("los %s quedan para la otra copia: aquí no se usan desde el %d", describe(r), r.Next)})
		}
	}
	return err
}

// Server is the server that this till belongs to; ErrServer if none.
func (s *Store) Server() (v Server, err error) {
	err = s.view(func(t *bolt.Tx) error {
		var joined bool
		v, joined, err = getJSON[Server](t, bMeta, kServer)
		if err == nil && !joined {
			err = ErrServer
		}
		return err
	})
	return v, err
}

// ServerToken opens the server. ErrLocked without the key of the secrets.
func (s *Store) ServerToken() ([]byte, error) { return s.Secret(tokenName) }

// LeaveServer makes the till nobody's. Nothing is issued from its leases any more. Where the server had stopped it, a person must
// now say how far its own folios were used: it may be one of two copies.
func (s *Store) LeaveServer(at time.Time) error {
	return s.update(func(t *bolt.Tx) error {
		var held error
		if why := t.Bucket(bMeta).Get(kStop); why != nil {
			held = t.Bucket(bMeta).Put(kHold, bytes.Clone(why))
		}
		return errors.Join(held, forgetServer(t, at))
	})
}

// forgetServer ends the leases and takes away what was kept for the server.
func forgetServer(t *bolt.Tx, at time.Time) error {
	err := endLeases(t, at, func(sale.Range) bool { return true })
	return errors.Join(err, leasesGone(t, at),
		t.Bucket(bMeta).Delete(kServer),
		t.Bucket(bMeta).Delete(kStop),
		t.Bucket(bSecrets).Delete([]byte(tokenName)),
		t.DeleteBucket(bUntold),
		makeServer(t),
		forgetNews(t),
	)
}

// ServerHas keeps how far the server has the chain. One that has less than it had was restored itself: where documents stand is
// told to it again.
func (s *Store) ServerHas(p Point) error {
	v, err := s.Server()
	if err != nil || v.Has == p {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		v, joined, err := getJSON[Server](t, bMeta, kServer)
		if err != nil || !joined {
			return err
		}
		if p.N < v.Has.N {
			err = t.Bucket(bStates).ForEach(func(key, _ []byte) error { return t.Bucket(bUntold).Put(key, []byte{}) })
		}
		v.Has = p
		return errors.Join(err, putJSON(t, bMeta, kServer, v))
	})
}

// untold remembers that the server is to be told where a document stands. Steps between two answers of the authority are nobody
// else's business, and where it stands at its issue goes with the sale.
func untold(t *bolt.Tx, key []byte, state dte.State) error {
	if state != dte.Sent && !state.Final() {
		return nil
	}
	return untoldAnyway(t, key)
}

func untoldAnyway(t *bolt.Tx, key []byte) error {
	if t.Bucket(bMeta).Get(kServer) == nil {
		return nil
	}
	return t.Bucket(bUntold).Put(key, []byte{})
}

func untoldStates(t *bolt.Tx, limit int) (list []Whereabouts, err error) {
	c := t.Bucket(bUntold).Cursor()
	for key, _ := c.First(); key != nil && len(list) < limit; key, _ = c.Next() {
		k, err := parseKey(key)
		if err != nil {
			return nil, err
		}
		w, err := whereabouts(t, k)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

// ToldServer keeps that the server knows this of these documents. What changed since is still to be told.
func (s *Store) ToldServer(list []Whereabouts) error {
	list, err := s.stillUntold(list)
	if err != nil || len(list) == 0 {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		for _, w := range list {
			now, err := whereabouts(t, w.Key)
			if err == nil && now.same(w) {
				err = t.Bucket(bUntold).Delete(keyBytes(w.Key))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// same compares what two tell; a time says the same in any zone.
func (w Whereabouts) same(o Whereabouts) bool {
	at := w.Veredicto.At
	w.Veredicto.At = o.Veredicto.At
	return w == o && at.Equal(o.Veredicto.At)
}

// stillUntold are those that the store remembers: of the others nothing is to be written, and a sale need not wait for it.
func (s *Store) stillUntold(list []Whereabouts) (still []Whereabouts, err error) {
	err = s.view(func(t *bolt.Tx) error {
		for _, w := range list {
			if t.Bucket(bUntold).Get(keyBytes(w.Key)) != nil {
				still = append(still, w)
			}
		}
		return nil
	})
	return still, err
}

// Hold stops issuing, because the server says so: why is for people. The server ends it with Unhold; a person cannot, because two
// stores may be one till.
func (s *Store) Hold(why string, at time.Time) error {
	held, err := s.HeldByServer()
	if err != nil || held == why {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		if t.Bucket(bMeta).Get(kServer) == nil {
			return ErrServer
		}
		return errors.Join(t.Bucket(bMeta).Put(kStop, []byte(why)), note(t, Fact{At: at, Kind: FactRestore, Text: why}))
	})
}

// Unhold ends what Hold began: the server lets this till issue again.
func (s *Store) Unhold(at time.Time) error {
	held, err := s.HeldByServer()
	if err != nil || held == "" {
		return err
	}
	return s.update(func(t *bolt.Tx) error {
		return errors.Join(t.Bucket(bMeta).Delete(kStop), note(t, Fact{At: at, Kind: FactRestore, Text: "el servidor permite emitir de nuevo"}))
	})
}

// HeldByServer is why the server lets this till issue nothing; empty if it may.
func (s *Store) HeldByServer() (why string, err error) {
	err = s.view(func(t *bolt.Tx) error {
		why = string(t.Bucket(bMeta).Get(kStop))
		return nil
	})
	return why, err
}

// mayByServer refuses to issue while the server has stopped this till.
func mayByServer(t *bolt.Tx) error {
	if why := t.Bucket(bMeta).Get(kStop); why != nil {
		return fmt.Errorf("%w: %s. No se emitió nada y lo vendido está guardado. Lo decide quien administra el servidor", ErrHeld, why)
	}
	return nil
}

// server checks what is kept for the company's server.
func (a *auditor) server() {
	_, joined, err := getJSON[Server](a.t, bMeta, kServer)
	if !a.check(err) {
		return
	}
	if sealed := a.t.Bucket(bSecrets).Get([]byte(tokenName)) != nil; sealed != joined {
		a.fault("la caja está unida a un servidor y no tiene con qué abrirlo, o al revés")
	}
	n := a.each(bUntold, func(_, _ int, key, _ []byte) {
		if a.t.Bucket(bStates).Get(key) == nil {
			a.fault("se contaría al servidor del documento %x, que no existe", key)
		}
	})
	if n > 0 && !joined {
		a.fault("hay %d estados por contar y ningún servidor", n)
	}
	if !joined && a.t.Bucket(bMeta).Get(kStop) != nil {
		a.fault("un servidor tiene detenida la caja, que no es de ninguno")
	}
}
