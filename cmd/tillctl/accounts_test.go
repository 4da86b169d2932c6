package main

import (
	"strings"
	"testing"
)

// What a customer owes is limited, paid and told by command, and each answer says how it stands.
func TestCreditCommands(t *testing.T) {
	c := practice(t)
	c.refused("diga quién da el cupo", "fiado cupo", "12345678-5", "20000")
	c.must("12.345.678-5 puede deber hasta $20.000; hoy debe $0", "fiado cupo", "-quien", "Rosa", "12345678-5", "20000")
	c.refused("debe $0 y se quieren abonar $1.000", "fiado abono", "-quien", "Rosa", "12345678-5", "1000")
	c.refused("monedas", "fiado abono", "12345678-5", "1001")
	out := c.must("12345678-5", "fiado list")
	if !strings.Contains(out, "$20.000") {
		t.Errorf("the limit is not told:\n%s", out)
	}
	c.must("cupo", "fiado estado", "12345678-5")
}

// The model is shown and changed; the month's card vouchers are added up.
func TestModeloCommands(t *testing.T) {
	c := practice(t)
	c.must("con tarjeta vale el comprobante", "modelo", "voucher")
	c.must("con tarjeta vale el comprobante", "modelo")
	c.refused("no existe", "modelo", "nunca")
	c.must("siempre boleta", "modelo", "boleta")
	c.refused("se escribe como 2026-11", "comprobantes", "noviembre")
	c.must("$0", "comprobantes", "2026-11")
}

// The card terminal is a setting that is checked.
func TestTerminalCommands(t *testing.T) {
	c := practice(t)
	c.must("ninguno", "terminal show")
	c.refused("falta el puerto", "terminal set", "posintegrado")
	c.refused("no existe", "terminal set", "otro")
	c.must("POS Integrado en /dev/ttyACM9", "terminal set", "-puerto", "/dev/ttyACM9", "posintegrado")
	c.must("POS Integrado en /dev/ttyACM9", "terminal show")
	c.refused("puerto", "terminal test") // there is none
	c.must("manual", "terminal set", "manual")
	c.refused("no hay nada que probar", "terminal test")
}
