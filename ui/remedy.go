package ui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
)

// Remedies lead a refused document on. Each act done twice is done once. Errors say in Spanish what happened and what to do.
type Remedies interface {
	// CorrectionOf is a refused document as it stands, for a person to mend; CheckCorrection what is wrong with what was
	// written so far. Both are asked while somebody types.
	CorrectionOf(key dte.Key) (sale.Correction, error)
	CheckCorrection(c sale.Correction) error
	// Correct issues it again under its own folio, Resend sends the same bytes again, Reissue issues the sale under the
	// next folio.
	Correct(c sale.Correction, who, why string) (sale.Record, error)
	Resend(key dte.Key, who, why string) error
	Reissue(key dte.Key, who, why string) (sale.Record, error)
}

// mostActs is how many acts one alarm offers at most.
const mostActs = 3

// actKeys do the acts of an alarm, in their order.
var actKeys = [mostActs]struct {
	key    fyne.KeyName
	keycap string
}{{fyne.KeyF2, "F2"}, {fyne.KeyF3, "F3"}, {fyne.KeyF4, "F4"}}

// actWords is what stands on the button of an act; beside others there is less room.
func actWords(a sale.Act, alone bool) string {
	switch a {
	case sale.ActResend:
		return "Reenviar"
	case sale.ActCorrect:
		if alone {
			return "Corregir…"
		}
		return "Corregir"
	case sale.ActReissue:
		if alone {
			return "Emitir con otro folio"
		}
		return "Otro folio"
	case sale.ActNote:
		return "Nota de crédito"
	}
	return ""
}

// offers are the acts of the alarm that is marked.
func (s *noticesScreen) offers() []sale.Act {
	a, ok := s.alarm()
	if !ok {
		return nil
	}
	return a.Acts[:min(len(a.Acts), mostActs)]
}

// newActs are the buttons of the acts; render shows those that there are.
func (s *noticesScreen) newActs() fyne.CanvasObject {
	l := s.w.l
	var items []item
	for i := range actKeys {
		b := newButton(l, primary, "", s.w.cap(notices, actKeys[i].key), func() { s.do(i) }).bigger(16, fyne.NewSize(60, 60)).stacked()
		s.acts = append(s.acts, b)
		items = append(items, grow(b))
	}
	s.actRow = row(l.px(8), items...)
	return s.actRow
}

func (s *noticesScreen) renderActs() {
	offers := s.offers()
	setVisible(s.actRow, len(offers) > 0)
	for i, b := range s.acts {
		setVisible(b, i < len(offers))
		if i < len(offers) {
			b.set(actWords(offers[i], len(offers) == 1), b.cap, true)
		}
	}
}

func (s *noticesScreen) actBindings() (keys []binding) {
	for i, act := range s.offers() {
		keys = append(keys, binding{key: actKeys[i].key, keycap: actKeys[i].keycap, help: actHelp(act), do: func() { s.do(i) }})
	}
	return keys
}

func actHelp(a sale.Act) string {
	switch a {
	case sale.ActResend:
		return "envía otra vez el documento rechazado, tal cual"
	case sale.ActCorrect:
		return "corrige el documento rechazado, con el mismo folio"
	case sale.ActReissue:
		return "emite la misma venta con el folio siguiente"
	}
	return "cómo se hace la nota de crédito"
}

// do opens the form of the n-th act.
func (s *noticesScreen) do(n int) {
	a, ok := s.alarm()
	if !ok || n >= len(s.offers()) {
		return
	}
	switch s.offers()[n] {
	case sale.ActResend:
		s.resend(a)
	case sale.ActCorrect:
		s.correct(a)
	case sale.ActReissue:
		s.reissue(a)
	case sale.ActNote:
		s.note(a)
	}
}

// reasons are the last two fields of every act: they stay in the audit chain.
func (s *noticesScreen) reasons(example string) []formField {
	return []formField{{"Por qué", "", example}, {"Quién lo decide", s.w.who(s.told.who), "Nombre"}}
}

func (s *noticesScreen) resend(a sale.Alarm) {
	w := s.w
	w.openDialog(newFormDialog(w, "Reenviar "+strings.ToLower(docTitle(a.Key)), "Va tal cual en otro envío. Antes debe estar resuelta la causa.", "Reenviar",
		s.reasons("La factura a que se refiere ya llegó"), func(x []string) (string, error) {
			if err := w.notices.Resend(a.Key, x[1], x[0]); err != nil {
				return "", err
			}
			s.told.who = x[1]
			return docTitle(a.Key) + " se envía de nuevo, tal cual.", s.load()
		}))
}

func (s *noticesScreen) reissue(a sale.Alarm) {
	w := s.w
	w.openDialog(newFormDialog(w, "Emitir con otro folio", "La misma venta que la "+strings.ToLower(docTitle(a.Key))+", con el folio siguiente. La caja no cuenta el pago otra vez.", "Emitir",
		s.reasons("El folio estaba anulado"), func(x []string) (string, error) {
			r, err := w.notices.Reissue(a.Key, x[1], x[0])
			if err != nil {
				return "", err
			}
			s.told.who = x[1]
			return fmt.Sprintf("%s por %s reemplaza a la %s. Cambie el papel al cliente.", docTitle(r.Key), peso(r.Total), docNumber(a.Key)), s.load()
		}))
}

// note says how a credit note is made: this screen makes none.
func (s *noticesScreen) note(a sale.Alarm) {
	if err := s.w.takeBack(a.Key); err != nil {
		s.w.openDialog(newTellDialog(s.w, "Nota de crédito", fmt.Sprintf("El SII ya tiene la %s: si su contenido está bien, no hay que hacer nada. "+
			"Si está mal, sólo una nota de crédito la corrige, y aquí no se puede: %s. Pídala al encargado o a su contador, y después anote "+
			"la tarea como atendida (%s).", strings.ToLower(docTitle(a.Key)), strings.TrimSuffix(err.Error(), "."), s.w.cap(notices, fyne.KeyF7))))
	}
}

// The fields of a correction, in their order.
const (
	mendRUT = iota
	mendName
	mendGiro
	mendAddress
	mendComuna
	mendRefTipo
	mendRefFolio
	mendRefDay
	mendRefCode
	mendRefReason
	mendFields
)

// mendLimits are the most characters that a document carries (Formato DTE v2.5, Receptor and Referencia).
var mendLimits = [mendFields]int{12, 100, 40, 70, 20, 3, 18, 10, 18, 90}

// correctionDialog mends a refused document. What is wrong is told while it is typed.
type correctionDialog struct {
	*formDialog
	was  sale.Correction
	show []int // which of the fields there are
}

func (s *noticesScreen) correct(a sale.Alarm) {
	was, err := s.w.notices.CorrectionOf(a.Key)
	if err != nil {
		s.w.settle(err)
		return
	}
	d := &correctionDialog{was: was, show: mendable(was)}
	var fields []formField
	texts := mendTexts(was)
	for _, i := range d.show {
		fields = append(fields, formField{mendLabels[i], texts[i], mendHints[i]})
	}
	fields = append(fields, s.reasons("La referencia estaba mal")...)
	d.formDialog = newFormDialog(s.w, "Corregir "+strings.ToLower(docTitle(a.Key)), "Folio, fecha, lo vendido y el total quedan como están."+moreReferences(was), "Emitir corregida",
		fields, func(x []string) (string, error) {
			c, err := d.read(x)
			if err != nil {
				return "", err
			}
			n := len(d.show)
			if _, err := s.w.notices.Correct(c, x[n+1], x[n]); err != nil {
				return "", err
			}
			s.told.who = x[n+1]
			return docTitle(a.Key) + " sale de nuevo, corregida y con el mismo folio. Cambie el papel al cliente.", s.load()
		})
	for n, i := range d.show {
		d.fields[n].limit = mendLimits[i]
	}
	s.w.openDialog(d)
	d.edited()
}

var mendLabels = [mendFields]string{
	"RUT", "Razón social o nombre", "Giro", "Dirección", "Comuna",
	"Referencia: tipo", "Referencia: folio", "Referencia: fecha", "Referencia: código", "Referencia: glosa",
}

var mendHints = [mendFields]string{
	"Con dígito verificador", "", "", "", "", "33, 39, 801…", "Sin referencia: vacío", "16-03-2026", "1 anula, 2 texto, 3 monto", "Motivo",
}

// mendable are the fields that the document's type has.
func mendable(c sale.Correction) []int {
	fields := []int{mendRUT, mendName, mendGiro, mendAddress, mendComuna, mendRefTipo, mendRefFolio, mendRefDay, mendRefCode, mendRefReason}
	return slices.DeleteFunc(fields, func(i int) bool {
		switch i {
		case mendGiro, mendRefDay:
			return c.Key.Tipo.EsBoleta()
		case mendRefCode:
			return !c.Key.Tipo.EsBoleta() && !c.Key.Tipo.EsNota()
		}
		return false
	})
}

func moreReferences(c sale.Correction) string {
	if n := len(c.Referencia); n > 1 {
		return fmt.Sprintf(" De sus %d referencias, aquí se corrige la primera.", n)
	}
	return ""
}

// mendTexts is what stands in the document.
func mendTexts(c sale.Correction) (x [mendFields]string) {
	r := c.Receptor
	x[mendName], x[mendGiro], x[mendAddress], x[mendComuna] = r.RznSoc, r.Giro, r.Direccion, r.Comuna
	if r.RUT != dte.RUTAnonimo {
		x[mendRUT] = r.RUT.Dotted()
	}
	if len(c.Referencia) == 0 {
		return x
	}
	ref := c.Referencia[0]
	x[mendRefTipo], x[mendRefFolio], x[mendRefReason], x[mendRefCode] = ref.TpoDocRef, ref.FolioRef, ref.RazonRef, ref.CodRefBoleta
	if d := ref.FchRef; !d.IsZero() {
		x[mendRefDay] = fmt.Sprintf("%02d-%02d-%04d", d.Day, d.Month, d.Year)
	}
	if ref.CodRef != 0 {
		x[mendRefCode] = strconv.Itoa(int(ref.CodRef))
	}
	return x
}

// read is the correction that is written in the form.
func (d *correctionDialog) read(x []string) (c sale.Correction, err error) {
	var text [mendFields]string
	for n, i := range d.show {
		text[i] = x[n]
	}
	c = d.was
	c.Receptor.RznSoc, c.Receptor.Giro, c.Receptor.Direccion, c.Receptor.Comuna = text[mendName], text[mendGiro], text[mendAddress], text[mendComuna]
	if c.Receptor.RUT = dte.RUTAnonimo; text[mendRUT] != "" || !c.Key.Tipo.EsBoleta() {
		if c.Receptor.RUT, err = dte.ParseRUT(text[mendRUT]); err != nil {
			return c, err
		}
	}
	c.Referencia, err = d.readReference(text)
	return c, err
}

// readReference puts the first reference as it is written in the place of what stood there; without any text it goes.
func (d *correctionDialog) readReference(text [mendFields]string) (all []dte.Referencia, err error) {
	all = slices.Clone(d.was.Referencia)
	if text[mendRefTipo]+text[mendRefFolio]+text[mendRefDay]+text[mendRefCode]+text[mendRefReason] == "" {
		return slices.Delete(all, 0, min(1, len(all))), nil
	}
	if len(all) == 0 {
		all = []dte.Referencia{{}}
	}
	r := &all[0]
	r.TpoDocRef, r.FolioRef, r.RazonRef = text[mendRefTipo], text[mendRefFolio], text[mendRefReason]
	if d.was.Key.Tipo.EsBoleta() {
		r.CodRefBoleta = text[mendRefCode]
		return all, nil
	}
	r.FchRef, r.CodRef = dte.Date{}, 0
	if text[mendRefDay] != "" {
		day, err := time.Parse("02-01-2006", text[mendRefDay])
		if err != nil {
			return nil, fmt.Errorf("«%s» no es una fecha: escríbala como 16-03-2026", text[mendRefDay])
		}
		r.FchRef = dte.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()}
	}
	if text[mendRefCode] != "" {
		code, err := strconv.Atoi(text[mendRefCode])
		if err != nil || code < 1 || code > 3 {
			return nil, fmt.Errorf("el código «%s» no existe: 1 anula, 2 corrige texto, 3 corrige montos", text[mendRefCode])
		}
		r.CodRef = dte.CodRef(code)
	}
	return all, nil
}

// edited tells at once what would be refused.
func (d *correctionDialog) edited() {
	x := make([]string, len(d.fields))
	for i, f := range d.fields {
		x[i] = strings.TrimSpace(f.Text)
	}
	c, err := d.read(x)
	if err == nil {
		err = d.w.notices.CheckCorrection(c)
	}
	switch {
	case err == nil:
		d.problem.say("")
	case errors.Is(err, sale.ErrNoChange): // not a fault while somebody begins
		d.problem.sayIn("Todavía no cambia ningún dato: corrija lo que el SII objetó.", muted)
	default:
		d.problem.sayIn(sentence(err.Error()), bad)
	}
}

// tellDialog says something that is too long for the banner.
type tellDialog struct {
	w    *Window
	card fyne.CanvasObject
}

func newTellDialog(w *Window, title, words string) *tellDialog {
	l := w.l
	return &tellDialog{w, dialogCard(l, 640, col(l.px(16),
		as(newText(l, 24, ink, cut).strong().say(title)),
		as(newText(l, 17, ink, wrap).upTo(8).say(words)),
		fixed(l.px(56), newButton(l, primary, "Entendido", "Esc", w.closeDialog))))}
}

func (d *tellDialog) object() fyne.CanvasObject { return d.card }
func (d *tellDialog) render()                   {}
func (d *tellDialog) field() *field             { return nil }
func (d *tellDialog) keys() []binding           { return nil }
func (d *tellDialog) edited()                   {}
func (d *tellDialog) move(fyne.KeyName) bool    { return false }
func (d *tellDialog) enter()                    { d.w.closeDialog() }
