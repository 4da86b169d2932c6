package shop

import (
	"errors"
	"slices"
	"sync"
	"time"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/store"
)

// book is the store as the counter uses it: an open cart is written behind the scan that changed it, at once but without
// holding it up, for a disk needs longer to flush than a scan may take. Several changes while the disk is busy are
// written as one, with all their events. Whatever else touches the book waits until the cart is written, so that nobody
// reads an old one and nothing overtakes it.
//
// A cart that cannot be written is told by the next change of the cart, and before the customer pays: until it is
// written, Ready and Issue fail with the reason. A crash loses the changes of the last moment, never a sale.
type book struct {
	*store.Store

	mu      sync.Mutex
	idle    *sync.Cond
	cart    *sale.Cart // to be written; nil: nothing
	events  []sale.Event
	writing bool
	failed  error // why the last writing failed; nil after one that succeeded
	behind  delay
	closed  bool
	wake    chan struct{}
	done    chan struct{}
	paper   func()            // wakes the printer
	lacks   func(dte.TipoDTE) // is told of a document for which there was no folio
}

var _ sale.Journal = (*book)(nil)

// newBook begins to write behind; close ends it.
func newBook(s *store.Store, paper func(), lacks func(dte.TipoDTE)) *book {
	b := &book{Store: s, wake: make(chan struct{}, 1), done: make(chan struct{}), paper: paper, lacks: lacks}
	b.idle = sync.NewCond(&b.mu)
	go b.write()
	return b
}

// SaveCart implements sale.Journal: the cart is on disk a moment later.
func (b *book) SaveCart(c sale.Cart, events ...sale.Event) error {
	c.Lines = slices.Clone(c.Lines)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return store.ErrClosed
	}
	if b.failed != nil {
		if err := b.flushed(); err != nil {
			return err
		}
	}
	if b.cart == nil {
		b.behind.begin(time.Now())
	}
	b.cart, b.events = &c, append(b.events, events...)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// write is the goroutine.
func (b *book) write() {
	defer close(b.done)
	for range b.wake {
		b.mu.Lock()
		_ = b.once() // kept in failed
		b.mu.Unlock()
	}
}

// once writes what there is to write; mu is held, but not while the disk works.
func (b *book) once() error {
	if b.cart == nil {
		return nil
	}
	cart, events, since := *b.cart, b.events, b.behind.since
	b.cart, b.events, b.writing = nil, nil, true
	b.mu.Unlock()
	err := b.Store.SaveCart(cart, events...)
	b.mu.Lock()
	if b.writing, b.failed = false, err; err != nil {
		b.events = append(events, b.events...)
		b.behind.since = since
		if b.cart == nil {
			b.cart = &cart
		}
	} else {
		b.behind.end(since, time.Now())
	}
	b.idle.Broadcast()
	return err
}

// flushed waits until the newest cart is on disk, writing it if need be; mu is held.
func (b *book) flushed() error {
	for b.writing {
		b.idle.Wait()
	}
	return b.once()
}

func (b *book) flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flushed()
}

// delay is how long a change of the cart waited for the disk.
type delay struct {
	since       time.Time // the oldest change that is not being written yet
	last, worst time.Duration
}

func (d *delay) begin(now time.Time) { d.since = now }

func (d *delay) end(since, now time.Time) {
	d.last = now.Sub(since)
	d.worst = max(d.worst, d.last)
}

// CartDelay is how long the cart waited for the disk the last time, and at most since the shop was opened.
func (s *Shop) CartDelay() (last, worst time.Duration) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return s.book.behind.last, s.book.behind.worst
}

// close writes the last cart and ends the goroutine. The store stays open.
func (b *book) close() error {
	err := b.flush()
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.wake)
	}
	b.mu.Unlock()
	<-b.done
	return err
}

// LoadCart implements sale.Journal.
func (b *book) LoadCart() (sale.Cart, error) {
	if err := b.flush(); err != nil {
		return sale.Cart{}, err
	}
	return b.Store.LoadCart()
}

// HoldCart implements sale.Journal.
func (b *book) HoldCart(h sale.Held) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.Store.HoldCart(h)
}

// RecallCart implements sale.Journal.
func (b *book) RecallCart(id sale.ID) (sale.Cart, error) {
	if err := b.flush(); err != nil {
		return sale.Cart{}, err
	}
	return b.Store.RecallCart(id)
}

// Move implements sale.Journal; what it prints is printed now.
func (b *book) Move(m sale.Movement) (sale.Movement, error) {
	kept, err := b.Store.Move(m)
	b.paper()
	return kept, err
}

// Log implements sale.Journal.
func (b *book) Log(e sale.Event) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.Store.Log(e)
}

// Events implements sale.Journal.
func (b *book) Events(limit int) ([]sale.Event, error) {
	if err := b.flush(); err != nil {
		return nil, err
	}
	return b.Store.Events(limit)
}

// Ready implements sale.Journal.
func (b *book) Ready(at time.Time) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.Store.Ready(at)
}

// Issue implements sale.Journal.
func (b *book) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if err := b.flush(); err != nil {
		return sale.Record{}, err
	}
	r, err := b.Store.Issue(id, tipo, at, build)
	if errors.Is(err, sale.ErrNoFolios) {
		b.lacks(tipo)
	}
	return r, err
}

// KeepVoucher implements sale.Journal.
func (b *book) KeepVoucher(r sale.Record) (sale.Record, error) {
	if err := b.flush(); err != nil {
		return sale.Record{}, err
	}
	return b.Store.KeepVoucher(r)
}

// PutPerson implements sale.Journal.
func (b *book) PutPerson(p sale.Person, pin sale.PIN, e sale.Event) (sale.Person, error) {
	if err := b.flush(); err != nil {
		return p, err
	}
	return b.Store.PutPerson(p, pin, e)
}

// SetPolicy implements sale.Journal.
func (b *book) SetPolicy(p sale.Policy, e sale.Event) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.Store.SetPolicy(p, e)
}

// MoveCash implements sale.Journal; its slip is printed now.
func (b *book) MoveCash(m sale.CashMove) (sale.CashMove, error) {
	if err := b.flush(); err != nil {
		return sale.CashMove{}, err
	}
	kept, err := b.Store.MoveCash(m)
	b.paper()
	return kept, err
}

// KeepSlip implements sale.Journal.
func (b *book) KeepSlip(r sale.Record) (sale.Record, error) {
	if err := b.flush(); err != nil {
		return sale.Record{}, err
	}
	return b.Store.KeepSlip(r)
}
