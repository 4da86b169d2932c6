package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// makeRemedies is the third step of the schema: what people did about refused documents.
func makeRemedies(t *bolt.Tx) error {
	for _, name := range [][]byte{bRemedies, bRefused} {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// remedyKey is the place of the n-th act about a document.
func remedyKey(key []byte, n int) []byte { return append(bytes.Clone(key), number(uint64(n))...) }

// Remedy implements sale.Journal. Besides its errors: those of Issue.
func (s *Store) Remedy(r sale.Remedy, build func(sale.Grant) (sale.Issued, error)) (now sale.Record, err error) {
	if r.ID == "" {
		return now, errors.New("a lo que se pide le falta su identificador. No se hizo nada")
	}
	err = s.update(func(t *bolt.Tx) error {
		past, err := remediesOf(t, keyBytes(r.Key))
		if err != nil {
			return err
		}
		for _, p := range past {
			if p.ID == r.ID {
				now, err = record(t, keyBytes(p.Now()))
				return errors.Join(err, errKnown)
			}
		}
		now, err = s.remedy(t, r, past, build)
		return err
	})
	switch {
	case errors.Is(err, errKnown) && now.ID != "":
		return now, nil
	case err != nil:
		return sale.Record{}, err
	}
	if r.Act == sale.ActReissue && s.opt.OnCommit != nil {
		s.opt.OnCommit(now)
	}
	return now, nil
}

// remedy is the one transaction of an act: the act and what was refused, the document as it is since, its task, the audit
// entry.
func (s *Store) remedy(t *bolt.Tx, r sale.Remedy, past []sale.Remedy, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	d, err := stateOf(t, r.Key)
	if err != nil {
		return sale.Record{}, err
	}
	if err := r.Allowed(d.State, d.Veredicto, past); err != nil {
		return sale.Record{}, err
	}
	xml, was, err := document(t, keyBytes(r.Key))
	if err != nil {
		return sale.Record{}, err
	}
	r.N, r.Veredicto, r.Sobre, r.Record, r.Next = len(past)+1, d.Veredicto, d.Sobre, was, was.SHA256
	now, done := was, "reenviada tal cual"
	switch r.Act {
	case sale.ActCorrect:
		if now, err = s.correct(t, &r, xml, build); err != nil {
			return now, err
		}
		done = "corregida con el mismo folio"
	case sale.ActReissue:
		if now, err = s.reissue(t, &r, build); err != nil {
			return now, err
		}
		done = fmt.Sprintf("emitida de nuevo con el folio %d", now.Key.Folio)
	}
	return now, errors.Join(
		putJSON(t, bRemedies, remedyKey(keyBytes(r.Key), r.N), r),
		leadOn(t, r, d, done),
		note(t, Fact{
			At: r.At, Kind: FactRemedy, Key: r.Key, SHA256: r.Next, Was: was.SHA256,
			Text: fmt.Sprintf("rechazada (%s), %s: %s (%s)", r.Veredicto.Codigo, done, r.Why, r.Who),
		}),
	)
}

// leadOn closes the task. The document waits for an envelope again, unless another one has its sale now.
func leadOn(t *bolt.Tx, r sale.Remedy, d docState, done string) error {
	if r.Act == sale.ActReissue {
		id := []byte(sale.TaskID(sale.AlarmRejected, r.Key))
		return errors.Join(t.Bucket(bTasks).Delete(id), putJSON(t, bAttended, id, attended{r.Who, done, r.At}))
	}
	var faults []error
	for _, kind := range d.taskKinds() { // attended or not: were it refused again, that would be another task
		id := []byte(sale.TaskID(kind, r.Key))
		faults = append(faults, t.Bucket(bTasks).Delete(id), t.Bucket(bAttended).Delete(id))
	}
	d.State, d.Sobre, d.Veredicto, d.Otro = dte.Issued, "", dte.Veredicto{}, dte.Veredicto{}
	return errors.Join(append(faults, putState(t, keyBytes(r.Key), d), untoldAnyway(t, keyBytes(r.Key)))...)
}

// correct puts the corrected document in the place of the refused one, whose bytes stay with the act.
func (s *Store) correct(t *bolt.Tx, r *sale.Remedy, refused []byte, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if err := mayIssue(t, r.At); err != nil {
		return sale.Record{}, err
	}
	caf, err := s.covering(t, r.Key)
	if err != nil {
		return sale.Record{}, err
	}
	issued, err := call(build, sale.Grant{Folio: r.Key.Folio, CAF: caf})
	if err != nil {
		return sale.Record{}, err
	}
	if err := issued.CheckCorrected(r.Record); err != nil {
		return sale.Record{}, err
	}
	now, key := issued.Record, keyBytes(r.Key)
	now.Shift, r.Next = r.Record.Shift, issued.Record.SHA256
	return now, errors.Join(
		t.Bucket(bRefused).Put(remedyKey(key, r.N), refused),
		t.Bucket(bDocs).Put(key, issued.Document.XML),
		putJSON(t, bRecords, key, now),
		printAnew(t, r.Key),
		raiseClock(t, r.At),
	)
}

// covering is the CAF that authorises a document's folio.
func (s *Store) covering(t *bolt.Tx, key dte.Key) (*dte.CAF, error) {
	ranges, err := rangesOf(t, key.Tipo)
	if err != nil {
		return nil, err
	}
	for _, r := range ranges {
		if r.Covers(key) {
			return s.unsealed(t, r)
		}
	}
	return nil, damaged(fmt.Errorf("no está el CAF de %s", key))
}

// printAnew queues the paper of a corrected document, which is an original again. One of the refused bytes that still
// waited, or is in the printer, is owed no more.
func printAnew(t *bolt.Tx, key dte.Key) error {
	waiting, err := waitingPapers(t, key)
	for _, job := range waiting {
		if job.Copy == 0 && !job.Cedible {
			err = errors.Join(err, t.Bucket(bPrint).Delete(number(job.ID)))
		}
	}
	if err != nil {
		return err
	}
	p, _, err := getJSON[sale.Papers](t, bPapers, keyBytes(key))
	if err != nil {
		return err
	}
	p.Original, p.Ceded = false, false
	if err := putJSON(t, bPapers, keyBytes(key), p); err != nil {
		return err
	}
	_, err = queuePrint(t, sale.PrintJob{Key: key})
	return err
}

// reissue issues the sale under the next folio. The document that was refused stays what it is.
func (s *Store) reissue(t *bolt.Tx, r *sale.Remedy, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if _, err := saleRecord(t, r.ID); !errors.Is(err, sale.ErrNotFound) {
		return sale.Record{}, errors.Join(err, fmt.Errorf("ya hay una venta %s. No se emitió nada", r.ID))
	}
	now, err := s.issue(t, r.ID, r.Key.Tipo, r.At, func(g sale.Grant) (sale.Issued, error) {
		issued, err := build(g)
		if err != nil {
			return issued, err
		}
		return issued, issued.CheckReissued(r.Record)
	})
	r.As = now.Key
	return now, err
}

func remediesOf(t *bolt.Tx, key []byte) (past []sale.Remedy, err error) {
	c := t.Bucket(bRemedies).Cursor()
	for k, v := c.Seek(key); bytes.HasPrefix(k, key); k, v = c.Next() {
		r, err := decode[sale.Remedy](bRemedies, k, v)
		if err != nil {
			return nil, err
		}
		past = append(past, r)
	}
	return past, nil
}

// Remedies implements sale.Journal.
func (s *Store) Remedies(key dte.Key) (past []sale.Remedy, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		past, err = remediesOf(t, keyBytes(key))
		return err
	})
	return past, err
}

// RefusedXML implements sale.Journal. The bytes of a document that was sent again as it was, or issued again under
// another folio, are still the document's.
func (s *Store) RefusedXML(key dte.Key, n int) (xml []byte, err error) {
	err = s.view(func(t *bolt.Tx) error {
		past, err := remediesOf(t, keyBytes(key))
		if err != nil {
			return err
		}
		if n < 1 || n > len(past) {
			return fmt.Errorf("rechazo %d de %s: %w", n, key, sale.ErrNotFound)
		}
		xml, err = refusedBytes(t, past, n)
		return err
	})
	return xml, err
}

// refusedBytes are kept with the act that replaced them: the n-th or a later one; without one they are the document.
func refusedBytes(t *bolt.Tx, past []sale.Remedy, n int) ([]byte, error) {
	key := keyBytes(past[n-1].Key)
	b := t.Bucket(bDocs).Get(key)
	for _, r := range past[n-1:] {
		if r.Act == sale.ActCorrect {
			b = t.Bucket(bRefused).Get(remedyKey(key, r.N))
			break
		}
	}
	if sale.HashXML(b) != past[n-1].Record.SHA256 {
		return nil, damaged(fmt.Errorf("los bytes rechazados de %s no son los que se firmaron", past[n-1].Key))
	}
	return bytes.Clone(b), nil
}

// elsewhere reports a document that has left an envelope: somebody had it sent again, and what becomes of that envelope
// is no news of it.
func elsewhere(d docState, sobre string) bool { return d.Sobre != sobre }

// remedies checks what people did about refused documents: every act follows the one before, all refused bytes are there
// unchanged, and what stands for the sale since is what the last act says.
func (a *auditor) remedies() {
	corrected := 0
	seen := map[string]bool{}
	a.each(bRemedies, func(_, _ int, k, _ []byte) {
		if len(k) != keyLen+8 {
			a.fault("hay una corrección sin documento: %x", k)
			return
		}
		key := bytes.Clone(k[:keyLen])
		if seen[string(key)] {
			return
		}
		seen[string(key)] = true
		past, err := remediesOf(a.t, key)
		if a.check(err) {
			corrected += a.history(key, past)
		}
	})
	if n := a.t.Bucket(bRefused).Stats().KeyN; n != corrected {
		a.fault("hay %d correcciones y %d documentos rechazados guardados", corrected, n)
	}
	if a.deep && len(a.remedied) != len(seen) {
		a.fault("la bitácora cuenta rechazos resueltos de %d documentos y hay %d", len(a.remedied), len(seen))
	}
}

// history checks the acts about one document and counts its corrections.
func (a *auditor) history(key []byte, past []sale.Remedy) (corrected int) {
	now, err := record(a.t, key)
	d, _, stateErr := getJSON[docState](a.t, bStates, key)
	if !a.check(errors.Join(err, stateErr)) {
		return 0
	}
	if last := past[len(past)-1]; last.Act != sale.ActReissue && !elsewhere(d, last.Sobre) {
		a.fault("%s sigue en el sobre en que fue rechazado, aunque se resolvió", now.Key)
	}
	for i, r := range past {
		next := now.SHA256
		if i+1 < len(past) {
			next = past[i+1].Record.SHA256
		}
		if r.N != i+1 || r.Key != now.Key || r.Next != next || (r.Act == sale.ActCorrect) == (r.Next == r.Record.SHA256) {
			a.fault("las correcciones de %s no siguen una a otra", now.Key)
		}
		if r.Act == sale.ActCorrect {
			corrected++
		}
		if r.Act == sale.ActReissue {
			a.reissued(r, i+1 == len(past))
		}
		_, err := refusedBytes(a.t, past, i+1)
		a.check(err)
	}
	if a.deep && a.remedied[string(key)] != len(past) {
		a.fault("la bitácora cuenta %d veces resuelto %s y son %d", a.remedied[string(key)], now.Key, len(past))
	}
	return corrected
}

func (a *auditor) reissued(r sale.Remedy, last bool) {
	d, err := stateOf(a.t, r.Key)
	other, otherErr := record(a.t, keyBytes(r.As))
	if !a.check(errors.Join(err, otherErr)) {
		return
	}
	if !last || d.State != dte.Rejected || other.Replaces != r.Key || other.ID != r.ID {
		a.fault("%s y %s no se corresponden", r.Key, r.As)
	}
}
