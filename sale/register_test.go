package sale_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
	"mostrador/sale/price"
	"mostrador/sale/saletest"
)

// journal is Memory with what a test wants to break.
type journal struct {
	*sale.Memory
	saveErr  error
	issueErr error // of Issue and, in doubt, of what is asked afterwards
	saleErr  error
	issues   int
}

func (j *journal) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	j.issues++
	if j.issueErr != nil {
		return sale.Record{}, j.issueErr
	}
	return j.Memory.Issue(id, tipo, at, build)
}

func (j *journal) Sale(id sale.ID) (sale.Record, error) {
	if j.saleErr != nil {
		return sale.Record{}, j.saleErr
	}
	return j.Memory.Sale(id)
}

func (j *journal) SaveCart(c sale.Cart, events ...sale.Event) error {
	if j.saveErr != nil {
		return j.saveErr
	}
	return j.Memory.SaveCart(c, events...)
}

var products = []sale.Product{
	{Codigo: "7801234567894", Nombre: "Bebida cola 1,5 L", Prc: money.PerUnit(1990)},
	{Codigo: "100", Nombre: "Queso mantecoso", Unidad: "kg", Prc: money.PerUnit(8990)},
	{Codigo: "200", Nombre: "Pasaje", Exento: true, Prc: money.PerUnit(1235)},
	{Codigo: "300", Nombre: "Dulce", Prc: money.PerUnit(5)},
}

func buyer() dte.Receptor {
	return dte.Receptor{RUT: 77777777, RznSoc: "CONSTRUCTORA PEÑA LTDA", Giro: "CONSTRUCCIÓN", Direccion: "CALLE UNO 234", Comuna: "Maipú"}
}

func newDeps(t testing.TB) (sale.Deps, *journal) {
	t.Helper()
	j := &journal{Memory: sale.NewMemory()}
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.FacturaExenta, dte.NotaCredito, dte.GuiaDespacho} {
		caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, tipo, 1, 50, dtetest.FA())
		if err := j.AddCAF(caf); err != nil {
			t.Fatal(err)
		}
	}
	return sale.Deps{
		Shop: saletest.Shop(), Journal: j, Catalogue: sale.NewCatalogue(products), Signer: dtetest.Signer(11111111),
		Now: dtetest.Now, Rand: rand.Reader,
	}, j
}

func newRegister(t testing.TB) (*sale.Register, *journal) {
	t.Helper()
	d, j := newDeps(t)
	r, err := sale.NewRegister(d)
	if err != nil {
		t.Fatal(err)
	}
	return r, j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func scan(t testing.TB, r *sale.Register, codes ...string) {
	t.Helper()
	for _, c := range codes {
		if _, err := r.Scan(c); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
}

func TestSellForCash(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "7801234567894", "7801234567894", "0,345*100")
	s := r.Snapshot()
	if len(s.Cart.Lines) != 2 || s.Cart.Lines[0].Qty != money.Units(2) || s.Total != 3980+3102 || s.Selected != 1 || s.Tipo != dte.Boleta {
		t.Fatalf("cart: %+v", s)
	}
	must(t, r.Charge())
	must(t, r.Tender(sale.Efectivo, 10_000, ""))
	s = r.Snapshot()
	if s.Due != 0 || s.Payment.Rounding != -2 || s.Payment.Change != 2920 {
		t.Fatalf("payment: %+v", s.Payment)
	}
	rec, err := r.Issue()
	must(t, err)
	if rec.Key != (dte.Key{Emisor: saletest.Shop().Emisor.RUT, Tipo: dte.Boleta, Folio: 1}) || rec.Total != 7082 || !rec.Training {
		t.Errorf("record: %+v", rec)
	}
	xml, _, err := j.Document(rec.Key)
	must(t, err)
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	if doc.Totales.MntTotal != s.Total {
		t.Errorf("the screen said %s and the document %s", s.Total, doc.Totales.MntTotal)
	}
	if s = r.Snapshot(); s.Stage != sale.Done || s.Last == nil || s.Last.ID != rec.ID || s.Folios != 49 || j.issues != 1 {
		t.Errorf("done: %+v, %d issues", s, j.issues)
	}
	r.Next()
	if s = r.Snapshot(); s.Stage != sale.Selling || len(s.Cart.Lines) != 0 || s.Cart.ID == rec.ID {
		t.Errorf("next: %+v", s)
	}
}

// Law 20.956 on every last digit, for each way to mix payments.
func TestCashRounding(t *testing.T) {
	for _, c := range []struct {
		total    money.Pesos
		card     money.Pesos // paid first
		cash     money.Pesos // handed over; 0 is exact
		due      money.Pesos // asked for in cash
		rounding money.Pesos
		change   money.Pesos
	}{
		{1231, 0, 0, 1230, -1, 0},
		{1234, 0, 2000, 1230, -4, 770},
		{1235, 0, 2000, 1230, -5, 770}, // Torn gives 760
		{1236, 0, 2000, 1240, 4, 760},
		{1239, 0, 0, 1240, 1, 0},
		{1240, 0, 1240, 1240, 0, 0},
		{1235, 1000, 0, 230, -5, 0},
		{1236, 36, 1200, 1200, 0, 0},
		{1235, 1234, 0, 0, -1, 0}, // one peso left in cash is nothing
	} {
		t.Run(fmt.Sprintf("%d-%d-%d", c.total, c.card, c.cash), func(t *testing.T) {
			r, _ := newRegister(t)
			_, err := r.Add(sale.Product{Codigo: "x", Nombre: "X", Prc: money.PerUnit(c.total)}, money.One)
			must(t, err)
			must(t, r.Charge())
			if c.card > 0 {
				must(t, r.Tender(sale.Tarjeta, c.card, "123456"))
			}
			if s := r.Snapshot(); s.DueCash != c.due {
				t.Errorf("asks for %d in cash, want %d", s.DueCash, c.due)
			}
			must(t, r.Tender(sale.Efectivo, c.cash, ""))
			p := r.Snapshot().Payment
			if p.Rounding != c.rounding || p.Change != c.change {
				t.Errorf("rounding %d change %d, want %d and %d", p.Rounding, p.Change, c.rounding, c.change)
			}
			_, err = r.Issue()
			must(t, err)
		})
	}
}

func TestFactura(t *testing.T) {
	r, j := newRegister(t)
	scan(t, r, "7801234567894", "200")
	if err := r.SetTipo(dte.Factura); err == nil || !strings.Contains(err.Error(), "el RUT") {
		t.Errorf("a factura to nobody: %v", err)
	}
	incomplete := buyer()
	incomplete.Giro = " "
	must(t, r.SetReceptor(incomplete))
	if err := r.SetTipo(dte.Factura); err == nil || !strings.Contains(err.Error(), "el giro") {
		t.Errorf("without giro: %v", err)
	}
	if s := r.Snapshot(); s.Tipo != dte.Boleta {
		t.Errorf("a refusal changed the document to %s", s.Tipo)
	}
	must(t, r.SetReceptor(buyer()))
	must(t, r.SetTipo(dte.Factura))
	must(t, r.Charge())
	must(t, r.Tender(sale.Transferencia, 0, "998877"))
	rec, err := r.Issue()
	must(t, err)
	xml, _, err := j.Document(rec.Key)
	must(t, err)
	doc, err := dte.Verify(xml, dtetest.Trust())
	must(t, err)
	if doc.Tipo != dte.Factura || doc.Totales.MntTotal != 1990+1235 || doc.Totales.MntExe != 1235 || !doc.MntBruto || doc.MedioPago != "PE" || doc.Emisor.CdgVendedor != "CAJA1" {
		t.Errorf("document: %+v %+v", doc.Draft, doc.Totales)
	}
}

func TestTheLinesDecideExemption(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "200")
	if s := r.Snapshot(); s.Tipo != dte.BoletaExenta {
		t.Errorf("only exempt: %s", s.Tipo)
	}
	must(t, r.SetReceptor(buyer()))
	must(t, r.SetTipo(dte.Factura))
	if s := r.Snapshot(); s.Tipo != dte.FacturaExenta {
		t.Errorf("only exempt, factura: %s", s.Tipo)
	}
	scan(t, r, "7801234567894")
	if s := r.Snapshot(); s.Tipo != dte.Factura {
		t.Errorf("mixed: %s", s.Tipo)
	}
}

func TestLines(t *testing.T) {
	r, _ := newRegister(t)
	if err := r.Remove(); err == nil {
		t.Error("removed a line from nothing")
	}
	scan(t, r, "3*7801234567894", "100", "7801234567894")
	if n := len(r.Snapshot().Cart.Lines); n != 3 {
		t.Fatalf("%d lines: only the last line grows", n)
	}
	r.Select(0)
	must(t, r.Bump(2))
	if q := r.Snapshot().Cart.Lines[0].Qty; q != money.Units(5) {
		t.Errorf("quantity %s", q)
	}
	must(t, r.Bump(-5))
	if n := len(r.Snapshot().Cart.Lines); n != 2 {
		t.Errorf("a line at zero stays: %d lines", n)
	}
	for _, q := range []money.Qty{0, -money.One, 1_500_000, money.MaxQty} {
		r.Select(1)
		before := r.Snapshot()
		if err := r.SetQty(q); err == nil {
			t.Errorf("quantity %s of a unit product was accepted", q)
		}
		if after := r.Snapshot(); !reflect.DeepEqual(before.Cart.Lines, after.Cart.Lines) {
			t.Error("a refusal changed the cart")
		}
	}
	r.Select(99)
	if s := r.Snapshot(); s.Selected != 1 {
		t.Errorf("selected %d", s.Selected)
	}
	id := r.Snapshot().Cart.ID
	must(t, r.Void("cambió de idea"))
	if s := r.Snapshot(); len(s.Cart.Lines) != 0 || s.Cart.ID == id || s.Selected != -1 {
		t.Errorf("void: %+v", s)
	}
}

func TestScanRefuses(t *testing.T) {
	r, _ := newRegister(t)
	for _, text := range []string{"", "  ", "*", "3*", "x*100", "-1*100", "0*100", "1,5*7801234567894", "999999999*100", "desconocido", strings.Repeat("9", 5000)} {
		if l, err := r.Scan(text); err == nil {
			t.Errorf("%q added %+v", text, l)
		}
	}
	if _, err := r.Scan("7800000000000"); !errors.Is(err, sale.ErrNotFound) || !strings.Contains(err.Error(), "7800000000000") {
		t.Errorf("an unknown code: %v", err)
	}
	if n := len(r.Snapshot().Cart.Lines); n != 0 {
		t.Errorf("%d lines", n)
	}
}

func TestStages(t *testing.T) {
	r, j := newRegister(t)
	if err := r.Charge(); err == nil {
		t.Error("charged an empty cart")
	}
	if _, err := r.Issue(); err == nil {
		t.Error("issued without charging")
	}
	if err := r.Tender(sale.Efectivo, 0, ""); err == nil {
		t.Error("took money while selling")
	}
	scan(t, r, "7801234567894")
	must(t, r.Charge())
	if _, err := r.Scan("100"); err == nil {
		t.Error("scanned while paying")
	}
	if _, err := r.Issue(); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("issued unpaid: %v", err)
	}
	for name, err := range map[string]error{
		"card above due": r.Tender(sale.Tarjeta, 5000, ""), "negative": r.Tender(sale.Efectivo, -10, ""), "odd coins": r.Tender(sale.Efectivo, 1001, ""),
		"unknown means": r.Tender("bitcoin", 0, ""),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	must(t, r.Tender(sale.Tarjeta, 1000, "1"))
	r.Back()
	if s := r.Snapshot(); s.Stage != sale.Selling || len(s.Cart.Lines) != 1 || len(s.Payment.Tenders) != 0 {
		t.Errorf("back: %+v", s)
	}
	must(t, r.Charge())
	must(t, r.Tender(sale.Efectivo, 0, ""))
	if err := r.Tender(sale.Tarjeta, 0, ""); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("paid twice: %v", err)
	}
	first, err := r.Issue()
	must(t, err)
	if _, err := r.Issue(); err == nil {
		t.Error("issued twice")
	}
	scan(t, r, "100") // begins the next sale by itself
	if s := r.Snapshot(); s.Stage != sale.Selling || len(s.Cart.Lines) != 1 || s.Cart.ID == first.ID {
		t.Errorf("after done: %+v", s)
	}
	j.saveErr = errors.New("disco lleno")
	before := r.Snapshot().Cart.Lines
	if _, err := r.Scan("100"); err == nil || !reflect.DeepEqual(before, r.Snapshot().Cart.Lines) {
		t.Error("a cart that could not be saved was shown")
	}
}

func TestTheCartSurvives(t *testing.T) {
	d, _ := newDeps(t)
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "2*7801234567894")
	must(t, r.SetReceptor(buyer()))
	must(t, r.SetTipo(dte.Factura))
	again, err := sale.NewRegister(d)
	must(t, err)
	if a, b := r.Snapshot(), again.Snapshot(); a.Cart.ID != b.Cart.ID || !reflect.DeepEqual(a.Cart.Lines, b.Cart.Lines) || b.Tipo != dte.Factura {
		t.Errorf("before %+v\nafter %+v", a, b)
	}
}

func TestNoFolios(t *testing.T) {
	d, _ := newDeps(t)
	d.Journal = sale.NewMemory()
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "100")
	if err := r.Charge(); !errors.Is(err, sale.ErrNoFolios) {
		t.Errorf("charged without folios: %v", err)
	}
	if s := r.Snapshot(); s.Stage != sale.Selling || len(s.Cart.Lines) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestShift(t *testing.T) {
	r, _ := newRegister(t)
	if err := r.OpenShift(-1); err == nil {
		t.Error("negative float")
	}
	must(t, r.OpenShift(20_000))
	scan(t, r, "7801234567894")
	if _, err := r.CloseShift(0); err == nil {
		t.Error("closed with a sale open")
	}
	must(t, r.Charge())
	must(t, r.Tender(sale.Efectivo, 0, ""))
	_, err := r.Issue()
	must(t, err)
	s, err := r.CloseShift(21_980)
	must(t, err)
	if s.Sales != 1 || s.Difference != -10 || s.Open() {
		t.Errorf("%+v", s)
	}
}

func TestIssueOrder(t *testing.T) {
	d, j := newDeps(t)
	order := sale.Order{ID: "a", Draft: dtetest.Draft(dte.Factura, dtetest.Today())}
	first, err := sale.IssueOrder(d, order)
	must(t, err)
	again, err := sale.IssueOrder(d, order)
	must(t, err)
	if first.Key != again.Key || j.issues != 1 {
		t.Errorf("the same ID made %s and %s", first.Key, again.Key)
	}
	if len(first.Lines) == 0 || first.Total == 0 {
		t.Errorf("record: %+v", first)
	}
	left, _ := j.FoliosLeft(dte.Factura, dtetest.Today())
	bad := order
	bad.ID, bad.Draft.Detalle = "b", nil
	var faults dte.FaultErrors
	if _, err := sale.IssueOrder(d, bad); !errors.As(err, &faults) {
		t.Errorf("a bad draft: %v", err)
	}
	bad = order
	bad.ID, bad.Payment = "c", sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1, Received: 1}}}
	if _, err := sale.IssueOrder(d, bad); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("a bad payment: %v", err)
	}
	bad.Payment = sale.Payment{Tenders: []sale.Tender{{Method: sale.Tarjeta, Amount: first.Total + 1, Received: first.Total + 1}}, Rounding: 1}
	if _, err := sale.IssueOrder(d, bad); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("rounding without cash: %v", err)
	}
	if _, err := sale.IssueOrder(d, sale.Order{Draft: order.Draft}); err == nil {
		t.Error("an order without ID was issued")
	}
	if now, _ := j.FoliosLeft(dte.Factura, dtetest.Today()); now != left {
		t.Errorf("refusals took %d folios", left-now)
	}
}

// A note of credit repeats the amounts of what it annuls, to the peso, for boletas (gross) and facturas.
func TestCreditNote(t *testing.T) {
	d, j := newDeps(t)
	for i, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.FacturaExenta} {
		draft := dtetest.Draft(tipo, dtetest.Today())
		if tipo == dte.Boleta {
			draft.Detalle = slices.Repeat(draft.Detalle[:1], 70) // more lines than a note holds
		}
		rec, err := sale.IssueOrder(d, sale.Order{ID: sale.ID(fmt.Sprint("s", i)), Draft: draft})
		must(t, err)
		xml, _, err := j.Document(rec.Key)
		must(t, err)
		doc, err := dte.Parse(xml)
		must(t, err)
		paid := sale.Payment{Rounding: -2, Change: 20, Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: rec.Total - 2, Received: rec.Total + 18}}}
		order, err := sale.CreditNote(sale.ID(fmt.Sprint("n", i)), doc, paid, "Anula documento")
		must(t, err)
		if p := order.Payment; p.Rounding != -2 || p.Change != 0 || p.Tenders[0].Received != rec.Total-2 {
			t.Errorf("%s: the refund does not mirror the payment: %+v", tipo, p)
		}
		order.Payment = sale.Payment{}
		note, err := sale.IssueOrder(d, order)
		if err != nil {
			t.Errorf("%s: %v", tipo, err)
			continue
		}
		xml, _, err = j.Document(note.Key)
		must(t, err)
		read, err := dte.Verify(xml, dtetest.Trust())
		must(t, err)
		if got, want := read.Totales, doc.Totales; got.MntTotal != want.MntTotal || got.MntNeto != want.MntNeto || got.IVA != want.IVA || got.MntExe != want.MntExe {
			t.Errorf("%s: note %+v of %+v", tipo, got, want)
		}
		if read.Referencia[0].FolioRef != doc.Folio.String() || read.Referencia[0].CodRef != dte.Anula {
			t.Errorf("%s: %+v", tipo, read.Referencia)
		}
	}
}

// Random gestures: whatever a cashier does, no error changes the cart, the total is the sum of the lines, and every
// issued document says what the screen said.
func TestRandomGestures(t *testing.T) {
	d, j := newDeps(t)
	for _, tipo := range []dte.TipoDTE{dte.Boleta, dte.BoletaExenta, dte.Factura, dte.FacturaExenta} {
		caf, _ := dtetest.CAF(saletest.Shop().Emisor.RUT, tipo, 1000, 99_000, dtetest.FA())
		must(t, j.AddCAF(caf))
	}
	d.Prices = book(t,
		price.Rule{Name: "3×2 en bebidas", Kind: price.NxM, Products: []string{"7801234567894"}, Take: 3, Pay: 2},
		price.Rule{Name: "Mayorista", Kind: price.Precio, Products: []string{"300"}, Price: money.PerUnit(4), From: money.Units(6)},
		price.Rule{Name: "Todo al 5 %", Kind: price.Descuento, All: true, Pct: 500, Weighed: true, Stackable: true},
	)
	rapid.Check(t, func(t *rapid.T) {
		r, err := sale.NewRegister(d)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 40).Draw(t, "gestures") {
			before := r.Snapshot()
			err := gesture(t, r)
			after := r.Snapshot()
			if err != nil && before.Stage != sale.Done && !reflect.DeepEqual(before.Cart.Lines, after.Cart.Lines) {
				t.Fatalf("%v changed the cart", err)
			}
			var sum money.Pesos
			for _, l := range after.Cart.Lines {
				sum += l.Total
			}
			if sum -= after.Cart.Rebaja.Total(); sum != after.Total {
				t.Fatalf("total %d of lines %d", after.Total, sum)
			}
			if before.Stage == sale.Paying && after.Stage == sale.Done {
				xml, rec, err := j.Document(after.Last.Key)
				if err != nil {
					t.Fatal(err)
				}
				doc, err := dte.Parse(xml)
				if err != nil || doc.Totales.MntTotal != before.Total || rec.Total != before.Total || !bytes.Equal(doc.XML, xml) {
					t.Fatalf("issued %v, shown %d: %v", doc.Totales, before.Total, err)
				}
			}
		}
		if r.Snapshot().Stage == sale.Paying {
			r.Back()
		}
		_ = r.Void("cambió de idea")
	})
}

func gesture(t *rapid.T, r *sale.Register) (err error) {
	switch rapid.IntRange(0, 15).Draw(t, "gesture") {
	case 0, 1, 2:
		_, err = r.Scan(rapid.SampledFrom([]string{"7801234567894", "0,5*100", "200", "3*300", "no"}).Draw(t, "code"))
	case 3:
		r.Select(rapid.IntRange(-1, 5).Draw(t, "line"))
	case 4:
		err = r.Bump(rapid.Int64Range(-3, 3).Draw(t, "n"))
	case 5:
		err = r.Remove()
	case 6:
		err = r.Charge()
	case 7, 8:
		method := rapid.SampledFrom([]sale.Method{sale.Efectivo, sale.Tarjeta}).Draw(t, "method")
		err = r.Tender(method, money.Pesos(rapid.Int64Range(0, 300).Draw(t, "tens")*10), "")
	case 9:
		_, err = r.Issue()
	case 10:
		r.Back()
	case 11:
		if err = r.SetReceptor(buyer()); err == nil {
			err = r.SetTipo(rapid.SampledFrom([]dte.TipoDTE{0, dte.Factura}).Draw(t, "tipo"))
		}
	case 12:
		err = r.SetLineOff(anyOff(t))
	case 13:
		err = r.SetTicketOff(anyOff(t))
	case 14:
		err = r.SetPrice(money.PerUnit(money.Pesos(rapid.Int64Range(0, 3000).Draw(t, "price"))), "oferta")
	case 15:
		err = r.SetNote("frío")
	}
	return err
}

func anyOff(t *rapid.T) price.Off {
	if rapid.Bool().Draw(t, "percent") {
		return price.Off{Pct: money.Rate(rapid.IntRange(0, 9000).Draw(t, "pct")), By: price.By{Why: "caja golpeada"}}
	}
	return price.Off{Pesos: money.Pesos(rapid.Int64Range(0, 2000).Draw(t, "pesos")), By: price.By{Why: "caja golpeada"}}
}

// doubtful stores the sale and says that nobody knows, once; or it does not store it.
type doubtful struct {
	*sale.Memory
	stores, silent bool
	failures       int
	hush           bool // silent from the failure on
}

func (j *doubtful) Issue(id sale.ID, tipo dte.TipoDTE, at time.Time, build func(sale.Grant) (sale.Issued, error)) (sale.Record, error) {
	if j.failures == 0 {
		return j.Memory.Issue(id, tipo, at, build)
	}
	j.failures--
	j.silent = j.silent || j.hush
	if j.stores {
		if _, err := j.Memory.Issue(id, tipo, at, build); err != nil {
			return sale.Record{}, err
		}
	}
	return sale.Record{}, sale.ErrUnknown
}

func (j *doubtful) Sale(id sale.ID) (sale.Record, error) {
	if j.silent {
		return sale.Record{}, errors.New("no se puede leer")
	}
	return j.Memory.Sale(id)
}

// Whoever goes back after an issue of unknown fate neither changes a sale that is stored nor makes a second one of it.
func TestBackAfterAnUnknownIssueAsksFirst(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("stored ", stored), func(t *testing.T) {
			d, plain := newDeps(t)
			j := &doubtful{Memory: plain.Memory, stores: stored, failures: 1}
			d.Journal = j
			r, err := sale.NewRegister(d)
			must(t, err)
			scan(t, r, "7801234567894")
			must(t, r.Charge())
			must(t, r.Tender(sale.Tarjeta, 0, "1"))
			if _, err := r.Issue(); !errors.Is(err, sale.ErrUnknown) {
				t.Fatal(err)
			}
			j.silent = true
			if r.Back(); r.Snapshot().Stage != sale.Paying {
				t.Fatal("left a sale that may be stored")
			}
			if _, err := r.Scan("300"); err == nil {
				t.Fatal("changed a sale that may be stored")
			}
			j.silent = false
			r.Back()
			s := r.Snapshot()
			if !stored {
				if s.Stage != sale.Selling || len(s.Cart.Lines) != 1 {
					t.Errorf("%+v", s)
				}
				return
			}
			if s.Stage != sale.Done || s.Last == nil || s.Last.Key.Folio != 1 {
				t.Fatalf("%+v", s)
			}
			scan(t, r, "300")
			if s := r.Snapshot(); s.Cart.ID == s.Last.ID || len(s.Cart.Lines) != 1 {
				t.Errorf("the next sale: %+v", s.Cart)
			}
		})
	}
}

// notReady is a journal that cannot issue, for instance because it was restored.
type notReady struct{ *sale.Memory }

var errHeld = errors.New("la caja fue restaurada")

func (notReady) Ready(time.Time) error { return errHeld }

// Nobody pays for what cannot be issued: charging already says so.
func TestChargeRefusesWhatCannotBeIssued(t *testing.T) {
	d, j := newDeps(t)
	d.Journal = notReady{j.Memory}
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "300")
	if err := r.Charge(); !errors.Is(err, errHeld) || r.Snapshot().Stage != sale.Selling {
		t.Errorf("a held till: %v", err)
	}
	d.Journal = j
	d.Signer = dtetest.SignerValid(11111111, dtetest.Now().AddDate(-3, 0, 0), dtetest.Now().AddDate(0, 0, -1))
	r, err = sale.NewRegister(d)
	must(t, err)
	if err := r.Charge(); !errors.Is(err, dte.ErrCertificateExpired) || r.Snapshot().Stage != sale.Selling {
		t.Errorf("an expired certificate: %v", err)
	}
}

// The folios of facturas expire at midnight while one is being paid: nothing is issued, nothing is lost, and the buyer
// can have a boleta.
func TestFoliosExpireWhileACartIsOpen(t *testing.T) {
	d, _ := newDeps(t)
	last := dtetest.FA().AddMonths(6)
	now := time.Date(last.Year, last.Month, last.Day, 23, 59, 0, 0, dte.Santiago)
	d.Now = func() time.Time { return now }
	d.Signer = dtetest.SignerValid(11111111, dtetest.Now(), now.AddDate(1, 0, 0))
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "7801234567894")
	must(t, r.SetReceptor(buyer()))
	must(t, r.SetTipo(dte.Factura))
	must(t, r.Charge())
	must(t, r.Tender(sale.Efectivo, 0, ""))
	now = now.Add(2 * time.Minute)
	if _, err := r.Issue(); !errors.Is(err, sale.ErrNoFolios) {
		t.Fatalf("issued with folios of yesterday: %v", err)
	}
	r.Back()
	if err := r.Charge(); !errors.Is(err, sale.ErrNoFolios) {
		t.Errorf("charged without folios: %v", err)
	}
	must(t, r.SetTipo(0))
	must(t, r.Charge())
	must(t, r.Tender(sale.Efectivo, 0, ""))
	rec, err := r.Issue()
	must(t, err)
	if rec.Key.Tipo != dte.Boleta || len(rec.Lines) != 1 {
		t.Errorf("%+v", rec)
	}
}

func TestAddTakesNothingAway(t *testing.T) {
	r, _ := newRegister(t)
	scan(t, r, "3*300")
	if _, err := r.Add(products[3], -money.One); err == nil {
		t.Error("a negative quantity was added")
	}
	if s := r.Snapshot(); s.Cart.Lines[0].Qty != money.Units(3) {
		t.Errorf("%+v", s.Cart)
	}
}

// What another program says of a payment is checked as the till's own: known means, coins that exist, change that adds up.
func TestPaymentsThatCannotBe(t *testing.T) {
	d, j := newDeps(t)
	draft := dte.Draft{Tipo: dte.Boleta, Detalle: []dte.Linea{{Nombre: "X", Monto: 1235}}}
	for name, p := range map[string]sale.Payment{
		"unknown means":       {Tenders: []sale.Tender{{Method: "canje", Amount: 1235, Received: 1235}}},
		"cash in pesos":       {Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1235, Received: 1235}}},
		"change from a card":  {Tenders: []sale.Tender{{Method: sale.Tarjeta, Amount: 1235, Received: 2000}}, Change: 765},
		"change too big":      {Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1230, Received: 2000}}, Rounding: -5, Change: 1770},
		"change forgotten":    {Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1230, Received: 2000}}, Rounding: -5},
		"rounded up":          {Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1240, Received: 1240}}, Rounding: 5},
		"short of the total":  {Tenders: []sale.Tender{{Method: sale.Transferencia, Amount: 1000, Received: 1000}}},
		"more than the total": {Tenders: []sale.Tender{{Method: sale.Transferencia, Amount: 2000, Received: 2000}}},
		"a part below zero": {Tenders: []sale.Tender{
			{Method: sale.Transferencia, Amount: 2000, Received: 2000}, {Method: sale.Tarjeta, Amount: -765, Received: -765},
		}},
		"overflow": {Tenders: slices.Repeat([]sale.Tender{{Method: sale.Tarjeta, Amount: money.MaxPesos, Received: money.MaxPesos}}, 3)},
	} {
		if _, err := sale.IssueOrder(d, sale.Order{ID: "x", Draft: draft, Payment: p}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	good := sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1230, Received: 2000}}, Rounding: -5, Change: 770}
	if _, err := sale.IssueOrder(d, sale.Order{ID: "x", Draft: draft, Payment: good}); err != nil {
		t.Error(err)
	}
	if _, err := sale.IssueOrder(d, sale.Order{ID: sale.ID(strings.Repeat("x", 40_000)), Draft: draft}); err == nil || j.issues != 1 {
		t.Errorf("an endless ID: %v, %d issues", err, j.issues)
	}
}

func book(t testing.TB, rules ...price.Rule) *price.Book {
	t.Helper()
	b, bad := price.Compile(rules)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return b
}

// What a rule or a hand does to a price is on the screen, in the record and in the document, to the peso, and says why.
func TestPricesHaveOnePathToTheDocument(t *testing.T) {
	d, j := newDeps(t)
	d.Prices = book(t, price.Rule{Name: "3×2 en bebidas", Kind: price.NxM, Products: []string{"7801234567894"}, Take: 3, Pay: 2})
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "3*7801234567894", "200")
	must(t, r.SetLineOff(price.Off{Pct: 1000, By: price.By{Why: "cliente frecuente"}}))
	must(t, r.SetTicketOff(price.Off{Pesos: 500, By: price.By{Why: "vale del diario"}}))
	s := r.Snapshot()
	cola, pasaje := s.Cart.Lines[0], s.Cart.Lines[1]
	if cola.Total != 2*1990 || price.Explain(cola.Why) != "Precio de lista 1.990 → 3×2 en bebidas −1.990" {
		t.Errorf("%+v: %s", cola, price.Explain(cola.Why))
	}
	if pasaje.Total != 1111 || pasaje.Descuento != 124 { // 1.235 less 123,5
		t.Errorf("%+v", pasaje)
	}
	if s.Total != 2*1990+1111-500 {
		t.Errorf("total %s", s.Total)
	}
	must(t, r.Charge())
	must(t, r.Tender(sale.Tarjeta, 0, "1"))
	rec, err := r.Issue()
	must(t, err)
	xml, _, err := j.Document(rec.Key)
	must(t, err)
	doc, err := dte.Parse(xml)
	if err != nil || doc.Totales.MntTotal != s.Total || rec.Total != s.Total || doc.Montos[0] != cola.Total || len(rec.Lines[0].Why) != 2 {
		t.Errorf("%+v %v", doc, err)
	}
	events, err := j.Events(10)
	if err != nil || len(events) != 2 || events[0].Amount != 500 || events[1].Amount != 124 || events[1].What != "Pasaje: cliente frecuente" {
		t.Errorf("%+v %v", events, err)
	}
}

// News from the office change no price under an open cart, and every price of the next one.
func TestPricesChangeBetweenSales(t *testing.T) {
	d, _ := newDeps(t)
	r, err := sale.NewRegister(d)
	must(t, err)
	scan(t, r, "7801234567894")
	r.SetPrices(book(t, price.Rule{Name: "Liquidación", Kind: price.Precio, Products: []string{"7801234567894"}, Price: money.PerUnit(990)}))
	scan(t, r, "7801234567894")
	if total := r.Snapshot().Total; total != 2*1990 {
		t.Errorf("under the open cart: %s", total)
	}
	must(t, r.Void("otra"))
	scan(t, r, "7801234567894")
	if total := r.Snapshot().Total; total != 990 {
		t.Errorf("in the next one: %s", total)
	}
}

// What a person may not do to a price is refused in words and changes nothing.
func TestDiscountsByHandAreRefused(t *testing.T) {
	r, _ := newRegister(t)
	why := price.By{Why: "porque sí"}
	if err := r.SetTicketOff(price.Off{Pct: 100, By: why}); err == nil {
		t.Error("a discount on nothing")
	}
	if err := r.SetLineOff(price.Off{Pct: 100, By: why}); err == nil {
		t.Error("a discount on no line")
	}
	scan(t, r, "7801234567894")
	for _, off := range []price.Off{{Pct: 10_001, By: why}, {Pct: -1, By: why}, {Pesos: -1, By: why}, {Pct: 1, Pesos: 1, By: why}, {Pct: 100}, {Pesos: 5}} {
		if r.SetLineOff(off) == nil || r.SetTicketOff(off) == nil {
			t.Errorf("%+v was accepted", off)
		}
	}
	if r.SetPrice(-1, "x") == nil || r.SetPrice(money.PerUnit(5), "") == nil || r.SetNote(strings.Repeat("x", 81)) == nil {
		t.Error("a price or a note that cannot be")
	}
	if total := r.Snapshot().Total; total != 1990 {
		t.Errorf("total %s", total)
	}
	must(t, r.SetPrice(money.PerUnit(1500), "golpeado"))
	must(t, r.SetNote("  para   llevar "))
	l := r.Snapshot().Cart.Lines[0]
	if l.Total != 1500 || l.Nota != "para llevar" || price.Explain(l.Why) == "" {
		t.Errorf("%+v", l)
	}
	scan(t, r, "7801234567894") // at the shop's price: a line of its own
	if lines := r.Snapshot().Cart.Lines; len(lines) != 2 || lines[1].Total != 1990 {
		t.Errorf("%+v", lines)
	}
}
