package central

import (
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/money"
)

// Brand of products.
type Brand struct {
	Name string `json:"name"`
	ID   int64  `json:"id"`
}

// Tax on the sale of a product.
type Tax struct {
	ID        int64
	Name      string
	Rate      money.Rate
	IsActive  bool
	IsDefault bool
}

// Product is what is sold: a product alone, a family (which is not sold itself), or a variant of one.
type Product struct {
	ID            int64
	SKU           string // codigo_interno
	Nombre        string
	Descripcion   string
	PrecioNeto    money.Pesos
	Costo         money.Price // of one unit, as last bought
	Unidad        string
	Barcode       *string
	ControlaStock bool
	Stock         money.Qty
	StockMinimo   money.Qty
	ParentID      *int64
	ParentName    string
	Brand         *Brand
	Tax           *Tax // nil: the general IVA
	IsActive      bool
	IsDeleted     bool
	UpdatedAt     time.Time
	Variants      []Product
}

// Rate of tax on the product: its own, or the general one.
func (p Product) Rate() money.Rate {
	if p.Tax != nil {
		return p.Tax.Rate
	}
	return money.IVA
}

// Exento says that the product is sold without IVA.
func (p Product) Exento() bool { return p.Rate() == 0 }

// PrecioBruto is the price with tax, in whole pesos: what the shelf says.
func (p Product) PrecioBruto() money.Pesos { return gross(p.PrecioNeto, p.Rate()) }

// gross adds a tax to a net price, rounded half up to whole pesos.
func gross(net money.Pesos, rate money.Rate) money.Pesos {
	return net + (net*money.Pesos(rate)+5000)/10000
}

const selectProduct = `select p.id, p.codigo_interno, p.nombre, p.descripcion, p.precio_neto, p.costo_unitario, p.unidad_medida,
	p.codigo_barras, p.controla_stock, p.stock_actual, p.stock_minimo, p.parent_id, coalesce(parent.nombre, ''), b.id, b.name, t.id, t.name,
	t.rate, t.is_active, t.is_default, p.is_active, p.is_deleted, p.updated_at
	from product p left join product parent on parent.id = p.parent_id left join brand b on b.id = p.brand_id left join tax t on t.id = p.tax_id`

func scanProduct(row pgx.CollectableRow) (p Product, err error) {
	var brandID, taxID *int64
	var brandName, taxName *string
	var rate *money.Rate
	var taxActive, taxDefault *bool
	err = row.Scan(&p.ID, &p.SKU, &p.Nombre, &p.Descripcion, &p.PrecioNeto, &p.Costo, &p.Unidad, &p.Barcode, &p.ControlaStock, &p.Stock,
		&p.StockMinimo, &p.ParentID, &p.ParentName, &brandID, &brandName, &taxID, &taxName, &rate, &taxActive, &taxDefault, &p.IsActive,
		&p.IsDeleted, &p.UpdatedAt)
	if brandID != nil {
		p.Brand = &Brand{*brandName, *brandID}
	}
	if taxID != nil {
		p.Tax = &Tax{*taxID, *taxName, *rate, *taxActive, *taxDefault}
	}
	return p, err
}

// products by number, whatever their state.
func (c *Call) products(ids []int64) (map[int64]Product, error) {
	found := make(map[int64]Product, len(ids))
	return found, c.ask(c.askProducts(ids, found))
}

func (c *Call) askProducts(ids []int64, found map[int64]Product) question {
	return func(b *pgx.Batch) {
		b.Queue(selectProduct+" where p.id = any($1)", ids).Query(func(rows pgx.Rows) error {
			list, err := pgx.CollectRows(rows, scanProduct)
			for _, p := range list {
				found[p.ID] = p
			}
			return err
		})
	}
}

func (c *Call) listProducts(where string, args ...any) ([]Product, error) {
	rows, err := c.tx.Query(c.ctx, selectProduct+" "+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanProduct)
}

// Products that were not eliminated, newest first, each with its variants; those are in the list themselves, too.
func (c *Call) Products(p Page) ([]Product, error) {
	list, err := c.listProducts(`where not p.is_deleted and ($1::boolean is null or p.is_active = $1)
		order by p.id desc offset $2 limit $3`, p.IsActive, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return list, c.addVariants(list)
}

// Product by number, whatever its state.
func (c *Call) Product(id int64) (Product, error) {
	return c.oneProduct(refuse(NotFound, "Producto no encontrado"), "where p.id = $1", id)
}

// ProductByCode finds one by its SKU or its barcode.
func (c *Call) ProductByCode(code string) (Product, error) {
	return c.oneProduct(refuse(NotFound, "No se encontró un producto con código %s", code),
		`where not p.is_deleted and (p.codigo_interno = $1 or p.codigo_barras = $1) order by p.codigo_interno = $1 desc limit 1`, code)
}

func (c *Call) oneProduct(none *RefusalError, where string, args ...any) (Product, error) {
	list, err := c.listProducts(where, args...)
	if err != nil {
		return Product{}, err
	}
	if len(list) == 0 {
		return Product{}, none
	}
	return list[0], c.addVariants(list)
}

// addVariants reads the families of these products, to the last grandchild, and hangs each under its parent.
func (c *Call) addVariants(list []Product) error {
	ids := make([]int64, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	rows, err := c.tx.Query(c.ctx, `with recursive family as (
			select id from product where parent_id = any($1) and not is_deleted
			union select child.id from product child join family on child.parent_id = family.id where not child.is_deleted)
		`+selectProduct+" where p.id in (select id from family) order by p.id", ids)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, scanProduct)
	if err != nil {
		return err
	}
	children := map[int64][]Product{}
	for _, p := range found {
		children[*p.ParentID] = append(children[*p.ParentID], p)
	}
	hang(list, children, maxGenerations)
	return nil
}

// hang goes no deeper than families are: were one ever inside itself, the server would still answer.
func hang(list []Product, children map[int64][]Product, depth int) {
	for i := range list {
		if depth > 1 {
			list[i].Variants = children[list[i].ID]
			hang(list[i].Variants, children, depth-1)
		}
	}
}
