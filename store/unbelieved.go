package store

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"mostrador/sale"
)

// This file keeps what the till did not believe of the server's news, as tasks. The server tells each thing once, so they are kept in
// the transaction that moves the cursor past it. A task ends when somebody attends it, or with the server's next word of the same
// thing, if that is taken.

const (
	mostUnbelieved  = 200 // tasks that are kept; of more only the server knows
	unbelievedShown = 20  // that a person is told of at a time, the oldest first
)

// unbelieved is a task as it is kept. Load is the load of news that told it last.
type unbelieved struct {
	sale.Unbelieved
	Load int `json:"load"`
}

// makeUnbelieved is a step of the schema.
func makeUnbelieved(t *bolt.Tx) error {
	_, err := t.CreateBucketIfNotExists(bUnbelieved)
	return err
}

// hear begins with what the server says of a thing: what it said before of the same counts no more.
func (p *newsPage) hear(thing string) {
	p.thing = thing
	p.words[thing]++
}

// stands reports what was refused in the page's last word of its thing.
func (p *newsPage) stands(r Refusal) bool { return r.word == p.words[r.thing] }

// key is of a thing and of what was refused of it: a product and its price on a list are refused apart.
func (r Refusal) key() []byte { return []byte(r.thing + "\x00" + r.What) }

// keepTasks brings the tasks up to what the page said last.
func (p *newsPage) keepTasks() error {
	standing := slices.DeleteFunc(slices.Clone(p.refused), func(r Refusal) bool { return !p.stands(r) })
	again := map[string]bool{}
	for _, r := range standing {
		again[string(r.key())] = true
	}
	for thing := range p.words {
		if err := dropTasks(p.t, []byte(thing+"\x00"), func(key []byte, _ unbelieved) bool { return !again[string(key)] }); err != nil {
			return err
		}
	}
	if err := p.addTasks(standing); err != nil || !p.complete {
		return err
	}
	return dropTasks(p.t, nil, func(_ []byte, u unbelieved) bool { return u.Load != p.state.Load })
}

// addTasks keeps as many as there is room for. What was dropped in the same transaction, a bucket's statistics still count.
func (p *newsPage) addTasks(standing []Refusal) error {
	list, err := unbelievedOf(p.t)
	if err != nil {
		return err
	}
	room := mostUnbelieved - len(list)
	for _, r := range standing {
		added, err := p.keepTask(r, room > 0)
		if err != nil {
			return err
		}
		if added {
			room--
		}
	}
	return nil
}

// keepTask keeps one, if there is room for one more. The same words are the same task.
func (p *newsPage) keepTask(r Refusal, room bool) (added bool, err error) {
	u, known, err := getJSON[unbelieved](p.t, bUnbelieved, r.key())
	if err != nil || !known && !room {
		return false, err
	}
	u.Load = p.state.Load
	if !known || u.Why != r.Why {
		if u.Number, err = p.t.Bucket(bUnbelieved).NextSequence(); err != nil {
			return false, err
		}
		u.What, u.Why = r.What, r.Why
	}
	return !known, putJSON(p.t, bUnbelieved, r.key(), u)
}

// dropTasks ends the tasks under a prefix that are over.
func dropTasks(t *bolt.Tx, prefix []byte, over func(key []byte, u unbelieved) bool) error {
	var keys [][]byte
	c := t.Bucket(bUnbelieved).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix) && k != nil; k, v = c.Next() {
		u, err := decode[unbelieved](bUnbelieved, k, v)
		if err != nil {
			return err
		}
		if over(k, u) {
			keys = append(keys, bytes.Clone(k))
		}
	}
	var err error
	for _, k := range keys {
		err = errors.Join(err, t.Bucket(bUnbelieved).Delete(k))
	}
	return err
}

// unbelievedOf lists the tasks, the oldest first.
func unbelievedOf(t *bolt.Tx) (list []sale.Unbelieved, err error) {
	err = t.Bucket(bUnbelieved).ForEach(func(k, v []byte) error {
		u, err := decode[unbelieved](bUnbelieved, k, v)
		list = append(list, u.Unbelieved)
		return err
	})
	slices.SortFunc(list, func(a, b sale.Unbelieved) int { return cmp.Compare(a.Number, b.Number) })
	return list, err
}

// attendUnbelieved ends the task with that ID, and tells what it was about; empty if there is none.
func attendUnbelieved(t *bolt.Tx, id string) (about string, err error) {
	err = dropTasks(t, nil, func(_ []byte, u unbelieved) bool {
		mine := sale.UnbelievedTask(u.Number) == id
		if mine {
			about = u.What
		}
		return mine
	})
	return about, err
}
