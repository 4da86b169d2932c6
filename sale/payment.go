package sale

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/terminal"
)

// Method is how a part of a sale is paid.
type Method string

// The means of payment. Only Efectivo is rounded (law 20.956). Tarjeta is a card of which nobody said whether it is of debit
// or credit: sales from before the till asked have it.
const (
	Efectivo      Method = "efectivo"
	Debito        Method = "débito"
	Credito       Method = "crédito"
	Transferencia Method = "transferencia"
	Cheque        Method = "cheque"
	Vale          Method = "vale"
	Fiado         Method = "fiado"
	Tarjeta       Method = "tarjeta"
)

// Methods are the means of payment in the order of the counter.
func Methods() []Method {
	return []Method{Efectivo, Debito, Credito, Transferencia, Cheque, Vale, Fiado, Tarjeta}
}

// Card reports that a card was charged.
func (m Method) Card() bool { return m == Debito || m == Credito || m == Tarjeta }

// Tender is a part of a payment.
type Tender struct {
	Method Method `json:"method"`
	// Amount is what counts towards the sale. For cash it is the rounded amount due, not what was handed over.
	Amount money.Pesos `json:"amount"`
	// Received is what was handed over; only in cash it may exceed Amount.
	Received money.Pesos `json:"received"`
	// Reference is the operation number of a card or transfer, the code of a vale, or the RUT of who owes. Never a card
	// number.
	Reference string `json:"reference,omitempty"`
	// Cuotas are the instalments of a credit card; 0 is not known, or none.
	Cuotas int `json:"cuotas,omitempty"`
	// Cheque is the cheque, of Method Cheque.
	Cheque ChequeData `json:"cheque,omitzero"`
	// Over is who allowed that a customer owes more than he may, of Method Fiado.
	Over string `json:"over,omitempty"`
	// Charge is the charge of the terminal that this is, if the till asked for it.
	Charge string `json:"charge,omitempty"`
	// Refund is the refund of the terminal by which Charge was given back, of a return, and Authorization its code.
	Refund        string `json:"refund,omitempty"`
	Authorization string `json:"authorization,omitempty"`
}

// ChequeData is what is written on a cheque. One with a later date than the sale's is «a fecha».
type ChequeData struct {
	Banco  string   `json:"banco"`
	Numero string   `json:"numero"`
	Fecha  dte.Date `json:"fecha"`
}

// Payment is how a sale was paid. The sum of Tenders' amounts is Total + Rounding.
type Payment struct {
	Tenders []Tender `json:"tenders"`
	// Rounding is what the cash part was rounded by: negative in the buyer's favour (1.235 in cash: −5).
	Rounding money.Pesos `json:"rounding,omitempty"`
	Change   money.Pesos `json:"change,omitempty"`
	// Unpaid says why there are no tenders, where that was decided at the counter.
	Unpaid Unpaid `json:"unpaid,omitempty"`
}

// by is what a payment has of a method and, if it says one, of a reference.
func (p Payment) by(m Method, reference string) (sum money.Pesos) {
	for _, t := range p.Tenders {
		if t.Method == m && (reference == "" || t.Reference == reference) {
			sum += t.Amount // each is within the total, which fits
		}
	}
	return sum
}

// Limits of what is written about a payment.
const (
	maxReference = 40
	maxCuotas    = 48
)

// check refuses what cannot be kept about a tender: nobody may write a card's number here.
func (t Tender) check() error {
	text := strings.Join([]string{t.Reference, t.Cheque.Numero, t.Cheque.Banco}, " | ")
	switch {
	case !slices.Contains(Methods(), t.Method):
		return fmt.Errorf("%w: el medio de pago «%s» no existe", ErrPayment, t.Method)
	case terminal.LooksLikeCard(text):
		return fmt.Errorf("%w: eso parece un número de tarjeta, y va el de la operación", ErrPayment)
	case len(text) > 3*maxReference:
		return fmt.Errorf("%w: la referencia es demasiado larga", ErrPayment)
	case t.Cuotas < 0 || t.Cuotas > maxCuotas || t.Cuotas > 0 && t.Method != Credito:
		return fmt.Errorf("%w: las cuotas van de 1 a %d, y sólo con tarjeta de crédito", ErrPayment, maxCuotas)
	case t.Method == Cheque:
		return t.Cheque.check()
	case t.Method == Vale && t.Reference == "":
		return fmt.Errorf("%w: falta el código del vale", ErrPayment)
	case t.Method == Fiado && t.Reference == "":
		return fmt.Errorf("%w: falta a quién se fía", ErrPayment)
	}
	return nil
}

func (c ChequeData) check() error {
	switch {
	case strings.TrimSpace(c.Banco) == "":
		return fmt.Errorf("%w: falta el banco del cheque", ErrPayment)
	case c.Numero == "" || strings.Trim(c.Numero, "0123456789") != "":
		return fmt.Errorf("%w: falta el número del cheque, que tiene sólo cifras", ErrPayment)
	case c.Fecha.IsZero():
		return fmt.Errorf("%w: falta la fecha del cheque", ErrPayment)
	}
	return nil
}

// aFecha reports a cheque that may be cashed on a later day only.
func (c ChequeData) aFecha(day dte.Date) bool { return day.Before(c.Fecha) }

// Tender adds a part of the payment. For cash, received may exceed what is due and gives change; 0 means exactly what is
// due, rounded to tens by law 20.956. For the others it may not exceed what is due; 0 means all of it; reference is the
// operation number, or the code of a vale.
func (r *Register) Tender(m Method, received money.Pesos, reference string) error {
	return r.Pay(Tender{Method: m, Received: received, Reference: reference})
}

// Pay is Tender with all that there is to say of it; its Amount is worked out here.
func (r *Register) Pay(t Tender) error { return safePay(r.pay(t), t.Method) }

func (r *Register) pay(t Tender) error {
	total, err := r.total()
	if err != nil {
		return err
	}
	due := r.due(total)
	switch {
	case r.stage != Paying:
		return errNotPaying
	case r.payment.Unpaid != "":
		return fmt.Errorf("%w: este documento se emite sin pago", ErrPayment)
	case due == 0 && len(r.payment.Tenders) > 0:
		return fmt.Errorf("%w: la venta ya está pagada", ErrPayment)
	case t.Received < 0:
		return fmt.Errorf("%w: el monto no puede ser negativo", ErrPayment)
	case len(r.payment.Tenders) == maxTenders:
		return fmt.Errorf("%w: caben %d medios de pago", ErrPayment, maxTenders)
	}
	if err := cmp.Or(r.sure(), r.needsFolio(t.Method)); err != nil {
		return err
	}
	if t.Method == Efectivo {
		return r.cash(due, t.Received)
	}
	if t = t.tidy(r.d.Now()); t.Method == Fiado {
		rut := r.cart.Receptor.RUT
		if rut == 0 || rut == dte.RUTAnonimo {
			return fmt.Errorf("%w: para fiar, la venta necesita un cliente con RUT. Vuelva y elíjalo", ErrPayment)
		}
		t.Reference = rut.String()
	}
	if err := t.check(); err != nil {
		return err
	}
	t.Over = ""
	room, err := r.room(t, due)
	if t.Method == Fiado && r.staffed() {
		room, err = r.overLimit(&t, due, room, err)
	}
	if err != nil {
		return err
	}
	return r.exact(t, due, room)
}

// tidy writes a tender as it is kept; a cheque without date is of the day.
func (t Tender) tidy(now time.Time) Tender {
	t.Reference = strings.Join(strings.Fields(t.Reference), " ")
	if t.Method == Vale {
		t.Reference = ValeCode(t.Reference)
	}
	if t.Method != Cheque {
		t.Cheque = ChequeData{}
		return t
	}
	t.Cheque.Banco = dte.Normalize(t.Cheque.Banco)
	t.Cheque.Numero = strings.TrimSpace(t.Cheque.Numero)
	if t.Cheque.Fecha.IsZero() {
		t.Cheque.Fecha = dte.DateOf(now)
	}
	return t
}

// room is how much may be paid with a tender: what a vale has left, what a customer may still owe, or all that is due.
func (r *Register) room(t Tender, due money.Pesos) (money.Pesos, error) {
	switch t.Method {
	case Vale:
		m, err := r.d.Journal.Account(ValeAccount(t.Reference))
		if err != nil {
			return 0, err
		}
		if m.N == 0 {
			return 0, errNoVale(t.Reference)
		}
		left := m.Balance - r.payment.by(Vale, t.Reference)
		if left <= 0 {
			return 0, fmt.Errorf("%w: al vale %s no le queda saldo. Nada se cobró con él", ErrPayment, t.Reference)
		}
		return min(due, left), nil
	case Fiado:
		return r.credit(due)
	}
	return due, nil
}

// credit is how much more the sale's customer may owe.
func (r *Register) credit(due money.Pesos) (money.Pesos, error) {
	rut := r.cart.Receptor.RUT
	m, err := r.d.Journal.Account(CreditAccount(rut))
	if err != nil {
		return 0, err
	}
	left := max(0, m.Limit-m.Owes()-r.payment.by(Fiado, ""))
	if left == 0 {
		return 0, errOverLimit(rut, m)
	}
	return min(due, left), nil
}

// overLimit lets a customer owe more than his limit if somebody who may says so. To one without a limit nobody lends.
func (r *Register) overLimit(t *Tender, due, room money.Pesos, refused error) (money.Pesos, error) {
	wanted := cmp.Or(t.Received, due)
	if refused == nil && wanted <= room || wanted > due {
		return room, refused
	}
	rut := r.cart.Receptor.RUT
	m, err := r.d.Journal.Account(CreditAccount(rut))
	if err != nil || m.Limit == 0 {
		return room, cmp.Or(err, refused)
	}
	what := fmt.Sprintf("%s debe $%s, su cupo es de $%s y se le fían $%s", rut.Dotted(), m.Owes()+r.payment.by(Fiado, ""), m.Limit, wanted)
	if err := r.May(Ask{Right: MayOverLimit, What: what}); err != nil {
		return 0, err
	}
	t.Over = cmp.Or(r.d.Approved, r.d.Who)
	return due, nil
}

func (r *Register) cash(due, received money.Pesos) error {
	payable := money.CashPayable(due)
	if received == 0 {
		received = payable
	}
	if received%10 != 0 {
		return fmt.Errorf("%w: en efectivo no hay monedas de menos de $10", ErrPayment)
	}
	t := Tender{Method: Efectivo, Amount: received, Received: received}
	if received >= payable {
		t.Amount = payable
		r.payment.Rounding += payable - due
		r.payment.Change = received - payable
	}
	r.payment.Tenders = append(r.payment.Tenders, t)
	return nil
}

// exact adds a tender that gives no change. Without an amount a vale pays what it has left; a customer's credit must carry
// all that is due, or the cashier says how much.
func (r *Register) exact(t Tender, due, room money.Pesos) error {
	if t.Received == 0 {
		t.Received = due
		if t.Method == Vale {
			t.Received = room
		}
	}
	switch {
	case t.Received > due:
		return fmt.Errorf("%w: con %s no se puede pagar más que los $%s que faltan", ErrPayment, t.Method, due)
	case t.Received > room && t.Method == Vale:
		return fmt.Errorf("%w: al vale %s le quedan $%s. Nada se cobró con él", ErrPayment, t.Reference, room)
	case t.Received > room:
		return fmt.Errorf("%w: a este cliente se le pueden fiar $%s más. Cobre el resto de otra manera", ErrPayment, room)
	}
	t.Amount = t.Received
	r.payment.Tenders = append(r.payment.Tenders, t)
	return nil
}

// formaPago is what a factura says of its payment: on the spot, or on credit as soon as a part of it is owed.
func formaPago(p Payment) int {
	if p.by(Fiado, "") > 0 {
		return 2
	}
	return 1
}

// medioPago is the SII's code of a factura's means of payment, where all of it has one and the same. Debit cards, vales
// and mixtures have none that is certain.
func medioPago(p Payment, day dte.Date) string {
	code := ""
	for i, t := range p.Tenders {
		c := t.medioPago(day)
		if i > 0 && c != code {
			return ""
		}
		code = c
	}
	return code
}

func (t Tender) medioPago(day dte.Date) string {
	switch t.Method {
	case Efectivo:
		return "EF"
	case Transferencia:
		return "PE"
	case Credito:
		return "TC"
	case Cheque:
		if t.Cheque.aFecha(day) {
			return "CF"
		}
		return "CH"
	}
	return ""
}

// settles checks a payment against what is due. A document on credit, or a note whose refund is settled elsewhere, has
// no tenders at all. The cash of a refund, or the vale in its place, is rounded together with what was given back before:
// to tens, and by less than ten.
func (p Payment) settles(due money.Pesos, refund bool) error {
	if p.Unpaid != "" && len(p.Tenders) > 0 {
		return fmt.Errorf("%w: dice que no se paga y trae medios de pago", ErrPayment)
	}
	if len(p.Tenders) == 0 {
		if p.Rounding != 0 || p.Change != 0 {
			return fmt.Errorf("%w: trae redondeo o vuelto sin medios de pago", ErrPayment)
		}
		return nil
	}
	paid, received, err := p.sums()
	if err != nil {
		return err
	}
	inCash := slices.ContainsFunc(p.Tenders, func(t Tender) bool { return t.Method == Efectivo })
	asVale := slices.ContainsFunc(p.Tenders, func(t Tender) bool { return t.Method == Vale })
	switch cash := p.by(Efectivo, ""); {
	case cash%10 != 0:
		return fmt.Errorf("%w: en efectivo no hay monedas de menos de $10 y se pagan $%s", ErrPayment, cash)
	case received-paid != p.Change:
		return fmt.Errorf("%w: sobran $%s y el vuelto dice $%s", ErrPayment, received-paid, p.Change)
	case paid != due+p.Rounding:
		return fmt.Errorf("%w: se debe $%s y se pagan $%s", ErrPayment, due+p.Rounding, paid)
	case refund && (inCash || asVale) && p.Rounding > -10 && p.Rounding < 10:
	case p.Rounding != 0 && (!inCash || money.CashPayable(cash-p.Rounding) != cash):
		return fmt.Errorf("%w: el redondeo de $%s no es el de la Ley 20.956", ErrPayment, p.Rounding)
	}
	return nil
}

// sums are what was paid and what was handed over.
func (p Payment) sums() (paid, received money.Pesos, err error) {
	for _, t := range p.Tenders {
		if err := t.check(); err != nil {
			return 0, 0, err
		}
		if t.Amount < 0 || t.Received < t.Amount || t.Method != Efectivo && t.Received != t.Amount {
			return 0, 0, fmt.Errorf("%w: %s por $%s y recibidos $%s", ErrPayment, t.Method, t.Amount, t.Received)
		}
		var paidErr, receivedErr error
		paid, paidErr = paid.Add(t.Amount)
		received, receivedErr = received.Add(t.Received)
		if err := cmp.Or(paidErr, receivedErr); err != nil {
			return 0, 0, err
		}
	}
	return paid, received, nil
}

// refund gives back what was received, no more: the change stayed with the buyer.
func refund(paid Payment) Payment {
	back := Payment{Rounding: paid.Rounding}
	for _, t := range paid.Tenders {
		t.Received = t.Amount
		back.Tenders = append(back.Tenders, t)
	}
	return back
}
