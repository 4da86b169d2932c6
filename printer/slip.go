package printer

import (
	"fmt"
	"strings"

	"mostrador/dte"
	"mostrador/sale"
)

// AbonoSlip is the paper of a payment of account: who paid how much of what he owed, and what he owes now. It is no fiscal
// document and says so.
func AbonoSlip(m sale.Movement, shop sale.Shop, paper Paper) (Layout, error) {
	if m.Kind != sale.MovePaid {
		return Layout{}, fmt.Errorf("%w: el movimiento no es un abono", ErrNotCommitted)
	}
	if !paper.known() {
		return Layout{}, fmt.Errorf("no hay rollos de %d puntos de ancho: elija 58 u 80 mm", paper)
	}
	t := newSlip(shop, paper)
	t.text("COMPROBANTE DE ABONO", Text{Align: Center, Bold: true, Size: Tall})
	t.text("No es boleta ni documento tributario", Text{Align: Center})
	t.add(Rule{})
	at := m.At.In(dte.Santiago)
	t.pair("Fecha: "+fecha(dte.DateOf(at)), "Hora: "+at.Format("15:04"), Text{})
	if m.Shift > 0 {
		t.pair("Caja: "+legible(shop.Caja), fmt.Sprintf("Turno: %d", m.Shift), Text{})
	}
	t.text("Cliente: "+m.Name, Text{})
	if rut, err := dte.ParseRUT(strings.TrimPrefix(string(m.Account), sale.CreditAccounts)); err == nil {
		t.text("R.U.T.: "+rut.Dotted(), Text{})
	}
	t.add(Rule{})
	t.pair("Debía", pesos(m.Owes()-m.Amount), Text{})
	t.pair("Pagó con "+strings.ToLower(methodName(m.Method)), pesos(m.Received), Text{Bold: true})
	if rounding := m.Received + m.Amount; rounding != 0 {
		t.pair("Redondeo Ley 20.956", pesos(rounding), Text{})
	}
	if m.Reference != "" {
		t.text("Operación: "+m.Reference, Text{})
	}
	t.pair("DEBE AHORA", pesos(m.Owes()), Text{Bold: true, Size: Tall})
	if m.Who != "" {
		t.text("Recibió: "+m.Who, Text{})
	}
	t.gap()
	t.text(fmt.Sprintf("Movimiento N° %d de esta cuenta", m.N), Text{Align: Center})
	return Layout{Paper: paper, Items: t.items}, nil
}

// newSlip begins a paper that is no document.
func newSlip(shop sale.Shop, paper Paper) *ticket {
	t := &ticket{Job: Job{Shop: shop}, paper: paper, columns: paper.Columns()}
	t.banner()
	t.text(shop.Emisor.RznSoc, Text{Align: Center, Bold: true})
	t.text("R.U.T.: "+shop.Emisor.RUT.Dotted(), Text{Align: Center})
	t.gap()
	return t
}

// slipTitles are the slips by their type.
var slipTitles = map[dte.TipoDTE]string{
	sale.Cambio: "CAMBIO SIN DIFERENCIA", sale.DevolucionComprobante: "DEVOLUCIÓN", sale.DevolucionSinBoleta: "DEVOLUCIÓN SIN BOLETA",
}

// KeptSlip is the paper of what came back without a document of the SII: what, why, and what was given for it. A vale has
// its code on it.
func KeptSlip(r sale.Record, shop sale.Shop, paper Paper) (Layout, error) {
	if !sale.IsSlip(r.Key.Tipo) || r.Key.Folio == 0 {
		return Layout{}, fmt.Errorf("%w: no es un comprobante interno", ErrNotCommitted)
	}
	if !paper.known() {
		return Layout{}, fmt.Errorf("no hay rollos de %d puntos de ancho: elija 58 u 80 mm", paper)
	}
	t := newSlip(shop, paper)
	t.text(slipTitles[r.Key.Tipo], Text{Align: Center, Bold: true, Size: Tall})
	t.text("N° "+r.Key.Folio.String(), Text{Align: Center, Bold: true})
	t.text("No es boleta ni documento tributario", Text{Align: Center})
	t.add(Rule{})
	at := r.At.In(dte.Santiago)
	t.pair("Fecha: "+fecha(dte.DateOf(at)), "Hora: "+at.Format("15:04"), Text{})
	t.text("Motivo: "+legible(r.Reason), Text{})
	for _, l := range r.Returned {
		t.text(fmt.Sprintf("Vuelve de %s %d, línea %d: %s", noun(l.Of.Tipo), l.Of.Folio, l.Line, l.Qty), Text{})
	}
	t.add(Rule{})
	for _, l := range r.Lines {
		t.pair(l.Qty.String()+" "+legible(l.Nombre), pesos(l.Total), Text{})
	}
	t.keptPayment(r)
	return Layout{Paper: paper, Items: t.items}, nil
}

// VoucherCopy is a paper of a sale whose boleta is the voucher of the card terminal: what was sold, and which operation paid it. It
// is no boleta, which came out of the terminal, and always a copy with its number.
func VoucherCopy(r sale.Record, shop sale.Shop, paper Paper, n int) (Layout, error) {
	switch {
	case r.Key.Tipo != sale.Comprobante || r.Key.Folio == 0 || n < 1:
		return Layout{}, fmt.Errorf("%w: no es una copia de una venta con comprobante de tarjeta", ErrNotCommitted)
	case !paper.known():
		return Layout{}, fmt.Errorf("no hay rollos de %d puntos de ancho: elija 58 u 80 mm", paper)
	}
	t := newSlip(shop, paper)
	t.text("VENTA CON TARJETA", Text{Align: Center, Bold: true, Size: Tall})
	t.text("N° "+r.Key.Folio.String(), Text{Align: Center, Bold: true})
	t.text(fmt.Sprintf("COPIA %d", n), Text{Align: Center, Bold: true})
	t.text("No es boleta: lo es el comprobante del terminal", Text{Align: Center})
	t.add(Rule{})
	at := r.At.In(dte.Santiago)
	t.pair("Fecha: "+fecha(dte.DateOf(at)), "Hora: "+at.Format("15:04"), Text{})
	for _, l := range r.Lines {
		t.pair(l.Qty.String()+" "+legible(l.Nombre), pesos(l.Total), Text{})
	}
	t.pair("TOTAL", pesos(r.Total), Text{Bold: true, Size: Tall})
	for _, x := range r.Payment.Tenders {
		t.pair(strings.ToUpper(methodName(x.Method)), pesos(x.Amount), Text{})
		if x.Reference != "" {
			t.text("Operación: "+legible(x.Reference), Text{})
		}
	}
	if r.Who != "" {
		t.text("Atendió: "+legible(r.Who), Text{})
	}
	return Layout{Paper: paper, Items: t.items}, nil
}

// keptPayment is what was given for it, and who allowed it.
func (t *ticket) keptPayment(r sale.Record) {
	for _, x := range r.Payment.Tenders {
		t.pair("DEVUELTO EN "+strings.ToUpper(methodName(x.Method)), pesos(x.Amount), Text{Bold: true})
		if x.Method == sale.Vale {
			t.text("VALE "+x.Reference, Text{Align: Center, Bold: true, Size: Tall})
			t.text("Sirve en esta caja hasta usar su saldo", Text{Align: Center})
		}
	}
	if r.Who != "" {
		t.text("Atendió: "+legible(r.Who), Text{})
	}
	if r.Approved != "" {
		t.text("Autorizó: "+legible(r.Approved), Text{})
	}
}
