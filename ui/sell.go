package ui

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/money"
	"mostrador/sale"
)

// sellScreen is the ticket, with quick keys or the results of a search beside it.
type sellScreen struct {
	w       *Window
	body    *fyne.Container
	ticket  *table
	unknown *unknownRows
	empty   fyne.CanvasObject
	change  *exchangeBar
	quick   *quickKeys
	found   *table
	none    *text
	finding *panel // the results, in the place of the quick keys
	numbers *keypad
	fingers fyne.CanvasObject // the keypad there

	searching bool // F2: figures are searched too
	products  []sale.Product
	chosen    int
}

func newSellScreen(w *Window) *sellScreen {
	l := w.l
	s := &sellScreen{w: w}
	s.ticket = newTable(l, []column{
		{"CANTIDAD", 84, fyne.TextAlignTrailing},
		{"PRODUCTO", 0, fyne.TextAlignLeading},
		{"PRECIO", 92, fyne.TextAlignTrailing},
		{"TOTAL", 108, fyne.TextAlignTrailing},
	}, func(i int) { w.unknown.marked = false; w.counter.Select(i); w.settle(nil) })
	s.empty = hint(l, theme.IconNameSearch, "Escanee un producto para comenzar",
		"También puede escribir un código o parte del nombre, o tocar un producto de la derecha. Con 3*código agrega tres.")
	s.quick = newQuickKeys(w)
	s.found = newTable(l, []column{{"ENCONTRADOS", 0, fyne.TextAlignLeading}, {"PRECIO", 92, fyne.TextAlignTrailing}}, s.pick)
	s.none = newText(l, 17, muted, wrap).upTo(3).to(fyne.TextAlignCenter)
	s.finding = newPanel(l, card, stack(s.found, pad(l.px(16), l.px(64), s.none))).edge(accent, 1)
	s.finding.Hide()
	s.numbers = newKeypad(w)
	s.fingers = newPanel(l, card, pad(l.px(8), l.px(8), s.numbers.Container)).edge(hairline, 1)
	s.unknown, s.change = newUnknownRows(s), newExchangeBar(l)
	ticket := newPanel(l, card, col(0, as(s.change.object), as(s.unknown.object), grow(stack(s.ticket, s.empty)))).edge(hairline, 1)
	s.body = beside(l, ticket, stack(s.quick.object, s.fingers, s.finding))
	return s
}

// hint is an empty place that says how to begin.
func hint(l *look, name fyne.ThemeIconName, head, advice string) fyne.CanvasObject {
	words := newText(l, 22, ink, shrink).strong().to(fyne.TextAlignCenter).say(head)
	more := newText(l, 16, muted, wrap).upTo(3).atTop().to(fyne.TextAlignCenter).say(advice)
	return pad(l.px(24), l.px(12), centre(fyne.NewSize(l.px(500), l.px(220)), col(l.px(8),
		fixed(l.px(48), newIcon(l, name, faint, 48).Image), as(words), as(more))))
}

func (s *sellScreen) object() fyne.CanvasObject { return s.body }

func (s *sellScreen) render(p sale.Snapshot) {
	lines := p.Cart.Lines
	setVisible(s.empty, p.Cart.Empty() && len(s.w.unknown.codes) < 3)
	s.unknown.render()
	if s.change.render(p.Change) {
		s.body.Refresh()
	}
	selected := p.Selected
	if s.w.unknown.marked {
		selected = -1
	}
	s.ticket.fill(len(lines), selected, func(i int) []cell {
		x := lines[i]
		return []cell{
			{words: qty(x), bold: x.Qty != money.One}, {words: x.Nombre}, {words: "$" + x.Prc.String(), colour: faintInk}, {words: peso(x.Total), bold: true, colour: lowered(x)},
		}
	})
	found := s.products
	s.found.fill(len(found), s.chosen, func(i int) []cell {
		return []cell{{words: found[i].Nombre}, {words: "$" + found[i].Prc.String(), bold: true}}
	})
	finding := s.searching || s.looksForWords()
	setVisible(s.none, len(found) == 0)
	if s.none.say("Nada se parece a lo escrito"); s.w.sink.Text == "" {
		s.none.say("Escriba parte del nombre o del código")
	}
	setVisible(s.finding, finding)
	setVisible(s.fingers, !finding && s.w.padUp)
	s.numbers.render()
	setVisible(s.quick.object, !finding && !s.w.padUp)
	s.quick.render()
	if right := s.body.Objects[1]; right.Visible() != (finding || s.w.padUp || !s.w.settings.Folded) {
		setVisible(right, !right.Visible())
		s.body.Refresh()
	}
}

// lowered is the colour of a line's total: a discounted one differs, and the words beside the total say by how much.
func lowered(l sale.Line) fyne.ThemeColorName {
	if l.Descuento > 0 {
		return good
	}
	return ink
}

// discounts are all of a sale, in words; nothing if there are none.
func discounts(c sale.Cart) string {
	sum := c.Rebaja.Total()
	for _, l := range c.Lines {
		sum += l.Descuento
	}
	if sum == 0 {
		return ""
	}
	return " · −" + peso(sum)
}

// faintInk is ink for what matters less; as a cell's colour it is words only.
const faintInk = muted

func (s *sellScreen) prompt(sale.Snapshot) string {
	if s.searching {
		return "Buscar por nombre o código"
	}
	return "Escanee, o escriba código o nombre"
}

func (s *sellScreen) main(p sale.Snapshot) mainAction {
	if p.Cart.Unpaid() != "" {
		return mainAction{"EMITIR", "F12", len(p.Cart.Lines) > 0, s.charge}
	}
	if c := p.Change; c != nil && c.Due < 0 {
		return mainAction{"DEVOLVER", "F12", len(p.Cart.Lines) > 0, s.charge}
	} else if c != nil && c.Due == 0 {
		return mainAction{"CAMBIAR", "F12", len(p.Cart.Lines) > 0, s.charge}
	}
	return mainAction{"COBRAR", "F12", len(p.Cart.Lines) > 0, s.charge}
}

// charge is what F12 does: with what came back being worth more, it gives back.
func (s *sellScreen) charge() {
	s.clear()
	switch c := s.w.s.Change; {
	case s.behind("cobre"):
	case c != nil && c.Due <= 0:
		s.settleChange()
	default:
		s.w.settle(s.w.counter.Charge())
	}
}

// behind takes the codes that waited behind one that failed, and has the cashier look again: they are of this sale, and would
// otherwise be added to the next buyer's.
func (s *sellScreen) behind(what string) bool {
	if len(s.w.waiting) == 0 {
		return false
	}
	s.w.say(warn, "Quedaban códigos en espera, que son de esta venta. Revísela y "+what+" de nuevo.")
	return true
}

func (s *sellScreen) keys() []binding {
	w := s.w
	p := w.s
	none, empty := len(p.Cart.Lines) == 0, p.Cart.Empty()
	return []binding{
		w.help(fyne.KeyF1, "F1"),
		{key: fyne.KeyF2, keycap: "F2", words: "Buscar", help: "busca por nombre o por parte del código", do: s.search},
		{key: fyne.KeyF3, keycap: "F3", words: "Cliente", help: "pone el cliente y elige boleta, factura o guía", do: func() { w.openDialog(newCustomerDialog(w)) }},
		{key: fyne.KeyF4, keycap: "F4", words: "Precio", help: "descuentos, precio, nota, por qué cuesta eso, vaciar", do: s.lineMenu, off: empty},
		{key: fyne.KeyF5, keycap: "F5", words: "Guardar", help: "guarda la venta y empieza otra", do: s.hold, off: empty},
		{key: fyne.KeyF6, keycap: "F6", words: "Retomar", help: "retoma una venta guardada", do: s.recall},
		{key: fyne.KeyF7, keycap: "F7", words: "Consultar", help: "dice un precio sin venderlo", do: func() { w.openDialog(newPriceCheck(w)) }},
		{key: fyne.KeyF8, keycap: "F8", words: "Devolver", help: "toma de vuelta lo vendido, por dinero, vale u otra cosa", do: func() { w.openDialog(newReceiptDialog(w)) }},
		{key: fyne.KeyF9, keycap: "F9", words: "Cajón", help: "abre el cajón o mueve efectivo; otra vez: turno", do: w.openDrawer},
		{key: fyne.KeyF10, keycap: "F10", help: "bloquea la caja o cambia de cajero; la venta queda", do: w.lock},
		w.menu(),
		{keycap: "–", words: "Menos", help: "quita una unidad de la línea marcada", do: func() { s.bump(-1) }, off: none},
		{keycap: "+", words: "Más", help: "agrega una unidad a la línea marcada", do: func() { s.bump(1) }, off: none},
		{key: fyne.KeyDelete, keycap: "Supr", words: "Quitar", help: "quita la línea marcada", do: s.remove, off: none && w.unknown.code() == ""},
		{key: fyne.KeyInsert, keycap: "Ins", help: "crea el producto del código que no existe", do: s.create, off: w.unknown.code() == ""},
		{key: seekUsual, keycap: seekUsual, help: "busca el código que no existe", do: s.seekUnknown, off: w.unknown.code() == ""},
		{key: fyne.KeyF12, keycap: "F12", help: "cobra", do: s.charge, off: none},
		{keycap: "Flechas", help: "marca otra línea"},
		{keycap: "3*código", help: "agrega tres; 3* y Enter pone tres en la línea marcada"},
		{keycap: "Esc", help: "borra lo escrito; nunca vacía la venta"},
	}
}

// reasonsToVoid are those of every counter; the last one asks for words.
var reasonsToVoid = []string{"El cliente se arrepintió", "No puede pagar", "Se digitó por error", "Era una prueba"}

func (s *sellScreen) void() {
	w, p := s.w, s.w.s
	verb := "Se quitan"
	if len(p.Cart.Lines) == 1 {
		verb = "Se quita"
	}
	advice := fmt.Sprintf("%s %s por %s. No se ha emitido ningún documento. El motivo queda anotado.", verb, articles(p.Cart.Lines), peso(p.Total))
	var choices []choice
	for _, reason := range reasonsToVoid {
		choices = append(choices, choice{words: reason, do: func() error { return w.counter.Void(reason) }})
	}
	choices = append(choices, choice{words: "Otro motivo…", opens: true, do: func() error {
		w.openDialog(newAskDialog(w, "¿Por qué se vacía la venta?", advice, "Vaciar", w.counter.Void))
		return nil
	}})
	w.openDialog(newChooseDialog(w, "¿Por qué se vacía la venta?", advice, choices))
}

// hold puts the sale aside under a name.
func (s *sellScreen) hold() {
	w := s.w
	if s.behind("guarde") {
		return
	}
	w.openDialog(newAskDialog(w, "Guardar esta venta",
		"Queda con sus precios aunque se corte la luz y se retoma con "+w.cap(selling, fyne.KeyF6)+". El nombre es opcional: «señora del pan».", "Guardar",
		func(name string) error {
			if err := w.counter.Hold(name); err != nil {
				return err
			}
			s.clear()
			return nil
		}))
}

// recall takes up one of the sales that wait.
func (s *sellScreen) recall() {
	w := s.w
	held, err := w.counter.Held()
	if err != nil || len(held) == 0 {
		w.settle(err)
		if err == nil {
			w.say(accent, "No hay ventas guardadas. Con "+w.cap(selling, fyne.KeyF5)+" se guarda la que está abierta.")
		}
		return
	}
	var choices []choice
	for _, h := range held {
		choices = append(choices, choice{
			words: heldName(h), detail: articles(h.Cart.Lines) + " · " + ago(h.At, w.now()), amount: peso(h.Total),
			opens: true, do: func() error { return s.takeUp(h.Cart.ID) },
		})
	}
	advice := "Se retoma con sus líneas y sus precios."
	if !w.s.Cart.Empty() {
		advice = "Hay una venta abierta: cóbrela, guárdela (" + w.cap(selling, fyne.KeyF5) + ") o vacíela antes de retomar otra."
	}
	w.openDialog(newChooseDialog(w, "Ventas guardadas", advice, choices))
}

// heldName is what the cashier called it, or else its buyer, or its first article.
func heldName(h sale.Held) string {
	switch {
	case h.Name != "":
		return h.Name
	case h.Cart.Receptor.RznSoc != "":
		return h.Cart.Receptor.RznSoc
	case h.Cart.Exchange != nil:
		return "Cambio de " + h.Cart.Exchange.What
	case len(h.Cart.Lines) > 0:
		return h.Cart.Lines[0].Nombre
	}
	return "Sin nombre"
}

// fold puts the quick keys away, for pure scanning, or brings them back.
func (s *sellScreen) fold() {
	s.w.settle(s.w.change(func(to *Settings) { to.Folded = !to.Folded }))
}

func (s *sellScreen) search() {
	s.searching = true
	s.w.settle(nil)
}

// bump changes the marked line. While the mark is on a code that does not exist it only comes back to the cart: nobody sees
// which line would change.
func (s *sellScreen) bump(n int64) {
	if s.w.unknown.marked {
		s.w.unknown.marked = false
		s.w.settle(nil)
		return
	}
	bump := func() { s.w.guarded(func() error { return s.w.counter.Bump(n) }) }
	line, marked := s.line()
	if more := line.Qty + money.Units(n); marked && n > 0 && !s.w.settings.Much.above(line.Qty, line.Unidad) {
		s.sure(more, line.Nombre, line.Unidad, s.w.sink.Text, bump)
		return
	}
	bump()
}

// remove takes out what the mark is on: a line of the cart, or a code that does not exist.
func (s *sellScreen) remove() {
	if s.w.unknown.marked {
		s.dismiss()
		return
	}
	s.w.guarded(s.w.counter.Remove)
}

func (s *sellScreen) clear() {
	s.w.unknown.sought = ""
	s.searching, s.products, s.chosen = false, nil, 0
	s.w.sink.write("")
}

// split takes "3*leche" apart; without a star the quantity is one.
func split(text string) (quantity, rest string) {
	if before, after, ok := strings.Cut(text, "*"); ok {
		return before, strings.TrimSpace(after)
	}
	return "1", strings.TrimSpace(text)
}

const mostResults = 50

// edited looks for what is being typed, from the first letter on; figures alone may be a scan in progress.
func (s *sellScreen) edited(text string) {
	_, rest := split(text)
	had := s.finding.Visible()
	s.products, s.chosen = nil, 0
	if rest != "" && (s.searching || s.looksForWords()) {
		s.products = s.w.counter.Search(rest, mostResults)
	}
	if had || s.searching || s.looksForWords() {
		s.render(s.w.s)
	}
}

// looksForWords reports letters in the field.
func (s *sellScreen) looksForWords() bool {
	return strings.ContainsFunc(s.w.sink.Text, unicode.IsLetter)
}

// enter takes an exact code, or else the result that is marked.
func (s *sellScreen) enter(text string) {
	w := s.w
	quantity, rest := split(text)
	switch {
	case text == "":
		w.settle(nil)
		return
	case rest == "":
		s.setQty(quantity)
		return
	}
	if strings.Contains(text, "*") {
		s.typedCode(text, func() { s.scan(text) })
		return
	}
	s.scan(text)
}

// scan takes what was typed for a code, or else for the result that is marked.
func (s *sellScreen) scan(text string) {
	w := s.w
	line, err := w.counter.Scan(text)
	if err != nil && !errors.Is(err, sale.ErrOpenPrice) && s.chosen < len(s.products) {
		s.pick(s.chosen)
		return
	}
	if err == nil {
		s.answered()
	}
	w.tellScan(text, line, err)
	s.clear()
	w.settle(nil)
}

// setQty is "3*" and Enter: the quantity of the marked line.
func (s *sellScreen) setQty(quantity string) {
	q, err := money.ParseQty(quantity)
	set := func() {
		s.clear()
		s.w.guarded(func() error {
			if err != nil {
				return err
			}
			return s.w.counter.SetQty(q)
		})
	}
	line, marked := s.line()
	if err != nil || !marked || q <= line.Qty {
		set()
		return
	}
	s.sure(q, line.Nombre, line.Unidad, s.w.sink.Text, set)
}

// line is the marked one.
func (s *sellScreen) line() (sale.Line, bool) {
	c := s.w.s
	if c.Selected < 0 || c.Selected >= len(c.Cart.Lines) {
		return sale.Line{}, false
	}
	return c.Cart.Lines[c.Selected], true
}

func (s *sellScreen) add(quantity string, p sale.Product) {
	q, err := money.ParseQty(quantity)
	if err != nil {
		s.w.settle(err)
		return
	}
	s.sure(q, p.Nombre, p.Unidad, s.w.sink.Text, func() { s.addNow(q, p) })
}

func (s *sellScreen) addNow(q money.Qty, p sale.Product) {
	line, err := s.w.counter.Add(p, q)
	if err == nil {
		s.answered()
	}
	s.w.tellScan(p.Codigo, line, err)
	s.clear()
	s.w.settle(nil)
}

// pick is a tap on a result.
func (s *sellScreen) pick(i int) {
	quantity, _ := split(s.w.sink.Text)
	s.add(quantity, s.products[i])
}

func (s *sellScreen) move(key fyne.KeyName) bool {
	step, ok := s.ticket.step(key)
	if !ok {
		return false
	}
	if len(s.products) > 0 {
		s.chosen = max(0, min(s.chosen+step, len(s.products)-1))
		s.render(s.w.s)
		return true
	}
	if !s.w.unknown.move(step, s.w.s.Selected) {
		s.w.counter.Select(s.w.s.Selected + step)
	}
	s.w.settle(nil)
	return true
}

// back leaves a search; then it dismisses the code that is marked.
func (s *sellScreen) back() {
	if u := &s.w.unknown; !s.searching && u.marked {
		s.dismiss()
		return
	}
	s.clear()
	s.w.settle(nil)
}
