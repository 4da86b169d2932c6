package central

import "mostrador/dte"

// Class is what kind of sale it is, by what stands for it.
type Class string

// The classes. All but the first are of tills and have no document of the SII.
const (
	ClassDocument      Class = "documento"
	ClassVoucher       Class = "comprobante"            // a card's voucher is the boleta
	ClassExchange      Class = "cambio"                 // goods for others of the same worth
	ClassVoucherReturn Class = "devolucion-comprobante" // of what a voucher sold
	ClassReturnWithout Class = "devolucion-sin-boleta"
	ClassSlip          Class = "comprobante-interno" // of a kind that this server does not know
)

// words are how people call it.
func (c Class) words() string {
	switch c {
	case ClassVoucher:
		return "comprobante de tarjeta"
	case ClassExchange:
		return "cambio"
	case ClassVoucherReturn:
		return "devolución de un comprobante de tarjeta"
	case ClassReturnWithout:
		return "devolución sin boleta"
	case ClassDocument:
		return "documento"
	}
	return "comprobante interno"
}

func classOf(t dte.TipoDTE) Class {
	switch {
	case !ownNumber(t):
		return ClassDocument
	case t == tipoVoucher:
		return ClassVoucher
	case t == tipoCambio:
		return ClassExchange
	case t == tipoVoucherRet:
		return ClassVoucherReturn
	case t == tipoWithoutRet:
		return ClassReturnWithout
	}
	return ClassSlip
}

// classify says what kind a sale is. A number of the till's own is no folio: other tills use it too.
func (s *Sale) classify() {
	if s.Class = classOf(s.Tipo); s.Class != ClassDocument {
		s.Folio, s.Number = 0, s.Folio
	}
}

// documented refuses what only a document has.
func (s *Sale) documented(kind Kind, rest string) error {
	if s.Class == ClassDocument {
		return nil
	}
	return refuse(kind, "La venta %d no tiene documento tributario: es %s N.º %d de la caja %s. "+rest, s.ID, s.Class.words(), s.Number, s.Till)
}
