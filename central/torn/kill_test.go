package torn_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/cluster"
	"mostrador/central/door"
	"mostrador/central/torn"
	"mostrador/dte/dtetest"
)

// serveVar has the test program serve the API instead of its tests, until it is killed. It names the database, twice, and the
// prefix of its roles.
const serveVar = "MOSTRADOR_SERVE"

// serve is that server. It tells its address first.
func serve(orders string) error {
	words := strings.Split(orders, "\n")
	now := new(centraltest.Clock).Now
	db, err := central.Open(context.Background(), central.Config{
		URL: words[0], AdminURL: words[1], Prefix: words[2], Keys: centraltest.Keys(), Now: now, Rand: rand.Reader, Training: dtetest.Trust(),
	})
	if err != nil {
		return err
	}
	tokens, err := central.NewTokens(bytes.Repeat([]byte("s"), 32), now)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	front := door.New(door.Config{Now: now, Log: slog.New(slog.DiscardHandler)})
	return front.HTTP(torn.New(torn.Config{DB: db, Tokens: tokens, Door: front})).Serve(listener)
}

// elsewhere starts the API in another process.
func (c *counter) elsewhere() (url string, kill func()) {
	c.t.Helper()
	server := exec.CommandContext(c.t.Context(), os.Args[0])
	server.Env = append(os.Environ(), serveVar+"="+strings.Join([]string{c.db.URL, c.db.AdminURL, c.db.Prefix}, "\n"))
	said, err := server.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	address, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address), func() {
		_ = server.Process.Kill()
		_ = server.Wait() // that it was killed
	}
}

// crowd is clients that sell, each its own breads under its own keys, and ask again with the same key until they are answered.
type crowd struct {
	*counter
	url  atomic.Value // of the server that is up
	made sync.Map     // the sale of each key
	done atomic.Int64
}

const (
	clients  = 32
	breads   = 4
	patience = 3 * time.Minute
)

func (c *crowd) sellAll() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for j := range breads {
				key := fmt.Sprintf("venta-%d-%d", i, j)
				if err := c.insist(ctx, key); err != nil {
					c.t.Errorf("%s: %v", key, err)
					return
				}
				c.done.Add(1)
				if err := c.insist(ctx, key); err != nil { // and once more, as if the answer had been lost
					c.t.Errorf("%s again: %v", key, err)
				}
			}
		})
	}
	all.Wait()
}

// insist asks until it is answered that the sale was made.
func (c *crowd) insist(ctx context.Context, key string) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		status, body, err := c.ask(ctx, key)
		switch {
		case err == nil && status == http.StatusCreated:
			id := answer{t: c.t, body: body}.id()
			if before, known := c.made.LoadOrStore(key, id); known && before != id {
				return fmt.Errorf("sales %v and %d", before, id)
			}
			return nil
		case err == nil && status != http.StatusServiceUnavailable:
			return fmt.Errorf("%d %s", status, body)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (c *crowd) ask(ctx context.Context, key string) (status int, body []byte, err error) {
	url, _ := c.url.Load().(string)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/sales/", strings.NewReader(oneBread))
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("X-Tenant-ID", strconv.FormatInt(c.tenant, 10))
	q.Header.Set("Idempotency-Key", key)
	got, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	body, err = io.ReadAll(got.Body)
	return got.StatusCode, body, err
}

// after waits until so many of the breads are sold.
func (c *crowd) after(n int64) {
	c.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	giveUp := time.After(patience)
	for c.done.Load() < n {
		select {
		case <-look.C:
		case <-giveUp:
			c.t.Errorf("%d of %d breads are sold", c.done.Load(), n)
			return
		}
	}
}

// sums are the books, and the drawer: what is in it is what was paid in.
func (c *crowd) sums() {
	c.t.Helper()
	if n := c.books(); n != clients*breads {
		c.t.Errorf("%d sales of %d keys", n, clients*breads)
	}
	if n := c.number("select count(*) from (select folio from sale group by tipo, folio having count(*) > 1) twice"); n != 0 {
		c.t.Errorf("%d folios were given twice", n)
	}
	if closed := c.post("/cash/close", map[string]any{"final_cash_declared": 10000 + 1190*clients*breads}).want(200); closed.text("difference") != "0.00" {
		c.t.Errorf("the drawer: %s", closed.body)
	}
}

// The server is killed again and again while 32 clients sell. Each key sold once, and the books are right.
func TestFaultServerIsKilledUnderSales(t *testing.T) {
	c := &crowd{counter: newCounter(t, 400)}
	url, kill := c.elsewhere()
	c.url.Store(url)
	var selling sync.WaitGroup
	selling.Go(c.sellAll)
	for _, n := range []int64{7, 30, 61, 100} {
		c.after(n)
		kill()
		url, kill = c.elsewhere()
		c.url.Store(url)
	}
	selling.Wait()
	kill()
	c.sums()
}

// PostgreSQL loses its power while 32 clients sell, and comes back. What was answered is there, each key sold once, and the
// books are right.
func TestFaultDatabaseLosesItsPower(t *testing.T) {
	dir, err := os.MkdirTemp("", "mostrador-luz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	own := start(t, dir)
	t.Cleanup(func() { own.Close() })
	if err := own.CreateDatabase(t.Context(), "tienda"); err != nil {
		t.Fatal(err)
	}
	admin, clock := own.URL(cluster.Superuser, "tienda"), new(centraltest.Clock)
	if err := central.Bootstrap(t.Context(), admin, ""); err != nil {
		t.Fatal(err)
	}
	db, err := central.Open(t.Context(), central.Config{
		URL: own.URL(central.LoginRole("tienda"), "tienda"), AdminURL: admin, Keys: centraltest.Keys(), Now: clock.Now, Rand: rand.Reader, Training: dtetest.Trust(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.Migrate(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	c := &crowd{counter: counterOf(houseOf(t, db, clock), 400)}
	c.url.Store(c.counter.url)
	var selling sync.WaitGroup
	selling.Go(c.sellAll)
	for _, n := range []int64{11, 64} {
		c.after(n)
		own.Kill()
		own = start(t, dir)
	}
	selling.Wait()
	c.sums()
}

func start(t *testing.T, dir string) *cluster.Cluster {
	t.Helper()
	own, err := cluster.Start(t.Context(), dir, cluster.Options{})
	if errors.Is(err, cluster.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return own
}
