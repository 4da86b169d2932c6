//go:build linux

package flows

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

var people = []flow{
	{"personas", crew},
	{"autorizar", approval},
	{"cajon", drawer},
	{"devolver-sin-boleta", returnWithout},
}

// Who works in the flows, with their PINs.
const (
	ownerPIN, watchPIN, tillPIN = "9182", "7364", "4455"
)

// hired writes somebody down, from the menu. The lines of the form are filled in already as is usual.
func (c *counter) hired(name, role, pin string, again ...string) {
	c.t.Helper()
	c.menu("Personas")
	c.pick("Agregar a alguien…")
	c.see("El mismo PIN otra vez")
	c.fields(name, "")
	c.until("the role has the typing", func() bool { return c.seen().Typed != "" })
	c.instead(role)
	c.press("Enter", "Enter")
	c.until("the PIN has the typing", func() bool { return c.seen().Typed == "" })
	c.secret(pin)
	c.press("Enter")
	c.until("the PIN is asked for again", func() bool { return c.seen().Typed == "" })
	for _, wrong := range again {
		c.secret(wrong)
		c.press("F12")
		c.see("Los dos PIN no son iguales")
		c.picture("pin", "Agregar a alguien: el PIN se escribe dos veces y nunca se ve")
		c.press(slicesOf("←", len(wrong))...)
		c.until("the line is empty", func() bool { return c.seen().Typed == "" })
	}
	c.secret(pin)
	c.press("F12")
	c.at("selling")
	c.see("Guardado: " + name)
	c.press("Esc")
	c.gone("Guardado")
}

// crew has three people work here, and Ana at the till.
func (c *counter) crew() {
	c.t.Helper()
	c.hired("Rosa Soto", "dueño", ownerPIN)
	c.hired("Luis Mena", "supervisor", watchPIN)
	c.hired("Ana Peña", "cajero", tillPIN)
	c.locked()
	c.press("↓", "↓")
	c.enters(tillPIN)
	c.see("Ana")
}

// locked locks the till.
func (c *counter) locked() {
	c.t.Helper()
	c.press("F10")
	c.see("Elija su nombre")
}

// enters has whoever is marked come in.
func (c *counter) enters(pin string) {
	c.t.Helper()
	c.secret(pin)
	c.press("Enter")
	c.at("selling")
}

// approved has whoever is marked approve what was asked for.
func (c *counter) approved(pin string) {
	c.t.Helper()
	c.see("¿Quién lo autoriza?")
	c.secret(pin)
	c.press("Enter")
}

// The owner writes down who works here; the till is locked with a sale in it, guesses wait, and another one goes on with the sale.
func crew(c *counter) {
	c.open()
	c.hired("Rosa Soto", "dueño", ownerPIN, "9183")
	c.hired("Luis Mena", "supervisor", watchPIN)
	c.hired("Ana Peña", "cajero", tillPIN)
	c.menu("Personas")
	c.see("supervisor", "empiezan con EMP")
	c.picture("", "Quién trabaja aquí, y qué puede cada uno")
	c.press("Esc")
	c.at("selling")
	c.scanned(milk, "Leche entera")
	c.locked()
	c.see("Hay una venta abierta de $1.190")
	c.press("↓", "↓")
	for guess := 1; !c.seen().says("Espere") && guess < 9; guess++ { // who guesses slowly waits longer before it is told
		c.secret("0000")
		c.press("Enter")
		c.until("the guess is answered", func() bool { s := c.seen(); return s.Typed == "" && s.says("no corresponde") })
	}
	c.see("Espere")
	c.picture("espera", "Con varios PIN malos hay que esperar; la venta abierta está a salvo")
	c.press("F12", "Esc")
	c.see("Para seguir, entre con su PIN")
	c.until("the wait is over and Ana is in", func() bool {
		if s := c.seen(); !s.Dialog {
			return true
		}
		c.secret(tillPIN)
		c.press("Enter")
		c.until("the PIN is looked at", func() bool { s := c.seen(); return s.Typed == "" || !s.Dialog })
		return !c.seen().Dialog
	})
	c.at("selling")
	c.see("Ana", "Leche entera")
	c.scanned(cola, "Bebida cola")
	c.locked()
	c.press("↑")
	c.enters(watchPIN)
	c.see("Luis", "$2.980")
	c.picture("cambio", "Otro cajero sigue con la misma venta")
	c.pay("$2.980")
	c.paid(c.books("39 2980")[0], "Atendido por: Luis Mena")
	if out := c.ctl("personas"); !strings.Contains(squeeze(out), "3 Ana Peña cajero") || strings.Contains(out, tillPIN) {
		c.t.Errorf("who works here: %s", out)
	}
}

// discount asks for one on the marked line, which is about to expire.
func (c *counter) discount(off string) {
	c.t.Helper()
	c.press("F4")
	c.choose("1", "Escriba 10% o un monto")
	c.enter(off)
	c.see("¿Por qué?")
	c.press("2")
}

// A cashier gives up to 5 %. More is approved on the spot by somebody who may, and both stand on the books.
func approval(c *counter) {
	c.open()
	c.crew()
	c.scanned(cola, "Bebida cola")
	c.discount("5%")
	c.at("selling")
	c.see("$1.700") // alone
	c.discount("20%")
	c.see("¿Quién lo autoriza?", "Ana Peña no puede descontar 20 %")
	c.press("Esc")
	c.at("selling")
	c.see("$1.700") // refused: nothing changed
	c.discount("20%")
	c.see("¿Quién lo autoriza?")
	c.press("↓")
	c.picture("", "Un descuento mayor lo autoriza un supervisor con su PIN, ahí mismo")
	c.approved(watchPIN)
	c.at("selling")
	c.see("$1.432", "Ana") // and Ana is at the till as before
	c.pay("$1.432")
	p := c.books("39 1432")[0]
	c.paid(p, "Atendido por: Ana Peña")
}

// slips waits until the printer's file says all of this.
func (c *counter) slips(words ...string) {
	c.t.Helper()
	for _, w := range words {
		c.until("the paper says "+w, func() bool {
			b, err := os.ReadFile(filepath.Join(c.shop(), "tickets.bin"))
			return err == nil && bytes.Contains(b, []byte(w))
		})
	}
}

// The drawer is opened with a reason; cash comes and goes with a slip; what should be in it is known when the shift is closed.
func drawer(c *counter) {
	c.open()
	c.press("F9")
	c.see("Abrir: dar sencillo")
	c.picture("", "El cajón: abrirlo con un motivo, ingresar o retirar efectivo, o el turno")
	c.press("1")
	c.at("selling")
	c.see("Anotado: Dar sencillo.")
	c.press("Esc")
	c.shift("20000")
	c.press("F9")
	c.choose("5", "Cuenta en el efectivo que debe haber")
	c.write("30.000")
	c.press("Enter")
	c.write("Sencillo del banco")
	c.picture("ingreso", "Ingreso de efectivo, con su motivo")
	c.press("F12")
	c.at("selling")
	c.see("Ingreso de $30.000 anotado. En el cajón debe haber $50.000.")
	c.press("Esc")
	c.press("F9")
	c.choose("6", "Cuenta en el efectivo que debe haber")
	c.write("60.000")
	c.press("Enter")
	c.write("Al banco")
	c.press("F12")
	c.see("En el cajón debe haber $50.000 y se quieren retirar $60.000. Nada se anotó")
	c.picture("retiro", "No se retira más de lo que hay")
	c.press("↑")
	c.until("the amount has the typing", func() bool { return c.seen().Typed == "60.000" })
	c.instead("15.000")
	c.press("F12")
	c.at("selling")
	c.see("Retiro de $15.000 anotado. En el cajón debe haber $35.000.")
	c.press("Esc")
	c.slips("INGRESO DE EFECTIVO", "RETIRO DE EFECTIVO", "Al banco")
	c.press("F9")
	c.choose("4", "¿Por qué se abre el cajón?")
	c.enter("cambiar el rollo")
	c.at("selling")
	c.see("Anotado: cambiar el rollo.")
	c.press("Esc")
	c.sold("$2.980", milk, cola)
	c.press("F9", "F9")
	c.at("shift")
	c.see("Debería haber", "$37.980", "Ingresos de efectivo", "$30.000", "Retiros de efectivo", "-$15.000", "1 vez")
	c.enter("37980")
	c.see("¿Cerrar el turno?")
	c.press("Enter")
	c.see("Turno 1 cerrado", "$0")
	c.picture("cierre", "El cierre sabe lo que entró y salió sin venta")
	c.press("Esc")
	c.at("selling")
	c.books("39 2980")
}

// shift opens one with this much in the drawer.
func (c *counter) shift(cash string) {
	c.t.Helper()
	c.press("F9", "F9")
	c.at("shift")
	c.enter(cash)
	c.see("abierto")
	c.press("F9")
	c.at("selling")
}

// Nobody has the boleta: what comes back is in the open sale, somebody who may allows it, and the slip says who.
func returnWithout(c *counter) {
	c.open()
	c.crew()
	c.shift("20000")
	c.scanned(oil, "Aceite")
	c.press("F8")
	c.see("Escanee el timbre")
	c.press("F9")
	c.see("Devolución sin boleta", "Devuelva $2.190 en efectivo.")
	c.picture("", "Devolver sin boleta: vale o efectivo, al precio de hoy")
	c.press("2")
	c.see("¿Por qué se devuelve sin boleta?")
	c.enter("la boleta no aparece")
	c.see("¿Quién lo autoriza?", "Ana Peña no puede devolver sin boleta")
	c.press("↓")
	c.picture("autorizar", "Lo permite un supervisor con su PIN")
	c.approved(watchPIN)
	c.at("done")
	c.picture("fin", "La devolución sin boleta: un comprobante interno, sin nota de crédito")
	c.slips("SIN BOLETA", "la boleta no aparece", "Luis Mena")
	c.press("Enter")
	c.at("selling")
	c.press("F9", "F9")
	c.at("shift")
	c.see("Debería haber", "$17.810")
	c.shut()
	if out := c.ctl("audit"); !strings.Contains(out, "Todo cuadra") {
		c.t.Errorf("the audit says: %s", out)
	}
}
