package sync

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
)

// Books are a till's, as the courier carries them to the server and brings back what is new. What they keep is on the disk when
// they return.
type Books interface {
	// Report is how the till stands now.
	Report() (api.Report, error)
	// Chunk is what the server is to be told next, if it has the chain up to after: entries, and with the last of them what stands
	// in no chain. It is bounded by count and by bytes, and empty when the server knows everything.
	Chunk(after api.Point) (api.Push, error)
	// Told keeps what the server answered to a chunk: it was told.
	Told(p api.Push, answer api.Pushed) error
	// Follow takes in how the server stands: its hold or the end of one, the leases that it gave, whose files caf brings, and
	// those that are over.
	Follow(a api.Answer, caf func(id int64) ([]byte, error)) error
	// TakeNews keeps a page of news and its cursor together. What it says of debts counts the till's chain up to has.
	TakeNews(n api.News, has api.Point) error
}

// CourierPace is how a courier spends the server's patience. The zero value of each field stands for its default.
type CourierPace struct {
	// Poll is how often the server is asked when nothing is to be told and it did not say (1 min).
	Poll time.Duration
	// FirstRetry doubles up to MaxRetry while the server fails (10 s, 15 min). MaxRetry is also how often a server is asked
	// again that needs a person, or that no longer knows this till.
	FirstRetry, MaxRetry time.Duration
	// LineProbe is how often a line that is down is tried (10 s, doubling up to one minute).
	LineProbe time.Duration
}

func (p CourierPace) orDefaults() CourierPace {
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{{&p.Poll, time.Minute}, {&p.FirstRetry, 10 * time.Second}, {&p.MaxRetry, 15 * time.Minute}, {&p.LineProbe, 10 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	return p
}

// CourierConfig is what a Courier works with. All but Pace and Report are needed.
type CourierConfig struct {
	Server api.Server
	Books  Books
	Now    func() time.Time
	// After is time.After; tests turn the clock themselves.
	After func(time.Duration) <-chan time.Time
	// Jitter is a number from 0 to n-1, to keep many tills from knocking at once.
	Jitter func(n int64) int64
	Pace   CourierPace
	// Report, if set, is called from Run's goroutine after each round. It must not block.
	Report func(CourierStatus)
}

// CourierStatus is what the courier tells the screen.
type CourierStatus struct {
	// Known: the server has answered since the program began.
	Known bool
	// Down: the server is out of reach since Since; nobody is at fault and nothing is lost.
	Down  bool
	Since time.Time
	// Ended: the server does not know this till any more.
	Ended bool
	// Problem is the last trouble in words for the shop; empty when all is well. Cause says whose it is, and Err is the trouble.
	Problem string
	Cause   Cause
	Err     error
	// Hold is why the server lets this till issue nothing, and Why the same in words; empty if it may.
	Hold api.Hold
	Why  string
	// Skew is how far this till's clock is ahead of the server's.
	Skew time.Duration
	// Short are the types of which the company has no folios to give.
	Short  []dte.TipoDTE
	Unsent int64 // entries of the chain that the server has not
}

// CauseServer is a trouble of the company's server.
const CauseServer Cause = "server"

// mostChunks and mostPages are how much is carried before the screen is told.
const (
	mostChunks = 20
	mostPages  = 20
)

// Courier keeps a till and the company's server in step: what happened here goes there, what is new there comes here, and there
// are folios. Run it once; Wake may be called from any goroutine, Step from one at a time.
type Courier struct {
	CourierConfig
	wake     chan struct{}
	now      atomic.Bool // the server is to be asked with the next step
	status   CourierStatus
	attempts int
	probe    time.Duration
	quiet    time.Time // nothing is tried before, whoever wakes
	poll     time.Time // when the server is asked how it stands, if nothing else is to be done

	asked  bool      // the server has said what follows, and nothing has failed since
	after  api.Point // how far it has the chain; under a hold, how far it was offered
	aside  bool      // under a hold, that everything was offered
	cursor string    // up to where its news were taken in
	news   bool      // there are some after the cursor
	again  bool      // it is to be asked again once it knows what follows
}

// NewCourier makes a courier; Run starts it.
func NewCourier(c CourierConfig) *Courier {
	c.Pace = c.Pace.orDefaults()
	return &Courier{CourierConfig: c, wake: make(chan struct{}, 1)}
}

// Wake makes the courier look at the books now. It never blocks and may be called from any goroutine.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// AskNow has the server asked how it stands with the next step, which is now.
func (c *Courier) AskNow() {
	c.now.Store(true)
	c.Wake()
}

// Run works until ctx ends, and then returns nil. What was on its way is asked about at the next start.
func (c *Courier) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next := c.Step(ctx)
		if c.Report != nil {
			c.Report(c.status)
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-c.After(max(0, next.Sub(c.Now()))):
		}
	}
	return nil
}

// Status is what the last Step found.
func (c *Courier) Status() CourierStatus { return c.status }

// Idle reports that the server has been told everything and has nothing new.
func (c *Courier) Idle() bool {
	return c.asked && !c.news && !c.again && c.status.Unsent == 0 && c.status.Problem == ""
}

// Step does what can be done now and tells when there is more to do: a time after now, or now if it stopped after a part of much.
func (c *Courier) Step(ctx context.Context) time.Time {
	if c.rests(c.quiet) {
		return c.quiet
	}
	if c.now.Swap(false) {
		c.poll = time.Time{}
	}
	more, err := c.round(ctx)
	switch {
	case ctx.Err() != nil: // not the server: the end of the program
		c.asked = false
	case err != nil:
		c.failed(err)
		return c.quiet
	default:
		c.well()
	}
	switch {
	case more:
		return c.Now()
	case c.rests(c.quiet):
		return c.quiet
	}
	return c.poll
}

// rests reports that nothing is to be done before t. A time that no pause reaches was set by a clock that has since been put back,
// and holds nobody.
func (c *Courier) rests(t time.Time) bool {
	now := c.Now()
	return now.Before(t) && !t.After(now.Add(maxWait+maxWait/5))
}

// round asks how the server stands if it is time, tells it what it has not heard and takes in what is new. More says that it
// stopped after a part. Leases that cannot be taken keep nothing from being told.
func (c *Courier) round(ctx context.Context) (more bool, err error) {
	var untaken error
	if !c.asked || !c.rests(c.poll) {
		if untaken, err = c.ask(ctx); err != nil {
			return false, err
		}
	}
	if c.status.Hold != "" {
		return false, c.offer(ctx)
	}
	if more, err = c.tell(ctx); err != nil || !c.asked {
		return false, err
	}
	if c.again && !more { // now the server has what it wanted first
		if untaken, err = c.ask(ctx); err != nil || c.status.Hold != "" {
			return false, errors.Join(err, untaken)
		}
		if more, err = c.tell(ctx); err != nil || !c.asked {
			return false, err
		}
	}
	unread, err := c.take(ctx)
	return more || unread, errors.Join(err, untaken)
}

// ask tells how the till stands, and takes in how the server does.
func (c *Courier) ask(ctx context.Context) (untaken, err error) {
	report, err := c.Books.Report()
	if err != nil {
		return nil, err
	}
	c.waiting(report)
	sent, held := c.Now(), c.status.Hold
	answer, err := c.Server.Sync(ctx, report)
	if err != nil {
		return nil, err
	}
	c.heard(sent, answer)
	caf := func(id int64) ([]byte, error) { return c.Server.CAF(ctx, id) }
	untaken = c.Books.Follow(answer, caf)
	if e, ok := errors.AsType[*api.Error](untaken); ok && e.Down {
		return nil, untaken
	}
	c.asked, c.cursor, c.news, c.again = true, report.Cursor, answer.News, answer.Again
	if answer.Hold == "" || answer.Hold != held {
		c.after, c.aside = answer.After, false
	}
	c.status.Unsent = max(0, report.Head.N-answer.After.N)
	return untaken, nil
}

// waiting counts what the server has not heard, also while it is out of reach.
func (c *Courier) waiting(r api.Report) {
	c.status.Unsent = r.Health.Unsent
	if c.status.Known {
		c.status.Unsent = max(0, r.Head.N-c.after.N)
	}
}

// offer tells a server that holds this till what it has not heard, once: it keeps that aside, and believes none of it.
func (c *Courier) offer(ctx context.Context) error {
	for !c.aside {
		chunk, err := c.Books.Chunk(c.after)
		if err != nil {
			return err
		}
		n := len(chunk.Entries)
		if n == 0 {
			c.aside = true
			return nil
		}
		if _, err := c.Server.Push(ctx, chunk); err != nil {
			return err
		}
		c.after = api.Point{N: chunk.Entries[n-1].N, Hash: chunk.Entries[n-1].Hash}
	}
	return nil
}

// heard keeps what an answer says of the server.
func (c *Courier) heard(sent time.Time, a api.Answer) {
	now := c.Now()
	c.status.Known, c.status.Hold, c.status.Why = true, a.Hold, a.Why
	c.status.Skew = sent.Add(now.Sub(sent) / 2).Sub(a.Now)
	c.status.Short = a.Folios.Short
	pause := c.Pace.Poll
	if a.Seconds > 0 {
		pause = min(time.Duration(min(a.Seconds, int(maxWait/time.Second)))*time.Second, maxWait)
	}
	c.poll = now.Add(c.withJitter(pause))
}

// tell pushes what the server has not heard, part by part.
func (c *Courier) tell(ctx context.Context) (more bool, err error) {
	var before api.Push
	for range mostChunks {
		chunk, err := c.Books.Chunk(c.after)
		if err != nil {
			return false, err
		}
		if len(chunk.Entries) == 0 && !empty(chunk) && reflect.DeepEqual(chunk, before) {
			return false, errStuck()
		}
		if empty(chunk) {
			c.status.Unsent = 0
			return false, nil
		}
		answer, err := c.Server.Push(ctx, chunk)
		if err != nil {
			return false, err
		}
		if err := c.told(chunk, answer); err != nil {
			return false, err
		}
		before = chunk
		if answer.Hold != "" { // what follows from it comes with the next answer
			c.asked, c.quiet = false, c.Now().Add(c.Pace.FirstRetry)
			return false, nil
		}
	}
	return true, nil
}

// told keeps what the server has now. An answer that leaves the server where it was would be pushed at for ever.
func (c *Courier) told(chunk api.Push, answer api.Pushed) error {
	if err := c.Books.Told(chunk, answer); err != nil {
		return err
	}
	if n := len(chunk.Entries); n > 0 && answer.Hold == "" && answer.After.N <= chunk.After.N {
		return errStuck()
	}
	c.after = answer.After
	if n := len(chunk.Entries); n > 0 {
		c.status.Unsent = max(0, c.status.Unsent-int64(n))
	}
	return nil
}

// errStuck: what is told arrives and makes no difference.
func errStuck() error {
	return &api.Error{Verdict: api.Later, Code: "respuesta", Message: "El servidor no avanza con lo que esta caja le cuenta. Lo vendido está guardado aquí y se volverá a intentar."}
}

func empty(p api.Push) bool {
	return len(p.Entries)+len(p.States)+len(p.Products)+len(p.Customers)+len(p.Refused) == 0
}

// take brings the news, page by page. What a page made this till refuse is told in the next round.
func (c *Courier) take(ctx context.Context) (more bool, err error) {
	for range mostPages {
		if !c.news {
			return more, nil
		}
		page, err := c.Server.Pull(ctx, c.cursor)
		if err != nil {
			return false, err
		}
		if page.More && page.Cursor == c.cursor {
			return false, &api.Error{Verdict: api.Later, Code: "respuesta", Message: "El servidor repite las mismas novedades. Los precios siguen como estaban y se volverá a intentar."}
		}
		if err := c.Books.TakeNews(page, c.after); err != nil {
			return false, err
		}
		c.cursor, c.news, more = page.Cursor, page.More, true
	}
	return true, nil
}

// well: the server answers, and with what it should.
func (c *Courier) well() {
	c.reached()
	c.attempts, c.status.Ended = 0, false
	c.trouble("", "", nil)
}

// reached: whatever the server said, the line to it is up.
func (c *Courier) reached() {
	c.probe, c.status.Down, c.status.Since = 0, false, time.Time{}
}

func (c *Courier) trouble(whose Cause, words string, err error) {
	c.status.Cause, c.status.Problem, c.status.Err = whose, words, err
}

// failed keeps what went wrong and when to try again. A line that is down counts no attempt.
func (c *Courier) failed(err error) {
	c.asked = false
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		c.trouble(CauseTill, err.Error(), err)
		c.quiet = c.Now().Add(c.Pace.FirstRetry)
		return
	}
	if e.Down {
		c.lineDown(e)
		return
	}
	c.reached()
	c.trouble(CauseServer, e.Message, err)
	c.status.Ended = e.Verdict == api.Ended
	c.attempts++
	pause := c.Pace.MaxRetry
	if e.Verdict == api.Later {
		pause = min(c.Pace.FirstRetry<<min(c.attempts-1, 20), c.Pace.MaxRetry)
	}
	c.quiet = c.Now().Add(max(c.withJitter(pause), min(e.Wait, maxWait)))
}

// lineDown: nothing is tried before the next probe. Whoever answered in the server's place is not left alone for longer than a
// server that fails.
func (c *Courier) lineDown(e *api.Error) {
	now := c.Now()
	if !c.status.Down {
		c.status.Down, c.status.Since = true, now
	}
	c.trouble(CauseLine, e.Message, e)
	c.probe = min(max(2*c.probe, c.Pace.LineProbe), max(maxLineProbe, c.Pace.LineProbe))
	c.quiet = now.Add(max(c.withJitter(c.probe), min(e.Wait, c.Pace.MaxRetry)))
}

// withJitter is d plus up to a fifth.
func (c *Courier) withJitter(d time.Duration) time.Duration {
	return d + time.Duration(c.Jitter(int64(d/5)+1))
}
