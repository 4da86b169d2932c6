package torn

import (
	"mostrador/central"
	"mostrador/money"
)

func productRoutes() []route {
	edits := holding(central.EditProducts)
	return tagged("productos",
		in("POST", "/products/", "Crear un producto; sin código recibe el siguiente PROD-, y sin código de barras un EAN-13 propio", edits, 201, createProduct),
		in("POST", "/products/with-variants", "Crear una familia con sus variantes, o nada", edits, 201, createFamily),
		in("GET", "/products/", "El catálogo, lo más nuevo primero; las variantes van solas y dentro de su familia", people, 200, listProducts),
		in("GET", "/products/{id}", "Un producto por código interno o de barras", people, 200, getProduct),
		in("PUT", "/products/{id}", "Cambiar un producto; un stock nuevo queda como movimiento", edits, 200, changeProduct),
		in("DELETE", "/products/{id}", "Eliminar un producto con sus variantes", edits, 204, func(c *central.Call, in byID) (none, error) {
			return none{}, c.RemoveProduct(in.ID)
		}),
		in("GET", "/inventory/", "Los productos activos, variantes incluidas", people, 200, listInventory),
	)
}

type productOut struct {
	ID            int64          `json:"id"`
	CodigoInterno string         `json:"codigo_interno"`
	Nombre        string         `json:"nombre"`
	Descripcion   string         `json:"descripcion"`
	PrecioNeto    Pesos          `json:"precio_neto"`
	CostoUnitario Costo          `json:"costo_unitario"`
	UnidadMedida  string         `json:"unidad_medida"`
	CodigoBarras  *string        `json:"codigo_barras"`
	ControlaStock bool           `json:"controla_stock"`
	StockActual   Existencia     `json:"stock_actual"`
	StockMinimo   Existencia     `json:"stock_minimo"`
	IsActive      bool           `json:"is_active"`
	IsDeleted     bool           `json:"is_deleted"`
	UpdatedAt     Instante       `json:"updated_at"`
	FullName      string         `json:"full_name"`
	PrecioBruto   Bruto          `json:"precio_bruto"`
	ParentID      *int64         `json:"parent_id"`
	BrandID       *int64         `json:"brand_id"`
	Brand         *central.Brand `json:"brand"`
	TaxID         *int64         `json:"tax_id"`
	Tax           *taxOut        `json:"tax"`
	Variants      []productOut   `json:"variants"`
}

type taxOut struct {
	Name      string `json:"name"`
	Rate      Tasa   `json:"rate"`
	IsActive  bool   `json:"is_active"`
	IsDefault bool   `json:"is_default"`
	ID        int64  `json:"id"`
}

func taxOf(t central.Tax) taxOut {
	return taxOut{t.Name, Tasa(t.Rate), t.IsActive, t.IsDefault, t.ID}
}

func productOf(p central.Product) productOut {
	out := productOut{
		ID: p.ID, CodigoInterno: p.SKU, Nombre: p.Nombre, Descripcion: p.Descripcion, PrecioNeto: Pesos(p.PrecioNeto),
		CostoUnitario: Costo(p.Costo), UnidadMedida: p.Unidad, CodigoBarras: p.Barcode, ControlaStock: p.ControlaStock,
		StockActual: Existencia(p.Stock), StockMinimo: Existencia(p.StockMinimo), IsActive: p.IsActive, IsDeleted: p.IsDeleted,
		UpdatedAt: Instante(p.UpdatedAt), FullName: p.FullName(), PrecioBruto: Bruto(p.PrecioBruto()), ParentID: p.ParentID,
		Brand: p.Brand, Variants: []productOut{},
	}
	if p.Brand != nil {
		out.BrandID = &p.Brand.ID
	}
	if p.Tax != nil {
		tax := taxOf(*p.Tax)
		out.TaxID, out.Tax = &p.Tax.ID, &tax
	}
	for _, v := range p.Variants {
		out.Variants = append(out.Variants, productOf(v))
	}
	return out
}

func productsOf(list []central.Product, err error) ([]productOut, error) {
	out := make([]productOut, len(list))
	for i, p := range list {
		out[i] = productOf(p)
	}
	return out, err
}

// A SKU is as long as the SII's VlrCodigo: documents name it.
type newProductIn struct {
	Body struct {
		Nombre      string          `json:"nombre" required:"true" minLength:"1" maxLength:"200"`
		PrecioNeto  Pesos           `json:"precio_neto" required:"true" minimum:"0" maximum:"999999999999"`
		Codigo      Opt[string]     `json:"codigo_interno" maxLength:"35"`
		Descripcion Opt[string]     `json:"descripcion" maxLength:"1000"`
		Unidad      Opt[string]     `json:"unidad_medida" maxLength:"20"`
		Barras      Opt[string]     `json:"codigo_barras" maxLength:"50"`
		Controla    Opt[bool]       `json:"controla_stock"`
		Stock       Opt[Existencia] `json:"stock_actual" minimum:"0" maximum:"999999999"`
		StockMinimo Opt[Existencia] `json:"stock_minimo" minimum:"0" maximum:"999999999"`
		ParentID    Opt[int64]      `json:"parent_id"`
		BrandID     Opt[int64]      `json:"brand_id" doc:"0 es sin marca"`
		TaxID       Opt[int64]      `json:"tax_id" doc:"0 es sin impuesto propio: el IVA general"`
	}
}

func createProduct(c *central.Call, in newProductIn) (productOut, error) {
	b := in.Body
	made, err := c.CreateProduct(central.Product{
		SKU: b.Codigo.Or(""), Nombre: b.Nombre, Descripcion: b.Descripcion.Or(""), PrecioNeto: money.Pesos(b.PrecioNeto), Unidad: unit(b.Unidad),
		Barcode: someText(b.Barras), ControlaStock: b.Controla.Or(false), Stock: money.Qty(b.Stock.Or(0)), StockMinimo: money.Qty(b.StockMinimo.Or(0)),
		ParentID: someID(b.ParentID), Brand: brandByID(b.BrandID), Tax: taxByID(b.TaxID),
	})
	return productOf(made), err
}

func unit(o Opt[string]) string {
	if o.Or("") == "" {
		return "unidad"
	}
	return o.Value
}

// someText is a text that says something: clients send an empty one for a field that was not filled in.
func someText(o Opt[string]) *string {
	if o.Or("") == "" {
		return nil
	}
	return &o.Value
}

func brandByID(o Opt[int64]) *central.Brand {
	if id := someID(o); id != nil {
		return &central.Brand{ID: *id}
	}
	return nil
}

func taxByID(o Opt[int64]) *central.Tax {
	if id := someID(o); id != nil {
		return &central.Tax{ID: *id}
	}
	return nil
}

type variantIn struct {
	Nombre      string          `json:"nombre" required:"true" minLength:"1" maxLength:"200"`
	PrecioNeto  Pesos           `json:"precio_neto" required:"true" minimum:"0" maximum:"999999999999"`
	Codigo      Opt[string]     `json:"codigo_interno" maxLength:"35"`
	Barras      Opt[string]     `json:"codigo_barras" maxLength:"50"`
	Descripcion Opt[string]     `json:"descripcion" maxLength:"1000"`
	Stock       Opt[Existencia] `json:"stock_actual" minimum:"0" maximum:"999999999"`
}

func createFamily(c *central.Call, in struct {
	Body struct {
		Nombre      string          `json:"nombre" required:"true" minLength:"1" maxLength:"200"`
		PrecioNeto  Opt[Pesos]      `json:"precio_neto" minimum:"0" maximum:"999999999999"`
		Codigo      Opt[string]     `json:"codigo_interno" maxLength:"31" doc:"Más -V01 y siguientes, el código de las variantes"`
		Descripcion Opt[string]     `json:"descripcion" maxLength:"1000"`
		Unidad      Opt[string]     `json:"unidad_medida" maxLength:"20"`
		Barras      Opt[string]     `json:"codigo_barras" maxLength:"50" doc:"Se acepta y no se guarda: lo que se vende son las variantes"`
		Controla    Opt[bool]       `json:"controla_stock" doc:"De las variantes"`
		Stock       Opt[Existencia] `json:"stock_actual" doc:"Se acepta y no se guarda: el stock es de las variantes"`
		StockMinimo Opt[Existencia] `json:"stock_minimo" doc:"Se acepta y no se guarda"`
		ParentID    Opt[int64]      `json:"parent_id"`
		BrandID     Opt[int64]      `json:"brand_id"`
		TaxID       Opt[int64]      `json:"tax_id"`
		Variants    []variantIn     `json:"variants" required:"true" minItems:"1" maxItems:"99"`
	}
},
) (productOut, error) {
	b := in.Body
	variants := make([]central.Product, len(b.Variants))
	for i, v := range b.Variants {
		variants[i] = central.Product{
			SKU: v.Codigo.Or(""), Nombre: v.Nombre, Descripcion: v.Descripcion.Or(""), PrecioNeto: money.Pesos(v.PrecioNeto),
			Barcode: someText(v.Barras), Stock: money.Qty(v.Stock.Or(0)),
		}
	}
	made, err := c.CreateFamily(central.Product{
		SKU: b.Codigo.Or(""), Nombre: b.Nombre, Descripcion: b.Descripcion.Or(""), PrecioNeto: money.Pesos(b.PrecioNeto.Or(0)), Unidad: unit(b.Unidad),
		ControlaStock: b.Controla.Or(false), ParentID: someID(b.ParentID), Brand: brandByID(b.BrandID), Tax: taxByID(b.TaxID),
	}, variants)
	return productOf(made), err
}

func listProducts(c *central.Call, in struct{ pageQuery }) ([]productOut, error) {
	return productsOf(c.Products(in.page()))
}

func listInventory(c *central.Call, in struct{ pageQuery }) ([]productOut, error) {
	page := in.page()
	if page.IsActive == nil {
		page.IsActive = new(true)
	}
	return productsOf(c.Products(page))
}

func getProduct(c *central.Call, in struct {
	Codigo string `path:"id" maxLength:"200" doc:"El código interno o de barras"`
},
) (productOut, error) {
	p, err := c.ProductByCode(in.Codigo)
	return productOf(p), err
}

func changeProduct(c *central.Call, in struct {
	ID   int64 `path:"id"`
	Body struct {
		Nombre      string          `json:"nombre" minLength:"1" maxLength:"200"`
		PrecioNeto  Opt[Pesos]      `json:"precio_neto" minimum:"0" maximum:"999999999999"`
		Costo       Opt[Costo]      `json:"costo_unitario" minimum:"0" maximum:"999999999999"`
		Codigo      Opt[string]     `json:"codigo_interno" maxLength:"35"`
		Descripcion Opt[string]     `json:"descripcion" maxLength:"1000"`
		Unidad      Opt[string]     `json:"unidad_medida" maxLength:"20"`
		Barras      Opt[string]     `json:"codigo_barras" maxLength:"50"`
		Controla    Opt[bool]       `json:"controla_stock"`
		Stock       Opt[Existencia] `json:"stock_actual" minimum:"0" maximum:"999999999"`
		StockMinimo Opt[Existencia] `json:"stock_minimo" minimum:"0" maximum:"999999999"`
		ParentID    Opt[int64]      `json:"parent_id"`
		BrandID     Opt[int64]      `json:"brand_id"`
		TaxID       Opt[int64]      `json:"tax_id"`
		IsActive    Opt[bool]       `json:"is_active"`
	}
},
) (productOut, error) {
	b := in.Body
	changed, err := c.ChangeProduct(in.ID, func(p *central.Product) {
		if b.Nombre != "" {
			p.Nombre = b.Nombre
		}
		if b.Codigo.Or("") != "" {
			p.SKU = b.Codigo.Value
		}
		if b.Unidad.Or("") != "" {
			p.Unidad = b.Unidad.Value
		}
		b.PrecioNeto.Into((*Pesos)(&p.PrecioNeto))
		b.Costo.Into((*Costo)(&p.Costo))
		rewrite(b.Descripcion, &p.Descripcion)
		b.Controla.Into(&p.ControlaStock)
		b.Stock.Into((*Existencia)(&p.Stock))
		b.StockMinimo.Into((*Existencia)(&p.StockMinimo))
		b.IsActive.Into(&p.IsActive)
		if b.Barras.Set {
			p.Barcode = someText(b.Barras)
		}
		if b.ParentID.Set {
			p.ParentID = someID(b.ParentID)
		}
		if b.BrandID.Set {
			p.Brand = brandByID(b.BrandID)
		}
		if b.TaxID.Set {
			p.Tax = taxByID(b.TaxID)
		}
	})
	return productOf(changed), err
}
