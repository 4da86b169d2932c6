package central

import (
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
)

// GuiasToInvoice asks for one factura of several guías of one customer. The goods have left with them, at the prices that
// they say.
type GuiasToInvoice struct {
	IDs         []int64
	Tipo        dte.TipoDTE
	Payments    []Tender
	Description string
	// As in NewSale.
	Key     string
	Request [sha256.Size]byte
}

// What a guía's goods left for (IndTraslado): as a sale, to be sold, on consignment. Only these are ever invoiced.
const soldByGuia = " s.tipo = 52 and s.ind_traslado in (1, 2, 3) "

// PendingGuias have not been invoiced: of one customer, or of all, by customer and the oldest first.
func (c *Call) PendingGuias(customer dte.RUT, p Page, d Days) ([]Sale, error) {
	from, to := d.moments()
	return c.sales("join customer k on k.id = s.customer_id where"+soldByGuia+`and s.invoiced_by is null and ($1 = 0 or k.rut = $1)
		and ($2::timestamptz is null or s.created_at >= $2) and ($3::timestamptz is null or s.created_at < $3)
		order by k.razon_social, s.customer_id, s.created_at, s.id offset $4 limit $5`, int32(customer), from, to, p.Skip, p.limit())
}

// InvoiceGuias makes the factura. No guía is invoiced twice, and no goods move.
func (c *Call) InvoiceGuias(g GuiasToInvoice) (Sale, error) {
	made, err := c.sellOnce(g.Key, g.Request, func() (*plannedSale, error) { return c.planGuias(g) })
	if err != nil {
		return made, err
	}
	_, err = c.tx.Exec(c.ctx, "update sale set invoiced_by = $2 where id = any($1) and invoiced_by is null", g.IDs, made.ID)
	return made, err
}

func (c *Call) planGuias(g GuiasToInvoice) (*plannedSale, error) {
	if g.Tipo != dte.Factura && g.Tipo != dte.FacturaExenta {
		return nil, refuse(Unprocessable, "Las guías se facturan con una factura (33) o una factura exenta (34)")
	}
	s := &plannedSale{Call: c, sign: 1, goods: goodsStay, NewSale: NewSale{Tipo: g.Tipo, Payments: g.Payments, Description: g.Description}}
	return s, s.steps(func() error { return s.learn() }, s.openShift, func() error { return s.fromGuias(g.IDs) }, s.addUp, s.pay, s.fallDue)
}

// fromGuias puts the guías' lines in the factura and refers to each.
func (s *plannedSale) fromGuias(ids []int64) error {
	guias, err := s.lockGuias(ids)
	if err != nil {
		return err
	}
	s.customer = guias[0].Customer
	s.draft = dte.Draft{Tipo: s.Tipo, FchEmis: dte.DateOf(s.now), Emisor: s.emisor, Receptor: s.receptor()}
	for _, g := range guias {
		if g.Customer.ID != s.customer.ID {
			return refuse(Unprocessable, "Las guías son de clientes distintos: facture las de cada uno por separado")
		}
		if err := s.addGuia(g); err != nil {
			return err
		}
	}
	return nil
}

// lockGuias reads guías that may be invoiced, in the order of their numbers, and keeps them from being invoiced by others.
func (s *plannedSale) lockGuias(ids []int64) ([]Sale, error) {
	rows, err := s.tx.Query(s.ctx, "select s.id from sale s where s.id = any($1) and"+soldByGuia+"and s.invoiced_by is null order by s.id for no key update", ids)
	if err != nil {
		return nil, err
	}
	locked, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.Contains(locked, id) {
			return nil, refuse(Conflict, "La venta %d no es una guía por facturar", id)
		}
	}
	return s.sales("where s.id = any($1) order by s.id", locked)
}

// addGuia adds a guía's lines, each with its discount and its part of the guía's own.
func (s *plannedSale) addGuia(g Sale) error {
	doc, err := s.documentOf(g.ID)
	if err != nil {
		return err
	}
	left, err := dte.LeftOf(doc, nil)
	if err != nil {
		return err
	}
	for i, sold := range g.Lines {
		line := doc.Detalle[i]
		worth, err := left.Worth(i+1, line.Qty)
		if err == nil {
			err = left.Take(i+1, line.Qty)
		}
		if err != nil {
			return err
		}
		if s.Tipo.EsExento() {
			line.IndExe = dte.Exento
		}
		plain, err := line.Prc.Times(line.Qty)
		if err != nil {
			return err
		}
		line.Descuento, line.DescuentoPct, line.Recargo, line.RecargoPct = plain-worth, 0, 0, 0
		s.draft.Detalle = append(s.draft.Detalle, line)
		product := sold.Product
		product.Costo = sold.Cost
		s.lines = append(s.lines, plannedLine{SaleItem: SaleItem{ProductID: sold.ProductID, Qty: sold.Qty}, product: product, net: sold.Price, contenido: sold.Contenido})
	}
	s.draft.Referencia = append(s.draft.Referencia, dte.Referencia{
		TpoDocRef: strconv.Itoa(int(dte.GuiaDespacho)), FolioRef: doc.Folio.String(), FchRef: doc.FchEmis,
	})
	return nil
}

// documentOf reads the stored bytes of a sale.
func (c *Call) documentOf(sale int64) (*dte.Document, error) {
	var xml []byte
	if err := c.tx.QueryRow(c.ctx, "select xml from document where sale_id = $1 order by version desc limit 1", sale).Scan(&xml); errNoRow(err) {
		return nil, refuse(NotFound, "El documento de la venta %d no está en la central", sale)
	} else if err != nil {
		return nil, err
	}
	return dte.Parse(xml)
}
