package dte

import (
	"errors"
	"fmt"
	"strconv"

	"mostrador/money"
)

// ErrNote: the correction that was asked for does not fit the document.
var ErrNote = errors.New("la corrección no corresponde al documento")

// maxNoteLines is what fits in a note; a boleta may have more.
const maxNoteLines = maxLineasFactura

// noteFor is the type that annuls or corrects a document: a credit note takes back a debt, a debit note takes back a
// credit note.
func noteFor(tipo TipoDTE) (TipoDTE, error) {
	switch tipo {
	case Factura, FacturaExenta, Boleta, BoletaExenta, FacturaCompra, NotaDebito:
		return NotaCredito, nil
	case NotaCredito:
		return NotaDebito, nil
	case FacturaExportacion, NotaDebitoExp:
		return NotaCreditoExp, nil
	case NotaCreditoExp:
		return NotaDebitoExp, nil
	}
	return 0, fmt.Errorf("%w: %s no se corrige con una nota (REF-3-415)", ErrNote, tipo)
}

// correction is the draft of a note without its lines. The issuer is left for whoever issues: a boleta does not carry
// all that a note must. When the buyer of a boleta is not known the receptor is the issuer itself (SII FAQ
// 001.380.6571); the reason should say why.
func correction(of *Document, code CodRef, reason string) (Draft, error) {
	tipo, err := noteFor(of.Tipo)
	if err != nil {
		return Draft{}, err
	}
	d := Draft{
		Tipo: tipo, Receptor: of.Receptor, Exportacion: of.Exportacion, Transporte: of.Transporte,
		Referencia: []Referencia{{
			TpoDocRef: strconv.Itoa(int(of.Tipo)), FolioRef: of.Folio.String(), FchRef: of.FchEmis, CodRef: code, RazonRef: reason,
		}},
	}
	if of.Exportacion == nil {
		d.Transporte = nil // the goods stay where they are
	}
	if d.Receptor.RUT == RUTAnonimo {
		e := of.Emisor
		d.Receptor = Receptor{RUT: e.RUT, RznSoc: e.RznSoc, Giro: truncate(e.Giro, 40), Direccion: e.Direccion, Comuna: e.Comuna, Ciudad: e.Ciudad}
	}
	return d, nil
}

// Annulment is the note that annuls a document: same lines, same amounts (REF-2-780).
func Annulment(of *Document, reason string) (Draft, error) {
	d, err := correction(of, Anula, reason)
	if err != nil {
		return Draft{}, err
	}
	d.MntBruto = of.MntBruto || of.Tipo == Boleta
	d.Detalle, d.DscRcg, d.Informados = noteLines(of), own(of.DscRcg), own(of.Informados)
	return d, nil
}

// noteLines copies the lines; of a boleta too long for a note, one line for each kind with its sum.
func noteLines(of *Document) []Linea {
	if len(of.Detalle) <= maxNoteLines {
		return own(of.Detalle)
	}
	var lines []Linea
	for _, kind := range []IndExe{Afecto, Exento, NoFacturable, NoFacturableNegativo} {
		sum := Linea{Nombre: fmt.Sprintf("Anula %s %d", of.Tipo, of.Folio), IndExe: kind}
		for i, l := range of.Detalle {
			if l.IndExe == kind {
				sum.Monto += of.Montos[i]
			}
		}
		if sum.Monto != 0 {
			lines = append(lines, sum)
		}
	}
	return lines
}

// TextCorrection is the note that corrects words of a document and no amount: one line, total zero (REF-2-781).
func TextCorrection(of *Document, says, shouldSay, reason string) (Draft, error) {
	d, err := correction(of, CorrigeTexto, reason)
	if err != nil {
		return Draft{}, err
	}
	line := Linea{Nombre: truncate(fmt.Sprintf("Donde dice %s debe decir %s", says, shouldSay), 80)}
	if of.Tipo.EsExento() {
		line.IndExe = Exento
	}
	d.Detalle = []Linea{line}
	return d, nil
}

// Return is the note that takes back a part of a document: quantities by line number (from 1), at the price and discount
// of the document, capped by what earlier notes of the same document have left. Lines without quantity go back whole.
// Documents with global movements are taken back whole: see Annulment.
func Return(of *Document, quantities map[int]money.Qty, earlier []*Document, reason string) (Draft, error) {
	d, err := correction(of, CorrigeMontos, reason)
	if err != nil {
		return Draft{}, err
	}
	if len(of.DscRcg) > 0 && !of.Tipo.EsExportacion() {
		return Draft{}, fmt.Errorf("%w: tiene descuentos o recargos globales; anúlelo completo y emita otro", ErrNote)
	}
	d.MntBruto = of.MntBruto || of.Tipo == Boleta
	left, err := leftOf(of, earlier)
	if err != nil {
		return Draft{}, err
	}
	for n := 1; n <= len(of.Detalle); n++ {
		q, wanted := quantities[n]
		if !wanted {
			continue
		}
		l := of.Detalle[n-1]
		if q <= 0 || q > left[n] {
			return Draft{}, fmt.Errorf("%w: de «%s» se pueden devolver hasta %s y se pidió %s", ErrNote, l.Nombre, left[n], q)
		}
		if q < wholeQty(l) && l.Descuento+l.Recargo != 0 {
			return Draft{}, fmt.Errorf("%w: «%s» tiene un descuento en pesos: devuélvala completa", ErrNote, l.Nombre)
		}
		if l.Qty != 0 {
			l.Qty = q
		}
		if of.Tipo.EsExento() && l.IndExe == Afecto {
			l.IndExe = Exento
		}
		d.Detalle = append(d.Detalle, l)
	}
	if len(d.Detalle) == 0 || len(d.Detalle) != len(quantities) {
		return Draft{}, fmt.Errorf("%w: las líneas pedidas no son del documento", ErrNote)
	}
	return d, nil
}

// wholeQty is the quantity of a line; one of a line without quantity is all of it.
func wholeQty(l Linea) money.Qty {
	if l.Qty == 0 {
		return money.One
	}
	return l.Qty
}

// leftOf is what earlier notes have left of each line, by line number. A note's line belongs to the first line of the
// document with its name and price.
func leftOf(of *Document, earlier []*Document) (map[int]money.Qty, error) {
	left := map[int]money.Qty{}
	for i, l := range of.Detalle {
		left[i+1] = wholeQty(l)
	}
	for _, note := range earlier {
		if !refersTo(note, of.Key()) {
			return nil, fmt.Errorf("%w: la nota %s es de otro documento", ErrNote, note.Key())
		}
		for _, taken := range note.Detalle {
			for i, l := range of.Detalle {
				if l.Nombre == taken.Nombre && l.Prc == taken.Prc && left[i+1] >= wholeQty(taken) {
					left[i+1] -= wholeQty(taken)
					break
				}
			}
		}
	}
	return left, nil
}

func refersTo(note *Document, key Key) bool {
	for _, r := range note.Referencia {
		if r.TpoDocRef == strconv.Itoa(int(key.Tipo)) && r.FolioRef == key.Folio.String() && note.Emisor.RUT == key.Emisor {
			return true
		}
	}
	return false
}
