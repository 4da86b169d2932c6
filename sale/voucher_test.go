package sale_test

import (
	"errors"
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

// With the model voucher a sale paid whole by card needs no folio, and nothing else can be paid without one.
func TestAVoucherNeedsNoFolio(t *testing.T) {
	x := newTill(t)
	x.withCredit()
	x.deps.Journal = noFolios{x.deps.Journal}
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(11_900)})
	scan(t, x.register, "A")
	for _, modelo := range []sale.Modelo{"", sale.ModeloBoleta} {
		must(t, x.deps.Journal.SetModelo(modelo, x.deps.Now()))
		if err := x.register.Charge(); !errors.Is(err, sale.ErrNoFolios) {
			t.Errorf("model %q: %v", modelo, err)
		}
	}
	must(t, x.deps.Journal.SetModelo(sale.ModeloVoucher, x.deps.Now()))
	must(t, x.register.SetReceptor(buyer()))
	must(t, x.register.SetTipo(dte.Factura))
	if err := x.register.Charge(); !errors.Is(err, sale.ErrNoFolios) {
		t.Errorf("a factura: %v", err)
	}
	must(t, x.register.SetTipo(0))
	must(t, x.register.Charge())
	for _, m := range counterMethods {
		if err := x.register.Pay(tenderOf(m, 100)); m.Card() != (err == nil) || !m.Card() && !errors.Is(err, sale.ErrNoFolios) {
			t.Errorf("%s: %v", m, err)
		}
	}
	must(t, x.register.Pay(tenderOf(sale.Debito, 0)))
	r, err := x.register.Issue()
	if err != nil || r.Key.Tipo != sale.Comprobante {
		t.Errorf("%s, %v", r.Key, err)
	}
}

// noFolios is a journal whose folios are used up.
type noFolios struct{ sale.Journal }

func (noFolios) FoliosLeft(dte.TipoDTE, dte.Date) (int, error) { return 0, nil }
