package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"mostrador/ui"
)

// What the program keeps of what it no longer needs: an old computer has 2 GB for everything. The catalogue is most of what
// is in use and never changes, so cleaning more often costs little; and what opening left behind goes back once.
const (
	spare     = 30 // per cent
	allOpened = 2 * time.Second
)

func lean() {
	debug.SetGCPercent(spare)
	time.AfterFunc(allOpened, debug.FreeOSMemory)
}

// machine tells what the program occupies, and how far the disk is behind the scans.
func (t *till) machine() []ui.Fact {
	memory := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(memory)
	mebibytes := func(n uint64) uint64 { return n >> 20 }
	facts := []ui.Fact{
		{Name: "Memoria del programa", Value: fmt.Sprintf("%d MiB en uso de %d MiB tomados; %d limpiezas", mebibytes(memory[0].Value.Uint64()), mebibytes(memory[1].Value.Uint64()), memory[2].Value.Uint64())},
	}
	if all, files, ok := resident("/proc/self/status"); ok {
		facts = append(facts, ui.Fact{Name: "Memoria ocupada", Value: fmt.Sprintf("%d MiB, %d de ellos páginas de archivos", all, files)})
	}
	last, worst := t.shop.CartDelay()
	return append(facts,
		ui.Fact{Name: "Del escaneo al disco", Value: fmt.Sprintf("último %s, máximo %s", delay(last), delay(worst))},
		ui.Fact{Name: "Tareas a la vez", Value: strconv.Itoa(runtime.NumGoroutine())},
		ui.Fact{Name: "Programa", Value: fmt.Sprintf("%s, %s/%s, %d procesadores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())})
}

func delay(d time.Duration) string {
	return strings.Replace(strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64), ".", ",", 1) + " ms"
}

// resident reads how much memory the system has given to the program, in MiB; false where the system does not tell so.
func resident(path string) (all, files int, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB")) // other lines are no numbers
		switch name {
		case "VmRSS":
			all, ok = n>>10, true
		case "RssFile":
			files = n >> 10
		}
	}
	return all, files, ok
}

// keepDiagnosis leaves what the window and the machine tell where that was asked for.
func (t *till) keepDiagnosis(w *ui.Window) error {
	if t.diagnosis == "" {
		return nil
	}
	return os.WriteFile(t.diagnosis, []byte(ui.Text(w.Diagnosis())), 0o600)
}
