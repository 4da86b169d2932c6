package sale_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

var (
	cola = sale.Product{
		Codigo: "7801234567894", Nombre: "Bebida cola 1,5 L", Prc: money.PerUnit(1990),
		Codigos: []sale.Code{
			{Codigo: "cola-vieja"},
			{Codigo: "17801234567891", Qty: money.Units(12)},
			{Codigo: "cola-6", Qty: money.Units(6), Prc: money.PerUnit(9990), Nombre: "Cola, six pack"},
			{Codigo: "cola-4", Qty: money.Units(4), Prc: money.PerUnit(6990)},
		},
	}
	cheese = sale.Product{Codigo: "100", Nombre: "Queso mantecoso", Unidad: "kg", Prc: money.PerUnit(8990), Codigos: []sale.Code{
		{Codigo: "queso-cuarto", Qty: money.One / 4},
		{Codigo: "caja-2kg", Qty: money.Units(2), Prc: money.PerUnit(15_000), Nombre: "Queso en caja"},
		{Codigo: "caja-3kg", Qty: money.Units(3), Prc: money.PerUnit(15_000), Nombre: "Queso en caja"},
	}}
	imports = sale.Product{Codigo: "036000291452", Nombre: "Pañuelos", Prc: money.PerUnit(990)}
	repair  = sale.Product{Codigo: "arreglo", Nombre: "Arreglo de ropa", PrecioLibre: true, PrcMin: money.PerUnit(500), PrcMax: money.PerUnit(20_000)}
)

func registerOf(t testing.TB, products ...sale.Product) (*sale.Register, *journal) {
	t.Helper()
	d, j := newDeps(t)
	d.Catalogue = sale.NewCatalogue(products)
	r, err := sale.NewRegister(d)
	must(t, err)
	return r, j
}

// said is the cart as a cashier reads it.
func said(r *sale.Register) string {
	var all []string
	for _, l := range r.Snapshot().Cart.Lines {
		all = append(all, fmt.Sprintf("%s %s %s = %s", l.Qty, l.Nombre, l.Prc, l.Total))
	}
	return strings.Join(all, "; ")
}

func TestScanOfFurtherCodesAndPacks(t *testing.T) {
	for _, c := range []struct {
		codes, want string
	}{
		{"7801234567894 cola-vieja", "2 Bebida cola 1,5 L 1.990 = 3.980"},
		{"7801234567894 17801234567891 cola-vieja", "14 Bebida cola 1,5 L 1.990 = 27.860"},
		{"2*17801234567891", "24 Bebida cola 1,5 L 1.990 = 47.760"},
		{"cola-6 cola-6", "2 Cola, six pack 9.990 = 19.980"},
		{"7801234567894 cola-6 7801234567894", "1 Bebida cola 1,5 L 1.990 = 1.990; 1 Cola, six pack 9.990 = 9.990; 1 Bebida cola 1,5 L 1.990 = 1.990"},
		{"cola-4", "1 Bebida cola 1,5 L × 4 6.990 = 6.990"},
		{"queso-cuarto 3*queso-cuarto", "1 Queso mantecoso 8.990 = 8.990"},
		{"caja-2kg caja-2kg caja-3kg", "2 Queso en caja 15.000 = 30.000; 1 Queso en caja 15.000 = 15.000"},
		{"036000291452 0036000291452", "2 Pañuelos 990 = 1.980"},
	} {
		r, _ := registerOf(t, cola, cheese, imports)
		scan(t, r, strings.Fields(c.codes)...)
		if got := said(r); got != c.want {
			t.Errorf("%s: %s; want %s", c.codes, got, c.want)
		}
	}
}

// What a line of packs holds is known to whoever counts the stock, also after the sale.
func TestALineOfPacksSaysWhatEachHolds(t *testing.T) {
	r, j := registerOf(t, cola)
	scan(t, r, "3*cola-6", "17801234567891")
	must(t, r.Charge())
	must(t, r.Tender(sale.Tarjeta, 0, "1"))
	rec, err := r.Issue()
	must(t, err)
	xml, stored, err := j.Document(rec.Key)
	must(t, err)
	lines := stored.Lines
	if lines[0].Codigo != cola.Codigo || lines[0].Qty != money.Units(3) || lines[0].Contenido != money.Units(6) || lines[0].Unidad != "" {
		t.Errorf("packs: %+v", lines[0])
	}
	if lines[1].Qty != money.Units(12) || lines[1].Contenido != 0 {
		t.Errorf("a pack without a price of its own: %+v", lines[1])
	}
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	if doc.Totales.MntTotal != 3*9990+12*1990 || doc.Detalle[0].Nombre != "Cola, six pack" {
		t.Errorf("document: %+v", doc.Detalle)
	}
}

func TestScanRefusesAndLeavesTheCart(t *testing.T) {
	for _, c := range []struct {
		scan, want string
		is         error
	}{
		{"1,5*17801234567891", "es de un pack: la cantidad debe ser entera", nil},
		{"1,5*cola-6", "se vende por unidad", nil},
		{"0,5*caja-2kg", "se vende por unidad", nil},
		{"999999*17801234567891", "demasiado grande", nil},
		{"0,0005*100", "lleva a lo más 3 decimales", nil},
		{"arreglo", "Arreglo de ropa es de precio libre", sale.ErrOpenPrice},
		{"17801234567892", "no existe", sale.ErrNotFound},
	} {
		r, _ := registerOf(t, cola, cheese, repair)
		scan(t, r, "cola-vieja")
		before := said(r)
		_, err := r.Scan(c.scan)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v; want %s", c.scan, err, c.want)
		}
		if said(r) != before {
			t.Errorf("%s: the cart became %s", c.scan, said(r))
		}
	}
}

func TestOpenPrice(t *testing.T) {
	r, _ := registerOf(t, repair)
	for prc, want := range map[money.Pesos]string{0: "mayor que cero", -1: "mayor que cero", 499: "a lo menos $500", 20_001: "a lo más $20.000"} {
		if _, err := repair.AtPrice(money.PerUnit(prc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", prc, err, want)
		}
	}
	if _, err := cola.AtPrice(cola.Prc); err == nil {
		t.Error("a price was typed for a product that has one")
	}
	for _, prc := range []money.Pesos{500, 20_000, 20_000} {
		p, err := repair.AtPrice(money.PerUnit(prc))
		must(t, err)
		_, err = r.Add(p, money.One)
		must(t, err)
	}
	if got, want := said(r), "1 Arreglo de ropa 500 = 500; 2 Arreglo de ropa 20.000 = 40.000"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	free := repair
	free.PrcMin, free.PrcMax = 0, 0
	if p, err := free.AtPrice(money.OnePeso); err != nil || p.Prc != money.OnePeso {
		t.Errorf("without limits: %v", err)
	}
}

func TestCodeKind(t *testing.T) {
	for code, want := range map[string]sale.Kind{
		"7801234567894": sale.CodeEAN13, "7801234567895": sale.CodeFree, "0036000291452": sale.CodeEAN13,
		"036000291452": sale.CodeUPCA, "036000291453": sale.CodeFree, "96385074": sale.CodeEAN8, "96385075": sale.CodeFree,
		"17801234567891": sale.CodeITF14, "17801234567894": sale.CodeFree, "": sale.CodeFree, "101": sale.CodeFree,
		"780123456789X": sale.CodeFree, "00000000": sale.CodeEAN8,
	} {
		if got := sale.CodeKind(code); got != want {
			t.Errorf("%q is %s, want %s", code, got, want)
		}
	}
}

// A wrong digit, and nearly every swap of neighbours, is noticed: that is what the digit is for.
func TestCodeKindNoticesOneWrongDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := []byte(rapid.StringMatching(`[0-9]{7}|[0-9]{11}|[0-9]{12}|[0-9]{13}`).Draw(t, "code"))
		right := -1
		for d := range 10 {
			if sale.CodeKind(string(code)+fmt.Sprint(d)) != sale.CodeFree {
				if right >= 0 {
					t.Fatalf("%s has two check digits", code)
				}
				right = d
			}
		}
		if right < 0 {
			t.Fatalf("%s has no check digit", code)
		}
		i := rapid.IntRange(0, len(code)-1).Draw(t, "where")
		code[i] = '0' + (code[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if sale.CodeKind(string(code)+fmt.Sprint(right)) != sale.CodeFree {
			t.Fatalf("%s%d is taken for right", code, right)
		}
	})
}

// A till's file of an earlier version is read as it was, and a plain product is written as before.
func TestProductsOfEarlierFilesStay(t *testing.T) {
	const old = `{"codigo":"1","nombre":"Pan","unidad":"kg","prc":"1990.5","exento":true,"categoria":"Pan","favorito":true}`
	var p sale.Product
	must(t, json.Unmarshal([]byte(old), &p))
	if b, err := json.Marshal(p); err != nil || string(b) != old {
		t.Errorf("%s, %v; want %s", b, err, old)
	}
	for _, p := range []sale.Product{cola, repair, {Codigo: "p", Nombre: "Polera M", Familia: "Polera", Variante: "M", Prc: 1}} {
		b, err := json.Marshal(p)
		must(t, err)
		var back sale.Product
		must(t, json.Unmarshal(b, &back))
		if !reflect.DeepEqual(back, p) {
			t.Errorf("%+v came back as %+v", p, back)
		}
	}
}

func TestCheckRefusesInWords(t *testing.T) {
	for name, p := range map[string]sale.Product{"pan": {Codigo: "1", Nombre: "Pan", Prc: 1}, "cola": cola, "queso": cheese, "arreglo": repair} {
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		change func(*sale.Product)
		want   string
	}{
		{func(p *sale.Product) { p.Codigo = "" }, "falta el código"},
		{func(p *sale.Product) { p.Nombre = "" }, "falta el nombre"},
		{func(p *sale.Product) { p.Nombre = "Pan 🍞" }, "no aceptan"},
		{func(p *sale.Product) { p.Prc = 0 }, "mayor que cero"},
		{func(p *sale.Product) { p.Familia = "Polera" }, "falta la variante"},
		{func(p *sale.Product) { p.Variante = "M" }, "falta la familia"},
		{func(p *sale.Product) { p.PrcMax = 5 }, "no es de precio libre"},
		{func(p *sale.Product) { p.PrecioLibre, p.PrcMin, p.PrcMax = true, 9, 5 }, "mayor que el máximo"},
		{func(p *sale.Product) { p.PrecioLibre, p.PrcMin = true, -1 }, "negativo"},
		{func(p *sale.Product) { p.PrecioLibre, p.PrcMin = true, p.Prc+1 }, "no está entre"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: p.Codigo}} }, "dos veces"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a"}, {Codigo: "a"}} }, "dos veces"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "036000291452"}, {Codigo: "0036000291452"}} }, "dos veces"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "0036000291452"}, {Codigo: "036000291452"}} }, "dos veces"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a b"}} }, "no lleva espacios"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{}} }, "falta el código"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a", Qty: 1}} }, "no es entero"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a", Qty: -money.One}} }, "no puede ser"},
		{func(p *sale.Product) { p.Unidad, p.Codigos = "kg", []sale.Code{{Codigo: "a", Qty: 1}} }, "3 decimales"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a", Prc: -1}} }, "negativo"},
		{func(p *sale.Product) { p.Codigos = []sale.Code{{Codigo: "a", Nombre: "“"}} }, "nombre de un pack"},
		{func(p *sale.Product) { p.Codigos = make([]sale.Code, 101) }, "más de 100 códigos"},
	} {
		p := sale.Product{Codigo: "1", Nombre: "Pan", Prc: money.OnePeso}
		c.change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %s", p, err, c.want)
		}
	}
}
