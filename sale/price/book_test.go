package price

import (
	"fmt"
	"strings"
	"testing"

	"mostrador/money"
)

// Every bad rule is named with its number and reason, and the good ones beside it hold.
func TestCompileNamesEachBadRule(t *testing.T) {
	many := func(n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprint(i))
		}
		return names
	}
	for _, c := range []struct {
		rule   Rule
		change func(*Rule)
		reason string
	}{
		{tresPorDos, func(r *Rule) { r.Name = "" }, "falta el nombre"},
		{tresPorDos, func(r *Rule) { r.Name = strings.Repeat("ñ", 41) }, "el nombre tiene 41 caracteres: a lo más 40"},
		{tresPorDos, func(r *Rule) { r.Name = "3×2 🍺" }, "un carácter que los documentos no aceptan (U+1F37A)"},
		{tresPorDos, func(r *Rule) { r.Kind = "regalo" }, "el tipo «regalo» no existe: es uno de precio rebaja nxm segunda descuento combo"},
		{tresPorDos, func(r *Rule) { r.Price = 1 }, "«precio» no se usa en una regla de tipo «nxm»"},
		{tresPorDos, func(r *Rule) { r.Stackable = true }, "«acumulable» no se usa en una regla de tipo «nxm»"},
		{tresPorDos, func(r *Rule) { r.Weighed = true }, "«pesables» no se usa"},
		{tresPorDos, func(r *Rule) { r.From = 1 }, "«desdeCantidad» no se usa"},
		{tresPorDos, func(r *Rule) { r.Take = 0 }, "falta «lleve»"},
		{tresPorDos, func(r *Rule) { r.Pay = 0 }, "falta «pague»"},
		{tresPorDos, func(r *Rule) { r.Pay = 3 }, "lleve 3 y pague 3 no sirve"},
		{tresPorDos, func(r *Rule) { r.Pay = -1 }, "lleve 3 y pague -1 no sirve"},
		{tresPorDos, func(r *Rule) { r.Take = 1001 }, "lleve 1001"},
		{tresPorDos, func(r *Rule) { r.Categories = nil }, "no dice para qué productos o categorías es"},
		{tresPorDos, func(r *Rule) { r.All = true }, "dice «todo» y además"},
		{tresPorDos, func(r *Rule) { r.Categories = []string{" "} }, "la categoría está vacía"},
		{tresPorDos, func(r *Rule) { r.Products = []string{""} }, "código «»"},
		{tresPorDos, func(r *Rule) { r.Products = []string{"3*1"} }, "código «3*1»"},
		{tresPorDos, func(r *Rule) { r.Products = []string{strings.Repeat("1", 36)} }, "el código tiene 36 caracteres"},
		{tresPorDos, func(r *Rule) { r.Products = many(10_001) }, "nombra 10.002 productos"},
		{tresPorDos, func(r *Rule) { r.Lists = []string{""} }, "la lista está vacía"},
		{tresPorDos, func(r *Rule) { r.Lists = many(101) }, "nombra 101 listas"},
		{tresPorDos, func(r *Rule) { r.Priority = 1001 }, "la prioridad 1001 no sirve"},
		{tresPorDos, func(r *Rule) { r.When = When{From: 20261102, To: 20261101} }, "termina antes de empezar"},
		{tresPorDos, func(r *Rule) { r.When = When{Since: 600, Until: 600} }, "a la misma hora"},
		{tresPorDos, func(r *Rule) { r.When = When{Since: 1440} }, "una hora que no existe"},
		{tresPorDos, func(r *Rule) { r.When.Days = []Weekday{7} }, "un día de la semana que no existe"},
		{mayorista, func(r *Rule) { r.Price = 0 }, "falta «precio»"},
		{mayorista, func(r *Rule) { r.Price = -1 }, "debe ser mayor que cero"},
		{mayorista, func(r *Rule) { r.Price = maxAmount + 1 }, "no sirve"},
		{mayorista, func(r *Rule) { r.Products, r.All = nil, true }, "«todo» no se usa en una regla de tipo «precio»"},
		{mayorista, func(r *Rule) { r.From = -1 }, "desdeCantidad -0,000001 no sirve"},
		{club, func(r *Rule) { r.Pct = 0 }, "falta «pct»"},
		{club, func(r *Rule) { r.Pct = 10_000 }, "dejaría el precio en cero"},
		{segunda, func(r *Rule) { r.Pct = 10_001 }, "100,01 % no sirve"},
		{segunda, func(r *Rule) { r.Pct = -1 }, "no sirve"},
		{seis, func(r *Rule) { r.Off = pesos(1) }, "uno de los dos"},
		{seis, func(r *Rule) { r.Pct = 0 }, "uno de los dos"},
		{seis, func(r *Rule) { r.From = money.One / 2 }, "las unidades son enteras"},
		{cien, func(r *Rule) { r.Off = -pesos(1) }, "el descuento de $-1"},
		{cien, func(r *Rule) { r.Off = money.OnePeso / 2 }, "va en pesos enteros"},
		{once, func(r *Rule) { r.Price = money.OnePeso / 2 }, "el precio 0,5 de un combo va en pesos enteros"},
		{once, func(r *Rule) { r.Parts = nil }, "falta «combo»"},
		{once, func(r *Rule) { r.Parts = make([]Part, 21) }, "el combo tiene 21 partes"},
		{once, func(r *Rule) { r.Parts = []Part{{Products: []string{"1"}, Qty: 1}} }, "al menos dos unidades"},
		{once, func(r *Rule) { r.Parts = []Part{{Products: []string{"1"}}} }, "la cantidad 0 en un combo"},
		{once, func(r *Rule) { r.Parts = []Part{{Qty: 2}} }, "una parte del combo no dice"},
		{once, func(r *Rule) { r.Parts = []Part{{Products: []string{"1"}, Qty: 1}, {Products: []string{"1"}, Qty: 1}} }, "«1» está en dos partes del combo"},
		{once, func(r *Rule) {
			r.Parts = []Part{{Categories: []string{"Té"}, Qty: 1}, {Categories: []string{"té "}, Qty: 1}}
		}, "«té» está en dos partes del combo"},
		{once, func(r *Rule) { r.All = true }, "«todo» no se usa"},
	} {
		bad := c.rule.with(c.change)
		b, errs := Compile([]Rule{mayorista, bad, segunda})
		if len(errs) != 1 || errs[0].Number != 2 || errs[0].Name != bad.Name || !strings.Contains(errs[0].Error(), c.reason) {
			t.Errorf("refused %v; want rule 2, %q", errs, c.reason)
			continue
		}
		if r := priced(t, b, Context{}, units("b2", 2, 1000)); r.Total != 1500 {
			t.Errorf("%s: the good rules beside it ask for %d", c.reason, r.Total)
		}
	}
}

// What would make a ticket slow or the index large is refused in words.
func TestCompileIsBounded(t *testing.T) {
	crowd := make([]Rule, maxPerShelf+1)
	for i := range crowd {
		crowd[i] = tresPorDos
	}
	if _, bad := Compile(crowd); len(bad) != 1 || bad[0].Number != maxPerShelf+1 || !strings.Contains(bad[0].Reason, "más de 200 reglas") {
		t.Errorf("a crowd on one category: %v", bad)
	}
	for i := range crowd {
		crowd[i].Lists = []string{fmt.Sprint(i)}
	}
	if _, bad := Compile(crowd); len(bad) != 0 {
		t.Errorf("one rule for each of many lists: %v", bad)
	}
	wide := tresPorDos
	wide.Categories = nil
	for i := range maxProducts {
		wide.Products = append(wide.Products, fmt.Sprint(i))
	}
	for i := range maxLists {
		wide.Lists = append(wide.Lists, fmt.Sprint(i))
	}
	if _, bad := Compile([]Rule{wide, wide, wide}); len(bad) != 2 || bad[0].Number != 2 || !strings.Contains(bad[0].Reason, "demasiados productos") {
		t.Errorf("too wide: %v", bad)
	}
	if _, bad := Compile(manyRules(maxRules + 1)); len(bad) != 1 || !strings.Contains(bad[0].Reason, "más de 200.000 reglas") {
		t.Errorf("too many: %v", bad)
	}
}

// A book keeps nothing of what it was made from.
func TestABookIsItsOwn(t *testing.T) {
	rules := []Rule{tresPorDos.with(func(r *Rule) { r.Categories = []string{"b"} }), once}
	rules[1].Parts = []Part{{Products: []string{"p1"}, Qty: 2}, {Products: []string{"t1"}, Qty: 1}}
	b := book(t, rules...)
	rules[0].Categories[0], rules[0].Take = "x", 9
	rules[1].Parts[0].Qty, rules[1].Parts[1].Products[0] = 7, "x"
	if r := priced(t, b, Context{}, units("b1", 3, 1000), units("p1", 2, 1000), units("t1", 1, 2000)); totals(r) != "2000 1500 1500" {
		t.Errorf("after its rules were changed the book says %s", totals(r))
	}
}

// A list or a category is the same in capitals and with spaces around it.
func TestNamesAreFolded(t *testing.T) {
	b := book(t, Rule{Name: "Vecinos", Kind: Rebaja, Categories: []string{" Té  y Café"}, Pct: 1000, Lists: []string{"VECINOS"}})
	it := Item{Codigo: "1", Categoria: "té y café ", Base: pesos(1000), Qty: money.One}
	if r := priced(t, b, Context{Lists: []string{" vecinos"}}, it); r.Total != 900 {
		t.Errorf("total %d", r.Total)
	}
	it.Categoria = "te y cafe"
	if r := priced(t, b, Context{Lists: []string{" vecinos"}}, it); r.Total != 1000 {
		t.Errorf("without accents it is another category, and costs %d", r.Total)
	}
}
