package ui

import (
	"testing"

	"fyne.io/fyne/v2"

	"mostrador/money"
	"mostrador/sale"
)

// openPriced are what has no price of its own: with limits, and with a suggestion.
var openPriced = []sale.Product{
	{Codigo: "7801234567894", Nombre: "Leche entera 1 L", Prc: money.PerUnit(1090), Favorito: true},
	{Codigo: "arreglo", Nombre: "Arreglo de ropa", PrecioLibre: true, PrcMin: money.PerUnit(1000), PrcMax: money.PerUnit(20000)},
	{Codigo: "7802900001018", Nombre: "Fruta del día", Unidad: "kg", PrecioLibre: true, Prc: money.PerUnit(990)},
}

func newOpenWorld(t *testing.T) *world { return newWorldWith(t, false, Look{}, openPriced) }

// What has no price asks for it, says the limits, refuses what is outside them where it can be mended, and adds what was chosen.
func TestOpenPriceIsAsked(t *testing.T) {
	x := newOpenWorld(t)
	x.enter("2*arreglo")
	x.sees("Precio de Arreglo de ropa", "De $1.000 a $20.000, con IVA.")
	if len(x.lines()) != 0 {
		t.Fatal("something was added without a price")
	}
	x.enter("500")
	x.sees("a lo menos $1.000")
	x.press(fyne.KeyBackspace, fyne.KeyBackspace, fyne.KeyBackspace)
	x.enter("4500")
	x.seesNot("Precio de Arreglo")
	lines := x.lines()
	if len(lines) != 1 || lines[0].Qty != money.Units(2) || lines[0].Prc != money.PerUnit(4500) || x.snap().Total != 9000 {
		t.Fatalf("the cart has %+v", lines)
	}
	x.typingIsAt(x.w.sink)
	x.enter("fruta")
	x.sees("Precio de Fruta del día", "mayor que cero por kg", "Con Enter solo, $990.")
	x.press(fyne.KeyReturn)
	if lines := x.lines(); len(lines) != 2 || lines[1].Prc != money.PerUnit(990) {
		t.Fatalf("the suggestion gives %+v", lines)
	}
	x.enter("arreglo")
	x.press(fyne.KeyEscape)
	if len(x.lines()) != 2 {
		t.Fatal("Escape added something")
	}
	x.typingIsAt(x.w.sink)
}

// A scan that asks for a price holds up none: what is scanned meanwhile waits, and is added after it.
func TestScansWaitBehindAnOpenPrice(t *testing.T) {
	x := newOpenWorld(t)
	x.scan("7802900001018")
	x.sees("Precio de Fruta del día")
	x.scan("7801234567894")
	if len(x.lines()) != 0 {
		t.Fatal("the waiting code went into the cart")
	}
	x.enter("1200")
	lines := x.lines()
	if len(lines) != 2 || lines[0].Nombre != "Fruta del día" || lines[0].Prc != money.PerUnit(1200) || lines[1].Nombre != "Leche entera 1 L" {
		t.Fatalf("the cart has %+v", lines)
	}
	x.scan("7802900001018")
	x.scan("7802900001018")
	x.tap("Volver")
	x.sees("Precio de Fruta del día") // of the second one
	x.finger("800")
	x.tap("Agregar")
	if lines := x.lines(); len(lines) != 3 || lines[2].Prc != money.PerUnit(800) {
		t.Fatalf("the cart has %+v", lines)
	}
}
