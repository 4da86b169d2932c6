//go:build linux

package flows

import (
	"crypto/rand"
	"os"
	"strings"
	"time"

	"mostrador/dte/sii/siisim"
)

// first are the flows of a computer without a shop.
var first = []flow{
	{"primera-vez", firstTime},
	{"empresa-nueva", newCompany},
}

// From a double click on a computer with nothing on it to the first boleta, in practice.
func firstTime(c *counter) {
	c.start("-tono", "claro", "-dir", c.path("caja"))
	c.see("Esta es la caja de su negocio")
	c.picture("", "La primera vez: practicar, vender de verdad o certificarse")
	c.press("1")
	c.see("¿Qué modelo de emisión declaró al SII?")
	c.picture("modelo", "El modelo de emisión, que se puede dejar para después")
	c.press("1")
	c.another() // the till, in the place of the assistant
	c.at("selling")
	c.scanned(milk, "Leche entera")
	c.pay("$1.190")
	c.see("Boleta 1")
	c.picture("boleta", "La primera boleta")
	c.home = "caja-capacitacion"
	c.books("39 1190")
}

// A real company, up to the till: what is wrong is said where it is written, and without folios nothing is issued.
func newCompany(c *counter) {
	pfx, _, err := siisim.NewSigner(rand.Reader, 11111111, "ROSA SOTO", time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	certificate := c.file("certificado.pfx", string(pfx))
	c.env = []string{"HTTPS_PROXY=http://127.0.0.1:9"} // nothing of this leaves the machine
	c.start("-tono", "claro", "-dir", c.shop()+"-real")
	c.see("Esta es la caja de su negocio")
	c.press("3")
	c.see("La empresa")
	c.write("76543210-4")
	c.see("El dígito verificador no corresponde")
	c.picture("rut", "La empresa: el RUT se revisa al escribirlo")
	c.instead("76543210-3")
	c.see("76.543.210-3 es correcto")
	c.press("Enter")
	c.fields("Minimarket Los Aromos", "Abarrotes", "Los Aromos 12")
	c.write("nuno")
	c.see("Ñuñoa")
	c.picture("", "La empresa: la comuna se elige de la lista")
	c.press("Enter", "Enter")
	c.see("Ante el SII")
	c.fields("472101", "0", "02-01-2026")
	c.press("Enter")
	c.see("¿Qué modelo de emisión declaró al SII?")
	c.press("1")
	c.see("Frase clave del dueño")
	c.secret("una frase larga")
	c.press("Enter")
	c.until("the second line has the typing", func() bool { return c.seen().Typed == "" })
	c.secret("una frase larga")
	c.picture("frase", "La frase clave del dueño, que nadie puede recuperar")
	c.press("Enter")
	c.see("Impresora y cajón")
	c.press("Enter")
	c.see("Certificado digital")
	c.write(certificate)
	c.press("Enter")
	c.until("the password has the typing", func() bool { return c.seen().Typed == "" })
	c.secret(siisim.SignerPassword)
	c.press("Enter")
	c.see("Folios (CAF)")
	c.picture("folios", "Los folios que autorizó el SII, uno por tipo de documento")
	c.press("Enter")
	c.see("¿Trabaja más de una persona?")
	c.press("Enter", "Enter", "Enter")
	c.see("Listo", "Certificado de ROSA SOTO")
	c.picture("listo", "Todo guardado: se abre la caja")
	c.press("Enter")
	c.another()
	c.at("selling")
	c.see("Sin folios")
	c.picture("caja", "La caja nueva, sin catálogo y sin folios: lo dice")
	c.shut()
	if out, err := os.ReadFile(c.path("till.log")); err != nil || strings.Contains(string(out), "una frase") {
		c.t.Errorf("%v %s", err, out)
	}
}
