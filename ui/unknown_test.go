package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

const nobody = "7800000000019" // no product has it

func TestAnUnknownCodeStaysInSight(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.scan(nobody)
	x.sees(nobody+" no existe", "Buscar")
	x.scan(cafe)
	x.scan("ABC-123456")
	x.sees(nobody+" no existe", "ABC-123456 no existe")
	if n := len(x.lines()); n != 2 {
		t.Errorf("%d lines in the cart", n)
	}
	x.press(fyne.KeyDelete) // the newest one is marked
	x.seesNot("ABC-123456 no existe")
	x.sees(nobody+" no existe", "Café instantáneo")
	x.press(esc)
	x.seesNot(nobody + " no existe")
	if n := len(x.lines()); n != 2 {
		t.Errorf("Del and Esc on red rows left %d lines in the cart", n)
	}
	x.press(fyne.KeyDelete)
	if n := len(x.lines()); n != 1 {
		t.Errorf("without red rows Del left %d lines", n)
	}
}

func TestFiveUnknownCodesAreKeptNewestFirst(t *testing.T) {
	x := newWorld(t)
	for _, code := range []string{"AAAAAA1", "AAAAAA2", "AAAAAA3", "AAAAAA4", "AAAAAA5", "AAAAAA6", "AAAAAA2"} {
		x.scan(code)
	}
	if got := strings.Join(x.w.unknown.codes, " "); got != "AAAAAA2 AAAAAA6 AAAAAA5 AAAAAA4 AAAAAA3" {
		t.Errorf("kept %s", got)
	}
	rows := strings.Count(x.words(), " no existe\n")
	if rows != 5+1 { // and the panel of the last scan
		t.Errorf("%d rows are seen:\n%s", rows, x.words())
	}
}

// The mark goes with the arrows from the red rows into the cart and back; + and - change nothing that is not marked.
func TestTheMarkGoesBetweenRedRowsAndCart(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.scan(cafe)
	x.scan("AAAAAA1")
	x.scan("AAAAAA2")
	x.finger("+")
	if q := x.lines()[1].Qty; q != 1_000_000 {
		t.Errorf("with the mark on a red row + made %s of the line", q)
	}
	x.finger("+")
	if q := x.lines()[1].Qty; q != 2_000_000 {
		t.Errorf("then + makes %s", q)
	}
	x.press(fyne.KeyUp, fyne.KeyUp) // first line, then the lowest red row
	if x.w.unknown.code() != "AAAAAA1" || !x.w.unknown.marked {
		t.Errorf("marked %+v", x.w.unknown)
	}
	x.press(fyne.KeyUp, fyne.KeyDelete)
	x.seesNot("AAAAAA2 no existe")
	x.press(fyne.KeyDown)
	if x.w.unknown.marked {
		t.Error("down from the last red row is not the cart")
	}
	x.press(fyne.KeyDelete)
	if n := len(x.lines()); n != 1 {
		t.Errorf("%d lines after Del in the cart", n)
	}
	x.sees("AAAAAA1 no existe")
}

func TestAnUnknownCodeIsSoughtByName(t *testing.T) {
	x := newWorld(t)
	x.scan("3" + "00999")
	x.pass(1e9)
	x.ctrl("B")
	if x.w.sink.Text != "300999" {
		t.Errorf("the field has %q", x.w.sink.Text)
	}
	x.sees("Nada se parece a lo escrito")
	x.press(fyne.KeyBackspace, fyne.KeyBackspace, fyne.KeyBackspace)
	x.press(enter)
	x.sees("Leche descremada 1 L")
	x.seesNot("300999 no existe") // answered
	x.scan(nobody)
	test.Tap(x.w.screens[selling].(*sellScreen).unknown.rows[0].seek)
	x.w.refocus()
	if x.w.sink.Text != nobody {
		t.Errorf("the button seeks %q", x.w.sink.Text)
	}
	x.typingIsAt(x.w.sink)
	x.press(esc, esc)
	x.sees(nobody + " no existe") // leaving the search dismisses nothing
}

// What was not sold is told when the sale ends, however it ends, and does not haunt the next one.
func TestUnknownCodesEndWithTheSale(t *testing.T) {
	for name, end := range map[string]func(x *world){
		"paid": func(x *world) { x.press(f12, enter, enter) },
		"held": func(x *world) { x.press(f5, enter) },
		"void": func(x *world) { x.press(f4); x.finger("6"); x.press(enter) },
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			x.scan(leche)
			x.scan(nobody)
			x.scan("AAAAAA1")
			x.pass(1e9)
			end(x)
			x.sees("2 códigos no se vendieron", "AAAAAA1, "+nobody)
			x.scan(leche)
			x.seesNot("no existe")
			x.seesNot("no se vendieron")
		})
	}
}

// Going to pay and back is the same sale.
func TestUnknownCodesSurviveThePayment(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.scan(nobody)
	x.pass(1e9)
	x.press(f12, esc)
	x.sees(nobody + " no existe")
}

func TestAnUnknownCodeBecomesAProduct(t *testing.T) {
	x := newWorld(t)
	x.scan(leche)
	x.scan(nobody)
	x.pass(1e9)
	x.press(fyne.KeyInsert)
	x.sees("Crear "+nobody, "Crear y agregar")
	x.enter("Mermelada de mora")
	x.finger("gratis")
	x.press(f12)
	x.seesNot("quedó creado")
	if n := len(x.lines()); n != 1 {
		t.Fatalf("a price that is none made %d lines", n)
	}
	for range "gratis" {
		x.press(fyne.KeyBackspace)
	}
	x.enter("2.490")
	x.press(f12)
	x.sees("Mermelada de mora quedó creado y agregado, a $2.490.")
	x.seesNot(nobody + " no existe")
	if l := x.lines(); len(l) != 2 || l[1].Codigo != nobody || l[1].Total != 2490 || l[1].Exento {
		t.Fatalf("the cart has %+v", l)
	}
	x.scan(nobody)
	if l := x.lines(); l[1].Qty != 2_000_000 {
		t.Errorf("scanned again: %+v", l[1])
	}
	x.scan("AAAAAA1")
	x.pass(1e9)
	x.press(fyne.KeyInsert)
	x.enter("Diario")
	x.enter("900")
	x.press(enter, fyne.KeyBackspace, fyne.KeyBackspace)
	x.finger("sí")
	x.press(enter)
	if l := x.lines(); len(l) != 3 || !l[2].Exento {
		t.Errorf("the cart has %+v", l)
	}
}
