package sale

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"mostrador/dte"
	"mostrador/money"
)

// ReturnedLine is a part of a document that came back over the counter: for money, or for something else.
type ReturnedLine struct {
	Of   dte.Key   `json:"of"`
	Line int       `json:"line"` // from 1, in the document
	Qty  money.Qty `json:"qty"`
	// Restock: the goods go back to the shelf; otherwise they are lost.
	Restock bool `json:"restock,omitempty"`
	// Worth is what was paid for it; filled in where it is exchanged.
	Worth money.Pesos `json:"worth,omitempty"`
}

// Against is what was done to a document after its issue.
type Against struct {
	// Notes that correct or annul it, but for those that the SII refused.
	Notes []*dte.Document
	// Exchanged are its parts that came back without a note that lists them: for something else, or on a slip.
	Exchanged []Exchanged
}

// Exchanged is a part of a document that came back, and with which other document or slip.
type Exchanged struct {
	ReturnedLine
	By dte.Key
}

// AddSwap counts what an exchange or a slip took back of a document.
func (a *Against) AddSwap(by Record, of dte.Key) {
	if !by.Swaps() {
		return
	}
	for _, l := range by.Returned {
		if l.Of == of {
			a.Exchanged = append(a.Exchanged, Exchanged{l, by.Key})
		}
	}
}

// Returnable is an issued document and what of it may still come back.
type Returnable struct {
	Document *dte.Document
	Record   Record

	against Against
	left    *dte.Left
}

// OpenReturn looks a document up for a return. ErrNotFound if this till did not issue it.
func OpenReturn(j Journal, key dte.Key) (*Returnable, error) {
	if key.Tipo == Comprobante {
		return openVoucher(j, key)
	}
	xml, record, err := j.Document(key)
	if err != nil {
		return nil, err
	}
	if key.Tipo.EsNota() || key.Tipo == dte.GuiaDespacho {
		return nil, fmt.Errorf("%s no se devuelve en el mostrador. Nada cambió", key.Tipo)
	}
	r := &Returnable{Record: record}
	if r.Document, err = dte.Parse(xml); err != nil {
		return nil, err
	}
	return r, r.subtract(j)
}

// openVoucher looks a sale by voucher up, which has no document.
func openVoucher(j Journal, key dte.Key) (*Returnable, error) {
	record, err := VoucherAt(j, key)
	if err != nil {
		return nil, err
	}
	r := &Returnable{Record: record, Document: voucherDocument(record)}
	return r, r.subtract(j)
}

// subtract takes away what came back before.
func (r *Returnable) subtract(j Journal) (err error) {
	if r.against, err = j.Against(r.Record.Key); err != nil {
		return err
	}
	if r.against.Exchanged, err = standing(j, r.against.Exchanged); err != nil {
		return err
	}
	if r.left, err = dte.LeftOf(r.Document, r.against.Notes); err != nil {
		return err
	}
	for _, e := range r.against.Exchanged {
		if err := r.left.Take(e.Line, e.Qty); err != nil {
			return err
		}
	}
	return nil
}

// standing leaves out what came back with a boleta that was annulled since: that exchange was undone.
func standing(j Journal, list []Exchanged) (stand []Exchanged, err error) {
	for _, e := range list {
		undone, err := annulled(j, e.By)
		if err != nil {
			return nil, err
		}
		if !undone {
			stand = append(stand, e)
		}
	}
	return stand, nil
}

func annulled(j Journal, key dte.Key) (bool, error) {
	if !key.Tipo.EsBoleta() {
		return false, nil
	}
	a, err := j.Against(key)
	return slices.ContainsFunc(a.Notes, func(note *dte.Document) bool {
		return slices.ContainsFunc(note.Referencia, func(ref dte.Referencia) bool { return ref.CodRef == dte.Anula })
	}), err
}

// Left is how much of line n (from 1) may still come back.
func (r *Returnable) Left(n int) money.Qty { return r.left.Qty(n) }

// Worth is what was paid for so much of line n, discounts included.
func (r *Returnable) Worth(n int, q money.Qty) (money.Pesos, error) { return r.left.Worth(n, q) }

// Return is what a customer brings back, and why.
type Return struct {
	ID     ID             `json:"id"`
	Lines  []ReturnedLine `json:"lines"` // all of one document
	Reason string         `json:"reason"`
	// AsVale: what would be given back in cash is given as a vale.
	AsVale bool `json:"asVale,omitempty"`
	// Means is how what a card paid is given back.
	Means Means `json:"means,omitempty"`
	// At and Approved are when it was asked of the terminal and who allowed it, while it waits for that.
	At       time.Time `json:"at,omitzero"`
	Approved string    `json:"approved,omitempty"`
}

// order is the credit note of a return, with the refund that mirrors how the sale was paid.
func (r *Returnable) order(d Deps, back Return) (Order, error) {
	reason, err := reasonFor(back.Reason)
	if err != nil {
		return Order{}, err
	}
	quantities, err := r.quantities(back.Lines)
	if err != nil {
		return Order{}, err
	}
	draft, err := r.note(quantities, reason)
	if err != nil {
		return Order{}, err
	}
	totals, _, err := d.complete(draft, d.Now()).Totals()
	if err != nil {
		return Order{}, err
	}
	payment := r.refund(toPay(totals))
	if back.Means == InCash {
		payment = payment.inCash(toPay(totals))
	}
	if back.AsVale {
		payment = payment.asVale(NewValeCode(back.ID))
	}
	return Order{ID: back.ID, Draft: draft, Payment: payment, Returned: back.Lines}, nil
}

// reasonFor is why goods come back, in the cashier's words.
func reasonFor(text string) (string, error) {
	reason, err := words(text, "el motivo")
	if err == nil && reason == "" {
		err = errors.New("diga por qué se devuelve")
	}
	return reason, err
}

// note annuls a document that comes back whole, and otherwise corrects its amounts. The boleta of an exchange says the
// difference only, so that its parts have no worth of their own.
func (r *Returnable) note(quantities map[int]money.Qty, reason string) (dte.Draft, error) {
	whole := len(quantities) == len(r.Document.Detalle) && len(r.against.Notes)+len(r.against.Exchanged) == 0
	for n, q := range quantities {
		whole = whole && q == r.Left(n)
	}
	if whole {
		return dte.Annulment(r.Document, reason)
	}
	if len(r.Record.Returned) > 0 {
		return dte.Draft{}, errSwapped(r.Record)
	}
	return r.left.Return(quantities, reason)
}

func (r *Returnable) quantities(lines []ReturnedLine) (map[int]money.Qty, error) {
	quantities := map[int]money.Qty{}
	for _, l := range lines {
		if l.Of != r.Record.Key || quantities[l.Line] != 0 {
			return nil, fmt.Errorf("la línea %d no se puede devolver así: es de otro documento o está dos veces", l.Line)
		}
		quantities[l.Line] = l.Qty
	}
	return quantities, nil
}

// refund gives back what was received for what came back: the difference between what all returns up to now and all
// before are worth. So parts of a sale give back, together, the very cash that was handed over, rounding included. Cards
// and transfers come before cash. A sale on credit, without tenders, gives nothing back. What came
// back for other goods counts in full, and the money first: to the card before it is cash.
func (r *Returnable) refund(amount money.Pesos) Payment {
	before := money.Pesos(0)
	for _, note := range r.against.Notes {
		before += toPay(note.Totales)
	}
	for _, e := range r.against.Exchanged {
		before += e.Worth
	}
	earlier, now := r.backFor(before), r.backFor(before+amount)
	p := Payment{}
	paid := money.Pesos(0)
	for i, t := range now {
		if t.Amount -= earlier[i].Amount; t.Amount > 0 {
			t.Received = t.Amount
			p.Tenders = append(p.Tenders, t)
			paid += t.Amount
		}
	}
	if len(p.Tenders) > 0 {
		p.Rounding = paid - amount
	}
	return p
}

// asVale gives a vale in the place of cash, worth what the cash would have been.
func (p Payment) asVale(code string) Payment {
	p.Tenders = slices.Clone(p.Tenders)
	for i, t := range p.Tenders {
		if t.Method == Efectivo {
			p.Tenders[i] = Tender{Method: Vale, Amount: t.Amount, Received: t.Amount, Reference: code}
		}
	}
	return p
}

// backFor is what each tender of the sale gives back when so much of it was returned: what is owed first, cash last.
func (r *Returnable) backFor(returned money.Pesos) []Tender {
	back := make([]Tender, 0, len(r.Record.Payment.Tenders))
	total, left := r.Record.Total, returned
	cash := money.Pesos(0)
	tenders := slices.Clone(r.Record.Payment.Tenders)
	slices.SortStableFunc(tenders, func(a, b Tender) int { return cmp.Compare(a.owed(), b.owed()) })
	for _, t := range tenders {
		if t.Method == Efectivo {
			cash += t.Amount
			continue
		}
		t.Amount = min(t.Amount, left)
		left -= t.Amount
		back = append(back, t)
	}
	if cash == 0 {
		return back
	}
	if returned < total {
		cash = min(cash, money.CashPayable(left))
	}
	return append(back, Tender{Method: Efectivo, Amount: cash})
}

// owed is 0 for what was never paid, and 1 otherwise.
func (t Tender) owed() int {
	if t.Method == Fiado {
		return 0
	}
	return 1
}

var errNothingBack = errors.New("elija qué se devuelve")

// TakeBack issues the credit note of a return: stock and cash follow it. The same ID twice is one return.
func TakeBack(d Deps, back Return) (Record, error) {
	if len(back.Lines) == 0 {
		return Record{}, errNothingBack
	}
	if done, err := d.Journal.Sale(back.ID); !errors.Is(err, ErrNotFound) {
		return done, err
	}
	r, err := OpenReturn(d.Journal, back.Lines[0].Of)
	if err != nil {
		return Record{}, err
	}
	if r.Record.Key.Tipo == Comprobante {
		return r.keepSlip(d, back)
	}
	order, err := r.order(d, back)
	if err != nil {
		return Record{}, err
	}
	if order.Payment, err = d.withCardsBack(back.ID, order.Payment); err != nil {
		return Record{}, err
	}
	if err := cashAtHand(d.Journal, order.Payment); err != nil {
		return Record{}, err
	}
	return IssueOrder(d, order)
}

// PlanReturn is what TakeBack would do: the draft of the note and the refund, for the screen.
func PlanReturn(d Deps, back Return) (total money.Pesos, refund Payment, err error) {
	if len(back.Lines) == 0 {
		return 0, Payment{}, nil
	}
	r, err := OpenReturn(d.Journal, back.Lines[0].Of)
	if err != nil {
		return 0, Payment{}, err
	}
	if r.Record.Key.Tipo == Comprobante {
		s, err := r.slip(d, back)
		return s.Total, s.Payment, err
	}
	order, err := r.order(d, back)
	if err != nil {
		return 0, Payment{}, err
	}
	totals, _, err := d.complete(order.Draft, d.Now()).Totals()
	return toPay(totals), order.Payment, err
}

// cashAtHand refuses a refund in cash that the open shift does not have.
func cashAtHand(j Journal, p Payment) error {
	shift, err := j.CurrentShift()
	if err != nil || !shift.Open() {
		return err
	}
	for _, t := range p.Tenders {
		if t.Method == Efectivo && t.Amount > shift.Expected() {
			return fmt.Errorf("en la caja debe haber $%s y la devolución es de $%s en efectivo. No se emitió nada", shift.Expected(), t.Amount)
		}
	}
	return nil
}

// stamp is the beginning of what a scanner reads from the PDF417 of a document.
var stamp = regexp.MustCompile(`<RE>\s*([0-9]{1,8}-[0-9Kk])\s*</RE>\s*<TD>\s*([0-9]{1,3})\s*</TD>\s*<F>\s*([0-9]{1,10})\s*</F>`)

// ReadStamp finds the document in what a scanner read from its stamp, whole or only its beginning.
func ReadStamp(text string) (dte.Key, bool) {
	m := stamp.FindStringSubmatch(text)
	if m == nil {
		return dte.Key{}, false
	}
	rut, rutErr := dte.ParseRUT(m[1])
	tipo, tipoErr := strconv.Atoi(m[2])
	folio, folioErr := strconv.ParseInt(m[3], 10, 64)
	return dte.Key{Emisor: rut, Tipo: dte.TipoDTE(tipo), Folio: dte.Folio(folio)}, errors.Join(rutErr, tipoErr, folioErr) == nil
}

// OpenReturn looks a document of this till up, to take something of it back, and gives the return its ID. One that the terminal
// has paid back, and that has no note yet, is that return again.
func (r *Register) OpenReturn(key dte.Key) (*Returnable, Return, error) {
	if key.Emisor != r.d.Shop.Emisor.RUT {
		return nil, Return{}, fmt.Errorf("ese documento es de otra empresa (RUT %s). Nada cambió", key.Emisor.Dotted())
	}
	of, err := OpenReturn(r.d.Journal, key)
	if err != nil {
		return nil, Return{}, err
	}
	back, open, err := openReturnOf(r.d.Journal, key)
	if err == nil && !open {
		back = Return{}
		back.ID, err = NewID(r.d.Rand)
	}
	return of, back, err
}

// PlanReturn is what TakeBack would pay back, and how.
func (r *Register) PlanReturn(back Return) (money.Pesos, Payment, error) {
	return PlanReturn(r.d, back)
}

// TakeBack issues the credit note of a return. The open sale is not touched.
func (r *Register) TakeBack(back Return) (Record, error) {
	kept, err := r.mayTakeBack(back)
	if err != nil {
		return Record{}, err
	}
	d := r.d
	d.Approved = cmp.Or(d.Approved, kept.Approved)
	return TakeBack(d, back)
}
