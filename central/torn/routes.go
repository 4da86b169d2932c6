package torn

import (
	"slices"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

// routes is the whole API.
func routes() []route {
	return slices.Concat(
		authRoutes(),
		saasRoutes(),
		userRoutes(),
		customerRoutes(),
		productRoutes(),
		stockRoutes(),
		providerRoutes(),
		purchaseRoutes(),
		brandRoutes(),
		priceListRoutes(),
		promotionRoutes(),
		taxRoutes(),
		settingsRoutes(),
		issuerRoutes(),
		cashRoutes(),
		folioRoutes(),
		healthRoutes(),
		salesRoutes(),
		remedyRoutes(),
		tillRoutes(),
		reportRoutes(),
		pageRoutes(),
	)
}

// pageQuery is on every list. Without it a list answers all it has, as Torn's did.
type pageQuery struct {
	Skip     int64     `query:"skip" minimum:"0" doc:"Cuántas filas saltar"`
	Limit    int64     `query:"limit" minimum:"1" maximum:"1000" doc:"Cuántas filas a lo más"`
	IsActive Opt[bool] `query:"is_active" doc:"Solo las activas, o solo las inactivas"`
}

func (q pageQuery) page() central.Page {
	return central.Page{Skip: q.Skip, Limit: q.Limit, IsActive: q.IsActive.Ptr()}
}

// daysQuery is on every list of what happened on a day.
type daysQuery struct {
	FromDate Opt[Fecha] `query:"from_date" doc:"Desde ese día, en Chile"`
	ToDate   Opt[Fecha] `query:"to_date" doc:"Hasta ese día, inclusive"`
}

func (q daysQuery) days() central.Days {
	return central.Days{From: dte.Date(q.FromDate.Value), To: dte.Date(q.ToDate.Value)}
}

func pesosPtr(o Opt[Pesos]) *money.Pesos { return (*money.Pesos)(o.Ptr()) }
