package central

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// NewNote is a correction of a sale that is asked for: a credit note (61) that takes it back, whole or in part, or corrects
// its words; a debit note (56) that takes a credit note back, or adds to a factura.
type NewNote struct {
	Tipo dte.TipoDTE
	Of   int64 // the sale
	Code dte.CodRef
	// Items are products of the sale and how much of each comes back. Prices are the sale's.
	Items  []SaleItem
	Reason string
	// Says and ShouldSay of a correction of words; without them the reason stands in their place.
	Says, ShouldSay string
	// MethodID is how the money goes back, or comes in with a debit note.
	MethodID int64
	// As in NewSale.
	Key     string
	Request [sha256.Size]byte
}

// Issue makes a note: folio, document, money, stock and the job that sends it, or nothing at all. Of a sale no more comes
// back than was sold, over all its notes: what is beyond is a Conflict.
func (c *Call) Issue(n NewNote) (Sale, error) {
	return c.sellOnce(n.Key, n.Request, func() (*plannedSale, error) { return c.planNote(n) })
}

// plannedNote is a note on its way to be a plannedSale.
type plannedNote struct {
	*plannedSale
	want NewNote
	of   Sale
	doc  *dte.Document
	// before are the credit notes of the same sale that stand.
	before []*dte.Document
}

func (c *Call) planNote(n NewNote) (*plannedSale, error) {
	switch {
	case n.Tipo.EsExportacion() && n.Tipo.EsNota():
		return nil, refuse(Unprocessable, "Las notas de exportación (111 y 112) corrigen facturas de exportación (110), que aquí no se emiten: use 61 o 56")
	case n.Tipo != dte.NotaCredito && n.Tipo != dte.NotaDebito:
		return nil, refuse(Invalid, "El tipo de DTE para ajuste debe ser 56, 61, 111 o 112.")
	}
	p := &plannedNote{plannedSale: &plannedSale{Call: c, sign: -1, goods: goodsStay, codRef: n.Code, NewSale: NewSale{Tipo: n.Tipo, Description: n.Reason}}, want: n}
	if n.Tipo == dte.NotaDebito {
		p.sign = 1
	}
	return p.plannedSale, p.steps(func() error { return p.learn() }, p.findOriginal, p.lawful, p.compose, p.finish, p.refund)
}

// findOriginal reads the sale under a lock, so that of two returns of the same thing the second sees the first.
func (p *plannedNote) findOriginal() error {
	found, err := p.tx.Exec(p.ctx, "select from sale where id = $1 for no key update", p.want.Of)
	if err == nil && found.RowsAffected() == 0 {
		return refuse(NotFound, "Venta original no encontrada")
	}
	if err != nil {
		return err
	}
	if p.of, err = p.Call.Sale(p.want.Of); err != nil {
		return err
	}
	if err := p.of.documented(Unprocessable, "No hay nada que una nota pueda corregir: devuélvala en esa caja"); err != nil {
		return err
	}
	if p.doc, err = p.documentOf(p.want.Of); err != nil {
		return err
	}
	p.customer, p.related = p.of.Customer, &p.of.ID
	rows, err := p.tx.Query(p.ctx, `select d.xml from sale n join document_state i on i.sale_id = n.id
		join document d on d.sale_id = n.id and d.version = i.version where n.related_id = $1 and n.tipo = $2
		and not exists (select from sale undone where undone.related_id = n.id and undone.tipo = $3 and undone.cod_ref = $4) order by n.id`,
		p.of.ID, int(dte.NotaCredito), int(dte.NotaDebito), int(dte.Anula))
	if err != nil {
		return err
	}
	p.before, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*dte.Document, error) {
		var xml []byte
		if err := row.Scan(&xml); err != nil {
			return nil, err
		}
		return dte.Parse(xml)
	})
	return err
}

// lawful keeps to what the law lets a note do to a document.
func (p *plannedNote) lawful() error {
	credit, of := p.Tipo == dte.NotaCredito, p.of.Tipo
	sale := slices.Contains(SaleTipos(), of) && of != dte.GuiaDespacho
	switch {
	case of == dte.GuiaDespacho:
		return refuse(Unprocessable, "Una guía de despacho no se corrige con notas: no tiene efecto tributario")
	case credit && of == dte.NotaCredito:
		return refuse(Unprocessable, "Una nota de crédito se anula con una nota de débito (56)")
	case credit && of == dte.NotaDebito && p.of.CodRef == dte.Anula:
		return refuse(Unprocessable, "Esta nota de débito anuló una nota de crédito: emita otra nota de crédito de la venta")
	case credit:
		return nil
	case of == dte.NotaCredito && p.want.Code != dte.Anula:
		return refuse(Unprocessable, "Una nota de débito anula la nota de crédito entera: use el código 1")
	case of == dte.NotaCredito && p.of.CodRef == dte.CorrigeTexto:
		return refuse(Unprocessable, "La nota de crédito solo corrige texto: no hay nada que anular")
	case of == dte.NotaCredito:
		return p.notUndone()
	case sale && !of.EsBoleta() && p.want.Code == dte.CorrigeMontos:
		return nil
	case sale && !of.EsBoleta():
		return refuse(Unprocessable, "Una nota de débito solo aumenta una factura (código 3): para anularla o devolver use una nota de crédito (61)")
	}
	return refuse(Unprocessable, "Una nota de débito no corrige una %s: use una nota de crédito (61)", of)
}

func (p *plannedNote) notUndone() error {
	var undone bool
	err := p.tx.QueryRow(p.ctx, "select exists (select from sale where related_id = $1 and tipo = $2)", p.of.ID, int(dte.NotaDebito)).Scan(&undone)
	if err == nil && undone {
		return refuse(Conflict, "La nota de crédito %d ya está anulada", p.of.Folio)
	}
	return err
}

// compose makes the draft and its lines, by what the note does.
func (p *plannedNote) compose() error {
	switch {
	case p.want.Code == dte.CorrigeTexto:
		return p.correctText()
	case p.of.Tipo == dte.NotaCredito:
		if err := p.wholeOnly(); err != nil {
			return err
		}
		p.goods = goodsLeave
		return p.annul(func(l SaleLine) bool { return l.Restock })
	case p.Tipo == dte.NotaDebito:
		return p.add()
	}
	p.goods = goodsComeBack
	if p.want.Code == dte.Anula && len(p.before) == 0 && p.wholeOnly() == nil {
		return p.annul(p.returns)
	}
	return p.takeBack()
}

// returns says whether what a line sold goes back to the shelf: a debit note sold nothing.
func (p *plannedNote) returns(l SaleLine) bool {
	return l.Product.ControlaStock && p.of.Tipo != dte.NotaDebito
}

// asked is how much of each product is asked for.
func (p *plannedNote) asked() map[int64]money.Qty {
	sum := map[int64]money.Qty{}
	for _, item := range p.want.Items {
		sum[item.ProductID] += item.Qty
	}
	return sum
}

// wholeOnly wants all of the document, no more and no less.
func (p *plannedNote) wholeOnly() error {
	whole := map[int64]money.Qty{}
	for _, l := range p.of.Lines {
		whole[l.ProductID] += l.Qty
	}
	if !maps.Equal(whole, p.asked()) {
		return refuse(Conflict, "La nota de crédito %d se anula entera: pida todas sus líneas", p.of.Folio)
	}
	return nil
}

// correctText changes words and nothing else.
func (p *plannedNote) correctText() (err error) {
	p.sign, p.lines = 0, nil
	p.draft, err = dte.TextCorrection(p.doc, p.want.Says, p.want.ShouldSay, clip(p.want.Reason, 90))
	if err == nil && p.want.Says == "" && p.want.ShouldSay == "" {
		p.draft.Detalle[0].Nombre = clip(p.want.Reason, 80)
	}
	return p.fits(err)
}

// annul takes everything back, in the document's own lines.
func (p *plannedNote) annul(restock func(SaleLine) bool) (err error) {
	p.draft, err = dte.Annulment(p.doc, clip(p.want.Reason, 90))
	p.codRef = dte.Anula
	for i, l := range p.of.Lines {
		row := lineRow{plannedLine: p.lineOf(i, l.Qty, restock(l)), nombre: l.Nombre, discount: l.Discount, subtotal: l.Subtotal, monto: l.Monto, exempt: l.Exempt}
		p.lines, p.kept = append(p.lines, row.plannedLine), append(p.kept, row)
	}
	return p.fits(err)
}

// takeBack takes a part back: of each product from its lines in their order, as far as earlier notes have left of them.
func (p *plannedNote) takeBack() error {
	left, err := dte.LeftOf(p.doc, p.before)
	if err != nil {
		return err
	}
	quantities := map[int]money.Qty{}
	for _, product := range slices.Sorted(maps.Keys(p.asked())) {
		if err := p.share(left, product, p.asked()[product], quantities); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(quantities)) {
		p.lines = append(p.lines, p.lineOf(n-1, quantities[n], p.returns(p.of.Lines[n-1])))
	}
	p.codRef = dte.CorrigeMontos
	p.draft, err = dte.Return(p.doc, quantities, p.before, clip(p.want.Reason, 90))
	return p.fits(err)
}

// share takes so much of a product from the lines that sold it.
func (p *plannedNote) share(left *dte.Left, product int64, want money.Qty, quantities map[int]money.Qty) error {
	sold, rest := false, want
	for i, l := range p.of.Lines {
		if l.ProductID != product {
			continue
		}
		sold = true
		q := min(rest, left.Qty(i+1))
		if q <= 0 {
			continue
		}
		if err := left.Take(i+1, q); err != nil {
			return err
		}
		quantities[i+1] = q
		rest -= q
	}
	switch {
	case !sold:
		return refuse(NotFound, "Producto %d no encontrado", product)
	case rest > 0:
		return refuse(Conflict, "Del producto %d quedan por devolver %s y se pidió %s", product, twoDecimals(want-rest), twoDecimals(want))
	}
	return nil
}

// add charges more of what a factura sold, at its prices; no goods move.
func (p *plannedNote) add() error {
	p.draft = dte.Draft{Tipo: dte.NotaDebito, Receptor: p.doc.Receptor, MntBruto: p.doc.MntBruto, Referencia: []dte.Referencia{{
		TpoDocRef: strconv.Itoa(int(p.of.Tipo)), FolioRef: p.doc.Folio.String(), FchRef: p.doc.FchEmis, CodRef: dte.CorrigeMontos, RazonRef: clip(p.want.Reason, 90),
	}}}
	for _, item := range p.want.Items {
		i := slices.IndexFunc(p.of.Lines, func(l SaleLine) bool { return l.ProductID == item.ProductID })
		if i < 0 {
			return refuse(NotFound, "Producto %d no encontrado", item.ProductID)
		}
		line := p.doc.Detalle[i]
		line.Qty, line.Descuento, line.DescuentoPct, line.Recargo, line.RecargoPct = item.Qty, 0, 0, 0, 0
		if p.of.Tipo.EsExento() {
			line.IndExe = dte.Exento
		}
		p.draft.Detalle = append(p.draft.Detalle, line)
		sold := p.lineOf(i, item.Qty, false)
		sold.product.Costo = 0
		p.lines = append(p.lines, sold)
	}
	return nil
}

// lineOf is a line of the sale in the note, at its own price and cost.
func (p *plannedNote) lineOf(i int, qty money.Qty, restock bool) plannedLine {
	l, n := p.of.Lines[i], i+1
	product := l.Product
	product.Costo = l.Cost
	return plannedLine{SaleItem: SaleItem{ProductID: l.ProductID, Qty: qty}, product: product, net: l.Price, ofLine: &n, restock: restock}
}

func (p *plannedNote) fits(err error) error {
	switch {
	case errors.Is(err, dte.ErrNote):
		return refuse(Unprocessable, "%v", err)
	case err == nil && p.draft.Tipo != p.Tipo:
		return refuse(Unprocessable, "Una %s se corrige con una %s (%d)", p.of.Tipo, p.draft.Tipo, p.draft.Tipo)
	}
	return err
}

// monthsOfRebate is how long after a sale its note still reduces the seller's IVA.
const monthsOfRebate = 6

// finish puts the issuer and the day on the draft, adds it up, and names the goods that move.
func (p *plannedNote) finish() error {
	p.draft.Emisor = p.emisor
	p.draft.FchEmis = dte.DateOf(p.now)
	p.draft.IndNoRebaja = p.Tipo == dte.NotaCredito && p.doc.FchEmis.AddMonths(monthsOfRebate).Before(p.draft.FchEmis)
	p.shelf = map[int64]Product{}
	for _, l := range p.lines {
		if l.restock {
			p.Items, p.shelf[l.ProductID] = append(p.Items, l.SaleItem), l.product
		}
	}
	return p.addUp()
}

// refund pays the note's total back, or takes it in with a debit note. Cash is rounded as it was when it came in, and needs
// the caller's drawer.
func (p *plannedNote) refund() error {
	if p.totals.MntTotal == 0 {
		return nil
	}
	code, ok := p.codes[p.want.MethodID]
	due := money.Pesos(p.sign) * p.totals.MntTotal
	pays := paid{Tender: Tender{MethodID: p.want.MethodID, Amount: due}, code: code, kept: due}
	switch {
	case !ok:
		return refuse(Invalid, "Medio de devolución invalido")
	case code == CreditoInterno && p.customer.RUT == SinNombre:
		return errNobodysAccount()
	case code == Efectivo:
		pays.kept = money.CashPayable(due)
		pays.Amount, pays.rounding = pays.kept, pays.kept-due
		if err := p.openShift(); err != nil {
			return err
		}
	}
	p.payments = []paid{pays}
	return nil
}

// SaleByDocument finds the sale that a reference of a note names.
func (c *Call) SaleByDocument(r dte.Referencia) (Sale, error) {
	tipo, errTipo := strconv.ParseInt(r.TpoDocRef, 10, 32)
	folio, errFolio := strconv.ParseInt(r.FolioRef, 10, 64)
	if errTipo != nil || errFolio != nil {
		return Sale{}, refuse(NotFound, "Venta original no encontrada")
	}
	list, err := c.sales("where s.tipo = $1 and s.folio = $2 and d.sale_id is not null", tipo, folio) // a till's own number names no document
	if err == nil && len(list) == 0 {
		err = refuse(NotFound, "Venta original no encontrada")
	}
	if err != nil {
		return Sale{}, err
	}
	return list[0], nil
}
