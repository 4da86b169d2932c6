package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestContingencyByHand(t *testing.T) {
	c := practice(t)
	out := c.must("001.380.7676", "contingencia")
	for _, part := range []string{"001.380.7837", "001.380.6214", "elija una con su contador"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not explained", part)
		}
	}
	cut := []string{"-desde", "25-02-2026 15:16", "-hasta", "25-02-2026 22:10", "-quien", "Rosa"}
	with := func(name string, more ...string) []string { return append(append([]string{name}, cut...), more...) }

	c.refused("faltan -desde", "contingencia resumen", "-total", "1000")
	c.refused("no es una hora", "contingencia resumen", "-desde", "ayer", "-hasta", "22:10", "-quien", "Rosa", "-total", "1000")
	c.refused("-total", with("contingencia resumen")...)
	c.refused("mayor que cero", with("contingencia resumen", "-total", "0")...)
	c.refused("RUT o el nombre", with("contingencia copia", "-total", "5000")...)
	c.must("No la cuente en el resumen", with("contingencia copia", "-total", "5000", "-rut", "11.111.111-1")...)
	c.must("por $120.000 suma", with("contingencia resumen", "-total", "120000", "-exento", "20000", "-transferencia", "50000")...)
	c.must("por $120.000 suma", with("contingencia resumen", "-total", "120000", "-exento", "20000", "-transferencia", "50000")...)
	c.refused("dos veces", with("contingencia copia", "-total", "700", "-nombre", "Luis")...)
	c.refused("se cruza", with("contingencia manual", "-del", "1", "-al", "20", "-total", "9000")...)
	c.must("Anotadas las boletas manuales 1 a 20", "contingencia manual",
		"-desde", "26-02-2026 10:00", "-hasta", "26-02-2026 11:00", "-quien", "Rosa", "-del", "1", "-al", "20", "-total", "9000")
	out = c.must("sin energía", "contingencia list")
	if !strings.Contains(out, "Boletas manuales 1 a 20") || !strings.Contains(out, "1 boleta propia") {
		t.Errorf("%s", out)
	}
	pdf := filepath.Join(t.TempDir(), "informe.pdf")
	c.must("Informe en", "contingencia informe", pdf)
	if b, err := os.ReadFile(pdf); err != nil || !strings.HasPrefix(string(b), "%PDF") {
		t.Errorf("report: %v", err)
	}
	if out, err := c.do("avisos"); err != nil || out == "" {
		t.Errorf("%v %q", err, out)
	}
	c.refused("no existe", "atender", "-quien", "Rosa", "-hizo", "nada", "rechazo:nada")
	c.must("Todo cuadra", "audit")
}
