package sale_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// What a counter knows of each means of payment, for tests.
const debtorLimit money.Pesos = 900_000_000

var counterMethods = []sale.Method{
	sale.Efectivo, sale.Debito, sale.Credito, sale.Transferencia, sale.Cheque, sale.Vale, sale.Fiado,
}

// tenderOf is a tender with all that its method asks for.
func tenderOf(m sale.Method, amount money.Pesos) sale.Tender {
	t := sale.Tender{Method: m, Received: amount}
	switch m {
	case sale.Cheque:
		t.Cheque = sale.ChequeData{Banco: "Banco del Sur", Numero: "1234567"}
	case sale.Vale:
		t.Reference = "VTEST"
	case sale.Debito, sale.Credito, sale.Transferencia:
		t.Reference = "004512"
	}
	return t
}

// withCredit gives the till a vale with plenty on it and a customer who may owe as much.
func (c *counter) withCredit() {
	c.t.Helper()
	_, err := sale.SetCreditLimit(c.deps.Journal, "cupo", c.deps.Now(), buyer().RUT, debtorLimit, "Rosa")
	must(c.t, err)
	_, err = c.deps.Journal.Move(sale.Movement{Account: sale.ValeAccount("VTEST"), At: c.deps.Now(), Kind: sale.MoveReturn, ID: "vale", Amount: debtorLimit})
	must(c.t, err)
}

// byDigit is what law 20.956 does to an amount in cash, by its last digit.
var byDigit = map[byte]money.Pesos{'0': 0, '1': -1, '2': -2, '3': -3, '4': -4, '5': -5, '6': 4, '7': 3, '8': 2, '9': 1}

func rounded(n money.Pesos) money.Pesos {
	text := fmt.Sprintf("%d", int64(n))
	return n + byDigit[text[len(text)-1]]
}

// handBack gives back one peso after the other: first of what is owed, then of each other means in its turn, and what is
// left in cash, rounded; all the cash with the last peso.
func handBack(paid []sale.Tender, total, returned money.Pesos) map[sale.Method]money.Pesos {
	back, cash := map[sale.Method]money.Pesos{}, money.Pesos(0)
	order := []sale.Tender{}
	for _, owes := range []bool{true, false} {
		for _, t := range paid {
			if (t.Method == sale.Fiado) == owes && t.Method != sale.Efectivo {
				order = append(order, t)
			}
		}
	}
	for range int(returned) {
		i := slices.IndexFunc(order, func(t sale.Tender) bool { return back[t.Method] < t.Amount })
		if i < 0 {
			cash++
			continue
		}
		back[order[i].Method]++
	}
	for _, t := range paid {
		if t.Method == sale.Efectivo {
			back[sale.Efectivo] = min(t.Amount, rounded(cash))
			if returned == total {
				back[sale.Efectivo] = t.Amount
			}
		}
	}
	return back
}

func amounts(p sale.Payment) map[sale.Method]money.Pesos {
	sums := map[sale.Method]money.Pesos{}
	for _, t := range p.Tenders {
		sums[t.Method] += t.Amount
	}
	return sums
}

// less is what of want was not in before; nothing is left out.
func less(want, before map[sale.Method]money.Pesos) map[sale.Method]money.Pesos {
	rest := map[sale.Method]money.Pesos{}
	for m, p := range want {
		if p -= before[m]; p != 0 {
			rest[m] = p
		}
	}
	return rest
}

// mixes are all pairs in both orders, and all triples in an order and its reverse.
func mixes() (list [][]sale.Method) {
	ms := counterMethods
	for i, a := range ms {
		for j, b := range ms {
			if i != j {
				list = append(list, []sale.Method{a, b})
			}
			for k, c := range ms {
				if i < j && j < k {
					list = append(list, []sale.Method{a, b, c}, []sale.Method{c, b, a})
				}
			}
		}
	}
	return list
}

// Every last digit with every mix of two and of three means of payment: only the cash that ends a payment is rounded, and
// a whole return, a part and the rest of it give back what each means gave.
func TestMixedPaymentsAndTheirRefunds(t *testing.T) {
	for _, mix := range mixes() {
		x := newTill(t)
		x.withCredit()
		for ending := range 10 {
			name := fmt.Sprintf("%v ending in %d", mix, ending)
			total := money.Pesos(3*1230 + ending)
			x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(1230)}, sale.Product{Codigo: "B", Nombre: "B", Prc: money.PerUnit(max(1, money.Pesos(ending)))})
			x.mixed(name, total, ending, mix)
		}
	}
}

func (c *counter) mixed(name string, total money.Pesos, ending int, mix []sale.Method) {
	t := c.t
	t.Helper()
	scan(t, c.register, "A")
	must(t, c.register.SetQty(money.Units(3)))
	if ending > 0 {
		scan(t, c.register, "B")
	}
	must(t, c.register.SetReceptor(buyer()))
	must(t, c.register.Charge())
	want, left := map[sale.Method]money.Pesos{}, total
	for i, m := range mix {
		amount := []money.Pesos{500, 1110}[min(i, 1)]
		if m != sale.Efectivo {
			amount += 7 // only cash comes in tens
		}
		if i == len(mix)-1 {
			if amount = left; m == sale.Efectivo {
				amount = rounded(left)
			}
			must(t, c.register.Pay(c.rest(m, left)))
		} else {
			must(t, c.register.Pay(tenderOf(m, amount)))
		}
		want[m] = amount
		left -= amount
	}
	p := c.register.Snapshot().Payment
	if got := amounts(p); !equal(got, want) || p.Rounding != -left || p.Change != 0 {
		t.Fatalf("%s: paid %v rounded by %d with change %d, want %v rounded by %d", name, got, p.Rounding, p.Change, want, -left)
	}
	r, err := c.register.Issue()
	must(t, err)
	c.register.Next()
	c.comesBack(name, r, ending)
}

// rest pays what is left, without saying how much where the till may work it out.
func (c *counter) rest(m sale.Method, left money.Pesos) sale.Tender {
	t := tenderOf(m, 0)
	if left%2 == 0 {
		t.Received = left
		if m == sale.Efectivo {
			t.Received = rounded(left)
		}
	}
	return t
}

func (c *counter) comesBack(name string, r sale.Record, ending int) {
	t := c.t
	t.Helper()
	part := []sale.ReturnedLine{back(r.Key, 1, money.One)}
	rest := []sale.ReturnedLine{back(r.Key, 1, money.Units(2))}
	if ending > 0 {
		rest = append(rest, back(r.Key, 2, money.One))
	}
	whole := slices.Clone(rest)
	whole[0].Qty = money.Units(3)
	plan := func(lines []sale.ReturnedLine, want map[sale.Method]money.Pesos) {
		t.Helper()
		worth, refund, err := sale.PlanReturn(c.deps, sale.Return{ID: "p", Reason: "x", Lines: lines})
		if got := amounts(refund); err != nil || !equal(got, want) {
			t.Fatalf("%s: a return worth %d gives back %v, want %v (%v)", name, worth, got, want, err)
		}
	}
	all, some := handBack(r.Payment.Tenders, r.Total, r.Total), less(handBack(r.Payment.Tenders, r.Total, 1230), nil)
	plan(whole, less(all, nil))
	plan(part, some)
	id, err := sale.NewID(c.deps.Rand)
	must(t, err)
	_, err = sale.TakeBack(c.deps, sale.Return{ID: id, Reason: "x", Lines: part})
	must(t, err)
	plan(rest, less(all, some))
}

func equal(a, b map[sale.Method]money.Pesos) bool {
	return len(less(a, b)) == 0 && len(less(b, a)) == 0
}

// Change is given of cash only, whatever was paid before it.
func TestChangeIsOfCash(t *testing.T) {
	for _, first := range counterMethods[1:] {
		x := newTill(t)
		x.withCredit()
		x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(1236)})
		scan(t, x.register, "A")
		must(t, x.register.SetReceptor(buyer()))
		must(t, x.register.Charge())
		if err := x.register.Pay(tenderOf(first, 2000)); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "más que los") {
			t.Errorf("%s gives change: %v", first, err)
		}
		must(t, x.register.Pay(tenderOf(first, 200)))
		must(t, x.register.Tender(sale.Efectivo, 2000, ""))
		if p := x.register.Snapshot().Payment; p.Change != 960 || p.Rounding != 4 {
			t.Errorf("%s: change %d, rounded by %d", first, p.Change, p.Rounding)
		}
	}
}

// Nothing that could be a card's number is taken, and nobody pays with what he does not have.
func TestTendersThatAreRefused(t *testing.T) {
	x := newTill(t)
	x.withCredit()
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(10_000)})
	scan(t, x.register, "A")
	must(t, x.register.Charge())
	with := func(m sale.Method, change func(*sale.Tender)) sale.Tender {
		tender := tenderOf(m, 0)
		change(&tender)
		return tender
	}
	for name, c := range map[string]struct {
		tender sale.Tender
		words  string
	}{
		"a card's number":           {with(sale.Debito, func(t *sale.Tender) { t.Reference = "4539 5787 6362 1486" }), "número de tarjeta"},
		"a card's number, cheque":   {with(sale.Cheque, func(t *sale.Tender) { t.Cheque.Numero = "4539578763621486" }), "número de tarjeta"},
		"instalments of debit":      {with(sale.Debito, func(t *sale.Tender) { t.Cuotas = 3 }), "cuotas"},
		"too many instalments":      {with(sale.Credito, func(t *sale.Tender) { t.Cuotas = 49 }), "cuotas"},
		"a cheque of no bank":       {with(sale.Cheque, func(t *sale.Tender) { t.Cheque.Banco = " " }), "banco"},
		"a cheque without a number": {with(sale.Cheque, func(t *sale.Tender) { t.Cheque.Numero = "A1" }), "número del cheque"},
		"no vale":                   {with(sale.Vale, func(t *sale.Tender) { t.Reference = "" }), "código del vale"},
		"an unknown vale":           {with(sale.Vale, func(t *sale.Tender) { t.Reference = "VNADIE" }), "no existe"},
		"fiado to nobody":           {tenderOf(sale.Fiado, 0), "cliente con RUT"},
		"a means that is none":      {sale.Tender{Method: "trueque"}, "no existe"},
	} {
		if err := x.register.Pay(c.tender); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p := x.register.Snapshot().Payment; len(p.Tenders) != 0 {
		t.Errorf("something was taken: %+v", p)
	}
}

// A customer owes up to his limit and no more, a vale pays what it has.
func TestValeAndFiadoAtTheCounter(t *testing.T) {
	x := newTill(t)
	_, err := x.deps.Journal.Move(sale.Movement{Account: sale.ValeAccount("VTEST"), Kind: sale.MoveReturn, ID: "v", Amount: 3000})
	must(t, err)
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(10_000)})
	scan(t, x.register, "A")
	must(t, x.register.SetReceptor(buyer()))
	must(t, x.register.Charge())
	if err := x.register.Pay(tenderOf(sale.Fiado, 0)); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "no tiene cupo") {
		t.Errorf("without a limit: %v", err)
	}
	_, err = sale.SetCreditLimit(x.deps.Journal, "c", x.deps.Now(), buyer().RUT, 6000, "Rosa")
	must(t, err)
	if err := x.register.Pay(tenderOf(sale.Fiado, 0)); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "6.000") {
		t.Errorf("all of it: %v", err)
	}
	must(t, x.register.Pay(sale.Tender{Method: sale.Vale, Reference: " v-test "}))
	if s := x.register.Snapshot(); s.Due != 7000 {
		t.Errorf("the vale paid %v", s.Payment)
	}
	if err := x.register.Pay(tenderOf(sale.Vale, 1)); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("the vale has nothing left: %v", err)
	}
	must(t, x.register.Pay(tenderOf(sale.Fiado, 6000)))
	must(t, x.register.Tender(sale.Efectivo, 0, ""))
	r, err := x.register.Issue()
	must(t, err)
	for a, want := range map[sale.Account]money.Pesos{sale.ValeAccount("VTEST"): 0, sale.CreditAccount(buyer().RUT): 6000} {
		if m, err := x.deps.Journal.Account(a); err != nil || m.Balance != want || m.Key != r.Key {
			t.Errorf("%s: %+v, %v", a, m, err)
		}
	}
}

// What a customer owes already, and what this payment adds to it, count towards the limit.
func TestTheLimitCountsAllThatIsOwed(t *testing.T) {
	x := newTill(t)
	_, err := sale.SetCreditLimit(x.deps.Journal, "c", x.deps.Now(), buyer().RUT, 6000, "Rosa")
	must(t, err)
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(10_000)})
	charge := func() {
		scan(t, x.register, "A")
		must(t, x.register.SetReceptor(buyer()))
		must(t, x.register.Charge())
	}
	charge()
	must(t, x.register.Pay(tenderOf(sale.Fiado, 2500)))
	must(t, x.register.Tender(sale.Efectivo, 0, ""))
	_, err = x.register.Issue()
	must(t, err)
	charge()
	must(t, x.register.Pay(tenderOf(sale.Fiado, 1500)))
	if err := x.register.Pay(tenderOf(sale.Fiado, 2001)); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "$2.000 más") {
		t.Errorf("2.500 owed, 1.500 of this sale, and 2.001 more: %v", err)
	}
	must(t, x.register.Pay(tenderOf(sale.Fiado, 2000)))
}

// Coins end at ten pesos, and a payment has an end.
func TestCashAndPartsHaveTheirLimits(t *testing.T) {
	x := newTill(t)
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(100_000)})
	scan(t, x.register, "A")
	must(t, x.register.Charge())
	if err := x.register.Tender(sale.Efectivo, 1005, ""); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "monedas") {
		t.Errorf("five pesos: %v", err)
	}
	if err := x.register.Tender(sale.Debito, -1, ""); !errors.Is(err, sale.ErrPayment) {
		t.Errorf("less than nothing: %v", err)
	}
	for range 20 {
		must(t, x.register.Tender(sale.Debito, 10, "1"))
	}
	if err := x.register.Tender(sale.Debito, 10, "1"); !errors.Is(err, sale.ErrPayment) || !strings.Contains(err.Error(), "caben 20 medios") {
		t.Errorf("part 21: %v", err)
	}
	if p := x.register.Snapshot().Payment; len(p.Tenders) != 20 {
		t.Errorf("%d parts", len(p.Tenders))
	}
}

// A vale in the place of cash is worth what the cash would have been, and can be spent.
func TestReturnForAVale(t *testing.T) {
	x := newTill(t)
	x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(1236)})
	r := sold(t, x.register, map[string]money.Qty{"A": money.Units(2)}, []string{"A"}, sale.Debito, sale.Efectivo)
	note, err := sale.TakeBack(x.deps, sale.Return{ID: "dev", Reason: "x", AsVale: true, Lines: []sale.ReturnedLine{back(r.Key, 1, money.Units(2))}})
	must(t, err)
	code := sale.NewValeCode("dev")
	if got := amounts(note.Payment); !equal(got, map[sale.Method]money.Pesos{sale.Debito: 1000, sale.Vale: 1470}) || len(code) != 8 {
		t.Fatalf("given back: %v with %s", note.Payment, code)
	}
	scan(t, x.register, "A")
	must(t, x.register.Charge())
	must(t, x.register.Tender(sale.Vale, 0, strings.ToLower(code)))
	_, err = x.register.Issue()
	must(t, err)
	if m, err := x.deps.Journal.Account(sale.ValeAccount(code)); err != nil || m.Balance != 1470-1236 {
		t.Errorf("left: %+v, %v", m, err)
	}
}

// What a factura says of its payment: the SII's code where all of it has the same one, and credit if a part is owed.
func TestMedioDePagoOfFacturas(t *testing.T) {
	tomorrow := tenderOf(sale.Cheque, 0)
	tomorrow.Cheque.Fecha = dte.Date{Year: 2099, Month: 1, Day: 1}
	for name, c := range map[string]struct {
		tenders []sale.Tender
		medio   string
		forma   int
	}{
		"cash":            {[]sale.Tender{tenderOf(sale.Efectivo, 0)}, "EF", 1},
		"debit":           {[]sale.Tender{tenderOf(sale.Debito, 0)}, "", 1},
		"credit":          {[]sale.Tender{tenderOf(sale.Credito, 0)}, "TC", 1},
		"transfer":        {[]sale.Tender{tenderOf(sale.Transferencia, 0)}, "PE", 1},
		"cheque":          {[]sale.Tender{tenderOf(sale.Cheque, 0)}, "CH", 1},
		"cheque a fecha":  {[]sale.Tender{tomorrow}, "CF", 1},
		"fiado":           {[]sale.Tender{tenderOf(sale.Fiado, 0)}, "", 2},
		"cash and fiado":  {[]sale.Tender{tenderOf(sale.Efectivo, 1000), tenderOf(sale.Fiado, 0)}, "", 2},
		"credit and cash": {[]sale.Tender{tenderOf(sale.Credito, 1000), tenderOf(sale.Efectivo, 0)}, "", 1},
		"cash twice":      {[]sale.Tender{tenderOf(sale.Efectivo, 1000), tenderOf(sale.Efectivo, 0)}, "EF", 1},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTill(t)
			x.withCredit()
			x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(11_900)})
			scan(t, x.register, "A")
			must(t, x.register.SetReceptor(buyer()))
			must(t, x.register.SetTipo(dte.Factura))
			must(t, x.register.Charge())
			for _, tender := range c.tenders {
				must(t, x.register.Pay(tender))
			}
			r, err := x.register.Issue()
			must(t, err)
			xml, _, err := x.deps.Journal.Document(r.Key)
			must(t, err)
			if doc, err := dte.Parse(xml); err != nil || doc.MedioPago != c.medio || doc.FmaPago != c.forma {
				t.Errorf("MedioPago %q FmaPago %d, want %q and %d (%v)", doc.MedioPago, doc.FmaPago, c.medio, c.forma, err)
			}
		})
	}
}
