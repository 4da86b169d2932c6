package centraltest

import (
	"bytes"
	"sync"
)

// Log is a log in memory. It may be written to from any goroutine.
type Log struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

// Write adds to it.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(b)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}
