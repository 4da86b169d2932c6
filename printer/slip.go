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
	t := &ticket{Job: Job{Shop: shop}, paper: paper, columns: paper.Columns()}
	t.banner()
	t.text(shop.Emisor.RznSoc, Text{Align: Center, Bold: true})
	t.text("R.U.T.: "+shop.Emisor.RUT.Dotted(), Text{Align: Center})
	t.gap()
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
	t.pair("Debía", pesos(m.Balance-m.Amount), Text{})
	t.pair("Pagó con "+strings.ToLower(methodName(m.Method)), pesos(m.Received), Text{Bold: true})
	if rounding := m.Received + m.Amount; rounding != 0 {
		t.pair("Redondeo Ley 20.956", pesos(rounding), Text{})
	}
	if m.Reference != "" {
		t.text("Operación: "+m.Reference, Text{})
	}
	t.pair("DEBE AHORA", pesos(m.Balance), Text{Bold: true, Size: Tall})
	if m.Who != "" {
		t.text("Recibió: "+m.Who, Text{})
	}
	t.gap()
	t.text(fmt.Sprintf("Movimiento N° %d de esta cuenta", m.N), Text{Align: Center})
	return Layout{Paper: paper, Items: t.items}, nil
}
