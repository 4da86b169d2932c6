package printer

import (
	"bytes"
	"errors"
	"image/png"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/sale"
)

func papers() map[string]Paper { return map[string]Paper{"80": Paper80, "58": Paper58} }

// The bytes of each kind of ticket, as the emulator's drawing of the paper.
func TestTicketGoldens(t *testing.T) {
	all := jobs()
	maps.Copy(all, backOfficeJobs())
	for name, j := range all {
		for mm, paper := range papers() {
			t.Run(name+"-"+mm, func(t *testing.T) {
				out, err := emulate(ESCPOS(mustTicket(t, j, paper), Model{Paper: paper}), paper.Columns())
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "ticket-"+name+"-"+mm+".txt", out.drawing.String())
			})
		}
	}
}

func TestTestPageGoldens(t *testing.T) {
	for mm, paper := range papers() {
		out, err := emulate(ESCPOS(TestPage(paper), Model{Paper: paper}), paper.Columns())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "prueba-"+mm+".txt", out.drawing.String())
	}
}

// What a phone sees on the paper is the document's timbre, byte for byte: from the painted paper, from the emulated
// print, and from the print of a printer that only takes pictures.
func TestTimbreOnPaper(t *testing.T) {
	needs(t, "ZXingReader")
	for mm, paper := range papers() {
		t.Run(mm, func(t *testing.T) {
			j := boleta()
			l := mustTicket(t, j, paper)
			file := filepath.Join(t.TempDir(), "ticket.png")
			writePNG(t, file, Paint(l))
			if got := zxingFile(t, file); !bytes.Equal(got, j.Document.TED) {
				t.Errorf("from the painted paper: %q", got)
			}
			for _, raster := range []bool{false, true} {
				out, err := emulate(ESCPOS(l, Model{Paper: paper, Raster: raster}), paper.Columns())
				if err != nil {
					t.Fatal(err)
				}
				if len(out.pictures) != 1 {
					t.Fatalf("%d pictures", len(out.pictures))
				}
				if got := zxing(t, out.pictures[0]); !bytes.Equal(got, j.Document.TED) {
					t.Errorf("raster %v: %q", raster, got)
				}
			}
		})
	}
}

// The same without foreign programs: the dots of the print, sampled, are the symbol.
func TestTimbreDots(t *testing.T) {
	j := boleta()
	for mm, paper := range papers() {
		img, err := timbrePicture(j.Document.TED, paper)
		if err != nil {
			t.Fatal(err)
		}
		size := img.Bounds().Size()
		if size.X != int(paper) {
			t.Errorf("%s mm: the picture is %d dots wide", mm, size.X)
		}
		sideways := paper == Paper58
		black := func(x, y int) bool {
			if sideways {
				x, y = size.X-1-y, x // turned back: columns run down the paper
			}
			return img.ColorIndexAt(x, y) == 1
		}
		along, across := size.X, size.Y
		if sideways {
			along, across = size.Y, size.X
		}
		left, top := along, across
		right, bottom := 0, 0
		for y := range across {
			for x := range along {
				if black(x, y) {
					left, top, right, bottom = min(left, x), min(top, y), max(right, x+1), max(bottom, y+1)
				}
			}
		}
		// The last module of a symbol is black, so its box is exact.
		var rows [][]bool
		for y := top; y < bottom; y += 6 {
			var row []bool
			for x := left; x < right; x += 2 {
				row = append(row, black(x, y+3))
			}
			rows = append(rows, row)
		}
		got, err := readSymbol(rows, wordsByPattern())
		if err != nil || !bytes.Equal(got, j.Document.TED) {
			t.Errorf("%s mm: %q, %v", mm, got, err)
		}
		// 2 × 4.5 cm at least (FAQ 001.380.6277), 0.125 mm per dot.
		if w, h := (right-left)*125, (bottom-top)*125; w < 45000 || h < 20000 {
			t.Errorf("%s mm: the timbre measures %d × %d µm", mm, w, h)
		}
	}
}

func TestTimbreThatCannotBeDrawn(t *testing.T) {
	for _, ted := range [][]byte{nil, make([]byte, 5000)} {
		j := boleta()
		j.Document.TED = ted
		l, err := Ticket(j, Paper80)
		if err != nil {
			t.Fatalf("it stopped a boleta: %v", err)
		}
		out, err := emulate(ESCPOS(l, Model{Paper: Paper80}), 48)
		if err != nil || len(out.pictures) != 0 || !strings.Contains(out.drawing.String(), "Timbre no impreso") {
			t.Errorf("%v\n%s", err, out.drawing.String())
		}
		f := factura()
		f.Document.TED = ted
		if _, err := Ticket(f, Paper80); err == nil {
			t.Error("a factura was printed without timbre")
		}
	}
}

func TestOnlyWhatWasCommittedIsPrinted(t *testing.T) {
	j := boleta()
	j.Record.Key.Folio++
	if _, err := Ticket(j, Paper80); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("another folio: %v", err)
	}
	j.Document = nil
	if _, err := Ticket(j, Paper80); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("no document: %v", err)
	}
	if _, err := LetterPDF(j); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("no document, letter: %v", err)
	}
}

// Boletas may be verified at a site of the shop's own, all else at the SII's.
func TestWhereToVerify(t *testing.T) {
	for want, j := range map[string]Job{"Verifique documento: tienda.example": boleta(), "Verifique documento: www.sii.cl": factura()} {
		j.Shop.Verificacion = "tienda.example"
		out, err := emulate(ESCPOS(mustTicket(t, j, Paper80), Model{Paper: Paper80}), 48)
		if err != nil || !strings.Contains(out.drawing.String(), want) {
			t.Errorf("«%s» is missing (%v)", want, err)
		}
	}
}

func TestUnknownPaper(t *testing.T) {
	for _, paper := range []Paper{-1, 0, 1, 80} {
		if _, err := Ticket(boleta(), paper); err == nil {
			t.Errorf("a roll of %d dots was accepted", paper)
		}
		if l := TestPage(paper); l.Paper != Paper80 {
			t.Errorf("the test page of %d dots is for %d", paper, l.Paper)
		}
	}
}

func TestDrawerPulse(t *testing.T) {
	out, err := emulate(OpenDrawer(), 48)
	if err != nil || out.pulses != 1 || out.cuts != 0 {
		t.Errorf("%d pulses, %d cuts, %v", out.pulses, out.cuts, err)
	}
}

func TestUnknownTypesAreRefused(t *testing.T) {
	j := boleta()
	j.Document.Tipo, j.Record.Key.Tipo = 43, 43
	if _, err := Ticket(j, Paper80); err == nil {
		t.Error("a type that nobody can lay out was printed")
	}
}

// No text, however hostile, commands the printer, leaves the paper, or prevents a ticket.
func TestAnyTextIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string {
			return rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("\x1b\x1d@Vñ€“ \n\t🙂aW")), 0, 90, -1)).Draw(t, label)
		}
		j := factura()
		j.Document.TED = []byte("x") // a small timbre is drawn fast
		d := *j.Document
		d.Detalle = []dte.Linea{{Nombre: text("nombre"), Descripcion: text("descripción"), Unidad: text("unidad"), Qty: 1, Prc: 1}}
		d.Emisor.RznSoc, d.Emisor.Giro, d.Emisor.Direccion = text("razón"), text("giro"), text("dirección")
		d.Receptor.RznSoc = text("receptor")
		d.Referencia = []dte.Referencia{{TpoDocRef: text("tipo"), FolioRef: text("folio"), RazonRef: text("motivo")}}
		j.Document = &d
		j.Shop.UnidadSII, j.Shop.Verificacion, j.Record.Caja = text("unidad SII"), text("sitio"), text("caja")
		j.Record.Payment.Tenders = []sale.Tender{{Method: sale.Method(text("medio")), Amount: 1, Reference: text("operación")}}
		for _, paper := range papers() {
			l, err := Ticket(j, paper)
			if err != nil {
				t.Fatal(err)
			}
			out, err := emulate(ESCPOS(l, Model{Paper: paper}), paper.Columns())
			if err != nil {
				t.Fatal(err)
			}
			if s := out.drawing.String(); strings.Contains(s, "NO CABE") || out.pulses != 0 || out.cuts != 1 {
				t.Fatal(s)
			}
		}
	})
}

// Every character that a document may carry (Latin-1) is on paper as it is.
func TestEveryLatin1CharacterPrints(t *testing.T) {
	var all []rune
	for r := rune(0xa1); r <= 0xff; r++ {
		if r != 0xad { // the soft hyphen is no character of its own
			all = append(all, r)
		}
	}
	j := boleta()
	j.Document.Emisor.Giro = string(all)
	out, err := emulate(ESCPOS(mustTicket(t, j, Paper80), Model{Paper: Paper80}), 48)
	if err != nil {
		t.Fatal(err)
	}
	s := strings.NewReplacer("│\n", "", "    │", "").Replace(out.drawing.String())
	for _, r := range all {
		if !strings.ContainsRune(s, r) {
			t.Errorf("%c is not on the paper", r)
		}
	}
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := rapid.IntRange(1, 20).Draw(t, "width")
		lines := wrap(s, n)
		for _, l := range lines {
			if width(l) > n || l == "" {
				t.Fatalf("%q: line %q", s, l)
			}
		}
		want, got := strings.Join(strings.Fields(s), ""), strings.ReplaceAll(strings.Join(lines, ""), " ", "")
		if got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func TestWritePNG(t *testing.T) {
	var b bytes.Buffer
	l := mustTicket(t, boleta(), Paper58)
	if err := WritePNG(&b, l); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil || img.Bounds() != Paint(l).Bounds() {
		t.Errorf("%v, %v", img, err)
	}
}

func BenchmarkTicket(b *testing.B) {
	j := boleta()
	for b.Loop() {
		l, err := Ticket(j, Paper80)
		if err != nil {
			b.Fatal(err)
		}
		ESCPOS(l, Model{Paper: Paper80})
	}
}

func BenchmarkPaint(b *testing.B) {
	l := mustTicket(b, boleta(), Paper80)
	for b.Loop() {
		Paint(l)
	}
}
