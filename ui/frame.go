package ui

import (
	"errors"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/sale"
)

// frame is what all screens share and what never moves: field and last scan above, total and big button below, then the
// keys and the status strip.
type frame struct {
	root    fyne.CanvasObject
	lead    *fyne.Container // what the field is for: a search or an amount
	result  *result
	banner  *banner
	total   *totalBar
	actions *actionBar
	strip   *strip
	scrim   *fyne.Container // dialogues
	pad     *button         // turns the keypad
}

// aside gives the second object a third of the width, within bounds, and the first the rest: the same two columns on
// every screen. What is read from left to right is never wider than reading: a price far from its product is read in the
// wrong line. Alone, without the second one, it may be as wide as on the screen it was drawn for.
type aside struct{ l *look }

const (
	reading = 1080 // points of the design
	alone   = 1400
	widest  = 1920 // of all screens; what a wall of a screen has beyond that stays empty on both sides
)

func beside(l *look, left, right fyne.CanvasObject) *fyne.Container {
	return &fyne.Container{Layout: aside{l}, Objects: []fyne.CanvasObject{left, right}}
}

// split is the width of each column.
func (a aside) split(width float32) (left, right float32) {
	right = min(max(width*0.345, a.l.px(320)), a.l.px(480))
	left = min(width-right-a.l.px(12), a.l.px(reading))
	return left, width - left - a.l.px(12)
}

// Layout implements fyne.Layout.
func (a aside) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	left, right := a.split(s.Width)
	if !objects[1].Visible() {
		left = min(s.Width, a.l.px(alone))
	}
	objects[0].Move(fyne.NewPos(0, 0))
	objects[0].Resize(fyne.NewSize(left, s.Height))
	objects[1].Move(fyne.NewPos(left+a.l.px(12), 0))
	objects[1].Resize(fyne.NewSize(right, s.Height))
}

// MinSize implements fyne.Layout.
func (a aside) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for _, o := range objects {
		height = max(height, o.MinSize().Height)
	}
	return fyne.NewSize(a.l.px(680), height)
}

func newFrame(w *Window, training bool) *frame {
	l := w.l
	lead := stack(newIcon(l, theme.IconNameSearch, muted, 24).Image, newText(l, 24, muted, whole).strong().to(fyne.TextAlignCenter).say("$"))
	f := &frame{lead: lead, result: newResult(w), banner: newBanner(w), total: newTotalBar(w), actions: newActionBar(w), strip: newStrip(w)}
	f.pad = w.padSwitch()
	entry := w.sink.framed(22, pad(l.px(8), 0, row(0, fixed(l.px(24), lead))))
	top := beside(l, row(l.px(padGap), grow(entry), fixed(l.px(64), f.pad)), f.result.panel)
	bodies := stack()
	for _, p := range []place{selling, paying, done, documents, notices, reconciling, shiftPlace} {
		bodies.Add(w.screens[p].object())
	}
	bodies.Add(f.banner.object)
	f.scrim = stack()
	f.scrim.Hide()
	main := narrow(l.px(widest), pad(l.px(16), l.px(12), col(l.px(12),
		fixed(l.px(64), top), grow(bodies), fixed(l.px(104), f.total.object), fixed(l.px(56), f.actions.object))))
	parts := []item{grow(main), fixed(l.px(40), f.strip.object)}
	if training {
		parts = append([]item{fixed(l.px(36), trainingBand(l))}, parts...)
	}
	f.root = w.probe.around(stack(col(0, parts...), f.scrim)) // the ground is the theme's, which the driver clears the window with
	return f
}

func newPanelSquare(l *look, fill fyne.ThemeColorName) *panel {
	p := newPanel(l, fill, spacer())
	p.radius = 0
	return p
}

// trainingBand cannot be overlooked nor closed.
func trainingBand(l *look) fyne.CanvasObject {
	words := newText(l, 17, onAccent, cut).strong().to(fyne.TextAlignCenter)
	words.say("CAPACITACIÓN – SIN VALIDEZ · lo que haga aquí no se vende ni va al SII")
	p := newPanel(l, accent, words)
	p.radius = 0
	return p
}

func (f *frame) render(s sale.Snapshot, where place, at screen) {
	f.banner.stand(where)
	amount := where == paying || where == shiftPlace
	setVisible(f.lead.Objects[0], !amount)
	setVisible(f.lead.Objects[1], amount)
	f.result.w.sink.prompt(at.prompt(s))
	f.pad.set(padWords, "", f.result.w.padHere())
	f.pad.choose(f.result.w.padUp)
	f.total.render(s, at.main(s))
	f.actions.render(f.result.w.bound(where, at.keys()))
	f.strip.render(s)
	f.result.render(where)
}

// result says what the last scan did, or that codes wait.
type result struct {
	w          *Window
	panel      *panel
	icon       *icon
	head, foot *text
	last       outcome
}

// outcome is something to be read at a glance: a line, and a smaller one under it.
type outcome struct {
	state
	foot string
	fill fyne.ThemeColorName
}

func newResult(w *Window) *result {
	l := w.l
	r := &result{w: w, icon: newIcon(l, "", ink, 28), head: newText(l, 18, ink, cut).strong(), foot: newText(l, 15, muted, cut)}
	r.panel = newPanel(l, card, pad(l.px(16), l.px(6), row(l.px(12),
		as(r.icon.Image), grow(col(0, grow(r.head), grow(r.foot))))))
	r.none()
	return r
}

func (r *result) none() {
	r.last = outcome{state{theme.IconNameInfo, muted, "Listo para escanear"}, "Aquí se ve el último producto", card}
}

// scanned tells how a scan ended.
func (r *result) scanned(code string, line sale.Line, err error) {
	code = clip(code, 40)
	switch {
	case err == nil:
		r.last = outcome{state{theme.IconNameConfirm, good, line.Nombre}, fmt.Sprintf("%s × $%s", qty(line), line.Prc), goodSoft}
	case errors.Is(err, sale.ErrNotFound):
		r.last = outcome{state{theme.IconNameError, bad, "Código " + code + " no existe"}, "Nada se agregó.", badSoft}
	default:
		r.last = outcome{state{theme.IconNameError, bad, code + " no se agregó"}, sentence(err.Error()), badSoft}
	}
}

// render draws what matters most: codes that wait, then where one is, then the last scan.
func (r *result) render(at place) {
	o := r.last
	n, words := len(r.w.waiting), "1 código en espera"
	if n > 1 {
		words = fmt.Sprintf("%d códigos en espera", n)
	}
	switch {
	case n > 0 && at == selling && r.w.dialog == nil: // the failure of the one before them must be read first
		o.foot += " " + words
	case n > 0:
		o = outcome{state{theme.IconNameHistory, warn, words}, "Al volver a la venta se agrega solo", warnSoft}
	case at == documents:
		o = outcome{state{theme.IconNameDocument, muted, "Documentos emitidos"}, "La venta abierta sigue guardada", card}
	case at == notices:
		o = outcome{state{theme.IconNameInfo, muted, "Avisos y contingencia"}, "La venta abierta sigue guardada", card}
	case at == reconciling:
		o = outcome{state{theme.IconNameList, muted, r.w.monthShown()}, "Por fecha de emisión", card}
	case at == shiftPlace:
		o = outcome{state{theme.IconNameAccount, muted, "Turno de caja"}, "La venta abierta sigue guardada", card}
	}
	r.icon.show(o.icon, o.colour)
	r.head.sayIn(o.words, inkOf(o.colour))
	foot := inkOf(o.colour)
	edge := o.colour
	if o.fill == card {
		foot, edge = muted, hairline
	}
	r.foot.sayIn(o.foot, foot)
	r.panel.fill = o.fill
	r.panel.edge(edge, 1)
}

// banner is a message over the top of the middle. While money is taken it is over the foot of what was received, so that the
// means of payment stay in sight, for one of them is what comes next; and at the end of a sale below the change. It never
// takes the typing.
type banner struct {
	w      *Window
	at     place
	object *fyne.Container
	panel  *panel
	icon   *icon
	words  *text
}

func newBanner(w *Window) *banner {
	l := w.l
	b := &banner{w: w, icon: newIcon(l, "", ink, 24), words: newText(l, 17, ink, wrap).upTo(2)}
	shut := newButton(l, quiet, "", "Esc", func() { w.settle(nil) }).bigger(14, fyne.NewSize(56, 48))
	b.panel = newPanel(l, badSoft, pad(l.px(16), l.px(4), row(l.px(12), as(b.icon.Image), grow(b.words), as(middle(shut)))))
	b.object = &fyne.Container{Layout: bannerLayout{b}, Objects: []fyne.CanvasObject{b.panel}}
	b.object.Hide()
	return b
}

// bannerLayout is the place of the banner in the middle of the window.
type bannerLayout struct{ b *banner }

// Layout implements fyne.Layout.
func (p bannerLayout) Layout(_ []fyne.CanvasObject, room fyne.Size) {
	at, size := fyne.Position{}, fyne.NewSize(room.Width, p.b.w.l.px(84))
	if p.b.at == paying {
		size.Width, _ = aside{p.b.w.l}.split(room.Width)
	}
	if p.b.at == paying || p.b.at == done {
		at.Y = room.Height - size.Height
	}
	p.b.panel.Move(at)
	p.b.panel.Resize(size)
}

// MinSize implements fyne.Layout.
func (p bannerLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// stand moves it to where it belongs on a screen.
func (b *banner) stand(at place) {
	if b.at != at {
		b.at = at
		b.object.Refresh()
	}
}

func (b *banner) visible() bool { return b.object.Visible() }

func (b *banner) tell(colour fyne.ThemeColorName, words string) {
	name := theme.IconNameInfo
	fill := softOf(colour)
	switch colour {
	case bad:
		name = theme.IconNameError
	case warn:
		name = theme.IconNameWarning
	case good:
		name, fill = theme.IconNameConfirm, goodSoft
	}
	b.icon.show(name, colour)
	b.words.sayIn(sentence(words), inkOf(colour))
	b.panel.fill = fill
	b.panel.edge(colour, 1)
	b.object.Show()
}

func (b *banner) hide() { b.object.Hide() }

// totalBar is the bottom of the ticket: document and customer, how many articles, the total, and the big button.
type totalBar struct {
	w                *Window
	object           fyne.CanvasObject
	document, client *text
	count, before    *text
	caption, total   *text
	keycap           fyne.CanvasObject
	counts           *fyne.Container
	main             *button
	do               func()
}

func newTotalBar(w *Window) *totalBar {
	l := w.l
	b := &totalBar{
		w:        w,
		document: newText(l, 18, ink, cut).strong(), client: newText(l, 14, muted, cut),
		count: newText(l, 16, ink, cut), before: newText(l, 14, muted, cut),
		caption: newText(l, 14, muted, cut).strong().to(fyne.TextAlignTrailing).say("TOTAL"),
		total:   newText(l, 58, ink, shrink).strong().to(fyne.TextAlignTrailing),
	}
	b.main = newButton(l, primary, "", "", func() { b.do() }).bigger(22, fyne.NewSize(240, 72))
	b.keycap = middle(newKeycap(l, w.cap(selling, fyne.KeyF3)))
	b.counts = col(0, as(b.count), as(b.before))
	chip := newPanel(l, sunk, pad(l.px(12), l.px(8), row(l.px(8), grow(col(0, grow(b.document), grow(b.client))), as(b.keycap))))
	chip.edge(hairline, 1)
	chip.onTap = func() { w.press(w.screenKeys(), w.keyAt(selling, fyne.KeyF3)) }
	b.object = newPanel(l, card, pad(l.px(12), l.px(8), row(l.px(12),
		share(1, chip), share(0.7, middle(b.counts)), share(1.2, col(0, as(b.caption), grow(b.total))), fixed(l.px(240), b.main)))).edge(hairline, 1)
	return b
}

func (b *totalBar) render(s sale.Snapshot, m mainAction) {
	total, lines := s.Total, s.Cart.Lines
	if s.Change != nil {
		total = s.Change.Due
	}
	if s.Stage == sale.Done && s.Last != nil {
		total, lines = s.Last.Total, s.Last.Lines
	}
	b.document.say(docName(s.Tipo))
	if s.Cart.Unpaid() == sale.ACredito {
		b.document.say(docName(s.Tipo) + " a crédito")
	}
	b.client.say(clientName(s.Cart.Receptor))
	if s.Stage == sale.Done && s.Last != nil {
		b.document.say(docTitle(s.Last.Key))
		b.client.say(clientName(s.Last.Receptor))
	}
	b.count.say(articles(lines) + discounts(s.Cart))
	before := s.Stage == sale.Selling && s.Last != nil
	if before {
		b.before.say("Vuelto anterior " + peso(s.Last.Payment.Change))
	}
	if b.before.Visible() != before {
		setVisible(b.before, before)
		b.object.Refresh()
	}
	setVisible(b.keycap, s.Stage == sale.Selling && b.w.visited == "")
	colour := ink
	if len(lines) == 0 {
		colour = faint
	}
	b.total.sayIn(peso(total), colour)
	b.do = m.do
	b.main.set(m.words, b.w.cap(b.w.place(), fyne.KeyName(m.keycap)), m.usable)
}

// newKeycap is a key of the keyboard as a small picture.
func newKeycap(l *look, key string) fyne.CanvasObject {
	words := newText(l, 12, muted, whole).strong().to(fyne.TextAlignCenter).say(key)
	p := newPanel(l, clear, pad(l.px(6), l.px(1), words)).edge(faint, 1)
	p.radius = 4
	return p
}

// actionBar shows the keys of the screen; each slot keeps its place.
type actionBar struct {
	object  *fyne.Container
	buttons []*button
	actions []func()
}

const slots = 13

func newActionBar(w *Window) *actionBar {
	b := &actionBar{actions: make([]func(), slots)}
	items := make([]item, slots)
	for i := range slots {
		button := newButton(w.l, plain, "", "", func() {
			w.endBurst()
			b.actions[i]()
		}).stacked().bigger(13, fyne.NewSize(56, 56))
		b.buttons = append(b.buttons, button)
		items[i] = grow(button)
	}
	b.object = row(w.l.px(8), items...)
	return b
}

func (b *actionBar) render(keys []binding) {
	i := 0
	for _, k := range keys {
		if k.words == "" || i == slots {
			continue
		}
		b.actions[i] = k.do
		b.buttons[i].set(k.words, k.keycap, !k.off)
		i++
	}
	for ; i < slots; i++ {
		b.buttons[i].set("", "", false) // an empty slot keeps its room, so that no button moves
	}
}

// strip is the line of states at the bottom; each can be tapped.
type strip struct {
	w                                           *Window
	object                                      fyne.CanvasObject
	caja, shift, line, waiting, folios, printer *badge
	notices                                     *badge
	clock                                       *text
}

func newStrip(w *Window) *strip {
	l := w.l
	s := &strip{w: w, clock: newText(l, 15, ink, cut).strong().to(fyne.TextAlignCenter)}
	s.caja = newBadge(l, func() { w.lock() })
	s.shift = newBadge(l, func() { w.visit(shiftPlace) })
	s.line = newBadge(l, func() { w.say(accent, lineAdvice(w.status, w.now())) })
	s.waiting = newBadge(l, func() { w.visit(documents) })
	s.notices = newBadge(l, func() { w.showNotices() })
	s.folios = newBadge(l, func() { w.say(accent, folioAdvice(w.s)) })
	s.folios.words.fit = shrink // thousands of them must be told whole
	s.printer = newBadge(l, func() { w.say(printerTone(w.status), printerAdvice(w.status)) })
	bar := newPanel(l, card, pad(l.px(8), l.px(3), row(l.px(4),
		share(0.77, s.caja.panel), share(0.94, s.shift.panel), share(1.83, s.line.panel), share(1.8, s.waiting.panel),
		share(1, s.notices.panel), share(1.06, s.folios.panel), share(1.1, s.printer.panel), fixed(l.px(46), s.clock))))
	bar.radius = 0
	s.object = bar
	return s
}

func (p *strip) render(s sale.Snapshot) {
	now := p.w.now()
	p.caja.tell(personState(s, p.w.caja))
	p.shift.tell(shiftState(s.Shift))
	p.line.tell(lineState(p.w.status, now))
	p.waiting.tell(waitingState(p.w.status, now))
	p.notices.tell(noticesState(p.w.alarms))
	p.folios.tell(folioState(s))
	p.printer.tell(printerState(p.w.status))
	p.clock.say(now.In(dte.Santiago).Format("15:04"))
}

// ago is an age in words: "hace 12 min".
func ago(since, now time.Time) string {
	switch d := now.Sub(since); {
	case since.IsZero():
		return ""
	case d < time.Minute:
		return "hace un momento"
	case d < time.Hour:
		return fmt.Sprintf("hace %d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("hace %d h", int(d.Hours()))
	default:
		return fmt.Sprintf("hace %d días", int(d.Hours()/24))
	}
}
