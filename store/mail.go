package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"mostrador/dte"
	"mostrador/sale"
)

var (
	bMails     = []byte("mails")     // number → sale.Mail
	bMailsOf   = []byte("mailsof")   // document, number: its letters
	bMailQueue = []byte("mailqueue") // numbers of those that wait
)

func makeMails(t *bolt.Tx) error {
	var err error
	for _, name := range [][]byte{bMails, bMailsOf, bMailQueue} {
		_, made := t.CreateBucketIfNotExists(name)
		err = errors.Join(err, made)
	}
	return err
}

// AddMail queues a letter of a document, in one transaction. The same document to the same address is not queued twice: the
// letter that waits is the answer. sale.ErrNotFound if there is no such document.
func (s *Store) AddMail(m sale.Mail) (kept sale.Mail, err error) {
	err = s.update(func(t *bolt.Tx) error {
		key := keyBytes(m.Key)
		if t.Bucket(bDocs).Get(key) == nil {
			return fmt.Errorf("documento %s: %w", m.Key, sale.ErrNotFound)
		}
		past, err := mailsOf(t, key)
		if err != nil {
			return err
		}
		for _, o := range past {
			if o.State == sale.MailWaiting && o.To == m.To {
				kept = o
				return nil
			}
		}
		if m.ID, err = t.Bucket(bMails).NextSequence(); err != nil {
			return err
		}
		kept = m
		kept.State = sale.MailWaiting
		return errors.Join(putMail(t, kept), t.Bucket(bMailsOf).Put(append(bytes.Clone(key), number(m.ID)...), nil))
	})
	return kept, err
}

// putMail keeps a letter and its place in the queue.
func putMail(t *bolt.Tx, m sale.Mail) error {
	id := number(m.ID)
	queue := t.Bucket(bMailQueue).Delete
	if m.State == sale.MailWaiting {
		queue = func(id []byte) error { return t.Bucket(bMailQueue).Put(id, nil) }
	}
	return errors.Join(putJSON(t, bMails, id, m), queue(id))
}

// NextMail implements mail.Queue.
func (s *Store) NextMail() (first sale.Mail, found bool, err error) {
	err = s.view(func(t *bolt.Tx) error {
		return t.Bucket(bMailQueue).ForEach(func(id, _ []byte) error {
			m, ok, err := getJSON[sale.Mail](t, bMails, id)
			if err == nil && !ok {
				err = damaged(fmt.Errorf("falta el correo %x", id))
			}
			if err == nil && (!found || m.Next.Before(first.Next)) {
				first, found = m, true
			}
			return err
		})
	})
	return first, found && err == nil, err
}

// UpdateMail implements mail.Queue.
func (s *Store) UpdateMail(m sale.Mail) error {
	return s.update(func(t *bolt.Tx) error {
		was, ok, err := getJSON[sale.Mail](t, bMails, number(m.ID))
		if err != nil || !ok || was.State != sale.MailWaiting {
			return err
		}
		return putMail(t, was.Tried(m))
	})
}

// RetryMail has a stopped letter wait again. sale.ErrNotFound if there is none of that number.
func (s *Store) RetryMail(id uint64, at time.Time) (m sale.Mail, err error) {
	err = s.update(func(t *bolt.Tx) error {
		was, ok, err := getJSON[sale.Mail](t, bMails, number(id))
		if err == nil && !ok {
			err = fmt.Errorf("correo %d: %w", id, sale.ErrNotFound)
		}
		if err != nil {
			return err
		}
		m = was.Again(at)
		return errors.Join(t.Bucket(bAttended).Delete([]byte(sale.MailTask(id))), putMail(t, m)) // if it stops again, that is news
	})
	return m, err
}

// MailsOf are the letters of a document, oldest first.
func (s *Store) MailsOf(k dte.Key) (list []sale.Mail, err error) {
	err = s.view(func(t *bolt.Tx) (err error) {
		list, err = mailsOf(t, keyBytes(k))
		return err
	})
	return list, err
}

func mailsOf(t *bolt.Tx, key []byte) (list []sale.Mail, err error) {
	c := t.Bucket(bMailsOf).Cursor()
	for k, _ := c.Seek(key); bytes.HasPrefix(k, key); k, _ = c.Next() {
		m, ok, err := getJSON[sale.Mail](t, bMails, k[keyLen:])
		if err == nil && !ok {
			err = damaged(fmt.Errorf("falta el correo %x", k[keyLen:]))
		}
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// Mails are the newest letters.
func (s *Store) Mails(limit int) (list []sale.Mail, err error) {
	err = s.view(func(t *bolt.Tx) error {
		c := t.Bucket(bMails).Cursor()
		for k, v := c.Last(); k != nil && len(list) < limit; k, v = c.Prev() {
			m, err := decode[sale.Mail](bMails, k, v)
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}

// stoppedMails are the letters that a person must see to: stopped, the last of their document, and not attended. Of old ones
// only the newest mostStopped are looked at.
func stoppedMails(t *bolt.Tx) (list []sale.Mail, err error) {
	seen := map[dte.Key]bool{}
	c := t.Bucket(bMails).Cursor()
	for k, v := c.Last(); k != nil && len(seen) < mostStopped; k, v = c.Prev() {
		m, err := decode[sale.Mail](bMails, k, v)
		if err != nil {
			return nil, err
		}
		if m.State == sale.MailStopped && !seen[m.Key] && t.Bucket(bAttended).Get([]byte(sale.MailTask(m.ID))) == nil {
			list = append(list, m)
		}
		seen[m.Key] = true
	}
	return list, nil
}

// mostStopped is how many documents with letters are looked at for those that were stopped.
const mostStopped = 1000

// isStopped tells whether a task is that of a letter that was stopped.
func isStopped(t *bolt.Tx, task string) bool {
	list, err := stoppedMails(t)
	return err == nil && slices.ContainsFunc(list, func(m sale.Mail) bool { return sale.MailTask(m.ID) == task })
}

// mails checks that every letter is of a document, and waits if and only if it is in the queue.
func (a *auditor) mails() {
	waiting := 0
	a.each(bMails, func(_, _ int, k, v []byte) {
		m, err := decode[sale.Mail](bMails, k, v)
		if !a.check(err) {
			return
		}
		if m.State == sale.MailWaiting {
			waiting++
		}
		queued := a.t.Bucket(bMailQueue).Get(k) != nil
		if a.t.Bucket(bDocs).Get(keyBytes(m.Key)) == nil || queued != (m.State == sale.MailWaiting) {
			a.fault("el correo %d no corresponde a su documento o a la cola", m.ID)
		}
	})
	if n := a.t.Bucket(bMailQueue).Stats().KeyN; n != waiting {
		a.fault("hay %d correos en cola y %d esperan", n, waiting)
	}
}
