package posintegrado

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mostrador/terminal"
	"mostrador/terminal/possim"
)

// pty is a pair of serial ports without hardware: the terminal's end, and the name of the till's.
func pty(t *testing.T) (io.ReadWriteCloser, string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = raw.Control(func(fd uintptr) {
		if err := unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			t.Errorf("unlock: %v", err)
		}
		if n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
			t.Errorf("number: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}

// The driver sells over a real serial port of the operating system, and finds the terminal among several ports.
func TestSerialPort(t *testing.T) {
	own, name := pty(t)
	_, deaf := pty(t)
	open := func(name string) (io.ReadWriteCloser, error) { return OpenPort(name, 0) }
	// The till's end is opened before the terminal's is used: a pseudo-terminal without a till says that it is gone.
	first, err := open(name)
	if err != nil {
		t.Fatal(err)
	}
	sim := possim.New(possim.Config{Now: time.Now, After: time.After})
	defer sim.Stop()
	sim.Plug(own)
	sim.Play(possim.Script{Card: time.Millisecond})
	c := Config{Now: time.Now, After: time.After, Zone: time.UTC, Pace: Pace{ACK: 300 * time.Millisecond}}

	ports := []Port{{Name: deaf}, {Name: "/dev/no-such-port"}, {Name: name}}
	found, ok := Find(t.Context(), c, ports, open)
	if !ok || found.Name != name {
		t.Fatalf("found %+v, %v; want %s", found, ok, name)
	}
	c.Open, c.Pace.ACK = func() (io.ReadWriteCloser, error) { return open(name) }, 10*time.Second
	d := New(c)
	in := terminal.Intent{Ref: "a", Ticket: "ABC123", Amount: 1990, At: time.Now()}
	if r := d.Charge(t.Context(), in); r.State != terminal.Approved || sim.Charged("ABC123") != 1 {
		t.Errorf("%+v", r)
	}
	d.Disconnect()
	if r := d.Resolve(t.Context(), in); r.State != terminal.Approved {
		t.Errorf("on a port that was opened again: %+v", r)
	}
	d.Disconnect()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := Find(ctx, c, ports, open); ok {
		t.Error("found, though nobody waited")
	}
}

// Close ends a read under way, and never while the read is inside the library.
func TestCloseEndsARead(t *testing.T) {
	_, name := pty(t)
	p, err := OpenPort(name, 19200)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		ended <- err
	}()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the read of a closed port succeeded")
	}
}
