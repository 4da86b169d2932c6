package sale_test

import (
	"errors"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestFollowTheLine(t *testing.T) {
	down := sale.Trouble{Cause: sale.CauseLine, Since: noon, Detail: "sin conexión"}
	open := sale.Outage{Number: 1, Cause: sale.CauseLine, From: noon}
	back := open
	back.Restored = noon.Add(time.Hour)
	cases := []struct {
		name                string
		o                   sale.Outage
		after               time.Duration
		trouble             sale.Trouble
		issued, undelivered int
		changed             bool
		check               func(o sale.Outage) bool
	}{
		{"all is well", sale.Outage{}, 0, sale.Trouble{}, 0, 0, false, nil},
		{"a hiccup", sale.Outage{}, 4 * time.Minute, down, 0, 0, false, nil},
		{"five minutes", sale.Outage{}, sale.TroubleWait, down, 0, 0, true, func(o sale.Outage) bool { return o.From.Equal(noon) && o.Cause == sale.CauseLine }},
		{"a document at once", sale.Outage{}, time.Second, down, 1, 1, true, func(o sale.Outage) bool { return o.From.Equal(noon) && o.Detail != "" }},
		{"goes on", open, time.Hour, down, 9, 9, false, nil},
		{"line back, documents on their way", open, time.Hour, sale.Trouble{}, 9, 4, true, func(o sale.Outage) bool { return o.Restored.Equal(noon.Add(time.Hour)) && o.To.IsZero() }},
		{"still on their way", back, 2 * time.Hour, sale.Trouble{}, 9, 1, false, nil},
		{"down again meanwhile", back, 2 * time.Hour, down, 9, 1, true, func(o sale.Outage) bool { return o.Restored.IsZero() && o.To.IsZero() }},
		{"all arrived", back, 2 * time.Hour, sale.Trouble{}, 9, 0, true, func(o sale.Outage) bool {
			return o.To.Equal(noon.Add(2*time.Hour)) && o.Restored.Equal(noon.Add(time.Hour)) && o.Documents == 9
		}},
		{"back with nothing to deliver", open, time.Hour, sale.Trouble{}, 0, 0, true, func(o sale.Outage) bool { return !o.To.IsZero() && o.Restored.Equal(o.To) }},
	}
	for _, c := range cases {
		next, changed := c.o.Follow(noon.Add(c.after), c.trouble, c.issued, c.undelivered)
		if changed != c.changed || c.check != nil && !c.check(next) {
			t.Errorf("%s: changed %v, %+v", c.name, changed, next)
		}
	}
}

// The boletas of the assistant pass every rule of a document, and their payments settle them.
func TestContingencyBoletasCanBeIssued(t *testing.T) {
	o := sale.Outage{Number: 4, Cause: sale.CausePower, From: noon.Add(-7 * time.Hour), To: noon}
	buyer := dte.Receptor{RUT: 11111111, RznSoc: "Ana Pérez"}
	for _, c := range []struct {
		t    sale.Takings
		tipo dte.TipoDTE
		cash money.Pesos
	}{
		{sale.Takings{Afecto: 184_235}, dte.Boleta, 184_230},
		{sale.Takings{Exento: 5_000}, dte.BoletaExenta, 5_000},
		{sale.Takings{Afecto: 10_006, Exento: 1_000, Otros: 6}, dte.Boleta, 11_000},
		{sale.Takings{Afecto: 777, Otros: 777}, dte.Boleta, 0},
	} {
		summary, err := sale.SummaryOrder(o, c.t)
		if err != nil {
			t.Fatal(err)
		}
		individual, err := sale.CopyOrder(o, buyer, c.t)
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range []sale.Order{summary, individual} {
			order.Draft.Emisor, order.Draft.FchEmis = saletest.Shop().Emisor, dte.DateOf(noon)
			totals, _, err := order.Draft.Totals()
			if err := errors.Join(err, order.Draft.Validate()); err != nil {
				t.Fatalf("%+v: %v", c.t, err)
			}
			if want := c.t.Afecto + c.t.Exento; totals.MntTotal != want || order.Draft.Tipo != c.tipo {
				t.Errorf("%s for %d, want %s for %d", order.Draft.Tipo, totals.MntTotal, c.tipo, want)
			}
			var cash, paid money.Pesos
			for _, p := range order.Payment.Tenders {
				paid += p.Amount
				if p.Method == sale.Efectivo {
					cash += p.Amount
				}
			}
			if cash != c.cash || paid != totals.MntTotal+order.Payment.Rounding {
				t.Errorf("%+v: cash %d of %d paid, rounding %d", c.t, cash, paid, order.Payment.Rounding)
			}
		}
		if summary.ID == individual.ID {
			t.Error("two boletas have one ID")
		}
	}
}

func TestContingencyRefusals(t *testing.T) {
	for _, w := range []sale.Takings{{}, {Afecto: -5, Exento: 5}, {Afecto: 5, Exento: -5}, {Afecto: 100, Otros: 101}, {Afecto: 1, Otros: -1}, {Afecto: money.MaxPesos, Exento: 1}} {
		if _, err := sale.SummaryOrder(sale.Outage{Number: 1}, w); err == nil {
			t.Errorf("%+v was taken", w)
		}
	}
	if _, err := sale.CopyOrder(sale.Outage{Number: 1}, dte.Receptor{}, sale.Takings{Afecto: 5}); !errors.Is(err, sale.ErrOutage) {
		t.Errorf("a copy for nobody: %v", err)
	}
	for _, p := range [][2]time.Duration{{0, 0}, {time.Hour, 0}, {-time.Hour, time.Minute}, {-32 * 24 * time.Hour, 0}} {
		if err := sale.CheckPeriod(noon.Add(p[0]), noon.Add(p[1]), noon); !errors.Is(err, sale.ErrOutage) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if err := sale.CheckPeriod(noon.Add(-time.Hour), noon, noon); err != nil {
		t.Error(err)
	}
}

func TestParseMoment(t *testing.T) {
	for text, want := range map[string]time.Time{
		"16-03-2026 09:05":    time.Date(2026, 3, 16, 9, 5, 0, 0, dte.Santiago),
		" 25-02-2025   15:16": time.Date(2025, 2, 25, 15, 16, 0, 0, dte.Santiago),
		"01-02 08:00":         time.Date(2026, 2, 1, 8, 0, 0, 0, dte.Santiago),
		"11:59":               time.Date(2026, 3, 16, 11, 59, 0, 0, dte.Santiago),
		"12:01":               time.Date(2026, 3, 15, 12, 1, 0, 0, dte.Santiago), // not yet today
	} {
		if got, err := sale.ParseMoment(text, noon); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ayer", "25:00", "31-02-2026 10:00", "16-03-2026", "10:00 16-03-2026"} {
		if got, err := sale.ParseMoment(text, noon); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}
