package printer

import (
	"errors"
	"fmt"
	"image"
	"image/color"
)

// TimbreLevel is the error correction level of the timbre (SII, "Instructivo técnico", timbre electrónico).
const TimbreLevel = 5

// ErrTooLarge: the data does not fit in the asked geometry of a PDF417 symbol.
var ErrTooLarge = errors.New("los datos no caben en el código PDF417")

// The limits of ISO/IEC 15438.
const (
	maxCodewords = 928
	minRows      = 3
	maxRows      = 90
	maxColumns   = 30

	codewordWidth = 17 // modules of a codeword
	startPattern  = 0b11111111010101000
	stopPattern   = 0b111111101000101001
	stopWidth     = 18

	latchBytes    = 901 // byte compaction, any number of bytes
	latchBytesBy6 = 924 // byte compaction, a multiple of six
	padCodeword   = 900

	modulus   = 929 // the error correction works in GF(929), whose generator is 3
	generator = 3
)

// Symbol is a PDF417 symbol as modules, without quiet zone.
type Symbol struct {
	Columns int // data columns, 1 to 30
	Level   int // error correction level, 0 to 8
	// Rows are the rows from top to bottom; each is as many modules as Width says, true is black. A row is to be drawn
	// three modules high or more.
	Rows [][]bool
}

// Width is the number of modules of a row.
func (s *Symbol) Width() int { return symbolWidth(s.Columns) }

// symbolWidth: start, left indicator, data, right indicator, stop.
func symbolWidth(columns int) int { return (columns+3)*codewordWidth + stopWidth }

// EncodePDF417 makes the PDF417 symbol (ISO/IEC 15438) of data in byte compaction, with error correction level 0 to 8
// and 1 to 30 data columns. It fails with ErrTooLarge when the symbol would need more than 90 rows or 928 codewords.
func EncodePDF417(data []byte, level, columns int) (*Symbol, error) {
	words, rows, err := symbolCodewords(data, level, columns)
	if err != nil {
		return nil, err
	}
	s := &Symbol{Columns: columns, Level: level, Rows: make([][]bool, rows)}
	for r := range rows {
		s.Rows[r] = s.row(r, rows, words[r*columns:(r+1)*columns])
	}
	return s, nil
}

// WidestPDF417 is the symbol with the most columns that is not wider than maxModules: the lowest one.
func WidestPDF417(data []byte, level, maxModules int) (*Symbol, error) {
	for columns := maxColumns; columns >= 1; columns-- {
		if symbolWidth(columns) > maxModules {
			continue
		}
		// With many columns the last row may pass the limit of codewords where fewer columns do not.
		if s, err := EncodePDF417(data, level, columns); err == nil || !errors.Is(err, ErrTooLarge) {
			return s, err
		}
	}
	return nil, fmt.Errorf("%w: %d bytes a lo ancho de %d módulos", ErrTooLarge, len(data), maxModules)
}

// NarrowestPDF417 is the symbol with the fewest columns that has not more than limit rows.
func NarrowestPDF417(data []byte, level, limit int) (*Symbol, error) {
	for columns := 1; columns <= maxColumns; columns++ {
		s, err := EncodePDF417(data, level, columns)
		switch {
		case errors.Is(err, ErrTooLarge):
			continue
		case err != nil:
			return nil, err
		case len(s.Rows) <= limit:
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: %d bytes en %d filas", ErrTooLarge, len(data), limit)
}

// symbolCodewords are the codewords of the data region, row after row, and the number of rows.
func symbolCodewords(data []byte, level, columns int) (words []int, rows int, err error) {
	if level < 0 || level > 8 || columns < 1 || columns > maxColumns {
		return nil, 0, fmt.Errorf("PDF417 de nivel %d con %d columnas no existe", level, columns)
	}
	if len(data) > maxCodewords*6/5 { // bounds the work on absurd input
		return nil, 0, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	correction := 2 << level
	compacted := byteCompaction(data)
	used := 1 + len(compacted) + correction
	rows = max(minRows, (used+columns-1)/columns)
	if rows > maxRows || rows*columns > maxCodewords {
		return nil, 0, fmt.Errorf("%w: %d bytes en %d columnas", ErrTooLarge, len(data), columns)
	}

	length := rows*columns - correction // the length descriptor counts itself and the padding
	words = make([]int, 0, rows*columns)
	words = append(words, length)
	words = append(words, compacted...)
	for len(words) < length {
		words = append(words, padCodeword)
	}
	return append(words, errorCorrection(words, correction)...), rows, nil
}

// byteCompaction writes six bytes, a number in base 256, as five codewords in base 900; what is left over, byte by byte.
func byteCompaction(data []byte) []int {
	latch := latchBytes
	if len(data)%6 == 0 {
		latch = latchBytesBy6
	}
	words := []int{latch}
	for len(data) >= 6 {
		var n uint64
		for _, b := range data[:6] {
			n = n<<8 | uint64(b)
		}
		var five [5]int
		for i := 4; i >= 0; i-- {
			five[i] = int(n % 900)
			n /= 900
		}
		words = append(words, five[:]...)
		data = data[6:]
	}
	for _, b := range data {
		words = append(words, int(b))
	}
	return words
}

// errorCorrection is the remainder of words·x^count divided by the Reed-Solomon generator, negated, highest power first.
func errorCorrection(words []int, count int) []int {
	g := generatorPolynomial(count)
	rest := make([]int, count)
	for _, w := range words {
		lead := (w + rest[0]) % modulus
		copy(rest, rest[1:])
		rest[count-1] = 0
		for i := range rest {
			rest[i] = (rest[i] + (modulus-lead)*g[i]) % modulus
		}
	}
	for i := range rest {
		rest[i] = (modulus - rest[i]) % modulus
	}
	return rest
}

// generatorPolynomial is (x−3)(x−3²)…(x−3^count) without its leading 1, highest power first.
func generatorPolynomial(count int) []int {
	g := make([]int, count+1)
	g[0] = 1
	root := 1
	for n := range count {
		root = root * generator % modulus
		for i := n + 1; i >= 1; i-- {
			g[i] = (g[i] + (modulus-root)*g[i-1]) % modulus
		}
	}
	return g[1:]
}

// row draws row r: start, left indicator, data, right indicator, stop. Every third row shares a set of patterns.
func (s *Symbol) row(r, rows int, words []int) []bool {
	cluster := r % 3
	left, right := s.indicators(r, rows)
	bits := make([]bool, 0, s.Width())
	bits = appendModules(bits, startPattern, codewordWidth)
	bits = appendModules(bits, codewordPattern(cluster, left), codewordWidth)
	for _, w := range words {
		bits = appendModules(bits, codewordPattern(cluster, w), codewordWidth)
	}
	bits = appendModules(bits, codewordPattern(cluster, right), codewordWidth)
	return appendModules(bits, stopPattern, stopWidth)
}

// indicators spread the numbers of rows and columns and the level over three rows, twice.
func (s *Symbol) indicators(r, rows int) (left, right int) {
	third := (rows - 1) / 3
	rest := s.Level*3 + (rows-1)%3
	last := s.Columns - 1
	base := 30 * (r / 3)
	switch r % 3 {
	case 0:
		return base + third, base + last
	case 1:
		return base + rest, base + third
	default:
		return base + last, base + rest
	}
}

func appendModules(bits []bool, pattern uint32, width int) []bool {
	for i := width - 1; i >= 0; i-- {
		bits = append(bits, pattern>>i&1 == 1)
	}
	return bits
}

// Image draws the symbol, black on white, without quiet zone: module dots per module across, row dots per row down.
// Rotated turns it by 90° clockwise, so that its rows run along the paper.
func (s *Symbol) Image(module, row int, rotated bool) *image.Paletted {
	w, h := s.Width()*module, len(s.Rows)*row
	bounds := image.Rect(0, 0, w, h)
	if rotated {
		bounds = image.Rect(0, 0, h, w)
	}
	img := image.NewPaletted(bounds, blackAndWhite())
	for r, modules := range s.Rows {
		for m, dark := range modules {
			switch {
			case !dark:
			case rotated:
				ink(img, image.Rect(h-(r+1)*row, m*module, h-r*row, (m+1)*module))
			default:
				ink(img, image.Rect(m*module, r*row, (m+1)*module, (r+1)*row))
			}
		}
	}
	return img
}

// ink blackens a rectangle inside the picture.
func ink(img *image.Paletted, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from := img.PixOffset(r.Min.X, y)
		for i := range r.Dx() {
			img.Pix[from+i] = black
		}
	}
}

// The indices of the two colours of paper.
const (
	white uint8 = 0
	black uint8 = 1
)

func blackAndWhite() color.Palette { return color.Palette{color.White, color.Black} }
