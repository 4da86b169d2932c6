//go:build linux

package flows

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mostrador/assets"
	"mostrador/central"
	"mostrador/central/centraltest"
	"mostrador/central/door"
	"mostrador/central/tills"
	"mostrador/dte"
)

func TestMain(m *testing.M) {
	if os.Getenv("MOSTRADOR_FLOWS") == "" {
		os.Exit(m.Run())
	}
	centraltest.Main(m) // the flows with a server have a real one
}

// headOffice is the server of the practice shop's company, on a port of this machine.
type headOffice struct {
	c       *counter
	db      *central.DB
	company int64
	handler http.Handler
	address string
	server  *http.Server
}

func (c *counter) headOffice() *headOffice {
	t := c.t
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(c.shop(), "simulador", "llave.pem"))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := dte.OpenAuthority(dte.IDKSimulador, pem, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	info, err := assets.DemoShop()
	if err != nil {
		t.Fatal(err)
	}
	o := &headOffice{c: c, address: "127.0.0.1:0"}
	o.db = centraltest.OpenWith(t, centraltest.NewDatabase(t), new(centraltest.Clock), func(cfg *central.Config) {
		cfg.Now, cfg.Training = time.Now, dte.Trust{}.With(authority.IDK(), authority.Public())
	})
	o.company = centraltest.Company(t, o.db, info.Emisor.RUT, centraltest.Account(t, o.db, "duena@ejemplo.cl", false)).ID
	front := door.New(door.Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	o.handler = tills.New(tills.Config{DB: o.db, Door: front})
	o.up()
	t.Cleanup(o.down)
	return o
}

// up answers, at the same address as before.
func (o *headOffice) up() {
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		o.c.t.Fatal(err)
	}
	o.address = l.Addr().String()
	o.server = &http.Server{Handler: o.handler, ReadHeaderTimeout: 10 * time.Second}
	server := o.server
	go func() { _ = server.Serve(l) }()
}

func (o *headOffice) down() { _ = o.server.Close() }

// asks is what the owner does at the server.
func (o *headOffice) asks(fn func(*central.Call) error) {
	o.c.t.Helper()
	s, err := o.db.Login(o.c.t.Context(), "duena@ejemplo.cl", centraltest.Password)
	if err == nil {
		err = o.db.EnterCompany(o.c.t.Context(), s.ID, o.company, fn)
	}
	if err != nil {
		o.c.t.Fatal(err)
	}
}

// sales is how many the server has.
func (o *headOffice) sales() (n int) {
	o.asks(func(c *central.Call) error {
		list, err := c.Sales(central.SaleFilter{Page: central.Page{Limit: 100}})
		n = len(list)
		return err
	})
	return n
}

// A till joins the shop's server by keyboard, and tells it what it sells. When the server is away the strip says so softly and
// selling goes on; when it is back it hears everything. In the end the till leaves.
func server(c *counter) {
	o := c.headOffice()
	code := ""
	o.asks(func(call *central.Call) error {
		i, err := call.InviteTill("Caja 1")
		code = i.Code
		return err
	})
	c.open()
	c.sold("$1.190", milk)
	c.menu("Ajustes")
	c.pick("Servidor")
	c.see("Unir esta caja a un servidor")
	c.named("http://"+o.address, "la dirección")
	c.press("Enter")
	c.until("the code has the typing", func() bool { return c.seen().Typed == "" })
	c.named(code+"X", "un código mal escrito")
	c.press("F12")
	c.see("El código no sirve: fue usado, venció o está mal escrito.")
	c.picture("codigo", "Unir la caja: lo que el servidor rechaza se lee donde se corrige")
	c.press("←")
	c.until("the code is mended", func() bool { return c.seen().Typed == code })
	c.press("F12")
	c.at("selling")
	c.see("La caja se unió al servidor y le cuenta sola lo vendido.")
	c.press("Esc")
	c.until("the server has what was sold before", func() bool { return o.sales() == 1 })
	c.see("En línea")
	o.down()
	c.sold("$2.190", oil)
	c.see("Sin servidor, un momento")
	c.scanned(milk, "Leche entera")
	c.picture("lejos", "Sin servidor se sigue vendiendo; la franja lo dice sin alarma")
	c.pay("$1.190")
	c.press("Enter")
	c.at("selling")
	c.menu("Qué funciona ahora")
	c.see("Contar al servidor", "Precios y clientes")
	c.picture("que-funciona", "Qué falta contar al servidor, y de cuándo son los precios")
	c.press("Enter")
	c.at("selling")
	o.up()
	c.until("the server has all", func() bool { return o.sales() == 3 })
	c.see("En línea")
	c.menu("Ajustes")
	c.pick("Servidor")
	c.see("Servidor de la tienda", "Caja 1", "El servidor tiene todo lo de esta caja")
	c.picture("", "El servidor de la tienda: de quién es la caja y cómo están")
	c.press("F4")
	c.see("¿Dejar el servidor?")
	c.picture("dejar", "Antes de dejarlo se dice qué falta contarle")
	c.press("Enter")
	c.at("selling")
	c.see("La caja dejó el servidor y trabaja sola.")
	c.press("Esc")
	c.books("39 1190", "39 2190", "39 1190")
	if out := c.ctl("servidor", "estado"); !strings.Contains(out, "trabaja sola") {
		c.t.Errorf("tillctl says %s", out)
	}
}

// named writes something that is another in each run; the table tells what it is.
func (c *counter) named(text, words string) {
	c.t.Helper()
	c.write(text)
	c.strokes[len(c.strokes)-1] = "⟨" + words + "⟩"
}
