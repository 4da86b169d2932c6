// Package synctest is the conformance suite of possync.Outbox: whatever keeps the worker's documents must pass it.
package synctest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	possync "mostrador/sync"
)

// Outbox is what the suite drives: an Outbox that can also tell where a document stands.
type Outbox interface {
	possync.Outbox
	DocumentState(dte.Key) (dte.State, dte.Veredicto, error)
}

// Till is an outbox under test and what the suite does to it from outside.
type Till struct {
	Outbox
	// Add puts in a new document of dtetest.Emisor, as a sale at that time does. Folios of a type come in order from 1.
	Add func(doc *dte.Document, at time.Time)
	// Restart ends the program in the middle of whatever it does, and starts it again.
	Restart func() Outbox
}

// RunOutbox runs the suite. Each part has an empty outbox of its own.
func RunOutbox(t *testing.T, open func(t *testing.T) Till) {
	parts := []struct {
		name string
		run  func(*part)
	}{
		{"documents wait in order, by channel", waitInOrder},
		{"an envelope freezes bytes and takes its documents", freezes},
		{"a document goes in one envelope only", oneEnvelope},
		{"updates move the documents and nothing frozen", updates},
		{"the life has no other steps", noOtherSteps},
		{"verdicts settle", settles},
		{"a verdict is final", finalVerdict},
		{"a refused envelope gives its documents to others", regroups},
		{"an upload that a crash ended is unknown", crashIsUnknown},
		{"the backlog counts", counts},
		{"nothing is found where nothing is", nothing},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.run(&part{T: t, Till: open(t), folios: map[dte.TipoDTE]dte.Folio{}}) })
	}
}

type part struct {
	*testing.T
	Till
	folios map[dte.TipoDTE]dte.Folio
}

// issue makes the next document of a type and puts it in.
func (p *part) issue(tipo dte.TipoDTE, at time.Time) *dte.Document {
	p.folios[tipo]++
	draft := dtetest.Draft(dte.Factura, dtetest.Today())
	switch {
	case tipo.EsNota():
		draft = dtetest.Note(tipo, dtetest.Emit(draft, 90), dtetest.Today())
	case tipo != dte.Factura:
		draft = dtetest.Draft(tipo, dtetest.Today())
	}
	doc := dtetest.Emit(draft, p.folios[tipo])
	p.Add(doc, at)
	return doc
}

func (p *part) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *part) refused(what string, err error) {
	p.Helper()
	if err == nil {
		p.Errorf("%s was accepted", what)
	}
}

func (p *part) want(what string, got, want any) {
	p.Helper()
	if !reflect.DeepEqual(got, want) {
		p.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (p *part) waiting(boletas bool, limit int) []dte.Key {
	p.Helper()
	docs, err := p.Waiting(boletas, limit)
	p.must(err)
	var keys []dte.Key
	for _, d := range docs {
		keys = append(keys, d.Key())
	}
	return keys
}

func (p *part) state(key dte.Key, want dte.State) {
	p.Helper()
	got, _, err := p.DocumentState(key)
	p.must(err)
	p.want("state of "+key.ID(), got, want)
	got, known, err := p.Standing(key)
	p.must(err)
	p.want(key.ID()+" is known", known, true)
	p.want("standing of "+key.ID(), got, want)
}

func (p *part) boleta() *dte.Document { return p.issue(dte.Boleta, dtetest.Now()) }

func (p *part) sobre(docs ...*dte.Document) dte.Sobre {
	p.Helper()
	s, err := p.NewSobre(envelope(docs...))
	p.must(err)
	return s
}

func envelope(docs ...*dte.Document) dte.Sobre {
	s := dte.Sobre{Boletas: docs[0].Tipo.EsBoleta(), Emisor: docs[0].Emisor.RUT, CreatedAt: dtetest.Now(), XML: []byte("<EnvioDTE/>")}
	for _, d := range docs {
		s.Keys = append(s.Keys, d.Key())
	}
	return s
}

func (p *part) open() []dte.Sobre {
	p.Helper()
	open, err := p.OpenSobres()
	p.must(err)
	return open
}

func accepted(key dte.Key) dte.Veredicto {
	return dte.Veredicto{Key: key, State: dte.Accepted, At: dtetest.Now()}
}

func waitInOrder(p *part) {
	b1, f1, b2, f2, b3 := p.boleta(), p.issue(dte.Factura, dtetest.Now()), p.boleta(), p.issue(dte.NotaCredito, dtetest.Now()), p.boleta()
	p.want("boletas", p.waiting(true, 10), []dte.Key{b1.Key(), b2.Key(), b3.Key()})
	for i, want := range []int{1, 2, 3, 3} {
		n, oldest, err := p.WaitingSince(true, i+1)
		p.must(err)
		p.want("how many boletas wait", n, want)
		p.want("since when", oldest.Equal(dtetest.Now()), true)
	}
	p.want("others", p.waiting(false, 10), []dte.Key{f1.Key(), f2.Key()})
	p.want("limit", p.waiting(true, 2), []dte.Key{b1.Key(), b2.Key()})
	p.sobre(b1)
	p.want("after an envelope", p.waiting(true, 10), []dte.Key{b2.Key(), b3.Key()})
	docs, err := p.Waiting(true, 1)
	p.must(err)
	p.want("bytes", docs[0].XML, b2.XML)
	doc, err := p.DocumentIn(b1.Key())
	p.must(err)
	p.want("bytes of one", doc.XML, b1.XML)
	p.want("totals of one", doc.Totales, b1.Totales)
}

func freezes(p *part) {
	b1, b2 := p.boleta(), p.boleta()
	in := envelope(b1, b2)
	in.XML = []byte("<EnvioBOLETA>\xf1</EnvioBOLETA>")
	frozen := bytes.Clone(in.XML)
	s, err := p.NewSobre(in)
	p.must(err)
	in.XML[1] = 'X'
	in.Keys[0].Folio = 99
	sum := sha256.Sum256(frozen)
	p.want("first ID", s.ID, "S000000001")
	p.want("state", s.State, dte.Enveloped)
	p.want("hash", s.SHA256, hex.EncodeToString(sum[:]))
	xml, err := p.SobreXML(s.ID)
	p.must(err)
	p.want("bytes", xml, frozen)
	xml[0] = 'X'
	xml, err = p.SobreXML(s.ID)
	p.must(err)
	p.want("bytes again", xml, frozen)
	open := p.open()
	p.want("open", len(open), 1)
	p.want("keys", open[0].Keys, []dte.Key{b1.Key(), b2.Key()})
	p.want("no XML in the list", open[0].XML, []byte(nil))
	p.want("created", open[0].CreatedAt.Equal(dtetest.Now()), true)
	p.state(b1.Key(), dte.Enveloped)
	p.want("next ID", p.sobre(p.boleta()).ID, "S000000002")
	p.want("oldest first", p.open()[0].ID, s.ID)
}

func oneEnvelope(p *part) {
	b1, b2, f := p.boleta(), p.boleta(), p.issue(dte.Factura, dtetest.Now())
	p.sobre(b1)
	for what, s := range map[string]dte.Sobre{
		"a document of another envelope": envelope(b2, b1),
		"a document twice":               envelope(b2, b2),
		"a factura among boletas":        envelope(b2, f),
		"an empty envelope":              {Boletas: true, XML: []byte("<x/>")},
		"an envelope without bytes":      {Boletas: true, Keys: []dte.Key{b2.Key()}},
		"an unknown document":            {Boletas: true, XML: []byte("<x/>"), Keys: []dte.Key{b2.Key(), {Emisor: 1, Tipo: dte.Boleta, Folio: 1}}},
	} {
		_, err := p.NewSobre(s)
		p.refused(what, err)
		p.state(b2.Key(), dte.Issued)
	}
	p.want("open", len(p.open()), 1)
	p.want("still waiting", p.waiting(true, 10), []dte.Key{b2.Key()})
}

func updates(p *part) {
	b1, b2 := p.boleta(), p.boleta()
	s := p.sobre(b1, b2)
	s.State, s.Attempts, s.Problem = dte.Sending, 1, "sin respuesta"
	p.must(p.UpdateSobre(s))
	p.state(b1.Key(), dte.Sending)
	s.State, s.TrackID, s.SentAt, s.Problem = dte.Sent, "4711", dtetest.Now(), ""
	changed := s
	changed.Keys, changed.XML, changed.SHA256 = []dte.Key{b1.Key()}, []byte("other"), "00"
	changed.CreatedAt, changed.Emisor, changed.Boletas = time.Time{}, 1, false
	p.must(p.UpdateSobre(changed))
	got := p.open()[0]
	p.want("track", got.TrackID, "4711")
	p.want("sent", got.SentAt.Equal(dtetest.Now()), true)
	p.want("attempts", got.Attempts, 1)
	p.want("state", got.State, dte.Sent)
	p.want("keys", got.Keys, s.Keys)
	p.want("hash", got.SHA256, s.SHA256)
	p.want("emisor", got.Emisor, s.Emisor)
	p.want("created", got.CreatedAt.Equal(dtetest.Now()), true)
	xml, err := p.SobreXML(s.ID)
	p.must(err)
	p.want("bytes", string(xml), "<EnvioDTE/>")
	p.state(b2.Key(), dte.Sent)
}

func noOtherSteps(p *part) {
	walk := func(states ...dte.State) error {
		s := p.sobre(p.boleta())
		for i, st := range states {
			s.State = st
			if err := p.UpdateSobre(s); err != nil || i == len(states)-1 {
				if err != nil && i < len(states)-1 {
					p.Fatalf("%v: step %d: %v", states, i, err)
				}
				return err
			}
		}
		return nil
	}
	for _, good := range [][]dte.State{
		{dte.Enveloped, dte.Sending, dte.Sent, dte.Sent},
		{dte.Sending, dte.Unknown, dte.Enveloped, dte.Sending},
		{dte.Sending, dte.Unknown, dte.Sent},
		{dte.Sending, dte.Enveloped},
		{dte.Unknown, dte.Sending},
	} {
		p.must(walk(good...))
	}
	for _, bad := range [][]dte.State{
		{dte.Issued},
		{dte.Accepted},
		{dte.Rejected},
		{"nonsense"},
		{""},
		{dte.Sending, dte.Issued},
		{dte.Sending, dte.Sent, dte.Enveloped},
		{dte.Sending, dte.Sent, dte.Unknown},
	} {
		if walk(bad...) == nil {
			p.Errorf("%v was accepted", bad)
		}
	}
}

func regroups(p *part) {
	b1, b2, b3, b4 := p.boleta(), p.boleta(), p.boleta(), p.boleta()
	s, bystander := p.sobre(b1, b2, b3), p.sobre(b4)
	s.State, s.TrackID = dte.Sent, "4711"
	p.must(p.UpdateSobre(s))
	p.must(p.Settle(s.ID, []dte.Veredicto{accepted(b1.Key())}))
	one, other := envelope(b2), envelope(b3)
	one.XML, one.Attempts, one.NextAt = []byte("<one/>"), 2, dtetest.Now().Add(time.Hour)

	left := func(id string, want ...dte.Key) {
		keys, err := p.Left(id)
		p.must(err)
		p.want("left in "+id, slices.Equal(keys, want), true)
	}
	left(s.ID, b2.Key(), b3.Key())
	regroup := func(id, reason string, into []dte.Sobre) error {
		_, err := p.Regroup(id, reason, into)
		return err
	}
	factura := envelope(b3)
	factura.Boletas = false
	foreign := envelope(b3)
	foreign.Emisor++
	for what, into := range map[string][]dte.Sobre{
		"nothing instead":             nil,
		"a document left out":         {one},
		"a document twice":            {one, other, envelope(b3)},
		"a document twice in one":     {one, envelope(b3, b3)},
		"a decided document":          {one, other, envelope(b1)},
		"another envelope's document": {one, other, envelope(b4)},
		"another kind":                {one, factura},
		"another company":             {one, foreign},
		"an envelope without bytes":   {one, {Boletas: true, Emisor: other.Emisor, Keys: other.Keys}},
		"an empty envelope":           {one, other, {Boletas: true, Emisor: other.Emisor, XML: []byte("<x/>")}},
	} {
		p.refused(what, regroup(s.ID, "RSC", into))
	}
	p.refused("no reason", regroup(s.ID, "", []dte.Sobre{one, other}))
	p.refused("an unknown envelope", regroup("S000000099", "RSC", []dte.Sobre{one, other}))
	p.state(b2.Key(), dte.Sent)
	p.want("open before", len(p.open()), 2)

	made, err := p.Regroup(s.ID, "RSC Rechazado por Error en Schema", []dte.Sobre{one, other})
	p.must(err)
	p.Outbox = p.Restart()
	open := p.open()
	p.want("made", []string{made[0].ID, made[1].ID}, []string{open[1].ID, open[2].ID})
	p.want("open after", len(open), 3)
	p.want("the bystander", open[0].ID, bystander.ID)
	p.want("instead of", []string{open[1].Instead, open[2].Instead}, []string{s.ID, s.ID})
	p.want("keys", [][]dte.Key{open[1].Keys, open[2].Keys}, [][]dte.Key{{b2.Key()}, {b3.Key()}})
	p.want("attempts", open[1].Attempts, 2)
	p.want("not before", open[1].NextAt.Equal(dtetest.Now().Add(time.Hour)), true)
	xml, err := p.SobreXML(open[1].ID)
	p.must(err)
	p.want("bytes", string(xml), "<one/>")
	xml, err = p.SobreXML(s.ID)
	p.must(err)
	p.want("bytes of the refused one", string(xml), "<EnvioDTE/>")
	p.state(b1.Key(), dte.Accepted)
	p.state(b2.Key(), dte.Enveloped)
	p.state(b3.Key(), dte.Enveloped)
	p.want("nothing waits", len(p.waiting(true, 10)), 0)

	p.refused("twice", regroup(s.ID, "RSC", []dte.Sobre{one, other}))
	left(s.ID)
	left(open[1].ID, b2.Key())
	p.refused("news of the refused one", p.UpdateSobre(s))
	p.refused("its late verdict", p.Settle(s.ID, []dte.Veredicto{accepted(b2.Key())}))
	p.state(b2.Key(), dte.Enveloped)
	p.must(p.Settle(open[1].ID, []dte.Veredicto{accepted(b2.Key())}))
	p.want("open at last", len(p.open()), 2)
}

func settles(p *part) {
	b1, b2, b3 := p.boleta(), p.boleta(), p.boleta()
	s, other := p.sobre(b1, b2), p.sobre(b3)
	s.State = dte.Sent
	p.must(p.UpdateSobre(s))
	p.must(p.Settle(s.ID, []dte.Veredicto{accepted(b1.Key())}))
	p.state(b1.Key(), dte.Accepted)
	p.state(b2.Key(), dte.Sent)
	p.want("still open", len(p.open()), 2)
	p.refused("a verdict that decides nothing", p.Settle(s.ID, []dte.Veredicto{{Key: b2.Key(), State: dte.Sent}}))
	p.refused("a verdict of another envelope's", p.Settle(s.ID, []dte.Veredicto{accepted(b2.Key()), accepted(b3.Key())}))
	p.state(b2.Key(), dte.Sent)
	p.state(b3.Key(), dte.Enveloped)
	bad := dte.Veredicto{Key: b2.Key(), State: dte.Rejected, Codigo: "DTE-3-101", Glosa: "Folio ya recibido", At: dtetest.Now()}
	p.must(p.Settle(s.ID, []dte.Veredicto{bad}))
	st, v, err := p.DocumentState(b2.Key())
	p.must(err)
	p.want("state", st, dte.Rejected)
	p.want("glosa", v.Codigo+" "+v.Glosa, "DTE-3-101 Folio ya recibido")
	p.want("open", len(p.open()), 1)
	p.want("the other", p.open()[0].ID, other.ID)
}

func finalVerdict(p *part) {
	b1, b2 := p.boleta(), p.boleta()
	s := p.sobre(b1, b2)
	p.must(p.Settle(s.ID, []dte.Veredicto{{Key: b1.Key(), State: dte.Objected, Glosa: "reparo", At: dtetest.Now()}}))
	p.must(p.Settle(s.ID, []dte.Veredicto{{Key: b1.Key(), State: dte.Rejected, Glosa: "tarde", At: dtetest.Now()}}))
	st, v, err := p.DocumentState(b1.Key())
	p.must(err)
	p.want("first verdict stays", string(st)+" "+v.Glosa, string(dte.Objected)+" reparo")
	s.State = dte.Sending
	p.must(p.UpdateSobre(s))
	p.state(b1.Key(), dte.Objected)
	p.state(b2.Key(), dte.Sending)
	p.must(p.Settle(s.ID, []dte.Veredicto{accepted(b2.Key())}))
	s.Settled = false
	p.must(p.UpdateSobre(s))
	p.want("settled stays settled", len(p.open()), 0)
}

func crashIsUnknown(p *part) {
	b1, b2, b3, b4 := p.boleta(), p.boleta(), p.boleta(), p.boleta()
	s1, s2, s3 := p.sobre(b1), p.sobre(b2, b4), p.sobre(b3)
	p.must(p.Settle(s2.ID, []dte.Veredicto{accepted(b4.Key())}))
	s2.State, s3.State = dte.Sending, dte.Sent
	p.must(p.UpdateSobre(s2))
	p.must(p.UpdateSobre(s3))
	p.Outbox = p.Restart()
	var states []dte.State
	for _, s := range p.open() {
		states = append(states, s.State)
	}
	p.want("states of "+s1.ID+" to "+s3.ID, states, []dte.State{dte.Enveloped, dte.Unknown, dte.Sent})
	p.state(b1.Key(), dte.Enveloped)
	p.state(b2.Key(), dte.Unknown)
	p.state(b4.Key(), dte.Accepted)
	p.want("next ID", p.sobre(p.boleta()).ID, "S000000004")
}

func counts(p *part) {
	b, err := p.Backlog()
	p.must(err)
	p.want("empty", b.Documents, 0)
	p.want("oldest of none", b.Oldest.IsZero(), true)
	first := p.issue(dte.Boleta, dtetest.Now())
	second := p.issue(dte.Boleta, dtetest.Now().Add(time.Minute))
	p.issue(dte.Factura, dtetest.Now().Add(time.Hour))
	s := p.sobre(first)
	b, err = p.Backlog()
	p.must(err)
	p.want("documents", b.Documents, 3)
	p.want("by state", b.ByState, map[dte.State]int{dte.Issued: 2, dte.Enveloped: 1})
	p.want("oldest", b.Oldest.Equal(dtetest.Now()), true)
	p.must(p.Settle(s.ID, []dte.Veredicto{accepted(first.Key())}))
	b, err = p.Backlog()
	p.must(err)
	p.want("documents", b.Documents, 2)
	p.want("oldest", b.Oldest.Equal(dtetest.Now().Add(time.Minute)), true)
	p.want("second waits", slices.Contains(p.waiting(true, 9), second.Key()), true)
}

func nothing(p *part) {
	key := dte.Key{Emisor: 1, Tipo: dte.Boleta, Folio: 1}
	_, err := p.DocumentIn(key)
	p.refused("DocumentIn of nothing", err)
	_, _, err = p.DocumentState(key)
	p.refused("DocumentState of nothing", err)
	_, known, err := p.Standing(key)
	p.must(err)
	p.want("a document of nobody is known", known, false)
	_, err = p.SobreXML("S000000001")
	p.refused("SobreXML of nothing", err)
	p.refused("UpdateSobre of nothing", p.UpdateSobre(dte.Sobre{ID: "S000000001", State: dte.Sending}))
	p.refused("Settle of nothing", p.Settle("S000000001", nil))
	p.want("open", len(p.open()), 0)
	p.want("waiting", len(p.waiting(true, 5)), 0)
}
