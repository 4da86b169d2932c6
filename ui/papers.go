package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/sale"
)

// This file holds the two dialogues within that of the customer: how the goods of a guía travel, and to what the document
// refers. Both come back to where they were opened.

// nested is a dialogue that Escape leaves for the one below it.
type nested interface{ leave() }

// tabbed is a dialogue in which Tab goes on whatever the arrows would mark.
type tabbed interface{ tab() }

// coded is a list of codes with names, as suggestions: "801 Orden de compra".
func coded[T any](list []T, name func(T) (code, name string)) func(string) []suggestion {
	var all []string
	for _, x := range list {
		code, words := name(x)
		all = append(all, code+" "+words)
	}
	names := sale.NewNames(all)
	return func(text string) []suggestion {
		if text == "" || slices.Contains(all, text) {
			return words(all)
		}
		return words(names.Find(text, mostSuggestions))
	}
}

// code is what a line with a coded name begins with.
func code(text string) string {
	code, _, _ := strings.Cut(text, " ")
	return code
}

func number(text string) int {
	n, err := strconv.Atoi(code(text))
	if err != nil {
		return 0
	}
	return n
}

const fieldDespacho sale.Field = "despacho"

// despachos are who carries the goods (Formato DTE, field TipoDespacho).
func despachos() []sale.Traslado {
	return []sale.Traslado{{Code: 1, Name: "El cliente retira"}, {Code: 2, Name: "Lo llevamos al cliente"}, {Code: 3, Name: "Lo llevamos a otro lugar"}}
}

// guiaDialog is how and why the goods travel.
type guiaDialog struct {
	d    *customerDialog
	ch   sale.Choice
	card fyne.CanvasObject
	*sheet
}

// openGuia asks for the rest of a guía, once its buyer is complete.
func (d *customerDialog) openGuia(ch sale.Choice) {
	if ch.Receptor != (dte.Receptor{}) { // without one it may go to the company itself
		if err := sale.CheckBuyer(ch.Receptor, dte.GuiaDespacho); err != nil {
			d.refuse(err)
			return
		}
	}
	d.w.openDialog(newGuiaDialog(d, ch))
}

func newGuiaDialog(d *customerDialog, ch sale.Choice) *guiaDialog {
	w, l := d.w, d.w.l
	g := &guiaDialog{d: d, ch: ch}
	traslado := coded(sale.Traslados(), func(t sale.Traslado) (string, string) { return strconv.Itoa(t.Code), t.Name })
	despacho := coded(despachos(), func(d sale.Traslado) (string, string) { return strconv.Itoa(d.Code), d.Name })
	t := ch.Guia.Transporte
	if ch.Guia.IndTraslado == 0 {
		t.Direccion, t.Comuna, t.Ciudad, t.FchSalida = ch.Receptor.Direccion, ch.Receptor.Comuna, ch.Receptor.Ciudad, dte.DateOf(w.now())
	}
	lines := []*sheetLine{
		newLine(w, sale.FieldTraslado, "Por qué se traslada", "", named(traslado, max(ch.Guia.IndTraslado, 1)), 40).finding("MOTIVOS", true, traslado),
		newLine(w, fieldDespacho, "Quién lo lleva", "", named(despacho, max(ch.Guia.TipoDespacho, 2)), 40).finding("DESPACHO", true, despacho),
		newLine(w, sale.FieldDestino, "Dirección de destino", "", t.Direccion, 70),
		newLine(w, sale.FieldComunaDestino, "Comuna de destino", "", t.Comuna, 20).finding("COMUNAS DE CHILE", true, w.comunasLike),
		newLine(w, sale.FieldPatente, "Patente", "ABCD12", t.Patente, 8),
		newLine(w, sale.FieldTransportista, "RUT del transportista", "", t.RUTTrans.Dotted(), 12),
		newLine(w, sale.FieldRUTChofer, "RUT del chofer", "", t.RUTChofer.Dotted(), 12),
		newLine(w, sale.FieldChofer, "Nombre del chofer", "", t.NombreChofer, 30),
		newLine(w, sale.FieldSalida, "Fecha de salida", "16-03-2026", shownDay(t.FchSalida), 10),
		newLine(w, sale.FieldHora, "Hora de salida", "15:30", strings.TrimSuffix(t.HraSalida, ":00"), 5),
	}
	g.sheet = newSheet(w, lines, func(sale.Field) {}, g.accept)
	pair := func(a, b sale.Field) item { return as(row(l.px(12), grow(g.box(a)), grow(g.box(b)))) }
	form := col(l.px(6), pair(sale.FieldTraslado, fieldDespacho), as(g.box(sale.FieldDestino)), as(g.box(sale.FieldComunaDestino)),
		pair(sale.FieldPatente, sale.FieldTransportista), pair(sale.FieldRUTChofer, sale.FieldChofer), pair(sale.FieldSalida, sale.FieldHora))
	g.card = dialogCard(l, 960, col(l.px(10),
		as(newText(l, 24, ink, cut).strong().say("Guía de despacho")),
		as(newText(l, 15, muted, wrap).upTo(2).say("La ley pide destino y, si se saben, vehículo, transportista, chofer y salida. La guía se emite sin pago.")),
		as(row(l.px(16), share(1.75, form), share(1, g.side()))), fixed(l.px(40), g.problem),
		fixed(l.px(60), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", g.leave).bigger(18, fyne.NewSize(120, 60))),
			grow(newButton(l, primary, "Aceptar", w.cap(formPlace, fyne.KeyF12), g.accept).bigger(18, fyne.NewSize(120, 60)))))))
	return g
}

func (g *guiaDialog) object() fyne.CanvasObject { return g.card }
func (g *guiaDialog) render()                   {}
func (g *guiaDialog) keys() []binding           { return []binding{{key: fyne.KeyF12, do: g.accept}} }
func (g *guiaDialog) place() place              { return formPlace }
func (g *guiaDialog) leave()                    { g.d.w.openDialog(g.d) }

// read is what the lines say.
func (g *guiaDialog) read() (guia sale.Guia, err error) {
	guia = sale.Guia{IndTraslado: number(g.said(sale.FieldTraslado)), TipoDespacho: number(g.said(fieldDespacho))}
	t := &guia.Transporte
	t.Direccion, t.Comuna, t.Patente, t.NombreChofer = g.said(sale.FieldDestino), g.said(sale.FieldComunaDestino), g.said(sale.FieldPatente), g.said(sale.FieldChofer)
	if official, ok := g.d.w.comunas.Official(t.Comuna); ok {
		t.Comuna = official
	}
	for _, rut := range []struct {
		name sale.Field
		to   *dte.RUT
	}{{sale.FieldTransportista, &t.RUTTrans}, {sale.FieldRUTChofer, &t.RUTChofer}} {
		if text := g.said(rut.name); text != "" {
			if *rut.to, err = dte.ParseRUT(text); err != nil {
				return guia, sale.FieldError{Field: rut.name, Reason: err.Error()}
			}
		}
	}
	if text := g.said(sale.FieldSalida); text != "" {
		if t.FchSalida, err = sale.ParseDay(text); err != nil {
			return guia, sale.FieldError{Field: sale.FieldSalida, Reason: err.Error()}
		}
	}
	if text := g.said(sale.FieldHora); text != "" {
		t.HraSalida = text + ":00"
	}
	return guia, nil
}

func (g *guiaDialog) accept() {
	guia, err := g.read()
	if err == nil {
		g.ch.Guia, g.d.guia = guia, guia
		err = g.d.w.counter.Choose(g.ch)
	}
	if err != nil {
		g.refuse(err)
		return
	}
	g.d.w.closeDialog()
}

// named is the name of a code as its line shows it.
func named(find func(string) []suggestion, code int) string {
	for _, s := range find("") {
		if number(s.words) == code {
			return s.words
		}
	}
	return ""
}

// referencesDialog is the list of what the document refers to.
type referencesDialog struct {
	d    *customerDialog
	card fyne.CanvasObject
	*sheet
	refs   []dte.Referencia
	marked int
	given  *table
	count  *text
}

func (d *customerDialog) openReferences() { d.w.openDialog(newReferencesDialog(d)) }

func newReferencesDialog(d *customerDialog) *referencesDialog {
	w, l := d.w, d.w.l
	r := &referencesDialog{d: d, refs: slices.Clone(d.refs), marked: len(d.refs) - 1, count: label(l, "")}
	types := coded(sale.RefTypes(), func(t sale.RefType) (string, string) { return t.Code, t.Name })
	lines := []*sheetLine{
		newLine(w, sale.FieldTipoRef, "Documento", "801, HES, 52… o su nombre", "", 40).finding("DOCUMENTOS", true, types),
		newLine(w, sale.FieldFolioRef, "Número", "", "", 18),
		newLine(w, sale.FieldFechaRef, "Fecha", "16-03-2026", shownDay(dte.DateOf(w.now())), 10),
		newLine(w, sale.FieldRazonRef, "Motivo, si hace falta", "", "", 90),
	}
	r.sheet = newSheet(w, lines, func(sale.Field) {}, r.add)
	r.given = newTable(l, []column{{"DOCUMENTO", 0, fyne.TextAlignLeading}, {"NÚMERO", 150, fyne.TextAlignLeading}, {"FECHA", 96, fyne.TextAlignLeading}}, func(i int) {
		r.marked = i
		r.render()
	})
	r.given.rowSize, r.given.textSize = 36, 15
	form := col(l.px(6), as(r.box(sale.FieldTipoRef)),
		as(row(l.px(12), grow(r.box(sale.FieldFolioRef)), grow(r.box(sale.FieldFechaRef)))), as(r.box(sale.FieldRazonRef)),
		as(r.count), fixed(l.px(230), newPanel(l, card, r.given).edge(hairline, 1)))
	button := func(words string, key fyne.KeyName, do func()) item {
		return grow(newButton(l, plain, words, w.cap(referencesPlace, key), do).bigger(17, fyne.NewSize(100, 60)))
	}
	r.card = dialogCard(l, 960, col(l.px(10),
		as(newText(l, 24, ink, cut).strong().say("Referencias del documento")),
		as(newText(l, 15, muted, wrap).upTo(2).say("La orden de compra o la HES que pide el cliente, o las guías que se facturan. Enter en la última línea la agrega.")),
		as(row(l.px(16), share(1.75, form), share(1, r.side()))), fixed(l.px(40), r.problem),
		fixed(l.px(60), row(l.px(12), grow(newButton(l, plain, "Volver", "Esc", r.leave).bigger(17, fyne.NewSize(100, 60))), button("Quitar", fyne.KeyF4, r.remove), button("Agregar", fyne.KeyF9, r.add),
			share(1.3, newButton(l, primary, "Listo", w.cap(referencesPlace, fyne.KeyF12), r.accept).bigger(18, fyne.NewSize(120, 60)))))))
	r.look()
	r.render()
	return r
}

func (r *referencesDialog) object() fyne.CanvasObject { return r.card }
func (r *referencesDialog) place() place              { return referencesPlace }
func (r *referencesDialog) leave()                    { r.d.w.openDialog(r.d) }

func (r *referencesDialog) render() {
	refs := r.refs
	r.count.say(fmt.Sprintf("EN EL DOCUMENTO: %d DE %d (RePág y AvPág marcan, %s quita)", len(refs), sale.MaxReferences, r.w.cap(referencesPlace, fyne.KeyF4)))
	r.given.fill(len(refs), r.marked, func(i int) []cell {
		return []cell{{words: refName(refs[i].TpoDocRef)}, {words: refs[i].FolioRef}, {words: shownDay(refs[i].FchRef)}}
	})
}

func refName(code string) string {
	for _, t := range sale.RefTypes() {
		if t.Code == code {
			return t.Name
		}
	}
	return code
}

func (r *referencesDialog) keys() []binding {
	return []binding{{key: fyne.KeyF4, do: r.remove}, {key: fyne.KeyF9, do: r.add}, {key: fyne.KeyF12, do: r.accept}}
}

// move marks a reference by page up and down; the arrows belong to the lines.
func (r *referencesDialog) move(key fyne.KeyName) bool {
	step := map[fyne.KeyName]int{fyne.KeyPageDown: 1, fyne.KeyPageUp: -1}[key]
	if step == 0 {
		return r.sheet.move(key)
	}
	r.marked = max(0, min(r.marked+step, len(r.refs)-1))
	r.render()
	return true
}

// add takes the lines as a reference and makes room for the next.
func (r *referencesDialog) add() {
	ref := dte.Referencia{TpoDocRef: strings.ToUpper(code(r.said(sale.FieldTipoRef))), FolioRef: r.said(sale.FieldFolioRef), RazonRef: r.said(sale.FieldRazonRef)}
	var err error
	if text := r.said(sale.FieldFechaRef); text != "" {
		if ref.FchRef, err = sale.ParseDay(text); err != nil {
			err = sale.FieldError{Field: sale.FieldFechaRef, Reason: err.Error()}
		}
	}
	if err == nil {
		err = sale.CheckReference(ref, dte.DateOf(r.d.w.now()))
	}
	if err == nil && len(r.refs) == sale.MaxReferences {
		err = fmt.Errorf("caben %d referencias", sale.MaxReferences)
	}
	if err != nil {
		r.refuse(err)
		return
	}
	r.refs = append(r.refs, ref)
	r.marked = len(r.refs) - 1
	for _, name := range []sale.Field{sale.FieldTipoRef, sale.FieldFolioRef, sale.FieldRazonRef} {
		r.write(name, "")
	}
	r.problem.say("")
	r.goTo(0)
	r.render()
}

func (r *referencesDialog) remove() {
	if r.marked >= 0 && r.marked < len(r.refs) {
		r.refs = slices.Delete(r.refs, r.marked, r.marked+1)
		r.marked = min(r.marked, len(r.refs)-1)
	}
	r.render()
}

// accept takes the list along to the customer. What is half written is not lost without a word.
func (r *referencesDialog) accept() {
	if r.said(sale.FieldTipoRef) != "" || r.said(sale.FieldFolioRef) != "" {
		if r.add(); r.problem.words != "" {
			return
		}
	}
	r.d.refs = r.refs
	r.leave()
}
