package sale

import (
	"errors"
	"fmt"

	"mostrador/dte"
	"mostrador/money"
)

// This file takes back what nobody has the document of. A credit note has to name the document that it corrects
// (REF-3-758), so there is none: a slip is kept, which lowers no tax.

// PlanWithout is what TakeBackWithout would give for the goods in the open sale, and how.
func (r *Register) PlanWithout(asVale bool) (money.Pesos, Payment, error) {
	switch {
	case len(r.cart.Lines) == 0:
		return 0, Payment{}, errors.New("agregue primero a la venta lo que vuelve, como si lo vendiera. Nada cambió")
	case r.cart.Exchange != nil || r.cart.Tipo != 0:
		return 0, Payment{}, errors.New("la venta abierta es un cambio, factura o guía: guárdela y agregue sólo lo que vuelve. Nada cambió")
	}
	for _, l := range r.cart.Lines {
		if l.Prc > l.base() {
			return 0, Payment{}, fmt.Errorf("sin boleta se paga a lo más el precio de hoy: «%s» vale $%s y aquí dice $%s. Baje el precio", l.Nombre, l.base(), l.Prc)
		}
	}
	total, err := r.total()
	if err != nil {
		return 0, Payment{}, err
	}
	if asVale {
		return total, Payment{Tenders: []Tender{{Method: Vale, Amount: total, Received: total, Reference: NewValeCode(r.cart.ID)}}}, nil
	}
	cash := money.CashPayable(total)
	return total, Payment{Tenders: []Tender{{Method: Efectivo, Amount: cash, Received: cash}}, Rounding: cash - total}, nil
}

// TakeBackWithout takes the goods in the open sale back although nobody has their document, at the price of today or
// less, in cash or for a vale: who may, and why, is kept with the slip.
func (r *Register) TakeBackWithout(reason string, asVale bool) error {
	reason, err := reasonFor(reason)
	if err != nil {
		return err
	}
	if err := r.May(Ask{Right: MayReturnWithout, What: reason}); err != nil {
		return err
	}
	if err := r.beginSelling(); err != nil {
		return err
	}
	if err := r.uncharged(); err != nil {
		return err
	}
	total, payment, err := r.PlanWithout(asVale)
	if err != nil {
		return err
	}
	if err := cashAtHand(r.d.Journal, payment); err != nil {
		return err
	}
	slip := Record{
		ID: r.cart.ID, At: r.d.Now(), Caja: r.d.Shop.Caja, Key: dte.Key{Emisor: r.d.Shop.Emisor.RUT, Tipo: DevolucionSinBoleta}, Total: total,
		Lines: r.cart.Lines, Payment: payment, Receptor: r.draft().Receptor, Reason: reason, Training: r.d.Shop.Training(),
		Who: r.d.Who, Approved: r.d.Approved,
	}
	return r.end(func() (Record, error) { return r.d.Journal.KeepSlip(slip) })
}

// end closes the open sale by what a customer does not pay. Of one whose end is not known the same is asked again.
func (r *Register) end(by func() (Record, error)) error {
	r.stage, r.payment, r.debt, r.ending = Paying, Payment{}, nil, by
	return r.issueUnpaid(EnCambio)
}
