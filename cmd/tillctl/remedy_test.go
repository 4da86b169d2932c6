package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/sii/siisim"
	"mostrador/sale"
)

// refusals are boletas that the simulator refused, each with its code, sent by tillctl itself.
func refusals(t *testing.T, codes ...string) *till {
	t.Helper()
	c := practice(t)
	sim, url, stop, err := shop.StartSimulator(shop.Options{Dir: c.dir, Keys: "archivo", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for i, code := range codes {
		c.must("N°", "issue", "-f", c.json("b.json", order(dte.Boleta, fmt.Sprint("b", i))))
		if err := sim.Claim(code, dte.Rejected); err != nil {
			t.Fatal(err)
		}
	}
	c.must("Todo tiene veredicto", "sync", "-simulador", url, "-espera", "60s")
	if err := sim.SetScenario(siisim.Scenario{Name: "normal"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// Three refused boletas leave by hand, each by its own way, and nothing is done twice.
func TestRefusedDocumentsByHand(t *testing.T) {
	c := refusals(t, "REF-3-750", "HED-3-211", "DTE-3-601")
	out := c.must("Desde aquí: tillctl docs reenviar", "avisos")
	for _, order := range []string{"docs corregir -quien NOMBRE -motivo \"...\" T39F2", "docs otro-folio -quien NOMBRE -motivo \"...\" T39F3"} {
		if !strings.Contains(out, order) {
			t.Errorf("the alarms do not say %q:\n%s", order, out)
		}
	}
	by := []string{"-quien", "Rosa", "-motivo", "lo dijo el SII"}
	with := func(name string, more ...string) []string { return append(append([]string{name}, by...), more...) }

	c.refused("no es un documento", with("docs reenviar", "boleta")...)
	c.refused("no existe", with("docs reenviar", "39-77")...)
	c.refused("falta quién lo hace", "docs reenviar", "39-1")
	c.refused("no sirve corregirlo", with("docs corregir", "-razon", "Ana", "39-1")...)
	c.refused("no sirve reenviarlo", with("docs reenviar", "39-3")...)
	c.refused("no sirve emitirlo con otro folio", with("docs otro-folio", "39-2")...)
	c.refused("todavía no cambia", with("docs corregir", "39-2")...)
	c.refused("dígito", with("docs corregir", "-rut", "11111111-2", "39-2")...)

	for range 2 {
		c.must("se envía de nuevo, tal cual", with("docs reenviar", "T39F1")...)
		c.must("salió de nuevo, corregida", with("docs corregir", "-rut", "11.111.111-1", "-razon", "Ana Pérez", "39-2")...)
		c.must("es ahora Boleta Electrónica N° 4", with("docs otro-folio", "39-3")...)
	}
	c.must("Todo tiene veredicto", "sync", "-espera", "60s")
	out = c.must("aceptado", "docs")
	if strings.Count(out, "aceptado") != 3 || strings.Count(out, "RECHAZADO") != 1 {
		t.Errorf("%s", out)
	}
	c.must("Todo cuadra", "audit")
	c.refused("sólo una nota de crédito", with("docs corregir", "-razon", "Otra", "39-2")...)

	folder := t.TempDir()
	out = c.must("1 versiones rechazadas", "docs historia", "-out", folder, "39-2")
	for _, part := range []string{"rechazada por HED-3-211", "corregir, por Rosa: lo dijo el SII", "Boleta Electrónica N° 2: aceptado"} {
		if !strings.Contains(out, part) {
			t.Errorf("the history does not say %q:\n%s", part, out)
		}
	}
	if b, err := os.ReadFile(filepath.Join(folder, "T39F2-rechazado-1.xml")); err != nil || bytes.Contains(b, []byte("Ana")) {
		t.Errorf("the refused version: %v", err)
	}
	c.must("es ahora Boleta Electrónica N° 4", "docs historia", "39-3")
	c.must("Reemplaza a Boleta Electrónica N° 3", "docs historia", "39-4")
	c.refused("no hay versiones rechazadas", "docs historia", "-out", folder, "39-4")
}

// References are corrected in a file, which begins as what tillctl shows.
func TestCorrectReferencesInAFile(t *testing.T) {
	c := refusals(t, "HED-3-211")
	var correction sale.Correction
	if err := json.Unmarshal([]byte(c.must("receptor", "docs corregir", "-muestra", "39-1")), &correction); err != nil {
		t.Fatal(err)
	}
	correction.Referencia = []dte.Referencia{{TpoDocRef: "801", FolioRef: "44", RazonRef: "orden de compra"}}
	by := []string{"docs corregir", "-quien", "Rosa", "-motivo", "faltaba la orden"}
	other := correction
	other.Key.Folio = 2
	c.refused("corrige otro documento", append(by, "-f", c.json("otra.json", other), "39-1")...)
	c.refused("no se entiende", append(by, "-f", c.file("mala.json", []byte(`{"folio": 7}`)), "39-1")...)
	c.must("salió de nuevo", append(by, "-f", c.json("c.json", correction), "39-1")...)
	dir := t.TempDir()
	c.must("documentos en", "export", "-out", dir)
	if b, err := os.ReadFile(filepath.Join(dir, "T39F1.xml")); err != nil || !bytes.Contains(b, []byte("<RazonRef>orden de compra</RazonRef>")) {
		t.Errorf("not corrected: %v\n%s", err, b)
	}
}
