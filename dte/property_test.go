package dte

import (
	"bytes"
	"errors"
	"math"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/money"
)

var wideCAF = sync.OnceValue(func() map[TipoDTE]*CAF {
	cafs := map[TipoDTE]*CAF{}
	for _, tipo := range TiposMostrador() {
		file, err := testAuthority().IssueCAF(76543210, "X & Ñ", tipo, 1, maxFolio, Date{2026, 2, 2})
		if err != nil {
			panic(err)
		}
		if cafs[tipo], err = ParseCAF(file); err != nil {
			panic(err)
		}
	}
	return cafs
})

// letters are what hurts: references of XML, Latin-1 above 127, what Normalize replaces, and a lonely zero.
var letters = []rune{'a', 'Z', '0', '9', ' ', '&', '<', '>', '\'', '"', ']', 'ñ', 'Ü', 'ÿ', '¡', '´', '·', '–', '\t', '-'}

// text is a text of at most n characters once it is normalised, never empty if obligatory.
func text(t *rapid.T, n int, obligatory bool) string {
	if !obligatory && rapid.IntRange(0, 2).Draw(t, "there") == 0 {
		return ""
	}
	length := rapid.SampledFrom([]int{1, 2, min(n, 39), min(n, 40), min(n, 41), n}).Draw(t, "length")
	s := string(rapid.SliceOfN(rapid.SampledFrom(letters), length, length).Draw(t, "text"))
	if s = truncate(Normalize(s), n); strings.TrimSpace(s) == "" && obligatory {
		return "0"
	}
	return s
}

func day(t *rapid.T) Date {
	return DateOf(noon).plus(-rapid.IntRange(0, 40).Draw(t, "days ago"))
}

func (d Date) plus(days int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+days, 12, 0, 0, 0, time.UTC))
}

// anyDraft is a draft within the rules, every field of which may be there or not.
func anyDraft(t *rapid.T) Draft {
	d := Draft{
		Tipo: rapid.SampledFrom(TiposMostrador()).Draw(t, "tipo"), FchEmis: day(t),
		IndServicio: rapid.IntRange(0, 3).Draw(t, "servicio"), MntBruto: rapid.Bool().Draw(t, "bruto"), FmaPago: rapid.IntRange(0, 3).Draw(t, "forma"),
		Emisor: Emisor{
			RUT: 76543210, RznSoc: text(t, 100, true), Giro: text(t, 80, true), Telefono: rapid.SampledFrom([][]string{nil, {"1"}, {"2 <", "3"}}).Draw(t, "tel"),
			Correo: text(t, 80, false), Acteco: rapid.SliceOfN(rapid.IntRange(1, 999_999), 1, 4).Draw(t, "acteco"), Sucursal: text(t, 20, false),
			CdgSIISucur: rapid.SampledFrom([]int{0, 1, 999_999_999}).Draw(t, "sucur"), Direccion: text(t, 70, true), Comuna: text(t, 20, true),
			Ciudad: text(t, 20, false), CdgVendedor: text(t, 60, false),
		},
		Receptor: Receptor{
			RUT: rapid.SampledFrom([]RUT{1, 1009, 66666666, 77777777, maxRUT}).Draw(t, "rut"), CdgInt: text(t, 20, false), RznSoc: text(t, 100, true),
			Giro: text(t, 40, true), Contacto: text(t, 80, false), Correo: text(t, 80, false), Telefono: text(t, 20, false),
			Direccion: text(t, 70, true), Comuna: text(t, 20, true), Ciudad: text(t, 20, false),
		},
	}
	boleta := d.Tipo.EsBoleta()
	medios := []string{"", "EF", "TC", "CH", "LT", "PE", "CF", "OT"}
	if boleta {
		medios = []string{"", "1", "5"}
		if rapid.Bool().Draw(t, "anonymous") {
			d.Receptor = Receptor{}
		}
	}
	d.MedioPago = rapid.SampledFrom(medios).Draw(t, "medio")
	if rapid.Bool().Draw(t, "vence") {
		d.FchVenc = day(t).plus(60)
	}
	textNote := d.Tipo.EsNota() && rapid.IntRange(0, 3).Draw(t, "text note") == 0
	for range rapid.IntRange(1, 6).Draw(t, "lines") {
		d.Detalle = append(d.Detalle, anyLine(t, d.Tipo, textNote))
	}
	if !textNote {
		d.Detalle[0].IndExe, d.Detalle[0].Descuento, d.Detalle[0].DescuentoPct = Afecto, 0, 0
		d.Detalle[0].Monto, d.Detalle[0].Prc, d.Detalle[0].Qty = 1000, 0, 0
		for range rapid.IntRange(0, 3).Draw(t, "globals") {
			d.DscRcg = append(d.DscRcg, anyGlobal(t))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "references") {
		d.Referencia = append(d.Referencia, Referencia{
			TpoDocRef: rapid.SampledFrom([]string{"33", "801", "HES", "set", "0"}).Draw(t, "tpo"), FolioRef: text(t, 18, true), FchRef: day(t),
			CodRefBoleta: text(t, 18, false), RazonRef: text(t, 90, false), CodVndor: text(t, 8, false), CodCaja: text(t, 8, false),
		})
	}
	if d.Tipo.EsNota() {
		code := rapid.SampledFrom([]CodRef{Anula, CorrigeMontos}).Draw(t, "code")
		if textNote {
			code = CorrigeTexto
		}
		d.Referencia = []Referencia{{TpoDocRef: "33", FolioRef: text(t, 18, true), FchRef: day(t), CodRef: code, RazonRef: text(t, 90, false)}}
		if rapid.Bool().Draw(t, "certification") {
			d.Referencia = append([]Referencia{{TpoDocRef: "SET", FolioRef: "0", FchRef: day(t), RazonRef: "CASO 1-1"}}, d.Referencia...)
		}
	}
	return d
}

func anyLine(t *rapid.T, tipo TipoDTE, free bool) Linea {
	l := Linea{
		IndExe: rapid.SampledFrom([]IndExe{Afecto, Exento, NoFacturable, NoFacturableNegativo}).Draw(t, "exe"),
		Nombre: text(t, 80, true), Descripcion: text(t, 1000, false), Unidad: text(t, 4, false),
	}
	for range rapid.IntRange(0, 5).Draw(t, "codes") {
		l.Codigos = append(l.Codigos, Codigo{text(t, 10, true), text(t, 35, true)})
	}
	if free {
		return l
	}
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 0:
		l.Monto = money.Pesos(rapid.Int64Range(0, 1_000_000_000).Draw(t, "monto"))
	case 1:
		l.Qty = money.Qty(rapid.Int64Range(1, 1_000_000_000).Draw(t, "qty"))
		l.Monto = 990 // ignored where there is a price
		l.Prc = money.Price(rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "prc"))
	default:
		l.Qty, l.Prc = money.Units(rapid.Int64Range(1, 1000).Draw(t, "units")), money.PerUnit(money.Pesos(rapid.Int64Range(1, 1_000_000).Draw(t, "pesos")))
	}
	switch rapid.IntRange(0, 3).Draw(t, "movement") {
	case 0:
		l.DescuentoPct = money.Rate(rapid.Int64Range(0, 10_000).Draw(t, "discount"))
	case 1:
		l.Recargo = money.Pesos(rapid.Int64Range(0, 10_000).Draw(t, "surcharge"))
	case 2:
		most := money.MaxRate
		if tipo.EsBoleta() {
			most = 10_000
		}
		l.RecargoPct = money.Rate(rapid.Int64Range(0, int64(most)).Draw(t, "surcharge rate"))
		l.Descuento = 0
	}
	return l
}

// anyGlobal never takes more than there is: surcharges, and percentages whose sum stays below the whole.
func anyGlobal(t *rapid.T) DscRcgGlobal {
	g := DscRcgGlobal{
		TpoMov: rapid.SampledFrom([]TpoMov{DescuentoGlobal, RecargoGlobal}).Draw(t, "mov"), Glosa: text(t, 45, false),
		IndExe: rapid.SampledFrom([]IndExe{Afecto, Exento, NoFacturable}).Draw(t, "kind"),
	}
	if g.TpoMov == RecargoGlobal && rapid.Bool().Draw(t, "in pesos") {
		g.Monto = money.Pesos(rapid.Int64Range(1, 100_000).Draw(t, "pesos"))
	} else {
		g.Pct = money.Rate(rapid.Int64Range(1, 3000).Draw(t, "rate"))
	}
	return g
}

// spoils are ways in which a draft leaves the rules; every one must be a FaultErrors, found before a folio is taken.
var spoils = map[string]func(*Draft){
	"a day that does not exist":         func(d *Draft) { d.FchEmis = Date{2026, 2, 30} },
	"month 13":                          func(d *Draft) { d.FchEmis = Date{2025, 13, 1} },
	"no day":                            func(d *Draft) { d.FchEmis = Date{} },
	"a due day that does not exist":     func(d *Draft) { d.FchVenc = Date{2027, 2, 29} },
	"a due day of another century":      func(d *Draft) { d.FchVenc = Date{1926, 3, 1} },
	"issuer's RUT too large":            func(d *Draft) { d.Emisor.RUT = maxRUT + 1 },
	"buyer's RUT too large":             func(d *Draft) { d.Receptor.RUT = math.MaxUint32 },
	"discount beyond all":               func(d *Draft) { d.Detalle[0].DescuentoPct = 10_001 },
	"surcharge beyond the format":       func(d *Draft) { d.Detalle[0].RecargoPct = 100_000 },
	"global surcharge beyond":           func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: RecargoGlobal, Pct: money.MaxRate + 1}} },
	"global surcharge of 17 digits":     func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: RecargoGlobal, Monto: 10_000_000_000_000_000}} },
	"global surcharge beyond an int":    func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: RecargoGlobal, Monto: math.MaxInt64}} },
	"amounts that do not fit":           func(d *Draft) { d.Detalle = slices.Repeat([]Linea{{Nombre: "x", Monto: money.MaxPesos}}, 2) },
	"an amount beyond 18 digits":        func(d *Draft) { d.Detalle[0] = Linea{Nombre: "x", Monto: money.MaxPesos + 1} },
	"price times quantity does not fit": func(d *Draft) { d.Detalle[0] = Linea{Nombre: "x", Qty: money.MaxQty, Prc: money.MaxPrice} },
	"quantity beyond 12 digits":         func(d *Draft) { d.Detalle[0] = Linea{Nombre: "x", Qty: money.MaxQty + 1, Prc: 1} },
	"price beyond 12 digits":            func(d *Draft) { d.Detalle[0] = Linea{Nombre: "x", Qty: 1, Prc: money.MaxPrice + 1} },
	"a discount of int64":               func(d *Draft) { d.Detalle[0].Descuento, d.Detalle[0].DescuentoPct = math.MaxInt64, 0 },
	"invalid UTF-8":                     func(d *Draft) { d.Detalle[0].Nombre = "Pan\xff" },
	"euro in the address":               func(d *Draft) { d.Emisor.Direccion = "Calle Ł 1" },
	"name of 81":                        func(d *Draft) { d.Detalle[0].Nombre = strings.Repeat("&", 81) },
	"unit of 5":                         func(d *Draft) { d.Detalle[0].Unidad = "METRO" },
	"six codes":                         func(d *Draft) { d.Detalle[0].Codigos = slices.Repeat([]Codigo{{"a", "b"}}, 6) },
	"an empty code":                     func(d *Draft) { d.Detalle[0].Codigos = []Codigo{{"EAN13", " "}} },
	"21 globals":                        func(d *Draft) { d.DscRcg = slices.Repeat([]DscRcgGlobal{{TpoMov: RecargoGlobal, Pct: 1}}, 21) },
	"41 references": func(d *Draft) {
		d.Referencia = slices.Repeat([]Referencia{{TpoDocRef: "801", FolioRef: "1", FchRef: d.FchEmis}}, 41)
	},
	"1001 lines":          func(d *Draft) { d.Detalle = slices.Repeat(d.Detalle[:1], 1001) },
	"indicator 9":         func(d *Draft) { d.Detalle[0].IndExe = 9 },
	"payment in kind":     func(d *Draft) { d.MedioPago = "TRUEQUE" },
	"service 5":           func(d *Draft) { d.IndServicio = 5 },
	"free text as a type": func(d *Draft) { d.Referencia = []Referencia{{TpoDocRef: "FACTURA", FolioRef: "1", FchRef: d.FchEmis}} },
}

// Whatever the draft, either it breaks a rule and says which, or it becomes a document that reads back, verifies, is the
// same by the second path, and passes the official schema.
func TestEveryDraftIsRefusedOrEmitted(t *testing.T) {
	var boletas, others []*Document
	var names []string
	for name := range spoils {
		names = append(names, name)
	}
	slices.Sort(names)
	var folio Folio
	rapid.Check(t, func(t *rapid.T) {
		d := anyDraft(t)
		spoiled := ""
		if rapid.IntRange(0, 3).Draw(t, "spoil") == 0 {
			spoiled = rapid.SampledFrom(names).Draw(t, "how")
			spoils[spoiled](&d)
		}
		folio++
		doc, err := Emit(d, folio, wideCAF()[d.Tipo], testSigner(), noon)
		faults := FaultErrors(nil)
		valid := d.Validate()
		switch {
		case errors.As(err, &faults) && valid != nil:
			if spoiled == "" && !slices.ContainsFunc(faults, func(f Fault) bool { return f.Rule >= "M060" && f.Rule < "M070" }) {
				t.Fatalf("a draft within the rules is refused: %v\n%+v", err, d)
			}
			return
		case err != nil || valid != nil:
			t.Fatalf("%q: Validate says %v and Emit %v\n%+v", spoiled, valid, err, d)
		case spoiled != "":
			t.Fatalf("%q was emitted:\n%s", spoiled, utf8Of(doc.XML))
		}
		twin, err := EmitTwin(d, folio, wideCAF()[d.Tipo], testSigner(), noon)
		if err != nil || !bytes.Equal(doc.XML, twin) {
			t.Fatalf("the paths differ (%v):\n%s\n---\n%s", err, utf8Of(doc.XML), utf8Of(twin))
		}
		if d.Tipo.EsBoleta() {
			boletas = append(boletas, doc)
		} else {
			others = append(others, doc)
		}
	})
	if 3*(len(boletas)+len(others)) < int(folio) {
		t.Errorf("only %d documents were emitted: the generator is too wild", len(boletas)+len(others))
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not installed (Debian package libxml2-utils)")
	}
	for schema, docs := range map[string][]*Document{"xsd/dte/EnvioDTE_v10.xsd": others, "xsd/boleta/EnvioBOLETA_v11.xsd": boletas} {
		sharedFile(t, schema)
		if len(docs) == 0 {
			continue
		}
		envelope, err := NewEnvelope(docs[:min(len(docs), MaxBoletas)], Resolucion{Fch: Date{2026, 1, 15}}, RUTSII, testSigner(), noon)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("xmllint", "--noout", "--schema", shared+schema, "-")
		cmd.Stdin = bytes.NewReader(envelope)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the schema refuses them: %.3000s", out)
		}
	}
}

// Bugs found by the property above, each by its name.
func TestFoundByRandomDrafts(t *testing.T) {
	day := DateOf(noon)
	note := func(refs ...Referencia) Draft {
		d := shapes()["61-parcial"]
		for i := range refs {
			refs[i].FolioRef, refs[i].FchRef = "1", day
		}
		d.Referencia = refs
		return d
	}
	edit := func(shape string, f func(*Draft)) Draft {
		d := shapes()[shape]
		d.Detalle = slices.Clone(d.Detalle)
		f(&d)
		return d
	}
	for _, c := range []struct {
		name  string
		draft Draft
		rule  string // empty: it is emitted
	}{
		{"the second Acteco was read as the first", edit("33-simple", func(d *Draft) { d.Emisor.Acteco = []int{472101, 11101} }), ""},
		{"a taxed surcharge on exempt lines lost its net and IVA", edit("33-con-todo", func(d *Draft) {
			d.Detalle, d.DscRcg = d.Detalle[1:], []DscRcgGlobal{{TpoMov: RecargoGlobal, Monto: 1000}}
		}), ""},
		{"the second path left out a text that is a zero", edit("33-simple", func(d *Draft) {
			d.Referencia = []Referencia{{TpoDocRef: "SET", FolioRef: "0", FchRef: day}}
		}), ""},
		{"the case number of certification passed for the effect of the note", note(Referencia{TpoDocRef: "SET", CodRef: Anula}, Referencia{TpoDocRef: "33"}), "M054"},
		{"annulling two documents passed if the last one was corrected", note(Referencia{TpoDocRef: "33", CodRef: Anula}, Referencia{TpoDocRef: "34", CodRef: CorrigeMontos}), "M055"},
		{"a note with taxed lines over an exempt document", note(Referencia{TpoDocRef: "34", CodRef: CorrigeMontos}), "M056"},
		{"a text note over an exempt document is not taxed", edit("61-texto", func(d *Draft) { d.Referencia[0].TpoDocRef = "34" }), ""},
		{"30 February", edit("39-simple", func(d *Draft) { d.FchEmis = Date{2026, 2, 30} }), "M002"},
		{"due on 31 April", edit("33-simple", func(d *Draft) { d.FchVenc = Date{2026, 4, 31} }), "M007"},
		{"reference of the year 1", edit("33-con-todo", func(d *Draft) { d.Referencia[0].FchRef = Date{1, 1, 1} }), "M051"},
		{"buyer's RUT of nine digits", edit("33-simple", func(d *Draft) { d.Receptor.RUT = maxRUT + 1 }), "M020"},
		{"surcharge of 150 % in a boleta", edit("39-simple", func(d *Draft) { d.Detalle[0].RecargoPct = 15_000 }), "M036"},
		{"surcharge of 150 % in a factura", edit("33-simple", func(d *Draft) { d.Detalle[0].RecargoPct = 15_000 }), ""},
		{"global surcharge of 1000 %", edit("33-simple", func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: RecargoGlobal, Pct: 100_000}} }), "M042"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caf := wideCAF()[c.draft.Tipo]
			doc, err := Emit(c.draft, 7, caf, testSigner(), noon)
			var faults FaultErrors
			switch {
			case c.rule != "" && (!errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f Fault) bool { return f.Rule == c.rule })):
				t.Errorf("got %v, want rule %s", err, c.rule)
			case c.rule != "":
			case err != nil:
				t.Error(err)
			default:
				if twin, err := EmitTwin(c.draft, 7, caf, testSigner(), noon); err != nil || !bytes.Equal(doc.XML, twin) {
					t.Errorf("the paths differ: %v", err)
				}
			}
		})
	}
	d := shapes()["33-con-todo"]
	d.Detalle, d.DscRcg = d.Detalle[1:], []DscRcgGlobal{{TpoMov: RecargoGlobal, Monto: 1000}}
	if totals, _, err := d.Totals(); err != nil || !reflect.DeepEqual(totals, Totales{MntNeto: 1000, MntExe: 13520, TasaIVA: money.IVA, IVA: 190, MntTotal: 14710}) {
		t.Errorf("taxed surcharge on exempt lines: %+v %v", totals, err)
	}
}

// A boleta as long as the format allows, every text full of what must be escaped, reads back: it used to exceed the
// reader's limit, and was an ErrReadBack.
func TestTheLongestBoletaReadsBack(t *testing.T) {
	d := shapes()["39-simple"]
	wide := func(n int) string { return strings.Repeat("&", n) }
	line := Linea{
		Nombre: wide(80), Descripcion: wide(1000), Unidad: wide(4), Qty: 1_000_001, Prc: 1_000_001, DescuentoPct: 1001, RecargoPct: 1001,
		Codigos: slices.Repeat([]Codigo{{wide(10), wide(35)}}, 5),
	}
	d.Detalle = slices.Repeat([]Linea{line}, maxLineasBoleta)
	if _, err := Emit(d, 7, wideCAF()[Boleta], testSigner(), noon); err != nil {
		t.Error(err)
	}
}
