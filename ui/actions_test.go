package ui

import (
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// keysOf finds the actions of every key that x has now, and puts their names into found. A key without one could not be changed.
func keysOf(t *testing.T, x *world, found map[string]bool) {
	t.Helper()
	known := func(at place, keys []binding) {
		for _, k := range keys {
			if k.key == "" {
				continue
			}
			i := slices.IndexFunc(actions, func(a action) bool { return a.key == k.key && slices.Contains(a.in, at) })
			if i < 0 {
				t.Errorf("%s in %s (%s) has no action", k.key, at, k.help)
				continue
			}
			found[actions[i].name] = true
		}
	}
	for at, screen := range x.w.screens {
		known(at, screen.keys())
	}
	known(everywhere, x.w.everyKeys())
	if d, ok := x.w.dialog.(interface{ place() place }); ok {
		known(d.place(), x.w.dialog.keys())
	} else if x.w.dialog != nil {
		if _, help := x.w.dialog.(*helpDialog); !help && len(x.w.dialog.keys()) > 0 {
			t.Errorf("%T has keys and no place", x.w.dialog)
		}
	}
}

// actionsAreWhole fails for an action that no scene has, that has no words, or that shares its name or its key.
func actionsAreWhole(t *testing.T, found map[string]bool) {
	named := map[string]bool{}
	for _, a := range actions {
		if named[a.name] {
			t.Errorf("two actions are %q: a key changed for one would change for both", a.name)
		}
		named[a.name] = true
		if !found[a.name] {
			t.Errorf("no scene has the action %s", a.name)
		}
		if !assignable(a.key) || a.words == "" {
			t.Errorf("%s: %s %q", a.name, a.key, a.words)
		}
		for _, p := range a.in {
			if placeNames[p] == "" {
				t.Errorf("%s has no name", p)
			}
		}
		if o, taken := (Settings{}).conflict(a, a.key); taken {
			t.Errorf("%s and %s have %s", a.name, o.name, a.key)
		}
		if slip := (Settings{}).slip(a); slip != "" {
			t.Error(slip)
		}
	}
}

// remap gives every action a key with Ctrl, one that no place has twice.
func remap() map[string]fyne.KeyName {
	keys := map[string]fyne.KeyName{}
	for i, a := range actions {
		letters := "BDEFGHIJKLMNOPQRSTUW"
		keys[a.name] = fyne.KeyName(ctrl + string(letters[i%len(letters)]))
	}
	return keys
}

// With all keys changed, no key of old is printed anywhere: bar, buttons, help and keyboard read one table.
func TestNoOldKeyIsPrinted(t *testing.T) {
	noneOfOld := func(x *world, where string) {
		n := 0
		seen(x.w.Fyne().Content(), func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok {
				if n++; slices.Contains(functionKeys, fyne.KeyName(b.cap)) {
					t.Errorf("%s: the button %q still says %s", where, b.words, b.cap)
				}
			}
		})
		if n < 3 {
			t.Errorf("%s: only %d buttons seen", where, n)
		}
	}
	for _, scene := range scenes {
		switch scene.name {
		case "venta", "desconocidos", "pago", "listo", "documentos", "avisos", "turno", "conciliar":
		default:
			continue
		}
		x := newWorldWith(t, scene.training, Look{}, products)
		scene.do(x) // with the usual keys
		x.w.settings.Keys = remap()
		x.w.build()
		x.w.render()
		noneOfOld(x, scene.name)
	}
	x := newWorld(t)
	x.w.settings.Keys = remap()
	x.w.build()
	for name, d := range map[string]dialog{
		"customer": newCustomerDialog(x.w), "assist": newAssistDialog(newNoticesScreen(x.w)),
		"form": newFormDialog(x.w, "Formulario", "", "Aceptar", []formField{{"Uno", "", ""}}, nil), "help": newHelpDialog(x.w, x.w.screen().keys()),
	} {
		x.w.openDialog(d)
		noneOfOld(x, name)
	}
}

func (x *world) ctrl(letter string) {
	s := &desktop.CustomShortcut{KeyName: fyne.KeyName(letter), Modifier: fyne.KeyModifierControl}
	x.w.Fyne().Canvas().Focused().(fyne.Shortcutable).TypedShortcut(s)
}

func (x *world) keysDialog() *keysDialog {
	x.t.Helper()
	d, ok := x.w.dialog.(*keysDialog)
	if !ok {
		x.t.Fatalf("the keys are not open but %T", x.w.dialog)
	}
	return d
}

// at marks an action in the list of keys.
func (x *world) atAction(name string) {
	x.t.Helper()
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name })
	for x.keysDialog().at != i {
		step := fyne.KeyDown
		if x.keysDialog().at > i {
			step = fyne.KeyUp
		}
		x.press(step)
	}
}

func TestAKeyIsChanged(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.pass(1e9)
	x.press(f11)
	x.choose("Ajustes", "Teclas")
	x.atAction("cobrar")
	x.press(enter)
	x.sees("Pulse la tecla nueva para «Cobrar, emitir, siguiente»")
	x.ctrl("K")
	x.sees("Guardado: Ctrl+K es «Cobrar, emitir, siguiente».")
	if k := x.lastKept().Keys; len(k) != 1 || k["cobrar"] != "Ctrl+K" {
		t.Errorf("kept %v", k)
	}
	x.press(esc)
	x.sees("Leche entera 1 L")
	x.press(f12)
	if s := x.snap().Stage; s != "selling" {
		t.Fatalf("the old key still works: %s", s)
	}
	x.ctrl("K")
	x.sees("EMITIR")
	x.press(enter)
	x.ctrl("K")
	if x.snap().Stage != "done" {
		t.Error("the new key does not issue")
	}
}

func TestAConflictIsNamedAndSwapped(t *testing.T) {
	x := newWorld(t)
	x.w.openDialog(newKeysDialog(x.w))
	x.atAction("buscar")
	x.press(enter, f3)
	x.sees("F3 ya es «Cliente y documento». Pulse F3 otra vez para cambiarlas entre sí, u otra tecla.")
	if len(x.kept) != 0 {
		t.Fatal("it was kept before the cashier said so")
	}
	x.press(f3)
	if k := x.lastKept().Keys; k["buscar"] != f3 || k["cliente"] != f2 {
		t.Errorf("kept %v", k)
	}
	x.press(esc, f2)
	x.sees("Cliente y documento")
	x.press(esc)
	x.w.openDialog(newKeysDialog(x.w))
	x.tap("Restablecer todas")
	if k := x.lastKept().Keys; len(k) != 0 {
		t.Errorf("after the reset %v", k)
	}
	x.press(esc, f3)
	x.sees("Sin cliente")
}

// What takes something away is not put beside what is pressed without looking, without a word about it.
func TestADangerousNeighbourIsTold(t *testing.T) {
	x := newWorld(t)
	x.w.openDialog(newKeysDialog(x.w))
	x.atAction("quitar")
	x.press(enter, f11, f11)
	x.sees("Cuidado: F11 (Quitar la línea) queda al lado de F12 (Cobrar, emitir, siguiente).")
	if k := x.lastKept().Keys; k["quitar"] != f11 || k["menu"] != fyne.KeyDelete {
		t.Errorf("it is warned of, not forbidden: %v", k)
	}
}

// A key of another place is free: payment and sale do not meet.
func TestTheSameKeyInAnotherPlaceIsNoConflict(t *testing.T) {
	for _, c := range []struct{ a, b string }{{"buscar", "tarjeta"}, {"guardar", "atender"}} {
		a, b := actionNamed(t, c.a), actionNamed(t, c.b)
		if o, taken := (Settings{}).conflict(a, b.key); taken && o.name == b.name {
			t.Errorf("%s and %s never meet", a.name, b.name)
		}
	}
}

func actionNamed(t *testing.T, name string) action {
	t.Helper()
	for _, a := range actions {
		if a.name == name {
			return a
		}
	}
	t.Fatalf("no action %s", name)
	return action{}
}

func TestKeysThatTypeAreRefused(t *testing.T) {
	for key, want := range map[fyne.KeyName]bool{
		fyne.KeyF1: true, fyne.KeyF12: true, fyne.KeyInsert: true, fyne.KeyDelete: true, "Ctrl+B": true,
		"Ctrl+C": false, "Ctrl+V": false, "Ctrl+1": false, "Ctrl+AB": false, "Ctrl+": false, fyne.KeyA: false, fyne.KeyReturn: false, fyne.KeyEscape: false, "": false, fyne.KeyLeft: false,
	} {
		if assignable(key) != want {
			t.Errorf("%q: %v", key, !want)
		}
	}
	x := newWorld(t)
	x.w.openDialog(newKeysDialog(x.w))
	x.press(enter, fyne.KeyBackspace)
	x.sees("Esa tecla ya sirve para escribir o moverse")
	x.press(esc)
	x.sees("Queda como estaba.")
	x.press(esc)
	if x.w.dialog != nil || len(x.kept) != 0 {
		t.Error("leaving changed something")
	}
}

// A scan while a key is awaited is a code all the same.
func TestAScanIsNoKey(t *testing.T) {
	x := newWorld(t)
	x.w.openDialog(newKeysDialog(x.w))
	x.press(enter)
	x.scan(leche)
	if len(x.kept) != 0 {
		t.Errorf("a scan became a key: %v", x.lastKept().Keys)
	}
	x.press(esc, esc)
	if n := len(x.lines()); n != 1 {
		t.Errorf("the code that waited left %d lines", n)
	}
}

// A file that somebody edited by hand must not leave an action without a key.
func TestKeysThatCannotBeAreNotUsed(t *testing.T) {
	s := Settings{Keys: map[string]fyne.KeyName{"cobrar": "Q", "nadie": fyne.KeyF1}}
	if k := s.keyOf(actionNamed(t, "cobrar")); k != fyne.KeyF12 {
		t.Errorf("cobrar is %s", k)
	}
}
