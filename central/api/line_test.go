package api_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/central/api"
)

// nameServer is who is asked for addresses: it never answers. Names of this computer are in a file.
var _ = func() net.PacketConn {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", l.LocalAddr().String())
	}}
	return l
}()

// vanishing is a server whose connections lose the other end without a word, when it is told so; those that begin later do not.
type vanishing struct {
	net.Listener
	gone atomic.Int64 // connections up to this one
	n    atomic.Int64
}

func (v *vanishing) Accept() (net.Conn, error) {
	c, err := v.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &vanished{Conn: c, v: v, n: v.n.Add(1)}, nil
}

type vanished struct {
	net.Conn
	v *vanishing
	n int64
}

func (c *vanished) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || c.n > c.v.gone.Load() {
			return n, err
		}
	}
}

func (c *vanished) Write(b []byte) (int, error) {
	if c.n <= c.v.gone.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A connection whose other end is gone without a word is waited for once, in HTTP/1 as in HTTP/2.
func TestAConnectionThatDiedIsNotAskedAgain(t *testing.T) {
	text, err := json.Marshal(answer())
	if err != nil {
		t.Fatal(err)
	}
	for _, two := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", two), func(t *testing.T) {
			var spoken string
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				spoken = r.Proto
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(text)
			}))
			line := &vanishing{Listener: s.Listener}
			s.Listener, s.EnableHTTP2 = line, two
			s.StartTLS()
			t.Cleanup(s.Close)
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			c, err := api.NewClient(api.ClientConfig{URL: s.URL, Token: token, Roots: roots, Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			for round := range 3 {
				if _, err := c.Sync(t.Context(), api.Report{}); err != nil {
					t.Fatalf("%d: %v", round, err)
				}
				line.gone.Store(line.n.Load())
				_, err = c.Sync(t.Context(), api.Report{})
				if e := errorOf(t, err); !e.Down || e.Code != "plazo" {
					t.Errorf("%d: %+v", round, e)
				}
			}
			if (spoken == "HTTP/2.0") != two {
				t.Errorf("they spoke %s", spoken)
			}
		})
	}
}

// Who does not answer is given up in time, and at once when the program ends: whether he gives no address, no handshake, no head
// or no body.
func TestSilenceEnds(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	halting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(halting.Close)
	for name, at := range map[string]string{
		"no address": "https://central.losaromos.cl", "no handshake": "https://" + mute.Addr().String(),
		"no head": "http://" + mute.Addr().String(), "no body": halting.URL,
	} {
		ask := func(ctx context.Context, timeout time.Duration) (took time.Duration, err error) {
			c, err := api.NewClient(api.ClientConfig{URL: at, Token: token, Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = c.Sync(ctx, api.Report{})
			return time.Since(start), err
		}
		took, err := ask(t.Context(), 200*time.Millisecond)
		if e := errorOf(t, err); e.Code != "plazo" || !e.Down || took > 5*time.Second {
			t.Errorf("%s: after %s: %+v", name, took, e)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if took, err = ask(ctx, time.Minute); err == nil || took > 5*time.Second {
			t.Errorf("%s: it ended after %s: %v", name, took, err)
		}
	}
}

// A certificate of nobody hears nothing of us, and a proxy that opens no way is named, with what to do.
func TestWhoStandsInTheWay(t *testing.T) {
	stranger := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was told %q", r.Header)
	}))
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	status := http.StatusOK
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the proxy was given the token")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(proxy.Close)
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	nobody := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	for name, c := range map[string]struct {
		proxy       *url.URL
		status      int
		code, words string
	}{
		"a certificate of nobody":     {nil, 0, "tls", "No se envió nada"},
		"a proxy that wants a name":   {through, 407, "proxy", "usuario y contraseña"},
		"a proxy that forbids":        {through, 403, "proxy", "403"},
		"a proxy that is asked much":  {through, 429, "red", "No hay conexión"},
		"a proxy that finds nobody":   {through, 502, "red", "No hay conexión"},
		"a proxy that has much to do": {through, 503, "red", "No hay conexión"},
		"a proxy that is not there":   {nobody, 0, "proxy", "revise el proxy"},
	} {
		status = c.status
		// The name resolves nowhere: whoever goes through a proxy leaves that to it.
		address := "https://central.losaromos.cl"
		if c.proxy == nil {
			address = stranger.URL
		}
		client, err := api.NewClient(api.ClientConfig{URL: address, Token: token, Proxy: c.proxy})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Sync(t.Context(), api.Report{})
		if e := errorOf(t, err); !e.Down || e.Verdict != api.Later || e.Code != c.code || !strings.Contains(e.Message, c.words) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
