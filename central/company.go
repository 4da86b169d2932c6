package central

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// Company is a client of the server: an issuer with a schema of its own.
type Company struct {
	ID               int64
	Name             string
	RUT              dte.RUT
	Schema           string
	Ambiente         dte.Ambiente
	MaxUsersOverride *int32
	PlanMaxUsers     int32
	IsActive         bool
	Address          string
	Commune          string
	City             string
	Giro             string
	BillingDay       int32
	Actecos          []string
	CreatedAt        time.Time
}

// MaxUsers is how many people it may have.
func (c Company) MaxUsers() int32 {
	if c.MaxUsersOverride != nil {
		return *c.MaxUsersOverride
	}
	return c.PlanMaxUsers
}

// defaultMaxUsers is the limit of a company without a plan.
const defaultMaxUsers = 3

const selectCompany = `select c.id, c.name, c.rut, c.schema_name, c.ambiente, c.max_users_override, coalesce(p.max_users, 3), c.is_active,
	c.address, c.commune, c.city, c.giro, c.billing_day, c.actecos, c.created_at from company c left join plan p on p.id = c.plan_id`

func scanCompany(row pgx.CollectableRow) (c Company, err error) {
	var rut int32
	err = row.Scan(&c.ID, &c.Name, &rut, &c.Schema, &c.Ambiente, &c.MaxUsersOverride, &c.PlanMaxUsers, &c.IsActive, &c.Address, &c.Commune,
		&c.City, &c.Giro, &c.BillingDay, &c.Actecos, &c.CreatedAt)
	c.RUT = dte.RUT(rut)
	return c, err
}

// NewCompany is what a company begins with.
type NewCompany struct {
	Name, Address, Commune, City, Giro string
	RUT                                dte.RUT
	Ambiente                           dte.Ambiente
	BillingDay                         int32
	Actecos                            []string
	// Owner is the account that becomes its administrator.
	Owner int64
}

// CreateCompany makes a company that works at once: schema, role, issuer, taxes, payment methods, roles, the customer of
// boletas without a name, settings, and its administrator. It takes several transactions; one that was interrupted is
// finished by the next attempt with the same RUT, and nobody sees it before that.
func (db *DB) CreateCompany(ctx context.Context, n NewCompany) (Company, error) {
	if err := n.check(); err != nil {
		return Company{}, err
	}
	id, t, err := db.reserveCompany(ctx, n)
	if err != nil {
		return Company{}, err
	}
	if err := db.createSchema(ctx, t); err != nil {
		return Company{}, err
	}
	if _, err := db.migrateTenant(ctx, t); err != nil {
		return Company{}, err
	}
	if err := db.in(ctx, t.Role, t.Schema, func(tx pgx.Tx) error { return db.furnish(ctx, tx, t, n) }); err != nil {
		return Company{}, err
	}
	return db.company(ctx, id)
}

func (n *NewCompany) check() error {
	n.Name, n.Actecos = strings.TrimSpace(n.Name), append([]string{}, n.Actecos...)
	switch {
	case n.Name == "" || utf8.RuneCountInString(n.Name) > 100:
		return refuse(Invalid, "Error creando el inquilino: la razón social debe tener entre 1 y 100 caracteres")
	case n.BillingDay < 1 || n.BillingDay > 31:
		return refuse(Invalid, "Error creando el inquilino: el día de cobro debe estar entre 1 y 31")
	case len(n.Actecos) > 4:
		return refuse(Invalid, "Error creando el inquilino: hasta cuatro actividades económicas")
	}
	for _, code := range n.Actecos {
		if !isActeco(code) {
			return refuse(Invalid, "Error creando el inquilino: la actividad %q no es un código de seis cifras", code)
		}
	}
	return nil
}

// reserveCompany takes the RUT, or finds the company that an earlier attempt left unfinished.
func (db *DB) reserveCompany(ctx context.Context, n NewCompany) (id int64, t Tenant, err error) {
	schema := fmt.Sprintf("tenant_%d%c", uint32(n.RUT), n.RUT.DV()|0x20)
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return 0, t, err
	}
	keyID, sealed, err := db.Keys.Wrap(ctx, key, keyContext(schema))
	if err != nil {
		return 0, t, err
	}
	t = Tenant{Schema: schema, Role: db.names.prefix + "_" + schema}
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `insert into company (rut, name, schema_name, role_name, ambiente, plan_id, address, commune, city, giro,
				billing_day, actecos, key_id, sealed_key, created_at)
			values ($1, $2, $3, $4, $5, (select id from plan order by id limit 1), $6, $7, $8, $9, $10, $11, $12, $13, $14)
			on conflict (rut) do update set name = excluded.name, ambiente = excluded.ambiente, address = excluded.address,
				commune = excluded.commune, city = excluded.city, giro = excluded.giro, billing_day = excluded.billing_day,
				actecos = excluded.actecos
			where company.state = 'creating' returning id`,
			int32(n.RUT), n.Name, t.Schema, t.Role, n.Ambiente, n.Address, n.Commune, n.City, n.Giro, n.BillingDay, n.Actecos, keyID, sealed,
			db.Now()).Scan(&t.ID)
		if errNoRow(err) {
			return errCompanyExists(n.RUT)
		}
		return err
	})
	return t.ID, t, err
}

func errCompanyExists(rut dte.RUT) *RefusalError {
	return refuse(Invalid, "Error creando el inquilino: Ya existe un inquilino registrado para el RUT: %s", rut)
}

// createSchema makes the company's role and its empty schema, and lets the login step into the role.
func (db *DB) createSchema(ctx context.Context, t Tenant) error {
	return pgx.BeginFunc(ctx, db.admin, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext($1))", "mostrador schema "+t.Schema); err != nil {
			return err
		}
		if err := createRole(ctx, tx, t.Role, "nologin noinherit"); err != nil {
			return err
		}
		role, schema := quote(t.Role), quote(t.Schema)
		_, err := tx.Exec(ctx, "grant "+role+" to "+quote(db.names.login)+
			"; create schema if not exists "+schema+" authorization "+quote(db.names.owner)+
			"; grant usage on schema "+schema+" to "+role)
		return err
	})
}

// furnish puts in what a company needs to sell, and opens it: in one transaction, so that it is all there or not yet open.
func (db *DB) furnish(ctx context.Context, tx pgx.Tx, t Tenant, n NewCompany) error {
	c := &Call{db: db, tx: tx, ctx: ctx, now: db.Now(), Tenant: t}
	acteco := ""
	if len(n.Actecos) > 0 {
		acteco = n.Actecos[0]
	}
	batch := &pgx.Batch{}
	batch.Queue(`insert into issuer (rut, razon_social, giro, acteco, direccion, comuna, ciudad, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict do nothing`, int32(n.RUT), n.Name, n.Giro, acteco, n.Address, n.Commune, n.City, c.now)
	batch.Queue(`insert into tax (name, rate, is_default) values ('IVA 19%', 1900, true), ('Exento', 0, false) on conflict do nothing`)
	batch.Queue(`insert into settings (iva_default_id) select id from tax where is_default on conflict do nothing`)
	batch.Queue(`insert into payment_method (code, name) values ('EFECTIVO', 'Efectivo'), ('DEBITO', 'Tarjeta de débito'),
		('CREDITO', 'Tarjeta de crédito'), ('TRANSFERENCIA', 'Transferencia'), ('CREDITO_INTERNO', 'Crédito interno (fiado)') on conflict do nothing`)
	batch.Queue(`insert into customer (rut, razon_social, created_at, updated_at) values (66666666, 'Cliente sin identificar', $1, $1)
		on conflict do nothing`, c.now)
	for _, r := range firstRoles {
		batch.Queue(`insert into role (name, description, can_manage_users, can_view_reports, can_edit_products, can_perform_sales,
			can_perform_returns, permissions) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`, r.Name, r.Description,
			r.CanManageUsers, r.CanViewReports, r.CanEditProducts, r.CanPerformSales, r.CanPerformReturns, r.Permissions)
	}
	batch.Queue(insertSystemPerson, Administrador)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if n.Owner != 0 {
		if err := c.enrolOwner(n.Owner); err != nil {
			return err
		}
	}
	if err := c.shared(c.identify); err != nil {
		return err
	}
	if err := c.equip(); err != nil {
		return err
	}
	return c.shared(func() error {
		opened, err := tx.Exec(ctx, "update company set state = 'ready' where id = $1 and state = 'creating'", t.ID)
		if err != nil {
			return err
		}
		// Somebody else was faster: the company is theirs, and nothing of this attempt stays in it.
		if opened.RowsAffected() == 0 {
			return errCompanyExists(n.RUT)
		}
		return noteEvent(ctx, tx, c.now, t.ID, n.Owner, "company created", nil)
	})
}

// firstRoles are a new company's. The keys of the permissions are the menu entries of Torn's frontend, the staff page under
// both its spellings.
var firstRoles = []Role{
	{
		Name: Administrador, Description: "Acceso total al sistema", CanManageUsers: true, CanViewReports: true, CanEditProducts: true,
		CanPerformSales: true, CanPerformReturns: true, Permissions: map[string]any{"all": true},
	},
	{
		Name: Vendedor, Description: "Vende, maneja su caja y mantiene el catálogo", CanEditProducts: true, CanPerformSales: true,
		Permissions: map[string]any{
			"sales": true, "cash": true, "Terminal POS": true, "Caja": true, "Productos": true, "Clientes": true,
			"Vendedores": false, "Personal": false,
		},
	},
}

func (db *DB) company(ctx context.Context, id int64) (c Company, err error) {
	err = db.inShared(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectCompany+" where c.id = $1", id)
		if err != nil {
			return err
		}
		c, err = pgx.CollectExactlyOneRow(rows, scanCompany)
		return err
	})
	return c, err
}
