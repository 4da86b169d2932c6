package ui

import (
	"errors"
	"slices"
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// rewrite puts text into the line of a form with this place.
func (x *world) rewrite(line int, text string) {
	x.t.Helper()
	d, ok := x.w.dialog.(*ruleDialog)
	if !ok {
		x.t.Fatalf("there is no rule, but %T", x.w.dialog)
	}
	for d.at != line {
		x.press(fyne.KeyDown)
	}
	for range d.fields[line].Text {
		x.press(fyne.KeyBackspace)
	}
	x.finger(text)
}

func (x *world) openScales() {
	x.t.Helper()
	x.press(f11)
	x.choose("Ajustes", "Etiquetas de la balanza")
}

// A label is tried on the rule as it stands on the screen, key by key; what is kept is how the till reads from then on.
func TestScaleTableIsEditedWithAPreview(t *testing.T) {
	const label = "2000100005002" // product 100, 0,500 kg by the usual rule
	x := newWorld(t)
	x.openScales()
	x.sees("20 · Peso en gramos", "código 3-7, peso 8-12", "Regla nueva…")
	x.choose("20 · Peso en gramos", "Corregir y probar…")
	x.sees("La regla se entiende")
	x.scan(label)
	x.sees("producto 100, peso 0,5 kg", "Pan marraqueta")
	if len(x.lines()) != 0 {
		t.Fatal("the label that was tried was sold")
	}
	x.rewrite(5, "4")
	x.sees("peso 0,05 kg")
	x.rewrite(4, "6-12")
	x.sees("ocupan la misma cifra")
	x.press(f12) // is not kept
	if x.scales.rules != nil {
		t.Fatal("a rule that cannot be was kept")
	}
	x.rewrite(4, "8-12")
	x.press(f12)
	x.sees("La regla 20 quedó guardada")
	if x.scales.rules[0].Decimales != 4 || len(x.scales.rules) != 4 {
		t.Fatalf("kept %+v", x.scales.rules)
	}
	x.scan(label)
	if lines := x.lines(); len(lines) != 1 || lines[0].Qty != money.One/20 {
		t.Fatalf("the till reads %+v", lines)
	}
}

func TestScaleRulesAreAddedAndTakenOut(t *testing.T) {
	x := newWorld(t)
	x.openScales()
	x.choose("21 · Precio", "Quitar la regla")
	x.sees("La regla 21 ya no está")
	x.openScales()
	x.choose("Regla nueva…")
	x.sees("falta el nombre")
	x.enter("Carnes")
	x.enter("20")
	x.sees("se confunde con")
	x.press(fyne.KeyUp)
	x.rewrite(1, "25")
	x.sees("La regla se entiende")
	x.press(f12)
	if n := len(x.scales.rules); n != 4 || x.scales.rules[3].Nombre != "Carnes" || x.scales.rules[3].Codigo != (sale.Figures{Desde: 3, Largo: 5}) {
		t.Fatalf("kept %+v", x.scales.rules)
	}
	x.scales.fail = errors.New("el disco está lleno")
	x.openScales()
	x.sees("El disco está lleno")
	x.choose("25 · Carnes", "Quitar la regla")
	x.sees("disco está lleno")
	if len(x.scales.rules) != 4 {
		t.Error("a rule is gone although it was not kept")
	}
}

// The table stands in the shop's order, and the usual one comes back after a word.
func TestScaleRulesAreReorderedAndRestored(t *testing.T) {
	x := newWorld(t)
	names := func() (list []string) {
		for _, r := range x.scales.rules {
			list = append(list, r.Prefijo)
		}
		return list
	}
	x.press(f11)
	x.choose("Ajustes", "Etiquetas de la balanza", "21 · Precio", "Subir en la lista")
	if got := names(); !slices.Equal(got, []string{"21", "20", "22", "02"}) {
		t.Fatalf("the order is %v", got)
	}
	if d, ok := x.w.dialog.(*chooseDialog); !ok || d.choices[d.at].words != "21 · Precio" {
		t.Fatalf("the mark did not follow: %T", x.w.dialog)
	}
	x.choose("22 · Precio con control", "Bajar en la lista")
	x.choose("22 · Precio con control", "Quitar la regla")
	if got := names(); !slices.Equal(got, []string{"21", "20", "02"}) {
		t.Fatalf("the order is %v", got)
	}
	x.press(f11)
	x.choose("Ajustes", "Etiquetas de la balanza", "Restablecer las habituales…")
	x.press(esc)
	if len(x.scales.rules) != 3 {
		t.Error("Esc restored them")
	}
	x.press(f11)
	x.choose("Ajustes", "Etiquetas de la balanza", "Restablecer las habituales…")
	x.press(enter)
	if !slices.Equal(x.scales.rules, sale.DefaultScaleRules()) {
		t.Errorf("restored %v", names())
	}
	x.sees("22 · Precio con control")
	x.press(esc)
	x.scan("2000100990001")
	if l := x.lines(); len(l) != 1 || l[0].Codigo != "100" {
		t.Errorf("the counter does not read by the table: %v", l)
	}
}
