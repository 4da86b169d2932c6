package torn

import (
	"strings"
	"time"

	"mostrador/central"
	"mostrador/dte"
)

func issuerRoutes() []route {
	return tagged("emisor",
		in("GET", "/issuer/", "La empresa como la nombran sus documentos", people, 200, func(c *central.Call, _ none) (issuerOut, error) {
			return issuerOf(c.Issuer())
		}),
		in("PUT", "/issuer/", "Cambiar los datos del emisor; el RUT es el de la empresa", holding(central.Administer), 200, changeIssuer),
	)
}

type issuerOut struct {
	ID            int64    `json:"id"`
	RUT           RUT      `json:"rut"`
	RazonSocial   string   `json:"razon_social"`
	Giro          string   `json:"giro"`
	Acteco        string   `json:"acteco"`
	Direccion     string   `json:"direccion"`
	Comuna        string   `json:"comuna"`
	Ciudad        string   `json:"ciudad"`
	Telefono      string   `json:"telefono"`
	Email         string   `json:"email"`
	ResolucionNro int32    `json:"resolucion_nro"`
	ResolucionFch Fecha    `json:"resolucion_fch"`
	CreatedAt     Instante `json:"created_at"`
	UpdatedAt     Instante `json:"updated_at"`
}

func issuerOf(i central.Issuer, err error) (issuerOut, error) {
	out := issuerOut{
		ID: 1, RUT: RUT(i.RUT), RazonSocial: i.RazonSocial, Giro: i.Giro, Acteco: i.Acteco, Direccion: i.Direccion, Comuna: i.Comuna,
		Ciudad: i.Ciudad, Telefono: i.Telefono, Email: i.Email, ResolucionNro: i.ResolucionNro, CreatedAt: Instante(i.CreatedAt),
		UpdatedAt: Instante(i.UpdatedAt),
	}
	if i.ResolucionFch != nil {
		out.ResolucionFch = fechaOf(*i.ResolucionFch)
	}
	return out, err
}

// fechaOf is a day as the database keeps it.
func fechaOf(t time.Time) Fecha { return Fecha{Year: t.Year(), Month: t.Month(), Day: t.Day()} }

// ptr is the day as the database takes it; nil for none.
func (f Fecha) ptr() *time.Time {
	if dte.Date(f).IsZero() {
		return nil
	}
	day := time.Date(f.Year, f.Month, f.Day, 0, 0, 0, 0, time.UTC)
	return &day
}

// The lengths are the SII's: what is longer here would keep every document from being issued.
func changeIssuer(c *central.Call, in struct {
	Body struct {
		RUT           Opt[RUT]    `json:"rut"`
		RazonSocial   string      `json:"razon_social" minLength:"1" maxLength:"100"`
		Giro          Opt[string] `json:"giro" maxLength:"80"`
		Acteco        Opt[string] `json:"acteco" maxLength:"6"`
		Direccion     Opt[string] `json:"direccion" maxLength:"70"`
		Comuna        Opt[string] `json:"comuna" maxLength:"20"`
		Ciudad        Opt[string] `json:"ciudad" maxLength:"20"`
		Telefono      Opt[string] `json:"telefono" maxLength:"20"`
		Email         Opt[string] `json:"email" maxLength:"80"`
		ResolucionNro Opt[int32]  `json:"resolucion_nro" minimum:"0" maximum:"999999"`
		ResolucionFch Opt[Fecha]  `json:"resolucion_fch"`
	}
},
) (issuerOut, error) {
	b := in.Body
	if strings.Trim(b.Acteco.Or(""), "0123456789") != "" {
		var f faults
		f.value([]any{"body", "acteco"}, b.Acteco.Value, "el código de actividad son hasta seis cifras")
		return issuerOut{}, f
	}
	return issuerOf(c.ChangeIssuer(func(i *central.Issuer) {
		b.RUT.Into((*RUT)(&i.RUT))
		if b.RazonSocial != "" {
			i.RazonSocial = b.RazonSocial
		}
		rewrite(b.Giro, &i.Giro)
		rewrite(b.Acteco, &i.Acteco)
		rewrite(b.Direccion, &i.Direccion)
		rewrite(b.Comuna, &i.Comuna)
		rewrite(b.Ciudad, &i.Ciudad)
		rewrite(b.Telefono, &i.Telefono)
		rewrite(b.Email, &i.Email)
		b.ResolucionNro.Into(&i.ResolucionNro)
		if b.ResolucionFch.Set {
			i.ResolucionFch = b.ResolucionFch.Or(Fecha{}).ptr()
		}
	}))
}
