package ui

import (
	"errors"
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

// This file says who is at the till: the lock, the approval of what somebody may not do alone, and the people themselves.

// guarded does what not everybody may do.
func (w *Window) guarded(act func() error) {
	if err := act(); !w.asks(err, act, nil) {
		w.settle(err)
	}
}

// allowed does something that only the window does, if whoever is at the till may.
func (w *Window) allowed(right sale.Right, what string, act func()) {
	asked := func() error {
		err := w.counter.May(sale.Ask{Right: right, What: what})
		if err == nil {
			act()
		}
		return err
	}
	if err := asked(); err != nil && !w.asks(err, asked, func() {}) {
		w.settle(err)
	}
}

// asks has what was refused approved on the spot, if that is why it was; then it is done, and after tells so. It is false for
// any other end of the act.
func (w *Window) asks(err error, act func() error, after func()) bool {
	var need sale.ApprovalError
	if !errors.As(err, &need) {
		return false
	}
	who := w.counter.Approvers(need)
	if len(who) == 0 {
		return false
	}
	w.openDialog(newApprovalDialog(w, need, who, func() {
		elsewhere := false
		err := w.counter.Approved(func() error {
			err := act()
			if elsewhere = errors.Is(err, errElsewhere); elsewhere {
				return nil
			}
			return err
		})
		switch {
		case w.asks(err, act, after), elsewhere:
		case err != nil:
			w.settle(err)
		case after != nil:
			after()
		default:
			w.settle(nil)
		}
	}))
	return true
}

// pinDialog asks somebody for their PIN. What is scanned or typed here is never sold, and never shown.
type pinDialog struct {
	w       *Window
	card    fyne.CanvasObject
	list    *table
	pin     *field
	problem *text
	state   *text // of the lock: where one is, when, and how the line is
	people  []sale.Person
	at      int
	locks   bool
	try     func(number int, pin string) error
	then    func()
}

func newPINDialog(w *Window, title, advice, yes string, people []sale.Person) *pinDialog {
	l := w.l
	d := &pinDialog{w: w, people: people, pin: newField(w, "PIN"), problem: newText(l, 16, bad, wrap).upTo(2).strong(), state: newText(l, 16, muted, cut)}
	d.pin.limit = 20
	d.pin.secret()
	d.list = newTable(l, []column{{"", 0, fyne.TextAlignLeading}, {"", 160, fyne.TextAlignTrailing}}, func(i int) {
		d.stand(i)
		d.w.refocus()
	})
	d.list.bare = true
	rows := float32(min(max(len(people), 1), 5))
	d.card = dialogCard(l, 640, col(l.px(12),
		as(newText(l, 24, ink, cut).strong().say(title)),
		as(newText(l, 16, muted, wrap).upTo(3).say(advice)),
		fixed(l.px(d.list.rowSize*rows), d.list),
		fixed(l.px(56), d.pin.framed(20, nil)),
		fixed(l.px(44), d.problem),
		fixed(l.px(22), d.state),
		fixed(l.px(64), row(l.px(12),
			grow(newButton(l, plain, "Volver", "Esc", d.leave).bigger(18, fyne.NewSize(120, 64))),
			grow(newButton(l, primary, yes, "Enter", d.enter).bigger(18, fyne.NewSize(120, 64)))))))
	return d
}

// newApprovalDialog asks somebody who may for what somebody else wants.
func newApprovalDialog(w *Window, need sale.ApprovalError, who []sale.Person, then func()) *pinDialog {
	advice := need.Error() + "."
	if need.What != "" {
		advice = need.What + ". " + advice
	}
	d := newPINDialog(w, "¿Quién lo autoriza?", sentence(advice), "Autorizar", who)
	d.try = func(number int, pin string) error { return w.counter.Approve(need, number, pin) }
	d.then = then
	d.render()
	return d
}

// newLockDialog is the till without anybody: it stays until somebody enters.
func newLockDialog(w *Window) *pinDialog {
	people := slices.DeleteFunc(w.counter.People(), func(p sale.Person) bool { return !p.Active })
	advice := "La venta abierta está a salvo. Elija su nombre con las flechas, o pase su credencial, y escriba su PIN."
	if len(w.s.Cart.Lines) > 0 {
		advice = fmt.Sprintf("Hay una venta abierta de %s, que está a salvo: sigue con quien entre. Elija su nombre, o pase su credencial, y escriba su PIN.", peso(w.s.Total))
	}
	d := newPINDialog(w, w.shop, advice, "Entrar", people)
	d.locks, d.try, d.then = true, w.counter.Enter, func() {
		w.settle(nil)
		w.leftBehind()
	}
	d.stand(max(0, slices.IndexFunc(people, func(p sale.Person) bool { return p.Number == w.s.Person.Number })))
	return d
}

func (d *pinDialog) object() fyne.CanvasObject { return d.card }
func (d *pinDialog) field() *field             { return d.pin }
func (d *pinDialog) keys() []binding           { return nil }
func (d *pinDialog) edited()                   { d.problem.say("") }

func (d *pinDialog) render() {
	d.list.fill(len(d.people), d.at, func(i int) []cell {
		return []cell{{words: d.people[i].Name, bold: true}, {words: string(d.people[i].Role), colour: muted}}
	})
	if d.locks {
		now := d.w.now()
		d.state.say(fmt.Sprintf("%s · %s · %s", d.w.caja, hour(now), lineState(d.w.status, now).words))
	}
}

// stand is at a person; what was typed was somebody else's PIN.
func (d *pinDialog) stand(i int) {
	d.at = i
	d.pin.write("")
	d.render()
}

func (d *pinDialog) move(key fyne.KeyName) bool {
	step, ok := d.list.step(key)
	if ok {
		d.stand(max(0, min(d.at+step, len(d.people)-1)))
	}
	return ok
}

// scanned is a badge, which stands for the name. Anything else is not taken, and not sold either.
func (d *pinDialog) scanned(code string) {
	d.pin.write("")
	i := d.badge(code)
	if i < 0 {
		d.w.beep(BeepFailed)
		d.problem.say("Eso no es una credencial de esta tienda. No se agregó a la venta.")
		return
	}
	d.w.beep(BeepAdded)
	d.stand(i)
	d.problem.say("")
}

// badge is the place of whom a badge names, whatever was typed before it; -1 if it names nobody here.
func (d *pinDialog) badge(code string) int {
	prefix := d.w.settings.Badge
	i := strings.LastIndex(code, prefix)
	if i < 0 || prefix == "" {
		return -1
	}
	number, err := strconv.Atoi(code[i+len(prefix):])
	if err != nil {
		return -1
	}
	return slices.IndexFunc(d.people, func(p sale.Person) bool { return p.Number == number })
}

func (d *pinDialog) enter() {
	pin := d.pin.Text
	d.pin.write("")
	if d.badge(pin) >= 0 { // too short to be known as a scan
		d.scanned(pin)
		return
	}
	if err := d.try(d.people[d.at].Number, pin); err != nil {
		d.w.beep(BeepFailed)
		d.problem.say(stopped(sentence(err.Error())))
		return
	}
	d.w.dropDialog()
	d.then()
}

// leave gives an approval up; a locked till stays locked.
func (d *pinDialog) leave() {
	d.pin.write("")
	if d.locks {
		d.problem.say("La caja está bloqueada. Para seguir, entre con su PIN.")
		return
	}
	d.w.closeDialog()
}

// lock leaves the till to whoever comes next.
func (w *Window) lock() {
	if err := w.counter.Lock(); err != nil {
		w.settle(err)
		return
	}
	w.settle(nil)
}

// keepLocked shows the lock while nobody is at the till, over anything else that a cashier left open.
func (w *Window) keepLocked() {
	if !w.s.Locked || w.frame == nil {
		return
	}
	if d, ok := w.dialog.(*pinDialog); ok && d.locks {
		return
	}
	w.visited = ""
	w.openDialog(newLockDialog(w))
}

// lockIdle locks the till that nobody has touched for as long as the settings say, but never while money is moving.
func (w *Window) lockIdle() {
	idle := time.Duration(w.settings.LockAfter) * time.Minute
	if idle == 0 || !w.s.Staffed || w.s.Locked || w.s.Stage == sale.Paying || w.now().Sub(w.touched) < idle {
		return
	}
	switch w.dialog.(type) {
	case *cardDialog, *doubtDialog:
		return
	}
	w.dropDialog()
	w.lock()
}

// personState is who is at the till; the till itself in a shop that does not say.
func personState(s sale.Snapshot, caja string) state {
	if !s.Staffed {
		return state{theme.IconNameComputer, muted, caja}
	}
	name, _, _ := strings.Cut(s.Person.Name, " ")
	return state{theme.IconNameAccount, muted, clip(name, 9)}
}

// who is the name for what asks for one: whoever is at the till, or who was named before.
func (w *Window) who(before string) string {
	if w.s.Person.Name != "" {
		return w.s.Person.Name
	}
	return before
}

// openPeople lists those who work here, and what goes with them.
func (w *Window) openPeople() {
	var choices []choice
	for _, p := range w.counter.People() {
		detail := string(p.Role)
		if !p.Active {
			detail += ", ya no trabaja aquí"
		}
		choices = append(choices, choice{words: p.Name, detail: detail, opens: true, do: w.editing(p)})
	}
	then := func(open func()) func() error {
		return func() error {
			open()
			return nil
		}
	}
	lock := "nunca"
	if w.settings.LockAfter > 0 {
		lock = fmt.Sprintf("tras %d min sin tocarla", w.settings.LockAfter)
	}
	choices = append(choices,
		choice{words: "Agregar a alguien…", detail: "nombre, rol y PIN", opens: true, do: w.editing(sale.Person{Active: true, Role: sale.Cajero})},
		choice{words: "Permisos del cajero…", opens: true, do: then(func() { w.openPolicy(sale.Cajero, 0) })},
		choice{words: "Permisos del supervisor…", opens: true, do: then(func() { w.openPolicy(sale.Supervisor, 0) })},
		choice{words: "Bloqueo automático…", detail: lock, opens: true, do: then(w.chooseLock)},
		choice{words: "Credenciales…", detail: "empiezan con " + w.settings.Badge, opens: true, do: then(w.chooseBadge)})
	advice := "Con personas, cada venta dice quién la hizo y cada uno hace lo que su rol permite."
	if !w.s.Staffed {
		advice = "Nadie está anotado: la caja no pide PIN y todos hacen todo. Empiece por el dueño."
	}
	w.openDialog(newChooseDialog(w, "Personas", advice, choices))
}

// editing opens what is kept of a person.
func (w *Window) editing(p sale.Person) func() error {
	return func() error {
		w.openDialog(newPersonDialog(w, p))
		return nil
	}
}

// newPersonDialog asks for somebody who works here. Their PIN is written twice and never shown.
func newPersonDialog(w *Window, p sale.Person) *formDialog {
	title, why := "Agregar a alguien", "El PIN lleva de 4 a 8 cifras. En esta caja sólo queda su huella: nadie lo puede leer."
	if p.Number > 0 {
		title, why = p.Name, fmt.Sprintf("Sin PIN nuevo, queda el que tiene. Su credencial dice %s%d.", w.settings.Badge, p.Number)
	}
	role, rut := string(p.Role), ""
	if !w.s.Staffed && p.Number == 0 {
		role = string(sale.Dueno)
	}
	if p.RUT != 0 {
		rut = p.RUT.Dotted()
	}
	d := newFormDialog(w, title, why, "Guardar", []formField{
		{"Nombre", p.Name, "Ana Pérez"},
		{"RUT, si quiere", rut, "12.345.678-5"},
		{"Rol", role, "cajero, supervisor o dueño"},
		{"Trabaja aquí", yesNo(p.Active), "sí o no"},
		{"PIN", "", "4 a 8 cifras"},
		{"El mismo PIN otra vez", "", ""},
	}, func(x []string) (string, error) {
		written, pin, err := readPerson(p, x)
		if err != nil {
			return "", err
		}
		kept, err := w.counter.SavePerson(written, pin)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("Guardado: %s, %s. Su credencial dice %s%d.", kept.Name, kept.Role, w.settings.Badge, kept.Number), nil
	})
	d.fields[4].secret()
	d.fields[5].secret()
	return d
}

// readPerson is what was written about somebody, and their new PIN, if there is one.
func readPerson(p sale.Person, x []string) (written sale.Person, pin string, err error) {
	p.Name, p.RUT = x[0], 0
	if x[1] != "" {
		if p.RUT, err = dte.ParseRUT(x[1]); err != nil {
			return p, "", err
		}
	}
	if p.Role = sale.Role(strings.ToLower(x[2])); p.Role == "dueno" || p.Role == "dueña" {
		p.Role = sale.Dueno
	}
	if p.Active, err = yes(x[3]); err != nil {
		return p, "", err
	}
	if x[4] != x[5] {
		return p, "", errors.New("los dos PIN no son iguales. Escríbalos otra vez")
	}
	return p, x[4], nil
}

func yesNo(yes bool) string {
	if yes {
		return "sí"
	}
	return "no"
}

// openPolicy lists what a role may do without asking; a row turns it.
func (w *Window) openPolicy(role sale.Role, at int) {
	grants := w.counter.Policy()[role]
	var choices []choice
	turn := func(n int, change func() error) func() error {
		return func() error {
			err := change()
			if err == nil {
				w.openPolicy(role, n)
			}
			return err
		}
	}
	for _, right := range sale.Rights() {
		if right == sale.MaySell || right == sale.MayPeople {
			continue // everybody may, and only the owner may
		}
		detail := "pide autorización"
		if grants.Has(right) {
			detail = "sí"
		}
		choices = append(choices, choice{words: sentence(string(right)), detail: detail, opens: true, do: turn(len(choices), func() error {
			return w.counter.SetPolicy(role, grants.With(right, !grants.Has(right)))
		})})
	}
	choices = append(choices, choice{words: "Descuento hasta…", detail: grants.Discount.String() + " %", opens: true, do: func() error {
		w.askDiscount(role, grants)
		return nil
	}})
	d := newChooseDialog(w, "Permisos: "+string(role), "Lo que no puede solo, lo pide: alguien que puede lo autoriza con su PIN, y queda anotado.", choices)
	d.at = at
	d.render()
	w.openDialog(d)
}

func (w *Window) askDiscount(role sale.Role, grants sale.Grants) {
	w.openDialog(newAskDialog(w, "Descuento hasta", "El mayor que "+string(role)+" da sin pedir autorización, de 0 a 100 %.", "Guardar", func(text string) error {
		rate, err := money.ParseRate(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%")))
		if err != nil {
			return err
		}
		grants.Discount = rate
		return w.counter.SetPolicy(role, grants)
	}))
}

func (w *Window) chooseLock() {
	var choices []choice
	for _, minutes := range []int{0, 1, 2, 5, 10, 20} {
		words := "Nunca"
		if minutes > 0 {
			words = fmt.Sprintf("Tras %d min", minutes)
		}
		choices = append(choices, choice{words: words, opens: true, do: w.setting(func(s *Settings) { s.LockAfter = minutes })})
	}
	w.openDialog(newChooseDialog(w, "Bloqueo automático", "Si nadie toca la caja, pide PIN. La venta abierta queda como está.", choices))
}

// setting changes one, for whoever may, and goes back to the people.
func (w *Window) setting(edit func(*Settings)) func() error {
	return func() error {
		err := w.counter.May(sale.Ask{Right: sale.MaySettings})
		if err == nil {
			err = w.change(edit)
		}
		if err == nil {
			w.openPeople()
		}
		return err
	}
}

func (w *Window) chooseBadge() {
	w.openDialog(newAskDialog(w, "Credenciales", "Con qué empieza el código de una credencial; sigue el número de la persona. Vacío: no se usan. Nunca reemplaza al PIN.", "Guardar", func(text string) error {
		if err := w.counter.May(sale.Ask{Right: sale.MaySettings}); err != nil {
			return err
		}
		return w.change(func(s *Settings) { s.Badge = strings.TrimSpace(text) })
	}))
}
