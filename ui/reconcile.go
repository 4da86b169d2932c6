package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// Office is the paperwork with the SII that takes more than a moment. Its methods are called from a goroutine of their own,
// never from the window's. Errors say in Spanish what happened and what to do.
type Office interface {
	// Balance adds up what is dated from first to last; register is a file of the SII to hold it against, or empty.
	Balance(ctx context.Context, first, last dte.Date, register string) (sale.Balance, error)
	// Booked lists documents of a type that bear a date, in the order of their issue, up to limit.
	Booked(ctx context.Context, day dte.Date, tipo dte.TipoDTE, limit int) ([]sale.BookEntry, error)
	// SaveBalance leaves a balance in a file, "csv" or "xlsx", and returns where.
	SaveBalance(b sale.Balance, format string) (path string, err error)
	// ImportResultados takes the answer of the SII in a file, a mail or a folder, and tells what it did, the sum first.
	ImportResultados(path string) (told []string, err error)
}

// mostBooked is how many documents of a line are listed.
const mostBooked = 1000

// reconcileScreen adds up a month by day and type, with what differs first. A line opens its documents.
type reconcileScreen struct {
	w        *Window
	body     *fyne.Container
	lines    *table
	docs     *table
	empty    fyne.CanvasObject
	reading  fyne.CanvasObject
	facts    *fyne.Container
	tallies  *fyne.Container
	month    dte.Date // its first day
	register string   // the file that was last compared with
	balance  sale.Balance
	rows     []balanceRow
	selected int
	opened   *sale.DayLine // whose documents are shown; nil: the lines
	booked   []sale.BookEntry
	chosen   int // of booked
	busy     bool
	turn     int // of the reading that still matters
	stop     context.CancelFunc

	title, when *text
	state       *badge
	counts      []*amountRow
	story       *text
}

// balanceRow is a line of the screen: a difference, or sums.
type balanceRow struct {
	differs *sale.Discrepancy
	line    *sale.DayLine
}

func newReconcileScreen(w *Window) *reconcileScreen {
	l := w.l
	s := &reconcileScreen{w: w, stop: func() {}, month: firstOf(dte.DateOf(w.now()))}
	s.lines = newTable(l, []column{
		{"DÍA Y DOCUMENTO", 0, fyne.TextAlignLeading},
		{"EMITIDOS", 84, fyne.TextAlignTrailing},
		{"MONTO", 124, fyne.TextAlignTrailing},
		{"SII", 152, fyne.TextAlignLeading},
	}, s.choose)
	s.docs = newTable(l, []column{
		{"DOCUMENTO", 0, fyne.TextAlignLeading},
		{"HORA", 56, fyne.TextAlignLeading},
		{"TOTAL", 124, fyne.TextAlignTrailing},
		{"SII", 152, fyne.TextAlignLeading},
	}, s.choose)
	s.lines.textSize, s.docs.textSize = 16, 16
	s.empty = hint(l, theme.IconNameDocument, "Nada emitido ese mes", w.cap(reconciling, fyne.KeyF3)+" y "+w.cap(reconciling, fyne.KeyF4)+" cambian de mes. También se puede escribir: 03-2026 y Enter.")
	s.reading = hint(l, theme.IconNameHistory, "Leyendo los documentos del mes", "Puede volver a vender mientras tanto: esto no detiene la caja.")
	s.title, s.when = newText(l, 22, ink, shrink).strong(), newText(l, 15, muted, cut)
	s.state = newBadge(l, nil)
	s.state.words.size = 16
	items := []item{}
	for range 5 {
		r := newAmountRow(l, "", 12)
		s.counts = append(s.counts, r)
		items = append(items, as(r.object))
	}
	s.tallies = col(l.px(2), items...)
	s.story = newText(l, 13, ink, wrap).upTo(7).atTop()
	button := func(words, keycap string, do func()) item {
		return grow(newButton(l, plain, words, keycap, do).bigger(13, fyne.NewSize(120, 56)))
	}
	s.facts = pad(l.px(16), l.px(10), col(l.px(4), as(s.title), as(s.when), as(s.state.panel), as(s.tallies), grow(s.story),
		fixed(l.px(56), row(l.px(8), button("Exportar CSV", w.cap(reconciling, fyne.KeyF6), func() { s.export("csv") }), button("Exportar Excel", w.cap(reconciling, fyne.KeyF7), func() { s.export("xlsx") }))),
		fixed(l.px(56), row(0, button("Comparar con archivo del SII…", w.cap(reconciling, fyne.KeyF8), s.compare)))))
	s.body = beside(l, newPanel(l, card, stack(s.lines, s.docs, s.empty, s.reading)).edge(hairline, 1), newPanel(l, card, s.facts).edge(hairline, 1))
	return s
}

func (s *reconcileScreen) object() fyne.CanvasObject { return s.body }

// show goes there, to this month.
func (s *reconcileScreen) show() {
	s.w.visit(reconciling)
	s.read("")
}

func firstOf(d dte.Date) dte.Date { return dte.Date{Year: d.Year, Month: d.Month, Day: 1} }

// monthAfter is n months later; n may be negative.
func monthAfter(d dte.Date, n int) dte.Date {
	return dte.DateOf(time.Date(d.Year, d.Month+time.Month(n), 1, 12, 0, 0, 0, dte.Santiago))
}

// lastOf is the last day of a month.
func lastOf(d dte.Date) dte.Date {
	return dte.DateOf(time.Date(d.Year, d.Month+1, 0, 12, 0, 0, 0, dte.Santiago))
}

// read adds the month up, away from the window. What was being read before is given up.
func (s *reconcileScreen) read(register string) {
	month := s.month
	s.away(func(ctx context.Context) func() (string, error) {
		b, err := s.w.office.Balance(ctx, month, lastOf(month), register)
		return func() (string, error) {
			if err == nil || register == "" { // a wrong file leaves the month as it was
				s.balance, s.rows = b, rowsOf(b)
			}
			s.selected, s.opened = 0, nil
			return "", err
		}
	})
}

// away does work on another goroutine; the newest work counts, and only what it returns is done here.
func (s *reconcileScreen) away(work func(context.Context) func() (said string, err error)) {
	s.stop()
	ctx, stop := context.WithCancel(context.Background())
	s.turn++
	turn := s.turn
	s.stop, s.busy = stop, true
	s.w.settle(nil)
	s.w.aside(func() func() {
		then := work(ctx)
		return func() {
			if turn != s.turn {
				return
			}
			s.busy = false
			stop()
			said, err := then()
			if err != nil || said == "" {
				s.w.settle(err)
				return
			}
			s.w.say(good, said)
		}
	})
}

// rowsOf puts differences first, then the totals, then the days with something to look at, then the others.
func rowsOf(b sale.Balance) (rows []balanceRow) {
	for i := range b.Differences {
		rows = append(rows, balanceRow{differs: &b.Differences[i]})
	}
	for i := range b.Totals {
		rows = append(rows, balanceRow{line: &b.Totals[i]})
	}
	for _, quiet := range []bool{false, true} {
		for i := range b.Lines {
			if b.Lines[i].Quiet() == quiet {
				rows = append(rows, balanceRow{line: &b.Lines[i]})
			}
		}
	}
	return rows
}

func (s *reconcileScreen) render(sale.Snapshot) {
	s.selected = max(0, min(s.selected, len(s.rows)-1))
	s.chosen = max(0, min(s.chosen, len(s.booked)-1))
	documents := s.opened != nil
	setVisible(s.reading, s.busy)
	setVisible(s.empty, !s.busy && len(s.rows) == 0)
	setVisible(s.lines, !s.busy && !documents && len(s.rows) > 0)
	setVisible(s.docs, !s.busy && documents)
	setVisible(s.facts, !s.busy && len(s.rows) > 0)
	if s.busy || len(s.rows) == 0 {
		return
	}
	defer s.facts.Refresh() // what is hidden leaves its room to the others
	setVisible(s.tallies, false)
	s.lines.fill(len(s.rows), s.selected, func(i int) []cell { return s.rows[i].cells() })
	s.docs.fill(len(s.booked), s.chosen, func(i int) []cell {
		e := s.booked[i]
		is := documentState(e.State)
		return []cell{
			{words: shortTitle(e.Key), bold: true}, {words: hour(e.At)}, {words: peso(e.Total), bold: true}, {words: is.words, icon: is.icon, colour: is.colour},
		}
	})
	switch r := s.rows[s.selected]; {
	case documents && len(s.booked) > 0:
		s.document(s.booked[s.chosen])
	case r.differs != nil:
		s.difference(*r.differs)
	default:
		s.sums(*r.line)
	}
}

func (r balanceRow) cells() []cell {
	if d := r.differs; d != nil {
		is := differenceState(d.Kind)
		words, n := shortTitle(dte.Key{Tipo: d.Tipo, Folio: d.Folio}), ""
		if d.Folio == 0 {
			words, n = docName(d.Tipo)+" "+dayOf(d.Day, "del mes"), money.Pesos(d.NHere).String()
		}
		return []cell{{words: words, bold: true}, {words: n}, {words: peso(max(d.Here, d.There)), bold: true}, {words: is.words, icon: is.icon, colour: is.colour}}
	}
	l, is := r.line, lineStanding(*r.line)
	total := l.Day.IsZero()
	return []cell{
		{words: dayOf(l.Day, "Total") + " · " + docName(l.Tipo), bold: total},
		{words: money.Pesos(l.Issued.N).String(), bold: total},
		{words: peso(l.Issued.Total), bold: true},
		{words: is.words, icon: is.icon, colour: is.colour},
	}
}

// dayOf is a day without its year, which the whole screen shares.
func dayOf(d dte.Date, otherwise string) string {
	if d.IsZero() {
		return otherwise
	}
	return fmt.Sprintf("%02d-%02d", d.Day, d.Month)
}

func differenceState(k sale.DiscrepancyKind) state {
	switch k {
	case sale.OnlyHere:
		return state{theme.IconNameWarning, warn, "Sólo aquí"}
	case sale.OnlyThere:
		return state{theme.IconNameError, bad, "Sólo en el SII"}
	case sale.OtherTotal:
		return state{theme.IconNameError, bad, "Otro monto"}
	}
	return state{theme.IconNameWarning, warn, "Otra suma"}
}

// lineStanding is the worst of a line in a word or two.
func lineStanding(l sale.DayLine) state {
	switch {
	case l.Rejected.N == 1:
		return state{theme.IconNameError, bad, "1 rechazado"}
	case l.Rejected.N > 1:
		return state{theme.IconNameError, bad, money.Pesos(l.Rejected.N).String() + " rechazados"}
	case l.Missing.N == 1:
		return state{theme.IconNameUpload, warn, "Falta 1"}
	case l.Missing.N > 1:
		return state{theme.IconNameUpload, warn, "Faltan " + money.Pesos(l.Missing.N).String()}
	case l.Accepted.N+l.Objected.N < l.Issued.N:
		return state{theme.IconNameMailSend, muted, "En revisión"}
	case l.Objected.N > 0:
		return state{theme.IconNameWarning, warn, "Con reparos"}
	}
	return state{theme.IconNameConfirm, good, "Al día"}
}

func (s *reconcileScreen) difference(d sale.Discrepancy) {
	s.title.say(docTitle(dte.Key{Tipo: d.Tipo, Folio: d.Folio}))
	if d.Folio == 0 {
		s.title.say(docName(d.Tipo) + ", " + dayOf(d.Day, "todo el mes"))
	}
	s.when.say("Según " + base(s.register))
	s.state.tell(differenceState(d.Kind))
	s.story.say(d.String() + " " + d.Advice())
}

func (s *reconcileScreen) sums(l sale.DayLine) {
	s.title.say(docName(l.Tipo) + ", " + dayOf(l.Day, "total"))
	s.when.say(plural(l.Issued.N, "documento", "documentos") + " por " + peso(l.Issued.Total))
	s.state.tell(lineStanding(l))
	for i, t := range []struct {
		words string
		sale.Tally
	}{{"Aceptados", l.Accepted}, {"Con reparos", l.Objected}, {"Rechazados", l.Rejected}, {"Anulados con nota", l.Annulled}, {"Faltan en el SII", l.Missing}} {
		s.counts[i].word.say(t.words + ": " + money.Pesos(t.N).String())
		s.counts[i].amount.say(peso(t.Total))
	}
	setVisible(s.tallies, true)
	s.story.say(s.summary())
}

// summary is what the whole month has to tell.
func (s *reconcileScreen) summary() string {
	b := s.balance
	all := b.Trouble()
	if b.Compared {
		switch n := len(b.Differences); n {
		case 0:
			all = append(all, "Todo lo de esta caja calza con "+base(s.register)+".")
		default:
			all = append(all, plural(n, "diferencia", "diferencias")+" con "+base(s.register)+".")
		}
		if b.Others > 0 {
			all = append(all, "De otra caja: "+plural(b.Others, "documento", "documentos")+" del archivo.")
		}
		if n := len(b.Bad) + b.MoreBad; n > 0 {
			all = append(all, "Sin leer: "+plural(n, "línea", "líneas")+" del archivo.")
		}
	}
	if len(all) == 0 {
		all = append(all, "Todo lo emitido llegó al SII y nada fue rechazado.")
	}
	return strings.Join(all, " ")
}

func (s *reconcileScreen) document(e sale.BookEntry) {
	s.title.say(docTitle(e.Key))
	s.when.say(peso(e.Total) + " · emitido el " + day(e.At) + " a las " + hour(e.At))
	s.state.tell(documentState(e.State))
	words := documentStory(sale.DocumentInfo{State: e.State, Veredicto: e.Veredicto})
	if e.AnnulledBy != (dte.Key{}) {
		words += " La anula la " + strings.ToLower(docName(e.AnnulledBy.Tipo)) + " " + docNumber(e.AnnulledBy) + "."
	}
	if len(s.booked) == mostBooked {
		words += " Se muestran los primeros " + money.Pesos(mostBooked).String() + " del día."
	}
	s.story.say(words)
}

func (s *reconcileScreen) choose(i int) {
	if s.opened != nil {
		s.chosen = i
	} else {
		s.selected = i
	}
	s.w.settle(nil)
}

// open lists the documents of a line, or shows the document of a difference.
func (s *reconcileScreen) open() {
	if s.busy || s.opened != nil || s.selected >= len(s.rows) {
		return
	}
	r := s.rows[s.selected]
	switch {
	case r.differs != nil && r.differs.Folio != 0 && r.differs.Kind != sale.OnlyThere:
		s.w.visit(documents)
		s.w.sink.write(r.differs.Folio.String())
		s.w.render()
	case r.line != nil && !r.line.Day.IsZero():
		line := *r.line
		s.away(func(ctx context.Context) func() (string, error) {
			list, err := s.w.office.Booked(ctx, line.Day, line.Tipo, mostBooked)
			return func() (string, error) {
				if err == nil && len(list) > 0 {
					s.opened, s.booked, s.chosen = &line, list, 0
				}
				return "", err
			}
		})
	}
}

// turnTo goes to another month.
func (s *reconcileScreen) turnTo(month dte.Date) {
	s.month = month
	s.w.sink.write("")
	s.read("")
}

func (s *reconcileScreen) export(format string) {
	b := s.balance
	if s.busy || len(s.rows) == 0 {
		return
	}
	s.away(func(context.Context) func() (string, error) {
		path, err := s.w.office.SaveBalance(b, format)
		return func() (string, error) { return "La conciliación está en " + path, err }
	})
}

// compare asks for the file of the SII.
func (s *reconcileScreen) compare() {
	w := s.w
	d := newFormDialog(w, "Comparar con el registro del SII", "El archivo CSV de ventas de "+monthWords(s.month)+", tal como se bajó de sii.cl.", "Comparar", []formField{
		{"Archivo", s.register, "/home/caja/Descargas/RCV_VENTA.csv"},
	}, func(x []string) (string, error) {
		if x[0] == "" {
			return "", fmt.Errorf("falta el archivo. Escriba dónde quedó al bajarlo de sii.cl")
		}
		s.register = x[0]
		s.read(x[0])
		return "Leyendo " + base(x[0]) + ".", nil
	})
	d.fields[0].limit = maxPath
	w.openDialog(d)
}

// maxPath is how long the name of a file may be.
const maxPath = 1000

// loadAnswer asks for the answer that the SII mailed.
func (w *Window) loadAnswer() {
	d := newFormDialog(w, "Cargar respuesta del SII", "El correo guardado (.eml), su adjunto XML, o una carpeta con varios.", "Cargar", []formField{
		{"Archivo o carpeta", w.answer, "/home/caja/Descargas/respuesta.eml"},
	}, func(x []string) (string, error) {
		if x[0] == "" {
			return "", fmt.Errorf("falta el archivo. Guarde el correo del SII y escriba dónde quedó")
		}
		w.answer = x[0]
		w.aside(func() func() {
			told, err := w.office.ImportResultados(x[0])
			return func() {
				if err != nil {
					w.settle(err)
					return
				}
				_ = w.lookAround()
				w.say(good, strings.Join(told, " "))
			}
		})
		return "Leyendo " + base(x[0]) + ".", nil
	})
	d.fields[0].limit = maxPath
	w.openDialog(d)
}

func (s *reconcileScreen) prompt(sale.Snapshot) string { return "Mes: 03-2026 y Enter" }

func (s *reconcileScreen) main(sale.Snapshot) mainAction {
	return mainAction{"VOLVER", "Esc", true, s.back}
}

func (s *reconcileScreen) keys() []binding {
	w := s.w
	idle := s.busy || len(s.rows) == 0
	return []binding{
		w.help(fyne.KeyF1, "F1"),
		{key: fyne.KeyF3, keycap: "F3", words: "Anterior", help: "muestra el mes anterior", do: func() { s.turnTo(monthAfter(s.month, -1)) }},
		{key: fyne.KeyF4, keycap: "F4", words: "Siguiente", help: "muestra el mes siguiente", do: func() { s.turnTo(monthAfter(s.month, 1)) }},
		{keycap: "Enter", words: "Abrir", help: "muestra los documentos de la línea marcada", do: s.open, off: idle || s.opened != nil},
		{key: fyne.KeyF6, keycap: "F6", words: "CSV", help: "deja la conciliación en un archivo CSV", do: func() { s.export("csv") }, off: idle},
		{key: fyne.KeyF7, keycap: "F7", words: "Excel", help: "deja la conciliación en una planilla", do: func() { s.export("xlsx") }, off: idle},
		{key: fyne.KeyF8, keycap: "F8", words: "Comparar", help: "compara con un archivo bajado del SII", do: s.compare, off: s.busy},
		w.menu(),
		{keycap: "Flechas", help: "marca otra línea"},
		{keycap: "Esc", help: "vuelve a las líneas, o a la venta"},
	}
}

// enter goes to the month that is typed, or opens what is marked.
func (s *reconcileScreen) enter(text string) {
	text = strings.TrimSpace(text)
	switch month, err := parseMonth(text); {
	case barCode(text):
		s.w.take(s.w.sink, separate(text), "")
	case text == "":
		s.open()
	case err != nil:
		s.w.settle(err)
	default:
		s.turnTo(month)
	}
}

func parseMonth(text string) (dte.Date, error) {
	for _, layout := range []string{"01-2006", "1-2006", "01/2006", "1/2006", "2006-01"} {
		if t, err := time.ParseInLocation(layout, text, dte.Santiago); err == nil {
			return dte.DateOf(t), nil
		}
	}
	return dte.Date{}, fmt.Errorf("«%s» no es un mes: se escribe 03-2026", clip(text, 20))
}

var months = []string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}

func monthWords(d dte.Date) string { return fmt.Sprintf("%s de %d", months[d.Month-1], d.Year) }

// monthShown is the month that the screen is about.
func (w *Window) monthShown() string {
	if s, ok := w.screens[reconciling].(*reconcileScreen); ok {
		return sentence(monthWords(s.month))
	}
	return "Conciliación"
}

// base is a file's own name, whichever way its system writes folders.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return money.Pesos(n).String() + " " + many
}

func (s *reconcileScreen) edited(string) {}

// back leaves the documents of a line, then the screen; what is being read is given up.
func (s *reconcileScreen) back() {
	if s.opened != nil {
		s.opened = nil
		s.w.settle(nil)
		return
	}
	s.stop()
	s.turn++
	s.busy = false
	s.w.visit("")
}

func (s *reconcileScreen) move(key fyne.KeyName) bool {
	t, at := s.lines, s.selected
	if s.opened != nil {
		t, at = s.docs, s.chosen
	}
	step, ok := t.step(key)
	if ok {
		s.choose(at + step)
	}
	return ok
}
