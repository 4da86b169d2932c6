package torn_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
)

// guarded is a house with limits, a log that is kept and a count of what was observed.
type guarded struct {
	*house
	door     *door.Door
	log      *centraltest.Log
	observed chan string
}

// lines of the log that tell of that request.
func (g *guarded) lines(t *testing.T, id string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(g.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["request_id"] == id {
			list = append(list, m)
		}
	}
	return list
}

func newGuarded(t testing.TB, change func(*door.Config)) *guarded {
	t.Helper()
	db, clock := centraltest.New(t)
	tokens, err := central.NewTokens(bytes.Repeat([]byte("s"), 32), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{log: new(centraltest.Log), observed: make(chan string, 1000)}
	config := door.Config{
		Now: clock.Now, Log: slog.New(slog.NewJSONHandler(g.log, nil)),
		Observe: func(route string, status int, _ time.Duration) { g.observed <- route + " " + strconv.Itoa(status) },
	}
	if change != nil {
		change(&config)
	}
	g.door = door.New(config)
	server := torn.New(torn.Config{DB: db, Tokens: tokens, Door: g.door})
	listening := httptest.NewUnstartedServer(nil)
	listening.Config = g.door.HTTP(server)
	listening.Start()
	t.Cleanup(listening.Close)
	g.house = &house{t: t, db: db, clock: clock, server: server, url: listening.URL}
	return g
}

// with sends a request with headers of its own.
func (c *client) with(method, path, body string, headers ...string) answer {
	c.t.Helper()
	q, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Add(headers[i], headers[i+1])
	}
	return c.send(q)
}

// A request has a name, the caller's or ours, in its answer and in every line of the log that it causes.
func TestEveryLineNamesItsRequest(t *testing.T) {
	g := newGuarded(t, nil)
	company, owner := g.shop(76086428)
	got := owner.with("GET", "/api/customers/?q=abc", "", "X-Request-ID", "caja-3.77").want(200)
	if got.header.Get("X-Request-ID") != "caja-3.77" {
		t.Errorf("answered %q", got.header.Get("X-Request-ID"))
	}
	lines := g.lines(t, "caja-3.77")
	if len(lines) != 1 || lines[0]["ruta"] != "GET /customers" || lines[0]["estado"] != 200.0 || lines[0]["empresa"] != float64(company.ID) || lines[0]["cuenta"] == 0.0 {
		t.Errorf("%v", lines)
	}
	for _, bad := range []string{"", "a b", strings.Repeat("x", 65), `{"a":1}`, "ñ"} {
		id := owner.with("GET", "/customers/", "", "X-Request-ID", bad).want(200).header.Get("X-Request-ID")
		if id == bad || len(g.lines(t, id)) != 1 {
			t.Errorf("%q became %q, %d lines", bad, id, len(g.lines(t, id)))
		}
	}
	// A failure of ours leaves a line of its own beside the request's, under the same name.
	if _, err := centraltest.Superuser(t, g.db).Exec(t.Context(), "alter table "+company.Schema+".customer rename to away"); err != nil {
		t.Fatal(err)
	}
	owner.with("GET", "/customers/", "", "X-Request-ID", "falla").want(500)
	if got := g.lines(t, "falla"); len(got) != 2 || got[0]["level"] != "ERROR" {
		t.Errorf("%v", got)
	}
}

// What is counted of a request is the route's pattern, so that no caller can make new series.
func TestRequestsAreCountedByPattern(t *testing.T) {
	g := newGuarded(t, nil)
	_, owner := g.shop(76086428)
	for len(g.observed) > 0 {
		<-g.observed
	}
	owner.get("/customers/5126663-3")
	owner.get("/no/such/5126663-3")
	owner.do("PATCH", "/customers/", nil)
	for _, want := range []string{"GET /customers/{rut} 404", " 404", " 405"} {
		if got := <-g.observed; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLoginsOfOneAddressAreCounted(t *testing.T) {
	g := newGuarded(t, func(c *door.Config) {
		c.Limits.Logins = 6
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	body := `{"email":"nadie@ejemplo.cl","password":"x"}`
	try := func(from ...string) answer {
		t.Helper()
		var headers []string
		for _, f := range from {
			headers = append(headers, "X-Forwarded-For", f)
		}
		return g.nobody().with("POST", "/auth/login", body, headers...)
	}
	for range 6 {
		try("203.0.113.7").want(401)
	}
	got := try("203.0.113.7").refused(429, "Demasiados intentos de inicio de sesión desde esta dirección. Espere 11 segundos")
	if got.header.Get("Retry-After") != "11" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	// Both doors are one, and what the caller writes in front of the proxy's word changes nothing.
	g.nobody().with("POST", "/auth/token", "username=a&password=b", "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", "203.0.113.7").want(429)
	try("198.51.100.1, 203.0.113.7").want(429)
	try("198.51.100.1", "203.0.113.7").want(429)
	try("203.0.113.8").want(401)
	// A network of IPv6 is one home.
	for range 6 {
		try("2001:db8::1").want(401)
	}
	try("2001:db8::ffff").want(429)
	g.clock.Advance(10 * time.Second)
	try("203.0.113.7").want(401)
	try("203.0.113.7").want(429)
}

// Nobody but our own proxies may say who a request comes from.
func TestAForeignForwardedForIsNotBelieved(t *testing.T) {
	g := newGuarded(t, func(c *door.Config) { c.Limits.Logins = 1 })
	for i, want := range []int{401, 429} {
		g.nobody().with("POST", "/auth/login", `{"email":"a@b.cl","password":"x"}`, "X-Forwarded-For", "203.0.113."+strconv.Itoa(i)).want(want)
	}
}

// twoAtWork are requests of a shop's owner that are held up in the database until release is called, which wants them answered.
func (g *guarded) twoAtWork() (owner *client, release func()) {
	g.t.Helper()
	company, owner := g.shop(76086428)
	db := centraltest.Superuser(g.t, g.db)
	if _, err := db.Exec(g.t.Context(), "begin; lock table "+company.Schema+".customer"); err != nil {
		g.t.Fatal(err)
	}
	done := make(chan answer, 2)
	for range 2 {
		go func() { done <- owner.get("/customers/") }()
	}
	waiting(g.t, db, 2)
	return owner, func() {
		g.t.Helper()
		if _, err := db.Exec(g.t.Context(), "rollback"); err != nil {
			g.t.Fatal(err)
		}
		for range 2 {
			(<-done).want(200)
		}
	}
}

// More work than there is room for is sent away with a time to come back; it makes no pile, and what is at work goes on.
func TestTooMuchAtOnceIsSentAway(t *testing.T) {
	g := newGuarded(t, func(c *door.Config) { c.Limits.AtWork = 2 })
	owner, release := g.twoAtWork()
	got := owner.get("/customers/").refused(503, "El servidor está ocupado. No se hizo nada; intente de nuevo en un segundo")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	release()
	owner.get("/customers/").want(200)
}

// Slow clients hold no connection to the database and no place at work, and only so many of their address.
func TestFaultSlowClient(t *testing.T) {
	g := newGuarded(t, func(c *door.Config) { c.Limits = door.Limits{AtWork: 1, PerAddress: 4} })
	_, owner := g.shop(76086428)
	var slow []net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "POST /customers/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+owner.token+"\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	// They have no place at work, so the one place serves the others.
	for range 20 {
		owner.get("/customers/").want(200)
	}
	if n := g.db.Load().Busy; n != 0 {
		t.Errorf("%d connections are busy with slow clients", n)
	}
	// A client that goes away in the middle of its body leaves nothing behind.
	for _, conn := range slow {
		_ = conn.Close()
	}
	owner.get("/customers/").want(200)
}

func TestOneAddressHasSoManyPlaces(t *testing.T) {
	g := newGuarded(t, func(c *door.Config) { c.Limits.PerAddress = 2 })
	owner, release := g.twoAtWork()
	if got := owner.get("/health/"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	release()
	owner.get("/health/").want(200)
}

// The four times that a client may take are bounded, and so is the head of a request.
func TestTheServerIsNotPatientForEver(t *testing.T) {
	g := newGuarded(t, nil)
	h := g.door.HTTP(g.server)
	if h.ReadHeaderTimeout <= 0 || h.ReadTimeout <= 0 || h.WriteTimeout <= 0 || h.IdleTimeout <= 0 || h.MaxHeaderBytes <= 0 {
		t.Errorf("%+v", h)
	}
	if got := g.nobody().with("GET", "/health/", "", "X-Long", strings.Repeat("x", 64<<10)); got.status != 431 {
		t.Errorf("a head of 64 KiB: %d", got.status)
	}
	// The same server with less patience cuts who is slow with the head, with the body, and with taking the answer.
	impatient := httptest.NewUnstartedServer(nil)
	impatient.Config = g.door.HTTP(g.server)
	impatient.Config.ReadHeaderTimeout, impatient.Config.ReadTimeout = 50*time.Millisecond, 100*time.Millisecond
	impatient.Start()
	t.Cleanup(impatient.Close)
	_, owner := g.shop(76086428)
	for name, sent := range map[string]string{
		"head": "GET /health/ HTTP/1.1\r\nHost:",
		"body": "POST /customers/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + owner.token + "\r\nContent-Length: 100\r\n\r\n{",
	} {
		conn, err := net.Dial("tcp", impatient.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if answer, err := io.ReadAll(conn); err != nil || strings.Contains(string(answer), " 200 ") {
			t.Errorf("slow with the %s: %q %v", name, answer, err)
		}
	}
}
