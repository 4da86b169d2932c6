package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

// Bounds of what Facts looks at.
const (
	paceDays  = 28
	mostTasks = 500 // of each kind: more than a person can read
)

// makeTasks is the second step of the schema: tasks and the log of contingencies. Verdicts that were there before become
// tasks too.
func makeTasks(t *bolt.Tx) error {
	for _, name := range [][]byte{bTasks, bAttended, bOutages} {
		if _, err := t.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return t.Bucket(bStates).ForEach(func(k, v []byte) error {
		d, err := decode[docState](bStates, k, v)
		if err != nil {
			return err
		}
		key, err := parseKey(k)
		if err != nil {
			return err
		}
		return openTask(t, key, d)
	})
}

// openTask asks for a person's attention, if the verdict deserves it.
func openTask(t *bolt.Tx, key dte.Key, d docState) error {
	kind, ok := taskKind(d.State)
	if !ok {
		return nil
	}
	return t.Bucket(bTasks).Put([]byte(sale.TaskID(kind, key)), keyBytes(key))
}

func taskKind(s dte.State) (kind sale.AlarmKind, ok bool) {
	switch s {
	case dte.Rejected:
		return sale.AlarmRejected, true
	case dte.Objected:
		return sale.AlarmObjected, true
	}
	return "", false
}

// Facts are what the store knows for sale.Alarms at time now. The line, the certificate, the clock and the printer's
// trouble are for the caller to add.
func (s *Store) Facts(now time.Time) (f sale.Facts, err error) {
	f.Now = now
	err = s.view(func(t *bolt.Tx) (err error) {
		f.Papers = t.Bucket(bPrint).Stats().KeyN
		for _, part := range []func() error{
			func() (err error) { f.Waiting, err = waitingByType(t); return err },
			func() (err error) { f.Rejected, err = tasksOf(t, sale.AlarmRejected); return err },
			func() (err error) { f.Objected, err = tasksOf(t, sale.AlarmObjected); return err },
			func() (err error) { f.Doubted, err = tasksOf(t, sale.AlarmDoubt); return err },
			func() (err error) { f.Ranges, err = rangesOf(t, 0); return err },
			func() (err error) { f.Pace, err = pace(t, now); return err },
			func() (err error) { f.Stopped, err = stoppedMails(t); return err },
			func() (err error) { f.Unbelieved, err = unbelievedOf(t); return err },
			func() (err error) { f.Outage, err = openOutage(t); return err },
		} {
			err = errors.Join(err, part())
		}
		f.Unbelieved = f.Unbelieved[:min(len(f.Unbelieved), unbelievedShown)]
		f.Attended = attendedCAFs(t)
		return err
	})
	return f, err
}

// arrived reports that the SII has answered for a document: it waits there, no longer here.
func arrived(s dte.State) bool { return s == dte.Sent || s.Final() }

// waitingByType counts what has not reached the SII. Documents of a type wait in the order of their issue.
func waitingByType(t *bolt.Tx) (list []sale.Waiting, err error) {
	err = eachPending(t, func(key []byte, state dte.State) bool {
		k, err := parseKey(key)
		if err != nil || arrived(state) {
			return true
		}
		i := slices.IndexFunc(list, func(w sale.Waiting) bool { return w.Tipo == k.Tipo })
		if i < 0 {
			i, list = len(list), append(list, sale.Waiting{Tipo: k.Tipo, Key: k})
		}
		list[i].Count++
		return true
	})
	for i := range list {
		d, stateErr := stateOf(t, list[i].Key)
		list[i].Oldest, err = d.At, errors.Join(err, stateErr)
	}
	return list, err
}

// tasksOf lists the documents of a kind that nobody has attended, oldest first.
func tasksOf(t *bolt.Tx, kind sale.AlarmKind) (tasks []sale.Task, err error) {
	prefix := []byte(string(kind) + ":")
	c := t.Bucket(bTasks).Cursor()
	for id, key := c.Seek(prefix); bytes.HasPrefix(id, prefix) && len(tasks) < mostTasks; id, key = c.Next() {
		k, err := parseKey(key)
		if err != nil {
			return nil, err
		}
		d, err := stateOf(t, k)
		if err != nil {
			return nil, err
		}
		r, err := record(t, key)
		if err != nil {
			return nil, err
		}
		p, _, err := getJSON[sale.Papers](t, bPapers, key)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, sale.Task{Key: k, At: d.At, Total: r.Total, Veredicto: d.Veredicto, Otro: d.Otro, Printed: p.Printed})
	}
	slices.SortStableFunc(tasks, func(a, b sale.Task) int { return a.At.Compare(b.At) })
	return tasks, nil
}

// pace counts what was issued of each type on each of the last days, today last. It reads keys only.
func pace(t *bolt.Tx, now time.Time) (map[dte.TipoDTE][]int, error) {
	y, m, d := now.In(dte.Santiago).Date()
	var starts []time.Time
	for i := range paceDays + 1 {
		starts = append(starts, time.Date(y, m, d-paceDays+i, 0, 0, 0, 0, dte.Santiago))
	}
	counts := map[dte.TipoDTE][]int{}
	c := t.Bucket(bByTime).Cursor()
	day := 0
	for k, key := c.Seek(number(uint64(starts[0].UnixNano()))); k != nil; k, key = c.Next() {
		at := time.Unix(0, int64(parseNumber(k[:8])))
		for day < paceDays && !at.Before(starts[day+1]) {
			day++
		}
		doc, err := parseKey(key)
		if err != nil {
			return nil, err
		}
		if counts[doc.Tipo] == nil {
			counts[doc.Tipo] = make([]int, paceDays+1)
		}
		counts[doc.Tipo][day]++
	}
	return counts, nil
}

// attended is the mark of a person.
type attended struct {
	Who  string    `json:"who"`
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

func attendedCAFs(t *bolt.Tx) map[string]bool {
	marks := map[string]bool{}
	prefix := []byte(string(sale.AlarmCAF) + ":")
	c := t.Bucket(bAttended).Cursor()
	for id, _ := c.Seek(prefix); bytes.HasPrefix(id, prefix); id, _ = c.Next() {
		marks[string(id)] = true
	}
	return marks
}

// Attend marks the task of an alarm as done: who did what. It leaves an entry in the audit chain; doing it twice keeps
// the first. sale.ErrNotFound if there is no such task.
func (s *Store) Attend(id, who, what string, at time.Time) error {
	who, what = strings.TrimSpace(who), strings.TrimSpace(what)
	if who == "" || what == "" {
		return errors.New("falta quién atendió la tarea o qué hizo. No se anotó nada; escriba ambas cosas")
	}
	return s.update(func(t *bolt.Tx) error {
		if t.Bucket(bAttended).Get([]byte(id)) != nil {
			return nil
		}
		task := t.Bucket(bTasks).Get([]byte(id))
		news, err := attendUnbelieved(t, id)
		if err != nil {
			return err
		}
		if task == nil && news == "" && !strings.HasPrefix(id, string(sale.AlarmCAF)+":") && !isStopped(t, id) {
			return fmt.Errorf("la tarea «%s»: %w. No se anotó nada", id, sale.ErrNotFound)
		}
		f := Fact{At: at, Kind: FactTask, Text: fmt.Sprintf("%s: %s (%s)", id, what, who)}
		if news != "" {
			f.Text = fmt.Sprintf("%s, %s: %s (%s)", id, news, what, who)
		}
		if task != nil {
			if f.Key, err = parseKey(task); err != nil {
				return err
			}
		}
		return errors.Join(
			t.Bucket(bTasks).Delete([]byte(id)),
			putJSON(t, bAttended, []byte(id), attended{who, what, at}),
			note(t, f),
		)
	})
}

// tasks checks that the tasks are exactly the verdicts that nobody has attended.
func (a *auditor) tasks() {
	want := 0
	a.each(bStates, func(_, _ int, k, v []byte) {
		d, err := decode[docState](bStates, k, v)
		if !a.check(err) {
			return
		}
		key, err := parseKey(k)
		if !a.check(err) {
			return
		}
		for _, kind := range d.taskKinds() {
			id := []byte(sale.TaskID(kind, key))
			if a.t.Bucket(bAttended).Get(id) != nil {
				continue
			}
			if want++; a.t.Bucket(bTasks).Get(id) == nil {
				a.fault("el documento %s está %s y no figura entre las tareas", key, d.State)
			}
		}
	})
	if n := a.t.Bucket(bTasks).Stats().KeyN; n != want {
		a.fault("hay %d veredictos por atender y %d tareas", want, n)
	}
}
