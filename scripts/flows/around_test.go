//go:build linux

package flows

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mostrador/cmd/shop"
	"mostrador/mail"
	"mostrador/mail/mailtest"
)

// around are the flows with something outside of the till: the line, mail, a folder, the scale, another day's prices.
var around = []flow{
	{"sin-linea", lineCut},
	{"servidor", server},
	{"guardar-pdf", savePDF},
	{"correo", letter},
	{"precio-nuevo", newPrice},
	{"regla-balanza", scaleRule},
	{"teclado", keypad},
	{"diagnostico", diagnosis},
}

// status is what the till writes down for programs that look at it.
func (c *counter) status() (s struct{ Documents, Accepted int }) {
	b, err := os.ReadFile(c.path("estado.json"))
	if err == nil {
		_ = json.Unmarshal(b, &s) // it may be written just now
	}
	return s
}

// The line goes in the middle of the day. The strip says so and since when, selling goes on, and what waited leaves by itself.
func lineCut(c *counter) {
	sim, url, stop, err := shop.StartSimulator(shop.Options{Dir: c.shop(), Keys: "archivo", Now: time.Now})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(stop)
	c.open("-simulador", url)
	c.see("En línea", "SII al día")
	c.sold("$1.190", milk)
	c.until("the first boleta is accepted", func() bool { return c.status().Accepted == 1 })
	c.see("SII al día")
	sim.SetLine(false)
	c.sold("$2.190", oil)
	c.sold("$1.790", cola)
	c.see("Sin internet hace un momento", "SII: 2 por enviar, un momento")
	c.scanned(milk, "Leche entera")
	c.picture("", "Sin internet se sigue vendiendo: la franja dice cuánto espera")
	c.pay("$1.190")
	c.see("Boleta 4", "Impresa")
	c.press("Enter")
	c.at("selling")
	c.menu("Qué funciona ahora")
	c.see("Vender no necesita internet.", "Quedan 1.996 folios; no necesita internet")
	c.picture("que-funciona", "Sin internet: qué funciona y qué espera")
	c.press("Enter")
	c.at("selling")
	sim.SetLine(true)
	c.see("En línea", "SII al día")
	c.until("all were accepted", func() bool { return c.status().Accepted == 4 })
	c.picture("vuelta", "Al volver la línea lo pendiente sale solo")
	c.books("39 1190", "39 2190", "39 1790", "39 1190")
	if out := c.ctl("docs"); strings.Count(out, "aceptado") != 4 {
		c.t.Errorf("what became of them: %s", out)
	}
}

// A folder is chosen once; from then on a PDF is two keys away. What was saved is opened by a program that is not ours.
func savePDF(c *counter) {
	dir := filepath.Join(c.t.TempDir(), "boletas")
	if err := os.Mkdir(dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.open()
	c.menu("Ajustes")
	c.pick("Carpeta de los PDF")
	c.see("Ahí se guardan las copias")
	c.instead(dir)
	c.press("F12")
	c.at("selling")
	c.see("Los PDF se guardan desde ahora en la carpeta elegida.")
	c.press("Esc")
	c.scanned(milk, "Leche entera")
	c.pay("$1.190")
	for _, kind := range []string{"PDF tamaño carta", "PDF de 80 mm"} {
		c.press("F5")
		c.pick(kind)
		c.at("done")
		c.see("El PDF de boleta 1 quedó en " + dir)
		if kind == "PDF de 80 mm" {
			c.picture("", "Guardar el PDF: la caja dice dónde quedó")
		}
		c.press("Esc")
		c.gone("El PDF")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) != 2 {
		c.t.Fatalf("saved: %v %v", files, err)
	}
	for _, file := range files {
		if words := squeeze(c.words(file)); !strings.Contains(words, "BOLETA ELECTRÓNICA") || !strings.Contains(words, "$1.190") || !strings.Contains(words, "Leche entera") {
			c.t.Errorf("%s says %s", filepath.Base(file), words)
		}
	}
	c.books("39 1190")
}

// A mail account is set and tried at the till; a boleta leaves with its PDF, and the till says when it did.
func letter(c *counter) {
	server := mailtest.Start(c.t, mail.STARTTLS)
	account := server.Sender().Account
	c.env = []string{"SSL_CERT_FILE=" + c.file("correo.pem", string(server.Root()))}
	c.open()
	c.menu("Ajustes")
	c.pick("Correo")
	c.see("Los datos los da su proveedor de correo.")
	_, port, _ := strings.Cut(server.Address(), ":")
	c.fields(account.Host)
	c.instead(port)
	c.press("Enter", "Enter")
	c.until("the user has the typing", func() bool { return c.seen().Typed == "" })
	c.fields(account.User)
	c.secret(account.Password)
	c.picture("cuenta", "La cuenta de correo: la clave no se ve, y queda sellada en la caja")
	c.press("Enter")
	c.until("the sender has the typing", func() bool { return c.seen().Typed == "" })
	c.write(account.From)
	c.press("F12")
	c.at("selling")
	c.see("aceptó el correo de prueba")
	c.press("Esc")
	c.gone("aceptó")
	c.scanned(milk, "Leche entera")
	c.pay("$1.190")
	c.press("F5")
	c.pick("Correo")
	c.see("Enviar boleta 1 por correo")
	c.enter("ana.perez")
	c.see("ana.perez") // no address: it is told where it can be mended
	c.write("@ejemplo.cl")
	c.picture("", "Enviar la boleta por correo")
	c.press("Enter")
	c.at("done")
	c.see("para ana.perez@ejemplo.cl quedó en la cola")
	c.until("the letter is there", func() bool { return len(server.Letters()) == 2 })
	c.press("F5")
	c.see("Correo a ana.perez@ejemplo.cl: enviado el")
	c.picture("enviado", "La caja dice cuándo salió")
	c.press("Esc")
	c.books("39 1190")
	last := server.Letters()[1]
	if pdf := c.attached(last.Bytes); last.To != "ana.perez@ejemplo.cl" || !strings.Contains(squeeze(pdf), "$1.190") {
		c.t.Errorf("%v carries: %s", last, pdf)
	}
}

// attached are the words of the PDF in a letter.
func (c *counter) attached(letter []byte) string {
	c.t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(letter))
	if err != nil {
		c.t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		c.t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			c.t.Fatalf("no PDF in the letter: %v", err)
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "application/pdf") {
			b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
			if err != nil {
				c.t.Fatal(err)
			}
			return c.words(c.file("adjunto.pdf", string(b)))
		}
	}
}

// The milk becomes dearer while a sale with it is on hold. Whoever takes it up is told, with both amounts, and chooses.
func newPrice(c *counter) {
	c.open()
	for _, name := range []string{"don Luis", "la vecina"} {
		c.scanned(milk, "Leche entera")
		c.scanned(cola, "Bebida cola")
		c.hold(name)
	}
	c.shut()
	b, err := os.ReadFile(filepath.Join(root, "assets", "demo", "productos.csv"))
	if err != nil {
		c.t.Fatal(err)
	}
	var dearer strings.Builder
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, milk) {
			line = strings.Replace(line, "1.190", "1.290", 1)
			line = strings.Replace(line, "1190", "1290", 1)
		}
		dearer.WriteString(line)
	}
	c.ctl("productos", "import", c.file("productos.csv", dearer.String()))
	c.open()
	c.scanned(milk, "$1.290")
	c.press("Supr")
	c.see("Sin productos")
	for i, name := range []string{"don Luis", "la vecina"} {
		c.press("F6")
		c.see("Ventas guardadas")
		c.pick(name)
		c.see("Hay precios que cambiaron", "1 × Leche entera", "Dejar $2.980", "Precios de hoy $3.080")
		if i == 0 {
			c.picture("", "Una venta guardada cuyo precio cambió: se elige con ambos montos a la vista")
			c.press("Enter")
			c.at("selling")
			c.see("Quedaron los precios de cuando se guardó: $2.980.")
			c.press("Esc")
			c.pay("$2.980")
		} else {
			c.press("F12")
			c.at("selling")
			c.see("Quedaron los precios de hoy: $3.080.")
			c.press("Esc")
			c.pay("$3.080")
		}
		c.press("Enter")
		c.at("selling")
	}
	c.books("39 2980", "39 3080")
}

// A scale with labels of its own: its rule is written down, tried with a label, and sells from then on.
func scaleRule(c *counter) {
	cheese := label("24", "04003", 3490)
	c.open()
	c.scan(cheese)
	c.see("no existe")
	c.press("Supr")
	c.gone("no existe")
	c.menu("Ajustes")
	c.pick("Etiquetas de la balanza")
	c.see("21 · Precio")
	c.picture("lista", "Las reglas con que se leen las etiquetas de la balanza")
	c.pick("Regla nueva…")
	c.see("Etiqueta para probar")
	c.fields("Balanza del fondo", "24")
	c.until("the kind has the typing", func() bool { return c.seen().Typed == "peso" })
	c.instead("precio")
	c.press("Enter", "Enter", "Enter")
	c.until("the decimals have the typing", func() bool { return c.seen().Typed == "3" })
	c.see("los decimales de un precio son de 0 a 2") // said while it is written
	c.instead("0")
	c.press("Enter")
	c.see("La regla se entiende")
	c.scan(cheese)
	c.see("Tomate", "$3.490")
	c.picture("", "Una regla nueva, probada con una etiqueta antes de guardarla")
	c.press("F12")
	c.at("selling")
	c.see("La regla 24 quedó guardada y vale desde ahora.", "Sin productos")
	c.press("Esc")
	c.scanned(cheese, "Tomate")
	c.pay("$3.490")
	c.books("39 3490")
	if out := c.ctl("balanza"); !strings.Contains(out, "Balanza del fondo") {
		c.t.Errorf("the table: %s", out)
	}
}

// Where fingers find the keys of the keypad while selling, in a window of 1280 × 800.
var padKeys = map[rune][2]int{
	'7': {890, 183}, '8': {996, 183}, '9': {1101, 183}, '←': {1207, 183},
	'4': {890, 291}, '5': {996, 291}, '6': {1101, 291}, '×': {1207, 291},
	'1': {890, 399}, '2': {996, 399}, '3': {1101, 399}, ',': {1207, 399},
	'0': {943, 507}, '✓': {1154, 507},
}

// tap is the only pointer of these flows, for the keypad is for fingers: a move and a click at once, as a touch screen tells
// them.
func (c *counter) tap(keys string) {
	c.t.Helper()
	for _, key := range keys {
		before := c.seen().Typed
		c.strokes = append(c.strokes, "☞"+string(key))
		c.x("mousemove", "--window", c.window, fmt.Sprint(padKeys[key][0]), fmt.Sprint(padKeys[key][1]), "click", "1")
		c.until("the tap is taken", func() bool { return c.seen().Typed != before })
	}
}

// A till without a keyboard: the keypad fills the cart as figures do, and is put away again by its key.
func keypad(c *counter) {
	c.open()
	c.press("ctrl+t")
	c.see("Borrar")
	c.tap("3×2002")
	c.until("3*2002 is tapped", func() bool { return c.seen().Typed == "3*2002" })
	c.tap("←1")
	c.until("the slip is mended", func() bool { return c.seen().Typed == "3*2001" })
	c.picture("", "El teclado en pantalla, para dedos (☞): 3 × 2001")
	c.tap("✓")
	c.see("Huevo blanco grande", "$780")
	c.press("F12")
	c.at("paying")
	c.picture("cobro", "El teclado en pantalla al cobrar")
	c.press("Esc")
	c.at("selling")
	c.press("ctrl+t")
	c.gone("Borrar")
	c.pay("$780")
	c.books("39 780")
}

// diagnosis: how long things took, for whoever helps the shop. It holds no sale, no name and no secret.
func diagnosis(c *counter) {
	c.open()
	c.scanned(milk, "Leche entera")
	c.menu("Diagnóstico")
	c.see("Del escaneo a la pantalla", "Memoria ocupada")
	for _, secret := range []string{milk, "Leche", "1.190", c.dir} {
		if c.seen().says(secret) {
			c.t.Errorf("it tells %q", secret)
		}
	}
	c.picture("", "Diagnóstico: cuánto tarda cada cosa, para copiarlo a quien ayuda")
	c.press("Enter")
	c.see("Copiado")
	c.press("Esc")
	c.at("selling")
	c.pay("$1.190")
	c.books("39 1190")
}
