//go:build linux

package flows

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"mostrador/dte"
)

var afterwards = []flow{
	{"devolver-todo", returnAll},
	{"devolver-parte", returnPart},
	{"devolver-con-vale", returnForVale},
	{"cambio", exchange},
	{"copias", copies},
	{"documentos", documents},
}

var office = []flow{
	{"turno", shift},
	{"conciliar", reconcile},
	{"que-funciona", works},
	{"avisos", notices},
}

var setting = []flow{
	{"ajustes", settings},
	{"teclas", remapped},
	{"pantalla", sizes},
}

// sold sells in cash, exactly, and is ready for the next.
func (c *counter) sold(total string, codes ...string) {
	c.t.Helper()
	c.scan(codes...)
	c.shows(total)
	c.pay(total)
	c.press("Enter")
	c.at("selling")
}

// bringBack has the first boleta brought back, by its number.
func (c *counter) bringBack() {
	c.t.Helper()
	c.press("F8")
	c.see("Escanee el timbre")
	c.enter("1")
	c.see("Devolución de boleta 1")
}

func returnAll(c *counter) {
	c.open()
	c.sold("$2.980", milk, cola)
	c.bringBack()
	c.press("F3")
	c.see("Devuelva $2.980 en efectivo.")
	c.picture("", "Devolver todo: qué, cuánto y cómo")
	c.press("Enter")
	c.see("¿Por qué lo devuelve?")
	c.press("2")
	c.at("selling")
	c.see("Nota de crédito 1 por $2.980. Devuelva $2.980 en efectivo.")
	c.picture("fin", "La nota de crédito y lo que se devuelve")
	c.bringBack() // and nothing is left of it
	c.press("F3", "Enter")
	c.see("Diga primero qué devuelve")
	c.press("Esc")
	c.at("selling")
	p := c.books("39 2980", "61 2980")
	if !strings.Contains(p[1].xml, "<TpoDocRef>39<") {
		c.t.Errorf("the note names no boleta")
	}
}

// One of three comes back, and is not sold again; then another.
func returnPart(c *counter) {
	c.open()
	c.write("3*")
	c.sold("$3.570", milk)
	for i := range 2 {
		c.bringBack()
		c.press("+", "F4")
		c.see("Devuelva $1.190 en efectivo.")
		if i == 0 {
			c.picture("", "Devolver una parte, que no vuelve a la venta")
		}
		c.press("Enter")
		c.see("¿Por qué lo devuelve?")
		c.press("1")
		c.at("selling")
		c.see("por $1.190. Devuelva $1.190 en efectivo.")
		c.press("Esc")
		c.gone("Devuelva")
	}
	c.books("39 3570", "61 1190", "61 1190")
}

var valeCode = regexp.MustCompile(`en el vale (\S+)\.`)

// What comes back becomes a vale, and pays the next sale as far as it reaches.
func returnForVale(c *counter) {
	c.open()
	c.sold("$2.980", milk, cola)
	c.bringBack()
	c.press("F3", "F5")
	c.see("en el vale")
	c.picture("", "Devolver con un vale")
	c.press("Enter")
	c.see("¿Por qué lo devuelve?")
	c.press("1")
	c.at("selling")
	c.see("Nota de crédito 1", "en el vale")
	code := valeCode.FindStringSubmatch(strings.Join(c.seen().Words, "\n"))
	if code == nil {
		c.fail("no vale is named")
	}
	c.press("Esc")
	c.charge(milk, "Leche entera")
	c.press("F6")
	c.see("Código del vale")
	c.enter(code[1])
	c.see("PAGADO", "Vale")
	c.picture("pagar", "Pagar con el vale")
	c.issue()
	c.books("39 2980", "61 2980", "39 1190")
}

// Milk is changed for oil: the customer pays the difference.
func exchange(c *counter) {
	c.open()
	c.sold("$1.190", milk)
	c.bringBack()
	c.press("F3", "F6")
	c.see("¿Por qué lo devuelve?")
	c.press("1")
	c.at("selling")
	c.see("Cambio: vuelven $1.190")
	c.scanned(oil, "Aceite vegetal")
	c.see("$1.000")
	c.picture("", "Cambiar una cosa por otra: se paga la diferencia")
	c.press("F12")
	c.at("paying")
	c.see("$1.000")
	c.press("Enter")
	c.issue()
	c.picture("fin", "El cambio, pagado")
	c.books("39 1190", "39 1000")
}

func copies(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.pay("$1.190")
	c.press("F5")
	c.see("WhatsApp o mensaje")
	c.picture("", "Enviar una copia: papel, PDF o mensaje")
	c.pick("WhatsApp o mensaje")
	c.see("CELULAR DEL CLIENTE, SI LO DA", "Sin número, WhatsApp pregunta a quién se envía.")
	c.picture("whatsapp", "Un mensaje con el documento, por código QR")
	c.until("a telephone reads the message", func() bool { return strings.HasPrefix(c.telephone(), "https://wa.me/?text=") })
	c.write("9 8765 4321")
	c.see("Va al +56987654321.")
	c.until("a telephone reads the number", func() bool { return strings.HasPrefix(c.telephone(), "https://wa.me/56987654321?text=") })
	if link, err := url.QueryUnescape(c.telephone()); err != nil || !strings.Contains(link, "Total: $1.190") {
		c.t.Errorf("the message is %s (%v)", link, err)
	}
	c.press("F12")
	c.at("done")
	c.see("El mensaje está copiado")
	c.books("39 1190")
}

// telephone is what one reads off the window; nothing if there is no code.
func (c *counter) telephone() string {
	c.t.Helper()
	file := c.file("ventana.ppm", string(c.look()))
	out, err := exec.Command("convert", file, c.path("ventana.png")).CombinedOutput()
	if err != nil {
		c.fail("convert: %v %s", err, out)
	}
	if out, err = exec.Command("ZXingReader", "-format", "QRCode", c.path("ventana.png")).Output(); err != nil {
		return ""
	}
	_, text, _ := strings.Cut(string(out), "\"")
	text, _, _ = strings.Cut(text, "\"")
	return text
}

func documents(c *counter) {
	c.ctl("clientes", "import", c.file("clientes.csv", customersFile))
	c.open()
	c.sold("$1.190", milk)
	c.sold("$1.790", cola)
	c.sold("$1.500", ticket)
	c.scanned(oil, "Aceite")
	c.press("F3")
	c.see("Cliente y documento")
	c.write("tornillo")
	c.see("Ferretería El Tornillo Limitada")
	c.press("Enter")
	c.see("Cliente guardado")
	c.press("F3", "F12")
	c.at("selling")
	c.pay("$2.190")
	c.press("Enter")
	c.at("selling")
	c.menu("Documentos")
	c.at("documents")
	c.see("Boleta 1", "Boleta 2", "B. exenta 1", "Factura 1")
	c.until("the SII has them all", func() bool { return strings.Count(strings.Join(c.seen().Words, "\n"), "Aceptada") >= 4 })
	c.picture("lista", "Documentos: lo emitido y qué fue de ello")
	for _, s := range [][2]string{
		{"2", "Boleta 2"},
		{"1790", "Boleta 2"},
		{"tornillo", "Factura 1"},
		{"aceite", "Factura 1"},
		{"pasaje", "B. exenta 1"},
		{time.Now().In(dte.Santiago).Format("02-01"), "Boleta 1"},
		{"hoy leche", "Boleta 1"},
	} {
		search, found := s[0], s[1]
		c.write(search)
		c.see(found)
		c.until("nothing else is found by "+search, func() bool { s := c.seen(); return found == "Boleta 1" || !s.says("Boleta 1") })
		if search == "tornillo" {
			c.picture("buscar", "Documentos: buscar por número, monto, cliente, producto o día")
		}
		c.press("Esc")
		c.see("Boleta 1", "Factura 1")
	}
	c.write("zzzz")
	c.see("Ningún documento con eso")
	c.picture("nada", "Documentos: nada con eso")
	c.press("Esc")
	c.see("Factura 1")
	c.press("F6")
	c.see("La copia de factura 1 va a la impresora, marcada COPIA 1.", "Con 1 copia")
	c.picture("copia", "Reimprimir")
	c.press("Esc", "Esc")
	c.at("selling")
	c.books("39 1190", "39 1790", "41 1500", "33 2190")
}

func shift(c *counter) {
	c.open()
	c.press("F9")
	c.see("Abrir: dar sencillo")
	c.press("F9")
	c.at("shift")
	c.picture("sin", "Sin turno")
	c.enter("20000")
	c.see("Turno 1 abierto")
	c.press("F9")
	c.at("selling")
	c.sold("$2.980", milk, cola)
	c.press("F9")
	c.see("Abrir: dar sencillo")
	c.press("F9")
	c.at("shift")
	c.see("Debería haber", "$22.980")
	c.enter("22900")
	c.see("¿Cerrar el turno?", "$22.900")
	c.press("Enter")
	c.see("Turno 1 cerrado", "-$80")
	c.picture("", "Cerrar el turno: lo contado y la diferencia")
	c.press("Esc")
	c.at("selling")
	c.books("39 2980")
}

func reconcile(c *counter) {
	c.open()
	c.sold("$2.980", milk, cola)
	c.sold("$1.500", ticket)
	c.menu("Conciliar con el SII")
	c.at("reconcile")
	c.see("Boleta exenta", "$1.500")
	c.picture("", "Conciliar un mes con el SII")
	c.press("F6")
	c.see(".csv")
	c.press("Esc", "Esc")
	c.at("selling")
	c.books("39 2980", "41 1500")
	files, err := filepath.Glob(filepath.Join(c.shop(), "informes", "*.csv"))
	if err != nil || len(files) != 1 {
		c.t.Fatalf("reports: %v %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(b), "2980") {
		c.t.Errorf("%v: %s", err, b)
	}
}

func works(c *counter) {
	c.open()
	c.menu("Qué funciona ahora")
	c.see("Vender no necesita internet.")
	c.see("Los documentos se envían solos")
	c.picture("", "Qué funciona ahora")
	c.press("Enter")
	c.at("selling")
	c.books()
}

func notices(c *counter) {
	c.open()
	c.menu("Avisos")
	c.at("notices")
	c.picture("", "Avisos, cuando no hay ninguno")
	c.press("F8")
	c.see("contingencia")
	c.picture("contingencia", "Qué hacer en una contingencia, y quién lo dice")
	c.press("Esc", "Esc")
	c.at("selling")
	c.books()
}

func settings(c *counter) {
	c.open("-tono", "")
	c.scanned(milk, "Leche entera")
	adjust := func() {
		c.menu("Ajustes")
		c.see("Ajustes de esta caja")
	}
	adjust()
	c.picture("", "Ajustes de esta caja")
	c.choose("2", "negro, blanco y amarillo")
	c.picture("colores", "Colores: claros, oscuros o alto contraste")
	c.choose("3", "Ajustes de esta caja")
	c.see("oscuros")
	c.choose("2", "negro, blanco y amarillo")
	c.choose("4", "Ajustes de esta caja")
	c.see("alto contraste")
	c.choose("3", "Los que caben en esta ventana")
	c.picture("tamano", "Tamaño de lo que se ve")
	c.press("Esc")
	c.at("selling")
	c.see("Leche entera", "$1.190") // the sale is as it was
	c.shut()
	c.open("-tono", "")
	c.see("Leche entera")
	adjust()
	c.see("alto contraste") // kept
	c.press("Esc")
	c.at("selling")
	c.pay("$1.190")
	c.books("39 1190")
}

// Search moves from F2 to Ctrl+G, and the screen says so.
func remapped(c *counter) {
	c.open()
	c.menu("Ajustes")
	c.see("Ajustes de esta caja")
	c.choose("1", "Teclas de esta caja")
	c.press("↓", "Enter")
	c.see("Pulse la tecla nueva para «Buscar producto»")
	c.press("ctrl+g")
	c.see("Guardado: Ctrl+G es «Buscar producto».")
	c.picture("", "Cambiar una tecla")
	c.press("Esc")
	c.at("selling")
	c.press("ctrl+g")
	c.see("Escriba parte del nombre o del código")
	c.press("Esc")
	c.gone("Escriba parte del nombre o del código")
	c.shut()
	c.open()
	c.see("Ctrl+G") // kept
	c.press("ctrl+g")
	c.see("Escriba parte del nombre o del código")
	c.books()
}

// The main screen with a sale, on every screen that a shop has and in every tone. On 4K people take it twice as large.
func sizes(c *counter) {
	for _, tone := range []string{"claro", "oscuro", "contraste"} {
		c.open("-tono", tone)
		if tone == "claro" {
			for _, code := range []string{milk, oil, cola, bread, ticket, "2001", "4004"} {
				c.scan(code)
			}
		}
		c.see("7 líneas")
		for _, size := range []string{"1024x768", "1280x800", "1920x1080"} {
			c.resize(size)
			c.screenshot(tone, size)
		}
		c.shut()
		c.open("-tono", tone, "-escala", "200")
		c.see("7 líneas")
		c.resize("3840x2160")
		c.gone("no cabe en esta ventana")
		c.screenshot(tone, "3840x2160")
		c.shut()
	}
}

func (c *counter) screenshot(tone, size string) {
	c.t.Helper()
	c.strokes = nil
	c.picture(tone+"-"+size, "La venta en "+strings.ReplaceAll(size, "x", " × ")+", colores "+tone)
}
