package dte

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// ErrBook: a book or statement cannot be made so, or what was read is not a valid one.
var ErrBook = errors.New("el libro no es válido")

// Statement is what every book says of itself: who, for whom, when. ConsumoFolios, LibroCompraVenta and LibroGuia.
type Statement struct {
	Kind       string // the name of its root
	Emisor     RUT    // whose book it is
	Envia      RUT
	Signer     RUT
	Resolucion Resolucion
	TmstFirma  time.Time
}

// statements are the kinds: the element that is signed, and where it says whose it is and when it was signed.
var statements = map[string]struct{ child, emisor, stamp, schema string }{
	"ConsumoFolios":    {"DocumentoConsumoFolios", "RutEmisor", "TmstFirmaEnv", "ConsumoFolio_v10.xsd"},
	"LibroCompraVenta": {"EnvioLibro", "RutEmisorLibro", "TmstFirma", "LibroCV_v10.xsd"},
	"LibroGuia":        {"EnvioLibro", "RutEmisorLibro", "TmstFirma", "LibroGuia_v10.xsd"},
}

// VerifyStatement reads the header of a book and verifies its signature, which must be that of who sends it.
func VerifyStatement(xml []byte) (*Statement, error) {
	doc, err := xmltree.Parse(xml, xmltree.Latin1, envelopeLimits)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	kind := doc.Root.Name
	k, known := statements[kind]
	if !known {
		return nil, fmt.Errorf("%w: empieza con <%s>", ErrBook, clipText(kind, 40))
	}
	f, err := openSigned(xml, kind, k.child)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	r := reader{doc: f.doc}
	c := r.only(f.body, "Caratula")
	r.once(c)
	s := &Statement{
		Kind: kind, Emisor: r.rut(c, k.emisor), Envia: r.rut(c, "RutEnvia"), Signer: f.signer,
		Resolucion: Resolucion{Nro: int(r.integer(c, "NroResol")), Fch: r.date(c, "FchResol")},
	}
	if c.Child(k.stamp) == nil {
		c = f.body
	}
	if s.TmstFirma = r.stamp(c, k.stamp); s.Envia != s.Signer {
		r.fail("RutEnvia", s.Envia.String(), "no es de quien firmó")
	}
	if r.err != nil {
		return nil, wrapped(ErrBook, r.err)
	}
	return s, nil
}

// sealBook signs a book and reads its header back.
func sealBook(kind string, w *writer, emisor RUT, res Resolucion, s *Signer, now time.Time) ([]byte, error) {
	if err := s.ValidAt(now); err != nil {
		return nil, wrapped(ErrBook, err)
	}
	at, err := asWritten(now)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	xml, err := s.file(kind, statements[kind].schema, w)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	meant := &Statement{kind, emisor, s.RUT(), s.RUT(), res, at}
	return readBackAs(xml, meant, VerifyStatement)
}

// Sums of a book keep the first overflow.
type sums struct{ err error }

func (s *sums) add(to *money.Pesos, p money.Pesos) {
	sum, err := to.Add(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	*to = sum
}

// ConsumoFolios is the statement of the folios of boletas, and of credit notes to them, used in some days (RCOF or RVD).
// Nobody sends it since August 2022 (Res. Ex. SII 53 of 2022) except in certification.
type ConsumoFolios struct {
	Emisor       RUT
	Resolucion   Resolucion
	Desde, Hasta Date
	Correlativo  int // within the day; 0 leaves it out and means 1
	SecEnvio     int // 1, and one more for each corrected statement of the same days
	Folios       []FolioUsado
}

// FolioUsado is a folio that was issued, or annulled at the SII without having been issued.
type FolioUsado struct {
	Tipo    TipoDTE // 39, 41 or 61
	Folio   Folio
	Anulado bool
	Totales Totales // of an issued document
}

const maxFoliosConsumo = 999_999

// Add takes in documents of the statement's company and days.
func (c *ConsumoFolios) Add(docs ...*Document) error {
	for _, d := range docs {
		if d.Emisor.RUT != c.Emisor || d.FchEmis.Before(c.Desde) || c.Hasta.Before(d.FchEmis) {
			return fmt.Errorf("%w: %s no es de %s entre %s y %s", ErrBook, d.Key(), c.Emisor, c.Desde, c.Hasta)
		}
		c.Folios = append(c.Folios, FolioUsado{Tipo: d.Tipo, Folio: d.Folio, Totales: d.Totales})
	}
	return nil
}

// NewConsumoFolios computes totals and ranges per type, writes and signs. Without any folio the statement says zero
// boletas. The result has been read back and verified.
func NewConsumoFolios(c ConsumoFolios, s *Signer, now time.Time) ([]byte, error) {
	resumenes, err := c.resumenes()
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	var w writer
	w.openID("DocumentoConsumoFolios", "RCOF_"+strings.ReplaceAll(c.Desde.String(), "-", "")+"_"+strconv.Itoa(c.SecEnvio))
	w.openVersion("Caratula")
	w.rut("RutEmisor", c.Emisor)
	w.rut("RutEnvia", s.RUT())
	w.resolucion(c.Resolucion)
	w.day("FchInicio", c.Desde)
	w.day("FchFinal", c.Hasta)
	if c.Correlativo != 0 {
		w.digits("Correlativo", int64(c.Correlativo), 1, 3)
	}
	w.digits("SecEnvio", int64(c.SecEnvio), 1, 3)
	w.must("TmstFirmaEnv", stamp(now))
	w.close("Caratula")
	for _, r := range resumenes {
		w.resumenConsumo(r)
	}
	w.close("DocumentoConsumoFolios")
	return sealBook("ConsumoFolios", &w, c.Emisor, c.Resolucion, s, now)
}

func (w *writer) resolucion(r Resolucion) {
	w.day("FchResol", r.Fch)
	w.digits("NroResol", int64(r.Nro), 0, 6)
}

// resumenConsumo is the summary of one type.
type resumenConsumo struct {
	tipo               TipoDTE
	totales            Totales
	emitidos, nulos    []Folio
	utilizado, anulado []rango
}

// rango is an inclusive range of folios.
type rango struct{ desde, hasta Folio }

func (c *ConsumoFolios) resumenes() ([]*resumenConsumo, error) {
	switch {
	case c.Desde.IsZero() || c.Hasta.Before(c.Desde):
		return nil, fmt.Errorf("los días van de %s a %s", c.Desde, c.Hasta)
	case len(c.Folios) > maxFoliosConsumo:
		return nil, fmt.Errorf("trae %d folios y caben %d", len(c.Folios), maxFoliosConsumo)
	}
	all := map[TipoDTE]*resumenConsumo{}
	for _, f := range c.Folios {
		if f.Tipo != Boleta && f.Tipo != BoletaExenta && f.Tipo != NotaCredito {
			return nil, fmt.Errorf("%s no va en el consumo de folios", f.Tipo)
		}
		if all[f.Tipo] == nil {
			all[f.Tipo] = &resumenConsumo{tipo: f.Tipo}
		}
		if err := all[f.Tipo].take(f); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		all[Boleta] = &resumenConsumo{tipo: Boleta} // the schema wants one
	}
	var list []*resumenConsumo
	for _, tipo := range slices.Sorted(maps.Keys(all)) {
		if err := all[tipo].finish(); err != nil {
			return nil, err
		}
		list = append(list, all[tipo])
	}
	return list, nil
}

func (r *resumenConsumo) take(f FolioUsado) error {
	if f.Anulado {
		r.nulos = append(r.nulos, f.Folio)
		return nil
	}
	r.emitidos = append(r.emitidos, f.Folio)
	var s sums
	s.add(&r.totales.MntNeto, f.Totales.MntNeto)
	s.add(&r.totales.IVA, f.Totales.IVA)
	s.add(&r.totales.MntExe, f.Totales.MntExe)
	s.add(&r.totales.MntTotal, f.Totales.MntTotal)
	return s.err
}

// finish makes the ranges; a folio is in one of them, once.
func (r *resumenConsumo) finish() error {
	every := slices.Sorted(slices.Values(slices.Concat(r.emitidos, r.nulos)))
	for i, f := range every {
		if f < 1 || i > 0 && every[i-1] == f {
			return fmt.Errorf("el folio %s N° %s no es válido o está dos veces", r.tipo, f)
		}
	}
	r.utilizado, r.anulado = rangos(r.emitidos), rangos(r.nulos)
	return nil
}

// rangos joins folios that follow each other.
func rangos(folios []Folio) []rango {
	var all []rango
	for _, f := range slices.Sorted(slices.Values(folios)) {
		if n := len(all); n > 0 && all[n-1].hasta == f-1 {
			all[n-1].hasta = f
		} else {
			all = append(all, rango{f, f})
		}
	}
	return all
}

// resumenConsumo: FoliosUtilizados counts issued and annulled ones (ConsumoFolio_v10.xsd); each has its own ranges.
func (w *writer) resumenConsumo(r *resumenConsumo) {
	w.open("Resumen")
	w.integer("TipoDocumento", int(r.tipo))
	w.amount("MntNeto", r.totales.MntNeto)
	w.amount("MntIva", r.totales.IVA)
	if r.totales.MntNeto != 0 {
		w.must("TasaIVA", money.IVA.XML())
	}
	w.amount("MntExento", r.totales.MntExe)
	w.amount("MntTotal", r.totales.MntTotal)
	w.must("FoliosEmitidos", strconv.Itoa(len(r.emitidos)))
	w.must("FoliosAnulados", strconv.Itoa(len(r.nulos)))
	w.must("FoliosUtilizados", strconv.Itoa(len(r.emitidos)+len(r.nulos)))
	w.rangos("RangoUtilizados", r.utilizado)
	w.rangos("RangoAnulados", r.anulado)
	w.close("Resumen")
}

func (w *writer) rangos(name string, all []rango) {
	for _, r := range all {
		w.open(name)
		w.digits("Inicial", int64(r.desde), 1, 10)
		w.digits("Final", int64(r.hasta), 1, 10)
		w.close(name)
	}
}

// Periodo is a tax month.
type Periodo struct {
	Year  int
	Month time.Month
}

// String is "2026-03".
func (p Periodo) String() string { return fmt.Sprintf("%04d-%02d", p.Year, p.Month) }

func (p Periodo) valid() bool {
	return p.Year >= 2000 && p.Year <= 2050 && p.Month >= time.January && p.Month <= time.December
}

// TipoLibro is why a book is sent.
type TipoLibro string

// The kinds of a book.
const (
	LibroMensual   TipoLibro = "MENSUAL"
	LibroEspecial  TipoLibro = "ESPECIAL"  // asked for by the SII, and in certification: needs FolioNotificacion
	LibroRectifica TipoLibro = "RECTIFICA" // needs CodAutRec
)

// TipoEnvio is which part of a book a file is.
type TipoEnvio string

// The parts of a book. A whole book is TOTAL; parts are PARCIAL and the last one FINAL, numbered by NroSegmento.
const (
	EnvioTotal   TipoEnvio = "TOTAL"
	EnvioParcial TipoEnvio = "PARCIAL"
	EnvioFinal   TipoEnvio = "FINAL"
	EnvioAjuste  TipoEnvio = "AJUSTE"
)

// CaratulaLibro is what the books of purchases, sales and guías say of themselves.
type CaratulaLibro struct {
	Emisor     RUT
	Resolucion Resolucion
	Periodo    Periodo
	TipoLibro  TipoLibro
	TipoEnvio  TipoEnvio
	// NroSegmento numbers the parts of a book that is sent in parts; 0 in a whole one.
	NroSegmento int
	// FolioNotificacion is the number with which the SII asked for the book; each sending needs a new one.
	FolioNotificacion int64
	CodAutRec         string
}

// porSegmentos reports a part of a book.
func (c CaratulaLibro) porSegmentos() bool {
	return c.TipoEnvio == EnvioParcial || c.TipoEnvio == EnvioFinal
}

func (c CaratulaLibro) check() error {
	switch {
	case !c.Periodo.valid():
		return fmt.Errorf("el período %s no es válido", c.Periodo)
	case !slices.Contains([]TipoLibro{LibroMensual, LibroEspecial, LibroRectifica}, c.TipoLibro):
		return fmt.Errorf("TipoLibro «%s»: va MENSUAL, ESPECIAL o RECTIFICA", c.TipoLibro)
	case !slices.Contains([]TipoEnvio{EnvioTotal, EnvioParcial, EnvioFinal, EnvioAjuste}, c.TipoEnvio):
		return fmt.Errorf("TipoEnvio «%s»: va TOTAL, PARCIAL, FINAL o AJUSTE", c.TipoEnvio)
	case c.porSegmentos() != (c.NroSegmento != 0):
		return errors.New("NroSegmento va en los envíos PARCIAL y FINAL, y solo en ellos")
	case (c.TipoLibro == LibroEspecial) != (c.FolioNotificacion != 0):
		return errors.New("FolioNotificacion va en un libro ESPECIAL, y solo en él")
	case (c.TipoLibro == LibroRectifica) != (c.CodAutRec != ""):
		return errors.New("CodAutRec va en un libro que RECTIFICA, y solo en él")
	}
	return nil
}

// caratulaLibro writes it; operacion is empty in a book of guías.
func (w *writer) caratulaLibro(c CaratulaLibro, operacion Operacion, envia RUT) {
	w.open("Caratula")
	w.rut("RutEmisorLibro", c.Emisor)
	w.rut("RutEnvia", envia)
	w.must("PeriodoTributario", c.Periodo.String())
	w.resolucion(c.Resolucion)
	w.text("TipoOperacion", string(operacion))
	w.must("TipoLibro", string(c.TipoLibro))
	w.must("TipoEnvio", string(c.TipoEnvio))
	if c.NroSegmento != 0 {
		w.digits("NroSegmento", int64(c.NroSegmento), 1, 6)
	}
	if c.FolioNotificacion != 0 {
		w.digits("FolioNotificacion", c.FolioNotificacion, 1, 10)
	}
	w.optionalText("CodAutRec", c.CodAutRec, 10)
	w.close("Caratula")
}
