package printer

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mostrador/dte"
	"mostrador/dte/dtetest"
	"mostrador/money"
	"mostrador/sale"
)

// abono is a payment of all that was owed, rounded to tens.
func abono(at time.Time, m sale.Method) sale.Movement {
	return sale.Movement{
		Account: sale.CreditAccount(76192083), N: 7, At: at, Kind: sale.MovePaid, ID: "a1", Amount: -13_236, Balance: 4764, Limit: 50_000,
		Method: m, Received: 13_240, Name: "Comercial Los Aromos Limitada", Shift: 12, Who: "Rosa",
	}
}

func TestSlipGoldens(t *testing.T) {
	shop := sale.Shop{Emisor: dtetest.Emisor(), Caja: "CAJA1"}
	for mm, paper := range papers() {
		slip, err := AbonoSlip(abono(jobs()["boleta"].Record.At, sale.Efectivo), shop, paper)
		if err != nil {
			t.Fatal(err)
		}
		out, err := emulate(ESCPOS(slip, Model{Paper: paper}), paper.Columns())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "abono-"+mm+".txt", out.drawing.String())
	}
	if _, err := AbonoSlip(sale.Movement{Kind: sale.MoveLimit}, shop, Paper80); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("a limit gets a slip: %v", err)
	}
}

// The slip tells the whole debt, that of the shop's other tills with it.
func TestASlipTellsTheWholeDebt(t *testing.T) {
	m := abono(jobs()["boleta"].Record.At, sale.Efectivo)
	m.Elsewhere = 2000
	slip, err := AbonoSlip(m, sale.Shop{Emisor: dtetest.Emisor(), Caja: "CAJA1"}, Paper80)
	if err != nil {
		t.Fatal(err)
	}
	out, err := emulate(ESCPOS(slip, Model{Paper: Paper80}), Paper80.Columns())
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []string{"20.000", "6.764"} {
		if text := out.drawing.String(); !strings.Contains(text, amount) {
			t.Errorf("%s is not on it:\n%s", amount, text)
		}
	}
}

// Cash that comes in at the counter opens the drawer, like that of a sale; a transfer does not, nor what is printed later.
func TestASlipIsPrintedAndItsCashGoesIntoTheDrawer(t *testing.T) {
	for name, c := range map[string]struct {
		m     sale.Method
		ago   time.Duration
		opens int
	}{
		"cash":       {sale.Efectivo, 0, 1},
		"a transfer": {sale.Transferencia, 0, 0},
		"yesterday":  {sale.Efectivo, 24 * time.Hour, 0},
	} {
		device := &memoryDevice{}
		r := newRig(t, device)
		m := abono(r.now.Add(-c.ago), c.m)
		r.enqueue(sale.PrintJob{Abono: &m})
		r.start()
		if s := r.next(); !s.Printed || s.Problem != "" {
			t.Errorf("%s: %+v", name, s)
		}
		if n := len(device.papers()); n != 1 || device.pulses() != c.opens {
			t.Errorf("%s: %d papers and %d pulses", name, n, device.pulses())
		}
	}
}

func TestASlipThatDoesNotComeOutSaysWhatIsSafe(t *testing.T) {
	r := newRig(t, &memoryDevice{errs: []error{errors.New("connection refused")}})
	m := abono(r.now, sale.Efectivo)
	r.enqueue(sale.PrintJob{Abono: &m})
	r.start()
	if s := r.next(); s.Problem != "La impresora no responde. El abono está anotado y guardado. Enciéndala; el ticket saldrá solo." {
		t.Errorf("%+v", s)
	}
	<-r.pauses
	r.resume <- time.Time{}
	if s := r.next(); !s.Printed {
		t.Errorf("%+v", s)
	}
}

// withoutReceipt is goods that came back for a vale, and nobody had their boleta.
func withoutReceipt(at time.Time) sale.Record {
	return sale.Record{
		ID: "s1", At: at, Key: dte.Key{Emisor: dtetest.Emisor().RUT, Tipo: sale.DevolucionSinBoleta, Folio: 12}, Total: 15_990, Reason: "Era un regalo",
		Lines:   []sale.Line{{Nombre: "Polera de algodón orgánico, talla M", Qty: money.One, Total: 12_990}, {Nombre: "Calcetín", Qty: 2 * money.One, Total: 3000}},
		Payment: sale.Payment{Tenders: []sale.Tender{{Method: sale.Vale, Amount: 15_990, Received: 15_990, Reference: "VK7M2QXA"}}}, Who: "Ana", Approved: "Luis",
	}
}

// The slip of a return says that it is no document, what came back, and the vale's code; of an exchange, of which boleta.
func TestKeptSlipGoldens(t *testing.T) {
	shop := sale.Shop{Emisor: dtetest.Emisor(), Caja: "CAJA1"}
	at := jobs()["boleta"].Record.At
	swap := withoutReceipt(at)
	swap.Key.Tipo, swap.Total, swap.Payment, swap.Reason = sale.Cambio, 0, sale.Payment{}, "Otra talla"
	swap.Returned = []sale.ReturnedLine{{Of: dte.Key{Emisor: swap.Key.Emisor, Tipo: dte.Boleta, Folio: 1204}, Line: 2, Qty: money.One, Worth: 15_990}}
	for mm, paper := range papers() {
		for name, r := range map[string]sale.Record{"sin-boleta": withoutReceipt(at), "cambio": swap} {
			slip, err := KeptSlip(r, shop, paper)
			if err != nil {
				t.Fatal(err)
			}
			out, err := emulate(ESCPOS(slip, Model{Paper: paper}), paper.Columns())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+"-"+mm+".txt", out.drawing.String())
		}
	}
	if _, err := KeptSlip(jobs()["boleta"].Record, shop, Paper80); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("a boleta gets a slip: %v", err)
	}
}

// A slip is printed; only cash opens the drawer.
func TestAKeptSlipIsPrinted(t *testing.T) {
	for _, m := range []sale.Method{sale.Vale, sale.Efectivo} {
		device := &memoryDevice{}
		x := newRig(t, device)
		r := withoutReceipt(x.now)
		r.Payment.Tenders[0].Method = m
		x.enqueue(sale.PrintJob{Kept: &r})
		x.start()
		if s := x.next(); !s.Printed || s.Problem != "" {
			t.Errorf("%s: %+v", m, s)
		}
		if n := len(device.papers()); n != 1 || (device.pulses() == 1) != (m == sale.Efectivo) {
			t.Errorf("%s: %d papers and %d pulses", m, n, device.pulses())
		}
	}
}

func byVoucher(at time.Time) sale.Record {
	r := withoutReceipt(at)
	r.Key, r.Reason, r.Approved = dte.Key{Emisor: r.Key.Emisor, Tipo: sale.Comprobante, Folio: 57}, "", ""
	r.Payment = sale.Payment{Tenders: []sale.Tender{{Method: sale.Credito, Amount: 15_990, Received: 15_990, Reference: "004512"}}}
	return r
}

// The copy of a sale by voucher says that it is a copy and no boleta, what was sold and by which operation.
func TestVoucherCopyGoldens(t *testing.T) {
	shop := sale.Shop{Emisor: dtetest.Emisor(), Caja: "CAJA1"}
	r := byVoucher(jobs()["boleta"].Record.At)
	for mm, paper := range papers() {
		slip, err := VoucherCopy(r, shop, paper, 2)
		if err != nil {
			t.Fatal(err)
		}
		out, err := emulate(ESCPOS(slip, Model{Paper: paper}), paper.Columns())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "copia-voucher-"+mm+".txt", out.drawing.String())
	}
	for n, bad := range map[int]sale.Record{0: r, 1: jobs()["boleta"].Record} {
		if _, err := VoucherCopy(bad, shop, Paper80, n); !errors.Is(err, ErrNotCommitted) {
			t.Errorf("copy %d of %s: %v", n, bad.Key, err)
		}
	}
}

// It is printed, and opens no drawer.
func TestAVoucherCopyIsPrinted(t *testing.T) {
	device := &memoryDevice{}
	x := newRig(t, device)
	r := byVoucher(x.now)
	x.enqueue(sale.PrintJob{Key: r.Key, Kept: &r, Copy: 1})
	x.start()
	if s := x.next(); !s.Printed || s.Problem != "" {
		t.Errorf("%+v", s)
	}
	if n := len(device.papers()); n != 1 || device.pulses() != 0 {
		t.Errorf("%d papers and %d pulses", n, device.pulses())
	}
}
