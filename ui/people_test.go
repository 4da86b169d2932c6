package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"mostrador/sale"
)

const f10 = fyne.KeyF10

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// crew has Rosa own the shop (9999), Luis watch it (8888) and Ana at the till (1111).
func (x *world) crew() {
	x.t.Helper()
	for _, p := range []struct {
		name string
		role sale.Role
		pin  string
	}{{"Rosa Díaz", sale.Dueno, "9999"}, {"Luis Soto", sale.Supervisor, "8888"}, {"Ana Pérez", sale.Cajero, "1111"}} {
		_, err := x.till.SavePerson(sale.Person{Name: p.name, Role: p.role, Active: true}, p.pin)
		must(x.t, err)
	}
	must(x.t, x.till.Enter(3, "1111"))
	x.w.settle(nil)
}

func (x *world) lastEvent() sale.Event {
	x.t.Helper()
	events, err := x.journal.Events(1)
	must(x.t, err)
	if len(events) == 0 {
		x.t.Fatal("the log is empty")
	}
	return events[0]
}

// A shop that has created nobody sees nothing of all this, and F10 says where it begins.
func TestAShopWithoutPeopleIsAskedNothing(t *testing.T) {
	x := newWorld(t)
	fill(x, 2)
	x.press(f10)
	x.sees("agregue primero a las personas: Menú, Personas", "CAJA1")
	x.press(esc, f4)
	x.choose("Vaciar la venta…", "No puede pagar")
	if n := len(x.lines()); n != 0 {
		t.Errorf("%d lines are left", n)
	}
	if e := x.lastEvent(); e.Who != "" || e.Kind != sale.EventVoided {
		t.Errorf("the log says %+v", e)
	}
}

// The owner begins with herself, from the menu, and is at the till from then on.
func TestTheFirstPersonIsTheOwner(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Personas")
	x.sees("Nadie está anotado")
	x.choose("Agregar a alguien…")
	fields := x.w.dialog.(*formDialog).fields
	x.finger("Rosa Díaz")
	if fields[2].Text != "dueño" {
		t.Errorf("the first one is a %q", fields[2].Text)
	}
	x.press(enter, enter, enter, enter)
	x.finger("9999")
	x.press(enter)
	x.finger("9998")
	x.press(f12)
	x.sees("Los dos PIN no son iguales")
	x.press(fyne.KeyBackspace)
	x.finger("9")
	x.press(f12)
	x.sees("Guardado: Rosa Díaz, dueño. Su credencial dice EMP1.", "Rosa")
	x.seesNot("9999")
	if !fields[4].Password || !fields[5].Password {
		t.Error("the PIN is shown while it is written")
	}
	if s := x.snap(); s.Person.Name != "Rosa Díaz" || s.Locked {
		t.Errorf("at the till: %+v, locked %v", s.Person, s.Locked)
	}
}

// F10 locks: nothing of the sale is seen, nothing is sold, and the sale is there for whoever enters.
func TestTheTillIsLockedAndChangesItsCashier(t *testing.T) {
	x := newWorld(t)
	x.crew()
	x.sees("Ana")
	fill(x, 2)
	before := x.lines()
	x.press(f10)
	x.sees("Almacén Doña Rosa", "CAJA1 · 12:30 · ", "Ana Pérez", "Luis Soto", "Hay una venta abierta de")
	if backdrop(x.w.dialog) != ground {
		t.Error("the sale shines through")
	}
	for _, keys := range [][]fyne.KeyName{{esc}, {f12}, {f11}, {f9}, {f10}, {f4}, {fyne.KeyDelete}, {esc, esc}} {
		x.press(keys...)
		if d, ok := x.w.dialog.(*pinDialog); !ok || !d.locks {
			t.Fatalf("%v opened %T", keys, x.w.dialog)
		}
	}
	x.press(fyne.KeyUp)
	x.enter("1111")
	x.sees("El PIN no corresponde a Luis Soto")
	x.enter("8888")
	x.sees("Luis", "COBRAR")
	if s := x.snap(); s.Person.Name != "Luis Soto" || len(s.Cart.Lines) != len(before) {
		t.Errorf("at the till: %+v, with %d lines", s.Person, len(s.Cart.Lines))
	}
	if e := x.lastEvent(); e.What != "entra Luis Soto en lugar de Ana Pérez, con una venta abierta" {
		t.Errorf("the log says %+v", e)
	}
	x.press(f12, enter, enter)
	if r := x.last(); r.Who != "Luis Soto" {
		t.Errorf("sold by %q", r.Who)
	}
}

// What is scanned or typed at the PIN never reaches the sale, and no PIN is ever on the screen.
func TestNothingTypedAtThePINIsSold(t *testing.T) {
	x := newWorld(t)
	x.crew()
	fill(x, 2)
	n := len(x.lines())
	x.press(f10)
	x.scan(leche)
	x.sees("Eso no es una credencial de esta tienda. No se agregó a la venta.")
	x.w.Scanned(leche)
	x.finger("111")
	x.seesNot("111")
	x.scan("EMP2")
	d := x.w.dialog.(*pinDialog)
	if d.people[d.at].Name != "Luis Soto" || d.pin.Text != "" {
		t.Errorf("the badge stands at %s; the field has %q", d.people[d.at].Name, d.pin.Text)
	}
	x.w.Scanned("EMP3")
	if d.people[d.at].Name != "Ana Pérez" {
		t.Errorf("the badge stands at %s", d.people[d.at].Name)
	}
	x.press(enter) // a badge is no PIN
	if !x.snap().Locked {
		t.Fatal("a badge opened the till")
	}
	x.pass(time.Minute)
	x.enter("1111")
	x.pass(time.Second)
	if got := len(x.lines()); got != n || x.snap().Locked {
		t.Errorf("%d lines of %d, locked %v", got, n, x.snap().Locked)
	}
	if !d.pin.Password {
		t.Error("the PIN is shown")
	}
	for _, o := range test.WidgetRenderer(d.pin).Objects() {
		if _, eye := o.(fyne.Tappable); eye {
			t.Errorf("a tap on %T shows the PIN", o)
		}
	}
}

// What a cashier may not do is approved on the spot, wherever it was asked for; Escape leaves everything as it was.
func TestApprovalOnTheSpot(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  func(x *world)
		done func(x *world) bool
		says string
	}{
		{"a list", func(x *world) { x.press(f4); x.choose("Vaciar la venta…", "No puede pagar") }, func(x *world) bool { return len(x.lines()) == 0 }, "anular la venta"},
		{"words", func(x *world) {
			x.press(f4)
			x.choose("Vaciar la venta…", "Otro motivo…")
			x.enter("se enojó")
		}, func(x *world) bool { return len(x.lines()) == 0 }, "anular la venta"},
		{"a discount", func(x *world) {
			x.press(f4)
			x.choose("Descuento al total…")
			x.enter("20%")
			x.choose("Por vencer")
		}, func(x *world) bool { return x.snap().Cart.Off.Pct == 2000 }, "descontar 20 %"},
		{"a form", func(x *world) {
			must(x.t, x.till.OpenShift(50_000))
			x.press(f9)
			x.choose("Retiro de efectivo…")
			x.enter("20.000")
			x.finger("al banco")
			x.press(f12)
		}, func(x *world) bool { return x.snap().Shift.CashOut == 20_000 }, "ingresar o retirar efectivo"},
		{"the drawer", func(x *world) { x.press(f9); x.choose("Abrir: dar sencillo") }, func(x *world) bool { x.work(); return x.drawer.opened == 1 }, "abrir el cajón sin venta"},
		{"the drawer, in words", func(x *world) { x.press(f9); x.choose("Abrir por otro motivo…"); x.enter("una llave") }, func(x *world) bool { x.work(); return x.drawer.opened == 1 }, "abrir el cajón sin venta"},
		{"reports", func(x *world) { x.press(f11); x.choose("Conciliar con el SII") }, func(x *world) bool { return x.w.place() == reconciling }, "ver reportes"},
		{"settings", func(x *world) { x.press(f11); x.choose("Ajustes") }, func(x *world) bool {
			_, ok := x.w.dialog.(*chooseDialog)
			return ok
		}, "cambiar ajustes"},
		{"people", func(x *world) {
			x.press(f11)
			x.choose("Personas", "Luis Soto")
			x.press(fyne.KeyUp, fyne.KeyUp, fyne.KeyUp)
			x.w.dialog.(*formDialog).fields[3].write("no")
			x.press(f12)
		}, func(x *world) bool { return !x.till.People()[1].Active }, "cambiar personas y permisos"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, taken := range []bool{false, true} {
				x := newWorld(t)
				x.crew()
				fill(x, 2)
				c.ask(x)
				x.sees("¿Quién lo autoriza?", "Ana Pérez no puede "+c.says, "Rosa Díaz")
				x.enter("1234")
				x.sees("El PIN no corresponde")
				if c.done(x) && c.name != "settings" {
					t.Fatal("a wrong PIN did it")
				}
				if !taken {
					x.press(esc)
					if c.done(x) || x.snap().Locked {
						t.Error("it was given up and done")
					}
					continue
				}
				x.enter("9999")
				if !c.done(x) {
					t.Fatalf("it was approved and not done; the screen says:\n%s", x.words())
				}
				if e := x.lastEvent(); e.Kind != sale.EventApproved || e.Who != "Ana Pérez" || e.Approved != "Rosa Díaz" || !strings.HasPrefix(e.What, c.says) {
					t.Errorf("the log says %+v", e)
				}
				if _, asks := x.w.dialog.(*pinDialog); asks {
					t.Error("the question is still there")
				}
			}
		})
	}
}

// Who may is not asked.
func TestTheOwnerIsNotAsked(t *testing.T) {
	x := newWorld(t)
	x.crew()
	must(t, x.till.Enter(1, "9999"))
	fill(x, 2)
	x.press(f4)
	x.choose("Vaciar la venta…", "No puede pagar")
	if n := len(x.lines()); n != 0 || x.w.dialog != nil {
		t.Errorf("%d lines, %T", n, x.w.dialog)
	}
	x.press(f11)
	x.choose("Personas", "Permisos del cajero…", "Anular la venta")
	if !x.till.Policy()[sale.Cajero].Has(sale.MayVoid) {
		t.Error("the right was not given")
	}
	x.choose("Descuento hasta…")
	x.enter("12,5%")
	if d := x.till.Policy()[sale.Cajero].Discount; d != 1250 {
		t.Errorf("cashiers discount %d", d)
	}
}

// The till that nobody touches is locked after the minutes of the settings, never while somebody pays.
func TestAnIdleTillLocksItself(t *testing.T) {
	x := newWorld(t)
	x.crew()
	x.w.tick()
	x.pass(time.Hour)
	if x.snap().Locked {
		t.Fatal("it locked itself though nobody said so")
	}
	must(t, x.till.Enter(1, "9999"))
	x.w.settle(nil)
	x.press(f11)
	x.choose("Personas", "Bloqueo automático…", "Tras 5 min")
	if x.lastKept().LockAfter != 5 {
		t.Errorf("kept %+v", x.lastKept())
	}
	x.press(esc)
	fill(x, 2)
	lines := len(x.lines())
	x.pass(4 * time.Minute)
	x.finger("l")
	x.press(fyne.KeyBackspace)
	x.pass(4 * time.Minute)
	if x.snap().Locked {
		t.Fatal("it was touched a moment ago")
	}
	x.press(f12)
	x.pass(time.Hour)
	if x.snap().Locked {
		t.Fatal("it locked itself in the middle of a payment")
	}
	x.press(esc, f11)
	x.pass(6 * time.Minute)
	if !x.snap().Locked {
		t.Fatal("it stands open")
	}
	x.sees("Hay una venta abierta de")
	x.enter("9999")
	if n := len(x.lines()); n != lines || x.snap().Locked {
		t.Errorf("%d lines, locked %v", n, x.snap().Locked)
	}
}

// A till that has people begins locked.
func TestTheTillOpensLocked(t *testing.T) {
	x := newWorld(t)
	x.crew()
	fill(x, 2)
	deps := Deps{
		Counter: reopened(t, x), Documents: x.docs, Notices: x.news, Customers: x.buyers, Comunas: comunas, Office: x.office, Shop: "Almacén Doña Rosa", Caja: "CAJA1",
		Settings: DefaultSettings(), Now: func() time.Time { return x.now }, Loop: inline{}, After: func(time.Duration, func()) {},
	}
	w := New(test.NewTempApp(t), deps)
	t.Cleanup(w.Fyne().Close)
	if d, ok := w.dialog.(*pinDialog); !ok || !d.locks {
		t.Errorf("it shows %T", w.dialog)
	}
}

// reopened is the same till after a restart.
func reopened(t *testing.T, x *world) *sale.Register {
	t.Helper()
	d := x.deps
	r, err := sale.NewRegister(d)
	must(t, err)
	return r
}

// F9 notes why the drawer is opened and opens it; F9 again is the shift. A drawer that does not open is told in words.
func TestTheDrawer(t *testing.T) {
	x := newWorld(t)
	x.press(f9)
	x.sees("Cajón", "Abrir: dar sencillo", "Ingreso de efectivo…", "Turno")
	x.choose("Abrir: dar sencillo")
	x.sees("Anotado: Dar sencillo.")
	x.work()
	if x.drawer.opened != 1 {
		t.Error("the drawer stayed shut")
	}
	x.drawer.fail = errors.New("la impresora no responde. Ábralo con su llave")
	x.press(f9)
	x.choose("Abrir por otro motivo…")
	x.enter("")
	x.sees("Diga por qué se abre el cajón")
	x.enter("cambiar el rollo")
	x.work()
	x.sees("Anotado: cambiar el rollo. Pero el cajón no se abrió: la impresora no responde. Ábralo con su llave")
	moves, err := x.journal.CashMoves(9)
	must(t, err)
	if len(moves) != 2 || moves[0].Why != "cambiar el rollo" || moves[1].Kind != sale.DrawerOpened {
		t.Errorf("kept %+v", moves)
	}
	x.w.drawer = nil
	x.press(f9)
	x.choose("Abrir: dar sencillo")
	x.sees("Esta caja no abre el cajón sola: ábralo con su llave.")
}

// Cash that moves without a sale is in what the drawer must hold at the end of the shift.
func TestCashInAndOut(t *testing.T) {
	x := newWorld(t)
	move := func(what, amount string) {
		x.press(f9)
		x.choose(what)
		x.enter(amount)
		x.finger("sencillo")
		x.press(f12)
	}
	move("Ingreso de efectivo…", "10.000")
	x.sees("no hay turno abierto, y nadie contaría ese efectivo")
	x.press(esc, f9, f9)
	x.enter("50.000")
	x.press(esc)
	move("Ingreso de efectivo…", "10.000")
	x.sees("Ingreso de $10.000 anotado. En el cajón debe haber $60.000.")
	move("Retiro de efectivo…", "$45.000")
	move("Retiro de efectivo…", "15.010")
	x.sees("En el cajón debe haber $15.000 y se quieren retirar $15.010")
	x.press(esc, f9, f9)
	x.sees("Ingresos de efectivo", "$10.000", "Retiros de efectivo", "-$45.000", "$15.000")
}

// The shift tells what each one sold.
func TestTheShiftTellsWhoSold(t *testing.T) {
	x := newWorld(t)
	x.crew()
	must(t, x.till.OpenShift(0))
	sell := func() {
		x.scan(leche)
		x.pass(time.Second)
		x.press(f12, enter, enter, enter)
	}
	sell()
	sell()
	must(t, x.till.Enter(2, "8888"))
	sell()
	x.press(f9, f9)
	x.sees("Ana Pérez, 2 ventas", "Luis Soto, 1 venta", "$2.180", "$1.090")
	names := []string{}
	for _, d := range x.docs.list {
		names = append(names, d.Who)
	}
	if !slices.Equal(names, []string{"Luis Soto", "Ana Pérez", "Ana Pérez"}) {
		t.Errorf("sold by %v", names)
	}
}
