package ui

import "fyne.io/fyne/v2"

// flex sets objects one after another along an axis. Each keeps its smallest size, or the fixed one, and the rest of the
// room goes to the growing ones in equal parts. Hidden objects take no room.
type flex struct {
	down  bool
	gap   float32
	cells []cellSize
}

type cellSize struct {
	fixed float32 // 0: the object's smallest size
	grow  float32 // share of the spare room
}

// item is an object with its place in a flex.
type item struct {
	object fyne.CanvasObject
	size   cellSize
}

func as(o fyne.CanvasObject) item                    { return item{o, cellSize{}} }
func grow(o fyne.CanvasObject) item                  { return item{o, cellSize{grow: 1}} }
func share(n float32, o fyne.CanvasObject) item      { return item{o, cellSize{grow: n}} }
func fixed(size float32, o fyne.CanvasObject) item   { return item{o, cellSize{fixed: size}} }
func row(gap float32, items ...item) *fyne.Container { return newFlex(false, gap, items) }
func col(gap float32, items ...item) *fyne.Container { return newFlex(true, gap, items) }

func newFlex(down bool, gap float32, items []item) *fyne.Container {
	f := &flex{down: down, gap: gap}
	c := &fyne.Container{Layout: f}
	for _, it := range items {
		c.Objects = append(c.Objects, it.object)
		f.cells = append(f.cells, it.size)
	}
	return c
}

func (f *flex) along(s fyne.Size) float32 {
	if f.down {
		return s.Height
	}
	return s.Width
}

func (f *flex) length(i int, o fyne.CanvasObject) float32 {
	if n := f.cells[i].fixed; n > 0 {
		return n
	}
	if f.cells[i].grow > 0 {
		return 0
	}
	return f.along(o.MinSize())
}

// Layout implements fyne.Layout.
func (f *flex) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	spare, shares := f.along(size)+f.gap, float32(0)
	for i, o := range objects {
		if o.Visible() {
			spare -= f.length(i, o) + f.gap
			shares += f.cells[i].grow
		}
	}
	at := float32(0)
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		n := f.length(i, o)
		if f.cells[i].grow > 0 {
			n = max(0, spare) * f.cells[i].grow / shares
		}
		if f.down {
			o.Move(fyne.NewPos(0, at))
			o.Resize(fyne.NewSize(size.Width, n))
		} else {
			o.Move(fyne.NewPos(at, 0))
			o.Resize(fyne.NewSize(n, size.Height))
		}
		at += n + f.gap
	}
}

// MinSize implements fyne.Layout.
func (f *flex) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var length, breadth float32
	seen := 0
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		seen++
		m := o.MinSize()
		length += max(f.length(i, o), f.cells[i].fixed)
		if f.down {
			breadth = max(breadth, m.Width)
		} else {
			breadth = max(breadth, m.Height)
		}
	}
	length += f.gap * float32(max(0, seen-1))
	if f.down {
		return fyne.NewSize(breadth, length)
	}
	return fyne.NewSize(length, breadth)
}

// inset keeps its objects, one over another, away from the edges.
type inset struct{ across, down float32 }

func pad(across, down float32, objects ...fyne.CanvasObject) *fyne.Container {
	return &fyne.Container{Layout: inset{across, down}, Objects: objects}
}

// Layout implements fyne.Layout.
func (p inset) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(p.across, p.down))
		o.Resize(size.Subtract(fyne.NewSize(2*p.across, 2*p.down)))
	}
}

// MinSize implements fyne.Layout.
func (p inset) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var m fyne.Size
	for _, o := range objects {
		if o.Visible() {
			m = m.Max(o.MinSize())
		}
	}
	return m.Add(fyne.NewSize(2*p.across, 2*p.down))
}

// centred puts its objects in the middle, at the given size or their smallest.
type centred struct{ size fyne.Size }

func centre(size fyne.Size, o fyne.CanvasObject) *fyne.Container {
	return &fyne.Container{Layout: centred{size}, Objects: []fyne.CanvasObject{o}}
}

// Layout implements fyne.Layout.
func (c centred) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		s := o.MinSize().Max(c.size).Min(size)
		o.Resize(s)
		o.Move(fyne.NewPos((size.Width-s.Width)/2, (size.Height-s.Height)/2))
	}
}

// MinSize implements fyne.Layout.
func (c centred) MinSize(objects []fyne.CanvasObject) fyne.Size {
	m := fyne.NewSize(0, 0)
	for _, o := range objects {
		m = m.Max(o.MinSize())
	}
	return m
}

// narrow keeps an object, in the middle, at most so wide, and as high as there is room.
func narrow(most float32, o fyne.CanvasObject) *fyne.Container {
	return &fyne.Container{Layout: narrowed{most}, Objects: []fyne.CanvasObject{o}}
}

type narrowed struct{ most float32 }

// Layout implements fyne.Layout.
func (n narrowed) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	width := min(size.Width, n.most)
	for _, o := range objects {
		o.Move(fyne.NewPos((size.Width-width)/2, 0))
		o.Resize(fyne.NewSize(width, size.Height))
	}
}

// MinSize implements fyne.Layout.
func (n narrowed) MinSize(objects []fyne.CanvasObject) fyne.Size { return centred{}.MinSize(objects) }

// stack lays its objects over one another.
func stack(objects ...fyne.CanvasObject) *fyne.Container { return pad(0, 0, objects...) }
