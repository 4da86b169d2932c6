package sale

import (
	"errors"
	"fmt"
	"time"

	"mostrador/dte"
)

// The slips: what happens at the counter and has no document of the SII. Each is kept under a number of the till's own,
// one sequence for all of them, and its type is none of the SII's.
const (
	// Cambio: goods for others of the very same worth.
	Cambio dte.TipoDTE = 901
	// DevolucionComprobante: what a card voucher sold, back; there is no boleta to correct.
	DevolucionComprobante dte.TipoDTE = 902
	// DevolucionSinBoleta: goods back of which nobody has the boleta; a credit note must name one.
	DevolucionSinBoleta dte.TipoDTE = 903
)

// IsSlip reports a number of the till's own.
func IsSlip(t dte.TipoDTE) bool {
	return t == Cambio || t == DevolucionComprobante || t == DevolucionSinBoleta
}

// Slips are what a Journal keeps without a document.
type Slips interface {
	// KeepSlip keeps a slip in one transaction with the shift's sums, the accounts, what came back and the end of its cart;
	// it gives the record its number and shift. A known sale comes back as it was kept.
	KeepSlip(r Record) (Record, error)
	// Slips lists those from a time to before another, oldest first.
	Slips(from, to time.Time) ([]Record, error)
}

// CheckSlip refuses what may not go without a document.
func (r Record) CheckSlip() error {
	switch {
	case r.ID == "" || !IsSlip(r.Key.Tipo):
		return errors.New("la operación no tiene identificador, o lleva un documento del SII. No se guardó nada")
	case len(r.Lines) == 0:
		return errors.New("no hay nada que anotar: faltan los productos. No se guardó nada")
	case r.Reason == "":
		return errors.New("falta el motivo. No se guardó nada")
	case (len(r.Returned) > 0) != (r.Key.Tipo != DevolucionSinBoleta):
		return errors.New("no calza lo que vuelve con el documento del que es. No se guardó nada")
	case r.Key.Tipo == Cambio && (r.Total != 0 || len(r.Payment.Tenders) > 0):
		return fmt.Errorf("%w: en un cambio por lo mismo no hay dinero. No se guardó nada", ErrPayment)
	case r.Key.Tipo != Cambio && (r.Total <= 0 || len(r.Payment.Tenders) == 0):
		return fmt.Errorf("%w: falta cómo se devuelve el dinero. No se guardó nada", ErrPayment)
	}
	return r.Payment.settles(r.Total, true)
}

// GivesBack reports an operation in which the shop pays.
func (r Record) GivesBack() bool {
	return r.Key.Tipo == dte.NotaCredito || r.Key.Tipo == DevolucionComprobante || r.Key.Tipo == DevolucionSinBoleta
}

// Swaps reports an operation that took goods back without a note that lists them: an exchange, or a slip.
func (r Record) Swaps() bool {
	return len(r.Returned) > 0 && (!r.Key.Tipo.EsNota() || len(r.Taken) > 0)
}
