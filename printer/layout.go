package printer

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// Paper is the printable width of a roll in dots of a 203 dpi head.
type Paper int

// The two rolls of the trade.
const (
	Paper80 Paper = 576 // 72 mm of 80
	Paper58 Paper = 384 // 48 mm of 58
)

const columnDots = 12 // font A of every ESC/POS printer is 12×24 dots

// Columns is how many characters of normal size fit in a line.
func (p Paper) Columns() int { return int(p) / columnDots }

func (p Paper) known() bool { return p == Paper80 || p == Paper58 }

// Job is a committed document to be put on paper.
type Job struct {
	// Document is read from the stored bytes; Record is the sale that they belong to. A document that no till sold has a
	// Record with its Key alone.
	Document *dte.Document
	Record   sale.Record
	Shop     sale.Shop
	// Copy is 0 for the original and n for the n-th reprint, which says so.
	Copy int
	// Cedible asks for the copy that can be ceded, with the acknowledgement of receipt; without effect on documents that
	// have none (see Cedible).
	Cedible bool
}

// ErrNotCommitted: the document and the sale's record are not of each other.
var ErrNotCommitted = errors.New("el documento no corresponde a la venta guardada")

func (j Job) check() error {
	if j.Document == nil {
		return fmt.Errorf("%w: no hay documento", ErrNotCommitted)
	}
	if !slices.Contains(dte.Tipos(), j.Document.Tipo) {
		return fmt.Errorf("un %s no se imprime aquí", j.Document.Tipo)
	}
	if j.Document.Key() != j.Record.Key {
		return fmt.Errorf("%w: %s y %s", ErrNotCommitted, j.Document.Key(), j.Record.Key)
	}
	return nil
}

func (j Job) training() bool { return j.Record.Training || j.Shop.Training() }

// Cedible reports whether a document has a copy that can be ceded: facturas, facturas de compra, and guías that are a
// sale (law 19.983; SII, "Manual de muestras impresas").
func Cedible(d *dte.Document) bool {
	switch d.Tipo {
	case dte.Factura, dte.FacturaExenta, dte.FacturaCompra:
		return true
	case dte.GuiaDespacho:
		return d.IndTraslado == 1
	}
	return false
}

func (j Job) cedible() bool { return j.Cedible && Cedible(j.Document) }

// at is when it was sold, or signed, where no till sold it.
func (j Job) at() time.Time {
	if j.Record.At.IsZero() {
		return j.Document.TmstFirma.In(dte.Santiago)
	}
	return j.Record.At.In(dte.Santiago)
}

// Layout is a ticket before it becomes bytes of a printer, a picture or a page. It ends with a cut.
type Layout struct {
	Paper Paper
	Items []Item
}

// Item is a Text, a Rule, a Box or a Picture.
type Item interface{ item() }

// Align places a text.
type Align int

// The three places.
const (
	Left Align = iota
	Center
	Right
)

// Size is how large a text is.
type Size int

// The sizes that every printer has.
const (
	Normal Size = iota
	Tall        // twice as high
	Double      // twice as high and as wide
)

func (s Size) wide() int {
	if s == Double {
		return 2
	}
	return 1
}

func (s Size) high() int {
	if s == Normal {
		return 1
	}
	return 2
}

// Text is one line; it never is longer than the paper is wide. The empty line feeds the paper.
type Text struct {
	Text  string
	Align Align
	Bold  bool
	Size  Size
}

// Rule is a line across the paper.
type Rule struct{}

// Box is a frame in the middle of the paper around centred bold lines of size Tall.
type Box struct {
	Lines []string
	Inner int // columns between the sides
}

// Picture is drawn dot by dot. It is as wide as the paper.
type Picture struct{ Image *image.Paletted }

func (Text) item()    {}
func (Rule) item()    {}
func (Box) item()     {}
func (Picture) item() {}

// Ticket lays a document out for a roll. It fails with ErrNotCommitted, or when the timbre of a document that must have
// one cannot be drawn; a boleta is valid without (FAQ 001.380.7871) and is printed with a line in its place.
func Ticket(job Job, paper Paper) (Layout, error) {
	if err := job.check(); err != nil {
		return Layout{}, err
	}
	if !paper.known() {
		return Layout{}, fmt.Errorf("no hay rollos de %d puntos de ancho: elija 58 u 80 mm", paper)
	}
	t := &ticket{Job: job, paper: paper, columns: paper.Columns()}
	t.banner()
	t.head()
	t.parties()
	t.sections()
	t.detail()
	t.totals()
	t.payment()
	t.acuse()
	if err := t.timbre(); err != nil {
		return Layout{}, err
	}
	t.foot()
	return Layout{Paper: paper, Items: t.items}, nil
}

// TestPage is what the settings print to try a printer: the signs that go wrong on a badly set one, and the width. An
// unknown paper is taken for 80 mm.
func TestPage(paper Paper) Layout {
	if !paper.known() {
		paper = Paper80
	}
	t := &ticket{paper: paper, columns: paper.Columns()}
	t.box("PÁGINA DE PRUEBA")
	t.gap()
	t.text("ñ Ñ á é í ó ú Á É Í Ó Ú ü Ü ¿ ? ¡ ! $ % ° º ª €", Text{Align: Center})
	t.add(Rule{})
	t.pair("Izquierda", "Derecha", Text{})
	t.pair("TOTAL", "$ 12.345", Text{Bold: true, Size: Double})
	t.add(Text{Text: strings.Repeat("1234567890", t.columns/10+1)[:t.columns]})
	return Layout{Paper: paper, Items: t.items}
}

type ticket struct {
	Job
	paper   Paper
	columns int
	items   []Item
}

func (t *ticket) add(items ...Item) { t.items = append(t.items, items...) }

// text adds a text in as many lines as it needs.
func (t *ticket) text(s string, style Text) {
	for _, line := range wrap(legible(s), t.columns/style.Size.wide()) {
		style.Text = line
		t.add(style)
	}
}

func (t *ticket) gap() { t.add(Text{}) }

func (t *ticket) box(lines ...string) {
	inner := t.columns - 4
	var wrapped []string
	for _, l := range lines {
		wrapped = append(wrapped, wrap(l, inner-2)...)
	}
	t.add(Box{Lines: wrapped, Inner: inner})
}

// pair puts a label at the left and an amount at the right, the amount on a line of its own where they do not fit
// together. Without a label and an amount it is nothing.
func (t *ticket) pair(left, right string, style Text) { t.indentedPair("", left, right, style) }

func (t *ticket) indentedPair(margin, left, right string, style Text) {
	columns := t.columns / style.Size.wide()
	lines := wrap(left, columns-width(margin))
	for i := range lines {
		lines[i] = margin + lines[i]
	}
	if right != "" {
		n := len(lines)
		if n == 0 || width(lines[n-1])+1+width(right) > columns {
			lines = append(lines, "")
			n++
		}
		lines[n-1] += strings.Repeat(" ", max(0, columns-width(lines[n-1])-width(right))) + right
	}
	for _, l := range lines {
		style.Text = l
		t.add(style)
	}
}

// banner says loudly what this paper is not.
func (t *ticket) banner() {
	if t.training() {
		t.box(trainingTitle + " - " + trainingText)
		t.gap()
	}
	if t.Copy > 0 {
		t.text(fmt.Sprintf("COPIA %d", t.Copy), Text{Align: Center, Bold: true, Size: Double})
		t.gap()
	}
}

// head is the box of the document, the SII's office, and the issuer.
func (t *ticket) head() {
	d := t.Document
	t.box("R.U.T.: "+d.Emisor.RUT.Dotted(), documentName(d), folio(d))
	if office := legible(t.Shop.UnidadSII); office != "" && !d.Tipo.EsBoleta() {
		t.text("S.I.I. - "+strings.ToUpper(office), Text{Align: Center, Bold: true})
	}
	t.gap()
	t.text(d.Emisor.RznSoc, Text{Align: Center, Bold: true})
	for _, l := range emisorLines(d.Emisor) {
		t.text(l, Text{Align: Center})
	}
	t.add(Rule{})
}

// parties is when and where, the buyer, and what the document refers to.
func (t *ticket) parties() {
	d, r := t.Document, t.Record
	t.pair("Fecha: "+fecha(d.FchEmis), "Hora: "+t.at().Format("15:04"), Text{})
	if caja := legible(r.Caja); caja != "" {
		turno := ""
		if r.Shift > 0 {
			turno = fmt.Sprintf("Turno: %d", r.Shift)
		}
		t.pair("Caja: "+caja, turno, Text{})
	}
	if r.Who != "" {
		t.text("Atendido por: "+r.Who, Text{})
	}
	for _, f := range append(receptorFields(d), conditionFields(d)...) {
		t.text(f.label+": "+f.text, Text{})
	}
	for _, ref := range d.Referencia {
		if sentence := referenceSentence(ref); sentence != "" {
			t.text("Ref.: "+sentence, Text{})
		}
	}
	t.add(Rule{})
}

func (t *ticket) sections() {
	for _, s := range sections(t.Document) {
		t.text(s.title, Text{Bold: true})
		for _, f := range s.fields {
			t.text(f.label+": "+f.text, Text{})
		}
		t.add(Rule{})
	}
}

func (t *ticket) detail() {
	for i, l := range t.Document.Detalle {
		t.line(l, changes(t.Document, i), amount(t.Document, i))
	}
	t.add(Rule{})
}

// line is one article: in a boleta a single unit takes one line, anything else shows how the amount comes about.
func (t *ticket) line(l dte.Linea, altered []change, amount string) {
	mark := marks(t.Document, l)
	name := legible(l.Nombre)
	single := l.Qty == money.One || l.Qty == 0 || l.Prc == 0
	if single && t.Document.Tipo.EsBoleta() && mark == "" && len(altered) == 0 && l.Descripcion == "" && l.Unidad == "" {
		t.pair(name, amount, Text{})
		return
	}
	how := notEmpty([]string{join(" ", quantity(l), mark)})
	for _, c := range altered {
		how = append(how, join(" ", c.word, c.percent(), c.signed()))
	}
	last := len(how) - 1
	if last < 0 {
		t.pair(name, amount, Text{})
		t.indentedPair(indent, legible(l.Descripcion), "", Text{})
		return
	}
	t.text(name, Text{})
	t.indentedPair(indent, legible(l.Descripcion), "", Text{})
	for _, h := range how[:last] {
		t.indentedPair(indent, h, "", Text{})
	}
	t.indentedPair(indent, how[last], amount, Text{})
}

const indent = "  "

// quantity is "2 x 1.290", "0,455 kg x 8.990", or nothing when the document states neither.
func quantity(l dte.Linea) string {
	switch {
	case l.Qty == 0:
		return ""
	case l.Prc == 0:
		return join(" ", l.Qty.String(), l.Unidad)
	}
	return join(" ", l.Qty.String(), l.Unidad, "x", l.Prc.String())
}

func (t *ticket) totals() {
	d := t.Document
	for _, f := range append(globalFields(d), totalFields(d)...) {
		t.pair(f.label, f.text, Text{})
	}
	total := totalField(d)
	size := Double
	if width(total.label+" "+total.text) > t.columns/2 {
		size = Tall
	}
	t.pair(total.label, total.text, Text{Bold: true, Size: size})
	for _, f := range afterTotalFields(d) {
		t.pair(f.label, f.text, Text{})
	}
	t.text(ivaSentence(d), Text{})
}

func (t *ticket) payment() {
	fields := paymentFields(t.Record)
	if len(fields) == 0 {
		return
	}
	t.add(Rule{})
	for _, f := range fields {
		t.pair(f.label, f.text, Text{Bold: f.label == totalPaid(t.Record) || f.label == "Vuelto"})
	}
}

// acuse is what the buyer signs on the copy that can be ceded.
func (t *ticket) acuse() {
	if !t.cedible() {
		return
	}
	t.add(Rule{})
	t.text(acuseTitle, Text{Align: Center, Bold: true})
	for _, f := range acuseFields() {
		t.gap()
		t.add(Text{Text: f + ": " + strings.Repeat("_", t.columns-width(f)-2)})
	}
	t.gap()
	t.text(acuseText, Text{})
}

func (t *ticket) timbre() error {
	img, err := timbrePicture(t.Document.TED, t.paper)
	switch {
	case err == nil:
		t.add(Picture{img})
	case t.Document.Tipo.EsBoleta():
		t.gap()
		t.text(noTimbre, Text{Align: Center})
	default:
		return fmt.Errorf("no se puede dibujar el timbre de la %s: %w", t.Document.Tipo, err)
	}
	for i, l := range legend(t.Document, t.Shop) {
		t.text(l, Text{Align: Center, Bold: i == 0})
	}
	return nil
}

func (t *ticket) foot() {
	if t.cedible() {
		t.gap()
		t.text(cedibleWord(t.Document), Text{Align: Right, Bold: true, Size: Double})
	}
	if t.paper == Paper58 && !t.Document.Tipo.EsBoleta() {
		// Continuous paper for these must be 7.5 cm wide (SII, "Manual de muestras impresas").
		t.gap()
		t.text("Copia informativa en papel angosto: pida su documento en PDF.", Text{Align: Center})
	}
	if t.training() {
		t.gap()
		t.box(trainingTitle + " - " + trainingText)
	}
}

// The geometry of the timbre on a 203 dpi head (SII, "Instructivo técnico"): a module of 6.7 mils or more is two dots, a
// row is three modules high, and the quiet zone of a quarter inch is 51 dots.
const (
	moduleDots = 2
	rowDots    = 3 * moduleDots
	quietDots  = 51
)

// margin is the white paper beside the printable width, in dots; it is part of the quiet zone.
func (p Paper) margin() int {
	if p == Paper58 {
		return 40 // (58 − 48)/2 mm
	}
	return 32 // (80 − 72)/2 mm
}

// timbrePicture draws the timbre with its quiet zone, as wide as the paper. On 58 mm no upright symbol of 90 rows is
// narrow enough, so it lies on its side.
func timbrePicture(ted []byte, paper Paper) (*image.Paletted, error) {
	if len(ted) == 0 {
		return nil, errors.New("el documento no trae timbre")
	}
	usable := int(paper) - 2*(quietDots-paper.margin())
	var img *image.Paletted
	if paper == Paper58 {
		s, err := NarrowestPDF417(ted, TimbreLevel, usable/rowDots)
		if err != nil {
			return nil, err
		}
		img = s.Image(moduleDots, rowDots, true)
	} else {
		s, err := WidestPDF417(ted, TimbreLevel, usable/moduleDots)
		if err != nil {
			return nil, err
		}
		img = s.Image(moduleDots, rowDots, false)
	}
	size := img.Bounds().Size()
	page := image.NewPaletted(image.Rect(0, 0, int(paper), size.Y+2*quietDots), blackAndWhite())
	corner := image.Pt((int(paper)-size.X)/2, quietDots)
	paste(page, img, corner)
	return page, nil
}
