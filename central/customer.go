package central

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// SinNombre is the customer of a boleta without a name: the SII's own RUT for it.
const SinNombre dte.RUT = 66666666

// Customer of a company.
type Customer struct {
	ID          int64
	RUT         dte.RUT
	RazonSocial string
	Giro        string
	Direccion   string
	Comuna      string
	Ciudad      string
	Email       string
	PriceListID *int64
	// Balance is what the customer owes on account.
	Balance     money.Pesos
	CreditLimit *money.Pesos // nil: as in the settings
	CreditDays  *int32
	IsActive    bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

const selectCustomer = `select id, rut, razon_social, giro, direccion, comuna, ciudad, email, price_list_id, balance, credit_limit,
	credit_days, is_active, created_at, updated_at from customer`

func scanCustomer(row pgx.CollectableRow) (c Customer, err error) {
	var rut int32
	err = row.Scan(&c.ID, &rut, &c.RazonSocial, &c.Giro, &c.Direccion, &c.Comuna, &c.Ciudad, &c.Email, &c.PriceListID, &c.Balance,
		&c.CreditLimit, &c.CreditDays, &c.IsActive, &c.CreatedAt, &c.UpdatedAt)
	c.RUT = dte.RUT(rut)
	return c, err
}

// Page is the part of a list that is asked for. A zero Limit is all of it.
type Page struct {
	Skip, Limit int64
	IsActive    *bool
}

// limit is a LIMIT clause's argument: nil, which is none, for all.
func (p Page) limit() *int64 {
	if p.Limit == 0 {
		return nil
	}
	return &p.Limit
}

// Customers by name.
func (c *Call) Customers(p Page) ([]Customer, error) {
	rows, err := c.tx.Query(c.ctx, selectCustomer+` where $1::boolean is null or is_active = $1
		order by razon_social, id offset $2 limit $3`, p.IsActive, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCustomer)
}

// mostFound of a search.
const mostFound = 10

// SearchCustomers finds by a part of the RUT, however it is written, or of the name; ten at most.
func (c *Call) SearchCustomers(q string, p Page) ([]Customer, error) {
	if q = strings.ToLower(strings.TrimSpace(q)); q == "" {
		return []Customer{}, nil
	}
	if p.Limit == 0 || p.Limit > mostFound {
		p.Limit = mostFound
	}
	rows, err := c.tx.Query(c.ctx, selectCustomer+` where (search like '%' || $1 || '%' or $2 <> '' and search like '%' || $2 || '%')
		and ($3::boolean is null or is_active = $3) order by razon_social, id offset $4 limit $5`, likeLiteral(q), rutDigits(q), p.IsActive, p.Skip, p.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCustomer)
}

// likeLiteral takes the meaning from what LIKE would read as a pattern.
func likeLiteral(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// rutDigits is the number of a RUT, without points and check digit, if q looks like one or like its beginning.
func rutDigits(q string) string {
	if rut, err := dte.ParseRUT(q); err == nil {
		return rut.Number()
	}
	digits := strings.NewReplacer(".", "", " ", "").Replace(q)
	digits, _, _ = strings.Cut(digits, "-")
	if len(digits) < 2 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// Customer by RUT.
func (c *Call) Customer(rut dte.RUT) (Customer, error) {
	var customer *Customer
	err := c.ask(c.askCustomer(rut, &customer))
	if err != nil {
		return Customer{}, err
	}
	if customer == nil {
		return Customer{}, refuse(NotFound, "No se encontró un cliente con RUT %s", rut)
	}
	return *customer, nil
}

// askCustomer leaves nil if there is none.
func (c *Call) askCustomer(rut dte.RUT, customer **Customer) question {
	return func(b *pgx.Batch) {
		b.Queue(selectCustomer+" where rut = $1", int32(rut)).Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanCustomer)
			if len(found) > 0 {
				*customer = &found[0]
			}
			return err
		})
	}
}

// CreateCustomer adds one; Conflict if its RUT is there.
func (c *Call) CreateCustomer(n Customer) (Customer, error) {
	rows, err := c.tx.Query(c.ctx, `insert into customer (rut, razon_social, giro, direccion, comuna, ciudad, email, credit_limit,
			credit_days, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict (rut) do nothing
		returning `+columnsOf(selectCustomer), int32(n.RUT), n.RazonSocial, n.Giro, n.Direccion, n.Comuna, n.Ciudad, n.Email, n.CreditLimit, n.CreditDays, c.now)
	if err != nil {
		return n, err
	}
	made, err := pgx.CollectExactlyOneRow(rows, scanCustomer)
	if errNoRow(err) {
		return n, refuse(Conflict, "Ya existe un cliente con RUT %s", n.RUT)
	}
	return made, err
}

// ChangeCustomer writes what edit leaves. Two changes at once come one after the other.
func (c *Call) ChangeCustomer(rut dte.RUT, edit func(*Customer)) (Customer, error) {
	rows, err := c.tx.Query(c.ctx, selectCustomer+" where rut = $1 for update", int32(rut))
	if err != nil {
		return Customer{}, err
	}
	n, err := pgx.CollectExactlyOneRow(rows, scanCustomer)
	if errNoRow(err) {
		return n, refuse(NotFound, "Cliente con RUT %s no encontrado", rut)
	}
	if err != nil {
		return n, err
	}
	edit(&n)
	// As with products: a statement that names the key holds off all who sell to the customer.
	_, err = c.tx.Exec(c.ctx, "update customer set rut = $2 where id = $1 and rut <> $2", n.ID, int32(n.RUT))
	if violates(err, uniqueViolation, "customer_rut_key") {
		return n, refuse(Conflict, "Ya existe un cliente con RUT %s", n.RUT)
	}
	if err != nil {
		return n, err
	}
	rows, err = c.tx.Query(c.ctx, `update customer set razon_social = $2, giro = $3, direccion = $4, comuna = $5, ciudad = $6,
			email = $7, credit_limit = $8, credit_days = $9, is_active = $10, updated_at = $11
		where id = $1 returning `+columnsOf(selectCustomer), n.ID, n.RazonSocial, n.Giro, n.Direccion, n.Comuna, n.Ciudad, n.Email, n.CreditLimit,
		n.CreditDays, n.IsActive, c.now)
	if err != nil {
		return n, err
	}
	return pgx.CollectExactlyOneRow(rows, scanCustomer)
}

// RemoveCustomer takes a customer out of the book: for good if nothing ever happened with it, else by closing it.
func (c *Call) RemoveCustomer(rut dte.RUT) error {
	done, err := c.tx.Exec(c.ctx, `delete from customer c where rut = $1 and rut <> $2
		and not exists (select from sale where customer_id = c.id) and not exists (select from payment where customer_id = c.id)`, int32(rut), int32(SinNombre))
	if err != nil || done.RowsAffected() == 1 {
		return err
	}
	if rut == SinNombre {
		return refuse(Conflict, "El cliente %s es el de las boletas sin nombre: no se puede eliminar", rut)
	}
	_, err = c.ChangeCustomer(rut, func(n *Customer) { n.IsActive = false })
	return err
}

// columnsOf is what a select statement of ours selects, for RETURNING.
func columnsOf(selects string) string {
	list, _, _ := strings.Cut(strings.TrimPrefix(selects, "select "), " from ")
	return list
}
