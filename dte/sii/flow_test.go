package sii_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
	"mostrador/money"
)

// world is a client and an authority on a real socket, with one clock.
type world struct {
	*siisim.Sim
	client *sii.Client
	url    string
	clock  *clock
	// requests counts what reached the authority, by path.
	requests *sync.Map
}

type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(dtetest.Now().UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).In(dte.Santiago) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func newWorld(t *testing.T, configure ...func(*siisim.Config)) *world {
	t.Helper()
	w := &world{clock: newClock(), requests: &sync.Map{}}
	cfg := siisim.Config{Authority: dtetest.Authority(), Now: w.clock.now}
	for _, f := range configure {
		f(&cfg)
	}
	var err error
	if w.Sim, err = siisim.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Sim.Close() })
	url, stop, err := w.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w.url = url
	w.client = w.newClient(url)
	return w
}

func (w *world) newClient(url string) *sii.Client {
	return sii.New(sii.Config{
		Endpoints: sii.Single(url), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now,
		HTTP: &http.Client{Transport: &counting{w.requests}},
	})
}

// counting notes what the client sends.
type counting struct{ paths *sync.Map }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	n, _ := c.paths.LoadOrStore(r.URL.Path, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func (w *world) sent(part string) int {
	total := 0
	w.requests.Range(func(path, n any) bool {
		if strings.Contains(path.(string), part) {
			total += int(n.(*atomic.Int64).Load())
		}
		return true
	})
	return total
}

func channels(t *testing.T, test func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE)) {
	t.Run("facturas", func(t *testing.T) { test(t, sii.ChannelDTE, dte.Factura) })
	t.Run("boletas", func(t *testing.T) { test(t, sii.ChannelBoleta, dte.Boleta) })
}

func (w *world) upload(t *testing.T, docs ...*dte.Document) sii.Receipt {
	t.Helper()
	receipt, err := w.client.Upload(t.Context(), sii.ChannelOf(docs[0].Tipo), dtetest.Company, "S000000001", dtetest.Envelope(docs...))
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func (w *world) envelope(t *testing.T, ch sii.Channel, track string) sii.EnvelopeStatus {
	t.Helper()
	s, err := w.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, track)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) document(t *testing.T, doc *dte.Document) sii.DocumentStatus {
	t.Helper()
	s, err := w.client.DocumentStatus(t.Context(), doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantError(t *testing.T, err error, verdict sii.Verdict) *sii.Error {
	t.Helper()
	e, ok := errors.AsType[*sii.Error](err)
	if !ok || e.Verdict != verdict || e.Message == "" || e.Code == "" {
		t.Fatalf("got %#v, want the verdict %s", err, verdict)
	}
	return e
}

func TestADocumentGoesAllTheWay(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t, func(c *siisim.Config) { c.ProcessingPolls = 2 })
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)

		if s := w.document(t, doc); s.Found || s.Codigo != "FAU" {
			t.Fatalf("before the upload: %+v", s)
		}
		receipt := w.upload(t, doc)
		if receipt.Already || receipt.TrackID == "" {
			t.Fatalf("receipt %+v", receipt)
		}
		for range 2 {
			if s := w.document(t, doc); !s.Found || s.State != dte.Sent || ch == sii.ChannelDTE && s.TrackID != receipt.TrackID {
				t.Fatalf("in process the document is %+v", s)
			}
			if s := w.envelope(t, ch, receipt.TrackID); s.Phase != sii.InProgress || s.Counts != nil {
				t.Fatalf("in process the envelope is %+v", s)
			}
		}
		s := w.envelope(t, ch, receipt.TrackID)
		if s.Phase != sii.Processed || s.Estado != "EPR" || !slices.Equal(s.Counts, []sii.Count{{Tipo: tipo, Informados: 1, Aceptados: 1}}) || len(s.Details) > 0 {
			t.Fatalf("processed: %+v", s)
		}
		if s := w.document(t, doc); !s.Found || s.State != dte.Accepted || s.Codigo != "DOK" {
			t.Fatalf("accepted: %+v", s)
		}
		held, ok := w.Document(doc.Key())
		if !ok || held.State != dte.Accepted || held.MntTotal != doc.Totales.MntTotal || held.TrackID != receipt.TrackID {
			t.Fatalf("the authority holds %+v", held)
		}
	})
}

func TestQueryEstDte(t *testing.T) {
	w := newWorld(t)
	doc := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 7)
	if s, err := w.client.QueryEstDte(t.Context(), doc); err != nil || s.Found {
		t.Fatalf("before: %+v, %v", s, err)
	}
	w.upload(t, doc)
	if s, err := w.client.QueryEstDte(t.Context(), doc); err != nil || s.State != dte.Accepted {
		t.Fatalf("after: %+v, %v", s, err)
	}
	other := *doc
	other.Totales.MntTotal++
	if s, err := w.client.QueryEstDte(t.Context(), &other); err != nil || !s.Found || s.State != dte.Rejected || s.Codigo != "DNK" {
		t.Fatalf("with another amount: %+v, %v", s, err)
	}
}

func TestBoletasMayTravelByDTEUpload(t *testing.T) {
	w := newWorld(t)
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	receipt, err := w.client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "set.xml", dtetest.Envelope(doc))
	if err != nil {
		t.Fatal(err)
	}
	if s := w.envelope(t, sii.ChannelDTE, receipt.TrackID); s.Total().Aceptados != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestDuplicateAdoptsTheEarlierTrackID(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t)
		envelope := dtetest.Envelope(dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7))
		first, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", envelope)
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.client.Upload(t.Context(), ch, dtetest.Company, "b", envelope)
		if err != nil || !again.Already || strings.TrimLeft(again.TrackID, "0") != strings.TrimLeft(first.TrackID, "0") || again.RetryAfter != 900*time.Second {
			t.Fatalf("got %+v, %v after %+v", again, err, first)
		}
		if s := w.envelope(t, ch, again.TrackID); s.Phase != sii.Processed {
			t.Errorf("the adopted track id leads to %+v", s)
		}
		if len(w.Envelopes()) != 1 {
			t.Errorf("the authority holds %d envelopes", len(w.Envelopes()))
		}
	})
}

// One session serves many calls, at once too; each channel has its own.
func TestOneLoginPerChannel(t *testing.T) {
	w := newWorld(t)
	factura := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 7)
	boleta := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	var group sync.WaitGroup
	for range 8 {
		for _, doc := range []*dte.Document{factura, boleta} {
			group.Go(func() {
				if _, err := w.client.DocumentStatus(context.Background(), doc); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if soap, rest := w.sent("GetTokenFromSeed"), w.sent("electronica.token"); soap != 1 || rest != 1 {
		t.Errorf("%d logins by SOAP, %d by REST; want one each", soap, rest)
	}
}

func TestTokenIsRenewedAfter50Minutes(t *testing.T) {
	w := newWorld(t)
	doc := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 7)
	logins := func() int { return w.sent("GetTokenFromSeed") }
	w.document(t, doc)
	w.clock.advance(49 * time.Minute)
	w.document(t, doc)
	if logins() != 1 {
		t.Fatalf("%d logins before 50 minutes", logins())
	}
	w.clock.advance(2 * time.Minute)
	w.document(t, doc)
	if logins() != 2 {
		t.Fatalf("%d logins after 51 minutes", logins())
	}
	w.clock.advance(-24 * time.Hour) // somebody sets the clock back
	w.document(t, doc)
	if logins() != 3 {
		t.Fatalf("%d logins after the clock went back", logins())
	}
}

// A token that the authority forgot (STATUS 5, 003, 401) is renewed once, and the call succeeds.
func TestForgottenTokenIsRenewedOnce(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		state := filepath.Join(t.TempDir(), "sii.jsonl")
		w := newWorld(t, func(c *siisim.Config) { c.StateFile = state })
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)
		w.document(t, doc)
		refuse := func(path string) {
			var once atomic.Bool
			w.SetFault(func(r *http.Request) siisim.Fault {
				if strings.Contains(r.URL.Path, path) && once.CompareAndSwap(false, true) {
					return siisim.WrongToken
				}
				return siisim.NoFault
			})
		}
		refuse("")
		w.document(t, doc)
		refuse("")
		receipt := w.upload(t, doc)
		refuse("")
		if s := w.envelope(t, ch, receipt.TrackID); s.Phase != sii.Processed {
			t.Errorf("got %+v", s)
		}
		if n := w.sent(map[sii.Channel]string{sii.ChannelDTE: "GetTokenFromSeed", sii.ChannelBoleta: "electronica.token"}[ch]); n != 4 {
			t.Errorf("%d logins, want 4", n)
		}
	})
}

func TestTokenIsRenewedOnlyOnce(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t, func(c *siisim.Config) { c.Fault = func(*http.Request) siisim.Fault { return siisim.WrongToken } })
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)
		_, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", dtetest.Envelope(doc))
		if e := wantError(t, err, sii.Later); e.MaybeReceived || e.Down {
			t.Errorf("a refusal is clear: %+v", e)
		}
		if n := w.sent("DTEUpload") + w.sent("electronica.envio"); n != 2 {
			t.Errorf("%d uploads, want 2", n)
		}
	})
}

// The faults of T14: what is lost after bytes have left is a doubt, and the doubt is resolved by asking.
func TestChaos(t *testing.T) {
	for _, c := range []struct {
		name                          string
		fault                         siisim.Fault
		down, maybeReceived, received bool
	}{
		{"reset before", siisim.ResetBefore, true, true, false},
		{"accepted, then silence", siisim.SilenceAfter, true, true, true},
		{"a web page with 200", siisim.HTML200, true, true, false},
		{"500 after accepting", siisim.Error500After, false, true, true},
		{"half an answer", siisim.CutAnswer, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
				w := newWorld(t)
				doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)
				envelope := dtetest.Envelope(doc)
				w.document(t, doc) // a session
				w.SetFault(func(*http.Request) siisim.Fault { return c.fault })
				_, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", envelope)
				e := wantError(t, err, sii.Later)
				if e.Down != c.down || e.MaybeReceived != c.maybeReceived {
					t.Errorf("Down %v, MaybeReceived %v: %v", e.Down, e.MaybeReceived, e)
				}
				if _, err := w.client.DocumentStatus(t.Context(), doc); wantError(t, err, sii.Later).MaybeReceived {
					t.Error("a question leaves no doubt")
				}
				w.SetFault(nil)
				if s := w.document(t, doc); s.Found != c.received {
					t.Errorf("after the fault: %+v", s)
				}
				again, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", envelope)
				if err != nil || again.Already != c.received {
					t.Errorf("the same bytes again: %+v, %v", again, err)
				}
				if n := len(w.Envelopes()); n != 1 {
					t.Errorf("the authority holds %d envelopes", n)
				}
			})
		})
	}
}

// An upload that is still on its way when the authority is asked: "not received" is true then, and the resend of the same
// bytes finds that they arrived after all.
func TestLateArrival(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t)
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)
		envelope := dtetest.Envelope(doc)
		w.document(t, doc) // a session
		w.SetFault(func(*http.Request) siisim.Fault { return siisim.LateArrival })
		_, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", envelope)
		if e := wantError(t, err, sii.Later); !e.MaybeReceived {
			t.Fatalf("got %+v", e)
		}
		w.SetFault(nil)
		if s := w.document(t, doc); s.Found {
			t.Fatalf("it has not arrived: %+v", s)
		}
		if n := w.Deliver(); n != 1 {
			t.Fatalf("%d requests were late", n)
		}
		again, err := w.client.Upload(t.Context(), ch, dtetest.Company, "a", envelope)
		if err != nil || !again.Already {
			t.Errorf("the same bytes: %+v, %v", again, err)
		}
		if s := w.document(t, doc); s.State != dte.Accepted || len(w.Envelopes()) != 1 {
			t.Errorf("%+v in %d envelopes", s, len(w.Envelopes()))
		}
	})
}

func TestLineDownCountsNoAttempt(t *testing.T) {
	w := newWorld(t)
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	w.SetLine(false)
	_, err := w.client.Upload(t.Context(), sii.ChannelBoleta, dtetest.Company, "a", dtetest.Envelope(doc))
	if e := wantError(t, err, sii.Later); !e.Down || e.MaybeReceived {
		t.Errorf("no session, so nothing left: %+v", e)
	}
	w.SetLine(true)
	w.upload(t, doc)
}

// With a session but without a line nothing leaves, and there is no doubt.
func TestUploadThatNeverLeft(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t)
		server := httptest.NewServer(w)
		defer server.Close()
		client := sii.New(sii.Config{
			Endpoints: sii.Single(server.URL), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now,
			HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		})
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7)
		if _, err := client.DocumentStatus(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
		server.Close()
		_, err := client.Upload(t.Context(), ch, dtetest.Company, "a", dtetest.Envelope(doc))
		if e := wantError(t, err, sii.Later); !e.Down || e.MaybeReceived {
			t.Errorf("got %+v", e)
		}
	})
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	w := newWorld(t)
	doc := dtetest.Emit(dtetest.Draft(dte.Factura, dtetest.Today()), 7)
	_, err := w.newClient(url).Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", dtetest.Envelope(doc))
	if e := wantError(t, err, sii.Later); !e.Down || e.MaybeReceived || e.Code != "red" {
		t.Errorf("got %+v", e)
	}
}

// fake answers the login as the simulator does and the rest as the test says.
func (w *world) fake(t *testing.T, ch sii.Channel, answer http.HandlerFunc) *sii.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "Seed"), strings.Contains(r.URL.Path, "semilla"), strings.Contains(r.URL.Path, "token"):
			w.ServeHTTP(rw, r)
		default:
			answer(rw, r)
		}
	}))
	t.Cleanup(server.Close)
	return w.newClient(server.URL)
}

func (w *world) try(t *testing.T, ch sii.Channel, answer http.HandlerFunc) (sii.Receipt, error) {
	t.Helper()
	return w.fake(t, ch, answer).Upload(t.Context(), ch, dtetest.Company, "envío 1", []byte("<x/>"))
}

func TestRequestsAreWhatTheSIIWants(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, _ dte.TipoDTE) {
		w := newWorld(t)
		var got *http.Request
		var sent []byte
		_, _ = w.try(t, ch, func(rw http.ResponseWriter, r *http.Request) {
			got = r
			sent, _ = io.ReadAll(r.Body)
		})
		if !strings.Contains(got.UserAgent(), "PROG 1.0") {
			t.Errorf("User-Agent %q", got.UserAgent())
		}
		if got.ContentLength != int64(len(sent)) || len(got.TransferEncoding) > 0 {
			t.Errorf("Content-Length %d for %d bytes, Transfer-Encoding %v", got.ContentLength, len(sent), got.TransferEncoding)
		}
		if c, err := got.Cookie("TOKEN"); err != nil || c.Value == "" {
			t.Errorf("no token: %v", err)
		}
		r := &http.Request{Method: http.MethodPost, Header: got.Header, Body: io.NopCloser(bytes.NewReader(sent))}
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"rutSender": "11111111", "dvSender": "1", "rutCompany": "76543210", "dvCompany": "3"} {
			if got := r.PostFormValue(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		f, h, err := r.FormFile("archivo")
		if err != nil {
			t.Fatal(err)
		}
		if xml, _ := io.ReadAll(f); string(xml) != "<x/>" || h.Filename != "env__o_1.xml" && h.Filename != "env_o_1.xml" || h.Header.Get("Content-Type") != "text/xml" {
			t.Errorf("file %q %v: %q", h.Filename, h.Header, xml)
		}
	})
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, _ dte.TipoDTE) {
		w := newWorld(t)
		followed := false
		_, err := w.try(t, ch, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/portal" {
				followed = true
			}
			http.Redirect(rw, r, "/portal", http.StatusFound)
		})
		if e := wantError(t, err, sii.Later); !e.Down || !e.MaybeReceived || e.Code != "portal" || followed {
			t.Errorf("followed %v, error %+v", followed, e)
		}
	})
}

func TestCaptivePortalIsTheLine(t *testing.T) {
	w := newWorld(t, func(c *siisim.Config) { c.Fault = func(*http.Request) siisim.Fault { return siisim.HTML200 } })
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	_, err := w.client.DocumentStatus(t.Context(), doc)
	if e := wantError(t, err, sii.Later); !e.Down || e.Code != "portal" {
		t.Errorf("got %+v", e)
	}
}

func TestRateLimits(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"seconds":     {http.Header{"X-Retry-After": {"600"}}, 10 * time.Minute},
		"its own day": {http.Header{"Date": {dtetest.Now().AddDate(0, 0, -9).UTC().Format(http.TimeFormat)}, "Retry-After": {dtetest.Now().AddDate(0, 0, -9).Add(time.Minute).UTC().Format(http.TimeFormat)}}, time.Minute},
		"standard":    {http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		"a date":      {http.Header{"Retry-After": {dtetest.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}, time.Hour},
		"exhausted":   {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"45"}}, 45 * time.Second},
		"a moment":    {http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(dtetest.Now().Add(time.Minute).Unix())}}, time.Minute},
		"not used up": {http.Header{"X-Ratelimit-Remaining": {"5"}, "X-Ratelimit-Reset": {"45"}}, 0},
		"absurd":      {http.Header{"Retry-After": {"999999999"}}, 24 * time.Hour},
		"nonsense":    {http.Header{"Retry-After": {"-5"}, "X-Retry-After": {"pronto"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.header.Get("Date") == "" {
				c.header.Set("Date", dtetest.Now().UTC().Format(http.TimeFormat))
			}
			_, err := w.try(t, sii.ChannelBoleta, func(rw http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					rw.Header()[k] = v
				}
				rw.WriteHeader(http.StatusTooManyRequests)
			})
			if e := wantError(t, err, sii.Later); e.RetryAfter != c.want || e.MaybeReceived || e.Down {
				t.Errorf("got %+v, want %s", e, c.want)
			}
			receipt, err := w.try(t, sii.ChannelBoleta, func(rw http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					rw.Header()[k] = v
				}
				_, _ = io.WriteString(rw, `{"trackid":5}`)
			})
			if err != nil || receipt.RetryAfter != c.want {
				t.Errorf("got %+v, %v; want %s", receipt, err, c.want)
			}
		})
	}
}

func TestEveryHTTPStatusHasOneVerdict(t *testing.T) {
	for status, c := range map[int]struct {
		verdict     sii.Verdict
		down, maybe bool
	}{
		400: {sii.Person, false, false}, 403: {sii.Person, false, false}, 404: {sii.Later, false, false},
		405: {sii.Person, false, false}, 407: {sii.Later, true, false}, 408: {sii.Later, false, true}, 413: {sii.Person, false, false},
		500: {sii.Later, false, true}, 502: {sii.Later, true, true}, 503: {sii.Later, true, true}, 504: {sii.Later, true, true},
		511: {sii.Later, true, true}, 302: {sii.Later, true, true},
	} {
		channels(t, func(t *testing.T, ch sii.Channel, _ dte.TipoDTE) {
			w := newWorld(t)
			_, err := w.try(t, ch, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) })
			if e := wantError(t, err, c.verdict); e.Down != c.down || e.MaybeReceived != c.maybe {
				t.Errorf("%d: %+v", status, e)
			}
		})
	}
}

func TestHugeAnswersAreNotRead(t *testing.T) {
	w := newWorld(t)
	const offered = 64 << 20
	wrote := make(chan int, 1)
	_, err := w.try(t, sii.ChannelDTE, func(rw http.ResponseWriter, _ *http.Request) {
		n := 0
		for err := error(nil); err == nil && n < offered; n += 64 << 10 {
			_, err = rw.Write(make([]byte, 64<<10))
		}
		wrote <- n
	})
	if e := wantError(t, err, sii.Later); !e.MaybeReceived {
		t.Errorf("got %+v", e)
	}
	if n := <-wrote; n >= offered {
		t.Errorf("the client took all %d bytes", n)
	}
}

func TestDeadlineIsOfTheWholeRequest(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	client := w.fake(t, sii.ChannelDTE, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(rw, "<RECEPCIONDTE>") // a slow drip
		rw.(http.Flusher).Flush()
		cancel()
		<-release
	})
	t.Cleanup(func() { close(release) }) // before the server's own, which waits for its handlers
	_, err := client.Upload(ctx, sii.ChannelDTE, dtetest.Company, "a", []byte("<x/>"))
	if e := wantError(t, err, sii.Later); !e.Down || !e.MaybeReceived || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v", e)
	}

	short := sii.New(sii.Config{Endpoints: sii.Single(w.url), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now, Timeout: time.Nanosecond})
	_, err = short.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", []byte("<x/>"))
	if e := wantError(t, err, sii.Later); e.Code != "plazo" || !e.Down || e.MaybeReceived {
		t.Errorf("got %+v", e)
	}
}

// A large envelope has the time that a slow line needs; what is small, and every question, has not.
func TestALargeEnvelopeHasMoreTime(t *testing.T) {
	w := newWorld(t)
	const timeout = 500 * time.Millisecond
	slow := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/DTEUpload") {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-time.After(2 * timeout):
			case <-r.Context().Done():
				return
			}
			http.Error(rw, "", http.StatusTooManyRequests)
			return
		}
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(slow.Close)
	client := sii.New(sii.Config{Endpoints: sii.Single(slow.URL), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now, Timeout: timeout})
	for size, code := range map[int]string{10: "plazo", 1 << 20: "429"} {
		_, err := client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", make([]byte, size))
		if e := wantError(t, err, sii.Later); e.Code != code {
			t.Errorf("%d bytes: %+v", size, e)
		}
	}
}

func TestTLSIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	client := sii.New(sii.Config{Endpoints: sii.Single(server.URL), Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now})
	_, err := client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", []byte("<x/>"))
	if e := wantError(t, err, sii.Later); e.Code != "tls" || !e.Down || e.MaybeReceived {
		t.Errorf("got %+v", e)
	}
}

func TestSplitBoletaHosts(t *testing.T) {
	w := newWorld(t)
	var api, upload []string
	record := func(paths *[]string) string {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			*paths = append(*paths, r.URL.Path[strings.LastIndex(r.URL.Path, "boleta.electronica"):])
			w.ServeHTTP(rw, r)
		}))
		t.Cleanup(server.Close)
		return server.URL + "/recursos/v1"
	}
	client := sii.New(sii.Config{
		Endpoints: sii.Endpoints{Boleta: record(&api), BoletaUpload: record(&upload)},
		Signer:    dtetest.Signer(dtetest.Person), Now: w.clock.now,
	})
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	receipt, err := client.Upload(t.Context(), sii.ChannelBoleta, dtetest.Company, "a", dtetest.Envelope(doc))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.EnvelopeStatus(t.Context(), sii.ChannelBoleta, dtetest.Company, receipt.TrackID); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(upload, []string{"boleta.electronica.envio"}) || len(api) != 3 {
		t.Errorf("upload host saw %v, the other %v", upload, api)
	}
	for name, e := range map[string]sii.Endpoints{"production": sii.Produccion(), "certification": sii.Certificacion()} {
		for _, base := range []string{e.DTE, e.Boleta, e.BoletaUpload} {
			if !strings.HasPrefix(base, "https://") || !strings.Contains(base, ".sii.cl") {
				t.Errorf("%s: %q", name, base)
			}
		}
		if e.Boleta == e.BoletaUpload {
			t.Errorf("%s: the boleta hosts are not split", name)
		}
	}
}

func TestUselessCallsDoNotTouchTheNetwork(t *testing.T) {
	w := newWorld(t)
	expired := sii.New(sii.Config{
		Endpoints: sii.Single(w.url), Now: w.clock.now,
		Signer: dtetest.SignerValid(dtetest.Person, dtetest.Now().AddDate(-3, 0, 0), dtetest.Now().AddDate(0, 0, -1)),
	})
	nobody := sii.New(sii.Config{Endpoints: sii.Single(w.url), Now: w.clock.now})
	for name, call := range map[string]func() error{
		"expired certificate": func() error {
			_, err := expired.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", []byte("x"))
			return err
		},
		"no certificate": func() error {
			_, err := nobody.EnvelopeStatus(t.Context(), sii.ChannelDTE, dtetest.Company, "1")
			return err
		},
		"no company": func() error { _, err := w.client.Upload(t.Context(), sii.ChannelDTE, 0, "a", []byte("x")); return err },
		"no envelope": func() error {
			_, err := w.client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "a", nil)
			return err
		},
		"no such channel": func() error {
			_, err := w.client.Upload(t.Context(), "fax", dtetest.Company, "a", []byte("x"))
			return err
		},
		"a track id that is a path": func() error {
			_, err := w.client.EnvelopeStatus(t.Context(), sii.ChannelBoleta, dtetest.Company, "1/../2")
			return err
		},
	} {
		wantError(t, call(), sii.Person)
		if n := w.sent("/"); n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestRejectionsAndObjectionsReachTheCaller(t *testing.T) {
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		w := newWorld(t)
		yesterday := dtetest.Today()
		yesterday.Day -= 5
		good := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 1)
		late := dtetest.Emit(dtetest.Draft(tipo, yesterday), 2)
		taken := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 3)
		w.upload(t, taken)
		draft := dtetest.Draft(tipo, dtetest.Today())
		draft.Detalle[0].Prc = money.PerUnit(1)
		other := dtetest.Emit(draft, 3)
		receipt := w.upload(t, good, late, other)
		s := w.envelope(t, ch, receipt.TrackID)
		if want := []sii.Count{{Tipo: tipo, Informados: 3, Aceptados: 1, Rechazados: 1, Reparos: 1}}; !slices.Equal(s.Counts, want) {
			t.Errorf("counts %+v", s.Counts)
		}
		if ch == sii.ChannelBoleta {
			want := []sii.Detail{
				{Tipo: tipo, Folio: 2, State: dte.Objected, Codigo: "DTE-1-650", Glosa: "Fecha Emision fuera de plazo"},
				{Tipo: tipo, Folio: 3, State: dte.Rejected, Codigo: "DTE-3-101", Glosa: "Folio ya Recibido con Otros Datos"},
			}
			if !slices.Equal(s.Details, want) {
				t.Errorf("details %+v", s.Details)
			}
		}
		if s := w.document(t, other); !s.Found || s.State != dte.Rejected || s.Codigo != "DNK" {
			t.Errorf("the folio is burnt: %+v", s)
		}
	})
}

// The authority's clock is read off its answers, and off nobody else's.
func TestSkew(t *testing.T) {
	w := newWorld(t)
	answer := func(date time.Time, status int, body string) *sii.Client {
		client := w.fake(t, sii.ChannelBoleta, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Date", date.UTC().Format(http.TimeFormat))
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		})
		_, _ = client.Upload(t.Context(), sii.ChannelBoleta, dtetest.Company, "a", []byte("<x/>"))
		return client
	}
	if skew, known := w.client.Skew(); known {
		t.Errorf("before the first answer: %s", skew)
	}
	for name, c := range map[string]struct {
		ahead  time.Duration
		status int
		body   string
		want   time.Duration
	}{
		"ahead":             {10 * time.Minute, 200, `{"trackid":5}`, 10 * time.Minute},
		"behind":            {-3 * time.Hour, 200, `{"trackid":5}`, -3 * time.Hour},
		"a refusal":         {time.Hour, 429, "", time.Hour},
		"a captive portal":  {time.Hour, 200, "<html>wifi</html>", 0},
		"a redirect":        {time.Hour, 302, "", 0},
		"a proxy's refusal": {time.Hour, 407, "", 0},
	} {
		got, known := answer(w.clock.now().Add(c.ahead), c.status, c.body).Skew()
		if off := got - c.want; !known || off < -2*time.Second || off > 2*time.Second {
			t.Errorf("%s: %s (%v), want %s", name, got, known, c.want)
		}
	}
}

// An answer that took long tells no time: the clock was read somewhere on the way.
func TestSkewOfASlowAnswerIsNotTaken(t *testing.T) {
	w := newWorld(t)
	client := w.fake(t, sii.ChannelBoleta, func(rw http.ResponseWriter, _ *http.Request) {
		w.clock.advance(time.Minute)
		rw.Header().Set("Date", w.clock.now().Add(time.Hour).UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(rw, `{"trackid":5}`)
	})
	if _, err := client.Upload(t.Context(), sii.ChannelBoleta, dtetest.Company, "a", []byte("<x/>")); err != nil {
		t.Fatal(err)
	}
	if skew, _ := client.Skew(); skew > 2*time.Second {
		t.Errorf("skew %s", skew)
	}
}

func TestParseProxy(t *testing.T) {
	for setting, want := range map[string]string{
		"proxy.local:3128": "http://proxy.local:3128", " http://10.0.0.1:8080/ ": "http://10.0.0.1:8080",
		"socks5://x:1080": "socks5://x:1080", "https://u:p@x": "https://u:p@x",
	} {
		if u, err := sii.ParseProxy(setting); err != nil || u.String() != want {
			t.Errorf("%q: %v, %v", setting, u, err)
		}
	}
	if u, err := sii.ParseProxy("  "); u != nil || err != nil {
		t.Errorf("empty: %v, %v", u, err)
	}
	for _, setting := range []string{"ftp://x", "http://", "http://x/secreto", "http://u:secreto@x:y z", "://secreto", "x:1?secreto"} {
		if u, err := sii.ParseProxy(setting); err == nil || strings.Contains(err.Error(), "secreto") {
			t.Errorf("%q: %v, %v", setting, u, err)
		}
	}
}

// What is asked goes through the proxy of the setting, and a proxy that wants a password is the line's trouble.
func TestProxy(t *testing.T) {
	w := newWorld(t)
	var through []string
	var mu sync.Mutex
	status := new(atomic.Int64)
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		through = append(through, r.Method+" "+r.Host)
		mu.Unlock()
		if code := int(status.Load()); code != 0 {
			rw.WriteHeader(code)
			return
		}
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(proxy.Close)
	setting, err := sii.ParseProxy(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
	newClient := func(base string) *sii.Client {
		return sii.New(sii.Config{Endpoints: sii.Single(base), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now, Proxy: setting})
	}
	if _, err := newClient("http://sii.invalid").DocumentStatus(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	for base, want := range map[string]string{"http://sii.invalid": "GET sii.invalid", "https://sii.invalid": "CONNECT sii.invalid:443"} {
		status.Store(http.StatusProxyAuthRequired)
		_, err := newClient(base).DocumentStatus(t.Context(), doc)
		if e := wantError(t, err, sii.Later); e.Code != "proxy" || !e.Down {
			t.Errorf("%s: %+v", base, e)
		}
		mu.Lock()
		if !slices.Contains(through, want) {
			t.Errorf("%v went through, want %s", through, want)
		}
		mu.Unlock()
	}
}

// A proxy that is down, or that closes the way, is the line's trouble and is called by its name.
func TestProxyThatLetsNobodyThrough(t *testing.T) {
	w := newWorld(t)
	closed := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(closed.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ proxy, base, word string }{
		"down":           {gone.URL, "http://sii.invalid", "No responde el proxy"},
		"down, TLS":      {gone.URL, "https://sii.invalid", "No responde el proxy"},
		"down, socks":    {"socks5://" + strings.TrimPrefix(gone.URL, "http://"), "https://sii.invalid", "No responde el proxy"},
		"forbidden, TLS": {closed.URL, "https://sii.invalid", "no deja pasar"},
	} {
		proxy, err := sii.ParseProxy(c.proxy)
		if err != nil {
			t.Fatal(err)
		}
		client := sii.New(sii.Config{Endpoints: sii.Single(c.base), Signer: dtetest.Signer(dtetest.Person), Now: w.clock.now, Proxy: proxy})
		_, err = client.Upload(t.Context(), sii.ChannelDTE, dtetest.Company, "x", []byte("<x/>"))
		if e := wantError(t, err, sii.Later); e.Code != "proxy" || !e.Down || e.MaybeReceived || !strings.Contains(e.Message, c.word) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Whether one gets through is asked without a certificate.
func TestReach(t *testing.T) {
	w := newWorld(t)
	client := sii.New(sii.Config{Endpoints: sii.Single(w.url), Now: w.clock.now})
	for _, ch := range []sii.Channel{sii.ChannelDTE, sii.ChannelBoleta} {
		if err := client.Reach(t.Context(), ch); err != nil {
			t.Errorf("%s: %v", ch, err)
		}
	}
	wantError(t, client.Reach(t.Context(), "nada"), sii.Person)
	lost := sii.New(sii.Config{Endpoints: sii.Single("http://127.0.0.1:1"), Now: w.clock.now})
	if e := wantError(t, lost.Reach(t.Context(), sii.ChannelDTE), sii.Later); !e.Down {
		t.Errorf("%+v", e)
	}
}
