package main

import (
	"strings"
	"testing"
)

// Files that are none, or not this shop's, are refused by name; the others go on.
func TestResultadoCommand(t *testing.T) {
	c := practice(t)
	const other = `<?xml version="1.0"?><RESULTADO_ENVIO><IDENTIFICACION><RUTEMISOR>11111111-1</RUTEMISOR><RUTENVIA>11111111-1</RUTENVIA>` +
		`<TRACKID>1</TRACKID><ESTADO>EPR</ESTADO></IDENTIFICACION></RESULTADO_ENVIO>`
	c.refused("es de la empresa 11.111.111-1", "sii resultado", c.file("otra.xml", []byte(other)))
	out, err := c.do("sii resultado", c.file("nada.txt", []byte("hola")), c.file("otra.xml", []byte(other)))
	if err == nil || !strings.Contains(err.Error(), "nada.txt: El archivo no es la respuesta") || !strings.Contains(err.Error(), "otra.xml: el archivo es de la empresa") {
		t.Errorf("%v\n%s", err, out)
	}
	c.refused("faltan", "sii resultado")
}
