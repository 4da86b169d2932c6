package central

import "github.com/jackc/pgx/v5"

const selectRole = `select id, name, description, can_manage_users, can_view_reports, can_edit_products, can_perform_sales, can_perform_returns,
	permissions from role`

// Roles of the company, by number.
func (c *Call) Roles(p Page) ([]Role, error) {
	rows, err := c.tx.Query(c.ctx, selectRole+" order by id offset $1 limit $2", p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Role])
}

// RoleByID is a role of the company.
func (c *Call) RoleByID(id int64) (Role, error) { return c.role("id = $1", id) }

// role is for conditions that are written here.
func (c *Call) role(where string, arg any) (Role, error) {
	rows, err := c.tx.Query(c.ctx, selectRole+" where "+where, arg)
	if err != nil {
		return Role{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Role])
	if errNoRow(err) {
		return r, refuse(NotFound, "Rol no encontrado")
	}
	return r, err
}

// holds says whether the caller has everything that a role gives, so that nobody grants more than they hold.
func (c *Call) holds(r Role) bool {
	if c.May(Administer) {
		return true
	}
	for right := ManageUsers; right <= Administer; right++ {
		if r.Allows(right) && !c.May(right) {
			return false
		}
	}
	for page, granted := range r.Permissions {
		if granted != false && c.Role.Permissions[page] != true {
			return false
		}
	}
	return true
}

// ChangeRole writes what edit leaves. What the administrator may do is not to be changed: a company without one could not
// be mended by its own people.
func (c *Call) ChangeRole(id int64, edit func(*Role)) (Role, error) {
	if err := c.hold(); err != nil {
		return Role{}, err
	}
	before, err := c.RoleByID(id)
	if err != nil {
		return before, err
	}
	r := before
	edit(&r)
	if before.Name == Administrador && (r.Name != before.Name || !r.full()) {
		return before, refuse(Conflict, "El rol %s conserva su nombre y todos sus permisos", Administrador)
	}
	_, err = c.tx.Exec(c.ctx, `update role set name = $2, description = $3, can_manage_users = $4, can_view_reports = $5, can_edit_products = $6,
			can_perform_sales = $7, can_perform_returns = $8, permissions = $9 where id = $1`, id, r.Name, r.Description, r.CanManageUsers,
		r.CanViewReports, r.CanEditProducts, r.CanPerformSales, r.CanPerformReturns, r.Permissions)
	if violates(err, uniqueViolation, "role_name_key") {
		return before, refuse(Conflict, "Ya existe un rol con nombre '%s'", r.Name)
	}
	if err != nil {
		return before, err
	}
	return r, c.renameRole(before, r)
}

// full says whether nothing is taken from the role.
func (r Role) full() bool {
	return r.CanManageUsers && r.CanViewReports && r.CanEditProducts && r.CanPerformSales && r.CanPerformReturns
}

// renameRole takes a new name to wherever the old one is written.
func (c *Call) renameRole(before, r Role) error {
	if r.Name != before.Name {
		if _, err := c.tx.Exec(c.ctx, "update person set role = $2 where role_id = $1", r.ID, r.Name); err != nil {
			return err
		}
	}
	return c.shared(func() error {
		if _, err := c.tx.Exec(c.ctx, "update membership set role_name = $3 where company_id = $1 and role_name = $2", c.Tenant.ID, before.Name, r.Name); err != nil {
			return err
		}
		return c.note("role changed", map[string]any{"role": r.ID, "before": before, "after": r})
	})
}
