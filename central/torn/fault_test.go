package torn_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
)

// replica is another server on the counter's database, reached over the given road to PostgreSQL; the usual one if empty.
func (c *counter) replica(road string) *client {
	c.t.Helper()
	db := c.db
	if road != "" {
		config := c.db.Config
		u, err := url.Parse(config.URL)
		if err != nil {
			c.t.Fatal(err)
		}
		u.Host, u.RawQuery = road, "sslmode=disable"
		config.URL = u.String()
		if db, err = central.Open(c.t.Context(), config); err != nil {
			c.t.Fatal(err)
		}
		c.t.Cleanup(db.Close)
	}
	tokens, err := central.NewTokens(bytes.Repeat([]byte("s"), 32), c.clock.Now)
	if err != nil {
		c.t.Fatal(err)
	}
	server := torn.New(torn.Config{DB: db, Tokens: tokens, Door: door.New(door.Config{Now: c.clock.Now, Log: slog.New(slog.DiscardHandler)})})
	listening := httptest.NewServer(server)
	c.t.Cleanup(listening.Close)
	h := *c.house
	h.db, h.server, h.url = db, server, listening.URL
	return &client{house: &h, token: c.token, tenant: c.tenant}
}

const oneBread = `{"rut_cliente":"66666666-6","tipo_dte":39,"items":[{"product_id":1,"cantidad":"1"}],"payments":[{"payment_method_id":1,"amount":1190}]}`

// sell sells one bread under a key.
func (c *client) sell(key string) answer {
	c.t.Helper()
	return c.with("POST", "/sales/", oneBread, "X-Tenant-ID", strconv.FormatInt(c.tenant, 10), "Idempotency-Key", key)
}

// books checks that everything adds up, and returns how many sales there are.
func (c *counter) books() (sales int) {
	c.t.Helper()
	db := centraltest.Superuser(c.t, c.db)
	if _, err := db.Exec(c.t.Context(), "set search_path to "+c.company.Schema); err != nil {
		c.t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"sales whose payments are not their total": `select count(*) from sale s where monto_total <>
			(select coalesce(sum(kept - rounding), 0) from payment p where p.sale_id = s.id)`,
		"sales whose parts are not their total": "select count(*) from sale where monto_neto + iva + monto_exento <> monto_total",
		"sales without their document, its state or lines": `select count(*) from sale s where not exists (select from document d join document_state i
			on i.sale_id = d.sale_id and i.version = d.version and i.folio = d.folio where d.sale_id = s.id and d.tipo = s.tipo and d.folio = s.folio) or not exists
			(select from sale_line l where l.sale_id = s.id)`,
		"documents of two sales": "select count(*) from document a join document b on a.tipo = b.tipo and a.folio = b.folio and a.sale_id <> b.sale_id",
		"documents without a sale's folio that nobody replaced": `select count(*) from document d where not exists (select from sale s where s.id = d.sale_id and s.folio = d.folio)
			and not exists (select from remedy r where r.sale_id = d.sale_id and r.version = d.version)`,
		"folios of ranges in use that are neither a document nor ready, or both": `select count(*) from caf, generate_series(caf.desde, caf.next - 1) f
			where (exists (select from document d where d.tipo = caf.tipo and d.folio = f)) =
				(exists (select from folio_ready r where r.tipo = caf.tipo and r.folio = f))`,
		"documents beyond the ranges": "select count(*) from document d where not exists (select from caf where caf.tipo = d.tipo and d.folio between desde and next - 1)",
		"products whose stock is not their card's": `select count(*) from product p where controla_stock and stock_actual <>
			coalesce((select balance_after from stock_movement m where m.product_id = p.id order by id desc limit 1), stock_actual)`,
		"products whose card does not add up": `select count(*) from product p where controla_stock and stock_actual <> 500000000 -
			(select coalesce(sum(cantidad), 0) from stock_movement m where m.product_id = p.id)`,
		"sold goods without a movement": `select count(*) from sale_line l join product p on p.id = l.product_id and p.controla_stock where not exists
			(select from stock_movement m where m.sale_id = l.sale_id and m.product_id = l.product_id and m.cantidad = l.cantidad)`,
		"keys of nothing": "select count(*) from idempotency where sale_id is null and payment_id is null",
	} {
		var wrong int
		if err := db.QueryRow(c.t.Context(), sql).Scan(&wrong); err != nil {
			c.t.Fatal(what, err)
		}
		if wrong != 0 {
			c.t.Errorf("%d %s", wrong, what)
		}
	}
	if err := db.QueryRow(c.t.Context(), "select count(*) from sale").Scan(&sales); err != nil {
		c.t.Fatal(err)
	}
	return sales
}

// cutter is a road to PostgreSQL that can be cut around a commit.
type cutter struct {
	net.Listener
	to  *url.URL
	cut atomic.Int32
}

// Where it cuts next.
const (
	nowhere int32 = iota
	beforeCommit
	afterCommit
)

func newCutter(t testing.TB, database string) *cutter {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, to: to}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { c.carry(t, conn) })
		}
	})
	return c
}

// carry passes bytes on both ways until one end leaves, or until the cut: of the commit itself, or of the answer that says it
// was done.
func (c *cutter) carry(t testing.TB, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", c.to.Query().Get("host")+"/.s.PGSQL.5432")
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		defer client.Close()
		pass(client, server, func(b []byte) bool {
			return bytes.Contains(b, []byte("COMMIT\x00")) && c.cut.CompareAndSwap(afterCommit, nowhere)
		})
	}()
	pass(server, client, func(b []byte) bool {
		return bytes.Contains(b, []byte("commit\x00")) && c.cut.CompareAndSwap(beforeCommit, nowhere)
	})
	_ = client.Close()
	_ = server.Close()
	<-back
}

func pass(to io.Writer, from io.Reader, cut func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || cut(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

const unknown = "No se sabe si la operación quedó hecha: consulte antes de repetirla, o repítala con la misma Idempotency-Key"

// The connection breaks around the commit. Nobody knows what became of it, and the answer says so; the same key again gives
// the one sale, made then or now.
func TestIdemReplyLostAroundTheCommit(t *testing.T) {
	c := newCounter(t, 50)
	road := newCutter(t, c.db.URL)
	far := c.replica(road.Addr().String())
	far.sell("antes").want(201)
	for name, cut := range map[string]int32{"after": afterCommit, "before": beforeCommit} {
		before := c.books()
		road.cut.Store(cut)
		far.sell(name).refused(503, unknown)
		if road.cut.Load() != nowhere {
			t.Fatalf("%s: nothing was cut", name)
		}
		done := c.books() - before
		if want := map[string]int{"after": 1, "before": 0}[name]; done != want {
			t.Errorf("cut %s the commit: %d sales were made", name, done)
		}
		first, again := far.sell(name).want(201), c.sell(name).want(201)
		if first.id() != again.id() || c.books() != before+1 {
			t.Errorf("cut %s the commit: sales %d and %d, %d in all", name, first.id(), again.id(), c.books())
		}
	}
}

// sixteenOfOne asks sixteen times at once for what is one sale.
func sixteenOfOne(t *testing.T, sell func(i int) answer) {
	t.Helper()
	ids := make([]int64, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			if got := sell(i); got.status == 201 {
				ids[i] = got.id()
			} else {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("sales %v", ids)
		}
	}
}

// The same key from sixteen clients over two servers sells once.
func TestIdemSixteenClientsTwoReplicas(t *testing.T) {
	c := newCounter(t, 50)
	servers := []*client{c.client, c.replica("")}
	sixteenOfOne(t, func(i int) answer { return servers[i%2].sell("la-misma") })
	if n := c.books(); n != 1 {
		t.Errorf("%d sales", n)
	}
}

// Two servers sell the same thing at once: each sale has a folio of its own, and none is left out.
func TestFaultTwoReplicasSell(t *testing.T) {
	c := newCounter(t, 150)
	servers := []*client{c.client, c.replica("")}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if got := servers[i%2].sell("venta-" + strconv.Itoa(i)); got.status != 201 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	if n := c.books(); n != 60 {
		t.Errorf("%d sales", n)
	}
	var last int64
	if err := centraltest.Superuser(t, c.db).QueryRow(t.Context(), "select max(folio) from "+c.company.Schema+".sale").Scan(&last); err != nil || last != 60 {
		t.Errorf("the last folio of 60 sales is %d, %v", last, err)
	}
}

// PostgreSQL ends under the sales, again and again. Whoever was answered has a sale; whoever was not asks again with the same
// key; in the end there is one sale for each key, and the books are right.
func TestFaultDatabaseEndsUnderSales(t *testing.T) {
	c := newCounter(t, 200)
	root := centraltest.Superuser(t, c.db)
	const keys = 24
	var made [keys]atomic.Int64
	sellAll := func() {
		var wg sync.WaitGroup
		for i := range keys {
			wg.Go(func() {
				switch got := c.sell("venta-" + strconv.Itoa(i)); {
				case got.status == 201:
					if before := made[i].Swap(got.id()); before != 0 && before != got.id() {
						t.Errorf("key %d: sales %d and %d", i, before, got.id())
					}
				case got.status < 500 || !strings.Contains(got.header.Get("Content-Type"), "json"):
					t.Errorf("%d %s", got.status, got.body)
				}
			})
		}
		wg.Wait()
	}
	for range 3 {
		var ended sync.WaitGroup
		ended.Go(sellAll)
		centraltest.Until(t, root, "sales are under way", "select exists (select from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database() and mode = 'RowExclusiveLock')")
		if _, err := root.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"); err != nil {
			t.Fatal(err)
		}
		ended.Wait()
		c.books()
	}
	for range 3 { // connections that died in the pool are noticed one by one
		sellAll()
	}
	for i := range made {
		if made[i].Load() == 0 {
			t.Errorf("key %d never sold", i)
		}
	}
	if n := c.books(); n != keys {
		t.Errorf("%d sales for %d keys", n, keys)
	}
}

// A client that leaves in the middle of its sale leaves a whole sale or none.
func TestFaultClientLeaves(t *testing.T) {
	c := newCounter(t, 50)
	root := centraltest.Superuser(t, c.db)
	if _, err := root.Exec(t.Context(), "begin; select from "+c.company.Schema+".product where id = 1 for update"); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), "POST", c.url+"/sales/", strings.NewReader(oneBread))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.Header.Set("Idempotency-Key", "se-fue")
	if err := q.Write(conn); err != nil {
		t.Fatal(err)
	}
	waiting(t, root, 1)
	_ = conn.Close()
	centraltest.Until(t, root, "its work is given up", "select not exists (select from pg_locks where not granted)")
	if _, err := root.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if n := c.books(); n != 0 {
		t.Errorf("%d sales", n)
	}
	c.sell("se-fue").want(201)
	if n := c.books(); n != 1 {
		t.Errorf("%d sales", n)
	}
}

// A payment of an account that waits for the drawer holds no customer: a sale has the drawer and needs the customer next, and who
// closes the drawer stands between the two.
func TestAPaymentThatWaitsForTheDrawerHoldsNoCustomer(t *testing.T) {
	c := newCounter(t, 10)
	c.post("/customers/", fields{"rut": "77777777-7", "razon_social": "Constructora", "limite_credito": 100_000}).want(201)
	root := centraltest.Superuser(t, c.db)
	exec := func(sql string) {
		t.Helper()
		if _, err := root.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("set search_path to " + c.company.Schema)
	exec("update customer set balance = 1000 where rut = 77777777")
	exec("begin")
	exec("select from shift where status = 'OPEN' for update") // as who closes it does
	var done sync.WaitGroup
	done.Go(func() { c.post("/customers/77777777-7/pagos", fields{"payment_method_id": 1, "amount": 10}).want(201) })
	waiting(t, root, 1)
	exec("select from customer where rut = 77777777 for update nowait")
	exec("commit")
	done.Wait()
}
