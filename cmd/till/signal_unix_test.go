//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	fynetest "fyne.io/fyne/v2/test"

	"mostrador/cmd/shop"
)

// inChild makes this test binary a program that waits for a signal, and then for the end of its input.
const inChild = "MOSTRADOR_TEST_SIGNAL"

// Who ends the program before its window runs finds it closing, and a second signal does not end that.
func TestASignalBeforeTheWindow(t *testing.T) {
	if os.Getenv(inChild) != "" {
		quit := make(chan struct{})
		asked, _ := askedToEnd(func() { close(quit) }) // until the end: the second signal may come late
		fmt.Println("ready", asked.Err() == nil)
		<-quit
		fmt.Println("closing", asked.Err() != nil)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestASignalBeforeTheWindow$")
			child.Env = append(os.Environ(), inChild+"=1")
			in, inErr := child.StdinPipe()
			out, outErr := child.StdoutPipe()
			if err := child.Start(); err != nil || inErr != nil || outErr != nil {
				t.Fatal(err, inErr, outErr)
			}
			lines := bufio.NewReader(out)
			for _, want := range []string{"ready true\n", "closing true\n"} {
				if line, err := lines.ReadString('\n'); err != nil || line != want {
					t.Fatalf("%q, %v; want %q", line, err, want)
				}
				if err := child.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			in.Close()
			_, _ = io.Copy(io.Discard, lines)
			if err := child.Wait(); err != nil {
				t.Errorf("it did not end by itself: %v", err)
			}
		})
	}
}

// A till that is asked to end while its files are being opened closes them in order and shows no window.
func TestAskedToEndWhileOpening(t *testing.T) {
	a := fynetest.NewTempApp(t)
	f := flags{demo: true, dir: filepath.Join(t.TempDir(), "tienda"), keys: "archivo"}
	before := len(a.Driver().AllWindows())
	asked, end := context.WithCancel(t.Context())
	end()
	if err := runIn(a, f, asked); err != nil {
		t.Fatal(err)
	}
	if n := len(a.Driver().AllWindows()); n != before {
		t.Errorf("%d windows, and %d before", n, before)
	}
	s, err := shop.Open(shop.Options{Dir: f.dir, Keys: f.keys, Now: time.Now})
	if err != nil {
		t.Fatalf("the files are still open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
