package store

import (
	"errors"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// sentSobre is an envelope of two facturas that the authority has under track id 0123.
func (b *till) sentSobre() dte.Sobre {
	b.t.Helper()
	b.caf(dte.Factura, 1, 10)
	sobre := dte.Sobre{Emisor: saletest.Shop().Emisor.RUT, XML: []byte("<EnvioDTE/>")}
	for _, id := range []sale.ID{"f1", "f2"} {
		r, err := b.Issue(id, dte.Factura, saletest.Now, saletest.Build(id, dte.Factura, saletest.Now, 1000))
		b.must(err)
		sobre.Keys = append(sobre.Keys, r.Key)
	}
	sobre, err := b.NewSobre(sobre)
	b.must(err)
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		sobre.State, sobre.TrackID = state, "0123"
		b.must(b.UpdateSobre(sobre))
	}
	return sobre
}

// boletaSobre is an envelope of one boleta that the authority has.
func (b *till) boletaSobre(track string) dte.Sobre {
	b.t.Helper()
	b.caf(dte.Boleta, 1, 10)
	sobre, err := b.NewSobre(dte.Sobre{Boletas: true, Emisor: saletest.Shop().Emisor.RUT, Keys: []dte.Key{b.issue("b1").Key}, XML: []byte("<EnvioBOLETA/>")})
	b.must(err)
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		sobre.State, sobre.TrackID = state, track
		b.must(b.UpdateSobre(sobre))
	}
	return sobre
}

func verdictOf(key dte.Key, state dte.State, codigo string) dte.Veredicto {
	return dte.Veredicto{Key: key, State: state, Codigo: codigo, At: saletest.Now}
}

// fromFile imports one verdict.
func (b *till) fromFile(sobre dte.Sobre, v dte.Veredicto, want sale.ToldOutcome) {
	b.t.Helper()
	told, err := b.SettleFromFile(sobre.ID, []dte.Veredicto{v})
	if err != nil || len(told) != 1 || told[0].Outcome != want {
		b.t.Errorf("%+v, %v; want %s", told, err, want)
	}
	b.healthy()
}

func (b *till) stands(key dte.Key, state dte.State, codigo string, fuente dte.Fuente) {
	b.t.Helper()
	got, v, err := b.DocumentState(key)
	if err != nil || got != state || v.State != state || v.Codigo != codigo || v.Fuente != fuente {
		b.t.Errorf("%s stands %s %+v, %v; want %s %s from «%s»", key, got, v, err, state, codigo, fuente)
	}
}

// tasks are the IDs of what waits for a person.
func (b *till) tasks() (rejected, doubted int) {
	b.t.Helper()
	f, err := b.Facts(saletest.Now)
	b.must(err)
	return len(f.Rejected), len(f.Doubted)
}

// What a file says holds, marked, and the authority is asked all the same; its own word settles the matter, and a reason that
// only the file gave stays.
func TestAFileHoldsUntilTheAuthoritySpeaks(t *testing.T) {
	b := newTill(t)
	sobre := b.sentSobre()
	key := sobre.Keys[0]
	b.fromFile(sobre, verdictOf(key, dte.Rejected, "CAF-3-517"), sale.ToldApplied)
	b.fromFile(sobre, verdictOf(key, dte.Rejected, "CAF-3-517"), sale.ToldKnown)
	b.fromFile(sobre, verdictOf(sobre.Keys[1], dte.Accepted, ""), sale.ToldApplied)
	b.stands(key, dte.Rejected, "CAF-3-517", dte.FuenteArchivo)
	if open, err := b.OpenSobres(); err != nil || len(open) != 1 {
		t.Errorf("the envelope is no longer followed: %v, %v", open, err)
	}
	if state, known, err := b.Standing(key); state != dte.Sent || !known || err != nil {
		t.Errorf("the worker takes a file's word: %s, %v", state, err)
	}
	if rejected, _ := b.tasks(); rejected != 1 {
		t.Errorf("%d tasks", rejected)
	}
	b.must(b.Settle(sobre.ID, []dte.Veredicto{verdictOf(key, dte.Rejected, "")}))
	b.stands(key, dte.Rejected, "CAF-3-517", "")
	b.must(b.Settle(sobre.ID, []dte.Veredicto{verdictOf(sobre.Keys[1], dte.Accepted, "")}))
	if open, err := b.OpenSobres(); err != nil || len(open) != 0 {
		t.Errorf("the envelope stays open: %v, %v", open, err)
	}
	if rejected, doubted := b.tasks(); rejected != 1 || doubted != 0 {
		t.Errorf("%d rejected, %d doubted", rejected, doubted)
	}
}

// A forged file is found out: the authority's own word wins, the other is kept, and somebody is told.
func TestTheAuthorityBeliesAFile(t *testing.T) {
	for _, attended := range []bool{false, true} {
		b := newTill(t)
		sobre := b.sentSobre()
		bad, good := sobre.Keys[0], sobre.Keys[1]
		b.fromFile(sobre, verdictOf(bad, dte.Accepted, ""), sale.ToldApplied)
		b.fromFile(sobre, verdictOf(good, dte.Rejected, "CAF-3-517"), sale.ToldApplied)
		if attended {
			b.must(b.Attend(sale.TaskID(sale.AlarmRejected, good), "Rosa", "nada", saletest.Now))
		}
		b.must(b.Settle(sobre.ID, []dte.Veredicto{verdictOf(bad, dte.Rejected, "HED-3-305"), verdictOf(good, dte.Accepted, "")}))
		b.healthy()
		b.stands(bad, dte.Rejected, "HED-3-305", "")
		b.stands(good, dte.Accepted, "", "")
		if rejected, doubted := b.tasks(); rejected != 1 || doubted != 2 {
			t.Errorf("%d rejected, %d doubted", rejected, doubted)
		}
		f, err := b.Facts(saletest.Now)
		b.must(err)
		if otro := f.Doubted[1].Otro; otro.State != dte.Rejected || otro.Codigo != "CAF-3-517" || otro.Fuente != dte.FuenteArchivo {
			t.Errorf("%+v", otro)
		}
		b.must(b.Attend(sale.TaskID(sale.AlarmDoubt, good), "Rosa", "visto en sii.cl", saletest.Now))
		b.must(b.Attend(sale.TaskID(sale.AlarmRejected, bad), "Rosa", "corregida", saletest.Now))
		b.fromFile(sobre, verdictOf(good, dte.Rejected, "CAF-3-517"), sale.ToldDoubt) // the same file again
		if rejected, doubted := b.tasks(); rejected != 0 || doubted != 1 {
			t.Errorf("attended: %d rejected, %d doubted", rejected, doubted)
		}
	}
}

// Against what the authority has said a file does nothing but ask for a look; it may add a reason.
func TestAFileAfterTheAuthority(t *testing.T) {
	b := newTill(t)
	sobre := b.sentSobre()
	b.must(b.Settle(sobre.ID, []dte.Veredicto{verdictOf(sobre.Keys[0], dte.Accepted, ""), verdictOf(sobre.Keys[1], dte.Rejected, "")}))
	b.fromFile(sobre, verdictOf(sobre.Keys[0], dte.Rejected, "CAF-3-517"), sale.ToldDoubt)
	entries := b.healthy().Entries
	b.fromFile(sobre, verdictOf(sobre.Keys[0], dte.Rejected, "CAF-3-517"), sale.ToldDoubt)
	if n := b.healthy().Entries; n != entries {
		t.Errorf("the same file again wrote %d entries", n-entries)
	}
	b.stands(sobre.Keys[0], dte.Accepted, "", "")
	b.fromFile(sobre, verdictOf(sobre.Keys[1], dte.Rejected, "HED-3-305"), sale.ToldReason)
	b.fromFile(sobre, verdictOf(sobre.Keys[1], dte.Rejected, "CAF-3-517"), sale.ToldKnown)
	b.stands(sobre.Keys[1], dte.Rejected, "HED-3-305", "")
	if rejected, doubted := b.tasks(); rejected != 1 || doubted != 1 {
		t.Errorf("%d rejected, %d doubted", rejected, doubted)
	}
}

// The authority refuses the whole envelope after a file spoke of its documents: they go again, with nothing decided.
func TestAFileOfARefusedEnvelope(t *testing.T) {
	b := newTill(t)
	sobre := b.sentSobre()
	b.fromFile(sobre, verdictOf(sobre.Keys[0], dte.Rejected, "CAF-3-517"), sale.ToldApplied)
	b.must(b.Attend(sale.TaskID(sale.AlarmRejected, sobre.Keys[0]), "Rosa", "por ver", saletest.Now))
	made, err := b.Regroup(sobre.ID, "RCT", []dte.Sobre{{Emisor: sobre.Emisor, Keys: sobre.Keys, XML: []byte("<otro/>")}})
	b.must(err)
	b.healthy()
	if state, v, err := b.DocumentState(sobre.Keys[0]); state != dte.Enveloped || v != (dte.Veredicto{}) || err != nil {
		t.Errorf("%s %+v, %v", state, v, err)
	}
	if rejected, doubted := b.tasks(); rejected != 0 || doubted != 0 {
		t.Errorf("%d rejected, %d doubted", rejected, doubted)
	}
	_, err = b.SettleFromFile(sobre.ID, []dte.Veredicto{verdictOf(sobre.Keys[0], dte.Rejected, "CAF-3-517")})
	b.wantErr(err, ErrStep)
	b.must(b.Settle(made[0].ID, []dte.Veredicto{verdictOf(sobre.Keys[0], dte.Rejected, "HED-3-305")}))
	if rejected, _ := b.tasks(); rejected != 1 {
		t.Error("nobody is told of the rejection, because the file's was attended")
	}
}

func TestSettleFromFileRefuses(t *testing.T) {
	b := newTill(t)
	sobre := b.sentSobre()
	for name, v := range map[string]dte.Veredicto{
		"no verdict":       verdictOf(sobre.Keys[0], dte.Sent, ""),
		"a document of no": verdictOf(dte.Key{Emisor: sobre.Emisor, Tipo: dte.Factura, Folio: 9}, dte.Accepted, ""),
	} {
		if _, err := b.SettleFromFile(sobre.ID, []dte.Veredicto{verdictOf(sobre.Keys[1], dte.Accepted, ""), v}); !errors.Is(err, ErrStep) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if state, _, err := b.DocumentState(sobre.Keys[1]); state != dte.Sent || err != nil {
		t.Errorf("half of it was stored: %s, %v", state, err)
	}
	_, err := b.SettleFromFile("S999", nil)
	b.wantErr(err, sale.ErrNotFound)
	boleta := b.boletaSobre("0123") // the channel of boletas counts by itself
	found, err := b.SobreByTrack(func(id string) bool { return id == "0123" })
	if b.must(err); found.ID != sobre.ID || found.ID == boleta.ID {
		t.Errorf("%+v", found)
	}
	_, err = b.SobreByTrack(func(id string) bool { return id == "" })
	b.wantErr(err, sale.ErrNotFound)
}
