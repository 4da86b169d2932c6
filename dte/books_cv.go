package dte

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"mostrador/money"
)

// Operacion is the side of a book of purchases or sales.
type Operacion string

// The two books.
const (
	LibroCompras Operacion = "COMPRA"
	LibroVentas  Operacion = "VENTA"
)

// LibroCV is the book of purchases or of sales of a month (IECV). Every month has had the Registro de Compras y Ventas
// in its place since August 2017; certification and special requests of the SII still want it.
type LibroCV struct {
	CaratulaLibro
	Operacion Operacion
	// FctProp is the part of the IVA of common use that gives credit: 60 % is 0.60. Purchases with such IVA need it.
	FctProp money.Rate
	Detalle []DetalleCV
	// SinDetalle are totals of types whose documents are not listed one by one, such as boletas.
	SinDetalle []SinDetalleCV
	// Anteriores are the details of the segments sent before, which a FINAL one sums up.
	Anteriores []DetalleCV
}

// SinDetalleCV are the totals of documents that are not listed.
type SinDetalleCV struct {
	TpoDoc    int
	Documents int
	Montos    MontosCV
}

// DetalleCV is one document of the book. Amounts are positive in notes too: the type says which way they count.
type DetalleCV struct {
	TpoDoc  int
	NroDoc  Folio
	Anulado bool
	// DeCompra marks a note that concerns a factura de compra issued by the book's owner (Emisor and IndFactCompra).
	DeCompra    bool
	Elimina     bool // in an AJUSTE: the document is to be taken out
	Ley18211    bool // a purchase whose tax is that of Ley 18.211 and not IVA
	NumInt      string
	IndServicio int  // sales: 1 periodic home services, 2 other periodic, 3 other
	SinCosto    bool // sales: given away
	FchDoc      Date
	CdgSIISucur int
	RUTDoc      RUT
	RznSoc      string // cut to 50 characters
	TpoDocRef   int    // sales
	FolioDocRef Folio
	// Montos.MntTotal is computed where it is zero, and otherwise must be what is computed.
	Montos   MontosCV
	IVANoRec []IVANoRec
	OtrosImp []OtroImp
}

// IVANoRec is IVA of a purchase that gives no credit: 1 for exempt sales, 2 registered out of time, 3 rejected expense,
// 4 given for free by the supplier, 9 other.
type IVANoRec struct {
	Codigo int
	Monto  money.Pesos
}

// OtroImp is another tax of a document, or IVA withheld from it. In purchases only what gives credit is listed; total
// withholding is {15, 19 %, the IVA}, so that the total is the net (certification, book of purchases).
type OtroImp struct {
	Codigo int
	Tasa   money.Rate // 0 leaves it out
	Monto  money.Pesos
}

// MontosCV are the amounts of a document, or their sums. MntIVA is the IVA that counts in full; the parts without
// credit, of common use or out of time stand beside it, not in it.
type MontosCV struct {
	MntExe, MntNeto, MntIVA              money.Pesos
	MntActivoFijo, MntIVAActivoFijo      money.Pesos // purchases: the part of MntNeto and MntIVA that is fixed assets
	IVAUsoComun                          money.Pesos // purchases
	IVAFueraPlazo                        money.Pesos // sales: of a credit note out of time
	IVAPropio, IVATerceros               money.Pesos // sales: the parts of MntIVA in sales for others
	Ley18211                             money.Pesos
	MntSinCred                           money.Pesos // purchases: taxes without credit
	IVARetTotal, IVARetParcial, CredEC   money.Pesos // sales: taken off the total
	DepEnvase                            money.Pesos // sales
	MntTotal                             money.Pesos
	IVANoRetenido, MntNoFact, MntPeriodo money.Pesos
}

// columnaCV is one amount in the order of the schema, which is the same in detail and totals.
type columnaCV struct {
	of             func(*MontosCV) *money.Pesos
	detalle, total string
	cuenta         string      // counts the documents that have it; empty where the format does not
	solo           Operacion   // the book that has it; empty is both
	signo          money.Pesos // in the total of the document
}

// The columns, in the groups between which the schema puts its tables and factors.
var (
	columnasIVA = []columnaCV{
		{func(m *MontosCV) *money.Pesos { return &m.MntExe }, "MntExe", "TotMntExe", "TotOpExe", "", 1},
		{func(m *MontosCV) *money.Pesos { return &m.MntNeto }, "MntNeto", "TotMntNeto", "", "", 1},
		{func(m *MontosCV) *money.Pesos { return &m.MntIVA }, "MntIVA", "TotMntIVA", "TotOpIVARec", "", 1},
		{func(m *MontosCV) *money.Pesos { return &m.MntActivoFijo }, "MntActivoFijo", "TotMntActivoFijo", "TotOpActivoFijo", LibroCompras, 0},
		{func(m *MontosCV) *money.Pesos { return &m.MntIVAActivoFijo }, "MntIVAActivoFijo", "TotMntIVAActivoFijo", "", LibroCompras, 0},
	}
	columnasUsoComun = []columnaCV{
		{func(m *MontosCV) *money.Pesos { return &m.IVAUsoComun }, "IVAUsoComun", "TotIVAUsoComun", "TotOpIVAUsoComun", LibroCompras, 1},
	}
	columnasOtroIVA = []columnaCV{
		{func(m *MontosCV) *money.Pesos { return &m.IVAFueraPlazo }, "IVAFueraPlazo", "TotIVAFueraPlazo", "", LibroVentas, 1},
		{func(m *MontosCV) *money.Pesos { return &m.IVAPropio }, "IVAPropio", "TotIVAPropio", "", LibroVentas, 0},
		{func(m *MontosCV) *money.Pesos { return &m.IVATerceros }, "IVATerceros", "TotIVATerceros", "", LibroVentas, 0},
		{func(m *MontosCV) *money.Pesos { return &m.Ley18211 }, "Ley18211", "TotLey18211", "", "", 1},
	}
	columnasTotal = []columnaCV{
		{func(m *MontosCV) *money.Pesos { return &m.MntSinCred }, "MntSinCred", "TotImpSinCredito", "", LibroCompras, 1},
		{func(m *MontosCV) *money.Pesos { return &m.IVARetTotal }, "IVARetTotal", "TotIVARetTotal", "TotOpIVARetTotal", LibroVentas, -1},
		{func(m *MontosCV) *money.Pesos { return &m.IVARetParcial }, "IVARetParcial", "TotIVARetParcial", "TotOpIVARetParcial", LibroVentas, -1},
		{func(m *MontosCV) *money.Pesos { return &m.CredEC }, "CredEC", "TotCredEC", "", LibroVentas, -1},
		{func(m *MontosCV) *money.Pesos { return &m.DepEnvase }, "DepEnvase", "TotDepEnvase", "", LibroVentas, 1},
		{func(m *MontosCV) *money.Pesos { return &m.MntTotal }, "MntTotal", "TotMntTotal", "", "", 0},
		{func(m *MontosCV) *money.Pesos { return &m.IVANoRetenido }, "IVANoRetenido", "TotIVANoRetenido", "TotOpIVANoRetenido", "", 0},
		{func(m *MontosCV) *money.Pesos { return &m.MntNoFact }, "MntNoFact", "TotMntNoFact", "", LibroVentas, 0},
		{func(m *MontosCV) *money.Pesos { return &m.MntPeriodo }, "MntPeriodo", "TotMntPeriodo", "", LibroVentas, 0},
	}
	columnasCV = slices.Concat(columnasIVA, columnasUsoComun, columnasOtroIVA, columnasTotal)
)

// always are the columns that a summary shows even when they are zero.
func (c columnaCV) always() bool {
	return slices.Contains([]string{"MntExe", "MntNeto", "MntIVA", "MntTotal"}, c.detalle)
}

// tiposLibro are the documents that a book takes (LibroCV_v10.xsd, DoctoType).
var tiposLibro = []int{
	29, 30, 32, 33, 34, 35, 38, 39, 40, 41, 43, 45, 46, 48, 53, 55, 56, 60, 61, 101, 102, 103, 104, 105, 106, 108, 109, 110,
	111, 112, 175, 180, 185, 500, 501, 900, 901, 902, 903, 904, 905, 906, 907, 909, 910, 911, 914, 918, 919, 920, 921, 922, 924,
}

// Codes of other taxes (LibroCV_v10.xsd, ImptoType): those that add to a total, and those withheld, which take from it.
var (
	impuestos = []int{14, 17, 18, 19, 23, 24, 25, 26, 27, 28, 35, 44, 45, 50, 51, 52, 271}
	retenidos = []int{15, 16, 30, 31, 32, 33, 34, 36, 37, 38, 39, 40, 41, 46, 47, 48, 49, 53, 301, 321, 331, 341, 361, 371, 481}
)

var codigosNoRec = []int{1, 2, 3, 4, 9}

// Venta is a document of ours as the book of sales lists it.
func Venta(d *Document) DetalleCV {
	t := d.Totales
	var other []OtroImp
	for _, i := range t.Impuestos {
		other = append(other, OtroImp{i.Cod, i.Tasa, i.Monto})
	}
	return DetalleCV{
		OtrosImp: other, TpoDoc: int(d.Tipo), NroDoc: d.Folio, FchDoc: d.FchEmis, CdgSIISucur: d.Emisor.CdgSIISucur,
		RUTDoc: d.Receptor.RUT, RznSoc: d.Receptor.RznSoc,
		Montos: MontosCV{MntExe: t.MntExe, MntNeto: t.MntNeto, MntIVA: t.IVA, MntTotal: t.MntTotal, MntNoFact: t.MontoNF, DepEnvase: t.GrntDep},
	}
}

// UsoIVA is what becomes of the IVA of a purchase.
type UsoIVA int

// The uses of IVA. The codes of IVANoRec are uses too.
const (
	ConCredito        UsoIVA = 0
	ParaExentas       UsoIVA = 1
	FueraDePlazo      UsoIVA = 2
	GastoRechazado    UsoIVA = 3
	EntregaGratuita   UsoIVA = 4
	SinCreditoOtros   UsoIVA = 9
	DeUsoComun        UsoIVA = 100
	RetenidoEnCompras UsoIVA = 101 // factura de compra with total withholding
)

// Compra completes a document of the book of purchases that states its exempt and net amounts: 19 % of the net, half
// up, goes where its use puts it.
func Compra(d DetalleCV, uso UsoIVA) (DetalleCV, error) {
	iva, err := money.IVA.Of(d.Montos.MntNeto)
	if err != nil {
		return d, wrapped(ErrBook, err)
	}
	switch uso {
	case ConCredito:
		d.Montos.MntIVA = iva
	case DeUsoComun:
		d.Montos.IVAUsoComun = iva
	case RetenidoEnCompras:
		d.Montos.MntIVA = iva
		d.OtrosImp = append(own(d.OtrosImp), OtroImp{15, money.IVA, iva})
	default:
		d.IVANoRec = append(own(d.IVANoRec), IVANoRec{int(uso), iva})
	}
	return d, nil
}

// total is what the document's amounts add up to.
func (d *DetalleCV) total() (money.Pesos, error) {
	var s sums
	var total money.Pesos
	for _, c := range columnasCV {
		s.add(&total, c.signo**c.of(&d.Montos))
	}
	for _, n := range d.IVANoRec {
		s.add(&total, n.Monto)
	}
	for _, o := range d.OtrosImp {
		if slices.Contains(retenidos, o.Codigo) {
			s.add(&total, -o.Monto)
		} else {
			s.add(&total, o.Monto)
		}
	}
	return total, s.err
}

// NewLibroCV checks the documents, computes their totals and those of the period, writes and signs. The result has been
// read back and verified.
func NewLibroCV(l LibroCV, s *Signer, now time.Time) ([]byte, error) {
	l.Detalle, l.Anteriores = own(l.Detalle), own(l.Anteriores)
	if err := l.check(); err != nil {
		return nil, wrapped(ErrBook, err)
	}
	segmento, err := l.totales(l.Detalle)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	periodo, err := l.totales(slices.Concat(l.Anteriores, l.Detalle))
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	var w writer
	w.openID("EnvioLibro", "Libro_"+string(l.Operacion)+"_"+l.Periodo.String())
	w.caratulaLibro(l.CaratulaLibro, l.Operacion, s.RUT())
	if l.porSegmentos() {
		w.resumenCV("Segmento", segmento, &l)
	}
	if l.TipoEnvio != EnvioParcial {
		w.resumenCV("Periodo", periodo, &l)
	}
	for _, d := range l.Detalle {
		w.detalleCV(d, l.Operacion)
	}
	w.must("TmstFirma", stamp(now))
	w.close("EnvioLibro")
	return sealBook("LibroCompraVenta", &w, l.Emisor, l.Resolucion, s, now)
}

func (l *LibroCV) check() error {
	if err := l.CaratulaLibro.check(); err != nil {
		return err
	}
	if l.Operacion != LibroCompras && l.Operacion != LibroVentas {
		return fmt.Errorf("TipoOperacion «%s»: va COMPRA o VENTA", l.Operacion)
	}
	if l.FctProp != 0 && (l.Operacion != LibroCompras || l.FctProp < 0 || l.FctProp > 100_00 || l.FctProp%10 != 0) {
		return fmt.Errorf("FctProp %s %%: va en el libro de compras, hasta 100 %%, con un decimal", l.FctProp)
	}
	if len(l.Anteriores) > 0 && l.TipoEnvio != EnvioFinal {
		return errors.New("los detalles anteriores se suman solo en un envío FINAL")
	}
	seen := map[documentoCV]bool{}
	for _, list := range [][]DetalleCV{l.Anteriores, l.Detalle} {
		for i := range list {
			d := &list[i]
			if err := d.check(l); err != nil {
				return fmt.Errorf("documento %d N° %s: %w", d.TpoDoc, d.NroDoc, err)
			}
			if seen[d.key()] {
				return fmt.Errorf("documento %d N° %s de %s: está dos veces", d.TpoDoc, d.NroDoc, d.RUTDoc)
			}
			seen[d.key()] = true
		}
	}
	return nil
}

// documentoCV is what a document of the book is told by. Of purchases, two suppliers may use the same number.
type documentoCV struct {
	tipo    int
	nro     Folio
	rut     RUT
	elimina bool
}

func (d *DetalleCV) key() documentoCV { return documentoCV{d.TpoDoc, d.NroDoc, d.RUTDoc, d.Elimina} }

// check also fills in MntTotal.
func (d *DetalleCV) check(l *LibroCV) error {
	switch {
	case !slices.Contains(tiposLibro, d.TpoDoc):
		return errors.New("ese tipo no va en el libro")
	case d.Elimina && l.TipoEnvio != EnvioAjuste:
		return errors.New("se elimina solo en un envío de AJUSTE")
	case d.Ley18211 && l.Operacion != LibroCompras, len(d.IVANoRec) > 0 && l.Operacion != LibroCompras:
		return errors.New("trae datos que van solo en el libro de compras")
	case (d.IndServicio != 0 || d.SinCosto || d.TpoDocRef != 0 || d.FolioDocRef != 0) && l.Operacion != LibroVentas:
		return errors.New("trae datos que van solo en el libro de ventas")
	case d.Anulado:
		return d.checkAnulado()
	case d.FchDoc.IsZero():
		return errors.New("falta la fecha")
	case d.RUTDoc == 0:
		return errors.New("falta el RUT de la contraparte")
	case d.Montos.IVAUsoComun != 0 && l.FctProp == 0:
		return errors.New("trae IVA de uso común y falta el factor de proporcionalidad")
	}
	for _, c := range columnasCV {
		if amount := *c.of(&d.Montos); amount < 0 || amount != 0 && c.solo != "" && c.solo != l.Operacion {
			return fmt.Errorf("%s $%s: es negativo o no va en este libro", c.detalle, amount)
		}
	}
	if err := d.checkTables(); err != nil {
		return err
	}
	return d.checkTotal()
}

func (d *DetalleCV) checkAnulado() error {
	if d.Montos != (MontosCV{}) || len(d.IVANoRec) > 0 || len(d.OtrosImp) > 0 {
		return errors.New("está anulado y trae montos")
	}
	return nil
}

func (d *DetalleCV) checkTables() error {
	if len(d.IVANoRec) > 5 || len(d.OtrosImp) > 20 {
		return errors.New("caben 5 montos de IVA no recuperable y 20 de otros impuestos")
	}
	for i, n := range d.IVANoRec {
		again := slices.ContainsFunc(d.IVANoRec[:i], func(e IVANoRec) bool { return e.Codigo == n.Codigo })
		if !slices.Contains(codigosNoRec, n.Codigo) || n.Monto < 0 || again {
			return fmt.Errorf("IVA no recuperable, código %d: no existe, está dos veces o es negativo", n.Codigo)
		}
	}
	for i, o := range d.OtrosImp {
		again := slices.ContainsFunc(d.OtrosImp[:i], func(e OtroImp) bool { return e.Codigo == o.Codigo })
		known := slices.Contains(impuestos, o.Codigo) || slices.Contains(retenidos, o.Codigo)
		if !known || o.Monto < 0 || o.Tasa < 0 || o.Tasa > 100_00 || again {
			return fmt.Errorf("impuesto %d: no existe, está dos veces o sus montos no son válidos", o.Codigo)
		}
	}
	return nil
}

func (d *DetalleCV) checkTotal() error {
	total, err := d.total()
	switch {
	case err != nil:
		return err
	case total < 0:
		return fmt.Errorf("lo retenido es más que el total ($%s)", total)
	case d.Montos.MntTotal != 0 && d.Montos.MntTotal != total:
		return fmt.Errorf("dice un total de $%s y sus montos suman $%s", d.Montos.MntTotal, total)
	}
	d.Montos.MntTotal = total
	return nil
}

// totalCV are the totals of one type of document, and in purchases of one kind of tax.
type totalCV struct {
	tpoDoc, tpoImp int
	docs, anulados int
	montos         MontosCV
	cuentas        map[string]int // by the name of the count
	noRec          map[int]*cuentaCV
	otros          map[int]*cuentaCV
}

type cuentaCV struct {
	n     int
	monto money.Pesos
}

const maxTotalesCV = 40

// totales sums documents by type and tax, in their order.
func (l *LibroCV) totales(detalle []DetalleCV) ([]*totalCV, error) {
	var list []*totalCV
	var s sums
	of := func(tpoDoc, tpoImp int) *totalCV {
		i := slices.IndexFunc(list, func(t *totalCV) bool { return t.tpoDoc == tpoDoc && t.tpoImp == tpoImp })
		if i < 0 {
			list = append(list, &totalCV{tpoDoc: tpoDoc, tpoImp: tpoImp, cuentas: map[string]int{}, noRec: map[int]*cuentaCV{}, otros: map[int]*cuentaCV{}})
			i = len(list) - 1
		}
		return list[i]
	}
	for i := range detalle {
		of(detalle[i].TpoDoc, detalle[i].tpoImp(l.Operacion)).take(&detalle[i], &s)
	}
	for _, d := range l.SinDetalle {
		t := of(d.TpoDoc, DetalleCV{}.tpoImp(l.Operacion))
		if t.docs > 0 || !slices.Contains(tiposLibro, d.TpoDoc) || d.Documents < 1 {
			return nil, fmt.Errorf("totales del tipo %d: no van en el libro, o sus documentos ya están en él", d.TpoDoc)
		}
		whole := DetalleCV{Montos: d.Montos}
		if err := whole.checkTotal(); err != nil {
			return nil, fmt.Errorf("totales del tipo %d: %w", d.TpoDoc, err)
		}
		t.docs = d.Documents
		t.sum(&whole.Montos, 0, &s) // how many of them are exempt is not known
	}
	if len(list) > maxTotalesCV {
		return nil, fmt.Errorf("trae %d tipos de documento y caben %d", len(list), maxTotalesCV)
	}
	slices.SortStableFunc(list, func(a, b *totalCV) int {
		return cmp.Or(cmp.Compare(a.tpoDoc, b.tpoDoc), cmp.Compare(a.tpoImp, b.tpoImp))
	})
	return list, s.err
}

// tpoImp is the kind of tax, which only purchases tell.
func (d DetalleCV) tpoImp(op Operacion) int {
	switch {
	case op == LibroVentas:
		return 0
	case d.Ley18211:
		return 2
	}
	return 1
}

func (t *totalCV) take(d *DetalleCV, s *sums) {
	if d.Elimina {
		return
	}
	t.docs++
	if d.Anulado {
		t.anulados++
		return
	}
	t.sum(&d.Montos, 1, s)
	for _, n := range d.IVANoRec {
		countCV(t.noRec, n.Codigo, n.Monto, s)
	}
	for _, o := range d.OtrosImp {
		countCV(t.otros, o.Codigo, o.Monto, s)
	}
}

// sum adds amounts of n documents.
func (t *totalCV) sum(m *MontosCV, n int, s *sums) {
	for _, c := range columnasCV {
		amount := *c.of(m)
		s.add(c.of(&t.montos), amount)
		if amount != 0 {
			t.cuentas[c.cuenta] += n
		}
	}
}

func countCV(in map[int]*cuentaCV, codigo int, monto money.Pesos, s *sums) {
	if in[codigo] == nil {
		in[codigo] = &cuentaCV{}
	}
	in[codigo].n++
	s.add(&in[codigo].monto, monto)
}

func (w *writer) resumenCV(de string, totales []*totalCV, l *LibroCV) {
	if len(totales) == 0 {
		return // a month without documents
	}
	w.open("Resumen" + de)
	for _, t := range totales {
		w.open("Totales" + de)
		w.integer("TpoDoc", t.tpoDoc)
		w.integer("TpoImp", t.tpoImp)
		w.must("TotDoc", strconv.Itoa(t.docs))
		w.integer("TotAnulado", t.anulados)
		w.totalesCV(t, columnasIVA, l.Operacion)
		for _, codigo := range slices.Sorted(maps.Keys(t.noRec)) {
			w.open("TotIVANoRec")
			w.integer("CodIVANoRec", codigo)
			w.integer("TotOpIVANoRec", t.noRec[codigo].n)
			w.must("TotMntIVANoRec", t.noRec[codigo].monto.XML())
			w.close("TotIVANoRec")
		}
		w.totalesCV(t, columnasUsoComun, l.Operacion)
		if de == "Periodo" {
			w.creditoUsoComun(t.montos.IVAUsoComun, l.FctProp)
		}
		w.totalesCV(t, columnasOtroIVA, l.Operacion)
		for _, codigo := range slices.Sorted(maps.Keys(t.otros)) {
			w.open("TotOtrosImp")
			w.integer("CodImp", codigo)
			w.must("TotMntImp", t.otros[codigo].monto.XML())
			w.close("TotOtrosImp")
		}
		w.totalesCV(t, columnasTotal, l.Operacion)
		w.close("Totales" + de)
	}
	w.close("Resumen" + de)
}

// creditoUsoComun is the part of the common IVA that gives credit, rounded once, on the sum.
func (w *writer) creditoUsoComun(iva money.Pesos, factor money.Rate) {
	if iva == 0 {
		return
	}
	credito, err := factor.Of(iva)
	if err != nil {
		w.fail("TotCredIVAUsoComun", "%v", err)
	}
	w.must("FctProp", fmt.Sprintf("%d.%03d", factor/100_00, factor%100_00/10))
	w.must("TotCredIVAUsoComun", credito.XML())
}

func (w *writer) totalesCV(t *totalCV, columnas []columnaCV, op Operacion) {
	for _, c := range columnas {
		// How many documents have recoverable IVA is told of purchases only; the exempt ones' count goes before its sum.
		if c.cuenta != "" && (c.cuenta != "TotOpIVARec" || op == LibroCompras) {
			w.integer(c.cuenta, t.cuentas[c.cuenta])
		}
		if amount := *c.of(&t.montos); amount != 0 || c.always() {
			w.must(c.total, amount.XML())
		}
	}
}

func (w *writer) detalleCV(d DetalleCV, op Operacion) {
	w.open("Detalle")
	w.cabezaCV(d, op)
	w.montosCV(&d.Montos, columnasIVA)
	for _, n := range d.IVANoRec {
		w.open("IVANoRec")
		w.integer("CodIVANoRec", n.Codigo)
		w.must("MntIVANoRec", n.Monto.XML())
		w.close("IVANoRec")
	}
	w.montosCV(&d.Montos, columnasUsoComun)
	w.montosCV(&d.Montos, columnasOtroIVA)
	for _, o := range d.OtrosImp {
		w.open("OtrosImp")
		w.integer("CodImp", o.Codigo)
		if o.Tasa != 0 {
			w.must("TasaImp", o.Tasa.XML())
		}
		w.must("MntImp", o.Monto.XML())
		w.close("OtrosImp")
	}
	if d.Montos.MntTotal == 0 && !d.Anulado {
		w.must("MntTotal", "0") // a note that corrects a text
	}
	w.montosCV(&d.Montos, columnasTotal)
	w.close("Detalle")
}

// cabezaCV is all of a document but its amounts.
func (w *writer) cabezaCV(d DetalleCV, op Operacion) {
	w.integer("TpoDoc", d.TpoDoc)
	if d.DeCompra {
		w.integer("Emisor", 1)
		w.integer("IndFactCompra", 1)
	}
	w.digits("NroDoc", int64(d.NroDoc), 1, 10)
	if d.Anulado {
		w.must("Anulado", "A")
	}
	if d.Elimina {
		w.integer("Operacion", 2)
	}
	w.integer("TpoImp", d.tpoImp(op))
	if d.Montos.MntNeto != 0 {
		w.must("TasaImp", money.IVA.XML())
	}
	w.optionalText("NumInt", Normalize(d.NumInt), 10)
	if d.IndServicio < 0 || d.IndServicio > 3 {
		w.fail("IndServicio", "%d no es válido: va 1, 2 o 3", d.IndServicio)
	}
	w.integer("IndServicio", d.IndServicio)
	if d.SinCosto {
		w.integer("IndSinCosto", 1)
	}
	w.date("FchDoc", d.FchDoc)
	if d.CdgSIISucur != 0 {
		w.digits("CdgSIISucur", int64(d.CdgSIISucur), 1, 9)
	}
	w.text("RUTDoc", d.RUTDoc.String())
	w.text("RznSoc", truncate(Normalize(d.RznSoc), 50))
	w.integer("TpoDocRef", d.TpoDocRef)
	if d.FolioDocRef != 0 {
		w.digits("FolioDocRef", int64(d.FolioDocRef), 1, 10)
	}
}

func (w *writer) montosCV(m *MontosCV, columnas []columnaCV) {
	for _, c := range columnas {
		w.pesos(c.detalle, *c.of(m))
	}
}
