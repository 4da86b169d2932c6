package printer

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"io"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The look of the painted paper, in dots.
const (
	lineHigh  = 30 // a line of normal text with the space under it, as ESC 2 leaves it
	baseline  = 18
	fontPixel = 20 // makes Go Mono advance 12 dots
	frameDots = 5  // 0.6 mm: the law asks 0.5 to 1
	inkLevel  = 110
)

// Paint draws a ticket as the head would print it: one pixel per dot, black on white. For the screen, for PNG files, for
// printers that only take pictures, and for tests.
func Paint(l Layout) *image.Paletted {
	p := &painter{paper: l.Paper, regular: mono(gomono.TTF), bold: mono(gomonobold.TTF)}
	p.page = image.NewPaletted(image.Rect(0, 0, int(l.Paper), heightOf(l)), blackAndWhite())
	for _, item := range l.Items {
		p.item(item)
	}
	return p.page
}

// WritePNG paints a ticket into a PNG of one bit per dot.
func WritePNG(w io.Writer, l Layout) error { return png.Encode(w, Paint(l)) }

// mono makes a typeface; it is nil only for a broken font, which an embedded one is not.
func mono(ttf []byte) font.Face {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: fontPixel, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil
	}
	return face
}

func heightOf(l Layout) int {
	h := 0
	for _, item := range l.Items {
		h += itemHigh(item)
	}
	return h
}

func itemHigh(item Item) int {
	switch it := item.(type) {
	case Text:
		return max(lineHigh, cellHigh*it.Size.high())
	case Box:
		return 2*cellHigh + 2*cellHigh*len(it.Lines)
	case Picture:
		return it.Image.Bounds().Dy()
	default:
		return lineHigh
	}
}

type painter struct {
	paper         Paper
	page          *image.Paletted
	regular, bold font.Face
	y             int
}

func (p *painter) item(item Item) {
	switch it := item.(type) {
	case Text:
		p.text(it, p.y)
	case Rule:
		ink(p.page, image.Rect(0, p.y+lineHigh/2-1, int(p.paper), p.y+lineHigh/2+1))
	case Box:
		p.box(it)
	case Picture:
		paste(p.page, it.Image, image.Pt(0, p.y))
	}
	p.y += itemHigh(item)
}

// text draws a line at normal size and blows it up dot by dot, as the printers do.
func (p *painter) text(t Text, top int) {
	face := p.regular
	if t.Bold {
		face = p.bold
	}
	runes := []rune(t.Text)
	if len(runes) == 0 || face == nil {
		return
	}
	line := image.NewGray(image.Rect(0, 0, len(runes)*columnDots, cellHigh))
	d := font.Drawer{Dst: line, Src: image.White, Face: face}
	for i, r := range runes {
		d.Dot = fixed.P(i*columnDots, baseline)
		d.DrawString(string(r))
	}
	wide, high := t.Size.wide(), t.Size.high()
	left := p.left(t.Align, len(runes)*columnDots*wide)
	for y := range cellHigh * high {
		for x := range line.Rect.Dx() * wide {
			if line.GrayAt(x/wide, y/high).Y >= inkLevel && left+x < int(p.paper) {
				p.page.SetColorIndex(left+x, top+y, black)
			}
		}
	}
}

func (p *painter) left(a Align, w int) int {
	switch a {
	case Center:
		return (int(p.paper) - w) / 2
	case Right:
		return int(p.paper) - w
	}
	return 0
}

func (p *painter) box(b Box) {
	w, h := (b.Inner+1)*columnDots, itemHigh(b)-cellHigh
	outer := image.Rect(0, 0, w, h).Add(image.Pt((int(p.paper)-w)/2, p.y+cellHigh/2))
	ink(p.page, outer)
	draw.Draw(p.page, outer.Inset(frameDots), image.White, image.Point{}, draw.Src)
	for i, l := range b.Lines {
		p.text(Text{Text: l, Align: Center, Bold: true, Size: Tall}, p.y+cellHigh+2*cellHigh*i)
	}
}

// paste copies a picture, which must fit, with its upper left corner at a point.
func paste(dst, src *image.Paletted, at image.Point) {
	size := src.Bounds().Size()
	for y := range size.Y {
		from := dst.PixOffset(at.X, at.Y+y)
		copy(dst.Pix[from:from+size.X], src.Pix[y*src.Stride:])
	}
}

// pngOf is a picture as a one-bit PNG.
func pngOf(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}
