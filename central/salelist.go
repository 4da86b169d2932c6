package central

import (
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// SaleFilter is which sales a list wants.
type SaleFilter struct {
	Page
	Days
	// Q is a part of the customer's name or RUT or of the description, or a whole folio.
	Q        string
	Customer dte.RUT
	Tipo     dte.TipoDTE
	// Before is a sale: only older ones. To go through a long list with it costs the same on every page; Skip counts what it
	// skips.
	Before int64
}

// manyCustomers is from how many customers on their sales are sought among all sales, newest first, instead of one by one:
// so many have sold lately.
const manyCustomers = 500

// Sales are listed newest first. What is asked for is found by an index, and only that is read whole: the length of the books does not
// matter.
func (c *Call) Sales(f SaleFilter) ([]Sale, error) {
	from, to := f.moments()
	args := pgx.NamedArgs{
		"from": from, "to": to, "rut": int32(f.Customer), "tipo": int(f.Tipo), "before": f.Before, "skip": f.Skip,
		"limit": f.limit(), "reach": f.Skip + f.Limit,
	}
	query := "select s.id from sale s where true" + f.conditions() + newestFirst + " offset @skip limit @limit"
	if q := strings.ToLower(strings.TrimSpace(f.Q)); q != "" {
		found, err := c.foundIn(f, q, args)
		if err != nil {
			return nil, err
		}
		query = "select s.id from (" + found + ") s" + newestFirst + " offset @skip limit @limit"
	}
	rows, err := c.tx.Query(c.ctx, query, args)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return c.sales("where s.id = any($1)"+newestFirst, ids)
}

const newestFirst = " order by s.created_at desc, s.id desc"

// conditions are those of the filter but its text. Only those that are asked for stand there, so that each has its index.
func (f SaleFilter) conditions() string {
	var b strings.Builder
	for _, condition := range []struct {
		asked bool
		sql   string
	}{
		{!f.From.IsZero(), " and s.created_at >= @from"},
		{!f.To.IsZero(), " and s.created_at < @to"},
		{f.Customer != 0, " and s.customer_id = (select id from customer where rut = @rut)"},
		{f.Tipo != 0, " and s.tipo = @tipo"},
		{f.Before != 0, " and (s.created_at, s.id) < (select created_at, id from sale where id = @before)"},
	} {
		if condition.asked {
			b.WriteString(condition.sql)
		}
	}
	return b.String()
}

// foundIn selects the sales that a text finds: by folio, by description, and the newest of each customer that it finds.
func (c *Call) foundIn(f SaleFilter, q string, args pgx.NamedArgs) (string, error) {
	rows, err := c.tx.Query(c.ctx, "select id from customer where search like '%' || $1 || '%' or $2 <> '' and search like '%' || $2 || '%'",
		likeLiteral(q), rutDigits(q))
	if err != nil {
		return "", err
	}
	customers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return "", err
	}
	args["customers"], args["words"], args["folio"] = customers, "%"+likeLiteral(q)+"%", wholeNumber(q)
	const columns = "select s.id, s.created_at from sale s"
	where := f.conditions()
	found := columns + " where s.folio = @folio" + where +
		" union " + columns + " where s.descripcion <> '' and lower(s.descripcion) like @words" + where
	if len(customers) > manyCustomers {
		return found + " union (" + columns + " where s.customer_id = any(@customers)" + where + newestFirst + " limit @reach)", nil
	}
	return found + " union select s.id, s.created_at from unnest(@customers::bigint[]) k cross join lateral (" +
		columns + " where s.customer_id = k" + where + newestFirst + " limit @reach) s", nil
}

// wholeNumber is the number that q is, or one that nothing has.
func wholeNumber(q string) int64 {
	n := int64(0)
	for _, digit := range q {
		if digit < '0' || digit > '9' || n > 1e10 {
			return -1
		}
		n = n*10 + int64(digit-'0')
	}
	return n
}

// PaymentMethod is a way to pay.
type PaymentMethod struct {
	ID       int64  `json:"id"`
	Code     string `json:"code"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`
}

// PaymentMethods in use; all, or the inactive ones, if the page says so.
func (c *Call) PaymentMethods(p Page) ([]PaymentMethod, error) {
	active := true
	if p.IsActive != nil {
		active = *p.IsActive
	}
	rows, err := c.tx.Query(c.ctx, "select id, code, name, is_active from payment_method where is_active = $1 order by id offset $2 limit $3",
		active, p.Skip, p.limit())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PaymentMethod])
}

// DocumentStatus is where a document stands at the SII.
type DocumentStatus struct {
	SaleID    int64
	Tipo      dte.TipoDTE
	Folio     int64
	State     dte.State
	TrackID   string
	Veredicto *dte.Veredicto
	IssuedAt  time.Time
	UpdatedAt time.Time
}

// DocumentFilter is which documents a list of states wants.
type DocumentFilter struct {
	Page
	Days
	IDs   []int64
	State dte.State
}

// DocumentStatuses of sales, newest first. What is skipped is counted in the index; only the page is read whole.
func (c *Call) DocumentStatuses(f DocumentFilter) ([]DocumentStatus, error) {
	from, to := f.moments()
	const newestFirst = " order by d.issued_at desc, d.sale_id desc"
	query := "with page as (select d.sale_id from document_state d where true"
	for _, condition := range []struct {
		asked bool
		sql   string
	}{
		{f.IDs != nil, " and d.sale_id = any(@ids)"},
		{f.State != "", " and d.state = @state"},
		{!f.From.IsZero(), " and d.issued_at >= @from"},
		{!f.To.IsZero(), " and d.issued_at < @to"},
	} {
		if condition.asked {
			query += condition.sql
		}
	}
	query += newestFirst + ` offset @skip limit @limit)
		select d.sale_id, d.tipo, d.folio, d.state, coalesce(e.sobre ->> 'trackId', ''), d.veredicto, d.issued_at, d.updated_at
		from page join document_state d on d.sale_id = page.sale_id left join envelope e on e.id = nullif(d.envelope, '')` + newestFirst
	rows, err := c.tx.Query(c.ctx, query, pgx.NamedArgs{
		"ids": f.IDs, "state": f.State, "from": from, "to": to, "skip": f.Skip, "limit": f.limit(),
	})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[DocumentStatus])
}
