package siisim_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/dte/sii"
	"mostrador/dte/sii/siisim"
)

// stage is an authority that plays a scenario, a real client on a real socket, and one clock for both.
type stage struct {
	*siisim.Sim
	client *sii.Client
	url    string
	clock  atomic.Int64
	// pause stands for the passing of time between the pieces of an answer.
	pause atomic.Pointer[func(context.Context, time.Duration)]
	// frozen are the envelopes, made once each: what is sent again is the same bytes.
	frozen map[dte.Key][]byte
}

func (s *stage) envelope(docs ...*dte.Document) []byte {
	if s.frozen[docs[0].Key()] == nil {
		s.frozen[docs[0].Key()] = dtetest.Envelope(docs...)
	}
	return s.frozen[docs[0].Key()]
}

func (s *stage) now() time.Time          { return time.Unix(0, s.clock.Load()).In(dte.Santiago) }
func (s *stage) advance(d time.Duration) { s.clock.Add(int64(d)) }

func newStage(t *testing.T, scenario siisim.Scenario, configure ...func(*siisim.Config)) *stage {
	t.Helper()
	s := &stage{frozen: map[dte.Key][]byte{}}
	s.clock.Store(dtetest.Now().UnixNano())
	cfg := siisim.Config{
		Authority: dtetest.Authority(), Now: s.now, Scenario: scenario,
		Pause: func(ctx context.Context, d time.Duration) {
			if pause := s.pause.Load(); pause != nil {
				(*pause)(ctx, d)
			}
		},
	}
	for _, f := range configure {
		f(&cfg)
	}
	var err error
	if s.Sim, err = siisim.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var stop func()
	if s.url, stop, err = s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	// Without kept connections the transport never repeats a request by itself.
	transport := &http.Transport{DisableKeepAlives: true}
	s.client = sii.New(sii.Config{
		Endpoints: sii.Single(s.url), Signer: dtetest.Signer(dtetest.Person), Now: s.now, HTTP: &http.Client{Transport: transport},
	})
	return s
}

func (s *stage) upload(t *testing.T, docs ...*dte.Document) (sii.Receipt, error) {
	t.Helper()
	return s.client.Upload(t.Context(), sii.ChannelOf(docs[0].Tipo), dtetest.Company, "S1", s.envelope(docs...))
}

// each runs a test on both channels; named scenarios begin with the stage.
func each(t *testing.T, scenario siisim.Scenario, test func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document)) {
	t.Helper()
	for _, tipo := range []dte.TipoDTE{dte.Factura, dte.Boleta} {
		t.Run(tipo.String(), func(t *testing.T) {
			test(t, newStage(t, scenario), sii.ChannelOf(tipo), dtetest.Emit(dtetest.Draft(tipo, dtetest.Today()), 7))
		})
	}
}

func fault(t *testing.T, err error) *sii.Error {
	t.Helper()
	e, ok := errors.AsType[*sii.Error](err)
	if !ok {
		t.Fatalf("got %v, want an error of the client's", err)
	}
	return e
}

// goesThrough sends a document and follows it to its acceptance.
func (s *stage) goesThrough(t *testing.T, ch sii.Channel, doc *dte.Document) sii.EnvelopeStatus {
	t.Helper()
	receipt, err := s.upload(t, doc)
	if err != nil || receipt.Already {
		t.Fatalf("upload: %+v, %v", receipt, err)
	}
	status, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
	if err != nil || status.Phase != sii.Processed || status.Total().Aceptados != 1 {
		t.Fatalf("envelope: %+v, %v", status, err)
	}
	found, err := s.client.DocumentStatus(t.Context(), doc)
	if err != nil || found.State != dte.Accepted {
		t.Fatalf("document: %+v, %v", found, err)
	}
	return status
}

// once demands that the authority holds exactly these bytes, once.
func (s *stage) once(t *testing.T, doc *dte.Document) {
	t.Helper()
	envelopes := s.Envelopes()
	if len(envelopes) != 1 {
		t.Fatalf("%d envelopes", len(envelopes))
	}
	xml, kept := s.Received(envelopes[0].TrackID)
	if !kept || !bytes.Equal(xml, s.envelope(doc)) {
		t.Error("it is not what was sent")
	}
}

// received uploads that fail and leave a doubt, and then shows what the authority made of them.
func doubts(t *testing.T, s *stage, doc *dte.Document, n int, down, received bool) {
	t.Helper()
	for i := range n {
		_, err := s.upload(t, doc)
		if e := fault(t, err); e.Verdict != sii.Later || !e.MaybeReceived || e.Down != down {
			t.Fatalf("upload %d: %+v", i+1, e)
		}
	}
	found, err := s.client.DocumentStatus(t.Context(), doc)
	if err != nil || found.Found != received {
		t.Fatalf("document: %+v, %v", found, err)
	}
	again, err := s.upload(t, doc)
	if err != nil || again.Already != received {
		t.Fatalf("the same bytes: %+v, %v", again, err)
	}
	s.once(t, doc)
}

// lineless makes n single requests that the line spoils, and then a sound journey.
func lineless(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document, n int, code string) {
	t.Helper()
	for i := range n {
		_, err := s.upload(t, doc)
		if e := fault(t, err); e.Code != code || !e.Down || e.Verdict != sii.Later || e.MaybeReceived {
			t.Fatalf("request %d: %+v", i+1, e)
		}
	}
	s.goesThrough(t, ch, doc)
}

type act func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document)

var acts = map[string]act{
	"normal": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		s.goesThrough(t, ch, doc)
		s.once(t, doc)
	},
	"silence":     func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) { doubts(t, s, doc, 3, true, true) },
	"error-after": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) { doubts(t, s, doc, 3, false, true) },
	"html-200":    func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) { lineless(t, s, ch, doc, 10, "portal") },
	"redirect":    func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) { lineless(t, s, ch, doc, 10, "portal") },
	"unavailable": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) { lineless(t, s, ch, doc, 10, "503") },
	"reset": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		cut := 0
		for {
			receipt, err := s.upload(t, doc)
			if err == nil {
				if receipt.Already || cut == 0 || cut > 3 {
					t.Errorf("after %d cuts: %+v", cut, receipt)
				}
				break
			}
			if e := fault(t, err); !e.Down || e.Code != "red" {
				t.Fatalf("%+v", e)
			}
			cut++
		}
		s.once(t, doc)
	},
	"cut-sweep":  sweep,
	"trim-sweep": sweep,
	"cut-questions": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		receipt, err := s.upload(t, doc)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			_, envelopeErr := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
			_, documentErr := s.client.DocumentStatus(t.Context(), doc)
			for _, err := range []error{envelopeErr, documentErr} {
				if cut := i%2 == 0; (err != nil) != cut || cut && fault(t, err).MaybeReceived {
					t.Errorf("question %d: %v", i+1, err)
				}
			}
		}
	},
	"drip": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		var waited atomic.Int64
		count := func(_ context.Context, d time.Duration) { waited.Add(int64(d)) }
		s.pause.Store(&count)
		if receipt, err := s.upload(t, doc); err != nil || receipt.TrackID == "" {
			t.Fatalf("%+v, %v", receipt, err)
		}
		if d := time.Duration(waited.Load()); d < time.Second || d > time.Minute {
			t.Errorf("it took %s", d)
		}
		// Who loses patience leaves a doubt behind and no handler.
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		var once sync.Once
		hang := func(r context.Context, _ time.Duration) {
			once.Do(func() { cancel(); <-r.Done(); close(gone) })
		}
		s.pause.Store(&hang)
		_, err := s.client.Upload(ctx, sii.ChannelOf(doc.Tipo), dtetest.Company, "S1", s.envelope(doc))
		if e := fault(t, err); !e.MaybeReceived || !e.Down {
			t.Errorf("%+v", e)
		}
		<-gone
		s.pause.Store(nil)
		if again, err := s.upload(t, doc); err != nil || !again.Already {
			t.Errorf("%+v, %v", again, err)
		}
		s.once(t, doc)
	},
	"late": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		_, err := s.upload(t, doc)
		if e := fault(t, err); !e.Down || !e.MaybeReceived {
			t.Fatalf("%+v", e)
		}
		sent := s.now()
		found := func() bool {
			t.Helper()
			status, err := s.client.DocumentStatus(t.Context(), doc)
			if err != nil {
				t.Fatal(err)
			}
			return status.Found
		}
		if s.advance(10*time.Minute - 1); found() || s.Standing().Late != 1 {
			t.Error("it came early")
		}
		s.advance(time.Hour)
		if !found() || s.Standing().Late != 0 {
			t.Error("it never came")
		}
		if at := s.Envelopes()[0].At; !at.Equal(sent.Add(10 * time.Minute)) {
			t.Errorf("it came at %s, sent %s", at, sent)
		}
		s.once(t, doc)
	},
	"twice": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		receipt, err := s.upload(t, doc)
		if err != nil || !receipt.Already || !sii.SameTrackID(receipt.TrackID, s.Envelopes()[0].TrackID) || receipt.RetryAfter != 900*time.Second {
			t.Fatalf("%+v, %v", receipt, err)
		}
		if n := s.Envelopes()[0].Times; n != 2 {
			t.Errorf("it came %d times", n)
		}
		s.once(t, doc)
	},
	"expire-token": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		for folio := range dte.Folio(7) {
			other := dtetest.Emit(dtetest.Draft(doc.Tipo, dtetest.Today()), folio+1)
			if receipt, err := s.upload(t, other); err != nil || receipt.Already {
				t.Fatalf("%d: %+v, %v", folio, receipt, err)
			}
		}
		if st := s.Standing(); st.Misled < 3 || len(s.Documents()) != 7 {
			t.Errorf("%+v, %d documents", st, len(s.Documents()))
		}
	},
	"latin1-as-utf8": accented,
	"utf8-as-latin1": accented,
	"swap":           func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) { s.goesThrough(t, ch, doc) },
	"trackid-type":   func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) { s.goesThrough(t, ch, doc) },
	"without-notes": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		if ch == sii.ChannelBoleta {
			return // no notes there
		}
		receipt, err := s.upload(t, doc, dtetest.Emit(dtetest.Note(dte.NotaCredito, doc, dtetest.Today()), 1))
		if err != nil {
			t.Fatal(err)
		}
		status, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
		if err != nil || !slices.Equal(status.Counts, []sii.Count{{Tipo: dte.Factura, Informados: 1, Aceptados: 1}}) {
			t.Errorf("%+v, %v", status, err)
		}
	},
	"stuck": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		receipt, err := s.upload(t, doc)
		if err != nil {
			t.Fatal(err)
		}
		status := func() string {
			t.Helper()
			envelope, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
			document, docErr := s.client.DocumentStatus(t.Context(), doc)
			if err = errors.Join(err, docErr); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(envelope.Phase, " ", envelope.Estado, " ", document.State)
		}
		for range 6 {
			if got := status(); got != "in progress CRT sent" {
				t.Error(got)
			}
			s.advance(time.Hour - 1)
		}
		s.advance(6)
		if got := status(); got != "processed EPR accepted" {
			t.Error(got)
		}
	},
	"outage": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		for range 3 {
			lineDown(t, s, doc)
			s.advance(24*time.Hour - 1)
		}
		lineDown(t, s, doc)
		s.advance(3)
		s.goesThrough(t, ch, doc)
	},
	"skew": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		s.goesThrough(t, ch, doc)
		if skew, known := s.client.Skew(); !known || skew < 17*time.Minute-2*time.Second || skew > 17*time.Minute+2*time.Second {
			t.Errorf("%s, %v", skew, known)
		}
	},
	"too-many": func(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
		_, err := s.upload(t, doc)
		if e := fault(t, err); e.Code != "429" || e.RetryAfter != 15*time.Minute || e.Down || e.MaybeReceived {
			t.Fatalf("%+v", e)
		}
		if _, err := s.upload(t, doc); err != nil { // the three that follow
			t.Fatal(err)
		}
	},
	"rate-limit": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		status := s.goesThrough(t, ch, doc)
		found, err := s.client.DocumentStatus(t.Context(), doc)
		if err != nil || status.RetryAfter != 5*time.Minute || found.RetryAfter != 5*time.Minute {
			t.Errorf("%+v, %+v, %v", status, found, err)
		}
	},
	"not-authorised": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		_, err := s.upload(t, doc)
		code := map[sii.Channel]string{sii.ChannelDTE: "html", sii.ChannelBoleta: "403"}[ch]
		if e := fault(t, err); e.Verdict != sii.Person || e.Code != code || e.MaybeReceived || e.Down || len(s.Envelopes()) != 0 {
			t.Errorf("%+v", e)
		}
	},
	// Whatever happens, who asks before sending again ends with each document once, and with its bytes.
	"chaos": func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		for folio := range dte.Folio(12) {
			deliverThroughChaos(t, s, ch, dtetest.Emit(dtetest.Draft(doc.Tipo, dtetest.Today()), folio+1))
		}
		s.Deliver()
		if st := s.Standing(); st.Misled < 5 || len(s.Documents()) != 12 {
			t.Errorf("%d documents, %+v", len(s.Documents()), st)
		}
	},
}

// Every scenario with a name does what it says, to the real client, in both channels.
func TestScenarios(t *testing.T) {
	for _, scenario := range siisim.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			named, err := siisim.NamedScenario(scenario.Name)
			if err != nil || !reflect.DeepEqual(named, scenario) || scenario.Text == "" {
				t.Fatalf("%+v, %v", named, err)
			}
			test := acts[scenario.Name]
			if test == nil {
				t.Fatal("it is not tested")
			}
			each(t, scenario, test)
		})
	}
	if n := len(siisim.Scenarios()); n != len(acts) {
		t.Errorf("%d scenarios, %d tests", n, len(acts))
	}
}

// sweep walks through all cuts of the answer to an upload: none of them is taken for a receipt.
func sweep(t *testing.T, s *stage, _ sii.Channel, doc *dte.Document) {
	for cut := 0; ; cut++ {
		receipt, err := s.upload(t, doc)
		if err == nil {
			if !receipt.Already || !sii.SameTrackID(receipt.TrackID, s.Envelopes()[0].TrackID) || cut < 50 {
				t.Fatalf("cut at %d: %+v", cut, receipt)
			}
			break
		}
		// Half a sentence with status 400 is a refusal that a person looks at: it receives nothing and loses nothing.
		if e := fault(t, err); (e.Verdict == sii.Person || !e.MaybeReceived) && e.Code != "400" {
			t.Fatalf("cut at %d: %+v", cut, e)
		}
		if cut > 2000 {
			t.Fatal("it never ends")
		}
	}
	s.once(t, doc)
}

func accented(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
	receipt, err := s.upload(t, doc)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID); err != nil || ch == sii.ChannelDTE && status.Glosa != "Envío Procesado" {
		t.Errorf("%+v, %v", status, err)
	}
	late := dtetest.Today()
	late.Day -= 4
	if _, err := s.upload(t, dtetest.Emit(dtetest.Draft(doc.Tipo, late), 9)); err != nil {
		t.Fatal(err)
	}
	track := s.Envelopes()[1].TrackID
	if status, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, track); err != nil || ch == sii.ChannelBoleta && status.Details[0].Glosa != "Fecha Emisión fuera de plazo" {
		t.Errorf("%+v, %v", status, err)
	}
}

func lineDown(t *testing.T, s *stage, doc *dte.Document) {
	t.Helper()
	_, err := s.upload(t, doc)
	if e := fault(t, err); !e.Down || e.Code != "red" || e.MaybeReceived {
		t.Fatalf("%+v", e)
	}
}

// deliverThroughChaos does what a careful sender does: it asks when in doubt, and sends the same bytes again otherwise.
func deliverThroughChaos(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
	t.Helper()
	doubt := false
	for range 200 {
		s.advance(time.Minute)
		if doubt {
			found, err := s.client.DocumentStatus(t.Context(), doc)
			if err != nil {
				continue
			}
			if found.Found {
				return
			}
		}
		receipt, err := s.upload(t, doc)
		if err == nil {
			if receipt.TrackID == "" {
				t.Fatalf("%+v", receipt)
			}
			return
		}
		e := fault(t, err)
		if e.Verdict == sii.Person {
			t.Fatalf("a line that is bad needs no person: %+v", e)
		}
		doubt = e.MaybeReceived
	}
	t.Fatal("it never arrives")
}

// The same seed has the same luck, another seed another one.
func TestScenarioIsDeterministic(t *testing.T) {
	fates := func(seed uint64) string {
		scenario, err := siisim.NamedScenario("chaos")
		if err != nil {
			t.Fatal(err)
		}
		scenario.Seed = seed
		s := newStage(t, scenario)
		var b strings.Builder
		doc := dtetest.Emit(dtetest.Draft(dte.Boleta, dtetest.Today()), 7)
		for range 150 {
			if _, err := s.client.DocumentStatus(t.Context(), doc); err != nil {
				b.WriteString(fault(t, err).Code + " ")
			} else {
				b.WriteString(". ")
			}
		}
		return b.String()
	}
	one := fates(1)
	if again := fates(1); again != one {
		t.Errorf("the same seed:\n%s\n%s", one, again)
	}
	if other := fates(2); other == one || !strings.Contains(one, "portal") || !strings.Contains(one, "429") {
		t.Errorf("two seeds:\n%s\n%s", one, other)
	}
}

// codesOfTheSII are the codes that we have words for and those of the reference table.
func codesOfTheSII(t *testing.T) []string {
	t.Helper()
	codes := siisim.ClaimCodes()
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "sii", "tablas", "errores_sii.csv"))
	if err != nil {
		t.Log("without the table of the reference data")
		return codes
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for code := range strings.SplitSeq(row[0], " / ") {
			code = strings.ReplaceAll(code, "LSX-00xxx", "LSX-00204")
			if parts := strings.Split(code, "-"); len(parts) > 1 && !slices.Contains(codes, code) {
				codes = append(codes, code)
				t.Logf("no words for %s", code)
			}
		}
	}
	return codes
}

// Every code of the SII reaches whoever asks, as a rejection or as an objection, in both channels.
func TestEveryCode(t *testing.T) {
	claimed := 0
	for _, code := range codesOfTheSII(t) {
		for prefix, state := range map[string]dte.State{"reject:": dte.Rejected, "object:": dte.Objected} {
			scenario, err := siisim.NamedScenario(prefix + code)
			level := strings.Split(code, "-")[1]
			ofDocument := level < "4" && !strings.HasPrefix(code, "ENV") && !strings.HasPrefix(code, "CRT")
			impossible := prefix == "reject:" && level == "1" || prefix == "object:" && (level == "3" || !ofDocument)
			if (err != nil) != (impossible || len(level) == 5 && prefix == "object:") {
				t.Errorf("%s%s: %v", prefix, code, err)
			}
			if err != nil {
				continue
			}
			claimed++
			t.Run(prefix+code, func(t *testing.T) {
				each(t, scenario, func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
					claim(t, s, ch, doc, code, state, len(level) == 1 && ofDocument)
				})
			})
		}
	}
	if claimed < 35 {
		t.Errorf("only %d claims", claimed)
	}
}

func claim(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document, code string, state dte.State, ofDocument bool) {
	t.Helper()
	other := dtetest.Emit(dtetest.Draft(doc.Tipo, dtetest.Today()), 8)
	receipt, err := s.upload(t, doc, other)
	if !ofDocument && len(code) == 9 && ch == sii.ChannelDTE && code[4] == '0' {
		if e := fault(t, err); e.Code != "7" || e.Verdict != sii.Person || !strings.Contains(e.Message, code) || len(s.Envelopes()) != 0 {
			t.Errorf("%+v", e)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	status, err := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
	if err != nil {
		t.Fatal(err)
	}
	if !ofDocument {
		if e := s.Envelopes()[0]; status.Phase != sii.Rejected || e.Codigo != code || len(e.Documents) != 0 {
			t.Errorf("%+v, %+v", status, e)
		}
		return
	}
	details := status.Details
	if ch == sii.ChannelDTE { // they come by mail
		file, _ := s.ResultadoEnvio(receipt.TrackID)
		mailed, err := sii.ReadResultadoEnvio(file)
		if err != nil || !reflect.DeepEqual(mailed.Counts, status.Counts) {
			t.Fatalf("%+v, %v", mailed, err)
		}
		details = mailed.Details
	}
	want := state
	if code == sii.CodeRepeated {
		want = dte.Unknown // the earlier one counts
	}
	total := status.Total()
	if total.Aceptados != 1 || total.Informados != 2 || len(details) != 1 || details[0].Codigo != code || details[0].State != want || details[0].Glosa == "" {
		t.Errorf("%+v, details %+v", status, details)
	}
	if held, _ := s.Document(doc.Key()); held.State != state || held.Codigo != code {
		t.Errorf("the authority holds %+v", held)
	}
	if held, _ := s.Document(other.Key()); held.State != dte.Accepted {
		t.Errorf("the other document is %+v", held)
	}
}

// The refusals of the wire: none of them receives anything, and those that a new session may cure are tried once more.
func TestEveryRefusal(t *testing.T) {
	for status, want := range map[string]sii.Verdict{
		"1": sii.Person, "2": sii.Person, "3": sii.Later, "5": sii.Later, "6": sii.Person, "7": sii.Person, "8": sii.Person, "9": sii.Later, "42": sii.Later,
	} {
		scenario, err := siisim.NamedScenario("status:" + status)
		if err != nil {
			t.Fatal(err)
		}
		each(t, scenario, func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
			_, err := s.upload(t, doc)
			if e := fault(t, err); ch == sii.ChannelDTE && (e.Verdict != want || e.Code != status) || len(s.Envelopes()) != 0 {
				t.Errorf("STATUS %s: %+v", status, e)
			}
		})
	}
	for state, want := range map[string]sii.Verdict{"001": sii.Later, "002": sii.Later, "003": sii.Later, "-1": sii.Later, "-14": sii.Later, "106": sii.Person, "EMP": sii.Person} {
		scenario, err := siisim.NamedScenario("state:" + state)
		if err != nil {
			t.Fatal(err)
		}
		each(t, scenario, func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
			receipt, err := s.upload(t, doc)
			if err != nil {
				t.Fatal(err)
			}
			_, envelopeErr := s.client.EnvelopeStatus(t.Context(), ch, dtetest.Company, receipt.TrackID)
			_, documentErr := s.client.DocumentStatus(t.Context(), doc)
			for _, err := range []error{envelopeErr, documentErr} {
				if e := fault(t, err); e.Verdict != want || e.Code != state || e.MaybeReceived {
					t.Errorf("ESTADO %s: %+v", state, e)
				}
			}
		})
	}
	refused := siisim.Scenario{Name: "x", Rules: []siisim.Rule{{Phase: siisim.PhaseSeed, To: 2, Do: siisim.Refuse, Code: "-3"}, {Phase: siisim.PhaseToken, To: 1, Do: siisim.Refuse, Code: "05"}}}
	each(t, refused, func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		for i, want := range []sii.Verdict{sii.Later, sii.Later, sii.Person} {
			if _, err := s.upload(t, doc); fault(t, err).Verdict != want {
				t.Errorf("login %d: %v", i+1, err)
			}
		}
		s.goesThrough(t, ch, doc)
	})
}

// A rule takes the requests that it says and leaves the rest.
func TestRules(t *testing.T) {
	path := "/recursos/v1/boleta.electronica.semilla"
	for name, c := range map[string]struct {
		rule siisim.Rule
		want string // x: spoiled, of ten requests, one each minute
	}{
		"all":                {siisim.Rule{}, "xxxxxxxxxx"},
		"the third":          {siisim.Rule{From: 3, To: 3}, "..x......."},
		"from the eighth":    {siisim.Rule{From: 8}, ".......xxx"},
		"every fourth":       {siisim.Rule{Every: 4}, "x...x...x."},
		"every third from 2": {siisim.Rule{From: 2, Every: 3, To: 6}, ".x..x....."},
		"for three minutes":  {siisim.Rule{Until: siisim.Span(3 * time.Minute)}, "xxx......."},
		"after five":         {siisim.Rule{After: siisim.Span(5 * time.Minute), Until: siisim.Span(7 * time.Minute)}, ".....xx..."},
		"this channel":       {siisim.Rule{Channel: sii.ChannelBoleta, Phase: siisim.PhaseSeed, Path: "electronica.sem"}, "xxxxxxxxxx"},
		"the other channel":  {siisim.Rule{Channel: sii.ChannelDTE}, ".........."},
		"another phase":      {siisim.Rule{Phase: siisim.PhaseUpload}, ".........."},
		"another path":       {siisim.Rule{Path: "/DTEWS/"}, ".........."},
		"a certain share":    {siisim.Rule{Percent: 100}, "xxxxxxxxxx"},
	} {
		c.rule.Do = siisim.ErrorBefore
		s := newStage(t, siisim.Scenario{Name: name, Rules: []siisim.Rule{c.rule}})
		got := ""
		for range 10 {
			code, _ := raw(t, s.Sim, "GET", path, program, "", nil, "")
			got += map[bool]string{true: "x", false: "."}[code == 503]
			s.advance(time.Minute)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	share := newStage(t, siisim.Scenario{Name: "x", Rules: []siisim.Rule{{Percent: 30, Do: siisim.ErrorBefore}}})
	for range 1000 {
		raw(t, share.Sim, "GET", path, program, "", nil, "")
	}
	if st := share.Standing(); st.Requests != 1000 || st.Misled < 250 || st.Misled > 350 {
		t.Errorf("of %d requests %d were misled, want about 30 %%", st.Requests, st.Misled)
	}
	// The first rule that applies decides: here it spares the first two.
	spared := newStage(t, siisim.Scenario{Name: "x", Rules: []siisim.Rule{{To: 2, Do: siisim.NoFault}, {Do: siisim.ErrorBefore, Status: 504}}})
	for i, want := range []int{200, 200, 504} {
		if code, _ := raw(t, spared.Sim, "GET", path, program, "", nil, ""); code != want {
			t.Errorf("request %d: %d, want %d", i+1, code, want)
		}
	}
}

// What a scenario says survives its file, and what it cannot mean is refused with a sentence.
func TestReadScenario(t *testing.T) {
	for _, scenario := range siisim.Scenarios() {
		file, err := json.Marshal(scenario)
		if err != nil {
			t.Fatal(err)
		}
		again, err := siisim.ReadScenario(file)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(scenario) {
			t.Errorf("%s: %+v, %v", file, again, err)
		}
	}
	full := `{"name":"mío","text":"t","seed":7,"rules":[{"channel":"boleta","phase":"upload","path":"envio","after":"1m","until":"2h","from":2,"to":9,
		"every":2,"percent":50,"do":"late","wait":"10m","skew":"-3s"},{"do":"reject","code":"CAF-3-517","documents":1},{"do":"cut","byte":-1,"sweep":true}]}`
	if s, err := siisim.ReadScenario([]byte(full)); err != nil || s.Rules[0].Wait != siisim.Span(10*time.Minute) || s.Rules[1].Do != siisim.Reject {
		t.Errorf("%+v, %v", s, err)
	}
	for _, rule := range []string{
		`{"do":"explode"}`, `{"do":"reset","when":"now"}`, `{"do":"reset","channel":"paloma"}`, `{"do":"reset","phase":"luna"}`, `{"do":"reset","from":-1}`,
		`{"do":"reset","from":3,"to":2}`, `{"do":"reset","until":"1m","after":"1m"}`, `{"do":"reset","percent":101}`, `{"do":"error","status":200}`,
		`{"do":"too-many"}`, `{"do":"drip"}`, `{"do":"stuck","code":"CRT"}`, `{"do":"stuck","code":"EPR","wait":"1h"}`, `{"do":"refuse"}`, `{"do":"refuse","code":"<x>"}`,
		`{"do":"reject","code":"QUE"}`, `{"do":"reject","code":"DTE-1-650"}`, `{"do":"object","code":"CAF-3-517"}`, `{"do":"object","code":"SCH-00001"}`, `{"do":"late","wait":"diez"}`,
		`{"do":"cut","byte":-2}`, `{"do":"reject","code":"CAF-3-517","documents":-1}`,
	} {
		if s, err := siisim.ReadScenario([]byte(`{"name":"x","rules":[` + rule + `]}`)); err == nil {
			t.Errorf("%s was accepted: %+v", rule, s)
		}
	}
	many := `{"name":"x","rules":[` + strings.Repeat(`{"do":"reset"},`, 200) + `{"do":"reset"}]}`
	for _, file := range []string{``, `null`, `[]`, `{"rules":[]}`, full + `{}`, many, strings.Repeat(" ", 2<<20)} {
		if _, err := siisim.ReadScenario([]byte(file)); err == nil {
			t.Errorf("%.60s was accepted", file)
		}
	}
	for _, name := range []string{"", "nada", "reject:", "object:CAF-3-517", "status:", "state:a b"} {
		if s, err := siisim.NamedScenario(name); err == nil {
			t.Errorf("%q: %+v", name, s)
		}
	}
	if err := newSim(t).SetScenario(siisim.Scenario{Name: "x", Rules: []siisim.Rule{{Do: 99}}}); err == nil {
		t.Error("a fault that does not exist was accepted")
	}
	if _, err := siisim.New(siisim.Config{Now: dtetest.Now, Authority: dtetest.Authority(), Scenario: siisim.Scenario{Rules: []siisim.Rule{{}}}}); err == nil {
		t.Error("a scenario without a name was accepted")
	}
}

// The manual names every fault and every scenario.
func TestTheManualIsComplete(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "simulador.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range siisim.Scenarios() {
		if row := fmt.Sprintf("| `%s` | %s |", scenario.Name, scenario.Text); !bytes.Contains(manual, []byte(row)) {
			t.Errorf("it lacks %s", row)
		}
	}
	_, example, _ := strings.Cut(string(manual), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if s, err := siisim.ReadScenario([]byte(example)); err != nil || len(s.Rules) != 6 {
		t.Errorf("its example: %+v, %v", s, err)
	}
	for name, text := range siisim.Faults() {
		if row := fmt.Sprintf("| `%s` | %s |", name, text); !bytes.Contains(manual, []byte(row)) {
			t.Errorf("it lacks %s", row)
		}
	}
}

// form posts to the control page, as a browser does.
func form(t *testing.T, s *stage, path string, fields ...string) (int, string) {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return raw(t, s.Sim, "POST", path, "Mozilla/5.0", "", strings.NewReader(values.Encode()), "application/x-www-form-urlencoded")
}

func page(t *testing.T, s *stage, path string) (int, string) {
	t.Helper()
	return raw(t, s.Sim, "GET", path, "Mozilla/5.0", "", nil, "")
}

// Somebody at the page cuts the line, chooses what happens, and takes away what came.
func TestControl(t *testing.T) {
	each(t, siisim.Scenario{}, func(t *testing.T, s *stage, ch sii.Channel, doc *dte.Document) {
		s.SetFault(func(r *http.Request) siisim.Fault {
			if !strings.Contains(r.URL.Path, "boleta") && !strings.Contains(r.URL.Path, "DTE") {
				t.Errorf("a fault for %s", r.URL.Path)
			}
			return siisim.NoFault
		})
		do := func(path string, fields ...string) {
			t.Helper()
			if code, text := form(t, s, path, fields...); code != http.StatusSeeOther {
				t.Fatalf("%s %v: %d %s", path, fields, code, text)
			}
		}
		shows := func(words ...string) {
			t.Helper()
			code, text := page(t, s, "/")
			for _, word := range words {
				if code != 200 || !strings.Contains(text, word) {
					t.Errorf("the page (%d) does not show %q", code, word)
				}
			}
		}
		shows("La línea está bien", "Se porta bien", "Ninguno todavía")
		do("/control/line", "up", "false")
		shows("cortada")
		lineDown(t, s, doc)
		do("/control/line", "up", "true")
		do("/control/scenario", "name", "late", "seed", "4")
		if _, err := s.upload(t, doc); !fault(t, err).MaybeReceived {
			t.Errorf("%v", err)
		}
		shows("<b>late</b>", "1 mal respondidas", "1 solicitudes atrasadas")
		do("/control/claim", "code", " caf-3-517 ", "state", "rejected")
		shows("Esperan: CAF-3-517")
		do("/control/deliver")
		shows("rechazado CAF-3-517 CAF Vencido")
		track := s.Envelopes()[0].TrackID
		if code, file := page(t, s, "/control/received/"+track); code != 200 || file != string(s.envelope(doc)) {
			t.Errorf("the envelope: %d, %d bytes", code, len(file))
		}
		code, file := page(t, s, "/control/result/"+track)
		if r, err := sii.ReadResultadoEnvio([]byte(file)); code != 200 || err != nil || len(r.Details) != 1 || r.Details[0].State != dte.Rejected {
			t.Errorf("the result: %d %+v, %v", code, r, err)
		}
		do("/control/scenario", "name", "ignored", "json", `{"name":"propio","rules":[{"do":"error","status":502}]}`)
		if _, err := s.client.DocumentStatus(t.Context(), doc); fault(t, err).Code != "502" {
			t.Errorf("%v", err)
		}
		do("/control/scenario", "name", "normal")
		do("/control/claim", "code", "DTE-1-650", "state", "objected")
		again := dtetest.Emit(dtetest.Draft(doc.Tipo, dtetest.Today()), 8)
		if _, err := s.upload(t, again); err != nil {
			t.Fatal(err)
		}
		shows("con reparo DTE-1-650")
		if held, _ := s.Document(again.Key()); held.State != dte.Objected {
			t.Errorf("%+v", held)
		}
	})
}

func TestControlRefuses(t *testing.T) {
	s := newStage(t, siisim.Scenario{})
	for name, c := range map[string][]string{
		"no line":        {"/control/line", "up", "tal vez"},
		"no scenario":    {"/control/scenario", "name", "nada"},
		"bad JSON":       {"/control/scenario", "json", "{"},
		"bad seed":       {"/control/scenario", "name", "chaos", "seed", "-1"},
		"no such code":   {"/control/claim", "code", "x", "state", "rejected"},
		"no such state":  {"/control/claim", "code", "CAF-3-517", "state", "accepted"},
		"an envelope's":  {"/control/claim", "code", "CRT-3-19", "state", "rejected"},
		"never rejects":  {"/control/claim", "code", "DTE-1-650", "state", "rejected"},
		"always rejects": {"/control/claim", "code", "CAF-3-517", "state", "objected"},
	} {
		if code, text := form(t, s, c[0], c[1:]...); code != http.StatusBadRequest || text == "" {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
	for _, path := range []string{"/control/received/1", "/control/result/1", "/control/nada"} {
		if code, _ := page(t, s, path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
	if st := s.Standing(); !st.Up || len(st.Claims) > 0 || st.Scenario.Name != "" {
		t.Errorf("something changed: %+v", st)
	}
	// Another site's page cannot cut the line.
	r := httptest.NewRequest("POST", "/control/line", strings.NewReader("up=false"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusForbidden || !s.Standing().Up {
		t.Errorf("another site: %d", w.Code)
	}
	for range 1000 {
		if err := s.Claim("CAF-3-517", dte.Rejected); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Claim("CAF-3-517", dte.Rejected); err == nil {
		t.Error("claims have no bound")
	}
}

// What was received outlives the process when there is a folder for it, and so does an envelope that is stuck.
func TestReceivedIsKept(t *testing.T) {
	folder := t.TempDir()
	keep := func(c *siisim.Config) {
		c.Received, c.StateFile = folder, filepath.Join(folder, "estado.jsonl")
	}
	scenario, err := siisim.NamedScenario("stuck")
	if err != nil {
		t.Fatal(err)
	}
	doc := factura(1)
	s := newStage(t, scenario, keep)
	receipt, err := s.upload(t, doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	sent := s.envelope(doc)
	s = newStage(t, siisim.Scenario{}, keep)
	if xml, kept := s.Received(receipt.TrackID); !kept || !bytes.Equal(xml, sent) {
		t.Error("the envelope is not there")
	}
	status, err := s.client.EnvelopeStatus(t.Context(), sii.ChannelDTE, dtetest.Company, receipt.TrackID)
	if err != nil || status.Estado != "CRT" {
		t.Errorf("%+v, %v", status, err)
	}
	if _, found := s.ResultadoEnvio(receipt.TrackID); found {
		t.Error("a result before its time")
	}
	// A folder that is gone stops the reception: nothing is said to be received that is not kept.
	gone := newStage(t, siisim.Scenario{}, func(c *siisim.Config) { c.Received = filepath.Join(folder, "no") })
	_, err = gone.upload(t, doc)
	if e := fault(t, err); e.Code != "9" || len(gone.Envelopes()) != 0 {
		t.Errorf("%+v", e)
	}
}

// A dripping answer ends: pauses are bounded however small the pieces.
func TestDripIsBounded(t *testing.T) {
	s := newStage(t, siisim.Scenario{Name: "x", Rules: []siisim.Rule{{Do: siisim.Drip, Wait: siisim.Span(time.Hour)}}})
	var waited atomic.Int64
	count := func(_ context.Context, d time.Duration) { waited.Add(int64(d)) }
	s.pause.Store(&count)
	if code, text := raw(t, s.Sim, "GET", "/recursos/v1/boleta.electronica.semilla", program, "", nil, ""); code != 200 || !strings.Contains(text, "</SII:RESPUESTA>") {
		t.Errorf("%d %s", code, text)
	}
	if d := time.Duration(waited.Load()); d != 10*time.Minute {
		t.Errorf("it paused for %s", d)
	}
}

// Late requests are kept within bounds; what is too much never arrives.
func TestLateIsBounded(t *testing.T) {
	s := newStage(t, siisim.Scenario{Name: "x", Rules: []siisim.Rule{{Do: siisim.LateArrival}}})
	post := func(size int) {
		t.Helper()
		defer func() {
			if recover() != http.ErrAbortHandler { //nolint:errorlint // net/http panics with this very value
				t.Error("the connection was not dropped")
			}
		}()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/cgi_dte/UPL/DTEUpload", bytes.NewReader(make([]byte, size))))
	}
	for range 3 {
		post(30 << 20)
	}
	if n := s.Standing().Late; n != 2 {
		t.Errorf("%d large requests wait", n)
	}
	if n := s.Deliver(); n != 2 {
		t.Errorf("%d were delivered", n)
	}
	for range 1001 {
		post(10)
	}
	if n := s.Deliver(); n != 1000 {
		t.Errorf("%d small ones were delivered", n)
	}
}

func TestFaultNames(t *testing.T) {
	names := slices.Collect(maps.Keys(siisim.Faults()))
	for _, name := range names {
		var f siisim.Fault
		if err := f.UnmarshalText([]byte(name)); err != nil || f.String() != name {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	if len(names) != int(siisim.Object)+1 {
		t.Errorf("%d names for %d faults", len(names), int(siisim.Object)+1)
	}
	if s := siisim.Fault(99).String(); s != "Fault("+strconv.Itoa(99)+")" {
		t.Error(s)
	}
}
