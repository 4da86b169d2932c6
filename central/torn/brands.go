package torn

import "mostrador/central"

func brandRoutes() []route {
	edits := holding(central.EditProducts)
	return tagged("marcas",
		in("POST", "/brands/", "Crear una marca", edits, 201, func(c *central.Call, in brandIn) (central.Brand, error) {
			return c.CreateBrand(in.Body.Name)
		}),
		in("GET", "/brands/", "Las marcas, por nombre", people, 200, func(c *central.Call, in struct{ pageQuery }) ([]central.Brand, error) {
			return c.Brands(in.page())
		}),
		in("PUT", "/brands/{id}", "Cambiar el nombre de una marca", edits, 200, func(c *central.Call, in struct {
			ID int64 `path:"id"`
			brandIn
		},
		) (central.Brand, error) {
			return c.RenameBrand(in.ID, in.Body.Name)
		}),
		in("DELETE", "/brands/{id}", "Eliminar una marca que ningún producto lleva", edits, 204, func(c *central.Call, in byID) (none, error) {
			return none{}, c.RemoveBrand(in.ID)
		}),
	)
}

// byID is a request about one thing.
type byID struct {
	ID int64 `path:"id"`
}

type brandIn struct {
	Body struct {
		Name string `json:"name" required:"true" minLength:"1" maxLength:"100"`
	}
}
