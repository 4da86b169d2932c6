package central

import (
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

func (c *Call) addCustomers(list []Sale, ids []int64) error {
	rows, err := c.tx.Query(c.ctx, selectCustomer+" where id = any($1)", ids)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, scanCustomer)
	byID := map[int64]Customer{}
	for _, customer := range found {
		byID[customer.ID] = customer
	}
	for i := range list {
		list[i].Customer = byID[list[i].Customer.ID]
	}
	return err
}

func (c *Call) addLines(byID map[int64]*Sale, ids []int64) error {
	rows, err := c.tx.Query(c.ctx, `select sale_id, product_id, nombre, cantidad, precio_unitario, descuento, subtotal, monto, exento,
			costo_unitario, restock, contenido from sale_line where sale_id = any($1) order by sale_id, line`, ids)
	if err != nil {
		return err
	}
	var sale int64
	var l SaleLine
	seen := map[int64]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&sale, &l.ProductID, &l.Nombre, &l.Qty, &l.Price, &l.Discount, &l.Subtotal, &l.Monto, &l.Exempt, &l.Cost, &l.Restock, &l.Contenido}, func() error {
		byID[sale].Lines = append(byID[sale].Lines, l)
		seen[l.ProductID] = true
		return nil
	}); err != nil {
		return err
	}
	products := make([]int64, 0, len(seen))
	for id := range seen {
		products = append(products, id)
	}
	found, err := c.products(products)
	for _, s := range byID {
		for i := range s.Lines {
			s.Lines[i].Product = found[s.Lines[i].ProductID]
		}
	}
	return err
}

func (c *Call) addReferences(byID map[int64]*Sale, ids []int64) error {
	rows, err := c.tx.Query(c.ctx, `select r.sale_id, r.tipo_documento, r.folio, r.fecha, coalesce(r.sii_reason_code, 0), r.razon
		from sale_reference r join document_state d on d.sale_id = r.sale_id and d.version = r.version
		where r.sale_id = any($1) order by r.sale_id, r.line`, ids)
	if err != nil {
		return err
	}
	var sale int64
	var r dte.Referencia
	var fecha time.Time
	_, err = pgx.ForEachRow(rows, []any{&sale, &r.TpoDocRef, &r.FolioRef, &fecha, &r.CodRef, &r.RazonRef}, func() error {
		r.FchRef = dayOf(fecha)
		byID[sale].References = append(byID[sale].References, r)
		return nil
	})
	return err
}

func (c *Call) addPayments(byID map[int64]*Sale, ids []int64) error {
	rows, err := c.tx.Query(c.ctx, `select p.sale_id, p.method_id, m.code, p.tendered, p.change, p.rounding, p.kept, p.transaction_code
		from payment p join payment_method m on m.id = p.method_id where p.sale_id = any($1) order by p.id`, ids)
	if err != nil {
		return err
	}
	var sale int64
	var p SalePayment
	_, err = pgx.ForEachRow(rows, []any{&sale, &p.MethodID, &p.Code, &p.Tendered, &p.Change, &p.Rounding, &p.Kept, &p.Transaction}, func() error {
		byID[sale].Payments = append(byID[sale].Payments, p)
		return nil
	})
	return err
}
