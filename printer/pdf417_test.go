package printer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/bits"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table by itself: every pattern has four bars and four spaces of one to six modules, belongs to the cluster that
// its widths say (ISO/IEC 15438, 5.3.1), and is there once.
func TestPatternsAreWellFormed(t *testing.T) {
	seen := map[uint32]bool{}
	for cluster := range 3 {
		if len(patterns[cluster]) != 3*modulus {
			t.Fatalf("cluster %d has %d characters", cluster, len(patterns[cluster]))
		}
		for word := range modulus {
			p := codewordPattern(cluster, word)
			widths := runs(p)
			if len(widths) != 8 {
				t.Fatalf("%d/%d: %017b has %d elements", cluster, word, p, len(widths))
			}
			for _, w := range widths {
				if w > 6 {
					t.Errorf("%d/%d: %017b has an element of %d modules", cluster, word, p, w)
				}
			}
			if k := (widths[0] - widths[2] + widths[4] - widths[6] + 9) % 9; k != 3*cluster {
				t.Errorf("%d/%d: %017b is of cluster %d", cluster, word, p, k)
			}
			if seen[p] {
				t.Errorf("%d/%d: %017b is there twice", cluster, word, p)
			}
			seen[p] = true
		}
	}
}

func runs(p uint32) []int {
	var widths []int
	for left := codewordWidth; left > 0; {
		top := p << (32 - left)
		n := bits.LeadingZeros32(top)
		if top>>31 == 1 {
			n = bits.LeadingZeros32(^top)
		}
		n = min(n, left)
		widths = append(widths, n)
		left -= n
	}
	return widths
}

// Whatever fits is read back by a decoder that shares nothing with the encoder but the table; one byte more than fits is
// refused.
func TestPDF417RoundTrip(t *testing.T) {
	words := wordsByPattern()
	rng := rand.New(rand.NewPCG(5, 6))
	for level := range 9 {
		for columns := 1; columns <= 30; columns++ {
			most := capacity(level, columns)
			for _, n := range []int{0, rng.IntN(max(0, most) + 1), most} {
				data := randomBytes(max(0, n), rng.Uint64())
				s, err := EncodePDF417(data, level, columns)
				if most < 0 {
					if !errors.Is(err, ErrTooLarge) {
						t.Fatalf("level %d, %d columns: %v", level, columns, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("level %d, %d columns, %d of %d bytes: %v", level, columns, n, most, err)
				}
				got, err := readSymbol(s.Rows, words)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("level %d, %d columns: read %x, %v; want %x", level, columns, got, err, data)
				}
			}
			if _, err := EncodePDF417(make([]byte, max(0, most+1)), level, columns); !errors.Is(err, ErrTooLarge) {
				t.Errorf("level %d, %d columns: %d bytes: %v", level, columns, most+1, err)
			}
		}
	}
}

// capacity is the most bytes that fit, or -1 when the correction alone is too much: 90 rows and 928 codewords, less the
// correction, the length and the latch; six bytes take five codewords.
func capacity(level, columns int) int {
	room := min(90, 928/columns)*columns - 2<<level - 2
	if room < 0 {
		return -1
	}
	return room/5*6 + room%5
}

func randomBytes(n int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, seed))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rng.UintN(256))
	}
	return data
}

// The golden of a tiny symbol pins the picture itself, module by module.
func TestPDF417Picture(t *testing.T) {
	s, err := EncodePDF417([]byte("Ñandú"), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, row := range s.Rows {
		for _, m := range row {
			b.WriteByte(" #"[bool2int(m)])
		}
		b.WriteString("|\n")
	}
	golden(t, "pdf417.txt", b.String())
}

func TestPDF417Refusals(t *testing.T) {
	for _, c := range []struct {
		bytes, level, columns int
		tooLarge              bool
	}{
		{10, -1, 5, false},
		{10, 9, 5, false},
		{10, 5, 0, false},
		{10, 5, 31, false},
		{791, 5, 8, true},
		{1100, 5, 12, true},
		{1 << 20, 0, 30, true},
	} {
		_, err := EncodePDF417(make([]byte, c.bytes), c.level, c.columns)
		if err == nil || errors.Is(err, ErrTooLarge) != c.tooLarge {
			t.Errorf("%d bytes, level %d, %d columns: %v", c.bytes, c.level, c.columns, err)
		}
	}
	if _, err := WidestPDF417(make([]byte, 750), 5, 100); !errors.Is(err, ErrTooLarge) {
		t.Errorf("750 bytes in 100 modules: %v", err)
	}
	if _, err := NarrowestPDF417(make([]byte, 1100), 5, 60); !errors.Is(err, ErrTooLarge) {
		t.Errorf("1100 bytes: %v", err)
	}
	if _, err := WidestPDF417(nil, 12, 500); err == nil || errors.Is(err, ErrTooLarge) {
		t.Errorf("level 12: %v", err)
	}
}

// The geometry of FACTS for a TED of 791 bytes: 11 columns on 80 mm; sideways, at most 60 rows on 58 mm.
func TestPDF417ChoosesColumns(t *testing.T) {
	ted := make([]byte, 791)
	s, err := WidestPDF417(ted, TimbreLevel, 269)
	if err != nil || s.Columns != 11 || s.Width() != 256 || len(s.Rows) != 66 {
		t.Errorf("widest: %v, %v", s, err)
	}
	s, err = NarrowestPDF417(ted, TimbreLevel, 60)
	if err != nil || s.Columns != 13 || len(s.Rows) > 60 {
		t.Errorf("narrowest: %v, %v", s, err)
	}
}

// zint draws the same modules for bytes that only byte compaction can carry; together its symbols show every pattern of
// the table.
func TestPDF417EqualsZint(t *testing.T) {
	needs(t, "zint")
	rng := rand.New(rand.NewPCG(1, 2))
	shown := map[[2]int]bool{}
	for n := 0; n < 300 && len(shown) < 3*modulus; n++ {
		level, columns := 8, 20+n%11
		if n%10 == 0 {
			level, columns = TimbreLevel, 11+n%3
		}
		data := make([]byte, 1+rng.IntN(400))
		for i := range data {
			data[i] = byte(128 + rng.IntN(128))
		}
		if len(data) == 1 {
			data = append(data, 200) // for one byte zint shifts (913) instead of latching
		}
		s, err := EncodePDF417(data, level, columns)
		if err != nil {
			t.Fatal(err)
		}
		zint := zintModules(t, data, level, columns)
		if len(zint) != len(s.Rows) {
			t.Fatalf("%d bytes, level %d, %d columns: zint has %d rows, we have %d", len(data), level, columns, len(zint), len(s.Rows))
		}
		for r := range zint {
			if fmt.Sprint(zint[r]) != fmt.Sprint(s.Rows[r]) {
				t.Fatalf("%d bytes, level %d, %d columns: row %d differs from zint's", len(data), level, columns, r)
			}
		}
		words, _, err := symbolCodewords(data, level, columns)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range words {
			shown[[2]int{i / columns % 3, w}] = true
		}
	}
	if len(shown) != 3*modulus {
		t.Errorf("zint confirmed %d of %d patterns", len(shown), 3*modulus)
	}
}

func zintModules(t *testing.T, data []byte, level, columns int) [][]bool {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zint", "--barcode=PDF417", "--binary", fmt.Sprint("--secure=", level),
		fmt.Sprint("--cols=", columns), "-i", in, "--dump").Output()
	if err != nil {
		t.Fatalf("zint: %v", err)
	}
	var rows [][]bool
	for line := range strings.Lines(string(out)) {
		digits := strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		if len(digits)%2 == 1 {
			digits += "0"
		}
		packed, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("zint: %v", err)
		}
		row := make([]bool, symbolWidth(columns))
		for i := range row {
			row[i] = packed[i/8]>>(7-i%8)&1 == 1
		}
		rows = append(rows, row)
	}
	return rows
}

// A reader that people use reads what we draw, byte for byte: random binaries and every timbre of the samples.
func TestPDF417ReadByZXing(t *testing.T) {
	needs(t, "ZXingReader")
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range 90 {
		data := randomBytes(1+rng.IntN(900), rng.Uint64())
		s, err := WidestPDF417(data, n%6, 17*(4+n%27))
		if errors.Is(err, ErrTooLarge) {
			s, err = NarrowestPDF417(data, n%6, maxRows)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := zxing(t, s.Image(2, 6, false)); !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, level %d, %d columns: ZXing read %d bytes %x", len(data), s.Level, s.Columns, len(got), got)
		}
	}
}

func TestSampleTimbresReadByZXing(t *testing.T) {
	needs(t, "ZXingReader")
	for name, ted := range sampleTEDs(t) {
		upright, err := WidestPDF417(ted, TimbreLevel, 269)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sideways, err := NarrowestPDF417(ted, TimbreLevel, 60)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, img := range []*image.Paletted{upright.Image(2, 6, false), sideways.Image(2, 6, true)} {
			if got := zxing(t, img); !bytes.Equal(got, ted) {
				t.Errorf("%s: ZXing read %q, want %q", name, got, ted)
			}
		}
	}
}

var betweenTags = regexp.MustCompile(`>\s+<`)

// sampleTEDs are the flattened timbres of the shared samples, by file name.
func sampleTEDs(t testing.TB) map[string][]byte {
	files, _ := filepath.Glob("../../shared/sii/generado/dte/*.xml")
	if len(files) == 0 {
		t.Skip("the shared samples are not here")
	}
	teds := map[string][]byte{}
	for _, file := range files {
		xml, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		from, to := bytes.Index(xml, []byte("<TED")), bytes.Index(xml, []byte("</TED>"))
		if from < 0 || to < 0 {
			continue
		}
		teds[filepath.Base(file)] = betweenTags.ReplaceAll(xml[from:to+len("</TED>")], []byte("><"))
	}
	return teds
}

func BenchmarkPDF417(b *testing.B) {
	ted := bytes.Repeat([]byte("<TED>ñ"), 110)
	for b.Loop() {
		if _, err := EncodePDF417(ted, TimbreLevel, 11); err != nil {
			b.Fatal(err)
		}
	}
}

// needs skips the test when a program that it asks for an opinion is not installed.
func needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// zxing reads the PDF417 in a picture, with a white margin around it.
func zxing(t testing.TB, img *image.Paletted) []byte {
	t.Helper()
	const margin = 40
	size := img.Bounds().Size()
	page := image.NewPaletted(image.Rect(0, 0, size.X+2*margin, size.Y+2*margin), blackAndWhite())
	paste(page, img, image.Pt(margin, margin))
	file := filepath.Join(t.TempDir(), "symbol.png")
	writePNG(t, file, page)
	return zxingFile(t, file)
}

func zxingFile(t testing.TB, file string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("ZXingReader", "-format", "PDF417", "-bytes", file)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("ZXingReader found nothing: %v %s", err, stderr.Bytes())
	}
	return out
}

func writePNG(t testing.TB, file string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wordsByPattern is the table backwards: for each cluster, the codeword of a pattern.
func wordsByPattern() [3]map[uint32]int {
	var words [3]map[uint32]int
	for cluster := range 3 {
		words[cluster] = map[uint32]int{}
		for word := range modulus {
			words[cluster][codewordPattern(cluster, word)] = word
		}
	}
	return words
}

// readSymbol decodes an undamaged symbol: it takes the geometry from the indicators, checks the error correction by its
// syndromes, and expands byte compaction.
func readSymbol(rows [][]bool, words [3]map[uint32]int) ([]byte, error) {
	if len(rows) < 3 {
		return nil, fmt.Errorf("%d rows", len(rows))
	}
	var all []int
	var left, right []int
	for r, row := range rows {
		line, err := readRow(row, words[r%3])
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", r, err)
		}
		last := len(line) - 1
		if line[0]/30 != r/3 || line[last]/30 != r/3 {
			return nil, fmt.Errorf("row %d: indicators %d and %d", r, line[0], line[last])
		}
		left, right = append(left, line[0]%30), append(right, line[last]%30)
		all = append(all, line[1:last]...)
	}
	if left[0] != right[1] || left[1] != right[2] || left[2] != right[0] {
		return nil, fmt.Errorf("the indicators contradict each other: %v %v", left, right)
	}
	if n := left[0]*3 + left[1]%3 + 1; n != len(rows) {
		return nil, fmt.Errorf("the indicators say %d rows, there are %d", n, len(rows))
	}
	if n := left[2] + 1; n*len(rows) != len(all) {
		return nil, fmt.Errorf("the indicators say %d columns, there are %d codewords", n, len(all))
	}
	correction := 2 << (left[1] / 3)
	for i, root := 0, 1; i < correction; i++ {
		root = root * 3 % 929
		syndrome := 0
		for _, w := range all {
			syndrome = (syndrome*root + w) % 929
		}
		if syndrome != 0 {
			return nil, fmt.Errorf("syndrome %d is %d", i+1, syndrome)
		}
	}
	if all[0] != len(all)-correction {
		return nil, fmt.Errorf("length %d of %d codewords with %d of correction", all[0], len(all), correction)
	}
	return expandBytes(all[1:all[0]])
}

func readRow(row []bool, words map[uint32]int) ([]int, error) {
	if len(row)%17 != 1 || len(row) < 69 {
		return nil, fmt.Errorf("%d modules", len(row))
	}
	if take(row[:17]) != 0b11111111010101000 || take(row[len(row)-18:]) != 0b111111101000101001 {
		return nil, errors.New("no start or stop")
	}
	var line []int
	for row = row[17 : len(row)-18]; len(row) > 0; row = row[17:] {
		w, ok := words[take(row[:17])]
		if !ok {
			return nil, fmt.Errorf("unknown pattern %017b", take(row[:17]))
		}
		line = append(line, w)
	}
	return line, nil
}

func take(modules []bool) (p uint32) {
	for _, m := range modules {
		p = p<<1 | uint32(bool2int(m))
	}
	return p
}

func expandBytes(words []int) ([]byte, error) {
	latch := words[0]
	if latch != 901 && latch != 924 {
		return nil, fmt.Errorf("latch %d", latch)
	}
	words = words[1:]
	for len(words) > 0 && words[len(words)-1] == 900 {
		words = words[:len(words)-1]
	}
	var data []byte
	for len(words) >= 5 && (latch == 924 || len(words) > 5) {
		var n uint64
		for _, w := range words[:5] {
			n = n*900 + uint64(w)
		}
		data = append(data, byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		words = words[5:]
	}
	for _, w := range words {
		if w > 255 {
			return nil, fmt.Errorf("codeword %d is no byte", w)
		}
		data = append(data, byte(w))
	}
	return data, nil
}

func bool2int(b bool) int {
	if b {
		return 1
	}
	return 0
}
