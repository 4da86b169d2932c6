package ui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// Notices are what a person should know or do, and the log of contingencies with the acts of its assistant. All methods
// are called from the window's goroutine and must be quick. Errors say in Spanish what happened and what to do.
type Notices interface {
	// Alarms are the most severe first.
	Alarms() ([]sale.Alarm, error)
	// Attend marks the task of an alarm as done.
	Attend(id, who, what string) error
	// Outages are the newest entries of the log.
	Outages(limit int) ([]sale.Outage, error)
	// Summarise issues the one boleta for the sales of an outage, IssueCopy one for a buyer who left his data, and
	// NoteManual writes down boletas made by hand. Done twice, each is done once.
	Summarise(o sale.Outage, t sale.Takings) (sale.Record, error)
	IssueCopy(o sale.Outage, buyer dte.Receptor, t sale.Takings) (sale.Record, error)
	NoteManual(o sale.Outage, m sale.ManualRange) (sale.Outage, error)
	// SaveOutageReport makes the printable log and returns where it is.
	SaveOutageReport() (path string, err error)

	Remedies
}

// lookEvery is how often the window asks for alarms by itself.
const lookEvery = time.Minute

const mostOutages = 100

// lookAround asks what there is to know. Between gestures a failure is left for the next time: the screen itself shows it.
func (w *Window) lookAround() error {
	w.looked = w.now()
	alarms, err := w.notices.Alarms()
	if err == nil {
		w.alarms = alarms
	}
	return err
}

// noticesScreen lists alarms and tasks, then the log of contingencies.
type noticesScreen struct {
	w        *Window
	body     *fyne.Container
	list     *table
	empty    fyne.CanvasObject
	facts    *fyne.Container
	selected int
	outages  []sale.Outage
	told     told

	title, when *text
	state       *badge
	story       *text
	see, act    *button
	acts        []*button
	actRow      *fyne.Container
}

func newNoticesScreen(w *Window) *noticesScreen {
	l := w.l
	s := &noticesScreen{w: w}
	s.list = newTable(l, []column{
		{"AVISOS, TAREAS Y CONTINGENCIAS", 0, fyne.TextAlignLeading},
		{"ESTADO", 136, fyne.TextAlignLeading},
	}, s.choose)
	s.list.textSize = 16
	s.empty = hint(l, theme.IconNameConfirm, "Nada que atender", "Aquí aparece lo que alguien debe saber o hacer. Con "+w.cap(notices, fyne.KeyF8)+" se ve qué hacer en una contingencia.")
	s.title, s.when = newText(l, 22, ink, shrink).strong(), newText(l, 15, muted, cut)
	s.state = newBadge(l, nil)
	s.state.words.size = 16
	s.story = newText(l, 15, ink, wrap).upTo(18).atTop()
	s.see = newButton(l, plain, "Documento", w.cap(notices, fyne.KeyF6), s.document).bigger(16, fyne.NewSize(120, 56))
	s.act = newButton(l, plain, "Atendida", w.cap(notices, fyne.KeyF7), s.attend).bigger(16, fyne.NewSize(120, 56))
	s.facts = pad(l.px(16), l.px(10), col(l.px(4),
		as(s.title), as(s.when), as(s.state.panel), grow(s.story), fixed(l.px(60), s.newActs()), fixed(l.px(56), row(l.px(8), grow(s.see), grow(s.act)))))
	s.body = beside(l, newPanel(l, card, stack(s.list, s.empty)).edge(hairline, 1), newPanel(l, card, s.facts).edge(hairline, 1))
	return s
}

func (s *noticesScreen) object() fyne.CanvasObject { return s.body }

// show goes there.
func (s *noticesScreen) show() {
	s.selected = 0
	err := s.load()
	s.w.visit(notices)
	if err != nil {
		s.w.settle(err)
	}
}

// load reads alarms and log anew.
func (s *noticesScreen) load() (err error) {
	if err = s.w.lookAround(); err == nil {
		s.outages, err = s.w.notices.Outages(mostOutages)
	}
	return err
}

func (s *noticesScreen) rows() int { return len(s.w.alarms) + len(s.outages) }

func (s *noticesScreen) render(sale.Snapshot) {
	s.selected = max(0, min(s.selected, s.rows()-1))
	setVisible(s.empty, s.rows() == 0)
	setVisible(s.facts, s.rows() > 0)
	alarms, outages := s.w.alarms, s.outages
	s.list.fill(s.rows(), s.selected, func(i int) []cell {
		words, is := "", state{}
		if i < len(alarms) {
			words, is = alarms[i].Title, severityState(alarms[i].Severity)
		} else {
			o := outages[i-len(alarms)]
			words, is = outageTitle(o)+" · "+day(o.From), outageState(o)
		}
		return []cell{{words: words, bold: i < len(alarms)}, {words: is.words, icon: is.icon, colour: is.colour}}
	})
	if a, ok := s.alarm(); ok {
		s.detail(a)
	} else if s.rows() > 0 {
		s.outage(outages[s.selected-len(alarms)])
	}
	s.see.set("Documento", s.see.cap, s.hasDocument())
	s.act.set("Atendida", s.act.cap, s.hasTask())
	s.renderActs()
}

// alarm is the one that is marked; false for an entry of the log.
func (s *noticesScreen) alarm() (sale.Alarm, bool) {
	if s.selected >= len(s.w.alarms) {
		return sale.Alarm{}, false
	}
	return s.w.alarms[s.selected], true
}

func (s *noticesScreen) detail(a sale.Alarm) {
	s.title.say(a.Title)
	s.when.say(wayWords(a.Way))
	s.state.tell(severityState(a.Severity))
	s.story.say(a.Text)
}

func (s *noticesScreen) outage(o sale.Outage) {
	s.title.say(outageTitle(o))
	s.when.say(period(o))
	s.state.tell(outageState(o))
	s.story.say(fmt.Sprintf("%s %s", documentsWords(o.Documents), sale.OutageStory(o)))
}

func (s *noticesScreen) hasDocument() bool {
	a, ok := s.alarm()
	return ok && a.Key != dte.Key{}
}

func (s *noticesScreen) hasTask() bool {
	a, ok := s.alarm()
	return ok && a.Task
}

func (s *noticesScreen) document() {
	a, ok := s.alarm()
	if !ok || a.Key == (dte.Key{}) {
		return
	}
	s.w.showDocument(a.Key)
}

// attend asks who did what.
func (s *noticesScreen) attend() {
	a, ok := s.alarm()
	if !ok || !a.Task {
		return
	}
	w := s.w
	w.openDialog(newFormDialog(w, "Tarea atendida", a.Title, "Anotar", []formField{
		{"Qué se hizo", "", "Emitida con el folio 1.205"}, {"Quién", w.who(s.told.who), "Nombre"},
	}, func(x []string) (string, error) {
		if err := w.notices.Attend(a.ID, x[1], x[0]); err != nil {
			return "", err
		}
		s.told.who = x[1]
		return "Queda anotado: " + x[0] + ".", s.load()
	}))
}

func (s *noticesScreen) report() {
	path, err := s.w.notices.SaveOutageReport()
	if err != nil {
		s.w.settle(err)
		return
	}
	s.w.say(good, "El informe para imprimir está en "+path)
}

func (s *noticesScreen) choose(i int) {
	s.selected = i
	s.w.settle(nil)
}

func (s *noticesScreen) prompt(sale.Snapshot) string { return "Avisos y contingencia" }

func (s *noticesScreen) main(sale.Snapshot) mainAction {
	return mainAction{"VOLVER", "Esc", true, s.back}
}

func (s *noticesScreen) keys() []binding {
	w := s.w
	return append(s.actBindings(), []binding{
		w.help(fyne.KeyF1, "F1"),
		{key: fyne.KeyF6, keycap: "F6", words: "Documento", help: "muestra el documento del aviso marcado", do: s.document, off: !s.hasDocument()},
		{key: fyne.KeyF7, keycap: "F7", words: "Atendida", help: "anota quién resolvió la tarea marcada, y cómo", do: s.attend, off: !s.hasTask()},
		{key: fyne.KeyF8, keycap: "F8", words: "Qué hacer", help: "qué hacer sin internet, sin energía o con todo detenido", do: s.assist},
		{key: fyne.KeyF10, keycap: "F10", words: "Informe", help: "deja el registro de contingencias en un PDF", do: s.report},
		w.menu(),
		{keycap: "Flechas", help: "marca otro aviso"},
		{keycap: "Esc", help: "vuelve a la venta"},
	}...)
}

func (s *noticesScreen) enter(text string) {
	if barCode(text) {
		s.w.take(s.w.sink, separate(text), "")
		return
	}
	s.w.sink.write("")
	s.attend()
}

func (s *noticesScreen) edited(string) {}
func (s *noticesScreen) back()         { s.w.visit("") }

func (s *noticesScreen) move(key fyne.KeyName) bool {
	step, ok := s.list.step(key)
	if ok {
		s.choose(s.selected + step)
	}
	return ok
}

// assistDialog says what to do in each of the three cases, why it is lawful, and offers the acts.
type assistDialog struct {
	s    *noticesScreen
	card fyne.CanvasObject
}

func (s *noticesScreen) assist() { s.w.openDialog(newAssistDialog(s)) }

func newAssistDialog(s *noticesScreen) *assistDialog {
	w, l := s.w, s.w.l
	d := &assistDialog{s: s}
	head := func(words string) item { return as(newText(l, 17, ink, cut).strong().say(words)) }
	body := func(words string, lines int) item {
		return as(newText(l, 14, ink, wrap).upTo(lines).atTop().say(words))
	}
	source := func(r sale.Rule) string { return r.Source + ", del " + r.Date + ": " + r.Says }
	act := func(words, keycap string, do func()) item {
		return grow(newButton(l, plain, words, w.cap(assistPlace, fyne.KeyName(keycap)), do).bigger(15, fyne.NewSize(120, 56)))
	}
	d.card = dialogCard(l, 900, col(l.px(8),
		as(newText(l, 24, ink, cut).strong().say("Contingencia: qué hacer")),
		head("1 · Sin internet, o el SII no recibe"),
		body("No hay que hacer nada: siga vendiendo. La caja emite, guarda, envía sola y lleva el registro. "+source(sale.RuleFor(sale.CauseLine)), 2),
		head("2 · Sin energía: no se pudo emitir"),
		body("Anote las ventas del corte. Primero, boleta propia a quien dejó sus datos; después, una por el resto. "+source(sale.RuleFor(sale.CausePower)), 3),
		fixed(l.px(56), row(l.px(10), act("Boleta para un comprador", "F2", d.copy), act("Boleta por las ventas del corte", "F3", d.summary))),
		head("3 · Todo detenido, y se hicieron boletas a mano"),
		body("Anote los números usados del talonario. "+source(sale.RuleManual()), 2),
		fixed(l.px(56), row(l.px(10), act("Anotar boletas a mano", "F4", d.manual), grow(spacer()))),
		body(sale.RuleConflict, 3),
		fixed(l.px(56), newButton(l, primary, "Volver", "Esc", w.closeDialog))))
	return d
}

func (d *assistDialog) object() fyne.CanvasObject { return d.card }
func (d *assistDialog) render()                   {}
func (d *assistDialog) field() *field             { return nil }
func (d *assistDialog) edited()                   {}
func (d *assistDialog) move(fyne.KeyName) bool    { return false }
func (d *assistDialog) enter()                    { d.s.w.closeDialog() }

func (d *assistDialog) keys() []binding {
	return []binding{{key: fyne.KeyF2, do: d.copy}, {key: fyne.KeyF3, do: d.summary}, {key: fyne.KeyF4, do: d.manual}}
}

// told is what was last written about an outage: the next form begins with it.
type told struct{ from, to, who string }

// fields are the first and the last of every form about an outage.
func (t told) fields(middle ...formField) []formField {
	fields := append([]formField{{"Desde", t.from, "15:16, o 16-03-2026 15:16"}, {"Hasta", t.to, "22:10"}}, middle...)
	return append(fields, formField{"Quién informa", t.who, "Nombre"})
}

// outageOf reads those fields and keeps them for the next form.
func (s *noticesScreen) outageOf(cause sale.Cause, x []string) (o sale.Outage, err error) {
	o = sale.Outage{Cause: cause, Who: x[len(x)-1]}
	if o.From, err = sale.ParseMoment(x[0], s.w.now()); err != nil {
		return o, err
	}
	if o.To, err = sale.ParseMoment(x[1], s.w.now()); err == nil {
		s.told = told{x[0], x[1], o.Who}
	}
	return o, err
}

// pesosIn reads amounts; an empty one is nothing.
func pesosIn(texts ...string) ([]money.Pesos, error) {
	all := make([]money.Pesos, len(texts))
	for i, text := range texts {
		if text == "" {
			continue
		}
		var err error
		if all[i], err = money.ParsePesos(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (d *assistDialog) summary() {
	s := d.s
	d.form("Ventas del corte", "Una boleta por todas, menos las que ya tienen boleta propia.", "Emitir", s.told.fields(
		formField{"Total vendido, con IVA", "", "184500"}, formField{"De eso, exento", "", "0"}, formField{"De eso, transferencia", "", "0"},
	), func(x []string) (string, error) {
		o, err := s.outageOf(sale.CausePower, x)
		if err != nil {
			return "", err
		}
		n, err := pesosIn(x[2], x[3], x[4])
		if err != nil {
			return "", err
		}
		r, err := s.w.notices.Summarise(o, sale.Takings{Afecto: n[0] - n[1], Exento: n[1], Otros: n[2]})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s por %s suma las ventas del corte.", docTitle(r.Key), peso(r.Total)), s.load()
	})
}

func (d *assistDialog) copy() {
	s := d.s
	d.form("Boleta para un comprador", "Para quien compró durante el corte y dejó sus datos.", "Emitir", s.told.fields(
		formField{"RUT", "", "Con dígito verificador"}, formField{"Nombre", "", "Si no hay RUT"}, formField{"Total, con IVA", "", "5990"},
	), func(x []string) (string, error) {
		o, err := s.outageOf(sale.CausePower, x)
		if err != nil {
			return "", err
		}
		buyer := dte.Receptor{RznSoc: x[3]}
		if x[2] != "" {
			if buyer.RUT, err = dte.ParseRUT(x[2]); err != nil {
				return "", err
			}
		}
		n, err := pesosIn(x[4])
		if err != nil {
			return "", err
		}
		r, err := s.w.notices.IssueCopy(o, buyer, sale.Takings{Afecto: n[0]})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s por %s. No la cuente en la boleta por las ventas del corte.", docTitle(r.Key), peso(r.Total)), s.load()
	})
}

func (d *assistDialog) manual() {
	s := d.s
	d.form("Boletas hechas a mano", "Los números del talonario que se usaron.", "Anotar", s.told.fields(
		formField{"De la N°", "", "101"}, formField{"A la N°", "", "120"}, formField{"Cuánto suman", "", "84500"},
	), func(x []string) (string, error) {
		o, err := s.outageOf(sale.CauseAll, x)
		if err != nil {
			return "", err
		}
		n, err := pesosIn(x[2], x[3], x[4])
		if err != nil {
			return "", err
		}
		kept, err := s.w.notices.NoteManual(o, sale.ManualRange{First: int64(n[0]), Last: int64(n[1]), Total: n[2]})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("Boletas a mano %d a %d anotadas.", kept.Manual.First, kept.Manual.Last), s.load()
	})
}

// form puts a form in the assistant's place.
func (d *assistDialog) form(title, why, yes string, fields []formField, do func([]string) (string, error)) {
	w := d.s.w
	w.openDialog(newFormDialog(w, title, why, yes, fields, do))
}

// formField is a line to fill in.
type formField struct{ label, text, hint string }

// formDialog asks for some lines. What is refused is told in it, where it can be mended.
type formDialog struct {
	w       *Window
	card    fyne.CanvasObject
	fields  []*field
	at      int
	problem *text
	do      func([]string) (said string, err error)
}

func newFormDialog(w *Window, title, why, yes string, fields []formField, do func([]string) (string, error)) *formDialog {
	l := w.l
	d := &formDialog{w: w, do: do, problem: newText(l, 15, bad, wrap).upTo(3).strong()}
	var boxes []item
	for i, f := range fields {
		in := newField(w, f.hint)
		in.limit, in.onFocus = 100, func() { d.at = i }
		in.write(f.text)
		d.fields = append(d.fields, in)
		boxes = append(boxes, grow(col(l.px(4), as(label(l, f.label)), fixed(l.px(48), in.framed(18, nil)))))
	}
	items := []item{as(newText(l, 24, ink, cut).strong().say(title)), as(newText(l, 16, muted, wrap).upTo(2).say(why))}
	across, width := 2, float32(760)
	if len(boxes) > 6 {
		across, width = 3, 960
	}
	for i := 0; i < len(boxes); i += across {
		items = append(items, as(row(l.px(16), boxes[i:min(i+across, len(boxes))]...)))
	}
	items = append(items, fixed(l.px(64), d.problem), fixed(l.px(64), row(l.px(12),
		grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
		grow(newButton(l, primary, yes, w.cap(formPlace, fyne.KeyF12), d.accept).bigger(18, fyne.NewSize(120, 64))))))
	d.card = dialogCard(l, width, col(l.px(10), items...))
	return d
}

func (d *formDialog) object() fyne.CanvasObject { return d.card }
func (d *formDialog) render()                   {}
func (d *formDialog) field() *field             { return d.fields[d.at] }
func (d *formDialog) keys() []binding           { return []binding{{key: fyne.KeyF12, do: d.accept}} }
func (d *formDialog) edited()                   { d.problem.say("") }

// move goes to the next or the previous line.
func (d *formDialog) move(key fyne.KeyName) bool {
	step := map[fyne.KeyName]int{fyne.KeyDown: 1, fyne.KeyUp: -1}[key]
	if step == 0 {
		return false
	}
	d.at = (d.at + step + len(d.fields)) % len(d.fields)
	d.w.refocus()
	return true
}

// enter goes on to the next line, and from the last one accepts.
func (d *formDialog) enter() {
	if d.at < len(d.fields)-1 {
		d.move(fyne.KeyDown)
		return
	}
	d.accept()
}

func (d *formDialog) accept() {
	x := make([]string, len(d.fields))
	for i, f := range d.fields {
		x[i] = strings.TrimSpace(f.Text)
	}
	said, err := d.do(x)
	again := func() (err error) {
		said, err = d.do(x)
		return err
	}
	if errors.Is(err, errElsewhere) || d.w.asks(err, again, func() { d.w.say(good, said) }) {
		return
	}
	if err != nil {
		d.problem.sayIn(stopped(sentence(err.Error())), bad)
		return
	}
	d.w.dropDialog()
	d.w.say(good, said)
}

// noticesState is the badge in the strip.
func noticesState(alarms []sale.Alarm) state {
	words := fmt.Sprintf("%d avisos", len(alarms))
	switch len(alarms) {
	case 0:
		return state{theme.IconNameConfirm, good, "Sin avisos"}
	case 1:
		words = "1 aviso"
	}
	worst := severityState(alarms[0].Severity)
	return state{worst.icon, worst.colour, words}
}

func severityState(s sale.Severity) state {
	switch s {
	case sale.Urgent:
		return state{theme.IconNameError, bad, "Urgente"}
	case sale.Aviso:
		return state{theme.IconNameWarning, warn, "Aviso"}
	}
	return state{theme.IconNameInfo, muted, "Para saber"}
}

// wayWords is the way out in a word or two.
func wayWords(w sale.Way) string {
	switch w {
	case sale.WayRead:
		return "Basta con leerlo"
	case sale.WayReuse:
		return "Corregir y emitir de nuevo"
	case sale.WayNewFolio:
		return "Emitir con otro folio"
	case sale.WayResend:
		return "Resolver y reenviar"
	case sale.WayCreditNote:
		return "Nota de crédito, si está mal"
	case sale.WayAccountant:
		return "Hablar con el contador"
	case sale.WaySupport:
		return "Llamar al soporte"
	}
	return ""
}

func outageTitle(o sale.Outage) string {
	return sentence(o.Cause.Words())
}

func outageState(o sale.Outage) state {
	told := o.Cause == sale.CausePower || o.Cause == sale.CauseAll
	switch {
	case o.Open() && o.Restored.IsZero():
		return state{theme.IconNameWarning, warn, "En curso"}
	case o.Open():
		return state{theme.IconNameUpload, muted, "Enviando"}
	case told && o.Summary == (dte.Key{}) && o.Manual == (sale.ManualRange{}):
		return state{theme.IconNameWarning, warn, "Falta boleta"}
	}
	return state{theme.IconNameConfirm, good, "Terminada"}
}

// period is from when to when, with the day only once if it is one.
func period(o sale.Outage) string {
	from := day(o.From) + " " + hour(o.From)
	switch {
	case o.To.IsZero():
		return "Desde el " + from
	case day(o.From) == day(o.To):
		return from + " a " + hour(o.To)
	}
	return from + " a " + day(o.To) + " " + hour(o.To)
}

func documentsWords(n int) string {
	switch n {
	case 0:
		return "Sin documentos emitidos."
	case 1:
		return "1 documento emitido."
	}
	return money.Pesos(n).String() + " documentos emitidos."
}
