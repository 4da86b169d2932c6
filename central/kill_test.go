package central_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
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

// drainVar has the test program do one turn instead of its tests, as a server that is about to be killed. It names the
// database (twice), the simulator and the company.
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
	_, err = db.Drain(context.Background(), company)
	return err
}

// A server that is killed in the middle of an upload leaves a question, whether the envelope arrived or not; who comes next
// asks it, and every document arrives once.
func TestAServerKilledInTheMiddleOfAnUpload(t *testing.T) {
	for name, fault := range map[string]siisim.Fault{"the envelope arrived": siisim.SilenceAfter, "it did not": siisim.ResetBefore} {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t)
			sold := s.sell(3)
			s.clock.Advance(time.Hour) // to the other server's time
			arrived, killed := make(chan struct{}), make(chan struct{})
			s.sim.SetFault(func(r *http.Request) siisim.Fault {
				if !isUpload(r) {
					return siisim.NoFault
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				close(arrived)
				<-killed
				return fault
			})
			server := exec.CommandContext(t.Context(), os.Args[0])
			server.Env = append(os.Environ(), drainVar+"="+strings.Join([]string{
				s.db.URL, s.db.AdminURL, s.db.Prefix, s.sim.Endpoints().DTE, fmt.Sprint(s.company.ID),
			}, "\n"))
			var said bytes.Buffer
			server.Stdout, server.Stderr = &said, &said
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- server.Wait() }()
			select {
			case <-arrived:
			case err := <-ended:
				t.Fatalf("it sent nothing: %v %s", err, said.String())
			}
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
			close(killed)
			s.sim.SetFault(nil)

			if got := s.sale(sold[0].ID); got.State != dte.Sending {
				t.Errorf("it left %s", got.State)
			}
			if _, err := s.db.Drain(t.Context(), s.company.ID); !errors.Is(err, central.ErrBusy) {
				t.Errorf("who comes too early: %v", err)
			}
			s.clock.Advance(central.LeaseTime)
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
