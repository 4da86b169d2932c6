package ui

import (
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// askedMuch fails unless the cashier is asked about this, and nothing was added yet.
func (x *world) askedMuch(what string) {
	x.t.Helper()
	if _, ok := x.w.dialog.(*muchDialog); !ok {
		x.t.Fatalf("nobody is asked about %s; open is %T", what, x.w.dialog)
	}
	x.sees("¿Está bien la cantidad?", what)
}

func (x *world) notAsked() {
	x.t.Helper()
	if x.w.dialog != nil {
		x.t.Fatalf("%T is open", x.w.dialog)
	}
}

// However a quantity is typed, one above the limit counts only after a word.
func TestATypedQuantityAboveTheLimitIsAskedAbout(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(x *world)
		what string
		back string
	}{
		"n*code":           {func(x *world) { x.enter("1500*200") }, "1.500 × Bolsa reutilizable", "1500*200"},
		"n*name":           {func(x *world) { x.enter("1500*bolsa") }, "1.500 × Bolsa reutilizable", "1500*bolsa"},
		"kilos":            {func(x *world) { x.enter("100*100") }, "100 kg × Pan marraqueta", "100*100"},
		"n* and a scan":    {func(x *world) { x.finger("1500*"); x.scan(leche) }, "1.500 × Leche entera 1 L", "1500*" + leche},
		"n* on the line":   {func(x *world) { x.enter("200"); x.enter("1500*") }, "1.500 × Bolsa reutilizable", "1500*"},
		"+ over the limit": {func(x *world) { x.enter("999*200"); x.finger("+") }, "1.000 × Bolsa reutilizable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			c.do(x)
			before := x.snap().Total
			x.askedMuch(c.what)
			x.press(enter)
			x.notAsked()
			if x.snap().Total != before || x.w.sink.Text != c.back {
				t.Errorf("corrected: total %s, field %q", x.snap().Total, x.w.sink.Text)
			}
			x.w.sink.write("")
			for x.snap().Total != 0 {
				x.press(fyne.KeyDelete)
			}
			c.do(x)
			x.press(f12)
			x.notAsked()
			if q := x.lines()[0].Qty; x.snap().Total <= before || q < money.Units(100) {
				t.Errorf("confirmed: %s", q)
			}
			x.typingIsAt(x.w.sink)
		})
	}
}

// What a scale, a serial scanner or a tile says is never asked about, nor a quantity within the limit, nor one that gets less.
func TestWhatNobodyTypedIsNotAskedAbout(t *testing.T) {
	x := newWorld(t)
	x.till.SetScale(sale.DefaultScaleRules())
	x.w.Scanned("1500*" + leche)
	x.notAsked()
	x.enter("999*200")
	x.notAsked()
	x.scan("2000100990001") // 99 kilos of bread, by the scale
	x.notAsked()
	x.scan("2000100990001")
	x.notAsked()
	x.press(fyne.KeyUp, fyne.KeyUp, fyne.KeyUp, fyne.KeyUp)
	x.enter("1400*")
	x.notAsked()
	x.finger("+")
	x.notAsked()
	if q := x.lines()[0].Qty; q != money.Units(1401) {
		t.Errorf("the first line has %s", q)
	}
	if n := len(x.lines()); n != 4 {
		t.Errorf("%d lines", n)
	}
}

// A scan over the question answers nothing: not by its characters, nor by its Enter, however short its code is.
func TestAScanDoesNotConfirmAQuantity(t *testing.T) {
	x := newWorld(t)
	x.enter("1500*200")
	x.scan(leche)
	x.askedMuch("1.500 × Bolsa reutilizable")
	x.sees("1 código en espera")
	x.press(esc)
	if l := x.lines(); len(l) != 1 || l[0].Codigo != leche {
		t.Errorf("the cart has %v", l)
	}
	x = newWorld(t)
	x.enter("1500*200")
	x.scan("201")
	if l := x.lines(); len(l) != 0 {
		t.Errorf("a short code confirmed: %v", l)
	}
}

func TestTheLimitIsEachTills(t *testing.T) {
	x := newWorld(t)
	x.press(f11)
	x.choose("Ajustes", "Cantidades grandes")
	form := x.w.dialog.(*formDialog)
	form.fields[0].write("0")
	x.press(f12)
	x.sees("escriba un número entero, de 1 a 100.000")
	form.fields[0].write("24")
	form.fields[1].write("5")
	x.press(f12)
	x.sees("Se pregunta desde 24 unidades y 5 kilos.")
	if m := x.lastKept().Much; m != (Much{24, 5}) {
		t.Errorf("kept %+v", m)
	}
	x.enter("24*200")
	x.notAsked()
	x.enter("25*200")
	x.askedMuch("25 × Bolsa reutilizable")
	x.press(esc)
	x.w.sink.write("")
	x.enter("6*100")
	x.askedMuch("6 kg × Pan marraqueta")
}
