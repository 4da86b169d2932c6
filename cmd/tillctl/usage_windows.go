package main

import (
	"runtime"
	"syscall"
	"time"
)

// processUsage asks Windows for the times. Of memory it tells what the runtime holds from the system, which does not
// shrink: the peak within a few MiB.
func processUsage() consumption {
	var created, exited, kernel, user syscall.Filetime
	process, err := syscall.GetCurrentProcess()
	if err != nil || syscall.GetProcessTimes(process, &created, &exited, &kernel, &user) != nil {
		return consumption{}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return consumption{cpu: duration(kernel) + duration(user), peakRSS: int64(m.Sys)}
}

// duration counts in units of 100 ns.
func duration(f syscall.Filetime) time.Duration {
	return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
}
