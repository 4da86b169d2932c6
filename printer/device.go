package printer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Device takes the bytes of a ticket to a printer. Print returns nil when the printer has them, as far as the line can
// tell; after an error any part of them may be on paper. One Print at a time.
type Device interface {
	Print(ctx context.Context, ticket []byte) error
}

// ErrNoPaper: the printer says that its roll is at the end.
var ErrNoPaper = errors.New("la impresora no tiene papel")

// The patience with a printer, where none is given.
const (
	dialTimeout  = 3 * time.Second
	writeTimeout = 15 * time.Second
	// hangUp is how long a printer that answers nothing may take to drop the line after the last byte.
	hangUp = 300 * time.Millisecond
)

// TCP is a printer on the network that takes raw bytes, usually on port 9100.
type TCP struct {
	Addr string // "192.168.1.50:9100"
	// Confirm asks the printer for the state of its paper behind every ticket and waits for the answer, which comes when
	// everything before it has been printed. It is the only proof against a printer that loses its power with a ticket
	// in its memory; some cheap models do not answer.
	Confirm bool
	// DialTimeout and WriteTimeout bound the call and the whole ticket; zero means 3 and 15 seconds.
	DialTimeout, WriteTimeout time.Duration
}

// Print sends a ticket.
func (d *TCP) Print(ctx context.Context, ticket []byte) error {
	dialer := net.Dialer{Timeout: orElse(d.DialTimeout, dialTimeout)}
	conn, err := dialer.DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	timeout := orElse(d.WriteTimeout, writeTimeout)
	// The deadline is the kernel's, from the length of patience: no clock is read here.
	stop := time.AfterFunc(timeout, func() { conn.Close() })
	defer stop.Stop()

	if d.Confirm {
		ticket = append(bytes.Clone(ticket), gs, 'r', 1)
	}
	if _, err := conn.Write(ticket); err != nil {
		return err
	}
	if d.Confirm {
		return paperState(conn)
	}
	return farewell(conn)
}

// paperState reads the answer to GS r 1: bits 2 and 3 say that the roll is at its end.
func paperState(conn net.Conn) error {
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("la impresora no confirmó el ticket: %w", err)
	}
	if answer[0]&0x0c != 0 {
		return ErrNoPaper
	}
	return nil
}

// farewell ends the stream and waits a moment for the printer to hang up. A reset means that bytes were lost; silence is
// what most printers answer.
func farewell(conn net.Conn) error {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.CloseWrite(); err != nil {
			return err
		}
	}
	silence := make(chan struct{})
	timer := time.AfterFunc(hangUp, func() {
		close(silence)
		conn.Close()
	})
	defer timer.Stop()
	_, err := io.Copy(io.Discard, conn)
	select {
	case <-silence:
		return nil
	default:
		return err
	}
}

func orElse(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// File is a printer behind a path, such as a USB printer's /dev/usb/lp0, or a plain file to which tickets are appended.
type File struct {
	Path string
	// Timeout bounds a ticket; zero means 15 seconds.
	Timeout time.Duration

	mu      sync.Mutex
	pending *pendingWrite
}

// pendingWrite is a write that may outlive its Print: a USB printer without paper blocks it, and no file can be told to
// stop.
type pendingWrite struct {
	ticket []byte
	done   chan struct{} // closed when err is there
	err    error
}

// Print writes a ticket. If an earlier one is still stuck in the printer, it waits for that one; and if that one was the
// same ticket, its end is this one's, so that it does not come out twice.
func (d *File) Print(ctx context.Context, ticket []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, orElse(d.Timeout, writeTimeout))
	defer cancel()
	if p := d.pending; p != nil {
		err := d.wait(ctx, p)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || bytes.Equal(p.ticket, ticket) {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.pending = &pendingWrite{ticket: bytes.Clone(ticket), done: make(chan struct{})}
	go d.pending.run(d.Path)
	return d.wait(ctx, d.pending)
}

// wait waits for the end of a write and forgets it then.
func (d *File) wait(ctx context.Context, p *pendingWrite) error {
	select {
	case <-p.done:
		d.pending = nil
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pendingWrite) run(path string) {
	defer close(p.done)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		p.err = err
		return
	}
	_, err = f.Write(p.ticket)
	p.err = errors.Join(err, f.Close())
}
