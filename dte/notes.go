package dte

import (
	"errors"
	"fmt"
	"maps"
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

// Return is the note that takes back a part of a document: quantities by line number (from 1), capped by what earlier
// notes of the same document have left. A line without quantity is one, whole. What a line is worth includes its
// discount and its share of the global ones, so that the notes which take back everything add up to the document, to
// the peso. The lines of a boleta too long for one note go back in several.
func Return(of *Document, quantities map[int]money.Qty, earlier []*Document, reason string) (Draft, error) {
	left, err := LeftOf(of, earlier)
	if err != nil {
		return Draft{}, err
	}
	return left.Return(quantities, reason)
}

// Return is the note that takes back those quantities of what is left, which is less by them afterwards. See Return.
func (l *Left) Return(quantities map[int]money.Qty, reason string) (Draft, error) {
	d, err := correction(l.of, CorrigeMontos, reason)
	switch {
	case err != nil:
		return Draft{}, err
	case l.of.Tipo.EsExportacion():
		return Draft{}, fmt.Errorf("%w: una exportación se anula completa", ErrNote)
	}
	d.MntBruto = l.of.MntBruto || l.of.Tipo == Boleta
	for n := 1; n <= len(l.of.Detalle); n++ {
		q, wanted := quantities[n]
		if !wanted {
			continue
		}
		line, err := l.line(n, q)
		if err != nil {
			return Draft{}, err
		}
		d.Detalle = append(d.Detalle, line)
	}
	if len(d.Detalle) == 0 || len(d.Detalle) != len(quantities) {
		return Draft{}, fmt.Errorf("%w: las líneas pedidas no son del documento", ErrNote)
	}
	return d, nil
}

// Left is what notes have not taken back of a document.
type Left struct {
	of    *Document
	pools map[article]*pool
}

// article is what makes lines of a document one and the same to a note, which repeats them without their number.
type article struct {
	nombre string
	unidad string
	prc    money.Price
	kind   IndExe
}

// pool is all of an article in a document: how much of it there was, what it was worth, and how much has gone back.
type pool struct {
	qty, taken money.Qty
	worth      money.Pesos
}

func (d *Document) article(n int) article {
	l := d.Detalle[n-1]
	return article{l.Nombre, l.Unidad, l.Prc, d.kind(l.IndExe)}
}

// LeftOf is what earlier notes, all of that document, have left of it.
func LeftOf(of *Document, earlier []*Document) (*Left, error) {
	worth, err := of.worth()
	if err != nil {
		return nil, err
	}
	left := &Left{of: of, pools: map[article]*pool{}}
	for i, l := range of.Detalle {
		p := left.pools[of.article(i+1)]
		if p == nil {
			p = &pool{}
			left.pools[of.article(i+1)] = p
		}
		p.qty += wholeQty(l)
		p.worth += worth[i]
	}
	for _, note := range earlier {
		if !note.RefersTo(of.Key()) {
			return nil, fmt.Errorf("%w: la nota %s es de otro documento", ErrNote, note.Key())
		}
		left.subtract(note)
	}
	return left, nil
}

// subtract takes away what a note took back; one that annuls takes all.
func (l *Left) subtract(note *Document) {
	for _, p := range l.pools {
		if note.codRef() == Anula {
			p.taken = p.qty
		}
	}
	if note.codRef() != CorrigeMontos {
		return
	}
	for n := range note.Detalle {
		if p := l.pools[note.article(n+1)]; p != nil {
			p.taken = min(p.taken+wholeQty(note.Detalle[n]), p.qty)
		}
	}
}

// Qty is how much of line n (from 1) may still go back.
func (l *Left) Qty(n int) money.Qty {
	p := l.pools[l.of.article(n)]
	return min(p.qty-p.taken, wholeQty(l.of.Detalle[n-1]))
}

// Worth is what so much of line n is worth now, as the document charged it: IVA included if its prices are.
func (l *Left) Worth(n int, q money.Qty) (money.Pesos, error) {
	p := l.pools[l.of.article(n)]
	before, err := p.worthOf(p.taken)
	after, afterErr := p.worthOf(p.taken + q)
	return after - before, errors.Join(err, afterErr)
}

// worthOf is what the first q of a pool are worth. Differences of it add up to the whole, whatever the parts.
func (p *pool) worthOf(q money.Qty) (money.Pesos, error) {
	if p.qty == 0 {
		return 0, nil
	}
	return money.Share(p.worth, int64(q), int64(p.qty))
}

// Take takes so much of line n away, as a note does.
func (l *Left) Take(n int, q money.Qty) error {
	if n < 1 || n > len(l.of.Detalle) {
		return fmt.Errorf("%w: no tiene línea %d", ErrNote, n)
	}
	if left := l.Qty(n); q <= 0 || q > left {
		return fmt.Errorf("%w: de «%s» se pueden devolver hasta %s y se pidió %s", ErrNote, l.of.Detalle[n-1].Nombre, left, q)
	}
	l.pools[l.of.article(n)].taken += q
	return nil
}

// line is the note's line that takes back q of line n, and takes it away.
func (l *Left) line(n int, q money.Qty) (Linea, error) {
	line := l.of.Detalle[n-1]
	worth, err := l.Worth(n, q)
	if err == nil {
		err = l.Take(n, q)
	}
	if err != nil {
		return Linea{}, err
	}
	if line.Qty != 0 {
		line.Qty = q
	}
	line.DescuentoPct, line.Descuento, line.RecargoPct, line.Recargo = 0, 0, 0, 0
	line.IndExe = l.of.kind(line.IndExe)
	plain, err := line.monto()
	if err != nil {
		return Linea{}, err
	}
	line.Descuento, line.Recargo = max(plain.total-worth, 0), max(worth-plain.total, 0)
	return line, nil
}

// worth is what each line contributes to the total: its amount, and its share of the global movements of its kind.
func (d *Document) worth() ([]money.Pesos, error) {
	sums := map[IndExe]money.Pesos{}
	for i, l := range d.Detalle {
		sums[d.kind(l.IndExe)] += d.Montos[i]
	}
	before := maps.Clone(sums)
	if err := d.applyGlobals(sums); err != nil {
		return nil, err
	}
	worth := make([]money.Pesos, len(d.Detalle))
	reached, given := map[IndExe]money.Pesos{}, map[IndExe]money.Pesos{}
	for i, l := range d.Detalle {
		kind := d.kind(l.IndExe)
		reached[kind] += d.Montos[i]
		upTo := money.Pesos(0)
		if before[kind] != 0 {
			var err error
			if upTo, err = money.Share(sums[kind], int64(reached[kind]), int64(before[kind])); err != nil {
				return nil, err
			}
		}
		worth[i] = upTo - given[kind]
		given[kind] = upTo
	}
	return worth, nil
}

// wholeQty is the quantity of a line; one of a line without quantity is all of it.
func wholeQty(l Linea) money.Qty {
	if l.Qty == 0 {
		return money.One
	}
	return l.Qty
}

// RefersTo reports that a document of the same issuer refers to that one.
func (d *Document) RefersTo(key Key) bool {
	for _, r := range d.Referencia {
		if r.TpoDocRef == strconv.Itoa(int(key.Tipo)) && r.FolioRef == key.Folio.String() && d.Emisor.RUT == key.Emisor {
			return true
		}
	}
	return false
}
