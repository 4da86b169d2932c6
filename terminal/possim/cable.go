package possim

import (
	"io"
	"net"
	"time"
)

// cable is one connection to the till. Its ends live until it is unplugged; what is cut stays cut.
type cable struct {
	till io.ReadWriteCloser
	dead [2]bool // by direction: toTerminal, toTill
}

const (
	toTerminal = iota
	toTill
)

// Dial plugs in a new cable and returns the till's end of it.
func (s *Sim) Dial() (io.ReadWriteCloser, error) {
	till, own := net.Pipe()
	s.Plug(own)
	return till, nil
}

// Plug connects the terminal to the till over conn: a pipe, a pseudo-terminal, a connection. The cable before it is
// pulled out.
func (s *Sim) Plug(conn io.ReadWriteCloser) {
	c := &cable{till: conn}
	s.mu.Lock()
	old := s.cable
	s.cable = c
	s.mu.Unlock()
	if old != nil {
		old.till.Close()
	}
	s.running.Go(func() { s.pump(c) })
}

// pump brings bytes from the till.
func (s *Sim) pump(c *cable) {
	buf := make([]byte, 256)
	for {
		n, err := c.till.Read(buf)
		for _, b := range buf[:n] {
			if !s.passes(c, toTerminal) {
				continue
			}
			select {
			case s.rx <- b:
			case <-s.stop:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passes counts a byte on the cable and cuts it where the script says.
func (s *Sim) passes(c *cable, direction int) bool {
	s.mu.Lock()
	cut := s.script.Cut
	if cut != nil && cut.ToTill == (direction == toTill) && !s.cutDone {
		if s.passed == cut.After {
			s.cutDone = true
			s.cut(c, direction)
		}
		s.passed++
	}
	alive := !c.dead[direction]
	s.mu.Unlock()
	return alive
}

// cut is called with the lock held.
func (s *Sim) cut(c *cable, direction int) {
	c.dead[direction] = true
	switch s.script.Cut.Kind {
	case Unplugged:
		c.dead[1-direction] = true
		c.till.Close()
	case Silent:
		c.dead[1-direction] = true
	}
	if s.script.Cut.Power {
		s.powerOff()
	}
}

// send puts bytes on the cable that is plugged in, if any. It reports whether the power held.
func (s *Sim) send(b ...byte) bool {
	s.mu.Lock()
	c, off, drip := s.cable, s.off, s.script.Drip
	s.mu.Unlock()
	for _, x := range b {
		if drip > 0 && !s.wait(drip) {
			return false
		}
		select {
		case <-off:
			return false
		default:
		}
		if c != nil && s.passes(c, toTill) {
			_, _ = c.till.Write([]byte{x}) // a till that went away is told nothing
		}
	}
	return !closed(off)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wait lets time pass, unless the power fails or the simulator ends.
func (s *Sim) wait(d time.Duration) bool {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	select {
	case <-s.c.After(d):
		return true
	case <-off:
	case <-s.stop:
	}
	return false
}
