package central

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// Purchase of goods from a provider.
type Purchase struct {
	ID          int64
	Provider    Provider
	Tipo        string // FACTURA, BOLETA or SIN_DOCUMENTO
	Folio       string
	Fecha       dte.Date
	Neto        money.Pesos
	IVA         money.Pesos
	Total       money.Pesos
	Observacion string
	CreatedAt   time.Time
	Lines       []PurchaseLine
}

// PurchaseLine is a product bought.
type PurchaseLine struct {
	ID       int64
	Product  Product
	Qty      money.Qty
	Cost     money.Price // of one unit, without IVA
	Subtotal money.Pesos
}

// NewPurchase is a purchase that is to be noted. No day is today.
type NewPurchase struct {
	ProviderID               int64
	Tipo, Folio, Observacion string
	Fecha                    dte.Date
	Items                    []PurchaseItem
}

// PurchaseItem is a product, how much of it, and what one unit cost.
type PurchaseItem struct {
	ProductID int64
	Qty       money.Qty
	Cost      money.Price
}

// ConIVA is the kind of purchase whose document adds IVA to its prices.
const ConIVA = "FACTURA"

// Buy notes a purchase: the goods come in, and what they cost is their cost.
func (c *Call) Buy(n NewPurchase) (Purchase, error) {
	p, err := c.planPurchase(n)
	if err != nil {
		return p, err
	}
	err = c.tx.QueryRow(c.ctx, `insert into purchase (provider_id, tipo_documento, folio, fecha_compra, monto_neto, iva, monto_total, observacion, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`, p.Provider.ID, p.Tipo, p.Folio, p.Fecha.String(), p.Neto, p.IVA, p.Total, p.Observacion, c.now).Scan(&p.ID)
	if err != nil {
		return p, err
	}
	return c.stockPurchase(p, nil)
}

// ChangePurchase puts a purchase in the place of another: what came in goes, what is written now comes.
func (c *Call) ChangePurchase(id int64, n NewPurchase) (Purchase, error) {
	before, err := c.lockPurchase(id)
	if err != nil {
		return before, err
	}
	if n.Fecha.IsZero() {
		n.Fecha = before.Fecha
	}
	p, err := c.planPurchase(n)
	if err != nil {
		return p, err
	}
	p.ID = id
	batch := &pgx.Batch{}
	batch.Queue("delete from purchase_line where purchase_id = $1", id)
	batch.Queue(`update purchase set provider_id = $2, tipo_documento = $3, folio = $4, fecha_compra = $5, monto_neto = $6, iva = $7, monto_total = $8,
		observacion = $9 where id = $1`, id, p.Provider.ID, p.Tipo, p.Folio, p.Fecha.String(), p.Neto, p.IVA, p.Total, p.Observacion)
	if err := c.tx.SendBatch(c.ctx, batch).Close(); err != nil {
		return p, err
	}
	return c.stockPurchase(p, before.Lines)
}

// RemovePurchase takes a purchase back: the goods go, and the products cost what they cost without it.
func (c *Call) RemovePurchase(id int64) error {
	before, err := c.lockPurchase(id)
	if err != nil {
		return err
	}
	if _, err := c.tx.Exec(c.ctx, "delete from purchase where id = $1", id); err != nil {
		return err
	}
	if err := c.applyMoves(reversed(before.Lines, id, "eliminada")); err != nil {
		return err
	}
	return c.recost(before.Lines)
}

// planPurchase checks a purchase and adds it up. Exempt goods carry no IVA in a factura either.
func (c *Call) planPurchase(n NewPurchase) (p Purchase, err error) {
	if n.Fecha.IsZero() {
		n.Fecha = dte.DateOf(c.now)
	}
	p = Purchase{Tipo: n.Tipo, Folio: n.Folio, Fecha: n.Fecha, Observacion: n.Observacion, CreatedAt: c.now}
	if p.Provider, err = c.Provider(n.ProviderID); err != nil {
		return p, err
	}
	products, err := c.purchasable(n.Items)
	if err != nil {
		return p, err
	}
	var taxed money.Pesos
	for _, item := range n.Items {
		line := PurchaseLine{Product: products[item.ProductID], Qty: item.Qty, Cost: item.Cost}
		line.Subtotal, err = item.Cost.Times(item.Qty)
		if err != nil || line.Subtotal > maxSum || p.Neto > maxSum {
			return p, refuse(Unprocessable, "La compra es demasiado grande")
		}
		p.Lines, p.Neto = append(p.Lines, line), p.Neto+line.Subtotal
		if p.Tipo == ConIVA && !line.Product.Exento() {
			taxed += line.Subtotal
		}
	}
	p.IVA, err = money.IVA.Of(taxed)
	p.Total = p.Neto + p.IVA
	return p, err
}

// maxSum keeps the sums of documents far from the end of the numbers: of many there is a report in millionths of a peso.
const maxSum = money.MaxPesos / 1_000_000

// purchasable are the products of a purchase. A family is not bought: its variants are.
func (c *Call) purchasable(items []PurchaseItem) (map[int64]Product, error) {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.ProductID
	}
	found, err := c.products(ids)
	if err != nil {
		return nil, err
	}
	families, err := c.hasVariants(ids)
	for _, id := range ids {
		p, ok := found[id]
		switch {
		case !ok || p.IsDeleted:
			return nil, cmp.Or[error](err, refuse(NotFound, "Producto %d no encontrado", id))
		case families[id]:
			return nil, refuse(Invalid, "El producto '%s' tiene variantes. Debe ingresar la compra a la variante específica.", p.Nombre)
		}
	}
	return found, err
}

// stockPurchase writes the lines of a purchase, moves the stock from what the purchase said before to what it says now, and
// works out what its products cost.
func (c *Call) stockPurchase(p Purchase, before []PurchaseLine) (Purchase, error) {
	batch := &pgx.Batch{}
	moves := reversed(before, p.ID, "corregida")
	for _, l := range p.Lines {
		batch.Queue("insert into purchase_line (purchase_id, product_id, cantidad, precio_costo, subtotal) values ($1, $2, $3, $4, $5)",
			p.ID, l.Product.ID, l.Qty, l.Cost, l.Subtotal)
		moves = append(moves, stockMove{product: l.Product.ID, delta: l.Qty, motivo: "COMPRA", purchase: &p.ID, description: fmt.Sprintf("Compra %d", p.ID)})
	}
	if err := c.tx.SendBatch(c.ctx, batch).Close(); err != nil {
		return p, err
	}
	if err := c.applyMoves(moves); err != nil {
		return p, err
	}
	if err := c.recost(slices.Concat(before, p.Lines)); err != nil {
		return p, err
	}
	return c.Purchase(p.ID)
}

// reversed takes out what the lines of a purchase brought in.
func reversed(lines []PurchaseLine, purchase int64, why string) []stockMove {
	moves := make([]stockMove, len(lines))
	for i, l := range lines {
		moves[i] = stockMove{product: l.Product.ID, delta: -l.Qty, motivo: "AJUSTE", purchase: &purchase, description: fmt.Sprintf("Compra %d, %s", purchase, why)}
	}
	return moves
}

// recost sets the cost of products to what was paid for them last, or without a purchase to what somebody wrote. The stock of
// these products was moved before, so their rows are ours.
func (c *Call) recost(lines []PurchaseLine) error {
	ids := make([]int64, len(lines))
	for i, l := range lines {
		ids[i] = l.Product.ID
	}
	_, err := c.tx.Exec(c.ctx, `update product set updated_at = $2, costo_unitario = coalesce((
			select l.precio_costo from purchase_line l join purchase p on p.id = l.purchase_id where l.product_id = product.id
			order by p.fecha_compra desc, p.id desc, l.id desc limit 1), costo_base)
		where id = any($1)`, ids, c.now)
	return err
}

const selectPurchase = `select id, provider_id, tipo_documento, folio, fecha_compra, monto_neto, iva, monto_total, observacion, created_at from purchase`

// Purchases noted, newest first.
func (c *Call) Purchases(p Page, d Days) ([]Purchase, error) {
	from, to := d.dates()
	return c.purchases(` where ($1::date is null or fecha_compra >= $1) and ($2::date is null or fecha_compra <= $2)
		order by id desc offset $3 limit $4`, from, to, p.Skip, p.limit())
}

// Purchase by number.
func (c *Call) Purchase(id int64) (Purchase, error) { return c.onePurchase(" where id = $1", id) }

// lockPurchase keeps others from changing the same one.
func (c *Call) lockPurchase(id int64) (Purchase, error) {
	return c.onePurchase(" where id = $1 for update", id)
}

func (c *Call) onePurchase(where string, id int64) (Purchase, error) {
	list, err := c.purchases(where, id)
	if err != nil {
		return Purchase{}, err
	}
	if len(list) == 0 {
		return Purchase{}, refuse(NotFound, "Compra no encontrada")
	}
	return list[0], nil
}

// purchases reads purchases whole, in a fixed number of questions however many there are.
func (c *Call) purchases(where string, args ...any) ([]Purchase, error) {
	rows, err := c.tx.Query(c.ctx, selectPurchase+where, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Purchase, err error) {
		var fecha time.Time
		err = row.Scan(&p.ID, &p.Provider.ID, &p.Tipo, &p.Folio, &fecha, &p.Neto, &p.IVA, &p.Total, &p.Observacion, &p.CreatedAt)
		p.Fecha = dayOf(fecha)
		return p, err
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	return list, cmp.Or(c.addProviders(list), c.addPurchaseLines(list))
}

func (c *Call) addProviders(list []Purchase) error {
	ids := make([]int64, len(list))
	for i, p := range list {
		ids[i] = p.Provider.ID
	}
	rows, err := c.tx.Query(c.ctx, selectProvider+" where id = any($1)", ids)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, scanProvider)
	byID := map[int64]Provider{}
	for _, p := range found {
		byID[p.ID] = p
	}
	for i := range list {
		list[i].Provider = byID[list[i].Provider.ID]
	}
	return err
}

func (c *Call) addPurchaseLines(list []Purchase) error {
	byID := make(map[int64]*Purchase, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	rows, err := c.tx.Query(c.ctx, `select purchase_id, id, product_id, cantidad, precio_costo, subtotal from purchase_line
		where purchase_id = any($1) order by purchase_id, id`, slices.Collect(maps.Keys(byID)))
	if err != nil {
		return err
	}
	var purchase int64
	var l PurchaseLine
	seen := map[int64]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&purchase, &l.ID, &l.Product.ID, &l.Qty, &l.Cost, &l.Subtotal}, func() error {
		byID[purchase].Lines = append(byID[purchase].Lines, l)
		seen[l.Product.ID] = true
		return nil
	}); err != nil {
		return err
	}
	found, err := c.products(slices.Collect(maps.Keys(seen)))
	for _, p := range byID {
		for i := range p.Lines {
			p.Lines[i].Product = found[p.Lines[i].Product.ID]
		}
	}
	return err
}
