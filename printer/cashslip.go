package printer

import (
	"fmt"
	"strings"

	"mostrador/dte"
	"mostrador/sale"
)

// Slips gives what was done at the drawer under a number; sale.ErrNotFound if nothing was. The store is one.
type Slips interface {
	CashMove(n int) (sale.CashMove, error)
}

// CashSlip lays out the paper of cash that came into the drawer or left it, to be signed. It is no fiscal document, and says
// so. An unknown paper is taken for 80 mm.
func CashSlip(m sale.CashMove, shop sale.Shop, paper Paper) Layout {
	if !paper.known() {
		paper = Paper80
	}
	t := &ticket{Job: Job{Shop: shop, Record: sale.Record{Training: m.Training}}, paper: paper, columns: paper.Columns()}
	t.banner()
	t.box(strings.ToUpper(string(m.Kind)) + " DE EFECTIVO")
	t.gap()
	t.text(shop.Emisor.RznSoc, Text{Align: Center, Bold: true})
	t.add(Rule{})
	at := m.At.In(dte.Santiago)
	t.pair("Fecha: "+at.Format("02-01-2006"), "Hora: "+at.Format("15:04"), Text{})
	t.pair("Caja: "+legible(m.Caja), fmt.Sprintf("Turno: %d", m.Shift), Text{})
	t.pair("Movimiento: "+fmt.Sprint(m.N), "", Text{})
	t.text("Motivo: "+m.Why, Text{})
	if m.Who != "" {
		t.text("Hecho por: "+m.Who, Text{})
	}
	if m.Approved != "" {
		t.text("Autorizado por: "+m.Approved, Text{})
	}
	t.gap()
	t.pair("MONTO", "$ "+m.Amount.String(), Text{Bold: true, Size: Double})
	for _, who := range []string{"Entrega", "Recibe"} {
		t.gap()
		t.gap()
		t.add(Text{Text: who + ": " + strings.Repeat("_", t.columns-width(who)-2)})
	}
	t.gap()
	t.text("Comprobante interno. No es un documento tributario.", Text{Align: Center})
	return Layout{Paper: paper, Items: t.items}
}
