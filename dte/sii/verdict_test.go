package sii_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
)

var update = flag.Bool("update", false, "write testdata/veredictos.txt anew")

// sample is an answer of the SII from the reference data, with the status that it comes with.
type sample struct {
	name   string
	status int
	body   []byte
}

func samples(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "sii", "respuestas", "*.*"))
	if err != nil || len(files) == 0 {
		t.Skip("the shared reference data are not here")
	}
	var all []sample
	for _, file := range files {
		s := sample{name: filepath.Base(file), status: http.StatusOK}
		if s.body, err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(s.name, "rest-%d", &s.status); err != nil {
			s.status = http.StatusOK
		}
		all = append(all, s)
	}
	return all
}

// asked is what is put to the authority about a document in a state, and what the answer makes of the document.
type asked func(t *testing.T, c *sii.Client, ch sii.Channel, doc *dte.Document) (next dte.State, answer string, err error)

// questions are what a worker does with a document in each state; in a final one nothing.
var questions = map[dte.State]asked{
	dte.Issued: sendIt, dte.Enveloped: sendIt, dte.Sending: sendIt,
	dte.Unknown: askDocument, dte.Sent: askEnvelope,
}

func sendIt(t *testing.T, c *sii.Client, ch sii.Channel, _ *dte.Document) (dte.State, string, error) {
	receipt, err := c.Upload(t.Context(), ch, dtetest.Company, "a", []byte("<x/>"))
	e, _ := errors.AsType[*sii.Error](err)
	switch {
	case err == nil && receipt.Already:
		return dte.Sent, "already " + receipt.TrackID, nil
	case err == nil:
		return dte.Sent, "trackid " + receipt.TrackID, nil
	case e.MaybeReceived:
		return dte.Unknown, "", err
	}
	return dte.Enveloped, "", err // nothing arrived: the same bytes again
}

func askDocument(t *testing.T, c *sii.Client, _ sii.Channel, doc *dte.Document) (dte.State, string, error) {
	status, err := c.DocumentStatus(t.Context(), doc)
	switch {
	case err != nil:
		return dte.Unknown, "", err
	case !status.Found:
		return dte.Enveloped, "not received, " + status.Codigo, nil
	}
	return status.State, "received, " + status.Codigo, nil
}

// askEnvelope never accepts: the counts and details decide, and they are the worker's to read.
func askEnvelope(t *testing.T, c *sii.Client, ch sii.Channel, _ *dte.Document) (dte.State, string, error) {
	status, err := c.EnvelopeStatus(t.Context(), ch, dtetest.Company, "1")
	if err != nil {
		return dte.Sent, "", err
	}
	answer := string(status.Phase) + ", " + status.Estado
	for _, n := range status.Counts {
		answer += fmt.Sprintf(", T%d %d=%d+%d+%d", n.Tipo, n.Informados, n.Aceptados, n.Rechazados, n.Reparos)
	}
	for _, d := range status.Details {
		answer += fmt.Sprintf(", T%dF%d %s %s", d.Tipo, d.Folio, d.State, d.Codigo)
	}
	if status.Phase == sii.Rejected {
		return dte.Rejected, answer, nil
	}
	return dte.Sent, answer, nil
}

func logIn(t *testing.T, c *sii.Client, ch sii.Channel, _ *dte.Document) (dte.State, string, error) {
	_, err := c.EnvelopeStatus(t.Context(), ch, dtetest.Company, "1")
	return "", "", err
}

func verdictLine(next dte.State, answer string, err error) string {
	line := string(sii.VerdictOf(err))
	if e, ok := errors.AsType[*sii.Error](err); ok {
		line += " " + e.Code
		if e.Down {
			line += ", down"
		}
		if e.MaybeReceived {
			line += ", maybe received"
		}
		if e.RetryAfter > 0 {
			line += fmt.Sprintf(", after %s", e.RetryAfter)
		}
	} else if answer != "" {
		line += " (" + answer + ")"
	}
	if next != "" {
		line += " -> " + string(next)
	}
	return line
}

// TestEveryAnswerInEveryState gives every answer of the reference data, wherever it belongs, to a document in every
// state, on both channels: each is one verdict, and the life of a document allows what it makes of it. The table is
// testdata/veredictos.txt; look at every difference.
func TestEveryAnswerInEveryState(t *testing.T) {
	all := samples(t)
	w := newWorld(t)
	var answer atomic.Pointer[sample]
	play := func(rw http.ResponseWriter, _ *http.Request) {
		s := answer.Load()
		if s.status != http.StatusOK {
			rw.WriteHeader(s.status)
		}
		_, _ = rw.Write(s.body)
	}
	everything := httptest.NewServer(http.HandlerFunc(play)) // the login too
	t.Cleanup(everything.Close)

	var table strings.Builder
	channels(t, func(t *testing.T, ch sii.Channel, tipo dte.TipoDTE) {
		doc := dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 2)
		loggedIn := w.fake(t, ch, play)
		for _, s := range all {
			answer.Store(&s)
			ask := func(state string, ask asked, client *sii.Client) (dte.State, string) {
				next, told, err := ask(t, client, ch, doc)
				e, ours := errors.AsType[*sii.Error](err)
				if err != nil && (!ours || e.Code == "" || e.Message == "" || !slices.Contains([]sii.Verdict{sii.Already, sii.Later, sii.Person}, e.Verdict)) {
					t.Errorf("%s, %s: not a verdict: %#v", s.name, state, err)
				}
				if e != nil && e.MaybeReceived && next != dte.Unknown {
					t.Errorf("%s, %s: a question leaves no doubt", s.name, state)
				}
				return next, verdictLine(next, told, err)
			}
			// States with the same fate share a line.
			group, fate := "", ""
			line := func(state, its string) {
				if its == fate {
					group += " " + state
					return
				}
				if fate != "" {
					fmt.Fprintf(&table, "%s, %s, %s: %s\n", s.name, ch, group, fate)
				}
				group, fate = state, its
			}
			_, its := ask("login", logIn, w.newClient(everything.URL))
			line("login", its)
			for _, state := range dte.States() {
				if questions[state] == nil {
					continue
				}
				next, its := ask(string(state), questions[state], loggedIn)
				line(string(state), its)
				from := state
				if from == dte.Issued || from == dte.Enveloped {
					from = dte.Sending // it was on its way when the answer came
				}
				if next != from && !from.CanBecome(next) {
					t.Errorf("%s: from %s to %s", s.name, from, next)
				}
			}
			line("", "end")
		}
	})
	for _, state := range dte.States() {
		if questions[state] != nil {
			continue
		}
		for _, next := range dte.States() { // whatever is answered, it is too late
			if !state.Final() || state.CanBecome(next) {
				t.Errorf("%s can become %s", state, next)
			}
		}
	}
	golden := filepath.Join("testdata", "veredictos.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(want), "\n")
	for line := range strings.SplitSeq(table.String(), "\n") {
		if !slices.Contains(known, line) {
			t.Errorf("new: %s", line)
		}
	}
	if strings.Count(table.String(), "\n") != len(known)-1 {
		t.Errorf("%d lines, the table has %d", strings.Count(table.String(), "\n"), len(known)-1)
	}
}
