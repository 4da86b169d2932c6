package central

import "mostrador/money"

// Settings of a company.
type Settings struct {
	PrintFormat  string
	IVADefaultID *int64
	// CashControl: nobody sells without an open shift.
	CashControl bool
	// CreditDays and CreditLimit are those of customers without their own.
	CreditDays  int32
	CreditLimit money.Pesos
}

const selectSettings = "select print_format, iva_default_id, cash_control, credit_days, credit_limit from settings"

// Settings are there from the company's first moment.
func (c *Call) Settings() (Settings, error) { return c.settings(selectSettings) }

func (c *Call) settings(sql string) (s Settings, err error) {
	err = c.tx.QueryRow(c.ctx, sql).Scan(&s.PrintFormat, &s.IVADefaultID, &s.CashControl, &s.CreditDays, &s.CreditLimit)
	return s, err
}

// ChangeSettings writes what edit leaves.
func (c *Call) ChangeSettings(edit func(*Settings)) (Settings, error) {
	s, err := c.settings(selectSettings + " for update")
	if err != nil {
		return s, err
	}
	before := s.IVADefaultID
	edit(&s)
	_, err = c.tx.Exec(c.ctx, "update settings set print_format = $1, cash_control = $2, credit_days = $3, credit_limit = $4",
		s.PrintFormat, s.CashControl, s.CreditDays, s.CreditLimit)
	if err != nil || same(before, s.IVADefaultID) {
		return s, err
	}
	return s, c.setDefaultTax(s.IVADefaultID)
}

// same says whether two optional values are equal.
func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }
