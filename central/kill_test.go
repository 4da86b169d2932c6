package central_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/practice"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
)

// drainVar has the test program do one turn instead of its tests, or jobs without end, as a server that is about to be killed.
// It names the database (twice), the simulator and the company; none for jobs.
const drainVar = "MOSTRADOR_DRAIN"

// elsewhere is a simulator that another process runs.
type elsewhere struct {
	practice.Practice
	url string
}

func (e *elsewhere) Endpoints() sii.Endpoints { return sii.Single(e.url) }

// drainOnce is that server.
func drainOnce(orders string) error {
	words := strings.Split(orders, "\n")
	company, err := strconv.ParseInt(words[4], 10, 64)
	if err != nil {
		return err
	}
	db, err := central.Open(context.Background(), central.Config{
		URL: words[0], AdminURL: words[1], Prefix: words[2], Practice: &elsewhere{url: words[3]}, Training: dtetest.Trust(),
		Keys: centraltest.Keys(), Rand: rand.Reader, Now: func() time.Time { return centraltest.Start.Add(time.Hour) },
	})
	if err != nil {
		return err
	}
	defer db.Close()
	if company == 0 {
		if _, err := db.Work(context.Background(), slog.New(slog.DiscardHandler), 4); err != nil {
			return err
		}
		select {}
	}
	_, err = db.Drain(context.Background(), company)
	return err
}

// victim is a server in another process, doing what the orders say, until it is killed in the middle of its first upload.
// What becomes of that upload is the fault.
func (s *school) victim(company int64, fault siisim.Fault, meanwhile func()) {
	s.t.Helper()
	arrived, killed := make(chan struct{}), make(chan struct{})
	s.sim.SetFault(func(r *http.Request) siisim.Fault {
		if !isUpload(r) {
			return siisim.NoFault
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		close(arrived)
		<-killed
		return fault
	})
	server := exec.CommandContext(s.t.Context(), os.Args[0])
	server.Env = append(os.Environ(), drainVar+"="+strings.Join([]string{
		s.db.URL, s.db.AdminURL, s.db.Prefix, s.sim.Endpoints().DTE, fmt.Sprint(company),
	}, "\n"))
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	select {
	case <-arrived:
	case err := <-ended:
		s.t.Fatalf("it sent nothing: %v %s", err, said.String())
	}
	meanwhile()
	if err := server.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	<-ended
	close(killed)
	s.sim.SetFault(nil)
}

// await asks again and again, until it is so or a time has passed that only a machine out of breath needs.
func await(t testing.TB, what string, patience time.Duration, so func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	giveUp := time.After(patience)
	for !so() {
		select {
		case <-look.C:
		case <-giveUp:
			t.Fatalf("after %v still not %s", patience, what)
		}
	}
}

// A server that is killed in the middle of an upload leaves a question, whether the envelope arrived or not. While it lives
// nobody takes its place; once it is dead somebody does at once, asks, and every document arrives once.
func TestAServerKilledInTheMiddleOfAnUpload(t *testing.T) {
	for name, fault := range map[string]siisim.Fault{"the envelope arrived": siisim.SilenceAfter, "it did not": siisim.ResetBefore} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			sold := s.sell(3)
			s.clock.Advance(time.Hour) // to the other server's time
			s.victim(s.company.ID, fault, func() {
				if _, err := s.db.Drain(t.Context(), s.company.ID); !errors.Is(err, central.ErrBusy) {
					t.Errorf("beside a living server: %v", err)
				}
			})
			if got := s.sale(sold[0].ID); got.State != dte.Sending {
				t.Errorf("it left %s", got.State)
			}
			await(t, "taken over", 30*time.Second, func() bool {
				_, err := s.db.Drain(t.Context(), s.company.ID)
				if err != nil && !errors.Is(err, central.ErrBusy) {
					t.Error(err)
				}
				return err == nil
			})
			s.settle()
			for _, sale := range sold {
				if got := s.sale(sale.ID); got.State != dte.Accepted {
					t.Errorf("%d is %s", sale.Folio, got.State)
				}
			}
			s.once(3)
		})
	}
}

// The jobs of a server that was killed are done by another one within seconds: without the pulse it would take the six minutes
// after which River believes that a job is lost.
func TestJobsOfAKilledServer(t *testing.T) {
	s := newSchool(t)
	sold := s.sell(3)
	s.clock.Advance(time.Hour)
	s.victim(0, siisim.ResetBefore, func() {})
	stop, err := s.db.Work(t.Context(), slog.New(slog.NewTextHandler(&lines{t: t}, &slog.HandlerOptions{Level: slog.LevelWarn})), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	await(t, "taken over", 2*time.Minute, func() bool { return s.sale(sold[0].ID).State != dte.Sending })
}
