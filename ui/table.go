package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// column is a column of a table.
type column struct {
	title string
	width float32 // 0: the rest of the room
	align fyne.TextAlign
}

// cell is what stands in a column of one row.
type cell struct {
	words  string
	colour fyne.ThemeColorName // "" is ink
	bold   bool
	icon   fyne.ThemeIconName
}

// table shows rows of equal height; only those in view are drawn, so that a cart of 200 lines costs as much as one of
// ten. One row is selected, highlighted and in view.
type table struct {
	widget.BaseWidget
	l        *look
	columns  []column
	rowSize  float32
	textSize float32
	count    int
	cells    func(row int) []cell
	selected int
	top      int
	dragged  float32
	bare     bool // without the row of titles
	fitted   int  // rows in view when it was last drawn
	onSelect func(row int)
}

func newTable(l *look, columns []column, onSelect func(int)) *table {
	t := &table{l: l, columns: columns, rowSize: 48, textSize: 17, selected: -1, onSelect: onSelect}
	t.cells = func(int) []cell { return nil }
	t.ExtendBaseWidget(t)
	return t
}

// fill shows count rows and brings the selected one into view.
func (t *table) fill(count, selected int, cells func(int) []cell) {
	t.count, t.selected, t.cells = count, selected, cells
	t.follow()
	t.Refresh()
}

func (t *table) header() float32 {
	if t.bare {
		return 0
	}
	return t.l.px(36)
}

// room is how many whole rows can be seen.
func (t *table) room() int {
	return max(1, int((t.Size().Height-t.header())/t.l.px(t.rowSize)))
}

// step is how far a key moves the selection; false if it is no key for that.
func (t *table) step(key fyne.KeyName) (int, bool) {
	step, ok := map[fyne.KeyName]int{
		fyne.KeyUp: -1, fyne.KeyDown: 1, fyne.KeyPageUp: -t.room(), fyne.KeyPageDown: t.room(),
	}[key]
	return step, ok
}

func (t *table) follow() {
	if t.selected >= 0 {
		t.top = max(min(t.top, t.selected), t.selected-t.room()+1)
	}
	t.bound()
}

func (t *table) bound() { t.top = max(0, min(t.top, t.count-t.room())) }

func (t *table) scroll(rows int) {
	t.top += rows
	t.bound()
	t.Refresh()
}

// Scrolled implements fyne.Scrollable.
func (t *table) Scrolled(e *fyne.ScrollEvent) {
	if e.Scrolled.DY > 0 {
		t.scroll(-3)
	} else if e.Scrolled.DY < 0 {
		t.scroll(3)
	}
}

// Dragged implements fyne.Draggable: a finger moves the rows.
func (t *table) Dragged(e *fyne.DragEvent) {
	t.dragged -= e.Dragged.DY
	rows := int(t.dragged / t.l.px(t.rowSize))
	t.dragged -= float32(rows) * t.l.px(t.rowSize)
	if rows != 0 {
		t.scroll(rows)
	}
}

// DragEnd implements fyne.Draggable.
func (t *table) DragEnd() { t.dragged = 0 }

// Tapped implements fyne.Tappable.
func (t *table) Tapped(e *fyne.PointEvent) {
	if e.Position.Y < t.header() {
		return
	}
	i := t.top + int((e.Position.Y-t.header())/t.l.px(t.rowSize))
	if i < t.count && t.onSelect != nil {
		t.onSelect(i)
	}
}

// CreateRenderer implements fyne.Widget.
func (t *table) CreateRenderer() fyne.WidgetRenderer {
	r := &tableRenderer{t: t, rule: canvas.NewRectangle(color.Transparent), thumb: canvas.NewRectangle(nil)}
	for _, c := range t.columns {
		r.titles = append(r.titles, newText(t.l, 13, muted, cut).to(c.align).say(c.title))
	}
	r.Refresh()
	return r
}

type tableRenderer struct {
	t           *table
	titles      []*text
	rule, thumb *canvas.Rectangle
	rows        []*tableRow
}

type tableRow struct {
	back, mark, rule *canvas.Rectangle
	icons            []*icon
	words            []*text
}

func (r *tableRenderer) MinSize() fyne.Size { return fyne.NewSize(r.t.l.px(200), r.t.header()) }
func (r *tableRenderer) Destroy()           {}

func (r *tableRenderer) Objects() []fyne.CanvasObject {
	objects := []fyne.CanvasObject{r.rule}
	for _, title := range r.titles {
		objects = append(objects, title)
	}
	for _, row := range r.rows {
		objects = append(objects, row.back, row.rule, row.mark)
		for i := range row.words {
			objects = append(objects, row.icons[i].Image, row.words[i])
		}
	}
	return append(objects, r.thumb)
}

func (r *tableRenderer) newRow() *tableRow {
	row := &tableRow{back: canvas.NewRectangle(color.Transparent), mark: canvas.NewRectangle(nil), rule: canvas.NewRectangle(nil)}
	for _, c := range r.t.columns {
		row.icons = append(row.icons, newIcon(r.t.l, "", ink, 18))
		row.words = append(row.words, newText(r.t.l, r.t.textSize, ink, cut).to(c.align))
	}
	return row
}

func (r *tableRenderer) Layout(size fyne.Size) {
	t, l := r.t, r.t.l
	for len(r.rows) < t.room() {
		r.rows = append(r.rows, r.newRow())
	}
	if t.fitted != t.room() { // the window changed its size
		t.fitted = t.room()
		t.follow()
	}
	t.bound()
	r.place(size)
	r.rule.Move(fyne.NewPos(0, t.header()-1))
	r.rule.Resize(fyne.NewSize(size.Width, 1))
	r.rule.FillColor, r.rule.Hidden = l.paint(hairline), t.bare
	for i := range r.rows {
		r.drawRow(i, size)
	}
	r.drawThumb(size)
}

// place gives titles and cells their columns.
func (r *tableRenderer) place(size fyne.Size) {
	t, l := r.t, r.t.l
	margin, gap := l.px(16), l.px(16)
	rest := size.Width - 2*margin - gap*float32(len(t.columns)-1)
	for _, c := range t.columns {
		rest -= l.px(c.width)
	}
	x := margin
	for i, c := range t.columns {
		width := l.px(c.width)
		if c.width == 0 {
			width = max(0, rest)
		}
		r.titles[i].Move(fyne.NewPos(x, 0))
		r.titles[i].Resize(fyne.NewSize(width, t.header()))
		r.titles[i].Hidden = t.bare
		for n, row := range r.rows {
			y := t.header() + float32(n)*l.px(t.rowSize)
			row.icons[i].Move(fyne.NewPos(x, y+(l.px(t.rowSize)-l.px(18))/2))
			row.icons[i].Resize(fyne.NewSquareSize(l.px(18)))
			row.words[i].Move(fyne.NewPos(x, y))
			row.words[i].Resize(fyne.NewSize(width, l.px(t.rowSize)))
		}
		x += width + gap
	}
}

func (r *tableRenderer) drawRow(n int, size fyne.Size) {
	t, l, row := r.t, r.t.l, r.rows[n]
	i := t.top + n
	var cells []cell
	if n < t.room() && i < t.count {
		cells = t.cells(i)
	}
	y := t.header() + float32(n)*l.px(t.rowSize)
	selected := cells != nil && i == t.selected
	row.back.Move(fyne.NewPos(l.px(4), y+l.px(2)))
	row.back.Resize(fyne.NewSize(size.Width-l.px(8), l.px(t.rowSize)-l.px(4)))
	row.back.CornerRadius, row.back.FillColor, row.back.Hidden = l.px(6), l.paint(accentSoft), !selected
	row.mark.Move(fyne.NewPos(l.px(4), y+l.px(10)))
	row.mark.Resize(fyne.NewSize(l.px(4), l.px(t.rowSize)-l.px(20)))
	row.mark.CornerRadius, row.mark.FillColor, row.mark.Hidden = l.px(2), l.paint(accent), !selected
	row.rule.Move(fyne.NewPos(l.px(16), y+l.px(t.rowSize)-1))
	row.rule.Resize(fyne.NewSize(size.Width-l.px(32), 1))
	row.rule.FillColor, row.rule.Hidden = l.paint(hairline), cells == nil || selected || i+1 == t.selected
	for c := range t.columns {
		var content cell
		if c < len(cells) {
			content = cells[c]
		}
		if content.colour == "" {
			content.colour = ink
		}
		r.drawCell(row, c, content, y)
	}
}

func (r *tableRenderer) drawCell(row *tableRow, c int, content cell, y float32) {
	l, words := r.t.l, row.words[c]
	row.icons[c].Hidden = content.icon == ""
	row.icons[c].show(content.icon, content.colour)
	x, width := row.icons[c].Position().X, r.titles[c].Size().Width
	if content.icon != "" {
		x, width = x+l.px(26), width-l.px(26)
	}
	words.Move(fyne.NewPos(x, y))
	words.Resize(fyne.NewSize(width, l.px(r.t.rowSize)))
	colour := content.colour
	if content.icon != "" { // it has the colour already
		colour = inkOf(colour)
	}
	words.setBold(content.bold).sayIn(content.words, colour)
}

// drawThumb shows where in a long list one is.
func (r *tableRenderer) drawThumb(size fyne.Size) {
	t, l := r.t, r.t.l
	r.thumb.Hidden = t.count <= t.room()
	if r.thumb.Hidden {
		return
	}
	track := size.Height - t.header() - l.px(8)
	height := max(l.px(24), track*float32(t.room())/float32(t.count))
	y := (track - height) * float32(t.top) / float32(t.count-t.room())
	r.thumb.FillColor, r.thumb.CornerRadius = l.paint(faint), l.px(2)
	r.thumb.Move(fyne.NewPos(size.Width-l.px(6), t.header()+l.px(4)+y))
	r.thumb.Resize(fyne.NewSize(l.px(4), height))
}

func (r *tableRenderer) Refresh() {
	r.Layout(r.t.Size())
	for _, row := range r.rows {
		row.back.Refresh()
		row.mark.Refresh()
		row.rule.Refresh()
		for i := range row.words {
			row.words[i].Refresh()
		}
	}
	r.rule.Refresh()
	r.thumb.Refresh()
}
