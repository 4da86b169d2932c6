package sale_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// isSafe is how a refusal of a payment says what is safe: nothing was paid or asked, the sale is still there, or what to ask.
var isSafe = regexp.MustCompile(`venta sigue abierta|no la pase de nuevo|[Nn]o vuelva a pasar|No se pidió nada al terminal|No se emitió nada|No cobre otra vez|sigue anotado|Nada se cobró|Nada cambió|deuda sigue igual`)

var errDisk = errors.New("el disco está lleno")

// Whatever keeps a payment from being made says what is safe, whoever refuses it: the till, the law, the disk.
func TestEveryPaymentErrorSaysWhatIsSafe(t *testing.T) {
	paying := func(x *counter) {
		x.withCredit()
		x.sells(sale.Product{Codigo: "A", Nombre: "A", Prc: money.PerUnit(10_000)})
		scan(t, x.register, "A")
		must(t, x.register.Charge())
	}
	paid := func(x *counter) {
		paying(x)
		must(t, x.register.Tender(sale.Efectivo, 0, ""))
	}
	byTerminal := func(state terminal.State) func(x *counter) {
		return func(x *counter) {
			paying(x)
			ref, ask, err := x.register.BeginCard(sale.Debito, 0)
			must(t, err)
			x.charged(ref, ask, terminal.Result{State: state, Operation: "1"})
			must(t, x.register.TakeCards())
		}
	}
	pay := func(tender sale.Tender) func(*counter) error {
		return func(x *counter) error { return x.register.Pay(tender) }
	}
	card := func(amount money.Pesos) func(*counter) error {
		return func(x *counter) error { _, _, err := x.register.BeginCard(sale.Debito, amount); return err }
	}
	issue := func(x *counter) error { _, err := x.register.Issue(); return err }
	charge := func(x *counter) error { return x.register.Charge() }
	breaks := func(f func(*journal)) func(*counter) {
		return func(x *counter) { paying(x); f(x.deps.Journal.(*journal)) }
	}
	acts := map[string]struct {
		before func(*counter)
		act    func(*counter) error
		is     error
	}{
		"outside a payment":         {func(x *counter) { x.sells() }, pay(tenderOf(sale.Efectivo, 0)), nil},
		"nothing to charge":         {func(x *counter) { x.sells() }, charge, nil},
		"charged already":           {paying, charge, nil},
		"five pesos":                {paying, pay(tenderOf(sale.Efectivo, 1005)), sale.ErrPayment},
		"less than nothing":         {paying, pay(tenderOf(sale.Transferencia, -1)), sale.ErrPayment},
		"more than is due":          {paying, pay(tenderOf(sale.Transferencia, 10_001)), sale.ErrPayment},
		"more than is due, by card": {paying, pay(tenderOf(sale.Credito, 10_001)), sale.ErrPayment},
		"a card's number":           {paying, pay(sale.Tender{Method: sale.Debito, Reference: "4539578763621486"}), sale.ErrPayment},
		"no bank":                   {paying, pay(sale.Tender{Method: sale.Cheque}), sale.ErrPayment},
		"an unknown vale":           {paying, pay(sale.Tender{Method: sale.Vale, Reference: "VNADIE"}), sale.ErrPayment},
		"fiado to nobody":           {paying, pay(tenderOf(sale.Fiado, 0)), sale.ErrPayment},
		"trueque":                   {paying, pay(sale.Tender{Method: "trueque"}), sale.ErrPayment},
		"paid already":              {paid, pay(tenderOf(sale.Efectivo, 0)), sale.ErrPayment},
		"issued unpaid":             {paying, issue, sale.ErrPayment},
		"the terminal, too much":    {paying, card(10_001), sale.ErrPayment},
		"the terminal, not paying":  {func(x *counter) { x.sells() }, card(0), nil},
		"the terminal, no disk":     {breaks(func(j *journal) { j.saveErr = errDisk }), card(0), errDisk},
		"in doubt, cash":            {byTerminal(terminal.Unknown), pay(tenderOf(sale.Efectivo, 0)), sale.ErrCard},
		"in doubt, another card":    {byTerminal(terminal.Unknown), card(0), sale.ErrCard},
		"in doubt, issued":          {byTerminal(terminal.Unknown), issue, nil},
		"released by nobody":        {byTerminal(terminal.Approved), func(x *counter) error { return x.register.ReleaseCards("", "") }, nil},
		"issued, and the disk full": {func(x *counter) { paid(x); x.deps.Journal.(*journal).issueErr = errDisk }, issue, errDisk},
		"issued, and nobody knows": {func(x *counter) {
			paid(x)
			x.deps.Journal.(*journal).issueErr = fmt.Errorf("%w: se apagó", sale.ErrUnknown)
		}, issue, sale.ErrUnknown},
		"a debt, in five pesos":       {paying, func(x *counter) error { return x.payDebt(tenderOf(sale.Efectivo, 1005)) }, sale.ErrPayment},
		"a debt, by vale":             {paying, func(x *counter) error { return x.payDebt(tenderOf(sale.Vale, 1000)) }, sale.ErrPayment},
		"a debt, more than there is":  {paying, func(x *counter) error { return x.payDebt(tenderOf(sale.Transferencia, 1000)) }, nil},
		"an exchange that is not one": {paying, func(x *counter) error { return x.register.SettleExchange(false, sale.ByTerminal) }, nil},
	}
	for name, a := range acts {
		x := newTill(t)
		a.before(x)
		err := a.act(x)
		switch {
		case err == nil:
			t.Errorf("%s: it was not refused", name)
		case !isSafe.MatchString(err.Error()):
			t.Errorf("%s: it does not say what is safe: %v", name, err)
		case a.is != nil && !errors.Is(err, a.is):
			t.Errorf("%s: %v is not %v", name, err, a.is)
		}
	}
}

func (c *counter) payDebt(tender sale.Tender) error {
	_, err := sale.PayDebt(c.deps.Journal, sale.Abono{ID: "ab", At: c.deps.Now(), RUT: buyer().RUT, Tender: tender, Who: "Rosa"})
	return err
}
