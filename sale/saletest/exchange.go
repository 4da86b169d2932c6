package saletest

import (
	"crypto/rand"
	"slices"
	"testing"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// RunExchanges is the suite of what comes back for something else, and of the slips.
func RunExchanges(t *testing.T, open Open) {
	run(t, swapping(open), []piece[*swaps]{
		{"for dearer goods: a boleta of the difference", dearer},
		{"for cheaper goods: a credit note of the difference", cheaper},
		{"for the same: a slip and no document", same},
		{"each kind of goods for itself", kinds},
		{"lives and dies with its sale", wholeOrNot},
		{"the boleta of an exchange comes back whole", undone},
		{"refuses what has no place in it", refusesExchange},
		{"comes back without its document", without},
		{"of a sale by voucher: a slip", voucherBack},
		{"keeps a slip once", keepsSlip},
		{"refuses a slip that is none", refusesSlip},
	})
}

// swapping begins with folios of what an exchange may need, and something to sell.
func swapping(open Open) func(*testing.T) *swaps {
	return func(t *testing.T) *swaps {
		x := &swaps{part: stocked(open, 40, dte.Boleta, dte.BoletaExenta, dte.Factura, dte.NotaCredito)(t)}
		x.deps = sale.Deps{
			Shop: Shop(), Journal: x.j, Signer: dtetest.Signer(dtetest.Person), Now: dtetest.Now, Rand: rand.Reader,
			Catalogue: sale.NewCatalogue([]sale.Product{
				{Codigo: "A", Nombre: "Polera", Prc: money.PerUnit(10_000)},
				{Codigo: "B", Nombre: "Pantalón", Prc: money.PerUnit(15_005)},
				{Codigo: "C", Nombre: "Calcetín", Prc: money.PerUnit(2_990)},
				{Codigo: "D", Nombre: "Bufanda", Prc: money.PerUnit(10_000)},
				{Codigo: "L", Nombre: "Libro exento", Prc: money.PerUnit(4_000), Exento: true},
			}),
		}
		x.restart()
		return x
	}
}

// swaps is a counter on the journal.
type swaps struct {
	*part
	deps sale.Deps
	r    *sale.Register
}

// restart is the till after a power cut.
func (x *swaps) restart() {
	x.Helper()
	var err error
	x.r, err = sale.NewRegister(x.deps)
	x.wantErr("NewRegister", err, nil)
}

func (x *swaps) scan(codes ...string) {
	x.Helper()
	for _, c := range codes {
		_, err := x.r.Scan(c)
		x.wantErr("scan "+c, err, nil)
	}
}

// sell sells for cash.
func (x *swaps) sell(codes ...string) sale.Record {
	x.Helper()
	x.scan(codes...)
	return x.pay()
}

func (x *swaps) sellByCardAndCash(code string) sale.Record {
	x.Helper()
	x.scan(code)
	x.wantErr("Charge", x.r.Charge(), nil)
	x.wantErr("Tender", x.r.Tender(sale.Debito, 4000, "1"), nil)
	x.wantErr("Tender", x.r.Tender(sale.Efectivo, 0, ""), nil)
	r, err := x.r.Issue()
	x.wantErr("Issue", err, nil)
	x.r.Next()
	return r
}

func (x *swaps) pay() sale.Record {
	x.Helper()
	x.wantErr("Charge", x.r.Charge(), nil)
	x.wantErr("Tender", x.r.Tender(sale.Efectivo, 0, ""), nil)
	r, err := x.r.Issue()
	x.wantErr("Issue", err, nil)
	x.r.Next()
	return r
}

// brings begins an exchange of units of lines, given in turn: line, units, line, units.
func (x *swaps) brings(of sale.Record, linesAndUnits ...int) {
	x.Helper()
	x.wantErr("BeginExchange", x.r.BeginExchange(returning(of, linesAndUnits...)), nil)
}

func returning(of sale.Record, linesAndUnits ...int) sale.Return {
	back := sale.Return{Reason: "otra talla"}
	for pair := range slices.Chunk(linesAndUnits, 2) {
		back.Lines = append(back.Lines, sale.ReturnedLine{Of: of.Key, Line: pair[0], Qty: money.Units(int64(pair[1])), Restock: true})
	}
	return back
}

func (x *swaps) settles(asVale bool) sale.Record {
	x.Helper()
	x.wantErr("SettleExchange", x.r.SettleExchange(asVale, sale.ByTerminal), nil)
	r := x.r.Snapshot().Last
	x.r.Next()
	return *r
}

func (x *swaps) document(key dte.Key) *dte.Document {
	x.Helper()
	xml, _, err := x.j.Document(key)
	x.wantErr("Document", err, nil)
	doc, err := dte.Parse(xml)
	x.wantErr("Parse", err, nil)
	return doc
}

// stillHas checks how many units of each line may still come back.
func (x *swaps) stillHas(of sale.Record, units ...int64) {
	x.Helper()
	open, err := sale.OpenReturn(x.j, of.Key)
	x.wantErr("OpenReturn", err, nil)
	for i, n := range units {
		x.want("left of line", open.Left(i+1), money.Units(n))
	}
}

func dearer(x *swaps) {
	first := x.sell("2*A")
	x.brings(first, 1, 1)
	s := x.r.Snapshot()
	x.want("what came back", []any{s.Change.What, s.Change.Of, s.Change.Worth}, []any{"1 × Polera", first.Key, money.Pesos(10_000)})
	x.scan("B")
	s = x.r.Snapshot()
	x.want("total and difference", []money.Pesos{s.Total, s.Change.Due}, []money.Pesos{5005, 5005})
	r := x.pay()
	x.want("document", []any{r.Key.Tipo, r.Total, len(r.Lines), r.Returned[0].Worth}, []any{dte.Boleta, money.Pesos(5005), 1, money.Pesos(10_000)})
	doc := x.document(r.Key)
	x.want("its totals", []money.Pesos{doc.Totales.MntTotal, doc.Totales.MntNeto, doc.Totales.IVA}, []money.Pesos{5005, 4206, 799})
	x.want("what it takes off", []any{doc.DscRcg[0].Monto, doc.DscRcg[0].IndExe, doc.DscRcg[0].Glosa}, []any{money.Pesos(10_000), dte.Afecto, "Cambio: 1 × Polera"})
	ref := doc.Referencia[0]
	x.want("what it names", []any{ref.TpoDocRef, ref.FolioRef, ref.RazonRef, ref.CodRef}, []any{"39", first.Key.Folio.String(), "Cambio: otra talla", dte.CodRef(0)})
	x.stillHas(first, 1)
	_, err := sale.TakeBack(x.deps, sale.Return{ID: "x", Reason: "roto", Lines: returning(first, 1, 2).Lines})
	x.wantErr("more than is left", err, dte.ErrNote)
	x.wantErr("an exchange of more than is left", x.r.BeginExchange(returning(first, 1, 2)), dte.ErrNote)
}

func cheaper(x *swaps) {
	_, err := x.j.OpenShift(Now, "", 50_000)
	x.wantErr("OpenShift", err, nil)
	first := x.sell("2*A")
	x.brings(first, 1, 1)
	x.scan("C")
	s := x.r.Snapshot()
	x.want("the customer owes nothing", []money.Pesos{s.Total, s.Change.Due}, []money.Pesos{0, -7010})
	x.wantErr("Charge", x.r.Charge(), sale.ErrExchange)
	total, refund, err := x.r.PlanExchange(false, sale.ByTerminal)
	x.want("plan", []any{total, refund.Tenders[0].Method, refund.Tenders[0].Amount, err}, []any{money.Pesos(7010), sale.Efectivo, money.Pesos(7010), error(nil)})
	r := x.settles(false)
	x.want("document", []any{r.Key.Tipo, r.Total, r.Taken[0].Nombre, r.Returned[0].Worth}, []any{dte.NotaCredito, money.Pesos(7010), "Calcetín", money.Pesos(10_000)})
	doc := x.document(r.Key)
	ref := doc.Referencia[0]
	x.want("what it corrects", []any{ref.TpoDocRef, ref.FolioRef, ref.CodRef, doc.Totales.MntTotal}, []any{"39", first.Key.Folio.String(), dte.CorrigeMontos, money.Pesos(7010)})
	shift, err := x.j.CurrentShift()
	x.want("the drawer", []any{shift.Expected(), err}, []any{money.Pesos(50_000 + 20_000 - 7010), error(nil)})
	x.stillHas(first, 1)
	rest, err := sale.TakeBack(x.deps, sale.Return{ID: "rest", Reason: "roto", Lines: returning(first, 1, 1).Lines})
	x.want("the rest gives back what is left of the money", []any{rest.Total, rest.Payment.Tenders[0].Amount, err}, []any{money.Pesos(10_000), money.Pesos(10_000), error(nil)})

	second := x.sell("A")
	x.brings(second, 1, 1)
	x.scan("C")
	r = x.settles(true)
	third := x.sellByCardAndCash("A")
	x.brings(third, 1, 1)
	x.scan("C")
	_, refund, err = x.r.PlanExchange(false, sale.ByTerminal)
	x.want("to the card first", []any{refund.Tenders[0].Method, refund.Tenders[0].Amount, refund.Tenders[1].Amount, err}, []any{sale.Debito, money.Pesos(4000), money.Pesos(3010), error(nil)})
	code := r.Payment.Tenders[0].Reference
	m, err := x.j.Account(sale.ValeAccount(code))
	x.want("as a vale", []any{r.Payment.Tenders[0].Method, m.Balance, err}, []any{sale.Vale, money.Pesos(7010), error(nil)})
}

func same(x *swaps) {
	_, err := x.j.OpenShift(Now, "", 0)
	x.wantErr("OpenShift", err, nil)
	first := x.sell("3*A")
	x.brings(first, 1, 1)
	x.scan("D")
	s := x.r.Snapshot()
	x.want("nobody owes", []money.Pesos{s.Total, s.Change.Due}, []money.Pesos{0, 0})
	r := x.settles(false)
	x.want("slip", []any{r.Key.Tipo, r.Key.Folio, r.Total, r.Reason, r.Shift}, []any{sale.Cambio, dte.Folio(1), money.Pesos(0), "otra talla", 1})
	x.want("goods", []any{r.Lines[0].Nombre, r.Returned[0].Qty}, []any{"Bufanda", money.One})
	x.left(dte.Boleta, 39)
	x.left(dte.NotaCredito, 40)
	x.stillHas(first, 2)
	shift, err := x.j.CurrentShift()
	x.want("the drawer", []any{shift.Expected(), shift.Sales, err}, []any{money.Pesos(30_000), 2, error(nil)})
	cart, err := x.j.LoadCart()
	x.want("its cart is gone", []any{cart.Empty(), err}, []any{true, error(nil)})
}

func kinds(x *swaps) {
	first := x.sell("A", "L")
	x.brings(first, 1, 1, 2, 1)
	x.scan("B")
	x.want("taxed up and exempt down", x.r.Snapshot().Change.Problem != "", true)
	x.wantErr("Charge", x.r.Charge(), sale.ErrExchange)
	x.wantErr("SettleExchange", x.r.SettleExchange(false, sale.ByTerminal), sale.ErrExchange)
	x.scan("2*L")
	r := x.pay()
	doc := x.document(r.Key)
	x.want("both up", []money.Pesos{doc.Totales.MntTotal, doc.Totales.MntExe}, []money.Pesos{9005, 4000})
	x.want("both off", []any{len(doc.DscRcg), doc.DscRcg[1].IndExe, doc.DscRcg[1].Monto}, []any{2, dte.Exento, money.Pesos(4000)})

	books := x.sell("2*L")
	x.brings(books, 1, 1)
	x.scan("2*L")
	r = x.pay()
	x.want("exempt for exempt", []any{r.Key.Tipo, r.Total}, []any{dte.BoletaExenta, money.Pesos(4000)})
	x.brings(books, 1, 1)
	x.scan("A")
	x.wantErr("taxed for exempt", x.r.Charge(), sale.ErrExchange)
	x.wantErr("Void", x.r.Void("no se puede"), nil)
	x.brings(books, 1, 1)
	x.want("and it came back", x.r.Snapshot().Change.Due, money.Pesos(-4000))
	x.wantErr("nothing for it", x.r.SettleExchange(false, sale.ByTerminal), sale.ErrExchange)
}

func wholeOrNot(x *swaps) {
	first := x.sell("2*A")
	x.brings(first, 1, 1)
	x.restart()
	x.want("after a power cut", x.r.Snapshot().Change.Worth, money.Pesos(10_000))
	x.scan("B")
	x.wantErr("Hold", x.r.Hold("señora"), nil)
	x.want("an empty till", x.r.Snapshot().Change, (*sale.Change)(nil))
	held, err := x.r.Held()
	x.want("held", []any{len(held), err}, []any{1, error(nil)})
	x.brings(first, 1, 1)
	x.wantErr("over an open exchange", x.r.Recall(held[0].Cart.ID), sale.ErrOpenCart)
	_, err = x.r.CloseShift(0)
	x.want("no shift ends under it", err != nil, true)
	x.want("a reason to drop it", x.r.Void("") != nil, true)
	x.wantErr("Void", x.r.Void("se arrepintió"), nil)
	x.want("dropped", []any{x.r.Snapshot().Change, x.r.Snapshot().Cart.Empty()}, []any{(*sale.Change)(nil), true})
	x.stillHas(first, 2)
	x.wantErr("Recall", x.r.Recall(held[0].Cart.ID), nil)
	x.want("whole again", []money.Pesos{x.r.Snapshot().Change.Worth, x.r.Snapshot().Total}, []money.Pesos{10_000, 5005})

	_, err = sale.TakeBack(x.deps, sale.Return{ID: "both", Reason: "roto", Lines: returning(first, 1, 2).Lines})
	x.wantErr("meanwhile both came back", err, nil)
	x.wantErr("Charge", x.r.Charge(), dte.ErrNote)
}

func undone(x *swaps) {
	first := x.sell("A")
	x.brings(first, 1, 1)
	x.scan("B", "C")
	second := x.pay()
	x.stillHas(first, 0)
	x.wantErr("exchanged again", x.r.BeginExchange(returning(second, 1, 1)), sale.ErrExchange)
	_, err := sale.TakeBack(x.deps, sale.Return{ID: "part", Reason: "roto", Lines: returning(second, 1, 1).Lines})
	x.wantErr("a part of it", err, sale.ErrExchange)
	note, err := sale.TakeBack(x.deps, sale.Return{ID: "all", Reason: "roto", Lines: returning(second, 1, 1, 2, 1).Lines})
	x.want("all of it", []any{note.Total, err}, []any{money.Pesos(7995), error(nil)})
	x.stillHas(first, 1)
	note, err = sale.TakeBack(x.deps, sale.Return{ID: "first", Reason: "roto", Lines: returning(first, 1, 1).Lines})
	x.want("and the first one", []any{note.Total, err}, []any{money.Pesos(10_000), error(nil)})
}

func refusesExchange(x *swaps) {
	first := x.sell("A")
	buyer := dte.Receptor{RUT: 77777777, RznSoc: "CONSTRUCTORA PEÑA LTDA", Giro: "CONSTRUCCIÓN", Direccion: "CALLE UNO 234", Comuna: "Maipú"}
	x.wantErr("Choose", x.r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer}), nil)
	x.wantErr("in a factura", x.r.BeginExchange(returning(first, 1, 1)), sale.ErrExchange)
	factura := x.sell("A")
	x.wantErr("of a factura", x.r.BeginExchange(returning(factura, 1, 1)), sale.ErrExchange)
	x.want("nothing", x.r.BeginExchange(sale.Return{Reason: "x"}) != nil, true)
	x.want("without a reason", x.r.BeginExchange(sale.Return{Lines: returning(first, 1, 1).Lines}) != nil, true)
	x.brings(first, 1, 1)
	x.wantErr("twice", x.r.BeginExchange(returning(first, 1, 1)), sale.ErrExchange)
	x.wantErr("for a factura", x.r.Choose(sale.Choice{Tipo: dte.Factura, Receptor: buyer}), sale.ErrExchange)
	x.want("still open", x.r.Snapshot().Change.Worth, money.Pesos(10_000))
}

func without(x *swaps) {
	_, err := x.j.OpenShift(Now, "", 12_000)
	x.wantErr("OpenShift", err, nil)
	x.want("nothing", x.r.TakeBackWithout("regalo", true) != nil, true)
	x.scan("C")
	x.want("no reason", x.r.TakeBackWithout(" ", true) != nil, true)
	x.wantErr("SetPrice", x.r.SetPrice(money.PerUnit(3_000), "más"), nil)
	x.want("more than the price of today", x.r.TakeBackWithout("regalo", true) != nil, true)
	x.wantErr("SetPrice", x.r.SetPrice(money.PerUnit(2_507), "con detalle"), nil)
	x.wantErr("TakeBackWithout", x.r.TakeBackWithout("regalo", false), nil)
	s := x.r.Snapshot()
	x.want("slip", []any{s.Stage, s.Last.Key.Tipo, s.Last.Key.Folio, s.Last.Total, s.Last.Reason}, []any{sale.Done, sale.DevolucionSinBoleta, dte.Folio(1), money.Pesos(2507), "regalo"})
	x.want("in cash", []any{s.Last.Payment.Tenders[0].Amount, s.Last.Payment.Rounding, s.Shift.Expected()}, []any{money.Pesos(2510), money.Pesos(3), money.Pesos(9490)})
	x.r.Next()
	x.scan("A")
	x.want("more than is in the drawer", x.r.TakeBackWithout("regalo", false) != nil, true)
	x.wantErr("as a vale", x.r.TakeBackWithout("regalo", true), nil)
	m, err := x.j.Account(sale.ValeAccount(x.r.Snapshot().Last.Payment.Tenders[0].Reference))
	x.want("vale", []any{m.Balance, err}, []any{money.Pesos(10_000), error(nil)})
	x.r.Next()
	first := x.sell("A")
	x.brings(first, 1, 1)
	x.scan("C")
	x.want("in the middle of an exchange", x.r.TakeBackWithout("regalo", true) != nil, true)
	x.left(dte.NotaCredito, 40)
}

// sellByVoucher sells by card, whose voucher is the boleta.
func (x *swaps) sellByVoucher(operation string, codes ...string) sale.Record {
	x.Helper()
	x.wantErr("SetModelo", x.j.SetModelo(sale.ModeloVoucher, Now), nil)
	x.scan(codes...)
	x.wantErr("Charge", x.r.Charge(), nil)
	x.wantErr("Tender", x.r.Tender(sale.Debito, 0, operation), nil)
	r, err := x.r.Issue()
	x.want("by voucher", []any{r.Key.Tipo, err}, []any{sale.Comprobante, error(nil)})
	x.r.Next()
	return r
}

func voucherBack(x *swaps) {
	x.wantErr("SetModelo", x.j.SetModelo(sale.ModeloVoucher, Now), nil)
	_, err := x.j.OpenShift(Now, "", 30_000)
	x.wantErr("OpenShift", err, nil)
	x.sellByVoucher("000777", "A")
	first := x.sellByVoucher("004512", "2*A", "C")
	for _, text := range []string{"004512", "4512", "$22.990", "22990", "calcetín"} {
		found, err := x.r.FindVouchers(text, 5)
		x.want("found by "+text, []any{len(found), err}, []any{1, error(nil)})
		x.want("the one", found[0].Key, first.Key)
	}
	found, err := x.r.FindVouchers("hoy", 5)
	x.want("of today, newest first", []any{len(found), found[0].Key, err}, []any{2, first.Key, error(nil)})

	part := returning(first, 1, 1)
	part.ID = "v1"
	_, err = x.r.TakeBack(part)
	x.want("a terminal annuls no part", err != nil, true)
	_, _, err = x.r.PlanReturn(part)
	x.want("and that is told before", err != nil, true)
	part.Means = sale.InCash
	total, refund, err := x.r.PlanReturn(part)
	x.want("plan", []any{total, refund.Tenders[0].Method, err}, []any{money.Pesos(10_000), sale.Efectivo, error(nil)})
	for range 2 {
		r, err := x.r.TakeBack(part)
		x.want("a part in cash", []any{r.Key.Tipo, r.Key.Folio, r.Total, err}, []any{sale.DevolucionComprobante, dte.Folio(1), money.Pesos(10_000), error(nil)})
	}
	x.stillHas(first, 1, 1)
	shift, err := x.j.CurrentShift()
	x.want("the drawer", []any{shift.Expected(), shift.Paid[sale.Debito], err}, []any{money.Pesos(20_000), money.Pesos(32_990), error(nil)})
	more := returning(first, 1, 2)
	more.ID, more.AsVale = "v2", true
	_, err = x.r.TakeBack(more)
	x.wantErr("more than is left", err, dte.ErrNote)
	x.wantErr("exchanged", x.r.BeginExchange(more), sale.ErrExchange)
	rest := returning(first, 1, 1, 2, 1)
	rest.ID, rest.AsVale = "v3", true
	r, err := x.r.TakeBack(rest)
	x.want("the rest as a vale", []any{r.Total, r.Payment.Tenders[0].Method, err}, []any{money.Pesos(12_990), sale.Vale, error(nil)})
	x.stillHas(first, 0, 0)

	whole := x.sellByVoucher("009", "A")
	all := returning(whole, 1, 1)
	all.ID = "v4"
	r, err = x.r.TakeBack(all)
	x.want("annulled at the terminal", []any{r.Payment.Tenders[0].Method, r.Payment.Tenders[0].Reference, err}, []any{sale.Debito, "009", error(nil)})
	shift, err = x.j.CurrentShift()
	x.want("the shift", []any{shift.Paid[sale.Debito], err}, []any{money.Pesos(32_990), error(nil)})
	_, err = sale.OpenReturn(x.j, dte.Key{Emisor: first.Key.Emisor, Tipo: sale.Comprobante, Folio: 99})
	x.wantErr("one that is not there", err, sale.ErrNotFound)
	x.left(dte.NotaCredito, 40)
}

func (x *swaps) slip(id sale.ID) sale.Record {
	return sale.Record{
		ID: id, At: Now, Caja: Shop().Caja, Key: dte.Key{Emisor: Shop().Emisor.RUT, Tipo: sale.DevolucionSinBoleta}, Total: 1990, Reason: "regalo",
		Lines:   []sale.Line{{Codigo: "A", Nombre: "Polera", Qty: money.One, Prc: money.PerUnit(1990), Total: 1990}},
		Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Vale, Amount: 1990, Received: 1990, Reference: "V2345678"}}},
	}
}

func keepsSlip(x *swaps) {
	_, err := x.j.OpenShift(Now, "", 5000)
	x.wantErr("OpenShift", err, nil)
	x.wantErr("SaveCart", x.j.SaveCart(sale.Cart{ID: "s1"}), nil)
	for range 2 {
		r, err := x.j.KeepSlip(x.slip("s1"))
		x.want("kept", []any{r.Key.Folio, r.Shift, err}, []any{dte.Folio(1), 1, error(nil)})
	}
	m, err := x.j.Account(sale.ValeAccount("V2345678"))
	x.want("the vale, once", []any{m.Balance, m.Kind, err}, []any{money.Pesos(1990), sale.MoveReturn, error(nil)})
	cash := x.slip("s2")
	cash.Payment = sale.Payment{Tenders: []sale.Tender{{Method: sale.Efectivo, Amount: 1990, Received: 1990}}}
	second, err := x.j.KeepSlip(cash)
	x.want("the next number", []any{second.Key.Folio, err}, []any{dte.Folio(2), error(nil)})
	shift, err := x.j.CurrentShift()
	x.want("the shift", []any{shift.Expected(), shift.ByType["903"], err}, []any{money.Pesos(3010), money.Pesos(-3980), error(nil)})
	cart, err := x.j.LoadCart()
	x.want("its cart is gone", []any{cart.ID, err}, []any{sale.ID(""), error(nil)})
	found, err := x.j.Sale("s2")
	x.want("found by its ID", []any{found.Key, err}, []any{second.Key, error(nil)})
	list, err := x.j.Slips(Now, Now.Add(1))
	x.want("of that moment", []any{len(list), err}, []any{2, error(nil)})
	list, err = x.j.Slips(Now.Add(1), Now.Add(2))
	x.want("later", []any{len(list), err}, []any{0, error(nil)})
	boleta := x.issue("s3", dte.Boleta, 500)
	again, err := x.j.KeepSlip(x.slip("s3"))
	x.want("under the ID of a boleta it is that boleta", []any{again.Key, err}, []any{boleta.Key, error(nil)})
	x.want("and the other way about", x.issue("s1", dte.Boleta, 500).Key.Tipo, sale.DevolucionSinBoleta)
}

func refusesSlip(x *swaps) {
	for name, spoil := range map[string]func(*sale.Record){
		"of the SII's":      func(r *sale.Record) { r.Key.Tipo = dte.Boleta },
		"no name":           func(r *sale.Record) { r.ID = "" },
		"no goods":          func(r *sale.Record) { r.Lines = nil },
		"no reason":         func(r *sale.Record) { r.Reason = "" },
		"no money":          func(r *sale.Record) { r.Payment.Tenders = nil },
		"other money":       func(r *sale.Record) { r.Total = 2000 },
		"of a document":     func(r *sale.Record) { r.Returned = []sale.ReturnedLine{{Line: 1}} },
		"of no document":    func(r *sale.Record) { r.Key.Tipo = sale.DevolucionComprobante },
		"money in a change": func(r *sale.Record) { r.Key.Tipo, r.Returned = sale.Cambio, []sale.ReturnedLine{{Line: 1}} },
	} {
		r := x.slip("s1")
		spoil(&r)
		_, err := x.j.KeepSlip(r)
		x.want(name+" is refused", err != nil, true)
	}
	_, err := x.j.Sale("s1")
	x.wantErr("nothing was kept", err, sale.ErrNotFound)
}
