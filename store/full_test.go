//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"mostrador/dte"
	"mostrador/sale"
)

// TestDiskFull lets no file grow any more, and then lets it again. The limit is for a whole process: it runs in its own.
func TestDiskFull(t *testing.T) {
	const alone = "MOSTRADOR_DISK_FULL"
	if os.Getenv(alone) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "sales until full") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	b := newTill(t)
	b.caf(dte.Boleta, 1, 100_000)
	b.issue("first")
	var old syscall.Rlimit
	b.must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	b.must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 256 << 10, Max: old.Max}))
	restore := func() { b.must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)) }
	defer restore()

	var sold []sale.Record
	var err error
	for i := 0; err == nil; i++ {
		var r sale.Record
		if r, err = b.try(sale.ID(fmt.Sprint("s", i))); err == nil {
			sold = append(sold, r)
		}
		if i > 10_000 {
			t.Fatal("the disk never filled up")
		}
	}
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrNotWritten) {
		t.Errorf("got %v", err)
	}
	for _, word := range []string{"no se guardó nada", "disco está lleno", "libere espacio", "a salvo"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the sentence %q lacks %q", err, word)
		}
	}
	next := sale.ID(fmt.Sprint("s", len(sold)))
	for range 3 {
		if _, again := b.try(next); !errors.Is(again, ErrFull) {
			t.Errorf("still full: %v", again)
		}
	}
	for _, r := range sold {
		if kept, err := b.Sale(r.ID); err != nil || kept.Key != r.Key {
			t.Fatalf("%s: %v %v", r.ID, kept.Key, err)
		}
	}
	b.healthy()
	restore()
	if r := b.issue(next); int(r.Key.Folio) != len(sold)+2 {
		t.Errorf("folio %d after %d sales", r.Key.Folio, len(sold)+1)
	}
	t.Logf("%d sales until full", len(sold))
}
