package saletest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/money"
	"mostrador/sale"
)

// RunAccounts is the suite of the balances of a Journal: vales and what customers owe.
func RunAccounts(t *testing.T, open Open) {
	run(t, stocked(open, 50, dte.Boleta, dte.NotaCredito), []piece[*part]{
		{"a vale is spent down to nothing", spendsVale},
		{"a vale pays no more than it has", valeHasAnEnd},
		{"a debt stays within its limit", owesWithinLimit},
		{"a debt is paid", paysDebt},
		{"a movement is kept once", movesOnce},
		{"entries are only added", onlyAdds},
		{"the replaced sale moved it before", replacedMovesNothing},
	})
}

const debtor dte.RUT = 12345678

// paid issues a document paid by these tenders.
func (p *part) paid(id sale.ID, tipo dte.TipoDTE, tenders ...sale.Tender) (sale.Record, error) {
	var total money.Pesos
	for i := range tenders {
		tenders[i].Received = tenders[i].Amount
		total += tenders[i].Amount
	}
	return p.j.Issue(id, tipo, Now, func(g sale.Grant) (sale.Issued, error) {
		issued, err := Build(id, tipo, Now, total)(g)
		issued.Record.Payment.Tenders = tenders
		return issued, err
	})
}

func (p *part) pays(id sale.ID, tipo dte.TipoDTE, tenders ...sale.Tender) sale.Record {
	p.Helper()
	r, err := p.paid(id, tipo, tenders...)
	if err != nil {
		p.Fatalf("%s: %v", id, err)
	}
	return r
}

func vale(code string, amount money.Pesos) sale.Tender {
	return sale.Tender{Method: sale.Vale, Amount: amount, Reference: code}
}

func owed(amount money.Pesos) sale.Tender {
	return sale.Tender{Method: sale.Fiado, Amount: amount, Reference: debtor.String()}
}

func (p *part) balance(a sale.Account, want money.Pesos) {
	p.Helper()
	m, err := p.j.Account(a)
	p.wantErr("Account", err, nil)
	p.want("balance of "+string(a), m.Balance, want)
}

func (p *part) limit(id sale.ID, limit money.Pesos) {
	p.Helper()
	if _, err := sale.SetCreditLimit(p.j, id, Now, debtor, limit, "Rosa"); err != nil {
		p.Fatal(err)
	}
}

func spendsVale(p *part) {
	p.pays("n1", dte.NotaCredito, vale("VABC", 5000))
	p.balance(sale.ValeAccount("v-abc"), 5000)
	p.pays("s1", dte.Boleta, vale("VABC", 1990), sale.Tender{Method: sale.Efectivo, Amount: 10})
	p.balance(sale.ValeAccount("VABC"), 3010)
	p.pays("s2", dte.Boleta, vale("VABC", 3010))
	p.balance(sale.ValeAccount("VABC"), 0)
	p.pays("n2", dte.NotaCredito, vale("VABC", 3010))
	p.balance(sale.ValeAccount("VABC"), 3010)
}

func valeHasAnEnd(p *part) {
	_, err := p.paid("s0", dte.Boleta, vale("VNONE", 1))
	p.wantErr("an unknown vale", err, sale.ErrPayment)
	p.pays("n1", dte.NotaCredito, vale("VABC", 1000))
	_, err = p.paid("s1", dte.Boleta, vale("VABC", 1001))
	p.wantErr("one peso too much", err, sale.ErrPayment)
	_, err = p.paid("s2", dte.Boleta, vale("VABC", 600), vale("VABC", 600))
	p.wantErr("twice in one sale", err, sale.ErrPayment)
	p.balance(sale.ValeAccount("VABC"), 1000)
	p.left(dte.Boleta, 50)
	_, err = p.j.Sale("s2")
	p.wantErr("the refused sale", err, sale.ErrNotFound)
}

func owesWithinLimit(p *part) {
	_, err := p.paid("s0", dte.Boleta, owed(1))
	p.wantErr("without a limit", err, sale.ErrPayment)
	p.limit("l1", 10_000)
	p.pays("s1", dte.Boleta, owed(10_000))
	_, err = p.paid("s2", dte.Boleta, owed(1))
	p.wantErr("above the limit", err, sale.ErrPayment)
	p.limit("l2", 5000)
	p.balance(sale.CreditAccount(debtor), 10_000)
	p.pays("n1", dte.NotaCredito, owed(4000))
	p.balance(sale.CreditAccount(debtor), 6000)
	_, err = sale.SetCreditLimit(p.j, "l3", Now, debtor, -1, "Rosa")
	p.want("a limit below zero is refused", err != nil, true)
	p.left(dte.Boleta, 49)
}

func paysDebt(p *part) {
	p.limit("l1", 20_000)
	p.pays("s1", dte.Boleta, owed(10_236))
	_, err := p.j.OpenShift(Now, "", 1000)
	p.wantErr("OpenShift", err, nil)
	pay := func(id sale.ID, m sale.Method, received money.Pesos) error {
		_, err := sale.PayDebt(p.j, sale.Abono{ID: id, At: Now, RUT: debtor, Tender: sale.Tender{Method: m, Received: received}, Who: "Rosa"})
		return err
	}
	p.wantErr("cash", pay("a1", sale.Efectivo, 5000), nil)
	p.wantErr("a transfer", pay("a2", sale.Transferencia, 1000), nil)
	p.balance(sale.CreditAccount(debtor), 4236)
	p.wantErr("odd coins", pay("a3", sale.Efectivo, 4236), sale.ErrPayment)
	p.want("too much is refused", pay("a4", sale.Efectivo, 4250) != nil, true)
	p.want("nothing is refused", pay("a5", sale.Efectivo, 0) != nil, true)
	p.wantErr("a vale", pay("a6", sale.Vale, 10), sale.ErrPayment)
	p.wantErr("the rest, rounded", pay("a7", sale.Efectivo, 4240), nil)
	p.balance(sale.CreditAccount(debtor), 0)
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("abonos", shift.Abonos, map[sale.Method]money.Pesos{sale.Efectivo: 9240, sale.Transferencia: 1000})
	p.want("in the drawer", shift.Expected(), money.Pesos(10_240))
	closed, err := p.j.CloseShift(Now.Add(time.Hour), "", 10_240)
	p.wantErr("CloseShift", err, nil)
	p.want("difference", closed.Difference, money.Pesos(0))
}

func movesOnce(p *part) {
	p.limit("l1", 20_000)
	p.pays("s1", dte.Boleta, owed(10_000))
	p.pays("s1", dte.Boleta, owed(10_000))
	_, err := p.j.OpenShift(Now, "", 0)
	p.wantErr("OpenShift", err, nil)
	for range 2 {
		m, err := sale.PayDebt(p.j, sale.Abono{ID: "a1", At: Now, RUT: debtor, Tender: sale.Tender{Method: sale.Efectivo, Received: 1000}, Who: "Rosa"})
		p.wantErr("the same payment", err, nil)
		p.want("its balance", []any{m.N, m.Balance, m.Shift}, []any{3, money.Pesos(9000), 1})
	}
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("counted once", shift.Expected(), money.Pesos(1000))
}

func onlyAdds(p *part) {
	p.limit("l1", 20_000)
	for i := range 12 { // numbers with one and two figures, and a neighbour whose name begins alike
		p.pays(sale.ID(fmt.Sprint("s", i)), dte.Boleta, owed(100))
	}
	p.pays("n1", dte.NotaCredito, vale("VABC", 5000), vale("VABCD", 70))
	_, err := sale.SetCreditLimit(p.j, "other", Now, debtor+1, 10, "Rosa")
	p.wantErr("another customer", err, nil)
	list, err := p.j.Statement(sale.CreditAccount(debtor), 100)
	p.wantErr("Statement", err, nil)
	slices.Reverse(list)
	var balance money.Pesos
	for i, m := range list {
		balance += m.Amount
		p.want("entry", []any{m.N, m.Balance, m.Limit}, []any{i + 1, balance, money.Pesos(20_000)})
	}
	p.want("entries", len(list), 13)
	newest, err := p.j.Statement(sale.CreditAccount(debtor), 2)
	p.wantErr("Statement", err, nil)
	p.want("the newest ones", []int{newest[0].N, newest[1].N}, []int{13, 12})
	p.balance(sale.ValeAccount("VABC"), 5000)
	p.balance(sale.ValeAccount("VABCD"), 70)
	owing, err := p.j.Owing()
	p.wantErr("Owing", err, nil)
	p.want("who owes", []any{len(owing), owing[0].Balance, owing[1].Limit}, []any{2, money.Pesos(1200), money.Pesos(10)})
}

func replacedMovesNothing(p *part) {
	r := p.pays("s1", dte.Boleta, sale.Tender{Method: sale.Efectivo, Amount: 10})
	r.Replaces, r.Payment.Tenders = r.Key, []sale.Tender{owed(1000)}
	p.want("movements", len(r.Movements()), 0)
}
