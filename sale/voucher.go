package sale

import (
	"errors"
	"fmt"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// Modelo is the business's modelo de emisión, as it has declared it to the SII: whether the voucher of a card terminal is
// its boleta (SII FAQ 001.380.7859 and 7868). Empty is not known: then a boleta is always issued.
type Modelo string

// The models.
const (
	ModeloBoleta  Modelo = "boleta"  // a boleta always, also when a card pays
	ModeloVoucher Modelo = "voucher" // none for what cards pay whole
)

// Check refuses what is no model; empty is one that was not asked for yet.
func (m Modelo) Check() error {
	switch m {
	case "", ModeloBoleta, ModeloVoucher:
		return nil
	}
	return fmt.Errorf("el modelo de emisión «%s» no existe: use boleta o voucher. Nada cambió", m)
}

// String is the model in words.
func (m Modelo) String() string {
	switch m {
	case ModeloBoleta:
		return "siempre boleta, también con tarjeta"
	case ModeloVoucher:
		return "con tarjeta vale el comprobante del terminal; lo demás lleva boleta"
	}
	return "sin declarar: siempre boleta"
}

// Comprobante is the SII's type of a card voucher that counts as boleta. The till issues none: it keeps the sale under a
// number of its own, without a folio.
const Comprobante dte.TipoDTE = 48

// Vouchers are the sales of a Journal whose card voucher is their boleta.
type Vouchers interface {
	// Modelo is the shop's model; SetModelo changes it, which leaves an entry in the log.
	Modelo() (Modelo, error)
	SetModelo(m Modelo, at time.Time) error
	// KeepVoucher keeps a sale without document, in one transaction with the shift's sums and the end of its cart; it gives
	// the record its key and shift. A known sale comes back as it was kept.
	KeepVoucher(r Record) (Record, error)
	// Vouchers lists those from a time to before another, oldest first.
	Vouchers(from, to time.Time) ([]Record, error)
	// Voucher is the one with that number, or ErrNotFound.
	Voucher(n dte.Folio) (Record, error)
}

// CheckVoucher refuses what is not paid whole by cards.
func (r Record) CheckVoucher() error {
	switch {
	case r.ID == "" || !r.Payment.allByCard():
		return fmt.Errorf("%w: sólo una venta pagada entera con tarjeta va sin boleta. No se guardó nada", ErrPayment)
	case len(r.Lines) == 0:
		return errors.New("la venta está vacía. No se guardó nada")
	}
	return r.Payment.settles(r.Total, false)
}

// allByCard reports that cards paid everything.
func (p Payment) allByCard() bool {
	for _, t := range p.Tenders {
		if !t.Method.Card() {
			return false
		}
	}
	return len(p.Tenders) > 0
}

// mayGoByVoucher reports a sale that needs no folio if cards pay all of it.
func (r *Register) mayGoByVoucher() bool {
	modelo, err := r.d.Journal.Modelo()
	return err == nil && modelo == ModeloVoucher && r.cart.Exchange == nil && r.tipo().EsBoleta()
}

// needsFolio refuses what would need a boleta when none can be issued: somebody would have paid for nothing.
func (r *Register) needsFolio(m Method) error {
	if m.Card() {
		return nil
	}
	n, err := r.d.Journal.FoliosLeft(r.tipo(), dte.DateOf(r.d.Now()))
	if err == nil && n == 0 {
		err = r.d.noFolios(r.tipo(), ": esta venta sólo se puede cobrar entera con tarjeta, cuyo comprobante vale como boleta")
	}
	return err
}

// byVoucher reports a sale that would go without boleta if the shop's model says so: no factura, and cards pay all of it.
// The law says nothing of what is paid partly by card: it gets a boleta for the whole, so that nothing goes undeclared.
// The difference of an exchange needs its boleta, which names the first one.
func (r *Register) byVoucher() bool {
	return r.cart.Exchange == nil && r.stage == Paying && r.tipo().EsBoleta() && r.payment.allByCard()
}

// SetModelo is the shop's answer to the question for its modelo de emisión.
func (r *Register) SetModelo(m Modelo) error { return r.d.Journal.SetModelo(m, r.d.Now()) }

// keepVoucher ends a sale by its card voucher.
func (r *Register) keepVoucher(total money.Pesos) (Record, error) {
	now := r.d.Now()
	return r.d.Journal.KeepVoucher(Record{
		ID: r.cart.ID, At: now, Caja: r.d.Shop.Caja, Key: dte.Key{Emisor: r.d.Shop.Emisor.RUT, Tipo: Comprobante}, Total: total,
		Lines: r.cart.Lines, Payment: r.payment, Receptor: r.draft().Receptor, Training: r.d.Shop.Training(),
		Who: r.d.Who, Approved: r.d.Approved,
	})
}
