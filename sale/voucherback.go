package sale

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// This file takes back what a card voucher sold. The till issued no document that a credit note could name, so a slip is
// kept; what the SII has of the sale is corrected by the card operator's annulment, or by the accountant.

// Means is how what a card paid is given back.
type Means string

// The means. Some terminals annul whole operations only, or none of another day; the rest goes back in cash, by somebody's word, or
// as a vale.
const (
	ByTerminal Means = ""
	InCash     Means = "efectivo"
)

// voucherDocument is the sale as a document would say it, for what of it is left: the lines, less what the whole was
// discounted.
func voucherDocument(r Record) *dte.Document {
	doc := &dte.Document{Draft: dte.Draft{Tipo: Comprobante, Emisor: dte.Emisor{RUT: r.Key.Emisor}, FchEmis: dte.DateOf(r.At)}, Folio: r.Key.Folio}
	sum := money.Pesos(0)
	for _, l := range r.Lines {
		doc.Detalle = append(doc.Detalle, dte.Linea{Nombre: l.Nombre, Unidad: l.Unidad, Qty: l.Qty, Prc: l.Prc})
		doc.Montos = append(doc.Montos, l.Total)
		sum += l.Total // each is within the total of the sale, which fits
	}
	if sum > r.Total {
		doc.DscRcg = []dte.DscRcgGlobal{{TpoMov: dte.DescuentoGlobal, Monto: sum - r.Total}}
	}
	return doc
}

// slip is what is kept of a return of a sale by voucher.
func (r *Returnable) slip(d Deps, back Return) (Record, error) {
	reason, err := reasonFor(back.Reason)
	if err != nil {
		return Record{}, err
	}
	if _, err := r.quantities(back.Lines); err != nil {
		return Record{}, err
	}
	s := Record{
		ID: back.ID, At: d.Now(), Caja: d.Shop.Caja, Key: dte.Key{Emisor: r.Record.Key.Emisor, Tipo: DevolucionComprobante}, Reason: reason,
		Receptor: r.Record.Receptor, Returned: slices.Clone(back.Lines), Training: d.Shop.Training(), Who: d.Who, Approved: d.Approved,
	}
	for i := range s.Returned {
		l := &s.Returned[i]
		if l.Worth, err = r.takeOut(l.Line, l.Qty); err != nil {
			return Record{}, err
		}
		sold := r.Record.Lines[l.Line-1]
		s.Lines = append(s.Lines, Line{Codigo: sold.Codigo, Nombre: sold.Nombre, Unidad: sold.Unidad, Qty: l.Qty, Prc: sold.Prc, Exento: sold.Exento, Total: l.Worth})
		s.Total += l.Worth
	}
	s.Payment, err = r.voucherRefund(back, s.Total)
	return s, err
}

// voucherRefund is how so much of a sale by voucher goes back.
func (r *Returnable) voucherRefund(back Return, total money.Pesos) (Payment, error) {
	switch {
	case back.AsVale:
		return Payment{Tenders: []Tender{{Method: Vale, Amount: total, Received: total, Reference: NewValeCode(back.ID)}}}, nil
	case back.Means == InCash:
		cash := money.CashPayable(total)
		return Payment{Tenders: []Tender{{Method: Efectivo, Amount: cash, Received: cash}}, Rounding: cash - total}, nil
	case total != r.Record.Total:
		return Payment{}, errors.New("el terminal sólo anula la operación entera. Devuelva esta parte en efectivo o con un vale")
	}
	return refund(r.Record.Payment), nil
}

// keepSlip keeps the return of a sale by voucher. What the cashier annulled at the terminal is noted first, so that it
// pays for nothing any more.
func (r *Returnable) keepSlip(d Deps, back Return) (Record, error) {
	s, err := r.slip(d, back)
	if err != nil {
		return Record{}, err
	}
	if s.Payment, err = d.withCardsBack(back.ID, s.Payment); err != nil {
		return Record{}, err
	}
	if err := cashAtHand(d.Journal, s.Payment); err != nil {
		return Record{}, err
	}
	for _, t := range s.Payment.Tenders {
		if t.Charge == "" {
			continue
		}
		if err := d.Journal.ReleaseCharge(t.Charge, s.At, cmp.Or(s.Who, "caja")+": "+s.Reason); err != nil {
			return Record{}, err
		}
	}
	return d.Journal.KeepSlip(s)
}

// vouchersBack is how far back a sale by voucher is looked for.
const vouchersBack = 400 * 24 * time.Hour

// FindVouchers finds sales by voucher by their number, the operation's number, amount, day, product or customer, newest
// first.
func (r *Register) FindVouchers(text string, limit int) ([]Record, error) {
	now := r.d.Now()
	q := ReadDocumentSearch(text, dte.DateOf(now))
	if q.Empty() {
		return nil, nil
	}
	list, err := r.d.Journal.Vouchers(now.Add(-vouchersBack), now.Add(time.Hour))
	if err != nil {
		return nil, err
	}
	var found []Record
	for _, v := range slices.Backward(list) {
		if len(found) < limit && (q.Holds(v) || v.paidBy(text)) {
			found = append(found, v)
		}
	}
	return found, nil
}

// paidBy reports the number of an operation that paid the sale, with or without its zeros.
func (r Record) paidBy(operation string) bool {
	plain := func(s string) string { return strings.TrimLeft(strings.TrimSpace(s), "0") }
	return plain(operation) != "" && slices.ContainsFunc(r.Payment.Tenders, func(t Tender) bool { return plain(t.Reference) == plain(operation) })
}

// VoucherAt is a sale by voucher by its number.
func VoucherAt(j Journal, key dte.Key) (Record, error) {
	r, err := j.Voucher(key.Folio)
	if err == nil && r.Key != key {
		err = fmt.Errorf("comprobante %s: %w", key.Folio, ErrNotFound)
	}
	return r, err
}
