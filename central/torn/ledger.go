package torn

import (
	"time"

	"mostrador/central"
	"mostrador/dte"
	"mostrador/money"
)

type accountPaymentOut struct {
	ID              int64    `json:"id"`
	PaymentMethodID int64    `json:"payment_method_id"`
	Code            string   `json:"code"`
	Amount          Pesos    `json:"amount"`
	Redondeo        Pesos    `json:"redondeo"`
	TransactionCode string   `json:"transaction_code"`
	SessionID       *int64   `json:"session_id"`
	CreatedAt       Instante `json:"created_at"`
	CurrentBalance  Pesos    `json:"current_balance"`
}

func accountPaymentOf(p central.AccountPayment) accountPaymentOut {
	return accountPaymentOut{
		p.ID, p.MethodID, p.Code, Pesos(p.Amount), Pesos(p.Rounding), p.Transaction, p.ShiftID, Instante(p.CreatedAt), Pesos(p.Balance),
	}
}

func payAccount(c *central.Call, in struct {
	RUT  RUT    `path:"rut"`
	Key  string `header:"Idempotency-Key" maxLength:"256"`
	Body struct {
		PaymentMethodID int64       `json:"payment_method_id" required:"true"`
		Amount          Pesos       `json:"amount" required:"true" minimum:"1" maximum:"999999999999"`
		TransactionCode Opt[string] `json:"transaction_code" maxLength:"100"`
	}
},
) (accountPaymentOut, error) {
	b := in.Body
	payment := central.NewAccountPayment{
		Customer: dte.RUT(in.RUT), Key: in.Key,
		Tender: central.Tender{MethodID: b.PaymentMethodID, Amount: money.Pesos(b.Amount), Code: b.TransactionCode.Or("")},
	}
	payment.Request = fingerprint([]any{"pagos", in.RUT, b})
	made, err := c.PayAccount(payment)
	return accountPaymentOf(made), err
}

func accountPayments(c *central.Call, in struct {
	RUT RUT `path:"rut"`
	pageQuery
	daysQuery
},
) ([]accountPaymentOut, error) {
	list, err := c.AccountPayments(dte.RUT(in.RUT), in.page(), in.days())
	out := make([]accountPaymentOut, len(list))
	for i, p := range list {
		out[i] = accountPaymentOf(p)
	}
	return out, err
}

type accountMoveOut struct {
	Fecha       Instante     `json:"fecha"`
	Tipo        string       `json:"tipo" doc:"CARGO o ABONO"`
	SaleID      *int64       `json:"sale_id"`
	TipoDTE     *dte.TipoDTE `json:"tipo_dte"`
	Folio       *int64       `json:"folio"`
	Medio       string       `json:"medio"`
	Vencimiento Fecha        `json:"fecha_vencimiento"`
	Monto       Pesos        `json:"monto"`
	Saldo       Pesos        `json:"saldo"`
}

type agesOut struct {
	PorVencer Pesos `json:"por_vencer"`
	Hasta30   Pesos `json:"vencido_1_30"`
	Hasta60   Pesos `json:"vencido_31_60"`
	Hasta90   Pesos `json:"vencido_61_90"`
	Mas90     Pesos `json:"vencido_mas_90"`
}

type statementOut struct {
	Customer      customerOut      `json:"customer"`
	Saldo         Pesos            `json:"saldo"`
	LimiteCredito Pesos            `json:"limite_credito"`
	Disponible    Pesos            `json:"disponible"`
	Antiguedad    agesOut          `json:"antiguedad"`
	Movimientos   []accountMoveOut `json:"movimientos"`
}

func statement(c *central.Call, in customerIn) (statementOut, error) {
	s, err := c.StatementOf(dte.RUT(in.RUT))
	if err != nil {
		return statementOut{}, err
	}
	out := statementOut{
		Customer: customerOf(s.Customer), Saldo: Pesos(s.Customer.Balance), LimiteCredito: Pesos(s.Limit),
		Disponible: Pesos(max(s.Limit-s.Customer.Balance, 0)), Movimientos: []accountMoveOut{},
		Antiguedad: agesOut{Pesos(s.Ages[0]), Pesos(s.Ages[1]), Pesos(s.Ages[2]), Pesos(s.Ages[3]), Pesos(s.Ages[4])},
	}
	for _, m := range s.Moves {
		move := accountMoveOut{Instante(m.At), "CARGO", m.SaleID, m.Tipo, m.Folio, m.Code, dayOut(m.Due), Pesos(m.Amount), Pesos(m.Balance)}
		if m.Amount < 0 {
			move.Tipo, move.Monto = "ABONO", -move.Monto
		}
		out.Movimientos = append(out.Movimientos, move)
	}
	return out, nil
}

// dayOut is a day of the database's, or null.
func dayOut(t *time.Time) Fecha {
	if t == nil {
		return Fecha{}
	}
	return Fecha(dte.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()})
}
