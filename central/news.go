package central

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"mostrador/central/api"
	"mostrador/dte"
	"mostrador/money"
)

// The kinds of news, in the order in which a page has them. What is gone comes first: its name or code may be another's by now.
const (
	newsGoneProducts = iota
	newsProducts
	newsStirred
	newsGoneCustomers
	newsCustomers
	newsPeople
	newsIssuer
	newsPromotions
	newsVerdicts
	newsKinds
)

// newsPlace is how far a till has heard of one kind: the transaction that made it news, and the row's number.
type newsPlace struct {
	xact uint64
	id   int64
}

// newsCursor is how far a till has heard of everything, in the database of one generation.
type newsCursor struct {
	generation string
	places     [newsKinds]newsPlace
}

const cursorVersion = "1"

// String is the cursor as tills keep it. They do not look into it.
func (k newsCursor) String() string {
	var b strings.Builder
	b.WriteString(cursorVersion + ":" + k.generation)
	for _, p := range k.places {
		fmt.Fprintf(&b, ":%x.%x", p.xact, p.id)
	}
	return b.String()
}

// parseCursor reads one back; false if it is none of ours, or of another program.
func parseCursor(text string) (k newsCursor, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 2+len(k.places) || parts[0] != cursorVersion {
		return k, false
	}
	k.generation = parts[1]
	for i, part := range parts[2:] {
		xact, id, _ := strings.Cut(part, ".")
		x, errX := strconv.ParseUint(xact, 16, 64)
		n, errN := strconv.ParseInt(id, 16, 64)
		if errX != nil || errN != nil {
			return k, false
		}
		k.places[i] = newsPlace{x, n}
	}
	return k, true
}

// newsHorizon is up to where the feed may be read: every transaction before it has ended, so nothing can come in behind whoever
// read that far. The generation differs where a place would mean something else: in a database that was made anew from a dump,
// or that went back in time.
type newsHorizon struct {
	generation string
	before     uint64
	newest     uint64 // no transaction of this generation has a number from here on
	settled    bool   // what is in the tables is of this generation, too
}

func (c *Call) newsHorizon() (h newsHorizon, err error) {
	var before, newest string
	err = c.tx.QueryRow(c.ctx, `select made.generation, pg_snapshot_xmin(n)::text, pg_snapshot_xmax(n)::text, made.generation = era.generation
		from news_era era, pg_current_snapshot() n,
			`+thisEra+` made`).Scan(&h.generation, &before, &newest, &h.settled)
	if err != nil {
		return h, err
	}
	if h.before, err = strconv.ParseUint(before, 10, 64); err != nil {
		return h, err
	}
	h.newest, err = strconv.ParseUint(newest, 10, 64)
	return h, err
}

// settle makes what came with a dump older than all that will happen here: its transactions had the numbers of another database,
// and those may be far ahead.
func (c *Call) settle(h newsHorizon) error {
	if _, err := c.tx.Exec(c.ctx, "update news_era set generation = $1", h.generation); err != nil {
		return err
	}
	for _, table := range []string{"gone", "product", "product_stirred", "customer", "person", "issuer", "promotions", "document_state"} {
		if _, err := c.tx.Exec(c.ctx, "update "+table+" set news = '0' where news >= $1::text::xid8", xid(h.newest)); err != nil {
			return err
		}
	}
	return nil
}

// from is where a till goes on; anew if what it knows is of another generation, or nothing.
func (h newsHorizon) from(text string) (k newsCursor, anew bool) {
	k, ok := parseCursor(text)
	ok = ok && k.generation == h.generation
	for _, p := range k.places {
		ok = ok && p.xact < h.newest
	}
	if !ok {
		k = newsCursor{generation: h.generation}
		// What was known under other names, or is news by its family, is in a load as it is now.
		for _, kind := range []int{newsGoneProducts, newsStirred, newsGoneCustomers} {
			k.places[kind] = newsPlace{h.before - 1, math.MaxInt64}
		}
		return k, true
	}
	return k, false
}

// HasNews says whether a till that has heard up to the cursor has something to hear. A till that polls asks for nothing else.
func (c *Call) HasNews(cursor string) (there bool, err error) {
	h, err := c.newsHorizon()
	if err != nil {
		return false, err
	}
	k, anew := h.from(cursor)
	if anew || !h.settled {
		return true, nil
	}
	args := []any{xid(h.before)}
	for _, p := range k.places {
		args = append(args, xid(p.xact), p.id)
	}
	err = c.tx.QueryRow(c.ctx, `select
		exists (select from gone where kind = 'product' and (news, id) > ($2::text::xid8, $3::bigint) and news < $1::text::xid8) or
		exists (select from product where (news, id) > ($4::text::xid8, $5::bigint) and news < $1::text::xid8) or
		exists (select from product_stirred where (news, id) > ($6::text::xid8, $7::bigint) and news < $1::text::xid8) or
		exists (select from gone where kind = 'customer' and (news, id) > ($8::text::xid8, $9::bigint) and news < $1::text::xid8) or
		exists (select from customer where (news, id) > ($10::text::xid8, $11::bigint) and news < $1::text::xid8) or
		exists (select from person where (news, id) > ($12::text::xid8, $13::bigint) and news < $1::text::xid8) or
		exists (select from issuer where (news, 1) > ($14::text::xid8, $15::bigint) and news < $1::text::xid8) or
		exists (select from promotions where (news, 1) > ($16::text::xid8, $17::bigint) and news < $1::text::xid8) or
		exists (select from document_state where taken_from is not null and state in `+final+`
			and (news, sale_id) > ($18::text::xid8, $19::bigint) and news < $1::text::xid8)`, args...).Scan(&there)
	return there, err
}

func xid(n uint64) string { return strconv.FormatUint(n, 10) }

// Pull is a page of what a till has not heard, in the order in which it became news, and where to go on. A row that changes again
// comes again, later.
func (c *Call) Pull(cursor string) (api.News, error) {
	h, err := c.newsHorizon()
	if err != nil {
		return api.News{}, err
	}
	if !h.settled {
		if err := c.settle(h); err != nil {
			return api.News{}, err
		}
	}
	p := newsPage{Call: c, before: xid(h.before), room: api.MostNews}
	p.cursor, p.news.Anew = h.from(cursor)
	p.news.At = c.now
	for _, part := range []func() error{p.goneProducts, p.products, p.stirred, p.goneCustomers, p.customers, p.people, p.issuer, p.promotions, p.verdicts} {
		if p.room == 0 {
			break
		}
		if err := part(); err != nil {
			return api.News{}, err
		}
	}
	p.news.More = p.room == 0
	p.news.Cursor = p.cursor.String()
	return p.news, nil
}

// newsPage is a page in the making.
type newsPage struct {
	*Call
	news   api.News
	before string
	cursor newsCursor
	room   int // rows that still fit
}

// read gives fn the rows of a kind that come next; fn scans each after its transaction and number. The query's own text ends
// where the places of the cursor begin.
func (p *newsPage) read(kind int, table, query string, fn func(row pgx.CollectableRow, place []any) error, more ...any) error {
	place := &p.cursor.places[kind]
	rows, err := p.tx.Query(p.ctx, strings.NewReplacer("{after}", "("+table+".news, "+table+".id) > ($1::text::xid8, $2::bigint) and "+table+".news < $3::text::xid8",
		"{order}", "order by "+table+".news, "+table+".id limit $4", "{place}", table+".news::text, "+table+".id").Replace(query),
		append([]any{xid(place.xact), place.id, p.before, p.room}, more...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var xact string
		if err := fn(rows, []any{&xact, &place.id}); err != nil {
			return err
		}
		if place.xact, err = strconv.ParseUint(xact, 10, 64); err != nil {
			return err
		}
		p.room--
	}
	return rows.Err()
}

// goneProducts are codes under which nothing is sold any more, because the product has another one.
func (p *newsPage) goneProducts() error {
	return p.read(newsGoneProducts, "gone", `select {place}, name, exists (select from product where codigo_interno = gone.name)
		from gone where kind = 'product' and {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		var code string
		var taken bool
		if err := row.Scan(append(place, &code, &taken)...); err != nil || taken {
			return err
		}
		p.news.Products = append(p.news.Products, api.Product{Codigo: code, Deleted: true})
		return nil
	})
}

// products that changed.
func (p *newsPage) products() error { return p.sold(newsProducts, "p", "product p") }

// stirred are those whose family did.
func (p *newsPage) stirred() error {
	return p.sold(newsStirred, "s", "product_stirred s join product p on p.id = s.product_id")
}

// sold reads products with the prices that they have on the lists. Families are not sold, only their variants.
func (p *newsPage) sold(kind int, table, from string) error {
	places := map[int64]int{} // in the page
	var ids []int64
	rates := map[int64]money.Rate{}
	err := p.read(kind, table, `select {place}, p.id, p.codigo_interno, p.nombre, p.precio_neto, p.unidad_medida, coalesce(p.codigo_barras, ''),
			coalesce(parent.nombre, ''), coalesce(t.rate, $5::integer), p.precio_bruto, p.is_deleted or not p.is_active
				or exists (select from product child where child.parent_id = p.id and not child.is_deleted)
		from `+from+` left join product parent on parent.id = p.parent_id left join tax t on t.id = p.tax_id
		where {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		var made Product
		var barcode string
		var rate money.Rate
		var said *money.Pesos
		var deleted bool
		err := row.Scan(append(place, &made.ID, &made.SKU, &made.Nombre, &made.PrecioNeto, &made.Unidad, &barcode, &made.ParentName, &rate, &said, &deleted)...)
		if err != nil || deleted && p.news.Anew {
			return err
		}
		n := api.Product{Codigo: made.SKU, Deleted: deleted}
		if !deleted {
			places[made.ID], rates[made.ID] = len(p.news.Products), rate
			ids = append(ids, made.ID)
			n = made.told(rate, barcode)
			if said != nil {
				n.Prc = money.PerUnit(*said)
			}
		}
		p.news.Products = append(p.news.Products, n)
		return nil
	}, int32(money.IVA))
	if err != nil || len(ids) == 0 {
		return err
	}
	return p.listed(ids, func(id int64, list string, net money.Pesos) {
		n := &p.news.Products[places[id]]
		if n.Prices == nil {
			n.Prices = map[string]money.Price{}
		}
		n.Prices[list] = money.PerUnit(gross(net, rates[id]))
	})
}

// told is the product as tills know it: what a shelf says.
func (p Product) told(rate money.Rate, barcode string) api.Product {
	n := api.Product{
		Codigo: p.SKU, Nombre: clip(p.FullName(), 80), Unidad: measure(p.Unidad), Prc: money.PerUnit(gross(p.PrecioNeto, rate)), Exento: rate == 0,
	}
	if barcode != "" && barcode != p.SKU {
		n.Codigos = []string{barcode}
	}
	if p.ParentName != "" {
		n.Familia, n.Variante = clip(p.ParentName, 80), clip(strings.TrimSpace(strings.TrimPrefix(p.Nombre, p.ParentName)), 80)
	}
	if n.Variante == "" {
		n.Familia = ""
	}
	return n
}

// measure is the unit of what is weighed or measured, as documents write it; empty for what is counted, whatever it is called.
func measure(unit string) string {
	switch unit = strings.ToLower(strings.Trim(unit, " .")); unit {
	case "kg", "kilo", "kilos", "kilogramo", "kilogramos", "kgs":
		return "kg"
	case "g", "gr", "grs", "gramo", "gramos":
		return "g"
	case "l", "lt", "lts", "litro", "litros":
		return "l"
	case "ml", "cc", "m", "m2", "m3", "cm", "ton":
		return unit
	case "mt", "mts", "metro", "metros":
		return "m"
	}
	return ""
}

// listed gives the prices that products have on lists.
func (p *newsPage) listed(ids []int64, fn func(id int64, list string, net money.Pesos)) error {
	rows, err := p.tx.Query(p.ctx, `select i.product_id, l.name, i.fixed_price from price_list_item i join price_list l on l.id = i.price_list_id
		where i.product_id = any($1)`, ids)
	if err != nil {
		return err
	}
	var id int64
	var list string
	var net money.Pesos
	_, err = pgx.ForEachRow(rows, []any{&id, &list, &net}, func() error {
		fn(id, list, net)
		return nil
	})
	return err
}

// goneCustomers are RUTs that nobody in the book has any more.
func (p *newsPage) goneCustomers() error {
	return p.read(newsGoneCustomers, "gone", `select {place}, name::integer, exists (select from customer where rut = gone.name::integer)
		from gone where kind = 'customer' and {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		var rut int32
		var taken bool
		if err := row.Scan(append(place, &rut, &taken)...); err != nil || taken {
			return err
		}
		p.news.Customers = append(p.news.Customers, api.Customer{RUT: dte.RUT(rut), Deleted: true})
		return nil
	})
}

// customers, all but the one of boletas without a name, as documents say them.
func (p *newsPage) customers() error {
	return p.read(newsCustomers, "c", `select {place}, c.rut, c.razon_social, c.giro, c.direccion, c.comuna, c.ciudad, c.email, coalesce(l.name, ''),
			coalesce(c.credit_limit, s.credit_limit), c.balance, not c.is_active
		from customer c cross join settings s left join price_list l on l.id = c.price_list_id
		where {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		var n api.Customer
		var rut int32
		var limit, balance money.Pesos
		err := row.Scan(append(place, &rut, &n.RznSoc, &n.Giro, &n.Direccion, &n.Comuna, &n.Ciudad, &n.Correo, &n.List, &limit, &balance, &n.Deleted)...)
		n.RUT, n.Limit, n.Balance = dte.RUT(rut), &limit, &balance
		if err != nil || n.RUT == SinNombre || n.Deleted && p.news.Anew {
			return err
		}
		n.RznSoc, n.Giro, n.Direccion = clip(n.RznSoc, 100), clip(n.Giro, 40), clip(n.Direccion, 70)
		n.Comuna, n.Ciudad = clip(n.Comuna, 20), clip(n.Ciudad, 20)
		p.news.Customers = append(p.news.Customers, n)
		return nil
	})
}

// What the people of a company are at its tills.
const (
	tillCajero     = "cajero"
	tillSupervisor = "supervisor"
	tillDueno      = "dueño"
)

// people of the company by what they do at its tills. Who has no role here is known from a till that told of them, and is its own.
func (p *newsPage) people() error {
	return p.read(newsPeople, "p", `select {place}, p.name, p.rut, p.is_active, p.is_system or r.id is null,
			p.is_owner or coalesce(r.name = $5, false), coalesce(r.can_manage_users or r.can_perform_returns, false), coalesce(r.can_perform_sales, false)
		from person p left join role r on r.id = p.role_id
		where {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		var n api.Person
		var rut string
		var apart, owns, leads, sells bool
		if err := row.Scan(append(place, &n.Name, &rut, &n.Active, &apart, &owns, &leads, &sells)...); err != nil || apart {
			return err
		}
		n.RUT, _ = dte.ParseRUT(rut) // one that was never checked is not told
		switch {
		case owns:
			n.Role = tillDueno
		case leads && sells:
			n.Role = tillSupervisor
		default:
			n.Role, n.Active = tillCajero, n.Active && sells
		}
		if n.Active || !p.news.Anew {
			p.news.People = append(p.news.People, n)
		}
		return nil
	}, Administrador)
}

// issuer is the company as its documents name it.
func (p *newsPage) issuer() error {
	return p.read(newsIssuer, "i", `select {place}, i.razon_social, i.giro, i.acteco, i.direccion, i.comuna, i.ciudad, i.telefono, i.email,
			i.resolucion_nro, i.resolucion_fch
		from (select *, 1::bigint as id from issuer) i where {after} {order}`, func(row pgx.CollectableRow, place []any) error {
		i := Issuer{RUT: p.RUT}
		err := row.Scan(append(place, &i.RazonSocial, &i.Giro, &i.Acteco, &i.Direccion, &i.Comuna, &i.Ciudad, &i.Telefono, &i.Email,
			&i.ResolucionNro, &i.ResolucionFch)...)
		if err != nil {
			return err
		}
		p.news.Settings = &api.Settings{Emisor: i.emisor()}
		if i.ResolucionFch != nil {
			p.news.Settings.Resolucion = dte.Resolucion{Nro: int(i.ResolucionNro), Fch: dte.DateOf(*i.ResolucionFch)}
		}
		return nil
	})
}

// promotions are the company's rules of price, whole.
func (p *newsPage) promotions() error {
	return p.read(newsPromotions, "r", `select {place}, r.text from (select *, 1::bigint as id from promotions) r where {after} {order}`,
		func(row pgx.CollectableRow, place []any) error {
			return row.Scan(append(place, &p.news.Promotions)...)
		})
}

// verdicts on what the server sent for tills that were gone.
func (p *newsPage) verdicts() error {
	return p.read(newsVerdicts, "d", `select {place}, d.tipo, d.folio, d.state, d.veredicto
		from (select *, sale_id as id from document_state where taken_from is not null and state in `+final+`) d where {after} {order}`,
		func(row pgx.CollectableRow, place []any) error {
			n := api.DocumentState{Key: dte.Key{Emisor: p.RUT}}
			err := row.Scan(append(place, &n.Key.Tipo, &n.Key.Folio, &n.State, &n.Veredicto)...)
			p.news.Verdicts = append(p.news.Verdicts, n)
			return err
		})
}
