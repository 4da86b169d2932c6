package dte

import (
	"fmt"

	"mostrador/dte/xmltree"
	"mostrador/money"
)

// computedInDivisa fills in the amounts of an export document: in its currency with up to four decimals, and in pesos at
// its rate of exchange (HED-3-834). Discounts and surcharges of a line are whole units of the currency (Formato DTE,
// Exportaciones, DescuentoMonto).
func (d Draft) computedInDivisa() (*Document, error) {
	doc := &Document{Draft: d}
	var sum money.Divisa
	for i, l := range d.Detalle {
		m, err := l.divisa()
		if err == nil {
			sum, err = sum.Add(m.total)
		}
		if err != nil {
			return &Document{}, fmt.Errorf("línea %d (%s): %w", i+1, l.Nombre, err)
		}
		doc.MontosDivisa = append(doc.MontosDivisa, m.total)
		doc.Descuentos = append(doc.Descuentos, m.descuento)
		doc.Recargos = append(doc.Recargos, m.recargo)
	}
	total := sum
	for i, g := range d.DscRcg {
		amount := g.Divisa
		var err error
		if g.Pct != 0 {
			if amount, err = g.Pct.OfDivisa(sum); err != nil {
				return &Document{}, err
			}
		}
		if g.TpoMov == DescuentoGlobal {
			amount = -amount
		}
		if total, err = total.Add(amount); err != nil {
			return &Document{}, err
		}
		if total < 0 {
			return &Document{}, fmt.Errorf("el descuento global %d es mayor que lo que se vende", i+1)
		}
	}
	t := &TotalesDivisa{MntExe: total, MntTotal: total}
	if d.Exportacion != nil {
		var err error
		if t.MntTotCL, err = total.Pesos(d.Exportacion.TpoCambio); err != nil {
			return &Document{}, err
		}
		t.MntExeCL = t.MntTotCL
	}
	doc.Totales.Divisa = t
	return doc, nil
}

type divisaAmounts struct {
	descuento, recargo money.Pesos // whole units of the currency
	total              money.Divisa
}

func (l Linea) divisa() (m divisaAmounts, err error) {
	base := l.Divisa
	if l.Qty != 0 && l.Prc != 0 {
		if base, err = l.Prc.TimesDivisa(l.Qty); err != nil {
			return m, err
		}
	}
	whole := func(given money.Pesos, pct money.Rate) (money.Pesos, error) {
		if pct == 0 {
			return given, nil
		}
		part, err := pct.OfDivisa(base)
		if err != nil {
			return 0, err
		}
		units, err := part.Whole()
		return money.Pesos(units / money.OneDivisa), err
	}
	if m.descuento, err = whole(l.Descuento, l.DescuentoPct); err != nil {
		return m, err
	}
	if m.recargo, err = whole(l.Recargo, l.RecargoPct); err != nil {
		return m, err
	}
	change := m.recargo - m.descuento
	if change > money.Pesos(money.MaxDivisa/money.OneDivisa) || change < -money.Pesos(money.MaxDivisa/money.OneDivisa) {
		return m, money.ErrOverflow
	}
	if m.total, err = base.Add(money.Divisa(change) * money.OneDivisa); err != nil {
		return m, err
	}
	if m.total < 0 {
		return m, fmt.Errorf("el descuento (%s) es mayor que el valor (%s)", m.descuento, base)
	}
	return m, nil
}

// total is what the document states as MntTotal, as it is written.
func (t Totales) total() string {
	if t.Divisa != nil {
		return t.Divisa.MntTotal.XML()
	}
	return t.MntTotal.XML()
}

// isZero reports a document of no amount.
func (t Totales) isZero() bool {
	return t.MntTotal == 0 && (t.Divisa == nil || t.Divisa.MntTotal == 0)
}

// aduana writes the customs block.
func (w *writer) aduana(a *Aduana) {
	w.open("Aduana")
	w.integer("CodModVenta", a.CodModVenta)
	w.integer("CodClauVenta", a.CodClauVenta)
	w.divisa("TotClauVenta", a.TotClauVenta)
	w.integer("CodViaTransp", a.CodViaTransp)
	w.text("NombreTransp", a.NombreTransp)
	w.text("RUTCiaTransp", a.RUTCiaTransp.String())
	w.text("NomCiaTransp", a.NomCiaTransp)
	w.text("Booking", a.Booking)
	w.text("Operador", a.Operador)
	w.integer("CodPtoEmbarque", a.CodPtoEmbarque)
	w.integer("CodPtoDesemb", a.CodPtoDesemb)
	w.integer("Tara", a.Tara)
	w.integer("CodUnidMedTara", a.CodUnidMedTara)
	w.divisa("PesoBruto", a.PesoBruto)
	w.integer("CodUnidPesoBruto", a.CodUnidPesoBruto)
	w.divisa("PesoNeto", a.PesoNeto)
	w.integer("CodUnidPesoNeto", a.CodUnidPesoNeto)
	w.integer("TotBultos", a.TotBultos)
	for _, b := range a.TipoBultos {
		w.open("TipoBultos")
		w.integer("CodTpoBultos", b.CodTpoBultos)
		w.integer("CantBultos", b.CantBultos)
		w.text("Marcas", b.Marcas)
		w.text("IdContainer", b.IDContainer)
		w.text("Sello", b.Sello)
		w.text("EmisorSello", b.EmisorSello)
		w.close("TipoBultos")
	}
	w.divisa("MntFlete", a.MntFlete)
	w.divisa("MntSeguro", a.MntSeguro)
	w.integer("CodPaisRecep", a.CodPaisRecep)
	w.integer("CodPaisDestin", a.CodPaisDestin)
	w.close("Aduana")
}

// divisa writes an amount unless it is zero.
func (w *writer) divisa(name string, d money.Divisa) {
	if d != 0 {
		w.must(name, d.XML())
	}
}

// totalesDivisa writes Totales and OtraMoneda of an export document.
func (w *writer) totalesDivisa(doc *Document) {
	t, e := doc.Totales.Divisa, doc.Exportacion
	w.open("Totales")
	w.must("TpoMoneda", e.TpoMoneda)
	w.must("MntExe", t.MntExe.XML())
	w.must("MntTotal", t.MntTotal.XML())
	w.close("Totales")
	w.open("OtraMoneda")
	w.must("TpoMoneda", pesoCL)
	w.must("TpoCambio", e.TpoCambio.XML())
	w.must("MntExeOtrMnda", t.MntExeCL.XML())
	w.must("MntTotOtrMnda", t.MntTotCL.XML())
	w.close("OtraMoneda")
}

const pesoCL = "PESO CL"

// exportacion reads what only export documents have.
func (r *reader) exportacion(header *xmltree.Node) *Exportacion {
	extranjero := header.Path("Receptor", "Extranjero")
	e := &Exportacion{
		TpoMoneda: r.text(header.Child("Totales"), "TpoMoneda"), TpoCambio: number(r, header.Child("OtraMoneda"), "TpoCambio", money.CambioFromXML),
		FmaPagExp: int(r.optional(header.Child("IdDoc"), "FmaPagExp")), Nacionalidad: r.text(extranjero, "Nacionalidad"), NumID: r.text(extranjero, "NumId"),
	}
	if n := header.Path("Transporte", "Aduana"); n != nil {
		e.Aduana = r.aduana(n)
	}
	return e
}

func (r *reader) aduana(n *xmltree.Node) *Aduana {
	integer := func(name string) int { return int(r.optional(n, name)) }
	amount := func(name string) money.Divisa { return number(r, n, name, money.DivisaFromXML) }
	a := &Aduana{
		CodModVenta: integer("CodModVenta"), CodClauVenta: integer("CodClauVenta"), TotClauVenta: amount("TotClauVenta"),
		CodViaTransp: integer("CodViaTransp"), NombreTransp: r.text(n, "NombreTransp"), RUTCiaTransp: r.optionalRUT(n, "RUTCiaTransp"),
		NomCiaTransp: r.text(n, "NomCiaTransp"), Booking: r.text(n, "Booking"), Operador: r.text(n, "Operador"),
		CodPtoEmbarque: integer("CodPtoEmbarque"), CodPtoDesemb: integer("CodPtoDesemb"),
		Tara: integer("Tara"), CodUnidMedTara: integer("CodUnidMedTara"),
		PesoBruto: amount("PesoBruto"), CodUnidPesoBruto: integer("CodUnidPesoBruto"),
		PesoNeto: amount("PesoNeto"), CodUnidPesoNeto: integer("CodUnidPesoNeto"), TotBultos: integer("TotBultos"),
		MntFlete: amount("MntFlete"), MntSeguro: amount("MntSeguro"), CodPaisRecep: integer("CodPaisRecep"), CodPaisDestin: integer("CodPaisDestin"),
	}
	for _, b := range n.All("TipoBultos") {
		a.TipoBultos = append(a.TipoBultos, Bulto{
			CodTpoBultos: int(r.optional(b, "CodTpoBultos")), CantBultos: int(r.optional(b, "CantBultos")), Marcas: r.text(b, "Marcas"),
			IDContainer: r.text(b, "IdContainer"), Sello: r.text(b, "Sello"), EmisorSello: r.text(b, "EmisorSello"),
		})
	}
	return a
}

func (r *reader) totalesDivisa(header *xmltree.Node) *TotalesDivisa {
	t, other := header.Child("Totales"), header.Child("OtraMoneda")
	return &TotalesDivisa{
		MntExe: number(r, t, "MntExe", money.DivisaFromXML), MntTotal: number(r, t, "MntTotal", money.DivisaFromXML),
		MntExeCL: number(r, other, "MntExeOtrMnda", wholePesos), MntTotCL: number(r, other, "MntTotOtrMnda", wholePesos),
	}
}
