package ui

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"mostrador/money"
	"mostrador/sale"
)

// clothes are a shop with a family, many hats, and something without a category.
func clothes() []sale.Product {
	products := []sale.Product{{Codigo: "bolsa", Nombre: "Bolsa", Prc: money.PerUnit(100), Favorito: true}, {Codigo: "suelto", Nombre: "Cosa suelta", Prc: money.PerUnit(10)}}
	for i, size := range []string{"S", "M", "L"} {
		products = append(products, sale.Product{
			Codigo: "polera" + size, Nombre: "Polera " + size, Familia: "Polera", Variante: size, Categoria: "Poleras",
			Prc: money.PerUnit(money.Pesos(5000 + 1000*i)), Favorito: size == "M",
		})
	}
	for i := range 61 { // no number of tiles divides it
		products = append(products, sale.Product{Codigo: fmt.Sprint("gorro", i), Nombre: fmt.Sprint("Gorro ", i), Prc: money.PerUnit(3000), Categoria: "Gorros"})
	}
	return products
}

func newClothes(t *testing.T) (*world, *quickKeys) {
	x := newWorldWith(t, false, Look{}, clothes())
	x.w.Fyne().Resize(fyne.NewSize(1024, 768))
	return x, x.w.screens[selling].(*sellScreen).quick
}

// Every category is there, whether or not it has favourites, and each comes page by page: all of its products, once.
func TestGridShowsEveryCategory(t *testing.T) {
	x, q := newClothes(t)
	for _, want := range []string{"Poleras", "Gorros", "Sin categoría", "Favoritos"} {
		q.change(1)
		x.sees(want)
	}
	q.change(-1)
	x.sees("Sin categoría", "Cosa suelta")
	x.tap("Sin categoría")
	x.choose("Gorros")
	seen := map[string]bool{}
	pages := q.tiles.pages()
	for i := range pages {
		x.sees(fmt.Sprintf("%d de %d", i+1, pages))
		for _, p := range q.tiles.shown {
			seen[p.Codigo] = true
		}
		q.leaf(1)
	}
	if len(seen) != 61 || pages < 2 || q.tiles.page != 0 {
		t.Errorf("%d products on %d pages, and then page %d", len(seen), pages, q.tiles.page)
	}
}

// A family is one tile of its category and lists its variants; a favourite variant is itself.
func TestFamilyListsItsVariants(t *testing.T) {
	x, q := newClothes(t)
	x.seesNot("Elegir…")
	q.change(1)
	x.sees("Polera", "Elegir…")
	tapTile := func() {
		x.w.Fyne().Canvas().Unfocus()
		test.TapAt(q.tiles, fyne.NewPos(10, 10))
	}
	tapTile()
	x.sees("¿Cuál?", "S", "M", "L", "$7.000")
	if len(x.lines()) != 0 {
		t.Fatal("a family was sold")
	}
	x.finger("3")
	if lines := x.lines(); len(lines) != 1 || lines[0].Codigo != "poleraL" {
		t.Fatalf("the third variant adds %+v", lines)
	}
	x.typingIsAt(x.w.sink)
	x.sees("Poleras") // the grid stays where it was
	tapTile()
	x.press(fyne.KeyEscape)
	if len(x.lines()) != 1 {
		t.Fatal("Escape added something")
	}
	q.change(-1)
	_, _, size := q.tiles.shape()
	test.TapAt(q.tiles, fyne.NewPos(size.Width+20, 10))
	if lines := x.lines(); len(lines) != 2 || lines[1].Codigo != "poleraM" {
		t.Fatalf("the favourite variant adds %+v", lines)
	}
}

// Fingers find every tile and every button of the grid: none is smaller than 56 points, in the smallest window too.
func TestGridIsForFingers(t *testing.T) {
	x, q := newClothes(t)
	buttons := 0
	seen(q.object, func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok {
			buttons++
			if s := b.Size(); s.Width < 56 || s.Height < 56 {
				t.Errorf("button %q is %v", b.words, s)
			}
		}
	})
	if _, _, size := q.tiles.shape(); size.Width < 56 || size.Height < 56 || buttons != 5 {
		t.Errorf("tiles of %v and %d buttons", size, buttons)
	}
	before := q.tiles.Position()
	q.change(1)
	x.scan("bolsa")
	if q.at != (part{true, "Poleras"}) || q.tiles.Position() != before {
		t.Error("the grid moved after a scan")
	}
}

// The pages of products are counted for the room that there is: on a larger window they are fewer, and it says so at once.
func TestPagesAreCountedForTheRoom(t *testing.T) {
	x := newWorld(t)
	for _, c := range []struct {
		room  fyne.Size
		pages string
	}{{fyne.NewSize(1024, 768), "1 de 3"}, {fyne.NewSize(3840, 2160), "1 de 1"}, {fyne.NewSize(1024, 768), "1 de 3"}} {
		x.w.Fyne().Resize(c.room)
		x.pass(1)
		x.sees(c.pages)
	}
}
