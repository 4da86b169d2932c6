package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a scanner on a cable: what is written to it comes out of the port at path.
func pty(t *testing.T) (cable *os.File, path string) {
	t.Helper()
	cable, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	if err := unix.IoctlSetPointerInt(int(cable.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(cable.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return cable, fmt.Sprintf("/dev/pts/%d", n)
}

// plug puts a fresh cable at the same port.
func plug(t *testing.T, port string) *os.File {
	t.Helper()
	cable, path := pty(t)
	next := port + ".new"
	if err := os.Symlink(path, next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, port); err != nil {
		t.Fatal(err)
	}
	return cable
}

func send(t *testing.T, cable *os.File, text string) {
	t.Helper()
	if _, err := cable.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// until waits for something that the scanner's goroutine does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(20 * time.Second); !ok(); {
		select {
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func TestASerialScannerDeliversWholeCodes(t *testing.T) {
	port := filepath.Join(t.TempDir(), "scanner")
	cable := plug(t, port)
	codes := make(chan string, 1000)
	s := listen(port, 9600, 10*time.Millisecond, func(c string) { codes <- c })
	defer s.Close()
	until(t, "the port opens", func() bool { return s.Problem() == "" })
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			select {
			case got := <-codes:
				if got != w {
					t.Errorf("it delivers %q, want %q", got, w)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("%q was not delivered", w)
			}
		}
	}
	send(t, cable, "7801234567894\r\n7802900001018\r")
	send(t, cable, "78012")
	send(t, cable, "34567894\n")
	expect("7801234567894", "7802900001018", "7801234567894")
	send(t, cable, "\x02ABC-1234\x03\t")
	expect("ABC-1234")
	send(t, cable, "7802900001018") // no end at all: silence is one
	expect("7802900001018")

	var all []string
	for i := range 300 {
		all = append(all, fmt.Sprintf("C%05d", i))
	}
	go func() { _, _ = cable.WriteString(strings.Join(all, "\r") + "\r") }()
	expect(all...)
}

// Pulled out and put back: the till says so, looks for it, and goes on.
func TestASerialScannerComesBack(t *testing.T) {
	port := filepath.Join(t.TempDir(), "scanner")
	codes := make(chan string, 10)
	s := listen(port, 9600, 10*time.Millisecond, func(c string) { codes <- c })
	defer s.Close()
	until(t, "nothing is plugged in", func() bool { return strings.Contains(s.Problem(), "no está en") })
	for range 3 {
		cable := plug(t, port)
		until(t, "it is found", func() bool { return s.Problem() == "" })
		send(t, cable, "7801234567894\r")
		if got := <-codes; got != "7801234567894" {
			t.Errorf("it delivers %q", got)
		}
		if err := os.Remove(port); err != nil {
			t.Fatal(err)
		}
		if err := cable.Close(); err != nil {
			t.Fatal(err)
		}
		until(t, "it is missed", func() bool { return s.Problem() != "" })
	}
}

func TestAClosedSerialScannerIsSilent(t *testing.T) {
	port := filepath.Join(t.TempDir(), "scanner")
	cable := plug(t, port)
	defer cable.Close()
	codes := make(chan string, 10)
	s := listen(port, 9600, time.Hour, func(c string) { codes <- c })
	until(t, "the port opens", func() bool { return s.Problem() == "" })
	s.Close()
	_, _ = cable.WriteString("7801234567894\r")
	if len(codes) != 0 {
		t.Error("it still delivers")
	}
}
