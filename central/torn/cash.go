package torn

import (
	"mostrador/central"
	"mostrador/money"
)

func cashRoutes() []route {
	sells := holding(central.PerformSales)
	return tagged("caja",
		in("POST", "/cash/open", "Abrir el turno propio", sells, 200, openCash),
		in("GET", "/cash/status", "El turno abierto propio", people, 200, func(c *central.Call, _ struct {
			UserID int64 `query:"user_id" doc:"Se acepta y no cambia nada: el turno es de quien pregunta"`
		},
		) (shiftOut, error) {
			return shiftOf(c.CurrentShift())
		}),
		in("POST", "/cash/close", "Cerrar el turno propio con lo contado", sells, 200, closeCash),
	)
}

type shiftOut struct {
	ID                int64    `json:"id"`
	UserID            int64    `json:"user_id"`
	StartTime         Instante `json:"start_time"`
	EndTime           Instante `json:"end_time"`
	StartAmount       Pesos    `json:"start_amount"`
	FinalCashSystem   Pesos    `json:"final_cash_system"`
	FinalCashDeclared Pesos    `json:"final_cash_declared"`
	Difference        Pesos    `json:"difference"`
	Status            string   `json:"status"`
}

func shiftOf(s central.Shift, err error) (shiftOut, error) {
	out := shiftOut{
		ID: s.ID, UserID: s.PersonID, StartAmount: Pesos(s.Opening), FinalCashSystem: Pesos(s.System), Difference: Pesos(s.Difference()),
		Status: s.Status,
	}
	if s.Start != nil {
		out.StartTime = Instante(*s.Start)
	}
	if s.End != nil {
		out.EndTime = Instante(*s.End)
	}
	if s.Declared != nil {
		out.FinalCashDeclared = Pesos(*s.Declared)
	}
	return out, err
}

func openCash(c *central.Call, in struct {
	Body struct {
		StartAmount        Pesos      `json:"start_amount" required:"true" minimum:"0" maximum:"999999999999"`
		UserID             Opt[int64] `json:"user_id"`
		ForceClosePrevious bool       `json:"force_close_previous"`
	}
},
) (shiftOut, error) {
	return shiftOf(c.OpenShift(money.Pesos(in.Body.StartAmount), in.Body.ForceClosePrevious))
}

func closeCash(c *central.Call, in struct {
	Body struct {
		FinalCashDeclared Pesos `json:"final_cash_declared" required:"true" minimum:"0" maximum:"999999999999"`
	}
},
) (shiftOut, error) {
	return shiftOf(c.CloseShift(money.Pesos(in.Body.FinalCashDeclared)))
}
