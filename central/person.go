package central

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Person is somebody in a company: its own number there, beside the account with which they log in.
type Person struct {
	ID        int64  `json:"id"`
	AccountID *int64 `json:"-"`
	RUT       string `json:"rut"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	RoleName  string `json:"role"`
	RoleID    *int64 `json:"role_id"`
	IsActive  bool   `json:"is_active"`
	IsOwner   bool   `json:"is_owner"`
	Role      *Role  `json:"role_obj"`
	IsSystem  bool   `json:"-"`
}

const selectPerson = `select p.id, p.account_id, p.rut, p.email, p.name, p.role, p.role_id, p.is_active, p.is_owner, p.is_system,
	to_jsonb(r) from person p left join role r on r.id = p.role_id`

func scanPerson(row pgx.CollectableRow) (p Person, err error) {
	var role []byte
	if err := row.Scan(&p.ID, &p.AccountID, &p.RUT, &p.Email, &p.Name, &p.RoleName, &p.RoleID, &p.IsActive, &p.IsOwner, &p.IsSystem,
		&role); err != nil {
		return p, err
	}
	if role != nil {
		err = json.Unmarshal(role, &p.Role)
	}
	return p, err
}

// People of the company, by number: those who work there now unless the page asks otherwise, of one role or of all.
func (c *Call) People(p Page, role string) ([]Person, error) {
	return c.people(selectPerson+` where not p.is_system and p.is_active = coalesce($1, true) and ($2 = '' or p.role = $2)
		order by p.id offset $3 limit $4`, p.IsActive, role, p.Skip, p.limit())
}

// Sellers are who may sell.
func (c *Call) Sellers(p Page) ([]Person, error) {
	return c.people(selectPerson+` where not p.is_system and p.is_active = coalesce($1, true) and (r.can_perform_sales or r.name = $2)
		order by p.id offset $3 limit $4`, p.IsActive, Administrador, p.Skip, p.limit())
}

func (c *Call) people(query string, args ...any) ([]Person, error) {
	rows, err := c.tx.Query(c.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPerson)
}

// NewPerson is somebody who is to work in the company.
type NewPerson struct {
	Email, Name string
	// Password of a new account. The password of an account that is there stays.
	Password string
	RUT      dte.RUT // 0: unknown
	RoleID   int64   // 0: who sells
}

// AddPerson makes somebody one of the company's people, with an account if they have none. Who is one already is returned as
// they are.
func (c *Call) AddPerson(n NewPerson) (Person, error) {
	if strings.TrimSpace(n.Email) == "" {
		return Person{}, refuse(Invalid, "El Email es requerido para el login")
	}
	role, err := c.roleToGive(n.RoleID)
	if err != nil {
		return Person{}, err
	}
	if err := c.hold(); err != nil {
		return Person{}, err
	}
	account, err := c.accountFor(n, refuse(Invalid, "Se requiere una contraseña para nuevos usuarios"))
	if err != nil {
		return Person{}, err
	}
	if there, err := c.personOf(account.ID); !isRefusal(err, NotFound) {
		return there, err
	}
	return c.enrol(account, n, role)
}

// roleToGive finds a role by its number, and refuses one that allows more than the caller may.
func (c *Call) roleToGive(id int64) (Role, error) {
	role, err := c.role("id = $1", id)
	if id == 0 {
		role, err = c.role("name = $1", Vendedor)
	}
	if isRefusal(err, NotFound) {
		return role, refuse(Unprocessable, "El rol %d no existe en la empresa", id)
	}
	if err == nil && !c.holds(role) {
		return role, refuse(Forbidden, "No puedes dar un rol con más permisos que los tuyos.")
	}
	return role, err
}

// personOf is the person of an account.
func (c *Call) personOf(account int64) (Person, error) {
	return c.onePerson("p.account_id = $1", account)
}

// onePerson is for conditions that are written here.
func (c *Call) onePerson(where string, arg any) (Person, error) {
	list, err := c.people(selectPerson+" where "+where, arg)
	if err == nil && len(list) == 0 {
		err = refuse(NotFound, "Usuario no encontrado")
	}
	if err != nil {
		return Person{}, err
	}
	return list[0], nil
}

// enrol makes an account a person of the call's company, in both places or in none. The company is held.
func (c *Call) enrol(a Account, n NewPerson, role Role) (Person, error) {
	err := c.shared(func() error {
		if err := c.room(a.IsSuperuser); err != nil {
			return err
		}
		if _, err := c.tx.Exec(c.ctx, "insert into membership (company_id, account_id, role_name) values ($1, $2, $3)", c.Tenant.ID, a.ID, role.Name); err != nil {
			return err
		}
		return c.note("person added", map[string]any{"account": a.ID, "role": role.Name})
	})
	if err != nil {
		return Person{}, err
	}
	rut := ""
	if n.RUT != 0 {
		rut = n.RUT.String()
	}
	// The first administrator whom the company has of its own is its owner.
	_, err = c.tx.Exec(c.ctx, `insert into person (account_id, rut, email, name, role, role_id, is_owner)
		values ($1, $2, $3, $4, $5, $6, $7 and not exists (select from person where is_owner))`,
		a.ID, rut, a.Email, cmp.Or(strings.TrimSpace(n.Name), a.FullName, a.Email), role.Name, role.ID, role.Name == Administrador && !a.IsSuperuser)
	if violates(err, uniqueViolation, "person_rut") {
		return Person{}, refuse(Conflict, "El RUT ya existe en esta sucursal")
	}
	if err != nil {
		return Person{}, err
	}
	return c.personOf(a.ID)
}

// enrolOwner makes an account the administrator of a new company.
func (c *Call) enrolOwner(account int64) error {
	role, err := c.role("name = $1", Administrador)
	if err != nil {
		return err
	}
	if err := c.hold(); err != nil {
		return err
	}
	var a Account
	err = c.shared(func() error {
		a, err = c.account(account)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := c.personOf(account); !isRefusal(err, NotFound) {
		return err
	}
	_, err = c.enrol(a, NewPerson{}, role)
	return err
}

// hold makes what changes a company, its people and its roles come one after the other, so that limits hold and an
// administrator is left, whatever comes at the same time. It is the first lock of all that takes several.
func (c *Call) hold() error {
	return c.shared(func() error {
		_, err := c.tx.Exec(c.ctx, "select from company where id = $1 for no key update", c.Tenant.ID)
		return err
	})
}

// account by number, held until the end.
func (c *Call) account(id int64) (a Account, err error) {
	err = c.tx.QueryRow(c.ctx, "select id, email, full_name, is_active, is_superuser from account where id = $1 for no key update", id).
		Scan(&a.ID, &a.Email, &a.FullName, &a.IsActive, &a.IsSuperuser)
	return a, err
}

// accountFor finds the account of an e-mail, or makes it.
func (c *Call) accountFor(n NewPerson, noPassword error) (a Account, err error) {
	email, err := checkEmail(n.Email)
	if err != nil {
		return a, err
	}
	err = c.shared(func() error {
		var id int64
		err := c.tx.QueryRow(c.ctx, "select id from account where email = $1", email).Scan(&id)
		if errNoRow(err) {
			id, err = c.newAccount(n, noPassword)
		}
		if err != nil {
			return err
		}
		a, err = c.account(id)
		return err
	})
	return a, err
}

func (c *Call) newAccount(n NewPerson, noPassword error) (int64, error) {
	if n.Password == "" {
		return 0, noPassword
	}
	kept, err := hashPassword(c.ctx, n.Password)
	if err != nil {
		return 0, err
	}
	id, err := insertAccount(c.ctx, c.tx, NewAccount{Email: n.Email, FullName: n.Name}, kept, c.now)
	if err != nil || n.RUT == 0 {
		return id, err
	}
	// A RUT opens the door if it names one account. It is not worth a refusal.
	_, err = c.tx.Exec(c.ctx, "update account set rut = $2 where id = $1 and not exists (select from account where rut = $2)", id, int32(n.RUT))
	if violates(err, uniqueViolation, "account_rut_key") {
		return id, refuse(Conflict, "Otra persona con el RUT %s se está creando en este momento. No se guardó nada; intente de nuevo", n.RUT)
	}
	return id, err
}

// room refuses one person more than the company may have. The service's own people do not count.
func (c *Call) room(service bool) error {
	var most, now int32
	err := c.tx.QueryRow(c.ctx, `select coalesce(c.max_users_override, p.max_users, $2),
			(select count(*) from membership m join account a on a.id = m.account_id where m.company_id = c.id and m.is_active and not a.is_superuser)
		from company c left join plan p on p.id = c.plan_id where c.id = $1`, c.Tenant.ID, defaultMaxUsers).Scan(&most, &now)
	if err == nil && now >= most && !service {
		return refuse(Invalid, "El plan actual (Max %d) no permite agregar más usuarios a la empresa.", most)
	}
	return err
}

// note adds to the record of who did what. It needs the rights to what companies share.
func (c *Call) note(kind string, detail map[string]any) error {
	return noteEvent(c.ctx, c.tx, c.now, c.Tenant.ID, c.Account.ID, kind, detail)
}

// PersonChange is what is to change of a person; nil stays as it is.
type PersonChange struct {
	Name, Email, Password *string
	RUT                   *dte.RUT
	RoleID                *int64
	IsActive              *bool
}

// fields that the change names, for the record.
func (n PersonChange) fields() []string {
	list := []string{}
	for name, set := range map[string]bool{
		"name": n.Name != nil, "email": n.Email != nil, "password": n.Password != nil, "rut": n.RUT != nil, "role": n.RoleID != nil, "is_active": n.IsActive != nil,
	} {
		if set {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// ChangePerson changes one of the company's people, by their number there.
func (c *Call) ChangePerson(id int64, n PersonChange) (Person, error) {
	p, err := c.personToChange(id, "No se puede modificar un usuario de sistema.")
	if err != nil {
		return p, err
	}
	return c.changePerson(p, n)
}

// RemovePerson ends somebody's work in the company. Their name stays on what they did, and they may come back.
func (c *Call) RemovePerson(id int64) error {
	p, err := c.personToChange(id, "No se puede eliminar un usuario de sistema.")
	if err != nil {
		return err
	}
	_, err = c.changePerson(p, PersonChange{IsActive: new(bool)})
	return err
}

// personToChange holds the company and finds the person, if the caller may change them: who may less could else take the
// place of who may more, with a new password.
func (c *Call) personToChange(id int64, system string) (Person, error) {
	if err := c.hold(); err != nil {
		return Person{}, err
	}
	p, err := c.onePerson("p.id = $1", id)
	switch {
	case err != nil:
		return p, err
	case p.IsSystem:
		return p, refuse(Forbidden, "%s", system)
	case p.Role != nil && !c.holds(*p.Role):
		return p, refuse(Forbidden, "No puedes modificar a una persona con más permisos que los tuyos.")
	}
	return p, nil
}

func (c *Call) changePerson(p Person, n PersonChange) (Person, error) {
	if err := c.changeRole(p, n); err != nil {
		return p, err
	}
	if err := c.changeActive(p, n); err != nil {
		return p, err
	}
	if err := c.changeAccount(p, n); err != nil {
		return p, err
	}
	if err := c.changeLocal(p, n); err != nil {
		return p, err
	}
	err := c.shared(func() error {
		return c.note("person changed", map[string]any{"account": p.AccountID, "person": p.ID, "fields": n.fields()})
	})
	if err != nil {
		return p, err
	}
	return c.onePerson("p.id = $1", p.ID)
}

func (c *Call) changeRole(p Person, n PersonChange) error {
	if n.RoleID == nil {
		return nil
	}
	role, err := c.roleToGive(*n.RoleID)
	if err != nil {
		return err
	}
	if role.Name != Administrador {
		if err := c.mustStay(p); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(c.ctx, "update person set role_id = $2, role = $3 where id = $1", p.ID, role.ID, role.Name); err != nil {
		return err
	}
	return c.shared(func() error {
		_, err := c.tx.Exec(c.ctx, "update membership set role_name = $3 where company_id = $1 and account_id = $2", c.Tenant.ID, p.AccountID, role.Name)
		return err
	})
}

// mustStay refuses to lose the owner, or the last administrator: nobody would be left who may change anything.
func (c *Call) mustStay(p Person) error {
	var others bool
	err := c.tx.QueryRow(c.ctx, "select exists (select from person where role = $2 and is_active and not is_system and id <> $1)", p.ID, Administrador).Scan(&others)
	if err == nil && (p.IsOwner || p.RoleName == Administrador && p.IsActive && !others) {
		return refuse(Invalid, "No puedes desactivar al administrador principal.")
	}
	return err
}

func (c *Call) changeActive(p Person, n PersonChange) error {
	if n.IsActive == nil || *n.IsActive == p.IsActive {
		return nil
	}
	if !*n.IsActive {
		if err := c.mustStay(p); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(c.ctx, "update person set is_active = $2 where id = $1", p.ID, *n.IsActive); err != nil || p.AccountID == nil {
		return err
	}
	return c.shared(func() error {
		account, err := c.account(*p.AccountID)
		if err != nil {
			return err
		}
		if *n.IsActive {
			if err := c.room(account.IsSuperuser); err != nil {
				return err
			}
		}
		if _, err := c.tx.Exec(c.ctx, "update membership set is_active = $3 where company_id = $1 and account_id = $2", c.Tenant.ID, account.ID, *n.IsActive); err != nil {
			return err
		}
		// Who works nowhere any more is logged in nowhere any more.
		_, err = c.tx.Exec(c.ctx, `update session set ended_at = $2 where account_id = $1 and ended_at is null and not $3
			and not exists (select from membership where account_id = $1 and is_active)`, account.ID, c.now, account.IsSuperuser)
		return err
	})
}

// changeAccount changes what a person logs in with. An account that other companies know, too, is not this one's to change:
// it would open their doors.
func (c *Call) changeAccount(p Person, n PersonChange) error {
	if p.AccountID == nil || n.Email == nil && n.Password == nil && n.Name == nil {
		return nil
	}
	return c.shared(func() error {
		account, err := c.account(*p.AccountID)
		if err != nil {
			return err
		}
		var elsewhere bool
		err = c.tx.QueryRow(c.ctx, "select exists (select from membership where account_id = $1 and company_id <> $2)", account.ID, c.Tenant.ID).Scan(&elsewhere)
		if err != nil {
			return err
		}
		ours := c.Account.IsSuperuser || !elsewhere && !account.IsSuperuser
		if n.Name != nil && ours {
			if _, err := c.tx.Exec(c.ctx, "update account set full_name = $2, updated_at = $3 where id = $1", account.ID, strings.TrimSpace(*n.Name), c.now); err != nil {
				return err
			}
		}
		if n.Email != nil && normalEmail(*n.Email) != account.Email {
			if err := c.changeEmail(account, *n.Email, ours); err != nil {
				return err
			}
		}
		if n.Password == nil {
			return nil
		}
		if !ours {
			return errNotOurs()
		}
		return setPassword(c.ctx, c.tx, account.ID, *n.Password, c.now)
	})
}

func errNotOurs() *RefusalError {
	return refuse(Forbidden, "Esta persona también tiene cuenta fuera de la empresa: su correo y su contraseña solo los cambia ella misma, o el servicio.")
}

func (c *Call) changeEmail(a Account, to string, ours bool) error {
	email, err := checkEmail(to)
	if err != nil {
		return err
	}
	if !ours {
		return errNotOurs()
	}
	_, err = c.tx.Exec(c.ctx, "update account set email = $2, updated_at = $3 where id = $1", a.ID, email, c.now)
	if violates(err, uniqueViolation, "account_email") {
		return refuse(Conflict, "Ya existe una cuenta con el correo %s", email)
	}
	return err
}

// changeLocal changes what the company keeps of a person.
func (c *Call) changeLocal(p Person, n PersonChange) error {
	name, email, rut := p.Name, p.Email, p.RUT
	if n.Name != nil && strings.TrimSpace(*n.Name) != "" {
		name = strings.TrimSpace(*n.Name)
	}
	if n.Email != nil {
		email = normalEmail(*n.Email)
	}
	if n.RUT != nil {
		rut = n.RUT.String()
	}
	_, err := c.tx.Exec(c.ctx, "update person set name = $2, email = $3, rut = $4 where id = $1", p.ID, name, email, rut)
	if violates(err, uniqueViolation, "person_rut") {
		return refuse(Conflict, "El RUT ya existe en esta sucursal")
	}
	return err
}
