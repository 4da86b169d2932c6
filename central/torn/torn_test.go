package torn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
	"mostrador/dte"
)

func TestMain(m *testing.M) {
	if orders := os.Getenv(serveVar); orders != "" {
		if err := serve(orders); err != nil {
			fmt.Println(err)
		}
		return
	}
	centraltest.Main(m)
}

// house is a running API with companies and people in it.
type house struct {
	t      testing.TB
	db     *central.DB
	clock  *centraltest.Clock
	server *torn.Server
	url    string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	db, clock := centraltest.New(t)
	return houseOf(t, db, clock)
}

// houseOf is a house on a server that is there.
func houseOf(t testing.TB, db *central.DB, clock *centraltest.Clock) *house {
	t.Helper()
	tokens, err := central.NewTokens(bytes.Repeat([]byte("s"), 32), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := torn.New(torn.Config{
		DB: db, Tokens: tokens, Door: door.New(door.Config{Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Now: clock.Now}),
	})
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	return &house{t: t, db: db, clock: clock, server: server, url: listening.URL}
}

// testLog puts the server's log into the test's.
type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// client is somebody who is logged in.
type client struct {
	*house
	token  string
	tenant int64
}

func (h *house) nobody() *client { return &client{house: h} }

func (h *house) login(email string) *client {
	h.t.Helper()
	a := h.nobody().post("/auth/login", map[string]any{"email": email, "password": centraltest.Password})
	a.want(200)
	return &client{house: h, token: a.text("access_token")}
}

func (c *client) in(company central.Company) *client {
	return &client{house: c.house, token: c.token, tenant: company.ID}
}

// shop is a company with its owner logged in.
func (h *house) shop(rut dte.RUT) (central.Company, *client) {
	h.t.Helper()
	email := "duena-" + rut.Number() + "@ejemplo.cl"
	company := centraltest.Company(h.t, h.db, rut, centraltest.Account(h.t, h.db, email, false))
	return company, h.login(email).in(company)
}

// answer is what came back.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

func (c *client) do(method, path string, body any) answer {
	c.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, r)
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.tenant != 0 {
		q.Header.Set("X-Tenant-ID", strconv.FormatInt(c.tenant, 10))
	}
	return c.send(q)
}

func (c *client) send(q *http.Request) answer {
	c.t.Helper()
	got, err := http.DefaultTransport.RoundTrip(q) // no redirect is followed
	if err != nil {
		c.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{c.t, q.Method + " " + q.URL.Path, got.StatusCode, got.Header, text}
	a.keepsTheContract(q)
	return a
}

func (c *client) get(path string) answer            { c.t.Helper(); return c.do("GET", path, nil) }
func (c *client) post(path string, body any) answer { c.t.Helper(); return c.do("POST", path, body) }
func (c *client) put(path string, body any) answer  { c.t.Helper(); return c.do("PUT", path, body) }
func (c *client) delete(path string) answer         { c.t.Helper(); return c.do("DELETE", path, nil) }

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// refused wants a status and a sentence.
func (a answer) refused(status int, detail string) answer {
	a.t.Helper()
	a.want(status)
	if got := a.text("detail"); got != detail {
		a.t.Errorf("%s: %q, want %q", a.what, got, detail)
	}
	return a
}

func (a answer) json() map[string]any {
	a.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return m
}

func (a answer) list() []map[string]any {
	a.t.Helper()
	var m []map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
	}
	return m
}

func (a answer) text(name string) string {
	a.t.Helper()
	s, _ := a.json()[name].(string)
	return s
}

func (a answer) id() int64 {
	a.t.Helper()
	n, ok := a.json()["id"].(float64)
	if !ok {
		a.t.Fatalf("%s: no id: %s", a.what, a.body)
	}
	return int64(n)
}

// faultTypes are the types of a 422's faults, with where they are.
func (a answer) faultTypes() string {
	a.t.Helper()
	var m struct {
		Detail []struct {
			Type string
			Loc  []any
		}
	}
	if err := json.Unmarshal(a.want(422).body, &m); err != nil {
		a.t.Fatal(err)
	}
	var list []string
	for _, f := range m.Detail {
		text, _ := json.Marshal(f.Loc)
		list = append(list, f.Type+string(text))
	}
	return strings.Join(list, " ")
}
