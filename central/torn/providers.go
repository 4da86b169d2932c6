package torn

import (
	"mostrador/central"
	"mostrador/dte"
)

func providerRoutes() []route {
	edits := holding(central.EditProducts)
	return tagged("proveedores",
		in("POST", "/providers/", "Crear un proveedor", edits, 201, createProvider),
		in("GET", "/providers/", "Los proveedores activos; con is_active=false, los otros", people, 200, func(c *central.Call, in struct{ pageQuery }) ([]providerOut, error) {
			return providersOf(c.Providers(in.page()))
		}),
		in("GET", "/providers/search", "Buscar activos por RUT o nombre", people, 200, func(c *central.Call, in struct {
			Q string `query:"q" maxLength:"200"`
			pageQuery
		},
		) ([]providerOut, error) {
			return providersOf(c.SearchProviders(in.Q, in.page()))
		}),
		in("GET", "/providers/{id}", "Un proveedor", people, 200, func(c *central.Call, in byID) (providerOut, error) {
			return providerOf(c.Provider(in.ID))
		}),
		in("PUT", "/providers/{id}", "Cambiar un proveedor, o volver a activarlo", edits, 200, changeProvider),
		in("DELETE", "/providers/{id}", "Desactivar un proveedor", edits, 200, func(c *central.Call, in byID) (detailOut, error) {
			_, err := c.ChangeProvider(in.ID, func(p *central.Provider) { p.IsActive = false })
			return detailOut{"Proveedor desactivado"}, err
		}),
	)
}

type providerOut struct {
	ID          int64    `json:"id"`
	RUT         RUT      `json:"rut"`
	RazonSocial string   `json:"razon_social"`
	Giro        string   `json:"giro"`
	Direccion   string   `json:"direccion"`
	Email       string   `json:"email"`
	Telefono    string   `json:"telefono"`
	Ciudad      string   `json:"ciudad"`
	IsActive    bool     `json:"is_active"`
	CreatedAt   Instante `json:"created_at"`
	UpdatedAt   Instante `json:"updated_at"`
}

func providerOf(p central.Provider, err error) (providerOut, error) {
	return providerOut{
		ID: p.ID, RUT: RUT(p.RUT), RazonSocial: p.RazonSocial, Giro: p.Giro, Direccion: p.Direccion, Email: p.Email, Telefono: p.Telefono,
		Ciudad: p.Ciudad, IsActive: p.IsActive, CreatedAt: Instante(p.CreatedAt), UpdatedAt: Instante(p.UpdatedAt),
	}, err
}

func providersOf(list []central.Provider, err error) ([]providerOut, error) {
	out := make([]providerOut, len(list))
	for i, p := range list {
		out[i], _ = providerOf(p, nil)
	}
	return out, err
}

func createProvider(c *central.Call, in struct {
	Body struct {
		RUT         RUT         `json:"rut" required:"true"`
		RazonSocial string      `json:"razon_social" required:"true" minLength:"1" maxLength:"200"`
		Giro        Opt[string] `json:"giro" maxLength:"200"`
		Direccion   Opt[string] `json:"direccion" maxLength:"200"`
		Email       Opt[string] `json:"email" maxLength:"254"`
		Telefono    Opt[string] `json:"telefono" maxLength:"50"`
		Ciudad      Opt[string] `json:"ciudad" maxLength:"100"`
	}
},
) (providerOut, error) {
	b := in.Body
	return providerOf(c.CreateProvider(central.Provider{
		RUT: dte.RUT(b.RUT), RazonSocial: b.RazonSocial, Giro: b.Giro.Or(""), Direccion: b.Direccion.Or(""), Email: b.Email.Or(""),
		Telefono: b.Telefono.Or(""), Ciudad: b.Ciudad.Or(""),
	}))
}

func changeProvider(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		RUT         Opt[RUT]    `json:"rut"`
		RazonSocial string      `json:"razon_social" minLength:"1" maxLength:"200"`
		Giro        Opt[string] `json:"giro" maxLength:"200"`
		Direccion   Opt[string] `json:"direccion" maxLength:"200"`
		Email       Opt[string] `json:"email" maxLength:"254"`
		Telefono    Opt[string] `json:"telefono" maxLength:"50"`
		Ciudad      Opt[string] `json:"ciudad" maxLength:"100"`
		IsActive    Opt[bool]   `json:"is_active"`
	}
},
) (providerOut, error) {
	b := in.Body
	return providerOf(c.ChangeProvider(in.ID, func(p *central.Provider) {
		b.RUT.Into((*RUT)(&p.RUT))
		if b.RazonSocial != "" {
			p.RazonSocial = b.RazonSocial
		}
		rewrite(b.Giro, &p.Giro)
		rewrite(b.Direccion, &p.Direccion)
		rewrite(b.Email, &p.Email)
		rewrite(b.Telefono, &p.Telefono)
		rewrite(b.Ciudad, &p.Ciudad)
		b.IsActive.Into(&p.IsActive)
	}))
}
