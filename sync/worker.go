package sync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	// Problem is the last trouble in words for the shop; empty when all is well.
	Problem string
	Backlog dte.Backlog
}

// Worker drains an Outbox. Run it once; Wake and Step may not be mixed from several goroutines, except that Wake may be
// called from any.
type Worker struct {
	Config
	wake   chan struct{}
	status Status
	probe  time.Duration // pause before the line is tried again
	until  time.Time     // nothing is tried before, while the line is down
}

// New makes a worker; Run starts it.
func New(c Config) *Worker {
	c.Pace = c.Pace.orDefaults()
	return &Worker{Config: c, wake: make(chan struct{}, 1)}
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

// Step does all that can be done now and tells when there is more to do; zero means not before a Wake.
func (w *Worker) Step(ctx context.Context) time.Time {
	if now := w.Now(); now.Before(w.until) {
		w.count()
		return w.until
	}
	next, err := w.round(ctx)
	switch trouble, ok := errors.AsType[*sii.Error](err); {
	case err == nil || ctx.Err() != nil:
		w.lineUp()
	case ok && trouble.Down:
		next = w.lineDown(trouble)
	default: // the outbox itself fails
		w.status.Problem = err.Error()
		next = w.Now().Add(w.Pace.FirstRetry)
	}
	w.count()
	return next
}

func (w *Worker) lineUp() {
	w.status.Down, w.status.Since = false, time.Time{}
	w.probe, w.until = 0, time.Time{}
}

// lineDown: nothing else is tried until the next probe, and nobody's attempts are counted.
func (w *Worker) lineDown(e *sii.Error) time.Time {
	now := w.Now()
	if !w.status.Down {
		w.status.Down, w.status.Since = true, now
	}
	w.status.Problem = e.Message
	w.probe = min(max(2*w.probe, w.Pace.LineProbe), max(maxLineProbe, w.Pace.LineProbe))
	w.until = now.Add(max(w.withJitter(w.probe), e.RetryAfter))
	return w.until
}

func (w *Worker) count() {
	if b, err := w.Outbox.Backlog(); err == nil {
		w.status.Backlog = b
	}
}

// withJitter is d plus up to a fifth.
func (w *Worker) withJitter(d time.Duration) time.Duration {
	return d + time.Duration(w.Jitter(int64(d/5)+1))
}

// round takes every envelope one step further, then makes new ones. A line that is down ends it.
func (w *Worker) round(ctx context.Context) (next time.Time, err error) {
	w.status.Problem = ""
	fillErr := w.fill() // envelopes that exist are followed all the same
	open, err := w.Outbox.OpenSobres()
	if err != nil {
		return next, err
	}
	for _, s := range open {
		if !s.NextAt.After(w.Now()) {
			if s, err = w.advance(ctx, s); err != nil {
				return next, err
			}
		}
		if s.Problem != "" {
			w.status.Problem = s.Problem
		}
		if s.Settled {
			s.NextAt = w.Now() // a note may have waited for this
		}
		next = earliest(next, s.NextAt)
	}
	if fillErr != nil {
		return next, fillErr
	}
	due, err := w.boletasDue()
	return earliest(next, due), err
}

// earliest of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// fill puts waiting documents into envelopes: facturas and notes at once, boletas in company.
func (w *Worker) fill() error {
	for {
		docs, err := w.readyDTE()
		if err != nil {
			return err
		}
		if len(docs) == 0 {
			break
		}
		if err := w.envelop(docs); err != nil {
			return err
		}
	}
	for {
		due, err := w.boletasDue()
		if err != nil || due.IsZero() || due.After(w.Now()) {
			return err
		}
		docs, err := w.Outbox.Waiting(true, w.Pace.BoletaBatch)
		if err != nil {
			return err
		}
		if err := w.envelop(docs); err != nil {
			return err
		}
	}
}

// readyDTE are the next documents that are not boletas and may go: a note waits until the authority has accepted what it
// refers to (REF-3-750).
func (w *Worker) readyDTE() (ready []*dte.Document, err error) {
	const look = 500 // notes that wait must not hide what is behind them
	docs, err := w.Outbox.Waiting(false, look)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		if len(ready) == w.Pace.DTEBatch {
			break
		}
		waits, err := w.waitsForReference(d)
		if err != nil {
			return nil, err
		}
		if !waits && (len(ready) == 0 || d.Emisor.RUT == ready[0].Emisor.RUT) {
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
		state, ours, err := w.Outbox.Standing(dte.Key{Emisor: d.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)})
		if err != nil {
			return false, err
		}
		if ours && state != dte.Accepted && state != dte.Objected {
			return true, nil
		}
	}
	return false, nil
}

// boletasDue is when the waiting boletas should leave: now for a full envelope, otherwise when the oldest has waited
// long enough; zero when none waits.
func (w *Worker) boletasDue() (time.Time, error) {
	docs, err := w.Outbox.Waiting(true, w.Pace.BoletaBatch)
	switch {
	case err != nil || len(docs) == 0:
		return time.Time{}, err
	case len(docs) == w.Pace.BoletaBatch:
		return w.Now(), nil
	}
	return docs[0].TmstFirma.Add(w.Pace.BoletaWait), nil
}

// envelop freezes an envelope. Its bytes are stored before the first of them leaves.
func (w *Worker) envelop(docs []*dte.Document) error {
	now := w.Now()
	xml, err := dte.NewEnvelope(docs, w.Resolucion, dte.RUTSII, w.Signer, now)
	if err != nil {
		return fmt.Errorf("no se pudo armar el envío al SII: %w", err)
	}
	s := dte.Sobre{Boletas: docs[0].Tipo.EsBoleta(), Emisor: docs[0].Emisor.RUT, XML: xml, CreatedAt: now}
	for _, d := range docs {
		s.Keys = append(s.Keys, d.Key())
	}
	_, err = w.Outbox.NewSobre(s)
	return err
}

// advance takes one envelope as far as it goes now. The error is a line that is down, or the outbox's.
func (w *Worker) advance(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	switch s.State {
	case dte.Enveloped:
		return w.upload(ctx, s)
	case dte.Sending, dte.Unknown:
		return w.find(ctx, s)
	case dte.Sent:
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

func (w *Worker) upload(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	xml, err := w.Outbox.SobreXML(s.ID)
	if err != nil {
		return s, err
	}
	s.State, s.SentAt = dte.Sending, w.Now()
	if err := w.Outbox.UpdateSobre(s); err != nil {
		return s, err
	}
	name := "EnvioDTE-" + s.ID + ".xml"
	if s.Boletas {
		name = "EnvioBOLETA-" + s.ID + ".xml"
	}
	receipt, err := w.Authority.Upload(ctx, channel(s), s.Emisor, name, xml)
	if err == nil {
		return w.sent(s, receipt.TrackID, receipt.RetryAfter)
	}
	if e, ok := errors.AsType[*sii.Error](err); ok && (e.MaybeReceived || e.Verdict == sii.Already) {
		s.State = dte.Unknown
	} else {
		s.State = dte.Enveloped // nothing arrived
	}
	return w.failed(s, err)
}

// sent keeps the receipt. A missing track id is possible: then the documents are asked for one by one.
func (w *Worker) sent(s dte.Sobre, trackID string, wait time.Duration) (dte.Sobre, error) {
	s.State, s.TrackID, s.Attempts, s.Problem = dte.Sent, trackID, 0, ""
	s.NextAt = w.Now().Add(max(wait, w.Pace.FirstPoll))
	return s, w.Outbox.UpdateSobre(s)
}

// failed keeps what went wrong and when to try again. A line that is down counts no attempt and is returned, so that the
// round ends.
func (w *Worker) failed(s dte.Sobre, err error) (dte.Sobre, error) {
	e, ok := errors.AsType[*sii.Error](err)
	if !ok {
		return s, err
	}
	now := w.Now()
	s.Problem = e.Message
	if e.Down {
		s.NextAt = now
	} else {
		s.Attempts++
		s.NextAt = now.Add(max(e.RetryAfter, w.backOff(s.Attempts)))
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

// find resolves an upload without an answer by asking before anything is sent again. One document stands for all: the
// authority receives an envelope whole or not at all.
func (w *Worker) find(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	doc, err := w.Outbox.DocumentIn(s.Keys[0])
	if err != nil {
		return s, err
	}
	known, err := w.Authority.DocumentStatus(ctx, doc)
	switch {
	case err != nil:
		return w.failed(s, err)
	case known.Found:
		return w.sent(s, known.TrackID, 0)
	}
	if believed := s.SentAt.Add(w.Pace.Patience); w.Now().Before(believed) {
		s.NextAt = believed
		return s, w.Outbox.UpdateSobre(s)
	}
	s.State, s.Problem, s.NextAt = dte.Enveloped, "", w.Now()
	if err := w.Outbox.UpdateSobre(s); err != nil {
		return s, err
	}
	return w.upload(ctx, s)
}

// follow asks what became of an envelope.
func (w *Worker) follow(ctx context.Context, s dte.Sobre) (dte.Sobre, error) {
	if s.TrackID == "" {
		return w.askEach(ctx, s, s.Keys, false)
	}
	status, err := w.Authority.EnvelopeStatus(ctx, channel(s), s.Emisor, s.TrackID)
	if err != nil {
		return w.failed(s, err)
	}
	switch status.Phase {
	case sii.Processed:
		return w.judge(ctx, s, status)
	case sii.Rejected:
		var verdicts []dte.Veredicto
		for _, key := range s.Keys {
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Rejected, Codigo: status.Estado, Glosa: status.Glosa, At: w.Now()})
		}
		return w.settle(s, verdicts)
	}
	return w.askLater(s, status.RetryAfter)
}

// askLater keeps when the envelope is asked about again: at half its age, within bounds.
func (w *Worker) askLater(s dte.Sobre, wait time.Duration) (dte.Sobre, error) {
	now := w.Now()
	pause := min(max(now.Sub(s.SentAt)/2, w.Pace.FirstPoll), w.Pace.MaxPoll)
	s.NextAt = now.Add(max(wait, pause))
	s.Attempts, s.Problem = 0, ""
	return s, w.Outbox.UpdateSobre(s)
}

// judge reads a processed envelope. "Processed" is not acceptance: the counts and the details decide, and where they do
// not, each document is asked for.
func (w *Worker) judge(ctx context.Context, s dte.Sobre, status sii.EnvelopeStatus) (dte.Sobre, error) {
	total := status.Total()
	told := map[dte.Key]sii.Detail{}
	for _, d := range status.Details {
		told[dte.Key{Emisor: s.Emisor, Tipo: d.Tipo, Folio: d.Folio}] = d
	}
	complete := total.Aceptados+total.Rechazados+total.Reparos == len(s.Keys)
	explained := complete && total.Rechazados+total.Reparos == len(told)
	var verdicts []dte.Veredicto
	var ask []dte.Key
	for _, key := range s.Keys {
		switch d, objected := told[key]; {
		case objected && d.State.Final():
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: d.State, Codigo: d.Codigo, Glosa: d.Glosa, At: w.Now()})
		case explained && !objected:
			verdicts = append(verdicts, dte.Veredicto{Key: key, State: dte.Accepted, At: w.Now()})
		default:
			ask = append(ask, key)
		}
	}
	s, err := w.settle(s, verdicts)
	if err != nil || len(ask) == 0 {
		return s, err
	}
	return w.askEach(ctx, s, ask, complete && total.Rechazados > 0)
}

// askEach asks for documents one by one. lost says that the authority has told of rejections, so a document that it does
// not hold is one of them.
func (w *Worker) askEach(ctx context.Context, s dte.Sobre, keys []dte.Key, lost bool) (dte.Sobre, error) {
	var verdicts []dte.Veredicto
	for _, key := range keys {
		doc, err := w.Outbox.DocumentIn(key)
		if err != nil {
			return s, err
		}
		known, err := w.Authority.DocumentStatus(ctx, doc)
		if err != nil {
			if _, keepErr := w.settle(s, verdicts); keepErr != nil {
				return s, keepErr
			}
			return w.failed(s, err)
		}
		v := dte.Veredicto{Key: key, State: known.State, Codigo: known.Codigo, Glosa: known.Glosa, At: w.Now()}
		switch {
		case known.Found && known.State == dte.Accepted:
			v.Codigo, v.Glosa = "", ""
		case known.Found:
		case lost:
			v.State = dte.Rejected
		}
		if v.State.Final() {
			verdicts = append(verdicts, v)
		}
	}
	s, err := w.settle(s, verdicts)
	if err != nil || len(verdicts) == len(keys) {
		return s, err
	}
	return w.askLater(s, 0)
}

// settle keeps verdicts and tells whether the envelope is done.
func (w *Worker) settle(s dte.Sobre, verdicts []dte.Veredicto) (dte.Sobre, error) {
	if len(verdicts) == 0 {
		return s, nil
	}
	if err := w.Outbox.Settle(s.ID, verdicts); err != nil {
		return s, err
	}
	s.Settled = true
	for _, key := range s.Keys {
		state, _, err := w.Outbox.Standing(key)
		if err != nil {
			return s, err
		}
		s.Settled = s.Settled && state.Final()
	}
	return s, nil
}
