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
			UserID string `query:"user_id" doc:"Se acepta y no cambia nada: el turno es de quien pregunta"`
		},
		) (shiftOut, error) {
			return shiftOf(c.CurrentShift())
		}),
		in("GET", "/cash/sessions", "Los turnos propios, los últimos primero; los de todos para quien ve reportes", people, 200, listShifts),
		in("POST", "/cash/movements", "Ingresar o retirar efectivo del turno propio", sells, 201, moveCash),
		in("GET", "/cash/movements", "Los ingresos y retiros de un turno", people, 200, cashMovements),
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

type sessionOut struct {
	shiftOut
	User central.Person `json:"user"`
}

func listShifts(c *central.Call, in struct {
	pageQuery
	daysQuery
},
) ([]sessionOut, error) {
	list, err := c.Shifts(in.page(), in.days())
	out := make([]sessionOut, len(list))
	for i, s := range list {
		shift, _ := shiftOf(s.Shift, nil)
		out[i] = sessionOut{shift, s.Person}
	}
	return out, err
}

type cashMovementOut struct {
	ID        int64    `json:"id"`
	SessionID int64    `json:"session_id"`
	Tipo      string   `json:"tipo" doc:"INGRESO o RETIRO"`
	Amount    Pesos    `json:"amount"`
	Reason    string   `json:"reason"`
	CreatedAt Instante `json:"created_at"`
}

func cashMovementOf(m central.CashMovement) cashMovementOut {
	out := cashMovementOut{m.ID, m.ShiftID, "INGRESO", Pesos(m.Amount), m.Reason, Instante(m.CreatedAt)}
	if m.Amount < 0 {
		out.Tipo, out.Amount = "RETIRO", -out.Amount
	}
	return out
}

func moveCash(c *central.Call, in struct {
	Body struct {
		Tipo   string `json:"tipo" required:"true" enum:"INGRESO,RETIRO"`
		Amount Pesos  `json:"amount" required:"true" minimum:"1" maximum:"999999999999"`
		Reason string `json:"reason" required:"true" minLength:"1" maxLength:"200"`
	}
},
) (cashMovementOut, error) {
	amount := money.Pesos(in.Body.Amount)
	if in.Body.Tipo == "RETIRO" {
		amount = -amount
	}
	made, err := c.MoveCash(amount, in.Body.Reason)
	return cashMovementOf(made), err
}

func cashMovements(c *central.Call, in struct {
	pageQuery
	daysQuery
	SessionID int64 `query:"session_id" minimum:"1" doc:"El turno; sin él, el abierto propio"`
},
) ([]cashMovementOut, error) {
	if in.SessionID == 0 {
		open, err := c.CurrentShift()
		if err != nil {
			return nil, err
		}
		in.SessionID = open.ID
	}
	list, err := c.CashMovements(in.SessionID, in.page(), in.days())
	out := make([]cashMovementOut, len(list))
	for i, m := range list {
		out[i] = cashMovementOf(m)
	}
	return out, err
}
