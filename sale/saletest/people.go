package saletest

import (
	"errors"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// RunPeople is the suite of what a Journal keeps of those who work at the till.
func RunPeople(t *testing.T, open Open) {
	run(t, plain(open), []piece[*part]{
		{"keeps people and their PIN", keepsPeople},
		{"keeps an owner", keepsOwner},
		{"names are of one person", namesAreUnique},
		{"keeps wrong guesses until another PIN", keepsMisses},
		{"keeps what the roles may do", keepsPolicy},
		{"sums what each one sells", sumsPeople},
	})
}

// RunDrawer is the suite of what a Journal keeps of the drawer.
func RunDrawer(t *testing.T, open Open) {
	run(t, plain(open), []piece[*part]{
		{"cash moves within a shift", movesCash},
		{"the drawer opens without a sale", opensDrawer},
		{"what cannot be is refused", refusesCash},
	})
}

// ANewPIN is a PIN that costs nothing to make.
func ANewPIN(b byte) sale.PIN {
	return sale.PIN{Salt: []byte{b}, Hash: []byte{b, b}, Cost: sale.PINCost{Time: 1, Memory: 8, Threads: 1}}
}

func somebody(what string) sale.Event { return sale.Event{At: Now, Kind: sale.EventPerson, What: what} }

func (p *part) person(name string, role sale.Role) sale.Person {
	p.Helper()
	got, err := p.j.PutPerson(sale.Person{Name: name, Role: role, Active: true}, ANewPIN(1), somebody(name))
	if err != nil {
		p.Fatalf("PutPerson %s: %v", name, err)
	}
	return got
}

func (p *part) people(want ...sale.Person) {
	p.Helper()
	got, err := p.j.People()
	p.wantErr("People", err, nil)
	p.want("people", len(got), len(want))
	for i := range min(len(got), len(want)) {
		p.want("person", got[i], want[i])
	}
}

func keepsPeople(p *part) {
	p.people()
	rosa := sale.Person{Number: 1, Name: "Rosa Díaz", RUT: 12345678, Role: sale.Dueno, Active: true}
	got, err := p.j.PutPerson(sale.Person{Name: "  Rosa   Díaz ", RUT: 12345678, Role: sale.Dueno, Active: true}, ANewPIN(7), somebody("Rosa"))
	p.wantErr("PutPerson", err, nil)
	p.want("as it is kept", got, rosa)
	ana := p.person("Ana", sale.Cajero)
	p.want("the next number", ana.Number, 2)
	p.people(rosa, ana)
	ana.Active = false
	_, err = p.j.PutPerson(ana, sale.PIN{}, somebody("Ana"))
	p.wantErr("change", err, nil)
	p.people(rosa, ana)
	pin, err := p.j.PIN(1)
	p.wantErr("PIN", err, nil)
	p.want("the PIN", pin, ANewPIN(7))
	pin, err = p.j.PIN(2)
	p.wantErr("PIN", err, nil)
	p.want("the PIN that was not changed", pin, ANewPIN(1))
	_, err = p.j.PIN(3)
	p.wantErr("PIN of nobody", err, sale.ErrNotFound)
	_, err = p.j.PutPerson(sale.Person{Number: 9, Name: "Nadie", Role: sale.Cajero}, ANewPIN(1), somebody("Nadie"))
	p.wantErr("a number that nobody has", err, sale.ErrNotFound)
	events, err := p.j.Events(10)
	p.wantErr("Events", err, nil)
	p.want("events of what was kept, and of nothing else", len(events), 3)
}

func keepsOwner(p *part) {
	_, err := p.j.PutPerson(sale.Person{Name: "Ana", Role: sale.Cajero, Active: true}, ANewPIN(1), somebody("Ana"))
	p.field(err, sale.FieldRole)
	_, err = p.j.PutPerson(sale.Person{Name: "Rosa", Role: sale.Dueno, Active: true}, sale.PIN{}, somebody("Rosa"))
	p.field(err, sale.FieldPIN)
	p.people()
	rosa := p.person("Rosa", sale.Dueno)
	ana := p.person("Ana", sale.Cajero)
	for _, change := range []sale.Person{
		{Number: rosa.Number, Name: "Rosa", Role: sale.Supervisor, Active: true},
		{Number: rosa.Number, Name: "Rosa", Role: sale.Dueno},
	} {
		_, err = p.j.PutPerson(change, sale.PIN{}, somebody("Rosa"))
		p.field(err, sale.FieldRole)
	}
	p.people(rosa, ana)
	ana.Active, rosa.Active = false, false
	_, err = p.j.PutPerson(ana, sale.PIN{}, somebody("Ana"))
	p.wantErr("the cashier leaves", err, nil)
	_, err = p.j.PutPerson(rosa, sale.PIN{}, somebody("Rosa"))
	p.wantErr("nobody works here any more", err, nil)
}

// field fails unless an error is about that field.
func (p *part) field(err error, want sale.Field) {
	p.Helper()
	var at sale.FieldError
	if !errors.As(err, &at) || at.Field != want {
		p.Errorf("got error %v, want one of %s", err, want)
	}
}

func namesAreUnique(p *part) {
	p.person("Rosa", sale.Dueno)
	_, err := p.j.PutPerson(sale.Person{Name: "ROSÁ", Role: sale.Cajero, Active: true}, ANewPIN(1), somebody("ROSÁ"))
	p.field(err, sale.FieldName)
	_, err = p.j.PutPerson(sale.Person{Name: " ", Role: sale.Cajero, Active: true}, ANewPIN(1), somebody(""))
	p.field(err, sale.FieldName)
	_, err = p.j.PutPerson(sale.Person{Name: "Un nombre que no cabe en ningún papel", Role: sale.Cajero, Active: true}, ANewPIN(1), somebody(""))
	p.field(err, sale.FieldName)
	_, err = p.j.PutPerson(sale.Person{Name: "Ana", Role: "jefe", Active: true}, ANewPIN(1), somebody("Ana"))
	p.field(err, sale.FieldRole)
}

func keepsMisses(p *part) {
	rosa := p.person("Rosa", sale.Dueno)
	m, err := p.j.Misses(rosa.Number)
	p.wantErr("Misses", err, nil)
	p.want("none yet", m, sale.Misses{})
	p.wantErr("PutMisses", p.j.PutMisses(rosa.Number, sale.Misses{Count: 4, Last: Now}), nil)
	_, err = p.j.PutPerson(rosa, sale.PIN{}, somebody("Rosa"))
	p.wantErr("another change", err, nil)
	m, err = p.j.Misses(rosa.Number)
	p.wantErr("Misses", err, nil)
	p.want("kept", m.Count, 4)
	p.want("since when", m.Last.Equal(Now), true)
	_, err = p.j.PutPerson(rosa, ANewPIN(2), somebody("Rosa"))
	p.wantErr("another PIN", err, nil)
	m, err = p.j.Misses(rosa.Number)
	p.wantErr("Misses", err, nil)
	p.want("forgotten", m.Count, 0)
}

func keepsPolicy(p *part) {
	policy, err := p.j.Policy()
	p.wantErr("Policy", err, nil)
	p.want("the usual one", policy.Of(sale.Cajero), sale.UsualPolicy().Of(sale.Cajero))
	mine := sale.Policy{sale.Cajero: {Rights: []sale.Right{sale.MaySell, sale.MayPrice}, Discount: 250}}
	p.wantErr("SetPolicy", p.j.SetPolicy(mine, sale.Event{At: Now, Kind: sale.EventPolicy}), nil)
	got, err := p.j.Policy()
	p.wantErr("Policy", err, nil)
	p.want("as it was set", got, mine)
	for name, bad := range map[string]sale.Grants{
		"people are the owner's": {Rights: []sale.Right{sale.MaySell, sale.MayPeople}},
		"nobody works unpaid":    {Rights: []sale.Right{sale.MayPrice}},
		"more than everything":   {Rights: []sale.Right{sale.MaySell}, Discount: 10_001},
		"no such right":          {Rights: []sale.Right{sale.MaySell, "volar"}},
	} {
		if err := p.j.SetPolicy(sale.Policy{sale.Cajero: bad}, sale.Event{At: Now, Kind: sale.EventPolicy}); err == nil {
			p.Errorf("%s: it was taken", name)
		}
	}
	got, err = p.j.Policy()
	p.wantErr("Policy", err, nil)
	p.want("unchanged by what was refused", got, mine)
}

func sumsPeople(p *part) {
	p.caf(dte.Boleta, 1, 9, dtetest.FA())
	p.caf(dte.NotaCredito, 1, 9, dtetest.FA())
	_, err := p.j.OpenShift(Now, "Rosa", 0)
	p.wantErr("OpenShift", err, nil)
	sell := func(id sale.ID, tipo dte.TipoDTE, who string, total money.Pesos) {
		p.Helper()
		_, err := p.j.Issue(id, tipo, Now, func(g sale.Grant) (sale.Issued, error) {
			i, err := Build(id, tipo, Now, total)(g)
			i.Record.Who = who
			return i, err
		})
		p.wantErr("Issue", err, nil)
	}
	sell("s1", dte.Boleta, "Rosa", 1000)
	sell("s2", dte.Boleta, "Ana", 3000)
	sell("s3", dte.Boleta, "Ana", 500)
	sell("s4", dte.Boleta, "", 70)
	sell("n1", dte.NotaCredito, "Ana", 3000)
	closed, err := p.j.CloseShift(Now.Add(time.Hour), "Ana", 1570)
	p.wantErr("CloseShift", err, nil)
	p.want("of each", closed.People, map[string]sale.PersonSum{"Rosa": {Sales: 1, Total: 1000}, "Ana": {Sales: 3, Total: 500}})
	p.want("who opened and closed", closed.OpenedBy+" "+closed.ClosedBy, "Rosa Ana")
	r, err := p.j.Sale("s2")
	p.wantErr("Sale", err, nil)
	p.want("who sold", r.Who, "Ana")
}

func (p *part) moves(id sale.ID, kind sale.CashKind, amount money.Pesos) (sale.CashMove, error) {
	return p.j.MoveCash(sale.CashMove{ID: id, At: Now, Kind: kind, Amount: amount, Why: "sencillo", Who: "Ana", Approved: "Rosa"})
}

func movesCash(p *part) {
	_, err := p.j.OpenShift(Now, "", 10_000)
	p.wantErr("OpenShift", err, nil)
	in, err := p.moves("c1", sale.CashIn, 5000)
	p.wantErr("in", err, nil)
	p.want("number and shift", []int{in.N, in.Shift}, []int{1, 1})
	_, err = p.moves("c2", sale.CashOut, 12_000)
	p.wantErr("out", err, nil)
	again, err := p.moves("c2", sale.CashOut, 12_000)
	p.wantErr("the same again", err, nil)
	p.want("is what was kept", again.N, 2)
	_, err = p.moves("c3", sale.CashOut, 3010)
	if err == nil {
		p.Error("more went out than there was")
	}
	list, err := p.j.CashMoves(10)
	p.wantErr("CashMoves", err, nil)
	p.want("newest first", len(list), 2)
	p.want("newest first", list[0].ID, sale.ID("c2"))
	events, err := p.j.Events(10)
	p.wantErr("Events", err, nil)
	p.want("in the log", len(events), 2)
	p.want("who, by whom, why, how much", []any{events[0].Kind, events[0].Who, events[0].Approved, events[0].What, events[0].Amount},
		[]any{sale.EventCashOut, "Ana", "Rosa", "sencillo", money.Pesos(12_000)})
	closed, err := p.j.CloseShift(Now, "", 2990)
	p.wantErr("CloseShift", err, nil)
	p.want("sums", []money.Pesos{closed.CashIn, closed.CashOut, closed.Difference}, []money.Pesos{5000, 12_000, -10})
}

func opensDrawer(p *part) {
	_, err := p.moves("c1", sale.DrawerOpened, 0)
	p.wantErr("without a shift", err, nil)
	_, err = p.j.OpenShift(Now, "", 0)
	p.wantErr("OpenShift", err, nil)
	for _, id := range []sale.ID{"c2", "c3"} {
		_, err = p.moves(id, sale.DrawerOpened, 0)
		p.wantErr("within one", err, nil)
	}
	shift, err := p.j.CurrentShift()
	p.wantErr("CurrentShift", err, nil)
	p.want("counted", shift.Opened, 2)
	p.want("no money", shift.Expected(), money.Pesos(0))
	events, err := p.j.Events(10)
	p.wantErr("Events", err, nil)
	p.want("in the log", len(events), 3)
	p.want("as what it is", events[0].Kind, sale.EventDrawer)
}

func refusesCash(p *part) {
	_, err := p.moves("c1", sale.CashIn, 1000)
	p.wantErr("without a shift", err, sale.ErrShift)
	_, err = p.j.OpenShift(Now, "", 1000)
	p.wantErr("OpenShift", err, nil)
	for name, m := range map[string]sale.CashMove{
		"nothing":           {ID: "c", Kind: sale.CashIn, Why: "x"},
		"less than nothing": {ID: "c", Kind: sale.CashOut, Why: "x", Amount: -10},
		"no such coin":      {ID: "c", Kind: sale.CashIn, Why: "x", Amount: 15},
		"no reason":         {ID: "c", Kind: sale.DrawerOpened},
		"no name":           {Kind: sale.DrawerOpened, Why: "x"},
		"an opening paid":   {ID: "c", Kind: sale.DrawerOpened, Why: "x", Amount: 10},
		"no such kind":      {ID: "c", Kind: "robo", Why: "x", Amount: 10},
	} {
		m.At = Now
		if _, err := p.j.MoveCash(m); err == nil {
			p.Errorf("%s: it was taken", name)
		}
	}
	list, err := p.j.CashMoves(10)
	p.wantErr("CashMoves", err, nil)
	p.want("nothing was kept", len(list), 0)
}
