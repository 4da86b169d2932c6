package setpruebas

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shared reads a reference file, or skips.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "sii", "sets", name))
	if err != nil {
		t.Skip("the reference sets of ../shared are not here")
	}
	return b
}

// parse demands that every line is understood.
func parse(t testing.TB, b []byte) *File {
	t.Helper()
	f, faults, err := Parse(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	return f
}

// config is the company of the tests, with the folio 1, 2, 3 … of each type in the order of the cases.
func config(f *File) Config {
	c := Config{
		Emisor: dtetest.Emisor(), Receptor: dtetest.Receptor(), GiroCorregido: "FERRETERÍA",
		Extranjero: dte.Receptor{RznSoc: "ACME IMPORT", Direccion: "MAIN STREET 1"},
		TpoCambio:  map[string]money.Cambio{"DOLAR USA": 945_1234, "EURO": 1_033_5000},
		Bulto:      dte.Bulto{Marcas: "ACME 1-26", IDContainer: "CSNU1234567", Sello: "S-1", EmisorSello: "NAVIERA"},
		FchEmis:    dtetest.Today(), Folios: map[string]dte.Folio{},
	}
	next := map[dte.TipoDTE]dte.Folio{}
	for _, s := range f.Sets {
		for _, k := range s.Casos {
			next[k.Tipo]++
			c.Folios[k.ID] = next[k.Tipo]
		}
	}
	return c
}

func drafts(t testing.TB, f *File) map[string]Resuelto {
	t.Helper()
	all, err := f.Drafts(config(f))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Resuelto{}
	for _, r := range all {
		found[r.Caso.ID] = r
	}
	return found
}

// Both encodings and both line ends say the same.
func TestSharedSetIsUnderstoodWhole(t *testing.T) {
	latin, utf := parse(t, shared(t, "set-2025-completo.latin1-crlf.txt")), parse(t, shared(t, "set-2025-completo.utf8.txt"))
	a, _ := json.Marshal(latin)
	b, _ := json.Marshal(utf)
	if !bytes.Equal(a, b) {
		t.Error("the two encodings are read differently")
	}
	var clases []Clase
	for _, s := range utf.Sets {
		clases = append(clases, s.Clase)
	}
	want := []Clase{Basico, LibroVentas, LibroCompras, Guias, LibroGuias, Exportacion1, Exportacion2, FacturaCompra}
	if !slices.Equal(clases, want) {
		t.Errorf("sets %v, want %v", clases, want)
	}
	compras := utf.Sets[2]
	if len(compras.Compras) != 7 || compras.FactorUsoComun != 60_00 || compras.Compras[1].MntExe != 8844 || compras.Compras[1].MntNeto != 6527 {
		t.Errorf("libro de compras: %+v", compras)
	}
	if g := utf.Sets[4]; !slices.Equal(g.GuiasFacturadas, []int{2}) || !slices.Equal(g.GuiasAnuladas, []int{3}) {
		t.Errorf("libro de guías: %+v", g)
	}
}

// expected is one case of esperados.json.
type expected struct {
	TipoDTE dte.TipoDTE
	Ref     string
	CodRef  dte.CodRef
	Items   []struct {
		NmbItem      string
		QtyItem      money.Qty
		PrcItem      money.Price
		DescuentoPct money.Rate
		IndExe       dte.IndExe
	}
	Totales struct {
		MntNeto, MntExe, IVA, MntTotal money.Pesos
		ImptoReten                     []struct{ MontoImp money.Pesos }
	}
}

func TestExpectedTotals(t *testing.T) {
	var want map[string]map[string]expected
	if err := json.Unmarshal(shared(t, "esperados.json"), &want); err != nil {
		t.Fatal(err)
	}
	for file, cases := range want {
		got := drafts(t, parse(t, shared(t, file)))
		for id, w := range cases {
			r, ok := got[id]
			if !ok {
				t.Errorf("%s: no case %s", file, id)
				continue
			}
			checkCase(t, got, r, w)
		}
	}
}

func checkCase(t *testing.T, all map[string]Resuelto, r Resuelto, w expected) {
	t.Helper()
	id := r.Caso.ID
	if err := r.Draft.Validate(); err != nil {
		t.Errorf("%s: %v", id, err)
	}
	tot, _, err := r.Draft.Totals()
	if err != nil || r.Draft.Tipo != w.TipoDTE || tot.MntNeto != w.Totales.MntNeto || tot.MntExe != w.Totales.MntExe || tot.IVA != w.Totales.IVA || tot.MntTotal != w.Totales.MntTotal {
		t.Errorf("%s: %d %+v, %v; want %d %+v", id, r.Draft.Tipo, tot, err, w.TipoDTE, w.Totales)
	}
	for i, tax := range w.Totales.ImptoReten {
		if i >= len(tot.Impuestos) || tot.Impuestos[i].Monto != tax.MontoImp {
			t.Errorf("%s: withheld %v, want %v", id, tot.Impuestos, w.Totales.ImptoReten)
		}
	}
	for i, it := range w.Items {
		l := r.Draft.Detalle[i]
		if l.Nombre != it.NmbItem || l.Qty != it.QtyItem || l.Prc != it.PrcItem || l.DescuentoPct != it.DescuentoPct || l.IndExe != it.IndExe {
			t.Errorf("%s: line %d is %+v, want %+v", id, i+1, l, it)
		}
	}
	if w.Ref == "" {
		return
	}
	ref := r.Draft.Referencia[1]
	if ref.CodRef != w.CodRef || ref.FolioRef != all[w.Ref].Folio.String() {
		t.Errorf("%s: reference %+v, want code %d to case %s", id, ref, w.CodRef, w.Ref)
	}
}

// All documents of the shared sets can be issued, with the case in their first reference.
func TestSharedSetsCanBeIssued(t *testing.T) {
	for _, file := range []string{"set-2025-completo.latin1-crlf.txt", "set-boleta-afecta.txt"} {
		f := parse(t, shared(t, file))
		all, err := f.Drafts(config(f))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			first := r.Draft.Referencia[0]
			if first.TpoDocRef != "SET" && first.CodRefBoleta != "SET" || !strings.HasSuffix(first.RazonRef, r.Caso.ID) {
				t.Errorf("%s: first reference %+v", r.Caso.ID, first)
			}
			caf, _ := dtetest.CAF(r.Draft.Emisor.RUT, r.Draft.Tipo, 1, 20, dtetest.FA())
			if _, err := dte.Emit(r.Draft, r.Folio, caf, dtetest.Signer(dtetest.Person), dtetest.Now()); err != nil {
				t.Errorf("%s: %v", r.Caso.ID, err)
			}
		}
	}
}

func TestExports(t *testing.T) {
	got := drafts(t, parse(t, shared(t, "set-2025-completo.utf8.txt")))
	for id, want := range map[string]string{
		"4352558-1": "30455.64", // 261 × 116 and freight and insurance
		"4352558-2": "10092.00", // 87 × 116: goods come back, freight does not
		"4352558-3": "10092.00",
		"4352559-1": "33.00",    // 30 and 10 % of it
		"4352559-2": "64417.36", // 402 × 130 − 5 % + 180 × 77 + 546.34 + 164.86 + 11 % of 1810.53
		"4352559-3": "91.00",
	} {
		tot, _, err := got[id].Draft.Totals()
		if err != nil || tot.Divisa == nil || tot.Divisa.MntTotal.XML() != want {
			t.Errorf("%s: %+v, %v; want %s", id, tot.Divisa, err, want)
		}
	}
	d := got["4352558-1"].Draft
	a := d.Exportacion.Aduana
	if a.MntFlete.XML() != "154.78" || a.MntSeguro.XML() != "24.86" || len(d.DscRcg) != 2 || d.DscRcg[0].Divisa != a.MntFlete || d.DscRcg[1].Divisa != a.MntSeguro {
		t.Errorf("freight and insurance go twice: %+v, %+v", a, d.DscRcg)
	}
	if b := a.TipoBultos[0]; b.CodTpoBultos != 75 || b.CantBultos != 26 || b.IDContainer == "" || b.Sello == "" {
		t.Errorf("a container says its number and seal: %+v", b)
	}
	if b := got["4352559-2"].Draft.Exportacion.Aduana.TipoBultos[0]; b.CodTpoBultos != 80 || b.IDContainer != "" || b.Marcas == "" {
		t.Errorf("pallets have marks only: %+v", b)
	}
	for id, want := range map[string]int{"4352558-1": 0, "4352559-1": 3, "4352559-2": 0, "4352559-3": 4} {
		if got := got[id].Draft.IndServicio; got != want {
			t.Errorf("%s: IndServicio %d, want %d", id, got, want)
		}
	}
	if refs := got["4352559-2"].Draft.Referencia; len(refs) != 3 || refs[1].TpoDocRef != "807" || refs[2].TpoDocRef != "809" {
		t.Errorf("DUS and AWB: %+v", refs)
	}
}

func TestGuias(t *testing.T) {
	got := drafts(t, parse(t, shared(t, "set-2025-completo.utf8.txt")))
	for id, want := range map[string][3]int{"4352556-1": {5, 0, int(dtetest.Company)}, "4352556-2": {1, 2, int(dtetest.Buyer)}, "4352556-3": {1, 1, int(dtetest.Buyer)}} {
		d := got[id].Draft
		if d.IndTraslado != want[0] || d.TipoDespacho != want[1] || int(d.Receptor.RUT) != want[2] || d.Transporte == nil || d.Transporte.FchSalida != d.FchEmis {
			t.Errorf("%s: %d %d %s %+v", id, d.IndTraslado, d.TipoDespacho, d.Receptor.RUT, d.Transporte)
		}
	}
}

// What an own set says, as a whole: parsed, and as drafts.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/propio.txt")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, text)
	solved, err := f.Drafts(config(f))
	if err != nil {
		t.Fatal(err)
	}
	type total struct {
		Caso    string
		Draft   dte.Draft
		Totales dte.Totales
	}
	all := struct {
		File   *File
		Drafts []total
	}{File: f}
	for _, r := range solved {
		tot, _, err := r.Draft.Totals()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Draft.Validate(); err != nil {
			t.Errorf("%s: %v", r.Caso.ID, err)
		}
		all.Drafts = append(all.Drafts, total{r.Caso.ID, r.Draft, tot})
	}
	got, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/propio.golden.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/propio.golden.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("propio.golden.json differs (%v): run with -update and look at the difference", err)
	}
}

// The layout does not matter.
func TestLayoutDoesNotMatter(t *testing.T) {
	text, err := os.ReadFile("testdata/propio.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(parse(t, text))
	for name, change := range map[string]func(string) string{
		"CRLF":                func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"byte order mark":     func(s string) string { return "\ufeff" + s },
		"trailing blanks":     func(s string) string { return strings.ReplaceAll(s, "\n", " \t\n") },
		"ISO-8859-1":          latin1,
		"no-break spaces end": func(s string) string { return strings.ReplaceAll(s, "\n", "\u00a0\n") },
	} {
		f, faults, err := Parse(strings.NewReader(change(string(text))))
		got, _ := json.Marshal(f)
		if err != nil || len(faults) > 0 || !bytes.Equal(got, want) {
			t.Errorf("%s: %v %v", name, err, faults)
		}
	}
}

func latin1(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// Words do: each of these lines is reported, with its number.
func TestStrict(t *testing.T) {
	const head = "SET BASICO - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA ELECTRONICA\nITEM\tCANTIDAD\tPRECIO UNITARIO\nPan\t2\t100\n"
	for name, c := range map[string]struct {
		text string
		line int
		why  string
	}{
		"unknown phrase":        {head + "RECUERDE SALUDAR", 6, "no se entiende"},
		"unknown set":           {head + "SET LIQUIDACION FACTURA - NUMERO DE ATENCION: 2", 6, "no se conoce el set"},
		"case of another set":   {head + "CASO 2-1", 6, "no es de la atención 1"},
		"case twice":            {head + "CASO 1-1", 6, "dos veces"},
		"unknown document":      {head + "CASO 1-2\nDOCUMENTO LIQUIDACION", 7, "no se conoce el documento"},
		"unknown reason":        {head + "CASO 1-2\nDOCUMENTO NOTA DE CREDITO ELECTRONICA\nRAZON REFERENCIA PORQUE SI", 8, "no se conoce la razón"},
		"forward reference":     {head + "CASO 1-2\nDOCUMENTO NOTA DE CREDITO ELECTRONICA\nREFERENCIA FACTURA ELECTRONICA CORRESPONDIENTE A CASO 1-3\nRAZON REFERENCIA ANULA FACTURA", 6, "no está antes"},
		"another document":      {head + "CASO 1-2\nDOCUMENTO NOTA DE CREDITO ELECTRONICA\nREFERENCIA NOTA DE DEBITO ELECTRONICA CORRESPONDIENTE A CASO 1-1\nRAZON REFERENCIA ANULA FACTURA", 8, "es otro documento"},
		"note without why":      {head + "CASO 1-2\nDOCUMENTO NOTA DE CREDITO ELECTRONICA", 6, "no dice qué corrige"},
		"points of thousands":   {strings.Replace(head, "100", "1.000", 1), 5, "sin puntos"},
		"zero quantity":         {strings.Replace(head, "\t2\t", "\t0\t", 1), 5, "cero"},
		"three values":          {strings.Replace(head, "\t100", "\t100\t7", 1), 5, "no se entiende"},
		"a column many times":   {strings.Replace(head, "CANTIDAD", strings.Repeat("CANTIDAD ", 60), 1) + "Pan" + strings.Repeat(" 1", 50), 4, "no se entiende"},
		"no items":              {"SET BASICO - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA ELECTRONICA", 2, "no trae ítems"},
		"no document":           {"SET BASICO - NUMERO DE ATENCION: 1\nCASO 1-1\nITEM\tCANTIDAD\nPan\t1", 2, "no dice su documento"},
		"unknown port":          {"SET BASICO DOCUMENTOS DE EXPORTACION (1) - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA DE EXPORTACION ELECTRONICA\nITEM\tVALOR LINEA\nUva\t5\nMONEDA DE LA OPERACION: EURO\nPUERTO DE EMBARQUE: ATLANTIDA", 7, "no está en la tabla"},
		"percentage over 100":   {head + "DESCUENTO GLOBAL ITEMES AFECTOS 120%", 6, "porcentaje"},
		"exempt or taxed":       {"SET LIBRO DE COMPRAS - NUMERO DE ATENCION: 1\nMONTO EXENTO\tMONTO AFECTO\nFACTURA 1\nFACTURA CON IVA USO COMUN\n100", 5, "exento o afecto"},
		"unknown purchase":      {"SET LIBRO DE COMPRAS - NUMERO DE ATENCION: 1\nMONTO EXENTO\tMONTO AFECTO\nFACTURA 1\nCOMPRA DE UN CABALLO\n\t\t100", 4, "cómo cuenta"},
		"unknown remark":        {"SET LIBRO DE COMPRAS - NUMERO DE ATENCION: 1\nMONTO EXENTO\tMONTO AFECTO\nFACTURA 1\nFACTURA CON IVA USO COMUN\n\t\t100\nOBSERVACIONES GENERALES\nTODO ES POSIBLE", 7, "observación"},
		"a guía that is not":    {"SET LIBRO DE GUIAS - NUMERO DE ATENCION: 1\n- EL CASO 9 CORRESPONDE A UNA GUIA ANULADA", 1, "no está en el set de guías"},
		"a line without end":    {head + strings.Repeat("x", maxLine+1), 6, "demasiado larga"},
		"text between cases":    {"SET BASICO - NUMERO DE ATENCION: 1\nLOS PRECIOS SUBEN", 2, "fuera de un caso"},
		"boleta remark":         {"SET DE PRUEBA DE BOLETA ELECTRONICA\nCASO-1\nItem\tCantidad\tPrecio Unitario con IVA\nPan\t1\t100\nOBSERVACION: \"El item 2 es un servicio exento.\"", 5, "no tiene el ítem 2"},
		"boleta unknown remark": {"SET DE PRUEBA DE BOLETA ELECTRONICA\nCASO-1\nItem\tCantidad\tPrecio Unitario con IVA\nPan\t1\t100\nOBSERVACION: \"Sonría.\"", 5, "observación"},
	} {
		_, faults, err := Parse(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.ContainsFunc(faults, func(e LineError) bool { return e.Line == c.line && strings.Contains(e.Error(), c.why) }) {
			t.Errorf("%s: %v; want line %d with «%s»", name, faults, c.line, c.why)
		}
	}
}

func TestNotASet(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "prose": "Había una vez un set que se perdió.", "binary": "SET BASICO\x00", "huge": strings.Repeat("hola\n", maxBytes/4),
		"only an unknown set": "SET DE OTRA COSA - NUMERO DE ATENCION: 1\n",
	} {
		if _, _, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrNotSet) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCasesThatCannotBeSolved(t *testing.T) {
	const head = "SET BASICO - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA ELECTRONICA\nITEM\tCANTIDAD\tPRECIO UNITARIO\nPan\t2\t100\n"
	const note = "CASO 1-2\nDOCUMENTO NOTA DE CREDITO ELECTRONICA\nREFERENCIA FACTURA ELECTRONICA CORRESPONDIENTE A CASO 1-1\n"
	for name, c := range map[string]struct {
		text, why string
		change    func(*Config)
	}{
		"no folio":         {head, "no tiene folio", func(c *Config) { delete(c.Folios, "1-1") }},
		"no price":         {strings.Replace(head, "\tPRECIO UNITARIO\nPan\t2\t100", "\nPan\t2", 1), "no trae precio", nil},
		"another item":     {head + note + "RAZON REFERENCIA DEVOLUCION DE MERCADERIAS\nITEM\tCANTIDAD\nVino\t1", "no está en el caso 1-1", nil},
		"more than bought": {head + note + "RAZON REFERENCIA DEVOLUCION DE MERCADERIAS\nITEM\tCANTIDAD\nPan\t3", "se devuelven 3", nil},
		"no new giro":      {head + note + "RAZON REFERENCIA CORRIGE GIRO", "giro corregido", func(c *Config) { c.GiroCorregido = "" }},
		"no exchange rate": {"SET BASICO DOCUMENTOS DE EXPORTACION (1) - NUMERO DE ATENCION: 1\nCASO 1-1\nDOCUMENTO FACTURA DE EXPORTACION ELECTRONICA\nITEM\tVALOR LINEA\nUva\t5\nMONEDA DE LA OPERACION: YEN", "tipo de cambio de YEN", nil},
	} {
		f := parse(t, []byte(c.text))
		cfg := config(f)
		if c.change != nil {
			c.change(&cfg)
		}
		if all, err := f.Drafts(cfg); !errors.Is(err, ErrCaso) || !strings.Contains(err.Error(), c.why) || all != nil {
			t.Errorf("%s: %v, want «%s»", name, err, c.why)
		}
	}
}

// Whatever the file, nothing breaks, every fault has the number of a line, and what was understood can be drafted or is
// refused with a sentence.
func FuzzParse(f *testing.F) {
	own, err := os.ReadFile("testdata/propio.txt")
	if err != nil {
		f.Fatal(err)
	}
	texts := [][]byte{own}
	for _, name := range []string{"set-2025-completo.latin1-crlf.txt", "set-boleta-afecta.txt"} {
		if b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "sii", "sets", name)); err == nil {
			texts = append(texts, b)
		}
	}
	for _, text := range texts {
		// One set each: the fuzzer spends its time on making large inputs smaller.
		for i, set := range bytes.Split(text, []byte("\nSET ")) {
			if i > 0 {
				set = append([]byte("SET "), set...)
			}
			f.Add(set)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, faults, err := Parse(bytes.NewReader(b))
		lines := len(split(decode(b)))
		for _, fault := range faults {
			if fault.Line < 1 || fault.Line > lines || fault.Why == "" {
				t.Fatalf("fault %+v of %d lines", fault, lines)
			}
		}
		if err != nil {
			return
		}
		all, err := file.Drafts(config(file))
		if err == nil {
			for _, r := range all {
				_ = r.Draft.Validate()
			}
		}
	})
}
