package store

import (
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestRemedySuite(t *testing.T) {
	saletest.RunRemedies(t, func(t *testing.T) (sale.Journal, func([]byte), func(dte.Veredicto)) {
		b := newTill(t) // healthy at the end
		add := func(file []byte) {
			caf, err := dte.ParseCAF(file)
			b.must(err)
			_, err = b.ImportCAF(file, dtetest.Trust(), time.Date(caf.FA.Year, caf.FA.Month, caf.FA.Day, 12, 0, 0, 0, dte.Santiago))
			b.must(err)
		}
		return b.Store, add, func(v dte.Veredicto) { b.must(b.Settle(b.deliver(v.Key).ID, []dte.Veredicto{v})) }
	})
}

// rejected issues a boleta and has the SII refuse it with that code.
func (b *till) rejected(id sale.ID, codigo string) sale.Record {
	b.t.Helper()
	r := b.issue(id)
	b.decide(r.Key, dte.Rejected, codigo)
	return r
}

func (b *till) remedy(act sale.Act, id sale.ID, was sale.Record) sale.Record {
	b.t.Helper()
	asked := saletest.Asked(act, was.Key, id)
	build := saletest.Corrected(was, " "+string(id))
	if act == sale.ActReissue {
		build = saletest.Reissued(was, asked)
	}
	now, err := b.Remedy(asked, build)
	b.must(err)
	return now
}

func (b *till) papersOwed(key dte.Key) (n int) {
	b.t.Helper()
	b.must(b.view(func(t *bolt.Tx) error {
		return t.Bucket(bPrint).ForEach(func(k, v []byte) error {
			job, err := decode[sale.PrintJob](bPrint, k, v)
			if job.Key == key && job.Copy == 0 {
				n++
			}
			return err
		})
	}))
	return n
}

// TestARemedyClosesItsTask: with the act, and not before; refused again, it is a task again, even one attended by hand.
func TestARemedyClosesItsTask(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	for _, c := range []struct {
		act  sale.Act
		code string
	}{{sale.ActResend, saletest.ResendCode}, {sale.ActCorrect, saletest.CorrectCode}, {sale.ActReissue, saletest.ReissueCode}} {
		was := b.rejected(sale.ID("s-"+c.act), c.code)
		if n := len(b.facts(saletest.Now).Rejected); n != 1 {
			t.Fatalf("%s: %d tasks before", c.act, n)
		}
		b.remedy(c.act, sale.ID("a-"+c.act), was)
		if n := len(b.facts(saletest.Now).Rejected); n != 0 {
			t.Errorf("%s: %d tasks after", c.act, n)
		}
		b.healthy()
	}
	was := b.rejected("again", saletest.ResendCode)
	b.must(b.Attend(sale.TaskID(sale.AlarmRejected, was.Key), "Rosa", "se reenvía", saletest.Now))
	b.remedy(sale.ActResend, "r1", was)
	b.decide(was.Key, dte.Rejected, saletest.ResendCode)
	if tasks := b.facts(saletest.Now).Rejected; len(tasks) != 1 || tasks[0].Key != was.Key {
		t.Errorf("refused again: %+v", tasks)
	}
}

// TestACorrectedDocumentHasOnePaper: whether that of the refused bytes had come out, waited, or is in the printer.
func TestACorrectedDocumentHasOnePaper(t *testing.T) {
	for name, before := range map[string]func(b *till, job sale.PrintJob){
		"printed": func(b *till, job sale.PrintJob) { b.must(b.PrintDone(job.ID)) },
		"waiting": func(*till, sale.PrintJob) {},
		"copy waiting": func(b *till, job sale.PrintJob) {
			b.must(b.PrintDone(job.ID))
			_, err := b.Reprint(sale.PaperOrder{Key: job.Key})
			b.must(err)
		},
		"in the device": func(b *till, job sale.PrintJob) {
			b.t.Cleanup(func() { b.must(b.PrintDone(job.ID)); owes(b, job.Key) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			b.caf(dte.Boleta, 1, 9)
			was := b.rejected("s1", saletest.CorrectCode)
			job, _, err := b.NextPrint()
			b.must(err)
			before(b, job)
			copies := b.facts(saletest.Now).Papers - b.papersOwed(was.Key)
			b.remedy(sale.ActCorrect, "c1", was)
			owes(b, was.Key)
			if left := b.facts(saletest.Now).Papers - 1; left != copies {
				t.Errorf("%d copies were asked for, %d are owed", copies, left)
			}
		})
	}
}

func owes(b *till, key dte.Key) {
	b.t.Helper()
	if n := b.papersOwed(key); n != 1 {
		b.t.Errorf("%d papers are owed, want one", n)
	}
}

// TestLateNewsOfTheOldEnvelope: an envelope that still waits for another document of its own is asked about again, and
// what it says of the one that was sent anew is old.
func TestLateNewsOfTheOldEnvelope(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	first, second := b.issue("s1"), b.issue("s2")
	old, err := b.NewSobre(dte.Sobre{Boletas: true, Keys: []dte.Key{first.Key, second.Key}, XML: []byte("both"), CreatedAt: saletest.Now})
	b.must(err)
	for _, old.State = range []dte.State{dte.Sending, dte.Sent} {
		b.must(b.UpdateSobre(old))
	}
	refusal := dte.Veredicto{Key: first.Key, State: dte.Rejected, Codigo: saletest.ResendCode, At: saletest.Now}
	b.must(b.Settle(old.ID, []dte.Veredicto{refusal}))
	b.remedy(sale.ActResend, "r1", first)
	news := func(want dte.State) {
		t.Helper()
		b.must(b.UpdateSobre(old))
		b.must(b.Settle(old.ID, []dte.Veredicto{refusal}))
		if state, _, err := b.DocumentState(first.Key); err != nil || state != want {
			t.Errorf("old news made it %s (%v), want %s", state, err, want)
		}
		b.healthy()
	}
	news(dte.Issued)
	fresh := b.deliver(first.Key)
	news(dte.Sent)
	b.must(b.Settle(old.ID, []dte.Veredicto{{Key: second.Key, State: dte.Accepted, At: saletest.Now}}))
	if kept, err := b.Sobre(old.ID); err != nil || !kept.Settled {
		t.Errorf("the old envelope waits for a document that left it: %+v %v", kept, err)
	}
	b.must(b.Settle(fresh.ID, []dte.Veredicto{{Key: first.Key, State: dte.Accepted, At: saletest.Now}}))
	news(dte.Accepted)
}

// TestARemedyWhoseCommitFails is done or not done, and asked for again it is done once.
func TestARemedyWhoseCommitFails(t *testing.T) {
	for _, act := range []sale.Act{sale.ActResend, sale.ActCorrect, sale.ActReissue} {
		code := map[sale.Act]string{
			sale.ActResend: saletest.ResendCode, sale.ActCorrect: saletest.CorrectCode, sale.ActReissue: saletest.ReissueCode,
		}[act]
		b := newTill(t)
		b.caf(dte.Boleta, 1, 9)
		was := b.rejected("s1", code)
		asked := saletest.Asked(act, was.Key, "a1")
		build := saletest.Corrected(was, " mejor")
		if act == sale.ActReissue {
			build = saletest.Reissued(was, asked)
		}
		b.once(failedBefore)
		_, err := b.Remedy(asked, build)
		b.wantErr(err, ErrNotWritten)
		if past, err := b.Remedies(was.Key); err != nil || len(past) != 0 {
			t.Errorf("%s: %d acts after a commit that failed (%v)", act, len(past), err)
		}
		b.once(appliedButFailed)
		for range 2 {
			if now, err := b.Remedy(asked, build); err != nil || now.ID == "" {
				t.Errorf("%s: %+v, %v", act, now, err)
			}
		}
		if past, err := b.Remedies(was.Key); err != nil || len(past) != 1 {
			t.Errorf("%s: %d acts (%v)", act, len(past), err)
		}
	}
}

// TestRemediesNeedTheClockAndTheKeys: a document is not signed when Issue would not.
func TestRemediesNeedTheClockAndTheKeys(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	for act, was := range map[sale.Act]sale.Record{
		sale.ActCorrect: b.rejected("s1", saletest.CorrectCode), sale.ActReissue: b.rejected("s2", saletest.ReissueCode),
	} {
		asked := saletest.Asked(act, was.Key, "a1")
		asked.At = saletest.Now.Add(-2 * time.Hour)
		_, err := b.Remedy(asked, saletest.Corrected(was, "x"))
		b.wantErr(err, ErrClock)
	}
}

// TestTheAuditSeesWhatWasDoneToRemedies finds each damage.
func TestTheAuditSeesWhatWasDoneToRemedies(t *testing.T) {
	first := func(t *bolt.Tx, bucket []byte) []byte { k, _ := t.Bucket(bucket).Cursor().First(); return k }
	change := func(t *bolt.Tx, f func(r *sale.Remedy)) error {
		k := first(t, bRemedies)
		r, _, err := getJSON[sale.Remedy](t, bRemedies, k)
		f(&r)
		return errors.Join(err, putJSON(t, bRemedies, k, r))
	}
	for name, damage := range map[string]struct {
		act sale.Act
		do  func(t *bolt.Tx) error
	}{
		"refused bytes changed": {sale.ActCorrect, func(t *bolt.Tx) error { return t.Bucket(bRefused).Put(first(t, bRefused), []byte("<x/>")) }},
		"refused bytes gone":    {sale.ActCorrect, func(t *bolt.Tx) error { return t.Bucket(bRefused).Delete(first(t, bRefused)) }},
		"act gone":              {sale.ActCorrect, func(t *bolt.Tx) error { return t.Bucket(bRemedies).Delete(first(t, bRemedies)) }},
		"act and bytes gone": {sale.ActCorrect, func(t *bolt.Tx) error {
			return errors.Join(t.Bucket(bRemedies).Delete(first(t, bRemedies)), t.Bucket(bRefused).Delete(first(t, bRefused)))
		}},
		"other hash":   {sale.ActCorrect, func(t *bolt.Tx) error { return change(t, func(r *sale.Remedy) { r.Next = "0" }) }},
		"other number": {sale.ActResend, func(t *bolt.Tx) error { return change(t, func(r *sale.Remedy) { r.N = 2 }) }},
		"still in its old envelope": {sale.ActCorrect, func(t *bolt.Tx) error {
			r, _, err := getJSON[sale.Remedy](t, bRemedies, first(t, bRemedies))
			d, stateErr := stateOf(t, r.Key)
			d.State, d.Sobre, d.Veredicto = dte.Rejected, r.Sobre, r.Veredicto
			return errors.Join(err, stateErr, putState(t, keyBytes(r.Key), d), openTask(t, r.Key, d))
		}},
		"resend gone":        {sale.ActResend, func(t *bolt.Tx) error { return t.Bucket(bRemedies).Delete(first(t, bRemedies)) }},
		"other replacement":  {sale.ActReissue, func(t *bolt.Tx) error { return change(t, func(r *sale.Remedy) { r.As = r.Key }) }},
		"reissue not marked": {sale.ActReissue, func(t *bolt.Tx) error { return t.Bucket(bAttended).Delete(first(t, bAttended)) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTill(t)
			b.caf(dte.Boleta, 1, 9)
			code := map[sale.Act]string{
				sale.ActResend: saletest.ResendCode, sale.ActCorrect: saletest.CorrectCode, sale.ActReissue: saletest.ReissueCode,
			}[damage.act]
			b.remedy(damage.act, "a1", b.rejected("s1", code))
			b.healthy()
			b.must(b.update(damage.do))
			if r, err := b.Audit(true); err != nil || r.OK() {
				t.Errorf("the audit is content (%v)", err)
			}
			b.close()
		})
	}
}

// TestARemedyAfterAnEnvelopeWasSplit: the refused envelope, the one in its place and the newest all tell the same story.
func TestARemedyAfterAnEnvelopeWasSplit(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	was := b.issue("s1")
	whole := b.deliver(was.Key)
	instead, err := b.Regroup(whole.ID, "RSC", []dte.Sobre{{Boletas: true, Keys: []dte.Key{was.Key}, XML: []byte("alone"), CreatedAt: saletest.Now}})
	b.must(err)
	alone := instead[0]
	for _, alone.State = range []dte.State{dte.Sending, dte.Sent} {
		b.must(b.UpdateSobre(alone))
	}
	b.must(b.Settle(alone.ID, []dte.Veredicto{{Key: was.Key, State: dte.Rejected, Codigo: saletest.CorrectCode, At: saletest.Now}}))
	b.remedy(sale.ActCorrect, "c1", was)
	b.healthy()
	b.decide(was.Key, dte.Accepted, "")
	b.healthy()
}

// TestAFileAboutWhatWasRefused: the SII's mail comes when the document was led on already, or says otherwise than the SII.
func TestAFileAboutWhatWasRefused(t *testing.T) {
	b := newTill(t)
	b.caf(dte.Boleta, 1, 9)
	was := b.issue("s1")
	sobre := b.deliver(was.Key)
	file := func(state dte.State) []sale.Told {
		t.Helper()
		told, err := b.SettleFromFile(sobre.ID, []dte.Veredicto{{Key: was.Key, State: state, Codigo: saletest.CorrectCode, At: saletest.Now}})
		b.must(err)
		return told
	}
	file(dte.Rejected)
	_, err := b.Remedy(saletest.Asked(sale.ActCorrect, was.Key, "c1"), nil)
	b.wantErr(err, sale.ErrRemedy)
	b.must(b.Settle(sobre.ID, []dte.Veredicto{{Key: was.Key, State: dte.Rejected, Codigo: "FAU", At: saletest.Now}}))
	file(dte.Accepted) // two versions: a task of its own
	b.remedy(sale.ActCorrect, "c1", was)
	if f := b.facts(saletest.Now); len(f.Rejected)+len(f.Doubted) != 0 {
		t.Errorf("tasks about what was led on: %+v %+v", f.Rejected, f.Doubted)
	}
	for _, state := range []dte.State{dte.Rejected, dte.Accepted} {
		if told := file(state); told[0].Outcome != sale.ToldKnown {
			t.Errorf("an old file was believed: %+v", told)
		}
	}
	if state, _, err := b.DocumentState(was.Key); err != nil || state != dte.Issued {
		t.Errorf("an old file made it %s (%v)", state, err)
	}
}
