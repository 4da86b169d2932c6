package sale_test

import (
	"errors"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
	"mostrador/terminal"
)

// What a card paid goes back in cash where the terminal cannot give it back: all of it in tens, as if the sale had been paid in
// cash, and nothing to the card. As a vale it needs no cash.
func TestCashForACard(t *testing.T) {
	for ending := range 10 {
		for _, mix := range [][]sale.Method{{sale.Credito}, {sale.Debito, sale.Efectivo}, {sale.Transferencia, sale.Credito, sale.Efectivo}} {
			x := newTill(t)
			price := money.Pesos(12_340 + ending)
			x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(price)})
			r := sold(t, x.register, map[string]money.Qty{"A": money.One}, []string{"A"}, mix...)
			whole := sale.Return{ID: "r", Reason: "x", Means: sale.InCash, Lines: []sale.ReturnedLine{back(r.Key, 1, money.One)}}
			total, refund, err := sale.PlanReturn(x.deps, whole)
			must(t, err)
			others := money.Pesos(0)
			for _, tender := range r.Payment.Tenders {
				if tender.Method == sale.Transferencia {
					others += tender.Amount
				}
			}
			want := map[sale.Method]money.Pesos{sale.Efectivo: money.CashPayable(total - others)}
			if others > 0 {
				want[sale.Transferencia] = others
			}
			if got := amounts(refund); !equal(got, want) {
				t.Errorf("%v of $%d gives back %v, want %v", mix, price, got, want)
			}
			asVale := whole
			asVale.AsVale = true
			_, refund, err = sale.PlanReturn(x.deps, asVale)
			must(t, err)
			if got := amounts(refund); got[sale.Efectivo] != 0 || got[sale.Vale] != want[sale.Efectivo] {
				t.Errorf("%v of $%d as a vale: %v", mix, price, got)
			}
			_, err = sale.TakeBack(x.deps, whole)
			must(t, err)
		}
	}
}

// The terminal is not asked for money that could not be followed by a note.
func TestNoRefundWithoutANote(t *testing.T) {
	x := newTill(t)
	boletas := sale.NewMemory()
	caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, dte.Boleta, 1, 50, dtetest.FA())
	must(t, boletas.AddCAF(caf))
	x.deps.Journal, x.deps.Terminal = boletas, true
	x.atTheCard()
	ref, ask, err := x.register.BeginCard(sale.Credito, 0)
	must(t, err)
	x.charged(ref, ask, terminal.Result{State: terminal.Approved, Operation: "1"})
	must(t, x.register.TakeCards())
	r, err := x.register.Issue()
	must(t, err)
	register, err := sale.NewRegister(x.deps)
	must(t, err)
	_, whole, err := register.OpenReturn(r.Key)
	must(t, err)
	whole.Reason, whole.Lines = "x", []sale.ReturnedLine{back(r.Key, 1, money.One)}
	if _, ok, err := register.BeginRefund(whole); ok || !errors.Is(err, sale.ErrNoFolios) || !strings.Contains(err.Error(), "No se devolvió ni se emitió nada") {
		t.Errorf("asked %v, %v", ok, err)
	}
	if kept, err := x.deps.Journal.OpenReturns(); len(kept) != 0 || err != nil {
		t.Errorf("kept %v, %v", kept, err)
	}
}
