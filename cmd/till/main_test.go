package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	possync "mostrador/sync"
	"mostrador/ui"
)

func TestFlags(t *testing.T) {
	f, err := parseFlags([]string{"-dir", "x", "-llave", "archivo", "-escala", "125", "-tono", "oscuro"}, io.Discard)
	if err != nil || f.dir != "x" || f.keys != "archivo" || f.percent != 125 || f.tone != "oscuro" || f.demo {
		t.Errorf("%+v %v", f, err)
	}
	work, err := parseFlags(nil, io.Discard)
	if err != nil || work.percent != 0 || work.tone != "" {
		t.Errorf("%+v %v", work, err)
	}
	practice, err := parseFlags([]string{"-demo"}, io.Discard)
	if err != nil || practice.dir == work.dir || !practice.demo {
		t.Errorf("practice in %q, work in %q, %v", practice.dir, work.dir, err)
	}
	for _, bad := range [][]string{{"-no"}, {"vender"}, {"-escala", "grande"}} {
		if _, err := parseFlags(bad, io.Discard); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestStrip(t *testing.T) {
	since := time.Date(2026, 3, 16, 12, 0, 0, 0, dte.Santiago)
	for name, c := range map[string]struct {
		in   shop.Status
		line ui.Line
	}{
		"not tried yet": {shop.Status{}, ui.Status{}.Line},
		"up":            {shop.Status{Known: true}, ui.LineUp},
		"down":          {shop.Status{Known: true, Worker: possync.Status{Down: true, Since: since, Problem: "no responde el proxy"}}, ui.LineDown},
	} {
		if got := stripOf(c.in); got.Line != c.line || c.line == ui.LineDown && (!got.Since.Equal(since) || got.LineProblem != "no responde el proxy") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	got := stripOf(shop.Status{PrinterProblem: "sin papel", Worker: possync.Status{Backlog: dte.Backlog{Documents: 3, Oldest: since}}})
	if got.Waiting != 3 || !got.Oldest.Equal(since) || got.PrinterProblem != "sin papel" {
		t.Errorf("%+v", got)
	}
}

// The practice shop is made at the first start and found at the second; a status file and copies are left where asked.
func TestPracticeShopReportsAndCopies(t *testing.T) {
	base := t.TempDir()
	f := flags{demo: true, dir: filepath.Join(base, "tienda"), keys: "archivo", statusFile: filepath.Join(base, "estado.json"), out: filepath.Join(base, "out")}
	first, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(f); err == nil || !strings.Contains(err.Error(), "ya está abierto") {
		t.Errorf("a second window: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	till, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	deps, err := till.shop.Deps()
	if err != nil {
		t.Fatal(err)
	}
	if err := till.shop.Start(); err != nil {
		t.Fatal(err)
	}
	draft := dte.Draft{Tipo: dte.Boleta, Detalle: []dte.Linea{{Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(990)}}}
	r, err := sale.IssueOrder(deps, sale.Order{ID: "uno", Draft: draft})
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(f.out, r.Key.ID()+".pdf")
	status := struct{ Documents, Accepted int }{}
	for limit := time.After(time.Minute); ; {
		_, copyErr := os.Stat(copied)
		b, statusErr := os.ReadFile(f.statusFile)
		if copyErr == nil && statusErr == nil && json.Unmarshal(b, &status) == nil && status.Accepted == 1 && status.Documents == 1 {
			break
		}
		select {
		case <-limit:
			t.Fatalf("%+v %v %v", status, copyErr, statusErr)
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := till.Close(); err != nil {
		t.Error(err)
	}
}

func TestDemoRefusesARealShop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tienda")
	info := sale.Shop{Emisor: dtetest.Emisor(), Resolucion: dtetest.Resolucion(), Ambiente: dte.Certificacion, Caja: "CAJA1"}
	if err := shop.Create(shop.Options{Dir: dir, Keys: "archivo", Now: time.Now}, info, "una frase larga"); err != nil {
		t.Fatal(err)
	}
	if _, err := open(flags{demo: true, dir: dir, keys: "archivo"}); err == nil || !strings.Contains(err.Error(), "tienda real") {
		t.Errorf("%v", err)
	}
	serious, err := open(flags{dir: dir, keys: "archivo"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := serious.shop.Deps(); err == nil {
		t.Error("sells without a certificate")
	}
	if err := serious.Close(); err != nil {
		t.Error(err)
	}
}
