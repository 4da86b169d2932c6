package torn

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

func salesRoutes() []route {
	sells := holding(central.PerformSales)
	return tagged("ventas",
		keyed(in("POST", "/sales/", "Vender: stock, folio, documento firmado y pagos en una sola operación", sells, 201, sell)),
		keyed(in("POST", "/sales/return", "Devolver o corregir con una nota de crédito (61) o de débito (56)", holding(central.PerformReturns), 201, giveBack)),
		in("GET", "/sales/", "Las ventas, las últimas primero", people, 200, listSales),
		in("GET", "/sales/payment-methods/", "Los medios de pago", people, 200, func(c *central.Call, in struct{ pageQuery }) ([]central.PaymentMethod, error) {
			return c.PaymentMethods(in.page())
		}),
		in("GET", "/sales/dte-estados", "El estado de los documentos en el SII", people, 200, documentStates),
		in("GET", "/sales/guias-pendientes", "Las guías que faltan por facturar, por cliente", people, 200, pendingGuias),
		keyed(in("POST", "/sales/facturar-guias", "Facturar juntas varias guías de un cliente", sells, 201, invoiceGuias)),
		in("GET", "/sales/{id}", "Una venta, con pagos y estado en el SII", people, 200, getSale),
	)
}

// keyed says that a route takes an Idempotency-Key.
func keyed(r route) route {
	r.notes = "Con la cabecera Idempotency-Key (hasta 256 caracteres) la misma solicitud repetida se hace una vez y devuelve la misma respuesta; " +
		"la misma clave con otra solicitud es 409. Sin ella cada solicitud se hace de nuevo."
	return r
}

type referenceIn struct {
	TipoDocumento string     `json:"tipo_documento" required:"true" maxLength:"3"`
	Folio         string     `json:"folio" required:"true" maxLength:"18"`
	Fecha         string     `json:"fecha" required:"true" minLength:"10" maxLength:"26"`
	SIIReasonCode Opt[int64] `json:"sii_reason_code" minimum:"1" maximum:"3"`
}

type saleItemIn struct {
	ProductID    int64      `json:"product_id" required:"true"`
	Cantidad     Cantidad   `json:"cantidad" required:"true" exclusiveMinimum:"0" maximum:"999999999"`
	Descuento    Opt[Pesos] `json:"descuento" minimum:"0"`
	DescuentoPct Opt[Tasa]  `json:"descuento_pct" minimum:"0" maximum:"1"`
}

type tenderIn struct {
	PaymentMethodID int64       `json:"payment_method_id" required:"true"`
	Amount          Pesos       `json:"amount" required:"true" minimum:"0" maximum:"999999999999"`
	TransactionCode Opt[string] `json:"transaction_code" maxLength:"100"`
}

// transporteIn is how the goods of a guía travel. Without a destination they go to the customer's address.
type transporteIn struct {
	Patente      Opt[string] `json:"patente" maxLength:"8"`
	RUTChofer    Opt[RUT]    `json:"rut_chofer"`
	NombreChofer Opt[string] `json:"nombre_chofer" maxLength:"30"`
	Direccion    Opt[string] `json:"direccion" maxLength:"70"`
	Comuna       Opt[string] `json:"comuna" maxLength:"20"`
	Ciudad       Opt[string] `json:"ciudad" maxLength:"20"`
}

func (t transporteIn) transporte() dte.Transporte {
	return dte.Transporte{
		Patente: t.Patente.Or(""), RUTChofer: dte.RUT(t.RUTChofer.Or(0)), NombreChofer: t.NombreChofer.Or(""), Direccion: t.Direccion.Or(""),
		Comuna: t.Comuna.Or(""), Ciudad: t.Ciudad.Or(""),
	}
}

type saleIn struct {
	Key  string `header:"Idempotency-Key" maxLength:"256"`
	Body struct {
		RUTCliente   RUT                `json:"rut_cliente" required:"true"`
		TipoDTE      int64              `json:"tipo_dte" default:"33"`
		Items        []saleItemIn       `json:"items" required:"true" minItems:"1" maxItems:"1000"`
		Payments     []tenderIn         `json:"payments" required:"true" maxItems:"50"`
		Descripcion  Opt[string]        `json:"descripcion" maxLength:"500"`
		SellerID     Opt[int64]         `json:"seller_id"`
		Referencias  Opt[[]referenceIn] `json:"referencias" maxItems:"40"`
		Descuento    Opt[Pesos]         `json:"descuento" minimum:"0"`
		DescuentoPct Opt[Tasa]          `json:"descuento_pct" minimum:"0" maximum:"1"`
		TipoTraslado Opt[int64]         `json:"tipo_traslado" minimum:"1" maximum:"9"`
		Transporte   Opt[transporteIn]  `json:"transporte"`
	}
}

func sell(c *central.Call, in saleIn) (saleOut, error) {
	b := in.Body
	tipo := dte.TipoDTE(b.TipoDTE)
	if !slices.Contains(central.SaleTipos(), tipo) && !tipo.EsNota() {
		var f faults
		f.value([]any{"body", "tipo_dte"}, b.TipoDTE, "no se emiten documentos de tipo %d", b.TipoDTE)
		return saleOut{}, f
	}
	sale := central.NewSale{
		Tipo: tipo, Customer: dte.RUT(b.RUTCliente), Description: b.Descripcion.Or(""), Discount: money.Pesos(b.Descuento.Or(0)),
		DiscountPct: money.Rate(b.DescuentoPct.Or(0)), Traslado: int(b.TipoTraslado.Or(0)), Key: in.Key,
	}
	for _, i := range b.Items {
		sale.Items = append(sale.Items, central.SaleItem{
			ProductID: i.ProductID, Qty: money.Qty(i.Cantidad), Discount: money.Pesos(i.Descuento.Or(0)), DiscountPct: money.Rate(i.DescuentoPct.Or(0)),
		})
	}
	for _, p := range b.Payments {
		sale.Payments = append(sale.Payments, central.Tender{MethodID: p.PaymentMethodID, Amount: money.Pesos(p.Amount), Code: p.TransactionCode.Or("")})
	}
	sale.Transporte = b.Transporte.Or(transporteIn{}).transporte()
	var err error
	if sale.References, err = references(tipo, b.Referencias.Or(nil)); err != nil {
		// Who may not sell at all, or to nobody, is told that first, as Torn did.
		return saleOut{}, cmp.Or(c.MaySellTo(sale.Customer), err)
	}
	sale.Request = fingerprint(b)
	if tipo.EsNota() {
		return sellNote(c, sale)
	}
	made, err := c.Sell(sale)
	return saleOf(made), err
}

// fingerprint tells a request that is repeated from another one. Values are told as they were read: on the wire a quantity has
// fewer decimals.
func fingerprint(body any) [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%#v", body)) }

// references reads those of a request, with Torn's refusals for notes.
func references(tipo dte.TipoDTE, list []referenceIn) ([]dte.Referencia, error) {
	if tipo.EsNota() && len(list) == 0 {
		return nil, &central.RefusalError{Kind: central.Invalid, Text: fmt.Sprintf("Los documentos de ajuste (DTE %d) requieren obligatoriamente referencias al documento original.", tipo)}
	}
	out := make([]dte.Referencia, 0, len(list))
	var f faults
	for i, r := range list {
		if tipo.EsNota() && (r.TipoDocumento == "" || r.Folio == "" || r.SIIReasonCode.Ptr() == nil) {
			return nil, &central.RefusalError{Kind: central.Invalid, Text: "Las referencias de un documento de ajuste deben incluir tipo_documento, folio y sii_reason_code."}
		}
		day, err := dayIn(r.Fecha)
		if err != nil {
			f.value([]any{"body", "referencias", i, "fecha"}, r.Fecha, "la fecha debe ser AAAA-MM-DD")
		}
		if _, err := strconv.Atoi(r.TipoDocumento); err != nil && r.TipoDocumento != "HES" {
			f.value([]any{"body", "referencias", i, "tipo_documento"}, r.TipoDocumento, "no es un tipo de documento")
		}
		if r.Folio == "" {
			f.value([]any{"body", "referencias", i, "folio"}, r.Folio, "falta el folio")
		}
		out = append(out, dte.Referencia{TpoDocRef: r.TipoDocumento, FolioRef: r.Folio, FchRef: day, CodRef: dte.CodRef(r.SIIReasonCode.Or(0))})
	}
	if len(f) > 0 {
		return nil, f
	}
	return out, nil
}

type referenceOut struct {
	TipoDocumento string     `json:"tipo_documento"`
	Folio         string     `json:"folio"`
	Fecha         Fecha      `json:"fecha"`
	SIIReasonCode dte.CodRef `json:"sii_reason_code"`
}

type saleLineOut struct {
	ProductID      int64      `json:"product_id"`
	Cantidad       Cantidad   `json:"cantidad" doc:"Unidades del producto, también de lo que una caja vendió en paquetes"`
	PrecioUnitario Pesos      `json:"precio_unitario"`
	Descuento      Pesos      `json:"descuento"`
	Subtotal       Pesos      `json:"subtotal"`
	Product        productOut `json:"product"`
	Contenido      Cantidad   `json:"contenido" doc:"Cuántas unidades trae cada una de las que cuenta el documento; 1.0000 si no son paquetes"`
}

type salePaymentOut struct {
	PaymentMethodID int64  `json:"payment_method_id"`
	Code            string `json:"code"`
	Amount          Pesos  `json:"amount"`
	Vuelto          Pesos  `json:"vuelto"`
	Redondeo        Pesos  `json:"redondeo"`
	TransactionCode string `json:"transaction_code"`
}

type saleOut struct {
	ID            int64            `json:"id"`
	Folio         int64            `json:"folio" doc:"0 en lo que una caja hizo sin documento: vea clase y numero"`
	TipoDTE       dte.TipoDTE      `json:"tipo_dte" doc:"48 es un comprobante de tarjeta; desde 900 son comprobantes internos de una caja, que el SII no conoce"`
	Clase         central.Class    `json:"clase" enum:"documento,comprobante,cambio,devolucion-comprobante,devolucion-sin-boleta,comprobante-interno" doc:"Qué respalda la venta"`
	Numero        int64            `json:"numero" doc:"El número propio de la caja de lo que no lleva documento; si no, 0"`
	Caja          string           `json:"caja" doc:"La caja que la hizo; vacía si fue el servidor"`
	Signo         int              `json:"signo" doc:"1 suma a las ventas, -1 resta, 0 no mueve dinero"`
	FechaEmision  Fecha            `json:"fecha_emision"`
	MontoExento   Pesos            `json:"monto_exento"`
	MontoNeto     Pesos            `json:"monto_neto"`
	IVA           Pesos            `json:"iva"`
	MontoTotal    Pesos            `json:"monto_total"`
	Descuento     Pesos            `json:"descuento"`
	Descripcion   string           `json:"descripcion"`
	CreatedAt     Instante         `json:"created_at"`
	RelatedSaleID *int64           `json:"related_sale_id"`
	Vencimiento   Fecha            `json:"fecha_vencimiento"`
	SellerID      int64            `json:"seller_id"`
	EstadoDTE     dte.State        `json:"estado_dte"`
	GlosaSII      string           `json:"glosa_sii"`
	Referencias   []referenceOut   `json:"referencias"`
	Customer      customerOut      `json:"customer"`
	Details       []saleLineOut    `json:"details"`
	Payments      []salePaymentOut `json:"payments"`
}

func saleOf(s central.Sale) saleOut {
	out := saleOut{
		ID: s.ID, Folio: s.Folio, TipoDTE: s.Tipo, Clase: s.Class, Numero: s.Number, Caja: s.Till, Signo: s.Sign, FechaEmision: Fecha(s.Fecha), MontoExento: Pesos(s.Exento), MontoNeto: Pesos(s.Neto),
		IVA: Pesos(s.IVA), MontoTotal: Pesos(s.Total), Descuento: Pesos(s.Descuento), Descripcion: s.Description, CreatedAt: Instante(s.CreatedAt),
		RelatedSaleID: s.RelatedID, SellerID: s.Seller, EstadoDTE: s.State, Customer: customerOf(s.Customer), Referencias: []referenceOut{},
		Details: []saleLineOut{}, Payments: []salePaymentOut{},
	}
	if s.DueDate != nil {
		out.Vencimiento = Fecha(dte.Date{Year: s.DueDate.Year(), Month: s.DueDate.Month(), Day: s.DueDate.Day()})
	}
	if s.Veredicto != nil {
		out.GlosaSII = s.Veredicto.Glosa
	}
	for _, r := range s.References {
		out.Referencias = append(out.Referencias, referenceOut{r.TpoDocRef, r.FolioRef, Fecha(r.FchRef), r.CodRef})
	}
	for _, l := range s.Lines {
		out.Details = append(out.Details, saleLineOut{
			l.ProductID, Cantidad(l.Units()), Pesos(l.UnitPrice()), Pesos(l.Discount), Pesos(l.Subtotal), productOf(l.Product), Cantidad(l.Contenido),
		})
	}
	for _, p := range s.Payments {
		out.Payments = append(out.Payments, salePaymentOut{p.MethodID, p.Code, Pesos(p.Tendered), Pesos(p.Change), Pesos(p.Rounding), p.Transaction})
	}
	return out
}

type saleID struct {
	ID int64 `path:"id"`
}

func getSale(c *central.Call, in saleID) (saleOut, error) {
	s, err := c.Sale(in.ID)
	return saleOf(s), err
}
