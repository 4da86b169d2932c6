package price

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"mostrador/money"
)

func TestRead(t *testing.T) {
	rules, bad, err := Read(strings.NewReader("\ufeff" + `{"version": 1, "reglas": [
		{"nombre": "Mayorista", "tipo": "precio", "productos": ["b1"], "precio": "1790", "desdeCantidad": "12"},
		{"nombre": "3×2", "tipo": "nxm", "categorias": ["B"], "lleve": 3, "pague": 2},
		{"nombre": "Once", "tipo": "combo", "precio": "3000", "combo": [
			{"categorias": ["p"], "cantidad": 2}, {"productos": ["t1"], "cantidad": 1}]},
		{"nombre": "Hora feliz", "tipo": "descuento", "categorias": ["s"], "pct": "30",
			"vigencia": {"dias": ["Viernes", "sabado"], "desdeHora": "18:00", "hastaHora": "20:00"}},
		{"nombre": "Verano", "tipo": "rebaja", "todo": true, "pct": "12.5", "listas": ["club"], "prioridad": -1,
			"vigencia": {"desde": "2026-12-21", "hasta": "2027-03-20"}}
	]}`))
	want := []Rule{mayorista, tresPorDos, once, happy, {
		Name: "Verano", Kind: Rebaja, All: true, Pct: 1250, Lists: []string{"club"}, Priority: -1, When: When{From: 20261221, To: 20270320},
	}}
	if err != nil || len(bad) != 0 || !reflect.DeepEqual(rules, want) {
		t.Errorf("got %+v\nwant %+v\nrefused %v, %v", rules, want, bad, err)
	}
}

// A bad rule is named and does not take its neighbours with it.
func TestReadNamesEachBadRule(t *testing.T) {
	const before = `{"version":1,"reglas":[{"nombre":"A","tipo":"nxm","todo":true,"lleve":2,"pague":1},`
	const after = `,{"nombre":"Z","tipo":"nxm","todo":true,"lleve":3,"pague":1}]}`
	for _, c := range []struct{ rule, reason string }{
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":2}`, "regla 2 «M»: falta «pague»"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleva":2,"pague":1}`, "el campo «lleva» no existe"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":"2","pague":1}`, "en «lleve» no va eso"},
		{`{"nombre":"M","tipo":"precio","productos":["1"],"precio":990}`, "en «precio» no va eso: precios, cantidades y porcentajes van entre comillas"},
		{`{"nombre":"M","tipo":"precio","productos":["1"],"precio":"9,90"}`, "precio «9,90» no es válido"},
		{`{"nombre":"M","tipo":"rebaja","todo":true,"pct":"5 %"}`, "porcentaje «5 %» no es válido"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":2,"pague":1,"vigencia":{"desde":"2026-02-30"}}`, "la fecha «2026-02-30» no existe"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":2,"pague":1,"vigencia":{"dias":["lunez"]}}`, "el día «lunez» no existe"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":2,"pague":1,"vigencia":{"desdeHora":"25:00"}}`, "la hora «25:00» no existe"},
		{`{"nombre":"M","tipo":"nxm","todo":true,"lleve":2,"pague":1,"vigencia":{"desdeHora":"6:5"}}`, "la hora «6:5» no existe"},
		{`[]`, "hay un valor que no va ahí"},
		{`{"nombre":"` + strings.Repeat("x", maxRuleText) + `"}`, "es demasiado larga"},
	} {
		rules, bad, err := Read(strings.NewReader(before + c.rule + after))
		if err != nil || len(rules) != 2 || rules[1].Name != "Z" || len(bad) != 1 || bad[0].Number != 2 || !strings.Contains(bad[0].Error(), c.reason) {
			t.Errorf("%.80s: %d good rules, refused %v, %v; want %q", c.rule, len(rules), bad, err, c.reason)
		}
	}
}

func TestReadRefusesWhatIsNoFileOfRules(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		file io.Reader
		want string
	}{
		"empty":          {strings.NewReader(" \n"), "está vacío"},
		"unreadable":     {iotest.ErrReader(broken), "the disk is gone"},
		"a picture":      {strings.NewReader("\x89PNG\x00"), "no es texto"},
		"a list":         {strings.NewReader("[]"), "se esperaba «{»"},
		"no version":     {strings.NewReader(`{"reglas":[]}`), "deben venir"},
		"no rules":       {strings.NewReader(`{"version":1}`), "deben venir"},
		"of the future":  {strings.NewReader(`{"version":2,"reglas":[]}`), "«version» (1)"},
		"another file":   {strings.NewReader(`{"emisor":{}}`), "el campo «emisor» no existe"},
		"rules twice":    {strings.NewReader(`{"version":1,"reglas":[],"reglas":[]}`), "«reglas» está dos veces"},
		"rules as text":  {strings.NewReader(`{"version":1,"reglas":"no"}`), "se esperaba «[»"},
		"cut off":        {strings.NewReader(`{"version":1,"reglas":[`), "falta o sobra un signo"},
		"a comma over":   {strings.NewReader("{\"version\":1,\n\"reglas\":[{},\n]}"), "cerca de la línea 2: falta o sobra un signo"},
		"text after it":  {strings.NewReader(`{"version":1,"reglas":[]} {}`), "hay texto después"},
		"too many rules": {io.MultiReader(strings.NewReader(`{"version":1,"reglas":[0`), strings.NewReader(strings.Repeat(",0", maxRules)), strings.NewReader("]}")), "más de 200.000 reglas"},
		"too large":      {io.MultiReader(strings.NewReader(`{"version":1,"reglas":["`), io.LimitReader(endless{}, maxFile)), "pasa de 32 MB"},
		"too deep":       {strings.NewReader(`{"version":1,"reglas":[` + strings.Repeat("[", 100_000)), "no se pudo leer"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, bad, err := Read(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || rules != nil || bad != nil {
				t.Errorf("got %d rules, %d bad ones, %v; want %q", len(rules), len(bad), err, c.want)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// What is written is read back, whatever the rule.
func TestWriteAndRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Rule {
			r := anyRule(t)
			r.When = When{
				From:  rapid.SampledFrom([]Day{0, 20261101}).Draw(t, "from"),
				To:    rapid.SampledFrom([]Day{0, 20261231}).Draw(t, "to"),
				Days:  rapid.SampledFrom([][]Weekday{nil, {0, 3, 6}}).Draw(t, "days"),
				Since: rapid.SampledFrom([]Clock{0, 18*60 + 45}).Draw(t, "since"),
				Until: rapid.SampledFrom([]Clock{0, 60, midnight}).Draw(t, "until"),
			}
			return r
		}), 1, 5).Draw(t, "rules")
		var file bytes.Buffer
		if err := Write(&file, rules); err != nil {
			t.Fatal(err)
		}
		again, bad, err := Read(&file)
		if err != nil || len(bad) > 0 || !reflect.DeepEqual(again, rules) {
			t.Fatalf("wrote %+v\nread %+v\nrefused %v, %v", rules, again, bad, err)
		}
	})
	if err := Write(io.Discard, []Rule{{When: When{Days: []Weekday{9}}}}); err == nil {
		t.Error("a day that does not exist was written")
	}
}

func FuzzRead(f *testing.F) {
	var seed bytes.Buffer
	if err := Write(&seed, []Rule{mayorista, tresPorDos, once, happy, fruta, club}); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte(`{"version":1,"reglas":[{"nombre":"M","tipo":"precio","productos":["1"],"precio":990}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		rules, _, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		priceAnything(t, rules)
		var again bytes.Buffer
		if err := Write(&again, rules); err != nil {
			t.Fatal(err)
		}
		if read, bad, err := Read(&again); err != nil || len(bad) > 0 || len(read) != len(rules) {
			t.Errorf("wrote %d rules, read %d, refused %v, %v", len(rules), len(read), bad, err)
		}
	})
}

// priceAnything sells what the rules speak of.
func priceAnything(t *testing.T, rules []Rule) {
	b, _ := Compile(rules)
	ctx := Context{At: at(12, 0), Off: Off{Pct: 500}}
	items := []Item{units("b1", 7, 990), kilos("f1", "1,5", 1990)}
	for _, r := range rules[:min(len(rules), 20)] {
		ctx.Lists = append(ctx.Lists, r.Lists...)
		for _, p := range append(r.Parts, Part{Products: r.Products, Categories: r.Categories}) {
			for _, code := range p.Products[:min(len(p.Products), 20)] {
				items = append(items, Item{Codigo: code, Base: pesos(700), Qty: money.Units(3)})
			}
			for _, name := range p.Categories[:min(len(p.Categories), 20)] {
				items = append(items, Item{Codigo: "c", Categoria: name, Base: pesos(1300), Qty: money.Units(5)})
			}
		}
	}
	if r, err := b.Price(ctx, items); err == nil {
		checkInvariants(t, items, r)
	} else if !errors.Is(err, money.ErrOverflow) {
		t.Errorf("the ticket was refused: %v", err)
	}
}

func TestReadPrices(t *testing.T) {
	rules, bad, err := ReadPrices(strings.NewReader("\ufeffCódigo;Lista;Desde cantidad;Precio;Desde;Hasta;Bodega\r\n" +
		"b1;Mayorista;12;$1.790;;;A\r\n" +
		"\"b1\";Mayorista;24;1.690,5;2026-11-01;30/11/2026;\r\n" +
		";;;;;\r\n" +
		"101;;0,5;990\r\n"))
	want := []Rule{
		{Name: "Mayorista desde 12", Kind: Precio, Products: []string{"b1"}, Price: pesos(1790), From: money.Units(12), Lists: []string{"Mayorista"}},
		{
			Name: "Mayorista desde 24", Kind: Precio, Products: []string{"b1"}, Price: 1_690_500_000, From: money.Units(24),
			Lists: []string{"Mayorista"}, When: When{From: 20261101, To: 20261130},
		},
		{Name: "Precio especial", Kind: Precio, Products: []string{"101"}, Price: pesos(990), From: money.One / 2},
	}
	if err != nil || len(bad) != 0 || !reflect.DeepEqual(rules, want) {
		t.Errorf("got %+v\nwant %+v\nrefused %v, %v", rules, want, bad, err)
	}
	latin := "c\xf3digo\tlista\tprecio\n1\tA\xf1ejos\t990\n"
	if rules, bad, err := ReadPrices(strings.NewReader(latin)); err != nil || len(bad) != 0 || len(rules) != 1 || rules[0].Lists[0] != "Añejos" {
		t.Errorf("Latin-1 with tabs: %+v, %v, %v", rules, bad, err)
	}
}

func TestReadPricesNamesEachBadRow(t *testing.T) {
	for _, c := range []struct{ row, reason string }{
		{";;;100", "código «»"},
		{"3*1;;;100", "código «3*1»"},
		{"7,80E+12;;;100", "la planilla lo cambió"},
		{"5;;;", "precio «» no es válido"},
		{"5;;;0", "debe ser mayor que cero"},
		{"5;;;19.90", "los puntos de miles"},
		{"5;;x;100", "cantidad «x» no es válido"},
		{"5;;-1;100", "desdeCantidad -1 no sirve"},
		{"5;;;100;30-02-2026", "la fecha «30-02-2026» no existe"},
		{"5;;;100;;ayer", "la fecha «ayer» no existe"},
		{"5;;;100;2026-11-02;2026-11-01", "termina antes de empezar"},
		{"5;" + strings.Repeat("x", 41) + ";;100", "la lista tiene 41 caracteres"},
		{"5;Lista 🍞;;100", "la lista lleva un carácter"},
		{"5;\"a;b\";;100", "comilla"},
		{"5;" + strings.Repeat("x", maxRow) + ";;100", "demasiado larga"},
		{"1; mayorista;1;200", "ese precio ya está en la línea 2"},
	} {
		rules, bad, err := ReadPrices(strings.NewReader("codigo;lista;desde cantidad;precio;desde;hasta\n1;Mayorista;1;100\n" + c.row + "\n2;;;200\n"))
		if err != nil || len(rules) != 2 || len(bad) != 1 || bad[0].Line != 3 || !strings.Contains(bad[0].Error(), c.reason) {
			t.Errorf("%.60q: %d good rows, refused %v, %v; want line 3, %q", c.row, len(rules), bad, err, c.reason)
		}
	}
}

func TestReadPricesRefusesWhatIsNoPriceList(t *testing.T) {
	for name, c := range map[string]struct {
		file io.Reader
		want string
	}{
		"empty":         {strings.NewReader(""), "está vacío"},
		"no heading":    {strings.NewReader("1;;;100"), "faltan las columnas"},
		"no price":      {strings.NewReader("codigo;lista\n1;a"), "faltan las columnas"},
		"column twice":  {strings.NewReader("codigo;precio;Código\n1;1;2"), "la columna «Código» está repetida"},
		"endless line":  {strings.NewReader(strings.Repeat("codigo;", 1000)), "demasiado larga"},
		"a spreadsheet": {strings.NewReader("PK\x03\x04\x00"), "no es texto"},
		"too many rows": {io.MultiReader(strings.NewReader("codigo;precio\n"), strings.NewReader(strings.Repeat("x\n", maxRules+1))), "más de 200.000 líneas"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, bad, err := ReadPrices(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || rules != nil || bad != nil {
				t.Errorf("got %d rules, %d bad rows, %v; want %q", len(rules), len(bad), err, c.want)
			}
		})
	}
}

func FuzzReadPrices(f *testing.F) {
	f.Add([]byte("codigo;lista;desde cantidad;precio;desde;hasta\n1;Mayorista;12;1.790;2026-11-01;30-11-2026\n"))
	f.Add([]byte("precio,codigo\n\"1\",\"2\"\n\xf1,\x80\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rules, bad, err := ReadPrices(bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, row := range bad {
			if row.Line < 2 || row.Reason == "" {
				t.Errorf("refused without a place or a reason: %+v", row)
			}
		}
		for i := range rules {
			if reason := rules[i].check(); reason != "" {
				t.Errorf("rule %+v was let through: %s", rules[i], reason)
			}
		}
		priceAnything(t, rules)
	})
}

// The examples of the manual are what the program reads.
func TestTheManualsExamplesAreRead(t *testing.T) {
	manual, err := os.ReadFile("../../docs/precios.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(manual, -1)
	kinds := map[Kind]bool{}
	for _, block := range blocks {
		text := string(block[1])
		if !strings.Contains(text, `"reglas"`) {
			text = `{"version": 1, "reglas": [` + text + `]}`
		}
		rules, bad, err := Read(strings.NewReader(text))
		if err != nil || len(bad) > 0 || len(rules) == 0 {
			t.Errorf("%s\n%d rules, refused %v, %v", text, len(rules), bad, err)
		}
		for _, r := range rules {
			kinds[r.Kind] = true
		}
	}
	for _, kind := range kindNames {
		if !kinds[kind] {
			t.Errorf("the manual has no example of %s", kind)
		}
	}
	list := regexp.MustCompile("(?s)```csv\n(.*?)```").FindSubmatch(manual)
	if list == nil {
		t.Fatal("the manual has no price list")
	}
	if rules, bad, err := ReadPrices(bytes.NewReader(list[1])); err != nil || len(bad) > 0 || fmt.Sprint(len(rules)) != "3" {
		t.Errorf("the manual's price list: %d rules, refused %v, %v", len(rules), bad, err)
	}
}
