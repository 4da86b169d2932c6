package printer

import (
	"bytes"
	"fmt"
	"slices"
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
	footRoom   = 200.0 // of a page, with its head and a row
	cedeHigh   = 10.0
	copyPoints = 24 // what a copy is must be seen across the counter
	copyHigh   = 11.0
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
	// squeeze is how much smaller than usual the totals are: 1, unless there are so many that a page would not hold them.
	squeeze float64
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

// copy draws one copy of the document: what stands between the buyer and the totals is rows, which are shared out over
// pages, the last of which keeps room for the foot.
func (l *letter) copy(cedible bool) {
	l.addPage()
	l.squeeze = 1
	if excess := l.footHigh(cedible) - footRoom; excess > 0 {
		l.squeeze = max(0.4, 1-excess/l.closingHigh())
	}
	y := l.head()
	y = l.parties(y)
	rows := slices.Concat(l.sectionRows(), l.referenceRows(), l.detailRows())
	pages := share(rows, pageBottom-y-tableHead, pageBottom-pageMargin-continuedHead-tableHead, l.footHigh(cedible))
	for n, rows := range pages {
		if n > 0 {
			l.addPage()
			y = l.continued()
		}
		l.rows(y, rows)
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
		l.font("B", copyPoints)
		l.put(x, y, boxWide, copyHigh, fmt.Sprintf("COPIA %d", l.Copy), "C")
		y += copyHigh
	}
	return y
}

// parties is the buyer at the left and the conditions at the right, in one frame.
func (l *letter) parties(y float64) float64 {
	d := l.Document
	const right = 62.0
	conditions := append([]field{{"Fecha de emisión", fecha(d.FchEmis)}}, conditionFields(d)...)
	if l.Record.Caja != "" {
		conditions = append(conditions, field{"Caja", l.Record.Caja})
	}
	if l.Record.Who != "" {
		conditions = append(conditions, field{"Atendido por", l.Record.Who})
	}
	top := y
	var end float64
	if buyer := receptorFields(d); len(buyer) == 0 {
		end = l.fields(pageMargin+3, y+2.5, innerWide-6, 30, conditions) + 2.5
	} else {
		end = max(l.fields(pageMargin+3, y+2.5, innerWide-right-8, 25, buyer),
			l.fields(pageWide-pageMargin-right, y+2.5, right-3, 30, conditions)) + 2.5
	}
	l.pdf.SetLineWidth(0.25)
	l.pdf.Rect(pageMargin, top, innerWide, end-top, "D")
	return end + 4
}

// fields writes labels in a column of their own.
func (l *letter) fields(x, y, w, labels float64, fields []field) float64 {
	for _, f := range fields {
		l.font("B", 9)
		l.put(x, y, labels, fieldLine, f.label, "L")
		l.font("", 9)
		y = max(l.block(x+labels, y, w-labels, fieldLine, f.text, "L"), y+fieldLine)
	}
	return y
}

// fieldsHigh is what fields takes.
func (l *letter) fieldsHigh(w, labels float64, fields []field) float64 {
	l.font("", 9)
	n := 0
	for _, f := range fields {
		n += max(1, len(l.lines(f.text, w-labels)))
	}
	return float64(n) * fieldLine
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
	fieldLine     = 4.6
)

// row is what may not be cut by the end of a page: a line of the table, a reference, a section.
type row struct {
	high  float64
	table bool // stands under the head of the table
	draw  func(y float64)
}

// sectionRows are the sections, each in a frame with its fields in two columns.
func (l *letter) sectionRows() []row {
	const title, labels, wide = fieldLine + 2, 35.0, innerWide/2 - 5
	var rows []row
	for _, s := range sections(l.Document) {
		half := (len(s.fields) + 1) / 2
		left, right := s.fields[:half], s.fields[half:]
		high := title + max(l.fieldsHigh(wide, labels, left), l.fieldsHigh(wide, labels, right)) + 2
		rows = append(rows, row{high: high + 3, draw: func(y float64) {
			l.pdf.SetLineWidth(0.25)
			l.pdf.Rect(pageMargin, y, innerWide, high, "D")
			l.font("B", 9)
			l.put(pageMargin+3, y+1.5, innerWide-6, fieldLine, strings.ToUpper(s.title), "L")
			l.fields(pageMargin+3, y+title, wide, labels, left)
			l.fields(pageMargin+innerWide/2+3, y+title, wide, labels, right)
		}})
	}
	return rows
}

// referenceRows are the references in words. The last keeps its distance from the table.
func (l *letter) referenceRows() []row {
	const label, line = 22.0, 4.4
	var rows []row
	l.font("", 9)
	for _, ref := range l.Document.Referencia {
		if sentence := referenceSentence(ref); sentence != "" {
			n := len(l.lines(sentence, innerWide-label))
			rows = append(rows, row{high: float64(n) * line, draw: func(y float64) {
				l.font("B", 9)
				l.put(pageMargin, y, label, line, "Referencia:", "L")
				l.font("", 9)
				l.block(pageMargin+label, y, innerWide-label, line, sentence, "L")
			}})
		}
	}
	if n := len(rows); n > 0 {
		rows[n-1].high += 2
	}
	return rows
}

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

// detailRows are the lines of detail as the document states them, and the discounts and surcharges on the whole under
// them.
func (l *letter) detailRows() []row {
	d := l.Document
	cols := l.columns()
	var rows []row
	for i, line := range d.Detalle {
		mark := marks(d, line)
		cells := [6][]string{
			codes(line.Codigos),
			{line.Nombre, line.Descripcion, labelIf("("+mark+")", mark)},
			{amountOf(line.Qty != 0, join(" ", line.Qty.String(), line.Unidad))},
			{amountOf(line.Prc != 0, line.Prc.String())},
			nil,
			{amount(d, i)},
		}
		for _, c := range changes(d, i) {
			cells[4] = append(cells[4], join(" ", labelIf("("+c.percent()+")", c.percent()), c.signed()))
		}
		rows = append(rows, l.detailRow(cols, cells))
	}
	for _, f := range globalFields(d) {
		rows = append(rows, l.detailRow(cols, [6][]string{1: {f.label}, 5: {f.text}}))
	}
	return rows
}

// detailRow breaks the texts of each cell to the width of its column.
func (l *letter) detailRow(cols [6]column, cells [6][]string) row {
	var broken [6][]string
	longest := 1
	l.font("", 9)
	for n, c := range cols {
		for _, text := range cells[n] {
			broken[n] = append(broken[n], l.lines(text, c.wide-3)...)
		}
		longest = max(longest, len(broken[n]))
	}
	high := float64(longest)*rowLine + rowGap
	return row{high, true, func(y float64) {
		x := pageMargin
		l.font("", 9)
		for n, c := range cols {
			for i, text := range broken[n] {
				l.pdf.SetXY(x+1.5, y+float64(i)*rowLine)
				l.pdf.CellFormat(c.wide-3, rowLine, text, "", 0, c.align, false, 0, "")
			}
			x += c.wide
		}
		l.pdf.SetDrawColor(200, 200, 200)
		l.pdf.SetLineWidth(0.15)
		l.pdf.Line(pageMargin, y+high-rowGap/2, pageMargin+innerWide, y+high-rowGap/2)
		l.pdf.SetDrawColor(0, 0, 0)
	}}
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
		if r.high > room && len(pages[last]) > 0 {
			pages, room = append(pages, nil), other
			last++
		}
		pages[last] = append(pages[last], r)
		room -= r.high
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

// rows draws the rows of a page, with the head of the table over the first that stands under it.
func (l *letter) rows(y float64, rows []row) {
	headed := false
	for _, r := range rows {
		if r.table && !headed {
			y, headed = l.tableHead(y), true
		}
		r.draw(y)
		y += r.high
	}
}

func (l *letter) tableHead(y float64) float64 {
	l.pdf.SetFillColor(232, 232, 232)
	l.pdf.Rect(pageMargin, y, innerWide, tableHead-1, "F")
	l.font("B", 9)
	x := pageMargin
	for _, c := range l.columns() {
		l.put(x+1.5, y, c.wide-3, tableHead-1, c.title, c.align)
		x += c.wide
	}
	return y + tableHead
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
			l.font(fontStyle(total), closingPoints)
			rows = append(rows, closingRow{l.lines(f.label, totalsWide-7-l.pdf.GetStringWidth(latin(f.text))), f.text, total})
		}
	}
	add(false, totalFields(d)...)
	add(true, totalField(d))
	add(false, afterTotalFields(d)...)
	add(false, paymentFields(l.Record)...)
	return rows
}

const (
	closingPoints = 9.5
	totalLine     = 5.4
	legendLine    = 3.8
	footGap       = 6.0
)

func (l *letter) timbreHigh() float64 { return l.timbre.high + 3*legendLine + 2 }

// totalsHigh is the frame of the totals with the sentence under it.
func (l *letter) totalsHigh() float64 {
	h := 3 + l.closingHigh()*l.squeeze
	if ivaSentence(l.Document) != "" {
		h += 3 + legendLine
	}
	return h
}

// closingHigh is the height of the totals' rows at their usual size.
func (l *letter) closingHigh() float64 {
	h := 0.0
	for _, r := range l.closing() {
		h += r.high()
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
		l.put(pageWide-pageMargin-90, bottom-6, 90, 6, cedibleWord(l.Document), "R")
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
	line, pitch := totalLine*l.squeeze, rowLine*l.squeeze
	for _, r := range l.closing() {
		high := r.high() * l.squeeze
		if r.total {
			l.pdf.SetFillColor(232, 232, 232)
			l.pdf.Rect(x, y, totalsWide, high, "F")
		}
		l.font(fontStyle(r.total), closingPoints*l.squeeze)
		for i, text := range r.label {
			l.pdf.SetXY(x+2, y+float64(i)*pitch)
			l.pdf.CellFormat(totalsWide-4, line, text, "", 0, "L", false, 0, "")
		}
		l.put(x+2, y+high-line, totalsWide-4, line, r.amount, "R")
		y += high
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
