package central

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Membership is a company as one of its people sees it at the door.
type Membership struct {
	Company  int64
	Name     string
	RUT      dte.RUT
	RoleName string
	IsActive bool
	MaxUsers int32
	// Permissions of the role there; nil if the company is closed or has no such role.
	Permissions map[string]any
}

// Memberships are the companies that the holder of a session belongs to. Each company keeps its own roles, so each is asked.
func (db *DB) Memberships(ctx context.Context, session uuid.UUID) (account Account, list []Membership, err error) {
	var tenants []Tenant
	err = db.Enter(ctx, session, func(c *Call) error {
		account = c.Account
		list, tenants, err = c.memberships()
		return err
	})
	if err != nil {
		return account, nil, err
	}
	for i := range list {
		if !list[i].IsActive {
			continue
		}
		err := db.InTenant(ctx, tenants[i], func(tx pgx.Tx) error {
			err := tx.QueryRow(ctx, "select permissions from role where name = $1", list[i].RoleName).Scan(&list[i].Permissions)
			if errNoRow(err) {
				return nil
			}
			return err
		})
		if err != nil {
			return account, nil, err
		}
	}
	return account, list, nil
}

func (c *Call) memberships() (list []Membership, tenants []Tenant, err error) {
	rows, err := c.tx.Query(c.ctx, `select c.id, c.name, c.rut, m.role_name, c.is_active and m.is_active,
			coalesce(c.max_users_override, p.max_users, $2), c.schema_name, c.role_name
		from membership m join company c on c.id = m.company_id left join plan p on p.id = c.plan_id
		where m.account_id = $1 and c.state = 'ready' order by c.name, c.id`, c.Account.ID, defaultMaxUsers)
	if err != nil {
		return nil, nil, err
	}
	var m Membership
	var t Tenant
	var rut int32
	_, err = pgx.ForEachRow(rows, []any{&m.Company, &m.Name, &rut, &m.RoleName, &m.IsActive, &m.MaxUsers, &t.Schema, &t.Role}, func() error {
		m.RUT, t.ID = dte.RUT(rut), m.Company
		list, tenants = append(list, m), append(tenants, t)
		return nil
	})
	return list, tenants, err
}
