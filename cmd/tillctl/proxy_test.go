package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// The password goes in by a file and comes out nowhere.
func TestProxyCommands(t *testing.T) {
	c := practice(t)
	c.must("ninguno", "proxy show")
	secret := c.file("clave", []byte("tres gatos\n"))
	for _, out := range []string{
		c.must("Quedó sellado", "proxy set", "-usuario", "caja", "-clave-file", secret, "proxy.local:3128"),
		c.must("http://proxy.local:3128, con el usuario caja y su contraseña", "proxy show"),
	} {
		if strings.Contains(out, "gatos") {
			t.Errorf("it says the password: %s", out)
		}
	}
	c.refused("quedarían a la vista", "proxy set", "http://u:secreto@x:1")
	c.refused("no es válida", "proxy set", "no es una dirección")
	c.must("caja y su contraseña", "proxy show")
	c.must("El SII respondió", "proxy test") // the simulator, without the proxy, which does not exist
	c.must("ya no tiene", "proxy clear")
	c.must("ninguno", "proxy show")
}

// Without a way to the SII, the test of the way says so.
func TestProxyTestSaysWhatIsWrong(t *testing.T) {
	c := practice(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	out, err := c.do("proxy test", "-simulador", gone.URL)
	if err == nil || !strings.Contains(err.Error(), "No hay conexión con el SII") {
		t.Errorf("%v\n%s", err, out)
	}
}
