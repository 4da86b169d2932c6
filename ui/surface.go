package ui

import (
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// surface is a rectangle with round corners and an edge. A large one is put together of a plain rectangle between two round
// ones: Fyne works out for every point of a round rectangle how far it is from the edge, and where a processor draws what a
// graphics card should, that was half of the time of a frame.
type surface struct {
	whole               *canvas.Rectangle // a small one, all of it
	top, bottom         *canvas.Rectangle // the round ends; the body hides their inner halves
	body                *canvas.Rectangle
	left, right         *canvas.Rectangle // edges of the body
	radius, strokeWidth float32
	solid               bool // translucent parts would be seen where they overlap
}

func newSurface() *surface {
	s := &surface{}
	for _, r := range []**canvas.Rectangle{&s.whole, &s.top, &s.bottom, &s.body, &s.left, &s.right} {
		*r = canvas.NewRectangle(color.Transparent)
	}
	return s
}

// objects are in the order in which they are drawn.
func (s *surface) objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{s.whole, s.top, s.bottom, s.body, s.left, s.right}
}

func (s *surface) paint(fill, stroke color.Color, strokeWidth, radius float32) {
	for _, r := range []*canvas.Rectangle{s.whole, s.top, s.bottom} {
		r.FillColor, r.StrokeColor, r.StrokeWidth, r.CornerRadius = fill, stroke, strokeWidth, radius
	}
	s.body.FillColor, s.left.FillColor, s.right.FillColor = fill, stroke, stroke
	s.radius, s.strokeWidth, s.solid = radius, strokeWidth, opaque(fill) && (strokeWidth == 0 || opaque(stroke))
	s.resize(s.whole.Size())
	for _, o := range s.objects() {
		if o.Visible() {
			o.Refresh()
		}
	}
}

func opaque(c color.Color) bool {
	_, _, _, a := c.RGBA()
	return a == math.MaxUint16
}

// timesTheCorners is how much higher than its round corners a surface must be to be worth its parts.
const timesTheCorners = 8

func (s *surface) resize(size fyne.Size) {
	end := float32(math.Ceil(float64(s.radius)))
	apart := s.solid && s.radius > 0 && size.Height >= timesTheCorners*end
	s.whole.Hidden = apart
	for _, r := range []*canvas.Rectangle{s.top, s.bottom, s.body, s.left, s.right} {
		r.Hidden = !apart
	}
	s.whole.Resize(size)
	if !apart {
		return
	}
	inner := size.Height - 2*end
	putAt(s.top, 0, 0, size.Width, 2*end)
	putAt(s.bottom, 0, size.Height-2*end, size.Width, 2*end)
	putAt(s.body, 0, end, size.Width, inner)
	putAt(s.left, 0, end, s.strokeWidth, inner)
	putAt(s.right, size.Width-s.strokeWidth, end, s.strokeWidth, inner)
	s.left.Hidden, s.right.Hidden = s.strokeWidth == 0, s.strokeWidth == 0
}

func putAt(o fyne.CanvasObject, x, y, width, height float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(width, height))
}
