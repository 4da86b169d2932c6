package dte

import (
	"fmt"
	"slices"

	"mostrador/money"
)

// Totals computes every amount of the document: the totals, and the line amounts in the order of Detalle.
//
// Lines: round half up of price × quantity, less discount, plus surcharge. Net documents (33, 34, 56, 61): IVA is
// 19 % of the net, half up. Gross ones (39, and others with MntBruto): the net is gross / 1.19, half up, and IVA is the
// difference. Global movements act on the sum of their kind of lines before IVA is taken (Formato DTE 2026-02,
// "Descuentos y recargos globales" and "Totales").
func (d Draft) Totals() (Totales, []money.Pesos, error) {
	doc, err := d.computed()
	return doc.Totales, doc.Montos, err
}

// computed is a document with its amounts filled in.
func (d Draft) computed() (*Document, error) {
	if d.Tipo.EsExportacion() {
		return d.computedInDivisa()
	}
	n := len(d.Detalle)
	doc := &Document{Draft: d, Montos: make([]money.Pesos, 0, n), Descuentos: make([]money.Pesos, 0, n), Recargos: make([]money.Pesos, 0, n)}
	sums := map[IndExe]money.Pesos{}
	var taxes taxBases
	for i, l := range d.Detalle {
		m, err := l.monto()
		kind := d.kind(l.IndExe)
		if err == nil {
			sums[kind], err = sums[kind].Add(m.total)
		}
		if err == nil {
			err = taxes.add(l, m.total)
		}
		if err != nil {
			return &Document{}, fmt.Errorf("línea %d (%s): %w", i+1, l.Nombre, err)
		}
		doc.Montos = append(doc.Montos, m.total)
		doc.Descuentos = append(doc.Descuentos, m.descuento)
		doc.Recargos = append(doc.Recargos, m.recargo)
	}
	if err := d.applyGlobals(sums); err != nil {
		return &Document{}, err
	}
	var err error
	doc.Totales, err = d.totals(sums, &taxes)
	return doc, err
}

// kind is where a line's amount goes; an exempt document has no taxed lines.
func (d Draft) kind(i IndExe) IndExe {
	if i == Afecto && d.Tipo.EsExento() {
		return Exento
	}
	return i
}

// applyGlobals adds surcharges and takes discounts, each computed on the sum of the lines as they stand in the detail.
func (d Draft) applyGlobals(sums map[IndExe]money.Pesos) error {
	base := map[IndExe]money.Pesos{}
	for kind, sum := range sums {
		base[kind] = sum
	}
	for i, g := range d.DscRcg {
		kind := d.kind(g.IndExe)
		amount := g.Monto
		if g.Pct != 0 {
			var err error
			if amount, err = g.Pct.Of(base[kind]); err != nil {
				return err
			}
		}
		if g.TpoMov == DescuentoGlobal {
			amount = -amount
		}
		sum, err := sums[kind].Add(amount)
		if err != nil {
			return err
		}
		if sum < 0 {
			return fmt.Errorf("el descuento global %d es mayor que lo que se vende", i+1)
		}
		sums[kind] = sum
	}
	return nil
}

func (d Draft) totals(sums map[IndExe]money.Pesos, taxes *taxBases) (t Totales, err error) {
	taxed := sums[Afecto]
	t.MntExe = sums[Exento]
	t.GrntDep = sums[GarantiaDeposito]
	if d.Tipo == Boleta || d.MntBruto {
		if t.MntNeto, err = money.IVA.Net(taxed); err != nil {
			return Totales{}, err
		}
		t.IVA = taxed - t.MntNeto
	} else {
		t.MntNeto = taxed
		if t.IVA, err = money.IVA.Of(taxed); err != nil {
			return Totales{}, err
		}
	}
	if d.statesIVA() && !d.Tipo.EsBoleta() {
		t.TasaIVA = money.IVA
	}
	var withheld, effect money.Pesos
	if t.Impuestos, withheld, effect, err = taxes.impuestos(d.Informados, t.MntNeto, t.IVA); err != nil {
		return Totales{}, err
	}
	if withheld > 0 {
		t.IVANoRet = t.IVA - withheld
	}
	if t.MntTotal, err = money.Sum(t.MntNeto, t.IVA, t.MntExe, effect, t.GrntDep); err != nil {
		return Totales{}, err
	}
	return t, d.toPay(&t, sums)
}

// toPay states what is to be paid where that is not the total: non-billable lines and earlier balances are outside it.
func (d Draft) toPay(t *Totales, sums map[IndExe]money.Pesos) (err error) {
	t.MontoNF = sums[NoFacturable] - sums[NoFacturableNegativo]
	t.SaldoAnterior = d.SaldoAnterior
	if t.MontoNF == 0 && t.SaldoAnterior == 0 {
		return nil
	}
	if d.SaldoAnterior != 0 {
		if t.MontoPeriodo, err = t.MntTotal.Add(t.MontoNF); err != nil {
			return err
		}
	}
	t.VlrPagar, err = money.Sum(t.MntTotal, t.MontoNF, t.SaldoAnterior)
	return err
}

// statesIVA reports that the document shows net and IVA, be they zero: it has a taxed line, or a surcharge makes an
// amount that is taxed. A guía without prices shows neither.
func (d Draft) statesIVA() bool {
	taxedLine := func(l Linea) bool {
		return d.kind(l.IndExe) == Afecto && (d.Tipo != GuiaDespacho || l.Prc != 0 || l.Monto != 0)
	}
	taxedSurcharge := func(g DscRcgGlobal) bool {
		return d.kind(g.IndExe) == Afecto && g.TpoMov == RecargoGlobal && g.Monto > 0
	}
	return slices.ContainsFunc(d.Detalle, taxedLine) || slices.ContainsFunc(d.DscRcg, taxedSurcharge)
}

// taxes reports a line or surcharge that is taxed and not empty: a note that only corrects text has neither.
func (d Draft) taxes() bool {
	t, _, err := d.Totals()
	return err == nil && t.MntNeto > 0
}

// lineAmounts are the parts of a line's amount, all of which the document states.
type lineAmounts struct{ descuento, recargo, total money.Pesos }

func (l Linea) monto() (m lineAmounts, err error) {
	base := l.Monto
	if l.Qty != 0 && l.Prc != 0 {
		if base, err = l.Prc.Times(l.Qty); err != nil {
			return m, err
		}
	}
	m.descuento, m.recargo = l.Descuento, l.Recargo
	if l.DescuentoPct != 0 {
		if m.descuento, err = l.DescuentoPct.Of(base); err != nil {
			return m, err
		}
	}
	if l.RecargoPct != 0 {
		if m.recargo, err = l.RecargoPct.Of(base); err != nil {
			return m, err
		}
	}
	if m.total, err = money.Sum(base, -m.descuento, m.recargo); err != nil {
		return m, err
	}
	if m.total < 0 {
		return m, fmt.Errorf("el descuento ($%s) es mayor que el valor ($%s)", m.descuento, base)
	}
	return m, nil
}
