package printer

import (
	"fmt"
	"time"

	"github.com/jung-kurt/gofpdf"

	"mostrador/dte"
)

// Report is a plain page for a person: a title, some paragraphs, a table and a foot. It is no fiscal document.
type Report struct {
	Title    string
	Author   string // the shop, under the title
	At       time.Time
	Lead     []string // paragraphs before the table
	Columns  []ReportColumn
	Rows     [][]string // a cell for each column; what is missing stays empty
	Foot     []string   // paragraphs after the table
	Training bool       // of the practice shop: every page says so
}

// ReportColumn is a column of a report.
type ReportColumn struct {
	Title string
	Share int // of the width, in proportion to the others; at least 1
	Right bool
}

// The report's page, in millimetres.
const (
	reportLine = 4.6
	cellMargin = 1.2
	mostLines  = 47 // of a cell: a page, less its margins and the head of the table
)

// ReportPDF lays a report out on as many letter pages as it needs; the head of the table is on each. The same report
// makes the same bytes.
func ReportPDF(r Report) ([]byte, error) {
	pdf := emptyPDF(gofpdf.InitType{UnitStr: "mm", SizeStr: "Letter"}, r.At.In(dte.Santiago))
	pdf.SetTitle(r.Title, true)
	pdf.SetAuthor(r.Author, true)
	p := &reportPage{canvas: canvas{pdf}, Report: r}
	p.addPage()
	p.heading()
	for _, s := range r.Lead {
		p.paragraph(s)
	}
	p.table()
	for _, s := range r.Foot {
		p.paragraph(s)
	}
	p.numbers()
	return p.bytes()
}

// reportPage draws a report from top to bottom.
type reportPage struct {
	canvas
	Report
	y float64
}

func (p *reportPage) addPage() {
	p.pdf.AddPage()
	p.y = pageMargin
	if p.Training {
		p.font("B", 11)
		p.put(pageMargin, 6, innerWide, 5, trainingTitle+" - "+trainingText, "C")
	}
}

// room makes sure that the next h millimetres are on this page.
func (p *reportPage) room(h float64) (fresh bool) {
	if p.y+h <= pageBottom {
		return false
	}
	p.addPage()
	return true
}

func (p *reportPage) heading() {
	p.font("B", 15)
	p.y = p.block(pageMargin, p.y, innerWide, 7, p.Title, "L")
	p.font("", 9)
	p.y = p.block(pageMargin, p.y, innerWide, reportLine, join(" · ", p.Author, "hecho el "+p.At.In(dte.Santiago).Format("02-01-2006 15:04")), "L") + 3
}

func (p *reportPage) paragraph(s string) {
	p.font("", 9)
	for _, line := range p.lines(s, innerWide) {
		if p.room(reportLine) {
			p.font("", 9)
		}
		p.pdf.SetXY(pageMargin, p.y)
		p.pdf.CellFormat(innerWide, reportLine, line, "", 0, "L", false, 0, "")
		p.y += reportLine
	}
	p.y += 2
}

func (p *reportPage) table() {
	if len(p.Columns) == 0 {
		return
	}
	p.room(3 * reportLine)
	p.tableHead()
	for _, row := range p.Rows {
		p.font("", 8.5)
		cells, high := p.cells(row)
		if p.room(high + cellMargin) {
			p.tableHead()
		}
		p.row(cells, "")
		p.y += high + cellMargin
		p.pdf.SetDrawColor(200, 200, 200)
		p.pdf.Line(pageMargin, p.y-cellMargin/2, pageMargin+innerWide, p.y-cellMargin/2)
		p.pdf.SetDrawColor(0, 0, 0)
	}
	p.y += 3
}

func (p *reportPage) tableHead() {
	titles := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		titles[i] = c.Title
	}
	p.font("B", 8.5)
	cells, high := p.cells(titles)
	p.row(cells, "B")
	p.y += high + cellMargin
	p.pdf.SetLineWidth(0.3)
	p.pdf.Line(pageMargin, p.y-cellMargin/2, pageMargin+innerWide, p.y-cellMargin/2)
	p.pdf.SetLineWidth(0.2)
}

// cells breaks the words of a row, in the font in force, and tells how high the row is. A row higher than a page is cut.
func (p *reportPage) cells(row []string) (cells [][]string, high float64) {
	longest := 1
	for i := range p.Columns {
		var lines []string
		if i < len(row) {
			lines = p.lines(row[i], p.wide(i)-2*cellMargin)
		}
		lines = lines[:min(len(lines), mostLines)]
		cells, longest = append(cells, lines), max(longest, len(lines))
	}
	return cells, float64(longest) * reportLine
}

func (p *reportPage) row(cells [][]string, style string) {
	p.font(style, 8.5)
	x := pageMargin
	for i, lines := range cells {
		align := "L"
		if p.Columns[i].Right {
			align = "R"
		}
		for n, line := range lines {
			p.pdf.SetXY(x+cellMargin, p.y+float64(n)*reportLine)
			p.pdf.CellFormat(p.wide(i)-2*cellMargin, reportLine, line, "", 0, align, false, 0, "")
		}
		x += p.wide(i)
	}
}

// wide is the width of a column.
func (p *reportPage) wide(i int) float64 {
	all := 0
	for _, c := range p.Columns {
		all += max(1, c.Share)
	}
	return innerWide * float64(max(1, p.Columns[i].Share)) / float64(all)
}

// numbers puts its number on each page.
func (p *reportPage) numbers() {
	pages := p.pdf.PageCount()
	for n := 1; n <= pages; n++ {
		p.pdf.SetPage(n)
		p.font("", 8)
		p.put(pageMargin, pageBottom+5, innerWide, 4, fmt.Sprintf("Página %d de %d", n, pages), "C")
	}
}
