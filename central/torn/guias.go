package torn

import (
	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

func pendingGuias(c *central.Call, in struct {
	historyQuery
	Customer Opt[RUT] `query:"customer" doc:"RUT del cliente"`
},
) ([]saleOut, error) {
	return salesOf(c.PendingGuias(dte.RUT(in.Customer.Or(0)), in.page(), in.days()))
}

type guiasIn struct {
	Key  string `header:"Idempotency-Key" maxLength:"256"`
	Body struct {
		Guias       []int64     `json:"guias" required:"true" minItems:"1" maxItems:"40" doc:"Los números de venta de las guías"`
		TipoDTE     int64       `json:"tipo_dte" default:"33"`
		Payments    []tenderIn  `json:"payments" required:"true" maxItems:"50"`
		Descripcion Opt[string] `json:"descripcion" maxLength:"500"`
	}
}

func invoiceGuias(c *central.Call, in guiasIn) (saleOut, error) {
	b := in.Body
	g := central.GuiasToInvoice{IDs: b.Guias, Tipo: dte.TipoDTE(b.TipoDTE), Description: b.Descripcion.Or(""), Key: in.Key}
	for _, p := range b.Payments {
		g.Payments = append(g.Payments, central.Tender{MethodID: p.PaymentMethodID, Amount: money.Pesos(p.Amount), Code: p.TransactionCode.Or("")})
	}
	g.Request = fingerprint(b)
	made, err := c.InvoiceGuias(g)
	return saleOf(made), err
}
