package torn

import (
	"strconv"
	"strings"

	"mostrador/central"
	"mostrador/dte"
)

// historyQuery pages through what grows for ever: never all of it at once.
type historyQuery struct {
	Skip  int64 `query:"skip" minimum:"0" maximum:"100000" doc:"Cuántas filas saltar. Más allá se llega por fechas o, en las ventas, con before"`
	Limit int64 `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Cuántas filas a lo más"`
	daysQuery
}

func (q historyQuery) page() central.Page { return central.Page{Skip: q.Skip, Limit: q.Limit} }

func salesOf(list []central.Sale, err error) ([]saleOut, error) {
	out := make([]saleOut, len(list))
	for i, s := range list {
		out[i] = saleOf(s)
	}
	return out, err
}

func listSales(c *central.Call, in struct {
	historyQuery
	Q        string   `query:"q" maxLength:"100" doc:"Parte del nombre o RUT del cliente o de la descripción, o un folio o número entero"`
	Customer Opt[RUT] `query:"customer" doc:"RUT del cliente"`
	Tipo     int64    `query:"tipo" minimum:"1" maximum:"999" doc:"Tipo de documento; 48 y desde 900, de lo que no lo lleva"`
	Before   int64    `query:"before" minimum:"1" doc:"Solo ventas anteriores a esta: la manera rápida de recorrer una lista larga"`
},
) ([]saleOut, error) {
	return salesOf(c.Sales(central.SaleFilter{
		Page: in.page(), Days: in.days(), Q: in.Q, Customer: dte.RUT(in.Customer.Or(0)), Tipo: dte.TipoDTE(in.Tipo), Before: in.Before,
	}))
}

type documentStateOut struct {
	SaleID    int64       `json:"sale_id"`
	TipoDTE   dte.TipoDTE `json:"tipo_dte"`
	Folio     int64       `json:"folio"`
	Estado    dte.State   `json:"estado"`
	TrackID   string      `json:"track_id"`
	Codigo    string      `json:"codigo_sii"`
	Glosa     string      `json:"glosa_sii"`
	IssuedAt  Instante    `json:"issued_at"`
	UpdatedAt Instante    `json:"updated_at"`
}

func documentStates(c *central.Call, in struct {
	historyQuery
	IDs   string `query:"ids" maxLength:"2000" doc:"Números de venta, separados por comas"`
	State string `query:"state" enum:"issued,enveloped,sending,unknown,sent,accepted,objected,rejected"`
},
) ([]documentStateOut, error) {
	filter := central.DocumentFilter{Page: in.page(), Days: in.days(), State: dte.State(in.State)}
	if in.IDs != "" {
		for _, text := range strings.Split(in.IDs, ",") {
			id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err != nil {
				var f faults
				f.add([]any{"query", "ids"}, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", text)
				return nil, f
			}
			filter.IDs = append(filter.IDs, id)
		}
	}
	list, err := c.DocumentStatuses(filter)
	out := make([]documentStateOut, len(list))
	for i, d := range list {
		out[i] = documentStateOut{SaleID: d.SaleID, TipoDTE: d.Tipo, Folio: d.Folio, Estado: d.State, TrackID: d.TrackID, IssuedAt: Instante(d.IssuedAt), UpdatedAt: Instante(d.UpdatedAt)}
		if d.Veredicto != nil {
			out[i].Codigo, out[i].Glosa = d.Veredicto.Codigo, d.Veredicto.Glosa
		}
	}
	return out, err
}
