package central

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Account is a person who may log in, whatever companies they work for.
type Account struct {
	ID          int64  `json:"id"`
	Email       string `json:"email"`
	FullName    string `json:"full_name"`
	IsActive    bool   `json:"is_active"`
	IsSuperuser bool   `json:"is_superuser"`
}

// Right is something that a role may allow.
type Right int

// The rights of a role. An administrator has all.
const (
	ManageUsers Right = iota + 1
	ViewReports
	EditProducts
	PerformSales
	PerformReturns
	Administer
)

// Role of people in a company.
type Role struct {
	ID                int64          `json:"id"`
	Name              string         `json:"name"`
	Description       string         `json:"description"`
	CanManageUsers    bool           `json:"can_manage_users"`
	CanViewReports    bool           `json:"can_view_reports"`
	CanEditProducts   bool           `json:"can_edit_products"`
	CanPerformSales   bool           `json:"can_perform_sales"`
	CanPerformReturns bool           `json:"can_perform_returns"`
	Permissions       map[string]any `json:"permissions"`
}

// Administrador is the role that may do everything; its name is Torn's.
const (
	Administrador = "ADMINISTRADOR"
	Vendedor      = "VENDEDOR"
)

// Allows says whether the role gives that right.
func (r Role) Allows(want Right) bool {
	if r.Name == Administrador {
		return true
	}
	switch want {
	case ManageUsers:
		return r.CanManageUsers
	case ViewReports:
		return r.CanViewReports
	case EditProducts:
		return r.CanEditProducts
	case PerformSales:
		return r.CanPerformSales
	case PerformReturns:
		return r.CanPerformReturns
	}
	return false
}

// Call is what one caller does, in one transaction: who asks, for which company, and the data. Like an http.Request it
// carries its context, and lives no longer. Its methods must not be called at the same time.
type Call struct {
	db  *DB
	tx  pgx.Tx
	ctx context.Context
	now time.Time

	Session uuid.UUID
	Account Account
	// Of a call inside a company.
	Tenant   Tenant
	RUT      dte.RUT
	Ambiente dte.Ambiente
	Person   Person
	Role     Role
	// Till is who calls, instead of a person.
	Till    Till
	company string // its name, of a call of a till

	keyID     string
	sealedKey []byte
}

// question is one of several that are put to the database in one message; it says itself what to do with the answer.
type question func(*pgx.Batch)

// ask puts the questions. The first answer that is an error is the end.
func (c *Call) ask(questions ...question) error {
	batch := &pgx.Batch{}
	for _, q := range questions {
		q(batch)
	}
	return c.tx.SendBatch(c.ctx, batch).Close()
}

// May says whether the caller has a right in this company. Superusers have all.
func (c *Call) May(want Right) bool { return c.Account.IsSuperuser || c.Role.Allows(want) }

// Enter runs fn as the holder of that session, in one transaction, without a company: only what is shared.
func (db *DB) Enter(ctx context.Context, session uuid.UUID, fn func(*Call) error) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		c := &Call{db: db, tx: tx, ctx: ctx, now: db.Now(), Session: session}
		if err := c.authenticate(); err != nil {
			return err
		}
		return fn(c)
	})
}

// EnterCompany runs fn as the holder of that session inside a company. Company 0 is the only one the account belongs to.
// From the moment fn runs the transaction sees that company alone.
func (db *DB) EnterCompany(ctx context.Context, session uuid.UUID, company int64, fn func(*Call) error) error {
	return db.inShared(ctx, func(tx pgx.Tx) error {
		c := &Call{db: db, tx: tx, ctx: ctx, now: db.Now(), Session: session}
		if err := c.step(company); err != nil {
			return err
		}
		return fn(c)
	})
}

// ErrSession: the token opens nothing, or no longer.
var ErrSession = &RefusalError{Kind: Unauthorized, Text: "No se pudo validar la sesión global"}

func (c *Call) authenticate() error { return c.ask(c.whoCalls) }

// whoCalls reads whose session it is.
func (c *Call) whoCalls(b *pgx.Batch) {
	b.Queue(`
		select a.id, a.email, a.full_name, a.is_active, a.is_superuser
		from session s join account a on a.id = s.account_id
		where s.id = $1 and s.ended_at is null and s.expires_at > $2 and a.is_active`, c.Session, c.now).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&c.Account.ID, &c.Account.Email, &c.Account.FullName, &c.Account.IsActive, &c.Account.IsSuperuser)
		if errNoRow(err) {
			return ErrSession
		}
		return err
	})
}

// step lets the session in, and from the shared tables into a company, for the rest of the transaction.
func (c *Call) step(company int64) (err error) {
	if company == 0 {
		if err := c.authenticate(); err != nil {
			return err
		}
		if company, err = c.onlyCompany(); err != nil {
			return err
		}
	}
	var member bool
	var version int64
	if err := c.ask(c.whoCalls, c.whereTo(company, &member, &version)); err != nil {
		return err
	}
	if !member && !c.Account.IsSuperuser {
		return errNotMember()
	}
	if version < c.db.newest {
		return errMigrating()
	}
	if err := c.become(c.Tenant); err != nil {
		return err
	}
	return c.findPerson()
}

// whereTo reads the company that is called, and whether the session is of one of its people.
func (c *Call) whereTo(company int64, member *bool, version *int64) question {
	return func(b *pgx.Batch) {
		b.Queue(`
			select c.id, c.rut, c.schema_name, c.role_name, c.ambiente, c.key_id, c.sealed_key, c.schema_version,
				exists (select from membership m join session s on s.account_id = m.account_id where s.id = $2 and m.company_id = c.id and m.is_active)
			from company c where c.id = $1 and c.is_active and c.state = 'ready'`, company, c.Session).QueryRow(func(row pgx.Row) error {
			err := row.Scan(&c.Tenant.ID, &c.RUT, &c.Tenant.Schema, &c.Tenant.Role, &c.Ambiente, &c.keyID, &c.sealedKey, version, member)
			if errNoRow(err) {
				return refuse(NotFound, "Inquilino no encontrado o inactivo.")
			}
			return err
		})
	}
}

func errNotMember() *RefusalError {
	return refuse(Forbidden, "No tienes acceso a este Inquilino / Empresa.")
}

// errMigrating: the company's tables are not yet this program's.
func errMigrating() *RefusalError {
	r := refuse(Unavailable, "La empresa se está actualizando. No se hizo nada; intente de nuevo en un minuto")
	r.Wait = time.Minute
	return r
}

// onlyCompany is the company of an account that has one.
func (c *Call) onlyCompany() (int64, error) {
	rows, err := c.tx.Query(c.ctx, "select company_id from membership where account_id = $1 and is_active limit 2", c.Account.ID)
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err == nil && len(ids) != 1 {
		return 0, &RefusalError{Kind: Unprocessable, Text: "Falta indicar la empresa en X-Tenant-ID"}
	}
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// become steps into the role of a company. The role and the path end with the transaction.
func (c *Call) become(t Tenant) error {
	_, err := c.tx.Exec(c.ctx, "set local role "+quote(t.Role)+"; set local search_path to "+quote(t.Schema)+", "+extensionsSchema)
	return err
}

// shared runs fn with the rights to what companies share, in the same transaction, and comes back to the company if the call
// is in one.
func (c *Call) shared(fn func() error) error {
	if c.Tenant.Schema == "" {
		return fn()
	}
	if err := c.become(Tenant{Schema: sharedSchema, Role: c.db.names.shared}); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return c.become(c.Tenant)
}

// findPerson reads who the caller is in this company. A superuser who is nobody there acts as the system's person, and what
// it does says so.
func (c *Call) findPerson() error {
	rows, err := c.tx.Query(c.ctx, selectPerson+" where p.account_id = $1 and p.is_active or $2 and p.is_system order by p.is_system limit 1",
		c.Account.ID, c.Account.IsSuperuser)
	if err != nil {
		return err
	}
	c.Person, err = pgx.CollectExactlyOneRow(rows, scanPerson)
	if errNoRow(err) {
		return errNotMember()
	}
	if c.Person.Role != nil {
		c.Role = *c.Person.Role
	}
	return err
}
