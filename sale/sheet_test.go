package sale_test

import (
	"errors"
	"slices"
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
)

// The sheet of a product tells its category, what one costs in each list that has another price, by the path that prices a sale,
// and the promotions that name it.
func TestTheSheetOfAProduct(t *testing.T) {
	x := newTill(t)
	x.deps.Prices = book(t,
		price.Rule{Name: "Mayorista", Kind: price.Rebaja, Categories: []string{"Lácteos"}, Pct: 1000, Lists: []string{"Mayorista"}},
		price.Rule{Name: "Funcionario", Kind: price.Precio, Products: []string{"L"}, Price: money.PerUnit(800), Lists: []string{"Funcionarios"}},
		price.Rule{Name: "Por diez", Kind: price.Rebaja, Products: []string{"L"}, Pct: 5000, From: 10 * money.One, Lists: []string{"Feria"}},
		price.Rule{Name: "3×2 en lácteos", Kind: price.NxM, Categories: []string{"LÁCTEOS"}, Take: 3, Pay: 2},
		price.Rule{Name: "Aniversario", Kind: price.Descuento, All: true, Off: money.PerUnit(10)},
		price.Rule{Name: "2×1 en pan", Kind: price.NxM, Products: []string{"P"}, Take: 2, Pay: 1},
	)
	x.sells(sale.Product{Codigo: "L", Nombre: "Leche", Categoria: "Lácteos", Prc: money.PerUnit(1000)}, sale.Product{Codigo: "P", Nombre: "Pan", Prc: money.PerUnit(500)})
	s, err := x.register.Sheet("L")
	must(t, err)
	if s.Line.Nombre != "Leche" || s.Line.Categoria != "Lácteos" || s.Line.Prc != money.PerUnit(1000) {
		t.Errorf("the line is %+v", s.Line)
	}
	if want := []sale.ListPrice{{"Mayorista", money.PerUnit(900)}, {"Funcionarios", money.PerUnit(800)}}; !slices.Equal(s.Lists, want) {
		t.Errorf("lists %v, want %v", s.Lists, want)
	}
	if want := []string{"3×2 en lácteos", "Aniversario"}; !slices.Equal(s.Promos, want) {
		t.Errorf("promotions %v, want %v", s.Promos, want)
	}
	for _, l := range s.Lists { // the very price of a sale
		scan(t, x.register, "L")
		must(t, x.register.Choose(sale.Choice{Receptor: buyer(), Lists: []string{l.Name}}))
		if got := x.register.Snapshot().Cart.Lines[0].Prc; got != l.Prc {
			t.Errorf("%s is sold at %s, and the sheet says %s", l.Name, got, l.Prc)
		}
		must(t, x.register.Void("prueba"))
	}
	if s, err = x.register.Sheet("P"); err != nil || len(s.Lists) != 0 || !slices.Equal(s.Promos, []string{"2×1 en pan", "Aniversario"}) {
		t.Errorf("bread: %+v, %v", s, err)
	}
	if _, err := x.register.Sheet("nadie"); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("nothing: %v", err)
	}
	if n := len(x.register.Snapshot().Cart.Lines); n != 0 {
		t.Errorf("asking sold %d", n)
	}
}
