package central

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// findSold finds the sales that others refer to, with the products of their lines.
func (b *books) findSold(entries []*told) error {
	var keys []dte.Key
	for _, e := range entries {
		if key, _ := refersTo(e); key != (dte.Key{}) {
			keys = append(keys, key)
		}
	}
	b.sold = map[dte.Key]*soldBefore{}
	for _, key := range keys {
		b.sold[key] = nil
	}
	if len(keys) == 0 {
		return nil
	}
	tipos, numbers := columns(keys)
	rows, err := b.tx.Query(b.ctx, `select s.tipo, s.folio, s.id, s.customer_id, l.line, l.product_id, l.costo_unitario, p.controla_stock, l.contenido,
			l.cantidad, l.exento, l.subtotal, s.monto_neto, s.iva
		from unnest($1::integer[], $2::bigint[]) k (tipo, folio)
		join lateral (select * from sale s where s.tipo = k.tipo and s.folio = k.folio and (s.tipo <> 48 and s.tipo < 900 or s.till_id = $3)
			order by s.till_epoch desc nulls first limit 1) s on true
		join sale_line l on l.sale_id = s.id join product p on p.id = l.product_id`, tipos, numbers, b.Till.ID)
	if err != nil {
		return err
	}
	key := dte.Key{Emisor: b.RUT}
	var s soldBefore
	var n int
	var l soldLine
	var subtotal, net, iva money.Pesos
	_, err = pgx.ForEachRow(rows, []any{
		&key.Tipo, &key.Folio, &s.id, &s.customer, &n, &l.product.id, &l.unit, &l.product.countable, &l.contenido, &l.qty, &l.exempt, &subtotal, &net, &iva,
	}, func() error {
		if b.sold[key] == nil {
			b.sold[key] = &soldBefore{id: s.id, customer: s.customer, lines: map[int]soldLine{}}
		}
		l.gross = withIVA(subtotal, l.exempt, net, iva)
		b.sold[key].lines[n] = l
		return nil
	})
	if err != nil {
		return err
	}
	return b.holdSold()
}

// holdSold holds the sales that others refer to: who takes something of them back here waits, and sees what these took.
func (b *books) holdSold() error {
	_, err := b.tx.Exec(b.ctx, "select from sale where id = any($1) order by id for no key update", b.soldBefore())
	return err
}

// soldBefore are the sales that others refer to, by number.
func (b *books) soldBefore() (ids []int64) {
	for _, s := range b.sold {
		if s != nil {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// withIVA is a line's net sum with its part of its document's IVA.
func withIVA(subtotal money.Pesos, exempt bool, net, iva money.Pesos) money.Pesos {
	if part, err := money.Share(iva, int64(subtotal), int64(net)); err == nil && !exempt {
		return subtotal + part
	}
	return subtotal
}

// refersTo is the document that a sale takes something back of, corrects or adds to.
func refersTo(e *told) (key dte.Key, code dte.CodRef) {
	if e.Sale == nil {
		return key, 0
	}
	if e.doc != nil {
		for _, r := range e.doc.Referencia {
			tipo, errTipo := strconv.Atoi(r.TpoDocRef)
			folio, errFolio := strconv.ParseInt(r.FolioRef, 10, 64)
			if errTipo == nil && errFolio == nil && e.doc.Tipo.EsNota() && tipo > 0 && tipo < int(tipoSlips) {
				return dte.Key{Emisor: e.doc.Emisor.RUT, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}, r.CodRef
			}
		}
	}
	if len(e.Sale.Returned) > 0 && e.Sale.Returned[0].Of.Emisor == e.Sale.Key.Emisor {
		return e.Sale.Returned[0].Of, 0
	}
	return key, 0
}

// fill makes the rows of each table.
func (b *books) fill(entries []*told) error {
	n := 0
	for _, e := range entries {
		if e.Sale != nil {
			n++
		}
	}
	ids, err := b.nextSales(n)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Sale != nil:
			b.fillSale(e, ids[0])
			ids = ids[1:]
		case e.Cash != nil:
			m := e.Cash
			b.cash = append(b.cash, []any{b.shiftOf(m.Shift), b.people[b.who(m.Who)], m.Amount, cmp.Or(clean(m.Why, maxText), "sin motivo"), m.At})
		case e.Movement != nil:
			if err := b.fillMovement(e.Movement); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *books) nextSales(n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	rows, err := b.tx.Query(b.ctx, "select nextval('sale_id_seq') from generate_series(1, $1::int)", n)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// fillMovement adds a payment of an account, or a limit.
func (b *books) fillMovement(m *api.Movement) error {
	customer := b.customers[m.Customer]
	if m.Kind == moveLimit {
		return b.takeLimit(customer, m)
	}
	code, _ := method(m.Method)
	less := -max(m.Amount, -m.Amount)
	b.payments = append(b.payments, []any{nil, customer, b.methods[code], b.shiftOf(m.Shift), m.Received, 0, m.Received + less, m.Received, less, clean(m.Reference, maxName), m.At})
	b.owed[customer] += less
	return nil
}

// takeLimit sets how much somebody may owe, unless a person of the server said so: then it is a proposal.
func (b *books) takeLimit(customer int64, m *api.Movement) error {
	done, err := b.tx.Exec(b.ctx, `update customer set credit_limit = $2, till_limit = $2, till_limit_at = $3, updated_at = $4
		where id = $1 and (credit_limit is null or credit_limit = till_limit) and (till_limit_at is null or till_limit_at <= $3)`, customer, m.Limit, m.At, b.now)
	if err != nil || done.RowsAffected() > 0 {
		return err
	}
	return b.propose("cupo", m.Customer.String(), map[string]any{"cupo": m.Limit, "el": m.At})
}

// fillSale adds a sale, its lines, its document and its payments, and what it takes off the shelves.
func (b *books) fillSale(e *told, id int64) {
	s, doc := e.Sale, documentOrLines(e)
	person, customer := b.people[b.who(s.Who)], b.customers[b.buyer(e).RUT]
	of, code := refersTo(e)
	origin := b.sold[of]
	var related *int64
	if origin != nil {
		related = &origin.id
		if b.buyer(e).RUT == SinNombre {
			customer = origin.customer
		}
	}
	var due *time.Time
	if day := doc.FchVenc; !day.IsZero() {
		due = new(time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC))
	}
	day := doc.FchEmis
	cost, moved := b.fillLines(e, id, doc, origin)
	b.sales = append(b.sales, []any{
		id, int(s.Key.Tipo), int64(s.Key.Folio), customer, person, b.shiftOf(s.Shift), related, time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC), sign(s),
		doc.Totales.MntExe, doc.Totales.MntNeto, doc.Totales.IVA, doc.Totales.MntTotal, max(0, discounted(doc)), cost, clean(s.Reason, maxText), due,
		orNull(doc.IndTraslado), orNull(int(code)), s.At, b.Till.ID, b.push.Epoch, clean(s.ID, maxName),
	})
	if e.doc != nil {
		b.fillDocument(e, id, 0)
		b.states = append(b.states, b.stateRow(e, id, 0))
		for _, folio := range guias(e.doc) {
			b.invoices[folio] = id
		}
	}
	if s.Cash {
		b.fillPayments(s, id, customer)
	}
	b.fillSwap(e, id, doc, moved)
	if origin != nil && code == dte.Anula {
		b.undone = append(b.undone, undoing{note: id, of: origin.id, person: person, at: s.At})
	}
	b.moveGoods(e, id, person, moved)
	if _, wanted := b.sold[s.Key]; wanted {
		b.sold[s.Key] = &soldBefore{id: id, customer: customer, lines: numbered(moved)}
	}
}

// numbered are lines by their number, from 1.
func numbered(lines []soldLine) map[int]soldLine {
	by := make(map[int]soldLine, len(lines))
	for i, l := range lines {
		by[i+1] = l
	}
	return by
}

func orNull(n int) *int16 {
	if n <= 0 || n > 9 {
		return nil
	}
	return new(int16(n))
}

// sign says whether a sale adds to the sales or takes away.
func sign(s *api.Sale) int {
	switch {
	case s.Back:
		return -1
	case s.Key.Tipo == dte.GuiaDespacho || s.Key.Tipo == tipoCambio || s.Key.Tipo == dte.NotaCredito:
		return 0
	}
	return 1
}

// documentOrLines is a sale's document. What has none is stated as a document would, with its exempt part in proportion.
func documentOrLines(e *told) *dte.Document {
	if e.doc != nil {
		return e.doc
	}
	s := e.Sale
	doc := &dte.Document{Draft: dte.Draft{Tipo: s.Key.Tipo, MntBruto: true, FchEmis: dte.DateOf(s.At)}}
	var whole, exempt money.Pesos
	for _, l := range s.Lines {
		line := dte.Linea{Nombre: l.Nombre, Qty: l.Qty, Prc: l.Prc}
		if l.Exento {
			line.IndExe = dte.Exento
			exempt += l.Total
		}
		whole += l.Total
		doc.Detalle, doc.Montos, doc.Descuentos = append(doc.Detalle, line), append(doc.Montos, l.Total), append(doc.Descuentos, l.Off)
	}
	t := &doc.Totales
	t.MntTotal = s.Total
	if part, err := money.Share(s.Total, int64(exempt), max(1, int64(whole))); err == nil {
		t.MntExe = min(max(0, part), s.Total)
	}
	if net, err := money.IVA.Net(s.Total - t.MntExe); err == nil {
		t.MntNeto = net
	}
	t.IVA = t.MntTotal - t.MntExe - t.MntNeto
	return doc
}

// rowLines are the lines of a sale as its document has them, with what only the till knows: the product and how many of it a
// pack holds.
func rowLines(e *told) []api.Line {
	doc, s := e.doc, e.Sale
	if doc == nil || len(doc.Detalle) == len(s.Lines) {
		return slices.Clone(s.Lines)
	}
	lines := make([]api.Line, len(doc.Detalle))
	for i, l := range doc.Detalle {
		lines[i] = api.Line{Nombre: l.Nombre, Unidad: l.Unidad, Qty: l.Qty, Prc: l.Prc, Exento: l.IndExe == dte.Exento}
		if len(l.Codigos) > 0 {
			lines[i].Codigo = l.Codigos[0].Valor
		}
	}
	return lines
}

// fillLines adds the lines; it returns what they cost, and the products of those that leave the shop or come back.
func (b *books) fillLines(e *told, id int64, doc *dte.Document, origin *soldBefore) (cost money.Price, goods []soldLine) {
	nets, back := netParts(doc), returnedLines(e, len(doc.Detalle))
	for i, l := range rowLines(e) {
		d := doc.Detalle[i]
		line := b.lineOf(l)
		var of *int
		restock := e.Sale.Key.Tipo == tipoWithoutRet
		if back != nil {
			of, restock = &back[i].Line, back[i].Restock
			if was, ok := origin.line(back[i].Line); ok {
				line = was
			}
		}
		if whole, ok := costOf(line.unit, d.Qty); ok && cost+whole <= money.MaxPrice {
			cost += whole
		}
		exempt := d.IndExe == dte.Exento || doc.Tipo.EsExento()
		discount := money.Pesos(0)
		if i < len(doc.Descuentos) {
			discount = max(0, doc.Descuentos[i])
		}
		b.lines = append(b.lines, []any{
			id, i + 1, line.product.id, of, cmp.Or(clean(d.Nombre, maxName), noCode), d.Qty, netPrice(d.Prc, doc.Tipo.EsBoleta() || doc.MntBruto, exempt), discount, nets[i],
			doc.Montos[i], exempt, line.unit, restock, line.contenido,
		})
		line.qty, line.exempt, line.gross = d.Qty, exempt, withIVA(nets[i], exempt, doc.Totales.MntNeto, doc.Totales.IVA)
		goods = append(goods, line)
	}
	return cost, goods
}

func (s *soldBefore) line(n int) (l soldLine, ok bool) {
	if s != nil {
		l, ok = s.lines[n]
	}
	return l, ok
}

// lineOf is what a line sells, at what it costs today.
func (b *books) lineOf(l api.Line) soldLine {
	line := soldLine{product: b.products[code(l)], contenido: cmp.Or(l.Contenido, money.One)}
	line.unit, _ = costOf(line.product.cost, line.contenido)
	return line
}

// costOf is what so many of a price cost; false if no price can be so much.
func costOf(unit money.Price, q money.Qty) (money.Price, bool) {
	return plannedLine{SaleItem: SaleItem{Qty: q}, product: Product{Costo: unit}}.cost()
}

// returnedLines are what came back, line by line of a note that lists it; nil if the document lists something else.
func returnedLines(e *told, n int) []api.ReturnedLine {
	if !e.Sale.Back || len(e.Sale.Returned) != n {
		return nil
	}
	return slices.SortedStableFunc(slices.Values(e.Sale.Returned), func(a, b api.ReturnedLine) int { return cmp.Compare(a.Line, b.Line) })
}

// netPrice is the price of one unit without IVA, in whole pesos.
func netPrice(p money.Price, gross, exempt bool) money.Pesos {
	whole := money.Pesos((p + money.OnePeso/2) / money.OnePeso)
	if !gross || exempt {
		return whole
	}
	net, err := money.IVA.Net(whole)
	if err != nil {
		return whole
	}
	return net
}

// fillDocument adds the bytes, and what they refer to.
func (b *books) fillDocument(e *told, sale int64, version int) {
	sum := sha256.Sum256(e.Sale.XML)
	b.documents = append(b.documents, []any{sale, version, int(e.doc.Tipo), int64(e.doc.Folio), e.Sale.XML, sum[:], e.doc.TED, e.Sale.At})
	for i, r := range e.doc.Referencia {
		day := r.FchRef
		if day.IsZero() {
			day = e.doc.FchEmis
		}
		b.references = append(b.references, []any{sale, version, i + 1, r.TpoDocRef, r.FolioRef, time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, time.UTC), orNull(int(r.CodRef)), r.RazonRef})
	}
}

func (b *books) stateRow(e *told, sale int64, version int) []any {
	at := where(e)
	return []any{
		sale, version, int(e.doc.Tipo), int64(e.doc.Folio), e.doc.Tipo.EsBoleta(), at.State, at.verdict(), e.Sale.At, b.now, b.Till.ID, clean(at.Sobre, maxName), clean(at.TrackID, maxName),
	}
}

// fillPayments adds how a sale was paid. What comes back is below zero.
func (b *books) fillPayments(s *api.Sale, id, customer int64) {
	by, rounding := money.Pesos(1), s.Rounding
	if s.Back {
		by = -1
	}
	cash := slices.IndexFunc(s.Tenders, func(t api.Tender) bool { return t.Method == inCash })
	for i, t := range s.Tenders {
		code, _ := method(t.Method)
		change, rounded, owed, payer := money.Pesos(0), money.Pesos(0), money.Pesos(0), customer
		if t.Method == inCash && !s.Back {
			change = max(0, t.Received-t.Amount)
		}
		if i == max(0, cash) {
			rounded = by * rounding
		}
		kept := by * t.Amount
		if t.Method == onAccount {
			if rut := debtor(t); rut != 0 {
				payer = b.customers[rut]
			}
			owed = kept
			b.owed[payer] += kept
		}
		b.payments = append(b.payments, []any{id, payer, b.methods[code], b.shiftOf(s.Shift), kept + change, change, rounded, kept, owed, clean(t.Reference, maxName), s.At})
	}
}

// moveGoods takes what was sold off the shelves, and puts back what came back to them.
func (b *books) moveGoods(e *told, id, person int64, lines []soldLine) {
	s := e.Sale
	move := func(l soldLine, q money.Qty, by money.Qty) {
		if n, ok := units(q, l.contenido); ok && l.product.countable && n > 0 {
			b.moves = append(b.moves, goodsMove{product: l.product.id, sale: id, person: person, at: s.At, delta: by * n})
		}
	}
	leave := func(list []api.Line) {
		for _, l := range list {
			move(b.lineOf(l), l.Qty, -1)
		}
	}
	leave(s.Taken)
	switch {
	case s.Replaces != dte.Key{}: // its goods moved when it was first sold
	case s.Key.Tipo == tipoWithoutRet:
		for i, l := range s.Lines {
			move(lines[i], l.Qty, 1)
		}
	case !s.Back && !s.Key.Tipo.EsNota() && len(guias(e.doc)) == 0:
		leave(s.Lines)
	}
	for _, r := range s.Returned {
		if l, ok := b.sold[r.Of].line(r.Line); ok && r.Restock {
			move(l, r.Qty, 1)
		}
	}
}

// guias are those with which a factura's goods left before.
func guias(doc *dte.Document) (folios []int64) {
	if doc == nil || doc.Tipo != dte.Factura && doc.Tipo != dte.FacturaExenta {
		return nil
	}
	for _, r := range doc.Referencia {
		if folio, err := strconv.ParseInt(r.FolioRef, 10, 64); err == nil && r.TpoDocRef == strconv.Itoa(int(dte.GuiaDespacho)) {
			folios = append(folios, folio)
		}
	}
	return folios
}

// invoice notes which guías have their factura.
func (b *books) invoice() error {
	if len(b.invoices) == 0 {
		return nil
	}
	folios := slices.Sorted(maps.Keys(b.invoices))
	by := make([]int64, len(folios))
	for i, folio := range folios {
		by[i] = b.invoices[folio]
	}
	_, err := b.tx.Exec(b.ctx, `update sale g set invoiced_by = i.factura from unnest($1::bigint[], $2::bigint[]) i (folio, factura)
		where g.tipo = 52 and g.folio = i.folio and g.invoiced_by is null`, folios, by)
	return err
}

// write writes each table in one go. Rows that others want, customers and products, come last and in order.
func (b *books) write() error {
	for _, t := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{
		{"sale", []string{
			"id", "tipo", "folio", "customer_id", "person_id", "shift_id", "related_id", "fecha_emision", "signo", "monto_exento", "monto_neto", "iva", "monto_total", "descuento",
			"costo", "descripcion", "due_date", "ind_traslado", "cod_ref", "created_at", "till_id", "till_epoch", "ref",
		}, b.sales},
		{"sale_line", []string{
			"sale_id", "line", "product_id", "of_line", "nombre", "cantidad", "precio_unitario", "descuento", "subtotal", "monto", "exento", "costo_unitario", "restock", "contenido",
		}, b.lines},
		{"sale_swap", []string{"sale_id", "line", "product_id", "of_id", "of_line", "cantidad", "unidades", "neto", "total", "costo", "at"}, b.swaps},
		{"document", []string{"sale_id", "version", "tipo", "folio", "xml", "sha256", "ted", "issued_at"}, b.documents},
		{"sale_reference", []string{"sale_id", "version", "line", "tipo_documento", "folio", "fecha", "sii_reason_code", "razon"}, b.references},
		{"document_state", []string{"sale_id", "version", "tipo", "folio", "boleta", "state", "veredicto", "issued_at", "updated_at", "till_id", "sobre", "track_id"}, b.states},
		{"payment", []string{"sale_id", "customer_id", "method_id", "shift_id", "tendered", "change", "rounding", "kept", "owed", "transaction_code", "created_at"}, b.payments},
		{"cash_movement", []string{"shift_id", "person_id", "amount", "reason", "created_at"}, b.cash},
	} {
		if err := b.copyIn(t.name, t.columns, len(t.rows), func(i int) []any { return t.rows[i] }); err != nil {
			return err
		}
	}
	if err := b.undo(); err != nil {
		return err
	}
	if err := b.invoice(); err != nil {
		return err
	}
	if err := b.owe(); err != nil {
		return err
	}
	return b.moveStock()
}

// copyIn writes rows by COPY.
func (in *intake) copyIn(table string, columns []string, n int, row func(int) []any) error {
	if n == 0 {
		return nil
	}
	_, err := in.tx.CopyFrom(in.ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	return err
}

// owe adds to what customers owe, by what moved: no till knows what the others sold them.
func (b *books) owe() error {
	ids := slices.Sorted(maps.Keys(b.owed))
	ids = slices.DeleteFunc(ids, func(id int64) bool { return b.owed[id] == 0 })
	if len(ids) == 0 {
		return nil
	}
	more := make([]int64, len(ids))
	for i, id := range ids {
		more[i] = int64(b.owed[id])
	}
	_, err := b.tx.Exec(b.ctx, `with held as (select id from customer where id = any($1) order by id for no key update)
		update customer c set balance = c.balance + m.more, updated_at = $3 from unnest($1::bigint[], $2::bigint[]) m (id, more), held
		where c.id = m.id and held.id = c.id`, ids, more, b.now)
	return err
}

// moveStock moves the goods, each with its row in the stock card. A shelf may come below zero: what was sold is gone.
func (b *books) moveStock() error {
	if len(b.moves) == 0 {
		return nil
	}
	slices.SortStableFunc(b.moves, func(x, y goodsMove) int { return cmp.Compare(x.product, y.product) })
	var ids []int64
	for _, m := range b.moves {
		ids = append(ids, m.product)
	}
	ids = slices.Compact(ids)
	stock := map[int64]money.Qty{}
	if err := b.pairs("select stock_actual::text, id from product where id = any($1) order by id for no key update", func(text string, id int64) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			stock[id] = money.Qty(n)
		}
	}, ids); err != nil {
		return err
	}
	rows := make([][]any, 0, len(b.moves))
	for _, m := range b.moves {
		next := stock[m.product] + m.delta
		if next > money.MaxQty || next < -money.MaxQty {
			if err := b.tell(AlarmBooks, fmt.Sprintf("stock %d", m.product), fmt.Sprintf("El stock del producto %d no cabe: cuéntelo", m.product)); err != nil {
				return err
			}
			continue
		}
		stock[m.product] = next
		tipo, motivo, words := "SALIDA", "VENTA", fmt.Sprintf("Venta %d, caja %s", m.sale, b.Till.Name)
		if m.delta > 0 {
			tipo, motivo = "ENTRADA", "DEVOLUCION"
		}
		rows = append(rows, []any{m.product, m.at, tipo, motivo, max(m.delta, -m.delta), next, m.sale, m.person, words})
	}
	now := make([]int64, len(ids))
	for i, id := range ids {
		now[i] = int64(stock[id])
	}
	if _, err := b.tx.Exec(b.ctx, `update product p set stock_actual = s.stock, updated_at = $3 from unnest($1::bigint[], $2::bigint[]) s (id, stock) where p.id = s.id`,
		ids, now, b.now); err != nil {
		return err
	}
	return b.copyIn("stock_movement", []string{"product_id", "at", "tipo", "motivo", "cantidad", "balance_after", "sale_id", "person_id", "descripcion"}, len(rows),
		func(i int) []any { return rows[i] })
}
