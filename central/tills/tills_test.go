package tills_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"mostrador/central"
	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/tills"
	"mostrador/dte"
)

func TestMain(m *testing.M) { centraltest.Main(m) }

// office is a server that tills reach, with one company.
type office struct {
	*testing.T
	db      *central.DB
	clock   *centraltest.Clock
	company central.Company
	session uuid.UUID
	url     string
	log     *centraltest.Log
}

func newOffice(t *testing.T, limits tills.Limits) *office {
	t.Helper()
	db, clock := centraltest.New(t)
	o := &office{T: t, db: db, clock: clock, log: new(centraltest.Log)}
	o.company = centraltest.Company(t, db, 76086428, centraltest.Account(t, db, "duena@ejemplo.cl", false))
	s, err := db.Login(t.Context(), "duena@ejemplo.cl", centraltest.Password)
	if err != nil {
		t.Fatal(err)
	}
	o.session = s.ID
	front := door.New(door.Config{Log: slog.New(slog.NewTextHandler(o.log, nil)), Now: clock.Now})
	listening := httptest.NewUnstartedServer(nil)
	listening.Config = front.HTTP(tills.New(tills.Config{DB: db, Door: front, Limits: limits}))
	listening.Start()
	t.Cleanup(listening.Close)
	o.url = listening.URL
	return o
}

// call is what a person of the company does.
func (o *office) call(fn func(*central.Call) error) {
	o.Helper()
	if err := o.db.EnterCompany(o.Context(), o.session, o.company.ID, fn); err != nil {
		o.Fatal(err)
	}
}

func (o *office) invite(name string) (i central.Invitation) {
	o.Helper()
	o.call(func(c *central.Call) (err error) {
		i, err = c.InviteTill(name)
		return err
	})
	return i
}

func (o *office) asks(code string) api.Join {
	return api.Join{
		Protocol: api.Protocol, Version: "1.0", Code: code, Secret: bytes.Repeat([]byte{7}, 32), Emisor: o.company.RUT, Ambiente: o.company.Ambiente,
	}
}

// joins is a new till.
func (o *office) joins(name string) (*api.Client, api.Joined) {
	o.Helper()
	joined, err := api.JoinServer(o.Context(), api.ClientConfig{URL: o.url}, o.asks(o.invite(name).Code))
	if err != nil {
		o.Fatal(err)
	}
	return o.client(joined.Token), joined
}

func (o *office) client(token string) *api.Client {
	o.Helper()
	c, err := api.NewClient(api.ClientConfig{URL: o.url, Token: token, Version: "1.0"})
	if err != nil {
		o.Fatal(err)
	}
	return c
}

func report() api.Report {
	return api.Report{Protocol: api.Protocol, Version: "1.0", Now: centraltest.Start, Folios: api.Folios{Wants: []dte.TipoDTE{dte.Boleta}}}
}

func wantError(t *testing.T, err error, verdict api.Verdict, code string) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Verdict != verdict || e.Code != code || e.Message == "" {
		t.Fatalf("%#v, want %s %s", err, verdict, code)
	}
	return e
}

// A till joins with a code, gets its folios and their file, and neither its token nor its secret is in the log.
func TestATillJoinsAndGetsFolios(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	file := centraltest.CAF(o.company.RUT, dte.Boleta, 1, 100)
	o.call(func(c *central.Call) error {
		_, err := c.UploadCAF(file)
		return err
	})
	till, joined := o.joins("Caja 1")
	again, err := api.JoinServer(t.Context(), api.ClientConfig{URL: o.url}, o.asks("no-existe"))
	wantError(t, err, api.Stuck, "401")
	if joined.Till.Name != "Caja 1" || joined.Company.RUT != o.company.RUT || again.Token != "" {
		t.Errorf("%+v", joined)
	}
	a, err := till.Sync(t.Context(), report())
	if err != nil || len(a.Folios.Leases) != 2 || a.Seconds != 60 || a.Till != joined.Till || a.Hold != "" || !a.Now.Equal(centraltest.Start) {
		t.Fatalf("%+v %v", a, err)
	}
	got, err := till.CAF(t.Context(), a.Folios.Leases[0].CAF)
	if err != nil || !bytes.Equal(got, file) {
		t.Errorf("%s %v", got, err)
	}
	n, err := till.Pull(t.Context(), "un cursor de nadie")
	if err != nil || !n.Anew || n.Settings == nil || n.Settings.Emisor.RUT != o.company.RUT {
		t.Errorf("%+v %v", n, err)
	}
	if !a.News {
		t.Error("a till that has heard nothing is told that there is nothing")
	}
	told := report()
	told.Cursor = n.Cursor
	if a, err := till.Sync(t.Context(), told); err != nil || a.News {
		t.Errorf("%+v %v", a, err)
	}
	pushed, err := till.Push(t.Context(), api.Push{})
	if err != nil || pushed.After.N != 0 || pushed.Hold != "" {
		t.Errorf("%+v %v", pushed, err)
	}
	_, err = till.Push(t.Context(), api.Push{Entries: make([]api.Entry, api.MostEntries+1)})
	if e := wantError(t, err, api.Stuck, "tamaño"); e.Down {
		t.Errorf("%+v", e)
	}
	_, err = till.CAF(t.Context(), 99)
	wantError(t, err, api.Stuck, "404")
	if log := o.log.String(); strings.Contains(log, strings.Split(joined.Token, ".")[2]) || strings.Contains(log, "BwcHBw") ||
		!strings.Contains(log, `ruta="POST /till/v1/sync"`) || !strings.Contains(log, "caja=1") {
		t.Error(log)
	}
}

// Who was revoked, and who never was a till, is told that it is over: by every path, and by the verdict that ends.
func TestARevokedTillHasEnded(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	till, joined := o.joins("Caja 1")
	if _, err := till.Sync(t.Context(), report()); err != nil {
		t.Fatal(err)
	}
	o.call(func(c *central.Call) error { return c.RevokeTill(joined.Till.ID) })
	for _, c := range []*api.Client{till, o.client(""), o.client("1.1.x"), o.client(joined.Token[:len(joined.Token)-2])} {
		_, err := c.Sync(t.Context(), report())
		wantError(t, err, api.Ended, "401")
		_, err = c.CAF(t.Context(), 1)
		wantError(t, err, api.Ended, "401")
		_, err = c.Pull(t.Context(), "")
		wantError(t, err, api.Ended, "401")
		_, err = c.Push(t.Context(), api.Push{})
		wantError(t, err, api.Ended, "401")
	}
}

// A till of a company that the service switched off has not ended: it is told to wait, by every path, and goes on when the company
// does. Strangers learn nothing of it.
func TestATillWaitsForItsCompany(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	till, joined := o.joins("Caja 1")
	code := o.invite("Caja 2").Code
	look := centraltest.Superuser(t, o.db)
	switches := func(on bool) {
		t.Helper()
		if _, err := look.Exec(t.Context(), "update shared.company set is_active = $2 where id = $1", o.company.ID, on); err != nil {
			t.Fatal(err)
		}
	}
	switches(false)
	verbs := func(c *api.Client) (errs []error) {
		_, sync := c.Sync(t.Context(), report())
		_, file := c.CAF(t.Context(), 1)
		_, pull := c.Pull(t.Context(), "")
		_, push := c.Push(t.Context(), api.Push{})
		return []error{sync, file, pull, push}
	}
	for _, err := range verbs(till) {
		if e := wantError(t, err, api.Later, "503"); e.Down || e.Wait == 0 || !strings.Contains(e.Message, "desactivada") {
			t.Errorf("%+v", e)
		}
	}
	guess := joined.Token[:strings.LastIndex(joined.Token, ".")+1] + strings.Repeat("A", 43)
	for _, err := range verbs(o.client(guess)) {
		wantError(t, err, api.Ended, "401")
	}
	_, err := api.JoinServer(t.Context(), api.ClientConfig{URL: o.url}, o.asks(code))
	wantError(t, err, api.Stuck, "401")
	switches(true)
	if _, err := till.Sync(t.Context(), report()); err != nil {
		t.Error(err)
	}
}

// A program that is too old is told so, and a newer one is spoken to as this server can.
func TestTheProtocolIsNegotiated(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	till, _ := o.joins("Caja 1")
	r := report()
	r.Protocol = api.Oldest - 1
	_, err := till.Sync(t.Context(), r)
	if e := wantError(t, err, api.Stuck, "protocolo"); !strings.Contains(e.Message, "antiguo") {
		t.Errorf("not told so by the server: %s", e.Message)
	}
	r.Protocol = api.Protocol + 3
	if a, err := till.Sync(t.Context(), r); err != nil || a.Protocol != api.Protocol {
		t.Errorf("%+v %v", a, err)
	}
}

// send posts bytes as they are.
func (o *office) send(token, encoding string, body io.Reader) (int, string) {
	o.Helper()
	q, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.url+"/till/v1/sync", body)
	if err != nil {
		o.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+token)
	if encoding != "" {
		q.Header.Set("Content-Encoding", encoding)
	}
	got, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		o.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		o.Fatal(err)
	}
	return got.StatusCode, string(text)
}

// Bodies travel packed, and what is packed is never unpacked to more than its bound.
func TestBodiesAreBounded(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	till, joined := o.joins("Caja 1")
	big := report()
	words := make([]byte, 1<<20) // that nothing makes smaller
	if _, err := rand.NewChaCha8([32]byte{}).Read(words); err != nil {
		t.Fatal(err)
	}
	big.Health.Printer = hex.EncodeToString(words)
	if _, err := till.Sync(t.Context(), big); err != nil {
		t.Errorf("a report of many megabytes, packed: %v", err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, api.MaxBody+1), nil)
	var stream bytes.Buffer // without a word on its size
	if w, err := zstd.NewWriter(&stream); err != nil {
		t.Fatal(err)
	} else if _, err := io.Copy(w, io.LimitReader(zeros{}, 64<<20)); err != nil {
		t.Fatal(err)
	} else if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		status   int
	}{
		"a bomb": {"zstd", bomb, 413}, "a bomb in a stream": {"zstd", stream.Bytes(), 413}, "no packing": {"zstd", []byte("{}"), 400},
		"another packing": {"gzip", []byte("{}"), 400}, "nonsense": {"", []byte("{"), 400}, "more than travels": {"", make([]byte, api.MaxCompressed+1), 413},
	} {
		if status, text := o.send(joined.Token, c.encoding, bytes.NewReader(c.body)); status != c.status || !strings.Contains(text, `"detail"`) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A stranger's large body is not read: the answer comes while it is still being sent.
func TestAStrangersBodyIsNotRead(t *testing.T) {
	o := newOffice(t, tills.Limits{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "POST /till/v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 1.1.AAAA\r\nContent-Length: 4000000\r\n\r\n{"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 401" {
		t.Errorf("%q %v", answer, err)
	}
}

// One till may have so much open and come so often; another one does not notice.
func TestOneTillTakesNothingFromTheOthers(t *testing.T) {
	o := newOffice(t, tills.Limits{AtOnce: 1, Minutely: 5, Bodies: 4})
	mine, _ := o.joins("Caja 1")
	look := centraltest.Superuser(t, o.db)
	if _, err := look.Exec(t.Context(), "begin; select from "+o.company.Schema+".till for update"); err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	go func() {
		_, err := mine.Sync(context.WithoutCancel(t.Context()), report())
		first <- err
	}()
	centraltest.Until(t, look, "a report waiting for a lock", "select count(*) >= 1 from pg_locks where not granted")
	_, err := mine.Sync(t.Context(), report())
	if e := wantError(t, err, api.Later, "503"); e.Wait == 0 || e.Down {
		t.Errorf("%+v", e)
	}
	if _, err := look.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range 3 {
		_, err = mine.Sync(t.Context(), report())
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = mine.Sync(t.Context(), report())
	if e := wantError(t, err, api.Later, "429"); e.Wait == 0 {
		t.Errorf("%+v", e)
	}
	other, _ := o.joins("Caja 2")
	if _, err := other.Sync(t.Context(), report()); err != nil {
		t.Error(err)
	}
}
