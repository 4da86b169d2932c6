package posintegrado

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// lastWords is a port that says one thing and is gone.
type lastWords struct{ said chan struct{} }

func (lastWords) Write(b []byte) (int, error) { return len(b), nil }
func (lastWords) Close() error                { return nil }

func (p lastWords) Read(b []byte) (int, error) {
	select {
	case <-p.said:
		return 0, io.EOF
	default:
		close(p.said)
		return copy(b, frame("0210|00|")), io.EOF
	}
}

// What arrived with the cut is heard before the cut is: it may say that the card was charged.
func TestLastWordsBeforeTheCut(t *testing.T) {
	gap := func() <-chan time.Time { return nil }
	for range 300 {
		l := newLine(lastWords{make(chan struct{})})
		if e, err := l.next(context.Background(), nil, gap); err != nil || string(e.text) != "0210|00|" {
			t.Fatalf("%q, %v", e.text, err)
		}
		if _, err := l.next(context.Background(), nil, gap); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
	}
}

// stingy is a port that takes little at a time, or nothing.
type stingy struct {
	lastWords
	most int
	got  []byte
}

func (p *stingy) Write(b []byte) (int, error) {
	n := min(p.most, len(b))
	p.got = append(p.got, b[:n]...)
	return n, nil
}

func TestWriteAll(t *testing.T) {
	p := &stingy{most: 3}
	if err := writeAll(p, []byte("0200|1990|")); err != nil || string(p.got) != "0200|1990|" {
		t.Errorf("%q, %v", p.got, err)
	}
	if err := writeAll(&stingy{}, []byte("0200|1990|")); !errors.Is(err, errCut) {
		t.Errorf("a port that takes nothing: %v", err)
	}
}

// blocked is a port that takes nothing and does not say so, until it is closed.
type blocked struct {
	lastWords
	closed chan struct{}
}

func (p blocked) Close() error {
	close(p.closed)
	return nil
}

func (p blocked) Write([]byte) (int, error) {
	<-p.closed
	return 0, io.ErrClosedPipe
}

func TestAWriteThatBlocksIsGivenUp(t *testing.T) {
	l := newLine(blocked{lastWords{make(chan struct{})}, make(chan struct{})})
	defer l.close()
	limit := make(chan time.Time, 1)
	limit <- time.Time{}
	if err := l.write([]byte("x"), limit); !errors.Is(err, errSilence) {
		t.Error(err)
	}
}
