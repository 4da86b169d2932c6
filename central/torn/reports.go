package torn

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

func reportRoutes() []route {
	sees := holding(central.ViewReports)
	return tagged("reportes",
		in("GET", "/reports/dashboard", "Un día de un vistazo", sees, 200, dashboard),
		in("GET", "/stats/summary", "Ventas y margen de hoy, de 7 días y de 30 días", sees, 200, summary),
		in("GET", "/stats/top-products", "Lo más vendido y lo que más dejó", people, 200, topProducts),
		in("GET", "/stats/report", "Ventas y utilidad por producto de un día, una semana o un mes", sees, 200, report),
	)
}

// Numero is an amount of whole pesos as a JSON number: only the dashboard has those.
type Numero int64

// Medida is a quantity as a JSON number.
type Medida money.Qty

// MarshalJSON writes it as the wire has it.
func (m Medida) MarshalJSON() ([]byte, error) { return []byte(money.Qty(m).XML()), nil }

// Schema describes it.
func (Medida) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Examples: []any{2.5}}
}

// Margen is what a sale leaves: "1070954.125000".
type Margen money.Price

// MarshalJSON writes it as the wire has it.
func (m Margen) MarshalJSON() ([]byte, error) { return decimal(int64(m), 6), nil }

// Schema describes it.
func (Margen) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^-?\d+\.\d{6}$`, Description: "Pesos con seis decimales, como texto.", Examples: []any{"1070954.125000"}}
}

// Comienzo is the instant at which a Chilean day begins, with Chile's offset: "2026-11-20T00:00:00-03:00".
type Comienzo dte.Date

// MarshalJSON writes it as the wire has it.
func (c Comienzo) MarshalJSON() ([]byte, error) {
	return json.Marshal(central.Begins(dte.Date(c)).Format(time.RFC3339))
}

// Schema describes it.
func (Comienzo) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-11-20T00:00:00-03:00"}}
}

type kpisOut struct {
	TotalVentas       Numero `json:"total_ventas" doc:"Con IVA, restadas las notas de crédito"`
	TotalNeto         Numero `json:"total_neto"`
	TotalExento       Numero `json:"total_exento"`
	TotalIVA          Numero `json:"total_iva" doc:"El IVA de los documentos, no un porcentaje del total"`
	NumVentas         int64  `json:"num_ventas"`
	TicketPromedio    Numero `json:"ticket_promedio" doc:"De los documentos de venta, sin las notas"`
	NumNotasCredito   int64  `json:"num_notas_credito"`
	TotalNotasCredito Numero `json:"total_notas_credito"`
}

func kpisOf(t central.Totals) kpisOut {
	return kpisOut{
		Numero(t.Total), Numero(t.Neto), Numero(t.Exento), Numero(t.IVA), t.Sales, Numero(t.Ticket()), t.Credits, Numero(t.Credited),
	}
}

type hourOut struct {
	Hora     string `json:"hora"`
	Cantidad int64  `json:"cantidad"`
	Total    Numero `json:"total"`
}

type topOut struct {
	Nombre   string `json:"nombre"`
	SKU      string `json:"sku"`
	Cantidad Medida `json:"cantidad"`
	Total    Numero `json:"total"`
}

type methodSalesOut struct {
	Nombre        string `json:"nombre"`
	Codigo        string `json:"codigo"`
	Transacciones int64  `json:"transacciones"`
	Total         Numero `json:"total"`
}

type openShiftOut struct {
	ID     int64    `json:"id"`
	Inicio Instante `json:"inicio"`
	Fondo  Numero   `json:"fondo"`
}

type dashboardOut struct {
	Fecha         Fecha            `json:"fecha"`
	KPIs          kpisOut          `json:"kpis"`
	VentasPorHora []hourOut        `json:"ventas_por_hora"`
	TopProductos  []topOut         `json:"top_productos"`
	MediosPago    []methodSalesOut `json:"medios_pago"`
	Caja          *openShiftOut    `json:"caja"`
}

func dashboard(c *central.Call, in struct {
	Fecha Fecha `query:"fecha" doc:"El día, AAAA-MM-DD; hoy si falta"`
},
) (dashboardOut, error) {
	d, err := c.Dashboard(dte.Date(in.Fecha))
	out := dashboardOut{
		Fecha: Fecha(d.Day), KPIs: kpisOf(d.Totals),
		VentasPorHora: []hourOut{}, TopProductos: []topOut{}, MediosPago: []methodSalesOut{},
	}
	for _, h := range d.Hours {
		out.VentasPorHora = append(out.VentasPorHora, hourOut{fmt.Sprintf("%02d:00", h.Hour), h.Sales, Numero(h.Total)})
	}
	for _, p := range d.Products {
		out.TopProductos = append(out.TopProductos, topOut{p.Product.FullName(), p.Product.SKU, Medida(p.Qty), Numero(p.Total)})
	}
	for _, m := range d.Methods {
		out.MediosPago = append(out.MediosPago, methodSalesOut{m.Name, m.Code, m.N, Numero(m.Total)})
	}
	if s := d.Shift; s != nil {
		out.Caja = &openShiftOut{s.ID, Instante(*s.Start), Numero(s.Opening)}
	}
	return out, err
}

type periodOut struct {
	SalesTotal  Pesos  `json:"sales_total" doc:"Con IVA, restadas las notas de crédito"`
	SalesCount  int64  `json:"sales_count"`
	MarginTotal Margen `json:"margin_total"`
	IVATotal    Pesos  `json:"iva_total"`
	Period      string `json:"period"`
}

type summaryOut struct {
	Daily   periodOut `json:"daily"`
	Weekly  periodOut `json:"weekly"`
	Monthly periodOut `json:"monthly"`
}

func summary(c *central.Call, _ none) (out summaryOut, err error) {
	for _, p := range []struct {
		out  *periodOut
		days int
		name string
	}{{&out.Daily, 1, "Diario"}, {&out.Weekly, 7, "Semanal"}, {&out.Monthly, 30, "Mensual"}} {
		t, err := c.LastDays(p.days)
		if err != nil {
			return out, err
		}
		*p.out = periodOut{Pesos(t.Total), t.Sales, Margen(t.Margin()), Pesos(t.IVA), p.name}
	}
	return out, nil
}

type bestOut struct {
	ProductID   int64    `json:"product_id"`
	Nombre      string   `json:"nombre"`
	FullName    string   `json:"full_name"`
	TotalQty    Cantidad `json:"total_qty"`
	TotalMargin Margen   `json:"total_margin"`
	TotalSales  Pesos    `json:"total_sales"`
}

type bestsOut struct {
	ByQuantity []bestOut `json:"by_quantity"`
	ByMargin   []bestOut `json:"by_margin"`
}

func topProducts(c *central.Call, in struct {
	Days  int   `query:"days" default:"30" minimum:"1" maximum:"3660" doc:"Cuántos días, hoy incluido"`
	Skip  int64 `query:"skip" minimum:"0"`
	Limit int64 `query:"limit" default:"5" minimum:"1" maximum:"100"`
},
) (out bestsOut, err error) {
	quantity, margin, err := c.TopProducts(in.Days, central.Page{Skip: in.Skip, Limit: in.Limit})
	return bestsOut{bestsOf(quantity), bestsOf(margin)}, err
}

func bestsOf(list []central.ProductSales) []bestOut {
	out := make([]bestOut, len(list))
	for i, s := range list {
		out[i] = bestOut{s.Product.ID, s.Product.Nombre, s.Product.FullName(), Cantidad(s.Qty), Margen(s.Margin), Pesos(s.Total)}
	}
	return out
}

type reportLineOut struct {
	ProductID  int64    `json:"product_id"`
	FullName   string   `json:"full_name"`
	Cantidad   Cantidad `json:"cantidad"`
	MontoTotal Pesos    `json:"monto_total"`
	Utilidad   Margen   `json:"utilidad"`
}

type reportOut struct {
	Fecha         Comienzo        `json:"fecha"`
	Period        string          `json:"period"`
	Desde         Fecha           `json:"desde"`
	Hasta         Fecha           `json:"hasta"`
	TotalVentas   Pesos           `json:"total_ventas" doc:"Con IVA, restadas las notas de crédito"`
	TotalNeto     Pesos           `json:"total_neto"`
	TotalExento   Pesos           `json:"total_exento"`
	TotalIVA      Pesos           `json:"total_iva" doc:"El IVA de los documentos, no un porcentaje del total"`
	TotalUtilidad Margen          `json:"total_utilidad"`
	Items         []reportLineOut `json:"items"`
}

func report(c *central.Call, in struct {
	Period string `query:"period" default:"day" enum:"day,week,month" doc:"El día, la semana de lunes a domingo o el mes de la fecha"`
	Date   Fecha  `query:"date" doc:"AAAA-MM-DD; hoy si falta"`
	Skip   int64  `query:"skip" minimum:"0"`
	Limit  int64  `query:"limit" minimum:"1" maximum:"1000"`
},
) (reportOut, error) {
	day := dte.Date(in.Date)
	if day.IsZero() {
		day = c.Today()
	}
	from, to := central.PeriodOf(in.Period, day)
	t, list, err := c.Report(from, to, central.Page{Skip: in.Skip, Limit: in.Limit})
	out := reportOut{
		Fecha: Comienzo(day), Period: in.Period, Desde: Fecha(from), Hasta: Fecha(to), TotalVentas: Pesos(t.Total), TotalNeto: Pesos(t.Neto),
		TotalExento: Pesos(t.Exento), TotalIVA: Pesos(t.IVA), TotalUtilidad: Margen(t.Margin()), Items: make([]reportLineOut, len(list)),
	}
	for i, s := range list {
		out.Items[i] = reportLineOut{s.Product.ID, s.Product.FullName(), Cantidad(s.Qty), Pesos(s.Total), Margen(s.Margin)}
	}
	return out, err
}
