package central

import (
	"strings"
	"time"

	"mostrador/sale/price"
)

// mostPromotions bounds the file of price rules: all tills fetch it whole.
const mostPromotions = 1 << 20

// Promotions are the company's rules of price, as docs/precios.md writes them. All tills have them in the place of their own.
type Promotions struct {
	Text string
	// Rules is how many there are. UpdatedAt is nil if nobody has written any: then each till has its own.
	Rules     int
	UpdatedAt *time.Time
}

// Promotions of the company.
func (c *Call) Promotions() (p Promotions, err error) {
	err = c.tx.QueryRow(c.ctx, "select text, updated_at from promotions").Scan(&p.Text, &p.UpdatedAt)
	if errNoRow(err) {
		return Promotions{}, nil
	}
	if err == nil {
		p.Rules, err = countRules(p.Text)
	}
	return p, err
}

// SetPromotions puts them in the place of what was there. All rules must be good: what one till refused another would, too. An
// empty text is no rules at all.
func (c *Call) SetPromotions(text string) (Promotions, error) {
	if len(text) > mostPromotions {
		return Promotions{}, refuse(Unprocessable, "Las reglas de precio ocupan %d MB: pueden ocupar %d. No se cambió nada", len(text)>>20, mostPromotions>>20)
	}
	if _, err := countRules(text); err != nil {
		return Promotions{}, err
	}
	_, err := c.tx.Exec(c.ctx, `insert into promotions (text, updated_at) values ($1, $2)
		on conflict (single) do update set text = excluded.text, updated_at = excluded.updated_at where promotions.text <> excluded.text`, text, c.now)
	if err != nil {
		return Promotions{}, err
	}
	return c.Promotions()
}

// countRules reads rules as a till does, and refuses them if one is bad.
func countRules(text string) (int, error) {
	if strings.TrimSpace(text) == "" {
		return 0, nil
	}
	rules, bad, err := price.Read(strings.NewReader(text))
	if err == nil && len(bad) == 0 {
		_, bad = price.Compile(rules)
	}
	if err == nil && len(bad) > 0 {
		err = bad[0]
	}
	if err != nil {
		return 0, refuse(Unprocessable, "Las reglas de precio no sirven: %v. No se cambió nada", err)
	}
	return len(rules), nil
}
