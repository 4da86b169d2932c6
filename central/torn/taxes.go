package torn

import (
	"mostrador/central"
	"mostrador/money"
)

func taxRoutes() []route {
	admin := holding(central.Administer)
	return tagged("configuración",
		in("GET", "/config/taxes/", "Los impuestos", people, 200, listTaxes),
		in("POST", "/config/taxes/", "Crear un impuesto; si es el por defecto, ningún otro lo sigue siendo", admin, 201, createTax),
		in("PUT", "/config/taxes/{id}", "Cambiar un impuesto", admin, 200, changeTax),
	)
}

func listTaxes(c *central.Call, in struct{ pageQuery }) ([]taxOut, error) {
	list, err := c.Taxes(in.page())
	out := make([]taxOut, len(list))
	for i, t := range list {
		out[i] = taxOf(t)
	}
	return out, err
}

func createTax(c *central.Call, in struct {
	Body struct {
		Name      string    `json:"name" required:"true" minLength:"1" maxLength:"100"`
		Rate      Tasa      `json:"rate" required:"true" minimum:"0" maximum:"1" doc:"Como fracción: 0.19 (IVA) o 0 (exento)"`
		IsActive  Opt[bool] `json:"is_active"`
		IsDefault Opt[bool] `json:"is_default"`
	}
},
) (taxOut, error) {
	b := in.Body
	made, err := c.CreateTax(central.Tax{Name: b.Name, Rate: money.Rate(b.Rate), IsActive: b.IsActive.Or(true), IsDefault: b.IsDefault.Or(false)})
	return taxOf(made), err
}

func changeTax(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Name      string    `json:"name" minLength:"1" maxLength:"100"`
		Rate      Opt[Tasa] `json:"rate" minimum:"0" maximum:"1"`
		IsActive  Opt[bool] `json:"is_active"`
		IsDefault Opt[bool] `json:"is_default"`
	}
},
) (taxOut, error) {
	b := in.Body
	changed, err := c.ChangeTax(in.ID, func(t *central.Tax) {
		if b.Name != "" {
			t.Name = b.Name
		}
		b.Rate.Into((*Tasa)(&t.Rate))
		b.IsActive.Into(&t.IsActive)
		b.IsDefault.Into(&t.IsDefault)
	})
	return taxOf(changed), err
}
