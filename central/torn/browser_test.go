package torn_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var pictures = flag.String("pictures", "", "keep pictures of the pages in this folder")

// browse opens a page in a real browser and returns what stands there when its scripts have run, what they complained about,
// and every address that was asked for.
func browse(t *testing.T, address, picture string) (page, complaints string, asked []string) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the pages are not tried in a browser (make pages installs it)")
	}
	dir := t.TempDir()
	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + filepath.Join(dir, "profile"), "--log-net-log=" + filepath.Join(dir, "net.json"),
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr", "--virtual-time-budget=20000", "--window-size=1280,1600",
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dump := exec.CommandContext(ctx, program, append(flags, "--dump-dom", address)...)
	var said strings.Builder
	dump.Stderr = &said
	content, err := dump.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	for _, line := range strings.Split(said.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			complaints += line + "\n"
		}
	}
	asked = askedFor(t, filepath.Join(dir, "net.json"))
	if picture != "" {
		if out, err := exec.CommandContext(ctx, program, append(flags, "--screenshot="+picture, address)...).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	return string(content), complaints, asked
}

// askedFor reads, from the browser's own record, what the page and its scripts asked for. What the browser asks for by
// itself comes from no origin.
func askedFor(t *testing.T, file string) (list []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Events []struct {
			Params struct{ URL, Initiator string }
		}
	}
	if err := json.Unmarshal(content, &log); err != nil {
		t.Fatalf("%v in %.200s", err, content)
	}
	for _, event := range log.Events {
		if strings.HasPrefix(event.Params.Initiator, "http") && !slices.Contains(list, event.Params.URL) {
			list = append(list, event.Params.URL)
		}
	}
	return list
}

// The two pages of the document work in a browser without a line to anywhere: all they need is in the program.
func TestThePagesOfTheDocumentInABrowser(t *testing.T) {
	server := httptest.NewServer(published().server)
	t.Cleanup(server.Close)
	for page, wanted := range map[string][]string{
		"/docs":  {"swagger-ui", "opblock-summary-path", "/sales/facturar-guias", "Vender: stock, folio"},
		"/redoc": {"Mostrador: referencia", "/sales/facturar-guias", "Se respondió", "Cómo se niega"},
	} {
		t.Run(page[1:], func(t *testing.T) {
			picture := ""
			if *pictures != "" {
				picture = filepath.Join(*pictures, page[1:]+".png")
			}
			content, complaints, asked := browse(t, server.URL+page, picture)
			for _, part := range wanted {
				if !strings.Contains(content, part) {
					t.Errorf("%s does not show %q", page, part)
				}
			}
			if complaints != "" {
				t.Errorf("the browser complains: %s", complaints)
			}
			if page == "/docs" && !slices.Contains(asked, server.URL+"/openapi.json") {
				t.Errorf("the record of requests does not have the document: %q", asked)
			}
			for _, address := range asked {
				if !strings.HasPrefix(address, server.URL+"/") {
					t.Errorf("%s asks for %s", page, address)
				}
			}
			t.Logf("%d requests", len(asked))
		})
	}
}
