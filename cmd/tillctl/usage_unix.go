//go:build unix

package main

import (
	"runtime"
	"syscall"
	"time"
)

// processUsage asks the kernel. Peak memory is in bytes on macOS and in KiB elsewhere.
func processUsage() consumption {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return consumption{}
	}
	peak := int64(r.Maxrss) //nolint:unconvert // 32 bits in some systems
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak <<= 10
	}
	return consumption{cpu: time.Duration(r.Utime.Nano() + r.Stime.Nano()), peakRSS: peak}
}
