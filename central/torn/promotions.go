package torn

import "mostrador/central"

func promotionRoutes() []route {
	put := in("PUT", "/price-rules/", "Reemplazar las reglas de precio de todas las cajas", holding(central.EditProducts), 200, setPromotions)
	put.notes = "El texto es el archivo de reglas que también se carga a mano en una caja. Todas las reglas deben servir; si una está mala no se cambia nada. " +
		"Un texto vacío quita todas. Las cajas las toman entre dos ventas, en lugar de las suyas."
	return tagged("listas de precios",
		in("GET", "/price-rules/", "Las reglas de precio y promociones, como se escribieron", people, 200, func(c *central.Call, _ none) (promotionsOut, error) {
			return promotionsOf(c.Promotions())
		}),
		put,
	)
}

type promotionsOut struct {
	Texto     string    `json:"texto"`
	Reglas    int       `json:"reglas" doc:"Cuántas son"`
	UpdatedAt *Instante `json:"updated_at" doc:"null: nadie las ha escrito, y cada caja usa las suyas"`
}

func promotionsOf(p central.Promotions, err error) (promotionsOut, error) {
	return promotionsOut{p.Text, p.Rules, (*Instante)(p.UpdatedAt)}, err
}

func setPromotions(c *central.Call, in struct {
	Body struct {
		Texto string `json:"texto" required:"true" maxLength:"900000"`
	}
},
) (promotionsOut, error) {
	return promotionsOf(c.SetPromotions(in.Body.Texto))
}
