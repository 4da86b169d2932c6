package central

import (
	"cmp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// What the service's own people do with companies. Who calls these methods was let in as a superuser.

// Companies of the service, open and closed, by number.
func (c *Call) Companies(p Page) ([]Company, error) {
	rows, err := c.tx.Query(c.ctx, selectCompany+` where c.state = 'ready' and ($1::boolean is null or c.is_active = $1)
		order by c.id offset $2 limit $3`, p.IsActive, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCompany)
}

// visit goes into a company, open or closed, for the rest of the transaction, and holds it.
func (c *Call) visit(id int64) error {
	err := c.tx.QueryRow(c.ctx, "select id, schema_name, role_name from company where id = $1 and state = 'ready' for no key update", id).
		Scan(&c.Tenant.ID, &c.Tenant.Schema, &c.Tenant.Role)
	if errNoRow(err) {
		return refuse(NotFound, "Tenant not found")
	}
	if err != nil {
		return err
	}
	return c.become(c.Tenant)
}

// visited is the company that the call is in.
func (c *Call) visited() (company Company, err error) {
	err = c.shared(func() error {
		rows, err := c.tx.Query(c.ctx, selectCompany+" where c.id = $1", c.Tenant.ID)
		if err != nil {
			return err
		}
		company, err = pgx.CollectExactlyOneRow(rows, scanCompany)
		return err
	})
	return company, err
}

// ChangeCompany writes what edit leaves, and takes what the company's documents say of it to its issuer.
func (c *Call) ChangeCompany(id int64, edit func(*Company)) (Company, error) {
	if err := c.visit(id); err != nil {
		return Company{}, err
	}
	before, err := c.visited()
	if err != nil {
		return before, err
	}
	n := before
	edit(&n)
	checked := NewCompany{Name: n.Name, BillingDay: n.BillingDay, Actecos: n.Actecos}
	if err := checked.check(); err != nil {
		return before, refuse(Unprocessable, "%s", strings.TrimPrefix(err.Error(), "Error creando el inquilino: "))
	}
	if err := c.writeCompany(before, n, checked); err != nil {
		return before, err
	}
	acteco := ""
	if len(checked.Actecos) > 0 {
		acteco = checked.Actecos[0]
	}
	if _, err := c.tx.Exec(c.ctx, "update issuer set razon_social = $1, direccion = $2, comuna = $3, ciudad = $4, giro = $5, acteco = $6, updated_at = $7",
		checked.Name, n.Address, n.Commune, n.City, n.Giro, acteco, c.now); err != nil {
		return before, err
	}
	return c.visited()
}

func (c *Call) writeCompany(before, n Company, checked NewCompany) error {
	return c.shared(func() error {
		if _, err := c.tx.Exec(c.ctx, `update company set name = $2, is_active = $3, max_users_override = $4, address = $5, commune = $6, city = $7,
				giro = $8, billing_day = $9, actecos = $10 where id = $1`, n.ID, checked.Name, n.IsActive, n.MaxUsersOverride, n.Address, n.Commune,
			n.City, n.Giro, n.BillingDay, checked.Actecos); err != nil {
			return err
		}
		kind := "company changed"
		switch {
		case before.IsActive && !n.IsActive:
			kind = "company closed"
		case !before.IsActive && n.IsActive:
			kind = "company opened"
		}
		return c.note(kind, map[string]any{"name": checked.Name, "max_users": n.MaxUsersOverride})
	})
}

// CloseCompany shuts a company: nobody enters, nothing is lost, and it may be opened again.
func (c *Call) CloseCompany(id int64) error {
	_, err := c.ChangeCompany(id, func(n *Company) { n.IsActive = false })
	return err
}

// Member is an account in a company, seen from the service.
type Member struct {
	ID, CompanyID int64
	RoleName      string
	IsActive      bool
	Account       Account
}

const selectMember = `select m.id, m.company_id, m.role_name, m.is_active, a.id, a.email, a.full_name, a.is_active, a.is_superuser
	from membership m join account a on a.id = m.account_id`

func scanMember(row pgx.CollectableRow) (m Member, err error) {
	err = row.Scan(&m.ID, &m.CompanyID, &m.RoleName, &m.IsActive, &m.Account.ID, &m.Account.Email, &m.Account.FullName, &m.Account.IsActive,
		&m.Account.IsSuperuser)
	return m, err
}

// Members of a company, by number.
func (c *Call) Members(company int64, p Page) (list []Member, err error) {
	if err := c.visit(company); err != nil {
		return nil, err
	}
	err = c.shared(func() error {
		rows, err := c.tx.Query(c.ctx, selectMember+` where m.company_id = $1 and ($2::boolean is null or m.is_active = $2)
			order by m.id offset $3 limit $4`, company, p.IsActive, p.Skip, p.limit())
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanMember)
		return err
	})
	return list, err
}

func (c *Call) member(account int64) (m Member, err error) {
	err = c.shared(func() error {
		rows, err := c.tx.Query(c.ctx, selectMember+" where m.company_id = $1 and m.account_id = $2", c.Tenant.ID, account)
		if err != nil {
			return err
		}
		m, err = pgx.CollectExactlyOneRow(rows, scanMember)
		if errNoRow(err) {
			return refuse(NotFound, "Tenant user link not found")
		}
		return err
	})
	return m, err
}

// AddMember makes an account one of a company's people, with a role of that name.
func (c *Call) AddMember(company int64, n NewPerson, roleName string) (Member, error) {
	if err := c.visit(company); err != nil {
		return Member{}, err
	}
	role, err := c.roleNamed(roleName)
	if err != nil {
		return Member{}, err
	}
	account, err := c.accountFor(n, refuse(Invalid, "Password is required for new core users"))
	if err != nil {
		return Member{}, err
	}
	if _, err := c.member(account.ID); !isRefusal(err, NotFound) {
		return Member{}, cmp.Or(err, error(refuse(Invalid, "El usuario ya pertenece a esta empresa")))
	}
	if _, err := c.enrol(account, n, role); err != nil {
		return Member{}, err
	}
	return c.member(account.ID)
}

func (c *Call) roleNamed(name string) (Role, error) {
	role, err := c.role("name = $1", name)
	if isRefusal(err, NotFound) {
		return role, refuse(Unprocessable, "El rol %q no existe en la empresa", name)
	}
	return role, err
}

// MemberChange is what is to change of a member; nil stays as it is.
type MemberChange struct {
	RoleName, Password, FullName *string
	IsActive                     *bool
}

// ChangeMember changes one of a company's people, by their account. The service may take the company from its owner: the
// next administrator is the owner then.
func (c *Call) ChangeMember(company, account int64, n MemberChange) (Member, error) {
	if err := c.visit(company); err != nil {
		return Member{}, err
	}
	if _, err := c.member(account); err != nil {
		return Member{}, err
	}
	p, err := c.personOf(account)
	if err != nil {
		return Member{}, err
	}
	change := PersonChange{Name: n.FullName, Password: n.Password, IsActive: n.IsActive}
	if n.RoleName != nil {
		role, err := c.roleNamed(*n.RoleName)
		if err != nil {
			return Member{}, err
		}
		change.RoleID = &role.ID
	}
	leaves := n.IsActive != nil && !*n.IsActive || n.RoleName != nil && *n.RoleName != Administrador
	if p.IsOwner && leaves {
		if p.IsOwner, err = c.passOn(p); err != nil {
			return Member{}, err
		}
	}
	if _, err := c.changePerson(p, change); err != nil {
		return Member{}, err
	}
	return c.member(account)
}

// passOn makes another administrator the owner, if there is one.
func (c *Call) passOn(p Person) (stillOwner bool, err error) {
	passed, err := c.tx.Exec(c.ctx, `update person set is_owner = true where id = (select id from person
		where role = $2 and is_active and not is_system and id <> $1 order by id limit 1)`, p.ID, Administrador)
	if err != nil || passed.RowsAffected() == 0 {
		return true, err
	}
	_, err = c.tx.Exec(c.ctx, "update person set is_owner = false where id = $1", p.ID)
	return false, err
}

// What became of the system's person.
const (
	SystemThere    = "already_exists"
	SystemInjected = "injected"
)

// InjectSystemPerson sees to it that a company has the person as whom the service's own people act there.
func (c *Call) InjectSystemPerson(company int64) (status string, of Company, err error) {
	if err := c.visit(company); err != nil {
		return "", of, err
	}
	made, err := c.tx.Exec(c.ctx, insertSystemPerson, Administrador)
	if err != nil {
		return "", of, err
	}
	status = SystemThere
	if made.RowsAffected() == 1 {
		status = SystemInjected
		if err := c.shared(func() error { return c.note("system person added", nil) }); err != nil {
			return "", of, err
		}
	}
	of, err = c.visited()
	return status, of, err
}

const insertSystemPerson = `insert into person (rut, email, name, role, role_id, is_system)
	select '0-0', 'soporte@mostrador', 'Soporte', $1, id, true from role where name = $1 on conflict do nothing`
