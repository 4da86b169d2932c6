package dte

import (
	"slices"

	"mostrador/money"
)

// Efecto says what an additional code does to the total.
type Efecto int

// The effects of a code.
const (
	Adicional     Efecto = iota // is added to the total
	Retencion                   // of IVA: the buyer keeps it, and it is taken off the total
	OtraRetencion               // of another tax: taken off the total, but not a part of the IVA
)

// Base says what a code's rate is applied to.
type Base int

// The bases.
const (
	SobreLineas Base = iota // the net amount of the lines with the code
	SobreFaena              // the slaughter base of those lines (MntBaseFaena)
	PorMonto                // no rate: the amount is informed (specific taxes by volume, margins)
)

// CodigoImpuesto is an additional tax or retention of the law (D.L. 825; Formato DTE, table of codes).
type CodigoImpuesto struct {
	Cod    int
	Glosa  string
	Efecto Efecto
	Base   Base
	Tasa   money.Rate
}

// Impuestos lists the codes that documents may carry.
func Impuestos() []CodigoImpuesto { return slices.Clone(codigosImpuesto) }

// ImpuestoPorCodigo finds a code.
func ImpuestoPorCodigo(cod int) (CodigoImpuesto, bool) {
	i := slices.IndexFunc(codigosImpuesto, func(c CodigoImpuesto) bool { return c.Cod == cod })
	if i < 0 {
		return CodigoImpuesto{}, false
	}
	return codigosImpuesto[i], true
}

var codigosImpuesto = []CodigoImpuesto{
	{14, "IVA de margen de comercialización", Adicional, PorMonto, 1900},
	{15, "IVA retenido total", Retencion, SobreLineas, 1900},
	{16, "IVA retenido parcial", Retencion, PorMonto, 0},
	{17, "IVA anticipado faenamiento carne", Adicional, SobreFaena, 500},
	{18, "IVA anticipado carne", Adicional, SobreLineas, 500},
	{19, "IVA anticipado harina", Adicional, SobreLineas, 1200},
	{23, "Impuesto adicional art. 37 a), b), c)", Adicional, SobreLineas, 1500},
	{24, "ILA licores, piscos, destilados", Adicional, SobreLineas, 3150},
	{25, "ILA vinos", Adicional, SobreLineas, 2050},
	{26, "ILA cervezas y otras bebidas alcohólicas", Adicional, SobreLineas, 2050},
	{27, "ILA bebidas analcohólicas y minerales", Adicional, SobreLineas, 1000},
	{271, "ILA bebidas de alto contenido de azúcar", Adicional, SobreLineas, 1800},
	{28, "Impuesto específico diésel", Adicional, PorMonto, 0},
	{30, "IVA retenido legumbres (parcial)", Retencion, SobreLineas, 1000},
	{301, "IVA retenido legumbres (total)", Retencion, SobreLineas, 1900},
	{31, "IVA retenido silvestres", Retencion, SobreLineas, 1900},
	{32, "IVA retenido ganado (parcial)", Retencion, SobreLineas, 800},
	{321, "IVA retenido ganado (total)", Retencion, SobreLineas, 1900},
	{33, "IVA retenido madera (parcial)", Retencion, SobreLineas, 800},
	{331, "IVA retenido madera (total)", Retencion, SobreLineas, 1900},
	{34, "IVA retenido trigo (parcial)", Retencion, SobreLineas, 400},
	{341, "IVA retenido trigo (total)", Retencion, SobreLineas, 1900},
	{35, "Impuesto específico gasolinas", Adicional, PorMonto, 0},
	{36, "IVA retenido arroz (parcial)", Retencion, SobreLineas, 1000},
	{361, "IVA retenido arroz (total)", Retencion, SobreLineas, 1900},
	{37, "IVA retenido hidrobiológicas (parcial)", Retencion, SobreLineas, 1000},
	{371, "IVA retenido hidrobiológicas (total)", Retencion, SobreLineas, 1900},
	{38, "IVA retenido chatarra", Retencion, SobreLineas, 1900},
	{39, "IVA retenido PPA", Retencion, SobreLineas, 1900},
	{41, "IVA retenido construcción", Retencion, SobreLineas, 1900},
	{44, "Impuesto adicional art. 37 e), h), i), l)", Adicional, SobreLineas, 1500},
	{45, "Impuesto adicional pirotecnia", Adicional, SobreLineas, 5000},
	{46, "IVA retenido oro", Retencion, SobreLineas, 1900},
	{47, "IVA retenido cartones", Retencion, SobreLineas, 1900},
	{48, "IVA retenido frambuesas y pasas (parcial)", Retencion, SobreLineas, 1400},
	{481, "IVA retenido frambuesas y pasas (total)", Retencion, SobreLineas, 1900},
	{49, "Factura de compra sin retención", Retencion, SobreLineas, 0},
	{50, "IVA de margen de instrumentos de prepago", Adicional, PorMonto, 0},
	{51, "Impuesto gas natural comprimido", Adicional, PorMonto, 0},
	{52, "Impuesto gas licuado de petróleo", Adicional, PorMonto, 0},
	{53, "Impuesto retenido suplementeros", OtraRetencion, SobreLineas, 50},
}

// taxBases are the sums that the codes of a draft apply to, in the order of their first line.
type taxBases struct {
	codes []int
	base  map[int]money.Pesos
}

// add counts a line for its codes.
func (b *taxBases) add(l Linea, monto money.Pesos) error {
	for _, cod := range l.CodImpAdic {
		if b.base == nil {
			b.base = map[int]money.Pesos{}
		}
		if _, seen := b.base[cod]; !seen {
			b.codes = append(b.codes, cod)
		}
		if c, _ := ImpuestoPorCodigo(cod); c.Base == SobreFaena {
			monto = l.MntBaseFaena
		}
		var err error
		if b.base[cod], err = b.base[cod].Add(monto); err != nil {
			return err
		}
	}
	return nil
}

// impuestos computes the additional taxes and retentions, and what they do to the total. informed are the amounts of
// codes without a rate. A total retention keeps the whole IVA: rounding it a second time could leave a peso behind.
func (b *taxBases) impuestos(informed []Impuesto, neto, iva money.Pesos) (list []Impuesto, withheld, effect money.Pesos, err error) {
	for _, cod := range b.codes {
		c, _ := ImpuestoPorCodigo(cod)
		i := Impuesto{Cod: cod, Tasa: c.Tasa}
		switch {
		case c.Base == PorMonto:
			i.Tasa, i.Monto = informedAmount(informed, cod)
		case c.Efecto == Retencion && c.Tasa == money.IVA && b.base[cod] == neto:
			i.Monto = iva
		default:
			if i.Monto, err = c.Tasa.Of(b.base[cod]); err != nil {
				return nil, 0, 0, err
			}
		}
		if c.Efecto == Retencion {
			withheld += i.Monto
		}
		if c.Efecto == Adicional {
			effect += i.Monto
		} else {
			effect -= i.Monto
		}
		list = append(list, i)
	}
	return list, withheld, effect, nil
}

func informedAmount(informed []Impuesto, cod int) (money.Rate, money.Pesos) {
	for _, i := range informed {
		if i.Cod == cod {
			return i.Tasa, i.Monto
		}
	}
	return 0, 0
}
