package shop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	possync "mostrador/sync"
)

// clock is turned by the test only; the authority's goroutines read it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func (c *clock) pass(d time.Duration) { c.set(c.now().Add(d)) }

// counter is the simulator on its socket, and the log of the uploads that reached it whole.
type counter struct {
	sim  *siisim.Sim
	addr string

	mu       sync.Mutex
	arrivals map[string]int // SHA-256 of an envelope → how often it came
	refused  map[string]int // how often its session was refused: the client may then send it once more
	requests int
	onUpload func() // called when an upload is in, before it is looked at
}

func newCounter(t testing.TB, cfg siisim.Config) *counter {
	t.Helper()
	sim, err := siisim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{sim: sim, addr: l.Addr().String(), arrivals: map[string]int{}, refused: map[string]int{}}
	server := &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return c
}

// ServeHTTP notes the upload and leaves the rest to the simulator.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests++
	onUpload := c.onUpload
	c.mu.Unlock()
	if !isUpload(r) {
		c.sim.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // cut on its way: the authority sees nothing of it
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := envelopeIn(r, body)
	answer := &overheard{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.arrivals[sum]++
		if answer.refusesSession() {
			c.refused[sum]++
		}
	}()
	if onUpload != nil {
		onUpload()
	}
	c.sim.ServeHTTP(answer, r)
}

// whenUploaded has act called when an upload is in, before the authority looks at it; nil calls nothing.
func (c *counter) whenUploaded(act func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onUpload = act
}

func isUpload(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/DTEUpload") || strings.HasSuffix(r.URL.Path, ".envio") && r.Method == http.MethodPost
}

// envelopeIn is the hash of the envelope in an upload; empty if there is none.
func envelopeIn(r *http.Request, body []byte) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	for parts := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err != nil {
			return ""
		}
		if part.FormName() == "archivo" {
			xml, _ := io.ReadAll(part)
			return hashOf(xml)
		}
	}
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// overheard is an answer and the beginning of what it says.
type overheard struct {
	http.ResponseWriter
	status int
	text   []byte
}

func (o *overheard) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *overheard) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *overheard) Write(b []byte) (int, error) {
	o.text = append(o.text, b[:min(len(b), 500)]...)
	return o.ResponseWriter.Write(b)
}

func (o *overheard) refusesSession() bool {
	return o.status == http.StatusUnauthorized || bytes.Contains(o.text, []byte("<STATUS>5<"))
}

// road is what lies between a till and the authority: a toxiproxy of its own.
type road struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
	up    bool
}

func newRoad(t testing.TB, to string) *road {
	t.Helper()
	zerolog.SetGlobalLevel(zerolog.Disabled) // some of its toxics write to the terminal
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := &road{t: t, proxy: toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", to)}
	r.open()
	t.Cleanup(r.proxy.Stop)
	return r
}

// open mends the road; its address changes if another program took its port meanwhile.
func (r *road) open() {
	r.t.Helper()
	if r.up {
		return
	}
	if r.proxy.Start() != nil {
		r.proxy.Listen = "127.0.0.1:0"
		if err := r.proxy.Start(); err != nil {
			r.t.Fatal(err)
		}
	}
	r.up = true
}

// cut ends every connection and refuses new ones.
func (r *road) cut() {
	r.proxy.Stop()
	r.up = false
}

func (r *road) url() string { return "http://" + r.proxy.Listen }

// clear takes every trouble off the road.
func (r *road) clear() { r.proxy.Toxics.ResetToxics(context.Background()) }

// toxic adds a trouble in one direction, "upstream" or "downstream"; attributes are name, value pairs.
func (r *road) toxic(kind, stream string, attributes ...any) {
	r.t.Helper()
	var pairs []string
	for i := 0; i < len(attributes); i += 2 {
		pairs = append(pairs, fmt.Sprintf("%q: %d", attributes[i], attributes[i+1]))
	}
	config := fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": {%s}}`, kind, stream, strings.Join(pairs, ", "))
	if _, err := r.proxy.Toxics.AddToxicJson(strings.NewReader(config)); err != nil {
		r.t.Fatalf("%s: %v", config, err)
	}
}

// errKilled is what a killed process sees, if it could still look.
var errKilled = errors.New("killed")

// process is one run of a till's program, between its worker and its file and the line. When it is killed, nothing more
// of it reaches either.
type process struct {
	possync.Outbox
	authority possync.Authority
	book      *ledger
	cancel    context.CancelFunc

	mu    sync.Mutex
	left  int // acts until it is killed; 0 is never
	acts  int
	tries int // of the line
	ended bool
}

// kill ends the process in whatever it does.
func (p *process) kill() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.cancel()
}

// killAfter arms the end: so many acts from now, the next one does not happen any more.
func (p *process) killAfter(acts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = acts
}

func (p *process) dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// acts is the moment before an act.
func (p *process) act() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acts++
	if p.left > 0 {
		p.left--
		p.ended = p.ended || p.left == 0
	}
	if p.ended {
		return errKilled
	}
	return nil
}

func (p *process) NewSobre(s dte.Sobre) (dte.Sobre, error) {
	if err := p.act(); err != nil {
		return dte.Sobre{}, err
	}
	made, err := p.Outbox.NewSobre(s)
	if err == nil {
		p.book.made(made.SHA256, made.Keys)
	}
	return made, err
}

func (p *process) Regroup(id, reason string, into []dte.Sobre) ([]dte.Sobre, error) {
	if err := p.act(); err != nil {
		return nil, err
	}
	made, err := p.Outbox.Regroup(id, reason, into)
	for _, s := range made {
		p.book.made(s.SHA256, s.Keys)
	}
	return made, err
}

func (p *process) UpdateSobre(s dte.Sobre) error {
	if err := p.act(); err != nil {
		return err
	}
	err := p.Outbox.UpdateSobre(s)
	if err == nil && s.State == dte.Sent {
		p.book.receipt(s.SHA256)
	}
	return err
}

func (p *process) Settle(id string, verdicts []dte.Veredicto) error {
	if err := p.act(); err != nil {
		return err
	}
	return p.Outbox.Settle(id, verdicts)
}

func (p *process) Upload(ctx context.Context, ch sii.Channel, emisor dte.RUT, name string, envelope []byte) (sii.Receipt, error) {
	if err := p.act(); err != nil {
		return sii.Receipt{}, err
	}
	p.tries++
	sum := hashOf(envelope)
	p.book.uploads(sum)
	receipt, err := p.authority.Upload(ctx, ch, emisor, name, envelope)
	if p.dead() {
		return sii.Receipt{}, errKilled
	}
	p.book.answered(sum, err)
	return receipt, err
}

func (p *process) EnvelopeStatus(ctx context.Context, ch sii.Channel, emisor dte.RUT, trackID string) (sii.EnvelopeStatus, error) {
	if err := p.act(); err != nil {
		return sii.EnvelopeStatus{}, err
	}
	p.tries++
	status, err := p.authority.EnvelopeStatus(ctx, ch, emisor, trackID)
	if p.dead() {
		return sii.EnvelopeStatus{}, errKilled
	}
	return status, err
}

func (p *process) DocumentStatus(ctx context.Context, doc *dte.Document) (sii.DocumentStatus, error) {
	if err := p.act(); err != nil {
		return sii.DocumentStatus{}, err
	}
	p.tries++
	status, err := p.authority.DocumentStatus(ctx, doc)
	if p.dead() {
		return sii.DocumentStatus{}, errKilled
	}
	if err == nil {
		p.book.asked(doc.Key(), status.Found)
	}
	return status, err
}

// ledger is what one till has sent and what it has come to know, over all its processes. It knows a repeat that could
// have been avoided: of bytes whose receipt is in the till's file, or without a question after a doubt.
type ledger struct {
	t    testing.TB
	held func(sum string) bool // the authority has these bytes

	mu      sync.Mutex
	sobres  map[string]*sending
	of      map[dte.Key][]string // the envelopes of a document
	calls   map[string]int
	doubts  int
	asks    int
	repeats int // uploads of bytes that had been tried before
}

type sending struct {
	doubt   bool // an upload ended without an answer, and nobody has asked since
	receipt bool // the till's file says that the authority has it
	known   bool // the authority had it before this upload
	refused bool // at the door, for what it is
}

func newLedger(t testing.TB, held func(string) bool) *ledger {
	return &ledger{t: t, held: held, sobres: map[string]*sending{}, of: map[dte.Key][]string{}, calls: map[string]int{}}
}

func (l *ledger) made(sum string, keys []dte.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sobres[sum] = &sending{}
	for _, key := range keys {
		l.of[key] = append(l.of[key], sum)
	}
}

func (l *ledger) uploads(sum string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sobres[sum]
	switch {
	case s == nil:
		l.t.Errorf("bytes %.8s were sent and never stored", sum)
		return
	case s.receipt:
		l.t.Errorf("an avoidable repeat: %.8s was sent again although its receipt is in the file", sum)
	case s.doubt:
		l.t.Errorf("an avoidable repeat: %.8s was sent again without a question", sum)
	}
	if l.calls[sum]++; l.calls[sum] > 1 {
		l.repeats++
	}
	s.doubt, s.known = true, l.held(sum)
	l.doubts++ // until the answer is in
}

// answered is what the till learns from an upload. Where the client says that nothing arrived, nothing may have.
func (l *ledger) answered(sum string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sobres[sum]
	trouble, ours := errors.AsType[*sii.Error](err)
	if s == nil || ours && (trouble.MaybeReceived || trouble.Verdict == sii.Already) {
		return
	}
	l.doubts--
	if err == nil {
		return // in doubt until the receipt is in the file
	}
	s.doubt, s.refused = false, ours && trouble.Fault != ""
	if !s.known && l.held(sum) {
		l.t.Errorf("%.8s arrived, and the till was told that it did not: %v", sum, err)
	}
}

func (l *ledger) receipt(sum string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sobres[sum]; s != nil {
		s.receipt, s.doubt = true, false
	}
}

func (l *ledger) asked(key dte.Key, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asks++
	for _, sum := range l.of[key] {
		l.sobres[sum].doubt = l.sobres[sum].doubt && found
	}
}

// onTheWire compares with what reached the authority: an upload arrives once, or twice when its session was refused.
func (l *ledger) onTheWire(c *counter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for sum, calls := range l.calls {
		if n := c.arrivals[sum] - c.refused[sum]; n > calls {
			l.t.Errorf("%.8s was sent %d times and arrived %d times", sum, calls, n)
		}
	}
}
