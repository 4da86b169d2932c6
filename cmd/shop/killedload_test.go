package shop

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mostrador/central/api"
	"mostrador/central/centraltest"
	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale/saletest"
)

// childDir has this test program be a till in that folder, which sells until it is killed.
const childDir = "MOSTRADOR_LOAD_DIR"

// child starts a till as in life and sells, a line for each sale: its folio, and how many milliseconds after the start.
func child(dir string) error {
	began := time.Now()
	s, err := Open(Options{Dir: dir, Keys: "archivo", Now: func() time.Time { return centraltest.Start }, News: func(Fresh) {}})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	for tick := time.Tick(50 * time.Millisecond); ; <-tick {
		r, err := sell(s)
		if err != nil {
			return err
		}
		fmt.Println(r.Key.Folio, time.Since(began).Milliseconds())
	}
}

// tillProcess is a process of this program, and what it acknowledged.
type tillProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	said  sync.WaitGroup
	sold  []dte.Folio
	first int64         // milliseconds until the first sale
	sells chan struct{} // closed with the first sale, or the end
	words strings.Builder
}

func startTill(t *testing.T, dir string) *tillProcess {
	t.Helper()
	p := &tillProcess{t: t, cmd: exec.Command(os.Args[0]), sells: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childDir+"="+dir)
	p.cmd.Stderr = &p.words
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	p.said.Go(func() {
		var once sync.Once
		defer once.Do(func() { close(p.sells) })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var folio dte.Folio
			var at int64
			if _, err := fmt.Sscan(lines.Text(), &folio, &at); err != nil {
				continue // cut in the middle
			}
			if p.sold = append(p.sold, folio); len(p.sold) == 1 {
				p.first = at
				once.Do(func() { close(p.sells) })
			}
		}
	})
	return p
}

// dies waits for its end, which must be the kill's.
func (p *tillProcess) dies() {
	p.t.Helper()
	p.said.Wait()
	if err := p.cmd.Wait(); err == nil || p.words.Len() > 0 {
		p.t.Fatalf("the till ended by itself: %v %s", err, p.words.String())
	}
}

// A till that loses power again and again while it takes the catalogue for the first time goes on from where it was, and sells
// from its start; nothing that it acknowledged is lost.
func TestKilledInTheFirstLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a large catalogue, and many starts")
	}
	many, kills := 60_000, 3
	if number(worldsVar, 0) > 0 {
		many, kills = 100_000, 5 // make chaos
	}
	pages := many/api.MostNews + 1
	v := newServed(t)
	v.fill(many)
	v.exec("analyze product")
	o := v.branch()
	s := opened(t, o)
	_, err := s.ImportCAF(saletest.CAF(dte.Boleta, 1, 5000, dte.DateOf(s.opt.Now())))
	must(t, err)
	v.joins(s, "Caja 1", v.url)
	must(t, s.Close())

	var mu sync.Mutex
	var cursors []string // as they were asked for
	left := 0            // pages until the kill; no more come before it
	var kill func()
	v.between(func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/pull") {
			on.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			return
		}
		on.ServeHTTP(w, r)
		cursors = append(cursors, r.URL.Query().Get("cursor"))
		if left--; left == 0 {
			time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, kill)
		}
	})
	var acknowledged []dte.Folio
	for round := range kills {
		mu.Lock()
		asked := len(cursors)
		p := startTill(t, o.Dir)
		left, kill = 2+rand.IntN(2), func() {
			<-p.sells
			_ = p.cmd.Process.Kill()
		}
		mu.Unlock()
		p.dies()
		mu.Lock()
		if now := cursors[asked:]; asked > 0 && slices.Contains(cursors[:asked-1], now[0]) {
			t.Errorf("round %d: it went back to %q after %q", round, now[0], cursors[:asked])
		}
		t.Logf("round %d: %d pages so far, %d sales, the first after %d ms", round, len(cursors), len(p.sold), p.first)
		mu.Unlock()
		if len(p.sold) == 0 {
			t.Errorf("round %d: nothing was sold while it loaded", round)
		}
		acknowledged = append(acknowledged, p.sold...)
	}
	mu.Lock()
	left = -1
	mu.Unlock()
	s = opened(t, o)
	if got := len(costs(t, s)); got >= many {
		t.Fatalf("all %d products were there before the last start: nobody was killed in a load", got)
	}
	sells(t, s)
	v.settles(s)
	mu.Lock()
	if len(cursors) > pages+kills+1 {
		t.Errorf("%d pages were asked for, of %d", len(cursors), pages)
	}
	mu.Unlock()
	if got := costs(t, s); len(got) != many+1 || got["N1"] != money.PerUnit(120) {
		t.Errorf("%d products, N1 costs %s", len(got), got["N1"])
	}
	for _, folio := range acknowledged {
		if _, _, err := s.Store.DocumentState(dte.Key{Emisor: s.Info.Emisor.RUT, Tipo: dte.Boleta, Folio: folio}); err != nil {
			t.Errorf("folio %d was acknowledged: %v", folio, err)
		}
	}
	v.between(nil)
	v.agree(s)
	v.quiet()
	healthy(t, s)
}
