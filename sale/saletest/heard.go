package saletest

import (
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// OpenHeard is Open with the word of the shop's server: hear keeps what it said of a customer.
type OpenHeard func(t *testing.T) (j sale.Journal, addCAF func(file []byte), hear func(rut dte.RUT, h sale.Heard))

// hearing is a journal of a till that has a server.
type hearing struct {
	*part
	hear func(rut dte.RUT, h sale.Heard)
}

// RunHeard is the suite of what a Journal makes of a debt at the shop's other tills.
func RunHeard(t *testing.T, open OpenHeard) {
	run(t, func(t *testing.T) *hearing {
		j, add, hear := open(t)
		x := &hearing{part: &part{T: t, j: j, add: add}, hear: hear}
		x.caf(dte.Boleta, 1, 50, dtetest.FA())
		return x
	}, []piece[*hearing]{
		{"the whole debt stays within the limit", wholeWithinLimit},
		{"what others were paid is free again", paidElsewhere},
		{"a debt of another till is paid here", paysElsewhere},
		{"the newer limit holds", newerLimit},
		{"who owes elsewhere only is listed", listsElsewhere},
	})
}

// says has the server speak, an hour after the other one.
func (x *hearing) says(hours int, elsewhere money.Pesos, limit ...money.Pesos) {
	h := sale.Heard{Elsewhere: elsewhere, At: Now.Add(time.Duration(hours) * time.Hour)}
	if len(limit) > 0 {
		h.Limit = &limit[0]
	}
	x.hear(debtor, h)
}

// stands is what is owed in all, the limit, and when the server said so.
func (x *hearing) stands(what string, owes, limit money.Pesos, hours int) {
	x.Helper()
	m, err := x.j.Account(sale.CreditAccount(debtor))
	x.wantErr(what, err, nil)
	x.want(what, []any{m.Owes(), m.Limit, m.AsOf.Equal(Now.Add(time.Duration(hours) * time.Hour))}, []any{owes, limit, true})
}

func wholeWithinLimit(x *hearing) {
	x.says(1, 30_000, 50_000)
	x.stands("before anything was sold", 30_000, 50_000, 1)
	_, err := x.paid("s1", dte.Boleta, owed(20_001))
	x.wantErr("one peso too much", err, sale.ErrPayment)
	over := owed(20_001)
	over.Over = "Rosa"
	x.pays("s2", dte.Boleta, over)
	x.stands("somebody allowed it", 50_001, 50_000, 1)
	x.balance(sale.CreditAccount(debtor), 20_001)
	x.says(2, 30_000, 50_000)
	x.stands("what was sold here is no other till's", 50_001, 50_000, 2)
	list, err := x.j.Statement(sale.CreditAccount(debtor), 10)
	x.wantErr("Statement", err, nil)
	x.want("as it stood", []any{len(list), list[0].Owes(), list[0].Elsewhere}, []any{1, money.Pesos(50_001), money.Pesos(30_000)})
}

func paidElsewhere(x *hearing) {
	x.limit("l", 10_000)
	x.pays("s1", dte.Boleta, owed(10_000))
	_, err := x.paid("s2", dte.Boleta, owed(1))
	x.wantErr("above the limit", err, sale.ErrPayment)
	x.says(1, -4000, 10_000)
	x.pays("s3", dte.Boleta, owed(4000))
	x.stands("he paid at another till", 10_000, 10_000, 1)
	_, err = x.paid("s4", dte.Boleta, owed(1))
	x.wantErr("above the limit again", err, sale.ErrPayment)
}

func paysElsewhere(x *hearing) {
	x.says(1, 1236, 5000)
	x.pays("s1", dte.Boleta, owed(1000))
	pay := func(id sale.ID, received money.Pesos) error {
		_, err := sale.PayDebt(x.j, sale.Abono{ID: id, At: Now, RUT: debtor, Tender: sale.Tender{Method: sale.Efectivo, Received: received}})
		return err
	}
	x.want("too much is refused", pay("a1", 2250) != nil, true)
	x.wantErr("all, rounded to tens", pay("a2", 2240), nil)
	x.stands("paid", 0, 5000, 1)
	x.want("nothing is left", pay("a3", 10) != nil, true)
}

func newerLimit(x *hearing) {
	x.limit("l1", 1000)
	x.says(1, 0, 5000)
	x.stands("the server's", 0, 5000, 1)
	x.limit("l2", 700)
	x.stands("this till's, which is newer", 0, 700, 1)
	_, err := x.paid("s1", dte.Boleta, owed(701))
	x.wantErr("above it", err, sale.ErrPayment)
	x.says(2, 0, 6000)
	x.pays("s2", dte.Boleta, owed(5500))
	x.says(3, 0)
	x.stands("the one under which he bought last", 5500, 6000, 3)
}

func listsElsewhere(x *hearing) {
	x.limit("l1", 1000)
	x.pays("s1", dte.Boleta, owed(100))
	x.says(1, 50)
	x.hear(debtor+1, sale.Heard{Elsewhere: 70, At: Now})
	x.hear(debtor+2, sale.Heard{At: Now})
	list, err := x.j.Owing()
	x.wantErr("Owing", err, nil)
	x.want("who owes", len(list), 2)
	for i, want := range []money.Pesos{150, 70} {
		rut, ok := list[i].Account.Debtor()
		x.want("his account", []any{rut, ok, list[i].Owes()}, []any{debtor + dte.RUT(i), true, want})
	}
}
