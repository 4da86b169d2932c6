package torn

import (
	"mostrador/central"
)

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
