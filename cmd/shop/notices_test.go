package shop

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/sale"
	possync "mostrador/sync"
)

func blackout() sale.Outage {
	return sale.Outage{Cause: sale.CausePower, From: now().Add(-3 * time.Hour).Truncate(time.Minute), To: now().Add(-time.Hour).Truncate(time.Minute), Who: "Rosa"}
}

func entry(t *testing.T, s *Shop, n int) sale.Outage {
	t.Helper()
	o, err := s.Store.Outage(n)
	must(t, err)
	return o
}

// After a power cut: a boleta for who asked, then one for all the rest; nothing twice, whatever is repeated.
func TestOneBoletaForAPowerCut(t *testing.T) {
	s := opened(t, practice(t))
	o, buyer := blackout(), dte.Receptor{RUT: 11111111, RznSoc: "Ana Pérez"}

	var copies []sale.Record
	for range 2 {
		r, err := s.IssueCopy(o, buyer, sale.Takings{Afecto: 5_990})
		must(t, err)
		copies = append(copies, r)
	}
	if copies[0].Key != copies[1].Key || copies[0].Receptor.RUT != buyer.RUT {
		t.Errorf("%+v", copies)
	}
	var sums []sale.Record
	for range 2 {
		r, err := s.Summarise(o, sale.Takings{Afecto: 120_000, Exento: 3_000, Otros: 20_000})
		must(t, err)
		sums = append(sums, r)
	}
	if sums[0].Key != sums[1].Key || sums[0].Total != 123_000 {
		t.Errorf("%+v", sums)
	}
	if _, err := s.Summarise(o, sale.Takings{Afecto: 99}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("a second sum: %v", err)
	}
	if _, err := s.IssueCopy(o, dte.Receptor{RznSoc: "Luis Soto"}, sale.Takings{Afecto: 1_000}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("a copy of what is summed: %v", err)
	}
	if _, err := s.NoteManual(o, sale.ManualRange{First: 1, Last: 9, Total: 120_000}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("manual boletas of what is summed: %v", err)
	}
	if e := entry(t, s, 1); e.Summary != sums[0].Key || len(e.Copies) != 1 || e.Copies[0] != copies[0].Key || e.Rule != sale.RuleFor(sale.CausePower).Source {
		t.Errorf("the log says %+v", e)
	}
	docs, err := s.Documents(sale.DocumentQuery{})
	must(t, err)
	if len(docs) != 2 {
		t.Errorf("%d documents, want 2", len(docs))
	}
	report, err := s.Store.Audit(true)
	if err != nil || !report.OK() {
		t.Errorf("audit: %v %v", err, report.Faults)
	}
}

// A machine that dies between the boleta and the log finishes the same act when it is repeated.
func TestSummaryAfterACrash(t *testing.T) {
	s := opened(t, practice(t))
	o, takings := blackout(), sale.Takings{Afecto: 50_000}
	told, err := s.Store.AddOutage(o, now())
	must(t, err)
	order, err := sale.SummaryOrder(told, takings)
	must(t, err)
	first, err := s.issue(order)
	must(t, err)
	again, err := s.Summarise(o, takings)
	if err != nil || again.Key != first.Key || entry(t, s, 1).Summary != first.Key {
		t.Errorf("%v: %v, %+v", err, again.Key, entry(t, s, 1))
	}
}

func TestManualBoletas(t *testing.T) {
	s := opened(t, practice(t))
	o, m := blackout(), sale.ManualRange{First: 101, Last: 120, Total: 84_500}
	o.Cause = sale.CauseAll
	for _, wrong := range []sale.ManualRange{{}, {First: 5, Last: 4, Total: 1}, {First: 1, Last: 2}, {First: -1, Last: 2, Total: 1}, {First: 1, Last: 99_999, Total: 1}} {
		if _, err := s.NoteManual(o, wrong); !errors.Is(err, sale.ErrOutage) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	for range 2 {
		kept, err := s.NoteManual(o, m)
		if err != nil || kept.Manual != m || kept.Rule != sale.RuleManual().Source {
			t.Fatalf("%+v, %v", kept, err)
		}
	}
	if _, err := s.NoteManual(o, sale.ManualRange{First: 1, Last: 2, Total: 5}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("another range: %v", err)
	}
	if _, err := s.Summarise(o, sale.Takings{Afecto: 84_500}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("the same sales twice: %v", err)
	}
	if _, err := s.Summarise(sale.Outage{Cause: sale.CausePower, From: o.From, To: o.To}, sale.Takings{Afecto: 1}); err == nil {
		t.Error("told by nobody")
	}
	path, err := s.SaveOutageReport()
	must(t, err)
	if pdf, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("report: %v", err)
	}
}

// What the worker finds becomes an entry by itself, and an alarm while it lasts.
func TestTheWorkerWritesTheLog(t *testing.T) {
	o := practice(t)
	clock := now()
	o.Now = func() time.Time { return clock }
	s := opened(t, o)
	since := clock
	clock = clock.Add(time.Minute)
	r, err := sell(s)
	must(t, err)
	s.observe(&possync.Status{Down: true, Since: since, Problem: "sin internet"})
	if e := entry(t, s, 1); e.Cause != sale.CauseLine || !e.Open() {
		t.Errorf("%+v", e)
	}
	alarms, err := s.Alarms()
	must(t, err)
	if len(alarms) == 0 || alarms[len(alarms)-1].Kind != sale.AlarmOutage {
		t.Errorf("%+v", alarms)
	}
	s.observe(&possync.Status{})
	if e := entry(t, s, 1); !e.Open() || e.Restored.IsZero() {
		t.Errorf("a document is still here: %+v", e)
	}
	sobre, err := s.Store.NewSobre(dte.Sobre{Boletas: r.Key.Tipo.EsBoleta(), Keys: []dte.Key{r.Key}, XML: []byte("x")})
	must(t, err)
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		sobre.State = state
		must(t, s.Store.UpdateSobre(sobre))
	}
	s.observe(&possync.Status{})
	if e := entry(t, s, 1); e.Open() || e.Documents != 1 {
		t.Errorf("%+v", e)
	}

	failing := possync.Status{Cause: possync.CauseSII, Problem: "el SII no responde", Backlog: dte.Backlog{Documents: 3}}
	s.observe(&failing)
	clock = clock.Add(sale.TroubleWait)
	s.observe(&failing)
	if e := entry(t, s, 2); e.Cause != sale.CauseSII || !e.From.Equal(clock.Add(-sale.TroubleWait)) {
		t.Errorf("%+v", e)
	}
	s.observe(&possync.Status{})
	ours := possync.Status{Cause: possync.CauseTill, Problem: "bytes dañados", Backlog: dte.Backlog{Documents: 3}}
	s.observe(&ours)
	clock = clock.Add(sale.TroubleWait)
	s.observe(&ours) // that is no fault of the SII's
	list, err := s.Outages(10)
	if err != nil || len(list) != 2 || list[0].Open() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAlarmsOfAShop(t *testing.T) {
	s := opened(t, practice(t))
	s.signer = nil // no certificate yet: nothing is known of it
	alarms, err := s.Alarms()
	must(t, err)
	for _, a := range alarms {
		if a.Kind == sale.AlarmCertificate {
			t.Errorf("%+v", a)
		}
	}
	if err := s.Attend("rechazo:nada", "Rosa", "nada"); !errors.Is(err, sale.ErrNotFound) {
		t.Error(err)
	}
}

// The authority's own clock tells that ours is wrong.
func TestAlarmOfAWrongClock(t *testing.T) {
	o := practice(t)
	_, url, stop, err := StartSimulator(o)
	must(t, err)
	defer stop()
	o.Simulator, o.Pace = url, quick
	right := o.Now
	o.Now = func() time.Time { return right().Add(-40 * time.Minute) }
	s := opened(t, o)
	_, err = sell(s)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = s.SyncNow(ctx)
	must(t, err)
	alarms, err := s.Alarms()
	must(t, err)
	for _, a := range alarms {
		if a.Kind == sale.AlarmClock && a.Severity == sale.Urgent {
			return
		}
	}
	t.Errorf("no word about the clock: %+v", alarms)
}
