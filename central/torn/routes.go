package torn

import (
	"slices"

	"mostrador/central"
	"mostrador/money"
)

// routes is the whole API.
func routes() []route {
	return slices.Concat(
		authRoutes(),
		customerRoutes(),
		brandRoutes(),
		taxRoutes(),
		settingsRoutes(),
		issuerRoutes(),
		cashRoutes(),
		folioRoutes(),
		healthRoutes(),
		salesRoutes(),
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

func pesosPtr(o Opt[Pesos]) *money.Pesos { return (*money.Pesos)(o.Ptr()) }
