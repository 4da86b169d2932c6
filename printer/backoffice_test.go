package printer

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// maxSample is the size of a printed sample that the SII takes ("Manual de muestras impresas"): 500 KB.
const maxSample = 500_000

func item(name string, qty int64, price money.Pesos, codes ...int) dte.Linea {
	return dte.Linea{Nombre: name, Qty: money.Units(qty), Unidad: "UN", Prc: money.PerUnit(price), CodImpAdic: codes}
}

// backOffice are the drafts of what a counter seldom makes.
func backOffice() map[string]dte.Draft {
	today := dtetest.Today()
	all := map[string]dte.Draft{}
	add := func(name string, tipo dte.TipoDTE, edit func(*dte.Draft), lines ...dte.Linea) {
		d := dte.Draft{Tipo: tipo, FchEmis: today, Emisor: dtetest.Emisor(), Receptor: dtetest.Receptor(), Detalle: lines}
		if edit != nil {
			edit(&d)
		}
		all[name] = d
	}
	add("factura-impuestos", dte.Factura, func(d *dte.Draft) { d.Informados = []dte.Impuesto{{Cod: 28, Monto: 95_000}} },
		item("Pisco", 12, 4990, 24), item("Bebida azucarada", 24, 890, 271), item("Petróleo diésel", 500, 780, 28),
		dte.Linea{Nombre: "Vacuno en vara", Qty: 250_500_000, Unidad: "KG", Prc: money.PerUnit(3200), CodImpAdic: []int{17}, MntBaseFaena: 700_000},
		dte.Linea{Nombre: "Envase retornable", Qty: money.Units(24), Prc: money.PerUnit(200), IndExe: dte.GarantiaDeposito},
		dte.Linea{Nombre: "Cobro de tercero", Monto: 5000, IndExe: dte.NoFacturable},
		dte.Linea{Nombre: "Abono", Monto: 1500, IndExe: dte.NoFacturableNegativo})
	add("factura-cuotas", dte.Factura, func(d *dte.Draft) {
		d.FmaPago, d.FchVenc, d.TermPagoGlosa, d.TermPagoDias = 2, dte.Date{Year: 2026, Month: 6, Day: 16}, "Tres cuotas iguales", 90
		d.FchCancel, d.MntCancel, d.SaldoInsol = today, 71_000, 1_000_000
		for i := range 3 {
			d.MntPagos = append(d.MntPagos, dte.Pago{Fch: dte.Date{Year: 2026, Month: time.Month(4 + i), Day: 16}, Mnt: 333_333, Glosa: "Cuota"})
		}
		d.TpoCtaPago, d.NumCtaPago, d.BcoPago, d.MedioPago = "CORRIENTE", "0012345", "Banco", "PE"
		d.RUTMandante, d.RUTSolicita, d.TipoDespacho = 11111111, 22222222, 2
		d.Transporte = &dte.Transporte{Patente: "ABCD12", Direccion: "CALLE UNO 234", Comuna: "Maipú"}
		d.Referencia = []dte.Referencia{
			{TpoDocRef: "52", IndGlobal: true, FolioRef: "0", FchRef: today, RazonRef: "Guías de febrero"},
			{TpoDocRef: "801", FolioRef: "OC-7", FchRef: today, RUTOtr: 33333333},
		}
	}, item("Máquina", 1, 900_000))
	add("factura-periodica", dte.Factura, func(d *dte.Draft) {
		d.IndServicio, d.SaldoAnterior = 1, 12_000
		d.PeriodoDesde, d.PeriodoHasta = dte.Date{Year: 2026, Month: 2, Day: 1}, dte.Date{Year: 2026, Month: 2, Day: 28}
	}, item("Arriendo", 1, 350_000))
	add("boleta-periodica", dte.Boleta, func(d *dte.Draft) {
		d.Receptor = dte.Receptor{RUT: dte.RUTAnonimo}
		d.IndServicio, d.SaldoAnterior, d.FchVenc = 2, 4500, dte.Date{Year: 2026, Month: 3, Day: 30}
		d.PeriodoDesde, d.PeriodoHasta = dte.Date{Year: 2026, Month: 2, Day: 1}, dte.Date{Year: 2026, Month: 2, Day: 28}
	}, item("Gas de cañería", 1, 23_990))
	add("compra-retencion-total", dte.FacturaCompra, nil, item("Chatarra de cobre", 120, 3950, 15))
	add("compra-retencion-parcial", dte.FacturaCompra, nil, item("Lentejas", 120, 3950, 30))
	add("guia-venta", dte.GuiaDespacho, func(d *dte.Draft) { d.IndTraslado, d.TipoDespacho, d.Transporte = 1, 2, truck() }, item("Cemento", 10, 3490))
	add("guia-interna", dte.GuiaDespacho, func(d *dte.Draft) {
		d.IndTraslado, d.Transporte = 5, truck()
		d.Receptor = dte.Receptor{RUT: d.Emisor.RUT, RznSoc: d.Emisor.RznSoc, Giro: "FERRETERÍA", Direccion: "BODEGA 2", Comuna: "Maipú"}
	}, dte.Linea{Nombre: "Cemento", Qty: money.Units(68)}, dte.Linea{Nombre: "Tarima", Qty: money.Units(2), IndExe: dte.NoVenta})
	raisins := dte.Linea{Nombre: "CAJAS DE PASAS DE UVA", Qty: 26_100_000, Unidad: "KN", Prc: money.PerUnit(116), DescuentoPct: 500}
	add("exportacion-bienes", dte.FacturaExportacion, func(d *dte.Draft) {
		goods(d)
		d.DscRcg = []dte.DscRcgGlobal{
			{TpoMov: dte.RecargoGlobal, Glosa: "Flete", Divisa: 1_547_800, IndExe: dte.Exento},
			{TpoMov: dte.DescuentoGlobal, Glosa: "Comisión", Pct: 1100, IndExe: dte.Exento},
		}
		d.MntPagos = []dte.Pago{{Fch: dte.Date{Year: 2026, Month: 5, Day: 2}, Mnt: 2700}}
	}, raisins)
	add("exportacion-servicios", dte.FacturaExportacion, func(d *dte.Draft) {
		abroad(d)
		d.IndServicio, d.Exportacion.TpoMoneda = 3, "EURO"
	}, dte.Linea{Nombre: "ASESORÍAS", Divisa: 301_234})
	for name, tipo := range map[string]dte.TipoDTE{"nota-credito-exportacion": dte.NotaCreditoExp, "nota-debito-exportacion": dte.NotaDebitoExp} {
		add(name, tipo, func(d *dte.Draft) {
			goods(d)
			of := map[dte.TipoDTE]string{dte.NotaCreditoExp: "110", dte.NotaDebitoExp: "112"}[tipo]
			d.Referencia = []dte.Referencia{{TpoDocRef: of, FolioRef: "1", FchRef: today, CodRef: dte.Anula, RazonRef: "ANULA"}}
		}, raisins)
	}
	return all
}

func truck() *dte.Transporte {
	return &dte.Transporte{
		Patente: "ABCD12", PatenteCarro: "EFGH34", RUTTrans: 76543210, RUTChofer: 11111111, NombreChofer: "CHOFER DE PRUEBA", Direccion: "CALLE UNO 234",
		Comuna: "Maipú", Ciudad: "Santiago", FchSalida: dtetest.Today(), HraSalida: "13:00:00", FchLlegada: dtetest.Today(),
	}
}

func abroad(d *dte.Draft) {
	d.Receptor = dte.Receptor{RUT: dte.RUTExtranjero, RznSoc: "ACME IMPORT GMBH", Direccion: "HAUPTSTRASSE 1", Ciudad: "BERLIN"}
	d.Exportacion = &dte.Exportacion{TpoMoneda: "DOLAR USA", TpoCambio: 9_451_234, FmaPagExp: 11, Nacionalidad: "563", NumID: "DE123"}
}

func goods(d *dte.Draft) {
	abroad(d)
	d.Exportacion.Aduana = &dte.Aduana{
		CodModVenta: 1, CodClauVenta: 5, TotClauVenta: 30_276_000, CodViaTransp: 1, NombreTransp: "MN PRUEBA", RUTCiaTransp: 76543210, NomCiaTransp: "NAVIERA SUR",
		Booking: "BK-1", Operador: "OP-2", CodPtoEmbarque: 906, CodPtoDesemb: 599, Tara: 10, CodUnidMedTara: 6, PesoBruto: 2_700_000, CodUnidPesoBruto: 6,
		PesoNeto: 2_600_000, CodUnidPesoNeto: 6, TotBultos: 27, MntFlete: 1_547_800, MntSeguro: 248_600, CodPaisRecep: 563, CodPaisDestin: 563,
		TipoBultos: []dte.Bulto{
			{CodTpoBultos: 22, CantBultos: 26, Marcas: "ACME 1-26"}, {CodTpoBultos: 75, CantBultos: 1, IDContainer: "CONT-1", Sello: "S-1", EmisorSello: "NAVIERA"},
		},
	}
}

// jobOf issues a draft; no till sold it. The copy that can be ceded is asked for wherever the document may have one.
func jobOf(d dte.Draft) Job {
	doc := dtetest.Emit(d, 1204)
	return Job{Document: doc, Record: sale.Record{Key: doc.Key()}, Shop: shop(), Cedible: true}
}

// backOfficeJobs have a timbre that is the same in every process, for the golden files.
func backOfficeJobs() map[string]Job {
	all := map[string]Job{}
	for name, d := range backOffice() {
		j := jobOf(d)
		j.Document.TED = ted("33", "PEÑA")
		all[name] = j
	}
	return all
}

// Every type prints on a letter page and a roll as one small file, and what a phone reads from it is the signed timbre.
func TestEveryTypePrints(t *testing.T) {
	for name, d := range backOffice() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := jobOf(d)
			for paper, pdf := range pdfs(t, j) {
				noOverlap(t, pdf)
				if len(pdf) > maxSample {
					t.Errorf("%s: %d bytes", paper, len(pdf))
				}
				if paper == "58" {
					continue // a copy for information: see ticket.foot
				}
				if got := scanned(t, pdf, 203); !bytes.Equal(got, j.Document.TED) {
					t.Errorf("%s: %q", paper, got)
				}
				pages := text(t, pdf)
				if !strings.Contains(pages[len(pages)-1], "Timbre Electrónico SII") {
					t.Errorf("%s: no legend", paper)
				}
			}
		})
	}
}

// What each type must say (SII, "Obligatoriedad de campos", columns I and P), on the letter page and on both rolls.
func TestWhatEachTypeSays(t *testing.T) {
	common := []string{"R.U.T.: 76.543.210-3", "N° 1204", "S.I.I. - SANTIAGO ORIENTE", "16-03-2026", "Res. 80 de 2014", "www.sii.cl"}
	customs := []string{
		"ACME IMPORT GMBH", "55.555.555-5", "DE123", "ALEMANIA (563)", "DOLAR USA", "ACRED (11)", "A FIRME (1)", "FOB (5), 3.027,60", "MARITIMA", "MN PRUEBA",
		"NAVIERA SUR · 76.543.210-3", "BK-1", "OP-2", "(906)", "OLDENBURG (599)", "10 KN", "270,00 KN", "260,00 KN", "154,78", "24,86",
		"26 CAJA DE CARTON (22), marcas ACME 1-26", "contenedor CONT-1, sello S-1 de NAVIERA", "$ 945,1234", "2.876,60",
	}
	truck := []string{"ABCD12 · carro EFGH34", "76.543.210-3", "CHOFER DE PRUEBA · 11.111.111-1", "CALLE UNO 234, Maipú, Santiago", "16-03-2026 13:00:00"}
	for name, c := range map[string]struct{ want, not []string }{
		"factura-impuestos": {[]string{
			"ILA licores, piscos, destilados (24) 31,5%", "$ 18.862", "ILA bebidas de alto contenido de azúcar (271) 18%", "$ 3.845",
			"Impuesto específico diésel (28)", "$ 95.000", "IVA anticipado faenamiento carne (17) 5%", "$ 35.000", "base faena $ 700.000",
			"Garantía por envases", "$ 4.800", "No facturable", "$ 3.500", "Valor a pagar", "IVA 19%", "imp. 271", "no facturable, se rebaja", "CEDIBLE",
		}, []string{"Transporte", "Exportación"}},
		"factura-cuotas": {[]string{
			"Tres cuotas iguales, 90 días", "$ 71.000 el 16-03-2026", "Saldo insoluto", "$ 1.000.000", "Pago 16-06-2026", "$ 333.333 Cuota",
			"CORRIENTE 0012345, Banco", "Depósito o transferencia", "11.111.111-1", "22.222.222-2", "Por cuenta del emisor, a instalaciones del cliente",
			"Guía de Despacho Electrónica (referencia global a varios documentos) del 16-03-2026: Guías de febrero",
			"Orden de Compra N° OC-7 de R.U.T. 33.333.333-3 del 16-03-2026",
		}, []string{"N° 0"}},
		"factura-periodica":        {[]string{"01-02-2026 al 28-02-2026", "Monto del período", "$ 416.500", "Saldo anterior", "$ 12.000", "Valor a pagar", "$ 428.500"}, nil},
		"boleta-periodica":         {[]string{"$ 23.990", "$ 28.490", "El IVA incluido en esta boleta es de $ 3.830"}, []string{"CEDIBLE"}},
		"compra-retencion-total":   {[]string{"FACTURA DE COMPRA", "Neto", "$ 474.000", "IVA 19%", "$ 90.060", "IVA retenido total (15) 19%", "-$ 90.060", "CEDIBLE", "Acuse de recibo"}, nil},
		"compra-retencion-parcial": {[]string{"IVA retenido legumbres (parcial) (30) 10%", "-$ 47.400", "IVA no retenido", "$ 42.660", "$ 516.660"}, nil},
		"guia-venta":               {append(truck, "GUÍA DE DESPACHO", "Operación constituye venta", "CEDIBLE CON SU FACTURA", "Acuse de recibo", "$ 41.531"), nil},
		"guia-interna":             {append(truck, "Traslados internos", "no constituye venta", "68"), []string{"CEDIBLE", "Acuse", "Neto"}},
		"exportacion-bienes":       {append(customs, "FACTURA DE EXPORTACIÓN", "-151", "Recargo global: Flete", "154,78", "-11%", "Pago 02-05-2026", "2.700"), []string{"CEDIBLE", "a lo exento", "IVA", "$ 2.700"}},
		"exportacion-servicios":    {[]string{"TOTAL EURO", "30,1234", "Total en pesos", "$ 28.470"}, []string{"DOLAR", "Bultos", "IVA"}},
		"nota-credito-exportacion": {append(customs, "NOTA DE CRÉDITO DE", "Anula Factura de Exportación Electrónica N° 1 del 16-03-2026: ANULA"), []string{"CEDIBLE"}},
		"nota-debito-exportacion":  {append(customs, "NOTA DE DÉBITO DE", "Anula Nota de Crédito de Exportación Electrónica N° 1"), []string{"CEDIBLE"}},
	} {
		j := jobOf(backOffice()[name])
		for paper, pdf := range pdfs(t, j) {
			pages := text(t, pdf)
			// A broken line, or the column beside it, must not hide a sentence: compare without spaces, line by line or at all.
			said := squeezed(pages[len(pages)-1]) + squeezed(raw(t, pdf))
			for _, w := range append(common, c.want...) {
				if name == "boleta-periodica" && strings.HasPrefix(w, "S.I.I.") {
					continue
				}
				if !strings.Contains(said, squeezed(w)) {
					t.Errorf("%s on %s: «%s» is missing in\n%s", name, paper, w, pages[len(pages)-1])
				}
			}
			for _, w := range c.not {
				if strings.Contains(said, squeezed(w)) {
					t.Errorf("%s on %s: «%s» is there", name, paper, w)
				}
			}
		}
	}
}

var spaces = regexp.MustCompile(`\s+`)

func squeezed(s string) string { return spaces.ReplaceAllString(s, "") }

// raw is the text of a PDF in the order in which it was drawn.
func raw(t testing.TB, pdf []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.pdf")
	save(t, file, pdf)
	out, err := exec.Command("pdftotext", "-raw", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return string(out)
}

// Only the guía that is a sale can be ceded, and each reason to travel has its words.
func TestTraslados(t *testing.T) {
	seen := map[string]bool{}
	for ind := 1; ind <= 9; ind++ {
		d := dte.Document{Draft: dte.Draft{Tipo: dte.GuiaDespacho, IndTraslado: ind}}
		if Cedible(&d) != (ind == 1) {
			t.Errorf("traslado %d", ind)
		}
		seen[traslado(ind)] = true
	}
	if len(seen) != 9 || seen[""] || traslado(0) != "" || traslado(10) != "10" || traslado(-1) != "-1" {
		t.Error(seen)
	}
	for _, tipo := range dte.Tipos() {
		want := map[dte.TipoDTE]bool{33: true, 34: true, 46: true}[tipo]
		if got := Cedible(&dte.Document{Draft: dte.Draft{Tipo: tipo}}); got != want {
			t.Errorf("%s: %v", tipo, got)
		}
	}
}

// The largest document that the format allows: everything is there once, in order, and no page is overfull.
func TestTheLargestDocument(t *testing.T) {
	d := dte.Draft{Tipo: dte.Factura, FchEmis: dtetest.Today(), Emisor: dtetest.Emisor(), Receptor: dtetest.Receptor()}
	var taxes []int
	for _, c := range dte.Impuestos() {
		if c.Efecto == dte.Adicional && c.Base == dte.SobreLineas {
			taxes = append(taxes, c.Cod)
		}
	}
	for i := range 60 {
		d.Detalle = append(d.Detalle, item(fmt.Sprintf("Artículo-%02d", i), 1, 1000, taxes[i%len(taxes)]))
	}
	for i := range 40 {
		d.Referencia = append(d.Referencia, dte.Referencia{TpoDocRef: "801", FolioRef: fmt.Sprintf("OC-%02d", i), FchRef: dtetest.Today(), RazonRef: strings.Repeat("palabra ", 11)})
	}
	for i := range 30 {
		d.MntPagos = append(d.MntPagos, dte.Pago{Fch: dtetest.Today(), Mnt: money.Pesos(1000 + i), Glosa: "cuota mensual del arriendo"})
	}
	j := jobOf(d)
	// The till refuses some of what others may send: additional taxes of every kind, global movements among them.
	for i := range 20 {
		j.Document.DscRcg = append(j.Document.DscRcg, dte.DscRcgGlobal{TpoMov: dte.DescuentoGlobal, Glosa: fmt.Sprintf("Tramo-%02d %s", i, strings.Repeat("g", 36)), Monto: 1})
	}
	all := &j.Document.Totales
	all.Impuestos, all.GrntDep, all.IVANoRet, all.MontoNF, all.MontoPeriodo, all.SaldoAnterior, all.VlrPagar = nil, 1, 2, 3, 4, 5, 6
	for i, c := range dte.Impuestos()[:20] {
		all.Impuestos = append(all.Impuestos, dte.Impuesto{Cod: c.Cod, Tasa: 1900, Monto: money.Pesos(7_000_000 + i)})
	}
	pdf, err := LetterPDF(j)
	if err != nil || len(pdf) > maxSample {
		t.Fatalf("%d bytes, %v", len(pdf), err)
	}
	said := raw(t, pdf)
	for prefix, n := range map[string]int{"Artículo-%02d": 60, "N° OC-%02d": 40, "Tramo-%02d": 20, "7.000.%03d": 20, "$ 1.%03d cuota": 30} {
		for i := range n {
			if got := strings.Count(said, fmt.Sprintf(prefix, i)); got != 2 { // original and copy to cede
				t.Errorf("«"+prefix+"» is %d times there", i, got)
			}
		}
	}
	noOverlap(t, pdf)
	for _, paper := range papers() {
		if _, err := Ticket(j, paper); err != nil {
			t.Error(err)
		}
	}
}

var wordBox = regexp.MustCompile(`<page width="([\d.]+)" height="([\d.]+)"|<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*)</word>`)

// noOverlap checks that no two words of a page are written over each other, and that all are on the page.
func noOverlap(t *testing.T, pdf []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.pdf")
	save(t, file, pdf)
	out, err := exec.Command("pdftotext", "-bbox", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	type word struct {
		x0, y0, x1, y1 float64
		text           string
	}
	var page []word
	var wide, high, margin float64
	for _, m := range wordBox.FindAllStringSubmatch(string(out), -1) {
		if m[1] != "" {
			page, margin = nil, 0
			wide, _ = strconv.ParseFloat(m[1], 64)
			high, _ = strconv.ParseFloat(m[2], 64)
			if wide == 612 {
				margin = 14 // 0.5 cm; on a roll it is what the printer leaves
			}
			continue
		}
		w := word{text: m[7]}
		for i, v := range []*float64{&w.x0, &w.y0, &w.x1, &w.y1} {
			*v, _ = strconv.ParseFloat(m[i+3], 64)
		}
		if w.x0 < margin || w.y0 < margin || w.x1 > wide-margin || w.y1 > high-margin {
			t.Errorf("«%s» is in the margin", w.text)
		}
		for _, o := range page {
			// Boxes are as high as the type, which is more than its letters.
			if w.x0 < o.x1-1 && o.x0 < w.x1-1 && w.y0 < o.y1-2 && o.y0 < w.y1-2 {
				t.Errorf("«%s» is written over «%s» at %.0f, %.0f", w.text, o.text, w.x0, w.y0)
			}
		}
		page = append(page, w)
	}
	if len(page) == 0 {
		t.Error("no words on the last page")
	}
}
