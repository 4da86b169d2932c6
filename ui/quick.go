package ui

import (
	"fmt"
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"mostrador/money"
	"mostrador/sale"
)

// quickKeys are the favourite products by category, as tiles to touch. Pages are turned with buttons: fingers cannot drag
// on a desktop.
type quickKeys struct {
	w        *Window
	object   fyne.CanvasObject
	title    *text
	page     *text
	tiles    *tiles
	empty    fyne.CanvasObject
	turn     *fyne.Container
	all      []sale.Product
	category int // 0: all of them
}

func newQuickKeys(w *Window) *quickKeys {
	l := w.l
	q := &quickKeys{
		w: w, title: newText(l, 17, ink, cut).strong().to(fyne.TextAlignCenter),
		page: newText(l, 15, muted, cut).to(fyne.TextAlignCenter),
	}
	q.tiles = newTiles(l, func(p sale.Product) {
		line, err := w.counter.Add(p, money.One)
		w.tellScan(p.Codigo, line, err)
		w.settle(nil)
	})
	q.empty = hint(l, theme.IconNameGrid, "Sin productos rápidos", "Los productos marcados como favoritos en el catálogo aparecen aquí.")
	head := row(l.px(8), as(arrow(w, theme.IconNameNavigateBack, func() { q.change(-1) })), grow(q.title),
		as(arrow(w, theme.IconNameNavigateNext, func() { q.change(1) })))
	q.turn = row(l.px(8), as(arrow(w, theme.IconNameNavigateBack, func() { q.leaf(-1) })), grow(q.page),
		as(arrow(w, theme.IconNameNavigateNext, func() { q.leaf(1) })))
	q.object = newPanel(l, card, pad(l.px(8), l.px(8), col(l.px(8),
		fixed(l.px(48), head), grow(stack(q.tiles, q.empty)), fixed(l.px(48), q.turn)))).edge(hairline, 1)
	return q
}

func arrow(w *Window, name fyne.ThemeIconName, do func()) *button {
	return newButton(w.l, plain, "", "", func() { do(); w.refocus() }).with(name).bigger(14, fyne.NewSize(64, 48))
}

// categories are the names in the order in which they first occur, after "all".
func (q *quickKeys) categories() []string {
	names := []string{"Favoritos"}
	for _, p := range q.all {
		if p.Categoria != "" && !slices.Contains(names, p.Categoria) {
			names = append(names, p.Categoria)
		}
	}
	return names
}

func (q *quickKeys) render(all []sale.Product) {
	q.all = all
	names := q.categories()
	q.category = min(q.category, len(names)-1)
	shown := all
	if q.category > 0 {
		shown = nil
		for _, p := range all {
			if p.Categoria == names[q.category] {
				shown = append(shown, p)
			}
		}
	}
	q.title.say(names[q.category])
	q.tiles.fill(shown)
	q.page.say(fmt.Sprintf("%d de %d", q.tiles.page+1, q.tiles.pages()))
	setVisible(q.empty, len(all) == 0)
}

func (q *quickKeys) change(step int) {
	n := len(q.categories())
	q.category = (q.category + step + n) % n
	q.tiles.page = 0
	q.render(q.all)
}

func (q *quickKeys) leaf(step int) {
	n := q.tiles.pages()
	q.tiles.page = (q.tiles.page + step + n) % n
	q.render(q.all)
}

// tiles shows as many products as there is room for.
type tiles struct {
	widget.BaseWidget
	l        *look
	products []sale.Product
	page     int
	under    int // the tile under the pointer; -1 none
	onTap    func(sale.Product)
}

func newTiles(l *look, onTap func(sale.Product)) *tiles {
	t := &tiles{l: l, onTap: onTap, under: -1}
	t.ExtendBaseWidget(t)
	return t
}

func (t *tiles) fill(products []sale.Product) {
	t.products = products
	t.page = min(t.page, t.pages()-1)
	t.Refresh()
}

const tileGap = 8

// shape is how many tiles fit and how large each is.
func (t *tiles) shape() (across, down int, size fyne.Size) {
	gap := t.l.px(tileGap)
	s := t.Size()
	across = max(2, int((s.Width+gap)/(t.l.px(136)+gap)))
	down = max(1, int((s.Height+gap)/(t.l.px(84)+gap)))
	return across, down, fyne.NewSize((s.Width+gap)/float32(across)-gap, (s.Height+gap)/float32(down)-gap)
}

func (t *tiles) pages() int {
	across, down, _ := t.shape()
	return max(1, (len(t.products)+across*down-1)/(across*down))
}

// at is the product under a point.
func (t *tiles) at(p fyne.Position) int {
	across, down, size := t.shape()
	gap := t.l.px(tileGap)
	x, y := int(p.X/(size.Width+gap)), int(p.Y/(size.Height+gap))
	if x < 0 || y < 0 || x >= across || y >= down {
		return -1
	}
	if i := (t.page*down+y)*across + x; i < len(t.products) {
		return i
	}
	return -1
}

// Tapped implements fyne.Tappable.
func (t *tiles) Tapped(e *fyne.PointEvent) {
	if i := t.at(e.Position); i >= 0 {
		t.onTap(t.products[i])
	}
}

// MouseIn, MouseMoved and MouseOut follow the pointer.
func (t *tiles) MouseIn(e *desktop.MouseEvent)    { t.hover(t.at(e.Position)) }
func (t *tiles) MouseMoved(e *desktop.MouseEvent) { t.hover(t.at(e.Position)) }
func (t *tiles) MouseOut()                        { t.hover(-1) }

func (t *tiles) hover(i int) {
	if t.under != i {
		t.under = i
		t.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (t *tiles) CreateRenderer() fyne.WidgetRenderer {
	r := &tilesRenderer{t: t}
	r.Refresh()
	return r
}

type tile struct {
	back        *canvas.Rectangle
	name, price *text
}

type tilesRenderer struct {
	t     *tiles
	tiles []*tile
}

func (r *tilesRenderer) MinSize() fyne.Size { return fyne.NewSize(r.t.l.px(200), r.t.l.px(84)) }
func (r *tilesRenderer) Destroy()           {}
func (r *tilesRenderer) Objects() []fyne.CanvasObject {
	var objects []fyne.CanvasObject
	for _, x := range r.tiles {
		objects = append(objects, x.back, x.name, x.price)
	}
	return objects
}

func (r *tilesRenderer) Layout(fyne.Size) {
	t, l := r.t, r.t.l
	across, down, size := t.shape()
	for len(r.tiles) < across*down {
		r.tiles = append(r.tiles, &tile{
			canvas.NewRectangle(color.Transparent), newText(l, 15, ink, wrap).upTo(2).atTop(), newText(l, 16, ink, shrink).strong(),
		})
	}
	gap, margin, priceHeight := l.px(tileGap), l.px(10), l.px(26)
	for i, x := range r.tiles {
		n := t.page*across*down + i
		there := i < across*down && n < len(t.products)
		x.back.Hidden = !there
		setVisible(x.name, there)
		setVisible(x.price, there)
		if !there {
			continue
		}
		at := fyne.NewPos(float32(i%across)*(size.Width+gap), float32(i/across)*(size.Height+gap))
		x.back.Move(at)
		x.back.Resize(size)
		x.back.CornerRadius, x.back.StrokeWidth = l.px(8), l.px(1)
		x.back.FillColor, x.back.StrokeColor = l.paint(sunk), l.paint(hairline)
		if n == t.under {
			x.back.FillColor, x.back.StrokeColor = l.paint(accentSoft), l.paint(accent)
		}
		x.name.Move(at.AddXY(margin, l.px(6)))
		x.name.Resize(fyne.NewSize(size.Width-2*margin, size.Height-priceHeight-l.px(10)))
		x.price.Move(at.AddXY(margin, size.Height-priceHeight-l.px(4)))
		x.price.Resize(fyne.NewSize(size.Width-2*margin, priceHeight))
		x.name.say(t.products[n].Nombre)
		x.price.say(price(t.products[n]))
	}
}

// price of a product; what is sold by weight says so.
func price(p sale.Product) string {
	if p.PrecioLibre {
		return "Precio libre"
	}
	if p.Unidad == "" {
		return "$" + p.Prc.String()
	}
	return "$" + p.Prc.String() + " / " + p.Unidad
}

func (r *tilesRenderer) Refresh() {
	r.Layout(r.t.Size())
	for _, x := range r.tiles {
		x.back.Refresh()
		x.name.Refresh()
		x.price.Refresh()
	}
}
