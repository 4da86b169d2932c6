package dte

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/money"
)

// backOfficeShapes are the documents that a counter seldom makes, for the golden files.
func backOfficeShapes() map[string]Draft {
	day := DateOf(noon)
	price := money.PerUnit
	base := func(tipo TipoDTE, lines ...Linea) Draft {
		return Draft{Tipo: tipo, FchEmis: day, Emisor: emisor(), Receptor: receptor(), Detalle: lines}
	}
	item := func(name string, qty int64, p money.Pesos, codes ...int) Linea {
		return Linea{Nombre: name, Qty: money.Units(qty), Prc: price(p), CodImpAdic: codes}
	}
	shapes := map[string]Draft{}
	add := func(name string, d Draft, edits ...func(*Draft)) {
		for _, edit := range edits {
			edit(&d)
		}
		shapes[name] = d
	}

	for _, cod := range []int{18, 19, 23, 24, 25, 26, 27, 271, 44, 45} {
		add(fmt.Sprintf("33-impuesto-%d", cod), base(Factura, item("Con impuesto", 3, 3333, cod), item("Sin impuesto", 1, 1000)))
	}
	add("33-dos-impuestos", base(Factura, item("Pisco", 12, 4990, 24), item("Vino", 6, 2790, 25), item("Bebida", 24, 890, 271)))
	add("33-faena", base(Factura, Linea{Nombre: "Vacuno en vara", Qty: 250_500_000, Unidad: "KG", Prc: price(3200), CodImpAdic: []int{17}, MntBaseFaena: 700_000}))
	add("33-diesel", base(Factura, Linea{Nombre: "Petróleo diésel", Qty: money.Units(500), Unidad: "LT", Prc: 780_500_000, CodImpAdic: []int{28}}),
		func(d *Draft) { d.Informados = []Impuesto{{Cod: 28, Monto: 95_000}} })
	add("33-garantia", base(Factura, item("Cerveza retornable", 24, 900), Linea{Nombre: "Envase", Qty: money.Units(24), Prc: price(200), IndExe: GarantiaDeposito}))
	add("33-no-facturable", base(Factura, item("Servicio", 1, 10_000),
		Linea{Nombre: "Cobro de tercero", Monto: 5000, IndExe: NoFacturable}, Linea{Nombre: "Abono", Monto: 1500, IndExe: NoFacturableNegativo}))
	add("33-periodico", base(Factura, item("Arriendo", 1, 350_000)), func(d *Draft) {
		d.IndServicio, d.PeriodoDesde, d.PeriodoHasta, d.SaldoAnterior = 1, Date{2026, 2, 1}, Date{2026, 2, 28}, 12_000
	})
	add("33-saldo-a-favor", base(Factura, item("Arriendo", 1, 350_000)), func(d *Draft) { d.IndServicio, d.SaldoAnterior = 2, -8000 })
	add("33-cuotas", base(Factura, item("Máquina", 1, 900_000)), func(d *Draft) {
		d.FmaPago, d.FchVenc, d.TermPagoGlosa, d.TermPagoDias, d.TermPagoCdg = 2, Date{2026, 6, 16}, "Tres cuotas iguales", 90, "30D"
		d.FchCancel, d.MntCancel, d.SaldoInsol = day, 71_000, 1_000_000
		for i := range 3 {
			d.MntPagos = append(d.MntPagos, Pago{Date{2026, time.Month(4 + i), 16}, 333_333, "Cuota"})
		}
		d.TpoCtaPago, d.NumCtaPago, d.BcoPago, d.MedioPago = "CORRIENTE", "0012345", "Banco", "PE"
	})
	add("33-mandante", base(Factura, item("Por cuenta de otro", 2, 5000)), func(d *Draft) {
		d.RUTMandante, d.RUTSolicita, d.TpoTranVenta, d.TipoDespacho = 11111111, 22222222, 2, 2
		d.Transporte = &Transporte{Patente: "ABCD12", Direccion: "CALLE UNO 234", Comuna: "Maipú"}
	})
	add("33-de-guias", base(Factura, item("Según guías", 1, 120_000)), func(d *Draft) {
		for i := range 12 {
			d.Referencia = append(d.Referencia, Referencia{TpoDocRef: "52", FolioRef: fmt.Sprint(100 + i), FchRef: day})
		}
	})
	add("33-guias-global", base(Factura, item("Según todas las guías del mes", 1, 120_000)), func(d *Draft) {
		d.Referencia = []Referencia{{TpoDocRef: "52", IndGlobal: true, FolioRef: "0", FchRef: day, RazonRef: "Guías de febrero"}}
	})
	add("33-60-lineas-40-referencias", base(Factura), func(d *Draft) {
		for i := range 60 {
			d.Detalle = append(d.Detalle, item(fmt.Sprintf("Artículo %02d", i+1), int64(i%7+1), money.Pesos(990+i)))
		}
		for i := range 40 {
			d.Referencia = append(d.Referencia, Referencia{TpoDocRef: "801", FolioRef: fmt.Sprint("OC-", i), FchRef: day, RUTOtr: 33333333})
		}
		for i := range 20 {
			d.DscRcg = append(d.DscRcg, DscRcgGlobal{TpoMov: DescuentoGlobal, Glosa: fmt.Sprint("Tramo ", i+1), Monto: money.Pesos(10 + i)})
		}
	})
	add("33-detalle-completo", base(Factura, Linea{
		Codigos: []Codigo{{"INT1", "A"}, {"EAN13", "7801234567894"}}, Nombre: "Yogur", Descripcion: "Natural, sin azúcar", Qty: 1_234_567, Unidad: "KG",
		QtyRef: money.Units(2), UnidadRef: "UN", PrcRef: price(500), FchElabor: Date{2026, 3, 1}, FchVencim: Date{2026, 4, 1}, Prc: 1_990_990_000, RecargoPct: 250,
	}))
	add("34-servicios", base(FacturaExenta, item("Consulta", 1, 45_000), item("Informe", 2, 15_500)), func(d *Draft) { d.FmaPago = 2 })
	add("39-periodica", base(Boleta, item("Gas de cañería", 1, 23_990)), func(d *Draft) {
		d.IndServicio, d.PeriodoDesde, d.PeriodoHasta, d.SaldoAnterior, d.FchVenc = 2, Date{2026, 2, 1}, Date{2026, 2, 28}, 4500, Date{2026, 3, 30}
	})
	add("41-periodica", base(BoletaExenta, item("Cuota", 1, 18_000)), func(d *Draft) { d.IndServicio = 1 })

	retained := func(cod int) Linea {
		l := item("Chatarra de cobre", 120, 3950, cod)
		l.Retenedor = true
		return l
	}
	compra := func(d *Draft) { d.TpoTranCompra = 1 }
	for _, cod := range []int{15, 30, 301, 32, 34, 36, 37, 38, 41, 48} {
		add(fmt.Sprintf("46-retencion-%d", cod), base(FacturaCompra, retained(cod)), compra)
	}
	add("46-dos-codigos", base(FacturaCompra, retained(30), retained(34)), compra)
	add("46-sin-retencion", base(FacturaCompra, item("Algo", 1, 10_000)), compra)
	add("61-de-compra", base(NotaCredito, retained(15)), func(d *Draft) {
		d.Referencia = []Referencia{{TpoDocRef: "46", FolioRef: "1", FchRef: day, CodRef: Anula}}
	})
	add("61-no-rebaja", base(NotaCredito, item("Fuera de plazo", 1, 10_000)), func(d *Draft) {
		d.IndNoRebaja = true
		d.Referencia = []Referencia{{TpoDocRef: "33", FolioRef: "1", FchRef: Date{2025, 6, 1}, CodRef: Anula}}
	})

	truck := &Transporte{
		Patente: "ABCD12", PatenteCarro: "EFGH34", RUTTrans: 76543210, RUTChofer: 11111111, NombreChofer: "CHOFER DE PRUEBA", Direccion: "CALLE UNO 234",
		Comuna: "Maipú", Ciudad: "Santiago", FchSalida: day, HraSalida: "13:00:00", FchLlegada: day,
	}
	for ind := 1; ind <= 9; ind++ {
		add(fmt.Sprintf("52-traslado-%d", ind), base(GuiaDespacho, item("Cemento", 10, 3490)), func(d *Draft) {
			d.IndTraslado, d.TipoDespacho, d.Transporte = ind, 2, truck
			if ind == 5 {
				d.Receptor = Receptor{RUT: d.Emisor.RUT, RznSoc: d.Emisor.RznSoc, Giro: "FERRETERÍA", Direccion: "BODEGA 2", Comuna: "Maipú"}
				d.Detalle = []Linea{{Nombre: "ITEM 1", Qty: money.Units(68)}, {Nombre: "ITEM 2", Qty: money.Units(92), IndExe: NoVenta}}
			}
		})
	}

	abroad := func(d *Draft) {
		d.Receptor = Receptor{RUT: RUTExtranjero, RznSoc: "ACME IMPORT GMBH", Direccion: "HAUPTSTRASSE 1", Ciudad: "BERLIN"}
		d.Exportacion = &Exportacion{TpoMoneda: "DOLAR USA", TpoCambio: 9_451_234, FmaPagExp: 11, Nacionalidad: "563", NumID: "DE123"}
	}
	goods := func(d *Draft) {
		abroad(d)
		d.Exportacion.Aduana = &Aduana{
			CodModVenta: 1, CodClauVenta: 5, TotClauVenta: 30_276_000, CodViaTransp: 1, NombreTransp: "MN PRUEBA", CodPtoEmbarque: 906, CodPtoDesemb: 599,
			Tara: 10, CodUnidMedTara: 6, PesoBruto: 2_700_000, CodUnidPesoBruto: 6, PesoNeto: 2_600_000, CodUnidPesoNeto: 6, TotBultos: 26,
			TipoBultos: []Bulto{{CodTpoBultos: 22, CantBultos: 26, Marcas: "ACME 1-26"}}, MntFlete: 1_547_800, MntSeguro: 248_600, CodPaisRecep: 563, CodPaisDestin: 563,
		}
	}
	raisins := Linea{Nombre: "CAJAS DE PASAS DE UVA", Qty: 26_100_000, Unidad: "KN", Prc: price(116)}
	add("110-bienes", base(FacturaExportacion, raisins), goods)
	add("110-contenedor", base(FacturaExportacion, raisins), goods, func(d *Draft) {
		d.Exportacion.Aduana.TipoBultos = []Bulto{{CodTpoBultos: 75, CantBultos: 1, IDContainer: "CONT-1", Sello: "S-1", EmisorSello: "NAVIERA"}}
	})
	add("110-flete-y-seguro", base(FacturaExportacion, raisins), goods, func(d *Draft) {
		d.DscRcg = []DscRcgGlobal{
			{TpoMov: RecargoGlobal, Glosa: "Flete", Divisa: 1_547_800, IndExe: Exento},
			{TpoMov: RecargoGlobal, Glosa: "Seguro", Divisa: 248_600, IndExe: Exento},
			{TpoMov: DescuentoGlobal, Glosa: "Comisión", Pct: 1100, IndExe: Exento},
		}
	})
	add("110-linea-con-descuento", base(FacturaExportacion, Linea{Nombre: "CIRUELAS", Qty: money.Units(402), Prc: price(130), DescuentoPct: 500}), goods)
	add("110-cuatro-decimales", base(FacturaExportacion, Linea{Nombre: "LITIO", Qty: 1_234_567, Prc: 12_345_678}), goods,
		func(d *Draft) { d.Exportacion.TpoMoneda, d.Exportacion.TpoCambio = "EURO", 10_200_001 })
	add("110-servicios", base(FacturaExportacion, Linea{Nombre: "ASESORIAS", Divisa: 30 * money.OneDivisa, RecargoPct: 1000}), abroad,
		func(d *Draft) { d.IndServicio = 3 })
	add("110-hotel", base(FacturaExportacion, Linea{Nombre: "ALOJAMIENTO", Divisa: 91 * money.OneDivisa, IndExe: Exento}), abroad,
		func(d *Draft) { d.IndServicio = 4 })
	for tipo, ref := range map[TipoDTE]string{NotaCreditoExp: "110", NotaDebitoExp: "112"} {
		add(fmt.Sprintf("%d-anula", tipo), base(tipo, raisins), goods, func(d *Draft) {
			d.Referencia = []Referencia{{TpoDocRef: ref, FolioRef: "1", FchRef: day, CodRef: Anula, RazonRef: "ANULA"}}
		})
	}
	add("112-texto", base(NotaCreditoExp, Linea{Nombre: "Donde dice A debe decir B"}), abroad, func(d *Draft) {
		d.Referencia = []Referencia{{TpoDocRef: "110", FolioRef: "1", FchRef: day, CodRef: CorrigeTexto}}
	})
	return shapes
}

// What the law's formulas give for the shapes, worked out by hand.
func TestBackOfficeTotals(t *testing.T) {
	shapes := backOfficeShapes()
	for name, want := range map[string]Totales{
		// 3 × 3333 = 9999; 31.5 % = 3149.685; net 10999; IVA 2089.81
		"33-impuesto-24": {MntNeto: 10_999, TasaIVA: 1900, IVA: 2090, Impuestos: []Impuesto{{24, 3150, 3150}}, MntTotal: 10_999 + 2090 + 3150},
		// 20.5 % of 9999 = 2049.795
		"33-impuesto-25":   {MntNeto: 10_999, TasaIVA: 1900, IVA: 2090, Impuestos: []Impuesto{{25, 2050, 2050}}, MntTotal: 15_139},
		"33-faena":         {MntNeto: 801_600, TasaIVA: 1900, IVA: 152_304, Impuestos: []Impuesto{{17, 500, 35_000}}, MntTotal: 988_904},
		"33-diesel":        {MntNeto: 390_250, TasaIVA: 1900, IVA: 74_148, Impuestos: []Impuesto{{28, 0, 95_000}}, MntTotal: 559_398},
		"33-garantia":      {MntNeto: 21_600, TasaIVA: 1900, IVA: 4104, GrntDep: 4800, MntTotal: 30_504},
		"33-no-facturable": {MntNeto: 10_000, TasaIVA: 1900, IVA: 1900, MntTotal: 11_900, MontoNF: 3500, VlrPagar: 15_400},
		"33-periodico":     {MntNeto: 350_000, TasaIVA: 1900, IVA: 66_500, MntTotal: 416_500, MontoPeriodo: 416_500, SaldoAnterior: 12_000, VlrPagar: 428_500},
		"33-saldo-a-favor": {MntNeto: 350_000, TasaIVA: 1900, IVA: 66_500, MntTotal: 416_500, MontoPeriodo: 416_500, SaldoAnterior: -8000, VlrPagar: 408_500},
		"46-retencion-15":  {MntNeto: 474_000, TasaIVA: 1900, IVA: 90_060, Impuestos: []Impuesto{{15, 1900, 90_060}}, MntTotal: 474_000},
		"46-retencion-30":  {MntNeto: 474_000, TasaIVA: 1900, IVA: 90_060, Impuestos: []Impuesto{{30, 1000, 47_400}}, IVANoRet: 42_660, MntTotal: 516_660},
		"52-traslado-5":    {},
		"39-periodica":     {MntNeto: 20_160, IVA: 3830, MntTotal: 23_990, MontoPeriodo: 23_990, SaldoAnterior: 4500, VlrPagar: 28_490},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := shapes[name].Totals()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
	for name, want := range map[string]TotalesDivisa{
		"110-bienes":              {30_276_000, 30_276_000, 2_861_456, 2_861_456}, // 3027.60 × 945.1234 = 2861455.6
		"110-linea-con-descuento": {496_470_000, 496_470_000, 46_922_541, 46_922_541},
		"110-servicios":           {330_000, 330_000, 31_189, 31_189},
		"110-cuatro-decimales":    {152_416, 152_416, 15_546, 15_546}, // 1.234567 × 12.345678 = 15.24156…
		// 3027.60 + 154.78 + 24.86 − 11 % of 3027.60 (333.036)
		"110-flete-y-seguro": {28_742_040, 28_742_040, 2_716_477, 2_716_477},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := shapes[name].Totals()
			if err != nil || *got.Divisa != want {
				t.Errorf("got %+v, %v\nwant %+v", *got.Divisa, err, want)
			}
		})
	}
}

// neto + exento + IVA + taxes − retentions + deposits = total, whatever is mixed, and the order of lines is nothing.
func TestTaxProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Draft{Tipo: rapid.SampledFrom([]TipoDTE{Factura, FacturaCompra, NotaCredito}).Draw(t, "tipo")}
		codes := []int{18, 19, 24, 26, 271}
		if d.Tipo != Factura {
			codes = []int{15, 30, 32, 34, 38, 301}
		}
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			l := Linea{Nombre: "x", Qty: money.Qty(rapid.Int64Range(1, 99_999_999).Draw(t, "qty")), Prc: money.Price(rapid.Int64Range(1, 9_999_999_999).Draw(t, "prc"))}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				l.IndExe = Exento
			case 1, 2:
				l.CodImpAdic = []int{rapid.SampledFrom(codes).Draw(t, "cod")}
			}
			d.Detalle = append(d.Detalle, l)
		}
		got, _, err := d.Totals()
		if err != nil {
			t.Fatal(err)
		}
		total, withheld := got.MntNeto+got.MntExe+got.IVA, money.Pesos(0)
		for _, i := range got.Impuestos {
			if c, _ := ImpuestoPorCodigo(i.Cod); c.Efecto == Adicional {
				total += i.Monto
			} else {
				total -= i.Monto
				withheld += i.Monto
			}
		}
		if total != got.MntTotal || withheld > 0 && got.IVANoRet != got.IVA-withheld {
			t.Fatalf("%+v", got)
		}
		slices.Reverse(d.Detalle)
		again, _, _ := d.Totals()
		slices.SortFunc(got.Impuestos, func(a, b Impuesto) int { return a.Cod - b.Cod })
		slices.SortFunc(again.Impuestos, func(a, b Impuesto) int { return a.Cod - b.Cod })
		if fmt.Sprint(got) != fmt.Sprint(again) {
			t.Fatalf("the order changes the totals: %+v %+v", got, again)
		}
	})
}

func TestBackOfficeRefusals(t *testing.T) {
	shapes := backOfficeShapes()
	with := func(name string, f func(*Draft)) Draft {
		d := shapes[name].normalized()
		f(&d)
		return d
	}
	for _, c := range []struct {
		name  string
		draft Draft
		rule  string
	}{
		{"unknown tax", with("33-impuesto-24", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{99} }), "M091"},
		{"three taxes", with("33-impuesto-24", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{24, 25, 26} }), "M090"},
		{"the same twice", with("33-impuesto-24", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{24, 24} }), "M090"},
		{"exempt with tax", with("33-impuesto-24", func(d *Draft) { d.Detalle[0].IndExe = Exento }), "M092"},
		{"retention in a sale", with("33-impuesto-24", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{15} }), "M093"},
		{"no slaughter base", with("33-faena", func(d *Draft) { d.Detalle[0].MntBaseFaena = 0 }), "M094"},
		{"no informed amount", with("33-diesel", func(d *Draft) { d.Informados = nil }), "M095"},
		{"amount of nothing", with("33-garantia", func(d *Draft) { d.Informados = []Impuesto{{28, 0, 5}} }), "M095"},
		{"boleta with tax", with("39-periodica", func(d *Draft) { d.Detalle[0].CodImpAdic = []int{24} }), "M096"},
		{"gross with tax", with("33-impuesto-24", func(d *Draft) { d.MntBruto = true }), "M097"},
		{"global with tax", with("33-impuesto-24", func(d *Draft) { d.DscRcg = []DscRcgGlobal{{TpoMov: "D", Pct: 100}} }), "M098"},
		{"guía without reason", with("52-traslado-1", func(d *Draft) { d.IndTraslado = 0 }), "M120"},
		{"guía without transport", with("52-traslado-1", func(d *Draft) { d.Transporte = nil }), "M121"},
		{"internal to another", with("52-traslado-5", func(d *Draft) { d.Receptor = receptor() }), "M122"},
		{"driver without RUT", with("52-traslado-1", func(d *Draft) { d.Transporte.RUTChofer = 0 }), "M123"},
		{"hour", with("52-traslado-1", func(d *Draft) { d.Transporte.HraSalida = "25:00" }), "M123"},
		{"guía without quantity", with("52-traslado-1", func(d *Draft) { d.Detalle = []Linea{{Nombre: "x", Monto: 5}} }), "M033"},
		{"export without rate", with("110-bienes", func(d *Draft) { d.Exportacion.TpoCambio = 0 }), "M110"},
		{"export without block", with("110-bienes", func(d *Draft) { d.Exportacion = nil }), "M110"},
		{"currency", with("110-bienes", func(d *Draft) { d.Exportacion.TpoMoneda = "BITCOIN" }), "M111"},
		{"three decimals", with("110-bienes", func(d *Draft) { d.Exportacion.Aduana.TotClauVenta = 1 }), "M114"},
		{"no marks", with("110-bienes", func(d *Draft) { d.Exportacion.Aduana.TipoBultos[0].Marcas = "" }), "M117"},
		{"instalment without date", with("33-cuotas", func(d *Draft) { d.MntPagos[0].Fch = Date{} }), "M080"},
		{"account", with("33-cuotas", func(d *Draft) { d.TpoCtaPago = "OTRA" }), "M081"},
		{"period backwards", with("33-periodico", func(d *Draft) { d.PeriodoHasta = Date{2026, 1, 1} }), "M082"},
		{"despacho", with("33-mandante", func(d *Draft) { d.TipoDespacho = 9 }), "M083"},
		{"no rebaja in a factura", with("33-mandante", func(d *Draft) { d.IndNoRebaja = true }), "M084"},
		{"global reference with folio", with("33-guias-global", func(d *Draft) { d.Referencia[0].FolioRef = "7" }), "M057"},
		{"deposit in a boleta", with("39-periodica", func(d *Draft) { d.Detalle[0].IndExe = GarantiaDeposito }), "M032"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var faults FaultErrors
			if err := c.draft.Validate(); !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f Fault) bool { return f.Rule == c.rule }) {
				t.Errorf("got %v, want rule %s", err, c.rule)
			}
		})
	}
}

// Notes made from documents: they validate, can be issued, and give back what the document says.
func TestNotesFromDocuments(t *testing.T) {
	all := shapes()
	for name, d := range backOfficeShapes() {
		all[name] = d
	}
	for name, d := range all {
		if d.Tipo == GuiaDespacho || d.Tipo == NotaDebitoExp || d.Referencia != nil && d.Referencia[0].CodRef == CorrigeTexto {
			continue
		}
		t.Run(name, func(t *testing.T) {
			of := emit(t, d, 3)
			note, err := Annulment(of, "Anula documento")
			if err != nil {
				t.Fatal(err)
			}
			note.Emisor, note.FchEmis = emisor(), d.FchEmis
			got := emit(t, note, 1)
			if a, b := got.Totales, of.Totales; a.MntTotal != b.MntTotal || a.IVA != b.IVA || a.MntNeto != b.MntNeto || a.Divisa != nil && *a.Divisa != *b.Divisa {
				t.Errorf("annulment %+v of %+v", a, b)
			}
			text, err := TextCorrection(of, "A", "B", "Corrige giro")
			if err != nil {
				t.Fatal(err)
			}
			text.Emisor, text.FchEmis = emisor(), d.FchEmis
			if got := emit(t, text, 2); !got.Totales.isZero() {
				t.Errorf("a correction of text with total %s", got.Totales.total())
			}
		})
	}
}

func TestReturn(t *testing.T) {
	of := emit(t, shapes()["33-simple"], 3)
	first, err := Return(of, map[int]money.Qty{1: money.Units(4)}, nil, "Devolución")
	if err != nil {
		t.Fatal(err)
	}
	first.Emisor, first.FchEmis = emisor(), of.FchEmis
	note := emit(t, first, 1)
	if note.Totales.MntNeto != 4*3490 {
		t.Errorf("returned %s", note.Totales.MntNeto)
	}
	if _, err := Return(of, map[int]money.Qty{1: money.Units(7)}, []*Document{note}, "x"); !errors.Is(err, ErrNote) {
		t.Errorf("more than is left: %v", err)
	}
	if _, err := Return(of, map[int]money.Qty{1: money.Units(6), 2: money.One}, []*Document{note}, "x"); err != nil {
		t.Errorf("exactly what is left: %v", err)
	}
	for name, q := range map[string]map[int]money.Qty{"nothing": {}, "a line that is not there": {9: 1}, "zero": {1: 0}} {
		if _, err := Return(of, q, nil, "x"); !errors.Is(err, ErrNote) {
			t.Errorf("%s: %v", name, err)
		}
	}
	guia := emit(t, backOfficeShapes()["52-traslado-1"], 1)
	if _, err := Annulment(guia, "x"); !errors.Is(err, ErrNote) {
		t.Errorf("a guía is not annulled by a note: %v", err)
	}
	if _, err := Return(of, map[int]money.Qty{1: money.One}, []*Document{guia}, "x"); !errors.Is(err, ErrNote) {
		t.Errorf("a note of another document: %v", err)
	}
}

// What a document says, without folio and signatures, reads back as the draft it was made from.
func TestParseDraft(t *testing.T) {
	all := shapes()
	for name, d := range backOfficeShapes() {
		all[name] = d
	}
	for name, d := range all {
		doc := emit(t, d, 3)
		body, _, _ := strings.Cut(string(utf8Of(doc.XML[len("<DTE version=\"1.0\">\n"):])), "<TED ")
		got, err := ParseDraft([]byte(body + "</" + d.Tipo.node() + ">"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, doc.Draft) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, doc.Draft)
		}
	}
	for _, xml := range []string{"", "<a/>", "<Documento><Encabezado><IdDoc><TipoDTE>39</TipoDTE><Color>rojo</Color></IdDoc></Encabezado></Documento>", "<Documento/>"} {
		if d, err := ParseDraft([]byte(xml)); !errors.Is(err, ErrNotDTE) {
			t.Errorf("%q: %+v %v", xml, d, err)
		}
	}
}

// However a document is taken back, the notes add up to it: discounts, surcharges and global movements included, with
// articles that stand in two lines.
func TestReturnsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 5))
	for round := range 400 {
		of := randomSale(t, r, round)
		var notes []*Document
		var back money.Pesos
		for n := 1; ; n++ {
			left, err := LeftOf(of, notes)
			if err != nil {
				t.Fatal(err)
			}
			want := map[int]money.Qty{}
			for i := range of.Detalle {
				last := n > 12 && len(want) == 0 // one line at a time: two of one article share what is left
				if q := left.Qty(i + 1); q > 0 && (n <= 12 && r.IntN(2) == 0 || last) {
					if of.Detalle[i].Unidad == "" && !last {
						q = money.Units(1 + r.Int64N(int64(q/money.One)))
					}
					want[i+1] = q
				}
			}
			if len(want) == 0 {
				if n > 12 {
					break
				}
				continue
			}
			d, err := Return(of, want, notes, "Devolución")
			if errors.Is(err, ErrNote) && strings.Contains(err.Error(), "hasta") {
				continue // two lines of one article, and less is left of both than each has
			}
			if err != nil {
				t.Fatal(err)
			}
			note, err := d.computed()
			if err != nil {
				t.Fatal(err)
			}
			note.Emisor.RUT, note.Folio = of.Emisor.RUT, Folio(len(notes)+1)
			notes = append(notes, note)
			back += note.Totales.MntTotal
		}
		if back != of.Totales.MntTotal {
			t.Fatalf("round %d: %d notes give back %s of %s: %+v", round, len(notes), back, of.Totales.MntTotal, of.Detalle)
		}
		if _, err := Return(of, map[int]money.Qty{1: 1}, notes, "x"); !errors.Is(err, ErrNote) {
			t.Fatalf("more than everything: %v", err)
		}
	}
}

// randomSale is a boleta or a factura with gross prices.
func randomSale(t *testing.T, r *rand.Rand, folio int) *Document {
	t.Helper()
	d := Draft{Tipo: Boleta, Emisor: emisor(), Receptor: Receptor{RUT: RUTAnonimo}}
	if r.IntN(2) == 0 {
		d.Tipo, d.MntBruto = Factura, true
	}
	for range 1 + r.IntN(6) {
		l := Linea{Nombre: fmt.Sprint("Artículo ", r.IntN(4)), Qty: money.Units(1 + r.Int64N(9)), Prc: money.PerUnit(money.Pesos(100 + 100*r.Int64N(3)))}
		if r.IntN(5) == 0 {
			l.Unidad, l.Qty = "kg", money.Qty(1+r.Int64N(3_000_000))
		}
		if r.IntN(4) == 0 {
			l.IndExe = Exento
		}
		base, err := l.Prc.Times(l.Qty)
		if err != nil {
			t.Fatal(err)
		}
		switch r.IntN(4) {
		case 0:
			l.Descuento = money.Pesos(r.Int64N(int64(base) + 1))
		case 1:
			l.DescuentoPct = money.Rate(r.IntN(10001))
		case 2:
			l.Recargo = money.Pesos(r.Int64N(500))
		}
		d.Detalle = append(d.Detalle, l)
	}
	if r.IntN(2) == 0 {
		d.DscRcg = append(d.DscRcg, DscRcgGlobal{TpoMov: DescuentoGlobal, Pct: money.Rate(1 + r.IntN(9999))})
	}
	if r.IntN(3) == 0 {
		d.DscRcg = append(d.DscRcg, DscRcgGlobal{TpoMov: DescuentoGlobal, Pct: money.Rate(1 + r.IntN(9999)), IndExe: Exento})
	}
	doc, err := d.computed()
	if err != nil {
		t.Fatal(err)
	}
	doc.Folio = Folio(folio + 1)
	return doc
}

// A note that annuls leaves nothing.
func TestNothingIsLeftOfAnAnnulledDocument(t *testing.T) {
	of := emit(t, shapes()["33-simple"], 3)
	d, err := Annulment(of, "Anula")
	if err != nil {
		t.Fatal(err)
	}
	d.Emisor, d.FchEmis = emisor(), of.FchEmis
	left, err := LeftOf(of, []*Document{emit(t, d, 1)})
	if err != nil || left.Qty(1) != 0 {
		t.Errorf("left %s, %v", left.Qty(1), err)
	}
}
