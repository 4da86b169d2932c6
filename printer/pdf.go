package printer

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"
	"golang.org/x/text/encoding/charmap"
)

// TicketPDF makes a PDF of a ticket: one page as wide as the roll and as long as the ticket. The same job and layout
// make the same bytes.
func TicketPDF(job Job, paper Paper) ([]byte, error) {
	layout, err := Ticket(job, paper)
	if err != nil {
		return nil, err
	}
	margin := float64(paper.margin()) * dot
	size := gofpdf.SizeType{Wd: float64(paper)*dot + 2*margin, Ht: float64(heightOf(layout))*dot + 2*margin}
	pdf := newPDF(job, gofpdf.InitType{UnitStr: "mm", Size: size})
	pdf.AddPage()
	r := &roll{canvas: canvas{pdf}, x: margin, y: margin, wide: float64(paper) * dot}
	for _, item := range layout.Items {
		if err := r.item(item); err != nil {
			return nil, err
		}
	}
	return r.bytes()
}

// A dot of the 203 dpi head, and the type size whose Courier advances 12 dots.
const (
	dot          = 0.125
	courierPoint = columnDots * dot / 0.6 * 72 / 25.4
)

// roll draws the items of a layout at the places where Paint has them.
type roll struct {
	canvas
	x, y, wide float64
	pictures   int
}

func (r *roll) item(item Item) error {
	high := float64(itemHigh(item)) * dot
	switch it := item.(type) {
	case Text:
		r.text(it, r.y)
	case Rule:
		r.pdf.SetLineWidth(2 * dot)
		r.pdf.Line(r.x, r.y+high/2, r.x+r.wide, r.y+high/2)
	case Box:
		r.box(it)
	case Picture:
		if err := r.picture(it, high); err != nil {
			return err
		}
	}
	r.y += high
	return nil
}

func (r *roll) text(t Text, y float64) {
	size, high := courierPoint, float64(cellHigh*t.Size.high())*dot
	if t.Size == Double {
		size *= 2
	}
	r.pdf.SetFont("Courier", fontStyle(t.Bold), size)
	if t.Size == Tall {
		r.pdf.TransformBegin()
		r.pdf.TransformScaleY(200, r.x, y)
		high /= 2
	}
	r.pdf.SetXY(r.x, y)
	r.pdf.CellFormat(r.wide, high, latinSpaced(t.Text), "", 0, [...]string{"L", "C", "R"}[t.Align], false, 0, "")
	if t.Size == Tall {
		r.pdf.TransformEnd()
	}
}

// latinSpaced is latin for a line whose spaces are its layout.
func latinSpaced(s string) string {
	var words []string
	for _, w := range strings.Split(s, " ") {
		words = append(words, latin(w))
	}
	return strings.Join(words, " ")
}

func (r *roll) box(b Box) {
	wide := float64((b.Inner+1)*columnDots) * dot
	high := float64(itemHigh(b)-cellHigh) * dot
	r.pdf.SetLineWidth(frameDots * dot)
	r.pdf.Rect(r.x+(r.wide-wide)/2, r.y+cellHigh/2*dot, wide, high, "D")
	for i, line := range b.Lines {
		r.text(Text{Text: line, Align: Center, Bold: true, Size: Tall}, r.y+float64(cellHigh+2*cellHigh*i)*dot)
	}
}

func (r *roll) picture(p Picture, high float64) error {
	picture, err := pngOf(p.Image)
	if err != nil {
		return err
	}
	r.pictures++
	name := fmt.Sprint("imagen", r.pictures)
	options := gofpdf.ImageOptions{ImageType: "PNG"}
	r.pdf.RegisterImageOptionsReader(name, options, bytes.NewReader(picture))
	r.pdf.ImageOptions(name, r.x, r.y, r.wide, high, false, options, 0, "")
	return nil
}

// newPDF makes an empty file whose bytes depend on the job only.
func newPDF(job Job, init gofpdf.InitType) *gofpdf.Fpdf {
	pdf := emptyPDF(init, job.at())
	pdf.SetTitle(job.Document.Tipo.String()+" "+folio(job.Document), true)
	pdf.SetAuthor(job.Document.Emisor.RznSoc, true)
	return pdf
}

// emptyPDF makes an empty file whose bytes depend on nothing but its arguments.
func emptyPDF(init gofpdf.InitType, at time.Time) *gofpdf.Fpdf {
	pdf := gofpdf.NewCustom(&init)
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(at.Truncate(time.Second))
	pdf.SetModificationDate(at.Truncate(time.Second))
	pdf.SetProducer("Mostrador", true)
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCellMargin(0)
	return pdf
}

// canvas draws text in the core fonts, which know Windows-1252.
type canvas struct{ pdf *gofpdf.Fpdf }

func latin(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range legible(s) {
		c, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			c = '?'
		}
		b = append(b, c)
	}
	return string(b)
}

func (c canvas) font(style string, points float64) { c.pdf.SetFont("Helvetica", style, points) }

// put writes one line in the font in force: the top left corner, the width, and L, C or R.
func (c canvas) put(x, y, w, h float64, s, align string) {
	c.pdf.SetXY(x, y)
	c.pdf.CellFormat(w, h, latin(s), "", 0, align, false, 0, "")
}

// lines breaks a text in the font in force.
func (c canvas) lines(s string, w float64) []string {
	if s = latin(s); s == "" {
		return nil
	}
	var lines []string
	for _, l := range c.pdf.SplitLines([]byte(s), w) {
		lines = append(lines, string(l))
	}
	return lines
}

// block writes a text in as many lines as it needs and returns the y below it.
func (c canvas) block(x, y, w, h float64, s, align string) float64 {
	for _, line := range c.lines(s, w) {
		c.pdf.SetXY(x, y)
		c.pdf.CellFormat(w, h, line, "", 0, align, false, 0, "")
		y += h
	}
	return y
}

func (c canvas) bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := c.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("no se pudo hacer el PDF: %w", err)
	}
	return b.Bytes(), nil
}

func fontStyle(bold bool) string {
	if bold {
		return "B"
	}
	return ""
}
