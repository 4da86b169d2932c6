package saletest

import (
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// RunVouchers is the suite of a Journal's sales without document: those whose card voucher is their boleta.
func RunVouchers(t *testing.T, open Open) {
	run(t, stocked(open, 9, dte.Boleta), []piece[*part]{
		{"keeps the shop's model", keepsModelo},
		{"keeps a sale without document, once", keepsVoucher},
		{"refuses what cards did not pay", refusesVoucher},
	})
}

func byCard(id sale.ID, at time.Time, total money.Pesos, m sale.Method) sale.Record {
	return sale.Record{
		ID: id, At: at, Caja: Shop().Caja, Key: dte.Key{Emisor: Shop().Emisor.RUT, Tipo: sale.Comprobante}, Total: total,
		Lines:   []sale.Line{{Codigo: "A1", Nombre: "Pan", Qty: money.One, Prc: money.PerUnit(total), Total: total}},
		Payment: sale.Payment{Tenders: []sale.Tender{{Method: m, Amount: total, Received: total, Reference: "004512"}}},
	}
}

func keepsModelo(p *part) {
	for _, m := range []sale.Modelo{sale.ModeloVoucher, sale.ModeloBoleta} {
		p.wantErr("SetModelo", p.j.SetModelo(m, Now), nil)
		got, err := p.j.Modelo()
		p.want("modelo", []any{got, err}, []any{m, error(nil)})
	}
	p.want("an unknown one is refused", p.j.SetModelo("nunca", Now) != nil, true)
}

func keepsVoucher(p *part) {
	_, err := p.j.OpenShift(Now, "", 0)
	p.wantErr("OpenShift", err, nil)
	p.wantErr("SaveCart", p.j.SaveCart(sale.Cart{ID: "s1"}), nil)
	for range 2 {
		r, err := p.j.KeepVoucher(byCard("s1", Now, 1990, sale.Debito))
		p.wantErr("KeepVoucher", err, nil)
		p.want("its number and shift", []any{r.Key, r.Shift}, []any{dte.Key{Emisor: Shop().Emisor.RUT, Tipo: sale.Comprobante, Folio: 1}, 1})
	}
	second, err := p.j.KeepVoucher(byCard("s2", Now.Add(time.Hour), 10, sale.Credito))
	p.want("the next number", []any{second.Key.Folio, err}, []any{dte.Folio(2), error(nil)})
	found, err := p.j.Sale("s1")
	p.want("found by its ID", []any{found.Total, found.Payment.Tenders[0].Reference, err}, []any{money.Pesos(1990), "004512", error(nil)})
	p.want("issued under the same ID it is that sale", p.issue("s1", dte.Boleta, 1990).Key.Tipo, sale.Comprobante)
	p.left(dte.Boleta, 9)
	boleta := p.issue("s3", dte.Boleta, 500)
	again, err := p.j.KeepVoucher(byCard("s3", Now, 500, sale.Debito))
	p.want("kept under the ID of a boleta it is that boleta", []any{again.Key, err}, []any{boleta.Key, error(nil)})
	cart, err := p.j.LoadCart()
	p.want("its cart is gone", []any{cart.ID, err}, []any{sale.ID(""), error(nil)})
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("by type", shift.ByType, map[string]money.Pesos{"48": 2000, "39": 500})
	p.want("paid", shift.Paid, map[sale.Method]money.Pesos{sale.Debito: 1990, sale.Credito: 10, sale.Efectivo: 500})
	list, err := p.j.Vouchers(Now, Now.Add(time.Hour))
	p.want("of that hour", []any{len(list), list[0].ID, err}, []any{1, sale.ID("s1"), error(nil)})
}

func refusesVoucher(p *part) {
	for _, m := range []sale.Method{sale.Efectivo, sale.Transferencia, sale.Cheque, sale.Vale, sale.Fiado} {
		_, err := p.j.KeepVoucher(byCard("s1", Now, 1990, m))
		p.wantErr(string(m), err, sale.ErrPayment)
	}
	less := byCard("s1", Now, 1990, sale.Debito)
	less.Total = 1991
	_, err := p.j.KeepVoucher(less)
	p.wantErr("paid too little", err, sale.ErrPayment)
	_, err = p.j.Sale("s1")
	p.wantErr("nothing was kept", err, sale.ErrNotFound)
}
