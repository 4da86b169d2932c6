package store

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A sale never waits for a network: nothing that sale and store are made of, however far down, speaks HTTP or belongs to
// the wire, and only what is named here touches a socket at all.
func TestNothingBelowASaleReachesTheNetwork(t *testing.T) {
	sockets := map[string]string{
		"github.com/godbus/dbus/v5":           "the system's keyring, at start, over a socket of this machine",
		"github.com/russellhaering/goxmldsig": "takes keys in the shape of crypto/tls and opens nothing",
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{.ImportPath}} {{.Standard}}{{range .Imports}} {{.}}{{end}}`, "mostrador/sale", "mostrador/store").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 100 || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "go.etcd.io/bbolt ") }) {
		t.Fatalf("only %d packages, without bbolt: this list cannot be right", len(lines))
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		name, standard, imports := fields[0], fields[1] == "true", fields[2:]
		for _, wire := range []string{"net/http", "net/rpc", "net/smtp", "mostrador/dte/sii", "mostrador/sync", "mostrador/central"} {
			if name == wire || strings.HasPrefix(name, wire+"/") {
				t.Errorf("sale and store depend on %s", name)
			}
		}
		for _, door := range []string{"net", "crypto/tls", "syscall/js", "golang.org/x/net"} {
			if !standard && slices.Contains(imports, door) && sockets[name] == "" {
				t.Errorf("%s imports %s", name, door)
			}
		}
	}
}
