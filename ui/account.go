package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// openDebts lists who owes, the oldest debt first.
func (w *Window) openDebts() {
	debts, err := w.counter.Debts()
	if err != nil {
		w.settle(err)
		return
	}
	if len(debts) == 0 {
		w.say(accent, "Nadie debe. La cuenta de un cliente está en Cliente ("+w.cap(selling, fyne.KeyF3)+"), Cuenta.")
		return
	}
	var total money.Pesos
	var choices []choice
	for _, d := range debts {
		total += d.Balance
		choices = append(choices, choice{words: w.customerName(d.RUT), detail: sinceWhen(d, w.now()), amount: peso(d.Balance), opens: true, do: func() error {
			w.openDialog(newAccountDialog(w, d.RUT, w.openDebts))
			return nil
		}})
	}
	w.openDialog(newChooseDialog(w, "Fiado", fmt.Sprintf("%s en total. Primero la deuda más antigua. Enter muestra la cuenta y recibe un abono.", peso(total)), choices))
}

// sinceWhen is how long he owes; who bought at other tills only owes there.
func sinceWhen(d sale.Debt, now time.Time) string {
	if d.Since.IsZero() {
		return "en otras cajas, " + asOf(d.AsOf, now)
	}
	return "desde " + ago(d.Since, now)
}

// asOf is how old a figure is: the hour, and the day if that is another one.
func asOf(at, now time.Time) string {
	if day(at) == day(now) {
		return "al " + hour(at)
	}
	return "al " + day(at) + " " + hour(at)
}

// customerName is how the shop calls a customer; his RUT if it does not know him.
func (w *Window) customerName(rut dte.RUT) string {
	if c, err := w.customers.Customer(rut); err == nil {
		return c.RznSoc
	}
	return rut.Dotted()
}

// accountDialog is what a customer owes, how it came to that, and where he pays.
type accountDialog struct {
	w           *Window
	card        fyne.CanvasObject
	rut         dte.RUT
	name        string
	debt        sale.Debt
	moves       []sale.Movement
	at          int
	back        func()
	owes, since *text
	list        *table
	pay, copy   *button
}

// newAccountDialog goes back to where it was opened.
func newAccountDialog(w *Window, rut dte.RUT, back func()) *accountDialog {
	l := w.l
	d := &accountDialog{w: w, rut: rut, name: w.customerName(rut), back: back}
	d.owes, d.since = newText(l, 24, ink, shrink).strong().to(fyne.TextAlignTrailing), newText(l, 16, muted, wrap).upTo(2)
	d.list = newTable(l, []column{
		{"FECHA", 92, fyne.TextAlignLeading}, {"MOVIMIENTO", 0, fyne.TextAlignLeading}, {"MONTO", 110, fyne.TextAlignTrailing}, {"DEBE", 110, fyne.TextAlignTrailing},
	}, func(i int) { d.at = i; d.render() })
	d.list.rowSize, d.list.textSize = 40, 16
	key := func(weight weight, words string, key fyne.KeyName, do func()) *button {
		return newButton(l, weight, words, w.cap(accountPlace, key), do).bigger(18, fyne.NewSize(100, 64))
	}
	d.copy = key(plain, "Copia", fyne.KeyF6, d.reprint)
	d.pay = key(primary, "Abonar", fyne.KeyF12, d.abono)
	d.card = dialogCard(l, 860, col(l.px(10),
		as(row(l.px(16), grow(newText(l, 24, ink, cut).strong().say(d.name)), fixed(l.px(280), d.owes))),
		as(d.since), fixed(l.px(36+40*8), d.list),
		fixed(l.px(64), row(l.px(12), grow(newButton(l, plain, "Volver", "Esc", d.leave).bigger(18, fyne.NewSize(100, 64))),
			grow(d.copy), grow(key(plain, "Cupo", fyne.KeyF4, d.limit)), share(1.3, d.pay)))))
	d.render()
	return d
}

func (d *accountDialog) object() fyne.CanvasObject { return d.card }
func (d *accountDialog) field() *field             { return nil }
func (d *accountDialog) edited()                   {}
func (d *accountDialog) place() place              { return accountPlace }
func (d *accountDialog) enter()                    { d.abono() }
func (d *accountDialog) leave()                    { d.back() }

func (d *accountDialog) keys() []binding {
	return []binding{
		{key: fyne.KeyF4, do: d.limit}, {key: fyne.KeyF6, do: d.reprint, off: d.copy.off}, {key: fyne.KeyF12, do: d.abono},
	}
}

func (d *accountDialog) render() {
	var err error
	if d.debt, d.moves, err = d.w.counter.Debt(d.rut); err != nil {
		d.since.sayIn(sentence(err.Error()), bad)
		return
	}
	d.owes.say(owesWords(d.debt.Balance))
	d.since.sayIn(d.standing(), muted)
	moves := d.moves
	d.at = max(0, min(d.at, len(moves)-1))
	d.list.fill(len(moves), d.at, func(i int) []cell {
		m := moves[i]
		return []cell{{words: day(m.At)}, {words: movementWords(m)}, {words: amountOf(m)}, {words: peso(m.Owes()), bold: true}}
	})
	d.pay.set(d.pay.words, d.pay.cap, d.debt.Balance > 0)
	d.copy.set(d.copy.words, d.copy.cap, d.at < len(moves) && moves[d.at].Key.Folio != 0)
}

func owesWords(balance money.Pesos) string {
	switch {
	case balance > 0:
		return "Debe " + peso(balance)
	case balance < 0:
		return "A favor " + peso(-balance)
	}
	return "No debe nada"
}

// standing is what he may owe, and since when he does.
func (d *accountDialog) standing() string {
	words := "Sin cupo para fiar"
	if d.debt.Limit > 0 {
		words = "Cupo de " + peso(d.debt.Limit) + ", le quedan " + peso(max(0, d.debt.Limit-d.debt.Balance))
	}
	if !d.debt.AsOf.IsZero() {
		words += " · " + elsewhereWords(d.debt.Elsewhere) + " " + asOf(d.debt.AsOf, d.w.now())
	}
	if !d.debt.Since.IsZero() {
		words += " · debe desde el " + day(d.debt.Since)
	}
	return d.rut.Dotted() + " · " + words
}

// elsewhereWords are the part of a debt that is not by this till's account.
func elsewhereWords(elsewhere money.Pesos) string {
	switch {
	case elsewhere > 0:
		return "en otras cajas " + peso(elsewhere)
	case elsewhere < 0:
		return "en otras cajas abonó " + peso(-elsewhere)
	}
	return "contando las otras cajas"
}

// debtWords are what is added to a customer's name where a server tells what he owes at all tills.
func (w *Window) debtWords(rut dte.RUT) string {
	d, err := w.counter.Owed(rut)
	if err != nil || d.AsOf.IsZero() || d.Balance == 0 {
		return ""
	}
	return " · " + strings.ToLower(owesWords(d.Balance)) + " " + asOf(d.AsOf, w.now())
}

func movementWords(m sale.Movement) string {
	switch m.Kind {
	case sale.MoveSale:
		return "Compra, " + strings.ToLower(docTitle(m.Key))
	case sale.MoveReturn:
		return "Devolución, " + strings.ToLower(docTitle(m.Key))
	case sale.MovePaid:
		return strings.TrimSpace("Abono con " + strings.ToLower(methodName(m.Method)) + " " + m.Reference)
	case sale.MoveLimit:
		return "Cupo de " + peso(m.Limit) + ", lo dio " + m.Who
	}
	return string(m.Kind)
}

// amountOf is what a movement moved; a limit moves nothing.
func amountOf(m sale.Movement) string {
	if m.Kind == sale.MoveLimit {
		return ""
	}
	return peso(m.Amount)
}

func (d *accountDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.at += step
		d.render()
	}
	return ok
}

// reprint queues a copy of the document that is marked.
func (d *accountDialog) reprint() {
	if d.at < len(d.moves) {
		d.w.closeDialog()
		d.w.reprint(d.moves[d.at].Key, false)
	}
}

// abonoMethods are the ways to pay a debt.
var abonoMethods = []sale.Method{sale.Efectivo, sale.Debito, sale.Credito, sale.Transferencia, sale.Cheque}

// abono asks how he pays, and then how much.
func (d *accountDialog) abono() {
	w := d.w
	if d.debt.Balance <= 0 {
		return
	}
	id, err := w.counter.NewID() // now: whatever is pressed twice is kept once
	if err != nil {
		w.settle(err)
		return
	}
	var choices []choice
	for _, m := range abonoMethods {
		choices = append(choices, choice{words: methodName(m), opens: true, do: func() error {
			w.openDialog(d.abonoForm(id, m))
			return nil
		}})
	}
	w.openDialog(newChooseDialog(w, "Abono de "+clip(d.name, 40), "Debe "+peso(d.debt.Balance)+". ¿Con qué paga?", choices))
}

func (d *accountDialog) abonoForm(id sale.ID, m sale.Method) *formDialog {
	w := d.w
	all := d.debt.Balance
	if m == sale.Efectivo {
		all = money.CashPayable(all)
	}
	fields := append([]formField{{"Cuánto entrega", "", "Nada escrito: todo, " + peso(all)}}, tenderFields(m, w.now())...)
	why := "Debe " + peso(d.debt.Balance) + ". Se anota en su cuenta y en el turno, y sale un comprobante."
	return newFormDialog(w, "Abono con "+strings.ToLower(methodName(m)), why, "Recibir", fields, func(x []string) (string, error) {
		amount, err := amountIn(x[0])
		if err != nil {
			return "", err
		}
		t, err := tenderOf(m, amount, append(slices.Clone(x[1:]), "", "", ""))
		if err != nil {
			return "", err
		}
		kept, err := w.counter.PayDebt(sale.Abono{ID: id, RUT: d.rut, Name: d.name, Tender: t})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("Recibidos %s de %s. %s. El comprobante va a la impresora.", peso(kept.Received), strings.TrimSuffix(clip(d.name, 40), "."), owesWords(kept.Owes())), nil
	})
}

// amountIn is an amount that was written; nothing is zero.
func amountIn(text string) (money.Pesos, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "$")
	if text == "" {
		return 0, nil
	}
	return money.ParsePesos(text)
}

// limit says how much he may owe.
func (d *accountDialog) limit() {
	w := d.w
	id, err := w.counter.NewID()
	if err != nil {
		w.settle(err)
		return
	}
	w.openDialog(newFormDialog(w, "Cupo de "+clip(d.name, 40), "Lo que puede deber a la vez. Con 0 no se le fía; lo que ya debe queda igual.", "Dar cupo", []formField{
		{"Cupo", d.debt.Limit.String(), "50.000"}, {"Quién lo da", w.s.Person.Name, "Nombre"},
	}, func(x []string) (string, error) {
		limit, err := amountIn(x[0])
		if err != nil {
			return "", err
		}
		if _, err := w.counter.SetCreditLimit(id, d.rut, limit, x[1]); err != nil {
			return "", err
		}
		return clip(d.name, 40) + " puede deber hasta " + peso(limit) + ".", nil
	}))
}

// openAccount is the account of the customer whose RUT is written.
func (d *customerDialog) openAccount() {
	rut, err := dte.ParseRUT(d.said(sale.FieldRUT))
	if err != nil || rut == dte.RUTAnonimo {
		d.refuse(sale.FieldError{Field: sale.FieldRUT, Reason: "para ver su cuenta, escriba el RUT del cliente o elíjalo de la lista"})
		return
	}
	d.w.openDialog(newAccountDialog(d.w, rut, func() { d.w.openDialog(d) }))
}
