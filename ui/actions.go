package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
)

// action is something that a key does in some places. The screens say which key is usual; the till may choose another, and
// bar, buttons, help and keyboard all ask here.
type action struct {
	name  string // as it is kept
	words string // as the settings list it
	key   fyne.KeyName
	in    []place
	duty  duty
}

// duty says what a key beside it may be.
type duty int

const (
	ordinary    duty = iota
	frequent         // pressed in every sale, without looking
	destructive      // takes something away
)

// The places of dialogues with keys of their own.
const (
	customerPlace place = "customer"
	returnPlace   place = "return"
	receiptPlace  place = "receipt"
	assistPlace   place = "assist"
	doubtPlace    place = "doubt"
	formPlace     place = "form"

	referencesPlace place = "references"
	drawerPlace     place = "drawer"

	accountPlace place = "account"
	serverPlace  place = "server"

	everywhere place = "everywhere" // on every screen and in every dialogue
)

// seekUsual is the usual key for a code that does not exist.
const seekUsual = ctrl + "B"

// padUsual is the usual key of the keypad.
const padUsual = ctrl + "T"

var actions = []action{
	{"cobrar", "Cobrar, emitir, siguiente", fyne.KeyF12, []place{selling, paying, done}, frequent},
	{"buscar", "Buscar producto", fyne.KeyF2, []place{selling}, frequent},
	{"cliente", "Cliente y documento", fyne.KeyF3, []place{selling}, ordinary},
	{"precio", "Precio, descuentos y vaciar", fyne.KeyF4, []place{selling}, ordinary},
	{"guardar", "Guardar la venta", fyne.KeyF5, []place{selling}, ordinary},
	{"retomar", "Retomar una venta", fyne.KeyF6, []place{selling}, ordinary},
	{"consultar", "Consultar un precio", fyne.KeyF7, []place{selling}, ordinary},
	{"devolver", "Devolver", fyne.KeyF8, []place{selling}, ordinary},
	{"devolver-documento", "Devolver el documento marcado", fyne.KeyF7, []place{documents}, ordinary},
	{"cajon", "Cajón, efectivo y turno", fyne.KeyF9, []place{selling, done}, ordinary},
	{"turno", "Turno", fyne.KeyF9, []place{documents, shiftPlace, drawerPlace}, ordinary},
	{"bloquear", "Bloquear, cambiar de cajero", fyne.KeyF10, []place{selling, done}, ordinary},
	{"buscar-codigo", "Buscar un código que no existe", seekUsual, []place{selling}, ordinary},
	{"crear", "Crear un código que no existe", fyne.KeyInsert, []place{selling}, ordinary},
	{"quitar", "Quitar la línea", fyne.KeyDelete, []place{selling}, destructive},
	{"menu", "Menú", fyne.KeyF11, []place{selling, done, documents, notices, reconciling}, ordinary},
	{"ayuda", "Ayuda", fyne.KeyF1, []place{selling, done, documents, notices, shiftPlace, reconciling}, ordinary},
	{"efectivo", "Efectivo", fyne.KeyF1, []place{paying}, frequent},
	{"tarjeta", "Débito", fyne.KeyF2, []place{paying}, frequent},
	{"credito", "Crédito", fyne.KeyF3, []place{paying}, frequent},
	{"transferencia", "Transferencia", fyne.KeyF4, []place{paying}, ordinary},
	{"cheque", "Cheque", fyne.KeyF5, []place{paying}, ordinary},
	{"vale", "Vale", fyne.KeyF6, []place{paying}, ordinary},
	{"cobro-anulado", "Cobro anulado en el terminal", fyne.KeyF8, []place{paying}, ordinary},
	{"fiado", "Fiado", fyne.KeyF7, []place{paying}, ordinary},
	{"ayuda-pago", "Ayuda al cobrar", fyne.KeyF11, []place{paying}, ordinary},
	{"reimprimir", "Reimprimir", fyne.KeyF6, []place{done, documents, accountPlace}, ordinary},
	{"enviar", "Enviar el documento: PDF, correo, WhatsApp", fyne.KeyF5, []place{done, documents}, ordinary},
	{"documento", "Documento del aviso", fyne.KeyF6, []place{notices}, ordinary},
	{"atender", "Atender el aviso", fyne.KeyF7, []place{notices}, ordinary},
	{"contingencia", "Qué hacer en una contingencia", fyne.KeyF8, []place{notices}, ordinary},
	{"informe", "Informe de contingencias", fyne.KeyF10, []place{notices}, ordinary},
	{"conciliar", "Conciliar un mes", fyne.KeyF8, []place{documents}, ordinary},
	{"respuesta", "Cargar la respuesta del SII", fyne.KeyF10, []place{documents}, ordinary},
	{"mes-anterior", "Mes anterior", fyne.KeyF3, []place{reconciling}, ordinary},
	{"mes-siguiente", "Mes siguiente", fyne.KeyF4, []place{reconciling}, ordinary},
	{"csv", "Conciliación en CSV", fyne.KeyF6, []place{reconciling}, ordinary},
	{"planilla", "Conciliación en planilla", fyne.KeyF7, []place{reconciling}, ordinary},
	{"comparar", "Comparar con el SII", fyne.KeyF8, []place{reconciling}, ordinary},
	{"boleta", "Boleta", fyne.KeyF2, []place{customerPlace}, ordinary},
	{"factura", "Factura", fyne.KeyF3, []place{customerPlace}, ordinary},
	{"guia", "Guía de despacho", fyne.KeyF5, []place{customerPlace}, ordinary},
	{"referencias", "Referencias del documento", fyne.KeyF6, []place{customerPlace}, ordinary},
	{"dejar-a-credito", "Dejar a crédito", fyne.KeyF7, []place{customerPlace}, ordinary},
	{"guardar-cliente", "Guardar el cliente", fyne.KeyF8, []place{customerPlace}, ordinary},
	{"cuenta", "Cuenta del cliente", fyne.KeyF9, []place{customerPlace}, ordinary},
	{"cupo", "Cupo para fiar", fyne.KeyF4, []place{accountPlace}, ordinary},
	{"abonar", "Recibir un abono", fyne.KeyF12, []place{accountPlace}, ordinary},
	{"sin-cliente", "Sin cliente", fyne.KeyF4, []place{customerPlace}, destructive},
	{"devolver-todo", "Devolver todo", fyne.KeyF3, []place{returnPlace}, ordinary},
	{"repone", "Vuelve a la venta o no", fyne.KeyF4, []place{returnPlace}, ordinary},
	{"sin-boleta", "Devolver sin boleta", fyne.KeyF9, []place{receiptPlace}, ordinary},
	{"devolver-vale", "Devolver como vale o como se pagó", fyne.KeyF5, []place{returnPlace}, ordinary},
	{"devolver-efectivo", "Devolver en efectivo lo pagado con tarjeta", fyne.KeyF7, []place{returnPlace}, ordinary},
	{"cambiar", "Cambiar por otra cosa", fyne.KeyF6, []place{returnPlace}, ordinary},
	{"quitar-referencia", "Quitar una referencia", fyne.KeyF4, []place{referencesPlace}, destructive},
	{"agregar-referencia", "Agregar una referencia", fyne.KeyF9, []place{referencesPlace}, ordinary},
	{"dejar-servidor", "Dejar el servidor", fyne.KeyF4, []place{serverPlace}, destructive},
	{"aceptar", "Aceptar un formulario", fyne.KeyF12, []place{customerPlace, formPlace, referencesPlace}, ordinary},
	{"teclado", "Teclado en pantalla", padUsual, []place{everywhere}, ordinary},
	{"opcion-1", "Primera opción", fyne.KeyF2, []place{notices, assistPlace, doubtPlace}, ordinary},
	{"opcion-2", "Segunda opción", fyne.KeyF3, []place{notices, assistPlace, doubtPlace}, ordinary},
	{"opcion-3", "Tercera opción", fyne.KeyF4, []place{notices, assistPlace}, ordinary},
}

// placeNames are the places as the settings tell them.
var placeNames = map[place]string{
	selling: "venta", paying: "cobro", done: "fin de la venta", documents: "documentos", notices: "avisos", shiftPlace: "turno",
	reconciling: "conciliar", drawerPlace: "cajón",
	returnPlace:   "devolución",
	receiptPlace:  "buscar lo que se devuelve",
	customerPlace: "cliente", assistPlace: "contingencia", doubtPlace: "tarjeta en duda", formPlace: "formularios", referencesPlace: "referencias", accountPlace: "cuenta", serverPlace: "servidor", everywhere: "en todas partes",
}

// keyOf is the key of an action at this till.
func (s Settings) keyOf(a action) fyne.KeyName {
	if key, ok := s.Keys[a.name]; ok && assignable(key) {
		return key
	}
	return a.key
}

// keyAt is the key for what usually has this one, in a place.
func (w *Window) keyAt(at place, usual fyne.KeyName) fyne.KeyName {
	for _, a := range actions {
		if a.key == usual && slices.Contains(a.in, at) {
			return w.settings.keyOf(a)
		}
	}
	return usual
}

// cap is how that key is written on the keyboard.
func (w *Window) cap(at place, usual fyne.KeyName) string { return keycap(w.keyAt(at, usual)) }

func keycap(key fyne.KeyName) string {
	switch key {
	case fyne.KeyDelete:
		return "Supr"
	case fyne.KeyInsert:
		return "Ins"
	}
	return string(key)
}

// bound are a place's bindings with the keys of this till.
func (w *Window) bound(at place, keys []binding) []binding {
	keys = slices.Clone(keys)
	for i := range keys {
		if key := keys[i].key; key != "" {
			keys[i].key, keys[i].keycap = w.keyAt(at, key), w.cap(at, key)
		}
	}
	return keys
}

// screenKeys and dialogKeys are what the keyboard obeys now.
func (w *Window) screenKeys() []binding { return w.bound(w.place(), w.screen().keys()) }

func (w *Window) dialogKeys() []binding {
	keys := w.dialog.keys()
	if d, ok := w.dialog.(interface{ place() place }); ok {
		return w.bound(d.place(), keys)
	}
	return keys
}

func (d *customerDialog) place() place { return customerPlace }
func (d *assistDialog) place() place   { return assistPlace }
func (d *doubtDialog) place() place    { return doubtPlace }
func (d *formDialog) place() place     { return formPlace }
func (d *returnDialog) place() place   { return returnPlace }
func (d *receiptDialog) place() place  { return receiptPlace }
func (d *priceCheck) place() place     { return selling } // its key closes it again

// assignable are the keys that type nothing and have no duty of their own: F1 to F12, Insert, Delete, and Ctrl with a
// letter that edits no text.
func assignable(key fyne.KeyName) bool {
	letter, isCtrl := strings.CutPrefix(string(key), ctrl)
	switch {
	case isCtrl:
		return len(letter) == 1 && letter >= "A" && letter <= "Z" && !strings.Contains("ACVXYZ", letter)
	case key == fyne.KeyInsert || key == fyne.KeyDelete:
		return true
	}
	return slices.Contains(functionKeys, key)
}

const ctrl = "Ctrl+"

var functionKeys = []fyne.KeyName{
	fyne.KeyF1, fyne.KeyF2, fyne.KeyF3, fyne.KeyF4, fyne.KeyF5, fyne.KeyF6, fyne.KeyF7, fyne.KeyF8, fyne.KeyF9, fyne.KeyF10, fyne.KeyF11, fyne.KeyF12,
}

// meets reports that both have to work in one place.
func (a action) meets(o action) bool {
	return slices.Contains(a.in, everywhere) || slices.Contains(o.in, everywhere) ||
		slices.ContainsFunc(o.in, func(p place) bool { return slices.Contains(a.in, p) })
}

// conflict is the action that has the key already, in a place where a has to work too.
func (s Settings) conflict(a action, key fyne.KeyName) (other action, found bool) {
	for _, o := range actions {
		if o.name != a.name && a.meets(o) && s.keyOf(o) == key {
			return o, true
		}
	}
	return action{}, false
}

// with is the settings with another key for an action.
func (s Settings) with(a action, key fyne.KeyName) Settings {
	s.Keys = maps.Clone(s.Keys)
	if s.Keys == nil {
		s.Keys = map[string]fyne.KeyName{}
	}
	s.Keys[a.name] = key
	if key == a.key {
		delete(s.Keys, a.name)
	}
	return s
}

// slip warns of something destructive beside what is pressed in every sale without looking; "" when there is none.
func (s Settings) slip(a action) string {
	for _, o := range actions {
		if a.meets(o) && a.duty+o.duty == frequent+destructive && a.duty != o.duty && a.duty != ordinary && o.duty != ordinary && neighbours(s.keyOf(a), s.keyOf(o)) {
			return fmt.Sprintf("Cuidado: %s (%s) queda al lado de %s (%s).", keycap(s.keyOf(a)), a.words, keycap(s.keyOf(o)), o.words)
		}
	}
	return ""
}

// neighbours are keys that a finger in a hurry takes one for the other.
func neighbours(a, b fyne.KeyName) bool {
	i, j := slices.Index(functionKeys, a), slices.Index(functionKeys, b)
	if i >= 0 && j >= 0 {
		return i-j == 1 || j-i == 1
	}
	return a == fyne.KeyInsert && b == fyne.KeyDelete || a == fyne.KeyDelete && b == fyne.KeyInsert
}

// keysDialog changes the keys of this till: an action is chosen, then the new key is pressed.
type keysDialog struct {
	w       *Window
	card    fyne.CanvasObject
	list    *table
	words   *text
	at      int
	waiting bool         // for the new key
	again   fyne.KeyName // pressed once more, it changes places with the action that has it
}

func newKeysDialog(w *Window) *keysDialog {
	l := w.l
	d := &keysDialog{w: w, words: newText(l, 16, ink, wrap).upTo(3)}
	d.list = newTable(l, []column{{"QUÉ HACE", 0, fyne.TextAlignLeading}, {"DÓNDE", 300, fyne.TextAlignLeading}, {"TECLA", 90, fyne.TextAlignTrailing}}, func(i int) {
		d.at = i
		d.enter()
	})
	d.list.rowSize = 40
	d.card = dialogCard(l, 860, col(l.px(10),
		as(newText(l, 24, ink, cut).strong().say("Teclas de esta caja")),
		fixed(l.px(36+40*8), d.list),
		fixed(l.px(72), d.words),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, plain, "Restablecer todas", "", d.reset).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, "Cambiar", "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))))))
	d.tell(ink, "Elija con las flechas y Enter, y pulse la tecla nueva. Sirven F1 a F12, Ins, Supr y Ctrl con una letra.")
	d.render()
	return d
}

func (d *keysDialog) object() fyne.CanvasObject { return d.card }
func (d *keysDialog) field() *field             { return nil }
func (d *keysDialog) keys() []binding           { return nil }
func (d *keysDialog) edited()                   {}

func (d *keysDialog) render() {
	d.list.fill(len(actions), d.at, func(i int) []cell {
		a := actions[i]
		var where []string
		for _, p := range a.in {
			where = append(where, placeNames[p])
		}
		changed := d.w.settings.keyOf(a) != a.key
		return []cell{{words: a.words, bold: changed}, {words: clip(strings.Join(where, ", "), 36), colour: muted}, {words: keycap(d.w.settings.keyOf(a)), bold: true}}
	})
}

func (d *keysDialog) tell(colour fyne.ThemeColorName, words string) { d.words.sayIn(words, colour) }

func (d *keysDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at, d.waiting = max(0, min(d.at+step, len(actions)-1)), false
		d.render()
	}
	return ok
}

func (d *keysDialog) enter() {
	d.waiting, d.again = true, ""
	d.tell(accent, "Pulse la tecla nueva para «"+actions[d.at].words+"». Esc la deja como está.")
	d.w.settle(nil)
}

// catches reports that the next key is an answer and not a command.
func (d *keysDialog) catches(key fyne.KeyName) bool {
	switch key {
	case fyne.KeyUp, fyne.KeyDown, fyne.KeyPageUp, fyne.KeyPageDown:
		return false
	}
	return d.waiting
}

// caught is the key that was pressed for an action.
func (d *keysDialog) caught(key fyne.KeyName) {
	a, s := actions[d.at], d.w.settings
	other, taken := s.conflict(a, key)
	switch {
	case key == fyne.KeyEscape:
		d.waiting = false
		d.tell(ink, "Queda como estaba.")
	case !assignable(key):
		d.tell(warn, "Esa tecla ya sirve para escribir o moverse. Sirven F1 a F12, Ins, Supr y Ctrl con una letra.")
	case taken && d.again != key:
		d.again = key
		d.tell(warn, fmt.Sprintf("%s ya es «%s». Pulse %s otra vez para cambiarlas entre sí, u otra tecla.", keycap(key), other.words, keycap(key)))
	case taken:
		d.swap(a, other, key)
	default:
		d.adopt(s.with(a, key), a)
	}
}

// swap gives the other action the old key, unless that is taken too where the other works.
func (d *keysDialog) swap(a, other action, key fyne.KeyName) {
	old := d.w.settings.keyOf(a)
	s := d.w.settings.with(a, key).with(other, old)
	for _, x := range []action{a, other} {
		if third, taken := s.conflict(x, s.keyOf(x)); taken {
			d.again = ""
			d.tell(warn, fmt.Sprintf("%s no puede quedar con %s, que ya es «%s». Elija otra tecla.", x.words, keycap(s.keyOf(x)), third.words))
			return
		}
	}
	d.adopt(s, a, other)
}

// adopt keeps the new keys and says what is risky about them.
func (d *keysDialog) adopt(s Settings, changed ...action) {
	if err := d.w.change(func(to *Settings) { to.Keys = s.Keys }); err != nil {
		d.tell(bad, sentence(err.Error()))
		return
	}
	at := d.at
	d.w.openDialog(newKeysDialog(d.w)) // the window was drawn anew
	if fresh, ok := d.w.dialog.(*keysDialog); ok {
		fresh.at = at
		fresh.tell(good, fmt.Sprintf("Guardado: %s es «%s».", keycap(s.keyOf(changed[0])), changed[0].words))
		for _, a := range changed {
			if slip := s.slip(a); slip != "" {
				fresh.tell(warn, slip+" Una pulsación de más quita lo que ya estaba: piense en otra tecla.")
			}
		}
		fresh.render()
	}
}

// reset brings back the usual keys.
func (d *keysDialog) reset() {
	if err := d.w.change(func(to *Settings) { to.Keys = nil }); err != nil {
		d.tell(bad, sentence(err.Error()))
		return
	}
	d.w.openDialog(newKeysDialog(d.w))
}
