package ui

import (
	"image/color"
	"strings"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// fit is what a text does when there is not enough room.
type fit int

const (
	whole  fit = iota // it asks for the room that it needs
	cut               // it ends in "…"
	shrink            // its letters get smaller, down to half: amounts must be read whole
	wrap              // it goes on in further lines, the last one ends in "…"
)

// text is words on the screen.
type text struct {
	widget.BaseWidget
	l      *look
	words  string
	size   float32
	bold   bool
	colour fyne.ThemeColorName
	align  fyne.TextAlign
	fit    fit
	lines  int // most lines when it wraps
	high   bool
}

func newText(l *look, size float32, colour fyne.ThemeColorName, f fit) *text {
	t := &text{l: l, size: size, colour: colour, fit: f, lines: 1}
	t.ExtendBaseWidget(t)
	return t
}

func (t *text) strong() *text                            { t.bold = true; return t }
func (t *text) to(a fyne.TextAlign) *text                { t.align = a; return t }
func (t *text) upTo(lines int) *text                     { t.lines = lines; return t }
func (t *text) atTop() *text                             { t.high = true; return t }
func (t *text) say(words string) *text                   { return t.sayIn(words, t.colour) }
func (t *text) style() fyne.TextStyle                    { return fyne.TextStyle{Bold: t.bold} }
func (t *text) measure(s string, size float32) fyne.Size { return fyne.MeasureText(s, size, t.style()) }

// setBold changes the weight of the letters.
func (t *text) setBold(bold bool) *text {
	if t.bold != bold {
		t.bold = bold
		t.Refresh()
	}
	return t
}

// sayIn changes words and colour; nothing is drawn when nothing changed.
func (t *text) sayIn(words string, colour fyne.ThemeColorName) *text {
	if t.words != words || t.colour != colour {
		t.words, t.colour = words, colour
		t.Refresh()
	}
	return t
}

// CreateRenderer implements fyne.Widget.
func (t *text) CreateRenderer() fyne.WidgetRenderer {
	r := &textRenderer{t: t}
	for range t.lines {
		r.lines = append(r.lines, canvas.NewText("", color.Transparent))
	}
	r.Refresh()
	return r
}

type textRenderer struct {
	t     *text
	lines []*canvas.Text
}

func (r *textRenderer) MinSize() fyne.Size {
	size := r.t.l.px(r.t.size)
	m := r.t.measure(r.t.words, size)
	if r.t.fit != whole {
		m.Width = 0
	}
	if r.t.fit == wrap {
		m.Height *= float32(r.t.lines)
	}
	return m
}

func (r *textRenderer) Layout(room fyne.Size) {
	t, size := r.t, r.t.l.px(r.t.size)
	rows := []string{t.words}
	height := t.measure("Ág", size).Height
	switch t.fit {
	case cut:
		rows[0] = t.shorten(t.words, size, room.Width)
	case shrink:
		if w := t.measure(t.words, size).Width; w > room.Width && room.Width > 0 {
			size = max(size/2, size*room.Width/w)
			height = t.measure("Ág", size).Height
		}
	case wrap:
		rows = t.breakUp(size, room.Width, max(1, min(t.lines, int((room.Height+1)/height))))
	}
	top := max(0, (room.Height-height*float32(len(rows)))/2)
	if t.high {
		top = 0
	}
	for i, line := range r.lines {
		line.Text = ""
		if i < len(rows) {
			line.Text = rows[i]
		}
		line.TextSize, line.Alignment, line.TextStyle, line.Color = size, t.align, t.style(), t.l.paint(t.colour)
		line.Move(fyne.NewPos(0, top+height*float32(i)))
		line.Resize(fyne.NewSize(room.Width, height))
		line.Refresh()
	}
}

func (r *textRenderer) Refresh() { r.Layout(r.t.Size()) }
func (r *textRenderer) Destroy() {}
func (r *textRenderer) Objects() []fyne.CanvasObject {
	objects := make([]fyne.CanvasObject, len(r.lines))
	for i, line := range r.lines {
		objects[i] = line
	}
	return objects
}

// shorten is s, or as much of it as fits followed by "…".
func (t *text) shorten(s string, size, width float32) string {
	if width <= 0 || t.measure(s, size).Width <= width {
		return s
	}
	runes := []rune(s)
	fits, tooMuch := 0, len(runes)
	for tooMuch-fits > 1 {
		middle := (fits + tooMuch) / 2
		if t.measure(string(runes[:middle])+"…", size).Width <= width {
			fits = middle
		} else {
			tooMuch = middle
		}
	}
	return strings.TrimRight(string(runes[:fits]), " ") + "…"
}

// breakUp spreads the words over at most so many rows.
func (t *text) breakUp(size, width float32, most int) []string {
	var rows []string
	line := ""
	words := pieces(t.words)
	for i, word := range words {
		longer := strings.TrimSpace(line + " " + word)
		if line == "" || t.measure(longer, size).Width <= width {
			line = longer
			continue
		}
		if len(rows) == most-1 {
			line += " " + strings.Join(words[i:], " ")
			break
		}
		rows, line = append(rows, t.shorten(line, size, width)), word
	}
	return append(rows, t.shorten(line, size, width))
}

// pieces are the words of a text, a figure and its unit in one: no line begins with the L of 1 L.
func pieces(text string) (all []string) {
	for _, word := range strings.Fields(text) {
		last := len(all) - 1
		if last >= 0 && utf8.RuneCountInString(word) <= 2 && strings.IndexFunc(word, unicode.IsLetter) == 0 && digits(all[last][len(all[last])-1:]) {
			all[last] += " " + word
			continue
		}
		all = append(all, word)
	}
	return all
}

// icon is a small picture in a colour of the theme.
type icon struct {
	*canvas.Image
	l      *look
	name   fyne.ThemeIconName
	colour fyne.ThemeColorName
}

func newIcon(l *look, name fyne.ThemeIconName, colour fyne.ThemeColorName, size float32) *icon {
	i := &icon{Image: canvas.NewImageFromResource(nil), l: l}
	i.FillMode = canvas.ImageFillContain
	i.SetMinSize(fyne.NewSquareSize(l.px(size)))
	i.show(name, colour)
	return i
}

func (i *icon) show(name fyne.ThemeIconName, colour fyne.ThemeColorName) {
	if i.name == name && i.colour == colour {
		return
	}
	i.name, i.colour = name, colour
	i.Resource = nil
	if name != "" {
		i.Resource = theme.NewColoredResource(theme.Icon(name), colour)
	}
	i.Image.Refresh()
}

// panel is a rounded surface under its content.
type panel struct {
	widget.BaseWidget
	l            *look
	fill, stroke fyne.ThemeColorName
	radius       float32
	strokeWidth  float32
	content      fyne.CanvasObject
	onTap        func()
}

func newPanel(l *look, fill fyne.ThemeColorName, content fyne.CanvasObject) *panel {
	p := &panel{l: l, fill: fill, stroke: clear, radius: 10, content: content}
	p.ExtendBaseWidget(p)
	return p
}

func (p *panel) edge(colour fyne.ThemeColorName, width float32) *panel {
	p.stroke, p.strokeWidth = colour, width
	p.Refresh()
	return p
}

func (p *panel) tint(fill fyne.ThemeColorName) {
	if p.fill != fill {
		p.fill = fill
		p.Refresh()
	}
}

// Tapped implements fyne.Tappable; a surface without a duty swallows the tap, so that nothing behind it is touched.
func (p *panel) Tapped(*fyne.PointEvent) {
	if p.onTap != nil {
		p.onTap()
	}
}

// CreateRenderer implements fyne.Widget.
func (p *panel) CreateRenderer() fyne.WidgetRenderer {
	r := &panelRenderer{p: p, back: newSurface()}
	r.Refresh()
	return r
}

type panelRenderer struct {
	p    *panel
	back *surface
}

func (r *panelRenderer) MinSize() fyne.Size { return r.p.content.MinSize() }
func (r *panelRenderer) Layout(s fyne.Size) { r.back.resize(s); r.p.content.Resize(s) }
func (r *panelRenderer) Destroy()           {}
func (r *panelRenderer) Objects() []fyne.CanvasObject {
	return append(r.back.objects(), r.p.content)
}

func (r *panelRenderer) Refresh() {
	p := r.p
	r.back.paint(p.l.paint(p.fill), p.l.paint(p.stroke), p.l.px(p.strokeWidth), p.l.px(p.radius))
	p.content.Refresh()
}

// weight is how much a button matters.
type weight int

const (
	plain   weight = iota
	primary        // what one does next; one per screen
	quiet          // no surface of its own
	danger
)

// button does one thing, and says on itself which key does it too. It never takes the focus.
type button struct {
	widget.BaseWidget
	l       *look
	weight  weight
	words   string
	cap     string // the key, as it is written on the keyboard
	icon    fyne.ThemeIconName
	size    float32 // of the words
	least   fyne.Size
	tall    bool // key above the words
	off     bool
	chosen  bool
	hover   bool
	pressed bool
	onTap   func()
}

func newButton(l *look, w weight, words, keycap string, onTap func()) *button {
	b := &button{l: l, weight: w, words: words, cap: keycap, size: 16, least: fyne.NewSize(56, 56), onTap: onTap}
	b.ExtendBaseWidget(b)
	return b
}

func (b *button) bigger(size float32, least fyne.Size) *button {
	b.size, b.least = size, least
	return b
}
func (b *button) with(i fyne.ThemeIconName) *button { b.icon = i; return b }
func (b *button) stacked() *button                  { b.tall = true; return b }

// set changes what the button says and whether it can be used.
func (b *button) set(words, keycap string, usable bool) {
	if b.words != words || b.cap != keycap || b.off == usable {
		b.words, b.cap, b.off = words, keycap, !usable
		b.Refresh()
	}
}

func (b *button) choose(chosen bool) {
	if b.chosen != chosen {
		b.chosen = chosen
		b.Refresh()
	}
}

// Tapped implements fyne.Tappable.
func (b *button) Tapped(*fyne.PointEvent) {
	if !b.off && b.onTap != nil {
		b.onTap()
	}
}

// MouseIn, MouseMoved, MouseOut, MouseDown and MouseUp show that the button noticed the pointer.
func (b *button) MouseIn(*desktop.MouseEvent)    { b.hover = true; b.Refresh() }
func (b *button) MouseMoved(*desktop.MouseEvent) {}
func (b *button) MouseOut()                      { b.hover, b.pressed = false, false; b.Refresh() }
func (b *button) MouseDown(*desktop.MouseEvent)  { b.pressed = true; b.Refresh() }
func (b *button) MouseUp(*desktop.MouseEvent)    { b.pressed = false; b.Refresh() }

// colours are surface, edge, words and key edge.
func (b *button) colours() (fill, edge, words, key fyne.ThemeColorName) {
	switch {
	case b.off && b.words == "" && b.icon == "": // an empty slot
		return clear, clear, clear, clear
	case b.off:
		return sunk, clear, faint, hairline
	case b.weight == primary && (b.hover || b.pressed):
		return accentDeep, clear, onAccent, onAccent
	case b.weight == primary:
		return accent, clear, onAccent, onAccent
	case b.chosen:
		return accentSoft, accent, ink, accent
	case b.weight == danger && (b.hover || b.pressed):
		return badSoft, bad, bad, bad
	case b.weight == danger:
		return card, bad, bad, bad
	case b.hover || b.pressed:
		return hovered, hairline, ink, faint
	case b.weight == quiet:
		return clear, clear, ink, faint
	}
	return card, hairline, ink, faint
}

// CreateRenderer implements fyne.Widget.
func (b *button) CreateRenderer() fyne.WidgetRenderer {
	r := &buttonRenderer{
		b: b, back: canvas.NewRectangle(color.Transparent), keycap: canvas.NewRectangle(nil),
		words: newText(b.l, b.size, ink, cut).strong(), key: newText(b.l, 12, muted, whole).strong(),
	}
	r.words.align, r.key.align = fyne.TextAlignCenter, fyne.TextAlignCenter
	r.icon = newIcon(b.l, "", ink, 20)
	r.Refresh()
	return r
}

type buttonRenderer struct {
	b            *button
	back, keycap *canvas.Rectangle
	words, key   *text
	icon         *icon
}

func (r *buttonRenderer) Destroy() {}
func (r *buttonRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.back, r.keycap, r.key, r.icon.Image, r.words}
}

// parts are the sizes of key and icon with the gap after them, and of the words.
func (r *buttonRenderer) parts() (key, icon, gap, words float32) {
	l := r.b.l
	if gap = l.px(8); r.b.tall {
		gap = l.px(4)
	}
	if r.b.cap != "" {
		key = max(l.px(24), r.key.MinSize().Width+l.px(12))
	}
	if r.b.icon != "" {
		icon = l.px(20)
	}
	return key, icon, gap, fyne.MeasureText(r.b.words, l.px(r.b.size), fyne.TextStyle{Bold: true}).Width
}

func (r *buttonRenderer) MinSize() fyne.Size {
	l := r.b.l
	key, icon, gap, words := r.parts()
	width := l.px(24)
	if r.b.tall {
		width = max(key, words) + l.px(8)
	} else {
		for _, n := range []float32{key, icon} {
			if n > 0 {
				width += n + gap
			}
		}
		width += words
	}
	return fyne.NewSize(max(width, l.px(r.b.least.Width)), l.px(r.b.least.Height))
}

func (r *buttonRenderer) Layout(s fyne.Size) {
	l := r.b.l
	r.back.Resize(s)
	key, icon, gap, words := r.parts()
	keyHeight := l.px(20)
	if r.b.tall {
		height := r.words.MinSize().Height
		top := (s.Height - keyHeight - height - l.px(2)) / 2
		r.placeKey((s.Width-key)/2, top, key, keyHeight)
		r.words.Move(fyne.NewPos(l.px(2), top+keyHeight+l.px(2)))
		r.words.Resize(fyne.NewSize(s.Width-l.px(4), height))
		return
	}
	around := float32(0)
	for _, n := range []float32{key, icon} {
		if n > 0 {
			around += n + gap
		}
	}
	words = max(0, min(words+l.px(1), s.Width-l.px(16)-around))
	if words == 0 || r.b.words == "" {
		words, around = 0, around-gap
	}
	x := (s.Width - around - words) / 2
	if icon > 0 {
		r.icon.Move(fyne.NewPos(x, (s.Height-icon)/2))
		r.icon.Resize(fyne.NewSquareSize(icon))
		x += icon + gap
	}
	r.words.Move(fyne.NewPos(x, 0))
	r.words.Resize(fyne.NewSize(words, s.Height))
	if words > 0 {
		x += words + gap
	}
	r.placeKey(x, (s.Height-keyHeight)/2, key, keyHeight)
}

func (r *buttonRenderer) placeKey(x, y, width, height float32) {
	r.keycap.Move(fyne.NewPos(x, y))
	r.keycap.Resize(fyne.NewSize(width, height))
	r.key.Move(fyne.NewPos(x, y))
	r.key.Resize(fyne.NewSize(width, height))
}

func (r *buttonRenderer) Refresh() {
	b, l := r.b, r.b.l
	fill, edge, words, key := b.colours()
	r.back.FillColor, r.back.StrokeColor, r.back.StrokeWidth, r.back.CornerRadius = l.paint(fill), l.paint(edge), l.px(1), l.px(8)
	switch {
	case edge == clear: // on a screen, unlike in memory, a line without colour is seen
		r.back.StrokeWidth = 0
	case b.chosen && !b.off:
		r.back.StrokeWidth = l.px(2)
	}
	r.keycap.FillColor, r.keycap.StrokeColor, r.keycap.StrokeWidth, r.keycap.CornerRadius = l.paint(clear), l.paint(key), l.px(1), l.px(4)
	r.keycap.Hidden = b.cap == ""
	r.words.size = b.size
	keyWords := words
	if words == ink {
		keyWords = muted
	}
	r.key.sayIn(b.cap, keyWords)
	r.words.sayIn(b.words, words)
	r.icon.show(b.icon, words)
	r.Layout(b.Size())
	r.words.Refresh()
	r.key.Refresh()
	r.back.Refresh()
	r.keycap.Refresh()
}

// badge is an icon with a word on a tinted surface: a state.
type badge struct {
	*panel
	icon  *icon
	words *text
}

func newBadge(l *look, onTap func()) *badge {
	b := &badge{icon: newIcon(l, "", ink, 18), words: newText(l, 14, ink, cut)}
	b.panel = newPanel(l, clear, pad(l.px(8), l.px(6), row(l.px(6), as(b.icon.Image), grow(b.words))))
	b.radius, b.onTap = 8, onTap
	return b
}

// state is what a badge tells: the same thing three times, by picture, colour and word.
type state struct {
	icon   fyne.ThemeIconName
	colour fyne.ThemeColorName
	words  string
}

func (b *badge) tell(s state) {
	b.icon.show(s.icon, s.colour)
	b.words.sayIn(s.words, inkOf(s.colour))
	b.tint(softOf(s.colour))
}

// inkOf is the colour of words about a state: plain ink when there is nothing to say about it.
func inkOf(colour fyne.ThemeColorName) fyne.ThemeColorName {
	if colour == warn || colour == bad {
		return colour
	}
	return ink
}

// softOf is the surface for words in a colour.
func softOf(colour fyne.ThemeColorName) fyne.ThemeColorName {
	switch colour {
	case warn:
		return warnSoft
	case bad:
		return badSoft
	case accent:
		return accentSoft
	}
	return clear
}
