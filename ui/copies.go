package ui

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"github.com/boombuler/barcode/qr"

	"mostrador/dte"
	"mostrador/sale"
)

// Copies are what a buyer takes home besides the paper; shop.Shop is one. SavePDF and TryMail have a goroutine of their own,
// the others are called from the window's and are quick. Only TryMail waits for a network.
type Copies interface {
	Mails
	// SavePDF writes the document as a file and returns its path.
	SavePDF(key dte.Key, kind sale.PDFKind) (path string, err error)
	PDFFolder() (string, error)
	SetPDFFolder(dir string) error
	// CopyText is what the buyer is told of a document in a message.
	CopyText(key dte.Key) (string, error)
}

// openCopies lists the ways in which a document can be handed over.
func (w *Window) openCopies(d sale.DocumentInfo) {
	r := d.Record
	advice := "Ninguna de estas copias necesita internet para hacerse."
	if words := mailWords(d.Mails); words != "" {
		advice = words
	}
	pdf := func(words, detail string, kind sale.PDFKind) choice {
		return choice{words: words, detail: detail, opens: true, do: func() error {
			w.allowed(sale.MayReprint, "PDF de "+docTitle(r.Key), func() { w.savePDF(r.Key, kind) })
			return nil
		}}
	}
	choices := []choice{
		{words: "Imprimir una copia", detail: "marcada COPIA y su número", opens: true, do: func() error { w.reprint(r.Key, false); return nil }},
	}
	cedible := sale.MayBeCedible(r.Key.Tipo)
	if cedible {
		choices = append(choices, choice{words: "Imprimir la CEDIBLE", detail: "con acuse de recibo", opens: true, do: func() error { w.reprint(r.Key, true); return nil }})
	}
	if w.copies != nil {
		choices = append(choices, pdf("PDF tamaño carta", "a la carpeta de los PDF", sale.PDFCarta), pdf("PDF de 80 mm", "como el ticket", sale.PDFRollo))
		if cedible {
			choices = append(choices, pdf("PDF con la CEDIBLE", "carta, las dos hojas", sale.PDFCedible))
		}
		choices = append(choices, choice{words: "Correo", detail: "sale solo, cuando haya línea", opens: true, do: func() error { w.openMail(r); return nil }})
		choices = append(choices, choice{words: "WhatsApp o mensaje", detail: "texto y código QR", opens: true, do: func() error { return w.openMessage(r) }})
	}
	w.openDialog(newChooseDialog(w, "Enviar "+strings.ToLower(docName(r.Key.Tipo))+" "+docNumber(r.Key), advice, choices))
}

// reprint queues a copy and says what it is: a first paper that never came out is no copy.
func (w *Window) reprint(k dte.Key, cedible bool) {
	w.allowed(sale.MayReprint, docTitle(k), func() { w.reprinted(k, cedible) })
}

func (w *Window) reprinted(k dte.Key, cedible bool) {
	job, err := w.documents.Reprint(k, cedible, w.s.Person.Name)
	if err != nil {
		w.settle(err)
		return
	}
	doc := strings.ToLower(docName(k.Tipo)) + " " + docNumber(k)
	switch {
	case job.Copy > 0 && cedible:
		w.say(good, fmt.Sprintf("La CEDIBLE de %s va a la impresora, marcada COPIA %d.", doc, job.Copy))
	case job.Copy > 0:
		w.say(good, fmt.Sprintf("La copia de %s va a la impresora, marcada COPIA %d.", doc, job.Copy))
	case cedible:
		w.say(good, "La CEDIBLE de "+doc+" va a la impresora.")
	default:
		w.say(good, "El original de "+doc+" todavía no salió: va a la impresora y no cuenta como copia.")
	}
}

// savePDF writes the file away from the window: the folder may be on a slow disk.
func (w *Window) savePDF(k dte.Key, kind sale.PDFKind) {
	w.settle(nil)
	w.aside(func() func() {
		path, err := w.copies.SavePDF(k, kind)
		return func() {
			if err != nil {
				w.frame.banner.tell(bad, sentence(err.Error())+".")
				return
			}
			words := "El PDF de " + strings.ToLower(docName(k.Tipo)) + " " + docNumber(k) + " quedó en " + path
			if err := w.counter.SavedPDF(k, filepath.Base(path)); err != nil {
				w.frame.banner.tell(warn, words+", y no se pudo anotar quién lo guardó: "+err.Error())
				return
			}
			w.frame.banner.tell(good, words)
		}
	})
}

// openPDFFolder asks where PDF files go.
func (w *Window) openPDFFolder() error {
	dir, err := w.copies.PDFFolder()
	if err != nil {
		return err
	}
	w.openDialog(newFormDialog(w, "Carpeta de los PDF", "Ahí se guardan las copias en PDF. Si la carpeta no está, se crea.", "Guardar",
		[]formField{{"Carpeta", dir, "por ejemplo /home/rosa/Documentos"}}, func(x []string) (string, error) {
			if err := w.copies.SetPDFFolder(x[0]); err != nil {
				return "", err
			}
			return "Los PDF se guardan desde ahora en la carpeta elegida.", nil
		}))
	return nil
}

// copiesWords tell the last paper that came out beyond the original.
func copiesWords(copies []sale.Copy) string {
	if len(copies) == 0 {
		return ""
	}
	last := copies[len(copies)-1]
	words := "Última: " + copyMark(last)
	if !last.At.IsZero() {
		words += ", " + day(last.At) + " " + hour(last.At)
	}
	if last.Who != "" {
		words += ", " + last.Who
	}
	return words + "."
}

// copyMark is what the paper itself says.
func copyMark(c sale.Copy) string {
	switch {
	case c.Cedible && c.N > 0:
		return fmt.Sprintf("CEDIBLE, COPIA %d", c.N)
	case c.Cedible:
		return "CEDIBLE"
	}
	return fmt.Sprintf("COPIA %d", c.N)
}

// messageDialog shows what to send a buyer by telephone: as text for the clipboard, and as a QR code that opens WhatsApp
// with it. The till itself sends nothing.
type messageDialog struct {
	w       *Window
	card    fyne.CanvasObject
	phone   *field
	words   string // what is sent
	link    string // what the QR code carries
	code    *canvas.Image
	problem *text
}

func (w *Window) openMessage(r sale.Record) error {
	words, err := w.copies.CopyText(r.Key)
	if err != nil {
		return err
	}
	w.openDialog(newMessageDialog(w, words, r.Receptor.Telefono))
	return nil
}

func newMessageDialog(w *Window, words, phone string) *messageDialog {
	l := w.l
	d := &messageDialog{w: w, words: words, phone: newField(w, "9 1234 5678"), problem: newText(l, 15, muted, wrap).upTo(3), code: canvas.NewImageFromImage(nil)}
	d.code.FillMode, d.code.ScaleMode = canvas.ImageFillContain, canvas.ImageScalePixels
	d.phone.limit = 24
	d.phone.write(phone)
	left := col(l.px(8), as(label(l, "CELULAR DEL CLIENTE, SI LO DA")), fixed(l.px(52), d.phone.framed(20, nil)), fixed(l.px(66), d.problem),
		as(label(l, "EL MENSAJE")), fixed(l.px(190), newPanel(l, sunk, pad(l.px(14), l.px(10), newText(l, 15, ink, wrap).upTo(9).atTop().say(lined(words))))))
	d.card = dialogCard(l, 900, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("WhatsApp o mensaje")),
		as(newText(l, 16, muted, wrap).upTo(2).say("Escanee el código con el teléfono de la tienda: abre WhatsApp con el mensaje listo. La caja no usa internet para esto.")),
		fixed(l.px(400), row(l.px(20), grow(left), fixed(l.px(400), d.code))),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, "Copiar el mensaje", w.cap(formPlace, fyne.KeyF12), d.copy).bigger(18, fyne.NewSize(120, 64)))))))
	d.edited()
	return d
}

// lined keeps the lines of a message apart in a text that is broken anew.
func lined(words string) string { return strings.ReplaceAll(words, "\n", " · ") }

func (d *messageDialog) object() fyne.CanvasObject { return d.card }
func (d *messageDialog) render()                   {}
func (d *messageDialog) field() *field             { return d.phone }
func (d *messageDialog) place() place              { return formPlace }
func (d *messageDialog) keys() []binding           { return []binding{{key: fyne.KeyF12, do: d.copy}} }
func (d *messageDialog) enter()                    { d.copy() }
func (d *messageDialog) move(fyne.KeyName) bool    { return false }

// edited draws the code for the number as it stands; one that is not whole yet has no code.
func (d *messageDialog) edited() {
	typed, phone := strings.TrimSpace(d.phone.Text), ""
	words := "Sin número, WhatsApp pregunta a quién se envía."
	if typed != "" {
		var err error
		if phone, err = sale.ParsePhone(typed); err != nil {
			d.show("", sentence(err.Error())+".", bad)
			return
		}
		words = "Va al +" + phone + "."
	}
	d.show(sale.WhatsAppLink(phone, d.words), words, muted)
}

func (d *messageDialog) show(link, words string, colour fyne.ThemeColorName) {
	d.link = link
	d.problem.sayIn(words, colour)
	d.code.Image = nil
	if link != "" {
		code, err := qrCode(link)
		if err != nil {
			d.problem.sayIn("El código no se pudo dibujar: copie el mensaje.", bad)
		}
		d.code.Image = code
	}
	d.code.Hidden = d.code.Image == nil
	d.code.Refresh()
}

// copy puts the message where every other program can take it from.
func (d *messageDialog) copy() {
	d.w.app.Clipboard().SetContent(d.words)
	d.w.dropDialog()
	d.w.say(good, "El mensaje está copiado: péguelo donde quiera enviarlo.")
}

// quietModules is the white that a reader needs around the code, and moduleSide the dots of a module.
const quietModules, moduleSide = 4, 6

// qrCode is black on white whatever the colours of the window are.
func qrCode(text string) (image.Image, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, err
	}
	n := code.Bounds().Dx()
	side := (n + 2*quietModules) * moduleSide
	page := image.NewGray(image.Rect(0, 0, side, side))
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	for y := range n {
		for x := range n {
			if color.GrayModel.Convert(code.At(x, y)) == (color.Gray{}) {
				at := image.Pt((x+quietModules)*moduleSide, (y+quietModules)*moduleSide)
				draw.Draw(page, image.Rectangle{Min: at, Max: at.Add(image.Pt(moduleSide, moduleSide))}, image.Black, image.Point{}, draw.Src)
			}
		}
	}
	return page, nil
}
