package bench_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/tills"
	"mostrador/dte"
)

// Tills that have nothing to tell, each on a connection of its own, for a minute: each asks once, as tills do.
func BenchmarkIdleTills(b *testing.B) {
	p := open(b)
	front := door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: p.clock.Now})
	listening := httptest.NewUnstartedServer(nil)
	listening.Config = front.HTTP(tills.New(tills.Config{DB: p.db, Door: front}))
	listening.Start()
	b.Cleanup(listening.Close)
	p.upload("/folios/upload", centraltest.CAF(rut, dte.Boleta, 1, 2_000_000), "")
	many := setting("MOSTRADOR_TILLS", 1000)
	idle := make([]*idler, many)
	for i := range idle {
		idle[i] = p.idler(i, listening.URL)
	}
	p.exec("analyze")

	minute := time.Minute
	before, program, database, start := load(), ownTime(), p.databaseTime(), time.Now()
	took := make([]time.Duration, many)
	var wg sync.WaitGroup
	for i, t := range idle {
		<-time.After(time.Until(start.Add(minute * time.Duration(i) / time.Duration(many))))
		wg.Go(func() {
			begun := time.Now()
			t.sync()
			took[i] = time.Since(begun)
		})
	}
	wg.Wait()
	<-time.After(time.Until(start.Add(minute)))
	program, database, passed := ownTime()-program, p.databaseTime()-database, time.Since(start)
	slices.Sort(took)
	share := int64(1000 * (program + database) / passed)
	fmt.Printf("%-58s %d.%d %% of one core (goal 10 %%: %s); load before %s, after %s\n", fmt.Sprintf("%d idle tills, each asking once a minute", many), share/10, share%10,
		map[bool]string{true: "met", false: "MISSED"}[share <= 100], before, load())
	fmt.Printf("%-58s server and tills %v, PostgreSQL %v; p50 %v, p99 %v\n", "processor time of a poll", (program / time.Duration(many)).Round(10*time.Microsecond),
		(database / time.Duration(many)).Round(10*time.Microsecond), took[many/2].Round(100*time.Microsecond), took[many*99/100].Round(100*time.Microsecond))
	b.ReportMetric(float64(share)/10, "%core")
}

// idler is a till that is up to date.
type idler struct {
	*place
	client *api.Client
	report api.Report
}

func (p *place) idler(n int, url string) *idler {
	p.Helper()
	t := &idler{place: p, report: api.Report{
		Protocol: api.Protocol, Version: "prueba", Now: p.clock.Now(), Folios: api.Folios{Wants: []dte.TipoDTE{dte.Boleta}},
		Health: api.Health{Folios: []api.FolioDays{{Tipo: dte.Boleta, Left: 40}}},
	}}
	var err error
	if t.client, err = api.NewClient(api.ClientConfig{URL: url, Token: p.pusher(n).token, Version: "prueba"}); err != nil {
		p.Fatal(err)
	}
	for _, l := range t.sync().Folios.Leases {
		t.report.Folios.Used = append(t.report.Folios.Used, api.Mark{Lease: l.ID, Used: l.Desde - 1})
	}
	news, err := t.client.Pull(p.Context(), "")
	if err != nil {
		p.Fatal(err)
	}
	t.report.Cursor = news.Cursor
	return t
}

func (t *idler) sync() api.Answer {
	a, err := t.client.Sync(t.Context(), t.report)
	if err != nil || a.Hold != "" {
		t.Errorf("%+v %v", a, err)
	}
	return a
}
