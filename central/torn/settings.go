package torn

import "mostrador/central"

func settingsRoutes() []route {
	return tagged("configuración",
		in("GET", "/config/settings/", "Los ajustes de la empresa", people, 200, func(c *central.Call, _ none) (settingsOut, error) {
			return settingsOf(c.Settings())
		}),
		in("PUT", "/config/settings/", "Cambiar los ajustes", holding(central.Administer), 200, changeSettings),
	)
}

type settingsOut struct {
	ID            int64  `json:"id"`
	PrintFormat   string `json:"print_format"`
	IVADefaultID  *int64 `json:"iva_default_id"`
	ControlCaja   bool   `json:"control_caja"`
	DiasCredito   int32  `json:"dias_credito"`
	LimiteCredito Pesos  `json:"limite_credito"`
}

func settingsOf(s central.Settings, err error) (settingsOut, error) {
	return settingsOut{1, s.PrintFormat, s.IVADefaultID, s.CashControl, s.CreditDays, Pesos(s.CreditLimit)}, err
}

func changeSettings(c *central.Call, in struct {
	Body struct {
		PrintFormat   Opt[string] `json:"print_format" enum:"57mm,58mm,80mm,carta"`
		IVADefaultID  Opt[int64]  `json:"iva_default_id" doc:"El mismo impuesto que lleva is_default; 0 es ninguno"`
		ControlCaja   Opt[bool]   `json:"control_caja" doc:"Si es false se vende sin turno abierto"`
		DiasCredito   Opt[int32]  `json:"dias_credito" minimum:"0" maximum:"365"`
		LimiteCredito Opt[Pesos]  `json:"limite_credito" minimum:"0" maximum:"999999999999"`
	}
},
) (settingsOut, error) {
	b := in.Body
	return settingsOf(c.ChangeSettings(func(s *central.Settings) {
		b.PrintFormat.Into(&s.PrintFormat)
		if b.IVADefaultID.Set {
			s.IVADefaultID = someID(b.IVADefaultID)
		}
		b.ControlCaja.Into(&s.CashControl)
		b.DiasCredito.Into(&s.CreditDays)
		b.LimiteCredito.Into((*Pesos)(&s.CreditLimit))
	}))
}

// someID is a number that names something: 0 is how Torn's frontend says none.
func someID(o Opt[int64]) *int64 {
	if o.Or(0) == 0 {
		return nil
	}
	return &o.Value
}
