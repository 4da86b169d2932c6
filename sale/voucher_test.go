package sale_test

import (
	"fmt"
	"testing"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// Which document a sale gets: by the shop's model, by what is sold, and by every mix of two means of payment.
func TestModeloDecidesTheDocument(t *testing.T) {
	for _, modelo := range []sale.Modelo{"", sale.ModeloBoleta, sale.ModeloVoucher} {
		for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura} {
			for _, first := range counterMethods {
				x := newTill(t)
				x.withCredit()
				must(t, x.deps.Journal.SetModelo(modelo, x.deps.Now()))
				x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(11_900), Exento: tipo == dte.BoletaExenta})
				for _, second := range append([]sale.Method{""}, counterMethods...) {
					r, s := x.paidBy(tipo, first, second)
					cards := first.Card() && (second == "" || second.Card())
					want := tipo
					if cards && modelo == sale.ModeloVoucher && tipo.EsBoleta() {
						want = sale.Comprobante
					}
					name := fmt.Sprintf("model %q, %s, %s and %q", modelo, tipo, first, second)
					if r.Key.Tipo != want || s.ByVoucher != (want == sale.Comprobante) {
						t.Errorf("%s: issued %s (announced %v), want %s", name, r.Key.Tipo, s.ByVoucher, want)
					}
					if asks := cards && modelo == "" && tipo.EsBoleta(); s.AskModelo != asks {
						t.Errorf("%s: asks for the model %v, want %v", name, s.AskModelo, asks)
					}
				}
			}
		}
	}
}

func (c *counter) paidBy(tipo dte.TipoDTE, first, second sale.Method) (sale.Record, sale.Snapshot) {
	t := c.t
	t.Helper()
	scan(t, c.register, "A")
	must(t, c.register.SetReceptor(buyer()))
	if tipo == dte.Factura {
		must(t, c.register.SetTipo(tipo))
	}
	must(t, c.register.Charge())
	if second == "" {
		must(t, c.register.Pay(tenderOf(first, 0)))
	} else {
		must(t, c.register.Pay(tenderOf(first, 1000)))
		must(t, c.register.Pay(tenderOf(second, 0)))
	}
	s := c.register.Snapshot()
	r, err := c.register.Issue()
	must(t, err)
	if again, err := c.deps.Journal.Sale(r.ID); err != nil || again.Key != r.Key {
		t.Errorf("kept %v, %v", again.Key, err)
	}
	c.register.Next()
	return r, s
}
