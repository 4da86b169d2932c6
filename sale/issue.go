package sale

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// ErrPayment: the payment does not settle the document.
var ErrPayment = errors.New("el pago no cuadra")

// Order is a document asked for directly, without a cart: by tillctl, by a program, by a correction.
type Order struct {
	ID      ID        `json:"id"`
	Draft   dte.Draft `json:"draft"` // FchEmis and Emisor are filled in when empty
	Payment Payment   `json:"payment"`
	// Lines are kept in the record; when empty they are made from the draft's.
	Lines []Line `json:"lines,omitempty"`
	// Returned is what comes back with it, of which document, and Taken what leaves for it; see Record.
	Returned []ReturnedLine `json:"returned,omitempty"`
	Taken    []Line         `json:"taken,omitempty"`
}

// maxID bounds the IDs that other programs give.
const maxID = 100

// NewID makes a sale ID.
func NewID(rand io.Reader) (ID, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("no se pudo numerar la venta: %w", err)
	}
	return ID(hex.EncodeToString(b[:])), nil
}

// IssueOrder issues an order in one transaction: the only way from what is wanted to a legal document. The same ID twice
// is issued once; the second call returns the first one's record. A draft or payment that breaks a rule is refused
// before a folio is touched.
func IssueOrder(d Deps, o Order) (Record, error) {
	if o.ID == "" || len(o.ID) > maxID {
		return Record{}, fmt.Errorf("la venta no tiene identificador, o es de más de %d letras: no se emitió nada", maxID)
	}
	if r, err := d.Journal.Sale(o.ID); !errors.Is(err, ErrNotFound) {
		return r, err
	}
	now := d.Now()
	draft := d.complete(o.Draft, now)
	if err := draft.Validate(); err != nil {
		return Record{}, err
	}
	totals, _, err := draft.Totals()
	if err != nil {
		return Record{}, err
	}
	if err := o.Payment.settles(toPay(totals), draft.Tipo.EsNota()); err != nil {
		return Record{}, err
	}
	return d.Journal.Issue(o.ID, draft.Tipo, now, func(g Grant) (Issued, error) {
		doc, err := dte.Emit(draft, g.Folio, g.CAF, d.Signer, now)
		if err != nil {
			return Issued{}, err
		}
		return Issued{Record: d.record(o, doc, now), Document: doc}, nil
	})
}

// complete fills in what the shop and the day decide.
func (d Deps) complete(draft dte.Draft, now time.Time) dte.Draft {
	if draft.Emisor.RUT == 0 {
		draft.Emisor = d.Shop.Emisor
	}
	if draft.FchEmis.IsZero() {
		draft.FchEmis = dte.DateOf(now)
	}
	return draft
}

func (d Deps) record(o Order, doc *dte.Document, now time.Time) Record {
	lines := o.Lines
	if len(lines) == 0 {
		lines = linesOf(doc)
	}
	return Record{
		ID: o.ID, At: now, Caja: d.Shop.Caja, Key: doc.Key(), Total: toPay(doc.Totales), SHA256: HashXML(doc.XML),
		Lines: lines, Payment: o.Payment, Receptor: doc.Receptor, Returned: o.Returned, Taken: o.Taken, Training: d.Shop.Training(),
		Who: d.Who, Approved: d.Approved,
	}
}

// toPay is what the buyer owes: the total, or with non-billable lines the value to pay.
func toPay(t dte.Totales) money.Pesos {
	if t.MontoNF != 0 {
		return t.VlrPagar
	}
	return t.MntTotal
}

// linesOf are the lines of a record made from a document's.
func linesOf(doc *dte.Document) []Line {
	lines := make([]Line, len(doc.Detalle))
	for i, l := range doc.Detalle {
		lines[i] = Line{Nombre: l.Nombre, Unidad: l.Unidad, Qty: l.Qty, Prc: l.Prc, Exento: l.IndExe == dte.Exento, Total: doc.Montos[i]}
		if len(l.Codigos) > 0 {
			lines[i].Codigo = l.Codigos[0].Valor
		}
	}
	return lines
}

// CreditNote is the order of the note that annuls a document, with a refund that mirrors how it was paid, rounding
// included. The draft is the law's (dte.Annulment); its issuer is filled in from the shop.
func CreditNote(id ID, of *dte.Document, paid Payment, reason string) (Order, error) {
	draft, err := dte.Annulment(of, reason)
	return Order{ID: id, Draft: draft, Payment: refund(paid)}, err
}
