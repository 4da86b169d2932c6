package possim_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"mostrador/terminal/possim"
)

// TestWire speaks with the terminal byte by byte, as the reference writes them, without the driver.
func TestWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := possim.New(possim.Config{Now: time.Now, After: time.After})
		defer sim.Stop()
		line, err := sim.Dial()
		if err != nil {
			t.Fatal(err)
		}
		sold := "|00|597000000123|SIM00001|123|107919|1990|00||1486|000001|CR||4539578763621486|VI|01012000|000008||0||"
		for _, step := range []struct{ say, hear string }{
			{"\x020100\x03\x02", "\x06"},
			{"\x020250|\x03\x79", "\x15"},
			{"\x020250|\x03\x78", "\x06" + framed("0260|11|||||||||||||||||||")},
			{"\x06\x020200|1990|123||0|0|\x03" + lrc("0200|1990|123||0|0|"), "\x06" + framed("0210"+sold)},
			{"\x15", framed("0210" + sold)},
			{"", framed("0210" + sold)}, // silence is as good as a NAK
			{"", ""},
			{"\x020250|\x03\x78", "\x06" + framed("0260"+sold)},
			{"\x06\x020700||\x03\x04", "\x06" + framed("0710|00|1|1990")},
			{"\x06\x021200|1|\x03" + lrc("1200|1|"), "\x06" + framed("1210|00|597000000123|SIM00001|700001|1")},
			{"\x06\x021200|1|\x03" + lrc("1200|1|"), "\x06" + framed("1210|04|597000000123|SIM00001|700001|1")},
			{"\x06\x020500||\x03\x06", "\x06" + framed("0510|00|597000000123|SIM00001|")},
			{"\x06\x020250|\x03\x78", "\x06" + framed("0260|11|||||||||||||||||||")},
		} {
			if _, err := io.WriteString(line, step.say); err != nil {
				t.Fatal(err)
			}
			heard := make([]byte, len(step.hear))
			if _, err := io.ReadFull(line, heard); err != nil || string(heard) != step.hear {
				t.Fatalf("to %q: %q, %v; want %q", step.say, heard, err, step.hear)
			}
			if step.say == "" {
				<-time.After(time.Minute)
			}
		}
		if n := sim.Charged("123"); n != 1 {
			t.Errorf("charged %d times", n)
		}
	})
}

func lrc(text string) string {
	x := byte(0x03)
	for _, c := range []byte(text) {
		x ^= c
	}
	return string([]byte{x})
}

func framed(text string) string { return fmt.Sprintf("\x02%s\x03%s", text, lrc(text)) }

// It hangs on anything that carries bytes: here, a socket.
func TestPlug(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	till, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer till.Close()
	own, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sim := possim.New(possim.Config{Now: time.Now, After: time.After})
	sim.Plug(own)
	answer := make([]byte, 1)
	if _, err := io.WriteString(till, "\x020100\x03\x02"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(till, answer); err != nil || answer[0] != 0x06 {
		t.Errorf("%q, %v", answer, err)
	}
	sim.Stop()
	if _, err := till.Read(answer); err == nil {
		t.Error("a terminal that is off keeps its line")
	}
}
