package central

import (
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Families are as deep as that, so that a list, in which every product carries all of its own, does not grow without bound.
const maxGenerations = 4

// CreateProduct adds one. Without a SKU it gets the next automatic one; without a barcode an EAN-13 of the shop's own,
// unless it is a variant.
func (c *Call) CreateProduct(n Product) (Product, error) {
	id, err := c.insertProduct(n)
	if err != nil {
		return n, err
	}
	if n.Barcode == nil && n.ParentID == nil {
		if err := c.giveBarcode(id); err != nil {
			return n, err
		}
	}
	return c.Product(id)
}

// CreateFamily adds a product that is sold as its variants only, and these, or nothing. What the family says of brand, tax,
// unit and stock control goes for them.
func (c *Call) CreateFamily(parent Product, variants []Product) (Product, error) {
	controlled := parent.ControlaStock
	parent.ControlaStock, parent.Stock, parent.StockMinimo, parent.Barcode = false, 0, 0, nil
	id, err := c.insertProduct(parent)
	if err != nil {
		return parent, err
	}
	if parent, err = c.Product(id); err != nil {
		return parent, err
	}
	for i, v := range variants {
		v.ParentID, v.Brand, v.Tax, v.Unidad, v.ControlaStock = &id, parent.Brand, parent.Tax, parent.Unidad, controlled
		if v.SKU == "" {
			v.SKU = fmt.Sprintf("%s-V%02d", parent.SKU, i+1)
		}
		made, err := c.insertProduct(v)
		if err != nil {
			return parent, err
		}
		if v.Barcode == nil {
			if err := c.giveBarcode(made); err != nil {
				return parent, err
			}
		}
	}
	return c.Product(id)
}

// insertProduct writes a product, and its first stock into the card.
func (c *Call) insertProduct(n Product) (id int64, err error) {
	if n.ParentID != nil {
		if err := c.checkParent(*n.ParentID); err != nil {
			return 0, err
		}
	}
	if n.SKU == "" {
		id, err = c.insertNumbered(n)
	} else if id, err = c.insertUnder(n.SKU, n); err == nil && id == 0 {
		err = c.errSKU(n.SKU)
	}
	if err != nil {
		return 0, err
	}
	return id, c.applyMoves([]stockMove{{product: id, delta: n.Stock, motivo: "INICIAL", description: "Stock inicial"}})
}

// insertNumbered takes the next number of the counter, which never steps back; a SKU that somebody wrote by hand is passed over.
func (c *Call) insertNumbered(n Product) (int64, error) {
	for {
		var number int64
		if err := c.tx.QueryRow(c.ctx, "update counter set sku = sku + 1 returning sku").Scan(&number); err != nil {
			return 0, err
		}
		if id, err := c.insertUnder(fmt.Sprintf("PROD-%05d", number), n); err != nil || id != 0 {
			return id, err
		}
	}
}

// insertUnder writes a product under a SKU; 0 if that is taken.
func (c *Call) insertUnder(sku string, n Product) (id int64, err error) {
	err = c.tx.QueryRow(c.ctx, `insert into product (codigo_interno, nombre, descripcion, precio_neto, unidad_medida, codigo_barras, controla_stock,
			stock_minimo, parent_id, brand_id, tax_id, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (codigo_interno) do nothing returning id`, sku, n.Nombre, n.Descripcion, n.PrecioNeto, n.Unidad, n.Barcode, n.ControlaStock,
		n.StockMinimo, n.ParentID, n.brandID(), n.taxID(), c.now).Scan(&id)
	if errNoRow(err) {
		return 0, nil
	}
	return id, errProduct(n, err)
}

func (p Product) brandID() *int64 {
	if p.Brand == nil {
		return nil
	}
	return &p.Brand.ID
}

func (p Product) taxID() *int64 {
	if p.Tax == nil {
		return nil
	}
	return &p.Tax.ID
}

// errProduct words what the database refuses in a product.
func errProduct(n Product, err error) error {
	switch {
	case violates(err, uniqueViolation, "product_sku"):
		return refuse(Conflict, "Ya existe un producto con código %s", n.SKU)
	case violates(err, uniqueViolation, "product_barcode"):
		return refuse(Conflict, "Ya existe un producto con código de barras %s", *n.Barcode)
	case violates(err, foreignKeyViolation, "product_brand_id_fkey"):
		return errNoBrand(n.Brand.ID)
	case violates(err, foreignKeyViolation, "product_tax_id_fkey"):
		return errNoTax()
	}
	return err
}

// errSKU tells a SKU that can be seen from that of a product that was eliminated, which keeps it: documents name it.
func (c *Call) errSKU(sku string) error {
	if _, err := c.ProductByCode(sku); isRefusal(err, NotFound) {
		return refuse(Conflict, "Ya existe un producto con código %s, eliminado: use otro código", sku)
	}
	return refuse(Conflict, "Ya existe un producto con código %s", sku)
}

// giveBarcode gives a product an EAN-13 of the range that is free for use inside a shop: 200, its number, the check digit.
// One that somebody wrote by hand on another product stays there.
func (c *Call) giveBarcode(id int64) error {
	_, err := c.tx.Exec(c.ctx, `update product set codigo_barras = $2 where id = $1
		and not exists (select from product where codigo_barras = $2 and not is_deleted)`, id, ean13(fmt.Sprintf("200%09d", id)))
	return err
}

// ean13 appends the check digit to the first twelve.
func ean13(twelve string) string {
	sum := 0
	for i, d := range twelve {
		sum += int(d-'0') * (1 + i%2*2)
	}
	return fmt.Sprintf("%s%d", twelve, (10-sum%10)%10)
}

// checkParent sees to it that variants have a family, and families a bottom.
func (c *Call) checkParent(parent int64) error {
	var generations int
	err := c.tx.QueryRow(c.ctx, `with recursive line as (
			select parent_id, 1 as n from product where id = $1 and not is_deleted
			union all select p.parent_id, n + 1 from product p join line on p.id = line.parent_id where n < 100)
		select coalesce(max(n), 0) from line`, parent).Scan(&generations)
	switch {
	case err != nil:
		return err
	case generations == 0:
		return refuse(NotFound, "Producto padre con ID %d no encontrado", parent)
	case generations >= maxGenerations:
		return refuse(Conflict, "Una familia tiene hasta %d generaciones", maxGenerations)
	}
	return nil
}

// lockProduct reads one that was not eliminated and keeps it from others until the end. The lock lets sales name the product
// meanwhile.
func (c *Call) lockProduct(id int64) (Product, error) {
	list, err := c.listProducts("where p.id = $1 and not p.is_deleted for no key update of p", id)
	if err != nil {
		return Product{}, err
	}
	if len(list) == 0 {
		return Product{}, refuse(NotFound, "Producto no encontrado")
	}
	return list[0], nil
}

// ChangeProduct writes what edit leaves. A new stock is a movement like any other.
func (c *Call) ChangeProduct(id int64, edit func(*Product)) (Product, error) {
	before, err := c.lockProduct(id)
	if err != nil {
		return before, err
	}
	n := before
	edit(&n)
	if n.ControlaStock && n.Stock < 0 && (n.Stock != before.Stock || !before.ControlaStock) { // below zero by a till's sale it may stay
		return n, refuse(Conflict, "El stock de %s es %s: indique cuánto hay para empezar a controlarlo", n.Nombre, twoDecimals(n.Stock))
	}
	if !same(before.ParentID, n.ParentID) {
		if err := c.checkMove(n); err != nil {
			return n, err
		}
	}
	// Before the rest: a stock below zero must be mended before it is controlled.
	if err := c.applyMoves([]stockMove{{product: id, delta: n.Stock - before.Stock, motivo: "AJUSTE", description: "Cambio en la ficha del producto"}}); err != nil {
		return n, err
	}
	// With triggers before it, a statement that names a key holds off all who sell the product, whether or not the key changes.
	batch := &pgx.Batch{}
	batch.Queue("update product set codigo_interno = $2 where id = $1 and codigo_interno <> $2", id, n.SKU)
	batch.Queue(`update product set nombre = $2, descripcion = $3, precio_neto = $4, costo_unitario = $5,
			costo_base = case when costo_unitario = $5 then costo_base else $5 end, unidad_medida = $6, codigo_barras = $7, controla_stock = $8,
			stock_minimo = $9, parent_id = $10, brand_id = $11, tax_id = $12, is_active = $13, updated_at = $14
		where id = $1`, id, n.Nombre, n.Descripcion, n.PrecioNeto, n.Costo, n.Unidad, n.Barcode, n.ControlaStock, n.StockMinimo, n.ParentID,
		n.brandID(), n.taxID(), n.IsActive, c.now)
	err = c.tx.SendBatch(c.ctx, batch).Close()
	if err := errProduct(n, err); err != nil {
		return n, err
	}
	return c.Product(id)
}

// checkMove says whether a product may go to another family. One that has variants may not, so that no family is ever inside
// itself; who moves at the same time waits at the counter.
func (c *Call) checkMove(n Product) error {
	if n.ParentID == nil {
		return nil
	}
	if _, err := c.tx.Exec(c.ctx, "select sku from counter for update"); err != nil {
		return err
	}
	if *n.ParentID == n.ID {
		return refuse(Conflict, "Un producto no puede ser variante de sí mismo")
	}
	family, err := c.hasVariants([]int64{n.ID})
	if err != nil {
		return err
	}
	if family[n.ID] {
		return refuse(Conflict, "El producto '%s' tiene variantes: no puede ser variante de otro", n.Nombre)
	}
	return c.checkParent(*n.ParentID)
}

// hasVariants says which of some products are families.
func (c *Call) hasVariants(ids []int64) (map[int64]bool, error) {
	rows, err := c.tx.Query(c.ctx, "select distinct parent_id from product where parent_id = any($1) and not is_deleted", ids)
	if err != nil {
		return nil, err
	}
	families := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		families[id] = true
		return nil
	})
	return families, err
}

// RemoveProduct takes a product and its variants out of the catalogue and off the price lists. What was sold of them keeps
// naming them.
func (c *Call) RemoveProduct(id int64) error {
	var gone int64
	err := c.tx.QueryRow(c.ctx, `with recursive family as (
			select id from product where id = $1 and not is_deleted
			union select child.id from product child join family on child.parent_id = family.id where not child.is_deleted),
		gone as (update product set is_deleted = true, is_active = false, updated_at = $2 where id in (select id from family) returning id),
		unlisted as (delete from price_list_item where product_id in (select id from gone))
		select count(*) from gone`, id, c.now).Scan(&gone)
	if err == nil && gone == 0 {
		return refuse(NotFound, "Producto no encontrado")
	}
	return err
}
