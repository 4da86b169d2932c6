package dte

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

const (
	schemaConsumo = "consumofolio/ConsumoFolio_v10.xsd"
	schemaCV      = "iecv/LibroCV_v10.xsd"
	schemaGuia    = "libroguia/LibroGuia_v10.xsd"
)

func certificacion() Resolucion { return Resolucion{Fch: Date{2026, 1, 15}} }

func consumo(folios ...FolioUsado) ConsumoFolios {
	return ConsumoFolios{Emisor: emisor().RUT, Resolucion: certificacion(), Desde: DateOf(noon), Hasta: DateOf(noon), SecEnvio: 1, Folios: folios}
}

func caratulaLibro() CaratulaLibro {
	return CaratulaLibro{
		Emisor: emisor().RUT, Resolucion: certificacion(), Periodo: Periodo{2026, time.March},
		TipoLibro: LibroEspecial, TipoEnvio: EnvioTotal, FolioNotificacion: 102006,
	}
}

func TestConsumoFolios(t *testing.T) {
	c := consumo()
	for i, name := range []string{"39-simple", "39-con-exento", "39-peso-y-descuento", "41-exenta", "61-de-boleta"} {
		if err := c.Add(emit(t, shapes()[name], Folio(1+i+i/2))); err != nil {
			t.Fatal(err)
		}
	}
	c.Folios = append(c.Folios, FolioUsado{Tipo: Boleta, Folio: 9, Anulado: true}, FolioUsado{Tipo: Boleta, Folio: 10, Anulado: true})
	xml, err := NewConsumoFolios(c, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "consumo-folios", schemaConsumo, xml)
	empty := consumo()
	empty.SecEnvio, empty.Correlativo = 2, 1
	if xml, err = NewConsumoFolios(empty, testSigner(), noon); err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "consumo-folios-vacio", schemaConsumo, xml)
	if err := c.Add(emit(t, func() Draft { d := shapes()["39-simple"]; d.FchEmis.Day--; return d }(), 50)); !errors.Is(err, ErrBook) {
		t.Errorf("a document of the day before: %v", err)
	}
}

func TestConsumoFoliosRefused(t *testing.T) {
	change := func(f func(*ConsumoFolios)) ConsumoFolios {
		c := consumo(FolioUsado{Tipo: Boleta, Folio: 1})
		f(&c)
		return c
	}
	for name, c := range map[string]ConsumoFolios{
		"a factura":         change(func(c *ConsumoFolios) { c.Folios[0].Tipo = Factura }),
		"twice":             change(func(c *ConsumoFolios) { c.Folios = append(c.Folios, c.Folios[0]) }),
		"used and annulled": change(func(c *ConsumoFolios) { c.Folios = append(c.Folios, FolioUsado{Boleta, 1, true, Totales{}}) }),
		"folio zero":        change(func(c *ConsumoFolios) { c.Folios[0].Folio = 0 }),
		"no days":           change(func(c *ConsumoFolios) { c.Desde, c.Hasta = Date{}, Date{} }),
		"backwards":         change(func(c *ConsumoFolios) { c.Desde.Day++ }),
		"no sequence":       change(func(c *ConsumoFolios) { c.SecEnvio = 0 }),
		"no company":        change(func(c *ConsumoFolios) { c.Emisor = 0 }),
		"negative":          change(func(c *ConsumoFolios) { c.Folios[0].Totales.MntTotal = -1 }),
	} {
		if _, err := NewConsumoFolios(c, testSigner(), noon); !errors.Is(err, ErrBook) || errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every folio is in one range and in no other, and the counts agree.
func TestConsumoRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folios := rapid.MapOf(rapid.Int64Range(1, 60), rapid.Bool()).Draw(t, "folios")
		c := consumo()
		var total money.Pesos
		for f, anulado := range folios {
			row := FolioUsado{Tipo: Boleta, Folio: Folio(f), Anulado: anulado}
			if !anulado {
				row.Totales.MntTotal = money.Pesos(f)
				total += row.Totales.MntTotal
			}
			c.Folios = append(c.Folios, row)
		}
		resumen := parseBook(t, must(NewConsumoFolios(c, testSigner(), noon))).child("Resumen")
		told := map[int64]bool{}
		for name, anulado := range map[string]bool{"RangoUtilizados": false, "RangoAnulados": true} {
			for _, r := range resumen.n.All(name) {
				for f := resumen.number(r, "Inicial"); f <= resumen.number(r, "Final"); f++ {
					if _, twice := told[f]; twice {
						t.Fatalf("folio %d is in two ranges", f)
					}
					told[f] = anulado
				}
			}
		}
		if !maps.Equal(told, folios) {
			t.Fatalf("got %v, want %v", told, folios)
		}
		if n := resumen.number(resumen.n, "FoliosUtilizados"); n != int64(len(folios)) || resumen.number(resumen.n, "MntTotal") != int64(total) {
			t.Fatalf("got %d folios", n)
		}
	})
}

// book reads a book's XML for the tests, by another path than the one that wrote it.
type book struct {
	doc *xmltree.Doc
	n   *xmltree.Node
}

func parseBook(t interface{ Fatal(...any) }, xml []byte) book {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		t.Fatal(err)
	}
	return book{doc, doc.Root.Children[0]}
}

func (b book) child(name string) book { return book{b.doc, b.n.Child(name)} }

func (b book) number(n *xmltree.Node, name string) int64 {
	v, _ := strconv.ParseInt(b.doc.Text(n.Child(name)), 10, 64)
	return v
}

func (b book) text(name string) string {
	if b.n.Child(name) == nil {
		return ""
	}
	return string(b.doc.Bytes(b.n.Child(name)))
}

// compras is the book of purchases of the certification set of 2025.
func compras(t testing.TB) LibroCV {
	l := LibroCV{CaratulaLibro: caratulaLibro(), Operacion: LibroCompras, FctProp: 60_00}
	for _, c := range []struct {
		tipo         int
		folio        Folio
		exento, neto money.Pesos
		uso          UsoIVA
	}{
		{30, 234, 0, 21298, ConCredito},
		{33, 32, 8844, 6527, ConCredito},
		{30, 781, 0, 29785, DeUsoComun},
		{60, 451, 0, 2719, ConCredito},
		{33, 67, 0, 10026, EntregaGratuita},
		{46, 9, 0, 9575, RetenidoEnCompras},
		{60, 211, 0, 4465, ConCredito},
	} {
		d, err := Compra(DetalleCV{
			TpoDoc: c.tipo, NroDoc: c.folio, FchDoc: Date{2026, 3, 2}, RUTDoc: receptor().RUT, RznSoc: receptor().RznSoc,
			Montos: MontosCV{MntExe: c.exento, MntNeto: c.neto},
		}, c.uso)
		if err != nil {
			t.Fatal(err)
		}
		l.Detalle = append(l.Detalle, d)
	}
	return l
}

func ventas(t testing.TB) LibroCV {
	l := LibroCV{CaratulaLibro: caratulaLibro(), Operacion: LibroVentas}
	for i, name := range []string{"33-simple", "33-con-todo", "34-exenta", "61-texto", "61-parcial", "56-anula-nota"} {
		l.Detalle = append(l.Detalle, Venta(emit(t, shapes()[name], Folio(i+1))))
	}
	l.Detalle = append(l.Detalle, DetalleCV{TpoDoc: 33, NroDoc: 99, Anulado: true})
	l.SinDetalle = []SinDetalleCV{{TpoDoc: 39, Documents: 3, Montos: MontosCV{MntNeto: 10689, MntExe: 2000, MntIVA: 2031}}}
	return l
}

func libroCV(t testing.TB, l LibroCV) []byte {
	t.Helper()
	xml, err := NewLibroCV(l, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

func TestLibroDeCompras(t *testing.T) {
	xml := libroCV(t, compras(t))
	goldenFile(t, "libro-compras", schemaCV, xml)
	// 29785 × 19 % = 5659,15; 60 % of 5659 = 3395,4. The total of the factura de compra is its net.
	for _, want := range []string{
		"<TotOpIVAUsoComun>1</TotOpIVAUsoComun>\n<TotIVAUsoComun>5659</TotIVAUsoComun>\n<FctProp>0.600</FctProp>\n<TotCredIVAUsoComun>3395</TotCredIVAUsoComun>",
		"<CodImp>15</CodImp>\n<TotMntImp>1819</TotMntImp>\n</TotOtrosImp>\n<TotMntTotal>9575</TotMntTotal>",
		"<CodIVANoRec>4</CodIVANoRec>\n<TotOpIVANoRec>1</TotOpIVANoRec>\n<TotMntIVANoRec>1905</TotMntIVANoRec>",
	} {
		if !bytes.Contains(xml, []byte(want)) {
			t.Errorf("it lacks %s", want)
		}
	}
}

func TestLibroDeVentas(t *testing.T) {
	goldenFile(t, "libro-ventas", schemaCV, libroCV(t, ventas(t)))
	sinMovimiento := LibroCV{CaratulaLibro: caratulaLibro(), Operacion: LibroVentas}
	sinMovimiento.TipoLibro, sinMovimiento.FolioNotificacion = LibroMensual, 0
	goldenFile(t, "libro-ventas-sin-movimiento", schemaCV, libroCV(t, sinMovimiento))
}

// The rarer columns, in both books.
func TestLibroCVColumns(t *testing.T) {
	l := compras(t)
	l.TipoLibro, l.FolioNotificacion, l.CodAutRec, l.TipoEnvio = LibroRectifica, 0, "ABC123", EnvioAjuste
	l.Detalle[0].Montos.MntActivoFijo, l.Detalle[0].Montos.MntIVAActivoFijo = 21298, 4047
	l.Detalle[1].Montos.MntSinCred, l.Detalle[1].NumInt = 500, "A-7"
	l.Detalle[2].Elimina = true
	l.Detalle = append(l.Detalle, DetalleCV{
		TpoDoc: 914, NroDoc: 5, FchDoc: Date{2026, 3, 1}, RUTDoc: RUTSII, Ley18211: true, DeCompra: true,
		Montos: MontosCV{MntNeto: 1000, Ley18211: 70}, IVANoRec: []IVANoRec{{9, 10}, {1, 5}},
		OtrosImp: []OtroImp{{24, 31_50, 315}, {27, 10_00, 100}},
	})
	goldenFile(t, "libro-compras-ajuste", schemaCV, libroCV(t, l))

	v := ventas(t)
	v.Detalle = append(v.Detalle, DetalleCV{
		TpoDoc: 45, NroDoc: 1, FchDoc: Date{2026, 3, 1}, RUTDoc: RUTSII, IndServicio: 3, SinCosto: true, TpoDocRef: 33, FolioDocRef: 4,
		Montos: MontosCV{
			MntNeto: 10000, MntIVA: 1900, IVAPropio: 1000, IVATerceros: 900, IVARetParcial: 800, CredEC: 50, DepEnvase: 25,
			IVANoRetenido: 1100, MntNoFact: 10, MntPeriodo: 11085, MntTotal: 11075,
		},
	}, DetalleCV{
		TpoDoc: 61, NroDoc: 70, FchDoc: Date{2026, 3, 1}, RUTDoc: RUTSII, CdgSIISucur: 77001122,
		Montos: MontosCV{MntNeto: 1000, IVAFueraPlazo: 190},
	}, DetalleCV{
		TpoDoc: 46, NroDoc: 71, FchDoc: Date{2026, 3, 1}, RUTDoc: RUTSII, Montos: MontosCV{MntNeto: 1000, MntIVA: 190, IVARetTotal: 190},
	})
	goldenFile(t, "libro-ventas-columnas", schemaCV, libroCV(t, v))
}

// A book in parts sums up to the same as the whole.
func TestLibroCVSegments(t *testing.T) {
	whole := compras(t)
	part := func(tipo TipoEnvio, nro int, detalle, anteriores []DetalleCV) LibroCV {
		l := whole
		l.TipoEnvio, l.NroSegmento, l.Detalle, l.Anteriores = tipo, nro, detalle, anteriores
		return l
	}
	first := libroCV(t, part(EnvioParcial, 1, whole.Detalle[:3], nil))
	last := libroCV(t, part(EnvioFinal, 2, whole.Detalle[3:], whole.Detalle[:3]))
	goldenFile(t, "libro-compras-parcial", schemaCV, first)
	goldenFile(t, "libro-compras-final", schemaCV, last)
	if got, want := parseBook(t, last).text("ResumenPeriodo"), parseBook(t, libroCV(t, whole)).text("ResumenPeriodo"); got != want || want == "" {
		t.Errorf("the parts sum up to\n%s\nand the whole to\n%s", got, want)
	}
}

func TestLibroCVRefused(t *testing.T) {
	change := func(l LibroCV, f func(*LibroCV)) LibroCV { f(&l); return l }
	for name, l := range map[string]LibroCV{
		"no notification":      change(compras(t), func(l *LibroCV) { l.FolioNotificacion = 0 }),
		"monthly with one":     change(compras(t), func(l *LibroCV) { l.TipoLibro = LibroMensual }),
		"correction, no code":  change(compras(t), func(l *LibroCV) { l.TipoLibro, l.FolioNotificacion = LibroRectifica, 0 }),
		"unknown kind":         change(compras(t), func(l *LibroCV) { l.TipoLibro = "ANUAL" }),
		"unknown part":         change(compras(t), func(l *LibroCV) { l.TipoEnvio = "OTRO" }),
		"part without number":  change(compras(t), func(l *LibroCV) { l.TipoEnvio = EnvioParcial }),
		"unknown side":         change(compras(t), func(l *LibroCV) { l.Operacion = "" }),
		"month 13":             change(compras(t), func(l *LibroCV) { l.Periodo.Month = 13 }),
		"no factor":            change(compras(t), func(l *LibroCV) { l.FctProp = 0 }),
		"factor over one":      change(compras(t), func(l *LibroCV) { l.FctProp = 100_10 }),
		"factor in sales":      change(ventas(t), func(l *LibroCV) { l.FctProp = 60_00 }),
		"twice":                change(compras(t), func(l *LibroCV) { l.Detalle = append(l.Detalle, l.Detalle[0]) }),
		"unknown type":         change(compras(t), func(l *LibroCV) { l.Detalle[0].TpoDoc = 52 }),
		"number too long":      change(compras(t), func(l *LibroCV) { l.Detalle[0].NroDoc = 12345678901 }),
		"no date":              change(compras(t), func(l *LibroCV) { l.Detalle[0].FchDoc = Date{} }),
		"no supplier":          change(compras(t), func(l *LibroCV) { l.Detalle[0].RUTDoc = 0 }),
		"a wrong total":        change(compras(t), func(l *LibroCV) { l.Detalle[0].Montos.MntTotal = 1 }),
		"a negative amount":    change(compras(t), func(l *LibroCV) { l.Detalle[0].Montos.MntNeto = -1 }),
		"too large":            change(compras(t), func(l *LibroCV) { l.Detalle[0].Montos.MntNeto = money.MaxPesos }),
		"annulled with amount": change(compras(t), func(l *LibroCV) { l.Detalle[0].Anulado = true }),
		"taken out of a whole": change(compras(t), func(l *LibroCV) { l.Detalle[0].Elimina = true }),
		"unknown tax":          change(compras(t), func(l *LibroCV) { l.Detalle[0].OtrosImp = []OtroImp{{99, 0, 1}} }),
		"tax twice":            change(compras(t), func(l *LibroCV) { l.Detalle[0].OtrosImp = []OtroImp{{24, 0, 1}, {24, 0, 1}} }),
		"more held than owed":  change(compras(t), func(l *LibroCV) { l.Detalle[0].OtrosImp = []OtroImp{{15, 0, 99_999}} }),
		"unknown no-credit":    change(compras(t), func(l *LibroCV) { l.Detalle[0].IVANoRec = []IVANoRec{{5, 1}} }),
		"common use in sales":  change(ventas(t), func(l *LibroCV) { l.Detalle[0].Montos.IVAUsoComun = 1 }),
		"deposit in purchases": change(compras(t), func(l *LibroCV) { l.Detalle[0].Montos.DepEnvase = 1 }),
		"service in purchases": change(compras(t), func(l *LibroCV) { l.Detalle[0].IndServicio = 1 }),
		"service 4":            change(ventas(t), func(l *LibroCV) { l.Detalle[0].IndServicio = 4 }),
		"listed and not":       change(ventas(t), func(l *LibroCV) { l.SinDetalle[0].TpoDoc = 33 }),
		"totals that differ":   change(ventas(t), func(l *LibroCV) { l.SinDetalle[0].Montos.MntTotal = 1 }),
		"earlier in a whole":   change(compras(t), func(l *LibroCV) { l.Anteriores = l.Detalle[:1]; l.Detalle = l.Detalle[1:] }),
		"an emoji":             change(compras(t), func(l *LibroCV) { l.Detalle[0].RznSoc = "🛒" }),
	} {
		if _, err := NewLibroCV(l, testSigner(), noon); !errors.Is(err, ErrBook) || errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewLibroCV(compras(t), testSigner(), noon.AddDate(30, 0, 0)); !errors.Is(err, ErrCertificateExpired) {
		t.Errorf("an expired certificate: %v", err)
	}
}

// drawCV draws sound documents of a book.
func drawCV(t *rapid.T, op Operacion) []DetalleCV {
	amount := rapid.Map(rapid.Int64Range(0, 1e9), func(v int64) money.Pesos { return money.Pesos(v) })
	usos := []UsoIVA{ConCredito, ParaExentas, FueraDePlazo, GastoRechazado, EntregaGratuita, SinCreditoOtros, DeUsoComun, RetenidoEnCompras}
	if op == LibroVentas {
		usos = usos[:1]
	}
	var list []DetalleCV
	for i := range rapid.IntRange(1, 12).Draw(t, "n") {
		d := DetalleCV{
			TpoDoc: rapid.SampledFrom([]int{30, 33, 34, 46, 56, 60, 61}).Draw(t, "tipo"), NroDoc: Folio(i + 1), FchDoc: DateOf(noon), RUTDoc: RUTSII,
			Montos: MontosCV{MntExe: amount.Draw(t, "exento"), MntNeto: amount.Draw(t, "neto")},
		}
		d, err := Compra(d, rapid.SampledFrom(usos).Draw(t, "uso"))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "licor") {
			d.OtrosImp = append(d.OtrosImp, OtroImp{24, 31_50, amount.Draw(t, "ila")})
		}
		if rapid.IntRange(0, 9).Draw(t, "nulo") == 0 {
			d = DetalleCV{TpoDoc: d.TpoDoc, NroDoc: d.NroDoc, Anulado: true}
		}
		list = append(list, d)
	}
	return list
}

// The period says of each type what its documents add up to, whatever their order; and each document's total is what it
// consists of.
func TestLibroCVAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom([]Operacion{LibroCompras, LibroVentas}).Draw(t, "op")
		l := LibroCV{CaratulaLibro: caratulaLibro(), Operacion: op, Detalle: drawCV(t, op)}
		if op == LibroCompras {
			l.FctProp = 10 * money.Rate(rapid.Int64Range(1, 1000).Draw(t, "factor"))
		}
		b := parseBook(t, must(NewLibroCV(l, testSigner(), noon)))
		docs := b.n.All("Detalle")
		for _, total := range b.child("ResumenPeriodo").n.All("TotalesPeriodo") {
			of := slices.DeleteFunc(slices.Clone(docs), func(d *xmltree.Node) bool { return b.number(d, "TpoDoc") != b.number(total, "TpoDoc") })
			if n := b.number(total, "TotDoc"); n != int64(len(of)) {
				t.Fatalf("%d documents of %d", n, len(of))
			}
			for _, column := range [][2]string{{"MntExe", "TotMntExe"}, {"MntNeto", "TotMntNeto"}, {"MntIVA", "TotMntIVA"}, {"IVAUsoComun", "TotIVAUsoComun"}, {"MntTotal", "TotMntTotal"}} {
				var sum int64
				for _, d := range of {
					sum += b.number(d, column[0])
				}
				if got := b.number(total, column[1]); got != sum {
					t.Fatalf("%s is %d and the documents add up to %d", column[1], got, sum)
				}
			}
		}
		for _, d := range docs {
			sum := b.number(d, "MntExe") + b.number(d, "MntNeto") + b.number(d, "MntIVA") + b.number(d, "IVAUsoComun")
			for _, n := range d.All("IVANoRec") {
				sum += b.number(n, "MntIVANoRec")
			}
			for _, n := range d.All("OtrosImp") {
				if b.number(n, "CodImp") == 15 {
					sum -= b.number(n, "MntImp")
				} else {
					sum += b.number(n, "MntImp")
				}
			}
			if got := b.number(d, "MntTotal"); got != sum {
				t.Fatalf("a document says %d and consists of %d", got, sum)
			}
		}
		l.Detalle = rapid.Permutation(l.Detalle).Draw(t, "order")
		if again := parseBook(t, must(NewLibroCV(l, testSigner(), noon))); again.text("ResumenPeriodo") != b.text("ResumenPeriodo") {
			t.Fatal("the order of the documents changes the totals")
		}
	})
}

func guias() LibroGuia {
	day := DateOf(noon)
	return LibroGuia{CaratulaLibro: caratulaLibro(), Detalle: []DetalleGuia{
		{Folio: 1, TpoOper: 5, FchDoc: day, RUTDoc: emisor().RUT, RznSoc: emisor().RznSoc},
		{
			Folio: 2, TpoOper: 1, FchDoc: day, RUTDoc: receptor().RUT, RznSoc: receptor().RznSoc, MntNeto: 1621404, IVA: 308067, MntTotal: 1929471,
			Factura: DocRef{Factura, 12, day},
		},
		{Folio: 3, Anulado: GuiaNula, TpoOper: 1, FchDoc: day, RUTDoc: receptor().RUT, RznSoc: receptor().RznSoc, MntNeto: 1231523, IVA: 233989, MntTotal: 1465512},
		{Folio: 4, Anulado: FolioNulo},
		{Folio: 5, Anulado: RecibidaEnPartes, TpoOper: 3, FchDoc: day, RUTDoc: RUTSII, MntNeto: 1000, IVA: 190, MntTotal: 1190, MntModificado: 595},
	}}
}

func TestLibroGuia(t *testing.T) {
	xml, err := NewLibroGuia(guias(), testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "libro-guias", schemaGuia, xml)
	part := guias()
	part.TipoEnvio, part.NroSegmento, part.Detalle = EnvioFinal, 2, part.Detalle[3:]
	part.Anteriores = guias().Detalle[:3]
	last, err := NewLibroGuia(part, testSigner(), noon)
	if err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "libro-guias-final", schemaGuia, last)
	if got, want := parseBook(t, last).text("ResumenPeriodo"), parseBook(t, xml).text("ResumenPeriodo"); got != want || want == "" {
		t.Errorf("the parts sum up to\n%s\nand the whole to\n%s", got, want)
	}
	adjusted := guias()
	adjusted.TipoEnvio = EnvioAjuste
	adjusted.Detalle = append([]DetalleGuia{{Folio: 4, Anulado: FolioNulo, Elimina: true}}, adjusted.Detalle...)
	if xml, err = NewLibroGuia(adjusted, testSigner(), noon); err != nil {
		t.Fatal(err)
	}
	goldenFile(t, "libro-guias-ajuste", schemaGuia, xml)
}

func TestLibroGuiaRefused(t *testing.T) {
	change := func(f func(*LibroGuia)) LibroGuia { l := guias(); f(&l); return l }
	for name, l := range map[string]LibroGuia{
		"monthly":              change(func(l *LibroGuia) { l.TipoLibro, l.FolioNotificacion = LibroMensual, 0 }),
		"twice":                change(func(l *LibroGuia) { l.Detalle = append(l.Detalle, l.Detalle[0]) }),
		"unknown operation":    change(func(l *LibroGuia) { l.Detalle[0].TpoOper = 8 }),
		"no date":              change(func(l *LibroGuia) { l.Detalle[0].FchDoc = Date{} }),
		"a null with data":     change(func(l *LibroGuia) { l.Detalle[3].MntTotal = 1 }),
		"unknown state":        change(func(l *LibroGuia) { l.Detalle[3].Anulado = 4 }),
		"total below its sum":  change(func(l *LibroGuia) { l.Detalle[1].MntTotal = 1 }),
		"changed and whole":    change(func(l *LibroGuia) { l.Detalle[1].MntModificado = 1 }),
		"half a reference":     change(func(l *LibroGuia) { l.Detalle[1].Factura.Fch = Date{} }),
		"taken out of a whole": change(func(l *LibroGuia) { l.Detalle[3].Elimina = true }),
		"earlier in a whole":   change(func(l *LibroGuia) { l.Anteriores, l.Detalle = l.Detalle[:1], l.Detalle[1:] }),
	} {
		if _, err := NewLibroGuia(l, testSigner(), noon); !errors.Is(err, ErrBook) || errors.Is(err, ErrReadBack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyStatement(t *testing.T) {
	sample, err := VerifyStatement(sharedFile(t, "generado/sobres/ConsumoFolios.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if sample.Kind != "ConsumoFolios" || sample.Emisor != emisor().RUT || sample.Signer != 11111111 || sample.Resolucion != certificacion() {
		t.Errorf("got %+v", sample)
	}
	alterations(t, libroCV(t, compras(t)), func(b []byte) error { _, err := VerifyStatement(b); return err }, [][2]string{
		{"<TotMntNeto>5", "<TotMntNeto>6"},
		{"<RutEnvia>11111111-1", "<RutEnvia>22222222-2"},
		{"LibroCompraVenta ", "LibroVenta "},
		{"</EnvioLibro>", "</EnvioLibro><EnvioLibro/>"},
		{"<Caratula>", "<Caratula/><Caratula>"},
	})
	// Signed by another than who says that he sends it.
	xml := strings.Replace(string(libroCV(t, compras(t))), "<RutEnvia>11111111-1", "<RutEnvia>22222222-2", 1)
	if _, err := VerifyStatement(signAgain(t, []byte(xml), "EnvioLibro", "LibroCompraVenta", "LibroCV_v10.xsd")); !errors.Is(err, ErrBook) || errors.Is(err, ErrSignature) {
		t.Errorf("another's name: %v", err)
	}
}

func FuzzVerifyStatement(f *testing.F) {
	f.Add(libroCV(f, compras(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := VerifyStatement(b); err == nil && (s.Emisor != emisor().RUT || s.Kind != "LibroCompraVenta") {
			t.Errorf("accepted a book that nobody signed: %+v", s)
		}
	})
}
