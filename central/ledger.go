package central

import (
	"crypto/sha256"
	"time"

	"github.com/jackc/pgx/v5"

	"mostrador/dte"
	"mostrador/money"
)

// AccountPayment is money that a customer paid on account.
type AccountPayment struct {
	ID       int64
	MethodID int64
	Code     string
	// Amount is what the account went down by; cash in the drawer differs from it by the rounding.
	Amount, Rounding money.Pesos
	Transaction      string
	ShiftID          *int64
	CreatedAt        time.Time
	// Balance is what the customer owes now.
	Balance money.Pesos
}

// NewAccountPayment is a payment that a customer wants to make.
type NewAccountPayment struct {
	Customer dte.RUT
	Tender
	// As in NewSale.
	Key     string
	Request [sha256.Size]byte
}

// PayAccount takes what a customer pays of what they owe, and no more. The same key again returns the first payment.
func (c *Call) PayAccount(n NewAccountPayment) (AccountPayment, error) {
	if known, err := c.once(n.Key, n.Request); err != nil || known != 0 {
		if err != nil {
			return AccountPayment{}, err
		}
		return c.accountPayment(known)
	}
	paid, err := c.takeOnAccount(n.Customer, n.Tender)
	if err != nil || n.Key == "" {
		return paid, err
	}
	_, err = c.tx.Exec(c.ctx, "update idempotency set payment_id = $2 where key = $1", n.Key, paid.ID)
	return paid, err
}

func (c *Call) takeOnAccount(rut dte.RUT, t Tender) (AccountPayment, error) {
	// The drawer before the customer, as in a sale: who closes the drawer stands between the two.
	if _, err := c.heldShift(); err != nil {
		return AccountPayment{}, err
	}
	customer, err := c.lockCustomer(rut)
	if err != nil {
		return AccountPayment{}, err
	}
	paid, err := c.receive(t)
	if err != nil {
		return paid, err
	}
	if t.Amount > customer.Balance {
		return paid, refuse(Conflict, "%s debe %s: no se pueden recibir %s", customer.RazonSocial, amount(customer.Balance), amount(t.Amount))
	}
	kept := t.Amount + paid.Rounding
	err = c.tx.QueryRow(c.ctx, `insert into payment (customer_id, method_id, shift_id, tendered, rounding, kept, owed, transaction_code, created_at)
		values ($1, $2, $3, $4, $5, $4, $6, $7, $8) returning id`, customer.ID, t.MethodID, paid.ShiftID, kept, paid.Rounding, -t.Amount, t.Code, c.now).Scan(&paid.ID)
	if err != nil {
		return paid, err
	}
	err = c.tx.QueryRow(c.ctx, "update customer set balance = balance - $2, updated_at = $3 where id = $1 returning balance", customer.ID, t.Amount, c.now).
		Scan(&paid.Balance)
	return paid, err
}

func (c *Call) lockCustomer(rut dte.RUT) (Customer, error) {
	rows, err := c.tx.Query(c.ctx, selectCustomer+" where rut = $1 for no key update", int32(rut))
	if err != nil {
		return Customer{}, err
	}
	customer, err := pgx.CollectExactlyOneRow(rows, scanCustomer)
	if errNoRow(err) {
		err = refuse(NotFound, "No se encontró un cliente con RUT %s", rut)
	}
	return customer, err
}

// receive says how an amount comes in: cash is rounded and needs the caller's drawer.
func (c *Call) receive(t Tender) (AccountPayment, error) {
	paid := AccountPayment{MethodID: t.MethodID, Amount: t.Amount, Transaction: t.Code, CreatedAt: c.now}
	codes, err := c.methods()
	if err != nil {
		return paid, err
	}
	var ok bool
	paid.Code, ok = codes[t.MethodID]
	switch {
	case !ok:
		return paid, refuse(NotFound, "Medio de pago ID %d no encontrado", t.MethodID)
	case paid.Code == CreditoInterno:
		return paid, refuse(Unprocessable, "Una deuda no se paga con crédito interno")
	case paid.Code == Efectivo:
		paid.Rounding = money.CashPayable(t.Amount) - t.Amount
		paid.ShiftID, err = c.needShift()
	default:
		paid.ShiftID, err = c.heldShift()
	}
	return paid, err
}

// AccountPayments of a customer, the newest first.
func (c *Call) AccountPayments(rut dte.RUT, p Page, d Days) ([]AccountPayment, error) {
	customer, err := c.Customer(rut)
	if err != nil {
		return nil, err
	}
	from, to := d.moments()
	return c.accountPayments(`p.customer_id = $1 and p.owed < 0 and p.sale_id is null
		and ($2::timestamptz is null or p.created_at >= $2) and ($3::timestamptz is null or p.created_at < $3)
		order by p.id desc offset $4 limit $5`, customer.ID, from, to, p.Skip, p.limit())
}

func (c *Call) accountPayment(id int64) (AccountPayment, error) {
	list, err := c.accountPayments("p.id = $1", id)
	if err != nil || len(list) == 0 {
		return AccountPayment{}, err
	}
	return list[0], nil
}

func (c *Call) accountPayments(where string, args ...any) ([]AccountPayment, error) {
	rows, err := c.tx.Query(c.ctx, `select p.id, p.method_id, m.code, -p.owed, p.rounding, p.transaction_code, p.shift_id, p.created_at, k.balance
		from payment p join payment_method m on m.id = p.method_id join customer k on k.id = p.customer_id where `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[AccountPayment])
}

// Statement is a customer's account.
type Statement struct {
	Customer Customer
	Limit    money.Pesos
	// Moves in their order, with what was owed after each.
	Moves []AccountMove
	// What is owed by when it fell due: not yet, up to 30 days ago, up to 60, up to 90, longer. Payments settle the oldest
	// debt first. Below zero nothing is owed and the first holds what the shop owes.
	Ages [5]money.Pesos
}

// AccountMove is a charge, or a payment if the amount is negative.
type AccountMove struct {
	At      time.Time
	SaleID  *int64
	Tipo    *dte.TipoDTE
	Folio   *int64
	Due     *time.Time
	Code    string
	Amount  money.Pesos
	Balance money.Pesos
}

// StatementOf is a customer's.
func (c *Call) StatementOf(rut dte.RUT) (Statement, error) {
	customer, err := c.Customer(rut)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{Customer: customer, Moves: []AccountMove{}}
	if err := c.tx.QueryRow(c.ctx, "select coalesce($1, credit_limit) from settings", customer.CreditLimit).Scan(&s.Limit); err != nil {
		return s, err
	}
	rows, err := c.tx.Query(c.ctx, `select p.created_at, p.sale_id, s.tipo, s.folio, s.due_date, m.code, p.owed,
			(sum(p.owed) over (order by p.id))::bigint
		from payment p join payment_method m on m.id = p.method_id left join sale s on s.id = p.sale_id
		where p.customer_id = $1 and p.owed <> 0 order by p.id`, customer.ID)
	if err != nil {
		return s, err
	}
	s.Moves, err = pgx.CollectRows(rows, pgx.RowToStructByPos[AccountMove])
	s.age(dte.DateOf(c.now))
	return s, err
}

// age lets the payments settle the charges, the oldest first, and puts what is left of each where it belongs by its age.
func (s *Statement) age(today dte.Date) {
	var paid money.Pesos
	for _, m := range s.Moves {
		paid -= min(m.Amount, 0)
	}
	for _, m := range s.Moves {
		if m.Amount <= 0 {
			continue
		}
		settled := min(paid, m.Amount)
		paid -= settled
		s.Ages[ageOf(m, today)] += m.Amount - settled
	}
	s.Ages[0] -= paid
}

func ageOf(m AccountMove, today dte.Date) int {
	due := dte.DateOf(m.At)
	if m.Due != nil {
		due = dayOf(*m.Due)
	}
	if late := due.DaysUntil(today); late > 0 {
		return min(1+(late-1)/30, 4)
	}
	return 0
}
