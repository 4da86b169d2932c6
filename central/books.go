package central

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// This file feeds the tables with what a till told. It asks once for everything that the entries name, makes what nobody knows
// yet, and writes each table in one go.

// books are the tables as far as some entries need them.
type books struct {
	*intake
	people    map[string]int64
	shifts    map[int]int64
	customers map[dte.RUT]int64
	products  map[string]stocked
	methods   map[string]int64
	sold      map[dte.Key]*soldBefore // that others of these refer to; nil if nobody knows it yet

	sales, lines, swaps, references, documents, states, payments, cash [][]any
	owed                                                               map[int64]money.Pesos
	moves                                                              []goodsMove
	invoices                                                           map[int64]int64 // the folio of a guía → the factura
	undone                                                             []undoing
}

// stocked is a product as the books need it.
type stocked struct {
	id        int64
	cost      money.Price
	countable bool
}

// soldBefore is a sale that others refer to.
type soldBefore struct {
	id, customer int64
	lines        map[int]soldLine
}

type soldLine struct {
	product   stocked
	contenido money.Qty
	unit      money.Price // what one of the line costs
	qty       money.Qty   // how much of it was sold
	gross     money.Pesos // for what, with IVA
	exempt    bool
}

// goodsMove is what leaves a shelf or comes back to it.
type goodsMove struct {
	product, sale, person int64
	at                    time.Time
	delta                 money.Qty
}

// take feeds the tables with entries that are sound.
func (b *books) take(entries []*told) error {
	if len(entries) == 0 {
		return nil
	}
	b.owed, b.invoices = map[int64]money.Pesos{}, map[int64]int64{}
	for _, step := range []func([]*told) error{b.findPeople, b.takeShifts, b.findShifts, b.findCustomers, b.findProducts, b.findMethods, b.findSold, b.fill} {
		if err := step(entries); err != nil {
			return err
		}
	}
	if err := b.write(); err != nil {
		return err
	}
	return b.checkReturned()
}

// who did it: the till itself, where nobody says.
func (in *intake) who(name string) string { return cmp.Or(clean(name, maxName), in.Till.Name) }

// findPeople finds who worked at the till by their names. Who is unknown is made as somebody who cannot log in.
func (b *books) findPeople(entries []*told) error {
	names := map[string]bool{}
	for _, e := range entries {
		names[b.who(e.person())] = true
		if e.Shift != nil {
			names[b.who(e.Shift.OpenedBy)] = true
		}
	}
	list := slices.Sorted(maps.Keys(names))
	if err := b.readPeople(list); err != nil || len(b.people) == len(list) {
		return err
	}
	// Two tills must not make the same one twice.
	if _, err := b.tx.Exec(b.ctx, "select pg_advisory_xact_lock(hashtext($1), -1)", b.Tenant.Schema); err != nil {
		return err
	}
	if err := b.readPeople(list); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return b.people[name] != 0 })
	if _, err := b.tx.Exec(b.ctx, "insert into person (name, till_id) select name, $2 from unnest($1::text[]) name", missing, b.Till.ID); err != nil {
		return err
	}
	return b.readPeople(list)
}

// person is who did what an entry tells.
func (e *told) person() string {
	switch {
	case e.Sale != nil:
		return e.Sale.Who
	case e.Cash != nil:
		return e.Cash.Who
	case e.Movement != nil:
		return e.Movement.Who
	}
	return ""
}

func (b *books) readPeople(names []string) error {
	b.people = map[string]int64{}
	return b.pairs("select distinct on (name) name, id from person where name = any($1) and not is_system order by name, till_id nulls first, id", func(name string, id int64) { b.people[name] = id }, names)
}

// pairs reads a text and a number of each row.
func (b *books) pairs(query string, each func(string, int64), args ...any) error {
	rows, err := b.tx.Query(b.ctx, query, args...)
	if err != nil {
		return err
	}
	var text string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&text, &n}, func() error {
		each(text, n)
		return nil
	})
	return err
}

// takeShifts writes the turns of the drawer as they stand. One that was closed is not opened again by what was told before.
func (b *books) takeShifts(entries []*told) error {
	batch := &pgx.Batch{}
	for _, e := range entries {
		s := e.Shift
		if s == nil {
			continue
		}
		status, end, counted := "OPEN", (*time.Time)(nil), (*money.Pesos)(nil)
		if !s.ClosedAt.IsZero() {
			status, end, counted = "CLOSED", &s.ClosedAt, &s.Counted
		}
		batch.Queue(`insert into shift (person_id, start_time, end_time, start_amount, final_cash_system, final_cash_declared, status, till_id, number, z)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (till_id, number, start_time) where till_id is not null do update
			set end_time = excluded.end_time, final_cash_system = excluded.final_cash_system, final_cash_declared = excluded.final_cash_declared,
				status = excluded.status, z = excluded.z
			where shift.status = 'OPEN' or excluded.status = 'CLOSED'`,
			b.people[b.who(s.OpenedBy)], s.OpenedAt, end, s.Float, s.Expected, counted, status, b.Till.ID, s.Number, cleanShift(*s))
	}
	if batch.Len() == 0 {
		return nil
	}
	return b.tx.SendBatch(b.ctx, batch).Close()
}

// cleanShift has no text that PostgreSQL does not take.
func cleanShift(s api.Shift) api.Shift {
	tidy := func(sums map[string]money.Pesos) map[string]money.Pesos {
		clear := make(map[string]money.Pesos, len(sums))
		for k, v := range sums {
			clear[clean(k, maxName)] = v
		}
		return clear
	}
	s.OpenedBy, s.ClosedBy, s.ByType, s.Paid = clean(s.OpenedBy, maxName), clean(s.ClosedBy, maxName), tidy(s.ByType), tidy(s.Paid)
	return s
}

// findShifts finds turns by their numbers: of two of one number, which a restored store may bring, the later one.
func (b *books) findShifts(entries []*told) error {
	numbers := map[int]bool{}
	for _, e := range entries {
		numbers[e.shift()] = true
	}
	b.shifts = map[int]int64{}
	return b.pairs("select distinct on (number) number::text, id from shift where till_id = $1 and number = any($2) order by number, start_time desc", func(text string, id int64) {
		if n, err := strconv.Atoi(text); err == nil {
			b.shifts[n] = id
		}
	}, b.Till.ID, slices.Collect(maps.Keys(numbers)))
}

// shift is the number of the turn in which it happened; 0 for none.
func (e *told) shift() int {
	switch {
	case e.Sale != nil:
		return e.Sale.Shift
	case e.Cash != nil:
		return e.Cash.Shift
	case e.Movement != nil:
		return e.Movement.Shift
	}
	return 0
}

// shiftOf is a turn's row, if there is one.
func (b *books) shiftOf(number int) *int64 {
	if id, ok := b.shifts[number]; ok {
		return &id
	}
	return nil
}

// findCustomers finds buyers by RUT, and makes those whom nobody knows.
func (b *books) findCustomers(entries []*told) error {
	known := map[dte.RUT]dte.Receptor{SinNombre: {}}
	for _, e := range entries {
		switch {
		case e.Movement != nil:
			learnBuyer(known, dte.Receptor{RUT: e.Movement.Customer})
		case e.Sale != nil:
			learnBuyer(known, b.buyer(e))
			for _, t := range e.Sale.Tenders {
				if rut := debtor(t); rut != 0 {
					learnBuyer(known, dte.Receptor{RUT: rut})
				}
			}
		}
	}
	ruts := slices.Sorted(maps.Keys(known))
	if err := b.readCustomers(ruts); err != nil || len(b.customers) == len(ruts) {
		return err
	}
	batch := &pgx.Batch{}
	for _, rut := range ruts {
		if b.customers[rut] == 0 {
			b.makeCustomer(batch, known[rut])
		}
	}
	if err := b.tx.SendBatch(b.ctx, batch).Close(); err != nil {
		return err
	}
	return b.readCustomers(ruts)
}

// learnBuyer keeps what is said of a buyer; who says more counts.
func learnBuyer(known map[dte.RUT]dte.Receptor, r dte.Receptor) {
	if before, ok := known[r.RUT]; !ok || before.RznSoc == "" {
		known[r.RUT] = r
	}
}

func (in *intake) makeCustomer(batch *pgx.Batch, r dte.Receptor) {
	batch.Queue(`insert into customer (rut, razon_social, giro, direccion, comuna, ciudad, email, till_id, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict (rut) do nothing`, int32(r.RUT), cmp.Or(clean(r.RznSoc, maxName), r.RUT.String()), clean(r.Giro, maxName),
		clean(r.Direccion, maxName), clean(r.Comuna, maxName), clean(r.Ciudad, maxName), clean(r.Correo, maxName), in.Till.ID, in.now)
}

func (b *books) readCustomers(ruts []dte.RUT) error {
	numbers := make([]int32, len(ruts))
	for i, rut := range ruts {
		numbers[i] = int32(rut)
	}
	b.customers = map[dte.RUT]int64{}
	return b.pairs("select rut::text, id from customer where rut = any($1)", func(text string, id int64) {
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			b.customers[dte.RUT(n)] = id
		}
	}, numbers)
}

// buyer is whom a sale was made to. A note of a boleta without buyer names the company itself.
func (in *intake) buyer(e *told) dte.Receptor {
	r := e.Sale.Receptor
	if e.doc != nil {
		r = e.doc.Receptor
	}
	if r.RUT == 0 || r.RUT == in.RUT || r.RUT == dte.RUTAnonimo {
		return dte.Receptor{RUT: SinNombre}
	}
	return r
}

// The till's words for what is paid in cash and what is owed.
const (
	inCash    = "efectivo"
	onAccount = "fiado"
)

// debtor is who owes a tender; 0 if nobody does.
func debtor(t api.Tender) dte.RUT {
	if t.Method != onAccount {
		return 0
	}
	rut, err := dte.ParseRUT(t.Reference)
	if err != nil || rut == SinNombre {
		return 0
	}
	return rut
}

// noCode is the product of what was sold without one.
const noCode = "SIN-CODIGO"

// code is how a line's product is called.
func code(l api.Line) string { return cmp.Or(clean(l.Codigo, maxName), noCode) }

// findProducts finds them by code, their own or the bar code, and makes those that nobody knows.
func (b *books) findProducts(entries []*told) error {
	named := map[string]api.Line{}
	for _, e := range entries {
		if e.Sale == nil {
			continue
		}
		for _, l := range slices.Concat(rowLines(e), e.Sale.Lines, e.Sale.Taken) {
			if _, ok := named[code(l)]; !ok {
				named[code(l)] = l
			}
		}
	}
	codes := slices.Sorted(maps.Keys(named))
	if err := b.readProducts(codes); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, c := range codes {
		if _, ok := b.products[c]; !ok {
			l := named[c]
			b.makeProduct(batch, c, cmp.Or(clean(l.Nombre, maxName), c), netPrice(l.Prc, true, l.Exento), clean(l.Unidad, maxName), l.Exento, false)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := b.tx.SendBatch(b.ctx, batch).Close(); err != nil {
		return err
	}
	return b.readProducts(codes)
}

// makeProduct makes a product known. One that is known from a sale alone, at the price that it had there, is not put on sale.
func (in *intake) makeProduct(batch *pgx.Batch, code, name string, net money.Pesos, unit string, exempt, onSale bool) {
	if code == noCode { // a name for the books, not for sale
		name, net, exempt = "Venta sin código", 0, false
	}
	batch.Queue(`insert into product (codigo_interno, nombre, precio_neto, unidad_medida, tax_id, till_id, is_active, updated_at)
		values ($1, $2, $3, coalesce(nullif($4, ''), 'unidad'), case when $5 then (select min(id) from tax where rate = 0) end, $6, $7, $8)
		on conflict (codigo_interno) do nothing`, code, name, net, unit, exempt, in.Till.ID, onSale && code != noCode, in.now)
}

func (b *books) readProducts(codes []string) error {
	rows, err := b.tx.Query(b.ctx, `select c.code, p.id, p.costo_unitario, p.controla_stock from unnest($1::text[]) c (code)
		join lateral (select * from product p where p.codigo_interno = c.code
			union all select * from product p where p.codigo_barras = c.code and not p.is_deleted limit 1) p on true`, codes)
	if err != nil {
		return err
	}
	b.products = map[string]stocked{}
	var code string
	var p stocked
	_, err = pgx.ForEachRow(rows, []any{&code, &p.id, &p.cost, &p.countable}, func() error {
		b.products[code] = p
		return nil
	})
	return err
}

// methodCodes are the till's words for the means of payment. Others are called as the till does.
var methodCodes = map[string][2]string{
	inCash: {Efectivo, "Efectivo"}, "débito": {"DEBITO", "Tarjeta de débito"}, "crédito": {"CREDITO", "Tarjeta de crédito"},
	"transferencia": {"TRANSFERENCIA", "Transferencia"}, onAccount: {CreditoInterno, "Crédito interno (fiado)"}, "cheque": {"CHEQUE", "Cheque"},
	"vale": {"VALE", "Vale"}, "tarjeta": {"TARJETA", "Tarjeta"},
}

// method is the code and the name of a means of payment.
func method(word string) (code, name string) {
	if known, ok := methodCodes[word]; ok {
		return known[0], known[1]
	}
	word = cmp.Or(clean(word, maxName), "otro")
	return word, word
}

func (b *books) findMethods(entries []*told) error {
	names := map[string]string{}
	for _, e := range entries {
		if e.Movement != nil {
			code, name := method(e.Movement.Method)
			names[code] = name
		}
		if e.Sale == nil {
			continue
		}
		for _, t := range e.Sale.Tenders {
			code, name := method(t.Method)
			names[code] = name
		}
	}
	if err := b.readMethods(); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, code := range slices.Sorted(maps.Keys(names)) {
		if b.methods[code] == 0 {
			batch.Queue("insert into payment_method (code, name) values ($1, $2) on conflict do nothing", code, names[code])
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := b.tx.SendBatch(b.ctx, batch).Close(); err != nil {
		return err
	}
	return b.readMethods()
}

func (b *books) readMethods() error {
	b.methods = map[string]int64{}
	return b.pairs("select code, id from payment_method", func(code string, id int64) { b.methods[code] = id })
}
