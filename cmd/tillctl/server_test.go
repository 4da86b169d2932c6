package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/assets"
	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/dte"
)

// headquarters is the server of the practice shop's company.
type headquarters struct{ *apitest.Memory }

// Join implements shop.Office.
func (h headquarters) Join(ctx context.Context, _ string, j api.Join) (api.Joined, error) {
	return h.Memory.Join(ctx, j)
}

// Server implements shop.Office.
func (h headquarters) Server(_, token string) (api.Server, error) { return h.Till(token), nil }

func (c *till) headquarters() headquarters {
	c.t.Helper()
	info, err := assets.DemoShop()
	if err != nil {
		c.t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(c.dir, "simulador", "llave.pem"))
	if err != nil {
		c.t.Fatal(err)
	}
	authority, err := dte.OpenAuthority(dte.IDKSimulador, pem, rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	h := headquarters{apitest.NewMemory(apitest.Config{
		Company: api.Company{RUT: info.Emisor.RUT, RznSoc: info.Emisor.RznSoc, Ambiente: info.Ambiente},
		Trust:   dte.Trust{}.With(authority.IDK(), authority.Public()), Start: time.Now(), Rand: rand.Reader,
	})}
	c.office = h
	return h
}

// A till is made a server's by two words, says how it stands, tells what it sold, and becomes its own again.
func TestServerCommands(t *testing.T) {
	c := practice(t)
	h := c.headquarters()
	c.must("trabaja sola", "servidor estado")
	c.refused("no está unida", "servidor ahora")
	c.refused("no está unida", "servidor dejar")
	code, err := h.Invite("Caja 1")
	if err != nil {
		t.Fatal(err)
	}
	c.refused("no sirve", "servidor unir", "https://127.0.0.1:9", "1-AAAA-AAAA")
	c.must("es desde ahora Caja 1 de", "servidor unir", "https://127.0.0.1:9", code)
	c.must("Por contar: ", "servidor estado")
	c.must("Venta ", "issue", "-f", c.json("venta.json", order(dte.Boleta, "una")))
	c.must("movimientos al servidor", "servidor ahora")
	if docs, err := h.Documents(); err != nil || len(docs) != 1 {
		t.Errorf("the server has %+v %v", docs, err)
	}
	c.must("ya tenía todo", "servidor ahora")
	var s serverOut
	if err := json.Unmarshal([]byte(c.must("{", "servidor ahora", "-json")), &s); err != nil || !s.Joined || s.Till != "Caja 1" || s.Unsent != 0 {
		t.Errorf("%+v %v", s, err)
	}
	c.must("Venta ", "issue", "-f", c.json("venta.json", order(dte.Boleta, "dos")))
	out := c.must("dejó el servidor", "servidor dejar")
	if !strings.Contains(out, "por contar al servidor") {
		t.Errorf("what waited was not told: %s", out)
	}
	if docs, err := h.Documents(); err != nil || len(docs) != 2 {
		t.Errorf("the server has %+v %v", docs, err)
	}
	c.must("trabaja sola", "servidor estado")
}

// A server that is gone for ever does not hold a till.
func TestAServerMayBeForgotten(t *testing.T) {
	c := practice(t)
	h := c.headquarters()
	code, err := h.Invite("Caja 1")
	if err != nil {
		t.Fatal(err)
	}
	c.must("es desde ahora", "servidor unir", "https://127.0.0.1:9", code)
	c.office = nil // over HTTP, to a name that nobody has
	if out, err := c.do("servidor dejar", "-espera", "20s"); err == nil {
		t.Fatalf("it left a server that does not answer: %s", out)
	}
	c.must("Esta caja:  Caja 1", "servidor estado")
	c.must("olvidó al servidor", "servidor dejar", "-olvidar")
	c.must("trabaja sola", "servidor estado")
}
