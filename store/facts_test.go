package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func (b *till) issueAt(id sale.ID, tipo dte.TipoDTE, at time.Time) sale.Record {
	b.t.Helper()
	r, err := b.Issue(id, tipo, at, saletest.Build(id, tipo, at, 1000))
	b.must(err)
	return r
}

// decide sends a document and stores its verdict.
func (b *till) decide(k dte.Key, state dte.State, codigo string) {
	b.t.Helper()
	sobre := b.deliver(k)
	b.must(b.Settle(sobre.ID, []dte.Veredicto{{Key: k, State: state, Codigo: codigo, At: saletest.Now}}))
}

// deliver takes a document to the SII.
func (b *till) deliver(k dte.Key) dte.Sobre {
	b.t.Helper()
	sobre, err := b.NewSobre(dte.Sobre{Boletas: k.Tipo.EsBoleta(), Keys: []dte.Key{k}, XML: []byte(k.String()), CreatedAt: saletest.Now})
	b.must(err)
	for _, state := range []dte.State{dte.Sending, dte.Sent} {
		sobre.State = state
		b.must(b.UpdateSobre(sobre))
	}
	return sobre
}

func (b *till) facts(now time.Time) sale.Facts {
	b.t.Helper()
	f, err := b.Facts(now)
	b.must(err)
	return f
}

func TestFactsForAlarms(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	b.caf(dte.Factura, 1, 100)
	day := 24 * time.Hour
	now := saletest.Now.Add(40 * day)
	b.issueAt("old", dte.Boleta, now.Add(-35*day)) // before the weeks that count
	waiting := b.issueAt("b1", dte.Boleta, now.Add(-3*day))
	b.issueAt("b2", dte.Boleta, now.Add(-3*day))
	factura := b.issueAt("f1", dte.Factura, now.Add(-2*day))
	sent := b.issueAt("b3", dte.Boleta, now)
	b.deliver(sent.Key)

	f := b.facts(now)
	i := slices.IndexFunc(f.Waiting, func(w sale.Waiting) bool { return w.Tipo == dte.Boleta })
	if len(f.Waiting) != 2 || i < 0 || f.Waiting[i].Count != 3 || !f.Waiting[i].Oldest.Equal(now.Add(-35*day)) {
		t.Errorf("waiting: %+v", f.Waiting)
	}
	if j := 1 - i; f.Waiting[j].Key != factura.Key || f.Waiting[j].Count != 1 {
		t.Errorf("waiting: %+v", f.Waiting)
	}
	counts := f.Pace[dte.Boleta]
	if n := len(counts); n != 29 || counts[n-1] != 1 || counts[n-4] != 2 || counts[n-2] != 0 {
		t.Errorf("pace: %v", counts)
	}
	if n := len(f.Ranges); n != 2 || f.Papers != 5 || f.Outage.Number != 0 {
		t.Errorf("%d ranges, %d papers, outage %+v", n, f.Papers, f.Outage)
	}
	b.deliver(waiting.Key)
	if f := b.facts(now); slices.IndexFunc(f.Waiting, func(w sale.Waiting) bool { return w.Tipo == dte.Boleta && w.Count == 2 }) < 0 {
		t.Errorf("what arrived still waits: %+v", f.Waiting)
	}
}

func TestTasksAreAttendedOnce(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	bad, odd, fine := b.issue("s1").Key, b.issue("s2").Key, b.issue("s3").Key
	b.decide(bad, dte.Rejected, "DTE-3-601")
	b.decide(odd, dte.Objected, "DTE-1-650")
	b.decide(fine, dte.Accepted, "")

	f := b.facts(saletest.Now)
	if len(f.Rejected) != 1 || f.Rejected[0].Key != bad || f.Rejected[0].Veredicto.Codigo != "DTE-3-601" || f.Rejected[0].Total != 1000 {
		t.Errorf("rejected: %+v", f.Rejected)
	}
	if len(f.Objected) != 1 || f.Objected[0].Key != odd {
		t.Errorf("objected: %+v", f.Objected)
	}
	id := sale.TaskID(sale.AlarmRejected, bad)
	for _, words := range [][2]string{{"", "emitida de nuevo"}, {"Rosa", " "}} {
		if err := b.Attend(id, words[0], words[1], saletest.Now); err == nil {
			t.Error("attended by nobody, or with nothing done")
		}
	}
	b.wantErr(b.Attend("rechazo:nada", "Rosa", "nada", saletest.Now), sale.ErrNotFound)
	before := b.healthy().Entries
	b.must(b.Attend(id, "Rosa", "emitida de nuevo con el folio 4", saletest.Now))
	b.must(b.Attend(id, "Pedro", "otra vez", saletest.Now))
	if n := b.healthy().Entries; n != before+1 {
		t.Errorf("%d entries in the chain, want one more than %d", n, before)
	}
	b.reopenFile()
	if f := b.facts(saletest.Now); len(f.Rejected) != 0 || len(f.Objected) != 1 {
		t.Errorf("after attending: %d rejected, %d objected", len(f.Rejected), len(f.Objected))
	}
}

func TestExpiredFoliosCanBeAttended(t *testing.T) {
	b := newTill(t)
	_, err := b.ImportCAF(saletest.CAF(dte.Factura, 1, 10, dtetest.FA()), dtetest.Trust(), saletest.Now)
	b.must(err)
	later := saletest.Now.AddDate(1, 0, 0)
	alarms := sale.Alarms(b.facts(later))
	if len(alarms) != 1 || alarms[0].Kind != sale.AlarmCAF || !alarms[0].Task {
		t.Fatalf("%+v", alarms)
	}
	b.must(b.Attend(alarms[0].ID, "Rosa", "anulados en sii.cl", later))
	if alarms := sale.Alarms(b.facts(later)); len(alarms) != 0 {
		t.Errorf("still told: %+v", alarms)
	}
}

// A store of the first schema opens: its verdicts become tasks, and nothing else changes.
func TestSchemaOneOpens(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	bad, fine := b.issue("s1").Key, b.issue("s2").Key
	b.decide(bad, dte.Rejected, "DTE-3-601")
	b.decide(fine, dte.Accepted, "")
	b.close()
	db, err := bolt.Open(b.path, 0o600, nil)
	b.must(err)
	b.must(db.Update(func(t *bolt.Tx) error {
		for _, name := range [][]byte{bTasks, bAttended, bOutages} {
			if err := t.DeleteBucket(name); err != nil {
				return err
			}
		}
		return t.Bucket(bMeta).Put(kSchema, []byte("1"))
	}))
	b.must(db.Close())

	b.open()
	if f := b.facts(saletest.Now); len(f.Rejected) != 1 || f.Rejected[0].Key != bad || len(f.Objected) != 0 {
		t.Errorf("tasks after the migration: %+v, %+v", f.Rejected, f.Objected)
	}
	if r := b.healthy(); r.Documents != 2 {
		t.Errorf("%d documents, want 2", r.Documents)
	}
	_, err = b.Observe(saletest.Now.Add(time.Hour), sale.Trouble{Cause: sale.CauseLine, Since: saletest.Now})
	b.must(err)
}

// What a program does each minute must stay cheap with a month of sales behind it.
func BenchmarkFacts(bench *testing.B) {
	b := newTill(bench)
	b.caf(dte.Boleta, 1, 3000)
	for i := range 2000 {
		b.issueAt(sale.ID(fmt.Sprint("s", i)), dte.Boleta, saletest.Now.Add(time.Duration(i)*15*time.Minute))
	}
	for bench.Loop() {
		b.facts(saletest.Now.AddDate(0, 0, 21))
	}
}

func TestOutageFromDownToDelivered(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100)
	at := func(m int) time.Time { return saletest.Now.Add(time.Duration(m) * time.Minute) }
	down := sale.Trouble{Cause: sale.CauseLine, Since: at(0), Detail: "sin internet"}
	look := func(m int, tr sale.Trouble) sale.Outage {
		t.Helper()
		o, err := b.Observe(at(m), tr)
		b.must(err)
		return o
	}
	before := b.issueAt("before", dte.Boleta, at(-10)).Key // waits too, but not because of the outage
	if o := look(1, down); o.Number != 0 {
		t.Fatalf("a minute without line and without sales is no contingency: %+v", o)
	}
	one := b.issueAt("s1", dte.Boleta, at(2)).Key
	if o := look(2, down); o.Number != 1 || !o.From.Equal(at(0)) || !o.Open() {
		t.Fatalf("a sale without line begins no contingency: %+v", o)
	}
	two := b.issueAt("s2", dte.Boleta, at(30)).Key
	entries := b.healthy().Entries
	look(31, down)
	look(32, down)
	b.reopenFile() // and the till is started again meanwhile
	if n := b.healthy().Entries; n != entries {
		t.Errorf("looking wrote %d entries", n-entries)
	}
	if o := look(60, sale.Trouble{}); !o.Open() || !o.Restored.Equal(at(60)) {
		t.Fatalf("line back, two documents to deliver: %+v", o)
	}
	b.issueAt("after", dte.Boleta, at(61)) // of no concern to it
	b.deliver(one)
	if o := look(62, sale.Trouble{}); !o.Open() {
		t.Fatal("it ended with a document still here")
	}
	if list, err := b.Outages(10, at(62)); err != nil || len(list) != 1 || list[0].Documents != 2 {
		t.Errorf("the entry under way: %+v, %v", list, err)
	}
	b.deliver(two)
	if o := look(65, sale.Trouble{}); o.Open() || !o.To.Equal(at(65)) || o.Documents != 2 {
		t.Fatalf("all delivered: %+v", o)
	}
	if state, _, _ := b.Standing(before); state != dte.Issued {
		t.Error("the older document was to wait")
	}
	look(70, sale.Trouble{})
	if o := look(80, sale.Trouble{Cause: sale.CauseSII, Since: at(74)}); o.Number != 2 || o.Cause != sale.CauseSII {
		t.Errorf("the second contingency: %+v", o)
	}
}

func TestOutagesThatPeopleTell(t *testing.T) {
	b := newTill(t)
	now := saletest.Now
	told := sale.Outage{Cause: sale.CausePower, From: now.Add(-5 * time.Hour), To: now.Add(-time.Hour), Who: "Rosa", Detail: "corte del sector"}
	first, err := b.AddOutage(told, now)
	b.must(err)
	again, err := b.AddOutage(told, now.Add(time.Minute))
	b.must(err)
	if first.Number != 1 || again.Number != 1 || first.Open() {
		t.Errorf("told twice: %+v and %+v", first, again)
	}
	for name, o := range map[string]sale.Outage{
		"nobody": {Cause: sale.CausePower, From: told.From, To: told.To, Who: " "},
		"line":   {Cause: sale.CauseLine, From: told.From, To: told.To, Who: "Rosa"},
		"future": {Cause: sale.CausePower, From: now, To: now.Add(time.Hour), Who: "Rosa"},
		"cross":  {Cause: sale.CausePower, From: told.From.Add(time.Hour), To: now, Who: "Rosa"},
		"within": {Cause: sale.CauseAll, From: told.From, To: told.To, Who: "Rosa"},
	} {
		if _, err := b.AddOutage(o, now); !errors.Is(err, sale.ErrOutage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	next, err := b.AddOutage(sale.Outage{Cause: sale.CauseAll, From: told.To, To: now, Who: "Rosa"}, now)
	b.must(err)
	o, err := b.UpdateOutage(next.Number, now, "boletas manuales 1 a 20", func(o *sale.Outage) error {
		o.Manual, o.Cause, o.Number = sale.ManualRange{First: 1, Last: 20, Total: 5000}, sale.CauseLine, 99
		return nil
	})
	if err != nil || o.Manual.Last != 20 || o.Cause != sale.CauseAll || o.Number != 2 {
		t.Errorf("updated: %+v, %v", o, err)
	}
	refusal := errors.New("no")
	_, err = b.UpdateOutage(next.Number, now, "x", func(o *sale.Outage) error { o.Rule = "x"; return refusal })
	b.wantErr(err, refusal)
	_, err = b.UpdateOutage(7, now, "x", func(*sale.Outage) error { return nil })
	b.wantErr(err, sale.ErrNotFound)
	b.reopenFile()
	if o, err := b.Outage(2); err != nil || o.Rule != "" || o.Manual.First != 1 {
		t.Errorf("kept: %+v, %v", o, err)
	}
	b.must(b.backupTo(filepath.Join(t.TempDir(), "copia.db")))
}

func (b *till) backupTo(name string) error {
	r, err := b.BackupFile(name)
	if err == nil && !r.OK() {
		err = fmt.Errorf("backup: %v", r.Faults)
	}
	return err
}
