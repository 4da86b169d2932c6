package mail

import (
	"slices"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/sale"
)

// Memory is a queue without a file, for tests: it keeps the rules of the store's.
type Memory struct {
	mu   sync.Mutex
	list []sale.Mail
}

// AddMail queues a letter. The same document to the same address is not queued twice: the one that waits is the answer.
func (q *Memory) AddMail(m sale.Mail) (sale.Mail, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, o := range q.list {
		if o.State == sale.MailWaiting && o.Key == m.Key && o.To == m.To {
			return o, nil
		}
	}
	m.ID, m.State = uint64(len(q.list)+1), sale.MailWaiting
	q.list = append(q.list, m)
	return m, nil
}

// NextMail implements Queue.
func (q *Memory) NextMail() (first sale.Mail, found bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.list {
		if m.State == sale.MailWaiting && (!found || m.Next.Before(first.Next)) {
			first, found = m, true
		}
	}
	return first, found, nil
}

// UpdateMail implements Queue.
func (q *Memory) UpdateMail(m sale.Mail) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := q.index(m.ID); i >= 0 && q.list[i].State == sale.MailWaiting {
		q.list[i] = q.list[i].Tried(m)
	}
	return nil
}

// RetryMail has a stopped letter wait again.
func (q *Memory) RetryMail(id uint64, at time.Time) (sale.Mail, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := q.index(id)
	if i < 0 {
		return sale.Mail{}, sale.ErrNotFound
	}
	q.list[i] = q.list[i].Again(at)
	return q.list[i], nil
}

// MailsOf are the letters of a document, oldest first.
func (q *Memory) MailsOf(k dte.Key) (list []sale.Mail, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.list {
		if m.Key == k {
			list = append(list, m)
		}
	}
	return list, nil
}

func (q *Memory) index(id uint64) int {
	return slices.IndexFunc(q.list, func(m sale.Mail) bool { return m.ID == id })
}
