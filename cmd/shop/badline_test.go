package shop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/sale/saletest"
)

// badLine is a line on which something answers, only not as it should: to every question from now on, or, half-open, to those of
// the connections that are there.
type badLine struct {
	t  testing.TB
	l  net.Listener
	to string

	mu    sync.Mutex
	does  trouble
	open  map[net.Conn]bool
	dead  map[net.Conn]bool // the other end is gone and nobody says so
	met   int               // connections that are in trouble now
	stuck chan struct{}     // one for each connection that met the trouble
	loops sync.WaitGroup
}

// trouble is what becomes of a question and all that follows it on its connection.
type trouble func(l *badLine, till net.Conn)

func newBadLine(t testing.TB, to string) *badLine {
	t.Helper()
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := &badLine{t: t, l: listening, to: to, open: map[net.Conn]bool{}, dead: map[net.Conn]bool{}, stuck: make(chan struct{}, 1000)}
	l.loops.Go(l.accepts)
	t.Cleanup(func() {
		_ = listening.Close()
		l.drop()
		l.loops.Wait()
	})
	return l
}

func (l *badLine) addr() string { return l.l.Addr().String() }
func (l *badLine) url() string  { return "http://" + l.addr() }

func (l *badLine) accepts() {
	for {
		till, err := l.l.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.open[till] = true
		l.mu.Unlock()
		l.loops.Go(func() {
			defer l.end(till)
			l.serves(till)
		})
	}
}

// begun is a connection of which the beginning has been looked at.
type begun struct {
	net.Conn
	r *bufio.Reader
}

func (b *begun) Read(p []byte) (int, error) { return b.r.Read(p) }

// serves carries question after question, until one meets the trouble.
func (l *badLine) serves(till net.Conn) {
	from := &begun{till, bufio.NewReader(till)}
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer server.Close()
	answers := bufio.NewReader(server)
	for {
		if _, err := from.r.Peek(1); err != nil {
			return
		}
		if does := l.meets(till); does != nil {
			l.counts(1)
			defer l.counts(-1)
			l.stuck <- struct{}{}
			does(l, from)
			return
		}
		r, err := http.ReadRequest(from.r)
		if err != nil || r.Write(server) != nil {
			return
		}
		answer, err := http.ReadResponse(answers, r)
		if err != nil {
			return
		}
		err = errors.Join(answer.Write(till), answer.Body.Close())
		if err != nil || answer.Close {
			return
		}
	}
}

// meets is what becomes of the next question of a connection.
func (l *badLine) meets(till net.Conn) trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead[till] {
		return silent
	}
	return l.does
}

func (l *badLine) counts(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met += n
}

// holds reports that somebody waits on this line.
func (l *badLine) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.met > 0
}

func (l *badLine) end(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	_ = c.Close()
}

// drop ends what is open.
func (l *badLine) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Close()
	}
}

// becomes has the questions from now on meet a trouble; nil carries them.
func (l *badLine) becomes(does trouble) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.does = does
}

// halfOpen has the other end of every connection vanish without a word.
func (l *badLine) halfOpen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		l.dead[c] = true
	}
}

// both carries one way as it is, and the way back as back does, until either ends.
func (l *badLine) both(till net.Conn, back func(to io.Writer, from io.Reader)) {
	server, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	var ways sync.WaitGroup
	ways.Go(func() {
		defer server.Close()
		_, _ = io.Copy(server, till)
	})
	ways.Go(func() {
		defer till.Close()
		back(till, server)
	})
	ways.Wait()
}

// silent takes everything and says nothing.
func silent(_ *badLine, till net.Conn) { _, _ = io.Copy(io.Discard, till) }

// deaf does not even take anything: what is sent stays with the till.
func deaf(_ *badLine, till net.Conn) {
	gone := make([]byte, 1)
	_, _ = till.Read(gone) // the first byte, so that it is known that somebody speaks
	for {
		if _, err := till.Write(nil); err != nil {
			return
		}
		_ = till.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := till.Read(gone); err != nil && !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
			return
		}
	}
}

func isTimeout(err error) bool {
	slow, ok := errors.AsType[net.Error](err)
	return ok && slow.Timeout()
}

// drips says what the server does, a byte every so often.
func drips(l *badLine, till net.Conn) {
	l.both(till, func(to io.Writer, from io.Reader) {
		tick := time.NewTicker(30 * time.Millisecond)
		defer tick.Stop()
		b := make([]byte, 1)
		for {
			if _, err := from.Read(b); err != nil {
				return
			}
			<-tick.C
			if _, err := to.Write(b); err != nil {
				return
			}
		}
	})
}

// headOnly lets the head of an answer pass and no more.
func headOnly(l *badLine, till net.Conn) {
	l.both(till, func(to io.Writer, from io.Reader) {
		answer := bufio.NewReader(from)
		for {
			line, err := answer.ReadBytes('\n')
			if _, broken := to.Write(line); err != nil || broken != nil || len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		_, _ = io.Copy(io.Discard, answer)
	})
}

// says answers whatever is asked with these bytes, and ends.
func says(raw string) trouble {
	return func(_ *badLine, till net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(till))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(till, raw)
		if b, ok := till.(*begun); ok {
			_ = b.Conn.(*net.TCPConn).CloseWrite()
		}
		_, _ = io.Copy(io.Discard, till) // whoever closes first loses nothing that is on its way
	}
}

// answering is a whole answer.
func answering(status int, body string, headers ...string) string {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, h := range headers {
		head += h + "\r\n"
	}
	return head + "\r\n" + body
}

const wifi = "<!DOCTYPE html><html><body>Bienvenido al wifi</body></html>"

// packed is a long answer as zstd, and bomb zeros by the gigabyte in frames that say nothing of their size.
func packed(t testing.TB) string {
	t.Helper()
	var text bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&text, `{"hash":"%x"},`, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	z, err := zstd.NewWriter(nil)
	must(t, err)
	return string(z.EncodeAll(text.Bytes(), nil))
}

func bomb(t testing.TB) string {
	t.Helper()
	var frame bytes.Buffer
	z, err := zstd.NewWriter(&frame, zstd.WithWindowSize(1<<20))
	must(t, err)
	for range 30 {
		_, err = z.Write(make([]byte, 1<<20))
		must(t, err)
	}
	must(t, z.Close())
	return strings.Repeat(frame.String(), min(100, 900_000/frame.Len()))
}

// impatient is how long a short exchange may take on a line that is meant to be bad; its long ones have six times that.
const impatient = 400 * time.Millisecond

// lineOffice reaches the server over HTTP as a shop does, with the patience that a test wants.
type lineOffice struct {
	timeout atomic.Int64
}

func (o *lineOffice) config(url, token string) api.ClientConfig {
	return api.ClientConfig{URL: url, Token: token, Version: "prueba", Timeout: time.Duration(o.timeout.Load())}
}

func (o *lineOffice) Join(ctx context.Context, url string, j api.Join) (api.Joined, error) {
	return api.JoinServer(ctx, o.config(url, ""), j)
}

func (o *lineOffice) Server(url, token string) (api.Server, error) {
	return api.NewClient(o.config(url, token))
}

// thief is another host; nobody of ours ever speaks to it.
func thief(t testing.TB) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked for %s, with %q", r.URL, r.Header)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Whatever answers in the server's place, and however slowly, the till gives up in time and without much memory, says in words what
// happened, and tells all, once, as soon as the server answers.
func TestABadLineToTheServer(t *testing.T) {
	v := newServed(t)
	v.folios(1, 500, dte.Boleta)
	line := newBadLine(t, strings.TrimPrefix(v.url, "http://"))
	office := &lineOffice{}
	o := v.branch()
	o.Office = office
	s := opened(t, o)
	v.joins(s, "Caja 1", line.url())
	v.settles(s)
	token, err := s.Store.ServerToken()
	must(t, err)
	long := packed(t)
	for _, c := range []struct {
		name  string
		does  trouble
		code  string
		down  bool
		words string
	}{
		{"silence", silent, "plazo", true, "no respondió a tiempo"},
		{"nobody takes what is sent", deaf, "plazo", true, "no respondió a tiempo"},
		{"a byte now and then", drips, "plazo", true, "no respondió a tiempo"},
		{"a head and no more", headOnly, "plazo", true, "no respondió a tiempo"},
		{"a portal", says(answering(200, wifi, "Content-Type: text/html")), "portal", true, "wifi"},
		{"a portal that sends elsewhere", says(answering(302, "", "Location: "+thief(t)+"/till/v1/sync")), "portal", true, "wifi"},
		{"a portal that keeps the method", says(answering(308, "", "Location: "+thief(t)+"/till/v1/sync")), "portal", true, "wifi"},
		{"cut in a packed body", says(answering(200, long, "Content-Type: application/json", "Content-Encoding: zstd")[:300]), "red", true, "No hay conexión"},
		{"a packed body that ends early", says(answering(200, long[:len(long)/2], "Content-Type: application/json", "Content-Encoding: zstd")), "respuesta", false, "no tiene sentido"},
		{"a bomb", says(answering(200, bomb(t), "Content-Type: application/json", "Content-Encoding: zstd")), "respuesta", false, "no tiene sentido"},
		{"a bomb of heads", says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), "red", true, "No hay conexión"},
		{"a gateway without its server", says(answering(502, wifi, "Content-Type: text/html", "Retry-After: -5")), "502", true, "no está disponible"},
		{"a gateway that rests for ever", says(answering(503, "", "Retry-After: 2147483647")), "503", true, "no está disponible"},
		{"a gateway that rests for longer", says(answering(503, "", "Retry-After: 99999999999999999999")), "503", true, "no está disponible"},
		{"a gateway that is asked too much", says(answering(429, "", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT")), "429", true, "no está disponible"},
		{"another service", says("SSH-2.0-OpenSSH_9.9\r\n"), "red", true, "No hay conexión"},
		{"hung up", func(*badLine, net.Conn) {}, "red", true, "No hay conexión"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sells(t, s)
			office.timeout.Store(int64(impatient))
			line.becomes(c.does)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := s.SyncServer(t.Context())
			if took := time.Since(start); took > 20*impatient {
				t.Errorf("it gave up after %s", took)
			}
			runtime.ReadMemStats(&after)
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 500 { // of the bomb's 3 GB; what is thrown away counts, too
				t.Errorf("it took %d MB", used)
			}
			if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != c.code || e.Down != c.down {
				t.Errorf("%#v", err)
			}
			if st := s.Server(); st.Down != c.down || !strings.Contains(st.Problem, c.words) || strings.Contains(fmt.Sprint(st, err), string(token)) {
				t.Errorf("the screen says %+v", st)
			}
			line.becomes(nil)
			office.timeout.Store(0)
			if st := v.settles(s); st.Down || st.Problem != "" {
				t.Errorf("afterwards the screen says %+v", st)
			}
			v.agree(s)
		})
	}
	v.quiet()
	healthy(t, s)
}

// At whatever message the server falls silent, the till gives up after that one, and what it had told before is told.
func TestTheServerFallsSilent(t *testing.T) {
	v := newServed(t)
	v.folios(1001, 1500, dte.Boleta, dte.Factura, dte.NotaCredito)
	office := &lineOffice{}
	var asked atomic.Int32
	for i, path := range []string{"sync", "caf", "push", "pull"} {
		t.Run(path, func(t *testing.T) {
			asked.Store(0)
			v.fill(3)
			o := v.branch()
			o.Office = office
			s := opened(t, o)
			from := dte.Folio(10*i + 1)
			_, err := s.ImportCAF(saletest.CAF(dte.Boleta, from, from+9, dte.DateOf(s.opt.Now())))
			must(t, err)
			sells(t, s)
			office.timeout.Store(0)
			v.joins(s, "Caja "+path, v.url)
			v.between(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
				if !strings.Contains(r.URL.Path, "/"+path) {
					on.ServeHTTP(w, r)
					return
				}
				asked.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			})
			office.timeout.Store(int64(impatient))
			_, err = s.SyncServer(t.Context())
			v.between(nil)
			office.timeout.Store(0)
			if e, ok := errors.AsType[*api.Error](err); !ok || !e.Down || e.Code != "plazo" || asked.Load() != 1 {
				t.Errorf("asked %d times: %#v", asked.Load(), err)
			}
			v.settles(s)
			healthy(t, s)
			v.exec("delete from product where codigo_interno like 'N%'")
		})
	}
	v.quiet()
}

// A line that carries little at a time is told little at a time; when it is better, more again.
func TestALineThatCarriesLittle(t *testing.T) {
	v := newServed(t)
	office := &lineOffice{}
	o := v.branch()
	o.Office = office
	s := opened(t, o)
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 1, 200, dte.DateOf(s.opt.Now())))
	must(t, err)
	v.joins(s, "Caja 1", v.url)
	v.settles(s)
	for range 60 {
		sells(t, s)
	}
	var mu sync.Mutex
	var sizes []int64
	fits := int64(30_000)
	v.between(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if strings.HasSuffix(r.URL.Path, "/push") {
			mu.Lock()
			sizes = append(sizes, r.ContentLength)
			mu.Unlock()
			if r.ContentLength > fits {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done() // on this line it would take longer than anybody waits
				return
			}
		}
		on.ServeHTTP(w, r)
	})
	office.timeout.Store(int64(impatient))
	courier, err := s.newCourier(&serverBooks{s: s})
	must(t, err)
	for range 12 {
		if next := courier.Step(t.Context()); courier.Idle() {
			break
		} else if next.After(v.clock.Now()) {
			v.clock.Advance(next.Sub(v.clock.Now()))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if !courier.Idle() || len(sizes) < 4 || sizes[0] <= fits {
		t.Fatalf("pushes of %d bytes, and then: %+v", sizes, courier.Status())
	}
	v.between(nil)
	v.settles(s)
	v.agree(s)
	v.quiet()
	healthy(t, s)
}

// reports are what a running till says of itself.
type reports struct {
	mu   sync.Mutex
	last Status
	some chan struct{}
}

func (r *reports) take(st Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = st
	select {
	case r.some <- struct{}{}:
	default:
	}
}

// until waits for a till that says so, and lets time pass meanwhile.
func (r *reports) until(t testing.TB, what string, v *served, is func(Status) bool) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r.mu.Lock()
		last := r.last
		r.mu.Unlock()
		if is(last) {
			return
		}
		select {
		case <-r.some:
		case <-tick.C:
			v.clock.Advance(time.Second)
		case <-end:
			t.Fatalf("it never came to this: %s; the till says %+v", what, last)
		}
	}
}

// While the server is silent, in whatever way, the counter sells, the SII hears of it and decides, and the program ends at once
// although the question is not over. Afterwards the server has all.
func TestNobodyWaitsForASilentServer(t *testing.T) {
	v := newServed(t)
	v.folios(1, 900, dte.Boleta)
	line := newBadLine(t, strings.TrimPrefix(v.url, "http://"))
	o := v.branch()
	s := opened(t, o)
	v.joins(s, "Caja 1", line.url())
	v.settles(s)
	must(t, s.Close())
	for name, does := range map[string]trouble{
		"silence": silent, "nobody takes what is sent": deaf, "a byte now and then": drips, "a head and no more": headOnly, "half-open": nil,
	} {
		t.Run(name, func(t *testing.T) {
			said := &reports{some: make(chan struct{}, 1)}
			on := o
			on.Report = said.take
			s := opened(t, on)
			must(t, s.Start())
			first := sells(t, s)
			said.until(t, "the server has what was sold", v, func(Status) bool {
				var there int
				v.reads(fmt.Sprintf("select count(*) from document where folio = %d", first.Key.Folio), &there)
				return there == 1
			})
			for len(line.stuck) > 0 {
				<-line.stuck
			}
			if line.becomes(does); does == nil {
				line.halfOpen()
			}
			sells(t, s)
			select {
			case <-line.stuck:
			case <-time.After(time.Minute):
				t.Fatal("the server was never asked")
			}
			for range 5 {
				start := time.Now()
				sells(t, s)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("a sale took %s", took)
				}
			}
			said.until(t, "the SII has decided everything", v, func(st Status) bool {
				return st.Known && st.Worker.Backlog.Documents == 0 && st.Worker.Problem == ""
			})
			if st := s.Server(); st.Down || !line.holds() {
				t.Errorf("the question is over: %+v", st)
			}
			start := time.Now()
			must(t, s.Close())
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s to end", took)
			}
			line.becomes(nil)
			line.drop()
			s = opened(t, o)
			v.settles(s)
			v.agree(s)
			healthy(t, s)
			must(t, s.Close())
		})
	}
	v.quiet()
}
