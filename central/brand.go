package central

import (
	"github.com/jackc/pgx/v5"
)

const selectBrand = "select name, id from brand"

// Brands by name.
func (c *Call) Brands(p Page) ([]Brand, error) {
	rows, err := c.tx.Query(c.ctx, selectBrand+" order by name, id offset $1 limit $2", p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Brand])
}

// CreateBrand adds one; Conflict if its name is there.
func (c *Call) CreateBrand(name string) (Brand, error) {
	return c.oneBrand(name, "insert into brand (name) values ($1) on conflict (name) do nothing returning name, id", errBrandName(name), name)
}

// RenameBrand gives a brand another name.
func (c *Call) RenameBrand(id int64, name string) (Brand, error) {
	return c.oneBrand(name, "update brand set name = $2 where id = $1 returning name, id", errNoBrand(id), id, name)
}

func (c *Call) oneBrand(name, sql string, none *RefusalError, args ...any) (Brand, error) {
	rows, err := c.tx.Query(c.ctx, sql, args...)
	if err != nil {
		return Brand{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Brand])
	switch {
	case errNoRow(err):
		return b, none
	case violates(err, uniqueViolation, "brand_name_key"):
		return b, errBrandName(name)
	}
	return b, err
}

func errBrandName(name string) *RefusalError {
	return refuse(Conflict, "Ya existe una marca con nombre '%s'", name)
}

func errNoBrand(id int64) *RefusalError { return refuse(NotFound, "Marca con ID %d no encontrada", id) }

// RemoveBrand removes a brand that no product carries. Products that were eliminated lose it.
func (c *Call) RemoveBrand(id int64) error {
	if _, err := c.tx.Exec(c.ctx, "update product set brand_id = null where brand_id = $1 and is_deleted", id); err != nil {
		return err
	}
	done, err := c.tx.Exec(c.ctx, "delete from brand where id = $1", id)
	switch {
	case violates(err, foreignKeyViolation, "product_brand_id_fkey"):
		return refuse(Conflict, "La marca está en uso: hay productos que la llevan. Cámbieles la marca antes de eliminarla")
	case err == nil && done.RowsAffected() == 0:
		return errNoBrand(id)
	}
	return err
}
