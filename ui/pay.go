package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// payScreen takes the money. The field holds the amount, and for cards and transfers then the number of the operation.
type payScreen struct {
	w       *Window
	body    *fyne.Container
	methods map[sale.Method]*button
	notes   []*button
	paid    *table
	nothing fyne.CanvasObject
	bills   fyne.CanvasObject // and what was received
	fingers *keypad

	document, rounding, cash *amountRow
	law, account             *text
	stillWord, still         *text
	changeWord, change       *text

	// method and amount wait for the operation's number; method is empty while an amount is typed.
	method sale.Method
	amount money.Pesos
}

// amountRow is a word and an amount on one line.
type amountRow struct {
	object       fyne.CanvasObject
	word, amount *text
}

func newAmountRow(l *look, word string, size float32) *amountRow {
	r := &amountRow{word: newText(l, size, muted, cut).say(word), amount: newText(l, size+2, ink, shrink).strong().to(fyne.TextAlignTrailing)}
	r.object = row(l.px(8), share(1.5, r.word), share(1, r.amount))
	return r
}

func newPayScreen(w *Window) *payScreen {
	l := w.l
	s := &payScreen{w: w, methods: map[sale.Method]*button{}}
	var methods []item
	for _, k := range methodKeys {
		b := newButton(l, plain, methodName(k.method), w.cap(paying, k.key), func() { s.use(k.method) }).bigger(16, fyne.NewSize(100, 56))
		s.methods[k.method] = b
		methods = append(methods, share(max(1, float32(len(b.words))/8), b))
	}
	var notes []item
	for _, n := range []money.Pesos{0, 1000, 2000, 5000, 10000, 20000} {
		words := peso(n)
		if n == 0 {
			words = "Exacto"
		}
		b := newButton(l, plain, words, "", func() { s.note(n) }).bigger(17, fyne.NewSize(56, 56))
		s.notes = append(s.notes, b)
		notes = append(notes, grow(b))
	}
	s.paid = newTable(l, []column{{"RECIBIDO", 0, fyne.TextAlignLeading}, {"OPERACIÓN", 130, fyne.TextAlignLeading}, {"MONTO", 130, fyne.TextAlignTrailing}}, nil)
	s.paid.rowSize = 36
	s.nothing = newText(l, 15, muted, wrap).upTo(2).say("Enter cobra el total en efectivo. O escriba cuánto entrega el cliente y elija cómo paga.")
	s.bills = col(l.px(10), as(label(l, "BILLETES QUE ENTREGA")), fixed(l.px(56), row(l.px(8), notes...)), grow(stack(s.paid, s.nothing)))
	s.fingers = newKeypad(w)
	s.account = newText(l, 15, ink, cut).to(fyne.TextAlignTrailing)
	left := newPanel(l, card, pad(l.px(16), l.px(12), col(l.px(10),
		as(row(l.px(12), as(label(l, "CÓMO PAGA")), grow(s.account))), fixed(l.px(56), row(l.px(8), methods[:3]...)), fixed(l.px(56), row(l.px(8), methods[3:]...)),
		grow(stack(s.bills, s.fingers.Container))))).edge(hairline, 1)

	s.document, s.rounding, s.cash = newAmountRow(l, "Total del documento", 16), newAmountRow(l, "Redondeo Ley 20.956", 16), newAmountRow(l, "A pagar en efectivo", 19)
	s.law = newText(l, 13, muted, wrap).upTo(2).atTop().say("Solo el efectivo se redondea a la decena: de 1 a 5 baja, de 6 a 9 sube.")
	s.stillWord, s.still = newText(l, 15, muted, cut).strong(), newText(l, 48, ink, shrink).strong()
	s.changeWord, s.change = newText(l, 15, muted, cut).strong(), newText(l, 64, good, shrink).strong()
	right := newPanel(l, card, pad(l.px(20), l.px(16), col(l.px(8),
		as(s.document.object), as(s.rounding.object), as(s.cash.object), as(s.law),
		fixed(1, newPanelSquare(l, hairline)),
		as(s.stillWord), fixed(l.px(64), s.still), as(s.changeWord), fixed(l.px(84), s.change), grow(spacer())))).edge(hairline, 1)
	s.body = beside(l, left, right)
	return s
}

func label(l *look, words string) *text { return newText(l, 13, muted, cut).strong().say(words) }

func (s *payScreen) object() fyne.CanvasObject { return s.body }

func (s *payScreen) render(p sale.Snapshot) {
	setVisible(s.bills, !s.w.padUp)
	setVisible(s.fingers.Container, s.w.padUp)
	s.fingers.render()
	open := p.Due != 0
	for m, b := range s.methods {
		b.set(methodName(m), b.cap, open && s.method == "")
		b.choose(s.method == m)
	}
	for _, b := range s.notes {
		b.set(b.words, "", open && s.method == "")
	}
	s.document.amount.say(peso(p.Total))
	s.rounding.amount.say(peso(rounding(p)))
	s.cash.amount.say(peso(cashTotal(p)))
	s.renderDue(p)
	s.account.say(s.accountWords(p.Debt))
	tenders := p.Payment.Tenders
	setVisible(s.nothing, len(tenders) == 0)
	setVisible(s.paid, len(tenders) > 0)
	s.paid.fill(len(tenders), len(tenders)-1, func(i int) []cell {
		return []cell{{words: methodName(tenders[i].Method)}, {words: tenderNote(tenders[i])}, {words: peso(tenders[i].Received), bold: true}}
	})
}

// rounding is what cash is or would be rounded by; cashTotal is what the cash part comes to.
func rounding(p sale.Snapshot) money.Pesos {
	if p.Due == 0 {
		return p.Payment.Rounding
	}
	return p.DueCash - p.Due
}

func cashTotal(p sale.Snapshot) money.Pesos {
	if p.Due != 0 {
		return p.DueCash
	}
	var cash money.Pesos
	for _, t := range p.Payment.Tenders {
		if t.Method == sale.Efectivo {
			cash += t.Amount // each is within the total, which fits
		}
	}
	return cash
}

// renderDue shows what is missing and the change, also for what is only typed so far.
func (s *payScreen) renderDue(p sale.Snapshot) {
	s.change.colour = good
	switch typed, err := money.ParsePesos(s.w.sink.Text); {
	case p.Due == 0:
		s.stillWord.say("PAGADO")
		s.still.say(peso(p.Total + p.Payment.Rounding))
		s.changeWord.say("VUELTO")
		s.change.say(peso(p.Payment.Change))
	case s.method == "" && err == nil && typed >= p.DueCash:
		s.stillWord.say("FALTA")
		s.still.say(peso(p.Due))
		s.changeWord.say("VUELTO SI ES EFECTIVO")
		s.change.say(peso(typed - p.DueCash))
	default:
		s.stillWord.say("FALTA")
		s.still.say(peso(p.Due))
		s.changeWord.say("")
		s.change.say("")
	}
}

// accountWords are what the buyer owes at all tills, as of when, and what he may owe more.
func (s *payScreen) accountWords(d *sale.Debt) string {
	if d == nil || d.Balance == 0 && d.Limit == 0 {
		return ""
	}
	room := ", sin cupo"
	if d.Limit > 0 {
		room = ", le quedan " + peso(max(0, d.Limit-d.Balance))
	}
	return "Fiado: " + strings.ToLower(owesWords(d.Balance)) + " " + asOf(d.AsOf, s.w.now()) + room
}

func (s *payScreen) prompt(p sale.Snapshot) string {
	switch {
	case p.Due == 0:
		return "Pago completo. Enter emite"
	case s.method != "":
		return "N.º de operación (Enter sin número)"
	}
	return "Monto recibido (Enter: exacto)"
}

func (s *payScreen) main(p sale.Snapshot) mainAction {
	return mainAction{"EMITIR", "F12", p.Due == 0, s.issue}
}

func (s *payScreen) keys() []binding {
	w := s.w
	open := w.s.Due != 0 && s.method == ""
	keys := []binding{{key: fyne.KeyF11, keycap: "F11", words: "Ayuda", help: "muestra las teclas de esta pantalla", do: func() { w.openDialog(newHelpDialog(w, s.keys())) }}}
	for _, k := range methodKeys {
		keys = append(keys, binding{key: k.key, keycap: keycap(k.key), help: k.help, do: func() { s.use(k.method) }, off: !open})
	}
	if charged(w.s.Payment) {
		keys = append(keys, binding{key: fyne.KeyF8, keycap: "F8", words: "Anulado", help: "anota que el cobro se anuló en el terminal", do: w.releaseCards})
	}
	return append(keys, []binding{
		{key: fyne.KeyF12, keycap: "F12", help: "emite el documento cuando el pago está completo", do: s.issue},
		{keycap: "Esc", words: "Volver", help: "vuelve a la venta y borra los pagos; los productos quedan", do: func() { w.escape(w.sink) }},
		{keycap: "Enter", help: "con el campo vacío, efectivo exacto; con el pago completo, emite"},
	}...)
}

// typed is the amount in the field; an empty field is zero: all that is due.
func (s *payScreen) typed() (money.Pesos, error) {
	text := strings.TrimSpace(s.w.sink.Text)
	if text == "" {
		return 0, nil
	}
	amount, err := money.ParsePesos(text)
	return amount, unpaid(err)
}

// unpaid adds to what cannot be read what is safe.
func unpaid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w. No se cobró nada; la venta sigue abierta", err)
}

// methodKeys are the means of payment in the order of their keys.
var methodKeys = []struct {
	method sale.Method
	key    fyne.KeyName
	help   string
}{
	{sale.Efectivo, fyne.KeyF1, "recibe efectivo: el monto escrito, o justo lo que falta"},
	{sale.Debito, fyne.KeyF2, "tarjeta de débito, con su número de operación"},
	{sale.Credito, fyne.KeyF3, "tarjeta de crédito, con su número de operación y sus cuotas"},
	{sale.Transferencia, fyne.KeyF4, "transferencia, con su número de operación"},
	{sale.Cheque, fyne.KeyF5, "cheque: banco, número y fecha"},
	{sale.Vale, fyne.KeyF6, "vale de esta caja: lo que quede en él, o el monto escrito"},
	{sale.Fiado, fyne.KeyF7, "lo anota en la cuenta del cliente, hasta su cupo"},
}

// tenderNote is what tells a tender from others of its kind.
func tenderNote(t sale.Tender) string {
	switch {
	case t.Method == sale.Cheque:
		return "N.º " + t.Cheque.Numero
	case t.Cuotas > 1:
		return strings.TrimSpace(fmt.Sprintf("%s %d cuotas", t.Reference, t.Cuotas))
	}
	return t.Reference
}

// use pays the typed amount with a method. Cash and credit of the shop are taken at once; the others ask first.
func (s *payScreen) use(m sale.Method) {
	if text := s.w.sink.Text; barCode(text) {
		s.w.take(s.w.sink, separate(text), "")
		return
	}
	amount, err := s.typed()
	if err != nil {
		s.w.settle(err)
		return
	}
	if m.Card() && s.w.cards != nil {
		s.w.chargeCard(m, amount)
		return
	}
	switch m {
	case sale.Efectivo, sale.Fiado:
		s.tender(m, amount, "")
	case sale.Credito, sale.Cheque, sale.Vale:
		s.ask(m, amount)
	default:
		s.method, s.amount = m, amount
		s.w.sink.write("")
		s.w.settle(nil)
	}
}

// ask has a form filled in for what needs more than a number.
func (s *payScreen) ask(m sale.Method, amount money.Pesos) {
	why, yes := "Paga lo que falta.", "Pagar"
	if amount != 0 {
		why = "Paga " + peso(amount) + "."
	}
	s.w.openDialog(newFormDialog(s.w, methodName(m), why, yes, tenderFields(m, s.w.now()), func(x []string) (string, error) {
		t, err := tenderOf(m, amount, x)
		if err = unpaid(err); err == nil {
			err = s.w.counter.Pay(t)
		}
		if err != nil {
			return "", err
		}
		s.w.sink.write("")
		paid := s.w.counter.Snapshot().Payment.Tenders
		return fmt.Sprintf("%s por %s.", methodName(m), peso(paid[len(paid)-1].Amount)), nil
	}))
}

// tenderFields are what a means of payment needs besides its amount.
func tenderFields(m sale.Method, now time.Time) []formField {
	switch m {
	case sale.Credito:
		return []formField{{"N.º de operación", "", "Del comprobante"}, {"Cuotas", "", "Vacío: sin cuotas"}}
	case sale.Cheque:
		return []formField{{"Banco", "", ""}, {"Número del cheque", "", ""}, {"Fecha", day(now), "Día en que se cobra"}}
	case sale.Vale:
		return []formField{{"Código del vale", "", "Escrito o escaneado"}}
	case sale.Debito, sale.Transferencia:
		return []formField{{"N.º de operación", "", "Del comprobante"}}
	case sale.Efectivo, sale.Fiado:
	}
	return nil
}

// tenderOf reads what was filled in.
func tenderOf(m sale.Method, amount money.Pesos, x []string) (t sale.Tender, err error) {
	t = sale.Tender{Method: m, Received: amount}
	switch m {
	case sale.Cheque:
		t.Cheque = sale.ChequeData{Banco: x[0], Numero: x[1]}
		t.Cheque.Fecha, err = civilDate(x[2])
	case sale.Credito:
		t.Reference = x[0]
		if x[1] != "" {
			if t.Cuotas, err = strconv.Atoi(x[1]); err != nil {
				err = fmt.Errorf("las cuotas se escriben con cifras: «%s» no se entiende", x[1])
			}
		}
	default:
		t.Reference = x[0]
	}
	return t, err
}

// civilDate reads a day as people write it: 16-03-2026. An empty one is no date.
func civilDate(text string) (dte.Date, error) {
	if text == "" {
		return dte.Date{}, nil
	}
	at, err := time.ParseInLocation("2-1-2006", strings.ReplaceAll(text, "/", "-"), dte.Santiago)
	if err != nil {
		return dte.Date{}, fmt.Errorf("la fecha «%s» no se entiende: se escribe día-mes-año, como 16-03-2026", text)
	}
	return dte.DateOf(at), nil
}

func (s *payScreen) tender(m sale.Method, amount money.Pesos, reference string) {
	s.method, s.amount = "", 0
	s.w.guarded(func() error {
		err := s.w.counter.Tender(m, amount, reference)
		if err == nil {
			s.w.sink.write("")
		}
		return err
	})
}

// note is a banknote laid on the counter: it adds to the amount in the field. Zero is exact cash.
func (s *payScreen) note(n money.Pesos) {
	if n == 0 {
		s.tender(sale.Efectivo, 0, "")
		return
	}
	sum, err := s.typed()
	if err == nil {
		sum, err = sum.Add(n)
	}
	if err == nil {
		s.w.sink.write(sum.String())
	}
	s.w.settle(err)
}

// issue ends the payment. A code that came too slowly to be told from fingers waits for the next sale.
func (s *payScreen) issue() {
	if text := s.w.sink.Text; s.method == "" && barCode(text) {
		s.w.take(s.w.sink, separate(text), "")
	}
	if s.w.counter.Snapshot().AskModelo {
		s.w.askModelo(s.issueNow)
		return
	}
	s.issueNow()
}

func (s *payScreen) issueNow() {
	_, err := s.w.counter.Issue()
	if err == nil {
		s.w.sink.write("")
	}
	s.w.settle(err)
}

// enter pays, or issues what is paid. Once it is, nothing is left to type: what stands in the field may be a scanner's, and
// so may this Enter.
func (s *payScreen) enter(text string) {
	switch {
	case s.method == "" && barCode(text):
		s.w.take(s.w.sink, separate(text), "")
	case s.w.s.Due == 0 && text != "":
		s.w.settle(fmt.Errorf("el pago está completo y «%s» no es parte de él. No se emitió nada: borre lo escrito (Esc) y pulse Enter", clip(text, 20)))
	case s.w.s.Due == 0:
		s.issue()
	case s.method != "":
		s.tender(s.method, s.amount, strings.TrimSpace(text))
	default:
		s.use(sale.Efectivo)
	}
}

func (s *payScreen) edited(string)          { s.renderDue(s.w.s) }
func (s *payScreen) move(fyne.KeyName) bool { return false }

func (s *payScreen) back() {
	if s.method != "" {
		s.method, s.amount = "", 0
	} else {
		s.w.counter.Back()
	}
	s.w.settle(nil)
}

// doneScreen is the end of a sale: the change, as large as it gets, and what became of the document.
type doneScreen struct {
	w                       *Window
	body                    *fyne.Container
	word, change            *text
	document, detail, total *text
	sent, printed           *badge
	again, send             *button
}

func newDoneScreen(w *Window) *doneScreen {
	l := w.l
	s := &doneScreen{
		w:        w,
		word:     newText(l, 20, muted, cut).strong().to(fyne.TextAlignCenter),
		change:   newText(l, 120, good, shrink).strong().to(fyne.TextAlignCenter),
		document: newText(l, 26, ink, cut).strong(), detail: newText(l, 16, muted, cut), total: newText(l, 26, ink, shrink).strong().to(fyne.TextAlignTrailing),
		sent: newBadge(l, nil), printed: newBadge(l, nil),
	}
	s.sent.words.size, s.printed.words.size = 17, 17
	s.again = newButton(l, plain, "Reimprimir", w.cap(done, fyne.KeyF6), s.reprint).with(theme.IconNameDocumentPrint).bigger(17, fyne.NewSize(180, 56))
	s.send = newButton(l, plain, "Enviar", w.cap(done, fyne.KeyF5), s.copies).with(theme.IconNameMailForward).bigger(17, fyne.NewSize(150, 56))
	facts := newPanel(l, sunk, pad(l.px(24), l.px(16), col(l.px(8),
		as(row(l.px(16), grow(s.document), fixed(l.px(220), s.total))), as(s.detail),
		as(row(l.px(12), grow(s.sent.panel), grow(s.printed.panel), as(s.again), as(s.send))))))
	s.body = stack(newPanel(l, card, pad(l.px(24), l.px(24), col(l.px(8),
		grow(spacer()), as(s.word), fixed(l.px(150), s.change), grow(spacer()), as(facts)))).edge(hairline, 1))
	return s
}

func (s *doneScreen) object() fyne.CanvasObject { return s.body }

func (s *doneScreen) render(p sale.Snapshot) {
	if p.Last == nil {
		return
	}
	r := *p.Last
	s.word.say("VUELTO")
	s.change.say(peso(r.Payment.Change))
	if r.Payment.Change == 0 {
		s.word.say("PAGADO")
		s.change.say("Sin vuelto")
	}
	switch {
	case r.Key.Tipo == sale.Cambio:
		s.word.say("CAMBIO")
		s.change.say("Sin diferencia")
	case r.GivesBack():
		s.word.say("DEVUELVA")
		s.change.say(peso(givenBack(r.Payment)))
	}
	if why := r.Payment.Unpaid; why != "" {
		s.word.say("SIN PAGO")
		s.change.say(unpaidWords(why))
	}
	s.document.say(docTitle(r.Key))
	s.total.say(peso(r.Total))
	s.detail.say(paymentWords(r))
	info := s.info(r)
	s.sent.tell(sentWords(info.State, s.w.status.Line))
	setVisible(s.again, !undocumented(r))
	setVisible(s.send, !undocumented(r))
	if sale.IsSlip(r.Key.Tipo) {
		s.sent.tell(state{theme.IconNameConfirm, good, "Comprobante interno: no va al SII"})
		s.printed.tell(state{theme.IconNameDocumentPrint, muted, "Sale un comprobante de la caja"})
		return
	}
	if undocumented(r) {
		s.sent.tell(state{theme.IconNameConfirm, good, "Sin boleta: vale el comprobante de la tarjeta"})
		s.printed.tell(state{theme.IconNameDocumentPrint, muted, "Entréguelo al cliente"})
		return
	}
	if p.Training {
		s.sent.tell(state{theme.IconNameInfo, accent, "De práctica: no va al SII"})
	}
	s.printed.tell(printState(info))
}

// undocumented is a sale with nothing to print again.
func undocumented(r sale.Record) bool {
	return r.Key.Tipo == sale.Comprobante || sale.IsSlip(r.Key.Tipo)
}

func givenBack(p sale.Payment) (sum money.Pesos) {
	for _, t := range p.Tenders {
		sum += t.Amount
	}
	return sum
}

// info is what became of the document; a list that cannot be read must not spoil the end of a sale.
func (s *doneScreen) info(r sale.Record) sale.DocumentInfo {
	list, err := s.w.documents.Documents(sale.DocumentQuery{Tipo: r.Key.Tipo, Limit: 5})
	if err == nil {
		for _, d := range list {
			if d.Key == r.Key {
				return d
			}
		}
	}
	return sale.DocumentInfo{Record: r}
}

// paymentWords is how a sale was paid: "Efectivo $2.000 · redondeo -$4".
func paymentWords(r sale.Record) string {
	var parts []string
	if why := r.Payment.Unpaid; why != "" {
		parts = append(parts, unpaidWords(why)+", sin pago")
	}
	for _, t := range r.Payment.Tenders {
		words := methodName(t.Method) + " " + peso(t.Received)
		if note := tenderNote(t); note != "" {
			words += " (" + note + ")"
		}
		parts = append(parts, words)
	}
	if r.Payment.Rounding != 0 {
		parts = append(parts, "redondeo "+peso(r.Payment.Rounding))
	}
	return strings.Join(parts, " · ")
}

func (s *doneScreen) prompt(sale.Snapshot) string { return "Escanee para la siguiente venta" }

func (s *doneScreen) main(sale.Snapshot) mainAction {
	return mainAction{"SIGUIENTE", "Enter", true, s.next}
}

func (s *doneScreen) next() {
	s.w.counter.Next()
	s.w.frame.result.none()
	s.w.settle(nil)
}

func (s *doneScreen) reprint() {
	p := s.w.s
	if p.Last != nil && !undocumented(*p.Last) {
		s.w.reprint(p.Last.Key, false)
	}
}

// copies hands the document over in another way.
func (s *doneScreen) copies() {
	p := s.w.s
	if p.Last != nil && !undocumented(*p.Last) {
		s.w.openCopies(s.info(*p.Last))
	}
}

func (s *doneScreen) keys() []binding {
	w := s.w
	keys := []binding{
		w.help(fyne.KeyF1, "F1"),
		w.menu(),
		{key: fyne.KeyF9, keycap: "F9", words: "Cajón", help: "abre el cajón o mueve efectivo; otra vez: turno", do: w.openDrawer},
		{key: fyne.KeyF10, keycap: "F10", help: "bloquea la caja o cambia de cajero", do: w.lock},
		{key: fyne.KeyF12, keycap: "F12", help: "comienza la siguiente venta", do: s.next},
		{keycap: "Enter", help: "comienza la siguiente venta; escanear un producto también"},
	}
	if w.s.Last == nil || !undocumented(*w.s.Last) {
		keys = slices.Insert(keys, 2, binding{key: fyne.KeyF6, keycap: "F6", words: "Reimprimir", help: "imprime una copia más", do: s.reprint},
			binding{key: fyne.KeyF5, keycap: "F5", words: "Enviar", help: "PDF, correo, WhatsApp o copia cedible", do: s.copies})
	}
	return keys
}

// enter begins the next sale, with what was typed.
func (s *doneScreen) enter(text string) {
	s.next()
	if text != "" {
		s.w.screen().enter(text)
	}
}

func (s *doneScreen) edited(string)          {}
func (s *doneScreen) move(fyne.KeyName) bool { return false }
func (s *doneScreen) back()                  { s.next() }
