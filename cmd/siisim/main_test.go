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
		{"--key", bad}, {"--schemas", t.TempDir()}, {"--addr", "no es una dirección"}, {"--no-such-flag"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v: it ran", args)
		}
	}
	if left, err := os.ReadFile(bad); err != nil || string(left) != "no es una llave" {
		t.Error("a file that is not a key was overwritten")
	}
}
