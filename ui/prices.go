package ui

import (
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
	pricing "mostrador/sale/price"
)

// lineMenu is what can be done to the marked line and to the sale's price.
func (s *sellScreen) lineMenu() {
	w := s.w
	if len(w.s.Cart.Lines) == 0 {
		s.void() // of an exchange that has nothing else
		return
	}
	line := w.s.Cart.Lines[w.s.Selected]
	opens := func(f func()) func() error {
		return func() error {
			f()
			return nil
		}
	}
	w.openDialog(newChooseDialog(w, line.Nombre, qty(line)+" × $"+line.Prc.String()+" = "+peso(line.Total), []choice{
		{words: "Descuento a esta línea…", opens: true, do: opens(func() { s.discount("Descuento a "+line.Nombre, w.counter.SetLineOff) })},
		{words: "Descuento al total…", opens: true, do: opens(func() { s.discount("Descuento a toda la venta", w.counter.SetTicketOff) })},
		{words: "Cambiar el precio…", opens: true, do: opens(s.changePrice)},
		{words: "Nota…", opens: true, do: opens(s.note), detail: line.Nota},
		{words: "¿Por qué este precio?", opens: true, do: opens(func() { s.why(line) })},
		{words: "Vaciar la venta…", opens: true, do: opens(s.void)},
	}))
}

// reasonsToDiscount are those of every counter; the last one asks for words.
var reasonsToDiscount = []string{"Producto dañado", "Por vencer", "Cliente frecuente", "Iguala otro precio"}

// discount asks how much, and then why.
func (s *sellScreen) discount(title string, give func(pricing.Off) error) {
	w := s.w
	w.openDialog(newAskDialog(w, title, "Escriba 10% o un monto: 500. Con 0 se quita el descuento.", "Seguir", func(text string) error {
		off, err := parseOff(text)
		if err != nil || off == (pricing.Off{}) {
			if err == nil {
				err = give(off)
			}
			return err
		}
		s.because(title, reasonsToDiscount, func(why string) error {
			off.By.Why = why
			return give(off)
		})
		return errElsewhere
	}).forMoney())
}

// because asks why, from a list or in words.
func (s *sellScreen) because(title string, reasons []string, do func(why string) error) {
	w := s.w
	var choices []choice
	for _, reason := range reasons {
		choices = append(choices, choice{words: reason, do: func() error { return do(reason) }})
	}
	choices = append(choices, choice{words: "Otro motivo…", opens: true, do: func() error {
		w.openDialog(newAskDialog(w, title, "Diga el motivo en pocas palabras. Queda anotado.", "Aceptar", do))
		return nil
	}})
	w.openDialog(newChooseDialog(w, title, "¿Por qué? El motivo queda anotado.", choices))
}

// parseOff reads "10%", "12,5 %" or "500".
func parseOff(text string) (off pricing.Off, err error) {
	text = strings.TrimSpace(text)
	if number, percent := strings.CutSuffix(text, "%"); percent {
		off.Pct, err = money.ParseRate(strings.TrimSpace(number))
		return off, err
	}
	off.Pesos, err = money.ParsePesos(strings.TrimPrefix(text, "$"))
	return off, err
}

func (s *sellScreen) changePrice() {
	w := s.w
	w.openDialog(newAskDialog(w, "Cambiar el precio", "Escriba el precio por unidad. Con 0 vuelve el de la tienda.", "Seguir", func(text string) error {
		prc, err := money.ParsePrice(strings.TrimPrefix(strings.TrimSpace(text), "$"))
		if err != nil || prc == 0 {
			if err == nil {
				err = w.counter.SetPrice(0, "")
			}
			return err
		}
		s.because("Cambiar el precio", reasonsToDiscount, func(why string) error { return w.counter.SetPrice(prc, why) })
		return errElsewhere
	}).forMoney())
}

func (s *sellScreen) note() {
	w := s.w
	w.openDialog(newAskDialog(w, "Nota de la línea", "Para quienes trabajan aquí: no sale en la boleta. Vacía, se borra.", "Anotar", w.counter.SetNote))
}

// why tells the way to a price, step by step.
func (s *sellScreen) why(line sale.Line) {
	w := s.w
	steps := line.Why
	if len(steps) == 0 {
		steps = []pricing.Reason{{Kind: pricing.WhyBase, Prc: line.Prc}}
	}
	var choices []choice
	for _, step := range steps {
		choices = append(choices, choice{words: step.String()})
	}
	choices = append(choices, choice{words: "Total de la línea", amount: peso(line.Total)})
	for _, step := range w.s.Cart.Rebaja.Why {
		choices = append(choices, choice{words: step.String(), detail: "en toda la venta"})
	}
	w.openDialog(newChooseDialog(w, "¿Por qué este precio?", line.Nombre+", "+qty(line), choices))
}

// priceCheck tells prices and sells nothing: what is scanned while it is open goes to it and not to the cart.
type priceCheck struct {
	w           *Window
	card        fyne.CanvasObject
	code        *field
	name, price *text
	steps       *text
	lists       *text
	source      *text
}

func newPriceCheck(w *Window) *priceCheck {
	l := w.l
	d := &priceCheck{
		w: w, code: newField(w, "Escanee o escriba un código, o parte del nombre"),
		name: newText(l, 22, ink, cut).strong(), price: newText(l, 56, ink, shrink).strong(), steps: newText(l, 16, muted, wrap).upTo(3).atTop(),
		lists: newText(l, 16, ink, wrap).upTo(3).atTop(), source: newText(l, 14, muted, cut),
	}
	d.card = dialogCard(l, 720, col(l.px(8), // no higher: the keypad comes below it, and moves nothing
		as(newText(l, 24, ink, cut).strong().say("Consultar un precio")),
		as(newText(l, 16, muted, cut).say("No agrega nada a la venta.")),
		fixed(l.px(56), d.code.framed(20, nil)),
		fixed(l.px(32), d.name), fixed(l.px(64), d.price), fixed(l.px(66), d.steps),
		fixed(l.px(66), d.lists), fixed(l.px(20), d.source),
		fixed(l.px(56), newButton(l, primary, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 56)))))
	return d
}

func (d *priceCheck) object() fyne.CanvasObject { return d.card }
func (d *priceCheck) render()                   {}
func (d *priceCheck) field() *field             { return d.code }
func (d *priceCheck) keys() []binding           { return []binding{{key: fyne.KeyF7, do: d.w.closeDialog}} }
func (d *priceCheck) edited()                   {}
func (d *priceCheck) move(fyne.KeyName) bool    { return false }
func (d *priceCheck) enter()                    { d.scanned(d.code.Text) }

// scanned tells the price of a code, or of the best match of a name.
func (d *priceCheck) scanned(typed string) {
	d.code.write("")
	sheet, err := d.w.counter.Sheet(typed)
	if err != nil {
		if found := d.w.counter.Search(typed, 1); len(found) > 0 {
			sheet, err = d.w.counter.Sheet(found[0].Codigo)
		}
	}
	if err != nil {
		d.name.sayIn(sentence(err.Error()), bad)
		for _, t := range []*text{d.price, d.steps, d.lists, d.source} {
			t.say("")
		}
		return
	}
	d.tell(sheet)
}

// tell shows a product's sheet. Nothing of it is changed here, and it says where it is.
func (d *priceCheck) tell(s sale.Sheet) {
	d.name.sayIn(s.Line.Nombre, ink)
	unit := ""
	if s.Line.Unidad != "" {
		unit = " / " + s.Line.Unidad
	}
	d.price.say("$" + s.Line.Prc.String() + unit)
	d.steps.say(pricing.Explain(s.Line.Why))
	d.lists.say(sheetWords(s))
	d.source.say("Se cambian en los archivos de productos y de precios, no en la caja.")
}

// sheetWords are a product's category, its price in each list that has another one, and the promotions that name it.
func sheetWords(s sale.Sheet) string {
	words := []string{"Sin categoría"}
	if s.Line.Categoria != "" {
		words[0] = s.Line.Categoria
	}
	for _, l := range s.Lists {
		words = append(words, l.Name+": $"+l.Prc.String())
	}
	if len(s.Promos) > 0 {
		words = append(words, "Promociones: "+strings.Join(s.Promos, ", "))
	}
	return strings.Join(words, " · ")
}
