package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
)

// Authority is the SII as the worker needs it; sii.Client is the real one. Errors are *sii.Error.
type Authority interface {
	Upload(ctx context.Context, ch sii.Channel, emisor dte.RUT, name string, envelope []byte) (sii.Receipt, error)
	EnvelopeStatus(ctx context.Context, ch sii.Channel, emisor dte.RUT, trackID string) (sii.EnvelopeStatus, error)
	DocumentStatus(ctx context.Context, doc *dte.Document) (sii.DocumentStatus, error)
}

// Pace is how the worker spends the authority's patience. The zero value of each field stands for its default.
type Pace struct {
	// Boletas in one envelope, at most (50, as the SII recommends), and how long the oldest one waits for company (1 min).
	BoletaBatch int
	BoletaWait  time.Duration
	// DTEBatch is the same for all other documents (10); they never wait.
	DTEBatch int
	// FirstPoll is how soon the fate of an envelope is asked for (15 s); later polls come at half the envelope's age, up
	// to MaxPoll (10 min).
	FirstPoll, MaxPoll time.Duration
	// FirstRetry doubles up to MaxRetry while the authority fails (10 s, 15 min).
	FirstRetry, MaxRetry time.Duration
	// LineProbe is how often a line that is down is tried (10 s, doubling up to one minute).
	LineProbe time.Duration
	// Patience is how long after an upload without answer "not received" is believed (1 min): it may still be on its way.
	Patience time.Duration
}

const maxLineProbe = time.Minute

// maxWait is the longest that an authority, or whoever answers in its place, can ask to be left alone: a boleta is to
// arrive within the hour in which the line is back (Res. Ex. SII 74 of 2020).
const maxWait = time.Hour

// mostInARound is how many envelopes are made, and how many taken further, before the screen is told and new documents
// are looked at: a long backlog keeps nobody waiting.
const mostInARound = 20

func (p Pace) orDefaults() Pace {
	number := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	duration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	number(&p.BoletaBatch, 50)
	number(&p.DTEBatch, 10)
	duration(&p.BoletaWait, time.Minute)
	duration(&p.FirstPoll, 15*time.Second)
	duration(&p.MaxPoll, 10*time.Minute)
	duration(&p.FirstRetry, 10*time.Second)
	duration(&p.MaxRetry, 15*time.Minute)
	duration(&p.LineProbe, 10*time.Second)
	duration(&p.Patience, time.Minute)
	p.BoletaBatch = min(p.BoletaBatch, dte.MaxBoletas)
	p.DTEBatch = min(p.DTEBatch, dte.MaxFacturas)
	return p
}

// Config is what a Worker works with. All but Pace and Report are needed.
type Config struct {
	Outbox     Outbox
	Authority  Authority
	Signer     *dte.Signer
	Resolucion dte.Resolucion
	Now        func() time.Time
	// After is time.After; tests turn the clock themselves.
	After func(time.Duration) <-chan time.Time
	// Jitter is a number from 0 to n-1, to keep many tills from knocking at once.
	Jitter func(n int64) int64
	Pace   Pace
	// Report, if set, is called from Run's goroutine after each round. It must not block.
	Report func(Status)
}

// Status is what the worker tells the screen.
type Status struct {
	// Down: the line is down since Since; nobody is at fault and nothing is lost.
	Down  bool
	Since time.Time
	// Problem is the last trouble in words for the shop; empty when all is well. Cause says whose it is.
	Problem string
	Cause   Cause
	Backlog dte.Backlog
}

// Cause is where a trouble comes from.
type Cause string

// The causes.
const (
	CauseLine Cause = "line" // nobody's: the line is down
	CauseSII  Cause = "sii"  // the authority fails, or refuses
	CauseTill Cause = "till" // this machine's: what was stored cannot be read, or the disk does not take more
)

func (s *Status) trouble(c Cause, words string) { s.Cause, s.Problem = c, words }

// line is one channel's way to the authority. The channels have hosts of their own, which fail apart.
type line struct {
	since time.Time     // down since; zero while it is up
	probe time.Duration // pause before it is tried again
	until time.Time     // nothing is tried before, while it is down
	// The authority refused the sender since suspect, until it has processed an envelope of his again. Nothing is sent
	// before hold, and then one envelope at a time; questions go on.
	suspect, hold time.Time
}

// Worker drains an Outbox. Run it once; Wake and Step may not be mixed from several goroutines, except that Wake may be
// called from any.
type Worker struct {
	Config
	wake   chan struct{}
	status Status
	lines  map[sii.Channel]*line
	quiet  time.Time // every line that is needed is down: nothing is tried before
}

// New makes a worker; Run starts it.
func New(c Config) *Worker {
	c.Pace = c.Pace.orDefaults()
	return &Worker{
		Config: c, wake: make(chan struct{}, 1), lines: map[sii.Channel]*line{sii.ChannelBoleta: {}, sii.ChannelDTE: {}},
	}
}

// Wake makes the worker look at the outbox now. It never blocks and may be called from any goroutine.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then returns nil. An upload that is cut short by the end is Unknown and will be asked for
// at the next start.
func (w *Worker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next := w.Step(ctx)
		if w.Report != nil {
			w.Report(w.status)
		}
		var alarm <-chan time.Time
		if !next.IsZero() {
			alarm = w.After(max(0, next.Sub(w.Now())))
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-alarm:
		}
	}
	return nil
}

// Status is what the last Step found.
func (w *Worker) Status() Status { return w.status }

// Step does what can be done now and tells when there is more to do: a time after now, or now if it stopped after a
// part of a long backlog; zero means not before a Wake.
func (w *Worker) Step(ctx context.Context) time.Time {
	if w.rests(w.quiet) && !w.soldForALineThatIsUp() {
		w.count()
		return w.quiet
	}
	next, err := w.round(ctx)
	if err != nil && ctx.Err() == nil {
		w.status.trouble(CauseTill, err.Error())
		next = earliest(next, w.Now().Add(w.Pace.FirstRetry))
	}
	w.count()
	return next
}

// rests reports that nothing is to be done before t. A time that no pause reaches was set by a clock that has since been
// put back, and holds nobody.
func (w *Worker) rests(t time.Time) bool {
	now := w.Now()
	return now.Before(t) && !t.After(now.Add(w.longestPause()))
}

// soldForALineThatIsUp: that does not wait for the other line.
func (w *Worker) soldForALineThatIsUp() bool {
	for ch, l := range w.lines {
		if !l.since.IsZero() {
			continue
		}
		if n, _, err := w.Outbox.WaitingSince(ch == sii.ChannelBoleta, 1); err != nil || n > 0 {
			return true
		}
	}
	return false
}

func (w *Worker) longestPause() time.Duration {
	return max(w.Pace.MaxRetry+w.Pace.MaxRetry/5, w.Pace.MaxPoll, w.Pace.FirstPoll, w.Pace.Patience, 2*w.Pace.LineProbe, maxWait)
}

func (w *Worker) lineOf(s dte.Sobre) *line { return w.lines[channel(s)] }

// lineDown: nothing else is tried on this line until the next probe, and nobody's attempts are counted.
func (w *Worker) lineDown(l *line, e *sii.Error) {
	now := w.Now()
	if l.since.IsZero() {
		l.since = now
	}
	w.status.trouble(CauseLine, e.Message)
	l.probe = min(max(2*l.probe, w.Pace.LineProbe), max(maxLineProbe, w.Pace.LineProbe))
	l.until = now.Add(max(w.withJitter(l.probe), min(e.RetryAfter, maxWait)))
}

// heard: whatever the authority said, the line to it is up. What this machine finds out by itself says nothing of the line.
func (w *Worker) heard(s dte.Sobre, err error) {
	if e, ok := errors.AsType[*sii.Error](err); !ok || !e.Down {
		l := w.lineOf(s)
		*l = line{suspect: l.suspect, hold: l.hold}
	}
}

// count brings the figures of the status up to date.
func (w *Worker) count() {
	if b, err := w.Outbox.Backlog(); err == nil {
		w.status.Backlog = b
	}
	w.status.Since = time.Time{}
	for _, l := range w.lines {
		w.status.Since = earliest(w.status.Since, l.since)
	}
	w.status.Down = !w.status.Since.IsZero()
}

// withJitter is d plus up to a fifth.
func (w *Worker) withJitter(d time.Duration) time.Duration {
	return d + time.Duration(w.Jitter(int64(d/5)+1))
}

// round makes envelopes of what waits and takes the envelopes one step further. What fails for one of them does not hold
// up the others; a line that is down holds up its own.
func (w *Worker) round(ctx context.Context) (next time.Time, err error) {
	w.status.trouble("", "")
	w.quiet = time.Time{}
	next, fillErr := w.fill()
	open, err := w.Outbox.OpenSobres()
	if err != nil {
		return next, errors.Join(fillErr, err)
	}
	slices.SortStableFunc(open, facturasFirst)
	faults := []error{fillErr}
	visits, held := 0, 0
	for _, s := range open {
		if visits < mostInARound && !w.rests(s.NextAt) && !w.rests(w.lineOf(s).until) {
			visits++
			down := !w.lineOf(s).since.IsZero()
			if s, err = w.visit(ctx, s); err != nil {
				faults = append(faults, err)
				continue
			}
			if down && w.lineOf(s).since.IsZero() {
				visits = mostInARound // what leaves next is decided anew, with all that was sold meanwhile
				w.tryAgain()
				s.NextAt = w.Now()
			}
		}
		if w.rests(w.lineOf(s).until) {
			held++
			s.NextAt = w.lineOf(s).until
		}
		if s.Problem != "" {
			w.status.trouble(w.causeOf(s), s.Problem)
		}
		next = earliest(next, w.orNow(s.NextAt))
	}
	if held > 0 && held == len(open) {
		w.quiet = w.soonest()
	}
	return next, errors.Join(faults...)
}

// tryAgain has every line tried now: where one has come back, the other may have too.
func (w *Worker) tryAgain() {
	for _, l := range w.lines {
		l.until = time.Time{}
	}
}

// facturasFirst is the order in which envelopes leave: a buyer waits for a factura, for a boleta nobody does.
func facturasFirst(a, b dte.Sobre) int {
	switch {
	case a.Boletas == b.Boletas:
		return 0
	case b.Boletas:
		return -1
	}
	return 1
}

// visit takes an envelope further and keeps what that tells of its line.
func (w *Worker) visit(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	l := w.lineOf(s)
	s, err := w.advance(ctx, s)
	if trouble, ok := errors.AsType[*sii.Error](err); ok && trouble.Down {
		if ctx.Err() == nil { // otherwise it was not the line, but the end of the program
			w.lineDown(l, trouble)
		}
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("sobre %s: %w", s.ID, err)
	}
	if s.Settled {
		s.NextAt = w.Now() // a note may have waited for this
	}
	return s, nil
}

// orNow is t, or now for a time that is not to be waited for.
func (w *Worker) orNow(t time.Time) time.Time {
	if w.rests(t) {
		return t
	}
	return w.Now()
}

// causeOf is whose an envelope's problem is.
func (w *Worker) causeOf(s dte.Sobre) Cause {
	if w.lineOf(s).since.IsZero() {
		return CauseSII
	}
	return CauseLine
}

// soonest is when the first line that is down is tried again.
func (w *Worker) soonest() (t time.Time) {
	for _, l := range w.lines {
		if w.rests(l.until) {
			t = earliest(t, l.until)
		}
	}
	return t
}

// earliest of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// fill puts waiting documents into envelopes: facturas and notes at once, boletas in company. It tells when there will be
// more to put in. Trouble with one kind does not hold up the other. While a line is down nothing more is made for it: the
// envelope that found it so tries it again, and a month's documents then leave in full envelopes.
func (w *Worker) fill() (next time.Time, err error) {
	others, err := w.fillDTE()
	boletas, boletaErr := w.fillBoletas()
	return earliest(others, boletas), errors.Join(err, boletaErr)
}

func (w *Worker) fillBoletas() (next time.Time, err error) {
	if !w.lines[sii.ChannelBoleta].since.IsZero() {
		return time.Time{}, nil
	}
	if hold := w.lines[sii.ChannelBoleta].hold; w.rests(hold) {
		return w.laterIfAny(true, hold)
	}
	for range mostInARound {
		due, err := w.boletasDue()
		if err != nil || due.IsZero() || due.After(w.Now()) {
			return due, err
		}
		docs, err := w.Outbox.Waiting(true, w.Pace.BoletaBatch)
		if err != nil {
			return time.Time{}, err
		}
		if err := w.envelop(docs); err != nil {
			return time.Time{}, err
		}
	}
	return w.Now(), nil
}

func (w *Worker) fillDTE() (next time.Time, err error) {
	if !w.lines[sii.ChannelDTE].since.IsZero() {
		return time.Time{}, nil
	}
	if hold := w.lines[sii.ChannelDTE].hold; w.rests(hold) {
		return w.laterIfAny(false, hold)
	}
	ready, more, err := w.readyDTE()
	if err != nil {
		return time.Time{}, err
	}
	for batch := range slices.Chunk(ready, w.Pace.DTEBatch) {
		if err := w.envelop(batch); err != nil {
			return time.Time{}, err
		}
	}
	if more {
		return w.Now(), nil
	}
	return time.Time{}, nil
}

// readyDTE are the first that may go, and whether there may be more behind them. Notes that wait, however many, hide
// nothing.
func (w *Worker) readyDTE() (ready []*dte.Document, more bool, err error) {
	for look := mostInARound * 25; ; look *= 2 {
		docs, err := w.Outbox.Waiting(false, look)
		if err != nil {
			return nil, false, err
		}
		ready, err = w.ready(docs)
		more = len(docs) == look
		if err != nil || len(ready) > 0 || !more {
			return ready, more, err
		}
	}
}

// laterIfAny is t if something waits to be put in an envelope.
func (w *Worker) laterIfAny(boletas bool, t time.Time) (time.Time, error) {
	if n, _, err := w.Outbox.WaitingSince(boletas, 1); err != nil || n == 0 {
		return time.Time{}, err
	}
	return t, nil
}

// ready are those that may go: a note waits until the authority has decided on what it refers to (REF-3-750). If that was
// rejected the note goes all the same: it was issued, so it gets its verdict.
func (w *Worker) ready(docs []*dte.Document) (ready []*dte.Document, err error) {
	for _, d := range docs {
		waits, err := w.waitsForReference(d)
		if err != nil {
			return nil, err
		}
		if !waits {
			ready = append(ready, d)
		}
	}
	return ready, nil
}

func (w *Worker) waitsForReference(d *dte.Document) (bool, error) {
	if !d.Tipo.EsNota() {
		return false, nil
	}
	for _, r := range d.Referencia {
		tipo, tipoErr := strconv.Atoi(r.TpoDocRef)
		folio, folioErr := strconv.ParseInt(r.FolioRef, 10, 64)
		if tipoErr != nil || folioErr != nil {
			continue
		}
		to := dte.Key{Emisor: d.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}
		state, ours, err := w.Outbox.Standing(to)
		if err != nil {
			return false, err
		}
		if ours && !state.Final() && to != d.Key() {
			return true, nil
		}
	}
	return false, nil
}

// boletasDue is when the waiting boletas should leave: now for a full envelope, otherwise when the oldest has waited
// long enough; zero when none waits.
func (w *Worker) boletasDue() (time.Time, error) {
	n, oldest, err := w.Outbox.WaitingSince(true, w.Pace.BoletaBatch)
	now := w.Now()
	switch {
	case err != nil || n == 0:
		return time.Time{}, err
	case n == w.Pace.BoletaBatch, oldest.After(now): // a clock that was put back makes no boleta wait for the future
		return now, nil
	}
	return oldest.Add(w.Pace.BoletaWait), nil
}

// envelop freezes an envelope. Its bytes are stored before the first of them leaves.
func (w *Worker) envelop(docs []*dte.Document) error {
	s, err := w.freeze(docs)
	if err != nil {
		return err
	}
	_, err = w.Outbox.NewSobre(s)
	return err
}

// freeze signs documents together.
func (w *Worker) freeze(docs []*dte.Document) (dte.Sobre, error) {
	now := w.Now()
	xml, err := dte.NewEnvelope(docs, w.Resolucion, dte.RUTSII, w.Signer, now)
	if err != nil {
		return dte.Sobre{}, fmt.Errorf("no se pudo armar el envío al SII: %w", err)
	}
	s := dte.Sobre{Boletas: docs[0].Tipo.EsBoleta(), Emisor: docs[0].Emisor.RUT, XML: xml, CreatedAt: now}
	for _, d := range docs {
		s.Keys = append(s.Keys, d.Key())
	}
	return s, nil
}

// advance takes one envelope as far as it goes now. The error is a line that is down, or the outbox's.
func (w *Worker) advance(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	switch {
	case s.Refused != "", s.State == dte.Enveloped:
		return w.send(ctx, s)
	case s.State == dte.Sending, s.State == dte.Unknown:
		return w.find(ctx, s)
	case s.State == dte.Sent:
		return w.follow(ctx, s)
	}
	return s, fmt.Errorf("el sobre %s está en un estado que no existe: %s", s.ID, s.State)
}

func channel(s dte.Sobre) sii.Channel {
	if s.Boletas {
		return sii.ChannelBoleta
	}
	return sii.ChannelDTE
}

// send uploads an envelope, unless the authority refuses the sender: then one is tried now and then, made anew with what
// may have been mended. Bytes that may have left are never made anew, only those that were refused or are still here.
func (w *Worker) send(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	l := w.lineOf(s)
	switch {
	case w.rests(l.hold):
		s.NextAt = l.hold
		return s, w.Outbox.UpdateSobre(s)
	case !l.suspect.IsZero():
		l.hold = w.Now().Add(w.Pace.MaxRetry)
	}
	if s.Refused == "" && (l.suspect.IsZero() || !s.SentAt.IsZero()) {
		return w.upload(ctx, s)
	}
	made, err := w.regroup(s, cmp.Or(s.Refused, "hecho antes de que se corrigiera el rechazo"), 1)
	if err != nil {
		return s, err
	}
	return w.upload(ctx, made[0])
}

func (w *Worker) upload(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	xml, err := w.Outbox.SobreXML(s.ID)
	if err != nil {
		return s, err
	}
	doubted := !s.SentAt.IsZero()
	s.State, s.SentAt = dte.Sending, w.Now()
	if err := w.Outbox.UpdateSobre(s); err != nil {
		return s, err
	}
	name := "EnvioDTE-" + s.ID + ".xml"
	if s.Boletas {
		name = "EnvioBOLETA-" + s.ID + ".xml"
	}
	receipt, err := w.Authority.Upload(ctx, channel(s), s.Emisor, name, xml)
	w.heard(s, err)
	if err == nil {
		return w.sent(s, receipt.TrackID, receipt.RetryAfter)
	}
	e := asTrouble(err)
	if s.State = dte.Enveloped; e.MaybeReceived || e.Verdict == sii.Already { // otherwise nothing arrived
		s.State = dte.Unknown
	}
	if e.Fault != "" {
		no := refusal{e.Fault, e.Code, e.Message, e.Message}
		if doubted {
			return w.refusedAfterADoubt(ctx, s, no)
		}
		return w.refused(s, no)
	}
	return w.failed(s, e)
}

// refusedAfterADoubt asks for every document before it believes that an envelope that may have been received earlier was
// not: of a document that was rejected there the authority says that it has none.
func (w *Worker) refusedAfterADoubt(ctx context.Context, s dte.Sobre, no refusal) (dte.Sobre, error) {
	left, err := w.Outbox.Left(s.ID)
	if err != nil {
		return s, err
	}
	for _, key := range left {
		doc, err := w.Outbox.DocumentIn(key)
		if err != nil || slices.Contains(s.Again, key) {
			continue // it tells nothing
		}
		known, err := w.Authority.DocumentStatus(ctx, doc)
		w.heard(s, err)
		switch {
		case err != nil:
			s.State = dte.Unknown
			return w.failed(s, asTrouble(err))
		case known.Found:
			s.State = dte.Unknown
			return w.askEach(ctx, s, left, 0) // in whatever envelope it came; next time the others are asked for
		}
	}
	return w.refused(s, no)
}

// sent keeps the receipt. A missing track id is possible: then the documents are asked for one by one.
func (w *Worker) sent(s dte.Sobre, trackID string, wait time.Duration) (dte.Sobre, error) {
	s.State, s.TrackID, s.Attempts, s.Problem = dte.Sent, trackID, 0, ""
	s.NextAt = w.Now().Add(max(min(wait, maxWait), w.Pace.FirstPoll))
	return s, w.Outbox.UpdateSobre(s)
}

// asTrouble is an Authority's error. One of a foreign kind tells nothing of what arrived.
func asTrouble(err error) *sii.Error {
	if e, ok := errors.AsType[*sii.Error](err); ok {
		return e
	}
	return &sii.Error{Verdict: sii.Later, MaybeReceived: true, Message: err.Error()}
}

// failed keeps what went wrong and when to try again. A line that is down counts no attempt and is returned.
func (w *Worker) failed(s dte.Sobre, e *sii.Error) (dte.Sobre, error) {
	now := w.Now()
	s.Problem = e.Message
	if e.Down {
		s.NextAt = now
	} else {
		s.Attempts++
		s.NextAt = now.Add(max(min(e.RetryAfter, maxWait), w.backOff(s.Attempts)))
		if e.Verdict == sii.Person {
			s.NextAt = now.Add(w.Pace.MaxRetry) // it leaves by itself once someone has mended it
		}
	}
	if err := w.Outbox.UpdateSobre(s); err != nil {
		return s, err
	}
	if e.Down {
		return s, e
	}
	return s, nil
}

func (w *Worker) backOff(attempts int) time.Duration {
	d := w.Pace.FirstRetry << min(attempts-1, 20)
	return w.withJitter(min(d, w.Pace.MaxRetry))
}

// find resolves an upload without an answer by asking before anything is sent again.
func (w *Worker) find(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	witnesses, err := w.witnesses(s)
	if err != nil {
		return s, err
	}
	known, err := w.arrived(ctx, s, witnesses)
	switch {
	case err != nil:
		return w.failed(s, asTrouble(err))
	case known.Found:
		return w.confirm(ctx, s, known)
	}
	if s.SentAt.After(w.Now()) {
		s.SentAt = w.Now() // the clock was put back since; patience begins anew
	}
	if believed := s.SentAt.Add(w.Pace.Patience); w.Now().Before(believed) {
		s.NextAt = believed
		if asked := w.Now().Add(min(known.RetryAfter, maxWait)); asked.After(believed) {
			s.NextAt = asked
		}
		return s, w.Outbox.UpdateSobre(s)
	}
	s.State, s.Problem, s.NextAt = dte.Enveloped, "", w.Now()
	if err := w.Outbox.UpdateSobre(s); err != nil {
		return s, err
	}
	return w.upload(ctx, s)
}

// witnesses are the documents that tell whether an envelope arrived: the oldest and the newest of those that are undecided. The
// authority receives it whole or not at all, but another computer with a copy of this till, or this one before it was restored, may
// have sent the older ones in an envelope of its own. Documents that a person had sent again are no witnesses; where there are no
// others, all must be there.
func (w *Worker) witnesses(s dte.Sobre) ([]*dte.Document, error) {
	keys, err := w.Outbox.Left(s.ID)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		keys = s.Keys
	}
	own := slices.DeleteFunc(slices.Clone(keys), func(key dte.Key) bool { return slices.Contains(s.Again, key) })
	if len(own) == 0 {
		return w.readable(keys, len(keys))
	}
	oldest, err := w.readable(own, 1)
	if err != nil {
		return nil, err
	}
	slices.Reverse(own)
	newest, err := w.readable(own, 1)
	if err != nil || newest[0].Key() == oldest[0].Key() {
		return oldest, err
	}
	return append(oldest, newest...), nil
}

// readable are so many of the documents, leaving out those that cannot be read.
func (w *Worker) readable(keys []dte.Key, n int) (docs []*dte.Document, err error) {
	var unread error
	for _, key := range keys {
		doc, err := w.Outbox.DocumentIn(key)
		if err != nil {
			unread = errors.Join(unread, err)
			continue
		}
		if docs = append(docs, doc); len(docs) == n {
			break
		}
	}
	if len(docs) == 0 {
		return nil, unread
	}
	return docs, nil
}

// arrived asks for the witnesses of an envelope. If the authority has them from two envelopes, neither is this one; and the track id
// of those that were sent again may be another's.
func (w *Worker) arrived(ctx context.Context, s dte.Sobre, witnesses []*dte.Document) (known sii.DocumentStatus, err error) {
	track := ""
	for _, doc := range witnesses {
		known, err = w.Authority.DocumentStatus(ctx, doc)
		switch w.heard(s, err); {
		case err != nil || !known.Found:
			return known, err
		case known.State == dte.Rejected:
			known.TrackID = ""
			return known, nil // it has other data under this folio, or judged this one: that says nothing of the others
		case slices.Contains(s.Again, doc.Key()):
			continue
		case known.TrackID != "" && track != "" && known.TrackID != track:
			known.Found = false
			return known, nil
		}
		track = cmp.Or(track, known.TrackID)
	}
	known.TrackID = track
	return known, nil
}

// confirm believes the track id that a document told only when its envelope is known to hold as many of each type as this one. Where
// that cannot be known, or it is another one, what the authority has of the documents is decided, and next time it is asked for the
// others.
func (w *Worker) confirm(ctx context.Context, s dte.Sobre, known sii.DocumentStatus) (dte.Sobre, error) {
	if known.TrackID == "" {
		return w.askEach(ctx, s, s.Keys, 0)
	}
	status, err := w.Authority.EnvelopeStatus(ctx, channel(s), s.Emisor, known.TrackID)
	switch w.heard(s, err); {
	case err != nil && s.Attempts >= doubtTrack && !asTrouble(err).Down:
		return w.askEach(ctx, s, s.Keys, 0)
	case err != nil:
		return w.failed(s, asTrouble(err))
	case status.Phase == sii.InProgress:
		return w.askLater(s, status.RetryAfter, "")
	case foreign(status.Counts, s.Keys):
		return w.askEach(ctx, s, s.Keys, 0)
	}
	return w.sent(s, known.TrackID, known.RetryAfter)
}

// doubtTrack is after how many failed questions about an envelope its documents are asked for one by one.
const doubtTrack = 5

// follow asks what became of an envelope.
func (w *Worker) follow(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	if s.TrackID == "" {
		return w.askEach(ctx, s, s.Keys, 0)
	}
	status, err := w.Authority.EnvelopeStatus(ctx, channel(s), s.Emisor, s.TrackID)
	if w.heard(s, err); err != nil {
		e := asTrouble(err)
		if e.Verdict == sii.Later && !e.Down && s.Attempts >= doubtTrack {
			return w.askEach(ctx, s, s.Keys, 0)
		}
		return w.failed(s, e)
	}
	switch status.Phase {
	case sii.Processed:
		return w.judge(ctx, s, status)
	case sii.Rejected:
		return w.refused(s, refusal{status.Fault, status.Estado, status.Glosa, "El SII no recibe los envíos de esta caja (" +
			strings.TrimSpace(status.Estado+" "+status.Glosa) + "). Los documentos están guardados y se volverá a intentar. " +
			"Revise el certificado, el permiso de quien firma y los datos de la resolución."})
	}
	return w.askLater(s, status.RetryAfter, "")
}

// refusal is the authority's no to an envelope as a whole.
type refusal struct {
	fault         sii.Fault
	codigo, glosa string
	words         string // for the shop
}

func (r refusal) String() string { return strings.TrimSpace(r.codigo + " " + r.glosa) }

// refused takes the documents out of an envelope that the authority will not have, none of which it received. What may
// be one document's doing is halved until that one stands alone, with its verdict, and the others are received. What is
// the sender's doing waits, and so does everything else to send, until someone may have mended it; then it leaves in an
// envelope made anew.
func (w *Worker) refused(s dte.Sobre, r refusal) (dte.Sobre, error) {
	if r.fault == sii.FaultSender {
		s.Refused, s.Problem, s.NextAt = r.String(), r.words, w.Now().Add(w.Pace.MaxRetry)
		l := w.lineOf(s)
		l.suspect, l.hold = w.Now(), s.NextAt
		return s, w.Outbox.UpdateSobre(s)
	}
	left, err := w.Outbox.Left(s.ID)
	if err != nil {
		return s, err
	}
	if len(left) == 1 {
		return w.settle(s, []dte.Veredicto{{Key: left[0], State: dte.Rejected, Codigo: r.codigo, Glosa: r.glosa, At: w.Now()}})
	}
	s.Settled = true
	_, err = w.regroup(s, r.String(), 2)
	return s, err
}

// regroup puts the undecided documents of a refused envelope in so many others.
func (w *Worker) regroup(s dte.Sobre, reason string, parts int) ([]dte.Sobre, error) {
	left, err := w.Outbox.Left(s.ID)
	if err != nil {
		return nil, err
	}
	var docs []*dte.Document
	for _, key := range left {
		doc, err := w.Outbox.DocumentIn(key)
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	var into []dte.Sobre
	for part := range slices.Chunk(docs, (len(docs)+parts-1)/parts) {
		next, err := w.freeze(part)
		if err != nil {
			return nil, err
		}
		into = append(into, next)
	}
	return w.Outbox.Regroup(s.ID, reason, into)
}

// askLater keeps when the envelope is asked about again: at half its age, within bounds.
func (w *Worker) askLater(s dte.Sobre, wait time.Duration, problem string) (dte.Sobre, error) {
	now := w.Now()
	pause := min(max(now.Sub(s.SentAt)/2, w.Pace.FirstPoll), w.Pace.MaxPoll)
	s.NextAt = now.Add(max(min(wait, maxWait), pause))
	s.Attempts, s.Problem = 0, problem
	return s, w.Outbox.UpdateSobre(s)
}

// judge reads a processed envelope. "Processed" is not acceptance: the counts and the details decide, and where they do
// not, each document is asked for.
func (w *Worker) judge(ctx context.Context, s dte.Sobre, status sii.EnvelopeStatus) (dte.Sobre, error) {
	if l := w.lineOf(s); s.SentAt.After(l.suspect) || l.suspect.After(w.Now()) { // the clock may have been put back since
		l.suspect, l.hold = time.Time{}, time.Time{}
	}
	total := status.Total()
	told := map[dte.Key]sii.Detail{}
	for _, d := range status.Details {
		if key := (dte.Key{Emisor: s.Emisor, Tipo: d.Tipo, Folio: d.Folio}); slices.Contains(s.Keys, key) {
			told[key] = d
		}
	}
	complete := total.Aceptados+total.Rechazados+total.Reparos == len(s.Keys)
	explained := complete && total.Rechazados+total.Reparos == len(told)
	alike := unanimous(status.Counts, s.Keys)
	var verdicts []dte.Veredicto
	var ask []dte.Key
	for _, key := range s.Keys {
		switch d, objected := told[key]; {
		case objected && d.State.Final():
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: d.State, Codigo: d.Codigo, Glosa: d.Glosa, At: w.Now()})
		case explained && !objected, alike[key.Tipo] == dte.Accepted:
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Accepted, At: w.Now()})
		case alike[key.Tipo] == dte.Objected:
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Objected, Glosa: objectedByMail, At: w.Now()})
		default:
			ask = append(ask, key)
		}
	}
	s, err := w.settle(s, verdicts)
	if err != nil || len(ask) == 0 {
		return s, err
	}
	if !complete {
		total.Rechazados = 0
	}
	return w.askEach(ctx, s, ask, total.Rechazados)
}

// foreign reports that the counts are of another envelope. A type may be missing in the counts; those that are there are counted right.
func foreign(counts []sii.Count, keys []dte.Key) bool {
	return slices.ContainsFunc(counts, func(c sii.Count) bool { return c.Informados != countOf(keys, c.Tipo) })
}

func countOf(keys []dte.Key, tipo dte.TipoDTE) (n int) {
	for _, key := range keys {
		if key.Tipo == tipo {
			n++
		}
	}
	return n
}

// objectedByMail is all that the DTE channel lets a till know of an objection.
const objectedByMail = "Aceptado con reparos. El SII manda el detalle por correo."

// unanimous are the types of which the counts alone tell that all were accepted, or all with objections: the DTE channel
// gives no details, and whoever asks for such a document hears only that it was received.
func unanimous(counts []sii.Count, keys []dte.Key) map[dte.TipoDTE]dte.State {
	alike := map[dte.TipoDTE]dte.State{}
	for _, c := range counts {
		switch sent := countOf(keys, c.Tipo); {
		case sent == 0 || sent != c.Informados:
		case c.Aceptados == sent:
			alike[c.Tipo] = dte.Accepted
		case c.Reparos == sent:
			alike[c.Tipo] = dte.Objected
		}
	}
	return alike
}

// worry is how old an envelope is when a person hears that the authority does not show a document of it.
const worry = time.Hour

// askEach asks for documents one by one, but not for those that are decided or have left the envelope. lost is how many
// rejections the authority tells of: no more documents than that, if it does not hold them, were rejected. So were all,
// where no track id can be asked about, and the authority, which receives an envelope whole, has decided on a neighbour and
// an hour later still does not hold them.
func (w *Worker) askEach(ctx context.Context, s dte.Sobre, keys []dte.Key, lost int) (dte.Sobre, error) {
	old := s.State == dte.Sent && w.Now().Sub(s.SentAt) > worry
	if s.TrackID == "" && old {
		received, err := w.received(s)
		if err != nil {
			return s, err
		}
		if received {
			lost = len(keys)
		}
	}
	left, err := w.Outbox.Left(s.ID)
	if err != nil {
		return s, err
	}
	left = slices.DeleteFunc(left, func(key dte.Key) bool { return !slices.Contains(keys, key) })
	var verdicts, missing []dte.Veredicto
	var unread error
	problem, wait := "", time.Duration(0)
	for _, key := range startingAt(left, s.Attempts) {
		doc, err := w.Outbox.DocumentIn(key)
		if err != nil {
			unread = errors.Join(unread, err) // this one cannot be read; the others can
			continue
		}
		v, found, pause, err := w.ask(ctx, doc)
		if w.heard(s, err); err != nil {
			if _, keepErr := w.settle(s, verdicts); keepErr != nil {
				return s, keepErr
			}
			return w.failed(s, asTrouble(err))
		}
		wait = max(wait, pause)
		switch {
		case !found:
			missing = append(missing, v)
		case v.State.Final():
			verdicts = append(verdicts, v)
		}
	}
	switch {
	case len(missing) <= lost:
		for _, v := range missing {
			v.State = dte.Rejected
			verdicts = append(verdicts, v)
		}
	case old:
		problem = fmt.Sprintf("El SII procesó el envío %s y no muestra %s. Sigue guardado y se seguirá preguntando; revíselo en sii.cl.", s.TrackID, missing[0].Key.ID())
	}
	s, err = w.settle(s, verdicts)
	if err != nil || s.Settled {
		return s, err
	}
	s, err = w.askLater(s, wait, problem)
	return s, errors.Join(err, unread)
}

// startingAt has another document asked for first after each failure, so that one about which the authority cannot answer
// holds up no other.
func startingAt(keys []dte.Key, failures int) []dte.Key {
	if len(keys) == 0 {
		return nil
	}
	n := failures % len(keys)
	return slices.Concat(keys[n:], keys[:n])
}

// received reports that the authority has taken a document of the envelope, and with it the envelope.
func (w *Worker) received(s dte.Sobre) (bool, error) {
	for _, key := range s.Keys {
		state, _, err := w.Outbox.Standing(key)
		if err != nil || state == dte.Accepted || state == dte.Objected {
			return err == nil, err
		}
	}
	return false, nil
}

// ask asks for one document; found says that the authority holds it, and wait how long it wants to be left alone.
func (w *Worker) ask(ctx context.Context, doc *dte.Document) (v dte.Veredicto, found bool, wait time.Duration, err error) {
	known, err := w.Authority.DocumentStatus(ctx, doc)
	v = dte.Veredicto{Key: doc.Key(), State: known.State, At: w.Now()}
	if known.State != dte.Accepted {
		v.Codigo, v.Glosa = known.Codigo, known.Glosa
	}
	return v, known.Found, known.RetryAfter, err
}

// settle keeps verdicts and tells whether the envelope is done.
func (w *Worker) settle(s dte.Sobre, verdicts []dte.Veredicto) (dte.Sobre, error) {
	if len(verdicts) == 0 {
		return s, nil
	}
	if err := w.Outbox.Settle(s.ID, verdicts); err != nil {
		return s, err
	}
	left, err := w.Outbox.Left(s.ID)
	s.Settled = err == nil && len(left) == 0
	return s, err
}
