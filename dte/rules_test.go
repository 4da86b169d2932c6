package dte

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every rule in the code is in the table, every rule of the table is in the code and in a test, and the numbers are in
// order and unique.
func TestRulesAreListed(t *testing.T) {
	inCode, inTests := map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`"(M\d{3})"`)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range number.FindAllStringSubmatch(string(b), -1) {
			switch {
			case strings.HasSuffix(name, "_test.go"):
				inTests[m[1]] = true
			case name != "rules.go":
				inCode[m[1]] = true
			}
		}
	}
	last := ""
	for _, r := range Reglas() {
		if r.Numero <= last || r.Fuente == "" || r.Dice == "" {
			t.Errorf("%+v after %s", r, last)
		}
		last = r.Numero
		if !inCode[r.Numero] {
			t.Errorf("%s is not in the code", r.Numero)
		}
		if !inTests[r.Numero] {
			t.Errorf("no test breaks %s", r.Numero)
		}
		delete(inCode, r.Numero)
	}
	for n := range inCode {
		t.Errorf("%s is not listed", n)
	}
}

// The rules that no other table breaks.
func TestRemainingRules(t *testing.T) {
	for _, c := range []struct {
		rule, shape string
		spoil       func(*Draft)
	}{
		{"M003", "33-simple", func(d *Draft) { d.FmaPago = 4 }},
		{"M004", "33-simple", func(d *Draft) { d.IndServicio = 9 }},
		{"M005", "33-simple", func(d *Draft) { d.MedioPago = "XX" }},
		{"M005", "39-simple", func(d *Draft) { d.MedioPago = "EF" }},
		{"M010", "33-simple", func(d *Draft) { d.Emisor.RUT = 0 }},
		{"M011", "33-simple", func(d *Draft) { d.Emisor.CdgSIISucur = -1 }},
		{"M012", "33-simple", func(d *Draft) { d.Emisor.Telefono = []string{"1", "2", "3"} }},
		{"M013", "33-simple", func(d *Draft) { d.Emisor.Acteco = nil }},
		{"M013", "33-simple", func(d *Draft) { d.Emisor.Acteco = []int{1_000_000} }},
		{"M031", "33-simple", func(d *Draft) { d.Detalle[0].Codigos = slices.Repeat([]Codigo{{"INT1", "A"}}, 6) }},
		{"M034", "33-simple", func(d *Draft) { d.Detalle[0].Prc = -1 }},
		{"M035", "33-simple", func(d *Draft) { d.Detalle[1].Monto = -1 }},
		{"M040", "33-simple", func(d *Draft) { d.DscRcg = slices.Repeat([]DscRcgGlobal{{TpoMov: "D", Monto: 1}}, 21) }},
		{"M041", "33-simple", func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: "X", Monto: 1}} }},
		{"M043", "33-simple", func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: "D", Monto: 1, IndExe: 6}} }},
		{"M050", "33-simple", func(d *Draft) {
			d.Referencia = slices.Repeat([]Referencia{{TpoDocRef: "801", FolioRef: "1", FchRef: d.FchEmis}}, 41)
		}},
		{"M052", "33-simple", func(d *Draft) {
			d.Referencia = []Referencia{{TpoDocRef: "801", FolioRef: "1", FchRef: d.FchEmis, CodRef: 4}}
		}},
		{"M062", "61-parcial", func(d *Draft) { d.Detalle = []Linea{{Nombre: "Nada"}} }},
		{"M064", "46-retencion-30", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{38, 41} }},
		{"M112", "110-bienes", func(d *Draft) { d.Exportacion.FmaPagExp = 100 }},
		{"M113", "110-servicios", func(d *Draft) { d.Detalle[0].Monto = 5 }},
		{"M115", "110-bienes", func(d *Draft) { d.Exportacion.Aduana.CodPaisRecep = 1000 }},
		{"M116", "110-bienes", func(d *Draft) { d.Exportacion.Aduana.TipoBultos[0].CantBultos = 0 }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := shapes()[c.shape].normalized()
			c.spoil(&d)
			var faults FaultErrors
			if err := d.Validate(); !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f Fault) bool { return f.Rule == c.rule }) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// docs/documentos.md is made from the tables of this package: types, what each may carry, and the rules.
func TestDocumentosPage(t *testing.T) {
	const page = "../docs/documentos.md"
	want := documentosPage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the tables say; run the test with -update", page)
	}
}

func documentosPage() string {
	var b strings.Builder
	b.WriteString("# Documentos, lo que llevan y las reglas\n\nEsta página se hace con las tablas de `dte` (`go test ./dte -run Documentos -update`).\n\n")
	b.WriteString("| Tipo | Documento | Moneda | Precios | IVA | Impuestos adicionales | Retenciones | Transporte | Líneas | Corrige | Folios vencen |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	yes := func(v bool) string {
		if v {
			return "sí"
		}
		return "no"
	}
	for _, tipo := range Tipos() {
		lines, prices, currency := maxLineasFactura, "netos, o con IVA (MntBruto)", "pesos"
		if tipo.EsBoleta() {
			lines, prices = maxLineasBoleta, "con IVA"
		}
		iva := !tipo.EsExento() && !tipo.EsExportacion()
		if !iva {
			prices = "exentos"
		}
		if tipo.EsExportacion() {
			currency = "extranjera, 4 decimales"
		}
		transport := map[bool]string{true: "obligatorio", false: "opcional"}[tipo == GuiaDespacho]
		if tipo.EsBoleta() {
			transport = "no"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s | %s | %d | %s | %s |\n", tipo, tipo, currency, prices, yes(iva),
			yes(iva && !tipo.EsBoleta()), yes(tipo == FacturaCompra || tipo.EsNota() && !tipo.EsExportacion()), transport, lines, yes(tipo.EsNota()), yes(tipo.CAFVence()))
	}
	b.WriteString("\n## Impuestos adicionales y retenciones\n\n| Código | Nombre | Efecto | Tasa |\n|---|---|---|---|\n")
	taxes := Impuestos()
	slices.SortFunc(taxes, func(a, b CodigoImpuesto) int { return a.Cod - b.Cod })
	for _, c := range taxes {
		effect := map[Efecto]string{Adicional: "se suma", Retencion: "se retiene del IVA", OtraRetencion: "se retiene"}[c.Efecto]
		rate := c.Tasa.String() + " %"
		switch c.Base {
		case PorMonto:
			rate = "monto informado"
		case SobreFaena:
			rate += " de la base de faena"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", c.Cod, c.Glosa, effect, rate)
	}
	b.WriteString("\n## Reglas\n\nUn borrador se revisa antes de tomar un folio. Cada mensaje termina con el número de la regla, que nunca cambia de sentido.\n\n| Regla | Dice | Fuente |\n|---|---|---|\n")
	for _, r := range Reglas() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Numero, r.Dice, r.Fuente)
	}
	return b.String()
}
