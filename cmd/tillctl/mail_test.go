package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"mostrador/dte"
)

// The account is written, shown without its password and forgotten; what is queued is listed; what the trial met is told.
func TestMailCommands(t *testing.T) {
	c := practice(t)
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := gone.Addr().(*net.TCPAddr)
	gone.Close()
	c.must("No hay cuenta de correo", "correo show")
	c.refused("falta la cuenta de correo", "correo test")
	secret := c.file("clave", []byte("tres gatos\n"))
	set := func(more ...string) []string {
		return append([]string{"correo set", "-puerto", strconv.Itoa(addr.Port), "-usuario", "caja@tienda.cl", "-desde", "caja@tienda.cl", "-nombre", "Doña Rosa", "-clave-file", secret}, more...)
	}
	c.refused("práctica no envía correos a nadie", set("-servidor", "smtp.empresa.cl")...)
	c.refused("no existe", set("-servidor", "127.0.0.1", "-seguridad", "ninguna")...)
	for _, out := range []string{
		c.must("quedó sellada", set("-servidor", "127.0.0.1")...),
		c.must("starttls, usuario caja@tienda.cl, desde Doña Rosa <caja@tienda.cl>", "correo show"),
	} {
		if strings.Contains(out, "gatos") {
			t.Errorf("it says the password: %s", out)
		}
	}
	c.refused("no hay conexión con el servidor de correo", "correo test")
	const folio = "1"
	c.must("Boleta Electrónica N° 1", "issue", "-f", c.json("venta.json", order(dte.Boleta, "venta-1")))
	c.refused("no es una dirección de correo", "correo enviar", "39", folio, "ana")
	c.refused("no es un folio", "correo enviar", "39", "uno", "ana@x.cl")
	c.must("El correo 1 para ana@x.cl quedó en la cola", "correo enviar", "39", folio, "ana@x.cl")
	c.must("T39F"+folio+"\tana@x.cl\tespera", "correo list")
	c.must("otra vez en la cola", "correo reintentar", "1")
	c.refused("correo 9", "correo reintentar", "9")
	c.must("ya no tiene cuenta", "correo clear")
	c.must("No hay cuenta de correo", "correo show")
}
