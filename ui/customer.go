package ui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/sale"
)

// Customers are the buyers whom the shop knows. All methods are called from the window's goroutine and must be quick: they
// read and write the till's own file.
type Customers interface {
	FindCustomers(text string, limit int) ([]sale.Customer, error)
	Customer(rut dte.RUT) (sale.Customer, error)
	SaveCustomer(c sale.Customer) error
	Giros(text string, limit int) ([]string, error)
}

// customerDialog sets the buyer and the document of the sale; as the book, it only keeps customers.
type customerDialog struct {
	w    *Window
	card fyne.CanvasObject
	*sheet
	book  bool
	saved sale.Customer // as he is kept; the zero Customer if he is not

	tipo                  dte.TipoDTE
	guia                  sale.Guia
	refs                  []dte.Referencia
	boleta, factura, guía *button
	references, keep      *button
	check, note           *text
	checkIcon             *icon
}

// newCustomerDialog begins with what the sale says.
func newCustomerDialog(w *Window) *customerDialog {
	ch := w.s.Cart.Choice()
	d := &customerDialog{w: w, tipo: ch.Tipo, guia: ch.Guia, refs: ch.Referencias}
	d.build(nil)
	d.fill(customerOf(ch.Receptor))
	d.write(sale.FieldVence, shownDay(ch.Vence))
	d.recognise()
	return d
}

// newBookDialog begins empty.
func newBookDialog(w *Window) *customerDialog {
	d := &customerDialog{w: w, book: true}
	d.build([]*sheetLine{
		newLine(w, sale.FieldLists, "Listas de precios", "Mayorista, Socios", "", sale.CustomerLimit(sale.FieldLists)),
		newLine(w, sale.FieldNotes, "Notas", "", "", sale.CustomerLimit(sale.FieldNotes)),
	})
	d.recognise()
	return d
}

func customerOf(r dte.Receptor) sale.Customer {
	c := sale.Customer{RUT: r.RUT, RznSoc: r.RznSoc, Giro: r.Giro, Direccion: r.Direccion, Comuna: r.Comuna, Ciudad: r.Ciudad, Correo: r.Correo}
	if c.RUT == dte.RUTAnonimo {
		c.RUT = 0
	}
	return c
}

func shownDay(d dte.Date) string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d-%02d-%04d", d.Day, d.Month, d.Year)
}

func (d *customerDialog) build(more []*sheetLine) {
	w, l := d.w, d.w.l
	line := func(name sale.Field, label, hint string) *sheetLine {
		return newLine(w, name, label, hint, "", sale.CustomerLimit(name))
	}
	rut := line(sale.FieldRUT, "RUT, o nombre para buscar", "76.543.210-3")
	rut.limit = 40 // names are looked for here too
	lines := []*sheetLine{
		rut.finding("CLIENTES", true, d.customers),
		line(sale.FieldRznSoc, "Razón social o nombre", "").finding("CLIENTES", false, d.customers),
		line(sale.FieldGiro, "Giro", "").finding("GIROS YA USADOS", false, d.giros),
		line(sale.FieldDireccion, "Dirección", ""),
		line(sale.FieldComuna, "Comuna", "").finding("COMUNAS DE CHILE", true, w.comunasLike),
		line(sale.FieldCiudad, "Ciudad", ""),
		line(sale.FieldCorreo, "Correo", "nombre@empresa.cl"),
		line(sale.FieldTelefono, "Teléfono", ""),
	}
	last := func() fyne.CanvasObject {
		return row(l.px(12), grow(d.box(sale.FieldLists)), grow(d.box(sale.FieldNotes)))
	}
	if !d.book {
		more = []*sheetLine{newLine(w, sale.FieldVence, "A crédito: días o fecha", "vacío: se paga ahora", "", 12)}
		last = func() fyne.CanvasObject { return row(l.px(12), grow(d.box(sale.FieldVence)), grow(middle(d.note))) }
	}
	d.sheet = newSheet(w, append(lines, more...), d.follow, d.accept)
	d.check, d.checkIcon, d.note = newText(l, 15, muted, cut), newIcon(l, "", muted, 18), newText(l, 15, muted, wrap).upTo(2)
	pair := func(a, b sale.Field) item { return as(row(l.px(12), grow(d.box(a)), grow(d.box(b)))) }
	form := col(l.px(6),
		as(row(l.px(12), grow(d.box(sale.FieldRUT)), share(1.6, d.box(sale.FieldRznSoc)))),
		fixed(l.px(24), row(l.px(8), as(middle(d.checkIcon.Image)), grow(d.check))),
		as(d.box(sale.FieldGiro)), as(d.box(sale.FieldDireccion)),
		pair(sale.FieldComuna, sale.FieldCiudad), pair(sale.FieldCorreo, sale.FieldTelefono), as(last()))
	items := []item{as(newText(l, 24, ink, cut).strong().say("Cliente y documento")), fixed(l.px(56), d.documents())}
	if d.book {
		items = []item{as(newText(l, 24, ink, cut).strong().say("Clientes")), fixed(l.px(24), d.note)}
	}
	items = append(items, as(row(l.px(16), share(1.75, form), share(1, d.side()))), fixed(l.px(40), d.problem), fixed(l.px(60), d.buttons()))
	d.card = dialogCard(l, 960, col(l.px(10), items...))
}

// button has the key that is usually this one.
func (d *customerDialog) button(words string, key fyne.KeyName, do func()) *button {
	return newButton(d.w.l, plain, words, d.w.cap(customerPlace, key), do).bigger(16, fyne.NewSize(90, 56))
}

// documents are the kinds of document, and what goes with them.
func (d *customerDialog) documents() fyne.CanvasObject {
	d.boleta = d.button("Boleta", fyne.KeyF2, func() { d.choose(0) })
	d.factura = d.button("Factura", fyne.KeyF3, func() { d.choose(dte.Factura) })
	d.guía = d.button("Guía de despacho", fyne.KeyF5, func() { d.choose(dte.GuiaDespacho) })
	d.references = d.button("Referencias", fyne.KeyF6, d.openReferences)
	return row(d.w.l.px(8), grow(d.boleta), grow(d.factura), share(1.4, d.guía), share(1.2, d.references))
}

func (d *customerDialog) buttons() fyne.CanvasObject {
	d.keep = d.button("Guardar cliente", fyne.KeyF8, d.save)
	account := d.button("Cuenta", fyne.KeyF9, d.openAccount)
	back := newButton(d.w.l, plain, "Volver", "Esc", d.w.closeDialog).bigger(16, fyne.NewSize(90, 56))
	without := d.button("Sin cliente", fyne.KeyF4, d.remove)
	accept := newButton(d.w.l, primary, "Aceptar", d.w.cap(customerPlace, fyne.KeyF12), d.accept).bigger(18, fyne.NewSize(120, 60))
	if d.book {
		without.set("Otro", without.cap, true)
		accept.set("Guardar", accept.cap, true)
		return row(d.w.l.px(12), grow(back), grow(without), grow(account), share(1.4, accept))
	}
	return row(d.w.l.px(8), grow(back), share(1.1, without), grow(account), share(1.45, d.keep), share(1.2, accept))
}

func (d *customerDialog) object() fyne.CanvasObject { return d.card }

// render shows the choice of document.
func (d *customerDialog) render() {
	if d.book {
		return
	}
	d.boleta.choose(d.tipo == 0)
	d.factura.choose(d.tipo == dte.Factura)
	d.guía.choose(d.tipo == dte.GuiaDespacho)
	references := "Referencias"
	if n := len(d.refs); n > 0 {
		references = fmt.Sprintf("Referencias (%d)", n)
	}
	d.references.set(references, d.references.cap, true)
	d.keep.set("Guardar cliente", d.keep.cap, d.worthKeeping())
}

// worthKeeping: he has a RUT and a name, and the book does not say the same.
func (d *customerDialog) worthKeeping() bool {
	c, err := d.customer()
	return err == nil && c.Check() == nil && !c.Same(d.saved)
}

func (d *customerDialog) choose(tipo dte.TipoDTE) {
	d.tipo = tipo
	d.problem.say("")
	d.w.settle(nil)
}

func (d *customerDialog) keys() []binding {
	if d.book {
		return []binding{{key: fyne.KeyF4, do: d.remove}, {key: fyne.KeyF8, do: d.save}, {key: fyne.KeyF9, do: d.openAccount}, {key: fyne.KeyF12, do: d.accept}}
	}
	return []binding{
		{key: fyne.KeyF2, do: func() { d.choose(0) }},
		{key: fyne.KeyF3, do: func() { d.choose(dte.Factura) }},
		{key: fyne.KeyF4, do: d.remove},
		{key: fyne.KeyF5, do: func() { d.choose(dte.GuiaDespacho) }},
		{key: fyne.KeyF6, do: d.openReferences},
		{key: fyne.KeyF7, do: d.credit},
		{key: fyne.KeyF8, do: d.save},
		{key: fyne.KeyF9, do: d.openAccount},
		{key: fyne.KeyF12, do: d.accept},
	}
}

// credit goes to the day on which it falls due, with the usual one if there is none.
func (d *customerDialog) credit() {
	d.choose(dte.Factura)
	if d.said(sale.FieldVence) == "" {
		d.write(sale.FieldVence, "30")
	}
	d.goTo(d.index(sale.FieldVence))
	d.follow(sale.FieldVence)
}

// customers are those whom the line may mean.
func (d *customerDialog) customers(text string) []suggestion {
	if text == "" && !d.book {
		return nil
	}
	list, err := d.w.customers.FindCustomers(text, mostSuggestions)
	if err != nil {
		d.problem.say(sentence(err.Error()))
	}
	all := make([]suggestion, len(list))
	for i, c := range list {
		all[i] = suggestion{c.RznSoc, c.RUT.Dotted() + atComuna(c), func() { d.take(c) }}
	}
	return all
}

func atComuna(c sale.Customer) string {
	if c.Comuna == "" {
		return ""
	}
	return " · " + c.Comuna
}

func (d *customerDialog) giros(text string) []suggestion {
	list, err := d.w.customers.Giros(text, mostSuggestions)
	if err != nil {
		d.problem.say(sentence(err.Error()))
	}
	return words(slices.DeleteFunc(list, func(giro string) bool { return giro == text }))
}

// comunasLike are the communes that a text may mean.
func (w *Window) comunasLike(text string) []suggestion {
	if official, ok := w.comunas.Official(text); ok && official == text {
		return nil
	}
	return words(w.comunas.Find(text, mostSuggestions))
}

// take fills in a known customer; Enter then accepts.
func (d *customerDialog) take(c sale.Customer) {
	d.fill(c)
	d.recognise()
	d.goTo(len(d.lines) - 1)
	d.w.render()
}

func (d *customerDialog) fill(c sale.Customer) {
	for name, text := range map[sale.Field]string{
		sale.FieldRUT: c.RUT.Dotted(), sale.FieldRznSoc: c.RznSoc, sale.FieldGiro: c.Giro, sale.FieldDireccion: c.Direccion,
		sale.FieldComuna: c.Comuna, sale.FieldCiudad: c.Ciudad, sale.FieldCorreo: c.Correo, sale.FieldTelefono: c.Telefono,
		sale.FieldLists: strings.Join(c.Lists, ", "), sale.FieldNotes: c.Notes,
	} {
		d.write(name, text)
	}
}

// customer is what the lines say. What the sale does not ask for is as it is kept.
func (d *customerDialog) customer() (c sale.Customer, err error) {
	if text := d.said(sale.FieldRUT); text != "" {
		if c.RUT, err = dte.ParseRUT(text); err != nil {
			return c, sale.FieldError{Field: sale.FieldRUT, Reason: err.Error()}
		}
	}
	c.RznSoc, c.Giro, c.Direccion = d.said(sale.FieldRznSoc), d.said(sale.FieldGiro), d.said(sale.FieldDireccion)
	c.Comuna, c.Ciudad, c.Correo, c.Telefono = d.said(sale.FieldComuna), d.said(sale.FieldCiudad), d.said(sale.FieldCorreo), d.said(sale.FieldTelefono)
	if official, ok := d.w.comunas.Official(c.Comuna); ok {
		c.Comuna = official
	}
	switch {
	case d.book:
		c.Lists, c.Notes = strings.Split(d.said(sale.FieldLists), ","), d.said(sale.FieldNotes)
	case c.RUT == d.saved.RUT:
		c.Lists, c.Notes = d.saved.Lists, d.saved.Notes
	}
	return c, nil
}

// follow keeps what is told about the lines in step with them.
func (d *customerDialog) follow(name sale.Field) {
	if name == sale.FieldRUT {
		d.recognise()
	}
	d.tellNote(name)
	d.render()
}

// recognise checks the RUT while it is typed, and says whether its customer is known. The lines of a known one fill
// themselves in while there is no name.
func (d *customerDialog) recognise() {
	text := d.said(sale.FieldRUT)
	rut, err := dte.ParseRUT(text)
	if err == nil {
		d.known(rut)
		return
	}
	d.saved = sale.Customer{}
	switch {
	case text == "":
		d.tell(state{"", muted, "Con dígito verificador: 76.543.210-3"})
	case strings.ContainsFunc(strings.Trim(text, "kK"), unicode.IsLetter):
		d.tell(state{"", muted, "Busca entre los clientes guardados"})
	case len(strings.NewReplacer(".", "", "-", "").Replace(text)) < 8:
		d.tell(state{"", muted, "Siga escribiendo…"})
	default:
		d.tell(state{theme.IconNameError, bad, "El dígito verificador no corresponde"})
	}
}

func (d *customerDialog) known(rut dte.RUT) {
	c, err := d.w.customers.Customer(rut)
	correct := rut.Dotted() + " es correcto"
	switch {
	case errors.Is(err, sale.ErrNotFound):
		d.saved = sale.Customer{}
		d.tell(state{theme.IconNameConfirm, good, correct + ". Cliente nuevo: " + d.w.cap(customerPlace, fyne.KeyF8) + " lo guarda"})
	case err != nil:
		d.tell(state{theme.IconNameWarning, warn, sentence(err.Error())})
	default:
		d.saved = c
		if d.said(sale.FieldRznSoc) == "" {
			d.fill(c)
		}
		d.tell(state{theme.IconNameConfirm, good, correct + ". Cliente guardado" + d.w.debtWords(rut)})
	}
}

func (d *customerDialog) tell(s state) {
	d.checkIcon.show(s.icon, s.colour)
	d.check.sayIn(s.words, s.colour)
}

// tellNote says of the line at hand what is no mistake and still worth a look.
func (d *customerDialog) tellNote(name sale.Field) {
	comuna := d.said(sale.FieldComuna)
	_, official := d.w.comunas.Official(comuna)
	switch vence, err := d.vence(); {
	case name == sale.FieldComuna && comuna != "" && !official && len(d.found) == 0:
		d.note.sayIn("«"+clip(comuna, 24)+"» no es una comuna de la lista: revísela", warn)
	case err == nil && !vence.IsZero():
		d.note.sayIn("A crédito: vence el "+shownDay(vence)+", sin pago ahora", ink)
	default:
		d.note.sayIn("", muted)
	}
}

// vence is the day on which the credit falls due: a date, or so many days from today.
func (d *customerDialog) vence() (dte.Date, error) {
	text := ""
	if !d.book {
		text = d.said(sale.FieldVence)
	}
	if text == "" {
		return dte.Date{}, nil
	}
	if days, err := strconv.Atoi(text); err == nil && days > 0 && days <= 365 {
		return dte.DateOf(d.w.now().AddDate(0, 0, days)), nil
	}
	day, err := sale.ParseDay(text)
	if err != nil {
		err = sale.FieldError{Field: sale.FieldVence, Reason: err.Error() + ", o cuántos días, hasta 365"}
	}
	return day, err
}

// accept gives buyer and document to the Counter. What it refuses is told in the dialogue, where it can be mended.
func (d *customerDialog) accept() {
	if d.book {
		d.save()
		return
	}
	c, err := d.customer()
	vence, dayErr := d.vence()
	if err = errors.Join(err, dayErr); err == nil && (c.RUT != 0 || c.RznSoc != "") && c.Correo != "" {
		err = checkMail(c)
	}
	if err != nil {
		d.refuse(err)
		return
	}
	ch := sale.Choice{Tipo: d.tipo, Receptor: c.Receptor(), Lists: c.Lists, Vence: vence, Guia: d.guia, Referencias: d.refs}
	if d.tipo == dte.GuiaDespacho {
		d.openGuia(ch)
		return
	}
	d.set(ch)
}

// checkMail refuses an address that is none; what else a customer lacks, the document may not need.
func checkMail(c sale.Customer) error {
	var field sale.FieldError
	if err := (sale.Customer{RUT: dte.RUTSII, RznSoc: "x", Correo: c.Correo}).Check(); errors.As(err, &field) {
		return field
	}
	return nil
}

func (d *customerDialog) set(ch sale.Choice) {
	if err := d.w.counter.Choose(ch); err != nil {
		d.refuse(err)
		return
	}
	d.w.closeDialog()
}

// remove makes it a boleta without a buyer; in the book it makes room for another customer.
func (d *customerDialog) remove() {
	d.problem.say("")
	if d.book {
		d.fill(sale.Customer{})
		d.note.say("")
		d.recognise()
		d.goTo(0)
		return
	}
	d.set(sale.Choice{})
}

// save keeps the customer, because somebody asked for it.
func (d *customerDialog) save() {
	c, err := d.customer()
	if err == nil {
		err = c.Check()
	}
	if err == nil {
		err = d.w.customers.SaveCustomer(c)
	}
	if err != nil {
		d.refuse(err)
		return
	}
	d.saved = c
	d.recognise()
	d.problem.say("")
	if d.book {
		d.remove()
	}
	d.note.sayIn(clip(c.RznSoc, 40)+" quedó guardado", good)
	d.w.render()
}
