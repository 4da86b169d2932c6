package torn

import (
	"cmp"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

type returnItemIn struct {
	ProductID int64    `json:"product_id" required:"true"`
	Cantidad  Cantidad `json:"cantidad" required:"true" exclusiveMinimum:"0" maximum:"999999999"`
}

type returnIn struct {
	Key  string `header:"Idempotency-Key" maxLength:"256"`
	Body struct {
		OriginalSaleID int64          `json:"original_sale_id" required:"true"`
		Items          []returnItemIn `json:"items" required:"true" maxItems:"1000"`
		Reason         string         `json:"reason" required:"true" maxLength:"500" doc:"Ajuste si va vacío"`
		ReturnMethodID int64          `json:"return_method_id" required:"true"`
		TipoDTE        int64          `json:"tipo_dte" default:"61"`
		SIIReasonCode  int64          `json:"sii_reason_code" default:"1" minimum:"1" maximum:"3" doc:"1 anula (si se pide solo una parte, la nota sale con 3); 2 corrige texto, sin montos; 3 corrige montos"`
		DondeDice      Opt[string]    `json:"donde_dice" maxLength:"80" doc:"Con el código 2"`
		DebeDecir      Opt[string]    `json:"debe_decir" maxLength:"80" doc:"Con el código 2"`
	}
}

// noReason stands where nobody wrote one.
const noReason = "Ajuste"

func giveBack(c *central.Call, in returnIn) (saleOut, error) {
	b := in.Body
	note := central.NewNote{
		Tipo: dte.TipoDTE(b.TipoDTE), Of: b.OriginalSaleID, Code: dte.CodRef(b.SIIReasonCode), Reason: cmp.Or(b.Reason, noReason), Says: b.DondeDice.Or(""),
		ShouldSay: b.DebeDecir.Or(""), MethodID: b.ReturnMethodID, Key: in.Key,
	}
	for _, i := range b.Items {
		note.Items = append(note.Items, central.SaleItem{ProductID: i.ProductID, Qty: money.Qty(i.Cantidad)})
	}
	note.Request = fingerprint(b)
	made, err := c.Issue(note)
	return saleOf(made), err
}

// sellNote is a note that came as a sale: what it corrects is in its reference, and how the money moves in its payment.
func sellNote(c *central.Call, s central.NewSale) (saleOut, error) {
	switch {
	case !c.May(central.PerformReturns):
		return saleOut{}, &central.RefusalError{Kind: central.Forbidden, Text: refusalOf(central.PerformReturns)}
	case len(s.References) != 1:
		return saleOut{}, &central.RefusalError{Kind: central.Unprocessable, Text: "Un documento de ajuste corrige un solo documento: indique una referencia"}
	case len(s.Payments) > 1:
		return saleOut{}, &central.RefusalError{Kind: central.Unprocessable, Text: "Un documento de ajuste se paga o devuelve en un solo medio"}
	}
	of, err := c.SaleByDocument(s.References[0])
	if err != nil {
		return saleOut{}, err
	}
	if of.Customer.RUT != s.Customer {
		return saleOut{}, &central.RefusalError{Kind: central.Unprocessable, Text: "La venta original es de otro cliente"}
	}
	note := central.NewNote{Tipo: s.Tipo, Of: of.ID, Code: s.References[0].CodRef, Items: s.Items, Reason: cmp.Or(s.Description, noReason), Key: s.Key, Request: s.Request}
	if len(s.Payments) == 1 {
		note.MethodID = s.Payments[0].MethodID
	}
	made, err := c.Issue(note)
	return saleOf(made), err
}
