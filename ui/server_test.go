package ui

import (
	"errors"
	"slices"
	"testing"
	"time"

	"mostrador/money"
	"mostrador/sale"
	pricing "mostrador/sale/price"
)

// A till is joined by keyboard alone. What the server refuses is read where it can be mended, with what was typed still there, and
// the open sale is untouched.
func TestJoinAServer(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.server.codes = map[string]error{
		"K7QM-2XVE": errors.New("ese código no existe. No se cambió nada; revise cómo está escrito"),
		"K7QM-2XVD": nil,
	}
	x.press(f11)
	x.choose("Ajustes", "Servidor")
	x.sees("Unir esta caja a un servidor")
	x.press(f12)
	x.sees("Falta la dirección del servidor. No se cambió nada.")
	x.enter("https://caja.losaromos.cl")
	x.press(f12)
	x.sees("Falta el código de la invitación. No se cambió nada.")
	x.finger("K7QM-2XVE")
	x.press(f12)
	x.sees("Hablando con el servidor…")
	x.work()
	x.sees("Unir esta caja a un servidor", "Ese código no existe. No se cambió nada; revise cómo está escrito.")
	form := x.w.dialog.(*formDialog)
	if form.fields[0].Text != "https://caja.losaromos.cl" || form.fields[1].Text != "K7QM-2XVE" {
		t.Errorf("what was typed is gone: %q %q", form.fields[0].Text, form.fields[1].Text)
	}
	x.typingIsAt(form.fields[1])
	for range "E" {
		x.press("BackSpace")
	}
	x.enter("D")
	x.sees("Hablando con el servidor…")
	x.work()
	x.sees("La caja se unió al servidor", "Leche entera 1 L")
	if x.w.dialog != nil {
		t.Errorf("%T is still open", x.w.dialog)
	}
	x.typingIsAt(x.w.sink)
	if want := "https://caja.losaromos.cl K7QM-2XVD"; len(x.server.asked) != 2 || x.server.asked[1] != want {
		t.Errorf("the server was asked %q", x.server.asked)
	}
}

// Who does not want to wait goes on at once, and may begin again.
func TestNobodyHasToWaitForAServer(t *testing.T) {
	x := newWorld(t)
	x.w.openServer()
	x.enter("https://caja.losaromos.cl")
	x.enter("K7QM-2XVD")
	x.press(esc)
	x.sees("Dejando de esperar…")
	x.work()
	x.sees("Se dejó de esperar. Puede intentarlo con el mismo código")
	x.seesNot("context canceled")
	x.press(esc)
	if x.w.dialog != nil {
		t.Errorf("%T is still open", x.w.dialog)
	}
}

// A server that is away is no alarm at the counter: it is told softly for a day, and only then in the colour of what wants a look.
func TestAServerThatIsAwayIsNoAlarm(t *testing.T) {
	x := newWorld(t)
	s := served(x)
	strip := func(words string, colour any) {
		t.Helper()
		x.w.SetStatus(s)
		now := lineState(s, x.now)
		if now.words != words || any(now.colour) != colour {
			t.Errorf("the strip says %q in %s", now.words, now.colour)
		}
		x.sees(words)
	}
	strip("En línea", good)
	s.Server.Down, s.Server.Since = true, x.now.Add(-12*time.Minute)
	strip("Sin servidor, 12 min", muted)
	s.Server.Problem = "Respondió una página web que no es el servidor; quizás el wifi pide iniciar sesión. Puede seguir vendiendo; revise la conexión."
	strip("Sin servidor, 12 min", muted)
	x.tapStrip(x.w.frame.strip.line)
	x.sees("quizás el wifi pide iniciar sesión")
	x.press(esc)
	s.Server.Problem = ""
	s.Server.Since = x.now.Add(-25 * time.Hour)
	strip("Sin servidor, 25 h", warn)
	s.Line, s.Since = LineDown, x.now.Add(-26*time.Hour)
	strip("Sin internet hace 26 h", warn) // that is why, and enough
	s.Line, s.Server.Down, s.Server.Problem = LineUp, false, "El servidor está ocupado"
	strip("Servidor: vea aquí", muted)
	s.Server.Ended, s.Server.Problem = true, "Esta caja ya no pertenece a la empresa"
	strip("Fuera del servidor", warn)
	s.Line, s.Server.Hold = LineDown, "Otra copia de esta caja siguió vendiendo"
	strip("No emite: vea aquí", bad) // with or without a line
	x.tapStrip(x.w.frame.strip.line)
	x.sees("Otra copia de esta caja siguió vendiendo.")
}

// What works now tells what waits for the server and as of when the prices are.
func TestWhatWorksTellsOfTheServer(t *testing.T) {
	x := newWorld(t)
	works := func(parts ...string) {
		t.Helper()
		x.press(f11)
		x.choose("Qué funciona ahora")
		x.sees(parts...)
		x.press(esc)
	}
	x.press(f11)
	x.choose("Qué funciona ahora")
	x.seesNot("Contar al servidor") // a till that works alone hears nothing of it
	x.press(esc)
	s := served(x)
	x.w.SetStatus(s)
	works("Contar al servidor", "El servidor tiene todo lo de esta caja", "Precios al 10:42")
	s.Server.Down, s.Server.Since, s.Server.Unsent = true, x.now.AddDate(0, 0, -23), 1480
	s.Server.PricesAt = x.now.AddDate(0, 0, -23)
	x.w.SetStatus(s)
	works("No se alcanza desde hace 23 días; esperan 1.480 movimientos", "Precios al 21-02-2026 12:30")
	s.Server.Hold = "Otra copia de esta caja siguió vendiendo"
	x.w.SetStatus(s)
	works("El servidor detuvo esta caja: vea Ajustes, Servidor")
}

// Before a till leaves it is told what the server does not know yet; what keeps it from leaving is read.
func TestLeaveAServer(t *testing.T) {
	x := newWorld(t)
	s := served(x)
	s.Server.Unsent = 34
	x.w.SetStatus(s)
	x.press(f11)
	x.choose("Ajustes", "Servidor")
	x.sees("Minimarket Los Aromos Limitada", "Caja 2, calle San Diego", "34 movimientos por contarle")
	x.press(f4)
	x.sees("¿Dejar el servidor?", "Falta contarle 34 movimientos", "Los folios que el servidor prestó vuelven a él.")
	x.press(esc)
	if x.server.left != 0 {
		t.Fatal("it left although nobody said so")
	}
	x.server.fail = errors.New("no se alcanza el servidor, y quedan 34 movimientos por contarle. No se cambió nada; inténtelo cuando vuelva la línea")
	leave := func() {
		x.w.openServer()
		x.press(f4, enter)
		x.sees("Despidiéndose del servidor…")
		x.work()
	}
	leave()
	x.sees("No se alcanza el servidor, y quedan 34 movimientos por contarle.")
	x.server.fail = nil
	leave()
	x.sees("La caja dejó el servidor y trabaja sola.")
	if x.server.left != 1 || x.w.dialog != nil {
		t.Errorf("left %d times, %T open", x.server.left, x.w.dialog)
	}
}

// A till that nobody touches locks itself, also while it waits for the server; the answer does not open it.
func TestAnAnswerOpensNoLock(t *testing.T) {
	join := func(x *world) {
		x.w.askServer("https://caja.losaromos.cl", "K7QM-2XVD", "")
		x.press(f12)
	}
	for name, c := range map[string]struct {
		ask   func(x *world)
		fails error
	}{
		"it joined":          {join, nil},
		"it did not join":    {join, errors.New("el código no sirve")},
		"it left":            {func(x *world) { x.w.farewell() }, nil},
		"it could not leave": {func(x *world) { x.w.farewell() }, errors.New("no se alcanza el servidor")},
	} {
		x := newWorld(t)
		x.crew()
		x.server.fail, x.server.codes = c.fails, map[string]error{"K7QM-2XVD": c.fails}
		c.ask(x)
		if _, waits := x.w.dialog.(*waitDialog); !waits {
			t.Fatalf("%s: %T is open while the server is asked", name, x.w.dialog)
		}
		must(t, x.till.Lock())
		x.w.settle(nil)
		x.work()
		if d, ok := x.w.dialog.(*pinDialog); !ok || !d.locks {
			t.Errorf("%s: %T is open at a locked till", name, x.w.dialog)
		}
	}
}

// News from the server never change a sale that is open; the next one has the new prices, and so have the tiles.
func TestNewsWaitForTheNextSale(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	dearer := slices.Clone(products)
	dearer[0].Prc = money.PerUnit(1290)
	x.w.SetNews(func() (sale.Catalogue, *pricing.Book) { return sale.NewCatalogue(dearer), nil })
	x.scan(leche)
	if total := x.snap().Total; total != 2*1090 {
		t.Errorf("the open sale comes to %s", total)
	}
	x.pass(time.Second)
	x.press(f12, enter, enter, enter)
	x.w.SetStatus(served(x))
	x.sees("$1.290")
	x.scan(leche)
	if total := x.snap().Total; total != 1290 {
		t.Errorf("the next sale comes to %s", total)
	}
}
