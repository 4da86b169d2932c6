package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/dte/sii/siisim"
)

// start runs the command and returns its address, and what ends it.
func start(t *testing.T, args ...string) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, args, in); _ = in.Close() }()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err, <-done)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return strings.TrimSpace(address), func() error { cancel(); return <-done }
}

// The key and the folios outlive the process, and the key is its owner's only.
func TestStartsStopsAndRemembers(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "llave.pem")
	args := []string{"--addr", "127.0.0.1:0", "--key", key, "--state", filepath.Join(folder, "estado.jsonl")}
	var cafs []*dte.CAF
	for range 2 {
		address, stop := start(t, args...)
		resp, err := http.PostForm(address+"/caf", url.Values{"rut": {"76543210-3"}, "rznSoc": {"X"}, "tipo": {"39"}, "n": {"10"}})
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Fatalf("it did not end cleanly: %v", err)
		}
		if conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://")); err == nil {
			_ = conn.Close()
			t.Error("it still answers")
		}
		caf, err := dte.ParseCAF(file)
		if err != nil {
			t.Fatal(err)
		}
		cafs = append(cafs, caf)
	}
	authority, err := openAuthority(key)
	if err != nil {
		t.Fatal(err)
	}
	for i, caf := range cafs {
		if err := caf.Verify(dte.Trust{}.With(dte.IDKSimulador, authority.Public())); err != nil {
			t.Error(err)
		}
		if want := dte.Folio(10*i + 1); caf.Desde != want {
			t.Errorf("folios from %d, want %d", caf.Desde, want)
		}
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
}

func TestRefusesWhatItCannotUse(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "llave.pem")
	if err := os.WriteFile(bad, []byte("no es una llave"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--scenario", "nada"},
		{"--scenario", bad},
		{"--scenario", "reject:QUE"},
		{"--received", filepath.Join(bad, "x")},
		{"--key", bad},
		{"--schemas", t.TempDir()},
		{"--addr", "no es una dirección"},
		{"--no-such-flag"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v: it ran", args)
		}
	}
	if left, err := os.ReadFile(bad); err != nil || string(left) != "no es una llave" {
		t.Error("a file that is not a key was overwritten")
	}
}

// A named scenario and one from a file are played, and the page can change them.
func TestScenario(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mi escenario.json")
	if err := os.WriteFile(file, []byte(`{"name":"mío","rules":[{"to":1,"do":"error","status":503}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, "unavailable"} {
		address, stop := start(t, "--addr", "127.0.0.1:0", "--scenario", name, "--seed", "7", "--received", filepath.Join(t.TempDir(), "recibidos"))
		get := func() int {
			resp, err := http.Get(address + "/recursos/v1/boleta.electronica.semilla")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		if code := get(); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", name, code)
		}
		resp, err := http.PostForm(address+"/control/scenario", url.Values{"name": {"normal"}})
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(page), "<b>normal</b>") {
			t.Errorf("the page: %v %s", err, page)
		}
		if code := get(); code != http.StatusOK {
			t.Errorf("behaving: %d", code)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListOfScenarios(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"--scenarios"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, s := range siisim.Scenarios() {
		if !strings.Contains(out.String(), s.Name+" ") || !strings.Contains(out.String(), s.Text) {
			t.Errorf("%s is not listed", s.Name)
		}
	}
}

func TestPauseEndsWithTheConnection(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pause(ctx, 1<<62) // or the test never ends
	pause(t.Context(), 1)
}
