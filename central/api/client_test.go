package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/dte"
)

const token = "1.2.secreto-de-la-caja"

func clientOf(t *testing.T, url string) *api.Client {
	t.Helper()
	c, err := api.NewClient(api.ClientConfig{URL: url, Token: token, Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answers is a server that always says the same.
func answers(t *testing.T, status int, kind, body string, headers ...string) *api.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return clientOf(t, s.URL)
}

// errorOf is the one kind of error, with words and without the token.
func errorOf(t *testing.T, err error) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Message == "" {
		t.Fatalf("%#v", err)
	}
	if strings.Contains(err.Error(), "secreto-de-la-caja") {
		t.Error("the token is in the error")
	}
	return e
}

// Whatever comes back is one verdict, with words; only our server can end a till.
func TestEveryAnswerHasAVerdict(t *testing.T) {
	const page = "<!DOCTYPE html><html><body>Bienvenido al wifi</body></html>"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		verdict    api.Verdict
		down       bool
		code       string
		wait       time.Duration
	}{
		"a captive portal":                  {200, "text/html", page, api.Later, true, "portal", 0},
		"a portal that says it is JSON":     {200, "application/json", page, api.Later, true, "portal", 0},
		"a portal that redirects":           {302, "text/html", page, api.Later, true, "portal", 0},
		"a portal that wants a login":       {401, "text/html", page, api.Later, true, "portal", 0},
		"a portal by the book":              {511, "text/html", page, api.Later, true, "portal", 0},
		"a proxy":                           {407, "text/html", page, api.Later, true, "proxy", 0},
		"a gateway":                         {502, "text/html", page, api.Later, true, "502", 0},
		"a gateway without patience":        {504, "", "", api.Later, true, "504", 0},
		"a busy server":                     {503, "application/json", `{"detail":"ocupado"}`, api.Later, false, "503", 7 * time.Second},
		"a server that is asked too much":   {429, "application/json", `{"detail":"espere"}`, api.Later, false, "429", 7 * time.Second},
		"a server that breaks":              {500, "application/json", `{"detail":"falla"}`, api.Later, false, "500", 0},
		"another service at that address":   {404, "text/plain", "404 page not found", api.Later, true, "portal", 0},
		"a refusal":                         {409, "application/json", `{"detail":"no"}`, api.Stuck, false, "409", 0},
		"a refusal with a name":             {409, "application/json", `{"detail":"no","code":"protocolo"}`, api.Stuck, false, "protocolo", 0},
		"too much at once":                  {413, "application/json", `{"detail":"mucho"}`, api.Stuck, false, "tamaño", 0},
		"a code that does not serve":        {401, "application/json", `{"detail":"no"}`, api.Stuck, false, "401", 0},
		"a till that was revoked":           {401, "application/json", `{"detail":"no","verdict":"ended"}`, api.Ended, false, "401", 0},
		"an end with the wrong status":      {403, "application/json", `{"detail":"no","verdict":"ended"}`, api.Stuck, false, "403", 0},
		"a 401 of somebody else in JSON":    {401, "application/json", `{"error":"no"}`, api.Later, true, "portal", 0},
		"no JSON":                           {200, "application/json", `hola`, api.Later, false, "respuesta", 0},
		"half an answer":                    {200, "application/json", `{"protocol":1`, api.Later, false, "respuesta", 0},
		"nothing":                           {200, "application/json", `{"protocol":1}`, api.Later, false, "respuesta", 0},
		"a server of before this programme": {200, "application/json", `{}`, api.Stuck, false, "protocolo", 0},
		"a server of after this programme":  {200, "application/json", `{"protocol":99}`, api.Stuck, false, "protocolo", 0},
	} {
		var headers []string
		if c.wait > 0 {
			headers = []string{"Retry-After", "7"}
		}
		if c.status == 302 {
			headers = []string{"Location", "http://127.0.0.1:1/login"}
		}
		_, err := answers(t, c.status, c.kind, c.body, headers...).Sync(t.Context(), api.Report{})
		if e := errorOf(t, err); e.Verdict != c.verdict || e.Down != c.down || e.Code != c.code || e.Wait != c.wait {
			t.Errorf("%s: %+v", name, e)
		}
	}
	_, err := answers(t, 503, "application/json", `{"detail":"x"}`, "Retry-After", "999999999").Sync(t.Context(), api.Report{})
	if e := errorOf(t, err); e.Wait != time.Hour {
		t.Errorf("left alone for %v", e.Wait)
	}
}

// A line that is down, slow or listened to is told as such.
func TestTheLineHasAVerdict(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for name, c := range map[string]struct{ url, code string }{
		"nobody there":             {"http://127.0.0.1:1", "red"},
		"nobody answers":           {"http://" + silent.Addr().String(), "plazo"},
		"a certificate of nobody":  {secure.URL, "tls"},
		"no TLS where it is meant": {"https://" + strings.TrimPrefix(answersURL(t), "http://"), "tls"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		if c.code != "plazo" {
			ctx = t.Context()
		}
		_, err := clientOf(t, c.url).Sync(ctx, api.Report{})
		cancel()
		if e := errorOf(t, err); e.Verdict != api.Later || !e.Down || e.Code != c.code {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func answersURL(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}

// Keys travel by TLS; the token only to the server that was meant.
func TestOnlyToTheServer(t *testing.T) {
	for text, good := range map[string]bool{
		"https://central.ejemplo.cl": true, "central.ejemplo.cl": true, " https://central.ejemplo.cl/mostrador/ ": true,
		"http://127.0.0.1:8000": true, "http://localhost:8000": true, "http://[::1]:8000": true,
		"http://central.ejemplo.cl": false, "http://192.168.1.5": false, "ftp://central.ejemplo.cl": false, "https://": false, "": false,
		"https://yo:clave@central.ejemplo.cl": false, "https://central.ejemplo.cl/?x=1": false, "http://localhost.ejemplo.cl": false, "https://a b": false,
	} {
		if _, err := api.ParseURL(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	var got []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.String(), r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	_, err := answers(t, 307, "text/html", "", "Location", thief.URL).Sync(t.Context(), api.Report{})
	if e := errorOf(t, err); len(got) > 0 || e.Code != "portal" {
		t.Errorf("%v went to another server", got)
	}
}

// answer is one that makes sense.
func answer() api.Answer {
	return api.Answer{
		Protocol: 1, Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Till: api.Till{ID: 3, Name: "Caja 1"},
		Company: api.Company{RUT: 76543210, RznSoc: "Comercial", Ambiente: dte.Capacitacion}, Seconds: 60,
		After:  api.Point{N: 4, Hash: strings.Repeat("ab", 32)},
		Folios: api.FolioStock{Leases: []api.Lease{{ID: 1, Tipo: dte.Boleta, CAF: 1, Desde: 1, Hasta: 50}, {ID: 2, Tipo: dte.Boleta, CAF: 1, Desde: 51, Hasta: 99}}},
	}
}

// What makes no sense is not believed, not even in part.
func TestNonsenseIsNotBelieved(t *testing.T) {
	say := func(v any) *api.Client {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return answers(t, 200, "application/json", string(text))
	}
	if got, err := say(answer()).Sync(t.Context(), api.Report{}); err != nil || len(got.Folios.Leases) != 2 {
		t.Fatal(got, err)
	}
	for name, change := range map[string]func(*api.Answer){
		"a lease past the law's figures": func(a *api.Answer) { a.Folios.Leases[1].Hasta = 10_000_000_000 },
		"a lease from below one":         func(a *api.Answer) { a.Folios.Leases[0].Desde = -5 },
		"a lease that ends before":       func(a *api.Answer) { a.Folios.Leases[0].Hasta = 0 },
		"a type that is none":            func(a *api.Answer) { a.Folios.Leases[0].Tipo = 1 << 40 },
		"a type below one":               func(a *api.Answer) { a.Folios.Short = []dte.TipoDTE{-1} },
		"leases that overlap":            func(a *api.Answer) { a.Folios.Leases[1].Desde = 50 },
		"a lease twice":                  func(a *api.Answer) { a.Folios.Leases[1].ID = 1 },
		"no CAF":                         func(a *api.Answer) { a.Folios.Leases[0].CAF = 0 },
		"leases without end":             func(a *api.Answer) { a.Folios.Leases = make([]api.Lease, 1000) },
		"folios in a hold":               func(a *api.Answer) { a.Hold = api.HoldCopy },
		"years of silence":               func(a *api.Answer) { a.Seconds = 1 << 40 },
		"a time below none":              func(a *api.Answer) { a.Seconds = -1 },
		"a place without a hash":         func(a *api.Answer) { a.After.Hash = "" },
		"a place below the first":        func(a *api.Answer) { a.After.N = -1 },
		"a hash that is none":            func(a *api.Answer) { a.After.Hash = strings.Repeat("AB", 32) },
		"no till":                        func(a *api.Answer) { a.Till.ID = 0 },
		"a name like a book":             func(a *api.Answer) { a.Till.Name = strings.Repeat("x", 1<<19) },
		"no company":                     func(a *api.Answer) { a.Company.RUT = 0 },
		"no time":                        func(a *api.Answer) { a.Now = time.Time{} },
		"words without end":              func(a *api.Answer) { a.Why = strings.Repeat("x", 1<<19) },
		"more than fits":                 func(a *api.Answer) { a.Why = strings.Repeat("x", 2<<20) },
	} {
		a := answer()
		change(&a)
		_, err := say(a).Sync(t.Context(), api.Report{})
		if e := errorOf(t, err); e.Verdict != api.Later || e.Code != "respuesta" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	unknown := answer()
	unknown.Hold, unknown.Folios = "OTRA", api.FolioStock{}
	if got, err := say(unknown).Sync(t.Context(), api.Report{}); err != nil || got.Hold != "OTRA" {
		t.Errorf("a reason of a later server does not hold: %v", err)
	}
	for name, n := range map[string]api.News{
		"no cursor": {At: answer().Now}, "no time": {Cursor: "x"}, "a cursor without end": {Cursor: strings.Repeat("x", 1<<13), At: answer().Now},
		"more news than fit": {Cursor: "x", At: answer().Now, People: make([]api.Person, 2*api.MostNews+1)},
	} {
		_, err := say(n).Pull(t.Context(), "")
		if e := errorOf(t, err); e.Code != "respuesta" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	_, err := say(api.Pushed{After: api.Point{N: 1}}).Push(t.Context(), api.Push{})
	if e := errorOf(t, err); e.Code != "respuesta" {
		t.Errorf("%+v", e)
	}
	_, err = say(api.Joined{Token: "", Till: answer().Till, Company: answer().Company}).CAF(t.Context(), 1)
	if err != nil {
		t.Errorf("a file is whatever it is: %v", err)
	}
	_, err = answers(t, 200, "application/octet-stream", "").CAF(t.Context(), 1)
	if e := errorOf(t, err); e.Code != "respuesta" {
		t.Errorf("%+v", e)
	}
	_, err = answers(t, 200, "application/octet-stream", strings.Repeat("x", 1<<17)).CAF(t.Context(), 1)
	if e := errorOf(t, err); e.Code != "respuesta" {
		t.Errorf("%+v", e)
	}
}

// What is packed comes out as it went in, and a bomb of an answer goes off nowhere.
func TestPackedAndUnpacked(t *testing.T) {
	for _, size := range []int{0, 1, 1399, 1400, 1 << 20, api.MaxBody} {
		body := []byte(strings.Repeat("boleta ", size/7+1)[:size])
		packed, encoding := api.Pack(body)
		if (encoding != "") != (size >= 1400) {
			t.Errorf("%d bytes are packed as %q", size, encoding)
		}
		got, err := api.Unpack(packed, encoding)
		if err != nil || string(got) != string(body) {
			t.Errorf("%d bytes: %d bytes, %v", size, len(got), err)
		}
	}
	bomb, _ := api.Pack(make([]byte, api.MaxBody+1))
	if _, err := api.Unpack(bomb, api.Encoding); !errors.Is(err, api.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	_, err := answers(t, 200, "application/json", string(bomb), "Content-Encoding", api.Encoding).Sync(t.Context(), api.Report{})
	if e := errorOf(t, err); e.Code != "respuesta" {
		t.Errorf("%+v", e)
	}
}
