//go:build linux

package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// TestPowerCut cuts the power of a real ext4 file system on a loop device at random moments: whatever was not flushed is
// gone, as when the plug is pulled. It needs root and mkfs.ext4, and is asked for: MOSTRADOR_POWERCUT is the number of
// cuts.
func TestPowerCut(t *testing.T) {
	cuts, _ := strconv.Atoi(os.Getenv("MOSTRADOR_POWERCUT"))
	if cuts == 0 {
		t.Skip("MOSTRADOR_POWERCUT says how many cuts; as root")
	}
	disk := newDisk(t)
	random := newRandom(t)
	c := newCrashSite(t, disk.dir)
	for round := range cuts {
		var dark sync.WaitGroup // the cut ends before the disk is taken out
		complaints, _ := c.run(round, os.Args[:1], nil, 0, func(p *os.Process) {
			dark.Add(1)
			soon(random, func() {
				defer dark.Done()
				disk.cut(t)
				_ = p.Kill()
			})
		})
		dark.Wait()
		disk.remount(t)
		c.check(fmt.Sprint("cut ", round, ": ", complaints))
	}
	t.Logf("%d sales acknowledged", len(c.acknowledged))
}

// disk is an ext4 file system in a file.
type disk struct{ image, dir string }

func newDisk(t *testing.T) disk {
	t.Helper()
	base := t.TempDir()
	d := disk{filepath.Join(base, "disk.img"), filepath.Join(base, "disk")}
	command(t, "truncate", "-s", "256M", d.image)
	command(t, "mkfs.ext4", "-q", d.image)
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	command(t, "mount", "-o", "loop", d.image, d.dir)
	t.Cleanup(func() { command(t, "umount", d.dir) })
	return d
}

// cut stops the file system without flushing its journal: EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH.
func (d disk) cut(t *testing.T) {
	f, err := os.Open(d.dir)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	flag := uint32(2)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), 0x8004587d, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		t.Errorf("the power cannot be cut: %v", errno)
	}
}

func (d disk) remount(t *testing.T) {
	t.Helper()
	command(t, "umount", d.dir)
	command(t, "mount", "-o", "loop", d.image, d.dir)
}

func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// TestEveryWriteFails makes the k-th call of one kind fail, or kills the till at it, for every k of a few sales: the
// real case of a commit that nobody knows about. strace does it. Only the flushes of two sales are tried unless
// MOSTRADOR_TORTURE is set; then every write of a dozen sales with shifts, envelopes, a CAF and a backup between them.
func TestEveryWriteFails(t *testing.T) {
	if testing.Short() {
		t.Skip("many runs under strace")
	}
	if err := exec.Command("strace", "-qq", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace cannot be used here: %v", err)
	}
	calls, sales := []string{"fdatasync:error=EIO"}, 2
	if os.Getenv("MOSTRADOR_TORTURE") != "" {
		sales = 13
		calls = append(calls, "fdatasync:signal=KILL", "fdatasync:error=EIO:lasting", "pwrite64:error=EIO", "pwrite64:error=ENOSPC",
			"pwrite64:error=ENOSPC:lasting", "pwrite64:signal=KILL", "ftruncate:error=ENOSPC", "ftruncate:signal=KILL", "openat:error=EIO")
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) { failEach(t, call, sales) })
	}
}

func failEach(t *testing.T, call string, sales int) {
	const last = 300
	call, lasting := strings.CutSuffix(call, ":lasting")
	name, _, _ := strings.Cut(call, ":")
	c := newCrashSite(t, t.TempDir())
	quiet := 0
	for k := 1; k <= last && quiet < 3; k++ {
		when := strconv.Itoa(k)
		if lasting {
			when += "+"
		}
		trace := filepath.Join(c.dir, "trace")
		run := []string{"strace", "-f", "-qq", "-o", trace, "-e", "trace=" + name, "-e", "inject=" + call + ":when=" + when, os.Args[0]}
		complaints, _ := c.run(k, run, []string{childSales + "=" + strconv.Itoa(sales), "GOMAXPROCS=1"}, 0, nil)
		seen, err := os.ReadFile(trace)
		c.must(err)
		if strings.Contains(string(seen), "INJECTED") || strings.Contains(string(seen), "SIGKILL") {
			quiet = 0
		} else {
			quiet++ // there is no k-th call any more
		}
		c.check(fmt.Sprintf("%s at %s: %s", call, when, complaints))
	}
	if quiet == 0 {
		t.Logf("more than %d calls", last)
	}
	t.Logf("%d sales acknowledged", len(c.acknowledged))
}
