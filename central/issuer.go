package central

import (
	"strconv"
	"time"

	"mostrador/dte"
)

// Issuer is the company as its documents name it.
type Issuer struct {
	RUT         dte.RUT
	RazonSocial string
	Giro        string
	Acteco      string
	Direccion   string
	Comuna      string
	Ciudad      string
	Telefono    string
	Email       string
	// The resolution of the SII that lets the company issue.
	ResolucionNro int32
	ResolucionFch *time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// emisor is the company as the format writes it.
func (i Issuer) emisor() dte.Emisor {
	e := dte.Emisor{RUT: i.RUT, RznSoc: i.RazonSocial, Giro: i.Giro, Direccion: i.Direccion, Comuna: i.Comuna, Ciudad: i.Ciudad, Correo: i.Email}
	if i.Telefono != "" {
		e.Telefono = []string{i.Telefono}
	}
	if code, err := strconv.Atoi(i.Acteco); err == nil {
		e.Acteco = []int{code}
	}
	return e
}

const selectIssuer = `select rut, razon_social, giro, acteco, direccion, comuna, ciudad, telefono, email, resolucion_nro, resolucion_fch,
	created_at, updated_at from issuer`

// Issuer of the company.
func (c *Call) Issuer() (Issuer, error) { return c.readIssuer(selectIssuer) }

func (c *Call) readIssuer(sql string, args ...any) (i Issuer, err error) {
	var rut int32
	err = c.tx.QueryRow(c.ctx, sql, args...).Scan(&rut, &i.RazonSocial, &i.Giro, &i.Acteco, &i.Direccion, &i.Comuna, &i.Ciudad, &i.Telefono,
		&i.Email, &i.ResolucionNro, &i.ResolucionFch, &i.CreatedAt, &i.UpdatedAt)
	if errNoRow(err) {
		return i, refuse(NotFound, "Emisor no configurado. Use PUT /issuer/ para registrarlo.")
	}
	i.RUT = dte.RUT(rut)
	return i, err
}

// ChangeIssuer writes what edit leaves. The RUT is the company's for ever: its folios and its certificate are that RUT's.
func (c *Call) ChangeIssuer(edit func(*Issuer)) (Issuer, error) {
	n, err := c.readIssuer(selectIssuer + " for update")
	if isRefusal(err, NotFound) {
		n, err = Issuer{RUT: c.RUT, CreatedAt: c.now}, nil
	}
	if err != nil {
		return n, err
	}
	edit(&n)
	switch {
	case n.RUT != c.RUT:
		return n, refuse(Conflict, "El RUT del emisor es el de la empresa, %s: no se puede cambiar por %s", c.RUT, n.RUT)
	case n.RazonSocial == "":
		return n, refuse(Unprocessable, "Falta la razón social del emisor")
	}
	return c.readIssuer(`insert into issuer (rut, razon_social, giro, acteco, direccion, comuna, ciudad, telefono, email, resolucion_nro,
			resolucion_fch, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
		on conflict (single) do update set razon_social = excluded.razon_social, giro = excluded.giro, acteco = excluded.acteco,
			direccion = excluded.direccion, comuna = excluded.comuna, ciudad = excluded.ciudad, telefono = excluded.telefono,
			email = excluded.email, resolucion_nro = excluded.resolucion_nro, resolucion_fch = excluded.resolucion_fch,
			updated_at = excluded.updated_at
		returning `+columnsOf(selectIssuer), int32(n.RUT), n.RazonSocial, n.Giro, n.Acteco, n.Direccion, n.Comuna, n.Ciudad, n.Telefono,
		n.Email, n.ResolucionNro, n.ResolucionFch, c.now)
}
