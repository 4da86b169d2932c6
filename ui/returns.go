package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// receiptDialog finds the document that a customer brings back: by the stamp on the paper, or by its number.
type receiptDialog struct {
	w       *Window
	card    fyne.CanvasObject
	number  *field
	problem *text
}

func newReceiptDialog(w *Window) *receiptDialog {
	l := w.l
	d := &receiptDialog{w: w, number: newField(w, "Timbre o número"), problem: newText(l, 16, bad, wrap).upTo(2).strong()}
	d.card = dialogCard(l, 680, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Devolución")),
		as(newText(l, 16, muted, wrap).upTo(3).say("Escanee el timbre de la boleta o factura, o escriba su número. Sin el papel, búsquela en Documentos ("+w.cap(selling, fyne.KeyF11)+") y pulse "+w.cap(documents, fyne.KeyF7)+". Un comprobante de tarjeta: su número de operación, monto o día.")),
		fixed(l.px(56), d.number.framed(20, nil)),
		fixed(l.px(44), d.problem),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, plain, "Sin boleta", w.cap(receiptPlace, fyne.KeyF9), d.without).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, "Buscar", "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

func (d *receiptDialog) object() fyne.CanvasObject { return d.card }
func (d *receiptDialog) render()                   {}
func (d *receiptDialog) field() *field             { return d.number }
func (d *receiptDialog) keys() []binding {
	return []binding{{key: fyne.KeyF9, do: d.without}}
}
func (d *receiptDialog) edited()                { d.problem.say("") }
func (d *receiptDialog) move(fyne.KeyName) bool { return false }
func (d *receiptDialog) enter()                 { d.find(d.number.Text) }

// scanned is the stamp, or the number as a bar code.
func (d *receiptDialog) scanned(text string) { d.find(text) }

// find opens the return of the document; of several with that number it asks which.
func (d *receiptDialog) find(text string) {
	d.number.write("")
	if key, ok := sale.ReadStamp(text); ok {
		d.open(key)
		return
	}
	choices, err := d.vouchers(text)
	if err != nil {
		d.problem.say(sentence(err.Error()))
		return
	}
	folio, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(text), ".", ""), 10, 64)
	if (err != nil || folio <= 0) && len(choices) == 0 {
		d.problem.say("Eso no es un timbre ni un número de documento.")
		return
	}
	if err != nil || folio <= 0 {
		d.offer(choices, text)
		return
	}
	found, err := d.w.documents.Documents(sale.DocumentQuery{Folio: dte.Folio(folio), Limit: 20})
	if err != nil {
		d.problem.say(sentence(err.Error()))
		return
	}
	for _, info := range found {
		if info.Key.Tipo.EsNota() || info.Key.Tipo == dte.GuiaDespacho {
			continue
		}
		choices = append(choices, choice{words: docTitle(info.Key), detail: day(info.At) + " " + hour(info.At), amount: peso(info.Total), opens: true, do: func() error {
			return d.w.takeBack(info.Key)
		}})
	}
	d.offer(choices, money.Pesos(folio).String())
}

// vouchers are the sales without a document that a number, an amount or a day may mean.
func (d *receiptDialog) vouchers(text string) (choices []choice, err error) {
	found, err := d.w.counter.FindVouchers(text, 9)
	for _, r := range found {
		choices = append(choices, choice{words: docTitle(r.Key) + " · " + paymentWords(r), detail: day(r.At) + " " + hour(r.At), amount: peso(r.Total), opens: true, do: func() error {
			return d.w.takeBack(r.Key)
		}})
	}
	return choices, err
}

// offer opens what was found; of several it asks which.
func (d *receiptDialog) offer(choices []choice, number string) {
	switch len(choices) {
	case 0:
		d.problem.say("Esta caja no emitió ninguna boleta ni factura con el número " + number + ".")
	case 1:
		if err := choices[0].do(); err != nil {
			d.problem.say(sentence(err.Error()))
		}
	default:
		d.w.openDialog(newChooseDialog(d.w, "Devolución", "Hay varias ventas así.", choices))
	}
}

func (d *receiptDialog) open(key dte.Key) {
	if err := d.w.takeBack(key); err != nil {
		d.problem.say(sentence(err.Error()))
	}
}

// without takes back what is in the open sale: nobody has its document. How it is paid is chosen first, then why.
func (d *receiptDialog) without() {
	w := d.w
	var choices []choice
	for _, asVale := range []bool{true, false} {
		_, refund, err := w.counter.PlanWithout(asVale)
		if err != nil {
			d.problem.say(sentence(err.Error()))
			w.refocus()
			return
		}
		choices = append(choices, choice{words: refundWords(refund), opens: true, do: func() error {
			w.openDialog(newAskDialog(w, "¿Por qué se devuelve sin boleta?", "Queda anotado con quien lo permite. No se emite nota de crédito: sin documento no rebaja el IVA.", "Devolver", func(reason string) error {
				return w.counter.TakeBackWithout(reason, asVale)
			}))
			return nil
		}})
	}
	w.openDialog(newChooseDialog(w, "Devolución sin boleta", "Vuelve lo que está en la venta abierta, al precio de hoy o menos.", choices))
}

// takeBack opens the return of a document, or goes on with the one that waits for its note.
func (w *Window) takeBack(key dte.Key) error {
	of, back, err := w.counter.OpenReturn(key)
	switch {
	case err != nil:
		return err
	case len(back.Lines) > 0:
		w.finishReturn(back)
	default:
		w.openDialog(newReturnDialog(w, of, back.ID))
	}
	return nil
}

// returning is a return that is done once the cards have got their money back.
func (w *Window) returning(back sale.Return) payback {
	takeBack := func(back sale.Return) error {
		r, err := w.counter.TakeBack(back)
		if err == nil {
			w.dropDialog()
			w.say(good, fmt.Sprintf("%s por %s. %s", docTitle(r.Key), peso(r.Total), refundWords(r.Payment))+w.firstOf(back.Lines[0].Of))
		}
		return err
	}
	inCash := back
	inCash.Means, inCash.AsVale = sale.InCash, false
	return payback{
		begin:  func() (sale.CardBack, bool, error) { return w.counter.BeginRefund(back) },
		finish: func() error { return takeBack(back) },
		cash:   func() error { return takeBack(inCash) },
	}
}

// firstOf says what may come back now that the boleta of an exchange is annulled.
func (w *Window) firstOf(key dte.Key) string {
	of, _, err := w.counter.OpenReturn(key)
	if err != nil || len(of.Record.Returned) == 0 {
		return ""
	}
	return " El cambio quedó deshecho: lo primero se puede devolver con " + docTitle(of.Record.Returned[0].Of) + "."
}

// returnDialog is what of a document comes back.
type returnDialog struct {
	w     *Window
	of    *sale.Returnable
	back  sale.Return
	card  fyne.CanvasObject
	list  *table
	sum   *text
	how   *text
	at    int
	qty   []money.Qty
	loses []bool // the goods do not go back to the shelf
}

func newReturnDialog(w *Window, of *sale.Returnable, id sale.ID) *returnDialog {
	l := w.l
	n := len(of.Document.Detalle)
	d := &returnDialog{
		w: w, of: of, back: sale.Return{ID: id}, qty: make([]money.Qty, n), loses: make([]bool, n),
		sum: newText(l, 28, ink, shrink).strong().to(fyne.TextAlignTrailing), how: newText(l, 16, muted, wrap).upTo(2),
	}
	d.list = newTable(l, []column{
		{"DEVUELVE", 88, fyne.TextAlignTrailing},
		{"PRODUCTO", 0, fyne.TextAlignLeading},
		{"QUEDAN", 84, fyne.TextAlignTrailing},
		{"VALE", 96, fyne.TextAlignTrailing},
		{"VUELVE A LA VENTA", 150, fyne.TextAlignLeading},
	}, func(i int) { d.at = i; d.render() })
	key := of.Record.Key
	button := func(words string, key fyne.KeyName, do func()) item {
		return grow(newButton(l, plain, words, w.cap(returnPlace, key), do).bigger(16, fyne.NewSize(90, 64)))
	}
	var other []item
	if !d.byVoucher() {
		other = append(other, button("Cambiar", fyne.KeyF6, d.exchange))
	}
	if d.byCard() {
		other = append(other, button("En efectivo", fyne.KeyF7, d.inCash))
	}
	d.card = dialogCard(l, 1000, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say("Devolución de "+strings.ToLower(docName(key.Tipo))+" "+docNumber(key))),
		as(newText(l, 16, muted, wrap).upTo(2).say("Con + y − diga cuánto vuelve de la línea marcada; lo que se pesa vuelve entero. "+paymentWords(of.Record)+".")),
		fixed(l.px(36+48*float32(min(max(n, 2), 6))), d.list),
		fixed(l.px(48), row(l.px(12), grow(d.how), share(0.5, d.sum))),
		fixed(l.px(64), row(l.px(8), slices.Concat([]item{
			grow(newButton(l, plain, "Volver", "Esc", w.closeDialog).bigger(16, fyne.NewSize(90, 64))),
			button("Todo", fyne.KeyF3, d.all), button("Repone", fyne.KeyF4, d.toggle), button("Con vale", fyne.KeyF5, d.asVale),
		}, other, []item{share(1.3, newButton(l, primary, "Devolver", "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))})...))))
	d.render()
	return d
}

func (d *returnDialog) object() fyne.CanvasObject { return d.card }
func (d *returnDialog) field() *field             { return nil }
func (d *returnDialog) edited()                   {}
func (d *returnDialog) keys() []binding {
	return []binding{{key: fyne.KeyF3, do: d.all}, {key: fyne.KeyF4, do: d.toggle}, {key: fyne.KeyF5, do: d.asVale}, {key: fyne.KeyF6, do: d.exchange}, {key: fyne.KeyF7, do: d.inCash}}
}

func (d *returnDialog) render() {
	d.list.fill(len(d.qty), d.at, func(i int) []cell {
		line := d.of.Document.Detalle[i]
		back, shelf := cell{words: "–", colour: muted}, cell{words: "sí"}
		if d.qty[i] > 0 {
			back = cell{words: d.qty[i].String(), bold: true}
		}
		if d.loses[i] {
			shelf = cell{words: "no", colour: warn}
		}
		worth, err := d.of.Worth(i+1, d.qty[i])
		value := cell{words: peso(worth)}
		if err != nil || d.qty[i] == 0 {
			value = cell{}
		}
		return []cell{back, {words: line.Nombre}, {words: d.of.Left(i + 1).String()}, value, shelf}
	})
	d.plan()
}

// plan shows what would be paid back, and how.
func (d *returnDialog) plan() {
	d.collect("devolución")
	total, refund, err := d.w.counter.PlanReturn(d.back)
	d.sum.say(peso(total))
	switch {
	case err != nil:
		d.how.sayIn(sentence(err.Error()), bad)
	case total == 0:
		d.how.sayIn("Todavía no devuelve nada.", muted)
	default:
		d.how.sayIn(refundWords(refund), ink)
	}
}

// refundWords say how money goes back.
func refundWords(p sale.Payment) string {
	if len(p.Tenders) == 0 {
		return "No hay dinero que devolver: rebaja lo que el cliente debe."
	}
	var parts []string
	for _, t := range p.Tenders {
		if t.Method == sale.Vale {
			parts = append(parts, peso(t.Amount)+" en el vale "+t.Reference)
			continue
		}
		parts = append(parts, peso(t.Amount)+" en "+strings.ToLower(methodName(t.Method)))
	}
	return "Devuelva " + strings.Join(parts, " y ") + "."
}

// collect writes down what comes back.
func (d *returnDialog) collect(reason string) {
	d.back.Reason, d.back.Lines = reason, nil
	for i, q := range d.qty {
		if q > 0 {
			d.back.Lines = append(d.back.Lines, sale.ReturnedLine{Of: d.of.Record.Key, Line: i + 1, Qty: q, Restock: !d.loses[i]})
		}
	}
}

// typed takes + and −.
func (d *returnDialog) typed(runes []rune) {
	for _, r := range runes {
		switch r {
		case '+':
			d.bump(1)
		case '-':
			d.bump(-1)
		}
	}
	d.render()
}

// bump changes how much of the marked line comes back: by units, and what is weighed all or nothing.
func (d *returnDialog) bump(n int64) {
	left := d.of.Left(d.at + 1)
	q := d.qty[d.at] + money.Units(n)
	if left%money.One != 0 {
		q = left * money.Qty(max(n, 0))
	}
	d.qty[d.at] = max(0, min(q, left))
}

func (d *returnDialog) all() {
	for i := range d.qty {
		d.qty[i] = d.of.Left(i + 1)
	}
	d.render()
}

func (d *returnDialog) toggle() {
	d.loses[d.at] = !d.loses[d.at]
	d.render()
}

// byVoucher: there is no document, and the terminal gave the money.
func (d *returnDialog) byVoucher() bool { return d.of.Record.Key.Tipo == sale.Comprobante }

// byCard: a card paid some of it.
func (d *returnDialog) byCard() bool {
	_, is := paidByCard(d.of.Record.Payment)
	return is
}

// inCash gives back in cash what a card paid, or to the card again.
func (d *returnDialog) inCash() {
	switch {
	case !d.byCard():
		return
	case d.back.AsVale || d.back.Means == sale.ByTerminal:
		d.back.AsVale, d.back.Means = false, sale.InCash
	default:
		d.back.Means = sale.ByTerminal
	}
	d.w.settle(nil)
}

// asVale gives a vale in the place of cash, or cash again.
func (d *returnDialog) asVale() {
	d.back.AsVale = !d.back.AsVale
	d.w.settle(nil)
}

func (d *returnDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at = max(0, min(d.at+step, len(d.qty)-1))
		d.render()
	}
	return ok
}

// reasonsToReturn are those of every counter.
var reasonsToReturn = []string{"No le gustó o no le sirve", "Venía malo o vencido", "Se cobró por error", "Se llevó otra cosa"}

// enter asks why, and then has the cards paid back and issues the credit note.
func (d *returnDialog) enter() {
	w := d.w
	d.askWhy(d.advice(), "Emitir", func(reason string) error {
		d.collect(reason)
		return w.giveBack(w.returning(d.back))
	})
}

// advice says what will happen, and in which order.
func (d *returnDialog) advice() string {
	advice := "Se emite una nota de crédito. El motivo va en ella."
	if d.byVoucher() {
		advice = "Queda un comprobante interno: esta venta no tiene boleta que corregir."
	}
	d.collect("devolución")
	_, refund, err := d.w.counter.PlanReturn(d.back)
	byCard, is := paidByCard(refund)
	switch {
	case err != nil || !is:
	case d.w.cards != nil:
		advice = "Primero el terminal devuelve " + peso(byCard) + " a la tarjeta. " + advice
	case d.byVoucher():
		advice = "Primero anule en el terminal: " + paymentWords(d.of.Record) + ". Después diga aquí por qué; queda un comprobante interno."
	}
	return advice
}

// exchange asks why, and then goes on in the sale with what the customer takes.
func (d *returnDialog) exchange() {
	d.askWhy("Después agregue lo que se lleva: se cobra o se devuelve sólo la diferencia.", "Cambiar", func(reason string) error {
		d.collect(reason)
		w := d.w
		err := w.counter.BeginExchange(d.back)
		if err == nil {
			w.dropDialog()
			w.visited = ""
			w.say(accent, "Ahora agregue lo que se lleva.")
		}
		return err
	})
}

// askWhy asks for the reason of what is marked, and does it.
func (d *returnDialog) askWhy(advice, yes string, do func(reason string) error) {
	d.collect("")
	if len(d.back.Lines) == 0 {
		d.how.sayIn("Diga primero qué devuelve: marque la línea y pulse +, o "+d.w.cap(returnPlace, fyne.KeyF3)+" para todo.", bad)
		return
	}
	w := d.w
	var choices []choice
	for _, reason := range reasonsToReturn {
		choices = append(choices, choice{words: reason, opens: true, do: func() error { return do(reason) }})
	}
	choices = append(choices, choice{words: "Otro motivo…", opens: true, do: func() error {
		w.openDialog(newAskDialog(w, "¿Por qué lo devuelve?", "El motivo queda anotado y va en el documento.", yes, func(words string) error {
			if err := do(words); err != nil {
				return err
			}
			return errElsewhere
		}))
		return nil
	}})
	w.openDialog(newChooseDialog(w, "¿Por qué lo devuelve?", advice, choices))
}
