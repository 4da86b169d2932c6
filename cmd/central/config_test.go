package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// example is the documented file of settings.
var example = filepath.Join("..", "..", "docs", "central.conf")

// The documented file is one that the program takes, with the values that it shows.
func TestTheExampleIsTaken(t *testing.T) {
	o, err := parse([]string{"-config", example}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.url != "postgres://mostrador_login@db.ejemplo.cl/mostrador" || o.keys != "/etc/mostrador/llaves-maestras" || o.conns != 20 {
		t.Errorf("%+v", o)
	}
}

// Every setting is in the documented file, explained, once; what is commented out is what holds without the line; and
// nothing else is there.
func TestTheExampleExplainsEverySetting(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	flags := new(options).flags(io.Discard)
	setting := regexp.MustCompile(`^(# )?([a-z][a-z-]*)( [^ ]+)?$`)
	seen := map[string]bool{"config": true}
	explained := false
	for n, line := range strings.Split(string(text), "\n") {
		m := setting.FindStringSubmatch(line)
		if m == nil {
			explained = explained && line != "" || strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "# ---")
			continue
		}
		name, value := m[2], strings.TrimSpace(m[3])
		known := flags.Lookup(name)
		switch {
		case known == nil:
			t.Errorf("line %d: there is no setting %q", n+1, name)
		case seen[name]:
			t.Errorf("line %d: %s is there twice", n+1, name)
		case !explained:
			t.Errorf("line %d: %s is not explained", n+1, name)
		case m[1] != "" && value != known.DefValue:
			t.Errorf("line %d: without the line %s is %q, not %q", n+1, name, known.DefValue, value)
		}
		seen[name] = true
	}
	flags.VisitAll(func(f *flag.Flag) {
		if !seen[f.Name] {
			t.Errorf("%s is not in %s", f.Name, example)
		}
	})
}
