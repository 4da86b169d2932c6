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

// quickKeys are the products as tiles to touch: the favourites, and every category. Pages are turned with buttons: fingers
// cannot drag on a desktop.
type quickKeys struct {
	w      *Window
	object fyne.CanvasObject
	title  *button
	page   *text
	tiles  *tiles
	empty  fyne.CanvasObject
	at     part
}

// part is what the grid shows: the zero value is the favourites.
type part struct {
	isCategory bool
	name       string
}

func (p part) words() string {
	switch {
	case !p.isCategory:
		return "Favoritos"
	case p.name == "":
		return "Sin categoría"
	}
	return p.name
}

func newQuickKeys(w *Window) *quickKeys {
	l := w.l
	q := &quickKeys{w: w, page: newText(l, 15, muted, cut).to(fyne.TextAlignCenter)}
	q.title = newButton(l, plain, part{}.words(), "", q.choosePart).bigger(17, fyne.NewSize(120, 56))
	q.tiles = newTiles(l, q.tapped)
	q.empty = hint(l, theme.IconNameGrid, "Sin productos rápidos", "Los favoritos del catálogo aparecen aquí. Toque el título para ver las categorías.")
	head := row(l.px(8), as(arrow(w, theme.IconNameNavigateBack, func() { q.change(-1) })), grow(q.title),
		as(arrow(w, theme.IconNameNavigateNext, func() { q.change(1) })))
	turn := row(l.px(8), as(arrow(w, theme.IconNameNavigateBack, func() { q.leaf(-1) })), grow(q.page),
		as(arrow(w, theme.IconNameNavigateNext, func() { q.leaf(1) })))
	q.object = newPanel(l, card, pad(l.px(8), l.px(8), col(l.px(8),
		fixed(l.px(56), head), grow(stack(q.tiles, q.empty)), fixed(l.px(56), turn)))).edge(hairline, 1)
	return q
}

// tapped adds a product, or asks which one of a family.
func (q *quickKeys) tapped(p sale.Product) {
	variants := q.w.counter.Variants(p.Familia)
	if !q.at.isCategory || p.Familia == "" || len(variants) < 2 {
		q.add(p)
		q.w.settle(nil)
		return
	}
	var choices []choice
	for _, v := range variants {
		choices = append(choices, choice{words: v.Variante, amount: price(v), do: func() error {
			q.add(v)
			return nil
		}})
	}
	q.w.openDialog(newChooseDialog(q.w, p.Familia, "¿Cuál? Con las flechas y Enter, por su número, o tocándola.", choices))
}

func (q *quickKeys) add(p sale.Product) {
	line, err := q.w.counter.Add(p, money.One)
	q.w.tellScan(p.Codigo, line, err)
}

func arrow(w *Window, name fyne.ThemeIconName, do func()) *button {
	return newButton(w.l, plain, "", "", func() { do(); w.refocus() }).with(name).bigger(14, fyne.NewSize(64, 56))
}

// parts are the favourites and every category, in the shop's order.
func (q *quickKeys) parts() []part {
	parts := []part{{}}
	for _, c := range q.w.counter.Categories() {
		parts = append(parts, part{isCategory: true, name: c.Nombre})
	}
	return parts
}

func (q *quickKeys) render() {
	count, source := q.shown()
	q.title.set(q.at.words(), "", true)
	q.tiles.families = q.at.isCategory
	q.tiles.fill(count, source)
	q.page.say(fmt.Sprintf("%d de %d", q.tiles.page+1, q.tiles.pages()))
	setVisible(q.empty, count == 0)
}

// shown is how much there is of the part, and where it comes from. A category that is gone gives way to the favourites.
func (q *quickKeys) shown() (int, func(first, limit int) []sale.Product) {
	for _, c := range q.w.counter.Categories() {
		if q.at == (part{true, c.Nombre}) {
			return c.Len, func(first, limit int) []sale.Product { return q.w.counter.InCategory(c.Nombre, first, limit) }
		}
	}
	q.at = part{}
	all := q.w.counter.Favourites()
	return len(all), func(first, limit int) []sale.Product {
		first = min(first, len(all))
		return all[first:min(first+limit, len(all))]
	}
}

func (q *quickKeys) change(step int) {
	parts := q.parts()
	q.open(parts[(slices.Index(parts, q.at)+step+len(parts))%len(parts)])
}

func (q *quickKeys) open(p part) {
	q.at, q.tiles.page = p, 0
	q.render()
}

// choosePart lists all parts, for shops with many.
func (q *quickKeys) choosePart() {
	var choices []choice
	for _, p := range q.parts() {
		choices = append(choices, choice{words: p.words(), do: func() error {
			q.open(p)
			return nil
		}})
	}
	q.w.openDialog(newChooseDialog(q.w, "Productos rápidos", "Elija qué se muestra a la derecha de la venta.", choices))
}

func (q *quickKeys) leaf(step int) {
	n := q.tiles.pages()
	q.tiles.page = (q.tiles.page + step + n) % n
	q.render()
}

// tiles shows as many products as there is room for, a page at a time.
type tiles struct {
	widget.BaseWidget
	l      *look
	count  int
	source func(first, limit int) []sale.Product
	shown  []sale.Product // the page
	page   int
	// families: an article stands for all of its family.
	families bool
	under    int // the tile under the pointer; -1 none
	onTap    func(sale.Product)
}

func newTiles(l *look, onTap func(sale.Product)) *tiles {
	t := &tiles{l: l, onTap: onTap, under: -1, source: func(int, int) []sale.Product { return nil }}
	t.ExtendBaseWidget(t)
	return t
}

func (t *tiles) fill(count int, source func(first, limit int) []sale.Product) {
	t.count, t.source = count, source
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
	return max(1, (t.count+across*down-1)/(across*down))
}

// at is the product under a point.
func (t *tiles) at(p fyne.Position) int {
	across, down, size := t.shape()
	gap := t.l.px(tileGap)
	x, y := int(p.X/(size.Width+gap)), int(p.Y/(size.Height+gap))
	if x < 0 || y < 0 || x >= across || y >= down {
		return -1
	}
	if i := y*across + x; i < len(t.shown) {
		return i
	}
	return -1
}

// Tapped implements fyne.Tappable.
func (t *tiles) Tapped(e *fyne.PointEvent) {
	if i := t.at(e.Position); i >= 0 {
		t.onTap(t.shown[i])
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
	t.page = min(t.page, t.pages()-1) // there may be more room than before
	t.shown = t.source(t.page*across*down, across*down)
	for len(r.tiles) < across*down {
		r.tiles = append(r.tiles, &tile{
			canvas.NewRectangle(color.Transparent), newText(l, 15, ink, wrap).upTo(2).atTop(), newText(l, 16, ink, shrink).strong(),
		})
	}
	gap, margin, priceHeight := l.px(tileGap), l.px(10), l.px(26)
	for i, x := range r.tiles {
		there := i < len(t.shown)
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
		if i == t.under {
			x.back.FillColor, x.back.StrokeColor = l.paint(accentSoft), l.paint(accent)
		}
		x.name.Move(at.AddXY(margin, l.px(6)))
		x.name.Resize(fyne.NewSize(size.Width-2*margin, size.Height-priceHeight-l.px(10)))
		x.price.Move(at.AddXY(margin, size.Height-priceHeight-l.px(4)))
		x.price.Resize(fyne.NewSize(size.Width-2*margin, priceHeight))
		words, below := t.words(t.shown[i])
		x.name.say(words)
		x.price.say(below)
	}
}

// words are what stands on a tile: in a category a family is one.
func (t *tiles) words(p sale.Product) (name, below string) {
	if t.families && p.Familia != "" {
		return p.Familia, "Elegir…"
	}
	return p.Nombre, price(p)
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
