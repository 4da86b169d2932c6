package central

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"mostrador/money"
)

// PriceList fixes the prices of some products for the customers that it is assigned to.
type PriceList struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// ListedPrice is what a product costs on a list, without tax.
type ListedPrice struct {
	ProductID int64
	Price     money.Pesos
}

const selectPriceList = "select id, name, description from price_list"

// PriceLists by name.
func (c *Call) PriceLists(p Page) ([]PriceList, error) {
	rows, err := c.tx.Query(c.ctx, selectPriceList+" order by name, id offset $1 limit $2", p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[PriceList])
}

// PriceList by number, with its prices.
func (c *Call) PriceList(id int64) (PriceList, []ListedPrice, error) {
	list, err := c.onePriceList(PriceList{ID: id}, selectPriceList+" where id = $1", id)
	if err != nil {
		return list, nil, err
	}
	rows, err := c.tx.Query(c.ctx, "select product_id, fixed_price as price from price_list_item where price_list_id = $1 order by product_id", id)
	if err != nil {
		return list, nil, err
	}
	prices, err := pgx.CollectRows(rows, pgx.RowToStructByName[ListedPrice])
	return list, prices, err
}

func (c *Call) onePriceList(n PriceList, sql string, args ...any) (PriceList, error) {
	rows, err := c.tx.Query(c.ctx, sql, args...)
	if err != nil {
		return n, err
	}
	list, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[PriceList])
	switch {
	case errNoRow(err):
		return n, refuse(NotFound, "Lista de precios %d no encontrada.", n.ID)
	case violates(err, uniqueViolation, "price_list_name_key"):
		return n, refuse(Conflict, "Ya existe una lista de precios con nombre '%s'", n.Name)
	}
	return list, err
}

// CreatePriceList adds one without prices.
func (c *Call) CreatePriceList(n PriceList) (PriceList, error) {
	return c.onePriceList(n, "insert into price_list (name, description) values ($1, $2) returning id, name, description", n.Name, n.Description)
}

// ChangePriceList writes what edit leaves.
func (c *Call) ChangePriceList(id int64, edit func(*PriceList)) (PriceList, error) {
	n, err := c.lockPriceList(id)
	if err != nil {
		return n, err
	}
	edit(&n)
	return c.onePriceList(n, "update price_list set name = $2, description = $3 where id = $1 returning id, name, description", id, n.Name, n.Description)
}

// lockPriceList makes two who write a list come one after the other.
func (c *Call) lockPriceList(id int64) (PriceList, error) {
	return c.onePriceList(PriceList{ID: id}, selectPriceList+" where id = $1 for no key update", id)
}

// RemovePriceList removes a list; its customers pay what everybody pays.
func (c *Call) RemovePriceList(id int64) error {
	_, err := c.onePriceList(PriceList{ID: id}, "delete from price_list where id = $1 returning id, name, description", id)
	return err
}

// SetPrices puts these prices in the place of all that the list had.
func (c *Call) SetPrices(id int64, prices []ListedPrice) (PriceList, []ListedPrice, error) {
	list, err := c.lockPriceList(id)
	if err != nil {
		return list, nil, err
	}
	products := make([]int64, len(prices))
	amounts := make([]int64, len(prices))
	for i, p := range prices {
		products[i], amounts[i] = p.ProductID, int64(p.Price)
	}
	if err := c.allThere("Productos no encontrados", "select id from product where id = any($1) and not is_deleted", products); err != nil {
		return list, nil, err
	}
	batch := &pgx.Batch{}
	// What stays as it was is not touched: each price that changes is news for every till.
	batch.Queue("delete from price_list_item where price_list_id = $1 and product_id <> all($2::bigint[])", id, products)
	batch.Queue(`insert into price_list_item (price_list_id, product_id, fixed_price) select $1, * from unnest($2::bigint[], $3::bigint[])
		on conflict (price_list_id, product_id) do update set fixed_price = excluded.fixed_price
		where price_list_item.fixed_price <> excluded.fixed_price`, id, products, amounts)
	err = c.tx.SendBatch(c.ctx, batch).Close()
	if violates(err, cardinalityViolation, "") {
		return list, nil, refuse(Unprocessable, "Un producto está dos veces en la lista")
	}
	if err != nil {
		return list, nil, err
	}
	return c.PriceList(id)
}

// AssignCustomers gives the list to these customers, and takes it from all others.
func (c *Call) AssignCustomers(id int64, customers []int64) error {
	if _, err := c.lockPriceList(id); err != nil {
		return err
	}
	if err := c.allThere("Clientes no encontrados", "select id from customer where id = any($1)", customers); err != nil {
		return err
	}
	_, err := c.tx.Exec(c.ctx, `update customer set price_list_id = case when id = any($2) then $1::bigint end, updated_at = $3
		where (price_list_id = $1) is distinct from (id = any($2)) and (price_list_id = $1 or id = any($2))`, id, customers, c.now)
	return err
}

// allThere refuses numbers that the query does not find, by name.
func (c *Call) allThere(refusal, query string, ids []int64) error {
	rows, err := c.tx.Query(c.ctx, query, ids)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	there := make(map[int64]bool, len(found))
	for _, id := range found {
		there[id] = true
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return there[id] })
	if len(missing) == 0 {
		return nil
	}
	return refuse(NotFound, "%s: [%s]", refusal, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(missing)), ", "), "[]"))
}

// netPrices are what one unit of each product costs a customer, without tax: the one answer that sales and resolve-price
// give. listed says where it is from the customer's list.
func (c *Call) netPrices(list *int64, products map[int64]Product) (prices map[int64]money.Pesos, listed map[int64]bool, err error) {
	prices, listed = map[int64]money.Pesos{}, map[int64]bool{}
	ids := make([]int64, 0, len(products))
	for id, p := range products {
		prices[id], ids = p.PrecioNeto, append(ids, id)
	}
	if list == nil {
		return prices, listed, nil
	}
	rows, err := c.tx.Query(c.ctx, "select product_id, fixed_price from price_list_item where price_list_id = $1 and product_id = any($2)", *list, ids)
	if err != nil {
		return nil, nil, err
	}
	var id int64
	var price money.Pesos
	_, err = pgx.ForEachRow(rows, []any{&id, &price}, func() error {
		prices[id], listed[id] = price, true
		return nil
	})
	return prices, listed, err
}

// ResolvedPrice is what a product costs a customer, and from which list; nil if it is everybody's price.
type ResolvedPrice struct {
	Price money.Pesos
	List  *int64
}

// ResolvePrice says what a sale would take; nil is a customer without a list.
func (c *Call) ResolvePrice(product int64, customer *int64) (r ResolvedPrice, err error) {
	found, err := c.products([]int64{product})
	if err != nil {
		return r, err
	}
	if p := found[product]; p.IsDeleted || !p.IsActive {
		return r, refuse(NotFound, "Producto %d no encontrado o inactivo.", product)
	}
	var list *int64
	if customer != nil {
		err := c.tx.QueryRow(c.ctx, "select price_list_id from customer where id = $1", *customer).Scan(&list)
		if errNoRow(err) {
			return r, refuse(NotFound, "Clientes no encontrados: [%d]", *customer)
		}
		if err != nil {
			return r, err
		}
	}
	prices, listed, err := c.netPrices(list, found)
	if listed[product] {
		r.List = list
	}
	r.Price = prices[product]
	return r, err
}
