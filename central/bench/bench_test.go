// Package bench measures the server as its clients see it: over HTTP, on a PostgreSQL that flushes what it commits. It is run
// by make bench-central.
package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/torn"
	"mostrador/dte"
)

func TestMain(m *testing.M) { centraltest.MainDurable(m) }

// setting is a number from the environment.
func setting(name string, preset int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return preset
	}
	return n
}

// place is a running server with one company in it.
type place struct {
	*testing.B
	db      *central.DB
	clock   *centraltest.Clock
	conn    *pgx.Conn
	tokens  *central.Tokens
	client  *http.Client
	url     string
	company central.Company
	owner   string
}

const rut dte.RUT = 76086428

func open(b *testing.B) *place {
	b.Helper()
	p := &place{B: b}
	p.db, p.clock = centraltest.New(b)
	var err error
	if p.tokens, err = central.NewTokens(bytes.Repeat([]byte("s"), 32), p.clock.Now); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(torn.New(torn.Config{
		DB: p.db, Tokens: p.tokens, Door: door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: p.clock.Now}),
	}))
	b.Cleanup(server.Close)
	p.url = server.URL
	p.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	p.company = centraltest.Company(b, p.db, rut, centraltest.Account(b, p.db, "a@ejemplo.cl", false))
	p.owner = p.login("a@ejemplo.cl")
	p.conn = centraltest.Superuser(b, p.db)
	p.exec("set search_path to " + p.company.Schema + ", extensions")
	return p
}

func (p *place) exec(sql string, args ...any) {
	p.Helper()
	if _, err := p.conn.Exec(p.Context(), sql, args...); err != nil {
		p.Fatalf("%s: %v", sql, err)
	}
}

func (p *place) login(email string) string {
	p.Helper()
	s, err := p.db.Login(p.Context(), email, centraltest.Password)
	if err != nil {
		p.Fatal(err)
	}
	token, err := p.tokens.Sign(s)
	if err != nil {
		p.Fatal(err)
	}
	return token
}

// ask sends a request and returns the answer's body; anything but the status wanted ends the run.
func (p *place) ask(token, method, path, kind string, body []byte, want int) []byte {
	p.Helper()
	q, err := http.NewRequestWithContext(p.Context(), method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.Error(err)
		return nil
	}
	q.Header.Set("Content-Type", kind)
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("X-Tenant-ID", strconv.FormatInt(p.company.ID, 10))
	got, err := p.client.Do(q)
	if err != nil {
		p.Error(err)
		return nil
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != want {
		p.Errorf("%s %s: %d %s %v", method, path, got.StatusCode, text, err)
	}
	return text
}

func (p *place) upload(path string, file []byte, password string) {
	p.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "archivo")
	if err != nil {
		p.Fatal(err)
	}
	_, _ = part.Write(file)
	_ = form.WriteField("password", password)
	_ = form.Close()
	p.ask(p.owner, "POST", path, form.FormDataContentType(), body.Bytes(), 201)
}

// products puts n of them on the shelf.
func (p *place) products(n int) {
	p.Helper()
	p.exec(`insert into product (codigo_interno, nombre, precio_neto, costo_unitario, controla_stock, stock_actual, tax_id, updated_at)
		select 'PROD-' || lpad(i::text, 5, '0'), 'Producto de prueba número ' || i, 300 + i * 7919 % 9000, (200 + i * 7919 % 6000) * 1000000::bigint,
			true, 1000000000000, 1, now() from generate_series(1, $1::int) i`, n)
	p.exec(`insert into customer (rut, razon_social, created_at, updated_at) select 10000000 + i, 'Cliente número ' || i, now(), now() from generate_series(1, 2000) i`)
	p.exec("analyze")
}

// tell prints how long things took, against a goal if there is one.
func (p *place) tell(what string, took []time.Duration, goal time.Duration) {
	slices.Sort(took)
	at := func(percent int) time.Duration {
		return took[min(len(took)-1, len(took)*percent/100)].Round(10 * time.Microsecond)
	}
	verdict := ""
	if goal > 0 {
		verdict = fmt.Sprintf("  goal %v: %s", goal, map[bool]string{true: "met", false: "MISSED"}[at(99) <= goal])
	}
	fmt.Printf("%-58s n %5d  p50 %9v  p99 %9v  max %9v%s\n", what, len(took), at(50), at(99), took[len(took)-1].Round(10*time.Microsecond), verdict)
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(text))
}

// Sales over HTTP: 32 clients at 8 drawers of one company, two lines of 2,000 products each.
func BenchmarkSales(b *testing.B) {
	p := open(b)
	p.products(2000)
	file, password := centraltest.PFX(b, 5126663)
	p.upload("/folios/certificate", file, password)
	p.upload("/folios/upload", centraltest.CAF(rut, 39, 1, 1_000_000), "")
	const clients, drawers = 32, 8
	tokens := make([]string, drawers)
	for i := range tokens {
		email := fmt.Sprintf("caja%d@ejemplo.cl", i)
		account := centraltest.Account(b, p.db, email, false)
		p.exec("insert into shared.membership (company_id, account_id, role_name) values ($1, $2, 'VENDEDOR')", p.company.ID, account)
		p.exec("insert into person (account_id, email, name, role, role_id) select $1, $2, $2, name, id from role where name = 'VENDEDOR'", account, email)
		tokens[i] = p.login(email)
		p.ask(tokens[i], "POST", "/cash/open", "application/json", []byte(`{"start_amount":0}`), 200)
	}
	sell := func(r *rand.Rand, token string) time.Duration {
		body := fmt.Sprintf(`{"rut_cliente":"66666666-6","tipo_dte":39,"items":[{"product_id":%d,"cantidad":1},{"product_id":%d,"cantidad":2}],"payments":[{"payment_method_id":1,"amount":100000}]}`,
			1+r.IntN(2000), 1+r.IntN(2000))
		start := time.Now()
		p.ask(token, "POST", "/sales/", "application/json", []byte(body), 201)
		return time.Since(start)
	}
	run := func(d time.Duration) (took []time.Duration, whole time.Duration) {
		each := make([][]time.Duration, clients)
		start := time.Now()
		var wg sync.WaitGroup
		for i := range clients {
			r := rand.New(rand.NewPCG(uint64(i), uint64(d)))
			wg.Go(func() {
				for time.Since(start) < d && !p.Failed() {
					each[i] = append(each[i], sell(r, tokens[i%drawers]))
				}
			})
		}
		wg.Wait()
		return slices.Concat(each...), time.Since(start)
	}
	run(2 * time.Second)
	before, program, database := load(), ownTime(), p.databaseTime()
	took, whole := run(time.Duration(setting("MOSTRADOR_SECONDS", 15)) * time.Second)
	program, database = ownTime()-program, p.databaseTime()-database
	rate := len(took) * int(time.Second) / int(whole)
	p.tell("POST /sales/, 32 clients, one company", took, 150*time.Millisecond)
	fmt.Printf("%-58s %d a second (goal 300: %s); load before %s, after %s\n", "", rate, map[bool]string{true: "met", false: "MISSED"}[rate >= 300], before, load())
	b.ReportMetric(float64(rate), "sales/s")
	each := func(d time.Duration) time.Duration {
		return (d / time.Duration(len(took))).Round(10 * time.Microsecond)
	}
	fmt.Printf("%-58s server and clients %v, PostgreSQL %v\n", "processor time of a sale", each(program), each(database))
	p.checkFolios()
}

// ownTime is the processor time of this program so far. Unlike a clock it does not care who else uses the processor.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// databaseTime is the same of PostgreSQL: its first process, those that ended, and those that are there.
func (p *place) databaseTime() (sum time.Duration) {
	const tick = time.Second / 100 // of /proc, on every Linux
	own := statOf(p.processes("pid = pg_backend_pid()")[0])
	for _, field := range statOf(own[1])[11:15] {
		sum += time.Duration(field) * tick
	}
	for _, pid := range p.processes("true") {
		for _, field := range statOf(pid)[11:13] {
			sum += time.Duration(field) * tick
		}
	}
	return sum
}

// statOf are the numbers of /proc/PID/stat from the state on, which is not one: parent at 1, times at 11 to 14. All zero if
// the process is gone or not ours to look at.
func statOf(pid int) []int {
	stat := make([]int, 64)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before may hold blanks
	for i, field := range strings.Fields(rest) {
		stat[i], _ = strconv.Atoi(field)
	}
	return stat
}

// processes of PostgreSQL's of which the condition holds.
func (p *place) processes(condition string, args ...any) []int {
	p.Helper()
	rows, err := p.conn.Query(p.Context(), "select pid from pg_stat_activity where "+condition, args...)
	if err != nil {
		p.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		p.Fatal(err)
	}
	return pids
}

// checkFolios looks at the numbers: each one put into use is a document or still free, and none is both.
func (p *place) checkFolios() {
	p.Helper()
	var used, documents, free int
	if err := p.conn.QueryRow(p.Context(), `select (select next - desde from caf), (select count(*) from (select folio from document union select folio from folio_ready) f),
		(select count(*) from folio_ready)`).Scan(&used, &documents, &free); err != nil {
		p.Fatal(err)
	}
	var sold int
	if err := p.conn.QueryRow(p.Context(), "select count(*) from document").Scan(&sold); err != nil {
		p.Fatal(err)
	}
	if used != documents || sold+free != used {
		p.Errorf("folios: %d put into use, %d documents, %d free", used, sold, free)
	}
	fmt.Printf("%-58s %d used: %d documents, %d free, none twice, none lost\n", "folios", used, sold, free)
}

// Lists and reports of one company with a year of sales.
func BenchmarkReads(b *testing.B) {
	p := open(b)
	p.products(2000)
	sales := setting("MOSTRADOR_SALES", 1_000_000)
	today := dte.DateOf(p.clock.Now())
	start := time.Now()
	if err := p.db.Fill(b.Context(), p.company.Schema, central.Filling{From: dte.Date{Year: today.Year - 1, Month: today.Month, Day: today.Day + 1}, To: today, Sales: sales}); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%-58s %v\n", fmt.Sprintf("%d sales of a year written", sales), time.Since(start).Round(time.Second))
	start = time.Now()
	p.exec("vacuum analyze sale")
	p.exec("vacuum analyze sale_line")
	p.exec("vacuum analyze payment")
	p.exec("vacuum analyze document_state")
	fmt.Printf("%-58s %v\n", "vacuum", time.Since(start).Round(time.Second))
	p.reads("no day closed", true)
	start = time.Now()
	n, err := p.db.CloseDays(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("%-58s %v\n", fmt.Sprintf("%d days closed", n), time.Since(start).Round(time.Millisecond))
	p.exec("vacuum analyze day_product")
	p.reads("days closed", false)
	p.onDisk("the company on disk, without signed documents")
}

// onDisk prints what the company takes.
func (p *place) onDisk(what string) {
	p.Helper()
	var size string
	var files int
	if err := p.conn.QueryRow(p.Context(), `select pg_size_pretty(sum(pg_total_relation_size(oid)) filter (where relkind in ('r', 'S'))), count(*) filter (where relkind in ('r', 'i', 'S', 't'))
		from pg_class where relnamespace = $1::regnamespace`, p.company.Schema).Scan(&size, &files); err != nil {
		p.Fatal(err)
	}
	fmt.Printf("%-58s %s in %d tables, indexes and sequences\n", what, size, files)
}

// missing says whether nothing answers there.
func (p *place) missing(path string) bool {
	q, err := http.NewRequestWithContext(p.Context(), "GET", p.url+strings.ReplaceAll(path, " ", "%20"), nil)
	if err != nil {
		p.Fatal(err)
	}
	got, err := p.client.Do(q)
	if err != nil {
		p.Fatal(err)
	}
	defer got.Body.Close()
	return got.StatusCode == 404 || got.StatusCode == 405
}

func (p *place) reads(when string, few bool) {
	today := dte.DateOf(p.clock.Now())
	month := today.AddMonths(-1).String()
	const list, dashboard = 20 * time.Millisecond, 50 * time.Millisecond
	for _, q := range []struct {
		path string
		goal time.Duration
	}{
		{"/sales/?limit=50", list},
		{"/sales/?skip=5000&limit=50", list},
		{"/sales/?skip=100000&limit=50", list}, // as far as it may
		{"/sales/?before=" + strconv.Itoa(setting("MOSTRADOR_SALES", 1_000_000)/2), list},
		{"/sales/?from_date=" + month + "&to_date=" + month + "&limit=50", list},
		{"/sales/?tipo=61&skip=5000", list},
		{"/sales/?customer=66666666-6&tipo=61", list},
		{"/sales/?customer=66666666-6&tipo=33", list}, // none
		{"/sales/?q=100000", list},
		{"/sales/?q=número 19", list},
		{"/sales/?q=número 19&tipo=61", list},
		{"/sales/?q=cliente", list},
		{"/sales/1000", list},
		{"/sales/dte-estados", list},
		{"/sales/dte-estados?skip=100000", list},
		{"/sales/dte-estados?state=rejected", list},
		{"/sales/guias-pendientes", list},
		{"/products/1/movimientos?limit=50", list},
		{"/customers/?limit=50", list},
		{"/customers/search?q=número 19", list},
		{"/products/?limit=50", list},
		{"/folios/status", list},
		{"/reports/dashboard", dashboard},
		{"/reports/dashboard?fecha=" + month, dashboard},
		{"/stats/summary", dashboard},
		{"/stats/top-products?days=30&limit=5", dashboard},
		{"/stats/report?period=day&date=" + month, dashboard},
		{"/stats/report?period=month&limit=50", dashboard},
		{"/stats/top-products?days=365&limit=5", 0},
	} {
		report := strings.HasPrefix(q.path, "/reports") || strings.HasPrefix(q.path, "/stats")
		if few && (!report || strings.Contains(q.path, "=365")) {
			continue
		}
		if p.missing(q.path) {
			fmt.Printf("%-58s not served\n", q.path)
			continue
		}
		n := 200
		if few {
			n, q.goal = 3, 0
		}
		took := make([]time.Duration, n)
		before := ownTime() + p.databaseTime()
		for i := range took {
			if p.Failed() {
				return
			}
			start := time.Now()
			p.ask(p.owner, "GET", strings.ReplaceAll(q.path, " ", "%20"), "", nil, 200)
			took[i] = time.Since(start)
		}
		p.tell(q.path+", "+when, took, q.goal)
		fmt.Printf("%-58s %v of processor time each\n", "", ((ownTime() + p.databaseTime() - before) / time.Duration(n)).Round(100*time.Microsecond))
	}
	fmt.Printf("%-58s %s\n", "load", load())
}

// New companies, one after the other; then many, each called once and then idle.
func BenchmarkCompanies(b *testing.B) {
	p := open(b)
	super := centraltest.Account(b, p.db, "super@ejemplo.cl", true)
	var made atomic.Int64
	create := func() (time.Duration, error) {
		n := made.Add(1)
		start := time.Now()
		_, err := p.db.CreateCompany(b.Context(), central.NewCompany{
			Name: fmt.Sprintf("Empresa %d", n), RUT: dte.RUT(77_000_000 + n), Ambiente: dte.Capacitacion, BillingDay: 1, Owner: super,
		})
		return time.Since(start), err
	}
	one := make([]time.Duration, 0, 30)
	program, database := ownTime(), p.databaseTime()
	for range cap(one) {
		took, err := create()
		if err != nil {
			b.Fatal(err)
		}
		one = append(one, took)
	}
	p.tell("a new company", one, 500*time.Millisecond)
	fmt.Printf("%-58s server %v, PostgreSQL %v; load %s\n", "processor time of a new company", ((ownTime() - program) / 30).Round(time.Millisecond),
		((p.databaseTime() - database) / 30).Round(time.Millisecond), load())
	p.onDisk("a company without a sale, on disk")
	before := memory()
	start := time.Now()
	goal := int64(setting("MOSTRADOR_COMPANIES", 1000))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for made.Load() < goal && !b.Failed() {
				if _, err := create(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	companies := made.Load()
	fmt.Printf("%-58s %d companies in %v\n", "four at a time", companies, time.Since(start).Round(time.Second))
	there := memory()
	token := p.login("super@ejemplo.cl")
	took := make([]time.Duration, 0, companies)
	for range companies {
		p.company.ID++ // they were numbered in the order in which they were made
		start := time.Now()
		p.ask(token, "GET", "/folios/status", "", nil, 200)
		took = append(took, time.Since(start))
	}
	p.tell("the first call of each of them", took, 0)
	touched := memory()
	mib := func(n uint64) int64 { return (int64(n) - int64(before)) >> 20 }
	fmt.Printf("%-58s %d MiB when there, %d MiB after a call of each (goal 50: %s)\n", fmt.Sprintf("%d companies, heap of the server more than of 31", companies),
		mib(there), mib(touched), map[bool]string{true: "met", false: "MISSED"}[mib(touched) <= 50])
	p.backends()
	p.idle(companies)
	p.lookAgain(companies)
}

// idle prints what companies in which nothing happens cost: the closing of their days, once every ten minutes, and the
// background work between two of those.
func (p *place) idle(companies int64) {
	start, before := time.Now(), ownTime()+p.databaseTime()
	if _, err := p.db.CloseDays(p.Context()); err != nil {
		p.Fatal(err)
	}
	fmt.Printf("%-58s %v, %v of processor time, every ten minutes\n", fmt.Sprintf("looking for days to close in %d companies", companies),
		time.Since(start).Round(time.Millisecond), (ownTime() + p.databaseTime() - before).Round(time.Millisecond))
	stop, err := p.db.Work(p.Context(), slog.New(slog.DiscardHandler), 8)
	if err != nil {
		p.Fatal(err)
	}
	const settle, watch = 10 * time.Second, 20 * time.Second
	<-time.After(settle) // it begins with a look for days to close
	before = ownTime() + p.databaseTime()
	<-time.After(watch)
	fmt.Printf("%-58s %v of processor time a minute\n", "background work with nothing to do", ((ownTime() + p.databaseTime() - before) * (time.Minute / watch)).Round(10*time.Millisecond))
	if err := stop(p.Context()); err != nil {
		p.Fatal(err)
	}
}

// lookAgain prints how long an upgrade takes beyond its own statements: every company is taken for one of an older program.
func (p *place) lookAgain(companies int64) {
	p.exec("update shared.company set schema_version = 0")
	start, before := time.Now(), ownTime()+p.databaseTime()
	if err := p.db.Migrate(p.Context(), slog.New(slog.DiscardHandler)); err != nil {
		p.Fatal(err)
	}
	fmt.Printf("%-58s %v, %v of processor time, four at a time\n", fmt.Sprintf("an upgrade that changes nothing in %d companies", companies),
		time.Since(start).Round(time.Millisecond), (ownTime() + p.databaseTime() - before).Round(time.Millisecond))
}

// memory is what the heap of the program needs.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// backends prints what PostgreSQL's processes keep for the server's connections, beyond what they share.
func (p *place) backends() {
	pids := p.processes("usename = $1", central.LoginRole("prueba"))
	var kib int
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // not ours to look at
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[0], "Private_") {
				n, _ := strconv.Atoi(fields[1])
				kib += n
			}
		}
	}
	fmt.Printf("%-58s %d connections, %d MiB of their own\n", "PostgreSQL after that", len(pids), kib>>10)
}
