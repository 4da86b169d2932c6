package terminal_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"mostrador/terminal"
	"mostrador/terminal/terminaltest"
)

// cashier stands between a terminal without a cable and the till: the charge is made there, the till is told what the
// cashier types, or nothing.
type cashier struct {
	next              terminaltest.Outcome
	charged, refunded map[string]int
}

func newCashier() *cashier { return &cashier{charged: map[string]int{}, refunded: map[string]int{}} }

var errNobody = errors.New("the window was closed")

func (c *cashier) ask(ctx context.Context, q terminal.Question) (terminal.Answer, error) {
	if err := ctx.Err(); err != nil {
		return terminal.Answer{}, err
	}
	paid := terminal.Answer{State: terminal.Approved, Operation: "000141", Authorization: "794160", Card: terminal.Debit, Last4: "3331"}
	moved := c.charged
	if q.Refund {
		moved = c.refunded
	}
	switch {
	case q.Doubt && moved[q.Intent.Ticket] > 0:
		return paid, nil
	case q.Doubt:
		return terminal.Answer{State: terminal.Cancelled}, nil
	}
	switch c.next {
	case terminaltest.IsDeclined:
		return terminal.Answer{State: terminal.Declined}, nil
	case terminaltest.GivesUp:
		return terminal.Answer{State: terminal.Cancelled}, nil
	case terminaltest.LeavesUnheard:
		return terminal.Answer{}, errNobody
	}
	moved[q.Intent.Ticket]++
	if c.next == terminaltest.PaysUnheard {
		return terminal.Answer{}, errNobody
	}
	return paid, nil
}

func TestManualConforms(t *testing.T) {
	terminaltest.RunTerminal(t, func(*testing.T) terminaltest.Bench {
		c := newCashier()
		return terminaltest.Bench{
			Terminal: terminal.Manual{Ask: c.ask},
			Now:      time.Now,
			Next:     func(o terminaltest.Outcome) { c.next = o },
			Charged:  func(ticket string) int { return c.charged[ticket] },
			Refunded: func(ticket string) int { return c.refunded[ticket] },
		}
	})
}

// What a cashier types is asked for again until it is right, and the reason is said; a card number is never taken.
func TestManualRefusesWhatIsWrong(t *testing.T) {
	right := terminal.Answer{State: terminal.Approved, Operation: "000141"}
	wrong := []struct {
		name   string
		answer terminal.Answer
		words  string
	}{
		{"no number", terminal.Answer{State: terminal.Approved}, "Falta el número de operación"},
		{"a card as operation", terminal.Answer{State: terminal.Approved, Operation: "4539578763621486"}, "número de tarjeta"},
		{"a card with spaces", terminal.Answer{State: terminal.Approved, Authorization: "4539 5787 6362 1486"}, "número de tarjeta"},
		{"a short card", terminal.Answer{State: terminal.Approved, Operation: "676770000005"}, "número de tarjeta"},
		{"a card as last four", terminal.Answer{State: terminal.Approved, Operation: "1", Last4: "4539578763621486"}, "número de tarjeta"},
		{"a card on a refusal", terminal.Answer{State: terminal.Declined, Operation: "4539578763621486"}, "número de tarjeta"},
		{"too long", terminal.Answer{State: terminal.Approved, Operation: "ABCDEFGHIJKLM"}, "12 a lo más"},
		{"not a number", terminal.Answer{State: terminal.Approved, Operation: "14;1"}, "sólo letras y números"},
		{"five last digits", terminal.Answer{State: terminal.Approved, Operation: "1", Last4: "12345"}, "últimos 4"},
		{"letters as last four", terminal.Answer{State: terminal.Approved, Operation: "1", Last4: "12a4"}, "últimos 4"},
		{"a card of another kind", terminal.Answer{State: terminal.Approved, Operation: "1", Card: "XX"}, "crédito o de débito"},
	}
	for _, w := range wrong {
		t.Run(w.name, func(t *testing.T) {
			var problems []string
			m := terminal.Manual{Ask: func(_ context.Context, q terminal.Question) (terminal.Answer, error) {
				problems = append(problems, q.Problem)
				if len(problems) == 1 {
					return w.answer, nil
				}
				return right, nil
			}}
			r := m.Charge(t.Context(), terminal.Intent{Ref: "a", Ticket: "AAAAAA", Amount: 1000})
			if len(problems) != 2 || problems[0] != "" || !strings.Contains(problems[1], w.words) {
				t.Errorf("the questions said %q, want one about %q", problems, w.words)
			}
			if r.State != terminal.Approved || r.Operation != "000141" {
				t.Errorf("the right answer was not taken: %+v", r)
			}
			if b, _ := json.Marshal(r); strings.Contains(string(b), "4539") {
				t.Errorf("a card number came out: %s", b)
			}
		})
	}
}

// Numbers that other acquirers print are not card numbers.
func TestManualTakesLongOperations(t *testing.T) {
	for _, operation := range []string{"1", "000141", "12345678901", "117183450623", "A1B2-C3D4E5F"} {
		m := terminal.Manual{Ask: func(_ context.Context, q terminal.Question) (terminal.Answer, error) {
			if q.Problem != "" {
				return terminal.Answer{}, errNobody
			}
			return terminal.Answer{State: terminal.Approved, Operation: operation}, nil
		}}
		if r := m.Charge(t.Context(), terminal.Intent{Amount: 1000}); r.Operation != operation {
			t.Errorf("%s was refused", operation)
		}
	}
}
