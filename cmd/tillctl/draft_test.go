package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/dtetest"
)

func TestDraftCommand(t *testing.T) {
	b := newBench(t, 33, 39)
	const yamlText = `
Encabezado:
  IdDoc: {TipoDTE: 33, FmaPago: 1}
  Emisor: &yo
    RUTEmisor: 76543210-3
    RznSoc: Comercial Ñandú
    GiroEmis: Ferretería
    Acteco: 472101
    DirOrigen: Calle 1
    CmnaOrigen: Ñuñoa
`
	for name, c := range map[string]struct {
		text string
		want []string // in what is printed
		why  string   // of the failure; empty for none
	}{
		"YAML, decimal amounts, totals that agree": {`
Encabezado:
  IdDoc: {TipoDTE: 33}
  Emisor: {RUTEmisor: 76543210-3, RznSoc: Ñandú, GiroEmis: Ferretería, Acteco: [472101], DirOrigen: Calle 1, CmnaOrigen: Ñuñoa}
  Receptor: {RUTRecep: 77777777-7, RznSocRecep: Cliente, GiroRecep: Obras, DirRecep: Calle 2, CmnaRecep: Maipú}
  Totales: {MntNeto: 4500.0, IVA: 855, MntTotal: "5355"}
Detalle:
- {NmbItem: "Pan & <queso>", QtyItem: 1.5, PrcItem: 3000, MontoItem: 4500}
`, []string{`"MntNeto":4500`, `"TasaIVA":19`, `"IVA":855`, `"MntTotal":5355`, `"faltas":[]`, `{"NroLinDet":1,"MontoItem":4500}`}, ""},
		"JSON, a list, names of facturas in a boleta": {`[{"Encabezado":{"IdDoc":{"TipoDTE":39},"Emisor":{"RUTEmisor":"76543210-3","RznSoc":"Ñandú","GiroEmis":"Ferretería","DirOrigen":"Calle 1","CmnaOrigen":"Ñuñoa"},
			"Receptor":{"RUTRecep":"66666666-6"}},"Detalle":{"NmbItem":"Pan","QtyItem":2,"PrcItem":1190}}]`, []string{`"MntNeto":2000,"IVA":380,"MntTotal":2380`}, ""},
		"a total that does not follow": {`{"Documento":{"Encabezado":{"IdDoc":{"TipoDTE":39},"Emisor":{"RUTEmisor":"76543210-3","RznSoc":"Ñandú","GiroEmis":"Ferretería","DirOrigen":"Calle 1","CmnaOrigen":"Ñuñoa"},
			"Receptor":{"RUTRecep":"66666666-6"},"Totales":{"MntTotal":2381}},"Detalle":[{"NmbItem":"Pan","QtyItem":2,"PrcItem":1190}]}}`, []string{`{"campo":"Totales/MntTotal","dado":"2381","calculado":"2380"}`}, "1 de 1 documentos"},
		"rules broken, by number":  {`{"Encabezado":{"IdDoc":{"TipoDTE":39}},"Detalle":[]}`, []string{`"regla":"M010"`, `"regla":"M030"`}, "1 de 1"},
		"an unknown field":         {`{"Encabezado":{"IdDoc":{"TipoDTE":39,"Color":"rojo"}}}`, []string{"IdDoc/Color no se conoce"}, "1 de 1"},
		"several, one of them bad": {"Encabezado: {IdDoc: {TipoDTE: 39}}\n---\nOtra: cosa\n", []string{`"n":2,`, "falta Encabezado/IdDoc"}, "2 de 2"},
		"a field twice":            {`{"Encabezado":{},"Encabezado":{}}`, nil, "dos veces"},
		"aliases":                  {yamlText + "  Receptor: *yo\n", nil, "anclas"},
		"cut short":                {`{"Encabezado":{"IdDoc":`, nil, "no se entiende"},
		"empty":                    {"", nil, "trae 0 documentos"},
		"deep":                     {strings.Repeat("[", 50), nil, "demasiados niveles"},
		"a control character":      {`{"Encabezado":{"IdDoc":{"TipoDTE":39,"MedioPago":"\u0007"}}}`, []string{"no se puede escribir"}, "1 de 1"},
		"a name that is no name":   {`{"Encabezado":{"IdDoc":{"TipoDTE":39,"a><b":"1"}}}`, []string{"no es el nombre de un campo"}, "1 de 1"},
	} {
		out, err := b.do("draft", "-f", b.file("d", []byte(c.text)))
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want «%s»\n%s", name, err, c.why, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %s is missing in\n%s", name, want, out)
			}
		}
	}
}

// What is signed verifies, and its folios count from -folio.
func TestDraftSigns(t *testing.T) {
	b := newBench(t, 39)
	one := `{"Encabezado":{"IdDoc":{"TipoDTE":39,"Folio":9},"Emisor":{"RUTEmisor":"76543210-3","RznSoc":"Ñandú","GiroEmis":"Ferretería","DirOrigen":"Calle 1","CmnaOrigen":"Ñuñoa"},"Receptor":{"RUTRecep":"66666666-6"}},"Detalle":[{"NmbItem":"Pan","QtyItem":2,"PrcItem":1190}]}`
	file := b.file("dos.json", []byte("["+one+","+one+"]"))
	for _, c := range []struct {
		flags []string
		want  []dte.Folio
	}{{nil, []dte.Folio{9, 9}}, {[]string{"-folio", "4"}, []dte.Folio{4, 5}}} {
		out, err := b.do(append(append([]string{"draft", "-f", file, "-sign"}, b.keys(39)...), c.flags...)...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
			var got struct {
				Folio dte.Folio
				XML   string
			}
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			var latin []byte
			for _, r := range got.XML {
				latin = append(latin, byte(r))
			}
			if _, err := dte.VerifySignature(latin); err != nil || got.Folio != c.want[i] {
				t.Errorf("%v: folio %d, %v; want %d", c.flags, got.Folio, err, c.want[i])
			}
		}
	}
	if out, err := b.do(append([]string{"draft", "-f", file, "-sign", "-folio", "12"}, b.keys(39)...)...); err == nil || !strings.Contains(out, "folio 13") {
		t.Errorf("beyond the folios: %v\n%s", err, out)
	}
}

func TestEmitMeasures(t *testing.T) {
	b := newBench(t, 33, 39)
	for _, tipo := range []string{"33", "39"} {
		out, err := b.do(append([]string{"emit", "-type", tipo, "-n", "25", "-workers", "2"}, b.keys(33, 39)...)...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var got struct {
			Documents, Type, Workers int
			Seconds, DocumentsPerS   json.Number
			CPUMsPerDocument         json.Number `json:"cpu_ms_per_document"`
			PeakRSSMiB               json.Number `json:"peak_rss_mib"`
			PerS                     json.Number `json:"documents_per_s"`
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got.Documents != 25 || strconv.Itoa(got.Type) != tipo || got.Workers != 2 || strings.HasPrefix(got.PerS.String(), "0.") || strings.HasPrefix(got.PeakRSSMiB.String(), "0.") || got.CPUMsPerDocument == "0.000" {
			t.Errorf("%s", out)
		}
	}
	if out, err := b.do(append([]string{"emit", "-n", "3", "-out", b.path("salida")}, b.keys(39)...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if files, _ := filepath.Glob(b.path("salida/*.xml")); len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
	if _, err := b.do(append([]string{"emit", "-n", "13", "-out", b.path("salida")}, b.keys(39)...)...); err == nil || !strings.Contains(err.Error(), "12 folios") {
		t.Errorf("a file for each folio, and none twice: %v", err)
	}
	if _, err := b.do(append([]string{"emit", "-type", "61", "-n", "1"}, b.keys(39)...)...); err == nil {
		t.Error("no folios of that type")
	}
}

// The manuals' examples do what the manuals say.
func TestManualsExamples(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir()}
	manual, err := os.ReadFile("../../docs/borrador.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.do("draft", "-f", b.file("ejemplo.yaml", block(t, manual, "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(block(t, manual, "json")), "\n ", "")
	if strings.TrimSpace(out) != strings.TrimSpace(want) {
		t.Errorf("docs/borrador.md says\n%s\nand draft\n%s", want, out)
	}
	if manual, err = os.ReadFile("../../docs/certificacion.md"); err != nil {
		t.Fatal(err)
	}
	var c empresa
	if err := shop.ReadJSON(b.file("empresa.json", block(t, manual, "json")), &c); err != nil || c.Emisor.RUT != dtetest.Company || c.Resolucion.Fch.Year != 2026 {
		t.Errorf("docs/certificacion.md: %+v, %v", c, err)
	}
}

// block is the first piece of code of a language in a manual.
func block(t *testing.T, manual []byte, language string) []byte {
	t.Helper()
	_, rest, ok := bytes.Cut(manual, []byte("```"+language+"\n"))
	code, _, closed := bytes.Cut(rest, []byte("```"))
	if !ok || !closed {
		t.Fatalf("no example in %s", language)
	}
	return code
}

// Whatever the file of drafts, it is read or refused, and what is read can be judged.
func FuzzDrafts(f *testing.F) {
	f.Add([]byte("Encabezado: {IdDoc: {TipoDTE: 39}}\nDetalle: [{NmbItem: Pan, QtyItem: 1.5, PrcItem: 100}]\n---\n- {DTE: {Documento: {Encabezado: {IdDoc: {TipoDTE: 110}}}}}\n"))
	f.Add([]byte(`{"Encabezado":{"IdDoc":{"TipoDTE":33,"FchEmis":"2026-03-16"},"Totales":{"MntTotal":1190.0,"ImptoReten":{"TipoImp":24,"MontoImp":"1e9"}}},"Detalle":[{"NmbItem":"Pan","QtyItem":1,"PrcItem":1000}]}`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		roots, err := readTree(b)
		if err != nil {
			return
		}
		d := drafter{today: dtetest.Today()}
		for _, root := range roots {
			for _, n := range root.items() {
				_, _ = json.Marshal(d.judge(unwrap(n)))
			}
		}
	})
}
