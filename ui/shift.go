package ui

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// shiftScreen opens and closes the cashier's turn. The field takes the cash in the drawer.
type shiftScreen struct {
	w       *Window
	body    *fyne.Container
	title   *text
	since   *text
	advice  *text
	sums    *table
	fingers *keypad
	closed  *sale.Shift // the one just closed, until the screen is left

	word, expected, counted, difference *amountRow
}

func newShiftScreen(w *Window) *shiftScreen {
	l := w.l
	s := &shiftScreen{w: w, title: newText(l, 26, ink, cut).strong(), since: newText(l, 16, muted, cut), advice: newText(l, 17, ink, wrap).upTo(4)}
	s.sums = newTable(l, []column{{"EN ESTE TURNO", 0, fyne.TextAlignLeading}, {"MONTO", 160, fyne.TextAlignTrailing}}, nil)
	s.word, s.expected = newAmountRow(l, "Efectivo al abrir", 17), newAmountRow(l, "Debería haber", 17)
	s.counted, s.difference = newAmountRow(l, "Se contó", 17), newAmountRow(l, "Diferencia", 20)
	s.fingers = newKeypad(w)
	left := newPanel(l, card, pad(0, l.px(8), col(0, as(pad(l.px(16), l.px(8), col(l.px(4), as(s.title), as(s.since)))), grow(stack(s.sums, pad(l.px(16), 0, s.fingers.Container)))))).edge(hairline, 1)
	right := newPanel(l, card, pad(l.px(20), l.px(16), col(l.px(12),
		as(label(l, "CAJÓN")), as(s.word.object), as(s.expected.object), as(s.counted.object), as(s.difference.object),
		fixed(1, newPanelSquare(l, hairline)), as(s.advice), grow(spacer())))).edge(hairline, 1)
	s.body = beside(l, left, right)
	return s
}

func (s *shiftScreen) object() fyne.CanvasObject { return s.body }

func (s *shiftScreen) render(p sale.Snapshot) {
	setVisible(s.sums, !s.w.padUp)
	setVisible(s.fingers.Container, s.w.padUp)
	s.fingers.render()
	t := p.Shift
	if s.closed != nil {
		t = *s.closed
	}
	open, known := t.Open(), t.Number > 0
	switch {
	case open:
		s.title.say(fmt.Sprintf("Turno %d abierto", t.Number))
		s.since.say("Desde el " + day(t.OpenedAt) + " a las " + hour(t.OpenedAt))
		s.advice.say("Para cerrar: cuente el efectivo del cajón, escriba el monto arriba y pulse Enter.")
	case s.closed != nil:
		s.title.say(fmt.Sprintf("Turno %d cerrado", t.Number))
		s.since.say("El " + day(t.ClosedAt) + " a las " + hour(t.ClosedAt))
		s.advice.say("El cierre quedó guardado. Para abrir otro turno escriba el efectivo del cajón y pulse Enter.")
	default:
		s.title.say("No hay turno abierto")
		s.since.say("Se puede vender sin turno, pero no habrá cierre de caja")
		s.advice.say("Para abrir: escriba arriba el efectivo que hay en el cajón y pulse Enter.")
	}
	s.word.amount.say(peso(t.Float))
	s.expected.amount.say(peso(t.Expected()))
	setVisible(s.word.object, known)
	setVisible(s.expected.object, known)
	setVisible(s.counted.object, s.closed != nil)
	setVisible(s.difference.object, s.closed != nil)
	s.counted.amount.say(peso(t.Counted))
	s.difference.amount.sayIn(peso(t.Difference), differenceTone(t.Difference))
	s.fillSums(t)
	s.body.Refresh()
}

func differenceTone(d money.Pesos) fyne.ThemeColorName {
	if d == 0 {
		return good
	}
	return bad
}

// fillSums lists the sums by document and by means of payment.
func (s *shiftScreen) fillSums(t sale.Shift) {
	rows := [][]cell{{{words: "Ventas"}, {words: money.Pesos(t.Sales).String(), bold: true}}}
	types := make([]string, 0, len(t.ByType))
	for tipo := range t.ByType {
		types = append(types, tipo)
	}
	sort.Strings(types)
	for _, tipo := range types {
		n, err := strconv.Atoi(tipo)
		name := docName(dte.TipoDTE(n))
		if err != nil {
			name = tipo
		}
		rows = append(rows, []cell{{words: name}, {words: peso(t.ByType[tipo]), bold: true}})
	}
	for _, m := range sale.Methods() {
		if p, ok := t.Paid[m]; ok {
			rows = append(rows, []cell{{words: "Pagado con " + strings.ToLower(methodName(m))}, {words: peso(p), bold: true}})
		}
	}
	for _, m := range sale.Methods() {
		if p, ok := t.Abonos[m]; ok {
			rows = append(rows, []cell{{words: "Abonos con " + strings.ToLower(methodName(m))}, {words: peso(p), bold: true}})
		}
	}
	rows = append(rows, drawerRows(t)...)
	s.sums.fill(len(rows), -1, func(i int) []cell { return rows[i] })
}

// drawerRows are what each one sold, and what was done at the drawer without a sale.
func drawerRows(t sale.Shift) (rows [][]cell) {
	for _, name := range slices.Sorted(maps.Keys(t.People)) {
		sum := t.People[name]
		rows = append(rows, []cell{{words: fmt.Sprintf("%s, %s", name, countWords(sum.Sales, "venta", "ventas"))}, {words: peso(sum.Total), bold: true}})
	}
	if t.CashIn != 0 {
		rows = append(rows, []cell{{words: "Ingresos de efectivo"}, {words: peso(t.CashIn), bold: true}})
	}
	if t.CashOut != 0 {
		rows = append(rows, []cell{{words: "Retiros de efectivo"}, {words: peso(-t.CashOut), bold: true}})
	}
	if t.Opened != 0 {
		rows = append(rows, []cell{{words: "Cajón abierto sin venta"}, {words: countWords(t.Opened, "vez", "veces"), bold: true}})
	}
	return rows
}

func countWords(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (s *shiftScreen) prompt(p sale.Snapshot) string {
	if p.Shift.Open() {
		return "Efectivo contado en el cajón"
	}
	return "Efectivo con que se abre el cajón"
}

func (s *shiftScreen) main(sale.Snapshot) mainAction {
	return mainAction{"VOLVER", "Esc", true, s.back}
}

func (s *shiftScreen) keys() []binding {
	words := "Abrir"
	if s.w.s.Shift.Open() {
		words = "Cerrar"
	}
	return []binding{
		s.w.help(fyne.KeyF1, "F1"),
		{keycap: "Enter", words: words, help: "abre o cierra el turno con el efectivo escrito", do: func() { s.enter(s.w.sink.Text) }},
		{key: fyne.KeyF9, keycap: "F9", help: "vuelve a la venta", do: s.back},
		{keycap: "Esc", help: "vuelve a la venta"},
	}
}

func (s *shiftScreen) enter(text string) {
	w := s.w
	if barCode(text) {
		w.take(w.sink, separate(text), "")
		return
	}
	cash, err := money.ParsePesos(strings.TrimSpace(text))
	if err != nil {
		w.settle(err)
		return
	}
	if !w.s.Shift.Open() {
		s.closed = nil
		w.sink.write("")
		w.guarded(func() error { return w.counter.OpenShift(cash) })
		return
	}
	w.openDialog(newConfirmDialog(w, "¿Cerrar el turno?", "Efectivo contado: "+peso(cash)+". El cierre queda guardado y no se puede cambiar.", "Cerrar turno", func() error {
		closed, err := w.counter.CloseShift(cash)
		if err == nil {
			s.closed = &closed
			w.sink.write("")
		}
		return err
	}))
}

func (s *shiftScreen) edited(string)          {}
func (s *shiftScreen) move(fyne.KeyName) bool { return false }

func (s *shiftScreen) back() {
	s.closed = nil
	s.w.visit("")
}
