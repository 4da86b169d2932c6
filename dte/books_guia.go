package dte

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"mostrador/money"
)

// LibroGuia is the book of a month's guías de despacho. It is always ESPECIAL: the SII asks for it.
type LibroGuia struct {
	CaratulaLibro
	Detalle []DetalleGuia
	// Anteriores are the details of the segments sent before, which a FINAL one sums up.
	Anteriores []DetalleGuia
}

// EstadoGuia says that a guía is not what it was.
type EstadoGuia int

// The states of a guía (LibroGuia_v10.xsd, Anulado).
const (
	GuiaVigente      EstadoGuia = 0
	FolioNulo        EstadoGuia = 1 // annulled before it was sent to the SII: only the folio is told
	GuiaNula         EstadoGuia = 2 // annulled after it was sent
	RecibidaEnPartes EstadoGuia = 3 // the goods were received in part
)

// Operations of a guía (LibroGuia_v10.xsd, TpoOper): 1 is a sale; 2 sale to be made, 3 consignment, 4 demonstration, 5
// between the company's own places, 6 other without sale, 7 return.
const (
	guiaVenta  = 1
	guiaUltima = 7
)

// DetalleGuia is one guía.
type DetalleGuia struct {
	Folio    Folio
	Anulado  EstadoGuia
	Elimina  bool // in an AJUSTE: the guía is to be taken out
	TpoOper  int
	FchDoc   Date
	RUTDoc   RUT
	RznSoc   string // cut to 50 characters
	MntNeto  money.Pesos
	IVA      money.Pesos
	MntTotal money.Pesos
	// MntModificado is what the total became, of a guía received in part.
	MntModificado money.Pesos
	// Factura is the document that billed the guía, if one did in the period.
	Factura DocRef
}

// DocRef points to another document of the company.
type DocRef struct {
	Tipo  TipoDTE
	Folio Folio
	Fch   Date
}

// NewLibroGuia checks the guías, computes the totals, writes and signs. The result has been read back and verified.
func NewLibroGuia(l LibroGuia, s *Signer, now time.Time) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, wrapped(ErrBook, err)
	}
	segmento, err := totalesGuia(l.Detalle)
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	periodo, err := totalesGuia(slices.Concat(l.Anteriores, l.Detalle))
	if err != nil {
		return nil, wrapped(ErrBook, err)
	}
	var w writer
	w.openID("EnvioLibro", "Libro_GUIA_"+l.Periodo.String())
	w.caratulaLibro(l.CaratulaLibro, "", s.RUT())
	if l.porSegmentos() {
		w.resumenGuia("ResumenSegmento", segmento)
	}
	if l.TipoEnvio != EnvioParcial {
		w.resumenGuia("ResumenPeriodo", periodo)
	}
	for _, d := range l.Detalle {
		w.detalleGuia(d)
	}
	w.must("TmstFirma", stamp(now))
	w.close("EnvioLibro")
	return sealBook("LibroGuia", &w, l.Emisor, l.Resolucion, s, now)
}

func (l *LibroGuia) check() error {
	if err := l.CaratulaLibro.check(); err != nil {
		return err
	}
	if l.TipoLibro != LibroEspecial {
		return errors.New("el libro de guías es siempre ESPECIAL")
	}
	if len(l.Anteriores) > 0 && l.TipoEnvio != EnvioFinal {
		return errors.New("los detalles anteriores se suman solo en un envío FINAL")
	}
	seen := map[Folio]bool{}
	for _, d := range slices.Concat(l.Anteriores, l.Detalle) {
		if err := d.check(); err != nil {
			return fmt.Errorf("guía N° %s: %w", d.Folio, err)
		}
		if d.Elimina && l.TipoEnvio != EnvioAjuste {
			return fmt.Errorf("guía N° %s: se elimina solo en un envío de AJUSTE", d.Folio)
		}
		if seen[d.Folio] && !d.Elimina {
			return fmt.Errorf("guía N° %s: está dos veces", d.Folio)
		}
		seen[d.Folio] = seen[d.Folio] || !d.Elimina
	}
	return nil
}

func (d *DetalleGuia) check() error {
	sum, err := money.Sum(d.MntNeto, d.IVA)
	switch {
	case err != nil:
		return err
	case d.Anulado < GuiaVigente || d.Anulado > RecibidaEnPartes:
		return fmt.Errorf("el estado %d no existe", d.Anulado)
	case d.Anulado == FolioNulo && *d != (DetalleGuia{Folio: d.Folio, Anulado: FolioNulo, Elimina: d.Elimina}):
		return errors.New("se anuló el folio antes de enviarla: no lleva más datos")
	case d.Anulado == FolioNulo:
		return nil
	case d.TpoOper < guiaVenta || d.TpoOper > guiaUltima:
		return fmt.Errorf("el tipo de operación %d no existe: va de 1 a 7", d.TpoOper)
	case d.FchDoc.IsZero() || d.RUTDoc == 0:
		return errors.New("falta la fecha o el RUT del receptor")
	case d.MntNeto < 0 || d.IVA < 0 || d.MntModificado < 0 || d.MntTotal < sum:
		return fmt.Errorf("sus montos no cuadran: neto $%s, IVA $%s, total $%s", d.MntNeto, d.IVA, d.MntTotal)
	case d.MntModificado != 0 && d.Anulado != RecibidaEnPartes:
		return errors.New("lleva monto modificado y no se recibió en parte")
	case d.Factura != (DocRef{}) && (d.Factura.Tipo == 0 || d.Factura.Folio == 0 || d.Factura.Fch.IsZero()):
		return errors.New("de la factura que la cobra van tipo, folio y fecha")
	}
	return nil
}

// totalGuia are the totals of the book.
type totalGuia struct {
	folios, anuladas, ventas int
	montoVentas, modificado  money.Pesos
	traslados                map[int]*cuentaCV
}

func totalesGuia(detalle []DetalleGuia) (totalGuia, error) {
	t := totalGuia{traslados: map[int]*cuentaCV{}}
	var s sums
	for _, d := range detalle {
		switch {
		case d.Elimina:
			continue
		case d.Anulado == FolioNulo:
			t.folios++
			continue
		case d.Anulado == GuiaNula:
			t.anuladas++
			continue
		case d.TpoOper == guiaVenta:
			t.ventas++
			s.add(&t.montoVentas, d.MntTotal)
		default:
			countCV(t.traslados, d.TpoOper, d.MntTotal, &s)
		}
		s.add(&t.modificado, d.MntModificado)
	}
	return t, s.err
}

func (w *writer) resumenGuia(name string, t totalGuia) {
	w.open(name)
	w.integer("TotFolAnulado", t.folios)
	w.integer("TotGuiaAnulada", t.anuladas)
	w.must("TotGuiaVenta", strconv.Itoa(t.ventas))
	w.must("TotMntGuiaVta", t.montoVentas.XML())
	w.pesos("TotMntModificado", t.modificado)
	for _, tipo := range slices.Sorted(maps.Keys(t.traslados)) {
		w.open("TotTraslado")
		w.integer("TpoTraslado", tipo)
		w.integer("CantGuia", t.traslados[tipo].n)
		w.must("MntGuia", t.traslados[tipo].monto.XML())
		w.close("TotTraslado")
	}
	w.close(name)
}

func (w *writer) detalleGuia(d DetalleGuia) {
	w.open("Detalle")
	w.digits("Folio", int64(d.Folio), 1, 10)
	w.integer("Anulado", int(d.Anulado))
	if d.Elimina {
		w.integer("Operacion", 2)
	}
	w.integer("TpoOper", d.TpoOper)
	w.date("FchDoc", d.FchDoc)
	w.text("RUTDoc", d.RUTDoc.String())
	w.text("RznSoc", truncate(Normalize(d.RznSoc), 50))
	w.pesos("MntNeto", d.MntNeto)
	if d.IVA != 0 {
		w.must("TasaImp", money.IVA.XML())
	}
	w.pesos("IVA", d.IVA)
	if d.Anulado != FolioNulo {
		w.must("MntTotal", d.MntTotal.XML())
	}
	w.pesos("MntModificado", d.MntModificado)
	if d.Factura != (DocRef{}) {
		w.integer("TpoDocRef", int(d.Factura.Tipo))
		w.digits("FolioDocRef", int64(d.Factura.Folio), 1, 10)
		w.date("FchDocRef", d.Factura.Fch)
	}
	w.close("Detalle")
}
