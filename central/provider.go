package central

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Provider is who sells to the company.
type Provider struct {
	ID          int64
	RUT         dte.RUT
	RazonSocial string
	Giro        string
	Direccion   string
	Ciudad      string
	Email       string
	Telefono    string
	IsActive    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

const selectProvider = "select id, rut, razon_social, giro, direccion, ciudad, email, telefono, is_active, created_at, updated_at from provider"

func scanProvider(row pgx.CollectableRow) (p Provider, err error) {
	var rut int32
	err = row.Scan(&p.ID, &rut, &p.RazonSocial, &p.Giro, &p.Direccion, &p.Ciudad, &p.Email, &p.Telefono, &p.IsActive, &p.CreatedAt, &p.UpdatedAt)
	p.RUT = dte.RUT(rut)
	return p, err
}

// Providers by number: the active ones, unless others are asked for.
func (c *Call) Providers(p Page) ([]Provider, error) {
	rows, err := c.tx.Query(c.ctx, selectProvider+" where is_active = coalesce($1, true) order by id offset $2 limit $3", p.IsActive, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanProvider)
}

// SearchProviders finds active ones, unless others are asked for, by a part of the RUT, however it is written, or of the name.
func (c *Call) SearchProviders(q string, p Page) ([]Provider, error) {
	q = strings.ToLower(strings.TrimSpace(q))
	rows, err := c.tx.Query(c.ctx, selectProvider+` where is_active = coalesce($5, true) and (lower(razon_social) like '%' || $1 || '%' or $2 <> '' and rut::text like '%' || $2 || '%')
		order by id offset $3 limit $4`, likeLiteral(q), rutDigits(q), p.Skip, p.limit(), p.IsActive)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanProvider)
}

// Provider by number, active or not.
func (c *Call) Provider(id int64) (Provider, error) {
	return c.oneProvider(Provider{}, selectProvider+" where id = $1", id)
}

func (c *Call) oneProvider(n Provider, sql string, args ...any) (Provider, error) {
	rows, err := c.tx.Query(c.ctx, sql, args...)
	if err != nil {
		return n, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanProvider)
	switch {
	case errNoRow(err):
		return n, refuse(NotFound, "Proveedor no encontrado")
	case violates(err, uniqueViolation, "provider_rut_key"):
		return n, refuse(Conflict, "Ya existe un proveedor con RUT %s", n.RUT)
	}
	return p, err
}

// CreateProvider adds one; Conflict if its RUT is there.
func (c *Call) CreateProvider(n Provider) (Provider, error) {
	return c.oneProvider(n, `insert into provider (rut, razon_social, giro, direccion, ciudad, email, telefono, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8) returning `+columnsOf(selectProvider), int32(n.RUT), n.RazonSocial, n.Giro, n.Direccion, n.Ciudad,
		n.Email, n.Telefono, c.now)
}

// ChangeProvider writes what edit leaves.
func (c *Call) ChangeProvider(id int64, edit func(*Provider)) (Provider, error) {
	n, err := c.oneProvider(Provider{}, selectProvider+" where id = $1 for no key update", id)
	if err != nil {
		return n, err
	}
	edit(&n)
	return c.oneProvider(n, `update provider set rut = $2, razon_social = $3, giro = $4, direccion = $5, ciudad = $6, email = $7, telefono = $8,
			is_active = $9, updated_at = $10
		where id = $1 returning `+columnsOf(selectProvider), id, int32(n.RUT), n.RazonSocial, n.Giro, n.Direccion, n.Ciudad, n.Email, n.Telefono,
		n.IsActive, c.now)
}
