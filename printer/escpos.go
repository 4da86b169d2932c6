package printer

import (
	"bytes"
	"image"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Model is what must be known of a ticket printer.
type Model struct {
	Paper Paper `json:"paper"`
	// CodePage is the printer's number of CP858 (Western Europe with €) for ESC t; 0 means 19, Epson's.
	CodePage byte `json:"codePage,omitempty"`
	// Raster sends the whole ticket as a picture, for printers without ñ and accents. Slower, but the same on all.
	Raster bool `json:"raster,omitempty"`
}

const (
	esc = 0x1b
	fs  = 0x1c
	gs  = 0x1d

	defaultCodePage = 19
	bandRows        = 128 // small buffers choke on taller rasters
	cellHigh        = 24
)

// ESCPOS makes the bytes of a ticket, from the reset to the cut. The same layout makes the same bytes.
func ESCPOS(l Layout, m Model) []byte {
	w := &escpos{columns: l.Paper.Columns()}
	w.cmd(esc, '@')
	if m.Raster {
		w.raster(Paint(l))
	} else {
		w.start(m)
		for _, item := range l.Items {
			w.item(item)
		}
	}
	w.cmd(gs, 'V', 66, 0) // feed to the cutter and cut
	return w.b.Bytes()
}

// OpenDrawer makes the bytes that open the cash drawer: a pulse of 50 ms on the first line. They travel alone, so that
// the drawer waits neither for the paper nor for a printer without it, and a ticket that is tried again opens nothing.
func OpenDrawer() []byte { return []byte{esc, '@', esc, 'p', 0, 25, 250} }

// escpos writes commands, and a style only when it changes.
type escpos struct {
	b       bytes.Buffer
	columns int
	style   Text // as the printer has it; its Text is not used
}

func (w *escpos) cmd(command ...byte) { w.b.Write(command) }

// start leaves the double-byte mode in which Asian models wake up, before the code page is chosen, and takes the
// American variants of # and $.
func (w *escpos) start(m Model) {
	page := m.CodePage
	if page == 0 {
		page = defaultCodePage
	}
	w.cmd(fs, '.')
	w.cmd(esc, 'R', 0)
	w.cmd(esc, 't', page)
}

func (w *escpos) item(item Item) {
	switch it := item.(type) {
	case Text:
		w.set(it)
		w.line(it.Text)
	case Rule:
		w.set(Text{})
		w.line(strings.Repeat("─", w.columns))
	case Box:
		w.box(it)
	case Picture:
		w.set(Text{})
		w.raster(it.Image)
	}
}

func (w *escpos) set(style Text) {
	if style.Align != w.style.Align {
		w.cmd(esc, 'a', byte(style.Align))
	}
	if style.Bold != w.style.Bold {
		w.cmd(esc, 'E', byte(boolIndex(style.Bold)))
	}
	if style.Size != w.style.Size {
		w.cmd(gs, '!', byte(style.Size.wide()-1)<<4|byte(style.Size.high()-1))
	}
	w.style = style
}

func (w *escpos) line(s string) {
	for _, r := range s {
		c, ok := charmap.CodePage858.EncodeRune(r)
		if !ok {
			c = '?' // cannot happen to a legible text
		}
		w.b.WriteByte(c)
	}
	w.b.WriteByte('\n')
}

// box draws the frame with the code page's double lines, without space between the rows so that the sides close.
func (w *escpos) box(b Box) {
	edge := strings.Repeat("═", b.Inner)
	w.cmd(esc, '3', cellHigh)
	w.set(Text{Align: Center, Bold: true})
	w.line("╔" + edge + "╗")
	w.set(Text{Align: Center, Bold: true, Size: Tall})
	for _, l := range b.Lines {
		left := (b.Inner - width(l)) / 2
		w.line("║" + strings.Repeat(" ", left) + l + strings.Repeat(" ", b.Inner-width(l)-left) + "║")
	}
	w.set(Text{Align: Center, Bold: true})
	w.line("╚" + edge + "╝")
	w.cmd(esc, '2')
}

// raster sends a picture in bands.
func (w *escpos) raster(img *image.Paletted) {
	size := img.Bounds().Size()
	stride := (size.X + 7) / 8
	for top := 0; top < size.Y; top += bandRows {
		rows := min(bandRows, size.Y-top)
		w.cmd(gs, 'v', '0', 0, byte(stride), byte(stride>>8), byte(rows), byte(rows>>8))
		for y := top; y < top+rows; y++ {
			w.b.Write(packRow(img.Pix[y*img.Stride:y*img.Stride+size.X], stride))
		}
	}
}

// packRow packs eight dots in a byte, the leftmost in the highest bit.
func packRow(dots []uint8, stride int) []byte {
	row := make([]byte, stride)
	for x, dot := range dots {
		if dot == black {
			row[x/8] |= 0x80 >> (x % 8)
		}
	}
	return row
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}
