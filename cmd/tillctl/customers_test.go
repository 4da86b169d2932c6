package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Customers come from a spreadsheet and go into one that brings them back.
func TestCustomersThereAndBack(t *testing.T) {
	c := practice(t)
	good := "rut;razon social;comuna;listas\n76.192.083-9;Comercial Los Aromos;NUNOA;Mayorista|Socios\n60803000-K;Servicio;Macondo;\n"
	bad := c.file("malos.csv", []byte(good+"76192083-8;Otro;;\n"))
	if out, err := c.do("clientes import", bad); err == nil || !strings.Contains(out, "línea 4") || !strings.Contains(err.Error(), "quedaron como estaban") {
		t.Errorf("%v\n%s", err, out)
	}
	empty := filepath.Join(t.TempDir(), "vacio.csv")
	c.must("0 clientes", "clientes export", empty)
	// Nobody's file is overwritten.
	c.refused("no se pudo crear", "clientes export", empty)
	if out := c.must("2 clientes guardados, 1 filas omitidas", "clientes import", "-aunque-falten", bad); !strings.Contains(out, "«Macondo» no está") {
		t.Errorf("a commune that nobody knows passes without a word:\n%s", out)
	}
	first := filepath.Join(t.TempDir(), "clientes.csv")
	c.must("2 clientes", "clientes export", first)
	text, err := os.ReadFile(first)
	if err != nil || !strings.Contains(string(text), `"76192083-9";"Comercial Los Aromos";"";"";"Ñuñoa";"";"";"";"Mayorista|Socios";""`) {
		t.Errorf("%v\n%s", err, text)
	}
	c.must("2 clientes guardados, 0 filas", "clientes import", first)
	second := filepath.Join(t.TempDir(), "otra.csv")
	c.must("2 clientes", "clientes export", second)
	if again, err := os.ReadFile(second); err != nil || string(again) != string(text) {
		t.Errorf("%v: what was exported comes back as\n%s", err, again)
	}
}
