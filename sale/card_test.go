package sale_test

import (
	"errors"
	"strings"
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// charged has the terminal end a charge as if it had been asked.
func (c *counter) charged(ref string, amount money.Pesos, r terminal.Result) {
	c.t.Helper()
	_, _, err := c.deps.Journal.Charges().Begin(terminal.Intent{Ref: ref, Amount: amount, At: c.deps.Now()})
	must(c.t, err)
	if r.State.Known() {
		must(c.t, c.deps.Journal.Charges().Settle(ref, r))
	}
}

func (c *counter) atTheCard() {
	c.t.Helper()
	c.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(9990)})
	scan(c.t, c.register, "A")
	must(c.t, c.register.Charge())
}

// The till dies between the charge and the document: the sale comes back with its charge, and is paid by it.
func TestAChargeOutlivesTheTill(t *testing.T) {
	x := newTill(t)
	x.atTheCard()
	ref, ask, err := x.register.BeginCard(sale.Debito, 5000)
	must(t, err)
	if ask != 5000 || ref != string(x.register.Snapshot().Cart.ID)+"-1" {
		t.Errorf("asks for %d under %s", ask, ref)
	}
	x.charged(ref, ask, terminal.Result{State: terminal.Approved, Card: terminal.Credit, Cuotas: 3, Operation: "000141"})

	x.register, err = sale.NewRegister(x.deps) // nothing of it was told to the first one
	must(t, err)
	must(t, x.register.Charge())
	must(t, x.register.TakeCards())
	p := x.register.Snapshot().Payment
	if len(p.Tenders) != 1 || p.Tenders[0] != (sale.Tender{Method: sale.Credito, Amount: 5000, Received: 5000, Reference: "000141", Cuotas: 3, Charge: ref}) {
		t.Fatalf("paid %+v", p)
	}
	x.register.Back()
	for name, err := range map[string]error{
		"another line": scanned(x.register, "A"), "emptied": x.register.Void("se fue"), "another quantity": x.register.SetQty(2 * money.One),
	} {
		if !errors.Is(err, sale.ErrCard) {
			t.Errorf("%s beside a charge: %v", name, err)
		}
	}
	must(t, x.register.Charge())
	must(t, x.register.Tender(sale.Efectivo, 0, ""))
	r, err := x.register.Issue()
	if err != nil || r.Payment.Tenders[0].Charge != ref || len(r.Payment.Tenders) != 2 {
		t.Errorf("issued %+v, %v", r.Payment, err)
	}
}

func scanned(r *sale.Register, code string) error {
	_, err := r.Scan(code)
	return err
}

// While nobody knows, that sale takes no other payment and is not issued; another sale goes on.
func TestAnUnknownChargeBlocksItsSaleOnly(t *testing.T) {
	x := newTill(t)
	x.atTheCard()
	ref, ask, err := x.register.BeginCard(sale.Debito, 0)
	must(t, err)
	x.charged(ref, ask, terminal.Result{State: terminal.Unknown})
	_, _, again := x.register.BeginCard(sale.Debito, 0)
	_, issued := x.register.Issue()
	for name, err := range map[string]error{"a second charge": again, "cash": x.register.Tender(sale.Efectivo, 0, "")} {
		if !errors.Is(err, sale.ErrCard) || !strings.Contains(err.Error(), "No vuelva a pasarla") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if issued == nil {
		t.Error("it was issued")
	}
	x.register.Back()
	if err := x.register.Void("se fue"); !errors.Is(err, sale.ErrCard) {
		t.Errorf("emptied: %v", err)
	}
	must(t, x.register.Hold("el de la tarjeta"))
	id := heldID(t, x)
	scan(t, x.register, "A")
	must(t, x.register.Charge())
	must(t, x.register.Tender(sale.Efectivo, 0, ""))
	_, err = x.register.Issue()
	must(t, err)

	must(t, x.deps.Journal.Charges().Settle(ref, terminal.NotCharged(terminal.Intent{Amount: ask}, "No se cobró.")))
	must(t, x.register.Recall(id))
	must(t, x.register.Charge())
	second, _, err := x.register.BeginCard(sale.Credito, 0)
	if err != nil || !strings.HasSuffix(second, "-2") {
		t.Errorf("a second try: %s, %v", second, err)
	}
	must(t, x.register.Tender(sale.Efectivo, 0, ""))
	_, err = x.register.Issue()
	must(t, err)
}

func heldID(t *testing.T, x *counter) sale.ID {
	t.Helper()
	held, err := x.register.Held()
	if err != nil || len(held) != 1 {
		t.Fatalf("held %v, %v", held, err)
	}
	return held[0].Cart.ID
}

// Money that a person gave back at the terminal pays nothing, and the sale can be changed again.
func TestReleasedCards(t *testing.T) {
	x := newTill(t)
	x.atTheCard()
	ref, ask, err := x.register.BeginCard(sale.Debito, 0)
	must(t, err)
	x.charged(ref, ask, terminal.Result{State: terminal.Approved, Operation: "1"})
	must(t, x.register.TakeCards())
	if err := x.register.ReleaseCards("Rosa", " "); err == nil {
		t.Error("without a reason")
	}
	must(t, x.register.ReleaseCards("Rosa", "el cliente se arrepintió"))
	if s := x.register.Snapshot(); s.Due != 9990 || len(s.Payment.Tenders) != 0 {
		t.Errorf("still paid: %+v", s.Payment)
	}
	must(t, x.register.TakeCards())
	if s := x.register.Snapshot(); len(s.Payment.Tenders) != 0 {
		t.Errorf("it came back: %+v", s.Payment)
	}
	x.register.Back()
	must(t, x.register.Void("se fue"))
}

// A charge asks for no more than what is due.
func TestBeginCardRefuses(t *testing.T) {
	x := newTill(t)
	if _, _, err := x.register0().BeginCard(sale.Debito, 0); err == nil {
		t.Error("outside a payment")
	}
	x.atTheCard()
	for _, amount := range []money.Pesos{-1, 9991} {
		if _, _, err := x.register.BeginCard(sale.Debito, amount); !errors.Is(err, sale.ErrPayment) {
			t.Errorf("%d: %v", amount, err)
		}
	}
	if cart := x.register.Snapshot().Cart; len(cart.Cards) != 0 {
		t.Errorf("a refused charge left %v", cart.Cards)
	}
}

func (c *counter) register0() *sale.Register {
	c.t.Helper()
	r, err := sale.NewRegister(c.deps)
	must(c.t, err)
	return r
}
