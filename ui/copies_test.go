package ui

import (
	"errors"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// issuedOne shows one document that was printed.
func issuedOne(x *world, tipo dte.TipoDTE) *sale.DocumentInfo {
	d := issuedAs(x, tipo, 12_204)
	d.Printed = 1
	x.docs.list = []sale.DocumentInfo{d}
	x.onDocuments()
	return &x.docs.list[0]
}

// Each reprint is told with its number, and the document says how many there are, when the last one was ordered and by whom.
func TestReprintsAreToldAndCounted(t *testing.T) {
	x := newWorld(t)
	issuedOne(x, dte.Boleta)
	x.sees("Impresa")
	x.press(fyne.KeyF6)
	x.sees("La copia de boleta 12.204 va a la impresora, marcada COPIA 1.", "Con 1 copia", "Última: COPIA 1, 16-03-2026 12:30.")
	x.press(fyne.KeyF6)
	x.sees("marcada COPIA 2.", "Con 2 copias", "Última: COPIA 2, 16-03-2026")
	if words := copiesWords([]sale.Copy{{N: 7, At: x.now, Who: "Rosa"}}); !strings.HasSuffix(words, "COPIA 7, 16-03-2026 12:30, Rosa.") {
		t.Error(words)
	}
}

// The first paper that never came out is no copy.
func TestAnOriginalIsNoCopy(t *testing.T) {
	x := newWorld(t)
	d := issuedOne(x, dte.Boleta)
	d.Printed, d.PrintProblem = 0, "La impresora no tiene papel."
	x.press(fyne.KeyF6)
	x.sees("El original de boleta 12.204 todavía no salió: va a la impresora y no cuenta como copia.")
}

// The CEDIBLE is offered where the law has one, and its first paper is no copy either.
func TestTheCedible(t *testing.T) {
	x := newWorld(t)
	issuedOne(x, dte.Factura)
	x.press(fyne.KeyF5)
	x.choose("Imprimir la CEDIBLE")
	x.sees("La CEDIBLE de factura 12.204 va a la impresora.", "Última: CEDIBLE, 16-03-2026", "Impresa")
	x.seesNot("Con 1 copia")
	x.press(fyne.KeyF5)
	x.choose("Imprimir la CEDIBLE")
	x.sees("La CEDIBLE de factura 12.204 va a la impresora, marcada COPIA 1.", "CEDIBLE, COPIA 1", "Con 1 copia")

	x = newWorld(t)
	issuedOne(x, dte.Boleta)
	x.press(fyne.KeyF5)
	x.seesNot("CEDIBLE")
}

// A PDF is saved away from the window, from the list and at the end of a sale; then its path is told, or why there is none.
func TestAPDFIsSaved(t *testing.T) {
	x := newWorld(t)
	issuedOne(x, dte.Boleta)
	x.tap("Enviar")
	x.choose("PDF tamaño carta")
	x.seesNot("quedó en")
	x.work()
	x.sees("El PDF de boleta 12.204 quedó en /home/rosa/Documentos/boleta-39-12204.pdf")
	if e := x.lastEvent(); e.Kind != sale.EventPDF || e.What != "Boleta Electrónica N° 12204: boleta-39-12204.pdf" {
		t.Errorf("the log says %+v", e)
	}
	x.home.fail = errors.New("el PDF de Boleta Electrónica N° 12204 no se guardó: el disco está lleno")
	x.press(fyne.KeyF5)
	x.choose("PDF de 80 mm")
	x.work()
	x.sees("el disco está lleno")
	x.seesNot("quedó en")
	if events, err := x.journal.Events(9); err != nil || len(events) != 1 {
		t.Errorf("the log tells of a PDF that was not saved: %+v %v", events, err)
	}

	x = newWorld(t)
	fill(x, 2)
	x.press(fyne.KeyF12, fyne.KeyReturn, fyne.KeyReturn)
	x.tap("Enviar")
	x.choose("PDF de 80 mm")
	x.work()
	x.sees("quedó en /home/rosa/Documentos/boleta-39-1204-80mm.pdf")
}

func TestTheFolderOfPDFsIsChosen(t *testing.T) {
	x := newWorld(t)
	x.w.openSettings()
	x.choose("Carpeta de los PDF")
	x.w.dialog.field().write("/mnt/copias")
	x.home.fail = errors.New("no se puede guardar en /mnt/copias. No se cambió nada")
	x.press(fyne.KeyF12)
	x.sees("No se puede guardar en /mnt/copias. No se cambió nada")
	x.home.fail = nil
	x.press(fyne.KeyF12)
	if x.w.dialog != nil || x.home.folder != "/mnt/copias" {
		t.Errorf("%T, folder %s", x.w.dialog, x.home.folder)
	}
}

// onScreen reads the QR code as a telephone in front of the window would: from the picture of the whole window.
func (x *world) onScreen() string {
	x.t.Helper()
	if _, err := exec.LookPath("ZXingReader"); err != nil {
		x.t.Skip("ZXingReader is not installed")
	}
	file := filepath.Join(x.t.TempDir(), "ventana.png")
	f, err := os.Create(file)
	if err == nil {
		err = errors.Join(png.Encode(f, x.w.Fyne().Canvas().Capture()), f.Close())
	}
	if err != nil {
		x.t.Fatal(err)
	}
	out, err := exec.Command("ZXingReader", "-format", "QRCode", "-bytes", file).Output()
	if err != nil {
		x.t.Fatalf("no QR code is read: %v", err)
	}
	return string(out)
}

// The code on the screen opens WhatsApp with the message, for the number that was typed in any form, with any colours.
func TestTheMessageAndItsCode(t *testing.T) {
	for _, look := range []Look{{}, {Tone: Oscuro}, {Tone: Contraste}} {
		x := newWorldWith(t, false, look, products)
		issuedOne(x, dte.Boleta)
		x.press(fyne.KeyF5)
		x.choose("WhatsApp o mensaje")
		check := func(path string) {
			t.Helper()
			link := x.onScreen()
			u, err := url.Parse(link)
			if err != nil || u.Host != "wa.me" || u.Path != path || u.Query().Get("text") != x.home.text {
				t.Errorf("the code says %q", link)
			}
		}
		check("/")
		x.finger("+56 9 8765 4321")
		x.sees("Va al +56987654321.")
		check("/56987654321")
		x.finger("0")
		x.sees("no es un celular de Chile")
		if d, ok := x.w.dialog.(*messageDialog); !ok || d.link != "" || d.code.Visible() {
			t.Error("a number that is none has a code")
		}
		x.press(fyne.KeyF12)
		if got := x.w.app.Clipboard().Content(); got != x.home.text {
			t.Errorf("the clipboard has %q", got)
		}
	}
}

// The buyer's own number is there already.
func TestTheBuyersNumberIsThere(t *testing.T) {
	x := newWorld(t)
	d := issuedOne(x, dte.Factura)
	d.Receptor.Telefono = "+56 9 5555 1234"
	x.w.render()
	x.press(fyne.KeyF5)
	x.choose("WhatsApp o mensaje")
	if d, ok := x.w.dialog.(*messageDialog); !ok || !strings.HasPrefix(d.link, "https://wa.me/56955551234?text=") {
		t.Errorf("%T", x.w.dialog)
	}
}

var _ Copies = (*takeHome)(nil)

// The buyer's address is offered, what is typed goes into the queue with who wanted it, and a refusal is told where it can be
// mended.
func TestADocumentIsMailed(t *testing.T) {
	x := newWorld(t)
	issuedOne(x, dte.Factura)
	buyer := saletest.Buyer()
	buyer.Correo = "compras@aromos.cl"
	if err := x.buyers.SaveCustomer(buyer); err != nil {
		t.Fatal(err)
	}
	x.docs.list[0].Receptor = buyer.Receptor()
	x.docs.list[0].Receptor.Correo = ""
	x.w.render()
	x.press(fyne.KeyF5)
	x.choose("Correo")
	if got := x.w.dialog.field().Text; got != "compras@aromos.cl" {
		t.Errorf("offered %q", got)
	}
	x.home.fail = errors.New("falta la cuenta de correo. Nada se perdió")
	x.press(fyne.KeyF12)
	x.sees("Falta la cuenta de correo. Nada se perdió")
	x.home.fail = nil
	x.press(fyne.KeyF12)
	x.sees("El correo con factura 12.204 para compras@aromos.cl quedó en la cola: sale solo cuando haya línea.")
	if len(x.home.mails) != 1 || x.home.mails[0] != "T33F12204 compras@aromos.cl " {
		t.Errorf("wanted %q", x.home.mails)
	}
}

// The document says what became of its letters.
func TestWhatBecameOfALetter(t *testing.T) {
	x := newWorld(t)
	d := issuedOne(x, dte.Boleta)
	for _, c := range []struct {
		mail  sale.Mail
		want  string
		short string
	}{
		{sale.Mail{State: sale.MailWaiting}, "Correo a ana@x.cl: espera su turno.", " en espera."},
		{sale.Mail{State: sale.MailWaiting, Problem: "no hay conexión. Sale solo"}, "Correo a ana@x.cl: espera. No hay conexión. Sale solo.", " en espera."},
		{sale.Mail{State: sale.MailSent, Sent: x.now}, "Correo a ana@x.cl: enviado el 16-03-2026 a las 12:30.", " enviado el 16-03-2026 12:30."},
		{sale.Mail{State: sale.MailStopped, Problem: "el servidor no lo acepta: «550 no»"}, "Correo a ana@x.cl: no se envió. El servidor no lo acepta: «550 no».", " sin enviar: vea Enviar."},
	} {
		c.mail.To = "ana@x.cl"
		d.Mails = []sale.Mail{c.mail}
		x.w.render()
		x.sees("Correo" + c.short)
		x.press(fyne.KeyF5)
		x.sees(c.want)
		x.press(fyne.KeyEscape)
		d.Mails = []sale.Mail{{To: "otra@x.cl", State: sale.MailSent}, c.mail}
		x.w.render()
		x.sees("2 correos; el último," + c.short)
	}
}

// The account is kept and then tried away from the window; what the server said is told. The password is not shown again, and
// what is written wrong is told in the form.
func TestTheMailAccount(t *testing.T) {
	x := newWorld(t)
	x.home.said = "El servidor smtp.empresa.cl aceptó el correo de prueba."
	account := func() []*field {
		x.w.openSettings()
		x.choose("Correo")
		d, ok := x.w.dialog.(*formDialog)
		if !ok {
			t.Fatalf("%T", x.w.dialog)
		}
		return d.fields
	}
	fields := account()
	for i, words := range []string{"smtp.empresa.cl", "quinientos", "STARTTLS", "caja@empresa.cl", "tres gatos", "caja@empresa.cl", "Doña Rosa"} {
		fields[i].write(words)
	}
	x.press(fyne.KeyF12)
	x.sees("«quinientos» no es un puerto. No se cambió nada")
	fields[1].write("587")
	fields[5].write("caja")
	x.press(fyne.KeyF12)
	x.sees("La dirección desde la que se envía: «caja» no es una dirección de correo.")
	fields[5].write("caja@empresa.cl")
	x.press(fyne.KeyF12)
	x.sees("Se está probando con el servidor…")
	x.work()
	x.sees("El servidor smtp.empresa.cl aceptó el correo de prueba.")
	want := sale.MailAccount{Host: "smtp.empresa.cl", Port: 587, Security: sale.MailSTARTTLS, User: "caja@empresa.cl", Password: "tres gatos", From: "caja@empresa.cl", Name: "Doña Rosa"}
	if x.home.account != want {
		t.Errorf("%+v", x.home.account)
	}
	fields = account()
	if fields[0].Text != want.Host || fields[4].Text != "" || !fields[4].Password {
		t.Errorf("the password is %q (masked: %v)", fields[4].Text, fields[4].Password)
	}
	x.home.fail = errors.New("el servidor de correo no aceptó el usuario o la clave: «535 5.7.8 no»")
	x.press(fyne.KeyF12)
	x.work()
	x.sees("El servidor de correo no aceptó el usuario o la clave: «535 5.7.8 no».")
}

// Whoever may not print again asks for it, wherever the paper is wanted: nothing goes to the printer before.
func TestAReprintAsksForItsRight(t *testing.T) {
	for name, want := range map[string]func(x *world){
		"after the sale": func(x *world) { x.press(f6) },
		"in the list":    func(x *world) { x.press(enter); x.w.visit(documents); x.press(f6) },
		"as a copy":      func(x *world) { x.press(f5); x.choose("Imprimir una copia") },
		"as a PDF":       func(x *world) { x.press(f5); x.choose("PDF tamaño carta"); x.work() },
	} {
		x := newWorld(t)
		x.crew()
		must(t, x.till.Enter(1, "9999"))
		must(t, x.till.SetPolicy(sale.Cajero, sale.Grants{Rights: []sale.Right{sale.MaySell}}))
		must(t, x.till.Enter(3, "1111"))
		x.w.settle(nil)
		fill(x, 1)
		x.press(f12, enter, enter)
		want(x)
		if d, ok := x.w.dialog.(*pinDialog); !ok || len(x.docs.reprints)+len(x.home.saved) != 0 {
			t.Errorf("%s: %T is open, printed %v, saved %v", name, d, x.docs.reprints, x.home.saved)
		}
	}
}
