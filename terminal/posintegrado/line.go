package posintegrado

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// What can go wrong on a line. None of them says anything about the card, and none holds a byte of a message.
var (
	errPort     = errors.New("no se pudo abrir el puerto del terminal")
	errCut      = errors.New("se cortó la conexión con el terminal")
	errSilence  = errors.New("el terminal no responde")
	errRefused  = errors.New("el terminal no entiende lo que se le envía: revise el cable")
	errGarbled  = errors.New("la respuesta del terminal llegó dañada")
	errAnswered = errors.New("el terminal respondió otra cosa")
)

// line is an open port: one goroutine reads it, so that every wait can end and the terminal can always speak.
type line struct {
	port io.ReadWriteCloser

	mu      sync.Mutex
	arrived []byte
	ended   bool          // nothing more will arrive
	more    chan struct{} // has room for one: something arrived, or it ended

	dec   decoder
	bytes []byte // taken from arrived, not yet decoded
}

// mostKept bounds what a terminal, or a noisy cable, says while nobody listens.
const mostKept = 64 << 10

func newLine(port io.ReadWriteCloser) *line {
	l := &line{port: port, more: make(chan struct{}, 1)}
	go l.read()
	return l
}

func (l *line) read() {
	buf := make([]byte, 512)
	for {
		n, err := l.port.Read(buf)
		l.mu.Lock()
		if len(l.arrived)+n <= mostKept {
			l.arrived = append(l.arrived, buf[:n]...)
		}
		l.ended = err != nil
		l.mu.Unlock()
		select {
		case l.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// close ends the reader too. What had arrived is lost.
func (l *line) close() { l.port.Close() }

// write sends bytes; a port that takes none of them is given up when limit comes.
func (l *line) write(b []byte, limit <-chan time.Time) error {
	done := make(chan error, 1)
	go func() { done <- writeAll(l.port, b) }()
	select {
	case err := <-done:
		return err
	case <-limit:
		return errSilence
	}
}

// writeAll is what io.Writer promises and a serial port need not keep.
func writeAll(w io.Writer, b []byte) error {
	for len(b) > 0 {
		n, err := w.Write(b)
		if err != nil {
			return errCut // the port's own words could hold what was sent
		}
		if n == 0 {
			return errCut
		}
		b = b[n:]
	}
	return nil
}

// next waits for an event, until ctx ends or limit comes (errSilence). A frame that stops halfway is damaged after gap.
func (l *line) next(ctx context.Context, limit <-chan time.Time, gap func() <-chan time.Time) (event, error) {
	for {
		e, ok, ended := l.waiting()
		switch {
		case ok:
			return e, nil
		case ended:
			return event{}, errCut
		}
		var stopped <-chan time.Time
		if l.dec.inside() {
			stopped = gap()
		}
		select {
		case <-ctx.Done():
			return event{}, ctx.Err()
		case <-limit:
			return event{}, errSilence
		case <-stopped:
			l.dec.reset()
			return event{kind: gotDamaged}, nil
		case <-l.more:
		}
	}
}

// waiting returns an event that has already arrived, if there is one, and whether nothing else will. The last words
// before a cut come before the cut.
func (l *line) waiting() (e event, ok, ended bool) {
	l.mu.Lock()
	l.bytes, l.arrived = append(l.bytes, l.arrived...), nil
	ended = l.ended
	l.mu.Unlock()
	e, ok = l.decode()
	return e, ok, ended
}

func (l *line) decode() (event, bool) {
	for i, c := range l.bytes {
		if e, ok := l.dec.feed(c); ok {
			l.bytes = l.bytes[i+1:]
			return e, true
		}
	}
	l.bytes = nil
	return event{}, false
}
