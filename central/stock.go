package central

import (
	"cmp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mostrador/money"
)

// Movement is a row of a product's stock card.
type Movement struct {
	ID        int64
	ProductID int64
	At        time.Time
	Tipo      string // ENTRADA or SALIDA
	Motivo    string // INICIAL, VENTA, DEVOLUCION, COMPRA or AJUSTE
	Qty       money.Qty
	// Balance is the stock when it was done.
	Balance     money.Qty
	SaleID      *int64
	PurchaseID  *int64
	PersonID    *int64
	Description string
}

// stockMove is a change of stock that is to be made.
type stockMove struct {
	product     int64
	delta       money.Qty
	motivo      string
	purchase    *int64
	description string
}

// applyMoves changes stocks, each with its row in the stock card. They go by the products' numbers, so that two calls never
// wait for each other both ways, and what comes in goes before what goes out, so that only the end must not be below zero.
func (c *Call) applyMoves(moves []stockMove) error {
	moves = slices.DeleteFunc(slices.Clone(moves), func(m stockMove) bool { return m.delta == 0 })
	slices.SortStableFunc(moves, func(a, b stockMove) int {
		return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(b.delta, a.delta))
	})
	var refused []stockMove
	batch := &pgx.Batch{}
	for _, m := range moves {
		batch.Queue(`with moved as (
				update product set stock_actual = stock_actual + $2, updated_at = $3
				where id = $1 and ($2 > 0 or stock_actual + $2 >= 0 or not controla_stock) and abs(stock_actual + $2) <= $4 returning id, stock_actual)
			insert into stock_movement (product_id, at, tipo, motivo, cantidad, balance_after, purchase_id, person_id, descripcion)
			select id, $3, case when $2 > 0 then 'ENTRADA' else 'SALIDA' end, $5, abs($2), stock_actual, $6, $7, $8 from moved`,
			m.product, m.delta, c.now, money.MaxQty, m.motivo, m.purchase, c.Person.ID, m.description).
			Exec(func(done pgconn.CommandTag) error {
				if done.RowsAffected() == 0 {
					refused = append(refused, m)
				}
				return nil
			})
	}
	if err := c.tx.SendBatch(c.ctx, batch).Close(); err != nil || refused == nil {
		return err
	}
	return c.errMove(refused[0])
}

// errMove says why a move could not be made.
func (c *Call) errMove(m stockMove) error {
	found, err := c.products([]int64{m.product})
	if err != nil {
		return err
	}
	p, ok := found[m.product]
	switch {
	case !ok:
		return refuse(NotFound, "Producto %d no encontrado", m.product)
	case m.delta < 0 && p.ControlaStock && p.Stock+m.delta < 0:
		return errStock(p, -m.delta)
	}
	return refuse(Unprocessable, "El stock de %s no cabe: tiene %s", p.Nombre, twoDecimals(p.Stock))
}

// AdjustStock adds to a product's stock, or takes from it, for a reason.
func (c *Call) AdjustStock(product int64, delta money.Qty, reason string) (Movement, error) {
	if _, err := c.lockProduct(product); err != nil {
		return Movement{}, err
	}
	if err := c.applyMoves([]stockMove{{product: product, delta: delta, motivo: "AJUSTE", description: reason}}); err != nil {
		return Movement{}, err
	}
	list, err := c.Movements(product, Page{Limit: 1}, Days{})
	if err != nil {
		return Movement{}, err
	}
	return list[0], nil
}

// Movements is the stock card of a product, newest first.
func (c *Call) Movements(product int64, p Page, d Days) ([]Movement, error) {
	from, before := d.moments()
	rows, err := c.tx.Query(c.ctx, `select id, product_id, at, tipo, motivo, cantidad as qty, balance_after as balance, sale_id, purchase_id, person_id,
			descripcion as description
		from stock_movement where product_id = $1 and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at < $3)
		order by id desc offset $4 limit $5`, product, from, before, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Movement])
	if err != nil || len(list) > 0 {
		return list, err
	}
	_, err = c.Product(product)
	return list, err
}
