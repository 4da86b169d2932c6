package sync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	possync "mostrador/sync"
)

// scripted is an authority that fails as it is told, and otherwise does its work at once.
type scripted struct {
	t        *testing.T
	fail     func(step string, ch sii.Channel) error // nil answers; asked before each exchange
	received bool                                    // what arrives in an upload that fails is kept
	sobres   map[string][]byte                       // track id → bytes
	names    map[string][]byte                       // file name → bytes of the first upload
	held     map[dte.Key]string                      // track id of each document
	refuse   func(docs []*dte.Document) *sii.Error   // what the envelope as a whole is refused for
	repeats  bool                                    // a document may come again; it is held from the first time
	late     bool                                    // the refusal comes with the question, not with the upload
	lost     map[string]*sii.Error                   // track id → refusal
	wait     time.Duration                           // said with the answer about a document
	uploads  int
	asked    []string
}

func newScripted(t *testing.T) *scripted {
	return &scripted{t: t, sobres: map[string][]byte{}, names: map[string][]byte{}, held: map[dte.Key]string{}, lost: map[string]*sii.Error{}}
}

func (a *scripted) failure(step string, ch sii.Channel) error {
	a.asked = append(a.asked, step)
	if a.fail == nil {
		return nil
	}
	return a.fail(step, ch)
}

func (a *scripted) Upload(_ context.Context, ch sii.Channel, _ dte.RUT, name string, envelope []byte) (sii.Receipt, error) {
	if first, again := a.names[name]; again && !bytes.Equal(first, envelope) {
		a.t.Errorf("%s was sent again as other bytes", name)
	}
	a.names[name] = bytes.Clone(envelope)
	err := a.failure("upload", ch)
	if err != nil && !a.received {
		return sii.Receipt{}, err
	}
	a.uploads++
	track := fmt.Sprint(len(a.sobres) + 1)
	for known, b := range a.sobres {
		if bytes.Equal(b, envelope) {
			return sii.Receipt{TrackID: known, Already: true}, err
		}
	}
	a.sobres[track] = bytes.Clone(envelope)
	read, readErr := dte.VerifyEnvelope(envelope, dtetest.Trust())
	if readErr != nil {
		a.t.Errorf("%s: %v", name, readErr)
		return sii.Receipt{}, err
	}
	if a.refuse != nil {
		if no := a.refuse(read.Documents); no != nil && a.late {
			a.lost[track] = no
			return sii.Receipt{TrackID: track}, err
		} else if no != nil {
			return sii.Receipt{}, no
		}
	}
	for _, d := range read.Documents {
		if a.held[d.Key()] != "" && a.repeats {
			continue
		}
		if a.held[d.Key()] != "" {
			a.t.Errorf("%s was received twice", d.Key())
		}
		a.held[d.Key()] = track
	}
	return sii.Receipt{TrackID: track}, err
}

func (a *scripted) EnvelopeStatus(_ context.Context, ch sii.Channel, _ dte.RUT, track string) (sii.EnvelopeStatus, error) {
	if err := a.failure("envelope", ch); err != nil {
		return sii.EnvelopeStatus{}, err
	}
	if no := a.lost[track]; no != nil {
		return sii.EnvelopeStatus{Phase: sii.Rejected, Fault: no.Fault, Estado: no.Code, Glosa: no.Message}, nil
	}
	counts := map[dte.TipoDTE]int{}
	for key, in := range a.held {
		if in == track {
			counts[key.Tipo]++
		}
	}
	s := sii.EnvelopeStatus{Phase: sii.Processed, Estado: "EPR"}
	for tipo, n := range counts {
		s.Counts = append(s.Counts, sii.Count{Tipo: tipo, Informados: n, Aceptados: n})
	}
	return s, nil
}

func (a *scripted) DocumentStatus(_ context.Context, doc *dte.Document) (sii.DocumentStatus, error) {
	if err := a.failure("document", sii.ChannelOf(doc.Tipo)); err != nil {
		return sii.DocumentStatus{}, err
	}
	track, found := a.held[doc.Key()]
	if !found {
		return sii.DocumentStatus{Codigo: "FAU", RetryAfter: a.wait}, nil
	}
	return sii.DocumentStatus{Found: true, State: dte.Accepted, TrackID: track}, nil
}

// desk is an outbox, a scripted authority and a clock that only the test turns.
type desk struct {
	*clock
	t      *testing.T
	box    *possync.Memory
	sii    *scripted
	worker *possync.Worker
	pace   possync.Pace
	outbox possync.Outbox // what the worker sees; box unless said otherwise
}

func newDesk(t *testing.T, edit ...func(*desk)) *desk {
	t.Helper()
	d := &desk{t: t, clock: &clock{t: dtetest.Now()}, box: possync.NewMemory(), sii: newScripted(t)}
	d.outbox = d.box
	for _, e := range edit {
		e(d)
	}
	d.restart()
	return d
}

func (d *desk) restart() {
	d.box.Interrupt()
	d.worker = possync.New(possync.Config{
		Outbox: d.outbox, Authority: d.sii, Signer: dtetest.Signer(dtetest.Person), Resolucion: dtetest.Resolucion(),
		Now: d.now, After: func(time.Duration) <-chan time.Time { return nil },
		Jitter: rand.New(rand.NewPCG(1, 2)).Int64N, Pace: d.pace,
	})
}

func (d *desk) issue(tipo dte.TipoDTE, from dte.Folio, n int) (keys []dte.Key) {
	d.t.Helper()
	for i := range n {
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), from+dte.Folio(i))
		d.box.Add(doc, d.now())
		keys = append(keys, doc.Key())
	}
	return keys
}

// step takes one step and turns the clock to where the worker wants it.
func (d *desk) step() (next time.Time) {
	d.t.Helper()
	next = d.worker.Step(d.t.Context())
	if next.After(d.now()) {
		d.set(next)
	}
	return next
}

// drains demands that everything is accepted within so long and so many steps.
func (d *desk) drains(within time.Duration, steps int) {
	d.t.Helper()
	start := d.now()
	for range steps {
		if d.step().IsZero() {
			break
		}
	}
	b, err := d.box.Backlog()
	if err != nil || b.Documents != 0 {
		d.t.Errorf("after %d steps: %+v %v; %+v", steps, b, err, d.worker.Status())
	}
	if took := d.now().Sub(start); took > within {
		d.t.Errorf("took %s", took)
	}
}

func (d *desk) state(key dte.Key, want dte.State) {
	d.t.Helper()
	if got, _, err := d.box.DocumentState(key); err != nil || got != want {
		d.t.Errorf("%s is %s, want %s (%v)", key.ID(), got, want, err)
	}
}

// Every kind of answer to every question, for hours: the worker always rests between its tries, and when the authority
// is well again everything is accepted within the hour, once, as the same bytes.
func TestRestsAndDrainsAfterEveryKindOfError(t *testing.T) {
	kinds := map[string]error{
		"later":                &sii.Error{Verdict: sii.Later, Message: "más tarde"},
		"later, wants a day":   &sii.Error{Verdict: sii.Later, RetryAfter: 24 * time.Hour, Message: "mañana"},
		"later, maybe":         &sii.Error{Verdict: sii.Later, MaybeReceived: true, Message: "quizás"},
		"already, no track":    &sii.Error{Verdict: sii.Already, MaybeReceived: true, Message: "ya estaba"},
		"person":               &sii.Error{Verdict: sii.Person, Message: "alguien"},
		"down":                 &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"},
		"down, maybe":          &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true, Message: "cortado"},
		"portal, wants a day":  &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true, RetryAfter: 24 * time.Hour, Message: "portal"},
		"an error of no kind":  errors.New("otro"),
		"person, wants a week": &sii.Error{Verdict: sii.Person, RetryAfter: 7 * 24 * time.Hour, Message: "alguien"},
	}
	docs := []*dte.Document{
		dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 1), dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 2),
		dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 1),
	}
	for name, failure := range kinds {
		for _, at := range []string{"upload", "envelope", "document", "upload document", "envelope document", "upload envelope document"} {
			for _, received := range []bool{false, true} {
				if received && !strings.Contains(at, "upload") {
					continue
				}
				t.Run(fmt.Sprintf("%s at %s, received %v", name, at, received), func(t *testing.T) {
					d := newDesk(t)
					d.sii.received = received
					d.sii.fail = func(step string, _ sii.Channel) error {
						if strings.Contains(at, step) {
							return failure
						}
						return nil
					}
					for _, doc := range docs {
						d.box.Add(doc, d.now())
					}
					d.set(d.now().Add(time.Minute))
					busy, most := 0, 0
					for end := d.now().Add(5 * time.Hour); d.now().Before(end); {
						before := d.now()
						next := d.step()
						if next.IsZero() {
							break // it did not meet the failure
						}
						if busy++; next.After(before) {
							busy = 0
						}
						if most = max(most, busy); most > 2 {
							break // it spins
						}
					}
					if most > 2 {
						t.Errorf("%d steps without a rest", most)
					}
					if n := len(d.sii.asked); n > 2000 {
						t.Errorf("%d exchanges in five hours", n)
					}
					d.sii.fail = nil
					d.restart()
					d.drains(90*time.Minute, 200)
				})
			}
		}
	}
}

// A line of one channel that is down does not hold up the other one: they have hosts of their own.
func TestOneChannelDownDoesNotHoldUpTheOther(t *testing.T) {
	d := newDesk(t)
	d.sii.fail = func(_ string, ch sii.Channel) error {
		if ch == sii.ChannelBoleta {
			return &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"}
		}
		return nil
	}
	boletas := d.issue(dte.Boleta, 1, 1)
	d.set(d.now().Add(time.Minute))
	d.step()
	facturas := d.issue(dte.Factura, 1, 1)
	for range 10 {
		d.step()
	}
	d.state(facturas[0], dte.Accepted)
	d.state(boletas[0], dte.Enveloped)
	if s := d.worker.Status(); !s.Down || s.Problem != "sin línea" {
		t.Errorf("status: %+v", s)
	}
	d.sii.fail = nil
	d.drains(10*time.Minute, 50)
}

// A clock that was wrong for a while (a dead battery, then the network's time) stops nothing when it is put right.
func TestClockJumpsStopNothing(t *testing.T) {
	failures := map[string]error{
		"down": &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true}, "later": &sii.Error{Verdict: sii.Later},
		"unknown": &sii.Error{Verdict: sii.Later, MaybeReceived: true}, "none": nil,
	}
	for name, failure := range failures {
		for _, jump := range []time.Duration{-4 * 365 * 24 * time.Hour, -25 * time.Hour, -time.Hour, -time.Second, 24 * time.Hour, 4 * 365 * 24 * time.Hour} {
			t.Run(fmt.Sprint(name, " ", jump), func(t *testing.T) {
				d := newDesk(t)
				d.sii.fail = func(string, sii.Channel) error { return failure }
				d.issue(dte.Boleta, 1, 2)
				d.issue(dte.Factura, 1, 2)
				d.worker.Step(t.Context())
				d.set(d.now().Add(2 * time.Minute))
				d.worker.Step(t.Context())
				d.issue(dte.Boleta, 10, 1)
				d.worker.Step(t.Context())
				d.set(d.now().Add(jump))
				d.sii.fail = nil
				d.drains(2*time.Hour, 100)
			})
		}
	}
}

// broken is an outbox in which the bytes of some documents and envelopes cannot be read any more.
type broken struct {
	*possync.Memory
	bad map[any]bool
}

var errBytes = errors.New("bytes dañados")

func (b broken) DocumentIn(key dte.Key) (*dte.Document, error) {
	if b.bad[key] {
		return nil, errBytes
	}
	return b.Memory.DocumentIn(key)
}

func (b broken) SobreXML(id string) ([]byte, error) {
	if b.bad[id] {
		return nil, errBytes
	}
	return b.Memory.SobreXML(id)
}

// Waiting does as the store does: when only damaged documents are left, it says so.
func (b broken) Waiting(boletas bool, limit int) (docs []*dte.Document, err error) {
	all, err := b.Memory.Waiting(boletas, limit)
	for _, d := range all {
		if !b.bad[d.Key()] {
			docs = append(docs, d)
		}
	}
	if err == nil && len(docs) == 0 && len(all) > 0 {
		err = errBytes
	}
	return docs, err
}

// What cannot be read any more, in whatever state, holds up nobody else, is told, and leaves the worker its rest.
func TestDamageHoldsUpNobodyElse(t *testing.T) {
	for _, damage := range []string{"waiting factura", "waiting boleta", "envelope", "unknown document"} {
		t.Run(damage, func(t *testing.T) {
			bad := map[any]bool{}
			d := newDesk(t, func(d *desk) { d.outbox = broken{d.box, bad} })
			first := d.issue(dte.Factura, 1, 1)
			switch damage {
			case "waiting factura":
				bad[first[0]] = true
			case "waiting boleta":
				bad[d.issue(dte.Boleta, 90, 1)[0]] = true
			case "envelope":
				d.sii.fail = func(string, sii.Channel) error { return &sii.Error{Verdict: sii.Later} }
				d.step()
				d.sii.fail = nil
				bad["S000000001"] = true
			case "unknown document":
				d.sii.fail = func(step string, _ sii.Channel) error {
					return &sii.Error{Verdict: sii.Later, MaybeReceived: true}
				}
				d.step()
				d.sii.fail = nil
				bad[first[0]] = true
			}
			keys := append(d.issue(dte.Boleta, 1, 2), d.issue(dte.Factura, 2, 1)...)
			busy := 0
			for range 40 {
				before := d.now()
				if busy++; d.step().After(before) {
					busy = 0
				} else if busy > 2 {
					t.Fatal("it does not rest")
				}
			}
			for _, key := range keys {
				d.state(key, dte.Accepted)
			}
			if s := d.worker.Status(); !strings.Contains(s.Problem, errBytes.Error()) || s.Backlog.Documents != 1 {
				t.Errorf("status: %+v", s)
			}
		})
	}
}

// A note on a rejected document gets its own verdict: it was issued, so it does not wait for ever.
func TestNoteOnARejectedDocumentIsJudged(t *testing.T) {
	d := newDesk(t)
	factura := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 1)
	d.box.Add(factura, d.now())
	d.step()
	open, err := d.box.OpenSobres()
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	if err := d.box.Settle(open[0].ID, []dte.Veredicto{{Key: factura.Key(), State: dte.Rejected, Codigo: "X", At: d.now()}}); err != nil {
		t.Fatal(err)
	}
	note := dtetest.Emit(dtetest.Note(dte.NotaCredito, factura, dtetest.Today()), 1)
	d.box.Add(note, d.now())
	d.drains(time.Hour, 50)
	d.state(note.Key(), dte.Accepted)
}

// An envelope number that the authority cannot answer about is not the end: the documents are asked for themselves.
func TestAnUnansweredTrackIDIsGoneRound(t *testing.T) {
	d := newDesk(t)
	d.sii.fail = func(step string, _ sii.Channel) error {
		if step == "envelope" {
			return &sii.Error{Verdict: sii.Later, Code: "-11", Message: "no se pudo"}
		}
		return nil
	}
	keys := d.issue(dte.Factura, 1, 2)
	d.drains(time.Hour, 50)
	d.state(keys[0], dte.Accepted)
}

// Boletas from an outage leave in full envelopes, and the screen is told on the way.
func TestLongBacklogLeavesInParts(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.pace.BoletaBatch = 2 })
	d.issue(dte.Boleta, 1, 120)
	d.worker.Step(t.Context())
	if n := d.worker.Status().Backlog.ByState[dte.Sent]; n == 0 || n == 120 {
		t.Errorf("%d sent in the first step", n)
	}
	factura := d.issue(dte.Factura, 1, 1)
	for range 6 {
		d.worker.Step(t.Context())
	}
	if d.sii.held[factura[0]] == "" {
		t.Error("a new factura waits for the whole backlog")
	}
	d.drains(time.Hour, 200)
	if len(d.sii.sobres) != 61 || d.sii.uploads != 61 {
		t.Errorf("%d envelopes in %d uploads", len(d.sii.sobres), d.sii.uploads)
	}
}

// Looking whether boletas are due reads none of them.
func TestDueIsKnownWithoutReading(t *testing.T) {
	var reads int
	d := newDesk(t, func(d *desk) { d.outbox = counting{d.box, &reads} })
	d.issue(dte.Boleta, 1, 5)
	for range 10 {
		d.worker.Step(t.Context())
	}
	if reads != 10 { // the envelopes, once a step; there are none
		t.Errorf("%d reads where no boleta is due", reads)
	}
}

type counting struct {
	*possync.Memory
	reads *int
}

func (c counting) OpenSobres() ([]dte.Sobre, error) {
	*c.reads++
	return c.Memory.OpenSobres()
}

func (c counting) Waiting(boletas bool, limit int) ([]*dte.Document, error) {
	if boletas {
		*c.reads++
	}
	return c.Memory.Waiting(boletas, limit)
}

// While the line is down a sale wakes the worker for nothing: it counts, makes no more envelopes, and leaves its long list
// alone. When the line is back, the list is worked off in parts.
func TestALineThatIsDownCostsLittle(t *testing.T) {
	var reads int
	d := newDesk(t, func(d *desk) { d.pace.BoletaBatch = 1; d.outbox = counting{d.box, &reads} })
	d.sii.fail = func(string, sii.Channel) error {
		return &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"}
	}
	d.issue(dte.Boleta, 1, 50)
	for range 8 {
		d.step() // every other tries the line once; the first one made twenty envelopes
	}
	d.worker.Step(t.Context())
	reads = 0
	for range 10 {
		d.worker.Step(t.Context())
	}
	if b := d.worker.Status().Backlog; reads != 0 || b.ByState[dte.Enveloped] != 20 || b.ByState[dte.Issued] != 30 {
		t.Errorf("%d reads, backlog %+v", reads, b)
	}
	d.sii.fail = nil
	d.step()
	for range 2 {
		before := d.sii.uploads
		d.worker.Step(t.Context())
		if n := d.sii.uploads - before; n > 20 {
			t.Errorf("%d uploads in a step", n)
		}
	}
	if n := d.sii.uploads; n < 20 {
		t.Errorf("%d uploads in two steps", n)
	}
	d.drains(time.Hour, 100)
}

// What was sold while the line was down leaves in full envelopes, facturas first, all but the envelope that tried the line.
func TestAfterAnOutageFacturasLeaveFirst(t *testing.T) {
	d := newDesk(t)
	d.sii.fail = func(string, sii.Channel) error {
		return &sii.Error{Verdict: sii.Later, Down: true, Message: "sin línea"}
	}
	var boletas, facturas []dte.Key
	for n := range dte.Folio(100) {
		boletas = append(boletas, d.issue(dte.Boleta, n+1, 1)...)
		if n%4 == 0 {
			facturas = append(facturas, d.issue(dte.Factura, n+1, 1)...)
		}
		d.step()
	}
	d.sii.fail = nil
	d.drains(time.Hour, 100)
	track := func(key dte.Key) int {
		n, err := strconv.Atoi(d.sii.held[key])
		if err != nil {
			t.Error(err)
		}
		return n
	}
	for _, boleta := range boletas { // the envelope of the first one tried the line
		if track(boleta) != track(boletas[0]) && track(boleta) < track(facturas[len(facturas)-1]) {
			t.Errorf("%s left before the facturas", boleta.ID())
		}
	}
	if len(d.sii.sobres) > 8 {
		t.Errorf("%d envelopes for %d documents", len(d.sii.sobres), len(boletas)+len(facturas))
	}
}

// One document that the authority will not have does not take its neighbours along: the envelope is halved until it
// stands alone.
func TestOneBadDocumentIsQuarantined(t *testing.T) {
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.Factura} {
		for _, late := range []bool{false, true} {
			for _, bad := range [][]dte.Folio{{1}, {17}, {40}, {3, 4}, {1, 20, 40}} {
				t.Run(fmt.Sprint(tipo, " late ", late, " ", bad), func(t *testing.T) {
					d := newDesk(t, func(d *desk) { d.pace.BoletaBatch, d.pace.DTEBatch = 40, 40 })
					d.sii.late = late
					d.sii.refuse = func(docs []*dte.Document) *sii.Error {
						for _, doc := range docs {
							if slices.Contains(bad, doc.Folio) {
								return &sii.Error{Verdict: sii.Person, Fault: sii.FaultContent, Code: "RSC", Message: "esquema"}
							}
						}
						return nil
					}
					keys := d.issue(tipo, 1, 40)
					d.drains(3*time.Hour, 200)
					for _, key := range keys {
						want := dte.Accepted
						if slices.Contains(bad, key.Folio) {
							want = dte.Rejected
						}
						d.state(key, want)
						if _, v, _ := d.box.DocumentState(key); want == dte.Rejected && (v.Codigo != "RSC" || v.Glosa != "esquema") {
							t.Errorf("%s: %+v", key.ID(), v)
						}
					}
					if most := 1 + 12*len(bad); len(d.sii.names) > most {
						t.Errorf("%d envelopes for %d bad documents, at most %d", len(d.sii.names), len(bad), most)
					}
				})
			}
		}
	}
}

// A sender that the authority refuses holds up his own channel, and only what is to be sent on it: what was received is
// followed to its verdict.
func TestARefusedSenderHoldsUpOnlySending(t *testing.T) {
	d := newDesk(t)
	before := d.issue(dte.Factura, 1, 1)
	d.worker.Step(t.Context()) // received
	d.sii.refuse = func(docs []*dte.Document) *sii.Error {
		if docs[0].Tipo.EsBoleta() {
			return nil
		}
		return &sii.Error{Verdict: sii.Person, Fault: sii.FaultSender, Code: "6", Message: "sin permiso"}
	}
	refused := append(d.issue(dte.Factura, 2, 1), d.issue(dte.FacturaExenta, 1, 1)...)
	boletas := d.issue(dte.Boleta, 1, 2)
	for end := d.now().Add(10 * time.Minute); d.now().Before(end); {
		d.step()
	}
	d.state(before[0], dte.Accepted)
	d.state(boletas[0], dte.Accepted)
	if s := d.worker.Status(); s.Problem != "sin permiso" || s.Cause != possync.CauseSII || s.Backlog.Documents != len(refused) {
		t.Errorf("status: %+v", s)
	}
	if n := len(d.sii.names); n > 3 {
		t.Errorf("%d envelopes were sent", n)
	}
	d.sii.refuse = nil
	d.drains(time.Hour, 50)
	d.state(refused[0], dte.Accepted)
}

// How long the authority wants to be left alone after a question about a document is kept.
func TestWaitsAsLongAsAskedAboutADocument(t *testing.T) {
	d := newDesk(t)
	d.sii.wait = 20 * time.Minute
	var asked []time.Time
	d.sii.fail = func(step string, _ sii.Channel) error {
		if step == "document" {
			asked = append(asked, d.now())
			return nil
		}
		return &sii.Error{Verdict: sii.Later, MaybeReceived: true, Message: "quizás"}
	}
	d.issue(dte.Factura, 1, 1)
	for len(asked) < 2 {
		d.step()
	}
	if waited := asked[1].Sub(asked[0]); waited < d.sii.wait {
		t.Errorf("asked again after %s", waited)
	}
}

// told is an authority that says other things than it does.
type told struct {
	*scripted
	counts   []sii.Count
	slow     *int // so often it says of an envelope that it is being processed
	document func(dte.Key, sii.DocumentStatus) sii.DocumentStatus
}

func (a told) EnvelopeStatus(ctx context.Context, ch sii.Channel, emisor dte.RUT, track string) (sii.EnvelopeStatus, error) {
	s, err := a.scripted.EnvelopeStatus(ctx, ch, emisor, track)
	if a.slow != nil && *a.slow > 0 && err == nil {
		*a.slow--
		return sii.EnvelopeStatus{Phase: sii.InProgress}, nil
	}
	if a.counts != nil {
		s.Counts = a.counts
	}
	return s, err
}

func (a told) DocumentStatus(ctx context.Context, doc *dte.Document) (sii.DocumentStatus, error) {
	s, err := a.scripted.DocumentStatus(ctx, doc)
	if a.document != nil && err == nil {
		s = a.document(doc.Key(), s)
	}
	return s, err
}

// The DTE channel counts the objections and does not say to what. Where all of a type are alike the counts are enough.
func TestTheCountsAloneTellObjections(t *testing.T) {
	judged := func(factura sii.Count) (*desk, []dte.Key, []dte.Key) {
		d := newDesk(t)
		d.worker.Authority = told{scripted: d.sii, counts: []sii.Count{{Tipo: dte.FacturaExenta, Informados: 2, Aceptados: 2}, factura}}
		facturas, others := d.issue(dte.Factura, 1, 2), d.issue(dte.FacturaExenta, 1, 2)
		d.drains(time.Hour, 50)
		return d, facturas, others
	}
	for _, c := range []struct {
		counts sii.Count
		state  dte.State
		asked  int // the upload, the envelope, and each document of which the counts are not enough
	}{
		{sii.Count{Tipo: dte.Factura, Informados: 2, Reparos: 2}, dte.Objected, 2},
		{sii.Count{Tipo: dte.Factura, Informados: 2, Reparos: 1, Aceptados: 1}, dte.Accepted, 4}, // which one, only the mail says
		{sii.Count{Tipo: dte.Factura, Informados: 1, Reparos: 1}, dte.Accepted, 4},               // the authority counts otherwise
	} {
		d, facturas, others := judged(c.counts)
		for i := range 2 {
			d.state(facturas[i], c.state)
			d.state(others[i], dte.Accepted)
		}
		if len(d.sii.asked) != c.asked {
			t.Errorf("%+v: asked %v", c.counts, d.sii.asked)
		}
	}
}

// An answer was lost and the boleta service names no track id: a document that is not there, though its neighbours are, leaves once
// more with them, and the envelope's own number tells that it was rejected. Nobody asks for it for ever.
func TestADocumentMissingFromAReceivedEnvelopeIsDecided(t *testing.T) {
	d := newDesk(t)
	keys := d.issue(dte.Boleta, 1, 3)
	d.sii.received = true
	lost := 0
	d.sii.fail = func(step string, _ sii.Channel) error {
		if step == "upload" && lost == 0 {
			lost++
			return &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: true}
		}
		return nil
	}
	d.worker.Authority = told{
		scripted: d.sii, counts: []sii.Count{{Tipo: dte.Boleta, Informados: 3, Aceptados: 2, Rechazados: 1}},
		document: func(key dte.Key, s sii.DocumentStatus) sii.DocumentStatus {
			if key == keys[1] {
				return sii.DocumentStatus{Codigo: "FAU", Glosa: "Documento No Recibido"}
			}
			s.TrackID = ""
			return s
		},
	}
	d.drains(time.Hour, 50)
	d.state(keys[0], dte.Accepted)
	d.state(keys[1], dte.Rejected)
	d.state(keys[2], dte.Accepted)
	if d.sii.uploads != 2 {
		t.Errorf("%d uploads", d.sii.uploads)
	}
}
