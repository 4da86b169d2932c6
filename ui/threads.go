package ui

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/sale"
	pricing "mostrador/sale/price"
	"mostrador/terminal"
)

// Everything of ui happens on one goroutine, the window's. This file is the only door for others: a test reads the
// syntax of the package and refuses a go statement, a fyne.Do or a timer anywhere else.

// Dispatcher runs f on the window's goroutine, soon and in order, without waiting for it.
type Dispatcher interface {
	Do(f func())
}

// fyneLoop is the real one. Once the application has ended it does nothing: Fyne would run f on the caller's goroutine.
type fyneLoop struct {
	ended atomic.Bool
	post  func(f func()) // fyne.Do
}

func newFyneLoop(app fyne.App) *fyneLoop {
	endQuietly(app)
	return &fyneLoop{post: fyne.Do}
}

func (l *fyneLoop) Do(f func()) {
	if l.ended.Load() {
		return
	}
	defer l.late()
	l.post(func() {
		if !l.ended.Load() {
			f()
		}
	})
}

// late is for who comes while Fyne closes its queue, of which it tells nobody beforehand: the window has ended.
func (l *fyneLoop) late() {
	switch r := recover().(type) {
	case nil:
	case runtime.Error:
		if r.Error() != "send on closed channel" {
			panic(r)
		}
		l.ended.Store(true)
	default:
		panic(r)
	}
}

// endQuietly takes out what Fyne has its own goroutine do while it closes the queue for it, which sometimes ends the program
// before our files are closed: saving preferences, of which there are none here.
func endQuietly(app fyne.App) {
	if l, ok := app.Lifecycle().(interface{ SetOnStoppedHookExecuted(f func()) }); ok {
		l.SetOnStoppedHookExecuted(nil)
	}
}

// Timer runs f once after d, through the Dispatcher of the window. A timer that became useless is not stopped: f looks.
type Timer func(d time.Duration, f func())

// timerOn is the real one.
func timerOn(loop Dispatcher) Timer {
	return func(d time.Duration, f func()) { time.AfterFunc(d, func() { loop.Do(f) }) }
}

// aside does what takes long on another goroutine, and what that returns on the window's.
func (w *Window) aside(work func() (then func())) {
	w.runAside(func() {
		then := work()
		w.loop.Do(then)
	})
}

// CardProgress shows what the card terminal is doing. It may be called from any goroutine.
func (w *Window) CardProgress(words string) {
	w.loop.Do(func() {
		if d, ok := w.dialog.(*cardDialog); ok {
			d.progress.say(words)
		}
	})
}

// AskCard has the cashier read a terminal without a cable. It waits for the answer, on the goroutine of whoever asks.
func (w *Window) AskCard(ctx context.Context, q terminal.Question) (terminal.Answer, error) {
	type told struct {
		answer terminal.Answer
		err    error
	}
	answered := make(chan told, 1)
	w.loop.Do(func() { w.manual(q, func(a terminal.Answer, err error) { answered <- told{a, err} }) })
	select {
	case t := <-answered:
		return t.answer, t.err
	case <-ctx.Done():
		return terminal.Answer{}, ctx.Err()
	}
}

// newGoroutine is how the real window does it.
func newGoroutine(f func()) { go f() }

// mailbox holds the newest value that another goroutine left, and wakes the window once, however many came.
type mailbox struct {
	mu     sync.Mutex
	status Status
	full   bool
}

// put leaves a value; the first one since the last take reports true.
func (m *mailbox) put(s Status) (wake bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wake = !m.full
	m.status, m.full = s, true
	return wake
}

func (m *mailbox) take() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = false
	return m.status
}

// Scanned takes a whole code from a scanner that is no keyboard. It may be called from any goroutine and does not wait;
// codes are taken in the order in which they come.
func (w *Window) Scanned(code string) { w.loop.Do(func() { w.arrived(code) }) }

// SetNews gives the counter other products and prices, from the next sale on: read tells them, on the window's goroutine. It may
// be called from any goroutine and does not wait.
func (w *Window) SetNews(read func() (sale.Catalogue, *pricing.Book)) {
	w.loop.Do(func() {
		w.counter.SetNews(read())
		w.render()
	})
}

// SetStatus tells the window how things stand around it. It may be called from any goroutine, as often as one likes;
// it never waits and only the newest value is drawn.
func (w *Window) SetStatus(s Status) {
	if w.mail.put(s) {
		w.loop.Do(func() {
			w.status = w.mail.take()
			w.render()
		})
	}
}
