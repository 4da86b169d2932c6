package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/sale"
)

// nobody is an address of this machine at which no simulator answers; with it a practice shop starts none inside.
const nobody = "http://127.0.0.1:9"

// child runs tillctl as a process of its own, inside another program: strace, or unshare.
func (c *till) child(wrapper []string, args ...string) string {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	words := strings.Fields(args[0])
	full := append(append(wrapper, self), words...)
	full = append(append(full, "-dir", c.dir, "-llave", "archivo"), args[1:]...)
	cmd := exec.CommandContext(c.t.Context(), full[0], full[1:]...)
	cmd.Env = append(os.Environ(), alone+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", strings.Join(full, " "), err, out)
	}
	return string(out)
}

// sellADay makes a shop's day with the commands of tillctl, each in a process of its own: boletas, a factura and its
// note, their papers, the alarms, a backup and the audit.
func (c *till) sellADay(wrapper []string) (documents int) {
	c.t.Helper()
	run := func(args ...string) string {
		c.t.Helper()
		return c.child(wrapper, append([]string{args[0], "-simulador", nobody}, args[1:]...)...)
	}
	for _, o := range []sale.Order{order(dte.Boleta, "b1"), order(dte.BoletaExenta, "b2"), order(dte.Boleta, "b3"), order(dte.Factura, "f1")} {
		run("issue", "-f", c.json(string(o.ID)+".json", o))
	}
	note := order(dte.NotaCredito, "n1")
	note.Draft = dtetest.Draft(dte.Factura, dte.Date{})
	note.Draft.Tipo, note.Draft.Emisor = dte.NotaCredito, dte.Emisor{}
	note.Draft.Referencia = []dte.Referencia{{TpoDocRef: "33", FolioRef: "1", FchRef: dte.DateOf(time.Now()), CodRef: dte.Anula, RazonRef: "Anula documento"}}
	run("issue", "-f", c.json("n1.json", note))
	papers := filepath.Join(c.t.TempDir(), "papeles")
	run("export", "-out", papers)
	if printed, err := filepath.Glob(filepath.Join(papers, "*.bin")); err != nil || len(printed) != 5 {
		c.t.Errorf("%d tickets, %v", len(printed), err)
	}
	run("avisos")
	run("backup", filepath.Join(c.t.TempDir(), "respaldo.db"))
	run("audit")
	return 5
}

// listed are the documents and what became of them.
func (c *till) listed() (docs []struct{ State dte.State }) {
	c.t.Helper()
	lines := json.NewDecoder(strings.NewReader(c.must("", "docs", "-json")))
	for lines.More() {
		var doc struct{ State dte.State }
		if err := lines.Decode(&doc); err != nil {
			c.t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

// TestADayWithoutANetworkInterface: in a place where the machine has no network interface at all, the day is sold and
// audited; back outside, the same folder is sent and everything is accepted.
func TestADayWithoutANetworkInterface(t *testing.T) {
	wrapper := withoutInterfaces(t)
	c := practice(t)
	documents := c.sellADay(wrapper)
	sim, url, stop, err := shop.StartSimulator(shop.Options{Dir: c.dir, Keys: "archivo", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c.must("", "sync", "-simulador", url)
	listed := c.listed()
	if len(listed) != documents {
		t.Errorf("%d documents in the book, want %d", len(listed), documents)
	}
	for _, d := range listed {
		if d.State != dte.Accepted {
			t.Errorf("a document is %s", d.State)
		}
	}
	if n := len(sim.Documents()); n != documents {
		t.Errorf("%d documents at the SII, want %d", n, documents)
	}
	c.must("", "audit")
}

// withoutInterfaces is a program that takes the network away from another.
func withoutInterfaces(t *testing.T) []string {
	t.Helper()
	for _, wrapper := range [][]string{{"unshare", "-n"}, {"unshare", "-rn"}} {
		out, err := exec.CommandContext(t.Context(), wrapper[0], append(wrapper[1:], "cat", "/proc/net/dev")...).Output()
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(out), "\n") {
			name, _, found := strings.Cut(line, ":")
			if found && strings.TrimSpace(name) != "lo" {
				t.Fatalf("there is an interface left: %s", line)
			}
		}
		return wrapper
	}
	t.Skip("this machine has no unshare, or does not permit a network of one's own")
	return nil
}

// TestASaleOpensNoSocket watches every system call of the day: no socket of the internet is opened, not even to look.
func TestASaleOpensNoSocket(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("there is no strace to watch with")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	wrapper := []string{"strace", "-f", "-A", "-o", trace, "-e", "trace=%network"}
	if err := exec.CommandContext(t.Context(), "strace", "-o", trace, "true").Run(); err != nil {
		t.Skipf("strace may not watch here: %v", err)
	}
	c := practice(t)
	c.child(wrapper, "docs") // its simulator listens: that much the watcher must see
	if seen := sockets(t, trace); len(seen) == 0 {
		t.Fatal("the watcher sees nothing")
	}
	if err := os.Remove(trace); err != nil {
		t.Fatal(err)
	}
	c.sellADay(wrapper)
	if seen := sockets(t, trace); len(seen) > 0 {
		t.Errorf("a sale day opened sockets:\n%s", strings.Join(seen, "\n"))
	}
}

// sockets are the lines of a trace that speak of the internet.
func sockets(t *testing.T, trace string) (seen []string) {
	t.Helper()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, "AF_INET") {
			seen = append(seen, line)
		}
	}
	return seen
}
