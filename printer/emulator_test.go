package printer

import (
	"fmt"
	"image"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// printout is what a printer of the tests has put on paper: the text as a drawing with a margin of marks, and the
// rasters, put together again from their bands.
type printout struct {
	drawing  strings.Builder
	pictures []*image.Paletted
	pulses   int // of the drawer
	cuts     int
}

// emulator reads ESC/POS. It knows the commands of a usual 203 dpi printer and shares no code with the writer.
type emulator struct {
	printout
	in      []byte
	columns int
	kanji   bool
	page    byte
	bold    bool
	wide    bool
	high    bool
	align   byte
	tight   bool
	line    []byte
	raster  *image.Paletted // open: the last command was a band of it
}

// emulate prints bytes on a roll of so many columns. An unknown command or a cut-off one is an error.
func emulate(in []byte, columns int) (*printout, error) {
	e := &emulator{in: in, columns: columns, kanji: true}
	for len(e.in) > 0 {
		c := e.in[0]
		var err error
		if c != 0x1d || len(e.in) < 2 || e.in[1] != 'v' {
			e.closeRaster()
		}
		switch c {
		case 0x1b:
			err = e.escape()
		case 0x1c:
			err = e.args(2, func(a []byte) error {
				if a[1] != '.' {
					return fmt.Errorf("FS %c", a[1])
				}
				e.kanji = false
				return nil
			})
		case 0x1d:
			err = e.group()
		case '\n':
			e.in = e.in[1:]
			e.feed()
		default:
			if c < 0x20 {
				return nil, fmt.Errorf("control character %#x", c)
			}
			e.line = append(e.line, c)
			e.in = e.in[1:]
		}
		if err != nil {
			return nil, err
		}
	}
	if len(e.line) > 0 {
		return nil, fmt.Errorf("%q was never printed", e.line)
	}
	return &e.printout, nil
}

func (e *emulator) args(n int, do func([]byte) error) error {
	if len(e.in) < n {
		return fmt.Errorf("command %q is cut off", e.in)
	}
	a := e.in[:n]
	e.in = e.in[n:]
	return do(a)
}

func (e *emulator) escape() error {
	if len(e.in) < 2 {
		return fmt.Errorf("ESC is cut off")
	}
	lengths := map[byte]int{'@': 2, 't': 3, 'R': 3, 'a': 3, 'E': 3, 'p': 5, '2': 2, '3': 3}
	n, ok := lengths[e.in[1]]
	if !ok {
		return fmt.Errorf("unknown command ESC %q", e.in[1])
	}
	return e.args(n, func(a []byte) error {
		switch a[1] {
		case '@':
			e.kanji, e.page, e.bold, e.wide, e.high, e.align, e.tight = true, 0, false, false, false, 0, false
			e.note("inicio")
		case 't':
			e.page = a[2]
		case 'a':
			e.align = a[2]
		case 'E':
			e.bold = a[2]&1 == 1
		case 'p':
			e.pulses++
			e.note("cajón")
		case '2':
			e.tight = false
		case '3':
			e.tight = a[2] <= 24
		}
		return nil
	})
}

func (e *emulator) group() error {
	if len(e.in) < 2 {
		return fmt.Errorf("GS is cut off")
	}
	switch e.in[1] {
	case '!':
		return e.args(3, func(a []byte) error {
			if a[2]&^0x11 != 0 {
				return fmt.Errorf("size %#x", a[2])
			}
			e.wide, e.high = a[2]&0x10 != 0, a[2]&0x01 != 0
			return nil
		})
	case 'V':
		return e.args(4, func(a []byte) error {
			if a[2] != 66 {
				return fmt.Errorf("cut %d", a[2])
			}
			e.cuts++
			e.note("corte")
			return nil
		})
	case 'v':
		return e.band()
	}
	return fmt.Errorf("unknown command GS %q", e.in[1])
}

func (e *emulator) band() error {
	var w, h int
	err := e.args(8, func(a []byte) error {
		if a[2] != '0' || a[3] != 0 {
			return fmt.Errorf("raster mode %q", a[2:4])
		}
		w, h = (int(a[4])|int(a[5])<<8)*8, int(a[6])|int(a[7])<<8
		if h > 128 || w > e.columns*12 {
			return fmt.Errorf("a band of %d×%d dots", w, h)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.args(w/8*h, func(a []byte) error {
		top := 0
		if e.raster != nil {
			top = e.raster.Rect.Dy()
		}
		grown := image.NewPaletted(image.Rect(0, 0, w, top+h), blackAndWhite())
		if e.raster != nil {
			copy(grown.Pix, e.raster.Pix)
		}
		for y := range h {
			for x := range w {
				if a[y*w/8+x/8]>>(7-x%8)&1 == 1 {
					grown.SetColorIndex(x, top+y, 1)
				}
			}
		}
		e.raster = grown
		return nil
	})
}

func (e *emulator) closeRaster() {
	if e.raster == nil {
		return
	}
	e.pictures = append(e.pictures, e.raster)
	e.note(fmt.Sprintf("imagen de %d × %d puntos", e.raster.Rect.Dx(), e.raster.Rect.Dy()))
	e.raster = nil
}

func (e *emulator) note(s string) { fmt.Fprintf(&e.drawing, "     [%s]\n", s) }

// feed draws the line: marks for bold, height and tight spacing at the left, then the columns of the paper. A wide
// character takes two.
func (e *emulator) feed() {
	text := e.decode()
	room := e.columns - len([]rune(text))
	if room < 0 {
		text += " ← NO CABE"
		room = 0
	}
	switch e.align {
	case 1:
		text = strings.Repeat(" ", room/2) + text + strings.Repeat(" ", room-room/2)
	case 2:
		text = strings.Repeat(" ", room) + text
	default:
		text += strings.Repeat(" ", room)
	}
	fmt.Fprintf(&e.drawing, "%c%c%c │%s│\n", mark(e.bold, 'N'), mark(e.high, 'A'), mark(e.tight, 'J'), text)
	e.line = nil
}

// decode reads the bytes as the code page in force says; in the double-byte mode of Asian models they are garbage.
func (e *emulator) decode() string {
	var b strings.Builder
	for _, c := range e.line {
		r := rune(c)
		switch {
		case c >= 0x80 && (e.kanji || e.page != 19):
			r = '¤'
		case c >= 0x80:
			r = charmap.CodePage858.DecodeByte(c)
		}
		b.WriteRune(r)
		if e.wide {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func mark(on bool, r rune) rune {
	if on {
		return r
	}
	return ' '
}
