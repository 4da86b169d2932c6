//go:build linux

package flows

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mostrador/dte"
	"mostrador/terminal/posintegrado"
	"mostrador/terminal/possim"
)

var paying = []flow{
	{"efectivo", cash},
	{"redondeo", rounding},
	{"pago-mixto", mixed},
	{"debito", debit},
	{"voucher", voucher},
	{"credito", credit},
	{"cheque", cheque},
	{"fiado", account},
	{"tarjeta", cardTerminal},
	{"terminal-en-duda", cardInDoubt},
	{"terminal-revisado", cardLookedAt},
}

// charge puts one thing into the cart and goes on to be paid.
func (c *counter) charge(code, name string) {
	c.t.Helper()
	c.scanned(code, name)
	c.see("1 línea")
	c.press("F12")
	c.at("paying")
}

// issue ends a sale that is paid.
func (c *counter) issue() {
	c.t.Helper()
	c.see("PAGADO")
	c.press("Enter")
	c.at("done")
}

// exactly pays the rest in cash, and ends the sale.
func (c *counter) exactly() {
	c.t.Helper()
	c.press("Enter")
	c.issue()
}

// numbered pays what is typed, or all that is owed, by what this key stands for: its receipt has this number.
func (c *counter) numbered(key, number string) {
	c.t.Helper()
	c.press(key)
	c.see("N.º de operación")
	c.enter(number)
}

// customer puts somebody whom the shop knows on the sale, and is still at the papers.
func (c *counter) customer(typed, name string) {
	c.t.Helper()
	c.press("F3")
	c.see("Cliente y documento")
	c.write(typed)
	c.see(name)
	c.press("Enter")
	c.see("Cliente guardado")
}

func cash(c *counter) {
	c.open()
	c.charge(milk, "Leche entera")
	c.press("Enter")
	c.see("PAGADO")
	c.picture("exacto", "Efectivo exacto: Enter")
	c.issue()
	c.see("Sin vuelto")
	c.charge(oil, "Aceite")
	c.write("2000")
	c.press("F1")
	c.see("Efectivo", "FALTA", "$190") // a part; the rest follows
	c.write("200")
	c.exactly()
	c.see("VUELTO", "$10")
	c.press("F6")
	c.see("va a la impresora")
	c.picture("copia", "Una copia más al terminar")
	c.books("39 1190", "39 2190")
}

// Cash ends in tens, by the law on rounding, for each of the ten last figures; the boleta bears the exact total.
func rounding(c *counter) {
	var rows, want []string
	for i := range 10 {
		rows = append(rows, fmt.Sprintf("81%02d;Caluga %d;;%d;n;Dulces;n;;;;;", i, i, 1230+i))
		want = append(want, fmt.Sprintf("39 %d", 1230+i))
	}
	c.catalogue(rows...)
	c.open()
	for i := range 10 {
		down := i <= 5
		cash := 1230
		if !down {
			cash = 1240
		}
		c.charge(fmt.Sprintf("81%02d", i), fmt.Sprintf("Caluga %d", i))
		c.see(fmt.Sprintf("$1.%d", 230+i), fmt.Sprintf("$1.%d", cash-1000))
		if i == 5 || i == 6 {
			c.picture(fmt.Sprint(1230+i), fmt.Sprintf("Ley de redondeo: $1.%d se pagan con $1.%d", 230+i, cash-1000))
		}
		c.exactly()
	}
	for _, p := range c.books(want...) {
		cash := "$1.230"
		if p.total > "1235" {
			cash = "$1.240"
		}
		c.paid(p, "Efectivo "+cash)
	}
}

func mixed(c *counter) {
	c.ctl("modelo", "boleta")
	c.open()
	c.scanned(milk, "Leche entera")
	c.scanned(oil, "Aceite")
	c.scanned(cola, "$5.170")
	c.press("F12")
	c.at("paying")
	c.write("2000")
	c.numbered("F4", "445566")
	c.see("$3.170")
	c.write("1000")
	c.numbered("F2", "778899")
	c.see("$2.170")
	c.write("5000")
	c.press("Enter")
	c.see("PAGADO", "$2.830")
	c.picture("", "Pago mixto: transferencia, débito y efectivo")
	c.issue()
	c.paid(c.books("39 5170")[0], "Transferencia", "2.000", "445566", "Tarjeta de débito", "1.000", "778899", "Efectivo $5.000", "Vuelto $2.830")
}

// The first card asks which modelo de emisión the business declared.
func debit(c *counter) {
	c.open()
	c.charge(milk, "Leche entera")
	c.numbered("F2", "001234")
	c.see("PAGADO")
	c.press("Enter")
	c.see("¿Qué modelo de emisión declaró al SII?")
	c.picture("", "La primera tarjeta pregunta el modelo de emisión")
	c.press("1")
	c.at("done")
	c.charge(cola, "Bebida cola")
	c.numbered("F2", "001235")
	c.issue() // and is not asked again
	c.paid(c.books("39 1190", "39 1790")[0], "Tarjeta de débito", "001234")
}

// With the modelo "voucher" what a card pays whole leaves without a boleta, and is counted as a voucher.
func voucher(c *counter) {
	c.ctl("modelo", "voucher")
	c.open()
	c.charge(milk, "Leche entera")
	c.numbered("F2", "001234")
	c.see("PAGADO")
	c.press("Enter")
	c.at("done")
	c.see("Sin boleta: vale el comprobante de la tarjeta")
	c.picture("", "Modelo voucher: la tarjeta no lleva boleta")
	c.shut()
	if out := c.ctl("comprobantes", time.Now().In(dte.Santiago).Format("2006-01")); !strings.Contains(squeeze(out), "Mes 1 $1.190") {
		c.t.Errorf("the vouchers of the month:\n%s", out)
	}
}

func credit(c *counter) {
	c.ctl("modelo", "boleta")
	c.open()
	c.charge(oil, "Aceite")
	c.press("F3")
	c.see("Cuotas")
	c.fields("009876")
	c.write("3")
	c.picture("", "Tarjeta de crédito: operación y cuotas")
	c.press("Enter")
	c.see("PAGADO", "009876 3 cuotas")
	c.issue()
	c.paid(c.books("39 2190")[0], "Tarjeta de crédito", "009876")
}

func cheque(c *counter) {
	c.open()
	c.charge(oil, "Aceite")
	c.press("F5")
	c.see("Banco")
	c.fields("Banco del Sur", "1234567")
	c.picture("", "Cheque: banco, número y fecha")
	c.press("F12")
	c.see("PAGADO", "N.º 1234567")
	c.issue()
	c.paid(c.books("39 2190")[0], "Cheque")
}

const customersFile = `rut;razon social;giro;direccion;comuna;ciudad;correo;telefono;listas;notas
77.041.234-K;Comercial San Pedro SpA;Venta de abarrotes;Los Aromos 123;Maipú;Santiago;compras@sanpedro.example;+56 2 2555 0199;;
76.192.083-9;Ferretería El Tornillo Limitada;Ferretería;Los Robles 45;Ñuñoa;Santiago;;;;
`

func account(c *counter) {
	c.ctl("clientes", "import", c.file("clientes.csv", customersFile))
	c.ctl("fiado", "cupo", "-quien", "Rosa", "77041234-K", "5000")
	c.open()
	c.scanned(oil, "Aceite")
	c.customer("san pedro", "Comercial San Pedro SpA")
	c.press("F12")
	c.at("selling")
	c.press("F12")
	c.at("paying")
	c.press("F7")
	c.see("Fiado", "PAGADO")
	c.picture("", "Fiado: queda en la cuenta del cliente, hasta su cupo")
	c.issue()
	c.press("Enter")
	c.at("selling")
	c.menu("Fiado")
	c.see("Primero la deuda más antigua.", "$2.190")
	c.press("1")
	c.see("Debe $2.190", "Compra, boleta 1")
	c.picture("cuenta", "La cuenta de un cliente")
	c.press("F12")
	c.see("¿Con qué paga?")
	c.press("1")
	c.see("Cuánto entrega")
	c.enter("1000")
	c.at("selling")
	c.see("Recibidos $1.000", "Debe $1.190")
	c.picture("abono", "Recibir un abono")
	c.books("39 2190")
	if out := squeeze(c.ctl("fiado", "list")); !strings.Contains(out, "77041234-K $1.190 $5.000") {
		c.t.Errorf("owed: %s", out)
	}
}

// pinpad is a card terminal on a cable that the till believes to be a serial port.
type pinpad struct {
	*possim.Sim
	t    *testing.T
	port string
}

// withPinpad gives the till a terminal of its own, before it is opened.
func (c *counter) withPinpad() *pinpad {
	c.t.Helper()
	soon := func(d time.Duration) <-chan time.Time { return time.After(d / 20) }
	p := &pinpad{possim.New(possim.Config{Now: time.Now, After: soon, Zone: dte.Santiago, Debit: true}), c.t, c.path("terminal")}
	c.t.Cleanup(p.Stop)
	p.plug()
	c.ctl("terminal", "set", "-puerto", p.port, "posintegrado")
	c.ctl("modelo", "boleta")
	return p
}

// plug puts a fresh cable at the same port. The till's end is held open: otherwise the terminal believes that it is alone.
func (p *pinpad) plug() {
	p.t.Helper()
	cable, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		p.t.Skipf("no pseudo-terminals here: %v", err)
	}
	raw, err := cable.SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil || failed != nil {
		p.t.Fatal(err, failed)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	held, err := posintegrado.OpenPort(name, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { held.Close() })
	_ = os.Remove(p.port)
	if err := os.Symlink(name, p.port); err != nil {
		p.t.Fatal(err)
	}
	p.Plug(cable)
}

func cardTerminal(c *counter) {
	p := c.withPinpad()
	p.Play(possim.Script{Code: "05", Card: 20 * time.Second})
	c.open()
	c.charge(milk, "Leche entera")
	c.press("F2")
	c.see("Para cancelar, el cliente usa la tecla roja del terminal.")
	c.picture("espera", "El terminal pide la tarjeta")
	c.at("paying")
	c.see("FALTA") // refused: nothing was charged
	c.picture("rechazada", "Tarjeta rechazada: la venta se debe igual")
	p.Play(possim.Script{})
	c.press("F2")
	c.issue()
	if len(p.Memory()) != 1 {
		c.t.Errorf("the terminal charged %v", p.Memory())
	}
	c.paid(c.books("39 1190")[0], "Tarjeta de débito")
}

// The cable goes in the middle of a charge: nobody knows, until the terminal is asked. The customer pays once.
func cardInDoubt(c *counter) {
	p := c.withPinpad()
	p.Play(possim.Script{Cut: &possim.Cut{ToTill: true, After: 20}})
	c.open()
	c.charge(milk, "Leche entera")
	c.press("F2")
	c.see("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")
	c.picture("", "Terminal desconectado a medio cobro: nadie sabe, y no se vuelve a pasar")
	c.cutPower() // and the light goes, too
	c.until("the card is charged", func() bool { return len(p.Memory()) == 1 })
	p.plug()
	c.open()
	c.see("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")
	c.press("F2")
	c.at("selling")
	c.press("F12")
	c.see("PAGADO")
	c.picture("resuelto", "Consultar el terminal: estaba cobrada")
	c.issue()
	if len(p.Memory()) != 1 {
		c.t.Errorf("the terminal charged %v", p.Memory())
	}
	c.books("39 1190")
}

// The terminal is gone for good: a person looks at the voucher and says so, by name.
func cardLookedAt(c *counter) {
	p := c.withPinpad()
	p.Play(possim.Script{Cut: &possim.Cut{ToTill: true, After: 20}})
	c.open()
	c.charge(milk, "Leche entera")
	c.press("F2")
	c.see("No sabemos si la tarjeta fue cobrada. No vuelva a pasarla.")
	c.press("F3")
	c.see("La revisé yo")
	c.fields("no", "", "Rosa Soto")
	c.write("Sin comprobante")
	c.picture("", "La revisé yo: quién y qué vio")
	c.press("Enter")
	c.at("paying")
	c.see("FALTA", "$1.190")
	c.exactly()
	c.paid(c.books("39 1190")[0], "Efectivo $1.190")
}
