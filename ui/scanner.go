package ui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
)

// Scanner is how the scanners of this till speak. The zero value is how they leave the factory: a keyboard that types the
// code and Enter.
type Scanner struct {
	// Prefix and Suffix are the characters that the scanner puts around a code, or none: "~", "]C1". With a suffix a scan
	// ends without waiting; with a prefix two scans are told apart even if everything between them was lost.
	Prefix string `json:"prefijo,omitempty"`
	Suffix string `json:"sufijo,omitempty"`
	// AIM: the scanner says which kind of bar code it read, in three characters before the code: "]E0".
	AIM bool `json:"aim,omitempty"`
	// Port is a serial scanner's (USB-COM): "/dev/ttyACM0", "COM3". Empty: none.
	Port string `json:"puerto,omitempty"`
	Baud int    `json:"velocidad,omitempty"`
}

// Check says what is wrong with a choice.
func (s Scanner) Check() error {
	for name, mark := range map[string]string{"prefijo": s.Prefix, "sufijo": s.Suffix} {
		switch {
		case mark == "":
		case utf8.RuneCountInString(mark) > longestMark:
			return fmt.Errorf("el %s tiene a lo más %d caracteres. No se cambió nada", name, longestMark)
		case !distinct(mark):
			return fmt.Errorf("«%s» no sirve de %s: aparece en códigos o tiene otro uso en la caja. Sirven, por ejemplo, ~, # o ]C1. No se cambió nada", mark, name)
		}
	}
	if s.Port != "" && (s.Baud < 300 || s.Baud > 921600) {
		return errors.New("la velocidad de un escáner serial va de 300 a 921600, normalmente 9600. No se cambió nada")
	}
	return nil
}

// longestMark is the most characters of a prefix or suffix.
const longestMark = 8

// distinct reports a mark that no code has and that types nothing else: one sign at least, none that moves a quantity,
// and "]" only before the letter and the figure of an AIM identifier.
func distinct(mark string) bool {
	sign := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	unfit := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("+-*", r) }
	return strings.ContainsFunc(mark, sign) && !strings.ContainsFunc(mark, unfit) && mark != "]"
}

// printing leaves out what frames a code without being written: STX, ETX and their like.
func printing(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// codes are what a burst says without what the scanner put around. Whatever it is, something remains.
func (s Scanner) codes(text string) []string {
	text = printing(text)
	parts := []string{text}
	if s.Prefix != "" {
		parts = strings.Split(text, s.Prefix)
	}
	var codes []string
	for _, code := range parts {
		if s.Suffix != "" {
			code = strings.TrimSuffix(code, s.Suffix)
		}
		if s.AIM {
			code = withoutAIM(code)
		}
		if code != "" {
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 {
		return []string{text}
	}
	return codes
}

// withoutAIM takes off a symbology identifier: "]", a letter for the kind and a character for its variant (ISO/IEC 15424).
func withoutAIM(code string) string {
	if len(code) > 3 && code[0] == ']' && unicode.IsLetter(rune(code[1])) && code[2] < utf8.RuneSelf {
		return code[3:]
	}
	return code
}

// Endings of a scan, as the test page tells them.
const (
	endSilence = "silencio"
	endSuffix  = "sufijo"
	endPrefix  = "el comienzo del siguiente"
	endSerial  = "puerto serial"
)

func endKey(key fyne.KeyName) string {
	if key == fyne.KeyTab {
		return "Tab"
	}
	return "Enter"
}

// scanReport is what a scanner delivered.
type scanReport struct {
	raw   string
	codes []string
	mean  time.Duration // between two characters
	end   string
	quick bool // it was taken for a scanner's
}

// report describes the burst in progress.
func (w *Window) report(end string) scanReport {
	b := &w.burst
	raw, quick := b.code()
	if !quick {
		raw = string(b.runes)
	}
	r := scanReport{raw: raw, codes: w.settings.Scanner.codes(raw), end: end, quick: quick}
	if n := len(b.runes); n > 1 {
		r.mean = b.last.Sub(b.start) / time.Duration(n-1)
	}
	return r
}

// verdict judges it by length and check digit.
func (r scanReport) verdict() string {
	code := r.codes[0]
	switch {
	case !r.quick:
		return fmt.Sprintf("Se tomaría por escrito a mano: un escáner escribe %d caracteres o más, cada uno en %d ms o menos.", shortestCode, pace.Milliseconds())
	case len(r.codes) > 1 || len(separate(code)) > 1:
		return "Son varios códigos juntos: se agrega cada uno."
	case gtin(code):
		return fmt.Sprintf("GTIN-%d, con el dígito verificador correcto.", len(code))
	case digits(code) && (len(code) == 8 || len(code) >= 12 && len(code) <= 14):
		return "El dígito verificador no corresponde: se busca tal como llegó."
	}
	return fmt.Sprintf("Código propio, de %d caracteres.", utf8.RuneCountInString(code))
}

// arrived is a whole code from a serial scanner. It waits in the same row as those that are typed.
func (w *Window) arrived(text string) {
	defer w.probe.gesture(endSerial)()
	codes := w.settings.Scanner.codes(text)
	if d, ok := w.dialog.(*scanTestDialog); ok {
		d.tell(scanReport{raw: text, codes: codes, end: endSerial, quick: true})
		return
	}
	if d, ok := w.dialog.(scanTaker); ok {
		d.scanned(codes[0])
		return
	}
	w.queue(separateAll(codes))
}

func separateAll(texts []string) (codes []string) {
	for _, text := range texts {
		codes = append(codes, separate(text)...)
	}
	return codes
}

// scanTestDialog shows what the last scan delivered; what is scanned here is not sold.
type scanTestDialog struct {
	w     *Window
	card  fyne.CanvasObject
	words [4]*text
}

func newScanTestDialog(w *Window) *scanTestDialog {
	l := w.l
	d := &scanTestDialog{w: w}
	items := []item{
		as(newText(l, 24, ink, cut).strong().say("Probar un escáner")),
		as(newText(l, 16, muted, wrap).upTo(2).say("Escanee cualquier cosa: lo que se escanea aquí no se vende.")),
	}
	for i, name := range []string{"LLEGÓ", "SE LEE", "CÓMO", "SE TOMA POR"} {
		d.words[i] = newText(l, 18, ink, wrap).upTo(2).strong().say("—")
		items = append(items, as(label(l, name)), fixed(l.px(52), d.words[i]))
	}
	items = append(items, fixed(l.px(64), newButton(l, primary, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))))
	d.card = dialogCard(l, 720, col(l.px(8), items...))
	return d
}

func (d *scanTestDialog) object() fyne.CanvasObject { return d.card }
func (d *scanTestDialog) render()                   {}
func (d *scanTestDialog) field() *field             { return nil }
func (d *scanTestDialog) keys() []binding           { return nil }
func (d *scanTestDialog) enter()                    {}
func (d *scanTestDialog) edited()                   {}
func (d *scanTestDialog) move(fyne.KeyName) bool    { return false }

func (d *scanTestDialog) tell(r scanReport) {
	how := fmt.Sprintf("%d caracteres; terminó con: %s", utf8.RuneCountInString(r.raw), r.end)
	if r.mean > 0 {
		how = fmt.Sprintf("%d caracteres, uno cada %s ms; terminó con: %s", utf8.RuneCountInString(r.raw), milliseconds(r.mean), r.end)
	}
	d.words[0].say(strconv.Quote(r.raw))
	d.words[1].say(strings.Join(separateAll(r.codes), "  "))
	d.words[2].say(how)
	d.words[3].say(r.verdict())
	d.w.beep(BeepAdded)
}

// milliseconds with one decimal, as Chile writes them.
func milliseconds(d time.Duration) string {
	tenths := d.Round(100*time.Microsecond).Microseconds() / 100
	return fmt.Sprintf("%d,%d", tenths/10, tenths%10)
}

// openScanner is the list of what there is about scanners.
func (w *Window) openScanner() {
	open := func(d func() dialog) func() error {
		return func() error {
			w.openDialog(d())
			return nil
		}
	}
	w.openDialog(newChooseDialog(w, "Escáner", "Los que escriben como un teclado sirven sin ajustes.", []choice{
		{words: "Probar un escáner", detail: "qué llega y cómo se entiende", opens: true, do: open(func() dialog { return newScanTestDialog(w) })},
		{words: "Prefijo, sufijo y puerto", detail: w.scannerState(), opens: true, do: open(func() dialog { return newScannerForm(w) })},
	}))
}

func (w *Window) scannerState() string {
	if w.settings.Scanner.Port == "" {
		return "sin puerto serial"
	}
	if problem := w.serial(); problem != "" {
		return problem
	}
	return "conectado en " + w.settings.Scanner.Port
}

func newScannerForm(w *Window) dialog {
	s := w.settings.Scanner
	aim, baud := "no", "9600"
	if s.AIM {
		aim = "sí"
	}
	if s.Baud != 0 {
		baud = strconv.Itoa(s.Baud)
	}
	return newFormDialog(w, "Prefijo, sufijo y puerto del escáner", "Como esté programado el escáner; lo normal es dejar todo vacío.", "Guardar", []formField{
		{"Prefijo", s.Prefix, "~, ]C1, o nada"},
		{"Sufijo", s.Suffix, "#, o nada"},
		{"Manda identificador AIM (]E0)", aim, "sí o no"},
		{"Puerto serial", s.Port, "COM3, /dev/ttyACM0, o nada"},
		{"Velocidad", baud, "9600"},
	}, func(x []string) (string, error) {
		chosen := Scanner{Prefix: x[0], Suffix: x[1], Port: x[3]}
		var err error
		if chosen.AIM, err = yes(x[2]); err != nil {
			return "", err
		}
		if chosen.Port != "" {
			n, err := strconv.Atoi(x[4])
			if err != nil {
				return "", fmt.Errorf("la velocidad «%s» no es un número. No se cambió nada", x[4])
			}
			chosen.Baud = n
		}
		if err := chosen.Check(); err != nil {
			return "", err
		}
		if err := w.change(func(s *Settings) { s.Scanner = chosen }); err != nil {
			return "", err
		}
		return "El escáner quedó ajustado. Pruébelo en el menú, Ajustes, Escáner.", nil
	})
}
