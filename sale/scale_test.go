package sale_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mostrador/money"
	"mostrador/sale"
)

// closed gives twelve figures their check digit.
func closed(t testing.TB, twelve string) string {
	t.Helper()
	for d := range 10 {
		if code := twelve + fmt.Sprint(d); sale.CodeKind(code) == sale.CodeEAN13 {
			return code
		}
	}
	t.Fatalf("%s are not twelve figures", twelve)
	return ""
}

var (
	ham   = sale.Product{Codigo: "123", Nombre: "Jamón", Unidad: "kg", Prc: money.PerUnit(8990)}
	tray  = sale.Product{Codigo: "77", Nombre: "Bandeja de sushi", Prc: money.PerUnit(5000)}
	open  = sale.Product{Codigo: "88", Nombre: "Almuerzo al peso", PrecioLibre: true, PrcMax: money.PerUnit(9000)}
	fruit = sale.Product{Codigo: "99", Nombre: "Fruta del día", Unidad: "kg", PrecioLibre: true}
	gold  = sale.Product{Codigo: "1", Nombre: "Azafrán", Unidad: "kg", Prc: money.PerUnit(4_999_999)}
	brand = sale.Product{Codigo: "2012345678900", Nombre: "De la casa", Prc: money.PerUnit(700)}
	juice = sale.Product{Codigo: "55", Nombre: "Jugo", Unidad: "lt", Prc: money.PerUnit(1200)}
)

func scaleShop(t testing.TB, rules sale.ScaleRules) (*sale.Register, sale.Catalogue) {
	t.Helper()
	must(t, rules.Check())
	d, _ := newDeps(t)
	d.Scale, d.Catalogue = rules, sale.NewCatalogue([]sale.Product{ham, tray, open, fruit, gold, brand, juice})
	r, err := sale.NewRegister(d)
	must(t, err)
	return r, d.Catalogue
}

func TestScanOfScaleLabels(t *testing.T) {
	for _, c := range []struct{ codes, want string }{
		{closed(t, "200012300345"), "0,345 Jamón 8.990 = 3.102"},
		{closed(t, "200012312000"), "12 Jamón 8.990 = 107.880"},
		{closed(t, "210012303102"), "0,345 Jamón 8.990 = 3.102"},
		{closed(t, "210012300001"), "0,0001 Jamón 8.990 = 1"},
		{closed(t, "020012303102"), "0,345 Jamón 8.990 = 3.102"},
		{closed(t, "020012303102")[1:], "0,345 Jamón 8.990 = 3.102"}, // as a reader of UPC-A gives it
		{closed(t, "220123614685"), "1,6335 Jamón 8.990 = 14.685"},
		{closed(t, "210007704990"), "1 Bandeja de sushi 4.990 = 4.990"},
		{closed(t, "210008809000"), "1 Almuerzo al peso 9.000 = 9.000"},
		{closed(t, "210005500600"), "0,5 Jugo 1.200 = 600"},
		// each label is a line of its own, so that the sum is what is printed on them
		{closed(t, "200012300345") + " " + closed(t, "200012300345") + " 123", "0,345 Jamón 8.990 = 3.102; 0,345 Jamón 8.990 = 3.102; 1 Jamón 8.990 = 8.990"},
		{"123 " + closed(t, "200012300345"), "1 Jamón 8.990 = 8.990; 0,345 Jamón 8.990 = 3.102"},
		{"2012345678900", "1 De la casa 700 = 700"}, // a code of the catalogue is no label
	} {
		r, _ := scaleShop(t, sale.DefaultScaleRules())
		scan(t, r, strings.Fields(c.codes)...)
		if got := said(r); got != c.want {
			t.Errorf("%s: %s; want %s", c.codes, got, c.want)
		}
	}
}

func TestScanOfALabelIsRefusedInWords(t *testing.T) {
	wrong := closed(t, "200012300345")
	wrong = wrong[:12] + string('0'+(wrong[12]-'0'+1)%10)
	for _, c := range []struct {
		code, want string
		is         error
	}{
		{wrong, "la última cifra no calza", nil},
		{closed(t, "200012300000"), "dice peso cero", nil},
		{closed(t, "210012300000"), "dice precio cero", nil},
		{closed(t, "220123714685"), "el control del precio no calza", nil},
		{closed(t, "200099900345"), "del producto 999, que no existe", sale.ErrNotFound},
		{closed(t, "200007700345"), "Bandeja de sushi no se vende por kg", nil},
		{closed(t, "200005500345"), "Jugo no se vende por kg", nil},
		{closed(t, "210008809001"), "a lo más $9.000", nil},
		{closed(t, "210009901000"), "Fruta del día no tiene precio por kg", nil},
		{closed(t, "200009901000"), "Fruta del día es de precio libre", sale.ErrOpenPrice},
		{"2*" + closed(t, "200012300345"), "se escanean una por una", nil},
		{closed(t, "250012300345"), "código " + closed(t, "250012300345") + ": no existe", sale.ErrNotFound},
		{"20001230034", "no existe", sale.ErrNotFound},
	} {
		r, _ := scaleShop(t, sale.DefaultScaleRules())
		_, err := r.Scan(c.code)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) || !strings.HasSuffix(err.Error(), "Nada se agregó") {
			t.Errorf("%s: %v; want %s", c.code, err, c.want)
		}
		if got := said(r); got != "" {
			t.Errorf("%s: the cart has %s", c.code, got)
		}
	}
}

// Whatever a label says, the ticket says: all prices and weights that five figures hold, over unit prices of every size,
// from what the till adds up to what it charges.
func TestALabelsPriceIsTheLinesTotal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := sale.Product{Codigo: "7", Nombre: "X", Unidad: "kg", Prc: money.Price(rapid.Int64Range(int64(money.OnePeso), int64(money.PerUnit(9_000_000))).Draw(rt, "price"))}
		total := rapid.Int64Range(1, 99_999).Draw(rt, "label")
		in := sale.NewCatalogue([]sale.Product{p})
		m, err := sale.DefaultScaleRules().Match(closed(t, fmt.Sprintf("2100007%05d", total)), in)
		if err != nil && p.Prc < money.PerUnit(1_000_000) {
			rt.Fatalf("$%d at %s: %v", total, p.Prc, err)
		}
		if err != nil {
			return
		}
		if amount, err := m.Prc.Times(m.Qty); err != nil || amount != money.Pesos(total) {
			rt.Fatalf("the label says %d, the line %s × %s = %s, %v", total, m.Qty, m.Prc, amount, err)
		}
		if p.Prc <= money.PerUnit(1_000_000) && m.Prc != p.Prc {
			rt.Fatalf("$%d at %s: the price became %s", total, p.Prc, m.Prc)
		}
	})
}

func TestALabelDearerThanAMillionAKilo(t *testing.T) {
	r, _ := scaleShop(t, sale.DefaultScaleRules())
	for total := 3; total < 99_999; total += 777 { // less than a millionth of a kilo cannot be said
		if _, err := r.Scan(closed(t, fmt.Sprintf("2100001%05d", total))); err != nil {
			t.Fatalf("$%d: %v", total, err)
		}
		lines := r.Snapshot().Cart.Lines
		if last := lines[len(lines)-1]; last.Total != money.Pesos(total) {
			t.Errorf("the label says %d, the line %+v", total, last)
		}
	}
}

// A quantity that a person types replaces the label's, and readings of the code are added to such a line again.
func TestALabelsLineThatIsEditedIsALineLikeAnyOther(t *testing.T) {
	r, _ := scaleShop(t, sale.DefaultScaleRules())
	scan(t, r, closed(t, "200012300345"))
	if l := r.Snapshot().Cart.Lines[0]; l.Etiqueta == "" {
		t.Errorf("the label is not kept: %+v", l)
	}
	must(t, r.SetQty(money.One/2))
	scan(t, r, "123")
	if got, want := said(r), "1,5 Jamón 8.990 = 13.485"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

func TestLabelsOfTheShopsOwnTable(t *testing.T) {
	rules := sale.ScaleRules{
		{Nombre: "PLU con ceros", Prefijo: "29", Tipo: sale.ScaleWeight, Codigo: sale.Figures{Desde: 3, Largo: 4}, Valor: sale.Figures{Desde: 7, Largo: 6}, Decimales: 4},
		{Nombre: "Con prefijo", Prefijo: "281", Tipo: sale.ScalePrice, Codigo: sale.Figures{Desde: 9, Largo: 3}, Valor: sale.Figures{Desde: 4, Largo: 5}, Decimales: 1, Antepone: "B-", Control: 12},
		{Nombre: "Sin ceros y con prefijo", Prefijo: "282", Tipo: sale.ScaleWeight, Codigo: sale.Figures{Desde: 4, Largo: 4}, Valor: sale.Figures{Desde: 8, Largo: 5}, Decimales: 3, Antepone: "B-", SinCeros: true},
		{Nombre: "Control de cuatro", Prefijo: "27", Tipo: sale.ScalePrice, Codigo: sale.Figures{Desde: 3, Largo: 5}, Control: 8, Revisa: true, Valor: sale.Figures{Desde: 9, Largo: 4}, SinCeros: true},
	}
	must(t, rules.Check())
	in := sale.NewCatalogue([]sale.Product{
		{Codigo: "0042", Nombre: "Pan", Unidad: "kg", Prc: money.PerUnit(2000)},
		{Codigo: "B-042", Nombre: "Torta", Prc: money.PerUnit(1)},
		{Codigo: "B-42", Nombre: "Queque", Unidad: "KG", Prc: money.PerUnit(4000)},
		{Codigo: "7", Nombre: "Pie", Prc: money.PerUnit(1)},
	})
	for code, want := range map[string]string{
		closed(t, "290042012345"): "Pan 1,2345 2.000",
		closed(t, "281123450429"): "Torta 1 1.235", // 1.234,5 pesos
		closed(t, "282004200500"): "Queque 0,5 4.000",
		closed(t, "270000792875"): "Pie 1 2.875",
	} {
		m, err := rules.Match(code, in)
		if got := fmt.Sprint(m.Nombre, " ", m.Qty, " ", m.Prc); err != nil || got != want || m.Code != code || !m.Etiqueta {
			t.Errorf("%s: %s, %v; want %s", code, got, err, want)
		}
	}
	if _, err := rules.Match(closed(t, "270000782875"), in); err == nil {
		t.Error("a price whose control is wrong was believed")
	}
	if _, err := (sale.ScaleRules{}).Match(closed(t, "200012300345"), in); !errors.Is(err, sale.ErrNotFound) {
		t.Errorf("without rules: %v", err)
	}
}

func TestPreviewExplains(t *testing.T) {
	_, in := scaleShop(t, nil)
	rules := sale.DefaultScaleRules()
	for code, want := range map[string]string{
		closed(t, "200012300345"):        "Regla «Peso en gramos», prefijo 20: producto 123, peso 0,345 kg. Sería: Jamón, 0,345 kg × $8.990 = $3.102.",
		closed(t, "210007704990"):        "Regla «Precio», prefijo 21: producto 77, precio $4.990. Sería: Bandeja de sushi, 1 × $4.990 = $4.990.",
		closed(t, "200099900345"):        "Regla «Peso en gramos», prefijo 20: producto 999, peso 0,345 kg. La etiqueta es del producto 999, que no existe.",
		closed(t, "200000000345"):        "Regla «Peso en gramos», prefijo 20: producto 0, peso 0,345 kg. La etiqueta es del producto 0, que no existe.",
		closed(t, "220123714685"):        "Regla «Precio con control», prefijo 22: producto 123. El control del precio no calza: escanee la etiqueta otra vez.",
		closed(t, "780123456789"):        "Ninguna regla lee este código: debe tener 13 cifras y empezar con uno de los prefijos de la tabla.",
		"":                               "Ninguna regla lee este código: debe tener 13 cifras y empezar con uno de los prefijos de la tabla.",
		closed(t, "200012300345") + "\n": "Regla «Peso en gramos», prefijo 20: producto 123, peso 0,345 kg. Sería: Jamón, 0,345 kg × $8.990 = $3.102.",
	} {
		got, m, err := rules.Preview(code, in)
		if got != want {
			t.Errorf("%s: %s\nwant %s", code, got, want)
		}
		if matched := strings.Contains(want, "Sería"); matched != (err == nil) || matched != (m.Product.Codigo != "") {
			t.Errorf("%s: %+v, %v", code, m, err)
		}
	}
}

func TestScaleRulesAreChecked(t *testing.T) {
	must(t, sale.DefaultScaleRules().Check())
	good := func() sale.ScaleRule { return sale.DefaultScaleRules()[0] }
	for _, c := range []struct {
		change func(*sale.ScaleRule)
		want   string
	}{
		{func(r *sale.ScaleRule) { r.Nombre = "" }, "falta el nombre"},
		{func(r *sale.ScaleRule) { r.Nombre = "🍞" }, "no aceptan"},
		{func(r *sale.ScaleRule) { r.Prefijo = "" }, "debe empezar con"},
		{func(r *sale.ScaleRule) { r.Prefijo = "2" }, "debe empezar con"},
		{func(r *sale.ScaleRule) { r.Prefijo = "78" }, "debe empezar con"},
		{func(r *sale.ScaleRule) { r.Prefijo = "2x" }, "debe empezar con"},
		{func(r *sale.ScaleRule) { r.Prefijo = "20123456" }, "debe empezar con"},
		{func(r *sale.ScaleRule) { r.Prefijo = "200" }, "el prefijo y el código ocupan la misma cifra, la 3"},
		{func(r *sale.ScaleRule) { r.Tipo = "volumen" }, "el tipo «volumen» no existe"},
		{func(r *sale.ScaleRule) { r.Codigo.Largo = 0 }, "el código ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Codigo.Desde = 0 }, "el código ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Codigo.Largo = 6 }, "el código y el valor ocupan la misma cifra, la 8"},
		{func(r *sale.ScaleRule) { r.Valor.Largo = 6 }, "el valor ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Valor.Desde = 1<<63 - 1 }, "el valor ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Valor.Largo = 1<<63 - 1 }, "a lo más 9 cifras"},
		{func(r *sale.ScaleRule) { r.Valor.Largo = -1 }, "los decimales"},
		{func(r *sale.ScaleRule) { r.Decimales = 6 }, "los decimales de un peso son de 0 a 6, y no más que sus cifras"},
		{func(r *sale.ScaleRule) { r.Decimales = -1 }, "los decimales"},
		{func(r *sale.ScaleRule) { r.Tipo = sale.ScalePrice }, "los decimales de un precio son de 0 a 2"},
		{func(r *sale.ScaleRule) { r.Revisa = true }, "falta la posición"},
		{func(r *sale.ScaleRule) { r.Control = -1 }, "falta la posición"},
		{func(r *sale.ScaleRule) { r.Control = 13 }, "el control ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Control = 1<<63 - 1 }, "el control ocupa cifras que no hay"},
		{func(r *sale.ScaleRule) { r.Control = 8 }, "el valor y el control ocupan la misma cifra, la 8"},
		{func(r *sale.ScaleRule) { r.Control, r.Revisa, r.Valor = 8, true, sale.Figures{Desde: 9, Largo: 3} }, "sólo un valor de 4 o 5 cifras"},
		{func(r *sale.ScaleRule) { r.Antepone = "a*" }, "no puede ir delante"},
		{func(r *sale.ScaleRule) { r.Antepone = strings.Repeat("a", 30) }, "no puede ir delante"},
		{func(r *sale.ScaleRule) { r.Prefijo, r.Codigo = "215", sale.Figures{Desde: 4, Largo: 4} }, "se confunde con el 21 de «Precio»"},
	} {
		r := good()
		c.change(&r)
		rules := append(sale.DefaultScaleRules()[1:], r)
		if err := rules.Check(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "regla 4") {
			t.Errorf("%+v: %v; want %s", r, err, c.want)
		}
	}
	long, short := good(), good()
	long.Prefijo, long.Codigo = "205", sale.Figures{Desde: 4, Largo: 4}
	if err := (sale.ScaleRules{long, short}).Check(); err == nil || !strings.Contains(err.Error(), "se confunde") {
		t.Errorf("a prefix that begins an earlier one: %v", err)
	}
	if err := make(sale.ScaleRules, 51).Check(); err == nil || !strings.Contains(err.Error(), "caben 50") {
		t.Errorf("51 rules: %v", err)
	}
	b, err := json.Marshal(sale.DefaultScaleRules())
	must(t, err)
	if back, err := sale.ParseScaleRules(b); err != nil || !reflect.DeepEqual(back, sale.DefaultScaleRules()) {
		t.Errorf("the table came back as %+v, %v", back, err)
	}
	for _, file := range []string{"", "{", "{}", `[{"prefijo":7}]`, `[{"nombre":"x"}]`} {
		if _, err := sale.ParseScaleRules([]byte(file)); err == nil {
			t.Errorf("%q was taken for a table", file)
		}
	}
}

// No table and no code makes a label of nothing, or a line that does not add up.
func FuzzScaleLabel(f *testing.F) {
	rules, _ := json.Marshal(sale.DefaultScaleRules())
	for _, code := range []string{closed(f, "200012300345"), closed(f, "210012303102"), closed(f, "220123614685"), closed(f, "210007704990"), "", "2*3", "２００"} {
		f.Add(rules, code)
	}
	f.Add([]byte(`[{"nombre":"x","prefijo":"20","tipo":"precio","codigo":{"desde":3,"largo":1},"valor":{"desde":4,"largo":9}}]`), closed(f, "201999999999"))
	f.Add([]byte(`[{"nombre":"x","prefijo":"20","tipo":"precio","codigo":{"desde":3,"largo":1},"valor":{"desde":9,"largo":9}}]`), closed(f, "201999999999"))
	in := sale.NewCatalogue([]sale.Product{ham, tray, open, fruit, gold, brand, juice})
	f.Fuzz(func(t *testing.T, table []byte, code string) {
		var rules sale.ScaleRules
		if json.Unmarshal(table, &rules) != nil {
			return
		}
		words, m, err := rules.Preview(code, in) // a table that was not checked must not break the till
		if words == "" {
			t.Fatal("nothing is explained")
		}
		if rules.Check() != nil || err != nil {
			return
		}
		amount, err := m.Prc.Times(m.Qty)
		if err != nil || m.Qty <= 0 || m.Prc <= 0 || !m.Etiqueta || m.Product.Codigo == "" || !strings.Contains(words, "= $"+amount.String()) {
			t.Fatalf("%s: %s: %+v", code, words, m)
		}
	})
}
