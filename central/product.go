package central

import (
	"errors"
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
	rows, err := c.tx.Query(c.ctx, selectProduct+" where p.id = any($1)", ids)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanProduct)
	found := make(map[int64]Product, len(list))
	for _, p := range list {
		found[p.ID] = p
	}
	return found, err
}

// errNoRow says whether a query that must find one row found none.
func errNoRow(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
