package store

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// A note that the SII refused took nothing back; and a store from before the index knows its notes all the same.
func TestAgainstFollowsVerdictsAndOldStores(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 5)
	b.caf(dte.NotaCredito, 1, 5)
	d := sale.Deps{Shop: saletest.Shop(), Journal: b.Store, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now}
	draft := dte.Draft{Tipo: dte.Boleta, Receptor: dte.Receptor{RUT: dte.RUTAnonimo}}
	draft.Detalle = []dte.Linea{{Nombre: "Pan", Qty: 3 * money.One, Prc: money.PerUnit(1000)}}
	r, err := sale.IssueOrder(d, sale.Order{ID: "s", Draft: draft})
	b.must(err)
	note, err := sale.TakeBack(d, sale.Return{ID: "n", Reason: "roto", Lines: []sale.ReturnedLine{{Of: r.Key, Line: 1, Qty: money.One}}})
	b.must(err)
	left := func(want money.Qty) {
		t.Helper()
		open, err := sale.OpenReturn(b.Store, r.Key)
		b.must(err)
		if open.Left(1) != want {
			t.Errorf("left %s, want %s", open.Left(1), want)
		}
	}
	left(2 * money.One)

	b.must(b.update(func(t *bolt.Tx) error {
		if err := t.DeleteBucket(bAgainst); err != nil {
			return err
		}
		return makeAgainst(t)
	}))
	left(2 * money.One)

	s, err := b.NewSobre(dte.Sobre{Emisor: note.Key.Emisor, Keys: []dte.Key{note.Key}, XML: []byte("<x/>")})
	b.must(err)
	b.must(b.Settle(s.ID, []dte.Veredicto{{Key: note.Key, State: dte.Rejected, Codigo: "X", At: dtetest.Now()}}))
	left(3 * money.One)
}
