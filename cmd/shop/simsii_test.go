package shop

import (
	"context"
	"fmt"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
)

// treasury is the SII of a simulated world, without sockets: it receives envelopes, judges documents and remembers which
// question came before which upload.
type treasury struct {
	w      *simWorld
	tracks map[string]string // SHA-256 of an envelope → its track id
	keys   map[string][]dte.Key
	held   map[dte.Key]*taxed
	sent   map[string][]dte.Key // SHA-256 of an envelope → its documents, as whoever made it kept them
	// tried are the envelopes in which documents left after the last answer about them: they may have arrived.
	tried map[dte.Key]string
}

// taxed is a document that the SII has.
type taxed struct {
	sum   string
	track string
	state dte.State
	at    time.Time
}

func newTreasury(w *simWorld) *treasury {
	return &treasury{
		w: w, tracks: map[string]string{}, keys: map[string][]dte.Key{}, held: map[dte.Key]*taxed{}, sent: map[string][]dte.Key{},
		tried: map[dte.Key]string{},
	}
}

// processing is how long the SII takes to judge.
const processing = 40 * time.Second

// receive takes an envelope in, or recognises it.
func (s *treasury) receive(envelope []byte) (sii.Receipt, error) {
	sum := hashOf(envelope)
	if track, known := s.tracks[sum]; known {
		return sii.Receipt{TrackID: track, Already: true}, nil
	}
	read, err := dte.VerifyEnvelope(envelope, dtetest.Trust())
	if err != nil {
		s.w.fault("the SII was sent an envelope that it cannot read: %v", err)
		return sii.Receipt{}, &sii.Error{Verdict: sii.Person, Fault: sii.FaultContent, Code: "7", Message: "formato"}
	}
	track := fmt.Sprint(len(s.tracks) + 1)
	s.tracks[sum] = track
	for _, doc := range read.Documents {
		key, bytes := doc.Key(), hashOf(doc.XML)
		s.keys[track] = append(s.keys[track], key)
		switch before := s.held[key]; {
		case before == nil:
			s.held[key] = &taxed{sum: bytes, track: track, state: s.judge(key), at: s.w.now}
		case before.sum != bytes:
			s.w.collides(key, "the SII received %s with two contents", key.ID())
		default:
			s.w.stats.repeats++
		}
	}
	return sii.Receipt{TrackID: track}, nil
}

// judge: most are accepted, some boletas with objections, and a few not at all.
func (s *treasury) judge(key dte.Key) dte.State {
	switch n := s.w.r.IntN(40); {
	case !key.Tipo.EsBoleta() || n > 4:
		return dte.Accepted
	case n > 0:
		return dte.Objected
	}
	return dte.Rejected
}

func (s *treasury) envelope(track string) (status sii.EnvelopeStatus) {
	keys := s.keys[track]
	if len(keys) == 0 {
		return sii.EnvelopeStatus{Phase: sii.InProgress}
	}
	counts := map[dte.TipoDTE]*sii.Count{}
	status.Phase, status.Estado = sii.Processed, "EPR"
	for _, key := range keys {
		d := s.held[key]
		if s.w.now.Before(d.at.Add(processing)) {
			return sii.EnvelopeStatus{Phase: sii.InProgress}
		}
		c := counts[key.Tipo]
		if c == nil {
			c = &sii.Count{Tipo: key.Tipo}
			counts[key.Tipo] = c
		}
		c.Informados++
		switch {
		case d.track != track:
			c.Rechazados++
			status.Details = append(status.Details, sii.Detail{Tipo: key.Tipo, Folio: key.Folio, State: dte.Unknown, Codigo: sii.CodeRepeated})
		case d.state == dte.Accepted:
			c.Aceptados++
		case d.state == dte.Objected:
			c.Reparos++
			status.Details = append(status.Details, sii.Detail{Tipo: key.Tipo, Folio: key.Folio, State: dte.Objected, Codigo: "HED-1-232"})
		default:
			c.Rechazados++
			status.Details = append(status.Details, sii.Detail{Tipo: key.Tipo, Folio: key.Folio, State: dte.Rejected, Codigo: "DTE-3-601"})
		}
	}
	for _, tipo := range simTypes {
		if c := counts[tipo]; c != nil {
			status.Counts = append(status.Counts, *c)
		}
	}
	return status
}

func (s *treasury) document(key dte.Key, sum string) sii.DocumentStatus {
	d := s.held[key]
	switch {
	case d == nil:
		return sii.DocumentStatus{Codigo: "FAU"}
	case d.sum != sum:
		return sii.DocumentStatus{Found: true, State: dte.Rejected, Codigo: "DNK"}
	case s.w.now.Before(d.at.Add(processing)):
		return sii.DocumentStatus{Found: true, State: dte.Sent, TrackID: d.track}
	}
	return sii.DocumentStatus{Found: true, State: d.state, TrackID: d.track}
}

// answered: whoever sent an envelope knows now whether it arrived, by one of its documents.
func (s *treasury) answered(key dte.Key) {
	for _, neighbour := range s.sent[s.tried[key]] {
		delete(s.tried, neighbour)
	}
}

// siiLine is one sender's way to the SII. It is the worker's Authority.
type siiLine struct {
	w *simWorld
	m *simTill // nil: the server's own worker
}

func (l siiLine) name() string {
	if l.m == nil {
		return "server"
	}
	return l.m.name
}

func lineDown(maybe bool) *sii.Error {
	return &sii.Error{Verdict: sii.Later, Down: true, MaybeReceived: maybe, Code: "red", Message: "sin línea"}
}

// Upload implements possync.Authority.
func (l siiLine) Upload(_ context.Context, _ sii.Channel, _ dte.RUT, name string, envelope []byte) (receipt sii.Receipt, err error) {
	if l.m.act() {
		return receipt, errKilled
	}
	s, sum := l.w.sii, hashOf(envelope)
	for _, key := range s.sent[sum] {
		if s.tried[key] != "" && (l.m == nil || !l.m.forgets()) {
			l.w.fault("%s sends %s again without having asked", l.name(), key.ID())
		}
	}
	f := l.w.fate(l.m)
	l.w.note("%s uploads %s: %s", l.name(), name, f)
	if f == cutOff {
		return receipt, lineDown(false)
	}
	for _, key := range s.sent[sum] {
		s.tried[key] = sum
	}
	switch f {
	case never, page:
		return receipt, lineDown(true)
	case late:
		l.w.later(func() { _, _ = s.receive(envelope) })
		return receipt, lineDown(true)
	case doubled:
		_, _ = s.receive(envelope)
	case busy:
		return receipt, &sii.Error{Verdict: sii.Later, Code: "9", Message: "bloqueado", MaybeReceived: true, RetryAfter: time.Minute}
	}
	receipt, err = s.receive(envelope)
	if l.m.act() {
		return sii.Receipt{}, errKilled
	}
	if f == lostAnswer || f == cut {
		return sii.Receipt{}, lineDown(true)
	}
	if err == nil {
		s.answered(s.sent[sum][0])
	}
	return receipt, err
}

// asks is a question: it gets there or not, and so does the answer.
func (l siiLine) asks() error {
	if l.m.act() {
		return errKilled
	}
	switch l.w.fate(l.m) {
	case well, doubled:
		return nil
	case busy:
		return &sii.Error{Verdict: sii.Later, Code: "9", Message: "bloqueado"}
	}
	return lineDown(false)
}

// EnvelopeStatus implements possync.Authority.
func (l siiLine) EnvelopeStatus(_ context.Context, _ sii.Channel, _ dte.RUT, track string) (sii.EnvelopeStatus, error) {
	if err := l.asks(); err != nil {
		return sii.EnvelopeStatus{}, err
	}
	return l.w.sii.envelope(track), nil
}

// DocumentStatus implements possync.Authority.
func (l siiLine) DocumentStatus(_ context.Context, doc *dte.Document) (sii.DocumentStatus, error) {
	if l.w.plant.blindResend {
		return sii.DocumentStatus{Codigo: "FAU"}, nil
	}
	if err := l.asks(); err != nil {
		return sii.DocumentStatus{}, err
	}
	s := l.w.sii
	status := s.document(doc.Key(), hashOf(doc.XML))
	s.answered(doc.Key())
	return status, nil
}
