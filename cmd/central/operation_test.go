package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central/cluster"
)

// output is what a program wrote, read while it writes on.
type output struct {
	mu    sync.Mutex
	bytes bytes.Buffer
	grown chan struct{}
}

func newOutput() *output { return &output{grown: make(chan struct{}, 1)} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.grown <- struct{}{}:
	default:
	}
	return o.bytes.Write(b)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.String()
}

// find waits until the output holds what the pattern's group asks for.
func (o *output) find(t *testing.T, pattern string) string {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(o.text()); m != nil {
			return m[1]
		}
		select {
		case <-o.grown:
		case <-deadline:
			t.Fatalf("no %s in: %s", pattern, o.text())
		}
	}
}

// folder is one that PostgreSQL's user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "central")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// database starts a PostgreSQL, and writes a file of settings for servers on it.
func database(t *testing.T, dir string) (settings string) {
	t.Helper()
	o := options{local: dir}
	own, err := o.startLocal(t.Context())
	if err != nil {
		if _, absent := os.Stat("/usr/lib/postgresql"); absent != nil {
			t.Skip(cluster.ErrMissing)
		}
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	settings = filepath.Join(dir, "central.conf")
	text := "addr 127.0.0.1:0\nprivate 127.0.0.1:0\ndatabase " + o.url + "\ndatabase-admin " + o.adminURL + "\nkeys " + o.keys + "\nsecret " + o.secret + "\n"
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return settings
}

// running is a server on its way.
type running struct {
	url, private string
	out, log     *output
	stop         context.CancelFunc
	ended        chan error
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &running{out: newOutput(), log: newOutput(), stop: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- run(ctx, args, s.out, s.log) }()
	t.Cleanup(cancel)
	s.private = "http://" + s.log.find(t, `atiende en privado","dirección":"([^"]+)"`)
	s.url = s.out.find(t, `atiende en (http://\S+)`)
	return s
}

func (s *running) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := <-s.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(body)
}

// logIn returns a token, or nothing if it is refused.
func logIn(t *testing.T, url, email, password string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": email, "password": password})
	got, err := http.Post(url+"/auth/login", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	_ = json.NewDecoder(got.Body).Decode(&answer)
	return answer.Token
}

// From an empty PostgreSQL to two servers on it, the operator's words, and the end.
func TestOperation(t *testing.T) {
	dir := folder(t)
	settings := database(t, dir)
	s := start(t, "-config", settings)
	first := s.out.find(t, `contraseña (\S+)`)
	if logIn(t, s.url, "admin@mostrador.local", first) == "" {
		t.Error("the first administrator cannot log in")
	}

	t.Run("private and public are apart", func(t *testing.T) {
		for path, want := range map[string]int{"/health": 200, "/ready": 200, "/debug/pprof/": 200, "/debug/pprof/cmdline": 200} {
			if status, body := get(t, s.private+path); status != want {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/ready"} {
			if status, _ := get(t, s.url+path); status != 404 {
				t.Errorf("%s on the public address: %d", path, status)
			}
		}
	})
	t.Run("metrics", func(t *testing.T) {
		get(t, s.url+"/no/such/path")
		_, text := get(t, s.private+"/metrics")
		for _, want := range []string{
			`central_http_requests_total{route="POST /auth/login",status="200"} 1`, `central_http_requests_total{route="none",status="404"}`,
			`central_http_request_seconds_count{route="POST /auth/login"} 1`, `central_db_connections{state="max"} 20`,
			"central_db_up 1", "central_companies_behind 0", "go_goroutines",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s", want)
			}
		}
	})
	t.Run("a second server", func(t *testing.T) {
		other := start(t, "-config", settings)
		if strings.Contains(other.out.text(), "contraseña") {
			t.Error("it made another first administrator")
		}
		if logIn(t, other.url, "admin@mostrador.local", first) == "" {
			t.Error("the account of the first is unknown to it")
		}
		other.end(t)
	})
	t.Run("admin", func(t *testing.T) {
		said := newOutput()
		if err := run(t.Context(), []string{"admin", "-config", settings, "otra@ejemplo.cl"}, said, newOutput()); err != nil {
			t.Fatal(err)
		}
		if logIn(t, s.url, "otra@ejemplo.cl", said.find(t, `contraseña (\S+)`)) == "" {
			t.Error("the new administrator cannot log in")
		}
		// The same address again: another password, and the one before opens nothing.
		said = newOutput()
		if err := run(t.Context(), []string{"admin", "-config", settings, "admin@mostrador.local"}, said, newOutput()); err != nil {
			t.Fatal(err)
		}
		if logIn(t, s.url, "admin@mostrador.local", first) != "" || logIn(t, s.url, "admin@mostrador.local", said.find(t, `contraseña (\S+)`)) == "" {
			t.Error("the password was not replaced")
		}
	})
	t.Run("migrate and rotate-keys", func(t *testing.T) {
		for order, want := range map[string]string{"migrate": "Todo está al día", "rotate-keys": "0 empresas selladas"} {
			said := newOutput()
			if err := run(t.Context(), []string{order, "-config", settings}, said, newOutput()); err != nil || !strings.Contains(said.text(), want) {
				t.Errorf("%s: %v %s", order, err, said.text())
			}
		}
	})
	t.Run("no secret is in the log", func(t *testing.T) {
		for _, file := range []string{"llaves-maestras", "secreto"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			fields := strings.Fields(string(text))
			if strings.Contains(s.log.text(), fields[len(fields)-1]) {
				t.Errorf("%s is in the log", file)
			}
		}
		if strings.Contains(s.log.text(), first) || strings.Contains(s.log.text(), "postgres://") {
			t.Error("a password or an address with one is in the log")
		}
	})
	s.end(t)
}

// What was begun comes to its end; new requests are not taken, and /ready says so.
func TestItEndsInOrder(t *testing.T) {
	s := start(t, "-config", database(t, folder(t)))
	// A request whose body is still on its way when the end comes: the server has asked for it.
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"email":"a@b.cl","password":"x"}`
	fmt.Fprintf(conn, "POST /auth/login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = answers.ReadString('\n')
	s.stop()
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		for {
			got, err := http.Get(s.url + "/health/")
			if err != nil {
				return
			}
			_ = got.Body.Close()
		}
	}()
	<-refused
	if status, text := get(t, s.private+"/ready"); status != 503 || !strings.Contains(text, "terminando") {
		t.Errorf("ready while ending: %d %s", status, text)
	}
	_, _ = io.WriteString(conn, body)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "401") {
		t.Errorf("what was begun was answered %q %v", line, err)
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

// Ready is no before the database answers, and what is wrong with the settings is said in words without their secrets.
func TestSettingsThatCannotWork(t *testing.T) {
	dir := folder(t)
	secret := filepath.Join(dir, "secreto")
	if err := os.WriteFile(secret, []byte("corto"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"no existe la orden":            {"vender"},
		"al menos 32 bytes":             {"-secret", secret},
		"el secreto de las sesiones":    {"-secret", filepath.Join(dir, "nada")},
		"no es una red":                 {"-secret", filepath.Join(dir, "largo"), "-trusted-proxies", "10.0.0.0/8,x"},
		"falta -database":               {"migrate"},
		"falta el correo":               {"admin"},
		"flag provided but not defined": {"-puerto", "1"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "largo"), bytes.Repeat([]byte("s"), 32), 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(), args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	keys := filepath.Join(dir, "llaves")
	if err := os.WriteFile(keys, []byte("a "+strings.Repeat("A", 43)+"=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"migrate", "-keys", keys, "-database", "postgres://x:clavesecreta@%zz", "-database-admin", "postgres://x:clavesecreta@%zz"}, io.Discard, io.Discard)
	if err == nil || strings.Contains(err.Error(), "clavesecreta") {
		t.Errorf("%v", err)
	}
}

// Requests and jobs end in the same grace, not one after the other: a request that waits for the jobs to end is answered.
func TestOneGraceForAll(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, ending := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-ending
	}), ReadHeaderTimeout: time.Minute}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	const grace = 20 * time.Second
	go func() {
		ended <- serveUntil(ctx, server, listener, grace, func() {}, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the jobs may take for ever")
			}
			close(ending)
			return nil
		})
	}()
	answered := make(chan error, 1)
	go func() {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
		if err == nil {
			var got *http.Response
			if got, err = http.DefaultClient.Do(q); err == nil {
				err = got.Body.Close()
			}
		}
		answered <- err
	}()
	<-begun
	end()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("what was begun: %v", err)
	}
}
