package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mostrador/ui"
)

func TestResidentMemoryIsRead(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(status, []byte("Name:\ttill\nVmRSS:\t  262144 kB\nRssAnon:\t  1 kB\nRssFile:\t  98304 kB\nThreads:\t9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, files, ok := resident(status); all != 256 || files != 96 || !ok {
		t.Errorf("%d, %d, %v", all, files, ok)
	}
	if _, _, ok := resident(filepath.Join(t.TempDir(), "none")); ok {
		t.Error("a system that does not tell was understood")
	}
}

// The diagnosis names the memory, the disk and the program of a real shop.
func TestTheMachineTells(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tienda")
	till, err := open(flags{demo: true, dir: dir, keys: "archivo"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = till.Close() }()
	text := ui.Text(till.machine())
	for _, name := range []string{"Memoria del programa: ", "Del escaneo al disco: último 0,0 ms", "Tareas a la vez: ", "Programa: go1"} {
		if !strings.Contains(text, name) {
			t.Errorf("it lacks %q:\n%s", name, text)
		}
	}
}
