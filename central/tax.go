package central

import (
	"github.com/jackc/pgx/v5"

	"mostrador/money"
)

const selectTax = "select id, name, rate, is_active, is_default from tax"

// Taxes by number.
func (c *Call) Taxes(p Page) ([]Tax, error) {
	rows, err := c.tx.Query(c.ctx, selectTax+" where $1::boolean is null or is_active = $1 order by id offset $2 limit $3", p.IsActive, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Tax])
}

// lawful refuses what no document could carry: a price would be asked for that its boleta adds up otherwise. The schema refuses
// it, too.
func (t Tax) lawful() error {
	if t.Rate != 0 && t.Rate != money.IVA {
		return refuse(Unprocessable, "La tasa es 0.19 (IVA) o 0 (exento): los documentos no llevan otra. Los impuestos adicionales no se emiten aquí")
	}
	return nil
}

// CreateTax adds one. If it is the default, no other is any longer.
func (c *Call) CreateTax(n Tax) (Tax, error) {
	if err := n.lawful(); err != nil {
		return Tax{}, err
	}
	made, err := c.oneTax(n, "insert into tax (name, rate, is_active) values ($1, $2, $3) returning "+columnsOf(selectTax), n.Name, n.Rate, n.IsActive)
	if err != nil || !n.IsDefault {
		return made, err
	}
	made.IsDefault = true
	return made, c.setDefaultTax(&made.ID)
}

// ChangeTax writes what edit leaves. The settings are locked first, as everybody does who may move the default.
func (c *Call) ChangeTax(id int64, edit func(*Tax)) (Tax, error) {
	if _, err := c.settings(selectSettings + " for update"); err != nil {
		return Tax{}, err
	}
	before, err := c.oneTax(Tax{}, selectTax+" where id = $1 for update", id)
	if err != nil {
		return before, err
	}
	n := before
	edit(&n)
	if err := n.lawful(); err != nil {
		return before, err
	}
	if _, err := c.oneTax(n, "update tax set name = $2, rate = $3, is_active = $4 where id = $1 returning "+columnsOf(selectTax), id, n.Name, n.Rate, n.IsActive); err != nil {
		return n, err
	}
	switch {
	case n.IsDefault && !before.IsDefault:
		err = c.setDefaultTax(&id)
	case before.IsDefault && !n.IsDefault:
		err = c.setDefaultTax(nil)
	}
	return n, err
}

func (c *Call) oneTax(n Tax, sql string, args ...any) (Tax, error) {
	rows, err := c.tx.Query(c.ctx, sql, args...)
	if err != nil {
		return Tax{}, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Tax])
	switch {
	case errNoRow(err):
		return t, errNoTax()
	case violates(err, uniqueViolation, "tax_name_key"):
		return t, refuse(Conflict, "Ya existe un impuesto con nombre '%s'", n.Name)
	}
	return t, err
}

func errNoTax() *RefusalError { return refuse(NotFound, "Impuesto no encontrado") }

// setDefaultTax makes one tax the default, or none. The settings say the same; their one row is the lock that makes two who
// choose at once come one after the other.
func (c *Call) setDefaultTax(id *int64) error {
	batch := &pgx.Batch{}
	batch.Queue("update settings set iva_default_id = $1", id)
	batch.Queue("update tax set is_default = false where is_default and id is distinct from $1", id)
	batch.Queue("update tax set is_default = true where id = $1 and not is_default", id)
	err := c.tx.SendBatch(c.ctx, batch).Close()
	if violates(err, foreignKeyViolation, "settings_iva_default_id_fkey") {
		return errNoTax()
	}
	return err
}
