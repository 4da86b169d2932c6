package sale

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"

	"mostrador/money"
)

func read(t *testing.T, file string) ([]Product, []RowError) {
	t.Helper()
	products, bad, err := ReadProducts(strings.NewReader(file))
	if err != nil {
		t.Fatalf("the file was refused: %v", err)
	}
	return products, bad
}

func TestReadProducts(t *testing.T) {
	products, bad := read(t, "codigo;nombre;unidad;precio;exento;categoria;favorito\r\n"+
		"7801234567894;Leche entera 1 L;un;1.190;n;Lácteos;s\r\n"+
		"101;\"Marraqueta; \"\"la de siempre\"\"\";Kg;$2.490,5;;Panadería;\r\n"+
		"\r\n"+
		" 900 ; Pasaje  bus ;;1500;S\r\n"+
		";;;;;;\r\n")
	if len(bad) != 0 {
		t.Fatalf("rows refused: %v", bad)
	}
	want := []Product{
		{Codigo: "7801234567894", Nombre: "Leche entera 1 L", Prc: money.PerUnit(1190), Categoria: "Lácteos", Favorito: true},
		{Codigo: "101", Nombre: `Marraqueta; "la de siempre"`, Unidad: "Kg", Prc: 2_490_500_000, Categoria: "Panadería"},
		{Codigo: "900", Nombre: "Pasaje bus", Prc: money.PerUnit(1500), Exento: true},
	}
	if fmt.Sprint(products) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", products, want)
	}
}

func TestReadProductsInEverySpellingOfASpreadsheet(t *testing.T) {
	const file = "Código;Descripción;Precio\n1;Ñandú añejo;1.990\n2;Café;500"
	latin, err := charmap.ISO8859_1.NewEncoder().String(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"UTF-8":            file,
		"UTF-8 with BOM":   "\ufeff" + file,
		"Latin-1":          latin,
		"CR LF":            strings.ReplaceAll(file, "\n", "\r\n"),
		"tabs":             strings.ReplaceAll(file, ";", "\t"),
		"commas":           strings.ReplaceAll(file, ";", ","),
		"quoted":           `"Código";"Descripción";"Precio"` + "\n" + `"1";"Ñandú añejo";"1.990"` + "\n" + `"2";"Café";"500"`,
		"decomposed":       strings.NewReplacer("ñ", "n\u0303", "Ñ", "N\u0303", "é", "e\u0301", "ú", "u\u0301").Replace(file),
		"other order":      "SKU;PRECIO VENTA;Bodega;PRODUCTO\n1;1.990;A;Ñandú añejo\n2;500;B;Café",
		"final empty line": file + "\n\n;;\n",
	} {
		t.Run(name, func(t *testing.T) {
			products, bad := read(t, text)
			if len(bad) != 0 || len(products) != 2 || products[0].Nombre != "Ñandú añejo" || products[1].Nombre != "Café" ||
				products[0].Prc != money.PerUnit(1990) {
				t.Errorf("products %v, refused %v", products, bad)
			}
		})
	}
}

func TestReadProductsWithCodesPacksVariantsAndOpenPrices(t *testing.T) {
	products, bad := read(t, "Código;Nombre;Precio;Unidad;Códigos;Familia;Variante;Precio libre;Precio mínimo;Precio máximo\n"+
		"1 | 1b;Cola;990;;1c|1d=12 | 1e=6=5.490 |1f=4=3.990=Cola, 4 latas|;;;n;;\n"+
		"2;Queso;8990;kg;2b=0,25;;;;;\n"+
		"3;;9990;;;Polera básica;M rojo;;;\n"+
		"4;PB L;9990;;;Polera básica;L rojo;;;\n"+
		"5;Arreglo;;;;;;s;500;20.000\n"+
		"6;Bolsa;100;;;;;x;;\n")
	if len(bad) != 0 {
		t.Fatalf("rows refused: %v", bad)
	}
	want := []Product{
		{Codigo: "1", Nombre: "Cola", Prc: money.PerUnit(990), Codigos: []Code{
			{Codigo: "1b"},
			{Codigo: "1c"},
			{Codigo: "1d", Qty: money.Units(12)},
			{Codigo: "1e", Qty: money.Units(6), Prc: money.PerUnit(5490)},
			{Codigo: "1f", Qty: money.Units(4), Prc: money.PerUnit(3990), Nombre: "Cola, 4 latas"},
		}},
		{Codigo: "2", Nombre: "Queso", Unidad: "kg", Prc: money.PerUnit(8990), Codigos: []Code{{Codigo: "2b", Qty: money.One / 4}}},
		{Codigo: "3", Nombre: "Polera básica M rojo", Prc: money.PerUnit(9990), Familia: "Polera básica", Variante: "M rojo"},
		{Codigo: "4", Nombre: "PB L", Prc: money.PerUnit(9990), Familia: "Polera básica", Variante: "L rojo"},
		{Codigo: "5", Nombre: "Arreglo", PrecioLibre: true, PrcMin: money.PerUnit(500), PrcMax: money.PerUnit(20_000)},
		{Codigo: "6", Nombre: "Bolsa", PrecioLibre: true, Prc: money.PerUnit(100)},
	}
	if !reflect.DeepEqual(products, want) {
		t.Errorf("got  %+v\nwant %+v", products, want)
	}
}

func TestReadProductsRefusesCodesThatAreTaken(t *testing.T) {
	const heading = "codigo;nombre;precio;codigos;precio libre;minimo;maximo;familia;variante\n"
	for _, c := range []struct{ row, reason string }{
		{"9;Otro;100;1", "el código «1» ya está en la línea 2"},
		{"9;Otro;100;1b=6", "el código «1b» ya está en la línea 2"},
		{"1b;Otro;100;", "el código «1b» ya está en la línea 2"},
		{"9|1b;Otro;100;", "el código «1b» ya está en la línea 2"},
		{"0036000291452;Otro;100;", "el código «0036000291452» ya está en la línea 2"},
		{"042100005264;Otro;100;", "el código «042100005264» ya está en la línea 2"},
		{"9;Otro;100;9", "el código «9» está dos veces en el mismo producto"},
		{"9;Otro;100;8=", "código «8»: cantidad «» no es válido: está vacío"},
		{"9;Otro;100;8=0", "código «8»: la cantidad debe ser mayor que cero"},
		{"9;Otro;100;8=-2", "código «8»: la cantidad debe ser mayor que cero"},
		{"9;Otro;100;8=doce", "código «8»: cantidad «doce» no es válido"},
		{"9;Otro;100;8=1,5", "no es entero"},
		{"9;Otro;100;8=6=gratis", "código «8»: precio «gratis» no es válido"},
		{"9;Otro;100;8=6=0", "código «8»: el precio debe ser mayor que cero"},
		{"9;Otro;100;8 8=6", "no lleva espacios"},
		{"9;Otro;100;=6", "falta el código"},
		{"9;Otro;100;" + strings.Repeat("x|", 101), "más de 100 códigos"},
		{"9;Otro;;", "precio «» no es válido"},
		{"9;Otro;100;;quizás", "precio libre dice «quizás»"},
		{"9;Otro;100;;n;50", "no es de precio libre"},
		{"9;Otro;;;s;60;50", "el precio mínimo 60 es mayor que el máximo 50"},
		{"9;Otro;70;;s;;50", "el precio 70 no está entre el mínimo y el máximo"},
		{"9;Otro;;;s;x", "precio «x» no es válido"},
		{"9;Otro;100;;;;;Polera", "falta la variante de la familia «Polera»"},
		{"9;Otro;100;;;;;;Rojo", "falta la familia de la variante «Rojo»"},
	} {
		products, bad := read(t, heading+"1;Antes;100;1b|036000291452|0042100005264\n"+c.row+"\n8;Después;200\n")
		if len(products) != 2 || products[1].Nombre != "Después" {
			t.Errorf("%.40q: the good rows are %v", c.row, products)
		}
		if len(bad) != 1 || bad[0].Line != 3 || !strings.Contains(bad[0].Reason, c.reason) {
			t.Errorf("%.40q: refused %v; want line 3, %q", c.row, bad, c.reason)
		}
	}
}

// A bad row is named and does not take its neighbours with it.
func TestReadProductsNamesEachBadRow(t *testing.T) {
	const heading = "codigo;nombre;precio;unidad;exento;categoria;favorito\n"
	for _, c := range []struct{ row, reason string }{
		{";Sin código;100", "falta el código"},
		{"5;;100", "falta el nombre"},
		{"5;Pan;", "precio «» no es válido: está vacío"},
		{"5;Pan;abc", "precio «abc» no es válido: sólo se aceptan cifras"},
		{"5;Pan;1990.50", "los puntos de miles no están donde deben"},
		{"5;Pan;0", "debe ser mayor que cero"},
		{"5;Pan;-10", "debe ser mayor que cero"},
		{"5", "falta el nombre"},
		{"5;Pan;100;litros", "unidad de 6 caracteres: a lo más 4"},
		{"5;Pan;100;;quizás", "exento dice «quizás»: se escribe s o n"},
		{"5;Pan;100;;;;tal vez", "favorito dice «tal vez»"},
		{"5;" + strings.Repeat("ñ", 81) + ";100", "nombre de 81 caracteres: a lo más 80"},
		{strings.Repeat("5", 36) + ";Pan;100", "código de 36 caracteres: a lo más 35"},
		{"5;Pan;100;;;" + strings.Repeat("c", 41), "categoría de 41 caracteres"},
		{"5;Pan 🍞;100", "carácter que los documentos del SII no aceptan: «🍞» (U+1F35E)"},
		{"5;Pan “rico”;100", "«“» (U+201C)"},
		{"5;Pan\u200b;100", "«invisible» (U+200B)"},
		{"5;Pan\a;100", "«invisible» (U+0007)"},
		{"3*5;Pan;100", "no lleva espacios, asteriscos ni barras"},
		{"5 5;Pan;100", "no lleva espacios, asteriscos ni barras"},
		{"7,80123E+12;Pan;100", "la planilla lo cambió"},
		{"1;Otro;100", "el código «1» ya está en la línea 2"},
		{`5;"Pan;100`, "falta cerrar una comilla"},
		{`5;"Pan"x;100`, "hay texto después de cerrar una comilla"},
		{"5;" + strings.Repeat("x", 5000) + ";100", "la línea es demasiado larga"},
	} {
		products, bad := read(t, heading+"1;Antes;100\n"+c.row+"\n2;Después;200\n")
		if len(products) != 2 || products[1].Nombre != "Después" {
			t.Errorf("%.40q: the good rows are %v", c.row, products)
		}
		if len(bad) != 1 || bad[0].Line != 3 || !strings.Contains(bad[0].Reason, c.reason) {
			t.Errorf("%.40q: refused %v; want line 3, %q", c.row, bad, c.reason)
		}
	}
}

func TestReadProductsRefusesWhatIsNoProductFile(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		file io.Reader
		want string
	}{
		"empty":           {strings.NewReader(""), "está vacío"},
		"only blanks":     {strings.NewReader(" \n\ufeff"), "falta la columna"},
		"no heading":      {strings.NewReader("7801234567894;Leche;1190"), "falta la columna"},
		"no price":        {strings.NewReader("codigo;nombre\n1;a"), "falta la columna «precio»"},
		"column twice":    {strings.NewReader("codigo;nombre;precio;Código\n1;a;1;2"), "la columna «Código» está repetida"},
		"a picture":       {bytes.NewReader([]byte("\x89PNG\r\n\x1a\n\x00\x00")), "no es texto"},
		"UTF-16":          {bytes.NewReader([]byte("\xff\xfec\x00o\x00")), "no es texto"},
		"an endless line": {strings.NewReader(strings.Repeat("codigo;", 1000)), "demasiado larga"},
		"too many rows":   {io.MultiReader(strings.NewReader("codigo;nombre;precio\n"), strings.NewReader(strings.Repeat("x\n", maxRows+1))), "más de 500.000 líneas"},
		"unreadable":      {iotest.ErrReader(broken), "the disk is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			products, bad, err := ReadProducts(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || products != nil || bad != nil {
				t.Errorf("got %d products, %d bad rows, %v; want %q", len(products), len(bad), err, c.want)
			}
		})
	}
}

func FuzzReadProducts(f *testing.F) {
	f.Add([]byte("codigo;nombre;precio\n1;Pan;100\n"))
	f.Add([]byte("\ufeffcodigo,nombre,precio,exento\n\"1\",\"Pan\",\"1.000,5\",s\n"))
	f.Add([]byte("codigo\tnombre\tprecio\n1\tPi\xf1a\t0\n\"\t\"\"\n"))
	f.Add([]byte("codigo;nombre;precio;codigos;familia;variante;precio libre;minimo;maximo\n1|2;Pan;1;3=6=5=P;F;V;s;1;2\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		products, _, err := ReadProducts(bytes.NewReader(file))
		if err != nil && products != nil {
			t.Fatal("an error and products")
		}
		seen := map[string]bool{}
		for _, p := range products {
			if err := p.Check(); err != nil || p.Codigo == "" || p.Nombre == "" || p.Prc <= 0 && !p.PrecioLibre {
				t.Fatalf("bad product %+v: %v", p, err)
			}
			texts := []string{p.Nombre, p.Unidad, p.Categoria, p.Familia, p.Variante}
			for code := range p.codes() {
				if seen[code] {
					t.Fatalf("two products have the code %q", code)
				}
				seen[code] = true
				texts = append(texts, code)
			}
			for _, s := range texts {
				if _, err := charmap.ISO8859_1.NewEncoder().String(s); err != nil {
					t.Fatalf("%q cannot be written in a document", s)
				}
			}
		}
	})
}

func BenchmarkReadProducts100k(b *testing.B) {
	var file bytes.Buffer
	file.WriteString("codigo;nombre;precio\n")
	for _, p := range bigCatalogue(100_000) {
		fmt.Fprintf(&file, "%s;%s;1.990\n", p.Codigo, p.Nombre)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		if products, _, err := ReadProducts(bytes.NewReader(file.Bytes())); err != nil || len(products) < 99_000 {
			b.Fatal(len(products), err)
		}
	}
}
