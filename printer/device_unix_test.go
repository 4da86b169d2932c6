//go:build unix

package printer

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A USB printer without paper blocks the write, like a pipe that nobody reads. The ticket that is stuck in it comes out
// once, although it was given up and tried again.
func TestFileThatBlocks(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "lp0")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	d := &File{Path: pipe, Timeout: 20 * time.Millisecond}
	for _, ticket := range []string{"first", "first", "other"} {
		if err := d.Print(context.Background(), []byte(ticket)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s: %v", ticket, err)
		}
	}
	paper := make(chan string)
	go func() {
		f, err := os.Open(pipe)
		if err != nil {
			paper <- err.Error()
			return
		}
		defer f.Close()
		b, _ := io.ReadAll(f)
		paper <- string(b)
	}()
	d.Timeout = 20 * time.Second
	if err := d.Print(context.Background(), []byte("first")); err != nil {
		t.Fatal(err)
	}
	if got := <-paper; got != "first" {
		t.Errorf("the paper says %q", got)
	}
}
