package central

import (
	"cmp"
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
	// swapped is how much of each line came back to tills for something else, in the document's measure.
	swapped map[int]money.Qty
	// first is what came back for what the sale charges the difference of, if it is an exchange.
	first *dte.Key
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
	if err != nil {
		return err
	}
	return p.findSwaps()
}

// findSwaps reads what tills exchanged of the sale, and whether it is an exchange itself.
func (p *plannedNote) findSwaps() error {
	rows, err := p.tx.Query(p.ctx, "select of_line, sum(cantidad)::bigint from sale_swap where of_id = $1 group by 1 having sum(cantidad) > 0", p.of.ID)
	if err != nil {
		return err
	}
	p.swapped = map[int]money.Qty{}
	var line int
	var n money.Qty
	if _, err := pgx.ForEachRow(rows, []any{&line, &n}, func() error {
		p.swapped[line] = n
		return nil
	}); err != nil {
		return err
	}
	first := dte.Key{Emisor: p.RUT}
	err = p.tx.QueryRow(p.ctx, "select f.tipo, f.folio from sale_swap w join sale f on f.id = w.of_id where w.sale_id = $1 and w.cantidad > 0 limit 1", p.of.ID).
		Scan(&first.Tipo, &first.Folio)
	switch {
	case errNoRow(err):
		return nil
	case err == nil:
		p.first = &first
	}
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
	whole := p.want.Code == dte.Anula && len(p.before)+len(p.swapped) == 0 && p.wholeOnly() == nil
	switch {
	case whole:
		return p.annul(p.returns)
	case p.first != nil && len(p.before) == 0:
		return refuse(Conflict, "Esta boleta cobró la diferencia de un cambio y se devuelve entera, con el código 1. Después se puede devolver lo primero, de %s %d. No se emitió nada",
			p.first.Tipo, p.first.Folio)
	}
	return p.takeBack()
}

// returns says whether what a line sold goes back to the shelf: a debit note sold nothing.
func (p *plannedNote) returns(l SaleLine) bool {
	return l.Product.ControlaStock && p.of.Tipo != dte.NotaDebito
}

// asked is how many units of each product are asked for.
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
		whole[l.ProductID] += l.Units()
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
	p.codRef, p.swap = dte.Anula, p.of.ID
	if err == nil {
		p.undone.moves, err = p.swapMoves(p.of.ID)
	}
	for i, l := range p.of.Lines {
		row := lineRow{plannedLine: p.lineOf(i, l.Qty, restock(l)), nombre: l.Nombre, discount: l.Discount, subtotal: l.Subtotal, monto: l.Monto, exempt: l.Exempt}
		p.lines, p.kept = append(p.lines, row.plannedLine), append(p.kept, row)
	}
	return p.fits(err)
}

// takeBack takes a part back: of each product from its lines in their order, as far as earlier notes and exchanges have left of
// them.
func (p *plannedNote) takeBack() error {
	left, err := p.left()
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
	if left, err = p.left(); err != nil {
		return err
	}
	p.draft, err = left.Return(quantities, clip(p.want.Reason, 90))
	return p.fits(err)
}

// left is what earlier notes and exchanges have left of the document.
func (p *plannedNote) left() (*dte.Left, error) {
	left, err := dte.LeftOf(p.doc, p.before)
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Sorted(maps.Keys(p.swapped)) {
		// Of two lines of one article the same may have come back twice; and tills more than there was.
		for rest, q := p.swapped[n], money.Qty(0); rest > 0 && left.Qty(n) > 0; rest -= q {
			q = min(rest, left.Qty(n))
			if err := left.Take(n, q); err != nil {
				return nil, err
			}
		}
	}
	return left, nil
}

// share takes so many units of a product from the lines that sold it: whole ones of each first, and then parts of packs.
func (p *plannedNote) share(left *dte.Left, product int64, want money.Qty, quantities map[int]money.Qty) error {
	sold, rest, more := false, want, money.Qty(0)
	for _, part := range []bool{false, true} {
		for i, l := range p.of.Lines {
			if l.ProductID != product {
				continue
			}
			sold = true
			q := l.packs(rest, left.Qty(i+1), part)
			if q == 0 {
				continue
			}
			if err := left.Take(i+1, q); err != nil {
				return err
			}
			quantities[i+1] += q
			rest -= SaleLine{Qty: q, Contenido: l.Contenido}.Units()
		}
	}
	for i, l := range p.of.Lines {
		if l.ProductID == product {
			more += SaleLine{Qty: left.Qty(i + 1), Contenido: l.Contenido}.Units()
		}
	}
	switch {
	case !sold:
		return refuse(NotFound, "Producto %d no encontrado", product)
	case rest > 0 && more >= rest:
		return refuse(Conflict, "Del producto %d lo que queda por devolver se vendió en paquetes, y %s no es una parte exacta de uno: pida paquetes enteros", product, twoDecimals(rest))
	case rest > 0:
		return refuse(Conflict, "Del producto %d quedan por devolver %s y se pidió %s%s", product, twoDecimals(want-rest), twoDecimals(want), p.swappedOf(product))
	}
	return nil
}

// swappedOf says how much of a product tills exchanged, in words; nothing if none.
func (p *plannedNote) swappedOf(product int64) string {
	var n money.Qty
	for line, q := range p.swapped {
		if l := p.of.Lines[line-1]; l.ProductID == product {
			n += SaleLine{Qty: q, Contenido: l.Contenido}.Units()
		}
	}
	if n == 0 {
		return ""
	}
	return ": en cambios ya volvieron " + twoDecimals(n)
}

// packs are how much of a line, in its own measure and of what is left of it, holds at most so many units: whole ones, or the
// part of one that holds them exactly.
func (l SaleLine) packs(want, left money.Qty, part bool) money.Qty {
	contenido := cmp.Or(l.Contenido, money.One)
	if contenido == money.One {
		return min(want, left)
	}
	if part {
		q, ok := l.exactly(min(want, SaleLine{Qty: left, Contenido: contenido}.Units()))
		if !ok {
			return 0
		}
		return min(q, left)
	}
	return min(want/contenido, left/money.One) * money.One
}

// exactly is how much of the line holds so many units; false if no quantity does.
func (l SaleLine) exactly(n money.Qty) (money.Qty, bool) {
	contenido := cmp.Or(l.Contenido, money.One)
	q, err := money.Share(money.Pesos(n), int64(money.One), int64(contenido))
	line := SaleLine{Qty: money.Qty(q), Contenido: contenido}
	back, errBack := money.Share(q, int64(contenido), int64(money.One))
	return line.Qty, err == nil && errBack == nil && money.Qty(back) == n && q > 0
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
		q, ok := p.of.Lines[i].exactly(item.Qty)
		if !ok {
			return refuse(Conflict, "El producto %d se vendió en paquetes, y %s no es una parte exacta de uno: pida paquetes enteros", item.ProductID, twoDecimals(item.Qty))
		}
		line := p.doc.Detalle[i]
		line.Qty, line.Descuento, line.DescuentoPct, line.Recargo, line.RecargoPct = q, 0, 0, 0, 0
		if p.of.Tipo.EsExento() {
			line.IndExe = dte.Exento
		}
		p.draft.Detalle = append(p.draft.Detalle, line)
		sold := p.lineOf(i, q, false)
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
	return plannedLine{SaleItem: SaleItem{ProductID: l.ProductID, Qty: qty}, product: product, net: l.Price, ofLine: &n, restock: restock, contenido: l.Contenido}
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
			n, _ := units(l.Qty, l.contenido)
			p.Items, p.shelf[l.ProductID] = append(p.Items, SaleItem{ProductID: l.ProductID, Qty: n}), l.product
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
