package saletest

import (
	"testing"

	"mostrador/money"
	"mostrador/sale"
	"mostrador/terminal"
)

// RunCards is the suite of what a Journal keeps of card terminals, beside terminaltest.RunLedger.
func RunCards(t *testing.T, open Open) {
	run(t, plain(open), []piece[*part]{
		{"the charges of a sale, in their order", listsCharges},
		{"a charge is released once, by somebody", releasesCharge},
	})
}

func (p *part) charge(ref string, amount money.Pesos, state terminal.State) {
	p.Helper()
	in := terminal.Intent{Ref: ref, Ticket: terminal.TicketFor(ref), Amount: amount, At: Now}
	_, fresh, err := p.j.Charges().Begin(in)
	p.wantErr("Begin", err, nil)
	p.want("fresh", fresh, true)
	if state.Known() {
		p.wantErr("Settle", p.j.Charges().Settle(ref, terminal.Result{State: state, Amount: amount, Operation: "000141", Message: "x"}), nil)
	}
}

func listsCharges(p *part) {
	var want []string
	for _, ref := range []string{"a-1", "a-2", "b-1", "ab-1", "a-3", "a-4", "a-5", "a-6", "a-7", "a-8", "a-9", "a-10"} {
		p.charge(ref, 1000, terminal.Declined)
		if ref[:2] == "a-" {
			want = append(want, ref)
		}
	}
	p.charge("a-11", 500, terminal.Unknown)
	list, err := p.j.CardCharges("a")
	p.wantErr("CardCharges", err, nil)
	var got []string
	for _, c := range list {
		got = append(got, c.Intent.Ref)
	}
	p.want("charges", got, append(want, "a-11"))
	p.want("the last one", list[len(list)-1].Result.State, terminal.Unknown)
	none, err := p.j.CardCharges("c")
	p.want("of a sale without charges", []any{len(none), err}, []any{0, error(nil)})
}

func releasesCharge(p *part) {
	p.charge("a-1", 1000, terminal.Approved)
	p.charge("a-2", 1000, terminal.Declined)
	p.wantErr("an unknown one", p.j.ReleaseCharge("b-1", Now, "Rosa: se fue"), terminal.ErrNoEntry)
	p.wantErr("one that paid nothing", p.j.ReleaseCharge("a-2", Now, "Rosa: se fue"), sale.ErrCard)
	p.want("without a reason is refused", p.j.ReleaseCharge("a-1", Now, " ") != nil, true)
	p.want("with a card's number is refused", p.j.ReleaseCharge("a-1", Now, "4539578763621486") != nil, true)
	p.wantErr("released", p.j.ReleaseCharge("a-1", Now, "Rosa: se fue"), nil)
	p.wantErr("again", p.j.ReleaseCharge("a-1", Now, "Luis: otra vez"), nil)
	list, err := p.j.CardCharges("a")
	p.wantErr("CardCharges", err, nil)
	p.want("why", []string{list[0].Released, list[1].Released}, []string{"Rosa: se fue", ""})
}
