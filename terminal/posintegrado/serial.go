package posintegrado

import (
	"context"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
	"go.bug.st/serial/enumerator"
)

// Baud is the speed that a terminal has when nobody changed it.
const Baud = 115200

// look is how often a reader looks whether its port is being closed.
const look = 100 * time.Millisecond

// OpenPort opens a serial port ("/dev/ttyACM0", "COM3") with eight bits, no parity and one stop bit; baud 0 is Baud.
// What arrived before it was opened is kept: it may be an answer that somebody still waits for.
func OpenPort(name string, baud int) (io.ReadWriteCloser, error) {
	if baud == 0 {
		baud = Baud
	}
	p, err := serial.Open(name, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, err
	}
	if err := p.SetReadTimeout(look); err != nil {
		p.Close() //nolint:errcheck // it was not used
		return nil, err
	}
	return &port{Port: p}, nil
}

// port is a serial port that is closed only when its reader has left it: on Windows the library's Close and a Read under
// way are a race.
type port struct {
	serial.Port
	closing atomic.Bool
	reading sync.Mutex
}

func (p *port) Read(b []byte) (int, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	for !p.closing.Load() {
		if n, err := p.Port.Read(b); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, fs.ErrClosed
}

// Close drops what has not left yet: a command that was given up must not arrive later.
func (p *port) Close() error {
	if p.closing.Swap(true) {
		return nil
	}
	dropped := p.ResetOutputBuffer()
	p.reading.Lock()
	defer p.reading.Unlock()
	if err := p.Port.Close(); err != nil {
		return err
	}
	return dropped
}

// Port is a serial port of this computer.
type Port struct {
	Name string
	// USB is its maker and product, as four hexadecimal digits each: "11ca:0222"; empty for a port that is not USB.
	USB string
	// Likely: it is of a maker of Transbank's terminals.
	Likely bool
}

// makers are the USB vendors of Transbank's terminals: Verifone and Ingenico.
var makers = []string{"11ca", "0b00"}

// Ports lists the serial ports, the likely ones first.
func Ports() ([]Port, error) {
	found, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, err
	}
	var ports []Port
	for _, f := range found {
		p := Port{Name: f.Name}
		if f.IsUSB {
			p.USB = strings.ToLower(f.VID + ":" + f.PID)
			p.Likely = slices.Contains(makers, strings.ToLower(f.VID))
		}
		ports = append(ports, p)
	}
	likelyFirst(ports)
	return ports, nil
}

func likelyFirst(ports []Port) {
	slices.SortStableFunc(ports, func(a, b Port) int {
		switch {
		case a.Likely == b.Likely:
			return strings.Compare(a.Name, b.Name)
		case a.Likely:
			return -1
		}
		return 1
	})
}

// Find polls each port and returns the first whose terminal answers; false if none does. A poll is six bytes that other
// machines may not like: a person asks for this, the program does not on its own.
func Find(ctx context.Context, c Config, ports []Port, open func(name string) (io.ReadWriteCloser, error)) (Port, bool) {
	for _, p := range ports {
		c.Open = func() (io.ReadWriteCloser, error) { return open(p.Name) }
		d := New(c)
		err := d.Poll(ctx)
		d.Disconnect()
		if err == nil {
			return p, true
		}
	}
	return Port{}, false
}
