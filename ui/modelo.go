package ui

import "mostrador/sale"

// askModelo asks what the business has declared to the SII about card vouchers. then goes on with what waited for it.
func (w *Window) askModelo(then func()) {
	take := func(m sale.Modelo) func() error {
		return func() error {
			if err := w.counter.SetModelo(m); err != nil {
				return err
			}
			w.settle(nil)
			if then != nil {
				then()
			}
			return nil
		}
	}
	w.openDialog(newChooseDialog(w, "¿Qué modelo de emisión declaró al SII?", "Está en sii.cl, Boleta electrónica, Declaración de modelo de emisión. Se cambia en Menú, Ajustes.", []choice{
		{words: "Siempre boleta", detail: "también con tarjeta", opens: true, do: take(sale.ModeloBoleta)},
		{words: "Voucher como boleta", detail: "con tarjeta no se emite", opens: true, do: take(sale.ModeloVoucher)},
	}))
}
