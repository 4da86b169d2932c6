package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// documentsScreen is what was issued, newest first, with what became of each document.
type documentsScreen struct {
	w        *Window
	body     *fyne.Container
	list     *table
	empty    fyne.CanvasObject
	nothing  fyne.CanvasObject
	looking  fyne.CanvasObject
	left     *fyne.Container
	facts    *fyne.Container
	selected int
	shown    []sale.DocumentInfo
	wanted   dte.Key // is to be marked, wherever it stands; zero: what was chosen

	// What is searched beyond the newest documents, and what came of it.
	found     sale.DocumentsFound
	searching bool
	turn      int // of the search that still matters
	stop      context.CancelFunc
	extent    *text
	extentRow fyne.CanvasObject

	title, when, client, paid, total *text
	state, printed                   *badge
	story, paper                     *text
}

func newDocumentsScreen(w *Window) *documentsScreen {
	l := w.l
	s := &documentsScreen{w: w, stop: func() {}}
	s.list = newTable(l, []column{
		{"DOCUMENTO", 0, fyne.TextAlignLeading},
		{"HORA", 48, fyne.TextAlignLeading},
		{"TOTAL", 92, fyne.TextAlignTrailing},
		{"SII", 130, fyne.TextAlignLeading},
		{"PAPEL", 128, fyne.TextAlignLeading},
	}, s.choose)
	s.list.textSize = 16
	s.empty = hint(l, theme.IconNameDocument, "Todavía no hay documentos", "Aquí aparece cada boleta y factura apenas se emite, también sin internet.")
	s.nothing = hint(l, theme.IconNameSearch, "Ningún documento con eso", "Se busca por número, monto, cliente, producto o fecha, y con varios a la vez. Esc borra lo escrito.")
	s.looking = hint(l, theme.IconNameHistory, "Buscando…", "Se miran los documentos más antiguos. Puede seguir escribiendo.")
	s.title, s.when = newText(l, 24, ink, cut).strong(), newText(l, 15, muted, cut)
	s.total, s.client, s.paid = newText(l, 24, ink, shrink).strong().to(fyne.TextAlignTrailing), newText(l, 16, ink, cut), newText(l, 15, muted, cut)
	s.state, s.printed = newBadge(l, nil), newBadge(l, nil)
	s.state.words.size, s.printed.words.size = 16, 16
	s.story, s.paper = newText(l, 15, ink, wrap).upTo(6).atTop(), newText(l, 15, ink, wrap).upTo(6).atTop()
	again := newButton(l, plain, "Reimprimir", w.cap(documents, fyne.KeyF6), s.reprint).bigger(17, fyne.NewSize(130, 56))
	send := newButton(l, plain, "Enviar", w.cap(documents, fyne.KeyF5), s.send).with(theme.IconNameMailForward).bigger(17, fyne.NewSize(130, 56))
	s.facts = pad(l.px(20), l.px(16), col(l.px(6), as(row(l.px(8), share(1.6, s.title), share(1, s.total))), as(s.when), as(s.client), as(s.paid),
		fixed(1, newPanelSquare(l, hairline)),
		as(s.state.panel), share(1, s.story), as(s.printed.panel), share(1, s.paper), fixed(l.px(56), row(l.px(10), share(1.2, again), share(1, send)))))
	s.extent = newText(l, 14, muted, wrap).upTo(2)
	s.extentRow = pad(l.px(16), l.px(8), s.extent)
	s.left = col(0, grow(stack(s.list, s.empty, s.nothing, s.looking)), fixed(l.px(52), s.extentRow))
	s.body = beside(l, newPanel(l, card, s.left).edge(hairline, 1), newPanel(l, card, s.facts).edge(hairline, 1))
	return s
}

func (s *documentsScreen) object() fyne.CanvasObject { return s.body }

const mostDocuments = 200

func (s *documentsScreen) render(sale.Snapshot) {
	all, err := s.w.documents.Documents(sale.DocumentQuery{Limit: mostDocuments, Vouchers: true})
	if err != nil {
		s.w.frame.banner.tell(bad, err.Error())
	}
	s.shown = s.wantedOf(all)
	s.tellSearch()
	if i := slices.IndexFunc(s.shown, func(d sale.DocumentInfo) bool { return d.Key == s.wanted }); i >= 0 {
		s.selected = i
	}
	s.selected = max(0, min(s.selected, len(s.shown)-1))
	setVisible(s.empty, len(all) == 0)
	setVisible(s.nothing, len(all) > 0 && len(s.shown) == 0 && !s.searching)
	setVisible(s.looking, len(all) > 0 && len(s.shown) == 0 && s.searching)
	setVisible(s.facts, len(s.shown) > 0)
	shown := s.shown
	s.list.fill(len(shown), s.selected, func(i int) []cell {
		d := shown[i]
		sii, paper := infoState(d), printState(d)
		return []cell{
			{words: shortTitle(d.Key), bold: true},
			{words: hour(d.At)},
			{words: peso(d.Total), bold: true},
			{words: sii.words, icon: sii.icon, colour: sii.colour},
			{words: paper.words, icon: paper.icon, colour: paper.colour},
		}
	})
	if len(s.shown) > 0 {
		s.detail(s.shown[s.selected])
	}
}

// showDocument goes to a document, however old.
func (w *Window) showDocument(k dte.Key) {
	w.visit(documents)
	w.sink.write(k.Folio.String())
	if s, ok := w.screens[documents].(*documentsScreen); ok {
		s.wanted = k
	}
	w.render()
}

// wantedOf are the documents that are searched: at once those among the newest ones and with the very number, and all of
// them once the search is done.
func (s *documentsScreen) wantedOf(newest []sale.DocumentInfo) []sale.DocumentInfo {
	q := s.search()
	if q.Empty() {
		return newest
	}
	var some []sale.DocumentInfo
	for _, d := range newest {
		if q.Holds(d.Record) {
			some = append(some, d)
		}
	}
	add := func(more []sale.DocumentInfo) {
		for _, d := range more {
			if !slices.ContainsFunc(some, func(o sale.DocumentInfo) bool { return o.Key == d.Key }) {
				some = append(some, d)
			}
		}
	}
	add(s.numbered(q))
	add(s.found.Documents)
	slices.SortStableFunc(some, func(a, b sale.DocumentInfo) int { return b.At.Compare(a.At) })
	return some
}

// numbered are the documents with the very number that is typed, however old.
func (s *documentsScreen) numbered(q sale.DocumentSearch) (list []sale.DocumentInfo) {
	for _, folio := range q.Folios() {
		exact, err := s.w.documents.Documents(sale.DocumentQuery{Folio: folio, Limit: mostDocuments, Vouchers: true})
		if err != nil {
			s.w.frame.banner.tell(bad, err.Error())
		}
		for _, d := range exact {
			if q.Holds(d.Record) {
				list = append(list, d)
			}
		}
	}
	return list
}

func (s *documentsScreen) search() sale.DocumentSearch {
	return sale.ReadDocumentSearch(s.w.sink.Text, dte.DateOf(s.w.now()))
}

// lookBack searches all documents for what is typed now, away from the window. What was being searched before is given up.
func (s *documentsScreen) lookBack() {
	s.stop()
	s.found, s.searching = sale.DocumentsFound{}, false
	q := s.search()
	if q.Empty() {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.turn++
	turn := s.turn
	s.stop, s.searching = stop, true
	s.w.aside(func() func() {
		found, err := s.w.documents.FindDocuments(ctx, q)
		return func() {
			stop()
			if turn == s.turn && s.searching {
				s.arrived(found, err)
			}
		}
	})
}

// arrived shows what the search found. What was marked stays marked, though others come between.
func (s *documentsScreen) arrived(found sale.DocumentsFound, err error) {
	if s.wanted == (dte.Key{}) && s.selected > 0 && s.selected < len(s.shown) {
		s.wanted = s.shown[s.selected].Key
	}
	s.found, s.searching = found, false
	if s.w.place() != documents {
		return
	}
	s.w.render()
	if err != nil {
		s.w.frame.banner.tell(bad, "No se pudo buscar en todos los documentos: "+err.Error()+" Lo emitido está a salvo.")
	}
}

// tellSearch says how far was searched, where it is not all.
func (s *documentsScreen) tellSearch() {
	words := ""
	switch {
	case s.search().Empty():
	case s.searching:
		words = "Buscando también en los documentos más antiguos…"
	case !s.found.Until.IsZero() && len(s.found.Documents) >= sale.MostFound:
		words = fmt.Sprintf("Se muestran los %d más nuevos. Escriba algo más, o una fecha, para acortar la lista.", sale.MostFound)
	case !s.found.Until.IsZero():
		words = fmt.Sprintf("Se miraron %s documentos, hasta el %s. Para buscar más atrás escriba también una fecha: 16-03-2026.",
			money.Pesos(s.found.Looked), day(s.found.Until))
	}
	s.extent.say(words)
	setVisible(s.extentRow, words != "")
	s.left.Refresh()
}

func (s *documentsScreen) detail(d sale.DocumentInfo) {
	s.title.say(docTitle(d.Key))
	s.when.say(day(d.At) + " · " + hour(d.At) + " · " + d.Caja)
	s.total.say(peso(d.Total))
	s.client.say(clientName(d.Receptor))
	s.paid.say(paymentWords(d.Record))
	s.state.tell(infoState(d))
	s.story.say(documentStory(d))
	s.printed.tell(printState(d))
	s.paper.say(paperStory(d))
}

func (s *documentsScreen) choose(i int) {
	s.selected, s.wanted = i, dte.Key{}
	s.w.settle(nil)
}

func (s *documentsScreen) reprint() {
	if s.selected < len(s.shown) {
		s.w.reprint(s.shown[s.selected].Key, false)
	}
}

func (s *documentsScreen) send() {
	switch {
	case s.selected >= len(s.shown):
	case s.shown[s.selected].Key.Tipo == sale.Comprobante:
		s.w.settle(errNothingToSend)
	default:
		s.w.openCopies(s.shown[s.selected])
	}
}

var errNothingToSend = errors.New("esta venta no tiene documento que enviar: su boleta es el comprobante del terminal. La venta está guardada; puede reimprimir una copia")

func (s *documentsScreen) takeBack() {
	if s.selected < len(s.shown) {
		if err := s.w.takeBack(s.shown[s.selected].Key); err != nil {
			s.w.settle(err)
		}
	}
}

func (s *documentsScreen) prompt(sale.Snapshot) string {
	return "Número, monto, cliente, producto o fecha"
}

func (s *documentsScreen) main(sale.Snapshot) mainAction {
	return mainAction{"VOLVER", "Esc", true, func() { s.w.visit("") }}
}

func (s *documentsScreen) keys() []binding {
	w := s.w
	return []binding{
		w.help(fyne.KeyF1, "F1"),
		{key: fyne.KeyF6, keycap: "F6", words: "Reimprimir", help: "imprime una copia del documento marcado", do: s.reprint, off: len(s.shown) == 0},
		{key: fyne.KeyF5, keycap: "F5", words: "Enviar", help: "PDF, correo, WhatsApp o cedible del documento marcado", do: s.send, off: len(s.shown) == 0},
		{key: fyne.KeyF9, keycap: "F9", words: "Turno", help: "abre o cierra el turno", do: func() { w.visit(shiftPlace) }},
		{key: fyne.KeyF8, keycap: "F8", words: "Conciliar", help: "suma un mes por día y documento, y lo compara con el SII", do: func() { w.allowed(sale.MayReports, "conciliar con el SII", w.showReconciliation) }},
		{key: fyne.KeyF10, keycap: "F10", words: "Respuesta", help: "carga la respuesta que el SII manda por correo", do: w.loadAnswer},
		{key: fyne.KeyF7, keycap: "F7", words: "Devolver", help: "toma de vuelta algo del documento marcado", do: s.takeBack, off: len(s.shown) == 0},
		w.menu(),
		{keycap: "Flechas", help: "marca otro documento"},
		{keycap: "Esc", help: "borra lo escrito, o vuelve a la venta"},
	}
}

func (s *documentsScreen) enter(string) { s.w.settle(nil) }
func (s *documentsScreen) edited(string) {
	s.selected, s.wanted = 0, dte.Key{}
	s.lookBack()
	s.w.render()
}
func (s *documentsScreen) back() { s.w.visit("") }

func (s *documentsScreen) move(key fyne.KeyName) bool {
	step, ok := s.list.step(key)
	if ok {
		s.choose(s.selected + step)
	}
	return ok
}
