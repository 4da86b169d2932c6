package torn

import (
	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

func purchaseRoutes() []route {
	edits := holding(central.EditProducts)
	return tagged("compras",
		in("POST", "/purchases/", "Ingresar una compra: sube el stock y fija el costo", edits, 201, func(c *central.Call, in purchaseIn) (purchaseOut, error) {
			return purchaseOf(c.Buy(in.purchase()))
		}),
		in("GET", "/purchases/", "Las compras, lo más nuevo primero", people, 200, listPurchases),
		in("GET", "/purchases/{id}", "Una compra", people, 200, func(c *central.Call, in byID) (purchaseOut, error) {
			return purchaseOf(c.Purchase(in.ID))
		}),
		in("PUT", "/purchases/{id}", "Corregir una compra entera", edits, 200, func(c *central.Call, in struct {
			ID int64 `path:"id"`
			purchaseIn
		},
		) (purchaseOut, error) {
			return purchaseOf(c.ChangePurchase(in.ID, in.purchase()))
		}),
		in("DELETE", "/purchases/{id}", "Eliminar una compra: baja el stock y vuelve el costo anterior", edits, 204, func(c *central.Call, in byID) (none, error) {
			return none{}, c.RemovePurchase(in.ID)
		}),
	)
}

type purchaseItemIn struct {
	ProductID int64    `json:"product_id" required:"true"`
	Cantidad  Cantidad `json:"cantidad" required:"true" exclusiveMinimum:"0" maximum:"999999999"`
	Costo     Costo    `json:"precio_costo_unitario" required:"true" minimum:"0" maximum:"999999999999"`
}

type purchaseIn struct {
	Body struct {
		ProviderID  int64            `json:"provider_id" required:"true"`
		Items       []purchaseItemIn `json:"items" required:"true" minItems:"1" maxItems:"1000"`
		Tipo        string           `json:"tipo_documento" default:"FACTURA" enum:"FACTURA,BOLETA,SIN_DOCUMENTO"`
		Folio       Opt[string]      `json:"folio" maxLength:"50"`
		Observacion Opt[string]      `json:"observacion" maxLength:"1000"`
		FechaCompra Opt[Fecha]       `json:"fecha_compra"`
	}
}

func (in purchaseIn) purchase() central.NewPurchase {
	b := in.Body
	n := central.NewPurchase{
		ProviderID: b.ProviderID, Tipo: b.Tipo, Folio: b.Folio.Or(""), Observacion: b.Observacion.Or(""), Fecha: dte.Date(b.FechaCompra.Or(Fecha{})),
	}
	for _, i := range b.Items {
		n.Items = append(n.Items, central.PurchaseItem{ProductID: i.ProductID, Qty: money.Qty(i.Cantidad), Cost: money.Price(i.Costo)})
	}
	return n
}

type purchaseLineOut struct {
	ID            int64      `json:"id"`
	ProductID     int64      `json:"product_id"`
	Cantidad      Cantidad   `json:"cantidad"`
	CostoUnitario Costo      `json:"precio_costo_unitario"`
	Subtotal      Pesos      `json:"subtotal"`
	Product       productOut `json:"product"`
}

type purchaseOut struct {
	ID          int64             `json:"id"`
	ProviderID  int64             `json:"provider_id"`
	Folio       string            `json:"folio"`
	Tipo        string            `json:"tipo_documento"`
	FechaCompra Fecha             `json:"fecha_compra"`
	MontoNeto   Pesos             `json:"monto_neto"`
	IVA         Pesos             `json:"iva"`
	MontoTotal  Pesos             `json:"monto_total"`
	Observacion string            `json:"observacion"`
	CreatedAt   Instante          `json:"created_at"`
	Provider    providerOut       `json:"provider"`
	Details     []purchaseLineOut `json:"details"`
}

func purchaseOf(p central.Purchase, err error) (purchaseOut, error) {
	provider, err := providerOf(p.Provider, err)
	out := purchaseOut{
		ID: p.ID, ProviderID: p.Provider.ID, Folio: p.Folio, Tipo: p.Tipo, FechaCompra: Fecha(p.Fecha), MontoNeto: Pesos(p.Neto), IVA: Pesos(p.IVA),
		MontoTotal: Pesos(p.Total), Observacion: p.Observacion, CreatedAt: Instante(p.CreatedAt), Provider: provider, Details: []purchaseLineOut{},
	}
	for _, l := range p.Lines {
		out.Details = append(out.Details, purchaseLineOut{l.ID, l.Product.ID, Cantidad(l.Qty), Costo(l.Cost), Pesos(l.Subtotal), productOf(l.Product)})
	}
	return out, err
}

func listPurchases(c *central.Call, in struct {
	pageQuery
	daysQuery
},
) ([]purchaseOut, error) {
	list, err := c.Purchases(in.page(), in.days())
	out := make([]purchaseOut, len(list))
	for i, p := range list {
		out[i], _ = purchaseOf(p, nil)
	}
	return out, err
}
