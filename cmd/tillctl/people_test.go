package main

import (
	"strings"
	"testing"
	"time"

	"mostrador/cmd/shop"
	"mostrador/sale"
)

// The owner's passphrase, and nothing less, adds people and gives a forgotten PIN anew; no PIN is ever told.
func TestPeopleCommands(t *testing.T) {
	c := &till{t: t, dir: t.TempDir()}
	phrase, pin, other := c.file("frase", []byte("una frase larga\n")), c.file("pin", []byte("4321\n")), c.file("otro", []byte("8765"))
	c.must("creada", "init", "-f", c.json("t.json", saleShop()), "-frase-file", phrase)
	c.must("Nadie está anotado", "personas")
	owner := []string{"-frase-file", phrase, "-pin-file", pin}
	say := func(name string, more ...string) []string { return append(append([]string{name}, owner...), more...) }
	c.refused("dueño activo", say("personas agregar", "Ana", "Pérez")...)
	c.refused("no corresponde", "personas agregar", "-frase-file", c.file("mala", []byte("otra frase cualquiera")), "-pin-file", pin, "-rol", "dueño", "Rosa")
	c.refused("4 a 8 cifras", "personas agregar", "-frase-file", phrase, "-pin-file", c.file("corto", []byte("12")), "-rol", "dueño", "Rosa")
	c.must("Rosa", say("personas agregar", "-rol", "dueno", "-rut", "12345678-5", "Rosa")...)
	c.must("cajero", say("personas agregar", "Ana", "Pérez")...)
	c.refused("dueño activo", say("personas desactivar", "1")...)
	c.must("ya no trabaja aquí", say("personas desactivar", "2")...)
	c.must("Ana Pérez", say("personas activar", "2")...)
	c.refused("no hay una persona con el número 7", say("personas pin", "7")...)
	c.refused("no es el número", say("personas pin", "Rosa")...)
	out := c.must("12.345.678-5", "personas")
	out += c.must("Rosa", "personas pin", "-frase-file", phrase, "-pin-file", other, "1")
	if strings.Contains(out, "4321") || strings.Contains(out, "8765") || strings.Contains(out, "ya no trabaja") {
		t.Errorf("it says\n%s", out)
	}
	c.must("Todo cuadra", "audit")

	s, err := shop.Open(shop.Options{Dir: c.dir, Keys: "archivo", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r, err := sale.NewRegister(sale.Deps{Journal: s.Store, Now: time.Now, Rand: strings.NewReader(strings.Repeat("x", 64))})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Enter(1, "4321"); err == nil {
		t.Error("the forgotten PIN still opens the till")
	}
	if err := r.Enter(1, "8765"); err != nil {
		t.Error(err)
	}
}
