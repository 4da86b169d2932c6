package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"go.bug.st/serial"
)

// serialScanner listens to a scanner on a serial port (USB-COM), for as long as it takes: one that is unplugged is looked for
// again until it is back.
type serialScanner struct {
	port    string
	baud    int
	retry   time.Duration
	deliver func(code string)
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	problem string
}

// Pauses of a serial line: a scanner that ends its codes with nothing is silent for longer than codeSilence; an unplugged one
// is looked for every lookAgain.
const (
	codeSilence = 60 * time.Millisecond
	lookAgain   = 2 * time.Second
	longestCode = 256
)

// listen begins. deliver is called from a goroutine, once for each code.
func listen(port string, baud int, retry time.Duration, deliver func(string)) *serialScanner {
	s := &serialScanner{
		port: port, baud: baud, retry: retry, deliver: deliver, stop: make(chan struct{}), stopped: make(chan struct{}),
		problem: "buscando el escáner en " + port,
	}
	go s.run()
	return s
}

// Problem is why nothing is heard; empty while the scanner is there.
func (s *serialScanner) Problem() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

func (s *serialScanner) note(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = problem
}

// Close ends it; nothing is delivered afterwards.
func (s *serialScanner) Close() {
	close(s.stop)
	<-s.stopped
}

func (s *serialScanner) run() {
	defer close(s.stopped)
	for {
		s.session()
		select {
		case <-s.stop:
			return
		case <-time.After(s.retry):
		}
	}
}

// session is from plugging in to unplugging.
func (s *serialScanner) session() {
	port, err := serial.Open(s.port, &serial.Mode{BaudRate: s.baud})
	if err != nil {
		s.note(fmt.Sprintf("no está en %s (%v)", s.port, err))
		return
	}
	defer func() { _ = port.Close() }() // one that was unplugged cannot be closed
	if err := port.SetReadTimeout(codeSilence); err != nil {
		s.note(fmt.Sprintf("no responde en %s (%v)", s.port, err))
		return
	}
	s.note("")
	if err := s.read(port); err != nil {
		s.note(fmt.Sprintf("se desconectó de %s", s.port))
	}
}

// read delivers what stands between two ends of line, or two silences, until the port fails or Close.
func (s *serialScanner) read(port serial.Port) error {
	var code strings.Builder
	flush := func() {
		if code.Len() > 0 {
			s.deliver(code.String())
		}
		code.Reset()
	}
	chunk := make([]byte, 64)
	for {
		select {
		case <-s.stop:
			return nil
		default:
		}
		n, err := port.Read(chunk)
		if err != nil {
			return err
		}
		if n == 0 { // silence
			flush()
		}
		for _, b := range chunk[:n] {
			switch {
			case b == '\r' || b == '\n' || b == '\t' || code.Len() == longestCode:
				flush()
			case b >= ' ' && b < 0x7f: // codes are ASCII; STX, ETX and their like frame them
				code.WriteByte(b)
			}
		}
	}
}
