package sale_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/printer"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/sale/saletest"
)

// brittle is a journal whose disk fails now and then, with a commit of which nobody knows.
type brittle struct {
	*sale.Memory
	noCart        bool // the next cart is not saved
	doubt, stored bool // of the next issue nobody knows; it was stored, or not
}

func (j *brittle) SaveCart(c sale.Cart, events ...sale.Event) error {
	if j.noCart {
		j.noCart = false
		return errors.New("disco lleno")
	}
	return j.Memory.SaveCart(c, events...)
}

func (j *brittle) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if !j.doubt {
		return j.Memory.Issue(id, tipo, at, build)
	}
	j.doubt = false
	if j.stored {
		if _, err := j.Memory.Issue(id, tipo, at, build); err != nil {
			return sale.Record{}, err
		}
	}
	return sale.Record{}, sale.ErrUnknown
}

// till is a counter with everything that a cashier does at it, in any order.
type till struct {
	*rapid.T
	d    sale.Deps
	j    *brittle
	r    *sale.Register
	seen map[sale.ID]dte.Key // the sales that ended
	ends map[string]int      // how they ended, for the test to know what it has proved
}

// verb does one thing of all that can be done.
func (x *till) verb() error {
	verbs := x.verbs()
	names := make([]string, 0, len(verbs))
	for name := range verbs {
		names = append(names, name)
	}
	slices.Sort(names)
	return verbs[rapid.SampledFrom(names).Draw(x.T, "verb")]()
}

func (x *till) verbs() map[string]func() error {
	r, draw := x.r, x.T
	code := rapid.SampledFrom([]string{"7801234567894", "300", "200", "100", "PACK", "libre", "nadie"})
	many := rapid.SampledFrom([]string{"", "", "", "3*", "0,125*", "12*", "0*", "-1*", "1000000000*", "x*"})
	scan := func() error { _, err := r.Scan(many.Draw(draw, "n") + code.Draw(draw, "code")); return err }
	pay := func() error {
		m := rapid.SampledFrom(sale.Methods()).Draw(draw, "method")
		return r.Pay(sale.Tender{
			Method: m, Received: money.Pesos(rapid.Int64Range(0, 400).Draw(draw, "tens") * 10), Reference: "V1",
			Cheque: sale.ChequeData{Banco: "ESTADO", Numero: "12"},
		})
	}
	return map[string]func() error{
		"scan": scan, "scan again": scan, "and again": scan,
		"open price": func() error {
			_, err := r.Add(sale.Product{Codigo: "libre", Nombre: "Arreglo", Prc: money.PerUnit(money.Pesos(rapid.Int64Range(1, 9999).Draw(draw, "price")))}, money.One)
			return err
		},
		"select": func() error { r.Select(rapid.IntRange(-1, 9).Draw(draw, "line")); return nil },
		"bump":   func() error { return r.Bump(rapid.Int64Range(-3, 3).Draw(draw, "bump")) },
		"qty": func() error {
			return r.SetQty(money.Qty(rapid.Int64Range(-1, 9000).Draw(draw, "qty")) * money.One / 1000)
		},
		"remove":          r.Remove,
		"void":            func() error { return r.Void(rapid.SampledFrom([]string{"", "se arrepintió"}).Draw(draw, "why")) },
		"line discount":   func() error { return r.SetLineOff(anyOff(draw)) },
		"ticket discount": func() error { return r.SetTicketOff(anyOff(draw)) },
		"price": func() error {
			return r.SetPrice(money.PerUnit(money.Pesos(rapid.Int64Range(0, 3000).Draw(draw, "price"))), "oferta")
		},
		"note":   func() error { return r.SetNote("sin sal") },
		"hold":   func() error { return r.Hold("señora del pan") },
		"recall": x.recall,
		"choose": x.choose,
		"quote":  func() error { _, err := r.Quote(code.Draw(draw, "code")); return err },
		"charge": r.Charge, "charge again": r.Charge,
		"pay": pay, "pay more": pay, "exact": func() error { return r.Tender(sale.Efectivo, 0, "") },
		"card":  func() error { return r.Tender(sale.Debito, 0, "004512") },
		"back":  func() error { r.Back(); return nil },
		"issue": x.issue, "issue again": x.issue,
		"next": func() error { r.Next(); return nil },
		"modelo": func() error {
			return r.SetModelo(rapid.SampledFrom([]sale.Modelo{sale.ModeloBoleta, sale.ModeloVoucher}).Draw(draw, "modelo"))
		},
		"disk":  func() error { x.j.noCart = true; return nil },
		"doubt": func() error { x.j.doubt, x.j.stored = true, rapid.Bool().Draw(draw, "stored"); return nil },
		"sell":  x.sell, "sell again": x.sell, "and sell": x.sell,
		"power": x.restart,
	}
}

// issue ends the sale. What is paid is not refused for its payment.
func (x *till) issue() error {
	before := x.r.Snapshot()
	_, err := x.r.Issue()
	if errors.Is(err, sale.ErrPayment) && before.Stage == sale.Paying && before.Due == 0 && len(before.Payment.Tenders) > 0 {
		x.Fatalf("%+v is paid, and refused: %v", before.Payment, err)
	}
	return err
}

// sell is the way of most sales.
func (x *till) sell() error {
	if err := x.r.Charge(); err != nil || x.r.Snapshot().Stage != sale.Paying {
		return err
	}
	if err := x.r.Tender(rapid.SampledFrom([]sale.Method{sale.Efectivo, sale.Efectivo, sale.Debito}).Draw(x.T, "means"), 0, "1"); err != nil {
		return err
	}
	return x.issue()
}

func (x *till) recall() error {
	held, err := x.r.Held()
	if err != nil || len(held) == 0 {
		return err
	}
	return x.r.Recall(rapid.SampledFrom(held).Draw(x.T, "held").Cart.ID)
}

func (x *till) choose() error {
	return x.r.Choose(rapid.SampledFrom([]sale.Choice{
		{},
		{Receptor: buyer()},
		{Tipo: dte.Factura, Receptor: buyer(), Lists: []string{"Mayorista"}},
		{Tipo: dte.Factura, Receptor: buyer(), Vence: today()},
		{Tipo: dte.GuiaDespacho, Receptor: buyer(), Guia: guia()},
		{Tipo: dte.Factura},
	}).Draw(x.T, "choice"))
}

// restart is a power cut: the cart is what it was, unless its sale has ended.
func (x *till) restart() error {
	before := x.r.Snapshot()
	r, err := sale.NewRegister(x.d)
	if err != nil {
		return err
	}
	x.r = r
	after := r.Snapshot()
	_, ended := x.j.Sale(before.Cart.ID)
	same := after.Cart.ID == before.Cart.ID && reflect.DeepEqual(after.Cart.Lines, before.Cart.Lines)
	if ended != nil && len(before.Cart.Lines) > 0 && !same {
		x.Fatalf("after a power cut the cart is %+v, it was %+v", after.Cart, before.Cart)
	}
	if ended == nil && after.Cart.ID == before.Cart.ID {
		x.Fatalf("the sale %s ended and came back", before.Cart.ID)
	}
	return nil
}

// adds checks what is on the screen: no line without a quantity, and a total that is the sum.
func (x *till) adds(s sale.Snapshot) {
	var sum money.Pesos
	for _, l := range s.Cart.Lines {
		if l.Qty <= 0 || l.Total < 0 {
			x.Fatalf("the cart has %+v", l)
		}
		sum += l.Total
	}
	if sum -= s.Cart.Rebaja.Total(); s.Tipo != dte.GuiaDespacho && sum != s.Total { // a guía is added up without IVA
		x.Fatalf("total %s of lines %s", s.Total, sum)
	}
}

// aside checks that no sale is open and waits aside at once: it would be sold twice.
func (x *till) aside(open sale.Cart) {
	held, err := x.r.Held()
	if err != nil {
		x.Fatal(err)
	}
	for _, h := range held {
		if h.Cart.ID == open.ID || x.seen[h.Cart.ID] != (dte.Key{}) {
			x.Fatalf("the sale %s waits aside and is open or over", h.Cart.ID)
		}
	}
}

// ended checks the sale that has just got its end: screen, record, XML and ticket say one total, and it is paid to the peso.
func (x *till) ended(before sale.Snapshot, rec sale.Record) {
	if rec.ID != before.Cart.ID || rec.Total != before.Total || len(rec.Lines) != len(before.Cart.Lines) {
		x.Fatalf("shown %s of %s, kept %s of %s", before.Total, before.Cart.ID, rec.Total, rec.ID)
	}
	if key, twice := x.seen[rec.ID]; twice && key != rec.Key {
		x.Fatalf("%s and %s are of one sale", key, rec.Key)
	}
	x.seen[rec.ID] = rec.Key
	x.paid(rec)
	if kept, err := x.j.Sale(rec.ID); err != nil || kept.Total != rec.Total || kept.Key != rec.Key {
		x.Fatalf("kept %+v, %v", kept, err)
	}
	if rec.Key.Tipo == sale.Comprobante {
		x.ends["voucher"]++
		return
	}
	x.ends[rec.Key.Tipo.String()]++
	xml, _, err := x.j.Document(rec.Key)
	if err != nil {
		x.Fatal(err)
	}
	doc, err := dte.Parse(xml)
	if err != nil || doc.Totales.MntTotal != before.Total || sale.HashXML(xml) != rec.SHA256 {
		x.Fatalf("the XML says %s, the screen %s: %v", doc.Totales.MntTotal, before.Total, err)
	}
	ticket, err := printer.Ticket(printer.Job{Document: doc, Record: rec, Shop: x.d.Shop}, printer.Paper80)
	if err != nil {
		x.Fatal(err)
	}
	if printed := totals(ticket); !slices.Equal(printed, []string{before.Total.String()}) {
		x.Fatalf("the ticket says %q, the screen %s", printed, before.Total)
	}
}

// paid checks that what was received is the total, its rounding and the change.
func (x *till) paid(rec sale.Record) {
	p, amounts, received := rec.Payment, money.Pesos(0), money.Pesos(0)
	for _, t := range p.Tenders {
		amounts, received = amounts+t.Amount, received+t.Received
	}
	onCredit := p.Unpaid != "" && len(p.Tenders) == 0
	if !onCredit && (amounts != rec.Total+p.Rounding || received-amounts != p.Change) || p.Rounding < -5 || p.Rounding > 4 || p.Change < 0 {
		x.Fatalf("%s is paid by %+v", rec.Total, p)
	}
}

// totals are those that a ticket prints.
func totals(l printer.Layout) (list []string) {
	for _, item := range l.Items {
		if line, ok := item.(printer.Text); ok {
			if _, amount, found := strings.Cut(line.Text, "TOTAL "); found {
				list = append(list, strings.TrimLeft(amount, " $"))
			}
		}
	}
	return list
}

// Whatever is done at the counter, in whatever order, with disks that fail and power that is cut: what fails changes no
// cart, each sale ends once, and then screen, stored record, XML and ticket say the same total.
func TestEveryVerbEndsInOneTotal(t *testing.T) {
	d, j := newDeps(t)
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.FacturaExenta, dte.GuiaDespacho} {
		caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, tipo, 1000, 99_000, dtetest.FA())
		must(t, j.AddCAF(caf))
	}
	d.Prices = book(t,
		price.Rule{Name: "3×2 en bebidas", Kind: price.NxM, Products: []string{"7801234567894"}, Take: 3, Pay: 2},
		price.Rule{Name: "Mayorista", Kind: price.Precio, Products: []string{"300"}, Price: money.PerUnit(4), Lists: []string{"Mayorista"}},
		price.Rule{Name: "Todo al 5 %", Kind: price.Descuento, All: true, Pct: 500, Weighed: true, Stackable: true},
	)
	d.Catalogue = sale.NewCatalogue(append(slices.Clone(products),
		sale.Product{Codigo: "libre", Nombre: "Arreglo", PrecioLibre: true},
		sale.Product{Codigo: "400", Nombre: "Cerveza", Prc: money.PerUnit(990), Codigos: []sale.Code{{Codigo: "PACK", Qty: money.Units(6), Prc: money.PerUnit(4990)}}}))
	ends := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		x := &till{T: t, d: d, j: &brittle{Memory: j.Memory}, seen: map[sale.ID]dte.Key{}, ends: ends}
		x.d.Journal = x.j
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		var err error
		x.r, err = sale.NewRegister(x.d)
		must(err)
		for range rapid.IntRange(20, 150).Draw(t, "verbs") {
			before := x.r.Snapshot()
			err := x.verb()
			after := x.r.Snapshot()
			if err != nil && before.Stage != sale.Done && after.Stage != sale.Done && !reflect.DeepEqual(before.Cart, after.Cart) {
				t.Fatalf("%v changed the cart from %+v to %+v", err, before.Cart, after.Cart)
			}
			x.adds(after)
			x.aside(after.Cart)
			if before.Stage != sale.Done && after.Stage == sale.Done {
				x.ended(before, *after.Last)
			}
		}
		x.j.noCart, x.j.doubt = false, false
		if x.r.Back(); x.r.Snapshot().Stage != sale.Selling {
			x.r.Next()
		}
		must(x.r.Void("fin"))
		held, err := x.r.Held()
		must(err)
		for _, h := range held { // the next till begins with an empty shelf
			must(x.r.Recall(h.Cart.ID))
			must(x.r.Void("fin"))
		}
	})
	t.Logf("ended: %v", ends)
	for _, end := range []string{dte.Boleta.String(), dte.Factura.String(), dte.GuiaDespacho.String(), "voucher"} {
		if ends[end] == 0 {
			t.Errorf("no sale ended as %s: %v", end, ends)
		}
	}
}
