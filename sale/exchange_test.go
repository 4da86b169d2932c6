package sale_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/saletest"
)

// Whatever is returned and exchanged, and in what order: of no line comes back more than was sold, and the customer has
// never got more, in money and in goods, than he paid.
func TestNothingComesBackTwice(t *testing.T) {
	d, j := newDeps(t)
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.NotaCredito} {
		caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, tipo, 1000, 90_000, dtetest.FA())
		must(t, j.AddCAF(caf))
	}
	d.Catalogue = sale.NewCatalogue([]sale.Product{
		{Codigo: "A", Nombre: "Polera", Prc: money.PerUnit(9_993)},
		{Codigo: "B", Nombre: "Gorro", Prc: money.PerUnit(4_997)},
		{Codigo: "C", Nombre: "Calcetín", Prc: money.PerUnit(991)},
	})
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		x := &mixture{T: t, d: d, n: n}
		x.begin()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			x.step()
			x.check()
		}
	})
}

// mixture is a sale, and what its customer brought back of it so far.
type mixture struct {
	*rapid.T
	d    sale.Deps
	r    *sale.Register
	n    int
	ids  int
	sold sale.Record
	back []money.Qty // of each line
	// got is what the customer got back, in money and in goods beyond what he paid for them.
	got money.Pesos
}

func (x *mixture) must(err error) {
	if err != nil {
		x.Fatal(err)
	}
}

func (x *mixture) begin() {
	var err error
	x.r, err = sale.NewRegister(x.d)
	x.must(err)
	if !x.r.Snapshot().Cart.Empty() {
		x.must(x.r.Void("quedó de antes"))
	}
	for _, code := range []string{"A", "B", "A"} { // two lines are the same article
		x.scan(code, rapid.Int64Range(1, 4).Draw(x.T, "units"))
	}
	x.must(x.r.Charge())
	method := rapid.SampledFrom([]sale.Method{sale.Efectivo, sale.Tarjeta}).Draw(x.T, "method")
	if method == sale.Tarjeta && rapid.Bool().Draw(x.T, "and cash") {
		x.must(x.r.Tender(sale.Tarjeta, 3_000, "1"))
		method = sale.Efectivo
	}
	x.must(x.r.Tender(method, 0, "1"))
	x.sold, err = x.r.Issue()
	x.must(err)
	x.r.Next()
	x.back = make([]money.Qty, len(x.sold.Lines))
}

func (x *mixture) scan(code string, units int64) {
	_, err := x.r.Scan(fmt.Sprintf("%d*%s", units, code))
	x.must(err)
}

// step tries to bring back so much of one or two lines, be it too much, for money or for something else.
func (x *mixture) step() {
	x.ids++
	back := sale.Return{ID: sale.ID(fmt.Sprintf("mix %d-%d", x.n, x.ids)), Reason: "no le gustó"}
	first := rapid.IntRange(1, len(x.back)).Draw(x.T, "first line")
	last := rapid.IntRange(first, len(x.back)).Draw(x.T, "last line")
	for line := first; line <= last; line++ {
		back.Lines = append(back.Lines, sale.ReturnedLine{Of: x.sold.Key, Line: line, Qty: money.Units(rapid.Int64Range(1, 4).Draw(x.T, "units"))})
	}
	if rapid.Bool().Draw(x.T, "for money") {
		note, err := sale.TakeBack(x.d, back)
		x.count(back, err, note.Total)
		return
	}
	if err := x.r.BeginExchange(back); err != nil {
		x.count(back, err, 0)
		return
	}
	x.scan(rapid.SampledFrom([]string{"A", "B", "C"}).Draw(x.T, "takes"), rapid.Int64Range(1, 5).Draw(x.T, "many"))
	x.exchange(back)
}

func (x *mixture) exchange(back sale.Return) {
	s := x.r.Snapshot()
	worth := s.Change.Worth
	switch {
	case rapid.IntRange(0, 5).Draw(x.T, "gives up") == 0:
		x.must(x.r.Void("se arrepintió"))
		return
	case s.Change.Due > 0:
		x.must(x.r.Charge())
		x.must(x.r.Tender(sale.Tarjeta, 0, "1"))
		r, err := x.r.Issue()
		x.must(err)
		if r.Total != s.Change.Due || r.Total != s.Total {
			x.Fatalf("charged %s for a difference of %s", r.Total, s.Change.Due)
		}
	default:
		total, refund, err := x.r.PlanExchange(false, sale.ByTerminal)
		x.must(err)
		x.must(x.r.SettleExchange(false, sale.ByTerminal))
		if last := x.r.Snapshot().Last; last.Total != -s.Change.Due || total != last.Total || len(refund.Tenders) != len(last.Payment.Tenders) {
			x.Fatalf("gave %s back for a difference of %s", last.Total, s.Change.Due)
		}
	}
	x.r.Next()
	x.count(back, nil, worth)
}

// count notes what came back, if it did.
func (x *mixture) count(back sale.Return, err error, worth money.Pesos) {
	if errors.Is(err, dte.ErrNote) {
		return
	}
	x.must(err)
	for _, l := range back.Lines {
		x.back[l.Line-1] += l.Qty
	}
	x.got += worth
}

func (x *mixture) check() {
	open, err := sale.OpenReturn(x.d.Journal, x.sold.Key)
	x.must(err)
	articles, came := map[string]money.Qty{}, map[string]money.Qty{}
	for i, l := range x.sold.Lines {
		articles[l.Codigo] += l.Qty
		came[l.Codigo] += x.back[i]
		if open.Left(i+1) > l.Qty {
			x.Fatalf("more left of %s than was sold", l.Nombre)
		}
	}
	all := true
	for code, sold := range articles {
		if came[code] > sold {
			x.Fatalf("%s of %s came back, %s were sold", came[code], code, sold)
		}
		all = all && came[code] == sold
	}
	if x.got > x.sold.Total || all && x.got != x.sold.Total {
		x.Fatalf("got %s for what cost %s", x.got, x.sold.Total)
	}
}

// An exchange whose end nobody knows is asked about before anything else is done with it, and is done once.
func TestAnExchangeInDoubtIsDoneOnce(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("stored ", stored), func(t *testing.T) {
			d, plain := newDeps(t)
			j := &doubtful{Memory: plain.Memory, stores: stored}
			d.Journal = j
			r, err := sale.NewRegister(d)
			must(t, err)
			first := sold(t, r, map[string]money.Qty{"7801234567894": money.One}, []string{"7801234567894"}, sale.Efectivo)
			must(t, r.BeginExchange(sale.Return{Reason: "otra", Lines: []sale.ReturnedLine{back(first.Key, 1, money.One)}}))
			scan(t, r, "300")
			j.failures, j.hush = 1, true
			if err := r.SettleExchange(false, sale.ByTerminal); !errors.Is(err, sale.ErrUnknown) || r.Snapshot().Stage != sale.Paying {
				t.Fatalf("%s, %v", r.Snapshot().Stage, err)
			}
			j.silent = false
			_, err = r.Issue() // as the cashier tries again
			must(t, err)
			last := r.Snapshot().Last
			if last.Key.Tipo != dte.NotaCredito || last.Key.Folio != 1 || last.Total != 1985 {
				t.Errorf("%+v", last)
			}
			open, err := sale.OpenReturn(j, first.Key)
			if err != nil || open.Left(1) != 0 {
				t.Errorf("left %s, %v", open.Left(1), err)
			}
		})
	}
}

// Who allowed that goods came back is kept with what became of it, however long the exchange waited.
func TestAnExchangeKeepsWhoAllowedIt(t *testing.T) {
	for takes, tipo := range map[string]dte.TipoDTE{"2*" + bebida: dte.Boleta, "300": dte.NotaCredito, bebida: sale.Cambio} {
		c := newCrew(t, true)
		sellOne(c)
		brought := sale.Return{Reason: "otro", Lines: []sale.ReturnedLine{back(c.Snapshot().Last.Key, 1, money.One)}}
		var need sale.ApprovalError
		if err := c.BeginExchange(brought); !errors.As(err, &need) {
			t.Fatal(err)
		}
		must(t, c.Approve(need, luis, "8888"))
		must(t, c.Approved(func() error { return c.BeginExchange(brought) }))
		c.restart()
		must(t, c.Enter(ana, "1111"))
		scan(t, c.Register, takes)
		if c.Snapshot().Change.Due > 0 {
			must(t, c.Charge())
			must(t, c.Tender(sale.Efectivo, 0, ""))
			_, err := c.Issue()
			must(t, err)
		} else {
			must(t, c.SettleExchange(false, sale.ByTerminal))
		}
		if r := c.Snapshot().Last; r.Key.Tipo != tipo || r.Who != "Ana" || r.Approved != "Luis" {
			t.Errorf("%s: %s of %q, allowed by %q", takes, r.Key, r.Who, r.Approved)
		}
	}
}
