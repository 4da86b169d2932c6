//go:build linux

package flows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/cmd/shop"
)

// Set by make flows: MOSTRADOR_FLOWS is where pictures go ("-" takes none).
var (
	pictures = strings.TrimPrefix(os.Getenv("MOSTRADOR_FLOWS"), "-")
	root     = filepath.Join("..", "..")
	broken   = filepath.Join(root, "out", "flows") // pictures of what went wrong
)

// program is one of ours, as make build left it.
func program(name string) string { return filepath.Join(root, "bin", name) }

// flow is something that people do at a till.
type flow struct {
	name string
	do   func(c *counter)
}

// chapter is what people do at a till for one purpose.
type chapter struct {
	title string
	flows []flow
}

var chapters = []chapter{
	{"La primera vez", first},
	{"Vender", selling},
	{"Cobrar", paying},
	{"Facturas, guías y clientes", papers},
	{"Devolver, copiar y buscar", afterwards},
	{"Personas y cajón", people},
	{"La línea, el correo, los precios y la balanza", around},
	{"Turno, avisos y conciliación", office},
	{"Ajustes y tamaños", setting},
}

// TestFlows does everything that a cashier does, with real keys in a real window.
func TestFlows(t *testing.T) {
	if os.Getenv("MOSTRADOR_FLOWS") == "" {
		t.Skip("make flows runs this: it needs Xvfb, xdotool and ImageMagick")
	}
	for _, dir := range []string{broken, pictures} {
		if err := os.MkdirAll(dir, 0o755); dir != "" && err != nil {
			t.Fatal(err)
		}
	}
	screen(t)
	model := filepath.Join(t.TempDir(), "tienda")
	if err := shop.CreateDemo(shop.Options{Dir: model, Keys: "archivo", Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	for _, ch := range chapters {
		for _, f := range ch.flows {
			t.Run(f.name, func(t *testing.T) {
				c := &counter{t: t, flow: f.name, dir: t.TempDir(), home: "tienda", size: "1280x800"}
				if err := os.CopyFS(c.shop(), os.DirFS(model)); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.cutPower)
				f.do(c)
				c.keep()
			})
		}
	}
	if err := table(); err != nil {
		t.Fatal(err)
	}
}

// screen is a display in memory, large enough for the largest window.
func screen(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "3840x2160x24", "-noreset", "-nolisten", "tcp")
	server.ExtraFiles = []*os.File{w}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	w.Close()
	number := make([]byte, 16)
	n, err := r.Read(number)
	if err != nil {
		t.Fatalf("Xvfb says no display: %v", err)
	}
	runtime := t.TempDir()
	for name, value := range map[string]string{
		"DISPLAY": ":" + strings.TrimSpace(string(number[:n])), "LIBGL_ALWAYS_SOFTWARE": "1", "LANG": "es_CL.UTF-8", "XDG_RUNTIME_DIR": runtime,
		"WAYLAND_DISPLAY": "", "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": runtime,
	} {
		t.Setenv(name, value)
	}
	// a keyboard as in Chile: it has ñ and accents
	if out, err := exec.Command("setxkbmap", "latam").CombinedOutput(); err != nil {
		t.Fatalf("setxkbmap: %v %s", err, out)
	}
}
