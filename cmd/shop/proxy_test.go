package shop

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
)

// passage is a proxy as offices have them: it takes absolute addresses, wants a password if it has one, and writes down
// what it was asked for.
type passage struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newPassage(t *testing.T, authority, user, password string) *passage {
	t.Helper()
	to, err := url.Parse(authority)
	must(t, err)
	p := &passage{}
	want := ""
	if user != "" {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		want = r.Header.Get("Authorization")
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.String()+r.URL.Opaque)
		p.mu.Unlock()
		switch {
		case r.Header.Get("Proxy-Authorization") != want:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method == http.MethodConnect:
			w.WriteHeader(http.StatusBadGateway) // this one reaches nobody by TLS
		default:
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// saw reports that it was asked for that.
func (p *passage) saw(request string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.asked, func(a string) bool { return strings.Contains(a, request) })
}

// certified is a practice shop that believes itself in the certification environment, and whose authority answers at an
// address that only a proxy can find. (No shop can get folios of the SII's environments from anybody else.)
func certified(t *testing.T) (s *Shop, sim *siisim.Sim, authority string) {
	t.Helper()
	o := practice(t)
	sim, authority, stop, err := StartSimulator(o)
	must(t, err)
	t.Cleanup(stop)
	o.Simulator, o.Pace = authority, quick
	s = opened(t, o)
	s.Info.Ambiente, s.at = dte.Certificacion, sii.Single("http://sii.invalid")
	return s, sim, authority
}

// What a real shop sends goes through the proxy of its setting, with its password, until every document is accepted.
func TestUploadsGoThroughTheProxy(t *testing.T) {
	s, _, authority := certified(t)
	proxy := newPassage(t, authority, "caja", "clave/ñandú:1")
	shown, err := s.SetProxy(proxy.URL, "caja", "clave/ñandú:1")
	must(t, err)
	if words := shown.String(); strings.Contains(words, "ñandú") || !strings.Contains(words, "caja") {
		t.Errorf("the setting is shown as %q", words)
	}
	if _, err := sell(s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	status, err := s.SyncNow(ctx)
	if err != nil || status.Backlog.Documents != 0 {
		t.Fatalf("%+v, %v; the proxy saw %q", status, err, proxy.asked)
	}
	if !proxy.saw("POST http://sii.invalid/recursos/v1/boleta.electronica.envio") {
		t.Errorf("no upload went through: %q", proxy.asked)
	}
	way, err := s.Reach(ctx)
	if err != nil || !strings.Contains(way, proxy.URL) || strings.Contains(way, "ñandú") {
		t.Errorf("%q, %v", way, err)
	}
	s.at = sii.Certificacion() // the true addresses speak TLS: the proxy is asked for a tunnel
	if _, err := s.Reach(ctx); sii.VerdictOf(err) != sii.Later || !proxy.saw("CONNECT //maullin.sii.cl:443") {
		t.Errorf("%v; the proxy saw %q", err, proxy.asked)
	}
}

// A proxy that is down or wants another password stops nothing but the sending: the line is down, no attempt is counted,
// and the words name the proxy.
func TestProxyTrouble(t *testing.T) {
	s, _, authority := certified(t)
	proxy := newPassage(t, authority, "caja", "buena")
	if _, err := sell(s); err != nil {
		t.Fatal(err)
	}
	s.opt.Now = func() time.Time { return now().Add(time.Hour) } // boletas wait for company
	try := func(word string) {
		t.Helper()
		w, err := s.newWorker()
		must(t, err)
		w.Step(t.Context())
		status := w.Status()
		sobres, err := s.Store.OpenSobres()
		must(t, err)
		if !status.Down || !strings.Contains(status.Problem, word) || strings.Contains(status.Problem, "mala") {
			t.Errorf("%+v, want the line down and «%s»", status, word)
		}
		if len(sobres) != 1 || sobres[0].State != dte.Enveloped || sobres[0].Attempts != 0 {
			t.Errorf("%+v", sobres)
		}
	}
	_, err := s.SetProxy(proxy.URL, "caja", "mala")
	must(t, err)
	try("proxy de la red pide usuario y contraseña")
	proxy.Close()
	try("No responde el proxy")
	s.opt.Now = now
	if _, err := sell(s); err != nil {
		t.Errorf("the sale waits for the proxy: %v", err)
	}
	must(t, s.ClearProxy())
	if p, err := s.Proxy(); err != nil || p != (Proxy{}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// The password rests sealed, and a slip leaves the setting as it was.
func TestProxySetting(t *testing.T) {
	s, _, _ := certified(t)
	_, err := s.SetProxy("proxy.local:3128", "caja", "contraseñaenpapel")
	must(t, err)
	for _, c := range []struct{ address, user, password string }{
		{"", "", ""}, {"ftp://x", "", ""}, {"http://u:secreto@x:1", "", ""}, {"x:1", "", "secreto"},
	} {
		if _, err := s.SetProxy(c.address, c.user, c.password); err == nil || strings.Contains(err.Error(), "secreto") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	p, err := s.Proxy()
	if want := (Proxy{Address: "http://proxy.local:3128", User: "caja", Password: true}); err != nil || p != want {
		t.Errorf("%+v, %v", p, err)
	}
	must(t, s.Store.Close())
	f, err := os.Open(s.opt.Path())
	must(t, err)
	defer f.Close()
	file, err := io.ReadAll(f)
	must(t, err)
	for _, word := range []string{"contraseñaenpapel", url.QueryEscape("contraseñaenpapel"), "proxy.local"} {
		if bytes.Contains(file, []byte(word)) {
			t.Errorf("%q stands in the file", word)
		}
	}
}

// A practice shop talks to this machine, whatever proxy it was given.
func TestPracticeNeedsNoProxy(t *testing.T) {
	s := opened(t, practice(t))
	proxy := newPassage(t, "http://127.0.0.1:1", "", "")
	_, err := s.SetProxy(proxy.URL, "", "")
	must(t, err)
	way, err := s.Reach(t.Context())
	if err != nil || !strings.Contains(way, "práctica") || len(proxy.asked) != 0 {
		t.Errorf("%q, %v, %q", way, err, proxy.asked)
	}
}
