package printer

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jung-kurt/gofpdf"

	"mostrador/dte"
)

// The letter page, in millimetres.
const (
	pageWide   = 215.9
	pageHigh   = 279.4
	pageMargin = 14.0
	innerWide  = pageWide - 2*pageMargin
	pageBottom = pageHigh - 16 // the page's number stands under it

	boxWide = 79.0 // the law: 1.5 × 5.5 to 4 × 8 cm
	boxLine = 0.8  // 0.5 to 1 mm

	// The timbre of a factura: 2 × 5 to 4 × 9 cm, 2 cm or more from the left edge, drawn at 2 pixels per module:
	// finer pictures lose modules when a viewer shrinks them to the dots of a 203 dpi printer.
	timbreLeft    = 20.0
	timbreMaxWide = 90.0
	timbreMaxHigh = 40.0
	timbreModule  = 0.25
	timbreModules = 324 // 15 columns
	timbrePixels  = 2

	totalsWide = 74.0
	markY      = 132.0 // middle of the mark of the practice shop, above the timbre
	rowLine    = 4.2   // a line of text in the table and the totals
	acuseHigh  = 36.0
	cedeHigh   = 10.0
)

// LetterPDF lays a document out on letter pages. With job.Cedible a factura's copy that can be ceded follows the
// original. The same job makes the same bytes. Errors as for Ticket.
func LetterPDF(job Job) ([]byte, error) {
	if err := job.check(); err != nil {
		return nil, err
	}
	pdf := newPDF(job, gofpdf.InitType{UnitStr: "mm", SizeStr: "Letter"})
	l := &letter{Job: job, canvas: canvas{pdf}}
	if err := l.loadTimbre(); err != nil {
		return nil, err
	}
	l.copy(false)
	if job.cedible() {
		l.copy(true)
	}
	return l.bytes()
}

// timbre is a picture known to the PDF under its name, with its size in millimetres.
type timbre struct {
	name       string
	wide, high float64
}

// letter draws the pages of one job.
type letter struct {
	canvas
	Job
	timbre timbre
}

// loadTimbre draws the timbre once for all copies. A boleta goes on without (see Ticket).
func (l *letter) loadTimbre() error {
	ted := l.Document.TED
	s, err := WidestPDF417(ted, TimbreLevel, timbreModules)
	if err == nil && len(ted) > 0 {
		module := min(timbreModule, timbreMaxWide/float64(s.Width()), timbreMaxHigh/float64(3*len(s.Rows)))
		picture, err := pngOf(s.Image(timbrePixels, 3*timbrePixels, false))
		if err != nil {
			return err
		}
		l.timbre = timbre{"timbre", module * float64(s.Width()), module * 3 * float64(len(s.Rows))}
		l.pdf.RegisterImageOptionsReader("timbre", gofpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(picture))
		return nil
	}
	if l.Document.Tipo.EsBoleta() {
		return nil
	}
	return fmt.Errorf("no se puede dibujar el timbre de la %s: %w", l.Document.Tipo, err)
}

// copy draws one copy of the document: the rows are shared out over pages, the last of which keeps room for the foot.
func (l *letter) copy(cedible bool) {
	l.addPage()
	y := l.head()
	y = l.parties(y)
	pages := share(l.rows(), pageBottom-y-tableHead, pageBottom-pageMargin-continuedHead-tableHead, l.footHigh(cedible))
	for n, rows := range pages {
		if n > 0 {
			l.addPage()
			y = l.continued()
		}
		l.table(y, rows)
		if len(pages) > 1 {
			l.font("", 8)
			l.put(pageMargin, pageBottom+5, innerWide, 4, fmt.Sprintf("Página %d de %d", n+1, len(pages)), "C")
		}
	}
	l.foot(cedible)
}

func (l *letter) addPage() {
	l.pdf.AddPage()
	if l.training() {
		l.font("B", 14)
		l.put(0, 5, pageWide, 6, trainingTitle+" - "+trainingText, "C")
		l.put(0, pageHigh-8, pageWide, 6, trainingTitle+" - "+trainingText, "C")
		l.font("B", 40)
		l.pdf.SetTextColor(215, 215, 215)
		l.pdf.TransformBegin()
		l.pdf.TransformRotate(50, pageWide/2, markY)
		l.put(0, markY-10, pageWide, 20, trainingTitle+" - "+trainingText, "C")
		l.pdf.TransformEnd()
	}
	l.pdf.SetTextColor(0, 0, 0)
	l.pdf.SetDrawColor(0, 0, 0)
}

// head is the issuer at the left, and the box with the SII's office at the right.
func (l *letter) head() float64 {
	d := l.Document
	left := innerWide - boxWide - 8
	l.font("B", 14)
	y := l.block(pageMargin, pageMargin, left, 6, d.Emisor.RznSoc, "L") + 1
	l.font("", 9)
	for _, line := range emisorLines(d.Emisor) {
		y = l.block(pageMargin, y, left, 4.2, line, "L")
	}
	return max(y, l.box()) + 5
}

// box is red, as custom has it; the law allows black and red.
func (l *letter) box() float64 {
	d, x := l.Document, pageWide-pageMargin-boxWide
	l.pdf.SetTextColor(200, 16, 16)
	l.pdf.SetDrawColor(200, 16, 16)
	l.font("B", 13)
	y := pageMargin + 3.5
	y = l.block(x+2, y, boxWide-4, 7, "R.U.T.: "+d.Emisor.RUT.Dotted(), "C")
	l.font("B", 12)
	y = l.block(x+2, y, boxWide-4, 7, documentName(d), "C")
	l.font("B", 13)
	y = l.block(x+2, y, boxWide-4, 7, folio(d), "C") + 3
	l.pdf.SetLineWidth(boxLine)
	l.pdf.Rect(x, pageMargin, boxWide, y-pageMargin, "D")
	y += 1.5
	if office := l.Shop.UnidadSII; office != "" && !d.Tipo.EsBoleta() {
		l.font("B", 9)
		l.put(x, y, boxWide, 4.5, "S.I.I. - "+strings.ToUpper(office), "C")
		y += 4.5
	}
	l.pdf.SetTextColor(0, 0, 0)
	l.pdf.SetDrawColor(0, 0, 0)
	if l.Copy > 0 {
		l.font("B", 11)
		l.put(x, y, boxWide, 5.5, fmt.Sprintf("COPIA %d", l.Copy), "C")
		y += 5.5
	}
	return y
}

// parties is the buyer at the left and the conditions at the right, in one frame, and the references under it.
func (l *letter) parties(y float64) float64 {
	d := l.Document
	const right = 62.0
	conditions := append([]field{{"Fecha de emisión", fecha(d.FchEmis)}}, conditionFields(d)...)
	if l.Record.Caja != "" {
		conditions = append(conditions, field{"Caja", l.Record.Caja})
	}
	top := y
	var end float64
	if buyer := receptorFields(d.Receptor); len(buyer) == 0 {
		end = l.fields(pageMargin+3, y+2.5, innerWide-6, 30, conditions) + 2.5
	} else {
		end = max(l.fields(pageMargin+3, y+2.5, innerWide-right-8, 20, buyer),
			l.fields(pageWide-pageMargin-right, y+2.5, right-3, 30, conditions)) + 2.5
	}
	l.pdf.SetLineWidth(0.25)
	l.pdf.Rect(pageMargin, top, innerWide, end-top, "D")
	y = end + 3
	for _, ref := range d.Referencia {
		if sentence := referenceSentence(ref); sentence != "" {
			l.font("B", 9)
			l.put(pageMargin, y, 22, 4.4, "Referencia:", "L")
			l.font("", 9)
			y = l.block(pageMargin+22, y, innerWide-22, 4.4, sentence, "L")
		}
	}
	return y + 2
}

// fields writes labels in a column of their own.
func (l *letter) fields(x, y, w, labels float64, fields []field) float64 {
	for _, f := range fields {
		l.font("B", 9)
		l.put(x, y, labels, 4.6, f.label, "L")
		l.font("", 9)
		y = max(l.block(x+labels, y, w-labels, 4.6, f.text, "L"), y+4.6)
	}
	return y
}

// column is one of the table: title, width, alignment.
type column struct {
	title string
	wide  float64
	align string
}

const (
	tableHead     = 7.0
	continuedHead = 9.0
	rowGap        = 1.6
)

// columns are those of the table. Codes and changes have one only where a line has some; the description takes the rest.
func (l *letter) columns() [6]column {
	all := [6]column{
		{"Código", 26, "L"},
		{"Descripción", 0, "L"},
		{"Cantidad", 22, "R"},
		{"Precio", 24, "R"},
		{"Desc. / Recargo", 28, "R"},
		{"Total", 26, "R"},
	}
	withCode, withChange := false, false
	for i, line := range l.Document.Detalle {
		withCode = withCode || len(line.Codigos) > 0
		withChange = withChange || len(changes(l.Document, i)) > 0
	}
	if !withCode {
		all[0] = column{}
	}
	if !withChange {
		all[4] = column{}
	}
	rest := innerWide
	for _, c := range all {
		rest -= c.wide
	}
	all[1].wide = rest
	return all
}

// row is a line of detail: the lines of text of each cell.
type row [6][]string

func (r row) high() float64 {
	n := 1
	for _, cell := range r {
		n = max(n, len(cell))
	}
	return float64(n)*rowLine + rowGap
}

// rows are the lines of detail as the document states them, broken to the widths of their columns.
func (l *letter) rows() []row {
	d := l.Document
	var rows []row
	cols := l.columns()
	l.font("", 9)
	for i, line := range d.Detalle {
		mark := exemption(d, line)
		cells := [6][]string{
			codes(line.Codigos),
			notEmpty([]string{line.Nombre, line.Descripcion, labelIf("("+mark+")", mark)}),
			notEmpty([]string{amountOf(line.Qty != 0, join(" ", line.Qty.String(), line.Unidad))}),
			notEmpty([]string{amountOf(line.Prc != 0, line.Prc.String())}),
		}
		for _, c := range changes(d, i) {
			cells[4] = append(cells[4], join(" ", labelIf("("+c.percent()+")", c.percent()), c.signed()))
		}
		if i < len(d.Montos) {
			cells[5] = []string{d.Montos[i].String()}
		}
		var r row
		for n, c := range cols {
			for _, text := range cells[n] {
				r[n] = append(r[n], l.lines(text, c.wide-3)...)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func codes(all []dte.Codigo) []string {
	if len(all) == 0 {
		return nil
	}
	return []string{all[0].Valor}
}

func amountOf(stated bool, text string) string {
	if !stated {
		return ""
	}
	return text
}

// share puts rows on pages with so much room on the first and on the others, leaving room for the foot on the last. The
// foot never stands alone.
func share(rows []row, first, other, foot float64) [][]row {
	pages := [][]row{nil}
	room := first
	for _, r := range rows {
		last := len(pages) - 1
		if r.high() > room && len(pages[last]) > 0 {
			pages, room = append(pages, nil), other
			last++
		}
		pages[last] = append(pages[last], r)
		room -= r.high()
	}
	last := pages[len(pages)-1]
	if foot > room && len(last) > 1 {
		pages[len(pages)-1] = last[:len(last)-1]
		pages = append(pages, last[len(last)-1:])
	} else if foot > room {
		pages = append(pages, nil)
	}
	return pages
}

// continued is the head of every page but the first.
func (l *letter) continued() float64 {
	d := l.Document
	l.font("B", 10)
	l.put(pageMargin, pageMargin, innerWide/2, 5, documentName(d)+" "+folio(d), "L")
	l.font("", 9)
	l.put(pageWide/2, pageMargin, innerWide/2, 5, d.Emisor.RznSoc, "R")
	return pageMargin + continuedHead
}

func (l *letter) table(y float64, rows []row) {
	cols := l.columns()
	l.pdf.SetFillColor(232, 232, 232)
	l.pdf.Rect(pageMargin, y, innerWide, tableHead-1, "F")
	l.font("B", 9)
	x := pageMargin
	for _, c := range cols {
		l.put(x+1.5, y, c.wide-3, tableHead-1, c.title, c.align)
		x += c.wide
	}
	y += tableHead
	l.font("", 9)
	l.pdf.SetDrawColor(200, 200, 200)
	l.pdf.SetLineWidth(0.15)
	for _, r := range rows {
		x = pageMargin
		for n, c := range cols {
			for i, text := range r[n] {
				l.pdf.SetXY(x+1.5, y+float64(i)*rowLine)
				l.pdf.CellFormat(c.wide-3, rowLine, text, "", 0, c.align, false, 0, "")
			}
			x += c.wide
		}
		y += r.high()
		l.pdf.Line(pageMargin, y-rowGap/2, pageMargin+innerWide, y-rowGap/2)
	}
	l.pdf.SetDrawColor(0, 0, 0)
}

// closingRow is a row of the totals: the lines of its label, and its amount.
type closingRow struct {
	label  []string
	amount string
	total  bool // the total itself, in bold
}

func (r closingRow) high() float64 { return totalLine + float64(len(r.label)-1)*rowLine }

// closing are the totals and the payment.
func (l *letter) closing() []closingRow {
	d := l.Document
	var rows []closingRow
	add := func(total bool, fields ...field) {
		for _, f := range fields {
			l.font(fontStyle(total), 9.5)
			rows = append(rows, closingRow{l.lines(f.label, totalsWide-7-l.pdf.GetStringWidth(latin(f.text))), f.text, total})
		}
	}
	add(false, totalFields(d)...)
	add(true, field{"TOTAL", pesos(d.Totales.MntTotal)})
	add(false, afterTotalFields(d)...)
	add(false, paymentFields(l.Record)...)
	return rows
}

const (
	totalLine  = 5.4
	legendLine = 3.8
	footGap    = 6.0
)

func (l *letter) timbreHigh() float64 { return l.timbre.high + 3*legendLine + 2 }

// totalsHigh is the frame of the totals with the sentence under it.
func (l *letter) totalsHigh() float64 {
	h := 3.0
	for _, r := range l.closing() {
		h += r.high()
	}
	if ivaSentence(l.Document) != "" {
		h += 3 + legendLine
	}
	return h
}

// footHigh is the room for what stands at the bottom of the last page.
func (l *letter) footHigh(cedible bool) float64 {
	h := footGap + max(l.timbreHigh(), l.totalsHigh())
	if cedible {
		h += acuseHigh + cedeHigh
	}
	return h
}

// foot is anchored at the bottom: the timbre at the left, the totals at the right; on the copy to cede, the
// acknowledgement above them and the destination at the bottom right.
func (l *letter) foot(cedible bool) {
	y := pageBottom - l.footHigh(cedible) + footGap
	bottom := pageBottom
	if cedible {
		l.font("B", 13)
		l.put(pageWide-pageMargin-60, bottom-6, 60, 6, cedibleWord, "R")
		bottom -= cedeHigh
		l.acuse(y)
		y += acuseHigh
	}
	l.totals(y)
	l.drawTimbre(bottom - l.timbreHigh())
}

func (l *letter) totals(y float64) {
	x, top := pageWide-pageMargin-totalsWide, y
	y += 1.5
	for _, r := range l.closing() {
		if r.total {
			l.pdf.SetFillColor(232, 232, 232)
			l.pdf.Rect(x, y, totalsWide, r.high(), "F")
		}
		l.font(fontStyle(r.total), 9.5)
		for i, line := range r.label {
			l.pdf.SetXY(x+2, y+float64(i)*rowLine)
			l.pdf.CellFormat(totalsWide-4, totalLine, line, "", 0, "L", false, 0, "")
		}
		l.put(x+2, y+r.high()-totalLine, totalsWide-4, totalLine, r.amount, "R")
		y += r.high()
	}
	l.pdf.SetLineWidth(0.25)
	l.pdf.Rect(x, top, totalsWide, y+1.5-top, "D")
	l.font("", 9)
	l.block(x, y+3, totalsWide, legendLine, ivaSentence(l.Document), "R")
}

func (l *letter) drawTimbre(y float64) {
	wide := max(l.timbre.wide, 60)
	if l.timbre.name != "" {
		l.pdf.ImageOptions(l.timbre.name, timbreLeft, y, l.timbre.wide, l.timbre.high, false, gofpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	}
	y += l.timbre.high + 1.5
	for i, line := range legend(l.Document, l.Shop) {
		l.font(fontStyle(i == 0), 8)
		l.put(timbreLeft, y, wide, legendLine, line, "C")
		y += legendLine
	}
}

// acuse is the frame that the buyer fills in and signs.
func (l *letter) acuse(y float64) {
	l.pdf.SetLineWidth(0.25)
	l.pdf.Rect(pageMargin, y, innerWide, acuseHigh-5, "D")
	l.font("B", 9)
	l.put(pageMargin+3, y+1.5, innerWide-6, 4.5, acuseTitle, "L")
	l.font("", 9)
	widths := []float64{78, 44, 54, 110, 66}
	x, line := pageMargin+3, y+8
	for i, name := range acuseFields() {
		if i == 3 {
			x, line = pageMargin+3, line+7
		}
		l.put(x, line, 20, 4, name+":", "L")
		from := x + l.pdf.GetStringWidth(latin(name+":")) + 1
		l.pdf.Line(from, line+4, x+widths[i]-3, line+4)
		x += widths[i]
	}
	l.font("", 7)
	l.block(pageMargin+3, y+23.5, innerWide-6, 3.2, acuseText, "L")
}
