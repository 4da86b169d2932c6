package sync_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	possync "mostrador/sync"
)

// passes steps through so much time, or until there is nothing more to do, and demands that the worker rests on the way.
func (d *desk) passes(span time.Duration, check func()) {
	d.t.Helper()
	busy := 0
	for end := d.now().Add(span); d.now().Before(end); check() {
		before := d.now()
		next := d.step()
		if next.IsZero() {
			return
		}
		if busy++; next.After(before) {
			busy = 0
		} else if busy > 5 {
			d.t.Fatal("it does not rest")
		}
	}
}

// What is sold for a line that is up leaves at once, however long the other line wants to be left alone.
func TestALineThatIsDownDoesNotPutTheOtherToSleep(t *testing.T) {
	d := newDesk(t)
	d.sii.fail = func(_ string, ch sii.Channel) error {
		if ch == sii.ChannelBoleta {
			return &sii.Error{Verdict: sii.Later, Down: true, RetryAfter: time.Hour, Message: "portal"}
		}
		return nil
	}
	d.issue(dte.Boleta, 1, 1)
	d.set(d.now().Add(time.Minute))
	d.worker.Step(t.Context())
	facturas := d.issue(dte.Factura, 1, 1)
	d.worker.Step(t.Context())
	if d.sii.held[facturas[0]] == "" {
		t.Error("the factura waits for the line of the boletas")
	}
	if n := d.sii.uploads; n != 1 {
		t.Errorf("%d uploads", n)
	}
}

// What this machine finds out by itself says nothing of the line: it stays down since when it went down.
func TestWhatWasNotAskedDoesNotMendTheLine(t *testing.T) {
	bad := map[any]bool{}
	d := newDesk(t, func(d *desk) { d.outbox = broken{d.box, bad} })
	d.sii.fail = func(string, sii.Channel) error { return &sii.Error{Verdict: sii.Later, Message: "más tarde"} }
	d.issue(dte.Factura, 1, 1)
	d.worker.Step(t.Context())
	bad["S000000001"] = true
	d.sii.fail = func(string, sii.Channel) error {
		return &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"}
	}
	d.issue(dte.Factura, 2, 1)
	d.worker.Step(t.Context())
	since := d.worker.Status().Since
	if since.IsZero() {
		t.Fatal("the line is up")
	}
	d.sii.asked = nil
	d.passes(time.Hour, func() {
		if s := d.worker.Status(); !s.Down || !s.Since.Equal(since) {
			t.Fatalf("down %v since %s, it went down at %s", s.Down, s.Since, since)
		}
	})
	if n := len(d.sii.asked); n > 70 {
		t.Errorf("the line was tried %d times in an hour", n)
	}
}

// A document about which the authority cannot answer holds up none of its neighbours.
func TestAnUnansweredDocumentHoldsUpNoNeighbour(t *testing.T) {
	d := newDesk(t)
	keys := d.issue(dte.Factura, 1, 6)
	silent := failing{told{scripted: d.sii, counts: []sii.Count{}}, keys[2]}
	d.worker.Authority = silent
	d.passes(time.Hour, func() {})
	for i, key := range keys {
		want := dte.Accepted
		if i == 2 {
			want = dte.Sent
		}
		d.state(key, want)
	}
	if n := len(d.sii.asked); n > 60 {
		t.Errorf("%d exchanges in an hour", n)
	}
}

// failing is an authority that cannot answer about one document.
type failing struct {
	told
	key dte.Key
}

func (a failing) DocumentStatus(ctx context.Context, doc *dte.Document) (sii.DocumentStatus, error) {
	if doc.Key() == a.key {
		a.asked = append(a.asked, "document")
		return sii.DocumentStatus{}, &sii.Error{Verdict: sii.Later, Code: "7", Message: "no se pudo"}
	}
	return a.told.DocumentStatus(ctx, doc)
}

// No more documents are taken for rejected than the authority says that it rejected: what else it does not show yet, it
// will.
func TestNoMoreAreRejectedThanTheAuthorityCounts(t *testing.T) {
	d := newDesk(t)
	keys := d.issue(dte.Factura, 1, 3)
	hidden := 2
	d.worker.Authority = told{
		scripted: d.sii, counts: []sii.Count{{Tipo: dte.Factura, Informados: 3, Aceptados: 2, Rechazados: 1}},
		document: func(key dte.Key, s sii.DocumentStatus) sii.DocumentStatus {
			if slices.Contains(keys[:hidden], key) {
				return sii.DocumentStatus{Codigo: "FAU"}
			}
			return s
		},
	}
	d.passes(10*time.Minute, func() {})
	d.state(keys[0], dte.Sent)
	d.state(keys[1], dte.Sent)
	d.state(keys[2], dte.Accepted)
	hidden = 1
	d.drains(2*time.Hour, 50)
	d.state(keys[0], dte.Rejected)
	d.state(keys[1], dte.Accepted)
}

// A detail about a document that was not in the envelope explains nothing about those that were.
func TestAForeignDetailExplainsNothing(t *testing.T) {
	d := newDesk(t)
	keys := d.issue(dte.Boleta, 1, 2)
	d.worker.Authority = strange{told{
		scripted: d.sii, counts: []sii.Count{{Tipo: dte.Boleta, Informados: 2, Aceptados: 1, Rechazados: 1}},
		document: func(key dte.Key, s sii.DocumentStatus) sii.DocumentStatus {
			if key == keys[0] {
				return sii.DocumentStatus{Codigo: "FAU"}
			}
			return s
		},
	}}
	d.drains(2*time.Hour, 50)
	d.state(keys[0], dte.Rejected)
	d.state(keys[1], dte.Accepted)
}

// strange is an authority that rejects a boleta that nobody sent it.
type strange struct{ told }

func (a strange) EnvelopeStatus(ctx context.Context, ch sii.Channel, emisor dte.RUT, track string) (sii.EnvelopeStatus, error) {
	s, err := a.told.EnvelopeStatus(ctx, ch, emisor, track)
	s.Details = []sii.Detail{{Tipo: dte.Boleta, Folio: 999, State: dte.Rejected, Codigo: "HED-3-211"}}
	return s, err
}

// Once a sender has been refused, a clock that is put back does not keep the throttle on after he is received again.
func TestAClockPutBackDoesNotKeepTheSenderOnHold(t *testing.T) {
	d := newDesk(t)
	d.pace.DTEBatch = 1
	d.restart()
	d.sii.refuse = func([]*dte.Document) *sii.Error {
		return &sii.Error{Verdict: sii.Person, Fault: sii.FaultSender, Code: "6", Message: "sin permiso"}
	}
	d.issue(dte.Factura, 1, 1)
	d.worker.Step(t.Context())
	d.sii.refuse = nil
	d.set(d.now().Add(-24 * time.Hour))
	d.issue(dte.Factura, 2, 12)
	d.drains(time.Hour, 100)
}

// remedied is a till in which a person had documents sent again: the authority may hold them from another envelope.
type remedied struct {
	*possync.Memory
	again map[dte.Key]bool
}

func (r remedied) OpenSobres() ([]dte.Sobre, error) {
	open, err := r.Memory.OpenSobres()
	for i := range open {
		for _, key := range open[i].Keys {
			if r.again[key] {
				open[i].Again = append(open[i].Again, key)
			}
		}
	}
	return open, err
}

// A document that the authority holds from another envelope is no proof that this one arrived.
func TestADocumentSentAgainProvesNoEnvelope(t *testing.T) {
	for _, all := range []bool{false, true} {
		again := map[dte.Key]bool{}
		d := newDesk(t, func(d *desk) { d.outbox = remedied{d.box, again} })
		keys := d.issue(dte.Factura, 1, 3)
		again[keys[0]], again[keys[1]], again[keys[2]] = true, all, all
		d.sii.held[keys[0]] = "4711"
		lost := 0
		d.sii.fail = func(step string, _ sii.Channel) error {
			if step == "upload" && lost == 0 {
				lost++
				return &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true, Message: "sin respuesta"}
			}
			return nil
		}
		d.sii.repeats = true
		d.drains(2*time.Hour, 50)
		for _, key := range keys {
			d.state(key, dte.Accepted)
			if d.sii.held[key] == "" {
				t.Errorf("all %v: %s is accepted, and the authority does not have it", all, key.ID())
			}
		}
	}
}

// Whoever restored a backup of this till on another computer has sent the first boleta in an envelope of its own. That one is no proof
// of the envelope of this till, whose upload was lost, even if as many documents came in it: the second boleta is not said to be at
// the SII, nor asked for for ever, before it is there.
func TestTheEnvelopeOfACopyIsNotThisOne(t *testing.T) {
	for name, c := range map[string]struct {
		there [][]dte.Folio // what the other computer sent, envelope by envelope
		mute  bool          // the authority tells no track id of a document
		away  time.Duration // so long it answers nothing
		slow  int           // so often the envelope is being processed
		fails int           // this question about a document fails
		other []dte.Folio   // what is there under these has other data
		no    sii.Fault     // the second upload is refused for it
	}{
		"and the sender is refused":    {there: [][]dte.Folio{{1, 40, 41, 42}}, no: sii.FaultSender},
		"and the content is refused":   {there: [][]dte.Folio{{1, 40, 41, 42}}, no: sii.FaultContent},
		"two of them with other data":  {there: [][]dte.Folio{{1, 2, 3, 4}}, other: []dte.Folio{3, 4}},
		"the older one alone":          {there: [][]dte.Folio{{1}}},
		"and tells no track":           {there: [][]dte.Folio{{1}}, mute: true},
		"which takes its time":         {there: [][]dte.Folio{{1, 2, 4}}, slow: 3},
		"with newer ones":              {there: [][]dte.Folio{{1, 40, 41, 42}}},
		"the newer ones and another":   {there: [][]dte.Folio{{2, 3, 4, 40}}},
		"all but one in the middle":    {there: [][]dte.Folio{{1, 2, 4}}},
		"and the other sent many more": {there: [][]dte.Folio{{1, 3, 4, 40, 41}}},
		"in two envelopes":             {there: [][]dte.Folio{{1, 40, 41, 42}, {4}}},
		"after hours without a line":   {there: [][]dte.Folio{{1, 2, 4}}, away: 5 * time.Hour, fails: 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			keys := d.issue(dte.Boleta, 1, 4)
			for i, folios := range c.there {
				for _, folio := range folios {
					d.sii.held[dte.Key{Emisor: keys[0].Emisor, Tipo: dte.Boleta, Folio: folio}] = fmt.Sprint("47", i)
				}
			}
			d.worker.Authority = told{scripted: d.sii, slow: &c.slow, document: func(key dte.Key, s sii.DocumentStatus) sii.DocumentStatus {
				if c.mute {
					s.TrackID = ""
				}
				if slices.Contains(c.other, key.Folio) {
					return sii.DocumentStatus{Found: true, State: dte.Rejected, TrackID: s.TrackID, Codigo: "DNK"}
				}
				return s
			}}
			lost, asked, start := 0, 0, d.now()
			d.sii.repeats = true
			d.sii.fail = func(step string, _ sii.Channel) error {
				switch {
				case step == "upload" && lost == 0:
					lost++
					return &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true, Message: "sin respuesta"}
				case step == "upload" && lost == 1 && c.no != "":
					lost++
					return &sii.Error{Verdict: sii.Person, Fault: c.no, Code: "6", Message: "sin permiso"}
				case step != "upload" && d.now().Before(start.Add(c.away)):
					return &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"}
				case step == "document":
					if asked++; asked == c.fails {
						return &sii.Error{Verdict: sii.Later, Message: "ocupado"}
					}
				}
				return nil
			}
			for range 300 {
				d.step()
				for _, key := range keys {
					state, _, _ := d.box.DocumentState(key)
					if not := d.sii.held[key] == "" || slices.Contains(c.other, key.Folio); not && (state == dte.Accepted || state == dte.Objected) {
						t.Fatalf("%s is %s, and the authority does not have it", key.ID(), state)
					}
				}
			}
			for _, key := range keys {
				want := dte.Accepted
				if slices.Contains(c.other, key.Folio) {
					want = dte.Rejected
				}
				d.state(key, want)
			}
			if want := map[bool]int{true: 0, false: 1}[len(c.other) > 0]; d.sii.uploads != want && c.no == "" {
				t.Errorf("%d uploads arrived: %v", d.sii.uploads, d.sii.asked)
			}
		})
	}
}

// The answer to an upload was lost, the one document that was asked for had been rejected there, and the second upload is
// refused because of the sender. The envelope was received all the same: nothing of it is made anew.
func TestRefusedAfterADoubtIsNotMadeAnew(t *testing.T) {
	d := newDesk(t)
	keys := d.issue(dte.Factura, 1, 2)
	uploads := 0
	d.sii.fail = func(step string, _ sii.Channel) error {
		if step != "upload" {
			return nil
		}
		uploads++
		d.sii.received = uploads == 1
		switch uploads {
		case 1:
			return &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true, Message: "sin respuesta"}
		case 2:
			return &sii.Error{Verdict: sii.Person, Fault: sii.FaultSender, Code: "1", Message: "sin permiso"}
		}
		return nil
	}
	d.worker.Authority = told{
		scripted: d.sii, counts: []sii.Count{{Tipo: dte.Factura, Informados: 2, Aceptados: 1, Rechazados: 1}},
		document: func(key dte.Key, s sii.DocumentStatus) sii.DocumentStatus {
			if key == keys[0] {
				return sii.DocumentStatus{Codigo: "FAU"}
			}
			return s
		},
	}
	d.drains(2*time.Hour, 50)
	d.state(keys[0], dte.Rejected)
	d.state(keys[1], dte.Accepted)
	if uploads != 3 || len(d.sii.names) != 1 {
		t.Errorf("%d uploads of %d envelopes", uploads, len(d.sii.names))
	}
}

// Notes that wait, however many, hide nothing that was issued after them.
func TestManyWaitingNotesHideNothing(t *testing.T) {
	d := newDesk(t)
	factura := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 1)
	d.box.Add(factura, d.now())
	d.sii.fail = func(step string, _ sii.Channel) error {
		if step == "upload" {
			return nil
		}
		return &sii.Error{Verdict: sii.Later, Message: "más tarde"}
	}
	draft, signer := dtetest.Note(dte.NotaCredito, factura, dtetest.Today()), dtetest.Signer(dtetest.Person)
	caf, _ := dtetest.CAF(draft.Emisor.RUT, dte.NotaCredito, 1, 500, dtetest.FA())
	for n := range dte.Folio(500) {
		note, err := dte.Emit(draft, n+1, caf, signer, dtetest.Now())
		if err != nil {
			t.Fatal(err)
		}
		d.box.Add(note, d.now())
	}
	behind := d.issue(dte.Factura, 2, 1)
	for range 3 {
		d.worker.Step(t.Context())
	}
	if d.sii.held[behind[0]] == "" {
		t.Error("the factura waits behind the notes")
	}
}
