package sale_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// counter is a register with a catalogue of its own.
type counter struct {
	t        *testing.T
	deps     sale.Deps
	register *sale.Register
}

func newTill(t *testing.T) *counter {
	t.Helper()
	deps, _ := newDeps(t)
	return &counter{t: t, deps: deps}
}

func (c *counter) sells(products ...sale.Product) {
	c.t.Helper()
	c.deps.Catalogue = sale.NewCatalogue(products)
	var err error
	c.register, err = sale.NewRegister(c.deps)
	must(c.t, err)
}

// sold sells so many of each product, by code, paid as given; the amounts of zero are the rest.
func sold(t *testing.T, r *sale.Register, items map[string]money.Qty, order []string, methods ...sale.Method) sale.Record {
	t.Helper()
	for _, code := range order {
		_, err := r.Scan(code)
		must(t, err)
		must(t, r.SetQty(items[code]))
	}
	must(t, r.Charge())
	for i, m := range methods {
		amount := money.Pesos(0)
		if i < len(methods)-1 {
			amount = 1000
		}
		must(t, r.Tender(m, amount, "1"))
	}
	record, err := r.Issue()
	must(t, err)
	r.Next()
	return record
}

func back(of dte.Key, line int, q money.Qty) sale.ReturnedLine {
	return sale.ReturnedLine{Of: of, Line: line, Qty: q, Restock: true}
}

// What comes back in parts gives back, together, exactly what was handed over: for every ending of a price, every mix of
// means, every order of the parts.
func TestRefundsMirrorWhatWasReceived(t *testing.T) {
	mixes := map[string][]sale.Method{
		"cash": {sale.Efectivo}, "card": {sale.Tarjeta}, "transfer": {sale.Transferencia},
		"card and cash": {sale.Tarjeta, sale.Efectivo}, "cash and card": {sale.Efectivo, sale.Tarjeta},
	}
	for name, mix := range mixes {
		t.Run(name, func(t *testing.T) {
			x := newTill(t)
			for ending := range 10 {
				price := money.Pesos(1230 + ending)
				x.sells(sale.Product{Codigo: "A", Nombre: "Artículo", Prc: money.PerUnit(price)}, sale.Product{Codigo: "B", Nombre: "Barato", Prc: money.PerUnit(3)})
				r := sold(t, x.register, map[string]money.Qty{"A": money.Units(3), "B": money.Units(2)}, []string{"A", "B"}, mix...)
				received := map[sale.Method]money.Pesos{}
				for _, tender := range r.Payment.Tenders {
					received[tender.Method] += tender.Amount
				}
				for _, part := range rand.New(rand.NewPCG(uint64(ending), 1)).Perm(5) {
					line := 1
					if part >= 3 {
						line = 2
					}
					id, err := sale.NewID(x.deps.Rand)
					must(t, err)
					note, err := sale.TakeBack(x.deps, sale.Return{ID: id, Reason: "no le gustó", Lines: []sale.ReturnedLine{back(r.Key, line, money.One)}})
					must(t, err)
					for _, tender := range note.Payment.Tenders {
						received[tender.Method] -= tender.Amount
						if tender.Method == sale.Efectivo && tender.Amount%10 != 0 {
							t.Errorf("ending %d: a refund of $%s in cash", ending, tender.Amount)
						}
					}
				}
				for m, rest := range received {
					if rest != 0 {
						t.Errorf("ending %d: $%s of %s were not given back", ending, rest, m)
					}
				}
				_, err := sale.TakeBack(x.deps, sale.Return{ID: "more", Reason: "otra vez", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One)}})
				if !errors.Is(err, dte.ErrNote) {
					t.Errorf("more than was sold came back: %v", err)
				}
			}
		})
	}
}

// A return of everything annuls the document; a part corrects its amounts. The same return twice is one note.
func TestTakeBack(t *testing.T) {
	x := newTill(t)
	x.sells(sale.Product{Codigo: "A", Nombre: "Artículo", Prc: money.PerUnit(1990)})
	r := sold(t, x.register, map[string]money.Qty{"A": money.Units(2)}, []string{"A"}, sale.Efectivo)
	part := sale.Return{ID: "p", Reason: "venía roto", Lines: []sale.ReturnedLine{{Of: r.Key, Line: 1, Qty: money.One}}}
	total, refund, err := sale.PlanReturn(x.deps, part)
	if err != nil || total != 1990 || len(refund.Tenders) != 1 || refund.Tenders[0].Amount != 1990 {
		t.Errorf("plan: %s %+v %v", total, refund, err)
	}
	note, err := sale.TakeBack(x.deps, part)
	must(t, err)
	again, err := sale.TakeBack(x.deps, part)
	if err != nil || again.Key != note.Key || note.Key.Tipo != dte.NotaCredito || note.Total != 1990 || len(note.Returned) != 1 {
		t.Errorf("%+v, again %+v, %v", note, again, err)
	}
	xml, _, err := x.deps.Journal.Document(note.Key)
	must(t, err)
	doc, err := dte.Parse(xml)
	must(t, err)
	if ref := doc.Referencia[0]; ref.CodRef != dte.CorrigeMontos || ref.FolioRef != r.Key.Folio.String() || ref.RazonRef != "venía roto" {
		t.Errorf("reference %+v", ref)
	}

	whole := sold(t, x.register, map[string]money.Qty{"A": money.Units(2)}, []string{"A"}, sale.Efectivo)
	note, err = sale.TakeBack(x.deps, sale.Return{ID: "w", Reason: "se arrepintió", Lines: []sale.ReturnedLine{back(whole.Key, 1, money.Units(2))}})
	must(t, err)
	if xml, _, err = x.deps.Journal.Document(note.Key); err != nil {
		t.Fatal(err)
	}
	if doc, err = dte.Parse(xml); err != nil || doc.Referencia[0].CodRef != dte.Anula || note.Total != whole.Total {
		t.Errorf("%+v %v", doc, err)
	}

	// once nothing is left, the same return is still the same return
	if again, err := sale.TakeBack(x.deps, sale.Return{ID: "w", Reason: "se arrepintió", Lines: []sale.ReturnedLine{back(whole.Key, 1, money.Units(2))}}); err != nil || again.Key != note.Key {
		t.Errorf("a second time: %v, %v", again.Key, err)
	}
	if _, err := sale.OpenReturn(x.deps.Journal, note.Key); err == nil || !strings.Contains(err.Error(), "no se devuelve en el mostrador") {
		t.Errorf("a note: %v", err)
	}
	theirs := r.Key
	theirs.Emisor = 77777777
	if _, _, err := x.register.OpenReturn(theirs); err == nil || !strings.Contains(err.Error(), "es de otra empresa (RUT 77.777.777-7)") {
		t.Errorf("another company's: %v", err)
	}

	for name, bad := range map[string]sale.Return{
		"nothing":          {ID: "x", Reason: "y"},
		"no reason":        {ID: "x", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One)}},
		"a line twice":     {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One), back(r.Key, 1, money.One)}},
		"two documents":    {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One), back(whole.Key, 1, money.One)}},
		"a line not there": {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(r.Key, 2, money.One)}},
		"an unknown one":   {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(dte.Key{Emisor: 1, Tipo: 39, Folio: 1}, 1, money.One)}},
		"a note":           {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(note.Key, 1, money.One)}},
		"what came back":   {ID: "x", Reason: "y", Lines: []sale.ReturnedLine{back(whole.Key, 1, money.One)}},
	} {
		if _, err := sale.TakeBack(x.deps, bad); err == nil {
			t.Errorf("%s was taken back", name)
		}
	}
}

// A refund in cash leaves the open shift's drawer, and cannot be more than is in it.
func TestRefundLeavesTheShiftsCash(t *testing.T) {
	x := newTill(t)
	x.sells(sale.Product{Codigo: "A", Nombre: "Artículo", Prc: money.PerUnit(1990)})
	r := sold(t, x.register, map[string]money.Qty{"A": money.Units(2)}, []string{"A"}, sale.Efectivo)
	must(t, x.register.OpenShift(1000))
	one := sale.Return{ID: "1", Reason: "roto", Lines: []sale.ReturnedLine{back(r.Key, 1, money.One)}}
	if _, err := sale.TakeBack(x.deps, one); err == nil {
		t.Error("$1.990 left a drawer with $1.000")
	}
	_, err := x.register.CloseShift(1000)
	must(t, err)
	must(t, x.register.OpenShift(5000))
	_, err = sale.TakeBack(x.deps, one)
	must(t, err)
	shift, err := x.deps.Journal.CurrentShift()
	if err != nil || shift.Expected() != 3010 {
		t.Errorf("expected in the drawer: %s, %v", shift.Expected(), err)
	}
}
